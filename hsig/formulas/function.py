"""Functions: a formula with its slope, its pieces, its kinks and jumps, and its range."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import pairwise
from math import inf, isclose, isfinite, nextafter
from typing import NamedTuple

import numpy as np

from hsig.arrays import Array, BoolArray
from hsig.formulas.derivative import (
    Polynomial,
    differentiate,
    evaluate_polynomial,
    find_roots,
    substitute_x,
    to_double,
    to_polynomial,
)
from hsig.formulas.enclosure import Range, Section, find_range, is_rising
from hsig.formulas.nodes import ZERO, Node, X, find_infinite, is_number, number, walk
from hsig.formulas.primitives import CONDITIONAL
from hsig.formulas.program import Differentiable, evaluate_constant
from hsig.formulas.simplifying import apply, rebuild, where

# --- pieces --------------------------------------------------------------------------------------

# A comparison of two functions that differ by a polynomial of degree 2 at most turns at the roots
# of that polynomial, which are computed in fractions. The formula is cut there, and on each side
# only the branch that is taken is left. Any other comparison stays in the formula.

MAX_PIECES = 64  # points among them
MAX_LOCATED_DEGREE = 2  # of a difference of which the roots are found
_MAX_WORK = 20_000  # operations that are looked at for their pieces, in all cells together
_MAX_OPERATIONS = 2000  # in all pieces that are no polynomials together
_INFINITE = Fraction(2) ** 1024  # every double is nearer to 0


class Piece(NamedTuple):
    """An interval on which a formula needs no comparison."""

    start: float  # its lower end, the nearest double; may be -inf
    stop: float  # its upper end; equal to `start` for a point
    start_closed: bool  # whether the lower end belongs to it
    stop_closed: bool  # whether the upper end does
    formula: Node  # the formula without the comparisons

    @property
    def is_point(self) -> bool:
        """Whether it is a single point."""
        return self.start == self.stop

    def has_end(self, x: float) -> bool:
        """Whether x is an end that belongs to it."""
        return (x == self.start and self.start_closed) or (x == self.stop and self.stop_closed)


class _Cell(NamedTuple):
    """An open interval, or a point if both ends are equal."""

    start: Fraction
    stop: Fraction

    @property
    def holds_a_double(self) -> bool:
        return self.start == self.stop or to_double(self.start) != to_double(self.stop)


def split_pieces(root: Node) -> tuple[Piece, ...]:
    """Cut a formula into its pieces, from left to right; if that is too much, it is one piece.

    >>> from hsig.formulas.nodes import format_formula
    >>> from hsig.formulas.parsing import parse
    >>> for piece in split_pieces(parse("max(x - 1, 0)")):
    ...     print(piece.start, piece.stop, format_formula(piece.formula))
    -inf 1.0 0
    1.0 inf x - 1
    """
    uncut = (Piece(-inf, inf, True, True, root),)
    comparing = _find_comparing(root)
    stack, resolved = [_Cell(-_INFINITE, _INFINITE)], list[tuple[_Cell, Node]]()
    max_cells = min(4 * MAX_PIECES, _MAX_WORK // max(len(comparing), 1))
    while stack:
        if len(stack) + len(resolved) > max_cells:
            return uncut
        cell = stack.pop()
        result = _resolve(root, comparing, cell)
        if isinstance(result, Node):
            resolved.append((cell, result))
        else:
            ends = (cell.start, result, result, cell.stop)
            stack += reversed([_Cell(*pair) for pair in pairwise(ends)])
    pieces = tuple(_merge([(cell, formula) for cell, formula in resolved if cell.holds_a_double]))
    curved = [list(walk(p.formula)) for p in pieces if to_polynomial(p.formula) is None]
    is_small = len(pieces) <= MAX_PIECES and sum(map(len, curved)) <= _MAX_OPERATIONS
    return pieces if is_small or len(pieces) == 1 else uncut


def _merge(cells: list[tuple[_Cell, Node]]) -> Iterator[Piece]:
    """Join neighbours that have the same formula."""
    first, formula = cells[0]
    for (last, _), (cell, other) in pairwise(cells):
        if not _is_same(formula, other):
            yield _make_piece(first, last, formula)
            first, formula = cell, other
    yield _make_piece(first, cells[-1][0], formula)


def _make_piece(first: _Cell, last: _Cell, formula: Node) -> Piece:
    start, stop = to_double(first.start), to_double(last.stop)
    start_closed = first.start == first.stop or start == -inf
    return Piece(start, stop, start_closed, last.start == last.stop or stop == inf, formula)


def _is_same(formula: Node, other: Node) -> bool:
    p = to_polynomial(formula)
    return formula is other or (p is not None and p == to_polynomial(other))


def _find_comparing(root: Node) -> list[Node]:
    """The parts of a formula that compare or have a part that does, operands first."""
    found: dict[Node, None] = {}
    for current in walk(root):
        if current.operation in CONDITIONAL or not found.keys().isdisjoint(current.operands):
            found[current] = None
    return [*found]


def _resolve(root: Node, comparing: Sequence[Node], cell: _Cell) -> Node | Fraction:
    """The formula within a cell, or a point at which the cell must be cut first."""
    results: dict[Node, Node] = {}
    for current in comparing:
        operands = [results.get(operand, operand) for operand in current.operands]
        simplified = rebuild(current, operands)
        known = simplified.operation not in CONDITIONAL or simplified in operands
        result = simplified if known else _take_branch(simplified, cell)
        if isinstance(result, Fraction):
            return result
        results[current] = result
    return results.get(root, root)


def _take_branch(comparison: Node, cell: _Cell) -> Node | Fraction:
    """The branch of a comparison in a cell, or where it turns there; itself if it is not known."""
    u, v = comparison.operands[0], (*comparison.operands, ZERO)[1]
    match comparison.operation:
        case "absolute":
            branches = (apply("negative", u), ZERO, u)
        case "sign":
            branches = (number(-1.0), ZERO, number(1.0))
        case "minimum":
            branches = (u, v, v)
        case "maximum":
            branches = (v, v, u)
        case "clip":
            _, low, high = comparison.operands
            chosen = _choose(low, high, (comparison, high, high), cell)
            if chosen is comparison:
                chosen = _choose(u, low, (low, comparison, comparison), cell)
            if chosen is not comparison:
                return comparison if chosen is None else chosen
            v, branches = high, (u, u, high)
        case operation:
            *_, yes, no = comparison.operands
            below = no if operation == "where_equal" else yes
            branches = (below, no if operation == "where_less" else yes, no)
    branch = _choose(u, v, branches, cell)
    return comparison if branch is None else branch


def _choose(
    u: Node, v: Node, branches: tuple[Node, Node, Node], cell: _Cell
) -> Node | Fraction | None:
    """The branch for u below, equal to or above v, or where it changes; None if not known."""
    below, _, above = branches
    for bound, (under, over) in ((v, (below, above)), (u, (above, below))):
        if is_number(bound) and abs(bound.number) == inf:
            return under if bound.number > 0.0 else over
    found = _find_turns(u, v)
    if found is None:
        return None
    difference, turns = found
    for x in turns:
        if cell.start < x < cell.stop:
            return x
    value = evaluate_polynomial(difference, (cell.start + cell.stop) / 2)
    return branches[(value > 0) - (value < 0) + 1]


@lru_cache(maxsize=1024)
def _find_turns(u: Node, v: Node) -> tuple[Polynomial, tuple[Fraction, ...]] | None:
    """The difference of two functions, if it is a polynomial of degree 2 at most, and its roots."""
    difference = to_polynomial(apply("subtract", u, v))
    if difference is None or len(difference) > MAX_LOCATED_DEGREE + 1:
        return None
    return difference, find_roots(difference)


# --- functions -----------------------------------------------------------------------------------

# Where the slope at a kink comes from: the rules of the primitives (own), the flatter (open) or
# the steeper (closed) side, one of the sides, or their mean or sum.
KINKS = ("own", "open", "closed", "left", "right", "mean", "sum")

_TOLERANCE = 1e-9  # of value and slope; a smaller change is rounding


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

    @property
    def first(self) -> float:
        """The smallest double on this piece."""
        return self.start if self.start_closed else nextafter(self.start, inf)

    @property
    def last(self) -> float:
        """The largest double on this piece."""
        return self.stop if self.stop_closed else nextafter(self.stop, -inf)

    def contains(self, x: Array) -> BoolArray:
        """Which of `x` lie on this piece. Same shape as `x`."""
        after_start = x >= self.start if self.start_closed else x > self.start
        before_stop = x <= self.stop if self.stop_closed else x < self.stop
        inside: BoolArray = after_start & before_stop
        return inside


class Break(NamedTuple):
    """A point at which the value jumps or the slope does."""

    x: float  # the point
    jump: float  # the value just after it minus the value just before
    slope_before: float  # the derivative just before
    slope_at: float  # the derivative at the point, by convention
    slope_after: float  # the derivative just after


class _Joint(NamedTuple):
    """A point where two intervals meet."""

    x: float  # the point
    slope: Node  # the slope there, a constant formula
    side: int  # the interval whose value and slope it has: -1 before, 1 after, 0 neither


class Function(Differentiable):
    """A function of x with its derivative, kinks included."""

    def __init__(self, value: Node, kink: str = "own", slope: Node | None = None) -> None:
        """Analyse a formula, whose slope is by default the derivative, at a kink by `KINKS`."""
        self.pieces = split_pieces(value)  # from left to right
        self._intervals = [piece for piece in self.pieces if not piece.is_point]
        self._slopes = [differentiate(piece.formula) for piece in self._intervals]
        places = range(len(self._intervals) - 1)
        self._joints = [self._join(place, value, kink, slope) for place in places]
        super().__init__(value, self._join_slopes() if slope is None else slope)

    def _join(self, place: int, value: Node, kink: str, slope: Node | None) -> _Joint:
        """The joint behind an interval."""
        sides = self._intervals[place : place + 2]
        x = sides[0].stop
        before, after = (_fold_if_odd(substitute_x(s, x)) for s in self._slopes[place : place + 2])
        here = _evaluate_at(value, x)
        scale = _TOLERANCE * max(1.0, abs(here))
        meets = [abs(_evaluate_at(side.formula, x) - here) <= scale for side in sides]
        if slope is not None:
            own = substitute_x(slope, x)
        elif kink != "own":
            own = _slope_at_kink(kink, before, after)
        elif all(meets) and _is_close(before, after):
            own = before
        else:
            formula = next(piece.formula for piece in self.pieces if piece.has_end(x))
            own = substitute_x(differentiate(formula), x)
        own = _fold_if_odd(own)
        if meets[1] and _is_close(own, after):
            return _Joint(x, own, 1)
        return _Joint(x, own, -1 if meets[0] and _is_close(own, before) else 0)

    @property
    def with_kinks_by_rule(self) -> Node:
        """Its formula, so written that the rules of the primitives give its slope at each joint."""
        intervals = self._intervals
        middle = next((n for n, piece in enumerate(intervals) if X in walk(piece.formula)), 0)
        whole = intervals[middle].formula  # the last to be chosen, so that nan stays nan
        for joint, piece in zip(self._joints[middle:], intervals[middle + 1 :], strict=True):
            sign = ">=" if joint.side > 0 else ">"
            whole = where(sign, X, number(joint.x), piece.formula, whole)
        for n in reversed(range(middle)):
            sign = "<=" if self._joints[n].side < 0 else "<"
            whole = where(sign, X, number(self._joints[n].x), intervals[n].formula, whole)
        for joint in self._joints:
            if joint.side == 0:
                x, value = number(joint.x), number(_evaluate_at(self.value, joint.x))
                line = apply("multiply", joint.slope, apply("subtract", X, x))
                whole = where("==", X, x, apply("add", value, line), whole)
        return whole

    def _join_slopes(self) -> Node:
        """One formula of the slopes of all intervals, which compares x with the joints."""
        whole = self._slopes[-1]
        for joint, slope in zip(reversed(self._joints), reversed(self._slopes[:-1]), strict=True):
            x = number(joint.x)
            if joint.side == 0:
                whole = where("==", X, x, joint.slope, whole)
            whole = where("<=" if joint.side < 0 else "<", X, x, slope, whole)
        return whole

    @property
    def breakpoints(self) -> tuple[float, ...]:
        """Where its pieces meet: the only points at which it may have a kink or jump."""
        return tuple(joint.x for joint in self._joints)

    @property
    def breakpoints_are_complete(self) -> bool:
        """Whether `breakpoints` has every kink and jump: no comparison is left in a piece."""
        steps = CONDITIONAL | {"floor"}
        nodes = (part for piece in self.pieces for part in walk(piece.formula))
        return not any(part.operation in steps for part in nodes)

    @property
    def kinks_are_known(self) -> bool:
        """Whether `breakpoints` has every kink and jump, with a slope that is a number."""
        slopes = (evaluate_constant(joint.slope) for joint in self._joints)
        return self.breakpoints_are_complete and not any(slope != slope for slope in slopes)

    @property
    def joints_belong_to_pieces(self) -> bool:
        """Whether the slope at each breakpoint is that of one of the pieces that meet there."""
        return all(joint.side for joint in self._joints)

    @cached_property
    def breaks(self) -> tuple[Break, ...]:
        """Its kinks and jumps, from left to right."""
        breaks = []
        for x in self.breakpoints:
            points = np.array([nextafter(x, -inf), x, nextafter(x, inf)])
            values = self.evaluate(points)
            slopes = self.evaluate_slope(points, values).tolist()
            rise = float(values[2]) - float(values[0])
            jump = rise if abs(rise) > _TOLERANCE else 0.0
            if jump or max(slopes) - min(slopes) > _TOLERANCE:
                breaks.append(Break(x, jump, *slopes))
        return tuple(breaks)

    @cached_property
    def linear_pieces(self) -> tuple[LinearPiece, ...]:
        """The pieces that are lines."""
        lines = []
        for place, piece in enumerate(self._intervals):
            coefficients = to_polynomial(piece.formula)
            if coefficients is None or len(coefficients) > 2:
                continue
            intercept, slope = (float(c) for c in (*coefficients, 0, 0)[:2])
            start_closed = place == 0 or self._joints[place - 1].side > 0
            stop_closed = place == len(self._joints) or self._joints[place].side < 0
            ends = (piece.start, piece.stop)
            lines.append(LinearPiece(*ends, slope, intercept, start_closed, stop_closed))
        return tuple(lines)

    @cached_property
    def derivative(self) -> "Function":
        """The slope as a function; its own slope is the second derivative.

        Where the slope jumps, the second derivative is that of the side that the slope belongs to.
        """
        return Function(self.slope)

    @cached_property
    def _sections(self) -> list[Section]:
        slopes = iter(self._slopes)
        return [
            Section(p.start, p.stop, p.formula, ZERO if p.is_point else next(slopes))
            for p in self.pieces
        ]

    @cached_property
    def range(self) -> Range:
        """What its values lie between: as found, and as proved."""
        return find_range(self._sections, self.evaluate)

    @cached_property
    def is_monotonic(self) -> bool:
        """Whether its values are proved never to fall or never to rise with x."""
        triples = [
            [_evaluate_at(root, joint.x) for root in (before.formula, self.value, after.formula)]
            for joint, (before, after) in zip(self._joints, pairwise(self._intervals), strict=True)
        ]
        with np.errstate(invalid="ignore"):
            steps = np.diff(np.array(triples).reshape(-1, 3))
        falling = [s._replace(slope=apply("negative", s.slope)) for s in self._sections]
        return (not (steps < -_TOLERANCE).any() and all(map(is_rising, self._sections))) or (
            not (steps > _TOLERANCE).any() and all(map(is_rising, falling))
        )

    def crosses_once(self, level: float) -> bool:
        """Whether it is proved to be above a level on one side of some x only."""
        near = (number(level + sign * max(abs(level), 1.0) / 1024.0) for sign in (-1.0, 1.0))
        return Function(apply("clip", self.value, *near)).is_monotonic


def _slope_at_kink(kink: str, before: Node, after: Node) -> Node:
    flat, steep = sorted((before, after), key=lambda slope: abs(evaluate_constant(slope)))
    both = apply("add", before, after)
    return {
        **{"open": flat, "closed": steep, "left": before, "right": after, "sum": both},
        "mean": apply("divide", both, number(2.0)),
    }[kink]


def _fold_if_odd(constant: Node) -> Node:
    """A constant formula; if anything of it is not finite, its value alone."""
    return constant if find_infinite(constant) is None else number(evaluate_constant(constant))


def _is_close(constant: Node, other: Node) -> bool:
    """Whether two constants are finite and the same but for rounding."""
    numbers = evaluate_constant(constant), evaluate_constant(other)
    return isfinite(numbers[0]) and isclose(*numbers, rel_tol=1e-12, abs_tol=1e-300)


def _evaluate_at(root: Node, x: float) -> float:
    return evaluate_constant(substitute_x(root, x))
