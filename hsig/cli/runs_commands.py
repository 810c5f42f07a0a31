"""The commands on kept runs: what each takes."""

from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer

from hsig.cli.making import make_group
from hsig.cli.options import (
    LISTED,
    WRITING,
    Force,
    Name,
    Output,
    RunsDir,
    Text,
    command,
    complete_run,
)

_WHICH_RUN = "An id or the beginning of one, a name, latest, or latest~1 for the one before."
_KEPT = ("runs_dir", *WRITING)

Id = Annotated[str, typer.Argument(metavar="ID", help=_WHICH_RUN, autocompletion=complete_run)]


@command(
    "hsig runs list",
    "hsig runs list --where activation=hard --only-changed",
    "hsig runs list --where 'name=wide*' --where 'solved>=0.9' --since yesterday",
    "hsig runs list --format csv -o runs.csv",
    name="list",
    options=_KEPT,
)
def list_(
    only_changed: Annotated[
        bool, typer.Option("--only-changed", help="Show the keys in which the runs differ.")
    ] = False,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            metavar="CONDITION",
            help="Only runs of which this holds, such as activation=hard, 'name=wide*' (a pattern) "
            "or 'solved>=0.9'; a quote keeps > from the shell.",
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="WHEN",
            help="Only those begun since: yesterday, 3h, 2d, 2026-11-01, 2026-11-01T12:00.",
        ),
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
    *,
    output: Output,
) -> None:
    """List kept runs, the newest first."""
    from hsig.cli.kept_runs import list_runs

    list_runs(where or [], since, limit, output, only_changed=only_changed)


@command(
    "hsig runs show latest",
    "hsig runs show latest --format json",
    name="show",
    options=(*_KEPT, "long", "columns", "full", "quiet"),
)
def show_run(id: Id, *, output: Output) -> None:
    """Show a run again, as it was shown when it ran."""
    from hsig.cli import kept_runs

    kept_runs.show_run(id, output)


@command("hsig runs diff latest~1 latest", options=_KEPT)
def diff(first: Id, second: Id, *, output: Output) -> None:
    """Show how two runs differ: their settings, and their results paired by seed if they may be."""
    from hsig.cli.kept_runs import diff_runs

    diff_runs((first, second), output)


@command("hsig runs rerun latest", "hsig runs rerun latest --format json", options=_KEPT)
def rerun(id: Id, *, output: Output) -> None:
    """Train a run again, and say whether every number has the same bits. Exits with 1 if not."""
    from hsig.cli.kept_runs import rerun_run

    rerun_run(id, output)


@command("hsig runs note latest --name baseline", "hsig runs note baseline --note 'for the talk'")
def note(id: Id, name: Name = None, text: Text = None, runs_dir: RunsDir = None) -> None:
    """Give a run a name and a note, or others than it has. Its numbers stay as they were."""
    from hsig.cli.kept_runs import note_run

    note_run(id, name, text, Output(runs_dir=runs_dir).runs)


@command("hsig runs export latest -o run.zip")
def export(
    id: Id,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The zip file to write.")
    ],
    runs_dir: RunsDir = None,
    force: Force = False,
) -> None:
    """Pack a run into a zip file; for its tables and numbers, see `hsig runs show --format`."""
    from hsig.cli.kept_runs import export_run

    export_run(id, output, Output(runs_dir=runs_dir).runs, force=force)


@command("hsig runs rm latest", "hsig runs rm latest~1 latest --yes")
def rm(
    ids: Annotated[
        list[str],
        typer.Argument(metavar="ID...", help=_WHICH_RUN, autocompletion=complete_run),
    ],
    runs_dir: RunsDir = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove runs."""
    from hsig.cli.kept_runs import remove_runs

    remove_runs(ids, Output(runs_dir=runs_dir).runs, yes=yes)


_COMMANDS = {
    "list": list_,
    "show": show_run,
    "diff": diff,
    "rerun": rerun,
    "note": note,
    "export": export,
    "rm": rm,
}


@cache
def runs() -> Any:
    """The group of them."""
    return make_group("runs", "List, show, compare and repeat kept runs.", _COMMANDS)
