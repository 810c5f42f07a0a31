"""Explaining why an activation fails, and what would help."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from hsig.analysis.parts import REMEDY, Part
from hsig.analysis.trials import Search, Trial, list_cut_remedies, propose_remedies
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
        outcome, search = self.parts[0].outcome, self._search
        return explanation_page(
            outcome,
            self.summary,
            list(self.remedies.values()),
            missing=propose_remedies(search) if outcome.complete else (),
            cut=list_cut_remedies(search),
        )

    @property
    def story(self) -> tuple[str, ...]:
        """Why seeds were not solved, in paragraphs."""
        story = self.to_dict(every_seed=False)["story"]
        return tuple(map(str, story)) if isinstance(story, list) else ()

    @property
    def remedies(self) -> Mapping[str, Trial]:
        """What became of each remedy, by what it changed; from the smallest change on."""
        return self._search.order_trials()

    @cached_property
    def _search(self) -> Search:
        return Search.begin(self.parts[0]).add(self.parts[1:])


def explain(experiment: Experiment, trainer: Trainer) -> ExplainResult:
    """Train an activation and, if a seed of it fails, remedies from the same seeds."""
    trainer.warn(experiment)
    outcome = train_until(experiment, trainer)
    parts = [Part("", experiment, outcome)]
    if can_continue(trainer, outcome):
        search = Search.begin(parts[0])
        while remedies := propose_remedies(search):
            outcomes = trainer.train(*(remedy.experiment for remedy in remedies))
            tried = [
                Part(remedy.name, remedy.experiment, trained, REMEDY, remedy.layers)
                for remedy, trained in zip(remedies, outcomes, strict=True)
                if trained.complete
            ]
            parts += tried
            if not can_continue(trainer, *outcomes):
                break
            search = search.add(tried)
    return ExplainResult(tuple(parts))
