"""How probable it is that a run of one variant is better than a run of another.

Agarwal et al. 2021, Deep Reinforcement Learning at the Edge of the Statistical Precipice (NeurIPS):
over all pairs of runs of one task, and the mean of that over tasks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import RandomState

from hsig.networks.arrays import Array, IntArray

REPLICATIONS = 2000  # of the bootstrap
_SEED = 0  # of its own
_AT_A_TIME = 1_000_000  # numbers


@dataclass(frozen=True)
class Improvement:
    """The probability that a run of a variant is better than one of the baseline.

    Attributes:
        by_task: In the order of the tasks; 1/2 where they are equal.
        probability: The mean of these.
        low: Lower end of its 95 % interval, by a percentile bootstrap: of the seeds within each
            task, the same for both variants.
        high: Upper end.
    """

    by_task: tuple[float, ...]
    probability: float
    low: float
    high: float


def improvement(variant: Sequence[Array], baseline: Sequence[Array]) -> Improvement:
    """Compare two variants over tasks.

    Args:
        variant: For each task, shape (seeds,): the epochs that each seed took to be solved,
            infinite for one that was not. Fewer are better.
        baseline: The same, of the same seeds.
    """
    by_task = [
        float(next(_better(ours, theirs, [np.ones((1, len(ours)), dtype=np.int64)]))[0])
        for ours, theirs in zip(variant, baseline, strict=True)
    ]
    random = RandomState(_SEED)  # whose numbers are the same in every version of NumPy
    total = np.zeros(REPLICATIONS)
    for ours, theirs in zip(variant, baseline, strict=True):
        total += np.concatenate(list(_better(ours, theirs, _resampled(random, len(ours)))))
    low, high = np.quantile(total / len(variant), [0.025, 0.975])
    return Improvement(tuple(by_task), float(np.mean(by_task)), float(low), float(high))


def _resampled(random: RandomState, seeds: int) -> Iterator[IntArray]:
    """How often each seed is drawn, shape (some replications, seeds)."""
    step = max(1, _AT_A_TIME // seeds)
    for start in range(0, REPLICATIONS, step):
        rows = min(step, REPLICATIONS - start)
        drawn = random.randint(0, seeds, (rows, seeds))
        drawn += np.arange(rows)[:, None] * seeds
        yield np.bincount(drawn.ravel(), minlength=rows * seeds).reshape(rows, seeds)


def _better(
    ours: Array, theirs: Array, drawn: "Iterator[IntArray] | Sequence[IntArray]"
) -> Iterator[Array]:
    """For each replication the share of pairs of which ours is better; equal ones count half."""
    order = np.argsort(theirs, kind="stable")
    # of theirs in order: where those begin that are as good as each of ours, and those worse
    equal, worse = (np.searchsorted(theirs[order], ours, side) for side in ("left", "right"))
    for counts in drawn:
        before = np.zeros((len(counts), len(theirs) + 1))
        np.cumsum(counts[:, order], axis=1, out=before[:, 1:])
        total = before[:, -1:]
        beaten = total - (before[:, equal] + before[:, worse]) / 2.0
        yield (counts * beaten).sum(axis=1) / (total[:, 0] * counts.sum(axis=1))
