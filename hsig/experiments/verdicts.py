"""Why each seed ended as it did: its verdict, and of one that diverged the cause."""

from collections.abc import Callable, Mapping

import numpy as np

from hsig.engines import NOT_REACHED, Problem, Progress, State
from hsig.engines.reference import descend, steps
from hsig.experiments.evidence import Evidence
from hsig.networks.arrays import Array, BoolArray, IntArray
from hsig.networks.network import Activity, Weights, all_finite, with_bias

VERDICTS = (DIVERGED, SOLVED, DEAD, AFFINE, PLATEAU, SLOW) = (
    "diverged",
    "solved",
    "dead",
    "affine",
    "plateau",
    "slow",
)
FALL = 0.01  # of the mean cost over the last tenth of the budget; less is a plateau

# causes of divergence
SATURATED_RIGHT = "saturated_right"  # 0/0 in the loss's slope, at an answer that is exactly right
SATURATED_WRONG = "saturated_wrong"  # the loss's slope is infinite at an exactly wrong answer
OVERFLOW = "overflow"  # the weights grew beyond the largest number


def judge(
    *,
    diverged_at: IntArray,
    solved: BoolArray,
    evidence: Evidence,
    cost_before: Array,
    cost_after: Array,
) -> IntArray:
    """The verdict of each seed: the place in `VERDICTS` of the first that holds at the end.

    - `diverged`: a weight stopped being finite.
    - `solved`: every prediction is right.
    - `dead`: at least one sample is wrong, and the gradient of the loss in all weights is exactly 0
      on each wrong sample.
    - `affine`: each hidden unit stays on one linear piece of its activation for all samples, be it
      a saturated one, and so the network is an affine function of its inputs, then the output's
      activation. It is checked: the affine map read off the weights gives the same numbers.
    - `plateau`: the mean cost fell by less than 1 % over the last tenth of the budget. A cost that
      is not finite did not fall.
    - `slow`: everything else; also where the last tenth of the budget was not reached.

    Args:
        diverged_at: Shape (seeds,); an epoch, or -1.
        solved: Shape (seeds,).
        evidence: At every checkpoint; the last one counts.
        cost_before: Shape (seeds,); the mean cost where the last tenth of the budget began.
        cost_after: Shape (seeds,); the mean cost at the end.
    """
    facts = (
        diverged_at != NOT_REACHED,
        solved,
        evidence.dead[:, -1],
        evidence.affine[:, -1],
        _flat(cost_before, cost_after),
        np.ones(len(solved), dtype=bool),
    )
    first: IntArray = np.argmax(facts, axis=0)
    return first


def _flat(before: Array, after: Array) -> BoolArray:
    """Whether a cost did not fall by `FALL`."""
    with np.errstate(invalid="ignore"):
        fell: BoolArray = (after <= (1.0 - FALL) * before) & np.isfinite(after)
    return ~fell


def counted(verdict: IntArray) -> dict[str, int]:
    """How many seeds ended with each verdict that there was, in the order of precedence."""
    counts = np.bincount(verdict, minlength=len(VERDICTS)).tolist()
    return {word: n for word, n in zip(VERDICTS, counts, strict=True) if n}


def causes(
    before: State,
    problem: Problem,
    after: Progress,
    advance: Callable[[State, Problem, int], Progress],
) -> Mapping[int, str]:
    """Why each seed diverged between two states, by its place among the seeds.

    Args:
        before: The earlier state.
        problem: What was trained.
        after: The later state.
        advance: The engine that came from one to the other.
    """
    fresh = np.flatnonzero((after.diverged_at != NOT_REACHED) & (before.diverged_at == NOT_REACHED))
    found: dict[int, str] = {}
    state, places = _only(before, fresh), fresh
    for epoch in sorted(set(after.diverged_at[fresh].tolist())):
        if epoch > state.epoch:
            state = advance(state, problem, epoch - state.epoch)
        here = after.diverged_at[places] == epoch
        words = _within_epoch(_only(state, np.flatnonzero(here)).weights, problem)
        found |= dict(zip(places[here].tolist(), words, strict=True))
        state, places = _only(state, np.flatnonzero(~here)), places[~here]
    return found


def _only(state: State, seeds: IntArray) -> State:
    """The state of some seeds, by their places."""
    return State(
        epoch=state.epoch,
        weights=Weights(*(layer[..., seeds] for layer in state.weights)),
        solved_at=state.solved_at[seeds],
        lost_at=state.lost_at[seeds],
        diverged_at=state.diverged_at[seeds],
    )


def _within_epoch(weights: Weights, problem: Problem) -> list[str]:
    """For seeds that diverge in the epoch that begins with these weights: why."""
    inputs, targets = with_bias(problem.inputs), problem.targets[:, None, None]
    words = [OVERFLOW] * weights.hidden.shape[-1]
    going = np.ones(len(words), dtype=bool)  # whose weights are still finite
    with np.errstate(all="ignore"):
        for samples in steps(len(inputs), problem.update):
            activity = problem.network.forward(weights, inputs[samples])
            weights = descend(problem, weights, activity, targets[samples])
            finite = all_finite(weights)
            for seed in np.flatnonzero(going & ~finite):
                words[seed] = _word(problem, activity, targets[samples], int(seed))
            going &= finite
    return words


def _word(problem: Problem, activity: Activity, targets: Array, seed: int) -> str:
    deltas = problem.network.output_deltas(activity, targets)[:, 0, seed]
    predictions, wanted = activity.predictions[:, 0, seed], targets[:, 0, 0]
    broken = ~np.isfinite(deltas)
    if (broken & (predictions == wanted)).any():
        return SATURATED_RIGHT
    if (broken & ((predictions == 0.0) | (predictions == 1.0))).any():
        return SATURATED_WRONG
    return OVERFLOW
