"""Several variants on several tasks: what each solves, and what may be said over all tasks.

Variants are told apart over tasks as they are over seeds, by the exact sign test with Holm's
correction, and not by their mean ranks: whether two of these are far enough apart depends on which
others are compared (Benavoli, Corani & Mangili 2016, JMLR 17(5):1-10).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hsig.analysis.pairing import Paired, pair
from hsig.analysis.parts import Part
from hsig.analysis.statistics import Improvement, improvement_probability, rank_scores
from hsig.arrays import Array
from hsig.experiments.experiment import Result
from hsig.experiments.measures import SOLVED, Measure

SCORE = Measure("score")  # of a variant on a task, whatever claims are made of there


@dataclass(frozen=True, eq=False)
class TaskComparison:
    """What becomes of variants over all tasks."""

    tasks: tuple[str, ...]  # their names
    baseline: str  # the label of the variant that the others are compared with
    solved: Mapping[str, tuple[int, ...]]  # by label, how many seeds were solved of each task
    # by label, the score on each task, higher is better: the solved rate, or the median over seeds
    # of another measure
    scores: Mapping[str, tuple[float, ...]]
    measures: tuple[Measure, ...]  # what claims on each task are made of
    # by label, the rank of the score on each task, 1 for the highest
    ranks: Mapping[str, tuple[float, ...]]
    average_ranks: Mapping[str, float]  # by label, the mean of these
    improvement: Mapping[str, Improvement]  # by label, of every variant but the baseline over that
    # the scores on the tasks paired as those of seeds are in a comparison, each task counting once:
    # by labels, every variant but the baseline against that
    against: Mapping[str, Paired]
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
    measures = tuple(part.experiment.chosen_measure for part in parts)
    scores = {label: tuple(map(_score, of_tasks, measures)) for label, of_tasks in trained.items()}
    by_task = [rank_scores(of_task) for of_task in zip(*scores.values(), strict=True)]
    ranks = dict(zip(trained, zip(*by_task, strict=True), strict=True))
    costs = {
        label: list(map(_runs_cost, of_tasks, measures)) for label, of_tasks in trained.items()
    }
    return TaskComparison(
        tasks=tuple(part.name for part in parts),
        baseline=baseline,
        solved=solved,
        scores=scores,
        measures=measures,
        ranks=ranks,
        average_ranks={label: float(np.mean(of_tasks)) for label, of_tasks in ranks.items()},
        improvement={
            label: improvement_probability(of_tasks, costs[baseline])
            for label, of_tasks in costs.items()
            if label != baseline
        },
        against=pair({k: np.array(v) for k, v in scores.items()}, baseline, measure=SCORE).against,
        left_out=tuple(label for label in results if label not in trained),
    )


def _score(result: Result, measure: Measure) -> float:
    scores = measure.scores(result)
    return float(np.mean(scores) if measure.name == SOLVED else np.median(scores))


def _runs_cost(result: Result, measure: Measure) -> Array:
    """Of each seed what is better if it is less: epochs to solve, or a score turned round."""
    return result.epochs_to_solve if measure.name == SOLVED else -measure.scores(result)
