"""Formulas of arrays, with NumPy: node by node, each once."""

from collections.abc import Sequence
from math import inf

import numpy as np

from hsig.networks.arrays import Array
from hsig.networks.formulas.nodes import Node, X, is_number, walk
from hsig.networks.formulas.primitives import PRIMITIVES, Function
from hsig.networks.formulas.simplifying import apply, product_of_power

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


def constant(root: Node) -> float:
    """The number that a formula without x is."""
    return float(Evaluator(lowered(root))(np.zeros(1))[0])


def lowered(root: Node) -> Node:
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
