"""What an engine runs of a formula: steps over registers, each an operation on whole arrays.

Operands are numbered. 0 is the pre-activation x, 1 to `registers - 1` are what steps write, and
from `registers` on come the constants. A step may write the register that it reads.
"""

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

import numpy as np

from hsig.arrays import Array
from hsig.formulas.nodes import Node, X, is_number, node, number, walk
from hsig.formulas.primitives import PRIMITIVES, Function
from hsig.formulas.simplifying import apply, product_of_power

# --- program -------------------------------------------------------------------------------------


class Step(NamedTuple):
    """One operation.

    Attributes:
        operation: The name of a primitive in `hsig.formulas.primitives`.
        target: The register that is written, at least 1.
        operands: Numbers of operands, as many as the primitive takes.
    """

    operation: str
    target: int
    operands: tuple[int, ...]


class Program(NamedTuple):
    """The value and the slope of an activation, as steps that share what both need.

    Attributes:
        steps: In their order; the first `value_steps` make the value, all of them also the slope.
        value_steps: How many make the value.
        constants: Numbers that stay.
        registers: How many there are, x among them.
        value: The operand that is the value in the end.
        slope: The operand that is the slope in the end.
    """

    steps: tuple[Step, ...]
    value_steps: int
    constants: tuple[float, ...]
    registers: int
    value: int
    slope: int


def compile_program(value: Node, slope: Node) -> Program:
    """The steps that make a value and a slope, both `lowered`."""
    order = list(walk(value))
    made = set(order)
    operations = [one for one in order if one.operands]
    value_steps = len(operations)
    operations += [one for one in walk(slope) if one.operands and one not in made]
    numbers = dict.fromkeys(
        one.number for root in (value, slope) for one in walk(root) if is_number(one)
    )
    register, count = _registers(operations, (value, slope))
    place = {one: register[one] for one in register}
    place |= {number(value): count + n for n, value in enumerate(numbers)}
    steps = tuple(
        Step(one.operation, place[one], tuple(place[operand] for operand in one.operands))
        for one in operations
    )
    return Program(steps, value_steps, tuple(numbers), count, place[value], place[slope])


def _registers(operations: list[Node], kept: tuple[Node, ...]) -> tuple[dict[Node, int], int]:
    """The register of each operation's result, used again after its last use; and their count."""
    last_use = {operand: step for step, one in enumerate(operations) for operand in one.operands}
    last_use |= dict.fromkeys(kept, len(operations))
    register, free, count = {X: 0}, list[int](), 1
    for step, one in enumerate(operations):
        done = {u for u in one.operands if u.operands and last_use[u] == step}
        free = sorted({*free, *(register[u] for u in done)}, reverse=True)
        if free:
            register[one] = free.pop()
        else:
            register[one], count = count, count + 1
    return register, count


def propagate_nan(root: Node) -> Node:
    """A formula that is nan where x is: a comparison with nan takes the last branch."""
    kept: dict[Node, bool] = {}
    for one in walk(root):
        if one.operation.startswith("where_"):
            kept[one] = kept[one.operands[-1]]
        else:
            kept[one] = one is X or any(kept[operand] for operand in one.operands)
    return root if kept[root] else node("where_equal", X, X, root, X)


# --- evaluating ----------------------------------------------------------------------------------

# Formulas of arrays, with NumPy: node by node, each once.

_LARGE = 1e50  # products of some numbers below it are finite
# whose values are finite for every finite or infinite number
_BOUNDED = {"tanh", "sigmoid", "erf", "atan", "sign"}
_BOUNDED_OF_BOUNDED = {"add", "subtract", "multiply", "negative", "absolute", "floor", "asinh"}
_BOUNDED_OF_BOUNDED |= {"sin", "cos", "softplus", "minimum", "maximum"}


class Evaluator:
    """Makes a formula of arrays; each operation is looked up once, when this is made."""

    def __init__(self, root: Node, known: Sequence[Node] = ()) -> None:
        """Get ready.

        Args:
            root: The formula, `lowered`.
            known: Parts of it that are given beside x when it is evaluated.
        """
        given = (X, *known)
        places = {one: place for place, one in enumerate(given)}
        self._held: list[Array | float] = [0.0] * len(given)
        self._steps: list[tuple[Function, int, tuple[int, ...]]] = []
        bounded = _bounded(root)
        for one in walk(root, given):
            if one in places:
                continue
            places[one] = len(self._held)
            self._held.append(one.number)
            if one.operands:
                operands = tuple(places[operand] for operand in one.operands)
                self._steps.append((_value_of(one, bounded), places[one], operands))
        self._root = places[root]

    def __call__(self, x: Array, *known: Array) -> Array:
        """What the formula gives, of the shape of `x`."""
        held = self._held.copy()
        held[: 1 + len(known)] = x, *known
        with np.errstate(all="ignore"):
            for value, target, operands in self._steps:
                held[target] = value(*[held[place] for place in operands])
        made = held[self._root]
        if type(made) is np.ndarray and made.shape == x.shape:
            return made
        return np.full(np.shape(x), made)  # a number, which holds everywhere


def _bounded(root: Node) -> set[Node]:
    """The parts of a formula that are never infinite."""
    found: set[Node] = set()
    for one in walk(root):
        if is_number(one):
            bounded = abs(one.number) < _LARGE
        elif one.operation.startswith("where_"):
            bounded = found.issuperset(one.operands[2:])
        else:
            of_bounded = one.operation in _BOUNDED_OF_BOUNDED and found.issuperset(one.operands)
            bounded = one.operation in _BOUNDED or of_bounded
        if bounded:
            found.add(one)
    return found


def _value_of(one: Node, bounded: set[Node]) -> Function:
    """The operation; of a product that cannot be 0 times infinity, the plain one."""
    if one.operation == "multiply":
        u, v = one.operands
        scaled = any(is_number(w) and 0.0 < abs(w.number) < inf for w in (u, v))
        if scaled or {u, v} <= bounded:
            return np.multiply
    return PRIMITIVES[one.operation].value


def evaluate_constant(root: Node) -> float:
    """The number that a formula without x is."""
    return float(Evaluator(lower(root))(np.zeros(1))[0])


def lower(root: Node) -> Node:
    """The same formula in what engines have: powers as products, a clip as its two halves."""
    made: dict[Node, Node] = {}
    for one in walk(root):
        operands = tuple(made[operand] for operand in one.operands)
        if one.operation == "clip":
            made[one] = _clip(*operands)
        elif one.operation == "power":
            made[one] = _power(*operands)
        else:
            made[one] = apply(one.operation, *operands) if operands else one
    return made[root]


def _clip(u: Node, low: Node, high: Node) -> Node:
    if not (is_number(low) and low.number == -inf):
        u = apply("maximum", u, low)
    return u if is_number(high) and high.number == inf else apply("minimum", u, high)


def _power(u: Node, v: Node) -> Node:
    product = product_of_power(u, v.number) if is_number(v) else None
    return apply("power", u, v) if product is None else product
