"""Extreme problems, by their numbers.

Weights from the least to the largest double, inputs and steps to match, outputs that are saturated
from the start, every activation, slope, loss and order.
"""

import numpy as np
from setups import network_of

from hsig.activations import ACTIVATIONS
from hsig.engines.engine import Problem, State
from hsig.engines.order import ORDERS
from hsig.networks.losses import LOSSES
from hsig.networks.network import layer_shapes
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
    problem = Problem(
        network_of(hidden, output, loss=loss.name),
        inputs,
        targets,
        learning_rate=float(draw.choice(RATES)),
        solved_within=float(draw.choice([0.5, 0.1, 1e-9, 2.0])),
        order=ORDERS[str(draw.choice(list(ORDERS)))],
    )
    shapes = layer_shapes((inputs.shape[1], int(draw.integers(1, 5)), 1))
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
