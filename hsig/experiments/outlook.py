"""What a network is about to do, found by training a copy of it for a few more epochs.

Arrays have seeds first in what is returned; inside, as the engines have them, last.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from itertools import chain
from typing import Any

import numpy as np

from hsig.arrays import Array, BoolArray, IntArray, find_same_bits, mean_in_order, sum_in_order
from hsig.engines.engine import NOT_REACHED, Problem, State, Strides
from hsig.engines.optimizers import SGD, Optimizer
from hsig.engines.order import ONLINE, Order
from hsig.engines.reference import descend
from hsig.experiments.evidence import map_arrays
from hsig.networks.losses import LOSSES, rows_right
from hsig.networks.network import Network, Weights, all_finite, append_ones

WINDOW = 40  # epochs, at most
_MAX_WORK = 10_000_000  # weights times rows that a seed of a large task passes through within it
_MAX_STEPS = 1000  # of an epoch of which the change of a prediction is looked at
_FAR = 1.2345e300  # a target that no unit is near; a slope of 1e-323 times this is not 0

Advance = Callable[[State, Problem, int, int], Strides]  # an engine's in strides
Evaluate = Callable[[Problem, Weights], tuple[Array, Array]]  # an engine's

_MAX_NUMBERS = 4_000_000  # of the states within the window that are held together


@dataclass(frozen=True, eq=False)
class Outlook:
    """What each seed does in the next epochs, `count_epochs`; arrays have shape (seeds,)."""

    # not of a seed that is solved, has diverged or has stopped; the rest is nan, NOT_REACHED or
    # false then
    is_known: BoolArray
    # whether a hidden layer without a slope and those below never move by a bit, and with these as
    # they are no weights of the layers above would be right on every sample
    unsolvable: BoolArray
    # whether the units of a hidden layer are all the same, and so for ever, and no weights of such
    # a network would be right on every sample
    symmetric: BoolArray
    # epochs until weights and memory are, bit for bit, what they were, 1 if nothing moves;
    # NOT_REACHED if they are not within the window, or one of the states between is solved, or the
    # rows come in another order each epoch
    returns_after: IntArray
    at_rest: BoolArray  # whether no step to come changes a bit of a weight, in whatever order
    largest_move: Array  # of a weight within the window, relative to 1 and its size
    # of a prediction, by a step of the first epoch on that sample, relative to the spread of its
    # targets
    largest_step_change: Array
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


def count_epochs(problem: Problem, weights: Weights) -> int:
    """How many epochs to look ahead: `WINDOW`, or for a large task as many as are bearable."""
    work = len(problem.inputs) * sum(layer[..., 0].size for layer in weights)
    return min(WINDOW, max(1, _MAX_WORK // work))


def look_ahead(
    state: State, problem: Problem, open_seeds: BoolArray, advance: Advance, evaluate: Evaluate
) -> Outlook:
    """Train a copy of those `open_seeds` on that have not solved it, diverged or stopped."""
    problem = replace(problem, stop_loss=None, stop_solved=False)
    outlook, asked = Outlook.unknown(len(open_seeds)), np.flatnonzero(open_seeds)
    rows, outputs = problem.targets.shape
    numbers = sum(layer[..., 0].size for layer in chain(state.weights, *state.memory))
    numbers += rows * (outputs + 1)
    step = min(problem.order.batch_size or rows, rows) * sum(x.shape[1] for x in state.weights)
    most = max(1, _MAX_NUMBERS // (count_epochs(problem, state.weights) * numbers + step))
    for places in (asked[first : first + most] for first in range(0, len(asked), most)):
        with np.errstate(all="ignore"):
            found = _look_ahead(state.select(places), problem.select(places), advance, evaluate)
        for field in fields(found):
            getattr(outlook, field.name)[places] = getattr(found, field.name)
    return outlook


def _look_ahead(start: State, problem: Problem, advance: Advance, evaluate: Evaluate) -> Outlook:
    ahead = advance(start, problem, 1, count_epochs(problem, start.weights))
    # the networks before and after each of these epochs side by side, as if all had own seeds
    weights = tuple(
        np.stack([first, *later], axis=-2).reshape(*first.shape[:-1], -1)
        for first, later in zip(start.weights, ahead.weights, strict=True)
    )
    predictions, by_row = evaluate(problem, weights)
    losses = mean_in_order(by_row).reshape(-1, start.seeds)
    right = rows_right(predictions, problem.target_columns, problem.solved_within)
    right = right.all(axis=0).reshape(losses.shape)
    solved: BoolArray = np.logical_or.accumulate(right)[:-1]
    same, moves = [], []  # of each layer of the weights, and behind them of the memory
    layers = (chain(state.weights, *state.memory) for state in (start, ahead))
    for then, now in zip(*layers, strict=True):
        same.append(find_same_bits(now, then))
        moves.append((np.abs(now - then) / (1.0 + np.abs(then))).max(axis=(0, 1, 2)))
    returned = np.all(same, axis=0) & ~solved & (not problem.order.shuffled)
    # which layers, with those below, do not move: (layers, seeds)
    rests = np.logical_and.accumulate(np.all(same[: len(start.weights)], axis=1))
    rises = sum_in_order(np.maximum(np.diff(losses, axis=0), 0.0))
    return Outlook(
        is_known=np.ones(start.seeds, dtype=bool),
        unsolvable=_find_unsolvable(start, problem, rests[:-1], advance),
        symmetric=_find_symmetric(start, problem),
        returns_after=np.where(returned.any(axis=0), returned.argmax(axis=0) + 1, NOT_REACHED),
        at_rest=_find_resting(start, problem, rests[-1], advance),
        largest_move=np.max(moves[: len(start.weights)], axis=0),
        largest_step_change=_largest_step_change(start, problem),
        cost_rise=rises / losses[0],
        cost_drop=(losses[0] - losses[-1]) / losses[0],
    )


def _find_resting(state: State, problem: Problem, asked: BoolArray, advance: Advance) -> BoolArray:
    """Which seeds, of those that are asked for, no step to come changes by a bit.

    While weights stay, a row has the same gradient in each epoch. Where the same batches come in
    each, or rows one by one, those are all that a step can be taken by. Of other batches the rows
    have bounds.
    """
    places = np.flatnonzero(asked)
    if not len(places):
        return asked
    state, problem = state.select(places), problem.select(places)
    optimizer, order = problem.optimizer, problem.order
    if order.shuffled and order.batch_size != 1:
        low, high = optimizer.bound_gradient(
            *_bound_gradients(state, problem, ONLINE, SGD, advance),
            state.weights,
            len(problem.inputs),
        )
    else:
        low, high = _bound_gradients(state, problem, order, optimizer, advance)
    kept = optimizer.keeps(state.weights, state.memory, low, high, problem.learning_rate)
    resting = np.zeros_like(asked)
    resting[places] = kept.all(axis=0)
    return resting


def _bound_gradients(
    state: State, problem: Problem, order: Order, optimizer: Optimizer, advance: Advance
) -> tuple[Weights, Weights]:
    """The least and the largest gradient of each weight, over the batches of an order.

    As the engine has it, clipped and with the decay of an optimizer: momentum of 0 remembers just
    that, and a rate of 0 leaves the weights.
    """
    decay, clip_norm = optimizer.added_decay, optimizer.clip_norm
    reading = Optimizer("momentum", (0.0,), decay, clip_norm)
    problem = replace(problem, order=Order(None), optimizer=reading, learning_rate=0.0)
    state = replace(state, memory=reading.start(state.weights))
    low: Weights = ()
    high: Weights = ()
    for rows in order.batches(len(problem.inputs)):
        batch = replace(problem, inputs=problem.inputs[rows], targets=problem.targets[rows])
        gradient = advance(state, batch, 1, 1)[0].memory[0]
        low = tuple(map(np.minimum, low or gradient, gradient))
        high = tuple(map(np.maximum, high or gradient, gradient))
    return low, high


def _largest_step_change(state: State, problem: Problem) -> Array:
    """The largest change of a prediction by a step that is taken for it, in the next epoch.

    Of the first steps, and relative to the spread of its targets.
    """
    spread = np.ptp(problem.targets, axis=0)[:, None]
    spread = np.where(spread == 0.0, 1.0, spread)
    largest = np.zeros(state.seeds)
    for rows in problem.batches(state)[:_MAX_STEPS]:
        state, before = descend(problem, state, rows)
        after = problem.network.forward(state.weights, problem.select_rows(rows)[0])
        change = (np.abs(after.predictions - before.predictions) / spread).max(axis=(0, 1))
        largest = np.maximum(largest, np.where(all_finite(state.weights), change, np.inf))
    return largest


def _find_unsolvable(
    state: State, problem: Problem, stays: BoolArray, advance: Advance
) -> BoolArray:
    """Which seeds no weights above some layer that stays as it is, (layers, seeds), can solve.

    It stays if the engine, too, finds no slope on any sample, and what else moves weights, memory
    and decay, rounds away in this layer and those below.
    """
    unsolvable, units = np.zeros(state.seeds, dtype=bool), _count_units(state)
    for layer, seeds in enumerate(stays):
        places = np.flatnonzero(seeds & ~unsolvable)
        most = max(1, _MAX_NUMBERS // (len(problem.inputs) * (units[layer] + 1)))
        for some in (places[first : first + most] for first in range(0, len(places), most)):
            below = _take_layers(state.select(some), layer + 1)
            chosen, optimizer = problem.select(some), problem.optimizer
            decay = tuple(optimizer.added_decay * part for part in below.weights)
            kept = optimizer.keeps(below.weights, below.memory, decay, decay, chosen.learning_rate)
            features, slopeless = _examine_layer(below, chosen, advance)
            for lane in np.flatnonzero(kept.all(axis=0) & slopeless):
                obstacle = problem.find_obstacle(units[layer + 1 :], features[..., lane])
                unsolvable[some[lane]] = bool(obstacle)
    return unsolvable


def _take_layers(state: State, layers: int) -> State:
    """The first layers, with what is remembered of them."""
    memory = tuple(part[:layers] for part in state.memory)
    return replace(state, weights=state.weights[:layers], memory=memory)


def _examine_layer(state: State, problem: Problem, advance: Advance) -> tuple[Array, BoolArray]:
    """What the last of some layers passes on, and which seeds have no slope there, by the engine.

    The outputs have shape (samples, units + 1, seeds), the bias's 1 last. They are trained, at a
    rate of 0, for a target that none is near: only where a slope is 0 the bias's gradient is, and
    RMSprop remembers whether it ever was not.
    """
    *weights, last = state.weights
    if len(last) == (weights[-1].shape[1] if weights else problem.inputs.shape[1]):
        last = np.concatenate([last, np.zeros_like(last[:1])])  # it has no bias
    weights = [*weights, last]
    reading = Optimizer("rmsprop", (1.0 - 2.0**-53, 1.0))
    problem = replace(
        problem,
        network=Network(problem.network.activations[: len(weights)], LOSSES["squared"]),
        targets=np.full((len(problem.inputs), last.shape[1]), _FAR),
        learning_rate=0.0,
        order=ONLINE,
        optimizer=reading,
    )
    state = replace(state, weights=tuple(weights), memory=reading.start(tuple(weights)))
    (after,) = advance(state, problem, 1, 1)
    return append_ones(after.predictions), (after.memory[0][-1][-1] == 0.0).all(axis=0)


def _find_symmetric(state: State, problem: Problem) -> BoolArray:
    """Which seeds have hidden layers of equal units, and could not be solved by one of each.

    Units that come from equal weights, go on with equal ones and remember the same get equal steps:
    they stay equal, and do no more than one of them.
    """
    layers = [state.weights, *state.memory[: problem.optimizer.rule.means]]
    units = _count_units(state)
    distinct = np.tile(units, (state.seeds, 1))
    for layer, width in enumerate(units):
        equal = [
            _are_same(part[layer].swapaxes(0, 1)) & _are_same(part[layer + 1][:width])
            for part in layers
        ]
        distinct[np.all(equal, axis=0), layer] = 1
    kinds, places = np.unique(distinct, axis=0, return_inverse=True)
    never = [kind != units and bool(problem.find_obstacle(kind)) for kind in kinds.tolist()]
    return np.array(never)[places.reshape(-1)]


def _are_same(units: Array) -> BoolArray:
    """Which seeds have the same numbers for all units, the first axis, to the bit."""
    return find_same_bits(units, np.broadcast_to(units[:1], units.shape))


def _count_units(state: State) -> list[int]:
    """Of each hidden layer."""
    return [layer.shape[1] for layer in state.weights[:-1]]
