"""Gradient descent in NumPy, all seeds at once: the engine that is read, and always there.

Every operation is elementwise over seeds or an explicit sum, so a seed's bits do not depend on
its neighbours.
"""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from hsig.arrays import Array, BoolArray, IntArray, sum_in_order
from hsig.engines.engine import MARKS, NOT_REACHED, Problem, Progress, State, Strides
from hsig.networks.losses import rows_right
from hsig.networks.network import Activity, Weights, all_finite

NAME = "reference"

_CHUNK_WORK = 10_000_000  # weight updates between two looks at an interrupt
_STEP_OVERHEAD = 5_000  # what NumPy's calls of a step cost, in weight updates


def is_available() -> bool:
    """Always."""
    return True


def supports(problem: Problem) -> bool:
    """Always: it can train every problem."""
    del problem
    return True


def depends_on() -> dict[str, str]:
    """NumPy's version, and the instructions among which it chooses: exponentials depend on them."""
    return {"numpy": np.__version__, "instructions of numpy": " ".join(instruction_sets())}


@cache
def instruction_sets() -> tuple[str, ...]:
    """The instruction sets that NumPy chooses among on this processor."""
    found: Any = np.show_config(mode="dicts")
    return tuple(sorted(found.get("SIMD Extensions", {}).get("found", [])))


def evaluate(problem: Problem, weights: Weights, *, threads: int = 1) -> tuple[Array, Array]:
    """Predictions, (samples, outputs, seeds), and losses, (samples, seeds), of these weights."""
    del threads
    with np.errstate(all="ignore"):
        activity = problem.network.forward(weights, problem.inputs_with_bias)
        return activity.predictions, problem.network.losses(activity, problem.target_columns)


def chunk_size(problem: Problem, state: State) -> int:
    """How many epochs take a small part of a second."""
    weights = sum(layer.size for layer in state.weights)
    return max(1, _CHUNK_WORK // work_per_epoch(len(problem.inputs), weights))


def work_per_epoch(samples: int, weights: int) -> int:
    """Estimate the cost of an epoch, in weight updates; `weights` are those of all seeds."""
    return samples * (_STEP_OVERHEAD + weights)


def advance(state: State, problem: Problem, epochs: int, *, threads: int = 1) -> Progress:
    """Train every seed of `state` for at least one epoch; `state` itself is left as it was."""
    del threads  # NumPy has one for this
    network, first_epoch = problem.network, state.epoch
    solved_at, lost_at, diverged_at, stopped_at = (getattr(state, name).copy() for name in MARKS)
    first_losses = np.empty((len(problem.inputs), state.seeds))
    first_predictions = np.empty(0)

    with np.errstate(all="ignore"):  # an infinite or undefined number is a result
        for epoch in range(first_epoch, first_epoch + epochs):
            activity = network.forward(state.weights, problem.inputs_with_bias)
            predictions = activity.predictions
            if epoch == first_epoch:
                first_predictions = predictions
            wanted, within = problem.target_columns, problem.solved_within
            solved = rows_right(predictions, wanted, within).all(axis=0)
            solved &= diverged_at == NOT_REACHED
            _mark(lost_at, ~solved & (solved_at != NOT_REACHED), epoch)
            _mark(solved_at, solved, epoch)
            if problem.stop_solved:
                _mark(stopped_at, solved, epoch)
            if problem.stop_loss is not None:
                losses = network.losses(activity, problem.target_columns)
                mean = sum_in_order(losses) / len(losses)
                _mark(stopped_at, (mean <= problem.stop_loss) & (diverged_at == NOT_REACHED), epoch)

            before = state
            for rows in problem.batches(state):
                state, activity = descend(problem, state, rows)
                if epoch == first_epoch:
                    losses = network.losses(activity, problem.select_rows(rows)[1])
                    if isinstance(rows, slice):
                        first_losses[rows] = losses
                    else:
                        np.put_along_axis(first_losses, rows, losses, axis=0)
            state = replace(_stay(before, state, stopped_at != NOT_REACHED), epoch=epoch + 1)
            _mark(diverged_at, ~all_finite(state.weights), epoch)

    return Progress(
        epoch=state.epoch,
        seed_numbers=state.seed_numbers,
        weights=state.weights,
        memory=state.memory,
        solved_at=solved_at,
        lost_at=lost_at,
        diverged_at=diverged_at,
        stopped_at=stopped_at,
        predictions=first_predictions,
        first_epoch_losses=first_losses,
    )


def advance_in_strides(
    state: State, problem: Problem, epochs: int, strides: int, *, threads: int = 1
) -> Strides:
    """What as many calls of `advance` give, each with the state before it."""
    found: list[Progress] = []
    for _ in range(strides):
        found.append(advance(found[-1] if found else state, problem, epochs, threads=threads))
    return Strides(
        start=state,
        epochs=epochs,
        weights=tuple(map(np.stack, zip(*(each.weights for each in found), strict=True))),
        memory=tuple(
            tuple(map(np.stack, zip(*parts, strict=True)))
            for parts in zip(*(each.memory for each in found), strict=True)
        ),
        marks=np.array([[getattr(each, name) for name in MARKS] for each in found]),
        predictions=np.stack([each.predictions for each in found]),
        first_epoch_losses=np.stack([each.first_epoch_losses for each in found]),
    )


def descend(problem: Problem, state: State, rows: slice | IntArray) -> tuple[State, Activity]:
    """Take one step on some rows; returns the state after it, and the activity before it."""
    inputs, targets = problem.select_rows(rows)
    activity = problem.network.forward(state.weights, inputs)
    gradient = problem.network.gradient(state.weights, activity, targets)
    weights, memory = problem.optimizer.step(
        state.weights, state.memory, gradient, problem.learning_rate
    )
    return replace(state, weights=weights, memory=memory), activity


def _stay(before: State, after: State, stopped: BoolArray) -> State:
    """The state after an epoch, in which seeds that have stopped are as before."""
    if not stopped.any():
        return after

    def choose(then: Weights, now: Weights) -> Weights:
        pairs = zip(then, now, strict=True)
        return tuple(np.where(stopped, old, new) for old, new in pairs)

    memory = zip(before.memory, after.memory, strict=True)
    return replace(
        after,
        weights=choose(before.weights, after.weights),
        memory=tuple(choose(then, now) for then, now in memory),
    )


def _mark(first: IntArray, where: BoolArray, epoch: int) -> None:
    """Note the epoch for the seeds that have none yet."""
    first[where & (first == NOT_REACHED)] = epoch
