"""Formulas of arrays, with NumPy: node by node, each once."""

from collections.abc import Mapping, Sequence
from math import inf

import numpy as np

from hsig.networks.arrays import Array
from hsig.networks.formulas.nodes import Node, X, is_number, walk
from hsig.networks.formulas.primitives import PRIMITIVES
from hsig.networks.formulas.simplifying import apply, product_of_power


def order_of(root: Node, known: Sequence[Node] = ()) -> tuple[Node, ...]:
    """The operations that make a formula of x and of other nodes that are known, in their order."""
    return tuple(one for one in walk(root, known) if one.operands and one not in known)


def evaluate(root: Node, order: Sequence[Node], known: Mapping[Node, Array]) -> Array:
    """What a formula gives, of the shape of x.

    Args:
        root: The formula, `lowered`.
        order: From `order_of`, with the nodes that are known beside x.
        known: The arrays that x and they are.
    """
    found: dict[Node, Array | float] = dict(known)
    shape = np.shape(known[X])

    def of(one: Node) -> Array | float:
        return one.number if is_number(one) else found[one]

    with np.errstate(all="ignore"):
        for one in order:
            found[one] = PRIMITIVES[one.operation].value(*map(of, one.operands))
    made = np.asarray(of(root), dtype=np.float64)
    return made if made.shape == shape else np.full(shape, made)


def constant(root: Node) -> float:
    """The number that a formula without x is."""
    root = lowered(root)
    return float(evaluate(root, order_of(root), {X: np.zeros(1)})[0])


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
