"""The folder of a record: complete or absent, and signed."""

import hashlib
import io
import json
import os
import secrets
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from hsig.errors import BusyError, RunError
from hsig.files import ASIDE, write_file, write_folder
from hsig.runs.journal import Journal
from hsig.runs.names import ID, NO_NOTE, NOTE, Note, read_note
from hsig.runs.provenance import machine, versions

FORMAT = 1
RUN, RESULT, SEEDS, CELLS = "run.json", "result.json", "seeds.npz", "cells.log"


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
        return bool(self.about["complete"])


# --- writing ----------------------------------------------------------------------------------


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
    names = _config_names(len(configs))
    texts = {name: text.encode() for name, text in zip(names, configs.values(), strict=True)}
    files = {**files, **texts}
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
        "configs": dict(zip(names, configs, strict=True)),
        **more,
        "files": _checksums(files),
        "bytes": {name: len(data) for name, data in files.items()},
    }
    folder = runs / str(about["id"])
    try:
        called = {NOTE: note.as_file()} if note else {}
        write_folder(folder, {**files, **called, RUN: _signed(about)})
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
        for name, data in {**files, RUN: _signed(about)}.items():
            write_file(record.folder / name, data, settled=True)
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
    aside = folder.with_name(f"{ASIDE}{folder.name}")
    try:
        folder.rename(aside)  # absent at once, not file by file
        shutil.rmtree(aside)
    except OSError as problem:
        raise RunError(f"{folder}: cannot be removed: {problem.strerror}") from None


def archive(record: Record) -> bytes:
    """The record as a zip file.

    Raises:
        RunError: If a file of it is missing or was changed.
    """
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        for name in record.about["files"]:
            checked(record, name)
        for path in sorted(record.folder.iterdir()):
            file.write(path, f"{record.id}/{path.name}")
    return made.getvalue()


def _config_names(number: int) -> list[str]:
    """What the configs are called in a record."""
    if number == 1:
        return ["config.yaml"]
    return [f"config-{place}.yaml" for place in range(1, number + 1)]


def _checksums(files: Mapping[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


_CHECKSUM = b',\n "checksum": '


def _signed(about: Mapping[str, Any]) -> bytes:
    """`run.json`, with a checksum of what stands before it as its last line."""
    text = json.dumps(about, indent=1).encode()
    return b'%s%s"%s"\n}\n' % (text[:-2], _CHECKSUM, _checksum(text))


def _is_as_signed(text: bytes) -> bool:
    before, _, after = text.rpartition(_CHECKSUM)
    return after.startswith(b'"%s"' % _checksum(before + b"\n}"))


def _checksum(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode()


# --- reading ----------------------------------------------------------------------------------


def every(runs: Path) -> tuple[list[Record], list[str]]:
    """All records, the newest first, and what is wrong with folders that are none."""
    records, problems = [], []
    try:
        names = sorted((entry.name for entry in os.scandir(runs) if entry.is_dir()), reverse=True)
    except FileNotFoundError:
        return [], []
    except OSError as problem:
        raise RunError(f"{runs}: cannot be read: {problem.strerror}") from None
    for name in names:
        if not ID.fullmatch(name.removeprefix(ASIDE)):
            continue  # not ours
        if name.startswith(ASIDE):
            problems.append(f"{runs / name}: was not finished; it can be removed")
            continue
        try:
            record = read(runs / name)
        except RunError as problem:
            problems += problem.messages
            continue
        records.append(record)
        problems += [*_lost(record), *filter(None, (record.note.problem,))]
    return records, problems


def _lost(record: Record) -> list[str]:
    """Files of a record that are missing or have another size, without reading them."""
    found = {entry.name: entry.stat().st_size for entry in os.scandir(record.folder)}
    return [
        f"{record.folder / name}: {_is_or_was(found.get(name))}. Expected {size} bytes"
        for name, size in record.about.get("bytes", {}).items()
        if found.get(name) != size
    ]


def _is_or_was(size: int | None) -> str:
    return "is missing" if size is None else f"was changed: it has {size} bytes"


def read(folder: Path) -> Record:
    """A record, after a check that its `run.json` is as it was written.

    Raises:
        RunError: If it is not, or of a later format.
    """
    path = folder / RUN
    try:
        text = path.read_bytes()
        about = json.loads(text)
    except FileNotFoundError:
        raise RunError(f"{folder}: is no kept run: it has no {RUN}") from None
    except OSError as problem:
        raise RunError(f"{path}: cannot be read: {problem.strerror}") from None
    except ValueError:
        raise RunError(f"{path}: is damaged: it is not JSON") from None
    if not isinstance(about, dict):
        raise RunError(f"{path}: is damaged: it is not a record")
    if isinstance(about.get("format"), int) and about["format"] > FORMAT:
        later = about["format"]
        raise RunError(f"{path}: has format {later}, of a later hsig; this one reads {FORMAT}")
    if not _is_as_signed(text):
        raise RunError(f"{path}: was changed after it was written: its checksum is another")
    return Record(folder, about, read_note(folder))


def checked(record: Record, file: str) -> bytes:
    """A file of a record, as it was written.

    Raises:
        RunError: If it is missing or was changed.
    """
    path = record.folder / file
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise RunError(f"{path}: cannot be read: {problem.strerror}") from None
    if hashlib.sha256(data).hexdigest() != record.about["files"].get(file):
        raise RunError(f"{path}: was changed after it was written: its checksum is another")
    return data


def config_texts(record: Record) -> dict[str, str]:
    """The text of each config of a run, by the name that it was given by.

    Raises:
        RunError: If one is missing or was changed.
    """
    names = record.about["configs"]
    return {str(given): checked(record, name).decode() for name, given in names.items()}
