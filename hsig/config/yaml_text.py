"""YAML with the line of every part: PyYAML's events, and the scalars of YAML 1.2's core schema.

Tags, anchors and aliases are refused, as is what YAML 1.1 and 1.2 read differently (`0500`).
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml
from yaml.reader import ReaderError

from hsig.config.values import INVALID, Lines, describe, read_scalar
from hsig.errors import ConfigError

MAX_NESTING = 20


class Part(NamedTuple):
    """A value in a YAML text, and the lines of its parts."""

    value: object
    lines: Lines


def parse_yaml(text: str, source: str, problems: list[str]) -> Part:
    """The value of a YAML document; None if there is nothing in it.

    Args:
        text: A file's, or a flag's in flow style.
        source: What messages call it.
        problems: Gets a message for each part that is refused, which then is `INVALID`.

    Raises:
        ConfigError: If it is not YAML, has more than one document, or is nested too deep.
    """
    try:
        return _Reader(source, yaml.parse(text, Loader=yaml.SafeLoader), problems).read_document()
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        where = source if mark is None or source.startswith("--") else f"{source}:{mark.line + 1}"
        raise ConfigError(f"{where}: not YAML: {problem.problem}") from None
    except ReaderError as problem:
        line = text.count("\n", 0, problem.position) + 1
        raise ConfigError(
            f"{source}:{line}: not YAML: unexpected character #x{problem.character:04x}"
        ) from None
    except (ValueError, OverflowError):  # PyYAML asks Python for a character or a number
        raise ConfigError(
            f"{source}: not YAML: an escape or a version of YAML that there is not"
        ) from None


class _Reader:
    """Makes plain values of PyYAML's events; no tag is obeyed and no alias is followed."""

    def __init__(self, source: str, events: Iterator[Any], problems: list[str]) -> None:
        self._source, self._events, self._problems = source, events, problems

    def read_document(self) -> Part:
        """The one document; None if there is none."""
        found = Part(None, Lines(1, {}))
        documents = 0
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise ConfigError(
                        f"{self._where(event)}: a second document starts here. Expected one"
                    )
                found = self._read(next(self._events))
        return found

    def _where(self, event: Any) -> str:
        if self._source.startswith("--"):  # a flag has no lines
            return self._source
        return f"{self._source}:{event.start_mark.line + 1}"

    def _refuse(self, event: Any, message: str) -> None:
        self._problems.append(f"{self._where(event)}: {message}")

    def _read(self, event: Any, depth: int = 0) -> Part:
        """The part that an event begins."""
        below: dict[str | int, Lines] = {}
        refused = self._is_refused(event)
        if isinstance(event, yaml.CollectionStartEvent) and depth == MAX_NESTING:
            raise ConfigError(f"{self._where(event)}: nested more than {MAX_NESTING} deep")
        value: object = INVALID
        if isinstance(event, yaml.ScalarEvent):
            value = self._read_scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            parts = [self._read(item, depth + 1) for item in self._items()]
            value = [part.value for part in parts]
            below = {number: part.lines for number, part in enumerate(parts)}
        elif isinstance(event, yaml.MappingStartEvent):
            value, below = self._read_mapping(depth)
        return Part(INVALID if refused else value, Lines(event.start_mark.line + 1, below))

    def _items(self) -> Iterator[Any]:
        """The events that begin an item of the collection, up to its end."""
        for event in self._events:
            if isinstance(event, yaml.CollectionEndEvent):
                return
            yield event

    def _read_mapping(self, depth: int) -> tuple[dict[str, object], dict[str | int, Lines]]:
        """The values by key; each stands in the line of its key."""
        values: dict[str, object] = {}
        below: dict[str | int, Lines] = {}
        for event in self._items():
            name = self._read(event, depth + 1).value
            part = self._read(next(self._events), depth + 1)
            if isinstance(name, str):
                if name in values:
                    line = below[name].line
                    self._refuse(event, f"the key '{name}' is here again, after line {line}")
                values[name] = part.value
                below[name] = Lines(event.start_mark.line + 1, part.lines.below)
            elif name is not INVALID:
                self._refuse(event, f"expected a key that is text, got {describe(name)}")
        return values, below

    def _read_scalar(self, event: Any) -> object:
        if event.style is not None:  # quoted, or a block
            return event.value
        try:
            return read_scalar(event.value)
        except ValueError as problem:
            self._refuse(event, str(problem))
            return INVALID

    def _is_refused(self, event: Any) -> bool:
        """Whether this part is not taken, whatever is in it."""
        if event.anchor is not None:  # an alias has one too
            what = "anchors and aliases are"
        elif getattr(event, "tag", None) is not None:
            what = f"the tag {event.tag} is"
        else:
            return False
        self._refuse(event, f"{what} not supported. Write the value itself")
        return True
