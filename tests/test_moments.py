import numpy as np
import pytest

from hsig.config.loading import load_experiment
from hsig.engines import compiled
from hsig.experiments.snapshots import take_snapshots
from hsig.experiments.training import gather, run

FLAGS = {"activation": "hard", "seeds": "4", "epochs": "30", "report_every": "10"}


def of(epochs, **flags):
    experiment = load_experiment(flags={**FLAGS, "engine": "reference", **flags})
    return take_snapshots(experiment, experiment.variants[0], epochs)


@pytest.mark.parametrize(
    ("wanted", "seen"),
    [
        ((0, 10, 30), (0, 10, 30)),
        ((30, 0, 10, 10), (0, 10, 30)),
        ((7,), (7,)),
        ((0,), (0,)),
        ((30,), (30,)),
        ((31, 99), (30,)),  # beyond the budget there is nothing
        ((), ()),
    ],
)
def test_moments_are_those_that_were_asked_for_in_rising_order(wanted, seen):
    assert tuple(moment.epoch for moment in of(wanted)) == seen


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_the_bits_are_those_of_any_other_training(engine):
    if engine == "compiled" and not compiled.is_available():
        pytest.skip("the compiled engine was not built")
    experiment = load_experiment(flags={**FLAGS, "engine": engine, "report_every": "3"})
    outcome = gather(experiment, run(experiment))
    (training,) = outcome.results
    first, last = take_snapshots(experiment, experiment.variants[0], (0, 30))
    for mine, theirs in zip(first.weights, experiment.starting_weights(), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    for mine, theirs in zip(last.weights, training.weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    np.testing.assert_array_equal(last.predictions, training.predictions)


def test_weights_do_not_hang_on_the_other_epochs_that_are_looked_at():
    alone, among = of((17,))[0], of((3, 17, 29))[1]
    for mine, theirs in zip(alone.weights, among.weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_pre_activations_are_what_the_hidden_layer_sees():
    experiment = load_experiment(flags=FLAGS)
    for moment in of((0, 20), init="uniform:-2,2"):
        assert moment.pre_activations.shape == (4, 4, 3)  # seeds, samples, units
        for seed in range(4):
            weights = moment.weights.hidden[seed]
            for sample, inputs in enumerate(experiment.task.inputs):
                by_hand = inputs @ weights[:2] + weights[2]
                np.testing.assert_allclose(moment.pre_activations[seed, sample], by_hand)
                hidden = np.append(np.clip(0.2 * by_hand + 0.5, 0.0, 1.0), 1.0)
                output = hidden @ moment.weights.output[seed][:, 0]
                expected = np.clip(0.2 * output + 0.5, 0.0, 1.0)
                np.testing.assert_allclose(moment.predictions[seed, sample], expected)


def test_some_seeds_of_a_moment_are_those_seeds_alone():
    (moment,) = of((20,))
    (alone,) = of((20,), seeds="2")
    some = moment.select(np.array([0, 1]))
    for name in ("pre_activations", "predictions", "losses"):
        np.testing.assert_array_equal(getattr(some, name), getattr(alone, name))
    for mine, theirs in zip(some.weights, alone.weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert some.epoch == 20


def test_of_a_variant_that_cannot_be_trained_there_is_nothing():
    assert of((0, 10), activation="ultra_fast") == ()


def test_seeds_that_diverge_are_in_every_moment():
    linear = {"activation": "linear", "output_activation": "linear", "loss": "squared"}
    seen = of((0, 5, 30), **linear, learning_rate="1e6")
    assert [moment.predictions.shape for moment in seen] == [(4, 4)] * 3
    assert not np.isfinite(seen[-1].weights.hidden).all()
