import json

import numpy as np
import pytest

from hsig.analysis.summary import summarise
from hsig.config.loading import load_experiment
from hsig.engines.choice import fastest_engine
from hsig.experiments.training import gather, run
from hsig.reports.documents import document

SLOPES = {"kink": "own", "backward": "own"}


def documented(**flags):
    experiment = load_experiment(flags={key: str(value) for key, value in flags.items()})
    outcome = gather(experiment, run(experiment))
    return outcome, made_of(outcome)


def made_of(outcome):
    return json.loads(json.dumps(document(outcome, summarise(outcome)), allow_nan=False))


def test_a_seed_has_its_costs_predictions_and_epochs_in_full_precision():
    outcome, made = documented(epochs=900, activation="tanh", seeds="4,2", report_every=400)
    (training,), (variant,) = outcome.results, made["variants"]
    assert variant["label"] == "tanh"
    assert variant["activation"] == {"name": "tanh", "formula": "tanh(x)", **SLOPES}
    assert variant["engine"] == fastest_engine()
    assert variant["checkpoints"] == [0, 400, 800, 900]
    assert [seed["seed"] for seed in variant["seeds"]] == [4, 2]
    for row, seed in enumerate(variant["seeds"]):
        assert seed["cost_last"] == training.cost_last[row].tolist()
        assert seed["cost_mean"] == training.cost_mean[row].tolist()
        assert seed["loss"] == training.loss[row].tolist()
        assert seed["predictions"] == training.predictions[row, :, 0].tolist()
        assert seed["max_error"] == training.max_error[row]
        assert seed["verdict"] == "solved"
        assert seed["solved_at"] == training.solved_at[row]
        assert seed["lost_at"] is seed["diverged_at"] is None
    assert variant["solved"]["k"] == variant["solved"]["n"] == 2
    assert 0 < variant["solved"]["low"] < variant["solved"]["high"] == 1.0


def test_numbers_that_json_cannot_say_are_texts_that_float_reads():
    _, made = documented(epochs=20, activation="hard", loss="bce_naive", seeds="[27]")
    (seed,) = made["variants"][0]["seeds"]
    assert seed["cost_last"][0] == "NaN"
    assert seed["loss"][-1] == "NaN"
    assert np.isnan(float(seed["max_error"]))
    assert seed["diverged_at"] == 0
    assert seed["verdict"] == "diverged"
    _, made = documented(epochs=2, activation="relu")
    assert made["variants"][0]["activation"]["high"] == "Infinity"


@pytest.mark.parametrize(
    "flags",
    [
        {"task": "csv:xor.csv", "loss": "squared"},
        {},
        {"activation": "relu:shift=0.1", "task": "parity3", "loss": "squared", "seeds": "3,1"},
        {"activation": "ultra_fast:backward=output", "init": "uniform:-2,2", "update": "batch"},
        {"task": "{inputs: [[0.5], [1]], targets: [0, 1]}", "expect": "solved_at_most=1"},
        {
            "hidden": 1,
            "initial_weights": "{hidden: [[1], [-2], [0.1]], output: [[1], [3]]}",
            "cost": "mean",
            "report_every": 7,
        },
        {"activations": "hard,ultra_fast,tanh,hard:slope=0.25,kink=open", "workers": 1},
        {
            "activations": "sigmoid,relu",
            "output_activation": "hard",
            "expect": "{verdict: slow, relu: {solved_at_most: 0.5}}",
        },
    ],
    ids=["csv", "defaults", "relu", "ultra_fast", "rows", "weights", "several", "output"],
)
def test_the_resolved_keys_are_a_config_that_gives_the_same_document(tmp_path, monkeypatch, flags):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "xor.csv").write_text("0,0,2\n1,0,3\n", encoding="utf-8")
    _, made = documented(epochs=15, **flags)
    again = tmp_path / "again.yaml"
    again.write_text(json.dumps(made["experiment"]), encoding="utf-8")
    experiment = load_experiment(again)
    assert made_of(gather(experiment, run(experiment))) == made
