"""Activations that are formulas, or functions in Python."""

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path
from re import fullmatch, match
from typing import NamedTuple

import numpy as np

from hsig.activations import Activation
from hsig.activations.names import GROUPS, find_activations, inline_activation
from hsig.config.kinds import OF_A_FORMULA, SAME, SLOPES
from hsig.config.specs import Setting, Spec, check_settings
from hsig.config.tables import has_columns
from hsig.config.values import INVALID, Location, Value, describe, is_number
from hsig.formulas.derivative import substitute
from hsig.formulas.nodes import Node, X, find_infinite, format_formula, format_part, number, walk
from hsig.formulas.parsing import CONSTANTS, FormulaError, free_names, parse_template

_NAME = r"[A-Za-z_][\w.]*(\(approximate=.*\))?"  # of an activation, here or in a framework
_FORMULAS = ("formula", "derivative")
_RESERVED = {"x", "name", *CONSTANTS, *_FORMULAS, *SLOPES}


def is_formula(text: str) -> bool:
    """Whether a text cannot be the name of an activation.

    >>> is_formula("torch.nn.Mish"), is_formula("x*tanh(x)")
    (False, True)
    """
    return text == "x" or not fullmatch(_NAME, text.strip())


def read_formula(
    written: Mapping[str, object], place: Location, behind: Sequence[Setting] | None = None
) -> Activation:
    """Make a user's own activation of a formula; it has a value at 0 and depends on x.

    Beside the formula may stand a name, which else is the formula, a derivative, and parameters; if
    the formula is a text, these are `behind` it.
    """
    others = {key: part for key, part in written.items() if key not in ("name", *_FORMULAS)}
    settings = behind
    if settings is None:
        settings = [Setting(key, part, place.below(key)) for key, part in others.items()]
    places = {key: place.below(key) if behind is None else place for key in _FORMULAS}
    texts, names = dict[str, str](), set[str]()
    for key in (key for key in _FORMULAS if key in written):
        if not isinstance(written[key], str) and not is_number(written[key]):
            expected = "a formula, such as clip(0.2*x + 0.5, 0, 1)"
            raise places[key].expected(expected, written[key])
        text = texts[key] = str(written[key])
        try:
            names |= free_names(text) if text else set()
        except FormulaError as problem:
            raise places[key].wrong(problem.with_caret()) from None
    label = written.get("name")
    is_record = {*SLOPES} <= others.keys()  # which may have a label that is a name by now
    if label is not None and not is_record:
        _check_label(label, place.below("name"))
    declared = {**dict.fromkeys(sorted(names - _RESERVED), OF_A_FORMULA), **SLOPES}
    spec = Spec(texts["formula"], tuple(settings))
    parameters = check_settings(spec, declared, place, bare=())
    kink, backward = (parameters.pop(key, None) or "own" for key in SLOPES)

    value = _parse(texts["formula"], parameters, places["formula"])
    slope = texts.get("derivative")
    text = format_formula(substitute(value, {key: number(parameters[key]) for key in parameters}))
    activation = Activation(
        text if label is None else str(label),
        format_formula(value),
        settings=tuple(parameters.items()),
        slope_definition=(
            format_formula(_parse(slope, parameters, places["derivative"])) if slope else ""
        ),
        kink=kink,
        backward=backward,
    )
    check_function(activation, place)
    if X not in walk(activation.function.value):
        formula = describe(texts["formula"])
        raise place.wrong(f"expected a formula in x, got {formula}, which is constant")
    with np.errstate(all="ignore"):
        (at_0,) = activation.value(np.zeros(1))
    if not isfinite(at_0):
        raise place.wrong(f"expected a formula with a value at 0, got {text}: {at_0:g} at x = 0")
    return activation


def check_function(activation: Activation, location: Location) -> None:
    """Refuse settings that make a formula too large or not finite, or have no meaning for it."""
    try:
        function = activation.function
    except FormulaError as problem:
        raise location.wrong(problem.message) from None
    if (infinite := find_infinite(function.slope)) is not None:
        part = format_part(infinite)
        raise location.wrong(f"expected a derivative with finite coefficients, got {part}")
    is_located = function.kinks_are_known and not activation.slope_is_given
    if activation.kink != "own" and not is_located:
        raise location.wrong(
            f"kink={activation.kink}: expected a formula without a derivative of its own, whose "
            f"kinks can be located, got {activation.formula}. Leave out kink"
        )


def _check_label(label: object, place: Location) -> None:
    """Refuse a label that would be taken for something else."""
    if not isinstance(label, str) or not fullmatch(r"\w[\w .+-]*", label):
        raise place.expected("a name of letters, digits, spaces, and . _ + -", label)
    if find_activations(label) or label in GROUPS or label in (SAME, "x"):
        raise place.wrong(f"'{label}' is a name that hsig has. Choose another for this formula")


def _parse(formula: str, parameters: Mapping[str, float], place: Location) -> Node:
    try:
        return parse_template(formula, ("x", *parameters), inline_activation)
    except FormulaError as problem:
        message, newline, caret = problem.with_caret().partition("\n")
        unknown = match(r"unknown name '(\w+)'\.", message)
        if unknown:
            name = unknown.group(1)
            message += (
                f". A parameter has a value: {name}: 0.3 in a file, else :{name}=0.3 behind it"
            )
        raise place.wrong(message + newline + caret) from None


# --- arguments -----------------------------------------------------------------------------------

# From the arguments of a call in Python to plain values.


class Argument(NamedTuple):
    """A value that stands for a key in a call."""

    value: object


def read_argument(name: str, argument: Argument, problems: list[str]) -> Value:
    """The value of an argument: what YAML can say, also as arrays, tuples, ranges, activations.

    `problems` gets a message for each part that is nothing of these. A task may be a table.
    """
    if name in ("task", "test") and has_columns(argument.value):
        return Value(argument.value, name, is_argument=True)
    return Value(_plain(argument.value, name, problems), name, is_argument=True)


def _plain(value: object, where: str, problems: list[str]) -> object:
    match value:
        case None | bool() | int() | float() | str() | Activation():
            return value
        case Path():
            return str(value)
        case np.generic():
            return value.item()
        case np.ndarray():
            return value.tolist()
        case list() | tuple() | range():
            return [_plain(part, f"{where}[{n}]", problems) for n, part in enumerate(value)]
        case Mapping():
            return {str(k): _plain(part, f"{where}.{k}", problems) for k, part in value.items()}
    hint = ". A function becomes one by hsig.activation(name, function, derivative)"
    problems.append(
        f"{where}: expected a text, a number, a list, a dict or an activation, got a "
        f"{type(value).__name__}{hint if callable(value) else ''}"
    )
    return INVALID
