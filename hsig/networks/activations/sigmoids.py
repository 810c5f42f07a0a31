"""The sigmoids: the logistic one, Theano's fast one, and the hard ones."""

import numpy as np

from hsig.networks.activations.piecewise import PiecewiseLinear
from hsig.networks.activations.record import (
    Activation,
    LinearPiece,
    logistic,
    logistic_slope,
)
from hsig.networks.arrays import Array


class Sigmoid(Activation):
    """Logistic sigmoid."""

    range = (0.0, 1.0)
    formula = "1 / (1 + exp(-x))"
    is_logistic = True

    def value(self, x: Array) -> Array:
        """The logistic function."""
        return logistic(x)

    def derivative(self, x: Array) -> Array:
        """Slope y * (1 - y), as the frameworks compute it.

        Its absolute error stays below 1e-16; the relative one grows to the right, where 1 - y is
        rounded, and the slope is exactly 0 from about x = 37.
        """
        return logistic_slope(logistic(x))

    def derivative_at_value(self, x: Array, y: Array) -> Array:
        """Slope y * (1 - y)."""
        del x
        return logistic_slope(y)


# Theano 1.0.5, nnet/sigm.py, UltraFastScalarSigmoid: in h = x/2, for h >= 0
_JUMP, _END = 1.7, 3.0
_LINE_VALUE, _LINE_SLOPE = 0.935409070603099, 0.0458812946797165
_TOP = 0.99505475368673

_SLOPE = 0.25 * _LINE_SLOPE  # in x
_RISE = 0.5 * (_LINE_VALUE - _LINE_SLOPE * _JUMP)  # of the line at x = 0, above 1/2


class UltraFast(Activation):
    """Theano's `ultra_fast_sigmoid`, exactly: a rational curve, a line, a constant.

    Not continuous: the value drops by about 0.0045 where |x| passes 3.4. It lies in
    [0.0025, 0.9975] and is within 0.028 of the logistic sigmoid. (Theano's own gives 0.0025 for
    nan; this one gives nan.)
    """

    range = (0.5 - 0.5 * _TOP, 0.5 + 0.5 * _TOP)
    formula = "(1 + sgn(x)*z(|x|/2)) / 2, z(h) = 1.5*h/(1 + h) to 1.7, a line to 3, constant"
    linear_pieces = (
        LinearPiece(-np.inf, -2.0 * _END, 0.0, 0.5 - 0.5 * _TOP, True, True),
        LinearPiece(-2.0 * _END, -2.0 * _JUMP, _SLOPE, 0.5 - _RISE, False, True),
        LinearPiece(2.0 * _JUMP, 2.0 * _END, _SLOPE, 0.5 + _RISE, True, False),
        LinearPiece(2.0 * _END, np.inf, 0.0, 0.5 + 0.5 * _TOP, True, True),
    )

    def value(self, x: Array) -> Array:
        """A curve for |x| < 3.4, a line for |x| < 6, then a constant."""
        h = 0.5 * x
        a = np.minimum(np.abs(h), _END)
        curve = 1.5 * a / (1.0 + a)
        line = _LINE_VALUE + _LINE_SLOPE * (a - _JUMP)
        z = np.where(a < _JUMP, curve, np.where(a < _END, line, _TOP))
        return np.where(np.isnan(x), x, 0.5 * (np.copysign(z, h) + 1.0))

    def derivative(self, x: Array) -> Array:
        """The slope where it has one, which Theano does not define.

        0.375 / (1 + |x|/2)**2 for |x| < 3.4, then 0.01147 for |x| < 6, then 0: at the jump and at
        the kink it is the slope of the outer piece.
        """
        a = np.minimum(0.5 * np.abs(x), _END)
        curve = 0.375 / (1.0 + a) ** 2
        slope = np.where(a < _JUMP, curve, np.where(a < _END, _SLOPE, 0.0))
        return np.where(np.isnan(x), x, slope)


SIGMOIDS = (
    Sigmoid(
        "sigmoid",
        "the logistic function, Verhulst 1845",
        aliases=(
            "logistic",
            "theano.sigmoid",
            "keras2.sigmoid",
            "keras3.sigmoid",
            "torch.sigmoid",
            "jax.sigmoid",
            "onnx.Sigmoid",
        ),
    ),
    UltraFast(
        "ultra_fast",
        "Theano 1.0.5, nnet/sigm.py",
        backward=None,
        aliases=("theano.ultra_fast_sigmoid",),
        note="Theano answers MethodNotDefined: ('grad', ..., 'UltraFastScalarSigmoid')",
    ),
    PiecewiseLinear(
        "hard",
        "Theano 1.0.5, nnet/sigm.py; ONNX HardSigmoid",
        slope=0.2,
        shift=0.5,
        kink="closed",
        aliases=(
            "theano.hard_sigmoid",
            "keras1.hard_sigmoid",
            "keras2.hard_sigmoid",
            "onnx.HardSigmoid",
        ),
    ),
    PiecewiseLinear(
        "hard_torch",
        "PyTorch F.hardsigmoid; JAX nn.hard_sigmoid; Keras 3; Paddle 2",
        slope=1.0 / 6.0,
        shift=0.5,
        kink="open",
        aliases=(
            "torch.hardsigmoid",
            "jax.hard_sigmoid",
            "keras3.hard_sigmoid",
            "paddle2.hardsigmoid",
        ),
    ),
    PiecewiseLinear(
        "hard_taylor",
        "Gulcehre et al. 2016, arXiv:1603.00391",
        slope=0.25,
        shift=0.5,
        kink="closed",
        note="the tangent of the logistic sigmoid at 0, clipped",
    ),
    PiecewiseLinear(
        "hard_binary",
        "Courbariaux et al. 2015, arXiv:1511.00363",
        slope=0.5,
        shift=0.5,
        kink="closed",
        note="BinaryConnect's, there with a straight-through backward pass",
    ),
    PiecewiseLinear(
        "leaky_hard",
        "hard with a leak, in several modules",
        slope=0.2,
        shift=0.5,
        leak=0.01,
        kink="closed",
    ),
)
