"""How a tuned comparison is trained: what is tried, what is reported, and the same untuned."""

from collections.abc import Sequence

from hsig.analysis.tuning import (
    Tuned,
    alternative_experiments,
    at_one_rate,
    at_own_rates,
    choices_of,
    tuned,
    tuning_experiments,
)
from hsig.experiments.experiment import Experiment, Outcome
from hsig.reports.numbers import short
from hsig.results.trainer import Trainer, went_on
from hsig.runs import ALTERNATIVE, ONE_RATE, TASK, TUNING, Part


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
    named = experiment.named(task) if task else experiment
    tries = tuning_experiments(named)
    tuning = trainer.train(*tries)
    if not went_on(trainer, *tuning):
        return []
    choices = choices_of(named, tuning)
    (outcome,) = trainer.train(at_own_rates(named, choices))
    main = Part(task, experiment, outcome, is_config=bool(task), role=TASK if task else "")
    parts = [main, *_parts(TUNING, tries, tuning)]
    if went_on(trainer, outcome):
        others = alternative_experiments(named, choices)
        made = trainer.train(*others)
        parts += _parts(ALTERNATIVE, others, made)
        if went_on(trainer, *made):
            (one,) = trainer.train(at_one_rate(named))
            unnamed = at_one_rate(experiment)
            parts.append(Part(task, unnamed, one, is_config=bool(task), role=ONE_RATE))
    return parts


def tuned_of(main: Part, parts: Sequence[Part]) -> Tuned | None:
    """How the learning rates of a part of a run were chosen, if they were."""
    if not main.experiment.tune:
        return None
    of = {
        role: [
            part.outcome
            for part in parts
            if part.role == role and part.experiment.task.name == main.experiment.task.name
        ]
        for role in (TUNING, ALTERNATIVE, ONE_RATE)
    }
    if not of[TUNING]:  # it was stopped before
        return None
    shared = next(iter(of[ONE_RATE]), None)
    return tuned(main.outcome, of[TUNING], of[ALTERNATIVE], shared)


def _parts(role: str, experiments: Sequence[Experiment], outcomes: Sequence[Outcome]) -> list[Part]:
    return [
        Part(
            f"{role}, learning rate {short(experiment.learning_rate)}",
            experiment,
            outcome,
            role=role,
        )
        for experiment, outcome in zip(experiments, outcomes, strict=True)
    ]
