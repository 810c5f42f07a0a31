"""What a network is about to do, found by training a copy of it for a few more epochs.

Arrays have seeds first in what is returned; inside, as the engines have them, last.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from itertools import chain
from typing import Any

import numpy as np

from hsig.arrays import Array, BoolArray, IntArray, sum_in_order
from hsig.engines.engine import NOT_REACHED, Problem, Progress, State
from hsig.engines.reference import descend
from hsig.experiments.evidence import map_arrays
from hsig.networks.network import all_finite

WINDOW = 40  # epochs

Advance = Callable[[State, Problem, int, int], list[Progress]]  # an engine's in strides

_MAX_NUMBERS = 4_000_000  # of the states within the window that are held together


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
        nothing: dict[Any, Any] = {BoolArray: False, IntArray: NOT_REACHED, Array: np.nan}
        return cls(**{field.name: np.full(seeds, nothing[field.type]) for field in fields(cls)})

    def select(self, places: IntArray) -> "Outlook":
        """The outlook of some seeds, by their places."""
        return map_arrays(lambda array: array[places], self)


def look_ahead(
    state: State, problem: Problem, open_seeds: BoolArray, slopes: Array, advance: Advance
) -> Outlook:
    """Train a copy of those `open_seeds` on that have not solved it, and not diverged.

    The `slopes` of hidden layers are those of `Evidence`.
    """
    outlook, asked = Outlook.unknown(len(open_seeds)), np.flatnonzero(open_seeds)
    numbers = sum(layer[..., 0].size for layer in chain(state.weights, *state.memory))
    most = max(1, _MAX_NUMBERS // (WINDOW * numbers))
    for places in (asked[first : first + most] for first in range(0, len(asked), most)):
        with np.errstate(all="ignore"):
            found = _look_ahead(state.select(places), problem, slopes[places] == 0.0, advance)
        for field in fields(found):
            getattr(outlook, field.name)[places] = getattr(found, field.name)
    return outlook


def _look_ahead(start: State, problem: Problem, dead: BoolArray, advance: Advance) -> Outlook:
    ends = advance(start, problem, 1, WINDOW + 1)
    # what the weights before each of these epochs do, those of all epochs side by side
    weights = zip(*(state.weights for state in (start, *ends[:-1])), strict=True)
    predictions = np.stack([end.predictions for end in ends])
    losses = problem.mean_loss(
        tuple(np.concatenate(layers, axis=-1) for layers in weights),
        np.concatenate(predictions, axis=-1),
    ).reshape(len(ends), start.seeds)
    errors = np.abs(predictions[:-1] - problem.target_columns)
    solved = np.logical_or.accumulate((errors < problem.solved_within).all(axis=(1, 2)))
    same, moves = [], []  # of each layer of the weights, and behind them of the memory
    layers = zip(
        *(chain(state.weights, *state.memory) for state in (start, *ends[:-1])), strict=True
    )
    for then, *after in layers:
        now = np.stack(after)
        same.append((now == then).all(axis=(1, 2)))
        moves.append((np.abs(now - then) / (1.0 + np.abs(then))).max(axis=(0, 1, 2)))
    returned = np.all(same, axis=0) & ~solved
    rests = np.all(same[: len(start.weights)], axis=1)
    rises = sum_in_order(np.maximum(np.diff(losses, axis=0), 0.0))
    return Outlook(
        is_known=np.ones(start.seeds, dtype=bool),
        unsolvable=_find_unsolvable(start, problem, dead & np.logical_and.accumulate(rests)[:-1].T),
        symmetric=_find_symmetric(start, problem),
        returns_after=np.where(returned.any(axis=0), returned.argmax(axis=0) + 1, NOT_REACHED),
        at_rest=_find_resting(start, problem, returned[0], advance),
        largest_move=np.max(moves[: len(start.weights)], axis=0),
        largest_step_change=_largest_step_change(start, problem),
        cost_rise=rises / losses[0],
        cost_drop=(losses[0] - losses[-1]) / losses[0],
    )


def _find_equal(first: State, second: State) -> BoolArray:
    """Which layers of the weights, and behind them of the memory, are equal: (layers, seeds)."""
    pairs = zip(*(chain(state.weights, *state.memory) for state in (first, second)), strict=True)
    return np.array([(ours == theirs).all(axis=(0, 1)) for ours, theirs in pairs])


def _find_resting(state: State, problem: Problem, asked: BoolArray, advance: Advance) -> BoolArray:
    """Which seeds, of those that are asked for, no step of an epoch changes by a bit."""
    resting, places = asked.copy(), np.flatnonzero(asked)
    state = state.select(places)
    for rows in problem.batches(state) if len(places) else ():
        step = replace(problem, inputs=problem.inputs[rows], targets=problem.targets[rows])
        (after,) = advance(state, step, 1, 1)
        resting[places] &= _find_equal(after, state).all(axis=0)
    return resting


def _largest_step_change(state: State, problem: Problem) -> Array:
    """The largest change of a prediction by a step that is taken for it, in the next epoch."""
    largest = np.zeros(state.seeds)
    for rows in problem.batches(state):
        state, before = descend(problem, state, rows)
        after = problem.network.forward(state.weights, problem.select_rows(rows)[0])
        change = np.abs(after.predictions - before.predictions).max(axis=(0, 1))
        largest = np.maximum(largest, np.where(all_finite(state.weights), change, np.inf))
    return largest


def _find_unsolvable(state: State, problem: Problem, stays: BoolArray) -> BoolArray:
    """Which seeds no weights above some layer that stays as it is, (seeds, layers), can solve."""
    unsolvable, places = np.zeros(state.seeds, dtype=bool), np.flatnonzero(stays.any(axis=1))
    if not len(places):
        return unsolvable
    activity = problem.network.forward(state.select(places).weights, problem.inputs_with_bias)
    units = _count_units(state)
    for lane, place in enumerate(places):
        unsolvable[place] = any(
            problem.find_obstacle(units[layer + 1 :], activity.layer_inputs[layer + 1][..., lane])
            for layer in np.flatnonzero(stays[place])
        )
    return unsolvable


def _find_symmetric(state: State, problem: Problem) -> BoolArray:
    """Which seeds have hidden layers of equal units, and could not be solved by one of each.

    Units that come from equal weights, go on with equal ones and remember the same get equal steps:
    they stay equal, and do no more than one of them.
    """
    layers = [part for part in (state.weights, *state.memory) if len(part) == len(state.weights)]
    units = _count_units(state)
    distinct = np.tile(units, (state.seeds, 1))
    for layer in range(len(units)):
        equal = [
            (part[layer] == part[layer][:, :1]).all(axis=(0, 1))
            & (part[layer + 1][:-1] == part[layer + 1][:1]).all(axis=(0, 1))
            for part in layers
        ]
        distinct[np.all(equal, axis=0), layer] = 1
    kinds, places = np.unique(distinct, axis=0, return_inverse=True)
    never = [kind != units and bool(problem.find_obstacle(kind)) for kind in kinds.tolist()]
    return np.array(never)[places.reshape(-1)]


def _count_units(state: State) -> list[int]:
    """Of each hidden layer."""
    return [layer.shape[1] for layer in state.weights[:-1]]
