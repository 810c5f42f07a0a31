"""YAML with the line of every part: PyYAML's events, and the scalars of YAML 1.2's core schema.

Tags, anchors and aliases are refused, as is what YAML 1.1 and 1.2 read differently (`0500`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.reader import ReaderError

from hsig.config.values import INVALID, KeyPath, describe, read_scalar
from hsig.errors import ConfigError

MAX_NESTING = 20


def parse_yaml(text: str, source: str, problems: list[str]) -> tuple[object, dict[KeyPath, int]]:
    """The value of a YAML document, None if it is empty, and the line of each part by its path.

    A part that is refused is `INVALID`; `problems` gets a message that begins with `source`.

    Raises:
        ConfigError: If it is not YAML, has more than one document, or is nested too deep.
    """
    reader = _Reader(source, yaml.parse(text, Loader=yaml.SafeLoader), problems)
    try:
        return reader.read_document(), reader.lines
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        line = 0 if mark is None else mark.line + 1
        message = str(problem.problem)
    except ReaderError as problem:
        line = text.count("\n", 0, problem.position) + 1
        message = f"unexpected character #x{problem.character:04x}"
    except (ValueError, OverflowError):  # PyYAML asks Python for a character or a number
        line, message = 0, "an escape or a version of YAML that there is not"
    raise ConfigError(f"{reader.where(line)}: not YAML: {message}")


def _line_of(event: Any) -> int:
    line: int = event.start_mark.line
    return line + 1


@dataclass
class _Reader:
    """Makes plain values of PyYAML's events; no tag is obeyed and no alias is followed."""

    source: str
    events: Iterator[Any]
    problems: list[str]
    lines: dict[KeyPath, int] = field(default_factory=dict)

    def read_document(self) -> object:
        value: object = None
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if self.lines:
                    where = self.where(_line_of(event))
                    raise ConfigError(f"{where}: a second document starts here. Expected one")
                value = self._read(next(self.events), ())
        return value

    def where(self, line: int) -> str:
        """A line as messages name it; a flag has none."""
        has_lines = line > 0 and not self.source.startswith("--")
        return f"{self.source}:{line}" if has_lines else self.source

    def _refuse(self, event: Any, message: str) -> object:
        self.problems.append(f"{self.where(_line_of(event))}: {message}")
        return INVALID

    def _read(self, event: Any, path: KeyPath) -> object:
        """The part that an event begins."""
        self.lines[path] = _line_of(event)
        tag = getattr(event, "tag", None)
        refused = tag is not None or event.anchor is not None  # an alias has one too
        if refused:
            what = f"the tag {tag} is" if event.anchor is None else "anchors and aliases are"
            self._refuse(event, f"{what} not supported. Write the value itself")
        if isinstance(event, yaml.CollectionStartEvent) and len(path) == MAX_NESTING:
            where = self.where(_line_of(event))
            raise ConfigError(f"{where}: nested more than {MAX_NESTING} deep")
        value: object = INVALID
        if isinstance(event, yaml.ScalarEvent):
            value = self._read_scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = [self._read(item, (*path, n)) for n, item in enumerate(self._items())]
        elif isinstance(event, yaml.MappingStartEvent):
            value = self._read_mapping(path)
        return INVALID if refused else value

    def _items(self) -> Iterator[Any]:
        """The events that begin an item of the collection, up to its end."""
        for event in self.events:
            if isinstance(event, yaml.CollectionEndEvent):
                return
            yield event

    def _read_mapping(self, path: KeyPath) -> dict[str, object]:
        """The values by key; each stands in the line of its key."""
        values: dict[str, object] = {}
        for event in self._items():
            line = _line_of(event)
            name = self._read(event, (*path, ""))
            known = isinstance(name, str)
            if known and name in values:
                first = self.lines[*path, name]
                self._refuse(event, f"the key '{name}' is here again, after line {first}")
            elif not known and name is not INVALID:
                self._refuse(event, f"expected a key that is text, got {describe(name)}")
            step = str(name) if known else ""
            value = self._read(next(self.events), (*path, step))
            if known:
                values[step], self.lines[*path, step] = value, line
        return values

    def _read_scalar(self, event: Any) -> object:
        if event.style is not None:  # quoted, or a block
            return event.value
        try:
            return read_scalar(event.value)
        except ValueError as problem:
            return self._refuse(event, str(problem))
