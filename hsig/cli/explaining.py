"""What `hsig explain` does."""

from collections.abc import Sequence

from hsig.analysis.remedies import Remedy, has_failed, judge, remedies
from hsig.analysis.summary import Summary, summarise
from hsig.cli.common import Began, end, finish, outcome_of, warn
from hsig.cli.options import Output
from hsig.cli.words import config_and_one_activation
from hsig.config.keys import EXPLAIN
from hsig.config.loading import load_experiment
from hsig.experiments.experiment import Outcome
from hsig.experiments.training import gather_all
from hsig.experiments.workers import run_with_workers
from hsig.output.terminal import Watch
from hsig.reports.explanation import explanation_page
from hsig.reports.page import Page
from hsig.runs import Part


def explain_one(words: list[str], flags: dict[str, str], output: Output) -> None:
    """`hsig explain`."""
    began = Began.now()
    output.check()
    config = config_and_one_activation(words, flags)
    experiment = load_experiment(config, flags, EXPLAIN)
    warn(experiment)
    watch, outcome = outcome_of(experiment, output)
    parts = [Part("", experiment, outcome)]
    if _needs_remedies(outcome):
        tried = remedies(outcome.experiment)
        experiments = [remedy.experiment for remedy in tried]
        watch = Watch(*experiments, quiet=output.quiet)
        made = gather_all(experiments, watch.watch(run_with_workers(*experiments)))
        parts += [
            Part(remedy.name, remedy.experiment, result, remedy.layers)
            for remedy, result in zip(tried, made, strict=True)
            if result.complete
        ]
    if not outcome.results:
        end(watch, [outcome])
    finish(EXPLAIN, [config] if config else [], parts, watch, output, began, page_of)


def page_of(parts: Sequence[Part], _: Sequence[str]) -> tuple[Page, list[Summary]]:
    """The page of an explanation, and its numbers."""
    main, *tried = parts
    outcome, summary = main.outcome, summarise(main.outcome)
    trials = [
        judge(
            Remedy(part.name, part.layers, part.outcome.experiment),
            summary.variants[0],
            summarise(part.outcome).variants[0],
        )
        for part in tried
    ]
    wanted = remedies(outcome.experiment) if _needs_remedies(outcome) else ()
    missing = max(0, len(wanted) - len(trials))
    return explanation_page(outcome, summary, trials, missing=missing), [summary]


def _needs_remedies(outcome: Outcome) -> bool:
    """Whether there is something to mend."""
    return outcome.complete and has_failed(outcome.results[0])
