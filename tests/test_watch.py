"""Watching a seed: what is seen of it, on screens of any size, and what the keys do."""

import os
import signal
import subprocess
import sys
import time
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
    assert [s.prediction for s in seen.samples] == training.predictions[1, :, 0].tolist()
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
    ],
)
@pytest.mark.parametrize("size", [(80, 24), (200, 60), (30, 8), (9, 3)])
def test_a_screen_is_filled_and_nothing_sticks_out(flags, size):
    width, height = size
    lines = screen(picture_at(40, **flags), width, height)
    assert len(lines) == height
    assert all(len(line) <= width for line in lines)


def test_a_screen_of_the_usual_size_has_all_parts():
    lines = screen(picture_at(20, activation="hard"))
    text = "\n".join(lines)
    for part in (
        "hard on xor",
        "target",
        "prediction",
        "o right",
        "loss of the weights",
        "┼",
        "q quit",
    ):
        assert part in text
    assert "kink at -2.5, 2.5" in text


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


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize(("sent", "code"), [(b"q", 0), (signal.SIGINT, 130)])
def test_it_ends_cleanly_in_a_terminal(tmp_path, sent, code):
    import pty
    import termios

    main, terminal = pty.openpty()
    before = termios.tcgetattr(terminal)
    words = [sys.executable, "-m", "hsig", "watch", "hard", "--seeds", "2", "--epochs", "500"]
    process = subprocess.Popen(
        words,
        stdin=terminal,
        stdout=terminal,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"},
    )
    seen, until = b"", time.monotonic() + 60
    while b"q quit" not in seen and time.monotonic() < until:
        seen += os.read(main, 65536)
    if isinstance(sent, bytes):
        os.write(main, sent)
    else:
        process.send_signal(sent)
    while process.poll() is None and time.monotonic() < until:
        os.set_blocking(main, False)
        try:
            seen += os.read(main, 65536)
        except BlockingIOError:
            time.sleep(0.02)
    assert process.wait(1) == code
    assert b"\x1b[?1049h" in seen  # the other screen, and back
    assert termios.tcgetattr(terminal)[3] == before[3]
    os.close(main)
    os.close(terminal)
