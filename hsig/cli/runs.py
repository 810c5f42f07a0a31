"""The commands on kept runs: `hsig runs list`, `show`, `diff`, `rerun`, `export`, `rm`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hsig.cli import repeating
from hsig.cli.options import (
    COLUMNS_OPTION,
    LONG_OPTION,
    QUIET_OPTION,
    RUNS,
    RUNS_OPTION,
    WHICH_RUN,
    Format,
    FormatOption,
    IdArgument,
    Output,
    OutputOption,
    examples,
)
from hsig.cli.showing import show as show_parts
from hsig.cli.sweeping import show_map
from hsig.config.keys import COMPARE
from hsig.errors import ConfigError

if TYPE_CHECKING:
    from hsig.reports.page import Table
    from hsig.runs import Part, Record

_LISTED = 40  # runs that a table has, unless another number is asked for

app = typer.Typer(no_args_is_help=True, help="List, show, compare and repeat kept runs.")
app.add_typer(repeating.app)


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
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            "-n",
            min=1,
            metavar="N",
            help=f"Only the newest N. [default: {_LISTED} in a table, else all]",
        ),
    ] = None,
    runs_dir: RUNS_OPTION = None,
    format: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """List kept runs, the newest first."""
    from hsig.output import export
    from hsig.output import screen as tables
    from hsig.output.terminal import note
    from hsig.runs import every
    from hsig.runs import listing as kept

    chosen = Output(format, output)
    chosen.check()
    records, problems = every(runs_dir or RUNS)
    if not records:
        problems.append(f"{runs_dir or RUNS}: there are no kept runs here")
    conditions = where or []
    records = [r for r in records if all(kept.matches(r, condition) for condition in conditions)]
    if limit is None:
        limit = _LISTED if chosen.chosen is Format.table else len(records)
    if len(records) > limit:
        problems.append(f"{len(records) - limit} older runs are not listed (--limit)")
    table = kept.listing(records[:limit], only_changed=only_changed)
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
    from hsig.runs import find, parts_of, read_sweep

    chosen = Output(format, output, long, columns, quiet)
    chosen.check()
    record = find(runs_dir or RUNS, id)
    if columns is not None and record.command != COMPARE:
        raise ConfigError(f"--columns: is for comparisons; {record.id} is a {record.command}")
    if long and record.command == "sweep":
        raise ConfigError(f"--long: {record.id} is a sweep, which has a row for each cell")
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
    from hsig.runs import find
    from hsig.runs import listing as kept

    chosen = Output(format, output)
    chosen.check()
    names = (first, second)
    records = (find(runs_dir or RUNS, first), find(runs_dir or RUNS, second))
    if records[0].id == records[1].id:
        raise ConfigError(f"{records[0].id}: given twice. Expected two runs")
    settings = kept.differences(*records, names)
    sweeps = [record.command == "sweep" for record in records]
    if all(sweeps):
        _diff_sweeps(settings, names, records, chosen)
    elif any(sweeps):
        raise ConfigError(
            f"{names[sweeps.index(True)]}: is a sweep, and the other is not. Expected two sweeps, "
            "or none"
        )
    else:
        _diff_runs(settings, names, records, chosen)


def _diff_runs(
    settings: "Table", names: tuple[str, str], records: "Sequence[Record]", output: Output
) -> None:
    """Write how two runs differ that are no sweeps."""
    from hsig.analysis.configs import put_together
    from hsig.analysis.summary import summarise
    from hsig.output import export
    from hsig.output import screen as tables
    from hsig.reports.comparison import compare_configs

    parts = [part for pair in zip(names, records, strict=True) for part in _under(*pair)]
    together = put_together(
        {part.name: part.experiment for part in parts}, [part.outcome for part in parts]
    )
    summaries = {name: summarise(outcome) for name, outcome in together.outcomes.items()}
    output.write(
        json=lambda: export.difference_as_json(settings, together),
        csv=lambda: export.as_csv(*summaries.values()),
        md=lambda: (
            export.tables_as_markdown((), [settings])
            + "\n"
            + export.comparison_as_markdown(compare_configs(together, summaries))
        ),
        table=lambda console: tables.render_difference(
            settings,
            tables.render_comparison(
                compare_configs(together, summaries, ascii_only=console.options.ascii_only),
                console,
            ),
            console,
        ),
    )


def _diff_sweeps(
    settings: "Table", names: tuple[str, str], records: "Sequence[Record]", output: Output
) -> None:
    """Write how two sweeps differ, cell by cell.

    Raises:
        ConfigError: If they have no cell in common.
    """
    from hsig.analysis.sweeps import pair_sweeps
    from hsig.output import export
    from hsig.output import screen as tables
    from hsig.reports.map_difference import draw_difference
    from hsig.runs import read_sweep

    try:
        two = pair_sweeps(*map(read_sweep, records))
    except ValueError as problem:
        raise ConfigError(f"{' and '.join(names)}: {problem}") from None
    drawn = draw_difference(two, names)
    output.write(
        json=lambda: export.sweep_difference_as_json(settings, two),
        csv=lambda: export.sweep_difference_as_csv(two),
        md=lambda: export.tables_as_markdown((), [settings]) + "\n" + export.map_as_markdown(drawn),
        table=lambda console: tables.render_difference(
            settings, tables.render_map(drawn, console), console
        ),
    )


def _under(name: str, record: "Record") -> "list[Part]":
    """The experiments of a run, with the name that it was called by in front of their labels."""
    from dataclasses import replace

    from hsig.experiments.experiment import Outcome
    from hsig.runs import Part, parts_of
    from hsig.runs.listing import mains

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


@app.command(epilog=examples("hsig runs export latest -o run.zip"))
def export(
    id: IdArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The zip file to write.")
    ],
    runs_dir: RUNS_OPTION = None,
) -> None:
    """Pack a run into a zip file; for its tables and numbers, see `hsig runs show --format`."""
    from hsig.output.terminal import put_bytes
    from hsig.runs import archive, find

    Output(Format.json, output).check()
    put_bytes(archive(find(runs_dir or RUNS, id)), output)


@app.command(epilog=examples("hsig runs rm latest", "hsig runs rm latest~1 latest --yes"))
def rm(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help=WHICH_RUN)],
    runs_dir: RUNS_OPTION = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove runs."""
    from hsig.runs import locate, remove

    for folder in dict.fromkeys(locate(runs_dir or RUNS, text) for text in ids):
        if yes or typer.confirm(f"remove {folder.name}?", err=True):
            remove(folder)
