"""Parse formulas: a small language, read with Python's own parser and never run as Python.

It has `x`, numbers, `pi`, `inf`, parameters, `+ - * / **`, the functions of the table of
primitives, the activations by their names, and `where(condition, a, b)`. A condition compares with
`< <= > >= == !=`, also in chains, and may use `and`, `or` and `not`.
"""

import ast
import math
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from sys import float_info

from hsig.errors import is_slip
from hsig.formulas.nodes import (
    Node,
    X,
    find_infinite,
    format_part,
    format_within,
    is_number,
    name,
    number,
    walk,
)
from hsig.formulas.primitives import WORDS
from hsig.formulas.simplifying import apply, where

# Of a formula as it is given, and as hsig writes it with all activations that it names.
MAX_LENGTH = 4000  # characters
MAX_NODES = 400  # operations, each counted once
MAX_DEPTH = 100  # operations within operations, and brackets within brackets

CONSTANTS: Mapping[str, float] = {"pi": math.pi, "inf": math.inf}
# the formula of an activation by its name, of what is in the brackets, and with its settings;
# None of an unknown name, KeyError for an unknown setting
Inline = Callable[[str, Node, Mapping[str, float]], Node | None]

_EXPECTED = "expected a formula, such as clip(0.2*x + 0.5, 0, 1)"
_ALLOWED = "x, numbers, + - * / **, where(x > 0, a, b) and functions such as exp(x)"
_AS_WRITTEN = "as hsig writes it, with the activations that it names written out"
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
    """A formula that cannot be parsed."""

    def __init__(self, message: str, text: str, column: int | None = None) -> None:
        super().__init__(message)
        self.message = message  # what is wrong, and what would be right
        self.text = text
        self.column = column  # where in it, from 0; None if it is all of it

    def with_caret(self) -> str:
        """The message, with the formula and a caret below the place."""
        if self.column is None or "\n" in self.text or len(self.text) > MAX_LENGTH:
            return self.message
        start = max(0, self.column - 60)
        prefix = "..." if start else ""
        caret = " " * (len(prefix) + self.column - start) + "^"
        return f"{self.message}\n    {prefix}{self.text[start : start + 72]}\n    {caret}"


def parse(
    text: str, parameters: Mapping[str, float] | None = None, inline: Inline | None = None
) -> Node:
    """Parse a formula in x, with the values of its parameters.

    Raises:
        FormulaError: If it is not of the language, or too large.

    >>> from hsig.formulas.nodes import format_formula
    >>> format_formula(parse("x*tanh(log(1 + exp(x)))"))
    'x*tanh(softplus(x))'
    """
    values = {word: number(value) for word, value in (parameters or {}).items()}
    return _parse(text, {"x": X, **values}, inline)


def parse_template(text: str, names: Sequence[str], inline: Inline | None = None) -> Node:
    """Parse a formula whose names stay open, to be substituted later."""
    return _parse(text, {word: name(word) for word in names}, inline)


def free_names(text: str) -> set[str]:
    """The names in a formula, except those of functions that it calls.

    Raises:
        FormulaError: If it cannot be parsed.
    """
    tree = _parse_python(text)
    functions = {id(call.func) for call in ast.walk(tree) if isinstance(call, ast.Call)}
    names = (part for part in ast.walk(tree) if isinstance(part, ast.Name))
    return {part.id for part in names if id(part) not in functions}


def _parse(text: str, names: Mapping[str, Node], inline: Inline | None) -> Node:
    reader = _Reader(text, names, inline)
    root = reader.read(_parse_python(text))
    if sum(1 for _ in walk(root)) > MAX_NODES:
        raise FormulaError(f"expected at most {MAX_NODES} operations {_AS_WRITTEN}", text)
    infinite = find_infinite(root)
    if infinite is not None:
        message = f"expected finite coefficients, got {format_part(infinite)}"
        hint = "; inf is for limits and comparisons"
        raise reader.error(message + hint, reader.places.get(infinite))
    written = format_within(root, MAX_LENGTH)
    if written is None:
        raise FormulaError(f"expected at most {MAX_LENGTH} characters {_AS_WRITTEN}", text)
    if written != text:
        try:
            _Reader(written, names, inline).read(_parse_python(written))
        except FormulaError as problem:
            raise FormulaError(f"{problem.message} {_AS_WRITTEN}", text) from None
    return root


def _parse_python(text: str) -> ast.expr:
    if len(text) > MAX_LENGTH:
        raise FormulaError(
            f"expected a formula of at most {MAX_LENGTH} characters, got {len(text)}", text
        )
    _check_characters(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # such as `1if x`, which Python deprecates
            return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError) as problem:
        column = getattr(problem, "offset", None)
        place = min(_indent(text) + column - 1, len(text)) if column else None
        raise FormulaError(f"{_EXPECTED}{_guess_slip(text)}", text, place) from None


def _check_characters(text: str) -> None:
    """Refuse foreign characters and deep brackets before Python's parser sees them."""
    depth = 0
    for column, character in enumerate(text):
        if not (character.isascii() and (character.isalnum() or character in "_+-*/().,<>=! ")):
            hint = "; a power is **" if character == "^" else ""
            raise FormulaError(
                f"expected letters, digits and + - * / ( ) . , < > = !, got {character!a}{hint}",
                text,
                column,
            )
        depth += (character == "(") - (character == ")")
        if depth > MAX_DEPTH:
            raise FormulaError(f"expected at most {MAX_DEPTH} brackets in brackets", text, column)
    if not text.strip():
        raise FormulaError(f"{_EXPECTED}, got nothing", text)


def _guess_slip(text: str) -> str:
    """A hint at what was probably forgotten."""
    if missing := text.count("(") - text.count(")"):
        return f"; {abs(missing)} {'(' if missing < 0 else ')'} missing"
    if re.search(r"[\w.)]\s+[\w.(]|\d[A-Za-z_(]|\)[\w(]", text):
        return "; is there a * missing?"
    return ""


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


@dataclass(frozen=True)
class _Reader:
    """Turns Python's syntax tree into nodes, and refuses everything that it does not know."""

    text: str
    names: Mapping[str, Node]
    inline: Inline | None
    depth: int = 0
    places: dict[Node, ast.AST] = field(default_factory=dict)  # of operations

    def error(self, message: str, tree: ast.AST | None) -> FormulaError:
        column = None if tree is None else _indent(self.text) + getattr(tree, "col_offset", 0)
        return FormulaError(message, self.text, column)

    def descend(self, tree: ast.AST) -> "_Reader":
        """The reader for the operands; a long chain of operators is as deep as brackets are."""
        if self.depth >= MAX_DEPTH:
            raise self.error(f"expected at most {MAX_DEPTH} operations in one another", tree)
        return replace(self, depth=self.depth + 1)

    def read(self, tree: ast.expr) -> Node:
        inner = self.descend(tree)
        match tree:
            case ast.Constant(value=bool() | complex() | str() | bytes() | None):
                raise self.error("expected a number", tree)
            case ast.Constant(value=int() | float() as value):
                if value > float_info.max:
                    raise self.error("expected a number of at most 1.8e308 (or inf)", tree)
                return number(value)
            case ast.Name(id=word):
                return self.read_name(word, tree)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self.operate("negative", [inner.read(operand)], tree)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return inner.read(operand)
            case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
                operands = [inner.read(left), inner.read(right)]
                return self.operate(_OPERATORS[type(sign)], operands, tree)
            case ast.Call(func=ast.Name(id="where")):
                self.check_arguments("where", tree, 3)
                condition, yes, no = tree.args
                return inner.read_condition(condition, inner.read(yes), inner.read(no))
            case ast.Call(func=ast.Name(id=word)) if word in WORDS and not self.is_setting(tree):
                primitive = WORDS[word]
                self.check_arguments(word, tree, primitive.operands)
                return self.operate(primitive.name, [*map(inner.read, tree.args)], tree)
            case ast.Call(func=ast.Name(id=word)):
                return inner.read_activation(word, tree)
            case ast.Compare() | ast.BoolOp():
                raise self.error("expected a number; a comparison goes within where()", tree)
        raise self.error(f"expected {_ALLOWED}", tree)

    def operate(self, operation: str, operands: Sequence[Node], tree: ast.AST) -> Node:
        result = apply(operation, *operands)
        self.places.setdefault(result, tree)
        return result

    def read_name(self, word: str, tree: ast.AST) -> Node:
        if word in self.names:
            return self.names[word]
        if word in CONSTANTS:
            return number(CONSTANTS[word])
        if word in WORDS or word == "where":
            raise self.error(f"expected {word}(...)", tree)
        raise self.error(f"unknown name {_suggest(word, [*self.names, *CONSTANTS])}", tree)

    def is_setting(self, tree: ast.Call) -> bool:
        """Whether a primitive's word is called as an activation: `softplus(x, beta=2)`."""
        word = ast.unparse(tree.func)
        return bool(tree.keywords and self.inline and self.inline(word, X, {}))

    def check_arguments(self, word: str, tree: ast.Call, operands: int) -> None:
        if tree.keywords:
            raise self.error(f"expected {word}() without names before its values", tree)
        if len(tree.args) != operands:
            values = "1 value" if operands == 1 else f"{operands} values"
            raise self.error(f"expected {values} in {word}(), got {len(tree.args)}", tree)

    def read_activation(self, word: str, tree: ast.Call) -> Node:
        """An activation by its name: of one value, and with settings such as slope=0.3."""
        settings: dict[str, float] = {}
        for keyword in tree.keywords:
            value = self.read(keyword.value)
            if keyword.arg is None or not is_number(value):
                raise self.error(f"expected settings such as {word}(x, slope=0.3)", keyword)
            settings[keyword.arg] = value.number
        operand = self.read(tree.args[0]) if len(tree.args) == 1 else X
        try:
            formula = None if self.inline is None else self.inline(word, operand, settings)
        except KeyError as unknown:
            raise self.error(str(unknown.args[0]), tree) from None
        if formula is None:
            message = f"unknown function {_suggest(word, [*WORDS, 'where'])}"
            raise self.error(f"{message}; and every activation by its name", tree)
        if len(tree.args) != 1:
            raise self.error(f"expected 1 value in {word}(), got {len(tree.args)}", tree)
        return formula

    def read_condition(self, condition: ast.expr, yes: Node, no: Node) -> Node:
        inner = self.descend(condition)
        match condition:
            case ast.BoolOp(op=ast.And(), values=parts):
                for part in reversed(parts):
                    yes = inner.read_condition(part, yes, no)
                return yes
            case ast.BoolOp(op=ast.Or(), values=parts):
                for part in reversed(parts):
                    no = inner.read_condition(part, yes, no)
                return no
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return inner.read_condition(operand, no, yes)
            case ast.Compare(left=left, ops=signs, comparators=others) if all(
                type(sign) in _COMPARISONS for sign in signs
            ):
                values = [inner.read(part) for part in (left, *others)]
                pairs = list(zip(values, signs, values[1:], strict=False))
                for u, sign, v in reversed(pairs):
                    yes = where(_COMPARISONS[type(sign)], u, v, yes, no)
                return yes
        raise self.error("expected a comparison, such as x > 0", condition)


def _suggest(word: str, known: Sequence[str]) -> str:
    """An unknown word, the most similar known one, and all of them."""
    close = next((name for name in known if is_slip(word.casefold(), name)), "")
    hint = f" Did you mean '{close}'?" if close else ""
    return f"'{word}'.{hint} Known: {', '.join(known)}"
