"""What can be measured of an activation itself, without training anything."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from typing import NamedTuple

import numpy as np

from hsig.activations import ACTIVATIONS, Activation
from hsig.arrays import Array
from hsig.formulas.derivative import substitute_x
from hsig.formulas.nodes import Node, walk
from hsig.formulas.program import evaluate_constant

_STEP = 1e-6  # of a difference
# where a distance to the logistic curve is measured; farther out, little of a difference is left
_CURVE = np.concatenate([[-1e6], np.arange(-60.0, 60.001, 1e-3), [1e6]])


@dataclass(frozen=True, eq=False)
class Points:
    """An activation at chosen pre-activations; all arrays have the shape of `x`."""

    x: Array  # the points
    value: Array  # y = f(w * x) for w = 1
    derivative: Array  # dy/dx
    weight_derivative: Array  # dy/dw, which is x times the derivative


def evaluate(activation: Activation, points: Sequence[float]) -> Points:
    """Value and derivatives at some points, which may be infinite."""
    x = np.array(points, dtype=np.float64)
    derivative = activation.derivative(x)
    # an infinite x times a zero slope is undefined, and a value may overflow
    with np.errstate(over="ignore", invalid="ignore"):
        return Points(x, activation.value(x), derivative, x * derivative)


@lru_cache(maxsize=1024)
def distance_from_logistic(activation: Activation) -> float:
    """The largest |f - logistic| anywhere, possibly infinite.

    >>> round(distance_from_logistic(ACTIVATIONS["hard"]), 3)
    0.076
    """
    low, high = activation.range
    if not np.isfinite([low, high]).all():
        return np.inf
    ends = np.array(activation.function.breakpoints)
    x = np.concatenate([_CURVE, ends, np.nextafter(ends, -np.inf), np.nextafter(ends, np.inf)])
    distances = np.abs(activation.value(x) - ACTIVATIONS["sigmoid"].value(x))
    # a value outside [0, 1] is at least as far from the curve as from there
    return float(np.max(distances, initial=max(-low, high - 1.0, 0.0), where=~np.isnan(distances)))


# --- oddities ------------------------------------------------------------------------------------

REACH = 1000.0  # how far to both sides an activation is looked at
_SPACING = 0.125  # of the grid
_GRID = np.linspace(-REACH, REACH, 16_001)
_HALVINGS = 60  # of a space of the grid, until its ends are neighbours
_NEAR = np.linspace(-20.0, 20.0, 401)  # where a given derivative is held against differences
_TOLERANCE = 1e-4  # by which a given derivative may be off, relatively or absolutely
_STEEP, _GROWTH = 100.0, 20.0  # a slope beyond the first that grew this many times since x = 10

NAN, INFINITE, FLAT, GROWING, WRONG = "nan", "infinite", "flat", "growing", "wrong"


class Oddity(NamedTuple):
    """Something to know of an activation before it is trained."""

    kind: str  # `nan`, `infinite`, `flat`, `growing`, or `wrong` of a derivative that was given
    x: float  # where it begins, seen from 0
    beyond: bool = True  # whether it is so from there on, and not only near by
    # for `nan` and `infinite`, the smallest part of the formula that is not finite there
    part: Node | None = None
    slope: bool = False  # whether it is the slope, and not the value, that is odd
    found: float = 0.0  # for `wrong`, what was given; for `growing`, the slope at the end
    expected: float = 0.0  # for `wrong`, what the differences say


@lru_cache(maxsize=1024)
def find_oddities(activation: Activation) -> tuple[Oddity, ...]:
    """Look at an activation from -1000 to 1000, with its own derivative.

    >>> find_oddities(ACTIVATIONS["sigmoid"]), find_oddities(ACTIVATIONS["square"])[0].kind
    ((), 'growing')
    """
    value, slope = activation.value(_GRID), activation.derivative(_GRID)
    found = list(_find_not_finite(activation, value, slope=False))
    known = {(odd.kind, odd.x) for odd in found}
    of_slope = _find_not_finite(activation, slope, slope=True)
    found += [odd for odd in of_slope if (odd.kind, odd.x) not in known]
    if not slope.any():
        found.append(Oddity(FLAT, 0.0, slope=True))
    elif not found:
        found += _find_growth(slope)
    return (*found, *_find_wrong_slope(activation))


def _find_not_finite(activation: Activation, numbers: Array, *, slope: bool) -> Iterator[Oddity]:
    """The first points to both sides where it is nan, else where it is infinite."""
    function = activation.function
    root = function.slope if slope else function.value
    for kind, test in ((NAN, np.isnan), (INFINITE, np.isinf)):
        odd = test(numbers)
        for side in (_GRID < 0.0, _GRID >= 0.0):
            places = _GRID[odd & side]
            if len(places):
                x = float(places[np.abs(places).argmin()])
                beyond = bool(odd[side & (np.abs(_GRID) >= abs(x))].all())
                good, bad = max(abs(x) - _SPACING, 0.0) * np.sign(x), x
                for _ in range(_HALVINGS):  # the last point on the way to x that is still fine
                    middle = (good + bad) / 2.0
                    point = np.array([middle])
                    at_middle = activation.derivative(point) if slope else activation.value(point)
                    good, bad = (good, middle) if test(at_middle)[0] else (middle, bad)
                yield Oddity(kind, float(good), beyond, _find_part(root, x), slope)
        if odd.any():
            return


def _find_part(root: Node, x: float) -> Node:
    """The smallest part of a formula that is not finite at x, which itself is no cause."""
    parts = (node for node in walk(root) if node.operands)
    odd = (part for part in parts if not isfinite(evaluate_constant(substitute_x(part, x))))
    return next(odd, root)


def _find_growth(slope: Array) -> Iterator[Oddity]:
    """A slope that grows and grows to one of the sides."""
    for end, near in ((-REACH, -10.0), (REACH, 10.0)):
        last, first = (abs(float(slope[np.abs(_GRID - x).argmin()])) for x in (end, near))
        if last > _STEEP and last > _GROWTH * first:
            yield Oddity(GROWING, end, slope=True, found=float(last))


def _find_wrong_slope(activation: Activation) -> Iterator[Oddity]:
    """The worst point at which a given derivative is not that of small steps to either side."""
    if not activation.slope_is_given:
        return
    ends = np.array(activation.function.breakpoints or (np.inf,))
    beside = np.concatenate([ends - 4.0 * _STEP, ends + 4.0 * _STEP])
    x = np.concatenate([_NEAR, beside[np.isfinite(beside)]])
    x = x[np.abs(x[:, None] - ends).min(axis=1) > 2.0 * _STEP]
    here, slope = activation.value(x), activation.derivative(x)
    with np.errstate(all="ignore"):
        before = (here - activation.value(x - _STEP)) / _STEP
        after = (activation.value(x + _STEP) - here) / _STEP
        steps = (before + after) / 2.0
        # at a kink that is not known, it may be anything between the two
        between = np.clip(slope, np.minimum(before, after), np.maximum(before, after))
        off = np.abs(slope - between) / (1.0 + np.abs(steps))
    worst = int(np.nanargmax(off)) if np.isfinite(off).any() else 0
    if off[worst] > _TOLERANCE:
        found, expected = float(slope[worst]), float(steps[worst])
        yield Oddity(WRONG, float(x[worst]), slope=True, found=found, expected=expected)
