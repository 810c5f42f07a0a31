"""An outcome for other programs: JSON, CSV and Markdown."""

import csv
import io
import json
from collections.abc import Mapping, Sequence

from hsig import __version__
from hsig.activations import spell
from hsig.cells import Table
from hsig.comparison import Comparison
from hsig.config import Axis
from hsig.definitions import Definition, Points
from hsig.document import (
    FORMAT,
    Json,
    document,
    document_of_several,
    plain,
    plain_fields,
    resolved_keys,
    spec_document,
)
from hsig.engines import NOT_REACHED
from hsig.experiment import Experiment, Failure, Outcome, Training
from hsig.explain import Trial, cheapest
from hsig.kept import Repetition
from hsig.maps import Cells, Map, as_table
from hsig.report import Report
from hsig.story import Story
from hsig.summary import Solved, Summary, VariantSummary
from hsig.together import Together
from hsig.two_sweeps import TwoSweeps
from hsig.verdict import SOLVED, VERDICTS, verdicts


def as_json(outcome: Outcome, *, every_seed: bool = True) -> str:
    """The document of `hsig.document`."""
    return _json(document(outcome, every_seed=every_seed))


def several_as_json(together: Together, *, every_seed: bool = True) -> str:
    """The document of several configs."""
    return _json(document_of_several(together, every_seed=every_seed))


def _json(made: Mapping[str, Json]) -> str:
    return json.dumps(made, indent=1, allow_nan=False) + "\n"


def as_csv(*summaries: Summary) -> str:
    """One row per variant: what was solved, and the final cost over seeds."""
    rows: list[dict[str, object]] = []
    for summary in summaries:
        for variant in summary.variants:
            if isinstance(variant, Failure):
                rows.append({"label": variant.variant.label, "error": variant.reason})
            else:
                rows.append(_variant_row(variant, summary.experiment.cost))
    return _csv(rows, _VARIANT_COLUMNS)


def as_long_csv(*outcomes: Outcome) -> str:
    """One row per variant, seed and checkpoint."""
    rows: list[dict[str, object]] = []
    for outcome in outcomes:
        for result in outcome.results:
            if isinstance(result, Failure):
                rows.append({"label": result.variant.label, "error": result.reason})
            else:
                rows += _seed_rows(outcome, result)
    return _csv(rows, _SEED_COLUMNS)


def as_markdown(report: Report) -> str:
    """Headings, tables and sentences that paste into a slide or an issue."""
    parts = [*report.heading]
    for variant in report.variants:
        for table in variant.tables:
            parts.append(_markdown_table(table.shortened()))
        parts += [f"**{variant.result}**", *variant.notes]
    return "\n\n".join(parts) + "\n"


def comparison_as_markdown(shown: Comparison) -> str:
    """Headings, tables and sentences that paste into a slide or an issue."""
    tables = map(_markdown_table, shown.tables)
    return "\n\n".join([*shown.heading, *tables, *shown.notes]) + "\n"


def story_as_markdown(story: Story) -> str:
    """The same words and tables as on the screen."""
    tables = [table for table in (story.timeline, story.remedies) if table is not None]
    parts = [*story.heading, f"**{story.result}**", *story.what, *map(_markdown_table, tables)]
    return "\n\n".join([*parts, *story.conclusion]) + "\n"


def story_as_json(
    outcome: Outcome,
    story: Story,
    trials: Sequence[Trial],
    *,
    missing: int = 0,
    every_seed: bool = True,
) -> str:
    """The document of the outcome, with the story and what became of the remedies."""
    best = cheapest(trials)
    made: dict[str, Json] = {
        **document(outcome, every_seed=every_seed),
        "complete": outcome.complete and not missing,
        "story": list(story.what),
        "conclusion": list(story.conclusion),
        "remedies_missing": missing,
        "remedies": [_trial(trial) for trial in trials],
        "cheapest": None if best is None else _label(best),
    }
    return _json(made)


def trials_as_csv(trials: Sequence[Trial]) -> str:
    """One row per remedy."""
    rows: list[dict[str, object]] = []
    for trial in trials:
        row: dict[str, object] = {
            "remedy": trial.remedy.name,
            "layers": trial.remedy.layers,
            "works": "yes" if trial.works else "no",
        }
        if trial.solved is not None:
            row |= _solved_columns(trial.solved)
            row |= {word: trial.verdicts.get(word, 0) for word in VERDICTS if word != SOLVED}
        rows.append(row)
    return _csv(rows, _TRIAL_COLUMNS)


def _trial(trial: Trial) -> dict[str, Json]:
    return {
        "name": trial.remedy.name,
        "layers": trial.remedy.layers or None,
        "experiment": resolved_keys(trial.remedy.experiment),
        "solved": None if trial.solved is None else plain_fields(trial.solved),
        "verdicts": {word: n for word, n in trial.verdicts.items()},
        "works": trial.works,
    }


def _label(trial: Trial) -> str:
    return trial.remedy.experiment.variants[0].label


_TRIAL_COLUMNS = (
    "remedy",
    "layers",
    "works",
    "solved",
    "seeds",
    "solved_rate",
    "solved_low",
    "solved_high",
    *(word for word in VERDICTS if word != SOLVED),
)
_VARIANT_COLUMNS = (
    "label",
    "solved",
    "seeds",
    "solved_rate",
    "solved_low",
    "solved_high",
    "lost",
    *(word for word in VERDICTS if word != SOLVED),
    "epoch",
    "cost",
    "cost_lower_quartile",
    "cost_median",
    "cost_upper_quartile",
    "error",
)
_SEED_COLUMNS = (
    "label",
    "seed",
    "epoch",
    "cost_last",
    "cost_mean",
    "verdict",
    "solved_at",
    "lost_at",
    "diverged_at",
    "diverged_by",
    "max_error",
    "error",
)


def _variant_row(variant: VariantSummary, cost: str) -> dict[str, object]:
    lower, median, upper = variant.cost[:, -1].tolist()
    return {
        "label": variant.label,
        **_solved_columns(variant.solved),
        "lost": variant.lost,
        **{word: variant.verdicts.get(word, 0) for word in VERDICTS if word != SOLVED},
        "epoch": variant.epochs[-1],
        "cost": cost,
        "cost_lower_quartile": lower,
        "cost_median": median,
        "cost_upper_quartile": upper,
    }


def _solved_columns(solved: Solved) -> dict[str, object]:
    return {
        "solved": solved.k,
        "seeds": solved.n,
        "solved_rate": solved.rate,
        "solved_low": solved.low,
        "solved_high": solved.high,
    }


def _seed_rows(outcome: Outcome, training: Training) -> list[dict[str, object]]:
    words = verdicts(training)
    return [
        {
            "label": training.variant.label,
            "seed": seed,
            "epoch": epoch,
            "cost_last": float(training.cost_last[row, column]),
            "cost_mean": float(training.cost_mean[row, column]),
            "verdict": words[row],
            "solved_at": _epoch(training.solved_at[row]),
            "lost_at": _epoch(training.lost_at[row]),
            "diverged_at": _epoch(training.diverged_at[row]),
            "diverged_by": training.diverged_by[row],
            "max_error": float(training.max_error[row]),
        }
        for row, seed in enumerate(outcome.experiment.seeds)
        for column, epoch in enumerate(training.epochs)
    ]


def _epoch(value: int) -> int | str:
    return "" if value == NOT_REACHED else int(value)


def _csv(rows: list[dict[str, object]], columns: tuple[str, ...]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _harmless(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _harmless(value: object) -> object:
    """A text that no spreadsheet takes for a formula; numbers, as numbers or texts, stay."""
    if not isinstance(value, str) or not value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def definitions_as_json(definitions: Sequence[Definition], points: Points | None) -> str:
    """One record per activation; with the chosen points, if any, of each."""
    records: list[Json] = [_definition(definition, points) for definition in definitions]
    return json.dumps({"format": FORMAT, "activations": records}, indent=1, allow_nan=False) + "\n"


def origins_as_json(keys: Mapping[str, Json], origins: Mapping[str, str]) -> str:
    """Every key with its resolved value and where that came from."""
    made = {name: {"value": value, "from": origins[name]} for name, value in keys.items()}
    return json.dumps(made, indent=1, allow_nan=False) + "\n"


def table_as_csv(table: Table) -> str:
    """A table of words as it is."""
    return _csv(
        [dict[str, object](zip(table.columns, row, strict=True)) for row in table.rows],
        table.columns,
    )


def tables_as_json(tables: Sequence[Table]) -> str:
    """Tables of words as they are: a title, and a record for each row."""
    made = [
        {
            "title": table.title,
            "rows": [dict(zip(table.columns, row, strict=True)) for row in table.rows],
        }
        for table in tables
    ]
    return json.dumps({"format": FORMAT, "tables": made}, indent=1, allow_nan=False) + "\n"


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
    return _json(
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
    names = tuple(axis.name for axis in axes)
    rows: list[dict[str, object]] = []
    for values, summary in cells.items():
        row: dict[str, object] = dict(zip(names, values, strict=True))
        if summary is None:
            continue
        if summary.solved is None:
            rows.append(row | {"error": summary.error})
            continue
        row |= _solved_columns(summary.solved)
        row |= {word: summary.verdicts.get(word, 0) for word in VERDICTS if word != SOLVED}
        row |= dict(zip(_COST_COLUMNS, summary.cost, strict=True))
        row |= {"epochs_to_solve": summary.epochs_to_solve[0], "lost": summary.lost}
        rows.append(row)
    return _csv(rows, (*names, *_MAP_COLUMNS))


def map_as_markdown(shown: Map) -> str:
    """Headings, maps as tables, and sentences."""
    tables = [*map(as_table, shown.heat_maps), *shown.tables]
    return "\n\n".join([*shown.heading, *map(_markdown_table, tables), *shown.notes]) + "\n"


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


def difference_as_json(table: Table, together: Together) -> str:
    """The settings in which two runs differ, and both results."""
    differences: list[Json] = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    return _json({"differences": differences, **document_of_several(together)})


def repetition_as_json(made: Repetition) -> str:
    """What came of training a kept run again."""
    return _json(
        {
            "format": FORMAT,
            "id": made.id,
            "same_bits": not made.different,
            "same_digest": made.same_digest,
            "different": list(made.different),
        }
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
    return _json(
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
    names = tuple(axis.name for axis in two.axes)
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
    return _csv(rows, (*names, *_BOTH_COLUMNS, *_PAIRED_COLUMNS))


_BOTH_COLUMNS = ("first_solved", "first_seeds", "second_solved", "second_seeds", "difference")
_PAIRED_COLUMNS = ("low", "high", "p", "both", "only_this", "only_baseline", "neither")


def definitions_as_csv(definitions: Sequence[Definition]) -> str:
    """One row per activation."""
    rows: list[dict[str, object]] = [
        {
            "activation": spell(definition.activation),
            "definition": definition.activation.definition,
            "lowest": definition.activation.range[0],
            "highest": definition.activation.range[1],
            "slope_at_0": definition.slope_at_0,
            "distance_from_logistic": definition.distance,
            "source": definition.activation.source,
        }
        for definition in definitions
    ]
    return _csv(rows, tuple(rows[0]))


def points_as_csv(points: Points) -> str:
    """One row per point."""
    columns = ("x", "y", "dy_dx", "dy_dw")
    numbers = zip(
        points.x.tolist(),
        points.value.tolist(),
        points.derivative.tolist(),
        points.weight_derivative.tolist(),
        strict=True,
    )
    return _csv([dict(zip(columns, row, strict=True)) for row in numbers], columns)


def tables_as_markdown(lines: Sequence[str], tables: Sequence[Table]) -> str:
    """Sentences, then tables."""
    return "\n\n".join([*lines, *map(_markdown_table, tables)]) + "\n"


def _definition(definition: Definition, points: Points | None) -> dict[str, Json]:
    activation = definition.activation
    record: dict[str, Json] = {
        **spec_document(activation),
        "definition": activation.definition,
        "range": plain(list(activation.range)),
        "slope_at_0": definition.slope_at_0,
        "distance_from_logistic": plain(definition.distance),
        "breaks": [plain_fields(found) for found in definition.breaks],
        "linear_pieces": [plain_fields(piece) for piece in activation.linear_pieces],
        "source": activation.source,
        "aliases": list(activation.aliases),
    }
    if points is not None:
        record["points"] = {
            "x": plain(points.x.tolist()),
            "y": plain(points.value.tolist()),
            "dy_dx": plain(points.derivative.tolist()),
            "dy_dw": plain(points.weight_derivative.tolist()),
        }
    return record


def _markdown_table(table: Table) -> str:
    lines = [f"{table.title}:", ""] if table.title else []
    lines.append(_markdown_row(table.columns))
    sides = ("---" if column in table.prose else "---:" for column in table.columns)
    lines.append(_markdown_row(tuple(sides)))
    lines += [_markdown_row(row) for row in table.rows]
    return "\n".join(lines)


def _markdown_row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
