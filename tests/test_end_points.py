"""The Hessian is exact at any depth, and what seeds end near is of the kind that is said."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
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
    find_kinks,
    locate_end_points,
    loss_surface,
    zero_threshold,
)
from hsig.config.loading import load_experiment
from hsig.experiments.training import gather, run
from hsig.networks.affine_fit import fit_affine
from hsig.networks.losses import LOSSES
from hsig.networks.network import Network, layer_shapes, select_seeds
from hsig.networks.tasks import TASKS, Task

XOR = TASKS["xor"]
SIZES = (2, 3, 1)


def network(*names, loss="squared"):
    return Network(tuple(ACTIVATIONS[name] for name in names), LOSSES[loss])


SIGMOIDS = network("sigmoid", "sigmoid")


def draw(sizes=SIZES, *, seeds=1, size=1.0, seed=0):
    """Weights of some seeds, each within plus or minus `size`."""
    values = np.random.default_rng(seed)
    return tuple(values.uniform(-size, size, (seeds, *shape)) for shape in layer_shapes(sizes))


def one_seed(hidden, output):
    """The weights of one seed, seeds first."""
    return np.array([hidden], dtype=float), np.array(output, dtype=float).reshape(1, -1, 1)


def shift(weights, sizes, seed=0):
    """Weights of one seed, moved by so much in random directions."""
    draws = np.random.default_rng(seed).normal(size=(len(sizes), 13))
    moves = draws / np.linalg.norm(draws, axis=1)[:, None] * np.array(sizes)[:, None]
    return (
        weights[0] + moves[:, :9].reshape(-1, 3, 3),
        weights[1] + moves[:, 9:].reshape(-1, 4, 1),
    )


# --- the Hessian ------------------------------------------------------------------------------


def differences(of, weights, task, step=1e-5):
    """The Hessian by central differences of the gradient."""
    columns = []
    for place, layer in enumerate(weights):
        for index in np.ndindex(*layer.shape[1:]):
            sides = []
            for move in (step, -step):
                moved = [other.copy() for other in weights]
                moved[place][:, *index] += move
                sides.append(loss_surface(of, tuple(moved), task).gradient)
            columns.append((sides[0] - sides[1]) / (2.0 * step))
    return np.stack(columns, axis=1)


@given(
    seed=st.integers(0, 10_000),
    inputs=st.integers(1, 3),
    hidden=st.lists(st.integers(1, 4), max_size=3),
    outputs=st.integers(1, 3),
    names=st.lists(st.sampled_from(sorted(ACTIVATIONS)), min_size=3, max_size=3),
    output=st.sampled_from(["sigmoid", "tanh", "identity", "silu", "hard"]),
    loss=st.sampled_from(sorted(LOSSES)),
)
def test_the_hessian_is_that_of_differences_of_the_gradient(
    seed, inputs, hidden, outputs, names, output, loss
):
    if LOSSES[loss].needs_probabilities and output not in ("sigmoid", "hard"):
        output = "sigmoid"
    sizes = (inputs, *hidden, outputs)
    values = np.random.default_rng(seed)
    rows, targets = values.uniform(-1, 1, (5, inputs)), values.integers(0, 2, (5, outputs)) * 1.0
    if LOSSES[loss].of_classes:
        output, targets = "softmax", np.eye(outputs)[targets.argmax(axis=1)]
    task = Task("mine", rows, targets)
    of = network(*names[: len(hidden)], output, loss=loss)
    weights = draw(sizes, seeds=2, seed=seed)
    found = loss_surface(of, weights, task)
    smooth = found.is_finite & (found.kink > 1e-3)
    expected = differences(of, weights, task)[smooth]
    scale = max(1.0, np.abs(expected).max(initial=0.0))
    np.testing.assert_allclose(found.hessian[smooth], expected, rtol=0, atol=1e-6 * scale)


mp = mpmath.mp.clone()
mp.dps = 60
FUNCTIONS = {  # from their definitions
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "tanh": mp.tanh,
    "elu": lambda x: x if x > 0 else mp.exp(x) - 1,
    "hard": lambda x: min(max(x / 5 + 0.5, mp.mpf(0)), mp.mpf(1)),
}


def mean_loss(weights, hidden, output, loss):
    """The mean loss on xor at 60 digits, in plain loops; 13 weights, in the order of drawing."""
    total = mp.mpf(0)
    for sample, (y,) in zip(XOR.inputs.tolist(), XOR.targets.tolist(), strict=True):
        seen = [*sample, 1]
        z = [sum(seen[i] * weights[i * 3 + j] for i in range(3)) for j in range(3)]
        h = [*map(FUNCTIONS[hidden], z), 1]
        p = FUNCTIONS[output](sum(a * b for a, b in zip(weights[9:], h, strict=True)))
        total += (p - y) ** 2 if loss == "squared" else -mp.log(p if y else 1 - p)
    return total / 4


@pytest.mark.parametrize(
    ("hidden", "output", "loss", "size"),
    [
        ("sigmoid", "sigmoid", "squared", 1.0),
        ("sigmoid", "sigmoid", "squared", 30.0),
        ("tanh", "sigmoid", "bce", 1.0),
        ("tanh", "tanh", "squared", 3.0),
        ("elu", "sigmoid", "bce", 1.0),
        ("hard", "hard", "bce", 1.0),
    ],
)
def test_gradient_and_hessian_are_those_of_60_digits(hidden, output, loss, size):
    weights = draw(size=size)
    flat = [mp.mpf(w) for layer in weights for w in layer[0].ravel().tolist()]
    step = mp.mpf(10) ** -18

    def at(*moves):
        moved = list(flat)
        for place, sign in moves:
            moved[place] += sign * step
        return mean_loss(moved, hidden, output, loss)

    gradient = [float((at((a, 1)) - at((a, -1))) / (2 * step)) for a in range(13)]
    found = loss_surface(network(hidden, output, loss=loss), weights, XOR)
    np.testing.assert_allclose(found.gradient[0], gradient, rtol=0, atol=1e-14 * size)
    assert found.cost[0] == pytest.approx(float(at()), rel=1e-14)
    for a in range(13):
        for b in range(0, a + 1, 2):
            corners = at((a, 1), (b, 1)) - at((a, 1), (b, -1)) - at((a, -1), (b, 1))
            exact = float((corners + at((a, -1), (b, -1))) / (4 * step**2))
            assert found.hessian[0, a, b] == pytest.approx(exact, rel=1e-13, abs=1e-14 * size)


def test_the_slope_that_was_trained_with_does_not_matter():
    own = network("hard", "hard")
    trained = Network(
        tuple(
            activation.with_settings({}, backward)
            for activation, backward in zip(
                own.activations, ("logistic", "straight_through"), strict=True
            )
        ),
        own.loss,
    )
    hessians = [loss_surface(of, draw(size=3.0), XOR).hessian for of in (trained, own)]
    np.testing.assert_array_equal(*hessians)


@given(st.integers(0, 1000), st.sampled_from(["sigmoid", "tanh", "elu", "relu"]))
def test_a_hessian_is_symmetric_and_neither_names_of_units_nor_other_seeds_matter(seed, hidden):
    weights, of = draw(seeds=4, size=4.0, seed=seed), network(hidden, "sigmoid", loss="bce")
    found = loss_surface(of, weights, XOR).hessian
    np.testing.assert_allclose(found, found.swapaxes(1, 2), rtol=0, atol=1e-14)
    other = loss_surface(of, (weights[0][:, :, [2, 0, 1]], weights[1][:, [2, 0, 1, 3]]), XOR)
    np.testing.assert_allclose(
        np.linalg.eigvalsh(other.hessian), np.linalg.eigvalsh(found), atol=1e-12
    )
    alone = loss_surface(of, select_seeds(weights, slice(1, 2)), XOR)
    np.testing.assert_allclose(alone.hessian[0], found[1], atol=1e-14)


# --- kinks ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kinks"),
    [
        ("sigmoid", ()),
        ("gelu_tanh", ()),
        ("identity", ()),
        ("ultra_fast", (-6.0, -3.4, 0.0, 3.4, 6.0)),  # at 0 its bend, at 3.4 its value
        ("hard", (-2.5, 2.5)),
        ("leaky_hard", (-2.5, 2.5)),
        ("relu", (0.0,)),
        ("elu", (0.0,)),  # smooth but for its bend
        ("softsign", (0.0,)),  # its bend
        ("hard_silu", (-3.0, 3.0)),
        ("sparse_plus", (-1.0, 1.0)),
        ("hard_shrink", (-0.5, 0.5)),
    ],
)
def test_kinks_are_where_value_slope_or_bend_jumps(name, kinks):
    assert find_kinks(ACTIVATIONS[name]) == kinks


@pytest.mark.parametrize("beside", [1e-3, 1e-8, -1e-8, -1e-3])
def test_beside_a_kink_the_hessian_is_that_of_its_own_side(beside):
    # the hidden unit's bend is exp(x) below 0 and 0 above; it reaches the weight of its own bias
    of = network("elu", "identity")
    weights = one_seed([[0.0], [0.0], [beside]], [1.0, 0.3])
    found = loss_surface(of, weights, TASKS["and"])
    value, slope, bend = (beside, 1.0, 0.0)
    if beside < 0.0:
        value, slope, bend = np.expm1(beside), np.exp(beside), np.exp(beside)
    error = value + 0.3 - 0.25  # the mean one: one target of four is 1
    assert found.hessian[0, 2, 2] == pytest.approx(2 * slope**2 + 2 * error * bend, rel=1e-12)
    assert found.kink[0] == pytest.approx(abs(beside))


# --- end points -------------------------------------------------------------------------------


def train(**flags):
    """An experiment and what became of its one variant."""
    chosen = load_experiment(flags={key: str(value) for key, value in flags.items()})
    return chosen, gather(chosen, run(chosen)).results[0]


def ended(**flags):
    return find_end_points(*train(**flags))


def test_with_no_weights_at_all_xor_is_flat_with_one_eigenvalue():
    # all hidden values and the prediction are 1/2, the errors add up to 0 over each input:
    # what is left is the loss's curvature 2 * (1/4)**2 times |(1/2, 1/2, 1/2, 1)|**2
    found = locate_end_points(SIGMOIDS, one_seed(np.zeros((3, 3)), [0, 0, 0, 0]), XOR)
    assert found.kind.tolist() == ["flat"]
    assert (found.distance[0], found.cost[0], found.gradient[0]) == (0.0, 0.25, 0.0)
    assert found.eigenvalues[0, -1] == pytest.approx(0.125 * 1.75, rel=1e-12)
    np.testing.assert_allclose(found.eigenvalues[0, :-1], 0.0, atol=1e-15)


APART = [[1, 2, 3], [-1, -2, -3], [0, 0, 0]]  # hidden weights that tell the inputs apart


def test_units_that_tell_the_inputs_apart_but_lead_nowhere_are_at_a_saddle():
    # with output weights of 0 the error's gradient is 0, and as the units' slopes differ between
    # the samples, moving an input weight and the output weight together leads down
    found = locate_end_points(SIGMOIDS, one_seed(APART, [0, 0, 0, 0]), XOR)
    assert (found.kind.tolist(), found.distance[0], found.falls.tolist()) == (
        ["saddle"],
        0.0,
        [True],
    )
    assert found.stationary_eigenvalues[0, 0] < -0.001


def test_on_the_way_of_the_sigmoid_the_cost_falls_on_both_sides_of_every_saddle(monkeypatch):
    flags = {"activation": "sigmoid", "loss": "squared", "epochs": 1000, "seeds": 60}
    found = ended(**flags)
    saddles = found.kind == "saddle"
    assert saddles.sum() > 10
    assert found.falls[saddles].all()
    assert not found.falls[found.kind == "slope"].any()
    np.testing.assert_allclose(found.stationary_cost[saddles], 0.25, atol=1e-3)
    counts = found.count_kinds(np.ones(60, dtype=bool))
    assert sum(counts.values()) == 60
    assert list(counts) == [kind for kind in KINDS if kind in counts]
    monkeypatch.setattr(module, "_BLOCK", 20 * 13 * 13)  # looked at in parts
    assert (ended(**flags).kind == found.kind).all()


def test_a_curve_through_five_points_ends_in_a_minimum_that_no_step_lowers():
    chosen, training = train(
        activation="tanh",
        task="{inputs: [[-2], [-1], [0], [1], [2]], targets: [0.1, 0.25, 0.5, 0.6, 0.65]}",
        hidden=1,
        epochs=20000,
        update="batch",
        learning_rate=1,
        seeds=1,
    )
    found = find_end_points(chosen, training)
    assert found.kind.tolist() == ["minimum"]
    assert found.distance[0] < 1e-3
    draws = np.random.default_rng(0).normal(size=(500, 4))
    moves = 0.05 * draws / np.linalg.norm(draws, axis=1)[:, None]
    hidden, output = training.weights
    moved = hidden + moves[:, :2, None], output + moves[:, 2:, None]
    costs = loss_surface(chosen.network_of(training.variant), moved, chosen.task).cost
    assert (costs > found.stationary_cost[0]).all()


def test_the_best_affine_function_of_hard_units_is_a_minimum_though_a_flat_one():
    # as long as all units stay between the kinks, the network is affine, and none is better
    chosen, training = train(
        activation="hard", loss="squared", update="batch", epochs=20000, seeds=20
    )
    found = find_end_points(chosen, training)
    best = fit_affine(XOR, chosen.loss, 0.5).cost
    flat = (found.kind == "flat") & (found.cost < 0.3)
    assert flat.sum() >= 18
    np.testing.assert_allclose(found.stationary_cost[flat], best, atol=1e-12)
    eigenvalues = found.stationary_eigenvalues
    zero = np.abs(eigenvalues) <= zero_threshold(eigenvalues)[:, None]
    assert (zero.sum(axis=1)[flat] == 10).all()  # an affine function has 3 numbers
    place = int(np.flatnonzero(flat)[0])
    here = select_seeds(training.weights, slice(place, place + 1))
    nearby = shift(here, np.linspace(0.01, 0.2, 300))
    costs = loss_surface(chosen.network_of(training.variant), nearby, XOR).cost
    assert (costs >= best - 1e-12).all()


@pytest.mark.parametrize(
    ("names", "weights", "kind"),
    [
        # all saturated, the output too: no gradient at all
        (("hard", "hard"), ([[0] * 3, [0] * 3, [9] * 3], [1, 1, 1, 1]), "flat"),
        # all pre-activations are 0, relu's kink, and the prediction 1/2 is the best constant
        (("relu", "sigmoid"), (np.zeros((3, 3)), [0, 0, 0, 0]), "kink"),
        # far from anything stationary
        (("sigmoid", "sigmoid"), (np.zeros((3, 3)), [0, 0, 0, 4]), "slope"),
        # beyond its kinks leaky_hard is a line, and 1/2 lies many units of its input away
        (("leaky_hard", "leaky_hard"), (np.zeros((3, 3)), [0, 0, 0, 90]), "slope"),
    ],
)
def test_other_kinds_of_end_points(names, weights, kind):
    found = locate_end_points(network(*names), one_seed(*weights), XOR)
    assert found.kind.tolist() == [kind]
    if kind == "flat":
        assert (found.gradient[0], found.distance[0]) == (0.0, 0.0)
    if kind == "kink":
        assert found.kink[0] <= AT_KINK
    if kind == "slope":
        assert STATIONARY < found.least_gradient[0] <= found.gradient[0]
        assert np.isnan(found.stationary_cost[0])


def test_weights_that_are_not_finite_are_undefined_and_lose_no_other():
    weights = shift(one_seed(np.zeros((3, 3)), [0, 0, 0, 0]), [0.5, 0.5, 0.5])
    weights[0][1, 0, 0], weights[1][2, 0, 0] = np.nan, np.inf
    found = locate_end_points(SIGMOIDS, weights, XOR)
    assert found.kind[1:].tolist() == ["undefined", "undefined"]
    assert np.isnan(found.eigenvalues[1:]).all()
    alone = locate_end_points(SIGMOIDS, select_seeds(weights, slice(1)), XOR)
    assert found.kind[0] == alone.kind[0] != "undefined"


@pytest.mark.parametrize("size", [1e-300, 1e-150, 1e50, 1e150, 1e300])
@pytest.mark.parametrize("name", ["leaky_relu", "sigmoid"])
def test_weights_of_any_size_raise_nothing(name, size):
    weights = tuple(layer * size for layer in draw(seeds=20))
    assert set(locate_end_points(network(name, name), weights, XOR).kind) <= set(KINDS)


def test_what_cannot_be_trained_or_is_too_large_has_no_end_points():
    assert ended(activation="ultra_fast", epochs=2) is None
    assert ended(activation="tanh", epochs=2, hidden=15, seeds=1).eigenvalues.shape == (1, 61)
    assert MAX_WEIGHTS < 65
    assert ended(activation="tanh", epochs=2, hidden=16) is None


@given(st.integers(0, 10_000), st.sampled_from(["sigmoid", "tanh", "hard", "elu"]))
def test_no_search_leads_farther_than_near_and_a_tried_saddle_is_one(seed, name):
    found = locate_end_points(network(name, "sigmoid", loss="bce"), draw(seeds=2, seed=seed), XOR)
    near = ~np.isnan(found.distance)
    assert (found.distance[near] <= NEAR).all()
    assert (found.least_gradient[near] <= STATIONARY).all()
    assert (found.least_gradient <= found.gradient).all()
    smallest = found.stationary_eigenvalues[:, 0]
    certain = (found.kind == "saddle") & (smallest < -10.0 * ASIDE)
    assert found.falls[certain].all()
