"""Both engines against PyTorch's optimizers, recorded by `tests/golden/make_optimizers.py`."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from golden_data import load_golden
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels import built
from setups import network_of

from hsig.engines.choice import ENGINES
from hsig.engines.engine import Problem, State
from hsig.engines.optimizers import OPTIMIZERS, Optimizer
from hsig.engines.order import Order

EPOCHS, ROWS, INPUTS = 200, 20, 3
RECORDED = load_golden("optimizers_torch")
SETTINGS = [json.loads(name) for name in RECORDED if name != "about"]


def problem_and_state(name, size, hidden, activation, decay, clip):
    draw = np.random.RandomState(7).uniform
    inputs = draw(-1.0, 1.0, (ROWS, INPUTS))
    targets = (inputs.sum(axis=1, keepdims=True) > 0.0).astype(np.float64)
    shapes = [(a + 1, b, 1) for a, b in pairwise((INPUTS, *hidden, 1))]
    rule = OPTIMIZERS[name]
    optimizer = Optimizer(name, (*rule.settings.values(),), decay, np.inf if clip is None else clip)
    problem = Problem(
        network_of(*[activation] * len(hidden), "sigmoid"),
        inputs,
        targets,
        rule.learning_rate,
        0.5,
        Order(size),
        optimizer,
    )
    weights = tuple(draw(-1.0, 1.0, shape) for shape in shapes)
    return problem, State.start(weights, optimizer)


def weights_after(engine, problem, state):
    return [layer[:, :, 0].ravel() for layer in engine.advance(state, problem, EPOCHS).weights]


def largest_difference(ours, theirs):
    """Of a weight, relative to the largest of its layer."""
    pairs = zip(ours, theirs, strict=True)
    return max(np.abs(a - b).max() / np.abs(b).max() for a, b in pairs)


@pytest.mark.parametrize("engine", [pytest.param("compiled", marks=built), "reference"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_comes_to_where_pytorch_comes_to(engine, name):
    engine, close = ENGINES[engine], 0
    settings = [setting for setting in SETTINGS if setting[0] == name]
    if engine.NAME == "reference":  # which takes long for single rows, and has no code for them
        settings = [setting for setting in settings if setting[1] == ROWS][::5]
    for setting in settings:
        problem, state = problem_and_state(*setting)
        found = weights_after(engine, problem, state)
        ends = np.cumsum([layer.size for layer in found])[:-1]
        difference = largest_difference(found, np.split(RECORDED[json.dumps(setting)], ends))
        if difference > 1e-12:  # some settings make much of a last bit, whoever trains
            nearby = replace(state, weights=tuple(w * (1 + 2**-50) for w in state.weights))
            apart = largest_difference(weights_after(engine, problem, nearby), found)
            assert difference <= 100 * apart, setting
        close += difference <= 1e-12
    assert close >= 0.7 * len(settings)


# --- steps that never come --------------------------------------------------------------------

SIZES = (0.0, 1e-320, 1e-30, 1e-20, 1e-17, 1e-12, 1.0)


@settings(max_examples=50)
@given(
    st.sampled_from([*OPTIMIZERS]),
    st.sampled_from([0.0, 0.5, 0.9, 0.999]),
    st.sampled_from([0.0, 1e-18, 1e-4]),
    st.integers(0, 2**32 - 1),
)
def test_weights_that_are_said_to_stay_are_left_by_all_gradients_within_bounds(
    name, remembered, decay, seed
):
    random, rule, steps = np.random.Generator(np.random.PCG64(seed)), OPTIMIZERS[name], 300
    values = [1e-8 if key == "epsilon" else remembered for key in rule.settings]
    optimizer = Optimizer(name, tuple(values), decay)
    shape = (1, 1, 64)
    first = (random.choice([0.0, 1.0, 1.0 - 2**-53, -3.7, 1e-9], shape),)
    ends = [random.choice(SIZES, shape) * random.choice([-1.0, 1.0], shape) for _ in range(2)]
    low, high = np.minimum(*ends), np.maximum(*ends)
    memory = tuple(
        (random.choice(SIZES, part[0].shape) ** (1 + place),)
        for place, part in enumerate(optimizer.start(first)[: rule.means])
    )
    if rule.products:
        memory = (*memory, (np.full((2, 1, 64), random.choice([1.0, 0.5, 0.0])),))
    rate = random.choice([1e-3, 0.1, 1e-10])
    decayed = tuple(optimizer.added_decay * first[0] + end for end in (low, high))
    (kept,) = optimizer.keeps(first, memory, *((end,) for end in decayed), rate)
    weights, moved = first, np.zeros(64, dtype=bool)
    for step in range(steps):
        shares = random.random(shape) if step % 2 else random.integers(0, 2, shape)
        gradient = np.clip(low + shares * (high - low), low, high)
        with np.errstate(all="ignore"):
            weights, memory = optimizer.step(weights, memory, (gradient,), rate)
        moved |= (weights[0] != first[0])[0, 0]
        weights = first  # each step is from there
    assert not (kept & moved).any()
    # a gradient that stays what it is, with nothing remembered, is told by its first steps
    if name == "sgd" and not decay:
        assert (
            kept | (first[0] - rate * low != first[0]) | (first[0] - rate * high != first[0])
        ).all()


@pytest.mark.parametrize(("steps", "kept"), [(0, False), (20_000, True)])
def test_the_first_steps_of_adam_are_larger_by_their_correction(steps, kept):
    """By hand: 1e-22/1e-8 at a rate of 1e-3 rounds away of 1, and not 1/(1 - 0.999) times as much.

    As if a mean of 1e-22 had come from elsewhere.
    """
    optimizer = Optimizer("adam", (0.999, 0.9, 1e-8))
    weights, zero = np.ones((1, 1, 1)), np.zeros((1, 1, 1))
    powers = np.array([0.999, 0.9]).reshape(2, 1, 1) ** steps
    memory = ((np.full((1, 1, 1), 1e-22),), (zero,), (powers,))
    assert optimizer.keeps((weights,), memory, (zero,), (zero,), 1e-3).all() == kept
    (after,), _ = optimizer.step((weights,), memory, (zero,), 1e-3)
    assert (after == weights).all() == kept


@pytest.mark.parametrize("engine", [pytest.param("compiled", marks=built), "reference"])
@pytest.mark.parametrize("size", [1, 3, None])
def test_momentum_of_0_is_plain_descent_and_remembers_the_gradient(engine, size):
    engine, weights = ENGINES[engine], []
    for optimizer in (Optimizer(), Optimizer("momentum", (0.0,))):
        problem, state = problem_and_state("sgd", size, (3, 2), "tanh", 0.0, None)
        problem = replace(problem, optimizer=optimizer)
        state = replace(state, memory=optimizer.start(state.weights))
        weights.append(engine.advance(state, problem, 20).weights)
    for ours, theirs in zip(*weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    problem = replace(problem, order=Order(None), learning_rate=0.0)
    after = engine.advance(state, problem, 1)
    activity = problem.network.forward(state.weights, problem.inputs_with_bias)
    gradient = problem.network.gradient(state.weights, activity, problem.target_columns)
    for found, layer, kept, was in zip(
        after.memory[0], gradient, after.weights, state.weights, strict=True
    ):
        np.testing.assert_allclose(found, layer, rtol=1e-12, atol=1e-16)
        np.testing.assert_array_equal(kept, was)
