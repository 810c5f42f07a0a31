"""What the commands that train have in common: how they begin and how they end."""

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import NamedTuple

import typer

from hsig.analysis.adding_seeds import first_block, join, next_block
from hsig.analysis.summary import Summary
from hsig.cli.options import Output
from hsig.config.keys import EVIDENCE_NUMBERS
from hsig.errors import RunError
from hsig.experiments.experiment import Experiment, Outcome
from hsig.experiments.training import gather
from hsig.experiments.workers import run_with_workers
from hsig.output.formats import as_json
from hsig.output.terminal import Watch, interrupts_ignored, note
from hsig.reports.obstacles import warnings_of
from hsig.reports.page import Page
from hsig.reports.words import unmet_expectations
from hsig.runs import NO_NOTE, Made, Part, keep

MET, UNMET, INTERRUPTED = 0, 1, 130
_LISTED_MOST = 500_000  # numbers, up to which a kept result lists every seed; the arrays have all

# makes the page of what a command made, now or when it was kept, and gives its numbers too
PageOf = Callable[[Sequence[Part], Sequence[str]], tuple[Page, list[Summary]]]


class Began(NamedTuple):
    """When a command began."""

    at: datetime
    clock: float

    @classmethod
    def now(cls) -> "Began":
        """One that begins."""
        return cls(datetime.now(UTC), monotonic())


def warn(*experiments: Experiment) -> None:
    """Say what the numbers of a task make hard or impossible, before it is trained."""
    note(*(f"warning: {message}" for message in warnings_of(experiments)))


def outcome_of(experiment: Experiment, output: Output) -> tuple[Watch, Outcome]:
    """Train, and add seeds until the intervals are as narrow as was asked for."""
    if experiment.until is not None:
        experiment = first_block(experiment)
    watch = Watch(experiment, quiet=output.quiet)
    outcome = gather(experiment, watch.watch(run_with_workers(experiment)))
    while experiment.until is not None and outcome.complete and (more := next_block(outcome)):
        watch = Watch(more, quiet=output.quiet)
        block = gather(more, watch.watch(run_with_workers(more)))
        if not block.complete:  # interrupted: what is whole remains
            break
        outcome = join(outcome, block)
    return watch, outcome


def finish(
    command: str,
    configs: Sequence[Path],
    parts: Sequence[Part],
    watch: Watch,
    output: Output,
    began: Began,
    page_of: PageOf,
) -> None:
    """Show what a command made, keep it, and exit with what there is to say."""
    outcomes = [part.outcome for part in parts]
    with interrupts_ignored():  # what was done is to be written
        page, summaries = page_of(parts, output.chosen_columns)
        output.write(page)
        if not output.no_save and any(outcome.results for outcome in outcomes):
            whole = not watch.interrupted and watch.problem is None
            _keep(command, configs, parts, page, output, began, whole=whole)
    end(watch, outcomes, *summaries)


def _keep(
    command: str,
    configs: Sequence[Path],
    parts: Sequence[Part],
    page: Page,
    output: Output,
    began: Began,
    *,
    whole: bool,
) -> None:
    """Keep a run. Where nobody asked for it in so many words, a failure is only a warning.

    Raises:
        RunError: If it cannot be kept in the folder that was asked for.
    """
    seconds = monotonic() - began.clock
    numbers = sum(
        len(e.variants) * len(e.seeds) * len(e.checkpoints) * (EVIDENCE_NUMBERS + 2)
        for e in (part.outcome.experiment for part in parts)
    )
    made = Made(
        command=command,
        arguments=tuple(sys.argv[1:]),
        configs={str(path): path.read_text(encoding="utf-8-sig") for path in configs},
        parts=parts,
        result=as_json(page, every_seed=numbers <= _LISTED_MOST),
        complete=whole and all(part.outcome.complete for part in parts),
        started=began.at,
        seconds=seconds,
        note=NO_NOTE.changed(output.name, output.note),
    )
    try:
        keep(output.runs, made)
    except RunError as problem:
        if output.runs_dir is not None:
            raise
        note(*(f"warning: {message}" for message in problem.messages))


def end(watch: Watch, outcomes: Sequence[Outcome], *summaries: Summary) -> None:
    """Exit with what there is to say."""
    if watch.interrupted:
        any_result = any(outcome.results for outcome in outcomes)
        done = "this is what was done by then" if any_result else "there is no result yet"
        note(f"interrupted: {done}")
        raise typer.Exit(INTERRUPTED)
    if watch.problem is not None:
        raise watch.problem
    unmet = [line for summary in summaries for line in unmet_expectations(summary)]
    note(*unmet)
    raise typer.Exit(UNMET if unmet else MET)
