"""`run` trains the variants of an experiment and yields on the way; `gather` makes its outcome.

Public arrays have seeds first; here they are turned round for the engines.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise
from traceback import extract_tb

import numpy as np

from hsig.engines import NOT_REACHED, Problem, Progress, State
from hsig.experiments.evidence import stack
from hsig.experiments.experiment import Checkpoint, Experiment, Failure, Outcome, Training, Variant
from hsig.experiments.verdicts import causes, judge
from hsig.networks.arrays import Array, sum_in_order
from hsig.networks.network import Weights


def run(experiment: Experiment, *, threads: int = 1) -> Iterator[Checkpoint | Failure]:
    """Train every variant, from the same initial weights, and yield on the way.

    An engine that can splits the seeds among as many threads; the numbers are the same.

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
            yield from _train(experiment, variant, threads)
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
                    results.append(_training(experiment, kept.get(variant.label, {}), last))
        outcomes.append(Outcome(experiment, tuple(results)))
    return outcomes


def _train(experiment: Experiment, variant: Variant, threads: int) -> Iterator[Checkpoint]:
    problem = experiment.problem_of(variant)
    weights = experiment.starting_weights()
    state = State.start(Weights(*(_seeds_last(layer) for layer in weights)))
    diverged_by = [""] * len(experiment.seeds)
    engine = experiment.engine_of(variant)
    advance = partial(engine.advance, threads=threads)
    for epochs in _strides(experiment, engine.epochs_at_a_time(problem, state)):
        progress = advance(state, problem, epochs)
        yield _checkpoint(variant, problem, state, progress, diverged_by)
        for place, cause in causes(state, problem, progress, advance).items():
            diverged_by[place] = cause
        state = progress
    # the budget's own epoch, of which only the printed losses count
    progress = advance(state, problem, 1)
    yield _checkpoint(variant, problem, state, progress, diverged_by)


def _strides(experiment: Experiment, longest: int) -> Iterator[int]:
    """How many epochs to train at a time; what is looked at falls between two strides."""
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
    return Checkpoint(
        variant=variant,
        problem=problem,
        state=state,
        losses=progress.losses.T,
        predictions=progress.predictions.T,
        solved_at=progress.solved_at,
        lost_at=progress.lost_at,
        diverged_by=tuple(diverged_by),
    )


def _training(experiment: Experiment, seen: Mapping[int, Checkpoint], last: Checkpoint) -> Training:
    """The result with what was seen at some epochs, in their order, and at the last of them."""
    before = seen.get(experiment.last_tenth)
    reported = {epoch: seen[epoch] for epoch in experiment.checkpoints if epoch in seen}
    reported[last.epoch] = last
    losses = np.stack([moment.losses for moment in reported.values()])
    with np.errstate(all="ignore"):
        cost_mean = _mean_over_samples(losses)
        cost_before = (
            np.full(losses.shape[1], np.inf)
            if before is None
            else _mean_over_samples(before.losses)
        )
        max_error = np.abs(last.predictions - experiment.task.targets).max(axis=1)
    cost_last, cost_mean = losses[:, :, -1].T, cost_mean.T
    evidence = stack([moment.evidence for moment in reported.values()])
    solved = (max_error < experiment.solved_within) & (last.diverged_at == NOT_REACHED)
    return Training(
        seeds=experiment.seeds,
        solved=solved,
        solved_at=last.solved_at,
        lost_at=last.lost_at,
        diverged_at=last.diverged_at,
        verdict=judge(
            diverged_at=last.diverged_at,
            solved=solved,
            evidence=evidence,
            cost_before=cost_before,
            cost_after=cost_mean[:, -1],
        ),
        variant=last.variant,
        epochs=tuple(reported),
        cost_last=cost_last,
        cost_mean=cost_mean,
        predictions=last.predictions,
        max_error=max_error,
        weights=last.weights,
        diverged_by=last.diverged_by,
        evidence=evidence,
        cost_before=cost_before,
    )


def _mean_over_samples(losses: Array) -> Array:
    """Mean over the last axis, in its order."""
    mean: Array = sum_in_order(np.moveaxis(losses, -1, 0)) / losses.shape[-1]
    return mean


def _seeds_last(array: Array) -> Array:
    return np.ascontiguousarray(np.moveaxis(array, 0, -1))
