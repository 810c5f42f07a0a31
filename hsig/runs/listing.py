"""Which run is meant, which runs there are, and how two of them differ."""

import json
import operator
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, time, timedelta
from fnmatch import fnmatchcase
from functools import partial
from itertools import pairwise, takewhile
from math import nan
from pathlib import Path
from typing import Any

from hsig.activations import ACTIVATIONS, Activation
from hsig.activations.names import find_activations, format_number, to_text
from hsig.analysis.parts import ASKED, CONFIG, TASK
from hsig.config.conflicts import layer_text
from hsig.config.keys import KEYS, split_words
from hsig.config.values import Json, nearest
from hsig.errors import ConfigError, RunError, call_each
from hsig.experiments.experiment import Experiment
from hsig.experiments.sweeps import canonical_value
from hsig.networks.tasks import TASKS
from hsig.reports.page import HEADER, Column, Page, Rows, Table, count, lines, short
from hsig.reports.phrases import OF_EACH_OPTIMIZER, SEVERAL, as_flag, as_yaml, value_of
from hsig.runs.provenance import keys_of
from hsig.runs.record import PRECISION, find_differing, load_kept_experiment
from hsig.runs.store import ID, LATEST, Note, Record, list_ids, read_note, read_record

# --- finding -------------------------------------------------------------------------------------

_MIN_PREFIX = len("20261123T215509")  # of an id: down to the second
_LIKE_AN_ID = re.compile(r"[0-9]{8}T")
_BACK = re.compile(f"{LATEST}(?:~([0-9]{{1,9}}))?")
_MAX_LISTED = 10  # ids in a complaint


def list_run_names(runs: Path, ids: Iterable[str]) -> list[tuple[str, str]]:
    """The names that runs have, each with an id."""
    named = ((read_note(runs / run).name, run) for run in ids)
    return [(name, run) for name, run in named if name]


def shorten_ids(ids: Sequence[str]) -> dict[str, str]:
    """For each of some ids, a beginning that no other has, down to the second at least.

    >>> list(shorten_ids(["20261123T215509.223364Z-14", "20261123T215509.3Z-1"]).values())
    ['20261123T215509.2', '20261123T215509.3']
    """
    ids = sorted(ids)
    shared = [sum(takewhile(bool, map(operator.eq, *two))) for two in pairwise(["", *ids, ""])]
    return {
        run: run[: max(_MIN_PREFIX, 1 + before, 1 + after)]
        for run, (before, after) in zip(ids, pairwise(shared), strict=True)
    }


def find_record(runs: Path, text: str) -> Record:
    """Read the record of `find_folder`."""
    return read_record(find_folder(runs, text))


def find_folder(runs: Path, text: str) -> Path:
    """The folder of a record: by its id, its name, a beginning of its id, `latest`, its path.

    Raises:
        ConfigError: If there is none, or several.
    """
    if _is_path_of_run(text):
        return Path(text)
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
    """Whether a text means a kept run, or would if there were such: not whether it is only one.

    Raises:
        ConfigError: If it means an activation as well.
    """
    if _is_path_of_run(text):
        return True
    if split_words([text])[0]:
        return False
    if text.partition("~")[0] == LATEST or _LIKE_AN_ID.match(text):
        return True
    if not any(
        text == word or (not run and word.startswith(text)) for word, run in _words_for_runs(runs)
    ):
        return False
    if find_activations(text):
        raise ConfigError(
            f"{text}: is the name of a run, and an activation. Give the run's id; for the "
            f"activation, --activation {text}"
        )
    return True


def _is_path_of_run(text: str) -> bool:
    """Whether a text is a path, with a slash, of the folder of a run."""
    return "/" in text and ID.fullmatch(Path(text).name) is not None and Path(text).is_dir()


def split_runs(
    runs: Path, words: Sequence[str], flags: Iterable[str]
) -> tuple[list[str], list[str]]:
    """Which words mean kept runs, and the others.

    Raises:
        ConfigError: If there are flags of keys as well.
    """
    found = [word for word in words if names_a_run(runs, word)]
    if found and flags:
        named = ", ".join(KEYS[name].flag for name in flags)
        raise ConfigError(f"{named}: goes without kept runs: {found[0]} has its own settings")
    return found, [word for word in words if word not in found]


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


# --- what runs have ------------------------------------------------------------------------------


def main_parts(record: Record) -> list[Mapping[str, Any]]:
    """The parts that were asked for: not the remedies, and not what a tuning tried."""
    return [part for part in record.meta["parts"] if part["role"] in (ASKED, CONFIG, TASK)]


def _results(record: Record) -> list[Mapping[str, Any]]:
    return [result for part in main_parts(record) for result in part["results"]]


def settings(record: Record) -> dict[str, str]:
    """Every key of a run as a config would spell it; of several configs or cells, all values."""
    parts = [settings_of(load_kept_experiment(record, part)) for part in main_parts(record)]
    texts = {name: SEVERAL.join(dict.fromkeys(part[name] for part in parts)) for name in KEYS}
    for name, values in record.axes.items():
        texts["activations" if name == "activation" else name] = SEVERAL.join(values)
    return texts | dict.fromkeys(find_differing(record), OF_EACH_OPTIMIZER)


def settings_of(experiment: Experiment) -> dict[str, str]:
    """Every key as a config would spell it, empty without a value.

    Where a name does not say all, as of formulas or samples of the user's own, a checksum follows.
    """
    keys = keys_of(experiment)
    keys["activation"] = None
    keys["activations"] = ",".join(
        variant.label + _checksum_formulas(variant.hidden_activations)
        for variant in experiment.variants
    )
    if isinstance(keys["output_activation"], dict):
        output = experiment.variants[0].output_activation
        keys["output_activation"] = to_text(output) + _checksum_formulas([output])
    keys["optimizer"] = experiment.optimizer.label
    keys["hidden"] = layer_text(experiment.hidden)
    start, task = experiment.init, experiment.task
    keys["init"] = f"{start.scheme}:{','.join(map(format_number, start.settings))}"
    keys["init_bias"] = as_flag(keys["init_bias"])
    rows = "" if task.name in TASKS else _checksum([task.inputs.tolist(), task.targets.tolist()])
    keys["task"] = f"{task.name}{rows}".lstrip()
    return {name: "" if value is None else as_yaml(value) for name, value in keys.items()}


def _checksum_formulas(activations: Iterable[Activation]) -> str:
    known = [(a.definition, a.name in (*ACTIVATIONS, a.definition)) for a in activations]
    own = [definition for definition, is_known in known if not is_known]
    return _checksum(own) if own else ""


def _checksum(value: object) -> str:
    return f" ({zlib.crc32(json.dumps(value).encode()):08x})"


_CHECKSUM = re.compile(r" ?\([0-9a-f]{8}\)$")


def variants_of(record: Record) -> list[str]:
    """The activations that a run trained, as they are called in it."""
    swept = record.axes.get("activation", [])
    return [*swept] or [
        label.removeprefix(f"{part['name']}: ")
        for part in main_parts(record)
        for label in part["labels"]
    ]


def differences(records: Iterable[Record], names: tuple[str, str]) -> Table:
    """The keys in which two runs differ, and what else the numbers depend on."""
    before, after = (
        {"command": record.command, **settings(record), **record.meta["versions"]}
        for record in records
    )
    rows = tuple(
        (name, before.get(name, ""), after.get(name, ""))
        for name in before | after
        if before.get(name) != after.get(name)
    )
    title = "differences" if rows else "the same settings and versions"
    return Table(title, ("key", *names), rows, prose=("key", *names))


# --- listing -------------------------------------------------------------------------------------

_MAX_NAMED = 3  # variants that are named one by one


def listing(records: Sequence[Record], ids: Sequence[str], *, only_changed: bool = False) -> Page:
    """The page of kept runs, a row for each; with `only_changed`, the keys in which they differ.

    Of `ids`, those of all that are kept, a screen has beginnings that tell them apart.
    """
    if only_changed:
        texts = {record: settings(record) for record in records}
        changed = [key for key in KEYS if len({each[key] for each in texts.values()}) > 1]
        columns = [_words(key, partial(lambda k, r: texts[r][k], key)) for key in changed]
    else:
        seconds = Column[Record]("seconds", "seconds", lambda r: r.meta["seconds"], text=short)
        columns = [_words("what", _describe), _words("solved", _count_solved), seconds]
    id, command = _words("id", lambda r: r.id), _words("command", lambda r: r.command)
    name, note = _words("name", lambda r: r.note.name), _words("note", lambda r: r.note.text)
    rows = Rows([id, command, name, *columns, note], records)
    empty = [each.name for each in (name, note) if not any(map(each.value, records))]
    short_ids = shorten_ids(ids)
    on_screen = replace(id, text=lambda run: short_ids.get(run) or run)
    table = Rows([on_screen, *rows.columns[1:]], records).table(
        names=[column.name for column in rows.columns if column.name not in empty],
        splits=only_changed,
        spare=(("note",), ("seconds",), ("command",)),
        whole=True,
        firm=("id", "command", "solved", "seconds"),
    )
    document: dict[str, Json] = {
        **HEADER,
        "tables": [{"title": "", "rows": [*rows.records()]}],
        "runs": [_document(record) for record in records],
    }
    return Page((table,), lambda _: document, rows.csv, markdown=(rows.table(),))


def _words(name: str, value: Callable[[Record], str]) -> Column[Record]:
    return Column(name, name, lambda record: " ".join(value(record).split()), prose=True)


def _describe(record: Record) -> str:
    """What a run trained, and whether that was all."""
    labels = variants_of(record)
    what = ", ".join(labels) if len(labels) <= _MAX_NAMED else count(len(labels), "variant")
    if record.is_sweep:
        what = f"{what} over {', '.join(record.axes)}: {count(record.cells, 'cell')}"
    stopped = "not finished" if record.is_sweep else "stopped early"
    return what if record.complete else f"{what} ({stopped})"


def _count_solved(record: Record) -> str:
    """How many seeds of how many each variant solved; of how many only once if it is the same."""
    results = _results(record)
    if len(results) > _MAX_NAMED:
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
        "sweep": {name: [*map(value_of, values)] for name, values in record.axes.items()} or None,
    }


def add_note(page: Page, note: Note) -> Page:
    """The page of a kept run, below what it is called and what is said of it."""
    if not note:
        return page
    said = lines([": ".join(part for part in (note.name, note.text) if part)])
    return replace(
        page,
        blocks=(said, *page.blocks),
        short=page.short and (said, *page.short),
        markdown=page.markdown and (said, *page.markdown),
        document=lambda every: {**page.document(every), "name": note.name, "note": note.text},
    )


# --- conditions ----------------------------------------------------------------------------------

Condition = Callable[[Record], bool]

_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
}
_CONDITION = re.compile(r"\s*([\w.]*)\s*(>=|<=|!=|==?|>|<)\s*(.*?)\s*", re.DOTALL)
_FIELDS: Mapping[str, Callable[[Record], list[str]]] = {
    "name": lambda record: [record.note.name],
    "note": lambda record: [record.note.text],
    "command": lambda record: [record.command],
    "seconds": lambda record: [str(record.meta["seconds"])],
    "solved": lambda record: [
        str(result["solved"] / result["seeds"]) for result in _results(record) if "solved" in result
    ],
    "activation": variants_of,
    "activations": variants_of,
}


def read_conditions(texts: Iterable[str]) -> list[Condition]:
    """What is to hold of runs, as `read_condition` has it; all problems are in one report."""
    return call_each(partial(read_condition, text) for text in texts)


def read_condition(text: str) -> Condition:
    """What is to hold of a run: `activation=hard`, `name=wide*`, `solved>=0.9`.

    It holds if it does of one at least of the values that the run has.

    Raises:
        ConfigError: If it is no condition.
    """
    parts = _CONDITION.fullmatch(text)
    if parts is None:
        raise ConfigError(
            "--where: expected a key and its value, such as activation=hard or 'solved>=0.9' (in "
            f"quotes: a shell takes > for itself), got {text}"
        )
    name, sign, wanted = parts.groups()
    known = dict.fromkeys([*_FIELDS, *KEYS])
    if name not in known:
        raise ConfigError(
            f"--where: unknown key '{name}'.{nearest(name, known)} Known: {', '.join(known)}"
        )
    bound = canonical_value(wanted)
    if name == "solved" and not (isinstance(bound, float) and 0.0 <= bound <= 1.0):
        raise ConfigError(
            f"--where: {text}: expected a share of the seeds from 0 to 1, such as 0.9, got {wanted}"
        )
    if sign in _COMPARISONS and not isinstance(bound, float):
        raise ConfigError(
            f"--where: {text}: expected a number to compare with, got the text '{wanted}'"
        )

    def holds(record: Record) -> bool:
        known = _FIELDS.get(name)
        values = known(record) if known else settings(record)[name].split(SEVERAL)
        if isinstance(bound, float) and sign in _COMPARISONS:
            return any(_COMPARISONS[sign](_number(name, value), bound) for value in values)
        values += [_CHECKSUM.sub("", value) for value in values]
        if name in ("activation", "activations", "output_activation", "init"):
            values += [value.partition(":")[0] for value in values]
        equal = any(canonical_value(v) == bound or fnmatchcase(v, wanted) for v in values)
        return equal is (sign != "!=")

    return holds


def _number(name: str, text: str) -> float:
    """A value as a number, nan if it is none; of a list of seeds, how many they are."""
    if name == "seeds" and text.startswith("["):
        return text.count(",") + 1.0
    number = canonical_value(text)
    return number if isinstance(number, float) else nan


_AGO = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DAYS = {"today": 0, "yesterday": 1}


def read_since(text: str, now: datetime) -> datetime:
    """The moment that `yesterday`, `2d` or `2026-11-01T12:00` names; without an offset, local time.

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


# --- repeating -----------------------------------------------------------------------------------

_MAX_DIFFERENT = 20  # numbers that are not the same, in a sentence


def repetition_page(
    run: str,
    *,
    same_digest: bool,
    different: Sequence[str],
    observed: Sequence[str] = (),
    elsewhere: str = "",
) -> Page:
    """What came of training a kept run again: a sentence; for other programs a row.

    `different` are the trained numbers that do not have the same bits, `observed` those computed
    beside them that are farther apart than rounding; `elsewhere` is another machine, on which it
    was trained and on which its bits depend.
    """
    same_bits = False if different else None if elsewhere else True
    words = {True: "yes", False: "no", None: "other machine"}
    row = {
        "id": run,
        "same bits": words[same_bits],
        "same digest": words[same_digest],
        "different": "; ".join(different),
    }
    document: dict[str, Json] = {
        **HEADER,
        "id": run,
        "same_bits": same_bits,
        "same_digest": same_digest,
        "different": [*different],
        "observed": [*observed],
        "elsewhere": elsewhere or None,
    }
    digest = (
        "all that the numbers depend on is the same"
        if same_digest
        else "what the numbers depend on has changed (versions, numerics, engine or processor)"
    )
    if same_bits is None:
        said = (
            f"was trained with the NumPy engine on another machine ({elsewhere}), which its last "
            "bits depend on: they cannot be compared here"
        )
    elif different:
        link = ", though" if same_digest else ":"
        said = f"not the same bits{link} {digest}: {_first_of(different)}"
    else:
        said = f"the same bits in every number of every seed; {digest}"
        if observed:
            apart = _first_of(observed)
            said += f". Observed beside them, and not the same to {PRECISION:g}: {apart}"
    return Page((lines([f"{run}: {said}"]),), lambda _: document, lambda: (tuple(row), [row]))


def _first_of(names: Sequence[str]) -> str:
    more = len(names) - _MAX_DIFFERENT
    return ", ".join(names[:_MAX_DIFFERENT]) + (f" and {more} more" if more > 0 else "")
