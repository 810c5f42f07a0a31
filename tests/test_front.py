"""What Python calls gives what the commands print, and refuses in the same words."""

import inspect
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commands import invoked, out_of
from hypothesis import given
from hypothesis import strategies as st
from pages import read_csv

import hsig
from hsig.activations import ACTIVATIONS
from hsig.config.formulas import Argument, read_argument
from hsig.config.keys import KEYS
from hsig.output.html import as_html

SMALL = {"seeds": 4, "epochs": 60, "report_every": 20}
FLAGS = "--seeds 4 --epochs 60 --report-every 20"
# the call, and the command that asks the same
CALLS = {
    "train": (lambda: hsig.train("hard", **SMALL), f"train hard {FLAGS}"),
    "compare": (
        lambda: hsig.compare("tanh", "hard:slope=0.3", "ultra_fast", **SMALL),
        f"compare tanh hard:slope=0.3 ultra_fast {FLAGS}",
    ),
    "tasks": (
        lambda: hsig.compare("tanh", "hard", task=["xor", "and"], **SMALL),
        f"compare tanh hard --task xor,and {FLAGS}",
    ),
    "tune": (
        lambda: hsig.compare("tanh", "hard", tune={"learning_rate": [0.1, 1]}, **SMALL),
        f"compare tanh hard --tune learning_rate=0.1,1 {FLAGS}",
    ),
    "explain": (lambda: hsig.explain("hard", **SMALL), f"explain hard {FLAGS}"),
    "sweep": (
        lambda: hsig.sweep("hard", learning_rate=[0.1, 1], hidden=(2, 3), seeds=4, epochs=60),
        "sweep hard --learning-rate 0.1,1 --hidden 2,3 --seeds 4 --epochs 60",
    ),
}


@pytest.mark.parametrize("case", CALLS)
def test_a_call_gives_what_its_command_prints_and_a_kept_run_the_same(runs, monkeypatch, case):
    monkeypatch.setenv("COLUMNS", "88")
    call, line = CALLS[case]
    result, words = call(), line.split()
    shown = out_of(*words)
    out_of(*words, "--no-save", "--output", "x.json", "--output", "x.csv")
    document = json.loads(Path("x.json").read_text("utf-8"))
    opened = hsig.open_run(runs_dir=runs)
    assert result.command == opened.command == words[0]
    assert result.to_dict() == opened.to_dict() == document
    assert result.digest == opened.digest
    assert result.table().splitlines() == [text.rstrip() for text in shown.splitlines()]
    assert result._repr_html_() == as_html(result.page)
    rows = read_csv(Path("x.csv").read_text("utf-8"))
    columns = result.columns()
    assert list(columns) == list(rows[0])
    for name, column in columns.items():
        assert column.dtype.kind in "biufU"
        assert all(map(is_same, column.tolist(), [row[name] for row in rows]))


def is_same(cell, text):
    """Whether an entry of a column is what CSV has."""
    if isinstance(cell, str):
        return cell == text
    return math.isnan(cell) if text in ("", "nan") else float(text) == cell


def test_a_result_is_drawn_as_a_figure_that_may_be_changed(tmp_path):
    pytest.importorskip("matplotlib")
    result = hsig.train("hard", **SMALL)
    figure = result.plot("solved", theme="dark")
    figure.axes[0].set_title("mine")
    figure.savefig(tmp_path / "mine.png")
    assert (tmp_path / "mine.png").read_bytes().startswith(b"\x89PNG")
    assert result.plot("activation", at=20, seed=1).axes
    with pytest.raises(hsig.ConfigError, match="Did you mean 'costs'"):
        result.plot("cost")


def test_configs_are_compared_and_keys_beat_those_of_a_config(tmp_path):
    for name, rate in (("slow", 0.01), ("fast", 0.5)):
        config = f"activation: tanh\nlearning_rate: {rate}\nepochs: 9\nseeds: 3\n"
        (tmp_path / f"{name}.yaml").write_text(config, encoding="utf-8")
    compared = hsig.compare(tmp_path / "slow.yaml", str(tmp_path / "fast.yaml"))
    assert list(compared.variants) == ["slow: tanh", "fast: tanh"]
    assert (len(compared.summaries), compared.pairing) == (2, None)
    assert hsig.train(tmp_path / "slow.yaml", epochs=12).summary.experiment.epochs == 12
    assert hsig.train(tmp_path / "slow.yaml", "hard").variant.label == "hard"


def test_arrays_tuples_ranges_paths_and_activations_are_values(tmp_path):
    data = tmp_path / "mine.csv"
    data.write_text("0,0\n1,1\n", encoding="utf-8")
    rows = hsig.train(
        ACTIVATIONS["tanh"],
        task={"inputs": np.array([[0.0], [1.0]]), "targets": (0, np.float64(1.0))},
        seeds=range(3, 6),
        epochs=np.int64(5),
    )
    assert rows.variant.seeds == (3, 4, 5)
    of_csv = hsig.train("tanh", task={"csv": data}, seeds=[3, 4, 5], epochs=5)
    assert np.array_equal(rows.variant.costs, of_csv.variant.costs)


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda parts: (
        st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=2), parts, max_size=2)
    ),
    max_leaves=6,
)


@given(plain)
def test_plain_values_stay_as_they_are(value):
    problems = []
    assert read_argument("task", Argument(value), problems).value == value
    assert not problems


@pytest.mark.parametrize(
    ("call", "flags"),
    [
        ({"epochs": 0}, ["--epochs", "0"]),
        ({"learning_rate": "fast", "seeds": [1, 1]}, ["--learning-rate", "fast", "--seeds", "1,1"]),
        ({"loss": "brier", "init": "uniform:2,1"}, ["--loss", "brier", "--init", "uniform:2,1"]),
        ({"activation": "geluu"}, ["--activation", "geluu"]),
    ],
)
def test_a_mistake_is_told_in_the_words_of_the_command_line(call, flags):
    with pytest.raises(hsig.ConfigError) as refused:
        hsig.train(**call)
    messages = [
        f"--{message.replace('_', '-', message.partition(':')[0].count('_'))}"
        for message in refused.value.messages
    ]
    assert messages == list(invoked("train", *flags).exception.messages)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hsig.train("hard", lr=1), "arguments: unknown key 'lr'. Did you mean 'learn"),
        (lambda: hsig.train("hard", "tanh"), "expected one activation, got hard, tanh."),
        (lambda: hsig.compare("hard", activations="tanh"), "activations: given twice"),
        (lambda: hsig.train("no.yaml"), "no.yaml: no such file"),
        (lambda: hsig.train(seeds=[1, print]), "seeds[1]: expected "),
        (lambda: hsig.train(expect={"hard": {1, 2}}), "expect.hard: expected "),
        (lambda: hsig.sweep("hard"), "expected values to sweep"),
        (lambda: hsig.open_run(runs_dir="nowhere"), "nowhere: there are no kept runs here"),
    ],
)
def test_what_only_a_call_can_get_wrong_is_told_too(call, message):
    with pytest.raises(hsig.ConfigError, match=f"^{re.escape(message)}"):
        call()


def test_what_makes_a_task_hard_is_a_warning():
    with pytest.warns(UserWarning, match="scale standard"):
        hsig.train("tanh", task={"inputs": [[100], [900]], "targets": [0, 1]}, seeds=2, epochs=2)


def test_functions_show_every_key_of_their_command_with_its_default():
    for name in ("train", "compare", "explain", "sweep"):
        function = getattr(hsig, name)
        parameters = inspect.signature(function).parameters
        keys = {key.name: key.default_for(name) for key in KEYS.values() if name in key.commands}
        assert {n: p.default for n, p in parameters.items() if n != "what"} == keys
        assert all(f"        {key}: " in function.__doc__ for key in keys)


def test_the_public_names_are_there():
    assert {*hsig.__all__} == {
        *("ACTIVATIONS", "ConfigError", "HsigError", "RunError", "__version__", "activation"),
        *("compare", "data", "explain", "open_run", "sweep", "train"),
    }
    assert dir(hsig) == sorted(hsig.__all__)
    assert all(getattr(hsig, name) is not None for name in hsig.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        hsig.nothing  # noqa: B018  # to look is what is tried


# --- an activation in Python ------------------------------------------------------------------


def softplus(x):
    return np.log1p(np.exp(x))


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def ramp(x):
    return np.clip(x, 0.0, 1.0, out=x)  # a function may write to what it gets


def ramp_slope(x):
    return ((x > 0.0) & (x < 1.0)) * 1.0


def test_a_function_trains_as_the_formula_that_says_the_same():
    mine = hsig.activation("mine", ramp, ramp_slope)
    keys = {"seeds": 8, "epochs": 300, "init": "uniform:-1,1", "engine": "reference"}
    ours, theirs = (hsig.train(a, **keys) for a in (mine, "clip(x, 0, 1)"))
    assert np.allclose(ours.variant.costs, theirs.variant.costs, rtol=1e-12, equal_nan=True)
    # a function says nothing of its pieces, so that what is affine is seen by the fit alone
    assert ours.verdicts == theirs.verdicts


def test_a_function_is_trained_by_numpy_beside_formulas_and_explained(monkeypatch):
    monkeypatch.setattr("hsig.experiments.parallel._MIN_WORK_FOR_PROCESSES", 0)
    mine = hsig.activation("mine", lambda x: softplus(x), sigmoid)  # no process can have it
    compared = hsig.compare(mine, "softplus", seeds=6, epochs=50, workers=2)
    assert compared.to_dict()["variants"][0]["engine"] == "reference"
    first, second = compared.variants.values()
    assert np.allclose(first.costs, second.costs, rtol=1e-9)
    assert hsig.explain(mine, seeds=3, epochs=20).remedies
    assert hsig.sweep([mine, "tanh"], seeds=2, epochs=5).axes[0].values == ("mine", "tanh")


def test_functions_that_differ_have_other_digests():
    functions = ((ramp, ramp_slope), (softplus, sigmoid), (lambda x: ramp(x), ramp_slope))
    mine = [hsig.activation("mine", *pair) for pair in functions]
    first, other, again = (hsig.train(a, seeds=1, epochs=1, loss="squared").digest for a in mine)
    assert first == again
    assert first != other


@pytest.mark.parametrize(
    ("name", "value", "derivative", "message"),
    [
        ("mine", np.tanh, np.tanh, "mine: derivative: "),
        (
            "mine",
            softplus,
            lambda x: np.where(x > 2.0, 0.9, sigmoid(x)),
            "mine: derivative: ",
        ),
        ("mine", math.tanh, np.cos, "mine: value: raises TypeError"),
        ("mine", np.tanh, lambda x: x[:1], "mine: derivative: gives an array of shape (1,)"),
        ("mine", np.mean, np.cos, "mine: value: gives an array of shape ()"),
        ("mine", lambda x: x[:99], np.cos, "mine: value: gives an array of shape (99,)"),
        ("mine", lambda x: np.sin(x) + 1j, np.cos, "mine: value: gives an array of type complex"),
        (
            "mine",
            lambda x: np.sin(x).astype(str),
            np.cos,
            "mine: value: gives an array of type str",
        ),
        ("mine", lambda x: np.sin(x).astype(object), np.cos, "mine: value: gives an array of type"),
        ("mine", lambda x: np.ma.masked_less(x, 0), np.cos, "mine: value: gives a MaskedArray"),
        ("tanh", np.tanh, np.cos, "activation: name: expected a name of its own, got 'tanh'"),
        (3, np.tanh, np.cos, "activation: name: expected a name of its own, got 3"),
    ],
)
def test_a_function_that_will_not_do_is_refused(name, value, derivative, message):
    with pytest.raises(hsig.ConfigError, match=f"^{re.escape(message)}"):
        hsig.activation(name, value, derivative)


@pytest.mark.parametrize("calls", range(0, 240, 30))
def test_a_function_that_gives_something_else_later_fails_with_words(calls):
    left = iter(range(calls))

    def tiring(x):
        in_network = x.ndim == 3
        return np.tanh(x)[:1] if in_network and next(left, None) is None else np.tanh(x)

    mine = hsig.activation("mine", np.tanh, lambda x: 1 - np.tanh(x) ** 2)
    result = hsig.compare("sigmoid", replace(mine, python_value=tiring), seeds=2, epochs=5)
    assert "mine: value: gives an array of shape (1" in result.variants["mine"].failure
    assert result.variants["sigmoid"].solved.n == 2


def test_a_surrogate_is_taken_if_it_is_meant():
    def step(x):
        return np.heaviside(x, 0.5)

    with pytest.raises(hsig.ConfigError, match="surrogate=True"):
        hsig.activation("stairs", step, sigmoid)
    mine = hsig.activation("stairs", step, sigmoid, surrogate=True)
    assert hsig.train(mine, seeds=2, epochs=3).solved.n == 2


def test_a_kink_may_have_any_slope_between_those_of_its_sides():
    with_kinks = [a for a in ACTIVATIONS.values() if a.backward is not None and a.linear_pieces]
    for activation in with_kinks[:5]:
        hsig.activation("mine", activation.value, activation.derivative)
