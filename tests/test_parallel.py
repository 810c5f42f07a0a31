"""Whoever trains, in threads or processes: the same bits, and nothing but time is lost."""

import os
import signal
import time
from dataclasses import replace
from functools import partial
from multiprocessing import active_children
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from setups import WithValue, activation, experiment, same_bits

from hsig.activations import ACTIVATIONS
from hsig.engines import reference
from hsig.engines.choice import fastest_engine
from hsig.errors import RunError
from hsig.experiments import parallel
from hsig.experiments.experiment import Variant
from hsig.experiments.parallel import CellPool, LocalPool, local_pool, run_jobs, run_with_workers
from hsig.experiments.sweeps import cell_steps, train_cell
from hsig.experiments.training import gather, run

posix = pytest.mark.skipif(os.name == "nt", reason="no signals on this system")
compiled_only = pytest.mark.skipif(
    fastest_engine() == reference.NAME, reason="the kernel was not built here"
)


def comparison(*functions, **fields):
    """Two activations of the table and the given functions, for the engine that takes processes."""
    settings = {"epochs": 40, "seeds": 3, "report_every": 20, "engine": "reference", "low": -2.0}
    chosen = experiment(**settings | {"high": 2.0} | fields)
    sigmoid = ACTIVATIONS["sigmoid"]
    names = [activation(name) for name in ("sigmoid", "hard")]
    made = [WithValue(f.__name__, source="a test", computed=f) for f in functions]
    variants = (Variant(a.name, (a,), sigmoid) for a in (*names, *made))
    return replace(chosen, variants=tuple(variants))


def jobs(number):
    """Of one seed, two, and so on."""
    return [(n, experiment(epochs=5, seeds=n + 1)) for n in range(number)]


def raises_later(x):
    if np.abs(x).max() > 3.0:
        raise ZeroDivisionError("no more")
    return ACTIVATIONS["sigmoid"].value(x)


def kills_its_process(x):
    os.kill(os.getpid(), signal.SIGKILL)
    return x


class StaysHere(WithValue):
    is_portable = False


# --- variants of an experiment ----------------------------------------------------------------


@pytest.mark.parametrize(("workers", "hidden"), [(2, (3,)), (3, (4, 2))])
def test_any_number_of_workers_gives_the_same_bits(workers, hidden):
    alone = comparison(hidden=hidden)
    together = replace(alone, workers=workers)
    expected = gather(alone, run(alone)).results
    found = gather(together, run_with_workers(together)).results
    for one, other in zip(expected, found, strict=True):
        assert one.epochs == other.epochs == (0, 20, 40)
        assert same_bits(one, other)
        np.testing.assert_array_equal(one.cost_last, other.cost_last)


@posix
def test_failures_and_deaths_lose_no_other_variant_and_are_told():
    chosen = comparison(raises_later, kills_its_process, workers=2)
    events = []
    with pytest.raises(RunError) as error:
        events.extend(run_with_workers(chosen))
    (message,) = error.value.messages
    assert message.startswith("kills_its_process: ")
    assert message.endswith("by signal 9")
    outcome = gather(chosen, events)
    assert not outcome.complete
    assert [bool(result.failure) for result in outcome.results] == [False, False, True]
    assert "ZeroDivisionError: no more" in outcome.results[2].failure


def test_closing_the_iterator_ends_the_processes():
    events = run_with_workers(comparison(workers=2, epochs=1_000_000))
    next(events)
    started = active_children()
    asked = time.monotonic()
    events.close()
    assert len(started) == 2
    assert all(process.daemon for process in started)  # which outlive no end of this one
    assert active_children() == []
    assert time.monotonic() - asked < 30  # and not after its million epochs


def test_small_work_and_single_variants_start_no_process(monkeypatch):
    monkeypatch.setattr(LocalPool, "_do_in_process", None)
    one = comparison(workers=8)
    for chosen in (comparison(), comparison(workers=1), replace(one, variants=one.variants[:1])):
        assert gather(chosen, run_with_workers(chosen)).complete


def test_processes_are_as_many_as_pay(monkeypatch):
    monkeypatch.setattr(parallel, "available_cores", lambda: 5)
    long, short = comparison(epochs=4000), comparison(epochs=10)
    many, deep = comparison(epochs=10, seeds=100_000), comparison(epochs=10, hidden=(2000, 2000))
    found = [parallel._count_processes([job] * 7) for job in (long, short, many, deep)]
    assert found == [5, 1, 5, 5]
    assert parallel._count_processes([long] * 2) == 2
    assert parallel._count_processes([replace(short, workers=3)] * 7) == 3


@compiled_only
def test_an_engine_has_its_own_threads_and_what_cannot_be_sent_is_trained_here(monkeypatch):
    trained = []
    monkeypatch.setattr(parallel, "available_cores", lambda: 5)
    monkeypatch.setattr(LocalPool, "_do_in_process", None)
    monkeypatch.setattr(parallel, "run", lambda _, **how: trained.append(how) or ())
    own = StaysHere("own", source="a test", computed=np.tanh)
    here_alone = replace(comparison(workers=2), variants=(Variant("own", (own,), own),))
    fast = experiment("tanh")
    for chosen, how in (
        (fast, {"threads": 5}),
        (replace(fast, workers=3), {"threads": 3}),
        (here_alone, {"threads": 2}),
    ):
        trained.clear()
        assert list(run_with_workers(chosen)) == []
        assert trained == [how]


# --- pools ------------------------------------------------------------------------------------


@compiled_only
def test_cells_are_trained_by_threads_but_those_of_the_reference_engine_by_processes(monkeypatch):
    monkeypatch.setattr(parallel, "available_cores", lambda: 7)
    fast, slow = experiment("hard"), experiment("hard", engine="reference")
    own = StaysHere("own", source="a test", computed=np.tanh)
    here_alone = replace(slow, variants=(Variant("own", (own,), own),))
    for cells, in_processes, workers in (
        ([fast], False, 7),
        ([fast, slow], True, 7),
        ([replace(slow, workers=3), slow], True, 3),
        ([slow, here_alone], False, 7),
    ):
        pool = local_pool(cells)
        pool.stop()
        assert (isinstance(pool, LocalPool), pool.workers) == (in_processes, workers)


@pytest.mark.parametrize(
    "make_pool",
    [CellPool, lambda n: LocalPool(cell_steps, n, in_processes=True)],
    ids=["threads", "processes"],
)
def test_cells_of_a_pool_have_the_bits_of_cells_alone(make_pool):
    found = dict(run_jobs(jobs(4), make_pool(2)))
    assert sorted(found) == [0, 1, 2, 3]
    for number, job in jobs(4):
        assert found[number].cost.tobytes() == train_cell(job).cost.tobytes()


def test_threads_that_are_stopped_begin_nothing_and_end_at_the_next_sign_of_life():
    begun, signs = Event(), []

    def work(job):
        begun.set()
        while True:
            signs.append(job)
            time.sleep(0.001)
            yield None

    pool = LocalPool(work, 1, in_processes=False)
    first, second = (pool.submit(job, print) for _, job in jobs(2))
    assert begun.wait(60)
    pool.stop()
    assert first.result(60) is None
    assert second.cancelled()
    assert len({id(job) for job in signs}) == 1


def test_a_pool_of_which_nothing_comes_is_checked_until_something_does_or_it_is_given_up():
    enough = Event()

    class Slow(LocalPool):
        timeout_s, checks, limit = 0.01, 0, 3

        def check_alive(self):
            self.checks += 1
            if self.checks == self.limit:
                enough.set()
                if self.limit == 2:
                    raise RunError("nobody is there")

    def work(job):
        enough.wait(60)
        yield len(job.seeds)

    assert sorted(dict(run_jobs(jobs(2), Slow(work, 1, in_processes=False)))) == [0, 1]
    enough.clear()
    impatient = Slow(work, 1, in_processes=False)
    impatient.limit = 2
    with pytest.raises(RunError, match="nobody is there"):
        dict(run_jobs(jobs(2), impatient))


# --- processes that die -----------------------------------------------------------------------

in_processes = partial(LocalPool, in_processes=True)


def dies_twice(job):
    """Reports, and kills its process, but for the third that has the job."""
    tries = Path(os.environ["HSIG_TEST_MARK"]) / str(len(job.seeds))
    with tries.open("a") as file:
        file.write("x")
    yield None
    yield "begun"
    if tries.stat().st_size < 3:
        os.kill(os.getpid(), signal.SIGKILL)
    yield len(job.seeds)


@posix
def test_a_death_counts_for_its_job_alone_and_what_was_reported_is_not_repeated(
    tmp_path, monkeypatch
):
    """Four deaths in all, with two jobs in flight, and none is lost."""
    monkeypatch.setenv("HSIG_TEST_MARK", str(tmp_path))
    found = list(run_jobs(jobs(2), in_processes(dies_twice, 2)))
    assert sorted(item for item in found if item[1] != "begun") == [(0, 1), (1, 2)]
    assert len(found) == 4
    assert {file.read_text() for file in tmp_path.iterdir()} == {"xxx"}


def names_blocked_signals(job):
    del job
    yield {int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, [])}


@posix
def test_signals_that_end_hsig_do_not_reach_its_processes():
    """Those of a terminal or a batch system go to the whole group; hsig ends its own."""
    ((_, blocked),) = run_jobs(jobs(1), in_processes(names_blocked_signals, 1))
    assert {signal.SIGINT, signal.SIGTERM, signal.SIGHUP} <= blocked
