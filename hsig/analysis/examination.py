"""What is odd about a formula as an activation: where it is no number, flat, or ever steeper."""

from collections.abc import Iterator
from functools import lru_cache
from math import isfinite
from typing import NamedTuple

import numpy as np

from hsig.networks.activations import Activation
from hsig.networks.arrays import Array
from hsig.networks.formulas.derivative import at
from hsig.networks.formulas.evaluating import constant
from hsig.networks.formulas.nodes import Node, walk

REACH = 1000.0  # how far to both sides it is looked at
_GRID = np.linspace(-REACH, REACH, 16_001)
_SPACING = 0.125  # of the grid
_HALVINGS = 60  # of a space of it, until its ends are neighbours
_NEAR = np.linspace(-20.0, 20.0, 401)  # where a given derivative is held against differences
_STEP = 1e-6
_OFF = 1e-4  # a given derivative may be off by this, relatively or absolutely
_STEEP, _GROWTH = 100.0, 20.0  # a slope beyond the first that grew this many times since x = 10

NAN, INFINITE, FLAT, GROWING, WRONG = "nan", "infinite", "flat", "growing", "wrong"


class Oddity(NamedTuple):
    """Something to know of an activation before it is trained.

    Attributes:
        kind: `nan` or `infinite` of its value or slope, `flat` or `growing` of its slope, `wrong`
            of a derivative that was given.
        x: Where it begins, seen from 0.
        beyond: Whether it is so from there on, and not only near by.
        part: For `nan` and `infinite`, the smallest part of the formula that is not finite there.
        slope: Whether it is seen of the slope, and not of the value.
        found: For `wrong`, what was given; for `growing`, the slope at the end.
        expected: For `wrong`, what the differences say.
    """

    kind: str
    x: float
    beyond: bool = True
    part: Node | None = None
    slope: bool = False
    found: float = 0.0
    expected: float = 0.0


@lru_cache(maxsize=1024)
def examine(activation: Activation) -> tuple[Oddity, ...]:
    """Look at an activation from -1000 to 1000, with the derivative that it trains with.

    >>> from hsig.networks.activations import ACTIVATIONS
    >>> examine(ACTIVATIONS["sigmoid"]), examine(ACTIVATIONS["square"])[0].kind
    ((), 'growing')
    """
    value, slope = activation.value(_GRID), activation.derivative(_GRID)
    found = list(_not_finite(activation, value, slope=False))
    seen = {(odd.kind, odd.x) for odd in found}
    of_slope = _not_finite(activation, slope, slope=True)
    found += [odd for odd in of_slope if (odd.kind, odd.x) not in seen]
    if not slope.any():
        found.append(Oddity(FLAT, 0.0, slope=True))
    elif not found:
        found += _growing(slope)
    return (*found, *_wrong(activation))


def _not_finite(activation: Activation, numbers: Array, *, slope: bool) -> Iterator[Oddity]:
    """The first points to both sides where it is nan, else where it is infinite."""
    function = activation.function
    root = function.slope if slope else function.value
    for kind, odd in ((NAN, np.isnan(numbers)), (INFINITE, np.isinf(numbers))):
        for side in (_GRID < 0.0, _GRID >= 0.0):
            places = _GRID[odd & side]
            if len(places):
                x = float(places[np.abs(places).argmin()])
                beyond = bool(odd[side & (np.abs(_GRID) >= abs(x))].all())
                edge = _edge(activation, kind, x, slope=slope)
                yield Oddity(kind, edge, beyond, _part(root, x), slope)
        if odd.any():
            return


def _edge(activation: Activation, kind: str, x: float, *, slope: bool) -> float:
    """The last point on the way to x, from 0, at which it is still a number."""
    odd = np.isnan if kind == NAN else np.isinf
    of = activation.derivative if slope else activation.value
    good, bad = max(abs(x) - _SPACING, 0.0) * np.sign(x), x
    for _ in range(_HALVINGS):
        middle = (good + bad) / 2.0
        good, bad = (good, middle) if odd(of(np.array([middle])))[0] else (middle, bad)
    return float(good)


def _part(root: Node, x: float) -> Node:
    """The smallest part of a formula that is not a finite number at x."""
    return next((one for one in walk(root) if not isfinite(_at(one, x))), root)


def _at(one: Node, x: float) -> float:
    """What a part is at x; x itself and numbers are no cause."""
    return constant(at(one, x)) if one.operands else 0.0


def _growing(slope: Array) -> Iterator[Oddity]:
    """A slope that grows and grows to one of the sides."""
    for end, near in ((-REACH, -10.0), (REACH, 10.0)):
        last, first = (abs(float(slope[np.abs(_GRID - x).argmin()])) for x in (end, near))
        if last > _STEEP and last > _GROWTH * first:
            yield Oddity(GROWING, end, slope=True, found=float(last))


def _wrong(activation: Activation) -> Iterator[Oddity]:
    """The worst point at which a given derivative is not that of small steps to either side."""
    if not activation.slope_is_given:
        return
    ends = np.array(activation.function.ends or (np.inf,))
    beside = np.concatenate([ends - 4.0 * _STEP, ends + 4.0 * _STEP])
    x = np.concatenate([_NEAR, beside[np.isfinite(beside)]])
    x = x[np.abs(x[:, None] - ends).min(axis=1) > 2.0 * _STEP]
    here, given = activation.value(x), activation.derivative(x)
    with np.errstate(all="ignore"):
        before = (here - activation.value(x - _STEP)) / _STEP
        after = (activation.value(x + _STEP) - here) / _STEP
        steps = (before + after) / 2.0
        # at a kink that nobody told of, it may be anything between the two
        between = np.clip(given, np.minimum(before, after), np.maximum(before, after))
        off = np.abs(given - between) / (1.0 + np.abs(steps))
    worst = int(np.nanargmax(off)) if np.isfinite(off).any() else 0
    if off[worst] > _OFF:
        yield Oddity(
            WRONG,
            float(x[worst]),
            slope=True,
            found=float(given[worst]),
            expected=float(steps[worst]),
        )
