"""Kept runs in words and cells: a list of them, and how two differ."""

import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from hsig.config.activation_kinds import spec_document
from hsig.config.keys import KEYS
from hsig.config.values import Json
from hsig.experiments.sweeps import canonical
from hsig.networks.activations import ACTIVATIONS, shortest
from hsig.networks.tasks import TASKS
from hsig.reports.numbers import count, short
from hsig.reports.page import OF_HSIG, Page, Table, lines
from hsig.reports.page import records as records_of
from hsig.reports.words import SEVERAL, as_yaml, value_of
from hsig.runs.finding import beginnings
from hsig.runs.folder import Record
from hsig.runs.names import Note
from hsig.runs.outcomes import PRECISION
from hsig.runs.shape import TASK

_NAMED_MOST = 3  # variants that are named one by one
_DIFFERENT_MOST = 20  # numbers that are not the same, in a sentence


_CALLED = ("name", "note")
_SAID = ("kink", "backward")  # behind the name of any activation
_COMMA = re.compile(r",(?=\S)")
_DIGEST = re.compile(r" ?\([0-9a-f]{8}\)$")


def listing(records: Sequence[Record], ids: Sequence[str], *, only_changed: bool = False) -> Page:
    """The page of kept runs, a row for each.

    Args:
        records: Those that are listed.
        ids: Those of all that are kept; a screen has beginnings that tell them apart.
        only_changed: Whether the keys are shown in which they differ.
    """
    table = _changed(records) if only_changed else _table(records)
    rows = records_of(table)
    document: dict[str, Json] = {
        **OF_HSIG,
        "tables": [{"title": "", "rows": [*rows]}],
        "runs": [_document(record) for record in records],
    }
    return Page(
        (_on_screen(table, records, beginnings(ids)),),
        lambda _: document,
        lambda: (table.columns, rows),
        markdown=(table,),
    )


def _table(records: Sequence[Record]) -> Table:
    """What there is to say of each run."""
    columns = ("id", "command", "what", "solved", "seconds", *_CALLED)
    rows = tuple((r.id, r.command, _what(r), _solved(r), _seconds(r), *_called(r)) for r in records)
    return Table("", columns, rows, prose=tuple(name for name in columns if name != "seconds"))


def _changed(records: Sequence[Record]) -> Table:
    """The keys in which runs differ."""
    every = [(record, settings(record)) for record in records]
    changed = [name for name in KEYS if len({keys[name] for _, keys in every}) > 1]
    columns = ("id", "command", *changed, *_CALLED)
    rows = tuple(
        (record.id, record.command, *(keys[name] for name in changed), *_called(record))
        for record, keys in every
    )
    return Table("", columns, rows, prose=columns, splits=True)


def _called(record: Record) -> tuple[str, str]:
    return record.note.name, " ".join(record.note.text.split())


def _on_screen(table: Table, records: Sequence[Record], short: Mapping[str, str]) -> Table:
    """The same as narrow as can be: what nobody has is left out, and what is spare may be."""
    cells = {name: [row[n] for row in table.rows] for n, name in enumerate(table.columns)}
    cells["id"] = [short.get(record.id, record.id) for record in records]
    if "what" in cells:  # which has the name in front, and may be folded at commas
        cells["what"] = [
            ": ".join(filter(None, (r.note.name, _COMMA.sub(", ", _what(r))))) for r in records
        ]
        cells["name"] = []
        cells["solved"] = [_solved(record, briefly=True) for record in records]
    kept = {name: own for name, own in cells.items() if name not in _CALLED or any(own)}
    return replace(
        table,
        columns=tuple(kept),
        rows=tuple(zip(*kept.values(), strict=True)),
        spare=(("note",), ("seconds",), ("command",)),
        whole=True,
        firm=("id", "command", "solved", "seconds"),
    )


def _document(record: Record) -> dict[str, Json]:
    """A run as other programs want it."""
    parts = mains(record)
    return {
        "id": record.id,
        "name": record.note.name,
        "note": record.note.text,
        "command": record.command,
        "started": record.about["started"],
        "seconds": record.about["seconds"],
        "complete": record.complete,
        "results": [{"part": part["name"], **one} for part in parts for one in part["results"]],
        "sweep": {axis["name"]: [*map(value_of, axis["values"])] for axis in _axes(record)} or None,
    }


def with_note(page: Page, note: Note) -> Page:
    """The page of a kept run, below what it is called and what is said of it."""
    if not note:
        return page
    said = lines([": ".join(part for part in (note.name, note.text) if part)])
    called: dict[str, Json] = {"name": note.name, "note": note.text}
    return replace(
        page,
        blocks=(said, *page.blocks),
        short=page.short and (said, *page.short),
        markdown=page.markdown and (said, *page.markdown),
        document=lambda every: {**page.document(every), **called},
    )


def settings(record: Record) -> dict[str, str]:
    """Every key of a run as a config would spell it; of several configs, all values."""
    spelled = [_spelled(part) for part in mains(record)]
    made = {name: SEVERAL.join(dict.fromkeys(keys[name] for keys in spelled)) for name in KEYS}
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
    """The keys of one experiment; one that came later had its default."""
    keys = {name: key.default for name, key in KEYS.items()} | part["experiment"]
    labels = ",".join(label.removeprefix(f"{part['name']}: ") for label in part["labels"])
    specs = keys["activations"] or [keys["activation"]]
    keys["activation"], keys["activations"] = None, labels + _unsaid(specs)
    if isinstance(keys["output_activation"], dict):
        keys["output_activation"] = _activation(keys["output_activation"])
    keys["init"] = "uniform:" + ",".join(map(shortest, keys["init"]["uniform"]))
    keys["task"] = _task(keys["task"])
    return {name: "" if value is None else as_yaml(value) for name, value in keys.items()}


def _task(task: Mapping[str, Any]) -> str:
    """A task's name; with a digest of its rows if they are the user's own."""
    name: str = task["name"]
    if name in TASKS:
        return name
    return f"{name}{_digest([task.get('inputs'), task.get('targets')])}".lstrip()


def _activation(spec: Mapping[str, Any]) -> str:
    """An activation as a config would spell it, with a digest of what that does not say."""
    row = ACTIVATIONS.get(spec["name"])
    usual = {**spec, "kink": "own", "backward": "own"} if row is None else spec_document(row)
    settings = ",".join(
        f"{name}={shortest(canonical(as_yaml(value)))}"
        for name, value in spec.items()
        if name != "formula" and usual.get(name) != value
    )
    return f"{spec['name']}{settings and f':{settings}'}{_unsaid([spec])}"


def _unsaid(specs: Iterable[Any]) -> str:
    """A digest of what activations have that is told neither by a name nor by a setting."""
    own = [spec for spec in specs if isinstance(spec, dict) and spec["name"] not in ACTIVATIONS]
    unsaid = [
        {name: value for name, value in spec.items() if name not in _SAID and value != spec["name"]}
        for spec in own
    ]
    return _digest(unsaid) if any(unsaid) else ""


def _digest(said: object) -> str:
    return f" ({zlib.crc32(json.dumps(said).encode()):08x})"


def without_digest(spelled: str) -> str:
    """What `settings` has, as a config says it: without the digest of what a name stands for."""
    return _DIGEST.sub("", spelled)


def variants_of(record: Record) -> list[str]:
    """The activations that a run trained, as they are called in it."""
    for axis in _axes(record):
        if axis["name"] == "activation":
            return [*axis["values"]]
    return [
        label.removeprefix(f"{part['name']}: ")
        for part in mains(record)
        for label in part["labels"]
    ]


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
        different: The trained numbers that do not have the same bits.
        observed: What was computed beside them, and is farther apart than rounding.
        elsewhere: The machine that it was trained on, if its bits depend on that and it is
            another one than here.
    """

    id: str
    same_digest: bool
    different: tuple[str, ...]
    observed: tuple[str, ...] = ()
    elsewhere: str = ""

    @property
    def same_bits(self) -> bool | None:
        """Whether all bits are the same; None if that cannot be asked here."""
        if self.elsewhere and not self.different:
            return None
        return not self.different

    def page(self) -> Page:
        """A sentence; in Markdown and for other programs a row."""
        same = "other machine" if self.same_bits is None else _yes(self.same_bits)
        row = (self.id, same, _yes(self.same_digest), "; ".join(self.different))
        table = Table("", ("id", "same bits", "same digest", "different"), (row,))
        document: dict[str, Json] = {
            **OF_HSIG,
            "id": self.id,
            "same_bits": self.same_bits,
            "same_digest": self.same_digest,
            "different": list(self.different),
            "observed": list(self.observed),
            "elsewhere": self.elsewhere or None,
        }
        return Page(
            (lines([self._in_words()]),),
            lambda _: document,
            lambda: (table.columns, records_of(table)),
            markdown=(table,),
        )

    def _in_words(self) -> str:
        if self.same_bits is None:
            return (
                f"{self.id}: was trained with the NumPy engine on another machine "
                f"({self.elsewhere}), which its last bits depend on: they cannot be compared here"
            )
        depends = (
            "all that the numbers depend on is the same"
            if self.same_digest
            else "what the numbers depend on has changed (versions, numerics, engine, processor or "
            "record)"
        )
        if not self.different:
            beside = (
                f". Observed beside them, and not the same to {PRECISION:g}: "
                f"{_named(self.observed)}"
                if self.observed
                else ""
            )
            return f"{self.id}: the same bits in every number of every seed; {depends}{beside}"
        link = ", though" if self.same_digest else ":"
        return f"{self.id}: not the same bits{link} {depends}: {_named(self.different)}"


def _named(names: Sequence[str]) -> str:
    more = len(names) - _DIFFERENT_MOST
    return ", ".join(names[:_DIFFERENT_MOST]) + (f" and {more} more" if more > 0 else "")


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


def _what(record: Record) -> str:
    axes = _axes(record)
    if axes:
        cells = prod(len(axis["values"]) for axis in axes)
        swept = f"{', '.join(axis['name'] for axis in axes)}: {count(cells, 'cell')}"
        what = f"{_few(variants_of(record))} over {swept}"
        return what if record.complete else f"{what} (not finished)"
    labels = [label for part in mains(record) for label in part["labels"]]
    what = _few(labels)
    return what if record.complete else f"{what} (stopped early)"


def _few(labels: Sequence[str]) -> str:
    return ", ".join(labels) if len(labels) <= _NAMED_MOST else count(len(labels), "variant")


def _seconds(record: Record) -> str:
    seconds = record.about["seconds"]
    return short(seconds) if seconds else ""


def _solved(record: Record, *, briefly: bool = False) -> str:
    """How many seeds of how many each variant solved; briefly, of how many only once."""
    results = [result for part in mains(record) for result in part["results"]]
    if len(results) > _NAMED_MOST:
        return ""
    trained = [result for result in results if "solved" in result]
    seeds = {result["seeds"] for result in trained}
    if briefly and len(seeds) == 1:
        return f"{', '.join(str(result.get('solved', '-')) for result in results)} of {seeds.pop()}"
    return ", ".join(
        f"{result['solved']} of {result['seeds']}" if result in trained else "not trained"
        for result in results
    )
