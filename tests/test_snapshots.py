"""Networks on the way have the bits of any other training."""

import numpy as np
import pytest
from setups import experiment, trained

from hsig.engines.choice import ENGINES
from hsig.errors import ConfigError, RunError
from hsig.experiments.snapshots import Stepper, take_snapshots

HERE = [name for name, engine in ENGINES.items() if engine.is_available()]


def snapshots_at(chosen, *epochs):
    return take_snapshots(chosen, chosen.variants[0], epochs)


def assert_equal(one, other):
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [((30, 0, 10, 10), (0, 10, 30)), ((7,), (7,)), ((31, 99), (30,)), ((), ())],
)
def test_snapshots_are_of_the_chosen_epochs_up_to_the_budget_in_rising_order(wanted, taken):
    found = snapshots_at(experiment(epochs=30, engine="reference"), *wanted)
    assert tuple(snapshot.epoch for snapshot in found) == taken


@pytest.mark.parametrize(
    ("engine", "hidden"), [*((name, (3,)) for name in HERE), (HERE[0], (4, 2))]
)
def test_snapshots_have_the_bits_of_any_other_training(engine, hidden):
    chosen = experiment(seeds=4, epochs=30, engine=engine, hidden=hidden)
    training = trained(chosen)
    first, middle, last = snapshots_at(chosen, 0, 17, 30)
    assert_equal(first.weights, chosen.starting_weights())
    assert_equal(middle.weights, snapshots_at(chosen, 17)[0].weights)
    assert_equal(last.weights, training.weights)
    np.testing.assert_array_equal(last.predictions, training.predictions)
    assert [z.shape for z in last.pre_activations] == [(4, 4, units) for units in hidden]


def test_a_snapshot_has_what_flows_through_its_weights():
    """Two hidden layers and the output, by hand."""
    chosen = experiment("hard", seeds=3, epochs=20, hidden=(3, 2), low=-2.0, high=2.0)
    (snapshot,) = snapshots_at(chosen, 20)
    for seed in range(3):
        outputs, layers = chosen.task.inputs, [layer[seed] for layer in snapshot.weights]
        for layer, shown in zip(layers[:-1], snapshot.pre_activations, strict=True):
            z = outputs @ layer[:-1] + layer[-1]
            np.testing.assert_allclose(shown[seed], z, rtol=1e-12)
            outputs = np.clip(0.2 * z + 0.5, 0.0, 1.0)
        z = outputs @ layers[-1][:-1] + layers[-1][-1]
        np.testing.assert_allclose(
            snapshot.predictions[seed], np.clip(0.2 * z + 0.5, 0.0, 1.0), rtol=1e-12
        )


def test_selected_seeds_are_those_seeds_alone():
    together, alone = (
        snapshots_at(experiment(seeds=seeds, epochs=20), 20)[0] for seeds in (4, [1, 3])
    )
    some = together.select(np.array([1, 3]))
    for name in ("predictions", "losses"):
        np.testing.assert_array_equal(getattr(some, name), getattr(alone, name))
    assert_equal((*some.weights, *some.pre_activations), (*alone.weights, *alone.pre_activations))


def test_a_variant_that_cannot_be_trained_has_no_snapshots():
    assert snapshots_at(experiment("ultra_fast", epochs=10), 0, 10) == ()


# --- one step after the other -----------------------------------------------------------------


@pytest.mark.parametrize("hidden", [(3,), (3, 2)])
def test_a_stepper_has_the_numbers_of_training_wherever_it_is_and_also_back(hidden):
    chosen = experiment(seeds=5, epochs=30, hidden=hidden, report_every=1, low=-2.0, high=2.0)
    training, stepper = trained(chosen), Stepper(chosen)
    for epoch in (0, 3.7, 12, 5, 30):
        assert [*stepper.advance_to(epoch)][-1:] in ([int(epoch)], [])
        assert stepper.epoch == int(epoch)
        view = stepper.view_seed(2)
        assert list(view.epochs) == list(range(int(epoch) + 1))
        np.testing.assert_array_equal(view.costs, training.loss[2, : int(epoch) + 1])
        assert view.checkpoint.epoch == view.training.epochs[-1] == epoch // 1
    assert_equal(view.training.weights, [layer[2:3] for layer in training.weights])
    assert view.training.verdict == training.verdict[2]
    assert not stepper.has_step_to(99)


def test_a_long_training_takes_larger_steps_and_keeps_some_costs(monkeypatch):
    monkeypatch.setattr("hsig.experiments.snapshots._MAX_STEPS", 10)
    monkeypatch.setattr("hsig.experiments.snapshots._MAX_COSTS", 5)
    stepper = Stepper(experiment(epochs=45))
    assert [*stepper.advance_to(30)] == list(range(4, 29, 4))
    assert list(stepper.view_seed(0).epochs) == [0, 12, 24, 28]
    assert [*stepper.advance_to(45)] == [32, 36, 40, 44, 45]


def test_what_cannot_be_stepped_is_said(monkeypatch):
    with pytest.raises(ConfigError, match="ultra_fast has no gradient"):
        Stepper(experiment("ultra_fast"))

    stepper = Stepper(experiment("hard", epochs=3))
    monkeypatch.setattr(type(stepper._experiment), "problem_of", lambda *_: 1 / 0)
    with pytest.raises(RunError, match="ZeroDivisionError"):
        stepper._restart()
