"""Kinds of values: from what is right follow check, schema, completion and complaint.

What a kind needs of the tables of `hsig.networks` and the like it imports when it is asked, so that
help is instant.
"""

import re
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import exp, inf, isfinite, isinf, isnan, log
from sys import float_info
from typing import TYPE_CHECKING, Any, ClassVar

from hsig.config.specs import read_flow
from hsig.config.values import (
    INVALID,
    InvalidValue,
    Json,
    Location,
    as_finite,
    check_all,
    describe,
    is_number,
    nearest,
    read_value,
)

if TYPE_CHECKING:
    from hsig.experiments.experiment import Experiment
    from hsig.networks.losses import Loss

Schema = dict[str, object]
Words = Iterable[str] | Callable[[], Iterable[str]]

MAX_SEED = 2**32 - 1
MAX_SEEDS = 1_000_000
MAX_DEPTH = 8  # hidden layers
NUMBERS: Schema = {"type": "array", "minItems": 1, "items": {"type": "number"}}
ROWS: Schema = {"type": "array", "minItems": 1, "items": NUMBERS}


class Kind(ABC):
    """What the values of a key are.

    Attributes:
        empty_value: What an experiment has where an optional key has no value.
        listed: Whether a list is one value, also in a sweep.
        layered: Whether a list in brackets on the command line is one value, of the layers.
        whole: Whether values between two ends are rounded to whole numbers.
    """

    empty_value: ClassVar[Any] = None
    listed: ClassVar[bool] = False
    layered: ClassVar[bool] = False
    whole: ClassVar[bool] = False

    @abstractmethod
    def check(self, value: object, location: Location) -> Any:
        """What a plain value means, as an experiment has it; else `InvalidValue` is raised."""

    @abstractmethod
    def schema(self) -> Schema:
        """A JSON Schema of the plain values."""

    def read(self, text: str, location: Location) -> object:
        """The plain value of a flag's text: a scalar, or YAML's flow style in brackets."""
        if text.lstrip().startswith(("[", "{")):
            return read_flow(text, location)
        return read_value(text, location)

    def split_values(self, text: str) -> Sequence[str]:
        """The values of a text with commas between them; by default it is one, commas and all."""
        return [text]

    def names(self) -> Sequence[str]:
        """Words that a value may be."""
        return ()

    def complete(self, typed: str) -> list[str]:
        """What a shell offers."""
        return complete_word(self.names(), typed)

    def complete_several(self, typed: str) -> list[str]:
        """The same for the last of several values."""
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


def complete_word(words: Iterable[str], typed: str) -> list[str]:
    """The words that start as typed."""
    return [word for word in words if word.startswith(typed)]


def complete_list(names: Iterable[str], typed: str) -> list[str]:
    """The last of several names with commas between them."""
    before, comma, last = typed.rpartition(",")
    return [before + comma + name for name in complete_word(names, last)]


def mapping_schema(properties: Schema, required: Sequence[str] = ()) -> Schema:
    """The schema of a mapping with these keys and no other."""
    schema: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return {**schema, "required": list(required)} if required else schema


# --- numbers and choices ----------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class Number(Kind):
    """A number within a range, or a word.

    Attributes:
        low: Smallest value.
        high: Largest value.
        above: Whether `low` itself is excluded.
        infinite: Whether it may be infinite.
        words: What it may be instead.
    """

    low: float = -inf
    high: float = inf
    above: bool = False
    infinite: bool = False
    words: tuple[str, ...] = ()

    noun: ClassVar[str] = "a number"
    type: ClassVar[str] = "number"

    def check(self, value: object, location: Location) -> Any:
        if value in self.words:
            return value
        if self.infinite and value in ("Infinity", "-Infinity"):
            value = float(str(value))
        number = self._read(value)
        if number is None or isnan(number) or number < self.low:
            raise location.expected(self._describe(), value)
        if self.above and number == self.low:
            raise location.expected(self._describe(), value)
        if number > self.high:
            raise location.expected(f"{self.noun} of at most {self.high:.15g}", value)
        if isinf(number) and not self.infinite:
            raise location.expected("a finite number", value)
        return number

    def split_values(self, text: str) -> Sequence[str]:
        return text.split(",")

    def names(self) -> Sequence[str]:
        return self.words

    def _read(self, value: object) -> float | None:
        return float(value) if is_number(value) else None

    def _describe(self) -> str:
        words = "".join(f"{word} or " for word in self.words)
        if not isfinite(self.low):
            return words + self.noun
        return f"{words}{self.noun} {'above' if self.above else 'of at least'} {self.low:g}"

    def schema(self) -> Schema:
        schema: Schema = {"type": self.type}
        if isfinite(self.low):
            schema["exclusiveMinimum" if self.above else "minimum"] = self.low
        if isfinite(self.high):
            schema["maximum"] = self.high
        words = [*self.words, *(("Infinity", "-Infinity") if self.infinite else ())]
        return {"anyOf": [schema, {"enum": words}]} if words else schema


class Whole(Number):
    """A whole number; 1e3 is one."""

    noun = "a whole number"
    type = "integer"
    whole = True

    def _read(self, value: object) -> float | None:
        return int(value) if is_number(value) and isfinite(value) and value == int(value) else None


class Workers(Whole):
    """How many threads or processes train, or a word for as many as there are cores: None."""

    def check(self, value: object, location: Location) -> int | None:
        number = super().check(value, location)
        return None if number in self.words else int(number)

    def document(self, value: int | None) -> Json:
        return value or self.words[0]


@dataclass(frozen=True, eq=False, repr=False)
class Choice(Kind):
    """One of some words.

    Attributes:
        words: These, or what returns them.
    """

    words: Words

    def names(self) -> tuple[str, ...]:
        return tuple(self.words() if callable(self.words) else self.words)

    def check(self, value: object, location: Location) -> Any:
        names = self.names()
        if not isinstance(value, str) or value not in names:
            raise location.expected(f"one of {', '.join(names)}", value, names)
        return value

    def split_values(self, text: str) -> Sequence[str]:
        return text.split(",")

    def schema(self) -> Schema:
        return {"enum": list(self.names())}


class ChoiceOrNone(Choice):
    """One of some words, or none of them for the default."""

    def check(self, value: object, location: Location) -> Any:
        return None if value is None else super().check(value, location)

    def schema(self) -> Schema:
        return {"enum": [*self.names(), None]}


class LossName(Choice):
    """The name of a loss."""

    def check(self, value: object, location: Location) -> "Loss":
        from hsig.networks.losses import LOSSES

        return LOSSES[super().check(value, location)]

    def document(self, value: "Loss") -> Json:
        return value.name


class EngineName(Choice):
    """The name of an engine, or a word for the fastest."""

    def check(self, value: object, location: Location) -> str:
        from hsig.engines.choice import ENGINES, fastest_engine

        name: str = super().check(value, location)
        if name == "auto":
            return fastest_engine()
        if not ENGINES[name].is_available():
            raise location.wrong(
                f"the engine {name} cannot be used: it was not built when hsig was installed, "
                "for which it takes a C compiler. Use auto or reference"
            )
        return name


def loss_names() -> Iterable[str]:
    """Names of losses."""
    from hsig.networks.losses import LOSSES

    return LOSSES


def engine_names() -> Iterable[str]:
    """Names of engines, and a word for the fastest."""
    from hsig.engines.choice import ENGINES

    return "auto", *ENGINES


def scale_names() -> Iterable[str]:
    """What can be done to the scale of each input."""
    from hsig.networks.tasks import SCALES

    return SCALES


def verdict_names() -> Iterable[str]:
    """What may become of a seed, in a word."""
    from hsig.experiments.verdicts import VERDICTS

    return VERDICTS


# --- lists ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class ListOf(Kind):
    """Several values of a kind: one of them, a list, or a text with separators.

    Attributes:
        item: The kind.
        noun: What they are, for complaints.
        separator: Between the values of a text.
        min_length: Fewest.
        max_length: Most.
        distinct: Whether none may come twice.
        rising: Whether each is greater than the one before.
    """

    item: Kind
    noun: str = "values"
    separator: str = ","
    min_length: int = 1
    max_length: int = MAX_SEEDS
    distinct: bool = False
    rising: bool = False
    empty_value: ClassVar[Any] = ()

    def check(self, value: object, location: Location) -> tuple[Any, ...]:
        if isinstance(value, str) and self.separator in value:
            value = [read_value(part, location) for part in value.split(self.separator)]
        if not isinstance(value, list):
            return self._check_single(value, location)
        if not self.min_length <= len(value) <= self.max_length:
            raise location.expected(self._describe(), value)
        checks = (partial(self.item.check, v, location.below(n)) for n, v in enumerate(value))
        return self._check_order(tuple(check_all(checks)), location)

    def _check_single(self, value: object, location: Location) -> tuple[Any, ...]:
        if self.min_length > 1:
            raise location.expected(self._describe(), value)
        return (self.item.check(value, location),)

    def _describe(self) -> str:
        if self.min_length == self.max_length:
            return f"{self.min_length} {self.noun}"
        return f"{self.min_length} to {self.max_length} {self.noun}"

    def _check_order(self, values: tuple[Any, ...], location: Location) -> tuple[Any, ...]:
        if (self.distinct or self.rising) and len(set(values)) < len(values):
            again, _ = Counter(values).most_common(1)[0]
            raise location.wrong(f"expected {self.noun} without repeats, got {again} twice")
        if self.rising and list(values) != sorted(values):
            shown = ", ".join(map(str, values))
            raise location.wrong(f"expected {self.noun} in rising order, got {shown}")
        return values

    def schema(self) -> Schema:
        listed: Schema = {
            "type": "array",
            "minItems": self.min_length,
            "maxItems": self.max_length,
            "uniqueItems": self.distinct or self.rising,
            "items": self.item.schema(),
        }
        text = {"type": "string", "pattern": self.separator}
        return {"anyOf": [self._schema_of_single(), listed, text]}

    def _schema_of_single(self) -> Schema:
        return self.item.schema()

    def document(self, value: tuple[Any, ...]) -> Json:
        return [self.item.document(part) for part in value] or None


class Seeds(ListOf):
    """A count n for the seeds 0 to n - 1, or a list without repeats."""

    listed = True

    def _check_single(self, value: object, location: Location) -> tuple[int, ...]:
        return tuple(range(SEED_COUNT.check(value, location)))

    def _schema_of_single(self) -> Schema:
        return SEED_COUNT.schema()


SEED_COUNT = Whole(1, MAX_SEEDS)


class Hidden(ListOf):
    """Units of the hidden layers: a number for one layer, `8-8` or a list for several."""

    layered = True
    whole = True

    def split_values(self, text: str) -> Sequence[str]:
        return [text] if text.startswith("[") else text.split(",")

    def document(self, value: tuple[int, ...]) -> Json:
        return value[0] if len(value) == 1 else list(value)


# --- settings of activations ------------------------------------------------------------------

# the slope at a kink, from those of both sides: `hsig.formulas.function.KINKS`
KINKS = ("own", "open", "closed", "left", "right", "mean", "sum")
PARAMETERS: Mapping[str, Number | Choice] = {
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
    "backward": ChoiceOrNone(("own", "logistic", "output", "straight_through")),
}
OF_A_FORMULA = Number(-1e9, 1e9, infinite=True)  # a parameter of a user's own
PARAMETER_ALIASES = {"negative_slope": "leak"}  # PyTorch's and JAX's word
SLOPES = ("kink", "backward")  # settings of every activation
SAME = "same"  # the output's activation is the hidden layer's


def setting_kind(name: str, *, of_a_formula: bool = False) -> Number | Choice:
    """The kind of a setting; a parameter of a formula is any number."""
    of_its_own = of_a_formula and name not in SLOPES
    return OF_A_FORMULA if of_its_own else PARAMETERS.get(name, OF_A_FORMULA)


# --- values of a sweep and a tuning -----------------------------------------------------------

MAX_VALUES = 1_000_000
MAX_TUNED = 50  # values that are tried for each variant
# of values between two ends: as few digits as can be read well, if they tell them apart
_FEWEST_DIGITS = {"linear": 12, "log": 4}
_ALL_DIGITS = 17
_RANGE = re.compile(r"(linear|log):(.+?)\.\.(.+):(.+)")
_RANGES = "a list, {linear: [from, to, n]} or {log: [from, to, n]}, such as log:0.01..10:13"

_ENDS: Schema = {"type": "array", "minItems": 3, "maxItems": 3, "items": {"type": "number"}}
VALUES_SCHEMA: Schema = {
    "oneOf": [
        {"type": "array", "minItems": 1},
        *(mapping_schema({scale: _ENDS}, [scale]) for scale in _FEWEST_DIGITS),
        {"type": "string", "pattern": "^(linear|log):.+[.][.].+:.+$"},
    ]
}


def is_range(value: object) -> bool:
    """Whether a value is so many between two ends: `{log: [0.01, 10, 13]}`, `log:0.01..10:13`."""
    if isinstance(value, Mapping):
        return bool(value) and value.keys() <= set(_FEWEST_DIGITS)
    return isinstance(value, str) and _RANGE.fullmatch(value) is not None


def read_values(value: object, location: Location, *, whole: bool) -> list[tuple[object, Location]]:
    """The values of a list or a range, each with its location.

    Args:
        value: What was written.
        location: Where.
        whole: Whether values between the ends are rounded to whole numbers.
    """
    if isinstance(value, list) and value:
        return [(part, location.below(index)) for index, part in enumerate(value)]
    scale, below = "", location
    ends: object = None
    if isinstance(value, Mapping) and len(value) == 1:
        ((scale, ends),) = value.items()
        below = location.below(scale)
    elif isinstance(value, str) and (text := _RANGE.fullmatch(value)):
        scale = text[1]
        ends = [read_value(part, location) for part in text.groups()[1:]]
    if scale not in _FEWEST_DIGITS or not isinstance(ends, list) or len(ends) != 3:
        raise location.expected(_RANGES, value)
    return [(part, below) for part in _space(scale, ends, below, whole=whole)]


def _space(
    scale: str, ends: Sequence[object], location: Location, *, whole: bool
) -> Sequence[float]:
    """Values between two ends."""
    if INVALID in ends:
        raise InvalidValue
    shown = ", ".join(map(describe, ends))
    n = ends[2]
    first, last = map(as_finite, ends[:2])
    if first is None or last is None or not isinstance(n, int) or not 2 <= n <= MAX_VALUES:
        raise location.wrong(
            f"expected two numbers and how many values, from 2 to {MAX_VALUES}, got {shown}"
        )
    if scale == "log" and not (first > 0.0 and last > 0.0):
        raise location.wrong(f"expected ends above 0, got {shown}")
    if not isfinite(last - first):
        raise location.wrong(f"expected ends less than {float_info.max:.2g} apart, got {shown}")
    shares = [step / (n - 1) for step in range(n)]
    if scale == "log":
        between = [exp(log(first) + share * (log(last) - log(first))) for share in shares]
    else:
        between = [first + share * (last - first) for share in shares]
    between[0], between[-1] = first, last
    if whole:
        return [round(value) for value in between]
    for digits in range(_FEWEST_DIGITS[scale], _ALL_DIGITS):
        rounded = [float(f"{value:.{digits}g}") for value in between]
        if len(set(rounded)) == n:
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

    def check(self, value: object, location: Location) -> tuple[float, ...]:
        example = f"{self.key}=log:0.01..10:13"
        name, values, below = "", None, location
        if isinstance(value, str):
            name, _, text = (part.strip() for part in value.partition("="))
            values = text if is_range(text) else [read_value(v, location) for v in text.split(",")]
        elif isinstance(value, dict) and len(value) == 1:
            ((name, values),) = value.items()
            below = location.below(name)
        if not name or not values or values == [None]:
            raise location.expected(f"a key and its values, such as {example}", value)
        if name != self.key:
            raise location.wrong(
                f"{name} cannot be tuned.{nearest(name, [self.key])} Expected {example}: all "
                "else, such as the budget and the initial weights, is the same for all variants"
            )
        parts = read_values(values, below, whole=False)
        if not 2 <= len(parts) <= MAX_TUNED:
            raise below.wrong(f"expected 2 to {MAX_TUNED} values to try, got {len(parts)}")
        numbers: list[float] = check_all(partial(self.number.check, *part) for part in parts)
        if len(set(numbers)) < len(numbers):
            raise below.wrong("expected each value once")
        return tuple(sorted(numbers))

    def schema(self) -> Schema:
        values = mapping_schema({self.key: VALUES_SCHEMA}, [self.key])
        return {"anyOf": [{"type": "string", "pattern": f"^{self.key} *=.+$"}, values]}

    def names(self) -> tuple[str, ...]:
        return (f"{self.key}=",)

    def document(self, value: tuple[float, ...]) -> Json:
        return {self.key: list(value)} if value else None
