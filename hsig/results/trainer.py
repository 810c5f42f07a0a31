"""Who trains, and what may end it early."""

import warnings
from typing import Protocol

from hsig.errors import RunError
from hsig.experiments.experiment import Experiment, Outcome
from hsig.experiments.training import gather_all
from hsig.experiments.workers import run_with_workers
from hsig.reports.obstacles import warnings_of


class Trainer(Protocol):
    """Who trains experiments.

    Attributes:
        interrupted: Whether somebody ended it early; what is asked of it then is not begun.
        problem: What else ended a part of it early, or None.
    """

    interrupted: bool
    problem: RunError | None

    def warn(self, *experiments: Experiment) -> None:
        """Say what the numbers of their tasks make hard or impossible, before they are trained."""

    def train(self, *experiments: Experiment) -> list[Outcome]:
        """Train experiments, no two of which have a variant of the same label."""


def went_on(trainer: Trainer, *outcomes: Outcome) -> bool:
    """Whether these were trained to their end, and there is no reason to stop."""
    return not trainer.interrupted and all(outcome.complete for outcome in outcomes)


class Quietly:
    """Trains without a word; Ctrl-C and what goes wrong are raised."""

    interrupted = False
    problem: RunError | None = None

    def warn(self, *experiments: Experiment) -> None:
        """As warnings of Python."""
        for message in warnings_of(experiments):
            warnings.warn(message, stacklevel=4)  # where `hsig.train` and the like were called

    def train(self, *experiments: Experiment) -> list[Outcome]:
        """As it says."""
        return gather_all(experiments, run_with_workers(*experiments))
