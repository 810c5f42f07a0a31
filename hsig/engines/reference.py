"""Gradient descent in NumPy, all seeds at once: the engine that is read, and always there.

Every operation is elementwise over seeds or an explicit sum, so a seed's bits do not depend on
its neighbours.
"""

from functools import cache
from typing import Any

import numpy as np

from hsig.engines import NOT_REACHED, Problem, Progress, State
from hsig.networks.arrays import Array, BoolArray, IntArray
from hsig.networks.network import Activity, Weights, all_finite, with_bias

NAME = "reference"

_WORK_AT_A_TIME = 10_000_000  # in updates of a weight
_STEP_OVERHEAD = 5_000  # of a sample in NumPy, in the same


def is_here() -> bool:
    """Always."""
    return True


def knows(problem: Problem) -> bool:
    """Everything."""
    del problem
    return True


def depends_on() -> dict[str, str]:
    """NumPy's version, and the instructions among which it chooses: exponentials depend on them."""
    return {"numpy": np.__version__, "instructions of numpy": " ".join(instruction_sets())}


@cache
def instruction_sets() -> tuple[str, ...]:
    """Those that NumPy chooses among here."""
    found: Any = np.show_config(mode="dicts")
    return tuple(sorted(found.get("SIMD Extensions", {}).get("found", [])))


def predict(problem: Problem, weights: Weights) -> Array:
    """Predictions for all samples, (samples, seeds), with weights that have seeds last."""
    with np.errstate(all="ignore"):
        return problem.network.forward(weights, with_bias(problem.inputs)).predictions[:, 0]


def epochs_at_a_time(problem: Problem, state: State) -> int:
    """How many epochs take a small part of a second."""
    numbers = sum(layer.size for layer in state.weights)
    return max(1, _WORK_AT_A_TIME // work_per_epoch(len(problem.inputs), numbers))


def work_per_epoch(samples: int, numbers: int) -> int:
    """What an epoch costs, very roughly, in updates of a weight; of so many in all seeds."""
    return samples * (_STEP_OVERHEAD + numbers)


def advance(state: State, problem: Problem, epochs: int, *, threads: int = 1) -> Progress:
    """Train every seed of `state` for some epochs; `state` itself is left as it was.

    Args:
        state: Where the seeds stand.
        problem: What is trained, and how.
        epochs: How many epochs to train, at least 1.
        threads: Not used: NumPy has one for this.

    Returns:
        Where the seeds stand then, and what the first epoch printed.
    """
    del threads
    network, weights = problem.network, state.weights
    inputs, targets = with_bias(problem.inputs), problem.targets[:, None, None]
    samples_of_steps = steps(len(inputs), problem.update)
    solved_at, lost_at = state.solved_at.copy(), state.lost_at.copy()
    diverged_at = state.diverged_at.copy()
    losses: list[Array] = []
    first_predictions = np.empty(0)

    with np.errstate(all="ignore"):  # an infinite or undefined number is a result
        for epoch in range(state.epoch, state.epoch + epochs):
            predictions = network.forward(weights, inputs).predictions
            if epoch == state.epoch:
                first_predictions = predictions[:, 0]
            solved = _all_within(predictions - targets, problem.solved_within)
            solved &= diverged_at == NOT_REACHED
            _mark(lost_at, ~solved & (solved_at != NOT_REACHED), epoch)
            _mark(solved_at, solved, epoch)

            for samples in samples_of_steps:
                activity = network.forward(weights, inputs[samples])
                if epoch == state.epoch:
                    losses.append(network.losses(activity, targets[samples])[:, 0])
                weights = descend(problem, weights, activity, targets[samples])

            _mark(diverged_at, ~all_finite(weights), epoch)

    return Progress(
        epoch=state.epoch + epochs,
        weights=weights,
        solved_at=solved_at,
        lost_at=lost_at,
        diverged_at=diverged_at,
        predictions=first_predictions,
        losses=np.concatenate(losses),
    )


def descend(problem: Problem, weights: Weights, activity: Activity, targets: Array) -> Weights:
    """The weights after one step on the samples of `activity`, both layers from the old ones."""
    gradient = problem.network.gradient(weights, activity, targets)
    return Weights(
        weights.hidden - problem.learning_rate * gradient.hidden,
        weights.output - problem.learning_rate * gradient.output,
    )


def steps(samples: int, update: str) -> list[slice]:
    """The samples of each step of an epoch."""
    if update == "batch":
        return [slice(None)]
    return [slice(sample, sample + 1) for sample in range(samples)]


def _all_within(errors: Array, bound: float) -> BoolArray:
    """For each seed, whether every error is below the bound; nan is not. Seeds last."""
    within: BoolArray = np.all(np.abs(errors) < bound, axis=(0, 1))
    return within


def _mark(first: IntArray, where: BoolArray, epoch: int) -> None:
    """Note the epoch for the seeds that have none yet."""
    first[where & (first == NOT_REACHED)] = epoch
