"""Statistics that hold for few seeds and for numbers that are not finite: pure functions."""

import math
from collections.abc import Sequence

import numpy as np

from hsig.arrays import Array

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
