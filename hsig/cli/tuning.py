"""How a tuned comparison is trained: what is tried, what is reported, and the same untuned."""

from collections.abc import Sequence

from hsig.analysis.tuning import at_one_rate, at_own_rates, choices_of, tuning_experiments
from hsig.experiments.experiment import Experiment, Outcome
from hsig.experiments.training import gather_all
from hsig.experiments.workers import run_with_workers
from hsig.output.terminal import Watch
from hsig.reports.numbers import short
from hsig.runs import Part

TUNING, ONE_RATE = "tuning", "one rate"  # roles of the parts of a run


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
    own = at_own_rates(experiment, choices_of(experiment, tuning))
    watch, (outcome,) = _train([own], quiet=quiet)
    parts = [Part("", experiment, outcome)]
    if outcome.complete:
        one = at_one_rate(experiment)
        watch, (shared,) = _train([one], quiet=quiet)
        name = f"learning rate {short(one.learning_rate)} for all"
        parts.append(Part(name, one, shared, role=ONE_RATE))
    parts += [
        Part(f"learning rate {short(tried.learning_rate)}", tried, found, role=TUNING)
        for tried, found in zip(tries, tuning, strict=True)
    ]
    return watch, parts


def _train(experiments: Sequence[Experiment], *, quiet: bool) -> tuple[Watch, list[Outcome]]:
    watch = Watch(*experiments, quiet=quiet)
    return watch, gather_all(experiments, watch.watch(run_with_workers(*experiments)))
