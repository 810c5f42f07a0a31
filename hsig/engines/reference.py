"""Gradient descent in NumPy, all seeds at once: the engine that is read, and always there.

Every operation is elementwise over seeds or an explicit sum, so a seed's bits do not depend on
its neighbours.
"""

import numpy as np

from hsig.arrays import Array, BoolArray, IntArray
from hsig.engines import NOT_REACHED, Problem, Progress, State
from hsig.network import Weights, with_bias

NAME = "reference"


def advance(state: State, problem: Problem, epochs: int) -> Progress:
    """Train every seed of `state` for some epochs; `state` itself is left as it was.

    Args:
        state: Where the seeds stand.
        problem: What is trained, and how.
        epochs: How many epochs to train, at least 1.

    Returns:
        Where the seeds stand then, and what the first epoch printed.
    """
    network, weights = problem.network, state.weights
    inputs, targets = with_bias(problem.inputs), problem.targets[:, None, None]
    steps = _rows(len(inputs), problem.update)
    solved_at, lost_at = state.solved_at.copy(), state.lost_at.copy()
    diverged_at = state.diverged_at.copy()
    losses: list[Array] = []

    with np.errstate(all="ignore"):  # an infinite or undefined number is a result
        for epoch in range(state.epoch, state.epoch + epochs):
            predictions = network.forward(weights, inputs).predictions
            solved = _all_within(predictions - targets, problem.solved_within)
            solved &= diverged_at == NOT_REACHED
            _mark(lost_at, ~solved & (solved_at != NOT_REACHED), epoch)
            _mark(solved_at, solved, epoch)

            for rows in steps:
                activity = network.forward(weights, inputs[rows])
                if epoch == state.epoch:
                    losses.append(network.losses(activity, targets[rows])[:, 0])
                gradient = network.gradient(weights, activity, targets[rows])
                weights = Weights(
                    weights.hidden - problem.learning_rate * gradient.hidden,
                    weights.output - problem.learning_rate * gradient.output,
                )

            _mark(diverged_at, ~_finite(weights), epoch)

    return Progress(
        epoch=state.epoch + epochs,
        weights=weights,
        solved_at=solved_at,
        lost_at=lost_at,
        diverged_at=diverged_at,
        losses=np.concatenate(losses),
    )


def _rows(samples: int, update: str) -> list[slice]:
    """The samples of each step of an epoch."""
    if update == "batch":
        return [slice(None)]
    return [slice(row, row + 1) for row in range(samples)]


def _all_within(errors: Array, bound: float) -> BoolArray:
    """For each seed, whether every error is below the bound; nan is not. Seeds last."""
    within: BoolArray = np.all(np.abs(errors) < bound, axis=(0, 1))
    return within


def _finite(weights: Weights) -> BoolArray:
    """For each seed, whether every weight is a finite number."""
    hidden: BoolArray = np.all(np.isfinite(weights.hidden), axis=(0, 1))
    output: BoolArray = np.all(np.isfinite(weights.output), axis=(0, 1))
    return hidden & output


def _mark(first: IntArray, where: BoolArray, epoch: int) -> None:
    """Note the epoch for the seeds that have none yet."""
    first[where & (first == NOT_REACHED)] = epoch
