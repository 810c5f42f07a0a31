"""The tiny tasks: samples, each with inputs and a target."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType

import numpy as np

from hsig.networks.arrays import Array


@dataclass(frozen=True, eq=False)
class Task:
    """What a network is to learn.

    Attributes:
        name: What to call it in a header.
        inputs: Shape (samples, inputs); the order of the samples is the order of training.
        targets: Shape (samples,).
    """

    name: str
    inputs: Array
    targets: Array


def _truth_table(name: str, rows: tuple[tuple[int, ...], ...], targets: tuple[int, ...]) -> Task:
    return Task(name, np.array(rows, dtype=np.float64), np.array(targets, dtype=np.float64))


_TWO_BITS = ((0, 1), (1, 0), (1, 1), (0, 0))  # the question's order
_THREE_BITS = tuple(product((0, 1), repeat=3))

_ROWS = (
    _truth_table("xor", _TWO_BITS, (1, 1, 0, 0)),
    _truth_table("and", _TWO_BITS, (0, 0, 1, 0)),
    _truth_table("or", _TWO_BITS, (1, 1, 1, 0)),
    _truth_table("parity3", _THREE_BITS, tuple(sum(bits) % 2 for bits in _THREE_BITS)),
)

TASKS: Mapping[str, Task] = MappingProxyType({row.name: row for row in _ROWS})
