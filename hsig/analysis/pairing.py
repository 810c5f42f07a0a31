"""Variants against each other, seed by seed."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import numpy as np

from hsig.analysis.statistics import holm, mcnemar_exact, paired_difference_interval
from hsig.arrays import BoolArray
from hsig.experiments.experiment import Outcome

T = TypeVar("T")
# By label, what else a variant might have been given, and the seeds that it solved with that. A
# p-value is the largest over those of the one that solved less.
Alternatives = Mapping[T, Sequence[BoolArray]]
_NONE: Mapping[Any, Sequence[BoolArray]] = MappingProxyType({})

LEVEL = 0.05  # of all claims of one comparison together


class Paired(NamedTuple):
    """One variant against the baseline, by how many seeds each solved."""

    label: str  # the variant
    both: int  # seeds that both solved
    only_this: int  # seeds that only the variant solved
    only_baseline: int  # seeds that only the baseline solved
    neither: int  # seeds that none solved
    difference: float  # of the solved rates, variant minus baseline
    low: float  # lower end of its 95 % interval (Newcombe's method 10)
    high: float  # upper end
    p: float  # of the exact McNemar test, after Holm over the comparisons with the baseline

    @property
    def pairs(self) -> int:
        """How many seeds both have."""
        return self.both + self.only_this + self.only_baseline + self.neither

    @property
    def claim(self) -> str:
        """`more` or `less` where it can be claimed to be solved so often; else nothing."""
        if self.p > LEVEL:
            return ""
        return "more" if self.difference > 0.0 else "less"

    @property
    def interval_alone(self) -> bool:
        """Whether the interval excludes 0 and the test claims nothing."""
        return not self.claim and not self.low <= 0.0 <= self.high


class Pairing(NamedTuple):
    """All variants of a comparison against its baseline and each other."""

    baseline: str  # its label
    against: Mapping[str, Paired]  # every other variant against it, by label
    # by label, 1 + the number of variants that are significantly better: exact McNemar, Holm over
    # all pairs
    ranks: Mapping[str, int]


def pair_outcomes(*outcomes: Outcome, alternatives: Alternatives[str] = _NONE) -> Pairing | None:
    """Compare the variants that reached their budget; None unless there are two of them.

    Seeds start from the same weights in all outcomes; the baseline is that of the first.
    """
    solved = {
        result.variant.label: result.solved
        for outcome in outcomes
        for result in outcome.results
        if not result.failure and result.epochs[-1] == outcome.experiment.epochs
    }
    if len(solved) < 2:
        return None
    baseline = outcomes[0].experiment.baseline
    return pair(solved, baseline if baseline in solved else next(iter(solved)), alternatives)


def pair(
    solved: Mapping[str, BoolArray], baseline: str, alternatives: Alternatives[str] = _NONE
) -> Pairing:
    """Compare solved seeds, by label: the same seeds in the same order."""
    others = [label for label in solved if label != baseline]
    adjusted = holm([_p_value(solved, label, baseline, alternatives) for label in others])
    against = {}
    for label, p in zip(others, adjusted, strict=True):
        table = _table(solved[label], solved[baseline])
        difference = (table[1] - table[2]) / sum(table)
        low, high = paired_difference_interval(*table)
        against[label] = Paired(label, *table, difference, low, high, p)
    ranks = dict.fromkeys(solved, 1)
    for (first, second), p in all_pairs(solved, alternatives).items():
        if p <= LEVEL:
            ranks[first if solved[first].sum() < solved[second].sum() else second] += 1
    return Pairing(baseline, against, ranks)


def all_pairs(
    solved: Mapping[T, BoolArray], alternatives: Alternatives[T] = _NONE
) -> dict[tuple[T, T], float]:
    """The p-value of each pair, after Holm over all pairs; the same seeds in the same order."""
    pairs = list(combinations(solved, 2))
    adjusted = holm([_p_value(solved, *both, alternatives) for both in pairs])
    return dict(zip(pairs, adjusted, strict=True))


def _p_value(
    solved: Mapping[T, BoolArray], first: T, second: T, alternatives: Alternatives[T]
) -> float:
    """Of the exact McNemar test; the largest over the alternatives of the one that solved less."""
    _, only, less, _ = _table(solved[first], solved[second])
    p = mcnemar_exact(only, less)
    better, worse = (first, second) if only > less else (second, first)
    for other in alternatives.get(worse, ()):
        _, ahead, behind, _ = _table(solved[better], other)
        p = max(p, mcnemar_exact(ahead, behind) if ahead > behind else 1.0)
    return p


def _table(first: BoolArray, second: BoolArray) -> tuple[int, int, int, int]:
    """Both, only the first, only the second, neither."""
    cells = (first & second, first & ~second, ~first & second, ~first & ~second)
    both, only_first, only_second, neither = (int(np.sum(cell)) for cell in cells)
    return both, only_first, only_second, neither
