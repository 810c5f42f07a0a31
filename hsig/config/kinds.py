"""Kinds of values: from what is right follow check, schema, completion and complaint.

What a kind needs of the tables of `hsig.networks` and the like it imports when it is asked, so that
help is instant.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from math import inf, isfinite, isinf, isnan
from typing import TYPE_CHECKING, Any, ClassVar

from hsig.config.specs import Setting, read_item, read_settings, split_specs
from hsig.config.values import Json, Location, check_all, describe, is_number, read_value

if TYPE_CHECKING:
    from hsig.activations import Activation
    from hsig.experiments.experiment import Bound, Checks

Schema = dict[str, object]
Word = str | bool | None
Words = Iterable[Word] | Mapping[Word, object] | Callable[[], Iterable[Word]]

MAX_SEED = 2**32 - 1
MAX_SEEDS = 1_000_000
MAX_DEPTH = 8  # hidden layers
MAX_ROWS = 1_000_000  # of a task
MAX_INPUTS = 10_000
MAX_OUTPUTS = 1_000
NUMBERS: Schema = {"type": "array", "minItems": 1, "items": {"type": "number"}}
ROWS: Schema = {"type": "array", "minItems": 1, "items": NUMBERS}


class Kind(ABC):
    """What the values of a key are."""

    empty_value: ClassVar[Any] = None  # what an experiment has where an optional key has no value
    listed: ClassVar[bool] = False  # whether a list is one value, also in a sweep
    # whether a list in brackets on the command line is one value, of the layers
    layered: bool = False
    whole: ClassVar[bool] = False  # whether values between two ends are rounded to whole numbers
    splits: ClassVar[bool] = False  # whether a text with commas is several values

    @abstractmethod
    def check(self, value: object, location: Location) -> Any:
        """What a plain value means, as an experiment has it; else `InvalidValue` is raised."""

    @abstractmethod
    def schema(self) -> Schema:
        """A JSON Schema of the plain values."""

    def read(self, text: str, location: Location) -> object:
        """The plain value of a flag's text: a scalar, or what is in brackets or quotes."""
        return read_item(text, location)

    def split_values(self, text: str) -> Sequence[str]:
        """The values of a text with commas between them; by default it is one, commas and all."""
        return text.split(",") if self.splits and not text.startswith("[") else [text]

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


def complete_word(words: Iterable[str], typed: str) -> list[str]:
    """The words that start as typed."""
    return [word for word in words if word.startswith(typed)]


def complete_list(names: Iterable[str], typed: str) -> list[str]:
    """The last of several names with commas between them."""
    before, comma, last = typed.rpartition(",")
    return [before + comma + name for name in complete_word(names, last)]


def check_size(rows: int, inputs: int, outputs: int, location: Location) -> None:
    """Refuse a task that is too large."""
    if rows > MAX_ROWS or inputs > MAX_INPUTS or outputs > MAX_OUTPUTS:
        raise location.wrong(
            f"expected at most {MAX_ROWS} rows, {MAX_INPUTS} inputs and {MAX_OUTPUTS} outputs, got "
            f"{rows}, {inputs} and {outputs}"
        )


def mapping_schema(properties: Schema, required: Sequence[str] = ()) -> Schema:
    """The schema of a mapping with these keys and no other."""
    schema: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    return {**schema, "required": list(required)} if required else schema


# --- numbers and choices ----------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class Number(Kind):
    """A number within a range, or a word."""

    low: float = -inf  # smallest value
    high: float = inf  # largest value
    above: bool = False  # whether `low` itself is excluded
    below: bool = False  # whether `high` itself is
    infinite: bool = False  # whether it may be infinite
    # what it may be instead, and what that means
    words: Mapping[str, object] = field(default_factory=dict)

    noun: ClassVar[str] = "a number"
    type: ClassVar[str] = "number"
    splits = True

    def check(self, value: object, location: Location) -> Any:
        if isinstance(value, str) and value in self.words:
            return self.words[value]
        if self.infinite and value in ("Infinity", "-Infinity"):
            value = float(str(value))
        number = self._read(value)
        too_low = number is None or isnan(number) or number < self.low
        if number is None or too_low or (self.above and number == self.low):
            raise location.expected(self._describe(), value)
        if number > self.high or (self.below and number == self.high):
            most = "below" if self.below else "of at most"
            raise location.expected(f"{self.noun} {most} {self.high:.15g}", value)
        if isinf(number) and not self.infinite:
            raise location.expected("a finite number", value)
        return number

    def names(self) -> Sequence[str]:
        return [*self.words]

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
            schema["exclusiveMaximum" if self.below else "maximum"] = self.high
        words = [*self.words, *(("Infinity", "-Infinity") if self.infinite else ())]
        return {"anyOf": [schema, {"enum": words}]} if words else schema

    def document(self, value: Any) -> Json:
        words = [word for word, meaning in self.words.items() if meaning == value]
        return words[0] if words else super().document(value)


class Whole(Number):
    """A whole number; 1e3 is one."""

    noun = "a whole number"
    type = "integer"
    whole = True

    def _read(self, value: object) -> float | None:
        return int(value) if is_number(value) and isfinite(value) and value == int(value) else None


@dataclass(frozen=True, eq=False, repr=False)
class Choice(Kind):
    """One of some words."""

    # these, or a table of what they mean, or what returns either; None for no word. Whoever reads
    # true and false as such has a word for them too
    words: Words

    splits = True

    def _table(self) -> Mapping[Word, Any]:
        words = self.words() if callable(self.words) else self.words
        return words if isinstance(words, Mapping) else {word: word for word in words}

    def names(self) -> tuple[str, ...]:
        words = (word for word in self._table() if word is not None)
        return tuple(word if isinstance(word, str) else describe(word) for word in words)

    def check(self, value: object, location: Location) -> Any:
        table = self._table()
        if not isinstance(value, str | bool | None) or value not in table:
            names = self.names()
            raise location.expected(f"one of {', '.join(names)}", value, names)
        return table[value]

    def schema(self) -> Schema:
        return {"enum": list(self._table())}

    def document(self, value: Any) -> Json:
        return next(word for word, meaning in self._table().items() if meaning == value)


class Column(Kind):
    """A column of a table, by its name, or by its number from 1."""

    splits = True

    def check(self, value: object, location: Location) -> str:
        if not (is_number(value) and value % 1 == 0) and (not isinstance(value, str) or not value):
            raise location.expected("a column's name, or its number from 1", value)
        return value if isinstance(value, str) else str(int(value))

    def schema(self) -> Schema:
        return {"type": ["string", "integer"]}


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

    def document(self, value: str) -> Json:
        return value  # a record may name one that is not here


def table(module: str, name: str) -> Callable[[], Any]:
    """A table of the rest of hsig, which is imported when it is asked for."""
    return lambda: getattr(import_module(f"hsig.{module}"), name)


# --- lists ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class ListOf(Kind):
    """Several values of a kind: one of them, a list, or a text with separators."""

    item: Kind
    noun: str = "values"  # what they are, for complaints
    separator: str = ","  # between the values of a text
    min_length: int = 1  # fewest
    max_length: int = MAX_SEEDS  # most
    distinct: bool = False  # whether none may come twice
    rising: bool = False  # whether each is greater than the one before
    single: Kind | None = None  # what a value that is no list is; by default an item
    empty_value: ClassVar[Any] = ()

    def check(self, value: object, location: Location) -> tuple[Any, ...]:
        if isinstance(value, str) and self.separator in value:
            value = [read_value(part, location) for part in value.split(self.separator)]
        if not isinstance(value, list) and self.min_length <= 1:
            return self._list((self.single or self.item).check(value, location))
        if not isinstance(value, list) or not self.min_length <= len(value) <= self.max_length:
            lengths = dict.fromkeys((self.min_length, self.max_length))
            raise location.expected(f"{' to '.join(map(str, lengths))} {self.noun}", value)
        values = check_all(
            partial(self.item.check, part, location.below(n)) for n, part in enumerate(value)
        )
        if (self.distinct or self.rising) and len(set(values)) < len(values):
            again, _ = Counter(values).most_common(1)[0]
            raise location.wrong(f"expected {self.noun} without repeats, got {again} twice")
        if self.rising and values != sorted(values):
            shown = ", ".join(map(str, values))
            raise location.wrong(f"expected {self.noun} in rising order, got {shown}")
        return tuple(values)

    def _list(self, single: Any) -> tuple[Any, ...]:
        return (single,)

    def schema(self) -> Schema:
        listed: Schema = {
            "type": "array",
            "minItems": self.min_length,
            "maxItems": self.max_length,
            "uniqueItems": self.distinct or self.rising,
            "items": self.item.schema(),
        }
        text = {"type": "string", "pattern": self.separator}
        return {"anyOf": [(self.single or self.item).schema(), listed, text]}

    def document(self, value: tuple[Any, ...]) -> Json:
        return [self.item.document(part) for part in value] or None


class Seeds(ListOf):
    """A count n for the seeds 0 to n - 1, or a list without repeats."""

    listed = True

    def _list(self, single: int) -> tuple[int, ...]:
        return tuple(range(single))


class Hidden(ListOf):
    """Units of the hidden layers: a number for one layer, `8-8` or a list for several, 0 for none.

    As for `Seeds`, `single` is a number by itself, of which 0 is one.
    """

    layered = True
    whole = True
    splits = True

    def _list(self, single: int) -> tuple[int, ...]:
        return (single,) if single else ()

    def document(self, value: tuple[int, ...]) -> Json:
        return list(value) if len(value) > 1 else sum(value)


# --- names with settings ----------------------------------------------------------------------


class SpecKind(Kind):
    """What is written as `NAME:KEY=VALUE,...`."""

    aliases: ClassVar[Mapping[str, str]] = {}  # words of other programs for settings

    def split_values(self, text: str) -> Sequence[str]:
        return split_specs(text)

    def settings_of(self, _name: str) -> Mapping[str, Kind]:
        """The settings that a name has, in their order."""
        return {}

    def bare_of(self, name: str) -> Sequence[str]:
        """Those of them that may stand without their keys, in their order; by default all."""
        return tuple(self.settings_of(name))

    def schema(self) -> Schema:
        names = [name.rstrip(":") for name in self.names()]
        forms: list[Schema] = [{"type": "string", "pattern": f"^({'|'.join(names)})(:|,|$)"}]
        for name in names:
            declared = self.settings_of(name)
            words = {**{key: key for key in declared}, **self.aliases}
            settings = {key: declared[m].schema() for key, m in words.items() if m in declared}
            values = {**NUMBERS, "minItems": 0, "maxItems": len(self.bare_of(name))}
            named = {"name": {"enum": [name]}, **settings}
            forms += [mapping_schema({name: values}, [name]), mapping_schema(named, ["name"])]
        return {"anyOf": forms}

    def complete(self, typed: str) -> list[str]:
        name, colon, settings = typed.partition(":")
        if not colon:
            return complete_word(self.names(), typed)
        last = settings.rpartition(",")[2]
        before, declared = typed.removesuffix(last), self.settings_of(name)
        key, equals, value = last.partition("=")
        if equals:
            offered = declared[key].complete(value) if key in declared else []
            return [f"{before}{key}={word}" for word in offered]
        return [f"{before}{word}=" for word in complete_word(declared, key)]


# --- expectations -----------------------------------------------------------------------------

EXPECTATIONS: Mapping[str, Kind] = {
    "solved_at_least": Number(0.0, 1.0),  # the smallest share of solved seeds
    "solved_at_most": Number(0.0, 1.0),  # the largest
    # medians over seeds, of rows that are held out where there are any
    "right_at_least": Number(0.0, 1.0),  # the share of rows right
    "loss_at_most": Number(0.0),
    "rmse_at_most": Number(0.0),
    "verdict": Choice(table("experiments.verdicts", "VERDICTS")),  # of more than half of the seeds
}


class Expect(Kind):
    """`solved_at_least=0.9,verdict=solved`, or a mapping of the same, or of labels to such."""

    empty_value: ClassVar[Mapping[str, Any]] = {}

    def check(self, value: object, location: Location) -> "dict[str, Bound | Checks]":
        settings = read_settings(value, location) if isinstance(value, str) else []
        if isinstance(value, dict):
            settings = [Setting(name, part, location.below(name)) for name, part in value.items()]
        if not isinstance(value, str | dict) or not all(setting.key for setting in settings):
            known = ", ".join(EXPECTATIONS)
            raise location.expected(f"checks such as solved_at_least=0.9 ({known})", value)
        return dict(check_all(partial(_check, *setting) for setting in settings))

    def schema(self) -> Schema:
        checks = mapping_schema({name: kind.schema() for name, kind in EXPECTATIONS.items()})
        return {"anyOf": [{"type": "string"}, {**checks, "additionalProperties": checks}]}

    def complete(self, typed: str) -> list[str]:
        return complete_list([f"{name}=" for name in EXPECTATIONS], typed)

    def document(self, value: "Mapping[str, Bound | Checks]") -> Json:
        return {k: dict(part) if isinstance(part, Mapping) else part for k, part in value.items()}


def _check(name: str, value: object, location: Location) -> tuple[str, Any]:
    """One check, or those of one variant under its label."""
    if isinstance(value, dict):
        inner = (partial(_check_bound, *pair, location.below(pair[0])) for pair in value.items())
        return name, dict(check_all(inner))
    return _check_bound(name, value, location)


def _check_bound(name: str, value: object, location: Location) -> "tuple[str, Bound]":
    if name not in EXPECTATIONS:
        label = f". Those of one variant: {{{name}: {{solved_at_least: 0.9}}}}"
        raise location.unknown("check", name, EXPECTATIONS, label)
    return name, EXPECTATIONS[name].check(value, location)


# --- settings of activations ------------------------------------------------------------------

# the slope at a kink, from those of both sides: `hsig.formulas.function.KINKS`
KINKS = ("own", "open", "closed", "left", "right", "mean", "sum")
SLOPES: Mapping[str, Kind] = {  # settings of every activation
    "kink": Choice(KINKS),
    "backward": Choice(("own", "logistic", "output", "straight_through", None)),
}
PARAMETERS: Mapping[str, Kind] = {
    **dict.fromkeys(("slope", "alpha", "beta", "gamma", "steepness"), Number(0.0, 1e9, above=True)),
    **dict.fromkeys(("shift", "a", "scale", "value"), Number(-1e9, 1e9)),
    **dict.fromkeys(("b", "bound"), Number(0.0, 1e9)),
    **dict.fromkeys(("low", "high", "threshold"), Number(infinite=True)),
    "leak": Number(0.0, 1.0),
    **SLOPES,
}
OF_A_FORMULA = Number(-1e9, 1e9, infinite=True)  # a parameter of a user's own
# words of other programs for parameters; and those of an activation that mean another elsewhere
PARAMETER_ALIASES = {
    **{"negative_slope": "leak", "leakiness": "leak", "lambd": "bound"},
    **{"min_val": "low", "max_val": "high", "max_value": "high"},
}
_ALIASES_OF: Mapping[str, Mapping[str, str]] = {
    "relu": {"alpha": "leak"},
    "leaky_relu": {"alpha": "leak"},
    "hard": {"alpha": "slope", "beta": "shift"},
    "silu": {"alpha": "beta"},
}
# of more than two, those that come first in calls elsewhere
_FIRST: Mapping[str, Sequence[str]] = {"leaky_relu": ("leak",), "hard_tanh": ("low", "high")}
SAME = "same"  # the output's activation is the hidden layer's


def setting_kind(name: str, *, of_a_formula: bool = False) -> Kind:
    """The kind of a setting; a parameter of a formula is any number."""
    return (SLOPES if of_a_formula else PARAMETERS).get(name, OF_A_FORMULA)


def parameter_of(activation: str, key: str) -> str:
    """The parameter of an activation that a word means, here or elsewhere."""
    return _ALIASES_OF.get(activation, {}).get(key) or PARAMETER_ALIASES.get(key, key)


def first_parameters(activation: "Activation") -> Sequence[str]:
    """The parameters of an activation that may do without their keys, in their order.

    Of many, only those that come first elsewhere: `leaky_relu:0.2` is a leak.
    """
    parameters = tuple(activation.parameters)
    return parameters if len(parameters) <= 2 else _FIRST.get(activation.name, ())
