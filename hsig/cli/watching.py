"""What `hsig watch` does."""

import os
import sys
from dataclasses import replace
from time import monotonic

import typer
from rich.console import Console

from hsig.config.keys import TRAIN
from hsig.config.kinds import Number
from hsig.config.loading import load_experiment
from hsig.config.values import Given, Place, Wrong, read_part
from hsig.config.words import config_and_one_activation
from hsig.errors import ConfigError
from hsig.experiments.course import Course
from hsig.experiments.experiment import Experiment
from hsig.output.keyboard import Ends, pressed, unseen
from hsig.output.live import Screen
from hsig.output.terminal import note
from hsig.reports.obstacles import warnings_of
from hsig.reports.view import FASTEST, SLOWEST, View
from hsig.reports.watching import picture

_DUMB = ("dumb", "unknown")
_PICTURE_S = 1 / 12  # from one to the next
_TRAINING_S = 0.7 * _PICTURE_S  # of it, so that keys are heard


def watch_one(words: list[str], flags: dict[str, str], speed: str | None) -> None:
    """`hsig watch`.

    Raises:
        ConfigError: If there is no terminal, or no training to watch.
    """
    _check_terminal()
    config = config_and_one_activation(words, flags)
    experiment = load_experiment(config, flags, TRAIN)
    chosen = None if speed is None else _speed(speed)
    course = Course(experiment)
    note(*(f"warning: {message}" for message in warnings_of([experiment])))
    view = View.of(len(experiment.seeds), experiment.epochs, chosen)
    console = Console(force_terminal=True, force_interactive=True, highlight=False, emoji=False)
    try:
        with Ends() as ends, unseen(), Screen(console) as screen:
            _show(experiment, course, view, screen, ends)
    except KeyboardInterrupt:  # a second one, which waits for nothing
        pass
    raise typer.Exit(ends.exit_code)


def _check_terminal() -> None:
    """Refuse to draw where nobody sees it, or the cursor cannot be moved."""
    kind = os.environ.get("TERM", "").casefold()
    streams = {"stdin": sys.stdin, "stdout": sys.stdout}  # None where it was closed
    missing = [name for name, stream in streams.items() if not (stream and stream.isatty())]
    if missing or kind in _DUMB:
        what = f"{missing[0]} is none" if missing else f"TERM is {kind}, which moves no cursor"
        raise ConfigError(
            f"watch: needs a terminal, but {what}. For the numbers: hsig train; for pictures in "
            "files: hsig plot --kind surface"
        )


def _speed(text: str) -> float:
    """What `--speed` says.

    Raises:
        ConfigError: If that is no speed.
    """
    problems: list[str] = []
    place = Place("", Given(text, "--speed"), problems)
    try:
        found: float = Number(SLOWEST, FASTEST).check(read_part(text, place), place)
    except Wrong:
        raise ConfigError(problems) from None
    return found


def _show(experiment: Experiment, course: Course, view: View, screen: Screen, ends: Ends) -> None:
    """Train and draw by turns, until a key or a signal ends it."""
    shown: object = None
    began = monotonic()
    while not view.ended and not ends.exit_code:
        for _ in course.steps_to(view.epoch):
            if monotonic() - began > _TRAINING_S:
                break
        view = view.held(course.epoch, behind=course.is_behind(view.epoch))
        told = replace(view, epoch=0.0), course.epoch, screen.size
        if told != shown:
            screen.show(picture(experiment, view, course.seen(view.place)))
            shown = told
        view = _heard(view, began + _PICTURE_S)
        before, began = began, monotonic()
        view = view.after(began - before)


def _heard(view: View, until: float) -> View:
    """What the keys make of a view that are pressed up to a moment, or were before it."""
    while not view.ended:
        left = until - monotonic()
        for key in pressed(max(0.0, left)):
            view = view.pressed(key)
        if left <= 0.0:
            break
    return view
