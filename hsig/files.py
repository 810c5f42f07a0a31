"""Files and folders that are written whole or not at all.

Each is written aside, under a name that begins with `ASIDE`, and then takes its place: readers see
what was there before or what is there now, never a part of it. What goes wrong leaves nothing
behind; the end of the process at a bad moment, at most what stands aside.
"""

import os
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from io import BufferedWriter, FileIO
from pathlib import Path

ASIDE = ".unfinished-"
_WITHOUT_WAITING = getattr(os, "O_NONBLOCK", 0)  # not every system has it
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def write_file(path: Path, data: bytes) -> None:
    """Put data into a file, of which an old one keeps its mode; a link is followed.

    What `is_stream` is written to, not replaced.

    Args:
        path: Where; its folder is there.
        data: What.

    Raises:
        OSError: If that fails; the old file is as it was.
    """
    if is_stream(path):
        with BufferedWriter(FileIO(path, "ab", opener=_open_stream)) as stream:
            stream.write(data)
    else:
        _replace(path.resolve(), data, settled=False)


def _open_stream(path: str, flags: int) -> int:
    """Open it; a pipe that nobody reads is refused, not waited at."""
    descriptor = os.open(path, flags | _WITHOUT_WAITING)
    if _WITHOUT_WAITING:
        os.set_blocking(descriptor, True)
    return descriptor


def keep_file(path: Path, data: bytes) -> None:
    """The same of a file that is kept: the disk has it before this returns.

    A link, a pipe or a device in its place is replaced.

    Raises:
        OSError: If that fails; the old file is as it was, or the new one is there.
    """
    _replace(path, data, settled=True)
    settle(path.parent)


def _replace(path: Path, data: bytes, *, settled: bool) -> None:
    aside = path.with_name(f"{ASIDE}{secrets.token_hex(6)}")
    try:
        _write(aside, data, settled=settled, mode=path.stat().st_mode if path.is_file() else None)
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


_OPEN = ("/dev/stdout", "/dev/stderr", "/dev/fd/", "/proc/self/fd/")


def is_stream(path: Path) -> bool:
    """Whether a path is a device, a pipe, or what this process has open, be that a file."""
    with suppress(OSError):  # of a name that is too long for one
        if str(path).startswith(_OPEN):
            return True
        return path.exists() and not path.is_file() and not path.is_dir()
    return False


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make a new folder with these files; the disk has it before this returns.

    Raises:
        OSError: If that fails; there is no such folder then.
    """
    aside = folder.with_name(f"{ASIDE}{folder.name}")
    new = [above for above in aside.parents if not above.exists()]
    try:
        aside.mkdir(parents=True)
        for name, data in files.items():
            _write(aside / name, data, settled=True)
        settle(aside)
        aside.rename(folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    for above in [folder, *new]:
        settle(above.parent)


def remove_folder(folder: Path) -> None:
    """Take a folder away: absent at once, not file by file. Of a link, only the link goes.

    Raises:
        OSError: If that fails; it is there as it was, or a part of it stands aside.
    """
    aside = folder.with_name(f"{ASIDE}{folder.name}")
    folder.rename(aside)
    if aside.is_dir() and not aside.is_symlink():
        shutil.rmtree(aside)
    else:
        aside.unlink()
    settle(aside.parent)


def _write(path: Path, data: bytes, *, settled: bool, mode: int | None = None) -> None:
    """Write a new file."""
    descriptor = os.open(path, _NEW, 0o666)
    try:
        if mode is not None:
            path.chmod(mode)
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]
        if settled:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def settle(folder: Path) -> None:
    """Have the names in a folder on the disk, where the system can do that."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
