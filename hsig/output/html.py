"""Pages as HTML: a fragment that stands by itself, in a notebook or within a larger file."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from html import escape
from itertools import count as count_from

from hsig import __version__
from hsig.escaping import escape_control
from hsig.reports.page import (
    ROWS_MOST,
    Block,
    Curves,
    HeatMap,
    Line,
    Page,
    Shade,
    Table,
    count,
    listed,
    shortened,
)
from hsig.reports.report import Figure, Report, Step

# --- html style ----------------------------------------------------------------------------------

# How pages look as HTML, and the script that sorts their tables: both stand within the file.

# of a fragment: below `.hsig` alone, so that it changes nothing around it
FRAGMENT_STYLE = """
.hsig{line-height:1.5;text-align:left;overflow-wrap:anywhere}
.hsig p,.hsig details{margin:.35em 0;max-width:70ch}
.hsig .title,.hsig .answer,.hsig .good,.hsig .bad{font-weight:600}
.hsig .scroll{overflow-x:auto;max-width:100%;margin:1em 0}
.hsig table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:0;
min-width:min(100%,36rem)}
.hsig caption{text-align:left;padding:0 0 .4em;caption-side:top}
.hsig caption>div{display:inline-block;position:sticky;left:0;
max-width:min(70ch,calc(100vw - 3rem))}
.hsig th,.hsig td{padding:.2em .7em;text-align:right;vertical-align:baseline;white-space:nowrap;
border:0}
.hsig th:first-child,.hsig td:first-child{padding-left:.2em}
.hsig .prose{text-align:left}
.hsig .long,.hsig details{white-space:normal;min-width:14rem;max-width:70ch;overflow-wrap:anywhere}
.hsig .words th,.hsig .words td{white-space:normal;overflow-wrap:anywhere;min-width:6rem}
.hsig .words tr>:first-child{overflow-wrap:break-word}
.hsig .words{min-width:0}
.hsig .unit{white-space:nowrap}
.hsig thead th{border-bottom:1px solid;vertical-align:bottom;font-weight:600}
.hsig tbody th{font-weight:400}
.hsig .map td{border:1px solid #fff;text-align:center}
.hsig summary{cursor:pointer}
.hsig svg.curves{display:block;width:100%;max-width:30rem;height:auto;margin:.5em 0 1em;
font-size:11px}
.hsig .axes,.hsig polyline{fill:none;stroke:currentColor;stroke-linejoin:round;
stroke-linecap:round}
.hsig .axes{opacity:.5}
.hsig .first{stroke:#3a7fc4;stroke-width:2}
.hsig .other{opacity:.55;stroke-dasharray:3 4}
.hsig svg.curves text{fill:currentColor}
""".strip()

# of a report, a file of its own
REPORT_STYLE = """
:root{color-scheme:light;--ink:#1c1e21;--soft:#54595f;--rule:#d6d9dd;--accent:#1d5a96}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0 auto;padding:2rem 1.25rem 4rem;max-width:58rem;color:var(--ink);background:#fff;
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
overflow-wrap:anywhere}
h1,h2,h3{line-height:1.25;font-weight:650;max-width:38rem}
h1{font-size:1.85rem;margin:0 0 .6rem;max-width:none}
h2{font-size:1.35rem;margin:3rem 0 .6rem}
h3{font-size:1.05rem;margin:2.2rem 0 .4rem}
p,li,figcaption{max-width:70ch}
a{color:var(--accent)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.skip{position:absolute;left:-999rem}
.skip:focus{left:1rem;top:.5rem;background:#fff;padding:.4rem .8rem}
.lead{font-size:1.15rem;color:var(--soft);margin:.2rem 0 0}
nav{border-top:1px solid var(--rule);border-bottom:1px solid var(--rule);margin:1.5rem 0}
nav ol{margin:.8rem 0;padding-left:1.4rem}
.run{margin-top:3.5rem;padding-top:.2rem;border-top:2px solid var(--accent)}
.run>h2{margin-top:1.4rem}
.result{border-left:3px solid var(--accent);padding-left:1rem;margin:.6rem 0}
.result>*{margin:.4rem 0;max-width:70ch}
.result>:first-child{font-weight:650}
figure{margin:1.4rem 0}
.picture{overflow-x:auto}
.picture svg{display:block;width:100%;min-width:34rem;height:auto}
figcaption{color:var(--soft);font-size:.9rem;margin-top:.5rem}
pre{background:#f4f5f7;padding:.7rem .9rem;border-radius:4px;white-space:pre-wrap;
overflow-wrap:anywhere;font-size:.85rem;line-height:1.45;margin:.5rem 0 1.2rem;max-width:100%}
.unit{white-space:nowrap}
code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace}
.hsig{font-size:.9rem}
.hsig p{font-size:1rem}
.hsig caption{color:var(--soft)}
.hsig thead th,.hsig tbody tr{border-bottom:1px solid var(--rule)}
.hsig table{width:100%}
.hsig .map{width:auto}
.hsig th button{font:inherit;color:inherit;background:none;border:0;padding:0;margin:0;
cursor:pointer;text-align:inherit;text-decoration:underline dotted var(--soft);
text-underline-offset:.25em}
th[aria-sort=ascending] button::after{content:" \\2191"}
th[aria-sort=descending] button::after{content:" \\2193"}
footer{margin-top:4rem;border-top:1px solid var(--rule);color:var(--soft);font-size:.85rem}
@media print{
@page{size:A4;margin:16mm 15mm}
html{font-size:10pt}
body{max-width:none;padding:0;font-size:1rem}
.skip{display:none}
a{color:inherit;text-decoration:none}
h2,h3,caption,thead,.step>p,.step>div{break-after:avoid}
figure,tr,thead,.result,svg{break-inside:avoid}
.run+.run{break-before:page}
.hsig .scroll,.picture{overflow:visible;max-width:none}
.picture svg{min-width:0;max-height:235mm}
.hsig table{font-size:min(8pt,calc(95pt / var(--columns)));width:100%;min-width:0}
.hsig caption{font-size:8.5pt}
.hsig th,.hsig td{white-space:normal;overflow-wrap:normal;padding:.15em .45em}
.hsig .long,.hsig td details,.hsig th details{min-width:0;overflow-wrap:anywhere}
pre{border:1px solid var(--rule);background:none}
.hsig td{print-color-adjust:exact;-webkit-print-color-adjust:exact}
.hsig th button{display:contents}
}
""".strip()

# without it the tables stand as they were written
SORTING = r"""
"use strict";
const amount = /([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|[-+]?inf)/.source;
const number = new RegExp(`^([<>]?)\\s*${amount}(?:\\s+of\\s+(\\d+))?(?=$|[\\s%,;()])`, "i");
function key(cell) {
  const text = cell.textContent.trim(), found = number.exec(text);
  if (!found) return { kind: text === "" || text === "nan" ? 2 : 1, text };
  const value = Number(found[2].replace(/inf/i, "Infinity")) / (found[3] || 1);
  return { kind: 0, value, beyond: "< >".indexOf(found[1] || " ") - 1, text };
}
function order(one, other) {
  if (one.value !== other.value) return one.value < other.value ? -1 : 1;
  return one.beyond - other.beyond;
}
function compare(one, other, sign) {
  if (one.kind !== other.kind) return one.kind - other.kind;
  return sign * (one.kind ? one.text.localeCompare(other.text, "en") : order(one, other));
}
function sort(head, column, table) {
  const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
  head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
  const rows = Array.from(table.tBodies[0].rows, row => ({ row, key: key(row.cells[column]) }));
  rows.sort((one, other) => compare(one.key, other.key, sign));
  table.tBodies[0].append(...rows.map(found => found.row));
}
for (const table of document.querySelectorAll("table.sorts")) {
  Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => sort(head, column, table));
  });
}
""".strip()


# --- html text -----------------------------------------------------------------------------------

# Texts as HTML: whatever they hold they are text, and however long they are they fit.

CELL_MOST, LINE_MOST, NAME_MOST = 300, 5000, 90  # characters that are shown at once
_BRIEF = 400  # of what is longer, at most
_PERCENT = re.compile(r"(?<![\w.])\d[\d.]* %")
_LINES = "\n\t"


def phrase(text: str, most: int = NAME_MOST) -> str:
    """A text in a line, also in an attribute: what is longer loses its middle."""
    return escape(shortened(escape_control(text), most))


def folded(text: str, most: int) -> str:
    """A text; where it is longer its beginning and end, which open to the whole."""
    seen = escape_control(text)
    if len(seen) <= most:
        return _unbroken(escape(seen))
    brief = escape(shortened(seen, min(most // 2, _BRIEF)))
    return f"<details><summary>{brief}</summary>{escape(seen)}</details>"


def _unbroken(escaped: str) -> str:
    """With no line that ends between a number and its unit."""
    return _PERCENT.sub(r'<span class="unit">\g<0></span>', escaped)


def paragraph(text: str, kind: str = "") -> str:
    """A text as a paragraph.

    Args:
        text: What it says.
        kind: Its class.
    """
    named = f' class="{kind}"' if kind else ""
    made = folded(text, LINE_MOST)
    tag = "div" if made.startswith("<details>") else "p"  # a paragraph holds no block
    return f"<{tag}{named}>{made}</{tag}>"


def code(text: str) -> str:
    """A text of several lines as it is, for a shell or a file."""
    return f"<pre><code>{escape(escape_control(text, keep=_LINES))}</code></pre>"


# --- html ----------------------------------------------------------------------------------------

_LONG = 40  # characters of a cell from which on it may be broken
_WIDTH, _HEIGHT, _MARGIN, _LABELS = 440, 130, 4, 52  # of a picture of curves
_POINTS_MOST = 400  # of a curve
_LARGEST = 1e300  # what is larger, infinite or undefined leaves a gap
_NONE, _HALF, _ALL = (230, 126, 60), (250, 250, 247), (62, 130, 196)  # solved: red, green, blue
_LETTERS = "#000"  # on every one of these colours


def as_html(page: Page, *, full: bool = False) -> str:
    """The page as a fragment of HTML, without ids, scripts or anything from elsewhere.

    Args:
        page: What is told.
        full: Whether with every table and sentence, not only the most important.
    """
    blocks = blocks_html(shown(page, full=full), rows_most=ROWS_MOST)
    return f'<div class="hsig" dir="ltr">\n<style>{FRAGMENT_STYLE}</style>\n{blocks}\n</div>\n'


def shown(page: Page, *, full: bool) -> tuple[Block, ...]:
    """The blocks of a page where its width is no matter."""
    return page.markdown or page.shown(full=full)


def blocks_html(blocks: Iterable[Block], *, rows_most: int, before: str = "") -> str:
    """Blocks one below the other.

    Args:
        blocks: Lines, tables and figures.
        rows_most: Longer tables are shown without their middle.
        before: What the names of their regions begin with, where there are several such pages.
    """
    numbers = count_from(1)
    return "\n".join(
        _block(
            block,
            f"{before}table {next(numbers)}" if isinstance(block, Table | HeatMap) else "",
            rows_most,
        )
        for block in blocks
    )


def _block(block: Block, name: str, rows_most: int) -> str:
    match block:
        case Table():
            beside = curves_html(block.beside) if block.beside else ""
            return table_html(block, name, rows_most=rows_most) + beside
        case Curves():
            return curves_html(block)
        case HeatMap():
            return heat_map_html(block, name)
    return "\n".join(map(_line, block))


def _line(line: Line) -> str:
    return paragraph(line.text, line.tone)


# --- tables -----------------------------------------------------------------------------------


def table_html(table: Table, name: str, *, rows_most: int = ROWS_MOST) -> str:
    """A table in a region of its own, which scrolls where it is too wide.

    Args:
        table: Of texts.
        name: Of the region.
        rows_most: Longer ones are shown without their middle, and cannot be sorted then.
    """
    cut = table.shortened(rows_most)
    heading = table.title or listed(table.columns)
    sorts = cut is table and len(table.rows) > 1
    sides = ["prose" if not n or c in table.prose else "" for n, c in enumerate(table.columns)]
    head = [_head(column, side) for column, side in zip(table.columns, sides, strict=True)]
    rows = [
        _row(
            _cell(text, side, first=not n)
            for n, (text, side) in enumerate(zip(row, sides, strict=True))
        )
        for row in cut.rows
    ]
    kinds = (["sorts"] if sorts else []) + (
        ["words"] if set(table.columns) == {*table.prose} else []
    )
    return _region(heading, name, head, rows, *kinds)


def heat_map_html(heat_map: HeatMap, name: str) -> str:
    """A heat map as a table whose cells have colours too: orange for none, blue for all."""
    table = heat_map.as_table()
    heading = heat_map.title or f"{heat_map.down} against {heat_map.across}"
    head = [_head(column, "prose" if not n else "") for n, column in enumerate(table.columns)]
    rows = [
        _row([_cell(row, "prose", first=True), *map(_shaded, shades)])
        for row, shades in zip(heat_map.rows, heat_map.shades, strict=True)
    ]
    return _region(heading, name, head, rows, "map")


def _region(heading: str, name: str, head: Sequence[str], rows: Sequence[str], *kinds: str) -> str:
    """A table below its heading; a printed one has letters that leave room for its columns."""
    label, body = phrase(f"{name}: {heading}"), "\n".join(rows)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{label}">\n'
        f'<table{_kind(*kinds)} style="--columns:{len(head)}">\n'
        f"<caption><div>{folded(heading, CELL_MOST)}</div></caption>\n"
        f"<thead>{_row(head)}</thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )


def _row(cells: Iterable[str]) -> str:
    return f"<tr>{''.join(cells)}</tr>"


def _head(text: str, side: str) -> str:
    return f'<th scope="col"{_kind(side)}>{phrase(text)}</th>'


def _cell(text: str, side: str, *, first: bool) -> str:
    tag, scope = ("th", ' scope="row"') if first else ("td", "")
    kind = _kind(side, "long" if len(text) > _LONG else "")
    return f"<{tag}{scope}{kind}>{folded(text, CELL_MOST)}</{tag}>"


def _kind(*names: str) -> str:
    there = " ".join(filter(None, names))
    return f' class="{there}"' if there else ""


def _shaded(shade: Shade) -> str:
    text = phrase(shade.text.strip())
    if shade.rate is None:
        return f"<td>{text}</td>"
    return f'<td style="background:{colour(shade.rate)};color:{_LETTERS}">{text}</td>'


def colour(rate: float) -> str:
    """The colour of a share in [0, 1]; its neighbours differ for the colour-blind too.

    >>> colour(0.0), colour(0.5), colour(1.0)
    ('#e67e3c', '#fafaf7', '#3e82c4')
    """
    start, stop = (_NONE, _HALF) if rate < 0.5 else (_HALF, _ALL)
    share = 2.0 * rate - (rate >= 0.5)
    mixed = (round(one + share * (other - one)) for one, other in zip(start, stop, strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)


# --- curves -----------------------------------------------------------------------------------


def curves_html(curves: Curves) -> str:
    """Curves as a small picture, the first in colour; nothing where there is nothing to draw."""
    if len(curves.x) < 2:
        return ""
    thinned = _thinned(curves)
    there = [value for line in thinned.values for value in line if abs(value) <= _LARGEST]
    if not there:
        return ""
    low, high = min(0.0, *there), max(0.0, *there)
    high = high if high > low else low + 1.0
    paths = [
        f'<polyline class="{"other" if order else "first"}" points="{points}"/>'
        for order, line in reversed([*enumerate(thinned.values)])
        for points in _runs(thinned.x, line, low, high)
    ]
    right, bottom, left = _WIDTH - _MARGIN, _HEIGHT - _MARGIN, _LABELS - 4
    said = (
        (f"{high:.3g}", left, _MARGIN + 9, "end"),
        (f"{low:.3g}", left, bottom, "end"),
        (f"{curves.x[0]:g}", _LABELS, _HEIGHT + 12, "start"),
        (f"{curves.x[-1]:g}", right, _HEIGHT + 12, "end"),
    )
    texts = [f'<text x="{x}" y="{y}" text-anchor="{at}">{text}</text>' for text, x, y, at in said]
    title = paragraph(curves.title, "title") if curves.title else ""
    return (
        f'{title}<svg class="curves" viewBox="0 0 {_WIDTH} {_HEIGHT + 16}" role="img" '
        f'aria-label="{phrase(_in_words(curves), 300)}">'
        f'<path class="axes" d="M{_LABELS} {_MARGIN}V{bottom}H{right}"/>'
        f"{''.join(paths)}{''.join(texts)}</svg>"
    )


def _in_words(curves: Curves) -> str:
    """From where to where the first of the curves goes, as far as it is finite."""
    known = [
        (x, value)
        for x, value in zip(curves.x, curves.values[0], strict=True)
        if abs(value) <= _LARGEST
    ]
    title = f"{curves.title}: " if curves.title else ""
    more = len(curves.values) - 1
    others = f"; {more} more beside it" if more else ""
    if not known:
        return f"{title}a curve that is finite nowhere{others}"
    (first, start), (last, end) = known[0], known[-1]
    return f"{title}a curve from {start:.3g} at {first:g} to {end:.3g} at {last:g}{others}"


def _thinned(curves: Curves) -> Curves:
    """The same with so many points as can be seen, the last among them."""
    step = -(-len(curves.x) // _POINTS_MOST)
    kept = sorted({*range(0, len(curves.x), step), len(curves.x) - 1})
    return replace(
        curves,
        x=[curves.x[n] for n in kept],
        values=[[line[n] for n in kept] for line in curves.values],
    )


def _runs(x: Sequence[float], line: Sequence[float], low: float, high: float) -> list[str]:
    """The points of each stretch of a curve that is finite."""
    across, down = _WIDTH - _MARGIN - _LABELS, _HEIGHT - 2 * _MARGIN
    runs: list[list[str]] = [[]]
    for at, value in zip(x, line, strict=True):
        if abs(value) <= _LARGEST:
            place = _LABELS + across * (at - x[0]) / (x[-1] - x[0])
            height = _MARGIN + down * (high / (high - low) - value / (high - low))
            runs[-1].append(f"{place:.1f},{height:.1f}")
        elif runs[-1]:
            runs.append([])
    # a point alone would not be seen
    return [" ".join(run * 2 if len(run) == 1 else run) for run in runs if run]


# --- html report ---------------------------------------------------------------------------------

# Reports as one file of HTML that needs nothing else: it can be sent by mail, and printed.

_ROWS_MOST = 1000  # of a table; longer ones are shown without their middle
_PARTS = {  # of a report, by what its ids end with
    "result": "Result",
    "figures": "Figures",
    "setting": "Setting",
    "numbers": "In full",
    "again": "How to reproduce it",
    "versions": "What it ran on",
}
# nothing is loaded from anywhere: what would be is refused by the browser
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)


def report_html(reports: Sequence[Report]) -> str:
    """One file for some reports, of which each is a section if there are several.

    Args:
        reports: At least one.
    """
    several = len(reports) > 1
    title = count(len(reports), "result") if several else reports[0].title
    level = 3 if several else 2
    parts = [_sections(report, n, level) for n, report in enumerate(reports, start=1)]
    if several:
        places = {f"run-{n}": report.title for n, report in enumerate(reports, start=1)}
        main = "\n".join(
            f'<section class="run" id="run-{n}">\n<h2>{phrase(report.title)}</h2>\n'
            f"{_asked(report)}{part}</section>"
            for n, (report, part) in enumerate(zip(reports, parts, strict=True), start=1)
        )
        lead = ""
    else:
        places = {f"run-1-{end}": _PARTS[end] for end in _ends(reports[0])}
        main, lead = parts[0], _asked(reports[0])
    return _DOCUMENT.format(
        version=__version__,
        policy=_POLICY,
        title=phrase(title),
        style=f"{FRAGMENT_STYLE}\n{REPORT_STYLE}",
        lead=lead,
        places="\n".join(
            f'<li><a href="#{id}">{phrase(name)}</a></li>' for id, name in places.items()
        ),
        main=main,
        script=SORTING,
    )


_DOCUMENT = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="generator" content="hsig {version}">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light">
<title>{title}</title>
<style>
{style}
</style>
</head>
<body>
<a class="skip" href="#main">Skip to the result</a>
<header>
<h1>{title}</h1>
{lead}</header>
<nav aria-label="Contents">
<ol>
{places}
</ol>
</nav>
<main id="main" tabindex="-1">
{main}
</main>
<footer><p>made by hsig {version}</p></footer>
<script>
{script}
</script>
</body>
</html>
"""


def _asked(report: Report) -> str:
    return f"{paragraph(report.asked, 'lead')}\n"


def _ends(report: Report) -> list[str]:
    """The parts that a report has."""
    return [end for end in _PARTS if end != "figures" or report.figures]


def _sections(report: Report, number: int, level: int) -> str:
    """The parts of a report below each other, under headings of a level."""
    name = f"result {number}, " if level > 2 else ""
    made = {
        "result": _result(report),
        "figures": "\n".join(
            _figure(figure, f"{name}figure {n}") for n, figure in enumerate(report.figures, start=1)
        ),
        "setting": _words_table(report.setting, f"{name}setting"),
        "numbers": _in_full(report, name),
        "again": "\n".join(map(_step, report.reproduce)),
        "versions": _words_table(report.versions, f"{name}versions"),
    }
    return "".join(
        f'<section id="run-{number}-{end}">\n<h{level}>{_PARTS[end]}</h{level}>\n{made[end]}\n'
        "</section>\n"
        for end in _ends(report)
    )


def _result(report: Report) -> str:
    said = "\n".join(map(paragraph, report.result))
    return f'<div class="result">\n{said}\n</div>'


def _in_full(report: Report, name: str) -> str:
    blocks = blocks_html(shown(report.page, full=True), rows_most=_ROWS_MOST, before=name)
    return f'<div class="hsig" dir="ltr">\n{blocks}\n</div>'


def _words_table(table: Table, name: str) -> str:
    made = table_html(table, name, rows_most=_ROWS_MOST)
    return f'<div class="hsig" dir="ltr">\n{made}\n</div>'


def _step(step: Step) -> str:
    return f'<div class="step">\n{paragraph(step.said)}\n{code(step.code)}\n</div>'


# --- figures ----------------------------------------------------------------------------------

_BEFORE = re.compile(r"\A.*?(?=<svg\b)", re.DOTALL)  # what files of SVG begin with
_ABOUT_THE_FILE = re.compile(r"<metadata\b.*?</metadata>", re.DOTALL)
_BEGIN = re.compile(r"\A<svg\b(?P<attributes>[^>]*)>", re.DOTALL)


def _figure(figure: Figure, name: str) -> str:
    """A picture in a region that scrolls where it would be too small to read."""
    svg = _ABOUT_THE_FILE.sub("", _BEFORE.sub("", figure.svg, count=1)).strip()
    begin = _BEGIN.match(svg)
    named = begin is not None and "aria-label" in begin["attributes"]  # or -labelledby
    if begin is not None and not named:
        attributes = re.sub(r'\s+role="[^"]*"', "", begin["attributes"])
        head = f'<svg role="img" aria-label="{phrase(figure.alt, 2000)}"{attributes}>'
        svg = head + svg[begin.end() :]
    return (
        f'<figure>\n<div class="picture" role="region" tabindex="0" '
        f'aria-label="{phrase(f"{name}: {figure.caption}")}">\n{svg}\n</div>\n'
        f"<figcaption>{phrase(figure.caption, 1500)}</figcaption>\n</figure>"
    )
