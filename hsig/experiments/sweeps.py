"""A grid of experiments, and what becomes of each cell, which is trained by itself."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from hsig.experiments.experiment import Experiment, Failure, shown_cost
from hsig.experiments.training import gather, run
from hsig.experiments.verdicts import VERDICTS, verdicts
from hsig.networks.arrays import Array, BoolArray, IntArray


@dataclass(frozen=True)
class Axis:
    """A key, or a setting of the activation such as `activation.slope`, and its values as texts."""

    name: str
    values: tuple[str, ...]


def canonical(text: str) -> float | str:
    """A value of a key, such that 1 and 1.0 are the same."""
    try:
        return float(text)
    except ValueError:
        return text


def cells_of(axes: Sequence[Axis]) -> list[tuple[str, ...]]:
    """Every combination of values, the last axis fastest."""
    return list(product(*(axis.values for axis in axes)))


@dataclass(frozen=True)
class Sweep:
    """The experiments of a sweep.

    Attributes:
        axes: What is swept.
        cells: A value of each axis, as texts, for each experiment; the last axis runs fastest.
        experiments: One for each cell, each of one variant.
    """

    axes: tuple[Axis, ...]
    cells: tuple[tuple[str, ...], ...]
    experiments: tuple[Experiment, ...]


@dataclass(frozen=True, eq=False)
class CellResult:
    """What became of the seeds of one cell; arrays have shape (seeds,).

    Attributes:
        seeds: Which.
        solved: Whether each was solved at the budget.
        solved_at: First epoch count with which all was right, or -1.
        lost_at: First later one with which it was not, or -1.
        diverged_at: Epoch during which a weight stopped being finite, or -1.
        verdict: Place in `hsig.experiments.verdicts.VERDICTS`.
        cost: At the budget, the one that tables show.
        error: Why the cell could not be trained, or nothing; there are no seeds then.
    """

    seeds: tuple[int, ...]
    solved: BoolArray
    solved_at: IntArray
    lost_at: IntArray
    diverged_at: IntArray
    verdict: IntArray
    cost: Array
    error: str = ""

    @classmethod
    def failed(cls, error: str) -> "CellResult":
        """Of a cell that could not be trained."""
        none = np.zeros(0, dtype=np.int64)
        return cls((), none.astype(bool), none, none, none, none, none.astype(np.float64), error)

    def with_more(self, other: "CellResult") -> "CellResult":
        """With the seeds of the other that it lacks; a failed one gives way to any other."""
        if self.error or other.error:
            return other
        there = set(self.seeds)
        fresh = other.of(seed for seed in other.seeds if seed not in there)
        arrays: dict[str, Any] = {
            name: np.concatenate([getattr(self, name), getattr(fresh, name)]) for name in ARRAYS
        }
        return CellResult(self.seeds + fresh.seeds, **arrays)

    def of(self, seeds: Iterable[int]) -> "CellResult":
        """Of some of its seeds, in this order."""
        place = {seed: number for number, seed in enumerate(self.seeds)}
        chosen = tuple(seeds)
        rows = [place[seed] for seed in chosen]
        return CellResult(chosen, **{name: getattr(self, name)[rows] for name in ARRAYS})


ARRAYS = ("solved", "solved_at", "lost_at", "diverged_at", "verdict", "cost")


def train_cell(
    experiment: Experiment, going_on: Callable[[], bool] | None = None
) -> CellResult | None:
    """Train one cell, on one thread; None if it was told not to go on."""
    experiment = as_cell(experiment)
    events = []
    for event in run(experiment):
        if isinstance(event, Failure) or event.epoch in (experiment.last_tenth, experiment.epochs):
            events.append(event)
        if going_on is not None and not going_on():
            return None
    (training,) = gather(experiment, events).results
    if isinstance(training, Failure):
        return CellResult.failed(training.reason)
    words = verdicts(training)
    return CellResult(
        seeds=experiment.seeds,
        solved=training.solved,
        solved_at=training.solved_at,
        lost_at=training.lost_at,
        diverged_at=training.diverged_at,
        verdict=np.array([VERDICTS.index(word) for word in words]),
        cost=shown_cost(experiment, training)[:, -1],
    )


def as_cell(experiment: Experiment) -> Experiment:
    """The same numbers at the budget, with nothing reported on the way."""
    return replace(experiment, report_every=experiment.epochs, at_epochs=(), expect={})


@dataclass(frozen=True)
class Lost:
    """What became of a cell on which workers kept dying; another time it may be trained."""

    reason: str
