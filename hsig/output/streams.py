"""The way out: the result to stdout or a file, notes to stderr.

Nothing heavy is imported.
"""

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hsig.errors import ConfigError, RunError
from hsig.escaping import escape_control, escape_message
from hsig.files import is_input, is_stream, write_file


def print_message(*messages: str) -> None:
    """Say something that is not the result, on stderr, if it can be written."""
    if sys.stderr is None:  # print would take stdout
        return
    try:
        for message in messages:
            print(escape_message(message), file=sys.stderr)
        sys.stderr.flush()
    except OSError:
        sys.stderr = None  # or Python would fail again at its end, and that be its exit code


def put(text: str, path: Path | None) -> None:
    """Put the result on stdout or, whole or not at all, into a file.

    Raises:
        RunError: If the file cannot be written (the result is on stdout then), or stdout.
    """
    if path is not None:
        try:
            put_bytes(text.encode(errors="backslashreplace"), path)
            return
        except RunError:
            put(text, None)
            raise
    with writing_out():
        sys.stdout.write(escape_control(text, keep="\n"))
        sys.stdout.flush()


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
        sys.stdout = None  # or Python would fail again, trying to flush it at its end
        raise RunError(f"stdout: cannot be written: {problem.strerror}") from None


def check_output(path: Path, *, force: bool = False, new: bool = False) -> None:
    """Refuse an output file that cannot be written or should not be, before any work is done.

    A file that is there is replaced, unless the command has read it (its config, or its data), or
    it is to be `new`; with `force` anything is.

    Raises:
        ConfigError: If its folder does not exist, it is a folder, or it is not to be replaced.
    """
    try:
        if not path.parent.is_dir():
            raise ConfigError(f"--output: the folder {path.parent} does not exist")
        if path.is_dir():
            raise ConfigError(f"--output: {path} is a folder. Expected a file name")
        is_there = path.exists() and not is_stream(path)
    except (OSError, ValueError) as problem:
        why = getattr(problem, "strerror", None) or problem
        raise ConfigError(f"--output: {path} cannot be written: {why}") from None
    if force or not is_there:
        return
    instead = "Expected another name, or --force to replace it"
    if new:
        raise ConfigError(f"--output: {path} is there already. {instead}")
    if is_input(path):
        raise ConfigError(f"--output: {path} is read by the same command. {instead}")
