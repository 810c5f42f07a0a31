import pytest
from pages import document, drawn, fit, heat_maps, rows, sentences, shades, tables, words
from prepared import cell, failed_cell, swept

from hsig.analysis.sweeps import pair_sweeps
from hsig.experiments.sweeps import Axis
from hsig.reports.page import Table
from hsig.reports.sweeps import difference_page, so_far, sweep_page

SETTINGS = Table("the same settings and versions", ("key", "a", "b"), ())


def page_of(kept):
    return sweep_page(kept.axes, kept.base, kept.summaries)


def difference_of(*sweeps):
    return difference_page(pair_sweeps(*sweeps), ("a", "b"), SETTINGS)


def some(k, n=100):
    return cell([True] * k + [False] * (n - k))


def test_a_map_as_a_whole():
    cells = {
        ("0.1", "10"): some(0),
        ("0.1", "100"): some(49),
        ("1", "10"): some(50),
        ("1", "100"): some(100),
        ("10", "10"): failed_cell("it has no gradient"),
        ("10", "100"): None,
    }
    assert drawn(page_of(swept(cells, seeds="100", engine="reference")), 80) == [
        "6 cells, learning_rate and epochs; all else as in the first: sigmoid on xor:",
        "2-3-1 network, loss bce, learning rate 0.1, 4000 epochs (online)",
        "initial weights from [0, 1), seeds 0 to 99; engine reference",
        "",
        "learning_rate \\ epochs   10   100",
        "                   0.1   0▓   49▓",
        "                     1   50   100",
        "                    10    x",
        "",
        "percent of the seeds solved; where fewer than half are, what became of most",
        "others: ▓ slow",
        "stopped early: 5 of 6 cells are done",
        "x not trained, 1 cell: it has no gradient",
    ]


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_a_map_is_whole_at_any_width(width):
    cells = {(rate, str(e)): some(e) for rate in ("0.1", "1") for e in range(50, 100)}
    page = page_of(swept(cells))
    lines = drawn(page, width)
    assert fit(lines, width)
    shown = words(lines).split()
    assert all(shown.count(str(e)) >= 3 for e in range(50, 100))  # a head and two cells


@pytest.mark.parametrize(
    ("k", "shown"),
    [(0, "0▓"), (1, "<1▓"), (499, "50▓"), (500, "50 "), (999, ">99 "), (1000, "100 ")],
)
def test_only_none_and_all_are_0_and_100(k, shown):
    (heat_map,) = heat_maps(page_of(swept({("1", "9"): some(k, 1000)})))
    assert shades(heat_map) == [[shown]]
    assert heat_map.shades[0][0].rate == k / 1000


def test_three_keys_make_a_map_for_each_value_of_the_first():
    axes = ("hidden", "learning_rate", "epochs")
    page = page_of(swept({(h, "1", e): some(7) for h in "24" for e in "89"}, axes))
    assert [heat_map.title for heat_map in heat_maps(page)] == ["hidden 2", "hidden 4"]


@pytest.mark.parametrize(
    ("done", "shown", "told"),
    [
        # by hand: of 2 maps with 2 rows of 2 cells, what has a cell that is done
        ([], {}, "stopped early: 0 of 8 cells are done"),
        (
            [("2", "1", "8")],
            {"hidden 2": ("1",)},
            "stopped early: 1 of 8 cells are done; rows that have none of them are left out",
        ),
        (
            [(h, rate, "9") for h in "24" for rate in "13"],
            {"hidden 2": ("1", "3"), "hidden 4": ("1", "3")},
            "stopped early: 4 of 8 cells are done",
        ),
    ],
    ids=["none", "one", "half of each row"],
)
def test_of_an_early_stop_the_maps_and_rows_are_shown_that_have_something(done, shown, told):
    axes = ("hidden", "learning_rate", "epochs")
    every = [(h, rate, epochs) for h in "24" for rate in "13" for epochs in "89"]
    page = page_of(swept({one: some(7) if one in done else None for one in every}, axes))
    assert {heat_map.title: heat_map.rows for heat_map in heat_maps(page)} == shown
    assert tables(page) == []
    assert sentences(page)[-1][-1] == told
    assert len(document(page)["cells"]) == len(done)


def test_numbers_that_are_swept_are_numbers_in_json_and_what_is_none_is_text():
    """As they would be written in a config; JSON has no infinite numbers."""
    texts = ("0.1", "1", "uniform:-1,1", "Infinity", '{"name": "relu", "high": Infinity}', "null")
    made = [0.1, 1, "uniform:-1,1", "Infinity", {"name": "relu", "high": "Infinity"}, None]
    both = swept({(text, "[1, 2]"): some(7) for text in texts}, ("epochs", "seeds"))
    for page in (page_of(both), difference_of(both, both)):
        found = [one["cell"] for one in document(page)["cells"]]
        assert found == [{"epochs": value, "seeds": [1, 2]} for value in made]
        assert [type(one["epochs"]) for one in found] == [*map(type, made)]
    assert document(page_of(both))["sweep"] == {"epochs": made, "seeds": [[1, 2]]}


def test_one_key_makes_a_table_with_a_row_for_each_cell_that_is_done():
    cells = {("8",): some(3, 4), ("9",): failed_cell("no"), ("10",): None}
    page = page_of(swept(cells, ("epochs",)))
    (table,) = tables(page)
    assert table.columns[:3] == ("epochs", "solved", "95 % interval")
    assert [row[:2] for row in table.rows] == [("8", "3 of 4"), ("9", "not trained")]
    assert document(page)["complete"] is False
    assert [row["error"] for row in rows(page)] == ["", "no"]


# --- how two differ ---------------------------------------------------------------------------


def test_seeds_that_start_from_other_weights_are_not_tested():
    cells = {("1", "9"): cell([True, False])}
    page = difference_of(swept(cells), swept(cells, hidden="4"))
    told = "not paired by seed: other initial weights; no difference is tested"
    assert sentences(page)[-1][1] == told


def test_what_is_missing_or_could_not_be_trained_is_left_open_in_the_map():
    first = {("1", "8"): None, ("1", "9"): failed_cell("no")}
    first |= {("2", "8"): cell([True]), ("2", "9"): None, ("3", "8"): None, ("3", "9"): None}
    second = {(rate, epochs): cell([False]) for rate in "123" for epochs in "89"}
    (drawn_map,) = heat_maps(difference_of(swept(first), swept(second)))
    assert drawn_map.rows == ("1", "2")
    assert shades(drawn_map) == [["", "x"], ["-100 ", ""]]


@pytest.mark.parametrize(("of_1000", "shown"), [(3, "+0.3"), (5, "+0.5"), (8, "+1"), (0, "0")])
def test_small_differences_do_not_look_like_none(of_1000, shown):
    none = {("1", "9"): cell([False] * 1000)}
    some = {("1", "9"): cell([True] * of_1000 + [False] * (1000 - of_1000))}
    for cells, text in (((none, some), shown), ((some, none), shown.replace("+", "-"))):
        (drawn,) = heat_maps(difference_of(*map(swept, cells)))
        assert shades(drawn)[0][0].rstrip(" *") == text


# --- while it goes on --------------------------------------------------------------------------


def test_the_map_of_a_sweep_that_goes_on_is_the_one_that_its_latest_cell_is_on():
    axes = (Axis("hidden", ("2", "3")), Axis("learning_rate", ("1",)), Axis("epochs", ("8", "9")))
    cells = {(h, "1", e): None for h in "23" for e in "89"}
    drawn = so_far(axes, cells, ("3", "1", "8"))
    assert (drawn.title, drawn.rows, drawn.columns) == ("hidden 3", ("1",), ("8", "9"))
    assert shades(drawn) == [["", ""]]
    assert so_far(axes[:1], {("2",): None}, ("2",)) is None
