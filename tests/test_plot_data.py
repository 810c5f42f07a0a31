"""The numbers of pictures: what is drawn, and what captions say of it."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prepared import RIGHT, UNKNOWN, WRONG, cell, prepared, swept

import hsig
from hsig.activations import ACTIVATIONS
from hsig.analysis.plot_data import (
    UNDECIDED,
    border_heights,
    centre,
    constant_measure,
    cost_curves,
    count_on_pieces,
    count_solved_by_epoch,
    count_states,
    dominant_failure,
    find_border,
    lowest_point,
    mean_finite,
    needs_log_axis,
    plane_values,
    predict_surface,
    prediction_range,
    right_samples,
    select_maps,
    select_rows,
    shown_measure,
    spread_evenly,
    visible_range,
)
from hsig.analysis.summary import summarise
from hsig.config.loading import load_experiment
from hsig.experiments.measures import Measure
from hsig.networks.tasks import Task

VALUES = st.one_of(st.floats(-9, 9), st.sampled_from([-2.5, 2.5, 0.0, np.inf, -np.inf, np.nan]))


def snapshot(values, predictions=(((0.0,),),)):
    z = np.array(values, dtype=float).reshape(1, 1, -1)
    return SimpleNamespace(pre_activations=(z,), predictions=np.array(predictions))


@given(st.integers(0, 500), st.integers(1, 200))
def test_places_are_spread_evenly_and_hold_both_ends(number, most):
    places = spread_evenly(number, most)
    assert len(places) == min(number, most)
    assert (np.diff(places) > 0).all()
    assert places[:1].tolist() == [0] * (number > 0)
    if len(places) > 1:
        assert places[-1] == number - 1
        assert np.ptp(np.diff(places)) <= 1


@pytest.mark.parametrize(
    ("medians", "logarithmic"),
    [
        # by hand: the largest is 20 times the smallest, and a little more
        ([[1.0, 0.05]], False),
        ([[1.0, 0.0499]], True),
        ([[1.0, np.nan], [np.inf, 0.01]], True),
        ([[1.0, 0.01], [0.0, 1.0]], False),
        ([], False),
    ],
)
def test_a_scale_is_logarithmic_where_positive_medians_are_far_apart(medians, logarithmic):
    assert needs_log_axis(map(np.array, medians)) == logarithmic


def test_solved_seeds_count_from_each_epoch_on():
    outcome = prepared([RIGHT] * 4 + [WRONG], [[1.0, 1.0]] * 5)
    outcome.results[0].solved_at[:] = 7, 0, 7, 3, -1
    found = count_solved_by_epoch(summarise(outcome).variants[0])
    assert found.epochs.tolist() == [0, 3, 7, 10]
    assert found.seeds.tolist() == [1, 2, 4, 4]
    assert (found.of, found.share[-1]) == (5, 0.8)


def test_states_add_up_to_all_seeds():
    outcome = prepared([RIGHT, WRONG, UNKNOWN], [[1.0] * 3] * 3, diverged_at=[-1, -1, 5])
    (variant,) = summarise(outcome).variants
    found = count_states(variant)
    assert found["diverged"].tolist() == [0, 1, 1]
    assert found[UNDECIDED].tolist() == [3, 2, 2]
    assert [*found][:2] == ["solved", UNDECIDED]
    assert sum(found.values()).tolist() == [3, 3, 3]
    assert count_states(replace(variant, timeline=None)) == {}


# --- pre-activations --------------------------------------------------------------------------


@given(st.lists(VALUES, min_size=1, max_size=30), st.sampled_from(["hard", "relu", "hard_silu"]))
def test_every_finite_pre_activation_is_counted_on_its_piece(values, name):
    activation = ACTIVATIONS[name]
    found = count_on_pieces(activation, snapshot(values))
    finite = [value for value in values if np.isfinite(value)]
    assert (found.number, found.finite) == (len(values), len(finite))
    for piece, count in zip(activation.linear_pieces, found.counts, strict=True):
        assert count == sum(bool(piece.contains(np.array(value))) for value in finite)


@given(st.lists(st.floats(-1e6, 1e6), max_size=50), st.sampled_from(["hard", "tanh", "relu6"]))
def test_the_visible_range_holds_kinks_and_all_but_a_few(values, name):
    kinks = [point.x for point in ACTIVATIONS[name].function.breaks]
    low, high = visible_range(ACTIVATIONS[name], [snapshot(values)])
    assert low < min([-3.0, *kinks])
    assert high > max([3.0, *kinks])
    farthest = 20.0 * max([3.0, *map(abs, kinks)])
    assert max(-low, high) <= 1.4 * farthest
    if values and max(map(abs, values)) <= farthest:
        assert sum(not low <= z <= high for z in values) <= 0.02 * len(values)


# --- predictions and maps ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flags", "scale"),
    [({}, (0.0, 1.0)), ({"output_activation": "linear", "loss": "squared"}, (-0.5, 1.5))],
)
def test_predictions_have_colours_from_0_to_1_or_around_the_targets(flags, scale):
    experiment = load_experiment(flags={"activation": "hard", **flags})
    assert prediction_range(experiment, experiment.variants[0]) == scale


def test_the_mean_of_predictions_is_over_those_that_are_finite():
    seen = snapshot([0.0], [[[1.0], [np.nan], [np.inf]], [[0.0], [0.5], [np.nan]]])
    found = mean_finite([seen.predictions])
    np.testing.assert_array_equal(found, [[0.5], [0.5], [np.nan]])


@pytest.mark.parametrize(("k", "mark"), [(0, "slow"), (4, "slow"), (5, ""), (10, "")])
def test_a_cell_is_marked_where_fewer_than_half_are_solved(k, mark):
    cells = {("1",): cell([True] * k + [False] * (10 - k))}
    assert dominant_failure(swept(cells, ("epochs",)).summaries["1",]) == mark


def test_maps_are_those_that_have_a_cell_and_at_least_one():
    cells = {(a, "1", "2"): None for a in "xyz"}
    axes = swept(cells, ("hidden", "init", "epochs")).axes
    assert select_maps(axes, cells) == [("x",)]
    assert select_maps(axes, {**cells, ("z", "1", "2"): 0, ("y", "1", "2"): 0}) == [("y",), ("z",)]
    assert select_maps(axes[1:], {("1", "2"): None}) == [()]


# --- the plane of two inputs ------------------------------------------------------------------


def surface_of(*units, points=2, task=None, **flags):
    """What one seed predicts: for each hidden unit two weights and a bias; the output adds them."""
    experiment = load_experiment(flags={"activation": "hard", "engine": "reference", **flags})
    if task is not None:
        experiment = replace(experiment, task=task)
    weights = np.array(units, dtype=float).T[None], np.ones((1, len(units) + 1, 1))
    return predict_surface(experiment, experiment.variants[0], weights, points=points)


def test_the_grid_holds_the_scaled_samples_with_a_margin():
    seen = surface_of((0, 0, 0), points=7)
    np.testing.assert_allclose([seen.first, seen.second], [np.linspace(-0.25, 1.25, 7)] * 2)
    assert seen.values.shape == (7, 7)
    assert surface_of((0, 0, 0), scale="standard").first.tolist() == [-1.5, 1.5]
    flat = Task("flat", np.array([[3.0, 0.0], [3.0, 8.0]]), np.array([[0.0], [1.0]]))
    seen = surface_of((0, 0, 0), points=3, task=flat)
    assert seen.first.tolist() == [2.75, 3.0, 3.25]
    assert seen.second.tolist() == [-2.0, 4.0, 10.0]


@pytest.mark.parametrize("hidden", ["9", "[4, 4]"])
def test_the_mean_is_over_the_seeds_whose_prediction_is_finite(hidden):
    flags = {"activation": "tanh", "engine": "reference", "hidden": hidden, "seeds": "20"}
    experiment = load_experiment(flags=flags)
    weights, variant = experiment.starting_weights(), experiment.variants[0]
    alone = [
        predict_surface(
            experiment, variant, tuple(layer[seed, None] for layer in weights), points=2
        )
        for seed in range(20)
    ]
    together = predict_surface(experiment, variant, weights, points=2).predictions
    expected = np.mean([one.predictions for one in alone[1:]], axis=0)
    broken = tuple(layer.copy() for layer in weights)
    broken[-1][0] = np.nan
    found = predict_surface(experiment, variant, broken, points=2).predictions
    np.testing.assert_allclose(found, expected)
    np.testing.assert_allclose(together, np.mean([one.predictions for one in alone], axis=0))


WEIGHTS = st.floats(-3.0, 3.0).map(lambda number: round(number, 3))


@given(st.lists(st.tuples(WEIGHTS, WEIGHTS, WEIGHTS), min_size=1, max_size=4))
def test_lines_are_where_a_unit_is_at_a_kink_from_side_to_side(units):
    seen = surface_of(*units)
    assert (seen.at, seen.bends) == ((-2.5, 2.5), True)
    left, right = -0.25, 1.25
    for ends in seen.lines:
        assert np.abs(ends - 0.5).max(axis=1) == pytest.approx([0.75, 0.75])
        values = np.array([[a * x + b * y + c for a, b, c in units] for x, y in ends])
        assert min(np.abs(np.abs(values) - 2.5).max(axis=0)) < 1e-6
    # each unit has a line for each kink that is between its values at the corners
    within, touched = 0, 0
    for a, b, c in units:
        corners = [a * x + b * y + c for x in (left, right) for y in (left, right)]
        for kink in (-2.5, 2.5):
            within += min(corners) + 1e-9 < kink < max(corners) - 1e-9
            touched += min(corners) - 1e-9 <= kink <= max(corners) + 1e-9
    assert within <= len(seen.lines) <= touched


def test_units_without_a_kink_have_lines_where_they_are_0_and_broken_ones_none():
    seen = surface_of((1, 0, -0.5), (0, 0, 0), (1, np.nan, 0), (np.inf, 1, 0), activation="tanh")
    assert (seen.at, seen.bends) == ((0.0,), False)
    np.testing.assert_allclose(np.sort(seen.lines, axis=1), [[[0.5, -0.25], [0.5, 1.25]]])
    assert len(surface_of((1, 1, -9)).lines) == 0  # it passes by


def test_a_task_with_other_than_two_inputs_is_refused_with_what_it_has():
    with pytest.raises(ValueError, match="expected a task with two inputs, but parity3 has 3"):
        surface_of((0, 0, 0), task=load_experiment(flags={"task": "parity3"}).task)


# --- measures of one's own data ---------------------------------------------------------------

X = np.linspace(-2.0, 2.0, 30)


def compared(y, **keys):
    table = {"x": X, "z": np.cos(X), "y": y}
    result = hsig.compare("tanh", "relu", task=table, seeds=5, epochs=20, held_out=0.3, **keys)
    return result.summaries[0], result.parts[0].outcome


def test_what_no_inputs_give_is_the_most_frequent_class_or_the_mean():
    summary, _ = compared(np.where(X**2 < 1.0, "in", "out"))
    task, measure = summary.experiment.task, shown_measure(summary)
    assert measure == ("right", True)
    assert constant_measure(summary.experiment, measure) == (task.held_out.targets == 1.0).mean()
    share = task.targets.mean()
    bce = -np.where(task.held_out.targets == 1.0, np.log(share), np.log(1.0 - share)).mean()
    loss = Measure("loss", True)
    assert constant_measure(summary.experiment, loss) == pytest.approx(bce)
    median, low, high = centre(summary.variants[0], measure)[:3]
    assert centre(summary.variants[0], Measure("solved"))[0] == summary.variants[0].solved.rate
    assert 0.0 <= min(low, median) <= high <= 1.0 or low <= median <= high
    training, held_out = cost_curves(summary.variants[0])
    epoch, least = lowest_point(summary.variants[0], held_out)
    assert least == held_out[1].min()
    assert epoch in summary.variants[0].epochs
    assert training.shape == held_out.shape
    assert find_border(SimpleNamespace(base=summary.experiment, axes=())) == pytest.approx(
        constant_measure(summary.experiment, measure)
    )
    assert np.isnan(constant_measure(summary.experiment, Measure("solved")))


def test_a_plane_of_classes_has_the_largest_and_one_of_a_number_its_own_unit():
    summary, outcome = compared(np.array(["a", "b", "c"] * 10))
    experiment, trained = summary.experiment, outcome.results[0]
    outputs = trained.predictions
    np.testing.assert_array_equal(plane_values(experiment, outputs), outputs.argmax(axis=2))
    heights = np.stack(border_heights(experiment, outputs))
    np.testing.assert_array_equal((heights > 0).argmax(axis=0), outputs.argmax(axis=2))
    assert prediction_range(experiment, experiment.variants[0]) == (-0.5, 2.5)
    right = right_samples(experiment, outputs)
    np.testing.assert_allclose(right.mean(axis=1), trained.final.right)
    assert len(select_rows(experiment.task.rows, 7).targets) == 7
    summary, outcome = compared(1000.0 + 50.0 * X, learning_rate=0.01)
    experiment = summary.experiment
    low, high = prediction_range(experiment, experiment.variants[0])
    targets = experiment.task.targets
    assert (low, high) == (
        targets.min() - np.ptp(targets) / 2.0,
        targets.max() + np.ptp(targets) / 2.0,
    )
    (height,) = border_heights(experiment, targets)
    assert np.abs(height).max() == pytest.approx(np.ptp(targets) / 2.0)
