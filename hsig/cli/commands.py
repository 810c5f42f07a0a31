"""The commands that train and look up: what each takes. What it does is imported when it runs."""

from pathlib import Path
from typing import Annotated

import typer

from hsig.cli.options import EVERY_KEY, LISTED, TRAINING, WRITING, File, Output, RunsDir, command
from hsig.config.keys import (
    COMPARE,
    EXPLAIN,
    SWEEP,
    TRAIN,
    complete_activation,
    complete_comparison,
    complete_config,
    complete_words,
)

_WHICH_RUN = "An id or the beginning of one, latest, or latest~1 for the one before."
_KEPT = ("runs_dir", *WRITING)

OneOrConfig = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="CONFIG|ACTIVATION",
        autocompletion=complete_words,
        help="A YAML file (ends in .yaml or .yml, or has a slash), an activation, or both.",
        show_default=False,
    ),
]
Id = Annotated[str, typer.Argument(metavar="ID", help=_WHICH_RUN)]

app = typer.Typer()


@command(
    app,
    "hsig train",
    "hsig train hard --seeds 30",
    "hsig train configs/question-hard.yaml",
    "hsig train -a hard:slope=0.25,backward=logistic -l squared --init uniform:-2,2",
    "hsig train configs/smoke.yaml --expect solved_at_least=0.9 -q",
    "hsig train hard --seeds 100 --format csv --long -o costs.csv",
    options=TRAINING,
    keys=TRAIN,
)
def train(
    what: OneOrConfig = None,
    *,
    flags: dict[str, str],
    output: Output,
) -> None:
    """Train one activation; show its costs, its predictions and how many seeds it solved."""
    from hsig.cli.training import train_one

    train_one(what or [], flags, output)


@command(
    app,
    "hsig compare all",
    "hsig compare sigmoids --seeds 100 --learning-rate 0.5",
    "hsig compare tanh hard hard:slope=0.25 ultra_fast:backward=output -l squared",
    "hsig compare configs/compare-sigmoids.yaml --columns solved,interval,curve",
    "hsig compare configs/compare-sigmoids.yaml configs/xor-wide-init.yaml sigmoid hard",
    "hsig compare hidden --task parity3 --hidden 5 --format md -o table.md",
    "hsig compare sigmoid hard --tune learning_rate=log:0.01..10:13",
    "hsig compare sigmoids --task xor,parity3,and",
    "hsig compare sigmoid hard -s 3 --expect '{sigmoid: {solved_at_most: 1}}' -q",
    options=(*WRITING, "long", "columns", "full", "quiet", "no_save", "runs_dir"),
    keys=COMPARE,
)
def compare(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CONFIG|all|GROUP|ACTIVATION",
            autocompletion=complete_comparison,
            help="Activations or groups of them (all, sigmoids, hidden), and YAML files.",
            show_default=False,
        ),
    ] = None,
    *,
    flags: dict[str, str],
    output: Output,
) -> None:
    """Train several activations from the same initial weights, and show them side by side."""
    from hsig.cli.training import compare_several

    compare_several(what or [], flags, output)


@command(
    app,
    "hsig explain hard",
    "hsig explain hard -l squared --init uniform:-8,8 --epochs 2000",
    "hsig explain configs/question-hard.yaml --initial-weights '' --format md -o why.md",
    options=(*WRITING, "full", "quiet", "no_save", "runs_dir"),
    keys=EXPLAIN,
)
def explain(
    what: OneOrConfig = None,
    *,
    flags: dict[str, str],
    output: Output,
) -> None:
    """Say why an activation fails, with evidence, and try remedies from the same seeds."""
    from hsig.cli.training import explain_one

    explain_one(what or [], flags, output)


@command(
    app,
    "hsig sweep configs/map-rate-epochs.yaml",
    "hsig sweep configs/map-rate-epochs.yaml --seeds 50 --dry-run",
    "hsig sweep configs/map-rate-epochs.yaml --format csv -o map.csv",
    "hsig sweep --resume latest",
    options=(*WRITING, "quiet", "runs_dir"),
    keys=SWEEP,
)
def sweep(
    config: Annotated[
        Path | None,
        typer.Argument(
            metavar="CONFIG",
            autocompletion=complete_config,
            help="A YAML file with a sweep: block.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            "--resume", metavar="ID", help="Go on with a kept sweep, in place of a CONFIG."
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

    Each cell is kept as it ends: the same command goes on where it stopped, and trains only what no
    earlier sweep has.
    """
    from hsig.cli.sweeping import sweep_over

    sweep_over(
        config,
        flags,
        output,
        resume=resume,
        scheduler=scheduler,
        dry_run=dry_run,
        fail_fast=fail_fast,
    )


@command(
    app,
    "hsig activations",
    "hsig activations hard --at -3,-1,0,1,3",
    "hsig activations hard:slope=0.25,kink=open",
    "hsig activations --format json -o activations.json",
    options=WRITING,
)
def activations(
    spec: Annotated[
        str | None,
        typer.Argument(
            metavar="ACTIVATION",
            autocompletion=complete_activation,
            help="One activation, such as hard:slope=0.25. Without it: all.",
            show_default=False,
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="X,...", help="Also the value and slopes at these points."),
    ] = None,
    *,
    output: Output,
) -> None:
    """Show definitions: formulas, slopes, kinks, and who means what by which name."""
    from hsig.cli.lookups import show_activations

    show_activations(spec, at, output)


@command(
    app,
    "hsig power --rates 0.49,0.40",
    "hsig power --rates 0.49,0.40 --paired 0.2",
    "hsig power --rates 0.03,0.13 --format md",
    options=WRITING,
)
def power(
    rates: Annotated[
        str,
        typer.Option("--rates", metavar="A,B", help="Two solved rates, each from 0 to 1."),
    ],
    paired: Annotated[
        str | None,
        typer.Option(
            "--paired",
            metavar="SHARE",
            help="Share of the pairs in which exactly one is solved. "
            "Default: as if they were independent.",
        ),
    ] = None,
    *,
    output: Output,
) -> None:
    """Say how many seeds it takes to tell two solved rates apart, and what fewer can tell."""
    from hsig.cli.lookups import show_power

    show_power(rates, paired, output)


config_app = typer.Typer(no_args_is_help=True, help="Show, describe or start a config.")
app.add_typer(config_app, name="config")


@command(
    config_app,
    "hsig config show",
    "hsig config show configs/question-hard.yaml --epochs 100",
    "hsig config show --activations sigmoids --format json",
    options=WRITING,
    keys=EVERY_KEY,
)
def show(
    config: Annotated[
        Path | None,
        typer.Argument(
            metavar="CONFIG",
            autocompletion=complete_config,
            help="A YAML file.",
            show_default=False,
        ),
    ] = None,
    *,
    flags: dict[str, str],
    output: Output,
) -> None:
    """Print every resolved value, and where it came from.

    As `hsig compare` would have it where `activations` are given, else as `hsig train` would.
    """
    from hsig.cli.lookups import show_config

    show_config(config, flags, output)


@command(config_app, "hsig config schema -o hsig.schema.json")
def schema(output: File = None) -> None:
    """Print a JSON Schema of configs, for editors."""
    from hsig.cli.lookups import write_schema

    write_schema(output)


@command(config_app, "hsig config new -o my.yaml")
def new(output: File = None) -> None:
    """Print a commented config to start from."""
    from hsig.cli.lookups import write_starting_point

    write_starting_point(output)


runs_app = typer.Typer(no_args_is_help=True, help="List, show, compare and repeat kept runs.")
app.add_typer(runs_app, name="runs")


@command(
    runs_app,
    "hsig runs list",
    "hsig runs list --where activation=hard --only-changed",
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
    *,
    output: Output,
) -> None:
    """List kept runs, the newest first."""
    from hsig.cli.kept_runs import list_runs

    list_runs(where or [], limit, output, only_changed=only_changed)


@command(
    runs_app,
    "hsig runs show latest",
    "hsig runs show latest --format json",
    name="show",
    options=(*_KEPT, "long", "columns", "full", "quiet"),
)
def show_run(id: Id, *, output: Output) -> None:
    """Show a run again, as it was shown when it ran."""
    from hsig.cli import kept_runs

    kept_runs.show_run(id, output)


@command(runs_app, "hsig runs diff latest~1 latest", options=_KEPT)
def diff(first: Id, second: Id, *, output: Output) -> None:
    """Show how two runs differ: their settings, and their results paired by seed if they may be."""
    from hsig.cli.kept_runs import diff_runs

    diff_runs((first, second), output)


@command(runs_app, "hsig runs rerun latest", "hsig runs rerun latest --format json", options=_KEPT)
def rerun(id: Id, *, output: Output) -> None:
    """Train a run again, and say whether every number has the same bits. Exits with 1 if not."""
    from hsig.cli.kept_runs import rerun_run

    rerun_run(id, output)


@command(runs_app, "hsig runs export latest -o run.zip")
def export(
    id: Id,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The zip file to write.")
    ],
    runs_dir: RunsDir = None,
) -> None:
    """Pack a run into a zip file; for its tables and numbers, see `hsig runs show --format`."""
    from hsig.cli.kept_runs import export_run

    export_run(id, output, Output(runs_dir=runs_dir).runs)


@command(runs_app, "hsig runs rm latest", "hsig runs rm latest~1 latest --yes")
def rm(
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help=_WHICH_RUN)],
    runs_dir: RunsDir = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove runs."""
    from hsig.cli.kept_runs import remove_runs

    remove_runs(ids, Output(runs_dir=runs_dir).runs, yes=yes)
