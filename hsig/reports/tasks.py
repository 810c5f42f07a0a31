"""The page of a comparison on several tasks: of each task, then what may be said over all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hsig import __version__
from hsig.analysis.pairing import LEVEL
from hsig.analysis.statistics import MIN_TASKS
from hsig.analysis.summary import Summary
from hsig.analysis.tasks import TaskComparison
from hsig.analysis.tuning import Tuning
from hsig.config.loading import resolved_keys
from hsig.config.values import Json, plain
from hsig.experiments.experiment import Experiment, Outcome
from hsig.reports.comparison import (
    ComparisonTables,
    answer,
    best_first,
    heading_of,
    notes_of,
    short_notes_of,
)
from hsig.reports.documents import SEED_COLUMNS, VARIANT_COLUMNS, document, seed_rows, variant_rows
from hsig.reports.page import FORMAT, Line, Page, Row, Table, count, lines, p_value
from hsig.reports.phrases import result_line
from hsig.reports.tuning import rate_chosen, tuning_document, with_tuning


@dataclass(frozen=True, eq=False)
class TaskResult:
    """What became of the variants on one task.

    Attributes:
        name: Of the task.
        experiment: As the config has it, for this task.
        outcome: What became of it; the labels have the name in front.
        summary: Its numbers.
        tuned: How its learning rates were chosen, if they were.
    """

    name: str
    experiment: Experiment
    outcome: Outcome
    summary: Summary
    tuned: Tuning | None


def tasks_page(
    results: Sequence[TaskResult], over: TaskComparison | None, columns: Sequence[str] = ()
) -> Page:
    """The page of a comparison on several tasks.

    Args:
        results: Of each task.
        over: What may be said over all of them, if there is anything.
        columns: As in `comparison_page`, for the table of each task.
    """
    tables: list[Table] = []
    results_alone: list[Table] = []
    notes: list[str] = []
    answers: list[str] = []
    for one in results:
        ranked = best_first(one.summary.variants)
        summary = one.summary
        side = ComparisonTables(summary.experiment, ranked, summary.pairing, one.tuned)
        if ranked:
            chosen = [side.chosen(columns)] if columns else []
            made = chosen or [side.results(full=True), *side.paired(), *side.tuning()]
            tables += [replace(table, title=f"{one.name}: {table.title}") for table in made]
            core = chosen or [side.results(), *side.tuning()]
            results_alone += [replace(t, title=f"{one.name}: {t.title}") for t in core]
        notes += notes_of(summary, one.tuned)
        answers += [
            *short_notes_of(summary, one.tuned),
            *answer(summary.experiment, ranked, summary.pairing, tuned=one.tuned is not None),
        ]
    what = [line for one in results for line in heading_of(one.summary.experiment, one.tuned)]
    complete = all(one.outcome.complete for one in results)
    everyone = [variant for one in results for variant in one.summary.variants]
    legend = ComparisonTables(results[0].summary.experiment, everyone, None).legend()
    marks = legend if not columns or "verdicts" in columns else ()
    last = [
        "each task's claims are corrected among its own variants, not over the tasks",
        *(_over_in_words(over) if over else [_nothing_over_tasks(complete=complete)]),
    ]
    heads = lines(dict.fromkeys(what))
    over_all = [_over_table(over, results[0].summary.experiment)] if over else []
    return Page(
        blocks=(
            heads,
            *tables,
            *over_all,
            lines([*marks, *dict.fromkeys(notes), *last]),
        ),
        short=(
            heads,
            *results_alone,
            *over_all,
            lines(marks),
            lines([*dict.fromkeys(answers), *last]),
        ),
        document=lambda every_seed: {
            "format": FORMAT,
            "hsig": __version__,
            "complete": complete,
            "tasks": [_document(one, every_seed=every_seed) for one in results],
            "over_tasks": None if over is None else _over_document(over),
        },
        rows=lambda: _rows(results),
        every_row=lambda: (SEED_COLUMNS, seed_rows(*(one.outcome for one in results))),
        brief=tuple(
            Line(
                result_line(one.summary.experiment, variant) + rate_chosen(variant.label, one.tuned)
            )
            for one in results
            for variant in best_first(one.summary.variants)
        ),
    )


def _over_table(over: TaskComparison, experiment: Experiment) -> Table:
    """What each variant solves of each task, and the two means over the tasks."""
    rows = []
    for label in sorted(over.solved, key=over.average_rank):
        found = over.improvement.get(label)
        chance = ("", "")
        if found is not None:
            chance = f"{found.probability:.3f}", f"{found.low:.3f} to {found.high:.3f}"
        counts = map(str, over.solved[label])
        rows.append((label, *counts, f"{over.average_rank(label):.2f}", *chance))
    seeds = count(len(experiment.seeds), "seed")
    rates = ", at the learning rates chosen" if experiment.is_tuned else ""
    return Table(
        f"solved of {seeds}, by task{rates}; over these tasks, of which each counts the same: mean "
        "rank of the solved rate, and improvement, the chance that a run is better "
        f"(solved in fewer epochs, or at all) than one of {over.baseline}; its interval: 95 %, "
        "bootstrap of the seeds within each task, each variant by itself",
        ("variant", *over.tasks, "mean rank", "improvement", "its interval"),
        tuple(rows),
        prose=("variant",),
        splits=True,
    )


def _nothing_over_tasks(*, complete: bool) -> str:
    """Why nothing is said over the tasks."""
    if not complete:
        return "nothing is said over the tasks: not all were trained to their end"
    return "nothing is said over the tasks: fewer than two variants have a result on every one"


def _over_in_words(over: TaskComparison) -> list[str]:
    """Whether ranks over the tasks tell variants apart."""
    notes = []
    if over.left_out:
        notes.append(
            f"without a result on every task, and so in no mean over tasks: "
            f"{', '.join(over.left_out)}"
        )
    test = over.friedman
    if test is None:
        notes.append(
            f"{count(len(over.tasks), 'task')}: too few to tell mean ranks apart (Friedman's test "
            f"takes {MIN_TASKS} or more)"
        )
        return notes
    told = f"Friedman's test of the mean ranks over {len(over.tasks)} tasks: p {p_value(test.p)}"
    if test.p > LEVEL:
        return [*notes, f"{told}; no variants are told apart"]
    notes.append(
        f"{told}; critical difference of two mean ranks (Nemenyi, 5 %): "
        f"{test.critical_difference:.2f}"
    )
    groups = "; ".join(", ".join(group) for group in over.groups if len(group) > 1)
    return [*notes, f"not told apart by it: {groups}" if groups else "all are told apart by it"]


# --- JSON and CSV -----------------------------------------------------------------------------


def _document(one: TaskResult, *, every_seed: bool) -> dict[str, Json]:
    tuning = tuning_document(one.experiment, one.tuned) if one.tuned else {}
    return {
        "task": one.name,
        **document(one.outcome, one.summary, every_seed=every_seed),
        **tuning,
        "experiment": resolved_keys(one.experiment),
    }


def _over_document(over: TaskComparison) -> dict[str, Json]:
    test = over.friedman
    return {
        "tasks": list(over.tasks),
        "baseline": over.baseline,
        "left_out": list(over.left_out),
        "variants": [_variant(over, label) for label in over.solved],
        "friedman": None
        if test is None
        else {"chi_squared": test.chi_squared, "f": plain(test.f), "p": test.p},
        "critical_difference": None if test is None else test.critical_difference,
        "groups": [list(group) for group in over.groups],
    }


def _variant(over: TaskComparison, label: str) -> Json:
    found = over.improvement.get(label)
    return {
        "label": label,
        "solved": list(over.solved[label]),
        "ranks": list(over.ranks[label]),
        "mean_rank": over.average_rank(label),
        "improvement": None
        if found is None
        else {
            "probability": found.probability,
            "low": found.low,
            "high": found.high,
            "by_task": list(found.by_task),
        },
    }


def _rows(results: Sequence[TaskResult]) -> tuple[Sequence[str], Sequence[Row]]:
    """The rows of all tasks below one head."""
    columns: Sequence[str] = VARIANT_COLUMNS
    rows: list[Mapping[str, object]] = []
    for one in results:
        columns, own = with_tuning((VARIANT_COLUMNS, variant_rows(one.summary)), one.tuned)
        rows += own
    return columns, rows
