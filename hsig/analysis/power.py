"""How many seeds it takes, and adding some until there are enough.

The exact power of two exact two-sided tests of two solved rates: McNemar's for seeds in pairs, as a
comparison has them where its variants start from the same weights, and Fisher's for two groups of
as many unpaired seeds. Power is summed over the outcomes, all but those that together have less
than 1e-15 of the probability; nothing is taken to be normal.
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache, lru_cache
from typing import Any

import numpy as np

from hsig.analysis.pairing import Paired
from hsig.analysis.statistics import wilson_interval
from hsig.arrays import Array, IntArray
from hsig.experiments.evidence import join_arrays
from hsig.experiments.experiment import ARRAYS, Experiment, Outcome, Training

ALPHA = 0.05  # level of a test by itself
MAX_SEEDS = 20_000  # in pairs, or in each group: beyond it no number of seeds is looked for
Share = float | Callable[[float, float], float]  # of discordant pairs, or as two rates make it

_ROUNDING = 1e-9  # relative: a p-value and a level this close are the same
# a binomial has less than 1e-16 beyond so many standard deviations and so much more (Bernstein)
_DEVIATIONS, _MORE = 8.5, 25.0


def fisher_power(seeds: int, first: float, second: float, alpha: float = ALPHA) -> float:
    """Probability that Fisher's exact test tells two rates apart, with so many seeds of each.

    With as many seeds in both groups, the part of the solved ones that is in the first is
    distributed symmetrically: twice the smaller tail is the sum over all outcomes that are no more
    probable than the one seen, the usual two-sided p-value.

    Source:
        Fisher 1934, Statistical Methods for Research Workers, 5th edition, section 21.02; its
        power after Bennett & Hsu 1960, Biometrika 47:393-398.

    >>> round(fisher_power(20, 0.5, 0.1), 3)
    0.742
    """
    ours, theirs = _Binomial(seeds, first), _Binomial(seeds, second)
    limits = _fisher_limits(seeds, ours.low + theirs.low, ours.high + theirs.high, alpha)
    return min(1.0, _rejected(limits, ours, theirs) + _rejected(limits, theirs, ours))


def _rejected(limits: IntArray, smaller: "_Binomial", larger: "_Binomial") -> float:
    """Probability that so few are solved in one group, for their total, that the test rejects."""
    k = np.arange(smaller.low, min(smaller.high, int(limits[-1])) + 1)
    total = smaller.low + larger.low + np.searchsorted(limits, k)  # the least that rejects k
    at_least: Array = np.append(np.cumsum(larger.chances[::-1])[::-1], 0.0)
    place = np.clip(total - k - larger.low, 0, len(larger.chances))
    return float(smaller.chances[: len(k)] @ at_least[place])


def mcnemar_power(pairs: int, difference: float, discordant: float, alpha: float = ALPHA) -> float:
    """Probability that the exact McNemar test tells two solved rates apart.

    `discordant` is the share of the pairs in which exactly one is solved, at least |difference|.

    Source:
        The power given the discordant pairs, averaged over their binomial number: Miettinen 1968,
        Biometrics 24:339-352.

    >>> round(mcnemar_power(78, 0.1, 0.1), 3), round(mcnemar_power(77, 0.1, 0.1), 3)
    (0.804, 0.794)
    """
    number = _Binomial(pairs, discordant)
    share = min(1.0, (discordant + abs(difference)) / (2.0 * discordant))
    given = _power_given_discordant(share, alpha)
    return min(1.0, float(number.chances @ given[number.low : number.high + 1]))


def independent_discordance(first: float, second: float) -> float:
    """The share of discordant pairs where two rates are solved independently of each other.

    It is paired at its worst: seeds that are hard for one activation are often hard for another.
    """
    return first * (1.0 - second) + second * (1.0 - first)


def seeds_needed(
    first: float,
    second: float,
    *,
    discordant: Share | None = None,
    power: float = 0.8,
    alpha: float = ALPHA,
) -> int | None:
    """The number of seeds from which on the exact test has at least some power.

    Exact power is a saw-tooth: one seed more may have less of it. So this is not the first number
    that reaches the power, but the one from which on every larger number does.

    These are pairs if `discordant` is given, as in `mcnemar_power`; else seeds for each of two
    unpaired groups. None if it takes more than `MAX_SEEDS`.

    Raises:
        ValueError: If the rates are equal or impossible.

    >>> seeds_needed(0.9, 0.8, discordant=0.1), seeds_needed(1, 0), seeds_needed(1, 0, discordant=1)
    (78, 4, 6)
    """
    power_of = _power_function(first, second, discordant, alpha)
    high = 1  # as if there were no saw-tooth
    while power_of(high) < power:
        if high == MAX_SEEDS:
            return None
        high = min(2 * high, MAX_SEEDS)
    high = bisect_left(range(high), power, lo=(high + 1) // 2, key=power_of)
    # what the power gains over this many seeds is more than the depth of any tooth
    teeth = range(high, high + 20 + math.ceil(4.0 * math.sqrt(high)))
    return 1 + max((seeds for seeds in teeth if power_of(seeds) < power), default=high - 1)


def seeds_for(paired: Paired, *, power: float = 0.8, alpha: float = ALPHA) -> int | None:
    """The number of seeds that tell apart what is better and worse as often as in these pairs."""
    better, worse = paired.better / paired.pairs, paired.worse / paired.pairs
    return seeds_needed(better, worse, discordant=better + worse, power=power, alpha=alpha)


def smallest_difference(
    seeds: int, rate: float, *, discordant: Share | None = None, power: float = 0.8
) -> float | None:
    """The smallest difference from a rate, on its roomier side, that so many seeds tell apart.

    Arguments as in `seeds_needed`; None if there is none: too few seeds.
    """
    fewer = min(rate, 1.0 - rate)
    low, high = 0.0, 1.0 - fewer
    if isinstance(discordant, float | int):
        low = smallest_possible_difference(rate, discordant)
        high = min(high, discordant, 2.0 - discordant - 2.0 * fewer)
    sign = 1.0 if rate <= 0.5 else -1.0

    def is_enough(difference: float) -> bool:
        other = min(1.0, max(0.0, rate + sign * difference))
        return _power_function(rate, other, discordant, ALPHA)(seeds) >= power

    if not is_enough(high):
        return None
    if low > 0.0 and is_enough(low):
        return low
    while high - low > 1e-5:
        middle = (low + high) / 2.0
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def smallest_possible_difference(rate: float, discordant: float) -> float:
    """The least difference from a rate, on its roomier side, that such a share of pairs allows.

    What one does not solve of the discordant pairs, the other does; a smaller difference would
    leave less than no pairs in which both agree on the rarer outcome.
    """
    return max(0.0, discordant - 2.0 * min(rate, 1.0 - rate))


def _power_function(
    first: float, second: float, discordant: Share | None, alpha: float
) -> Callable[[int], float]:
    """The power of the test for the rates, by the number of seeds."""
    difference = abs(first - second)
    if not (0.0 <= first <= 1.0 and 0.0 <= second <= 1.0 and difference > 0.0):
        raise ValueError(f"{first} and {second} are not two different rates")
    if discordant is None:
        return lambda seeds: fisher_power(seeds, first, second, alpha)
    share = discordant(first, second) if callable(discordant) else discordant
    if not difference <= share * (1.0 + _ROUNDING) <= 1.0 + 2.0 * _ROUNDING:
        raise ValueError(f"a share of {share} is not one of discordant pairs")
    share = min(1.0, max(share, difference))
    return lambda seeds: mcnemar_power(seeds, difference, share, alpha)


# --- where the tests reject ----------------------------------------------------------------------


_ENDLESS = 1e300  # size of a group that drawing does not change


@lru_cache(maxsize=16)
def _power_given_discordant(share: float, alpha: float) -> Array:
    """Probability that the exact McNemar test rejects, for each number of discordant pairs.

    Shape (`MAX_SEEDS` + 1,), where of such a pair the first is solved with probability `share`.
    """
    limits = _mcnemar_limits(alpha)
    return _binomial_tails(limits, share) + _binomial_tails(limits, 1.0 - share)


@lru_cache(maxsize=16)
def _mcnemar_limits(alpha: float) -> IntArray:
    """For each number of discordant pairs, up to how many of one kind are rejected as few."""
    return _rejection_limits(np.ones(1), MAX_SEEDS, _ENDLESS, alpha)


def _fisher_limits(seeds: int, start: int, stop: int, alpha: float) -> IntArray:
    """For each total of two groups, the largest number in one of them that is rejected as small.

    Shape (stop - start + 1,), for the totals from `start` to `stop`. A total above half is that of
    the unsolved ones turned round.
    """
    totals = np.arange(start, stop + 1)
    folded = np.minimum(totals, 2 * seeds - totals)
    least = int(folded.min())
    k, group = np.arange(least + 1), np.array(seeds)
    chances = _log_choices(group, k) + _log_choices(group, least - k)
    chances = np.exp(chances - _log_choices(2 * group, np.array(least)))
    limits = _rejection_limits(chances, int(folded.max()), seeds, alpha)
    rejected: IntArray = limits[folded - least] + np.maximum(0, totals - seeds)
    return rejected


def _rejection_limits(chances: Array, most: int, group: float, alpha: float) -> IntArray:
    """For each number of draws, up to how many from the first of two groups are rejected as few.

    Both tests ask this, of an urn with two groups of a size. `chances` has those of 0, 1, ... of n
    draws; the limits are of n draws to `most`, and -1 where none is rejected. One more draw leaves
    the limit or makes it one more, and the tail P(X <= limit) is carried along.
    """
    bound = alpha / 2.0 * (1.0 + _ROUNDING)
    limit = int(np.searchsorted(np.cumsum(chances), bound, side="right")) - 1
    tail, above = float(chances[: limit + 1].sum()), float(chances[limit + 1])  # P(X = limit + 1)
    limits = [limit]
    for draws in range(len(chances) - 1, most):
        share = (group - draws + limit + 1) / (2 * group - draws)
        tail -= above * (limit + 1) / (draws - limit) * share
        above *= (draws + 1) / (draws - limit) * share
        if tail + above <= bound:
            limit += 1
            tail += above
            above *= (draws + 1 - limit) / (limit + 1) * (group - limit) / (group - draws + limit)
        limits.append(limit)
    return np.array(limits)


# --- probabilities -------------------------------------------------------------------------------


class _Binomial:
    """The likely numbers of solved seeds, from `low` to `high`, and the chances of each."""

    def __init__(self, n: int, p: float) -> None:
        if p in (0.0, 1.0):
            self.low = self.high = n if p else 0
            self.chances = np.ones(1)
            return
        reach = math.ceil(_DEVIATIONS * math.sqrt(n * p * (1.0 - p)) + _MORE)
        self.low, self.high = max(0, int(n * p) - reach), min(n, int(n * p) + reach)
        self.chances = _chance(np.array(n), np.arange(self.low, self.high + 1), p)


def _binomial_tails(limits: IntArray, p: float) -> Array:
    """For each n, the probability of at most `limits[n]` successes of n, each of probability p.

    From one n to the next the limit stays or is one more.
    """
    if p in (0.0, 1.0):
        return np.where(limits >= 0, 1.0 - p, 0.0)
    n = np.arange(len(limits))
    at_limit = np.where(limits >= 0, _chance(n, np.maximum(limits, 0), p), 0.0)
    gained = np.where(np.diff(limits) > 0, at_limit[1:], 0.0)
    return np.concatenate([[0.0], np.cumsum(gained - p * at_limit[:-1])])


def _chance(n: IntArray, k: IntArray, p: float) -> Array:
    """Probability of k successes of n, each of probability p, neither 0 nor 1; they broadcast."""
    chance: Array = np.exp(_log_choices(n, k) + k * math.log(p) + (n - k) * math.log1p(-p))
    return chance


def _log_choices(n: IntArray, k: IntArray) -> Array:
    """Logarithm of how many ways there are to choose k of n; they broadcast."""
    table = _log_factorials()
    logarithms: Array = table[n] - table[k] - table[n - k]
    return logarithms


@cache
def _log_factorials() -> Array:
    """Logarithms of 0!, 1!, ..., up to the number of all seeds of two groups."""
    return np.array([math.lgamma(n + 1.0) for n in range(2 * MAX_SEEDS + 1)])


# --- adding seeds --------------------------------------------------------------------------------

# As many seeds as an interval needs: blocks of them are added, the same for all variants.
# Looking at the interval to decide whether to go on makes it cover a little less than it says; the
# blocks grow, so that there are few looks. `benchmarks/intervals.py` measures by how much.

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
    more = next_seed_count(n, solved, experiment.until or 1.0, experiment.max_seeds)
    return replace(experiment, seeds=tuple(range(n, more))) if more > n else None


def next_seed_count(n: int, solved: Iterable[int], until: float, most: int) -> int:
    """How many seeds there should be after n of which so many were solved by each variant."""
    intervals = (wilson_interval(k, n) for k in solved)
    if all((high - low) / 2.0 <= until for low, high in intervals):
        return n
    return min(most, -(-int(_GROWTH * n) // _BLOCK) * _BLOCK)


def join_seeds(first: Outcome, second: Outcome) -> Outcome:
    """The outcome of both outcomes' seeds; the rest of their experiments is the same."""
    seeds = (*first.experiment.seeds, *second.experiment.seeds)
    results = (
        one if one.failure else other if other.failure else _join_trainings(one, other)
        for one, other in zip(first.results, second.results, strict=True)
    )
    return Outcome(replace(first.experiment, seeds=seeds), tuple(results))


def _join_trainings(first: Training, second: Training) -> Training:
    names = (*ARRAYS, "verdict")
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in names
    }
    return replace(
        first,
        **arrays,
        seeds=first.seeds + second.seeds,
        weights=tuple(map(np.concatenate, zip(first.weights, second.weights, strict=True))),
        diverged_by=first.diverged_by + second.diverged_by,
        measures=join_arrays(first.measures, second.measures),
        evidence=join_arrays(first.evidence, second.evidence),
        outlook=join_arrays(first.outlook, second.outlook),
    )
