"""What is told of one seed while it trains, in no format yet."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import floor, log10, nan
from typing import NamedTuple

import numpy as np

from hsig.activations import Activation
from hsig.analysis.plot_data import predict_surface
from hsig.arrays import Array, IntArray
from hsig.engines.engine import NOT_REACHED
from hsig.experiments.experiment import Experiment, Training, select_cost
from hsig.experiments.snapshots import SeedView
from hsig.experiments.verdicts import VERDICTS
from hsig.networks.network import Weights, append_bias, seeds_last
from hsig.reports.columns import which_cost
from hsig.reports.explanation import piece_name
from hsig.reports.page import Curves, Line, View, count, number, short
from hsig.reports.phrases import CAUSES, MEANINGS

# --- scenes --------------------------------------------------------------------------------------

# What one network predicts, and where its hidden units are: to be drawn in any room that there is.
#
# Where something is drawn is told in shares of the room, in [0, 1].

_MARGIN = 0.25  # of the extent of inputs and targets, on each side of a profile
_NEAR = 4.0  # what is shown of the hidden pre-activations at least, on each side of 0
_AROUND = 1.6  # times the farthest kink
_FARTHEST = 4.0  # times what is shown at least
_LARGEST = 1e300


class Sample(NamedTuple):
    """A sample, as the config has it, and what is predicted for it."""

    inputs: tuple[float, ...]
    target: float
    prediction: float
    right: bool


class Mark(NamedTuple):
    """Where a sample is, from the left and from the bottom; nan where that is unknown."""

    across: float
    up: float
    right: bool


class Plane(NamedTuple):
    """What is predicted over the plane of two inputs, the first across, the second up.

    Attributes:
        shades: By row from the top, then column: the share of the way from the lowest target to
            the highest; nan where the prediction is not finite.
        marks: The samples.
    """

    shades: list[list[float]]
    marks: tuple[Mark, ...]


class Profile(NamedTuple):
    """What is predicted over the only input.

    Attributes:
        heights: From left to right, how far up; nan where it is beyond the room.
        marks: The samples, at their targets.
    """

    heights: list[float]
    marks: tuple[Mark, ...]


class Piece(NamedTuple):
    """A linear piece of the hidden activation.

    Attributes:
        name: Which x it has.
        start: Its left end; may be infinite.
        stop: Its right end; may be infinite.
        slope: Of the line.
        pairs: How many pre-activations lie on it, of each hidden unit one for each sample.
    """

    name: str
    start: float
    stop: float
    slope: float
    pairs: int


@dataclass(frozen=True, eq=False)
class Axis:
    """Where the hidden pre-activations lie, of each hidden unit one for each sample.

    Attributes:
        told: How many there are, and what else is to be said of them, the most important first.
        reach: What is shown goes from minus this to this.
        values: Of any shape.
        kinks: Where the hidden activation bends or jumps, from left to right.
        pieces: From left to right.
    """

    told: tuple[str, ...]
    reach: float
    values: Array
    kinks: tuple[float, ...]
    pieces: tuple[Piece, ...]

    def column(self, x: float, columns: int) -> int:
        """The place of a point in so many columns; of one beyond the ends, an end's."""
        return int(self._columns(np.array(x), columns))

    def counts(self, columns: int) -> list[int]:
        """How many there are in each of so many columns; those beyond the ends are in none."""
        shown = self.values[np.abs(self.values) <= self.reach]
        found: list[int] = np.bincount(self._columns(shown, columns), minlength=columns).tolist()
        return found

    def _columns(self, x: Array, columns: int) -> IntArray:
        share = shares(x, -self.reach, self.reach)
        return np.minimum(columns - 1, (share * columns).astype(np.int64))

    @property
    def beyond(self) -> tuple[int, int]:
        """How many are to the left of what is shown, and how many to the right."""
        return int((self.values < -self.reach).sum()), int((self.values > self.reach).sum())


def shares(values: Array, lowest: float, highest: float) -> Array:
    """Shares of the way from the lowest to the highest, in [0, 1]; one half if they are equal.

    nan stays nan. Same shape as `values`.

    >>> shares(np.array([-3.0, 0.0, 1.0, 9.0]), -1.0, 3.0).tolist()
    [0.0, 0.25, 0.5, 1.0]
    """
    if not highest > lowest:
        return np.where(np.isnan(values), nan, 0.5)
    with np.errstate(invalid="ignore", over="ignore"):
        # of halves, no difference overflows
        share = (values / 2.0 - lowest / 2.0) / (highest / 2.0 - lowest / 2.0)
    return np.clip(share, 0.0, 1.0)


def samples_of(experiment: Experiment, predictions: Array) -> tuple[Sample, ...]:
    """The samples of an experiment, for each of which there are predictions, (samples, outputs)."""
    task = experiment.task
    with np.errstate(all="ignore"):
        right = np.all(np.abs(predictions - task.targets) < experiment.solved_within, axis=1)
    inputs = map(tuple, task.inputs.tolist())
    first = task.targets[:, 0].tolist(), predictions[:, 0].tolist()
    rows = zip(inputs, *first, right.tolist(), strict=True)
    return tuple(Sample(*row) for row in rows)


def plane(
    experiment: Experiment, weights: Weights, samples: tuple[Sample, ...], columns: int, rows: int
) -> Plane:
    """What the network of these weights predicts, in so many columns and rows.

    Args:
        experiment: Of one variant, and of a task with two inputs.
        weights: Of one seed, seeds first.
        samples: Those of the task.
        columns: At least 1.
        rows: At least 1.
    """
    inputs, targets = experiment.scaled_task.inputs, experiment.task.targets
    with np.errstate(all="ignore"):
        # it has as many points up as across: some are left out
        found = predict_surface(
            experiment, experiment.variants[0], weights, points=max(columns, rows, 2)
        )
        last = len(found.first) - 1
        across = np.linspace(0, last, columns).round().astype(int)
        down = np.linspace(last, 0, rows).round().astype(int)
    predictions = found.predictions[np.ix_(down, across)]
    shades = shares(predictions, float(targets.min()), float(targets.max()))
    places = (
        shares(inputs[:, 0], found.first[0], found.first[-1]),
        shares(inputs[:, 1], found.second[0], found.second[-1]),
    )
    return Plane(shades.tolist(), _marks(*places, samples))


def profile(
    experiment: Experiment, weights: Weights, samples: tuple[Sample, ...], columns: int
) -> Profile:
    """The same for a task with one input."""
    (variant,), task = experiment.variants, experiment.scaled_task
    network = experiment.network_of(variant)
    with np.errstate(all="ignore"):
        left, right = _with_margin(task.inputs)
        bottom, top = _with_margin(task.targets)
        x = np.linspace(left, right, columns)
        lanes = tuple(map(seeds_last, weights))
        predictions = network.forward(lanes, append_bias(x[:, None])).predictions[:, 0, 0]
        shown = (predictions >= bottom) & (predictions <= top)
    heights = np.where(shown, shares(predictions, bottom, top), nan)
    places = shares(task.inputs[:, 0], left, right), shares(task.targets[:, 0], bottom, top)
    return Profile(heights.tolist(), _marks(*places, samples))


def _marks(across: Array, up: Array, samples: tuple[Sample, ...]) -> tuple[Mark, ...]:
    return tuple(
        Mark(x, y, sample.right)
        for x, y, sample in zip(across.tolist(), up.tolist(), samples, strict=True)
    )


def _with_margin(values: Array) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    margin = _MARGIN * (high - low) or 1.0
    return low - margin, high + margin


def axis(activation: Activation, values: Array) -> Axis:
    """Where pre-activations of shape (samples, hidden) lie, and on which pieces of an activation.

    What is shown goes to a round number, which seldom changes: beyond all kinks, and beyond all
    values but those that are much farther out.
    """
    kinks = tuple(float(one.x) for one in activation.function.breaks)
    pieces = tuple(
        Piece(piece_name(one), one.start, one.stop, one.slope, int(one.contains(values).sum()))
        for one in activation.linear_pieces
    )
    samples, hidden = values.shape
    undefined, reach = int(np.isnan(values).sum()), _reach(kinks, values)
    counts = {
        "where it is curved": values.size - undefined - sum(piece.pairs for piece in pieces),
        "undefined": undefined,
        "beyond the ends": int((np.abs(values) > reach).sum()),
    }
    told = (
        f"{values.size} hidden pre-activations",
        *(f"{number} {what}" for what, number in counts.items() if number),
        f"{count(hidden, 'unit')} on {count(samples, 'sample')}",
    )
    return Axis(told, reach, values, kinks, pieces)


def _reach(kinks: tuple[float, ...], values: Array) -> float:
    least = min(_LARGEST, max([_NEAR, *(_AROUND * abs(kink) for kink in kinks)]))
    farthest = float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
    wanted = max(least, min(farthest, _FARTHEST * least))
    power = 10.0 ** floor(log10(wanted))
    return next(step * power for step in (1.0, 2.0, 5.0, 10.0) if step * power >= wanted)


# --- watching ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, kw_only=True)
class Picture:
    """One seed at one epoch.

    Attributes:
        subject: What is trained, on what.
        seed: Which.
        epoch: Of how many.
        pace: How fast it goes on.
        cost: That tables show.
        cost_told: What it is, in words.
        became: Whether it is solved, or how many samples are right.
        meaning: What the verdict means; empty before there is one, and of a solved seed.
        samples: In the order of training.
        lowest: Of the targets.
        highest: Of the targets.
        costs: From the start to now; its x goes on to the budget.
        axis: Of the hidden layer.
        plane: Of a task with two inputs, in so many columns and rows.
        profile: Of a task with one input, in so many columns.
        keys: What each key does, the most important first.
    """

    subject: str
    seed: str
    epoch: str
    pace: str
    cost: float
    cost_told: str
    became: Line
    meaning: str
    samples: tuple[Sample, ...]
    lowest: float
    highest: float
    costs: Curves
    axis: Axis
    plane: Callable[[int, int], Plane] | None
    profile: Callable[[int], Profile] | None
    keys: tuple[str, ...]

    def share(self, value: float) -> float:
        """How far it is from the lowest target to the highest, in [0, 1]; nan of nan."""
        return float(shares(np.array(value), self.lowest, self.highest))


def picture(experiment: Experiment, view: View, seen: SeedView) -> Picture:
    """What is told of a seed.

    Args:
        experiment: Of one variant.
        view: How it is watched, and at which place the seed is.
        seen: What there is of that seed.
    """
    (variant,), task, training = experiment.variants, experiment.task, seen.training
    inputs, which = task.inputs.shape[1], which_cost(experiment)
    samples = samples_of(experiment, training.predictions[0])
    drawn = experiment, seen.snapshot.weights, samples
    epoch, word = training.epochs[-1], VERDICTS[training.verdict[0]]
    ended = epoch == experiment.epochs
    cost = float(select_cost(experiment, training)[0, -1])
    # nothing is known of the budget yet, but that the curve will end there
    ahead = [] if ended else [(experiment.epochs, nan)]
    x, y = zip(*zip(seen.epochs, seen.costs, strict=True), *ahead, strict=True)
    return Picture(
        subject=f"{variant.label} on {task.name}",
        seed=_seed(experiment, view.place),
        epoch=f"epoch {epoch:>{len(str(experiment.epochs))}} of {experiment.epochs}",
        pace=_pace(view),
        cost=cost,
        cost_told=f"{which} {number(cost)}",
        became=_became(training, samples, word if ended else ""),
        meaning=f"{word}: {MEANINGS[word]}" if ended and not training.solved[0] else "",
        samples=samples,
        lowest=float(task.targets.min()),
        highest=float(task.targets.max()),
        costs=Curves(which, x, [y]),
        axis=axis(variant.activation, seen.snapshot.pre_activations[0][0]),
        plane=partial(plane, *drawn) if inputs == 2 else None,
        profile=partial(profile, *drawn) if inputs == 1 else None,
        keys=_keys(view),
    )


def _seed(experiment: Experiment, place: int) -> str:
    seeds = experiment.seeds
    return f"seed {seeds[place]}" + (f" ({place + 1} of {len(seeds)})" if len(seeds) > 1 else "")


def _pace(view: View) -> str:
    speed = f"{short(view.speed)} epochs/s"
    if view.at_end:
        return "at its end"
    if view.paused:
        return f"paused, {speed}"
    return f"below {speed}" if view.behind else speed


def _keys(view: View) -> tuple[str, ...]:
    """At the end there is nothing to pause, and no speed."""
    seeds = ("←→ seed",) if view.seeds > 1 else ()
    if view.at_end:
        return ("the last picture stays until q", *seeds, "r again")
    return ("q quit", *seeds, f"space {'go on' if view.paused else 'pause'}", "↑↓ speed", "r again")


def _became(training: Training, samples: tuple[Sample, ...], verdict: str) -> Line:
    """That a seed has diverged, or is solved, or what it is right on."""
    first, diverged = int(training.solved_at[0]), int(training.diverged_at[0])
    if diverged != NOT_REACHED:
        return Line(f"diverged in epoch {diverged}: {CAUSES[training.diverged_by[0]]}", "bad")
    if training.solved[0]:
        return Line(f"solved, first at epoch {first}", "good")
    right = sum(sample.right for sample in samples)
    lost = f", was solved at epoch {first}" if first != NOT_REACHED else ""
    ended = f" ({verdict})" if verdict else ""
    said = f"not solved{ended}: right on {right} of {count(len(samples), 'sample')}{lost}"
    return Line(said, "bad" if verdict else "")
