from math import inf, nan

from hypothesis import given
from hypothesis import strategies as st

from hsig.output.screen import curve


def test_a_falling_line_in_ascii():
    drawn = curve([0, 10], [[2.0, 0.0]], width=10, height=5, ascii_only=True)
    assert drawn == [
        "2 *",
        "   **",
        "     **",
        "       **",
        "0        *",
        "  0     10",
    ]


def test_points_that_are_not_finite_leave_a_gap():
    drawn = curve([0, 1, 2, 3], [[1.0, 1.0, inf, 1.0]], width=9, height=2, ascii_only=True)
    assert drawn[0] == "1 ***   *"


def test_nothing_is_drawn_when_nothing_is_finite_or_there_is_no_room():
    assert curve([0, 1], [[nan, inf]], width=40, height=5, ascii_only=True) == []
    assert curve([0], [[1.0]], width=40, height=5, ascii_only=True) == []
    assert curve([0, 4000], [[1.0, 0.5]], width=6, height=5, ascii_only=True) == []


@given(
    st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=2, max_size=20),
    st.integers(1, 90),
    st.integers(2, 12),
    st.booleans(),
)
def test_any_numbers_are_drawn_within_the_size(values, width, height, ascii_only):
    drawn = curve(range(len(values)), [values], width=width, height=height, ascii_only=ascii_only)
    assert len(drawn) in (0, height + 1)
    assert all(len(line) <= width for line in drawn)
