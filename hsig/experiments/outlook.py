"""What a network is about to do, found by training a copy of it for a few more epochs.

Arrays have seeds first in what is returned; inside, as the engines have them, last.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np

from hsig.arrays import Array, BoolArray, IntArray, sum_in_order
from hsig.engines.engine import NOT_REACHED, Problem, Progress, State
from hsig.engines.reference import descend
from hsig.experiments.evidence import NO_SLOPE
from hsig.networks.affine_fit import is_separable
from hsig.networks.network import Weights, all_finite

WINDOW = 40  # epochs

Advance = Callable[[State, Problem, int], Progress]


@dataclass(frozen=True, eq=False)
class Outlook:
    """What each seed does in the next `WINDOW` epochs; arrays have shape (seeds,)."""

    # not of a seed that is solved, has diverged or was stopped before its budget; the rest is nan,
    # NOT_REACHED or false then
    is_known: BoolArray
    # whether a dead hidden layer and those below do not move within the window, not by a bit, and
    # with these as they are no weights of the layers above would be right on every sample
    unsolvable: BoolArray
    # epochs until weights and memory are, bit for bit, what they were, 1 if nothing moves;
    # NOT_REACHED if they are not within the window
    returns_after: IntArray
    largest_step_change: Array  # of a prediction, by a step of the first epoch on that sample
    cost_rise: Array  # all rises of the weights' loss together, relative to that at first
    cost_drop: Array  # of the weights' loss at the end, relative to that at first

    @classmethod
    def unknown(cls, seeds: int) -> "Outlook":
        """The outlook of seeds that were not trained on."""
        no, nan = np.zeros(seeds, dtype=bool), np.full(seeds, np.nan)
        return cls(
            is_known=no,
            unsolvable=no.copy(),
            returns_after=np.full(seeds, NOT_REACHED, dtype=np.int64),
            largest_step_change=nan,
            cost_rise=nan.copy(),
            cost_drop=nan.copy(),
        )

    def select(self, places: IntArray) -> "Outlook":
        """The outlook of some seeds, by their places."""
        return Outlook(**{field.name: getattr(self, field.name)[places] for field in fields(self)})


def look_ahead(
    state: State, problem: Problem, open_seeds: BoolArray, slopes: Array, advance: Advance
) -> Outlook:
    """Train a copy of those `open_seeds` on that have not solved it, and not diverged.

    The `slopes` of hidden layers are those of `Evidence`.
    """
    outlook = Outlook.unknown(len(open_seeds))
    places = np.flatnonzero(open_seeds)
    if not len(places):
        return outlook
    outlook.is_known[places] = True
    here, dead = state.select(places), slopes[places] <= NO_SLOPE
    with np.errstate(all="ignore"):
        outlook.largest_step_change[places] = _largest_step_change(here, problem)
        outlook.returns_after[places], resting, losses = _window(here, problem, advance)
        for layer in range(dead.shape[1]):
            # the last dead layer: none of those up to it ever moves again
            asked = places[dead[:, layer] & ~dead[:, layer + 1 :].any(axis=1) & (resting > layer)]
            if len(asked):
                outlook.unsolvable[asked] = _unsolvable(state.select(asked), problem, layer)
        changes = np.diff(losses, axis=0)
        outlook.cost_rise[places] = sum_in_order(np.maximum(changes, 0.0)) / losses[0]
        outlook.cost_drop[places] = (losses[0] - losses[-1]) / losses[0]
    return outlook


def _window(state: State, problem: Problem, advance: Advance) -> tuple[IntArray, IntArray, Array]:
    """Train through the window.

    Returns:
        When weights and memory return, and how many layers from the first on stay as they are, both
        of shape (seeds,); the loss of the weights before and after each epoch, (WINDOW + 1, seeds).
    """
    start, losses = state, []
    returns = np.full(state.seeds, NOT_REACHED, dtype=np.int64)
    resting = np.full(state.seeds, len(state.weights))
    for epoch in range(1, WINDOW + 1):
        progress = advance(state, problem, 1)
        losses.append(problem.mean_loss(problem.activity(state.weights, progress.predictions)))
        same = _equal_layers(progress.weights, start.weights)
        memories = zip(progress.memory, start.memory, strict=True)
        back = np.logical_and.reduce(
            [*same, *(layer for now, then in memories for layer in _equal_layers(now, then))]
        )
        returns[back & (returns == NOT_REACHED)] = epoch
        resting = np.minimum(resting, np.logical_and.accumulate(same).sum(axis=0))
        state = progress
    predictions = advance(state, problem, 1).predictions
    losses.append(problem.mean_loss(problem.activity(state.weights, predictions)))
    return returns, resting, np.stack(losses)


def _equal_layers(weights: Weights, others: Weights) -> BoolArray:
    """Whether all numbers of a layer are equal, (layers, seeds); seeds last in."""
    pairs = zip(weights, others, strict=True)
    return np.array([(ours == theirs).all(axis=(0, 1)) for ours, theirs in pairs])


def _largest_step_change(state: State, problem: Problem) -> Array:
    """The largest change of a prediction by a step that is taken for it, in the next epoch."""
    largest = np.zeros(state.seeds)
    for rows in problem.batches:
        state, before = descend(problem, state, rows)
        after = problem.network.forward(state.weights, problem.inputs_with_bias[rows])
        change = np.abs(after.predictions - before.predictions).max(axis=(0, 1))
        largest = np.maximum(largest, np.where(all_finite(state.weights), change, np.inf))
    return largest


def _unsolvable(state: State, problem: Problem, layer: int) -> BoolArray:
    """Whether the outputs of a resting layer cannot be separated as the targets ask.

    Before the output that is asked of every choice of its weights; before another hidden layer
    only whether two samples look the same whose targets are too far apart.
    """
    unsolvable = np.zeros(state.seeds, dtype=bool)
    network = problem.network
    is_last = layer == len(network.hidden_activations) - 1
    if is_last and not network.output_activation.is_monotonic:
        return unsolvable
    activity = network.forward(state.weights, problem.inputs_with_bias)
    known: dict[bytes, bool] = {}
    for seed in range(state.seeds):
        features = np.ascontiguousarray(activity.layer_inputs[layer + 1][:, :, seed])
        key = features.tobytes()
        if key not in known:
            known[key] = (
                not is_separable(features, problem.targets, problem.solved_within)
                if is_last
                else _contradicts(features, problem.targets, problem.solved_within)
            )
        unsolvable[seed] = known[key]
    return unsolvable


def _contradicts(features: Array, targets: Array, solved_within: float) -> bool:
    """Whether two samples have equal features, but no prediction is right for both targets."""
    _, groups = np.unique(features, axis=0, return_inverse=True)
    return any(
        (np.ptp(targets[groups == group], axis=0) >= 2.0 * solved_within).any()
        for group in range(groups.max() + 1)
    )
