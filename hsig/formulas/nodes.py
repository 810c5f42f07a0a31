"""The nodes that formulas are made of, and formulas as text.

Each node exists once, so that equal formulas are the same object.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from math import isfinite, nan
from typing import Any, NamedTuple, TypeVar
from weakref import WeakValueDictionary

import numpy as np

from hsig.formulas.primitives import CONDITIONAL, PRIMITIVES

T = TypeVar("T")


class Node:
    """A number, a name (`x`, or an operand of a rule), or an operation on other nodes.

    Make nodes with `node`, `number` and `name` only: they return the node that already exists.
    """

    __slots__ = ("__weakref__", "name", "number", "operands", "operation")

    def __init__(
        self, operation: str, operands: "tuple[Node, ...]", number: float, name: str
    ) -> None:
        self.operation = operation  # the name of a primitive, or `number`, or `name`
        self.operands = operands
        self.number = number  # 0 of what is no number
        self.name = name  # empty of what is no name


_nodes: "WeakValueDictionary[object, Node]" = WeakValueDictionary()


def _intern(*key: Any) -> Node:
    existing = _nodes.get(key)
    if existing is None:
        existing = _nodes[key] = Node(*key)
    return existing


def number(value: float) -> Node:
    """The node of a number; -0 is 0, and nan is one number."""
    return _intern("number", (), float(value) + 0.0 if value == value else nan, "")


def name(word: str) -> Node:
    """The node of a name."""
    return _intern("name", (), 0.0, word)


def node(operation: str, *operands: Node) -> Node:
    """The node of an operation, not simplified; `simplifying.apply` simplifies."""
    return _intern(operation, operands, 0.0, "")


X = name("x")
ZERO, ONE = number(0.0), number(1.0)


def is_number(root: Node) -> bool:
    """Whether a node is a number."""
    return root.operation == "number"


def walk(root: Node, known: Collection[Node] = ()) -> Iterator[Node]:
    """Visit each node of a formula once, operands before the operations on them.

    The operands of nodes in `known` are left out.
    """
    visited: set[Node] = set()
    stack = [(root, False)]
    while stack:
        current, operands_visited = stack.pop()
        if current in visited:
            continue
        if operands_visited or not current.operands or current in known:
            visited.add(current)
            yield current
        else:
            stack.append((current, True))
            stack.extend((operand, False) for operand in reversed(current.operands))


def fold(root: Node, combine: Callable[[Node, list[T]], T]) -> T:
    """Compute something of each node from what was computed of its operands; return the root's.

    >>> fold(node("add", X, node("exp", X)), lambda _, depths: 1 + max(depths, default=0))
    3
    """
    results: dict[Node, T] = {}
    for current in walk(root):
        results[current] = combine(current, [results[operand] for operand in current.operands])
    return results[root]


def find_infinite(root: Node) -> Node | None:
    """The smallest part that is a coefficient, or has one, that is not finite; else None.

    A limit may be infinite, of `min`, `max`, `clip` or a comparison, and so may a branch.
    """
    values: dict[Node, float] = {}  # of constants
    for current in walk(root):
        operands = [values.get(operand) for operand in current.operands]
        constants = [value for value in operands if value is not None]
        is_finite = all(map(isfinite, constants))
        divides_by_0 = current.operation == "divide" and operands[1] == 0.0
        if divides_by_0 or not (is_finite or current.operation in CONDITIONAL):
            return current
        if is_number(current):
            values[current] = current.number
        elif constants and len(constants) == len(operands):
            with np.errstate(all="ignore"):
                value = float(PRIMITIVES[current.operation].value(*constants))
            if is_finite and not isfinite(value):
                return current
            values[current] = value
    return None if isfinite(values.get(root, 0.0)) else root


# --- printing ------------------------------------------------------------------------------------

_INFIX = {  # precedence and sign
    "add": (1, " + "),
    "subtract": (1, " - "),
    "multiply": (2, "*"),
    "divide": (2, "/"),
}
_NEGATIVE, _POWER, _ATOM = 3, 4, 5  # precedences
_MAX_PART = 60  # characters of a part in a message
_COMPARISONS = {  # the sign, and the sign with both sides exchanged
    "where_less": ("<", ">"),
    "where_less_equal": ("<=", ">="),
    "where_equal": ("==", "=="),
}


class _Text(NamedTuple):
    """The text of a node, and the precedence of its outermost operation."""

    precedence: int
    text: str

    def bracket(self, precedence: int) -> str:
        """The text as an operand of an operation, in brackets if that binds tighter."""
        return self.text if self.precedence >= precedence else f"({self.text})"


def format_formula(root: Node, *, digits: int | None = None) -> str:
    """Write a formula as a user would.

    Numbers have as many digits as it takes for the text to be parsed as the same formula.
    """
    return fold(root, lambda current, operands: _format(current, operands, digits)).text


def format_within(root: Node, max_length: int, *, digits: int | None = None) -> str | None:
    """Write a formula as `format_formula` does; None if it has more than `max_length` characters.

    What is shared is written again wherever it stands: a text may be far longer than its formula.
    """

    def write(current: Node, operands: Sequence[_Text | None]) -> _Text | None:
        texts = [text for text in operands if text is not None]
        written = _format(current, texts, digits) if len(texts) == len(operands) else None
        return written if written is not None and len(written.text) <= max_length else None

    written = fold(root, write)
    return None if written is None else written.text


def format_part(root: Node) -> str:
    """Write a part of a formula for a message, if it is short."""
    return format_within(root, _MAX_PART) or "one that is not"


def _format(current: Node, operands: Sequence[_Text], digits: int | None) -> _Text:
    operation = current.operation
    if is_number(current):
        precedence = _NEGATIVE if current.number < 0.0 else _ATOM
        return _Text(precedence, _format_number(current.number, digits))
    if operation == "name":
        return _Text(_ATOM, current.name)
    if operation in _INFIX:
        precedence, sign = _INFIX[operation]
        left, right = operands[0].bracket(precedence), operands[1].bracket(precedence + 1)
        return _Text(precedence, f"{left}{sign}{right}")
    if operation == "negative":
        return _Text(_NEGATIVE, f"-{operands[0].bracket(_NEGATIVE)}")
    if operation == "power":
        base, exponent = operands[0].bracket(_ATOM), operands[1].bracket(_NEGATIVE)
        return _Text(_POWER, f"{base}**{exponent}")
    texts = [operand.text for operand in operands]
    if operation not in _COMPARISONS:
        return _Text(_ATOM, f"{PRIMITIVES[operation].word}({', '.join(texts)})")
    sign, exchanged = _COMPARISONS[operation]
    left, right, yes, no = texts
    if is_number(current.operands[0]) and not is_number(current.operands[1]):
        left, right, sign = right, left, exchanged
    return _Text(_ATOM, f"where({left} {sign} {right}, {yes}, {no})")


def _format_number(value: float, digits: int | None) -> str:
    if digits is not None:
        return f"{value:.{digits}g}"
    short = f"{value:g}"
    return short if value != value or float(short) == value else repr(value)
