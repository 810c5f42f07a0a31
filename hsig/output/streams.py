"""The way to stdout or a file, and what is there already."""

import errno
import os
import re
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISDIR

from hsig import __version__
from hsig.config.keys import starting_point
from hsig.config.text import reason
from hsig.errors import ConfigError, RunError
from hsig.escaping import escape_control, escape_message
from hsig.files import is_stream, write_file
from hsig.reports.page import count

# --- streams -------------------------------------------------------------------------------------

# stdout and stderr: no text on its way out acts on a screen, and a failure of either is told.
#
# Nothing heavy is imported.


def note(*lines: str) -> None:
    """Say something that is not the result."""
    if sys.stderr is None:  # or print would take stdout
        return
    with noting():
        for line in lines:
            print(escape_message(line), file=sys.stderr)


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
        sys.stdout.write(escape_control(text, keep="\n"))
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


# --- overwriting ---------------------------------------------------------------------------------

# Which files a result may replace: those that hsig wrote, and nobody else's.
#
# What hsig wrote it knows by the file itself: JSON and CSV by how they begin, texts and Markdown
# by their last line, pictures and reports by what made them, a packed run by the names in it, and
# a config to start from by every byte, for it is there to be changed. Little is read of a file,
# however large it is.

_LOOKED_AT = 1000  # bytes at the beginning of a file
_LAST = 20_000  # at its end, where a PDF says what made it
_JSON = re.compile(
    rb"""\{\s*(
        "format":\ \d+,\s*"hsig":\ "                       # a result
        | "\$schema":\ "[^"]*",\s*"title":\ "hsig\ experiment"
        | "task":\ \{\s*"value":                           # hsig config show
    )""",
    re.VERBOSE,
)
_ID = rb"\d{8}T\d{6}\.\d{6}Z-[0-9a-f]+"
_CSV = re.compile(
    rb"""
        .*\bsolved,seeds,solved_rate,                      # variants, remedies, cells
        | .*\blabel,seed,epoch,cost_last,
        | .*\bfirst_solved,first_seeds,second_solved,
        | activation,definition,lowest,highest,
        | x,y,dy_dx,dy_dw\n
        | power,"unpaired,\ each",paired\n
        | key,value,from\ntask,
        | id,same\ bits,same\ digest,different\n
        | id,command[\w,\ ]*\n("""
    + _ID
    + rb""",|\Z)
    """,
    re.VERBOSE,
)
_PICTURE = re.compile(
    rb"""
        \x89PNG\r\n\x1a\n.{25}....tEXtSoftware\x00hsig\ .
        | <svg\ [^>]*\bid="hsig-[0-9a-f]{10}"\ role="img"
        | <!DOCTYPE\ html>.{0,250}<meta\ name="generator"\ content="hsig\ [^"]+">
    """,
    re.VERBOSE | re.DOTALL,
)
_PDF = re.compile(rb"/Creator \(hsig [^)]+\)")
_MADE_BY = re.compile(rb"^(<!-- )?made by hsig \S+( -->)?\n\Z", re.MULTILINE)
_PACKED = re.compile(_ID.decode() + r"/run\.json")


def made_by(*, markdown: bool = False) -> str:
    """The last line of a file of text or Markdown, which is not shown where it is rendered."""
    line = f"made by hsig {__version__}"
    return f"\n<!-- {line} -->\n" if markdown else f"\n{line}\n"


def check_output(path: Path, *, force: bool = False) -> None:
    """Refuse an output file that cannot be written or is not to be, before any work is done.

    Devices, pipes and empty files are nobody's.

    Args:
        path: Where the result is to go.
        force: Whether a file that hsig did not write may be replaced.

    Raises:
        ConfigError: If its folder does not exist, it is a folder, or somebody else's file.
    """
    try:
        size = _size_there(path)
    except (OSError, ValueError) as problem:
        raise ConfigError(f"--output: {path} cannot be written: {reason(problem)}") from None
    if size and not force and not is_of_hsig(path):
        raise ConfigError(
            f"--output: {path} is there already ({count(size, 'byte')}), and is nothing that hsig "
            "wrote, or not as it wrote it. Expected another name, or --force to replace it"
        )


def _size_there(path: Path) -> int:
    """The bytes of the file that is there; 0 if there is none, or it is a device or a pipe.

    Raises:
        ConfigError: If it is a folder, or its folder does not exist.
        OSError, ValueError: If there can be no such file.
    """
    if not path.parent.is_dir():
        raise ConfigError(f"--output: the folder {path.parent} does not exist")
    try:
        there = path.stat()
    except FileNotFoundError:
        return 0
    if S_ISDIR(there.st_mode):
        raise ConfigError(f"--output: {path} is a folder. Expected a file name")
    return 0 if is_stream(path) else there.st_size


def is_of_hsig(path: Path) -> bool:
    """Whether a file is as hsig may have written it; one that cannot be read is not."""
    try:
        with path.open("rb") as file:
            begin = file.read(_LOOKED_AT)
            file.seek(max(0, path.stat().st_size - _LAST))
            end = file.read()
        if begin.startswith(b"PK"):
            return _is_packed_run(path)
        if begin.startswith(b"%PDF-"):
            return _PDF.search(end) is not None
        start = starting_point().encode()
        return bool(
            _JSON.match(begin)
            or _CSV.match(begin)
            or _PICTURE.match(begin)
            or _MADE_BY.search(end)
            or (begin == start[:_LOOKED_AT] and path.read_bytes() == start)
        )
    except OSError:
        return False


def _is_packed_run(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as packed:
            return any(_PACKED.fullmatch(name) for name in packed.namelist())
    except zipfile.BadZipFile:
        return False
