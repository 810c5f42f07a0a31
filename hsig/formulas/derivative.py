"""The derivative of a formula, and exact polynomials."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache, reduce
from math import copysign, inf, isinf, isqrt
from sys import float_info
from weakref import WeakKeyDictionary

from hsig.formulas.nodes import ONE, ZERO, Node, X, fold, number, walk
from hsig.formulas.parsing import parse_template
from hsig.formulas.primitives import PRIMITIVES
from hsig.formulas.simplifying import apply, rebuild

_OPERANDS = ("u", "v", "s", "t")
_SLOPES = ("du", "dv", "ds", "dt")


def differentiate(root: Node) -> Node:
    """The derivative in x, with polynomials multiplied out.

    At a kink it is what the rules of the primitives say: see `hsig.formulas.primitives`.

    >>> from hsig.formulas.nodes import format_formula
    >>> from hsig.formulas.parsing import parse
    >>> format_formula(differentiate(parse("x*sigmoid(x)")))
    'sigmoid(x) + x*(sigmoid(x)*(1 - sigmoid(x)))'
    >>> format_formula(differentiate(parse("(x + 1)**2")))
    '2*x + 2'
    """
    coefficients = to_polynomial(root)
    slope = None if coefficients is None else _differentiate_polynomial(coefficients)
    if slope is None or not all(map(_is_normal, slope)):
        return differentiate_by_rules(root)
    return from_polynomial(slope)


def differentiate_by_rules(root: Node) -> Node:
    """The derivative in x by the chain rule, with constant factors collected."""
    return _collect_factors(fold(root, _apply_chain_rule))


def _apply_chain_rule(root: Node, slopes: Sequence[Node]) -> Node:
    """The derivative of a node, from those of its operands."""
    if root is X:
        return ONE
    if all(slope is ZERO for slope in slopes):
        return ZERO
    quotient = _differentiate_rational(root)
    if quotient is not None:
        return quotient
    names = dict(zip(_OPERANDS, root.operands, strict=False))
    names |= zip(_SLOPES, slopes, strict=False)
    return substitute(_rule(root.operation), {**names, "y": root})


def _differentiate_rational(root: Node) -> Node | None:
    """The derivative of a quotient of polynomials, whose numerator cancels exactly; else None."""
    if root.operation != "divide":
        return None
    p, q = map(to_polynomial, root.operands)
    if p is None or q is None:
        return None
    left = _multiply(_differentiate_polynomial(p), q)
    right = _multiply(p, _differentiate_polynomial(q))
    numerator = None if left is None or right is None else _add(left, right, sign=-1)
    if numerator is None or not all(map(_is_normal, numerator)):
        return None
    square = apply("power", root.operands[1], number(2.0))
    return apply("divide", from_polynomial(numerator), square)


@cache
def _rule(operation: str) -> Node:
    return parse_template(PRIMITIVES[operation].derivative, (*_OPERANDS, *_SLOPES, "y"))


def _collect_factors(root: Node) -> Node:
    """Collect the constant factors of each product, and write u*u as a square."""

    def collect(current: Node, operands: Sequence[Node]) -> Node:
        if current.operation in ("multiply", "divide", "negative"):
            return _collect_product(current.operation, operands)
        return rebuild(current, operands)

    return fold(root, collect)


def _collect_product(operation: str, operands: Sequence[Node]) -> Node:
    factors, rests = zip(*map(_split_factor, operands), strict=True)
    if operation == "negative":
        factor, rest = -factors[0], rests[0]
    elif operation == "multiply":
        is_square = rests[0] is rests[1] and rests[0] is not ONE
        factor = factors[0] * factors[1]
        rest = apply("power", rests[0], number(2.0)) if is_square else apply("multiply", *rests)
    elif factors[1] == 0.0:
        return apply(operation, *operands)
    else:
        factor, rest = factors[0] / factors[1], apply("divide", *rests)
    if not _is_normal(factor) or (factor == 0.0 and 0.0 not in factors):
        return apply(operation, *operands)  # apart they may be within doubles
    return apply("multiply", number(factor), rest)


def _is_normal(number: float | Fraction) -> bool:
    """Whether a number is 0, or a double with all its digits."""
    return number == 0 or float_info.min <= abs(float(number)) <= float_info.max


def _split_factor(root: Node) -> tuple[float, Node]:
    """A constant factor of a node, and the rest."""
    if root.operation == "number":
        return root.number, ONE
    if root.operation == "negative":
        return -1.0, root.operands[0]
    if root.operation == "multiply" and root.operands[0].operation == "number":
        return root.operands[0].number, root.operands[1]
    return 1.0, root


def substitute(root: Node, names: Mapping[str, Node]) -> Node:
    """Replace names by nodes, among them `x`."""

    def replace(current: Node, operands: Sequence[Node]) -> Node:
        if current.operation == "name":
            return names.get(current.name, current)
        return rebuild(current, operands)

    return fold(root, replace)


def substitute_x(root: Node, x: float) -> Node:
    """Replace x by a number."""
    return substitute(root, {"x": number(x)})


# --- polynomials ---------------------------------------------------------------------------------

Polynomial = tuple[Fraction, ...]  # coefficients of 1, x, x**2, ...; the last is not 0

_MAX_DEGREE = 6
_MAX_COEFFICIENT = Fraction(2) ** 1000  # of formulas and of their derivatives
_MAX_BITS = 4096  # of a numerator or denominator

_polynomials: "WeakKeyDictionary[Node, Polynomial | None]" = WeakKeyDictionary()


def to_polynomial(root: Node) -> Polynomial | None:
    """The exact coefficients of a formula that is a polynomial of a low degree; else None.

    None as well where a coefficient is too large, or has more digits than any use.

    >>> from hsig.formulas.parsing import parse
    >>> to_polynomial(parse("(x + 1)*(x - 1) - x**2 + 3*x"))
    (Fraction(-1, 1), Fraction(3, 1))
    """
    for current in walk(root, _polynomials):
        if current not in _polynomials:
            operands = [_polynomials[operand] for operand in current.operands]
            _polynomials[current] = _combine(current, operands)
    return _polynomials[root]


def from_polynomial(coefficients: Polynomial) -> Node:
    """The formula of a polynomial, by Horner's rule.

    >>> from hsig.formulas.nodes import format_formula
    >>> format_formula(from_polynomial((Fraction(1, 2), Fraction(1, 4))))
    '0.25*x + 0.5'
    """

    def add_coefficient(root: Node, coefficient: Fraction) -> Node:
        return apply("add", apply("multiply", root, X), number(float(coefficient)))

    return reduce(add_coefficient, reversed(coefficients), ZERO)


def _combine(root: Node, polynomials: Sequence[Polynomial | None]) -> Polynomial | None:
    """The polynomial of a node, from those of its operands."""
    operands = [p for p in polynomials if p is not None]
    if len(operands) < len(polynomials):
        return None
    if root is X:
        return (Fraction(0), Fraction(1))
    match root.operation:
        case "number" if abs(root.number) < float("inf"):
            return _normalize([Fraction(root.number)])
        case "add":
            return _add(*operands)
        case "subtract":
            return _add(*operands, sign=-1)
        case "negative":
            return _add((), operands[0], sign=-1)
        case "multiply":
            return _multiply(*operands)
        case "divide" if len(operands[1]) == 1:
            return _normalize([c / operands[1][0] for c in operands[0]])
        case "power":
            return _raise_to(*operands)
    return None


def _normalize(coefficients: Sequence[Fraction]) -> Polynomial | None:
    """Drop leading zeros; None if the degree or a coefficient is too large."""
    kept = list(coefficients)
    while kept and kept[-1] == 0:
        kept.pop()
    return tuple(kept) if len(kept) <= _MAX_DEGREE + 1 and all(map(_is_small, kept)) else None


def _is_small(coefficient: Fraction) -> bool:
    bits = max(coefficient.numerator.bit_length(), coefficient.denominator.bit_length())
    return bits <= _MAX_BITS and abs(coefficient) < _MAX_COEFFICIENT


def _add(p: Polynomial, q: Polynomial, *, sign: int = 1) -> Polynomial | None:
    size = max(len(p), len(q))
    padded = [(*r, *[Fraction(0)] * (size - len(r))) for r in (p, q)]
    return _normalize([a + sign * b for a, b in zip(*padded, strict=True)])


def _multiply(p: Polynomial, q: Polynomial) -> Polynomial | None:
    if not p or not q:
        return ()
    product = [Fraction(0)] * (len(p) + len(q) - 1)
    for i, a in enumerate(p):
        for j, b in enumerate(q):
            product[i + j] += a * b
    return _normalize(product)


def _raise_to(p: Polynomial, exponent: Polynomial) -> Polynomial | None:
    times = exponent[0] if len(exponent) == 1 else Fraction(0)
    if times.denominator != 1 or not 1 <= times <= _MAX_DEGREE:
        return None
    power: Polynomial | None = (Fraction(1),)
    for _ in range(int(times)):
        power = None if power is None else _multiply(power, p)
    return power


def _differentiate_polynomial(p: Polynomial) -> Polynomial:
    return tuple(k * c for k, c in enumerate(p))[1:]


def find_roots(p: Polynomial) -> tuple[Fraction, ...]:
    """The real roots of a polynomial of degree 2 at most: exact, or to 100 bits below 1."""
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


def find_extremes(p: Polynomial, start: float, stop: float) -> tuple[float, ...]:
    """The smallest and largest value of a polynomial of degree 3 at most; else nothing."""
    slope = _differentiate_polynomial(p)
    if len(slope) > 3:
        return ()
    turns = (x for x in find_roots(slope) if start < x < stop)
    places: list[Fraction | float] = [start, stop, *turns]
    values = [evaluate_polynomial(p, x) for x in places]
    return to_double(min(values)), to_double(max(values))


def evaluate_polynomial(p: Polynomial, x: Fraction | float) -> Fraction | float:
    """The exact value of a polynomial; at an infinity its limit."""
    if isinf(x):
        return copysign(inf, p[-1]) * copysign(1.0, x) ** (len(p) - 1) if len(p) > 1 else sum(p)
    return reduce(lambda total, c: total * Fraction(x) + c, reversed(p), Fraction(0))


def to_double(x: Fraction | float) -> float:
    """The nearest double; an infinity beyond the largest."""
    try:
        return float(x)
    except OverflowError:
        return inf if x > 0 else -inf
