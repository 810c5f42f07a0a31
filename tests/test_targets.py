"""What follows from a task's target, and from a file that has changed."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest

import hsig
from hsig.config.loading import load_experiment, load_resolved, resolved_keys
from hsig.config.task_kinds import TaskKind
from hsig.errors import ConfigError
from hsig.output.terminal import ConsoleTrainer
from hsig.runs.provenance import find_changed_files

CURVE = f"csv:{Path(__file__).parents[1] / 'configs/curve.csv'}"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"held_out": "0.25", "test": CURVE}, "--held-out: goes without test"),
        ({"task": "xor", "test": CURVE}, "--test: goes with a task that is a table"),
        ({"task": "xor", "held_out": "0.25"}, "--held-out: expected a task of at least 10 rows"),
        ({"test": "xor"}, "--test: expected a file with the columns"),
        ({"loss": "cross_entropy"}, "cross_entropy"),
        ({"task": "xor", "target": "x"}, "--target: goes with a table"),
        ({"scale_target": "standard"}, "--scale-target: goes with one target"),
        ({"activation": "softmax"}, "softmax is for the output"),
    ],
)
def test_what_does_not_go_with_a_table_is_said_where_it_stands(flags, said):
    with pytest.raises(ConfigError) as raised:
        load_experiment(flags={"task": CURVE} | flags)
    assert said in str(raised.value)


def test_a_kept_table_of_many_rows_is_read_again_and_must_be_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(TaskKind, "max_kept", 10)
    file = tmp_path / "data.csv"
    file.write_text(Path(CURVE.removeprefix("csv:")).read_text("utf-8"), "utf-8")
    flags = {"task": f"csv:{file}", "test": f"csv:{file}", "target": "x"}
    experiment = load_experiment(flags=flags)
    keys = json.loads(json.dumps(resolved_keys(experiment)))
    assert "inputs" not in keys["task"]
    again = load_resolved(keys, "run.json")
    np.testing.assert_array_equal(again.task.inputs, experiment.task.inputs)
    assert find_changed_files([experiment]) == []
    file.write_text("x,y,above\n1,2,yes\n", "utf-8")
    assert all("has changed" in message for message in find_changed_files([experiment]))
    with pytest.raises(ConfigError, match=re.escape("has changed since")):
        load_resolved(keys, "run.json")
    file.unlink()
    assert "cannot be read" in find_changed_files([experiment])[0]


def test_a_number_is_told_in_its_own_unit_whatever_that_is():
    x = np.linspace(-1.0, 1.0, 40)
    settings = {"seeds": 4, "epochs": 60, "held_out": 0.25, "learning_rate": 0.05}
    one, kilo = (
        hsig.train(
            "tanh",
            task={"x": x, "y": unit * (3.0 + np.sin(3.0 * x))},
            solved_within=0.1 * unit,
            **settings,
        )
        for unit in (1.0, 1000.0)
    )
    (small,), (large,) = (result.parts[0].outcome.results for result in (one, kilo))
    np.testing.assert_allclose(1000.0 * small.predictions, large.predictions, rtol=1e-9)
    np.testing.assert_allclose(small.final.loss, large.final.loss, rtol=1e-9)
    np.testing.assert_allclose(
        1000.0 * small.final.held_out_rmse, large.final.held_out_rmse, rtol=1e-9
    )
    assert small.verdict.tolist() == large.verdict.tolist()


def test_what_is_said_of_a_table_is_what_is_trained():
    said = hsig.data(CURVE.removeprefix("csv:"))
    assert not said.problems
    assert len(said.digest) == 64
    refused = hsig.data(CURVE.removeprefix("csv:"), target="nothing")
    assert refused.problems
    with pytest.raises(ConfigError):
        hsig.data("nowhere.csv")


def test_the_standard_input_and_what_has_columns_are_the_same_table(monkeypatch):
    text = Path(CURVE.removeprefix("csv:")).read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    monkeypatch.setattr("hsig.config.text._STREAMS", {})
    piped, filed = (load_experiment(flags={"task": task}).task for task in ("csv:-", CURVE))
    rows = np.concatenate(filed.rows, axis=1)
    np.testing.assert_array_equal(np.concatenate(piped.rows, axis=1), rows)
    columns = {"x": rows[:, 0], "y": rows[:, 1], "above": rows[:, 2].astype(int)}
    record = np.rec.fromarrays(list(columns.values()), names=list(columns))
    for table in (columns, rows, record):
        found = hsig.data(table).inspection.dataset
        np.testing.assert_array_equal(found.inputs, rows[:, :2])
        np.testing.assert_array_equal(found.targets, rows[:, 2:])


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"a": [1, 2], "y": [1]}, "columns of one length"),
        ({"a": np.zeros((2, 2)), "y": [0, 1]}, "one value for each row"),
        ({"a": [], "y": []}, "rows"),
    ],
)
def test_what_is_no_table_is_said(table, said):
    with pytest.raises(ConfigError, match=said):
        hsig.train("tanh", task=table)


def test_a_refused_table_is_described_as_far_as_it_is_known():
    table = {"id": [*range(30)], "day": [f"2024-01-{n}" for n in range(1, 31)], "y": [0, 1] * 15}
    refused = hsig.data(table)
    assert any("day" in problem for problem in refused.problems)
    assert [feature.name for feature in refused.inspection.features] == list(table)


def test_a_long_training_says_first_how_long_it_takes(monkeypatch, capsys):
    experiment = load_experiment(flags={"seeds": "3", "epochs": "5"})
    ConsoleTrainer(quiet=True).warn(experiment)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("hsig.output.terminal._LONG_WORK", 0)
    monkeypatch.setattr("hsig.output.terminal._LONG_S", 0.0)
    ConsoleTrainer(quiet=True).warn(experiment)
    assert "1 s" in capsys.readouterr().err
