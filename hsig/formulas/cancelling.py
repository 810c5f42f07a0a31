"""Formulas rewritten so that nothing cancels far from 0, for tight enclosures there.

A formula becomes a sum of parts with exact coefficients, in which what approaches a line is split
into the line and the rest, softplus(u) = u + softplus(-u), and of a quotient the largest part of
the denominator is taken out, u/(1 + u) = 1 - 1/(1 + u). All of these are identities; the side of 0
only says which of them help.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import isqrt

import numpy as np

from hsig.formulas.derivative import from_polynomial, to_polynomial
from hsig.formulas.intervals import enclose
from hsig.formulas.nodes import ONE, ZERO, Node, X, fold, node, number, walk
from hsig.formulas.simplifying import power_as_product

Terms = Mapping[Node, Fraction]  # coefficients of parts, ONE among them; none is 0

_MAX_NODES = 80  # of a formula that is rewritten
_MAX_TERMS = 12
_MAX_BITS = 1000  # of the numerator or denominator of a coefficient
_FAR = 2.0**20  # where signs are looked up
_NEAR = 30.0  # where sizes are compared, of which many overflow farther out


def cancel(root: Node, side: int) -> Node:
    """An equal formula that is tighter to enclose far out, on the right (1) or the left (-1).

    Both are lowered.

    >>> from hsig.formulas.nodes import format_formula
    >>> from hsig.formulas.parsing import parse
    >>> format_formula(cancel(parse("x/(1 + x)"), 1))
    '1 + -1*(1/(1 + x))'
    """
    polynomial = to_polynomial(root)
    if polynomial is not None:
        return from_polynomial(polynomial)
    if sum(1 for _ in walk(root)) > _MAX_NODES:
        return root
    try:
        return _write(_open(root, side))
    except OverflowError:  # a coefficient is too small
        return root


def _open(root: Node, side: int) -> Terms:
    """The terms of a formula; where they are too many, or have too many digits, one for all."""

    def expand(current: Node, operands: Sequence[Terms]) -> Terms:
        terms = _expand(current, operands, side)
        bits = [n.bit_length() for c in terms.values() for n in c.as_integer_ratio()]
        if len(terms) <= _MAX_TERMS and max(bits, default=0) <= _MAX_BITS:
            return terms
        return {_call(current.operation, *operands): Fraction(1)}

    return fold(root, expand)


def _expand(current: Node, operands: Sequence[Terms], side: int) -> Terms:
    """The terms of a node, from those of its operands."""
    polynomial = to_polynomial(current)
    if polynomial is not None:
        powers = (power_as_product(X, k) if k else ONE for k in range(len(polynomial)))
        return {part: c for part, c in zip(powers, polynomial, strict=True) if part and c}
    if not operands:
        return {current: Fraction(1)}
    u, v = operands[0], operands[-1]
    match current.operation:
        case "add":
            return _add(u, v)
        case "subtract":
            return _add(u, v, -1)
        case "negative":
            return _scale(u, -1)
        case "multiply" if not (set(u) - {ONE} and set(v) - {ONE}):
            return _scale(v, u.get(ONE, 0)) if set(u) <= {ONE} else _scale(u, v.get(ONE, 0))
        case "multiply":
            for factor, other in zip(current.operands, (v, u), strict=True):
                if factor.operation == "sigmoid":  # 1/(1 + exp(-w))
                    growing = _call("exp", _scale(_open(factor.operands[0], side), -1))
                    if growing in other:
                        return _divide(other, {ONE: Fraction(1), growing: Fraction(1)}, side)
            (p, a), (q, b) = _take_factor(u), _take_factor(v)
            return {node("multiply", p, q): a * b}
        case "divide" if v:
            return _divide(u, v, side)
        case "sinh" | "cosh":
            both = {_call("exp", _scale(u, sign)): Fraction(sign, 2) for sign in (1, -1)}
            return both if current.operation == "sinh" else {p: abs(c) for p, c in both.items()}
        case "expm1" if _find_sign(u, side) > 0:
            return {_call("exp", u): Fraction(1), ONE: Fraction(-1)}
        case "absolute" if sign := _find_sign(u, side):
            beyond = _call("maximum", _scale(u, -sign), {})
            return _add(_scale(u, sign), {beyond: Fraction(2)})
        case "softplus" if _find_sign(u, side) > 0:
            return _add(u, {_call("softplus", _scale(u, -1)): Fraction(1)})
        case "sigmoid" if _find_sign(u, side) > 0:
            return _add({ONE: Fraction(1)}, {_call("sigmoid", _scale(u, -1)): Fraction(-1)})
        case "tanh" if sign := _find_sign(u, side):
            tail = _call("sigmoid", _scale(u, -2 * sign))
            return {ONE: Fraction(sign), tail: Fraction(-2 * sign)}
        case "sqrt":
            return _split_root(u, side)
    return {_call(current.operation, *operands): Fraction(1)}


def _add(p: Terms, q: Terms, factor: Fraction | int = 1) -> Terms:
    total = {part: p.get(part, Fraction(0)) + factor * q.get(part, 0) for part in {**p, **q}}
    return {part: c for part, c in total.items() if c}


def _scale(terms: Terms, factor: Fraction | int) -> Terms:
    return _add({}, terms, factor)


def _call(operation: str, *operands: Terms) -> Node:
    return node(operation, *map(_write, operands))


def _divide(p: Terms, q: Terms, side: int) -> Terms:
    """A quotient; the largest part of the denominator is taken out of the numerator."""
    largest = max(q, key=lambda part: _size(part, side))
    whole = p.get(largest, Fraction(0)) / q[largest]
    rest = _add(p, q, -whole)
    (above, a), (below, b) = _take_factor(rest), _take_factor(q)
    quotient = above if below is ONE else node("divide", above, below)
    return _add({ONE: whole}, {quotient: a / b})


def _split_root(u: Terms, side: int) -> Terms:
    """A root; of a square and a constant, it is line + constant/(root + line)."""
    root = {_call("sqrt", u): Fraction(1)}
    square = node("multiply", X, X)
    above, below = (isqrt(max(n, 0)) for n in u.get(square, Fraction(0)).as_integer_ratio())
    slope = Fraction(side * above, below)
    if not slope or slope * slope != u[square]:
        return root
    middle = u.get(X, Fraction(0)) / (2 * slope)
    line = _scale({X: slope, ONE: middle}, 1)
    line_squared = {square: slope**2, X: 2 * slope * middle, ONE: middle**2}
    return _add(line, _divide(_add(u, line_squared, -1), _add(root, line), side))


def _find_sign(terms: Terms, side: int) -> int:
    """The sign of what is far out, where it is certain; else 0."""
    x = np.array([side * _FAR])
    bounds = enclose([_write(terms)], x, x)
    return int(bounds.low[0] > 0.0) - int(bounds.high[0] < 0.0)


def _size(part: Node, side: int) -> float:
    x = np.array([side * _NEAR])
    bounds = enclose([part], x, x)
    return float(np.nan_to_num(max(-bounds.low[0], bounds.high[0])))


def _take_factor(terms: Terms) -> tuple[Node, Fraction]:
    """A sum over its first coefficient, and that coefficient."""
    factor = next(iter(terms.values()), Fraction(0))
    return (_write(_scale(terms, 1 / factor)), factor) if factor else (ZERO, factor)


def _write(terms: Terms) -> Node:
    """The formula of a sum."""
    total = ZERO
    for part, coefficient in terms.items():
        factor = _write_coefficient(coefficient)
        product = node("multiply", factor, part) if factor is not ONE else part
        product = factor if part is ONE else product
        total = product if total is ZERO else node("add", total, product)
    return total


def _write_coefficient(coefficient: Fraction) -> Node:
    """A number, or a sum of two that rounding outwards makes hold the coefficient."""
    first = float(coefficient)
    rest = float(coefficient - Fraction(first))
    if first == 0.0:
        raise OverflowError
    return number(first) if rest == 0.0 else node("add", number(first), number(rest))
