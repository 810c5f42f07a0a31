"""The command line: from words to calls.

In: words. Out: what is printed, and an exit code. Each command imports what it needs when it runs,
so that help is instant.
To import: `main`.
"""

import gc
import sys
from io import TextIOWrapper
from typing import Annotated

import typer

from hsig import __version__
from hsig.cli.making import group_of, later
from hsig.errors import HsigError

_PROBLEMS_MOST = 100  # that are told
_MADE_BETWEEN = 50_000  # objects; sooner, Python would look again and again through its modules

app = typer.Typer(
    name="hsig",
    cls=group_of(
        {
            "train": later("commands", "train"),
            "compare": later("commands", "compare"),
            "explain": later("commands", "explain"),
            "sweep": later("commands", "sweep"),
            "watch": later("watch_commands", "watch"),
            "plot": later("picture_commands", "plot"),
            "report": later("picture_commands", "report"),
            "tour": later("picture_commands", "tour"),
            "activations": later("lookup_commands", "activations"),
            "power": later("lookup_commands", "power"),
            "help": later("lookup_commands", "explain_words"),
            "config": later("lookup_commands", "config"),
            "runs": later("runs_commands", "runs"),
        }
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line. A user's mistake gives a message and an exit code, no traceback."""
    gc.set_threshold(_MADE_BETWEEN)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show a character
    try:
        app(prog_name="hsig")
    except HsigError as error:
        for message in error.messages[:_PROBLEMS_MOST]:
            print(f"error: {message}", file=sys.stderr)
        if len(error.messages) > _PROBLEMS_MOST:
            print(f"error: and {len(error.messages) - _PROBLEMS_MOST} more", file=sys.stderr)
        sys.exit(error.exit_code)
    finally:
        gc.freeze()  # or Python would look through all there is before it ends


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
