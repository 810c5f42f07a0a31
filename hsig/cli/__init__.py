"""The command line: from words to calls.

In: words. Out: what is printed, and an exit code. Each command imports what it needs when it runs,
so that help is instant.
To import: `main`.
"""

import gc
import sys
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from typer.main import get_command

from hsig import __version__
from hsig.cli.making import group_of, later
from hsig.errors import HsigError

_PROBLEMS_MOST = 100  # that are told
_REFUSAL: Any = typer.BadParameter.__mro__[2]  # of all that Typer cannot read: it has no name there
_MADE_BETWEEN = 50_000  # objects; sooner, Python would look again and again through its modules

app = typer.Typer(
    name="hsig",
    cls=group_of(
        {
            "train": later("commands", "train"),
            "compare": later("commands", "compare"),
            "explain": later("commands", "explain"),
            "sweep": later("commands", "sweep"),
            "watch": later("commands", "watch"),
            "plot": later("commands", "plot"),
            "report": later("commands", "report"),
            "tour": later("commands", "tour"),
            "activations": later("commands", "activations"),
            "power": later("commands", "power"),
            "help": later("commands", "explain_words"),
            "config": later("commands", "config"),
            "runs": later("runs", "runs"),
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
        command: Any = get_command(app)
        code: int | None = command.main(prog_name="hsig", standalone_mode=False)
    except HsigError as error:
        from hsig.output.streams import note

        note(*(f"error: {message}" for message in error.messages[:_PROBLEMS_MOST]))
        if len(error.messages) > _PROBLEMS_MOST:
            note(f"error: and {len(error.messages) - _PROBLEMS_MOST} more")
        code = error.exit_code
    except (_REFUSAL, typer.Abort) as refusal:
        code = _refused(refusal)
    finally:
        gc.freeze()  # or Python would look through all there is before it ends
    sys.exit(code or 0)


def _refused(refusal: Any) -> int:
    """Say what Typer would say of a command that it cannot read, or that somebody broke off."""
    from typer import rich_utils

    from hsig.escaping import escape_control
    from hsig.output.streams import noting

    with noting():
        if isinstance(refusal, typer.Abort):
            rich_utils.rich_abort_error()
            return 1
        refusal.message = escape_control(refusal.message, keep="\n")
        rich_utils.rich_format_error(refusal)
    code: int = refusal.exit_code
    return code


def _version(wanted: bool) -> None:
    if wanted:
        try:
            print(f"hsig {__version__}", flush=True)
        except OSError as problem:
            from hsig.output.streams import unwritten

            raise unwritten(problem) from None
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
