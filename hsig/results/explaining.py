"""Why an activation fails, and what would help."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from hsig.analysis.parts import REMEDY, Part
from hsig.analysis.remedies import Trial, has_failed, judge_remedy, propose_remedies
from hsig.analysis.summary import Summary, summarise
from hsig.config.keys import EXPLAIN
from hsig.experiments.experiment import Experiment, Outcome
from hsig.reports.explanation import explanation_page
from hsig.reports.page import Page
from hsig.results.result import OfOne
from hsig.results.training import Trainer, outcome_of


@dataclass(frozen=True, eq=False, repr=False)
class ExplainResult(OfOne):
    """Why one activation fails: its first part is as it was asked for, the others are remedies."""

    command: ClassVar[str] = EXPLAIN

    def told(self, columns: Sequence[str] = ()) -> tuple[Page, list[Summary]]:
        """Its page, and the numbers of what was asked for."""
        del columns
        outcome = self.parts[0].outcome
        summary = summarise(outcome)
        trials = _trials(self.parts[1:], summary)
        wanted = propose_remedies(outcome.experiment) if _needs_remedies(outcome) else ()
        missing = max(0, len(wanted) - len(trials))
        return explanation_page(outcome, summary, trials, missing=missing), [summary]

    @property
    def story(self) -> tuple[str, ...]:
        """Why seeds were not solved, in paragraphs."""
        story = self.to_dict(every_seed=False)["story"]
        return tuple(map(str, story)) if isinstance(story, list) else ()

    @property
    def remedies(self) -> Mapping[str, Trial]:
        """What was tried, by what was changed."""
        trials = _trials(self.parts[1:], self.summary)
        return {trial.numbers.label: trial for trial in trials}


def explain(experiment: Experiment, trainer: Trainer) -> ExplainResult:
    """Train an activation and, if a seed of it fails, remedies from the same seeds."""
    trainer.warn(experiment)
    outcome = outcome_of(experiment, trainer)
    parts = [Part("", experiment, outcome)]
    if not trainer.interrupted and _needs_remedies(outcome):
        tried = propose_remedies(outcome.experiment)
        made = trainer.train(*(remedy.experiment for remedy in tried))
        parts += [
            Part(remedy.name, remedy.experiment, result, REMEDY, remedy.layers)
            for remedy, result in zip(tried, made, strict=True)
            if result.complete
        ]
    return ExplainResult(tuple(parts))


def _trials(tried: Sequence[Part], summary: Summary) -> list[Trial]:
    """What became of each remedy."""
    return [
        judge_remedy(part, summary.variants[0], summarise(part.outcome).variants[0])
        for part in tried
    ]


def _needs_remedies(outcome: Outcome) -> bool:
    """Whether there is something to mend."""
    return outcome.complete and has_failed(outcome.results[0])
