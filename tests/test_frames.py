"""Data frames are made of the columns of a result."""

import numpy as np
import pytest

import hsig

pandas = pytest.importorskip("pandas", reason="pip install pandas polars")
polars = pytest.importorskip("polars", reason="pip install pandas polars")


@pytest.mark.parametrize("long", [False, True])
def test_both_libraries_make_the_same_frame(long):
    small = {"seeds": 3, "epochs": 40, "report_every": 20}
    columns = hsig.compare("tanh", "hard", "ultra_fast", **small).columns(long=long)
    frames = pandas.DataFrame(columns), polars.DataFrame(columns)
    for frame in frames:
        assert list(frame.columns) == list(columns)
        for name, column in columns.items():
            assert np.array_equal(
                frame[name].to_numpy(), column, equal_nan=column.dtype.kind == "f"
            )


def test_a_frame_answers_a_question():
    frame = pandas.DataFrame(hsig.compare("sigmoid", "hard", seeds=100).columns(long=True))
    counts = frame[frame["epoch"] == 4000].groupby("label")["verdict"].value_counts()
    assert counts["sigmoid", "solved"] == 99  # as in the README
    assert counts["hard", "solved"] == 3
