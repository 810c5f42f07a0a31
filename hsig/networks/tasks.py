"""Tasks: samples, each with inputs and targets; and scales for both."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from math import sqrt
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.random import RandomState

from hsig.arrays import Array, mean_in_order

NO_SCALE = "none"
SCALES = (NO_SCALE, "standard", "minmax")
CLASS, NUMBER = "class", "number"  # what a target may be


STDIN = "-"  # the path of what is read from standard input


class Rows(NamedTuple):
    """Some rows of a task."""

    inputs: Array  # (rows, inputs)
    targets: Array  # (rows, outputs)


class Source(NamedTuple):
    """The file that a task is read from."""

    path: str  # as it was given
    sha256: str
    notes: tuple[str, ...] = ()  # what was understood of it


@dataclass(frozen=True, eq=False)
class Task:
    """What a network is to learn: the rows that it is trained on, and those that are held out."""

    name: str
    inputs: Array  # (samples, inputs); the order of the samples is the order of training
    targets: Array  # (samples, outputs)
    columns: tuple[str, ...] = ()  # names of each input and then of each target, if any
    kind: str = ""  # of the target: CLASS or NUMBER; empty where nothing was to be decided
    # names of the classes: of two the first is 0 and the second 1, of more each has an output
    classes: tuple[str, ...] = ()
    held_out: Rows | None = None  # never trained on
    places: tuple[int, ...] = ()  # of the rows and then of those held out, where these were split
    source: Source | None = None
    # predictions in the target's own unit are shift + unit * those that the networks make
    shift: float = 0.0
    unit: float = 1.0

    @property
    def rows(self) -> Rows:
        """Those that are trained on."""
        return Rows(self.inputs, self.targets)

    @property
    def every_row(self) -> Rows:
        """All rows, in the order that they had before some were held out."""
        if self.held_out is None or not self.places:
            return self.rows
        order = np.argsort(self.places)
        pairs = zip(self.rows, self.held_out, strict=True)
        return Rows(*(np.concatenate(pair)[order] for pair in pairs))

    def restore(self, predictions: Array) -> Array:
        """Predictions of the networks in the target's own unit."""
        if (self.shift, self.unit) == (0.0, 1.0):
            return predictions
        with np.errstate(all="ignore"):
            own: Array = self.shift + self.unit * predictions
        return own


def scale_task(task: Task, scale: str, scale_target: str = NO_SCALE) -> Task:
    """The task as the networks see it: each of its inputs, and its target, brought to a scale.

    `standard` has mean 0 and standard deviation 1 (over n, not n - 1), `minmax` runs from 0 to 1,
    and `none` leaves all as it is. What is the same for every sample becomes 0. The scale is learnt
    from the rows that are trained on, and those held out are brought to the same.

    Source:
        LeCun, Bottou, Orr & Müller 1998, Efficient BackProp, section 4.3.

    >>> ages = Task("ages", np.array([[20.0], [30.0], [60.0]]), np.zeros((3, 1)))
    >>> scale_task(ages, "minmax").inputs.T
    array([[0.  , 0.25, 1.  ]])
    """
    if scale != NO_SCALE:
        scaled = _scale_columns(task.inputs, scale)
        task = _map_rows(task, lambda rows: Rows(scaled(rows.inputs), rows.targets))
    if scale_target != NO_SCALE:
        column = task.targets[:, 0]
        shift, unit = float(column.min()), float(np.ptp(column))
        if scale_target == "standard":
            shift = float(mean_in_order(column))
            unit = sqrt(float(mean_in_order((column - shift) ** 2)))
        unit = unit or 1.0
        task = _map_rows(task, lambda rows: Rows(rows.inputs, (rows.targets - shift) / unit))
        task = replace(task, shift=shift, unit=unit)
    return task


def _map_rows(task: Task, function: Callable[[Rows], Rows]) -> Task:
    rows, held_out = function(task.rows), task.held_out and function(task.held_out)
    return replace(task, inputs=rows.inputs, targets=rows.targets, held_out=held_out)


def _scale_columns(inputs: Array, scale: str) -> Callable[[Array], Array]:
    """What brings rows to the scale of these, each column by itself."""
    low, high = inputs.min(axis=0), inputs.max(axis=0)
    varies = high > low
    # as shares of the largest size, of which no sum or square overflows
    largest = np.where(varies, np.maximum(np.abs(low), np.abs(high)), 1.0)
    low, high, inputs = low / largest, high / largest, inputs / largest
    if scale == "standard":
        middle = mean_in_order(inputs)
        spread = np.sqrt(mean_in_order((inputs - middle) ** 2))
    else:
        middle, spread = low, high - low

    def scaled(rows: Array) -> Array:
        apart = rows / largest - middle
        return np.where(varies, apart / np.where(varies, spread, 1.0), 0.0)

    return scaled


MIN_ROWS = 10  # from which on some may be held out


def split_rows(task: Task, share: float, data_seed: int) -> Task:
    """Hold out a share of the rows, of each class by itself if the target is one.

    Rounded, and of each class one at least stays in training. Equal rows stay on one side.
    """
    places: dict[bytes, int] = {}  # of rows that differ
    rows = np.concatenate(task.rows, axis=1) + 0.0  # -0 is 0
    equal = np.array([places.setdefault(row.tobytes(), len(places)) for row in rows])
    strata = np.zeros(len(rows), dtype=np.int64)
    if task.kind == CLASS:
        several = task.targets.shape[1] > 1
        strata = task.targets.argmax(axis=1) if several else task.targets[:, 0].astype(np.int64)
    generator, held = RandomState(data_seed), np.zeros(len(places), dtype=bool)
    for stratum in np.unique(strata):
        groups, sizes = np.unique(equal[strata == stratum], return_counts=True)
        left = min(round(share * int(sizes.sum())), int(sizes.sum()) - 1)
        for place in generator.permutation(len(groups)):
            if sizes[place] <= left:
                held[groups[place]] = True
                left -= sizes[place]
    chosen = held[equal]
    order = np.concatenate([np.flatnonzero(~chosen), np.flatnonzero(chosen)])
    return replace(
        task,
        inputs=task.inputs[~chosen],
        targets=task.targets[~chosen],
        held_out=Rows(task.inputs[chosen], task.targets[chosen]),
        places=tuple(order.tolist()),
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
