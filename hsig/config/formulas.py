"""A user's own activation: a formula, its parameters, and its derivative if it is given."""

from collections.abc import Mapping
from math import isfinite
from re import fullmatch

import numpy as np

from hsig.config.values import Place, describe
from hsig.networks.activations import Activation
from hsig.networks.activations.calling import expand
from hsig.networks.formulas.derivative import substitute
from hsig.networks.formulas.nodes import Node, X, number, walk
from hsig.networks.formulas.parsing import CONSTANTS, FormulaError, names_in, parse_rule
from hsig.networks.formulas.printing import text

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
    return names_in(formula) - {"x", *CONSTANTS}


def formula_activation(
    label: str,
    formula: str,
    slope: str,
    parameters: Mapping[str, float],
    place: Place,
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
        Wrong: If it cannot be read, has no value at 0, or is no function of x.
    """
    value = _read(formula, parameters, place.below("formula") if nested else place)
    given = _read(slope, parameters, place.below("derivative")) if slope else None
    numbers = {one: number(value) for one, value in parameters.items()}
    whole = text(substitute(value, numbers))
    activation = Activation(
        label or whole,
        text(value),
        settings=tuple(parameters.items()),
        slope_definition="" if given is None else text(given),
    )
    if X not in walk(value):
        raise place.wrong(f"expected a formula in x, got {describe(formula)}")
    with np.errstate(all="ignore"):
        (at_0,) = activation.value(np.zeros(1))
    if not isfinite(at_0):
        raise place.wrong(f"expected a formula with a value at 0, got {whole}: {at_0:g} at x = 0")
    return activation


def _read(formula: str, parameters: Mapping[str, float], place: Place) -> Node:
    try:
        return parse_rule(formula, ("x", *parameters), expand)
    except FormulaError as problem:
        raise place.wrong(_with_a_way_out(problem, parameters)) from None


def _with_a_way_out(problem: FormulaError, parameters: Mapping[str, float]) -> str:
    """The complaint; of a name without a value, also how to give it one."""
    what, newline, below = problem.pointed().partition("\n")
    unset = parameters_in(problem.text) - set(parameters)
    for name in sorted(one for one in unset if what.startswith(f"unknown name '{one}'.")):
        what += f". A parameter has a value: {name}: 0.3 in a file, else :{name}=0.3 behind it"
    return what + newline + below
