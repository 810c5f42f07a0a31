"""A grid of experiments, and what becomes of each cell, which is trained by itself."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from itertools import accumulate, chain, pairwise, product
from typing import Any

import numpy as np

from hsig.arrays import Array
from hsig.engines import compiled
from hsig.engines.engine import MARKS, Problem
from hsig.experiments.evidence import map_arrays
from hsig.experiments.experiment import (
    OF_OPTIMIZER,
    Experiment,
    Failure,
    Result,
    Variant,
    as_cell,
    select_cost,
)
from hsig.experiments.training import gather, run
from hsig.networks.network import Weights


@dataclass(frozen=True)
class Axis:
    """A key, or a setting of the activation such as `activation.slope`, and its values as texts."""

    name: str
    values: tuple[str, ...]


def canonical_value(text: str) -> float | str:
    """A value of a key, such that 1 and 1.0 are the same."""
    try:
        return float(text)
    except ValueError:
        return text


def grid_cells(axes: Sequence[Axis]) -> list[tuple[str, ...]]:
    """Every combination of values, the last axis fastest."""
    return list(product(*(axis.values for axis in axes)))


@dataclass(frozen=True)
class Sweep:
    """The experiments of a sweep."""

    axes: tuple[Axis, ...]
    cells: tuple[tuple[str, ...], ...]  # a value of each axis; the last axis runs fastest
    experiments: tuple[Experiment, ...]  # one for each cell, each of one variant

    @property
    def differing(self) -> tuple[str, ...]:
        """The keys that are not swept, and that cells have as their optimizers have them."""
        axes = {axis.name for axis in self.axes}
        return tuple(
            name
            for name in OF_OPTIMIZER
            if name not in axes and len({getattr(e, name) for e in self.experiments}) > 1
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class CellResult(Result):
    """What became of the seeds of one cell; arrays have shape (seeds,)."""

    cost: Array  # at the budget, the one that tables show

    def select(self, seeds: Iterable[int]) -> "CellResult":
        """Of some of its seeds, in this order."""
        place = {seed: number for number, seed in enumerate(self.seeds)}
        chosen = tuple(seeds)
        rows = [place[seed] for seed in chosen]
        arrays = {name: getattr(self, name)[rows] for name in ARRAYS}
        measures = map_arrays(lambda array: array[rows], self.measures)
        return CellResult(
            seeds=chosen, stops_at_loss=self.stops_at_loss, measures=measures, **arrays
        )


ARRAYS = ("solved", *MARKS, "verdict", "cost")


def train_cell(experiment: Experiment) -> CellResult:
    """Train one cell, on one thread."""
    *_, result = cell_steps(experiment)
    assert result is not None, "the last is the result"
    return result


def cell_steps(*cells: Experiment) -> Iterator[CellResult | None]:
    """Train cells that `go_together`: None every now and then, so that one can stop, then results.

    Each has the bits that it has alone.
    """
    every = as_cell(cells[0])
    if len(cells) > 1:
        settings = {field.name: getattr(every, field.name) for field in fields(every)}
        settings["seeds"] = tuple(chain.from_iterable(cell.seeds for cell in cells))
        every = _Together(**settings, cells=cells)
    events = []
    for event in run(every, twins=0):
        if isinstance(event, Failure) or event.epoch == every.epochs:
            events.append(event)
        else:
            yield None
    (training,) = gather(every, events).results
    cost = select_cost(every, training)[:, -1:].ravel()  # of a failure there is none
    arrays: dict[str, Any] = {
        name: cost if name == "cost" else getattr(training, name) for name in ARRAYS
    }
    measures = training.measures
    ends = accumulate((0 if training.failure else len(cell.seeds) for cell in cells), initial=0)
    for cell, (start, stop) in zip(cells, pairwise(ends), strict=True):
        yield CellResult(
            seeds=() if training.failure else cell.seeds,
            failure=training.failure,
            stops_at_loss=training.stops_at_loss,
            measures=map_arrays(lambda array, some=slice(start, stop): array[some, -1:], measures),
            **{name: array[start:stop] for name, array in arrays.items()},
        )


_OWN = ("learning_rate", "init", "seeds")  # what cells that go together may each have


def go_together(first: Experiment, second: Experiment) -> bool:
    """Whether two cells are as good as one with the seeds of both."""
    names = [field.name for field in fields(Experiment) if field.name not in _OWN]
    return (
        first.initial_weights is None
        and first.engines == (compiled.NAME,)
        and all(getattr(first, name) is getattr(second, name) for name in names)
    )


@dataclass(frozen=True, eq=False)
class _Together(Experiment):
    """The seeds of several cells as those of one."""

    cells: tuple[Experiment, ...] = ()

    def starting_weights(self) -> Weights:
        layers = zip(*(cell.starting_weights() for cell in self.cells), strict=True)
        return tuple(map(np.concatenate, layers))

    def problem_of(self, variant: Variant) -> Problem:
        rates = [cell.learning_rate_of(variant) for cell in self.cells]
        counts = [len(cell.seeds) for cell in self.cells]
        return replace(super().problem_of(variant), learning_rate=np.repeat(rates, counts))


@dataclass(frozen=True)
class LostCell:
    """A cell whose workers kept dying, and how; another time it may be trained."""

    reason: str
