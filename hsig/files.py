"""Files and folders that are written whole or not at all.

Each is written under a temporary name that begins with `ASIDE` and then renamed: readers see what
was there before or what is there now, never a part of it. A failure leaves nothing behind; a killed
process leaves at most the temporary file or folder.
"""

import os
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

ASIDE = ".unfinished-"
_OPEN_STREAMS = ("/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/self/fd/")


def expand_home(path: Path) -> Path:
    """A path that may begin with `~`, as no shell expands it behind a colon or in a file."""
    with suppress(RuntimeError):  # there is no such user
        return path.expanduser()
    return path


def is_stream(path: Path) -> bool:
    """Whether a path is a device, a pipe, or what this process has open, be that a file."""
    with suppress(OSError):  # of a name that is too long for one
        if str(path).startswith(_OPEN_STREAMS):
            return True
        return path.exists() and not path.is_file() and not path.is_dir()
    return False


def write_file(path: Path, data: bytes) -> None:
    """Write or replace a file; a stream is written to, a link is followed.

    Raises:
        OSError: If that fails; an old file is as it was.
    """
    if is_stream(path):
        with open(path, "ab", buffering=0, opener=_open_stream) as stream:
            stream.write(data)
    else:
        replace_file(path.resolve(), data)


def _open_stream(path: str, flags: int) -> int:
    """Open a stream; a pipe that nobody reads is an error, not waited for."""
    without_waiting = getattr(os, "O_NONBLOCK", 0)  # Windows has no such thing
    descriptor = os.open(path, flags | without_waiting)
    if without_waiting:
        os.set_blocking(descriptor, True)
    return descriptor


def replace_file(path: Path, data: bytes) -> None:
    """Write or replace a file, which keeps its mode; the disk has it before this returns.

    Raises:
        OSError: If that fails; an old file is as it was.
    """
    aside = path.with_name(f"{ASIDE}{secrets.token_hex(6)}")
    try:
        _write_new(aside, data)
        if path.is_file():
            shutil.copymode(path, aside)
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


_INPUTS: set[Path] = set()


def note_input(path: Path) -> None:
    """Remember that this process has read a file as an input, which a result is not to replace."""
    _INPUTS.add(path.resolve())


def is_input(path: Path) -> bool:
    """Whether this process has read a file as an input."""
    return path.resolve() in _INPUTS


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make a new folder with these files; the disk has it before this returns.

    Raises:
        OSError: If that fails; there is no such folder then.
    """
    aside = folder.with_name(f"{ASIDE}{folder.name}")
    new = [parent for parent in aside.parents if not parent.exists()]
    try:
        aside.mkdir(parents=True)
        for name, data in files.items():
            _write_new(aside / name, data)
        sync_folder(aside)
        aside.rename(folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    for made in [folder, *new]:
        sync_folder(made.parent)


def remove_folder(folder: Path) -> None:
    """Remove a folder at once, not file by file; of a link, only the link.

    Raises:
        OSError: If that fails; it is there as it was, or a part of it under a temporary name.
    """
    if folder.is_symlink():
        folder.unlink()
        return
    aside = folder.with_name(f"{ASIDE}{folder.name}")
    folder.rename(aside)
    shutil.rmtree(aside)


def _write_new(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk, where the system can do that."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
