"""Why each seed ended as it did: its verdict, and of one that diverged the cause.

A verdict says what could still happen with more epochs. It follows from the weights at the end and
the setting alone, not from the way there, and means the same for every activation.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from hsig.arrays import BoolArray, IntArray
from hsig.engines.engine import NOT_REACHED, Problem, Progress, State
from hsig.engines.reference import descend
from hsig.experiments.evidence import NO_BEND, NO_GRADIENT, Evidence
from hsig.experiments.outlook import Advance, Outlook
from hsig.networks.network import all_finite

# Kept runs hold the place of a verdict here, so new ones are added at the end.
VERDICTS = (
    DIVERGED, SOLVED, DEAD, AFFINE, PLATEAU, SLOW, FROZEN, SATURATED, UNSTABLE, STOPPED,
    UNREACHABLE, CYCLING, SYMMETRIC, REACHED,
) = (
    "diverged", "solved", "dead", "affine", "plateau", "slow", "frozen", "saturated", "unstable",
    "stopped", "unreachable", "cycling", "symmetric", "reached",
)  # fmt: skip

UNSTABLE_RISE = 0.01  # of the weights' loss within the window, relative to it
UNSTABLE_CHANGE = 0.5  # of a prediction by one step, relative to the spread of its targets
PLATEAU_DROP = 0.001  # of the weights' loss over the window, relative to it; less is a plateau


@dataclass(frozen=True, kw_only=True)
class Ending:
    """What seeds are judged by; arrays have shape (seeds,)."""

    diverged_at: IntArray
    stopped_at: IntArray
    solved: BoolArray
    evidence: Evidence  # at the end
    outlook: Outlook  # from there on
    # whether, for all that is proved, an affine pre-activation of the output can be right on every
    # sample, and whether some weights of the network can
    affine_solves: bool
    reachable: bool


class Rule(NamedTuple):
    """When a seed has a verdict, if none before it holds."""

    holds: Callable[[Ending], BoolArray | bool]
    never: bool = False  # whether such a seed is not solved by any number of epochs more
    # of what is measured (a field of `Evidence` or `Outlook`) its bound
    tolerances: Mapping[str, float] = MappingProxyType({})


# in the order of precedence: the first that holds
RULES: Mapping[str, Rule] = MappingProxyType(
    {
        # a weight stopped being finite
        DIVERGED: Rule(lambda end: end.diverged_at != NOT_REACHED, never=True),
        SOLVED: Rule(lambda end: end.solved),
        # the loss of the weights got down to where the seed was to stop
        REACHED: Rule(lambda end: end.stopped_at != NOT_REACHED),
        # training was stopped before its budget, so nothing can be said
        STOPPED: Rule(lambda end: ~end.outlook.is_known),
        # no weights make every sample right: targets beyond the output, samples that contradict
        # each other, or a network that does no more than an affine function, which is not enough
        UNREACHABLE: Rule(lambda end: not end.reachable, never=True),
        # in some hidden layer all units are the same, bit for bit, and get the same steps, and no
        # weights of a network with one unit instead would make every sample right
        SYMMETRIC: Rule(lambda end: end.outlook.symmetric, never=True),
        # in some hidden layer no unit has a slope on any sample, it and those below stay as they
        # are, whatever is remembered or decays, and with these no weights of the layers above would
        # make every sample right
        DEAD: Rule(
            lambda end: end.evidence.dead & end.outlook.unsolvable,
            never=True,
            tolerances={"slope": 0.0},
        ),
        # no step to come changes a bit of a weight, on any rows that can come
        FROZEN: Rule(lambda end: end.outlook.at_rest, never=True),
        # within the window the weights and the optimizer's memory are again what they were, bit for
        # bit, in an order that stays, and so will be for ever, and no state between is solved
        CYCLING: Rule(lambda end: end.outlook.returns_after != NOT_REACHED, never=True),
        # the output is flat on every sample that is wrong: none of them teaches; those that are
        # right may still move the weights
        SATURATED: Rule(
            lambda end: end.evidence.saturated, tolerances={"wrong_gradient": NO_GRADIENT}
        ),
        # the weights' loss rises within the window, or a single step throws a prediction that it is
        # taken for by half the way from wrong to right
        UNSTABLE: Rule(
            lambda end: (
                (end.outlook.cost_rise >= UNSTABLE_RISE)
                | (end.outlook.largest_step_change >= UNSTABLE_CHANGE)
            ),
            tolerances={"cost_rise": UNSTABLE_RISE, "largest_step_change": UNSTABLE_CHANGE},
        ),
        # the output's pre-activation is, as good as, an affine function of the inputs, and none
        # solves the task with this output
        AFFINE: Rule(
            lambda end: end.evidence.affine & (not end.affine_solves),
            tolerances={"nonaffinity": NO_BEND},
        ),
        # the weights' loss falls by less than 0.1 % within the window, or is not finite
        PLATEAU: Rule(
            lambda end: ~(end.outlook.cost_drop >= PLATEAU_DROP),
            tolerances={"cost_drop": PLATEAU_DROP},
        ),
        # everything else: the loss falls
        SLOW: Rule(lambda _: True),
    }
)

# causes of divergence
SATURATED_RIGHT = "saturated_right"  # 0/0 in the loss's slope, at an answer that is exactly right
SATURATED_WRONG = "saturated_wrong"  # the loss's slope is infinite at an exactly wrong answer
OVERFLOW = "overflow"  # the weights grew beyond the largest number


def judge(ending: Ending) -> IntArray:
    """The verdict of each seed, its place in `VERDICTS`: the first in `RULES` that holds."""
    seeds = len(ending.solved)
    holds = [np.broadcast_to(rule.holds(ending), seeds) for rule in RULES.values()]
    first = np.argmax(holds, axis=0)
    places: IntArray = np.array([VERDICTS.index(word) for word in RULES])[first]
    return places


def count_verdicts(verdict: IntArray) -> dict[str, int]:
    """How many seeds ended with each verdict that there was, in the order of precedence."""
    counts = np.bincount(verdict, minlength=len(VERDICTS)).tolist()
    return {word: n for word in RULES if (n := counts[VERDICTS.index(word)])}


def divergence_causes(
    before: State, problem: Problem, after: Progress, advance: Advance
) -> Mapping[int, str]:
    """Why each seed diverged between two states, by its place among the seeds."""
    fresh = np.flatnonzero((after.diverged_at != NOT_REACHED) & (before.diverged_at == NOT_REACHED))
    causes: dict[int, str] = {}
    if not len(fresh):  # as after nearly every stride
        return causes
    state, problem, places = before.select(fresh), problem.select(fresh), fresh
    for epoch in sorted(set(after.diverged_at[fresh].tolist())):
        if epoch > state.epoch:
            state = advance(state, problem, epoch - state.epoch, 1)[0]
        now = after.diverged_at[places] == epoch
        here, others = np.flatnonzero(now), np.flatnonzero(~now)
        found = _causes_within_epoch(state.select(here), problem.select(here))
        causes |= dict(zip(places[now].tolist(), found, strict=True))
        state, problem, places = state.select(others), problem.select(others), places[~now]
    return causes


def _causes_within_epoch(state: State, problem: Problem) -> list[str]:
    """Why seeds diverge in the epoch that begins here: by the step after which a weight is not."""
    causes = np.full(state.seeds, OVERFLOW)
    was_finite = np.ones(state.seeds, dtype=bool)
    with np.errstate(all="ignore"):
        for rows in problem.batches(state):
            state, activity = descend(problem, state, rows)
            targets, predictions = problem.select_rows(rows)[1], activity.predictions
            undefined = ~np.isfinite(problem.network.output_deltas(activity, targets))
            saturated = (predictions == 0.0) | (predictions == 1.0)
            right = (undefined & (predictions == targets)).any(axis=(0, 1))
            wrong = (undefined & saturated).any(axis=(0, 1))
            cause = np.select([right, wrong], [SATURATED_RIGHT, SATURATED_WRONG], OVERFLOW)
            is_finite = all_finite(state.weights)
            causes = np.where(was_finite & ~is_finite, cause, causes)
            was_finite &= is_finite
    return causes.tolist()
