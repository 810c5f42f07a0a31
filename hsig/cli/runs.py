"""The commands on kept runs: what each takes. What it does is imported when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from hsig.cli.options import (
    COLUMNS_OPTION,
    LONG_OPTION,
    QUIET_OPTION,
    RUNS_OPTION,
    WHICH_RUN,
    FormatOption,
    IdArgument,
    Output,
    OutputOption,
    examples,
)

LISTED = 40  # runs that a table has, unless another number is asked for

app = typer.Typer(no_args_is_help=True, help="List, show, compare and repeat kept runs.")


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
            help=f"Only the newest N. [default: {LISTED} in a table, else all]",
        ),
    ] = None,
    runs_dir: RUNS_OPTION = None,
    format: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """List kept runs, the newest first."""
    from hsig.cli.lookups import list_runs

    list_runs(runs_dir, where or [], limit, Output(format, output), only_changed=only_changed)


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
    from hsig.cli.lookups import show_run

    show_run(runs_dir, id, Output(format, output, long, columns, quiet))


@app.command(epilog=examples("hsig runs diff latest~1 latest"))
def diff(
    first: IdArgument,
    second: IdArgument,
    runs_dir: RUNS_OPTION = None,
    format: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Show how two runs differ: their settings, and their results paired by seed if they may be."""
    from hsig.cli.lookups import diff_runs

    diff_runs(runs_dir, (first, second), Output(format, output))


@app.command(epilog=examples("hsig runs rerun latest", "hsig runs rerun latest --format json"))
def rerun(
    id: IdArgument,
    runs_dir: RUNS_OPTION = None,
    format: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Train a run again, and say whether every number has the same bits. Exits with 1 if not."""
    from hsig.cli.lookups import rerun_run

    rerun_run(runs_dir, id, Output(format, output))


@app.command(epilog=examples("hsig runs export latest -o run.zip"))
def export(
    id: IdArgument,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The zip file to write.")
    ],
    runs_dir: RUNS_OPTION = None,
) -> None:
    """Pack a run into a zip file; for its tables and numbers, see `hsig runs show --format`."""
    from hsig.cli.lookups import export_run

    export_run(runs_dir, id, output)


@app.command(epilog=examples("hsig runs rm latest", "hsig runs rm latest~1 latest --yes"))
def rm(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help=WHICH_RUN)],
    runs_dir: RUNS_OPTION = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove runs."""
    from hsig.cli.lookups import remove_runs

    remove_runs(runs_dir, ids, yes=yes)
