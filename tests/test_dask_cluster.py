"""Cells on a Dask cluster: what hsig makes of its answers, and clusters of real processes."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from setups import experiment

from hsig.errors import ConfigError, RunError
from hsig.experiments import dask_cluster
from hsig.experiments.dask_cluster import cluster_pool, describe_environment, train_on_worker
from hsig.experiments.parallel import run_jobs
from hsig.experiments.sweeps import LostCell, train_cell

ADDRESS = "tcp://10.0.0.1:8786"
CELL = experiment("hard", epochs=5, seeds=3)
ENVIRONMENT = describe_environment(CELL.engines)


class Executor:
    """Does what it is handed, at once."""

    stopped = False

    def submit(self, work, *arguments):
        future = Future()
        try:
            future.set_result(work(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future

    def shutdown(self, **_):
        self.stopped = True


class Client:
    """Of a scheduler whose workers are as a test wants them."""

    def __init__(self):
        self.workers, self.closed = {"tcp://10.0.0.7:1": 2, "tcp://10.0.0.7:2": 1}, False
        self.executor = Executor()

    def wait_for_workers(self, *_, **__):
        if not self.workers:
            raise TimeoutError

    def nthreads(self):
        return self.workers

    def get_executor(self, **_):
        return self.executor

    def close(self):
        self.closed = True


class KilledWorkerError(Exception):
    """As Dask's."""


@pytest.fixture
def client(monkeypatch):
    """The client of a module in Dask's place."""
    module, client = ModuleType("distributed"), Client()
    module.Client, module.KilledWorker = lambda *_, **__: client, KilledWorkerError
    module.get_worker = lambda: SimpleNamespace(address="tcp://10.0.0.7:3")
    monkeypatch.setitem(sys.modules, "distributed", module)
    return client


def test_cells_are_trained_by_the_cluster_which_is_then_left(client):
    pool = cluster_pool(ADDRESS, [CELL], print)
    assert (pool.workers, pool.queue_size) == (3, 100)
    ((number, result),) = run_jobs([(7, CELL)], pool)
    assert (number, result.cost.tobytes()) == (7, train_cell(CELL).cost.tobytes())
    assert client.closed
    assert client.executor.stopped


def test_what_is_no_address_is_refused():
    for address in ("here", "tcp://", "10.0.0.1", "tcp://a b:1", "http://a:80"):
        with pytest.raises(ConfigError, match="--scheduler: expected the address"):
            cluster_pool(address, [], print)


def test_what_cannot_be_reached_is_said(client, monkeypatch):
    client.workers = {}
    with pytest.raises(RunError, match="the cluster has no workers"):
        cluster_pool(ADDRESS, [CELL], print)
    assert client.closed
    monkeypatch.setattr(dask_cluster, "_CONNECT_TIMEOUT_S", -0.9)
    sys.modules["distributed"].Client = lambda *_, **__: time.sleep(1)
    with pytest.raises(RunError, match="what listens there is something else"):
        cluster_pool(ADDRESS, [CELL], print)
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ConfigError, match="pip install distributed"):
        cluster_pool(ADDRESS, [CELL], print)


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("other", [{"hsig": "0.0.9"}, {"numerics": "999"}])
def test_a_worker_that_would_not_give_the_same_bits_is_named_and_ends_the_sweep(other):
    (name,) = other
    with pytest.raises(
        RunError, match=rf"tcp://10.0.0.7:3 would not .* {name} .*\(here {other[name]}\)"
    ):
        train_on_worker(CELL, ENVIRONMENT | other)
    pool = cluster_pool(ADDRESS, [CELL], print)
    with pytest.raises(RunError, match="would not give"):
        pool.to_result(RunError("would not give the same bits"))


@pytest.mark.usefixtures("client")
def test_a_cell_whose_workers_died_is_lost_and_any_other_error_ends_the_sweep():
    pool = cluster_pool(ADDRESS, [CELL], print)
    assert pool.to_result(KilledWorkerError()) == LostCell("the workers that trained it died")
    for error, message in (
        (CancelledError(), "the scheduler has gone"),
        (ModuleNotFoundError("No module named 'hsig'"), "ModuleNotFoundError: No module named"),
    ):
        with pytest.raises(RunError, match=message):
            pool.to_result(error)


def test_workers_that_have_gone_are_waited_for_and_said_once(client):
    warnings = []
    pool = cluster_pool(ADDRESS, [CELL], warnings.append)
    client.workers, before = {}, client.workers
    for _ in range(100):
        pool.check_alive()
    assert len(warnings) == 1
    client.workers = before
    pool.check_alive()
    client.workers = {}
    for _ in range(201):
        pool.check_alive()
    with pytest.raises(RunError, match="there were no workers for 10 min"):
        pool.check_alive()
    assert len(warnings) == 2


# --- with Dask --------------------------------------------------------------------------------

with_dask = pytest.mark.skipif(find_spec("distributed") is None, reason="pip install '.[dask]'")
dask_warnings = pytest.mark.filterwarnings("default")  # those of Dask are not ours

CONFIG = """
activation: hard
loss: squared
seeds: 100
hidden: 100
sweep:
  learning_rate: [0.01, 0.03, 0.1, 0.3, 1, 3]
  epochs: [500, 1000, 1500]
"""


@pytest.fixture
def config(runs):
    Path("map.yaml").write_text(CONFIG, encoding="utf-8")
    return runs


@contextmanager
def cluster(workers):
    """Workers that are processes, each of which is started again when it dies."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=":0"
    ) as made:
        yield made


def sweep(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "hsig", "sweep", "map.yaml", "-f", "json", "-q", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_cells(runs, number):
    """Until so many cells have been kept of the only sweep there, which goes on."""
    limit = time.monotonic() + 60
    # a folder that is written aside, whose name begins with a dot, may go while it is looked at
    while sum(log.read_bytes().count(b"\n") for log in runs.glob("[0-9]*/cells.*")) < number:
        assert time.monotonic() < limit
        time.sleep(0.002)


@with_dask
@dask_warnings
@pytest.mark.parametrize("engine", ["auto", "reference"])
@pytest.mark.usefixtures("config")
def test_a_cluster_gives_the_bits_of_this_machine(engine):
    few = ("--engine", engine, "--seeds", "5", "--hidden", "3", "--epochs", "5,10", "--no-save")
    with cluster(2) as made:
        there, here = sweep("--scheduler", made.scheduler_address, *few), sweep(*few)
        assert there.communicate() == here.communicate()
    assert (there.returncode, here.returncode) == (0, 0)


@with_dask
@dask_warnings
def test_a_killed_worker_and_ctrl_c_lose_only_the_time_of_cells(config):
    with cluster(2) as made:
        there = ("--scheduler", made.scheduler_address)
        running = sweep(*there)
        wait_for_cells(config, 2)
        running.send_signal(signal.SIGINT)
        out, _ = running.communicate()
        assert running.returncode == 130
        assert not json.loads(out)["complete"]
        running = sweep(*there)
        os.kill(min(worker.pid for worker in made.workers.values()), signal.SIGKILL)
        out, err = running.communicate()
    assert (running.returncode, err) == (0, "")
    assert out == sweep("--no-save").communicate()[0]


@with_dask
@dask_warnings
def test_a_scheduler_that_goes_away_ends_a_sweep_with_what_is_done(config):
    with cluster(1) as made:
        running = sweep("--scheduler", made.scheduler_address)
        wait_for_cells(config, 2)
    out, err = running.communicate()
    assert running.returncode == 3
    assert re.fullmatch(r"error: --scheduler: tcp://\S+: the scheduler has gone\n", err)
    assert 2 <= len(json.loads(out)["cells"]) < 18
