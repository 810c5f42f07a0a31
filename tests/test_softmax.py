"""Both engines' softmax with cross-entropy against PyTorch's (`tests/golden/make_softmax.py`)."""

import json
from itertools import pairwise

import numpy as np
import pytest
from golden_data import load_golden
from kernels import built
from setups import network_of

from hsig.engines.choice import ENGINES
from hsig.engines.engine import Problem, State
from hsig.engines.order import Order

EPOCHS, ROWS, INPUTS, RATE = 50, 20, 3, 0.1
RECORDED = load_golden("softmax_torch")
SETTINGS = [json.loads(name) for name in RECORDED if name != "about"]


def problem_and_weights(size, hidden, classes, factor):
    draw = np.random.RandomState(7).uniform
    inputs = draw(-1.0, 1.0, (ROWS, INPUTS))
    of_rows = (inputs @ draw(-1.0, 1.0, (INPUTS, classes))).argmax(axis=1)
    shapes = [(a + 1, b, 1) for a, b in pairwise((INPUTS, *hidden, classes))]
    network = network_of(*["tanh"] * len(hidden), "softmax", loss="cross_entropy")
    problem = Problem(network, inputs, np.eye(classes)[of_rows], RATE, None, Order(size))
    return problem, tuple(factor * draw(-1.0, 1.0, shape) for shape in shapes)


def flat(layers):
    return np.concatenate([layer[:, :, 0].ravel() for layer in layers])


@pytest.mark.parametrize("engine", [pytest.param("compiled", marks=built), "reference"])
def test_losses_gradients_and_training_are_pytorchs(engine):
    engine, trained, close = ENGINES[engine], 0, 0
    for place, setting in enumerate(SETTINGS):
        problem, weights = problem_and_weights(*setting)
        losses, slopes, ends = np.split(
            RECORDED[json.dumps(setting)], [ROWS, ROWS + flat(weights).size]
        )
        found = engine.evaluate(problem, weights)[1][:, 0]
        np.testing.assert_allclose(found, losses, rtol=1e-12, atol=1e-12)
        activity = problem.network.forward(weights, problem.inputs_with_bias)
        gradient = problem.network.gradient(weights, activity, problem.target_columns)
        np.testing.assert_allclose(flat(gradient), slopes, rtol=1e-12, atol=1e-12)
        _, hidden, _, factor = setting
        if hidden and factor > 1.0:  # PyTorch's slope of a saturated tanh, 1 - y*y, loses digits
            continue
        if engine.NAME == "reference" and place % 5:  # which takes long
            continue
        found, nearby = (
            flat(engine.advance(State.start(some), problem, EPOCHS).weights)
            for some in (weights, tuple(layer * (1 + 2**-50) for layer in weights))
        )
        # some settings make much of a last bit, whoever trains
        difference, apart = np.abs(found - ends).max(), np.abs(nearby - found).max()
        assert difference <= max(1e-12, 100 * apart), setting
        trained, close = trained + 1, close + (difference <= 1e-12)
    assert close >= 0.9 * trained
