"""Which cells a sweep: block means, and which it does not."""

import itertools
from pathlib import Path
from time import process_time

import pytest
import yaml

from hsig.config.keys import EPOCHS_MOST, SWEEP
from hsig.config.kinds import read_values
from hsig.config.loading import APART, Checked, load_experiment, resolved_keys
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


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "map.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def test_every_combination_is_a_cell_and_the_last_key_runs_fastest(config):
    made = load_sweep(config, {})
    assert [axis.name for axis in made.axes] == ["learning_rate", "epochs"]
    assert made.axes[1].values == ("10", "100", "1000")
    assert made.cells == tuple(itertools.product(("0.1", "1", "10"), ("10", "100", "1000")))
    assert [(e.learning_rate, e.epochs) for e in made.experiments][:4] == [
        (0.1, 10),
        (0.1, 100),
        (0.1, 1000),
        (1.0, 10),
    ]
    assert {len(e.seeds) for e in made.experiments} == {20}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ("{log: [0.01, 10, 4]}", ("0.01", "0.1", "1.0", "10.0")),
        ("{log: [1, 10, 3]}", ("1.0", "3.162", "10.0")),
        ("{log: [1, 1.001, 4]}", ("1.0", "1.0003", "1.0007", "1.001")),
        ("{linear: [1, 1.00000000000002, 3]}", ("1.0", "1.00000000000001", "1.00000000000002")),
        ("{linear: [0.1, 0.3, 3]}", ("0.1", "0.2", "0.3")),
        ("[1e-3, 2]", ("0.001", "2")),
    ],
)
def test_values_are_lists_or_spaced(config, values, expected):
    config.write_text(f"sweep:\n  learning_rate: {values}\n", encoding="utf-8")
    assert load_sweep(config, {}).axes[0].values == expected


def test_settings_of_the_activation_and_any_key_are_swept(config):
    config.write_text(
        "activation: hard:leak=0.1\nsweep:\n  activation.slope: [0.25, 0.5]\n"
        "  init: ['uniform:-1,1', {uniform: [-2, 2]}]\n  update: [batch]\n",
        encoding="utf-8",
    )
    made = load_sweep(config, {"seeds": "5"})
    assert [e.variants[0].label for e in made.experiments] == [
        "hard:slope=0.25,leak=0.1",
        "hard:slope=0.25,leak=0.1",
        "hard:slope=0.5,leak=0.1",
        "hard:slope=0.5,leak=0.1",
    ]
    assert [e.init for e in made.experiments[:2]] == [(-1.0, 1.0), (-2.0, 2.0)]
    assert {e.update for e in made.experiments} == {"batch"}


def test_a_cell_may_have_any_budget_for_nothing_is_reported_on_the_way(config):
    config.write_text("report_every: 1\nsweep:\n  epochs: [1, 1000000000]\n", encoding="utf-8")
    assert load_sweep(config, {"seeds": "100000"}).experiments[1].epochs == 1_000_000_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("activation: hard\n", "map.yaml: sweep: there is none"),
        ("sweep: 3\n", "map.yaml:1: sweep: expected keys with their values"),
        ("sweep:\n  lr: [1]\n", "map.yaml:2: sweep.lr: this key cannot be swept."),
        ("sweep:\n  expect: [1]\n", "map.yaml:2: sweep.expect: this key cannot be swept."),
        ("sweep:\n  activation.colour: [1]\n", "sigmoid has no setting 'colour'. It has: kink"),
        ("sweep:\n  hidden: 3\n", "sweep.hidden: expected a list, {linear: [from, to, n]} or"),
        ("sweep:\n  hidden: []\n", "sweep.hidden: expected a list, {linear: [from, to, n]} or"),
        ("sweep:\n  init: {log: [0, 1, 3]}\n", "sweep.init.log: expected ends above 0, got 0"),
        ("sweep:\n  hidden: {log: [1, 2]}\n", "sweep.hidden: expected a list"),
        ("sweep:\n  hidden: {linear: [1, 2, 1]}\n", "expected two numbers and how many values"),
        ("sweep:\n  hidden: {linear: [a, 2, 3]}\n", "expected two numbers and how many values"),
        ("sweep:\n  epochs: [5, 5]\n", "sweep.epochs: expected each value once"),
        ("sweep:\n  learning_rate: {linear: [1, 1, 3]}\n", "rate: expected each value once"),
        ("sweep:\n  hidden: {linear: [1, 1, 3]}\n", "sweep.hidden: expected each value once"),
        ("sweep:\n  epochs: [5, 0]\n", "map.yaml:2: sweep.epochs[1]: expected a whole number of"),
        ("sweep:\n  init: {linear: [1, 2, 3]}\n", "map.yaml:2: sweep.init.linear: expected unif"),
        ("sweep:\n  activation.leak: [2]\n", "sweep.activation.leak[0]: expected a number of at"),
        (
            "activation: tanh\nsweep:\n  activation.slope: [1]\n",
            "map.yaml:1: activation: tanh has no setting 'slope'. It has: kink, backward",
        ),
        (
            "activation: hard:slope=0.1\nsweep:\n  activation.slope: [1]\n",
            "map.yaml:1: activation: 'slope' has a value in hard:slope=0.1 and is swept as well",
        ),
        (
            "sweep:\n  hidden: {linear: [1, 1000, 1000]}\n  epochs: {linear: [1, 2000, 2000]}\n",
            "sweep: expected at most 1000000 cells, got 2000000",
        ),
        (
            "sweep:\n  epochs: {linear: [-100, -1, 100]}\n",
            "map.yaml:2: sweep.epochs.linear: expected a whole number of at least 1, got -80",
        ),
        ("until: 0.1\nsweep:\n  epochs: [1]\n", "map.yaml:1: until: a sweep has no use for this"),
        ("expect: {solved_at_least: 1}\nsweep:\n  epochs: [1]\n", "map.yaml:1: expect: a sweep"),
        ("at_epochs: [1]\nsweep:\n  epochs: [1]\n", "map.yaml:1: at_epochs: a sweep has no use"),
        ("epochs: 5\nsweep:\n  epochs: [1]\n", "map.yaml:1: epochs: is swept as well"),
        (
            "sweep:\n  hidden: [1]\n  epochs: [2, no]\n",
            "map.yaml:3: sweep.epochs[1]: expected a whole",
        ),
        ("sweep:\n  hidden: [1, 1.0]\n", "map.yaml:2: sweep.hidden: expected each value once"),
        (
            "task: {csv: no.csv}\nsweep:\n  hidden: [1, 2]\n",
            "task.csv: cannot read no.csv",
        ),
        ("colour: red\nsweep:\n  epochs: [1]\n", "map.yaml:1: unknown key 'colour'"),
    ],
)
def test_what_cannot_be_swept_is_refused(config, text, message):
    config.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_sweep(Path("map.yaml"), {})
    assert message in "\n".join(caught.value.messages)


def test_a_complaint_comes_once_with_the_cells_that_it_is_about(config):
    text = "output_activation: same\nsweep:\n  activation: [sigmoid, tanh]\n  hidden: [1, 2]\n"
    config.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_sweep(Path("map.yaml"), {"initial_weights": "{hidden: [[1]], output: [[1]]}"})
    hidden, *_, here = caught.value.messages
    assert hidden.startswith("--initial-weights: hidden: expected 3 rows of 1 (2 inputs and a bias")
    assert "tanh gives -1 to 1" in here
    assert here.endswith(" (in the cell activation tanh, hidden 1, and in 1 more)")
    config.write_text("sweep:\n  epochs: {linear: [-999, 0, 1000]}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_sweep(Path("map.yaml"), {})
    assert len(caught.value.messages) < 300  # it gave up
    config.write_text("sweep:\n  hidden: {linear: [2, 500, 499]}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_sweep(Path("map.yaml"), {"initial_weights": "{hidden: [[1]], output: [[1]]}"})
    assert len(caught.value.messages) < 300


def test_no_value_is_a_value_where_a_key_may_have_none(config):
    config.write_text("sweep:\n  output_activation: [null, hard]\n", encoding="utf-8")
    by_rule, hard = load_sweep(config, {"activation": "tanh"}).experiments
    assert by_rule.variants[0].output_activation.name == "sigmoid"
    assert hard.variants[0].output_activation.name == "hard"


def test_what_a_sweep_has_no_use_for_is_refused_and_a_sweep_is_not_trained(config):
    with pytest.raises(ConfigError, match="--baseline: baseline: a sweep has no use for this key"):
        load_sweep(Path("map.yaml"), {"baseline": "hard"})
    with pytest.raises(ConfigError, match=r"map\.yaml:5: sweep: this is for hsig sweep"):
        load_experiment("map.yaml")
    assert config.exists()


# --- flags ------------------------------------------------------------------------------------


def axes(flags, path=None):
    """What is swept, as it would be written."""
    return {axis.name: axis.values for axis in load_sweep(path, flags).axes}


@pytest.mark.parametrize(
    ("key", "text", "values"),
    [
        ("learning_rate", "0.1,0.3, 1", ("0.1", "0.3", "1")),
        ("learning_rate", "log:0.01..10:4", ("0.01", "0.1", "1.0", "10.0")),
        ("learning_rate", "{log: [0.01, 10, 4]}", ("0.01", "0.1", "1.0", "10.0")),
        ("hidden", "linear:1..9:5", ("1", "3", "5", "7", "9")),
        ("epochs", "[1000, 4e3]", ("1000", "4000.0")),
        ("loss", "bce,squared", ("bce", "squared")),
        ("scale", "none,standard", ("none", "standard")),
        ("task", "xor,parity3", ("xor", "parity3")),
        ("init", "uniform:0,1,uniform:-1,1", ("uniform:0,1", "uniform:-1,1")),
        ("activation", "tanh,relu", ("tanh", "relu")),
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
        ("activation", "hard:slope=0.25,backward=logistic"),
        ("initial_weights", "{hidden: [[1, 2]], output: [[1], [2]]}"),
    ],
)
def test_one_value_may_have_commas_of_its_own(key, text):
    more = {"task": "{inputs: [[0]], targets: [1]}", "hidden": "1", "learning_rate": "0.1,1"}
    more |= {"initial_weights": "{hidden: [[1], [1]], output: [[1], [2]]}", "seeds": "1"}
    if key != "initial_weights":
        more.pop("initial_weights")
    else:
        text = more.pop(key)
    assert axes(more | {key: text}) == {"learning_rate": ("0.1", "1")}


def test_axes_are_in_the_order_of_the_flags_behind_those_of_the_file(config):
    for order in (("hidden", "loss"), ("loss", "hidden")):
        flags = {"hidden": "2,3", "loss": "bce,squared", "seeds": "5"}
        flags = {name: flags[name] for name in (*order, "seeds")}
        assert [*axes(flags)] == [*order]
        assert [*axes(flags, config)] == ["learning_rate", "epochs", *order]


def test_flags_beat_the_file_for_their_key(config):
    assert axes({"learning_rate": "2,3"}, config) == {
        "learning_rate": ("2", "3"),
        "epochs": ("10", "100", "1000"),
    }
    made = load_sweep(config, {"learning_rate": "2"})
    assert [axis.name for axis in made.axes] == ["epochs"]
    assert {experiment.learning_rate for experiment in made.experiments} == {2.0}
    made = load_sweep(config, {"learning_rate": "2", "loss": "bce,squared"})
    assert [axis.name for axis in made.axes] == ["epochs", "loss"]
    config.write_text("activation: hard\nsweep:\n  activation.slope: [0.3, 0.4]\n")
    made = load_sweep(config, {"activation": "hard,hard_torch"})
    assert [axis.name for axis in made.axes] == ["activation.slope", "activation"]
    assert len({experiment.variants[0].label for experiment in made.experiments}) == 4


def test_a_sweep_by_flags_is_that_of_a_file(config):
    config.write_text(
        "activation: hard\nsweep:\n  learning_rate: [0.1, 1]\n  epochs: {log: [10, 1000, 3]}\n"
    )
    flags = {"activation": "hard", "learning_rate": "0.1,1", "epochs": "log:10..1000:3"}
    by_flags, by_file = load_sweep(None, flags), load_sweep(config, {})
    assert (by_flags.axes, by_flags.cells) == (by_file.axes, by_file.cells)
    for one, other in zip(by_flags.experiments, by_file.experiments, strict=True):
        assert resolved_keys(one) == resolved_keys(other)


@pytest.mark.parametrize(
    ("flags", "messages"),
    [
        ({}, ["expected values to sweep, such as: hsig sweep hard --learning-rate 0.1,0.3,1 "]),
        ({"activation": "hard", "epochs": "5"}, ["expected values to sweep, such as: hsig sweep"]),
        (
            {"epochs": "9,no,0", "learning_rate": "1,1.0", "hidden": "log:1..9:x"},
            [
                "--epochs: [1]: expected a whole number of at least 1, got the text 'no'",
                "--epochs: [2]: expected a whole number of at least 1, got 0",
                "--learning-rate: expected each value once",
                "--hidden: expected two numbers and how many values, from 2 to 1000000, got 1, 9, ",
            ],
        ),
        (
            {"activation": "hard:slope=0.25,0.5"},
            [
                "--activation: expected names with commas between them, got the text "
                "'hard:slope=0.25,0.5'. Several values of a setting are written in a file, such as"
                "\n  sweep:\n    activation.slope: [0.25, 0.5]"
            ],
        ),
        ({"init": "uniform:-1,1,-2,2"}, ["--init: expected uniform:LOW,HIGH or {uniform: [LOW"]),
        ({"workers": "1,2", "epochs": "1,2"}, ["--workers: expected a whole number of at least"]),
        (
            {"baseline": "hard", "epochs": "1,2"},
            ["--baseline: baseline: a sweep has no use for this key"],
        ),
        (
            {"hidden": "linear:1..1000:1000", "epochs": "linear:1..2000:2000"},
            ["sweep: expected at most 1000000 cells, got 2000000"],
        ),
    ],
    ids=str,
)
def test_flags_that_say_no_sweep_are_refused_all_at_once_and_each_once(flags, messages):
    with pytest.raises(ConfigError) as caught:
        load_sweep(None, flags)
    told = zip(caught.value.messages, messages, strict=True)
    assert all(message.startswith(start) for message, start in told)


def test_a_file_of_which_flags_leave_nothing_to_sweep_says_so(config):
    with pytest.raises(ConfigError, match="flags give one value to each of its keys, and nothing"):
        load_sweep(config, {"learning_rate": "1", "epochs": "5"})
    config.write_text("epochs: 5\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"(?s)map\.yaml: sweep: there is none.*\nor flags"):
        load_sweep(config, {})


ALONE = {
    "learning_rate": [0.1, 0.5, 2.0],
    "update": ["online", "batch"],
    "init": ["uniform:0,1", "uniform:-1,1"],
    "solved_within": [0.1, 0.25],
    "scale": ["none", "standard"],
    "cost": ["last", "mean"],
    "engine": ["reference"],
}


def test_the_keys_that_stand_alone_are_tried():
    assert set(ALONE) == set(APART)


@pytest.mark.parametrize("alone", APART)
@pytest.mark.parametrize(
    "other",
    [
        {"hidden": [1, 3]},
        {"activation.slope": [0.25, 0.5], "epochs": [7, 8]},
        {"loss": ["squared", "bce"], "seeds": [2, 3]},
    ],
    ids=str,
)
def test_a_cell_is_the_experiment_that_its_values_make_by_themselves(config, alone, other):
    block = {"hidden": [2], **other, alone: ALONE[alone]}
    config.write_text(yaml.safe_dump({"activation": "hard", "sweep": block}), encoding="utf-8")
    swept = load_sweep(config, {})
    names = [axis.name for axis in swept.axes]
    for cell, experiment in zip(swept.cells, swept.experiments, strict=True):
        flags = {**dict(zip(names, cell, strict=True)), "report_every": str(EPOCHS_MOST)}
        slope = flags.pop("activation.slope", "0.2")
        alike = load_experiment(None, {"activation": f"hard:slope={slope}", **flags}, SWEEP)
        assert resolved_keys(experiment) == resolved_keys(alike)
        assert experiment.scaled_task.inputs.tolist() == alike.scaled_task.inputs.tolist()


@pytest.mark.parametrize("alone", APART)
def test_a_key_that_stands_alone_makes_no_other_complaint(config, alone):
    """Of a task and a loss that do not go together, whatever its value."""
    task = "{inputs: [[0], [1]], targets: [0, 5]}"
    told = []
    for values in (ALONE[alone], ALONE[alone][:1]):
        block = yaml.safe_dump({"sweep": {"hidden": [1, 2], alone: values}})
        config.write_text(f"task: {task}\nloss: bce\nactivation: hard\n{block}", encoding="utf-8")
        with pytest.raises(ConfigError) as refused:
            load_sweep(config, {})
        told.append(refused.value.messages)
    assert told[0] == told[1]
    assert "needs targets from 0 to 1" in told[0][0]


def test_what_is_the_same_for_many_cells_is_assembled_and_checked_once(monkeypatch):
    made = []
    whole = Checked.experiment
    monkeypatch.setattr(Checked, "experiment", lambda self: made.append(self) or whole(self))
    swept = load_sweep(None, {"hidden": "1,2,3", "learning_rate": "log:0.01..10:100"})
    assert len(swept.experiments) == 300
    assert len(made) == 3


@pytest.mark.parametrize(
    ("value", "n"), [("log:1e-300..1e300:200000", 200_000), ("linear:0..1:200000", 200_000)]
)
def test_many_values_between_two_ends_are_told_apart_within_seconds(value, n):
    began = process_time()
    values = [part for part, _ in read_values(value, Location("x", Value(value), []), whole=False)]
    assert process_time() - began < 5.0
    assert len(set(values)) == n
    assert values == sorted(values)
