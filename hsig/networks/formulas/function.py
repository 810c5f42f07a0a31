"""A formula understood: its slope at every point, kinks included, its pieces, and its range."""

from collections.abc import Callable
from copy import copy
from functools import cached_property
from math import inf, isclose, nextafter
from typing import NamedTuple

import numpy as np

from hsig.networks.arrays import Array, BoolArray
from hsig.networks.formulas.derivative import at, polynomial, slope_of
from hsig.networks.formulas.evaluating import Evaluator, constant, lowered
from hsig.networks.formulas.nodes import Node, X, number, walk
from hsig.networks.formulas.pieces import pieces
from hsig.networks.formulas.primitives import CONDITIONAL
from hsig.networks.formulas.program import Program, compile_program, keeping_nan
from hsig.networks.formulas.simplifying import apply, where

_NOTICEABLE = 1e-9  # a smaller change of value or slope is rounding
# the slope at a kink, from those of both sides
KINKS = ("own", "open", "closed", "left", "right", "mean", "sum")


class LinearPiece(NamedTuple):
    """An interval on which an activation is the line `slope * x + intercept`.

    `start_closed` and `stop_closed` say whether an end belongs to the piece, that is, whether
    the derivative *at* the end is this piece's slope.
    """

    start: float
    stop: float
    slope: float
    intercept: float
    start_closed: bool
    stop_closed: bool

    def contains(self, x: Array) -> BoolArray:
        """Which of `x` lie on this piece. Same shape as `x`."""
        after_start = x >= self.start if self.start_closed else x > self.start
        before_stop = x <= self.stop if self.stop_closed else x < self.stop
        inside: BoolArray = after_start & before_stop
        return inside


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


class _Cut(NamedTuple):
    """Where two pieces meet: the slope there, and of which of them it is (-1, 1; 0 for neither)."""

    x: float
    slope: Node
    side: int


class Function:
    """A function of x with the slope that training uses.

    Attributes:
        value: Its formula.
        slope: That of its slope, at kinks as well.
        pieces: Its parts, from left to right.
    """

    def __init__(self, value: Node, kink: str = "own", given: Node | None = None) -> None:
        """Understand a formula.

        Args:
            value: The formula.
            kink: One of `KINKS`: `own` is what the rules of the primitives say; `open` the flatter
                and `closed` the steeper slope of both sides; then their mean and their sum.
            given: Its slope, instead of the derivative.
        """
        self.value = value
        self.pieces = pieces(value)
        self._parts = [piece for piece in self.pieces if not piece.is_point]
        self._slopes = [slope_of(piece.formula) for piece in self._parts]
        self._cuts = [self._cut(place, kink, given) for place in range(len(self._parts) - 1)]
        self.slope = self._whole() if given is None else given

    def with_slope(self, slope: Node) -> "Function":
        """The same function, trained with another slope."""
        other = copy(self)
        for made in ("_lowered_slope", "_slope", "_slope_of_value", "program", "breaks"):
            other.__dict__.pop(made, None)
        other.slope = slope
        return other

    def _cut(self, place: int, kink: str, given: Node | None) -> _Cut:
        x = self._parts[place].stop
        before, after = (at(slope, x) for slope in self._slopes[place : place + 2])
        if given is not None:
            there = at(given, x)
        elif kink == "own":
            there = before if _alike(before, after) else at(slope_of(self._own(x)), x)
        else:
            there = _at_kink(kink, before, after)
        value = constant(at(self.value, x))
        sides = [
            side
            for side, slope, part in ((1, after, place + 1), (-1, before, place))
            if _alike(there, slope)
            and abs(constant(at(self._parts[part].formula, x)) - value) <= _NOTICEABLE
        ]
        return _Cut(x, there, sides[0] if sides else 0)

    def _own(self, x: float) -> Node:
        """The formula that holds at the end of a piece."""
        return next(piece.formula for piece in self.pieces if piece.has_end(x))

    def _whole(self) -> Node:
        """The slopes of all parts in one formula, which tells them apart by x itself."""
        whole = self._slopes[-1]
        for cut, slope in zip(reversed(self._cuts), reversed(self._slopes[:-1]), strict=True):
            x = number(cut.x)
            if cut.side == 0:
                whole = where("==", X, x, cut.slope, whole)
            whole = where("<=" if cut.side < 0 else "<", X, x, slope, whole)
        return whole

    @property
    def ends(self) -> tuple[float, ...]:
        """Where two pieces meet: where it may have a kink, or jump."""
        return tuple(cut.x for cut in self._cuts)

    @property
    def is_cut(self) -> bool:
        """Whether every point is known at which it may have a kink or jump."""
        steps = CONDITIONAL | {"floor"}
        return not any(one.operation in steps for p in self.pieces for one in walk(p.formula))

    @property
    def attributes_its_ends(self) -> bool:
        """Whether the slope where two pieces meet is always that of one of them."""
        return all(cut.side for cut in self._cuts)

    @cached_property
    def breaks(self) -> tuple[Break, ...]:
        """Its kinks and jumps, from left to right."""
        found = []
        for x in self.ends:
            points = np.array([nextafter(x, -inf), x, nextafter(x, inf)])
            before, _, after = values = self.at(points).tolist()
            slopes = self.slope_at(points, np.array(values)).tolist()
            jump = after - before if abs(after - before) > _NOTICEABLE else 0.0
            if jump or max(slopes) - min(slopes) > _NOTICEABLE:
                found.append(Break(x, jump, *(float(slope) for slope in slopes)))
        return tuple(found)

    @cached_property
    def linear_pieces(self) -> tuple[LinearPiece, ...]:
        """Those of its pieces that are lines."""
        found = []
        for place, piece in enumerate(self._parts):
            line = polynomial(piece.formula)
            if line is None or len(line) > 2:
                continue
            intercept, slope = (float(c) for c in (*line, 0, 0)[:2])
            closed = (
                place == 0 or self._cuts[place - 1].side > 0,
                place == len(self._cuts) or self._cuts[place].side < 0,
            )
            found.append(LinearPiece(piece.start, piece.stop, slope, intercept, *closed))
        return tuple(found)

    def at(self, x: Array) -> Array:
        """The values at `x`. Same shape."""
        return self._value(x)

    def slope_at(self, x: Array, y: Array) -> Array:
        """The slopes at `x`, where the values are `y`. Same shape."""
        return self._slope_of_value(x, y)

    def slope_alone(self, x: Array) -> Array:
        """The same, where the values are not known."""
        return self._slope(x)

    @cached_property
    def _lowered(self) -> Node:
        return keeping_nan(lowered(self.value))

    @cached_property
    def _value(self) -> Evaluator:
        return Evaluator(self._lowered)

    @cached_property
    def _lowered_slope(self) -> Node:
        return lowered(self.slope)

    @cached_property
    def _slope(self) -> Evaluator:
        return Evaluator(self._lowered_slope)

    @cached_property
    def _slope_of_value(self) -> Evaluator:
        return Evaluator(self._lowered_slope, (self._lowered,))

    @cached_property
    def program(self) -> Program:
        """What the compiled engine runs."""
        return compile_program(self._lowered, self._lowered_slope)

    @cached_property
    def range(self) -> tuple[float, float]:
        """Smallest and largest value, reached or approached.

        They are looked for on a grid, and refined beside the best of its points.
        """
        beside = [y for x in self.ends for y in (nextafter(x, -inf), x, nextafter(x, inf))]
        x = np.sort(np.concatenate([-_FAR, _NEAR, _FAR, beside]))  # np.unique imports numpy.ma
        lowest = _largest(lambda x: -self.at(x), x)
        return 0.0 - lowest, _largest(self.at, x)


def _at_kink(kink: str, before: Node, after: Node) -> Node:
    flat, steep = sorted((before, after), key=lambda slope: abs(constant(slope)))
    match kink:
        case "open":
            return flat
        case "closed":
            return steep
        case "left":
            return before
        case "right":
            return after
    both = apply("add", before, after)
    return both if kink == "sum" else apply("divide", both, number(2.0))


def _alike(one: Node, other: Node) -> bool:
    return one is other or isclose(constant(one), constant(other), rel_tol=1e-12, abs_tol=1e-300)


# --- range ------------------------------------------------------------------------------------

_NEAR = np.linspace(-50.0, 50.0, 20_001)
_FAR = np.geomspace(50.0, 1e150, 400)  # whose squares are doubles
_GOLDEN = (5.0**0.5 - 1.0) / 2.0
_HUGE = 1e75  # a value beyond it grows for ever
_GROWTH = 1e-6  # relatively, over the last 75 powers of 10
_NARROWINGS = 60  # of an interval by the golden section, until its ends are neighbours


def _largest(value: Callable[[Array], Array], x: Array) -> float:
    values = value(x)
    best = int(np.nanargmax(values)) if not np.isnan(values).all() else 0
    found = float(values[best])
    if abs(found) > _HUGE:
        return inf
    if not 0 < best < len(x) - 1:  # it may grow on, as slowly as a logarithm
        (inner,) = value(x[best : best + 1] * 1e-75)
        return inf if found - inner > _GROWTH * abs(found) else found + 0.0
    low, high = x[best - 1], x[best + 1]
    for _ in range(_NARROWINGS):
        inner = np.array([high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)])
        left, right = value(inner)
        found = max(found, float(left), float(right))
        low, high = (low, inner[1]) if left > right else (inner[0], high)
    return found + 0.0
