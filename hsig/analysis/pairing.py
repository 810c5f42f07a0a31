"""Variants against each other, seed by seed, on one measure."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import numpy as np

from hsig.analysis.statistics import (
    clopper_pearson,
    holm,
    holm_levels,
    order_quantile,
    paired_difference_interval,
    sign_test,
)
from hsig.arrays import Array, BoolArray
from hsig.experiments.experiment import Experiment, Outcome, Result
from hsig.experiments.measures import LOSS, SOLVED, Measure

T = TypeVar("T")
Scores = Array | BoolArray  # (seeds,), higher is better, -inf for a seed without one
# By label, what else a variant might have been given, and the scores with that. A claim must hold
# against each of those of the variant that is worse.
Alternatives = Mapping[T, Sequence[Scores]]
_NONE: Mapping[Any, Any] = MappingProxyType({})

OF_SOLVED = Measure(SOLVED)
LEVEL = 0.05  # of all claims of one comparison together
ROUNDING = 1e-9  # relative: scores this close are the same, whatever the processor rounds
BETTER, WORSE = "better", "worse"  # what may be claimed


class Paired(NamedTuple):
    """One variant against the baseline, seed by seed.

    A seed that diverged is worse than any that did not; two that did are a tie.
    """

    label: str  # the variant
    better: int  # seeds with which the variant is better
    worse: int  # seeds with which it is worse
    ties: int  # seeds with which they are the same
    # size of the difference, variant minus baseline, as the measure counts: of the solved rates; of
    # a loss or a share of rows right the median of all differences by seed
    difference: float
    low: float  # lower end of its 95 % interval: Newcombe's method 10, or order statistics
    high: float  # upper end
    p: float  # of the exact sign test (McNemar's where seeds are solved or not), after Holm
    level: float  # at which this test was made so that all hold at `LEVEL` together
    # the exact interval at that level of the share that is better, among the seeds that differ. It
    # leaves out one half exactly where something is claimed
    share_low: float
    share_high: float
    both: int | None = None  # of the ties, seeds that both solved; None for other measures
    neither: int | None = None  # seeds that none solved

    @property
    def pairs(self) -> int:
        """How many seeds both have."""
        return self.better + self.worse + self.ties

    @property
    def share(self) -> float:
        """Of the seeds that differ, the part with which the variant is better; nan if none do."""
        return self.better / (self.better + self.worse) if self.better + self.worse else np.nan

    @property
    def claim(self) -> str:
        """`BETTER` or `WORSE` where it can be claimed; else nothing."""
        if self.p > LEVEL:
            return ""
        return BETTER if self.better > self.worse else WORSE

    @property
    def interval_alone(self) -> bool:
        """Whether the interval of the difference excludes 0 and the test claims nothing."""
        return not self.claim and not self.low <= 0.0 <= self.high


class Pairing(NamedTuple):
    """All variants of a comparison against its baseline and each other."""

    baseline: str  # its label
    against: Mapping[str, Paired]  # every other variant against it, by label: a family for Holm
    # by label, 1 + the number of variants that are significantly better: the same test, Holm over
    # all pairs
    ranks: Mapping[str, int]
    measure: Measure = OF_SOLVED  # that all of this is about
    # why that is the loss in place of what is solved: all variants are solved by `none` or by `all`
    # of the seeds; empty if it is not
    solved_by: str = ""


def pair_outcomes(
    *outcomes: Outcome, alternatives: Mapping[str, Sequence[Result]] = _NONE
) -> Pairing | None:
    """Compare the variants that reached their budget; None unless there are two of them.

    Seeds start from the same weights in all outcomes; baseline and measure are those of the first.
    `alternatives` are what became of the same seeds of a variant, by its label, in other settings.
    """
    results = {
        result.variant.label: result
        for outcome in outcomes
        for result in outcome.results
        if not result.failure and result.epochs[-1] == outcome.experiment.epochs
    }
    if len(results) < 2:
        return None
    experiments = [outcome.experiment for outcome in outcomes]
    measure, solved_by = measure_of(experiments, list(results.values()))
    scores = {label: measure.scores(result) for label, result in results.items()}
    baseline = experiments[0].baseline
    baseline = baseline if baseline in scores else next(iter(scores))
    others = {label: list(map(measure.scores, some)) for label, some in alternatives.items()}
    return pair(scores, baseline, others, measure)._replace(solved_by=solved_by)


def measure_of(experiments: Sequence[Experiment], results: Sequence[Result]) -> tuple[Measure, str]:
    """What claims about these results are made of, and why if it is not what was chosen.

    Where all are solved by no seed, or by every seed, that tells none apart, and the loss may.
    """
    first = experiments[0]
    chosen = first.chosen_measure
    solved = np.concatenate([np.zeros(0, bool), *(result.solved for result in results)])
    is_mixed = not solved.size or (bool(solved.any()) and not solved.all())
    # losses of two kinds are not compared, nor those of seeds that stop by themselves
    kinds = set(map(loss_kind, experiments))
    stops = any(experiment.stop_at is not None for experiment in experiments)
    if chosen.name != SOLVED or is_mixed or len(kinds) > 1 or stops:
        return chosen, ""
    return Measure(LOSS, first.task.held_out is not None), "all" if solved.all() else "none"


def loss_kind(experiment: Experiment) -> tuple[str, str]:
    """What two losses must have in common to be compared."""
    return experiment.loss.name, experiment.scale_target


def pair(
    scores: Mapping[str, Scores],
    baseline: str,
    alternatives: Alternatives[str] = _NONE,
    measure: Measure = OF_SOLVED,
) -> Pairing:
    """Compare by scores, by label: of the same seeds in the same order."""
    others = [label for label in scores if label != baseline]
    matches = [
        _match(scores, label, baseline, alternatives)._replace(label=label) for label in others
    ]
    against = {paired.label: paired for paired in judge_family(matches, measure)}
    ranks = dict.fromkeys(scores, 1)
    for (first, second), p in all_pairs(scores, alternatives).items():
        if p <= LEVEL:
            better, worse = Match(scores[first], scores[second]).tests[0]
            ranks[second if better > worse else first] += 1
    return Pairing(baseline, against, ranks, measure)


def all_pairs(
    scores: Mapping[T, Scores], alternatives: Alternatives[T] = _NONE
) -> dict[tuple[T, T], float]:
    """The p-value of each pair, after Holm over all pairs; the same seeds in the same order."""
    pairs = list(combinations(scores, 2))
    adjusted = holm([_match(scores, *both, alternatives).p for both in pairs])
    return dict(zip(pairs, adjusted, strict=True))


class Match(NamedTuple):
    """Two variants to be compared: scores of the same seeds in the same order."""

    first: Scores
    second: Scores
    # what else each might have been given: a claim must hold against each of those of the worse
    others: tuple[Sequence[Scores], Sequence[Scores]] = ((), ())
    label: str = ""  # of the first

    @property
    def differences(self) -> Array:
        """First minus second, (seeds,); 0 of those that differ by rounding or have no score."""
        first, second = (np.asarray(scores, dtype=np.float64) for scores in self[:2])
        with np.errstate(invalid="ignore"):
            difference = first - second
            near = ROUNDING * np.minimum(np.abs(first), np.abs(second))
            return np.where((first == second) | (np.abs(difference) <= near), 0.0, difference)

    @property
    def tests(self) -> list[tuple[int, int]]:
        """With how many seeds the first is better and worse: of this match, and with the others."""
        differences = self.differences
        better, worse = int((differences > 0).sum()), int((differences < 0).sum())
        turned = (
            [Match(other, self.second) for other in self.others[0]]
            if better < worse
            else [Match(self.first, other) for other in self.others[1]]
        )
        return [(better, worse), *(match.tests[0] for match in turned)]

    @property
    def p(self) -> float:
        """The largest over all its tests; 1 if one goes the other way."""
        (better, worse), *_ = tests = self.tests
        alike = all((more - less) * (better - worse) > 0 for more, less in tests)
        return max(sign_test(*counts) for counts in tests) if alike else 1.0


def _match(scores: Mapping[T, Scores], first: T, second: T, others: Alternatives[T]) -> Match:
    return Match(scores[first], scores[second], (others.get(first, ()), others.get(second, ())))


def judge_family(matches: Sequence[Match], measure: Measure) -> list[Paired]:
    """Decide what may be claimed of the first of each match, all at `LEVEL` together."""
    p_values = [match.p for match in matches]
    by_match = zip(matches, holm(p_values), holm_levels(p_values, LEVEL), strict=True)
    return [_judge(*each, measure) for each in by_match]


def _judge(match: Match, p: float, level: float, measure: Measure) -> Paired:
    (better, worse), *_ = tests = match.tests
    # a share that no test rejects
    ends = [clopper_pearson(more, more + less, level) for more, less in tests]
    both, ties = None, len(match.first) - better - worse
    if measure.name == SOLVED:
        both = int(np.sum(np.minimum(match.first, match.second)))
        size = (better - worse) / len(match.first)
        interval = paired_difference_interval(both, better, worse, ties - both)
    else:
        sign = -1.0 if measure.name == LOSS else 1.0
        differences = 0.0 + sign * match.differences  # no -0.0
        with np.errstate(invalid="ignore"):
            size = float(np.median(differences))
        interval = order_quantile(differences.tolist(), least=-np.inf)[1:]
    return Paired(
        match.label,
        better,
        worse,
        ties,
        size,
        *interval,
        p,
        level,
        min(low for low, _ in ends),
        max(high for _, high in ends),
        both,
        None if both is None else ties - both,
    )
