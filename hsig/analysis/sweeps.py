"""Two sweeps of the same keys, cell by cell, paired by seed where the seeds start alike."""

from collections.abc import Mapping, Sequence
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
from hsig.experiments.verdicts import SOLVED

_STARTS = ("task", "hidden", "init", "initial_weights")  # what the first weights are made from


@dataclass(frozen=True, eq=False, kw_only=True)
class CellSummary(ResultSummary):
    """The numbers of a cell that people read.

    Attributes:
        cost: At the budget: lower quartile, median and upper quartile over seeds.
    """

    cost: tuple[float, float, float]

    @property
    def dominant(self) -> str:
        """The verdict of most seeds that were not solved; empty if there are none."""
        failed = {word: n for word, n in self.verdicts.items() if word != SOLVED}
        return max(failed, key=lambda word: failed[word], default="")


def summarise_cell(result: CellResult) -> CellSummary:
    """The numbers of a cell that people read."""
    cost = UNKNOWN
    if not result.failure:
        with np.errstate(invalid="ignore"):
            lower, median, upper = quantiles(result.cost[:, None], QUARTILES)[:, 0].tolist()
        cost = lower, median, upper
    return CellSummary(cost=cost, **result_numbers(result))


@dataclass(frozen=True, eq=False)
class SweepOutcome:
    """A sweep as far as it went.

    Attributes:
        axes: What was swept.
        base: The experiment of the first cell.
        results: Of each cell, by its values; None where seeds are missing.
    """

    axes: tuple[Axis, ...]
    base: Experiment
    results: Mapping[tuple[str, ...], CellResult | None]

    @cached_property
    def summaries(self) -> dict[tuple[str, ...], CellSummary | None]:
        """The numbers of each cell that people read."""
        return {
            cell: None if result is None else summarise_cell(result)
            for cell, result in self.results.items()
        }


@dataclass(frozen=True, eq=False)
class CellPair:
    """A cell that two sweeps have.

    Attributes:
        first: What the first solved in it; None if it could not be trained.
        second: What the second solved.
        paired: The second against the first, over the seeds that both have; None if there are
            none, or they start from other weights. Its p is after Holm, over all cells.
    """

    first: Solved | None
    second: Solved | None
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
    """Two sweeps of the same keys.

    Attributes:
        axes: The values that both have, as the first spells them.
        cells: By these values; None where one of the sweeps has no result.
        unpaired: Why no cell is paired by seed; empty if they are.
    """

    axes: tuple[Axis, ...]
    cells: Mapping[tuple[str, ...], CellPair | None]
    unpaired: str


def pair_sweeps(first: SweepOutcome, second: SweepOutcome) -> TwoSweeps:
    """Compare what two sweeps have in common.

    Raises:
        ValueError: If they do not sweep the same keys, or have no value of one in common.
    """
    names = [axis.name for axis in first.axes]
    if sorted(names) != sorted(axis.name for axis in second.axes):
        others = ", ".join(axis.name for axis in second.axes)
        raise ValueError(f"they sweep other keys: {', '.join(names)}; and {others}")
    theirs = {axis.name: axis for axis in second.axes}
    axes = tuple(_common(axis, theirs[axis.name]) for axis in first.axes)
    for axis in axes:
        if not axis.values:
            raise ValueError(f"they have no value of {axis.name} in common")
    unpaired = _difference(first.base, second.base, names)
    ours = _by_value(first, names)
    others_by_value = _by_value(second, names)
    made: dict[tuple[str, ...], CellPair | None] = {}
    for cell in first.results:
        values = tuple(map(canonical_value, cell))
        if values in ours and values in others_by_value:
            one, other = ours[values], others_by_value[values]
            if one is None or other is None:
                made[cell] = None
            else:
                made[cell] = _pair(one, other, may_be_paired=not unpaired)
    return TwoSweeps(axes, _adjusted(made), unpaired)


def _common(axis: Axis, other: Axis) -> Axis:
    theirs = set(map(canonical_value, other.values))
    return Axis(axis.name, tuple(text for text in axis.values if canonical_value(text) in theirs))


def _by_value(
    kept: SweepOutcome, names: Sequence[str]
) -> dict[tuple[float | str, ...], CellResult | None]:
    """The cells by their values, in this order of the keys."""
    order = [[axis.name for axis in kept.axes].index(name) for name in names]
    return {
        tuple(canonical_value(cell[place]) for place in order): result
        for cell, result in kept.results.items()
    }


def _difference(first: Experiment, second: Experiment, swept: Sequence[str]) -> str:
    """What keeps cells of the same values from being paired by seed; empty if nothing does."""
    alike = {name: getattr(first, name) for name in _STARTS if name in swept}
    return find_difference(first, replace(second, seeds=first.seeds, **alike))


def _pair(first: CellResult, second: CellResult, *, may_be_paired: bool) -> CellPair:
    paired = None
    there = set(second.seeds)
    seeds = [seed for seed in first.seeds if seed in there]
    if seeds and may_be_paired:
        solved = {"first": first.select(seeds).solved, "second": second.select(seeds).solved}
        paired = pair(solved, "first").against["second"]
    return CellPair(_solved(first), _solved(second), paired)


def _solved(result: CellResult) -> Solved | None:
    return None if result.failure else count_solved(np.asarray(result.solved))


def _adjusted(
    cells: Mapping[tuple[str, ...], CellPair | None],
) -> dict[tuple[str, ...], CellPair | None]:
    """With the p-values of all cells together (Holm)."""
    tested = [
        (cell, both, both.paired)
        for cell, both in cells.items()
        if both is not None and both.paired is not None
    ]
    adjusted = holm([paired.p for _, _, paired in tested])
    made = dict(cells)
    for (cell, both, paired), p in zip(tested, adjusted, strict=True):
        made[cell] = replace(both, paired=paired._replace(p=p))
    return made
