"""Several variants ranked on several tasks: are they told apart, and which?

Demšar 2006, Journal of Machine Learning Research 7:1-30: average ranks, the Friedman test in the
form of Iman and Davenport, and Nemenyi's critical difference.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from hsig.networks.arrays import Array

TASKS_LEAST = 5  # for fewer, the approximations of both tests do not hold
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


def ranks(scores: Sequence[float]) -> list[float]:
    """The rank of each, 1 for the highest; equals share the mean of theirs.

    >>> ranks([0.9, 0.5, 0.9, 0.1])
    [1.5, 3.0, 1.5, 4.0]
    """
    return [
        1.0 + sum(other > score for other in scores) + (list(scores).count(score) - 1) / 2.0
        for score in scores
    ]


def friedman(average_ranks: Sequence[float], tasks: int) -> Friedman:
    """Test whether variants differ, by their average ranks over some tasks.

    Args:
        average_ranks: Of at least two variants.
        tasks: How many; at least two.

    >>> demsar = friedman([3.143, 2.0, 2.893, 1.964], 14)
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


def groups(average_ranks: Mapping[str, float], difference: float) -> tuple[tuple[str, ...], ...]:
    """The largest sets of variants of which no two differ by as much, the best first.

    Args:
        average_ranks: By label.
        difference: The critical one.

    >>> groups({"a": 1.0, "b": 1.8, "c": 2.6, "d": 4.6}, 1.0)
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
