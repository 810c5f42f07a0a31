"""The commands by name; the module of a command is imported when the command is called."""

import sys
from importlib import import_module
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from hsig import __version__
from hsig.errors import HsigError, RunError

COMMANDS = {  # each with its module of `hsig.cli` and its app there, in the order of the help
    "train": "training.train_app",
    "compare": "training.compare_app",
    "explain": "training.explain_app",
    "sweep": "sweeping.sweep_app",
    "data": "lookups.data_app",
    "watch": "pictures.watch_app",
    "plot": "pictures.plot_app",
    "report": "pictures.report_app",
    "tour": "lookups.tour_app",
    "activations": "lookups.activations_app",
    "power": "lookups.power_app",
    "help": "lookups.help_app",
    "config": "lookups.config_app",
    "runs": "runs.runs_app",
}
_MAX_PROBLEMS = 100  # that are shown


class LazyGroup(TyperGroup):
    """A group that imports the module of a command when it is asked for it."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        names: dict[str, Any] = dict.fromkeys(COMMANDS)
        self.commands = names  # to list, and to suggest the nearest to a wrong one

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name; None if there is none."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(".")
        return typer.main.get_command(getattr(import_module(f"hsig.cli.{module}"), name))


app = typer.Typer(
    name="hsig",
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from hsig.output.streams import put

        put(f"hsig {__version__}\n", None)
        raise typer.Exit


@app.callback()
def hsig(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Does this activation function train, and if not, why?

    hsig trains tiny networks on tiny tasks, many seeds at a time.
    """


def main() -> None:
    """Run the command line. A user's mistake gives a message and an exit code, no traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a character
    try:
        app(prog_name="hsig")
    except HsigError as error:
        _exit_with(error)
    except OSError as problem:  # such as that of a help on a full disk
        if problem.filename is None:
            sys.stdout = None  # or Python would fail again, trying to flush it at its end
        _exit_with(RunError(f"{problem.filename or 'stdout'}: {problem.strerror}"))


def _exit_with(error: HsigError) -> None:
    from hsig.output.streams import print_message

    print_message(*(f"error: {message}" for message in error.messages[:_MAX_PROBLEMS]))
    if len(error.messages) > _MAX_PROBLEMS:
        print_message(f"error: and {len(error.messages) - _MAX_PROBLEMS} more")
    sys.exit(error.exit_code)
