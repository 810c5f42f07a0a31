"""Kept runs on the disk: a folder each that is complete or absent, with a name and a note.

Formats of a record, as `record_format` in its `run.json` says:

    1  run.json with the SHA-256 of every other file and of itself; of a sweep, cells.log

What hsig kept before there was a `record_format` is not read.
"""

import hashlib
import io
import json
import os
import re
import secrets
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any

from hsig.config.keys import SWEEP
from hsig.errors import BusyError, ConfigError, HsigError, RunError
from hsig.files import remove_folder, replace_file, sync_folder, write_folder
from hsig.runs.provenance import machine, versions

FORMAT = 1
RUN, RESULT, SEEDS, CELLS, NOTE = "run.json", "result.json", "seeds.npz", "cells.log", "note.json"
ID = re.compile(r"[0-9]{8}T[0-9]{6}\.[0-9]{6}Z-[0-9a-f]+")
LATEST = "latest"
_MAX_NAME, _MAX_NOTE = 40, 2000  # characters
_SYNC_S = 1.0  # from one request that the disk have the lines of a journal to the next
_EARLIEST_IN_ZIP = (1980, 1, 1, 0, 0, 0)


class GoneError(RunError):
    """A run was removed while it was read."""


@contextmanager
def as_damaged_record(run: str, file: str) -> Iterator[None]:
    """Turn whatever goes wrong while a file of a run is read into one error.

    Raises:
        RunError: Then; the reason stays behind it.
    """
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
    """What somebody calls a run and says of it.

    Attributes:
        name: The run is found by this as well as by its id; may be empty.
        text: Whatever is to be remembered; may be empty.
        damaged: Whether there is a note that cannot be read.
    """

    name: str = ""
    text: str = ""
    damaged: bool = False

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.name or self.text)

    def updated(self, name: str | None, text: str | None) -> "Note":
        """Replace what is given; an empty text removes it.

        Raises:
            ConfigError: If one of them cannot be used.
        """
        new = Note(
            self.name if name is None else name.strip(), self.text if text is None else text.strip()
        )
        problems = []
        if len(new.name) > _MAX_NAME or not new.name.isprintable():
            problems.append(
                f"--name: expected one line of at most {_MAX_NAME} characters, got {new.name!r:.80}"
            )
        elif new.name.partition("~")[0] == LATEST or ID.fullmatch(new.name):
            problems.append(f"--name: expected no id and not {LATEST}, got {new.name}")
        if len(new.text) > _MAX_NOTE or not new.text.replace("\n", "").isprintable():
            problems.append(
                f"--note: expected at most {_MAX_NOTE} characters that can be printed, got "
                f"{len(new.text)}: {new.text!r:.60}"
            )
        if problems:
            raise ConfigError(problems)
        return new

    def encode(self) -> bytes:
        """Its file."""
        return (json.dumps({"name": self.name, "note": self.text}, indent=1) + "\n").encode()


NO_NOTE = Note()


def read_note(folder: Path) -> Note:
    """What a run is called; nothing if that cannot be read, as it is no part of the result."""
    try:
        content = json.loads((folder / NOTE).read_bytes())
        return NO_NOTE.updated(content["name"], content["note"])
    except FileNotFoundError:
        return NO_NOTE
    except Exception:
        return Note(damaged=True)


def write_note(folder: Path, name: str | None, text: str | None) -> Note:
    """Change what a run is called, as `Note.updated` does.

    Raises:
        ConfigError: If one of them cannot be used.
        RunError: If it cannot be written.
    """
    note = read_note(folder).updated(name, text)
    try:
        if note:
            replace_file(folder / NOTE, note.encode())
        else:
            (folder / NOTE).unlink(missing_ok=True)
            sync_folder(folder)
    except OSError as problem:
        raise RunError(f"{folder / NOTE}: cannot be written: {problem.strerror}") from None
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
        """Its name; later ones sort behind earlier ones."""
        return self.folder.name

    @property
    def command(self) -> str:
        """`train`, `compare`, `explain` or `sweep`."""
        return str(self.meta["command"])

    @property
    def is_sweep(self) -> bool:
        """Whether its cells are lines of a journal."""
        return self.command == SWEEP

    @property
    def digest(self) -> str:
        """Of everything that the numbers depend on."""
        return str(self.meta["digest"])

    @property
    def complete(self) -> bool:
        """Whether nothing stopped it early."""
        return bool(self.meta["complete"])


def read_record(folder: Path) -> Record:
    """Read a record; its other files are read and checked when they are needed.

    Raises:
        GoneError: If there is no such folder any more.
        RunError: If it is damaged, or of another format.
    """
    run = folder.name
    content = _read_file(folder, RUN)
    with as_damaged_record(run, RUN):
        meta = json.loads(content)
        if "record_format" not in meta and "format" in meta:
            raise RunError(
                f"run {run} was kept by an earlier hsig, in a form that this one does not read: "
                "train it again"
            )
        if meta["record_format"] > FORMAT:
            raise RunError(
                f"run {run} has format {meta['record_format']}, of a newer hsig. This one reads "
                f"format {FORMAT}"
            )
        if meta["sha256"] != _hash_content(meta):
            raise ValueError("another checksum")
    return Record(folder, meta, read_note(folder))


def read_file(record: Record, file: str) -> bytes:
    """Read a file of a record, as it was written.

    Raises:
        GoneError: If the record was removed meanwhile.
        RunError: If the file is damaged or missing.
    """
    data = _read_file(record.folder, file)
    if record.meta["files"].get(file, {}).get("sha256") != _hash(data):
        raise RunError(_damaged(record.id, file))
    return data


def _read_file(folder: Path, file: str) -> bytes:
    try:
        return (folder / file).read_bytes()
    except FileNotFoundError:
        if not os.path.lexists(folder):
            raise GoneError(f"run {folder.name} is gone: it was removed meanwhile") from None
        raise RunError(_damaged(folder.name, file)) from None
    except OSError as problem:
        raise RunError(f"{folder / file}: cannot be read: {problem.strerror}") from None


def list_names(runs: Path) -> list[str]:
    """The names in the folder of runs, sorted; none if that is not there.

    Raises:
        RunError: If it cannot be read.
    """
    try:
        return sorted(path.name for path in runs.iterdir())
    except FileNotFoundError:
        return []
    except OSError as problem:
        raise RunError(f"{runs}: cannot be read: {problem.strerror}") from None


def read_records(runs: Path) -> tuple[list[Record], list[str]]:
    """All records, the newest first, and what is wrong with those that are damaged."""
    records, problems = [], []
    for name in reversed(list_names(runs)):
        if not ID.fullmatch(name):
            continue
        try:
            record = read_record(runs / name)
            problems += describe_damage(record)
        except GoneError:
            continue
        except RunError as problem:
            problems += problem.messages
        else:
            records.append(record)
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
        _, damaged = read_journal(record.folder / CELLS)
        if damaged:
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


def config_texts(record: Record) -> dict[str, str]:
    """The text of each config of a run, by the name that it was given by.

    Raises:
        RunError: If one is damaged or missing.
    """
    names = record.meta["configs"]
    return {str(given): read_file(record, file).decode() for file, given in names.items()}


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

    Args:
        runs: The folder of runs; it is made if need be.
        started: When the command began, in UTC.
        about: What `run.json` says beside where and with what it was run.
        configs: The text of each config by the name that it was given by.
        files: What else is kept, by name.
        note: What somebody calls it.

    Raises:
        RunError: If it cannot be written.
    """
    names = _config_names(configs)
    files = {**files, **{names[given]: text.encode() for given, text in configs.items()}}
    run = f"{started:%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(6)}"
    meta = _seal(
        {
            "record_format": FORMAT,
            "id": run,
            "started": started.isoformat(),
            **about,
            "versions": versions(),
            "machine": machine(),
            "configs": {name: given for given, name in names.items()},
            "files": _describe_files(files),
        }
    )
    note_file = {NOTE: note.encode()} if note else {}
    try:
        write_folder(runs / run, {**files, **note_file, RUN: _encode(meta)})
    except OSError as problem:
        raise RunError(f"{runs}: this run cannot be kept: {problem.strerror}") from None
    return Record(runs / run, meta, note)


def update_record(record: Record, about: Mapping[str, Any], files: Mapping[str, bytes]) -> Record:
    """Add files to a record that grows, and then what `run.json` says.

    Raises:
        RunError: If it cannot be written; the record is what it was.
    """
    listed = {**record.meta["files"], **_describe_files(files)}
    meta = _seal({**record.meta, **about, "files": listed})
    try:
        for name, data in {**files, RUN: _encode(meta)}.items():
            replace_file(record.folder / name, data)
    except OSError as problem:
        raise RunError(f"{record.folder}: cannot be written: {problem.strerror}") from None
    return Record(record.folder, meta, record.note)


def remove_record(folder: Path) -> None:
    """Remove a record, be it damaged.

    Raises:
        RunError: If that is not allowed, or it is a sweep that goes on.
    """
    try:
        if (folder / CELLS).exists():
            Journal(folder / CELLS).close()
        remove_folder(folder)
    except BusyError:
        raise RunError(f"{folder}: is a sweep that goes on. Stop it first") from None
    except OSError as problem:
        raise RunError(f"{folder}: cannot be removed: {problem.strerror}") from None


def pack_record(record: Record) -> bytes:
    """Pack a record into a zip file, after a check of each of its files.

    Raises:
        RunError: If one is damaged or missing.
    """
    files = {name: read_file(record, name) for name in record.meta["files"]}
    files[RUN] = _encode(record.meta)
    if record.note:
        files[NOTE] = record.note.encode()
    if record.is_sweep:
        files[CELLS] = _read_file(record.folder, CELLS)
    started = datetime.fromisoformat(record.meta["started"]).timetuple()[:6]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in sorted(files.items()):
            info = zipfile.ZipInfo(f"{record.id}/{name}", max(started, _EARLIEST_IN_ZIP))
            info.external_attr = 0o644 << 16
            archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _config_names(configs: Iterable[str]) -> dict[str, str]:
    """The file in the record of each config, by the name that it was given by."""
    names = {given: f"config-{number}.yaml" for number, given in enumerate(configs, start=1)}
    return names if len(names) > 1 else dict.fromkeys(names, "config.yaml")


def _describe_files(files: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    return {name: {"sha256": _hash(data), "bytes": len(data)} for name, data in files.items()}


def _seal(meta: Mapping[str, Any]) -> dict[str, Any]:
    """What `run.json` says, with a checksum of it as its last field."""
    content = {name: value for name, value in meta.items() if name != "sha256"}
    return {**content, "sha256": _hash_content(content)}


def _hash_content(meta: Mapping[str, Any]) -> str:
    content = {name: value for name, value in meta.items() if name != "sha256"}
    return _hash(json.dumps(content, sort_keys=True).encode())


def _encode(meta: Mapping[str, Any]) -> bytes:
    return (json.dumps(meta, indent=1) + "\n").encode()


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


# --- journal -------------------------------------------------------------------------------------


class Journal:
    """An append-only file, open for this process alone: each line is `SHA256 KEY JSON`.

    Lines are whole or not there: what is written survives the end of the process at any moment,
    and a torn end is dropped.
    """

    def __init__(self, path: Path) -> None:
        """Open or create it.

        Raises:
            BusyError: If another process has it open.
            RunError: If it cannot be opened.
        """
        self._path = path
        self._synced_at = monotonic()
        try:
            self._file = path.open("ab", buffering=0)
        except OSError as problem:
            raise self._failure(problem) from None
        try:
            self._lock()
            self._size = path.read_bytes().rfind(b"\n") + 1
            self._file.truncate(self._size)
            sync_folder(path.parent)
        except OSError as problem:
            self._file.close()
            raise self._failure(problem) from None
        except BusyError:
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
        """Add a line.

        Raises:
            RunError: If the disk does not take it whole; the file is as it was then.
        """
        text = f"{key} {json.dumps(entry, allow_nan=False, separators=(',', ':'))}".encode()
        line = b"%s %s\n" % (_hash(text).encode(), text)
        try:
            left = memoryview(line)
            while left:  # a disk that is nearly full takes what fits, then refuses the rest
                left = left[self._file.write(left) :]
            self._size += len(line)
            if monotonic() - self._synced_at > _SYNC_S:
                os.fsync(self._file.fileno())
                self._synced_at = monotonic()
        except OSError as problem:
            with suppress(OSError):
                self._file.truncate(self._size)
            raise self._failure(problem) from None

    def close(self) -> None:
        """Have it all on the disk, and let others write.

        Raises:
            RunError: If the disk does not take it.
        """
        try:
            with self._file:
                os.fsync(self._file.fileno())
        except OSError as problem:
            raise self._failure(problem) from None

    def _failure(self, problem: OSError) -> RunError:
        return RunError(f"{self._path}: cannot be written: {problem.strerror}")


def read_journal(path: Path) -> tuple[list[tuple[str, bytes]], int]:
    """The whole lines of a journal that may still be written to, and how many are damaged.

    Returns:
        The key and the JSON of each line that is as it was written, and the number of the others.
        What has no end is torn, and neither.

    Raises:
        RunError: If it cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return [], 0
    except OSError as problem:
        raise RunError(f"{path}: cannot be read: {problem.strerror}") from None
    lines, damaged = [], 0
    for line in data.split(b"\n")[:-1]:
        checksum, _, text = line.partition(b" ")
        if checksum == _hash(text).encode():
            key, _, entry = text.partition(b" ")
            lines.append((key.decode(), entry))
        else:
            damaged += 1
    return lines, damaged
