"""A user's own activation from the command line and from files, to what is kept of it."""

import json
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import yaml
from commands import out_of
from formula_oracle import FORMULAS
from hypothesis import assume, given, settings
from jsonschema import Draft202012Validator

import hsig
from hsig.activations import ACTIVATIONS
from hsig.activations.names import to_text
from hsig.analysis.definitions import define, find_oddities
from hsig.analysis.summary import summarise
from hsig.config.keys import json_schema
from hsig.config.loading import load_activation, load_experiment, resolved_keys
from hsig.config.positional import configs_and_activations
from hsig.config.sweeps import load_sweep
from hsig.engines import compiled, reference
from hsig.engines.engine import State
from hsig.errors import ConfigError
from hsig.experiments.training import gather, run
from hsig.formulas.nodes import format_formula
from hsig.output.formats import as_json
from hsig.reports.lookups import activation_page
from hsig.reports.obstacles import warnings_of
from hsig.reports.phrases import pointer
from hsig.runs.provenance import digest_experiments

MISH = "x*tanh(log(1 + exp(x)))"
MY_HARD = """
activation:
  name: my_hard
  formula: clip(slope*x + 0.5, 0, 1)
  slope: 0.3
  derivative: where(abs(x) <= 0.5/slope, slope, 0)
epochs: 40
seeds: 4
"""


def variant(**flags):
    (found,) = load_experiment(flags=flags).variants
    return found


def refusal(**flags):
    with pytest.raises(ConfigError) as refused:
        load_experiment(flags=flags)
    return "\n".join(refused.value.messages)


@pytest.fixture
def my_hard(tmp_path):
    path = tmp_path / "my.yaml"
    path.write_text(MY_HARD)
    return path


# --- reading ----------------------------------------------------------------------------------


def test_a_formula_is_its_own_label_unless_it_has_a_name(my_hard):
    assert variant(activation=MISH).label == "x*tanh(softplus(x))"
    assert variant(activation="clip(slope*x + 0.5, 0, 1):slope=0.3").label == (
        "clip(0.3*x + 0.5, 0, 1)"
    )
    experiment = load_experiment(my_hard)
    assert experiment.variants[0].label == "my_hard"


def test_a_label_that_is_a_formula_means_the_same_activation():
    found = variant(activation="where(x > 0, x, 0.25*(exp(x) - 1))")
    assert variant(activation=found.label) == found


def test_a_formula_that_is_a_row_of_the_table_trains_to_the_same_bits():
    for name, formula in (
        ("mish", MISH),
        ("hard", "clip(0.2*x + 0.5, 0, 1)"),
        ("relu", "max(x, 0)"),
    ):
        own, row = (
            load_experiment(flags={"activation": a, "epochs": "50"}) for a in (formula, name)
        )
        trained = [next(iter(gather(e, run(e)).results)) for e in (own, row)]
        np.testing.assert_array_equal(trained[0].weights.hidden, trained[1].weights.hidden)


def test_commas_within_brackets_part_no_activations():
    experiment = load_experiment(
        flags={"activations": "hard,clip(0.3*x, -1, 1),hard:slope=0.3,kink=open,min(x, 1)"},
        command="compare",
    )
    assert [v.label for v in experiment.variants] == [
        "hard",
        "clip(0.3*x, -1, 1)",
        "hard:slope=0.3,kink=open",
        "min(x, 1)",
    ]


def test_a_kink_and_a_backward_slope_go_with_a_formula():
    found = variant(activation="max(x, 0):kink=mean,backward=own").hidden_activation
    assert found.derivative(np.zeros(1))[0] == 0.5
    assert variant(activation="max(x, 0):kink=mean").label == "max(x, 0):kink=mean"


def test_the_slope_at_a_kink_alone_tells_two_activations_apart():
    flags = {"activations": "torch.nn.Hardtanh,jax.nn.hard_tanh"}
    experiment = load_experiment(flags=flags, command="compare")
    assert [v.label for v in experiment.variants] == ["hard_tanh", "hard_tanh:kink=closed"]


def test_a_slope_that_is_given_is_trained_with(my_hard):
    given = load_experiment(my_hard).variants[0].hidden_activation
    x = np.array([-2.0, -5 / 3, 0.0, 1.0, 1.7])
    np.testing.assert_array_equal(given.derivative(x), [0, 0.3, 0.3, 0.3, 0])
    wild = variant(activation="{formula: tanh(x), derivative: '1'}").hidden_activation
    np.testing.assert_array_equal(wild.training_slope(x, wild.value(x)), 1.0)


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("x*tnh(x)", "Did you mean 'tanh'?"),
        ("slope*x", "unknown name 'slope'. Known: x, pi, inf. A parameter has a value: slope: 0.3"),
        ("slope*x:slope=0.3,slop=2", "there is no slop in the formula. Did you mean 'slope'?"),
        ("slope*x:slope=fast", "slope: expected a number"),
        ("log(x)", "expected a formula with a value at 0, got log(x): -inf at x = 0"),
        ("sqrt(x - 1)", "got sqrt(x - 1): nan at x = 0"),
        ("1 + 1", "expected a formula in x"),
        ("0*x", "expected a formula in x, got the text '0*x', which is constant"),
        ("{formula: 3}", "expected a formula in x"),
        ("{formula: [x]}", "expected a formula, such as"),
        ("{formula: x, derivative: y}", "unknown name 'y'"),
        ("{formula: x, name: [1]}", "expected a name for tables"),
        ("{formula: x*x, name: relu}", "'relu' is a name that hsig has. Choose another"),
        ("{formula: x*x, name: Swish}", "'Swish' is a name that hsig has"),
        ("{formula: x*x, name: all}", "'all' is a name that hsig has"),
        ("{formula: x*x, name: 'hard:slope=0.3'}", "expected a name of letters, digits"),
        ("{formula: ''}", "expected a formula, such as"),
        ("{name: ''}", "expected the name of an activation, or a formula, got nothing"),
        (" ", "expected a formula, such as clip(0.2*x + 0.5, 0, 1), got nothing"),
        ("x:kink=round", "kink: expected one of own, open, closed"),
    ],
)
def test_what_is_wrong_with_a_formula_is_said(written, complaint):
    assert complaint in refusal(activation=written)


@pytest.mark.parametrize(
    ("word", "config"),
    [
        ("x/(1 + abs(x*b)):b=1", False),
        ("1/(1 + exp(-b*x)):b=2", False),
        ("2/x", False),
        ("x/(1 + abs(x)", False),
        ("x^2/2", False),
        ("configs/hard", True),
        ("./x/y", True),
        ("x/mine.yaml", True),
        ("mine.yml", True),
        ("hard", False),
    ],
)
def test_a_word_with_a_slash_is_a_config_unless_it_is_a_formula(word, config):
    assert configs_and_activations([word]) == (([Path(word)], []) if config else ([], [word]))


def test_where_to_learn_why_a_formula_failed_is_told_by_its_name(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("activations: [sigmoid, {name: mine, formula: 0.2*x, kink: open}]\nepochs: 2\n")
    experiment = load_experiment(path, {"seeds": "2"})
    outcome = gather(experiment, run(experiment))
    told = pointer(outcome.experiment, summarise(outcome).variants)
    assert told == ("to see why: hsig explain mine, with the same config and flags",)


def test_an_empty_place_in_a_list_is_no_activation():
    with pytest.raises(ConfigError) as refused:
        load_experiment(flags={"activations": "tanh, ,relu"}, command="compare")
    (message,) = refused.value.messages
    assert message.endswith("expected a formula, such as clip(0.2*x + 0.5, 0, 1), got nothing")


def test_a_name_in_a_file_means_the_formula_that_has_it_there(tmp_path):
    path = tmp_path / "both.yaml"
    path.write_text(
        "activations:\n  - {name: mine, formula: x*sigmoid(b*x), b: 1.7}\n  - tanh\n"
        "baseline: mine\npredict_with: mine,hard\n"
    )
    compared = load_experiment(path, command="compare")
    assert (compared.baseline, [v.label for v in compared.variants]) == ("mine", ["mine", "tanh"])
    assert [one.name for one in compared.predict_with] == ["mine", "hard"]
    alone = load_experiment(path, {"activation": "mine", "baseline": ""}, "explain")
    assert alone.variants[0].hidden_activation == compared.variants[0].hidden_activation
    several = load_experiment(path, {"activations": "sigmoid,mine"}, "compare")
    assert [v.label for v in several.variants] == ["sigmoid", "mine"]


def test_a_mistake_in_a_file_has_its_line_and_a_caret(tmp_path):
    path = tmp_path / "x.yaml"
    path.write_text("activation:\n  formula: clip(slope*x, 0, 1\n  slope: 0.3\n")
    with pytest.raises(ConfigError) as refused:
        load_experiment(path)
    (message,) = refused.value.messages
    assert message.startswith(f"{path}:2: activation.formula: expected a formula")
    assert message.endswith("\n        ^")


def test_the_schema_knows_formulas():
    validator = Draft202012Validator(json.loads(json.dumps(json_schema())))
    assert validator.is_valid(yaml.safe_load(MY_HARD))
    assert not validator.is_valid({"activation": {"formula": 3}})


# --- what is kept -----------------------------------------------------------------------------


def test_what_is_resolved_reads_back_as_the_same(my_hard, tmp_path):
    experiment = load_experiment(my_hard)
    again = tmp_path / "again.yaml"
    again.write_text(json.dumps(resolved_keys(experiment)))
    assert load_experiment(again).variants == experiment.variants


def test_the_formula_counts_in_the_digest():
    one, other = (load_experiment(flags={"activation": a}) for a in ("tanh(x)", "tanh(1.5*x)"))
    assert digest_experiments([one]) != digest_experiments([other])
    named = [
        load_experiment(flags={"activation": f"{{name: mine, formula: '{a}'}}"})
        for a in ("tanh(x)", "tanh(1.5*x)")
    ]
    assert digest_experiments([named[0]]) != digest_experiments([named[1]])


def test_a_record_means_the_same_when_the_table_has_changed(monkeypatch, tmp_path):
    path = tmp_path / "kept.json"
    path.write_text(json.dumps(resolved_keys(load_experiment(flags={"activation": "silu"}))))
    was = ACTIVATIONS["silu"].value(np.ones(1))
    changed = dict(ACTIVATIONS) | {"silu": ACTIVATIONS["tanh"]}
    monkeypatch.setattr("hsig.activations.table.ACTIVATIONS", changed)
    kept = load_experiment(path).variants[0].hidden_activation
    assert kept.name == "silu"
    np.testing.assert_array_equal(kept.value(np.ones(1)), was)


def test_a_parameter_of_a_formula_can_be_swept(hsig_command, tmp_path):
    path = tmp_path / "sweep.yaml"
    path.write_text(
        "activation: {name: mine, formula: 'tanh(steep*x)', steep: 1}\nepochs: 10\nseeds: 3\n"
        "sweep:\n  activation.steep: [0.5, 1, 2]\n"
    )
    made = json.loads(hsig_command("sweep", str(path), "-f", "json"))
    assert len(made["cells"]) == 3


def test_a_swept_parameter_of_a_formula_is_any_number_and_a_setting_of_a_row_what_it_was(tmp_path):
    text = "activation: {}\nsweep:\n  activation.slope: [-0.5, 0.5]\n"
    path = tmp_path / "sweep.yaml"
    path.write_text(text.format("{formula: tanh(x) + slope*x, slope: 1}"))
    assert len(load_sweep(path, {}).cells) == 2
    path.write_text(text.format("hard"))
    with pytest.raises(ConfigError, match=r"expected a number above 0, got -0\.5"):
        load_sweep(path, {})


@pytest.fixture
def hsig_command(tmp_path):
    def run(*arguments):
        done = subprocess.run(
            [sys.executable, "-m", "hsig", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    return run


# --- what is odd about it ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("(exp(x) - exp(-x))/(exp(x) + exp(-x))", "it is nan below x = -709.783, where exp(-x)"),
        ("x*exp(x)", "it is infinite above x = 703.227"),
        ("sqrt(x)", "it is nan below x = 0, where sqrt(x)"),
        ("x/(1 - 2*abs(x))", "it is infinite near x = 0.5, where"),
        ("x*inf", "it is infinite below x = 0"),
        ("x**2", "its slope grows on and on: it is 2000 at x = 1000"),
        ("where(x > 0, 1, 0)", "its slope is 0 everywhere"),
        ("floor(x)", "its slope is 0 everywhere"),
    ],
)
def test_what_is_odd_is_said_before_training(written, said):
    experiment = load_experiment(flags={"activation": written, "loss": "squared"})
    assert any(said in message for message in warnings_of([experiment]))


@pytest.mark.parametrize(
    "written",
    [
        "min(x*x, 1e300*x)",
        "where(x > 0, 1e308*x, -1e308*x)",
        "sqrt(atan(-1/(x + 1e-300)))",
        "where(x == 0, 0, (expm1(x) + elu(x))**0.5)",
        "x - 1e308*cos(x)",
    ],
)
def test_a_page_can_be_made_of_any_formula(written):
    with suppress(ConfigError):
        page = activation_page(define(load_activation(written)), None)
        assert json.loads(as_json(page, every_seed=True))["activations"]


def test_a_derivative_that_is_none_is_said_with_the_point():
    own = [
        variant(activation=f"{{formula: atan(x), derivative: {given}}}").hidden_activation
        for given in ("1/(x*x) + 1", "1/(1 + x*x)")  # the first as it was once published
    ]
    wrong, right = own
    (odd,) = (o for o in find_oddities(wrong) if o.kind == "wrong")
    assert odd.x == 0.0 or odd.found == pytest.approx(1 / odd.x**2 + 1)
    assert odd.expected == pytest.approx(1 / (1 + odd.x**2), rel=1e-4)
    assert not find_oddities(right)


def test_of_the_table_nothing_is_nan_and_nothing_but_squares_and_exponentials_is_infinite():
    kinds = {name: {odd.kind for odd in find_oddities(row)} for name, row in ACTIVATIONS.items()}
    assert not any("nan" in found for found in kinds.values())
    odd = {name for name, found in kinds.items() if found}
    assert odd == {"exponential", "square", "squared_relu", "step", "sign"}


def test_a_usual_formula_is_trained_without_a_word():
    experiment = load_experiment(flags={"activation": MISH})
    assert warnings_of([experiment]) == ()
    assert define(experiment.variants[0].hidden_activation).oddities == ()


# --- both engines -----------------------------------------------------------------------------


@pytest.mark.skipif(not compiled.is_available(), reason="the kernel was not built here")
@given(FORMULAS)
@settings(max_examples=120, deadline=None)
def test_both_engines_give_a_formula_the_same_numbers(root):
    try:
        experiment = load_experiment(
            flags={
                "activation": format_formula(root),
                "output_activation": "sigmoid",
                "learning_rate": "0.01",
                "seeds": "12",
                "init": "uniform:-1,1",
            }
        )
    except ConfigError:
        assume(False)
    (one,) = experiment.variants
    problem = experiment.problem_of(one)
    assert compiled.knows(problem)
    layers = (np.moveaxis(layer, 0, -1) for layer in experiment.starting_weights())
    state = State.start(hsig.networks.network.Weights(*map(np.ascontiguousarray, layers)))
    made = [engine.advance(state, problem, 1) for engine in (compiled, reference)]
    sizes = [np.abs(layer).max() for layer in made[1].weights]
    assume(max(sizes) < 50)  # no step that throws the last digits far
    for ours, theirs in zip(made[0].weights, made[1].weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.skipif(not compiled.is_available(), reason="the kernel was not built here")
def test_no_activation_falls_back_to_the_reference_engine():
    for row in ACTIVATIONS.values():
        experiment = load_experiment(flags={"activation": to_text(row.with_settings({}, "own"))})
        assert experiment.engines == ("compiled",)
    assert load_experiment(flags={"activation": "erf(x) + x**x*0"}).engines == ("compiled",)


# --- the table --------------------------------------------------------------------------------


def test_adding_an_activation_is_one_row_in_one_file(tmp_path):
    """On a copy of hsig: it is listed, described, compared by both engines and completed."""
    copy = tmp_path / "hsig"
    shutil.copytree(Path(hsig.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    table = copy / "activations" / "table.py"
    row = 'row("cubed", "tanh(x)**3 + bend*x", "nobody", "mine.Cubed", bend=0.5),\n'
    table.write_text(table.read_text().replace("SURVEYED = (\n", f"SURVEYED = (\n    {row}"))

    def run(*arguments):
        command = [sys.executable, "-m", "hsig", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout

    assert "tanh(x)**3 + 0.5*x" in run("activations", "cubed")
    assert "mine.Cubed" in run("activations", "cubed")
    kept = ("-s", "3", "-e", "20", "--no-save", "-q")
    for engine in ("auto", "reference"):
        assert "cubed" in run("compare", "tanh", "mine.Cubed", "--engine", engine, *kept)
    assert "cubed:bend=2" in run("train", "cubed:bend=2", *kept)
    if compiled.is_available():
        assert "engine compiled" in run("train", "cubed", *kept[:-1])


def test_a_kept_comparison_with_a_formula_by_its_label_is_shown_again(runs):
    del runs
    Path("mine.yaml").write_text(
        "activations: [tanh, {name: mine, formula: x*tanh(x)}]\nbaseline: mine\n"
        "epochs: 3\nseeds: 2\npredict_with: [mine]\n",
        encoding="utf-8",
    )
    made = out_of("compare", "mine.yaml", "--format", "json")
    assert json.loads(made)["experiment"]["baseline"] == "mine"
    assert out_of("runs", "show", "latest", "--format", "json") == made
    assert "the same bits" in out_of("runs", "rerun", "latest")
