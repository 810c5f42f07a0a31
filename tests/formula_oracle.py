"""Formulas once more, one number at a time and to many digits, with mpmath; and random ones."""

from hypothesis import strategies as st
from mpmath import mp

from hsig.formulas.nodes import X, node, number, walk
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


def exact(root, x):
    """What a formula is at x, an mpf."""
    found = {}
    for one in walk(root):
        if one is X:
            found[one] = mp.mpf(x)
        elif one.operation == "number":
            found[one] = mp.mpf(one.number)
        else:
            found[one] = EXACT[one.operation](*(found[operand] for operand in one.operands))
    return found[root]


numbers = st.integers(-12, 12).map(lambda n: number(n / 4.0))


def _deeper(inner):
    """Operations on formulas that stay within what doubles hold."""
    two = st.tuples(
        st.sampled_from(["add", "subtract", "multiply", "minimum", "maximum"]), inner, inner
    )
    divided = st.tuples(
        st.just("divide"), inner, inner.map(lambda u: apply("cosh", apply("sin", u)))
    )
    chosen = st.tuples(
        st.sampled_from(["where_less", "where_less_equal"]), inner, inner, inner, inner
    )
    one = st.tuples(st.sampled_from([*BOUNDED, *GROWING]), inner)
    rooted = inner.map(
        lambda u: ("sqrt", apply("add", apply("power", u, number(2.0)), number(1.0)))
    )
    logged = inner.map(lambda u: ("log", apply("add", apply("absolute", u), number(0.5))))
    powers = st.tuples(st.just("power"), inner, st.sampled_from([number(2.0), number(3.0)]))
    clipped = inner.map(lambda u: ("clip", u, number(-1.0), number(2.0)))
    return st.one_of(two, divided, chosen, one, rooted, logged, powers, clipped).map(
        lambda made: apply(made[0], *made[1:])
    )


FORMULAS = st.recursive(st.just(X) | numbers, _deeper, max_leaves=8).filter(
    lambda root: any(one is X for one in walk(root))
)

_LINES = {"add": 2, "subtract": 2, "minimum": 2, "maximum": 2, "absolute": 1, "negative": 1}


def _bent(inner):
    """Operations that make lines of lines."""
    plain = st.sampled_from(list(_LINES)).flatmap(
        lambda name: st.tuples(st.just(name), *[inner] * _LINES[name])
    )
    scaled = st.tuples(st.just("multiply"), numbers, inner)
    chosen = st.tuples(
        st.sampled_from(["where_less", "where_less_equal"]), inner, inner, inner, inner
    )
    clipped = st.tuples(st.just("clip"), inner, st.just(number(-1.0)), st.just(number(1.5)))
    return st.one_of(plain, scaled, chosen, clipped).map(lambda made: apply(made[0], *made[1:]))


PIECEWISE = st.recursive(st.just(X) | numbers, _bent, max_leaves=7)


def as_it_stands(root):
    """The same operations, none simplified."""
    made = {}
    for one in walk(root):
        made[one] = node(one.operation, *(made[u] for u in one.operands)) if one.operands else one
    return made[root]
