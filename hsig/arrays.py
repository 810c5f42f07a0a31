"""The array types of the numeric core, and the one way in which it sums."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


def sum_in_order(terms: Array | Iterable[Array]) -> Array:
    """Sum over the first axis, strictly from the first term to the last.

    `terms.sum(axis=0)` may change the order of its additions, and so the last bits, with the
    shape and the memory layout. A seed must give the same bits alone and in a batch.

    Args:
        terms: Shape (terms, ...), at least one term; or one after the other, each of shape (...).

    Returns:
        Shape (...); a view of the only term when there is one.

    >>> float(sum_in_order(np.array([1e16, 1.0, 1.0])))
    1e+16
    """
    rest = iter(terms)
    total: Array = next(rest)
    for term in rest:
        total = total + term
    return total


def mean_in_order(terms: Array) -> Array:
    """Mean over the first axis: `sum_in_order`, divided by the number of terms."""
    return sum_in_order(terms) / len(terms)


def find_same_bits(first: Array, second: Array) -> BoolArray:
    """Which seeds, the last axis, have the same bits in the two axes before; -0 is not 0."""
    same: BoolArray = (first.view(np.int64) == second.view(np.int64)).all(axis=(-3, -2))
    return same
