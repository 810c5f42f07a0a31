"""What can be measured of an activation itself, without training anything."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hsig.activations import ACTIVATIONS, Activation
from hsig.analysis.remedies import Oddity, examine
from hsig.arrays import Array
from hsig.formulas.function import Break

_FAR = 60.0  # beyond it the logistic curve is constant to 1e-26
_FARTHEST = 1e150
_STEP = 1e-3


@dataclass(frozen=True)
class Definition:
    """An activation and what can be measured of it.

    Attributes:
        activation: The record.
        slope_at_0: Its derivative at 0.
        distance: Largest |f - logistic| anywhere, possibly infinite.
        breaks: Its kinks and jumps, from left to right.
        oddities: What is odd about it.
    """

    activation: Activation
    slope_at_0: float
    distance: float
    breaks: tuple[Break, ...]
    oddities: tuple[Oddity, ...]


@dataclass(frozen=True, eq=False)
class Points:
    """An activation at chosen pre-activations; all arrays have the shape of `x`.

    Attributes:
        x: The points.
        value: y = f(w * x) for w = 1.
        derivative: dy/dx.
        weight_derivative: dy/dw, which is x times the derivative.
    """

    x: Array
    value: Array
    derivative: Array
    weight_derivative: Array


def define(activation: Activation) -> Definition:
    """Measure an activation.

    >>> round(define(ACTIVATIONS["hard"]).distance, 3)
    0.076
    """
    return Definition(
        activation,
        slope_at_0=float(activation.derivative(np.zeros(1))[0]),
        distance=_distance_from_logistic(activation),
        breaks=activation.function.breaks,
        oddities=examine(activation),
    )


def evaluate(activation: Activation, points: Sequence[float]) -> Points:
    """Value and derivatives at some points, which may be infinite."""
    x = np.array(points, dtype=np.float64)
    derivative = activation.derivative(x)
    # an infinite x times a zero slope is undefined, and a value may overflow
    with np.errstate(over="ignore", invalid="ignore"):
        return Points(x, activation.value(x), derivative, x * derivative)


def _distance_from_logistic(activation: Activation) -> float:
    if not np.isfinite(activation.range).all():
        return np.inf
    grid = np.arange(-_FAR, _FAR + _STEP, _STEP)
    ends = activation.function.breakpoints
    beside = [np.nextafter(x, side) for x in ends for side in (-np.inf, np.inf)]
    x = np.concatenate([grid, ends, beside, [-_FARTHEST, _FARTHEST]])
    distances = np.abs(activation.value(x) - ACTIVATIONS["sigmoid"].value(x))
    return float(np.max(distances, initial=0.0, where=~np.isnan(distances)))
