"""The commands that show what there is: `activations` and `config`."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hsig.cli.options import (
    Format,
    FormatOption,
    Output,
    OutputOption,
    examples,
    experiment_command,
)
from hsig.config.completion import complete_activation, complete_config
from hsig.errors import ConfigError

if TYPE_CHECKING:
    from hsig.analysis.definitions import Definition, Points

app = typer.Typer()


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
    from hsig.analysis.definitions import define, evaluate
    from hsig.config.loading import load_activation, load_points
    from hsig.networks.activations import ACTIVATIONS

    chosen = Output(format, output)
    chosen.check()
    if spec is None:
        if at is not None:
            raise ConfigError("--at: goes with one activation, such as: hsig activations hard")
        _put_overview(chosen, [define(activation) for activation in ACTIVATIONS.values()])
        return
    activation = load_activation(spec)
    points = None if at is None else evaluate(activation, load_points("--at", at))
    _put_entry(chosen, define(activation), points)


def _put_overview(output: Output, definitions: "list[Definition]") -> None:
    from hsig.output import export
    from hsig.output import screen as tables
    from hsig.reports import activations as glossary

    shown = glossary.overview(definitions)
    output.write(
        json=lambda: export.definitions_as_json(definitions, None),
        csv=lambda: export.definitions_as_csv(definitions),
        md=lambda: export.tables_as_markdown((), shown),
        table=lambda console: tables.render_overview(shown, console),
    )


def _put_entry(output: Output, definition: "Definition", points: "Points | None") -> None:
    from hsig.output import export
    from hsig.output import screen as tables
    from hsig.reports import activations as glossary

    shown = glossary.entry(definition, points)
    table = shown.points or glossary.overview([definition])[0]

    def as_csv() -> str:
        if points is None:
            return export.definitions_as_csv([definition])
        return export.points_as_csv(points)

    output.write(
        json=lambda: export.definitions_as_json([definition], points),
        csv=as_csv,
        md=lambda: export.tables_as_markdown(shown.facts, [table]),
        table=lambda console: tables.render_entry(shown, console),
    )


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
    from hsig.config.loading import load_discordant, load_rates
    from hsig.output import export
    from hsig.output import screen as tables
    from hsig.reports.power import default_discordant, detectable, needed

    chosen = Output(format, output)
    chosen.check()
    first, second = load_rates("--rates", rates)
    discordant = default_discordant(first, second)
    if paired is not None:
        discordant = load_discordant("--paired", paired, (first, second))
    shown = (needed(first, second, discordant), detectable(first, discordant))
    chosen.write(
        json=lambda: export.tables_as_json(shown),
        csv=lambda: export.table_as_csv(shown[0]),
        md=lambda: export.tables_as_markdown((), shown),
        table=lambda console: tables.render_overview(shown, console),
    )


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
    from hsig.config.loading import resolve
    from hsig.config.resolved import resolved_keys
    from hsig.engines import compiled
    from hsig.output import export
    from hsig.output import screen as tables
    from hsig.output.terminal import note
    from hsig.reports.words import NOT_BUILT, origin_table

    output.check()
    resolved = resolve(config, flags)
    keys = resolved_keys(resolved.experiment)
    table = origin_table(keys, resolved.origins)
    output.write(
        json=lambda: export.origins_as_json(keys, resolved.origins),
        csv=lambda: export.table_as_csv(table),
        md=lambda: export.tables_as_markdown((), [table]),
        table=lambda console: tables.render_overview((table,), console),
    )
    if not compiled.is_here():
        note(f"engine reference: {NOT_BUILT}")


@config_app.command(epilog=examples("hsig config schema -o hsig.schema.json"))
def schema(output: OutputOption = None) -> None:
    """Print a JSON Schema of configs, for editors."""
    from hsig.config import schema as forms
    from hsig.output import terminal

    Output(Format.json, output).check()
    terminal.put(forms.as_text(forms.json_schema()), output)


@config_app.command(epilog=examples("hsig config new -o my.yaml"))
def new(output: OutputOption = None) -> None:
    """Print a commented config to start from."""
    from hsig.config import schema as forms
    from hsig.output import terminal

    Output(Format.table, output).check()
    terminal.put(forms.starting_point(), output)
