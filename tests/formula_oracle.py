"""Formulas evaluated once more, one number at a time and to many digits; and random formulas."""

import ast
from itertools import pairwise
from typing import NamedTuple

from hypothesis import strategies as st
from mpmath import mp

from hsig.activations import ACTIVATIONS
from hsig.formulas.nodes import X, fold, number, walk
from hsig.formulas.simplifying import apply

EXACT = {
    "add": lambda u, v: u + v,
    "subtract": lambda u, v: u - v,
    "multiply": lambda u, v: u * v,
    "divide": lambda u, v: u / v,
    "negative": lambda u: -u,
    "power": lambda u, v: u**v,
    "absolute": abs,
    "sign": mp.sign,
    "floor": mp.floor,
    "minimum": min,
    "maximum": max,
    "clip": lambda u, v, s: min(max(u, v), s),
    "where_less": lambda u, v, s, t: s if u < v else t,
    "where_less_equal": lambda u, v, s, t: s if u <= v else t,
    "where_equal": lambda u, v, s, t: s if u == v else t,
    "sqrt": mp.sqrt,
    "exp": mp.exp,
    "expm1": mp.expm1,
    "log": mp.log,
    "log1p": mp.log1p,
    "tanh": mp.tanh,
    "sinh": mp.sinh,
    "cosh": mp.cosh,
    "asinh": mp.asinh,
    "atan": mp.atan,
    "sin": mp.sin,
    "cos": mp.cos,
    "erf": mp.erf,
    "sigmoid": lambda u: 1 / (1 + mp.exp(-u)),
    "softplus": lambda u: mp.log1p(mp.exp(u)),
}
BOUNDED = ("tanh", "sin", "cos", "erf", "sigmoid", "atan", "asinh", "sign")
GROWING = ("exp", "expm1", "sinh", "cosh", "softplus", "absolute", "negative")


def exact(root, x, convert=mp.mpf):
    """The value of a formula at x, in the numbers that `convert` makes."""

    def evaluate(current, operands):
        if current is X:
            return convert(x)
        if current.operation == "number":
            return convert(current.number)
        return EXACT[current.operation](*operands)

    return fold(root, evaluate)


def depends_on_x(root):
    return X in walk(root)


numbers = st.integers(-12, 12).map(lambda n: number(n / 4.0))


def operations(names, *operands):
    """One of some operations on operands that are drawn."""
    return st.tuples(st.sampled_from(names), *operands).map(lambda made: apply(*made))


def _deepen(inner):
    """Operations on formulas that stay within what doubles hold."""
    return st.one_of(
        operations(["add", "subtract", "multiply", "minimum", "maximum"], inner, inner),
        operations(["divide"], inner, inner.map(lambda u: apply("cosh", apply("sin", u)))),
        operations(["where_less", "where_less_equal"], inner, inner, inner, inner),
        operations([*BOUNDED, *GROWING], inner),
        operations(["sqrt"], inner.map(lambda u: apply("add", apply("multiply", u, u), number(1)))),
        operations(["log"], inner.map(lambda u: apply("add", apply("absolute", u), number(0.5)))),
        operations(["power"], inner, st.sampled_from([number(2.0), number(3.0)])),
        operations(["clip"], inner, st.just(number(-1.0)), st.just(number(2.0))),
    )


FORMULAS = st.recursive(st.just(X) | numbers, _deepen, max_leaves=8).filter(depends_on_x)


def _bend(inner):
    """Operations that make lines of lines."""
    return st.one_of(
        operations(["add", "subtract", "minimum", "maximum"], inner, inner),
        operations(["absolute", "negative"], inner),
        operations(["multiply"], numbers, inner),
        operations(["where_less", "where_less_equal"], inner, inner, inner, inner),
        operations(["clip"], inner, st.just(number(-1.0)), st.just(number(1.5))),
    )


PIECEWISE = st.recursive(st.just(X) | numbers, _bend, max_leaves=7)


# --- texts, read by Python ---------------------------------------------------------------------


class Undefined(Exception):
    """A formula has no value there, or none within doubles."""


class Dual(NamedTuple):
    """A value, and the slope that the rules of the primitives give."""

    value: mp.mpf
    slope: mp.mpf


FUZZ = mp.mpf("1e-12")  # 0.2*2.5 + 0.5 is not quite 1
BESIDE = mp.mpf("1e-7")  # a kink
SMOOTH = {  # the value and its derivative, of u and y = f(u)
    "sqrt": (mp.sqrt, lambda _, y: 1 / (2 * y)),
    "exp": (mp.exp, lambda _, y: y),
    "expm1": (mp.expm1, lambda _, y: y + 1),
    "log": (mp.log, lambda u, _: 1 / u),
    "log1p": (mp.log1p, lambda u, _: 1 / (1 + u)),
    "tanh": (mp.tanh, lambda _, y: 1 - y * y),
    "sinh": (mp.sinh, lambda u, _: mp.cosh(u)),
    "cosh": (mp.cosh, lambda u, _: mp.sinh(u)),
    "asinh": (mp.asinh, lambda u, _: 1 / mp.sqrt(1 + u * u)),
    "atan": (mp.atan, lambda u, _: 1 / (1 + u * u)),
    "sin": (mp.sin, lambda u, _: mp.cos(u)),
    "cos": (mp.cos, lambda u, _: -mp.sin(u)),
    "erf": (mp.erf, lambda u, _: 2 * mp.exp(-u * u) / mp.sqrt(mp.pi)),
    "sigmoid": (EXACT["sigmoid"], lambda _, y: y * (1 - y)),
    "softplus": (EXACT["softplus"], lambda u, _: EXACT["sigmoid"](u)),
    "floor": (mp.floor, lambda *_: mp.mpf(0)),
    "sign": (mp.sign, lambda *_: mp.mpf(0)),
    "abs": (abs, lambda u, _: mp.sign(u)),
}
STEEP = {"exp", "expm1", "sinh", "cosh", "softplus"}


def order(u, v):
    """-1, 0 or 1 for u below, equal to or above v."""
    return 0 if abs(u - v) <= FUZZ * (1 + abs(u)) else -1 if u < v else 1


def read_by_python(text, x, names=None):
    """The value and the slope at x of a formula, as Python reads it.

    Raises:
        Undefined: If it has none there.
    """
    known = {"x": Dual(mp.mpf(x), mp.mpf(1)), "pi": mp.pi, "inf": mp.inf, **(names or {})}
    return _read(ast.parse(text, mode="eval").body, known)


def _read(tree, known):
    match tree:
        case ast.Constant(value=value):
            return Dual(mp.mpf(value), mp.mpf(0))
        case ast.Name(id=word):
            return known[word] if isinstance(known[word], Dual) else Dual(known[word], mp.mpf(0))
        case ast.UnaryOp(op=sign, operand=operand):
            u = _read(operand, known)
            return Dual(-u.value, -u.slope) if isinstance(sign, ast.USub) else u
        case ast.BinOp(left=left, op=sign, right=right):
            return _check(_operate(type(sign), _read(left, known), _read(right, known)))
        case ast.Call(func=ast.Name(id="where"), args=[condition, yes, no]):
            return _read(yes if _holds(condition, known) else no, known)
        case ast.Call(func=ast.Name(id=word), args=args, keywords=keywords):
            operands = [_read(part, known) for part in args]
            settings = {part.arg: _read(part.value, known).value for part in keywords}
            return _check(_call(word, operands, settings))
    raise AssertionError(ast.dump(tree))


def _check(result):
    for part in result:
        if isinstance(part, mp.mpc) or not abs(part) < mp.mpf("1e250"):
            raise Undefined
    return result


def _holds(tree, known):
    match tree:
        case ast.BoolOp(op=sign, values=parts):
            join = all if isinstance(sign, ast.And) else any
            return join(_holds(part, known) for part in parts)
        case ast.UnaryOp(operand=operand):
            return not _holds(operand, known)
        case ast.Compare(left=left, ops=signs, comparators=others):
            values = [_read(part, known).value for part in (left, *others)]
            orders = [order(u, v) for u, v in pairwise(values)]
            return all(
                number in COMPARISONS[type(sign)]
                for number, sign in zip(orders, signs, strict=True)
            )
    raise AssertionError(ast.dump(tree))


COMPARISONS = {ast.Lt: (-1,), ast.LtE: (-1, 0), ast.Gt: (1,), ast.GtE: (0, 1)}
COMPARISONS |= {ast.Eq: (0,), ast.NotEq: (-1, 1)}


def _operate(sign, u, v):
    if sign is ast.Add:
        return Dual(u.value + v.value, u.slope + v.slope)
    if sign is ast.Sub:
        return Dual(u.value - v.value, u.slope - v.slope)
    if sign is ast.Mult:
        return Dual(u.value * v.value, u.slope * v.value + u.value * v.slope)
    if sign is ast.Div:
        if v.value == 0:
            raise Undefined
        y = u.value / v.value
        return Dual(y, (u.slope - y * v.slope) / v.value)
    if u.value <= 0 and (v.slope or v.value != int(v.value) or v.value < 1):
        raise Undefined
    if u.value and abs(v.value * mp.log(abs(u.value))) > 500:
        raise Undefined
    y = u.value**v.value
    by_base = v.value * u.value ** (v.value - 1) * u.slope
    return Dual(y, by_base + (y * mp.log(u.value) * v.slope if v.slope else 0))


def _call(word, operands, settings):
    u = operands[0]
    if word in SMOOTH:
        function, derivative = SMOOTH[word]
        if (word in ("sqrt", "log") and u.value <= 0) or (word == "log1p" and u.value <= -1):
            raise Undefined
        if word in STEEP and abs(u.value) > 500:
            raise Undefined
        at_kink = word in ("abs", "sign") and order(u.value, 0) == 0
        y = function(u.value)
        return Dual(y, mp.mpf(0) if at_kink else derivative(u.value, y) * u.slope)
    if word == "min":
        return u if order(u.value, operands[1].value) < 0 else operands[1]
    if word == "max":
        return u if order(u.value, operands[1].value) > 0 else operands[1]
    if word == "clip":
        _, low, high = operands
        if order(low.value, high.value) >= 0 or order(u.value, high.value) > 0:
            return high
        return low if order(u.value, low.value) < 0 else u
    row = ACTIVATIONS[word]
    names = {name: mp.mpf(value) for name, value in row.settings} | settings
    here, before, after = (
        read_by_python(row.definition, u.value + step, names) for step in (0, -BESIDE, BESIDE)
    )
    slope = choose_slope(row.kink, here, before, after)
    return Dual(here.value, slope * u.slope)


def choose_slope(kink, here, before, after):
    """The slope at a point, from those by rule there and beside it."""
    flat, steep = sorted((before.slope, after.slope), key=abs)
    jump = max(abs(here.value - side.value) for side in (before, after))
    if jump < 1e-4 and abs(before.slope - after.slope) < 1e-4 * (1 + abs(steep)):
        return (before.slope + after.slope) / 2
    return {"own": here.slope, "open": flat, "closed": steep}[kink]


def _numbers_and_x():
    return st.sampled_from(["x"] * 6 + ["0", "1", "2", "3", "0.5", "0.25", "1.5", "2.5", "6"])


def _write(inner):
    signs = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])
    simple = st.builds("{} {} {}".format, inner, signs, _numbers_and_x())
    joined = st.builds("({} {} {})".format, simple, st.sampled_from(["and", "or"]), simple)
    conditions = st.one_of(simple, simple, simple.map("not {}".format), joined)
    return st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "/"]), inner),
        st.builds("({})**{}".format, inner, st.sampled_from(["2", "3", "0.5", "-1", "x"])),
        st.builds("{}({})".format, st.sampled_from([*SMOOTH]), inner),
        st.builds("{}({}, {})".format, st.sampled_from(["min", "max"]), inner, inner),
        st.builds("clip({}, {}, {})".format, inner, inner, inner),
        st.builds("where({}, {}, {})".format, conditions, inner, inner),
        st.builds("{}({})".format, st.sampled_from([*ACTIVATIONS]), inner),
        inner.map("-{}".format),
    )


TEXTS = st.recursive(_numbers_and_x(), _write, max_leaves=7)
