"""Interval arithmetic: what a formula's values lie between, for all x of an interval at once.

Ends are rounded outwards, so that an enclosure holds for the real numbers and not only for doubles.
The ends are arrays: many intervals are computed together. An empty interval has nan for ends.
"""

from collections.abc import Callable, Sequence
from functools import reduce
from math import inf, pi
from typing import NamedTuple

import numpy as np

from hsig.arrays import Array, BoolArray
from hsig.formulas.nodes import Node, X, fold, is_number
from hsig.formulas.primitives import PRIMITIVES

_LARGEST, _SMALLEST = np.finfo(np.float64).max, 5e-324
_ULP = 2.0**-52
_ULPS_OF_LIBRARIES = 8.0  # no math library is that far off


class Intervals(NamedTuple):
    """Lower and upper ends, -inf to inf, of one shape.

    Attributes:
        low: Lower ends, never inf.
        high: Upper ends, never -inf.
        broken: Where the formula may jump, or be undefined at some x.
    """

    low: Array
    high: Array
    broken: BoolArray

    def only(self, where: BoolArray) -> "Intervals":
        """The same intervals where they say something; nan elsewhere."""
        low, high = (np.where(where, end, np.nan) for end in (self.low, self.high))
        return Intervals(low, high, self.broken)

    def turn(self, side: int) -> tuple[Array, Array]:
        """The ends, or for side -1 those of the negative."""
        return (self.low, self.high) if side > 0 else (-self.high, -self.low)

    def meet(self, other: "Intervals") -> "Intervals":
        """What lies in both, where both say something."""
        low, high = np.fmax(self.low, other.low), np.fmin(self.high, other.high)
        return Intervals(low, high, self.broken)


def enclose(root: Node, low: Array, high: Array) -> Intervals:
    """Enclose the values of a formula over each of the intervals from `low` to `high`.

    >>> from hsig.formulas.parsing import parse
    >>> root = parse("1/(1 + x**2)")
    >>> bounds = enclose(root, np.array([-1.0, 2.0]), np.array([2.0, np.inf]))
    >>> bounds.low.round(6).tolist(), bounds.high.round(6).tolist()
    ([0.2, 0.0], [1.0, 0.2])
    """
    x = Intervals(low, high, np.zeros(len(low), dtype=bool))

    def combine(current: Node, operands: Sequence[Intervals]) -> Intervals:
        if current is X:
            return x
        if is_number(current):
            number = np.full(len(low), current.number)
            return Intervals(number, number, np.zeros(len(low), dtype=bool))
        result = _OPERATIONS[current.operation](current, *operands)
        if not current.operation.startswith("where_"):
            for operand in operands:
                np.logical_or(result.broken, operand.broken, out=result.broken)
        return result

    with np.errstate(all="ignore"):
        return fold(root, combine)


def enclose_all(roots: Sequence[Node], low: Array, high: Array) -> Intervals:
    """Enclose formulas that have the same values: what lies in the enclosures of all."""
    return reduce(Intervals.meet, (enclose(root, low, high) for root in roots))


def _round(low: Array, high: Array, broken: BoolArray | None = None, ulps: float = 1) -> Intervals:
    """Move both ends outwards; zero, which is exact or a limit, stays."""
    low = low * (1.0 - np.copysign(ulps * _ULP, low)) - _SMALLEST * (low != 0.0)
    high = high * (1.0 + np.copysign(ulps * _ULP, high)) + _SMALLEST * (high != 0.0)
    low, high = np.minimum(low, _LARGEST), np.maximum(high, -_LARGEST)
    return Intervals(low, high, np.zeros(len(low), dtype=bool) if broken is None else broken)


# --- operations ----------------------------------------------------------------------------------


def add(_: Node | None, u: Intervals, v: Intervals) -> Intervals:
    """Sums."""
    return _round(u.low + v.low, u.high + v.high)


def subtract(_: Node | None, u: Intervals, v: Intervals) -> Intervals:
    """Differences."""
    return _round(u.low - v.high, u.high - v.low)


def multiply(current: Node | None, u: Intervals, v: Intervals) -> Intervals:
    """Products; a square is not below 0."""
    if current is not None and current.operands[0] is current.operands[1]:
        u = v = _absolute(current, u)
    left = np.stack([u.low, u.low, u.high, u.high])
    right = np.stack([v.low, v.high, v.low, v.high])
    corners = left * right
    corners[(left == 0.0) & ~np.isnan(right) | (right == 0.0) & ~np.isnan(left)] = 0.0
    # 0 of factors that are not is too small for a double, or for its sign
    low, high = corners, corners
    tiny = (corners == 0.0) & (left != 0.0) & (right != 0.0)
    if tiny.any():
        low = np.where(tiny & np.signbit(corners), -_SMALLEST, corners)
        high = np.where(tiny & ~np.signbit(corners), _SMALLEST, corners)
    return _round(low.min(axis=0), high.max(axis=0))


def _divide(_: Node, u: Intervals, v: Intervals) -> Intervals:
    pole = (v.low <= 0.0) & (v.high >= 0.0)
    low = np.where(pole & (v.low < 0.0), -inf, 1.0 / v.high)
    high = np.where(pole & (v.high > 0.0), inf, 1.0 / v.low)
    low = np.where(pole & (v.low == 0.0) & (v.high == 0.0), -inf, low)
    high = np.where(pole & (v.low == 0.0) & (v.high == 0.0), inf, high)
    result = multiply(None, u, _round(low, high))
    return Intervals(result.low, result.high, pole)


def _negative(_: Node, u: Intervals) -> Intervals:
    return Intervals(-u.high, -u.low, np.zeros_like(u.broken))


def _absolute(_: Node, u: Intervals) -> Intervals:
    low = np.maximum(np.maximum(u.low, -u.high), 0.0)
    return Intervals(low, np.maximum(-u.low, u.high), np.zeros_like(u.broken))


def _power(current: Node, u: Intervals, v: Intervals) -> Intervals:
    exponent = current.operands[1]
    whole = is_number(exponent) and exponent.number == np.floor(exponent.number)
    if whole and exponent.number < 0.0:
        one = np.ones_like(u.low)
        power = _power_of_whole(-exponent.number, u)
        return _divide(current, Intervals(one, one, u.broken), power)
    if whole:
        return _power_of_whole(exponent.number, u)
    # of a negative number only whole powers are numbers, and they have its absolute value
    negative = u.low < 0.0
    size = _absolute(current, u)
    base = size if not is_number(exponent) else _restrict(u, 0.0, inf)
    left = np.stack([base.low, base.low, base.high, base.high])
    corners = np.power(left, np.stack([v.low, v.high, v.low, v.high]))
    corners[left > 0.0] = np.maximum(corners[left > 0.0], 0.0)
    high = np.where((corners == 0.0) & (left > 0.0), _SMALLEST, corners).max(axis=0)
    low = corners.min(axis=0) if is_number(exponent) else np.where(negative, -high, corners.min(0))
    return _round(low, high, negative, _ULPS_OF_LIBRARIES)


def _power_of_whole(exponent: float, u: Intervals) -> Intervals:
    if exponent % 2.0 == 0.0:
        u = _absolute(Node("", (), 0.0, ""), u)
    low, high = (np.power(end, exponent) for end in (u.low, u.high))
    high = np.where((high == 0.0) & (u.high > 0.0), _SMALLEST, high)
    low = np.where((low == 0.0) & (u.low < 0.0), -_SMALLEST, low)
    return _round(low, high, None, _ULPS_OF_LIBRARIES)


def _restrict(u: Intervals, low: float, high: float) -> Intervals:
    """The part of each interval between two numbers; empty if there is none."""
    outside = (u.high < low) | (u.low > high)
    first, last = (np.where(outside, np.nan, np.clip(end, low, high)) for end in (u.low, u.high))
    return Intervals(first, last, (u.low < low) | (u.high > high))


def _rising(
    name: str, lowest: float, highest: float, domain: float = -inf
) -> Callable[[Node, Intervals], Intervals]:
    """The rule of a primitive that rises from `lowest` to `highest` over x above `domain`."""
    function = PRIMITIVES[name].value

    def rule(_: Node, u: Intervals) -> Intervals:
        u = u if domain == -inf else _restrict(u, domain, inf)
        values = _round(function(u.low), function(u.high), u.broken, _ULPS_OF_LIBRARIES)
        high = np.where((values.high == 0.0) & (u.high != 0.0), _SMALLEST, values.high)
        low, high = (np.clip(end, lowest, highest) for end in (values.low, high))
        return Intervals(low, high, values.broken if domain > -inf else np.zeros_like(u.broken))

    return rule


def _steps(function: Callable[[Array], Array]) -> Callable[[Node, Intervals], Intervals]:
    def rule(_: Node, u: Intervals) -> Intervals:
        low, high = function(u.low), function(u.high)
        return Intervals(low, high, low != high)

    return rule


def _fraction(_: Node, u: Intervals) -> Intervals:
    """The part above the floor; no primitive, but part of formulas that are only enclosed."""
    floor = np.floor(u.low)
    jumps = floor != np.floor(u.high)
    low = np.where(jumps, 0.0, u.low - floor)
    high = np.where(jumps, 1.0, u.high - floor)
    return Intervals(low, high, jumps)


def _hyperbolic_cosine(current: Node, u: Intervals) -> Intervals:
    size = _absolute(current, u)
    cosh = _round(np.cosh(size.low), np.cosh(size.high), None, _ULPS_OF_LIBRARIES)
    return cosh._replace(low=np.maximum(cosh.low, 1.0))


def _wave(
    function: Callable[[Array], Array], crest: float
) -> Callable[[Node, Intervals], Intervals]:
    """The rule of a sine whose crests are at `crest` and every 2 pi from there."""

    def rule(_: Node, u: Intervals) -> Intervals:
        slack = 4.0 * _ULP * np.maximum(np.abs(u.low), np.abs(u.high)) + _ULP
        slack = np.where(u.low == u.high, 0.0, slack)

        def contains(place: float) -> BoolArray:
            turns = [np.floor((u.low - slack - place) / (2.0 * pi))]
            turns.append(np.floor((u.high + slack - place) / (2.0 * pi)))
            wide = (turns[0] != turns[1]) | ~np.isfinite(turns[0] + turns[1])
            inside: BoolArray = (wide & (u.low != u.high)) | ~np.isfinite(u.low + u.high)
            return inside

        ends = np.stack([function(u.low), function(u.high)])
        values = _round(ends.min(axis=0), ends.max(axis=0), None, _ULPS_OF_LIBRARIES)
        empty = np.isnan(u.low)
        low = np.where(contains(crest + pi), -1.0, np.maximum(values.low, -1.0))
        high = np.where(contains(crest), 1.0, np.minimum(values.high, 1.0))
        low[empty], high[empty] = np.nan, np.nan
        return Intervals(low, high, np.zeros_like(u.broken))

    return rule


def _minimum(_: Node, u: Intervals, v: Intervals) -> Intervals:
    ends = np.minimum(u.low, v.low), np.minimum(u.high, v.high)
    return Intervals(*ends, np.zeros_like(u.broken))


def _maximum(_: Node, u: Intervals, v: Intervals) -> Intervals:
    ends = np.maximum(u.low, v.low), np.maximum(u.high, v.high)
    return Intervals(*ends, np.zeros_like(u.broken))


def _clip(current: Node, u: Intervals, low: Intervals, high: Intervals) -> Intervals:
    return _minimum(current, _maximum(current, u, low), high)


def _where(current: Node, u: Intervals, v: Intervals, yes: Intervals, no: Intervals) -> Intervals:
    """One branch where the comparison is certain, else both together; nan takes the second."""
    match current.operation:
        case "where_less":
            always, never = u.high < v.low, u.low >= v.high
        case "where_less_equal":
            always, never = u.high <= v.low, u.low > v.high
        case _:
            always = (u.low == u.high) & (v.low == v.high) & (u.low == v.low)
            never = (u.high < v.low) | (u.low > v.high)
    undefined = u.broken | v.broken
    never |= np.isnan(u.low) | np.isnan(v.low)
    always &= ~undefined
    low = np.where(always, yes.low, np.where(never, no.low, np.fmin(yes.low, no.low)))
    high = np.where(always, yes.high, np.where(never, no.high, np.fmax(yes.high, no.high)))
    broken = np.where(always, yes.broken, np.where(never, no.broken, True))
    return Intervals(low, high, broken)


_OPERATIONS: dict[str, Callable[..., Intervals]] = {
    "add": add,
    "subtract": subtract,
    "multiply": multiply,
    "divide": _divide,
    "negative": _negative,
    "power": _power,
    "absolute": _absolute,
    "sign": _steps(np.sign),
    "floor": _steps(np.floor),
    "fraction": _fraction,
    "minimum": _minimum,
    "maximum": _maximum,
    "clip": _clip,
    "where_less": _where,
    "where_less_equal": _where,
    "where_equal": _where,
    "sqrt": _rising("sqrt", 0.0, inf, 0.0),
    "exp": _rising("exp", 0.0, inf),
    "expm1": _rising("expm1", -1.0, inf),
    "log": _rising("log", -inf, inf, 0.0),
    "log1p": _rising("log1p", -inf, inf, -1.0),
    "tanh": _rising("tanh", -1.0, 1.0),
    "sinh": _rising("sinh", -inf, inf),
    "cosh": _hyperbolic_cosine,
    "asinh": _rising("asinh", -inf, inf),
    "atan": _rising("atan", -pi / 2.0 - _ULP, pi / 2.0 + _ULP),
    "sin": _wave(np.sin, pi / 2.0),
    "cos": _wave(np.cos, 0.0),
    "erf": _rising("erf", -1.0, 1.0),
    "sigmoid": _rising("sigmoid", 0.0, 1.0),
    "softplus": _rising("softplus", 0.0, inf),
}
