"""What engines may have a short way for: a line that is clipped or bent at its ends."""

from collections.abc import Iterator
from fractions import Fraction
from math import inf, nextafter
from typing import NamedTuple

from hsig.networks.formulas.derivative import polynomial
from hsig.networks.formulas.function import Function, LinearPiece
from hsig.networks.formulas.nodes import Node, X, is_number, number, walk
from hsig.networks.formulas.simplifying import apply


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

    >>> from hsig.networks.formulas.parsing import parse
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
