"""Formulas and calls as other programs spell them, in hsig's own spelling: for hints."""

import ast
from collections.abc import Mapping

from hsig.activations import ACTIVATIONS, Activation
from hsig.activations.names import (
    explain_refusal,
    find_activations,
    is_in_table,
    suggest_activations,
)
from hsig.config.kinds import first_parameters, parameter_of
from hsig.formulas.parsing import CONSTANTS
from hsig.formulas.primitives import WORDS

# words of NumPy and of frameworks for those of the language
_WORDS: Mapping[str, str] = {
    **{word: word for word in (*WORDS, "where")},
    **{"maximum": "max", "minimum": "min", "fmax": "max", "fmin": "min", "power": "pow"},
    **dict.fromkeys(("clamp", "clip_by_value"), "clip"),
    **{"absolute": "abs", "fabs": "abs", "arctan": "atan", "arcsinh": "asinh", "switch": "where"},
}
_BOUNDS = (("min", "a_min", "clip_value_min"), ("max", "a_max", "clip_value_max"))
_OF_LAYERS = {"inplace", "name", "dtype"}  # arguments that change no value


def translate(text: str) -> str | None:
    """What a text in Python would be in hsig; None if it is the same, or not understood.

    >>> translate("np.maximum(0, x)"), translate("relu**2")
    ('max(0, x)', 'relu(x) ** 2')
    >>> translate("nn.LeakyReLU(0.2, inplace=True)"), translate("torch.relu(x)")
    ('nn.LeakyReLU:leak=0.2', 'torch.relu')
    """
    try:
        tree = ast.parse(text.strip().replace("::", "."), mode="eval").body
        found = _make_spec(tree) or ast.unparse(_Translator().visit(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return None if found == text else found


def _make_spec(tree: ast.expr) -> str:
    """`NAME:SETTINGS` of a call that makes an activation, or calls one of x; else nothing."""
    if not isinstance(tree, ast.Call):
        return ""
    name, values, keywords = _read_call(tree)
    is_called = bool(values) and ast.unparse(values[0]) == "x"
    values = values[is_called:]
    if any(map(_has_x, (*values, *keywords.values()))):
        return ""
    if explain_refusal(name):
        return name
    if not find_activations(name) and len(suggested := suggest_activations(name)) == 1:
        (name,) = suggested
    found = find_activations(name)
    if not found:
        return ""
    named = _name_settings(found[0], values, keywords)
    if named and found[0].caveat and "." in name and not is_called:
        return ""  # such as nn.PReLU(1), with one leak for all units
    settings = ",".join(f"{key}={ast.unparse(value)}" for key, value in named.items())
    return f"{name}:{settings}" if settings else name


def _name_settings(
    activation: Activation, values: list[ast.expr], keywords: dict[str, ast.expr]
) -> dict[str, ast.expr]:
    """The settings of a call by their names here; ValueError if it is not clear what they are."""
    first = first_parameters(activation)
    named = dict(zip(first, values, strict=False))
    named |= {parameter_of(activation.name, key): value for key, value in keywords.items()}
    if len(values) > len(first):
        raise ValueError("it has other arguments there")
    if ("slope" in keywords and "leak" in first) or {"leak", "high"} <= named.keys():
        raise ValueError("others call the leak its slope, and have none above a line")
    return named


def _read_call(call: ast.Call) -> tuple[str, list[ast.expr], dict[str, ast.expr]]:
    """The full name, the values and the named ones; `x.tanh()` is `tanh(x)`."""
    name, values = ast.unparse(call.func), call.args
    if isinstance(call.func, ast.Attribute) and _has_x(call.func):
        name, values = call.func.attr, [call.func.value, *values]
    keywords = {word.arg or "": word.value for word in call.keywords if word.arg not in _OF_LAYERS}
    if "approximate" in keywords:
        name += f"(approximate={ast.unparse(keywords.pop('approximate'))})"
    return name, values, keywords


def _has_x(tree: ast.expr) -> bool:
    return any(isinstance(part, ast.Name) and part.id == "x" for part in ast.walk(tree))


class _Translator(ast.NodeTransformer):
    """Puts words of the language for those of other programs."""

    def visit_word(self, node: ast.Name | ast.Attribute) -> ast.expr:
        name = ast.unparse(node)
        word = name.rpartition(".")[2]
        if word in CONSTANTS or name == "x":
            return ast.Name(word)
        return self._call(name, [ast.Name("x")], {}) or node

    visit_Name = visit_Attribute = visit_word

    def visit_IfExp(self, tree: ast.IfExp) -> ast.expr:
        parts = [self.visit(part) for part in (tree.test, tree.body, tree.orelse)]
        return ast.Call(ast.Name("where"), parts, [])

    def visit_Call(self, tree: ast.Call) -> ast.expr:
        name, values, keywords = _read_call(tree)
        values = [self.visit(value) for value in values]
        word = _WORDS.get(name.rpartition(".")[2])
        if word == "clip":
            values += [
                next((keywords.pop(key) for key in bound if key in keywords), ast.Name(default))
                for bound, default in zip(_BOUNDS, ("-inf", "inf"), strict=True)
            ][len(values) - 1 :]
        if word and not keywords:
            return ast.Call(ast.Name(word), values, [])
        return self._call(name, values, keywords) or tree

    def _call(
        self, name: str, values: list[ast.expr], keywords: dict[str, ast.expr]
    ) -> ast.expr | None:
        """A call of the activation that a name means, if it means one of the table."""
        found = find_activations(name)
        if len(found) != 1 or not is_in_table(found[0]):
            return None
        (meant,) = found
        default = ACTIVATIONS[meant.name].parameters
        changed = {n: ast.Constant(v) for n, v in meant.settings if v != default[n]}
        arguments = changed | _name_settings(meant, values[1:], keywords)
        words = [ast.keyword(key, value) for key, value in arguments.items()]
        return ast.Call(ast.Name(meant.name), values[:1], words)
