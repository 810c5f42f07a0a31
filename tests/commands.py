"""How tests run the command line: within the test, or as a process."""

import os
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from unittest.mock import patch

from typer.testing import CliRunner

from hsig.cli.app import app, main
from hsig.experiments.training import run


def run_main(*arguments):
    """Exit code, stdout and stderr of a command, as a user has them."""
    out, err = StringIO(), StringIO()
    handler = signal.getsignal(signal.SIGINT)
    with (
        patch.object(sys, "argv", ["hsig", *map(str, arguments)]),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as ended:
            code = ended.code
        finally:
            signal.signal(signal.SIGINT, handler)  # an interrupted command leaves it ignored
    return code, out.getvalue(), err.getvalue()


def hsig(*arguments):
    """Exit code, stdout and stderr; an error of hsig is raised."""
    found = invoked(*arguments)
    if found.exception and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.exit_code, found.stdout, found.stderr


def out_of(*arguments):
    """What a command writes to stdout, whatever its exit code."""
    return hsig(*arguments)[1]


def invoked(*arguments, **options):
    """What Typer's runner has of a command, its exception too."""
    return CliRunner().invoke(app, arguments, **options)


def process(*arguments, **environment):
    """The command as a process that has ended, with what it wrote."""
    return subprocess.run(
        [sys.executable, "-m", "hsig", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


def interrupted_at(monkeypatch, calls):
    """Have Ctrl-C come as this training begins, counted over variants and settings."""
    begun = []

    def interrupted(experiment, **_):
        begun.append(experiment)
        if len(begun) == calls:
            raise KeyboardInterrupt
        yield from run(experiment)

    monkeypatch.setattr("hsig.experiments.parallel.run", interrupted)
