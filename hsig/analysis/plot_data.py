"""The numbers of pictures."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np

from hsig.activations import Activation
from hsig.analysis.statistics import wilson_interval
from hsig.analysis.summary import VariantSummary
from hsig.analysis.sweeps import CellSummary
from hsig.arrays import Array, BoolArray, IntArray
from hsig.experiments.experiment import Experiment, Variant
from hsig.experiments.snapshots import Snapshot
from hsig.experiments.sweeps import Axis
from hsig.experiments.verdicts import SOLVED
from hsig.networks.network import Weights

# --- drawn ---------------------------------------------------------------------------------------

# The numbers that pictures draw and their captions say: once for both.

MAX_COLOURS = 8  # variants with a colour of their own in one panel
MAX_PANELS = 12  # side by side
MAX_SEED_LINES = 100  # of all variants together
MAX_BENDS = 150  # lines on which hidden units bend
HALF = 0.5  # of the seeds solved; where fewer are, a map says what became of most others
UNDECIDED = "none of these"  # what a seed is of which none of a timeline's words holds

_TAIL = 0.01  # of the pre-activations, at either end, that need not be seen
_MARGIN = 0.15  # of the extent of what must be seen, on either side of it
_LEAST_REACH = 3.0  # of x on either side of 0
_FARTHEST = 20.0  # times as far as the last kink, or as `_LEAST_REACH`: beyond is not shown


def spread_evenly(number: int, most: int) -> IntArray:
    """The places of at most so many of a number of things, spread evenly, both ends among them.

    >>> spread_evenly(3, 8).tolist(), spread_evenly(10, 4).tolist(), spread_evenly(10, 1).tolist()
    ([0, 1, 2], [0, 3, 6, 9], [0])
    """
    if number <= most:
        return np.arange(number)
    return np.linspace(0, number - 1, most).round().astype(np.int64)


def select_seed_lines(seeds: int, variants: int) -> IntArray:
    """The places of the seeds of each of some variants that are drawn one by one."""
    if seeds == 1:  # its line is the median
        return np.arange(0)
    return spread_evenly(seeds, max(1, MAX_SEED_LINES // max(1, min(variants, MAX_COLOURS))))


class SolvedCurve(NamedTuple):
    """How many seeds of a variant had been solved by an epoch, at each at which that changes.

    Attributes:
        epochs: Rising; first 0, last the end.
        seeds: Solved at that epoch or before, of those that never diverged; same shape.
        of: All seeds.
        low: Of the share, the lower end of its 95 % Wilson interval; same shape.
        high: The upper end.
    """

    epochs: IntArray
    seeds: IntArray
    of: int
    low: Array
    high: Array

    @property
    def share(self) -> Array:
        """Of all seeds."""
        return self.seeds / self.of


def count_solved_by_epoch(variant: VariantSummary) -> SolvedCurve:
    """When the seeds of a variant that was trained were first solved; later losses do not count."""
    lost = set(variant.diverged_seeds)
    found = sorted(
        epoch
        for seed, epoch in zip(variant.seeds, variant.solved_at, strict=True)
        if epoch is not None and seed not in lost
    )
    epochs = np.array(sorted({0, *found, variant.epochs[-1]}), dtype=np.int64)
    seeds = np.searchsorted(found, epochs, side="right")
    bounds = {k: wilson_interval(k, len(variant.seeds)) for k in set(seeds.tolist())}
    low, high = np.array([bounds[k] for k in seeds.tolist()]).T
    return SolvedCurve(epochs, seeds, len(variant.seeds), low, high)


def count_states(variant: VariantSummary) -> dict[str, IntArray]:
    """How many seeds are what at each checkpoint, `UNDECIDED` behind the solved ones.

    They add up to all seeds. Empty for a variant that was not trained.
    """
    if variant.timeline is None:
        return {}
    known = variant.timeline.states
    rest = len(variant.seeds) - np.sum([*known.values()], axis=0)
    others = {word: number for word, number in known.items() if word != SOLVED}
    return {SOLVED: known[SOLVED], UNDECIDED: rest, **others}


def needs_log_axis(medians: Iterable[Array]) -> bool:
    """Whether costs are told apart better on a logarithmic axis.

    They are where all finite medians are positive and the largest is more than 20 times the
    smallest. With a median of 0 they are not: it has no place there.
    """
    finite = np.concatenate([median[np.isfinite(median)] for median in medians] or [np.zeros(0)])
    return bool(len(finite) and finite.min() > 0.0 and finite.max() > 20.0 * finite.min())


# --- pre-activations --------------------------------------------------------------------------


class PieceCounts(NamedTuple):
    """Where the hidden pre-activations of all seeds, samples and units lie at one epoch.

    Attributes:
        counts: How many of the finite ones lie on each linear piece, from left to right.
        finite: How many there are that are finite.
        number: How many there are in all.
    """

    counts: tuple[int, ...]
    finite: int
    number: int

    @property
    def on_piece(self) -> tuple[float, ...]:
        """The share of the finite ones on each; 0 if there are none."""
        return tuple(n / max(1, self.finite) for n in self.counts)

    @property
    def elsewhere(self) -> float:
        """The share of the finite ones on no linear piece."""
        return (self.finite - sum(self.counts)) / max(1, self.finite)


def finite_pre_activations(moment: Snapshot) -> Array:
    """The hidden pre-activations that are finite, in one row."""
    values: Array = np.concatenate([layer.ravel() for layer in moment.pre_activations])
    return values[np.isfinite(values)]


def count_on_pieces(activation: Activation, moment: Snapshot) -> PieceCounts:
    """Where its hidden pre-activations lie."""
    seen = finite_pre_activations(moment)
    counts = tuple(int(piece.contains(seen).sum()) for piece in activation.linear_pieces)
    return PieceCounts(counts, len(seen), sum(layer.size for layer in moment.pre_activations))


def middle_range(moment: Snapshot) -> tuple[float, float]:
    """Between which two of them the middle 95 % of the finite pre-activations lie; nan if none."""
    seen = finite_pre_activations(moment)
    if not len(seen):
        return math.nan, math.nan
    low, high = np.quantile(seen, [0.025, 0.975], method="nearest")
    return float(low), float(high)


def visible_range(activation: Activation, moments: Sequence[Snapshot]) -> tuple[float, float]:
    """The x that a picture of an activation shows: its kinks, and practically all it was given.

    What is 20 times as far away as the last kink (or as 3, if that is farther) is left out, and
    a hundredth at either end of each epoch's pre-activations may be.
    """
    kinks = [found.x for found in activation.function.breaks]
    farthest = _FARTHEST * max(_LEAST_REACH, *map(abs, kinks), 0.0)
    low, high = min([-_LEAST_REACH, *kinks]), max([_LEAST_REACH, *kinks])
    for seen in map(finite_pre_activations, moments):
        if len(seen):
            first, last = np.quantile(seen, [_TAIL, 1.0 - _TAIL], method="nearest").tolist()
            low, high = min(low, max(first, -farthest)), max(high, min(last, farthest))
    margin = _MARGIN * (high - low)
    return low - margin, high + margin


def count_outside(moment: Snapshot, low: float, high: float) -> int:
    """How many of the finite pre-activations are not within."""
    seen = finite_pre_activations(moment)
    return int(((seen < low) | (seen > high)).sum())


# --- planes -----------------------------------------------------------------------------------


def middle_target(experiment: Experiment) -> float:
    """Midway between the smallest and the largest target."""
    targets = experiment.task.targets
    return float(targets.min() + targets.max()) / 2.0


def prediction_range(experiment: Experiment, variant: Variant) -> tuple[float, float]:
    """The predictions that have colours: 0 to 1 where the output stays within.

    Else from the smallest to the largest target, and half of that extent on either side; what is
    beyond has the colour of the end.
    """
    if variant.output_activation.maps_into_unit_interval:
        return 0.0, 1.0
    targets = experiment.task.targets
    low, high = float(targets.min()), float(targets.max())
    margin = (high - low) / 2.0 or 1.0
    return low - margin, high + margin


def select_seed(experiment: Experiment, seed: int | None) -> IntArray:
    """The places of one seed, or of all for None.

    Raises:
        ValueError: If the experiment has no such seed.
    """
    if seed is None:
        return np.arange(len(experiment.seeds))
    if seed not in experiment.seeds:
        raise ValueError(f"expected one of the seeds that were trained, got {seed}")
    return np.array([experiment.seeds.index(seed)])


def mean_predictions(moment: Snapshot, places: IntArray) -> Array:
    """Shape (samples, outputs): over some seeds, where finite; nan if none is."""
    seen = moment.predictions[places]
    finite = np.isfinite(seen)
    number = finite.sum(axis=0)
    total = np.where(finite, seen, 0.0).sum(axis=0)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def right_samples(experiment: Experiment, predictions: Array) -> BoolArray:
    """Which samples are right in every output, of predictions (..., samples, outputs)."""
    with np.errstate(invalid="ignore"):
        right = np.abs(predictions - experiment.task.targets) < experiment.solved_within
    every: BoolArray = np.all(right, axis=-1)
    return every


# --- maps -------------------------------------------------------------------------------------


def dominant_failure(cell: CellSummary) -> str:
    """The verdict that a map shows of a cell: of most seeds not solved, if fewer than half are."""
    return cell.dominant if cell.solved.n and cell.solved.rate < HALF else ""


def select_maps(
    axes: Sequence[Axis], cells: Mapping[tuple[str, ...], object]
) -> list[tuple[str, ...]]:
    """The values of the keys before the last two for which any cell is there; at least one."""
    there = {values[:-2] for values, found in cells.items() if found is not None}
    fixed = list(product(*(axis.values for axis in axes[:-2])))
    return [values for values in fixed if values in there] or fixed[:1]


# --- surfaces ------------------------------------------------------------------------------------

# What networks with two inputs predict over the plane of their inputs, and where they bend.

_PLANE_MARGIN = 0.25  # of the samples' extent, on each side of them


@dataclass(frozen=True, eq=False)
class PredictionSurface:
    """What some seeds predict on a grid; inputs are scaled as the networks see them.

    Attributes:
        first: Shape (points,), values of the first input.
        second: Shape (points,), of the second.
        predictions: Shape (points, points), by the second input, then the first: the mean over the
            seeds whose prediction is finite; nan where there is none.
        lines: Shape (lines, 2, 2): the two ends, each a first and a second input, of each line
            within the grid on which the pre-activation of a hidden unit has one of the values `at`.
        at: The kinks and jumps of the hidden activation; 0 alone if it has none.
        bends: Whether it has any.
    """

    first: Array
    second: Array
    predictions: Array
    lines: Array
    at: tuple[float, ...]
    bends: bool


def predict_surface(
    experiment: Experiment, variant: Variant, weights: Weights, *, points: int = 101
) -> PredictionSurface:
    """What the networks of these weights, seeds first, predict over the plane.

    Args:
        experiment: Of a task with two inputs.
        variant: Whose weights they are.
        weights: Of at least one seed.
        points: Of the grid, along each input.

    Raises:
        ValueError: If the task has another number of inputs.
    """
    inputs = experiment.scaled_task.inputs
    if inputs.shape[1] != 2:
        raise ValueError(
            f"expected a task with two inputs, but {experiment.task.name} has {inputs.shape[1]}"
        )
    low, high = inputs.min(axis=0), inputs.max(axis=0)
    margin = _PLANE_MARGIN * np.where(high > low, high - low, 1.0)
    first, second = np.linspace(low - margin, high + margin, points, axis=1)
    breaks = tuple(found.x for found in variant.activation.function.breaks)
    at = breaks or (0.0,)
    box = (float(first[0]), float(first[-1]), float(second[0]), float(second[-1]))
    return PredictionSurface(
        first,
        second,
        _mean_prediction(experiment, variant, weights, first, second),
        _lines(weights[0], at, box),
        at,
        bends=bool(breaks),
    )


def _mean_prediction(
    experiment: Experiment, variant: Variant, weights: Weights, first: Array, second: Array
) -> Array:
    """Over the seeds, one by one: a grid of all of them would take much memory."""
    network = experiment.network_of(variant)
    across, down = np.meshgrid(first, second)
    grid = np.stack([across.ravel(), down.ravel(), np.ones(across.size)], axis=1)[:, :, None]
    total, number = np.zeros(across.size), np.zeros(across.size)
    for layers in zip(*weights, strict=True):
        with np.errstate(all="ignore"):
            seen = network.forward(tuple(layer[:, :, None] for layer in layers), grid)
        predicted = seen.predictions[:, 0, 0]
        finite = np.isfinite(predicted)
        total += np.where(finite, predicted, 0.0)
        number += finite
    mean = np.full(across.size, np.nan)
    np.divide(total, number, out=mean, where=number > 0)
    return mean.reshape(across.shape)


def _lines(hidden: Array, at: tuple[float, ...], box: tuple[float, float, float, float]) -> Array:
    """The ends of every line `a * first + b * second + c = value` within a box."""
    found = [
        ends
        for a, b, c in hidden.transpose(0, 2, 1).reshape(-1, 3)
        for value in at
        if (ends := _ends(float(a), float(b), float(c) - value, box))
    ]
    return np.array(found).reshape(-1, 2, 2)


def _ends(
    a: float, b: float, c: float, box: tuple[float, float, float, float]
) -> list[tuple[float, float]]:
    """Where the line `a * x + b * y + c = 0` meets the sides of a box; none if it passes by."""
    left, right, bottom, top = box
    if not np.isfinite([a, b, c]).all():
        return []
    met: dict[tuple[float, float], None] = {}
    if b != 0.0:
        met |= {(x, y): None for x in (left, right) if bottom <= (y := -(a * x + c) / b) <= top}
    if a != 0.0:
        met |= {(x, y): None for y in (bottom, top) if left <= (x := -(b * y + c) / a) <= right}
    ends = sorted(met)
    return [ends[0], ends[-1]] if len(ends) > 1 else []
