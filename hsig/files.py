"""Files and folders that are written whole or not at all.

Each is written aside, under a name that begins with `ASIDE`, and then takes its place: readers see
what was there before or what is there now, never a part of it. What goes wrong leaves nothing
behind; the end of the process at a bad moment, at most what stands aside.
"""

import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

ASIDE = ".unfinished-"


def write_file(path: Path, data: bytes, *, settled: bool = False) -> None:
    """Put data into a file, of which an old one keeps its mode; a link is followed.

    What `is_stream` is written to, not replaced.

    Args:
        path: Where; its folder is there.
        data: What.
        settled: Whether the disk has it before this returns.

    Raises:
        OSError: If that fails; the old file is as it was.
    """
    if is_stream(path):
        with path.open("ab") as stream:
            stream.write(data)
        return
    path = path.resolve()
    aside = path.with_name(f"{ASIDE}{secrets.token_hex(6)}")
    try:
        _write(aside, data, settled=settled, mode=path.stat().st_mode if path.exists() else None)
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    if settled:
        _settle(path.parent)


_OPEN = ("/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/self/fd/")


def is_stream(path: Path) -> bool:
    """Whether a path is a device, a pipe, or what this process has open, be that a file."""
    return str(path).startswith(_OPEN) or (path.exists() and not path.is_file())


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make a new folder with these files; the disk has it before this returns.

    Raises:
        OSError: If that fails; there is no such folder then.
    """
    aside = folder.with_name(f"{ASIDE}{folder.name}")
    try:
        aside.mkdir(parents=True)
        for name, data in files.items():
            _write(aside / name, data, settled=True)
        _settle(aside)
        aside.rename(folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    _settle(folder.parent)


def _write(path: Path, data: bytes, *, settled: bool, mode: int | None = None) -> None:
    """Write a new file."""
    with path.open("xb") as file:
        if mode is not None:
            path.chmod(mode)
        file.write(data)
        if settled:
            file.flush()
            os.fsync(file.fileno())


def _settle(folder: Path) -> None:
    """Have the names in a folder on the disk, where the system can do that."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
