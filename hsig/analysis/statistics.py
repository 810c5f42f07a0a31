"""Statistics that hold for few seeds and for numbers that are not finite: pure functions."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.random import RandomState

from hsig.arrays import Array, IntArray

EXPLORE_SEEDS, CLAIM_SEEDS = 30, 100  # Agarwal et al. 2021, Colas et al. 2018: fewer show less
NORMAL_975 = 1.959963984540054  # 97.5 % quantile of the normal distribution; scipy 1.17


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """95 % Wilson score interval for a proportion.

    Holds its coverage near 0 and 1, where the plus-or-minus interval leaves [0, 1].

    Raises:
        ValueError: If the counts are impossible.

    Source:
        Wilson 1927, JASA 22:209-212; Brown, Cai & DasGupta 2001, Statistical Science 16:101.

    >>> [round(end, 4) for end in wilson_interval(0, 5)]
    [0.0, 0.4345]
    """
    if not 0 <= successes <= trials or trials < 1:
        raise ValueError(f"{successes} of {trials} is not a possible count")
    z = NORMAL_975
    rate, weight = successes / trials, z * z / trials
    centre = (rate + weight / 2) / (1 + weight)
    half = z / (1 + weight) * math.sqrt(rate * (1 - rate) / trials + weight / (4 * trials))
    # at 0 and 1 the ends are exact; elsewhere rounding must not pass them
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == trials else min(1.0, centre + half)
    return low, high


def quantiles(values: Array, fractions: Sequence[float]) -> Array:
    """Quantiles over the first axis, (fractions, ...); infinite and undefined values count.

    Linear between order statistics (Hyndman & Fan 1996, type 7). nan counts as larger than
    infinity: a quantile that depends on it is nan.

    >>> quantiles(np.array([1.0, np.inf, 2.0, np.inf]), [0.25, 0.5, 0.75])
    array([1.75,  inf,  inf])
    """
    ordered = np.sort(values, axis=0)
    rows = []
    for fraction in fractions:
        share, below = math.modf((len(ordered) - 1) * fraction)
        row = ordered[int(below)]
        if share:
            row = (1.0 - share) * row + share * ordered[int(below) + 1]
        rows.append(row)
    return np.stack(rows)


def order_quantile(
    values: Sequence[float], fraction: float = 0.5, least: float = 0.0
) -> tuple[float, float, float]:
    """A quantile that is one of the values, and the ends of its 95 % interval, values too.

    Infinite values are values: where half of the seeds never get there, the median is infinite.
    The interval holds for any distribution: the number of values below the true quantile is
    binomial. Its ends are `least` or infinite where there are too few values to bound it.

    Source:
        David & Nagaraja 2003, Order Statistics, section 7.1.

    >>> order_quantile([3.0, 1.0, math.inf, 2.0, 5.0, 4.0, 8.0, 7.0, 6.0])
    (5.0, 2.0, 8.0)
    """
    ordered = sorted(values)
    n, tail = len(ordered), 0.025
    below = 0.0  # probability that fewer than `rank` values lie below the true quantile
    low, high = least, math.inf
    for rank in range(n):
        logarithm = math.lgamma(n + 1) - math.lgamma(rank + 1) - math.lgamma(n - rank + 1)
        logarithm += rank * math.log(fraction) + (n - rank) * math.log1p(-fraction)
        below += math.exp(logarithm)
        if below <= tail:
            low = ordered[rank]
        if below >= 1.0 - tail:
            high = ordered[rank]
            break
    return ordered[max(0, math.ceil(fraction * n) - 1)], low, high


# --- pairs ---------------------------------------------------------------------------------------


def sign_test(better: int, worse: int) -> float:
    """Two-sided p-value of the exact sign test: are the pairs that differ even?

    A binomial test against one half of the pairs in which the first is better; ties say nothing. 1
    if there is no other pair. Of pairs that succeed or not it is McNemar's exact test.

    Source:
        Dixon & Mood 1946, JASA 41:557-566; McNemar 1947, Psychometrika 12:153; Liddell 1983,
        J Epidemiol Community Health 37:82.

    >>> sign_test(1, 9)
    0.021484375
    """
    pairs, fewer = better + worse, min(better, worse)
    tail, choices = 0, 1
    for k in range(fewer + 1):
        tail += choices
        choices = choices * (pairs - k) // (k + 1)
    return float(min(Fraction(1), Fraction(2 * tail, 2**pairs)))


def clopper_pearson(successes: int, trials: int, level: float = 0.05) -> tuple[float, float]:
    """Exact interval for a proportion, which misses it with a probability of at most `level`.

    It leaves out one half exactly where the sign test at this level claims a difference: the test
    decides on which side of one half an end lies.

    Source:
        Clopper & Pearson 1934, Biometrika 26:404-413.

    >>> [round(end, 4) for end in clopper_pearson(9, 10)]
    [0.555, 0.9975]
    """
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} of {trials} is not a possible count")

    def lower_end(k: int) -> float:
        low, high = 0.0, k / max(1, trials)
        if 2 * k > trials:
            is_claimed = sign_test(k, trials - k) <= level
            low, high = (0.5, high) if is_claimed else (low, 0.5)
        while high - low > 1e-12:
            middle = (low + high) / 2.0
            tail = _incomplete_beta(k, trials - k + 1.0, middle, 1.0 - middle)  # of k or more
            low, high = (middle, high) if tail <= level / 2.0 else (low, middle)
        return low

    return lower_end(successes), 1.0 - lower_end(trials - successes)


def _incomplete_beta(a: float, b: float, x: float, rest: float) -> float:
    """The regularised incomplete beta function of x in [0, 1], of which 1 - x is the rest.

    Source:
        Its continued fraction: Press et al. 2007, Numerical Recipes, section 6.4.
    """
    if 0.0 in (x, rest):
        return x
    if x > (a + 1.0) / (a + b + 2.0):  # where the fraction converges slowly
        return 1.0 - _incomplete_beta(b, a, rest, x)
    size = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    front = math.exp(size + a * math.log(x) + b * math.log(rest)) / a
    c, d = 1.0, 1.0 / (1.0 - (a + b) * x / (a + 1.0))
    fraction, change, m = d, 0.0, 0
    while abs(change - 1.0) > 1e-14:
        m += 1
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 / (1.0 + term * d)
            c = 1.0 + term / c
            change = d * c
            fraction *= change
    return front * fraction


def paired_difference_interval(
    both: int, only_first: int, only_second: int, neither: int
) -> tuple[float, float]:
    """95 % interval for the difference of two paired proportions, first minus second.

    Newcombe's method 10: two Wilson intervals, joined with the correlation of the pairs.

    Source:
        Newcombe 1998, Statistics in Medicine 17:2635-2650, method 10.

    >>> [round(end, 4) for end in paired_difference_interval(20, 12, 2, 16)]
    [0.0562, 0.3292]
    """
    n = both + only_first + only_second + neither
    first, second = both + only_first, both + only_second
    excess = float(both * neither - only_first * only_second)
    if excess > 0:
        excess = max(excess - n / 2, 0.0)  # a correction for continuity, on this side alone
    margins = math.prod((first, only_second + neither, second, only_first + neither))
    phi = excess / math.sqrt(margins) if margins else 0.0

    def join(a: float, b: float) -> float:
        return math.sqrt(max(0.0, a * a - 2.0 * phi * a * b + b * b))

    low_1, high_1 = wilson_interval(first, n)
    low_2, high_2 = wilson_interval(second, n)
    p, q = first / n, second / n
    low = p - q - join(p - low_1, high_2 - q)
    high = p - q + join(high_1 - p, q - low_2)
    return max(-1.0, low), min(1.0, high)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for their number, so that all claims together err with their level.

    Source:
        Holm 1979, Scandinavian Journal of Statistics 6:65-70.

    >>> [round(p, 2) for p in holm([0.01, 0.04, 0.03, 0.005])]
    [0.03, 0.06, 0.06, 0.02]
    """
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def holm_levels(p_values: Sequence[float], level: float) -> list[float]:
    """The level at which Holm's procedure tests each hypothesis, so that all together have one.

    One is rejected at the level over the number of those with no smaller p-value. Those that are
    left share it: no p-value among them is as small as their own level.

    >>> [round(level, 4) for level in holm_levels([0.01, 0.04, 0.03, 0.005], 0.05)]
    [0.0167, 0.025, 0.025, 0.0125]
    """
    adjusted = zip(p_values, holm(p_values), strict=True)
    first_kept = min((p for p, after in adjusted if after > level), default=math.inf)
    return [level / sum(other >= min(p, first_kept) for other in p_values) for p in p_values]


# --- over tasks ----------------------------------------------------------------------------------


def rank_scores(scores: Sequence[float]) -> list[float]:
    """The rank of each, 1 for the highest; equals share the mean of theirs.

    >>> rank_scores([0.9, 0.5, 0.9, 0.1])
    [1.5, 3.0, 1.5, 4.0]
    """
    return [
        1.0 + sum(other > score for other in scores) + (list(scores).count(score) - 1) / 2.0
        for score in scores
    ]


REPLICATIONS = 2000  # of the bootstrap
_BLOCK = 1_000_000  # numbers at a time


@dataclass(frozen=True)
class Improvement:
    """The probability that a run of a variant is better than one of the baseline."""

    by_task: tuple[float, ...]  # in the order of the tasks; 1/2 where they are equal
    probability: float  # the mean of these
    # lower end of its 95 % interval, by a percentile bootstrap: of the seeds within each task, the
    # same for both variants
    low: float
    high: float  # upper end


def improvement_probability(variant: Sequence[Array], baseline: Sequence[Array]) -> Improvement:
    """Compare two variants over tasks, over all pairs of runs of a task.

    Each has, for each task, an array (seeds,): the epochs that a seed took to be solved, infinite
    for one that was not. Fewer are better. The seeds of both are the same.

    Source:
        Agarwal et al. 2021, Deep Reinforcement Learning at the Edge of the Statistical Precipice,
        NeurIPS.
    """
    pairs = list(zip(variant, baseline, strict=True))
    once = (np.ones((1, len(ours)), dtype=np.int64) for ours, _ in pairs)
    by_task = [float(_share_better(*p, counts)[0]) for p, counts in zip(pairs, once, strict=True)]
    random = RandomState(0)  # whose numbers are the same in every version of NumPy
    total = np.zeros(REPLICATIONS)
    for ours, theirs in pairs:
        blocks = _resample(random, len(ours))
        total += np.concatenate([_share_better(ours, theirs, counts) for counts in blocks])
    low, high = np.quantile(total / len(variant), [0.025, 0.975])
    return Improvement(tuple(by_task), float(np.mean(by_task)), float(low), float(high))


def _resample(random: RandomState, seeds: int) -> Iterator[IntArray]:
    """How often each seed is drawn, shape (some replications, seeds)."""
    step = max(1, _BLOCK // seeds)
    for start in range(0, REPLICATIONS, step):
        rows = min(step, REPLICATIONS - start)
        drawn = random.randint(0, seeds, (rows, seeds))
        drawn += np.arange(rows)[:, None] * seeds
        yield np.bincount(drawn.ravel(), minlength=rows * seeds).reshape(rows, seeds)


def _share_better(ours: Array, theirs: Array, counts: IntArray) -> Array:
    """For each replication the share of pairs of which ours is better; equal ones count half.

    `counts` has how often each seed is there, shape (replications, seeds).
    """
    order = np.argsort(theirs, kind="stable")
    # of theirs in order: where those begin that are as good as each of ours, and those worse
    equal, worse = (np.searchsorted(theirs[order], ours, side) for side in ("left", "right"))
    before = np.zeros((len(counts), len(theirs) + 1))
    np.cumsum(counts[:, order], axis=1, out=before[:, 1:])
    total = before[:, -1:]
    beaten = total - (before[:, equal] + before[:, worse]) / 2.0
    share: Array = (counts * beaten).sum(axis=1) / (total[:, 0] * counts.sum(axis=1))
    return share
