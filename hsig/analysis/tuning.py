"""Each variant at its own learning rate, chosen on other seeds than those that are reported.

The choice and the claims use different seeds, so that none profits from luck it was chosen for.
What all have in common is the budget, the initial weights and the values that are tried.

A choice on few seeds may miss the best value by a little, which many reported seeds would show as a
difference between equal activations. So a difference is claimed only where it also holds, on the
reported seeds, against each value that the one solved less often was not told apart at. That is an
intersection-union test (Berger 1982, Technometrics 24:295-300) over values that its best is among.
`benchmarks/tuning.py` measures how often equal activations are told apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hsig.analysis.pairing import LEVEL, Paired, Pairing, all_pairs, pairing_of
from hsig.analysis.statistics import order_quantile
from hsig.analysis.summary import Solved, Summary, rate, summarise
from hsig.arrays import BoolArray
from hsig.experiments.experiment import Experiment, Outcome, Result, as_cell

LOWER, UPPER = "lower", "upper"  # the ends of the values that were tried


@dataclass(frozen=True)
class Tried:
    """One learning rate of one variant, on the tuning seeds.

    Attributes:
        value: The learning rate.
        solved: How many of the seeds were solved at the budget.
        epochs_to_solve: Median of `solved_at`; infinite where it was not reached.
        only_this: Seeds that were solved with this one and not with the chosen one.
        only_chosen: Seeds that were solved with the chosen one and not with this.
        p: That they are equal: exact McNemar, after Holm over all pairs of values; 1 for the
            chosen one itself.
    """

    value: float
    solved: Solved
    epochs_to_solve: float
    only_this: int
    only_chosen: int
    p: float

    @property
    def told_apart(self) -> bool:
        """Whether it can be claimed to do worse than the chosen one."""
        return self.p <= LEVEL


@dataclass(frozen=True)
class Choice:
    """The learning rate that a variant was given, and what it was chosen from.

    Attributes:
        label: The variant.
        value: The learning rate.
        tried: Every value, in rising order.
    """

    label: str
    value: float
    tried: tuple[Tried, ...]

    @property
    def chosen(self) -> Tried:
        """What the chosen one did on the tuning seeds."""
        return next(tried for tried in self.tried if tried.value == self.value)

    @property
    def edge(self) -> str:
        """At which end of the values it lies, where there may be a better one beyond; or nothing.

        Where nothing was solved at any value there is no better or worse, and so no edge.
        """
        if not self.chosen.solved.k:
            return ""
        ends = {self.tried[0].value: LOWER, self.tried[-1].value: UPPER}
        return ends.get(self.value, "")

    @property
    def alternatives(self) -> tuple[float, ...]:
        """The values that were not told apart from the chosen one, without that itself."""
        return tuple(
            tried.value
            for tried in self.tried
            if not tried.told_apart and tried.value != self.value
        )


def tuning_experiments(experiment: Experiment) -> tuple[Experiment, ...]:
    """An experiment of all variants on the tuning seeds for each value that is tried."""
    cell = replace(
        as_cell(at_one_rate(experiment)),
        seeds=experiment.tuning_seeds,
        predict_with=(),
        baseline="",
    )
    return tuple(_named(replace(cell, learning_rate=value)) for value in experiment.tune)


def at_one_rate(experiment: Experiment) -> Experiment:
    """The same comparison without tuning, all variants at the experiment's learning rate."""
    variants = tuple(replace(variant, learning_rate=None) for variant in experiment.variants)
    return replace(experiment, variants=variants, tune=(), tune_seeds=None, expect={})


def best_value(solved: Mapping[float, int], epochs: Mapping[float, float]) -> float:
    """The value with the most seeds solved; of equals the lowest median; then the smallest value.

    Args:
        solved: By value, how many seeds were solved.
        epochs: By value, the median number of epochs to solve; infinite where it is not reached.

    >>> best_value({0.1: 7, 1.0: 9, 10.0: 9}, {0.1: 50.0, 1.0: 40.0, 10.0: 40.0})
    1.0
    """
    return min(solved, key=lambda value: (-solved[value], epochs[value], value))


def choose(label: str, results: Mapping[float, Result]) -> Choice | None:
    """The learning rate of a variant, from what became of the tuning seeds; None if of nothing.

    Args:
        label: The variant.
        results: By value, in rising order, of the same seeds.
    """
    trained = {value: result for value, result in results.items() if not result.failure}
    if not trained:
        return None
    solved = {value: result.solved for value, result in trained.items()}
    epochs = {
        value: order_quantile(result.epochs_to_solve.tolist())[0]
        for value, result in trained.items()
    }
    value = best_value({value: int(seeds.sum()) for value, seeds in solved.items()}, epochs)
    p_values = {frozenset(pair): p for pair, p in all_pairs(solved).items()}
    tried = tuple(
        Tried(
            value=other,
            solved=rate(seeds),
            epochs_to_solve=epochs[other],
            only_this=int(np.sum(seeds & ~solved[value])),
            only_chosen=int(np.sum(~seeds & solved[value])),
            p=p_values.get(frozenset((other, value)), 1.0),
        )
        for other, seeds in solved.items()
    )
    return Choice(label, value, tried)


def choices_of(experiment: Experiment, tuning: Sequence[Outcome]) -> dict[str, Choice]:
    """The choice of each variant that could be trained, from the outcomes of its `tune`."""
    made = {}
    for place, variant in enumerate(experiment.variants):
        results = {
            value: outcome.results[place]
            for value, outcome in zip(experiment.tune, tuning, strict=True)
        }
        choice = choose(variant.label, results)
        if choice is not None:
            made[variant.label] = choice
    return made


def at_own_rates(experiment: Experiment, choices: Mapping[str, Choice]) -> Experiment:
    """The experiment with each variant at the learning rate that was chosen for it."""
    return replace(
        experiment,
        variants=tuple(
            replace(variant, learning_rate=choices[variant.label].value)
            if variant.label in choices
            else variant
            for variant in experiment.variants
        ),
    )


def alternative_experiments(
    experiment: Experiment, choices: Mapping[str, Choice]
) -> tuple[Experiment, ...]:
    """For each value an experiment, on the reported seeds, of the variants that might have had it.

    These are the variants whose choice it was not told apart from.
    """
    cell = replace(as_cell(at_one_rate(experiment)), predict_with=(), baseline="")
    made = []
    for value in experiment.tune:
        variants = tuple(
            variant
            for variant in cell.variants
            if variant.label in choices and value in choices[variant.label].alternatives
        )
        if variants:
            made.append(_named(replace(cell, variants=variants, learning_rate=value)))
    return tuple(made)


def _named(experiment: Experiment) -> Experiment:
    """With labels that no other value has."""
    return experiment.prefix_labels(f"learning rate {experiment.learning_rate!r}")


# --- what it changes --------------------------------------------------------------------------

SAME, APPEARS, VANISHES, TURNS, NONE = "same", "appears", "vanishes", "turns", "none"


@dataclass(frozen=True)
class Change:
    """What tuning does to the claim about one variant against the baseline.

    Attributes:
        own: Each at its own learning rate.
        shared: All at the one of the experiment.
    """

    own: Paired
    shared: Paired

    @property
    def kind(self) -> str:
        """Of the claim: `same`, `appears`, `vanishes`, `turns` round, or `none` in both."""
        own, shared = self.own.claim, self.shared.claim
        if own == shared:
            return SAME if own else NONE
        if own and shared:
            return TURNS
        return APPEARS if own else VANISHES


@dataclass(frozen=True, eq=False)
class Tuned:
    """How the learning rates of a comparison were chosen, and what it would have been without.

    Attributes:
        choices: By label, of the variants that could be trained.
        alternatives: By label and value, which of the reported seeds are solved at a value that was
            not told apart from the chosen one.
        pairing: Of the variants at their own learning rates; None unless all alternatives were
            trained to their end.
        shared: The same seeds, with all variants at the learning rate of the experiment; None if
            that was not trained to its end.
        changes: By label, of the variants that both comparisons have beside the same baseline.
    """

    choices: Mapping[str, Choice]
    alternatives: Mapping[str, Mapping[float, BoolArray]]
    pairing: Pairing | None
    shared: Summary | None
    changes: Mapping[str, Change]


def tuned(
    own: Outcome,
    tuning: Sequence[Outcome],
    alternatives: Sequence[Outcome],
    shared: Outcome | None,
) -> Tuned:
    """What there is to say of a tuning.

    Args:
        own: What became of the variants at their own learning rates.
        tuning: What became of `tuning_experiments`.
        alternatives: What became of `alternative_experiments`, as far as they were trained.
        shared: What became of `at_one_rate`, if it was trained.
    """
    choices = choices_of(own.experiment, tuning)
    solved = _solved_at(choices, alternatives)
    known = all(set(solved[label]) == set(choice.alternatives) for label, choice in choices.items())
    others = {label: list(by_value.values()) for label, by_value in solved.items()}
    pairing = pairing_of(own, alternatives=others) if known else None
    summary = summarise(shared) if shared is not None and shared.complete else None
    return Tuned(
        choices,
        solved,
        pairing,
        summary,
        _changes(pairing, None if summary is None else summary.pairing),
    )


def _solved_at(
    choices: Mapping[str, Choice], alternatives: Sequence[Outcome]
) -> dict[str, dict[float, BoolArray]]:
    """By label and value, which seeds were solved."""
    solved: dict[str, dict[float, BoolArray]] = {label: {} for label in choices}
    for outcome in alternatives:
        value = outcome.experiment.learning_rate
        labels = [label for label, choice in choices.items() if value in choice.alternatives]
        if outcome.complete:
            for label, result in zip(labels, outcome.results, strict=True):
                if not result.failure:
                    solved[label][value] = result.solved
    return solved


def _changes(own: Pairing | None, shared: Pairing | None) -> dict[str, Change]:
    if own is None or shared is None or own.baseline != shared.baseline:
        return {}
    return {
        label: Change(found, shared.against[label])
        for label, found in own.against.items()
        if label in shared.against
    }
