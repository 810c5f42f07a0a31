"""Reports as one file of HTML that needs nothing else: it can be sent by mail, and printed."""

import re
from collections.abc import Sequence

from hsig import __version__
from hsig.output.html import blocks_html, shown, table_html
from hsig.output.html_style import FRAGMENT_STYLE, REPORT_STYLE, SORTING
from hsig.output.html_text import code, paragraph, phrase
from hsig.reports.numbers import count
from hsig.reports.page import Table
from hsig.reports.report import Figure, Report, Step

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
