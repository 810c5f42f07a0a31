import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prepared import RIGHT, UNKNOWN, WRONG, prepared, swept
from prepared import cell as made_cell

from hsig.activations import ACTIVATIONS
from hsig.analysis.plot_data import (
    UNDECIDED,
    count_on_pieces,
    count_outside,
    count_solved_by_epoch,
    count_states,
    dominant_failure,
    mean_predictions,
    middle_range,
    middle_target,
    needs_log_axis,
    prediction_range,
    right_samples,
    select_maps,
    select_seed,
    select_seed_lines,
    spread_evenly,
    visible_range,
)
from hsig.analysis.summary import summarise
from hsig.config.loading import load_experiment
from hsig.experiments.snapshots import Snapshot
from hsig.experiments.training import gather, run
from hsig.networks.network import Weights

VALUES = st.one_of(st.floats(-9, 9), st.sampled_from([-2.5, 2.5, 0.0, np.inf, -np.inf, np.nan]))


def moment(values, predictions=((0.0,),)):
    seen = np.array(values, dtype=float).reshape(1, 1, -1)
    nothing = np.zeros((1, 1))
    return Snapshot(0, Weights(nothing, nothing), seen, np.array(predictions), nothing)


def variant_of(*arguments, **flags):
    (variant,) = summarise(prepared(*arguments, **flags)).variants
    return variant


@given(st.integers(0, 500), st.integers(1, 200))
def test_places_are_spread_evenly_and_hold_both_ends(number, most):
    places = spread_evenly(number, most)
    assert len(places) == min(number, most)
    assert (np.diff(places) > 0).all()
    if number:
        assert places[0] == 0
    if min(number, most) > 1:
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
        ([[np.nan]], False),
        ([], False),
    ],
)
def test_a_scale_is_logarithmic_where_positive_medians_are_far_apart(medians, logarithmic):
    assert needs_log_axis(map(np.array, medians)) == logarithmic


@pytest.mark.parametrize(
    ("seeds", "variants", "drawn"),
    [(1, 1, 0), (2, 1, 2), (100, 1, 100), (101, 1, 100), (50, 4, 25), (50, 66, 12), (9, 66, 9)],
)
def test_lines_of_seeds_are_a_hundred_for_all_coloured_variants(seeds, variants, drawn):
    assert len(select_seed_lines(seeds, variants)) == drawn


def test_what_was_reached_counts_from_each_epoch_on():
    outcome = prepared([RIGHT] * 4 + [WRONG], [[1.0, 1.0]] * 5)
    outcome.results[0].solved_at[:] = 7, 0, 7, 3, -1
    found = count_solved_by_epoch(summarise(outcome).variants[0])
    assert found.epochs.tolist() == [0, 3, 7, 10]
    assert found.seeds.tolist() == [1, 2, 4, 4]
    assert (found.of, found.share[-1]) == (5, 0.8)


def test_states_add_up_to_all_seeds():
    found = count_states(
        variant_of([RIGHT, WRONG, UNKNOWN], [[1.0] * 3] * 3, diverged_at=[-1, -1, 5])
    )
    assert found["diverged"].tolist() == [0, 1, 1]
    assert found[UNDECIDED].tolist() == [3, 2, 2]
    assert [*found][:2] == ["solved", UNDECIDED]
    assert sum(found.values()).tolist() == [3, 3, 3]


def test_what_was_not_trained_has_no_states():
    experiment = load_experiment(flags={"activation": "ultra_fast", "seeds": "2"})
    (variant,) = summarise(gather(experiment, run(experiment))).variants
    assert count_states(variant) == {}


@given(st.lists(VALUES, min_size=1, max_size=30), st.sampled_from(["hard", "relu", "hard_shrink"]))
def test_every_finite_pre_activation_is_counted_on_one_piece(values, name):
    activation, seen = ACTIVATIONS[name], moment(values)
    found = count_on_pieces(activation, seen)
    finite = [value for value in values if np.isfinite(value)]
    assert (found.number, found.finite) == (len(values), len(finite))
    for piece, count in zip(activation.linear_pieces, found.counts, strict=True):
        assert count == sum(bool(piece.contains(np.array(value))) for value in finite)
    assert sum(found.on_piece) + found.elsewhere == pytest.approx(1.0 if finite else 0.0)


def test_what_lies_on_no_line_is_elsewhere():
    found = count_on_pieces(ACTIVATIONS["hard_silu"], moment([-4.0, 0.0, 1.0, 4.0]))
    assert (found.counts, found.elsewhere) == ((1, 1), 0.5)


@given(st.lists(st.floats(-1e6, 1e6), max_size=50), st.sampled_from(["hard", "tanh", "relu6"]))
def test_the_extent_holds_kinks_and_all_but_a_few(values, name):
    activation = ACTIVATIONS[name]
    low, high = visible_range(activation, [moment(values)])
    assert low < -3.0
    assert high > 3.0
    for found in activation.function.breaks:
        assert low < found.x < high
    farthest = 20.0 * max([3.0, *(abs(found.x) for found in activation.function.breaks)])
    assert -1.4 * farthest <= low
    assert high <= 1.4 * farthest
    if values and max(map(abs, values)) <= farthest:
        assert count_outside(moment(values), low, high) <= 0.02 * len(values)


def test_what_is_outside_is_counted():
    assert count_outside(moment([-1.0, 0.0, 1.0, 2.0, np.nan, np.inf]), 0.0, 1.0) == 2


def test_the_middle_is_between_two_of_the_values():
    assert middle_range(moment(np.arange(1001.0))) == (25.0, 975.0)
    assert np.isnan(middle_range(moment([np.nan, np.inf]))).all()


@pytest.mark.parametrize(
    ("flags", "scale"),
    [
        ({}, (0.0, 1.0)),
        ({"output_activation": "sigmoid"}, (0.0, 1.0)),
        ({"output_activation": "linear", "loss": "squared"}, (-0.5, 1.5)),
    ],
)
def test_predictions_have_colours_from_0_to_1_or_around_the_targets(flags, scale):
    experiment = load_experiment(flags={"activation": "hard", **flags})
    assert prediction_range(experiment, experiment.variants[0]) == scale
    assert middle_target(experiment) == 0.5


def test_a_seed_is_found_by_its_number():
    experiment = load_experiment(flags={"activation": "hard", "seeds": "5,27,8"})
    assert select_seed(experiment, 27).tolist() == [1]
    assert select_seed(experiment, None).tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match="expected one of the seeds that were trained, got 1"):
        select_seed(experiment, 1)


def test_the_mean_of_predictions_is_over_those_that_are_finite():
    seen = moment([0.0], [[1.0, np.nan, np.inf], [0.0, 0.5, np.nan]])
    np.testing.assert_array_equal(mean_predictions(seen, np.array([0, 1])), [0.5, 0.5, np.nan])


def test_right_is_nearer_to_the_target_than_what_counts_as_solved():
    experiment = load_experiment(flags={"activation": "hard"})  # xor: 1, 1, 0, 0
    right = right_samples(experiment, np.array([[0.51, 0.5, 0.49, np.nan], [1.0, 0.0, 0.0, 1.0]]))
    assert right.tolist() == [[True, False, True, False], [True, False, True, False]]


@pytest.mark.parametrize(("k", "mark"), [(0, "slow"), (4, "slow"), (5, ""), (10, "")])
def test_a_cell_is_marked_where_fewer_than_half_are_solved(k, mark):
    cells = {("1",): made_cell([True] * k + [False] * (10 - k))}
    assert dominant_failure(swept(cells, ("epochs",)).summaries["1",]) == mark


def test_maps_are_those_that_have_a_cell_and_at_least_one():
    axes = swept({(a, "1", "2"): None for a in "xyz"}, ("hidden", "init", "epochs")).axes
    cells = {(a, "1", "2"): None for a in "xyz"}
    assert select_maps(axes, cells) == [("x",)]
    assert select_maps(axes, {**cells, ("z", "1", "2"): 0, ("y", "1", "2"): 0}) == [("y",), ("z",)]
    assert select_maps(axes[1:], {("1", "2"): None}) == [()]
