"""What engines may have a short way for: a line that is clipped or bent at its ends."""

from collections.abc import Callable, Iterator
from copy import copy
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import inf, isclose, isqrt, nextafter
from typing import NamedTuple

import numpy as np

from hsig.arrays import Array, BoolArray
from hsig.formulas.derivative import Polynomial, polynomial, slope_of, substitute_x
from hsig.formulas.nodes import ZERO, Node, X, is_number, number, walk
from hsig.formulas.primitives import CONDITIONAL
from hsig.formulas.program import (
    Evaluator,
    Program,
    compile_program,
    evaluate_constant,
    lower,
    propagate_nan,
)
from hsig.formulas.simplifying import apply, where

# --- pieces --------------------------------------------------------------------------------------

# The smooth parts of a formula: where a comparison turns, found exactly, and what holds between.
#
# A comparison of two functions that differ by a polynomial of degree 2 at most turns where that is
# 0, which is found in fractions; the formula is cut there, and on each side holds the branch that
# is taken. A comparison of anything else stays in the formula as it is.

PIECES_MOST = 64
_BEYOND = Fraction(2) ** 1024  # every double is nearer to 0


class Piece(NamedTuple):
    """An interval on which a formula needs no comparison.

    Attributes:
        start: Its lower end, the double next to it; may be -inf.
        stop: Its upper end; equal to `start` for a point.
        start_closed: Whether the lower end belongs to it.
        stop_closed: Whether the upper end does.
        formula: What the formula is there.
    """

    start: float
    stop: float
    start_closed: bool
    stop_closed: bool
    formula: Node

    @property
    def is_point(self) -> bool:
        """Whether it is a single point."""
        return self.start == self.stop

    def has_end(self, x: float) -> bool:
        """Whether x is one of its ends, and belongs to it."""
        return (x == self.start and self.start_closed) or (x == self.stop and self.stop_closed)


class _Cell(NamedTuple):
    """An open interval, or a point where both ends are equal."""

    start: Fraction
    stop: Fraction

    @property
    def middle(self) -> Fraction:
        return (self.start + self.stop) / 2

    def cut(self, x: Fraction) -> tuple["_Cell", "_Cell", "_Cell"]:
        return _Cell(self.start, x), _Cell(x, x), _Cell(x, self.stop)


def pieces(root: Node) -> tuple[Piece, ...]:
    """The pieces of a formula from left to right; all of it as one where there are too many.

    >>> from hsig.formulas.parsing import parse
    >>> from hsig.formulas.nodes import format_formula
    >>> for piece in pieces(parse("max(x - 1, 0)")):
    ...     print(piece.start, piece.stop, format_formula(piece.formula))
    -inf 1.0 0
    1.0 inf x - 1
    """
    uncut = (Piece(float("-inf"), float("inf"), True, True, root),)
    open_cells, done = [_Cell(-_BEYOND, _BEYOND)], list[tuple[_Cell, Node]]()
    while open_cells:
        if len(open_cells) + len(done) > 4 * PIECES_MOST:
            return uncut
        cell = open_cells.pop()
        found = _resolve(root, cell)
        if isinstance(found, Node):
            done.append((cell, found))
        else:
            open_cells += reversed(cell.cut(found))
    joined = tuple(_joined(done))
    return joined if len(joined) <= PIECES_MOST else uncut


def _joined(cells: list[tuple[_Cell, Node]]) -> Iterator[Piece]:
    """Neighbours on which the formula is the same are one piece; what no double lies in is none."""
    held = [
        (cell, formula)
        for cell, formula in cells
        if cell.start == cell.stop or _double(cell.start) != _double(cell.stop)
    ]
    first, formula = held[0]
    for (last, _), (cell, other) in pairwise(held):
        if not _same(formula, other):
            yield _piece(first, last, formula)
            first, formula = cell, other
    yield _piece(first, held[-1][0], formula)


def _piece(first: _Cell, last: _Cell, formula: Node) -> Piece:
    start, stop = _double(first.start), _double(last.stop)
    closed = (first.start == first.stop or start == float("-inf"), last.start == last.stop)
    return Piece(start, stop, closed[0], closed[1] or stop == float("inf"), formula)


def _double(x: Fraction) -> float:
    return float("inf") * (1 if x > 0 else -1) if abs(x) >= _BEYOND else float(x)


def _same(one: Node, other: Node) -> bool:
    if one is other:
        return True
    p = polynomial(one)
    return p is not None and p == polynomial(other)


def _resolve(root: Node, cell: _Cell) -> Node | Fraction:
    """The formula within a cell, or a point at which the cell is to be cut."""
    made: dict[Node, Node] = {}
    for one in walk(root):
        operands = tuple(made[operand] for operand in one.operands)
        if one.operation in CONDITIONAL:
            found = _branch(one.operation, operands, cell)
            if isinstance(found, Fraction):
                return found
            made[one] = found
        else:
            made[one] = apply(one.operation, *operands) if operands else one
    return made[root]


def _branch(operation: str, operands: tuple[Node, ...], cell: _Cell) -> Node | Fraction:
    """What a comparison chooses in a cell, or where it turns there; itself if that is not known."""
    unknown = apply(operation, *operands)
    if unknown.operation != operation:
        return unknown
    u = operands[0]
    match operation:
        case "absolute" | "sign":
            signed = (number(-1.0), ZERO, number(1.0))
            if operation == "absolute":
                signed = (apply("negative", u), ZERO, u)
            return _choose(u, ZERO, signed, cell, unknown)
        case "minimum":
            return _choose(u, operands[1], (u, operands[1], operands[1]), cell, unknown)
        case "maximum":
            return _choose(u, operands[1], (operands[1], operands[1], u), cell, unknown)
        case "clip":
            _, low, high = operands
            below = _choose(u, low, (low, u, u), cell, unknown)
            return _choose(u, high, (u, u, high), cell, unknown) if below is u else below
    less = operands[2] if operation != "where_equal" else operands[3]
    equal = operands[3] if operation == "where_less" else operands[2]
    return _choose(u, operands[1], (less, equal, operands[3]), cell, unknown)


def _choose(
    u: Node, v: Node, branches: tuple[Node, Node, Node], cell: _Cell, unknown: Node
) -> Node | Fraction:
    """The branch where u is below, equal to or above v; a point at which that changes in a cell."""
    below, _, above = branches
    if v.operation == "number" and abs(v.number) == float("inf"):
        return below if v.number > 0.0 else above
    difference = polynomial(apply("subtract", u, v))
    if difference is None or len(difference) > 3:
        return unknown
    for root in _roots(difference):
        if cell.start < root < cell.stop:
            return root
    value = sum((c * cell.middle**k for k, c in enumerate(difference)), Fraction(0))
    return branches[(value > 0) - (value < 0) + 1]


def _roots(p: Polynomial) -> tuple[Fraction, ...]:
    """Where a polynomial of degree 2 at most is 0: exactly, or to 100 bits below 1."""
    if len(p) < 2:
        return ()
    if len(p) == 2:
        return (-p[0] / p[1],)
    middle = -p[1] / (2 * p[2])
    square = middle * middle - p[0] / p[2]
    if square < 0:
        return ()
    half = Fraction(isqrt(square.numerator * square.denominator << 200), square.denominator << 100)
    return (middle - half, middle + half)


# --- function ------------------------------------------------------------------------------------

# A formula understood: its slope at every point, kinks included, its pieces, and its range.

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
        for made in ("_lowered_slope", "_slope", "_slope_from_values", "program", "breaks"):
            other.__dict__.pop(made, None)
        other.__dict__.pop("derivative", None)
        other.slope = slope
        return other

    def _cut(self, place: int, kink: str, given: Node | None) -> _Cut:
        x = self._parts[place].stop
        before, after = (substitute_x(slope, x) for slope in self._slopes[place : place + 2])
        if given is not None:
            there = substitute_x(given, x)
        elif kink == "own":
            there = before if _alike(before, after) else substitute_x(slope_of(self._own(x)), x)
        else:
            there = _at_kink(kink, before, after)
        value = evaluate_constant(substitute_x(self.value, x))
        sides = [
            side
            for side, slope, part in ((1, after, place + 1), (-1, before, place))
            if _alike(there, slope)
            and abs(evaluate_constant(substitute_x(self._parts[part].formula, x)) - value)
            <= _NOTICEABLE
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
    def breakpoints(self) -> tuple[float, ...]:
        """Where two pieces meet: where it may have a kink, or jump."""
        return tuple(cut.x for cut in self._cuts)

    @property
    def breakpoints_are_complete(self) -> bool:
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
        for x in self.breakpoints:
            points = np.array([nextafter(x, -inf), x, nextafter(x, inf)])
            before, _, after = values = self.evaluate(points).tolist()
            slopes = self.evaluate_slope(points, np.array(values)).tolist()
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

    def evaluate(self, x: Array) -> Array:
        """The values at `x`. Same shape."""
        return self._value(x)

    def evaluate_slope(self, x: Array, values: Array | None = None) -> Array:
        """The slopes at `x`, same shape; known `values` there save computing them again."""
        return self._slope(x) if values is None else self._slope_from_values(x, values)

    @cached_property
    def derivative(self) -> "Function":
        """The slope as a function; its own slope is the second derivative.

        Where the slope jumps, the second derivative is that of the side that the slope belongs to.
        """
        return Function(self.slope)

    @cached_property
    def _lowered(self) -> Node:
        return propagate_nan(lower(self.value))

    @cached_property
    def _value(self) -> Evaluator:
        return Evaluator(self._lowered)

    @cached_property
    def _lowered_slope(self) -> Node:
        return lower(self.slope)

    @cached_property
    def _slope(self) -> Evaluator:
        return Evaluator(self._lowered_slope)

    @cached_property
    def _slope_from_values(self) -> Evaluator:
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
        beside = [y for x in self.breakpoints for y in (nextafter(x, -inf), x, nextafter(x, inf))]
        x = np.sort(np.concatenate([-_FAR, _NEAR, _FAR, beside]))  # np.unique imports numpy.ma
        lowest = _largest(lambda x: -self.evaluate(x), x)
        return 0.0 - lowest, _largest(self.evaluate, x)


def _at_kink(kink: str, before: Node, after: Node) -> Node:
    flat, steep = sorted((before, after), key=lambda slope: abs(evaluate_constant(slope)))
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
    return one is other or isclose(
        evaluate_constant(one), evaluate_constant(other), rel_tol=1e-12, abs_tol=1e-300
    )


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


# --- clipped line --------------------------------------------------------------------------------


class ClippedLine(NamedTuple):
    """slope * x + shift between `low` and `high`; outside, `leak` times as steep.

    Attributes:
        slope: Slope of the middle line.
        shift: Value of the middle line at x = 0.
        low: Lower end of the middle line.
        high: Upper end of the middle line.
        leak: Slope outside as a fraction of `slope`.
        start: The smallest x whose slope is that of the middle line.
        stop: The largest.
    """

    slope: float
    shift: float
    low: float
    high: float
    leak: float
    start: float
    stop: float


def clipped_line(function: Function) -> ClippedLine | None:
    """The function as a clipped line, which has the same bits; None if it is none.

    >>> from hsig.formulas.parsing import parse
    >>> clipped_line(Function(parse("clip(0.3*x + 0.5, 0, 1)"))).slope
    0.3
    """
    line, low, high = _ends(function.value)
    coefficients = polynomial(line)
    if coefficients is None or len(coefficients) != 2 or line is not _line(*coefficients):
        return None
    shift, slope = map(float, coefficients)
    leaks = [leak for leak in _leaks(function.value) if _is_bent(function, line, low, high, leak)]
    middle = [p for p in function.linear_pieces if (p.slope, p.intercept) == (slope, shift)]
    if not leaks or not middle or not function.attributes_its_ends:
        return None
    return ClippedLine(slope, shift, low, high, leaks[0], *_closed(middle[0]))


def _ends(value: Node) -> tuple[Node, float, float]:
    """What may be the line, and where it may be clipped."""
    line, low, high = value, -inf, inf
    match value.operation:
        case "clip" | "maximum" | "minimum":
            line, *ends = value.operands
            numbers = [end.number if is_number(end) else inf for end in ends]
            low = numbers[0] if value.operation != "minimum" else -inf
            high = numbers[-1] if value.operation != "maximum" else inf
        case "where_less":
            u, v, _, rest = value.operands
            if is_number(v):
                line, low = u, v.number
                if rest.operation == "where_less" and is_number(rest.operands[0]):
                    high = rest.operands[0].number
            elif is_number(u):
                line, high = v, u.number
    return line, low, high


def _line(shift: Fraction, slope: Fraction) -> Node:
    return apply("add", apply("multiply", number(float(slope)), X), number(float(shift)))


def _leaks(value: Node) -> Iterator[float]:
    """What may be the leak."""
    yield 0.0
    for one in walk(value):
        if one.operation == "multiply" and is_number(one.operands[0]):
            yield one.operands[0].number


def _is_bent(function: Function, line: Node, low: float, high: float, leak: float) -> bool:
    def outside(end: float) -> Node:
        beyond = apply("subtract", line, number(end))
        return apply("add", number(end), apply("multiply", number(leak), beyond))

    above = apply("where_less", number(high), line, outside(high), line)
    bent = apply("where_less", line, number(low), outside(low), above)
    clipped = {apply("maximum", line, number(low)), apply("minimum", line, number(high))}
    return function.value is bent or (leak == 0.0 and function.value in clipped)


def _closed(middle: LinearPiece) -> tuple[float, float]:
    """The first and the last double of a piece."""
    start = middle.start if middle.start_closed else nextafter(middle.start, inf)
    return start, middle.stop if middle.stop_closed else nextafter(middle.stop, -inf)
