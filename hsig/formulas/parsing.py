"""From text to nodes: a small language, read with Python's own parser and never run as Python.

`x`, numbers, `pi`, `inf`, parameters, `+ - * / **`, the words of the primitives, the activations of
the table by their names, and `where(condition, a, b)`, whose condition compares with
`< <= > >= == !=`, also in chains, and may use `and`, `or` and `not`.
"""

import ast
import math
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hsig.formulas.nodes import Node, X, number, text_length, walk
from hsig.formulas.primitives import WORDS
from hsig.formulas.simplifying import apply, where

LENGTH_MOST = 2000  # characters
NODES_MOST = 400  # operations of a formula, each counted once
WRITTEN_MOST = 4000  # characters with all names of activations written out
DEPTH_MOST = 100  # operations within operations, and brackets within brackets

CONSTANTS: Mapping[str, float] = {"pi": math.pi, "inf": math.inf}
# a name of the table, what is in its brackets, and its settings -> its formula
Expand = Callable[[str, Node, Mapping[str, float]], Node | None]

_OPERATORS: Mapping[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
    ast.Pow: "power",
}
_COMPARISONS: Mapping[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}


class FormulaError(ValueError):
    """A formula that cannot be read.

    Attributes:
        what: What is wrong, and what would be right.
        text: The formula.
        column: Where in it, from 0; None if it is all of it.
    """

    def __init__(self, what: str, text: str, column: int | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.text = text
        self.column = column

    def pointed(self) -> str:
        """The complaint, and a caret below the place in the formula."""
        if self.column is None or "\n" in self.text or len(self.text) > LENGTH_MOST:
            return self.what
        start = max(0, self.column - 60)
        shown = ("..." if start else "") + self.text[start : start + 72]
        caret = " " * (self.column - start + (3 if start else 0)) + "^"
        return f"{self.what}\n    {shown}\n    {caret}"


def parse(
    text: str, parameters: Mapping[str, float] | None = None, expand: Expand | None = None
) -> Node:
    """The node of a formula in which each parameter has its value.

    Args:
        text: The formula.
        parameters: Names that stand for numbers.
        expand: What else can be called by a name: one that gives None is none.

    Raises:
        FormulaError: Where it is not of the language, or is larger than it may be.

    >>> from hsig.formulas.nodes import format_formula
    >>> format_formula(parse("x*tanh(log(1 + exp(x)))"))
    'x*tanh(softplus(x))'
    """
    values = {name: number(value) for name, value in (parameters or {}).items()}
    return _parse(text, {"x": X, **values}, expand)


def parse_template(text: str, names: Sequence[str], expand: Expand | None = None) -> Node:
    """The node of a formula in which some names stay open."""
    from hsig.formulas.nodes import name

    return _parse(text, {one: name(one) for one in names}, expand)


def free_names(text: str) -> set[str]:
    """Every name that a formula reads, but those that it calls.

    Raises:
        FormulaError: If it cannot be read.
    """
    tree = _tree(text)
    called = {id(one.func) for one in ast.walk(tree) if isinstance(one, ast.Call)}
    return {one.id for one in ast.walk(tree) if isinstance(one, ast.Name) and id(one) not in called}


def _parse(text: str, names: Mapping[str, Node], expand: Expand | None) -> Node:
    root = _Reader(text, names, expand).read(_tree(text))
    if sum(1 for _ in walk(root)) > NODES_MOST or text_length(root) > WRITTEN_MOST:
        raise FormulaError(
            f"expected at most {NODES_MOST} operations, and {WRITTEN_MOST} characters with the "
            "activations that it names written out",
            text,
        )
    return root


def _tree(text: str) -> ast.expr:
    if len(text) > LENGTH_MOST:
        raise FormulaError(
            f"expected a formula of at most {LENGTH_MOST} characters, got {len(text)}", text
        )
    _check_characters(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of Python's parser, of what it will refuse one day
            return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as problem:
        column = getattr(problem, "offset", None)
        lead = len(text) - len(text.lstrip())
        place = min(lead + column - 1, len(text)) if column else None
        raise FormulaError(f"{_EXPECTED}{_slip(text)}", text, place) from None


def _slip(text: str) -> str:
    """What was probably forgotten."""
    missing = text.count("(") - text.count(")")
    if missing:
        return f"; {abs(missing)} {'(' if missing < 0 else ')'} missing"
    if re.search(r"[\w.)]\s+[\w.(]|\d[A-Za-z_(]|\)[\w(]", text):
        return "; is there a * missing?"
    return ""


def _check_characters(text: str) -> None:
    """Refuse what no formula has before Python's parser sees it: its depth, and its alphabet."""
    depth = 0
    for column, character in enumerate(text):
        if not (character.isascii() and (character.isalnum() or character in "_+-*/().,<>=! ")):
            power = "; a power is **" if character == "^" else ""
            raise FormulaError(
                f"expected letters, digits and + - * / ( ) . , < > = !, got {character!a}{power}",
                text,
                column,
            )
        depth += (character == "(") - (character == ")")
        if depth > DEPTH_MOST:
            raise FormulaError(f"expected at most {DEPTH_MOST} brackets in brackets", text, column)
    if not text.strip():
        raise FormulaError(f"{_EXPECTED}, got nothing", text)


@dataclass(frozen=True)
class _Reader:
    """Turns Python's tree into nodes; everything that it does not know is refused."""

    text: str
    names: Mapping[str, Node]
    expand: Expand | None
    depth: int = 0

    def wrong(self, what: str, at: ast.AST) -> FormulaError:
        lead = len(self.text) - len(self.text.lstrip())
        return FormulaError(what, self.text, lead + getattr(at, "col_offset", 0))

    def deeper(self, at: ast.AST) -> "_Reader":
        """The reader of what is below; a chain of operators has no brackets to count."""
        if self.depth >= DEPTH_MOST:
            raise self.wrong(f"expected at most {DEPTH_MOST} operations in one another", at)
        return _Reader(self.text, self.names, self.expand, self.depth + 1)

    def read(self, tree: ast.expr) -> Node:
        below = self.deeper(tree)
        match tree:
            case ast.Constant(value=bool() | complex() | str() | bytes() | None):
                raise self.wrong("expected a number", tree)
            case ast.Constant(value=int() | float() as value):
                return self.number(value, tree)
            case ast.Name(id=word):
                return self.name(word, tree)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return apply("negative", below.read(operand))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return below.read(operand)
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
                return apply(_OPERATORS[type(sign)], below.read(left), below.read(right))
            case ast.Call(func=ast.Name(id=word)):
                return below.call(word, tree)
            case ast.Compare() | ast.BoolOp():
                raise self.wrong("expected a number; a comparison goes within where()", tree)
        raise self.wrong(f"expected {_ALLOWED}", tree)

    def number(self, value: float, at: ast.AST) -> Node:
        try:
            found = float(value)
        except OverflowError:
            found = math.inf
        if math.isinf(found):
            raise self.wrong("expected a number of at most 1.8e308 (or inf)", at)
        return number(found)

    def name(self, word: str, at: ast.AST) -> Node:
        if word in self.names:
            return self.names[word]
        if word in CONSTANTS:
            return number(CONSTANTS[word])
        known = [*self.names, *CONSTANTS]
        if word in WORDS or word == "where":
            raise self.wrong(f"expected {word}(...)", at)
        raise self.wrong(
            f"unknown name '{word}'.{_nearest(word, known)} Known: {', '.join(known)}", at
        )

    def call(self, word: str, tree: ast.Call) -> Node:
        if word == "where":
            return self.choice(tree)
        primitive = WORDS.get(word)
        if primitive is None:
            return self.expanded(word, tree)
        self.takes(word, tree, primitive.operands)
        return apply(primitive.name, *(self.read(operand) for operand in tree.args))

    def takes(self, word: str, tree: ast.Call, operands: int) -> None:
        if tree.keywords:
            raise self.wrong(f"expected {word}() without names before its values", tree)
        if len(tree.args) != operands:
            wanted = "1 value" if operands == 1 else f"{operands} values"
            raise self.wrong(f"expected {wanted} in {word}(), got {len(tree.args)}", tree)

    def expanded(self, word: str, tree: ast.Call) -> Node:
        """A name of the table, called with what takes the place of x, and settings by name."""
        settings: dict[str, float] = {}
        for keyword in tree.keywords:
            found = self.read(keyword.value)
            if keyword.arg is None or found.operation != "number":
                raise self.wrong(f"expected settings such as {word}(x, slope=0.3)", keyword)
            settings[keyword.arg] = found.number
        inner = self.read(tree.args[0]) if len(tree.args) == 1 else None
        if self.expand is not None:
            try:
                known = self.expand(word, X if inner is None else inner, settings)
            except KeyError as unknown:
                raise self.wrong(str(unknown.args[0]), tree) from None
            if known is not None:
                if inner is None:
                    raise self.wrong(f"expected 1 value in {word}(), got {len(tree.args)}", tree)
                return known
        words = [*WORDS, "where"]
        raise self.wrong(
            f"unknown function '{word}'.{_nearest(word, words)} Known: {', '.join(words)}; "
            "and every activation by its name",
            tree,
        )

    def choice(self, tree: ast.Call) -> Node:
        self.takes("where", tree, 3)
        condition, yes, no = tree.args
        return self.where(condition, self.read(yes), self.read(no))

    def where(self, condition: ast.expr, yes: Node, no: Node) -> Node:
        below = self.deeper(condition)
        match condition:
            case ast.BoolOp(op=ast.And(), values=parts):
                for part in reversed(parts):
                    yes = below.where(part, yes, no)
                return yes
            case ast.BoolOp(op=ast.Or(), values=parts):
                for part in reversed(parts):
                    no = below.where(part, yes, no)
                return no
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return below.where(operand, no, yes)
            case ast.Compare(left=left, ops=signs, comparators=others) if all(
                type(sign) in _COMPARISONS for sign in signs
            ):
                compared = [below.read(one) for one in (left, *others)]
                pairs = zip(compared, signs, compared[1:], strict=False)
                for u, sign, v in reversed(list(pairs)):
                    yes = where(_COMPARISONS[type(sign)], u, v, yes, no)
                return yes
        raise self.wrong("expected a comparison, such as x > 0", condition)


_EXPECTED = "expected a formula, such as clip(0.2*x + 0.5, 0, 1)"
_ALLOWED = "x, numbers, + - * / **, where(x > 0, a, b) and functions such as exp(x)"


def _nearest(word: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(word.casefold(), known, n=1)
    return f" Did you mean '{close[0]}'?" if close else ""
