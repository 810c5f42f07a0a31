"""An append-only file of records, one to a line, each with a checksum.

A record is whole or not there: what is written survives the end of the process at any moment, and
what a power cut tears off at the end, at most the last second's, is dropped.
"""

import errno
import hashlib
import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from threading import Lock, Timer
from typing import Any

from hsig.errors import BusyError, RunError
from hsig.files import settle
from hsig.runs.reading import as_json, read_bytes

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND
_FLAGS |= getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)  # neither waits nor strays
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
            self._descriptor = os.open(path, _FLAGS, 0o666)
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
