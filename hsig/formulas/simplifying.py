"""Operations on nodes, simplified where that changes no number but for the better.

What is folded are operations that IEEE 754 gives every bit of; what is rewritten is what overflows
or cancels as it is written, into a primitive that does not: `log(1 + exp(u))` into `softplus(u)`.
"""

from collections.abc import Callable

import numpy as np

from hsig.formulas.nodes import ONE, ZERO, Node, is_number, node, number
from hsig.formulas.primitives import PRIMITIVES

_AT_0 = {  # what every machine gives for 0
    **dict.fromkeys(("expm1", "log1p", "tanh", "sinh", "asinh", "atan", "sin", "erf"), 0.0),
    **{"exp": 1.0, "cosh": 1.0, "cos": 1.0, "sigmoid": 0.5},
}
_LARGEST_EXPONENT = 16  # up to which a power is a product


def apply(operation: str, *operands: Node) -> Node:
    """The node of an operation, in its simplest form."""
    if PRIMITIVES[operation].exact and all(map(is_number, operands)):
        with np.errstate(all="ignore"):
            value = float(PRIMITIVES[operation].value(*(one.number for one in operands)))
        if value == value:  # 0/0 stays as it is
            return number(value)
    if operands == (ZERO,) and operation in _AT_0:
        return number(_AT_0[operation])
    rule = _RULES.get(operation)
    simpler = None if rule is None else rule(*operands)
    return node(operation, *operands) if simpler is None else simpler


def where(condition: str, left: Node, right: Node, yes: Node, no: Node) -> Node:
    """The node of a choice, by one of the comparisons of formulas."""
    match condition:
        case "<":
            return apply("where_less", left, right, yes, no)
        case "<=":
            return apply("where_less_equal", left, right, yes, no)
        case ">":
            return apply("where_less", right, left, yes, no)
        case ">=":
            return apply("where_less_equal", right, left, yes, no)
        case "==":
            return apply("where_equal", left, right, yes, no)
    return apply("where_equal", left, right, no, yes)


def _add(u: Node, v: Node) -> Node | None:
    if u is ZERO:
        return v
    if v is ZERO:
        return u
    if u is v:
        return apply("multiply", number(2.0), u)
    if v.operation == "negative":
        return apply("subtract", u, v.operands[0])
    if is_number(v) and v.number < 0.0:
        return apply("subtract", u, number(-v.number))
    if u.operation == "negative":
        return apply("subtract", v, u.operands[0])
    return None


def _subtract(u: Node, v: Node) -> Node | None:
    if v is ZERO:
        return u
    if u is ZERO:
        return apply("negative", v)
    if u is v:
        return ZERO
    if v.operation == "negative":
        return apply("add", u, v.operands[0])
    if is_number(v) and v.number < 0.0:
        return apply("add", u, number(-v.number))
    if u.operation == "exp" and v is ONE:
        return apply("expm1", u.operands[0])
    return None


def _multiply(u: Node, v: Node) -> Node | None:
    if ZERO in (u, v):
        return ZERO
    if u is ONE:
        return v
    if v is ONE:
        return u
    if is_number(u) and u.number == -1.0:
        return apply("negative", v)
    if is_number(v) and v.number == -1.0:
        return apply("negative", u)
    if u.operation == "negative":
        return apply("negative", apply("multiply", u.operands[0], v))
    if v.operation == "negative":
        return apply("negative", apply("multiply", u, v.operands[0]))
    return None


def _divide(u: Node, v: Node) -> Node | None:
    if v is ONE:
        return u
    if u is ZERO and not is_number(v):
        return ZERO
    if u.operation == "negative":
        return apply("negative", apply("divide", u.operands[0], v))
    if v.operation == "negative":
        return apply("negative", apply("divide", u, v.operands[0]))
    exponent = _exponent_beside_one(v)
    if exponent is None:
        return None
    if u.operation == "exp" and u.operands[0] is exponent:
        return apply("sigmoid", exponent)
    return apply("multiply", u, apply("sigmoid", apply("negative", exponent)))


def _exponent_beside_one(sum_: Node) -> Node | None:
    """What w is in 1 + exp(w)."""
    if sum_.operation != "add":
        return None
    one, other = sum_.operands
    if other is ONE:
        one, other = other, one
    return other.operands[0] if one is ONE and other.operation == "exp" else None


def _negative(u: Node) -> Node | None:
    if u.operation == "negative":
        return u.operands[0]
    if u.operation == "subtract":
        return apply("subtract", *reversed(u.operands))
    return None


def _power(u: Node, v: Node) -> Node | None:
    if v is ZERO:
        return ONE
    if v is ONE:
        return u
    if is_number(u) and is_number(v):
        lowered = product_of_power(u, v.number)
        return lowered if lowered is not None and is_number(lowered) else None
    return None


def product_of_power(u: Node, exponent: float) -> Node | None:
    """A small whole power or that of a half, by multiplications and a root alone; else None."""
    if abs(exponent) == 0.5:
        made = apply("sqrt", u)
    elif 1.0 <= abs(exponent) <= _LARGEST_EXPONENT and exponent == int(exponent):
        made, square, left = ONE, u, int(abs(exponent))
        while left:
            made = apply("multiply", made, square) if left % 2 else made
            square, left = apply("multiply", square, square), left // 2
    else:
        return None
    return made if exponent > 0.0 else apply("divide", ONE, made)


def _absolute(u: Node) -> Node | None:
    if u.operation == "negative":
        return apply("absolute", u.operands[0])
    return u if u.operation == "absolute" else None


def _log(u: Node) -> Node | None:
    exponent = _exponent_beside_one(u)
    if exponent is not None:
        return apply("softplus", exponent)
    if u.operation == "add" and ONE in u.operands:
        return apply("log1p", u.operands[u.operands[0] is ONE])
    if u.operation == "sigmoid":
        return apply("negative", apply("softplus", apply("negative", u.operands[0])))
    return u.operands[0] if u.operation == "exp" else None


def _log1p(u: Node) -> Node | None:
    return apply("softplus", u.operands[0]) if u.operation == "exp" else None


def _clip(u: Node, low: Node, high: Node) -> Node | None:
    unbounded = low is number(-np.inf) and high is number(np.inf)
    return u if unbounded else None


def _where_less(u: Node, v: Node, yes: Node, no: Node) -> Node | None:
    """What is the same either way or never true; and a clip that is written in its parts."""
    if yes is no or v is number(-np.inf) or u is number(np.inf):
        return no
    if yes is v and is_number(v) and no.operation == "where_less":
        high, above, then, middle = no.operands
        bends = above is middle is u and then is high and is_number(high)
        return apply("clip", u, v, high) if bends and v.number <= high.number else None
    return None


def _same_branches(u: Node, v: Node, yes: Node, no: Node) -> Node | None:
    del u, v
    return yes if yes is no else None


_RULES: dict[str, Callable[..., Node | None]] = {
    "add": _add,
    "subtract": _subtract,
    "multiply": _multiply,
    "divide": _divide,
    "negative": _negative,
    "power": _power,
    "absolute": _absolute,
    "log": _log,
    "log1p": _log1p,
    "clip": _clip,
    "where_less": _where_less,
    "where_less_equal": _same_branches,
    "where_equal": _same_branches,
}
