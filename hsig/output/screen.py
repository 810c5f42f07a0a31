"""Pages on the terminal, in its width, its colours and its characters."""

from bisect import bisect_left
from collections.abc import Sequence, Set
from dataclasses import replace
from io import StringIO
from math import isnan, nan

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from hsig.escaping import escape_control
from hsig.reports.page import LEVELS, Block, Curves, HeatMap, Page, Shade, Table

_MIN_WIDTH_BESIDE = 72  # columns from which on the curve stands beside its table
_CURVE_WIDTH, _CURVE_HEIGHT = 44, 9
_ALONE_WIDTH = _CURVE_WIDTH + _CURVE_WIDTH // 2  # of a curve that stands by itself
_LINES_BESIDE_MAP = 4  # of a map that is filling in: its title, its head, the bar, the prompt
_MIN_LABEL = 12  # to which the first column is folded before a table is split
_GAP = 2  # between columns
_STYLES = {"": "", "title": "bold", "answer": "bold", "good": "bold green", "bad": "bold yellow"}
# what stands for bars and small curves where there are no such characters
_ASCII = str.maketrans(f"{LEVELS}▓▒░·", "_.:-=+*#+=-.")


def draw(
    page: Page, console: Console, *, brief: bool = False, full: bool = False
) -> RenderableType:
    """A page for a console of any width and encoding.

    `brief` is for the result alone, if the page has one, `full` for every table and sentence.
    """
    blocks = (page.brief,) if brief and page.brief else page.choose_blocks(full=full)
    parts = [part for block in blocks for part in (Text(), _draw_block(block, console))]
    return Group(*parts[1:])


def as_text(page: Page, width: int, *, full: bool = False) -> str:
    """A page as plain text, of lines of at most so many characters."""
    text = StringIO()
    console = Console(file=text, width=width, color_system=None, highlight=False, emoji=False)
    console.print(draw(page, console, full=full))
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())


def _draw_block(block: Block, console: Console) -> RenderableType:
    match block:
        case Table(beside=None):
            return _draw_table(block, console)
        case Table():
            return _draw_with_curves(block, console)
        case Curves():
            title = _text(block.title, console, "bold")
            return Group(title, _draw_curves(block, min(_ALONE_WIDTH, console.width), console))
        case HeatMap():
            return _draw_heat_map(block, console)
    return Group(*(_text(line.text, console, _STYLES[line.tone]) for line in block))


def _text(text: str, console: Console, style: str = "") -> Text:
    """A text in characters that the console has, and of which all can be seen."""
    text = escape_control(text)
    return Text(text.translate(_ASCII) if console.options.ascii_only else text, style=style)


# --- tables --------------------------------------------------------------------------------------


def _draw_table(table: Table, console: Console) -> RenderableType:
    """A table; where it is too wide, without its spare columns, then in parts, then folded."""
    while table.spare and _width(table, console) > console.width:
        table = table.drop_spare()
    parts = _split(table, console) if table.splits else [table]
    title = [_text(table.title, console)] if table.title else []
    drawn = [part for each in parts for part in (Text(), _draw_columns(each, console))]
    return Group(*title, *drawn[1:])


def _split(table: Table, console: Console) -> list[Table]:
    """Tables that fit one below the other, each with the first column."""
    first, *widths = _column_widths(table, console)
    room = console.width - (first if table.columns[0] in table.firm else min(first, _MIN_LABEL))
    parts, used = [[0]], 0
    for column, width in enumerate(widths, 1):
        if used + _GAP + width > room and len(parts[-1]) > 1:
            parts.append([0])
            used = 0
        parts[-1].append(column)
        used += _GAP + width
    return [table.select(part) for part in parts]


def _width(table: Table, console: Console) -> int:
    """The columns of the console that a table takes if there is room."""
    return sum(_column_widths(table, console)) + _GAP * (len(table.columns) - 1)


def _column_widths(table: Table, console: Console) -> list[int]:
    """How wide the longest line of each column is, its name among them."""
    rows = [table.columns, *table.shortened().rows]
    return [
        max(cell_len(line) for cell in column for line in _text(cell, console).plain.split("\n"))
        for column in zip(*rows, strict=True)
    ]


def _draw_columns(table: Table, console: Console) -> RichTable:
    """The table itself, whose first column and whose words are folded where there is no room."""
    drawn = RichTable(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(table.columns):
        is_prose = column in table.prose
        folds = not table.splits or (index == 0 and column not in table.firm)
        drawn.add_column(
            _text(column, console),
            justify="left" if is_prose else "right",
            overflow="fold",
            no_wrap=column in table.firm or not folds,
        )
    for row in table.shortened().rows:
        drawn.add_row(*(_text(cell, console) for cell in row))
    return drawn


def _draw_with_curves(table: Table, console: Console) -> RenderableType:
    """A table with its curves beside it, or below where there is no room."""
    drawn, is_beside = _draw_table(table, console), console.width >= _MIN_WIDTH_BESIDE
    taken = console.measure(drawn).maximum + 3 if is_beside else 0
    curves = _draw_curves(table.beside, min(_CURVE_WIDTH, console.width - taken), console)
    if not is_beside:
        return Group(drawn, Text(), curves) if curves else drawn
    grid = RichTable.grid(padding=(0, 3, 0, 0))
    grid.add_row(drawn, curves)
    return grid


# --- heat maps -----------------------------------------------------------------------------------


def draw_so_far(heat_map: HeatMap | None, console: Console) -> RenderableType:
    """The map of a sweep that goes on, if there is room for it."""
    if heat_map is None or len(heat_map.rows) + _LINES_BESIDE_MAP > console.height:
        return Group()
    fits = _width(heat_map.as_table(), console) <= console.width
    return _draw_heat_map(heat_map, console) if fits else Group()


def _draw_heat_map(heat_map: HeatMap, console: Console) -> RenderableType:
    plain = heat_map.as_table()
    if _width(plain, console) > console.width:
        return _draw_table(replace(plain, splits=True), console)
    drawn = RichTable(box=None, pad_edge=False, header_style="bold")
    for column in plain.columns:
        drawn.add_column(_text(column, console), justify="right")
    for row, shades in zip(heat_map.rows, heat_map.shades, strict=True):
        drawn.add_row(_text(row, console, "bold"), *(_draw_shade(s, console) for s in shades))
    title = [_text(heat_map.title, console)] if heat_map.title else []
    return Group(*title, drawn)


def _draw_shade(shade: Shade, console: Console) -> Text:
    """A cell, from red by way of yellow to green."""
    if shade.rate is None:
        return _text(shade.text, console)
    red = round(200 * min(1.0, 2.0 - 2.0 * shade.rate))
    green = round(160 * min(1.0, 2.0 * shade.rate))
    return _text(shade.text, console, f"black on #{red + 40:02x}{green + 60:02x}50")


# --- curves --------------------------------------------------------------------------------------

_MAX_VALUE = 1e300  # what is larger, infinite or undefined leaves a gap
_BRAILLE_BLANK = 0x2800
_BRAILLE_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # rows of two columns
_ASCII_DOTS = ((1,),)


def _draw_curves(curves: Curves | None, width: int, console: Console) -> Text:
    """Curves in characters; nothing where there is no room, or nothing to draw."""
    if curves is None:
        return Text()
    is_ascii = console.options.ascii_only
    lines = curve(curves.x, curves.values, width=width, height=_CURVE_HEIGHT, ascii_only=is_ascii)
    return Text("\n".join(lines), style="cyan", no_wrap=True)


def curve(
    x: Sequence[float],
    lines: Sequence[Sequence[float]],
    *,
    width: int,
    height: int,
    ascii_only: bool,
) -> list[str]:
    """Draw curves over a common x, from 0 to the farthest value, with both axes labelled.

    Points that are not finite leave a gap. The first line, the most important, is drawn in full,
    the others with every fourth dot. `width` is that of the picture, in characters, `height` that
    of the curve, without the line for the x axis below it.

    Returns:
        `height + 1` lines of text, or none when there is nothing to draw or no room.
    """
    values = [[value if abs(value) <= _MAX_VALUE else nan for value in line] for line in lines]
    drawable = [value for line in values for value in line if not isnan(value)]
    if len(x) < 2 or not drawable:
        return []
    low, high = min(0.0, *drawable), max(0.0, *drawable)
    if high == low:
        high = 1.0
    labels = [f"{high:.3g}", *[""] * (height - 2), f"{low:.3g}"]
    margin = max(map(len, labels)) + 1
    start, stop = f"{x[0]:g}", f"{x[-1]:g}"
    if width - margin < len(start + stop) + 1:
        return []
    dots = _ASCII_DOTS if ascii_only else _BRAILLE_DOTS
    columns, rows = (width - margin) * len(dots[0]), height * len(dots)
    lit: set[tuple[int, int]] = set()
    for order, line in enumerate(values):
        previous: int | None = None
        for column, value in enumerate(_interpolate(x, line, columns)):
            row = None if isnan(value) else round((high - value) / (high - low) * (rows - 1))
            if row is not None and order == 0:
                lit.update((column, dot) for dot in _join(previous, row))
            elif row is not None and column % 4 == 0:
                lit.add((column, row))
            previous = row
    axis = start + stop.rjust(width - margin - len(start))
    return [
        *(
            f"{label:>{margin - 1}} {_dots_as_text(lit, dots, row, width - margin)}".rstrip()
            for row, label in enumerate(labels)
        ),
        " " * margin + axis,
    ]


def _interpolate(x: Sequence[float], y: Sequence[float], points: int) -> list[float]:
    """A line at evenly spaced points; nan between two values of which one is nan."""
    line = []
    for point in range(points):
        at = x[0] + (x[-1] - x[0]) * point / max(1, points - 1)
        right = min(max(bisect_left(x, at), 1), len(x) - 1)
        before, after = y[right - 1], y[right]
        share = (at - x[right - 1]) / (x[right] - x[right - 1])
        between = before + (after - before) * share
        line.append(before if share == 0.0 else after if share == 1.0 else between)
    return line


def _join(previous: int | None, row: int) -> range:
    """The dots from that of the column before, without it, to `row`."""
    if previous is None:
        return range(row, row + 1)
    if row > previous:
        return range(previous + 1, row + 1)
    return range(row, max(previous, row + 1))


def _dots_as_text(
    lit: Set[tuple[int, int]], dots: Sequence[Sequence[int]], row: int, width: int
) -> str:
    """A row of characters, each of several dots."""

    def character(column: int) -> str:
        pattern = sum(
            bit
            for y, bits in enumerate(dots)
            for x, bit in enumerate(bits)
            if (column * len(bits) + x, row * len(dots) + y) in lit
        )
        if not pattern:
            return " "
        return "*" if dots is _ASCII_DOTS else chr(_BRAILLE_BLANK + pattern)

    return "".join(map(character, range(width)))
