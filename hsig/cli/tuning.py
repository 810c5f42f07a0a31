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
from hsig.experiments.training import gather_all
from hsig.experiments.workers import run_with_workers
from hsig.output.terminal import Watch
from hsig.reports.numbers import short
from hsig.runs import ALTERNATIVE, ONE_RATE, TASK, TUNING, Part


def tune_and_train(
    experiment: Experiment, *, quiet: bool, task: str = ""
) -> tuple[Watch, list[Part]]:
    """Choose a learning rate for each variant, and train them at these and at the one for all.

    Args:
        experiment: What is tuned.
        quiet: Whether nothing is drawn.
        task: What stands in front of the labels, if it is one of several tasks.

    Returns:
        Who watched what was trained last, and the parts of the run, as far as it went: none before
        every learning rate was tried; first what is reported.
    """
    named = experiment.named(task) if task else experiment
    tries = tuning_experiments(named)
    watch, tuning = _train(tries, quiet=quiet)
    if watch.interrupted or not all(outcome.complete for outcome in tuning):
        return watch, []
    choices = choices_of(named, tuning)
    watch, (outcome,) = _train([at_own_rates(named, choices)], quiet=quiet)
    main = Part(task, experiment, outcome, is_config=bool(task), role=TASK if task else "")
    parts = [main, *_parts(TUNING, tries, tuning)]
    if outcome.complete and not watch.interrupted:
        others = alternative_experiments(named, choices)
        watch, made = _train(others, quiet=quiet)
        parts += _parts(ALTERNATIVE, others, made)
        if all(other.complete for other in made) and not watch.interrupted:
            watch, (one,) = _train([at_one_rate(named)], quiet=quiet)
            unnamed = at_one_rate(experiment)
            parts.append(Part(task, unnamed, one, is_config=bool(task), role=ONE_RATE))
    return watch, parts


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


def _train(experiments: Sequence[Experiment], *, quiet: bool) -> tuple[Watch, list[Outcome]]:
    watch = Watch(*experiments, quiet=quiet)
    return watch, gather_all(experiments, watch.watch(run_with_workers(*experiments)))
