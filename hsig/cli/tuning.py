"""How a tuned comparison is trained: what is tried, what is reported, and the same untuned."""

from collections.abc import Iterator, Sequence

from hsig.analysis.tuning import (
    alternative_experiments,
    at_one_rate,
    at_own_rates,
    choices_of,
    tuning_experiments,
)
from hsig.experiments.experiment import Experiment, Outcome
from hsig.experiments.training import gather_all
from hsig.experiments.workers import run_with_workers
from hsig.output.terminal import Watch
from hsig.reports.numbers import short
from hsig.runs import Part

TUNING, ALTERNATIVE, ONE_RATE = "tuning", "alternative", "one rate"  # roles of parts of a run


def tune_and_train(experiment: Experiment, *, quiet: bool) -> tuple[Watch, list[Part]]:
    """Choose a learning rate for each variant, and train them at these and at the one for all.

    Returns:
        Who watched what was trained last, and the parts of the run, as far as it went: none before
        every learning rate was tried; first what is reported.
    """
    tries = tuning_experiments(experiment)
    watch, tuning = _train(tries, quiet=quiet)
    if not all(outcome.complete for outcome in tuning):
        return watch, []
    choices = choices_of(experiment, tuning)
    watch, (outcome,) = _train([at_own_rates(experiment, choices)], quiet=quiet)
    parts = [Part("", experiment, outcome), *_parts(tries, tuning, TUNING)]
    further = (
        (alternative_experiments(experiment, choices), ALTERNATIVE),
        ([at_one_rate(experiment)], ONE_RATE),
    )
    for experiments, role in further:
        if parts[-1].outcome.complete and outcome.complete:
            watch, made = _train(experiments, quiet=quiet)
            parts += _parts(experiments, made, role)
    return watch, parts


def _parts(
    experiments: Sequence[Experiment], outcomes: Sequence[Outcome], role: str
) -> Iterator[Part]:
    for experiment, outcome in zip(experiments, outcomes, strict=True):
        name = f"{role}, learning rate {short(experiment.learning_rate)}"
        yield Part(name, experiment, outcome, role=role)


def _train(experiments: Sequence[Experiment], *, quiet: bool) -> tuple[Watch, list[Outcome]]:
    watch = Watch(*experiments, quiet=quiet)
    return watch, gather_all(experiments, watch.watch(run_with_workers(*experiments)))
