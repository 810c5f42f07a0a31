"""The pages of a sweep, and of how two differ: a heat map for each value of the other keys."""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from math import prod

from hsig.analysis.pairing import LEVEL
from hsig.analysis.summary import Solved
from hsig.analysis.sweeps import CellPair, CellSummary, TwoSweeps
from hsig.config.loading import resolved_keys
from hsig.config.values import Json, plain, plain_fields
from hsig.experiments.experiment import Experiment
from hsig.experiments.sweeps import Axis
from hsig.reports.columns import SOLVED_PARTS
from hsig.reports.comparison import family, interval_alone
from hsig.reports.documents import (
    solved_or_null,
)
from hsig.reports.page import (
    OF_HSIG,
    HeatMap,
    Page,
    Shade,
    Table,
    brief,
    count,
    interval,
    lines,
    p_value,
    points,
    rate_of,
    whole_percent,
)
from hsig.reports.phrases import (
    FAILED_VERDICTS,
    GLYPHS,
    heading,
    legend,
    records_of_settings,
    value_of,
)

_MOST = 0.5  # of the seeds solved; cells below it say what became of most of the others

Cells = Mapping[tuple[str, ...], CellSummary | None]
Shading = Callable[[tuple[str, ...]], Shade]


def sweep_page(axes: Sequence[Axis], base: Experiment, cells: Cells) -> Page:
    """The page of a sweep.

    Args:
        axes: What was swept.
        base: The experiment of the first cell.
        cells: The numbers of each cell by its values; None where it has not been trained.
    """
    swept = " and ".join(axis.name for axis in axes)
    what, start = heading(base, base.variants[0].label)
    number = count(len(cells), "cell")
    done = sum(summary is not None for summary in cells.values())
    several = len(axes) > 1
    maps = heat_maps(axes, lambda cell: _shade(cells[cell])) if several else ()
    early = []
    if done < len(cells):
        shown = sum(len(heat_map.rows) for heat_map in maps)
        left_out = shown < prod(len(axis.values) for axis in axes[:-1]) and several and done
        rest = "; rows that have none of them are left out" if left_out else ""
        early = [f"stopped early: {done} of {len(cells)} cells are done{rest}"]
    notes = [*(_legend(cells) if several and done else ()), *early, *_failures(cells)]
    return Page(
        blocks=(
            lines((f"{number}, {swept}; all else as in the first: {what}", start)),
            *(maps if several or not done else (_long_table(axes, cells),)),
            lines(notes),
        ),
        document=lambda _: _document(axes, base, cells),
        rows=lambda: _rows(axes, cells),
    )


def so_far(axes: Sequence[Axis], cells: Cells, latest: Sequence[str]) -> HeatMap | None:
    """The heat map that a cell is on, of a sweep that goes on; None where one key is swept."""
    if len(axes) < 2:
        return None
    return _heat_map(axes, lambda cell: _shade(cells[cell]), tuple(latest[:-2]))


def heat_maps(axes: Sequence[Axis], shade: Shading) -> tuple[HeatMap, ...]:
    """One for each combination of the keys before the last two, as far as there is anything."""
    fixed = product(*(axis.values for axis in axes[:-2]))
    maps = (_heat_map(axes, shade, values).filled() for values in fixed)
    return tuple(heat_map for heat_map in maps if heat_map.rows)


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
    if summary.failure:
        return Shade("x", None)
    rate = summary.solved.rate
    mark = GLYPHS[summary.dominant] if rate < _MOST and summary.dominant else " "
    return Shade(f"{whole_percent(rate)}{mark}", rate)


def _legend(cells: Cells) -> tuple[str, ...]:
    there = {
        summary.dominant
        for summary in cells.values()
        if summary is not None and not summary.failure and summary.solved.rate < _MOST
    }
    marks = legend(there)
    if not marks:
        return ("percent of the seeds solved",)
    return (
        "percent of the seeds solved; where fewer than half are, what became of most others: "
        f"{marks}",
    )


def _failures(cells: Cells) -> list[str]:
    failures: dict[str, int] = {}
    for summary in cells.values():
        if summary is not None and summary.failure:
            failures[summary.failure] = failures.get(summary.failure, 0) + 1
    return [f"x not trained, {count(n, 'cell')}: {reason}" for reason, n in failures.items()]


def _swept_columns(axes: Sequence[Axis], others: Sequence[str]) -> tuple[str, ...]:
    """The names of the columns of what is swept, beside those of other columns."""
    return tuple(f"swept {axis.name}" if axis.name in others else axis.name for axis in axes)


def _long_table(axes: Sequence[Axis], cells: Cells) -> Table:
    """One row a cell."""
    ended = set[str]().union(*(s.verdicts for s in cells.values() if s is not None))
    words = tuple(word for word in FAILED_VERDICTS if word in ended)
    columns = ("solved", "95 % interval", "cost", *words)
    rows = []
    for values, summary in cells.items():
        if summary is None:
            continue
        if summary.failure:
            rows.append((*values, "not trained", *("" for _ in columns[1:])))
            continue
        solved, counts = summary.solved, (str(summary.verdicts.get(word, 0)) for word in words)
        rows.append((*values, rate_of(solved), interval(solved), brief(summary.cost[1]), *counts))
    return Table("", (*_swept_columns(axes, columns), *columns), tuple(rows), splits=True)


def _document(axes: Sequence[Axis], base: Experiment, cells: Cells) -> dict[str, Json]:
    """What was swept, the experiment of the first cell, and the numbers of each cell."""
    made: list[Json] = [
        {
            "cell": _cell(axes, values),
            "solved": solved_or_null(summary.solved),
            "verdicts": dict(summary.verdicts),
            "cost": plain(list(summary.cost)),
            "epochs_to_solve": plain(list(summary.epochs_to_solve)),
            "lost": summary.lost,
            "error": summary.failure or None,
        }
        for values, summary in cells.items()
        if summary is not None
    ]
    return {
        **OF_HSIG,
        "sweep": {axis.name: [*map(value_of, axis.values)] for axis in axes},
        "experiment": resolved_keys(base),
        "complete": len(made) == len(cells),
        "cells": made,
    }


def _cell(axes: Sequence[Axis], values: Sequence[str]) -> dict[str, Json]:
    """The values of a cell by what was swept."""
    return {axis.name: value_of(value) for axis, value in zip(axes, values, strict=True)}


_COST_COLUMNS = ("cost_lower_quartile", "cost_median", "cost_upper_quartile")
_CELL_COLUMNS = (
    *SOLVED_PARTS,
    *FAILED_VERDICTS,
    *_COST_COLUMNS,
    "epochs_to_solve",
    "lost",
    "error",
)


def _rows(axes: Sequence[Axis], cells: Cells) -> tuple[Sequence[str], list[dict[str, object]]]:
    """One row per cell."""
    names = _swept_columns(axes, _CELL_COLUMNS)
    rows: list[dict[str, object]] = []
    for values, summary in cells.items():
        row: dict[str, object] = dict(zip(names, values, strict=True))
        if summary is None:
            continue
        if summary.failure:
            rows.append(row | {"error": summary.failure})
            continue
        row |= {name: part(summary.solved) for name, part in SOLVED_PARTS.items()}
        row |= {word: summary.verdicts.get(word, 0) for word in FAILED_VERDICTS}
        row |= dict(zip(_COST_COLUMNS, summary.cost, strict=True))
        row |= {"epochs_to_solve": summary.epochs_to_solve[0], "lost": summary.lost}
        rows.append(row)
    return (*names, *_CELL_COLUMNS), rows


# --- how two sweeps differ --------------------------------------------------------------------


def difference_page(two: TwoSweeps, names: tuple[str, str], settings: Table) -> Page:
    """The page of two sweeps.

    Args:
        two: The sweeps.
        names: What they are called.
        settings: Those in which they differ.
    """
    cells = f"{count(len(two.cells), 'cell')} of {' and '.join(axis.name for axis in two.axes)}"
    several = len(two.axes) > 1
    maps = heat_maps(two.axes, lambda cell: _shade_of_pair(two.cells[cell])) if several else ()
    return Page(
        blocks=(
            settings,
            lines([f"{names[1]} minus {names[0]}: {cells}"]),
            *(maps or (_table_of_pairs(two, names),)),
            lines(_notes(two, names)),
        ),
        document=lambda _: _document_of_pairs(two, settings),
        rows=lambda: _rows_of_pairs(two),
    )


def _notes(two: TwoSweeps, names: tuple[str, str]) -> tuple[str, ...]:
    """What the numbers are, and what can be claimed."""
    several = len(two.axes) > 1
    unit = "difference of the solved rates" + (" in percentage points" if several else "")
    tests = {
        ", ".join(f"{axis.name} {value}" for axis, value in zip(two.axes, values, strict=True)): (
            both.paired
        )
        for values, both in two.cells.items()
        if both is not None and both.paired is not None
    }
    if not tests:
        why = two.unpaired or "no seeds in common"
        return (unit, f"not paired by seed: {why}; no difference is tested")
    claimed = [paired.difference for paired in tests.values() if paired.claim]
    more, fewer = (sum(sign * difference > 0.0 for difference in claimed) for sign in (1.0, -1.0))
    seeds = {paired.pairs for paired in tests.values()}
    of_each = f"{min(seeds)} to {max(seeds)}" if len(seeds) > 1 else f"{min(seeds)}"
    corrected = family(len(tests), named=len(tests))
    test = f"exact McNemar over {of_each} pairs of seeds in a cell, {corrected}"
    seeds_differ = any(
        both.first.n != both.second.n
        for both in two.cells.values()
        if both is not None and both.first is not None and both.second is not None
    )
    return (
        f"{unit}; * p at most {LEVEL} ({test})" if several else f"{unit}; p: {test}",
        *(("differences are over the seeds that both have",) if seeds_differ else ()),
        *(() if several else interval_alone(tests, len(tests))),
        f"{names[1]} solves more seeds in {count(more, 'cell')} and fewer in "
        f"{count(fewer, 'cell')} at p of at most {LEVEL} ({corrected})",
    )


def _shade_of_pair(both: CellPair | None) -> Shade:
    if both is None:
        return Shade("", None)
    if both.difference is None:
        return Shade("x", None)
    mark = "*" if both.paired is not None and both.paired.claim else " "
    return Shade(f"{points(both.difference)}{mark}", 0.5 + 0.5 * both.difference)


def _table_of_pairs(two: TwoSweeps, names: tuple[str, str]) -> Table:
    """One row a cell, where one key is swept."""
    rows = []
    for values, both in two.cells.items():
        if both is None:
            continue
        found, difference = both.paired, both.difference
        rows.append(
            (
                *values,
                *(_solved(both.first), _solved(both.second)),
                "" if difference is None else f"{difference:+.3f}",
                "" if found is None else f"{found.low:+.3f} to {found.high:+.3f}",
                "" if found is None else p_value(found.p),
            )
        )
    columns = (*(axis.name for axis in two.axes), *names, "difference", "its interval", "p")
    return Table("", columns, tuple(rows), splits=True)


def _solved(solved: Solved | None) -> str:
    return "not trained" if solved is None else rate_of(solved)


def _document_of_pairs(two: TwoSweeps, settings: Table) -> dict[str, Json]:
    """The settings in which two sweeps differ, and how each cell does that both have."""
    cells: list[Json] = [
        {
            "cell": _cell(two.axes, values),
            "first": solved_or_null(both.first),
            "second": solved_or_null(both.second),
            "difference": both.difference,
            "paired": None if both.paired is None else plain_fields(both.paired),
        }
        for values, both in two.cells.items()
        if both is not None
    ]
    return {
        **OF_HSIG,
        "differences": records_of_settings(settings),
        "unpaired": two.unpaired or None,
        "comparisons": sum(
            both is not None and both.paired is not None for both in two.cells.values()
        ),
        "cells": cells,
    }


_BOTH_COLUMNS = ("first_solved", "first_seeds", "second_solved", "second_seeds", "difference")
_PAIRED_COLUMNS = ("low", "high", "p", "both", "only_this", "only_baseline", "neither")


def _rows_of_pairs(two: TwoSweeps) -> tuple[Sequence[str], list[dict[str, object]]]:
    """One row for each cell that both have."""
    columns = (*_BOTH_COLUMNS, *_PAIRED_COLUMNS)
    names = _swept_columns(two.axes, columns)
    rows: list[dict[str, object]] = []
    for values, both in two.cells.items():
        row: dict[str, object] = dict(zip(names, values, strict=True))
        if both is None:
            continue
        for which, solved in (("first", both.first), ("second", both.second)):
            if solved is not None:
                row |= {f"{which}_solved": solved.k, f"{which}_seeds": solved.n}
        row["difference"] = both.difference
        if both.paired is not None:
            row |= {name: getattr(both.paired, name) for name in _PAIRED_COLUMNS}
        rows.append(row)
    return (*names, *columns), rows
