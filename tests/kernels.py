"""What the tests of the compiled engine share: its paths, comparisons, and single functions."""

from dataclasses import replace

import mpmath
import numpy as np
import pytest
from hypothesis import strategies as st
from setups import ORDERS

from hsig.activations import ACTIVATIONS
from hsig.engines import compiled
from hsig.engines.engine import Problem, State
from hsig.networks.losses import LOSSES
from hsig.networks.network import Network

built = pytest.mark.skipif(not compiled.is_available(), reason="the kernel was not built here")
PATHS = compiled.instruction_sets()
KNOWN = list(ACTIVATIONS)

numbers = st.floats(-20.0, 20.0)
odd_numbers = numbers | st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e300, 5e-324])


def everything(progress):
    """All numbers of a progress, seeds last."""
    marks = (progress.solved_at, progress.lost_at, progress.diverged_at)
    return (*progress.weights, *marks, progress.predictions, progress.first_epoch_losses)


def assert_same(one, other):
    for ours, theirs in zip(everything(one), everything(other), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def assert_paths_agree(problem, state, epochs, expected=None):
    """The same bits by every instruction set."""
    for path in PATHS:
        found = compiled.advance(state, problem, epochs, path=path)
        expected = found if expected is None else expected
        assert_same(found, expected)


def with_layers(problem, *activations):
    """The same problem with other activations, the output's last."""
    return replace(problem, network=Network(activations, problem.network.loss))


def predict_and_lose(activation, x, loss="squared", target=1.0, path=None):
    """Predictions and losses of networks whose output has the pre-activations x."""
    network = Network((ACTIVATIONS["relu"], activation), LOSSES[loss])
    problem = Problem(network, np.zeros((1, 1)), np.array([[target]]), 0.0, 0.5)
    weights = np.zeros((2, 1, len(x))), np.stack([np.zeros_like(x), x])[:, None]
    progress = compiled.advance(State.start(weights), problem, 1, path=path)
    return progress.predictions[0, 0], progress.first_epoch_losses[0]


def largest_error(found, exact):
    """In units of the last place."""
    with mpmath.workprec(160):
        return max(
            float(abs(mpmath.mpf(float(y)) - e) / float(np.spacing(abs(float(e)))))
            for y, e in zip(found, exact, strict=True)
            if e != 0
        )


def draw_run(data, layers, loss, inputs_most, hidden_most, weights, targets=(0.0, 1.0, 0.25)):
    """A problem and a state of drawn sizes and numbers."""

    def draw_array(values, *shape):
        few = np.array(data.draw(st.lists(values, min_size=1, max_size=30)))
        return np.resize(few, shape)

    inputs, hidden = data.draw(st.integers(1, inputs_most)), data.draw(st.integers(1, hidden_most))
    samples, seeds = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 40))
    problem = Problem(
        Network(tuple(layers), LOSSES[loss]),
        inputs=draw_array(numbers, samples, inputs),
        targets=np.resize(targets, (samples, 1)),
        learning_rate=data.draw(st.sampled_from([0.0, 0.1, 3.0])),
        solved_within=data.draw(st.sampled_from([0.5, 0.01, 1e9])),
        order=data.draw(st.sampled_from(list(ORDERS.values()))),
    )
    shapes = (inputs + 1, hidden, seeds), (hidden + 1, 1, seeds)
    return problem, State.start(tuple(draw_array(weights, *shape) for shape in shapes))
