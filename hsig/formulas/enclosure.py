"""The range of a formula: proved bounds and attained values, by branch and bound.

Intervals of x ("boxes") are cut up as long as a formula's enclosure over them leaves room beyond
the values that it is known to attain. When nothing is left to cut, the range is proved and tight;
when the work becomes too much, what is left still bounds the values. All is proved as far out as
squares are doubles; a function that still grows there, to no limit, is taken to grow for ever.
"""

from collections.abc import Callable, Iterator, Sequence
from math import copysign, inf
from typing import NamedTuple

import numpy as np

from hsig.arrays import Array, IntArray
from hsig.formulas.cancelling import cancel
from hsig.formulas.derivative import find_extremes, to_polynomial
from hsig.formulas.intervals import Intervals, add, enclose, multiply_ends, subtract
from hsig.formulas.nodes import Node, walk
from hsig.formulas.program import Evaluator, lower

MARGIN = 1e-9  # relative, by which a proved bound may be passed
_REACH = 2.0**500  # of x to either side
_CUTS = (0.0, 1.0, 8.0, 64.0, 2.0**20)  # where boxes are cut to begin with, both signs
_MAX_ROUNDS = 60
_MAX_BOXES = 2000  # that are halved in a round
_FEW = 100  # boxes that are cut into 8 at once
_MAX_WORK = 1.5e6  # operations on boxes
_OVERHEAD = 300  # of an operation on any number of boxes, in boxes
_ZOOM, _ZOOMS = np.linspace(-1.0, 1.0, 17), 16  # points around the best one; how often
_ANYWHERE = np.linspace(-64.0, 64.0, 1025)
_UNBOUNDED = 1e300  # a larger value grows for ever
_USELESS = 1e75  # a larger bound of what is smaller is none
_ROUNDING = 1e-12  # relative, of values
_POLE = 1e12  # where no bound is proved, so does this one
_EARLIER = 2.0**400  # what doubles from there to the end grows for ever


class Section(NamedTuple):
    """An interval of x, and the formulas that a function and its slope have there."""

    start: float
    stop: float
    value: Node
    slope: Node


class Range(NamedTuple):
    """What a function's values lie between."""

    low: float  # the smallest value that was found, reached or approached
    high: float  # the largest
    least: float  # a proved bound: no value is smaller by more than a relative `MARGIN`
    greatest: float  # no value is larger

    @property
    def is_proved(self) -> bool:
        """Whether the values that were found are proved to be the smallest and the largest."""
        return (self.low, self.high) == (self.least, self.greatest)


def find_range(sections: Sequence[Section], evaluate: Callable[[Array], Array]) -> Range:
    """Find the range of a function that is a formula on each section, from left to right."""
    search = _Search(evaluate)
    with np.errstate(all="ignore"):
        boxes = [box for section in sections for box in search.start(section)]
        for n in range(_MAX_ROUNDS):
            if not boxes or search.work > _MAX_WORK:
                break
            if n == 1:
                search.look_closer()
            boxes = search.refine(boxes)
        return search.conclude(boxes)


def is_rising(section: Section) -> bool:
    """Whether a function is proved to fall nowhere on a section."""
    polynomial = to_polynomial(section.slope)
    if polynomial is not None and to_polynomial(section.value) is not None:
        extremes = find_extremes(polynomial, *section[:2])
        if extremes:
            return extremes[0] >= 0.0
    with np.errstate(all="ignore"):
        for values, slopes, _, low, high in _cut(section):
            for _ in range(_MAX_ROUNDS):
                jumps = enclose(values, low, high).broken
                unsure = jumps | ~(enclose(slopes, low, high).low >= 0.0)
                low, high = _split(low[unsure], high[unsure])
                if not 0 < len(low) <= _MAX_BOXES:
                    break
            if len(low):
                return False
    return True


class _Boxes(NamedTuple):
    """Intervals of x between two ends, and formulas of a function's values and slopes there."""

    values: tuple[Node, ...]
    slopes: tuple[Node, ...]
    ends: tuple[float, float]
    low: Array
    high: Array


class _Best(NamedTuple):
    """A value that is attained, where, how far around is looked at next, and the box there."""

    value: float = -inf
    x: float = 0.0
    radius: float = 0.0
    boxes: _Boxes | None = None


def _cut(section: Section) -> Iterator[_Boxes]:
    """The first boxes, on either side of 0, with a formula that is tighter there."""
    for side, low, high in ((-1, -_REACH, 0.0), (1, 0.0, _REACH)):
        start, stop = max(section.start, low), min(section.stop, high)
        if start <= stop:
            inner = [x for x in sorted(side * cut for cut in _CUTS) if start < x < stop]
            ends = np.array([start, *inner, stop])
            values, slopes = (
                tuple(dict.fromkeys((root, cancel(root, side)))) for root in map(lower, section[2:])
            )
            yield _Boxes(values, slopes, (start, stop), ends[:-1], ends[1:])


def _split(low: Array, high: Array) -> tuple[Array, Array]:
    """Cut boxes into parts that are equal near 0, and in the exponent far out."""
    parts = 8 if len(low) <= _FEW else 2
    left, right = np.arcsinh(low), np.arcsinh(high)
    ends = np.clip(np.sinh(np.linspace(left, right, parts + 1)), low, high)
    ends[0], ends[-1] = low, high
    lows, highs = ends[:-1].ravel(), ends[1:].ravel()
    return lows[lows < highs], highs[lows < highs]


class _Search:
    """Values that are attained, and bounds of what is not looked at more closely.

    A side is 1 for the largest value and -1 for the smallest, which is the largest of -f.
    """

    def __init__(self, evaluate: Callable[[Array], Array]) -> None:
        self.evaluate = evaluate
        self.work = 0.0
        self.best = {-1: _Best(), 1: _Best()}
        self.bound = {-1: -inf, 1: -inf}

    def start(self, section: Section) -> list[_Boxes]:
        """The first boxes of a section; none if its range is exact."""
        polynomial = to_polynomial(section.value)
        extremes = () if polynomial is None else find_extremes(polynomial, *section[:2])
        for side, value in zip((-1, 1), extremes, strict=False):
            self._note(side, _Best(side * value))
            self.bound[side] = max(self.bound[side], side * value)
        return [] if extremes else [*_cut(section)]

    def refine(self, boxes: Sequence[_Boxes]) -> list[_Boxes]:
        """Enclose all boxes, and split those that may hold more than what was found."""
        enclosed = [self._enclose(part) for part in boxes]
        smaller = []
        for part, bounds in zip(boxes, enclosed, strict=True):
            excess = np.fmax(*(bounds.turn(side)[1] - self._goal(side) for side in (-1, 1)))
            chosen = np.flatnonzero((excess > 0.0) & (np.nextafter(part.low, inf) < part.high))
            chosen = chosen[np.argsort(-excess[chosen], kind="stable")[:_MAX_BOXES]]
            self._settle(bounds, np.delete(np.arange(len(excess)), chosen))
            if len(chosen):
                ends = _split(part.low[chosen], part.high[chosen])
                smaller.append(part._replace(low=ends[0], high=ends[1]))
        return smaller

    def conclude(self, boxes: Sequence[_Boxes]) -> Range:
        """The range, with the bounds of all boxes that are left."""
        for part in boxes:
            self._settle(self._enclose(part), np.arange(len(part.low)))
            values = self.evaluate(np.append(part.low, part.high))
            for side in (-1, 1):
                if self.bound[side] == inf and (side * values == inf).any():  # a pole
                    self.best[side] = _Best(inf)
        self.look_closer()
        (low, least), (high, greatest) = self._end(-1), self._end(1)
        return Range(0.0 - low, high + 0.0, 0.0 - least, greatest + 0.0)

    def look_closer(self) -> None:
        """Look for better values around the best ones, within their boxes."""
        for side, (_, x, radius, boxes) in self.best.items():
            if boxes is not None and radius:
                for n in range(_ZOOMS):
                    points = np.clip(x + radius * 8.0**-n * _ZOOM, *boxes.ends)
                    values = side * self.evaluate(points)
                    x = float(points[np.where(np.isnan(values), -inf, values).argmax()])
                point = np.array([x])
                lowest = float(enclose(boxes.values, point, point).turn(side)[0][0])
                self._note(side, _Best(lowest, x, radius, boxes))

    def _enclose(self, boxes: _Boxes) -> Intervals:
        """Enclose a function on boxes, also by its slope; and note values that it attains."""
        low, high, roots = boxes.low, boxes.high, boxes.values + boxes.slopes
        self.work += sum(1 for root in roots for _ in walk(root)) * (_OVERHEAD + 4 * len(low))
        middle = low / 2.0 + high / 2.0
        x = np.concatenate([low, middle, high])
        bounds = enclose(boxes.values, np.append(x, low), np.append(x, high))
        for side in (-1, 1):
            lowest = np.where(bounds.broken, -inf, bounds.turn(side)[0])[: len(x)]
            best = int(np.where(np.isnan(lowest), -inf, lowest).argmax())
            radius = np.fmin(np.tile(high - low, 3), 1.0 + np.abs(x))
            attained = float(lowest[best]), float(x[best]), float(radius[best])
            self._note(side, _Best(*attained, boxes))
        parts = zip(*(np.split(end, 4) for end in bounds), strict=True)
        first, center, last, box = (Intervals(*part) for part in parts)
        slope = enclose(boxes.slopes, low, high)
        offset = subtract(None, Intervals(low, high), Intervals(middle, middle))
        line = add(None, center, multiply_ends(slope, offset))
        smooth = np.logical_not(box.broken | slope.broken)
        cases = [smooth & (slope.low >= 0.0), smooth & (slope.high <= 0.0), smooth]
        low, high = (
            np.select(cases, [*ends], np.nan)
            for ends in zip((first.low, last.high), (last.low, first.high), line[:2], strict=True)
        )
        return box._replace(low=np.fmax(box.low, low), high=np.fmin(box.high, high))

    def _note(self, side: int, best: _Best) -> None:
        self.best[side] = max(self.best[side], best, key=lambda found: found.value)

    def _settle(self, bounds: Intervals, places: IntArray) -> None:
        """Take the bounds of some boxes as they are."""
        for side in (-1, 1):
            highs = bounds.turn(side)[1][places]
            self.bound[side] = float(np.fmax.reduce(highs, initial=self.bound[side]))

    def _scale(self, side: int) -> float:
        """What margins are relative to."""
        found, other = abs(self.best[side].value), abs(self.best[-side].value)
        return max(found, other if other < _USELESS else 1.0)

    def _goal(self, side: int) -> float:
        """What no value may pass, for the range to be proved."""
        found = self.best[side].value
        return inf if found > _UNBOUNDED else found + MARGIN * self._scale(side)

    def _end(self, side: int) -> tuple[float, float]:
        """The largest value that was found, and its proved bound."""
        limit, far_bound = self._find_limit(side)
        found, bound = max(self.best[side].value, limit), max(self.bound[side], far_bound)
        is_proved = bound <= max(self._goal(side), far_bound)
        is_endless = not is_proved and (found > _USELESS or (bound == inf and found > _POLE))
        if bound == -inf or found > _UNBOUNDED or is_endless:
            return inf, inf
        if found == -inf:  # no value is certain
            values = side * self.evaluate(_ANYWHERE)
            value = float(np.max(values, initial=-inf, where=np.isfinite(values)))
            return min(value if value > -inf else bound, bound), bound
        computed = side * float(self.evaluate(np.array([self.best[side].x]))[0])
        value = max(found, min(computed, far_bound if found == limit else bound))
        if not is_proved:
            return value, bound if bound < _USELESS else inf
        for simple in (0.0, float(f"{value:.6g}")):  # such as 1, where almost that was found
            if abs(simple - value) <= _ROUNDING * self._scale(side) or value <= simple <= bound:
                return simple, simple
        return value, value

    def _find_limit(self, side: int) -> tuple[float, float]:
        """What bounds the limit far out, if the largest value is there; -inf if it is not."""
        value, x, _, boxes = self.best[side]
        if boxes is None or abs(x) < _REACH:
            return -inf, -inf
        end = np.array([copysign(inf, x)])
        limit = side * float(Evaluator(boxes.values[-1])(end)[0])
        (low,), (high,) = map(np.ndarray.tolist, enclose(boxes.values, end, end).turn(side))
        if high < inf:
            return (limit, limit) if low <= limit <= high else (low, high)
        earlier = side * self.evaluate(np.copysign([_EARLIER], x))[0]
        grows = low >= value or value > 2.0 * abs(earlier)
        return (inf, inf) if grows else (-inf, -inf)
