"""Pages on the terminal, in its width, its colours and its characters."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from io import StringIO

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from hsig.output.escaping import seen
from hsig.reports.page import LEVELS, Block, Curves, HeatMap, Page, Shade, Table

_SIDE_BY_SIDE = 72  # columns from which the curve stands beside its table
_CURVE_WIDTH, _CURVE_HEIGHT = 44, 9
_ALONE_WIDTH = _CURVE_WIDTH + _CURVE_WIDTH // 2  # of a curve that stands by itself
_GAP = 2  # between columns
_LINES_BESIDE = 4  # of a map that is filling in: its title, its head, the bar, the prompt
_LABEL_LEAST = 12  # to which labels are folded before a table is split
_STYLES = {"": "", "title": "bold", "answer": "bold", "good": "bold green", "bad": "bold yellow"}
# what stands for bars and small curves where there are no such characters
_ASCII = str.maketrans(f"{LEVELS}▓▒░·", "_.:-=+*#+=-.")


def draw(
    page: Page, console: Console, *, brief: bool = False, full: bool = False
) -> RenderableType:
    """A page, for a console of any width and encoding; or what is told of it in brief."""
    if brief and page.brief:
        return _drawn(page.brief, console)
    parts: list[RenderableType] = []
    for block in page.shown(full=full):
        parts += [Text(), _drawn(block, console)] if parts else [_drawn(block, console)]
    return Group(*parts)


def as_text(page: Page, width: int, *, full: bool = False) -> str:
    """A page as plain text, of lines of at most so many characters."""
    text = StringIO()
    console = Console(file=text, width=width, color_system=None, highlight=False, emoji=False)
    console.print(draw(page, console, full=full))
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())


def _drawn(block: Block, console: Console) -> RenderableType:
    block = seen(block)
    match block:
        case Table():
            return _table(block, console) if block.beside is None else _costs(block, console)
        case Curves():
            title = Text(block.title, style="bold")
            return Group(title, _curves(block, min(_ALONE_WIDTH, console.width), console))
        case HeatMap():
            return _heat_map(block, console)
    return Group(*(_text(line.text, console, _STYLES[line.tone]) for line in block))


def _text(text: str, console: Console, style: str = "") -> Text:
    """A text in characters that the console has."""
    return Text(text.translate(_ASCII) if console.options.ascii_only else text, style=style)


def draw_so_far(heat_map: HeatMap | None, console: Console) -> RenderableType:
    """The map of a sweep that goes on, if there is room for it."""
    if heat_map is None or len(heat_map.rows) + _LINES_BESIDE > console.height:
        return Group()
    heat_map = seen(heat_map)
    fits = _room_needed(heat_map.as_table()) <= console.width
    return _heat_map(heat_map, console) if fits else Group()


def _heat_map(heat_map: HeatMap, console: Console) -> RenderableType:
    plain = heat_map.as_table()
    if _room_needed(plain) > console.width:
        return _table(replace(plain, splits=True), console)
    drawn = RichTable(box=None, pad_edge=False, header_style="bold")
    for column in plain.columns:
        drawn.add_column(_text(column, console), justify="right")
    for row, shades in zip(heat_map.rows, heat_map.shades, strict=True):
        drawn.add_row(Text(row, style="bold"), *map(_shaded, shades))
    title = [Text(heat_map.title)] if heat_map.title else []
    return Group(*title, drawn)


def _shaded(shade: Shade) -> Text:
    """From red by way of yellow to green."""
    if shade.rate is None:
        return Text(shade.text)
    red = round(200 * min(1.0, 2.0 - 2.0 * shade.rate))
    green = round(160 * min(1.0, 2.0 * shade.rate))
    return Text(shade.text, style=f"black on #{red + 40:02x}{green + 60:02x}50")


def _costs(table: Table, console: Console) -> RenderableType:
    """A table with its curves beside it, or below where there is no room."""
    drawn = _table(table, console)
    beside = console.width >= _SIDE_BY_SIDE
    taken = _width(drawn, console) + 3 if beside else 0
    picture = _curves(table.beside, min(_CURVE_WIDTH, console.width - taken), console)
    if not beside:
        return Group(drawn, Text(), picture) if picture else drawn
    grid = RichTable.grid(padding=(0, 3, 0, 0))
    grid.add_row(drawn, picture)
    return grid


def _curves(curves: Curves | None, width: int, console: Console) -> Text:
    """Nothing where there is no room, or nothing to draw."""
    picture = (
        curve(
            curves.x,
            curves.values,
            width=width,
            height=_CURVE_HEIGHT,
            ascii_only=console.options.ascii_only,
        )
        if curves
        else []
    )
    return Text("\n".join(picture), style="cyan", no_wrap=True)


def _width(drawn: RenderableType, console: Console) -> int:
    """The columns it would take if there were room."""
    boundless = console.options.update(max_width=10_000)
    return console.measure(drawn, options=boundless).maximum


def _table(table: Table, console: Console) -> RenderableType:
    while table.spare and _room_needed(table) > console.width:
        table = table.smaller()
    parts: list[RenderableType] = [_text(table.title, console)] if table.title else []
    blocks = _blocks(table, console.width) if table.splits else [table]
    for number, block in enumerate(blocks):
        label = console.width - _room_needed(block, from_column=1)
        drawn = _columns(block, console, label if block.splits and not _is_firm(block) else None)
        parts += [Text(), drawn] if number else [drawn]
    return parts[0] if len(parts) == 1 else Group(*parts)


def _blocks(table: Table, width: int) -> list[Table]:
    """Tables one below the other that fit, each with the first column, folded if it must be."""
    label = _widths(table)[0] if _is_firm(table) else min(_widths(table)[0], _LABEL_LEAST)
    blocks: list[list[int]] = [[0]]
    room = width - label
    for column, needed in enumerate(_widths(table)[1:], start=1):
        if room < needed + _GAP and len(blocks[-1]) > 1:
            blocks.append([0])
            room = width - label
        blocks[-1].append(column)
        room -= needed + _GAP
    return [table.only(block) for block in blocks] if len(blocks) > 1 else [table]


def _is_firm(table: Table) -> bool:
    """Whether what stands before each row is never folded."""
    return table.columns[0] in table.firm


def _room_needed(table: Table, from_column: int = 0) -> int:
    """The width it would take if there were room; with the gap before it unless it is whole."""
    widths = _widths(table)[from_column:]
    return sum(widths) + _GAP * (len(widths) - 1 + (from_column > 0))


def _widths(table: Table) -> list[int]:
    rows = (table.columns, *table.shortened().rows)
    return [max(map(cell_len, cells)) for cells in zip(*rows, strict=True)]


def _columns(table: Table, console: Console, label: int | None) -> RichTable:
    """The table as it is drawn, with a bound on the width of its first column."""
    drawn = RichTable(box=None, pad_edge=False, header_style="bold")
    for index, column in enumerate(table.columns):
        prose = column in table.prose
        drawn.add_column(
            _text(column, console),
            justify="left" if prose else "right",
            overflow="fold",
            max_width=max(1, label) if label is not None and index == 0 else None,
            no_wrap=column in table.firm,
        )
    for row in table.shortened().rows:
        drawn.add_row(*(_text(cell, console) for cell in row))
    return drawn


_LARGEST = 1e300  # what is larger, infinite or undefined leaves a gap
_BRAILLE_BLANK = 0x2800
_BRAILLE_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # rows of two columns


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
    drawable = [value for line in lines for value in line if abs(value) <= _LARGEST]
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
        if not all(abs(end) <= _LARGEST for _, end in ends):
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
