"""What a path holds, be it a file, a pipe or a device: so much of it, and with no wait in vain.

Nothing heavy is imported.
"""

import os
import stat
from io import FileIO
from pathlib import Path

_WITHOUT_WAITING = getattr(os, "O_NONBLOCK", 0)  # not every system has it
_STREAMS: dict[tuple[Path, int], bytes] = {}  # what came from pipes and devices, which say it once


def is_there(path: Path) -> bool:
    """Whether there is something at a path; whatever cannot be a path is not."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def read_bytes(path: Path, most: int) -> bytes:
    """What a path holds, or the first `most` bytes of it.

    A pipe is read to its end, however long somebody takes to write it; where nobody does, there is
    no wait. What came from a pipe or a device is the same when it is asked for again.

    Raises:
        OSError: If it cannot be read.
        ValueError: If it is no path.
    """
    if (path, most) in _STREAMS:
        return _STREAMS[path, most]
    with FileIO(path, opener=_open) as file:
        mode = os.fstat(file.fileno()).st_mode
        data = file.read(most)  # None where somebody is yet to write
        if data == b"" and stat.S_ISFIFO(mode):
            raise OSError("it is a pipe to which nobody writes")
        data = data or b""
        if _WITHOUT_WAITING and not stat.S_ISREG(mode):
            os.set_blocking(file.fileno(), True)
        while len(data) < most and (more := file.read(most - len(data))):
            data += more
    if not stat.S_ISREG(mode):
        _STREAMS[path, most] = data
    return data


def reason(problem: Exception) -> object:
    """Why something could not be read or written, in words."""
    return getattr(problem, "strerror", None) or problem


def _open(path: str, flags: int) -> int:
    """Open it, a pipe without a wait for its other end."""
    return os.open(path, flags | _WITHOUT_WAITING)
