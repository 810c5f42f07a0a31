"""The commands that train and look up: what each takes. What it does is imported when it runs."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from hsig.cli.options import FormatOption, Output, OutputOption, examples, experiment_command
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

app = typer.Typer()


@app.command(
    epilog=examples(
        "hsig train",
        "hsig train hard --seeds 30",
        "hsig train configs/question-hard.yaml",
        "hsig train -a hard:slope=0.25,backward=logistic -l squared --init uniform:-2,2",
        "hsig train configs/smoke.yaml --expect solved_at_least=0.9 -q",
        "hsig train hard --seeds 100 --format csv --long -o costs.csv",
    )
)
@partial(experiment_command, name=TRAIN)
def train(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CONFIG|ACTIVATION",
            autocompletion=complete_words,
            help="A YAML file (ends in .yaml or .yml, or has a slash), an activation, or both.",
            show_default=False,
        ),
    ] = None,
    *,
    flags: dict[str, str],
    output: Output,
) -> None:
    """Train one activation; show its costs, its predictions and how many seeds it solved."""
    from hsig.cli.training import train_one

    train_one(what or [], flags, output)


@app.command(
    epilog=examples(
        "hsig compare all",
        "hsig compare sigmoids --seeds 100 --learning-rate 0.5",
        "hsig compare tanh hard hard:slope=0.25 ultra_fast:backward=output -l squared",
        "hsig compare configs/compare-sigmoids.yaml --columns solved,interval,curve",
        "hsig compare configs/compare-sigmoids.yaml configs/xor-wide-init.yaml sigmoid hard",
        "hsig compare hidden --task parity3 --hidden 5 --format md -o table.md",
        "hsig compare sigmoid hard -s 3 --expect '{sigmoid: {solved_at_most: 1}}' -q",
    )
)
@partial(
    experiment_command,
    options=("format", "output", "long", "columns", "quiet", "no_save", "runs_dir"),
    name=COMPARE,
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


@app.command(
    epilog=examples(
        "hsig explain hard",
        "hsig explain hard -l squared --init uniform:-8,8 --epochs 2000",
        "hsig explain configs/question-hard.yaml --initial-weights '' --format md -o why.md",
    )
)
@partial(
    experiment_command,
    options=("format", "output", "quiet", "no_save", "runs_dir"),
    name=EXPLAIN,
)
def explain(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CONFIG|ACTIVATION",
            autocompletion=complete_words,
            help="A YAML file (ends in .yaml or .yml, or has a slash), an activation, or both.",
            show_default=False,
        ),
    ] = None,
    *,
    flags: dict[str, str],
    output: Output,
) -> None:
    """Say why an activation fails, with evidence, and try remedies from the same seeds."""
    from hsig.cli.training import explain_one

    explain_one(what or [], flags, output)


@app.command(
    epilog=examples(
        "hsig sweep configs/map-rate-epochs.yaml",
        "hsig sweep configs/map-rate-epochs.yaml --seeds 50 --dry-run",
        "hsig sweep configs/map-rate-epochs.yaml --format csv -o map.csv",
        "hsig sweep --resume latest",
    )
)
@partial(
    experiment_command,
    options=("format", "output", "quiet", "runs_dir"),
    name=SWEEP,
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


@app.command(
    epilog=examples(
        "hsig activations",
        "hsig activations hard --at -3,-1,0,1,3",
        "hsig activations hard:slope=0.25,kink=open",
        "hsig activations --format json -o activations.json",
    )
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
    format: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Show definitions: formulas, slopes, kinks, and who means what by which name."""
    from hsig.cli.lookups import show_activations

    show_activations(spec, at, Output(format, output))


@app.command(
    epilog=examples(
        "hsig power --rates 0.49,0.40",
        "hsig power --rates 0.49,0.40 --paired 0.2",
        "hsig power --rates 0.03,0.13 --format md",
    )
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
    format: FormatOption = None,
    output: OutputOption = None,
) -> None:
    """Say how many seeds it takes to tell two solved rates apart, and what fewer can tell."""
    from hsig.cli.lookups import show_power

    show_power(rates, paired, Output(format, output))


config_app = typer.Typer(no_args_is_help=True, help="Show, describe or start a config.")
app.add_typer(config_app, name="config")


@config_app.command(
    epilog=examples(
        "hsig config show",
        "hsig config show configs/question-hard.yaml --epochs 100",
        "hsig config show --activations sigmoids --format json",
    )
)
@partial(experiment_command, options=("format", "output"))
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


@config_app.command(epilog=examples("hsig config schema -o hsig.schema.json"))
def schema(output: OutputOption = None) -> None:
    """Print a JSON Schema of configs, for editors."""
    from hsig.cli.lookups import write_schema

    write_schema(output)


@config_app.command(epilog=examples("hsig config new -o my.yaml"))
def new(output: OutputOption = None) -> None:
    """Print a commented config to start from."""
    from hsig.cli.lookups import write_starting_point

    write_starting_point(output)
