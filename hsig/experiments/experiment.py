"""The nouns: an experiment, its variants, and what becomes of them.

An experiment is one config. A variant is one activation in one setting. A seed is one replicate.
Arrays have seeds first.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, lru_cache
from itertools import count, islice
from math import inf
from typing import Any

import numpy as np

from hsig.activations import Activation
from hsig.arrays import Array, BoolArray, IntArray, mean_in_order
from hsig.engines.choice import ENGINES, Engine, engine_for
from hsig.engines.engine import MARKS, NOT_REACHED, Problem, State
from hsig.engines.optimizers import OPTIMIZERS, SGD, Optimizer
from hsig.engines.order import Order, shuffle
from hsig.experiments.evidence import Evidence, map_arrays
from hsig.experiments.measures import AUTO, LOSS, RIGHT, SOLVED, Measure, Measures
from hsig.experiments.outlook import Outlook
from hsig.networks.losses import Loss, rows_right
from hsig.networks.network import (
    Activity,
    Network,
    Weights,
    layer_shapes,
    seeds_first,
    seeds_last,
)
from hsig.networks.obstacles import find_contradictions
from hsig.networks.starts import QUESTION_START, Start
from hsig.networks.tasks import CLASS, NO_SCALE, Task, scale_task

MAX_TABLE = 32  # rows; of so many at most, `solved` is what is asked by itself
STOP_SOLVED = "solved"  # what `stop_at` may be in place of a loss
Bound = float | str  # what a check compares with
Checks = Mapping[str, Bound]

OF_OPTIMIZER = ("learning_rate", "weight_decay")  # whose default is that of the optimizer


@dataclass(frozen=True)
class Variant:
    """One activation in one setting."""

    label: str  # unique within the experiment
    hidden_activations: tuple[Activation, ...]  # a single one is that of all layers
    output_activation: Activation
    learning_rate: float | None = None  # its own; None for that of the experiment

    @property
    def activation(self) -> Activation:
        """The activation of the first hidden layer, which mostly is that of all."""
        return self.hidden_activations[0]

    @property
    def untrainable_activation(self) -> Activation | None:
        """The first of its activations that has no gradient to train with, if any."""
        for activation in (*self.hidden_activations, self.output_activation):
            if activation.backward is None:
                return activation
        return None

    @property
    def is_portable(self) -> bool:
        """Whether it can be sent to another process."""
        return all(a.is_portable for a in (*self.hidden_activations, self.output_activation))


@dataclass(frozen=True, eq=False)
class Experiment:
    """Everything that decides the numbers, and how they are reported.

    The fields are the keys of a config, whose help is in `hsig.config.keys`.
    """

    task: Task
    variants: tuple[Variant, ...]
    loss: Loss
    optimizer: Optimizer = SGD
    learning_rate: float = SGD.rule.learning_rate
    weight_decay: float = 0.0
    clip_norm: float = inf
    epochs: int = 4000
    batch_size: int | None = 1  # rows of a step; None for all
    order: str = "fixed"
    hidden: tuple[int, ...] = (3,)  # units of each layer
    bias: str = "both"  # which layers have one, of `hsig.networks.network.BIASES`
    init: Start = QUESTION_START
    initial_weights: Weights | None = None  # in place of the draw, for one seed; no seeds axis
    seeds: tuple[int, ...] = (0,)
    until: float | None = None
    max_seeds: int = 5000
    # how near predictions must be, in the target's unit; None where the right class's is to be the
    # largest
    solved_within: float | None = 0.5
    stop_at: float | str | None = None  # a loss, or `STOP_SOLVED`
    report_every: int = 500
    at_epochs: tuple[int, ...] = ()  # rising
    scale: str = NO_SCALE
    scale_target: str = NO_SCALE
    # how the task was read from its file, and which rows of it are held out
    target: str | None = None
    inputs: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    missing: str = "refuse"
    target_kind: str = AUTO
    held_out: float | None = None
    data_seed: int = 0
    test: Task | None = None
    measure: str = AUTO  # of `hsig.experiments.measures.MEASURES`
    cost: str = "weights"
    engine: str = "reference"
    workers: int | None = None  # None for all cores
    predict_with: tuple[Activation, ...] = ()
    baseline: str = ""  # a label; empty for the first
    tune: tuple[float, ...] = ()  # learning rates to choose from, rising
    tune_seeds: int | None = None  # None for as many as are reported
    # of all variants by the name of a check, of a single one by its label
    expect: Mapping[str, Bound | Checks] = field(default_factory=dict)

    @property
    def checkpoints(self) -> tuple[int, ...]:
        """The epochs that are reported: 0, every `report_every`, `at_epochs`, and the budget."""
        regular = range(0, self.epochs, self.report_every)
        return tuple(sorted({*regular, *self.at_epochs, self.epochs}))

    @property
    def tuning_seeds(self) -> tuple[int, ...]:
        """Those on which learning rates are chosen: the smallest that are not reported."""
        wanted, reported = self.tune_seeds or len(self.seeds), set(self.seeds)
        return tuple(islice((seed for seed in count() if seed not in reported), wanted))

    @property
    def is_tuned(self) -> bool:
        """Whether some variant has a learning rate of its own."""
        return any(variant.learning_rate is not None for variant in self.variants)

    @cached_property
    def scaled_task(self) -> Task:
        """The task as the networks see it."""
        return scale_task(self.task, self.scale, self.scale_target)

    @property
    def has_classes(self) -> bool:
        """Whether the target is a class, and not a number."""
        kind = self.task.kind
        return kind == CLASS or (not kind and self.loss.needs_probabilities)

    @cached_property
    def chosen_measure(self) -> Measure:
        """What claims are made of: `measure`, or what fits the task.

        By itself it is solved where a network can get every row right, as far as one knows.
        """
        held_out = self.task.held_out is not None
        if self.measure != AUTO:
            return Measure(self.measure, held_out and self.measure != SOLVED)
        is_table = not held_out and len(self.task.targets) <= MAX_TABLE
        if is_table and not self.constant_solves and not self.contradictions:
            return Measure(SOLVED)
        return Measure(RIGHT if self.has_classes else LOSS, held_out)

    @property
    def constant_solves(self) -> bool:
        """Whether one prediction is right on every row, so that solving it says nothing."""
        spread, within = np.ptp(self.task.targets, axis=0).max(), self.solved_within
        return within is not None and bool(spread < 2.0 * within)

    @cached_property
    def contradictions(self) -> list[IntArray]:
        """The places of samples with the same inputs and targets that no prediction is right on."""
        return find_contradictions(self.task.inputs, self.task.targets, self.tolerance)

    @property
    def tolerance(self) -> float:
        """How near predictions must come to be right; if it is to be the largest, nearer than 0."""
        return self.solved_within or 0.5

    @property
    def stop_loss(self) -> float | None:
        """The loss at which a seed stops, if it is to."""
        return self.stop_at if isinstance(self.stop_at, float) else None

    def learning_rate_of(self, variant: Variant) -> float:
        """The step size that a variant is trained with."""
        return self.learning_rate if variant.learning_rate is None else variant.learning_rate

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """Rows, that of the bias last, and columns of each layer's weights."""
        return layer_shapes(self.sizes, self.bias)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Inputs, units of each hidden layer, outputs."""
        return (self.task.inputs.shape[1], *self.hidden, self.task.targets.shape[1])

    def network_of(self, variant: Variant) -> Network:
        """The network of a variant, with an activation for each layer."""
        hidden = variant.hidden_activations
        if len(hidden) == 1:  # of no layer, if there is none but the output
            hidden *= len(self.hidden)
        return Network((*hidden, variant.output_activation), self.loss)

    def problem_of(self, variant: Variant) -> Problem:
        """What the engine of a variant trains."""
        return Problem(
            network=self.network_of(variant),
            inputs=self.scaled_task.inputs,
            targets=self.scaled_task.targets,
            learning_rate=self.learning_rate_of(variant),
            solved_within=self.solved_within and self.solved_within / self.scaled_task.unit,
            order=Order(self.batch_size, self.order == "shuffled"),
            optimizer=replace(
                self.optimizer, weight_decay=self.weight_decay, clip_norm=self.clip_norm
            ),
            stop_loss=self.stop_loss,
            stop_solved=self.stop_at == STOP_SOLVED,
        )

    def find_obstacle(self, variant: Variant) -> str:
        """Why no weights of a variant are right on every sample; empty if nothing proves it."""
        return self.problem_of(variant).find_obstacle(self.hidden)

    def engine_of(self, variant: Variant) -> Engine:
        """What trains a variant: `engine`, unless that does not support its problem."""
        return engine_for(self.problem_of(variant), self.engine)

    @property
    def steps(self) -> int:
        """Rows that a variant is trained on, over all seeds and epochs."""
        return len(self.seeds) * self.epochs * len(self.task.targets)

    @property
    def memory_bytes(self) -> int:
        """Estimate the memory that training takes; measured with 100,000 seeds, and 100,000 rows.

        At each checkpoint of a seed what is observed there is held, and joined in the end; beside
        these its weights, losses and predictions at its start and its end, at times in copies.
        """
        tried = len(self.tune) * len(self.tuning_seeds) if self.tune else 0
        seeds = (len(self.seeds) if self.until is None else self.max_seeds) + tried
        checkpoints = -(-self.epochs // self.report_every) + 1 + len(self.at_epochs)
        numbers = sum(rows * units for rows, units in self.shapes)
        numbers *= 1 + OPTIMIZERS[self.optimizer.name].means
        samples, outputs = self.task.targets.shape
        each: int = 50 * checkpoints + 4 * numbers + 6 * samples * (outputs + 1) + 50
        once = 120_000_000 + 24 * self.task.inputs.size
        return once + 8 * len(self.variants) * seeds * each

    @property
    def engines(self) -> tuple[str, ...]:
        """The name of what trains each variant."""
        return tuple(self.engine_of(variant).NAME for variant in self.variants)

    def expected_of(self, label: str) -> Checks:
        """The checks of a variant: those of all, and its own, which beat them."""
        of_all = {
            name: bound for name, bound in self.expect.items() if not isinstance(bound, Mapping)
        }
        own = self.expect.get(label)
        return of_all | dict(own) if isinstance(own, Mapping) else of_all

    def prefix_labels(self, name: str) -> "Experiment":
        """The same experiment, with the labels of its variants behind a name."""
        prefix = f"{name}: "
        return replace(
            self,
            variants=tuple(replace(v, label=prefix + v.label) for v in self.variants),
            baseline=self.baseline and prefix + self.baseline,
            expect={
                prefix + key if isinstance(part, Mapping) else key: part
                for key, part in self.expect.items()
            },
        )

    def starting_weights(self) -> Weights:
        """The weights of every seed before its first epoch, seeds first."""
        if self.initial_weights is not None:
            return tuple(layer[None] for layer in self.initial_weights)
        return _draw(self.init, self.seeds, self.sizes, self.bias)


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Where the seeds of a variant stand at one epoch; arrays but `state`'s have seeds first."""

    variant: Variant
    problem: Problem
    engine: str  # its name
    state: State
    losses: Array  # (seeds, samples); each sample's before its own update in the coming epoch
    predictions: Array  # (seeds, samples, outputs)
    solved_at: IntArray  # with the weights of this epoch judged as well, which `state` has not
    lost_at: IntArray
    stopped_at: IntArray  # likewise
    diverged_by: tuple[str, ...]  # for each seed its cause of divergence, or nothing
    outlook: Outlook | None = None  # from the budget on
    # (seeds,); at the budget, how far the predictions are from those of a twin, which started from
    # weights that differ in the last bit; nan for a seed without one
    twin_distance: Array | None = None

    @property
    def epoch(self) -> int:
        """Epochs trained so far."""
        return self.state.epoch

    @property
    def diverged_at(self) -> IntArray:
        """Shape (seeds,); epoch during which a weight stopped being finite, or -1."""
        return self.state.diverged_at

    @property
    def weights(self) -> Weights:
        """At this epoch."""
        return tuple(map(seeds_first, self.state.weights))

    def select(self, places: IntArray) -> "Checkpoint":
        """The same of some seeds, by their places, and without twins."""
        return replace(
            self,
            state=self.state.select(places),
            losses=self.losses[places],
            predictions=self.predictions[places],
            solved_at=self.solved_at[places],
            lost_at=self.lost_at[places],
            stopped_at=self.stopped_at[places],
            diverged_by=tuple(self.diverged_by[place] for place in places),
            outlook=self.outlook and self.outlook.select(places),
            twin_distance=None,
        )

    @cached_property
    def activity(self) -> Activity:
        """What flows through the networks here, with the engine's own predictions; seeds last."""
        return self.problem.activity(self.state.weights, seeds_last(self.predictions))

    @cached_property
    def loss(self) -> Array:
        """Shape (seeds,); the mean loss of the weights here."""
        _, losses = ENGINES[self.engine].evaluate(self.problem, self.state.weights)
        return mean_in_order(losses)

    @property
    def cost_mean(self) -> Array:
        """Shape (seeds,); the mean of what the coming epoch prints."""
        with np.errstate(all="ignore"):
            return mean_in_order(self.losses.T)

    @property
    def cost_last(self) -> Array:
        """Shape (seeds,); what the coming epoch prints of the row that it takes last."""
        if not self.problem.order.shuffled:
            return self.losses[:, -1]
        last = shuffle(self.losses.shape[1], self.state.seed_numbers, self.epoch)[-1]
        costs: Array = self.losses[np.arange(len(self.losses)), last]
        return costs

    @cached_property
    def max_error(self) -> Array:
        """Shape (seeds,); the largest |prediction - target|."""
        with np.errstate(all="ignore"):
            largest: Array = np.abs(self.predictions - self.problem.targets).max(axis=(1, 2))
        return largest

    @property
    def solved(self) -> BoolArray:
        """Shape (seeds,); which are right on every sample, and have not diverged."""
        wanted, within = self.problem.target_columns, self.problem.solved_within
        right = rows_right(seeds_last(self.predictions), wanted, within).all(axis=0)
        solved: BoolArray = right & (self.diverged_at == NOT_REACHED)
        return solved

    @property
    def pre_activations(self) -> tuple[Array, ...]:
        """Of each hidden layer, or of an output alone, (seeds, samples, units)."""
        layers = self.activity.pre_activations
        return tuple(map(seeds_first, layers[:-1] or layers))


@dataclass(frozen=True)
class Failure:
    """The event that a variant cannot be trained, and why."""

    variant: Variant
    reason: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Result:
    """What became of some seeds in one setting; arrays have shape (seeds,)."""

    seeds: tuple[int, ...]
    solved: BoolArray  # all right at the last checkpoint, and no weight has diverged
    solved_at: IntArray  # an epoch, or NOT_REACHED, as in `State`
    lost_at: IntArray
    diverged_at: IntArray
    stopped_at: IntArray
    stops_at_loss: bool = False  # whether a loss is what seeds are to get to
    measures: Measures  # (seeds, checkpoints); of a sweep's cell, at the budget alone
    verdict: IntArray  # place in `hsig.experiments.verdicts.VERDICTS`
    failure: str = ""  # why it could not be trained; there are no seeds then

    @cached_property
    def final(self) -> Measures:
        """The measures at the last checkpoint, (seeds,)."""
        return map_arrays(lambda array: array[:, -1], self.measures)

    @property
    def epochs_to_solve(self) -> Array:
        """`solved_at` of the seeds that are solved at the end, infinite for all others.

        Where seeds stop at a loss, the epochs that it took to get there.
        """
        if self.stops_at_loss:
            return np.where(self.stopped_at != NOT_REACHED, self.stopped_at, np.inf)
        return np.where(self.solved, self.solved_at, np.inf)


@dataclass(frozen=True, eq=False, kw_only=True)
class Training(Result):
    """What became of one variant, at its checkpoints and in the end; arrays have seeds first."""

    variant: Variant
    epochs: tuple[int, ...]  # the checkpoints reached, and the epoch of an early end
    cost_last: Array  # (seeds, checkpoints), loss of the epoch's last sample
    cost_mean: Array  # (seeds, checkpoints), mean loss over the epoch's samples
    predictions: Array  # (seeds, samples, outputs), at the last checkpoint
    held_out_predictions: Array  # the same for the rows that are held out
    max_error: Array  # (seeds,), the largest |prediction - target| there, of training
    weights: Weights  # there
    diverged_by: tuple[str, ...]
    evidence: Evidence  # the second axis are checkpoints
    outlook: Outlook  # unknown where the budget was not reached
    twin_distance: Array

    @property
    def loss(self) -> Array:
        """Shape (seeds, checkpoints); mean loss of the weights there."""
        return self.measures.loss

    @classmethod
    def failed(cls, variant: Variant, reason: str) -> "Training":
        """Of a variant that cannot be trained: no seeds, no checkpoints."""
        none, shown = np.zeros(0, dtype=np.int64), np.zeros((0, 0))
        arrays: dict[str, Any] = dict.fromkeys(ARRAYS, shown)
        arrays |= dict.fromkeys(("solved", *MARKS, "verdict"), none)
        evidence: dict[str, Any] = dict.fromkeys((field.name for field in fields(Evidence)), shown)
        return cls(
            **arrays,
            measures=Measures(*[np.zeros((0, 1))] * len(fields(Measures))),
            seeds=(),
            failure=reason,
            variant=variant,
            epochs=(),
            weights=(),
            diverged_by=(),
            evidence=Evidence(**evidence),
            outlook=Outlook.unknown(0),
        )


# the arrays of a training but for verdicts, measures, weights, the evidence and the outlook
ARRAYS = (
    *("cost_last", "cost_mean", "predictions", "held_out_predictions", "max_error"),
    *("solved", *MARKS, "twin_distance"),
)


# what `cost` may be, and which of a training it is
COSTS = {"weights": "loss", "mean": "cost_mean", "last": "cost_last"}


def select_cost(experiment: Experiment, trained: Training | Checkpoint) -> Array:
    """The cost that tables show, shape (seeds, checkpoints), or (seeds,) of one."""
    costs: Array = getattr(trained, COSTS[experiment.cost])
    return costs


@dataclass(frozen=True, eq=False)
class Outcome:
    """An experiment and what became of its variants, in their order."""

    experiment: Experiment
    results: tuple[Training, ...]

    @property
    def complete(self) -> bool:
        """Whether every variant reached the budget or cannot be trained."""
        return len(self.results) == len(self.experiment.variants) and all(
            result.failure or result.epochs[-1] == self.experiment.epochs for result in self.results
        )


def as_cell(experiment: Experiment) -> Experiment:
    """The same numbers at the budget, with nothing reported on the way."""
    return replace(experiment, report_every=experiment.epochs, at_epochs=(), expect={})


@lru_cache(maxsize=2)  # the variants of an experiment share them
def _draw(start: Start, seeds: tuple[int, ...], sizes: tuple[int, ...], bias: str) -> Weights:
    weights = start.draw(seeds, sizes, bias)
    for layer in weights:
        layer.flags.writeable = False
    return weights
