import os
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
from prepared import WithValue

from hsig.config.loading import load_experiment
from hsig.errors import RunError
from hsig.experiments import workers
from hsig.experiments.experiment import Checkpoint, Failure, Training, Variant
from hsig.experiments.training import gather, run
from hsig.experiments.workers import run_with_workers
from hsig.networks.activations import ACTIVATIONS


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


def with_variant(experiment, name, function):
    activation = WithValue(name, "a test", function=function)
    variant = Variant(name, activation, ACTIVATIONS["sigmoid"])
    first, *others = experiment.variants
    return replace(experiment, variants=(first, variant, *others))


@pytest.mark.parametrize("number", ["2", "3", "100"])
def test_any_number_of_workers_gives_the_same_bits(number):
    alone = comparison(workers="1")
    together = comparison(workers=number)
    expected = gather(alone, run(alone)).results
    results = gather(together, run_with_workers(together)).results
    assert len(results) == len(expected) == 7
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
    epochs = {}
    for event in run_with_workers(experiment):
        if isinstance(event, Checkpoint):
            epochs.setdefault(event.variant.label, []).append(event.epoch)
    assert set(epochs) == {v.label for v in experiment.variants} - {"ultra_fast"}
    assert all(found == [0, 20, 36, 40] for found in epochs.values())


@pytest.mark.parametrize("number", ["1", "2"])
def test_a_variant_that_raises_loses_no_other(number):
    experiment = comparison(workers=number, init="uniform:-2,2")
    experiment = with_variant(experiment, "raiser", raises_later)
    outcome = gather(experiment, run_with_workers(experiment))
    failures = [result for result in outcome.results if isinstance(result, Failure)]
    assert [failure.variant.label for failure in failures] == ["raiser", "ultra_fast"]
    assert failures[0].reason.startswith("its training raised ZeroDivisionError: no more (line ")
    assert failures[0].reason.endswith(", in raises_later)")
    assert outcome.complete
    assert len(outcome.results) == 8


@pytest.mark.skipif(os.name == "nt", reason="no signals on this system")
def test_a_process_that_dies_loses_only_what_it_was_doing():
    experiment = with_variant(comparison(workers="2"), "killer", kills_its_process)
    events = []
    with pytest.raises(RunError) as error:
        events.extend(run_with_workers(experiment))
    assert error.value.messages == ("killer: the process that trained it was ended by signal 9",)
    outcome = gather(experiment, events)
    assert not outcome.complete
    labels = [variant.label for variant in experiment.variants if variant.label != "killer"]
    assert [result.variant.label for result in outcome.results] == labels


def test_closing_the_iterator_ends_the_processes(monkeypatch):
    started = []
    start = workers._Worker.start

    def noted():
        started.append(start())
        return started[-1]

    monkeypatch.setattr(workers._Worker, "start", noted)
    events = run_with_workers(comparison(workers="2", epochs="1000000"))
    next(events)
    asked = time.monotonic()
    events.close()
    assert len(started) == 2
    assert all(worker.process.exitcode is not None for worker in started)
    assert time.monotonic() - asked < 30  # and not after its million epochs


def test_small_work_and_single_variants_start_no_process(monkeypatch):
    monkeypatch.setattr(workers._Worker, "start", None)
    for flags in ({}, {"workers": "1"}, {"workers": "8", "activations": "hard"}):
        experiment = comparison(**flags)
        assert gather(experiment, run_with_workers(experiment)).complete


def test_auto_is_all_cores_where_that_pays(monkeypatch):
    monkeypatch.setattr(workers, "cores", lambda: 5)
    long, short, many = ({"epochs": "4000"}, {"epochs": "10"}, {"epochs": "10", "seeds": "100000"})
    assert workers._workers([comparison(**long)] * 7) == 5
    assert workers._workers([comparison(**long)] * 2) == 2
    assert workers._workers([comparison(**short)] * 7) == 1
    assert workers._workers([comparison(**many)] * 7) == 5


def test_this_process_has_at_least_one_core():
    assert workers.cores() >= 1
