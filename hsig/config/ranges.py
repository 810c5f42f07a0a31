"""Many values of a number: those of a sweep, and the learning rates that are tuned over."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import exp, isfinite, log
from sys import float_info
from typing import ClassVar

from hsig.config.kinds import Kind, Number, Schema, mapping_schema
from hsig.config.values import (
    INVALID,
    InvalidValue,
    Json,
    Location,
    as_finite,
    check_all,
    describe,
    nearest,
    read_value,
)

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
    """The values of a list or a range, each with its location; `whole` rounds those of a range."""
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
