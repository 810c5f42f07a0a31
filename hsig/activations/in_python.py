"""Activations that are functions in Python, with their derivatives: what a formula cannot say."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from hsig.activations.activation import Activation
from hsig.arrays import Array
from hsig.formulas.function import Function
from hsig.formulas.nodes import X

Computed = Callable[[Array], Array]

_LOOKED_AT = np.linspace(-20.0, 20.0, 2001)
_DIGITS = 12  # of a fingerprint
_STEP = 1e-3  # relative, of a central difference


class _Computed(Function):
    """A function of which nothing is known but how it and its derivative are computed."""

    def __init__(self, value: Computed, derivative: Computed) -> None:
        super().__init__(X)  # of which no piece, kink or end is told
        self._computed, self._derivative = value, derivative
        self.pieces, self._intervals, self._joints = (), [], []

    @cached_property
    def derivative(self) -> Function:
        """Its derivative, whose own is a central difference with an error of order step**4."""
        return _Computed(self._derivative, self._difference)

    def _difference(self, x: Array) -> Array:
        step = _STEP * np.maximum(1.0, np.abs(x))
        near, far = (
            self.evaluate_slope(x + k * step) - self.evaluate_slope(x - k * step) for k in (1, 2)
        )
        difference: Array = (8.0 * near - far) / (12.0 * step)
        return difference

    @property
    def breakpoints_are_complete(self) -> bool:
        """Nobody knows where it may have a kink or jump."""
        return False

    def evaluate(self, x: Array) -> Array:
        return _called(self._computed, x)

    def evaluate_slope(self, x: Array, values: Array | None = None) -> Array:
        del values
        return _called(self._derivative, x)


@dataclass(frozen=True)
class PythonActivation(Activation):
    """An activation that is a function in Python; only the reference engine trains it.

    Attributes:
        computed: Its values, of an array of any shape.
        derivative_computed: Its derivative, likewise.
    """

    computed: Computed = field(kw_only=True)
    derivative_computed: Computed = field(kw_only=True)

    @cached_property
    def function(self) -> Function:
        """What is known of it."""
        return _Computed(self.computed, self.derivative_computed)

    @property
    def trained(self) -> Function:
        """The same: it has no other slope."""
        return self.function

    @property
    def formula(self) -> str:
        """That it is none."""
        return "a function in Python"

    program = None
    clipped_line = None
    is_logistic = False
    slope_is_given = True
    is_portable = False


def in_python(name: str, value: Computed, derivative: Computed) -> PythonActivation:
    """An activation of two functions.

    Its definition tells it from others of the name by what it gives at 2001 points.

    Args:
        name: Its label.
        value: Its values, of an array of any shape.
        derivative: Its derivative, likewise.

    Raises:
        ValueError: If one of them does not give a number for each number.
        Exception: Whatever they raise.
    """
    given = b"".join(_called(part, _LOOKED_AT).tobytes() for part in (value, derivative))
    seen = hashlib.sha256(given).hexdigest()[:_DIGITS]
    definition = f"a function in Python, {seen}"
    return PythonActivation(name, definition, computed=value, derivative_computed=derivative)


def _called(function: Computed, x: Array) -> Array:
    """What a function gives, on copies: it may write to what it gets.

    Raises:
        ValueError: If that is not a number for each number.
    """
    with np.errstate(all="ignore"):
        found = np.asarray(function(x.copy()), dtype=np.float64)
    if found.shape != x.shape:
        raise ValueError(f"gives an array of shape {found.shape} for one of shape {x.shape}")
    return found
