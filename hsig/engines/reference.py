"""Gradient descent in NumPy, all seeds at once: the engine that is read, and always there.

Every operation is elementwise over seeds or an explicit sum, so a seed's bits do not depend on
its neighbours.
"""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from hsig.arrays import Array, BoolArray, IntArray
from hsig.engines.engine import NOT_REACHED, Problem, Progress, State
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


def predict(problem: Problem, weights: Weights) -> Array:
    """Predictions for all samples, (samples, outputs, seeds), with weights that have seeds last."""
    with np.errstate(all="ignore"):
        return problem.network.forward(weights, problem.inputs_with_bias).predictions


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
    network, inputs, first_epoch = problem.network, problem.inputs_with_bias, state.epoch
    solved_at, lost_at, diverged_at = (
        marks.copy() for marks in (state.solved_at, state.lost_at, state.diverged_at)
    )
    losses: list[Array] = []
    first_predictions = np.empty(0)

    with np.errstate(all="ignore"):  # an infinite or undefined number is a result
        for epoch in range(first_epoch, first_epoch + epochs):
            predictions = network.forward(state.weights, inputs).predictions
            if epoch == first_epoch:
                first_predictions = predictions
            solved = _all_within(predictions - problem.target_columns, problem.solved_within)
            solved &= diverged_at == NOT_REACHED
            _mark(lost_at, ~solved & (solved_at != NOT_REACHED), epoch)
            _mark(solved_at, solved, epoch)

            for rows in problem.batches:
                state, activity = descend(problem, state, rows)
                if epoch == first_epoch:
                    losses.append(network.losses(activity, problem.target_columns[rows]))

            _mark(diverged_at, ~all_finite(state.weights), epoch)

    return Progress(
        epoch=first_epoch + epochs,
        weights=state.weights,
        memory=state.memory,
        solved_at=solved_at,
        lost_at=lost_at,
        diverged_at=diverged_at,
        predictions=first_predictions,
        first_epoch_losses=np.concatenate(losses),
    )


def descend(problem: Problem, state: State, rows: slice) -> tuple[State, Activity]:
    """Take one step on some rows; returns the state after it, and the activity before it."""
    activity = problem.network.forward(state.weights, problem.inputs_with_bias[rows])
    gradient = problem.network.gradient(state.weights, activity, problem.target_columns[rows])
    weights, memory = problem.optimizer.step(
        state.weights, state.memory, gradient, problem.learning_rate
    )
    return replace(state, weights=weights, memory=memory), activity


def _all_within(errors: Array, bound: float) -> BoolArray:
    """For each seed, whether every error is below the bound; nan is not. Seeds last."""
    within: BoolArray = np.all(np.abs(errors) < bound, axis=(0, 1))
    return within


def _mark(first: IntArray, where: BoolArray, epoch: int) -> None:
    """Note the epoch for the seeds that have none yet."""
    first[where & (first == NOT_REACHED)] = epoch
