"""Pages as HTML: a fragment that stands by itself, in a notebook or within a larger file."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import count

from hsig.output.html_style import FRAGMENT_STYLE
from hsig.output.html_text import CELL_MOST, folded, paragraph, phrase
from hsig.reports.numbers import listed
from hsig.reports.page import ROWS_MOST, Block, Curves, HeatMap, Line, Page, Shade, Table

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
    numbers = count(1)
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
    heading = table.heading or listed(table.columns)
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
