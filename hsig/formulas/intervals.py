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
from hsig.formulas.primitives import PRIMITIVES, multiply

_LARGEST, _SMALLEST = np.finfo(np.float64).max, 5e-324
_ULP = 2.0**-52
_ULPS_OF_LIBRARIES = 8.0  # no math library is that far off


class Intervals(NamedTuple):
    """Lower and upper ends, -inf to inf, of one shape."""

    low: Array  # lower ends, never inf
    high: Array  # upper ends, never -inf
    broken: BoolArray | bool = False  # where the formula may jump, or be undefined at some x

    def turn(self, side: int) -> tuple[Array, Array]:
        """The ends, or for side -1 those of the negative."""
        return (self.low, self.high) if side > 0 else (-self.high, -self.low)


def enclose(roots: Sequence[Node], low: Array, high: Array) -> Intervals:
    """Enclose a function, of which there are some lowered formulas, over intervals of x.

    >>> from hsig.formulas.parsing import parse
    >>> from hsig.formulas.program import lower
    >>> root = lower(parse("1/(1 + x**2)"))
    >>> bounds = enclose([root], np.array([-1.0, 2.0]), np.array([2.0, np.inf]))
    >>> bounds.low.round(6).tolist(), bounds.high.round(6).tolist()
    ([0.2, 0.0], [1.0, 0.2])
    """

    def combine(current: Node, operands: Sequence[Intervals]) -> Intervals:
        if current is X:
            return Intervals(low, high)
        if is_number(current):
            number = np.full(len(low), current.number)
            return Intervals(number, number)
        result = _OPERATIONS[current.operation](current, *operands)
        if current.operation.startswith("where_"):
            return result
        broken = reduce(np.logical_or, (u.broken for u in operands), result.broken)
        return result._replace(broken=broken)

    with np.errstate(all="ignore"):
        lows, highs, all_broken = zip(*(fold(root, combine) for root in roots), strict=True)
        broken = np.broadcast_to(reduce(np.logical_or, all_broken), low.shape)
        return Intervals(reduce(np.fmax, lows), reduce(np.fmin, highs), broken)


def _round(low: Array, high: Array, ulps: float = 1.0) -> Intervals:
    """Move both ends outwards; zero, which is exact or a limit, stays."""
    low = low * (1.0 - np.copysign(ulps * _ULP, low)) - _SMALLEST * (low != 0.0)
    high = high * (1.0 + np.copysign(ulps * _ULP, high)) + _SMALLEST * (high != 0.0)
    return Intervals(np.minimum(low, _LARGEST), np.maximum(high, -_LARGEST))


def _mend_underflow(results: Array, *operands: Array) -> Array:
    """The smallest number of its sign for a result that is 0 though no operand is."""
    lost = (results == 0.0) & np.logical_and.reduce([operand != 0.0 for operand in operands])
    return np.where(lost, np.copysign(_SMALLEST, results), results)


# --- operations ----------------------------------------------------------------------------------


def add(_: Node | None, u: Intervals, v: Intervals) -> Intervals:
    """Sums."""
    return Intervals(_sum(u.low, v.low, -inf), _sum(u.high, v.high, inf))


def subtract(_: Node | None, u: Intervals, v: Intervals) -> Intervals:
    """Differences."""
    return Intervals(_sum(u.low, -v.high, -inf), _sum(u.high, -v.low, inf))


def _sum(a: Array, b: Array, toward: float) -> Array:
    """A sum, rounded toward an infinity where it is not exact (Knuth's error of a sum)."""
    total = a + b
    part = total - a
    error = (a - (total - part)) + (b - part)
    rounds_away = (error <= 0.0) if toward > 0.0 else (error >= 0.0)
    return np.where(rounds_away, total, np.nextafter(total, toward))


def _multiply(current: Node, u: Intervals, v: Intervals) -> Intervals:
    if current.operands[0] is current.operands[1]:
        u = v = _absolute(current, u)
    return multiply_ends(u, v)


def _pair_ends(u: Intervals, v: Intervals) -> tuple[Array, Array]:
    """Each end of one with each of the other, shape (4, ...)."""
    return np.stack([u.low, u.low, u.high, u.high]), np.stack([v.low, v.high] * 2)


def multiply_ends(u: Intervals, v: Intervals) -> Intervals:
    """Products; 0 times infinity is 0, and a factor of 1 leaves nothing to round."""
    left, right = _pair_ends(u, v)
    products = _mend_underflow(multiply(left, right), left, right)
    exact = (np.abs(left) == 1.0) | (np.abs(right) == 1.0)
    low, high = (np.where(exact, products, end) for end in _round(products, products)[:2])
    return Intervals(low.min(axis=0), high.max(axis=0))


def _divide(_: Node, u: Intervals, v: Intervals) -> Intervals:
    pole = (v.low <= 0.0) & (v.high >= 0.0)
    low = np.where(pole & ((v.low < 0.0) | (v.high == 0.0)), -inf, 1.0 / v.high)
    high = np.where(pole & ((v.high > 0.0) | (v.low == 0.0)), inf, 1.0 / v.low)
    return multiply_ends(u, _round(low, high))._replace(broken=pole)


def _negative(_: Node, u: Intervals) -> Intervals:
    return Intervals(-u.high, -u.low)


def _absolute(_: Node, u: Intervals) -> Intervals:
    return Intervals(np.maximum(np.maximum(u.low, -u.high), 0.0), np.maximum(-u.low, u.high))


def _power(current: Node, u: Intervals, v: Intervals) -> Intervals:
    """Powers of what is not negative, whose whole powers alone are numbers."""
    exponent, negative = current.operands[1], u.low < 0.0
    is_root = is_number(exponent) and exponent.number % 1.0 != 0.0
    base = _restrict(u, 0.0, inf) if is_root else _absolute(current, u)
    left, right = _pair_ends(base, v)
    powers = _mend_underflow(np.maximum(np.power(left, right), 0.0), left)
    high = powers.max(axis=0)
    low = np.where(negative & (not is_root), -high, powers.min(axis=0))
    return _round(low, high, _ULPS_OF_LIBRARIES)._replace(broken=negative)


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
        u = _restrict(u, domain, inf)
        first, last = (_mend_underflow(function(end), end) for end in (u.low, u.high))
        low, high = _round(first, last, _ULPS_OF_LIBRARIES)[:2]
        return Intervals(np.clip(low, lowest, highest), np.clip(high, lowest, highest), u.broken)

    return rule


def _steps(function: Callable[[Array], Array]) -> Callable[[Node, Intervals], Intervals]:
    def rule(_: Node, u: Intervals) -> Intervals:
        low, high = function(u.low), function(u.high)
        return Intervals(low, high, low != high)

    return rule


def _hyperbolic_cosine(current: Node, u: Intervals) -> Intervals:
    size = _absolute(current, u)
    cosh = _round(np.cosh(size.low), np.cosh(size.high), _ULPS_OF_LIBRARIES)
    return cosh._replace(low=np.maximum(cosh.low, 1.0))


def _wave(
    function: Callable[[Array], Array], crest: float
) -> Callable[[Node, Intervals], Intervals]:
    """The rule of a sine whose crests are at `crest` and every 2 pi from there."""

    def rule(_: Node, u: Intervals) -> Intervals:
        slack = 4.0 * _ULP * (np.maximum(np.abs(u.low), np.abs(u.high)) + 1.0)
        slack = np.where(u.low == u.high, 0.0, slack)

        def contains(place: float) -> BoolArray:
            first, last = (
                np.floor((end - place) / (2.0 * pi)) for end in (u.low - slack, u.high + slack)
            )
            inside: BoolArray = (first != last) & ~np.isnan(u.low)
            return inside

        ends = np.stack([function(u.low), function(u.high)])
        values = _round(ends.min(axis=0), ends.max(axis=0), _ULPS_OF_LIBRARIES)
        low = np.where(contains(crest + pi), -1.0, np.maximum(values.low, -1.0))
        return Intervals(low, np.where(contains(crest), 1.0, np.minimum(values.high, 1.0)))

    return rule


def _by_ends(function: Callable[[Array, Array], Array]) -> Callable[..., Intervals]:
    """The rule of a function that rises with both operands, and of doubles is exact."""
    return lambda _, u, v: Intervals(function(u.low, v.low), function(u.high, v.high))


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
    never |= np.isnan(u.low) | np.isnan(v.low)
    always &= ~np.logical_or(u.broken, v.broken)
    low = np.where(always, yes.low, np.where(never, no.low, np.fmin(yes.low, no.low)))
    high = np.where(always, yes.high, np.where(never, no.high, np.fmax(yes.high, no.high)))
    return Intervals(low, high, np.where(always, yes.broken, np.where(never, no.broken, True)))


_OPERATIONS: dict[str, Callable[..., Intervals]] = {
    "add": add,
    "subtract": subtract,
    "multiply": _multiply,
    "divide": _divide,
    "negative": _negative,
    "power": _power,
    "absolute": _absolute,
    "sign": _steps(np.sign),
    "floor": _steps(np.floor),
    "minimum": _by_ends(np.minimum),
    "maximum": _by_ends(np.maximum),
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
