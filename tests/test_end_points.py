import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsig.activations import ACTIVATIONS
from hsig.analysis import end_points as module
from hsig.analysis.end_points import (
    ASIDE,
    AT_KINK,
    KINDS,
    MAX_WEIGHTS,
    NEAR,
    STATIONARY,
    find_end_points,
    locate_end_points,
    loss_surface,
    zero_threshold,
)
from hsig.config.loading import load_experiment
from hsig.experiments.training import gather, run
from hsig.networks.affine_fit import best_affine
from hsig.networks.losses import LOSSES
from hsig.networks.network import Network, Weights
from hsig.networks.tasks import TASKS

XOR = TASKS["xor"]


def network(hidden, output, loss):
    return Network(ACTIVATIONS[hidden], ACTIVATIONS[output], LOSSES[loss])


SIGMOIDS = network("sigmoid", "sigmoid", "squared")


def trained(**flags):
    """An experiment and what became of its one variant."""
    chosen = load_experiment(flags={key: str(value) for key, value in flags.items()})
    return chosen, gather(chosen, run(chosen)).results[0]


def ended(**flags):
    chosen, training = trained(**flags)
    return training, find_end_points(chosen, training)


def one(hidden, output):
    """The weights of one seed, seeds first."""
    return Weights(np.array([hidden], dtype=float), np.array(output, dtype=float).reshape(1, -1, 1))


def around(weights, sizes, seed=0):
    """Weights of one seed, moved by so much in random directions."""
    draws = np.random.default_rng(seed).normal(size=(len(sizes), 13))
    moves = draws / np.linalg.norm(draws, axis=1)[:, None] * np.array(sizes)[:, None]
    return Weights(
        weights.hidden + moves[:, :9].reshape(-1, 3, 3),
        weights.output + moves[:, 9:].reshape(-1, 4, 1),
    )


def test_with_no_weights_at_all_xor_is_flat_with_one_eigenvalue():
    # all hidden values and the prediction are 1/2, the errors add up to 0 over each input:
    # what is left is the loss's curvature 2 * (1/4)**2 times |(1/2, 1/2, 1/2, 1)|**2
    found = locate_end_points(SIGMOIDS, one(np.zeros((3, 3)), [0, 0, 0, 0]), XOR)
    assert found.kind == ("flat",)
    assert (found.distance[0], found.cost[0], found.gradient[0]) == (0.0, 0.25, 0.0)
    assert found.eigenvalues[0, -1] == pytest.approx(0.125 * 1.75, rel=1e-9)
    np.testing.assert_allclose(found.eigenvalues[0, :-1], 0.0, atol=1e-15)


def test_units_that_tell_the_inputs_apart_but_lead_nowhere_are_at_a_saddle():
    # with output weights of 0 the error's gradient is 0, and as the units' slopes differ between
    # the samples, moving an input weight and the output weight together leads down
    found = locate_end_points(
        SIGMOIDS, one([[1, 2, 3], [-1, -2, -3], [0, 0, 0]], [0, 0, 0, 0]), XOR
    )
    assert found.kind == ("saddle",)
    assert found.distance[0] == 0.0
    assert found.stationary_eigenvalues[0, 0] < -0.001
    assert found.falls.tolist() == [True]


def test_a_saddle_near_by_is_found_and_the_way_to_it_told():
    start = one([[1, 2, 3], [-1, -2, -3], [0, 0, 0]], [0.1, -0.1, 0.1, 0.05])
    found = locate_end_points(SIGMOIDS, start, XOR)
    assert found.kind == ("saddle",)
    assert 0.0 < found.distance[0] < 0.3
    assert found.gradient[0] > 1e-3
    assert found.least_gradient[0] <= STATIONARY
    assert found.stationary_cost[0] == pytest.approx(0.25, abs=1e-9)


def test_on_the_way_of_the_sigmoid_the_cost_falls_on_both_sides_of_every_saddle():
    _, found = ended(activation="sigmoid", loss="squared", epochs=1000, seeds=100)
    saddles = np.array(found.kind) == "saddle"
    assert saddles.sum() > 10
    assert found.falls[saddles].all()
    assert not found.falls[np.array(found.kind) == "slope"].any()
    assert (found.distance[saddles] <= NEAR).all()
    np.testing.assert_allclose(found.stationary_cost[saddles], 0.25, atol=1e-3)


BENT = "{inputs: [[-2], [-1], [0], [1], [2]], targets: [0.1, 0.25, 0.5, 0.6, 0.65]}"


def test_a_curve_through_five_points_ends_in_a_minimum_that_no_step_lowers():
    chosen, training = trained(
        activation="tanh",
        task=BENT,
        hidden=1,
        epochs=20000,
        update="batch",
        learning_rate=1,
        seeds=1,
    )
    found = find_end_points(chosen, training)
    assert found.kind == ("minimum",)
    assert found.distance[0] < 1e-3
    network = chosen.problem_of(training.variant).network
    draws = np.random.default_rng(0).normal(size=(500, 4))
    moves = 0.05 * draws / np.linalg.norm(draws, axis=1)[:, None]
    moved = Weights(
        training.weights.hidden + moves[:, :2, None], training.weights.output + moves[:, 2:, None]
    )
    assert (loss_surface(network, moved, chosen.task).cost > found.stationary_cost[0]).all()


def test_the_best_affine_function_of_hard_units_is_a_minimum_though_a_flat_one():
    # as long as all units stay between the kinks, the network is affine, and none is better
    chosen, training = trained(
        activation="hard", loss="squared", update="batch", epochs=20000, seeds=20
    )
    found = find_end_points(chosen, training)
    best = best_affine(XOR, chosen.loss, 0.5).cost
    flat = np.array([kind == "flat" for kind in found.kind]) & (found.cost < 0.3)
    assert flat.sum() >= 18
    np.testing.assert_allclose(found.stationary_cost[flat], best, atol=1e-12)
    zero = (
        np.abs(found.stationary_eigenvalues)
        <= zero_threshold(found.stationary_eigenvalues)[:, None]
    )
    assert (zero.sum(axis=1)[flat] == 10).all()  # an affine function has 3 numbers
    place = int(np.flatnonzero(flat)[0])
    here = Weights(*(layer[place : place + 1] for layer in training.weights))
    nearby = around(here, np.linspace(0.01, 0.2, 300))
    network = chosen.problem_of(training.variant).network
    assert (loss_surface(network, nearby, XOR).cost >= best - 1e-12).all()


def test_a_seed_without_any_gradient_is_at_its_own_flat_point():
    weights = one([[0, 0, 0], [0, 0, 0], [9, 9, 9]], [1, 1, 1, 1])  # all saturated, the output too
    found = locate_end_points(network("hard", "hard", "squared"), weights, XOR)
    assert found.kind == ("flat",)
    assert (found.gradient[0], found.distance[0]) == (0.0, 0.0)
    assert not found.eigenvalues.any()


def test_an_infinite_cost_has_no_surface():
    weights = one(np.zeros((3, 3)), [0, 0, 0, -30])  # the output is exactly 0 where 1 is wanted
    found = locate_end_points(network("hard", "hard", "bce"), weights, XOR)
    assert found.kind == ("undefined",)
    assert np.isnan(found.eigenvalues).all()
    assert np.isnan(found.distance[0])


def test_weights_that_are_not_finite_are_undefined_and_lose_no_other():
    weights = around(one(np.zeros((3, 3)), [0, 0, 0, 0]), [0.5, 0.5, 0.5])
    weights.hidden[1, 0, 0] = np.nan
    weights.output[2, 0, 0] = np.inf
    found = locate_end_points(SIGMOIDS, weights, XOR)
    assert found.kind[1:] == ("undefined", "undefined")
    alone = locate_end_points(SIGMOIDS, Weights(weights.hidden[:1], weights.output[:1]), XOR)
    assert found.kind[0] == alone.kind[0] != "undefined"


def test_far_from_anything_stationary_it_is_a_slope():
    found = locate_end_points(SIGMOIDS, one(np.zeros((3, 3)), [0, 0, 0, 4]), XOR)
    assert found.kind == ("slope",)
    assert STATIONARY < found.least_gradient[0] < found.gradient[0]
    assert np.isnan(found.stationary_cost[0])
    assert not found.falls[0]


def test_a_valley_whose_bottom_is_far_away_is_a_slope():
    # beyond its kinks leaky_hard is a line, and 1/2 lies many units of its input away
    found = locate_end_points(
        network("leaky_hard", "leaky_hard", "squared"), one(np.zeros((3, 3)), [0, 0, 0, 90]), XOR
    )
    assert found.kind == ("slope",)


@pytest.mark.parametrize("size", [1e-300, 1e-150, 1e50, 1e100, 1e150, 1e200, 1e300])
@pytest.mark.parametrize("name", ["leaky_relu", "sigmoid"])
def test_weights_of_any_size_raise_nothing(name, size):
    weights = around(one(np.zeros((3, 3)), [0, 0, 0, 0]), [1.0] * 20)
    weights = Weights(*(layer * size for layer in weights))
    assert set(locate_end_points(network(name, name, "squared"), weights, XOR).kind) <= set(KINDS)


def test_a_stationary_point_at_a_kink_is_told_as_such():
    # all pre-activations are 0, relu's kink, and the prediction 1/2 is the best constant
    found = locate_end_points(
        network("relu", "sigmoid", "squared"), one(np.zeros((3, 3)), [0] * 4), XOR
    )
    assert found.kink[0] <= AT_KINK
    assert found.kind == ("kink",)


def test_a_seed_counts_once_in_the_order_of_the_kinds():
    _, found = ended(activation="sigmoid", loss="squared", epochs=1000, seeds=30)
    everyone = np.ones(30, dtype=bool)
    counts = found.counted(everyone)
    assert sum(counts.values()) == 30
    assert list(counts) == [kind for kind in KINDS if kind in counts]
    assert found.counted(~everyone) == {}


def test_seeds_are_looked_at_in_parts_that_change_nothing(monkeypatch):
    flags = {"activation": "sigmoid", "loss": "squared", "epochs": 300, "seeds": 7}
    _, whole = ended(**flags)
    monkeypatch.setattr(module, "_HESSIANS_AT_A_TIME", 2 * 13 * 13)
    _, parts = ended(**flags)
    assert parts.kind == whole.kind
    np.testing.assert_allclose(parts.distance, whole.distance, rtol=1e-6)
    np.testing.assert_allclose(parts.eigenvalues, whole.eigenvalues, atol=1e-14)


def test_what_cannot_be_trained_or_is_too_large_has_no_end_points():
    assert ended(activation="ultra_fast", epochs=2)[1] is None
    assert ended(activation="tanh", epochs=2, hidden=15, seeds=1)[1].eigenvalues.shape == (1, 61)
    assert MAX_WEIGHTS < 65
    assert ended(activation="tanh", epochs=2, hidden=16)[1] is None


@settings(max_examples=25)
@given(st.integers(0, 10_000), st.sampled_from(["sigmoid", "tanh", "hard", "elu"]))
def test_no_search_leads_farther_than_near_and_a_tried_saddle_is_one(seed, name):
    values = np.random.default_rng(seed)
    weights = Weights(values.uniform(-1, 1, (4, 3, 3)), values.uniform(-1, 1, (4, 4, 1)))
    found = locate_end_points(network(name, "sigmoid", "bce"), weights, XOR)
    near = ~np.isnan(found.distance)
    assert (found.distance[near] <= NEAR).all()
    assert (found.least_gradient[near] <= STATIONARY).all()
    assert (found.least_gradient <= found.gradient).all()
    smallest = found.stationary_eigenvalues[:, 0]
    certain = (np.array(found.kind) == "saddle") & (smallest < -10.0 * ASIDE)
    assert found.falls[certain].all()
