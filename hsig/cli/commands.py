"""The commands that train: what each takes. What it does is imported when it runs."""

from typing import Annotated

import typer

from hsig.cli.options import KEEPING, TRAINING, WRITING, Output, command, complete_run
from hsig.config.keys import (
    COMPARE,
    EXPLAIN,
    SWEEP,
    TRAIN,
    complete_comparison,
    complete_words,
)

OneOrConfig = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="CONFIG|ACTIVATION",
        autocompletion=complete_words,
        help="A YAML file (ends in .yaml or .yml, or has a slash), an activation, or both.",
        show_default=False,
    ),
]


@command(
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
    "hsig compare all",
    "hsig compare sigmoids --seeds 100 --learning-rate 0.5",
    "hsig compare tanh hard hard:slope=0.25 ultra_fast:backward=output -l squared",
    "hsig compare configs/compare-sigmoids.yaml --columns solved,interval,curve",
    "hsig compare configs/compare-sigmoids.yaml configs/xor-wide-init.yaml sigmoid hard",
    "hsig compare hidden --task parity3 --hidden 5 --format md -o table.md",
    "hsig compare sigmoid hard --tune learning_rate=log:0.01..10:13",
    "hsig compare sigmoids --task xor,parity3,and",
    "hsig compare sigmoid hard -s 3 --expect '{sigmoid: {solved_at_most: 1}}' -q",
    options=(*WRITING, "long", "columns", "full", "quiet", *KEEPING),
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
    from hsig.cli.comparing import compare_several

    compare_several(what or [], flags, output)


@command(
    "hsig explain hard",
    "hsig explain hard -l squared --init uniform:-8,8 --epochs 2000",
    "hsig explain configs/question-hard.yaml --initial-weights '' --format md -o why.md",
    options=(*WRITING, "full", "quiet", *KEEPING),
    keys=EXPLAIN,
)
def explain(
    what: OneOrConfig = None,
    *,
    flags: dict[str, str],
    output: Output,
) -> None:
    """Say why an activation fails, with evidence, and try remedies from the same seeds."""
    from hsig.cli.explaining import explain_one

    explain_one(what or [], flags, output)


@command(
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
            show_default=False,
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
    from hsig.cli.sweeping import sweep_over

    sweep_over(
        what or [],
        flags,
        output,
        resume=resume,
        scheduler=scheduler,
        dry_run=dry_run,
        fail_fast=fail_fast,
    )
