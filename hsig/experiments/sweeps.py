"""A grid of experiments, and what becomes of each cell, which is trained by itself."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from hsig.arrays import Array
from hsig.engines.engine import MARKS
from hsig.experiments.experiment import (
    OF_OPTIMIZER,
    Experiment,
    Failure,
    Result,
    as_cell,
    select_cost,
)
from hsig.experiments.training import gather, run


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
        return CellResult(seeds=chosen, stops_at_loss=self.stops_at_loss, **arrays)


ARRAYS = ("solved", *MARKS, "verdict", "cost")


def train_cell(experiment: Experiment) -> CellResult:
    """Train one cell, on one thread."""
    *_, result = cell_steps(experiment)
    assert result is not None, "the last is the result"
    return result


def cell_steps(experiment: Experiment) -> Iterator[CellResult | None]:
    """Train one cell: None every now and then, so that one can stop, and last the result."""
    cell = as_cell(experiment)
    events = []
    for event in run(cell, twins=0):
        if isinstance(event, Failure) or event.epoch == cell.epochs:
            events.append(event)
        else:
            yield None
    (training,) = gather(cell, events).results
    yield CellResult(
        seeds=training.seeds,
        failure=training.failure,
        stops_at_loss=training.stops_at_loss,
        cost=select_cost(cell, training)[:, -1:].ravel(),  # of a failure there is none
        **{name: getattr(training, name) for name in ARRAYS if name != "cost"},
    )


@dataclass(frozen=True)
class LostCell:
    """A cell whose workers kept dying, and how; another time it may be trained."""

    reason: str
