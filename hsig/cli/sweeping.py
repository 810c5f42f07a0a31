"""The command `hsig sweep`: the map of several settings, kept cell by cell."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer

from hsig.cli.options import RUNS, Output, examples, experiment_command
from hsig.completion import complete_config
from hsig.errors import RunError
from hsig.keys import EXPLAIN

if TYPE_CHECKING:
    from hsig.config import Sweep
    from hsig.experiment import Experiment
    from hsig.ledger import Ledger
    from hsig.sweep import CellSummary

app = typer.Typer()

_INTERRUPTED = 130


@app.command(
    epilog=examples(
        "hsig sweep configs/map-rate-epochs.yaml",
        "hsig sweep configs/map-rate-epochs.yaml --seeds 50 --dry-run",
        "hsig sweep configs/map-rate-epochs.yaml --format csv -o map.csv",
    )
)
@partial(
    experiment_command,
    options=("format", "output", "quiet", "runs_dir"),
    without="activations",
    name=EXPLAIN,
)
def sweep(
    config: Annotated[
        Path,
        typer.Argument(
            metavar="CONFIG",
            autocompletion=complete_config,
            help="A YAML file with a sweep: block.",
            show_default=False,
        ),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the cells, and train nothing.")
    ] = False,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop at the first cell that cannot be trained.")
    ] = False,
    *,
    flags: dict[str, str],
    output: Output,
) -> None:
    """Train every combination of some settings, and draw the map of what is solved where.

    Each cell is kept as it ends: the same command goes on where it stopped, and trains only what no
    earlier sweep has.
    """
    from hsig.config import load_sweep
    from hsig.export import map_as_json
    from hsig.ledger import Ledger
    from hsig.terminal import note, put

    output.check()
    wanted = load_sweep(config, flags)
    if dry_run:
        put("".join(f"{_spelled(wanted, cell)}\n" for cell in wanted.cells), None)
        return
    ledger = Ledger(
        output.runs_dir or RUNS,
        wanted,
        config=config,
        flags=flags,
        arguments=sys.argv[1:],
        started=datetime.now(UTC),
    )
    missing = ledger.missing()
    if missing and not output.quiet:
        note(_announced(wanted, missing))
    interrupted, failed = _train(ledger, wanted, missing, quiet=output.quiet, fail_fast=fail_fast)
    summaries = ledger.summaries()
    show_map(wanted, summaries, output)
    ledger.close(lambda: map_as_json(wanted.axes, wanted.experiments[0], summaries))
    if ledger.problem is not None:
        raise ledger.problem
    if interrupted:
        note("interrupted: the same command goes on from here")
        raise typer.Exit(_INTERRUPTED)
    if failed:
        note("stopped at the first cell that could not be trained (--fail-fast)")
        raise typer.Exit(1)


def show_map(
    wanted: "Sweep", summaries: "Mapping[tuple[str, ...], CellSummary | None]", output: Output
) -> None:
    """Write the map of a sweep."""
    from hsig import export, maps, tables

    axes, base = wanted.axes, wanted.experiments[0]
    output.write(
        json=lambda: export.map_as_json(axes, base, summaries),
        csv=lambda: export.map_as_csv(axes, summaries),
        md=lambda: export.map_as_markdown(maps.draw(axes, base, summaries)),
        table=lambda console: tables.render_map(maps.draw(axes, base, summaries), console),
    )


def _train(
    ledger: "Ledger",
    wanted: "Sweep",
    missing: "Sequence[tuple[int, Experiment]]",
    *,
    quiet: bool,
    fail_fast: bool,
) -> tuple[bool, bool]:
    """Train what is missing; whether it was interrupted, and whether a failure stopped it."""
    from hsig.sweep import run_cells
    from hsig.terminal import note, watch_cells
    from hsig.workers import cell_executor

    if not missing:
        return False, False
    start, work, ahead, stop = cell_executor(wanted.experiments[0])
    failed = False

    def results() -> Iterator[int]:
        nonlocal failed
        for number, result in run_cells(missing, start, work, ahead):
            ledger.note(number, result)
            if result.error:
                note(f"not trained: {_spelled(wanted, wanted.cells[number])}: {result.error}")
                if fail_fast:
                    failed = True
                    return
            yield number

    interrupted = False
    try:
        interrupted = watch_cells(results(), len(missing), quiet=quiet)
    except RunError as problem:  # a full disk: what is there is shown
        ledger.problem = problem
    finally:
        stop()
    return interrupted, failed


def _spelled(wanted: "Sweep", cell: "Sequence[str]") -> str:
    """A cell in words."""
    named = zip(wanted.axes, cell, strict=True)
    return ", ".join(f"{axis.name} {value}" for axis, value in named)


def _announced(wanted: "Sweep", missing: "Sequence[tuple[int, Experiment]]") -> str:
    """What there is to do, and how long it may take."""
    from hsig.workers import cores

    steps = sum(
        len(experiment.seeds) * experiment.epochs * len(experiment.task.targets)
        for _, experiment in missing
    )
    seconds = steps * _step_cost([experiment for _, experiment in missing]) / cores()
    numbers = sum(len(experiment.seeds) for _, experiment in missing) * 6
    done = len(wanted.cells) - len(missing)
    before = f" ({done} of {len(wanted.cells)} are there)" if done else ""
    return (
        f"{len(missing)} cells to train{before}: {steps:.2g} steps, about {_duration(seconds)}, "
        f"{max(1, numbers * 8 // 1_000_000)} MB"
    )


def _step_cost(experiments: "Sequence[Experiment]") -> float:
    """Seconds for a step of a seed, measured on the cell in the middle."""
    from dataclasses import replace

    from hsig.sweep import train_cell

    middle = experiments[len(experiments) // 2]
    steps = len(middle.seeds) * len(middle.task.targets)
    epochs = max(1, min(middle.epochs, 2_000_000 // steps))
    began = monotonic()
    train_cell(replace(middle, epochs=epochs))
    return (monotonic() - began) / (epochs * steps)


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
