"""Which run is meant, and which runs there are."""

import json
import operator
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from fnmatch import fnmatchcase
from itertools import pairwise, takewhile
from math import prod
from operator import eq
from pathlib import Path
from typing import Any

from hsig.activations import ACTIVATIONS
from hsig.activations.names import format_number
from hsig.config.activation_kinds import spec_document
from hsig.config.keys import KEYS
from hsig.config.kinds import Number, Seeds
from hsig.config.values import Json, nearest
from hsig.errors import ConfigError, RunError
from hsig.experiments.sweeps import canonical_value
from hsig.networks.tasks import TASKS
from hsig.reports.page import OF_HSIG, Page, Table, count, lines, short, shortened
from hsig.reports.page import records as records_of
from hsig.reports.phrases import SEVERAL, as_yaml, value_of
from hsig.runs.record import PRECISION
from hsig.runs.store import ID, LATEST, TASK, GoneError, Note, Record, entries, read, read_note

# --- finding -------------------------------------------------------------------------------------

# Runs found again: by the beginning of an id, by a name, or by their age.

_LEAST = len("20261123T215509")  # of the beginning of an id: the second
_TOLD_MOST = 10  # ids of one name
_LIKE_AN_ID = re.compile(r"[0-9]{8}T")
_BACK = re.compile(f"{LATEST}(?:~([0-9]+))?")
_DIGITS_MOST = 10
_SAID_MOST = 60  # characters of what was typed, in a complaint


def ids_in(runs: Path) -> list[str]:
    """The ids of all runs, the oldest first; there may be no record behind one.

    Raises:
        RunError: If the folder cannot be read.
    """
    return [name for name in entries(runs) if ID.fullmatch(name)]


def names_in(runs: Path, ids: Iterable[str]) -> list[tuple[str, str]]:
    """The names that runs have, each with an id."""
    found = ((read_note(runs / one).name, one) for one in ids)
    return [(name, one) for name, one in found if name]


def beginnings(ids: Sequence[str]) -> dict[str, str]:
    """Of each id a beginning that no other has, down to the second at least.

    >>> list(beginnings(["20261123T215509.223364Z-14", "20261123T215509.3Z-1"]).values())
    ['20261123T215509.2', '20261123T215509.3']
    """
    # with how many characters two neighbours begin alike
    common = [sum(takewhile(bool, map(eq, *two))) for two in pairwise(["", *ids, ""])]
    return {
        one: one[: max(_LEAST, 1 + max(common[place : place + 2]))] for place, one in enumerate(ids)
    }


def find(runs: Path, text: str) -> Record:
    """The record that is meant.

    Raises:
        ConfigError: As `locate`.
        RunError: If it is damaged.
    """
    while True:
        with suppress(GoneError):  # another may be the latest by now, or have the name
            return read(locate(runs, text))


def locate(runs: Path, text: str) -> Path:
    """The folder of a record: by its id, its name, a beginning of its id, `latest`, `latest~1`.

    Raises:
        ConfigError: If there is none, or several.
        RunError: If the folder of runs cannot be read.
    """
    ids, said = ids_in(runs), shortened(text, _SAID_MOST)
    if not ids:
        raise ConfigError(f"{runs}: there are no kept runs here. Choose the folder with --runs-dir")
    if back := _BACK.fullmatch(text):
        steps = int(back[1] or 0) if len(back[1] or "") < _DIGITS_MOST else len(ids)
        if steps >= len(ids):
            raise ConfigError(f"{said}: there are only {len(ids)} kept runs in {runs}")
        return runs / ids[-1 - steps]
    if text in ids:
        return runs / text
    names = names_in(runs, ids)
    named = [one for name, one in names if name == text]
    if len(named) > 1:
        listed = ", ".join(named[::-1][:_TOLD_MOST])
        raise ConfigError(f"{said}: {len(named)} runs have this name. Give the id of one: {listed}")
    matching = named or [one for one in ids if one.startswith(text)]
    if len(matching) != 1:
        which = f"{len(matching)} runs begin so: {', '.join(matching[:3])}" if matching else ""
        none = f"no run in {runs} begins so or has this name"
        hint = "" if matching else nearest(text, [name for name, _ in names])
        raise ConfigError(
            f"{said}: {which or none}.{hint} Expected the beginning of one id, a name, "
            "latest or latest~1; hsig runs list shows them"
        )
    return runs / matching[0]


def is_a_run(runs: Path, text: str) -> bool:
    """Whether a text means a kept run, or would if there were such: not whether it is only one."""
    if text.partition("~")[0] == LATEST or _LIKE_AN_ID.match(text):
        return True
    return any(text == word or (what == "" and word.startswith(text)) for word, what in _all(runs))


def offered(runs: Path, typed: str) -> list[tuple[str, str]]:
    """What a shell offers for a run that is typed so far, each with what it is."""
    return [(word, what) for word, what in _all(runs) if word.startswith(typed)]


def _all(runs: Path) -> list[tuple[str, str]]:
    """What kept runs can be called, each with an id or nothing if it is one; none without them."""
    try:
        ids = ids_in(runs)[::-1]
    except RunError:
        return []
    latest = [(LATEST, ids[0])] if ids else []
    return [*latest, *names_in(runs, ids), *((one, "") for one in ids)]


# --- listing -------------------------------------------------------------------------------------

# Kept runs in words and cells: a list of them, and how two differ.

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
    keys["init"] = "uniform:" + ",".join(map(format_number, keys["init"]["uniform"]))
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
        f"{name}={format_number(canonical_value(as_yaml(value)))}"
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


# --- conditions ----------------------------------------------------------------------------------

# Which kept runs are meant: what `--where` and `--since` say.

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
                return canonical_value(self.wanted) in _numbers(record, self.name)
        values = settings(record)[self.name].split(SEVERAL)
        values += [without_digest(value) for value in values]
        if self.name == "output_activation":
            values += [value.partition(":")[0] for value in values]
        return canonical_value(self.wanted) in map(canonical_value, values)


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
    bound = canonical_value(wanted)
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
