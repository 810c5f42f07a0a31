"""The tiny tasks: samples, each with inputs and a target; and scales for the inputs."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product
from types import MappingProxyType

import numpy as np

from hsig.arrays import Array, sum_in_order

NO_SCALE = "none"
SCALES = (NO_SCALE, "standard", "minmax")


@dataclass(frozen=True, eq=False)
class Task:
    """What a network is to learn."""

    name: str
    inputs: Array  # (samples, inputs); the order of the samples is the order of training
    targets: Array  # (samples, outputs)
    columns: tuple[str, ...] = ()  # names of each input and then of each target, if any


def scale_inputs(task: Task, scale: str) -> Task:
    """The task with each of its inputs brought to a scale, over the samples.

    `standard` has mean 0 and standard deviation 1 (over n, not n - 1), `minmax` runs from 0 to 1,
    and `none` leaves all as it is. An input that is the same for every sample becomes 0.

    Source:
        LeCun, Bottou, Orr & Müller 1998, Efficient BackProp, section 4.3.

    >>> ages = Task("ages", np.array([[20.0], [30.0], [60.0]]), np.zeros((3, 1)))
    >>> scale_inputs(ages, "minmax").inputs.T
    array([[0.  , 0.25, 1.  ]])
    """
    if scale == NO_SCALE:
        return task
    low, high = task.inputs.min(axis=0), task.inputs.max(axis=0)
    varies = high > low
    # as shares of the largest size, of which no sum or square overflows
    largest = np.where(varies, np.maximum(np.abs(low), np.abs(high)), 1.0)
    low, high, inputs = low / largest, high / largest, task.inputs / largest
    if scale == "standard":
        middle = sum_in_order(inputs) / len(inputs)
        spread = np.sqrt(sum_in_order((inputs - middle) ** 2) / len(inputs))
    else:
        middle, spread = low, high - low
    return replace(
        task, inputs=np.where(varies, (inputs - middle) / np.where(varies, spread, 1.0), 0.0)
    )


def _truth_table(name: str, rows: tuple[tuple[int, ...], ...], targets: tuple[int, ...]) -> Task:
    return Task(
        name, np.array(rows, dtype=np.float64), np.array(targets, dtype=np.float64)[:, None]
    )


_TWO_BITS = ((0, 1), (1, 0), (1, 1), (0, 0))  # the question's order
_THREE_BITS = tuple(product((0, 1), repeat=3))

_ROWS = (
    _truth_table("xor", _TWO_BITS, (1, 1, 0, 0)),
    _truth_table("and", _TWO_BITS, (0, 0, 1, 0)),
    _truth_table("or", _TWO_BITS, (1, 1, 1, 0)),
    _truth_table("parity3", _THREE_BITS, tuple(sum(bits) % 2 for bits in _THREE_BITS)),
)

TASKS: Mapping[str, Task] = MappingProxyType({row.name: row for row in _ROWS})
