"""The nouns: an experiment, its variants, and what became of them; and `run`, which trains.

An experiment is one config. A variant is one activation in one setting. A seed is one replicate.
Public arrays have seeds first; `run` turns them round for the engines.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from traceback import extract_tb
from typing import NamedTuple

import numpy as np

from hsig.activations import Activation
from hsig.arrays import Array, BoolArray, IntArray, sum_in_order
from hsig.divergence import causes
from hsig.engines import NOT_REACHED, Problem, Progress, State, reference
from hsig.evidence import Evidence, examine, stack
from hsig.losses import Loss
from hsig.network import Network, Weights, initial_weights, with_bias
from hsig.tasks import Task

Bound = float | str  # what a check compares with
Checks = Mapping[str, Bound]

_STEP_OVERHEAD = 5_000  # of a sample in NumPy, in updates of a weight
_WORK_PER_STRIDE = 10_000_000  # between two signs of life, in the same unit


@dataclass(frozen=True)
class Variant:
    """One activation in one setting.

    Attributes:
        label: What it is called in tables; unique within the experiment.
        hidden_activation: Of the hidden layer.
        output_activation: Of the output.
    """

    label: str
    hidden_activation: Activation
    output_activation: Activation

    @property
    def without_gradient(self) -> Activation | None:
        """The first of its activations that has no gradient to train with, if any."""
        for activation in (self.hidden_activation, self.output_activation):
            if activation.backward is None:
                return activation
        return None


@dataclass(frozen=True, eq=False)
class Experiment:
    """Everything that decides the numbers, and how they are reported.

    Attributes:
        task: What is learnt.
        variants: What is compared.
        loss: What is minimised.
        learning_rate: Step size of gradient descent.
        epochs: The budget.
        update: `online` or `batch`.
        hidden: Number of hidden units.
        init: Bounds [low, high) of the initial weights.
        initial_weights: Replace the draw, with exactly one seed; no seeds axis.
        seeds: One replicate each.
        until: Half the width of the widest interval of a solved rate at which no more seeds are
            added; None for the seeds as they are.
        max_seeds: The most there may be then.
        solved_within: Solved when every |prediction - target| is below this.
        report_every: Epochs between checkpoints.
        at_epochs: Budgets that are checkpoints as well, in rising order.
        cost: Which cost tables show: `last`, of the epoch's last sample, or `mean`.
        engine: What trains.
        workers: How many processes train, or None for all cores; the numbers are the same.
        predict_with: Activations that also predict with the trained weights; may be empty.
        baseline: Label of the variant that the others are compared with; empty for the first.
        expect: What must hold for the run to count as a success: of every variant, by the name
            of the check, or of one, by its label; may be empty.
    """

    task: Task
    variants: tuple[Variant, ...]
    loss: Loss
    learning_rate: float = 0.1
    epochs: int = 4000
    update: str = "online"
    hidden: int = 3
    init: tuple[float, float] = (0.0, 1.0)
    initial_weights: Weights | None = None
    seeds: tuple[int, ...] = (0,)
    until: float | None = None
    max_seeds: int = 5000
    solved_within: float = 0.5
    report_every: int = 500
    at_epochs: tuple[int, ...] = ()
    cost: str = "last"
    engine: str = "reference"
    workers: int | None = None
    predict_with: tuple[Activation, ...] = ()
    baseline: str = ""
    expect: Mapping[str, Bound | Checks] = field(default_factory=dict)

    @property
    def checkpoints(self) -> tuple[int, ...]:
        """The epochs that are reported: 0, every `report_every`, `at_epochs`, and the budget."""
        regular = range(0, self.epochs, self.report_every)
        return tuple(sorted({*regular, *self.at_epochs, self.epochs}))

    @property
    def last_tenth(self) -> int:
        """The epoch at which the last tenth of the budget begins."""
        return self.epochs - max(1, self.epochs // 10)

    @property
    def work_per_epoch(self) -> int:
        """What an epoch of one variant costs, very roughly, in updates of a weight."""
        inputs = int(self.task.inputs.shape[1])
        weights = (inputs + 1) * self.hidden + self.hidden + 1
        return len(self.task.inputs) * (_STEP_OVERHEAD + len(self.seeds) * weights)

    def expected_of(self, label: str) -> Checks:
        """What must hold of one variant; its own checks beat those of all."""
        of_all = {
            name: bound for name, bound in self.expect.items() if not isinstance(bound, Mapping)
        }
        own = self.expect.get(label)
        return of_all | dict(own) if isinstance(own, Mapping) else of_all

    def starting_weights(self) -> Weights:
        """The weights of every seed before its first epoch, seeds first."""
        if self.initial_weights is not None:
            return Weights(*(layer[None] for layer in self.initial_weights))
        return _drawn(self.seeds, self.task.inputs.shape[1], self.hidden, *self.init)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Where the seeds of a variant stand at one epoch; arrays have seeds first.

    Attributes:
        variant: Whose.
        epoch: Epochs trained so far.
        losses: Shape (seeds, samples); what the epoch that begins here prints: each sample's
            loss before its own update.
        predictions: Shape (seeds, samples), with the weights at this epoch.
        weights: At this epoch.
        solved_at: Shape (seeds,); first epoch count with which all was right, or -1.
        lost_at: Shape (seeds,); first later one with which it was not, or -1.
        diverged_at: Shape (seeds,); epoch during which a weight stopped being finite, or -1.
        diverged_by: For each seed, which of the causes of `hsig.divergence` it was, or nothing.
        evidence: What the networks are doing here.
    """

    variant: Variant
    epoch: int
    losses: Array
    predictions: Array
    weights: Weights
    solved_at: IntArray
    lost_at: IntArray
    diverged_at: IntArray
    diverged_by: tuple[str, ...]
    evidence: Evidence


@dataclass(frozen=True)
class Failure:
    """A variant that cannot be trained, and why."""

    variant: Variant
    reason: str


@dataclass(frozen=True, eq=False)
class Training:
    """What became of one variant; arrays have seeds first.

    Attributes:
        variant: Whose.
        epochs: The checkpoints reached, and the epoch of an early end.
        cost_last: Shape (seeds, checkpoints), loss of the epoch's last sample.
        cost_mean: Shape (seeds, checkpoints), mean loss over the epoch's samples.
        predictions: Shape (seeds, samples), at the last checkpoint.
        max_error: Shape (seeds,), the largest |prediction - target| there.
        weights: There.
        solved: Shape (seeds,), whether all is right there, and no weight has diverged.
        solved_at: See `Checkpoint`.
        lost_at: See `Checkpoint`.
        diverged_at: See `Checkpoint`.
        diverged_by: See `Checkpoint`.
        evidence: At every checkpoint, its second axis.
        cost_before: Shape (seeds,); the mean cost at `Experiment.last_tenth`, inf if that was
            not reached.
    """

    variant: Variant
    epochs: tuple[int, ...]
    cost_last: Array
    cost_mean: Array
    predictions: Array
    max_error: Array
    weights: Weights
    solved: BoolArray
    solved_at: IntArray
    lost_at: IntArray
    diverged_at: IntArray
    diverged_by: tuple[str, ...]
    evidence: Evidence
    cost_before: Array


@dataclass(frozen=True, eq=False)
class Outcome:
    """An experiment and what became of its variants, in their order."""

    experiment: Experiment
    results: tuple[Training | Failure, ...]

    @property
    def complete(self) -> bool:
        """Whether every variant reached the budget or cannot be trained."""
        return len(self.results) == len(self.experiment.variants) and all(
            isinstance(result, Failure) or result.epochs[-1] == self.experiment.epochs
            for result in self.results
        )


def run(experiment: Experiment) -> Iterator[Checkpoint | Failure]:
    """Train every variant, from the same initial weights, and yield on the way.

    Yields at every checkpoint of the experiment, and between them often enough to show life and
    to be interrupted; `gather` makes an outcome of it. Whatever is raised while a variant
    trains is its failure, and the others go on.
    """
    for variant in experiment.variants:
        lacking = variant.without_gradient
        if lacking is not None:
            yield Failure(
                variant,
                f"{lacking.name} has no gradient. {lacking.note}. Choose the slope to train with: "
                f"{lacking.name}:backward=own, backward=output or backward=logistic",
            )
            continue
        try:
            yield from _train(experiment, variant)
        except Exception as error:
            raised = extract_tb(error.__traceback__)[-1]
            yield Failure(
                variant,
                f"its training raised {type(error).__name__}: {error} "
                f"(line {raised.lineno}, in {raised.name})",
            )


def gather(experiment: Experiment, events: Iterable[Checkpoint | Failure]) -> Outcome:
    """The outcome of what `run` yielded, even if it was stopped half way.

    The events of one variant must come in their order; those of others may come between them.
    """
    (outcome,) = gather_all([experiment], events)
    return outcome


def gather_all(
    experiments: Sequence[Experiment], events: Iterable[Checkpoint | Failure]
) -> list[Outcome]:
    """The outcomes of several experiments, no two with a variant of the same label."""
    wanted = {
        variant.label: {*experiment.checkpoints, experiment.last_tenth}
        for experiment in experiments
        for variant in experiment.variants
    }
    latest: dict[str, Checkpoint | Failure] = {}
    kept: dict[str, dict[int, _Seen]] = {}
    for event in events:
        label = event.variant.label
        latest[label] = event
        if isinstance(event, Checkpoint) and event.epoch in wanted[label]:
            kept.setdefault(label, {})[event.epoch] = _Seen(event.losses, event.evidence)
    outcomes = []
    for experiment in experiments:
        results: list[Training | Failure] = []
        for variant in experiment.variants:
            match latest.get(variant.label):
                case Failure() as failure:
                    results.append(failure)
                case Checkpoint() as last:
                    results.append(_training(experiment, kept.get(variant.label, {}), last))
        outcomes.append(Outcome(experiment, tuple(results)))
    return outcomes


@lru_cache(maxsize=2)  # the variants of an experiment share them
def _drawn(seeds: tuple[int, ...], inputs: int, hidden: int, low: float, high: float) -> Weights:
    weights = initial_weights(seeds, inputs, hidden, low, high)
    for layer in weights:
        layer.flags.writeable = False
    return weights


def _train(experiment: Experiment, variant: Variant) -> Iterator[Checkpoint]:
    problem = Problem(
        network=Network(variant.hidden_activation, variant.output_activation, experiment.loss),
        inputs=experiment.task.inputs,
        targets=experiment.task.targets,
        learning_rate=experiment.learning_rate,
        update=experiment.update,
        solved_within=experiment.solved_within,
    )
    weights = experiment.starting_weights()
    state = State.start(Weights(*(_seeds_last(layer) for layer in weights)))
    diverged_by = [""] * len(experiment.seeds)
    for epochs in _strides(experiment):
        progress = reference.advance(state, problem, epochs)
        yield _checkpoint(variant, problem, state, progress, diverged_by)
        for place, cause in causes(state, problem, progress).items():
            diverged_by[place] = cause
        state = progress
    # the budget's own epoch, of which only the printed losses count
    progress = reference.advance(state, problem, 1)
    yield _checkpoint(variant, problem, state, progress, diverged_by)


def _strides(experiment: Experiment) -> Iterator[int]:
    """How many epochs to train at a time; what is looked at falls between two strides."""
    longest = max(1, _WORK_PER_STRIDE // experiment.work_per_epoch)
    stops = sorted({*experiment.checkpoints, experiment.last_tenth})
    for start, stop in pairwise(stops):
        for epoch in range(start, stop, longest):
            yield min(longest, stop - epoch)


def _checkpoint(
    variant: Variant,
    problem: Problem,
    state: State,
    progress: Progress,
    diverged_by: Sequence[str],
) -> Checkpoint:
    """What `state` is, with what its next epoch printed and found."""
    with np.errstate(all="ignore"):
        activity = problem.network.forward(state.weights, with_bias(problem.inputs))
    return Checkpoint(
        variant=variant,
        epoch=state.epoch,
        losses=progress.losses.T,
        predictions=activity.predictions[:, 0].T,
        weights=Weights(*(_seeds_first(layer) for layer in state.weights)),
        solved_at=progress.solved_at,
        lost_at=progress.lost_at,
        diverged_at=state.diverged_at,
        diverged_by=tuple(diverged_by),
        evidence=examine(
            problem.network, state.weights, activity, problem.targets, problem.solved_within
        ),
    )


class _Seen(NamedTuple):
    """What is kept of a checkpoint that is not the last."""

    losses: Array
    evidence: Evidence


def _training(experiment: Experiment, seen: Mapping[int, _Seen], last: Checkpoint) -> Training:
    """The result with what was seen at some epochs, in their order, and at the last of them."""
    before = seen.get(experiment.last_tenth)
    reported = {epoch: seen[epoch] for epoch in experiment.checkpoints if epoch in seen}
    reported[last.epoch] = _Seen(last.losses, last.evidence)
    losses = np.stack([moment.losses for moment in reported.values()])
    with np.errstate(all="ignore"):
        cost_mean = _mean_over_samples(losses)
        cost_before = (
            np.full(losses.shape[1], np.inf)
            if before is None
            else _mean_over_samples(before.losses)
        )
        max_error = np.abs(last.predictions - experiment.task.targets).max(axis=1)
    return Training(
        variant=last.variant,
        epochs=tuple(reported),
        cost_last=losses[:, :, -1].T,
        cost_mean=cost_mean.T,
        predictions=last.predictions,
        max_error=max_error,
        weights=last.weights,
        solved=(max_error < experiment.solved_within) & (last.diverged_at == NOT_REACHED),
        solved_at=last.solved_at,
        lost_at=last.lost_at,
        diverged_at=last.diverged_at,
        diverged_by=last.diverged_by,
        evidence=stack([moment.evidence for moment in reported.values()]),
        cost_before=cost_before,
    )


def _mean_over_samples(losses: Array) -> Array:
    """Mean over the last axis, in its order."""
    mean: Array = sum_in_order(np.moveaxis(losses, -1, 0)) / losses.shape[-1]
    return mean


def _seeds_last(array: Array) -> Array:
    return np.ascontiguousarray(np.moveaxis(array, 0, -1))


def _seeds_first(array: Array) -> Array:
    return np.ascontiguousarray(np.moveaxis(array, -1, 0))
