"""What hsig knows of an activation function, and the linear pieces it may have."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple

import numpy as np

from hsig.networks.arrays import Array, BoolArray

Parameter = float | str
Range = tuple[float, float]

_GRID = np.linspace(-50.0, 50.0, 4001)
_ROUNDING = 1e-12  # a value may fall by this, relatively


class LinearPiece(NamedTuple):
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
class Activation(ABC):
    """An activation function in one setting, and where it comes from.

    A subclass is a function, or a family of functions whose parameters are its fields. Adding one
    takes such a class and a row in the same file. Arrays in and out have any shape, the same;
    nan stays nan.

    Attributes:
        name: Its name in hsig.
        source: The paper or program that defines it.
        backward: The slope that training uses: `own`, `logistic`, `output` or
            `straight_through` (see `training_slope`); None if it has none to train with.
        aliases: What its function is called elsewhere with the parameters of its row in the table;
            a dotted one is `framework.name`. See `hsig.networks.activations.names_elsewhere`.
        note: A fact worth knowing before use.
    """

    name: str
    source: str
    backward: str | None = field(default="own", kw_only=True)
    aliases: tuple[str, ...] = field(default=(), kw_only=True)
    note: str = field(default="", kw_only=True)

    is_logistic = False  # whether it is the logistic sigmoid

    @abstractmethod
    def value(self, x: Array) -> Array:
        """Values at pre-activations `x`."""

    @abstractmethod
    def derivative(self, x: Array) -> Array:
        """Derivative in the pre-activation, at `x`."""

    def derivative_at_value(self, x: Array, y: Array) -> Array:
        """The same numbers as `derivative`, where the value at `x` is known to be `y`."""
        del y
        return self.derivative(x)

    @property
    @abstractmethod
    def range(self) -> Range:
        """Smallest and largest value, reached or approached."""

    @property
    @abstractmethod
    def formula(self) -> str:
        """How one would write it, with the parameters in force."""

    @property
    def linear_pieces(self) -> tuple[LinearPiece, ...]:
        """Its linear pieces from left to right; none if it is curved everywhere."""
        return ()

    @property
    def parameters(self) -> Mapping[str, Parameter]:
        """What can be set, with the values in force."""
        own = fields(self)[len(fields(Activation)) :]
        return {parameter.name: getattr(self, parameter.name) for parameter in own}

    @property
    def maps_into_unit_interval(self) -> bool:
        """Whether every value lies within [0, 1], as a probability must."""
        low, high = self.range
        return low >= 0.0 and high <= 1.0

    @property
    def is_linear(self) -> bool:
        """Whether it is a single line."""
        return any(piece.start == -np.inf and piece.stop == np.inf for piece in self.linear_pieces)

    def out_of_reach(self, targets: Array, within: float) -> BoolArray:
        """Which targets no value is nearer to than `within`. Same shape as `targets`.

        >>> from hsig.networks.activations import ACTIVATIONS
        >>> ACTIVATIONS["sigmoid"].out_of_reach(np.array([-0.5, -0.4, 1.2, 1.5]), 0.5).tolist()
        [True, False, False, True]
        """
        far: BoolArray = np.abs(np.clip(targets, *self.range) - targets) >= within
        return far

    @property
    def is_monotonic(self) -> bool:
        """Whether its values never fall as x rises: a grid over [-50, 50] is looked at."""
        with np.errstate(all="ignore"):
            values = self.value(_GRID)
        return bool((np.diff(values) >= -_ROUNDING * np.abs(values[1:])).all())

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

        Raises:
            ValueError: If `backward` is None: there is no gradient.
        """
        match self.backward:
            case "own":
                return self.derivative_at_value(x, y)
            case "logistic":
                return logistic_slope(logistic(x))
            case "output":
                return logistic_slope(y)
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
        changed: dict[str, Any] = {**parameters, "backward": backward or self.backward}
        return replace(self, **changed)


def logistic(x: Array) -> Array:
    """The logistic function, 1 / (1 + exp(-x)).

    Never overflows, and keeps its relative accuracy down to the smallest doubles on the left.

    >>> logistic(np.array([-1.0, 0.0, 1.0])).round(4)
    array([0.2689, 0.5   , 0.7311])
    """
    # exp(x) / (1 + exp(x)) on the left, 1 / (1 + exp(-x)) on the right: no exponent above 0
    return np.exp(np.minimum(x, 0.0)) / (1.0 + np.exp(-np.abs(x)))


def logistic_slope(y: Array) -> Array:
    """Slope of the logistic function where its value is `y`: y * (1 - y)."""
    return y * (1.0 - y)
