"""Reports on the terminal: the only module that knows colour and width."""

from rich.console import Console, Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from hsig.cells import Table
from hsig.glossary import Entry
from hsig.plots import curve
from hsig.report import Report, VariantReport
from hsig.summary import VariantSummary

_SIDE_BY_SIDE = 72  # columns from which the curve stands beside the costs
_CURVE_WIDTH, _CURVE_HEIGHT = 44, 9


def render(shown: Report, console: Console) -> RenderableType:
    """The whole report, for a console of any width and encoding."""
    parts: list[RenderableType] = [Text(line) for line in shown.heading]
    for variant in shown.variants:
        if variant.summary is not None:
            costs, predictions = variant.tables
            parts += [Text(), _costs(costs, variant.summary, console)]
            parts += [Text(), _table(predictions, console)]
        parts += [Text(), *_result_lines(variant)]
    return Group(*parts)


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


def _table(table: Table, console: Console) -> RenderableType:
    drawn = _columns(table)
    if _width(drawn, console) > console.width:
        drawn = _columns(table.without_spare_columns())
    return Group(Text(table.title), drawn) if table.title else drawn


def _width(drawn: RenderableType, console: Console) -> int:
    """The columns it would take if there were room."""
    boundless = console.options.update(max_width=10_000)
    return console.measure(drawn, options=boundless).maximum


def _columns(table: Table) -> RichTable:
    drawn = RichTable(box=None, pad_edge=False, header_style="bold")
    for column in table.columns:
        prose = column in table.prose
        drawn.add_column(column, justify="left" if prose else "right", overflow="fold")
    for row in table.shortened().rows:
        drawn.add_row(*map(Text, row))
    return drawn
