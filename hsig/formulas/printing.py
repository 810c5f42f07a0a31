"""Formulas as text, which reads back as the same formula."""

from hsig.formulas.nodes import Node, is_number, walk
from hsig.formulas.primitives import PRIMITIVES

_INFIX = {  # how tightly each holds, and its sign
    "add": (1, " + "),
    "subtract": (1, " - "),
    "multiply": (2, "*"),
    "divide": (2, "/"),
}
_NEGATIVE, _POWER, _WHOLE = 3, 4, 5
_COMPARED = {
    "where_less": ("<", ">"),
    "where_less_equal": ("<=", ">="),
    "where_equal": ("==", "=="),
}


def written_length(root: Node) -> int:
    """About how many characters the text of a formula has, without writing it."""
    lengths: dict[Node, int] = {}
    for one in walk(root):
        lengths[one] = 6 + sum(lengths[operand] for operand in one.operands)
    return lengths[root]


def text(root: Node, *, digits: int | None = None) -> str:
    """A formula as one would write it.

    Args:
        root: The formula.
        digits: How many a number has, at most; by default as many as tell it from all others, so
            that the text reads back as the same formula.
    """
    printer = _Printer(digits)
    for one in walk(root):
        printer.told[one] = printer.written(one)
    return printer.tell(root)


class _Printer:
    """What was written of nodes, and how tightly the outermost operation of each holds."""

    def __init__(self, digits: int | None) -> None:
        self.digits = digits
        self.told: dict[Node, tuple[int, str]] = {}

    def tell(self, one: Node) -> str:
        return self.told[one][1]

    def written(self, one: Node) -> tuple[int, str]:
        if is_number(one):
            return (_NEGATIVE if one.number < 0.0 else _WHOLE), self.tell_number(one.number)
        if one.operation == "name":
            return _WHOLE, one.name
        if one.operation in _INFIX:
            holds, sign = _INFIX[one.operation]
            left, right = one.operands
            return holds, f"{self.within(left, holds)}{sign}{self.within(right, holds + 1)}"
        if one.operation == "negative":
            return _NEGATIVE, f"-{self.within(one.operands[0], _NEGATIVE)}"
        if one.operation == "power":
            base, exponent = one.operands
            return _POWER, f"{self.within(base, _WHOLE)}**{self.within(exponent, _NEGATIVE)}"
        if one.operation in _COMPARED:
            return _WHOLE, self.tell_choice(one)
        inside = ", ".join(self.tell(operand) for operand in one.operands)
        return _WHOLE, f"{PRIMITIVES[one.operation].word}({inside})"

    def within(self, one: Node, holds: int) -> str:
        """A node, in brackets if it does not hold tightly enough."""
        own, written = self.told[one]
        return written if own >= holds else f"({written})"

    def tell_choice(self, one: Node) -> str:
        u, v, yes, no = one.operands
        sign, turned = _COMPARED[one.operation]
        if is_number(u) and not is_number(v):
            u, v, sign = v, u, turned
        written = [self.tell(part) for part in (u, v, yes, no)]
        return "where({} {sign} {}, {}, {})".format(*written, sign=sign)

    def tell_number(self, value: float) -> str:
        if self.digits is not None:
            return f"{value:.{self.digits}g}"
        short = f"{value:g}"
        return short if value != value or float(short) == value else repr(value)
