"""The array types of the numeric core, and the one way in which it sums."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


def sum_in_order(terms: Array) -> Array:
    """Sum over the first axis, strictly from the first term to the last.

    `terms.sum(axis=0)` may change the order of its additions, and so the last bits, with the
    shape and the memory layout. A seed must give the same bits alone and in a batch.

    Args:
        terms: Shape (terms, ...), at least one term.

    Returns:
        Shape (...); a view of the only term when there is one.

    >>> float(sum_in_order(np.array([1e16, 1.0, 1.0])))
    1e+16
    """
    total: Array = terms[0]
    for term in terms[1:]:
        total = total + term
    return total


def mean_in_order(terms: Array) -> Array:
    """Mean over the first axis: `sum_in_order`, divided by the number of terms."""
    return sum_in_order(terms) / len(terms)
