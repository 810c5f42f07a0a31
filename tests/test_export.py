import csv
import io
import json

import numpy as np
from hsig.output.export import as_csv, as_json, as_long_csv, as_markdown, table_as_csv
from prepared import RIGHT, UNKNOWN, WRONG, prepared

from hsig.analysis.summary import summarise
from hsig.config.loading import load_experiment
from hsig.experiments.training import gather, run
from hsig.reports.documents import document
from hsig.reports.page import Table
from hsig.reports.words import report


def outcome():
    costs = [[1, 0.1], [np.nan, np.nan], [0.3, np.inf]]
    return prepared([RIGHT, UNKNOWN, WRONG], costs, diverged_at=[-1, 3, -1], seeds="4,27,9")


def failed():
    experiment = load_experiment(flags={"activation": "ultra_fast"})
    return gather(experiment, run(experiment))


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_json_is_the_document():
    assert json.loads(as_json(outcome())) == document(outcome())


def test_csv_has_a_row_for_each_variant():
    (row,) = rows(as_csv(summarise(outcome())))
    assert (row["label"], row["solved"], row["seeds"]) == ("sigmoid", "1", "3")
    assert (row["diverged"], row["epoch"], row["error"]) == ("1", "10", "")
    assert float(row["solved_rate"]) == 1 / 3
    assert [row["cost_median"], row["cost_upper_quartile"]] == ["inf", "nan"]


def test_long_csv_has_a_row_for_each_seed_and_checkpoint_in_full_precision():
    table = rows(as_long_csv(outcome()))
    assert [(row["seed"], row["epoch"]) for row in table] == [
        ("4", "0"), ("4", "10"), ("27", "0"), ("27", "10"), ("9", "0"), ("9", "10")
    ]  # fmt: skip
    assert [row["cost_last"] for row in table] == ["1.0", "0.1", "nan", "nan", "0.3", "inf"]
    assert [float(row["cost_mean"]) for row in table[:2]] == [0.5, 0.05]
    assert [row["verdict"] for row in table[::2]] == ["solved", "diverged", "plateau"]
    assert [row["solved_at"] for row in table[::2]] == ["7", "", ""]
    assert [row["diverged_at"] for row in table[::2]] == ["", "3", ""]


def test_a_variant_that_cannot_be_trained_is_a_row_with_its_error():
    for text in (as_csv(summarise(failed())), as_long_csv(failed())):
        (row,) = rows(text)
        assert row["label"] == "ultra_fast"
        assert "no gradient" in row["error"]


def test_markdown_as_a_whole():
    text = as_markdown(report(summarise(prepared([WRONG], [[1, 0.5]]))))
    assert (
        text
        == """\
sigmoid on xor: 2-3-1 network, loss bce, learning rate 0.1, 10 epochs (online)

initial weights from [0, 1), seed 0; engine reference

both layers: sigmoid(x) = 1 / (1 + exp(-x))

| epoch | cost of the last sample |
| ---: | ---: |
| 0 | 1.00000 |
| 10 | 0.500000 |

| inputs | target | prediction | right |
| ---: | ---: | ---: | ---: |
| 0 1 | 1 | 0.500000 | no |
| 1 0 | 1 | 0.600000 | yes |
| 1 1 | 0 | 0.400000 | yes |
| 0 0 | 0 | 0.100000 | yes |

**sigmoid: solved 0 of 1 seed (0 %; 95 % Wilson interval 0 % to 79 %)**

largest |prediction - target| is 0.500000; solved is below 0.5 on every row

slow: the cost is still falling

to see why: hsig explain sigmoid, with the same config and flags
"""
    )


def test_markdown_tables_have_their_titles_above():
    text = as_markdown(report(summarise(outcome())))
    assert "cost of the last sample, over 3 seeds:\n\n| epoch | 25 % |" in text


def test_no_text_in_a_csv_starts_a_formula():
    table = Table(
        "", ("a", "b"), (("=1+1", "-0.5"), ("@x", "+0.25"), ("-x", "a=b"), ("+y", "-inf"))
    )
    assert table_as_csv(table).splitlines() == [
        "a,b", "'=1+1,-0.5", "'@x,+0.25", "'-x,a=b", "'+y,-inf"
    ]  # fmt: skip
