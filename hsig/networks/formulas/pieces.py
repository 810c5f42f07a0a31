"""The smooth parts of a formula: where a comparison turns, found exactly, and what holds between.

A comparison of two functions that differ by a polynomial of degree 2 at most turns where that is 0,
which is found in fractions; the formula is cut there, and on each side holds the branch that is
taken. A comparison of anything else stays in the formula as it is.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from math import isqrt
from typing import NamedTuple

from hsig.networks.formulas.derivative import Polynomial, polynomial
from hsig.networks.formulas.nodes import ZERO, Node, number, walk
from hsig.networks.formulas.primitives import CONDITIONAL
from hsig.networks.formulas.simplifying import apply

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

    >>> from hsig.networks.formulas.parsing import parse
    >>> from hsig.networks.formulas.printing import text
    >>> for piece in pieces(parse("max(x - 1, 0)")):
    ...     print(piece.start, piece.stop, text(piece.formula))
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
