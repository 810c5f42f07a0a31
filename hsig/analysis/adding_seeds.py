"""As many seeds as an interval needs: blocks of them are added, the same for all variants.

Looking at the interval to decide whether to go on makes it cover a little less than it says; the
blocks grow, so that there are few looks. `benchmarks/intervals.py` measures by how much.
"""

from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

import numpy as np

from hsig.analysis.statistics import wilson_interval
from hsig.experiments.evidence import Evidence
from hsig.experiments.experiment import ARRAYS, Experiment, Outcome, Training
from hsig.experiments.outlook import Outlook

FIRST_SEEDS = 100
_GROWTH = 1.5  # from one look to the next
_BLOCK = 100


def first_block(experiment: Experiment) -> Experiment:
    """The experiment with the seeds before the first look."""
    seeds = min(max(FIRST_SEEDS, len(experiment.seeds)), experiment.max_seeds)
    return replace(experiment, seeds=tuple(range(seeds)))


def next_block(outcome: Outcome) -> Experiment | None:
    """The seeds to add, or None when every interval is narrow enough or there are no more."""
    experiment, n = outcome.experiment, len(outcome.experiment.seeds)
    solved = [int(result.solved.sum()) for result in outcome.results if not result.failure]
    more = seeds_after(n, solved, experiment.until or 1.0, experiment.max_seeds)
    return replace(experiment, seeds=tuple(range(n, more))) if more > n else None


def seeds_after(n: int, solved: Iterable[int], until: float, most: int) -> int:
    """How many seeds there should be after n of which so many were solved by each variant."""
    if all(_half_width(k, n) <= until for k in solved):
        return n
    return min(most, -(-int(_GROWTH * n) // _BLOCK) * _BLOCK)


def _half_width(k: int, n: int) -> float:
    low, high = wilson_interval(k, n)
    return (high - low) / 2.0


def join(first: Outcome, second: Outcome) -> Outcome:
    """The outcome of both outcomes' seeds; the rest of their experiments is the same."""
    experiment = replace(
        first.experiment, seeds=(*first.experiment.seeds, *second.experiment.seeds)
    )
    return Outcome(
        experiment,
        tuple(
            one if one.failure else _join(one, other)
            for one, other in zip(first.results, second.results, strict=True)
        ),
    )


def _join(first: Training, second: Training) -> Training:
    if second.failure:
        return second
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(first, name), getattr(second, name)])
        for name in (*ARRAYS, "verdict")
    }
    return replace(
        first,
        **joined,
        seeds=first.seeds + second.seeds,
        weights=tuple(map(np.concatenate, zip(first.weights, second.weights, strict=True))),
        diverged_by=first.diverged_by + second.diverged_by,
        evidence=Evidence(**_fields_joined(first.evidence, second.evidence)),
        outlook=Outlook(**_fields_joined(first.outlook, second.outlook)),
    )


def _fields_joined(first: Evidence | Outlook, second: Evidence | Outlook) -> dict[str, Any]:
    return {
        field.name: np.concatenate([getattr(first, field.name), getattr(second, field.name)])
        for field in fields(first)
    }
