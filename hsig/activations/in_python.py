"""Activations that are functions in Python, with their derivatives: for what no formula can say."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from math import prod
from typing import Any

import numpy as np

from hsig.activations.activation import Activation
from hsig.arrays import Array
from hsig.errors import RunError
from hsig.formulas.enclosure import Range
from hsig.formulas.function import Function
from hsig.formulas.nodes import X

PythonFunction = Callable[[Array], Any]  # of what it gives, `_call` makes an array or an error

_TRIED_SHAPES = ((5,), (4, 3, 2))
_FINGERPRINTED = np.linspace(-20.0, 20.0, 2001)
_FAR = np.geomspace(50.0, 1e150, 400)
_LOOKED_AT = np.concatenate([-_FAR[::-1], np.linspace(-50.0, 50.0, 20_001), _FAR])
_NEAR_END, _MIN_GROWTH = 1e75, 1e-6  # what grows by so much beyond grows for ever
_DIGITS = 12  # of a fingerprint
_REAL = "fiub"  # kinds of types of NumPy: the others are not numbers, or have a part more
_STEP = 1e-3  # relative, of a central difference


class _OpaqueFunction(Function):
    """A function that is only computed: it has no known pieces, kinks or breakpoints."""

    breakpoints_are_complete = False
    is_monotonic = False  # as far as can be proved

    def __init__(self, value: Callable[[Array], Array], slope: Callable[[Array], Array]) -> None:
        super().__init__(X)  # stands for a formula
        self._call_value, self._call_slope = value, slope
        self.pieces, self._intervals, self._joints = (), [], []

    def evaluate(self, x: Array) -> Array:
        return self._call_value(x)

    def evaluate_slope(self, x: Array, values: Array | None = None) -> Array:
        del values
        return self._call_slope(x)

    def crosses_once(self, level: float) -> bool:
        """Whether it is proved to: nothing is."""
        del level
        return False

    @cached_property
    def range(self) -> Range:
        """The values on a grid, of which no other bounds can be proved."""
        values = self.evaluate(_LOOKED_AT)
        low, high = float(np.fmin.reduce(values)), float(np.fmax.reduce(values))
        inner = values[np.abs(_LOOKED_AT) <= _NEAR_END]
        if low < np.fmin.reduce(inner) - _MIN_GROWTH * abs(low):
            low = -np.inf
        if high > np.fmax.reduce(inner) + _MIN_GROWTH * abs(high):
            high = np.inf
        return Range(low + 0.0, high + 0.0, -np.inf, np.inf)

    @cached_property
    def derivative(self) -> Function:
        """Its derivative, whose own is a central difference."""
        return _OpaqueFunction(self._call_slope, partial(_difference, self._call_slope))


@dataclass(frozen=True)
class PythonActivation(Activation):
    """An activation that is a function in Python; only the reference engine trains it."""

    python_value: PythonFunction = field(kw_only=True)  # its values, for an array of any shape
    python_derivative: PythonFunction = field(kw_only=True)  # its derivative, likewise

    formula = "a function in Python"
    program = None
    bent_line = None
    is_logistic = False
    slope_is_given = True
    is_portable = False

    @cached_property
    def function(self) -> Function:
        """The function, of which no pieces are known."""
        return _OpaqueFunction(
            partial(_call, f"{self.name}: value", self.python_value),
            partial(_call, f"{self.name}: derivative", self.python_derivative),
        )

    @property
    def maps_into_unit_interval(self) -> bool:
        """Whether no value is known to lie outside [0, 1]: none can be proved to lie within."""
        return not self.leaves_unit_interval

    @property
    def trained(self) -> Function:
        """The same: it has no other slope."""
        return self.function

    def with_own_derivative(self) -> "PythonActivation":
        """The same values, with a central difference of them for the derivative."""
        return in_python(self.name, self.python_value, partial(_difference, self.function.evaluate))


def in_python(name: str, value: PythonFunction, derivative: PythonFunction) -> PythonActivation:
    """Make an activation of two functions.

    Its definition has a fingerprint of what they give at 2001 points, which tells it from others
    of that name. Both take an array of any shape.

    Raises:
        RunError: If one of them does not give a real number for each number.
    """
    activation = PythonActivation(name, "", python_value=value, python_derivative=derivative)
    results = b""
    for call in (activation.function.evaluate, activation.function.evaluate_slope):
        for shape in _TRIED_SHAPES:
            call(np.linspace(-1.0, 1.0, prod(shape)).reshape(shape))
        results += call(_FINGERPRINTED).tobytes()
    fingerprint = hashlib.sha256(results).hexdigest()[:_DIGITS]
    return replace(activation, definition=f"a function in Python, {fingerprint}")


def _difference(function: Callable[[Array], Array], x: Array) -> Array:
    """A central difference of a function, with an error of order step**4."""
    step = _STEP * np.maximum(1.0, np.abs(x))
    near, far = (function(x + k * step) - function(x - k * step) for k in (1, 2))
    difference: Array = (8.0 * near - far) / (12.0 * step)
    return difference


def _call(where: str, function: PythonFunction, x: Array) -> Array:
    """Call a function on a copy, and copy what it gives: it may write to both later.

    Raises:
        RunError: If it does not give a real number for each number; it says what it did.
    """
    try:
        with np.errstate(all="ignore"):
            values = np.asanyarray(function(x.copy()))
    except Exception as problem:
        raise RunError(
            f"{where}: raises {type(problem).__name__}: {problem}, for an array of shape "
            f"{x.shape}. Expected a function of arrays, such as one of NumPy"
        ) from problem
    if type(values) is not np.ndarray:
        got = f"a {type(values).__name__}"
    elif values.shape != x.shape:
        got = f"an array of shape {values.shape}"
    elif values.dtype.kind not in _REAL:
        got = f"an array of type {values.dtype.name}"
    else:
        return np.array(values, dtype=np.float64)
    raise RunError(
        f"{where}: gives {got} for one of shape {x.shape}. Expected a plain array of real numbers, "
        "a number for each number"
    )
