"""Sweeps, and how two of them differ, for other programs."""

from collections.abc import Sequence

from hsig import __version__
from hsig.analysis.sweeps import TwoSweeps
from hsig.config.resolved import Json, plain, plain_fields, resolved_keys
from hsig.experiments.experiment import Experiment
from hsig.experiments.sweeps import Axis
from hsig.experiments.verdicts import SOLVED, VERDICTS
from hsig.output.export.writing import csv_text, json_text, markdown_table, solved_columns
from hsig.reports.documents import FORMAT
from hsig.reports.maps import Cells, Map, as_table, swept_columns
from hsig.reports.page import Table


def map_as_json(axes: Sequence[Axis], base: Experiment, cells: Cells) -> str:
    """A sweep: what was swept, the experiment of the first cell, and the numbers of each cell."""
    names = [axis.name for axis in axes]
    made: list[Json] = [
        {
            "cell": dict(zip(names, values, strict=True)),
            "solved": None if summary.solved is None else plain_fields(summary.solved),
            "verdicts": dict(summary.verdicts),
            "cost": plain(list(summary.cost)),
            "epochs_to_solve": plain(list(summary.epochs_to_solve)),
            "lost": summary.lost,
            "error": summary.error or None,
        }
        for values, summary in cells.items()
        if summary is not None
    ]
    return json_text(
        {
            "format": FORMAT,
            "hsig": __version__,
            "sweep": {axis.name: list(axis.values) for axis in axes},
            "experiment": resolved_keys(base),
            "complete": len(made) == len(cells),
            "cells": made,
        }
    )


def map_as_csv(axes: Sequence[Axis], cells: Cells) -> str:
    """One row per cell."""
    names = swept_columns(axes, _MAP_COLUMNS)
    rows: list[dict[str, object]] = []
    for values, summary in cells.items():
        row: dict[str, object] = dict(zip(names, values, strict=True))
        if summary is None:
            continue
        if summary.solved is None:
            rows.append(row | {"error": summary.error})
            continue
        row |= solved_columns(summary.solved)
        row |= {word: summary.verdicts.get(word, 0) for word in VERDICTS if word != SOLVED}
        row |= dict(zip(_COST_COLUMNS, summary.cost, strict=True))
        row |= {"epochs_to_solve": summary.epochs_to_solve[0], "lost": summary.lost}
        rows.append(row)
    return csv_text(rows, (*names, *_MAP_COLUMNS))


def map_as_markdown(shown: Map) -> str:
    """Headings, maps as tables, and sentences."""
    tables = [*map(as_table, shown.heat_maps), *shown.tables]
    return "\n\n".join([*shown.heading, *map(markdown_table, tables), *shown.notes]) + "\n"


_COST_COLUMNS = ("cost_lower_quartile", "cost_median", "cost_upper_quartile")


_MAP_COLUMNS = (
    "solved",
    "seeds",
    "solved_rate",
    "solved_low",
    "solved_high",
    *(word for word in VERDICTS if word != SOLVED),
    *_COST_COLUMNS,
    "epochs_to_solve",
    "lost",
    "error",
)


def sweep_difference_as_json(table: Table, two: TwoSweeps) -> str:
    """The settings in which two sweeps differ, and how each cell does that both have."""
    differences: list[Json] = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    names = [axis.name for axis in two.axes]
    cells: list[Json] = [
        {
            "cell": dict(zip(names, values, strict=True)),
            "first": None if both.first is None else plain_fields(both.first),
            "second": None if both.second is None else plain_fields(both.second),
            "difference": both.difference,
            "paired": None if both.paired is None else plain_fields(both.paired),
        }
        for values, both in two.cells.items()
        if both is not None
    ]
    return json_text(
        {
            "format": FORMAT,
            "hsig": __version__,
            "differences": differences,
            "unpaired": two.unpaired or None,
            "cells": cells,
        }
    )


def sweep_difference_as_csv(two: TwoSweeps) -> str:
    """One row for each cell that both have."""
    names = swept_columns(two.axes, (*_BOTH_COLUMNS, *_PAIRED_COLUMNS))
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
    return csv_text(rows, (*names, *_BOTH_COLUMNS, *_PAIRED_COLUMNS))


_BOTH_COLUMNS = ("first_solved", "first_seeds", "second_solved", "second_seeds", "difference")


_PAIRED_COLUMNS = ("low", "high", "p", "both", "only_this", "only_baseline", "neither")
