"""A sweep in words and cells: a heat map of two swept keys, one for each value of a third."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from hsig.analysis.sweeps import CellSummary
from hsig.experiments.experiment import Experiment
from hsig.experiments.sweeps import Axis
from hsig.experiments.verdicts import DIVERGED, SOLVED, VERDICTS
from hsig.reports.page import Table, brief, count, percent
from hsig.reports.words import MEANINGS, heading

_LETTERS = {word: word[0] for word in VERDICTS} | {DIVERGED: "!"}
_MOST = 0.5  # of the seeds solved; cells below it say what became of most of the others

Cells = Mapping[tuple[str, ...], CellSummary | None]
Shading = Callable[[tuple[str, ...]], "Shade"]


@dataclass(frozen=True)
class Shade:
    """A cell of a heat map: what is written in it, and how much of it is solved."""

    text: str
    rate: float | None


@dataclass(frozen=True)
class HeatMap:
    """Two swept keys against each other.

    Attributes:
        title: The values of the other keys, if there are any.
        down: Name of the key whose values are the rows.
        across: Name of the key whose values are the columns.
        rows: Values of the first.
        columns: Values of the second.
        shades: By row, then column.
    """

    title: str
    down: str
    across: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    shades: tuple[tuple[Shade, ...], ...]


@dataclass(frozen=True)
class Map:
    """What is shown of a sweep: its setting, heat maps or a table, and notes."""

    heading: tuple[str, ...]
    heat_maps: tuple[HeatMap, ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...]


def draw(axes: Sequence[Axis], base: Experiment, cells: Cells) -> Map:
    """The words and cells for a sweep.

    Args:
        axes: What was swept.
        base: The experiment of the first cell.
        cells: The numbers of each cell by its values; None where it has not been trained.
    """
    swept = " and ".join(axis.name for axis in axes)
    what, start = heading(base, base.variants[0].label)
    done = sum(summary is not None for summary in cells.values())
    early = [f"stopped early: {done} of {len(cells)} cells are done"] if done < len(cells) else []
    return Map(
        heading=(f"{count(len(cells), 'cell')}, {swept}; all else as in the first: {what}", start),
        heat_maps=heat_maps(axes, lambda cell: _shade(cells[cell])) if len(axes) > 1 else (),
        tables=(long_table(axes, cells),) if len(axes) == 1 else (),
        notes=(
            *(_legend(cells) if len(axes) > 1 else ()),
            *early,
            *_errors(cells),
        ),
    )


def so_far(axes: Sequence[Axis], cells: Cells, latest: Sequence[str]) -> HeatMap | None:
    """The heat map that a cell is on, of a sweep that goes on; None where one key is swept."""
    if len(axes) < 2:
        return None
    return _heat_map(axes, lambda cell: _shade(cells[cell]), tuple(latest[:-2]))


def heat_maps(axes: Sequence[Axis], shade: Shading) -> tuple[HeatMap, ...]:
    """One for each combination of the keys before the last two."""
    fixed = product(*(axis.values for axis in axes[:-2]))
    return tuple(_heat_map(axes, shade, values) for values in fixed)


def _heat_map(axes: Sequence[Axis], shade: Shading, fixed: tuple[str, ...]) -> HeatMap:
    """That of some values of the keys before the last two."""
    *others, down, across = axes
    shades = tuple(
        tuple(shade((*fixed, row, column)) for column in across.values) for row in down.values
    )
    title = ", ".join(f"{axis.name} {value}" for axis, value in zip(others, fixed, strict=True))
    return HeatMap(title, down.name, across.name, down.values, across.values, shades)


def _shade(summary: CellSummary | None) -> Shade:
    """The share of the seeds that are solved, in percent, and what became of most others."""
    if summary is None:
        return Shade("", None)
    if summary.solved is None:
        return Shade("x", None)
    rate = summary.solved.rate
    shown = f"{100.0 * rate:.0f}"
    if 0.0 < rate < 1.0 and shown in ("0", "100"):
        shown = "<1" if shown == "0" else ">99"
    letter = _LETTERS[summary.dominant] if rate < _MOST and summary.dominant else " "
    return Shade(f"{shown}{letter}", rate)


def _legend(cells: Cells) -> tuple[str, ...]:
    there = {summary.dominant for summary in cells.values() if summary is not None}
    words = [f"{_LETTERS[word]} {word}" for word in MEANINGS if word in there]
    if not words:
        return ("percent of the seeds solved",)
    return (
        "percent of the seeds solved; where fewer than half are, what became of most others: "
        + ", ".join(words),
    )


def _errors(cells: Cells) -> list[str]:
    errors: dict[str, int] = {}
    for summary in cells.values():
        if summary is not None and summary.error:
            errors[summary.error] = errors.get(summary.error, 0) + 1
    return [f"x not trained, {count(n, 'cell')}: {error}" for error, n in errors.items()]


def swept_columns(axes: Sequence[Axis], others: Sequence[str]) -> tuple[str, ...]:
    """The names of the columns of what is swept, beside those of other columns."""
    return tuple(f"swept {axis.name}" if axis.name in others else axis.name for axis in axes)


def long_table(axes: Sequence[Axis], cells: Cells) -> Table:
    """One row a cell."""
    columns = ("solved", "95 % interval", "cost", *(word for word in VERDICTS if word != SOLVED))
    rows = []
    for values, summary in cells.items():
        if summary is None:
            continue
        if summary.solved is None:
            rows.append((*values, "not trained", *("" for _ in columns[1:])))
            continue
        solved = summary.solved
        counts = (str(summary.verdicts.get(word, 0)) for word in VERDICTS if word != SOLVED)
        interval = f"{percent(solved.low)} to {percent(solved.high)}"
        of_all = f"{solved.k} of {solved.n}"
        rows.append((*values, of_all, interval, brief(summary.cost[1]), *counts))
    return Table("", (*swept_columns(axes, columns), *columns), tuple(rows), splits=True)


def as_table(heat_map: HeatMap) -> Table:
    """The heat map without its colours."""
    return Table(
        heat_map.title,
        (f"{heat_map.down} \\ {heat_map.across}", *heat_map.columns),
        tuple(
            (row, *(shade.text.strip() for shade in shades))
            for row, shades in zip(heat_map.rows, heat_map.shades, strict=True)
        ),
    )
