"""What a network is doing at one moment: on which linear pieces its units are, and what it learns.

Arrays in and out have seeds first, but for the weights and activity, which are the engines'.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import fsum, sqrt

import numpy as np

from hsig.networks.arrays import Array, BoolArray, sum_in_order
from hsig.networks.network import Activity, Network, Weights, all_finite

NO_SLOPE = 1e-12  # of a hidden unit; a smooth one's is never exactly 0
NO_GRADIENT = 1e-6  # of a sample's loss in the output's pre-activation
NO_BEND = 0.01  # of the output's pre-activation; the logistic sigmoid changes by 1/400 over it

_ROUNDING = 1e-12  # what is left of an input without those before it counts as none below this


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
        slope: Shape (seeds,); the largest size of a training slope of the hidden layer, over its
            units and the samples.
        wrong_gradient: Shape (seeds,); the largest size of the slope of a sample's loss in the
            output's pre-activation, over the samples that are wrong; 0 if none is.
        departure: Shape (seeds,); how far the output's pre-activation is from its best affine
            fit to the inputs (least squares), at the sample where that is most.
    """

    on_piece: Array
    on_one_piece: Array
    alive: Array
    gradient: Array
    solved: BoolArray
    slope: Array
    wrong_gradient: Array
    departure: Array

    @property
    def dead(self) -> BoolArray:
        """Whether no hidden unit has a slope on any sample, so that the hidden layer stays."""
        return self.slope <= NO_SLOPE

    @property
    def saturated(self) -> BoolArray:
        """Whether some sample is wrong, and the output teaches nothing on any that is."""
        return ~self.solved & (self.wrong_gradient <= NO_GRADIENT)

    @property
    def affine(self) -> BoolArray:
        """Whether the network is, as good as, an affine function, then the output's activation."""
        return self.departure < NO_BEND

    def at(self, checkpoint: int) -> "Evidence":
        """What is seen at one of several checkpoints."""
        return Evidence(
            **{field.name: getattr(self, field.name)[:, checkpoint] for field in fields(Evidence)}
        )


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
        deltas = np.abs(network.output_deltas(activity, wanted))
        gradient = network.gradient(weights, activity, wanted)
        slope = np.abs(
            network.hidden_activation.training_slope(
                activity.hidden_pre_activations, activity.hidden[:, :-1]
            )
        )
        shares, settled = _pieces(network, activity)
        norms = np.stack([_norm(layer) for layer in gradient], axis=1)
        departure = _departure(activity)
    finite = all_finite(weights)
    return Evidence(
        on_piece=shares,
        on_one_piece=settled.mean(axis=0),
        alive=((slope != 0.0) & finite).any(axis=0).mean(axis=0),
        gradient=norms,
        solved=right.all(axis=(0, 1)) & finite,
        slope=np.where(finite, slope.max(axis=(0, 1)), np.nan),
        wrong_gradient=np.where(right, 0.0, deltas).max(axis=(0, 1)),
        departure=departure,
    )


def stack(moments: Sequence[Evidence]) -> Evidence:
    """The evidence of several checkpoints, which become the second axis."""
    return Evidence(
        **{
            field.name: np.stack([getattr(moment, field.name) for moment in moments], axis=1)
            for field in fields(Evidence)
        }
    )


def _pieces(network: Network, activity: Activity) -> tuple[Array, BoolArray]:
    """The share of the pairs on each piece, and which units (hidden, seeds) stay on one."""
    pre_activations = activity.hidden_pre_activations
    samples, hidden, seeds = pre_activations.shape
    settled = np.zeros((hidden, seeds), dtype=bool)
    counts = []
    for piece in network.hidden_activation.linear_pieces:
        inside = piece.contains(pre_activations)
        counts.append(inside.sum(axis=(0, 1)))
        settled |= inside.all(axis=0)
    counts.append(samples * hidden - sum(counts, start=np.zeros(seeds, dtype=np.int64)))
    return np.stack(counts, axis=1) / (samples * hidden), settled


def _departure(activity: Activity) -> Array:
    """Largest residual of the least-squares fit of the output's pre-activation to the inputs."""
    directions = _directions(activity.inputs[:, :, 0])[:, :, None]  # (samples, rank, 1)
    z = activity.output_pre_activations  # (samples, 1, seeds)
    amounts = sum_in_order(directions * z)  # (rank, seeds)
    fit = sum_in_order((directions * amounts).swapaxes(0, 1))  # (samples, seeds)
    largest: Array = np.abs(z[:, 0] - fit).max(axis=0)
    return largest


def _directions(inputs: Array) -> Array:
    """An orthonormal basis of the columns of (samples, inputs), of shape (samples, rank).

    By Gram's and Schmidt's method, each column twice, with sums that are rounded once: a matrix
    library would have other last bits on another processor.

    Source:
        Giraud, Langou & Rozloznik 2005, Computers & Mathematics with Applications 50:1069-1075.
    """
    found: list[Array] = []
    for column in inputs.T:
        rest = column / (np.abs(column).max() or 1.0)
        size = _length(rest)
        for direction in found * 2:
            rest = rest - direction * fsum(direction * rest)
        left = _length(rest)
        if left > _ROUNDING * size:
            found.append(rest / left)
    return np.stack(found, axis=1)


def _length(vector: Array) -> float:
    return sqrt(fsum(vector * vector))


def _norm(layer: Array) -> Array:
    """Euclidean norm of a layer's gradient, for each seed; seeds last in."""
    return np.sqrt(sum_in_order((layer * layer).reshape(-1, layer.shape[-1])))
