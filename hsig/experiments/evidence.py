"""What a network is doing at one moment: on which linear pieces its units are, and what it learns.

Arrays in and out have seeds first, but for the weights and activity, which are the engines'.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from hsig.networks.arrays import Array, BoolArray, sum_in_order
from hsig.networks.network import Activity, Network, Weights, all_finite

_ROUNDING = 1e-12  # of an affine map against the network it is read off, relative to its terms


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is seen of each seed; over several checkpoints, these are the second axis.

    A unit and a sample make a pair: the unit's pre-activation for that sample.

    Attributes:
        on_piece: Shape (seeds, pieces + 1); share of the pairs that lie on each linear piece of
            the hidden activation, from left to right, and last on none.
        on_one_piece: Shape (seeds,); share of the hidden units that stay on one linear piece for
            all samples.
        alive: Shape (seeds,); share of the hidden units whose training slope is not 0 on some
            sample; 0 where a weight is not finite.
        gradient: Shape (seeds, 2); Euclidean norm of the mean loss's gradient in the weights of
            the hidden layer and of the output.
        solved: Shape (seeds,); whether all samples are right and every weight is finite.
        dead: Shape (seeds,); whether some sample is wrong, and the gradient of the loss in all
            weights is exactly 0 on each wrong one.
        affine: Shape (seeds,); whether each hidden unit stays on one linear piece for all samples,
            and the affine map read off the weights gives the network's pre-activations.
    """

    on_piece: Array
    on_one_piece: Array
    alive: Array
    gradient: Array
    solved: BoolArray
    dead: BoolArray
    affine: BoolArray


def examine(
    network: Network, weights: Weights, activity: Activity, targets: Array, solved_within: float
) -> Evidence:
    """Look at every seed.

    Args:
        network: What each layer does.
        weights: Seeds last.
        activity: What `network` makes of them for all samples.
        targets: Shape (samples,).
        solved_within: A sample is right when |prediction - target| is below this.
    """
    wanted = targets[:, None, None]
    with np.errstate(all="ignore"):
        right = np.abs(activity.predictions - wanted) < solved_within
        deltas = network.output_deltas(activity, wanted)
        gradient = network.gradient(weights, activity, wanted)
        slope = network.hidden_activation.training_slope(
            activity.hidden_pre_activations, activity.hidden[:, :-1]
        )
        pieces = _pieces(network, activity)
        affine = _agrees(weights, activity, pieces)
        norms = np.stack([_norm(layer) for layer in gradient], axis=1)
    finite = all_finite(weights)
    return Evidence(
        on_piece=pieces.shares,
        on_one_piece=pieces.settled.mean(axis=0),
        alive=((slope != 0.0) & finite).any(axis=0).mean(axis=0),
        gradient=norms,
        solved=_every(right) & finite,
        dead=~_every(right) & _every(right | (deltas == 0.0)),
        affine=_every(pieces.settled) & _every(affine) & finite,
    )


def stack(moments: Sequence[Evidence]) -> Evidence:
    """The evidence of several checkpoints, which become the second axis."""
    return Evidence(
        **{
            field.name: np.stack([getattr(moment, field.name) for moment in moments], axis=1)
            for field in fields(Evidence)
        }
    )


@dataclass(frozen=True, eq=False)
class _Pieces:
    """Where the hidden units are; `settled` and the line of each settled unit (hidden, seeds)."""

    shares: Array
    settled: BoolArray
    slope: Array
    intercept: Array


def _pieces(network: Network, activity: Activity) -> _Pieces:
    pre_activations = activity.hidden_pre_activations
    samples, hidden, seeds = pre_activations.shape
    settled = np.zeros((hidden, seeds), dtype=bool)
    slope, intercept = np.zeros((2, hidden, seeds))
    counts = []
    for piece in network.hidden_activation.linear_pieces:
        inside = piece.contains(pre_activations)
        counts.append(inside.sum(axis=(0, 1)))
        here = inside.all(axis=0)
        settled |= here
        slope[here] = piece.slope
        intercept[here] = piece.intercept
    counts.append(samples * hidden - sum(counts, start=np.zeros(seeds, dtype=np.int64)))
    return _Pieces(np.stack(counts, axis=1) / (samples * hidden), settled, slope, intercept)


def _agrees(weights: Weights, activity: Activity, pieces: _Pieces) -> BoolArray:
    """Whether the affine map of the settled units gives the output's pre-activations.

    Shape (samples, seeds).
    """
    onward = weights.output[:-1, 0]  # (hidden, seeds)
    map_weights = sum_in_order(np.moveaxis(weights.hidden * (onward * pieces.slope), 1, 0))
    offset = sum_in_order(onward * pieces.intercept) + weights.output[-1, 0]
    mapped = sum_in_order(np.moveaxis(activity.inputs * map_weights, 1, 0)) + offset
    terms = np.abs(weights.hidden * (onward * pieces.slope)).sum(axis=1)
    size = (np.abs(activity.inputs) * terms).sum(axis=1)
    size += np.abs(onward * pieces.intercept).sum(axis=0) + np.abs(weights.output[-1, 0])
    close: BoolArray = np.abs(mapped - activity.output_pre_activations[:, 0]) <= _ROUNDING * size
    return close


def _every(facts: BoolArray) -> BoolArray:
    """For each seed, whether all hold; seeds last in."""
    held: BoolArray = np.all(facts, axis=tuple(range(facts.ndim - 1)))
    return held


def _norm(layer: Array) -> Array:
    """Euclidean norm of a layer's gradient, for each seed; seeds last in."""
    return np.sqrt(sum_in_order((layer * layer).reshape(-1, layer.shape[-1])))
