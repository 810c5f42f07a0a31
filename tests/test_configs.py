"""Every file in `configs/` loads, trains, and says what it is for."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from golden_data import load_golden

from hsig.config.loading import load_experiment
from hsig.config.sweeps import load_sweep
from hsig.experiments.sweeps import train_cell
from hsig.experiments.training import gather, run

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))
SWEEPS = [path for path in CONFIGS if path.stem.startswith("map-")]

pytestmark = pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)


def test_it_trains_two_seeds_for_two_epochs(path):
    if path in SWEEPS:
        made = load_sweep(path, {"seeds": "2"})
        assert len(made.cells) >= 40
        assert train_cell(replace(made.experiments[-1], epochs=2)).seeds == (0, 1)
        return
    flags = {"epochs": "2"}
    if load_experiment(path).initial_weights is None:
        flags["seeds"] = "2"
    experiment = load_experiment(path, flags)
    assert gather(experiment, run(experiment)).complete


def test_it_has_a_heading_and_a_comment_on_every_key(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    keyed = [line for line in lines if line[:1].isalpha()]
    assert lines[0].startswith("# ")
    assert keyed
    assert all("#" in line for line in keyed)


def test_given_weights_are_those_fitted_to_the_questions_numbers(path):
    weights = None if path in SWEEPS else load_experiment(path).initial_weights
    if weights is None:
        assert path.stem not in ("question-sigmoid", "question-hard")
        return
    name = {"question-sigmoid": "sigmoid", "question-hard": "hard_sigmoid"}[path.stem]
    fitted = load_golden("question")[name]["initial_weights"]
    np.testing.assert_array_equal(weights.hidden, fitted["hidden"])
    np.testing.assert_array_equal(weights.output, fitted["output"])
