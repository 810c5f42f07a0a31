"""Activations that are functions in Python, with their derivatives: for what no formula can say."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np

from hsig.activations.activation import Activation
from hsig.arrays import Array
from hsig.formulas.function import Function
from hsig.formulas.nodes import X

PythonFunction = Callable[[Array], Array]

_FINGERPRINTED = np.linspace(-20.0, 20.0, 2001)
_DIGITS = 12  # of a fingerprint
_STEP = 1e-3  # relative, of a central difference


class _OpaqueFunction(Function):
    """A function that is only computed: it has no known pieces, kinks or breakpoints."""

    breakpoints_are_complete = False

    def __init__(self, value: PythonFunction, derivative: PythonFunction) -> None:
        super().__init__(X)  # stands for a formula
        self._python_value, self._python_derivative = value, derivative
        self.pieces, self._intervals, self._joints = (), [], []

    def evaluate(self, x: Array) -> Array:
        return _call(self._python_value, x)

    def evaluate_slope(self, x: Array, values: Array | None = None) -> Array:
        del values
        return _call(self._python_derivative, x)

    @cached_property
    def derivative(self) -> Function:
        """Its derivative, whose own is a central difference."""
        return _OpaqueFunction(
            self._python_derivative, partial(_difference, self._python_derivative)
        )


@dataclass(frozen=True)
class PythonActivation(Activation):
    """An activation that is a function in Python; only the reference engine trains it.

    Attributes:
        python_value: Its values, for an array of any shape.
        python_derivative: Its derivative, likewise.
    """

    python_value: PythonFunction = field(kw_only=True)
    python_derivative: PythonFunction = field(kw_only=True)

    formula = "a function in Python"
    program = None
    bent_line = None
    is_logistic = False
    slope_is_given = True
    is_portable = False

    @cached_property
    def function(self) -> Function:
        """The function, of which no pieces are known."""
        return _OpaqueFunction(self.python_value, self.python_derivative)

    @property
    def trained(self) -> Function:
        """The same: it has no other slope."""
        return self.function

    def with_own_derivative(self) -> "PythonActivation":
        """The same values, with a central difference of them for the derivative."""
        return in_python(self.name, self.python_value, partial(_difference, self.python_value))


def in_python(name: str, value: PythonFunction, derivative: PythonFunction) -> PythonActivation:
    """Make an activation of two functions.

    Its definition has a fingerprint of what they give at 2001 points, which tells it from others
    of that name.

    Args:
        name: Its label.
        value: Its values, for an array of any shape.
        derivative: Its derivative, likewise.

    Raises:
        ValueError: If one of them does not give a number for each number.
        Exception: Whatever they raise.
    """
    results = b"".join(_call(part, _FINGERPRINTED).tobytes() for part in (value, derivative))
    fingerprint = hashlib.sha256(results).hexdigest()[:_DIGITS]
    return PythonActivation(
        name,
        f"a function in Python, {fingerprint}",
        python_value=value,
        python_derivative=derivative,
    )


def _difference(function: PythonFunction, x: Array) -> Array:
    """A central difference of a function, with an error of order step**4."""
    step = _STEP * np.maximum(1.0, np.abs(x))
    near, far = (_call(function, x + k * step) - _call(function, x - k * step) for k in (1, 2))
    difference: Array = (8.0 * near - far) / (12.0 * step)
    return difference


def _call(function: PythonFunction, x: Array) -> Array:
    """Call a function on a copy, since it may write to its argument.

    Raises:
        ValueError: If it does not give a number for each number.
    """
    with np.errstate(all="ignore"):
        values = np.asarray(function(x.copy()), dtype=np.float64)
    if values.shape != x.shape:
        raise ValueError(f"gives an array of shape {values.shape} for one of shape {x.shape}")
    return values
