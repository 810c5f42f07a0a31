"""The folder of a record: complete or absent, and signed. The one door to what is kept."""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import time
from typing import Any, TypeVar

from hsig.config.keys import SWEEP
from hsig.config.values import describe
from hsig.errors import RunError
from hsig.files import ASIDE
from hsig.runs.journal import read_journal
from hsig.runs.names import ID, NO_NOTE, Note, read_note
from hsig.runs.reading import BYTES_MOST, as_json, read_bytes
from hsig.runs.shape import is_cell, misfit, sense

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
