"""From an outcome to the numbers that people read."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from hsig.analysis.affine import AffineFit, best_affine
from hsig.analysis.pairing import Pairing, pair
from hsig.analysis.statistics import order_quantile, quantiles, wilson_interval
from hsig.analysis.transfer import Transfer, predict_with
from hsig.engines import NOT_REACHED
from hsig.experiments.experiment import Bound, Experiment, Failure, Outcome, Training, shown_cost
from hsig.experiments.verdicts import AFFINE, DEAD, DIVERGED, SOLVED, VERDICTS, verdicts
from hsig.networks.activations import LinearPiece
from hsig.networks.arrays import Array, BoolArray, IntArray

QUARTILES = (0.25, 0.5, 0.75)
MEDIAN = 1  # the middle one


@dataclass(frozen=True)
class Solved:
    """How many seeds were solved at the budget, with a 95 % Wilson interval for the rate."""

    k: int
    n: int
    low: float
    high: float

    @property
    def rate(self) -> float:
        """The share of the seeds, in [0, 1]."""
        return self.k / self.n


@dataclass(frozen=True)
class NotFinite:
    """The first checkpoint at which a seed's cost was infinite or undefined."""

    seed: int
    epoch: int
    cost: float


@dataclass(frozen=True, eq=False)
class Timeline:
    """What was seen of one variant at each checkpoint.

    Attributes:
        states: How many seeds were diverged, solved, dead or affine at that moment, the first of
            these that held, by the word; arrays of shape (checkpoints,).
        pieces: The linear pieces of the hidden activation.
        on_piece: Shape (pieces + 1, checkpoints); mean share, over seeds, of the pairs of hidden
            unit and row on each piece, and last on none.
        alive: Shape (checkpoints,); mean share of the hidden units that have a slope on some row.
        gradient: Shape (2, checkpoints); median size of the gradient of hidden layer and output.
    """

    states: dict[str, IntArray]
    pieces: tuple[LinearPiece, ...]
    on_piece: Array
    alive: Array
    gradient: Array


@dataclass(frozen=True, eq=False)
class VariantSummary:
    """The numbers of one variant.

    Attributes:
        label: Its name in tables.
        seeds: The seeds that were trained.
        epochs: The checkpoints reached.
        cost: Shape (3, checkpoints): lower quartile, median and upper quartile over seeds.
        predictions: Shape (3, samples): the same of the final predictions.
        right: For each sample, how many seeds are right on it.
        solved: At the last checkpoint.
        verdicts: How many seeds ended with each, in the order of `verdicts.VERDICTS`.
        largest_error: Over seeds and samples, the largest |prediction - target|; nan if any is.
        solved_at: For each seed, the first epoch count with which all was right, or None.
        epochs_to_solve: Median of `solved_at` with an interval from order statistics; infinite
            where it was not reached, also for seeds that diverged.
        lost: How many seeds were solved and later, for an epoch at least, were not.
        diverged_at: Epochs, in the order of `diverged_seeds`.
        diverged_seeds: The seeds of which a weight stopped being finite.
        diverged_by: How many of them by each cause.
        not_finite: Seeds whose cost, at some checkpoint, was not a finite number.
        timeline: What was seen on the way.
        transfers: What other activations predict with its weights.
    """

    label: str
    seeds: tuple[int, ...]
    epochs: tuple[int, ...]
    cost: Array
    predictions: Array
    right: tuple[int, ...]
    solved: Solved
    verdicts: dict[str, int]
    largest_error: float
    solved_at: tuple[int | None, ...]
    epochs_to_solve: tuple[float, float, float]
    lost: int
    diverged_at: tuple[int, ...]
    diverged_seeds: tuple[int, ...]
    diverged_by: dict[str, int]
    not_finite: tuple[NotFinite, ...]
    timeline: Timeline
    transfers: tuple[Transfer, ...]


@dataclass(frozen=True)
class UnmetExpectation:
    """What `expect` asked for and what came."""

    label: str
    expected: str
    got: str


@dataclass(frozen=True, eq=False)
class Summary:
    """The numbers of an experiment.

    Attributes:
        experiment: What was run.
        variants: One entry for each variant that was started, in order.
        complete: Whether all reached the budget.
        unmet: What was expected and did not come.
        affine: The best that an affine function can do on the task.
        pairing: The variants seed by seed; None unless at least two of them reached the budget.
    """

    experiment: Experiment
    variants: tuple[VariantSummary | Failure, ...]
    complete: bool
    unmet: tuple[UnmetExpectation, ...]
    affine: AffineFit
    pairing: Pairing | None


def summarise(outcome: Outcome) -> Summary:
    """The numbers that people read."""
    experiment = outcome.experiment
    variants = tuple(
        result if isinstance(result, Failure) else _summarise_training(experiment, result)
        for result in outcome.results
    )
    unmet = tuple(shortfall for variant in variants for shortfall in _unmet(experiment, variant))
    affine = best_affine(experiment.task, experiment.loss, experiment.solved_within)
    return Summary(experiment, variants, outcome.complete, unmet, affine, pairing_of(outcome))


def pairing_of(*outcomes: Outcome) -> Pairing | None:
    """The variants that reached their budget, seed by seed, if there are two of them.

    Args:
        outcomes: One, or several whose seeds start from the same weights. The baseline is that of
            the first.
    """
    solved = {
        result.variant.label: result.solved
        for outcome in outcomes
        for result in outcome.results
        if isinstance(result, Training) and result.epochs[-1] == outcome.experiment.epochs
    }
    if len(solved) < 2:
        return None
    baseline = outcomes[0].experiment.baseline
    return pair(solved, baseline if baseline in solved else next(iter(solved)))


def count_solved(training: Training) -> Solved:
    """How many seeds are solved at the last checkpoint, and the interval of the rate."""
    return rate(training.solved)


def rate(solved: BoolArray) -> Solved:
    """How many of some seeds are solved, and the interval of their rate."""
    k, n = int(solved.sum()), len(solved)
    return Solved(k, n, *wilson_interval(k, n))


def _summarise_training(experiment: Experiment, training: Training) -> VariantSummary:
    with np.errstate(invalid="ignore"):
        errors = np.abs(training.predictions - experiment.task.targets)
        cost = quantiles(shown_cost(experiment, training), QUARTILES)
        predictions = quantiles(training.predictions, QUARTILES)
    diverged = np.flatnonzero(training.diverged_at != NOT_REACHED)
    return VariantSummary(
        label=training.variant.label,
        seeds=experiment.seeds,
        epochs=training.epochs,
        cost=cost,
        predictions=predictions,
        right=tuple(int(n) for n in (errors < experiment.solved_within).sum(axis=0)),
        solved=count_solved(training),
        verdicts=count_verdicts(training),
        largest_error=float(errors.max()),
        solved_at=tuple(None if e == NOT_REACHED else int(e) for e in training.solved_at),
        epochs_to_solve=order_quantile(_epochs_to_solve(training)),
        lost=int((training.lost_at != NOT_REACHED).sum()),
        diverged_at=tuple(int(training.diverged_at[i]) for i in diverged),
        diverged_seeds=tuple(experiment.seeds[i] for i in diverged),
        diverged_by=dict(Counter(cause for cause in training.diverged_by if cause)),
        not_finite=_not_finite(experiment, training),
        timeline=_timeline(training),
        transfers=tuple(
            predict_with(experiment, training, other) for other in experiment.predict_with
        ),
    )


def count_verdicts(training: Training) -> dict[str, int]:
    """How many seeds ended with each verdict that there was, in the order of precedence."""
    counts = Counter(verdicts(training))
    return {word: counts[word] for word in VERDICTS if word in counts}


def _timeline(training: Training) -> Timeline:
    evidence, epochs = training.evidence, np.array(training.epochs)
    diverged_at = training.diverged_at[:, None]
    undecided = np.ones(evidence.solved.shape, dtype=bool)
    states = {}
    for word, holds in (
        (DIVERGED, (diverged_at != NOT_REACHED) & (diverged_at < epochs)),
        (SOLVED, evidence.solved),
        (DEAD, evidence.dead),
        (AFFINE, evidence.affine),
    ):
        states[word] = (holds & undecided).sum(axis=0)
        undecided &= ~holds
    return Timeline(
        states=states,
        pieces=training.variant.hidden_activation.linear_pieces,
        on_piece=evidence.on_piece.mean(axis=0).T,
        alive=evidence.alive.mean(axis=0),
        gradient=quantiles(evidence.gradient, (0.5,))[0].T,
    )


def _epochs_to_solve(training: Training) -> list[float]:
    reached = (training.solved_at != NOT_REACHED) & (training.diverged_at == NOT_REACHED)
    epochs: list[float] = np.where(reached, training.solved_at, np.inf).tolist()
    return epochs


def _not_finite(experiment: Experiment, training: Training) -> tuple[NotFinite, ...]:
    cost = shown_cost(experiment, training)
    broken = ~np.isfinite(cost)
    found = []
    for row in np.flatnonzero(broken.any(axis=1)):
        column = int(broken[row].argmax())
        found.append(
            NotFinite(experiment.seeds[row], training.epochs[column], float(cost[row, column]))
        )
    return tuple(found)


def _unmet(
    experiment: Experiment, variant: VariantSummary | Failure
) -> tuple[UnmetExpectation, ...]:
    """The parts of `expect` that a variant misses. One that could not be trained misses all."""
    label = variant.variant.label if isinstance(variant, Failure) else variant.label
    shortfalls = []
    for key, bound in experiment.expected_of(label).items():
        if isinstance(variant, Failure):
            met, got = False, "nothing, for it could not be trained"
        else:
            met, got = _check(key, bound, variant)
        if not met:
            shortfalls.append(UnmetExpectation(label, f"{key} {bound}", got))
    return tuple(shortfalls)


def _check(key: str, bound: Bound, variant: VariantSummary) -> tuple[bool, str]:
    if key == "verdict":
        count = variant.verdicts.get(str(bound), 0)
        counts = ", ".join(f"{word} {n}" for word, n in variant.verdicts.items())
        return 2 * count > variant.solved.n, f"verdicts: {counts}"
    got = f"{variant.solved.k} of {variant.solved.n} solved, {variant.solved.rate:.3g}"
    if key == "solved_at_least":
        return variant.solved.rate >= float(bound), got
    return variant.solved.rate <= float(bound), got
