"""The commands. Each imports what it needs when it runs, so that help is instant."""

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hsig import __version__
from hsig.errors import ConfigError, HsigError
from hsig.keys import ACTIVATION_NAMES, KEYS, TASK_NAMES, Key

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from hsig.definitions import Definition, Points
    from hsig.experiment import Outcome
    from hsig.summary import Summary

MET, UNMET, INTERRUPTED = 0, 1, 130

app = typer.Typer(
    name="hsig",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


class Format(StrEnum):
    """How a result is written."""

    table = "table"
    json = "json"
    csv = "csv"
    md = "md"


def main() -> None:
    """Run the command line. A user's mistake gives a message and an exit code, no traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a character
    try:
        app(prog_name="hsig")
    except HsigError as error:
        for message in error.messages:
            print(f"error: {message}", file=sys.stderr)
        sys.exit(error.exit_code)


def _examples(*lines: str) -> str:
    return "\n\n".join(["**Examples**", *(f"`{line}`" for line in lines)])


_FormatOption = Annotated[
    Format | None,
    typer.Option("--format", "-f", help="How to write the result. [default: table]"),
]
_OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help="Write to a file; its ending tells the format."
    ),
]
_OUTPUT_OPTIONS: dict[str, Any] = {
    "format": _FormatOption,
    "output": _OutputOption,
    "long": Annotated[
        bool, typer.Option("--long", help="CSV with a row for each seed and checkpoint.")
    ],
    "quiet": Annotated[
        bool, typer.Option("--quiet", "-q", help="Print only the result line, and no progress.")
    ],
}


def _experiment_command(
    command: Callable[..., None], options: tuple[str, ...] = ("format", "output", "long", "quiet")
) -> Callable[..., None]:
    """Give a command a flag for every config key (as `flags`) and options of `Output`."""
    own = inspect.signature(command, eval_str=True).parameters.values()

    def with_options(**arguments: Any) -> None:
        given = {name: arguments.pop(name) for name in KEYS}
        output = Output(**{name: arguments.pop(name) for name in options})
        flags = {name: text for name, text in given.items() if text is not None}
        command(**arguments, flags=flags, output=output)

    parameters = [
        *(parameter for parameter in own if parameter.name not in ("flags", "output")),
        *(_parameter(name, _OUTPUT_OPTIONS[name]) for name in options),
        *(_parameter(key.name, _flag(key)) for key in KEYS.values()),
    ]
    with_options.__name__, with_options.__doc__ = command.__name__, command.__doc__
    with_options.__annotations__ = {p.name: p.annotation for p in parameters}
    signature = inspect.Signature([p.replace(kind=p.KEYWORD_ONLY) for p in parameters])
    vars(with_options)["__signature__"] = signature  # what Typer reads the options from
    return with_options


def _parameter(name: str, annotation: Any) -> inspect.Parameter:
    default = False if annotation.__origin__ is bool else None
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


def _flag(key: Key) -> Any:
    option = typer.Option(
        *([key.flag, key.short] if key.short else [key.flag]),
        metavar=key.metavar,
        help=key.help if key.default is None else f"{key.help} [default: {key.default}]",
        rich_help_panel="Experiment: each flag is also a key of the config",
        autocompletion=lambda incomplete: [
            word for word in _words(key) if word.startswith(incomplete)
        ],
    )
    return Annotated[str | None, option]


_PLAIN_ENDINGS = ("", "txt", "log", "table")


def _words(key: Key) -> tuple[str, ...]:
    """What the value of a flag may begin with."""
    return {"activation": ACTIVATION_NAMES, "task": TASK_NAMES}.get(key.kind, key.choices)


@dataclass(frozen=True)
class Output:
    """How and where the user wants the result."""

    format: Format | None
    output: Path | None
    long: bool = False
    quiet: bool = False

    def check(self) -> None:
        """Refuse what cannot be done, before any work.

        Raises:
            ConfigError: If the options do not go together or the file cannot be written.
        """
        from hsig.terminal import check_writable

        if self.format is None and self._ending not in (*_PLAIN_ENDINGS, *Format):
            raise ConfigError(
                f"--output: the ending of {self.output} tells no format. Expected .json, .csv, .md "
                "or .txt, or --format"
            )
        if self.long and self.chosen is not Format.csv:
            raise ConfigError(f"--long: goes with --format csv, got --format {self.chosen}")
        if self.output is not None:
            check_writable(self.output)

    @property
    def chosen(self) -> Format:
        """What `--format` says, else the ending of the file, else a table."""
        if self.format is not None:
            return self.format
        return Format.table if self._ending in _PLAIN_ENDINGS else Format(self._ending)

    @property
    def _ending(self) -> str:
        return self.output.suffix.removeprefix(".").casefold() if self.output else ""

    def put(self, outcome: "Outcome", summary: "Summary") -> None:
        """Write what became of an experiment."""
        from hsig import export, tables
        from hsig.report import report

        render = tables.results if self.quiet else tables.render
        self.write(
            json=lambda: export.as_json(outcome),
            csv=lambda: export.as_long_csv(outcome) if self.long else export.as_csv(summary),
            md=lambda: export.as_markdown(report(summary)),
            table=lambda console: render(report(summary), console),
        )

    def write(
        self,
        *,
        json: Callable[[], str],
        csv: Callable[[], str],
        md: Callable[[], str],
        table: "Callable[[Console], RenderableType]",
    ) -> None:
        """Write the form of a result that was chosen."""
        from hsig import terminal

        if self.chosen is Format.table:
            terminal.put_table(table, self.output)
        else:
            text = {Format.json: json, Format.csv: csv, Format.md: md}[self.chosen]
            terminal.put(text(), self.output)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"hsig {__version__}")
        raise typer.Exit


@app.callback()
def hsig(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    """Does this activation function train, and if not, why?

    hsig trains tiny networks on tiny tasks, many seeds at a time.
    """


@app.command(
    epilog=_examples(
        "hsig train",
        "hsig train hard --seeds 30",
        "hsig train configs/question-hard.yaml",
        "hsig train -a hard:slope=0.25,backward=logistic -l squared --init uniform:-2,2",
        "hsig train configs/smoke.yaml --expect solved_at_least=0.9 -q",
        "hsig train hard --seeds 100 --format csv --long -o costs.csv",
    )
)
@_experiment_command
def train(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CONFIG|ACTIVATION",
            help="A YAML file (ends in .yaml or .yml, or has a slash), an activation, or both.",
            show_default=False,
        ),
    ] = None,
    *,
    flags: dict[str, str],
    output: Output,
) -> None:
    """Train one activation; show its costs, its predictions and how many seeds it solved."""
    from hsig.config import load_experiment
    from hsig.experiment import gather, run
    from hsig.report import unmet_expectations
    from hsig.summary import summarise
    from hsig.terminal import Watch, note

    output.check()
    config, activation = _config_and_activation(what or [])
    if activation is not None:
        if "activation" in flags:
            raise ConfigError(f"--activation: given twice, also as '{activation}'")
        flags["activation"] = activation
    experiment = load_experiment(config, flags)
    watch = Watch(experiment, quiet=output.quiet)
    outcome = gather(experiment, watch.watch(run(experiment)))
    summary = summarise(outcome)
    output.put(outcome, summary)
    if watch.interrupted:
        done = "this is what was done by then" if outcome.results else "nothing was done yet"
        note(f"interrupted: {done}")
        raise typer.Exit(INTERRUPTED)
    note(*unmet_expectations(summary))
    raise typer.Exit(UNMET if summary.unmet else MET)


@app.command(
    epilog=_examples(
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
            autocompletion=lambda incomplete: [
                name for name in ACTIVATION_NAMES if name.startswith(incomplete)
            ],
            help="One activation, such as hard:slope=0.25. Without it: all.",
            show_default=False,
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="X,...", help="Also the value and slopes at these points."),
    ] = None,
    format: _FormatOption = None,
    output: _OutputOption = None,
) -> None:
    """Show definitions: formulas, slopes, kinks, and who means what by which name."""
    from hsig.activations import ACTIVATIONS
    from hsig.config import load_activation, load_points
    from hsig.definitions import define, evaluate

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
    from hsig import export, glossary, tables

    shown = glossary.overview(definitions)
    output.write(
        json=lambda: export.definitions_as_json(definitions, None),
        csv=lambda: export.definitions_as_csv(definitions),
        md=lambda: export.tables_as_markdown((), shown),
        table=lambda console: tables.render_overview(shown, console),
    )


def _put_entry(output: Output, definition: "Definition", points: "Points | None") -> None:
    from hsig import export, glossary, tables

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


config_app = typer.Typer(no_args_is_help=True, help="Show, describe or start a config.")
app.add_typer(config_app, name="config")


@config_app.command(
    epilog=_examples(
        "hsig config show",
        "hsig config show configs/question-hard.yaml --epochs 100",
        "hsig config show --activation hard --format json",
    )
)
@partial(_experiment_command, options=("format", "output"))
def show(
    config: Annotated[
        Path | None, typer.Argument(metavar="CONFIG", help="A YAML file.", show_default=False)
    ] = None,
    *,
    flags: dict[str, str],
    output: Output,
) -> None:
    """Print every resolved value, and where it came from."""
    from hsig import export, tables
    from hsig.config import resolve
    from hsig.document import resolved_keys
    from hsig.report import origin_table

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


@config_app.command(epilog=_examples("hsig config schema -o hsig.schema.json"))
def schema(output: _OutputOption = None) -> None:
    """Print a JSON Schema of configs, for editors."""
    from hsig import forms, terminal

    Output(Format.json, output).check()
    terminal.put(forms.as_text(forms.json_schema()), output)


@config_app.command(epilog=_examples("hsig config new -o my.yaml"))
def new(output: _OutputOption = None) -> None:
    """Print a commented config to start from."""
    from hsig import forms, terminal

    Output(Format.table, output).check()
    terminal.put(forms.starting_point(), output)


def _config_and_activation(words: list[str]) -> tuple[Path | None, str | None]:
    """Which word is the config and which the activation.

    Raises:
        ConfigError: If there are two of either.
    """
    configs = [word for word in words if word.endswith((".yaml", ".yml")) or "/" in word]
    activations = [word for word in words if word not in configs]
    for kind, found in (("config", configs), ("activation", activations)):
        if len(found) > 1:
            raise ConfigError(f"expected one {kind}, got {', '.join(found)}")
    return (Path(configs[0]) if configs else None), (activations[0] if activations else None)
