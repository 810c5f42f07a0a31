"""Kinds of values: how each is checked, described to an editor, completed and written back.

A kind knows its own range and words. What it needs of the tables of `hsig.networks` and the like it
imports when it is asked, so that help is instant.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from math import inf, isfinite, isnan
from typing import TYPE_CHECKING, Any, ClassVar

from hsig.config.values import (
    REFUSED,
    Json,
    Place,
    Wrong,
    describe,
    each,
    is_number,
    nearest,
    read_part,
)

if TYPE_CHECKING:
    from hsig.experiments.experiment import Experiment
    from hsig.networks.losses import Loss

Schema = dict[str, object]

SEED_LARGEST = 2**32 - 1
MAX_DEPTH = 8  # hidden layers
NUMBERS: Schema = {"type": "array", "minItems": 1, "items": {"type": "number"}}
ROWS: Schema = {"type": "array", "minItems": 1, "items": NUMBERS}
_LISTED: Schema = {"type": "string", "pattern": "^[0-9]+(,[0-9]+)+$"}


class Kind(ABC):
    """What the values of a key are.

    Attributes:
        absent: What an experiment has where an optional key has no value.
        listed: Whether a list is one value.
    """

    absent: ClassVar[Any] = None
    listed: ClassVar[bool] = False

    @abstractmethod
    def check(self, value: object, place: Place) -> Any:
        """What a plain value means, as an experiment has it.

        Raises:
            Wrong: If it means nothing; what is wrong with it has been noted.
        """

    @abstractmethod
    def schema(self) -> Schema:
        """A JSON Schema of the plain values."""

    def several(self, text: str) -> Sequence[str]:
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
        last = self.several(typed)[-1]
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

    def check(self, value: object, place: Place) -> float:
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

    def several(self, text: str) -> Sequence[str]:
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

    def check(self, value: object, place: Place) -> int:
        return int(super().check(value, place))

    def _read(self, value: object) -> float | None:
        return int(value) if is_number(value) and isfinite(value) and value == int(value) else None


@dataclass(frozen=True, eq=False, repr=False)
class Choice(Kind):
    """One of some words."""

    words: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        return self.words

    def check(self, value: object, place: Place) -> Any:
        names = self.names()
        if value is REFUSED:
            raise Wrong
        if not isinstance(value, str) or value not in names:
            got = f"got {describe(value)}.{nearest(value, names)}"
            raise place.wrong(f"expected one of {', '.join(names)}, {got}")
        return value

    def several(self, text: str) -> Sequence[str]:
        return text.split(",")

    def schema(self) -> Schema:
        return {"enum": list(self.names())}


class LossName(Choice):
    """The name of a loss."""

    def names(self) -> tuple[str, ...]:
        from hsig.networks.losses import LOSSES

        return tuple(LOSSES)

    def check(self, value: object, place: Place) -> "Loss":
        from hsig.networks.losses import LOSSES

        return LOSSES[super().check(value, place)]

    def document(self, value: "Loss") -> Json:
        return value.name


class EngineName(Choice):
    """The name of an engine, or a word for the fastest."""

    def names(self) -> tuple[str, ...]:
        from hsig.engines.choice import ENGINES

        return "auto", *ENGINES

    def check(self, value: object, place: Place) -> str:
        from hsig.engines.choice import ENGINES, fastest

        name: str = super().check(value, place)
        if name == "auto":
            return fastest()
        if not ENGINES[name].is_here():
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

    def check(self, value: object, place: Place) -> tuple[int, ...]:
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
    absent = ()

    def check(self, value: object, place: Place) -> tuple[int, ...]:
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

    def check(self, value: object, place: Place) -> tuple[int, ...]:
        if isinstance(value, str) and "-" in value.strip("-"):
            value = [read_part(part, place) for part in value.split("-")]
        if not isinstance(value, list):
            return (self.units.check(value, place),)
        if not 1 <= len(value) <= MAX_DEPTH:
            raise place.expected(f"1 to {MAX_DEPTH} hidden layers", value)
        return tuple(
            each(partial(self.units.check, u, place.below(i)) for i, u in enumerate(value))
        )

    def several(self, text: str) -> Sequence[str]:
        return self.units.several(text)

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

    def check(self, value: object, place: Place) -> int | None:
        return None if value == "auto" else self.number.check(value, place)

    def schema(self) -> Schema:
        return {"anyOf": [{"enum": ["auto"]}, self.number.schema()]}

    def names(self) -> Sequence[str]:
        return ("auto",)

    def document(self, value: int | None) -> Json:
        return value or "auto"
