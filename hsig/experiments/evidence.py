"""What a network does at one epoch: on which linear pieces its units are, and what it learns.

Evidence has seeds first; weights and activity have them last, as in the engines.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import starmap
from math import fsum, sqrt
from typing import Any, TypeVar

import numpy as np

from hsig.activations import Activation
from hsig.arrays import Array, BoolArray, sum_in_order
from hsig.engines.engine import Problem
from hsig.networks.losses import rows_right
from hsig.networks.network import Activity, Network, Weights, all_finite, append_ones

NO_GRADIENT = 1e-6  # of a sample's loss in the output's pre-activation
MAX_EXAMINED = 1000  # rows that are looked at; of more, so many that lie evenly over all
NO_BEND = 0.01  # of the output's pre-activation; the logistic sigmoid changes by 1/400 over it

STARVED = 0.001  # of the gradient of the layer that has most
FLAT_SLOPE = 0.1  # of an activation, relative to its steepest, or to 1 if that is more
_GRID = np.linspace(-50.0, 50.0, 4001)
_ROUNDING = 1e-12  # what is left of an input without those before it counts as none below this

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is observed of each seed; over several checkpoints, these are the second axis.

    Of a large task so many rows are looked at as `MAX_EXAMINED` says, but for `solved`.
    A unit and a sample make a pair: the unit's pre-activation for that sample. The axis of hidden
    layers is the first behind seeds and checkpoints.
    """

    # (seeds, layers, pieces + 1); share of the pairs on each linear piece of the layer's
    # activation, from left to right, and last on none; zeros between where another layer has more
    on_piece: Array
    on_one_piece: Array  # (seeds, layers); share of the units on one piece for all samples
    alive: Array  # (seeds, layers); share of the units with a training slope on some sample
    gradient: Array  # (seeds, layers + 1); norm of the mean loss's in each layer's weights
    solved: BoolArray  # (seeds,); all samples are right and every weight is finite
    slope: Array  # (seeds, layers); largest size of a training slope, over units and samples
    # (seeds, layers + 1); share of the pairs where the layer's activation is all but flat
    flat: Array
    # (seeds,); largest size of the loss's slope in an output's pre-activation, over the rows that
    # are wrong; 0 if none is
    wrong_gradient: Array
    # (seeds,); largest residual of the least-squares affine fit of the outputs' pre-activations to
    # the inputs
    nonaffinity: Array

    @property
    def dead(self) -> BoolArray:
        """Whether in some hidden layer no unit has a slope, so that it and those below stay."""
        dead: BoolArray = np.any(self.slope == 0.0, axis=-1)
        return dead

    @property
    def starved(self) -> BoolArray:
        """Which layers, the last axis, have all but no gradient beside another's."""
        starved: BoolArray = self.gradient < STARVED * self.gradient.max(axis=-1, keepdims=True)
        return starved

    @property
    def saturated(self) -> BoolArray:
        """Whether some sample is wrong, and the output teaches nothing on any that is."""
        return ~self.solved & (self.wrong_gradient <= NO_GRADIENT)

    @property
    def affine(self) -> BoolArray:
        """Whether the network is, as good as, an affine function, then the output's activation."""
        return self.nonaffinity < NO_BEND

    def select_checkpoint(self, checkpoint: int) -> "Evidence":
        """What is observed at one of several checkpoints."""
        return map_arrays(lambda array: array[:, checkpoint], self)


def map_arrays(function: Callable[..., Any], *records: T) -> T:
    """A dataclass of arrays: what a function makes of the same field of each of some others."""
    # a type variable cannot be bound to dataclasses: typeshed's protocol of them is private
    names = [field.name for field in fields(records[0])]  # type: ignore[arg-type]
    return type(records[0])(
        **{name: function(*(getattr(record, name) for record in records)) for name in names}
    )


def join_arrays(*records: T) -> T:
    """The arrays of several groups of seeds, one behind the other."""
    return map_arrays(lambda *arrays: np.concatenate(arrays), *records)


def observe(problem: Problem, weights: Weights, predictions: Array) -> Evidence:
    """Look at every seed, by its weights and the predictions of the engine."""
    right = rows_right(predictions, problem.target_columns, problem.solved_within)
    solved = right.all(axis=0) & all_finite(weights)
    rows = len(predictions)
    if rows > MAX_EXAMINED:
        some = np.arange(MAX_EXAMINED) * rows // MAX_EXAMINED
        problem = replace(problem, inputs=problem.inputs[some], targets=problem.targets[some])
        predictions = predictions[some]
    found = join_arrays(
        *(
            examine(problem.network, chosen, activity, problem.targets, problem.solved_within)
            for chosen, activity in problem.activities(weights, predictions)
        )
    )
    unseen = found.solved & ~solved  # what is wrong was not looked at
    wrong_gradient = np.where(unseen, np.nan, found.wrong_gradient)
    return replace(found, solved=solved, wrong_gradient=wrong_gradient)


def examine(
    network: Network,
    weights: Weights,
    activity: Activity,
    targets: Array,
    solved_within: float | None,
) -> Evidence:
    """Look at every seed, by its weights and their activity for all samples."""
    wanted = targets[:, :, None]
    with np.errstate(all="ignore"):
        right = rows_right(activity.predictions, wanted, solved_within)
        deltas = np.abs(network.output_deltas(activity, wanted))
        gradient = network.gradient(weights, activity, wanted)
        slopes = network.hidden_slopes(activity)
        layers = list(zip(network.activations, activity.pre_activations, strict=True))
        pieces = list(starmap(_count_pieces, layers[:-1]))
        nonaffinity = _nonaffinity(activity)
        norms = list(map(_norm, gradient))
        steepness = [np.abs(activation.derivative(z)) for activation, z in layers]
        if network.loss.of_classes:  # a softmax is where the other outputs let it be
            steepness[-1] = activity.predictions * (1.0 - activity.predictions)
        flat = [
            (slope < _flat_below(activation)).mean(axis=(0, 1))
            for slope, activation in zip(steepness, network.activations, strict=True)
        ]
    finite = all_finite(weights)
    seeds = len(finite)
    steepest = [np.where(finite, np.abs(slope).max(axis=(0, 1)), np.nan) for slope in slopes]
    alive = [((slope != 0.0) & finite).any(axis=0).mean(axis=0) for slope in slopes]
    return Evidence(
        on_piece=_pad_pieces([shares for shares, _ in pieces], seeds),
        on_one_piece=_layers_last([settled.mean(axis=0) for _, settled in pieces], seeds),
        alive=_layers_last(alive, seeds),
        gradient=_layers_last(norms, seeds),
        solved=right.all(axis=0) & finite,
        slope=_layers_last(steepest, seeds),
        flat=_layers_last(flat, seeds),
        wrong_gradient=np.where(right[:, None], 0.0, deltas).max(axis=(0, 1)),
        nonaffinity=nonaffinity,
    )


@lru_cache(maxsize=256)
def _flat_below(activation: Activation) -> float:
    """The slope below which an activation counts as all but flat."""
    with np.errstate(all="ignore"):
        slopes = np.abs(activation.derivative(_GRID))
    return FLAT_SLOPE * float(np.fmax.reduce(np.fmin(slopes, 1.0)))


def _layers_last(layers: Sequence[Array], seeds: int) -> Array:
    """Stack arrays of shape (seeds,), one for each layer, to (seeds, layers); layers may be 0."""
    return np.reshape(layers, (len(layers), seeds)).T.astype(np.float64, order="C")


def _count_pieces(activation: Activation, pre_activations: Array) -> tuple[Array, BoolArray]:
    """The share of a layer's pairs on each piece, (seeds, pieces + 1), and which units stay on one.

    The units are of shape (units, seeds).
    """
    samples, units, seeds = pre_activations.shape
    settled = np.zeros((units, seeds), dtype=bool)
    counts = []
    for piece in activation.linear_pieces:
        inside = piece.contains(pre_activations)
        counts.append(inside.sum(axis=(0, 1)))
        settled |= inside.all(axis=0)
    counts.append(samples * units - sum(counts, start=np.zeros(seeds, dtype=np.int64)))
    return np.stack(counts, axis=1) / (samples * units), settled


def _pad_pieces(shares: Sequence[Array], seeds: int) -> Array:
    """The shares of all layers in one array, zeros before the last where there are fewer pieces."""
    columns = max((layer.shape[1] for layer in shares), default=1)
    padded = np.zeros((seeds, len(shares), columns))
    for place, layer in enumerate(shares):
        padded[:, place, : layer.shape[1] - 1] = layer[:, :-1]
        padded[:, place, -1] = layer[:, -1]
    return padded


def _nonaffinity(activity: Activity) -> Array:
    """Largest residual of the least-squares fit of the outputs' pre-activations to the inputs."""
    # a layer without a bias sees no constant; where there is one, it is not counted twice
    inputs = append_ones(activity.layer_inputs[0])[:, :, 0]
    directions = _directions(inputs.tobytes(), inputs.shape)[:, :, None]  # (samples, rank, 1)
    residuals = []
    for z in activity.pre_activations[-1].swapaxes(0, 1):  # (samples, seeds), of each output
        amounts = sum_in_order(directions * z[:, None])  # (rank, seeds)
        fit = sum_in_order((directions * amounts).swapaxes(0, 1))  # (samples, seeds)
        residuals.append(np.abs(z - fit).max(axis=0))
    largest: Array = np.max(residuals, axis=0)
    return largest


@lru_cache(maxsize=4)
def _directions(inputs: bytes, shape: tuple[int, int]) -> Array:
    """An orthonormal basis of the columns of (samples, inputs), of shape (samples, rank).

    By Gram's and Schmidt's method, each column twice, with sums that are rounded once: a matrix
    library would have other last bits on another processor.

    Source:
        Giraud, Langou & Rozloznik 2005, Computers & Mathematics with Applications 50:1069-1075.
    """
    basis: list[Array] = []
    for column in np.frombuffer(inputs).reshape(shape).T:
        rest = column / (np.abs(column).max() or 1.0)
        size = _length(rest)
        for direction in basis * 2:
            rest = rest - direction * fsum(direction * rest)
        left = _length(rest)
        if left > _ROUNDING * size:
            basis.append(rest / left)
    return np.stack(basis, axis=1)


def _length(vector: Array) -> float:
    return sqrt(fsum(vector * vector))


def _norm(layer: Array) -> Array:
    """Euclidean norm of a layer's gradient, for each seed; seeds last in."""
    return np.sqrt(sum_in_order((layer * layer).reshape(-1, layer.shape[-1])))
