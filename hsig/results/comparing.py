"""Comparing activations side by side: of one config or several, on one task or several, tuned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from hsig.analysis.pairing import Pairing
from hsig.analysis.parts import ALTERNATIVE, ASKED, CONFIG, ONE_RATE, TASK, TUNING, Part
from hsig.analysis.summary import Summary, VariantSummary, summarise
from hsig.analysis.tasks import compare_tasks
from hsig.analysis.tuning import (
    Tuning,
    alternative_experiments,
    analyse_tuning,
    apply_choices,
    choose_rates,
    tuning_experiments,
    without_tuning,
)
from hsig.config.keys import COMPARE
from hsig.config.loading import (
    Settings,
    describe_left_out,
    load_experiment,
    load_side_by_side,
)
from hsig.experiments.experiment import Experiment, Outcome
from hsig.reports.comparison import comparison_page
from hsig.reports.lookups import configs_page
from hsig.reports.page import Page, short
from hsig.reports.tasks import TaskResult, tasks_page
from hsig.results.result import Trained
from hsig.results.training import Trainer, can_continue, train_until


@dataclass(frozen=True, eq=False, repr=False)
class CompareResult(Trained):
    """What became of several activations, side by side."""

    command: ClassVar[str] = COMPARE

    @cached_property
    def variants(self) -> Mapping[str, VariantSummary]:
        """The numbers of each variant, by its label."""
        return {variant.label: variant for part in self.summaries for variant in part.variants}

    @property
    def pairing(self) -> Pairing | None:
        """The variants seed by seed; None if they cannot be paired."""
        return self.summaries[0].pairing if len(self.summaries) == 1 else None

    @cached_property
    def _tunings(self) -> list[Tuning | None]:
        """How the learning rates of each main part were chosen, if they were."""
        return [analyse_tuning(part, self.parts) for part in self.main_parts]

    @cached_property
    def summaries(self) -> list[Summary]:
        """The numbers of each config or task; where it was tuned, paired as the tuning allows."""
        summaries = [summarise(part.outcome) for part in self.main_parts]
        return [
            summary if tuning is None else summary._replace(pairing=tuning.pairing)
            for summary, tuning in zip(summaries, self._tunings, strict=True)
        ]

    def make_page(self, columns: Sequence[str] = ()) -> Page:
        """The page, with these columns alone if some are named."""
        parts, summaries, tunings = self.main_parts, self.summaries, self._tunings
        if parts[0].role == CONFIG:
            names = [part.name for part in parts]
            return configs_page(parts, dict(zip(names, summaries, strict=True)), columns)
        if parts[0].role == TASK:
            results = [*map(TaskResult, parts, summaries, tunings)]
            complete = all(part.outcome.complete for part in parts)
            return tasks_page(results, compare_tasks(parts) if complete else None, columns)
        return comparison_page(parts[0].outcome, summaries[0], columns, tunings[0])


def compare(configs: Sequence[Path], settings: Settings, trainer: Trainer) -> CompareResult:
    """Train what configs and settings say, side by side.

    Raises:
        ConfigError: With every problem of them.
    """
    experiments = load_side_by_side(configs, settings)
    role = CONFIG if len(configs) > 1 else TASK
    if not experiments:
        config = configs[0] if configs else None
        experiments, role = {"": load_experiment(config, settings, COMPARE)}, ASKED
    left_out = describe_left_out(configs, settings, experiments.values())
    trainer.warn(*experiments.values(), notes=left_out)
    if any(experiment.tune for experiment in experiments.values()):
        return CompareResult(_tune_each(experiments, role, trainer))
    if role == ASKED:
        outcomes = [train_until(experiments[""], trainer)]
    else:
        outcomes = trainer.train(*(e.prefix_labels(name) for name, e in experiments.items()))
    parts = zip(experiments.items(), outcomes, strict=True)
    return CompareResult(tuple(Part(name, e, outcome, role) for (name, e), outcome in parts))


def _tune_each(
    experiments: Mapping[str, Experiment], role: str, trainer: Trainer
) -> tuple[Part, ...]:
    """Tune one experiment after the other; those there was no time for have no results."""
    parts: list[Part] = []
    for name, experiment in experiments.items():
        named = experiment.prefix_labels(name) if name else experiment
        trained = _tune(name, experiment, named, role, trainer) if can_continue(trainer) else []
        parts += trained or [Part(name, experiment, Outcome(named, ()), role)]
    return tuple(parts)


def _tune(
    name: str, experiment: Experiment, named: Experiment, role: str, trainer: Trainer
) -> list[Part]:
    """Choose a learning rate for each variant, and train them at these and at the one for all.

    Returns:
        The parts as far as it went: none before every learning rate was tried.
    """
    tried = tuning_experiments(named)
    tries = trainer.train(*tried)
    if not can_continue(trainer, *tries):
        return []
    choices = choose_rates(named, tries)
    (outcome,) = trainer.train(apply_choices(named, choices))
    parts = [Part(name, experiment, outcome, role), *_rate_parts(TUNING, tried, tries)]
    if not can_continue(trainer, outcome):
        return parts
    open_rates = alternative_experiments(named, choices)
    alternatives = trainer.train(*open_rates)
    parts += _rate_parts(ALTERNATIVE, open_rates, alternatives)
    if can_continue(trainer, *alternatives):
        (shared,) = trainer.train(without_tuning(named))
        parts.append(Part(name, without_tuning(experiment), shared, ONE_RATE))
    return parts


def _rate_parts(
    role: str, experiments: Sequence[Experiment], outcomes: Sequence[Outcome]
) -> list[Part]:
    return [
        Part(f"{role}, learning rate {short(experiment.learning_rate)}", experiment, outcome, role)
        for experiment, outcome in zip(experiments, outcomes, strict=True)
    ]
