"""Training one activation, and who trains."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

from hsig.analysis.parts import Part
from hsig.config.keys import TRAIN
from hsig.errors import RunError
from hsig.experiments.experiment import Experiment, Outcome
from hsig.experiments.parallel import run_with_workers
from hsig.experiments.training import gather_all
from hsig.reports.obstacles import warnings_of
from hsig.reports.page import Page
from hsig.reports.training import training_page
from hsig.results.result import SingleResult


class Trainer(Protocol):
    """Trains experiments."""

    interrupted: bool  # whether somebody ended it early; what is asked of it then is not begun
    problem: RunError | None  # what else ended a part of it early

    def warn(self, *experiments: Experiment, notes: Sequence[str] = ()) -> None:
        """Say notes, then what the numbers of tasks make hard or impossible, before training."""

    def train(self, *experiments: Experiment) -> list[Outcome]:
        """Train experiments, no two of which have a variant of the same label."""


class QuietTrainer:
    """Trains without a word; Ctrl-C and what goes wrong are raised."""

    interrupted = False
    problem: RunError | None = None

    def warn(self, *experiments: Experiment, notes: Sequence[str] = ()) -> None:
        """Warn as Python does."""
        for message in (*notes, *warnings_of(experiments)):
            warnings.warn(message, stacklevel=4)  # where `hsig.train` and the like were called

    def train(self, *experiments: Experiment) -> list[Outcome]:
        """Train experiments."""
        return gather_all(experiments, run_with_workers(*experiments))


def can_continue(trainer: Trainer, *outcomes: Outcome) -> bool:
    """Whether outcomes are complete, and nothing has ended the trainer's work."""
    stopped = trainer.interrupted or trainer.problem is not None
    return not stopped and all(outcome.complete for outcome in outcomes)


@dataclass(frozen=True, eq=False, repr=False)
class TrainResult(SingleResult):
    """What became of one activation."""

    command: ClassVar[str] = TRAIN

    def make_page(self, columns: Sequence[str] = ()) -> Page:
        """The page; it has no columns to choose."""
        del columns
        return training_page(self.parts[0].outcome, self.summary)


def train(experiment: Experiment, trainer: Trainer) -> TrainResult:
    """Train one activation."""
    trainer.warn(experiment)
    return TrainResult((Part("", experiment, train_until(experiment, trainer)),))


def train_until(experiment: Experiment, trainer: Trainer) -> Outcome:
    """Train, and add seeds until the intervals are as narrow as `until` asks."""
    if experiment.until is None:
        (outcome,) = trainer.train(experiment)
        return outcome
    from hsig.analysis.power import first_block, join_seeds, next_block

    (outcome,) = trainer.train(first_block(experiment))
    while outcome.complete and (more := next_block(outcome)):
        (block,) = trainer.train(more)
        if not block.complete:  # interrupted: the seeds before it are whole
            break
        outcome = join_seeds(outcome, block)
    return outcome
