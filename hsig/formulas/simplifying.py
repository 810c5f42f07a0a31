"""Build nodes in their simplest form.

Constants are folded where IEEE 754 fixes every bit of the result. What overflows or cancels as it
is written becomes a primitive that does not: `log(1 + exp(u))` becomes `softplus(u)`.
"""

import operator
from collections.abc import Callable, Sequence
from functools import partial
from math import isfinite, isinf

import numpy as np

from hsig.formulas.nodes import ONE, ZERO, Node, is_number, node, number
from hsig.formulas.primitives import PRIMITIVES

_AT_0 = {  # values at 0, the same on every machine
    **dict.fromkeys(("expm1", "log1p", "tanh", "sinh", "asinh", "atan", "sin", "erf"), 0.0),
    **{"exp": 1.0, "cosh": 1.0, "cos": 1.0, "sigmoid": 0.5},
}
_MAX_EXPONENT = 16  # of a power that becomes a product


def apply(operation: str, *operands: Node) -> Node:
    """The node of an operation, simplified."""
    if PRIMITIVES[operation].exact and all(map(is_number, operands)):
        numbers = [operand.number for operand in operands]
        with np.errstate(all="ignore"):
            value = float(PRIMITIVES[operation].value(*numbers))
        # 0/0 and 1e308*10 stay, for `find_infinite`
        is_made = value != value or (isinf(value) and all(map(isfinite, numbers)))
        return node(operation, *operands) if is_made else number(value)
    if operands == (ZERO,) and operation in _AT_0:
        return number(_AT_0[operation])
    simplify = _RULES.get(operation)
    simpler = None if simplify is None else simplify(*operands)
    return node(operation, *operands) if simpler is None else simpler


def rebuild(root: Node, operands: Sequence[Node]) -> Node:
    """The same operation on other operands, simplified; for `fold`."""
    return apply(root.operation, *operands) if operands else root


def where(sign: str, left: Node, right: Node, yes: Node, no: Node) -> Node:
    """The node of `where(left sign right, yes, no)`, for any of the six signs of comparison."""
    match sign:
        case "<":
            return apply("where_less", left, right, yes, no)
        case "<=":
            return apply("where_less_equal", left, right, yes, no)
        case ">":
            return apply("where_less", right, left, yes, no)
        case ">=":
            return apply("where_less_equal", right, left, yes, no)
    if sign == "!=":
        yes, no = no, yes
    if is_number(left):
        left, right = right, left
    return apply("where_equal", left, right, yes, no)


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
    return _move_sign("multiply", u, v)


def _move_sign(operation: str, u: Node, v: Node) -> Node | None:
    """The negative of a product or quotient, if one of its operands is one."""
    if u.operation == "negative":
        return apply("negative", apply(operation, u.operands[0], v))
    if v.operation == "negative":
        return apply("negative", apply(operation, u, v.operands[0]))
    return None


def _divide(u: Node, v: Node) -> Node | None:
    if v is ONE:
        return u
    if u is ZERO and not is_number(v):
        return ZERO
    if negative := _move_sign("divide", u, v):
        return negative
    exponent = _match_one_plus_exp(v)
    if exponent is None:
        return None
    if u.operation == "exp" and u.operands[0] is exponent:
        return apply("sigmoid", exponent)
    return apply("multiply", u, apply("sigmoid", apply("negative", exponent)))


def _match_one_plus_exp(root: Node) -> Node | None:
    """The w of 1 + exp(w) or exp(w) + 1; None of anything else."""
    other = _match_one_plus(root)
    return other.operands[0] if other is not None and other.operation == "exp" else None


def _match_one_plus(root: Node) -> Node | None:
    """The w of 1 + w or w + 1; None of anything else."""
    if root.operation != "add" or ONE not in root.operands:
        return None
    return root.operands[root.operands[0] is ONE]


def _negative(u: Node) -> Node | None:
    if u.operation == "negative":
        return u.operands[0]
    if u.operation == "subtract":
        return apply("subtract", *reversed(u.operands))
    return None


def _power(u: Node, v: Node) -> Node | None:
    if v is ZERO or v is ONE:
        return ONE if v is ZERO else u
    product = power_as_product(u, v.number) if is_number(u) and is_number(v) else None
    return product if product is not None and is_number(product) else None


def power_as_product(u: Node, exponent: float) -> Node | None:
    """Write u**exponent with products and a square root: small whole exponents and ±1/2 only."""
    if abs(exponent) == 0.5:
        product = apply("sqrt", u)
    elif 1.0 <= abs(exponent) <= _MAX_EXPONENT and exponent == int(exponent):
        product, square, bits = ONE, u, int(abs(exponent))
        while bits:
            product = apply("multiply", product, square) if bits % 2 else product
            square, bits = apply("multiply", square, square), bits // 2
    else:
        return None
    return product if exponent > 0.0 else apply("divide", ONE, product)


def _absolute(u: Node) -> Node | None:
    if u.operation == "negative":
        return apply("absolute", u.operands[0])
    return u if u.operation == "absolute" else None


def _log(u: Node) -> Node | None:
    exponent, other = _match_one_plus_exp(u), _match_one_plus(u)
    if exponent is not None:
        return apply("softplus", exponent)
    if other is not None:
        return apply("log1p", other)
    if u.operation == "sigmoid":
        return apply("negative", apply("softplus", apply("negative", u.operands[0])))
    return u.operands[0] if u.operation == "exp" else None


def _log1p(u: Node) -> Node | None:
    return apply("softplus", u.operands[0]) if u.operation == "exp" else None


def _clip(u: Node, low: Node, high: Node) -> Node | None:
    return u if low is number(-np.inf) and high is number(np.inf) else None


def _where(
    holds: Callable[[float, float], bool], u: Node, v: Node, yes: Node, no: Node
) -> Node | None:
    """A choice between equals, or one that is known."""
    if yes is no:
        return yes
    if is_number(u) and is_number(v):
        return yes if holds(u.number, v.number) else no
    return None


def _where_less(u: Node, v: Node, yes: Node, no: Node) -> Node | None:
    """A choice that is known, one that is never taken, or a clip written as two choices."""
    if v is number(-np.inf) or u is number(np.inf):
        return no
    if yes is v and is_number(v) and no.operation == "where_less":
        high, right, above, middle = no.operands
        is_clip = right is middle is u and above is high and is_number(high)
        return apply("clip", u, v, high) if is_clip and v.number <= high.number else None
    return _where(operator.lt, u, v, yes, no)


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
    "where_less_equal": partial(_where, operator.le),
    "where_equal": partial(_where, operator.eq),
}
