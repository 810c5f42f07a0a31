from math import inf
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import pytest
from pages import document, rows, tables

from hsig.analysis.summary import summarise
from hsig.config.keys import KEYS
from hsig.config.loading import load_experiment
from hsig.experiments.training import gather, run
from hsig.reports import documents
from hsig.reports.documents import variant_rows
from hsig.reports.page import Column, Rows, Table, number, page_of_tables
from hsig.reports.phrases import heading

CIRCLE = f"csv:{Path(__file__).parents[1]}/configs/circle.csv"


def test_a_page_of_tables_has_them_all_in_json_and_the_first_in_csv():
    first = Table("one", ("a", "b"), (("1", "2"),))
    page = page_of_tables(first, Table("", ("c",), ()), before=["look:"])
    assert document(page)["tables"] == [
        {"title": "one", "rows": [{"a": "1", "b": "2"}]},
        {"title": "", "rows": []},
    ]
    assert rows(page) == [{"a": "1", "b": "2"}]
    assert tables(page)[0] is first


# --- rows -------------------------------------------------------------------------------------


class Counts(NamedTuple):
    """Several numbers of a row."""

    k: int
    n: int


ROWS = Rows(
    [
        Column("label", "what", lambda row: row["label"], prose=True),
        Column(
            "counts",
            "of",
            lambda row: row.get("counts"),
            lambda counts: f"{counts.k} of {counts.n}",
            {"count": attrgetter("k"), "number": attrgetter("n")},
            missing="none",
        ),
        Column("share", "share", lambda row: row.get("share"), number, note="of all"),
        Column("again", "again", lambda row: row["label"], shown_only=True),
        Column("secret", "", lambda row: len(row)),
        Column("works", "works", lambda row: row.get("works")),
    ],
    [{"label": "one", "counts": Counts(1, 3), "share": inf, "works": True}, {"label": "two"}],
)


def test_a_column_is_in_the_table_in_json_and_in_csv():
    table = ROWS.table("title", ("label", "counts", "works"))
    assert (table.columns, table.prose) == (("what", "of", "works"), ("what",))
    assert table.rows == (("one", "1 of 3", "yes"), ("two", "none", ""))
    assert ROWS.table("title").columns == ("what", "of", "share", "again", "works")
    assert ROWS.table("title").title == "title (of all)"
    first, second = ROWS.records()
    assert first == {
        "label": "one",
        "counts": {"k": 1, "n": 3},
        "share": "Infinity",
        "secret": 4,
        "works": True,
    }
    assert second["counts"] is second["share"] is None
    names, rows = ROWS.csv()
    assert names == ["label", "count", "number", "share", "secret", "works"]
    assert [list(row.values()) for row in rows] == [
        ["one", 1, 3, inf, 4, "yes"], ["two", "", "", "", 1, ""]
    ]  # fmt: skip


@pytest.mark.parametrize("command", ["train", "compare"])
def test_every_column_of_a_variant_is_in_csv_and_json(command):
    flags = {"epochs": "5", "seeds": "2", "activation" if command == "train" else "activations":
             "hard" if command == "train" else "hard,tanh"}  # fmt: skip
    experiment = load_experiment(flags=flags, command=command)
    outcome = gather(experiment, run(experiment))
    summary = summarise(outcome)
    columns = [c for c in variant_rows(summary).columns if not c.shown_only]
    (record, *_) = documents.document(outcome, summary)["variants"]
    assert {column.name for column in columns} - {"error"} <= record.keys()
    assert set(variant_rows(summary).csv()[0]) == {
        name for column in columns for name in column.parts or (column.name,)
    }


# --- the heading ------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [key for key in KEYS.values() if key.numbers], ids=lambda k: k.name)
def test_no_key_that_changes_numbers_is_missing_in_a_heading(key):
    """Another value of it is another heading, but for those that the tables show."""
    values = {
        "task": "and", "scale": "standard", "activation": "tanh", "activations": None,
        "output_activation": "hard", "loss": "squared", "learning_rate": "0.7", "epochs": "33",
        "optimizer": "adam", "weight_decay": "0.1", "clip_norm": "2", "batch_size": "3",
        "order": "shuffled", "update": "batch", "hidden": "5", "init": "uniform:-1,1", "seeds": "7",
        "solved_within": "0.2", "engine": "reference",
        "stop_at": "0.1", "init_bias": "zero", "bias": "hidden",
        "initial_weights": "{hidden: [[1,1,1],[1,1,1],[1,1,1]], output: [[1],[1],[1],[1]]}",
    }  # fmt: skip
    table = {"task": CIRCLE, "target_kind": "number", "held_out": "0.2"}
    of_tables = {
        "target": "x", "inputs": "x", "drop": "x", "missing": "drop", "target_kind": "class",
        "held_out": "0.3", "data_seed": "1", "scale_target": "minmax", "test": CIRCLE,
    }  # fmt: skip
    values |= of_tables
    if key.name in ("report_every", "at_epochs", "activations", "output_activation"):
        return
    assert key.name in values, "a new key: give it a value here"
    given = {key.name: values[key.name]} | ({"seeds": "1"} if key.name == "initial_weights" else {})
    usual = table if key.name in of_tables else {}
    if key.name == "test":
        del usual["held_out"]
    usual, other = (load_experiment(flags=usual | flags) for flags in ({}, given))
    labels = [experiment.variants[0].label for experiment in (usual, other)]
    assert heading(usual, labels[0]) != heading(other, labels[1])
