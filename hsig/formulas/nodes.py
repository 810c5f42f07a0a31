"""The nodes that formulas are made of: each exists once, so that equal formulas are one object."""

from collections.abc import Collection, Iterator
from weakref import WeakValueDictionary


class Node:
    """A number, the pre-activation x, a name that a rule stands open for, or an operation on nodes.

    Two nodes are equal if they are the same object; `node`, `number` and `name` see to it.

    Attributes:
        operation: The name of a primitive, or `number`, or `name`.
        operands: What it is an operation on.
        number: The value of a number; 0 otherwise.
        name: `x`, or what a rule calls its operands; empty otherwise.
    """

    __slots__ = ("__weakref__", "name", "number", "operands", "operation")

    def __init__(
        self, operation: str, operands: "tuple[Node, ...]", number: float, name: str
    ) -> None:
        self.operation = operation
        self.operands = operands
        self.number = number
        self.name = name


_all: "WeakValueDictionary[object, Node]" = WeakValueDictionary()


def _the(operation: str, operands: tuple[Node, ...], number: float = 0.0, name: str = "") -> Node:
    key = (operation, operands, number, name)
    found = _all.get(key)
    if found is None:
        found = _all[key] = Node(operation, operands, number, name)
    return found


def number(value: float) -> Node:
    """The node of a number; -0 is 0."""
    return _the("number", (), float(value) + 0.0)


def name(word: str) -> Node:
    """The node of a name."""
    return _the("name", (), 0.0, word)


def node(operation: str, *operands: Node) -> Node:
    """The node of an operation, as it stands: see `hsig.formulas.simplifying.apply`."""
    return _the(operation, operands)


X = name("x")
ZERO, ONE = number(0.0), number(1.0)


def is_number(one: Node) -> bool:
    """Whether it is a number."""
    return one.operation == "number"


def walk(root: Node, known: Collection[Node] = ()) -> Iterator[Node]:
    """Every node below a root and itself, once each, operands before what is made of them.

    What is below a known one is left out.
    """
    seen: set[Node] = set()
    open_nodes = [(root, False)]
    while open_nodes:
        current, ready = open_nodes.pop()
        if current in seen:
            continue
        if ready or not current.operands or current in known:
            seen.add(current)
            yield current
        else:
            open_nodes.append((current, True))
            open_nodes.extend((operand, False) for operand in reversed(current.operands))
