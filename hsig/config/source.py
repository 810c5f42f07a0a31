"""From the text of a config or a flag to plain values, each with the place it came from.

Scalars follow the core schema of YAML 1.2: `1e-3` is a number and `yes` is text. What YAML 1.1 and
1.2 read differently (`0500`, `1:30`) is refused, as are tags, anchors and aliases.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import yaml

from hsig.errors import ConfigError

FILE_BYTES_MOST = 300_000  # read within seconds and 60 MB; more rows belong in a CSV file
DEPTH_MOST = 20
DIGITS_MOST = 300  # more would overflow a double

KeyPath = tuple[str | int, ...]
_DROPPED = "\0"  # the key of a value that is passed over; no YAML text has this character
REFUSED = object()  # stands where a value was that has been complained of already

_CONSTANTS: Mapping[str, object] = {
    "": None,
    "~": None,
    **dict.fromkeys(("null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_WHOLE = re.compile(r"[-+]?[0-9]+")
_OCTAL_OR_HEX = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?(\.inf|\.Inf|\.INF)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")


@dataclass(frozen=True)
class Given:
    """A value as somebody gave it, and where.

    Attributes:
        value: Plain Python: None, bool, int, float, str, list or dict.
        source: `FILE` or `--flag`; `default` if nobody gave it.
        lines: For a file, the line of each part of the value, by its path below the key.
        folder: What file names in the value are relative to.
    """

    value: object
    source: str
    lines: Mapping[KeyPath, int] = field(default_factory=dict)
    folder: Path = Path()

    def where(self, path: KeyPath) -> str:
        """The place of the part of the value at `path`, as messages name it."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.source}:{self.lines[path]}" if path in self.lines else self.source


def read_scalar(text: str) -> object:
    """The value of an unquoted scalar.

    Raises:
        ValueError: If YAML 1.1 and 1.2 disagree about it, or it is absurdly long; the message
            says what to write.

    >>> read_scalar("1e-3"), read_scalar("yes"), read_scalar("true")
    (0.001, 'yes', True)
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _LEADING_ZERO.fullmatch(text):
        raise ValueError(f"{text} is ambiguous (octal in YAML 1.1): write it without the zero")
    if _SEXAGESIMAL.fullmatch(text):
        raise ValueError(f"{text} is ambiguous (base 60 in YAML 1.1): quote it if it is text")
    if _WHOLE.fullmatch(text) or _OCTAL_OR_HEX.fullmatch(text):
        if len(text) > DIGITS_MOST:
            raise ValueError(f"a number of {len(text)} digits is too large to be meant")
        return int(text, 0 if _OCTAL_OR_HEX.fullmatch(text) else 10)
    if _NUMBER.fullmatch(text):
        return float(text)
    if _INFINITE.fullmatch(text):
        return float(text.replace(".", ""))
    return text


def read_flag(flag: str, text: str, problems: list[str]) -> Given:
    """The value of a flag: a scalar, or YAML's flow style when it starts with [ or {.

    Args:
        flag: Its name, for messages.
        text: What was typed.
        problems: Gets a message for each part that cannot stand.
    """
    if text.lstrip()[:1] in ("[", "{"):
        try:
            return Given(_parse(text, flag, problems)[0], flag)
        except ConfigError as refusal:
            problems.extend(refusal.messages)
            return Given(REFUSED, flag)
    try:
        return Given(read_scalar(text), flag)
    except ValueError as problem:
        problems.append(f"{flag}: {problem}")
        return Given(REFUSED, flag)


def read_file(path: Path, problems: list[str], folder: Path | None = None) -> dict[str, Given]:
    """The values of a config by key.

    Args:
        path: The file.
        problems: Gets a message for each part that cannot stand; the rest is still read.
        folder: What file names in it are relative to, if not its own folder.

    Raises:
        ConfigError: If it is not one YAML mapping at all.
    """
    value, lines = _parse(_read_text(path), str(path), problems)
    if value is None:
        raise ConfigError(f"{path}: the file is empty. Expected keys, such as `activation: hard`")
    if value is REFUSED:
        return {}
    if not isinstance(value, dict):
        got = describe(value)
        raise ConfigError(f"{path}:1: expected keys, such as `activation: hard`, got {got}")
    lines_of: dict[str | int, dict[KeyPath, int]] = {key: {} for key in value}
    for (key, *below), line in lines.items():
        if key in lines_of:
            lines_of[key][tuple(below)] = line
    base = path.parent if folder is None else folder
    return {key: Given(part, str(path), lines_of[key], base) for key, part in value.items()}


def _read_text(path: Path) -> str:
    if path.is_dir():
        raise ConfigError(f"{path}: is a folder. Expected a YAML file")
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MOST + 1)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file{_others(path)}") from None
    except (OSError, ValueError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        raise ConfigError(f"{path}: cannot be read: {reason}") from None
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


def _parse(text: str, source: str, problems: list[str]) -> tuple[object, dict[KeyPath, int]]:
    """The value of a YAML document and the line of each of its parts.

    Builds from the parser's events, with no recursion and no tag ever obeyed.
    """
    builder = _Builder(source, problems)
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            builder.take(event)
    except yaml.MarkedYAMLError as problem:
        place = builder.place(problem.problem_mark or problem.context_mark)
        raise ConfigError(f"{place}: not YAML: {problem.problem}") from None
    except yaml.reader.ReaderError as problem:
        line = text.count("\n", 0, problem.position) + 1
        raise ConfigError(
            f"{source}:{line}: not YAML: unexpected character #x{problem.character:04x}"
        ) from None
    return builder.root, builder.lines


class _HasLine(Protocol):
    """A mark of either of PyYAML's parsers."""

    line: int


class _Builder:
    """Puts plain values together from YAML events, and complains of what it will not take."""

    def __init__(self, source: str, problems: list[str]) -> None:
        self.root: object = None
        self.lines: dict[KeyPath, int] = {}
        self._source = source
        self._problems = problems
        self._open: list[dict[str, object] | list[object]] = []
        self._keys: list[str | None] = []  # of each open mapping, the key that awaits its value
        self._path: list[str | int] = []
        self._documents = 0

    def place(self, mark: _HasLine | None) -> str:
        """A place in the text, as messages name it: a flag has no lines."""
        if mark is None or self._source.startswith("--"):
            return self._source
        return f"{self._source}:{mark.line + 1}"

    def take(self, event: yaml.Event) -> None:
        """One event of the parser."""
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                place = self.place(event.start_mark)
                raise ConfigError(f"{place}: a second document starts here. Expected one")
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._open.pop()
            self._keys.pop()
        elif isinstance(event, yaml.NodeEvent):
            self._take_node(event)

    def _take_node(self, event: yaml.NodeEvent) -> None:
        collection: dict[str, object] | list[object]
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            if len(self._open) == DEPTH_MOST:
                place = self.place(event.start_mark)
                raise ConfigError(f"{place}: nested more than {DEPTH_MOST} deep")
            collection = {} if isinstance(event, yaml.MappingStartEvent) else []
            value = REFUSED if self._forbidden(event) else collection
            self._put(event, value)
            self._open.append(collection)
            self._keys.append(None)
        elif self._forbidden(event):
            self._put(event, REFUSED)
        else:
            self._put(event, self._scalar(event))

    def _forbidden(self, event: yaml.NodeEvent) -> bool:
        if event.anchor is not None:  # an alias has one too
            self._refuse(event, "anchors and aliases are not supported. Write the value itself")
            return True
        tag = getattr(event, "tag", None)
        if tag is not None:
            self._refuse(event, f"the tag {tag} is not supported. Write the value itself")
            return True
        return False

    def _put(self, event: yaml.NodeEvent, value: object) -> None:
        """Put a finished or just opened value where it belongs."""
        if not self._open:
            self.root = value
            return
        depth = len(self._open) - 1
        parent = self._open[depth]
        if isinstance(parent, list):
            self._path[depth:] = [len(parent)]
            parent.append(value)
            self.lines[tuple(self._path)] = _line(event)
        elif (key := self._keys[depth]) is None:
            self._keys[depth] = self._key(event, value, parent)
        else:
            self._path[depth:] = [key]
            if key != _DROPPED:
                parent[key] = value
            self._keys[depth] = None

    def _key(self, event: yaml.NodeEvent, value: object, parent: dict[str, object]) -> str:
        """The key that `value` is, in the line that all under it is looked for first."""
        depth = len(self._open) - 1
        if not isinstance(value, str):
            if value is not REFUSED:
                self._refuse(event, f"expected a key that is text, got {describe(value)}")
            return _DROPPED
        place = (*self._path[:depth], value)
        if value in parent:
            self._refuse(event, f"the key '{value}' is here again, after line {self.lines[place]}")
        self.lines[place] = _line(event)
        return value

    def _scalar(self, event: Any) -> object:
        if event.style is not None:  # quoted, or a block
            return event.value
        try:
            return read_scalar(event.value)
        except ValueError as problem:
            self._refuse(event, str(problem))
            return REFUSED

    def _refuse(self, event: yaml.Event, message: str) -> None:
        self._problems.append(f"{self.place(event.start_mark)}: {message}")


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def describe(value: object) -> str:
    """A value as messages show it, in a few words.

    >>> describe("fast"), describe([1, 2]), describe(None)
    ("the text 'fast'", 'a list of 2', 'nothing')
    """
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case str():
            return f"the text {value!r}" if len(value) <= 60 else f"the text {value[:57]!r}..."
        case list():
            return f"a list of {len(value)}"
        case dict():
            return "keys and values"
        case int() if abs(value) >= 10**20:
            return f"a number of {len(str(abs(value)))} digits"
    return str(value)
