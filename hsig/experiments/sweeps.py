"""A grid of experiments: each cell is trained by itself, over any executor, and told as it ends."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass, replace
from itertools import islice, product
from typing import Any

import numpy as np

from hsig.errors import HsigError
from hsig.experiments.experiment import Experiment, Failure, Result, shown_cost
from hsig.experiments.training import gather, run
from hsig.networks.arrays import Array

_TRIES_MOST = 3  # of a cell whose worker dies


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


@dataclass(frozen=True, eq=False, kw_only=True)
class CellResult(Result):
    """What became of the seeds of one cell; arrays have shape (seeds,).

    Attributes:
        cost: At the budget, the one that tables show.
    """

    cost: Array

    @classmethod
    def failed(cls, reason: str) -> "CellResult":
        """Of a cell that could not be trained."""
        none = np.zeros(0, dtype=np.int64)
        arrays: dict[str, Any] = dict.fromkeys(ARRAYS, none)
        arrays |= {"solved": none.astype(bool), "cost": none.astype(np.float64)}
        return cls(seeds=(), **arrays, failure=reason)

    def with_more(self, other: "CellResult") -> "CellResult":
        """With the seeds of the other that it lacks; a failed one gives way to any other."""
        if self.failure or other.failure:
            return other
        there = set(self.seeds)
        fresh = other.of(seed for seed in other.seeds if seed not in there)
        arrays: dict[str, Any] = {
            name: np.concatenate([getattr(self, name), getattr(fresh, name)]) for name in ARRAYS
        }
        return CellResult(seeds=self.seeds + fresh.seeds, **arrays)

    def of(self, seeds: Iterable[int]) -> "CellResult":
        """Of some of its seeds, in this order."""
        place = {seed: number for number, seed in enumerate(self.seeds)}
        chosen = tuple(seeds)
        rows = [place[seed] for seed in chosen]
        return CellResult(seeds=chosen, **{name: getattr(self, name)[rows] for name in ARRAYS})


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
    if training.failure:
        return CellResult.failed(training.failure)
    made = {name: getattr(training, name) for name in ARRAYS if name != "cost"}
    cost = shown_cost(experiment, training)[:, -1]
    return CellResult(seeds=experiment.seeds, **made, cost=cost)


def as_cell(experiment: Experiment) -> Experiment:
    """The same numbers at the budget, with nothing reported on the way."""
    return replace(experiment, report_every=experiment.epochs, at_epochs=(), expect={})


@dataclass(frozen=True)
class Lost:
    """What became of a cell on which workers kept dying; another time it may be trained."""

    reason: str


def _unexplained(_: Exception) -> None:
    """No exception is expected of the work itself."""


@dataclass(frozen=True)
class Crew:
    """Those who train the cells of a sweep.

    Attributes:
        start: Makes their executor.
        work: What they do with a cell; it gives None if it was told to stop.
        number: How many cells they train at a time.
        ahead: How many cells are handed over at a time.
        stop: Ends whatever is going on.
        explained: What an exception of the work means: a lost cell, or the end of the sweep; None
            if it is a bug.
    """

    start: Callable[[], Executor]
    work: Callable[[Experiment], CellResult | None]
    number: int
    ahead: int
    stop: Callable[[], None]
    explained: Callable[[Exception], Lost | HsigError | None] = _unexplained


def run_cells(
    experiments: Iterable[tuple[int, Experiment]], crew: Crew
) -> Iterator[tuple[int, CellResult | Lost]]:
    """Train cells over an executor and yield each as it ends, with its number.

    A worker that dies loses only the time of what it was doing: the pool is started anew and those
    cells are tried again, a few times.

    Raises:
        HsigError: If the crew cannot go on.
    """
    waiting = iter(experiments)
    tries: dict[int, int] = {}
    executor = crew.start()
    flying: dict[Future[CellResult | None], tuple[int, Experiment]] = {}
    again: list[tuple[int, Experiment]] = []
    try:
        while True:
            for cell in [*again, *islice(waiting, max(0, crew.ahead - len(flying) - len(again)))]:
                flying[executor.submit(crew.work, cell[1])] = cell
            again = []
            if not flying:
                return
            done, _ = wait(flying, return_when=FIRST_COMPLETED)
            broken = False
            for future in done:
                cell = flying.pop(future)
                try:
                    result = future.result()
                except BrokenExecutor:
                    broken = True
                    tries[cell[0]] = tries.get(cell[0], 0) + 1
                    if tries[cell[0]] < _TRIES_MOST:
                        again.append(cell)
                    else:
                        yield cell[0], Lost("the processes that trained it died")
                    continue
                except Exception as problem:
                    meaning = crew.explained(problem)
                    if isinstance(meaning, HsigError):
                        raise meaning from None
                    if meaning is None:
                        raise
                    yield cell[0], meaning
                    continue
                if result is not None:
                    yield cell[0], result
            if broken:
                again += flying.values()
                flying.clear()
                executor.shutdown(wait=False, cancel_futures=True)
                executor = crew.start()
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
