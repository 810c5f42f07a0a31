import numpy as np
import pytest
from hsig.analysis.transfer import predict_with

from hsig.config.loading import load_experiment
from hsig.experiments.training import gather, run
from hsig.networks.activations import ACTIVATIONS


def trained(**flags):
    experiment = load_experiment(flags=flags)
    (result,) = gather(experiment, run(experiment)).results
    return experiment, result


def test_the_same_activation_changes_nothing():
    experiment, result = trained(activation="sigmoid", epochs="50", seeds="5")
    found = predict_with(experiment, result, ACTIVATIONS["sigmoid"])
    assert found.largest_change == 0.0
    np.testing.assert_array_equal(found.solved, result.solved)


def test_numbers_by_hand():
    """One unit with pre-activations 1, 0, 1, 0; the output sees 2 f(z) - 1."""
    weights = "{hidden: [[0], [1], [0]], output: [[2], [-1]]}"
    experiment, result = trained(
        activation="sigmoid",
        hidden="1",
        initial_weights=weights,
        epochs="1",
        learning_rate="1e-300",
    )
    found = predict_with(experiment, result, ACTIVATIONS["hard"])
    # hard(1) = .7 and hard(0) = .5, so the output sees .4 and 0: .58 and .5
    sigmoid = ACTIVATIONS["sigmoid"].value
    changes = 0.58 - sigmoid(2 * sigmoid(1.0) - 1), 0.5 - sigmoid(2 * sigmoid(0.0) - 1)
    assert found.largest_change == pytest.approx(max(map(abs, changes)), rel=1e-12)
    assert found.label == "hard"


def test_a_layer_with_another_activation_keeps_its_own():
    experiment, result = trained(activation="relu", epochs="300", seeds="3")
    found = predict_with(experiment, result, ACTIVATIONS["relu"])
    assert found.largest_change == 0.0  # its sigmoid output is still there


def test_diverged_seeds_are_not_solved_by_anything():
    experiment, result = trained(activation="hard", loss="bce_naive", epochs="5", seeds="[27]")
    found = predict_with(experiment, result, ACTIVATIONS["sigmoid"])
    assert not found.solved.any()
    assert np.isnan(found.largest_change)


def test_a_converged_sigmoid_network_still_answers_with_the_hard_sigmoid():
    """The answer to the question: it can be used to approximate predictions."""
    experiment, result = trained(activation="sigmoid", epochs="4000", seeds="30")
    found = predict_with(experiment, result, ACTIVATIONS["hard"])
    assert found.still_solved == result.solved.sum() >= 29
    assert 0.0 < found.largest_change < 0.5
