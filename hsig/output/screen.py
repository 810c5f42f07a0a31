"""Reports on the terminal: the only module that knows colour and width."""

from dataclasses import replace

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from hsig.analysis.summary import VariantSummary
from hsig.reports.activations import Entry
from hsig.reports.comparison import Comparison
from hsig.reports.explanation import Story
from hsig.reports.maps import HeatMap, Map, Shade, as_table
from hsig.reports.page import Table
from hsig.reports.plots import curve
from hsig.reports.words import Report, VariantReport

_SIDE_BY_SIDE = 72  # columns from which the curve stands beside the costs
_CURVE_WIDTH, _CURVE_HEIGHT = 44, 9
_GAP = 2  # between columns
_LINES_BESIDE = 4  # of a map that is filling in: its title, its head, the bar, the prompt
_LABEL_LEAST = 12  # to which labels are folded before a table is split


def render(shown: Report, console: Console) -> RenderableType:
    """The whole report, for a console of any width and encoding."""
    parts: list[RenderableType] = [Text(line) for line in shown.heading]
    for variant in shown.variants:
        if variant.summary is not None:
            costs, *others = variant.tables
            parts += [Text(), _costs(costs, variant.summary, console)]
            for table in others:
                parts += [Text(), _table(table, console)]
        parts += [Text(), *_result_lines(variant)]
    return Group(*parts)


def render_comparison(shown: Comparison, console: Console) -> RenderableType:
    """Several variants side by side, for a console of any width."""
    parts: list[RenderableType] = [Text(line) for line in shown.heading]
    for table in shown.tables:
        parts += [Text(), _table(table, console)]
    if shown.notes:
        parts += [Text(), *map(Text, shown.notes)]
    return Group(*parts)


def render_map(shown: Map, console: Console) -> RenderableType:
    """A sweep: heat maps, in colour where there is some, and what they mean."""
    parts: list[RenderableType] = [Text(line) for line in shown.heading]
    for heat_map in shown.heat_maps:
        parts += [Text(), _heat_map(heat_map, console)]
    for table in shown.tables:
        parts += [Text(), _table(table, console)]
    return Group(*parts, Text(), *map(Text, shown.notes))


def render_map_so_far(heat_map: HeatMap | None, console: Console) -> RenderableType:
    """The map of a sweep that goes on, if there is room for it."""
    if heat_map is None or len(heat_map.rows) + _LINES_BESIDE > console.height:
        return Group()
    fits = _room_needed(as_table(heat_map)) <= console.width
    return _heat_map(heat_map, console) if fits else Group()


def _heat_map(heat_map: HeatMap, console: Console) -> RenderableType:
    plain = as_table(heat_map)
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


def render_difference(settings: Table, results: RenderableType, console: Console) -> RenderableType:
    """How the settings of two runs differ, then their results."""
    return Group(_table(settings, console), Text(), results)


def render_story(story: Story, console: Console) -> RenderableType:
    """Why a variant failed: words, what was seen on the way, and what helps."""
    parts: list[RenderableType] = [Text(line) for line in story.heading]
    parts += [Text(), Text(story.result, style="bold")]
    for paragraph in story.what:
        parts += [Text(), Text(paragraph)]
    for table in (story.timeline, story.remedies):
        if table is not None:
            parts += [Text(), _table(table, console)]
    return Group(*parts, *_conclusion(story))


def render_conclusion(story: Story, console: Console) -> RenderableType:
    """Only what happened and what works."""
    del console
    return Group(Text(story.result), *map(Text, story.conclusion[:1]))


def _conclusion(story: Story) -> list[RenderableType]:
    if not story.conclusion:
        return []
    first, *rest = story.conclusion
    return [Text(), Text(first, style="bold"), *map(Text, rest)]


def comparison_results(shown: Comparison, console: Console) -> RenderableType:
    """Only the line that matters of each variant."""
    del console
    return Group(*map(Text, shown.results))


def results(shown: Report, console: Console) -> RenderableType:
    """Only the line that matters of each variant."""
    del console
    return Group(*(_result_lines(variant)[0] for variant in shown.variants))


def render_overview(overview: tuple[Table, ...], console: Console) -> RenderableType:
    """The table of definitions, and who means what by which name."""
    parts: list[RenderableType] = []
    for table in overview:
        parts += [_table(table, console), Text()]
    return Group(*parts[:-1])


def render_entry(entry: Entry, console: Console) -> RenderableType:
    """One activation: facts, pictures, chosen points."""
    parts: list[RenderableType] = [Text(fact) for fact in entry.facts]
    for plot in entry.plots:
        picture = curve(
            plot.x,
            plot.lines,
            width=min(_CURVE_WIDTH + _CURVE_WIDTH // 2, console.width),
            height=_CURVE_HEIGHT,
            ascii_only=console.options.ascii_only,
        )
        drawing = Text("\n".join(picture), style="cyan", no_wrap=True)
        parts += [Text(), Text(plot.title, style="bold"), drawing]
    if entry.points is not None:
        parts += [Text(), _table(entry.points, console)]
    return Group(*parts)


def _result_lines(variant: VariantReport) -> list[RenderableType]:
    summary = variant.summary
    good = summary is not None and summary.solved.k == summary.solved.n
    return [
        Text(variant.result, style="bold green" if good else "bold yellow"),
        *(Text(note) for note in variant.notes),
    ]


def _costs(costs: Table, summary: VariantSummary, console: Console) -> RenderableType:
    table = _table(costs, console)
    beside = console.width >= _SIDE_BY_SIDE
    taken = _width(table, console) + 3 if beside else 0
    _, median, _ = summary.cost
    lower, upper = summary.cost[0], summary.cost[2]
    lines = [median] if len(summary.seeds) == 1 else [median, lower, upper]
    picture = curve(
        summary.epochs,
        [line.tolist() for line in lines],
        width=min(_CURVE_WIDTH, console.width - taken),
        height=_CURVE_HEIGHT,
        ascii_only=console.options.ascii_only,
    )
    drawing = Text("\n".join(picture), style="cyan", no_wrap=True)
    if not beside:
        return Group(table, Text(), drawing) if picture else table
    grid = RichTable.grid(padding=(0, 3, 0, 0))
    grid.add_row(table, drawing)
    return grid


def _width(drawn: RenderableType, console: Console) -> int:
    """The columns it would take if there were room."""
    boundless = console.options.update(max_width=10_000)
    return console.measure(drawn, options=boundless).maximum


def _table(table: Table, console: Console) -> RenderableType:
    while table.spare and _room_needed(table) > console.width:
        table = table.smaller()
    parts: list[RenderableType] = [Text(table.title)] if table.title else []
    blocks = _blocks(table, console.width) if table.splits else [table]
    for number, block in enumerate(blocks):
        label = console.width - _room_needed(block, from_column=1)
        drawn = _columns(block, label if block.splits and not block.firm else None)
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


def _columns(table: Table, label: int | None) -> RichTable:
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
        drawn.add_row(*map(Text, row))
    return drawn
