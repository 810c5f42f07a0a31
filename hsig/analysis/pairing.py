"""Variants against each other, seed by seed: they start from the same initial weights."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from hsig.analysis.statistics import holm, mcnemar_exact, paired_difference_interval
from hsig.networks.arrays import BoolArray

LEVEL = 0.05  # of all claims of one comparison together


@dataclass(frozen=True)
class Paired:
    """One variant against the baseline, by how many seeds each solved.

    Attributes:
        label: The variant.
        both: Seeds that both solved.
        only_this: Seeds that only the variant solved.
        only_baseline: Seeds that only the baseline solved.
        neither: Seeds that none solved.
        difference: Of the solved rates, variant minus baseline.
        low: Lower end of its 95 % interval (Newcombe's method 10).
        high: Upper end.
        p: Of the exact McNemar test, after Holm over the comparisons with the baseline.
    """

    label: str
    both: int
    only_this: int
    only_baseline: int
    neither: int
    difference: float
    low: float
    high: float
    p: float


@dataclass(frozen=True)
class Pairing:
    """All variants of a comparison against its baseline and each other.

    Attributes:
        baseline: Its label.
        against: Every other variant against it, by label.
        ranks: By label, 1 + the number of variants that are significantly better: exact McNemar,
            Holm over all pairs.
    """

    baseline: str
    against: Mapping[str, Paired]
    ranks: Mapping[str, int]


def pair(solved: Mapping[str, BoolArray], baseline: str) -> Pairing:
    """Compare solved seeds.

    Args:
        solved: By label, shape (seeds,): the same seeds in the same order.
        baseline: One of the labels.
    """
    others = [label for label in solved if label != baseline]
    tables = [_table(solved[label], solved[baseline]) for label in others]
    adjusted = holm([mcnemar_exact(only, less) for _, only, less, _ in tables])
    against = {
        label: Paired(
            label,
            *table,
            difference=(table[1] - table[2]) / sum(table),
            low=paired_difference_interval(*table)[0],
            high=paired_difference_interval(*table)[1],
            p=p,
        )
        for label, table, p in zip(others, tables, adjusted, strict=True)
    }
    return Pairing(baseline, against, _ranks(solved))


def _table(first: BoolArray, second: BoolArray) -> tuple[int, int, int, int]:
    """Both, only the first, only the second, neither."""
    return (
        int(np.sum(first & second)),
        int(np.sum(first & ~second)),
        int(np.sum(~first & second)),
        int(np.sum(~first & ~second)),
    )


def _ranks(solved: Mapping[str, BoolArray]) -> dict[str, int]:
    ranks = dict.fromkeys(solved, 1)
    pairs: Sequence[tuple[str, str]] = list(combinations(solved, 2))
    tables = [_table(solved[one], solved[other]) for one, other in pairs]
    adjusted = holm([mcnemar_exact(only, less) for _, only, less, _ in tables])
    for (one, other), (_, only_one, only_other, _), p in zip(pairs, tables, adjusted, strict=True):
        if p <= LEVEL:
            ranks[one if only_one < only_other else other] += 1
    return ranks
