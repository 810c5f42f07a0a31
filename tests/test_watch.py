"""Watching a seed: what is seen of it, on screens of any size, and what the keys do."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from hsig.config.loading import load_experiment
from hsig.experiments.snapshots import Stepper
from hsig.experiments.training import gather, run
from hsig.output.watch import layout, parse_keys
from hsig.reports.watching import View, picture

SMALL = {"engine": "reference", "seeds": "3", "epochs": "40"}


def picture_at(epoch, place=0, **flags):
    experiment = load_experiment(flags={**SMALL, **flags})
    stepper = Stepper(experiment)
    for _ in stepper.advance_to(epoch):
        pass
    view = replace(View.begin(len(experiment.seeds), experiment.epochs), place=place)
    return picture(experiment, view, stepper.view_seed(place))


def screen(seen, width=80, height=24, **options):
    options = {"color_system": None, "force_terminal": False, **options}
    console = Console(file=StringIO(), width=width, height=height, **options)
    console.print(layout(seen, console), height=height)
    return console.file.getvalue().splitlines()


def test_the_numbers_are_those_of_a_training():
    experiment = load_experiment(flags={**SMALL, "activation": "tanh", "report_every": "40"})
    (training,) = gather(experiment, run(experiment)).results
    seen = picture_at(40, place=1, activation="tanh")
    expected = [f"{p:#.4g}" for p in training.predictions[1, :, 0]]
    assert [sample.prediction for sample in seen.samples] == expected
    assert f"{training.loss[1, -1]:#.6g}" in seen.cost
    assert "seed 1 (2 of 3)" in seen.heading
    assert "epoch 40 of 40" in seen.heading
    assert sum(seen.hidden.counts(80)) + sum(seen.hidden.beyond) == 12


@pytest.mark.parametrize(
    "flags",
    [
        {"activation": "hard"},
        {"activation": "tanh", "task": "parity3", "hidden": "[4, 3]", "seeds": "1"},
        {"activation": "relu", "output_activation": "identity", "loss": "squared"}
        | {"learning_rate": "1e9"},
        {"activation": "tanh", "task": "{inputs: [[0], [1]], targets: [0, 1]}"},
        {"activation": "hard", "task": "or", "hidden": "0"},
        {"activation": "tanh", "task": "csv:configs/curve.csv", "update": "batch"},
        {"activation": "hard", "hidden": "0", "bias": "false"}
        | {"task": "{inputs: [[0, 1], [1, 1]], targets: [[0, 1], [1, 0]]}"},
    ],
)
@pytest.mark.parametrize("size", [(80, 24), (200, 60), (30, 8), (9, 3)])
def test_a_screen_is_filled_and_nothing_sticks_out(flags, size):
    width, height = size
    lines = screen(picture_at(40, **flags), width, height)
    assert len(lines) == height
    assert all(len(line) <= width for line in lines)


def test_predictions_are_up_where_the_second_input_is_larger():
    shares, places = picture_at(40, activation="relu").plane(11, 11)
    inputs = {sample.inputs: (x, y) for x, y, sample in places}
    assert inputs[0.0, 1.0][1] < inputs[0.0, 0.0][1]
    assert inputs[1.0, 0.0][0] > inputs[0.0, 0.0][0]
    assert shares.shape == (11, 11)
    assert np.all((shares >= 0) & (shares <= 1))


def test_a_terminal_without_other_characters_gets_ascii(monkeypatch):
    monkeypatch.setattr(Console, "encoding", "ascii")
    assert "\n".join(screen(picture_at(20, activation="hard"))).isascii()


def test_keys_are_parsed_and_others_ignored():
    assert parse_keys("q \x1b[C\x1bOD\x1b[1;5Axz\x1b") == [
        *("quit", "pause", "next", "previous", "quit")
    ]


def test_keys_change_the_view():
    view = View.begin(seeds=2, budget=100, speed=10.0)
    assert view.press("next").place == 1
    assert view.press("next").press("next").place == 1
    assert view.press("previous").place == 0
    assert view.press("faster").speed == 20.0
    assert view.press("quit").ended
    assert view.advance(2.0).epoch == 20.0
    assert view.advance(1e9).at_end
    assert view.press("pause").advance(2.0).epoch == 0.0
    assert view.advance(1e9).press("again").epoch == 0.0
    assert view.advance(2.0).limit_to(7, behind=True).epoch == 7


OTHER_SCREEN, SCREEN_BEFORE = b"\x1b[?1049h", b"\x1b[?1049l"


class Watched:
    """A process that watches in a terminal of its own, when it has drawn something."""

    def __init__(self, folder):
        import pty
        import termios

        self._main, self._terminal = pty.openpty()
        self._modes = lambda: termios.tcgetattr(self._terminal)[:4]
        self._before = self._modes()
        self.seen = b""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hsig", "watch", "hard", "--seeds", "2", "--epochs", "500"],
            stdin=self._terminal,
            stdout=self._terminal,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"},
            process_group=0,  # one that has no parent in its session cannot be stopped
            preexec_fn=lambda: [signal.signal(n, signal.SIG_DFL) for n in (2, 3, 10, 15, 1, 20)],
        )
        os.set_blocking(self._main, False)
        self.read_until(lambda: b"q quit" in self.seen)

    def read_until(self, happened):
        until = time.monotonic() + 60
        while not happened():
            assert time.monotonic() < until
            try:
                self.seen += os.read(self._main, 65536)
            except BlockingIOError:
                time.sleep(0.02)

    @property
    def has_given_terminal_back(self):
        screens = self.seen.count(OTHER_SCREEN) == self.seen.count(SCREEN_BEFORE) > 0
        return self._modes() == self._before and screens

    def press(self, key):
        os.write(self._main, key)

    def end(self):
        self.read_until(lambda: self.process.poll() is not None)
        with suppress(BlockingIOError):
            self.seen += os.read(self._main, 65536)
        return self.process.returncode


POSIX = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")


@POSIX
@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("q", 0),
        *(("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)),
        *((name, None) for name in ("SIGQUIT", "SIGUSR1")),
    ],
)
def test_whatever_ends_it_the_terminal_is_as_it_was(tmp_path, sent, code):
    watched = Watched(tmp_path)
    number = getattr(signal, sent, None)
    watched.press(sent.encode()) if number is None else watched.process.send_signal(number)
    assert watched.end() == (-number if code is None else code)
    assert watched.has_given_terminal_back
