"""What configs and flags mean, and what is said of those that mean nothing."""

import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsig.activations import ACTIVATIONS
from hsig.activations.names import select_activations
from hsig.config.keys import KEYS, take_single_activation
from hsig.config.kinds import Choice, ListOf, Number
from hsig.config.loading import (
    POINTS,
    RATES,
    load_activation,
    load_experiment,
    load_flag,
    load_resolved,
    resolved_keys,
)
from hsig.config.text import MAX_FILE_BYTES
from hsig.config.values import read_scalar
from hsig.engines.optimizers import OPTIMIZERS
from hsig.errors import ConfigError
from hsig.experiments.training import gather, run
from hsig.networks.tasks import TASKS


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Write a config into an empty working folder; gives its path, relative."""
    monkeypatch.chdir(tmp_path)

    def write_config(text):
        Path("x.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
        return Path("x.yaml")

    return write_config


def refusal(path=None, command=None, **flags):
    with pytest.raises(ConfigError) as error:
        load_experiment(path, flags, command)
    return list(error.value.messages)


def comparison(path=None, **flags):
    return load_experiment(path, flags, "compare")


def labels(experiment):
    return [variant.label for variant in experiment.variants]


def names(group):
    return [row.name for row in select_activations(group)]


# --- what is read -----------------------------------------------------------------------------


def test_the_defaults_alone_are_the_questions_experiment():
    experiment = load_experiment()
    assert (experiment.task.name, labels(experiment)) == ("xor", ["sigmoid"])
    assert (experiment.loss.name, experiment.batch_size) == ("bce", 1)
    assert (experiment.optimizer.name, experiment.order) == ("sgd", "fixed")
    assert (experiment.weight_decay, experiment.clip_norm) == (0.0, float("inf"))
    assert (experiment.learning_rate, experiment.epochs, experiment.hidden) == (0.1, 4000, (3,))
    assert (experiment.init.scheme, experiment.init.settings) == ("uniform", (0.0, 1.0))
    assert experiment.seeds == tuple(range(100))
    assert (experiment.solved_within, experiment.report_every) == (0.5, 500)
    assert labels(comparison()) == names("all")


def test_flags_beat_the_file_and_the_file_beats_the_defaults(write):
    experiment = load_experiment(write("epochs: 10\nhidden: 5\n"), {"epochs": "20"})
    assert (experiment.epochs, experiment.hidden, experiment.learning_rate) == (20, (5,), 0.1)


CONFIGS = Path(__file__).parents[1] / "configs"
EVERY_KEY = {
    "task": f"csv:{CONFIGS / 'curve.csv'}",
    "target": "x",
    "inputs": "y",
    "drop": "above",
    "missing": "drop",
    "target_kind": "number",
    "held_out": "0.25",
    "data_seed": "3",
    "test": "null",
    "scale_target": "minmax",
    "measure": "right",
    "scale": "standard",
    "activation": "{name: hard, slope: 0.25, backward: logistic}",
    "activations": "[hard, tanh]",
    "output_activation": "hard:kink=open",
    "loss": "squared",
    "optimizer": "{name: adam, beta2: 0.5}",
    "learning_rate": "1e-3",
    "weight_decay": "0.25",
    "clip_norm": "2",
    "epochs": "7",
    "batch_size": "null",  # a key for which update is another spelling
    "update": "batch",
    "order": "shuffled",
    "hidden": "2",
    "bias": "true",
    "init": "{uniform: [-1, 2]}",
    "init_bias": "zero",
    "initial_weights": "{hidden: [[1, 2], [3, 4]], output: [[5], [6], [7]]}",
    "seeds": "[9]",
    "until": "null",
    "max_seeds": "7",
    "solved_within": "0.1",
    "stop_at": "0",
    "report_every": "3",
    "at_epochs": "[2, 5]",
    "cost": "last",
    "engine": "reference",
    "workers": "2",
    "predict_with": "hard",
    "baseline": "tanh",
    "tune": "null",
    "tune_seeds": "12",
    "expect": "{solved_at_most: 0.5, verdict: slow}",
}


@pytest.mark.parametrize("by_flag", [False, True])
def test_every_key_can_be_set_in_a_file_and_by_a_flag(write, by_flag):
    assert set(EVERY_KEY) == set(KEYS)
    text = "".join(f"{key}: {value}\n" for key, value in EVERY_KEY.items())
    path, flags = (None, EVERY_KEY) if by_flag else (write(text), {})
    experiment = load_experiment(path, flags, "train")
    (variant,) = experiment.variants
    task, seen = experiment.task, experiment.scaled_task
    assert (task.kind, task.columns) == ("number", ("y", "x"))
    assert (len(task.targets), len(task.held_out.targets)) == (240, 80)
    assert (seen.targets.min(), seen.targets.max()) == (0.0, 1.0)
    assert np.abs(seen.inputs.mean()) < 1e-12
    assert (experiment.missing, experiment.data_seed) == ("drop", 3)
    assert experiment.chosen_measure == ("right", True)
    assert variant.label == "hard:slope=0.25,backward=logistic"
    assert variant.output_activation.kink == "open"
    assert (experiment.loss.name, experiment.learning_rate) == ("squared", 0.001)
    assert (experiment.epochs, experiment.batch_size, experiment.hidden) == (7, None, (2,))
    assert experiment.optimizer.parameters == {"beta1": 0.9, "beta2": 0.5, "epsilon": 1e-8}
    assert (experiment.weight_decay, experiment.clip_norm) == (0.25, 2.0)
    assert experiment.order == "shuffled"
    assert experiment.init.parameters == {"low": -1.0, "high": 2.0}
    assert experiment.initial_weights[1].tolist() == [[5], [6], [7]]
    assert (experiment.seeds, experiment.solved_within, experiment.max_seeds) == ((9,), 0.1, 7)
    assert (experiment.stop_at, experiment.stop_loss) == (0.0, 0.0)
    assert (experiment.cost, experiment.checkpoints) == ("last", (0, 2, 3, 5, 6, 7))
    assert (experiment.workers, experiment.engine, experiment.tune_seeds) == (2, "reference", 12)
    assert [other.name for other in experiment.predict_with] == ["hard"]
    assert experiment.expect == {"solved_at_most": 0.5, "verdict": "slow"}
    compared = load_experiment(path, {**flags, "initial_weights": ""}, "compare")
    assert (labels(compared), compared.baseline) == (["hard", "tanh"], "tanh")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("12", 12),
        (".5", 0.5),
        ("0o17", 15),
        ("0x1F", 31),
        ("yes", "yes"),
        ("true", True),
        ("~", None),
        (".inf", float("inf")),
        ("1_000", "1_000"),
        ("2026-01-01", "2026-01-01"),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(text, value):
    assert (read_scalar(text), type(read_scalar(text))) == (value, type(value))


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("seeds", "3", (0, 1, 2)),
        ("seeds", "5,3,8", (5, 3, 8)),
        ("seeds", "[4294967295, 0]", (2**32 - 1, 0)),
        ("hidden", "3", (3,)),
        ("hidden", "8-4-2", (8, 4, 2)),
        ("hidden", "[8, 8]", (8, 8)),
        ("hidden", "0", ()),
        ("hidden", "[]", ()),
        ("bias", "false", "none"),
        ("bias", "hidden", "hidden"),
        ("at_epochs", "5,500", (5, 500)),
        ("workers", "auto", None),
    ],
)
def test_values_of_keys(key, text, value):
    assert getattr(load_experiment(flags={key: text}), key) == value


@pytest.mark.parametrize(
    "text",
    ["uniform:-2,1", "uniform:high=1,low=-2", "uniform:-2", "{uniform: [-2, 1]}",
     "{name: uniform, low: -2}"],
)  # fmt: skip
def test_a_start_is_a_name_with_settings_however_it_is_written(write, text):
    assert load_experiment(flags={"init": text}).init.settings == (-2.0, 1.0)
    assert load_experiment(write(f"init: {text}\n")).init.settings == (-2.0, 1.0)


# --- tables -----------------------------------------------------------------------------------


def test_rows_of_a_csv_file_are_found_beside_the_config(tmp_path):
    (tmp_path / "rows.csv").write_bytes(b"\xef\xbb\xbfa,b,target\r\n\r\n0,1,1\r\n1, 1e0,0\r\n")
    (tmp_path / "c.yaml").write_text("task: {csv: rows.csv}\n", encoding="utf-8")
    task = load_experiment(tmp_path / "c.yaml").task
    assert (task.name, task.columns) == ("rows.csv", ("a", "b", "target"))
    assert (task.inputs.tolist(), task.targets.tolist()) == ([[0, 1], [1, 1]], [[1], [0]])


def test_a_scaled_task_is_resolved_to_one_that_gives_the_same_numbers(write):
    write("")
    Path("t.csv").write_text("age,share,ill\n20,0.3,0\n50,0.4,1\n90,0.1,1\n", encoding="utf-8")
    flags = {"task": "csv:t.csv", "scale": "standard", "epochs": "50", "seeds": "3"}
    chosen = load_experiment(flags=flags)
    again = load_resolved(resolved_keys(chosen), "x")
    unscaled = load_experiment(flags=flags | {"scale": "none"})
    first, second, other = (
        gather(one, run(one)).results[0].predictions for one in (chosen, again, unscaled)
    )
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, other)


# --- layers -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["[tanh, relu]", "[tanh,relu]", '["tanh", {"name": "relu"}]', "[{name: tanh}, relu]"],
)
def test_an_activation_may_be_a_list_with_one_of_each_layer(write, text):
    for experiment in (
        load_experiment(flags={"activation": text, "hidden": "4-2"}),
        load_experiment(write(f"activation: {text}\nhidden: [4, 2]\n")),
    ):
        (variant,) = experiment.variants
        assert [activation.name for activation in variant.hidden_activations] == ["tanh", "relu"]
        assert (variant.label, variant.output_activation.name) == ("[tanh, relu]", "sigmoid")


def test_layers_are_compared_and_named_like_other_variants(write):
    path = write(
        """
        activations: [[tanh, 'hard:slope=0.3,kink=open'], sigmoid]
        baseline: [tanh, 'hard:slope=0.3,kink=open']
        expect: {'[tanh,hard:slope=.3,kink=open]': {solved_at_most: 1}}
        hidden: 2-2
        """
    )
    experiment = comparison(path)
    label = "[tanh, hard:slope=0.3,kink=open]"
    assert labels(experiment) == [label, "sigmoid"]
    assert (experiment.baseline, [*experiment.expect]) == (label, [label])
    flags = {"hidden": "2-2", "activations": f"{label},sigmoid"}
    assert labels(comparison(**flags)) == labels(experiment)


@pytest.mark.parametrize(
    ("hidden", "right"), [("3", "hidden 3-3"), ("4-4-4", "hidden 4-4"), ("8-4-2", "hidden 8-4")]
)
def test_activations_for_another_number_of_layers_are_refused_and_both_named(hidden, right):
    (message,) = refusal(activation="[tanh, relu]", hidden=hidden)
    for part in ("--activation: ", "[tanh, relu]", f"hidden {hidden} ", right):
        assert part in message


def test_targets_may_be_rows_and_weights_a_list_of_layers(write):
    keys = {
        "task": {"inputs": [[0, 1], [1, 0]], "targets": [[0, 1], [1, 0]]},
        "hidden": [2, 1],
        "initial_weights": [[[1, 2], [3, 4], [5, 6]], [[1], [2], [3]], [[1, 2], [3, 4]]],
    }
    experiment = load_experiment(write(json.dumps(keys)))
    assert experiment.sizes == (2, 2, 1, 2)
    resolved = resolved_keys(experiment)
    assert resolved["task"]["targets"] == keys["task"]["targets"]
    assert {key: resolved[key] for key in ("hidden", "initial_weights")} == {
        key: keys[key] for key in ("hidden", "initial_weights")
    }


# --- what is refused --------------------------------------------------------------------------

# text of a file, and parts of the one message: the place, the value and what would be right
MISTAKES = [
    ("epochs: 0", "x.yaml:1: epochs: ", "at least 1", "got 0"),
    ("\nepochs: yes", "x.yaml:2: epochs: ", "whole number", "the text 'yes'"),
    ("epochs: 2.5", "x.yaml:1: epochs: ", "whole number", "2.5"),
    ("epochs:", "x.yaml:1: epochs: ", "nothing"),
    ("epochs: '5'", "x.yaml:1: epochs: ", "the text '5'"),
    ("epochs: 0500", "x.yaml:1: ", "0500 is ambiguous", "without the zero"),
    ("epochs: 1:30", "x.yaml:1: ", "1:30 is ambiguous", "quote it"),
    ("epochs: 1000000001", "at most 1000000000", "1000000001"),
    ("epochs: 1" + "0" * 400, "x.yaml:1: ", "401 digits"),
    ("learning_rate: fast", "x.yaml:1: learning_rate: ", "above 0", "'fast'"),
    ("learning_rate: .nan", "x.yaml:1: learning_rate: ", "nan"),
    ("learning_rate: .inf", "x.yaml:1: learning_rate: ", "inf"),
    ("learning_rate: [1]", "x.yaml:1: learning_rate: ", "a list of 1"),
    ("hidden: 3-0", "x.yaml:1: hidden[1]: ", "at least 1", "got 0"),
    ("hidden: 1-1-1-1-1-1-1-1-1", "x.yaml:1: hidden: ", "0 to 8 hidden layers", "a list of 9"),
    ("learning_rat: 1", "x.yaml:1: ", "'learning_rat'", "'learning_rate'", *KEYS),
    ("lr: 1", "x.yaml:1: ", "unknown key 'lr'", "'learning_rate'"),
    ("optimizer: ada", "x.yaml:1: optimizer: ", "'ada'", "'adam'", *OPTIMIZERS),
    ("optimizer: SGD:momentum=0.5,nesterov=True", "x.yaml:1: optimizer: ", "nesterov:momentum=0.5"),
    ("optimizer: adam:lr=0.1", "x.yaml:1: optimizer: ", "learning_rate 0.1"),
    ("optimizer: adam:0.1", "x.yaml:1: optimizer: ", "without a key", "beta1, beta2, epsilon"),
    ("optimizer: momentum:1", "x.yaml:1: optimizer: momentum:momentum: ", "below 1", "got 1"),
    ("clip_norm: 0", "x.yaml:1: clip_norm: ", "none", "above 0", "got 0"),
    ("update: all", "x.yaml:1: update: ", "online, batch", "'all'"),
    ("batch_size: 4\nupdate: batch", "x.yaml:2: update: ", "batch_size"),
    ("loss: BCE", "x.yaml:1: loss: ", "'BCE'", "Did you mean 'bce'?", "squared"),
    ("epochs: 3\nhidden: 2\nepochs: 4", "x.yaml:3: ", "'epochs'", "line 1"),
    ("activation: ReLUU", "x.yaml:1: activation: ", "'ReLUU'", "'relu'", *ACTIVATIONS),
    ("activation:\n  name: hard\n  slop: 1", "x.yaml:3: activation.slop: ", "'slope'"),
    ("activation: sigmoid:slope=1", "'slope'", "sigmoid has no setting", "kink, backward"),
    ("init: uniform:low=1,2", "x.yaml:1: init: ", "without a key", "before"),
    ("activation: {name: hard, leak: 1.5}", "activation.leak: ", "at most 1", "1.5"),
    ("activation: hard:leak=1.5", "activation: hard:leak: ", "at most 1", "1.5"),
    ("activation: {slope: 1}", "activation.name: ", "name of an activation", "nothing"),
    ("activation: 'hard:slope='", "KEY=VALUE"),
    ("activation: hard:slope=1,slope=2", "'slope'", "twice"),
    ("activation: [tanh, geluu]", "x.yaml:1: activation[1]: ", "'geluu'", "'gelu'"),
    ("activation: []", "x.yaml:1: activation: ", "1 to 8 layers"),
    ("activation: hard_sigmoid", "different functions", "'hard'", "'hard_torch'", "torch.nn"),
    ("task: xr", "x.yaml:1: task: ", "'xr'", "'xor'", *TASKS, "csv:FILE", "inputs"),
    ("task: reg.CSV", "Did you mean 'csv:reg.CSV'?"),
    ("task: xor:n=3", "x.yaml:1: task: ", "xor has no setting 'n'"),
    ("task: 'xor,circles:n=40'", "x.yaml:1: task: ", "several tasks are for hsig compare"),
    ("task:\n  inputs: [[0, 1],\n   [1]]\n  targets: [0, 1]", "x.yaml:3: task.inputs[1]: ", "2"),
    ("task: {inputs: [[0, a]], targets: [0]}", "task.inputs[0][1]: ", "finite", "'a'"),
    ("task: {inputs: [[0], [1]], targets: [0]}", "each of the 2 samples", "got 1"),
    ("task: {inputs: [[0]], targets: [[0, 1], [0]]}", "task.targets[1]: ", "2 numbers", "got 1"),
    ("task: {name: xor, inputs: [[1]], targets: [0]}", "task.name: ", "Use another name"),
    ("task: {inputs: [[0]], targets: [1], columns: [a]}", "task.columns: ", "2 names", "got 1"),
    ("task: {inputs: [[0]], targets: [1], columns: [a, '']}", "task.columns: ", "printable"),
    ("task: {csv: 5}", "x.yaml:1: task.csv: ", "file name", "got 5"),
    ("task: csv:none.csv", "x.yaml:1: task: ", "none.csv"),
    ("task: {inputs: [[0], [1]], targets: [0, 2]}", "0 to 2", "loss squared", "identity"),
    ("output_activation: tanh", "x.yaml:1: output_activation: ", "-1 to 1", "loss squared"),
    ("init: {uniform: [2, 1]}", "x.yaml:1: init: ", "low 2", "high 1"),
    ("init: {uniform: [a, 1]}", "x.yaml:1: init.uniform[0]: ", "number", "'a'"),
    ("init: uniform:0,1,2", "x.yaml:1: init: ", "uniform", "low, high"),
    ("init: orthogonal", "x.yaml:1: init: ", "'orthogonal'", "uniform"),
    ("init: kaiming_normal", "x.yaml:1: init: ", "Did you mean 'he_normal'?"),
    ("init: zeros", "x.yaml:1: init: ", "Did you mean 'constant:0'?"),
    ("init_bias: zeros", "x.yaml:1: init_bias: ", "Did you mean 'zero'?"),
    ("init_bias: 0.1", "x.yaml:1: init_bias: ", "constant:VALUE", "0.1"),
    ("bias: none", "x.yaml:1: bias: ", "true, false, hidden, output", "'none'"),
    ("seeds: [3, 4, 3]", "x.yaml:1: seeds: ", "without repeats", "3"),
    ("seeds: [4294967296]", "x.yaml:1: seeds[0]: ", "at most 4294967295"),
    ("initial_weights: {hidden: [[1]]}", "x.yaml:1: initial_weights: ", "{hidden: [[...], ...]"),
    (
        "initial_weights: {hidden: [[1, 2], [3, 4], [5, 6]], output: [[1], [2], [3]]}\n"
        "hidden: 2\nbias: output",
        *("initial_weights.hidden: ", "2 rows of 2 (2 inputs; this layer has no bias)", "3 rows"),
    ),
    (
        "initial_weights: {output: [[1], [2]]}\nhidden: 0",
        *("x.yaml:1: initial_weights.output: ", "3 rows of 1 (2 inputs and a bias)", "2 rows"),
    ),
    (
        "initial_weights: {hidden: [[1, 2], [3, 4]], output: [[1], [2], [3]]}\nhidden: 2",
        *("x.yaml:1: initial_weights.hidden: ", "3 rows of 2 (2 inputs and a bias)"),
    ),
    (
        "initial_weights: [[[1], [2], [3]], [[1], [2]]]\nhidden: 1-1",
        *("x.yaml:1: initial_weights: ", "3 layers", "hidden 1-1", "got 2"),
    ),
    (
        "initial_weights: [[[1], [2], [3]], [[1]], [[1], [2]]]\nhidden: 1-1",
        *("x.yaml:1: initial_weights[1]: ", "2 rows of 1 (1 hidden units and a bias)"),
    ),
    (
        "initial_weights: {hidden: [[1], [2], [3]], output: [[1], [2]]}\nhidden: 1\nseeds: 2",
        *("x.yaml:3: seeds: ", "exactly one seed", "got 2"),
    ),
    ("expect: {solved: 1}", "x.yaml:1: expect", "'solved'", "'solved_at_least'", "verdict"),
    ("expect: {solved_at_least: 2}", "x.yaml:1: expect.solved_at_least: ", "at most 1", "got 2"),
    ("expect: solved_at_least", "x.yaml:1: expect: ", "solved_at_least=0.9"),
    ("expect: {hrd: {verdict: slow}}", "x.yaml:1: expect.hrd: ", "'hrd'", "sigmoid"),
    ("epochs: 1000000000\nreport_every: 1", "x.yaml:2: report_every: ", "Report less often"),
    (
        "seeds: 1000000\nhidden: [1024, 1024]\nreport_every: 1",
        "x.yaml:3: report_every: ",
        "train fewer seeds",
    ),
    ("at_epochs: [50, 20]", "x.yaml:1: at_epochs: ", "rising order", "50, 20"),
    ("epochs: 100\nat_epochs: [50, 200]", "x.yaml:2: at_epochs: ", "at most 100", "200"),
    ("until: 0.1\nseeds: [3, 4]", "x.yaml:2: seeds: ", "until"),
    ("activations: [hard, hrd]", "x.yaml:1: activations[1]: ", "'hrd'", "'hard'"),
    ("activations:\n  - hard\n  - theano.hard_sigmoid", "x.yaml:3: activations[1]: ", "hard again"),
    ("activations: hard,slope=1", "x.yaml:1: activations: ", "formula", "slope=1"),
    ("activations: [tanh, hard]\nbaseline: relu", "x.yaml:2: baseline: ", "relu", "tanh, hard"),
    ("", "x.yaml: ", "empty", "`activation: hard`"),
    ("- 1\n- 2", "x.yaml:1: ", "keys", "a list of 2"),
    ("5: 3", "x.yaml:1: ", "a key that is text", "got 5"),
    ("epochs: &a 5", "x.yaml:1: ", "anchors and aliases", "Write the value itself"),
    ("task: !!python/object/apply:os.system ['true']", "x.yaml:1: ", "os.system", "not supported"),
    ("epochs: 5\n---\nepochs: 6", "x.yaml:2: ", "second document"),
    ("task: " + "[" * 3000, "x.yaml:1: ", "nested more than 20 deep"),
    ("epochs: [1\n", "x.yaml:2: not YAML: "),
    (b"epochs: 5\n\xff\xfe\n", "x.yaml:2: ", "UTF-8", "0xff"),
    (b"a: 1\nb: \x07\n", "x.yaml:2: not YAML: ", "#x0007"),
    ("# " + "x" * 300_000, "x.yaml: ", "more than 300000 bytes"),
]


@pytest.mark.parametrize(("text", "parts"), [(text, parts) for text, *parts in MISTAKES])
def test_a_mistake_in_a_file_gives_one_message_with_place_value_and_remedy(write, text, parts):
    (message,) = refusal(write(text))
    assert all(part in message for part in parts), message


@pytest.mark.parametrize(
    ("name", "text", "parts"),
    [
        ("epochs", "0500", ["0500 is ambiguous"]),
        ("epochs", "", ["at least 1", "nothing"]),
        ("seeds", "1,x", ["[1]: ", "'x'"]),
        ("task", "[1, 2", ["not YAML", "[1, 2"]),
        ("initial_weights", "{hidden: [[a]], output: [[1]]}", ["hidden[0][0]: ", "'a'"]),
        ("activation", "[tanh, hrd]", ["[1]: ", "'hrd'", "'hard'"]),
        ("activation", "tanh]", ["tanh]"]),
    ],
)
def test_a_mistake_in_a_flag_names_the_flag(name, text, parts):
    (message,) = refusal(**{name: text})
    assert message.startswith(f"--{name.replace('_', '-')}: ")
    assert all(part in message for part in parts if part != "[1, 2"), message


def test_all_problems_come_in_one_report(write):
    path = write("epochs: 0\nhidden: 09\nloss: x\nwhat: 1\nactivation: hard:slope=-1\n")
    places = [message.partition(" ")[0] for message in refusal(path, seeds="0")]
    assert sorted(places) == ["--seeds:", *(f"x.yaml:{line}:" for line in range(1, 6))]
    path = write("task: {inputs: [[1]], targets: [3]}\noutput_activation: relu\n")
    assert len(refusal(path)) == 2
    assert len(refusal(write("".join(f"k{i}: 1\n" for i in range(50))))) == 50


@pytest.mark.parametrize(
    "line",
    [
        *(f"{key}: 0500" for key in ("loss", "activation", "task", "seeds", "initial_weights")),
        *("0500: 3", "[epochs]: 3"),
        "activation: {name: hard, kink: 0500}",
        "task: {csv: 0500}",
        *("init: {uniform: [0500, 1]}", "init: uniform:0500,1"),
        *("expect: {solved_at_least: 0500}", "expect: solved_at_least=0500"),
    ],
)
def test_one_mistake_gives_one_message(write, line):
    (message,) = refusal(write(line))
    assert "0500 is ambiguous" in message or "a key that is text" in message


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("y.yaml", ["y.yaml: no such file", "x.yaml"]),
        ("no/y.yaml", ["no/y.yaml: no such file"]),
        (".", ["folder", "YAML"]),
        ("a\0b.yaml", ["cannot be read"]),
    ],
)
def test_a_file_that_cannot_be_read_is_one_problem_among_others(write, path, parts):
    write("epochs: 5\n")
    first, second = refusal(Path(path), epochs="0")
    assert all(part in first for part in parts)
    assert second.startswith("--epochs: ")


def test_the_key_that_is_set_tells_the_command(write):
    assert labels(load_experiment(write("activations: [hard, tanh]\n"))) == ["hard", "tanh"]
    both = write("activation: hard\nactivations: hidden\n")
    assert (labels(load_experiment(both)), labels(comparison(both))) == (["hard"], names("hidden"))
    (message,) = refusal(write("activations: [hard, tanh]\n"), "train")
    assert message.startswith("x.yaml:1: activations: these are for hsig compare")
    (message,) = refusal(write("epochs: 3\nactivation: hard\n"), "compare")
    assert message.startswith("x.yaml:2: activation: this is for hsig train")
    assert labels(comparison(write("activation: hard\n"), activations="tanh")) == ["tanh"]
    with pytest.raises(ConfigError, match=r"expected one activation, got tanh, hard"):
        take_single_activation(["tanh", "hard"], {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hard, tanh", ["hard", "tanh"]),
        (
            "hard:slope=0.25,backward=logistic,tanh,leaky_relu:leak=0.1",
            ["hard:slope=0.25,backward=logistic", "tanh", "leaky_relu:leak=0.1"],
        ),
        ("elu:2,max(x, 0)", ["elu:alpha=2", "max(x, 0)"]),
        ("theano.hard_sigmoid,hard:slope=.2500", ["hard", "hard:slope=0.25"]),
        ("sigmoids,relu", [*names("sigmoids"), "relu"]),
        ("[hard, {name: hard, slope: 0.25}, hidden]",
         ["hard", "hard:slope=0.25", *names("hidden")]),
        ("all", names("all")),
    ],
)  # fmt: skip
def test_activations_are_a_list_of_specs_and_groups(text, expected):
    assert labels(comparison(activations=text)) == expected


def test_the_budget_is_the_last_of_the_epochs_to_look_at_and_a_flag_cuts_them_off(write):
    assert load_experiment(flags={"at_epochs": "500,2000"}).epochs == 2000
    assert load_experiment(flags={"at_epochs": "5", "epochs": "8"}).checkpoints == (0, 5, 8)
    path = write("at_epochs: [5, 20]\nepochs: 30\n")
    assert load_experiment(path, {"epochs": "10"}).checkpoints == (0, 5, 10)
    (message,) = refusal(path, epochs="10", at_epochs="5,20")
    assert message.startswith("--at-epochs: ")


@pytest.mark.parametrize("activation", ["tanh", "relu", "sigmoid", "identity"])
def test_without_hidden_layers_the_output_has_the_variants_activation(activation):
    flags = {"activation": activation, "hidden": "0", "loss": "squared"}
    (alone,) = load_experiment(flags=flags).variants
    assert alone.output_activation == ACTIVATIONS[activation]
    flags["output_activation"] = "hard"
    (other,) = load_experiment(flags=flags).variants
    assert (other.label, other.output_activation) == (activation, ACTIVATIONS["hard"])


def test_variants_of_one_network_are_refused_by_name():
    (message,) = refusal(activations="tanh,relu", hidden="0", output_activation="hard")
    for part in ("--activations: ", "tanh and relu", "same network", "hidden 0", "hard"):
        assert part in message
    (message,) = refusal(activations="[tanh, tanh],relu,tanh", hidden="2-2")
    assert "[tanh, tanh] and tanh come to the same network" in message
    load_experiment(flags={"activations": "tanh,relu", "hidden": "0", "loss": "squared"})


def test_bce_without_hidden_layers_needs_outputs_from_0_to_1():
    for flags in ({"activation": "tanh"}, {"activations": "tanh,hard"}):
        (message,) = refusal(**flags, hidden="0")
        assert "tanh gives -1 to 1. Use loss squared" in message
        # with one output for all, several variants would be one network
        assert ("output_activation sigmoid" in message) is ("activation" in flags)


def test_without_biases_none_have_a_start():
    """Else two configs of the same numbers would have two digests."""
    first, second = (
        load_experiment(flags={"bias": "false", "init": "he_normal", "init_bias": bias})
        for bias in ("same", "constant:1")
    )
    assert resolved_keys(first) == resolved_keys(second)


def test_the_output_may_be_the_same_as_the_hidden_layer():
    for flags in ({"activations": "hidden"}, {"activations": "[[tanh, relu]]", "hidden": "2-2"}):
        experiment = comparison(output_activation="same", loss="squared", **flags)
        for variant in experiment.variants:
            assert variant.output_activation == variant.hidden_activations[-1]


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
    assert experiment.expected_of("hard:slope=0.25") == of_all
    of_one = {"solved_at_least": 0.0, "solved_at_most": 0.1, "verdict": "solved"}
    assert experiment.expected_of("hard") == of_one


def test_texts_of_flags_that_are_no_keys_are_read_by_their_kinds():
    assert load_activation("hard:slope=0.25").parameters["slope"] == 0.25
    assert load_flag("--at", "-1, 0,.inf", POINTS) == (-1.0, 0.0, float("inf"))
    assert load_flag("--rates", "0.49, 0.4", RATES) == (0.49, 0.4)
    columns = ListOf(Choice(("solved", "cost")), "columns", distinct=True)
    assert load_flag("--columns", "cost, solved", columns) == ("cost", "solved")
    for flag, text, kind in (
        ("--at", "1,", POINTS),
        ("--rates", "0.5", RATES),
        ("--rates", "0.5,0.5", RATES),
        ("--rates", "0.5,x", RATES),
        ("--columns", "cost,solve", columns),
        ("--columns", "cost,cost", columns),
        ("--paired", "0.01", Number(0.1, 0.9)),
    ):
        with pytest.raises(ConfigError) as error:
            load_flag(flag, text, kind)
        (message,) = error.value.messages
        assert message.startswith(f"{flag}: ")


def test_resolved_keys_of_another_version_are_refused_with_every_problem():
    with pytest.raises(ConfigError) as caught:
        load_resolved({"colour": "red", "hidden": -1, "engine": "reference"}, "run.json")
    assert [message[:24] for message in caught.value.messages] == [
        "run.json: unknown key 'c",
        "run.json: hidden: expect",
    ]


# --- what is resolved --------------------------------------------------------------------------


def problems_of(path):
    try:
        load_experiment(path)
    except ConfigError as error:
        return error.messages
    return ()


specs = st.sampled_from(
    ["tanh", "relu", "hard:slope=0.25,kink=open", "elu:0.5", "x*tanh(b*x):b=0.5"]
)
hidden_layers = st.lists(st.integers(1, 4), max_size=3)


@given(
    hidden_layers,
    st.lists(specs, min_size=3, max_size=3),
    st.booleans(),
    st.floats(-9, 0),
    st.sampled_from(
        ["uniform:{!r},1", "normal:{!r},1", "constant:{!r}", "he_normal", "torch_linear:gain=2"]
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "bias": st.sampled_from(["true", "false", "hidden", "output"]),
            "init_bias": st.sampled_from(["same", "zero", "constant:0.5"]),
        },
    ),
)
def test_resolved_keys_are_a_config_of_the_same_experiment(
    hidden, layers, is_one, low, start, beside
):
    chosen = layers[0] if is_one or not hidden else f"[{', '.join(layers[: len(hidden)])}]"
    flags = {
        "activation": chosen,
        "hidden": "-".join(map(str, hidden)) or "0",
        "init": start.format(low),
        "loss": "squared",
        **beside,
    }
    first = load_experiment(flags=flags)
    keys = resolved_keys(first)
    again = load_resolved(json.loads(json.dumps(keys)), "x")
    assert resolved_keys(again) == keys
    assert again.init == first.init
    for one, other in zip(first.starting_weights(), again.starting_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    assert labels(again) == labels(load_experiment(flags=flags))
    by_label = load_experiment(flags={**flags, "activation": labels(again)[0]})
    assert resolved_keys(by_label)["hidden"] == keys["hidden"]


def large_files(size):
    """Files of about that many bytes, each of another shape."""
    yield "task: {inputs: [" + "[1,2]," * (size // 6) + "[1,2]], targets: [0]}"
    yield "activations: [" + "hard," * (size // 5) + "hard]"
    yield "\n".join(f"k{i}: 1" for i in range(size // 11))
    yield "seeds: [" + "1," * (size // 2 - 10) + "1]"
    yield "expect: {" + "a: {b: 1}, " * (size // 11) + "}"
    yield "activation: '" + "x" * size + "'"


@pytest.mark.parametrize("shape", range(6))
def test_no_file_takes_more_than_100_megabytes(tmp_path, shape):
    share = 60  # memory grows no faster than the file
    text = [*large_files((MAX_FILE_BYTES - 10_000) // share)][shape]
    path = tmp_path / "x.yaml"
    path.write_text(text, encoding="utf-8")
    tracemalloc.start()
    try:
        assert problems_of(path)
        assert tracemalloc.get_traced_memory()[1] < 100_000_000 / share
    finally:
        tracemalloc.stop()
