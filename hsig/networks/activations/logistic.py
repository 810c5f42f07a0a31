"""The logistic sigmoid: an activation itself, and the slope that others borrow."""

import numpy as np

from hsig.networks.arrays import Array


def sigmoid(x: Array) -> Array:
    """Logistic sigmoid, 1 / (1 + exp(-x)).

    Never overflows, and keeps its relative accuracy down to the smallest doubles on the left.

    >>> sigmoid(np.array([-1.0, 0.0, 1.0])).round(4)
    array([0.2689, 0.5   , 0.7311])
    """
    # exp(x) / (1 + exp(x)) on the left, 1 / (1 + exp(-x)) on the right: no exponent above 0
    return np.exp(np.minimum(x, 0.0)) / (1.0 + np.exp(-np.abs(x)))


def sigmoid_derivative_from_value(y: Array) -> Array:
    """Slope of the logistic sigmoid where its value is `y`: y * (1 - y)."""
    return y * (1.0 - y)


def sigmoid_derivative(x: Array) -> Array:
    """Slope of the logistic sigmoid, as the frameworks compute it: y * (1 - y).

    Its absolute error stays below 1e-16; the relative one grows to the right, where 1 - y is
    rounded, and the slope is exactly 0 from about x = 37.
    """
    return sigmoid_derivative_from_value(sigmoid(x))
