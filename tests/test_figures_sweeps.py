import json
import time
from itertools import product

import numpy as np
import pytest
from drawings import drawn, legend, lines, of_gid, panels, same, words
from hypothesis import given, settings
from hypothesis import strategies as st
from prepared import cell, swept

from hsig import figures
from hsig.analysis.statistics import wilson_interval
from hsig.analysis.sweeps import pair_sweeps
from hsig.config.sweeps import load_sweep
from hsig.experiments.sweeps import CellResult, train_cell
from hsig.figures.maps import FEWER
from hsig.figures.picture import HATCHES
from hsig.reports.captions import difference_caption, sweep_caption
from hsig.reports.sweeps import sweep_page

FAILED = CellResult.failed("no gradient")


def some(k, n=20):
    return cell([True] * k + [False] * (n - k))


def map_of(outcome, theme="light"):
    return drawn(figures.sweep_map(outcome, caption=sweep_caption(outcome), theme=theme))


def difference_of(first, second, names=("one", "two")):
    two = pair_sweeps(first, second)
    return drawn(figures.difference(two, names, caption=difference_caption(two, names)))


def values_of(axes):
    """The values of the cells, nan where there is none."""
    (image,) = axes.get_images()
    return image.get_array().filled(np.nan)


def written(axes):
    """What is written in the cells, by row and column."""
    return {
        (round(y), round(x)): text.get_text()
        for text in axes.texts
        for x, y in [text.get_position()]
    }


def marked(axes, marker):
    """The cells with a mark, by row and column."""
    return {
        (round(y), round(x))
        for line in lines(axes)
        if line.get_marker() == marker
        for x, y in zip(*line.get_data(), strict=True)
    }


def hatched(axes, word):
    """The cells that have the hatching of a word."""
    wanted = HATCHES.get(word, "\\\\")
    found = set()
    for patch in axes.patches:
        if patch.get_hatch() == wanted:
            boxes = patch.get_path().vertices.reshape(-1, 5, 2)
            for box in boxes:
                (left, top), (right, bottom) = box.min(axis=0), box.max(axis=0)
                rows, columns = (np.arange(a + 0.5, b) for a, b in ((top, bottom), (left, right)))
                found |= set(product(map(round, rows), map(round, columns)))
    return found


def border_of(axes):
    """Its parts, each the two cells that it parts."""
    found = set()
    for patch in of_gid(axes, "border")[:1]:
        for start, stop in patch.get_path().vertices.reshape(-1, 2, 2):
            x, y = (start + stop) / 2
            dx, dy = (0.5, 0.0) if start[0] == stop[0] else (0.0, 0.5)
            found.add(((round(y - dy), round(x - dx)), (round(y + dy), round(x + dx))))
    return found


# --- one sweep --------------------------------------------------------------------------------


def test_a_real_sweep_has_the_numbers_and_texts_of_its_page():
    flags = {"activation": "hard", "seeds": "8", "learning_rate": "0.1,0.5,2", "epochs": "40,400"}
    sweep = load_sweep(None, flags | {"engine": "reference", "init": "uniform:-2,2"})
    results = dict(zip(sweep.cells, map(train_cell, sweep.experiments), strict=True))
    outcome = swept(results, [axis.name for axis in sweep.axes])
    page = sweep_page(outcome.axes, outcome.base, outcome.summaries)
    told = json.loads(json.dumps(page.document(True)))
    (axes,) = panels(map_of(outcome))
    rates = [found["solved"]["k"] / found["solved"]["n"] for found in told["cells"]]
    same(values_of(axes).ravel(), rates)
    (page_map,) = (block for block in page.blocks if hasattr(block, "shades"))
    texts = [shade.text[:-1] for row in page_map.shades for shade in row]
    assert [written(axes)[place] for place in product(range(3), range(2))] == texts
    assert len(set(rates)) > 2
    ticks = [
        [label.get_text() for label in axis.get_ticklabels()] for axis in (axes.yaxis, axes.xaxis)
    ]
    assert ticks == [["0.1", "0.5", "2"], ["40", "400"]]
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("learning_rate", "epochs")


grids = st.integers(1, 5).flatmap(
    lambda columns: st.lists(
        st.lists(
            st.sampled_from([None, FAILED, some(0), some(9), some(10), some(20)]),
            min_size=columns,
            max_size=columns,
        ),
        min_size=1,
        max_size=5,
    )
)


@settings(max_examples=25)
@given(grids)
def test_every_cell_is_drawn_as_what_it_is(grid):
    cells = {(f"r{y}", f"c{x}"): found for y, row in enumerate(grid) for x, found in enumerate(row)}
    outcome = swept(cells)
    (axes,) = panels(map_of(outcome))
    values, texts = values_of(axes), written(axes)
    rates = {}
    for y, row in enumerate(grid):
        for x, result in enumerate(row):
            known = result is not None and not result.failure
            rates[y, x] = result.solved.mean() if known else None
            same(values[y, x], rates[y, x] if known else np.nan)
            assert ((y, x) in marked(axes, ".")) == (result is None)
            assert ((y, x) in marked(axes, "x")) == (result is FAILED)
            assert ((y, x) in texts) == known
            assert ((y, x) in hatched(axes, "slow")) == (known and rates[y, x] < 0.5)
    expected = {
        ((y, x), other)
        for (y, x), rate in rates.items()
        for other in ((y + 1, x), (y, x + 1))
        if rate is not None
        and rates.get(other) is not None
        and (rate < 0.5) != (rates[other] < 0.5)
    }
    assert border_of(axes) == expected


def test_hatching_says_what_became_of_most_others_and_the_legend_has_its_words():
    grid = {("a", str(n)): some(n) for n in (0, 5, 12)} | {("b", str(n)): some(0) for n in (0, 5)}
    grid["b", "12"] = FAILED
    for place in (("a", "5"), ("b", "0")):
        grid[place].verdict[~grid[place].solved] = 3  # affine
    figure = map_of(swept(grid))
    (axes,) = panels(figure)
    assert hatched(axes, "affine") == {(0, 1), (1, 0)}
    assert hatched(axes, "slow") == {(0, 0), (1, 1)}
    assert legend(figure) == ["slow", "affine"]


@pytest.mark.parametrize(
    ("k", "text"), [(0, "0"), (1, "<1"), (499, "50"), (500, "50"), (999, ">99"), (1000, "100")]
)
def test_only_none_and_all_are_0_and_100(k, text):
    (axes,) = panels(map_of(swept({("1", "9"): some(k, 1000)})))
    assert written(axes) == {(0, 0): text}
    assert bool(hatched(axes, "slow")) == (k < 500)


def test_further_keys_have_a_panel_for_each_of_their_values_up_to_twelve():
    def outcome(number):
        cells = {(str(h), "1", e): some(h % 20) for h in range(number) for e in "89"}
        return swept(cells, ("hidden", "learning_rate", "epochs"))

    shown = panels(map_of(outcome(5)))
    assert [axes.get_title(loc="left") for axes in shown] == [f"hidden {h}" for h in range(5)]
    for h, axes in enumerate(shown):
        same(values_of(axes), [[h / 20, h / 20]])
    assert len(panels(map_of(outcome(14)))) == 12
    assert "not drawn: 2 maps for other values of hidden" in sweep_caption(outcome(14)).footnote


def test_maps_without_any_result_are_left_out():
    cells = {(h, "1", e): some(3) if h == "4" else None for h in "246" for e in "89"}
    shown = panels(map_of(swept(cells, ("hidden", "learning_rate", "epochs"))))
    assert [axes.get_title(loc="left") for axes in shown] == ["hidden 4"]
    nothing = swept(dict.fromkeys(cells), ("hidden", "learning_rate", "epochs"))
    (axes,) = panels(map_of(nothing))
    assert np.isnan(values_of(axes)).all()


def test_one_key_is_a_curve_with_wilsons_interval():
    counts = {"0.1": 3, "0.3": 20, "1": None, "3": 0}
    cells = {(v,): None if k is None else some(k) for v, k in counts.items()}
    cells["10",] = FAILED
    (axes,) = panels(map_of(swept(cells, ("learning_rate",))))
    (line,) = [line for line in lines(axes) if line.get_marker() == "o"]
    same(line.get_xdata(), range(5))
    same(line.get_ydata(), [0.15, 1.0, np.nan, 0.0, np.nan])
    corners = axes.collections[0].get_paths()
    edges = {round(float(y), 9) for path in corners for y in path.vertices[:, 1]}
    expected = {round(end, 9) for k in (3, 20, 0) for end in wilson_interval(k, 20)}
    assert edges == expected
    assert [label.get_text() for label in axes.get_xticklabels()] == [*counts, "10"]
    assert marked_at_the_bottom(axes) == {".": [2], "x": [4]}


def marked_at_the_bottom(axes):
    return {
        line.get_marker(): [round(x) for x in line.get_xdata()]
        for line in lines(axes)
        if line.get_marker() in (".", "x") and len(line.get_xdata())
    }


def test_ten_thousand_cells_take_seconds_and_less_than_a_megabyte():
    rng = np.random.default_rng(0)
    steps = np.linspace(-3, 3, 100)
    cells = {
        (f"{y:.3f}", f"{x:.3f}"): some(int(20 / (1 + np.exp(-x - y - rng.normal()))))
        for y in steps
        for x in steps
    }
    outcome, other = swept(cells), swept({place: some(10) for place in cells})
    began = time.perf_counter()
    two = pair_sweeps(outcome, other)
    pictures = [
        figures.sweep_map(outcome, caption=sweep_caption(outcome)),
        figures.difference(two, ("a", "b"), caption=difference_caption(two, ("a", "b"))),
    ]
    sizes = [len(figures.save(one, kind)) for one in pictures for kind in ("png", "svg", "pdf")]
    assert max(sizes) < 1_000_000
    assert time.perf_counter() - began < 60.0
    (axes,) = panels(pictures[0])
    assert written(axes) == {}
    below = {tuple(place) for place in np.argwhere(values_of(axes) < 0.5).tolist()}
    assert hatched(axes, "slow") == below
    labels = [label.get_text() for label in axes.get_xticklabels()]
    assert (labels[0], labels[-1]) == ("-3.000", "3.000")
    assert len(labels) <= 30


def test_of_a_key_with_many_values_some_are_written_each_at_its_place():
    cells = {(str(y), str(x)): some(1) for y in range(60) for x in range(90)}
    (axes,) = panels(map_of(swept(cells)))
    for axis in (axes.xaxis, axes.yaxis):
        texts = [label.get_text() for label in axis.get_ticklabels()]
        assert texts == [str(round(place)) for place in axis.get_ticklocs()]


# --- two sweeps -------------------------------------------------------------------------------


def test_the_colours_are_the_second_minus_the_first_and_stars_are_claims():
    seeds = 40
    first = {("1", e): some(k, seeds) for e, k in (("a", 0), ("b", 20), ("c", 40))}
    second = {("1", e): some(k, seeds) for e, k in (("a", 30), ("b", 21), ("c", 10))}
    first["1", "d"], second["1", "d"] = None, some(1, seeds)
    first["1", "e"], second["1", "e"] = FAILED, some(1, seeds)
    figure = difference_of(swept(first), swept(second))
    (axes,) = panels(figure)
    same(values_of(axes), [[0.75, 0.025, -0.75, np.nan, np.nan]])
    # by hand: 30 and 1 discordant pairs of 40, all on one side
    assert written(axes) == {(0, 0): "+75*", (0, 1): "+2", (0, 2): "-75*"}
    assert (marked(axes, "."), marked(axes, "x")) == ({(0, 3)}, {(0, 4)})
    assert axes.get_images()[0].get_clim() == (-1.0, 1.0)
    assert border_of(axes) == set()


def test_no_difference_has_the_colour_in_the_middle():
    for theme in ("light", "dark"):
        two = pair_sweeps(*[swept({("1", "a"): some(3)})] * 2)
        caption = difference_caption(two, ("a", "b"))
        figure = drawn(figures.difference(two, ("a", "b"), caption=caption, theme=theme))
        (image,) = panels(figure)[0].get_images()
        middle = image.cmap(image.norm(0.0))
        assert image.to_rgba(image.get_array())[0, 0] == pytest.approx(middle)
        red, green, blue, _ = middle
        assert max(red, green, blue) - min(red, green, blue) < 0.1  # hardly any colour
        below, above = image.cmap(0.0), image.cmap(1.0)
        assert below[0] > below[2]  # orange
        assert above[2] > above[0]  # blue


def test_where_no_sign_is_written_fewer_is_hatched():
    first = swept({(str(y), str(x)): some(10) for y in range(15) for x in range(15)})
    second = swept(
        {
            (str(y), str(x)): some(10 + y - x) if abs(y - x) < 10 else some(0)
            for y in range(15)
            for x in range(15)
        }
    )
    figure = difference_of(first, second)
    (axes,) = panels(figure)
    assert hatched(axes, FEWER) == {tuple(p) for p in np.argwhere(values_of(axes) < 0.0).tolist()}
    assert legend(figure) == [FEWER]
    claimed = {
        tuple(map(int, place))
        for place, both in pair_sweeps(first, second).cells.items()
        if both.paired.claim
    }
    assert marked(axes, "*") == claimed


def test_one_key_is_a_curve_of_differences_with_their_intervals():
    first = swept({(e,): some(k, 40) for e, k in (("8", 0), ("9", 20))}, ("epochs",))
    second = swept({(e,): some(k, 40) for e, k in (("8", 30), ("9", 20))}, ("epochs",))
    figure = difference_of(first, second)
    (axes,) = panels(figure)
    (line,) = [line for line in lines(axes) if line.get_marker() == "o"]
    same(line.get_ydata(), [0.75, 0.0])
    cells = pair_sweeps(first, second).cells
    for place, both in enumerate(cells.values()):
        bars = [b for b in lines(axes) if [*b.get_xdata()] == [place, place]]
        same(bars[0].get_ydata(), [both.paired.low, both.paired.high])
    assert [text.get_text() for text in axes.texts] == ["*"]
    assert axes.texts[0].xy[0] == 0
    assert "two minus one,\npercentage points" in words(figure)


def test_sweeps_that_cannot_be_paired_have_differences_without_intervals_and_stars():
    first = swept({(e,): some(0, 40) for e in "89"}, ("epochs",))
    second = swept({(e,): some(40, 40) for e in "89"}, ("epochs",), hidden="5")
    (axes,) = panels(difference_of(first, second))
    assert axes.texts[:] == []
    assert not [line for line in lines(axes) if [*line.get_xdata()] in ([0, 0], [1, 1])]
