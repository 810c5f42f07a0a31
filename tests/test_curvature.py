from itertools import product

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsig.activations import ACTIVATIONS
from hsig.analysis.end_points import find_kinks, loss_surface
from hsig.networks.losses import LOSSES
from hsig.networks.network import Network, Weights
from hsig.networks.tasks import TASKS

mp = mpmath.mp.clone()
mp.dps = 60

# written from their definitions; each is smooth but at its kinks
FUNCTIONS = {
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "tanh": mp.tanh,
    "softplus": lambda x: mp.log(1 + mp.exp(x)),
    "silu": lambda x: x / (1 + mp.exp(-x)),
    "gelu_tanh": lambda x: (
        x / 2 * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (x + mp.mpf("0.044715") * x**3)))
    ),
    "elu": lambda x: x if x > 0 else mp.exp(x) - 1,
    "hard": lambda x: min(max(x / 5 + 0.5, mp.mpf(0)), mp.mpf(1)),
    "hard_silu": lambda x: x * min(max(x / 6 + 0.5, mp.mpf(0)), mp.mpf(1)),
    "relu": lambda x: max(x, mp.mpf(0)),
    "ultra_fast": lambda x: (
        (1 + mp.sign(x) * (1.5 * abs(x / 2) / (1 + abs(x / 2)))) / 2 if abs(x) < 3.4 else None
    ),
}
LOSS = {
    "squared": lambda p, y: (p - y) ** 2,
    "bce": lambda p, y: -mp.log(p) if y else -mp.log(1 - p),
}


def mean_loss(weights, hidden, output, loss, task):
    """The mean loss at 60 digits, in plain loops; weights as one list, in the order of drawing."""
    rows, units = task.inputs.shape[1] + 1, (len(weights) - 1) // (task.inputs.shape[1] + 2)
    total = mp.mpf(0)
    for sample, target in zip(task.inputs.tolist(), task.targets.tolist(), strict=True):
        seen = [*sample, 1]
        z = [sum(seen[i] * weights[i * units + j] for i in range(rows)) for j in range(units)]
        onward = weights[rows * units :]
        h = [*map(FUNCTIONS[hidden], z), 1]
        o = sum(a * b for a, b in zip(onward, h, strict=True))
        total += LOSS[loss](FUNCTIONS[output](o), target)
    return total / len(task.targets)


def oracle(weights, *of):
    """Gradient and Hessian by central differences at 60 digits: right to some 35."""
    weights, step = [mp.mpf(float(w)) for w in weights], mp.mpf(10) ** -18

    def at(*moves):
        moved = list(weights)
        for place, sign in moves:
            moved[place] += sign * step
        return mean_loss(moved, *of)

    n = len(weights)
    gradient = [(at((a, 1)) - at((a, -1))) / (2 * step) for a in range(n)]
    hessian = np.empty((n, n))
    for a, b in product(range(n), repeat=2):
        if a <= b:
            corners = at((a, 1), (b, 1)) - at((a, 1), (b, -1)) - at((a, -1), (b, 1))
            hessian[a, b] = hessian[b, a] = (corners + at((a, -1), (b, -1))) / (4 * step**2)
    return np.array(gradient, dtype=float), hessian


def network(hidden, output, loss):
    return Network(ACTIVATIONS[hidden], ACTIVATIONS[output], LOSSES[loss])


def drawn(seeds=1, units=3, inputs=2, low=-1.0, high=1.0, seed=0):
    """Weights of some seeds, seeds first."""
    values = np.random.default_rng(seed)
    return Weights(
        values.uniform(low, high, (seeds, inputs + 1, units)),
        values.uniform(low, high, (seeds, units + 1, 1)),
    )


def flat(weights, seed=0):
    return np.concatenate([layer[seed].ravel() for layer in weights])


@pytest.mark.parametrize(
    ("hidden", "output", "loss"),
    [
        ("sigmoid", "sigmoid", "squared"),
        ("sigmoid", "sigmoid", "bce"),
        ("tanh", "sigmoid", "bce"),
        ("tanh", "tanh", "squared"),
        ("softplus", "sigmoid", "bce"),
        ("silu", "silu", "squared"),
        ("gelu_tanh", "sigmoid", "squared"),
        ("elu", "sigmoid", "bce"),
        ("hard", "hard", "squared"),
        ("hard", "hard", "bce"),
        ("hard_silu", "sigmoid", "bce"),
        ("relu", "sigmoid", "bce"),
        ("ultra_fast", "ultra_fast", "bce"),
    ],
)
def test_gradient_and_hessian_are_those_of_60_digits(hidden, output, loss):
    weights, task = drawn(), TASKS["xor"]
    gradient, hessian = oracle(flat(weights), hidden, output, loss, task)
    found = loss_surface(network(hidden, output, loss), weights, task)
    np.testing.assert_allclose(found.gradient[0], gradient, rtol=0, atol=1e-14)
    np.testing.assert_allclose(found.hessian[0], hessian, rtol=0, atol=1e-10)
    assert found.cost[0] == pytest.approx(
        float(mean_loss(flat(weights).tolist(), hidden, output, loss, task)), rel=1e-14
    )


@pytest.mark.parametrize("size", [3.0, 10.0, 30.0])
def test_the_error_stays_small_where_units_are_saturated(size):
    weights, task = drawn(low=-size, high=size, seed=3), TASKS["xor"]
    gradient, hessian = oracle(flat(weights), "sigmoid", "sigmoid", "squared", task)
    found = loss_surface(network("sigmoid", "sigmoid", "squared"), weights, task)
    np.testing.assert_allclose(found.gradient[0], gradient, rtol=0, atol=1e-15 * size)
    np.testing.assert_allclose(found.hessian[0], hessian, rtol=0, atol=1e-11 * size)


def test_other_shapes_and_tasks_are_told_as_well():
    weights, task = drawn(units=2, inputs=3, seed=5), TASKS["parity3"]
    _, hessian = oracle(flat(weights), "tanh", "sigmoid", "squared", task)
    found = loss_surface(network("tanh", "sigmoid", "squared"), weights, task)
    np.testing.assert_allclose(found.hessian[0], hessian, rtol=0, atol=1e-10)


def test_the_slope_that_was_trained_with_does_not_matter():
    own = network("hard", "hard", "squared")
    trained = Network(
        own.hidden_activation.with_settings({}, "logistic"),
        own.output_activation.with_settings({}, "straight_through"),
        own.loss,
    )
    weights, task = drawn(low=-3, high=3), TASKS["xor"]
    np.testing.assert_array_equal(
        loss_surface(trained, weights, task).hessian, loss_surface(own, weights, task).hessian
    )


@given(st.integers(0, 1000), st.sampled_from(["sigmoid", "tanh", "elu", "relu"]))
def test_a_hessian_is_symmetric_and_the_names_of_units_do_not_matter(seed, hidden):
    weights, task = drawn(seeds=4, low=-4, high=4, seed=seed), TASKS["xor"]
    of = network(hidden, "sigmoid", "bce")
    found = loss_surface(of, weights, task)
    np.testing.assert_allclose(found.hessian, found.hessian.swapaxes(1, 2), rtol=0, atol=1e-14)
    other = Weights(weights.hidden[:, :, [2, 0, 1]], weights.output[:, [2, 0, 1, 3]])
    np.testing.assert_allclose(
        np.linalg.eigvalsh(loss_surface(of, other, task).hessian),
        np.linalg.eigvalsh(found.hessian),
        atol=1e-9,
    )
    alone = loss_surface(of, Weights(weights.hidden[1:2], weights.output[1:2]), task)
    np.testing.assert_allclose(alone.hessian[0], found.hessian[1], atol=1e-14)


def test_no_seeds_have_no_surface():
    found = loss_surface(network("tanh", "sigmoid", "bce"), drawn(seeds=0), TASKS["xor"])
    assert found.hessian.shape == (0, 13, 13)
    assert found.is_finite.shape == (0,)


def test_what_is_not_finite_is_told_apart():
    weights = drawn(seeds=2, low=-0.1, high=0.1)
    weights.output[1, -1] = -30.0  # the output is 0 where 1 is wanted
    found = loss_surface(network("hard", "hard", "bce"), weights, TASKS["xor"])
    assert found.cost[1] == np.inf
    assert found.is_finite.tolist() == [True, False]


def test_kinks_are_where_value_slope_or_bend_jumps():
    found = {name: find_kinks(activation) for name, activation in ACTIVATIONS.items()}
    assert {name: found[name] for name in KNOWN} == KNOWN
    assert find_kinks(ACTIVATIONS["hard"].with_settings({"leak": 1.0}, None)) == ()


KNOWN = {
    "sigmoid": (),
    "ultra_fast": (-6.0, -3.4, 0.0, 3.4, 6.0),  # at 0 its bend, at 3.4 its value
    "hard": (-2.5, 2.5),
    "hard_torch": (-3.0, 3.0),
    "hard_taylor": (-2.0, 2.0),
    "hard_binary": (-1.0, 1.0),
    "leaky_hard": (-2.5, 2.5),
    "tanh": (),
    "hard_tanh": (-1.0, 1.0),
    "relu": (0.0,),
    "leaky_relu": (0.0,),
    "elu": (0.0,),  # smooth but for its bend
    "softplus": (),
    "silu": (),
    "hard_silu": (-3.0, 3.0),
    "gelu_tanh": (),
    "identity": (),
    "softsign": (0.0,),  # its bend
    "sparse_plus": (-1.0, 1.0),
    "hard_shrink": (-0.5, 0.5),
}


def unit_at(x, activation):
    """The surface of a network whose only hidden unit has pre-activation x for every sample."""
    hidden = np.array([[[0.0], [0.0], [x]]])
    of = network(activation, "sigmoid", "squared")
    return loss_surface(of, Weights(hidden, np.array([[[1.0], [0.3]]])), TASKS["and"])


@pytest.mark.parametrize(
    ("activation", "kink"), [("elu", 0.0), ("hard_silu", 3.0), ("hard_silu", -3.0), ("relu", 0.0)]
)
@pytest.mark.parametrize("beside", [1e-3, 1e-5, 1e-8])
def test_beside_a_kink_the_hessian_is_that_of_its_own_side(activation, kink, beside):
    for side in (-1.0, 1.0):
        x = kink + side * beside
        _, hessian = oracle([0, 0, x, 1, 0.3], activation, "sigmoid", "squared", TASKS["and"])
        found = unit_at(x, activation)
        np.testing.assert_allclose(found.hessian[0], hessian, rtol=0, atol=2e-6)
        assert found.kink[0] == pytest.approx(beside, rel=1e-6)


def test_at_a_kink_bends_are_those_of_the_right_side_and_the_distance_says_so():
    at, left, right = (unit_at(x, "elu") for x in (0.0, -1e-5, 1e-5))
    assert (at.kink[0], right.kink[0]) == (0.0, 1e-5)
    assert abs(left.hessian - right.hessian).max() > 0.01
    np.testing.assert_allclose(at.hessian, right.hessian, atol=1e-5)


def test_the_output_has_kinks_too():
    weights = Weights(np.zeros((1, 3, 1)), np.array([[[0.0], [2.4]]]))
    assert loss_surface(network("tanh", "hard", "squared"), weights, TASKS["and"]).kink[0] == (
        pytest.approx(0.1)
    )


def test_a_loss_that_is_infinite_at_a_kink_is_exact_beside_it():
    # mean of -log p where p = z / 5 + 1/2 is 1e-3 from 0: d2/dz2 = 1 / (25 p**2)
    weights = Weights(np.zeros((1, 3, 1)), np.array([[[0.0], [-2.495]]]))
    found = loss_surface(network("tanh", "hard", "bce"), weights, TASKS["or"])
    p = 0.001
    exactly = (3 / (25 * p**2) + 1 / (25 * (1 - p) ** 2)) / 4
    assert found.hessian[0, -1, -1] == pytest.approx(exactly, rel=1e-5)
