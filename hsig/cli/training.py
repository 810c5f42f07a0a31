"""What the commands that train do, how they begin and how they end."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import NamedTuple

import typer

from hsig.cli.options import Output
from hsig.config.keys import EVIDENCE_NUMBERS, EXPLAIN, TRAIN
from hsig.config.loading import load_experiment
from hsig.config.positional import (
    config_and_one_activation,
    configs_and_activations,
    name_activations,
)
from hsig.config.text import text_read
from hsig.errors import RunError
from hsig.output.formats import as_json
from hsig.output.streams import note
from hsig.output.terminal import Watch
from hsig.reports.page import Page
from hsig.reports.phrases import unmet_expectations
from hsig.results.result import Trained
from hsig.results.training import train
from hsig.runs.record import FinishedRun, keep_run
from hsig.runs.store import NO_NOTE

# --- common --------------------------------------------------------------------------------------

# What the commands that train have in common: how they begin and how they end.

MET, UNMET, INTERRUPTED = 0, 1, 130
_LISTED_MOST = 500_000  # numbers, up to which a kept result lists every seed; the arrays have all


class Began(NamedTuple):
    """When a command began."""

    at: datetime
    clock: float

    @classmethod
    def now(cls) -> "Began":
        """One that begins."""
        return cls(datetime.now(UTC), monotonic())


def finish(
    result: Trained, configs: Sequence[Path], watch: Watch, output: Output, began: Began
) -> None:
    """Show what a command made, keep it, and exit with what there is to say.

    The watch is to be entered still, so that Ctrl-C does not keep any of it from being done.
    """
    any_result = any(part.outcome.results for part in result.parts)
    if any_result:
        page, summaries = result.told(output.chosen_columns)
        whole = not watch.interrupted and watch.problem is None
        try:
            output.write(page)
        finally:  # what nobody reads, or no disk takes, is kept all the same
            if not output.no_save:
                _keep(result, configs, page, output, began, whole=whole)
    unmet: list[str] = []
    if not watch.interrupted and watch.problem is None:
        unmet = [line for summary in summaries for line in unmet_expectations(summary)]
        note(*unmet)
    if watch.interrupted:
        done = "this is what was done by then" if any_result else "there is no result yet"
        note(f"interrupted: {done}")
        raise typer.Exit(INTERRUPTED)
    if watch.problem is not None:
        raise watch.problem
    raise typer.Exit(UNMET if unmet else MET)


def _keep(
    result: Trained,
    configs: Sequence[Path],
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
        for e in (part.outcome.experiment for part in result.parts)
    )
    made = FinishedRun(
        command=result.command,
        arguments=tuple(sys.argv[1:]),
        configs={str(path): text_read(path) for path in configs},
        parts=result.parts,
        result=as_json(page, every_seed=numbers <= _LISTED_MOST),
        complete=whole and all(part.outcome.complete for part in result.parts),
        started=began.at,
        seconds=seconds,
        note=NO_NOTE.updated(output.name, output.note),
    )
    try:
        keep_run(output.runs, made)
    except RunError as problem:
        if output.runs_dir is not None:
            raise
        note(*(f"warning: {message}" for message in problem.messages))


# --- training ------------------------------------------------------------------------------------

# What `hsig train` does.


def train_one(words: list[str], flags: dict[str, str], output: Output) -> None:
    """`hsig train`."""
    output.check()
    config = config_and_one_activation(words, flags)
    began = Began.now()
    with Watch(quiet=output.quiet) as watch:
        result = train(load_experiment(config, flags, TRAIN), watch)
        finish(result, [config] if config else [], watch, output, began)


# --- comparing -----------------------------------------------------------------------------------

# What `hsig compare` does.


def compare_several(words: list[str], flags: dict[str, str], output: Output) -> None:
    """`hsig compare`."""
    from hsig.results.comparing import compare

    output.check()
    configs, activations = configs_and_activations(words)
    name_activations("activations", activations, flags)
    began = Began.now()
    with Watch(quiet=output.quiet) as watch:
        finish(compare(configs, flags, watch), configs, watch, output, began)


# --- explaining ----------------------------------------------------------------------------------

# What `hsig explain` does.


def explain_one(words: list[str], flags: dict[str, str], output: Output) -> None:
    """`hsig explain`."""
    from hsig.results.explaining import explain

    output.check()
    config = config_and_one_activation(words, flags)
    began = Began.now()
    with Watch(quiet=output.quiet) as watch:
        result = explain(load_experiment(config, flags, EXPLAIN), watch)
        finish(result, [config] if config else [], watch, output, began)
