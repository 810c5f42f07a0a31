"""What hsig asks of Dask and makes of its answers: here of a made-up one, which is always there."""

import logging
import sys
import threading
from concurrent.futures import CancelledError, Future
from threading import Event
from types import ModuleType, SimpleNamespace

import pytest

import hsig
from hsig.config.loading import load_experiment
from hsig.engines.choice import numerics
from hsig.errors import ConfigError, RunError
from hsig.experiments import dask_cluster
from hsig.experiments.dask_cluster import cluster_pool, here, train_there
from hsig.experiments.parallel import run_jobs
from hsig.experiments.sweeps import LostCell, train_cell

ADDRESS = "tcp://10.0.0.1:8786"
CELL = load_experiment(flags={"activation": "hard", "epochs": "5", "seeds": "3"})
EXPECTED = here(CELL.engines)


class Executor:
    """Does what it is handed, at once."""

    def __init__(self):
        self.shut = []

    def submit(self, work, *arguments):
        future = Future()
        try:
            future.set_result(work(*arguments))
        except Exception as problem:
            future.set_exception(problem)
        return future

    def shutdown(self, **how):
        self.shut.append(how)


class Client:
    """Of a scheduler whose workers are as a test wants them."""

    def __init__(self, *, workers=None, answer=None):
        self.workers = (
            {"tcp://10.0.0.7:1": 2, "tcp://10.0.0.7:2": 1} if workers is None else workers
        )
        self.answer = answer  # of a worker by its name, if it is not that of hsig here
        self.closed, self.waited, self.executor, self.pure = 0, [], Executor(), None

    def wait_for_workers(self, number, timeout):
        self.waited.append((number, timeout))
        if not self.workers:
            raise TimeoutError

    def nthreads(self):
        if isinstance(self.workers, OSError):
            raise self.workers
        return self.workers

    def run(self, look):
        own = look()
        return {name: (self.answer or {}).get(name, own) for name in reversed(self.workers)}

    def get_executor(self, *, pure):
        self.pure = pure
        return self.executor

    def close(self):
        self.closed += 1


class KilledWorkerError(Exception):
    """As Dask's."""


@pytest.fixture
def dask(monkeypatch):
    """A module in Dask's place; what its `client` is set to is who answers."""
    module = ModuleType("distributed")
    module.asked, module.client = [], Client()

    def made(address, **settings):
        module.asked.append((address, settings))
        if isinstance(module.client, Exception):
            raise module.client
        return module.client

    module.Client, module.KilledWorker = made, KilledWorkerError
    module.get_worker = lambda: SimpleNamespace(address="tcp://10.0.0.7:3")
    monkeypatch.setitem(sys.modules, "distributed", module)
    return module


@pytest.fixture
def crew(dask):
    """A crew, and what it tells."""
    told = []
    made = cluster_pool(ADDRESS, [CELL], told.append)
    assert dask.asked
    made.told = told
    return made


def refusal(*arguments):
    with pytest.raises((ConfigError, RunError)) as refused:
        cluster_pool(*arguments)
    return type(refused.value), list(refused.value.messages)


# --- who answers ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1:8786", "tls://host:1", "ws://a:1", "wss://a:1/b", "ucx://host:99", ADDRESS],
)
def test_a_scheduler_is_asked_at_its_address(dask, address):
    crew = cluster_pool(address, [CELL], print)
    assert dask.asked == [(address, {"timeout": 10, "set_as_default": False})]
    assert dask.client.waited == [(1, 10)]
    assert dask.client.pure is False  # as a cell that was lost is to be trained, not remembered
    assert dask.client.closed == 0
    assert (crew.number, crew.ahead, crew.patience_s) == (3, 100, 3.0)


def test_a_large_cluster_has_work_ahead_for_all_its_threads(dask):
    dask.client.workers = {"a": 20, "b": 10}
    assert cluster_pool(ADDRESS, [CELL], print).ahead == 120


@pytest.mark.parametrize(
    "address",
    ["here", "tcp://", "10.0.0.1", "tcp://a b:1", "http://10.0.0.1:80", "a:1 ", "a:1/b c"],
)
@pytest.mark.usefixtures("dask")
def test_what_is_no_address_is_refused_with_an_example(address):
    told = (
        "--scheduler: expected the address of a Dask scheduler, such as tcp://10.0.0.1:8786, "
        f"got the text '{address}'"
    )
    assert refusal(address, [CELL], print) == (ConfigError, [told])


def test_where_dask_is_not_installed_it_is_told_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    told = (
        "--scheduler: needs Dask, which is not installed: pip install distributed, or from a clone "
        "of hsig pip install '.[dask]'"
    )
    assert refusal(ADDRESS, [CELL], print) == (ConfigError, [told])


def test_what_cannot_be_reached_is_told_with_the_reason(dask):
    dask.client = OSError("Timed out trying to connect")
    told = (
        f"--scheduler: {ADDRESS}: no Dask scheduler answers: Timed out trying to connect. Expected "
        "the address that `dask scheduler` prints, such as tcp://10.0.0.1:8786"
    )
    assert refusal(ADDRESS, [CELL], print) == (RunError, [told])


def test_what_listens_and_never_answers_is_not_waited_for(dask, monkeypatch):
    monkeypatch.setattr(dask_cluster, "_PATIENCE_S", -0.95)
    answers = Event()
    dask.Client = lambda *_, **__: answers.wait(60)
    told = (
        f"--scheduler: {ADDRESS}: no Dask scheduler answers: what listens there is something else. "
        "Expected the address that `dask scheduler` prints, such as tcp://10.0.0.1:8786"
    )
    assert refusal(ADDRESS, [CELL], print) == (RunError, [told])
    waiting = [thread for thread in threading.enumerate() if thread.name.endswith("(connect)")]
    assert waiting
    assert all(thread.daemon for thread in waiting)  # which keeps no process from ending
    answers.set()


def test_an_answer_is_waited_for_a_second_longer_than_dask_waits(dask, monkeypatch):
    waited = []

    class Noted(Future):
        def result(self, timeout=None):
            waited.append(timeout)
            return super().result(timeout)

    monkeypatch.setattr(dask_cluster, "Future", Noted)
    cluster_pool(ADDRESS, [CELL], print)
    assert waited == [dask.asked[0][1]["timeout"] + 1]


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (TimeoutError(), "the cluster has no workers"),
        (OSError("gone"), "the cluster does not answer: gone"),
    ],
)
def test_a_cluster_of_no_use_is_told_and_left(dask, monkeypatch, problem, told):
    def fail(*_, **__):
        raise problem

    monkeypatch.setattr(dask.client, "wait_for_workers", fail)
    assert refusal(ADDRESS, [CELL], print) == (RunError, [f"--scheduler: {ADDRESS}: {told}"])
    assert dask.client.closed == 1


def test_what_else_goes_wrong_leaves_the_cluster_too(dask, monkeypatch):
    monkeypatch.setattr(dask.client, "run", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cluster_pool(ADDRESS, [CELL], print)
    assert dask.client.closed == 1


@pytest.mark.usefixtures("dask")
def test_dask_says_nothing_of_its_own():
    loggers = [logging.getLogger(f"distributed{name}") for name in ("", ".comm", ".worker.memory")]
    others = [logging.getLogger(name) for name in ("distributed_other", "dask.array")]
    for logger in (*loggers, *others):
        logger.setLevel(logging.DEBUG)
    cluster_pool(ADDRESS, [CELL], print)
    assert [logger.isEnabledFor(logging.CRITICAL) for logger in loggers] == [False] * 3
    assert [logger.isEnabledFor(logging.DEBUG) for logger in others] == [True] * 2


# --- workers that would not give the same bits ------------------------------------------------


def test_what_must_be_the_same_is_hsig_and_all_that_numbers_depend_on():
    assert here(["reference"]) == {"hsig": hsig.__version__, **numerics(["reference"])}
    assert here([]).keys() == {"hsig", "numerics"}


def test_workers_that_differ_are_named_each_with_all_in_which_it_does(dask):
    dask.client.answer = {
        "tcp://10.0.0.7:1": {**EXPECTED, "numerics": "0"},
        "tcp://10.0.0.7:2": {"hsig": "not installed (No module named 'hsig')"},
    }
    absent = ", ".join(f"{name} unknown (here {EXPECTED[name]})" for name in [*EXPECTED][1:])
    begins = "--scheduler: the worker tcp://10.0.0.7"
    differs = "would not give the same bits:"
    assert refusal(ADDRESS, [CELL], print) == (
        RunError,
        [
            f"{begins}:1 {differs} numerics 0 (here {EXPECTED['numerics']})",
            f"{begins}:2 {differs} hsig not installed (No module named 'hsig') (here "
            f"{hsig.__version__}), {absent}",
        ],
    )
    assert dask.client.closed == 1


def test_a_worker_is_asked_for_the_engines_of_the_cells_alone(dask):
    slow = load_experiment(flags={"activation": "hard", "engine": "reference"})
    asked = []
    dask.client.run = lambda look: asked.append(look()) or {}
    cluster_pool(ADDRESS, [slow, slow], print)
    assert asked == [here(["reference"])]


def test_a_worker_without_hsig_says_so_itself(dask, monkeypatch):
    def without_hsig(look):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, "hsig.experiments.dask_cluster", None)
            return {"tcp://10.0.0.7:1": look()}

    dask.client.run = without_hsig
    _, (message,) = refusal(ADDRESS, [CELL], print)
    assert "bits: hsig not installed (import of hsig.experiments.dask_cluster halted" in message


@pytest.mark.usefixtures("dask")
def test_a_worker_trains_as_this_machine_does_or_refuses_by_its_own_name():
    there, ours = train_there(CELL, {**EXPECTED, "of another cell": "1"}), train_cell(CELL)
    assert there.seeds == ours.seeds
    assert there.cost.tobytes() == ours.cost.tobytes()
    with pytest.raises(RunError) as refused:
        train_there(CELL, {**EXPECTED, "numerics": "999"})
    assert str(refused.value) == (
        "--scheduler: the worker tcp://10.0.0.7:3 would not give the same bits: numerics "
        f"{EXPECTED['numerics']} (here 999)"
    )


# --- while it trains --------------------------------------------------------------------------


def test_cells_are_trained_by_its_executor_and_then_it_is_left(dask, crew):
    ((number, result),) = run_jobs([(7, CELL)], crew)
    assert (number, result.seeds) == (7, (0, 1, 2))
    assert (dask.client.executor.shut, dask.client.closed) == ([{"wait": False}], 1)


def test_what_a_worker_must_have_goes_with_each_cell(dask, crew):
    dask.client.executor.submit = lambda *handed: handed
    assert crew.submit(CELL, print) == (train_there, CELL, EXPECTED)


def test_that_all_workers_have_gone_is_told_once_and_so_that_there_are_some_again(dask, crew):
    crew.look()
    assert crew.told == []
    dask.client.workers = {}
    crew.look()
    gone = f"{ADDRESS}: all workers have gone; others are waited for, 10 min"
    assert crew.told == [gone]
    crew.look()
    assert crew.told == [gone]
    dask.client.workers = {"tcp://10.0.0.8:1": 1}
    crew.look()
    crew.look()
    assert crew.told == [gone, f"{ADDRESS}: there are workers again"]


def test_workers_are_waited_for_ten_minutes_at_a_time(dask, crew):
    for _ in range(2):  # the second time as long as the first
        dask.client.workers = {}
        for _ in range(200):  # looks, 3 s each
            crew.look()
        dask.client.workers = {"tcp://10.0.0.8:1": 1}
        crew.look()
    dask.client.workers = {}
    for _ in range(200):
        crew.look()
    with pytest.raises(RunError) as refused:
        crew.look()
    assert str(refused.value) == f"--scheduler: {ADDRESS}: there were no workers for 10 min"


def test_where_the_scheduler_has_gone_its_cells_say_so(dask, crew):
    dask.client.workers = OSError("closed")
    crew.look()
    assert crew.told == []
    for problem, told in (
        (CancelledError(), f"--scheduler: {ADDRESS}: the scheduler has gone"),
        (ValueError("no"), "--scheduler: a worker raised ValueError: no"),
        (RunError("refused"), "refused"),
    ):
        with pytest.raises(RunError) as refused:
            crew.explained(problem)
        assert list(refused.value.messages) == [told]


def test_a_cell_of_which_workers_died_is_lost(crew):
    assert crew.explained(KilledWorkerError()) == LostCell("the workers that trained it died")
