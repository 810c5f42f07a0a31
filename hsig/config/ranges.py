"""Several values of a key: a list of them, or so many between two ends.

Nothing heavy is imported.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import exp, isfinite, log
from sys import float_info
from typing import ClassVar

from hsig.config.kinds import Kind, Number, Schema, mapping_schema
from hsig.config.values import (
    REFUSED,
    Json,
    Place,
    Wrong,
    as_finite,
    describe,
    each,
    nearest,
    read_part,
)

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


def read_values(value: object, place: Place, *, whole: bool) -> list[tuple[object, Place]]:
    """The values of a list, `{log: [from, to, n]}` or `log:FROM..TO:N`, each with its place.

    Args:
        value: As it was given.
        place: Its place.
        whole: Whether values between the ends are rounded to whole numbers.

    Raises:
        Wrong: If it is none of these.
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


def _spaced(scale: str, ends: Sequence[object], place: Place, *, whole: bool) -> Sequence[float]:
    """Values between two ends: as short as can be read well, or as tells them apart."""
    if REFUSED in ends:
        raise Wrong
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
    absent: ClassVar[tuple[float, ...]] = ()

    def check(self, value: object, place: Place) -> tuple[float, ...]:
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


def _read_tuned(text: str, place: Place) -> object:
    """`KEY=VALUES` as a mapping; whatever else it is, as it is."""
    name, equals, values = (part.strip() for part in text.partition("="))
    if not equals or not name or not values:
        return text
    if "=" in values:  # another key
        return dict.fromkeys([name, values.partition("=")[0].rpartition(",")[2].strip()])
    if values.startswith(_SCALES):
        return {name: values}
    return {name: [read_part(part, place) for part in values.split(",")]}
