"""YAML text, from files and flags."""

import os
import stat
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

from hsig.config.values import INVALID, Value, describe, read_scalar
from hsig.errors import ConfigError
from hsig.files import is_stream

if TYPE_CHECKING:
    from hsig.config.yaml_parts import Part


# --- reading -------------------------------------------------------------------------------------

# What a path holds, be it a file, a pipe or a device: so much of it, and with no wait in vain.
#
# Nothing heavy is imported.

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


# --- yaml text -----------------------------------------------------------------------------------

# From the text of a config or a flag to plain values, each with the place it came from.

FILE_BYTES_MOST = 300_000  # read within seconds and 60 MB; more samples belong in a CSV file


def read_flag(flag: str, text: str, problems: list[str]) -> Value:
    """The value of a flag: a scalar, or YAML's flow style when it starts with [ or {.

    Args:
        flag: Its name, for messages.
        text: What was typed.
        problems: Gets a message for each part that cannot stand.
    """
    if text.lstrip()[:1] in ("[", "{"):
        try:
            part = _parse(text, flag, problems)
            return Value(None if part is None else part.value, flag)
        except ConfigError as refusal:
            problems.extend(refusal.messages)
            return Value(INVALID, flag)
    try:
        return Value(read_scalar(text), flag)
    except ValueError as problem:
        problems.append(f"{flag}: {problem}")
        return Value(INVALID, flag)


def read_file(path: Path, problems: list[str], folder: Path | None = None) -> dict[str, Value]:
    """The values of a config by key.

    Args:
        path: The file.
        problems: Gets a message for each part that cannot stand; the rest is still read.
        folder: What file names in it are relative to, if not its own folder; for a pipe or a
            device that is the working folder.

    Raises:
        ConfigError: If it is not one YAML mapping at all.
    """
    text = _TEXTS[path] = _read_text(path)
    part = _parse(text, str(path), problems)
    if part is None or part.value is None:
        raise ConfigError(f"{path}: the file is empty. Expected keys, such as `activation: hard`")
    if part.value is INVALID:
        return {}
    if not isinstance(part.value, dict):
        got = describe(part.value)
        raise ConfigError(f"{path}:1: expected keys, such as `activation: hard`, got {got}")
    base = folder or (Path() if is_stream(path) else path.parent)
    return {
        key: Value(value, str(path), part.below[key], base) for key, value in part.value.items()
    }


_TEXTS: dict[Path, str] = {}


def text_read(path: Path) -> str:
    """The text of a config as it was read last, whatever has become of the file since."""
    return _TEXTS[path]


def _read_text(path: Path) -> str:
    try:
        data = read_bytes(path, FILE_BYTES_MOST + 1)
    except IsADirectoryError:
        raise ConfigError(f"{path}: is a folder. Expected a YAML file") from None
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file{_others(path)}") from None
    except (OSError, ValueError) as problem:
        raise ConfigError(f"{path}: cannot be read: {reason(problem)}") from None
    if len(data) > FILE_BYTES_MOST:
        raise ConfigError(f"{path}: more than {FILE_BYTES_MOST} bytes. Is it a config?")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        raise ConfigError(
            f"{path}:{line}: expected UTF-8 text, got the byte 0x{data[problem.start]:02x}"
        ) from None


def _others(path: Path) -> str:
    """The configs beside a file that is not there."""
    try:
        beside = [other.name for other in path.parent.iterdir()]
    except OSError:
        return ""
    names = sorted(name for name in beside if name.endswith((".yaml", ".yml")) and name[0] != ".")
    listed = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    return f". In {path.parent}: {listed}" if names else ""


def _parse(text: str, source: str, problems: list[str]) -> "Part | None":
    """As `parse`; PyYAML is imported where there is something for it to read."""
    from hsig.config.yaml_parts import parse

    return parse(text, source, problems)
