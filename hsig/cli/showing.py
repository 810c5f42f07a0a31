"""How what a command made is shown: the same when it has just run and when it was kept."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hsig.cli.options import Output
from hsig.config.keys import EXPLAIN, TRAIN

if TYPE_CHECKING:
    from hsig.analysis.configs import Together
    from hsig.analysis.remedies import Trial
    from hsig.analysis.summary import Summary
    from hsig.experiments.experiment import Outcome
    from hsig.runs import Part


def show(command: str, parts: "Sequence[Part]", output: Output) -> "list[Summary]":
    """Write what a command made, and give its numbers."""
    from hsig.analysis.summary import summarise

    if parts[0].is_config:
        together = together_of(parts)
        summaries = {name: summarise(outcome) for name, outcome in together.outcomes.items()}
        output.put_configs(together, summaries)
        return list(summaries.values())
    outcome = parts[0].outcome
    summary = summarise(outcome)
    if command == EXPLAIN:
        trials, missing = trials_of(parts)
        output.put_story(outcome, summary, trials, missing=missing)
    elif command == TRAIN:
        output.put(outcome, summary)
    else:
        output.put_comparison(outcome, summary)
    return [summary]


def as_json(command: str, parts: "Sequence[Part]", *, every_seed: bool) -> str:
    """The document of what a command made."""
    from hsig.analysis.summary import summarise
    from hsig.output import export
    from hsig.reports.explanation import tell

    if parts[0].is_config:
        return export.several_as_json(together_of(parts), every_seed=every_seed)
    outcome = parts[0].outcome
    if command != EXPLAIN:
        return export.as_json(outcome, every_seed=every_seed)
    trials, missing = trials_of(parts)
    story = tell(summarise(outcome), outcome.results[0], trials, missing=missing)
    return export.story_as_json(outcome, story, trials, missing=missing, every_seed=every_seed)


def together_of(parts: "Sequence[Part]") -> "Together":
    """Several experiments side by side, by name; the labels of the outcomes have it in front."""
    from hsig.analysis.configs import put_together

    experiments = {part.name: part.experiment for part in parts}
    return put_together(experiments, [part.outcome for part in parts])


def trials_of(parts: "Sequence[Part]") -> "tuple[list[Trial], int]":
    """The remedies that were tried, and how many were not."""
    from hsig.analysis.remedies import Remedy, judge, remedies

    main, *tried = parts
    trials = [
        judge(
            Remedy(part.name, part.layers, part.outcome.experiment),
            main.outcome.results[0],
            part.outcome.results[0],
        )
        for part in tried
    ]
    wanted = remedies(main.outcome.experiment) if needs_remedies(main.outcome) else ()
    return trials, max(0, len(wanted) - len(trials))


def needs_remedies(outcome: "Outcome") -> bool:
    """Whether there is something to mend."""
    from hsig.analysis.remedies import has_failed

    return outcome.complete and has_failed(outcome.results[0])
