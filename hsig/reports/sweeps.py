"""The pages of a sweep, and of how two differ: a heat map for each value of the other keys."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import product
from math import isfinite, isnan
from operator import attrgetter, itemgetter
from typing import Any

from hsig.analysis.pairing import LEVEL
from hsig.analysis.plot_data import dominant_failure
from hsig.analysis.summary import find_constants
from hsig.analysis.sweeps import CellPair, CellSummary, TwoSweeps, has_shared_rows
from hsig.config.loading import resolved_keys
from hsig.experiments.experiment import Experiment
from hsig.experiments.measures import LOSS, RIGHT, SOLVED, Measure
from hsig.experiments.sweeps import Axis
from hsig.reports.columns import (
    COST_PARTS,
    if_trained,
    measure_columns,
    median_over,
    result_columns,
    which_cost,
)
from hsig.reports.comparison import family, interval_alone
from hsig.reports.page import (
    HEADER,
    HELD_OUT,
    Column,
    HeatMap,
    Page,
    Rows,
    Shade,
    Table,
    brief,
    count,
    difference_text,
    lines,
    measure_words,
    p_value,
    points,
    rate_of,
    signed,
    signed_interval,
    whole_percent,
)
from hsig.reports.phrases import (
    FAILED_VERDICTS,
    GLYPHS,
    heading,
    legend,
    measured_names,
    name_rows,
    records_of_settings,
    value_of,
)

Cells = Mapping[tuple[str, ...], CellSummary | None]
Shading = Callable[[tuple[str, ...]], Shade]


def sweep_page(
    axes: Sequence[Axis], base: Experiment, cells: Cells, differing: Sequence[str] = ()
) -> Page:
    """The page of a sweep.

    Args:
        axes: What was swept.
        base: The experiment of the first cell.
        cells: The numbers of each cell by its values; None where it has not been trained.
        differing: Keys that each cell has as its optimizer has them.
    """
    what, start, *more = heading(base, base.variants[0].label, differing)
    swept, several = " and ".join(axis.name for axis in axes), len(axes) > 1
    done = [summary for summary in cells.values() if summary is not None]
    maps = heat_maps(axes, _shading(base, cells)) if several else ()
    early = len(done) < len(cells)
    rows = _cell_rows(axes, base, cells)
    measure = base.chosen_measure
    names = [f"axis:{axis.name}" for axis in axes]
    if measure.name != SOLVED:
        prefix = HELD_OUT if measure.held_out else ""
        there = {column.name for column in rows.columns}
        asked = [prefix + name for name in measured_names(base, measure)]
        names += [name for name in asked if name in there]
    if measure.name == SOLVED or any(summary.solved.k for summary in done):
        names += ["solved", "interval"]
    names.append("median_cost")
    words = [f"count:{word}" for word in FAILED_VERDICTS if any(word in s.verdicts for s in done)]
    return Page(
        blocks=(
            lines(
                [
                    f"{count(len(cells), 'cell')}, {swept}; all else as in the first: {what}",
                    *(start, *more),
                ]
            ),
            *(maps if several or not done else (rows.table("", (*names, *words), splits=True),)),
            lines(
                [
                    *(_legend(base, done) if several and done else ()),
                    *([f"stopped early: {len(done)} of {len(cells)} cells are done"] * early),
                    *_failures(done),
                ]
            ),
        ),
        document=lambda _: {
            **HEADER,
            "sweep": {axis.name: [*map(value_of, axis.values)] for axis in axes},
            "experiment": resolved_keys(base) | dict.fromkeys(differing),
            "complete": not early,
            "cells": [*rows.records()],
        },
        rows=rows.csv,
    )


def latest_map(
    axes: Sequence[Axis], base: Experiment, cells: Cells, latest: Sequence[str]
) -> HeatMap | None:
    """The heat map that a cell is on, of a sweep that goes on; None where one key is swept."""
    if len(axes) < 2:
        return None
    return _heat_map(axes, _shading(base, cells), tuple(latest[:-2]))


def heat_maps(axes: Sequence[Axis], shade: Shading) -> tuple[HeatMap, ...]:
    """One for each combination of the keys before the last two, as far as there is anything."""
    fixed = product(*(axis.values for axis in axes[:-2]))
    maps = (_heat_map(axes, shade, values).drop_empty_rows() for values in fixed)
    return tuple(heat_map for heat_map in maps if heat_map.rows)


def _heat_map(axes: Sequence[Axis], shade: Shading, fixed: tuple[str, ...]) -> HeatMap:
    """The map for some values of the keys before the last two."""
    *others, down, across = axes
    shades = tuple(
        tuple(shade((*fixed, row, column)) for column in across.values) for row in down.values
    )
    return HeatMap(
        _describe_values(others, fixed), down.name, across.name, down.values, across.values, shades
    )


def _describe_values(axes: Sequence[Axis], values: Sequence[str]) -> str:
    return ", ".join(f"{axis.name} {value}" for axis, value in zip(axes, values, strict=True))


def _shading(base: Experiment, cells: Cells) -> Shading:
    """What is written of each cell, and how good it is among all: its value on the measure."""
    measure = base.chosen_measure
    values = {
        cell: summary.median(measure.field)
        for cell, summary in cells.items()
        if summary is not None and not summary.failure and measure.name != SOLVED
    }
    finite = [value for value in values.values() if isfinite(value)]

    def shade(cell: tuple[str, ...]) -> Shade:
        summary = cells[cell]
        if summary is None:
            return Shade("", None)
        if summary.failure:
            return Shade("x", None)
        if measure.name == SOLVED:
            mark = GLYPHS.get(dominant_failure(summary), " ")
            return Shade(f"{whole_percent(summary.solved.rate)}{mark}", summary.solved.rate)
        value = values[cell]
        if measure.name == RIGHT and isfinite(value):
            return Shade(whole_percent(value), value)
        if not isfinite(value):
            return Shade("nan" if isnan(value) else "inf", 0.0)
        low, high = min(finite), max(finite)
        return Shade(f"{value:.2g}", 1.0 if low == high else (high - value) / (high - low))

    return shade


def _legend(base: Experiment, done: Sequence[CellSummary]) -> list[str]:
    measure = base.chosen_measure
    if measure.name != SOLVED:
        rows = name_rows(base, held_out=measure.held_out)
        over = median_over(base)
        if measure.name == LOSS:
            return [f"loss on {rows}{over}; the shades run from the least to the greatest"]
        return [f"percent of {rows} right{over}"]
    marks = legend({dominant_failure(summary) for summary in done if not summary.failure} - {""})
    fewer = f"; where fewer than half are, what became of most others: {marks}" if marks else ""
    return [f"percent of the seeds solved{fewer}"]


def _failures(done: Sequence[CellSummary]) -> list[str]:
    reasons = [summary.failure for summary in done if summary.failure]
    return [
        f"x not trained, {count(reasons.count(reason), 'cell')}: {reason}"
        for reason in dict.fromkeys(reasons)
    ]


# --- rows of cells -------------------------------------------------------------------------------


def _axis_columns(axes: Sequence[Axis], others: Sequence[str]) -> list[Column[Any]]:
    """The values of a cell: one object for JSON, a column for each key elsewhere.

    Args:
        axes: What was swept.
        others: Names of the other columns, which no key may have.
    """
    names = [f"swept {axis.name}" if axis.name in others else axis.name for axis in axes]

    def values(item: Any) -> dict[str, Any]:
        return {axis.name: value_of(value) for axis, value in zip(axes, item[0], strict=True)}

    def text_of(place: int) -> Callable[[Any], str]:
        return lambda item: str(item[0][place])

    parts = {name: itemgetter(axis.name) for name, axis in zip(names, axes, strict=True)}
    return [
        Column("cell", "", values, parts=parts),
        *(
            Column(f"axis:{axis.name}", name, text_of(place), shown_only=True)
            for place, (axis, name) in enumerate(zip(axes, names, strict=True))
        ),
    ]


def _cell_rows(axes: Sequence[Axis], base: Experiment, cells: Cells) -> Rows[Any]:
    """A row for each cell that has been trained."""
    swept = any(axis.name == "cost" for axis in axes)
    note = "" if swept else f"cost: {which_cost(base)}{median_over(base)}"
    columns = (
        *result_columns(FAILED_VERDICTS, str),
        *measure_columns(
            base,
            [*filter(None, cells.values())],
            median_over(base),
            find_constants(base) if has_shared_rows(axes) else {},
        ),
        Column("cost", "", if_trained(attrgetter("cost")), parts=COST_PARTS),
        Column(
            "median_cost",
            "cost",
            if_trained(lambda s: s.cost[1]),
            brief,
            shown_only=True,
            note=note,
        ),
        *(
            Column(f"count:{word}", word, _count_of(word), shown_only=True)
            for word in FAILED_VERDICTS
        ),
        Column(
            "epochs_to_solve",
            "",
            if_trained(attrgetter("epochs_to_solve")),
            parts={"epochs_to_solve": itemgetter(0)},
        ),
        Column("lost", "", if_trained(attrgetter("lost"))),
        Column("error", "", lambda summary: summary.failure or None),
    )
    others = [name for column in columns for name in (column.heading, *column.parts, column.name)]
    items = [(values, summary) for values, summary in cells.items() if summary is not None]
    return Rows([*_axis_columns(axes, others), *(c.on(itemgetter(1)) for c in columns)], items)


def _count_of(word: str) -> Callable[[Any], Any]:
    return if_trained(lambda summary: summary.verdicts.get(word, 0))


# --- how two sweeps differ -----------------------------------------------------------------------


def difference_page(two: TwoSweeps, names: tuple[str, str], settings: Table) -> Page:
    """The page of two sweeps.

    Args:
        two: The sweeps.
        names: What they are called.
        settings: Those in which they differ.
    """
    cells = f"{count(len(two.cells), 'cell')} of {' and '.join(axis.name for axis in two.axes)}"
    rows = _pair_rows(two, names)
    shown = (*(f"axis:{axis.name}" for axis in two.axes), "first", "second", "difference")
    maps: tuple[Table | HeatMap, ...] = (rows.table("", (*shown, "interval", "p"), splits=True),)
    if len(two.axes) > 1:
        maps = (
            heat_maps(two.axes, lambda cell: _shade_of_pair(two.cells[cell], two.measure)) or maps
        )
    return Page(
        blocks=(
            settings,
            lines([f"{names[1]} minus {names[0]}: {cells}"]),
            *maps,
            lines(_notes(two, names)),
        ),
        document=lambda _: {
            **HEADER,
            "differences": records_of_settings(settings),
            "unpaired": two.unpaired or None,
            "comparisons": sum(pair.paired is not None for pair in two.cells.values() if pair),
            "cells": [*rows.records()],
        },
        rows=rows.csv,
    )


def _notes(two: TwoSweeps, names: tuple[str, str]) -> list[str]:
    """What the numbers are, and what can be claimed."""
    several = len(two.axes) > 1
    is_solved = two.measure.name == SOLVED
    unit = "difference of the solved rates" + (" in percentage points" if several else "")
    if not is_solved:
        rows = "the held-out rows" if two.measure.held_out else "the training rows"
        unit = f"median difference of {measure_words(two.measure.name)} on {rows}"
    known = [pair for pair in two.cells.values() if pair is not None]
    tests = {
        _describe_values(two.axes, values): pair.paired
        for values, pair in two.cells.items()
        if pair is not None and pair.paired is not None
    }
    if not tests:
        why = two.unpaired or "no seeds in common"
        return [unit, f"not paired by seed: {why}; no difference is tested"]
    seeds = sorted({paired.pairs for paired in tests.values()})
    of_each = f"{seeds[0]} to {seeds[-1]}" if len(seeds) > 1 else f"{seeds[0]}"
    corrected = family(len(tests), named=len(tests))
    name = "McNemar" if is_solved else "sign test"
    test = f"exact {name} over {of_each} pairs of seeds in a cell, {corrected}"
    differ = any(pair.first and pair.second and pair.first.n != pair.second.n for pair in known)
    claims = [paired.claim for paired in tests.values()]
    more, fewer = ("solves more seeds", "fewer") if is_solved else ("is better", "worse")
    return [
        f"{unit}; * p at most {LEVEL} ({test})" if several else f"{unit}; p: {test}",
        *(["differences are over the seeds that both have"] if differ else []),
        *([] if several else interval_alone(tests, len(tests))),
        f"{names[1]} {more} in {count(claims.count('better'), 'cell')} and {fewer} in "
        f"{count(claims.count('worse'), 'cell')} at p of at most {LEVEL} ({corrected})",
    ]


def _shade_of_pair(pair: CellPair | None, measure: Measure) -> Shade:
    if pair is None:
        return Shade("", None)
    if pair.difference is None:
        return Shade("x", None)
    mark = "*" if pair.paired is not None and pair.paired.claim else " "
    if measure.name == LOSS:  # which has no end to be shaded by
        return Shade(f"{difference_text(LOSS, pair.difference)}{mark}", None)
    return Shade(f"{points(pair.difference)}{mark}", 0.5 + 0.5 * pair.difference)


def _pair_rows(two: TwoSweeps, names: tuple[str, str]) -> Rows[Any]:
    """A row for each cell that both sweeps have."""

    def of_test(value: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return lambda pair: None if pair.paired is None else value(pair.paired)

    def solved(which: str, name: str) -> Column[Any]:
        parts = {f"{which}_solved": attrgetter("k"), f"{which}_seeds": attrgetter("n")}
        return Column(which, name, attrgetter(which), rate_of, parts, missing="not trained")

    text, interval = signed, signed_interval
    if two.measure.name == LOSS:
        text = partial(difference_text, LOSS)

        def interval(ends: Sequence[float]) -> str:
            return " to ".join(map(text, ends))

    tests = {name: name for name in ("low", "high", "p", "both", "neither")}
    tests |= {"only_this": "better", "only_baseline": "worse"}
    columns = (
        solved("first", names[0]),
        solved("second", names[1]),
        Column("difference", "difference", attrgetter("difference"), text),
        Column(
            "paired", "", attrgetter("paired"), parts={t: attrgetter(of) for t, of in tests.items()}
        ),
        Column(
            "interval",
            "its interval",
            of_test(lambda paired: (paired.low, paired.high)),
            interval,
            shown_only=True,
        ),
        Column("p", "p", of_test(attrgetter("p")), p_value, shown_only=True),
    )
    others = [name for column in columns for name in (column.heading, *column.parts, column.name)]
    items = [(values, pair) for values, pair in two.cells.items() if pair is not None]
    axes = _axis_columns(two.axes, others)
    return Rows([*axes, *(column.on(itemgetter(1)) for column in columns)], items)
