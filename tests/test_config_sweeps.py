"""Which cells a sweep means, by a block of a config and by flags, and what is refused."""

import itertools
from pathlib import Path
from time import process_time

import pytest
import yaml

from hsig.config.formulas import Argument
from hsig.config.keys import MAX_EPOCHS, SWEEP
from hsig.config.loading import load_experiment, resolved_keys
from hsig.config.ranges import read_values
from hsig.config.sweeps import load_sweep
from hsig.config.values import Location, Value
from hsig.errors import ConfigError

CONFIG = """
activation: hard
loss: squared
seeds: 20
sweep:
  learning_rate: [0.1, 1, 10]
  epochs: {log: [10, 1000, 3]}
"""
PATH = Path("map.yaml")


@pytest.fixture(autouse=True)
def write(tmp_path, monkeypatch):
    """Write a config into an empty working folder."""
    monkeypatch.chdir(tmp_path)
    PATH.write_text(CONFIG, encoding="utf-8")
    return lambda text: PATH.write_text(text, encoding="utf-8")


def axes(flags, path=None):
    """What is swept, as it would be written."""
    return {axis.name: axis.values for axis in load_sweep(path, flags).axes}


def refusal(path=None, **flags):
    with pytest.raises(ConfigError) as caught:
        load_sweep(path, flags)
    return list(caught.value.messages)


# --- by a config ------------------------------------------------------------------------------


def test_every_combination_is_a_cell_and_the_last_key_runs_fastest():
    made = load_sweep(PATH, {})
    assert made.cells == tuple(itertools.product(("0.1", "1", "10"), ("10", "100", "1000")))
    settings = [(e.learning_rate, e.epochs, len(e.seeds)) for e in made.experiments]
    assert settings[:4] == [(0.1, 10, 20), (0.1, 100, 20), (0.1, 1000, 20), (1.0, 10, 20)]


@pytest.mark.parametrize(
    ("key", "values", "expected"),
    [
        ("learning_rate", "{log: [0.01, 10, 4]}", ("0.01", "0.1", "1.0", "10.0")),
        ("learning_rate", "{log: [1, 10, 3]}", ("1.0", "3.162", "10.0")),
        ("learning_rate", "{log: [1, 1.001, 4]}", ("1.0", "1.0003", "1.0007", "1.001")),
        ("learning_rate", "{linear: [0.1, 0.3, 3]}", ("0.1", "0.2", "0.3")),
        ("learning_rate", "[1e-3, 2]", ("0.001", "2")),
        ("hidden", "{linear: [1, 9, 3]}", ("1", "5", "9")),
        ("hidden", "[3, 8-8, [4, 2]]", ("3", "8-8", "[4, 2]")),
        ("init", "['uniform:-1,1', {uniform: [-2, 2]}]", ("uniform:-1,1", '{"uniform": [-2, 2]}')),
        ("output_activation", "[null, hard]", ("null", "hard")),
    ],
)
def test_values_are_lists_or_spaced(write, key, values, expected):
    write(f"sweep:\n  {key}: {values}\n")
    assert axes({}, PATH) == {key: expected}


def test_settings_of_the_activation_are_swept_beside_those_that_it_has(write):
    write("activation: hard:leak=0.1\nsweep:\n  activation.slope: [0.25, 0.5]\n  hidden: [1, 2]\n")
    labels = [e.variants[0].label for e in load_sweep(PATH, {"seeds": "5"}).experiments]
    assert labels == ["hard:slope=0.25,leak=0.1"] * 2 + ["hard:slope=0.5,leak=0.1"] * 2


def test_activations_of_layers_are_swept_and_so_are_depths(write):
    write("sweep:\n  activation: [[tanh, relu], tanh]\nhidden: 4-4\n")
    made = load_sweep(PATH, {})
    assert [e.variants[0].label for e in made.experiments] == ["[tanh, relu]", "tanh"]
    by_flag = load_sweep(None, {"activation": "[tanh, relu],tanh", "hidden": "4-4"})
    assert (by_flag.axes, by_flag.cells) == (made.axes, made.cells)
    depths = load_sweep(None, {"hidden": "3,8-8", "activation": "tanh"})
    assert [e.hidden for e in depths.experiments] == [(3,), (8, 8)]


def test_a_cell_may_have_any_budget_for_nothing_is_reported_on_the_way(write):
    write("report_every: 1\nsweep:\n  epochs: [1, 1000000000]\n")
    assert load_sweep(PATH, {"seeds": "100000"}).experiments[1].epochs == MAX_EPOCHS


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("activation: hard", ["map.yaml: sweep: expected values to sweep", "--epochs 1000,4000"]),
        ("sweep: 3", ["map.yaml:1: sweep: ", "keys with their values"]),
        ("sweep:\n  lr: [1]", ["map.yaml:2: sweep.lr: ", "cannot be swept", "learning_rate"]),
        ("sweep:\n  activation.colour: [1]", ["sigmoid has no setting 'colour'", "kink"]),
        ("sweep:\n  hidden: 3", ["sweep.hidden: ", "a list", "log:0.01..10:13", "got 3"]),
        ("sweep:\n  init: {log: [0, 1, 3]}", ["sweep.init.log: ", "ends above 0", "got 0"]),
        ("sweep:\n  hidden: {linear: [1, 2, 1]}", ["how many values, from 2"]),
        ("sweep:\n  epochs: [5, 5.0]", ["sweep.epochs: ", "each value once"]),
        ("sweep:\n  epochs: [5, 0]", ["map.yaml:2: sweep.epochs[1]: ", "at least 1"]),
        (
            "activation: tanh\nsweep:\n  activation.slope: [1]",
            ["map.yaml:1: activation: ", "tanh has no setting 'slope'"],
        ),
        (
            "activation: hard:slope=0.1\nsweep:\n  activation.slope: [1]",
            ["map.yaml:1: activation: ", "'slope'", "hard:slope=0.1", "swept as well"],
        ),
        (
            "activation: [tanh, hard]\nhidden: 2-2\nsweep:\n  activation.slope: [1]",
            ["map.yaml:1: activation: ", "one activation", "[tanh, hard]"],
        ),
        (
            "sweep:\n  hidden: {linear: [1, 1000, 1000]}\n  epochs: {linear: [1, 2000, 2000]}",
            ["at most 100000 cells", "2000000"],
        ),
        ("until: 0.1\nsweep:\n  epochs: [1]", ["map.yaml:1: until: ", "no use"]),
        ("epochs: 5\nsweep:\n  epochs: [1]", ["map.yaml:1: epochs: ", "swept as well"]),
        ("task: {csv: no.csv}\nsweep:\n  hidden: [1, 2]", ["task.csv: ", "no.csv"]),
    ],
)
def test_what_cannot_be_swept_is_refused_with_place_value_and_remedy(write, text, parts):
    write(text)
    (message,) = refusal(PATH)
    assert all(part in message for part in parts), message


def test_a_complaint_about_cells_names_one(write):
    write("output_activation: same\nsweep:\n  activation: [sigmoid, tanh]\n  hidden: [1, 2]\n")
    messages = refusal(PATH)
    assert any("tanh gives -1 to 1" in message and "tanh, hidden 1" in message
               for message in messages)  # fmt: skip


def test_a_sweep_is_not_trained():
    with pytest.raises(ConfigError, match=r"map\.yaml:5: sweep: this is for hsig sweep"):
        load_experiment("map.yaml")


# --- by flags ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "text", "values"),
    [
        ("learning_rate", "0.1,0.3, 1", ("0.1", "0.3", "1")),
        ("learning_rate", "log:0.01..10:4", ("0.01", "0.1", "1.0", "10.0")),
        ("learning_rate", "{log: [0.01, 10, 4]}", ("0.01", "0.1", "1.0", "10.0")),
        ("hidden", "linear:1..9:5", ("1", "3", "5", "7", "9")),
        ("hidden", "3,8-8", ("3", "8-8")),
        ("hidden", "[[8, 8], [3]]", ("[8, 8]", "[3]")),
        ("epochs", "[1000, 4e3]", ("1000", "4000.0")),
        ("loss", "bce,squared", ("bce", "squared")),
        ("task", "xor,parity3", ("xor", "parity3")),
        ("init", "uniform:0,1,uniform:-1,1", ("uniform:0,1", "uniform:-1,1")),
        ("activation", "tanh,max(x, 0)", ("tanh", "max(x, 0)")),
        (
            "activation",
            "hard:slope=0.25,backward=logistic,tanh",
            ("hard:slope=0.25,backward=logistic", "tanh"),
        ),
        ("output_activation", "same,hard", ("same", "hard")),
        ("seeds", "[[1, 2], [3, 4]]", ("[1, 2]", "[3, 4]")),
    ],
)
def test_a_flag_with_several_values_is_swept(key, text, values):
    assert axes({"epochs": "5", key: text}) == {key: values}


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("init", "uniform:-1,1"),
        ("seeds", "3,5,8"),
        ("seeds", "[3, 5, 8]"),
        ("hidden", "[2, 2]"),
        ("activation", "[tanh, relu]"),
        ("activation", "hard:slope=0.25,backward=logistic"),
    ],
)
def test_one_value_may_have_commas_of_its_own(key, text):
    assert axes({"hidden": "2-2", "learning_rate": "0.1,1", key: text}) == {
        "learning_rate": ("0.1", "1")
    }


@pytest.mark.parametrize(
    ("key", "value", "values"),
    [
        ("hidden", [3, 8], ("3", "8")),
        ("hidden", [[8, 8], 3], ("[8, 8]", "3")),
        ("activation", ["tanh", "relu"], ("tanh", "relu")),
        ("learning_rate", (0.1, 1), ("0.1", "1")),
    ],
)
def test_a_list_in_a_call_is_the_values(key, value, values):
    assert axes({key: Argument(value)}) == {key: values}


def test_axes_are_in_the_order_of_the_flags_behind_those_of_the_file():
    for order in (("hidden", "loss"), ("loss", "hidden")):
        flags = {"hidden": "2,3", "loss": "bce,squared"}
        flags = {name: flags[name] for name in order}
        assert [*axes(flags)] == [*order]
        assert [*axes(flags, PATH)] == ["learning_rate", "epochs", *order]


def test_flags_beat_the_file_for_their_key():
    assert [*axes({"learning_rate": "2,3"}, PATH).values()] == [("2", "3"), ("10", "100", "1000")]
    made = load_sweep(PATH, {"learning_rate": "2"})
    assert [axis.name for axis in made.axes] == ["epochs"]
    assert {experiment.learning_rate for experiment in made.experiments} == {2.0}
    (message,) = refusal(PATH, learning_rate="1", epochs="5")
    assert message.startswith("map.yaml: sweep: expected values to sweep")


@pytest.mark.parametrize(
    ("flags", "places"),
    [
        ({}, ["expected values to sweep, such as: hsig sweep hard --learning-rate 0.1,0.3,1 "]),
        (
            {"epochs": "9,no,0", "learning_rate": "1,1.0", "hidden": "log:1..9:x"},
            ["--epochs: [1]: ", "--epochs: [2]: ", "--learning-rate: ", "--hidden: "],
        ),
        ({"activation": "hard:slope=0.25,0.5"}, ["--activation: "]),
        ({"init": "uniform:-1,1,-2,2"}, ["--init: "]),
        ({"workers": "1,2", "epochs": "1,2"}, ["--workers: "]),
        ({"baseline": "hard", "epochs": "1,2"}, ["--baseline: "]),
    ],
    ids=str,
)
def test_flags_that_mean_no_sweep_are_refused_all_at_once_and_each_once(flags, places):
    for message, place in zip(refusal(**flags), places, strict=True):
        assert message.startswith(place)


@pytest.mark.parametrize(
    "block",
    [
        {"learning_rate": [0.1, 2.0], "hidden": [1, 3]},
        {"activation.slope": [0.25, 0.5], "epochs": [7, 8], "scale": ["none", "standard"]},
        {"loss": ["squared", "bce"], "seeds": [2, 3], "init": ["uniform:0,1", "uniform:-1,1"]},
        {"task": ["and", "xor"], "update": ["online", "batch"], "engine": ["reference"]},
    ],
    ids=str,
)
def test_a_cell_is_the_experiment_that_its_values_make_by_themselves(write, block):
    write(yaml.safe_dump({"activation": "hard", "sweep": block}))
    swept = load_sweep(PATH, {})
    for cell, experiment in zip(swept.cells, swept.experiments, strict=True):
        flags = {axis.name: text for axis, text in zip(swept.axes, cell, strict=True)}
        flags["activation"] = f"hard:slope={flags.pop('activation.slope', '0.2')}"
        alike = load_experiment(None, {**flags, "report_every": str(MAX_EPOCHS)}, SWEEP)
        assert resolved_keys(experiment) == resolved_keys(alike)


@pytest.mark.parametrize("value", ["log:1e-300..1e300:200000", "linear:0..1:200000"])
def test_many_values_between_two_ends_are_told_apart_within_seconds(value):
    began = process_time()
    values = [part for part, _ in read_values(value, Location("x", Value(value), []), whole=False)]
    assert process_time() - began < 5.0
    assert (len(set(values)), values) == (200_000, sorted(values))
