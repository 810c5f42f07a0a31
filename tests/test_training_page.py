import json

import numpy as np
import pytest
from pages import sentences, tables, words

from hsig.analysis.summary import summarise
from hsig.config.loading import load_experiment
from hsig.experiments.training import gather, run
from hsig.reports.training import training_page


def page_of(outcome):
    return training_page(outcome, summarise(outcome))


def test_an_early_end_is_told():
    experiment = load_experiment(flags={"epochs": "20", "report_every": "5"})
    events = run(experiment)
    page = page_of(gather(experiment, [next(events), next(events)]))
    assert "stopped before the end: this is the state at epoch 5 of 20" in words(
        s for block in sentences(page) for s in block
    )


# --- of data of one's own ---------------------------------------------------------------------


def page_of_rows(inputs, targets, columns=(), **flags):
    task = {"inputs": inputs, "targets": targets, "columns": list(columns)}
    given = {"task": json.dumps(task), "loss": "squared", "epochs": "20"} | flags
    experiment = load_experiment(flags=given)
    outcome = gather(experiment, run(experiment))
    return page_of(outcome), outcome.results[0].predictions[..., 0]


@pytest.mark.parametrize("seeds", ["1", "5"])
def test_of_many_samples_the_worst_are_shown_and_said_so(seeds):
    targets = [round(float(y), 3) for y in np.random.RandomState(5).uniform(-1, 2, 40)]
    page, predictions = page_of_rows([[n / 40] for n in range(40)], targets, seeds=seeds)
    table = tables(page)[1]
    errors = np.abs(np.median(predictions, axis=0) - targets)
    worst = np.argsort(errors)[::-1][:16]
    assert [row[0] for row in table.rows] == [str(n + 1) for n in worst]
    assert [row[2] for row in table.rows] == [f"{targets[n]:g}" for n in worst]
    of = "median" if seeds == "5" else "prediction"
    assert table.title.startswith(
        f"predictions of the 16 worst of 40 samples (largest |{of} - target|)"
    )
    assert table.columns[:3] == ("sample", "inputs", "target")


def test_predictions_that_are_no_numbers_are_the_worst():
    page, predictions = page_of_rows(
        [[n] for n in range(20)], [0] * 19 + [1e9], activation="relu", output_activation="identity",
        learning_rate="100",
    )  # fmt: skip
    assert np.isnan(predictions).any()
    assert "nan" in tables(page)[1].rows[0]
