"""One activation, trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from hsig.analysis.adding_seeds import first_block, join, next_block
from hsig.analysis.summary import Summary, summarise
from hsig.config.keys import TRAIN
from hsig.experiments.experiment import Experiment, Outcome
from hsig.reports.page import Page
from hsig.reports.training import training_page
from hsig.results.result import OfOne
from hsig.results.trainer import Trainer
from hsig.runs import Part


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
        outcome = join(outcome, block)
    return outcome
