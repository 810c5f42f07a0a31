import json
import os
import string
import tracemalloc
from pathlib import Path
from time import process_time

import numpy as np
import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hsig.activations import ACTIVATIONS
from hsig.activations.names import select_activations
from hsig.analysis.summary import summarise
from hsig.config import keys
from hsig.config.loading import (
    load_activation,
    load_discordant,
    load_experiment,
    load_names,
    load_points,
    load_rates,
    load_resolved,
    resolved_keys,
)
from hsig.config.positional import config_and_one_activation
from hsig.config.text import FILE_BYTES_MOST
from hsig.config.values import read_scalar
from hsig.errors import ConfigError
from hsig.experiments.training import gather, run
from hsig.networks.losses import LOSSES
from hsig.networks.tasks import TASKS
from hsig.reports.columns import COLUMNS


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a config into an empty working folder; gives its path, relative."""
    monkeypatch.chdir(tmp_path)

    def write_config(text):
        data = text if isinstance(text, bytes) else text.encode()
        Path("x.yaml").write_bytes(data)
        return Path("x.yaml")

    return write_config


KNOWN = f"Known: {', '.join(ACTIVATIONS)}. Or a formula, such as 'x*sigmoid(x)'"


def names(group):
    return [row.name for row in select_activations(group)]


def refusal(path=None, **flags):
    with pytest.raises(ConfigError) as error:
        load_experiment(path, flags)
    return list(error.value.messages)


# --- what is read -----------------------------------------------------------------------------


def test_the_defaults_alone_are_the_questions_experiment():
    experiment = load_experiment()
    assert experiment.task.name == "xor"
    assert experiment.variants[0].label == "sigmoid"
    assert experiment.loss.name == "bce"
    assert (experiment.learning_rate, experiment.epochs) == (0.1, 4000)
    assert (experiment.update, experiment.hidden) == ("online", 3)
    assert (experiment.init, experiment.seeds) == ((0.0, 1.0), tuple(range(100)))
    assert (experiment.solved_within, experiment.report_every) == (0.5, 500)
    assert experiment.cost == "mean"


def test_flags_beat_the_file_and_the_file_beats_the_defaults(write):
    path = write("epochs: 10\nhidden: 5\n")
    experiment = load_experiment(path, {"epochs": "20"})
    assert (experiment.epochs, experiment.hidden, experiment.learning_rate) == (20, 5, 0.1)


def test_every_key_can_be_set_in_a_file(write):
    path = write(
        """
        task: {inputs: [[0], [1]], targets: [1, 0]}
        scale: standard
        activation: {name: hard, slope: 0.25, backward: logistic}
        activations: [hard, tanh]
        output_activation: hard:kink=open
        loss: squared
        learning_rate: 1e-3
        epochs: 7
        update: batch
        hidden: 2
        init: {uniform: [-1, 2]}
        initial_weights: {hidden: [[1, 2], [3, 4]], output: [[5], [6], [7]]}
        seeds: [9]
        until: null
        max_seeds: 7
        solved_within: 0.1
        report_every: 3
        at_epochs: [2, 5]
        cost: mean
        engine: reference
        workers: 2
        predict_with: hard
        baseline: tanh
        tune: null
        tune_seeds: 12
        expect: {solved_at_most: 0.5, verdict: slow}
        """
    )
    assert set(yaml.safe_load(path.read_text())) == set(keys.KEYS)
    experiment = load_experiment(path)
    (variant,) = experiment.variants
    assert experiment.task.inputs.tolist() == [[0], [1]]
    assert experiment.scaled_task.inputs.tolist() == [[-1], [1]]
    assert variant.label == "hard:slope=0.25,backward=logistic"
    assert variant.output_activation.kink == "open"
    assert experiment.loss.name == "squared"
    assert experiment.learning_rate == 0.001
    assert (experiment.epochs, experiment.update, experiment.hidden) == (7, "batch", 2)
    assert experiment.init == (-1.0, 2.0)
    assert experiment.initial_weights.output.tolist() == [[5], [6], [7]]
    assert (experiment.seeds, experiment.solved_within) == ((9,), 0.1)
    assert (experiment.report_every, experiment.cost) == (3, "mean")
    assert experiment.checkpoints == (0, 2, 3, 5, 6, 7)
    assert experiment.workers == 2
    assert [other.name for other in experiment.predict_with] == ["hard"]
    assert experiment.expect == {"solved_at_most": 0.5, "verdict": "slow"}
    compared = load_experiment(path, {"initial_weights": ""}, "compare")
    assert [variant.label for variant in compared.variants] == ["hard", "tanh"]
    assert compared.baseline == "tanh"


def test_every_key_can_be_set_by_a_flag():
    flags = {
        "task": "parity3",
        "scale": "minmax",
        "activation": "leaky_relu:negative_slope=0.2",
        "activations": "sigmoids",
        "output_activation": "hard",
        "loss": "squared",
        "learning_rate": "1e-3",
        "epochs": "7",
        "update": "batch",
        "hidden": "1",
        "init": "uniform:-8,8",
        "initial_weights": "{hidden: [[1], [2], [3], [4]], output: [[5], [6]]}",
        "seeds": "[9]",
        "until": "null",
        "max_seeds": "300",
        "solved_within": ".1",
        "report_every": "3",
        "at_epochs": "2,5",
        "cost": "mean",
        "engine": "auto",
        "workers": "auto",
        "predict_with": "sigmoids",
        "baseline": "leaky_relu:leak=0.2",
        "tune": "null",
        "tune_seeds": "12",
        "expect": "solved_at_least=0.9,verdict=solved",
    }
    assert set(flags) == set(keys.KEYS)
    experiment = load_experiment(flags=flags)
    assert experiment.variants[0].hidden_activation.parameters["leak"] == 0.2
    assert experiment.init == (-8.0, 8.0)
    assert experiment.seeds == (9,)
    assert experiment.expect == {"solved_at_least": 0.9, "verdict": "solved"}
    assert experiment.initial_weights.hidden.shape == (4, 1)


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("3", (0, 1, 2)), ("5,3,8", (5, 3, 8)), ("[4]", (4,)), ("[4294967295, 0]", (2**32 - 1, 0))],
)
def test_seeds_are_a_count_or_a_list(text, seeds):
    assert load_experiment(flags={"seeds": text}).seeds == seeds


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("12", 12),
        ("-3.5", -3.5),
        (".5", 0.5),
        ("0o17", 15),
        ("0x1F", 31),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("~", None),
        ("", None),
        (".inf", float("inf")),
        ("1_000", "1_000"),
        ("2026-01-01", "2026-01-01"),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(text, value):
    assert read_scalar(text) == value
    assert type(read_scalar(text)) is type(value)


def test_infinite_settings_are_written_as_in_yaml_or_as_in_json(write):
    for high in (".inf", "Infinity"):
        path = write(f"activation: {{name: hard, high: {high}}}\nloss: squared\n")
        assert load_experiment(path).variants[0].hidden_activation.range == (0.0, float("inf"))


def test_json_is_yaml(write):
    path = write('{"activation": {"name": "hard", "backward": null}, "expect": {}}')
    assert load_experiment(path).variants[0].label == "hard"


def test_quoted_scalars_are_text(write):
    assert refusal(write("epochs: '5'\n")) == [
        "x.yaml:1: epochs: expected a whole number of at least 1, got the text '5'"
    ]


def test_rows_of_a_csv_file_are_found_beside_the_config(tmp_path):
    folder = tmp_path / "deep"
    folder.mkdir()
    (folder / "rows.csv").write_text("a,b,target\n0,1,1\n1,1e0,0\n", encoding="utf-8")
    (folder / "c.yaml").write_text("task: {csv: rows.csv}\n", encoding="utf-8")
    task = load_experiment(folder / "c.yaml").task
    assert task.name == "rows.csv"
    assert task.inputs.tolist() == [[0, 1], [1, 1]]
    assert task.targets.tolist() == [1, 0]


def test_a_csv_file_needs_no_header_and_may_have_a_mark_and_windows_lines(write, tmp_path):
    del write
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbf0, 1, 1\r\n\r\n1, 0, 0\r\n")
    task = load_experiment(flags={"task": "csv:t.csv"}).task
    assert task.inputs.tolist() == [[0, 1], [1, 0]]


# --- what is refused --------------------------------------------------------------------------

FILES = [
    ("epochs: 0\n", "x.yaml:1: epochs: expected a whole number of at least 1, got 0"),
    (
        "\nepochs: yes\n",
        "x.yaml:2: epochs: expected a whole number of at least 1, got the text 'yes'",
    ),
    ("epochs: -3\n", "x.yaml:1: epochs: expected a whole number of at least 1, got -3"),
    ("epochs: 2.5\n", "x.yaml:1: epochs: expected a whole number of at least 1, got 2.5"),
    ("epochs:\n", "x.yaml:1: epochs: expected a whole number of at least 1, got nothing"),
    ("epochs: true\n", "x.yaml:1: epochs: expected a whole number of at least 1, got true"),
    (
        "epochs: 0500\n",
        "x.yaml:1: 0500 is ambiguous (octal in YAML 1.1): write it without the zero",
    ),
    (
        "epochs: 1:30\n",
        "x.yaml:1: 1:30 is ambiguous (base 60 in YAML 1.1): quote it if it is text",
    ),
    (
        "epochs: 1000000001\n",
        "x.yaml:1: epochs: expected a whole number of at most 1000000000, got 1000000001",
    ),
    ("epochs: 1" + "0" * 400, "x.yaml:1: a number of 401 digits is too large to be meant"),
    (
        "epochs: 1" + "0" * 200,
        "x.yaml:1: epochs: expected a whole number of at most 1000000000, "
        "got a number of 201 digits",
    ),
    (
        "\nlearning_rate: fast\n",
        "x.yaml:2: learning_rate: expected a number above 0, got the text 'fast'",
    ),
    ("learning_rate: 0\n", "x.yaml:1: learning_rate: expected a number above 0, got 0"),
    ("learning_rate: .nan\n", "x.yaml:1: learning_rate: expected a number above 0, got nan"),
    (
        "learning_rate: .inf\n",
        "x.yaml:1: learning_rate: expected a finite number above 0, got inf",
    ),
    ("learning_rate: [1]\n", "x.yaml:1: learning_rate: expected a number above 0, got a list of 1"),
    ("hidden: 0\n", "x.yaml:1: hidden: expected a whole number of at least 1, got 0"),
    ("hidden: 1025\n", "x.yaml:1: hidden: expected a whole number of at most 1024, got 1025"),
    (
        "learning_rat: 1\n",
        "x.yaml:1: unknown key 'learning_rat'. Did you mean 'learning_rate'? Known: "
        + ", ".join(keys.KEYS),
    ),
    (
        "loss: mse\n",
        f"x.yaml:1: loss: expected one of {', '.join(LOSSES)}, got the text 'mse'.",
    ),
    (
        "loss: BCE\n",
        f"x.yaml:1: loss: expected one of {', '.join(LOSSES)}, got the text 'BCE'. "
        "Did you mean 'bce'?",
    ),
    ("epochs: 3\nhidden: 2\nepochs: 4\n", "x.yaml:3: the key 'epochs' is here again, after line 1"),
    (
        "activation: ReLUU\n",
        "x.yaml:1: activation: unknown activation 'ReLUU'. Did you mean 'relu'? " + KNOWN,
    ),
    (
        "activation:\n  name: hard\n  slop: 1\n",
        "x.yaml:3: activation.slop: hard has no setting 'slop'. Did you mean 'slope'? "
        "It has: slope, shift, low, high, leak, kink, backward",
    ),
    (
        "activation: sigmoid:slope=1\n",
        "x.yaml:1: activation: sigmoid has no setting 'slope'. It has: kink, backward",
    ),
    (
        "activation: {name: hard, leak: 1.5}\n",
        "x.yaml:1: activation.leak: expected a number of at most 1, got 1.5",
    ),
    (
        "activation: {slope: 1}\n",
        "x.yaml:1: activation.name: expected the name of an activation, got nothing",
    ),
    (
        "activation: 5\n",
        "x.yaml:1: activation: expected the name of an activation, or a formula, got 5",
    ),
    (
        "activation: hard:low=2\n",
        "x.yaml:1: activation: expected low below high, got low 2 and high 1",
    ),
    (
        "activation: hard:slope\n",
        "x.yaml:1: activation: expected KEY=VALUE pairs with commas between them, "
        "got the text 'slope'",
    ),
    (
        "activation: hard:slope=1,slope=2\n",
        "x.yaml:1: activation: 'slope' is given twice in 'slope=1,slope=2'",
    ),
    (
        "activation: hard:slope=007\n",
        "x.yaml:1: activation: 007 is ambiguous (octal in YAML 1.1): write it without the zero",
    ),
    (
        "activation: hard_sigmoid\n",
        "x.yaml:1: activation: 'hard_sigmoid' means different functions. Write 'hard', "
        "clip(0.2*x + 0.5, 0, 1), for theano.hard_sigmoid, keras1.hard_sigmoid, "
        "keras2.hard_sigmoid, onnx.HardSigmoid; 'hard_torch', clip(0.166667*x + 0.5, 0, 1), for "
        "torch.nn.Hardsigmoid, torch.nn.functional.hardsigmoid, jax.nn.hard_sigmoid, "
        "keras.activations.hard_sigmoid, paddle2.hardsigmoid",
    ),
    (
        "task: xr\n",
        "x.yaml:1: task: unknown task 'xr'. Did you mean 'xor'? "
        f"Known: {', '.join(TASKS)}, "
        "csv:FILE, or {inputs: [[...]], targets: [...]}",
    ),
    (
        "task: 3\n",
        "x.yaml:1: task: expected a task's name, {csv: FILE} or "
        "{inputs: [[...]], targets: [...]}, got 3",
    ),
    (
        "task:\n  inputs: [[0, 1],\n   [1]]\n  targets: [0, 1]\n",
        "x.yaml:3: task.inputs[1]: expected 2 numbers like the first row, got 1",
    ),
    (
        "task: {inputs: [[0, a]], targets: [0]}\n",
        "x.yaml:1: task.inputs[0][1]: expected a finite number, got the text 'a'",
    ),
    (
        "task: {inputs: [[0], [1]], targets: [0]}\n",
        "x.yaml:1: task: expected a target for each of the 2 samples, got 1",
    ),
    (
        "task: {inputs: [], targets: []}\n",
        "x.yaml:1: task.inputs: expected a list of rows, [[...], ...], got a list of 0",
    ),
    (
        "task: {name: xor, inputs: [[1]], targets: [0]}\n",
        "x.yaml:1: task.name: 'xor' is hsig's own task with other samples. Use another name",
    ),
    (
        "task: {name: 5, inputs: [[1]], targets: [0]}\n",
        "x.yaml:1: task.name: expected a text, got 5",
    ),
    ("task: {csv: 5}\n", "x.yaml:1: task.csv: expected a file name, got 5"),
    (
        "task: csv:none.csv\n",
        "x.yaml:1: task: cannot read none.csv: No such file or directory",
    ),
    (
        "task: {inputs: [[0], [1]], targets: [0, 2]}\n",
        "x.yaml:1: task: the loss bce needs targets from 0 to 1, got targets from 0 to 2. "
        "For these use loss squared, and for any number output_activation identity",
    ),
    (
        "loss: bce\noutput_activation: tanh\n",
        "x.yaml:2: output_activation: the loss bce needs an output from 0 to 1, but tanh gives "
        "-1 to 1. Use loss squared, or output_activation sigmoid",
    ),
    (
        "init: {uniform: [1, 1]}\n",
        "x.yaml:1: init: expected a finite LOW below a finite HIGH, got 1 and 1",
    ),
    (
        "init: {uniform: [-1.0e+308, 1.0e+308]}\n",
        "x.yaml:1: init: expected a finite LOW below a finite HIGH, not so far apart, "
        "got -1e+308 and 1e+308",
    ),
    (
        "init: normal\n",
        "x.yaml:1: init: expected uniform:LOW,HIGH or {uniform: [LOW, HIGH]}, such as "
        "uniform:-1,1, got the text 'normal'",
    ),
    ("seeds: 0\n", "x.yaml:1: seeds: expected a whole number of at least 1, got 0"),
    ("seeds: []\n", "x.yaml:1: seeds: expected 1 to 1000000 seeds, got a list of 0"),
    ("seeds: [3, 4, 3]\n", "x.yaml:1: seeds: expected seeds without repeats, got 3 more than once"),
    ("seeds: [-1]\n", "x.yaml:1: seeds[0]: expected a whole number of at least 0, got -1"),
    (
        "seeds: [4294967296]\n",
        "x.yaml:1: seeds[0]: expected a whole number of at most 4294967295, got 4294967296",
    ),
    (
        "initial_weights: {hidden: [[1, 2], [3, 4]], output: [[1], [2], [3]]}\nhidden: 2\n",
        "x.yaml:1: initial_weights.hidden: expected 3 rows of 2 (2 inputs and a bias), "
        "got 2 rows of 2",
    ),
    (
        "initial_weights: {hidden: [[1], [2], [3]], output: [[1], [2]]}\nhidden: 1\nseeds: 2\n",
        "x.yaml:3: seeds: initial_weights replace the draw, so they go with exactly one seed, "
        "got 2 seeds",
    ),
    (
        "initial_weights: [1, 2]\n",
        "x.yaml:1: initial_weights: expected {hidden: [[...], ...], output: [[...], ...]}, "
        "got a list of 2",
    ),
    (
        "expect: {solved: 1}\n",
        "x.yaml:1: expect.solved: unknown check 'solved'. Did you mean 'solved_at_least'? "
        "Known: solved_at_least, solved_at_most, verdict",
    ),
    (
        "expect: {solved_at_least: 2}\n",
        "x.yaml:1: expect.solved_at_least: expected a number of at most 1, got 2",
    ),
    (
        "expect: 5\n",
        "x.yaml:1: expect: expected checks such as solved_at_least=0.9 "
        "(solved_at_least, solved_at_most, verdict), got 5",
    ),
    (
        "epochs: 1000000000\nreport_every: 1\n",
        "x.yaml:2: report_every: 1000000000 epochs reported every 1 for 100 seeds and 4 samples "
        "are more costs than fit in memory. Report less often",
    ),
    (
        "seeds: 100000\nhidden: 1000\n",
        "x.yaml:1: seeds: 100000 seeds of 1000 hidden units are more weights than fit in memory. "
        "Train fewer seeds at a time",
    ),
    ("", "x.yaml: the file is empty. Expected keys, such as `activation: hard`"),
    ("# only a comment\n", "x.yaml: the file is empty. Expected keys, such as `activation: hard`"),
    ("- 1\n- 2\n", "x.yaml:1: expected keys, such as `activation: hard`, got a list of 2"),
    ("hard\n", "x.yaml:1: expected keys, such as `activation: hard`, got the text 'hard'"),
    ("5: 3\n", "x.yaml:1: expected a key that is text, got 5"),
    ("{a: 1}: 3\n", "x.yaml:1: expected a key that is text, got keys and values"),
    ("[1]: 3\n", "x.yaml:1: expected a key that is text, got a list of 1"),
    (
        "epochs: &a 5\nhidden: 2\n",
        "x.yaml:1: anchors and aliases are not supported. Write the value itself",
    ),
    (
        "task: !!python/object/apply:os.system ['true']\n",
        "x.yaml:1: the tag tag:yaml.org,2002:python/object/apply:os.system is not supported. "
        "Write the value itself",
    ),
    ("epochs: 5\n---\nepochs: 6\n", "x.yaml:2: a second document starts here. Expected one"),
    ("task: " + "[" * 3000, "x.yaml:1: nested more than 20 deep"),
    ("epochs: [1\n", "x.yaml:2: not YAML: expected ',' or ']', but got '<stream end>'"),
    ("epochs: 'a\n", "x.yaml:2: not YAML: found unexpected end of stream"),
    (b"epochs: 5\n\xff\xfe\n", "x.yaml:2: expected UTF-8 text, got the byte 0xff"),
    (b"a: 1\nb: \x07\n", "x.yaml:2: not YAML: unexpected character #x0007"),
    (b"\x00\x01\x02", "x.yaml:1: not YAML: unexpected character #x0000"),
    ("# " + "x" * 300_000, "x.yaml: more than 300000 bytes. Is it a config?"),
]


@pytest.mark.parametrize(("text", "message"), FILES)
def test_a_mistake_in_a_file_says_where_what_and_what_would_be_right(write, text, message):
    assert message in refusal(write(text))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("epochs", "0500", "--epochs: 0500 is ambiguous (octal in YAML 1.1): write it without "
         "the zero"),
        ("epochs", "", "--epochs: expected a whole number of at least 1, got nothing"),
        ("learning_rate", "-1", "--learning-rate: expected a number above 0, got -1"),
        ("init", "uniform:1", "--init: expected uniform:LOW,HIGH or {uniform: [LOW, HIGH]}, "
         "such as uniform:-1,1, got the text 'uniform:1'"),
        ("init", "uniform:a,1", "--init: expected a finite LOW below a finite HIGH, "
         "got the text 'a' and 1"),
        ("seeds", "1,x", "--seeds: [1]: expected a whole number of at least 0, got the text 'x'"),
        ("task", "[1, 2", "--task: not YAML: expected ',' or ']', but got '<stream end>'"),
        ("initial_weights", "{hidden: [[a]], output: [[1]]}",
         "--initial-weights: hidden[0][0]: expected a finite number, got the text 'a'"),
        ("expect", "solved_at_least", "--expect: expected KEY=VALUE pairs with commas between "
         "them, got the text 'solved_at_least'"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_flag_names_the_flag(name, text, message):
    assert refusal(**{name: text}) == [message]


def test_all_problems_come_in_one_report(write):
    path = write("epochs: 0\nhidden: 09\nloss: x\nwhat: 1\nactivation: hard:slope=-1\n")
    assert [message.partition(" ")[0] for message in refusal(path, seeds="0")] == [
        "x.yaml:2:",
        "x.yaml:4:",
        "x.yaml:5:",
        "x.yaml:3:",
        "x.yaml:1:",
        "--seeds:",
    ]


@pytest.mark.parametrize(
    "line",
    [
        "loss: 0500",
        "epochs: 0500",
        "activation: 0500",
        "task: 0500",
        "seeds: 0500",
        "0500: 3",
        "[epochs]: 3",
        "{hidden: 2}: 3",
        "activation: {name: hard, kink: 0500}",
        "activation: {name: hard, slope: 0500}",
        "task: {csv: 0500}",
        "init: {uniform: [0500, 1]}",
        "init: uniform:0500,1",
        "expect: {solved_at_least: 0500}",
        "expect: solved_at_least=0500",
        "initial_weights: 0500",
    ],
)
def test_one_mistake_gives_one_message(write, line):
    (message,) = refusal(write(line))
    assert "0500 is ambiguous" in message or "expected a key that is text" in message


def test_conflicts_between_keys_are_reported_beside_each_other(write):
    path = write("task: {inputs: [[1]], targets: [3]}\noutput_activation: relu\n")
    assert len(refusal(path)) == 2


def test_a_missing_file_lists_the_configs_beside_it(write):
    write("epochs: 5\n")
    assert refusal(Path("y.yaml"), epochs="0") == [
        "y.yaml: no such file. In .: x.yaml",
        "--epochs: expected a whole number of at least 1, got 0",
    ]
    assert refusal(Path("no/y.yaml")) == ["no/y.yaml: no such file"]


def test_many_unknown_keys_are_counted(write):
    messages = refusal(write("".join(f"k{i}: 1\n" for i in range(50))))
    assert len(messages) == 21
    assert messages[-1] == "x.yaml: 30 more unknown keys"


def test_python_callers_may_give_texts_and_numbers_and_get_messages(write):
    write("epochs: 5\n")
    experiment = load_experiment("x.yaml", {"seeds": 2})
    assert (experiment.epochs, experiment.seeds) == (5, (0, 1))
    (message,) = refusal(sedes="1")
    assert message.startswith("flags: unknown key 'sedes'. Did you mean 'seeds'?")


def test_a_folder_is_not_a_config(tmp_path):
    assert refusal(tmp_path) == [f"{tmp_path}: is a folder. Expected a YAML file"]


def test_a_file_name_that_no_system_takes_is_refused():
    (message,) = refusal(Path("a\0b.yaml"))
    assert "cannot be read" in message


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("0,1\n1,x\n", "t.csv, line 2, column 2: expected a finite number, got the text 'x'"),
        ("0,1\n1\n", "t.csv: expected rows of equal length, at least 2 columns; got 1, 2"),
        ("1\n2\n", "t.csv: expected rows of equal length, at least 2 columns; got 1"),
        ("", "t.csv: expected rows of equal length, at least 2 columns; got no rows"),
        ("a,b\n", "t.csv: expected rows of equal length, at least 2 columns; got no rows"),
        ("0,1\n1,007\n", "t.csv, line 2, column 2: expected a finite number, got the text '007'"),
        ("0,nan\n", "t.csv, line 1, column 2: expected a finite number, got the text 'nan'"),
        ('0,"1\n', "t.csv, line 1: not CSV: unexpected end of data"),
        ("0," * 65 + "1\n", "expected at most 10000 samples of at most 64 inputs, got 1 of 65"),
        ("0,1\n" * 10_001, "expected at most 10000 samples of at most 64 inputs, got 10001 of 1"),
        ("1" * 1_000_001, "t.csv has more than 1000000 characters"),
    ],
)
def test_a_mistake_in_a_csv_file_says_where(write, rows, message):
    write("")
    Path("t.csv").write_text(rows, encoding="utf-8")
    assert refusal(task="csv:t.csv") == [f"--task: {message}"]


def test_names_of_columns_come_from_the_header_or_the_config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def columns(text):
        Path("t.csv").write_text(text, encoding="utf-8")
        return load_experiment(flags={"task": "csv:t.csv"}).task.columns

    assert columns("age, body weight ,ill\n\n0,1,1\n") == ("age", "body weight", "ill")
    assert columns('"a,b",,"c\x1b[31m"\n0,1,1\n') == ("a,b", "column 2", "column 3")
    assert columns("a,b\n0,1,1\n") == ()  # not as many as there are
    assert columns("0,1,1\n") == columns("\n0,1,1\n") == ()
    inline = {"task": "{inputs: [[0], [1]], targets: [0, 1], columns: [age, ill]}"}
    assert load_experiment(flags=inline).task.columns == ("age", "ill")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ("[a]", "expected 2 names, of the inputs and last of the target, got 1"),
        ("a", "expected a list of names of printable text, got the text 'a'"),
        ("[a, 1]", "expected a list of names of printable text, got a list of 2"),
        ("[a, '']", "expected a list of names of printable text, got a list of 2"),
    ],
)
def test_names_of_columns_that_do_not_fit_are_refused(columns, message):
    (complaint,) = refusal(task=f"{{inputs: [[0], [1]], targets: [0, 1], columns: {columns}}}")
    assert complaint == f"--task: columns: {message}"


def test_a_scaled_experiment_is_resolved_to_one_that_gives_the_same_numbers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("age,share,ill\n20,0.3,0\n50,0.4,1\n90,0.1,1\n", encoding="utf-8")
    flags = {"task": "csv:t.csv", "scale": "standard", "epochs": "50", "seeds": "3"}
    chosen = load_experiment(flags=flags)
    resolved = resolved_keys(chosen)
    assert resolved["scale"] == "standard"
    assert resolved["task"]["columns"] == ["age", "share", "ill"]
    assert resolved["task"]["inputs"][0] == [20.0, 0.3]
    again = load_resolved(resolved, "x")
    assert resolved_keys(again) == resolved
    first, second = (gather(one, run(one)).results[0] for one in (chosen, again))
    np.testing.assert_array_equal(first.predictions, second.predictions)
    unscaled = load_experiment(flags=flags | {"scale": "none"})
    (other,) = gather(unscaled, run(unscaled)).results
    assert not np.array_equal(first.predictions, other.predictions)


def test_a_scaled_task_is_the_task_with_scaled_inputs():
    """Trained by hsig's own scale, and from a config with the scaled numbers: the same bits."""
    task = {"inputs": [[-2.0], [0.0], [6.0]], "targets": [0, 1, 1]}
    flags = {"epochs": "9", "loss": "squared"}
    chosen = load_experiment(flags={"task": json.dumps(task), "scale": "minmax"} | flags)
    task["inputs"] = [[0.0], [0.25], [1.0]]
    by_hand = load_experiment(flags={"task": json.dumps(task)} | flags)
    first, second = (gather(one, run(one)).results[0] for one in (chosen, by_hand))
    np.testing.assert_allclose(first.predictions, second.predictions, rtol=1e-12)
    np.testing.assert_allclose(first.evidence.departure, second.evidence.departure, rtol=1e-6)
    fits = [summarise(gather(one, run(one))).affine.cost for one in (chosen, by_hand)]
    assert fits[0] == pytest.approx(fits[1])


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("lr", "Did you mean 'learning_rate'?"),
        ("optimizer", "Training is plain gradient descent: there is no other. What can be chosen "
         "is 'update' (online or batch) and 'learning_rate'."),
        ("epoch", "Did you mean 'epochs'?"),
    ],
)  # fmt: skip
def test_a_key_of_other_programs_has_a_hint(write, name, hint):
    assert refusal(write(f"{name}: 1\n"))[0].startswith(f"x.yaml:1: unknown key '{name}'. {hint} ")


@pytest.mark.parametrize(
    ("task", "hint"),
    [
        ("reg.csv", " Did you mean 'csv:reg.csv'?"),
        ("data/My.CSV", " Did you mean 'csv:data/My.CSV'?"),
        ("xorr", " Did you mean 'xor'?"),
        ("a b,c.csv", ""),
    ],
)
def test_a_file_that_is_named_without_its_kind_is_a_hint(task, hint):
    assert refusal(task=task)[0].startswith(f"--task: unknown task '{task}'.{hint} Known: ")


def test_a_csv_file_that_is_not_text_is_refused(write):
    write("")
    Path("t.csv").write_bytes(b"\xff\x00,1\n")
    assert "cannot read t.csv" in refusal(task="csv:t.csv")[0]


@pytest.mark.parametrize("loss", ["bce", "bce_naive"])
@pytest.mark.parametrize("output", ["relu", "leaky_hard", "hard:high=1.5", "hard_tanh"])
def test_cross_entropy_needs_an_output_that_is_a_probability(loss, output):
    (message,) = refusal(loss=loss, output_activation=output)
    assert message.startswith(
        f"--output-activation: the loss {loss} needs an output from 0 to 1, but {output} gives"
    )


def test_an_activation_and_points_are_read_alone():
    assert load_activation("hard:slope=0.25").parameters["slope"] == 0.25
    assert load_points("--at", "-1, 0,.inf") == (-1.0, 0.0, float("inf"))


@pytest.mark.parametrize(
    ("load", "text", "message"),
    [
        (load_activation, "hrd", "activation: unknown activation 'hrd'. Did you mean 'hard'?"),
        (
            load_activation,
            "hard:slope=x",
            "activation: hard:slope: expected a number above 0, got the text 'x'",
        ),
        (lambda text: load_points("--at", text), "1,", "--at: expected a number, got nothing"),
    ],
)
def test_a_mistake_in_an_activation_or_a_point_is_refused(load, text, message):
    with pytest.raises(ConfigError) as error:
        load(text)
    assert len(error.value.messages) == 1
    assert error.value.messages[0].startswith(message)


# --- comparisons ------------------------------------------------------------------------------


def comparison(path=None, **flags):
    return load_experiment(path, flags, "compare")


def labels(experiment):
    return [variant.label for variant in experiment.variants]


def test_a_comparison_has_the_same_defaults_and_compares_all():
    experiment, alone = comparison(), load_experiment()
    assert labels(experiment) == names("all")
    assert experiment.seeds == alone.seeds == tuple(range(100))
    assert experiment.cost == alone.cost == "mean"
    assert experiment.workers is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hard", ["hard"]),
        ("hard,tanh", ["hard", "tanh"]),
        ("hard, tanh", ["hard", "tanh"]),
        (
            "hard:slope=0.25,backward=logistic,tanh,leaky_relu:leak=0.1",
            ["hard:slope=0.25,backward=logistic", "tanh", "leaky_relu:leak=0.1"],
        ),
        ("theano.hard_sigmoid,hard:slope=.2500", ["hard", "hard:slope=0.25"]),
        ("sigmoids,relu", [*names("sigmoids"), "relu"]),
        ("[hard, {name: hard, slope: 0.25}, hidden]",
         ["hard", "hard:slope=0.25", *names("hidden")]),
        ("all", names("all")),
    ],
)  # fmt: skip
def test_activations_are_a_list_of_specs_and_groups(text, expected):
    assert labels(comparison(activations=text)) == expected


def test_the_key_that_is_given_tells_the_command(write):
    assert labels(load_experiment(write("activations: [hard, tanh]\n"))) == ["hard", "tanh"]
    assert labels(load_experiment(write("activation: hard\n"))) == ["hard"]
    both = write("activation: hard\nactivations: hidden\n")
    assert labels(load_experiment(both)) == ["hard"]
    assert labels(comparison(both)) == names("hidden")


def test_the_key_of_the_other_command_alone_is_refused(write):
    (message,) = refusal_of("train", write("activations: [hard, tanh]\n"))
    assert message == (
        "x.yaml:1: activations: these are for hsig compare. To train one of them, name it: "
        "hsig train NAME CONFIG"
    )
    (message,) = refusal_of("compare", write("epochs: 3\nactivation: hard\n"))
    assert message == (
        "x.yaml:2: activation: this is for hsig train. Name what to compare, such as: "
        "hsig compare all CONFIG"
    )
    assert labels(comparison(write("activation: hard\n"), activations="tanh")) == ["tanh"]


def refusal_of(command, path=None, **flags):
    with pytest.raises(ConfigError) as error:
        load_experiment(path, flags, command)
    return list(error.value.messages)


@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (
            "activations: [hard, geluu]\n",
            ["x.yaml:1: activations[1]: unknown activation 'geluu'. Did you mean 'gelu'? "
             + KNOWN],
        ),
        (
            "activations:\n  - hard\n  - tanh\n  - theano.hard_sigmoid\n",
            ["x.yaml:4: activations[2]: expected each activation once, got hard again"],
        ),
        (
            "activations: [all, relu]\n",
            ["x.yaml:1: activations[1]: expected each activation once, got relu again"],
        ),
        (
            "activations: []\n",
            ["x.yaml:1: activations: expected activations, or a group: sigmoids, hidden, "
             "smooth, piecewise, torch, jax, keras, onnx, all, got a list of 0"],
        ),
        (
            "activations: 5\n",
            ["x.yaml:1: activations: expected the name of an activation, or a formula, got 5"],
        ),
        (
            "activations: hard,hrd:slope=1\n",
            ["x.yaml:1: activations: unknown activation 'hrd'. Did you mean 'hard'? "
             + KNOWN],
        ),
        (
            "activations: hard,slope=1\n",
            ["x.yaml:1: activations: expected a formula, such as clip(0.2*x + 0.5, 0, 1)\n"
             "    slope=1\n         ^"],
        ),
        (
            "activations: [hard, tanh, relu]\noutput_activation: same\n",
            ["x.yaml:2: output_activation: the loss bce needs an output from 0 to 1, but tanh "
             "gives -1 to 1. Use loss squared, or output_activation sigmoid",
             "x.yaml:2: output_activation: the loss bce needs an output from 0 to 1, but relu "
             "gives 0 to inf. Use loss squared, or output_activation sigmoid"],
        ),
        (
            "activations: hidden\noutput_activation: relu\n",
            ["x.yaml:2: output_activation: the loss bce needs an output from 0 to 1, but relu "
             "gives 0 to inf. Use loss squared, or output_activation sigmoid"],
        ),
        (
            "activations: all\nepochs: 100\nat_epochs: [50, 200]\n",
            ["x.yaml:3: at_epochs: expected epochs of at most 100, the budget, got 200"],
        ),
        (
            "activations: all\nat_epochs: [50, 20]\n",
            ["x.yaml:2: at_epochs: expected epochs in rising order, got 50, 20"],
        ),
        (
            "activations: all\nat_epochs: [0]\n",
            ["x.yaml:2: at_epochs[0]: expected a whole number of at least 1, got 0"],
        ),
        (
            "activations: all\nat_epochs: []\n",
            ["x.yaml:2: at_epochs: expected epochs, such as 500,2000, got a list of 0"],
        ),
        (
            "activations: [hard, tanh]\nuntil: 0.02\nseeds: [3, 4]\n",
            ["x.yaml:3: seeds: until adds seeds 0, 1, 2, ... in order, so it goes with a number "
             "of seeds, not with a list"],
        ),
        (
            "hidden: 1\nuntil: 0.1\n"
            "initial_weights: {hidden: [[1], [2], [3]], output: [[1], [2]]}\n",
            ["x.yaml:2: until: initial_weights go with one seed, so no seeds can be added"],
        ),
        (
            "activations: [hard, tanh]\nuntil: 0\n",
            ["x.yaml:2: until: expected a number above 0, got 0"],
        ),
        (
            "activations: [hard, tanh]\nbaseline: relu\n",
            ["x.yaml:2: baseline: expected one of the activations compared, got relu. They are: "
             "hard, tanh"],
        ),
        (
            "activations: all\nworkers: 0\n",
            ["x.yaml:2: workers: expected a whole number of at least 1, got 0"],
        ),
        (
            "activations: [sigmoid, hard]\nexpect:\n  hrd: {solved_at_least: 0.9}\n",
            ["x.yaml:3: expect.hrd: no variant is called 'hrd'. Did you mean 'hard'? "
             "Variants: sigmoid, hard"],
        ),
        (
            "activations: [sigmoid, hard]\nexpect:\n  hard: {solved: 0.9}\n",
            ["x.yaml:3: expect.hard.solved: unknown check 'solved'. Did you mean "
             "'solved_at_least'? Known: solved_at_least, solved_at_most, verdict"],
        ),
        (
            "activations: [sigmoid, hard]\nexpect: {hard: solved_at_least}\n",
            ["x.yaml:2: expect.hard: expected checks of hard, such as {solved_at_least: 0.9} "
             "(quote a label with commas), got the text 'solved_at_least'"],
        ),
        (
            "activations: all\nseeds: 1000000\n",
            ["x.yaml:2: seeds: 4000 epochs reported every 500 for "
             f"{len(names('all'))} variants with 1000000 seeds "
             "each and 4 samples are more costs than fit in memory. Report less often"],
        ),
    ],
)  # fmt: skip
def test_a_mistake_in_a_comparison_says_where_what_and_what_would_be_right(write, text, messages):
    assert refusal(write(text)) == messages


def test_the_last_of_the_epochs_to_look_at_is_the_budget_if_there_is_no_other():
    assert load_experiment(flags={"at_epochs": "500,2000"}).epochs == 2000
    assert load_experiment(flags={"at_epochs": "5"}).checkpoints == (0, 5)
    assert load_experiment(flags={"at_epochs": "5", "epochs": "8"}).checkpoints == (0, 5, 8)


def test_a_budget_on_the_command_line_cuts_off_those_of_the_file(write):
    path = write("at_epochs: [5, 20]\nepochs: 30\n")
    assert load_experiment(path, {"epochs": "10"}).checkpoints == (0, 5, 10)
    assert refusal(path, epochs="10", at_epochs="5,20") == [
        "--at-epochs: expected epochs of at most 10, the budget, got 20"
    ]


def test_the_output_may_be_the_same_as_the_hidden_layer():
    experiment = comparison(activations="hidden", output_activation="same", loss="squared")
    assert all(v.output_activation == v.hidden_activation for v in experiment.variants)
    (variant,) = load_experiment(
        flags={"activation": "tanh", "output_activation": "same", "loss": "squared"}
    ).variants
    assert variant.output_activation == variant.hidden_activation


def test_given_initial_weights_go_with_one_seed_also_in_a_comparison():
    weights = "{hidden: [[1], [2], [3]], output: [[1], [2]]}"
    assert comparison(initial_weights=weights, hidden="1").seeds == (0,)
    (message,) = refusal_of("compare", initial_weights=weights, hidden="1", seeds="30")
    assert message.startswith("--seeds: initial_weights replace the draw")


def test_expectations_are_of_all_variants_or_of_one_by_its_label(write):
    path = write(
        """
        activations: [sigmoid, hard:slope=0.25, hard]
        expect:
          solved_at_least: 0.5
          verdict: solved
          theano.hard_sigmoid: {solved_at_least: 0, solved_at_most: 0.1}
          hard:slope=.25: {}
        """
    )
    experiment = load_experiment(path)
    of_all = {"solved_at_least": 0.5, "verdict": "solved"}
    assert experiment.expected_of("sigmoid") == of_all
    assert experiment.expected_of("hard:slope=0.25") == of_all
    assert experiment.expected_of("hard") == {
        "solved_at_least": 0.0, "solved_at_most": 0.1, "verdict": "solved"
    }  # fmt: skip


def test_columns_are_a_list_without_repeats():
    assert load_names("--columns", "cost, solved", COLUMNS) == ("cost", "solved")
    for text, message in (
        ("solve", f"--columns: expected one of {', '.join(COLUMNS)}, got the text "
         "'solve'. Did you mean 'solved'?"),
        ("cost,cost", "--columns: expected each column once, got the text 'cost,cost'"),
    ):  # fmt: skip
        with pytest.raises(ConfigError) as error:
            load_names("--columns", text, COLUMNS)
        assert list(error.value.messages) == [message]


def test_rates_are_two_and_different_and_a_share_of_pairs_goes_with_them():
    assert load_rates("--rates", "0.49, 0.4") == (0.49, 0.4)
    assert load_discordant("--paired", "0.2", (0.49, 0.4)) == 0.2
    for load in (
        lambda: load_rates("--rates", "0.5"),
        lambda: load_rates("--rates", "0.5,0.5"),
        lambda: load_rates("--rates", "0.5,x"),
        lambda: load_discordant("--paired", "0.01", (0.5, 0.4)),
    ):
        with pytest.raises(ConfigError) as error:
            load()
        assert len(error.value.messages) == 1


# --- anything at all --------------------------------------------------------------------------


def problems_of(path, flags=None):
    try:
        load_experiment(path, flags)
    except ConfigError as error:
        return error.messages
    return None


words = st.sampled_from(
    [*keys.KEYS, *ACTIVATIONS, "uniform", "hidden", "name", "&a", "*a", "!!int", "0500",
     "1:30", "{", "}", "[", "]", ":", ",", "-", "\n", "  ", "'", '"', "|", ">", "#", "?", "<<",
     "1e999", "-.inf", ".nan", "~", "...", "---", "%YAML 1.1", "\t", "é", "\u2028", "\x85"]
)  # fmt: skip
texts = st.lists(words | st.text(string.printable, max_size=4), max_size=30).map(" ".join)


@settings(max_examples=400, deadline=2000)
@given(texts.map(str.encode) | st.binary(max_size=200))
@example(b"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n")
@example(b"!!set {a}")
@example(b"&a 5")
@example(b"{" * 5000)
@example(b"? " * 3000)
@example(b"- " * 3000)
def test_any_file_at_all_is_read_or_refused_with_messages(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("fuzz") / "x.yaml"
    path.write_bytes(data)
    messages = problems_of(path)
    assert messages is None or messages
    assert all(message.startswith(str(path)) for message in messages or [])


@settings(max_examples=300, deadline=2000)
@given(st.sampled_from(sorted(keys.KEYS)), texts)
def test_any_flag_at_all_is_read_or_refused_with_messages(name, text):
    assert all(message.startswith("--") for message in problems_of(None, {name: text}) or [])


def test_a_repeated_seed_is_found_among_many_within_a_second():
    began = process_time()
    seeds = f"{','.join(map(str, range(50_000)))},49999,7"
    assert refusal(seeds=seeds) == [
        "--seeds: expected seeds without repeats, got 49999 more than once"
    ]
    assert process_time() - began < 2.0


def large_files(size):
    """Files of about that many bytes, each of another shape."""
    yield "task: {inputs: [" + "[1,2]," * (size // 6) + "[1,2]], targets: [0]}"
    yield "activations: [" + "hard," * (size // 5) + "hard]"
    yield "\n".join(f"k{i}: 1" for i in range(size // 11))
    yield "seeds: [" + "1," * (size // 2 - 10) + "1]"
    yield "expect: {" + "a: {b: 1}, " * (size // 11) + "}"
    yield "activation: '" + "x" * size + "'"
    yield "task: {csv: [" + "[[[[[1]]]]]," * (size // 12) + "]}"


@pytest.mark.parametrize("shape", range(7))
def test_no_file_takes_more_than_100_megabytes(tmp_path, shape):
    share = 1 if "HSIG_SLOW" in os.environ else 40  # memory grows no faster than the file
    text = [*large_files((FILE_BYTES_MOST - 10_000) // share)][shape]
    path = tmp_path / "x.yaml"
    path.write_text(text, encoding="utf-8")
    tracemalloc.start()
    try:
        assert problems_of(path)
        assert tracemalloc.get_traced_memory()[1] < 100_000_000 / share
    finally:
        tracemalloc.stop()


def test_resolved_keys_of_another_version_are_refused_with_every_problem():
    with pytest.raises(ConfigError) as caught:
        load_resolved({"colour": "red", "hidden": -1, "engine": "reference"}, "run.json")
    unknown, hidden = caught.value.messages
    assert unknown.startswith("run.json: unknown key 'colour'. Known: task, ")
    assert hidden == "run.json: hidden: expected a whole number of at least 1, got -1"


def test_where_one_is_trained_several_activations_are_refused():
    with pytest.raises(ConfigError, match=r"expected one activation, got tanh, hard\. To compare"):
        config_and_one_activation(["tanh", "hard"], {})
