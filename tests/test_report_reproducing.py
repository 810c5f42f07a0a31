"""How a run is had again: the command in its report, in an empty folder, gives its digest."""

import json
import shlex
from pathlib import Path

import pytest
from commands import hsig
from hypothesis import given
from hypothesis import strategies as st

from hsig.config.keys import COMPARE, EXPLAIN, KEYS, SWEEP, TRAIN
from hsig.config.loading import load_experiment, resolved_keys
from hsig.escaping import escape_control
from hsig.reports.phrases import as_flag, changed_keys, setting_table
from hsig.reports.report import reproduction
from hsig.runs.listing import main_parts
from hsig.runs.store import read_records

SHORT = ("-e", "6", "-s", "3")
CIRCLE = "x\u00e4,y,<b>\n-1,-1,0\n0,0,1\n1,-1,0\n-1,1,0\n"
FILES = {
    "a.yaml": "activation: hard\nepochs: 6\nseeds: 3\n",
    "b.yaml": "activations: [tanh, hard]\nloss: squared\nseeds: [3, 5]\nepochs: 6\nhidden: 2\n",
    "c.yaml": "activation: sigmoid\nepochs: 6\nseeds: 3\nloss: squared\n",
    "sub/a.yaml": "activation: sigmoid\nepochs: 6\nseeds: 3\n",
    "own.yaml": "activations:\n"
    '- {name: "mine \u05d0", formula: "where(x < 0, 0, a*x)", a: 2}\n'
    "- {name: other, formula: x/(1 + abs(x))}\n"
    "epochs: 6\nseeds: 3\ntask: {csv: circle <1>.csv}\nscale: standard\n",
    "long.yaml": f"activation: {{name: {'L' * 2000}, formula: x*tanh(x)}}\nepochs: 6\nseeds: 3\n",
    "given.yaml": "initial_weights: {hidden: [[1, 2], [3, 4], [0, 1]], output: [[1], [2], [3]]}\n"
    "hidden: 2\nepochs: 6\n",
    "slopes.yaml": "activation: hard\nepochs: 6\nseeds: 3\noutput_activation: sigmoid\n"
    "sweep: {activation.slope: [0.25, 0.5], init: [{uniform: [0, 1]}, 'uniform:-1,1']}\n",
    "parameter.yaml": 'activation: {name: mine, formula: "tanh(a*x)", a: 1}\nepochs: 6\nseeds: 3\n'
    "sweep: {activation.a: [1, 2, 3]}\n",
    "outputs.yaml": "output_activation: sigmoid\nepochs: 6\nseeds: 3\n"
    "sweep: {activation: [hard, tanh, sigmoid]}\n",
    "circle <1>.csv": CIRCLE,
}
# what the command is, where it can be said at all without a file
COMMANDS = {
    "defaults": (["train", *SHORT], "hsig train --epochs 6 --seeds 3"),
    "settings": (
        ["train", "hard:slope=0.25,backward=logistic", "-r", "0.5", *SHORT],
        "hsig train hard:slope=0.25,backward=logistic --learning-rate 0.5 --epochs 6 --seeds 3",
    ),
    "formula": (["train", "-a", "-x*x", "-l", "squared", *SHORT], None),
    "output": (
        ["train", "hard", "--output-activation", "sigmoid", *SHORT],
        "hsig train hard --output-activation sigmoid --epochs 6 --seeds 3",
    ),
    "third": (["train", "--init", "uniform:0,0.3333333333333333", *SHORT], None),
    "one seed": (["train", "-s", "[7]", "-e", "6"], "hsig train --epochs 6 --seeds '[7]'"),
    "reference": (
        ["train", "--engine", "reference", "--workers", "1", *SHORT],
        "hsig train --epochs 6 --seeds 3 --engine reference",
    ),
    "budgets": (
        ["train", "-s", "3,5", "-e", "6", "--at-epochs", "2,4", "--report-every", "3"],
        "hsig train --epochs 6 --seeds 3,5 --report-every 3 --at-epochs 2,4",
    ),
    "at the budget": (
        ["train", "-s", "3", "-e", "4000", "--at-epochs", "500", "--report-every", "4000"],
        "hsig train --epochs 4000 --seeds 3 --report-every 4000 --at-epochs 500",
    ),
    "until": (
        ["train", "hard", "--until", "0.2", "--max-seeds", "150", "-e", "5"],
        "hsig train hard --epochs 5",
    ),
    "own data": (["train", "-t", "csv:circle <1>.csv", *SHORT], None),
    "given": (["train", "given.yaml"], None),
    "long": (["train", "long.yaml"], "hsig train experiment.yaml"),
    "compare": (
        ["compare", "sigmoid", "hard", "ultra_fast", "--baseline", "hard", *SHORT],
        "hsig compare sigmoid hard ultra_fast --epochs 6 --seeds 3 --baseline hard",
    ),
    "group": (["compare", "sigmoids", "-e", "2", "-s", "1"], None),
    "formulas": (["compare", "own.yaml"], None),
    "predicting": (
        ["compare", "tanh", "hard", "--predict-with", "sigmoid,hard:slope=0.25", *SHORT],
        "hsig compare tanh hard --epochs 6 --seeds 3 --predict-with sigmoid,hard:slope=0.25",
    ),
    "checked": (["compare", "tanh", "hard", "--expect", "solved_at_most=1", *SHORT], None),
    "tuned": (
        ["compare", "tanh", "hard", "--tune", "learning_rate=0.1,1", "--tune-seeds", "4", *SHORT],
        "hsig compare tanh hard --epochs 6 --seeds 3 --tune learning_rate=0.1,1.0 --tune-seeds 4",
    ),
    "tasks": (
        ["compare", "tanh", "hard", "-t", "xor,and", *SHORT],
        "hsig compare tanh hard --task xor,and --epochs 6 --seeds 3",
    ),
    "configs": (["compare", "a.yaml", "b.yaml"], "hsig compare a.yaml b.yaml"),
    "configs of one": (["compare", "c.yaml", "sub/a.yaml", "a.yaml"], None),
    "explain": (["explain", "hard", *SHORT], "hsig explain hard --epochs 6 --seeds 3"),
    "sweep": (
        ["sweep", "hard", "--learning-rate", "1e-1,1", "--epochs", "6,7", "-s", "3"],
        "hsig sweep hard --seeds 3 --learning-rate 0.1,1 --epochs 6,7",
    ),
    "starts": (
        [
            "sweep",
            "-a",
            "tanh,hard:low=0.1,slope=0.3",
            "--init",
            "uniform:0,1,uniform:-1,1",
            *SHORT,
        ],
        "hsig sweep --epochs 6 --seeds 3 --activation tanh,hard:low=0.1,slope=0.3"
        " --init uniform:0,1,uniform:-1,1",
    ),
    "slopes": (["sweep", "slopes.yaml"], "hsig sweep experiment.yaml"),
    "parameter": (["sweep", "parameter.yaml"], "hsig sweep experiment.yaml"),
    "outputs": (["sweep", "outputs.yaml"], None),
    "outputs by flag": (
        ["sweep", "-a", "hard,tanh", "--output-activation", "sigmoid", *SHORT],
        "hsig sweep --output-activation sigmoid --epochs 6 --seeds 3 --activation hard,tanh",
    ),
    "outputs by default": (
        ["sweep", "-a", "hard,tanh", *SHORT],
        "hsig sweep --epochs 6 --seeds 3 --activation hard,tanh",
    ),
}


def kept(runs):
    """The newest run, with the texts of its configs."""
    record = read_records(runs)[0][0]
    configs = {
        given: (record.folder / name).read_text("utf-8")
        for name, given in record.about["configs"].items()
    }
    return record, configs


@pytest.fixture
def files(runs):
    Path("sub").mkdir()
    for name, text in FILES.items():
        Path(name).write_text(text, encoding="utf-8")
    return runs


@pytest.mark.parametrize(("command", "expected"), COMMANDS.values(), ids=COMMANDS)
def test_the_command_gives_the_same_digest_in_an_empty_folder(
    files, tmp_path_factory, monkeypatch, command, expected
):
    hsig(*command)
    record, configs = kept(files)
    made = reproduction(record.about, main_parts(record), configs)
    assert expected is None or made.command == expected
    assert escape_control(made.command) == made.command
    folder = tmp_path_factory.mktemp("empty")
    monkeypatch.chdir(folder)
    for name, text in made.files.items():
        assert escape_control(text, keep="\n") == text
        assert Path(name).name == name
        Path(name).write_text(text, encoding="utf-8")
    program, *words = shlex.split(made.command)
    assert program == "hsig"
    hsig(*words)
    assert kept(folder / "runs")[0].digest == record.digest


def test_other_settings_have_another_digest(runs):
    digests = set()
    for command in (["train", *SHORT], ["train", "hard", *SHORT], ["sweep", "-r", "1,2", *SHORT]):
        hsig(*command)
        digests.add(kept(runs)[0].digest)
    assert len(digests) == 3


FLAGS = st.fixed_dictionaries(
    {},
    optional={
        "activation": st.sampled_from(["hard", "sigmoid", "tanh", "hard:slope=0.3", "x*x"]),
        "output_activation": st.sampled_from(["same", "sigmoid", "hard", "identity"]),
        "loss": st.sampled_from(["squared"]),
        "task": st.sampled_from(["xor", "and", "parity3"]),
        "epochs": st.sampled_from(["4000", "500", "2000"]),
        "at_epochs": st.sampled_from(["500", "500,2000", "4000"]),
        "seeds": st.sampled_from(["100", "1", "3,5", "0,1", "[7]"]),
        "init": st.sampled_from(["uniform:0,1", "uniform:-0.1,0.1234567890123"]),
        "hidden": st.sampled_from(["1", "3"]),
        "cost": st.sampled_from(["last", "mean"]),
        "expect": st.sampled_from(["solved_at_least=0.5", "verdict=affine"]),
    },
)


@given(FLAGS, st.sampled_from([TRAIN, EXPLAIN]))
def test_the_changed_keys_alone_mean_the_same_experiment(flags, command):
    flags = {"loss": "squared"} | flags
    epochs = [int(flags.get("epochs", "4000"))]
    budgets = [int(part) for part in flags.get("at_epochs", "1").split(",")]
    if "epochs" in flags and max(budgets) > epochs[0]:
        del flags["at_epochs"]
    experiment = load_experiment(flags=flags, command=command)
    keys = resolved_keys(experiment)
    changed = changed_keys(keys, command)
    again = {name: as_flag(value) for name, value in changed.items()}
    assert resolved_keys(load_experiment(flags=again, command=command)) == keys
    assert changed.keys() <= flags.keys() | {"epochs"}


def test_nothing_is_changed_where_all_is_as_it_is_by_default():
    for command, flags in ((TRAIN, {}), (EXPLAIN, {}), (SWEEP, {})):
        assert changed_keys(resolved_keys(load_experiment(flags=flags)), command) == {}
    compared = load_experiment(flags={"activations": "tanh,hard"}, command=COMPARE)
    assert changed_keys(resolved_keys(compared), COMPARE) == {"activations": ["tanh", "hard"]}


def about(command, **flags):
    """What a record says of such an experiment, as far as a setting needs it."""
    experiment = load_experiment(flags=flags, command=command)
    part = {
        "name": "",
        "is_config": False,
        "experiment": json.loads(json.dumps(resolved_keys(experiment))),
    }
    return {"command": command}, [part]


def test_a_setting_has_what_differs_first_and_then_what_does_not():
    table = setting_table(*about(TRAIN, activation="hard", epochs="50", task="xor"))
    assert table.rows[:2] == (("activation", "hard", "sigmoid"), ("epochs", "50", "4000"))
    assert {row[2] for row in table.rows[2:]} == {"the same"}
    assert dict(row[:2] for row in table.rows)["loss"] == "bce"
    names = [row[0] for row in table.rows]
    assert len(set(names)) == len(names)
    assert KEYS.keys() >= set(names)
    assert not {"workers", "max_seeds", "expect", "tune", "at_epochs"} & set(names)


def test_a_setting_says_the_default_of_its_command():
    rows = setting_table(*about(COMPARE, activations="tanh,hard")).rows
    assert rows[0] == ("activations", "tanh, hard", "all")


def test_a_setting_has_the_values_of_a_sweep_in_place_of_the_first():
    found, parts = about(EXPLAIN, activation="hard", learning_rate="0.1", epochs="50")
    axes = [
        {"name": "activation.slope", "values": ["0.2", "0.5"]},
        {"name": "learning_rate", "values": ["0.1", "1"]},
    ]
    rows = setting_table(found | {"command": SWEEP, "sweep": {"axes": axes}}, parts).rows
    told = {name: rest for name, *rest in rows}
    assert told["learning_rate"] == ["0.1 | 1", "0.1"]
    assert told["activation.slope"] == ["0.2 | 0.5", ""]
    assert "report_every" not in told


def test_a_setting_of_own_data_counts_its_samples():
    rows = "{inputs: [[0], [1], [2]], targets: [0, 1, 0], name: <mine>}"
    table = setting_table(*about(TRAIN, task=rows))
    assert table.rows[0] == ("task", "<mine>, 3 samples of its own", "xor")


def test_a_setting_of_several_parts_has_all_their_values():
    found, one = about(COMPARE, activations="tanh,hard", task="xor")
    _, other = about(COMPARE, activations="tanh,hard", task="and")
    assert setting_table(found, [*one, *other]).rows[0] == ("task", "xor | and", "xor")
