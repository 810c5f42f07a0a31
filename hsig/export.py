"""An outcome for other programs: JSON, CSV and Markdown."""

import csv
import io
import json

from hsig.document import document
from hsig.engines import NOT_REACHED
from hsig.experiment import Failure, Outcome, Training
from hsig.report import Report, Table
from hsig.summary import Summary, VariantSummary
from hsig.verdict import verdicts


def as_json(outcome: Outcome) -> str:
    """The document of `hsig.document`."""
    return json.dumps(document(outcome), indent=1, allow_nan=False) + "\n"


def as_csv(summary: Summary) -> str:
    """One row per variant: what was solved, and the final cost over seeds."""
    rows: list[dict[str, object]] = []
    for variant in summary.variants:
        if isinstance(variant, Failure):
            rows.append({"label": variant.variant.label, "error": variant.reason})
        else:
            rows.append(_variant_row(variant))
    return _csv(rows, _VARIANT_COLUMNS)


def as_long_csv(outcome: Outcome) -> str:
    """One row per variant, seed and checkpoint."""
    rows: list[dict[str, object]] = []
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


_VARIANT_COLUMNS = (
    "label",
    "solved",
    "seeds",
    "solved_rate",
    "solved_low",
    "solved_high",
    "diverged",
    "epoch",
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
    "max_error",
    "error",
)


def _variant_row(variant: VariantSummary) -> dict[str, object]:
    lower, median, upper = variant.cost[:, -1].tolist()
    return {
        "label": variant.label,
        "solved": variant.solved.k,
        "seeds": variant.solved.n,
        "solved_rate": variant.solved.rate,
        "solved_low": variant.solved.low,
        "solved_high": variant.solved.high,
        "diverged": len(variant.diverged_seeds),
        "epoch": variant.epochs[-1],
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
    writer.writerows(rows)
    return text.getvalue()


def _markdown_table(table: Table) -> str:
    lines = [f"{table.title}:", ""] if table.title else []
    lines.append(_markdown_row(table.columns))
    lines.append(_markdown_row(tuple("---:" for _ in table.columns)))
    lines += [_markdown_row(row) for row in table.rows]
    return "\n".join(lines)


def _markdown_row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
