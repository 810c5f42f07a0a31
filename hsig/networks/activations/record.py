"""What hsig knows of an activation function, and the linear pieces it may have."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from hsig.networks.activations.logistic import (
    sigmoid,
    sigmoid_derivative,
    sigmoid_derivative_from_value,
)
from hsig.networks.arrays import Array, BoolArray

Parameter = float | str
Range = tuple[float, float]


@dataclass(frozen=True)
class LinearPiece:
    """An interval on which an activation is the line `slope * x + intercept`.

    `start_closed` and `stop_closed` say whether an end belongs to the piece, that is, whether
    the derivative *at* the end is this piece's slope.
    """

    start: float
    stop: float
    slope: float
    intercept: float
    start_closed: bool
    stop_closed: bool

    def contains(self, x: Array) -> BoolArray:
        """Which of `x` lie on this piece. Same shape as `x`."""
        after_start = x >= self.start if self.start_closed else x > self.start
        before_stop = x <= self.stop if self.stop_closed else x < self.stop
        inside: BoolArray = after_start & before_stop
        return inside


@dataclass(frozen=True)
class Activation:
    """An activation function, its slope, and where it comes from.

    Attributes:
        name: Its name in hsig.
        function: Value; takes pre-activations of any shape and the parameters.
        slope: Derivative in the pre-activation; takes the same.
        bounds: Smallest and largest value, or a function of the parameters that gives them.
        source: The paper or program that defines it.
        formula: How one would write it, or a function of the parameters that does.
        pieces: Its linear pieces from left to right, none if it is curved everywhere, or a
            function of the parameters that gives them.
        parameters: What can be set, with the values in force.
        slope_from_value: The same numbers as `slope`, from the value, where that saves work.
        backward: The slope that training uses: `own`, `logistic`, `output` or
            `straight_through` (see `training_slope`); None if it has none to train with.
        aliases: What it is called elsewhere; a dotted one is `framework.name`.
        note: A fact worth knowing before use.
    """

    name: str
    function: Callable[..., Array]
    slope: Callable[..., Array]
    bounds: Range | Callable[..., Range]
    source: str
    formula: str | Callable[..., str]
    pieces: tuple[LinearPiece, ...] | Callable[..., tuple[LinearPiece, ...]] = ()
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    slope_from_value: Callable[[Array], Array] | None = None
    backward: str | None = "own"
    aliases: tuple[str, ...] = ()
    note: str = ""

    def value(self, x: Array) -> Array:
        """Values at pre-activations `x`; same shape."""
        return self.function(x, **self.parameters)

    def derivative(self, x: Array) -> Array:
        """Derivative in the pre-activation at `x`; same shape."""
        return self.slope(x, **self.parameters)

    @property
    def range(self) -> Range:
        """Smallest and largest value, reached or approached."""
        return self.bounds(**self.parameters) if callable(self.bounds) else self.bounds

    @property
    def linear_pieces(self) -> tuple[LinearPiece, ...]:
        """The linear pieces with the parameters in force, from left to right."""
        return self.pieces(**self.parameters) if callable(self.pieces) else self.pieces

    @property
    def definition(self) -> str:
        """How one would write it, with the parameters in force."""
        return self.formula(**self.parameters) if callable(self.formula) else self.formula

    @property
    def maps_into_unit_interval(self) -> bool:
        """Whether every value lies within [0, 1], as a probability must."""
        low, high = self.range
        return low >= 0.0 and high <= 1.0

    @property
    def is_logistic(self) -> bool:
        """Whether it is the logistic sigmoid."""
        return self.function is sigmoid

    @property
    def trains_as_logistic(self) -> bool:
        """Whether it is the logistic sigmoid, trained with its own slope under any name."""
        return self.is_logistic and self.backward in ("own", "logistic", "output")

    def training_slope(self, x: Array, y: Array) -> Array:
        """The slope that `backward` chooses, at pre-activations `x` where the value is `y`.

        `own` is the derivative; `logistic` the logistic sigmoid's derivative at the same
        pre-activation; `output` is y * (1 - y) of its own value (what Theano's late rewrite of
        `sigmoid` to `ultra_fast_sigmoid` amounted to); `straight_through` is the slope at 0,
        everywhere.

        Args:
            x: Pre-activations, any shape.
            y: The values at `x`, same shape.

        Returns:
            Same shape as `x`.

        Raises:
            ValueError: If `backward` is None: there is no gradient.
        """
        match self.backward:
            case "own" if self.slope_from_value is not None:
                return self.slope_from_value(y)
            case "own":
                return self.derivative(x)
            case "logistic":
                return sigmoid_derivative(x)
            case "output":
                return sigmoid_derivative_from_value(y)
            case "straight_through":
                return np.full_like(x, self.derivative(np.zeros(1))[0])
        raise ValueError(f"{self.name} has no gradient of its own; choose a backward slope")

    def with_settings(
        self, parameters: Mapping[str, Parameter], backward: str | None
    ) -> "Activation":
        """The same activation with some parameters changed, and with `backward` unless None.

        Raises:
            KeyError: If it has no such parameter.
        """
        unknown = set(parameters) - set(self.parameters)
        if unknown:
            raise KeyError(f"{self.name} has no parameter {', '.join(sorted(unknown))}")
        return replace(
            self,
            parameters={**self.parameters, **parameters},
            backward=self.backward if backward is None else backward,
        )
