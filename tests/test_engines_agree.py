"""The compiled engine against the reference: in numbers where they are ordinary, else in kind.

Whether a number is finite, infinite or not a number, when a seed is solved, lost or diverges, and
of what, is the same even where predictions round to 0 or 1 and weights are near the largest double.
"""

from dataclasses import replace
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from setups import BACKWARDS, ORDERS, layers_of, network_of, problem_of, state_of, task_of

from hsig.activations import ACTIVATIONS
from hsig.engines import compiled, reference
from hsig.engines.engine import Problem, State
from hsig.experiments.verdicts import OVERFLOW, SATURATED_RIGHT, SATURATED_WRONG, divergence_causes
from hsig.networks.losses import LOSSES
from hsig.networks.network import layer_shapes
from hsig.networks.tasks import TASKS

pytestmark = pytest.mark.skipif(not compiled.is_available(), reason="the kernel was not built here")

PROBLEMS = 200
MAX_LAST_BITS = 1  # seeds of 1 600 whose kind a last bit decides, in which engines may differ
CAUSES = ("", OVERFLOW, SATURATED_RIGHT, SATURATED_WRONG)
MARKS = ("solved_at", "lost_at", "diverged_at")


def numbers_of(progress):
    return progress.predictions, progress.first_epoch_losses, *progress.weights


@given(
    name=st.sampled_from(list(ACTIVATIONS)),
    backward=st.sampled_from(BACKWARDS),
    loss=st.sampled_from(list(LOSSES)),
    order=st.sampled_from(list(ORDERS.values())),
    hidden=st.integers(1, 9),
    width=st.sampled_from([0.5, 2.0, 8.0]),
    seed=st.integers(0, 2**32 - 21),
)
def test_an_epoch_has_the_same_numbers(name, backward, loss, order, hidden, width, seed):
    problem = problem_of(f"{name}:{backward}", loss=loss, order=order)
    state = state_of(problem, range(seed, seed + 20), hidden, low=-width, high=width)
    fast, plain = (engine.advance(state, problem, 1) for engine in (compiled, reference))
    for ours, theirs in zip(numbers_of(fast), numbers_of(plain), strict=True):
        size = np.where(np.isfinite(theirs), np.abs(theirs), 1.0).max(initial=1.0)
        np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-12 * size)
    for mark in MARKS:
        np.testing.assert_array_equal(getattr(fast, mark), getattr(plain, mark))


# --- in kind ----------------------------------------------------------------------------------

# extreme problems: weights from the least to the largest double, inputs and steps to match
SEEDS = 8  # of a problem
# the least and the largest, where squares and exponentials end, and where 1 - p rounds to 1
SIZES = (
    *(1e-320, 1e-308, 1e-200, 1e-150, 1e-17, 1e-8, 1e-3, 1.0, 4.0, 20.0, 36.0, 37.0, 40.0, 100.0),
    *(300.0, 700.0, 708.0, 709.0, 710.0, 745.0, 750.0, 1e3, 1e8, 1e17, 1e100, 1e153, 1e154),
    *(1e200, 1e300, 1.7e308),
)
RATES = (1e-300, 1e-3, 0.1, 1.0, 100.0, 1e9)


def extreme(number):
    """A problem, the state of its seeds, and how many epochs to train."""
    draw = np.random.Generator(np.random.PCG64(number))
    loss = LOSSES[draw.choice(list(LOSSES))]
    outputs = [
        name
        for name, activation in ACTIVATIONS.items()
        if activation.maps_into_unit_interval or not loss.needs_probabilities
    ]
    hidden = _spec(draw, list(ACTIVATIONS), 0.4)
    output = _spec(draw, outputs if draw.random() < 0.6 else ["sigmoid"], 0.3)
    task = TASKS[draw.choice(["xor", "and", "or"])]
    inputs = task.inputs * (draw.choice([1e-150, 1e-8, 1e8, 1e150]) if draw.random() < 0.2 else 1.0)
    targets = draw.random(task.targets.shape) if draw.random() < 0.2 else task.targets
    if loss.of_classes:
        output, targets = "softmax", np.eye(2)[task.targets[:, 0].astype(int)]
    problem = Problem(
        network_of(hidden, output, loss=loss.name),
        inputs,
        targets,
        learning_rate=float(draw.choice(RATES)),
        solved_within=float(draw.choice([0.5, 0.1, 1e-9, 2.0])),
        order=ORDERS[str(draw.choice(list(ORDERS)))],
    )
    shapes = layer_shapes((inputs.shape[1], int(draw.integers(1, 5)), targets.shape[1]))
    weights = tuple(_weights(draw, (*shape, SEEDS)) for shape in shapes)
    return problem, State.start(weights), int(draw.integers(1, 4))


def _spec(draw, names, share):
    """An activation, at times with another slope; always if it has none of its own."""
    name = str(draw.choice(names))
    other = ACTIVATIONS[name].backward is None or draw.random() < share
    return f"{name}:{draw.choice(BACKWARDS)}" if other else name


def _weights(draw, shape):
    if draw.random() < 0.3:  # each of a size of its own
        made = draw.choice([-1.0, 1.0], shape) * draw.choice(SIZES, shape)
    else:
        made = draw.uniform(-1.0, 1.0, shape) * draw.choice(SIZES)
    return made * (draw.random(shape) < 0.5) if draw.random() < 0.2 else made


def kinds(numbers):
    """Of each number: finite, infinite with its sign, or nan."""
    return np.where(np.isnan(numbers), 2, np.where(np.isinf(numbers), np.sign(numbers), 0))


def outcome(engine, problem, state, epochs):
    """What an engine comes to in kind, for each seed: a row of whole numbers."""
    progress = engine.advance(state, problem, epochs)
    causes = divergence_causes(state, problem, progress, engine.advance_in_strides)
    parts = [kinds(part).reshape(-1, state.seeds) for part in numbers_of(progress)]
    parts += [getattr(progress, name)[None] for name in MARKS]
    parts += [np.array([[CAUSES.index(causes.get(seed, "")) for seed in range(state.seeds)]])]
    return np.concatenate(parts).T


def differing(problem, state, epochs):
    """The places of the seeds that engines disagree on in kind."""
    fast, plain = (outcome(engine, problem, state, epochs) for engine in (compiled, reference))
    return np.flatnonzero((fast != plain).any(axis=1))


def test_on_extreme_problems_engines_agree_in_kind():
    found, diverged, solved = 0, [], 0
    for number in range(PROBLEMS):
        problem, state, epochs = extreme(number)
        assert compiled.supports(problem)
        found += len(differing(problem, state, epochs))
        progress = compiled.advance(state, problem, epochs)
        diverged.append((progress.diverged_at >= 0).mean())
        solved += (progress.solved_at >= 0).sum()
    assert found <= MAX_LAST_BITS
    assert 0.1 < np.mean(diverged) < 0.9  # or they are not extreme
    assert solved > 20


def output_alone(numbers, output="sigmoid", loss="bce_naive", backward="own", target=1.0):
    """Networks whose output's pre-activation is each of these numbers, exactly: its bias is."""
    problem = problem_of(
        "identity",
        output=f"{output}:{backward}",
        loss=loss,
        task=task_of([[1.0]], [target]),
        rate=1e-3,
    )
    numbers = np.asarray(numbers, dtype=np.float64)
    last = np.stack([np.zeros_like(numbers), numbers])[:, None]
    return problem, State.start((np.zeros((2, 1, len(numbers))), last))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("output", ["sigmoid", "hard", "hard_torch", "hard_binary"])
def test_saturated_outputs_differ_nowhere_in_kind(output, loss):
    numbers = np.concatenate([np.linspace(-800.0, 800.0, 1_601), 10.0 ** np.arange(-320.0, 309.0)])
    numbers = np.concatenate([numbers, -numbers[-629:], [-np.inf, np.inf, np.nan]])
    for backward in BACKWARDS if output == "sigmoid" else ("own", "output", "straight_through"):
        for target in (0.0, 0.3, 1.0):
            fields = {"output": output, "loss": loss, "backward": backward, "target": target}
            assert not len(differing(*output_alone(numbers, **fields), 1)), fields


def test_a_sum_that_rounds_to_1_does_so_at_the_same_pre_activations_but_for_one():
    """1 + exp(-x) does from 53 log 2 on; beside it, engines may differ at the nearest doubles."""
    edge = 53.0 * log(2.0)
    numbers = edge + np.spacing(edge) * np.arange(-2000, 2001)
    for loss in LOSSES:
        for target in (0.0, 0.3, 1.0):
            assert len(differing(*output_alone(numbers, loss=loss, target=target), 1)) <= 1


@pytest.mark.parametrize("engine", [reference, compiled], ids=lambda engine: engine.NAME)
@pytest.mark.parametrize("output", ["hard", "plan", "sigmoid"])
@pytest.mark.parametrize("backward", BACKWARDS)
def test_a_prediction_that_is_nan_is_no_saturated_one_and_diverges(engine, output, backward):
    """The weights of a layer are finite, and its sum is not: inf - inf."""
    problem, _ = output_alone([0.0], output=output, loss="bce", backward=backward)
    problem = replace(problem, inputs=np.array([[1e300]]))
    state = State.start(layers_of([[1e300], [0.0]], [[0.0], [1.0]]))
    progress = engine.advance(state, problem, 1)
    assert np.isnan(progress.predictions).all()
    assert progress.diverged_at.tolist() == [0]
    assert divergence_causes(state, problem, progress, engine.advance_in_strides) == {0: OVERFLOW}
