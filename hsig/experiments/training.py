"""`run` trains the variants of an experiment and yields on the way; `gather` makes its outcome."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, groupby, islice, pairwise
from traceback import extract_tb
from typing import NamedTuple

import numpy as np

from hsig.arrays import Array, BoolArray, IntArray
from hsig.engines.choice import ENGINES, available_cores
from hsig.engines.engine import NOT_REACHED, Progress, State
from hsig.errors import RunError
from hsig.experiments.evidence import Evidence, map_arrays, observe
from hsig.experiments.experiment import Checkpoint, Experiment, Failure, Outcome, Training, Variant
from hsig.experiments.measures import Measures, measure_rows
from hsig.experiments.outlook import Outlook, count_epochs, look_ahead
from hsig.experiments.verdicts import Ending, divergence_causes, judge
from hsig.networks.network import Weights, all_finite, seeds_first, seeds_last
from hsig.networks.tasks import Rows

TWINS = 8  # of the seeds that are trained, the first
_MAX_NUMBERS = 1_000_000  # of weights and the like in the states that one call gives


def run(
    experiment: Experiment, *, threads: int = 1, twins: int = TWINS
) -> Iterator[Checkpoint | Failure]:
    """Train every variant, from the same initial weights, and yield on the way.

    At every checkpoint, and between them often enough to show life and to be interrupted. The first
    seeds have a twin, trained beside them from initial weights that are each the next larger
    number. Whatever is raised while a variant trains is its failure, and the others go on.
    """
    for variant in experiment.variants:
        lacking = variant.untrainable_activation
        if lacking is not None:
            yield Failure(
                variant,
                f"{lacking.name} has no gradient. {lacking.note}. Choose the slope to train with: "
                f"{lacking.name}:backward=own, backward=output or backward=logistic",
            )
            continue
        try:
            yield from _train(experiment, variant, threads, twins)
        except RunError as problem:  # of a function in Python
            yield Failure(variant, str(problem))
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
    recorders = {
        variant.label: _Recorder(experiment)
        for experiment in experiments
        for variant in experiment.variants
    }
    for event in events:
        recorders[event.variant.label].add(event)
    return [
        Outcome(
            experiment,
            tuple(
                training
                for variant in experiment.variants
                if (training := recorders[variant.label].finish()) is not None
            ),
        )
        for experiment in experiments
    ]


class _Recorder:
    """Takes the events of a variant as they come, and holds few checkpoints of a large task."""

    def __init__(self, experiment: Experiment) -> None:
        self._experiment, self._wanted = experiment, set(experiment.checkpoints)
        self._latest: Checkpoint | Failure | None = None
        self._waiting: list[Checkpoint] = []  # to be looked at together, which is faster
        self._observed: list[_Observed] = []

    def add(self, event: Checkpoint | Failure) -> None:
        """Take the next event."""
        if isinstance(self._latest, Failure):
            return
        self._latest = event
        if isinstance(event, Checkpoint) and event.epoch in self._wanted:
            self._waiting.append(event)
            numbers = event.losses.size + event.predictions.size
            numbers += sum(layer.size for layer in event.state.weights)
            if len(self._waiting) * numbers >= _MAX_NUMBERS:
                self._look()

    def finish(self) -> Training | None:
        """The result, also of an early end; None if there was no event."""
        last = self._latest
        if isinstance(last, Checkpoint):
            if last.epoch not in self._wanted:
                self._waiting.append(last)
            self._look()
        match self._latest:
            case Failure() as failure:
                return Training.failed(failure.variant, failure.reason)
            case Checkpoint() as last:
                try:
                    return _to_training(self._experiment, self._observed, last)
                except RunError as problem:  # of a function in Python
                    return Training.failed(last.variant, str(problem))
        return None

    def _look(self) -> None:
        """Look at the checkpoints that wait, and let go of them."""
        if not self._waiting:
            return
        try:
            self._observed.append(_observe(self._experiment, self._waiting))
        except RunError as problem:  # of a function in Python
            self._latest = Failure(self._waiting[0].variant, str(problem))
        self._waiting = []


class _Observed(NamedTuple):
    """What is kept of some checkpoints, which are the second axis."""

    epochs: tuple[int, ...]
    evidence: Evidence
    measures: Measures
    cost_last: Array
    cost_mean: Array


def _train(
    experiment: Experiment, variant: Variant, threads: int, twins: int
) -> Iterator[Checkpoint]:
    problem = experiment.problem_of(variant)
    weights = [seeds_last(layer) for layer in experiment.starting_weights()]
    twins = min(twins, count_epochs(problem, tuple(weights)))  # of a large task fewer
    twin_weights = (np.nextafter(layer[..., :twins], np.inf) for layer in weights)
    state = State.start(
        tuple(np.concatenate(both, axis=-1) for both in zip(weights, twin_weights, strict=True)),
        problem.optimizer,
        np.array([*experiment.seeds, *experiment.seeds[:twins]]),
    )
    diverged_by = [""] * len(state.solved_at)
    seeds = slice(len(experiment.seeds))  # without their twins
    engine = experiment.engine_of(variant)
    advance = partial(engine.advance_in_strides, threads=threads)

    def checkpoint(progress: Progress) -> Checkpoint:
        """Where the seeds stand at `state`, and what the epoch from there printed."""
        return Checkpoint(
            variant=variant,
            problem=problem,
            engine=engine.NAME,
            state=state.select(seeds),
            losses=progress.first_epoch_losses.T[seeds],
            predictions=seeds_first(progress.predictions[..., seeds]),
            solved_at=progress.solved_at[seeds],
            lost_at=progress.lost_at[seeds],
            stopped_at=progress.stopped_at[seeds],
            diverged_by=tuple(diverged_by[seeds]),
        )

    numbers = sum(layer.size for layer in chain(state.weights, *state.memory))
    numbers += problem.targets.size * state.seeds
    most = max(1, _MAX_NUMBERS // numbers)
    for epochs, strides in _strides(experiment, engine.chunk_size(problem, state), most):
        for progress in advance(state, problem, epochs, strides):
            yield checkpoint(progress)
            for place, cause in divergence_causes(state, problem, progress, advance).items():
                diverged_by[place] = cause
            state = progress
    # the budget's own epoch, of which only the printed losses count
    progress = advance(state, problem, 1, 1)[0]
    last = checkpoint(progress)
    going = ~last.solved & (last.diverged_at == NOT_REACHED) & (last.stopped_at == NOT_REACHED)
    yield replace(
        last,
        outlook=look_ahead(
            last.state, problem, going, advance, partial(engine.evaluate, threads=threads)
        ),
        twin_distance=_twin_distances(
            seeds_first(progress.predictions), len(experiment.seeds), state.diverged_at
        ),
    )


def _strides(experiment: Experiment, longest: int, most: int) -> Iterator[tuple[int, int]]:
    """How many epochs to train at a time, and how many times, at `most`, in one call.

    A call has no more than `longest` epochs, and every checkpoint is between two strides.
    """
    lengths = (
        min(longest, stop - epoch)
        for start, stop in pairwise(experiment.checkpoints)
        for epoch in range(start, stop, longest)
    )
    for epochs, equal in groupby(lengths):
        while strides := len(list(islice(equal, min(most, longest // epochs)))):
            yield epochs, strides


def train_epoch(experiment: Experiment) -> None:
    """Train the first variant for an epoch on one thread, for nothing but the time it takes."""
    variant = experiment.variants[0]
    problem = experiment.problem_of(variant)
    weights = tuple(map(seeds_last, experiment.starting_weights()))
    state = State.start(weights, problem.optimizer, np.array(experiment.seeds))
    experiment.engine_of(variant).advance(state, problem, 1)


def _twin_distances(predictions: Array, seeds: int, diverged_at: IntArray) -> Array:
    """How far each seed is from its twin: the largest difference of a prediction.

    Shape (seeds,); nan where there is none. Infinite where one of the two has diverged.
    """
    twins = len(predictions) - seeds
    distances = np.full(seeds, np.nan)
    finite = diverged_at == NOT_REACHED
    with np.errstate(invalid="ignore"):
        apart = np.abs(predictions[:twins] - predictions[seeds:]).max(axis=(1, 2))
    first, second = finite[:twins], finite[seeds:]
    distances[:twins] = np.where(first & second, apart, np.where(first == second, 0.0, np.inf))
    return distances


def _to_training(
    experiment: Experiment, observed: Sequence[_Observed], last: Checkpoint
) -> Training:
    """The result with what was observed at its checkpoints, and the last event."""
    seeds = len(experiment.seeds)

    def join(*arrays: Array) -> Array:
        return np.concatenate(arrays, axis=1)

    evidence = map_arrays(join, *(each.evidence for each in observed))
    held_out = np.zeros((seeds, 0, last.predictions.shape[2]))
    if experiment.scaled_task.held_out is not None:
        of_held_out = replace(last.problem, **experiment.scaled_task.held_out._asdict())
        predictions, _ = ENGINES[last.engine].evaluate(of_held_out, last.state.weights)
        held_out = seeds_first(predictions)
    task = experiment.scaled_task
    outlook = last.outlook or Outlook.unknown(seeds)
    return Training(
        seeds=experiment.seeds,
        solved=last.solved,
        solved_at=last.solved_at,
        lost_at=last.lost_at,
        diverged_at=last.diverged_at,
        stopped_at=last.stopped_at,
        stops_at_loss=experiment.stop_loss is not None,
        verdict=judge_seeds(
            experiment,
            last.variant,
            last.solved,
            last.diverged_at,
            last.stopped_at,
            evidence,
            outlook,
        ),
        variant=last.variant,
        epochs=tuple(epoch for each in observed for epoch in each.epochs),
        cost_last=join(*(each.cost_last for each in observed)),
        cost_mean=join(*(each.cost_mean for each in observed)),
        measures=map_arrays(join, *(each.measures for each in observed)),
        predictions=task.restore(last.predictions),
        held_out_predictions=task.restore(held_out),
        max_error=task.unit * last.max_error,
        twin_distance=np.full(seeds, np.nan) if last.twin_distance is None else last.twin_distance,
        weights=last.weights,
        diverged_by=last.diverged_by,
        evidence=evidence,
        outlook=outlook,
    )


def _observe(experiment: Experiment, checkpoints: Sequence[Checkpoint]) -> _Observed:
    """What is kept of some checkpoints of a variant."""
    problem, seeds = checkpoints[0].problem, len(checkpoints[0].predictions)
    # many networks, as if each checkpoint had seeds of its own
    layers = zip(*(checkpoint.state.weights for checkpoint in checkpoints), strict=True)
    weights = tuple(np.concatenate(layer, axis=-1) for layer in layers)
    predictions = seeds_last(np.concatenate([each.predictions for each in checkpoints]))

    def part(array: Array) -> Array:
        parted = array.reshape(len(checkpoints), seeds, *array.shape[1:])
        return np.ascontiguousarray(parted.swapaxes(0, 1))

    return _Observed(
        tuple(checkpoint.epoch for checkpoint in checkpoints),
        map_arrays(part, observe(problem, weights, predictions)),
        map_arrays(part, _measure(experiment, checkpoints[0], weights)),
        np.stack([checkpoint.cost_last for checkpoint in checkpoints], axis=1),
        np.stack([checkpoint.cost_mean for checkpoint in checkpoints], axis=1),
    )


def _measure(experiment: Experiment, checkpoint: Checkpoint, weights: Weights) -> Measures:
    """The measures of weights, seeds last, in the problem of a checkpoint: a few at a time."""
    task, problem = experiment.scaled_task, checkpoint.problem
    evaluate = ENGINES[checkpoint.engine].evaluate
    threads, seeds = experiment.workers or available_cores(), weights[0].shape[-1]

    def measure(rows: Rows) -> Array:
        of_rows = replace(problem, **rows._asdict())
        most = max(1, _MAX_NUMBERS // rows.targets.size)
        found = []
        for first in range(0, seeds, most):
            some = tuple(layer[..., first : first + most] for layer in weights)
            seen = evaluate(of_rows, some, threads=threads)
            measures = np.stack(measure_rows(*seen, rows, problem.solved_within, task.unit))
            measures[1:, ~all_finite(some)] = np.nan  # of broken weights
            found.append(measures)
        return np.concatenate(found, axis=1)

    nothing = np.full((3, seeds), np.nan)
    return Measures(
        *measure(task.rows), *(nothing if task.held_out is None else measure(task.held_out))
    )


def judge_seeds(
    experiment: Experiment,
    variant: Variant,
    solved: BoolArray,
    diverged_at: IntArray,
    stopped_at: IntArray,
    evidence: Evidence,
    outlook: Outlook,
) -> IntArray:
    """The verdict of each seed, as `judge` has it, from the evidence at every checkpoint."""
    problem, at_end = experiment.problem_of(variant), evidence.select_checkpoint(-1)
    return judge(
        Ending(
            diverged_at=diverged_at,
            stopped_at=stopped_at,
            solved=solved,
            evidence=at_end,
            outlook=outlook,
            # which is not asked where no network is affine: a proof takes its time
            affine_solves=not at_end.affine.any() or not problem.find_obstacle(()),
            reachable=not problem.find_obstacle(experiment.hidden),
        )
    )
