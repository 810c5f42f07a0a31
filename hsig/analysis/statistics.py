"""Statistics that hold for few seeds and for numbers that are not finite: pure functions."""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from hsig.arrays import Array

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
