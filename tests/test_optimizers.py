"""Optimizers against PyTorch, in both engines: `tests/golden/make_optimizers.py` made its numbers."""

import json
from itertools import pairwise

import numpy as np
import pytest

from golden_data import load
from hsig.engines.choice import ENGINES
from hsig.engines.engine import Problem, State
from hsig.engines.optimizers import OPTIMIZERS, Optimizer
from hsig.engines.order import Order
from kernels import built
from setups import network_of

EPOCHS, ROWS, INPUTS = 200, 20, 3
RECORDED = load("optimizers_torch.npz")
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


def by_name(setting):
    return setting[0], len(setting[2])


@pytest.mark.parametrize("engine", [pytest.param("compiled", marks=built), "reference"])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_an_optimizer_comes_to_where_pytorch_comes_to(engine, name):
    for setting in SETTINGS:
        if setting[0] != name or (engine == "reference" and setting[1] == 1):
            continue  # the reference engine takes long for single rows, and has no other code
        problem, state = problem_and_state(*setting)
        progress = ENGINES[engine].advance(state, problem, EPOCHS)
        found = np.concatenate([layer[:, :, 0].ravel() for layer in progress.weights])
        ends = np.cumsum([layer.size for layer in progress.weights])[:-1]
        parts = zip(
            np.split(found, ends), np.split(RECORDED[json.dumps(setting)], ends), strict=True
        )
        for ours, theirs in parts:
            assert np.abs(ours - theirs).max() <= 1e-12 * np.abs(theirs).max(), setting
