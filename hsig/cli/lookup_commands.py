"""The commands that look something up: what each takes."""

from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer

from hsig.cli.making import make_group
from hsig.cli.options import EVERY_KEY, WRITING, File, Force, Format, Output, command
from hsig.config.keys import complete_activation, complete_config


@command(
    "hsig activations",
    "hsig activations hard --at -3,-1,0,1,3",
    "hsig activations hard:slope=0.25,kink=open",
    "hsig activations 'x*tanh(log(1 + exp(x)))'",
    "hsig activations --format json -o activations.json",
    options=WRITING,
)
def activations(
    spec: Annotated[
        str | None,
        typer.Argument(
            metavar="ACTIVATION",
            autocompletion=complete_activation,
            help="One activation, such as hard:slope=0.25, or a formula in x; or a group, or a "
            "pattern such as 'hard*'. Without it: all.",
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


@command("hsig help", "hsig help rank Holm", name="help", options=WRITING)
def explain_words(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="WORD...", help="What to explain. Without it: all words."),
    ] = None,
    *,
    output: Output,
) -> None:
    """Say what the words mean that hsig uses: verdicts, columns, statistics."""
    from hsig.cli.lookups import show_words

    show_words(words or [], output)


@command(
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


@command("hsig config schema -o hsig.schema.json")
def schema(output: File = None, force: Force = False) -> None:
    """Print a JSON Schema of configs, for editors."""
    from hsig.cli.lookups import write_schema

    write_schema(Output(Format.json, output, force))


@command("hsig config new -o my.yaml")
def new(output: File = None, force: Force = False) -> None:
    """Print a commented config to start from."""
    from hsig.cli.lookups import write_starting_point

    write_starting_point(Output(Format.table, output, force))


@cache
def config() -> Any:
    """The group of the last three."""
    makers = {"show": show, "schema": schema, "new": new}
    return make_group("config", "Show, describe or start a config.", makers)
