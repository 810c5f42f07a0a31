"""Both engines against PyTorch's optimizers, recorded by `tests/golden/make_optimizers.py`."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from golden_data import load_golden
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
