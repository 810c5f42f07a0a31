"""What is told of one seed while it trains, in no format yet."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import nan

import numpy as np

from hsig.engines import NOT_REACHED
from hsig.experiments.course import Seen
from hsig.experiments.experiment import Experiment, Training, shown_cost
from hsig.experiments.verdicts import VERDICTS
from hsig.reports.numbers import count, number, short
from hsig.reports.page import Curves, Line
from hsig.reports.scenes import (
    Axis,
    Plane,
    Profile,
    Sample,
    axis,
    plane,
    profile,
    samples_of,
    shares,
)
from hsig.reports.view import View
from hsig.reports.words import CAUSES, MEANINGS, which_cost


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


def picture(experiment: Experiment, view: View, seen: Seen) -> Picture:
    """What is told of a seed.

    Args:
        experiment: Of one variant.
        view: How it is watched, and at which place the seed is.
        seen: What there is of that seed.
    """
    (variant,), task, training = experiment.variants, experiment.task, seen.training
    inputs, which = task.inputs.shape[1], which_cost(experiment)
    samples = samples_of(experiment, training.predictions[0])
    drawn = experiment, seen.moment.weights, samples
    epoch, word = training.epochs[-1], VERDICTS[training.verdict[0]]
    ended = epoch == experiment.epochs
    cost = float(shown_cost(experiment, training)[0, -1])
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
        axis=axis(variant.activation, seen.moment.pre_activations[0][0]),
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
