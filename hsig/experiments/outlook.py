"""What a network is about to do, found by training a copy of it for a few more epochs.

Arrays have seeds first in what is returned; inside, as the engines have them, last.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import numpy as np

from hsig.activations import Activation
from hsig.arrays import Array, BoolArray, IntArray, sum_in_order
from hsig.engines.engine import NOT_REACHED, Problem, Progress, State
from hsig.engines.reference import descend
from hsig.experiments.evidence import NO_SLOPE
from hsig.networks.network import Weights, all_finite
from hsig.networks.obstacles import find_obstacle

WINDOW = 40  # epochs
_DIGITS = 12  # behind the point, as of `NO_SLOPE`

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
    # whether the units of a hidden layer are all the same, and so for ever, and no weights of such
    # a network would be right on every sample
    symmetric: BoolArray
    # epochs until weights and memory are, bit for bit, what they were, 1 if nothing moves;
    # NOT_REACHED if they are not within the window, or one of the states between is solved
    returns_after: IntArray
    at_rest: BoolArray  # whether, of those that return, no step on any rows changes a bit
    largest_move: Array  # of a weight within the window, relative to 1 and its size
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
            symmetric=no.copy(),
            returns_after=np.full(seeds, NOT_REACHED, dtype=np.int64),
            at_rest=no.copy(),
            largest_move=nan.copy(),
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
        window = _train_through_window(here, problem, advance)
        outlook.returns_after[places] = window.returns_after
        outlook.largest_move[places] = window.largest_move
        back = np.flatnonzero(window.returns_after == 1)
        outlook.at_rest[places[back]] = _is_at_rest(here.select(back), problem, advance)
        outlook.symmetric[places] = _is_symmetric(here, problem)
        for layer in range(dead.shape[1]):
            # the last dead layer: none of those up to it ever moves again
            stays = dead[:, layer] & ~dead[:, layer + 1 :].any(axis=1) & (window.resting > layer)
            if stays.any():
                asked = places[stays]
                outlook.unsolvable[asked] = _unsolvable(state.select(asked), problem, layer)
        losses = window.losses
        changes = np.diff(losses, axis=0)
        outlook.cost_rise[places] = sum_in_order(np.maximum(changes, 0.0)) / losses[0]
        outlook.cost_drop[places] = (losses[0] - losses[-1]) / losses[0]
    return outlook


class _Window(NamedTuple):
    """What the epochs of the window show; arrays have shape (seeds,) but for the losses."""

    returns_after: IntArray
    largest_move: Array
    resting: IntArray  # how many layers, from the first on, stay as they are
    losses: Array  # of the weights before and after each epoch, (WINDOW + 1, seeds)


def _train_through_window(state: State, problem: Problem, advance: Advance) -> _Window:
    start, losses = state, []
    returns_after = np.full(state.seeds, NOT_REACHED, dtype=np.int64)
    largest_move = np.zeros(state.seeds)
    resting = np.full(state.seeds, len(state.weights))
    solved = np.zeros(state.seeds, dtype=bool)
    for epoch in range(1, WINDOW + 1):
        progress = advance(state, problem, 1)
        losses.append(problem.mean_loss(state.weights, progress.predictions))
        errors = np.abs(progress.predictions - problem.target_columns)
        solved |= (errors < problem.solved_within).all(axis=(0, 1))
        same = _equal_layers(progress.weights, start.weights)
        memories = zip(progress.memory, start.memory, strict=True)
        back = np.logical_and.reduce(
            [*same, *(layer for now, then in memories for layer in _equal_layers(now, then))]
        )
        returns_after[back & ~solved & (returns_after == NOT_REACHED)] = epoch
        for now, then in zip(progress.weights, start.weights, strict=True):
            moves = (np.abs(now - then) / (1.0 + np.abs(then))).max(axis=(0, 1))
            largest_move = np.maximum(largest_move, moves)
        resting = np.minimum(resting, np.logical_and.accumulate(same).sum(axis=0))
        state = progress
    predictions = advance(state, problem, 1).predictions
    losses.append(problem.mean_loss(state.weights, predictions))
    return _Window(returns_after, largest_move, resting, np.stack(losses))


def _is_at_rest(state: State, problem: Problem, advance: Advance) -> BoolArray:
    """Whether no step of an epoch moves a weight, not by a bit."""
    still = np.ones(state.seeds, dtype=bool)
    for rows in problem.batches if state.seeds else ():
        step = replace(problem, inputs=problem.inputs[rows], targets=problem.targets[rows])
        still &= _equal_layers(advance(state, step, 1).weights, state.weights).all(axis=0)
    return still


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
    """Whether with the outputs of a resting layer no weights above it are right on all samples."""
    activity = problem.network.forward(state.weights, problem.inputs_with_bias)
    activations = problem.network.activations[layer + 1 :]
    units = [above.shape[1] for above in state.weights[layer + 1 : -1]]
    # a smooth unit without a slope tells samples apart by less than it is measured to
    features = np.round(activity.layer_inputs[layer + 1], _DIGITS)
    seeds = range(state.seeds)
    return np.array([_has_obstacle(problem, activations, units, features[..., s]) for s in seeds])


def _is_symmetric(state: State, problem: Problem) -> BoolArray:
    """Whether hidden layers of equal units leave no way to be right on every sample.

    Units that come from equal weights, go on with equal ones and remember the same get equal steps:
    they stay equal, and do no more than one of them.
    """
    layers = [part for part in (state.weights, *state.memory) if len(part) == len(state.weights)]
    single = np.array(
        [
            [(part[above][:-1] == part[above][:1]).all(axis=(0, 1)) for part in layers]
            + [(part[above - 1] == part[above - 1][:, :1]).all(axis=(0, 1)) for part in layers]
            for above in range(1, len(state.weights))
        ]
    ).all(axis=1)  # (hidden layers, seeds)
    network, symmetric = problem.network, np.zeros(state.seeds, dtype=bool)
    sizes = [layer.shape[1] for layer in state.weights[:-1]]
    for equal in np.unique(single.T, axis=0):
        units = np.where(equal, 1, sizes).tolist()
        if units != sizes and _has_obstacle(
            problem, network.activations, units, problem.inputs_with_bias[:, :, 0]
        ):
            symmetric |= (equal == single.T).all(axis=1)
    return symmetric


def _has_obstacle(
    problem: Problem, activations: Sequence[Activation], units: Sequence[int], features: Array
) -> bool:
    within = problem.solved_within
    return bool(find_obstacle(activations, units, features, problem.targets, within))
