"""What can be measured of an activation itself, without training anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hsig.networks.activations import ACTIVATIONS, Activation
from hsig.networks.arrays import Array

_FAR = 60.0  # beyond it the logistic curve is constant to 1e-26
_STEP = 1e-3
_NOTICEABLE = 1e-9  # a smaller change of value or slope is rounding


class Break(NamedTuple):
    """A point at which the value jumps or the slope does.

    Attributes:
        x: Where.
        jump: By how much the value rises from just before to just after.
        slope_before: Derivative just before.
        slope_at: Derivative there: the convention.
        slope_after: Derivative just after.
    """

    x: float
    jump: float
    slope_before: float
    slope_at: float
    slope_after: float


@dataclass(frozen=True)
class Definition:
    """An activation and what can be measured of it.

    Attributes:
        activation: The record.
        slope_at_0: Its derivative at 0.
        distance: Largest |f - logistic| anywhere, possibly infinite.
        breaks: Its kinks and jumps, from left to right.
    """

    activation: Activation
    slope_at_0: float
    distance: float
    breaks: tuple[Break, ...]


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
        breaks=breaks(activation),
    )


def evaluate(activation: Activation, points: Sequence[float]) -> Points:
    """Value and derivatives at some points, which may be infinite."""
    x = np.array(points, dtype=np.float64)
    derivative = activation.derivative(x)
    with np.errstate(invalid="ignore"):  # an infinite x times a zero slope is undefined
        return Points(x, activation.value(x), derivative, x * derivative)


def _distance_from_logistic(activation: Activation) -> float:
    grid = np.arange(-_FAR, _FAR + _STEP, _STEP)
    ends = [b.x for b in breaks(activation)]
    beside = [np.nextafter(x, side) for x in ends for side in (-np.inf, np.inf)]
    x = np.concatenate([grid, ends, beside, [-np.inf, np.inf]])
    return float(np.abs(activation.value(x) - ACTIVATIONS["sigmoid"].value(x)).max())


def breaks(activation: Activation) -> tuple[Break, ...]:
    """Its kinks and jumps, from left to right: ends of its linear pieces at which it breaks."""
    ends = {end for p in activation.linear_pieces for end in (p.start, p.stop) if np.isfinite(end)}
    found = []
    for x in sorted(ends):
        points = np.array([np.nextafter(x, -np.inf), x, np.nextafter(x, np.inf)])
        before, _, after = activation.value(points)
        slopes = activation.derivative(points)
        if abs(after - before) > _NOTICEABLE or np.ptp(slopes) > _NOTICEABLE:
            jump = float(after - before) if abs(after - before) > _NOTICEABLE else 0.0
            found.append(Break(x, jump, *(float(slope) for slope in slopes)))
    return tuple(found)
