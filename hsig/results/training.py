"""Training one activation, and who trains."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from hsig.analysis.parts import Part
from hsig.analysis.power import first_block, join_seeds, next_block
from hsig.analysis.summary import Summary, summarise
from hsig.config.keys import TRAIN
from hsig.errors import RunError
from hsig.experiments.experiment import Experiment, Outcome
from hsig.experiments.parallel import run_with_workers
from hsig.experiments.training import gather_all
from hsig.reports.obstacles import warnings_of
from hsig.reports.page import Page
from hsig.reports.training import training_page
from hsig.results.result import OfOne

# --- trainer -------------------------------------------------------------------------------------

# Who trains, and what may end it early.


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


# --- training ------------------------------------------------------------------------------------

# One activation, trained.


@dataclass(frozen=True, eq=False, repr=False)
class TrainResult(OfOne):
    """What became of one activation."""

    command: ClassVar[str] = TRAIN

    def told(self, columns: Sequence[str] = ()) -> tuple[Page, list[Summary]]:
        """Its page and numbers."""
        del columns
        outcome = self.parts[0].outcome
        summary = summarise(outcome)
        return training_page(outcome, summary), [summary]


def train(experiment: Experiment, trainer: Trainer) -> TrainResult:
    """Train one activation."""
    trainer.warn(experiment)
    return TrainResult((Part("", experiment, outcome_of(experiment, trainer)),))


def outcome_of(experiment: Experiment, trainer: Trainer) -> Outcome:
    """Train, and add seeds until the intervals are as narrow as was asked for."""
    if experiment.until is not None:
        experiment = first_block(experiment)
    (outcome,) = trainer.train(experiment)
    while experiment.until is not None and outcome.complete and (more := next_block(outcome)):
        (block,) = trainer.train(more)
        if not block.complete:  # interrupted: what is whole remains
            break
        outcome = join_seeds(outcome, block)
    return outcome
