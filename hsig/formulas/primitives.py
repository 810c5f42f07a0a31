"""The table of primitives: each with its value and its derivative, side by side.

A derivative is a formula in the operands `u v s t`, their derivatives `du dv ds dt`, and the value
`y`. It also fixes the slope where a formula has none, at a kink or a jump:

- `where` and `clip` have the slope of the branch that they take, and nothing of the others; at its
  ends `clip` takes the middle one;
- `max(u, v)` and `min(u, v)` have the slope of v where u = v, so `max(x, 0)` has slope 0 at 0, as
  relu has in every framework;
- `abs` and `sign` have slope 0 at 0, and `floor` everywhere.

Zero times infinity is 0: it is the limit wherever a saturated function meets a growing one. nan
stays nan, but what cancels in a formula is not computed: `0*u`, `0/u` and `u - u` are 0 for any u.
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from hsig.arrays import Array, BoolArray

ArrayFunction = Callable[..., Array]


class Primitive(NamedTuple):
    """An elementwise operation and its derivative."""

    name: str  # its name in nodes and in the steps of a program
    value: ArrayFunction  # computes it, for arrays of one shape or numbers
    derivative: str  # a formula; the module's docstring lists its names
    operands: int = 1  # the number of operands
    word: str = ""  # the function name in formulas, if it has one
    exact: bool = False  # whether IEEE 754 fixes every bit of the result, on any machine


def logistic(x: Array) -> Array:
    """The logistic function, 1 / (1 + exp(-x)).

    Never overflows, and keeps its relative accuracy down to the smallest doubles on the left.

    >>> logistic(np.array([-1.0, 0.0, 1.0])).round(4)
    array([0.2689, 0.5   , 0.7311])
    """
    # exp(x) / (1 + exp(x)) on the left, 1 / (1 + exp(-x)) on the right: no exponent above 0
    return np.exp(np.minimum(x, 0.0)) / (1.0 + np.exp(-np.abs(x)))


def softplus(x: Array) -> Array:
    """log(1 + exp(x)), without overflow.

    >>> softplus(np.array([-800.0, 0.0, 800.0])).round(4)
    array([0.000e+00, 6.931e-01, 8.000e+02])
    """
    value: Array = np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))
    return value


def multiply(u: Array, v: Array) -> Array:
    """The product, with 0 for 0 times infinity.

    >>> with np.errstate(invalid="ignore"):
    ...     multiply(np.array([0.0, 0.0, 2.0]), np.array([np.inf, np.nan, 3.0]))
    array([ 0., nan,  6.])
    """
    product: Array = u * v
    undefined = np.isnan(product)
    if undefined.any():
        product = np.where(undefined & ~np.isnan(u) & ~np.isnan(v), 0.0, product)
    return product


def clip(u: Array, low: Array, high: Array) -> Array:
    """`u` between `low` and `high`, and `high` where they cross; nan stays nan."""
    return np.minimum(np.maximum(u, low), high)


def _choose(holds: Callable[[Array, Array], BoolArray]) -> ArrayFunction:
    """The function of u, v, s, t that is s where a comparison of u and v holds, else t."""

    def choose(u: Array, v: Array, s: Array, t: Array) -> Array:
        return np.where(holds(u, v), s, t)

    return choose


_erf = np.frompyfunc(math.erf, 1, 1)
_TWO_OVER_ROOT_PI = 2.0 / math.sqrt(math.pi)


def erf(x: Array) -> Array:
    """The error function of the C library; NumPy has none.

    >>> erf(np.array([0.0, 0.5, -30.0])).round(4)
    array([ 0.    ,  0.5205, -1.    ])
    """
    return np.asarray(_erf(x), dtype=np.float64)


_ROWS = (
    Primitive("add", np.add, "du + dv", 2, exact=True),
    Primitive("subtract", np.subtract, "du - dv", 2, exact=True),
    Primitive("multiply", multiply, "du*v + u*dv", 2, exact=True),
    Primitive("divide", np.divide, "(du - y*dv)/v", 2, exact=True),
    Primitive("negative", np.negative, "-du", exact=True),
    Primitive("power", np.power, "v*u**(v - 1)*du + y*log(u)*dv", 2, "pow"),
    Primitive("absolute", np.abs, "sign(u)*du", word="abs", exact=True),
    Primitive("sign", np.sign, "0", word="sign", exact=True),
    Primitive("floor", np.floor, "0", word="floor", exact=True),
    Primitive("minimum", np.minimum, "where(u < v, du, dv)", 2, "min", exact=True),
    Primitive("maximum", np.maximum, "where(u > v, du, dv)", 2, "max", exact=True),
    Primitive(
        "clip", clip, "where(v >= s, ds, where(u < v, dv, where(u > s, ds, du)))", 3, "clip", True
    ),
    Primitive("where_less", _choose(np.less), "where(u < v, ds, dt)", 4, exact=True),
    Primitive("where_less_equal", _choose(np.less_equal), "where(u <= v, ds, dt)", 4, exact=True),
    Primitive("where_equal", _choose(np.equal), "where(u == v, ds, dt)", 4, exact=True),
    Primitive("sqrt", np.sqrt, "0.5*du/y", word="sqrt", exact=True),
    Primitive("exp", np.exp, "y*du", word="exp"),
    Primitive("expm1", np.expm1, "exp(u)*du", word="expm1"),
    Primitive("log", np.log, "du/u", word="log"),
    Primitive("log1p", np.log1p, "du/(1 + u)", word="log1p"),
    Primitive("tanh", np.tanh, "(1 - y*y)*du", word="tanh"),
    Primitive("sinh", np.sinh, "cosh(u)*du", word="sinh"),
    Primitive("cosh", np.cosh, "sinh(u)*du", word="cosh"),
    Primitive("asinh", np.arcsinh, "du/sqrt(u*u + 1)", word="asinh"),
    Primitive("atan", np.arctan, "du/(u*u + 1)", word="atan"),
    Primitive("sin", np.sin, "cos(u)*du", word="sin"),
    Primitive("cos", np.cos, "-sin(u)*du", word="cos"),
    Primitive("erf", erf, f"{_TWO_OVER_ROOT_PI!r}*exp(-(u*u))*du", word="erf"),
    Primitive("sigmoid", logistic, "y*(1 - y)*du", word="sigmoid"),
    Primitive("softplus", softplus, "sigmoid(u)*du", word="softplus"),
)

PRIMITIVES: Mapping[str, Primitive] = MappingProxyType({row.name: row for row in _ROWS})
# the primitives that formulas call as functions
WORDS: Mapping[str, Primitive] = MappingProxyType({row.word: row for row in _ROWS if row.word})
CONDITIONAL = frozenset(
    {"absolute", "sign", "minimum", "maximum", "clip"}
    | {name for name in PRIMITIVES if name.startswith("where_")}
)
