"""A report as one file: whole by itself, in order, and harmless whatever it is told."""

import re
from dataclasses import replace
from html import unescape
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markup import contrast, parsed, rows_of
from prepared import RIGHT, WRONG, compared, prepared
from test_html import HOSTILE, TEXTS

from hsig.analysis.summary import summarise
from hsig.output.html import REPORT_STYLE, SORTING, report_html
from hsig.reports.comparison import comparison_page
from hsig.reports.page import Curves, HeatMap, Line, Page, Shade, Table, visible
from hsig.reports.report import Figure, Report, Step
from hsig.reports.training import training_page

# as matplotlib begins and ends a file
SVG = """<?xml version="1.0" encoding="utf-8" standalone="no"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN"
  "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 240">
 <metadata><rdf:RDF xmlns:cc="http://creativecommons.org/ns#"></rdf:RDF></metadata>
 <path d="M20 20L620 220" stroke="#1d5a96"/>
</svg>
"""
NAMED = '<svg role="img" aria-labelledby="t"><title id="t">x</title></svg>'
FIGURE = Figure(SVG, "hard stays where it is", "Median cost by epoch")
WORDS = Table("keys", ("key", "value"), (("epochs", "10"),), prose=("key", "value"))


def trained():
    outcome = prepared([RIGHT, WRONG, WRONG], [[1, 0.1], [0.9, 0.8], [0.7, 0.7]])
    return training_page(outcome, summarise(outcome))


def side_by_side():
    outcome = compared(
        {"tanh": ([RIGHT] * 12, [[1, 0.1]] * 12), "hard": ([WRONG] * 12, [[1, 0.9]] * 12)}
    )
    return comparison_page(outcome, summarise(outcome))


def map_of(rates):
    shades = tuple(tuple(Shade(f"{100 * rate:.0f}", rate) for rate in row) for row in rates)
    rows, columns = (tuple(map(str, range(n))) for n in (len(rates), len(rates[0])))
    heat_map = HeatMap("", "learning_rate", "epochs", rows, columns, shades)
    return Page((heat_map,), document=lambda _: {}, rows=lambda: ((), ()))


def report(text=None, page=None, **changes):
    """A report; all that may come from outside is the text, if there is one."""
    made = Report(
        title=text or "hard on xor",
        asked=text or "Does hard learn xor?",
        result=(text or "hard: solved 3 of 100.", "It is affine.", text or "More epochs help."),
        setting=WORDS if text is None else Table(text, (text, "b"), ((text, text),), prose=("b",)),
        page=page or trained(),
        reproduce=(Step(text or "This gives it:", text or "hsig train hard"),),
        versions=WORDS,
        figures=(FIGURE._replace(alt=text or FIGURE.alt, caption=text or FIGURE.caption),),
    )
    return replace(made, **changes)


def hostile_page(text):
    table = Table(text, (text, "n"), ((text, "1"), ("b", text)), prose=(text,))
    shade = HeatMap(text, text, text, (text,), (text,), ((Shade(text, 0.2),),))
    blocks = ((Line(text), Line(text, "bad")), table, shade, Curves(text, (0, 1), ((0.0, 1.0),)))
    return Page(blocks, document=lambda _: {}, rows=lambda: ((), ()))


def text_of(root, tag):
    return [element.text for element in root.every(tag)]


def test_a_report_is_one_file_of_html_that_says_who_made_it_at_once():
    made = report_html([report()])
    assert made.startswith('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n')
    assert re.search(r'<meta name="generator" content="hsig \S+">', made[:300])
    (html,) = parsed(made.removeprefix("<!DOCTYPE html>\n").strip()).children
    assert (html.tag, html.attributes) == ("html", {"lang": "en"})
    metas = {m.attributes.get("name"): m.attributes["content"] for m in html.every("meta")[1:]}
    assert metas["viewport"] == "width=device-width, initial-scale=1"
    assert metas["color-scheme"] == "light"


def test_a_report_needs_nothing_from_anywhere():
    made = report_html([report(), report(page=side_by_side())])
    root = parsed(made)
    policy = next(
        e.attributes["content"]
        for e in root.every("meta")
        if e.attributes.get("http-equiv") == "Content-Security-Policy"
    )
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert "default-src" not in rules["script-src"]
    assert not [source for rule in rules.values() for source in rule.split() if "http" in source]
    for element in root.every():
        assert element.tag not in {"link", "iframe", "object", "embed", "base", "img", "form"}
        for name, value in element.attributes.items():
            assert name == "xmlns" or "//" not in value, (element.tag, name)
            assert name != "src"
            assert name != "href" or value.startswith("#")
    assert "url(" not in made
    assert "@import" not in made
    assert "http" not in re.sub(r'(xmlns="[^"]*"|http-equiv)', "", made)


def test_a_report_says_everything_in_order():
    root = parsed(report_html([report()]))
    assert text_of(root, "h1") == ["hard on xor"]
    assert text_of(root, "h2") == [
        "Result", "Figures", "Setting", "In full", "How to reproduce it", "What it ran on"
    ]  # fmt: skip
    assert text_of(root, "h3") == []
    body = root.every("body")[0].text
    parts = (
        *("Does hard learn xor?", "hard: solved 3 of 100.", "It is affine.", "More epochs help."),
        *("Median cost by epoch", "verdicts: ", "hsig train hard", "made by hsig "),
    )
    places = [body.index(part) for part in parts]
    assert places == sorted(places)
    (result,) = [e for e in root.every("div") if e.attributes.get("class") == "result"]
    assert text_of(result, "p") == ["hard: solved 3 of 100.", "It is affine.", "More epochs help."]


def test_without_figures_there_is_no_place_for_them():
    assert "Figures" not in report_html([report(figures=())])


def test_several_results_are_sections_below_a_list_of_them():
    root = parsed(report_html([report(), report(title="other")]))
    assert text_of(root, "h1") == ["2 results"]
    assert text_of(root, "h2") == ["hard on xor", "other"]
    assert text_of(root, "h3")[:2] == ["Result", "Figures"]
    assert len(text_of(root, "h3")) == 12
    (nav,) = root.every("nav")
    assert text_of(nav, "a") == ["hard on xor", "other"]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_every_link_leads_somewhere_and_every_id_and_region_is_one_of_a_kind(number):
    root = parsed(report_html([report()] * number))
    ids = [e.attributes["id"] for e in root.every() if "id" in e.attributes]
    assert len(set(ids)) == len(ids)
    assert {a.attributes["href"][1:] for a in root.every("a")} <= set(ids)
    regions = [
        e.attributes["aria-label"] for e in root.every() if e.attributes.get("role") == "region"
    ]
    assert len(set(regions)) == len(regions)
    skip = root.every("a")[0]
    assert (skip.attributes["href"], skip.text) == ("#main", "Skip to the result")


@pytest.mark.parametrize("number", [1, 3])
def test_headings_go_down_by_one_step_at_a_time(number):
    root = parsed(report_html([report()] * number))
    levels = [int(e.tag[1]) for e in root.every("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


@given(TEXTS.filter(bool), st.integers(1, 2))
def test_whatever_a_text_holds_a_report_shows_it_and_does_nothing(text, number):
    plain = parsed(report_html([report("plain", hostile_page("plain"))] * number))
    made = parsed(report_html([report(text, hostile_page(text))] * number))
    folds = {"details", "summary", "p", "div", "span"}  # what is long is folded

    def bones(root):
        found = [e for e in root.every() if e.tag not in folds]
        return [(e.tag, e.attributes.keys() - {"class"}) for e in found]

    assert bones(made) == bones(plain)
    assert [e.children for e in made.every("script")] == [[f"\n{SORTING}\n"]]
    assert made.every("pre")[0].text == visible(text, but="\n\t")
    for element in made.every():
        assert element.text.replace("\n", "").replace("\t", "").isprintable()


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_is_markup_and_none_ends_a_script(text):
    made = report_html([report(text, hostile_page(text))])
    assert made.count("<script>") == made.count("</script>") == 1
    names = {name for e in parsed(made).every() for name in e.attributes}
    assert not [name for name in names if name.startswith("on")]


def test_a_figure_has_a_caption_and_is_told_to_those_who_do_not_see_it():
    hostile = Figure(SVG, 'so "<it>" is', "as <seen>")
    named = Figure(NAMED, "not needed", "named")
    root = parsed(report_html([report(figures=(hostile, named))]))
    first, second = root.every("figure")
    assert text_of(first, "figcaption") == ["as <seen>"]
    (svg,) = first.every("svg")
    assert (svg.attributes["role"], svg.attributes["aria-label"]) == ("img", 'so "<it>" is')
    assert svg.attributes["viewbox"] == "0 0 640 240"
    assert [e.tag for e in svg.every()] == ["path"]
    assert second.every("svg")[0].attributes["aria-labelledby"] == "t"
    assert "aria-label" not in second.every("svg")[0].attributes


def test_all_of_a_page_is_in_its_report():
    page = side_by_side()
    root = parsed(report_html([report(page=page)]))
    told = [line.text for block in page.blocks if isinstance(block, tuple) for line in block]
    assert set(told) <= set(text_of(root, "p"))
    shown = [rows_of(table) for table in root.every("table")]
    for block in page.blocks:
        if isinstance(block, Table):
            assert [list(block.columns), *map(list, block.rows)] in shown


def test_a_long_table_is_whole_in_a_report():
    rows = tuple((str(n), "x") for n in range(400))
    page = Page((Table("", ("n", "x"), rows),), document=lambda _: {}, rows=lambda: ((), ()))
    tables = parsed(report_html([report(page=page)])).every("table")
    assert max(len(rows_of(table)) for table in tables) == 401


def test_letters_can_be_read_on_what_they_stand_on():
    named = dict(re.findall(r"--(\w+):(#[0-9a-f]{6})", REPORT_STYLE))
    for paper in ("#ffffff", "#f4f5f7"):
        for ink in ("ink", "soft", "accent"):
            assert contrast(named[ink], paper) >= 4.5


def test_a_printed_report_is_of_a4_and_cuts_neither_figures_nor_rows():
    _, paper = REPORT_STYLE.split("@media print")
    assert "@page{size:A4;" in paper
    avoided = re.search(r"([^}]*)\{break-inside:avoid\}", paper).group(1).strip().split(",")
    assert {"figure", "tr"} <= set(avoided)


def test_the_script_stands_in_the_file_as_it_is():
    made = report_html([report()])
    assert f"<script>\n{SORTING}\n</script>" in made
    assert unescape(SORTING) == SORTING
