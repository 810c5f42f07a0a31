"""One seed while it trains, in no format yet, and how somebody looks at it."""

from dataclasses import dataclass, replace
from math import floor, log10, nan
from typing import NamedTuple

import numpy as np

from hsig.analysis.plot_data import predict_surface
from hsig.arrays import Array
from hsig.engines.engine import NOT_REACHED
from hsig.experiments.experiment import Experiment, Training, select_cost
from hsig.experiments.snapshots import SeedView
from hsig.experiments.verdicts import VERDICTS
from hsig.networks.network import Weights
from hsig.reports.columns import which_cost
from hsig.reports.explanation import piece_name
from hsig.reports.page import Curves, Line, count, number, short
from hsig.reports.phrases import CAUSES, MEANINGS

# --- how it is looked at -------------------------------------------------------------------------

MIN_SPEED, MAX_SPEED = 0.1, 1e9  # epochs per second
_SPEED_STEP = 2.0  # of a key
_WHOLE_S = 20.0  # that the budget takes by default


@dataclass(frozen=True, kw_only=True)
class View:
    """Which seed is seen at which epoch, and how that goes on.

    Attributes:
        seeds: How many there are.
        budget: Epochs.
        speed: Epochs per second.
        place: Of the seed that is seen, among the seeds.
        epoch: In parts of an epoch too; never beyond the budget.
        paused: Whether it stays there.
        behind: Whether the training is slower than the speed.
        ended: Whether nothing more is to be seen.
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
        """The view no farther than the training has come.

        Args:
            epoch: What the training has come to.
            behind: Whether it has not come to the epoch of the view.
        """
        return replace(self, epoch=min(self.epoch, epoch) if behind else self.epoch, behind=behind)


def _limit_speed(speed: float) -> float:
    return min(MAX_SPEED, max(MIN_SPEED, speed))


# --- what is seen --------------------------------------------------------------------------------

_MIN_REACH = 4.0  # of the hidden pre-activations, on each side of 0
_KINK_MARGIN = 1.6  # times the farthest kink
_MAX_REACH = 4.0  # times what is shown at least


class Sample(NamedTuple):
    """A sample: its inputs, as the network sees them, the first target and its prediction."""

    inputs: tuple[float, ...]
    target: float
    prediction: float
    right: bool


@dataclass(frozen=True, eq=False)
class HiddenUnits:
    """The pre-activations of the hidden units of all layers, one for each sample.

    Attributes:
        summary: How many there are, and on which pieces.
        reach: They are shown from minus this to this.
        values: Of any shape.
        kinks: Where the activation bends or jumps.
    """

    summary: str
    reach: float
    values: Array
    kinks: tuple[float, ...]

    def counts(self, columns: int) -> list[int]:
        """How many there are in each of so many columns; those beyond the ends are in none."""
        edges = np.linspace(-self.reach, self.reach, columns + 1)
        found: list[int] = np.histogram(self.values[np.isfinite(self.values)], edges)[0].tolist()
        return found

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
        samples: In the order of training.
        targets: The lowest and the highest.
        costs: From the start to now; its x goes on to the budget.
        hidden: The hidden units.
        keys: What each key does.
    """

    heading: str
    cost: str
    state: Line
    meaning: str
    samples: tuple[Sample, ...]
    targets: tuple[float, float]
    costs: Curves
    hidden: HiddenUnits
    keys: str
    _experiment: Experiment
    _weights: Weights

    def plane(self, columns: int, rows: int) -> tuple[Array, list[tuple[int, int, Sample]]] | None:
        """The predictions over the plane of two inputs, and where the samples are.

        Returns:
            Shares of the way from the lowest target to the highest, (rows, columns) from the top,
            nan where not finite; and the column and row of each sample. None of other tasks.
        """
        if self._experiment.task.inputs.shape[1] != 2:
            return None
        variant = self._experiment.variants[0]
        found = predict_surface(
            self._experiment, variant, self._weights, points=max(columns, rows, 2)
        )
        last = len(found.first) - 1
        down = np.linspace(last, 0, rows).round().astype(int)
        across = np.linspace(0, last, columns).round().astype(int)
        shares = scale(found.predictions[np.ix_(down, across)], *self.targets)
        places = []
        for sample in self.samples:
            x = scale(np.array(sample.inputs[0]), found.first[0], found.first[-1])
            y = scale(np.array(sample.inputs[1]), found.second[0], found.second[-1])
            if np.isfinite(x + y):
                place = round(float(x) * (columns - 1)), round((1.0 - float(y)) * (rows - 1))
                places.append((*place, sample))
        return shares, places


def scale(values: Array, lowest: float, highest: float) -> Array:
    """Shares of the way from the lowest to the highest, in [0, 1]; one half if they are equal.

    >>> scale(np.array([-3.0, 0.0, 1.0, 9.0]), -1.0, 3.0).tolist()
    [0.0, 0.25, 0.5, 1.0]
    """
    if not highest > lowest:
        return np.where(np.isnan(values), nan, 0.5)
    with np.errstate(invalid="ignore", over="ignore"):
        # of halves, no difference overflows
        share = (values / 2.0 - lowest / 2.0) / (highest / 2.0 - lowest / 2.0)
    return np.clip(share, 0.0, 1.0)


def picture(experiment: Experiment, view: View, seen: SeedView) -> Picture:
    """What there is to see of a seed.

    Args:
        experiment: Of one variant.
        view: How it is watched.
        seen: The seed at the place of the view.
    """
    (variant,), task, training = experiment.variants, experiment.task, seen.training
    which, epoch = which_cost(experiment), training.epochs[-1]
    samples = _samples(experiment, training)
    word = VERDICTS[training.verdict[0]] if epoch == experiment.epochs else ""
    cost = number(float(select_cost(experiment, training)[0, -1]))
    # nothing is known of the budget yet, but that the curve will end there
    rest = [] if word else [(experiment.epochs, nan)]
    x, y = zip(*zip(seen.epochs, seen.costs, strict=True), *rest, strict=True)
    seed = f"seed {experiment.seeds[view.place]}"
    seed += f" ({view.place + 1} of {view.seeds})" if view.seeds > 1 else ""
    at = f"epoch {epoch:>{len(str(experiment.epochs))}} of {experiment.epochs}"
    targets = task.targets[:, 0]
    layers = [layer[0].ravel() for layer in seen.snapshot.pre_activations]
    return Picture(
        heading=f"{variant.label} on {task.name}  {seed}  {at}  {_pace(view)}",
        cost=f"{which} {cost}",
        state=_state(training, samples, word),
        meaning=f"{word}: {MEANINGS[word]}" if word and not training.solved[0] else "",
        samples=samples,
        targets=(float(targets.min()), float(targets.max())),
        costs=Curves(which, x, [y]),
        hidden=_hidden_units(experiment, np.concatenate([np.zeros(0), *layers])),
        keys=_keys(view),
        _experiment=experiment,
        _weights=seen.snapshot.weights,
    )


def _samples(experiment: Experiment, training: Training) -> tuple[Sample, ...]:
    targets, predictions = experiment.task.targets, training.predictions[0]
    with np.errstate(all="ignore"):
        right = np.all(np.abs(predictions - targets) < experiment.solved_within, axis=-1)
    rows = zip(
        map(tuple, experiment.scaled_task.inputs.tolist()),
        targets[:, 0].tolist(),
        predictions[:, 0].tolist(),
        right.tolist(),
        strict=True,
    )
    return tuple(Sample(*row) for row in rows)


def _hidden_units(experiment: Experiment, values: Array) -> HiddenUnits:
    """What is shown goes to a round number, which seldom changes, beyond all kinks."""
    activation = experiment.variants[0].activation
    kinks = tuple(float(found.x) for found in activation.function.breaks)
    least = max([_MIN_REACH, *(_KINK_MARGIN * abs(kink) for kink in kinks)])
    farthest = float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
    wanted = max(least, min(farthest, _MAX_REACH * least))
    power = 10.0 ** floor(log10(wanted))
    reach = next(step * power for step in (1.0, 2.0, 5.0, 10.0) if step * power >= wanted)
    on = {
        piece_name(piece): int(piece.contains(values).sum()) for piece in activation.linear_pieces
    }
    parts = [f"{n} on {name}" for name, n in on.items() if n]
    undefined = int(np.isnan(values).sum())
    curved = values.size - undefined - sum(on.values())
    parts += [f"{curved} where it is curved"] if curved and on else []
    parts += [f"{undefined} undefined"] if undefined else []
    whole = count(values.size, "hidden pre-activation")
    return HiddenUnits(f"{whole}{': ' if parts else ''}{', '.join(parts)}", reach, values, kinks)


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


def _state(training: Training, samples: tuple[Sample, ...], verdict: str) -> Line:
    """That a seed has diverged, or is solved, or what it is right on."""
    first, diverged = int(training.solved_at[0]), int(training.diverged_at[0])
    if diverged != NOT_REACHED:
        return Line(f"diverged in epoch {diverged}: {CAUSES[training.diverged_by[0]]}", "bad")
    if training.solved[0]:
        return Line(f"solved, first at epoch {first}", "good")
    right = sum(sample.right for sample in samples)
    lost = f", was solved at epoch {first}" if first != NOT_REACHED else ""
    ended = f" ({verdict})" if verdict else ""
    text = f"not solved{ended}: right on {right} of {count(len(samples), 'sample')}{lost}"
    return Line(text, "bad" if verdict else "")
