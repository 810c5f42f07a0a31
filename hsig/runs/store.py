"""Records on the disk: how they are read, checked, written, packed and removed."""

import errno
import hashlib
import io
import json
import os
import re
import secrets
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise, takewhile
from math import isfinite
from pathlib import Path
from threading import Lock, Timer
from time import time
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import numpy as np

from hsig.config.keys import COMPARE, EXPLAIN, SWEEP, TRAIN
from hsig.config.values import describe
from hsig.engines.choice import ENGINES
from hsig.errors import BusyError, ConfigError, HsigError, RunError
from hsig.experiments.verdicts import SOLVED, VERDICTS
from hsig.files import ASIDE, keep_file, remove_folder, settle, write_folder
from hsig.runs.provenance import machine, versions

# --- reading -------------------------------------------------------------------------------------

# Files of records, whatever stands in their place: bytes and JSON, or what is wrong in words.
#
# Nothing here waits: a pipe or a device is refused, not read.

BYTES_MOST = 1 << 34  # of a file whose size is not known
_READING = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def read_bytes(path: Path, most: int = BYTES_MOST) -> bytes:
    """What a plain file has, or what a link to one has.

    Raises:
        FileNotFoundError: If it is not there, or a link to nothing.
        RunError: If it cannot be read, is no plain file, or has more bytes than it may have.
    """
    try:
        descriptor = os.open(path, _READING)
        try:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode):
                raise RunError(f"{path}: is no plain file")
            if about.st_size > most:
                size = about.st_size
                raise RunError(f"{path}: was changed: it has {size} bytes. Expected {most} at most")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                return file.read(about.st_size)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise
    except OSError as problem:
        raise RunError(f"{path}: cannot be read: {problem.strerror}") from None


def as_json(text: bytes, path: Path) -> Any:
    """What a text of JSON means, in which no name comes twice.

    Raises:
        RunError: If it is none.
    """
    try:
        return json.loads(text, object_pairs_hook=_once)
    except _TwiceError as twice:
        raise RunError(f"{path}: is damaged: it says {twice} twice") from None
    except RecursionError:
        raise RunError(f"{path}: is damaged: it is nested too deeply") from None
    except ValueError:
        raise RunError(f"{path}: is damaged: it is not JSON") from None


class _TwiceError(ValueError):
    """A name that comes twice, of which one would win without a word."""


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise _TwiceError(repr(next(n for n in names if names.count(n) > 1))[:60])
    return made


# --- shape ---------------------------------------------------------------------------------------

# What `run.json` and `cells.log` have to say, since format 1: names and kinds.
#
# Names that are not listed may be there: a later hsig may say more and keep the format.

TASK, TUNING, ALTERNATIVE, ONE_RATE = "task", "tuning", "alternative", "one rate"
ROLES = ("", TASK, TUNING, ALTERNATIVE, ONE_RATE)  # of the parts of a run


class _Names(NamedTuple):
    """The shape of names and values.

    Attributes:
        needed: The shape of each that has to be there.
        later: The same of those that came later.
        others: The shape of whatever else there is.
    """

    needed: Mapping[str, Any]
    later: Mapping[str, Any] = MappingProxyType({})
    others: Any = object


# Any other shape is a type, None, a list of one shape, or several in a tuple of which one fits.
_NAMED = _Names({"name": str})
# without one of these the default would be taken, which for later keys is what was so
_FIRST_KEYS = (
    *("activations", "loss", "learning_rate", "epochs", "update", "hidden", "initial_weights"),
    *("until", "max_seeds", "solved_within", "report_every", "at_epochs", "cost", "workers"),
    *("predict_with", "baseline", "expect"),
)
_EXPERIMENT = _Names(
    dict.fromkeys(_FIRST_KEYS, object)
    | {
        "task": _NAMED,
        "activation": (None, _NAMED, str),
        "activations": ([_NAMED], None),
        "output_activation": (_NAMED, None, str),
        "init": _Names({"uniform": [float]}),
        "seeds": (int, [int]),
        "engine": str,
    }
)
_SOLVED = _Names({"label": str, "epochs": [int], "solved": int, "seeds": int})
_PART = _Names(
    {
        "name": str,
        "layers": str,
        "is_config": bool,
        "labels": [str],
        "experiment": _EXPERIMENT,
        "results": [(_SOLVED, _Names({"label": str, "error": str}))],
    },
    later={"role": str, "learning_rates": [(None, float)]},
)
_MACHINE = {"system": str, "processor": str, "cores": (int, None)}
_SWEEP = _Names(
    {"axes": [_Names({"name": str, "values": [str]})], "flags": _Names({}, others=str)},
    later={"folder": str},
)
_RECORD = _Names(
    {
        "format": int,
        "id": str,
        "command": str,
        "arguments": [str],
        "started": str,
        "seconds": float,
        "complete": bool,
        "versions": _Names({}, others=str),
        "machine": _Names(_MACHINE | {"instructions": [str], "numpy_instructions": [str]}),
        "digest": str,
        "configs": _Names({}, others=str),
        "parts": [_PART],
        "files": _Names({}, others=str),
        "checksum": str,
    },
    later={"bytes": _Names({}, others=int), "sweep": _SWEEP},
)
_WORDS = {bool: "true or false", str: "a text", int: "a whole number", float: "a number"}
_WHOLE_MOST = 1 << 63
_FILE = re.compile(r"\w[\w-]*\.[a-z]+", re.ASCII)  # of a folder, and nowhere else


_ARRAYS = ("solved", "solved_at", "lost_at", "diverged_at", "verdict", "cost")  # of a cell
_CELL = _Names(
    {"key": str, "cell": [str], "seeds": [int], "error": str}
    | {"solved": [bool], "solved_at": [int], "lost_at": [int], "diverged_at": [int]}
    | {"verdict": [int], "cost": [(float, str)]}
)
_NOT_FINITE = ("NaN", "Infinity", "-Infinity")  # as texts


def misfit(about: Any) -> str:
    """What a record lacks or has otherwise, the first of it in words; nothing if it fits."""
    return _misfit(about, _RECORD).removeprefix(".") or next(_contradictions(about), "")


def is_cell(entry: Mapping[str, Any]) -> bool:
    """Whether a line of `cells.log` says of a cell what it has to."""
    if _misfit(entry, _CELL):
        return False
    lengths = {len(entry[name]) for name in ("seeds", *_ARRAYS)}
    if len(lengths) != 1 or (lengths == {0}) is not bool(entry["error"]):
        return False
    if not all(cost in _NOT_FINITE for cost in entry["cost"] if isinstance(cost, str)):
        return False
    return agree(entry["solved"], entry["solved_at"], entry["verdict"])


def agree(solved: Any, solved_at: Any, verdict: Any) -> bool:
    """Whether verdicts are some that there are, and seeds solved where they say so, at an epoch.

    Args:
        solved: Of each seed.
        solved_at: The same.
        verdict: The same, by its place in `VERDICTS`.
    """
    said = np.asarray(verdict, dtype=np.int64)
    if not np.isin(said, np.arange(len(VERDICTS))).all():
        return False
    solved = np.asarray(solved, dtype=bool)
    of_verdict = said == VERDICTS.index(SOLVED)
    return np.array_equal(solved, of_verdict) and bool((np.asarray(solved_at)[solved] >= 0).all())


@contextmanager
def sense(where: Path) -> Iterator[None]:
    """Have what is signed as it should be, and yet cannot be, told instead of a traceback.

    Raises:
        RunError: Then; what it was stays behind it.
    """
    try:
        yield
    except HsigError:
        raise
    except Exception as problem:
        kind = type(problem).__name__
        raise RunError(f"{where}: cannot be what hsig wrote: {kind}: {problem!s:.200}") from problem


def _misfit(value: Any, shape: Any) -> str:
    """What does not fit, behind the place where it stands: `.parts[0]: expected ...`."""
    if isinstance(shape, type):
        return "" if _is(value, shape) else f": expected {_WORDS[shape]}, got {describe(value)}"
    if isinstance(shape, _Names):
        return _misfit_of_names(value, shape)
    if isinstance(shape, tuple):
        found = list(takewhile(bool, (_misfit(value, one) for one in shape)))
        return found[0] if len(found) == len(shape) else ""
    if isinstance(shape, list) and isinstance(value, list):
        found = [
            f"[{n}]{told}" for n, part in enumerate(value) if (told := _misfit(part, shape[0]))
        ]
        return found[0] if found else ""
    if shape is value:  # None
        return ""
    return f": expected {'nothing' if shape is None else 'a list'}, got {describe(value)}"


def _is(value: Any, kind: type) -> bool:
    """Whether it is of this kind; true and false are no numbers, and no number is huge."""
    if isinstance(value, bool):
        return kind in (bool, object)
    if isinstance(value, int):
        return kind is object or (kind in (int, float) and abs(value) < _WHOLE_MOST)
    return isinstance(value, kind)


def _misfit_of_names(value: Any, shape: _Names) -> str:
    if not isinstance(value, dict):
        return f": expected names and values, got {describe(value)}"
    if missing := shape.needed.keys() - value.keys():
        return f".{min(missing)}: is missing"
    for name, one in value.items():
        part = shape.needed.get(name) or shape.later.get(name, shape.others)
        if part is not object and (told := _misfit(one, part)):
            return f".{name:.60}{told}"
    return ""


def _contradictions(about: Mapping[str, Any]) -> Iterator[str]:
    """What of the right kind cannot be all the same."""
    command, parts = about["command"], about["parts"]
    if command not in (TRAIN, COMPARE, EXPLAIN, SWEEP):
        yield f"command: is none that is kept, {describe(command)}"
    if not parts:
        yield "parts: expected one at least"
    axes = about["sweep"]["axes"] if "sweep" in about else []
    if (command == SWEEP) is not bool(axes) or not all(axis["values"] for axis in axes):
        yield "sweep: expected what was swept, of a sweep alone"
    if not _is_moment(about["started"]):
        yield f"started: expected a moment in UTC, got {describe(about['started'])}"
    if not (isfinite(about["seconds"]) and about["seconds"] >= 0):
        yield f"seconds: expected some, got {describe(about['seconds'])}"
    if not re.fullmatch("[0-9]{1,9}", about["versions"].get("numerics", "1")):
        yield f"versions.numerics: expected a number, got {describe(about['versions']['numerics'])}"
    for name in [*about["files"], *about["configs"], *about.get("bytes", {})]:
        if not _FILE.fullmatch(name):
            yield f"files: expected names of files, got {describe(name)}"
    whole = {"result.json", "seeds.npz"}  # none of it in a sweep that goes on, or of the first
    there = whole & about["files"].keys()
    if there != whole and (there or command != SWEEP):
        yield "files: expected result.json and seeds.npz"
    if not about.get("bytes", {}).keys() <= about["files"].keys():
        yield "bytes: expected those of files"
    if there and command == SWEEP and not about["complete"]:
        yield "complete: expected true of a sweep with arrays"
    for place, part in enumerate(parts):
        yield from (f"parts[{place}].{told}" for told in _contradictions_of(part))


def _contradictions_of(part: Mapping[str, Any]) -> Iterator[str]:
    labels, engine = part["labels"], part["experiment"]["engine"]
    if engine not in ENGINES:
        yield f"experiment.engine: is none of this hsig, {describe(engine)}"
    rates = part.get("learning_rates", [None] * len(labels))
    if not labels or len(rates) != len(labels):
        yield "labels: expected one for each learning rate"
    for rate in rates:
        if rate is not None and not (isfinite(rate) and rate > 0):
            yield f"learning_rates: expected numbers above 0, got {describe(rate)}"
    if part.get("role", "") not in ROLES:
        yield f"role: is none of this hsig, {describe(part['role'])}"
    left = iter(labels)  # those that were stopped before their first epoch have none
    for result in part["results"]:
        if result["label"] not in left:
            yield f"results: expected one for each label, in order, got {describe(result['label'])}"
        elif "error" not in result and not 0 <= result["solved"] <= result["seeds"] > 0:
            yield f"results: expected so many of the seeds, got {result['solved']}"
        elif "error" not in result and not _rises(result["epochs"], part["experiment"]["epochs"]):
            yield "results: expected epochs that rise from 0 to the budget at most"


def _rises(epochs: Sequence[int], most: object) -> bool:
    """Whether they rise, from 0 to a budget at most."""
    if not isinstance(most, int) or not epochs:
        return False
    return epochs[0] >= 0 and epochs[-1] <= most and all(a < b for a, b in pairwise(epochs))


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).utcoffset() is not None
    except ValueError:
        return False


# --- names ---------------------------------------------------------------------------------------

# What runs are called: ids, and `note.json`, a name and a note that may be changed at any time.

NOTE = "note.json"
LATEST = "latest"
ID = re.compile(r"[0-9]{8}T[0-9]{6}\.[0-9]{6}Z-[0-9a-f]+")
_NAME_MOST, _TEXT_MOST = 40, 2000  # characters
_FILE_MOST = 1 << 16  # bytes


@dataclass(frozen=True)
class Note:
    """What somebody calls a run and says of it.

    Attributes:
        name: It is found by this as well as by its id; may be empty.
        text: Whatever is to be remembered; may be empty.
        problem: What is wrong with the file that it was read from.
    """

    name: str = ""
    text: str = ""
    problem: str = ""

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.name or self.text)

    def changed(self, name: str | None, text: str | None) -> "Note":
        """With what is given; an empty text takes it away.

        Raises:
            ConfigError: If one of them cannot be used.
        """
        made = Note(*(new.strip() for new in (name or "", text or "")))
        if problems := made.complaints("--name", "--note"):
            raise ConfigError(problems)
        return Note(
            self.name if name is None else made.name, self.text if text is None else made.text
        )

    def complaints(self, of_name: str, of_text: str) -> list[str]:
        """What is wrong with it, by what its parts are called."""
        problems = []
        name, text = self.name, self.text
        if len(name) > _NAME_MOST or not name.isprintable():
            problems.append(
                f"{of_name}: expected one line of at most {_NAME_MOST} characters, got {name!r:.80}"
            )
        elif name.partition("~")[0] == LATEST or ID.fullmatch(name):
            problems.append(f"{of_name}: expected a name that can be no id and not latest: {name}")
        if len(text) > _TEXT_MOST or not all(line.isprintable() for line in text.split("\n")):
            problems.append(
                f"{of_text}: expected at most {_TEXT_MOST} characters that can be printed, got "
                f"{len(text)}: {text!r:.60}"
            )
        return problems

    def as_file(self) -> bytes:
        """As its file has it."""
        return (json.dumps({"name": self.name, "note": self.text}, indent=1) + "\n").encode()


NO_NOTE = Note()


def read_note(folder: Path) -> Note:
    """What a run is called; nothing if it has no such file, or one that cannot be read."""
    path = folder / NOTE
    try:
        about = as_json(read_bytes(path, _FILE_MOST), path)
    except FileNotFoundError:
        return NO_NOTE
    except RunError as problem:
        return Note(problem=str(problem))
    match about:
        case {"name": str(name), "note": str(text)}:
            note = Note(name, text)
        case _:
            return Note(problem=f"{path}: is damaged: expected a name and a note, as JSON")
    problems = note.complaints(f"{path}: name", f"{path}: note")
    return Note(problem=problems[0]) if problems else note


def write_note(folder: Path, name: str | None, text: str | None) -> Note:
    """Change what a run is called, whole or not at all.

    Args:
        folder: Of the run.
        name: If it is to be another; empty for none.
        text: The same of what is said of it.

    Raises:
        ConfigError: If one of them cannot be used.
        RunError: If it cannot be written.
    """
    note = read_note(folder).changed(name, text)
    try:
        if note:
            keep_file(folder / NOTE, note.as_file())
        else:
            (folder / NOTE).unlink(missing_ok=True)
            settle(folder)
    except OSError as problem:
        raise RunError(f"{folder / NOTE}: cannot be written: {problem.strerror}") from None
    return note


# --- journal -------------------------------------------------------------------------------------

# An append-only file of records, one to a line, each with a checksum.
#
# A record is whole or not there: what is written survives the end of the process at any moment,
# and what a power cut tears off at the end, at most the last second's, is dropped.

_APPENDING = os.O_RDWR | os.O_CREAT | os.O_APPEND
_APPENDING |= getattr(os, "O_NONBLOCK", 0) | getattr(
    os, "O_NOFOLLOW", 0
)  # neither waits nor strays
_SETTLE_S = 1.0  # after which the disk is asked to have what was written


class Journal:
    """A file of records, and the place to add more."""

    def __init__(self, path: Path) -> None:
        """Open or create it, dropping a torn end.

        Raises:
            RunError: If it cannot be opened, or another process is writing to it.
        """
        self._path = path
        self._settling: Timer | None = None
        self._turns, self._closed = Lock(), False  # of those who settle
        self._problem: OSError | None = None
        try:
            self._descriptor = os.open(path, _APPENDING, 0o666)
        except OSError as problem:
            raise self._failure(problem) from None
        try:
            self._lock()
            self._size = read_bytes(path).rfind(b"\n") + 1
            os.ftruncate(self._descriptor, self._size)
            settle(path.parent)
        except OSError as problem:
            os.close(self._descriptor)
            raise self._failure(problem) from None
        except RunError:
            os.close(self._descriptor)
            raise

    def _lock(self) -> None:
        """Keep other processes from writing, where the system can do that."""
        try:
            import fcntl
        except ImportError:
            return
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BusyError(f"{self._path}: another process is writing to it") from None

    def append(self, record: Mapping[str, Any]) -> None:
        """Add a record; within a second the disk is asked to have it.

        Raises:
            RunError: If the disk does not take it whole; the file is as it was then.
        """
        line = _line(record)
        try:
            if self._problem is not None:
                raise self._problem
            written = os.write(self._descriptor, line)
            if written < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as problem:
            try:
                os.ftruncate(self._descriptor, self._size)
            except OSError as worse:
                self._problem = worse  # a part of a line is there, and nothing may follow it
            raise self._failure(problem) from None
        self._size += len(line)
        if self._settling is None:
            self._settling = Timer(_SETTLE_S, self._settle)
            self._settling.daemon = True
            self._settling.start()

    def _settle(self) -> None:
        """Have it all on the disk; what goes wrong is told by who writes next."""
        with self._turns:
            self._settling = None
            if not self._closed:
                try:
                    os.fsync(self._descriptor)
                except OSError as problem:
                    self._problem = problem

    def close(self) -> None:
        """Have it all on the disk, and let others write.

        Raises:
            RunError: If the disk does not take it.
        """
        settling = self._settling
        if settling is not None:
            settling.cancel()
        self._settle()
        with self._turns:
            self._closed = True
            os.close(self._descriptor)
        if self._problem is not None:
            raise self._failure(self._problem)

    def _failure(self, problem: OSError) -> RunError:
        return RunError(f"{self._path}: cannot be written: {problem.strerror}")


def read_journal(path: Path) -> list[dict[str, Any] | None]:
    """The records of a file that may still be written to, by line; none if it is not there.

    Returns:
        None for a line that is not as it was written. What has no end is torn, and left out.

    Raises:
        RunError: If it cannot be read.
    """
    try:
        data = read_bytes(path)
    except FileNotFoundError:
        return []
    return [_record(line, path) for line in data.split(b"\n")[:-1]]


def _record(line: bytes, path: Path) -> dict[str, Any] | None:
    checksum, _, text = line.partition(b" ")
    if checksum not in (_sha(text), _crc(text)):
        return None
    try:
        record = as_json(text, path)
    except RunError:
        return None
    return record if isinstance(record, dict) else None


def _line(record: Mapping[str, Any]) -> bytes:
    text = json.dumps(record, allow_nan=False, separators=(",", ":")).encode()
    return b"%s %s\n" % (_sha(text), text)


def _sha(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode()


def _crc(text: bytes) -> bytes:
    """What lines had at first."""
    return b"%08x" % zlib.crc32(text)


# --- folder --------------------------------------------------------------------------------------

# The folder of a record: complete or absent, and signed. The one door to what is kept.

FORMAT = 1
RUN, RESULT, SEEDS, CELLS = "run.json", "result.json", "seeds.npz", "cells.log"
_RUN_MOST = 1 << 30  # bytes of it
_AT_WORK_S = 3600.0  # for which what stands aside may be that of a process that is at it
T = TypeVar("T")


class GoneError(RunError):
    """A record was removed while it was read."""


@dataclass(frozen=True, eq=False)
class Record:
    """A run that was kept: its folder, what `run.json` says, and what somebody calls it."""

    folder: Path
    about: Mapping[str, Any] = field(repr=False)
    note: Note = NO_NOTE

    @property
    def id(self) -> str:
        """Its name; later ones sort behind earlier ones."""
        return self.folder.name

    @property
    def command(self) -> str:
        """`train`, `compare`, `explain` or `sweep`."""
        return str(self.about["command"])

    @property
    def numerics(self) -> int:
        """The version of the numbers that it was kept under."""
        return int(self.about["versions"].get("numerics", 1))

    @property
    def digest(self) -> str:
        """Of everything that the numbers depend on."""
        return str(self.about["digest"])

    @property
    def complete(self) -> bool:
        """Whether nothing stopped it early."""
        if self.command == SWEEP and not self.packed:  # the first were signed as they began
            return bool(self.about["complete"]) and (self.folder / RESULT).exists()
        return bool(self.about["complete"])

    @property
    def packed(self) -> bool:
        """Whether its numbers are in arrays, and not the cells of a sweep in lines."""
        return SEEDS in self.about["files"]


_CHECKSUM = b',\n "checksum": '


def signed(about: Mapping[str, Any]) -> bytes:
    """`run.json`, with a checksum of what stands before it as its last line."""
    text = json.dumps(about, indent=1).encode()
    return b'%s%s"%s"\n}\n' % (text[:-2], _CHECKSUM, _checksum(text))


def _is_as_signed(text: bytes) -> bool:
    before, _, after = text.rpartition(_CHECKSUM)
    return after == b'"%s"\n}\n' % _checksum(before + b"\n}")


def _checksum(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode()


def entries(runs: Path) -> list[str]:
    """What there is in the folder of runs, by name; nothing if that is not there.

    Raises:
        RunError: If it cannot be read.
    """
    try:
        return sorted(path.name for path in runs.iterdir())
    except FileNotFoundError:
        return []
    except OSError as problem:
        raise RunError(f"{runs}: cannot be read: {problem.strerror}") from None


def every(runs: Path) -> tuple[list[Record], list[str]]:
    """All records, the newest first, and what is wrong with folders that are none."""
    records, problems = [], []
    for name in reversed(entries(runs)):
        if not ID.fullmatch(name.removeprefix(ASIDE)):
            problems += _stray(runs / name)
            continue
        if name.startswith(ASIDE):
            if not _is_at_work(runs / name):
                problems.append(f"{runs / name}: was not finished; it can be removed")
            continue
        try:
            record = read(runs / name)
        except GoneError:
            continue
        except RunError as problem:
            problems += problem.messages
            continue
        records.append(record)
        problems += [*_lost(record), *damage(record), *filter(None, (record.note.problem,))]
    return records, problems


def _stray(path: Path) -> list[str]:
    """What is to be said of what is not called as a record is: nothing of somebody's own files."""
    if path.name.startswith(".") or path.is_file() or not os.path.lexists(path):
        return []
    try:
        kept = read(path)
    except RunError:
        return [f"{path}: is no kept run: its name is none that hsig gives"]
    return [f"{path}: is found by its own name alone. Call it {kept.about['id']} again"]


def _is_at_work(aside: Path) -> bool:
    """Whether somebody may be about to make or remove a record there, or has just done so."""
    try:
        about = aside.lstat()
    except FileNotFoundError:
        return True
    return abs(time() - max(about.st_mtime, about.st_ctime)) < _AT_WORK_S


def _lost(record: Record) -> list[str]:
    """Files of a record that are missing or have another size, without reading them."""
    sizes = record.about.get("bytes") or dict.fromkeys(record.about["files"])
    found = {name: _size(record.folder / name) for name in sizes}
    if not os.path.lexists(record.folder):
        return []  # it was removed meanwhile
    return [
        f"{record.folder / name}: {_is_or_was(found[name])}"
        + ("" if size is None else f". Expected {size} bytes")
        for name, size in sizes.items()
        if found[name] is None or (size is not None and found[name] != size)
    ]


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _is_or_was(size: int | None) -> str:
    return "is missing" if size is None else f"was changed: it has {size} bytes"


def read(folder: Path) -> Record:
    """A record, after a check that its `run.json` is as it was written, and what that is to be.

    Raises:
        GoneError: If there is no such folder any more.
        RunError: If it is not, or of a later format.
    """
    path = folder / RUN
    try:
        text = read_bytes(path, _RUN_MOST)
    except FileNotFoundError:
        if not os.path.lexists(folder):
            raise GoneError(f"{folder}: is not there any more") from None
        raise RunError(f"{folder}: is no kept run: it has no {RUN}") from None
    about = as_json(text, path)
    if not isinstance(about, dict):
        raise RunError(f"{path}: is damaged: it is not a record")
    later = about.get("format")
    if isinstance(later, int) and later > FORMAT:
        raise RunError(
            f"{path}: has format {describe(later)}, of a later hsig; this one reads {FORMAT}"
        )
    if not _is_as_signed(text):
        raise RunError(f"{path}: was changed after it was written: its checksum is another")
    if told := misfit(about):
        raise RunError(f"{path}: is no record that hsig could have written: {told}")
    return Record(folder, about, read_note(folder))


def steady(record: Record, take: Callable[[Record], T]) -> tuple[Record, T]:
    """What is taken from the files of a record that nobody changed meanwhile, and that record.

    A sweep that just ended is read again as the whole that it is.

    Raises:
        RunError: As reading does.
    """
    while True:
        try:
            taken = take(record)
        except RunError:
            if _is_still(record):
                raise
        else:
            if _is_still(record):
                return record, taken
        record = read(record.folder)


def _is_still(record: Record) -> bool:
    """Whether a record is as it was read; one that is packed stays."""
    return record.packed or read(record.folder).about == record.about


def bytes_of(record: Record, file: str) -> bytes:
    """What a file of a record has.

    Raises:
        FileNotFoundError: If it is missing.
        GoneError: If the record was removed meanwhile.
        RunError: If it cannot be read.
    """
    try:
        return read_bytes(record.folder / file, record.about.get("bytes", {}).get(file, BYTES_MOST))
    except FileNotFoundError:
        if os.path.lexists(record.folder):
            raise
        raise GoneError(f"{record.folder}: was removed meanwhile") from None


def checked(record: Record, file: str) -> bytes:
    """A file of a record, as it was written.

    Raises:
        GoneError: If the record was removed meanwhile.
        RunError: If it is missing or was changed.
    """
    path = record.folder / file
    try:
        data = bytes_of(record, file)
    except FileNotFoundError as problem:
        raise RunError(f"{path}: cannot be read: {problem.strerror}") from None
    if hashlib.sha256(data).hexdigest() != record.about["files"].get(file):
        raise RunError(f"{path}: was changed after it was written: its checksum is another")
    return data


def cell_lines(record: Record) -> list[Mapping[str, Any] | None]:
    """The cells of a sweep that is not packed, by line; None for a line that is damaged.

    Raises:
        RunError: If they cannot be read.
    """
    entries = read_journal(record.folder / CELLS)
    return [entry if entry is not None and is_cell(entry) else None for entry in entries]


def damage(record: Record) -> list[str]:
    """What is wrong with the lines of a sweep that is not packed, in words."""
    if record.packed or record.command != SWEEP:
        return []
    path = record.folder / CELLS
    try:
        lines = cell_lines(record)
    except RunError as problem:
        return [*problem.messages]
    what_now = (
        ""
        if record.complete
        else (
            " A cell that no other line has is trained again when the sweep goes on: "
            f"hsig sweep --resume {record.id}"
        )
    )
    return [
        f"{path}: line {number} is damaged.{what_now}"
        for number, line in enumerate(lines, start=1)
        if line is None
    ]


def config_texts(record: Record) -> dict[str, str]:
    """The text of each config of a run, by the name that it was given by.

    Raises:
        RunError: If one is missing or was changed.
    """
    names = record.about["configs"]
    with sense(record.folder):
        return {str(given): checked(record, name).decode() for name, given in names.items()}


# --- keeping -------------------------------------------------------------------------------------

# Records put into the folder of runs, amended, packed and taken away.

# the moments that a zip file can say
_EARLIEST, _LATEST = (1980, 1, 1, 0, 0, 0), (2107, 12, 31, 0, 0, 0)


def put(
    runs: Path,
    *,
    command: str,
    arguments: Sequence[str],
    started: datetime,
    seconds: float,
    complete: bool,
    digest: str,
    configs: Mapping[str, str],
    files: Mapping[str, bytes],
    more: Mapping[str, Any],
    note: Note = NO_NOTE,
) -> Record:
    """Put a new folder with these files and a `run.json` into `runs`, whole or not at all.

    Args:
        runs: Where; it is made if need be.
        command: What was run.
        arguments: The words of the command line.
        started: When, in UTC.
        seconds: How long it took.
        complete: Whether nothing stopped it early.
        digest: Of everything that the numbers depend on.
        configs: The text of each config by the name that it was given by.
        files: What else is to be kept, by name.
        more: What else `run.json` is to say.
        note: What somebody calls it.

    Raises:
        RunError: If it cannot be written.
    """
    names = _config_names(configs)
    files = {**files, **{names[given]: text.encode() for given, text in configs.items()}}
    about = {
        "format": FORMAT,
        "id": f"{started.strftime('%Y%m%dT%H%M%S.%fZ')}-{secrets.token_hex(6)}",
        "command": command,
        "arguments": list(arguments),
        "started": started.isoformat(),
        "seconds": round(seconds, 3),
        "complete": complete,
        "versions": versions(),
        "machine": machine(),
        "digest": digest,
        "configs": {name: given for given, name in names.items()},
        **more,
        "files": _checksums(files),
        "bytes": {name: len(data) for name, data in files.items()},
    }
    folder = runs / str(about["id"])
    try:
        called = {NOTE: note.as_file()} if note else {}
        write_folder(folder, {**files, **called, RUN: signed(about)})
    except OSError as problem:
        raise RunError(f"{runs}: this run cannot be kept: {problem.strerror}") from None
    return Record(folder, about, note)


def amend(record: Record, *, seconds: float, complete: bool, files: Mapping[str, bytes]) -> Record:
    """A record that grows, with more files and what `run.json` says of them.

    Each file is replaced as a whole, and `run.json` is the last: until then the record is what it
    was.

    Raises:
        RunError: If it cannot be written.
    """
    about = {
        **record.about,
        "seconds": round(seconds, 3),
        "complete": complete,
        "files": {**record.about["files"], **_checksums(files)},
        "bytes": {
            **record.about.get("bytes", {}),
            **{name: len(data) for name, data in files.items()},
        },
    }
    about.pop("checksum", None)
    try:
        for left in record.folder.glob(f"{ASIDE}*"):  # by a process that was killed
            left.unlink()
        for name, data in {**files, RUN: signed(about)}.items():
            keep_file(record.folder / name, data)
    except OSError as problem:
        raise RunError(f"{record.folder}: cannot be written: {problem.strerror}") from None
    return Record(record.folder, about, record.note)


def remove(folder: Path) -> None:
    """Remove a record, be it damaged.

    Raises:
        RunError: If that is not allowed, or it is a sweep that goes on.
    """
    if (folder / CELLS).exists():
        try:
            Journal(folder / CELLS).close()  # which nobody else may have open
        except BusyError:
            raise RunError(f"{folder}: is a sweep that goes on. Stop it first") from None
        except RunError:
            pass  # it is damaged
    try:
        remove_folder(folder)
    except OSError as problem:
        raise RunError(f"{folder}: cannot be removed: {problem.strerror}") from None


def archive(record: Record) -> bytes:
    """The record as a zip file: what is of it, not what else there may be in its folder.

    Raises:
        RunError: If a file of it is missing or was changed.
    """
    record, files = steady(record, _files)
    began = datetime.fromisoformat(record.about["started"]).timetuple()[:6]
    moment = max(_EARLIEST, min(began, _LATEST))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name, data in sorted(files.items()):
            about = zipfile.ZipInfo(f"{record.id}/{name}", moment)
            about.external_attr = 0o644 << 16
            about.compress_type = zipfile.ZIP_DEFLATED
            file.writestr(about, data)
    return made.getvalue()


def _files(record: Record) -> dict[str, bytes]:
    """Every file of a record that is there."""
    files = {name: checked(record, name) for name in record.about["files"]}
    more = [RUN, *([NOTE] if record.note else []), *([] if record.packed else [CELLS])]
    for name in more:
        try:
            files[name] = bytes_of(record, name)
        except FileNotFoundError:
            continue  # of a sweep that has no cell yet, or no note any more
    return files


def _config_names(configs: Iterable[str]) -> dict[str, str]:
    """What each config is called in a record, by the name that it was given by."""
    names = {given: f"config-{place}.yaml" for place, given in enumerate(configs, start=1)}
    return names if len(names) > 1 else dict.fromkeys(names, "config.yaml")


def _checksums(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
