"""Files of records, whatever stands in their place: bytes and JSON, or what is wrong in words.

Nothing here waits: a pipe or a device is refused, not read.
"""

import json
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hsig.errors import RunError

BYTES_MOST = 1 << 34  # of a file whose size is not known
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def read_bytes(path: Path, most: int = BYTES_MOST) -> bytes:
    """What a plain file has, or what a link to one has.

    Raises:
        FileNotFoundError: If it is not there, or a link to nothing.
        RunError: If it cannot be read, is no plain file, or has more bytes than it may have.
    """
    try:
        descriptor = os.open(path, _FLAGS)
        try:
            about = os.fstat(descriptor)
            if not stat.S_ISREG(about.st_mode):
                raise RunError(f"{path}: is no plain file")
            if about.st_size > most:
                size = about.st_size
                raise RunError(f"{path}: was changed: it has {size} bytes. Expected {most} at most")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                return file.read(about.st_size)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise
    except OSError as problem:
        raise RunError(f"{path}: cannot be read: {problem.strerror}") from None


def as_json(text: bytes, path: Path) -> Any:
    """What a text of JSON means, in which no name comes twice.

    Raises:
        RunError: If it is none.
    """
    try:
        return json.loads(text, object_pairs_hook=_once)
    except _TwiceError as twice:
        raise RunError(f"{path}: is damaged: it says {twice} twice") from None
    except RecursionError:
        raise RunError(f"{path}: is damaged: it is nested too deeply") from None
    except ValueError:
        raise RunError(f"{path}: is damaged: it is not JSON") from None


class _TwiceError(ValueError):
    """A name that comes twice, of which one would win without a word."""


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise _TwiceError(repr(next(n for n in names if names.count(n) > 1))[:60])
    return made
