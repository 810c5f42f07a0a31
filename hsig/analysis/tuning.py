"""Each variant at its own learning rate, chosen on other seeds than those that are reported.

The choice and the claims use different seeds, so that none profits from luck it was chosen for.
What all have in common is the budget, the initial weights and the values that are tried.

A choice on few seeds may miss the best value by a little, which many reported seeds would show as a
difference between equal activations. So a difference is claimed only where it also holds, on the
reported seeds, against each value that the worse one was not told apart at. That is an
intersection-union test (Berger 1982, Technometrics 24:295-300) over values that its best is among.
`benchmarks/tuning.py` measures how often equal activations are told apart.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hsig.analysis.pairing import (
    LEVEL,
    OF_SOLVED,
    Match,
    Paired,
    Pairing,
    all_pairs,
    pair_outcomes,
)
from hsig.analysis.parts import ALTERNATIVE, ONE_RATE, TUNING, Part
from hsig.analysis.statistics import order_quantile
from hsig.analysis.summary import Solved, Summary, count_solved, summarise
from hsig.experiments.experiment import Experiment, Outcome, Result, Variant, as_cell
from hsig.experiments.measures import LOSS, SOLVED, Measure

LOWER, UPPER = "lower", "upper"  # the ends of the values that were tried


@dataclass(frozen=True)
class TriedRate:
    """One learning rate of one variant, on the tuning seeds."""

    value: float  # the learning rate
    solved: Solved  # how many of the seeds were solved at the budget
    epochs_to_solve: float  # median of `Result.epochs_to_solve`
    loss: float  # median over seeds; infinite where that is undefined
    # the measure that they are chosen by: the solved rate, or the median over seeds, of which that
    # of a loss is its negative
    score: float
    better: int  # seeds that do better with this one than with the chosen one
    worse: int  # seeds that do worse with this one
    # that they are equal: the exact sign test (McNemar's of solved seeds), after Holm over all
    # pairs of values; 1 for the chosen one itself
    p: float

    @property
    def told_apart(self) -> bool:
        """Whether it can be claimed to do worse than the chosen one."""
        return self.p <= LEVEL and self.worse > self.better


@dataclass(frozen=True)
class Choice:
    """The learning rate that a variant was given, and what it was chosen from."""

    label: str  # the variant
    value: float  # the learning rate
    tried: tuple[TriedRate, ...]  # every value, in rising order
    measure: Measure = OF_SOLVED  # that it was chosen by

    @property
    def chosen(self) -> TriedRate:
        """What the chosen one did on the tuning seeds."""
        return next(tried for tried in self.tried if tried.value == self.value)

    @property
    def edge(self) -> str:
        """At which end of the values it lies, beyond which there may be a better one; or nothing.

        Where nothing was solved at any value there is no better or worse, and so no edge.
        """
        if self.measure.name == SOLVED and not self.chosen.solved.k:
            return ""
        ends = {self.tried[0].value: LOWER, self.tried[-1].value: UPPER}
        return ends.get(self.value, "")

    @property
    def alternatives(self) -> tuple[float, ...]:
        """The values that were not told apart from the chosen one, without that itself."""
        alike = (tried.value for tried in self.tried if not tried.told_apart)
        return tuple(value for value in alike if value != self.value)


# --- what is trained --------------------------------------------------------------------------


def without_tuning(experiment: Experiment) -> Experiment:
    """The same comparison with all variants at the experiment's learning rate."""
    variants = tuple(replace(variant, learning_rate=None) for variant in experiment.variants)
    return replace(experiment, variants=variants, tune=(), tune_seeds=None, expect={})


def tuning_experiments(experiment: Experiment) -> tuple[Experiment, ...]:
    """For each value that is tried, an experiment of all variants on the tuning seeds."""
    everywhere = dict.fromkeys(experiment.tune, experiment.variants)
    return _experiments_at(replace(experiment, seeds=experiment.tuning_seeds), everywhere)


def alternative_experiments(
    experiment: Experiment, choices: Mapping[str, Choice]
) -> tuple[Experiment, ...]:
    """For each value, on the reported seeds, the variants whose choice it was not told apart from.

    A value without any is left out.
    """
    open_to = {
        value: tuple(
            variant
            for variant in experiment.variants
            if variant.label in choices and value in choices[variant.label].alternatives
        )
        for value in experiment.tune
    }
    return _experiments_at(experiment, open_to)


def _experiments_at(
    experiment: Experiment, variants: Mapping[float, tuple[Variant, ...]]
) -> tuple[Experiment, ...]:
    """Some variants at each learning rate, with labels that no other rate has."""
    cell = replace(as_cell(experiment), predict_with=(), baseline="")
    return tuple(
        without_tuning(replace(cell, variants=some, learning_rate=value)).prefix_labels(
            f"learning rate {value!r}"
        )
        for value, some in variants.items()
        if some
    )


def apply_choices(experiment: Experiment, choices: Mapping[str, Choice]) -> Experiment:
    """The experiment with each variant at the learning rate that was chosen for it."""
    variants = (
        replace(v, learning_rate=choices[v.label].value) if v.label in choices else v
        for v in experiment.variants
    )
    return replace(experiment, variants=tuple(variants))


# --- choosing ---------------------------------------------------------------------------------


def choose_rates(experiment: Experiment, tuning: Sequence[Outcome]) -> dict[str, Choice]:
    """Choose for each variant that could be trained, from the outcomes of its tuning experiments.

    The outcomes are in the order of `experiment.tune`, their results in that of its variants.
    """
    by_variant = zip(*(outcome.results for outcome in tuning), strict=True)
    choices = (
        choose_rate(
            variant.label,
            dict(zip(experiment.tune, results, strict=True)),
            # rows that are held out have no part in a choice: they are to judge what came of it
            experiment.chosen_measure._replace(held_out=False),
        )
        for variant, results in zip(experiment.variants, by_variant, strict=True)
    )
    return {choice.label: choice for choice in choices if choice is not None}


def choose_rate(
    label: str, results: Mapping[float, Result], measure: Measure = OF_SOLVED
) -> Choice | None:
    """Choose the learning rate of a variant; None if it could not be trained at any.

    The results are by value, in rising order, of the same seeds. The highest score is chosen; of
    equals the fewest epochs to solve if seeds are to be solved, then the least loss, then the
    smallest value.
    """
    trained = {value: result for value, result in results.items() if not result.failure}
    if not trained:
        return None
    seeds = {value: measure.scores(result) for value, result in trained.items()}
    centre = np.mean if measure.name == SOLVED else np.median
    scores = {value: float(centre(of_seeds)) for value, of_seeds in seeds.items()}
    least_loss = measure._replace(name=LOSS)
    losses = {v: -float(np.median(least_loss.scores(result))) for v, result in trained.items()}
    epochs = {
        value: order_quantile(result.epochs_to_solve.tolist())[0]
        for value, result in trained.items()
    }

    def order(value: float) -> tuple[float, ...]:
        quickest = epochs[value] if measure.name == SOLVED else 0.0
        return -scores[value], quickest, losses[value], value

    best = min(trained, key=order)
    p_values = {frozenset(pair): p for pair, p in all_pairs(seeds).items()}
    counts = {value: Match(seeds[value], seeds[best]).tests[0] for value in trained}
    tried = tuple(
        TriedRate(
            value=value,
            solved=count_solved(result.solved),
            epochs_to_solve=epochs[value],
            loss=losses[value],
            score=scores[value],
            better=counts[value][0],
            worse=counts[value][1],
            p=p_values.get(frozenset((value, best)), 1.0),
        )
        for value, result in trained.items()
    )
    return Choice(label, best, tried, measure)


# --- what it changes --------------------------------------------------------------------------

SAME, APPEARS, VANISHES, TURNS, NONE = "same", "appears", "vanishes", "turns", "none"


@dataclass(frozen=True)
class Change:
    """What tuning does to the claim about one variant against the baseline."""

    own: Paired  # each at its own learning rate
    shared: Paired  # all at the one of the experiment

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
class Tuning:
    """How the learning rates of a comparison were chosen, and what it would have been without."""

    choices: Mapping[str, Choice]  # by label, of the variants that could be trained
    # by label and value, what becomes of the reported seeds at a value that was not told apart from
    # the chosen one
    alternatives: Mapping[str, Mapping[float, Result]]
    # of the variants at their own learning rates; None unless all alternatives were trained to
    # their end
    pairing: Pairing | None
    # the same seeds, with all variants at the learning rate of the experiment; None if that was not
    # trained to its end
    shared: Summary | None
    # by label, of the variants that both comparisons have beside the same baseline
    changes: Mapping[str, Change]


def analyse_tuning(main: Part, parts: Sequence[Part]) -> Tuning | None:
    """Say how the learning rates of a part were chosen; None if they were not.

    Of all parts of the result count those of the same task: what became of `tuning_experiments`, of
    `alternative_experiments` as far as they were trained, and of `without_tuning` if it was.
    """
    tries, others, shared = (
        [
            part.outcome
            for part in parts
            if part.role == role and part.experiment.task.name == main.experiment.task.name
        ]
        for role in (TUNING, ALTERNATIVE, ONE_RATE)
    )
    if not main.experiment.tune or not tries:
        return None
    choices = choose_rates(main.outcome.experiment, tries)
    found = _results_at(choices, others)
    known = all(set(found[label]) == set(choice.alternatives) for label, choice in choices.items())
    pairing = None
    if known:
        alternatives = {label: list(by_value.values()) for label, by_value in found.items()}
        pairing = pair_outcomes(main.outcome, alternatives=alternatives)
    summary = summarise(shared[0]) if shared and shared[0].complete else None
    changes = _find_changes(pairing, summary.pairing) if summary else {}
    return Tuning(choices, found, pairing, summary, changes)


def _results_at(
    choices: Mapping[str, Choice], alternatives: Sequence[Outcome]
) -> dict[str, dict[float, Result]]:
    """By label and value, what became of the seeds."""
    found: dict[str, dict[float, Result]] = {label: {} for label in choices}
    for outcome in alternatives:
        value = outcome.experiment.learning_rate
        labels = [label for label, choice in choices.items() if value in choice.alternatives]
        if outcome.complete:
            for label, result in zip(labels, outcome.results, strict=True):
                if not result.failure:
                    found[label][value] = result
    return found


def _find_changes(own: Pairing | None, shared: Pairing | None) -> dict[str, Change]:
    if own is None or shared is None or own.baseline != shared.baseline:
        return {}
    return {
        label: Change(paired, shared.against[label])
        for label, paired in own.against.items()
        if label in shared.against
    }
