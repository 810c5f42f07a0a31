"""`hsig watch` from its start to its end, in a pseudo-terminal; and where there is none."""

import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import sys
from codecs import getincrementaldecoder
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from types import SimpleNamespace

import pytest
from commands import hsig, process
from watched import loaded, seen_at

from hsig.cli import pictures
from hsig.errors import ConfigError
from hsig.experiments.snapshots import Stepper
from hsig.output.terminal import Pen
from hsig.output.watch import screenful
from hsig.reports.page import View

termios = pytest.importorskip("termios")

PATIENCE_S = 120  # for what comes in a second, on a machine that does much else
# a process that makes the terminal its own, as a shell would, and becomes the command
TAKES_TERMINAL = (
    "import fcntl, os, sys, termios\n"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "os.execv(sys.executable, [sys.executable, '-m', 'hsig', *sys.argv[1:]])\n"
)
CONTROLS = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
SHORT = ("--seeds", "3", "--epochs", "400")


class Terminal:
    """A command in a terminal of its own."""

    def __init__(self, cwd, *arguments, columns=80, lines=24, **environment):
        self.sent = ""
        self._decode = getincrementaldecoder("utf-8")("replace").decode  # reads cut characters
        self._ours, self._its = os.openpty()
        self.resize(columns, lines)
        self.modes = termios.tcgetattr(self._its)
        self.process = subprocess.Popen(
            [sys.executable, "-c", TAKES_TERMINAL, *arguments],
            stdin=self._its,
            stdout=self._its,
            stderr=self._its,
            start_new_session=True,
            cwd=cwd,
            env={**os.environ, "TERM": "xterm-256color", **environment},
        )

    def resize(self, columns, lines):
        """Make it wider or narrower; the command is told."""
        self.columns, self.lines = columns, lines
        size = struct.pack("HHHH", lines, columns, 0, 0)
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, size)

    def type(self, data):
        """Press keys."""
        os.write(self._ours, data)

    def until(self, holds, what):
        """Read on until the screen is as it should be; that screen, its lines."""
        end = monotonic() + PATIENCE_S
        while not holds(screen := self.screen()):
            assert monotonic() < end, f"no {what} in:\n{screen}\n{self.sent[-2000:]!r}"
            self._read()
        return screen

    def shows(self, text):
        """Read on until there is a text on the screen; that screen."""
        return self.until(lambda screen: text in screen, text)

    def ends(self):
        """Wait for the end of the command, and give its exit code."""
        end = monotonic() + PATIENCE_S
        while self.process.poll() is None:
            assert monotonic() < end, "it does not end"
            self._read()
        while self._read():
            pass
        return self.process.returncode

    def screen(self):
        """What was drawn last, if it is whole, without its colours: every line has every column."""
        for picture in reversed(self.sent.split("\x1b[?1049l")[0].split("\x1b[H")[1:]):
            lines = CONTROLS.sub("", picture).replace("\r\n", "\n").split("\n")
            if [len(line) for line in lines] == [self.columns] * self.lines:
                return "\n".join(lines)
        return ""

    def _read(self):
        if not select.select([self._ours], [], [], 0.2)[0]:
            return False
        self.sent += self._decode(os.read(self._ours, 65536))
        return True

    def modes_now(self):
        """How it treats what is typed."""
        return termios.tcgetattr(self._its)

    def close(self):
        """End the command if it goes on."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._ours)
        os.close(self._its)


@contextmanager
def terminal(*arguments, **settings):
    """A command in a terminal, ended whatever happens."""
    found = Terminal(*arguments, **settings)
    try:
        yield found
    finally:
        found.close()


def given_back(found):
    """Whether a terminal is as it was: its modes, its cursor, its first screen."""
    assert "\x1b[?1049h" in found.sent
    return (
        found.modes_now() == found.modes
        and found.sent.rindex("\x1b[?1049h") < found.sent.rindex("\x1b[?1049l")
        and found.sent.rindex("\x1b[?25l") < found.sent.rindex("\x1b[?25h")
    )


def test_no_check_is_made_and_no_seed_is_added(tmp_path):
    keys = ("--expect", "solved_at_least=1", "--until", "0.01", "--speed", "1e9")
    with terminal(tmp_path, "watch", "hard", *SHORT, *keys) as found:
        assert "(1 of 3)" in found.shows("the last picture stays until q")
        found.type(b"q")
        assert found.ends() == 0


def test_keys_choose_the_seed_and_q_ends_it_with_0(tmp_path):
    with terminal(tmp_path, "watch", "hard", "--seeds", "3,5,8", "--speed", "1") as found:
        first = found.shows("seed 3 (1 of 3)")
        assert first.startswith("hard on xor")
        assert found.modes_now() != found.modes
        found.type(b"\x1b[C")
        found.shows("seed 5 (2 of 3)")
        found.type(b"\x1bOC\x1b[C")
        found.shows("seed 8 (3 of 3)")
        found.type(b"\x1b[D")
        found.shows("seed 5 (2 of 3)")
        found.type(b"\x1b[A")
        found.shows("2 epochs/s")
        found.type(b" ")
        found.shows("paused, 2 epochs/s")
        found.type(b"q")
        assert found.ends() == 0
        assert given_back(found)
    assert [*tmp_path.iterdir()] == []  # nothing is kept


def test_it_stays_on_the_last_picture_and_begins_again(tmp_path):
    with terminal(tmp_path, "watch", "hard", *SHORT, "--speed", "1e9") as found:
        ended = found.shows("the last picture stays until q")
        assert "epoch 400 of 400  at its end" in ended
        found.type(b"\x1b[C")
        assert "epoch 400 of 400" in found.shows("seed 1 (2 of 3)")
        found.type(b"\x1b[B" * 40 + b"r")  # as slow as can be, from the start
        found.shows("epoch   0 of 400  0.1 epochs/s")
        found.type(b"\x1b")
        assert found.ends() == 0


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (lambda found: found.type(b"\x03"), 130),  # Ctrl-C
        (lambda found: found.process.send_signal(signal.SIGINT), 130),
        (lambda found: found.process.send_signal(signal.SIGTERM), 143),
    ],
    ids=["Ctrl-C", "SIGINT", "SIGTERM"],
)
def test_a_signal_ends_it_and_the_terminal_is_given_back(tmp_path, end, code):
    with terminal(tmp_path, "watch", "hard", *SHORT) as found:
        found.shows("epoch")
        end(found)
        assert found.ends() == code
        assert given_back(found)


def test_it_follows_the_size_of_the_terminal(tmp_path):
    with terminal(tmp_path, "watch", "hard", *SHORT, "--speed", "1e9") as found:
        found.shows("the last picture stays until q")
        for size in ((50, 16), (40, 15), (100, 30), (12, 3)):
            found.resize(*size)
            screen = found.until(bool, f"picture of {size}")
            assert "epoch 400 of 400" in screen or size == (12, 3)
        found.type(b"q")
        assert found.ends() == 0


def test_after_a_failure_on_the_way_the_terminal_is_given_back(tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import hsig.output.watch as live\n"
        "def fails(*_):\n"
        "    raise ArithmeticError('a bug')\n"
        "live.screenful = fails\n",
        encoding="utf-8",
    )
    root = Path(__file__).parents[1]
    path = os.pathsep.join([str(tmp_path), str(root), os.environ.get("PYTHONPATH", "")])
    with terminal(tmp_path, "watch", "hard", *SHORT, PYTHONPATH=path) as found:
        assert found.ends() == 1
        assert "ArithmeticError: a bug" in found.sent
        assert given_back(found)


def test_keys_are_heard_however_slow_the_training_is(monkeypatch):
    """As if each step took longer than there is between two pictures."""
    experiment, typed, drawn = loaded(epochs="4000"), [["right"], [], ["right"], ["q"]], []

    class Shown:
        size = (80, 24)

        def show(self, picture):
            drawn.append(picture.seed)
            assert len(drawn) < 100, "no key is heard"

    monkeypatch.setattr(pictures, "_PICTURE_S", -1.0)
    monkeypatch.setattr(pictures, "_TRAINING_S", -1.0)
    monkeypatch.setattr(pictures, "pressed", lambda _: typed.pop(0))
    view = View.of(3, 4000, 1e9)
    pictures._show(experiment, Stepper(experiment), view, Shown(), SimpleNamespace(exit_code=0))
    assert drawn == ["seed 0 (1 of 3)", "seed 1 (2 of 3)", "seed 1 (2 of 3)", "seed 2 (3 of 3)"]


# --- what it is given -------------------------------------------------------------------------


def test_no_colour_is_no_colour(tmp_path):
    with terminal(tmp_path, "watch", "sigmoid", *SHORT, NO_COLOR="1") as found:
        assert "▒" in found.shows("epoch")
        found.type(b"q")
        found.ends()
    assert not re.search(r"\x1b\[[0-9;]*[34]8;", found.sent)


def test_every_key_of_a_config_is_a_flag_and_a_config_may_be_given(tmp_path):
    (tmp_path / "mine.yaml").write_text("hidden: 2\nseeds: [7, 9]\ntask: and\n", encoding="utf-8")
    flags = ("--epochs", "9", "-r", "0.3", "--speed", "1e9")
    with terminal(tmp_path, "watch", "relu", "mine.yaml", *flags) as found:
        screen = found.shows("the last picture stays until q")
        assert screen.startswith("relu on and  seed 7 (1 of 2)  epoch 9 of 9")
        assert "8 hidden pre-activations" in screen  # of 2 units on 4 samples
        found.type(b"q")
        assert found.ends() == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["hard", "--speed", "fast"], "--speed: expected a number of at least 0.1, got the text"),
        (["hard", "--speed", "0"], "--speed: expected a number of at least 0.1, got 0"),
        (["hard", "--speed", ".nan"], "--speed: expected a number of at least 0.1, got nan"),
        (["hard", "--speed", "2e9"], "--speed: expected a number of at most 1000000000, got 2"),
        (["hard", "relu"], "expected one activation, got hard, relu"),
        (["ultra_fast"], "ultra_fast: not trained: ultra_fast has no gradient."),
    ],
)
def test_a_mistake_is_told_before_anything_is_drawn(monkeypatch, arguments, message):
    monkeypatch.setattr("hsig.cli.pictures._check_terminal", lambda: None)
    with pytest.raises(ConfigError) as refused:
        hsig("watch", *arguments)
    assert any(told.startswith(message) for told in refused.value.messages)


def test_in_a_pipe_it_says_what_to_use_instead():
    ended = process("watch", "hard", TERM="xterm-256color")
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("error: watch: needs a terminal, but stdin is none. ")
    assert "hsig train" in ended.stderr
    assert "hsig plot --kind surface" in ended.stderr


@pytest.mark.parametrize("stream", ["stdin", "stdout"])
def test_a_stream_that_was_closed_is_no_terminal(monkeypatch, stream):
    for name in ("stdin", "stdout"):
        here = None if name == stream else SimpleNamespace(isatty=lambda: True)
        monkeypatch.setattr(pictures.sys, name, here)
    with pytest.raises(ConfigError, match=f"needs a terminal, but {stream} is none"):
        pictures._check_terminal()


@pytest.mark.parametrize("kind", ["dumb", "unknown"])
def test_a_terminal_that_moves_no_cursor_is_refused(tmp_path, kind):
    with terminal(tmp_path, "watch", "hard", TERM=kind) as found:
        assert found.ends() == 2
        assert f"needs a terminal, but TERM is {kind}" in found.sent
        assert "\x1b" not in found.sent


# --- the page ---------------------------------------------------------------------------------


def test_the_page_shows_a_screen_as_it_is():
    page = (Path(__file__).parents[1] / "docs/watching.md").read_text(encoding="utf-8")
    (shown,) = re.findall(
        r"^<!-- a screen -->\n```text\n(.*?)\n```$", page, re.MULTILINE | re.DOTALL
    )
    experiment = loaded("hard", seeds="100", epochs="4000")
    lines = screenful(seen_at(experiment, 1200, speed=200.0), 80, 24, Pen())
    assert "\n".join(line.plain.rstrip() for line in lines) == shown
