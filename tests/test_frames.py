"""Data frames are made of what a result has as columns."""

import os

import numpy as np
import pytest

import hsig

if "HSIG_FRAMES" in os.environ:
    import pandas
    import polars
else:
    pandas = pytest.importorskip("pandas", reason="pip install pandas polars")
    polars = pytest.importorskip("polars", reason="pip install pandas polars")

SMALL = {"seeds": 3, "epochs": 40, "report_every": 20}
RESULTS = {
    "train": lambda: hsig.train("hard", **SMALL),
    "compare": lambda: hsig.compare("tanh", "hard", "ultra_fast", **SMALL),
    "explain": lambda: hsig.explain("hard", **SMALL),
    "sweep": lambda: hsig.sweep("hard", learning_rate=[0.1, 1], seeds=3, epochs=9),
}


@pytest.mark.parametrize("command", RESULTS)
@pytest.mark.parametrize("long", [False, True])
def test_both_libraries_make_the_same_frame(command, long):
    columns = RESULTS[command]().columns(long=long)
    one, other = pandas.DataFrame(columns), polars.DataFrame(columns)
    assert list(one.columns) == other.columns == list(columns)
    for name, column in columns.items():
        if column.dtype.kind == "U":
            assert one[name].tolist() == other[name].to_list() == column.tolist()
        else:
            for made in (one[name].to_numpy(), other[name].to_numpy()):
                assert np.array_equal(made, column, equal_nan=column.dtype.kind == "f")


def test_a_frame_answers_a_question():
    frame = pandas.DataFrame(hsig.compare("sigmoid", "hard", seeds=100).columns(long=True))
    last = frame[frame["epoch"] == 4000]
    counted = last.groupby("label")["verdict"].value_counts()
    assert counted["sigmoid", "solved"] == 99  # as in the README
    assert counted["hard", "solved"] == 3
