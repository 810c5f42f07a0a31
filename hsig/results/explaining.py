"""Explaining why an activation fails, and what would help."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from hsig.analysis.parts import REMEDY, Part
from hsig.analysis.remedies import (
    Remedy,
    Stage,
    Trial,
    judge_remedy,
    median_loss,
    order_trials,
    propose_remedies,
)
from hsig.analysis.summary import summarise
from hsig.config.keys import EXPLAIN
from hsig.experiments.experiment import Experiment
from hsig.reports.explanation import explanation_page
from hsig.reports.page import Page
from hsig.results.result import SingleResult
from hsig.results.training import Trainer, can_continue, train_until


@dataclass(frozen=True, eq=False, repr=False)
class ExplainResult(SingleResult):
    """Why one activation fails; the parts behind the first are the remedies that were tried."""

    command: ClassVar[str] = EXPLAIN

    def make_page(self, columns: Sequence[str] = ()) -> Page:
        """The page; it has no columns to choose."""
        del columns
        outcome, trials = self.parts[0].outcome, list(self.remedies.values())
        return explanation_page(outcome, self.summary, trials, missing=len(self.next_remedies))

    @property
    def story(self) -> tuple[str, ...]:
        """Why seeds were not solved, in paragraphs."""
        story = self.to_dict(every_seed=False)["story"]
        return tuple(map(str, story)) if isinstance(story, list) else ()

    @cached_property
    def remedies(self) -> Mapping[str, Trial]:
        """What became of each remedy, by what it changed; from the smallest change on."""
        return order_trials(self._stage)

    @cached_property
    def next_remedies(self) -> tuple[Remedy, ...]:
        """Those that are to be tried next; none if all were tried, or there is nothing to mend."""
        outcome = self.parts[0].outcome
        result = outcome.results[0] if outcome.complete else None
        needed = result is not None and (bool(result.failure) or not result.solved.all())
        return propose_remedies(self._stage) if needed else ()

    @cached_property
    def _stage(self) -> Stage:
        first, (numbers,) = self.parts[0], self.summary.variants
        before = Trial(first, numbers, works=None, loss=median_loss(first.outcome))
        trials = [
            judge_remedy(before, part, summarise(part.outcome).variants[0])
            for part in self.parts[1:]
        ]
        return Stage(
            first.outcome.experiment, before, {trial.numbers.label: trial for trial in trials}
        )


def explain(experiment: Experiment, trainer: Trainer) -> ExplainResult:
    """Train an activation and, if a seed of it fails, remedies from the same seeds."""
    trainer.warn(experiment)
    outcome = train_until(experiment, trainer)
    result = ExplainResult((Part("", experiment, outcome),))
    while can_continue(trainer, outcome) and (remedies := result.next_remedies):
        outcomes = trainer.train(*(remedy.experiment for remedy in remedies))
        parts = [
            Part(remedy.name, remedy.experiment, trained, REMEDY, remedy.layers)
            for remedy, trained in zip(remedies, outcomes, strict=True)
            if trained.complete
        ]
        if parts:
            result = ExplainResult((*result.parts, *parts))
        if len(parts) < len(remedies):
            break
    return result
