"""Pages on the terminal, in its width, its colours and its characters."""

from dataclasses import replace

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from hsig.output.charts import curve
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


def draw(page: Page, console: Console, *, brief: bool = False) -> RenderableType:
    """A page, for a console of any width and encoding; or what is told of it in brief."""
    if brief and page.brief:
        return Group(*(Text(line.text, style=_STYLES[line.tone]) for line in page.brief))
    parts: list[RenderableType] = []
    for block in page.blocks:
        parts += [Text(), _drawn(block, console)] if parts else [_drawn(block, console)]
    return Group(*parts)


def _drawn(block: Block, console: Console) -> RenderableType:
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
    fits = _room_needed(heat_map.as_table()) <= console.width
    return _heat_map(heat_map, console) if fits else Group()


def _heat_map(heat_map: HeatMap, console: Console) -> RenderableType:
    plain = heat_map.as_table()
    if _room_needed(plain) > console.width:
        return _table(replace(plain, splits=True), console)
    drawn = RichTable(box=None, pad_edge=False, header_style="bold")
    for column in plain.columns:
        drawn.add_column(column, justify="right")
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
        drawn = _columns(block, console, label if block.splits and not block.firm else None)
        parts += [Text(), drawn] if number else [drawn]
    return parts[0] if len(parts) == 1 else Group(*parts)


def _blocks(table: Table, width: int) -> list[Table]:
    """Tables one below the other that fit, each with the first column, folded if it must be."""
    label = _widths(table)[0] if table.firm else min(_widths(table)[0], _LABEL_LEAST)
    blocks: list[list[int]] = [[0]]
    room = width - label
    for column, needed in enumerate(_widths(table)[1:], start=1):
        if room < needed + _GAP and len(blocks[-1]) > 1:
            blocks.append([0])
            room = width - label
        blocks[-1].append(column)
        room -= needed + _GAP
    return [table.only(block) for block in blocks] if len(blocks) > 1 else [table]


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
            column,
            justify="left" if prose else "right",
            overflow="fold",
            max_width=max(1, label) if label is not None and index == 0 else None,
            no_wrap=table.firm and index == 0,
        )
    for row in table.shortened().rows:
        drawn.add_row(*(_text(cell, console) for cell in row))
    return drawn
