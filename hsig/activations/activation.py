"""An activation: its formula, its settings, and the slope that training uses."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np

from hsig.arrays import Array, BoolArray
from hsig.formulas.derivative import substitute_x
from hsig.formulas.function import Function, LinearPiece
from hsig.formulas.nodes import ONE, Node, X, format_formula
from hsig.formulas.parsing import parse
from hsig.formulas.program import Differentiable, Program
from hsig.formulas.simplifying import apply

Parameter = float | str
Settings = tuple[tuple[str, float], ...]

SOFTMAX = "softmax"  # of all outputs of a layer together

# A line between `low` and `high`; outside, `leak` times as steep.
BENT_LINE = (
    "where(slope*x + shift < low, low + leak*(slope*x + shift - low), "
    "where(slope*x + shift > high, high + leak*(slope*x + shift - high), slope*x + shift))"
)

_ROUNDING = 1e-9  # by which a probability may be off
_GRID = np.linspace(-50.0, 50.0, 4001)
# how some formulas are shown
_FAMILIAR = {"sigmoid(x)": "1 / (1 + exp(-x))", "softplus(x)": "log(1 + exp(x))"}


class Alias(NamedTuple):
    """Names elsewhere, with spaces between them; their settings, and what is different here."""

    names: str
    settings: Mapping[str, Parameter]
    caveat: str


class BentLine(NamedTuple):
    """The settings of `BENT_LINE`; the compiled engine has code of its own for it."""

    slope: float  # slope of the middle line
    shift: float  # value of the middle line at x = 0
    low: float  # lower end of the middle line
    high: float  # upper end of the middle line
    leak: float  # slope outside as a fraction of `slope`
    start: float  # the smallest x whose slope is that of the middle line
    stop: float  # the largest


@dataclass(frozen=True)
class Activation:
    """An activation function with its settings, and where it comes from.

    Methods take and return arrays of any shape; nan stays nan.
    """

    name: str  # its name in hsig, or its label
    definition: str  # its formula, in x and its parameters
    source: str = ""  # the paper or program that defines it
    settings: Settings = ()  # its parameters with the values in force
    # where the slope at a kink comes from: one of `hsig.formulas.function.KINKS`
    kink: str = field(default="own", kw_only=True)
    # the slope that training uses: `own`, `logistic`, `output` or `straight_through`; None if it
    # has none to train with
    backward: str | None = field(default="own", kw_only=True)
    # the formula of its slope; empty for the derivative
    slope_definition: str = field(default="", kw_only=True)
    # its names elsewhere
    aliases: tuple[Alias, ...] = field(default=(), kw_only=True, compare=False)
    note: str = field(default="", kw_only=True, compare=False)  # a fact worth knowing before use
    # what is different where it has the name by which it was called
    caveat: str = field(default="", kw_only=True, compare=False)

    @cached_property
    def function(self) -> Function:
        """Its formula with the derivative, pieces and range."""
        return _analyse(self.definition, self.settings, self.kink, self.slope_definition)

    @cached_property
    def trained(self) -> Differentiable:
        """Its formula with the slope that `backward` chooses.

        `own` is the derivative; `logistic` the logistic sigmoid's derivative at the same
        pre-activation; `output` is y * (1 - y) of its own value (what Theano's late rewrite of
        `sigmoid` to `ultra_fast_sigmoid` amounted to); `straight_through` is the slope at 0,
        everywhere.

        Raises:
            ValueError: If `backward` is None: there is no gradient.
        """
        match self.backward:
            case None:
                raise ValueError(f"{self.name} has no gradient of its own; choose a backward slope")
            case "own":
                return self.function
            case "straight_through":
                return _with_slope(self.function, substitute_x(self.function.slope, 0.0))
        y = self.function.value if self.backward == "output" else apply("sigmoid", X)
        return _with_slope(self.function, apply("multiply", y, apply("subtract", ONE, y)))

    def __getstate__(self) -> dict[str, Any]:
        """Send the fields alone to other processes, not the formulas made of them."""
        return {attribute.name: getattr(self, attribute.name) for attribute in fields(self)}

    def value(self, x: Array) -> Array:
        """Values at pre-activations `x`."""
        return self.function.evaluate(x)

    def derivative(self, x: Array) -> Array:
        """Derivative in the pre-activation, at `x`."""
        return np.where(np.isnan(x), x, self.function.evaluate_slope(x))

    def second_derivative(self, x: Array) -> Array:
        """Derivative of the derivative at `x`, exact; at a kink, that of one of its sides."""
        return np.where(np.isnan(x), x, self.function.derivative.evaluate_slope(x))

    def training_slope(self, x: Array, y: Array) -> Array:
        """The slope that `backward` chooses, at pre-activations `x` where the value is `y`."""
        return self.trained.evaluate_slope(x, y)

    @property
    def range(self) -> tuple[float, float]:
        """Smallest and largest value, reached or approached, as far as is known."""
        return self.function.range[:2]

    @property
    def enclosure(self) -> tuple[float, float]:
        """Proved bounds of its values: promises rest on these alone."""
        return self.function.range[2:]

    @property
    def formula(self) -> str:
        """Its formula for people: with the parameters in force, and numbers to six digits."""
        if self.name == SOFTMAX:
            return "exp(x) / (the sum of exp(x) over all outputs)"
        value = self.function.value
        if self.kink != "own" and value.operation == "where_less":
            u, v, yes, no = value.operands
            if yes is v and no is u:  # `kink` says the slope that `max` leaves open
                value = apply("maximum", u, v)
        text = format_formula(value, digits=6)
        return _FAMILIAR.get(text, text)

    @property
    def linear_pieces(self) -> tuple[LinearPiece, ...]:
        """Its linear pieces from left to right; none if it is curved everywhere."""
        return self.function.linear_pieces

    @property
    def parameters(self) -> Mapping[str, float]:
        """The parameters that can be set, with the values in force."""
        return dict(self.settings)

    @property
    def slope_is_given(self) -> bool:
        """Whether its slope is given and not derived from its formula."""
        return bool(self.slope_definition)

    @property
    def is_portable(self) -> bool:
        """Whether it can be sent to another process."""
        return True

    @cached_property
    def is_logistic(self) -> bool:
        """Whether it is the logistic sigmoid, under any name."""
        return self.function.value is apply("sigmoid", X)

    @property
    def trains_as_logistic(self) -> bool:
        """Whether it is the logistic sigmoid with its own slope, under any name."""
        has_own_slope = not self.slope_is_given and self.backward in ("own", "logistic", "output")
        return self.is_logistic and has_own_slope

    @property
    def program(self) -> Program | None:
        """The program for the compiled engine; None if it is not a formula."""
        return (self.function if self.backward is None else self.trained).program

    @cached_property
    def bent_line(self) -> BentLine | None:
        """Its settings, if it is a bent line of the table with one side's slope at its kinks."""
        is_bent_line = self.definition == BENT_LINE and not self.slope_definition
        if not is_bent_line or not self.function.joints_belong_to_pieces:
            return None
        line = {name: value + 0.0 for name, value in self.settings}  # -0 is 0
        for piece in self.linear_pieces:
            if (piece.slope, piece.intercept) == (line["slope"], line["shift"]):
                return BentLine(**line, start=piece.first, stop=piece.last)
        return None

    @property
    def maps_into_unit_interval(self) -> bool:
        """Whether every value is proved to lie within [0, 1], as a probability must."""
        leaves = _leave_unit_interval(self.value(_GRID)) or _leave_unit_interval(self.enclosure)
        return not leaves

    @property
    def leaves_unit_interval(self) -> bool:
        """Whether a value is known to lie outside [0, 1]."""
        return _leave_unit_interval(self.range)

    @property
    def is_linear(self) -> bool:
        """Whether it is a single line."""
        return any(piece.start == -np.inf and piece.stop == np.inf for piece in self.linear_pieces)

    @property
    def is_monotonic(self) -> bool:
        """Whether its values are proved never to fall or never to rise with x."""
        return self.function.is_monotonic

    def crosses_once(self, level: float) -> bool:
        """Whether its values are proved to be above a level on one side of some x only."""
        return self.is_monotonic or _cross_once(self.function, level)

    def out_of_reach(self, targets: Array, within: float) -> BoolArray:
        """Which targets are proved to be `within` or more from every value. Shape of `targets`.

        >>> from hsig.activations import ACTIVATIONS
        >>> ACTIVATIONS["sigmoid"].out_of_reach(np.array([-0.5, -0.4, 1.2, 1.5]), 0.5).tolist()
        [True, False, False, True]
        """
        far: BoolArray = np.abs(np.clip(targets, *self.enclosure) - targets) >= within
        return far

    def with_settings(
        self, parameters: Mapping[str, Parameter], backward: str | None = None
    ) -> "Activation":
        """The same activation with some parameters or the kink changed; `backward` unless None.

        Raises:
            KeyError: If it has no such parameter.
        """
        if unknown := parameters.keys() - {*self.parameters, "kink"}:
            raise KeyError(f"{self.name} has no parameter {', '.join(sorted(unknown))}")
        return replace(
            self,
            settings=tuple((name, float(parameters.get(name, v))) for name, v in self.settings),
            kink=str(parameters.get("kink", self.kink)),
            backward=backward or self.backward,
        )

    def with_own_derivative(self) -> "Activation":
        """The same activation, trained with the derivative of its formula."""
        return replace(self, slope_definition="", backward="own")


# Equal activations share what is made of them: each experiment makes its own.


@lru_cache(maxsize=1024)
def _analyse(definition: str, settings: Settings, kink: str, slope_definition: str) -> Function:
    parameters = dict(settings)
    slope = parse(slope_definition, parameters) if slope_definition else None
    return Function(parse(definition, parameters), kink, slope)


def _leave_unit_interval(values: Array | tuple[float, float]) -> bool:
    return bool((np.less(values, -_ROUNDING) | np.greater(values, 1.0 + _ROUNDING)).any())


@lru_cache(maxsize=1024)
def _cross_once(function: Function, level: float) -> bool:
    return function.crosses_once(level)


@lru_cache(maxsize=1024)
def _with_slope(function: Function, slope: Node) -> Differentiable:
    return Differentiable(function.value, slope)
