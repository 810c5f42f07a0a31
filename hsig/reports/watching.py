"""One seed while it trains, in no format yet, and how somebody looks at it."""

from dataclasses import dataclass, replace
from math import nan
from typing import NamedTuple

import numpy as np

from hsig.analysis.plot_data import (
    MAX_POINTS,
    PredictionSurface,
    predict_surface,
    right_samples,
    spread_evenly,
    target_range,
)
from hsig.arrays import Array
from hsig.engines.engine import NOT_REACHED
from hsig.experiments.experiment import Checkpoint, Experiment, Training, select_cost
from hsig.experiments.measures import HELD_OUT, LOSS, RIGHT, SOLVED
from hsig.experiments.snapshots import SeedView
from hsig.experiments.verdicts import VERDICTS
from hsig.reports.captions import describe_pieces, shown_layer
from hsig.reports.columns import which_cost
from hsig.reports.page import Curves, Line, brief, count, measure_text, measure_words, number, short
from hsig.reports.phrases import CAUSES, MEANINGS

# --- how it is looked at -------------------------------------------------------------------------

MIN_SPEED, MAX_SPEED = 0.1, 1e9  # epochs per second
_SPEED_STEP = 2.0  # of a key
_WHOLE_S = 20.0  # that the budget takes by default


@dataclass(frozen=True, kw_only=True)
class View:
    """Which seed is shown at which epoch, and how that goes on.

    Attributes:
        seeds: How many there are.
        budget: Epochs.
        speed: Epochs per second.
        place: Of the seed that is shown, among the seeds.
        epoch: In parts of an epoch too; never beyond the budget.
        paused: Whether it stays there.
        behind: Whether the training is slower than the speed.
        ended: Whether nothing more is to be shown.
    """

    seeds: int
    budget: int
    speed: float
    place: int = 0
    epoch: float = 0.0
    paused: bool = False
    behind: bool = False
    ended: bool = False

    @classmethod
    def begin(cls, seeds: int, budget: int, speed: float | None = None) -> "View":
        """The first seed at the start, by default with the whole budget in some 20 seconds."""
        chosen = budget / _WHOLE_S if speed is None else speed
        return cls(seeds=seeds, budget=budget, speed=_limit_speed(chosen))

    @property
    def at_end(self) -> bool:
        """Whether the budget is reached."""
        return self.epoch >= self.budget

    def press(self, key: str) -> "View":
        """The view after a key; one that means nothing changes nothing."""
        match key:
            case "previous":
                return replace(self, place=max(0, self.place - 1))
            case "next":
                return replace(self, place=min(self.seeds - 1, self.place + 1))
            case "faster":
                return replace(self, speed=_limit_speed(self.speed * _SPEED_STEP))
            case "slower":
                return replace(self, speed=_limit_speed(self.speed / _SPEED_STEP))
            case "pause" if not self.at_end:
                return replace(self, paused=not self.paused)
            case "again":
                return replace(self, epoch=0.0, paused=False, behind=False)
            case "quit":
                return replace(self, ended=True)
        return self

    def advance(self, seconds: float) -> "View":
        """The view so much later, if the training keeps up."""
        if self.paused or self.at_end:
            return self
        return replace(self, epoch=min(float(self.budget), self.epoch + self.speed * seconds))

    def limit_to(self, epoch: int, *, behind: bool) -> "View":
        """The view no farther than the training has come, if that is behind."""
        return replace(self, epoch=min(self.epoch, epoch) if behind else self.epoch, behind=behind)


def _limit_speed(speed: float) -> float:
    return min(MAX_SPEED, max(MIN_SPEED, speed))


# --- what is shown -------------------------------------------------------------------------------

_MIN_REACH = 4.0  # of the hidden pre-activations, on each side of 0
_KINK_MARGIN = 1.6  # times the farthest kink
_MAX_REACH = 4.0  # times what is shown at least


class Sample(NamedTuple):
    """A row of training: its inputs, as the network sees them, its target and what is predicted.

    Of a class the target is its name; of more than two, what is predicted is that of the largest
    output.
    """

    inputs: tuple[float, ...]
    target: str
    prediction: str
    right: bool


@dataclass(frozen=True, eq=False)
class HiddenUnits:
    """The pre-activations of the hidden units of all layers, or of outputs alone, by sample.

    Attributes:
        summary: How many there are, and on which pieces.
        reach: They are shown from minus this to this.
        values: Shape (all of them,).
        kinks: Where the activation bends or jumps.
    """

    summary: str
    reach: float
    values: Array
    kinks: tuple[float, ...]

    def counts(self, columns: int) -> list[int]:
        """How many there are in each of so many columns; those beyond the ends are in none."""
        finite = self.values[np.isfinite(self.values)]
        counts: list[int] = np.histogram(finite, columns, (-self.reach, self.reach))[0].tolist()
        return counts

    @property
    def beyond(self) -> tuple[int, int]:
        """How many are to the left of what is shown, and how many to the right."""
        return int((self.values < -self.reach).sum()), int((self.values > self.reach).sum())


@dataclass(frozen=True, eq=False, kw_only=True)
class Picture:
    """One seed at one epoch.

    Attributes:
        heading: What is trained on what, the seed, the epoch and the speed.
        cost: What it is, in words.
        state: Whether it is solved, or how many samples are right.
        meaning: What the verdict means; empty before there is one, and of a solved seed.
        samples: In the order of training; of very many some, evenly spread.
        rows: How many there are.
        columns: What is said of each.
        targets: The lowest and the highest on the plane.
        scale: What colours of the plane mean: shares of the way between them, and their names.
        surface: The predictions over the plane of two inputs; None of other tasks.
        costs: From the start to now; its x goes on to the budget.
        hidden: The hidden units.
        keys: What each key does.
    """

    heading: str
    cost: str
    state: Line
    meaning: str
    samples: tuple[Sample, ...]
    rows: int
    columns: str
    targets: tuple[float, float]
    scale: tuple[tuple[float, str], ...]
    surface: PredictionSurface | None
    costs: Curves
    hidden: HiddenUnits
    keys: str

    def plane(self, columns: int, rows: int) -> tuple[Array, list[tuple[int, int, Sample]]]:
        """The surface as a grid of characters, and where the samples are on it.

        Returns:
            Shares of the way from the lowest target to the highest, (rows, columns) from the top,
            nan where not finite; and the column and row of each sample.
        """
        assert self.surface is not None, "the task has two inputs"
        first, second = self.surface.first, self.surface.second
        down = np.linspace(len(second) - 1, 0, rows).round().astype(int)
        across = np.linspace(0, len(first) - 1, columns).round().astype(int)
        low, high = self.targets
        ends = (low, high) if low < high else (low - 0.5, high + 0.5)
        shares = np.interp(self.surface.values[np.ix_(down, across)], ends, (0.0, 1.0))
        places = []
        for sample in self.samples:
            x, y = sample.inputs
            column = np.interp(x, (first[0], first[-1]), (0, columns - 1))
            row = np.interp(y, (second[0], second[-1]), (rows - 1, 0))
            places.append((round(float(column)), round(float(row)), sample))
        return shares, places


def picture(experiment: Experiment, view: View, seed: SeedView) -> Picture:
    """What there is to see of a seed.

    Args:
        experiment: Of one variant.
        view: How it is watched.
        seed: That at the place of the view.
    """
    (variant,), task, training = experiment.variants, experiment.task, seed.training
    which, epoch = which_cost(experiment), training.epochs[-1]
    samples = _samples(experiment, training)
    word = VERDICTS[training.verdict[0]] if epoch == experiment.epochs else ""
    cost = f"{which} {number(float(select_cost(experiment, training)[0, -1]))}"
    # nothing is known of the budget yet, but that the curve will end there
    rest = [] if word else [(experiment.epochs, nan)]
    x, y = zip(*zip(seed.epochs, seed.costs, strict=True), *rest, strict=True)
    name = f"seed {experiment.seeds[view.place]}"
    name += f" ({view.place + 1} of {view.seeds})" if view.seeds > 1 else ""
    at = f"epoch {epoch:>{len(str(experiment.epochs))}} of {experiment.epochs}"
    surface = None
    if task.inputs.shape[1] == 2:
        surface = predict_surface(experiment, variant, seed.checkpoint.weights)
    return Picture(
        heading=f"{variant.label} on {task.name}  {name}  {at}  {_pace(view)}",
        cost=cost,
        state=_state(experiment, training, word),
        meaning=f"{word}: {MEANINGS[word]}" if word and not training.solved[0] else "",
        samples=samples,
        rows=len(task.targets),
        columns=_columns(experiment),
        targets=target_range(experiment),
        scale=_scale(experiment),
        surface=surface,
        costs=Curves(which, x, [y]),
        hidden=_hidden_units(experiment, seed.checkpoint),
        keys=_keys(view),
    )


def _samples(experiment: Experiment, training: Training) -> tuple[Sample, ...]:
    places = spread_evenly(len(experiment.task.targets), MAX_POINTS)
    targets, predictions = experiment.task.targets[places], training.predictions[0, places]
    right = right_samples(experiment, training.predictions)[0, places]
    classes, several = experiment.task.classes, len(experiment.task.classes) > 2

    def describe(outputs: Array, *, is_target: bool) -> str:
        if classes and (is_target or several):
            name = classes[int(outputs.argmax() if several else outputs[0])]
            return name if is_target else f"{name} {brief(float(outputs.max()))}"
        return " ".join(map(short if is_target else brief, outputs.tolist()))

    rows = zip(
        map(tuple, experiment.scaled_task.inputs[places].tolist()),
        (describe(target, is_target=True) for target in targets),
        (describe(outputs, is_target=False) for outputs in predictions),
        right.tolist(),
        strict=True,
    )
    return tuple(Sample(*row) for row in rows)


def _columns(experiment: Experiment) -> str:
    """What is said of each sample."""
    classes, several = experiment.task.classes, experiment.task.targets.shape[1] > 1
    if classes and not several:
        return f"inputs, class, prediction of {classes[1]}"
    targets = "targets, predictions (colours: the first)" if several else "target, prediction"
    return "inputs, class, largest output" if classes else f"inputs, {targets}"


def _scale(experiment: Experiment) -> tuple[tuple[float, str], ...]:
    """What colours of the plane mean."""
    names = experiment.task.classes
    if not names:
        low, high = map(short, target_range(experiment))
        names = (low, "", "", "", high)
    return tuple(zip(np.linspace(0.0, 1.0, len(names)).tolist(), names, strict=True))


def _measured(experiment: Experiment, training: Training) -> str:
    """How good it is on the rows of training, and on those that are held out, if there are any."""
    names = [RIGHT if experiment.has_classes else "rmse"]
    if experiment.task.held_out is not None:
        names += [HELD_OUT + LOSS, HELD_OUT + names[0]]
    values = {name: float(getattr(training.final, name)[0]) for name in names}
    return ", ".join(f"{measure_words(n)} {measure_text(n, value)}" for n, value in values.items())


def _hidden_units(experiment: Experiment, snapshot: Checkpoint) -> HiddenUnits:
    """What is shown seldom changes, and goes beyond all kinks."""
    activation = experiment.network_of(experiment.variants[0]).activations[0]
    kinks = tuple(float(each.x) for each in activation.function.breaks)
    values = np.concatenate([np.zeros(0), *map(np.ravel, snapshot.pre_activations)])
    farthest = float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
    reach = least = max([_MIN_REACH, *(_KINK_MARGIN * abs(kink) for kink in kinks)])
    while reach < min(farthest, _MAX_REACH * least):
        reach *= 2.0
    where = f": {describe_pieces(activation, snapshot)}" if len(values) else ""
    summary = f"{count(len(values), f'{shown_layer(experiment)} pre-activation')}{where}"
    return HiddenUnits(summary, reach, values, kinks)


def _pace(view: View) -> str:
    speed = f"{short(view.speed)} epochs/s"
    if view.at_end:
        return "at its end"
    if view.paused:
        return f"paused, {speed}"
    return f"below {speed}" if view.behind else speed


def _keys(view: View) -> str:
    """At the end there is nothing to pause, and no speed."""
    seeds = ("←→ seed",) if view.seeds > 1 else ()
    pause = ("space go on" if view.paused else "space pause", "↑↓ speed")
    return "  ".join(("q quit", *seeds, *(() if view.at_end else pause), "r again"))


def _state(experiment: Experiment, training: Training, verdict: str) -> Line:
    """That a seed has diverged, or is solved, or how good it is."""
    first, diverged = int(training.solved_at[0]), int(training.diverged_at[0])
    if diverged != NOT_REACHED:
        return Line(f"diverged in epoch {diverged}: {CAUSES[training.diverged_by[0]]}", "bad")
    if training.solved[0]:
        return Line(f"solved, first at epoch {first}", "good")
    rows = len(experiment.task.targets)
    right = f"right on {round(float(training.final.right[0]) * rows)} of {count(rows, 'sample')}"
    if (stopped := int(training.stopped_at[0])) != NOT_REACHED:
        return Line(f"stopped at epoch {stopped}, its loss reached: {right}", "good")
    ended = f" ({verdict})" if verdict else ""
    if experiment.chosen_measure.name != SOLVED:
        return Line(f"{_measured(experiment, training)}{ended}")
    lost = f", was solved at epoch {first}" if first != NOT_REACHED else ""
    return Line(f"not solved{ended}: {right}{lost}", "bad" if verdict else "")
