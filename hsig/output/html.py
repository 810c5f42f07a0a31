"""Pages as HTML: a fragment that stands by itself, and reports in one file."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from html import escape
from itertools import count as count_from
from itertools import groupby

from hsig import __version__
from hsig.escaping import escape_control
from hsig.reports.page import (
    MAX_ROWS,
    Block,
    Curves,
    HeatMap,
    Page,
    Shade,
    Table,
    count,
    listed,
)
from hsig.reports.report import Report

# of a fragment: below `.hsig` alone, so that it changes nothing around it
_STYLE = """
.hsig{line-height:1.5;text-align:left;overflow-wrap:anywhere}
.hsig p{margin:.35em 0;max-width:70ch}
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
.hsig .long{white-space:normal;min-width:14rem;max-width:70ch;overflow-wrap:anywhere}
.hsig .words th,.hsig .words td{white-space:normal;overflow-wrap:anywhere;min-width:6rem}
.hsig .words tr>:first-child{overflow-wrap:break-word}
.hsig .words{min-width:0}
.hsig thead th{border-bottom:1px solid;vertical-align:bottom;font-weight:600}
.hsig tbody th{font-weight:400}
.hsig .map td{border:1px solid #fff;text-align:center}
.hsig svg.curves{display:block;width:100%;max-width:30rem;height:auto;margin:.5em 0 1em;
font-size:11px}
.hsig .axes,.hsig polyline{fill:none;stroke:currentColor;stroke-linejoin:round;
stroke-linecap:round}
.hsig .axes{opacity:.5}
.hsig .first{stroke:#3a7fc4;stroke-width:2}
.hsig .other{opacity:.55;stroke-dasharray:3 4}
.hsig svg.curves text{fill:currentColor}
""".strip()

_LONG = 40  # characters of a cell from which on it may be broken
_MAX_REPORT_ROWS = 1000  # longer tables of a report are shown without their middle


def as_html(page: Page, *, full: bool = False) -> str:
    """The page as a fragment of HTML, without ids, scripts or anything from elsewhere."""
    blocks = blocks_html(_page_blocks(page, full=full), rows_most=MAX_ROWS)
    return f'<div class="hsig" dir="ltr">\n<style>{_STYLE}</style>\n{blocks}\n</div>\n'


def _page_blocks(page: Page, *, full: bool) -> tuple[Block, ...]:
    """The blocks of a page where its width is no matter."""
    return page.markdown or page.choose_blocks(full=full)


def blocks_html(blocks: Iterable[Block], *, rows_most: int, prefix: str = "") -> str:
    """Blocks one below the other; names of tables begin with a prefix."""
    numbers = count_from(1)
    parts = []
    for block in blocks:
        match block:
            case Table():
                parts.append(_table_html(block, f"{prefix}table {next(numbers)}", rows_most))
                parts += [curves_html(block.beside)] if block.beside else []
            case Curves():
                parts.append(curves_html(block))
            case HeatMap():
                parts.append(_heat_map_html(block, f"{prefix}table {next(numbers)}"))
            case _:
                parts += [f"<p{_class(line.tone)}>{_text(line.text)}</p>" for line in block]
    return "\n".join(parts)


def _text(text: str) -> str:
    return escape(escape_control(text))


def _class(*names: str) -> str:
    present = " ".join(filter(None, names))
    return f' class="{present}"' if present else ""


# --- tables --------------------------------------------------------------------------------------


def _table_html(table: Table, name: str, rows_most: int) -> str:
    """A table in a region of its own, which scrolls where it is too wide."""
    cut = table.shortened(rows_most)
    words = [not n or column in table.prose for n, column in enumerate(table.columns)]
    heads = [_head(column, left) for column, left in zip(table.columns, words, strict=True)]
    rows = [
        [_cell(text, left, n) for n, (text, left) in enumerate(zip(row, words, strict=True))]
        for row in cut.rows
    ]
    sorts = "sorts" if cut is table and len(table.rows) > 1 else ""
    kind = "words" if set(table.columns) == {*table.prose} else ""
    return _region(table.title or listed(table.columns), name, heads, rows, sorts, kind)


def _heat_map_html(heat_map: HeatMap, name: str) -> str:
    """A heat map as a table whose cells have colours too: orange for none, blue for all."""
    heading = heat_map.title or f"{heat_map.down} against {heat_map.across}"
    columns = heat_map.as_table().columns
    heads = [_head(column, not n) for n, column in enumerate(columns)]
    rows = [
        [_cell(row, True, 0), *map(_shaded, shades)]
        for row, shades in zip(heat_map.rows, heat_map.shades, strict=True)
    ]
    return _region(heading, name, heads, rows, "map")


def _region(
    heading: str, name: str, heads: Sequence[str], rows: Sequence[Sequence[str]], *kinds: str
) -> str:
    body = "\n".join(f"<tr>{''.join(row)}</tr>" for row in rows)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{_text(name)}">\n'
        f'<table{_class(*kinds)} style="--columns:{len(heads)}">\n'
        f"<caption><div>{_text(heading)}</div></caption>\n"
        f"<thead><tr>{''.join(heads)}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )


def _head(text: str, left: bool) -> str:
    return f'<th scope="col"{_class("prose" if left else "")}>{_text(text)}</th>'


def _cell(text: str, left: bool, column: int) -> str:
    tag, scope = ("td", "") if column else ("th", ' scope="row"')
    kind = _class("prose" if left else "", "long" if len(text) > _LONG else "")
    return f"<{tag}{scope}{kind}>{_text(text)}</{tag}>"


def _shaded(shade: Shade) -> str:
    text = _text(shade.text.strip())
    if shade.rate is None:
        return f"<td>{text}</td>"
    return f'<td style="background:{colour(shade.rate)};color:#000">{text}</td>'


def colour(rate: float) -> str:
    """The colour of a share in [0, 1], from orange over white to blue.

    >>> colour(0.0), colour(0.5), colour(1.0)
    ('#e67e3c', '#fafaf7', '#3e82c4')
    """
    none, half, every = (230, 126, 60), (250, 250, 247), (62, 130, 196)
    start, stop = (none, half) if rate < 0.5 else (half, every)
    share = 2.0 * rate - (rate >= 0.5)
    mixed = (round(low + share * (high - low)) for low, high in zip(start, stop, strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)


# --- curves --------------------------------------------------------------------------------------

_WIDTH, _HEIGHT, _MARGIN, _LABELS = 440, 130, 4, 52
_MAX_POINTS = 400  # of a curve
_MAX_NUMBER = 1e300  # what is larger, infinite or undefined leaves a gap


def curves_html(curves: Curves) -> str:
    """Curves as a small picture, the first in colour; nothing where there is nothing to draw."""
    step = -(-len(curves.x) // _MAX_POINTS) or 1
    places = sorted({*range(0, len(curves.x), step), max(0, len(curves.x) - 1)})
    lines = [[line[place] for place in places] for line in curves.values] if places[1:] else []
    finite = [value for line in lines for value in line if abs(value) <= _MAX_NUMBER]
    if not finite:
        return ""
    x = [curves.x[place] for place in places]
    low, high = min(0.0, *finite), max(0.0, *finite)
    high = high if high > low else low + 1.0
    right, bottom = _WIDTH - _MARGIN, _HEIGHT - _MARGIN

    def point(at: float, value: float) -> str:
        across = _LABELS + (right - _LABELS) * (at - x[0]) / (x[-1] - x[0])
        down = _MARGIN + (bottom - _MARGIN) * (high / (high - low) - value / (high - low))
        return f"{across:.1f},{down:.1f}"

    parts = [f'<path class="axes" d="M{_LABELS} {_MARGIN}V{bottom}H{right}"/>']
    for order, line in reversed([*enumerate(lines)]):
        kind = "other" if order else "first"
        for drawable, run in groupby(
            zip(x, line, strict=True), lambda at: abs(at[1]) <= _MAX_NUMBER
        ):
            if drawable:
                points = [point(*at) for at in run]
                points *= 2 if len(points) == 1 else 1  # a point alone would not be seen
                parts.append(f'<polyline class="{kind}" points="{" ".join(points)}"/>')
    for text, left, down, anchor in (
        (f"{high:.3g}", _LABELS - 4, _MARGIN + 9, "end"),
        (f"{low:.3g}", _LABELS - 4, bottom, "end"),
        (f"{x[0]:g}", _LABELS, _HEIGHT + 12, "start"),
        (f"{x[-1]:g}", right, _HEIGHT + 12, "end"),
    ):
        parts.append(f'<text x="{left}" y="{down}" text-anchor="{anchor}">{text}</text>')
    title = f'<p class="title">{_text(curves.title)}</p>' if curves.title else ""
    first = [value for value in lines[0] if abs(value) <= _MAX_NUMBER] or finite
    alt = f"{curves.title or 'curve'}: from {first[0]:.3g} to {first[-1]:.3g}"
    return (
        f'{title}<svg class="curves" viewBox="0 0 {_WIDTH} {_HEIGHT + 16}" role="img" '
        f'aria-label="{_text(alt)}">{"".join(parts)}</svg>'
    )


# --- reports -------------------------------------------------------------------------------------

_PARTS = {
    "result": "Result",
    "figures": "Figures",
    "setting": "Setting",
    "numbers": "In full",
    "again": "How to reproduce it",
    "versions": "What it ran on",
}


def report_html(reports: Sequence[Report]) -> str:
    """One file that needs nothing else; each of several reports is a section."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    several = len(reports) > 1
    if several:
        contents = {f"run-{n}": report.title for n, report in enumerate(reports, start=1)}
    else:
        parts = [end for end in _PARTS if end != "figures" or reports[0].figures]
        contents = {f"run-1-{end}": _PARTS[end] for end in parts}
    environment = Environment(
        loader=PackageLoader("hsig.output"), autoescape=True, undefined=StrictUndefined
    )
    environment.filters |= {
        "visible": lambda text, keep="": escape_control(text, keep=keep),
        "base64": lambda text: b64encode(text.encode()).decode(),
        "sha256": lambda text: b64encode(sha256(text.encode()).digest()).decode(),
        "blocks": lambda blocks, prefix: Markup(
            blocks_html(blocks, rows_most=_MAX_REPORT_ROWS, prefix=prefix)
        ),
        "page_blocks": lambda page: _page_blocks(page, full=True),
    }
    return environment.get_template("report.html").render(
        version=__version__,
        title=escape_control(count(len(reports), "result") if several else reports[0].title),
        fragment_style=Markup(_STYLE),
        headings=_PARTS,
        level=3 if several else 2,
        contents={id: escape_control(name) for id, name in contents.items()},
        reports=reports,
    )
