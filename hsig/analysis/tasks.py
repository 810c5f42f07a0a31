"""Several variants on several tasks: what each solves, and what may be said over all tasks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hsig.analysis.pairing import LEVEL
from hsig.analysis.parts import Part
from hsig.analysis.statistics import (
    MIN_TASKS,
    Friedman,
    Improvement,
    friedman_test,
    improvement_probability,
    indistinguishable_groups,
    rank_scores,
)


@dataclass(frozen=True, eq=False)
class TaskComparison:
    """What becomes of variants over all tasks."""

    tasks: tuple[str, ...]  # their names
    baseline: str  # the label of the variant that the others are compared with
    solved: Mapping[str, tuple[int, ...]]  # by label, how many seeds were solved of each task
    # by label, the rank of the solved rate on each task, 1 for the highest
    ranks: Mapping[str, tuple[float, ...]]
    average_ranks: Mapping[str, float]  # by label, the mean of these
    improvement: Mapping[str, Improvement]  # by label, of every variant but the baseline over that
    # of the average ranks; None where there are fewer tasks than it can bear
    friedman: Friedman | None
    # labels that are not told apart, the best first; none without the test
    groups: tuple[tuple[str, ...], ...]
    left_out: tuple[str, ...]  # labels of variants that have no result on some task


def compare_tasks(parts: Sequence[Part]) -> TaskComparison | None:
    """Compare variants over tasks; None if fewer than two have a result on each.

    The parts are complete, one for each task, with the same variants in the same order.
    """
    first = parts[0].experiment
    results = {
        variant.label: [part.outcome.results[place] for part in parts]
        for place, variant in enumerate(first.variants)
    }
    trained = {
        label: of_tasks
        for label, of_tasks in results.items()
        if not any(result.failure for result in of_tasks)
    }
    if len(trained) < 2:
        return None
    baseline = first.baseline if first.baseline in trained else next(iter(trained))
    solved = {
        label: tuple(int(result.solved.sum()) for result in of_tasks)
        for label, of_tasks in trained.items()
    }
    by_task = [rank_scores(counts) for counts in zip(*solved.values(), strict=True)]
    ranks = dict(zip(trained, zip(*by_task, strict=True), strict=True))
    average = {label: float(np.mean(of_tasks)) for label, of_tasks in ranks.items()}
    test: Friedman | None = None
    groups: tuple[tuple[str, ...], ...] = ()
    if len(parts) >= MIN_TASKS:
        test = friedman_test(list(average.values()), len(parts))
        groups = indistinguishable_groups(average, test.critical_difference)
        if test.p > LEVEL:  # which tells none apart
            groups = (tuple(sorted(average, key=average.__getitem__)),)
    epochs = {
        label: [result.epochs_to_solve for result in of_tasks]
        for label, of_tasks in trained.items()
    }
    return TaskComparison(
        tasks=tuple(part.name for part in parts),
        baseline=baseline,
        solved=solved,
        ranks=ranks,
        average_ranks=average,
        improvement={
            label: improvement_probability(of_tasks, epochs[baseline])
            for label, of_tasks in epochs.items()
            if label != baseline
        },
        friedman=test,
        groups=groups,
        left_out=tuple(label for label in results if label not in trained),
    )
