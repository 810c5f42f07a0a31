"""The page of a comparison on several tasks: of each task, then what may be said over all."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from hsig.analysis.pairing import BETTER, LEVEL, WORSE
from hsig.analysis.parts import Part
from hsig.analysis.statistics import sign_test
from hsig.analysis.summary import Summary
from hsig.analysis.tasks import TaskComparison
from hsig.analysis.tuning import Tuning
from hsig.config.loading import resolved_keys
from hsig.config.values import Json
from hsig.experiments.experiment import Experiment
from hsig.experiments.measures import LOSS, SOLVED, Measure
from hsig.reports.comparison import (
    ComparisonTables,
    answer,
    best_first,
    family,
    heading_of,
    notes,
)
from hsig.reports.documents import document, seed_rows, variant_rows
from hsig.reports.page import (
    HEADER,
    Block,
    Column,
    Line,
    Page,
    Rows,
    Table,
    count,
    for_json,
    join_csv,
    lines,
    measure_text,
    measure_words,
    p_value,
)
from hsig.reports.phrases import few_seeds, result_line
from hsig.reports.tuning import describe_rate, tuning_document


class TaskResult(NamedTuple):
    """What became of the variants on one task."""

    part: Part
    summary: Summary
    tuned: Tuning | None  # how its learning rates were chosen, if they were

    @property
    def tables(self) -> ComparisonTables:
        """Its variants side by side, the best first."""
        ranked = best_first(self.summary.variants)
        return ComparisonTables(self.summary.experiment, ranked, self.summary.pairing, self.tuned)

    def answer(self) -> list[str]:
        """Which variants solve most seeds of the task, and which differ from the baseline."""
        tables, prefix = self.tables, f"{self.part.name}: "
        few = few_seeds(self.part.experiment)  # which is said once
        tuned = self.tuned is not None
        sentences = answer(tables.experiment, tables.variants, self.summary.pairing, tuned=tuned)
        return [prefix + text.replace(prefix, "") for text in sentences if text not in few]

    def document(self, *, every_seed: bool) -> dict[str, Json]:
        """It as JSON has it."""
        return {
            "task": self.part.name,
            **document(self.part.outcome, self.summary, self.tuned, every_seed=every_seed),
            **tuning_document(self.part.experiment, self.tuned),
            "experiment": resolved_keys(self.part.experiment),
        }


def tasks_page(
    results: Sequence[TaskResult], over: TaskComparison | None, columns: Sequence[str] = ()
) -> Page:
    """The page of a comparison on several tasks.

    Args:
        results: Of each task.
        over: What may be said over all of them, if there is anything.
        columns: As in `comparison_page`, for the table of each task.
    """
    complete = all(result.part.outcome.complete for result in results)
    head = lines(
        dict.fromkeys(line for r in results for line in heading_of(r.summary.experiment, r.tuned))
    )
    every = [variant for result in results for variant in result.summary.variants]
    legend = ComparisonTables(results[0].part.experiment, every).legend()
    marks = legend if not columns or "verdicts" in columns else ()
    over_all = [_over_table(over, results[0].summary.experiment)] if over else []

    def blocks(*, full: bool) -> tuple[Block, ...]:
        below = [note for r in results for note in notes(r.summary, r.tuned, full=full)]
        last = _describe_test(over) if full else [text for r in results for text in r.answer()]
        tables = [table for result in results for table in _tables(result, columns, full=full)]
        return (head, *tables, *over_all, lines(dict.fromkeys([*marks, *below])), lines(last))

    return Page(
        blocks=blocks(full=True),
        short=blocks(full=False),
        answer=lines(
            [*_describe_over(over, complete=complete), *few_seeds(results[0].part.experiment)]
        ),
        document=lambda every_seed: {
            **HEADER,
            "complete": complete,
            "tasks": [result.document(every_seed=every_seed) for result in results],
            "over_tasks": None if over is None else _over_document(over),
        },
        rows=lambda: join_csv([variant_rows(r.summary, r.tuned).csv() for r in results]),
        every_row=lambda: seed_rows(*(result.part.outcome for result in results)),
        brief=tuple(
            Line(result_line(r.summary.experiment, variant) + describe_rate(variant.label, r.tuned))
            for r in results
            for variant in best_first(r.summary.variants)
        ),
    )


def _tables(result: TaskResult, columns: Sequence[str], *, full: bool) -> list[Table]:
    """The tables of a task under its name, that of the columns that were asked for if any."""
    tables = result.tables
    if not tables.variants:
        return []
    chosen = [tables.results(full=full)]
    if full:
        chosen += [*tables.paired(), *tables.tuning()]
    if columns:
        chosen = [tables.chosen(columns)]
    return [replace(table, title=f"{result.part.name}: {table.title}") for table in chosen]


# --- over the tasks ------------------------------------------------------------------------------


def _over_rows(over: TaskComparison) -> Rows[str]:
    """What each variant solves of each task, and its two means over the tasks."""
    found = over.improvement

    def on_task(place: int, task: str) -> Column[str]:
        measure = over.measures[place]

        def describe(label: str) -> str:
            if measure.name == SOLVED:
                return str(over.solved[label][place])
            score = over.scores[label][place]
            return measure_text(measure.field, -score if measure.name == LOSS else score)

        heading = task if _is_solved(over) else f"{task}: {_name_measure(measure)}"
        return Column(f"solved:{task}", heading, describe, shown_only=True)

    columns: list[Column[str]] = [
        Column("label", "variant", lambda label: label, prose=True),
        *(on_task(place, task) for place, task in enumerate(over.tasks)),
        Column("solved", "", lambda label: over.solved[label]),
        Column("scores", "", lambda label: over.scores[label]),
        Column("ranks", "", lambda label: over.ranks[label]),
        Column("mean_rank", "mean rank", over.average_ranks.__getitem__, "{:.2f}".format),
        Column(
            "improvement",
            "improvement",
            found.get,
            lambda improvement: f"{improvement.probability:.3f}",
        ),
        Column(
            "improvement_interval",
            "its interval",
            found.get,
            lambda improvement: f"{improvement.low:.3f} to {improvement.high:.3f}",
            shown_only=True,
        ),
    ]
    return Rows(columns, [*over.solved])


def _over_table(over: TaskComparison, experiment: Experiment) -> Table:
    rows = replace(_over_rows(over), items=sorted(over.solved, key=over.average_ranks.__getitem__))
    seeds = count(len(experiment.seeds), "seed")
    rates = ", at the learning rates chosen" if experiment.is_tuned else ""
    values, ranked, better = (
        f"solved of {seeds}",
        "the solved rate",
        "solved in fewer epochs, or at all",
    )
    if not _is_solved(over):
        values, ranked = f"medians over {seeds}, or how many are solved", "these"
        better = "by the measure of its task"
    title = (
        f"{values}, by task{rates}; over these tasks, of which each counts the same: mean rank of "
        f"{ranked}, and improvement, the chance that a run is better ({better}) than one of "
        f"{over.baseline}; its interval: 95 %, bootstrap of the seeds within each task, the same "
        "seeds for both"
    )
    return rows.table(title, splits=True)


def _is_solved(over: TaskComparison) -> bool:
    """Whether on every task claims are made of what is solved."""
    return all(measure.name == SOLVED for measure in over.measures)


def _name_measure(measure: Measure) -> str:
    return SOLVED if measure.name == SOLVED else measure_words(measure.field)


def _describe_over(over: TaskComparison | None, *, complete: bool) -> list[str]:
    """The mean ranks, and which variants are told apart from the baseline."""
    if over is None:
        why = "fewer than two variants have a result on every one"
        why = why if complete else "not all were trained to their end"
        return [f"nothing is said over the tasks: {why}"]
    order = sorted(over.solved, key=over.average_ranks.__getitem__)
    ranks = ", ".join(f"{label} {over.average_ranks[label]:.2f}" for label in order)
    return [f"mean rank over the tasks, 1 for the best: {ranks}", _describe_claims(over)]


def _describe_claims(over: TaskComparison) -> str:
    tasks, against = len(over.tasks), over.against
    if sign_test(tasks, 0) * len(against) > LEVEL:
        return f"{count(tasks, 'task')}: too few to claim anything over tasks"
    groups = {
        words: [
            f"{label} ({paired.better} better, {paired.worse} worse)"
            for label, paired in against.items()
            if paired.claim == claim
        ]
        for words, claim in (("better", BETTER), ("worse", WORSE), ("not told apart", ""))
    }
    parts = [f"{words}: {', '.join(labels)}" for words, labels in groups.items() if labels]
    return f"over {tasks} tasks, against {over.baseline}: {'; '.join(parts)}"


def _describe_test(over: TaskComparison | None) -> list[str]:
    """How variants are told apart over the tasks."""
    corrected = "each task's claims are corrected among its own variants, not over the tasks"
    if over is None:
        return [corrected]
    left_out = f"no result on every task, so in no mean: {', '.join(over.left_out)}"
    p_values = ", ".join(f"{label} {p_value(paired.p)}" for label, paired in over.against.items())
    number = len(over.against)
    test = (
        f"over the tasks, each once, against {over.baseline}, by the exact sign test of their "
        f"scores, {family(number, named=number)}: p {p_values}"
    )
    return [corrected, *([left_out] if over.left_out else []), test]


def _over_document(over: TaskComparison) -> dict[str, Json]:
    return {
        "tasks": list(over.tasks),
        "baseline": over.baseline,
        "left_out": list(over.left_out),
        "variants": list(_over_rows(over).records()),
        "measures": for_json(over.measures),
        "against": for_json([*over.against.values()]),
    }
