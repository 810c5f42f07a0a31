"""Signals that end hsig: at any moment with one line, an exit code, and nothing left behind."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from hsig.engines.choice import ENGINES

if os.name == "nt":
    pytest.skip("other signals on this system", allow_module_level=True)

CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
ENGINES_HERE = [name for name, engine in ENGINES.items() if engine.is_available()]
LONG = ("-e", "100000000", "--report-every", "1000000", "-s", "3")
# what is said when it is not a command that says it
PLAIN = {number: f"interrupted: by {signal.Signals(number).name}\n" for number in CODES}
SEVERAL = ("compare", "sigmoid", "hard", "tanh", *LONG, "--engine", "reference", "--workers", "2")

# runs a command in which a signal comes with the import of a module, of any by its number
AT_AN_IMPORT = """
import os, sys
number, wanted, after = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
sys.argv = ["hsig", *sys.argv[4:]]
from hsig.__main__ import _Signals, main
class Finder:
    seen = 0
    @classmethod
    def find_spec(cls, name, *_):
        cls.seen += wanted in ("", name)
        if wanted in ("", name) and cls.seen == after:
            os.kill(os.getpid(), number)
def listen(signals, listen=_Signals.listen):
    listen(signals)
    sys.meta_path.insert(0, Finder)
_Signals.listen = listen
main()
"""
# runs a command in which a signal comes as a function is called
AT_A_CALL = """
import signal, sys
from importlib import import_module
number, module, name = int(sys.argv[1]), import_module(sys.argv[2]), sys.argv[3]
sys.argv = ["hsig", *sys.argv[4:]]
def signalled(*arguments, own=getattr(module, name), **named):
    signal.raise_signal(number)
    return own(*arguments, **named)
setattr(module, name, signalled)
from hsig.__main__ import main
main()
"""
# tells on stdout when it listens, and runs a command
TELLS = """
import os
from hsig.__main__ import _Signals, main
def listen(signals, listen=_Signals.listen):
    listen(signals)
    os.write(1, b"listens")
_Signals.listen = listen
main()
"""


def heeds():
    """In a child: as in a terminal, whatever it was that started the tests."""
    for number in CODES:
        signal.signal(number, signal.SIG_DFL)


def python(*arguments, **settings):
    return subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=settings.pop("preexec_fn", heeds),
        **settings,
    )


def ended(*arguments):
    running = python("-c", *arguments)
    out, err = running.communicate(timeout=120)
    return running.returncode, out, err


def kept(runs):
    """The runs that are kept: those that were not begin with another character."""
    return list(runs.glob("[0-9]*/run.json"))


def living(group):
    """The processes of a group that are no zombies."""
    found = subprocess.run(["ps", "-eo", "pgid=,stat=,pid="], capture_output=True, text=True)
    rows = [line.split() for line in found.stdout.splitlines()]
    return [pid for pgid, state, pid in rows if int(pgid) == group and state[0] != "Z"]


def wait_until(true, patience=60):
    end = time.monotonic() + patience
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


# --- before there is anything to show ---------------------------------------------------------


@pytest.mark.parametrize("number", CODES)
@pytest.mark.parametrize(
    "module",
    [
        *("hsig.cli", "typer", "hsig.cli.commands", "numpy", "numpy._core._multiarray_umath"),
        *("hsig.output.terminal", "hsig.experiments.training", "hsig.reports.training"),
    ],
)
@pytest.mark.usefixtures("runs")
def test_a_signal_in_an_import_ends_it_with_one_line(number, module):
    found = ended(AT_AN_IMPORT, number, module, 1, "train", "hard", "-e", 5, "-s", 2)
    assert found == (CODES[number], "", PLAIN[number])


@pytest.mark.parametrize("after", random.Random(20).sample(range(1, 500), 12))
@pytest.mark.usefixtures("runs")
def test_a_signal_in_any_import_is_told_in_one_line(after):
    code, out, err = ended(
        AT_AN_IMPORT, signal.SIGINT, "", after, "train", "hard", "-e", 5, "-s", 2
    )
    if err:
        assert code == 130
        assert re.fullmatch(r"interrupted: [^\n]+\n", err)
    else:  # it had been written, or there are fewer imports
        assert code == 0
        assert "solved 0 of 2 seeds" in out


@contextmanager
def busy():
    """A machine that does more than it has cores for."""
    loops = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(os.cpu_count() or 1)
    ]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


@pytest.mark.usefixtures("runs")
def test_a_signal_at_any_moment_of_a_busy_machine_ends_it_with_one_line():
    moments = random.Random(6)
    codes = []
    with busy():
        for number in [*CODES] * 7:
            running = python("-c", TELLS, "train", "hard", *LONG)
            assert running.stdout.read(7) == "listens"
            time.sleep(moments.random() * 1.5)
            running.send_signal(number)
            out, err = running.communicate(timeout=120)
            codes.append(running.returncode == CODES[number])
            assert re.fullmatch(r"interrupted: [^\n]+\n", err), (number, out, err)
    assert all(codes)


# --- between and while it writes --------------------------------------------------------------


AT_ITS_BEGINNING = ("hsig.cli.training", "load_experiment", "train", "hard", "-e", "5")


@pytest.mark.parametrize("number", CODES)
@pytest.mark.parametrize(
    "words",
    [
        AT_ITS_BEGINNING,
        ("hsig.results.comparing", "load_experiment", "compare", "hard", "elu", "-e", "5"),
        ("hsig.results.explaining", "explain", "explain", "hard", "-e", "5"),
    ],
)
def test_a_signal_before_it_trains_is_told_in_one_line(runs, words, number):
    code, out, err = ended(AT_A_CALL, number, *words)
    assert (code, out, err) == (CODES[number], "", PLAIN[number])
    assert not runs.exists()


@pytest.mark.parametrize("number", CODES)
@pytest.mark.parametrize("name", ["FinishedRun", "keep_run", "unmet_expectations", "note"])
def test_a_signal_while_it_writes_breaks_nothing_off(runs, name, number):
    words = ("train", "hard", "-e", 5, "-s", 2, "--expect", "solved_at_least=0.9")
    code, out, err = ended(AT_A_CALL, number, "hsig.cli.training", name, *words)
    assert code == CODES[number]
    assert err.endswith(DONE_BY_THEN)
    assert "solved 0 of 2 seeds" in out
    assert len(kept(runs)) == 1


DONE_BY_THEN = "interrupted: this is what was done by then\n"
RATES = "learning_rate=0.1,1"
BETWEEN = {
    "explain": (
        ("hsig.results.explaining", "_needs_remedies", "explain", "hard"),
        "Interrupted: 0 of 15 remedies were tried, so nothing is concluded.",
    ),
    "tune": (
        ("hsig.results.comparing", "choices_of", "compare", "elu", "hard", "--tune", RATES),
        "no result yet: elu, hard",
    ),
    "until": (
        ("hsig.results.training", "next_block", "train", "hard", "--until", "0.01"),
        "until 0.01 was not reached",
    ),
    "tasks": (
        ("hsig.results.comparing", "went_on", "compare", "hard", "tanh", "--task", "xor,and"),
        "no result yet: and",
    ),
}


@pytest.mark.parametrize("number", CODES)
@pytest.mark.parametrize("command", BETWEEN)
def test_a_signal_between_two_trainings_loses_none_that_is_done(runs, command, number):
    words, told = BETWEEN[command]
    code, out, err = ended(AT_A_CALL, number, *words, "-e", 5, "-s", 2)
    assert (code, err) == (CODES[number], DONE_BY_THEN)
    assert told in out
    assert len(kept(runs)) == 1


@pytest.mark.usefixtures("runs")
def test_the_second_command_of_several_is_interrupted_like_the_first():
    """The tour runs five, one after the other."""
    code, out, err = ended(AT_AN_IMPORT, signal.SIGINT, "hsig.cli.training", 1, "tour")
    assert "1 of 5" in out
    assert (code, err) == (130, PLAIN[signal.SIGINT])


def test_what_python_would_swallow_ends_it_all_the_same():
    code = AT_A_CALL.replace(
        "    signal.raise_signal(number)\n",
        "    class Swallows:\n"
        "        def __del__(self):\n"
        "            signal.raise_signal(number)\n"
        "    Swallows()\n",
    )
    found = ended(code, signal.SIGINT, *AT_ITS_BEGINNING)
    assert found == (130, "", PLAIN[signal.SIGINT])


def test_a_fault_of_its_own_is_no_interrupt():
    code = AT_A_CALL.replace("signal.raise_signal(number)", "1 / 0")
    found = ended(code, signal.SIGINT, *AT_ITS_BEGINNING)
    assert found[0] == 1
    assert found[2].endswith("ZeroDivisionError: division by zero\n")


# --- while it trains --------------------------------------------------------------------------


def started(*words, **settings):
    """A command that trains for ever, when it has begun to."""
    running = python("-m", "hsig", *words, env={**os.environ, "TTY_COMPATIBLE": "1"}, **settings)
    seen = ""
    while "0 of " not in seen and "hard" not in seen:
        seen += os.read(running.stderr.fileno(), 1000).decode()
    return running


@pytest.mark.parametrize("number", CODES)
@pytest.mark.parametrize("words", [("train", "hard", *LONG), SEVERAL], ids=["train", "processes"])
def test_what_was_done_is_shown_and_kept_and_no_process_stays(runs, number, words):
    """The signal comes to all of the group, as from a terminal or `systemctl stop`."""
    running = started(*words)
    os.killpg(running.pid, number)
    out, err = running.communicate(timeout=120)
    assert running.returncode == CODES[number]
    assert err.endswith("interrupted: this is what was done by then\n")
    assert "Traceback" not in err
    assert "died" not in err
    assert re.search("hard", out)
    assert len(kept(runs)) == 1
    wait_until(lambda: not living(running.pid))


@pytest.mark.usefixtures("runs")
def test_a_kill_leaves_no_process_either():
    running = started(*SEVERAL)
    assert len(living(running.pid)) >= 3
    running.kill()
    running.communicate()
    wait_until(lambda: not living(running.pid))


@pytest.mark.usefixtures("runs")
def test_what_nohup_starts_outlives_its_terminal():
    running = started(
        "train", "hard", *LONG, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
    )
    running.send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert running.poll() is None
    running.terminate()
    _, err = running.communicate(timeout=120)
    assert running.returncode == 143
    assert err.endswith("interrupted: this is what was done by then\n")


TAKES_TERMINAL = (
    "import fcntl, os, sys, termios\n"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "os.execv(sys.executable, [sys.executable, '-m', 'hsig', *sys.argv[1:]])\n"
)


@pytest.mark.parametrize("words", [("train", "hard", *LONG), SEVERAL, ("watch", "hard")])
def test_a_terminal_that_goes_away_ends_it_and_what_was_done_is_kept(runs, words):
    ours, its = os.openpty()
    running = subprocess.Popen(
        [sys.executable, "-c", TAKES_TERMINAL, *words],
        **dict.fromkeys(("stdin", "stdout", "stderr"), its),
        start_new_session=True,
        preexec_fn=heeds,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"},
    )
    os.close(its)
    seen = b""
    while b"epoch" not in seen and b"0 of " not in seen and b"hard" not in seen:
        seen += os.read(ours, 1000)
    os.close(ours)
    assert running.wait(120) == 129
    assert len(kept(runs)) == (words[0] != "watch")
    wait_until(lambda: not living(running.pid))


def test_the_console_script_begins_where_python_m_hsig_does():
    text = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    assert '\nhsig = "hsig.__main__:main"\n' in text
