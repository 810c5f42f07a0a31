"""Formulas evaluated once more, one number at a time and to many digits; and random formulas."""

from hypothesis import strategies as st
from mpmath import mp

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
