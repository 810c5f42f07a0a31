import json
from dataclasses import fields
from math import isnan
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from hsig.activations import ACTIVATIONS
from hsig.config.keys import KEYS, json_schema, starting_point
from hsig.config.kinds import PARAMETERS, Choice, Number
from hsig.config.loading import load_experiment, resolved_keys
from hsig.config.sweeps import load_sweep
from hsig.errors import ConfigError
from hsig.experiments.experiment import Experiment

CONFIGS = sorted((Path(__file__).parents[1] / "configs").glob("*.yaml"))
SCHEMA = Draft202012Validator(json_schema())
SCALARS = sorted(key.name for key in KEYS.values() if isinstance(key.kind, Number | Choice))


def accepted(path, config):
    path.write_text(json.dumps(config), encoding="utf-8")
    try:
        load_experiment(path)
    except ConfigError:
        return False
    return True


def test_a_key_is_a_field_of_an_experiment_unless_it_makes_the_variants():
    named = {field.name for field in fields(Experiment)}
    made_of_others = {"activation", "activations", "output_activation", "init_bias"}
    spellings = {name for name, key in KEYS.items() if key.spells}
    assert set(KEYS) - named == made_of_others | spellings


def test_every_setting_of_an_activation_has_a_kind():
    settings = {name for activation in ACTIVATIONS.values() for name in activation.parameters}
    assert settings | {"kink", "backward"} == set(PARAMETERS)


def test_the_schema_is_one():
    Draft202012Validator.check_schema(json.loads(json.dumps(json_schema())))


def test_the_schema_knows_every_key_and_no_other():
    assert set(json_schema()["properties"]) == {*KEYS, "sweep"}
    assert not SCHEMA.is_valid({"learning_rat": 1})


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_every_config_fits_the_schema_and_so_do_its_resolved_keys(path):
    keys = yaml.safe_load(path.read_text(encoding="utf-8"))
    SCHEMA.validate(keys)
    experiment = load_sweep(path, {}).experiments[0] if "sweep" in keys else load_experiment(path)
    SCHEMA.validate(resolved_keys(experiment))


@pytest.mark.parametrize(
    "config",
    [
        {"activation": "hard:slope=0.25"},
        {"activation": {"name": "leaky_relu", "negative_slope": 0.2}},
        {"activation": {"name": "relu", "high": "Infinity"}},
        {"task": {"inputs": [[0.5], [1]], "targets": [0, 1]}},
        {"init": "uniform:-2,2"},
        {"init": {"uniform": [-2, 2]}},
        {"init": {"name": "uniform", "low": -2}},
        {"optimizer": "adam:beta1=0.5", "learning_rate": None, "batch_size": "all"},
        {"optimizer": {"momentum": [0.5]}, "batch_size": 3, "order": "shuffled"},
        {"optimizer": {"name": "adam", "eps": 1e-6}, "update": "batch", "clip_norm": "none"},
        {"hidden": [8, 8], "activation": ["tanh", {"name": "hard", "slope": 0.3}]},
        {"hidden": "8-8", "activations": [["tanh", "relu"], "tanh"], "baseline": "tanh"},
        {"task": {"inputs": [[0.5], [1]], "targets": [[0, 1], [1, 0]]}},
        {"task": {"name": "xor"}},
        {"hidden": [1, 1], "initial_weights": [[[1], [2], [3]], [[1], [2]], [[1], [2]]]},
        {"at_epochs": "5,10"},
        {"seeds": "3,5"},
        {"seeds": [3, 5]},
        {"expect": "solved_at_least=0.5"},
        {"activations": "sigmoids"},
        {"activations": ["hard", {"name": "hard", "slope": 0.25}], "activation": None},
        {"activations": ["hard", "tanh"], "expect": {"hard": {"solved_at_most": 0.1}}},
        {"activation": "tanh", "output_activation": "same", "loss": "squared"},
        {"workers": 2},
        {"workers": "auto"},
        {"expect": None, "output_activation": None, "initial_weights": None},
    ],
    ids=str,
)
def test_what_fits_the_schema_is_accepted(tmp_path, config):
    assert SCHEMA.is_valid(config)
    assert accepted(tmp_path / "x.yaml", config)


@pytest.mark.parametrize(
    "config",
    [
        {"activation": 5},
        {"activation": {"slope": 1}},
        {"activation": {"name": "hard", "slop": 1}},
        {"activation": {"name": "hard", "leak": 2}},
        {"task": "xr"},
        {"task": {"inputs": [[1]]}},
        {"task": {"inputs": [], "targets": []}},
        {"init": {"uniform": [1, 2, 3]}},
        {"optimizer": "adagrad"},
        {"optimizer": {"name": "momentum", "momentum": 1}},
        {"optimizer": {"name": "sgd", "momentum": 0.9}},
        {"seeds": [1, 1]},
        {"seeds": [-1]},
        {"hidden": [8] * 9},
        {"activation": []},
        {"activation": ["tanh", 5]},
        {"initial_weights": [[[]]]},
        {"init": {"name": "uniform", "lo": 1}},
        {"initial_weights": {"hidden": [[1]]}},
        {"expect": {"solved": 1}},
        {"expect": {"solved_at_least": 2}},
        {"activations": []},
        {"activations": ["hard", {"slope": 1}]},
        {"activations": ["hard"], "expect": {"hard": {"solved": 1}}},
    ],
    ids=str,
)
def test_what_does_not_fit_the_schema_is_refused(tmp_path, config):
    assert not SCHEMA.is_valid(config)
    assert not accepted(tmp_path / "x.yaml", config)


@given(
    st.sampled_from(SCALARS),
    st.none()
    | st.booleans()
    | st.integers(-3, 2000)
    | st.sampled_from([10**9, 10**9 + 1, 1e9, 1.5e9, "bce", "mean", "batch", "auto", "x", ""])
    | st.floats(-2, 2000).filter(lambda value: not isnan(value))
    | st.lists(st.integers(), max_size=2),
)
def test_schema_and_checks_agree_on_every_number_and_choice(tmp_path_factory, name, value):
    config = {name: value}
    if name == "epochs":
        config["report_every"] = 10**9
    path = tmp_path_factory.mktemp("schema") / "x.yaml"
    assert SCHEMA.is_valid(config) == accepted(path, config)


def test_the_starting_point_is_the_defaults_with_every_key_and_its_help(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text(starting_point(), encoding="utf-8")
    assert resolved_keys(load_experiment(path)) == resolved_keys(load_experiment())
    for key in KEYS.values():
        assert f"# {key.help}\n{'# ' if key.default is None else ''}{key.name}:" in starting_point()
