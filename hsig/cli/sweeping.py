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
from hsig.errors import BusyError, ConfigError, RunError
from hsig.keys import EXPLAIN

if TYPE_CHECKING:
    from hsig.config import Sweep
    from hsig.experiment import Experiment
    from hsig.journal import Journal
    from hsig.records import Record
    from hsig.sweep import CellResult, CellSummary

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
    from hsig.terminal import note, put

    output.check()
    wanted = load_sweep(config, flags)
    if dry_run:
        lines = [
            ", ".join(f"{axis.name} {value}" for axis, value in zip(wanted.axes, cell, strict=True))
            for cell in wanted.cells
        ]
        put("\n".join(lines) + "\n", None)
        return
    kept = _Kept(output.runs_dir or RUNS, wanted, config, flags)
    missing = kept.missing()
    if missing and not output.quiet:
        note(_announced(wanted, missing))
    interrupted, failed = kept.train(missing, quiet=output.quiet, fail_fast=fail_fast)
    show_map(wanted, kept.summaries(), output)
    kept.finish()
    if kept.problem is not None:
        raise kept.problem
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


class _Kept:
    """The cells of a sweep, those that are done and the place for the others.

    Attributes:
        problem: Why cells cannot be kept, if so; they are trained and shown all the same.
    """

    def __init__(self, runs: Path, wanted: "Sweep", config: Path, flags: Mapping[str, str]) -> None:
        from hsig.records import cell_key

        self._wanted, self._runs = wanted, runs
        self._keys = [cell_key(experiment) for experiment in wanted.experiments]
        self._results: dict[str, CellResult] = {}
        self._began = datetime.now(UTC)
        self._record: Record | None = None
        self._journal: Journal | None = None
        self.problem: RunError | None = None
        try:
            self._open(config, flags)
        except BusyError:
            raise
        except RunError as problem:
            self.problem = problem

    def _open(self, config: Path, flags: Mapping[str, str]) -> None:
        """Go on with the record of this sweep or begin one, with what others know of its cells."""
        from hsig.journal import Journal
        from hsig.records import CELLS, cell_result

        wanted = self._wanted
        record, known = self._earlier()
        self._record = self._begin(config, flags) if record is None else record
        self._journal = Journal(self._record.folder / CELLS)
        for entry in self._journal.records:
            self._add(entry["key"], cell_result(entry))
        for number, (key, experiment) in enumerate(
            zip(self._keys, wanted.experiments, strict=True)
        ):
            if key in known and self._lacking(number, experiment):
                self._note(number, known[key])

    def _earlier(self) -> "tuple[Record | None, dict[str, CellResult]]":
        """The record of the same sweep, if there is one, and the cells that any sweep has."""
        from hsig.records import cell_result, sweep_digest, sweeps_in

        digest = sweep_digest(self._wanted.experiments)
        same: Record | None = None
        known: dict[str, CellResult] = {}
        keys = set(self._keys)
        for record, entries in sweeps_in(self._runs):
            if record.digest == digest:
                same = record
                continue
            for entry in entries:
                if entry["key"] in keys and not entry["error"]:
                    result = cell_result(entry)
                    before = known.get(entry["key"])
                    fresh = [s for s in result.seeds if before is None or s not in before.seeds]
                    if fresh:
                        more = result.of(fresh)
                        known[entry["key"]] = more if before is None else before.joined(more)
        return same, known

    def _begin(self, config: Path, flags: Mapping[str, str]) -> "Record":
        from hsig.records import begin_sweep

        return begin_sweep(
            self._runs,
            arguments=sys.argv[1:],
            config=config,
            text=config.read_text(encoding="utf-8-sig"),
            axes=self._wanted.axes,
            flags=flags,
            experiments=self._wanted.experiments,
            started=self._began,
        )

    def _add(self, key: str, result: "CellResult") -> None:
        before = self._results.get(key)
        if before is None or before.error or result.error:
            self._results[key] = result
            return
        there = set(before.seeds)
        fresh = [seed for seed in result.seeds if seed not in there]
        if fresh:
            self._results[key] = before.joined(result.of(fresh))

    def _note(self, number: int, result: "CellResult") -> None:
        """Keep what became of a cell."""
        from hsig.records import cell_entry

        key = self._keys[number]
        self._add(key, result)
        if self._journal is not None:
            self._journal.append(cell_entry(key, self._wanted.cells[number], result))

    def _lacking(self, number: int, experiment: "Experiment") -> tuple[int, ...]:
        """The seeds of a cell that are not there."""
        result = self._results.get(self._keys[number])
        if result is None:
            return experiment.seeds
        if result.error:
            return ()
        there = set(result.seeds)
        return tuple(seed for seed in experiment.seeds if seed not in there)

    def missing(self) -> "list[tuple[int, Experiment]]":
        """What is still to be trained: the number of each cell, with the seeds that it lacks."""
        from dataclasses import replace

        return [
            (number, replace(experiment, seeds=seeds))
            for number, experiment in enumerate(self._wanted.experiments)
            if (seeds := self._lacking(number, experiment))
        ]

    def train(
        self, missing: "Sequence[tuple[int, Experiment]]", *, quiet: bool, fail_fast: bool
    ) -> tuple[bool, bool]:
        """Train what is missing; whether it was interrupted, and whether a failure stopped it."""
        from hsig.sweep import run_cells
        from hsig.terminal import note, watch_cells
        from hsig.workers import cell_executor

        if not missing:
            return False, False
        start, work, ahead, stop = cell_executor(self._wanted.experiments[0])
        failed = False

        def results() -> Iterator[object]:
            nonlocal failed
            for number, result in run_cells(missing, start, work, ahead):
                self._note(number, result)
                if result.error:
                    cell = zip(self._wanted.axes, self._wanted.cells[number], strict=True)
                    where = ", ".join(f"{axis.name} {value}" for axis, value in cell)
                    note(f"not trained: {where}: {result.error}")
                    if fail_fast:
                        failed = True
                        return
                yield number

        interrupted = False
        try:
            interrupted = watch_cells(results(), len(missing), quiet=quiet)
        except RunError as problem:  # a full disk: what is there is shown
            self.problem = problem
        finally:
            stop()
        return interrupted, failed

    def summaries(self) -> "dict[tuple[str, ...], CellSummary | None]":
        """The numbers of each cell; None where seeds are missing."""
        from hsig.sweep import summarise_cell

        made: dict[tuple[str, ...], CellSummary | None] = {}
        for number, (cell, experiment) in enumerate(
            zip(self._wanted.cells, self._wanted.experiments, strict=True)
        ):
            result = self._results.get(self._keys[number])
            if result is None or self._lacking(number, experiment):
                made[cell] = None
            else:
                made[cell] = summarise_cell(result if result.error else result.of(experiment.seeds))
        return made

    def finish(self) -> None:
        """Have it all on the disk; a whole sweep gets its result as JSON as well."""
        from hsig import export
        from hsig.records import finish_sweep

        if self._journal is not None:
            self._journal.close()
        if self._record is not None and self.problem is None and not self.missing():
            text = export.map_as_json(
                self._wanted.axes, self._wanted.experiments[0], self.summaries()
            )
            finish_sweep(self._record, text)


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


def sweep_of(record: "Record") -> "tuple[Sweep, dict[tuple[str, ...], CellSummary | None]]":
    """A kept sweep and its cells, as `hsig runs show` has it.

    Raises:
        ConfigError: If the record is of no sweep.
    """
    from hsig.config import Axis, Sweep, load_resolved
    from hsig.config.grid import cells
    from hsig.journal import read_journal
    from hsig.records import CELLS, RUN, cell_result
    from hsig.sweep import summarise_cell

    if record.command != "sweep":
        raise ConfigError(f"{record.id}: is no sweep")
    axes = tuple(
        Axis(axis["name"], tuple(axis["values"])) for axis in record.about["sweep"]["axes"]
    )
    base = load_resolved(record.about["parts"][0]["experiment"], str(record.folder / RUN))
    results: dict[tuple[str, ...], CellResult] = {}
    for entry in read_journal(record.folder / CELLS):
        cell, result = tuple(entry["cell"]), cell_result(entry)
        before = results.get(cell)
        if before is not None and not before.error and not result.error:
            fresh = [seed for seed in result.seeds if seed not in before.seeds]
            result = before.joined(result.of(fresh)) if fresh else before
        results[cell] = result
    chosen = cells(axes)
    return Sweep(axes, tuple(chosen), (base,)), {
        cell: summarise_cell(results[cell]) if cell in results else None for cell in chosen
    }
