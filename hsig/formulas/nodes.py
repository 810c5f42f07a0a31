"""The nodes that formulas are made of, and formulas as text.

Each node exists once, so that equal formulas are the same object.
"""

from collections.abc import Collection, Iterator
from weakref import WeakValueDictionary

from hsig.formulas.primitives import PRIMITIVES


class Node:
    """A number, a name (`x`, or an operand of a rule), or an operation on other nodes.

    Make nodes with `node`, `number` and `name` only: they return the node that already exists.

    Attributes:
        operation: The name of a primitive, or `number`, or `name`.
        operands: The nodes that it operates on.
        number: The value of a number; 0 otherwise.
        name: The word of a name; empty otherwise.
    """

    __slots__ = ("__weakref__", "name", "number", "operands", "operation")

    def __init__(
        self, operation: str, operands: "tuple[Node, ...]", number: float, name: str
    ) -> None:
        self.operation = operation
        self.operands = operands
        self.number = number
        self.name = name


_nodes: "WeakValueDictionary[object, Node]" = WeakValueDictionary()


def _intern(operation: str, operands: tuple[Node, ...], number: float, name: str) -> Node:
    key = (operation, operands, number, name)
    existing = _nodes.get(key)
    if existing is None:
        existing = _nodes[key] = Node(*key)
    return existing


def number(value: float) -> Node:
    """The node of a number; -0 is 0."""
    return _intern("number", (), float(value) + 0.0, "")


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


# --- printing ------------------------------------------------------------------------------------

_INFIX = {  # precedence and sign
    "add": (1, " + "),
    "subtract": (1, " - "),
    "multiply": (2, "*"),
    "divide": (2, "/"),
}
_NEGATIVE, _POWER, _ATOM = 3, 4, 5
_COMPARISONS = {  # the sign, and the sign with both sides exchanged
    "where_less": ("<", ">"),
    "where_less_equal": ("<=", ">="),
    "where_equal": ("==", "=="),
}


def text_length(root: Node) -> int:
    """Estimate how many characters the text of a formula has, without writing it."""
    lengths: dict[Node, int] = {}
    for current in walk(root):
        lengths[current] = 6 + sum(lengths[operand] for operand in current.operands)
    return lengths[root]


def format_formula(root: Node, *, digits: int | None = None) -> str:
    """Write a formula as a user would.

    Args:
        root: The formula.
        digits: Significant digits of numbers; by default as many as it takes for the text to be
            parsed as the same formula.
    """
    printer = _Printer(digits)
    for current in walk(root):
        printer.texts[current] = printer.format(current)
    return printer.texts[root][1]


class _Printer:
    """Formats nodes; `texts` has the precedence and the text of each node so far."""

    def __init__(self, digits: int | None) -> None:
        self.digits = digits
        self.texts: dict[Node, tuple[int, str]] = {}

    def format(self, current: Node) -> tuple[int, str]:
        operation, operands = current.operation, current.operands
        if is_number(current):
            precedence = _NEGATIVE if current.number < 0.0 else _ATOM
            return precedence, self.format_number(current.number)
        if operation == "name":
            return _ATOM, current.name
        if operation in _INFIX:
            precedence, sign = _INFIX[operation]
            left = self.bracket(operands[0], precedence)
            return precedence, f"{left}{sign}{self.bracket(operands[1], precedence + 1)}"
        if operation == "negative":
            return _NEGATIVE, f"-{self.bracket(operands[0], _NEGATIVE)}"
        if operation == "power":
            base = self.bracket(operands[0], _ATOM)
            return _POWER, f"{base}**{self.bracket(operands[1], _NEGATIVE)}"
        if operation in _COMPARISONS:
            return _ATOM, self.format_choice(current)
        arguments = ", ".join(self.texts[operand][1] for operand in operands)
        return _ATOM, f"{PRIMITIVES[operation].word}({arguments})"

    def bracket(self, operand: Node, precedence: int) -> str:
        """The text of an operand, in brackets if its precedence is lower."""
        own, text = self.texts[operand]
        return text if own >= precedence else f"({text})"

    def format_choice(self, choice: Node) -> str:
        left, right, yes, no = choice.operands
        sign, exchanged = _COMPARISONS[choice.operation]
        if is_number(left) and not is_number(right):
            left, right, sign = right, left, exchanged
        a, b, c, d = (self.texts[part][1] for part in (left, right, yes, no))
        return f"where({a} {sign} {b}, {c}, {d})"

    def format_number(self, value: float) -> str:
        if self.digits is not None:
            return f"{value:.{self.digits}g}"
        short = f"{value:g}"
        return short if value != value or float(short) == value else repr(value)
