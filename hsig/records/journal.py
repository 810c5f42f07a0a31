"""An append-only file of records, one to a line, each with a checksum.

A record is whole or not there: what is written survives the end of the process at any moment, and
what a power cut tears off at the end, at most the last second's, is dropped.
"""

import json
import os
import zlib
from collections.abc import Mapping
from pathlib import Path
from time import monotonic
from typing import Any

from hsig.errors import BusyError, RunError

_SETTLE_S = 1.0  # between two times that the disk is asked to have it all


class Journal:
    """The records of one file, and the place to add more."""

    def __init__(self, path: Path) -> None:
        """Open or create it, dropping a torn end.

        Raises:
            RunError: If it cannot be opened, or another process is writing to it.
        """
        self._path = path
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
            self._lock()
            self.records, size = _read(path.read_bytes())
            os.ftruncate(self._descriptor, size)
        except OSError as problem:
            raise RunError(f"{path}: cannot be written: {problem.strerror}") from None
        self._size = size
        self._settled = monotonic()

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
        """Add a record.

        Raises:
            RunError: If the disk does not take it whole; the file is as it was then.
        """
        line = _line(record)
        try:
            written = os.write(self._descriptor, line)
            if written < len(line):
                raise OSError(28, "No space left on device")
        except OSError as problem:
            os.ftruncate(self._descriptor, self._size)
            raise RunError(f"{self._path}: cannot be written: {problem.strerror}") from None
        self._size += len(line)
        if monotonic() - self._settled >= _SETTLE_S:
            self.settle()

    def settle(self) -> None:
        """Have it all on the disk."""
        os.fsync(self._descriptor)
        self._settled = monotonic()

    def close(self) -> None:
        """Have it all on the disk, and let others write."""
        self.settle()
        os.close(self._descriptor)


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
