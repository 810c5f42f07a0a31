"""A comparison on several tasks: what it takes, what it says over them, and what it keeps."""

import json
from pathlib import Path

import pytest
from commands import hsig, interrupted_at, out_of

from hsig.config.loading import load_experiment, load_side_by_side
from hsig.errors import ConfigError

SMALL = ("-e", "80", "-s", "12", "-l", "squared", "--update", "batch", "-r", "8")
THREE = ("compare", "tanh", "hard", "ultra_fast", *SMALL)
TWO = (*THREE, "-t", "xor,and")


def names(path=None, **flags):
    return list(load_side_by_side([path] if path else [], {"activations": "tanh,hard"} | flags))


# --- what it takes ----------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["xor,parity3,and", "xor, parity3 ,and", "[xor, parity3, and]"])
def test_several_tasks_however_they_are_written(text):
    assert names(task=text) == ["xor", "parity3", "and"]


def test_a_config_lists_tasks_and_a_flag_beats_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a,b.csv").write_text("0,0\n1,1\n", encoding="utf-8")
    Path("my.yaml").write_text(
        "activations: [tanh, hard]\n"
        "task:\n  - xor\n  - {csv: 'a,b.csv'}\n"
        "  - {name: mine, inputs: [[0], [1]], targets: [1, 0]}\n",
        encoding="utf-8",
    )
    assert list(load_side_by_side([Path("my.yaml")], {})) == ["xor", "a,b.csv", "mine"]
    assert list(load_side_by_side([Path("my.yaml")], {"task": "and,or"})) == ["and", "or"]
    assert list(load_side_by_side([Path("my.yaml")], {"task": "and"})) == []
    assert names(task="xor,csv:a,b.csv") == ["xor", "a,b.csv"]
    assert load_experiment(flags={"task": "csv:a,b.csv"}).task.name == "a,b.csv"


def test_tasks_may_be_written_in_the_flag():
    rows = "inputs: [[0], [1]], targets: [0, 1]"
    assert names(task=f"[{{name: a, {rows}}}, {{name: b, {rows}}}, xor]") == ["a", "b", "xor"]


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ({"task": "xor,and,xor"}, ["--task: task: expected each once, got xor again"]),
        ({"task": "xor,und"}, ["--task: unknown task 'und'. Did you mean 'and'?"]),
        ({"task": "[xor, 3]", "epochs": "0"}, ["--task: expected a task's name", "--epochs: "]),
        ({"task": "xor,and", "until": "0.1"}, ["--until: until: goes with one task"]),
        ({"task": "xor,and", "nonsense": "1"}, ["flags: unknown key 'nonsense'"]),
    ],
)
def test_all_problems_of_all_tasks_come_in_one_report(flags, told):
    with pytest.raises(ConfigError) as caught:
        names(**flags)
    for part in told:
        assert str(caught.value).count(part) == 1, caught.value.messages


def test_several_tasks_are_for_compare_with_one_config(tmp_path):
    for command in ("train", "explain"):
        with pytest.raises(
            ConfigError, match="--task: several tasks are for hsig compare, with one"
        ):
            load_experiment(flags={"task": "xor,and"}, command=command)
    one, other = tmp_path / "one.yaml", tmp_path / "other.yaml"
    one.write_text("activation: hard\ntask: [xor, and]\n", encoding="utf-8")
    other.write_text("activation: hard\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"one\.yaml:2: task: several tasks are for hsig compare"):
        load_side_by_side([one, other], {})


# --- what it says -----------------------------------------------------------------------------


@pytest.fixture
def made(runs):
    """Its JSON; it is the one run that is kept in the folder to be in."""
    found = json.loads(out_of(*TWO, "-f", "json"))
    assert len([*runs.iterdir()]) == 1
    return found


def test_each_task_is_the_comparison_on_it_alone(made):
    assert [part["task"] for part in made["tasks"]] == ["xor", "and"]
    for part in made["tasks"]:
        alone = json.loads(out_of(*THREE, "-t", part["task"], "-f", "json", "--no-save"))
        assert part["experiment"] == alone["experiment"]
        for ours, theirs in zip(part["variants"], alone["variants"], strict=True):
            assert ours["label"] == f"{part['task']}: {theirs['label']}"
            assert {**ours, "label": ""} == {**theirs, "label": ""}
        (ours,), (theirs,) = (found["pairing"]["against"] for found in (part, alone))
        assert {**ours, "label": ""} == {**theirs, "label": ""}


# --- kept, tuned, interrupted -----------------------------------------------------------------


@pytest.mark.usefixtures("runs")
def test_after_an_interruption_nothing_is_said_over_the_tasks(monkeypatch):
    interrupted_at(monkeypatch, 3)
    code, out, err = hsig(*TWO)
    assert (code, err) == (130, "interrupted: this is what was done by then\n")
    assert out_of("runs", "show", "latest") == out
    kept = json.loads(out_of("runs", "show", "latest", "-f", "json"))
    assert (kept["complete"], kept["over_tasks"]) == (False, None)


@pytest.mark.usefixtures("runs")
def test_expectations_are_of_every_task():
    code, _, err = hsig(
        *TWO, "-q", "--expect", "{hard: {solved_at_most: 0}, ultra_fast: {solved_at_most: 1}}"
    )
    assert code == 1
    assert "expect: and: hard: expected solved_at_most 0.0" in err
