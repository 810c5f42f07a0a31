import numpy as np
from pages import document, rows
from prepared import RIGHT, UNKNOWN, WRONG, prepared

from hsig.analysis.summary import summarise
from hsig.output.formats import as_csv
from hsig.reports import documents
from hsig.reports.page import Table, page_of_tables
from hsig.reports.training import training_page


def three_seeds():
    costs = [[1, 0.1], [np.nan, np.nan], [0.3, np.inf]]
    return prepared([RIGHT, UNKNOWN, WRONG], costs, diverged_at=[-1, 3, -1], seeds="4,27,9")


def page_of(outcome):
    return training_page(outcome, summarise(outcome))


def test_json_is_the_document_with_every_seed_or_without():
    outcome = three_seeds()
    made = documents.document(outcome, summarise(outcome))
    assert document(page_of(outcome)) == made
    assert [seed["seed"] for seed in made["variants"][0]["seeds"]] == [4, 27, 9]
    assert document(page_of(outcome), every_seed=False)["variants"][0]["seeds"] == []


def test_long_csv_has_a_row_for_each_seed_and_checkpoint_in_full_precision():
    table = rows(page_of(three_seeds()), every_row=True)
    assert [(row["seed"], row["epoch"]) for row in table] == [
        ("4", "0"), ("4", "10"), ("27", "0"), ("27", "10"), ("9", "0"), ("9", "10")
    ]  # fmt: skip
    assert [row["cost_last"] for row in table] == ["1.0", "0.1", "nan", "nan", "0.3", "inf"]
    assert [float(row["cost_mean"]) for row in table[:2]] == [0.5, 0.05]
    assert [row["verdict"] for row in table[::2]] == ["solved", "diverged", "plateau"]
    assert [row["solved_at"] for row in table[::2]] == ["7", "", ""]
    assert [row["diverged_at"] for row in table[::2]] == ["", "3", ""]


def test_no_text_in_a_csv_starts_a_formula():
    table = Table(
        "", ("a", "b"), (("=1+1", "-0.5"), ("@x", "+0.25"), ("-x", "a=b"), ("+y", "-inf"))
    )
    assert as_csv(page_of_tables(table)).splitlines() == [
        "a,b", "'=1+1,-0.5", "'@x,+0.25", "'-x,a=b", "'+y,-inf"
    ]  # fmt: skip
