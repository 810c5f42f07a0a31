from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsig.analysis.plot_data import predict_surface
from hsig.config.loading import load_experiment
from hsig.networks.network import Weights
from hsig.networks.tasks import Task

WEIGHTS = st.floats(-3.0, 3.0).map(lambda number: round(number, 3))


def experiment_of(**flags):
    experiment = load_experiment(flags={"activation": "hard", "engine": "reference", **flags})
    return experiment, experiment.variants[0]


def weights_of(*units):
    """Of one seed: for each hidden unit two weights and a bias; the output adds them."""
    hidden = np.array(units, dtype=float).T[None]
    return Weights(hidden, np.ones((1, len(units) + 1, 1)))


def test_the_grid_holds_the_samples_with_a_margin():
    experiment, variant = experiment_of()
    seen = predict_surface(experiment, variant, weights_of((0, 0, 0)), points=7)
    np.testing.assert_allclose(seen.first, np.linspace(-0.25, 1.25, 7))
    np.testing.assert_allclose(seen.second, np.linspace(-0.25, 1.25, 7))
    assert seen.predictions.shape == (7, 7)


def test_an_input_that_is_the_same_for_all_samples_has_a_margin_as_well():
    experiment, variant = experiment_of()
    task = Task("flat", np.array([[3.0, 0.0], [3.0, 8.0]]), np.array([0.0, 1.0]))
    seen = predict_surface(replace(experiment, task=task), variant, weights_of((0, 0, 0)), points=3)
    assert seen.first.tolist() == [2.75, 3.0, 3.25]
    assert seen.second.tolist() == [-2.0, 4.0, 10.0]


def test_predictions_are_by_the_second_input_then_the_first():
    """A unit that is the first input alone: by hand, hard(hard(x) + 1) of the clipped line."""
    experiment, variant = experiment_of()
    seen = predict_surface(experiment, variant, weights_of((1, 0, 0)), points=5)
    hidden = np.clip(0.2 * seen.first + 0.5, 0.0, 1.0)
    expected = np.clip(0.2 * (hidden + 1.0) + 0.5, 0.0, 1.0)
    np.testing.assert_allclose(seen.predictions, np.tile(expected, (5, 1)))


def test_the_mean_is_over_the_seeds_whose_prediction_is_finite():
    experiment, variant = experiment_of(output_activation="linear", loss="squared")
    hidden = np.zeros((3, 3, 1))
    output = np.zeros((3, 2, 1))
    output[:, 1, 0] = 1.0, 4.0, np.nan
    seen = predict_surface(experiment, variant, Weights(hidden, output), points=2)
    assert (seen.predictions == 2.5).all()  # of 1 and 4
    output[:, 1, 0] = np.nan, np.inf, -np.inf
    seen = predict_surface(experiment, variant, Weights(hidden, output), points=2)
    assert np.isnan(seen.predictions).all()


@given(st.lists(st.tuples(WEIGHTS, WEIGHTS, WEIGHTS), min_size=1, max_size=4))
def test_lines_are_where_a_unit_is_at_a_kink_from_side_to_side(units):
    experiment, variant = experiment_of()
    seen = predict_surface(experiment, variant, weights_of(*units), points=2)
    assert seen.at == (-2.5, 2.5)
    assert seen.bends
    left, right, bottom, top = -0.25, 1.25, -0.25, 1.25
    for ends in seen.lines:
        for x, y in ends:
            assert left - 1e-9 <= x <= right + 1e-9
            assert bottom - 1e-9 <= y <= top + 1e-9
            assert min(abs(x - left), abs(x - right), abs(y - bottom), abs(y - top)) < 1e-9
        values = np.array([[a * x + b * y + c for a, b, c in units] for x, y in ends])
        assert min(np.abs(np.abs(values) - 2.5).max(axis=0)) < 1e-6
    # each unit has a line for each kink that is between its values at the corners
    within, touched = 0, 0
    for a, b, c in units:
        corners = [a * x + b * y + c for x in (left, right) for y in (bottom, top)]
        for kink in (-2.5, 2.5):
            within += min(corners) + 1e-9 < kink < max(corners) - 1e-9
            touched += min(corners) - 1e-9 <= kink <= max(corners) + 1e-9
    assert within <= len(seen.lines) <= touched


def test_units_without_a_kink_have_lines_where_they_are_0():
    experiment, variant = experiment_of(activation="tanh")
    seen = predict_surface(experiment, variant, weights_of((1, 0, -0.5), (0, 0, 0)), points=2)
    assert (seen.at, seen.bends) == ((0.0,), False)
    np.testing.assert_allclose(np.sort(seen.lines, axis=1), [[[0.5, -0.25], [0.5, 1.25]]])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_units_whose_weights_are_not_finite_have_no_line(value):
    experiment, variant = experiment_of()
    assert predict_surface(
        experiment, variant, weights_of((1, value, 0)), points=2
    ).lines.shape == (
        0,
        2,
        2,
    )


def test_lines_that_pass_by_are_left_out():
    experiment, variant = experiment_of()
    assert len(predict_surface(experiment, variant, weights_of((1, 1, -9)), points=2).lines) == 0
    assert len(predict_surface(experiment, variant, weights_of((1, 1, -3)), points=2).lines) == 1


def test_inputs_are_scaled_as_the_networks_see_them():
    experiment, variant = experiment_of(scale="standard")
    seen = predict_surface(experiment, variant, weights_of((0, 0, 0)), points=2)
    assert seen.first.tolist() == [-1.5, 1.5]  # -1 to 1, and a quarter of that on either side


def test_a_task_with_other_than_two_inputs_is_refused_with_what_it_has():
    experiment, variant = experiment_of(task="parity3")
    with pytest.raises(ValueError, match="expected a task with two inputs, but parity3 has 3"):
        predict_surface(experiment, variant, weights_of((0, 0, 0)))
