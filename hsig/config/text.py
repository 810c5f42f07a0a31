"""What files hold; PyYAML is imported where it has something to read."""

import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hsig.config.values import INVALID, Value, describe
from hsig.errors import ConfigError
from hsig.files import is_stream, note_input

MAX_FILE_BYTES = 300_000  # read within seconds and 60 MB; more samples belong in a CSV file
CONFIG_ENDINGS = (".yaml", ".yml")
_LINE = 100  # characters of a config that is written

_STREAMS: dict[tuple[Path, int], bytes] = {}  # pipes and devices can be read once only
_TEXTS: dict[Path, str] = {}


def read_bytes(path: Path, limit: int) -> bytes:
    """Read up to `limit` bytes from a file, pipe or device; the same bytes if asked again."""
    if (path, limit) in _STREAMS:
        return _STREAMS[path, limit]
    note_input(path)
    with path.open("rb") as file:
        data = file.read(limit)
    if not stat.S_ISREG(path.stat().st_mode):
        _STREAMS[path, limit] = data
    return data


def read_stdin(limit: int) -> bytes:
    """Read up to `limit` bytes from the standard input; the same bytes if asked again."""
    key = Path("-"), limit
    if key not in _STREAMS:
        if sys.stdin is None:
            raise OSError("it is closed")
        _STREAMS[key] = sys.stdin.buffer.read(limit)
    return _STREAMS[key]


def reason(problem: Exception) -> object:
    """Why something could not be read or written, in words."""
    return getattr(problem, "strerror", None) or problem


def config_text(path: Path) -> str:
    """The text of a config as it was read last, whatever has become of the file since."""
    return _TEXTS[path]


def write_yaml(keys: Mapping[str, Any]) -> str:
    """The text of a config with these keys, in their order."""
    import yaml

    text: str = yaml.safe_dump(
        dict(keys), sort_keys=False, default_flow_style=None, width=_LINE, allow_unicode=True
    )
    return text


def read_config(path: Path, problems: list[str], folder: Path | None = None) -> dict[str, Value]:
    """The values of a config by key; `problems` gets a message for each part that cannot stand.

    File names in it are relative to `folder`, or to its own; of a pipe that is the working folder.

    Raises:
        ConfigError: If it is not one YAML mapping at all.
    """
    from hsig.config.yaml_text import parse_yaml

    text = _TEXTS[path] = _read_text(path)
    value, lines = parse_yaml(text, str(path), problems)
    if value is None:
        raise ConfigError(f"{path}: the file is empty. Expected keys, such as `activation: hard`")
    if value is INVALID:
        return {}
    if not isinstance(value, dict):
        got = describe(value)
        raise ConfigError(f"{path}:1: expected keys, such as `activation: hard`, got {got}")
    base = folder or (Path() if is_stream(path) else path.parent)
    return {key: Value(part, str(path), lines, (key,), base) for key, part in value.items()}


def _read_text(path: Path) -> str:
    try:
        data = read_bytes(path, MAX_FILE_BYTES + 1)
    except IsADirectoryError:
        raise ConfigError(f"{path}: is a folder. Expected a YAML file") from None
    except FileNotFoundError:
        configs = list_configs(path.parent)
        listed = f". In {path.parent}: {', '.join(p.name for p in configs[:10])}" if configs else ""
        raise ConfigError(f"{path}: no such file{listed}") from None
    except (OSError, ValueError) as problem:
        raise ConfigError(f"{path}: cannot be read: {reason(problem)}") from None
    if len(data) > MAX_FILE_BYTES:
        raise ConfigError(f"{path}: more than {MAX_FILE_BYTES} bytes. Is it a config?")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        raise ConfigError(
            f"{path}:{line}: expected UTF-8 text, got the byte 0x{data[problem.start]:02x}"
        ) from None


def list_configs(folder: Path, pattern: str = "*") -> list[Path]:
    """The configs in a folder, sorted; none if it cannot be read."""
    try:
        found = sorted(folder.glob(pattern))
    except (OSError, ValueError):
        return []
    hidden = (path for path in found if path.suffix in CONFIG_ENDINGS and path.name[0] != ".")
    return [path for path in hidden if not path.parent.name.startswith(".")]
