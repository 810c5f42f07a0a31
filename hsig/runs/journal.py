"""An append-only file of records, one to a line, each with a checksum.

A record is whole or not there: what is written survives the end of the process at any moment, and
what a power cut tears off at the end, at most the last second's, is dropped.
"""

import errno
import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from threading import Lock, Timer
from typing import Any

from hsig.errors import BusyError, RunError

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
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
            self._lock()
            _, self._size = _read(path.read_bytes())
            os.ftruncate(self._descriptor, self._size)
        except OSError as problem:
            raise self._failure(problem) from None

    def _lock(self) -> None:
        """Keep other processes from writing, where the system can do that."""
        try:
            import fcntl
        except ImportError:
            return
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._descriptor)
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
            os.ftruncate(self._descriptor, self._size)
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


def read_journal(path: Path) -> list[dict[str, Any]]:
    """The whole records of a file that may still be written to; none if it is not there.

    Raises:
        RunError: If it cannot be read.
    """
    try:
        return _read(path.read_bytes())[0]
    except FileNotFoundError:
        return []
    except OSError as problem:
        raise RunError(f"{path}: cannot be read: {problem.strerror}") from None


def _line(record: Mapping[str, Any]) -> bytes:
    text = json.dumps(record, allow_nan=False, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _read(data: bytes) -> tuple[list[dict[str, Any]], int]:
    """The records, and the size up to the end of the last line; damaged lines are left out."""
    size = data.rfind(b"\n") + 1
    records = []
    for line in data[:size].splitlines():
        checksum, _, text = line.partition(b" ")
        if checksum == b"%08x" % zlib.crc32(text):
            records.append(json.loads(text))
    return records, size
