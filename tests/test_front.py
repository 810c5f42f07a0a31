"""What Python calls gives what the commands print, and refuses in the same words."""

import inspect
import json
import math
import re
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
from hsig.config.loading import load_experiment
from hsig.output.html import as_html
from hsig.results.front import train

SMALL = {"seeds": 4, "epochs": 60, "report_every": 20}
FLAGS = ["--seeds", "4", "--epochs", "60", "--report-every", "20", "--no-save"]
# the call, and the command that asks the same
ASKED = {
    "train": (lambda: hsig.train("hard", **SMALL), ["train", "hard", *FLAGS]),
    "compare": (
        lambda: hsig.compare("tanh", "hard:slope=0.3", "ultra_fast", **SMALL),
        ["compare", "tanh", "hard:slope=0.3", "ultra_fast", *FLAGS],
    ),
    "tasks": (
        lambda: hsig.compare("tanh", "hard", task=["xor", "and"], **SMALL),
        ["compare", "tanh", "hard", "--task", "xor,and", *FLAGS],
    ),
    "tune": (
        lambda: hsig.compare("tanh", "hard", tune={"learning_rate": [0.1, 1]}, **SMALL),
        ["compare", "tanh", "hard", "--tune", "{learning_rate: [0.1, 1]}", *FLAGS],
    ),
    "explain": (lambda: hsig.explain("hard", **SMALL), ["explain", "hard", *FLAGS]),
    "sweep": (
        lambda: hsig.sweep("hard", learning_rate=[0.1, 1], hidden=(2, 3), seeds=4, epochs=60),
        [
            "sweep",
            "hard",
            "--learning-rate",
            "0.1,1",
            "--hidden",
            "2,3",
            "--seeds",
            "4",
            "--epochs",
            "60",
            "--no-save",
        ],
    ),
}


@pytest.fixture(params=ASKED)
def asked(request):
    """What a call gives, and the words of the command that asks the same."""
    call, words = ASKED[request.param]
    return call(), words


def test_a_call_gives_the_json_of_its_command(asked):
    result, words = asked
    assert result.command == words[0]
    assert result.to_dict() == json.loads(out_of(*words, "--format", "json"))


def test_its_table_is_what_the_command_shows(asked, monkeypatch):
    result, words = asked
    monkeypatch.setenv("COLUMNS", "88")
    shown = out_of(*words)
    assert result.table().splitlines() == [line.rstrip() for line in shown.splitlines()]
    assert all(len(line) <= 60 for line in result.table(width=60).splitlines())
    if words[0] != "sweep":
        assert result.table(full=True).splitlines() == [
            line.rstrip() for line in out_of(*words, "--full").splitlines()
        ]


def same(cell, text):
    """Whether an entry of a column is what CSV has."""
    if isinstance(cell, str):
        return cell == text
    return math.isnan(cell) if text in ("", "nan") else float(text) == cell


def test_its_columns_are_those_of_csv(asked):
    result, words = asked
    for long in (False, True):
        if long and words[0] in ("sweep", "explain"):
            continue
        rows = read_csv(out_of(*words, "--format", "csv", *(["--long"] if long else [])))
        columns = result.columns(long=long)
        assert list(columns) == list(rows[0])
        for name, column in columns.items():
            assert column.dtype.kind in "biufU"
            assert all(
                same(*pair) for pair in zip(column.tolist(), [r[name] for r in rows], strict=True)
            )


def test_numbers_are_numbers_in_columns_also_where_some_are_missing():
    columns = hsig.train("hard", **SMALL).columns(long=True)
    assert columns["cost_mean"].dtype == np.float64
    assert columns["seed"].dtype == np.int64
    assert columns["solved_at"].dtype == np.float64
    assert np.isnan(columns["solved_at"]).all()
    assert set(columns["verdict"]) <= {"affine", "slow", "plateau", "frozen"}


def test_a_result_has_its_numbers_as_attributes():
    result = hsig.train("sigmoid", seeds=100)
    assert (result.solved.k, result.solved.n) == (99, 100)  # as in the README
    assert result.verdicts == {"solved": 99, "slow": 1}
    compared = hsig.compare("sigmoid", "hard", seeds=100)
    assert compared.variants["hard"].solved.k == 3
    assert compared.pairing.against["hard"].claim == "less"
    explained = hsig.explain("hard", seeds=100)
    assert explained.remedies["initial weights from [-2, 2)"].numbers.solved.k == 65
    assert any("It is affine" in paragraph for paragraph in explained.story)
    swept = hsig.sweep("hard", epochs=[4000, 8000], seeds=100)
    assert [swept.cells[cell].solved.k for cell in (("4000",), ("8000",))] == [3, 67]


def test_a_result_says_in_a_line_what_it_is():
    said = "hard: solved 3 of 100 seeds (3 %; 95 % Wilson interval 1 % to 8 %)"
    assert repr(hsig.train("hard")) == said
    assert repr(hsig.compare("sigmoid", "hard")).splitlines()[1] == said
    assert repr(hsig.sweep("hard", epochs=[1, 2], seeds=2)).startswith(
        "2 cells, epochs; all else as"
    )


def test_a_notebook_shows_a_result_as_its_page(asked):
    result, _ = asked
    shown = result._repr_html_()
    assert shown == as_html(result.page)
    assert "<table" in shown
    assert "<html" not in shown


def test_a_result_is_drawn_as_a_figure_that_may_be_changed(tmp_path):
    figure = hsig.train("hard", **SMALL).plot("solved", theme="dark")
    figure.axes[0].set_title("mine")
    figure.savefig(tmp_path / "mine.png")
    assert (tmp_path / "mine.png").read_bytes().startswith(b"\x89PNG")
    assert len(hsig.train("hard", **SMALL).plot("activation", at=20).axes) == 2
    with pytest.raises(hsig.ConfigError, match=r"there is no picture 'cost' of this\. Did you"):
        hsig.train("hard", **SMALL).plot("cost")


def test_several_configs_are_compared(tmp_path):
    for name, rate in (("slow", 0.01), ("fast", 0.5)):
        (tmp_path / f"{name}.yaml").write_text(
            f"activation: tanh\nlearning_rate: {rate}\nepochs: 9\nseeds: 3\n", encoding="utf-8"
        )
    result = hsig.compare(tmp_path / "slow.yaml", str(tmp_path / "fast.yaml"))
    assert list(result.variants) == ["slow: tanh", "fast: tanh"]
    assert len(result.summaries) == 2
    assert result.pairing is None


def test_keys_beat_those_of_a_config(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("activation: hard\nepochs: 9\nseeds: 3\n", encoding="utf-8")
    result = hsig.train(path, epochs=12)
    assert result.summary.experiment.epochs == 12
    assert hsig.train(path, "tanh").variant.label == "tanh"


def test_arrays_tuples_ranges_and_paths_are_values(tmp_path):
    data = tmp_path / "mine.csv"
    data.write_text("0,0\n1,1\n", encoding="utf-8")
    rows = hsig.train(
        "tanh",
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
def test_what_is_wrong_is_told_in_the_words_of_the_command_line(call, flags):
    with pytest.raises(hsig.ConfigError) as refused:
        hsig.train(**call)
    said = invoked("train", *flags).exception.messages
    as_flags = [
        f"--{message.replace('_', '-', message.partition(':')[0].count('_'))}"
        for message in refused.value.messages
    ]
    assert as_flags == list(said)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: hsig.train("hard", lr=1),
            "arguments: unknown key 'lr'. Did you mean 'learning_rate'?",
        ),
        (
            lambda: hsig.train("hard", "tanh"),
            "expected one activation, got hard, tanh. To compare them: hsig.compare",
        ),
        (
            lambda: hsig.compare("hard", activations="tanh"),
            "activations: given twice, also as ['hard']",
        ),
        (lambda: hsig.train("no.yaml"), "no.yaml: no such file"),
        (
            lambda: hsig.train(seeds=[1, print]),
            "seeds[1]: expected a text, a number, a list, a dict or an activation, got a "
            "builtin_function_or_method. A function becomes one by hsig.activation(",
        ),
        (
            lambda: hsig.train(expect={"hard": {1, 2}}),
            "expect.hard: expected a text, a number, a list, a dict or an activation, got a set",
        ),
        (lambda: hsig.sweep("hard"), "expected values to sweep"),
        (lambda: hsig.open_run(runs_dir="nowhere"), "nowhere: there are no kept runs here"),
    ],
)
def test_what_only_a_call_can_get_wrong_is_told_too(call, said):
    with pytest.raises(hsig.ConfigError, match=f"^{re.escape(said)}"):
        call()


def test_what_makes_a_task_hard_is_a_warning():
    with pytest.warns(UserWarning, match="initial weights and learning rates are made for inputs"):
        hsig.train("tanh", task={"inputs": [[100], [900]], "targets": [0, 1]}, seeds=2, epochs=2)


def test_a_kept_run_is_opened_with_all_its_numbers(runs):
    for words in (["train", "hard"], ["compare", "tanh", "hard"], ["explain", "hard"]):
        made = json.loads(out_of(*words, *FLAGS[:-1], "--format", "json"))
        opened = hsig.open_run()
        assert (opened.command, opened.to_dict()) == (words[0], made)
    sweep = "sweep hard --learning-rate 0.1,1 --seeds 4 --epochs 9 --format json --name mine"
    made = json.loads(out_of(*sweep.split()))
    assert hsig.open_run("mine", runs_dir=runs).to_dict() == made
    assert hsig.open_run("latest~1").command == "explain"


def test_a_result_has_the_digest_of_its_run(runs):
    del runs
    for call, words in ASKED.values():
        out_of(*[word for word in words if word != "--no-save"])
        assert call().digest == hsig.open_run().digest


def test_functions_show_every_key_of_their_command_with_its_default():
    for name in ("train", "compare", "explain", "sweep"):
        function = getattr(hsig, name)
        parameters = inspect.signature(function).parameters
        keys = {key.name: key.default_for(name) for key in KEYS.values() if name in key.commands}
        assert {n: p.default for n, p in parameters.items() if n != "what"} == keys
        assert all(f"        {key}: " in function.__doc__ for key in keys)


def test_there_are_a_dozen_names_and_each_is_there():
    assert len(hsig.__all__) <= 12
    assert dir(hsig) == sorted(hsig.__all__)
    assert all(getattr(hsig, name) is not None for name in hsig.__all__)
    assert hsig.train is train
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        hsig.nothing  # noqa: B018  # to look is what is tried


# --- an activation in Python ------------------------------------------------------------------


def softplus(x):
    return np.log1p(np.exp(x))


def softplus_slope(x):
    return 1.0 / (1.0 + np.exp(-x))


def ramp(x):
    return np.clip(x, 0.0, 1.0)


def ramp_slope(x):
    return ((x > 0.0) & (x < 1.0)) * 1.0


def test_a_function_trains_as_the_formula_that_says_the_same():
    mine = hsig.activation("mine", ramp, ramp_slope)
    asked = {"seeds": 8, "epochs": 300, "init": "uniform:-1,1", "engine": "reference"}
    ours, theirs = (hsig.train(a, **asked) for a in (mine, "clip(x, 0, 1)"))
    assert np.allclose(ours.variant.costs, theirs.variant.costs, rtol=1e-12, equal_nan=True)
    # a function says nothing of its pieces, so that what is affine is seen by the fit alone
    assert ours.verdicts == theirs.verdicts


def test_a_function_is_trained_by_numpy_beside_formulas_and_explained():
    mine = hsig.activation("mine", softplus, softplus_slope)
    compared = hsig.compare(mine, "softplus", seeds=6, epochs=200)
    engines = [one["engine"] for one in compared.to_dict()["variants"]]
    assert engines == ["reference", "compiled"]
    one, other = compared.variants.values()
    assert np.allclose(one.costs, other.costs, rtol=1e-9)
    assert hsig.explain(mine, seeds=3, epochs=20).remedies
    assert hsig.sweep(mine, learning_rate=[0.1, 1], seeds=2, epochs=5).axes[0].values == (
        "0.1",
        "1",
    )
    named = hsig.sweep([mine, "tanh"], seeds=2, epochs=5)
    assert named.axes[0].values == ("mine", "tanh")


def test_a_function_stays_in_its_process_however_much_there_is_to_do(monkeypatch):
    monkeypatch.setattr("hsig.experiments.parallel._WORK_WORTH_A_PROCESS", 0)
    mine = hsig.activation("mine", lambda x: ramp(x), lambda x: ramp_slope(x))
    made = hsig.compare(mine, "hard", engine="reference", workers=2, seeds=3, epochs=4)
    assert [variant.solved.n for variant in made.variants.values()] == [3, 3]


def test_functions_that_differ_have_other_digests():
    one = hsig.activation("mine", ramp, ramp_slope)
    other = hsig.activation("mine", softplus, softplus_slope)
    again = hsig.activation("mine", lambda x: ramp(x), lambda x: ramp_slope(x))
    digests = [hsig.train(a, seeds=1, epochs=1, loss="squared").digest for a in (one, other, again)]
    assert digests[0] != digests[1]
    assert digests[0] == digests[2]


def test_what_is_known_of_a_function_is_said():
    mine = hsig.activation("mine", softplus, softplus_slope)
    assert "mine(x) = a function in Python" in hsig.train(mine, seeds=1, epochs=1).table()
    assert (mine.linear_pieces, mine.function.breaks, mine.program) == ((), (), None)
    assert not mine.function.breakpoints_are_complete
    assert mine.range[0] == pytest.approx(0.0, abs=1e-12)
    assert mine.is_monotonic
    assert not mine.maps_into_unit_interval


def wrong_beyond_two(x):
    return np.where(x > 2.0, 0.9, softplus_slope(x))


@pytest.mark.parametrize(
    ("name", "value", "derivative", "said"),
    [
        (
            "mine",
            softplus,
            wrong_beyond_two,
            "mine: derivative: the derivative that is given is not",
        ),
        ("mine", np.tanh, np.tanh, "mine: derivative: the derivative that is given is not"),
        ("mine", math.tanh, np.cos, "mine: value: raises TypeError"),
        ("mine", np.tanh, lambda x: x[:1], "mine: derivative: gives an array of shape (1,)"),
        (
            "mine",
            lambda x: x[:99],
            np.cos,
            "mine: gives an array of shape (99,) for one of shape (2001,)",
        ),
        ("mine", np.mean, np.cos, "mine: value: gives an array of shape ()"),
        (
            "tanh",
            np.tanh,
            np.cos,
            "activation: name: expected a name of its own, got 'tanh', which",
        ),
        (" ", np.tanh, np.cos, "activation: name: expected a name of its own, got ' '"),
        (3, np.tanh, np.cos, "activation: name: expected a name of its own, got 3"),
    ],
)
def test_a_function_that_will_not_do_is_refused(name, value, derivative, said):
    with pytest.raises(hsig.ConfigError, match=f"^{re.escape(said)}"):
        hsig.activation(name, value, derivative)


def test_a_surrogate_is_taken_if_it_is_meant():
    with pytest.raises(hsig.ConfigError, match="or say surrogate=True if it is meant"):
        hsig.activation("heaviside", lambda x: np.heaviside(x, 0.5), softplus_slope)
    mine = hsig.activation(
        "heaviside", lambda x: np.heaviside(x, 0.5), softplus_slope, surrogate=True
    )
    assert hsig.train(mine, seeds=2, epochs=3).solved.n == 2


@given(
    st.sampled_from(
        [one for one in ACTIVATIONS.values() if one.backward is not None and one.linear_pieces]
    )
)
def test_a_kink_may_have_any_slope_between_those_of_its_sides(activation):
    hsig.activation("mine", activation.value, activation.derivative)


def test_a_function_may_write_to_what_it_gets():
    def value(x):
        np.clip(x, 0.0, 1.0, out=x)
        return x

    mine = hsig.activation("mine", value, ramp_slope)
    asked = {"seeds": 2, "epochs": 20, "engine": "reference"}
    plain = hsig.train(hsig.activation("mine", ramp, ramp_slope), **asked)
    assert np.array_equal(hsig.train(mine, **asked).variant.costs, plain.variant.costs)


def test_an_activation_of_the_table_may_be_given_as_it_is():
    given = hsig.train(ACTIVATIONS["hard"], seeds=3, epochs=9).to_dict()
    assert given == hsig.train("hard", seeds=3, epochs=9).to_dict()
    assert load_experiment(Path("configs/smoke.yaml")).epochs
