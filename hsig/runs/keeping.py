"""Records put into the folder of runs, amended, packed and taken away."""

import hashlib
import io
import secrets
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from hsig.errors import BusyError, RunError
from hsig.files import ASIDE, keep_file, remove_folder, write_folder
from hsig.runs.folder import CELLS, FORMAT, RUN, Record, bytes_of, checked, signed, steady
from hsig.runs.journal import Journal
from hsig.runs.names import NO_NOTE, NOTE, Note
from hsig.runs.provenance import machine, versions

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
