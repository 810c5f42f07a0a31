"""What a network is about to do: seen by training a copy of it on for a few epochs.

Arrays have seeds first in what is returned; inside, as the engines have them, last.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hsig.engines import NOT_REACHED, Problem, Progress, State
from hsig.engines.reference import descend, steps
from hsig.networks.affine_fit import is_separable
from hsig.networks.arrays import Array, BoolArray, IntArray, sum_in_order
from hsig.networks.network import all_finite, with_bias

WINDOW = 40  # epochs

Advance = Callable[[State, Problem, int], Progress]


@dataclass(frozen=True, eq=False)
class Outlook:
    """What each seed does in the next `WINDOW` epochs; arrays have shape (seeds,).

    Attributes:
        looked: Whether it was looked at: not if it is solved or has diverged, nor if it was
            stopped before its budget. The rest is nan, NOT_REACHED or false then.
        unsolvable: Whether the hidden layer does not move within the window, not by a bit, and
            with it as it is no weights of the output layer would be right on every sample; asked
            of those whose hidden layer is dead.
        returns_after: Epochs until the weights are, bit for bit, what they were: 1 if nothing
            moves. NOT_REACHED if they are not within the window.
        swing: The largest change of a prediction by a step of the first epoch that is taken for
            that sample.
        rise: What the mean cost rises from epoch to epoch, all rises together, relative to the
            cost at first.
        fall: What the mean cost has fallen in the end, relative to the cost at first.
    """

    looked: BoolArray
    unsolvable: BoolArray
    returns_after: IntArray
    swing: Array
    rise: Array
    fall: Array

    @classmethod
    def unknown(cls, seeds: int) -> "Outlook":
        """Of so many seeds that were not looked at."""
        no, nan = np.zeros(seeds, dtype=bool), np.full(seeds, np.nan)
        return cls(
            looked=no,
            unsolvable=no.copy(),
            returns_after=np.full(seeds, NOT_REACHED, dtype=np.int64),
            swing=nan,
            rise=nan.copy(),
            fall=nan.copy(),
        )


def look_ahead(
    state: State, problem: Problem, open_seeds: BoolArray, dead: BoolArray, advance: Advance
) -> Outlook:
    """Train a copy on for `WINDOW` epochs.

    Args:
        state: At the end of the budget; it is left as it was.
        problem: What is trained.
        open_seeds: Shape (seeds,); which have not solved it, and not diverged.
        dead: Shape (seeds,); whose hidden layer has no slope.
        advance: The engine.
    """
    outlook = Outlook.unknown(len(open_seeds))
    places = np.flatnonzero(open_seeds)
    if not len(places):
        return outlook
    outlook.looked[places] = True
    here = state.of(places)
    with np.errstate(all="ignore"):
        outlook.swing[places] = _swing(here, problem)
        outlook.returns_after[places], stays, costs = _window(here, problem, advance)
        asked = places[dead[places] & stays]
        if len(asked):
            outlook.unsolvable[asked] = _unsolvable(state.of(asked), problem)
        steps_of_cost = np.diff(costs, axis=0)
        outlook.rise[places] = sum_in_order(np.maximum(steps_of_cost, 0.0)) / costs[0]
        outlook.fall[places] = (costs[0] - costs[-1]) / costs[0]
    return outlook


def _window(state: State, problem: Problem, advance: Advance) -> tuple[IntArray, BoolArray, Array]:
    """What is seen in the window.

    Returns:
        When the weights return, and whether those of the hidden layer stay, both of shape (seeds,);
        the mean cost of each epoch, (WINDOW + 1, seeds).
    """
    start, costs = state.weights, []
    returns = np.full(start.hidden.shape[-1], NOT_REACHED, dtype=np.int64)
    stays = np.ones(len(returns), dtype=bool)
    for epoch in range(1, WINDOW + 1):
        progress = advance(state, problem, 1)
        costs.append(_mean_cost(progress))
        hidden, output = (
            (now == then).all(axis=(0, 1))
            for now, then in zip(progress.weights, start, strict=True)
        )
        returns[hidden & output & (returns == NOT_REACHED)] = epoch
        stays &= hidden
        state = progress
    costs.append(_mean_cost(advance(state, problem, 1)))
    return returns, stays, np.stack(costs)


def _mean_cost(progress: Progress) -> Array:
    """The mean cost that the first epoch printed, of each seed."""
    return sum_in_order(progress.losses) / len(progress.losses)


def _swing(state: State, problem: Problem) -> Array:
    """The largest change of a prediction by a step that is taken for it, in the next epoch."""
    inputs, targets = with_bias(problem.inputs), problem.targets[:, None, None]
    network, weights = problem.network, state.weights
    largest = np.zeros(weights.hidden.shape[-1])
    for samples in steps(len(inputs), problem.update):
        before = network.forward(weights, inputs[samples])
        weights = descend(problem, weights, before, targets[samples])
        after = network.forward(weights, inputs[samples])
        change = np.abs(after.predictions - before.predictions).max(axis=(0, 1))
        largest = np.maximum(largest, np.where(all_finite(weights), change, np.inf))
    return largest


def _unsolvable(state: State, problem: Problem) -> BoolArray:
    """Whether the hidden outputs cannot be told apart as the targets ask, by any output weights."""
    seeds = state.weights.hidden.shape[-1]
    found = np.zeros(seeds, dtype=bool)
    if not problem.network.output_activation.is_monotonic:
        return found
    hidden = problem.network.forward(state.weights, with_bias(problem.inputs)).hidden
    known: dict[bytes, bool] = {}
    for seed in range(seeds):
        features = np.ascontiguousarray(hidden[:, :, seed])
        key = features.tobytes()
        if key not in known:
            known[key] = not is_separable(features, problem.targets, problem.solved_within)
        found[seed] = known[key]
    return found
