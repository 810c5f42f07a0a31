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

FOLDER = Path(__file__).parents[1] / "configs"
CONFIGS = sorted(FOLDER.glob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_it_trains_two_seeds_for_two_epochs(path):
    if path.stem.startswith("map-"):
        made = load_sweep(path, {"seeds": "2"})
        assert len(made.cells) >= 40
        assert train_cell(replace(made.experiments[-1], epochs=2)).seeds == (0, 1)
        return
    flags = {"epochs": "2"}
    if load_experiment(path).initial_weights is None:
        flags["seeds"] = "2"
    experiment = load_experiment(path, flags)
    assert gather(experiment, run(experiment)).complete


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_it_has_a_heading_and_a_comment_on_every_key(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    keyed = [line for line in lines if line[:1].isalpha()]
    assert lines[0].startswith("# ")
    assert keyed
    assert all("#" in line for line in keyed)


@pytest.mark.parametrize(
    ("stem", "name"), [("question-sigmoid", "sigmoid"), ("question-hard", "hard_sigmoid")]
)
def test_the_weights_of_a_question_are_those_fitted_to_its_numbers(stem, name):
    weights = load_experiment(FOLDER / f"{stem}.yaml").initial_weights
    fitted = load_golden("question")[name]["initial_weights"]
    for layer, key in zip(weights, ("hidden", "output"), strict=True):
        np.testing.assert_array_equal(layer, fitted[key])
