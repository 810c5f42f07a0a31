"""Variants against each other, seed by seed; and of several configs which may be compared so."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from types import MappingProxyType
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.random import RandomState

from hsig.analysis.statistics import holm, mcnemar_exact, paired_difference_interval
from hsig.arrays import Array, BoolArray, IntArray
from hsig.experiments.experiment import Experiment, Outcome
from hsig.networks.tasks import Task

# --- pairing -------------------------------------------------------------------------------------

T = TypeVar("T")

LEVEL = 0.05  # of all claims of one comparison together


class Paired(NamedTuple):
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
        p: Of the exact McNemar test, after Holm over the comparisons with the baseline; where one
            might have been given something else, the largest that this would have led to.
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


# by label, what else a variant might have been given, and the seeds that it solved with that
Alternatives = Mapping[str, Sequence[BoolArray]]
_NONE: Alternatives = MappingProxyType({})


def pair(
    solved: Mapping[str, BoolArray], baseline: str, alternatives: Alternatives = _NONE
) -> Pairing:
    """Compare solved seeds.

    Args:
        solved: By label, shape (seeds,): the same seeds in the same order.
        baseline: One of the labels.
        alternatives: What p-values are the largest over, on the side of the one that solved less:
            each with the same seeds.
    """
    others = [label for label in solved if label != baseline]
    tables = [_table(solved[label], solved[baseline]) for label in others]
    adjusted = holm([_p_value(solved, label, baseline, alternatives) for label in others])
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
    return Pairing(baseline, against, _ranks(solved, alternatives))


def _p_value(
    solved: Mapping[T, BoolArray],
    first: T,
    second: T,
    alternatives: Mapping[T, Sequence[BoolArray]] = MappingProxyType({}),
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
    return (
        int(np.sum(first & second)),
        int(np.sum(first & ~second)),
        int(np.sum(~first & second)),
        int(np.sum(~first & ~second)),
    )


def _ranks(solved: Mapping[str, BoolArray], alternatives: Alternatives) -> dict[str, int]:
    ranks = dict.fromkeys(solved, 1)
    for (one, other), p in all_pairs(solved, alternatives).items():
        if p <= LEVEL:
            ranks[one if solved[one].sum() < solved[other].sum() else other] += 1
    return ranks


def all_pairs(
    solved: Mapping[T, BoolArray],
    alternatives: Mapping[T, Sequence[BoolArray]] = MappingProxyType({}),
) -> dict[tuple[T, T], float]:
    """The p-value of each pair, after Holm over all pairs.

    Args:
        solved: By anything, shape (seeds,): the same seeds in the same order.
        alternatives: As in `pair`.
    """
    pairs = list(combinations(solved, 2))
    adjusted = holm([_p_value(solved, one, other, alternatives) for one, other in pairs])
    return dict(zip(pairs, adjusted, strict=True))


def pairing_of(*outcomes: Outcome, alternatives: Alternatives = _NONE) -> Pairing | None:
    """The variants that reached their budget, seed by seed, if there are two of them.

    Args:
        outcomes: One, or several whose seeds start from the same weights. The baseline is that of
            the first.
        alternatives: As in `pair`.
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


# --- several configs --------------------------------------------------------------------------


class Group(NamedTuple):
    """Configs of which each seed starts from the same weights, and so may be paired.

    Attributes:
        names: Of the configs.
        pairing: Of all their variants; None unless at least two of them reached their budget.
        difference: Why they may not be paired with the first group; empty for that itself.
    """

    names: tuple[str, ...]
    pairing: Pairing | None
    difference: str


class ComparedConfigs(NamedTuple):
    """What became of several configs.

    Attributes:
        experiments: As the configs have them, by name.
        outcomes: By name; the labels of their variants have the name in front.
        groups: Which of them may be paired; the first has the first config.
    """

    experiments: Mapping[str, Experiment]
    outcomes: Mapping[str, Outcome]
    groups: tuple[Group, ...]

    @property
    def complete(self) -> bool:
        """Whether every variant reached its budget or cannot be trained."""
        return all(outcome.complete for outcome in self.outcomes.values())


def compared_configs(
    experiments: Mapping[str, Experiment], outcomes: Sequence[Outcome]
) -> ComparedConfigs:
    """Put the outcomes of experiments that were `named` into groups that start alike."""
    by_name = dict(zip(experiments, outcomes, strict=True))
    alike: list[list[str]] = []
    for name, experiment in experiments.items():
        for names in alike:
            if not difference(experiments[names[0]], experiment):
                names.append(name)
                break
        else:
            alike.append([name])
    first = experiments[alike[0][0]]
    groups = tuple(
        Group(
            names=tuple(names),
            pairing=pairing_of(*(by_name[name] for name in names)),
            difference=difference(first, experiments[names[0]]),
        )
        for names in alike
    )
    return ComparedConfigs(experiments, by_name, groups)


def difference(first: Experiment, second: Experiment) -> str:
    """What keeps two experiments from being paired by seed; empty if nothing does."""
    if first.seeds != second.seeds:
        return "other seeds"
    if not _start_alike(first, second):
        return "other initial weights"
    return "" if _same_task(first.task, second.task) else "another task"


def _same_task(first: Task, second: Task) -> bool:
    return np.array_equal(first.inputs, second.inputs) and np.array_equal(
        first.targets, second.targets
    )


def _start_alike(first: Experiment, second: Experiment) -> bool:
    """Whether each seed starts from the same weights: given, or drawn in the same way."""
    ours, theirs = first.initial_weights, second.initial_weights
    if ours is not None or theirs is not None:
        pairs = zip(first.starting_weights(), second.starting_weights(), strict=True)
        return all(np.array_equal(one, other) for one, other in pairs)
    one, other = ((experiment.sizes, experiment.init) for experiment in (first, second))
    return one == other


# --- friedman ------------------------------------------------------------------------------------

# Several variants ranked on several tasks: are they told apart, and which?
#
# Demšar 2006, Journal of Machine Learning Research 7:1-30: average ranks, the Friedman test in the
# form of Iman and Davenport, and Nemenyi's critical difference.

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
