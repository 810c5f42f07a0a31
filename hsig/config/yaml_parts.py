"""From the text of a YAML document to its values and the lines they stand in.

Tags, anchors and aliases are refused, as is what YAML 1.1 and 1.2 read differently (`0500`).
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import yaml
from yaml.composer import ComposerError
from yaml.reader import ReaderError

from hsig.config.values import INVALID, Lines, describe, read_scalar
from hsig.errors import ConfigError

DEPTH_MOST = 20


class Part(NamedTuple):
    """A value in a text, where it begins, and the lines of its parts."""

    value: object
    start_mark: yaml.Mark
    below: Mapping[str | int, Lines]

    @property
    def lines(self) -> Lines:
        """Its own line, and those of its parts."""
        return Lines(self.start_mark.line + 1, self.below)


_NOTHING: Mapping[str | int, Lines] = MappingProxyType({})


def parse(text: str, source: str, problems: list[str]) -> Part | None:
    """The value of a YAML document and its lines, or None if there is nothing in it."""

    def place(mark: yaml.Mark | None) -> str:
        """A place in the text, as messages name it: a flag has no lines."""
        return source if mark is None or source.startswith("--") else f"{source}:{mark.line + 1}"

    complaints: list[tuple[int, str]] = []
    composer = None
    try:
        composer = _Composer(text, place, complaints)
        composed: Any = composer.get_single_node()
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
    except (ValueError, OverflowError):  # of PyYAML, which asks Python for a character or a number
        mark: Any = composer and composer.get_mark()
        raise ConfigError(
            f"{place(mark)}: not YAML: an escape or a version of YAML that there is not"
        ) from None
    finally:
        problems += [message for _, message in sorted(complaints)]
    part: Part | None = composed
    return part


class _Composer(yaml.SafeLoader):
    """Composes `Part`s in place of nodes, and complains of what it will not take.

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
            return Part(INVALID, mark, _NOTHING)
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
            part = Part([part.value for part in node.value], mark, below)
        else:
            part = self._scalar(node, mark)
        return part._replace(value=INVALID) if refused else part

    def _mapping(self, parts: list[tuple[Part, Part]], mark: yaml.Mark) -> Part:
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
            elif name is not INVALID:
                self._complain(key.start_mark, f"expected a key that is text, got {describe(name)}")
        return Part(values, mark, below)

    def _scalar(self, node: Any, mark: yaml.Mark) -> Part:
        plain_style = node.style is None  # neither quoted nor a block
        try:
            return Part(read_scalar(node.value) if plain_style else node.value, mark, _NOTHING)
        except ValueError as problem:
            self._complain(mark, str(problem))
            return Part(INVALID, mark, _NOTHING)

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
