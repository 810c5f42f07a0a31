from pathlib import Path

import numpy as np
import pytest
from pages import sentences, tables
from prepared import RIGHT, UNKNOWN, WRONG, compared

from hsig.analysis.summary import summarise
from hsig.config.loading import load_experiment
from hsig.experiments.training import gather, run
from hsig.reports.columns import COLUMNS
from hsig.reports.comparison import comparison_page
from hsig.reports.page import MEASURES

CIRCLE = f"csv:{Path(__file__).parents[1]}/configs/circle.csv"


def three_seeds():
    falling, rising = [1, 0.25, 0.125], [1, np.inf, 0.25]
    undefined = [3, np.nan, np.nan]
    return compared(
        {
            "sigmoid": ([WRONG] * 3, [[1, 0.75, 0.5]] * 3),
            "hard:backward=straight_through": ([WRONG] * 3, [[0.5] * 3, rising, [2, 1, 0.25]]),
            "ultra_fast": ("it has no gradient",),
            "tanh": ([RIGHT, RIGHT, WRONG], [falling] * 3),
            "relu": ([RIGHT, RIGHT, UNKNOWN], [falling, [1, 0.3, 0.0625], undefined]),
        }
    )


def page_of(outcome=None, columns=()):
    outcome = outcome or three_seeds()
    return comparison_page(outcome, summarise(outcome), columns)


def notes(outcome):
    return [sentence for block in sentences(page_of(outcome))[1:] for sentence in block]


def test_the_best_come_first_and_what_could_not_be_trained_last():
    assert [row[0] for row in tables(page_of())[0].rows] == [
        "tanh", "relu", "hard:backward=straight_through", "sigmoid", "ultra_fast"
    ]  # fmt: skip


def test_equally_solved_variants_are_sorted_by_cost_and_nan_is_the_worst():
    outcome = compared(
        {
            "hard": ([UNKNOWN], [[1, np.nan]]),
            "tanh": ([WRONG], [[1, np.inf]]),
            "sigmoid": ([WRONG], [[1, 0.5]]),
            "relu": ([WRONG], [[1, 0.25]]),
        }
    )
    rows = tables(page_of(outcome))[0].rows
    assert [row[0] for row in rows] == ["relu", "sigmoid", "tanh", "hard"]
    assert [row[3] for row in rows] == ["0.2500", "0.5000", "inf", "nan"]


@pytest.mark.parametrize("column", COLUMNS)
def test_every_column_can_be_chosen_alone(column):
    flags = {"activations": "hard,relu", "task": CIRCLE, "held_out": "0.3", "epochs": "4"}
    measured = load_experiment(flags=flags | {"loss": "squared"})
    outcome = (
        gather(measured, run(measured)) if column.startswith((*MEASURES, "held_out")) else None
    )
    (table,) = tables(page_of(outcome, columns=(column,)))
    assert len(table.columns) > 1
    assert all(cell for cell in table.rows[0])


def test_an_early_end_says_what_is_missing():
    experiment = load_experiment(
        flags={"activations": "sigmoid,ultra_fast,hard,tanh", "epochs": "20", "report_every": "5"}
    )
    events = [event for event in run(experiment) if event.variant.label != "tanh"]
    outcome = gather(experiment, events[:-1])
    assert notes(outcome)[-3:-1] == [
        "stopped before the end, epoch 20: hard at epoch 15", "no result yet: tanh"
    ]  # fmt: skip
    (table,) = tables(page_of(outcome, columns=("costs",)))
    (hard,) = (row for row in table.rows if row[0] == "hard")
    assert all(hard[1:5])
    assert hard[5:] == ("",)
