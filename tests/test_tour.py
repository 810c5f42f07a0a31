"""The tour shows what its commands print, and what it says of that is so."""

import json
import shlex
from functools import cache

import numpy as np
import pytest
from commands import out_of

from hsig.activations import ACTIVATIONS
from hsig.analysis.definitions import distance_from_logistic
from hsig.reports.tour import NEXT, STEPS


@cache
def found(number):
    """The JSON of a step's command."""
    return json.loads(out_of(*shlex.split(STEPS[number].command), "--no-save", "--format", "json"))


def seeds(number):
    return found(number)["variants"][0]["seeds"]


def test_it_shows_what_its_commands_print_and_keeps_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HSIG_RUNS_DIR", str(tmp_path / "runs"))
    shown = out_of("tour")
    for number, step in enumerate(STEPS, start=1):
        assert f"{number} of {len(STEPS)}: {step.title}\n\n$ hsig {step.command}\n" in shown
        assert " ".join(" ".join(step.look).split()) in " ".join(shown.split())
    assert " ".join(NEXT.split()) in " ".join(shown.split())
    assert not list(tmp_path.iterdir())


def test_hard_does_not():
    costs = [float(seed["loss"][-1]) for seed in seeds(1)]
    predictions = np.array([seed["predictions"] for seed in seeds(1)])
    assert np.median(costs) == pytest.approx(0.693, abs=0.0005)
    assert np.abs(np.median(predictions, axis=0) - 0.49).max() < 0.005
    assert found(1)["variants"][0]["solved"]["k"] <= 5
    assert 0.07 < distance_from_logistic(ACTIVATIONS["hard"]) < 0.08


def test_why_is_what_the_seeds_are():
    affine = [seed for seed in seeds(2) if seed["verdict"] == "affine"]
    assert len(affine) > 90
    ends = [{name: values[-1] for name, values in seed["evidence"].items()} for seed in affine]
    assert all(end["on_one_piece"] == 1.0 for end in ends)
    assert all(end["on_piece"][1] == 1.0 for end in ends)  # the straight middle
    assert all(any(end["gradient"]) for end in ends)
    # a border is straight if one affine function decides; the best one is wrong somewhere on XOR
    assert found(2)["best_affine"]["right"] < 4


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
