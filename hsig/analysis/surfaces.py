"""What networks with two inputs predict over the plane of their inputs, and where they bend."""

from dataclasses import dataclass

import numpy as np

from hsig.experiments.experiment import Experiment, Variant
from hsig.networks.arrays import Array
from hsig.networks.network import Weights

_MARGIN = 0.25  # of the samples' extent, on each side of them


@dataclass(frozen=True, eq=False)
class Surface:
    """What some seeds predict on a grid; inputs are scaled as the networks see them.

    Attributes:
        first: Shape (points,), values of the first input.
        second: Shape (points,), of the second.
        predictions: Shape (points, points), by the second input, then the first: the mean over the
            seeds whose prediction is finite; nan where there is none.
        lines: Shape (lines, 2, 2): the two ends, each a first and a second input, of each line
            within the grid on which the pre-activation of a hidden unit has one of the values `at`.
        at: The kinks and jumps of the hidden activation; 0 alone if it has none.
        bends: Whether it has any.
    """

    first: Array
    second: Array
    predictions: Array
    lines: Array
    at: tuple[float, ...]
    bends: bool


def surface(
    experiment: Experiment, variant: Variant, weights: Weights, *, points: int = 101
) -> Surface:
    """What the networks of these weights, seeds first, predict over the plane.

    Args:
        experiment: Of a task with two inputs.
        variant: Whose weights they are.
        weights: Of at least one seed.
        points: Of the grid, along each input.

    Raises:
        ValueError: If the task has another number of inputs.
    """
    inputs = experiment.scaled_task.inputs
    if inputs.shape[1] != 2:
        raise ValueError(
            f"expected a task with two inputs, but {experiment.task.name} has {inputs.shape[1]}"
        )
    low, high = inputs.min(axis=0), inputs.max(axis=0)
    margin = _MARGIN * np.where(high > low, high - low, 1.0)
    first, second = np.linspace(low - margin, high + margin, points, axis=1)
    breaks = tuple(found.x for found in variant.activation.function.breaks)
    at = breaks or (0.0,)
    box = (float(first[0]), float(first[-1]), float(second[0]), float(second[-1]))
    return Surface(
        first,
        second,
        _mean_prediction(experiment, variant, weights, first, second),
        _lines(weights[0], at, box),
        at,
        bends=bool(breaks),
    )


def _mean_prediction(
    experiment: Experiment, variant: Variant, weights: Weights, first: Array, second: Array
) -> Array:
    """Over the seeds, one by one: a grid of all of them would take much memory."""
    network = experiment.network_of(variant)
    across, down = np.meshgrid(first, second)
    grid = np.stack([across.ravel(), down.ravel(), np.ones(across.size)], axis=1)[:, :, None]
    total, number = np.zeros(across.size), np.zeros(across.size)
    for layers in zip(*weights, strict=True):
        with np.errstate(all="ignore"):
            seen = network.forward(tuple(layer[:, :, None] for layer in layers), grid)
        predicted = seen.predictions[:, 0, 0]
        finite = np.isfinite(predicted)
        total += np.where(finite, predicted, 0.0)
        number += finite
    mean = np.full(across.size, np.nan)
    np.divide(total, number, out=mean, where=number > 0)
    return mean.reshape(across.shape)


def _lines(hidden: Array, at: tuple[float, ...], box: tuple[float, float, float, float]) -> Array:
    """The ends of every line `a * first + b * second + c = value` within a box."""
    found = [
        ends
        for a, b, c in hidden.transpose(0, 2, 1).reshape(-1, 3)
        for value in at
        if (ends := _ends(float(a), float(b), float(c) - value, box))
    ]
    return np.array(found).reshape(-1, 2, 2)


def _ends(
    a: float, b: float, c: float, box: tuple[float, float, float, float]
) -> list[tuple[float, float]]:
    """Where the line `a * x + b * y + c = 0` meets the sides of a box; none if it passes by."""
    left, right, bottom, top = box
    if not np.isfinite([a, b, c]).all():
        return []
    met: dict[tuple[float, float], None] = {}
    if b != 0.0:
        met |= {(x, y): None for x in (left, right) if bottom <= (y := -(a * x + c) / b) <= top}
    if a != 0.0:
        met |= {(x, y): None for y in (bottom, top) if left <= (x := -(b * y + c) / a) <= right}
    ends = sorted(met)
    return [ends[0], ends[-1]] if len(ends) > 1 else []
