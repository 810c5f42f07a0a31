"""The command `hsig runs rerun`: whether training again gives the same bits."""

from typing import TYPE_CHECKING

import typer

from hsig.cli.options import (
    RUNS,
    RUNS_OPTION,
    FormatOption,
    IdArgument,
    Output,
    OutputOption,
    examples,
)
from hsig.errors import ConfigError

if TYPE_CHECKING:
    from hsig.runs import Record

app = typer.Typer()

_DIFFERENT, _INTERRUPTED = 1, 130


@app.command(epilog=examples("hsig runs rerun latest", "hsig runs rerun latest --format json"))
def rerun(
    id: IdArgument,
    runs_dir: RUNS_OPTION = None,
    format: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Train a run again, and say whether every number has the same bits. Exits with 1 if not."""
    from rich.text import Text

    from hsig.output import export
    from hsig.runs import find
    from hsig.runs import listing as kept

    chosen = Output(format, output)
    chosen.check()
    record = find(runs_dir or RUNS, id)
    if not record.complete:
        what = "is not finished" if record.command == "sweep" else "was stopped early"
        raise ConfigError(f"{record.id}: {what}; there is nothing whole to repeat")
    again = _again_sweep if record.command == "sweep" else _again
    same_digest, different = again(record)
    made = kept.Repetition(record.id, same_digest, tuple(different))
    chosen.write(
        json=lambda: export.repetition_as_json(made),
        csv=lambda: export.table_as_csv(made.table()),
        md=lambda: export.tables_as_markdown((), [made.table()]),
        table=lambda _: Text(made.in_words()),
    )
    raise typer.Exit(_DIFFERENT if different else 0)


def _again(record: "Record") -> tuple[bool, list[str]]:
    """Whether all that its numbers depend on is the same, and which numbers are not."""
    from hsig.engines.choice import ENGINES
    from hsig.experiments.training import gather
    from hsig.experiments.workers import run_with_workers
    from hsig.output.terminal import Watch
    from hsig.runs import different_arrays, digest, parts_of

    parts = parts_of(record)
    for part in parts:
        if not ENGINES[part.experiment.engine].is_here():
            raise ConfigError(
                f"{record.id}: was trained by the engine {part.experiment.engine}, which was not "
                "built on this machine"
            )
    different: list[str] = []
    for part in parts:
        experiment = part.outcome.experiment
        watch = Watch(experiment, quiet=False)
        outcome = gather(experiment, watch.watch(run_with_workers(experiment)))
        _go_on(interrupted=watch.interrupted)
        different += different_arrays(part.outcome, outcome)
    return digest([part.outcome.experiment for part in parts]) == record.digest, different


def _again_sweep(record: "Record") -> tuple[bool, list[str]]:
    """The same of a sweep."""
    from rich.console import Group

    from hsig.experiments.sweeps import CellResult, Lost
    from hsig.experiments.workers import local_crew, run_jobs
    from hsig.output.terminal import watch_cells
    from hsig.runs import different_cells, read_sweep, same_digest, sweep_again

    wanted = sweep_again(record)
    kept = read_sweep(record)
    made: dict[tuple[str, ...], CellResult] = {}

    def take(ended: tuple[int, CellResult | Lost]) -> int:
        number, result = ended
        if isinstance(result, CellResult):
            made[wanted.cells[number]] = result
        return wanted.experiments[number].steps

    again = run_jobs(enumerate(wanted.experiments), local_crew(wanted.experiments))
    interrupted = watch_cells(
        again,
        take,
        cells=len(wanted.cells),
        steps=sum(experiment.steps for experiment in wanted.experiments),
        draw=lambda _: Group(),
        quiet=False,
    )
    _go_on(interrupted=interrupted)
    return same_digest(record, wanted), different_cells(kept, made)


def _go_on(*, interrupted: bool) -> None:
    from hsig.output.terminal import note

    if interrupted:
        note("interrupted: the run was not trained to its end")
        raise typer.Exit(_INTERRUPTED)
