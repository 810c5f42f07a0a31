"""The numbers that pictures draw and their captions say: once for both."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np

from hsig.activations import Activation
from hsig.analysis.statistics import wilson_interval
from hsig.analysis.summary import MEDIAN, ResultSummary, Summary, VariantSummary
from hsig.analysis.sweeps import CellSummary, SweepOutcome, has_shared_rows
from hsig.arrays import Array, BoolArray, IntArray, mean_in_order
from hsig.experiments.experiment import Checkpoint, Experiment, Variant
from hsig.experiments.measures import HELD_OUT, LOSS, Measure, baseline_right
from hsig.experiments.measures import SOLVED as IS_SOLVED
from hsig.experiments.sweeps import Axis
from hsig.experiments.verdicts import SOLVED
from hsig.networks.losses import rows_right
from hsig.networks.network import Weights, append_bias, seeds_last
from hsig.networks.tasks import Rows

MAX_COLOURS = 8  # variants with a colour of their own in one panel
MAX_PANELS = 12  # side by side
MAX_SEED_LINES = 100  # of all variants together
MAX_BENDS = 150  # lines on which hidden units bend
MAX_POINTS = 2000  # rows that are drawn one by one
HALF = 0.5  # of the seeds solved; where fewer are, a map says what became of most others
UNDECIDED = "none of these"  # what a seed is of which none of a timeline's words holds

# --- measures ------------------------------------------------------------------------------------


def shown_measure(summary: Summary) -> Measure:
    """What variants are compared by: what the claims are made of, if there are any."""
    return summary.pairing.measure if summary.pairing else summary.experiment.chosen_measure


def centre(numbers: ResultSummary, measure: Measure) -> tuple[float, float, float]:
    """A measure of what was trained, and the ends of its bar.

    Of solved seeds their rate and its 95 % interval, else the median over seeds and the quartiles.
    """
    if measure.name == IS_SOLVED:
        return numbers.solved.rate, numbers.solved.low, numbers.solved.high
    lower, median, upper = numbers.measures[measure.field][:, -1].tolist()
    return median, lower, upper


def constant_measure(experiment: Experiment, measure: Measure) -> float:
    """A measure of what no inputs give: the most frequent class, of a loss the mean target."""
    if measure.name == IS_SOLVED:
        return math.nan
    task = experiment.scaled_task
    if measure.name != LOSS:
        return baseline_right(task, measure.held_out)
    rows = task.held_out if measure.held_out and task.held_out else task.rows
    with np.errstate(all="ignore"):
        losses = experiment.loss.value(mean_in_order(task.targets), rows.targets)
    return float(losses.sum(axis=1).mean())


# --- curves --------------------------------------------------------------------------------------


def cost_curves(variant: VariantSummary) -> list[Array]:
    """The quartiles of the cost, (3, checkpoints): where rows are held out, of the loss of both."""
    names = [name for name in (LOSS, HELD_OUT + LOSS) if HELD_OUT + LOSS in variant.measures]
    return [variant.measures[name] for name in names] or [variant.cost]


def lowest_point(variant: VariantSummary, quartiles: Array) -> tuple[int, float] | None:
    """The checkpoint at which a median is lowest, the first of several, and its value."""
    median = np.where(np.isfinite(quartiles[MEDIAN]), quartiles[MEDIAN], math.inf)
    place = int(median.argmin())
    return (variant.epochs[place], float(median[place])) if np.isfinite(median[place]) else None


def spread_evenly(number: int, most: int) -> IntArray:
    """The places of at most so many of a number of things, both ends among them.

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
    """How many seeds of a variant had been solved by an epoch, at each at which that changes."""

    epochs: IntArray  # rising; first 0, last the end
    seeds: IntArray  # solved at that epoch or before, of those that never diverged; same shape
    of: int  # all seeds
    low: Array  # of the share, the lower end of its 95 % Wilson interval; same shape
    high: Array  # the upper end

    @property
    def share(self) -> Array:
        """Of all seeds."""
        return self.seeds / self.of


def count_solved_by_epoch(variant: VariantSummary) -> SolvedCurve:
    """When the seeds of a variant that was trained were first solved; later losses do not count."""
    diverged = set(variant.diverged_seeds)
    seeds_at = zip(variant.seeds, variant.solved_at, strict=True)
    solved_at = sorted(at for seed, at in seeds_at if at is not None and seed not in diverged)
    epochs = np.array(sorted({0, *solved_at, variant.epochs[-1]}), dtype=np.int64)
    seeds = np.searchsorted(solved_at, epochs, side="right")
    low, high = np.array([wilson_interval(k, len(variant.seeds)) for k in seeds.tolist()]).T
    return SolvedCurve(epochs, seeds, len(variant.seeds), low, high)


def count_states(variant: VariantSummary) -> dict[str, IntArray]:
    """How many seeds are what at each checkpoint, `UNDECIDED` behind the solved ones.

    They add up to all seeds. Empty for a variant that was not trained.
    """
    if variant.timeline is None:
        return {}
    known = variant.timeline.states
    rest = len(variant.seeds) - np.sum([*known.values()], axis=0)
    return {SOLVED: known[SOLVED], UNDECIDED: rest} | known


def needs_log_axis(medians: Iterable[Array]) -> bool:
    """Whether all finite medians are positive and the largest over 20 times the smallest."""
    finite = np.concatenate([np.zeros(0), *(median[np.isfinite(median)] for median in medians)])
    return bool(len(finite) and finite.min() > 0.0 and finite.max() > 20.0 * finite.min())


# --- pre-activations -----------------------------------------------------------------------------

_TAIL = 0.01  # of the pre-activations, at either end, that need not be seen
_MARGIN = 0.15  # of the extent of what must be seen, on either side of it
_MIN_REACH = 3.0  # of x on either side of 0
_FARTHEST = 20.0  # times as far as the last kink, or as `_MIN_REACH`: beyond is not shown


class PieceCounts(NamedTuple):
    """Where the pre-activations of all seeds, samples and units lie at one epoch."""

    # how many of the finite ones lie on each linear piece, from left to right
    counts: tuple[int, ...]
    finite: int  # how many there are that are finite
    number: int  # how many there are in all

    @property
    def on_piece(self) -> tuple[float, ...]:
        """The share of the finite ones on each; 0 if there are none."""
        return tuple(n / max(1, self.finite) for n in self.counts)


def finite_pre_activations(snapshot: Checkpoint) -> Array:
    """The pre-activations that are finite, in one row: hidden ones, or those of outputs alone."""
    values: Array = np.concatenate([np.zeros(0), *map(np.ravel, snapshot.pre_activations)])
    return values[np.isfinite(values)]


def count_on_pieces(activation: Activation, snapshot: Checkpoint) -> PieceCounts:
    """Count the pre-activations on each linear piece of their activation."""
    z = finite_pre_activations(snapshot)
    counts = tuple(int(piece.contains(z).sum()) for piece in activation.linear_pieces)
    return PieceCounts(counts, len(z), sum(layer.size for layer in snapshot.pre_activations))


def middle_range(snapshot: Checkpoint) -> tuple[float, float]:
    """Between which two of them the middle 95 % of the finite pre-activations lie; nan if none."""
    z = finite_pre_activations(snapshot)
    if not len(z):
        return math.nan, math.nan
    low, high = np.quantile(z, [0.025, 0.975], method="nearest")
    return float(low), float(high)


def visible_range(activation: Activation, snapshots: Sequence[Checkpoint]) -> tuple[float, float]:
    """The x that a picture of an activation shows: its kinks, and practically all it was given.

    What is 20 times as far away as the last kink (or as 3, if that is farther) is left out, and
    a hundredth at either end of each epoch's pre-activations may be.
    """
    kinks = [point.x for point in activation.function.breaks]
    farthest = _FARTHEST * max(_MIN_REACH, *map(abs, kinks), 0.0)
    low, high = min([-_MIN_REACH, *kinks]), max([_MIN_REACH, *kinks])
    for z in map(finite_pre_activations, snapshots):
        if len(z):
            first, last = np.quantile(z, [_TAIL, 1.0 - _TAIL], method="nearest").tolist()
            low, high = min(low, max(first, -farthest)), max(high, min(last, farthest))
    margin = _MARGIN * (high - low)
    return low - margin, high + margin


# --- predictions ---------------------------------------------------------------------------------


def select_rows(rows: Rows, most: int) -> Rows:
    """At most so many of some rows, evenly spread."""
    places = spread_evenly(len(rows.targets), most)
    return Rows(*(array[places] for array in rows))


def plane_values(experiment: Experiment, outputs: Array) -> Array:
    """What colours a plane, of predictions or targets (..., outputs): the first output.

    Of more than two classes it is the place of the one with the largest output; nan if one is.
    """
    if len(experiment.task.classes) <= 2:
        return outputs[..., 0]
    return np.where(np.isnan(outputs).any(axis=-1), np.nan, outputs.argmax(axis=-1))


def target_range(experiment: Experiment) -> tuple[float, float]:
    """The smallest and the largest value of the targets on a plane."""
    targets = plane_values(experiment, experiment.task.targets)
    return float(targets.min()), float(targets.max())


def prediction_range(experiment: Experiment, variant: Variant) -> tuple[float, float]:
    """The predictions that have colours: 0 to 1 where they stay within.

    Else from the smallest to the largest target, and half of that extent on either side; what is
    beyond has the colour of the end. Of more than two classes, each has one.
    """
    low, high = target_range(experiment)
    if len(experiment.task.classes) > 2:
        return -0.5, len(experiment.task.classes) - 0.5
    if variant.output_activation.maps_into_unit_interval and experiment.scaled_task.unit == 1.0:
        return 0.0, 1.0
    margin = (high - low) / 2.0 or 1.0
    return low - margin, high + margin


def border_heights(experiment: Experiment, outputs: Array) -> list[Array]:
    """What is 0 on the borders of a plane, of predictions (..., outputs).

    The first output less the middle of the targets, or of more than two classes for each by how
    much its output is larger than all others.
    """
    if len(experiment.task.classes) <= 2:
        return [outputs[..., 0] - sum(target_range(experiment)) / 2.0]
    places = range(outputs.shape[-1])
    return [outputs[..., n] - np.delete(outputs, n, axis=-1).max(axis=-1) for n in places]


def mean_finite(blocks: Iterable[Array]) -> Array:
    """Mean over the first axis of all blocks, of the finite values; nan where there is none."""
    total, number = np.zeros(()), np.zeros((), dtype=np.int64)
    for values in blocks:
        finite = np.isfinite(values)
        total = total + np.where(finite, values, 0.0).sum(axis=0)
        number = number + finite.sum(axis=0)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def right_samples(experiment: Experiment, predictions: Array) -> BoolArray:
    """Which rows of training are right, (seeds, rows), of (seeds, rows, outputs) in their unit."""
    targets = experiment.task.targets[:, :, None]
    return rows_right(seeds_last(predictions), targets, experiment.solved_within).T


# --- maps ----------------------------------------------------------------------------------------


def dominant_failure(cell: CellSummary) -> str:
    """The verdict that a map shows of a cell: of most seeds not solved, if fewer than half are."""
    if not cell.solved.n or cell.solved.rate >= HALF:
        return ""
    failed = {word: n for word, n in cell.verdicts.items() if word != SOLVED}
    return max(failed, key=failed.__getitem__)


def find_border(outcome: SweepOutcome) -> float | None:
    """The value from which on cells are good: half of the seeds, or what no inputs give.

    None where it is not the same for all.
    """
    measure, swept = outcome.base.chosen_measure, {axis.name for axis in outcome.axes}
    if measure.name == IS_SOLVED:
        return HALF
    is_shared = has_shared_rows(outcome.axes) and not swept & {"loss", "scale_target"}
    return constant_measure(outcome.base, measure) if is_shared else None


def select_maps(
    axes: Sequence[Axis], cells: Mapping[tuple[str, ...], object]
) -> list[tuple[str, ...]]:
    """The values of the keys before the last two for which any cell has a result; at least one."""
    trained = {values[:-2] for values, cell in cells.items() if cell is not None}
    fixed = list(product(*(axis.values for axis in axes[:-2])))
    return [values for values in fixed if values in trained] or fixed[:1]


# --- the plane of two inputs ---------------------------------------------------------------------

_PLANE_MARGIN = 0.25  # of the samples' extent, on each side of them
_SEEDS_AT_A_TIME = 8  # a grid for all of them would take much memory


@dataclass(frozen=True, eq=False)
class PredictionSurface:
    """What some seeds predict on a grid; inputs are scaled as the networks see them."""

    first: Array  # shape (points,), values of the first input
    second: Array  # shape (points,), of the second
    # shape (points, points, outputs), by the second input, then the first, in the target's own
    # unit: the mean over the seeds whose prediction is finite; nan where there is none
    predictions: Array
    values: Array  # (points, points), what it is coloured by: their `plane_values`
    # shape (lines, 2, 2): the two ends, each a first and a second input, of each line within the
    # grid on which the pre-activation of a unit of the first layer has one of the values `at`
    lines: Array
    at: tuple[float, ...]  # the kinks and jumps of that layer; 0 alone if it has none
    bends: bool  # whether it has any


def predict_surface(
    experiment: Experiment, variant: Variant, weights: Weights, *, points: int = 101
) -> PredictionSurface:
    """What the networks of these weights, seeds first, predict over the plane.

    Raises:
        ValueError: If the task has not exactly two inputs.
    """
    inputs = experiment.scaled_task.inputs
    if inputs.shape[1] != 2:
        raise ValueError(
            f"expected a task with two inputs, but {experiment.task.name} has {inputs.shape[1]}"
        )
    low, high = inputs.min(axis=0), inputs.max(axis=0)
    margin = _PLANE_MARGIN * np.where(high > low, high - low, 1.0)
    first, second = np.linspace(low - margin, high + margin, points, axis=1)
    grid = append_bias(np.stack([axis.ravel() for axis in np.meshgrid(first, second)], axis=1))
    network = experiment.network_of(variant)

    def predict(start: int) -> Array:
        some = slice(start, start + _SEEDS_AT_A_TIME)
        lanes = tuple(np.moveaxis(layer[some], 0, -1) for layer in weights)
        with np.errstate(all="ignore"):
            return np.moveaxis(network.forward(lanes, grid).predictions, -1, 0)

    blocks = map(predict, range(0, len(weights[0]), _SEEDS_AT_A_TIME))
    kinks = tuple(point.x for point in network.activations[0].function.breaks)
    at = kinks or (0.0,)
    box = (float(first[0]), float(first[-1]), float(second[0]), float(second[-1]))
    ends = [
        _clip_line(a, b, sum(bias) - value, box)
        for a, b, *bias in weights[0].transpose(0, 2, 1).reshape(-1, weights[0].shape[1]).tolist()
        for value in at
    ]
    predictions = experiment.scaled_task.restore(mean_finite(blocks)).reshape(points, points, -1)
    return PredictionSurface(
        first,
        second,
        predictions,
        plane_values(experiment, predictions),
        np.array([pair for pair in ends if pair]).reshape(-1, 2, 2),
        at,
        bends=bool(kinks),
    )


def _clip_line(
    a: float, b: float, c: float, box: tuple[float, float, float, float]
) -> list[tuple[float, float]]:
    """Where the line `a * x + b * y + c = 0` meets the sides of a box; none if it passes by."""
    left, right, bottom, top = box
    if not np.isfinite([a, b, c]).all():
        return []
    met: set[tuple[float, float]] = set()
    if b != 0.0:
        met |= {(x, y) for x in (left, right) if bottom <= (y := -(a * x + c) / b) <= top}
    if a != 0.0:
        met |= {(x, y) for y in (bottom, top) if left <= (x := -(b * y + c) / a) <= right}
    ends = sorted(met)
    return [ends[0], ends[-1]] if len(ends) > 1 else []
