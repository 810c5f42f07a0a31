"""Which kept runs are meant: what `--where` and `--since` say."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from fnmatch import fnmatchcase

from hsig.config.keys import KEYS
from hsig.config.kinds import Number, Seeds
from hsig.config.values import nearest
from hsig.errors import ConfigError
from hsig.experiments.sweeps import canonical
from hsig.reports.words import SEVERAL
from hsig.runs.folder import Record
from hsig.runs.listing import mains, settings, variants_of, without_digest

_SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_CONDITION = re.compile(r"\s*([\w.]*)\s*(>=|<=|!=|==?|>|<)\s*(.*?)\s*", re.DOTALL)
_TEXTS = ("name", "note")  # compared with a pattern, as a shell does with names of files
_MEASURED = ("solved", "seconds")
_COMPARED = (*_MEASURED, *(k.name for k in KEYS.values() if isinstance(k.kind, Number | Seeds)))
_KNOWN = (*_TEXTS, "command", *_MEASURED, *KEYS)
_EXAMPLES = "activation=hard or 'solved>=0.9' (in quotes: a shell takes > for itself)"


@dataclass(frozen=True)
class Condition:
    """What is to hold of a run.

    Attributes:
        name: A key, or what else is known of a run.
        sign: How it is compared.
        wanted: With what.
    """

    name: str
    sign: str
    wanted: str

    def holds(self, record: Record) -> bool:
        """Whether it does, of one at least of the values that the run has."""
        if self.sign in _SIGNS:
            bound = float(self.wanted)
            return any(_SIGNS[self.sign](value, bound) for value in _numbers(record, self.name))
        return self._is_so(record) is (self.sign != "!=")

    def _is_so(self, record: Record) -> bool:
        match self.name:
            case "name" | "note":
                said = record.note.name if self.name == "name" else record.note.text
                return fnmatchcase(said, self.wanted) if said else not self.wanted
            case "command":
                return record.command == self.wanted
            case "activation" | "activations":
                wanted = self.wanted
                return any(wanted in (v, v.partition(":")[0]) for v in variants_of(record))
            case "solved" | "seconds":
                return canonical(self.wanted) in _numbers(record, self.name)
        values = settings(record)[self.name].split(SEVERAL)
        values += [without_digest(value) for value in values]
        if self.name == "output_activation":
            values += [value.partition(":")[0] for value in values]
        return canonical(self.wanted) in map(canonical, values)


def read_conditions(texts: Sequence[str]) -> list[Condition]:
    """The conditions that texts such as `activation=hard` or `solved>=0.9` say.

    Raises:
        ConfigError: With what is wrong with each of them.
    """
    problems: list[str] = []
    conditions = []
    for text in texts:
        found = _CONDITION.fullmatch(text)
        if found is None:
            problems.append(f"expected a key and its value, such as {_EXAMPLES}, got {text}")
            continue
        name, sign, wanted = found.groups()
        problems += _complaints(name, sign, wanted)
        conditions.append(Condition(name, "=" if sign == "==" else sign, wanted))
    if problems:
        raise ConfigError([f"--where: {problem}" for problem in problems])
    return conditions


def _complaints(name: str, sign: str, wanted: str) -> list[str]:
    """What is wrong with a condition."""
    if name not in _KNOWN:
        return [f"unknown key '{name}'.{nearest(name, _KNOWN)} Known: {', '.join(_KNOWN)}"]
    text = f"{name}{sign}{wanted}"
    if sign in _SIGNS and name not in _COMPARED:
        return [f"{text}: {name} is no number. Write {name}=, or one of {', '.join(_COMPARED)}"]
    bound = canonical(wanted)
    if (sign in _SIGNS or name in _MEASURED) and not isinstance(bound, float):
        return [f"{text}: expected a number to compare with, got the text '{wanted}'"]
    if name == "solved" and isinstance(bound, float) and not 0.0 <= bound <= 1.0:
        return [f"{text}: expected a share of the seeds from 0 to 1, such as 0.9, got {wanted}"]
    return []


def _numbers(record: Record, name: str) -> list[float]:
    """What a run has of something that is compared as a number."""
    if name == "seconds":
        return [float(record.about["seconds"])]
    if name == "solved":
        results = [result for part in mains(record) for result in part["results"]]
        return [result["solved"] / result["seeds"] for result in results if "solved" in result]
    numbers = []
    for text in settings(record)[name].split(SEVERAL):
        with suppress(ValueError):
            numbers.append(_number(text))
    return numbers


def _number(text: str) -> float:
    """What a text says as a number; of seeds such as `[3, 5]` or `3,5`, how many they are."""
    is_list = text.startswith("[") or "," in text
    return float(text.count(",") + 1 if is_list else text)


_AGO = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAYS = {"today": 0, "yesterday": 1}


def read_since(text: str, now: datetime) -> datetime:
    """The moment that `yesterday`, `2d` or `2026-11-01T12:00` names; without an offset, local time.

    Args:
        text: As typed.
        now: With a time zone.

    Raises:
        ConfigError: If it names none.
    """
    with suppress(ValueError, OverflowError, OSError):  # of moments that a system has not
        if text in _DAYS:
            day = now.astimezone().date() - timedelta(days=_DAYS[text])
            return datetime.combine(day, time()).astimezone()
        if ago := _AGO.fullmatch(text):
            return now - timedelta(**{_UNITS[ago[2]]: float(ago[1])})
        return datetime.fromisoformat(text).astimezone()
    raise ConfigError(
        "--since: expected today, yesterday, so many minutes, hours, days or weeks (30m, 3h, 2d, "
        f"1w), or a date (2026-11-01, 2026-11-01T12:00, local time), got the text '{text}'"
    )


def begun_since(record: Record, moment: datetime) -> bool:
    """Whether a run began at that moment or later."""
    return datetime.fromisoformat(record.about["started"]) >= moment
