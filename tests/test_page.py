import pytest
from pages import document, rows, tables

from hsig.reports.page import HeatMap, Shade, Table, page_of_tables, percent


def test_long_tables_are_shown_without_their_middle():
    table = Table("", ("a", "b"), tuple((str(i), "x") for i in range(100)))
    shortened = table.shortened(10)
    assert [row[0] for row in shortened.rows] == [
        *map(str, range(5)), "(90 more)", *map(str, range(95, 100))
    ]  # fmt: skip
    assert table.shortened(100) is table


@pytest.mark.parametrize(
    ("rate", "text"),
    [(0, "0 %"), (1, "100 %"), (0.5, "50 %"), (0.0004, "0.04 %"), (0.9996, "99.96 %")],
)
def test_only_all_and_none_are_shown_as_100_and_0_percent(rate, text):
    assert percent(rate) == text


def test_a_page_of_tables_has_them_all_in_json_and_the_first_in_csv():
    first = Table("one", ("a", "b"), (("1", "2"),))
    page = page_of_tables(first, Table("", ("c",), ()), before=["look:"])
    assert document(page)["tables"] == [
        {"title": "one", "rows": [{"a": "1", "b": "2"}]},
        {"title": "", "rows": []},
    ]
    assert rows(page) == [{"a": "1", "b": "2"}]
    assert tables(page)[0] is first


def test_a_heat_map_is_a_table_too():
    drawn = HeatMap(
        "t", "rate", "epochs", ("1",), ("8", "9"), ((Shade("5 ", 0.05), Shade("", None)),)
    )
    table = drawn.as_table()
    assert (table.title, table.columns) == ("t", ("rate \\ epochs", "8", "9"))
    assert table.rows == (("1", "5", ""),)
