"""The curved activation functions and their derivatives.

All take pre-activations of any shape and return the same shape. nan stays nan.
"""

import numpy as np

from hsig.networks.activations.logistic import sigmoid
from hsig.networks.activations.record import LinearPiece, Range
from hsig.networks.arrays import Array

_LARGEST = float(np.finfo(np.float64).max)


def tanh(x: Array) -> Array:
    """Hyperbolic tangent."""
    return np.tanh(x)


def tanh_derivative_from_value(y: Array) -> Array:
    """Slope of the hyperbolic tangent where its value is `y`: 1 - y**2."""
    return 1.0 - y * y


def tanh_derivative(x: Array) -> Array:
    """Slope of the hyperbolic tangent, 1 - tanh(x)**2."""
    return tanh_derivative_from_value(np.tanh(x))


def softplus(x: Array) -> Array:
    """Softplus, log(1 + exp(x)), without overflow.

    Source:
        Dugas et al. 2001; Glorot, Bordes & Bengio 2011.
    """
    value: Array = np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))
    return value


def silu(x: Array) -> Array:
    """Sigmoid linear unit, x * sigmoid(x); also known as swish.

    Smooth and not monotonic: falls to about -0.2785 at x = -1.2785, then returns to 0.

    >>> silu(np.array([-1.0, 0.0, 1.0])).round(4)
    array([-0.2689,  0.    ,  0.7311])
    """
    return _finite_below(x) * sigmoid(x)


def silu_derivative(x: Array) -> Array:
    """Slope of silu, s + x * s * (1 - s) with s = sigmoid(x)."""
    s = sigmoid(x)
    return s + _finite(x) * (s * (1.0 - s))


_GELU_SCALE = float(2.0 * np.sqrt(2.0 / np.pi))
_GELU_CUBIC = 0.044715
_GELU_SATURATED = 40.0  # beyond this |x| the logistic factor is exactly 0 or 1


def gelu_tanh(x: Array) -> Array:
    """Gaussian error linear unit in its tanh form.

    x/2 * (1 + tanh(u)), u = sqrt(2/pi) * (x + 0.044715 x**3), computed as x * sigmoid(2 u),
    which is the same and exact to the left.

    >>> gelu_tanh(np.array([-1.0, 0.0, 1.0])).round(4)
    array([-0.1588,  0.    ,  0.8412])
    """
    return _finite_below(x) * sigmoid(_gelu_argument(x))


def gelu_tanh_derivative(x: Array) -> Array:
    """Slope of gelu_tanh: s + x * s * (1 - s) * d(2u)/dx with s = sigmoid(2 u)."""
    s = sigmoid(_gelu_argument(x))
    bounded: Array = np.clip(x, -_GELU_SATURATED, _GELU_SATURATED)
    argument_slope: Array = _GELU_SCALE * (1.0 + 3.0 * _GELU_CUBIC * bounded**2)
    return s + bounded * (s * (1.0 - s)) * argument_slope


def _gelu_argument(x: Array) -> Array:
    bounded: Array = np.clip(x, -_GELU_SATURATED, _GELU_SATURATED)  # the cube must not overflow
    argument: Array = _GELU_SCALE * (bounded + _GELU_CUBIC * bounded**3)
    return argument


def _finite_below(x: Array) -> Array:
    """`x`, but -inf as the most negative number, so that times 0 it is 0."""
    bounded: Array = np.maximum(x, -_LARGEST)
    return bounded


def _finite(x: Array) -> Array:
    bounded: Array = np.clip(x, -_LARGEST, _LARGEST)
    return bounded


def elu(x: Array, alpha: float) -> Array:
    """Exponential linear unit: x for x > 0, alpha * (exp(x) - 1) otherwise.

    Source:
        Clevert, Unterthiner & Hochreiter 2016, arXiv:1511.07289.
    """
    return np.where(x > 0.0, x, alpha * np.expm1(np.minimum(x, 0.0)))


def elu_derivative(x: Array, alpha: float) -> Array:
    """Slope of elu: 1 for x > 0, alpha * exp(x) otherwise (alpha at x = 0)."""
    return np.where(x > 0.0, 1.0, alpha * np.exp(np.minimum(x, 0.0)))


def elu_range(alpha: float) -> Range:
    """Values lie in (-alpha, inf)."""
    return (-alpha, np.inf)


ELU_LINE = LinearPiece(0.0, np.inf, 1.0, 0.0, start_closed=False, stop_closed=True)


def hard_silu(x: Array) -> Array:
    """Hard swish, x * clip(x/6 + 1/2, 0, 1): a parabola between -3 and 3."""
    return _finite_below(x) * np.minimum(np.maximum(x / 6.0 + 0.5, 0.0), 1.0)


def hard_silu_derivative(x: Array) -> Array:
    """Slope of hard_silu: x/3 + 1/2 on (-3, 3), 0 up to -3 and 1 from 3 (the kinks included)."""
    return np.where(x <= -3.0, 0.0, np.where(x >= 3.0, 1.0, x / 3.0 + 0.5))


HARD_SILU_LINES = (
    LinearPiece(-np.inf, -3.0, 0.0, 0.0, start_closed=True, stop_closed=True),
    LinearPiece(3.0, np.inf, 1.0, 0.0, start_closed=True, stop_closed=True),
)

# Theano 1.0.5, nnet/sigm.py, UltraFastScalarSigmoid: in h = x/2, for h >= 0
_UF_JUMP, _UF_END = 1.7, 3.0  # in h
_UF_LINE_VALUE, _UF_LINE_SLOPE = 0.935409070603099, 0.0458812946797165
ULTRA_FAST_TOP = 0.99505475368673


def ultra_fast(x: Array) -> Array:
    """Theano's `ultra_fast_sigmoid`, exactly: a rational curve, a line, a constant.

    Not continuous: the value drops by about 0.0045 where |x| passes 3.4. It lies in
    [0.0025, 0.9975] and is within 0.028 of the logistic sigmoid. (Theano's own gives 0.0025 for
    nan; this one gives nan.)

    Source:
        Theano 1.0.5, theano/tensor/nnet/sigm.py.

    >>> ultra_fast(np.array([-1.0, 0.0, 1.0])).round(4)
    array([0.25, 0.5 , 0.75])
    """
    h = 0.5 * x
    a = np.minimum(np.abs(h), _UF_END)
    curve = 1.5 * a / (1.0 + a)
    line = _UF_LINE_VALUE + _UF_LINE_SLOPE * (a - _UF_JUMP)
    z = np.where(a < _UF_JUMP, curve, np.where(a < _UF_END, line, ULTRA_FAST_TOP))
    return np.where(np.isnan(x), x, 0.5 * (np.copysign(z, h) + 1.0))


def ultra_fast_derivative(x: Array) -> Array:
    """Slope of ultra_fast where it has one, which Theano does not define.

    0.375 / (1 + |x|/2)**2 for |x| < 3.4, then 0.01147 for |x| < 6, then 0: at the jump and at
    the kink it is the slope of the outer piece.
    """
    a = np.minimum(0.5 * np.abs(x), _UF_END)
    curve_slope = 0.375 / (1.0 + a) ** 2
    line_slope = 0.25 * _UF_LINE_SLOPE
    slope = np.where(a < _UF_JUMP, curve_slope, np.where(a < _UF_END, line_slope, 0.0))
    return np.where(np.isnan(x), x, slope)


def ultra_fast_pieces() -> tuple[LinearPiece, ...]:
    """Its line and its constant on either side; the middle is curved."""
    slope = 0.25 * _UF_LINE_SLOPE
    rise = 0.5 * (_UF_LINE_VALUE - _UF_LINE_SLOPE * _UF_JUMP)  # of the line at x = 0, above 1/2
    jump, end, top = 2.0 * _UF_JUMP, 2.0 * _UF_END, 0.5 * ULTRA_FAST_TOP
    return (
        LinearPiece(-np.inf, -end, 0.0, 0.5 - top, start_closed=True, stop_closed=True),
        LinearPiece(-end, -jump, slope, 0.5 - rise, start_closed=False, stop_closed=True),
        LinearPiece(jump, end, slope, 0.5 + rise, start_closed=True, stop_closed=False),
        LinearPiece(end, np.inf, 0.0, 0.5 + top, start_closed=True, stop_closed=True),
    )
