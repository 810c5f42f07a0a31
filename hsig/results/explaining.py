"""Explaining why an activation fails, and what would help."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from hsig.analysis.parts import REMEDY, Part
from hsig.analysis.remedies import Trial, judge_remedy, propose_remedies
from hsig.analysis.summary import summarise
from hsig.config.keys import EXPLAIN
from hsig.experiments.experiment import Experiment, Outcome
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
        remedies = propose_remedies(outcome.experiment) if _needs_remedies(outcome) else ()
        missing = max(0, len(remedies) - len(trials))
        return explanation_page(outcome, self.summary, trials, missing=missing)

    @property
    def story(self) -> tuple[str, ...]:
        """Why seeds were not solved, in paragraphs."""
        story = self.to_dict(every_seed=False)["story"]
        return tuple(map(str, story)) if isinstance(story, list) else ()

    @cached_property
    def remedies(self) -> Mapping[str, Trial]:
        """What became of each remedy, by what it changed."""
        failed = self.summary.variants[0]
        trials = [
            judge_remedy(part, failed, summarise(part.outcome).variants[0])
            for part in self.parts[1:]
        ]
        return {trial.numbers.label: trial for trial in trials}


def explain(experiment: Experiment, trainer: Trainer) -> ExplainResult:
    """Train an activation and, if a seed of it fails, remedies from the same seeds."""
    trainer.warn(experiment)
    outcome = train_until(experiment, trainer)
    parts = [Part("", experiment, outcome)]
    if can_continue(trainer, outcome) and _needs_remedies(outcome):
        remedies = propose_remedies(outcome.experiment)
        outcomes = trainer.train(*(remedy.experiment for remedy in remedies))
        parts += [
            Part(remedy.name, remedy.experiment, result, REMEDY, remedy.layers)
            for remedy, result in zip(remedies, outcomes, strict=True)
            if result.complete
        ]
    return ExplainResult(tuple(parts))


def _needs_remedies(outcome: Outcome) -> bool:
    """Whether there is something to mend."""
    result = outcome.results[0]
    return outcome.complete and (bool(result.failure) or not result.solved.all())
