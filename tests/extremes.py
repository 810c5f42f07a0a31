"""Extreme problems, by their numbers; and the last bits of the reference engine's functions, moved.

Weights from the least to the largest double, inputs and steps to match, outputs that are saturated
from the start, every activation, slope, loss and update.
"""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from hsig.activations import ACTIVATIONS
from hsig.engines.engine import Problem, State
from hsig.formulas import program
from hsig.formulas.primitives import PRIMITIVES
from hsig.networks.losses import LOSSES
from hsig.networks.network import Network, Weights
from hsig.networks.tasks import TASKS

SEEDS = 8  # of a problem
BACKWARDS = ("own", "logistic", "output", "straight_through")
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
    network = Network(_hidden(draw), _output(draw, loss), loss)
    task = TASKS[draw.choice(["xor", "and", "or"])]
    inputs = task.inputs * (draw.choice([1e-150, 1e-8, 1e8, 1e150]) if draw.random() < 0.2 else 1.0)
    targets = draw.random(len(task.targets)) if draw.random() < 0.2 else task.targets
    rate, within = float(draw.choice(RATES)), float(draw.choice([0.5, 0.1, 1e-9, 2.0]))
    update = str(draw.choice(["online", "batch"]))
    problem = Problem(network, inputs, targets, rate, update, within)
    hidden = int(draw.integers(1, 5))
    shapes = (inputs.shape[1] + 1, hidden, SEEDS), (hidden + 1, 1, SEEDS)
    weights = Weights(*(_weights(draw, shape) for shape in shapes))
    return problem, State.start(weights), int(draw.integers(1, 4))


def _hidden(draw):
    chosen = ACTIVATIONS[draw.choice(list(ACTIVATIONS))]
    choose = chosen.backward is None or draw.random() < 0.4
    return chosen.with_settings({}, str(draw.choice(BACKWARDS)) if choose else None)


def _output(draw, loss):
    possible = [
        one
        for one in ACTIVATIONS.values()
        if one.maps_into_unit_interval or not loss.needs_probabilities
    ]
    some = possible[draw.integers(len(possible))]
    chosen = ACTIVATIONS["sigmoid"] if draw.random() < 0.4 else some
    choose = chosen.backward is None or draw.random() < 0.3
    return chosen.with_settings({}, str(draw.choice(BACKWARDS)) if choose else None)


def _weights(draw, shape):
    if draw.random() < 0.3:  # each of a size of its own
        made = draw.choice([-1.0, 1.0], shape) * draw.choice(SIZES, shape)
    else:
        made = draw.uniform(-1.0, 1.0, shape) * draw.choice(SIZES)
    return made * (draw.random(shape) < 0.5) if draw.random() < 0.2 else made


# --- the reference engine with other last bits --------------------------------------------------


class Bits:
    """How the functions of which IEEE 754 does not say every bit are changed; at first, not."""

    def __init__(self) -> None:
        self._ulps, self._draw = 0, None

    @contextmanager
    def changed_to(self, *, ulps, draw):
        """A stretch in which they are changed.

        Args:
            ulps: The most by which a value is moved, up or down.
            draw: Of the numbers by which they are.
        """
        self._ulps = ulps
        self._draw = np.random.Generator(np.random.PCG64(draw))
        try:
            yield
        finally:
            self.__init__()

    def changed(self, value: Callable) -> Callable:
        """The function of a primitive, as it is changed at the moment when it is called."""

        def other(x, *more):
            y = np.asarray(value(x, *more))
            if self._ulps:
                y = y + np.spacing(y) * self._draw.integers(-self._ulps, self._ulps + 1, y.shape)
            return y

        return other

    def of(self, problem: Problem) -> Problem:
        """The same problem, of which the functions are these."""
        network = problem.network
        layers = {
            name: replace(getattr(network, name))  # one that has evaluated nothing yet
            for name in ("hidden_activation", "output_activation")
        }
        return replace(problem, network=replace(network, **layers))


@contextmanager
def other_bits(monkeypatch, forget):
    """Functions whose bits may be changed; `forget` forgets what was made of the usual ones."""
    bits = Bits()
    changed = {
        name: row if row.exact else row._replace(value=bits.changed(row.value))
        for name, row in PRIMITIVES.items()
    }
    with monkeypatch.context() as patch:
        patch.setattr(program, "PRIMITIVES", changed)
        forget()
        yield bits
    forget()
