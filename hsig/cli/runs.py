"""The commands on kept runs: `hsig runs list`, `show`, `diff`, `rerun`, `export`, `rm`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hsig.cli.options import (
    COLUMNS_OPTION,
    LONG_OPTION,
    QUIET_OPTION,
    RUNS,
    RUNS_OPTION,
    Format,
    FormatOption,
    Output,
    OutputOption,
    examples,
)
from hsig.cli.showing import show as show_parts
from hsig.cli.sweeping import show_map
from hsig.errors import ConfigError, RunError

if TYPE_CHECKING:
    from hsig.records import Part, Record

app = typer.Typer(no_args_is_help=True, help="List, show, compare and repeat kept runs.")

_WHICH = "An id or the beginning of one, latest, or latest~1 for the one before."
IdArgument = Annotated[str, typer.Argument(metavar="ID", help=_WHICH)]


@app.command(
    "list",
    epilog=examples(
        "hsig runs list",
        "hsig runs list --where activation=hard --only-changed",
        "hsig runs list --format csv -o runs.csv",
    ),
)
def list_(
    only_changed: Annotated[
        bool, typer.Option("--only-changed", help="Show the keys in which the runs differ.")
    ] = False,
    where: Annotated[
        list[str] | None,
        typer.Option("--where", metavar="KEY=VALUE", help="Only runs of which this holds."),
    ] = None,
    runs_dir: RUNS_OPTION = None,
    format: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """List kept runs, the newest first."""
    from hsig import export, kept, tables
    from hsig.records import every
    from hsig.terminal import note

    chosen = Output(format, output)
    chosen.check()
    records, problems = every(runs_dir or RUNS)
    if not records:
        problems.append(f"{runs_dir or RUNS}: there are no kept runs here")
    conditions = where or []
    records = [r for r in records if all(kept.matches(r, condition) for condition in conditions)]
    table = kept.listing(records, only_changed=only_changed)
    chosen.write(
        json=lambda: export.tables_as_json([table]),
        csv=lambda: export.table_as_csv(table),
        md=lambda: export.tables_as_markdown((), [table]),
        table=lambda console: tables.render_overview((table,), console),
    )
    note(*problems)


@app.command(epilog=examples("hsig runs show latest", "hsig runs show latest --format json"))
def show(
    id: IdArgument,
    runs_dir: RUNS_OPTION = None,
    format: FormatOption = None,
    output: OutputOption = None,
    long: LONG_OPTION = False,
    columns: COLUMNS_OPTION = None,
    quiet: QUIET_OPTION = False,
) -> None:
    """Show a run again, as it was shown when it ran."""
    from hsig.records import find, parts_of, read_sweep

    chosen = Output(format, output, long, columns, quiet)
    chosen.check()
    record = find(runs_dir or RUNS, id)
    if record.command == "sweep":
        kept = read_sweep(record)
        show_map(kept.axes, kept.base, kept.summaries, chosen)
    else:
        show_parts(record.command, parts_of(record), chosen)


@app.command(epilog=examples("hsig runs diff latest~1 latest"))
def diff(
    first: IdArgument,
    second: IdArgument,
    runs_dir: RUNS_OPTION = None,
    format: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Show how two runs differ: their settings, and their results paired by seed if they may be."""
    from hsig import export, kept, tables
    from hsig.comparison import compare_configs
    from hsig.records import find
    from hsig.summary import summarise
    from hsig.together import put_together

    chosen = Output(format, output)
    chosen.check()
    if first == second:
        raise ConfigError(f"{first}: given twice. Expected two runs")
    records = [find(runs_dir or RUNS, text) for text in (first, second)]
    for record in records:
        if record.command == "sweep":
            raise ConfigError(f"{record.id}: is a sweep; its cells are no runs to be compared")
    table = kept.differences(records[0], records[1], (first, second))
    parts = [
        part
        for text, record in zip((first, second), records, strict=True)
        for part in _under(text, record)
    ]
    together = put_together(
        {part.name: part.experiment for part in parts}, [part.outcome for part in parts]
    )
    summaries = {name: summarise(outcome) for name, outcome in together.outcomes.items()}

    chosen.write(
        json=lambda: export.difference_as_json(table, together),
        csv=lambda: export.as_csv(*summaries.values()),
        md=lambda: (
            export.tables_as_markdown((), [table])
            + "\n"
            + export.comparison_as_markdown(compare_configs(together, summaries))
        ),
        table=lambda console: tables.render_difference(
            table,
            compare_configs(together, summaries, ascii_only=console.options.ascii_only),
            console,
        ),
    )


def _under(name: str, record: "Record") -> "list[Part]":
    """The experiments of a run, with the name that it was called by in front of their labels."""
    from dataclasses import replace

    from hsig.experiment import Outcome
    from hsig.kept import mains
    from hsig.records import Part, parts_of

    made = []
    for part in parts_of(record)[: len(mains(record))]:
        whole = f"{name}: {part.name}" if part.name else name
        named = part.experiment.named(whole)
        results = tuple(
            replace(result, variant=variant)
            for result, variant in zip(part.outcome.results, named.variants, strict=False)
        )
        made.append(Part(whole, part.experiment, Outcome(named, results), is_config=True))
    return made


@app.command(epilog=examples("hsig runs rerun latest"))
def rerun(id: IdArgument, runs_dir: RUNS_OPTION = None) -> None:
    """Train a run again, and say whether every number has the same bits. Exits with 1 if not."""
    from hsig.engines.choice import ENGINES
    from hsig.records import different_arrays, digest, find, parts_of
    from hsig.terminal import Watch, note, put
    from hsig.training import gather
    from hsig.workers import run_with_workers

    record = find(runs_dir or RUNS, id)
    if record.command == "sweep":
        raise ConfigError(f"{record.id}: is a sweep; to go on with it, give its command again")
    if not record.about["complete"]:
        raise ConfigError(f"{record.id}: was stopped early; there is nothing whole to repeat")
    parts = parts_of(record)
    for part in parts:
        if not ENGINES[part.experiment.engine].is_here():
            raise ConfigError(
                f"{record.id}: was trained by the engine {part.experiment.engine}, which was not "
                "built on this machine"
            )
    same_digest = digest([part.outcome.experiment for part in parts]) == record.digest
    different: list[str] = []
    for part in parts:
        experiment = part.outcome.experiment
        watch = Watch(experiment, quiet=False)
        again = gather(experiment, watch.watch(run_with_workers(experiment)))
        if watch.interrupted:
            note("interrupted: the run was not trained to its end")
            raise typer.Exit(130)
        different += different_arrays(part.outcome, again)
    depends = (
        "all that the numbers depend on is the same"
        if same_digest
        else ("what the numbers depend on has changed (versions, engine or processor)")
    )
    if different:
        put(
            f"{record.id}: not the same bits, though {depends}: {', '.join(different)}\n"
            if same_digest
            else f"{record.id}: not the same bits: {depends}: {', '.join(different)}\n",
            None,
        )
        raise typer.Exit(1)
    put(f"{record.id}: the same bits in every number of every seed; {depends}\n", None)


@app.command(epilog=examples("hsig runs export latest -o run.zip"))
def export(
    id: IdArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The zip file to write.")
    ],
    runs_dir: RUNS_OPTION = None,
) -> None:
    """Pack a run into a zip file; for its tables and numbers, see `hsig runs show --format`."""
    from hsig.records import archive, find

    Output(Format.json, output).check()
    record = find(runs_dir or RUNS, id)
    try:
        output.write_bytes(archive(record))
    except OSError as problem:
        raise RunError(f"{output}: cannot be written: {problem.strerror}") from None


@app.command(epilog=examples("hsig runs rm latest", "hsig runs rm latest~1 latest --yes"))
def rm(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help=_WHICH)],
    runs_dir: RUNS_OPTION = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove runs."""
    from hsig.records import locate, remove

    for folder in dict.fromkeys(locate(runs_dir or RUNS, text) for text in ids):
        if yes or typer.confirm(f"remove {folder.name}?", err=True):
            remove(folder)
