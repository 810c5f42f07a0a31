"""Two sweeps of the same keys, cell by cell, paired by seed where the seeds start alike."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from hsig.analysis.pairing import Paired, pair
from hsig.analysis.parts import find_difference
from hsig.analysis.statistics import holm, quantiles
from hsig.analysis.summary import (
    QUARTILES,
    UNKNOWN,
    ResultSummary,
    Solved,
    count_solved,
    result_numbers,
)
from hsig.experiments.experiment import Experiment
from hsig.experiments.sweeps import Axis, CellResult, canonical_value


@dataclass(frozen=True, eq=False, kw_only=True)
class CellSummary(ResultSummary):
    """The numbers of a cell; its `cost` at the budget in quartiles over seeds, rising."""

    cost: tuple[float, ...]


def summarise_cell(result: CellResult) -> CellSummary:
    """Compute the numbers of a cell that people read."""
    with np.errstate(invalid="ignore"):
        cost = UNKNOWN if result.failure else tuple(quantiles(result.cost, QUARTILES).tolist())
    return CellSummary(cost=cost, **result_numbers(result))


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
        return {
            cell: None if result is None else summarise_cell(result)
            for cell, result in self.results.items()
        }


@dataclass(frozen=True, eq=False)
class CellPair:
    """A cell that two sweeps have."""

    first: Solved | None  # what the first solved in it; None if it could not be trained
    second: Solved | None  # what the second solved
    # the second against the first, over the seeds that both have; None if there are none, or they
    # start from other weights. Its p is after Holm, over all cells
    paired: Paired | None

    @property
    def difference(self) -> float | None:
        """Of the solved rates, second minus first."""
        if self.paired is not None:
            return self.paired.difference
        if self.first is None or self.second is None:
            return None
        return self.second.rate - self.first.rate


@dataclass(frozen=True, eq=False)
class TwoSweeps:
    """Two sweeps of the same keys."""

    axes: tuple[Axis, ...]  # the values that both have, as the first spells them
    # by these values; None where one of the sweeps has no result
    cells: Mapping[tuple[str, ...], CellPair | None]
    unpaired: str  # why no cell is paired by seed; empty if they are


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
    cells: dict[tuple[str, ...], CellPair | None] = {}
    for cell, ours in first.results.items():
        values = tuple(map(canonical_value, cell))
        if values in others:
            cells[cell] = _pair_cell(ours, others[values], not unpaired)
    tested = [(cell, both, both.paired) for cell, both in cells.items() if both and both.paired]
    adjusted = holm([paired.p for *_, paired in tested])
    for (cell, both, paired), p in zip(tested, adjusted, strict=True):
        cells[cell] = replace(both, paired=paired._replace(p=p))
    return TwoSweeps(tuple(axes), cells, unpaired)


def _pair_cell(
    first: CellResult | None, second: CellResult | None, may_be_paired: bool
) -> CellPair | None:
    if first is None or second is None:
        return None
    paired, known = None, set(second.seeds)
    seeds = [seed for seed in first.seeds if seed in known]
    if seeds and may_be_paired:
        solved = {"first": first.select(seeds).solved, "second": second.select(seeds).solved}
        paired = pair(solved, "first").against["second"]
    ours, theirs = (None if c.failure else count_solved(c.solved) for c in (first, second))
    return CellPair(ours, theirs, paired)
