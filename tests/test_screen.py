from math import nan

import pytest
from pages import drawn, drawn_in_ascii, fit, words

from hsig.reports.page import LEVELS, Curves, Page, Table, lines, sparkline

LABEL = "hard:slope=0.25,backward=logistic"
WIDE = Table(
    "title",
    ("variant", *(f"column {number}" for number in range(4))),
    ((LABEL, "10", "11", "12", "13"), ("tanh", "20", "21", "22", "23")),
    prose=("variant",),
    splits=True,
)


def page_with(*blocks, brief=()):
    return Page(blocks, document=dict, rows=lambda: ((), ()), brief=brief)


def test_a_table_without_room_is_cut_into_several_that_begin_with_the_first_column():
    text = drawn(page_with(WIDE), 32)
    heads = [line.split() for line in text if line.startswith("variant")]
    assert heads == [
        ["variant", "column", "0", "column", "1"],
        ["variant", "column", "2", "column", "3"],
    ]
    assert [line.split()[1:] for line in text if line.startswith("tanh")] == [
        ["20", "21"], ["22", "23"]
    ]  # fmt: skip
    assert text.count("title") == text.count("") == 1
    assert fit(text, 32)


@pytest.mark.parametrize("width", [20, 32, 40, 60])
def test_labels_are_folded_where_there_is_no_room_and_nothing_is_lost(width):
    text = drawn(page_with(WIDE), width)
    label = width - 10 if width < 40 else width
    assert LABEL not in text[2][:label]
    folded = "".join(line.partition(" ")[0] for line in text)
    assert folded.count(LABEL) == sum(line.startswith("variant") for line in text)
    assert set(words(text).split()) >= {"10", "11", "12", "13", "20", "21", "22", "23"}
    assert fit(text, width)


def test_an_ascii_terminal_gets_ascii():
    bar = sparkline([0.0, 0.3, 0.6, nan, 1.0], 1.0)
    curves = Curves("rising", [0, 1], [[0.0, 1.0]])
    table = Table("", ("a", "curve"), (("1", bar), ("2", LEVELS), ("3", "█▓▒░·!")), beside=curves)
    page = page_with(lines(["█ solved, ▓ slow, ▒ plateau, ░ affine, · dead, ! diverged"]), table)
    text = drawn_in_ascii(page)
    assert text.isascii()
    assert b"?" not in text
    assert b"# solved, + slow, = plateau, - affine, . dead, ! diverged" in text
    assert b"_.:-=+*#" in text
    assert b"**" in text
    assert drawn(page)[0].startswith("█ solved, ▓ slow")
