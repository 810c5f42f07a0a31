"""Signals that end hsig: at any moment with one line and an exit code, and nothing left behind."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hsig.engines.choice import ENGINES

if os.name == "nt":
    pytest.skip("other signals on this system", allow_module_level=True)

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
LONG = ("-e", "100000000", "--report-every", "1000000", "-s", "3")
SEVERAL = ("compare", "sigmoid", "hard", "tanh", *LONG, "--engine", "reference", "--workers", "2")
SWEEP = ("sweep", "sigmoid", "hard", *LONG, "--engine", "reference", "--workers", "2")
NEEDS_KERNEL = pytest.mark.skipif(
    not ENGINES["compiled"].is_available(), reason="the kernel is not built"
)
WATCHED = {**os.environ, "TTY_COMPATIBLE": "1"}  # progress on stderr, as on a terminal

# runs a command in which a signal comes as a function is called
AT_A_CALL = """
import signal, sys
from importlib import import_module
number, module, name = int(sys.argv[1]), import_module(sys.argv[2]), sys.argv[3]
sys.argv = ["hsig", *sys.argv[4:]]
def signalled(*arguments, original=getattr(module, name), **named):
    signal.raise_signal(number)
    return original(*arguments, **named)
setattr(module, name, signalled)
from hsig.__main__ import main
main()
"""
# runs a command in which a signal comes with one of the imports
AT_AN_IMPORT = """
import os, sys
number, after = int(sys.argv[1]), int(sys.argv[2])
sys.argv = ["hsig", *sys.argv[3:]]
from hsig import __main__
class Finder:
    imports = 0
    @classmethod
    def find_spec(cls, name, *_):
        cls.imports += 1
        if cls.imports == after:
            os.kill(os.getpid(), number)
            sys.meta_path.remove(cls)
import signal
def install(*arguments, original=signal.signal):
    if Finder not in sys.meta_path and not Finder.imports:
        sys.meta_path.insert(0, Finder)
    return original(*arguments)
signal.signal = install
__main__.main()
"""


def reset_signals():
    """In a child: as in a terminal, whatever it was that started the tests."""
    for number in CODES:
        signal.signal(number, signal.SIG_DFL)


def start(*arguments, preexec_fn=reset_signals, **settings):
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=preexec_fn,
        **settings,
    )


def start_long(*words, sign, **settings):
    """A command that trains for ever, when its progress shows a sign of it."""
    running = start("-m", "hsig", *words, env=WATCHED, **settings)
    seen = ""
    while sign not in seen:
        part = os.read(running.stderr.fileno(), 1000).decode()
        assert part, seen
        seen += part
    return running


def finish(running):
    out, err = running.communicate(timeout=120)
    return running.returncode, out, err


def kept(runs):
    """The runs that are kept: those that were not begin with another character."""
    return list(runs.glob("[0-9]*/run.json"))


def wait_until_gone(group):
    """Until no process of a group lives; zombies do not."""
    end = time.monotonic() + 60
    while True:
        found = subprocess.run(["ps", "-eo", "pgid=,stat="], capture_output=True, text=True)
        rows = [line.split() for line in found.stdout.splitlines()]
        if not any(int(pgid) == group and state[0] != "Z" for pgid, state in rows):
            return
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("number", "after"), [*zip(CODES, random.Random(20).sample(range(430), 3), strict=True)]
)
@pytest.mark.usefixtures("runs")
def test_a_signal_in_an_import_ends_it_with_one_line(number, after):
    code, out, err = finish(start("-c", AT_AN_IMPORT, number, after, "train", "hard", "-s", "2"))
    assert code == CODES[number] or (code == 0 and "of 2 seeds" in out), err
    assert code == 0 or re.fullmatch(r"interrupted: [^\n]+\n", err)


@pytest.mark.parametrize("number", CODES)
def test_a_signal_before_it_trains_ends_it_with_nothing(runs, number):
    call = ("hsig.config.loading", "load_experiment", "train", "hard")
    code, out, err = finish(start("-c", AT_A_CALL, number, *call))
    assert (code, out) == (CODES[number], "")
    assert err.count("\n") == 1
    assert not runs.exists()


@pytest.mark.parametrize(
    ("number", "call"),
    [
        (signal.SIGINT, ("hsig.runs.record", "keep_run")),
        (signal.SIGHUP, ("hsig.runs.record", "keep_run")),
        (signal.SIGTERM, ("hsig.reports.phrases", "unmet_expectations")),
    ],
)
def test_a_signal_while_it_writes_breaks_nothing_off(runs, call, number):
    words = ("train", "hard", "-e", "5", "-s", "2", "--expect", "solved_at_least=0.9")
    code, out, err = finish(start("-c", AT_A_CALL, number, *call, *words))
    assert code in (CODES[number], 1)  # 1 where all was said but that it was interrupted
    assert "0 of 2 seeds" in out
    assert "Traceback" not in err
    assert len(kept(runs)) == 1


BETWEEN = {
    "explain": ("hsig.results.explaining", "propose_remedies", "explain", "hard"),
    "tune": (
        *("hsig.results.comparing", "choose_rates"),
        *("compare", "elu", "hard", "--tune", "learning_rate=0.1,1"),
    ),
    "until": ("hsig.analysis.power", "next_block", "train", "hard", "--until", "0.01"),
}


@pytest.mark.parametrize("command", BETWEEN)
def test_a_signal_between_two_trainings_loses_none_that_is_done(runs, command):
    words = (*BETWEEN[command], "-e", "5", "-s", "2")
    code, out, err = finish(start("-c", AT_A_CALL, signal.SIGINT, *words))
    assert (code, err) == (130, "interrupted: this is what was done by then\n")
    assert out
    assert len(kept(runs)) == 1


@pytest.mark.parametrize(
    ("words", "sign", "number"),
    [
        pytest.param(("train", "hard", *LONG), "hard", signal.SIGHUP, marks=NEEDS_KERNEL),
        (SEVERAL, "0 of 3", signal.SIGTERM),
        (SWEEP, "0 of 2", signal.SIGINT),
    ],
)
def test_what_was_done_is_shown_and_kept_and_no_process_stays(runs, words, sign, number):
    """The signal comes to the process and to all of the group, as from `timeout`."""
    running = start_long(*words, sign=sign)
    running.send_signal(number)
    time.sleep(0.02)
    os.killpg(running.pid, number)
    code, out, err = finish(running)
    assert code == CODES[number]
    assert "interrupted: " in err.splitlines()[-1]
    assert "Traceback" not in err
    assert out
    assert len(kept(runs)) == 1
    wait_until_gone(running.pid)


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("ignored", "command", "sign"),
    [
        pytest.param(signal.SIGHUP, SEVERAL, "0 of 3", id="nohup"),
        pytest.param(signal.SIGINT, SWEEP, "0 of 2", id="behind a shell"),
    ],
)
def test_a_signal_that_is_ignored_where_it_starts_stays_ignored(ignored, command, sign):
    def ignore():
        reset_signals()
        signal.signal(ignored, signal.SIG_IGN)

    running = start_long(*command, sign=sign, preexec_fn=ignore)
    running.send_signal(ignored)
    time.sleep(0.5)
    assert running.poll() is None
    running.terminate()
    assert finish(running)[0] == 143


# a step of the engine that takes for ever
DEAF = """
import sys, time
from hsig.engines import compiled, reference
def advance(*_, **__):
    print("trains", file=sys.stderr, flush=True)
    time.sleep(1000)
for engine in (compiled, reference):
    engine.advance = engine.advance_in_strides = advance
sys.argv = ["hsig", *sys.argv[1:]]
from hsig.__main__ import main
main()
"""


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize("number", CODES)
def test_a_signal_is_heard_while_an_engine_takes_a_step(number):
    running = start("-c", DEAF, "train", "sigmoid", "-s", "2")
    assert running.stderr.readline() == "trains\n"
    running.send_signal(number)
    code, out, err = finish(running)
    assert (code, out) == (CODES[number], "")
    assert err.startswith("interrupted: ")


TAKES_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, '-m', 'hsig', *sys.argv[1:]])
"""


@pytest.mark.parametrize(("words", "sign"), [(SEVERAL, b"0 of 3"), (("watch", "hard"), b"epoch")])
def test_a_terminal_that_goes_away_ends_it_and_what_was_done_is_kept(runs, words, sign):
    ours, its = os.openpty()
    running = subprocess.Popen(
        [sys.executable, "-c", TAKES_TERMINAL, *words],
        **dict.fromkeys(("stdin", "stdout", "stderr"), its),
        start_new_session=True,
        preexec_fn=reset_signals,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"},
    )
    os.close(its)
    seen = b""
    while sign not in seen:
        seen += os.read(ours, 1000)
    os.close(ours)
    assert running.wait(120) == 129
    assert len(kept(runs)) == (words[0] != "watch")
    wait_until_gone(running.pid)


def test_the_console_script_begins_where_python_m_hsig_does():
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    assert '\nhsig = "hsig.__main__:main"\n' in text
