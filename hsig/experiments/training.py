"""`run` trains the variants of an experiment and yields on the way; `gather` makes its outcome."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, groupby, islice, pairwise
from traceback import extract_tb

import numpy as np

from hsig.arrays import Array, BoolArray, IntArray, mean_in_order
from hsig.engines.choice import ENGINES
from hsig.engines.engine import NOT_REACHED, Progress, State
from hsig.errors import RunError
from hsig.experiments.evidence import Evidence, map_arrays, observe
from hsig.experiments.experiment import Checkpoint, Experiment, Failure, Outcome, Training, Variant
from hsig.experiments.measures import Measures, measure_rows
from hsig.experiments.outlook import Outlook, look_ahead
from hsig.experiments.verdicts import Ending, divergence_causes, judge
from hsig.networks.network import seeds_first, seeds_last

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
    wanted = {
        variant.label: set(experiment.checkpoints)
        for experiment in experiments
        for variant in experiment.variants
    }
    latest: dict[str, Checkpoint | Failure] = {}
    kept: dict[str, dict[int, Checkpoint]] = {}
    for event in events:
        label = event.variant.label
        latest[label] = event
        if isinstance(event, Checkpoint) and event.epoch in wanted[label]:
            kept.setdefault(label, {})[event.epoch] = event
    outcomes = []
    for experiment in experiments:
        results: list[Training] = []
        for variant in experiment.variants:
            match latest.get(variant.label):
                case Failure() as failure:
                    results.append(Training.failed(variant, failure.reason))
                case Checkpoint() as last:
                    try:
                        results.append(_to_training(experiment, kept.get(variant.label, {}), last))
                    except RunError as problem:  # of a function in Python
                        results.append(Training.failed(variant, str(problem)))
        outcomes.append(Outcome(experiment, tuple(results)))
    return outcomes


def _train(
    experiment: Experiment, variant: Variant, threads: int, twins: int
) -> Iterator[Checkpoint]:
    problem = experiment.problem_of(variant)
    weights = [seeds_last(layer) for layer in experiment.starting_weights()]
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
        outlook=look_ahead(last.state, problem, going, advance),
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
    experiment: Experiment, checkpoints: Mapping[int, Checkpoint], last: Checkpoint
) -> Training:
    """The result with the checkpoints reached, by epoch, and the last event of an early end."""
    reported = {
        epoch: checkpoints[epoch] for epoch in experiment.checkpoints if epoch in checkpoints
    }
    reported[last.epoch] = last
    seeds = len(experiment.seeds)
    reached = list(reported.values())
    evidence, loss = _observe(reached)
    task = experiment.scaled_task
    measures, held_out = _measure(experiment, reached, loss)
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
        epochs=tuple(reported),
        cost_last=np.stack([checkpoint.cost_last for checkpoint in reached], axis=1),
        cost_mean=np.stack([checkpoint.cost_mean for checkpoint in reached], axis=1),
        measures=measures,
        predictions=task.restore(last.predictions),
        held_out_predictions=task.restore(held_out),
        max_error=task.unit * last.max_error,
        twin_distance=np.full(seeds, np.nan) if last.twin_distance is None else last.twin_distance,
        weights=last.weights,
        diverged_by=last.diverged_by,
        evidence=evidence,
        outlook=outlook,
    )


def _observe(checkpoints: Sequence[Checkpoint]) -> tuple[Evidence, Array]:
    """The evidence and the loss at checkpoints of a variant, which become the second axis."""
    problem, state = checkpoints[0].problem, checkpoints[0].state
    most = max(1, _MAX_NUMBERS // sum(layer.size for layer in state.weights))
    evidence, losses = [], []
    for first in range(0, len(checkpoints), most):
        some = checkpoints[first : first + most]
        # many networks, as if each checkpoint had seeds of its own
        layers = zip(*(checkpoint.state.weights for checkpoint in some), strict=True)
        weights = tuple(np.concatenate(layer, axis=-1) for layer in layers)
        predictions = seeds_last(np.concatenate([checkpoint.predictions for checkpoint in some]))
        shape = len(some), state.seeds
        evidence.append(
            map_arrays(
                lambda array, shape=shape: array.reshape(*shape, *array.shape[1:]),
                observe(problem, weights, predictions),
            )
        )
        _, by_row = ENGINES[checkpoints[0].engine].evaluate(problem, weights)
        losses.append(mean_in_order(by_row).reshape(shape))

    def join(*arrays: Array) -> Array:
        return np.ascontiguousarray(np.concatenate(arrays).swapaxes(0, 1))

    return map_arrays(join, *evidence), join(*losses)


def _measure(
    experiment: Experiment, checkpoints: Sequence[Checkpoint], loss: Array
) -> tuple[Measures, Array]:
    """The measures at checkpoints, and the last predictions of the rows that are held out."""
    task, problem = experiment.scaled_task, checkpoints[0].problem
    engine = ENGINES[checkpoints[0].engine]
    within = problem.solved_within
    none = np.full(checkpoints[0].state.seeds, np.nan)
    predictions = np.zeros((0, problem.targets.shape[1], len(none)))
    columns = []
    for place, checkpoint in enumerate(checkpoints):
        seen = seeds_last(checkpoint.predictions)
        of_training = measure_rows(seen, loss[None, :, place], task.rows, within, task.unit)
        of_held_out = (none, none, none)
        if task.held_out is not None:
            rows = replace(problem, inputs=task.held_out.inputs, targets=task.held_out.targets)
            predictions, losses = engine.evaluate(rows, checkpoint.state.weights)
            of_held_out = measure_rows(predictions, losses, task.held_out, within, task.unit)
        columns.append(np.stack([*of_training, *of_held_out]))
    return Measures(*np.stack(columns, axis=-1)), seeds_first(predictions)


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
