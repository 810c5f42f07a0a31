"""The table of primitives: each with its value and its derivative, side by side.

A rule is a formula in the operands `u v s t`, in what their derivatives are, `du dv ds dt`, and in
the value `y`. Whatever it says where two are equal is hsig's convention at a kink:

- `where` has the slope of the branch that it takes, and so has `clip`, the middle one at its ends,
- `max(u, v)` and `min(u, v)` that of the second operand where both are equal, so that `max(x, 0)`
  has the slope 0 at 0 as every framework's relu,
- `abs` and `sign` have the slope 0 at 0, `floor` everywhere.

In a product 0 counts more than infinity: 0 * inf is 0, as it is in the limit wherever a saturated
function meets a growing one. nan stays nan.
"""

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from hsig.arrays import Array

Function = Callable[..., Array]


class Primitive(NamedTuple):
    """An operation on arrays, element by element, and its derivative.

    Attributes:
        name: What the steps of a program call it.
        value: Of arrays of one shape, or numbers.
        derivative: The rule: a formula.
        operands: How many it takes.
        word: What formulas call it, where they call it as a function.
        exact: Whether IEEE 754 says every bit of it, so that no machine gives another one.
    """

    name: str
    value: Function
    derivative: str
    operands: int = 1
    word: str = ""
    exact: bool = False


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
    """The product, in which 0 times infinity is 0.

    >>> with np.errstate(invalid="ignore"):
    ...     multiply(np.array([0.0, 0.0, 2.0]), np.array([np.inf, np.nan, 3.0]))
    array([ 0., nan,  6.])
    """
    product: Array = u * v
    undefined = np.isnan(product)
    if undefined.any():
        product = np.where(undefined & ~np.isnan(u) & ~np.isnan(v), 0.0, product)
    return product


def where_less(u: Array, v: Array, s: Array, t: Array) -> Array:
    """The third where the first is below the second, else the fourth."""
    return np.where(u < v, s, t)


def where_less_equal(u: Array, v: Array, s: Array, t: Array) -> Array:
    """The third where the first is not above the second, else the fourth."""
    return np.where(u <= v, s, t)


def where_equal(u: Array, v: Array, s: Array, t: Array) -> Array:
    """The third where the first two are equal, else the fourth."""
    return np.where(u == v, s, t)


_erf = np.frompyfunc(math.erf, 1, 1)
_TWO_OVER_ROOT_PI = 2.0 / math.sqrt(math.pi)


def erf(x: Array) -> Array:
    """The error function, that of the C library: NumPy has none.

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
        "clip",
        lambda u, v, s: np.minimum(np.maximum(u, v), s),
        "where(u < v, dv, where(u > s, ds, du))",
        3,
        "clip",
        exact=True,
    ),
    Primitive(
        "where_less",
        where_less,
        "where(u < v, ds, dt)",
        4,
        exact=True,
    ),
    Primitive(
        "where_less_equal",
        where_less_equal,
        "where(u <= v, ds, dt)",
        4,
        exact=True,
    ),
    Primitive(
        "where_equal",
        where_equal,
        "where(u == v, ds, dt)",
        4,
        exact=True,
    ),
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
# those that a formula calls by a word, with the operation
WORDS: Mapping[str, Primitive] = MappingProxyType({row.word: row for row in _ROWS if row.word})
CONDITIONAL = frozenset(
    {"absolute", "sign", "minimum", "maximum", "clip"}
    | {name for name in PRIMITIVES if name.startswith("where_")}
)
