"""Losses of one prediction against one target, and their slopes in the prediction.

All functions take predictions p and targets y that broadcast, and return the broadcast shape.
In the core they run with floating-point warnings off: an infinite loss is a result.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from hsig.arrays import Array, BoolArray, sum_in_order


def squared(p: Array, y: Array) -> Array:
    """Squared error, (p - y)**2, with no factor 1/2."""
    error = p - y
    return error * error


def squared_derivative(p: Array, y: Array) -> Array:
    """Slope of the squared error in p: 2 (p - y)."""
    return 2.0 * (p - y)


def squared_second_derivative(p: Array, y: Array) -> Array:
    """Second derivative of the squared error in p: 2."""
    return 2.0 + 0.0 * (p - y)


def bce(p: Array, y: Array) -> Array:
    """Binary cross-entropy -(y log p + (1 - y) log(1 - p)), with 0 * log 0 = 0.

    Infinite where p is 0 or 1 and the target is not.

    >>> with np.errstate(divide="ignore", invalid="ignore"):
    ...     bce(np.array([0.5, 1.0, 1.0]), np.array([1.0, 1.0, 0.0])).round(4)
    array([0.6931, 0.    ,    inf])
    """
    when_one = np.where(y > 0.0, -y * np.log(p), 0.0)
    when_zero = np.where(y < 1.0, -(1.0 - y) * np.log1p(-p), 0.0)
    return when_one + when_zero


def bce_derivative(p: Array, y: Array) -> Array:
    """Slope of bce in p: (-y/p where y > 0) + ((1 - y)/(1 - p) where y < 1)."""
    when_one = np.where(y > 0.0, -y / p, 0.0)
    when_zero = np.where(y < 1.0, (1.0 - y) / (1.0 - p), 0.0)
    return when_one + when_zero


def bce_second_derivative(p: Array, y: Array) -> Array:
    """Second derivative of bce in p: (y/p**2 where y > 0) + ((1 - y)/(1 - p)**2 where y < 1)."""
    when_one = np.where(y > 0.0, y / p**2, 0.0)
    when_zero = np.where(y < 1.0, (1.0 - y) / (1.0 - p) ** 2, 0.0)
    return when_one + when_zero


def bce_of_logit(z: Array, y: Array) -> Array:
    """Bce of the logistic output, from its pre-activation z: y s(-z) + (1 - y) s(z).

    With s the softplus, it stays finite and exact where the output rounds to 0 or 1.
    """
    return y * np.logaddexp(0.0, -z) + (1.0 - y) * np.logaddexp(0.0, z)


def bce_of_logit_derivative(p: Array, y: Array) -> Array:
    """Slope of `bce_of_logit` in z, where the logistic output is p: p - y."""
    return p - y


def bce_of_logit_second_derivative(p: Array, y: Array) -> Array:
    """Second derivative of `bce_of_logit` in z, where the logistic output is p: p (1 - p)."""
    return p * (1.0 - p) + 0.0 * y


def bce_naive(p: Array, y: Array) -> Array:
    """Binary cross-entropy as Theano computes it: 0 * log 0 is nan, even at a right answer.

    Source:
        Theano 1.0.5, theano/tensor/nnet/nnet.py, binary_crossentropy.
    """
    return -(y * np.log(p) + (1.0 - y) * np.log(1.0 - p))


def bce_naive_derivative(p: Array, y: Array) -> Array:
    """Slope of bce_naive in p as Theano differentiates it: 0/0 is nan, even at a right answer."""
    return -y / p + (1.0 - y) / (1.0 - p)


def bce_naive_second_derivative(p: Array, y: Array) -> Array:
    """Second derivative of bce_naive in p."""
    return y / p**2 + (1.0 - y) / (1.0 - p) ** 2


def cross_entropy(p: Array, y: Array) -> Array:
    """Cross-entropy -y log p of each class, with 0 * log 0 = 0."""
    return np.where(y > 0.0, -y * np.log(p), 0.0)


def cross_entropy_derivative(p: Array, y: Array) -> Array:
    """Slope of the cross-entropy in p: -y/p where y > 0."""
    return np.where(y > 0.0, -y / p, 0.0)


def cross_entropy_second_derivative(p: Array, y: Array) -> Array:
    """Second derivative of the cross-entropy in p: y/p**2 where y > 0."""
    return np.where(y > 0.0, y / p**2, 0.0)


def softmax(z: Array) -> Array:
    """What each output has of the sum of all exp(z), (samples, outputs, seeds)."""
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    shares: Array = powers / sum_in_order(powers.swapaxes(0, 1))[:, None]
    return shares


def cross_entropy_of_logit(z: Array, y: Array) -> Array:
    """Cross-entropy of the softmax, from its pre-activations (samples, outputs, seeds).

    It stays finite where an output rounds to 0.
    """
    z = z - z.max(axis=1, keepdims=True)
    logarithms = z - np.log(sum_in_order(np.exp(z).swapaxes(0, 1)))[:, None]
    return np.where(y > 0.0, -y * logarithms, 0.0)


def rows_right(predictions: Array, targets: Array, within: float | None) -> BoolArray:
    """Which rows are right, (rows, seeds): all their outputs are within so much of the targets.

    Without a bound the target's output, the one that is 1, is to be larger than all others.

    Args:
        predictions: Shape (rows, outputs, seeds).
        targets: Shape (rows, outputs, 1).
        within: How near; strictly below.
    """
    with np.errstate(invalid="ignore"):
        if within is not None:
            near: BoolArray = np.all(np.abs(predictions - targets) < within, axis=1)
            return near
        wanted = targets == targets.max(axis=1, keepdims=True)
        of_target = np.where(wanted, predictions, np.inf).min(axis=1)
        of_others = np.where(wanted, -np.inf, predictions).max(axis=1)
        largest: BoolArray = of_target > of_others
        return largest


@dataclass(frozen=True)
class Loss:
    """A loss, its slope, and how it behaves where the output is saturated."""

    name: str
    value: Callable[[Array, Array], Array]  # of predictions and targets
    derivative: Callable[[Array, Array], Array]  # in the predictions
    second_derivative: Callable[[Array, Array], Array]
    formula: str
    source: str
    needs_probabilities: bool = False  # predictions and targets must lie in [0, 1]
    # the gradient is 0 wherever the output's slope is 0, even where `derivative` is infinite
    zero_slope_teaches_nothing: bool = False
    of_classes: bool = False  # goes with the softmax of all outputs, and that with it
    # of the logistic output or the softmax, more exactly: the value from its pre-activation, and
    # the derivatives in it from predictions
    value_of_logit: Callable[[Array, Array], Array] | None = None
    derivative_of_logit: Callable[[Array, Array], Array] | None = None
    second_derivative_of_logit: Callable[[Array, Array], Array] | None = None


_ROWS = (
    Loss(
        "squared",
        squared,
        squared_derivative,
        squared_second_derivative,
        formula="(p - y)**2",
        source="the question's first version",
    ),
    Loss(
        "bce",
        bce,
        bce_derivative,
        bce_second_derivative,
        formula="-(y*log(p) + (1 - y)*log(1 - p)), 0*log(0) = 0",
        source="binary cross-entropy with the limits of its terms at 0 and 1",
        needs_probabilities=True,
        zero_slope_teaches_nothing=True,
        value_of_logit=bce_of_logit,
        derivative_of_logit=bce_of_logit_derivative,
        second_derivative_of_logit=bce_of_logit_second_derivative,
    ),
    Loss(
        "bce_naive",
        bce_naive,
        bce_naive_derivative,
        bce_naive_second_derivative,
        formula="-(y*log(p) + (1 - y)*log(1 - p)), 0*log(0) = nan",
        source="Theano 1.0.5, nnet/nnet.py, binary_crossentropy",
        needs_probabilities=True,
    ),
    Loss(
        "cross_entropy",
        cross_entropy,
        cross_entropy_derivative,
        cross_entropy_second_derivative,
        formula="-(y_1*log(p_1) + y_2*log(p_2) + ...), 0*log(0) = 0",
        source="Bridle 1990, Neurocomputing (NATO ASI F68): softmax with cross-entropy",
        needs_probabilities=True,
        of_classes=True,
        value_of_logit=cross_entropy_of_logit,
        derivative_of_logit=bce_of_logit_derivative,
    ),
)

LOSSES: Mapping[str, Loss] = MappingProxyType({row.name: row for row in _ROWS})
