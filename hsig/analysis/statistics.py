"""Statistics that hold for few seeds and for numbers that are not finite: pure functions."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
from numpy.random import RandomState

from hsig.arrays import Array, IntArray

EXPLORE_SEEDS, CLAIM_SEEDS = 30, 100  # Agarwal et al. 2021, Colas et al. 2018: fewer show less
NORMAL_975 = 1.959963984540054  # 97.5 % quantile of the normal distribution; scipy 1.17


def wilson_interval(successes: int, trials: int, z: float = NORMAL_975) -> tuple[float, float]:
    """Wilson score interval for a proportion, 95 % by default.

    Holds its coverage near 0 and 1, where the plus-or-minus interval leaves [0, 1].

    Args:
        successes: From 0 to `trials`.
        trials: At least 1.
        z: Quantile of the normal distribution.

    Returns:
        Its lower and upper end, fractions within [0, 1].

    Raises:
        ValueError: If the counts are impossible.

    Source:
        Wilson 1927, JASA 22:209-212; Brown, Cai & DasGupta 2001, Statistical Science 16:101.

    >>> [round(end, 4) for end in wilson_interval(0, 5)]
    [0.0, 0.4345]
    """
    if not 0 <= successes <= trials or trials < 1:
        raise ValueError(f"{successes} of {trials} is not a possible count")
    rate, weight = successes / trials, z * z / trials
    centre = (rate + weight / 2) / (1 + weight)
    half = z / (1 + weight) * math.sqrt(rate * (1 - rate) / trials + weight / (4 * trials))
    # at 0 and 1 the ends are exact; elsewhere rounding must not pass them
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == trials else min(1.0, centre + half)
    return low, high


def quantiles(values: Array, fractions: Sequence[float]) -> Array:
    """Quantiles over the first axis, with infinite and undefined values kept, not dropped.

    Linear between order statistics (Hyndman & Fan 1996, type 7). nan counts as larger than
    infinity: a quantile that depends on it is nan.

    Args:
        values: Shape (seeds, ...), at least one seed.
        fractions: Each in [0, 1].

    Returns:
        Shape (fractions, ...).

    >>> quantiles(np.array([1.0, np.inf, 2.0, np.inf]), [0.25, 0.5, 0.75])
    array([1.75,  inf,  inf])
    """
    ordered = np.sort(values, axis=0)
    rows = []
    for fraction in fractions:
        position = (len(ordered) - 1) * fraction
        below = math.floor(position)
        share = position - below
        if share == 0.0:
            rows.append(ordered[below])
        else:
            rows.append((1.0 - share) * ordered[below] + share * ordered[below + 1])
    return np.stack(rows)


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """Two-sided p-value of the exact McNemar test: are the discordant pairs even?

    A binomial test of the discordant pairs against one half; the concordant ones say nothing.

    Args:
        only_first: Pairs in which only the first succeeded.
        only_second: Pairs in which only the second did.

    Returns:
        A probability; 1 if there are no discordant pairs.

    Source:
        McNemar 1947, Psychometrika 12:153; Liddell 1983, J Epidemiol Community Health 37:82.

    >>> mcnemar_exact(1, 9)
    0.021484375
    """
    pairs, fewer = only_first + only_second, min(only_first, only_second)
    tail = sum(math.comb(pairs, k) for k in range(fewer + 1))
    return float(min(Fraction(1), Fraction(2 * tail, 2**pairs)))


def paired_difference_interval(
    both: int, only_first: int, only_second: int, neither: int, z: float = NORMAL_975
) -> tuple[float, float]:
    """Interval for the difference of two paired proportions, first minus second, 95 % by default.

    Newcombe's method 10: two Wilson intervals, joined with the correlation of the pairs.

    Args:
        both: Pairs in which both succeeded.
        only_first: Pairs in which only the first did.
        only_second: Pairs in which only the second did.
        neither: Pairs in which none did.
        z: Quantile of the normal distribution.

    Returns:
        Its lower and upper end, within [-1, 1].

    Source:
        Newcombe 1998, Statistics in Medicine 17:2635-2650, method 10.

    >>> [round(end, 4) for end in paired_difference_interval(20, 12, 2, 16)]
    [0.0562, 0.3292]
    """
    n = both + only_first + only_second + neither
    first, second = (both + only_first) / n, (both + only_second) / n
    low_1, high_1 = wilson_interval(both + only_first, n, z)
    low_2, high_2 = wilson_interval(both + only_second, n, z)
    margins = math.prod(
        (both + only_first, only_second + neither, both + only_second, only_first + neither)
    )
    excess = float(both * neither - only_first * only_second)
    if excess > 0:
        excess = max(excess - n / 2, 0.0)  # a correction for continuity, on this side alone
    phi = excess / math.sqrt(margins) if margins else 0.0
    difference = first - second

    def reach(one: float, other: float) -> float:
        return math.sqrt(max(0.0, one * one - 2.0 * phi * one * other + other * other))

    low = difference - reach(first - low_1, high_2 - second)
    high = difference + reach(high_1 - first, second - low_2)
    return max(-1.0, low), min(1.0, high)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for their number, so that all claims together err with their level.

    Args:
        p_values: Of the comparisons made.

    Returns:
        As many, in the same order; each is at least as large as before and at most 1.

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


def order_quantile(
    values: Sequence[float], fraction: float = 0.5, level: float = 0.95
) -> tuple[float, float, float]:
    """A quantile that is one of the values, with an interval between two of them.

    Infinite values are values: where half of the seeds never get there, the median is infinite.
    The interval holds for any distribution: the number of values below the true quantile is
    binomial.

    Args:
        values: At least one; infinite where the event was not reached, never nan.
        fraction: Which quantile, above 0 and below 1; 0.5 is the (lower) median.
        level: Of the interval.

    Returns:
        The quantile, and the lower and upper end of its interval; an end is 0 or infinite where
        there are too few values to bound it.

    Source:
        David & Nagaraja 2003, Order Statistics, section 7.1.

    >>> order_quantile([3.0, 1.0, math.inf, 2.0, 5.0, 4.0, 8.0, 7.0, 6.0])
    (5.0, 2.0, 8.0)
    """
    ordered = sorted(values)
    n, tail = len(ordered), (1.0 - level) / 2.0
    quantile = ordered[max(0, math.ceil(fraction * n) - 1)]
    below = 0.0  # probability that fewer than `rank` values lie below the true quantile
    low, high = 0.0, math.inf
    for rank in range(n):
        below += _binomial(n, rank, fraction)
        if below <= tail:
            low = ordered[rank]
        if below >= 1.0 - tail:
            high = ordered[rank]
            break
    return quantile, low, high


def _binomial(n: int, k: int, p: float) -> float:
    """Probability of k successes in n trials."""
    logarithm = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return math.exp(logarithm + k * math.log(p) + (n - k) * math.log1p(-p))


# --- friedman ------------------------------------------------------------------------------------

# Several variants ranked on several tasks: are they told apart, and which?
#
# Demšar 2006, Journal of Machine Learning Research 7:1-30: average ranks, the Friedman test in the
# form of Iman and Davenport, and Nemenyi's critical difference.

MIN_TASKS = 5  # for fewer, the approximations of both tests do not hold
_LEVEL = 0.05
_STEPS = 400  # of an integral over the normal curve, from -_FAR to _FAR
_FAR = 8.0


@dataclass(frozen=True)
class Friedman:
    """The test that all variants have the same rank on average.

    Attributes:
        chi_squared: Friedman's statistic, without a correction for ties: it claims less.
        f: The statistic of Iman and Davenport, with k - 1 and (k - 1) (N - 1) degrees of freedom
            for k variants on N tasks; infinite where all tasks rank alike.
        p: Of the latter.
        critical_difference: Of two average ranks, by Nemenyi's test at 5 %.
    """

    chi_squared: float
    f: float
    p: float
    critical_difference: float


def rank_scores(scores: Sequence[float]) -> list[float]:
    """The rank of each, 1 for the highest; equals share the mean of theirs.

    >>> rank_scores([0.9, 0.5, 0.9, 0.1])
    [1.5, 3.0, 1.5, 4.0]
    """
    return [
        1.0 + sum(other > score for other in scores) + (list(scores).count(score) - 1) / 2.0
        for score in scores
    ]


def friedman_test(average_ranks: Sequence[float], tasks: int) -> Friedman:
    """Test whether variants differ, by their average ranks over some tasks.

    Args:
        average_ranks: Of at least two variants.
        tasks: How many; at least two.

    >>> demsar = friedman_test([3.143, 2.0, 2.893, 1.964], 14)
    >>> round(demsar.chi_squared, 2), round(demsar.f, 2), round(demsar.critical_difference, 2)
    (9.28, 3.69, 1.25)
    """
    k = len(average_ranks)
    squares = math.fsum(rank * rank for rank in average_ranks)
    chi_squared = 12.0 * tasks / (k * (k + 1)) * (squares - k * (k + 1) ** 2 / 4.0)
    chi_squared = max(0.0, chi_squared)
    left = tasks * (k - 1) - chi_squared
    # where all tasks rank alike, rounding may leave next to nothing
    f = (tasks - 1) * chi_squared / left if left > 1e-9 * tasks * k else math.inf
    p = f_survival(f, k - 1, (k - 1) * (tasks - 1))
    difference = nemenyi_quantile(k) * math.sqrt(k * (k + 1) / (6.0 * tasks))
    return Friedman(chi_squared, f, p, difference)


def indistinguishable_groups(
    average_ranks: Mapping[str, float], difference: float
) -> tuple[tuple[str, ...], ...]:
    """The largest sets of variants of which no two differ by as much, the best first.

    Args:
        average_ranks: By label.
        difference: The critical one.

    >>> indistinguishable_groups({"a": 1.0, "b": 1.8, "c": 2.6, "d": 4.6}, 1.0)
    (('a', 'b'), ('b', 'c'), ('d',))
    """
    ordered = sorted(average_ranks, key=lambda label: average_ranks[label])
    found: list[tuple[str, ...]] = []
    for start, first in enumerate(ordered):
        near = tuple(
            label
            for label in ordered[start:]
            if average_ranks[label] - average_ranks[first] < difference
        )
        if not found or near[-1] != found[-1][-1]:  # else it is part of the one before
            found.append(near)
    return tuple(found)


@cache
def nemenyi_quantile(k: int, level: float = _LEVEL) -> float:
    """The critical value of Nemenyi's test for k variants: a studentized range over the root of 2.

    >>> [round(nemenyi_quantile(k), 3) for k in (2, 5, 10)]
    [1.96, 2.728, 3.164]
    """
    low, high = 0.0, 20.0
    while high - low > 1e-10:
        middle = (low + high) / 2.0
        if _range_below(middle, k) < 1.0 - level:
            low = middle
        else:
            high = middle
    return high / math.sqrt(2.0)


_X: Array = np.linspace(-_FAR, _FAR, _STEPS + 1)


def _normal_below(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2.0))


def _range_below(width: float, k: int) -> float:
    """Probability that k normal values lie within such a width of each other."""
    total = 0.0
    for x in _X.tolist():  # of the largest of them; so smooth that a plain sum is exact
        density = math.exp(-x * x / 2.0) / math.sqrt(2.0 * math.pi)
        total += density * (_normal_below(x) - _normal_below(x - width)) ** (k - 1)
    return k * total * (2.0 * _FAR / _STEPS)


def f_survival(f: float, above: int, below: int) -> float:
    """Probability that an F-distributed value is larger.

    Args:
        f: From 0 to infinity.
        above: Degrees of freedom of its numerator.
        below: Of its denominator.

    Source:
        The continued fraction of the incomplete beta function: Press et al. 2007, Numerical
        Recipes, section 6.4.
    """
    if math.isinf(f):
        return 0.0
    both = below + above * f
    return _incomplete_beta(below / 2.0, above / 2.0, below / both, above * f / both)


def _incomplete_beta(a: float, b: float, x: float, rest: float) -> float:
    """The regularised incomplete beta function of x in [0, 1], of which 1 - x is the rest."""
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


# --- improvement ---------------------------------------------------------------------------------

# How probable it is that a run of one variant is better than a run of another.
#
# Agarwal et al. 2021, Deep Reinforcement Learning at the Edge of the Statistical Precipice
# (NeurIPS): over all pairs of runs of one task, and the mean of that over tasks.

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


def improvement_probability(variant: Sequence[Array], baseline: Sequence[Array]) -> Improvement:
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
