"""The page of a comparison on several tasks: of each task, then what may be said over all."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from hsig.analysis.pairing import LEVEL
from hsig.analysis.statistics import MIN_TASKS
from hsig.analysis.summary import Summary
from hsig.analysis.tasks import TaskComparison
from hsig.analysis.tuning import Tuning
from hsig.config.loading import resolved_keys
from hsig.config.values import Json
from hsig.experiments.experiment import Experiment, Outcome
from hsig.reports.comparison import (
    ComparisonTables,
    answer,
    best_first,
    full_notes,
    heading_of,
    short_notes,
)
from hsig.reports.documents import document, seed_rows, variant_rows
from hsig.reports.page import (
    OF_HSIG,
    Column,
    Line,
    Page,
    Rows,
    Table,
    count,
    for_json,
    join_csv,
    lines,
    p_value,
)
from hsig.reports.phrases import few_seeds, result_line
from hsig.reports.tuning import describe_rate, tuning_document


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

    @property
    def tables(self) -> ComparisonTables:
        """Its variants side by side, the best first."""
        ranked = best_first(self.summary.variants)
        return ComparisonTables(self.summary.experiment, ranked, self.summary.pairing, self.tuned)

    def answer(self) -> list[str]:
        """Which variants solve most seeds of the task, and which differ from the baseline."""
        tables, pairing = self.tables, self.summary.pairing
        few = few_seeds(self.experiment)  # which is said once
        said = answer(tables.experiment, tables.variants, pairing, tuned=self.tuned is not None)
        own = f"{self.name}: "
        return [own + line.replace(own, "") for line in said if line not in few]


def tasks_page(
    results: Sequence[TaskResult], over: TaskComparison | None, columns: Sequence[str] = ()
) -> Page:
    """The page of a comparison on several tasks.

    Args:
        results: Of each task.
        over: What may be said over all of them, if there is anything.
        columns: As in `comparison_page`, for the table of each task.
    """
    complete = all(result.outcome.complete for result in results)
    head = lines(
        dict.fromkeys(line for r in results for line in heading_of(r.summary.experiment, r.tuned))
    )
    every = [variant for result in results for variant in result.summary.variants]
    legend = ComparisonTables(results[0].experiment, every).legend()
    marks = legend if not columns or "verdicts" in columns else ()
    over_all = [_over_table(over, results[0].summary.experiment)] if over else []
    notes = dict.fromkeys(note for r in results for note in full_notes(r.summary, r.tuned))
    short = [line for r in results for line in (*short_notes(r.summary, r.tuned), *r.answer())]
    corrected = "each task's claims are corrected among its own variants, not over the tasks"
    last = _describe_over(over) if over else [_nothing_over(complete=complete)]
    return Page(
        blocks=(
            head,
            *_tables(
                results,
                columns,
                lambda tables: [tables.results(full=True), *tables.paired(), *tables.tuning()],
            ),
            *over_all,
            lines([*marks, *notes, corrected, *(_describe_test(over) if over else [])]),
        ),
        short=(
            head,
            *_tables(results, columns, lambda tables: [tables.results()]),
            *over_all,
            lines(marks),
            lines(dict.fromkeys(short)),
        ),
        answer=lines([*last, *few_seeds(results[0].experiment)]),
        document=lambda every_seed: {
            **OF_HSIG,
            "complete": complete,
            "tasks": [_task_document(result, every_seed=every_seed) for result in results],
            "over_tasks": None if over is None else _over_document(over),
        },
        rows=lambda: join_csv([variant_rows(r.summary, r.tuned).csv() for r in results]),
        every_row=lambda: seed_rows(*(result.outcome for result in results)),
        brief=tuple(
            Line(result_line(r.summary.experiment, variant) + describe_rate(variant.label, r.tuned))
            for r in results
            for variant in best_first(r.summary.variants)
        ),
    )


def _tables(
    results: Sequence[TaskResult],
    columns: Sequence[str],
    usual: Callable[[ComparisonTables], list[Table]],
) -> list[Table]:
    """The tables of each task under its name, those of the columns that were asked for if any."""
    found = [
        (r.name, [r.tables.chosen(columns)] if columns else usual(r.tables))
        for r in results
        if r.summary.variants
    ]
    return [replace(t, title=f"{name}: {t.title}") for name, tables in found for t in tables]


# --- over the tasks ------------------------------------------------------------------------------


def _over_rows(over: TaskComparison) -> Rows[str]:
    """What each variant solves of each task, and its two means over the tasks."""
    found = over.improvement

    def on_task(place: int, task: str) -> Column[str]:
        return Column(
            f"solved:{task}", task, lambda label: over.solved[label][place], shown_only=True
        )

    columns: list[Column[str]] = [
        Column("label", "variant", lambda label: label, prose=True),
        *(on_task(place, task) for place, task in enumerate(over.tasks)),
        Column("solved", "", lambda label: over.solved[label]),
        Column("ranks", "", lambda label: over.ranks[label]),
        Column("mean_rank", "mean rank", over.average_rank, "{:.2f}".format),
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
    rows = replace(_over_rows(over), items=sorted(over.solved, key=over.average_rank))
    seeds = count(len(experiment.seeds), "seed")
    rates = ", at the learning rates chosen" if experiment.is_tuned else ""
    title = (
        f"solved of {seeds}, by task{rates}; over these tasks, of which each counts the same: mean "
        "rank of the solved rate, and improvement, the chance that a run is better "
        f"(solved in fewer epochs, or at all) than one of {over.baseline}; its interval: 95 %, "
        "bootstrap of the seeds within each task, each variant by itself"
    )
    return rows.table(title, splits=True)


def _nothing_over(*, complete: bool) -> str:
    """Why nothing is said over the tasks."""
    if not complete:
        return "nothing is said over the tasks: not all were trained to their end"
    return "nothing is said over the tasks: fewer than two variants have a result on every one"


def _describe_over(over: TaskComparison) -> list[str]:
    """The mean ranks, and whether they tell variants apart."""
    order = sorted(over.solved, key=over.average_rank)
    ranks = ", ".join(f"{label} {over.average_rank(label):.2f}" for label in order)
    notes = [f"mean rank over the tasks, 1 for the most solved: {ranks}"]
    test = over.friedman
    if test is None:
        notes.append(f"{count(len(over.tasks), 'task')}: too few to tell mean ranks apart")
    elif test.p > LEVEL:
        notes.append("over the tasks, no variants are told apart")
    else:
        groups = "; ".join(", ".join(group) for group in over.groups if len(group) > 1)
        notes.append(
            f"over the tasks, not told apart: {groups}" if groups else "all are told apart"
        )
    return notes


def _describe_test(over: TaskComparison) -> list[str]:
    """How variants are told apart over the tasks."""
    notes = []
    if over.left_out:
        notes.append(
            "without a result on every task, and so in no mean over tasks: "
            f"{', '.join(over.left_out)}"
        )
    test = over.friedman
    if test is None:
        return [*notes, f"Friedman's test of mean ranks takes {MIN_TASKS} tasks or more"]
    distance = (
        ""
        if test.p > LEVEL
        else f"; critical difference (Nemenyi, 5 %): {test.critical_difference:.2f}"
    )
    tasks = len(over.tasks)
    return [
        *notes,
        f"Friedman's test of the mean ranks over {tasks} tasks: p {p_value(test.p)}{distance}",
    ]


def _over_document(over: TaskComparison) -> dict[str, Json]:
    test = over.friedman
    return {
        "tasks": list(over.tasks),
        "baseline": over.baseline,
        "left_out": list(over.left_out),
        "variants": list(_over_rows(over).records()),
        "friedman": None
        if test is None
        else {"chi_squared": test.chi_squared, "f": for_json(test.f), "p": test.p},
        "critical_difference": None if test is None else test.critical_difference,
        "groups": [list(group) for group in over.groups],
    }


def _task_document(result: TaskResult, *, every_seed: bool) -> dict[str, Json]:
    return {
        "task": result.name,
        **document(result.outcome, result.summary, result.tuned, every_seed=every_seed),
        **tuning_document(result.experiment, result.tuned),
        "experiment": resolved_keys(result.experiment),
    }
