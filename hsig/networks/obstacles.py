"""What no weights can do on a task: proofs that some sample stays wrong, whatever is learnt.

The proofs are those of exact arithmetic: where a prediction is to be on the very edge of what is
right, rounding may put it on the right side by a last bit.
"""

from collections.abc import Sequence

import numpy as np

from hsig.activations import SOFTMAX, Activation
from hsig.arrays import Array, IntArray
from hsig.networks.affine_fit import is_separable

OUT_OF_REACH = "out_of_reach"  # a target is too far from every value of the output
CONTRADICTION = "contradiction"  # samples with the same inputs have targets too far apart
ONE_DIRECTION = "one_direction"  # monotone along a line through the inputs, as the targets are not


def find_obstacle(
    activations: Sequence[Activation],
    units: Sequence[int],
    features: Array,
    targets: Array,
    solved_within: float,
) -> str:
    """Why no weights of some layers make every sample right; empty if nothing proves it.

    Layers that are lines, and single units that never fall or never rise, pass on a monotone
    function of an affine one. Where the output is above the middle of the targets on one side only,
    all is right only if that affine function parts the samples (Minsky & Papert 1969, Perceptrons).

    Args:
        activations: Of each layer, the output's last.
        units: Of each layer before the output.
        features: What the first of them sees, (samples, features), the bias's 1 last.
        targets: Shape (samples, outputs).
        solved_within: How near a prediction must be to be right.
    """
    output = activations[-1]
    if output.out_of_reach(targets, solved_within).any():
        return OUT_OF_REACH
    if find_contradictions(features, targets, solved_within):
        return CONTRADICTION
    if output.name == SOFTMAX:  # an output falls where another rises
        return ""
    goes_one_way = all(
        activation.is_linear or (width == 1 and activation.is_monotonic)
        for activation, width in zip(activations, units, strict=False)  # the output is left out
    )
    if not goes_one_way or is_separable(features, targets, solved_within):
        return ""
    middles = targets.max(axis=0) / 2.0 + targets.min(axis=0) / 2.0  # the sum may be infinite
    return ONE_DIRECTION if all(map(output.crosses_once, middles.tolist())) else ""


def find_contradictions(features: Array, targets: Array, solved_within: float) -> list[IntArray]:
    """The places of samples with equal features of which no prediction is right on all."""
    order = np.lexsort(features.T[::-1])
    differs = (np.diff(features[order], axis=0) != 0.0).any(axis=1)
    ends = np.concatenate([[0], np.flatnonzero(differs) + 1, [len(order)]])
    repeated = np.flatnonzero(np.diff(ends) > 1)
    groups = (order[ends[place] : ends[place + 1]] for place in repeated)
    return [
        np.sort(places)
        for places in groups
        if (np.ptp(targets[places], axis=0) >= 2.0 * solved_within).any()
    ]


def count_right_at_most(features: Array, targets: Array, solved_within: float) -> int:
    """How many samples any function of the features can be right on; of several outputs a bound."""
    wrong = 0
    for places in find_contradictions(features, targets, solved_within):
        kinds, rows = np.unique(targets[places], axis=0, return_counts=True)
        columns = np.sort(targets[places], axis=0).T
        most = min(_count_within(column, solved_within) for column in columns)
        if (kinds.max(axis=1) == 1.0).all() and (np.abs(kinds).sum(axis=1) == 1.0).all():
            most = min(most, int(rows.max()))  # of classes, an output each, one is right
        wrong += len(places) - most
    return len(targets) - wrong


def _count_within(values: Array, solved_within: float) -> int:
    """How many of some rising values a single one can be near enough to."""
    return max(
        int((values[first:] - values[first] < 2.0 * solved_within).sum())
        for first in range(len(values))
    )
