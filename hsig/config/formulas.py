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
from hsig.config.values import INVALID, Location, Value, describe, each, is_number, nearest
from hsig.formulas.derivative import substitute
from hsig.formulas.nodes import Node, X, format_formula, number, walk
from hsig.formulas.parsing import CONSTANTS, FormulaError, free_names, parse_template

# --- formulas ------------------------------------------------------------------------------------

# A user's own activation: a formula, its parameters, and its derivative if it is given.

_NAME = r"[A-Za-z_][\w.]*(\(approximate=.*\))?"  # of an activation, here or elsewhere


def looks_like_a_formula(written: str) -> bool:
    """Whether a text cannot be the name of an activation.

    >>> looks_like_a_formula("torch.nn.Mish"), looks_like_a_formula("x*tanh(x)")
    (False, True)
    """
    return written == "x" or not fullmatch(_NAME, written.strip())


def parameters_in(formula: str) -> set[str]:
    """The names of what can be set in a formula.

    Raises:
        FormulaError: If it cannot be read.
    """
    return free_names(formula) - {"x", *CONSTANTS}


def of_formula(
    label: object, settings: Mapping[str, object], place: Location, *, nested: bool = True
) -> Activation:
    """A user's own activation.

    Args:
        label: Its name, if it has one.
        settings: Its formula, derivative and parameters, as they are written.
        place: Where they are.
        nested: Whether each has a place of its own below that.

    Raises:
        InvalidValue: If they make none.
    """

    def read_text(key: str) -> str:
        value = settings.get(key, "")
        if not isinstance(value, str):
            if key == "formula" and is_number(value):
                return str(value)
            raise place.below(key).expected("a formula, such as clip(0.2*x + 0.5, 0, 1)", value)
        return value

    formula, slope = read_text("formula"), read_text("derivative")
    named: set[str] = set()
    for key, part in (("formula", formula), ("derivative", slope)):
        try:
            named |= parameters_in(part) if part else set()
        except FormulaError as problem:
            raise (place.below(key) if nested else place).wrong(problem.with_caret()) from None
    reserved = {"name", "formula", "derivative", *SLOPES}

    def check(key: str, value: object) -> tuple[str, Any]:
        where = place.below(key) if nested else replace(place, about=key)
        if key in SLOPES:
            return key, None if value is None else PARAMETERS[key].check(value, where)
        if key not in named:
            known = sorted(named - reserved) + list(SLOPES)
            raise where.wrong(
                f"there is no {key} in the formula.{nearest(key, known)} It has: {', '.join(known)}"
            )
        return key, OF_A_FORMULA.check(value, where)

    if not isinstance(label, str | None):
        raise place.below("name").expected("a name for tables", label)
    if label is not None and not {*SLOPES} <= set(settings):  # a record has all of them
        _check_label(label, place.below("name"))
    rest = {key: part for key, part in settings.items() if key not in ("formula", "derivative")}
    checked = dict(each(partial(check, *setting) for setting in rest.items()))
    kink, backward = (checked.pop(key, None) or "own" for key in SLOPES)
    made = _activation(label or "", formula, slope, checked, place, nested=nested)
    return replace(made, kink=kink, backward=backward)


def _check_label(label: str, place: Location) -> None:
    """Refuse a label that would be taken for something else."""
    if find_activations(label) or label in GROUPS or label in (SAME, "x"):
        raise place.wrong(f"'{label}' is a name that hsig has. Choose another for this formula")
    if not fullmatch(r"\w[\w .+-]*", label):
        raise place.expected("a name of letters, digits, spaces, and . _ + -", label)


def _activation(
    label: str,
    formula: str,
    slope: str,
    parameters: Mapping[str, float],
    place: Location,
    *,
    nested: bool = False,
) -> Activation:
    """The activation of a formula as somebody wrote it.

    Args:
        label: What it is called in tables; empty for the formula itself.
        formula: In x and the parameters.
        slope: Its derivative, if it is given; else empty.
        parameters: The values of what else is named in them.
        place: Where it was written.
        nested: Whether each of these has a place of its own below that.

    Raises:
        InvalidValue: If it cannot be read, has no value at 0, or is no function of x.
    """
    value = _read(formula, parameters, place.below("formula") if nested else place)
    given = _read(slope, parameters, place.below("derivative")) if slope else None
    numbers = {one: number(value) for one, value in parameters.items()}
    whole = format_formula(substitute(value, numbers))
    activation = Activation(
        label or whole,
        format_formula(value),
        settings=tuple(parameters.items()),
        slope_definition="" if given is None else format_formula(given),
    )
    if X not in walk(value):
        raise place.wrong(f"expected a formula in x, got {describe(formula)}, which is constant")
    with np.errstate(all="ignore"):
        (at_0,) = activation.value(np.zeros(1))
    if not isfinite(at_0):
        raise place.wrong(f"expected a formula with a value at 0, got {whole}: {at_0:g} at x = 0")
    return activation


def _read(formula: str, parameters: Mapping[str, float], place: Location) -> Node:
    try:
        return parse_template(formula, ("x", *parameters), inline_activation)
    except FormulaError as problem:
        raise place.wrong(_with_a_way_out(problem)) from None


def _with_a_way_out(problem: FormulaError) -> str:
    """The complaint; of a name without a value, also how to give it one."""
    what, newline, below = problem.with_caret().partition("\n")
    unknown = match(r"unknown name '(\w+)'\.", what)
    if unknown:
        name = unknown.group(1)
        what += f". A parameter has a value: {name}: 0.3 in a file, else :{name}=0.3 behind it"
    return what + newline + below


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
