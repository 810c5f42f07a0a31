"""Formulas and calls as other programs spell them, in hsig's own spelling: for hints."""

import re
from collections.abc import Mapping

from hsig.activations import ACTIVATIONS
from hsig.activations.names import (
    explain_refusal,
    find_activations,
    suggest_activations,
)
from hsig.config.kinds import PARAMETER_ALIASES, parameter_of
from hsig.config.specs import split_outside_brackets
from hsig.formulas.parsing import CONSTANTS
from hsig.formulas.primitives import WORDS

# words of NumPy and of frameworks for those of the language
_WORDS: Mapping[str, str] = {
    **{word: word for word in (*WORDS, *CONSTANTS, "where", "x")},
    **{"maximum": "max", "minimum": "min", "fmax": "max", "fmin": "min", "power": "pow"},
    **dict.fromkeys(("clamp", "clip_by_value"), "clip"),
    **{"absolute": "abs", "fabs": "abs", "arctan": "atan", "arcsinh": "asinh", "switch": "where"},
}
_NAME = r"[A-Za-z_][\w.]*"
_METHOD = re.compile(r"\bx\.([a-z_]\w*)\((?=(\)?))")  # `x.clip(` is `clip(x, `
_OF_LAYERS = re.compile(r"(inplace|name|dtype) *=")  # arguments that change no value


def translate(text: str) -> str | None:
    """What a text in Python would be in hsig; None if it is the same, or not understood.

    >>> translate("np.maximum(0, x)"), translate("relu**2")
    ('max(0, x)', 'relu(x)**2')
    >>> translate("nn.LeakyReLU(0.2, inplace=True)"), translate("x if x > 0 else 0.01*x")
    ('nn.LeakyReLU:0.2', 'where(x > 0, x, 0.01*x)')
    """
    python = text.strip().replace("::", ".")
    python = _METHOD.sub(lambda call: f"{call[1]}(x" + ("" if call[2] else ", "), python)
    if re.fullmatch(_NAME, python):
        return None
    call = re.fullmatch(rf"({_NAME})\((.*)\)", python)
    found = _make_spec(call[1], call[2]) if call else ""
    python = re.sub(r"^(.+) if (.+) else (.+)$", r"where(\2, \1, \3)", python)
    found = found or re.sub(rf"(?<![\w.])({_NAME})( *[(=](?!=))?", _put_word, python)
    return None if found == text else found


def _put_word(match: re.Match[str]) -> str:
    """The word of the language for one of other programs; without arguments it is of x."""
    name, behind = match[1], match[2] or ""
    word = PARAMETER_ALIASES.get(name) if "=" in behind else _WORDS.get(name.rpartition(".")[2])
    if word or "=" in behind:
        return (word or name) + behind
    found = find_activations(name)
    row = ACTIVATIONS.get(found[0].name) if len(found) == 1 else None
    if row is None or (row.definition, row.settings) != (found[0].definition, found[0].settings):
        return match[0]
    return found[0].name + (behind or "(x)")


def _make_spec(name: str, inside: str) -> str:
    """`NAME:SETTINGS` of a call that makes an activation, or calls one of x; else nothing."""
    parts = [part.strip() for part in split_outside_brackets(inside) if part.strip()]
    parts = [part for part in parts if not _OF_LAYERS.match(part)]
    is_called = parts[:1] == ["x"]
    parts = parts[is_called:]
    if any(re.search(r"\bx\b", part) for part in parts):
        return ""
    if explain_refusal(name):
        return name
    if parts and parts[-1].startswith("approximate"):
        name += f"({parts.pop().replace(' ', '').replace(chr(34), chr(39))})"
    if not find_activations(name) and len(suggested := suggest_activations(name)) == 1:
        (name,) = suggested
    found = find_activations(name)
    if not found or (parts and found[0].caveat and "." in name and not is_called):
        return ""  # such as nn.PReLU(1), with one leak for all units
    keys = {parameter_of(found[0].name, part.partition("=")[0].strip()) for part in parts}
    if "leak" in found[0].parameters and ("slope" in keys or {"leak", "high"} <= keys):
        return ""  # others call the leak its slope, and have none above a line
    return f"{name}:{','.join(parts)}" if parts else name
