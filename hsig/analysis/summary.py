"""From an outcome to the numbers that people read."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from hsig.activations import Activation
from hsig.activations.names import to_text
from hsig.analysis.pairing import Pairing, pair_outcomes
from hsig.analysis.statistics import order_quantile, quantiles, wilson_interval
from hsig.arrays import Array, BoolArray, IntArray
from hsig.engines.engine import NOT_REACHED
from hsig.experiments.experiment import Bound, Experiment, Outcome, Result, Training, select_cost
from hsig.experiments.measures import HELD_OUT, baseline_right, baseline_rmse, r_squared
from hsig.experiments.measures import SOLVED as IS_SOLVED
from hsig.experiments.verdicts import (
    AFFINE,
    DEAD,
    DIVERGED,
    REACHED,
    SATURATED,
    SOLVED,
    count_verdicts,
)
from hsig.formulas.function import LinearPiece
from hsig.networks.affine_fit import AffineFit, fit_affine
from hsig.networks.losses import rows_right
from hsig.networks.network import seeds_first, seeds_last
from hsig.networks.tasks import Rows, Task

QUARTILES = (0.25, 0.5, 0.75)
MEDIAN = 1  # the middle one
UNKNOWN = (math.nan,) * 3
MAX_ROWS = 1000  # whose predictions are told one by one
MAX_WORST = 16  # of more rows than these, as many as have the largest errors
UNDECIDED = -1  # the class of predictions that are none: no output is the largest, or near enough
# why a variant is no better than what no inputs give
_LEARNT_NOTHING = "no better, so has learnt nothing"
_BETTER_ON_TRAINING = "better on the training rows only"
_MOST_DIVERGED = "most seeds diverged, and a smaller learning rate may help"
TWINS_DIFFER = 0.01  # of a prediction between a seed and its twin; from here on they end elsewhere


class Solved(NamedTuple):
    """How many seeds were solved at the budget, with a 95 % Wilson interval for the rate."""

    k: int
    n: int
    low: float
    high: float

    @classmethod
    def from_counts(cls, k: int, n: int) -> "Solved":
        """With its interval, which is all there is where there are no seeds."""
        return cls(k, n, *(wilson_interval(k, n) if n else (0.0, 1.0)))

    @property
    def rate(self) -> float:
        """The share of the seeds, in [0, 1]."""
        return self.k / self.n


def count_solved(solved: BoolArray) -> Solved:
    """How many of some seeds are solved, and the interval of their rate."""
    return Solved.from_counts(int(solved.sum()), len(solved))


class NotFinite(NamedTuple):
    """The first checkpoint at which a seed's cost was infinite or undefined."""

    seed: int
    epoch: int
    cost: float


class Timeline(NamedTuple):
    """What the networks of one variant do at each checkpoint."""

    # by verdict, how many seeds were diverged, solved, dead (some layer has no slope), saturated
    # or affine at that moment, the first that held; shape (checkpoints,)
    states: dict[str, IntArray]
    pieces: tuple[LinearPiece, ...]  # of the first hidden layer's activation, if there is one
    # shape (pieces + 1, checkpoints); mean share, over seeds, of the pairs of its units and samples
    # on each piece, and last on none
    on_piece: Array
    # shape (layers, checkpoints); mean share of each hidden layer's units with a slope on some
    # sample
    alive: Array
    gradient: Array  # shape (layers, checkpoints); median size of each layer's gradient


class Transfer(NamedTuple):
    """What the weights of one activation give with another in its place."""

    label: str  # of the activation that predicts
    activation: Activation
    solved: Solved  # how many seeds are solved with it
    still_solved: int  # how many of the seeds solved with the trained one are solved with this
    # of a prediction, over the samples and the seeds whose weights are finite; nan if there are
    # none
    largest_change: float


class Predicted(NamedTuple):
    """What networks make of the rows that are held out, or of those of training if none are."""

    rows: Rows  # those told: all in their order, or of too many the worst, these first
    places: tuple[int, ...]  # of these among all of them
    of: int  # how many there are
    predictions: Array  # (3, rows told, outputs): quartiles over seeds, in the target's own unit
    right: tuple[int, ...]  # for each row told, how many seeds are right on it
    # of classes alone: for each row told, how many seeds predict which; the last is none of them
    votes: IntArray  # (rows told, classes + 1)
    confusion: IntArray  # (classes, classes + 1); rows, over seeds, of a class predicted as another


@dataclass(frozen=True, eq=False, kw_only=True)
class ResultSummary:
    """The numbers of some seeds in one setting."""

    solved: Solved  # at the last checkpoint
    # how many seeds ended with each verdict that there was, in their order
    verdicts: dict[str, int]
    # median of `Result.epochs_to_solve` with an interval from order statistics
    epochs_to_solve: tuple[float, float, float]
    lost: int  # how many seeds were solved and later, for an epoch at least, were not
    stopped: int  # how many seeds got where they were to stop
    failure: str  # why it could not be trained, or nothing; there are no numbers then
    # quartiles over seeds, rising, of each of `Measures` and of a number's R2, by name; shape
    # (3, checkpoints), of which a sweep's cell has one. Without those of rows that are held out
    # where there are none
    measures: Mapping[str, Array] = field(default_factory=dict)

    @property
    def failed(self) -> int:
        """How many seeds neither were solved nor got to the loss at which they were to stop."""
        return self.solved.n - self.solved.k - self.verdicts.get(REACHED, 0)

    def median(self, name: str) -> float:
        """The median over seeds of a measure at the last checkpoint; nan if it is not there."""
        return float(self.measures[name][MEDIAN, -1]) if name in self.measures else math.nan


@dataclass(frozen=True, eq=False, kw_only=True)
class VariantSummary(ResultSummary):
    """The numbers of one variant."""

    label: str  # its name in tables
    seeds: tuple[int, ...] = ()  # the seeds that were trained
    epochs: tuple[int, ...] = ()  # the checkpoints reached
    # shape (3, checkpoints): lower quartile, median and upper quartile over seeds
    cost: Array = field(default_factory=lambda: np.zeros((3, 0)))
    # shape (seeds, checkpoints), of each seed
    costs: Array = field(default_factory=lambda: np.zeros((0, 0)))
    # shape (3, samples, outputs): the same quartiles of the final predictions of the first samples
    predictions: Array = field(default_factory=lambda: np.zeros((3, 0, 1)))
    right: tuple[int, ...] = ()  # for each of these, how many seeds are right on it
    predicted: Predicted | None = None  # None if it could not be trained
    score: float = -math.inf  # by which variants are ordered: median of the measure's scores
    # what no inputs give: `right` and `rmse`, as `measures` calls them, of the most frequent class
    # and of the mean of the targets
    constants: Mapping[str, float] = field(default_factory=dict)
    # over seeds and samples, the largest |prediction - target|; nan if any is
    largest_error: float = math.nan
    # for each seed, the first epoch count with which all was right, or None
    solved_at: tuple[int | None, ...] = ()
    # how many seeds were solved at the budgets that were asked for and reached
    at_epochs: Mapping[int, Solved] = field(default_factory=dict)
    diverged_at: tuple[int, ...] = ()  # epochs, in the order of `diverged_seeds`
    diverged_seeds: tuple[int, ...] = ()  # the seeds of which a weight stopped being finite
    diverged_by: Mapping[str, int] = field(default_factory=dict)  # how many of them by each cause
    # seeds whose cost, at some checkpoint, was not a finite number
    not_finite: tuple[NotFinite, ...] = ()
    timeline: Timeline | None = None  # what happened on the way; None if it could not be trained
    transfers: tuple[Transfer, ...] = ()  # what other activations predict with its weights
    # how many seeds were trained a second time, from weights that differ in the last bit
    twins: int = 0
    # how many of these ended elsewhere: a prediction differs by `TWINS_DIFFER` or more
    parted: int = 0

    def find_shortfall(self, held_out: bool) -> str:
        """Why the median of its seeds is no better than what no inputs give; empty if it is."""
        is_better = {
            name.startswith(HELD_OUT): self.median(name) > constant
            if name.endswith("right")
            else self.median(name) < constant
            for name, constant in self.constants.items()
        }
        if is_better.get(held_out, True):
            return ""
        if 2 * len(self.diverged_seeds) > len(self.seeds):
            return _MOST_DIVERGED
        return _BETTER_ON_TRAINING if is_better[False] else _LEARNT_NOTHING


class UnmetExpectation(NamedTuple):
    """What `expect` asked for and what came."""

    label: str
    expected: str
    got: str


class Summary(NamedTuple):
    """The numbers of an experiment."""

    experiment: Experiment  # what was run
    variants: tuple[VariantSummary, ...]  # one entry for each variant that was started, in order
    complete: bool  # whether all reached the budget
    unmet: tuple[UnmetExpectation, ...]  # what was expected and did not come
    affine: AffineFit | None  # the best that an affine function can do; none is fitted to classes
    # the variants seed by seed; None unless at least two of them reached the budget
    pairing: Pairing | None


def summarise(outcome: Outcome) -> Summary:
    """Compute the numbers that people read."""
    experiment = outcome.experiment
    constants = find_constants(experiment)
    variants = tuple(
        _summarise_variant(experiment, result, constants) for result in outcome.results
    )
    return Summary(
        experiment,
        variants,
        outcome.complete,
        unmet=tuple(unmet for variant in variants for unmet in _find_unmet(experiment, variant)),
        affine=None
        if experiment.loss.of_classes
        else fit_affine(experiment.scaled_task, experiment.loss, experiment.tolerance),
        pairing=pair_outcomes(outcome),
    )


def result_numbers(result: Result, task: Task | None) -> dict[str, Any]:
    """The fields of a `ResultSummary`, for those that have more.

    Args:
        result: What became of some seeds.
        task: That of a number, which has an R2.
    """
    return {
        "solved": count_solved(result.solved),
        "verdicts": count_verdicts(result.verdict),
        "epochs_to_solve": (
            UNKNOWN if result.failure else order_quantile(result.epochs_to_solve.tolist())
        ),
        "lost": int((result.lost_at != NOT_REACHED).sum()),
        "stopped": int((result.stopped_at != NOT_REACHED).sum()),
        "failure": result.failure,
        "measures": _measure_quartiles(result, task),
    }


def _measure_quartiles(result: Result, task: Task | None) -> dict[str, Array]:
    """Quartiles over seeds of what was measured, (3, checkpoints) each; R2 of a task alone."""
    if result.failure:
        return {}
    values = dict(vars(result.measures))
    for prefix in ("", HELD_OUT):
        if task is not None:
            values[f"{prefix}r2"] = r_squared(values[f"{prefix}rmse"], task, bool(prefix))
    if np.isnan(result.measures.held_out_right).all():
        values = {name: value for name, value in values.items() if not name.startswith(HELD_OUT)}
    with np.errstate(invalid="ignore"):  # what is undefined is worse than any number
        return {
            name: -quantiles(-value, QUARTILES)[::-1]
            if name.removeprefix(HELD_OUT) in ("right", "r2")
            else quantiles(value, QUARTILES)
            for name, value in values.items()
        }


def find_constants(experiment: Experiment) -> dict[str, float]:
    """What no inputs give, by the name of the measure: of classes of `right`, else of `rmse`."""
    name, find = "rmse", baseline_rmse
    if experiment.has_classes:
        name, find = "right", baseline_right
    task = experiment.task
    constants = {name: find(task, False)}
    return constants if task.held_out is None else constants | {HELD_OUT + name: find(task, True)}


def _summarise_variant(
    experiment: Experiment, training: Training, constants: Mapping[str, float]
) -> VariantSummary:
    of_number = None if experiment.has_classes else experiment.task
    label, numbers = training.variant.label, result_numbers(training, of_number)
    if training.failure:
        return VariantSummary(label=label, **numbers)
    costs = select_cost(experiment, training)
    first = training.predictions[:, :MAX_ROWS]
    with np.errstate(invalid="ignore"):
        cost, predictions = (quantiles(a, QUARTILES) for a in (costs, first))
    scores = experiment.chosen_measure.scores(training)
    is_solved = experiment.chosen_measure.name == IS_SOLVED
    diverged = np.flatnonzero(training.diverged_at != NOT_REACHED)
    timeline = _build_timeline(training)
    budgets = experiment.at_epochs or (experiment.epochs,)
    return VariantSummary(
        label=label,
        **numbers,
        seeds=training.seeds,
        epochs=training.epochs,
        cost=cost,
        costs=costs,
        predictions=predictions,
        right=_count_right(first, experiment.task.targets[:MAX_ROWS], experiment.solved_within),
        predicted=_summarise_predictions(experiment, training),
        score=numbers["solved"].rate if is_solved else float(quantiles(scores, (0.5,))[0]),
        constants=constants,
        largest_error=float(training.max_error.max()),
        solved_at=tuple(None if e == NOT_REACHED else e for e in training.solved_at.tolist()),
        at_epochs={
            epoch: Solved.from_counts(solved, len(training.seeds))
            for epoch, solved in zip(training.epochs, timeline.states[SOLVED].tolist(), strict=True)
            if epoch in budgets
        },
        diverged_at=tuple(training.diverged_at[diverged].tolist()),
        diverged_seeds=tuple(training.seeds[place] for place in diverged),
        diverged_by=Counter(cause for cause in training.diverged_by if cause),
        not_finite=_find_not_finite(training, costs),
        timeline=timeline,
        transfers=tuple(
            predict_with(experiment, training, other) for other in experiment.predict_with
        ),
        twins=int((~np.isnan(training.twin_distance)).sum()),
        parted=int((training.twin_distance >= TWINS_DIFFER).sum()),
    )


def _count_right(predictions: Array, targets: Array, within: float | None) -> tuple[int, ...]:
    """How many seeds are right on each row, of predictions (seeds, rows, outputs)."""
    right = rows_right(seeds_last(predictions), targets[:, :, None], within)
    return tuple(right.sum(axis=1).tolist())


def _summarise_predictions(experiment: Experiment, training: Training) -> Predicted:
    task, within = experiment.task, experiment.solved_within
    rows, predictions = task.rows, training.predictions
    if task.held_out is not None:
        rows, predictions = task.held_out, training.held_out_predictions
    places = np.arange(len(rows.targets))
    if len(places) > MAX_WORST:
        with np.errstate(invalid="ignore"):
            errors = np.abs(quantiles(predictions, (0.5,))[0] - rows.targets).max(axis=1)
        errors = np.where(np.isnan(errors), np.inf, errors)
        places = np.argsort(-errors, kind="stable")[:MAX_WORST]
    told = Rows(rows.inputs[places], rows.targets[places])
    classes = len(task.classes)
    votes, confusion = (np.zeros((n, classes + 1), dtype=np.int64) for n in (len(places), classes))
    if classes:
        predicted = find_classes(predictions, within)
        for number in range(classes + 1):
            chosen = (predicted == (number if number < classes else UNDECIDED)).sum(axis=0)
            votes[:, number] = chosen[places]
            np.add.at(confusion[:, number], class_places(rows.targets), chosen)
    return Predicted(
        rows=told,
        places=tuple(places.tolist()),
        of=len(rows.targets),
        predictions=quantiles(predictions[:, places], QUARTILES),
        right=_count_right(predictions[:, places], told.targets, within),
        votes=votes,
        confusion=confusion,
    )


def class_places(targets: Array) -> IntArray:
    """The place of each row's class among the names of classes, of targets (rows, outputs)."""
    places: IntArray = targets.argmax(axis=1) if targets.shape[1] > 1 else np.rint(targets[:, 0])
    return places.astype(np.int64)


def find_classes(predictions: Array, within: float | None) -> IntArray:
    """The class that each prediction is right for, or `UNDECIDED`; (seeds, rows).

    Args:
        predictions: Of one output for two classes, or of one for each, (seeds, rows, outputs).
        within: How near it must be, as `rows_right` has it.
    """
    outputs = predictions.shape[2]
    codes = np.eye(outputs) if outputs > 1 else np.array([[0.0], [1.0]])
    classes = np.full(predictions.shape[:2], UNDECIDED)
    for number, code in enumerate(codes):
        targets = np.broadcast_to(code[:, None], (predictions.shape[1], outputs, 1))
        classes[rows_right(seeds_last(predictions), targets, within).T] = number
    return classes


def predict_with(experiment: Experiment, training: Training, other: Activation) -> Transfer:
    """Put another activation wherever the trained one stood, in one layer or in all."""
    variant = training.variant
    shared = not experiment.hidden or variant.output_activation == variant.activation
    variant = replace(
        variant,
        hidden_activations=(other,),
        output_activation=other if shared else variant.output_activation,
    )
    weights = tuple(map(seeds_last, training.weights))
    engine = experiment.engine_of(variant)
    predictions = seeds_first(engine.evaluate(experiment.problem_of(variant), weights)[0])
    with np.errstate(all="ignore"):
        predictions = experiment.scaled_task.restore(predictions)
        wanted, within = experiment.task.targets[:, :, None], experiment.solved_within
        right = rows_right(seeds_last(predictions), wanted, within)
        changes = np.abs(predictions - training.predictions)
    finite = training.diverged_at == NOT_REACHED
    solved = right.all(axis=0) & finite
    return Transfer(
        label=to_text(other),
        activation=other,
        solved=count_solved(solved),
        still_solved=int((solved & training.solved).sum()),
        largest_change=float(changes[finite].max()) if finite.any() else math.nan,
    )


def _build_timeline(training: Training) -> Timeline:
    evidence, diverged_at = training.evidence, training.diverged_at[:, None]
    undecided = np.ones(evidence.solved.shape, dtype=bool)
    states = {}
    for word, holds in (
        (DIVERGED, (diverged_at != NOT_REACHED) & (diverged_at < np.array(training.epochs))),
        (SOLVED, evidence.solved),
        (DEAD, evidence.dead),
        (SATURATED, evidence.saturated),
        (AFFINE, evidence.affine),
    ):
        states[word] = (holds & undecided).sum(axis=0)
        undecided &= ~holds
    return Timeline(
        states=states,
        pieces=training.variant.activation.linear_pieces if evidence.alive.shape[2] else (),
        on_piece=evidence.on_piece[:, :, :1].mean(axis=0).sum(axis=1).T,
        alive=evidence.alive.mean(axis=0).T,
        gradient=quantiles(evidence.gradient, (0.5,))[0].T,
    )


def _find_not_finite(training: Training, costs: Array) -> tuple[NotFinite, ...]:
    broken = ~np.isfinite(costs)
    first = zip(training.seeds, broken.argmax(axis=1).tolist(), costs, broken, strict=True)
    return tuple(
        NotFinite(seed, training.epochs[place], float(cost[place]))
        for seed, place, cost, is_broken in first
        if is_broken[place]
    )


def _find_unmet(experiment: Experiment, variant: VariantSummary) -> tuple[UnmetExpectation, ...]:
    """The parts of `expect` that a variant misses. One that could not be trained misses all."""
    checks = (
        (f"{key} {bound}", *_check(key, bound, variant))
        for key, bound in experiment.expected_of(variant.label).items()
    )
    return tuple(UnmetExpectation(variant.label, what, got) for what, met, got in checks if not met)


def _check(key: str, bound: Bound, variant: VariantSummary) -> tuple[bool, str]:
    """Whether an expectation is met, and what came."""
    if variant.failure:
        return False, "nothing, for it could not be trained"
    solved = variant.solved
    if key == "verdict":
        counts = ", ".join(f"{word} {n}" for word, n in variant.verdicts.items())
        return 2 * variant.verdicts.get(str(bound), 0) > solved.n, f"verdicts: {counts}"
    name, _, side = key.partition("_at_")
    value, got = solved.rate, f"{solved.k} of {solved.n} solved, {solved.rate:.3g}"
    if name != SOLVED:
        held_out = HELD_OUT + name in variant.measures
        value = variant.median(f"{HELD_OUT if held_out else ''}{name}")
        got = f"{name} {value:.3g} in the median{', on held-out rows' if held_out else ''}"
    return value >= float(bound) if side == "least" else value <= float(bound), got
