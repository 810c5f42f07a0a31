"""Two sweeps of the same keys, cell by cell, paired by seed where the seeds start alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

import numpy as np

from hsig.analysis.pairing import Match, Paired, judge_family, measure_of
from hsig.analysis.parts import find_difference
from hsig.analysis.statistics import quantiles
from hsig.analysis.summary import (
    QUARTILES,
    UNKNOWN,
    ResultSummary,
    Solved,
    count_solved,
    result_numbers,
)
from hsig.experiments.experiment import Experiment
from hsig.experiments.measures import SOLVED, Measure
from hsig.experiments.sweeps import Axis, CellResult, canonical_value
from hsig.networks.tasks import Task


@dataclass(frozen=True, eq=False, kw_only=True)
class CellSummary(ResultSummary):
    """The numbers of a cell; its `cost` at the budget in quartiles over seeds, rising."""

    cost: tuple[float, ...]


def summarise_cell(result: CellResult, task: Task | None = None) -> CellSummary:
    """Compute the numbers of a cell that people read, with the R2 of a task, if one is given."""
    with np.errstate(invalid="ignore"):
        cost = UNKNOWN if result.failure else tuple(quantiles(result.cost, QUARTILES).tolist())
    return CellSummary(cost=cost, **result_numbers(result, task))


_OF_ROWS = frozenset({"task", "held_out", "data_seed"})  # keys that say which rows are measured


def has_shared_rows(axes: Sequence[Axis]) -> bool:
    """Whether all cells of a sweep are measured on the same rows."""
    return not _OF_ROWS.intersection(axis.name for axis in axes)


def find_shared_task(base: Experiment, axes: Sequence[Axis]) -> Task | None:
    """The task of a number that all cells have; None of classes, or where rows are swept."""
    return base.task if has_shared_rows(axes) and not base.has_classes else None


@dataclass(frozen=True, eq=False)
class SweepOutcome:
    """A sweep as far as it went."""

    axes: tuple[Axis, ...]  # what was swept
    base: Experiment  # the experiment of the first cell
    # of each cell, by its values; None where seeds are missing
    results: Mapping[tuple[str, ...], CellResult | None]
    differing: tuple[str, ...] = ()  # as `Sweep` has it

    @cached_property
    def summaries(self) -> dict[tuple[str, ...], CellSummary | None]:
        """The numbers of each cell that people read."""
        task = find_shared_task(self.base, self.axes)
        return {
            cell: None if result is None else summarise_cell(result, task)
            for cell, result in self.results.items()
        }


@dataclass(frozen=True, eq=False)
class CellPair:
    """A cell that two sweeps have."""

    first: Solved | None  # what the first solved in it; None if it could not be trained
    second: Solved | None  # what the second solved
    # second minus first, in the measure: as they are paired, or else of all seeds of each; None if
    # one has none
    difference: float | None
    # the second against the first, over the seeds that both have; None if there are none, or they
    # start from other weights. All cells are one family
    paired: Paired | None


@dataclass(frozen=True, eq=False)
class TwoSweeps:
    """Two sweeps of the same keys."""

    axes: tuple[Axis, ...]  # the values that both have, as the first spells them
    # by these values; None where one of the sweeps has no result
    cells: Mapping[tuple[str, ...], CellPair | None]
    unpaired: str  # why no cell is paired by seed; empty if they are
    measure: Measure  # that claims are made of
    solved_by: str  # why, as a `Pairing` has it


def pair_sweeps(first: SweepOutcome, second: SweepOutcome) -> TwoSweeps:
    """Compare what two sweeps have in common.

    Raises:
        ValueError: If they do not sweep the same keys, or have no value of one in common.
    """
    names = [axis.name for axis in first.axes]
    other_axes = {axis.name: axis for axis in second.axes}
    if sorted(names) != sorted(other_axes):
        raise ValueError(f"they sweep other keys: {', '.join(names)}; and {', '.join(other_axes)}")
    axes = []
    for axis in first.axes:
        known = set(map(canonical_value, other_axes[axis.name].values))
        common = tuple(text for text in axis.values if canonical_value(text) in known)
        if not common:
            raise ValueError(f"they have no value of {axis.name} in common")
        axes.append(Axis(axis.name, common))
    # cells of the same values have the same of what is swept
    alike = {field: getattr(first.base, field) for field in names if hasattr(first.base, field)}
    unpaired = find_difference(first.base, replace(second.base, seeds=first.base.seeds, **alike))
    order = [[*other_axes].index(name) for name in names]
    others = {
        tuple(canonical_value(cell[place]) for place in order): result
        for cell, result in second.results.items()
    }
    known_cells = {
        cell: (ours, others[values])
        for cell, ours in first.results.items()
        if (values := tuple(map(canonical_value, cell))) in others
    }
    both = {cell: (a, b) for cell, (a, b) in known_cells.items() if a and b}
    measure, solved_by = measure_of([first.base, second.base], [*chain(*both.values())])
    matches = {
        cell: Match(measure.scores(b.select(seeds)), measure.scores(a.select(seeds)))
        for cell, (a, b) in both.items()
        if not unpaired and (seeds := [seed for seed in a.seeds if seed in set(b.seeds)])
    }
    paired = dict(zip(matches, judge_family([*matches.values()], measure), strict=True))
    cells: dict[tuple[str, ...], CellPair | None] = dict.fromkeys(known_cells)
    for cell, (a, b) in both.items():
        ours, theirs = (None if c.failure else count_solved(c.solved) for c in (a, b))
        test = paired.get(cell)
        difference = test.difference if test else _subtract_centres(a, b, measure)
        cells[cell] = CellPair(ours, theirs, difference, test)
    return TwoSweeps(tuple(axes), cells, unpaired, measure, solved_by)


def _subtract_centres(first: CellResult, second: CellResult, measure: Measure) -> float | None:
    """Second minus first: of the solved rates, or of the medians of another measure."""
    if first.failure or second.failure:
        return None
    if measure.name == SOLVED:
        return float(second.solved.mean() - first.solved.mean())
    ours, theirs = (
        float(quantiles(getattr(result.final, measure.field), [0.5])[0])
        for result in (first, second)
    )
    return theirs - ours
