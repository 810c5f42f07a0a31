"""The activations of hidden layers: tanh, relu, and those that came after them; and the line."""

from dataclasses import dataclass

import numpy as np

from hsig.networks.activations.piecewise import PiecewiseLinear
from hsig.networks.activations.record import (
    Activation,
    LinearPiece,
    Range,
    logistic,
    logistic_slope,
)
from hsig.networks.arrays import Array

_LARGEST = float(np.finfo(np.float64).max)


class Tanh(Activation):
    """Hyperbolic tangent."""

    range = (-1.0, 1.0)
    formula = "tanh(x)"

    def value(self, x: Array) -> Array:
        """The hyperbolic tangent."""
        return np.tanh(x)

    def derivative(self, x: Array) -> Array:
        """Slope 1 - tanh(x)**2."""
        return self.derivative_at_value(x, np.tanh(x))

    def derivative_at_value(self, x: Array, y: Array) -> Array:
        """Slope 1 - y**2."""
        del x
        return 1.0 - y * y


@dataclass(frozen=True)
class Elu(Activation):
    """Exponential linear unit.

    Attributes:
        alpha: Its depth on the left, and its slope at 0.
    """

    alpha: float = 1.0

    formula = "x for x > 0, alpha*(exp(x) - 1) otherwise"
    linear_pieces = (LinearPiece(0.0, np.inf, 1.0, 0.0, start_closed=False, stop_closed=True),)

    @property
    def range(self) -> Range:
        """Values lie in (-alpha, inf)."""
        return (-self.alpha, np.inf)

    def value(self, x: Array) -> Array:
        """The line x for x > 0, alpha * (exp(x) - 1) otherwise."""
        return np.where(x > 0.0, x, self.alpha * np.expm1(np.minimum(x, 0.0)))

    def derivative(self, x: Array) -> Array:
        """1 for x > 0, alpha * exp(x) otherwise."""
        return np.where(x > 0.0, 1.0, self.alpha * np.exp(np.minimum(x, 0.0)))


class Softplus(Activation):
    """A smooth relu, whose slope is the logistic function."""

    range = (0.0, np.inf)
    formula = "log(1 + exp(x))"

    def value(self, x: Array) -> Array:
        """The formula, without overflow."""
        value: Array = np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))
        return value

    def derivative(self, x: Array) -> Array:
        """The logistic function."""
        return logistic(x)


class Silu(Activation):
    """Sigmoid linear unit, x * sigmoid(x); also known as swish.

    Smooth and not monotonic: falls to about -0.2785 at x = -1.2785, then returns to 0.
    """

    range = (-0.2784645427610738, np.inf)  # mpmath, 30 digits
    formula = "x / (1 + exp(-x))"

    def value(self, x: Array) -> Array:
        """Product x * s with s = sigmoid(x)."""
        return _finite_below(x) * logistic(x)

    def derivative(self, x: Array) -> Array:
        """Slope s + x * s * (1 - s)."""
        s = logistic(x)
        bounded: Array = np.clip(x, -_LARGEST, _LARGEST)
        return s + bounded * logistic_slope(s)


class HardSilu(Activation):
    """Hard swish: a parabola between -3 and 3."""

    range = (-0.375, np.inf)
    formula = "x * clip(x/6 + 0.5, 0, 1)"
    linear_pieces = (
        LinearPiece(-np.inf, -3.0, 0.0, 0.0, start_closed=True, stop_closed=True),
        LinearPiece(3.0, np.inf, 1.0, 0.0, start_closed=True, stop_closed=True),
    )

    def value(self, x: Array) -> Array:
        """Product x * clip(x/6 + 1/2, 0, 1)."""
        return _finite_below(x) * np.minimum(np.maximum(x / 6.0 + 0.5, 0.0), 1.0)

    def derivative(self, x: Array) -> Array:
        """Slope x/3 + 1/2 on (-3, 3), 0 up to -3 and 1 from 3 (the kinks included)."""
        return np.where(x <= -3.0, 0.0, np.where(x >= 3.0, 1.0, x / 3.0 + 0.5))


_GELU_SCALE = float(2.0 * np.sqrt(2.0 / np.pi))
_GELU_CUBIC = 0.044715
_GELU_SATURATED = 40.0  # beyond this |x| the logistic factor is exactly 0 or 1


class GeluTanh(Activation):
    """Gaussian error linear unit in its tanh form.

    x/2 * (1 + tanh(u)), u = sqrt(2/pi) * (x + 0.044715 x**3), computed as x * sigmoid(2 u),
    which is the same and exact to the left.
    """

    range = (-0.17004075057125406, np.inf)  # mpmath, 30 digits
    formula = "x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715*x**3)))"

    def value(self, x: Array) -> Array:
        """Product x * s with s = sigmoid(2 u)."""
        return _finite_below(x) * logistic(_gelu_argument(x))

    def derivative(self, x: Array) -> Array:
        """Slope s + x * s * (1 - s) * d(2u)/dx."""
        s = logistic(_gelu_argument(x))
        bounded: Array = np.clip(x, -_GELU_SATURATED, _GELU_SATURATED)
        argument_slope: Array = _GELU_SCALE * (1.0 + 3.0 * _GELU_CUBIC * bounded**2)
        return s + bounded * logistic_slope(s) * argument_slope


def _gelu_argument(x: Array) -> Array:
    bounded: Array = np.clip(x, -_GELU_SATURATED, _GELU_SATURATED)  # the cube must not overflow
    argument: Array = _GELU_SCALE * (bounded + _GELU_CUBIC * bounded**3)
    return argument


def _finite_below(x: Array) -> Array:
    """`x`, but -inf as the most negative number, so that times 0 it is 0."""
    bounded: Array = np.maximum(x, -_LARGEST)
    return bounded


HIDDEN = (
    Tanh("tanh", "LeCun et al. 1998, Efficient BackProp"),
    PiecewiseLinear(
        "hard_tanh",
        "Collobert 2004",
        slope=1.0,
        low=-1.0,
        kink="open",
        aliases=("torch.hardtanh", "jax.hard_tanh"),
    ),
    PiecewiseLinear(
        "relu",
        "Nair & Hinton 2010",
        slope=1.0,
        high=np.inf,
        kink="open",
        note="slope 0 at x = 0",
    ),
    PiecewiseLinear(
        "leaky_relu",
        "Maas, Hannun & Ng 2013",
        slope=1.0,
        high=np.inf,
        leak=0.01,
        kink="open",
        note="slope `leak` at x = 0; others call the leak negative_slope",
    ),
    Elu("elu", "Clevert, Unterthiner & Hochreiter 2016, arXiv:1511.07289"),
    Softplus("softplus", "Dugas et al. 2001"),
    Silu(
        "silu",
        "Elfwing, Uchibe & Doya 2018, arXiv:1702.03118",
        aliases=("swish", "torch.silu", "jax.silu", "keras3.silu"),
    ),
    HardSilu(
        "hard_silu",
        "Howard et al. 2019, arXiv:1905.02244",
        aliases=("hard_swish", "torch.hardswish", "jax.hard_silu", "keras3.hard_silu"),
    ),
    GeluTanh(
        "gelu_tanh",
        "Hendrycks & Gimpel 2016, arXiv:1606.08415",
        note="the tanh form; the exact one uses erf",
    ),
)

LINEAR = (
    PiecewiseLinear(
        "identity",
        "the linear unit, Widrow & Hoff 1960",
        slope=1.0,
        low=-np.inf,
        high=np.inf,
        kink="closed",
        aliases=(
            "linear",
            "lasagne.linear",
            "keras1.linear",
            "keras2.linear",
            "keras3.linear",
            "torch.Identity",
            "jax.identity",
            "onnx.Identity",
        ),
        note="for the output, where targets may be any number; in no group",
    ),
)
