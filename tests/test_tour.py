"""The tour shows what its commands print, and what it says of that is so."""

import json
import os
import pty
import select
import shlex
import signal
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
from commands import out_of

from hsig.activations import ACTIVATIONS
from hsig.analysis.definitions import define
from hsig.reports.tour import NEXT, STEPS


@cache
def found(number):
    """The JSON of a step's command."""
    return json.loads(out_of(*shlex.split(STEPS[number].command), "--no-save", "--format", "json"))


def seeds(number):
    return found(number)["variants"][0]["seeds"]


@pytest.fixture(scope="module")
def toured(tmp_path_factory):
    """The tour as a process, not in a terminal, in an empty folder of its own."""
    folder = tmp_path_factory.mktemp("toured")
    code = "import os, sys; os.chdir(sys.argv.pop(1)); from hsig.cli.app import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder), "tour"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "COLUMNS": "88", "HSIG_RUNS_DIR": str(folder / "runs")},
    )
    return done, folder


def test_it_shows_what_its_commands_print_and_keeps_nothing(toured, monkeypatch):
    done, folder = toured
    monkeypatch.setenv("COLUMNS", "88")
    assert (done.returncode, done.stderr) == (0, "")
    said = done.stdout
    for number, step in enumerate(STEPS, start=1):
        printed = out_of(*shlex.split(step.command), "--no-save")
        head = f"{number} of 5: {step.title}\n\n$ hsig {step.command}\n"
        before, there, said = said.partition(f"{head}{printed}\n")
        assert there
        assert before.split() == ("" if number == 1 else " ".join(STEPS[number - 2].look)).split()
    assert said.split() == [*" ".join(STEPS[-1].look).split(), *NEXT.split()]
    assert not list(folder.iterdir())


def test_each_step_says_two_sentences():
    assert len(STEPS) == 5
    for step in STEPS:
        assert all(sentence.endswith(".") and ". " not in sentence for sentence in step.look)


def test_sigmoid_learns():
    costs = np.array([seed["cost_mean"] for seed in seeds(0)])
    predictions = np.array([seed["predictions"] for seed in seeds(0)])
    assert len(costs) == 100
    assert (np.diff(np.median(costs, axis=0)) < 0.0).all()
    assert np.abs(np.median(predictions, axis=0) - [1, 1, 0, 0]).max() < 0.05
    solved = found(0)["variants"][0]["solved"]
    assert solved["low"] < solved["k"] / solved["n"] < solved["high"]


def test_hard_does_not():
    costs = [float(seed["cost_mean"][-1]) for seed in seeds(1)]
    predictions = np.array([seed["predictions"] for seed in seeds(1)])
    assert np.median(costs) == pytest.approx(0.70, abs=0.005)
    assert np.abs(np.median(predictions, axis=0) - 0.49).max() < 0.005
    assert found(1)["variants"][0]["solved"]["k"] <= 5
    assert 0.07 < define(ACTIVATIONS["hard"]).distance < 0.08


def test_why_is_what_the_seeds_are():
    affine = [seed for seed in seeds(2) if seed["verdict"] == "affine"]
    assert len(affine) > 90
    story = " ".join(found(2)["story"])
    assert f"In {len(affine)} of them it is one exactly: every hidden unit stays on one" in story
    assert "100 % on x from -2.5 to 2.5 (slope 0.2)" in story
    assert f"The gradient is not 0 in {len(affine)} of them" in story
    # a border is straight if one affine function decides; the best one is wrong somewhere on XOR
    assert found(2)["best_affine"]["right"] < 4


def test_another_start_helps():
    assert found(3)["variants"][0]["solved"]["k"] > 50
    changed = {
        name
        for name, value in found(3)["experiment"].items()
        if value != found(1)["experiment"][name]
    }
    assert changed == {"init"}


def test_the_map_says_that_hard_was_slow():
    solved = {
        (one["cell"]["learning_rate"], one["cell"]["epochs"]): one["solved"]["k"]
        for one in found(4)["cells"]
    }
    assert {one["solved"]["n"] for one in found(4)["cells"]} == {100}
    assert solved[0.1, 4000] < 5
    assert solved[0.1, 8000] > 50
    assert found(1)["experiment"]["learning_rate"] == 0.1
    for one in found(4)["cells"]:
        if one["cell"]["learning_rate"] >= 1:
            assert one["solved"]["k"] == 0
            assert one["verdicts"]["frozen"] > 50


INTERRUPT = b"\x03"


class Terminal:
    """The tour in a terminal."""

    def __init__(self):
        self._here, there = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hsig", "tour"], stdin=there, stdout=there, stderr=there
        )
        os.close(there)
        self.seen = b""

    def wait_for(self, text):
        """All that it has said by the time that it says this."""
        while text not in self.seen:
            assert select.select([self._here], [], [], 120)[0], self.seen
            self.seen += os.read(self._here, 65536)

    def type(self, keys):
        if keys == INTERRUPT:
            self._process.send_signal(signal.SIGINT)
        else:
            os.write(self._here, keys)

    def ended(self):
        """Its exit code."""
        try:
            while select.select([self._here], [], [], 120)[0] and (
                more := os.read(self._here, 65536)
            ):
                self.seen += more
        except OSError:  # the other end is closed
            pass
        os.close(self._here)
        return self._process.wait(120)


@pytest.mark.parametrize(
    ("keys", "code", "last"),
    [(b"q\n", 0, b"2 of 5"), (b"\x04", 0, b"2 of 5"), (INTERRUPT, 130, b"2 of 5")],
)
def test_in_a_terminal_it_waits_and_may_be_ended(keys, code, last):
    terminal = Terminal()
    terminal.wait_for(b"Enter: go on. q and Enter: end.")
    assert b"2 of 5" not in terminal.seen
    terminal.seen = b""
    terminal.type(b"\n")
    terminal.wait_for(b"Enter: go on. q and Enter: end.")
    terminal.type(keys)
    assert terminal.ended() == code
    assert last in terminal.seen
    assert b"3 of 5" not in terminal.seen
    assert b"Traceback" not in terminal.seen
