"""Numbers, choices and compact text, checked; and the places that complaints name.

A check takes a value and the place it came from, and returns what it means, or None after a
complaint in the house's pattern: where, what with the value, what would be right.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from math import isfinite, isnan

from hsig.config.keys import Key
from hsig.config.source import REFUSED, Given, KeyPath, describe, read_scalar


@dataclass(frozen=True)
class Place:
    """A part of a given value: where to say that it is wrong."""

    key: str
    given: Given
    problems: list[str]
    path: KeyPath = ()
    about: str = ""  # which part of a compact text

    def below(self, step: str | int) -> "Place":
        """The part one step further down."""
        return replace(self, path=(*self.path, step))

    def wrong(self, message: str) -> None:
        """Note that this part is wrong."""
        # a flag names its key itself
        name = "" if self.given.source.startswith("--") else self.key
        for step in self.path:
            name += f"[{step}]" if isinstance(step, int) else f".{step}" if name else str(step)
        named = f"{name}: " if name else ""
        about = f"{self.about}: " if self.about else ""
        self.problems.append(f"{self.given.where(self.path)}: {named}{about}{message}")

    def expected(self, what: str, value: object) -> None:
        """Note that something else was expected here."""
        if value is not REFUSED:
            self.wrong(f"expected {what}, got {describe(value)}")


def nearest(word: object, known: Iterable[str]) -> str:
    """` Did you mean 'x'?` for a word that is nearly one of `known`, else nothing.

    The first part of a name counts as well: `geluu` is nearly `gelu_tanh`.
    """
    names: dict[str, str] = {}
    for name in sorted(known, key=lambda name: "_" in name):  # a whole name before a part of one
        names.setdefault(name.casefold(), name)
        names.setdefault(name.casefold().partition("_")[0], name)
    matches = get_close_matches(str(word).casefold(), names, n=1)
    return f" Did you mean '{names[matches[0]]}'?" if matches else ""


# --- numbers and choices ----------------------------------------------------------------------


def check_scalar(key: Key, value: object, place: Place) -> float | str | None:
    """A whole number, a number or a choice, as `key` says."""
    if key.kind == "choice":
        return check_choice(key, value, place)
    return check_number(key, value, place)


def check_number(key: Key, value: object, place: Place) -> float | None:
    """A number within the key's range; an int for a whole one."""
    noun = "a whole number" if key.kind == "whole" else "a number"
    if key.infinite and value in ("Infinity", "-Infinity"):  # as in the JSON
        value = float(str(value))
    bound = _lower_bound(key)
    number = _as_number(value, whole=key.kind == "whole")
    if number is None or isnan(number):
        place.expected(f"{noun}{bound}", value)
    elif not key.infinite and not isfinite(number):
        place.expected(f"a finite number{bound}", value)
    elif number < key.low or (key.above and number == key.low):
        place.expected(f"{noun}{bound}", value)
    elif number > key.high:
        place.expected(f"{noun} of at most {key.high:.15g}", value)
    else:
        return number
    return None


def _lower_bound(key: Key) -> str:
    if not isfinite(key.low):
        return ""
    return f" above {key.low:g}" if key.above else f" of at least {key.low:g}"


def _as_number(value: object, *, whole: bool) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if whole:
        return int(value) if isfinite(value) and value == int(value) else None
    return float(value)


def check_choice(key: Key, value: object, place: Place) -> str | None:
    """One of the key's choices."""
    if isinstance(value, str) and value in key.choices:
        return value
    if value is not REFUSED:
        known = ", ".join(key.choices)
        place.wrong(f"expected one of {known}, got {describe(value)}.{nearest(value, key.choices)}")
    return None


def as_finite(value: object) -> float | None:
    """The value as a finite float, or None if it is not one."""
    number = _as_number(value, whole=False)
    return number if number is not None and isfinite(number) else None


# --- compact text -----------------------------------------------------------------------------


def read_settings(text: str, place: Place) -> dict[str, object] | None:
    """`slope=0.25,backward=logistic` as a mapping."""
    settings: dict[str, object] = {}
    for part in text.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not name or not value:
            place.expected("KEY=VALUE pairs with commas between them", text)
            return None
        if name in settings:
            place.wrong(f"'{name}' is given twice in {text!r}")
            return None
        settings[name] = read_part(value, place)
    return settings


def read_part(text: str, place: Place) -> object:
    """The value of one piece of a compact text."""
    try:
        return read_scalar(text.strip())
    except ValueError as problem:
        place.wrong(str(problem))
        return REFUSED
