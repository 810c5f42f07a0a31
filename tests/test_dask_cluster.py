import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest
from typer.testing import CliRunner

import hsig
from hsig.cli.app import app
from hsig.engines import compiled
from hsig.engines.engine import NUMERICS
from hsig.errors import ConfigError, RunError
from hsig.experiments.dask_cluster import cluster_pool
from hsig.runs.store import read_records
from hsig.runs.sweeps import read_sweep

distributed = pytest.importorskip("distributed", reason="pip install '.[dask]'")
pytestmark = pytest.mark.filterwarnings("default")  # those of Dask are not ours

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
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HSIG_RUNS_DIR")
    path = tmp_path / "map.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def cluster():
    """Two workers, each a process that is started again when it dies."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
    ) as made:
        yield made


def sweep(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "hsig", "sweep", "map.yaml", "-f", "json", "-q", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def on(cluster, *arguments):
    return sweep("--scheduler", cluster.scheduler_address, *arguments)


def numbers(runs):
    """Every number of every cell of the only sweep there, as bytes."""
    (record,), _ = read_records(Path(runs))
    return {
        cell: [
            getattr(result, name).tobytes()
            for name in ("solved", "solved_at", "lost_at", "diverged_at", "verdict", "cost")
        ]
        for cell, result in read_sweep(record).results.items()
    }


def wait_for_cells(runs, number):
    """Until so many cells have been kept of the only sweep there, which goes on."""
    patience = time.monotonic() + 60
    while sum(log.read_bytes().count(b"\n") for log in Path(runs).glob("*/cells.log")) < number:
        assert time.monotonic() < patience
        time.sleep(0.002)


@pytest.mark.parametrize("engine", ["auto", "reference"])
def test_a_cluster_gives_the_bits_of_this_machine(config, cluster, engine):
    config.write_text(CONFIG.replace("[500, 1000, 1500]", "[5, 10, 15]"), encoding="utf-8")
    few = ("--engine", engine, "--seeds", "5", "--hidden", "3")
    there, here = on(cluster, *few, "--runs-dir", "there"), sweep(*few, "--runs-dir", "here")
    assert there.communicate() == here.communicate()
    assert (there.returncode, here.returncode) == (0, 0)
    assert numbers("there") == numbers("here")


@pytest.mark.usefixtures("config")
def test_a_worker_that_is_killed_loses_only_its_cells_time(cluster):
    before = {worker.pid for worker in cluster.workers.values()}
    running = on(cluster)
    wait_for_cells("runs", 3)
    os.kill(min(before), signal.SIGKILL)
    out, err = running.communicate()
    assert (running.returncode, err) == (0, "")
    assert {worker.pid for worker in cluster.workers.values()} != before
    assert out == sweep("--runs-dir", "here").communicate()[0]
    assert numbers("runs") == numbers("here")


@pytest.mark.usefixtures("config")
def test_ctrl_c_keeps_what_is_done_and_the_cluster_goes_on(cluster):
    running = on(cluster)
    wait_for_cells("runs", 2)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate()
    assert running.returncode == 130
    assert err == "interrupted: the same command goes on from here\n"
    assert not json.loads(out)["complete"]
    out, err = on(cluster).communicate()
    assert (json.loads(out)["complete"], err) == (True, "")


@pytest.mark.usefixtures("config")
def test_a_scheduler_that_goes_away_ends_it_with_what_is_done():
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=":0"
    ) as made:
        running = on(made)
        wait_for_cells("runs", 2)
    out, err = running.communicate()
    assert running.returncode == 3
    assert re.fullmatch(r"error: --scheduler: tcp://\S+: the scheduler has gone\n", err)
    cells = json.loads(out)["cells"]
    assert 2 <= len(cells) < 18
    assert json.loads(sweep().communicate()[0])["complete"]


# --- when all workers have gone ---------------------------------------------------------------

GONE = r"tcp://\S+: all workers have gone; others are waited for, 10 min\n"


@contextmanager
def small_cluster():
    """One worker, which is not started again when it is taken away."""
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, dashboard_address=":0"
    ) as made:
        yield made


def line_of(stream):
    """The next line that is said, in a while."""
    with ThreadPoolExecutor(1) as other:
        return other.submit(stream.readline).result(60)


@contextmanager
def without_workers():
    """A cluster whose worker has just been taken away from a sweep, and that sweep."""
    with small_cluster() as made:
        running = on(made)
        wait_for_cells("runs", 2)
        made.scale(0)
        assert re.fullmatch(GONE, line_of(running.stderr))
        yield made, running


@pytest.mark.usefixtures("config")
def test_when_all_workers_have_gone_it_says_so_and_goes_on_with_others():
    with without_workers() as (made, running):
        made.scale(1)
        out, err = running.communicate(timeout=120)
    assert running.returncode == 0
    assert re.fullmatch(r"(tcp://\S+: there are workers again\n)?", err)  # if it had to wait
    assert out == sweep("--runs-dir", "here").communicate()[0]
    assert numbers("runs") == numbers("here")


@pytest.mark.usefixtures("config")
def test_while_it_waits_for_workers_ctrl_c_ends_it_with_what_is_done():
    with without_workers() as (_, running):
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (130, "interrupted: the same command goes on from here\n")
    assert len(json.loads(out)["cells"]) >= 2
    assert json.loads(sweep().communicate()[0])["complete"]


@pytest.mark.usefixtures("config")
def test_it_does_not_wait_for_workers_for_ever_and_the_same_command_goes_on(monkeypatch):
    monkeypatch.setattr("hsig.experiments.dask_cluster._LOOK_S", 0.3)
    monkeypatch.setattr("hsig.experiments.dask_cluster._ABSENCE_MOST_S", 1.5)
    with small_cluster() as made:
        taken_away = Thread(target=lambda: (wait_for_cells("runs", 2), made.scale(0)))
        taken_away.start()
        found = CliRunner().invoke(
            app, ["sweep", "map.yaml", "-q", "-f", "json", "--scheduler", made.scheduler_address]
        )
        taken_away.join()
    assert isinstance(found.exception, RunError)
    assert found.exception.exit_code == 3
    assert re.fullmatch(
        r"--scheduler: tcp://\S+: there were no workers for 0.025 min", str(found.exception)
    )
    assert found.stderr.count("all workers have gone") == 1
    assert 2 <= len(json.loads(found.stdout)["cells"]) < 18
    assert json.loads(sweep().communicate()[0])["complete"]


# --- workers that would not give the same bits -----------------------------------------------


@contextmanager
def worker(cluster, packages):
    """One more worker, which has the hsig of a folder of packages."""
    command = [sys.executable, "-m", "distributed.cli.dask_worker", "--no-nanny", "--no-dashboard"]
    process = subprocess.Popen(
        [*command, "--name", "stranger", "--nthreads", "1", cluster.scheduler_address],
        env={**os.environ, "PYTHONPATH": str(packages)},
        stderr=subprocess.DEVNULL,
    )
    try:
        with distributed.Client(cluster, set_as_default=False) as client:
            client.wait_for_workers(3, timeout=60)
        yield
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def other(tmp_path):
    """A copy of hsig that can be changed."""
    folder = tmp_path / "packages" / "hsig"
    shutil.copytree(Path(hsig.__file__).parent, folder)
    return folder


def raise_numerics(package):
    path = package / "engines" / "__init__.py"
    path.write_text(path.read_text().replace(f"NUMERICS = {NUMERICS}\n", "NUMERICS = 999\n"))


@pytest.mark.usefixtures("config")
def test_a_worker_of_another_version_or_kernel_is_refused_by_its_name(cluster, other):
    path = other / "__init__.py"
    path.write_text(path.read_text().replace(f'"{hsig.__version__}"', '"0.0.9"'))
    for built in (other / "engines").glob("_kernel.*so"):
        built.unlink()
    with worker(cluster, other.parent):
        out, err = on(cluster).communicate()
    assert out == ""
    differs = f"hsig 0.0.9 (here {hsig.__version__})"
    if compiled.is_available():
        differs += ", kernel not built (here built)"
    assert (
        re.fullmatch(
            r"error: --scheduler: the worker tcp://\S+ would not give the same bits: (.*)\n", err
        )[1]
        == differs
    )


@pytest.mark.usefixtures("config")
def test_a_worker_that_comes_later_is_refused_by_its_name(cluster, other):
    raise_numerics(other)
    running = on(cluster, "--seeds", "3000")
    wait_for_cells("runs", 1)
    with worker(cluster, other.parent):
        _, err = running.communicate()
    assert running.returncode == 3
    assert ": numerics 999 " in err


# --- what cannot be reached -------------------------------------------------------------------


@pytest.mark.parametrize(
    "address", ["here", "tcp://", "10.0.0.1", "tcp://a b:1", "http://10.0.0.1:80"]
)
def test_what_is_no_address_is_refused(address):
    with pytest.raises(ConfigError, match="--scheduler: expected the address of a Dask scheduler"):
        cluster_pool(address, [], print)


@pytest.mark.usefixtures("config")
def test_what_is_no_scheduler_is_told_and_so_is_a_cluster_without_workers(cluster, monkeypatch):
    monkeypatch.setattr("hsig.experiments.dask_cluster._PATIENCE_S", 0.5)
    dashboard = cluster.dashboard_link.split("/")[2].partition(":")[2]
    with distributed.LocalCluster(n_workers=0, dashboard_address=":0") as empty:
        for address, what in (
            (f"tcp://127.0.0.1:{dashboard}", "no Dask scheduler answers: what listens there is"),
            ("tcp://127.0.0.1:1", "no Dask scheduler answers: Timed out "),
            (empty.scheduler_address, "the cluster has no workers"),
        ):
            found = CliRunner().invoke(app, ["sweep", "map.yaml", "--scheduler", address])
            assert isinstance(found.exception, RunError)
            (message,) = found.exception.messages
            assert message.startswith(f"--scheduler: {address}: {what}")
    assert not Path("runs").exists()
