"""What `hsig tour` does: it runs the commands that it shows."""

import shlex
import sys
from collections.abc import Callable
from shutil import get_terminal_size
from textwrap import fill

import typer

from hsig.cli.training import INTERRUPTED
from hsig.output.streams import put
from hsig.reports.tour import NEXT, STEPS

_WIDTH = 88  # at most


def tour(run: Callable[[list[str]], int]) -> None:
    """`hsig tour`.

    Args:
        run: Runs the command of these words, and gives its exit code.
    """
    waits = sys.stdin is not None and sys.stdin.isatty()
    for number, step in enumerate(STEPS, start=1):
        put(f"{number} of {len(STEPS)}: {step.title}\n\n$ hsig {step.command}\n", None)
        code = run([*shlex.split(step.command), "--no-save"])
        if code:
            raise typer.Exit(code)
        put(f"\n{_told(' '.join(step.look))}\n\n", None)
        if waits and number < len(STEPS) and not _goes_on():
            return
    put(f"{_told(NEXT)}\n", None)


def _told(text: str) -> str:
    width = max(20, min(_WIDTH, get_terminal_size((_WIDTH, 24)).columns))
    return fill(text, width, initial_indent="  ", subsequent_indent="  ")


def _goes_on() -> bool:
    """Whether somebody who is asked wants more."""
    print("Enter: go on. q and Enter: end. ", end="", file=sys.stderr, flush=True)
    try:
        answer = input()
    except EOFError:
        answer = "q"
    except KeyboardInterrupt:
        print(file=sys.stderr)
        raise typer.Exit(INTERRUPTED) from None
    print(file=sys.stderr)
    return not answer.strip().casefold().startswith("q")
