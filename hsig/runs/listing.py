"""Which run is meant, which runs there are, and how two of them differ."""

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime, time, timedelta
from fnmatch import fnmatchcase
from itertools import pairwise, takewhile
from math import nan, prod
from operator import eq
from pathlib import Path
from typing import Any

from hsig.analysis.parts import ASKED, CONFIG, TASK
from hsig.config.keys import KEYS
from hsig.config.kinds import Hidden, Number, Seeds
from hsig.config.values import Json, nearest
from hsig.errors import ConfigError, RunError
from hsig.experiments.sweeps import canonical_value
from hsig.reports.page import OF_HSIG, Page, Table, count, lines, short
from hsig.reports.phrases import SEVERAL, as_yaml, value_of
from hsig.runs.record import PRECISION
from hsig.runs.store import ID, LATEST, Note, Record, list_names, read_note, read_record

# --- finding -------------------------------------------------------------------------------------

_MIN_PREFIX = len("20261123T215509")  # of an id: down to the second
_LIKE_AN_ID = re.compile(r"[0-9]{8}T")
_BACK = re.compile(f"{LATEST}(?:~([0-9]{{1,9}}))?")
_MAX_LISTED = 10  # ids in a complaint


def list_ids(runs: Path) -> list[str]:
    """The ids of all runs, the oldest first; there may be no record behind one.

    Raises:
        RunError: If the folder cannot be read.
    """
    return [name for name in list_names(runs) if ID.fullmatch(name)]


def list_run_names(runs: Path, ids: Iterable[str]) -> list[tuple[str, str]]:
    """The names that runs have, each with an id."""
    named = ((read_note(runs / run).name, run) for run in ids)
    return [(name, run) for name, run in named if name]


def shorten_ids(ids: Sequence[str]) -> dict[str, str]:
    """For each of some sorted ids, a beginning that no other has, down to the second at least.

    >>> list(shorten_ids(["20261123T215509.223364Z-14", "20261123T215509.3Z-1"]).values())
    ['20261123T215509.2', '20261123T215509.3']
    """
    shared = [sum(takewhile(bool, map(eq, *pair))) for pair in pairwise(["", *ids, ""])]
    return {
        run: run[: max(_MIN_PREFIX, 1 + before, 1 + after)]
        for run, (before, after) in zip(ids, pairwise(shared), strict=True)
    }


def find_record(runs: Path, text: str) -> Record:
    """The record that is meant, as `find_folder` has it.

    Raises:
        ConfigError: If there is none, or several.
        RunError: If it is damaged.
    """
    return read_record(find_folder(runs, text))


def find_folder(runs: Path, text: str) -> Path:
    """The folder of a record: by its id, its name, a beginning of its id, `latest`, `latest~1`.

    Raises:
        ConfigError: If there is none, or several.
        RunError: If the folder of runs cannot be read.
    """
    ids = list_ids(runs)
    if not ids:
        raise ConfigError(f"{runs}: there are no kept runs here. Choose the folder with --runs-dir")
    if back := _BACK.fullmatch(text):
        steps = int(back[1] or 0)
        if steps >= len(ids):
            raise ConfigError(f"{text}: there are only {len(ids)} kept runs in {runs}")
        return runs / ids[-1 - steps]
    if text in ids:
        return runs / text
    names = list_run_names(runs, ids)
    matching = [run for name, run in names if name == text]
    matching = matching or [run for run in ids if run.startswith(text)]
    if len(matching) > 1:
        listed = ", ".join(matching[::-1][:_MAX_LISTED])
        raise ConfigError(
            f"{text}: {len(matching)} runs have this name or begin so. Give the id of one: {listed}"
        )
    if not matching:
        raise ConfigError(
            f"{text}: no run in {runs} begins so or has this name."
            f"{nearest(text, [name for name, _ in names])} Expected the beginning of one id, a "
            "name, latest or latest~1; hsig runs list shows them"
        )
    return runs / matching[0]


def names_a_run(runs: Path, text: str) -> bool:
    """Whether a text means a kept run, or would if there were such: not whether it is only one."""
    if text.partition("~")[0] == LATEST or _LIKE_AN_ID.match(text):
        return True
    return any(
        text == word or (not run and word.startswith(text)) for word, run in _words_for_runs(runs)
    )


def complete_run_name(runs: Path, typed: str) -> list[tuple[str, str]]:
    """What a shell offers for a run that is typed so far, each with what it is."""
    return [(word, run) for word, run in _words_for_runs(runs) if word.startswith(typed)]


def _words_for_runs(runs: Path) -> list[tuple[str, str]]:
    """What kept runs can be called, each with an id, or with nothing if it is one."""
    try:
        ids = list_ids(runs)[::-1]
    except RunError:
        return []
    latest = [(LATEST, ids[0])] if ids else []
    return [*latest, *list_run_names(runs, ids), *((run, "") for run in ids)]


# --- listing -------------------------------------------------------------------------------------

_MAX_NAMED = 3  # variants that are named one by one
_CHECKSUM = re.compile(r" ?\([0-9a-f]{8}\)$")


def listing(records: Sequence[Record], ids: Sequence[str], *, only_changed: bool = False) -> Page:
    """The page of kept runs, a row for each.

    Args:
        records: Those that are listed.
        ids: Those of all that are kept; a screen has beginnings that tell them apart.
        only_changed: Whether the keys are shown in which they differ.
    """
    if only_changed:
        keys = [settings(record) for record in records]
        changed = [name for name in KEYS if len({texts[name] for texts in keys}) > 1]
        columns = [{name: texts[name] for name in changed} for texts in keys]
    else:
        columns = [
            {"what": _describe(r), "solved": _solved(r), "seconds": short(r.meta["seconds"])}
            for r in records
        ]
    rows = [
        {
            "id": record.id,
            "command": record.command,
            "name": record.note.name,
            **own,
            "note": " ".join(record.note.text.split()),
        }
        for record, own in zip(records, columns, strict=True)
    ]
    names = tuple(rows[0]) if rows else ("id", "command")
    short_ids = shorten_ids(ids)
    on_screen = [row | {"id": short_ids.get(row["id"], row["id"])} for row in rows]
    document: dict[str, Json] = {
        **OF_HSIG,
        "tables": [{"title": "", "rows": [{**row} for row in rows]}],
        "runs": [_document(record) for record in records],
    }
    shown = [n for n in names if n not in ("name", "note") or any(row[n] for row in rows)]
    table = replace(
        _table(shown, on_screen),
        splits=only_changed,
        spare=(("note",), ("seconds",), ("command",)),
        whole=True,
        firm=("id", "command", "solved", "seconds"),
    )
    return Page(
        (table,), lambda _: document, lambda: (names, rows), markdown=(_table(names, rows),)
    )


def _table(names: Sequence[str], rows: Sequence[Mapping[str, str]]) -> Table:
    prose = tuple(name for name in names if name != "seconds")
    return Table("", tuple(names), tuple(tuple(row[n] for n in names) for row in rows), prose=prose)


def _describe(record: Record) -> str:
    """What a run trained, and whether that was all."""
    axes = _axes(record)
    if axes:
        cells = prod(len(axis["values"]) for axis in axes)
        swept = f"{', '.join(axis['name'] for axis in axes)}: {count(cells, 'cell')}"
        what, unfinished = f"{_few(variants_of(record))} over {swept}", "not finished"
    else:
        labels = [label for part in main_parts(record) for label in part["labels"]]
        what, unfinished = _few(labels), "stopped early"
    return what if record.complete else f"{what} ({unfinished})"


def _few(labels: Sequence[str]) -> str:
    return ", ".join(labels) if len(labels) <= _MAX_NAMED else count(len(labels), "variant")


def _solved(record: Record) -> str:
    """How many seeds of how many each variant solved; of how many only once if it is the same."""
    results = [result for part in main_parts(record) for result in part["results"]]
    if not results or len(results) > _MAX_NAMED:
        return ""
    seeds = {result["seeds"] for result in results if "solved" in result}
    if len(seeds) == 1:
        return f"{', '.join(str(result.get('solved', '-')) for result in results)} of {seeds.pop()}"
    return ", ".join(
        f"{result['solved']} of {result['seeds']}" if "solved" in result else "not trained"
        for result in results
    )


def _document(record: Record) -> dict[str, Json]:
    """A run as other programs want it."""
    return {
        "id": record.id,
        "name": record.note.name,
        "note": record.note.text,
        "command": record.command,
        "started": record.meta["started"],
        "seconds": record.meta["seconds"],
        "complete": record.complete,
        "results": [
            {"part": part["name"], **result}
            for part in main_parts(record)
            for result in part["results"]
        ],
        "sweep": {axis["name"]: [*map(value_of, axis["values"])] for axis in _axes(record)} or None,
    }


def add_note(page: Page, note: Note) -> Page:
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


# --- what runs have ------------------------------------------------------------------------------


def main_parts(record: Record) -> list[Mapping[str, Any]]:
    """The parts that were asked for: not the remedies, and not what a tuning tried."""
    return [part for part in record.meta["parts"] if part["role"] in (ASKED, CONFIG, TASK)]


def settings(record: Record) -> dict[str, str]:
    """Every key of a run as a config would spell it; of several configs, all values.

    A key that came later has its default.
    """
    parts = [part["settings"] for part in main_parts(record)]
    texts = {}
    for name, key in KEYS.items():
        default = "" if key.default is None else as_yaml(key.default)
        texts[name] = SEVERAL.join(dict.fromkeys(part.get(name, default) for part in parts))
    for axis in _axes(record):
        name = "activations" if axis["name"] == "activation" else axis["name"]
        texts[name] = SEVERAL.join(axis["values"])
    return texts


def variants_of(record: Record) -> list[str]:
    """The activations that a run trained, as they are called in it."""
    for axis in _axes(record):
        if axis["name"] == "activation":
            return [*axis["values"]]
    return [
        label.removeprefix(f"{part['name']}: ")
        for part in main_parts(record)
        for label in part["labels"]
    ]


def _axes(record: Record) -> list[Mapping[str, Any]]:
    return record.meta["sweep"]["axes"] if record.is_sweep else []


def differences(first: Record, second: Record, names: tuple[str, str]) -> Table:
    """The keys in which two runs differ, and what else the numbers depend on."""
    before, after = (
        {"command": record.command, **settings(record), **record.meta["versions"]}
        for record in (first, second)
    )
    rows = tuple(
        (name, before.get(name, ""), after.get(name, ""))
        for name in before | after
        if before.get(name) != after.get(name)
    )
    title = "differences" if rows else "the same settings and versions"
    return Table(title, ("key", *names), rows, prose=("key", *names))


# --- repeating -----------------------------------------------------------------------------------

_MAX_DIFFERENT = 20  # numbers that are not the same, in a sentence


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
        return None if self.elsewhere and not self.different else not self.different

    def page(self) -> Page:
        """A sentence; in Markdown and for other programs a row."""
        words = {True: "yes", False: "no", None: "other machine"}
        row = {
            "id": self.id,
            "same bits": words[self.same_bits],
            "same digest": words[self.same_digest],
            "different": "; ".join(self.different),
        }
        own: dict[str, Json] = {"same_bits": self.same_bits, "elsewhere": self.elsewhere or None}
        return Page(
            (lines([self._sentence()]),),
            lambda _: {**OF_HSIG, **asdict(self), **own},
            lambda: (tuple(row), [row]),
            markdown=(_table(tuple(row), [row]),),
        )

    def _sentence(self) -> str:
        if self.same_bits is None:
            return (
                f"{self.id}: was trained with the NumPy engine on another machine "
                f"({self.elsewhere}), which its last bits depend on: they cannot be compared here"
            )
        digest = (
            "all that the numbers depend on is the same"
            if self.same_digest
            else "what the numbers depend on has changed (versions, numerics, engine or processor)"
        )
        if self.different:
            link = ", though" if self.same_digest else ":"
            return f"{self.id}: not the same bits{link} {digest}: {_first_of(self.different)}"
        observed = (
            f". Observed beside them, and not the same to {PRECISION:g}: {_first_of(self.observed)}"
            if self.observed
            else ""
        )
        return f"{self.id}: the same bits in every number of every seed; {digest}{observed}"


def _first_of(names: Sequence[str]) -> str:
    more = len(names) - _MAX_DIFFERENT
    return ", ".join(names[:_MAX_DIFFERENT]) + (f" and {more} more" if more > 0 else "")


# --- conditions ----------------------------------------------------------------------------------

_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_CONDITION = re.compile(r"\s*([\w.]*)\s*(>=|<=|!=|==?|>|<)\s*(.*?)\s*", re.DOTALL)
_MEASURED = ("solved", "seconds")
_NUMBERS = (
    *_MEASURED,
    *(k.name for k in KEYS.values() if isinstance(k.kind, Number | Seeds | Hidden)),
)
_KNOWN = ("name", "note", "command", *_MEASURED, *KEYS)


@dataclass(frozen=True)
class Condition:
    """What is to hold of a run: `activation=hard`, `name=wide*`, `solved>=0.9`."""

    name: str
    sign: str
    wanted: str

    def holds(self, record: Record) -> bool:
        """Whether it does, of one at least of the values that the run has."""
        values = _values_of(record, self.name)
        if self.sign in _COMPARISONS:
            compare, bound = _COMPARISONS[self.sign], float(self.wanted)
            return any(compare(_number(self.name, value), bound) for value in values)
        wanted = canonical_value(self.wanted)
        equal = any(
            canonical_value(value) == wanted or fnmatchcase(value, self.wanted) for value in values
        )
        return equal is (self.sign != "!=")


def _values_of(record: Record, name: str) -> list[str]:
    """The values that a run has of a key, or of what else is known of it, as texts."""
    match name:
        case "name" | "note":
            return [record.note.name if name == "name" else record.note.text]
        case "command" | "seconds":
            return [str(record.meta[name])]
        case "solved":
            results = [result for part in main_parts(record) for result in part["results"]]
            return [str(r["solved"] / r["seeds"]) for r in results if "solved" in r]
        case "activation" | "activations":
            values = variants_of(record)
        case _:
            values = settings(record)[name].split(SEVERAL)
    plain = [_CHECKSUM.sub("", value) for value in values]
    specs = [value.partition(":")[0] for value in values if "activation" in name]
    return values + plain + specs


def _number(name: str, text: str) -> float:
    """The value of a key as a number, nan if it is none; of a list of seeds, how many they are."""
    if name == "seeds" and ("," in text or text.startswith("[")):
        return text.count(",") + 1.0
    try:
        return float(text)
    except ValueError:
        return nan


def read_conditions(texts: Sequence[str]) -> list[Condition]:
    """The conditions that texts such as `activation=hard` or `solved>=0.9` say.

    Raises:
        ConfigError: With what is wrong with each of them.
    """
    problems: list[str] = []
    conditions = []
    for text in texts:
        if parts := _CONDITION.fullmatch(text):
            name, sign, wanted = parts.groups()
            problems += _find_problems(name, sign, wanted)
            conditions.append(Condition(name, sign, wanted))
        else:
            problems.append(
                "expected a key and its value, such as activation=hard or 'solved>=0.9' (in "
                f"quotes: a shell takes > for itself), got {text}"
            )
    if problems:
        raise ConfigError([f"--where: {problem}" for problem in problems])
    return conditions


def _find_problems(name: str, sign: str, wanted: str) -> list[str]:
    """What is wrong with a condition."""
    if name not in _KNOWN:
        return [f"unknown key '{name}'.{nearest(name, _KNOWN)} Known: {', '.join(_KNOWN)}"]
    text = f"{name}{sign}{wanted}"
    if sign in _COMPARISONS and name not in _NUMBERS:
        return [f"{text}: {name} is no number. Write {name}=, or one of {', '.join(_NUMBERS)}"]
    bound = canonical_value(wanted)
    if (sign in _COMPARISONS or name in _MEASURED) and not isinstance(bound, float):
        return [f"{text}: expected a number to compare with, got the text '{wanted}'"]
    if name == "solved" and isinstance(bound, float) and not 0.0 <= bound <= 1.0:
        return [f"{text}: expected a share of the seeds from 0 to 1, such as 0.9, got {wanted}"]
    return []


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


def started_since(record: Record, moment: datetime) -> bool:
    """Whether a run began at that moment or later."""
    return datetime.fromisoformat(record.meta["started"]) >= moment
