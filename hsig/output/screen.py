"""Pages on the terminal, in its width, its colours and its characters."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from io import StringIO

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
_STYLES = {"": "", "title": "bold", "answer": "bold", "good": "bold green", "bad": "bold yellow"}
# what stands for bars and small curves where there are no such characters
_ASCII = str.maketrans(f"{LEVELS}▓▒░·", "_.:-=+*#+=-.")


def draw(
    page: Page, console: Console, *, brief: bool = False, full: bool = False
) -> RenderableType:
    """A page for a console of any width and encoding.

    Args:
        page: What is drawn.
        console: Where.
        brief: Whether the result alone is wanted, if the page has one.
        full: Whether every table and sentence is.
    """
    blocks = (page.brief,) if brief and page.brief else page.shown(full=full)
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
        table = table.smaller()
    parts = _split(table, console) if table.splits else [table]
    title = [_text(table.title, console)] if table.title else []
    drawn = [part for each in parts for part in (Text(), _draw_columns(each, console))]
    return Group(*title, *drawn[1:])


def _split(table: Table, console: Console) -> list[Table]:
    """Tables that fit one below the other, each with the first column."""
    columns = range(len(table.columns))
    first = _width(table.select([0]), console)
    widths = [_width(table.select([0, column]), console) - first for column in columns]
    room = console.width - (first if table.columns[0] in table.firm else min(first, _MIN_LABEL))
    parts, used = [[0]], 0
    for column in columns[1:]:
        if used + widths[column] > room and len(parts[-1]) > 1:
            parts.append([0])
            used = 0
        parts[-1].append(column)
        used += widths[column]
    return [table.select(part) for part in parts]


def _width(table: Table, console: Console) -> int:
    """The columns of the console that a table takes if there is room."""
    boundless = console.options.update(max_width=10_000)
    return console.measure(_draw_columns(table, console), options=boundless).maximum


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


def _draw_curves(curves: Curves | None, width: int, console: Console) -> Text:
    """Curves in characters; nothing where there is no room, or nothing to draw."""
    if curves is None:
        return Text()
    is_ascii = console.options.ascii_only
    lines = curve(curves.x, curves.values, width=width, height=_CURVE_HEIGHT, ascii_only=is_ascii)
    return Text("\n".join(lines), style="cyan", no_wrap=True)


@dataclass
class Canvas:
    """A grid of dots, several to a character: 2 by 4 in Braille, 1 by 1 in ASCII.

    Attributes:
        width: In characters.
        height: In characters.
        ascii_only: Whether to do without Braille.
    """

    width: int
    height: int
    ascii_only: bool = False
    _lit: set[tuple[int, int]] = field(default_factory=set)

    @property
    def dots(self) -> tuple[int, int]:
        """Columns and rows of dots."""
        return (self.width, self.height) if self.ascii_only else (2 * self.width, 4 * self.height)

    def light(self, column: int, row: int) -> None:
        """Light one dot; column 0 is the left, row 0 the top."""
        self._lit.add((column, row))

    def lines(self) -> list[str]:
        """The picture, a text per line of characters."""
        return [
            "".join(self._character(column, row) for column in range(self.width)).rstrip()
            for row in range(self.height)
        ]

    def _character(self, column: int, row: int) -> str:
        if self.ascii_only:
            return "*" if (column, row) in self._lit else " "
        pattern = sum(
            bit
            for y, bits in enumerate(_BRAILLE_DOTS)
            for x, bit in enumerate(bits)
            if (2 * column + x, 4 * row + y) in self._lit
        )
        return chr(_BRAILLE_BLANK + pattern) if pattern else " "


def curve(
    x: Sequence[float],
    lines: Sequence[Sequence[float]],
    *,
    width: int,
    height: int,
    ascii_only: bool,
) -> list[str]:
    """Curves over a common x, from 0 to the farthest value, with both axes labelled.

    Points that are not finite leave a gap. The first line is drawn in full, the others with
    every fourth dot.

    Args:
        x: Increasing, at least two.
        lines: Values at `x`, the most important first.
        width: Of the whole picture, in characters.
        height: Of the curve, in characters; a line for the x axis comes below.
        ascii_only: Whether to do without Braille.

    Returns:
        `height + 1` lines of text, or none when there is nothing to draw or no room.
    """
    drawable = [value for line in lines for value in line if abs(value) <= _MAX_VALUE]
    if not drawable or len(x) < 2:
        return []
    low, high = min(0.0, *drawable), max(0.0, *drawable)
    if high == low:
        high = 1.0
    labels = [f"{high:.3g}", f"{low:.3g}"]
    margin = max(map(len, labels)) + 1
    canvas = Canvas(width - margin, height, ascii_only)
    if canvas.width < len(f"{x[0]:g}{x[-1]:g}") + 1:
        return []
    for order, line in enumerate(lines):
        _draw(canvas, x, line, (low, high), every=4 if order else 1)
    rows = canvas.lines()
    left = [labels[0], *[""] * (height - 2), labels[1]]
    start, stop = f"{x[0]:g}", f"{x[-1]:g}"
    axis = start + stop.rjust(canvas.width - len(start))
    return [
        *(f"{label:>{margin - 1}} {row}".rstrip() for label, row in zip(left, rows, strict=True)),
        " " * margin + axis,
    ]


def _draw(
    canvas: Canvas, x: Sequence[float], y: Sequence[float], bounds: tuple[float, float], every: int
) -> None:
    """One line, straight between neighbouring points that are both finite."""
    columns, rows = canvas.dots
    low, high = bounds
    segment = 0
    previous: int | None = None
    for column in range(columns):
        at = x[0] + (x[-1] - x[0]) * column / (columns - 1)
        while segment < len(x) - 2 and at > x[segment + 1]:
            segment += 1
        share = (at - x[segment]) / (x[segment + 1] - x[segment])
        # a share of 0 or 1 must not meet the neighbour, which may be infinite
        both = ((1.0 - share, y[segment]), (share, y[segment + 1]))
        ends = [(weight, end) for weight, end in both if weight > 0.0]
        if not all(abs(end) <= _MAX_VALUE for _, end in ends):
            previous = None
            continue
        value = sum(weight * end for weight, end in ends)
        row = round((high - value) / (high - low) * (rows - 1))
        if column % every == 0:
            reach = (
                range(row, row + 1) if previous is None or every > 1 else _between(previous, row)
            )
            for dot in reach:
                canvas.light(column, dot)
        previous = row


def _between(previous: int, row: int) -> range:
    """The dots that join `row` to the column before, without its own."""
    if row > previous:
        return range(previous + 1, row + 1)
    return range(row, max(previous, row + 1))
