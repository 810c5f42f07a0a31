"""Comparing activations, configs or tasks, and tuning them first."""

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
from hsig.config.loading import Settings, load_experiment, load_side_by_side
from hsig.experiments.experiment import Experiment, Outcome
from hsig.reports.comparison import comparison_page
from hsig.reports.lookups import configs_page
from hsig.reports.page import Page, short
from hsig.reports.tasks import TaskResult, tasks_page
from hsig.results.result import Trained
from hsig.results.training import Trainer, outcome_of, went_on

# --- tuning --------------------------------------------------------------------------------------

# How a tuned comparison is trained: what is tried, what is reported, and the same untuned.


def tune_and_train(experiment: Experiment, trainer: Trainer, *, task: str = "") -> list[Part]:
    """Choose a learning rate for each variant, and train them at these and at the one for all.

    Args:
        experiment: What is tuned.
        trainer: Who trains.
        task: What stands in front of the labels, if it is one of several tasks.

    Returns:
        The parts of the run, as far as it went: none before every learning rate was tried; first
        what is reported.
    """
    named = experiment.prefix_labels(task) if task else experiment
    tries = tuning_experiments(named)
    tuning = trainer.train(*tries)
    if not went_on(trainer, *tuning):
        return []
    choices = choose_rates(named, tuning)
    (outcome,) = trainer.train(apply_choices(named, choices))
    main = Part(task, experiment, outcome, TASK if task else ASKED)
    parts = [main, *_parts(TUNING, tries, tuning)]
    if went_on(trainer, outcome):
        others = alternative_experiments(named, choices)
        made = trainer.train(*others)
        parts += _parts(ALTERNATIVE, others, made)
        if went_on(trainer, *made):
            (one,) = trainer.train(without_tuning(named))
            unnamed = without_tuning(experiment)
            parts.append(Part(task, unnamed, one, ONE_RATE))
    return parts


def _parts(role: str, experiments: Sequence[Experiment], outcomes: Sequence[Outcome]) -> list[Part]:
    return [
        Part(f"{role}, learning rate {short(experiment.learning_rate)}", experiment, outcome, role)
        for experiment, outcome in zip(experiments, outcomes, strict=True)
    ]


# --- comparing -----------------------------------------------------------------------------------

# Several activations, from the same starts: on one task or several, of one config or several.


@dataclass(frozen=True, eq=False, repr=False)
class CompareResult(Trained):
    """What became of several activations, side by side."""

    command: ClassVar[str] = COMPARE

    @cached_property
    def variants(self) -> Mapping[str, VariantSummary]:
        """The numbers of each variant, by its label."""
        return {variant.label: variant for one in self.summaries for variant in one.variants}

    @property
    def pairing(self) -> Pairing | None:
        """The variants seed by seed; None if they cannot be paired."""
        return self.summaries[0].pairing if len(self.summaries) == 1 else None

    def told(self, columns: Sequence[str] = ()) -> tuple[Page, list[Summary]]:
        """Its page, with these columns alone if there are some, and its numbers."""
        parts = self.parts
        if parts[0].role == TASK:
            return _page_of_tasks(parts, columns)
        if parts[0].role == CONFIG:
            return page_of_configs(parts, columns)
        summary, choice = _with_choice(parts[0], parts)
        return comparison_page(parts[0].outcome, summary, columns, choice), [summary]


def page_of_configs(
    parts: Sequence[Part], columns: Sequence[str] = ()
) -> tuple[Page, list[Summary]]:
    """The page of several configs, and the numbers of each."""
    summaries = {part.name: summarise(part.outcome) for part in parts}
    return configs_page(parts, summaries, columns), list(summaries.values())


def compare(configs: Sequence[Path], settings: Settings, trainer: Trainer) -> CompareResult:
    """Train what configs and settings say, side by side.

    Raises:
        ConfigError: With every problem of them.
    """
    experiments = load_side_by_side(configs, settings)
    if len(configs) > 1:
        return _compare_configs(experiments, trainer)
    if experiments:
        return _compare_tasks(experiments, trainer)
    config = configs[0] if configs else None
    return compare_one(load_experiment(config, settings, COMPARE), trainer)


def compare_one(experiment: Experiment, trainer: Trainer) -> CompareResult:
    """Train the variants of an experiment, at their own learning rates if that was asked for."""
    trainer.warn(experiment)
    if experiment.tune:
        return CompareResult(tuple(tune_and_train(experiment, trainer)))
    return CompareResult((Part("", experiment, outcome_of(experiment, trainer)),))


def _compare_configs(experiments: Mapping[str, Experiment], trainer: Trainer) -> CompareResult:
    trainer.warn(*experiments.values())
    outcomes = trainer.train(*(one.prefix_labels(name) for name, one in experiments.items()))
    parts = (
        Part(name, experiment, outcome, CONFIG)
        for (name, experiment), outcome in zip(experiments.items(), outcomes, strict=True)
    )
    return CompareResult(tuple(parts))


def _compare_tasks(experiments: Mapping[str, Experiment], trainer: Trainer) -> CompareResult:
    """Train the same variants on several tasks, one after the other."""
    trainer.warn(*experiments.values())
    parts: list[Part] = []
    left = dict(experiments)
    going_on = True
    while left and going_on:
        name = next(iter(left))
        made = _train_task(name, left[name], trainer)
        going_on = bool(made) and went_on(trainer) and trainer.problem is None
        if made:
            parts += made
            del left[name]
    if parts:  # what there was no time for has no results
        parts += [
            Part(name, experiment, Outcome(experiment.prefix_labels(name), ()), TASK)
            for name, experiment in left.items()
        ]
    return CompareResult(tuple(parts))


def _train_task(name: str, experiment: Experiment, trainer: Trainer) -> list[Part]:
    """One of several tasks; the first part is what was asked for, and there may be none."""
    if experiment.tune:
        return tune_and_train(experiment, trainer, task=name)
    (outcome,) = trainer.train(experiment.prefix_labels(name))
    return [Part(name, experiment, outcome, TASK)]


def _page_of_tasks(parts: Sequence[Part], columns: Sequence[str]) -> tuple[Page, list[Summary]]:
    """The page of a comparison on several tasks, and the numbers of each."""
    shown = []
    for part in parts:
        if part.role == TASK:
            summary, choice = _with_choice(part, parts)
            shown.append(TaskResult(part.name, part.experiment, part.outcome, summary, choice))
    over = None
    if all(one.outcome.complete for one in shown):
        over = compare_tasks([part for part in parts if part.role == TASK])
    return tasks_page(shown, over, columns), [one.summary for one in shown]


def _with_choice(part: Part, parts: Sequence[Part]) -> tuple[Summary, Tuning | None]:
    """The numbers of a part, and how its learning rates were chosen, if they were."""
    summary, choice = summarise(part.outcome), analyse_tuning(part, parts)
    return (summary if choice is None else summary._replace(pairing=choice.pairing)), choice
