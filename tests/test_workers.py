import os
import signal
import time
from dataclasses import replace
from multiprocessing import active_children
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from prepared import WithValue

from hsig.activations import ACTIVATIONS
from hsig.config.loading import load_experiment
from hsig.engines import reference
from hsig.engines.choice import fastest_engine
from hsig.errors import RunError
from hsig.experiments import parallel
from hsig.experiments.experiment import Checkpoint, Training, Variant
from hsig.experiments.parallel import Processes, Threads, local_pool, run_jobs, run_with_workers
from hsig.experiments.sweeps import LostCell, train_cell
from hsig.experiments.training import gather, run


def comparison(**flags):
    small = {
        "epochs": "40",
        "seeds": "3",
        "report_every": "20",
        "activations": "sigmoids",
        "engine": "reference",  # the one that needs processes
    }
    return load_experiment(flags=small | flags, command="compare")


def raises_later(x):
    """The logistic sigmoid, until its weights have grown a little."""
    if np.abs(x).max() > 3.0:
        raise ZeroDivisionError("no more")
    return ACTIVATIONS["sigmoid"].value(x)


def kills_its_process(x):
    os.kill(os.getpid(), signal.SIGKILL)
    return x


def kills_its_process_once(x):
    """The logistic sigmoid, but for the first process whose weights have grown a little."""
    mark = Path(os.environ["HSIG_TEST_MARK"])
    if np.abs(x).max() > 3.0 and not mark.exists():
        mark.touch()
        kills_its_process(x)
    return ACTIVATIONS["sigmoid"].value(x)


class StaysHere(WithValue):
    """An activation that another process cannot be told of."""

    is_portable = False


def with_variant(experiment, name, function):
    activation = WithValue(name, source="a test", computed=function)
    variant = Variant(name, activation, ACTIVATIONS["sigmoid"])
    first, *others = experiment.variants
    return replace(experiment, variants=(first, variant, *others))


def epochs_told(events):
    epochs = {}
    for event in events:
        if isinstance(event, Checkpoint):
            epochs.setdefault(event.variant.label, []).append(event.epoch)
    return epochs


@pytest.mark.parametrize("number", ["2", "3", "100"])
def test_any_number_of_workers_gives_the_same_bits(number):
    alone = comparison(workers="1")
    together = comparison(workers=number)
    expected = gather(alone, run(alone)).results
    results = gather(together, run_with_workers(together)).results
    assert len(results) == len(expected) == 16
    for result, wanted in zip(results, expected, strict=True):
        assert type(result) is type(wanted)
        if isinstance(result, Training):
            assert result.variant == wanted.variant
            assert result.epochs == wanted.epochs
            for name in ("cost_last", "cost_mean", "predictions", "solved_at", "lost_at"):
                np.testing.assert_array_equal(getattr(result, name), getattr(wanted, name))
            np.testing.assert_array_equal(result.weights.hidden, wanted.weights.hidden)
            np.testing.assert_array_equal(result.weights.output, wanted.weights.output)


def test_the_events_of_a_variant_keep_their_order():
    experiment = comparison(workers="2")
    epochs = epochs_told(run_with_workers(experiment))
    assert set(epochs) == {v.label for v in experiment.variants} - {"ultra_fast", "step"}
    assert all(found == [0, 20, 40] for found in epochs.values())


@pytest.mark.parametrize("number", ["1", "2"])
def test_a_variant_that_raises_loses_no_other(number):
    experiment = comparison(workers=number, init="uniform:-2,2")
    experiment = with_variant(experiment, "raiser", raises_later)
    outcome = gather(experiment, run_with_workers(experiment))
    failures = [result for result in outcome.results if result.failure]
    assert [failure.variant.label for failure in failures] == ["raiser", "ultra_fast", "step"]
    assert failures[0].failure.startswith("its training raised ZeroDivisionError: no more (line ")
    assert failures[0].failure.endswith(", in raises_later)")
    assert outcome.complete
    assert len(outcome.results) == 17


@pytest.mark.skipif(os.name == "nt", reason="no signals on this system")
def test_a_variant_whose_processes_keep_dying_is_told_and_the_others_are_trained():
    experiment = with_variant(comparison(workers="2"), "killer", kills_its_process)
    events = []
    with pytest.raises(RunError) as error:
        events.extend(run_with_workers(experiment))
    assert error.value.messages == ("killer: the process that trained it was ended by signal 9",)
    outcome = gather(experiment, events)
    assert not outcome.complete
    labels = [variant.label for variant in experiment.variants if variant.label != "killer"]
    assert [result.variant.label for result in outcome.results] == labels


@pytest.mark.skipif(os.name == "nt", reason="no signals on this system")
def test_a_process_that_dies_loses_only_the_time_of_what_it_was_doing(tmp_path, monkeypatch):
    monkeypatch.setenv("HSIG_TEST_MARK", str(tmp_path / "killed"))
    experiment = comparison(workers="2", init="uniform:-2,2")
    experiment = with_variant(experiment, "killer", kills_its_process_once)
    events = list(run_with_workers(experiment))
    assert (tmp_path / "killed").exists()
    # what was told before it died is not told again
    assert epochs_told(events)["killer"] == [0, 20, 40]
    outcome = gather(experiment, events)
    assert outcome.complete
    np.testing.assert_array_equal(outcome.results[1].cost_last, outcome.results[0].cost_last)


def test_closing_the_iterator_ends_the_processes():
    events = run_with_workers(comparison(workers="2", epochs="1000000"))
    next(events)
    started = active_children()
    asked = time.monotonic()
    events.close()
    assert len(started) == 2
    assert all(process.daemon for process in started)  # which outlive no end of this one
    assert all(process.exitcode is not None for process in started)
    assert active_children() == []
    assert time.monotonic() - asked < 30  # and not after its million epochs


def test_small_work_and_single_variants_start_no_process(monkeypatch):
    monkeypatch.setattr(parallel, "_SPAWN", None)
    for flags in ({}, {"workers": "1"}, {"workers": "8", "activations": "hard"}):
        experiment = comparison(**flags)
        assert gather(experiment, run_with_workers(experiment)).complete


@pytest.mark.skipif(fastest_engine() == reference.NAME, reason="the compiled engine was not built")
def test_an_engine_has_its_own_threads_and_what_cannot_be_sent_is_trained_here(monkeypatch):
    trained = []
    monkeypatch.setattr(parallel, "cores", lambda: 5)
    monkeypatch.setattr(parallel, "Processes", None)
    monkeypatch.setattr(parallel, "run", lambda job, **how: trained.append((job, how)) or ())
    fast = comparison(engine=fastest_engine(), activations="hard,tanh")
    slow = comparison(activations="hard")
    (variant,) = slow.variants
    own = StaysHere("own", source="a test", computed=np.tanh)
    here_alone = replace(slow, variants=(replace(variant, hidden_activation=own),))
    for experiment, how in (
        (fast, {"threads": 5}),
        (replace(fast, workers=3), {"threads": 3}),
        (here_alone, {"threads": 5}),
        (slow, {}),
    ):
        trained.clear()
        assert list(run_with_workers(experiment)) == []
        assert [job.variants for job, _ in trained] == [(one,) for one in experiment.variants]
        assert [found for _, found in trained] == [how] * len(experiment.variants)


def test_auto_is_all_cores_where_that_pays(monkeypatch):
    monkeypatch.setattr(parallel, "cores", lambda: 5)
    long, short, many = ({"epochs": "4000"}, {"epochs": "10"}, {"epochs": "10", "seeds": "100000"})
    assert parallel._workers([comparison(**long)] * 7) == 5
    assert parallel._workers([comparison(**long)] * 2) == 2
    assert parallel._workers([comparison(**short)] * 7) == 1
    assert parallel._workers([comparison(**many)] * 7) == 5


def test_a_second_process_pays_from_so_much_work_on_that_is_beside_the_first(monkeypatch):
    monkeypatch.setattr(parallel, "cores", lambda: 5)
    job = comparison()
    for worth, number in ((parallel._work(job), 2), (parallel._work(job) + 1, 1)):
        monkeypatch.setattr(parallel, "_WORK_WORTH_A_PROCESS", worth)
        assert parallel._workers([job] * 2) == number


def test_work_is_counted_in_updates_of_a_weight():
    _, (_, job) = jobs(2)
    weights = 3 * 5 + 6  # with the biases, of two inputs and five hidden units
    expected = 5 * reference.work_per_epoch(4, 2 * weights)  # epochs; samples, in two seeds
    assert parallel._work(replace(job, hidden=5)) == expected


def test_this_process_has_at_least_one_core():
    assert parallel.available_cores() >= 1


# --- crews ------------------------------------------------------------------------------------


def jobs(number):
    """Of one seed, two, and so on."""
    return [(n, load_experiment(flags={"epochs": "5", "seeds": str(n + 1)})) for n in range(number)]


class Explaining(Threads):
    """Threads that have a meaning for what one of two seeds raises."""

    def __init__(self, meaning):
        super().__init__(lambda job, _: 1 / 0 if len(job.seeds) == 2 else train_cell(job), 2)
        self.meaning = meaning

    def explained(self, problem):
        if isinstance(self.meaning, Exception):
            raise self.meaning
        return self.meaning or super().explained(problem)


def test_what_an_exception_means_is_the_crews_to_say():
    found = dict(run_jobs(jobs(3), Explaining(LostCell("it died"))))
    assert found[1] == LostCell("it died")
    assert sorted(found) == [0, 1, 2]
    with pytest.raises(RunError, match="it has gone"):
        dict(run_jobs(jobs(3), Explaining(RunError("it has gone"))))
    with pytest.raises(ZeroDivisionError):
        dict(run_jobs(jobs(3), Explaining(None)))


def test_a_job_that_was_told_to_stop_is_not_told():
    crew = Threads(lambda job, _: None if len(job.seeds) == 2 else train_cell(job), 2)
    assert sorted(dict(run_jobs(jobs(4), crew))) == [0, 2, 3]


def test_a_crew_is_handed_no_more_than_it_wants_ahead_and_stops_when_nobody_asks_any_more():
    taken, stopped = [], []
    crew = Threads(train_cell, 2)
    crew.stop = lambda stop=crew.stop: (stopped.append(True), stop())
    ended = run_jobs((taken.append(job) or job for job in jobs(9)), crew)
    assert taken == []
    for number in range(3):
        next(ended)
        assert len(taken) == 4 + number
    ended.close()
    assert stopped


@pytest.mark.skipif(fastest_engine() == reference.NAME, reason="the compiled engine was not built")
def test_cells_are_trained_by_threads_but_those_of_the_reference_engine_by_processes(monkeypatch):
    monkeypatch.setattr(parallel, "cores", lambda: 7)
    fast, slow = (
        load_experiment(flags={"activation": "hard", "engine": name})
        for name in (fastest_engine(), reference.NAME)
    )
    (variant,) = slow.variants
    own = StaysHere("own", source="a test", computed=np.tanh)
    here_alone = replace(slow, variants=(replace(variant, hidden_activation=own),))
    three = replace(slow, workers=3)
    for cells, kind, number in (
        ([fast], Threads, 7),
        ([slow], Processes, 7),
        ([fast, slow], Processes, 7),
        ([three, slow], Processes, 3),
        ([slow, here_alone], Threads, 7),
    ):
        crew = local_pool(cells)
        crew.stop()
        assert (type(crew), crew.number, crew.ahead) == (kind, number, 2 * number)
        if kind is Processes:
            assert (crew._work, crew._died) == (
                parallel._cell,
                "the processes that trained it died",
            )
        assert crew.patience_s is None


def test_threads_that_are_stopped_begin_nothing_and_what_is_going_on_is_told():
    begun, seen = Event(), []

    def work(job, going_on):
        seen.append(going_on())
        begun.set()
        while going_on():
            time.sleep(0.001)
        return len(job.seeds)

    crew = Threads(work, 1)
    first, second = (crew.submit(job, print) for _, job in jobs(2))
    assert begun.wait(60)
    crew.stop()
    assert first.result(60) == 1
    assert second.cancelled()
    assert seen == [True]


@pytest.mark.skipif(os.name == "nt", reason="no signals on this system")
def test_a_thread_that_serves_a_process_hears_no_signal_that_ends_hsig():
    crew = Processes(names_its_process, 1, died="{how}")
    withheld = crew._executor.submit(signal.pthread_sigmask, signal.SIG_BLOCK, []).result(60)
    crew.stop()
    assert {signal.SIGINT, signal.SIGTERM, signal.SIGHUP} <= withheld


class Line:
    """A connection on which everything was said before; it notes what is answered."""

    def __init__(self, *said, problem=EOFError):
        self.said, self.answers, self.problem = [*said], [], problem

    def recv(self):
        if not self.said:
            raise self.problem
        return self.said.pop(0)

    def send(self, answer):
        self.answers.append(answer)


@pytest.fixture
def heeding():
    """As a process begins: every signal ends it; and afterwards as it was."""
    before = {number: signal.getsignal(number) for number in parallel._SIGNALS}
    for number in before:
        signal.signal(number, signal.SIG_DFL)
    yield before
    for number, answer in before.items():
        signal.signal(number, answer)


@pytest.mark.parametrize("problem", [EOFError, BrokenPipeError])
def test_a_process_does_what_comes_but_for_what_was_told_until_nobody_listens(heeding, problem):
    line = Line(("abc", 0), ("def", 2), ("gh", 5), problem=problem)
    parallel._serve(iter, line)
    assert line.answers == ["a", "b", "c", None, "f", None, None]
    assert {signal.getsignal(number) for number in heeding} == {signal.SIG_IGN}


@pytest.mark.usefixtures("heeding")
def test_what_its_work_raises_ends_a_process():
    with pytest.raises(ZeroDivisionError):
        parallel._serve(lambda job: 1 / job, Line((0, 0)))


def test_a_process_finds_of_a_cell_what_a_thread_does(monkeypatch):
    ((_, job),) = jobs(1)
    (found,) = parallel._cell(job)
    assert found.cost.tobytes() == train_cell(job).cost.tobytes()
    monkeypatch.setattr(parallel, "train_cell", lambda _: None)
    assert list(parallel._cell(job)) == []


# --- processes that die -----------------------------------------------------------------------


def names_its_process(job):
    """What it finds is the process that it is done in."""
    yield len(job.seeds), os.getpid()


def dies_twice(job):
    """Kills its process, but for the third that has it."""
    tries = Path(os.environ["HSIG_TEST_MARK"]) / str(len(job.seeds))
    with tries.open("a") as file:
        file.write("x")
    if tries.stat().st_size < 3:
        os.kill(os.getpid(), signal.SIGKILL)
    yield len(job.seeds)


@pytest.mark.skipif(os.name == "nt", reason="no signals on this system")
def test_a_death_counts_for_the_job_alone_that_the_process_was_at(tmp_path, monkeypatch):
    """Eight deaths in all, with four jobs in flight, and none is lost."""
    monkeypatch.setenv("HSIG_TEST_MARK", str(tmp_path))
    found = dict(run_jobs(jobs(4), Processes(dies_twice, 2, died="{how}")))
    assert found == {0: 1, 1: 2, 2: 3, 3: 4}
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(
        "1234", "xxx"
    )


def tells_and_dies(job):
    """Finds three numbers, and the first process that does so dies before the last."""
    del job
    mark = Path(os.environ["HSIG_TEST_MARK"])
    yield from (0, 1)
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    yield 2


@pytest.mark.skipif(os.name == "nt", reason="no signals on this system")
def test_what_was_told_before_a_death_is_told_once(tmp_path, monkeypatch):
    monkeypatch.setenv("HSIG_TEST_MARK", str(tmp_path / "killed"))
    found = list(run_jobs(jobs(1), Processes(tells_and_dies, 1, died="{how}")))
    assert found == [(0, 0), (0, 1), (0, 2)]


def ends_its_process(job):
    """With one less than the number of its seeds as exit code."""
    os._exit(len(job.seeds) - 1)


def test_a_job_whose_process_ends_is_lost_with_its_exit_code(monkeypatch):
    monkeypatch.setattr(parallel, "_TRIES_MOST", 1)
    found = dict(run_jobs(jobs(2), Processes(ends_its_process, 2, died="it {how}")))
    assert found == {n: LostCell(f"it ended with exit code {n}") for n in (0, 1)}


@pytest.mark.skipif(os.name == "nt", reason="no signals on this system")
def test_a_process_that_dies_of_no_job_counts_for_none(monkeypatch):
    """Each time when it is done with a job, and has not been given another."""
    monkeypatch.setattr(parallel, "_TRIES_MOST", 1)
    crew = Processes(names_its_process, 1, died="{how}")
    deaths = []

    def jobs_after_deaths():
        for number, job in jobs(4):
            for process in active_children():
                process.kill()
                process.join()
                deaths.append(process.pid)
            yield number, job

    crew.ahead = 1
    found = dict(run_jobs(jobs_after_deaths(), crew))
    assert [seeds for seeds, _ in found.values()] == [1, 2, 3, 4]
    assert [pid for _, pid in found.values()][:3] == deaths


def test_a_crew_of_which_nothing_comes_is_looked_at_until_something_does():
    enough = Event()

    class Slow(Threads):
        patience_s, looks = 0.01, 0

        def look(self):
            self.looks += 1
            if self.looks == 3:
                enough.set()

    crew = Slow(lambda job, _: enough.wait(60) and train_cell(job), 1)
    assert sorted(dict(run_jobs(jobs(2), crew))) == [0, 1]
    assert crew.looks >= 3


def test_what_a_look_raises_ends_the_wait_and_the_crew():
    enough = Event()

    class Gone(Threads):
        patience_s = 0.01

        def look(self):
            raise RunError("nobody is there")

        def stop(self):
            enough.set()
            super().stop()

    with pytest.raises(RunError, match="nobody is there"):
        dict(run_jobs(jobs(2), Gone(lambda *_: enough.wait(60), 1)))
    assert enough.is_set()
