"""The derivative of a formula, from the rules of the primitives alone."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache

from hsig.formulas.nodes import ONE, ZERO, Node, X, number, walk
from hsig.formulas.parsing import parse_template
from hsig.formulas.primitives import PRIMITIVES
from hsig.formulas.simplifying import apply

_OPERANDS = ("u", "v", "s", "t")
_SLOPES = tuple(f"d{one}" for one in _OPERANDS)
_DEGREE_MOST = 6
_LARGEST = Fraction(2) ** 1000  # of a coefficient, and of what its slopes are made of


def derivative(root: Node) -> Node:
    """The derivative in x, tidied up.

    At a kink it is what the rules say: see `hsig.formulas.primitives`.

    >>> from hsig.formulas.parsing import parse
    >>> from hsig.formulas.nodes import format_formula
    >>> format_formula(derivative(parse("x*sigmoid(x)")))
    'sigmoid(x) + x*(sigmoid(x)*(1 - sigmoid(x)))'
    """
    slopes: dict[Node, Node] = {}
    for one in walk(root):
        if one is X:
            slopes[one] = ONE
        elif all(slopes[operand] is ZERO for operand in one.operands):
            slopes[one] = ZERO
        elif (quotient := _rational(one)) is not None:
            slopes[one] = quotient
        else:
            values = dict(zip(_OPERANDS, one.operands, strict=False))
            rates = dict(zip(_SLOPES, (slopes[u] for u in one.operands), strict=False))
            slopes[one] = substitute(_rule(one.operation), {**values, **rates, "y": one})
    return _tidy(slopes[root])


def _rational(one: Node) -> Node | None:
    """The derivative of a quotient of polynomials, whose numerator cancels exactly."""
    if one.operation != "divide":
        return None
    p, q = map(polynomial, one.operands)
    if p is None or q is None:
        return None
    left, right = _product(_derived(p), q), _product(p, _derived(q))
    numerator = None if left is None or right is None else _sum(left, right, -1)
    if numerator is None:
        return None
    return apply("divide", from_polynomial(numerator), apply("power", one.operands[1], number(2.0)))


@cache
def _rule(operation: str) -> Node:
    return parse_template(PRIMITIVES[operation].derivative, (*_OPERANDS, *_SLOPES, "y"))


def _tidy(root: Node) -> Node:
    """The same with the constant factors of each product in one, and squares written as such."""
    made: dict[Node, Node] = {}
    for one in walk(root):
        operands = [made[operand] for operand in one.operands]
        if one.operation in ("multiply", "divide", "negative"):
            made[one] = _product_of(one.operation, operands)
        else:
            made[one] = apply(one.operation, *operands) if operands else one
    return made[root]


def _product_of(operation: str, operands: Sequence[Node]) -> Node:
    factors, rest = zip(*map(_factor, operands), strict=True)
    if operation == "negative":
        factor, left = -factors[0], rest[0]
    elif operation == "multiply":
        square = rest[0] is rest[1] and rest[0] is not ONE
        factor = factors[0] * factors[1]
        left = apply("power", rest[0], number(2.0)) if square else apply("multiply", *rest)
    elif factors[1] == 0.0:
        return apply(operation, *operands)
    else:
        factor, left = factors[0] / factors[1], apply("divide", *rest)
    return apply("multiply", number(factor), left)


def _factor(one: Node) -> tuple[float, Node]:
    """A constant factor of a node, and the rest."""
    if one.operation == "number":
        return one.number, ONE
    if one.operation == "negative":
        return -1.0, one.operands[0]
    if one.operation == "multiply" and one.operands[0].operation == "number":
        return one.operands[0].number, one.operands[1]
    return 1.0, one


def substitute(root: Node, names: Mapping[str, Node]) -> Node:
    """A formula with nodes in place of names."""
    made: dict[Node, Node] = {}
    for one in walk(root):
        if one.operation == "name":
            made[one] = names.get(one.name, one)
        elif one.operands:
            made[one] = apply(one.operation, *(made[operand] for operand in one.operands))
        else:
            made[one] = one
    return made[root]


def substitute_x(root: Node, x: float) -> Node:
    """A formula with a number in place of x."""
    return substitute(root, {"x": number(x)})


# --- polynomials ------------------------------------------------------------------------------

Polynomial = tuple[Fraction, ...]  # coefficients, from that of 1 on; the last is not 0


def polynomial(root: Node) -> Polynomial | None:
    """The exact coefficients of a formula that is a polynomial of a low degree; else None.

    >>> from hsig.formulas.parsing import parse
    >>> polynomial(parse("(x + 1)*(x - 1) - x**2 + 3*x"))
    (Fraction(-1, 1), Fraction(3, 1))
    """
    found: dict[Node, Polynomial | None] = {}
    for one in walk(root):
        found[one] = _polynomial(one, [found[operand] for operand in one.operands])
    return found[root]


def _polynomial(one: Node, operands: Sequence[Polynomial | None]) -> Polynomial | None:
    if one is X:
        return (Fraction(0), Fraction(1))
    if one.operation == "number":
        return _trimmed([Fraction(one.number)]) if abs(one.number) < float("inf") else None
    known = [p for p in operands if p is not None]
    if len(known) < len(operands):
        return None
    match one.operation:
        case "add":
            return _sum(known[0], known[1], 1)
        case "subtract":
            return _sum(known[0], known[1], -1)
        case "negative":
            return _sum((), known[0], -1)
        case "multiply":
            return _product(known[0], known[1])
        case "divide" if len(known[1]) == 1:
            return _trimmed([c / known[1][0] for c in known[0]])
        case "power":
            return _to_power(known[0], known[1])
    return None


def _trimmed(coefficients: Sequence[Fraction]) -> Polynomial | None:
    kept = list(coefficients)
    while kept and kept[-1] == 0:
        kept.pop()
    small = len(kept) <= _DEGREE_MOST + 1 and all(abs(c) < _LARGEST for c in kept)
    return tuple(kept) if small else None


def _sum(p: Polynomial, q: Polynomial, sign: int) -> Polynomial | None:
    size = max(len(p), len(q))
    wide = [(*r, *[Fraction(0)] * (size - len(r))) for r in (p, q)]
    return _trimmed([a + sign * b for a, b in zip(*wide, strict=True)])


def _product(p: Polynomial, q: Polynomial) -> Polynomial | None:
    if not p or not q:
        return ()
    made = [Fraction(0)] * (len(p) + len(q) - 1)
    for i, a in enumerate(p):
        for j, b in enumerate(q):
            made[i + j] += a * b
    return _trimmed(made)


def _to_power(p: Polynomial, exponent: Polynomial) -> Polynomial | None:
    times = exponent[0] if len(exponent) == 1 else Fraction(0)
    if times.denominator != 1 or not 1 <= times <= _DEGREE_MOST:
        return None
    made: Polynomial | None = (Fraction(1),)
    for _ in range(int(times)):
        made = None if made is None else _product(made, p)
    return made


def from_polynomial(coefficients: Polynomial) -> Node:
    """A formula of a polynomial, by Horner's rule.

    >>> from hsig.formulas.nodes import format_formula
    >>> format_formula(from_polynomial((Fraction(1, 2), Fraction(1, 4))))
    '0.25*x + 0.5'
    """
    made = ZERO
    for coefficient in reversed(coefficients):
        made = apply("add", apply("multiply", made, X), number(float(coefficient)))
    return made


def slope_of(root: Node) -> Node:
    """The derivative, that of a polynomial multiplied out."""
    coefficients = polynomial(root)
    if coefficients is None:
        return derivative(root)
    return from_polynomial(_derived(coefficients))


def _derived(p: Polynomial) -> Polynomial:
    return tuple(k * c for k, c in enumerate(p))[1:]
