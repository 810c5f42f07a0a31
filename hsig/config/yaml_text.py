"""From the text of a config or a flag to plain values, each with the place it came from.

Tags, anchors and aliases are refused, as is what YAML 1.1 and 1.2 read differently (`0500`).
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import yaml
from yaml.composer import ComposerError
from yaml.reader import ReaderError

from hsig.config.values import REFUSED, Given, Lines, describe, read_scalar
from hsig.errors import ConfigError

FILE_BYTES_MOST = 300_000  # read within seconds and 60 MB; more samples belong in a CSV file
DEPTH_MOST = 20


def read_flag(flag: str, text: str, problems: list[str]) -> Given:
    """The value of a flag: a scalar, or YAML's flow style when it starts with [ or {.

    Args:
        flag: Its name, for messages.
        text: What was typed.
        problems: Gets a message for each part that cannot stand.
    """
    if text.lstrip()[:1] in ("[", "{"):
        try:
            part = _parse(text, flag, problems)
            return Given(None if part is None else part.value, flag)
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
    part = _parse(_read_text(path), str(path), problems)
    if part is None or part.value is None:
        raise ConfigError(f"{path}: the file is empty. Expected keys, such as `activation: hard`")
    if part.value is REFUSED:
        return {}
    if not isinstance(part.value, dict):
        got = describe(part.value)
        raise ConfigError(f"{path}:1: expected keys, such as `activation: hard`, got {got}")
    base = path.parent if folder is None else folder
    return {
        key: Given(value, str(path), part.below[key], base) for key, value in part.value.items()
    }


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


class _Part(NamedTuple):
    """A value in a text, where it begins, and the lines of its parts."""

    value: object
    start_mark: yaml.Mark
    below: Mapping[str | int, Lines]

    @property
    def lines(self) -> Lines:
        """Its own line, and those of its parts."""
        return Lines(self.start_mark.line + 1, self.below)


_NOTHING: Mapping[str | int, Lines] = MappingProxyType({})


def _parse(text: str, source: str, problems: list[str]) -> _Part | None:
    """The value of a YAML document and its lines, or None if there is nothing in it."""

    def place(mark: yaml.Mark | None) -> str:
        """A place in the text, as messages name it: a flag has no lines."""
        return source if mark is None or source.startswith("--") else f"{source}:{mark.line + 1}"

    complaints: list[tuple[int, str]] = []
    try:
        composed: Any = _Composer(text, place, complaints).get_single_node()
    except ComposerError as problem:  # of those that are left, the only one
        where = place(problem.problem_mark)
        raise ConfigError(f"{where}: a second document starts here. Expected one") from None
    except yaml.MarkedYAMLError as problem:
        where = place(problem.problem_mark or problem.context_mark)
        raise ConfigError(f"{where}: not YAML: {problem.problem}") from None
    except ReaderError as problem:
        line = text.count("\n", 0, problem.position) + 1
        raise ConfigError(
            f"{source}:{line}: not YAML: unexpected character #x{problem.character:04x}"
        ) from None
    finally:
        problems += [message for _, message in sorted(complaints)]
    part: _Part | None = composed
    return part


class _Composer(yaml.SafeLoader):
    """Composes `_Part`s in place of nodes, and complains of what it will not take.

    No tag is obeyed, and nothing is nested too deep for recursion.
    """

    def __init__(
        self, text: str, place: Callable[[Any], str], complaints: list[tuple[int, str]]
    ) -> None:
        super().__init__(text)
        self._place, self._complaints = place, complaints
        self._depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """The next part."""
        # PyYAML's types are silent about its parser: what it gives is Any
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        mark = event.start_mark
        refused = self._refused(event)
        if isinstance(event, yaml.AliasEvent):
            self.get_event()  # type: ignore[no-untyped-call]
            return _Part(REFUSED, mark, _NOTHING)
        if isinstance(event, yaml.CollectionStartEvent) and self._depth == DEPTH_MOST:
            raise ConfigError(f"{self._place(mark)}: nested more than {DEPTH_MOST} deep")
        event.anchor = event.tag = None
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        if isinstance(node, yaml.MappingNode):
            part = self._mapping(node.value, mark)
        elif isinstance(node, yaml.SequenceNode):
            below: dict[str | int, Lines] = {n: part.lines for n, part in enumerate(node.value)}
            part = _Part([part.value for part in node.value], mark, below)
        else:
            part = self._scalar(node, mark)
        return part._replace(value=REFUSED) if refused else part

    def _mapping(self, parts: list[tuple[_Part, _Part]], mark: yaml.Mark) -> _Part:
        """The values by key; each stands in the line of its key."""
        values: dict[str, object] = {}
        below: dict[str | int, Lines] = {}
        for key, part in parts:
            name = key.value
            if isinstance(name, str):
                if name in values:
                    line = below[name].line
                    self._complain(
                        key.start_mark, f"the key '{name}' is here again, after line {line}"
                    )
                values[name], below[name] = part.value, Lines(key.lines.line, part.below)
            elif name is not REFUSED:
                self._complain(key.start_mark, f"expected a key that is text, got {describe(name)}")
        return _Part(values, mark, below)

    def _scalar(self, node: Any, mark: yaml.Mark) -> _Part:
        plain_style = node.style is None  # neither quoted nor a block
        try:
            return _Part(read_scalar(node.value) if plain_style else node.value, mark, _NOTHING)
        except ValueError as problem:
            self._complain(mark, str(problem))
            return _Part(REFUSED, mark, _NOTHING)

    def _refused(self, event: Any) -> bool:
        """Whether this part will not be taken, whatever is in it."""
        if event.anchor is not None:  # an alias has one too
            what = "anchors and aliases are"
        elif getattr(event, "tag", None) is not None:
            what = f"the tag {event.tag} is"
        else:
            return False
        self._complain(event.start_mark, f"{what} not supported. Write the value itself")
        return True

    def _complain(self, mark: Any, message: str) -> None:
        self._complaints.append((mark.index, f"{self._place(mark)}: {message}"))
