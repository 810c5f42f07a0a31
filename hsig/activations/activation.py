"""One activation: its formula, its settings, its kinks; and how a row of the table is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from hsig.arrays import Array, BoolArray
from hsig.formulas.derivative import substitute_x
from hsig.formulas.function import ClippedLine, Function, LinearPiece, to_clipped_line
from hsig.formulas.nodes import ONE, Node, X, format_formula
from hsig.formulas.parsing import parse
from hsig.formulas.program import Differentiable, Program
from hsig.formulas.simplifying import apply

# --- record --------------------------------------------------------------------------------------

# What hsig knows of an activation function: a formula, its settings, and where it comes from.

Parameter = float | str
Range = tuple[float, float]
Settings = tuple[tuple[str, float], ...]

_GRID = np.linspace(-50.0, 50.0, 4001)
_ROUNDING = 1e-12  # a value may fall by this, relatively


@dataclass(frozen=True)
class Activation:
    """An activation function in one setting, and where it comes from.

    Arrays in and out have any shape, the same; nan stays nan.

    Attributes:
        name: Its name in hsig, or its label.
        definition: Its formula, in x and its parameters.
        source: The paper or program that defines it.
        settings: Its parameters, by name, with the values in force.
        kink: The slope at its kinks: one of `hsig.formulas.function.KINKS`.
        backward: The slope that training uses: `own`, `logistic`, `output` or
            `straight_through`; None if it has none to train with.
        slope_definition: The formula of its slope; empty for the derivative.
        spellings: What it is called elsewhere: several names that mean the same, with spaces
            between them, and the settings that they mean.
        note: A fact worth knowing before use.
    """

    name: str
    definition: str
    source: str = ""
    settings: Settings = ()
    kink: str = field(default="own", kw_only=True)
    backward: str | None = field(default="own", kw_only=True)
    slope_definition: str = field(default="", kw_only=True)
    spellings: tuple[tuple[str, str], ...] = field(default=(), kw_only=True, compare=False)
    note: str = field(default="", kw_only=True, compare=False)

    @cached_property
    def function(self) -> Function:
        """Its formula, understood."""
        return _understood(self.definition, self.settings, self.kink, self.slope_definition)

    @cached_property
    def trained(self) -> Differentiable:
        """The same with the slope that `backward` chooses.

        Raises:
            ValueError: If `backward` is None: there is no gradient.
        """
        if self.backward is None:
            raise ValueError(f"{self.name} has no gradient of its own; choose a backward slope")
        own = (self.definition, self.settings, self.kink, self.slope_definition)
        return _trained(*own, self.backward)

    def __getstate__(self) -> dict[str, Any]:
        """What is sent to another process: not what is made of it."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

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
        """The slope that `backward` chooses, at pre-activations `x` where the value is `y`.

        `own` is the derivative; `logistic` the logistic sigmoid's derivative at the same
        pre-activation; `output` is y * (1 - y) of its own value (what Theano's late rewrite of
        `sigmoid` to `ultra_fast_sigmoid` amounted to); `straight_through` is the slope at 0,
        everywhere.

        Raises:
            ValueError: If `backward` is None: there is no gradient.
        """
        return self.trained.evaluate_slope(x, y)

    @property
    def range(self) -> Range:
        """Smallest and largest value, reached or approached."""
        return self.function.range

    @property
    def formula(self) -> str:
        """How one would write it, with the parameters in force, its numbers to six digits."""
        written = format_formula(_for_reading(self), digits=6)
        return _MEANINGS.get(written, written)

    @property
    def linear_pieces(self) -> tuple[LinearPiece, ...]:
        """Its linear pieces from left to right; none if it is curved everywhere."""
        return self.function.linear_pieces

    @property
    def parameters(self) -> Mapping[str, float]:
        """What can be set, with the values in force; beside these, `kink` and `backward`."""
        return dict(self.settings)

    @property
    def slope_is_given(self) -> bool:
        """Whether its slope is not derived from its formula."""
        return bool(self.slope_definition)

    @property
    def is_portable(self) -> bool:
        """Whether another process can be told of it."""
        return True

    @property
    def is_logistic(self) -> bool:
        """Whether it is the logistic sigmoid, under any name."""
        return self.function.value is apply("sigmoid", X)

    @property
    def program(self) -> Program | None:
        """What the compiled engine runs; None of an activation that is no formula."""
        return (self.function if self.backward is None else self.trained).program

    @property
    def clipped_line(self) -> ClippedLine | None:
        """Itself as a line that is clipped or bent at its ends, with its derivative; else None."""
        return None if self.slope_is_given else _as_clipped_line(self.function)

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

        >>> from hsig.activations import ACTIVATIONS
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
        usual = not self.slope_is_given and self.backward in ("own", "logistic", "output")
        return self.is_logistic and usual

    def with_settings(
        self, parameters: Mapping[str, Parameter], backward: str | None
    ) -> "Activation":
        """The same activation with some parameters or the kink changed; `backward` unless None.

        Raises:
            KeyError: If it has no such parameter.
        """
        own = dict(self.settings)
        unknown = set(parameters) - set(own) - {"kink"}
        if unknown:
            raise KeyError(f"{self.name} has no parameter {', '.join(sorted(unknown))}")
        changed: dict[str, Any] = {
            "settings": tuple((name, float(parameters.get(name, own[name]))) for name in own),
            "kink": parameters.get("kink", self.kink),
            "backward": backward or self.backward,
        }
        return replace(self, **changed)


@lru_cache(maxsize=1024)
def _understood(definition: str, settings: Settings, kink: str, slope: str) -> Function:
    parameters = dict(settings)
    given = parse(slope, parameters) if slope else None
    return Function(parse(definition, parameters), kink, given)


@lru_cache(maxsize=1024)
def _trained(
    definition: str, settings: Settings, kink: str, slope: str, backward: str
) -> Differentiable:
    own = _understood(definition, settings, kink, slope)
    match backward:
        case "own":
            return own
        case "straight_through":
            chosen = substitute_x(own.slope, 0.0)
        case _:
            y = own.value if backward == "output" else apply("sigmoid", X)
            chosen = apply("multiply", y, apply("subtract", ONE, y))
    return Differentiable(own.value, chosen)


_MEANINGS = {"sigmoid(x)": "1 / (1 + exp(-x))", "softplus(x)": "log(1 + exp(x))"}
_as_clipped_line = lru_cache(maxsize=1024)(to_clipped_line)


def _for_reading(activation: Activation) -> Node:
    """Its formula; where the slope at a kink is told apart, a bend may be a maximum."""
    value = activation.function.value
    if activation.kink != "own" and value.operation == "where_less":
        u, v, yes, no = value.operands
        if yes is v and no is u:
            return apply("maximum", u, v)
    return value


# --- rows ----------------------------------------------------------------------------------------

# What a row of the table is made of.

# A line between `low` and `high`; outside, `leak` times as steep.
BENT_LINE = (
    "where(slope*x + shift < low, low + leak*(slope*x + shift - low), "
    "where(slope*x + shift > high, high + leak*(slope*x + shift - high), slope*x + shift))"
)


def row(
    name: str,
    formula: str,
    source: str,
    *spellings: str | tuple[str, str],
    kink: str = "own",
    backward: str | None = "own",
    note: str = "",
    **parameters: float,
) -> Activation:
    """An activation of the table.

    Args:
        name: Its name in hsig.
        formula: In x and the parameters.
        source: The paper or program that defines it.
        spellings: What it is called elsewhere, names with spaces between them; with settings, if
            it is another setting there.
        kink: The slope at its kinks.
        backward: The slope that training uses; None if it has none.
        note: A fact worth knowing before use.
        parameters: Their defaults.
    """
    return Activation(
        name,
        formula,
        source,
        tuple((parameter, float(value)) for parameter, value in parameters.items()),
        kink=kink,
        backward=backward,
        spellings=tuple((one, "") if isinstance(one, str) else one for one in spellings),
        note=note,
    )
