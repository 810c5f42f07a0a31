"""Outcomes, comparisons and explanations for other programs."""

from collections.abc import Sequence

from hsig.analysis.configs import Together
from hsig.analysis.remedies import Trial, cheapest
from hsig.analysis.summary import Summary, VariantSummary
from hsig.config.resolved import Json, plain_fields, resolved_keys
from hsig.engines import NOT_REACHED
from hsig.experiments.experiment import Failure, Outcome, Training
from hsig.experiments.verdicts import SOLVED, VERDICTS, verdicts
from hsig.output.export.writing import csv_text, json_text, markdown_table, solved_columns
from hsig.reports.comparison import Comparison
from hsig.reports.documents import document, document_of_several
from hsig.reports.explanation import Story
from hsig.reports.page import Table
from hsig.reports.words import Report


def as_json(outcome: Outcome, *, every_seed: bool = True) -> str:
    """The document of `hsig.reports.documents`."""
    return json_text(document(outcome, every_seed=every_seed))


def several_as_json(together: Together, *, every_seed: bool = True) -> str:
    """The document of several configs."""
    return json_text(document_of_several(together, every_seed=every_seed))


def as_csv(*summaries: Summary) -> str:
    """One row per variant: what was solved, and the final cost over seeds."""
    rows: list[dict[str, object]] = []
    for summary in summaries:
        for variant in summary.variants:
            if isinstance(variant, Failure):
                rows.append({"label": variant.variant.label, "error": variant.reason})
            else:
                rows.append(_variant_row(variant, summary.experiment.cost))
    return csv_text(rows, _VARIANT_COLUMNS)


def as_long_csv(*outcomes: Outcome) -> str:
    """One row per variant, seed and checkpoint."""
    rows: list[dict[str, object]] = []
    for outcome in outcomes:
        for result in outcome.results:
            if isinstance(result, Failure):
                rows.append({"label": result.variant.label, "error": result.reason})
            else:
                rows += _seed_rows(outcome, result)
    return csv_text(rows, _SEED_COLUMNS)


def as_markdown(report: Report) -> str:
    """Headings, tables and sentences that paste into a slide or an issue."""
    parts = [*report.heading]
    for variant in report.variants:
        for table in variant.tables:
            parts.append(markdown_table(table.shortened()))
        parts += [f"**{variant.result}**", *variant.notes]
    return "\n\n".join(parts) + "\n"


def comparison_as_markdown(shown: Comparison) -> str:
    """Headings, tables and sentences that paste into a slide or an issue."""
    tables = map(markdown_table, shown.tables)
    return "\n\n".join([*shown.heading, *tables, *shown.notes]) + "\n"


def story_as_markdown(story: Story) -> str:
    """The same words and tables as on the screen."""
    tables = [table for table in (story.timeline, story.remedies) if table is not None]
    parts = [*story.heading, f"**{story.result}**", *story.what, *map(markdown_table, tables)]
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
    return json_text(made)


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
            row |= solved_columns(trial.solved)
            row |= {word: trial.verdicts.get(word, 0) for word in VERDICTS if word != SOLVED}
        rows.append(row)
    return csv_text(rows, _TRIAL_COLUMNS)


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
        **solved_columns(variant.solved),
        "lost": variant.lost,
        **{word: variant.verdicts.get(word, 0) for word in VERDICTS if word != SOLVED},
        "epoch": variant.epochs[-1],
        "cost": cost,
        "cost_lower_quartile": lower,
        "cost_median": median,
        "cost_upper_quartile": upper,
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


def difference_as_json(table: Table, together: Together) -> str:
    """The settings in which two runs differ, and both results."""
    differences: list[Json] = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    return json_text({"differences": differences, **document_of_several(together)})
