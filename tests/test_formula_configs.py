"""A user's own activation: a formula on the command line, in a file and in Python."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from formula_oracle import FORMULAS
from hypothesis import assume, given
from kernels import built

import hsig
from hsig.activations import ACTIVATIONS
from hsig.config.keys import split_words
from hsig.config.loading import describe_left_out, load_experiment, resolved_keys
from hsig.config.sweeps import load_sweep
from hsig.engines import compiled, reference
from hsig.engines.engine import State
from hsig.errors import ConfigError
from hsig.experiments.training import gather, run
from hsig.formulas.nodes import format_formula
from hsig.networks.network import seeds_last
from hsig.runs.provenance import digest_experiments

MISH = "x*tanh(log(1 + exp(x)))"
MY_HARD = """
activation:
  name: my_hard
  formula: clip(slope*x + 0.5, 0, 1)
  slope: 0.3
  derivative: where(abs(x) <= 0.5/slope, slope, 0)
"""


def variant(written):
    (found,) = load_experiment(flags={"activation": written}).variants
    return found


@pytest.fixture
def write(tmp_path):
    def write_config(text):
        path = tmp_path / "mine.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_config


# --- reading ----------------------------------------------------------------------------------


def test_a_formula_is_its_own_label_unless_it_has_a_name(write):
    assert variant(MISH).label == "x*tanh(softplus(x))"
    assert variant("clip(b*x + 0.5, 0, 1):b=0.3").label == "clip(0.3*x + 0.5, 0, 1)"
    assert variant("max(x, 0):kink=mean").label == "max(x, 0):kink=mean"
    assert load_experiment(write(MY_HARD)).variants[0].label == "my_hard"


def test_a_config_s_own_activation_is_compared_with_those_that_are_named(write):
    def compared(text, activations):
        flags = {"activations": activations}
        experiment = load_experiment(write(text), flags, "compare")
        left_out = describe_left_out([write(text)], flags, [experiment])
        return [v.label for v in experiment.variants], bool(left_out)

    assert compared(MY_HARD, "tanh,relu")[0] == ["my_hard", "tanh", "relu"]
    assert compared(MY_HARD, "tanh,my_hard")[0] == ["tanh", "my_hard"]
    assert compared(f"activation: {MISH}", "tanh")[0] == ["x*tanh(softplus(x))", "tanh"]
    assert compared("activation: hard:slope=0.3", "tanh") == (["tanh"], True)
    assert compared("activation: tanh", "hard,tanh") == (["hard", "tanh"], False)
    assert compared("activation: hard\nactivations: [relu]", "tanh") == (["tanh"], False)


def test_a_label_that_is_a_formula_means_the_same_activation():
    found = variant("where(x > 0, x, 0.25*(exp(x) - 1))")
    assert variant(found.label) == found


def test_a_formula_of_the_table_trains_to_the_same_bits():
    pairs = {"mish": MISH, "hard": "clip(0.2*x + 0.5, 0, 1)", "relu": "max(x, 0)"}
    at_kinks = {name: f"{name}(x)" for name, row in ACTIVATIONS.items() if row.kink != "own"}
    zeros = {"initial_weights": "{hidden: [[0,0,0],[0,0,0],[0,0,0]], output: [[1],[-1],[1],[0]]}"}
    trained = [(pair, {}) for pair in pairs.items()]
    trained += [(pair, {**zeros, "seeds": "1", "output_activation": "sigmoid"})
                for pair in at_kinks.items()]  # fmt: skip
    for pair, flags in trained:
        experiments = [
            load_experiment(flags={"activation": a, "epochs": "50", **flags}) for a in pair
        ]
        one, other = (gather(e, run(e)).results[0].weights for e in experiments)
        for layer, same in zip(one, other, strict=True):
            np.testing.assert_array_equal(layer, same)


def test_commas_within_brackets_separate_no_activations():
    written = ["hard", "clip(0.3*x, -1, 1)", "hard:slope=0.3,kink=open", "min(x, 1)"]
    experiment = load_experiment(flags={"activations": ",".join(written)}, command="compare")
    assert [v.label for v in experiment.variants] == written


def test_the_slope_can_be_given(write):
    given = load_experiment(write(MY_HARD)).variants[0].activation
    x = np.array([-2.0, -5 / 3, 0.0, 1.0, 1.7])
    np.testing.assert_array_equal(given.derivative(x), [0, 0.3, 0.3, 0.3, 0])
    wild = variant("{formula: tanh(x), derivative: '1'}").activation
    np.testing.assert_array_equal(wild.training_slope(x, wild.value(x)), 1.0)


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("x*tnh(x)", "Did you mean 'tanh'?"),
        ("slope*x", "unknown name 'slope'. Known: x, pi, inf. A parameter has a value: slope: 0.3"),
        ("slope*x:slope=0.3,slop=2", "slope*x has no setting 'slop'. Did you mean 'slope'?"),
        ("slope*x:slope=fast", "slope: expected a number"),
        ("log(x)", "expected a formula with a value at 0, got log(x): -inf at x = 0"),
        ("sqrt(x - 1)", "got sqrt(x - 1): nan at x = 0"),
        ("0*x", "expected a formula in x, got the text '0*x', which is constant"),
        ("{formula: [x]}", "expected a formula, such as"),
        ("{formula: x, derivative: y}", "unknown name 'y'"),
        ("{formula: x, name: [1]}", "expected a name of letters, digits"),
        ("{formula: x*x, name: relu}", "'relu' is a name that hsig has. Choose another"),
        ("{formula: x*x, name: 'hard:slope=0.3'}", "expected a name of letters, digits"),
        ("{formula: ''}", "expected a formula, such as"),
        ("{name: ''}", "expected the name of an activation, or a formula, got nothing"),
        (" ", "got nothing"),
        ("x:kink=round", "kink: expected one of own, open, closed"),
        ("abs(x**3 - x):kink=right", "kink=right: expected a formula without a derivative"),
        ("{formula: abs(x), derivative: sign(x), kink: left}", "kink=left: expected a formula"),
        ("where(x == 0, 1, sin(x)/x):kink=mean", "kink=mean: expected a formula"),
        ("x*1e308*10", "expected a derivative with finite coefficients, got 1e+308*10"),
        ("x*tanh(a*b*1e300):a=1e5,b=1e5", "expected finite coefficients, got"),
        ("a*x:a=0", "which is constant"),
        ("smooth_step:gamma=1e-200", "got -2*x**3/0"),
    ],
)
def test_a_wrong_formula_is_refused_with_what_would_be_right(written, complaint):
    with pytest.raises(ConfigError) as refused:
        variant(written)
    assert complaint in "\n".join(refused.value.messages)


def test_a_mistake_in_a_file_has_its_line_and_a_caret(write):
    path = write("activation:\n  formula: clip(slope*x, 0, 1\n  slope: 0.3\n")
    with pytest.raises(ConfigError) as refused:
        load_experiment(path)
    (message,) = refused.value.messages
    assert message.startswith(f"{path}:2: activation.formula: expected a formula")
    assert message.endswith("\n        ^")


def test_a_word_with_a_slash_is_a_config_unless_it_is_a_formula():
    formulas = ["x/(1 + abs(x*b)):b=1", "2/x", "x/(1 + abs(x)", "x^2/2", "hard"]
    configs = ["configs/hard", "./x/y", "x/mine.yaml", "mine.yml"]
    found = split_words([*formulas, *configs])
    assert found == ([Path(config) for config in configs], formulas)


def test_a_name_in_a_file_means_the_formula_that_has_it_there(write):
    path = write(
        "activations:\n  - {name: mine, formula: x*sigmoid(b*x), b: 1.7}\n  - tanh\n"
        "baseline: mine\npredict_with: mine,hard\n"
    )
    compared = load_experiment(path, command="compare")
    assert (compared.baseline, [v.label for v in compared.variants]) == ("mine", ["mine", "tanh"])
    assert [one.name for one in compared.predict_with] == ["mine", "hard"]
    alone = load_experiment(path, {"activation": "mine", "baseline": ""}, "explain")
    assert alone.variants[0].activation == compared.variants[0].activation


def test_a_parameter_of_a_formula_can_be_swept_over_any_number(write):
    sweep = "activation: {}\nsweep:\n  activation.slope: [-0.5, 0.5]\n"
    path = write(sweep.format("{formula: tanh(x) + slope*x, slope: 1}"))
    assert len(load_sweep(path, {}).cells) == 2
    path = write(sweep.format("hard"))
    with pytest.raises(ConfigError, match=r"expected a number above 0, got -0\.5"):
        load_sweep(path, {})


# --- records ----------------------------------------------------------------------------------


def test_resolved_keys_are_read_as_the_same(write):
    experiment = load_experiment(write(MY_HARD))
    assert load_experiment(write(json.dumps(resolved_keys(experiment)))).variants == (
        experiment.variants
    )


def test_the_formula_counts_in_the_digest():
    for label in ("{}", "{{name: mine, formula: '{}'}}"):
        one, other = (
            load_experiment(flags={"activation": label.format(formula)})
            for formula in ("tanh(x)", "tanh(1.5*x)")
        )
        assert digest_experiments([one]) != digest_experiments([other])


def test_a_record_means_the_same_when_the_table_has_changed(monkeypatch, write):
    silu, x = ACTIVATIONS["silu"], np.ones(1)
    path = write(json.dumps(resolved_keys(load_experiment(flags={"activation": "silu"}))))
    changed = dict(ACTIVATIONS) | {"silu": ACTIVATIONS["tanh"]}
    monkeypatch.setattr("hsig.activations.table.ACTIVATIONS", changed)
    kept = load_experiment(path).variants[0].activation
    assert kept.name == "silu"
    np.testing.assert_array_equal(kept.value(x), silu.value(x))


# --- both engines -----------------------------------------------------------------------------


@built
@given(FORMULAS)
def test_both_engines_give_a_formula_the_same_numbers(root):
    flags = {"activation": format_formula(root), "output_activation": "sigmoid", "seeds": "12"}
    try:
        experiment = load_experiment(
            flags=flags | {"init": "uniform:-1,1", "learning_rate": "0.01"}
        )
    except ConfigError:
        assume(False)
    problem = experiment.problem_of(experiment.variants[0])
    assert compiled.supports(problem)
    state = State.start(tuple(map(seeds_last, experiment.starting_weights())))
    ours, theirs = (e.advance(state, problem, 1).weights for e in (compiled, reference))
    assume(max(np.abs(layer).max() for layer in theirs) < 50)  # else the last digits are lost
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9)


# --- the table --------------------------------------------------------------------------------


def test_adding_an_activation_is_one_row_in_one_file(tmp_path):
    """On a copy of hsig: it is described, compared and trained by both engines."""
    copy = tmp_path / "hsig"
    shutil.copytree(Path(hsig.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    table = copy / "activations" / "table.py"
    row = 'row("cubed", "tanh(x)**3 + bend*x", "nobody", "mine.Cubed", bend=0.5),\n'
    table.write_text(table.read_text().replace("SURVEYED = (\n", f"SURVEYED = (\n    {row}"))

    def out_of(*arguments):
        command = [sys.executable, "-m", "hsig", *arguments]
        found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        return found.stdout

    described = out_of("activations", "cubed")
    assert "tanh(x)**3 + 0.5*x" in described
    assert "mine.Cubed" in described
    short = ("-s", "3", "-e", "20", "--no-save", "-q")
    assert "cubed:" in out_of("compare", "tanh", "mine.Cubed", *short)
    assert "cubed:bend=2" in out_of("train", "cubed:bend=2", "--engine", "reference", *short)
