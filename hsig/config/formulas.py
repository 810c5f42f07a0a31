"""Activations that are formulas, or functions in Python."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from math import isfinite
from pathlib import Path
from re import fullmatch, match
from typing import Any, NamedTuple

import numpy as np

from hsig.activations import Activation
from hsig.activations.names import GROUPS, find_activations, inline_activation
from hsig.config.kinds import OF_A_FORMULA, PARAMETERS, SAME, SLOPES
from hsig.config.values import INVALID, Location, Value, check_all, describe, is_number, nearest
from hsig.formulas.derivative import substitute
from hsig.formulas.nodes import Node, X, format_formula, number, walk
from hsig.formulas.parsing import CONSTANTS, FormulaError, free_names, parse_template

_NAME = r"[A-Za-z_][\w.]*(\(approximate=.*\))?"  # of an activation, here or in a framework
_EXAMPLE = "a formula, such as clip(0.2*x + 0.5, 0, 1)"
_FORMULAS = ("formula", "derivative")
_RESERVED = {"name", *_FORMULAS, *SLOPES}


def is_formula(text: str) -> bool:
    """Whether a text cannot be the name of an activation.

    >>> is_formula("torch.nn.Mish"), is_formula("x*tanh(x)")
    (False, True)
    """
    return text == "x" or not fullmatch(_NAME, text.strip())


def read_formula(
    label: object, settings: Mapping[str, object], place: Location, *, nested: bool = True
) -> Activation:
    """Make a user's own activation.

    Args:
        label: Its name in tables; by default the formula.
        settings: The formula, the derivative if it is given, and the parameters, unchecked.
        place: Where they were written.
        nested: Whether each has a place of its own below that.

    Raises:
        InvalidValue: If a part is wrong, or the formula has no value at 0 or does not depend on x.
    """

    def locate(key: str) -> Location:
        return place.below(key) if nested else place

    formula, slope = (_check_text(key, settings.get(key, ""), place) for key in _FORMULAS)
    names: set[str] = set()
    for key, text in zip(_FORMULAS, (formula, slope), strict=True):
        try:
            names |= free_names(text) - {"x", *CONSTANTS} if text else set()
        except FormulaError as problem:
            raise locate(key).wrong(problem.with_caret()) from None

    def check_setting(key: str, value: object) -> tuple[str, Any]:
        where = place.below(key) if nested else replace(place, setting=key)
        if key in SLOPES:
            return key, None if value is None else PARAMETERS[key].check(value, where)
        if key not in names:
            known = [*sorted(names - _RESERVED), *SLOPES]
            raise where.wrong(
                f"there is no {key} in the formula.{nearest(key, known)} It has: {', '.join(known)}"
            )
        return key, OF_A_FORMULA.check(value, where)

    if not isinstance(label, str | None):
        raise place.below("name").expected("a name for tables", label)
    is_record = {*SLOPES} <= set(settings)  # which may have a label that is a name by now
    if label is not None and not is_record:
        _check_label(label, place.below("name"))
    others = {key: value for key, value in settings.items() if key not in _FORMULAS}
    parameters = dict(check_all(partial(check_setting, *setting) for setting in others.items()))
    kink, backward = (parameters.pop(key, None) or "own" for key in SLOPES)

    value = _parse(formula, parameters, locate("formula"))
    given = format_formula(_parse(slope, parameters, place.below("derivative"))) if slope else ""
    text = format_formula(substitute(value, {key: number(parameters[key]) for key in parameters}))
    activation = Activation(
        label or text,
        format_formula(value),
        settings=tuple(parameters.items()),
        slope_definition=given,
        kink=kink,
        backward=backward,
    )
    if X not in walk(value):
        raise place.wrong(f"expected a formula in x, got {describe(formula)}, which is constant")
    with np.errstate(all="ignore"):
        (at_0,) = activation.value(np.zeros(1))
    if not isfinite(at_0):
        raise place.wrong(f"expected a formula with a value at 0, got {text}: {at_0:g} at x = 0")
    return activation


def _check_text(key: str, value: object, place: Location) -> str:
    if isinstance(value, str):
        return value
    if key == "formula" and is_number(value):
        return str(value)
    raise place.below(key).expected(_EXAMPLE, value)


def _check_label(label: str, place: Location) -> None:
    """Refuse a label that would be taken for something else."""
    if find_activations(label) or label in GROUPS or label in (SAME, "x"):
        raise place.wrong(f"'{label}' is a name that hsig has. Choose another for this formula")
    if not fullmatch(r"\w[\w .+-]*", label):
        raise place.expected("a name of letters, digits, spaces, and . _ + -", label)


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
    """The value of an argument.

    Args:
        name: Of the argument, for messages: that of its key.
        argument: As it was given: what YAML can say, also as arrays, tuples and ranges, or
            activations.
        problems: Gets a message for each part that is nothing of these.
    """
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
            return {
                str(key): _plain(part, f"{where}.{key}", problems) for key, part in value.items()
            }
    hint = ". A function becomes one by hsig.activation(name, function, derivative)"
    problems.append(
        f"{where}: expected a text, a number, a list, a dict or an activation, got a "
        f"{type(value).__name__}{hint if callable(value) else ''}"
    )
    return INVALID
