"""Pages as HTML: every text is text, every table a table, and no colour stands alone."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markup import contrast, parsed, rows_of
from prepared import RIGHT, WRONG, prepared

from hsig.analysis.summary import summarise
from hsig.output.formats import as_markdown
from hsig.output.html import (
    CELL_MOST,
    FRAGMENT_STYLE,
    LINE_MOST,
    as_html,
    code,
    colour,
    curves_html,
    folded,
    paragraph,
    phrase,
)
from hsig.reports.page import (
    ROWS_MOST,
    Curves,
    HeatMap,
    Line,
    Page,
    Shade,
    Table,
    lines,
    shortened,
    visible,
)
from hsig.reports.training import training_page

HOSTILE = (
    "<script>alert(1)</script>",
    "</table></div><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)" x="',
    "&lt;b&gt; &amp; &#60;",
    "\u202ehard\u202c \u200b\u2066",
    "a\x00b\x1b[31m\x7f",
    "x < 0 and $x^2$ \U0001f600\U0001f469\u200d\U0001f4bb",
    "\u05d0\u05d1\u05d2 \ud800",
    "L" * 10_000,
)
TEXTS = st.text() | st.sampled_from(HOSTILE)


def page_with(*blocks, **more):
    return Page(blocks, document=lambda _: {}, rows=lambda: ((), ()), **more)


def fragment(*blocks, **options):
    return parsed(as_html(page_with(*blocks), **options))


def trained():
    outcome = prepared([RIGHT, WRONG, WRONG], [[1, 0.1], [0.9, 0.8], [0.7, 0.7]])
    return training_page(outcome, summarise(outcome))


def test_a_page_has_its_sentences_and_tables_as_its_markdown_has_them():
    page = trained()
    root = parsed(as_html(page, full=True))
    told = [line.text for block in page.blocks if isinstance(block, tuple) for line in block]
    assert [p.text for p in root.every("p")] == told
    shown = [block for block in page.blocks if isinstance(block, Table)]
    assert [rows_of(table) for table in root.every("table")] == [
        [list(table.columns), *map(list, table.rows)] for table in shown
    ]
    assert [c.whole for c in root.every("caption")] == [table.heading for table in shown]
    assert all(sentence in as_markdown(page, full=True) for sentence in told)


def test_what_is_most_important_is_shown_unless_all_is_asked_for():
    few, all_ = lines(["few"]), lines(["few", "more"])
    page = page_with(all_, short=(few,))
    assert [p.text for p in parsed(as_html(page)).every("p")] == ["few"]
    assert [p.text for p in parsed(as_html(page, full=True)).every("p")] == ["few", "more"]


def test_what_markdown_has_in_place_of_the_screen_html_has_too():
    page = page_with(lines(["drawn"]), markdown=(lines(["written"]),))
    assert [p.text for p in parsed(as_html(page)).every("p")] == ["written"]


@given(st.lists(TEXTS, min_size=3, max_size=3), TEXTS)
def test_whatever_a_text_holds_it_is_shown_as_text(cells, title):
    first, second, third = cells
    table = Table(title, (first, second), ((second, third), (third, first)), prose=(first,))
    shade = HeatMap(title, first, second, (third,), (first,), ((Shade(second, 0.3),),))
    curves = Curves(title, (0.0, 1.0), ((0.0, 1.0),))
    root = fragment((Line(first), Line(second, "answer")), table, shade, curves)
    assert {element.tag for element in root.every()} <= {
        *("div", "style", "p", "details", "summary", "table", "caption", "span", "thead", "tbody"),
        *("tr", "th", "td", "svg", "path", "polyline", "text"),
    }
    names = {name for element in root.every() for name in element.attributes}
    assert names <= {
        *("class", "dir", "role", "tabindex", "aria-label", "scope", "style", "viewbox", "points"),
        *("d", "x", "y", "text-anchor"),
    }
    body = rows_of(root.every("table")[0])[1:]
    assert body == [[visible(second), visible(third)], [visible(third), visible(first)]]
    told = [e for e in root.every("p", "div") if e.attributes.get("class") == "answer"]
    assert [e.whole for e in told] == [visible(second)]


@given(TEXTS)
def test_every_text_is_seen_whole_in_an_attribute_too(text):
    (div,) = parsed(f'<div title="{phrase(text, 10**6)}">{folded(text, 10**6)}</div>').children
    assert div.attributes["title"] == div.text == visible(text)


@given(st.text())
def test_no_character_that_is_not_seen_is_left(text):
    assert visible(text).isprintable()
    assert visible(visible(text)) == visible(text)


@pytest.mark.parametrize(
    ("text", "seen"),
    [("\u202e", "\\u202e"), ("\n", "\\n"), ("\U000e0001", "\\U000e0001"), ("\ud800", "\\ud800")],
)
def test_what_is_not_seen_is_written_as_python_writes_it(text, seen):
    assert visible(f"a{text}b") == f"a{seen}b"
    assert visible(f"a{text}b", but=text) == f"a{text}b"


@given(st.text(), st.integers(3, 20))
def test_a_shortened_text_keeps_its_ends_and_is_no_longer_than_asked_for(text, most):
    brief = shortened(text, most)
    assert len(brief) == min(len(text), most)
    begin, _, end = brief.partition("…") if len(text) > most else (text, "", "")
    assert text.startswith(begin)
    assert text.endswith(end)


def test_a_long_text_is_folded_and_whole_within():
    for made, most in ((folded("x" * 9999, CELL_MOST), CELL_MOST), (paragraph("y" * 9999), 800)):
        (details,) = parsed(made).every("details")
        (summary,) = details.every("summary")
        assert len(summary.text) <= most
        assert len(parsed(made).every("details")[0].text) == 9999 + len(summary.text)
    assert parsed(paragraph("y" * LINE_MOST)).every("details") == []


def test_no_line_ends_between_a_number_and_its_percent():
    root = parsed(paragraph("3 of 100 (99.6 %; 1 % to 8 %), 7 x"))
    assert [span.text for span in root.every("span")] == ["99.6 %", "1 %", "8 %"]
    assert ".hsig .unit{white-space:nowrap}" in FRAGMENT_STYLE
    assert root.text == "3 of 100 (99.6 %; 1 % to 8 %), 7 x"


def test_a_file_keeps_its_lines_and_shows_what_is_hidden_in_them():
    (pre,) = parsed(code("a: 1\n\tb: <\u202e\n")).every("pre")
    assert pre.text == "a: 1\n\tb: <\\u202e\n"


def test_a_long_table_loses_its_middle_unless_it_is_to_be_whole():
    rows = tuple((str(n),) for n in range(ROWS_MOST + 10))
    table = Table("", ("n",), rows)
    assert len(rows_of(fragment(table).every("table")[0])) == ROWS_MOST + 2
    whole = Table("", ("n",), rows, whole=True)
    assert len(rows_of(fragment(whole).every("table")[0])) == ROWS_MOST + 11


def test_a_table_whose_middle_is_missing_is_not_sorted():
    kinds = [
        fragment(Table("", ("n",), tuple((str(n),) for n in range(number))))
        .every("table")[0]
        .attributes.get("class", "")
        for number in (1, 2, ROWS_MOST, ROWS_MOST + 1)
    ]
    assert ["sorts" in kind for kind in kinds] == [False, True, True, False]


def test_every_table_has_a_caption_heads_and_a_region_of_its_own_that_can_be_reached():
    table = Table("", ("a", "b"), (("1", "2"),))
    shade = HeatMap("", "rate", "epochs", ("1",), ("9",), ((Shade("50", 0.5),),))
    root = fragment(table, shade, table)
    regions = [e for e in root.every("div") if e.attributes.get("role") == "region"]
    assert [r.attributes["aria-label"] for r in regions] == [
        "table 1: a, b", "table 2: rate against epochs", "table 3: a, b"
    ]  # fmt: skip
    assert all(region.attributes["tabindex"] == "0" for region in regions)
    for found in root.every("table"):
        assert found.children[1].tag == "caption"
        head, *body = found.every("tr")
        assert {cell.attributes["scope"] for cell in head.every("th", "td")} == {"col"}
        for row in body:
            first, *others = row.every("th", "td")
            assert (first.tag, first.attributes["scope"]) == ("th", "row")
            assert {cell.tag for cell in others} == {"td"}


def test_words_begin_on_the_left_and_numbers_end_on_the_right():
    root = fragment(Table("", ("a", "n", "w"), (("x", "1", "y"),), prose=("w",)))
    for row in root.every("tr"):
        kinds = [cell.attributes.get("class", "") for cell in row.every("th", "td")]
        assert kinds == ["prose", "", "prose"]


@given(st.floats(0, 1))
def test_the_letters_of_a_heat_map_can_be_read_on_every_colour(rate):
    shades = ((Shade("50▓", rate), Shade("x", None)),)
    root = fragment(HeatMap("", "a", "b", ("1",), ("2", "3"), shades))
    shaded, failed = root.every("td")
    assert (shaded.text, failed.text) == ("50▓", "x")
    found = re.fullmatch(
        "background:(#[0-9a-f]{6});color:(#[0-9a-f]{3})", shaded.attributes["style"]
    )
    assert contrast(*found.groups()) >= 4.5
    assert "style" not in failed.attributes


def test_colours_of_a_heat_map_grow_from_orange_by_way_of_white_to_blue():
    parts = [[int(colour(rate / 20)[at : at + 2], 16) for at in (1, 3, 5)] for rate in range(21)]
    red, _, blue = zip(*parts, strict=True)
    assert list(blue[:11]) == sorted(blue[:11])
    assert list(red[10:]) == sorted(red[10:], reverse=True)
    assert len(set(map(tuple, parts))) == 21


def points(svg, kind="first"):
    """The points of each stretch of the curves of a kind."""
    return [
        [tuple(map(float, point.split(","))) for point in line.attributes["points"].split()]
        for line in parsed(svg).every("polyline")
        if line.attributes["class"] == kind
    ]


def test_a_curve_goes_through_its_values_from_0_up():
    ((start, middle, end),) = points(curves_html(Curves("", (0, 5, 10), ((2.0, 1.0, 0.0),))))
    assert start[0] < middle[0] < end[0]
    assert middle[0] - start[0] == pytest.approx(end[0] - middle[0], abs=0.11)
    assert middle[1] - start[1] == pytest.approx(end[1] - middle[1], abs=0.11)
    assert start[1] < end[1]  # downwards


def test_what_is_not_finite_leaves_a_gap_and_a_point_alone_is_seen():
    nan, inf = float("nan"), float("inf")
    values = (1.0, 1.0, nan, 0.5, inf, 0.25, 0.25)
    found = points(curves_html(Curves("", range(7), (values,))))
    assert [len(run) for run in found] == [2, 2, 2]
    assert found[1][0] == found[1][1]
    for nothing in (
        Curves("", (0, 1), ((nan, inf),)),
        Curves("", (0,), ((1.0,),)),
        Curves("", (), ()),
    ):
        assert curves_html(nothing) == ""


@given(st.lists(st.floats(), min_size=2, max_size=30), st.integers(2, 3), st.floats(1e-3, 1e6))
def test_every_curve_stays_within_its_picture(values, number, step):
    x = [n * step for n in range(len(values))]
    svg = curves_html(Curves("", x, [values] * number))
    for run in points(svg) + points(svg, "other"):
        assert all(52 <= across <= 436 and 4 <= down <= 126 for across, down in run)


def test_a_curve_of_very_many_points_is_drawn_with_few_from_end_to_end():
    x = range(100_000)
    ((*_, last),) = found = points(curves_html(Curves("", x, ([1.0] * 99_999 + [0.0],))))
    assert len(found[0]) <= 402
    assert last == (436.0, 126.0)


def test_a_curve_is_told_to_those_who_do_not_see_it():
    nan = float("nan")
    for values, told in (
        ((0.97, 0.8, 0.7), "cost: a curve from 0.97 at 0 to 0.7 at 40"),
        ((nan, 0.8, nan), "cost: a curve from 0.8 at 20 to 0.8 at 20; 1 more beside it"),
        ((nan, nan, nan), "cost: a curve that is finite nowhere; 1 more beside it"),
    ):
        more = [] if values[0] == 0.97 else [(1.0, 1.0, 1.0)]
        (svg,) = parsed(curves_html(Curves("cost", (0, 20, 40), (values, *more)))).every("svg")
        assert (svg.attributes["role"], svg.attributes["aria-label"]) == ("img", told)


def test_a_curve_is_seen_on_light_and_on_dark_paper():
    (line,) = re.findall(r"\.hsig \.first\{stroke:(#[0-9a-f]{6})", FRAGMENT_STYLE)
    assert min(contrast(line, "#ffffff"), contrast(line, "#1e1e1e")) >= 3  # WCAG 2.2, 1.4.11


def test_a_fragment_leaves_what_is_around_it_alone_and_loads_nothing():
    made = as_html(trained(), full=True)
    rules = re.findall(r"([^{}]+)\{", FRAGMENT_STYLE)
    assert all(part.strip().startswith(".hsig") for rule in rules for part in rule.split(","))
    root = parsed(made)
    assert not [e for e in root.every() if {"id", "src", "href"} & e.attributes.keys()]
    assert "url(" not in made
    assert "http" not in made
    assert root.every("script") == []
    assert len(made) < 8000
