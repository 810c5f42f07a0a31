"""Kinds of values: how each is checked, described to an editor, completed and written back.

A kind knows its own range and words. What it needs of the tables of `hsig.networks` and the like it
imports when it is asked, so that help is instant.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import exp, inf, isfinite, isnan, log
from sys import float_info
from typing import TYPE_CHECKING, Any, ClassVar

from hsig.config.values import (
    INVALID,
    InvalidValue,
    Json,
    Location,
    as_finite,
    describe,
    each,
    is_number,
    nearest,
    read_part,
)

if TYPE_CHECKING:
    from hsig.experiments.experiment import Experiment
    from hsig.networks.losses import Loss


# --- kinds ---------------------------------------------------------------------------------------

Schema = dict[str, object]

SEED_LARGEST = 2**32 - 1
MAX_DEPTH = 8  # hidden layers
NUMBERS: Schema = {"type": "array", "minItems": 1, "items": {"type": "number"}}
ROWS: Schema = {"type": "array", "minItems": 1, "items": NUMBERS}
_LISTED: Schema = {"type": "string", "pattern": "^[0-9]+(,[0-9]+)+$"}


class Kind(ABC):
    """What the values of a key are.

    Attributes:
        empty_value: What an experiment has where an optional key has no value.
        listed: Whether a list is one value.
    """

    empty_value: ClassVar[Any] = None
    listed: ClassVar[bool] = False

    @abstractmethod
    def check(self, value: object, place: Location) -> Any:
        """What a plain value means, as an experiment has it.

        Raises:
            InvalidValue: If it means nothing; what is wrong with it has been noted.
        """

    @abstractmethod
    def schema(self) -> Schema:
        """A JSON Schema of the plain values."""

    def split_values(self, text: str) -> Sequence[str]:
        """The values of a text with commas between them; by default it is one, commas and all."""
        return [text]

    def names(self) -> Sequence[str]:
        """Words that a value may be."""
        return ()

    def complete(self, typed: str) -> list[str]:
        """What a shell offers."""
        return starting(self.names(), typed)

    def complete_several(self, typed: str) -> list[str]:
        """What a shell offers for the last of several values."""
        last = self.split_values(typed)[-1]
        before = typed.removesuffix(last)
        return self.complete(typed) or [before + word for word in self.complete(last)]

    def document(self, value: Any) -> Json:
        """What an experiment has, as a plain value of which `check` makes the same."""
        written: Json = value
        return written

    def resolved(self, experiment: "Experiment", name: str) -> Json:
        """What the key of this name would be in a config of the experiment."""
        return self.document(getattr(experiment, name))


def starting(words: Iterable[str], typed: str) -> list[str]:
    """The words that start as typed."""
    return [word for word in words if word.startswith(typed)]


def complete_list(names: Iterable[str], typed: str) -> list[str]:
    """The last of several names with commas between them."""
    before, comma, last = typed.rpartition(",")
    return [before + comma + name for name in starting(names, last)]


def mapping_schema(properties: Schema, required: Sequence[str] = ()) -> Schema:
    """The schema of a mapping with these keys and no other."""
    schema: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return {**schema, "required": list(required)} if required else schema


# --- numbers and choices ----------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class Number(Kind):
    """A number within a range.

    Attributes:
        low: Smallest value.
        high: Largest value.
        above: Whether `low` itself is excluded.
        infinite: Whether it may be infinite.
    """

    low: float = -inf
    high: float = inf
    above: bool = False
    infinite: bool = False

    noun: ClassVar[str] = "a number"
    type: ClassVar[str] = "number"

    def check(self, value: object, place: Location) -> float:
        if self.infinite and value in ("Infinity", "-Infinity"):
            value = float(str(value))
        number = self._read(value)
        if number is None or isnan(number):
            raise place.expected(f"{self.noun}{self._bound}", value)
        if not self.infinite and not isfinite(number):
            raise place.expected(f"a finite number{self._bound}", value)
        if number < self.low or (self.above and number == self.low):
            raise place.expected(f"{self.noun}{self._bound}", value)
        if number > self.high:
            raise place.expected(f"{self.noun} of at most {self.high:.15g}", value)
        return number

    def split_values(self, text: str) -> Sequence[str]:
        return text.split(",")

    def _read(self, value: object) -> float | None:
        return float(value) if is_number(value) else None

    @property
    def _bound(self) -> str:
        if not isfinite(self.low):
            return ""
        return f" above {self.low:g}" if self.above else f" of at least {self.low:g}"

    def schema(self) -> Schema:
        schema: Schema = {"type": self.type}
        if isfinite(self.low):
            schema["exclusiveMinimum" if self.above else "minimum"] = self.low
        if isfinite(self.high):
            schema["maximum"] = self.high
        if self.infinite:
            return {"anyOf": [schema, {"enum": ["Infinity", "-Infinity"]}]}
        return schema


class Whole(Number):
    """A whole number; 1e3 is one."""

    noun = "a whole number"
    type = "integer"

    def check(self, value: object, place: Location) -> int:
        return int(super().check(value, place))

    def _read(self, value: object) -> float | None:
        return int(value) if is_number(value) and isfinite(value) and value == int(value) else None


@dataclass(frozen=True, eq=False, repr=False)
class Choice(Kind):
    """One of some words."""

    words: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        return self.words

    def check(self, value: object, place: Location) -> Any:
        names = self.names()
        if value is INVALID:
            raise InvalidValue
        if not isinstance(value, str) or value not in names:
            got = f"got {describe(value)}.{nearest(value, names)}"
            raise place.wrong(f"expected one of {', '.join(names)}, {got}")
        return value

    def split_values(self, text: str) -> Sequence[str]:
        return text.split(",")

    def schema(self) -> Schema:
        return {"enum": list(self.names())}


class LossName(Choice):
    """The name of a loss."""

    def names(self) -> tuple[str, ...]:
        from hsig.networks.losses import LOSSES

        return tuple(LOSSES)

    def check(self, value: object, place: Location) -> "Loss":
        from hsig.networks.losses import LOSSES

        return LOSSES[super().check(value, place)]

    def document(self, value: "Loss") -> Json:
        return value.name


class EngineName(Choice):
    """The name of an engine, or a word for the fastest."""

    def names(self) -> tuple[str, ...]:
        from hsig.engines.choice import ENGINES

        return "auto", *ENGINES

    def check(self, value: object, place: Location) -> str:
        from hsig.engines.choice import ENGINES, fastest_engine

        name: str = super().check(value, place)
        if name == "auto":
            return fastest_engine()
        if not ENGINES[name].is_available():
            raise place.wrong(
                f"the engine {name} cannot be used: it was not built when hsig was installed, "
                "for which it takes a C compiler. Use auto or reference"
            )
        return name


class ScaleName(Choice):
    """What is done to the scale of each input."""

    def names(self) -> tuple[str, ...]:
        from hsig.networks.tasks import SCALES

        return SCALES


class Verdict(Choice):
    """What became of a seed, in a word."""

    def names(self) -> tuple[str, ...]:
        from hsig.experiments.verdicts import VERDICTS

        return VERDICTS


# --- several numbers --------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class Seeds(Kind):
    """A count n for the seeds 0 to n - 1, or a list without repeats."""

    count: Whole
    listed: ClassVar[bool] = True

    def check(self, value: object, place: Location) -> tuple[int, ...]:
        if isinstance(value, str) and "," in value:
            value = [read_part(part, place) for part in value.split(",")]
        if not isinstance(value, list):
            return tuple(range(self.count.check(value, place)))
        if not value or len(value) > self.count.high:
            raise place.expected(f"1 to {self.count.high:.15g} seeds", value)
        seeds = tuple(each(partial(_SEED.check, s, place.below(i)) for i, s in enumerate(value)))
        if len(set(seeds)) < len(seeds):
            raise place.wrong(
                f"expected seeds without repeats, got {_repeated(seeds)} more than once"
            )
        return seeds

    def schema(self) -> Schema:
        listed = {"type": "array", "minItems": 1, "uniqueItems": True, "items": _SEED.schema()}
        return {"anyOf": [self.count.schema(), listed, _LISTED]}

    def document(self, value: tuple[int, ...]) -> Json:
        return list(value)


def _repeated(seeds: Sequence[int]) -> int:
    """The first that was there before."""
    places = {seed: place for place, seed in reversed([*enumerate(seeds)])}
    return next(seed for place, seed in enumerate(seeds) if places[seed] != place)


_SEED = Whole(0, SEED_LARGEST)


@dataclass(frozen=True, eq=False, repr=False)
class Epochs(Kind):
    """Whole numbers in rising order: one, a list, or a text with commas."""

    one: Whole
    empty_value = ()

    def check(self, value: object, place: Location) -> tuple[int, ...]:
        if isinstance(value, str):
            value = [read_part(part, place) for part in value.split(",")]
        listed = value if isinstance(value, list) else [value]
        if not listed:
            raise place.expected("epochs, such as 500,2000", value)
        epochs = each(partial(self.one.check, e, place.below(i)) for i, e in enumerate(listed))
        if epochs != sorted(set(epochs)):
            raise place.wrong(f"expected epochs in rising order, got {', '.join(map(str, epochs))}")
        return tuple(epochs)

    def schema(self) -> Schema:
        one = self.one.schema()
        return {"anyOf": [one, _LISTED, {"type": "array", "minItems": 1, "items": one}]}

    def document(self, value: tuple[int, ...]) -> Json:
        return list(value) or None


@dataclass(frozen=True, eq=False, repr=False)
class Hidden(Kind):
    """Units of the hidden layers: a number for one layer, `8-8` or a list for several."""

    units: Whole
    listed: ClassVar[bool] = True

    def check(self, value: object, place: Location) -> tuple[int, ...]:
        if isinstance(value, str) and "-" in value.strip("-"):
            value = [read_part(part, place) for part in value.split("-")]
        if not isinstance(value, list):
            return (self.units.check(value, place),)
        if not 1 <= len(value) <= MAX_DEPTH:
            raise place.expected(f"1 to {MAX_DEPTH} hidden layers", value)
        return tuple(
            each(partial(self.units.check, u, place.below(i)) for i, u in enumerate(value))
        )

    def split_values(self, text: str) -> Sequence[str]:
        return self.units.split_values(text)

    def schema(self) -> Schema:
        units = self.units.schema()
        layers = {"type": "array", "minItems": 1, "maxItems": MAX_DEPTH, "items": units}
        return {"anyOf": [units, layers, {"type": "string", "pattern": "^[0-9]+(-[0-9]+)+$"}]}

    def document(self, value: tuple[int, ...]) -> Json:
        return value[0] if len(value) == 1 else list(value)


@dataclass(frozen=True, eq=False, repr=False)
class Workers(Kind):
    """How many threads or processes train, or `auto` for as many as there are cores."""

    number: Whole

    def check(self, value: object, place: Location) -> int | None:
        return None if value == "auto" else self.number.check(value, place)

    def schema(self) -> Schema:
        return {"anyOf": [{"enum": ["auto"]}, self.number.schema()]}

    def names(self) -> Sequence[str]:
        return ("auto",)

    def document(self, value: int | None) -> Json:
        return value or "auto"


# --- settings ------------------------------------------------------------------------------------

# The settings of activations, and what their values are.

# the slope at a kink, from those of both sides: `hsig.formulas.function.KINKS`
KINKS = ("own", "open", "closed", "left", "right", "mean", "sum")
PARAMETERS: Mapping[str, Number | Choice] = {  # the settings of activations
    "slope": Number(0.0, 1e9, above=True),
    "shift": Number(-1e9, 1e9),
    "low": Number(infinite=True),
    "high": Number(infinite=True),
    "leak": Number(0.0, 1.0),
    "kink": Choice(KINKS),
    "alpha": Number(0.0, 1e9, above=True),
    "beta": Number(0.0, 1e9, above=True),
    "b": Number(0.0, 1e9),
    "a": Number(-1e9, 1e9),
    "bound": Number(0.0, 1e9),
    "gamma": Number(0.0, 1e9, above=True),
    "scale": Number(-1e9, 1e9),
    "steepness": Number(0.0, 1e9, above=True),
    "threshold": Number(infinite=True),
    "value": Number(-1e9, 1e9),
    "backward": Choice(("own", "logistic", "output", "straight_through")),
}
OF_A_FORMULA = Number(-1e9, 1e9, infinite=True)  # a parameter of a user's own
PARAMETER_ALIASES = {"negative_slope": "leak"}  # PyTorch's and JAX's word
SLOPES = ("kink", "backward")  # settings of every activation
SAME = "same"  # the output's activation is the hidden layer's


def kind_of_setting(name: str, *, of_a_formula: bool = False) -> Number | Choice:
    """The kind of a setting; a parameter of a formula is any number."""
    own = of_a_formula and name not in SLOPES
    return OF_A_FORMULA if own else PARAMETERS.get(name, OF_A_FORMULA)


# --- ranges --------------------------------------------------------------------------------------

# Several values of a key: a list of them, or so many between two ends.
#
# Nothing heavy is imported.

VALUES_MOST = 1_000_000
TUNED_MOST = 50  # values that are tried for each variant
_SCALES = ("linear", "log")
# of the values between the ends: as few as can be read well, or as tell them apart
_LOG_DIGITS, _LINEAR_DIGITS, _ALL_DIGITS = 4, 12, 17
_FIRST_TRIED = 100  # values
_COMPACT = re.compile(r"(linear|log):(.+?)\.\.(.+):(.+)")

_SCALE: Schema = {"type": "array", "minItems": 3, "maxItems": 3, "items": {"type": "number"}}
VALUES_SCHEMA: Schema = {
    "oneOf": [
        {"type": "array", "minItems": 1},
        {
            "type": "object",
            "properties": dict.fromkeys(_SCALES, _SCALE),
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
        },
        {"type": "string", "pattern": "^(linear|log):.+[.][.].+:.+$"},
    ]
}


def spells_several(value: object) -> bool:
    """Whether a value is so many between two ends."""
    if isinstance(value, Mapping):
        return bool(value) and value.keys() <= set(_SCALES)
    return isinstance(value, str) and _COMPACT.fullmatch(value) is not None


def read_values(value: object, place: Location, *, whole: bool) -> list[tuple[object, Location]]:
    """The values of a list, `{log: [from, to, n]}` or `log:FROM..TO:N`, each with its place.

    Args:
        value: As it was given.
        place: Its place.
        whole: Whether values between the ends are rounded to whole numbers.

    Raises:
        InvalidValue: If it is none of these.
    """
    if isinstance(value, list) and value:
        return [(part, place.below(index)) for index, part in enumerate(value)]
    if isinstance(value, Mapping) and len(value) == 1:
        ((scale, ends),) = value.items()
        if scale in _SCALES and isinstance(ends, list) and len(ends) == 3:
            below = place.below(scale)
            return [(part, below) for part in _spaced(scale, ends, below, whole=whole)]
    if isinstance(value, str) and (compact := _COMPACT.fullmatch(value)):
        scale, *parts = compact.groups()
        ends = [read_part(part, place) for part in parts]
        return [(part, place) for part in _spaced(scale, ends, place, whole=whole)]
    raise place.expected(
        "a list, {linear: [from, to, n]} or {log: [from, to, n]}, such as log:0.01..10:13", value
    )


def _spaced(scale: str, ends: Sequence[object], place: Location, *, whole: bool) -> Sequence[float]:
    """Values between two ends: as short as can be read well, or as tells them apart."""
    if INVALID in ends:
        raise InvalidValue
    n = ends[2]
    first, last = map(as_finite, ends[:2])
    if first is None or last is None or not isinstance(n, int) or not 2 <= n <= VALUES_MOST:
        raise place.wrong(
            f"expected two numbers and how many values, from 2 to {VALUES_MOST}, got "
            f"{', '.join(map(describe, ends))}"
        )
    if scale == "log" and not (first > 0.0 and last > 0.0):
        raise place.wrong(f"expected ends above 0, got {describe(ends[0])} and {describe(ends[1])}")
    if not isfinite(last - first):
        raise place.wrong(
            f"expected ends less than {float_info.max:.2g} apart, got {describe(ends[0])} and "
            f"{describe(ends[1])}"
        )
    shares = [step / (n - 1) for step in range(n)]
    if scale == "log":
        between = [exp(log(first) + share * (log(last) - log(first))) for share in shares]
    else:
        between = [first + share * (last - first) for share in shares]
    between[0], between[-1] = first, last
    if whole:
        return [round(value) for value in between]
    least = _LOG_DIGITS if scale == "log" else _LINEAR_DIGITS
    for digits in range(least, _ALL_DIGITS):
        # digits that are too few for some are so for all
        for part in (between[:_FIRST_TRIED], between[-_FIRST_TRIED:], between):
            rounded = [float(f"{value:.{digits}g}") for value in part]
            if len(set(rounded)) < len(part):
                break
        else:
            return rounded
    return between


@dataclass(frozen=True, eq=False, repr=False)
class Tune(Kind):
    """`KEY=log:0.01..10:13`, `KEY=0.1,0.5,1`, or a mapping of the key to its values.

    An experiment has the values, in rising order.
    """

    key: str
    number: Number
    empty_value: ClassVar[tuple[float, ...]] = ()

    def check(self, value: object, place: Location) -> tuple[float, ...]:
        tuned = _read_tuned(value, place) if isinstance(value, str) else value
        if not isinstance(tuned, dict) or not tuned:
            raise place.expected(f"a key and its values, such as {self._example}", value)
        name = next((name for name in tuned if name != self.key), self.key)
        if name != self.key:
            raise place.wrong(
                f"{name} cannot be tuned.{nearest(name, [self.key])} Expected {self._example}: all "
                "else, such as the budget and the initial weights, is the same for all variants"
            )
        below = place.below(self.key) if tuned is value else place
        parts = read_values(tuned[self.key], below, whole=False)
        if not 2 <= len(parts) <= TUNED_MOST:
            raise below.wrong(f"expected 2 to {TUNED_MOST} values to try, got {len(parts)}")
        values: list[float] = each(partial(self.number.check, *part) for part in parts)
        if len(set(values)) < len(values):
            raise below.wrong("expected each value once")
        return tuple(sorted(values))

    @property
    def _example(self) -> str:
        return f"{self.key}=log:0.01..10:13"

    def schema(self) -> Schema:
        values = mapping_schema({self.key: VALUES_SCHEMA}, [self.key])
        return {"anyOf": [{"type": "string", "pattern": f"^{self.key} *=.+$"}, values]}

    def names(self) -> tuple[str, ...]:
        return (f"{self.key}=",)

    def document(self, value: tuple[float, ...]) -> Json:
        return {self.key: list(value)} if value else None


def _read_tuned(text: str, place: Location) -> object:
    """`KEY=VALUES` as a mapping; whatever else it is, as it is."""
    name, equals, values = (part.strip() for part in text.partition("="))
    if not equals or not name or not values:
        return text
    if "=" in values:  # another key
        return dict.fromkeys([name, values.partition("=")[0].rpartition(",")[2].strip()])
    if values.startswith(_SCALES):
        return {name: values}
    return {name: [read_part(part, place) for part in values.split(",")]}
