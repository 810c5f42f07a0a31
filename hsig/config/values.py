"""Plain values, the locations they came from, and complaints that name these.

A check takes a value and its location and returns what the value means; or it notes a complaint in
the house's pattern (where, what with the value, what would be right) and raises `InvalidValue`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from math import isfinite, isnan
from pathlib import Path
from sys import float_info
from types import MappingProxyType
from typing import NamedTuple, TypeGuard, TypeVar

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
KeyPath = tuple[str | int, ...]
T = TypeVar("T")

MAX_DIGITS = 300  # more would overflow a double
INVALID = object()  # stands where a value was that has been complained of already

_CONSTANTS: Mapping[str, object] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_WHOLE = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?(\.inf|\.Inf|\.INF)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")


# --- plain values -----------------------------------------------------------------------------


def read_scalar(text: str) -> object:
    """The value of an unquoted scalar, by the core schema of YAML 1.2.

    Raises:
        ValueError: If YAML 1.1 and 1.2 disagree about it, or it is absurdly long; the message
            says what to write.

    >>> read_scalar("1e-3"), read_scalar("yes"), read_scalar("true")
    (0.001, 'yes', True)
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _LEADING_ZERO.fullmatch(text):
        raise ValueError(f"{text} is ambiguous (octal in YAML 1.1): write it without the zero")
    if _SEXAGESIMAL.fullmatch(text):
        raise ValueError(f"{text} is ambiguous (base 60 in YAML 1.1): quote it if it is text")
    if _WHOLE.fullmatch(text):
        number = int(text, 0 if text.startswith("0") else 10) if len(text) <= MAX_DIGITS else None
        if not is_number(number):
            raise ValueError(f"a number of {len(text)} digits is too large to be meant")
        return number
    if _NUMBER.fullmatch(text):
        return float(text)
    if _INFINITE.fullmatch(text):
        return float(text.replace(".", ""))
    return text


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a number that a double can hold, or infinite, or nan."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, float) or abs(value) <= float_info.max


def as_finite(value: object) -> float | None:
    """The value as a finite float, or None if it is not one."""
    return float(value) if is_number(value) and isfinite(value) else None


def plain(value: Json) -> Json:
    """The value with every number that JSON cannot say as a text."""
    if isinstance(value, list):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, float) and not isfinite(value):
        return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def plain_fields(record: NamedTuple) -> dict[str, Json]:
    """A flat record's fields, ready for JSON."""
    return {name: plain(value) for name, value in record._asdict().items()}


def describe(value: object) -> str:
    """A value as messages show it, in a few words.

    >>> describe("fast"), describe([1, 2]), describe(None)
    ("the text 'fast'", 'a list of 2', 'nothing')
    """
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case str():
            return f"the text {value!r}" if len(value) <= 60 else f"the text {value[:57]!r}..."
        case list():
            return f"a list of {len(value)}"
        case dict():
            return "keys and values"
        case int() if abs(value) >= 10**20:
            return "a number of more than 20 digits"
    return str(value)


def nearest(word: object, known: Iterable[str]) -> str:
    """` Did you mean 'x'?` for a word that is nearly one of `known`, else nothing.

    The first part of a name counts as well: `outputt` is nearly `output_activation`.
    """
    from difflib import get_close_matches

    if not isinstance(word, str):
        return ""
    names: dict[str, str] = {}
    for name in sorted(known, key=lambda name: "_" in name):  # a whole name before a part of one
        names.setdefault(name.casefold(), name)
        names.setdefault(name.casefold().partition("_")[0], name)
    matches = get_close_matches(word.casefold(), names, n=1)
    return f" Did you mean '{names[matches[0]]}'?" if matches else ""


# --- locations and complaints -----------------------------------------------------------------


class Value(NamedTuple):
    """A plain value of a key, and where it came from."""

    value: object  # plain Python: None, bool, int, float, str, list or dict
    # `FILE`, `--flag`, or the name of an argument; `default` if nobody set it
    source: str = "default"
    lines: Mapping[KeyPath, int] = MappingProxyType({})  # the line of every part of its file
    path: KeyPath = ()  # steps to it in its file
    folder: Path = Path()  # what file names in the value are relative to
    is_argument: bool = False  # whether it came with a call from Python

    @property
    def is_default(self) -> bool:
        """Whether nobody set it."""
        return self.source == "default"

    @property
    def is_flag(self) -> bool:
        """Whether it came from the command line or a call, where its source is its key."""
        return self.is_argument or self.source.startswith("--")

    def where(self, path: KeyPath = ()) -> str:
        """The place of the part of the value at `path`, as messages name it."""
        steps = (*self.path, *path)
        while steps and steps not in self.lines:
            steps = steps[:-1]
        return f"{self.source}:{self.lines[steps]}" if steps in self.lines else self.source

    def part(self, step: str | int, value: object) -> "Value":
        """A part of it as a value of its own."""
        return self._replace(value=value, path=(*self.path, step))


class InvalidValue(Exception):
    """A value cannot be used; the complaint has been noted."""


@dataclass(frozen=True)
class Location:
    """A part of the value of a key: where to say that it is wrong."""

    key: str  # name of the key; may be empty
    value: Value  # the whole value of the key
    problems: list[str]  # gets the complaints
    path: KeyPath = ()  # steps to the part
    setting: str = ""  # which setting of a spec such as `hard:slope=0.25` the part is, if it is one

    def below(self, step: str | int) -> "Location":
        """The part one step further down."""
        return replace(self, path=(*self.path, step))

    def wrong(self, message: str) -> InvalidValue:
        """Note that this part is wrong; to be raised, so that the part is left."""
        name = "" if self.value.is_flag else self.key  # a flag names its key itself
        for step in self.path:
            name += f"[{step}]" if isinstance(step, int) else f".{step}" if name else str(step)
        parts = (self.value.where(self.path), name, self.setting, message)
        self.problems.append(": ".join(filter(None, parts)))
        return InvalidValue()

    def expected(self, what: str, value: object, known: Iterable[str] = ()) -> InvalidValue:
        """Note that something else was expected, of `known` the nearest name; to be raised."""
        if value is INVALID:
            return InvalidValue()
        hint = nearest(value, known)
        return self.wrong(f"expected {what}, got {describe(value)}{hint and '.' + hint}")

    def unknown(self, what: str, name: str, known: Iterable[str], more: str = "") -> InvalidValue:
        """Note a name that is none of `known`; to be raised."""
        names = list(known)
        return self.wrong(
            f"unknown {what} '{name}'.{nearest(name, names)} Known: {', '.join(names)}{more}"
        )


def check_all(checks: Iterable[Callable[[], T]]) -> list[T]:
    """What several checks return; all of them complain before it ends."""
    found, sound = [], True
    for check in checks:
        try:
            found.append(check())
        except InvalidValue:
            sound = False
    if not sound:
        raise InvalidValue
    return found


def read_value(text: str, location: Location) -> object:
    """The scalar that a text is; `INVALID` after a complaint."""
    try:
        return read_scalar(text.strip())
    except ValueError as problem:
        location.wrong(str(problem))
        return INVALID
