"""Formulas as programs for the engines, and evaluated with NumPy.

A program's steps work on numbered operands: 0 is the pre-activation x, 1 to `registers - 1` are
the registers that steps write, and the constants follow. A step may write a register that it reads.
"""

from collections.abc import Sequence
from functools import cached_property
from math import inf
from typing import NamedTuple

import numpy as np

from hsig.arrays import Array
from hsig.formulas.nodes import Node, X, fold, is_number, node, number, walk
from hsig.formulas.primitives import PRIMITIVES, ArrayFunction
from hsig.formulas.simplifying import apply, power_as_product, rebuild

# --- programs ------------------------------------------------------------------------------------


class Step(NamedTuple):
    """One operation."""

    operation: str  # the name of a primitive
    target: int  # the register to write, at least 1
    operands: tuple[int, ...]  # operand numbers, as many as the primitive takes


class Program(NamedTuple):
    """The value and the slope of an activation, as steps that share common parts."""

    # in order; the first `value_steps` compute the value, all of them also the slope
    steps: tuple[Step, ...]
    value_steps: int  # how many compute the value
    constants: tuple[float, ...]  # numbers
    registers: int  # the number of registers, x included
    value: int  # the operand that holds the value at the end
    slope: int  # the operand that holds the slope at the end


def compile_program(value: Node, slope: Node) -> Program:
    """Compile a value and a slope; both must be lowered (see `lower`)."""
    value_nodes = list(walk(value))
    slope_nodes = list(walk(slope))
    computed = set(value_nodes)
    operations = [n for n in value_nodes if n.operands]
    value_steps = len(operations)
    operations += [n for n in slope_nodes if n.operands and n not in computed]
    constants = dict.fromkeys(n.number for n in (*value_nodes, *slope_nodes) if is_number(n))
    places, registers = _allocate_registers(operations, (value, slope))
    places |= {number(value): registers + n for n, value in enumerate(constants)}
    steps = tuple(
        Step(n.operation, places[n], tuple(places[operand] for operand in n.operands))
        for n in operations
    )
    return Program(steps, value_steps, tuple(constants), registers, places[value], places[slope])


def _allocate_registers(
    operations: list[Node], results: tuple[Node, ...]
) -> tuple[dict[Node, int], int]:
    """The register of each operation, free again after its last use; and how many there are."""
    last_use = {operand: step for step, n in enumerate(operations) for operand in n.operands}
    last_use |= dict.fromkeys(results, len(operations))
    register, free, count = {X: 0}, list[int](), 1
    for step, current in enumerate(operations):
        done = {u for u in current.operands if u.operands and last_use[u] == step}
        free = sorted({*free, *(register[u] for u in done)}, reverse=True)
        if free:
            register[current] = free.pop()
        else:
            register[current], count = count, count + 1
    return register, count


# --- lowering ------------------------------------------------------------------------------------


def lower(root: Node) -> Node:
    """Rewrite a formula with the operations of the engines: no clip, no small whole power."""
    return fold(root, _lower_operation)


def _lower_operation(root: Node, operands: Sequence[Node]) -> Node:
    if root.operation == "clip":
        u, low, high = operands
        u = u if low is number(-inf) else apply("maximum", u, low)
        return u if high is number(inf) else apply("minimum", u, high)
    if root.operation == "power" and is_number(operands[1]):
        product = power_as_product(operands[0], operands[1].number)
        return rebuild(root, operands) if product is None else product
    return rebuild(root, operands)


def propagate_nan(root: Node) -> Node:
    """Make a formula nan where x is nan: a comparison with nan would take the last branch."""

    def propagates(current: Node, operands: Sequence[bool]) -> bool:
        if current.operation.startswith("where_"):
            return operands[-1]
        return current is X or any(operands)

    return root if fold(root, propagates) else node("where_equal", X, X, root, X)


# --- evaluating ----------------------------------------------------------------------------------


class Differentiable:
    """The formulas of a value and a slope, evaluated with NumPy and compiled for the engines."""

    def __init__(self, value: Node, slope: Node) -> None:
        self.value = value
        self.slope = slope

    def evaluate(self, x: Array) -> Array:
        """The values at `x`; same shape."""
        return self._evaluate(x)

    def evaluate_slope(self, x: Array, values: Array | None = None) -> Array:
        """The slopes at `x`; same shape. If the values there are known, pass them to save time."""
        return self._evaluate_slope(x) if values is None else self._evaluate_both(x, values)

    @cached_property
    def program(self) -> Program:
        """The program for the compiled engine."""
        return compile_program(self._lowered_value, self._lowered_slope)

    @cached_property
    def _lowered_value(self) -> Node:
        return propagate_nan(lower(self.value))

    @cached_property
    def _lowered_slope(self) -> Node:
        return lower(self.slope)

    @cached_property
    def _evaluate(self) -> "Evaluator":
        return Evaluator(self._lowered_value)

    @cached_property
    def _evaluate_slope(self) -> "Evaluator":
        return Evaluator(self._lowered_slope)

    @cached_property
    def _evaluate_both(self) -> "Evaluator":
        return Evaluator(self._lowered_slope, (self._lowered_value,))


class Evaluator:
    """Evaluates a lowered formula on arrays, each node once.

    Operations are looked up when it is made, so that a call only computes.
    """

    def __init__(self, root: Node, known: Sequence[Node] = ()) -> None:
        """Prepare to evaluate `root`, where the values of `known` nodes will be passed as well."""
        inputs = (X, *known)
        places = {given: place for place, given in enumerate(inputs)}
        self._values: list[Array | float] = [0.0] * len(inputs)
        self._steps: list[tuple[ArrayFunction, int, tuple[int, ...]]] = []
        for current in walk(root, inputs):
            if current in places:
                continue
            places[current] = len(self._values)
            self._values.append(current.number)
            if current.operands:
                operands = tuple(places[operand] for operand in current.operands)
                self._steps.append((_choose_function(current), places[current], operands))
        self._result = places[root]

    def __call__(self, x: Array, *known: Array) -> Array:
        """The values at `x`; same shape."""
        values = self._values.copy()
        values[: 1 + len(known)] = x, *known
        with np.errstate(all="ignore"):
            for function, target, operands in self._steps:
                values[target] = function(*[values[place] for place in operands])
        result = values[self._result]
        if type(result) is np.ndarray and result.shape == x.shape:
            return result
        return np.full(np.shape(x), result)  # a constant


def _choose_function(root: Node) -> ArrayFunction:
    """The function of an operation; NumPy's product where one factor rules out 0 * inf."""
    factors = [operand.number for operand in root.operands if is_number(operand)]
    if root.operation == "multiply" and any(0.0 < abs(factor) < inf for factor in factors):
        return np.multiply
    return PRIMITIVES[root.operation].value


def evaluate_constant(root: Node) -> float:
    """The number that a formula without x is."""
    return float(Evaluator(lower(root))(np.zeros(1))[0])
