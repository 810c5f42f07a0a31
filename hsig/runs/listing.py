"""Kept runs in words and cells: a list of them, and how two differ."""

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from hsig.config.keys import KEYS
from hsig.config.values import Json
from hsig.errors import ConfigError
from hsig.experiments.sweeps import canonical
from hsig.networks.tasks import TASKS
from hsig.reports.numbers import count, short
from hsig.reports.page import OF_HSIG, Page, Table, lines, records
from hsig.reports.words import SEVERAL, as_yaml
from hsig.runs import TASK, Record

_NAMED_MOST = 3  # variants that are named one by one
_DIFFERENT_MOST = 20  # numbers that are not the same, in a sentence
_SEVERAL = ("activation", "activations")


def listing(records: Sequence[Record], *, only_changed: bool = False) -> Table:
    """A row for each run; with `only_changed` the keys in which they differ."""
    columns = ["id", "command"]
    rows = [[record.id, record.command] for record in records]
    if only_changed:
        every = [settings(record) for record in records]
        changed = [name for name in KEYS if len({keys.get(name, "") for keys in every}) > 1]
        columns += changed
        for row, keys in zip(rows, every, strict=True):
            row += [keys.get(name, "") for name in changed]
    else:
        columns += ["what", "solved", "seconds"]
        for row, record in zip(rows, records, strict=True):
            seconds = record.about["seconds"]
            row += [_what(record), _solved(record), short(seconds) if seconds else ""]
    return Table(
        "",
        tuple(columns),
        tuple(map(tuple, rows)),
        prose=tuple(name for name in columns if name != "seconds"),
        splits=True,
        whole=True,
        firm=True,
    )


def settings(record: Record) -> dict[str, str]:
    """Every key of a run as a config would spell it; of several configs, all values."""
    spelled = [_spelled(part) for part in mains(record)]
    made = {
        name: SEVERAL.join(dict.fromkeys(keys.get(name, "") for keys in spelled)) for name in KEYS
    }
    for axis in _axes(record):
        name = "activations" if axis["name"] == "activation" else axis["name"]
        made[name] = SEVERAL.join(axis["values"])
    return made


def _axes(record: Record) -> list[Mapping[str, Any]]:
    """What is swept, if anything is."""
    return record.about["sweep"]["axes"] if record.command == "sweep" else []


def mains(record: Record) -> list[Mapping[str, Any]]:
    """The parts that were asked for: not the remedies, and not what a tuning tried."""
    parts: list[Mapping[str, Any]] = record.about["parts"]
    asked_for = [part for part in parts if part.get("role", "") in ("", TASK)]
    return asked_for[:1] if record.command == "explain" else asked_for


def _spelled(part: Mapping[str, Any]) -> dict[str, str]:
    """The keys of one experiment."""
    keys = dict(part["experiment"])
    labels = ",".join(label.removeprefix(f"{part['name']}: ") for label in part["labels"])
    keys["activation"], keys["activations"] = None, labels
    output = keys.get("output_activation")
    if isinstance(output, dict):
        keys["output_activation"] = output["name"]
    if isinstance(keys.get("init"), dict):
        keys["init"] = "uniform:" + ",".join(short(bound) for bound in keys["init"]["uniform"])
    if isinstance(keys.get("task"), dict):
        keys["task"] = _task(keys["task"])
    return {name: "" if value is None else as_yaml(value) for name, value in keys.items()}


def _task(task: Mapping[str, Any]) -> str:
    """A task's name; with a digest of its rows if they are the user's own."""
    name = str(task.get("name", ""))
    if name in TASKS:
        return name
    rows = json.dumps([task.get("inputs"), task.get("targets")])
    return f"{name} ({zlib.crc32(rows.encode()):08x})".lstrip()


def matches(record: Record, condition: str) -> bool:
    """Whether a run is as a text such as `activation=hard` has it.

    Raises:
        ConfigError: If the text is no condition.
    """
    name, equals, wanted = condition.partition("=")
    if not equals:
        raise ConfigError(
            f"--where: expected a key and its value, such as activation=hard, got {condition}"
        )
    if name not in KEYS and name != "command":
        raise ConfigError(f"--where: unknown key '{name}'. Known: command, {', '.join(KEYS)}")
    if name == "command":
        return record.command == wanted
    if name in _SEVERAL:
        labels = [
            label.removeprefix(f"{part['name']}: ")
            for part in mains(record)
            for label in part["labels"]
        ]
        for axis in _axes(record):
            labels = axis["values"] if axis["name"] == "activation" else labels
        return any(wanted in (label, label.partition(":")[0]) for label in labels)
    values = settings(record)[name].split(SEVERAL)
    return canonical(wanted) in map(canonical, values)


def differences(first: Record, second: Record, names: tuple[str, str]) -> Table:
    """The keys in which two runs differ, and what else the numbers depend on."""
    one, other = (
        {
            "command": record.command,
            **settings(record),
            **record.about["versions"],
        }
        for record in (first, second)
    )
    rows = [
        (name, one.get(name, ""), other.get(name, ""))
        for name in one | other
        if one.get(name) != other.get(name)
    ]
    title = "differences" if rows else "the same settings and versions"
    return Table(title, ("key", *names), tuple(rows), prose=("key", *names))


@dataclass(frozen=True)
class Repetition:
    """What came of training a kept run again.

    Attributes:
        id: Of the run.
        same_digest: Whether all that its numbers depend on is as it was.
        different: The numbers that do not have the same bits.
    """

    id: str
    same_digest: bool
    different: tuple[str, ...]

    def page(self) -> Page:
        """A sentence; in Markdown and for other programs a row."""
        row = (self.id, _yes(not self.different), _yes(self.same_digest), "; ".join(self.different))
        table = Table("", ("id", "same bits", "same digest", "different"), (row,))
        document: dict[str, Json] = {
            **OF_HSIG,
            "id": self.id,
            "same_bits": not self.different,
            "same_digest": self.same_digest,
            "different": list(self.different),
        }
        return Page(
            (lines([self._in_words()]),),
            lambda _: document,
            lambda: (table.columns, records(table)),
            markdown=(table,),
        )

    def _in_words(self) -> str:
        depends = (
            "all that the numbers depend on is the same"
            if self.same_digest
            else "what the numbers depend on has changed (versions, numerics, engine or processor)"
        )
        if not self.different:
            return f"{self.id}: the same bits in every number of every seed; {depends}"
        named = ", ".join(self.different[:_DIFFERENT_MOST])
        more = len(self.different) - _DIFFERENT_MOST
        link = ", though" if self.same_digest else ":"
        return (
            f"{self.id}: not the same bits{link} {depends}: {named}"
            f"{f' and {more} more' if more > 0 else ''}"
        )


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


def _what(record: Record) -> str:
    axes = _axes(record)
    if axes:
        cells = prod(len(axis["values"]) for axis in axes)
        swept = f"{', '.join(axis['name'] for axis in axes)}: {count(cells, 'cell')}"
        what = f"{record.about['parts'][0]['labels'][0]} over {swept}"
        return what if record.complete else f"{what} (not finished)"
    labels = [label for part in mains(record) for label in part["labels"]]
    what = ", ".join(labels) if len(labels) <= _NAMED_MOST else count(len(labels), "variant")
    return what if record.complete else f"{what} (stopped early)"


def _solved(record: Record) -> str:
    results = [result for part in mains(record) for result in part["results"]]
    if len(results) > _NAMED_MOST:
        return ""
    return ", ".join(
        f"{result['solved']} of {result['seeds']}" if "solved" in result else "not trained"
        for result in results
    )
