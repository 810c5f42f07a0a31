"""`hsig sweep`: the map of several settings, kept cell by cell."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer
from rich.console import Console, RenderableType

from hsig.cli.options import KEEPING, WRITING, Output, command, complete_run, new_app
from hsig.config.keys import (
    KEYS,
    SWEEP,
    complete_words,
    set_activations,
    single_config,
    split_words,
)
from hsig.config.sweeps import load_sweep
from hsig.engines.choice import available_cores
from hsig.errors import INTERRUPTED, ConfigError, HsigError, RunError
from hsig.experiments.dask_cluster import cluster_pool
from hsig.experiments.experiment import Experiment
from hsig.experiments.parallel import Pool, local_pool, run_jobs
from hsig.experiments.sweeps import CellResult, LostCell, Sweep, train_cell
from hsig.output.formats import as_json
from hsig.output.screen import draw_so_far
from hsig.output.signals import Interrupts
from hsig.output.streams import print_message, put
from hsig.output.terminal import describe_duration, watch_cells
from hsig.reports.obstacles import warnings_of
from hsig.reports.page import count
from hsig.reports.sweeps import latest_map, sweep_page
from hsig.runs.listing import find_record
from hsig.runs.sweeps import Ledger, load_sweep_to_resume

sweep_app = new_app()


_FAILED = 1
_MAX_NOTES = 5  # cells that could not be trained for the same reason, one by one
_MEASURED_S = 0.2  # at least, for an estimate of the time
_SEED_BYTES = 64  # what is kept of a seed of a cell


@command(
    sweep_app,
    "hsig sweep hard --learning-rate 0.1,0.3,1 --epochs 1000,4000",
    "hsig sweep sigmoid hard --learning-rate log:0.01..10:13 --init uniform:0,1,uniform:-1,1",
    "hsig sweep configs/map-rate-epochs.yaml",
    "hsig sweep configs/map-rate-epochs.yaml --seeds 50 --dry-run",
    "hsig sweep configs/map-rate-epochs.yaml --format csv -o map.csv",
    "hsig sweep --resume latest",
    options=(*WRITING, "quiet", *KEEPING),
    keys=SWEEP,
)
def sweep(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CONFIG|ACTIVATION",
            autocompletion=complete_words,
            help="A YAML file, which may have a sweep: block, activations, or both.",
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            "--resume",
            metavar="ID",
            help="Go on with a kept sweep, in place of a CONFIG.",
            autocompletion=complete_run,
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler",
            metavar="ADDRESS",
            help="Train on the workers of this Dask scheduler, such as tcp://10.0.0.1:8786.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the cells, and keep nothing.")
    ] = False,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop at the first cell that cannot be trained.")
    ] = False,
    *,
    flags: dict[str, str],
    output: Output,
) -> None:
    """Train every combination of some settings, and draw the map of what is solved where.

    A flag sweeps its key where it has several values, as in 0.1,0.3,1 or log:0.01..10:13; so does
    a sweep: block in a config, which flags beat.

    Each cell is kept as it ends: the same command goes on where it stopped, and trains only what no
    earlier sweep has.
    """
    output.check()
    if resume is not None and output.no_save:
        raise ConfigError(
            "--resume: goes without --no-save: what is done of a kept sweep is kept with it. To "
            "keep nothing, give its config or flags without --resume"
        )
    config, given, wanted = _load(what or [], resume, flags, output.runs)
    output.check_file()
    print_message(*(f"warning: {message}" for message in warnings_of(wanted.experiments)))
    if dry_run:
        if not output.quiet:
            workers = wanted.experiments[0].workers or available_cores()
            print_message(_describe_work(wanted, [*enumerate(wanted.experiments)], workers))
        put("".join(f"{_describe_cell(wanted, cell)}\n" for cell in wanted.cells), None)
        return
    ledger = Ledger(output.runs, wanted)
    print_message(*(f"warning: {message}" for message in ledger.warnings))
    training = _Training(wanted, ledger, fail_fast=fail_fast, keeps=not output.no_save)
    missing = [] if training.is_over else ledger.missing()
    pool: Pool[CellResult] | None = None
    if cells := [experiment for _, experiment in missing]:
        on_cluster = scheduler and cluster_pool(scheduler, cells, print_message)
        pool = on_cluster or local_pool(cells)
    if training.keeps:
        ledger.open(config, given, arguments=sys.argv[1:], started=datetime.now(UTC))
        ledger.set_note(output.name, output.note)
    if training.keeps and ledger.problem is not None:
        print_message(f"warning: {ledger.problem}: the cells are trained and shown, but not kept")
        training.keeps = output.runs_dir is not None  # then it is an error in the end
    missing = ledger.missing()
    kept = "the same command goes on from here" if training.keeps else "nothing was kept"
    with Interrupts(kept) as interrupts:
        if pool is not None and missing:
            if not output.quiet:
                print_message(_describe_work(wanted, missing, pool.workers))
            training.train(missing, pool, interrupts, quiet=output.quiet)
        page = sweep_page(wanted.axes, wanted.experiments[0], ledger.summaries, wanted.differing)
        try:
            output.write(page)
        finally:  # what nobody reads, or no disk takes, is kept all the same
            ledger.close(lambda: as_json(page))
    training.end(interrupted=interrupts.interrupted)


def _load(
    words: Sequence[str], resume: str | None, flags: Mapping[str, str], runs: Path
) -> tuple[Path | None, Mapping[str, str], Sweep]:
    """The sweep of a config and flags, with these; or of a kept one that is to go on."""
    if resume is None:
        configs, activations = split_words(words)
        given = dict(flags)
        set_activations("activation", activations, given)
        if activations:  # which come before the flags
            given = {"activation": given.pop("activation"), **given}
        config = single_config(configs)
        return config, given, load_sweep(config, given)
    settings = [KEYS[name].flag for name in flags if name != "workers"]
    if words or settings:
        raise ConfigError(
            f"--resume: goes without {', '.join(words or settings)}: the kept sweep has its own "
            "config and settings. To change them, give them without --resume"
        )
    record = find_record(runs, resume)
    if not record.is_sweep:
        raise ConfigError(f"--resume: {record.id}: is no sweep, but a run of {record.command}")
    return None, flags, load_sweep_to_resume(record, flags.get("workers"))


class _Training:
    """The training of a sweep's cells: each is kept as it ends, and the map is drawn."""

    def __init__(self, wanted: Sweep, ledger: Ledger, *, fail_fast: bool, keeps: bool) -> None:
        self.keeps = keeps
        self.failed = any(cell is not None and cell.failure for cell in ledger.summaries.values())
        self.lost: list[str] = []  # cells on which workers kept dying, in words
        self.problem: HsigError | None = None  # what else ended it early
        self._wanted, self._ledger, self._fail_fast = wanted, ledger, fail_fast
        self._latest = wanted.cells[0]
        self._reasons: Counter[str] = Counter()

    @property
    def is_over(self) -> bool:
        """Whether to stop at a cell that could not be trained."""
        return self.failed and self._fail_fast

    def train(
        self,
        missing: Sequence[tuple[int, Experiment]],
        pool: Pool[CellResult],
        interrupts: Interrupts,
        *,
        quiet: bool,
    ) -> None:
        """Train what is missing."""
        steps = {number: experiment.steps for number, experiment in missing}
        results = run_jobs(missing, pool)
        ended = watch_cells(results, interrupts, steps=steps, draw=self._draw, quiet=quiet)
        try:
            with closing(ended):
                for number, result in ended:
                    self._take(number, result)
                    if self.is_over:
                        break
        except HsigError as problem:  # a full disk, a cluster that has gone
            self.problem = problem

    def _take(self, number: int, result: CellResult | LostCell) -> None:
        """Keep what became of a cell, and tell at once if it could not be trained."""
        self._latest = self._wanted.cells[number]
        where = _describe_cell(self._wanted, self._latest)
        reason = result.reason if isinstance(result, LostCell) else result.failure
        if reason:
            self.failed = True
            self._reasons[reason] += 1
            if self._reasons[reason] <= _MAX_NOTES:
                print_message(f"not trained: {where}: {reason}")
            elif self._reasons[reason] == _MAX_NOTES + 1:
                print_message("not trained, for the same reason: more cells; the map has them all")
        if isinstance(result, LostCell):
            self.lost.append(f"{where}: {reason}; the same command tries it again")
        else:
            self._ledger.add(number, result)

    def _draw(self, console: Console) -> RenderableType:
        """The map as it is by now."""
        shown = latest_map(
            self._wanted.axes, self._wanted.experiments[0], self._ledger.summaries, self._latest
        )
        return draw_so_far(shown, console)

    def end(self, *, interrupted: bool) -> None:
        """Exit with what there is to say."""
        for problem in (self._ledger.problem if self.keeps else None, self.problem):
            if problem is not None:
                raise problem
        if interrupted:
            raise typer.Exit(INTERRUPTED)
        if self.lost:
            raise RunError(self.lost)
        if self.is_over:
            print_message("stopped at the first cell that could not be trained (--fail-fast)")
            raise typer.Exit(_FAILED)


def _describe_cell(wanted: Sweep, cell: Sequence[str]) -> str:
    """The values of a cell, in words."""
    named = zip(wanted.axes, cell, strict=True)
    return ", ".join(f"{axis.name} {value}" for axis, value in named)


def _describe_work(wanted: Sweep, missing: Sequence[tuple[int, Experiment]], at_a_time: int) -> str:
    """How much there is to do, and how long it may take."""
    experiments = [experiment for _, experiment in missing]
    steps = sum(experiment.steps for experiment in experiments)
    seeds = sum(len(experiment.seeds) for experiment in experiments)
    seconds = steps * _step_cost(experiments) / at_a_time
    done = len(wanted.cells) - len(missing)
    before = f" ({done} of {len(wanted.cells)} are there)" if done else ""
    return (
        f"{count(len(missing), 'cell')} to train{before}: {seeds} seeds in all, {steps:.2g} steps, "
        f"about {describe_duration(seconds)}, {max(1, seeds * _SEED_BYTES // 1_000_000)} MB"
    )


def _step_cost(experiments: Sequence[Experiment]) -> float:
    """Seconds for a step of a seed, measured on the cell in the middle, with all that ends it."""
    middle = experiments[len(experiments) // 2]
    shortest = replace(middle, epochs=1)
    train_cell(shortest)  # the first time takes longer
    fixed = _time(shortest)
    epochs, seconds = 1, 0.0
    while epochs < middle.epochs:
        epochs = min(10 * epochs, middle.epochs)
        cell = replace(middle, epochs=epochs)
        seconds = _time(cell) - fixed
        if seconds > _MEASURED_S:
            return seconds / (cell.steps - shortest.steps) + fixed / middle.steps
    return (seconds + fixed) / middle.steps


def _time(cell: Experiment) -> float:
    began = monotonic()
    train_cell(cell)
    return monotonic() - began
