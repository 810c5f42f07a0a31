"""stdout and stderr: no text on its way out acts on a screen, and a failure of either is told.

Nothing heavy is imported.
"""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hsig.errors import RunError
from hsig.files import is_stream, write_file
from hsig.reports.visible import message, visible


def note(*lines: str) -> None:
    """Say something that is not the result."""
    if sys.stderr is None:  # or print would take stdout
        return
    with noting():
        for line in lines:
            print(message(line), file=sys.stderr)


@contextmanager
def noting() -> Iterator[None]:
    """A stretch that says something on stderr; if that cannot be written, nothing is said."""
    try:
        yield
        if sys.stderr is not None:
            sys.stderr.flush()
    except OSError:
        sys.stderr = None  # or Python would fail again at its end, and that be its exit code


def put(text: str, path: Path | None, *, end: str = "") -> None:
    """Put the result on stdout or, whole or not at all, into a file.

    Args:
        text: The result; on stdout what cannot be seen of it is as Python writes it.
        path: The file, or None for stdout.
        end: What a file has behind the result; a device has not.

    Raises:
        RunError: If the file cannot be written (the result is on stdout then), or stdout.
    """
    if path is None:
        _write_out(text)
        return
    try:
        data = (text if is_stream(path) else text + end).encode(errors="backslashreplace")
        put_bytes(data, path)
    except RunError:
        _write_out(text)
        raise


def put_bytes(data: bytes, path: Path) -> None:
    """Put a result that is no text into a file, whole or not at all.

    Raises:
        RunError: If the file cannot be written.
    """
    try:
        write_file(path, data)
    except OSError as problem:
        unread = problem.errno == errno.ENXIO
        why = "it is a pipe that nobody reads" if unread else problem.strerror
        raise RunError(f"{path}: cannot be written: {why}") from None


def _write_out(text: str) -> None:
    with writing_out():
        sys.stdout.write(visible(text, but="\n"))
        sys.stdout.flush()


@contextmanager
def writing_out() -> Iterator[None]:
    """Turn a failure of stdout into a message; a reader that left early is no failure."""
    if sys.stdout is None:
        raise RunError("stdout: cannot be written: it is closed")
    try:
        yield
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())  # where all that is still to be written goes
        os.close(nowhere)
    except OSError as problem:
        raise unwritten(problem) from None


def unwritten(problem: OSError) -> Exception:
    """What to raise when stdout could not be written."""
    if isinstance(problem, BrokenPipeError):
        return problem
    sys.stdout = None  # or Python would fail again, trying to flush it at its end
    return RunError(f"stdout: cannot be written: {problem.strerror}")
