"""The options that commands share: a flag for every config key, and how a result is written."""

import inspect
import shlex
from collections import Counter
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, get_type_hints

import typer
from typer.core import TyperCommand

from hsig.config.keys import KEYS, SWEEP, Key, known_elsewhere
from hsig.config.kinds import complete_list
from hsig.errors import ConfigError, call_each
from hsig.files import expand_home, is_stream
from hsig.reports.columns import COLUMNS

if TYPE_CHECKING:
    from hsig.reports.page import Page


class Format(StrEnum):
    """How a result is written."""

    table = "table"
    json = "json"
    csv = "csv"
    md = "md"


def _complete_columns(incomplete: str) -> list[str]:
    return complete_list(COLUMNS, incomplete)


_PLAIN_ENDINGS = ("", "txt", "log", "table")


def check_endings(files: Sequence[Path], endings: Sequence[str], expected: str) -> None:
    """Refuse files, but for streams, whose endings are others."""
    wrong = [path for path in files if ending_of(path) not in endings and not is_stream(path)]
    if wrong:
        raise ConfigError(
            [f"--output: the ending of {p} tells no format. Expected {expected}" for p in wrong]
        )


def ending_of(path: Path) -> str:
    """The ending of a file's name, without the dot."""
    return path.suffix.removeprefix(".").casefold()


class Output(NamedTuple):
    """How and where the user wants the result."""

    format: Annotated[
        Format | None,
        typer.Option("--format", "-f", help="How to write the result. [default: table]"),
    ] = None
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write to a file; its ending tells the format. May be given several times.",
        ),
    ] = None
    force: Annotated[
        bool,
        typer.Option("--force", help="Replace the file of --output even if it is an input."),
    ] = False
    long: Annotated[
        bool, typer.Option("--long", help="CSV with a row for each seed and checkpoint.")
    ] = False
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            metavar="NAME,...",
            help=f"One table of these: {', '.join(COLUMNS)}.",
            autocompletion=_complete_columns,
        ),
    ] = None
    full: Annotated[
        bool,
        typer.Option("--full", help="Show every table and sentence, not only the most important."),
    ] = False
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet", "-q", help="Print only the result, in short if it can be, and no progress."
        ),
    ] = False
    no_save: Annotated[bool, typer.Option("--no-save", help="Do not keep this run.")] = False
    runs_dir: Annotated[
        Path | None,
        typer.Option(
            "--runs-dir",
            metavar="DIR",
            envvar="HSIG_RUNS_DIR",
            help="Where runs are kept. [default: runs]",
        ),
    ] = None
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="TEXT", help="What to call the run: it is found by it."),
    ] = None
    note: Annotated[
        str | None, typer.Option("--note", metavar="TEXT", help="What to remember of the run.")
    ] = None

    def check(self) -> None:
        """Refuse what cannot be done, before any work."""
        if self.format is None:
            endings = (*_PLAIN_ENDINGS, *Format)
            check_endings(self.files, endings, ".json, .csv, .md or .txt, or --format")
        formats = self.formats
        got = f"got --format {', '.join(formats)}"
        if self.long and Format.csv not in formats:
            raise ConfigError(f"--long: goes with --format csv, {got}")
        if self.columns is not None:
            if formats.isdisjoint((Format.table, Format.md)):
                raise ConfigError(f"--columns: goes with --format table or md, {got}")
            from hsig.config.kinds import Choice, ListOf
            from hsig.config.loading import load_flag

            load_flag("--columns", self.columns, ListOf(Choice(COLUMNS), "columns", distinct=True))
        self.check_file()
        if (self.name, self.note) != (None, None):
            if self.no_save:
                flag = "--note" if self.name is None else "--name"
                raise ConfigError(f"{flag}: goes with a run that is kept, not with --no-save")
            from hsig.runs.store import NO_NOTE

            NO_NOTE.updated(self.name, self.note)

    def check_file(self, *, new: bool = False) -> None:
        """Refuse files that cannot be written or are an input; with `new`, any that is there."""
        from hsig.output.streams import check_output

        for path, times in Counter(self.files).items():
            if times > 1:
                raise ConfigError(f"--output: expected each file once, got {path} again")
            check_output(path, force=self.force, new=new)
        if self.force and not self.files:
            raise ConfigError("--force: goes with --output FILE, which it replaces")

    @property
    def runs(self) -> Path:
        """The folder of kept runs."""
        return expand_home(self.runs_dir or Path("runs"))

    @property
    def files(self) -> list[Path]:
        """Where the result is to go; stdout if there is none."""
        return self.output or []

    @property
    def formats(self) -> set[Format]:
        """All in which the result is written."""
        return {*map(self._format_of, self.files or (None,))}

    def _format_of(self, path: Path | None) -> Format:
        """The value of `--format`, else the ending of a file, else a table."""
        ending = ending_of(path) if path else ""
        return self.format or (Format(ending) if ending in Format.__members__ else Format.table)

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns of `--columns`; none where all are wanted."""
        return tuple(part.strip() for part in self.columns.split(",")) if self.columns else ()

    def write(self, page: "Page") -> None:
        """Write a page to each file, or to stdout, in its format."""
        self.put_each(partial(self._write, page))

    def put_each(self, put: Callable[[Any], None]) -> None:
        """Write the result to each file, or None for stdout; all are tried before one fails."""
        call_each(partial(put, path) for path in self.files or (None,))

    def _write(self, page: "Page", path: Path | None) -> None:
        from hsig.output import formats, screen, streams, terminal

        match self._format_of(path):
            case Format.table:
                terminal.put_drawn(
                    lambda c: screen.draw(page, c, brief=self.quiet, full=self.full), path
                )
            case Format.json:
                streams.put(formats.as_json(page), path)
            case Format.csv:
                streams.put(formats.as_csv(page, every_row=self.long), path)
            case Format.md:
                streams.put(formats.as_markdown(page, full=self.full), path)


_OPTIONS = get_type_hints(Output, include_extras=True)

# names of fields of `Output`
WRITING = ("format", "output", "force")
KEEPING = ("no_save", "runs_dir", "name", "note")
TRAINING = (*WRITING, "long", "full", "quiet", *KEEPING)
EVERY_KEY = "every key"
MAX_LISTED = 40  # kept runs that a table has, unless another number is asked for


def new_app(help: str | None = None) -> typer.Typer:
    """An app of one command, or of a group of them, which has a help."""
    return typer.Typer(
        add_completion=False,  # which is of the app of all
        help=help,
        no_args_is_help=help is not None,
        rich_markup_mode="markdown",
    )


def complete_run(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """What may stand for a kept run: latest, names and ids; what a shell needs no quotes for."""
    from hsig.runs.listing import complete_run_name

    found = complete_run_name(Output(runs_dir=ctx.params.get("runs_dir")).runs, incomplete)
    return [(word, what) for word, what in found if shlex.quote(word) == word or "~" in word]


class _WithKeys(TyperCommand):
    """A command whose flags are keys: it has a hint for flags of other programs."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse flags of other programs before any other complaint."""
        for flag in (argument.partition("=")[0] for argument in args):
            name = flag.removeprefix("--").replace("-", "_")
            hint = known_elsewhere(name, lambda key: KEYS[key].flag) if name != flag else ""
            if hint:
                raise ConfigError(f"{flag}: there is no such flag.{hint}")
        return super().parse_args(ctx, args)


def command(
    app: typer.Typer,
    *examples: str,
    name: str | None = None,
    options: Sequence[str] = (),
    keys: str = "",
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add a function to an app as a command, with options that it need not spell out.

    Args:
        app: The app of its module.
        examples: Commands that run, for the end of its help.
        name: Of the command, if not that of the function.
        options: Those that make its `output`, names of fields of `Output`.
        keys: The command whose config keys are flags, given to it as `flags`; or `EVERY_KEY`.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        app.command(
            name or function.__name__,
            cls=_WithKeys if keys else TyperCommand,
            epilog="\n\n".join(["**Examples**", *(f"`{line}`" for line in examples)]),
        )(_with_options(function, options, keys))
        return function

    return register


def _with_options(
    function: Callable[..., None], options: Sequence[str], keys: str
) -> Callable[..., None]:
    """The function as Typer is to see it: with a parameter for each option and each key."""
    hidden = {"output"} if options else set()
    hidden |= {"flags"} if keys else set()
    own = inspect.signature(function, eval_str=True).parameters.values()
    flags = [key for key in KEYS.values() if keys == EVERY_KEY or keys in key.commands]

    def with_options(**arguments: Any) -> None:
        if keys:
            typed_first = [*arguments.pop("ctx").params]
            values = {key.name: arguments.pop(key.name) for key in flags}
            arguments["flags"] = {
                name: values[name] for name in typed_first if values.get(name) is not None
            }
        if options:
            arguments["output"] = Output(**{name: arguments.pop(name) for name in options})
        function(**arguments)

    parameters = [
        *(p for p in own if p.name not in hidden),
        *(_parameter(name, _OPTIONS[name], Output._field_defaults[name]) for name in options),
        *(_parameter(key.name, _flag(key, keys), None) for key in flags),
        *([_parameter("ctx", typer.Context, inspect.Parameter.empty)] if keys else []),
    ]
    with_options.__name__, with_options.__doc__ = function.__name__, function.__doc__
    with_options.__annotations__ = {p.name: p.annotation for p in parameters}
    signature = inspect.Signature([p.replace(kind=p.KEYWORD_ONLY) for p in parameters])
    vars(with_options)["__signature__"] = signature  # what Typer reads the options from
    return with_options


def _parameter(name: str, annotation: Any, default: Any) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


_PANEL = "Experiment: each flag is also a key of the config"


def _flag(key: Key, command: str) -> Any:
    """The option of a key."""
    default = key.default_text(None if command == EVERY_KEY else command)
    option = typer.Option(
        *([key.flag, key.short] if key.short else [key.flag]),
        metavar=key.metavar,
        help=f"{key.help} [default: {default}]" if default else key.help,
        rich_help_panel=f"{_PANEL}; several values sweep it" if command == SWEEP else _PANEL,
        autocompletion=key.kind.complete if command != SWEEP else key.kind.complete_several,
    )
    return Annotated[str | None, option]
