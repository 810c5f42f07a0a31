"""Several variants on several tasks: what each solves, and what may be said over all tasks."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from hsig.analysis.pairing import (
    LEVEL,
    TASKS_LEAST,
    Friedman,
    Improvement,
    friedman,
    groups,
    improvement,
    ranks,
)
from hsig.arrays import Array
from hsig.experiments.experiment import Experiment, Outcome, Result


@dataclass(frozen=True, eq=False)
class OverTasks:
    """What becomes of variants over all tasks.

    Attributes:
        tasks: Their names.
        baseline: The label of the variant that the others are compared with.
        solved: By label, how many seeds were solved of each task.
        ranks: By label, the rank of the solved rate on each task, 1 for the highest.
        improvement: By label, of every variant but the baseline over that.
        friedman: Of the average ranks; None where there are fewer tasks than it can bear.
        groups: Labels that are not told apart, the best first; none without the test.
        left_out: Labels of variants that have no result on some task.
    """

    tasks: tuple[str, ...]
    baseline: str
    solved: Mapping[str, tuple[int, ...]]
    ranks: Mapping[str, tuple[float, ...]]
    improvement: Mapping[str, Improvement]
    friedman: Friedman | None
    groups: tuple[tuple[str, ...], ...]
    left_out: tuple[str, ...]

    def average_rank(self, label: str) -> float:
        """The mean of the ranks of a variant over the tasks."""
        return float(np.mean(self.ranks[label]))


def over_tasks(
    experiments: Mapping[str, Experiment], outcomes: Mapping[str, Outcome]
) -> OverTasks | None:
    """Compare variants over tasks; None if fewer than two have a result on each.

    Args:
        experiments: By task, with the same variants in the same order.
        outcomes: By task, complete.
    """
    first = next(iter(experiments.values()))
    trained: dict[str, list[Result]] = {}
    left_out = []
    for place, variant in enumerate(first.variants):
        results: list[Result] = [outcome.results[place] for outcome in outcomes.values()]
        if any(result.failure for result in results):
            left_out.append(variant.label)
        else:
            trained[variant.label] = results
    if len(trained) < 2:
        return None
    baseline = first.baseline if first.baseline in trained else next(iter(trained))
    solved = {label: tuple(int(r.solved.sum()) for r in trained[label]) for label in trained}
    # of each task the ranks of all variants, then of each variant the ranks on all tasks
    by_task = [ranks(counts) for counts in zip(*solved.values(), strict=True)]
    by_label = dict(zip(trained, zip(*by_task, strict=True), strict=True))
    average = {label: float(np.mean(own)) for label, own in by_label.items()}
    test = None
    if len(outcomes) >= TASKS_LEAST:
        test = friedman(list(average.values()), len(outcomes))
    epochs = {label: [_epochs(result) for result in results] for label, results in trained.items()}
    return OverTasks(
        tasks=tuple(outcomes),
        baseline=baseline,
        solved=solved,
        ranks=by_label,
        improvement={
            label: improvement(own, epochs[baseline])
            for label, own in epochs.items()
            if label != baseline
        },
        friedman=test,
        groups=_groups(average, test),
        left_out=tuple(left_out),
    )


def _epochs(result: Result) -> Array:
    """Until each seed was solved; infinite for one that is not at the budget."""
    return np.where(result.solved, result.epochs_to_solve, np.inf)


def _groups(average: Mapping[str, float], test: Friedman | None) -> tuple[tuple[str, ...], ...]:
    """Those that are not told apart: all of them, if they are not told apart as a whole."""
    if test is None:
        return ()
    if test.p > LEVEL:
        return (tuple(sorted(average, key=lambda label: average[label])),)
    return groups(average, test.critical_difference)
