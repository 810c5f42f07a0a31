"""What looks something up: `hsig data`, `activations`, `power`, `help`, `config` and `tour`."""

import shlex
import sys
from functools import partial
from pathlib import Path
from shutil import get_terminal_size
from textwrap import fill
from typing import Annotated

import typer

from hsig.activations import ACTIVATIONS
from hsig.activations.names import select_activations
from hsig.analysis.definitions import evaluate
from hsig.cli.options import EVERY_KEY, WRITING, Output, command, new_app
from hsig.config.keys import (
    DATA,
    complete_activation,
    complete_config,
    json_schema,
    starting_point,
)
from hsig.config.kinds import Number
from hsig.config.loading import (
    POINTS,
    RATES,
    load_activation,
    load_flag,
    resolve,
    resolved_keys,
)
from hsig.engines import compiled
from hsig.errors import ConfigError
from hsig.output.formats import json_text
from hsig.output.streams import print_message, put
from hsig.reports.glossary import GLOSSARY, glossary_page
from hsig.reports.lookups import activation_page, overview_page, power_page
from hsig.reports.page import Table, page_of_tables
from hsig.reports.phrases import NOT_BUILT, as_yaml
from hsig.reports.tour import NEXT, STEPS

data_app = new_app()
activations_app = new_app()
power_app = new_app()
help_app = new_app()
tour_app = new_app()
config_app = new_app("Show, describe or start a config.")

_WIDTH = 88  # of the tour's text, at most


@command(
    data_app,
    "hsig data configs/wave.csv",
    "hsig data configs/wave.csv --target-kind number --held-out 0.25",
    "hsig data configs/wave.csv --format json -o columns.json",
    options=WRITING,
    keys=DATA,
)
def data(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="A CSV file, or - for standard input.")
    ],
    *,
    flags: dict[str, str],
    output: Output,
) -> None:
    """Show what is understood of a CSV file, and whether it will train, before anything does."""
    from hsig.config.inspection import inspect_table
    from hsig.reports.data import data_page

    output.check()
    inspection = inspect_table({**flags, "task": f"csv:{file.removeprefix('csv:')}"})
    output.write(data_page(inspection))
    if inspection.problems:
        raise typer.Exit(ConfigError.exit_code)


@command(
    activations_app,
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
    output.check()
    group = ACTIVATIONS.values() if spec is None else select_activations(spec)
    if group:
        if at is not None:
            raise ConfigError("--at: goes with one activation, such as: hsig activations hard")
        output.write(overview_page([*group]))
        return
    activation = load_activation(spec or "")
    points = None if at is None else evaluate(activation, load_flag("--at", at, POINTS))
    output.write(activation_page(activation, points))


@command(
    power_app,
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
    output.check()
    first, second = load_flag("--rates", rates, RATES)
    share = Number(abs(first - second), min(first + second, 2.0 - first - second))
    discordant = None if paired is None else load_flag("--paired", paired, share)
    output.write(power_page(first, second, discordant))


@command(help_app, "hsig help", "hsig help rank Holm", name="help", options=WRITING)
def explain_words(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="WORD...", help="What to explain. Without it: all words."),
    ] = None,
    *,
    output: Output,
) -> None:
    """Say what the words mean that hsig uses: verdicts, columns, statistics."""
    output.check()
    known = {word.casefold(): word for word in GLOSSARY}
    unknown = [word for word in words or [] if word.casefold() not in known]
    if unknown:
        raise ConfigError(
            f"help: no word of hsig: {', '.join(unknown)}. Known: {', '.join(GLOSSARY)}"
        )
    chosen = [known[word.casefold()] for word in words or GLOSSARY]
    output.write(glossary_page(tuple(chosen)))


@command(
    config_app,
    "hsig config show",
    "hsig config show configs/question-hard.yaml --epochs 100",
    "hsig config show --activations sigmoids --format json",
    options=WRITING,
    keys=EVERY_KEY,
)
def show(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="CONFIG",
            autocompletion=complete_config,
            help="A YAML file.",
        ),
    ] = None,
    *,
    flags: dict[str, str],
    output: Output,
) -> None:
    """Print every resolved value, and where it came from.

    As `hsig compare` would have it where `activations` are given, else as `hsig train` would.
    """
    output.check()
    resolved = resolve(file, flags)
    keys, origins = resolved_keys(resolved.experiment), resolved.origins
    columns = ("key", "value", "from")
    table = Table(
        "",
        columns,
        tuple((name, as_yaml(value), origins[name]) for name, value in keys.items()),
        prose=columns,
    )
    document = {name: {"value": value, "from": origins[name]} for name, value in keys.items()}
    output.write(page_of_tables(table, document=document))
    if not compiled.is_available():
        print_message(f"engine reference: {NOT_BUILT}")


@command(config_app, "hsig config schema -o hsig.schema.json", options=("output", "force"))
def schema(*, output: Output) -> None:
    """Print a JSON Schema of configs, for editors."""
    output.check_file()
    output.put_each(partial(put, json_text(json_schema(), indent=2)))


@command(config_app, "hsig config new -o my.yaml", options=("output", "force"))
def new(*, output: Output) -> None:
    """Print a commented config to start from."""
    output.check_file(new=True)
    output.put_each(partial(put, starting_point()))


@command(tour_app, "hsig tour")
def tour() -> None:
    """Walk through the question in five short steps, each run for real. Nothing is kept."""
    from hsig.cli.app import app as run

    waits = sys.stdin is not None and sys.stdin.isatty()
    for number, step in enumerate(STEPS, start=1):
        put(f"{number} of {len(STEPS)}: {step.title}\n\n$ hsig {step.command}\n", None)
        code = run(
            [*shlex.split(step.command), "--no-save"], prog_name="hsig", standalone_mode=False
        )
        if code:
            raise typer.Exit(code)
        put(f"\n{_wrap(' '.join(step.look))}\n\n", None)
        if waits and number < len(STEPS) and not _asks_to_continue():
            return
    put(f"{_wrap(NEXT)}\n", None)


def _wrap(text: str) -> str:
    width = max(20, min(_WIDTH, get_terminal_size((_WIDTH, 24)).columns))
    return fill(text, width, initial_indent="  ", subsequent_indent="  ")


def _asks_to_continue() -> bool:
    """Ask, and say whether the tour is to go on."""
    print("Enter: go on. q and Enter: end. ", end="", file=sys.stderr, flush=True)
    try:
        answer = input()
    except EOFError:
        answer = "q"
    print(file=sys.stderr)
    return not answer.strip().casefold().startswith("q")
