"""The range of a formula: proved bounds and attained values, by branch and bound.

Intervals of x ("boxes") are cut up as long as a formula's enclosure over them leaves room beyond
the values that it is known to attain. When nothing is left to cut, the range is proved and tight;
when the work becomes too much, what is left still bounds the values.
"""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import reduce
from math import gcd, inf, isinf, pi
from typing import NamedTuple

import numpy as np

from hsig.arrays import Array, IntArray
from hsig.formulas.cancelling import cancel
from hsig.formulas.derivative import to_polynomial
from hsig.formulas.intervals import (
    Intervals,
    add,
    enclose,
    enclose_all,
    multiply,
    subtract,
)
from hsig.formulas.nodes import Node, X, fold, walk
from hsig.formulas.primitives import PRIMITIVES
from hsig.formulas.program import Evaluator, lower

MARGIN = 1e-9  # relative, by which a proved bound may be passed
_CUTS = (0.0, 1.0, 8.0, 64.0, 2.0**20, 2.0**500)  # where boxes are cut to begin with, both signs
_MAX_ROUNDS = 80
_PATIENCE = 2  # rounds before formulas are rewritten
_MAX_BOXES = 2000  # that are halved in a round
_FEW = 100  # boxes that are cut into 8 at once
_MAX_WORK = 1.5e6  # operations on boxes
_OVERHEAD = 300  # of an operation on any number of boxes, in boxes
_MAX_TURNS = 64  # of the fastest sine within a period
_ZOOM, _ZOOMS = np.linspace(-1.0, 1.0, 17), 16  # points around the best one; how often at the end
_ANYWHERE = np.linspace(-64.0, 64.0, 1025)
_UNBOUNDED = 1e75  # a larger value grows for ever
_POLE = 1e12  # where no bound is proved, so does this one


class Section(NamedTuple):
    """An interval of x, and formulas that have the function's values there, and its slopes."""

    start: float
    stop: float
    values: tuple[Node, ...]
    slopes: tuple[Node, ...]


class Range(NamedTuple):
    """What a function's values lie between.

    Attributes:
        low: The smallest value that was found, reached or approached.
        high: The largest.
        least: A proved bound: no value is smaller by more than a relative `MARGIN`.
        greatest: No value is larger.
    """

    low: float
    high: float
    least: float
    greatest: float

    @property
    def is_proved(self) -> bool:
        """Whether the values that were found are proved to be the smallest and the largest."""
        return (self.low, self.high) == (self.least, self.greatest)


def find_range(sections: Sequence[Section], evaluate: Callable[[Array], Array]) -> Range:
    """Find the range of a function that is a formula on each section.

    Args:
        sections: From left to right.
        evaluate: Its values as they are computed.
    """
    search = _Search(evaluate)
    boxes = [search.cut(_shorten(section)) for section in sections]
    with np.errstate(all="ignore"):
        for n in range(_MAX_ROUNDS):
            boxes = search.refine(boxes)
            if not boxes or search.work > _MAX_WORK:
                break
            if n == _PATIENCE:
                boxes = [search.cut(part) for box in boxes for part in rewrite_section(box.section)]
        return search.conclude(boxes)


class _Boxes(NamedTuple):
    """Intervals of x on a section, and what is known to enclose the values there."""

    section: Section
    low: Array
    high: Array
    known: Intervals


class _Found(NamedTuple):
    """A value that is attained, where, and how far around that point is looked at next."""

    value: float
    x: float = 0.0
    section: Section | None = None
    radius: float = 0.0


def rewrite_section(section: Section) -> Iterator[Section]:
    """The sections on either side of 0, with formulas that are tighter there."""
    for side, low, high in ((-1, -inf, 0.0), (1, 0.0, inf)):
        start, stop = max(section.start, low), min(section.stop, high)
        if start < stop or (start == stop == section.stop and side > 0):
            value = cancel(section.values[0], side)
            slope = cancel(section.slopes[0], side, is_slope=True)
            yield Section(start, stop, (*section.values, value), (*section.slopes, slope))


def cut_section(section: Section) -> tuple[Array, Array]:
    """The ends of the first boxes of a section."""
    lines = (to_polynomial(part) for part in walk(section.values[0]))
    zeros = (-line[0] / line[1] for line in lines if line and len(line) == 2)
    roots = {float(zero) for zero in zeros if abs(zero) < _UNBOUNDED}
    cuts = sorted({sign * cut for cut in _CUTS for sign in (-1.0, 1.0)} | roots)
    inner = [x for x in cuts if section.start < x < section.stop]
    ends = np.array([section.start, *inner, section.stop])
    return ends[:-1], ends[1:]


def _shorten(section: Section) -> Section:
    """One period of a section, if x is only within sines of lines that have a common one."""
    rates = _find_rates(section.values[0])
    if not rates or not isinf(section.stop - section.start):
        return section
    common = reduce(_common_divisor, rates)
    if max(rates) > _MAX_TURNS * common:
        return section
    period = float(2.0 * pi / common) * (1.0 + MARGIN)
    start = section.start if section.start > -inf else min(section.stop, period / 2.0) - period
    return section._replace(start=start, stop=min(section.stop, start + period))


Rates = frozenset[Fraction] | None


def _find_rates(root: Node) -> Rates:
    """How fast the sines turn through which alone a formula depends on x; None if it has others."""

    def combine(current: Node, operands: Sequence[Rates]) -> Rates:
        if current.operation in ("sin", "cos"):
            line = to_polynomial(current.operands[0])
            if line is not None and len(line) == 2:
                return frozenset({abs(line[1])})
        if current is X or None in operands:
            return None
        return frozenset().union(*filter(None, operands))

    return fold(root, combine)


def _common_divisor(p: Fraction, q: Fraction) -> Fraction:
    divisor = gcd(p.numerator * q.denominator, q.numerator * p.denominator)
    return Fraction(divisor, p.denominator * q.denominator)


def split_boxes(low: Array, high: Array, parts: int) -> Array:
    """The ends of equal parts, as rows: equal near 0, and in the exponent far out."""
    left, right = (np.arcsinh(np.clip(end, -1e300, 1e300)) for end in (low, high))
    ends: Array = np.clip(np.sinh(np.linspace(left, right, parts + 1)), low, high)
    ends[0], ends[-1] = low, high
    return ends


class _Search:
    """Values that are attained, and bounds of what is not looked at more closely.

    A side is 1 for the largest value and -1 for the smallest, which is the largest of -f.
    """

    def __init__(self, evaluate: Callable[[Array], Array]) -> None:
        self.evaluate = evaluate
        self.work = 0.0
        self.found = {-1: _Found(-inf), 1: _Found(-inf)}
        self.bound = {-1: -inf, 1: -inf}

    def cut(self, section: Section) -> _Boxes:
        """The first boxes of a section; note what its tails approach."""
        for end in (section.start, section.stop):
            if isinf(end):
                self._follow_tail(section.values[-1], end)
        low, high = cut_section(section)
        anything = np.full(len(low), inf)
        known = Intervals(-anything, anything, anything > 0.0)
        return _Boxes(section, low, high, known)

    def _follow_tail(self, root: Node, end: float) -> None:
        if any(part.operands and part.operation not in PRIMITIVES for part in walk(root)):
            return
        near, far = np.copysign([2.0**20, 2.0**500], end)
        low, high = np.array([near, far, min(far, end)]), np.array([near, far, max(far, end)])
        bounds = enclose(root, low, high)
        (limit,) = Evaluator(lower(root))(np.array([end]))
        for side in (-1, 1):
            lows, highs = bounds.turn(side)
            if lows[1] > highs[0] and self.found[side].value < side * limit <= highs[2]:
                self.found[side] = _Found(side * float(limit), end)

    def refine(self, boxes: Sequence[_Boxes]) -> list[_Boxes]:
        """Enclose all boxes, and halve those that may hold more than what was found."""
        enclosed = [self._enclose(part) for part in boxes]
        self._zoom()
        smaller = []
        for section, low, high, known in enclosed:
            excess = np.fmax(*(known.turn(side)[1] - self._goal(side) for side in (-1, 1)))
            middle = split_boxes(low, high, 2)[1]
            chosen = np.flatnonzero((excess > 0.0) & (low < middle) & (middle < high))
            chosen = chosen[np.argsort(-excess[chosen], kind="stable")[:_MAX_BOXES]]
            self._settle(known, np.delete(np.arange(len(excess)), chosen))
            if len(chosen):
                parts = 8 if len(chosen) <= _FEW else 2
                ends = split_boxes(low[chosen], high[chosen], parts)
                lows, highs = ends[:-1].ravel(), ends[1:].ravel()
                proper = lows < highs
                origin = np.tile(chosen, parts)[proper]
                inherited = Intervals(known.low[origin], known.high[origin], known.broken[origin])
                smaller.append(_Boxes(section, lows[proper], highs[proper], inherited))
        return smaller

    def conclude(self, boxes: Sequence[_Boxes]) -> Range:
        """The range, with the bounds of all boxes that are left."""
        for part in boxes:
            self._settle(self._enclose(part).known, np.arange(len(part.low)))
            ends = np.concatenate([part.low, part.high])
            values = self.evaluate(ends[np.abs(ends) < _UNBOUNDED])  # what is inf there is a pole
            for side in (-1, 1):
                if self.bound[side] == inf and (side * values == inf).any():
                    self.found[side] = _Found(inf)
        low, least = self._end(-1)
        high, greatest = self._end(1)
        return Range(-low + 0.0, high + 0.0, -least + 0.0, greatest + 0.0)

    def _end(self, side: int) -> tuple[float, float]:
        """The largest value that was found, and its proved bound."""
        bound = self.bound[side]
        for n in range(_ZOOMS + 1):
            lowest, x, *_ = self.found[side]
            if bound == -inf or (bound == inf and lowest > _POLE):
                return inf, inf
            if lowest == -inf:  # no value is certain
                values = side * self.evaluate(_ANYWHERE)
                value = float(np.max(values, initial=-inf, where=np.isfinite(values)))
                return min(value if value > -inf else bound, bound), bound
            is_proved, is_exact = bound <= self._goal(side), bound - lowest < 1e-12 * abs(bound)
            for simple in (0.0, float(f"{lowest:.6g}")):  # such as 1, where almost that was found
                if lowest <= simple <= bound and is_proved and (is_exact or n == _ZOOMS):
                    return simple, simple
            self._zoom()
        (computed,) = self.evaluate(np.array([x]))
        value = max(lowest, min(side * float(computed), bound))
        return value, value if is_proved else bound

    def _goal(self, side: int) -> float:
        """What no value may pass, for the range to be proved."""
        found, other = self.found[side].value, self.found[-side].value
        if found > _UNBOUNDED:
            return inf
        return found + MARGIN * max(abs(found), abs(other) if abs(other) < _UNBOUNDED else 1.0)

    def _settle(self, known: Intervals, places: IntArray) -> None:
        """Take the bounds of some boxes as they are."""
        for side in (-1, 1):
            highs = known.turn(side)[1][places]
            self.bound[side] = float(np.fmax.reduce(highs, initial=self.bound[side]))

    def _enclose(self, boxes: _Boxes) -> _Boxes:
        """Enclose a function on boxes, also by its slope; and note the values it attains."""
        section, low, high, known = boxes
        middle = split_boxes(low, high, 2)[1]
        points = np.concatenate([low, middle, high])
        slope = self._bound(section.slopes, low, high)
        ends = np.concatenate([low, points]), np.concatenate([high, points])
        parts = (np.split(part, 4) for part in self._bound(section.values, *ends))
        box, *attained = map(Intervals, *parts)
        first, central, last = (
            at.only(~(at.broken | np.isinf(x)))
            for at, x in zip(attained, (low, middle, high), strict=True)
        )
        for x, at in ((low, first), (middle, central), (high, last)):
            self._note(section, x, at, high - low)
        smooth = ~(box.broken | slope.broken)
        offset = subtract(None, Intervals(low, high, smooth), Intervals(middle, middle, smooth))
        line = add(None, central, multiply(None, slope, offset))
        rising = Intervals(first.low, last.high, smooth).only(smooth & (slope.low >= 0.0))
        falling = Intervals(last.low, first.high, smooth).only(smooth & (slope.high <= 0.0))
        inherited = known.only(~np.isnan(box.low))
        bounds = reduce(Intervals.meet, (inherited, line.only(smooth), rising, falling), box)
        return _Boxes(section, low, high, bounds)

    def _bound(self, roots: Sequence[Node], low: Array, high: Array) -> Intervals:
        """Enclose formulas that have the same values."""
        self.work += sum(1 for root in roots for _ in walk(root)) * (_OVERHEAD + len(low))
        return enclose_all(roots, low, high)

    def _note(self, section: Section, x: Array, values: Intervals, radius: Array) -> None:
        """Keep the best of the values at some points."""
        for side in (-1, 1):
            lowest = values.turn(side)[0]
            lowest = np.where(np.isnan(lowest), -inf, lowest)
            best = int(lowest.argmax())
            if lowest[best] > self.found[side].value:
                near = min(float(radius[best]), 1.0 + abs(float(x[best])))
                self.found[side] = _Found(float(lowest[best]), float(x[best]), section, near)

    def _zoom(self) -> None:
        """Look around the best points, ever more closely."""
        for side in (-1, 1):
            _, middle, section, radius = self.found[side]
            if section is not None:
                x = np.clip(middle + radius * _ZOOM, section.start, section.stop)
                values = self._bound(section.values, x, x)
                self.found[side] = self.found[side]._replace(radius=radius / 8.0)
                self._note(section, x, values.only(~values.broken), np.full(len(x), radius / 8.0))
