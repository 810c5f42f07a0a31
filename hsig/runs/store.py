"""Kept runs on the disk: a folder each that is complete or absent, with a name and a note.

What the disk refuses, and what is damaged, is a `RunError`.

Formats of a record, as `record_format` in its `run.json` says:

    1  run.json with the SHA-256 of every other file and of itself; of a sweep, cells.log
"""

import hashlib
import io
import json
import os
import re
import secrets
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import prod
from pathlib import Path
from typing import Any

from hsig.config.keys import SWEEP
from hsig.errors import BusyError, ConfigError, HsigError, RunError
from hsig.files import remove_folder, replace_file, sync_folder, write_folder
from hsig.runs.provenance import machine, versions

FORMAT = 1
RUN, RESULT, SEEDS, CELLS, NOTE = "run.json", "result.json", "seeds.npz", "cells.log", "note.json"
ID = re.compile(r"[0-9]{8}T[0-9]{6}\.[0-9]{6}Z-[0-9a-f]+")
_MOMENT = "%Y%m%dT%H%M%S.%fZ"  # with which an id begins
LATEST = "latest"
_MAX_NAME, _MAX_NOTE = 40, 2000  # characters


@contextmanager
def disk_errors(path: Path, consequence: str) -> Iterator[None]:
    """Turn what the system refuses into a `RunError`, such as `PATH: cannot be read: REASON`."""
    try:
        yield
    except OSError as problem:
        raise RunError(f"{path}: {consequence}: {problem.strerror}") from None


@contextmanager
def as_damaged_record(run: str, file: str) -> Iterator[None]:
    """Turn whatever goes wrong while a file of a run is decoded into one `RunError`."""
    try:
        yield
    except HsigError:
        raise
    except Exception as problem:
        raise RunError(_damaged(run, file)) from problem


def _damaged(run: str, file: str) -> str:
    return f"run {run} is damaged: {file}"


# --- notes ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Note:
    """What somebody calls a run and says of it."""

    name: str = ""  # the run is found by it as well as by its id
    text: str = ""
    damaged: bool = False  # whether there is a note that cannot be read

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.name or self.text)

    def updated(self, name: str | None, text: str | None) -> "Note":
        """Replace what is not None; an empty text removes it."""
        name = self.name if name is None else name.strip()
        text = self.text if text is None else text.strip()
        problems = []
        reserved = name.partition("~")[0] == LATEST or ID.fullmatch(name)
        if reserved or len(name) > _MAX_NAME or not name.isprintable():
            problems.append(
                f"--name: expected one line of at most {_MAX_NAME} characters that is no id and "
                f"not {LATEST}, got {name!r:.80}"
            )
        if len(text) > _MAX_NOTE or not text.replace("\n", "").isprintable():
            problems.append(
                f"--note: expected at most {_MAX_NOTE} characters that can be printed, got "
                f"{len(text)}: {text!r:.60}"
            )
        if problems:
            raise ConfigError(problems)
        return Note(name, text)

    def encode(self) -> bytes:
        """Its file."""
        return _encode({"name": self.name, "note": self.text})


NO_NOTE = Note()


def read_note(folder: Path) -> Note:
    """What a run is called; one that cannot be read is no damage to the result."""
    try:
        content = json.loads((folder / NOTE).read_bytes())
        return NO_NOTE.updated(content["name"], content["note"])
    except FileNotFoundError:
        return NO_NOTE
    except Exception:
        return Note(damaged=True)


def write_note(folder: Path, name: str | None, text: str | None) -> Note:
    """Change what a run is called, as `Note.updated` does."""
    note = read_note(folder).updated(name, text)
    with disk_errors(folder / NOTE, "cannot be written"):
        if note:
            replace_file(folder / NOTE, note.encode())
        else:
            (folder / NOTE).unlink(missing_ok=True)
    return note


# --- reading -------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Record:
    """A kept run: its folder, what `run.json` says, and what somebody calls it."""

    folder: Path
    meta: Mapping[str, Any] = field(repr=False)
    note: Note = NO_NOTE

    @property
    def id(self) -> str:
        """Its name, which begins with the moment of its start."""
        return self.folder.name

    @property
    def command(self) -> str:
        """`train`, `compare`, `explain` or `sweep`."""
        return str(self.meta["command"])

    @property
    def started(self) -> datetime:
        """When the command began, in UTC."""
        return datetime.fromisoformat(self.meta["started"])

    @property
    def digest(self) -> str:
        """Of everything that the numbers depend on."""
        return str(self.meta["digest"])

    @property
    def complete(self) -> bool:
        """Whether nothing stopped it early."""
        return bool(self.meta["complete"])

    @property
    def is_sweep(self) -> bool:
        """Whether its cells are lines of a journal."""
        return self.command == SWEEP

    @property
    def axes(self) -> dict[str, list[str]]:
        """The values of each key that is swept, as texts; of no sweep, none."""
        swept = self.meta["sweep"]["axes"] if self.is_sweep else []
        return {axis["name"]: axis["values"] for axis in swept}

    @property
    def cells(self) -> int:
        """How many a sweep has when it is finished."""
        return prod(map(len, self.axes.values()))


def read_record(folder: Path) -> Record:
    """Read a record; its other files are read and checked when they are needed."""
    run = folder.name
    content = _read(folder, RUN)
    with as_damaged_record(run, RUN):
        meta = json.loads(content)
        if meta.get("record_format") != FORMAT:
            raise RunError(
                f"run {run} has format {meta.get('record_format')}, and this hsig reads format "
                f"{FORMAT}: read it with the hsig that kept it, or train it again"
            )
        if meta["sha256"] != _hash_meta(meta):
            raise ValueError("another checksum")
    return Record(folder, meta, read_note(folder))


def read_file(record: Record, file: str) -> bytes:
    """Read a file of a record, as it was written."""
    data = _read(record.folder, file)
    if record.meta["files"].get(file, {}).get("sha256") != _hash(data):
        raise RunError(_damaged(record.id, file))
    return data


def _read(folder: Path, file: str) -> bytes:
    with disk_errors(folder / file, "cannot be read"):
        try:
            return (folder / file).read_bytes()
        except FileNotFoundError:
            raise RunError(_damaged(folder.name, file)) from None


def list_ids(runs: Path) -> list[str]:
    """The ids of all runs, the oldest first; the records may be damaged.

    One of a clock that is ahead of this one is older than all others: what is begun now is later.
    """
    now = f"{datetime.now(UTC):{_MOMENT}}"
    with disk_errors(runs, "cannot be read"):
        try:
            found = [path.name for path in runs.iterdir() if ID.fullmatch(path.name)]
        except FileNotFoundError:
            return []
    return sorted(found, key=lambda run: (run[: len(now)] <= now, run))


def read_records(runs: Path) -> tuple[list[Record], list[str]]:
    """All records, the newest first, and what is wrong with those that cannot be read."""
    records: list[Record] = []
    problems: list[str] = []
    for run in reversed(list_ids(runs)):
        try:
            records.append(read_record(runs / run))
        except RunError as problem:
            if (runs / run).exists():  # else it was removed meanwhile
                problems += problem.messages
    return records, problems


def describe_damage(record: Record) -> list[str]:
    """What can be seen to be wrong with a record without reading its large files."""
    problems = [
        _damaged(record.id, file)
        for file, expected in record.meta["files"].items()
        if _size(record.folder / file) != expected["bytes"]
    ]
    if record.note.damaged:
        problems.append(_damaged(record.id, NOTE))
    if record.is_sweep:
        lines, damaged = read_journal(record.folder / CELLS)
        if damaged and len(lines) < record.cells:  # else all were trained again
            problems.append(
                f"{_damaged(record.id, CELLS)}: {damaged} of its lines, whose cells are trained "
                f"again by hsig sweep --resume {record.id}"
            )
    return problems if record.folder.exists() else []


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


# --- writing -------------------------------------------------------------------------------------


def write_record(
    runs: Path,
    *,
    started: datetime,
    about: Mapping[str, Any],
    configs: Mapping[str, str],
    files: Mapping[str, bytes],
    note: Note = NO_NOTE,
) -> Record:
    """Write a new record, whole or not at all.

    `about` is what `run.json` says beside when, where and with what it was run, `started` is in
    UTC, and `configs` are texts by the name that they were given by.
    """
    numbers = [""] if len(configs) == 1 else [f"-{n}" for n in range(1, len(configs) + 1)]
    names = {f"config{number}.yaml": given for number, given in zip(numbers, configs, strict=True)}
    files = {**files, **{name: configs[given].encode() for name, given in names.items()}}
    run = f"{started:{_MOMENT}}-{secrets.token_hex(6)}"
    meta = _seal(
        {
            "record_format": FORMAT,
            "id": run,
            "started": started.isoformat(),
            **about,
            "versions": versions(),
            "machine": machine(),
            "configs": names,
            "files": _describe_files(files),
        }
    )
    note_file = {NOTE: note.encode()} if note else {}
    with disk_errors(runs, "this run cannot be kept"):
        write_folder(runs / run, {**files, **note_file, RUN: _encode(meta)})
    return Record(runs / run, meta, note)


def update_record(record: Record, about: Mapping[str, Any], files: Mapping[str, bytes]) -> Record:
    """Change what `run.json` says of a record that grows, and its files beside the configs."""
    configs = {name: record.meta["files"][name] for name in record.meta["configs"]}
    meta = _seal({**record.meta, **about, "files": {**configs, **_describe_files(files)}})
    with disk_errors(record.folder, "cannot be written"):
        for name, data in {**files, RUN: _encode(meta)}.items():
            replace_file(record.folder / name, data)
    return Record(record.folder, meta, record.note)


def remove_record(folder: Path) -> None:
    """Remove a record, be it damaged."""
    try:
        if (folder / CELLS).exists():
            Journal(folder / CELLS).close()
    except BusyError:
        raise RunError(f"{folder}: is a sweep that goes on. Stop it first") from None
    with disk_errors(folder, "cannot be removed"):
        remove_folder(folder)


def pack_record(record: Record) -> bytes:
    """Pack a record into a zip file, after a check of each of its files."""
    files = {name: read_file(record, name) for name in record.meta["files"]}
    files[RUN] = _encode(record.meta)
    if record.note:
        files[NOTE] = record.note.encode()
    if record.is_sweep:
        files[CELLS] = _read(record.folder, CELLS)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(f"{record.id}/{name}", data)
    return packed.getvalue()


def _describe_files(files: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    return {name: {"sha256": _hash(data), "bytes": len(data)} for name, data in files.items()}


def _seal(meta: Mapping[str, Any]) -> dict[str, Any]:
    """What `run.json` says, with a checksum of it."""
    return {**meta, "sha256": _hash_meta(meta)}


def _hash_meta(meta: Mapping[str, Any]) -> str:
    content = {name: value for name, value in meta.items() if name != "sha256"}
    return _hash(json.dumps(content, sort_keys=True).encode())


def _encode(content: Mapping[str, Any]) -> bytes:
    return (json.dumps(content, indent=1) + "\n").encode()


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# --- journal -------------------------------------------------------------------------------------


class Journal:
    """An append-only file, open for this process alone: each line is `SHA256 KEY JSON`.

    Lines are whole or not there: what is written survives the end of the process at any moment,
    and a torn end is dropped.
    """

    def __init__(self, path: Path) -> None:
        """Open or create it."""
        self._path = path
        with self._errors():
            self._file = path.open("ab", buffering=0)
            try:
                self._lock()
                self._size = path.read_bytes().rfind(b"\n") + 1
                self._file.truncate(self._size)
                sync_folder(path.parent)
            except BaseException:
                self._file.close()
                raise

    def _lock(self) -> None:
        """Keep other processes from writing, where the system can do that."""
        try:
            import fcntl
        except ImportError:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise BusyError(f"{self._path}: another process is writing to it") from None

    def append(self, key: str, entry: Mapping[str, Any]) -> None:
        """Add a line."""
        text = f"{key} {json.dumps(entry, allow_nan=False, separators=(',', ':'))}".encode()
        line = b"%s %s\n" % (_hash(text).encode(), text)
        with self._errors():
            try:
                left = memoryview(line)
                while left:  # a disk that is nearly full takes what fits, then refuses the rest
                    left = left[self._file.write(left) :]
            except OSError:
                with suppress(OSError):
                    self._file.truncate(self._size)
                raise
        self._size += len(line)

    def close(self) -> None:
        """Have it all on the disk, and let others write."""
        with self._errors(), self._file:
            os.fsync(self._file.fileno())

    def _errors(self) -> Any:
        return disk_errors(self._path, "cannot be written")


def read_journal(path: Path) -> tuple[list[tuple[str, bytes]], int]:
    """The whole lines of a journal that may still be written to, and how many are damaged.

    Returns:
        The key and the JSON of each line that is as it was written, and the number of the others.
        What has no end is torn, and neither.
    """
    with disk_errors(path, "cannot be read"):
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return [], 0
    lines, damaged = [], 0
    for line in data.split(b"\n")[:-1]:
        checksum, _, text = line.partition(b" ")
        if checksum == _hash(text).encode():
            key, _, entry = text.partition(b" ")
            lines.append((key.decode(), entry))
        else:
            damaged += 1
    return lines, damaged
