"""Maps of sweeps, and how two differ."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path

from hsig.analysis.plot_data import HALF, MAX_PANELS, dominant_failure, select_maps, spread_evenly
from hsig.analysis.sweeps import CellPair, CellSummary, SweepOutcome, TwoSweeps
from hsig.arrays import Array, BoolArray
from hsig.experiments.sweeps import Axis
from hsig.figures.picture import (
    HATCHES,
    INCH,
    RATES,
    Picture,
    Theme,
    drawing,
    fitted,
    grid_of,
    in_percent,
    legend_beside,
    text_on,
    width_of,
)
from hsig.reports.captions import Caption
from hsig.reports.page import points, whole_percent

# --- heat ----------------------------------------------------------------------------------------

# Maps of cells: two swept keys against each other, a panel for each value of the others.

FEWER = "fewer are solved"
TEXTS_MOST = 200  # cells of a picture in which something is written
_VECTORS_MOST = 1500  # cells whose hatching and border are drawn as such
_LABELS_MOST = 26  # values of a key that are written
_LABEL_WIDTH = 90.0  # points
_TEXT = 8.5
_CELL = (0.56, 0.34)  # inches
_LEAST, _MOST = (2.2, 1.6), (7.4, 6.0)  # inches of a panel
_BAR = 0.16  # inches
_ACROSS = 9.0  # inches of all panels beside each other


@dataclass(frozen=True)
class Cell:
    """What is drawn of a cell.

    Attributes:
        value: What it is coloured by; nan for none.
        text: What is written in it, if there is room.
        hatch: The word whose hatching it has: one of `HATCHES`, or `FEWER`; may be empty.
        failed: Whether it could not be trained.
        claimed: Whether it has a star.
    """

    value: float
    text: str = ""
    hatch: str = ""
    failed: bool = False
    claimed: bool = False


Cells = Mapping[tuple[str, ...], Cell | None]
FAILED = Cell(np.nan, failed=True)
_NOTHING = Cell(np.nan)


@dataclass(frozen=True)
class Scale:
    """What the colours of a map mean.

    Attributes:
        what: In words.
        ends: The values with the first and the last colour.
        border: The value at which cells are parted by a line; None for no line.
        colours: Of a theme.
        ticks: Values that are written beside the colours, as texts.
    """

    what: str
    ends: tuple[float, float]
    border: float | None
    colours: Callable[[Theme], Colormap]
    ticks: Mapping[float, str]


def maps(
    axes: Sequence[Axis], cells: Cells, scale: Scale, *, caption: Caption, theme: str
) -> Picture:
    """A map for each value of the keys before the last two, of those that have anything.

    At most 12 of them are drawn. What there is to write is written in at most 200 cells. Values are
    categories, in their order, the first at the top and on the left.
    """
    panels = select_maps(axes, cells)[:MAX_PANELS]
    down, across = axes[-2:]
    side = [
        min(max(cell * len(axis.values), least), most)
        for cell, axis, least, most in zip(_CELL, (across, down), _LEAST, _MOST, strict=True)
    ]
    rows, columns = grid_of(len(panels), max(1, int(_ACROSS // side[0])))
    size = {"width": max(7.0, side[0] * columns + 2.6), "height": (side[1] + 0.6) * rows + 0.3}
    with drawing(caption, theme, **size) as picture:
        grid = picture.body.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        writes = len(panels) * len(down.values) * len(across.values) <= TEXTS_MOST
        drawn = list[Cell]()
        for place, each in enumerate(grid.flat):
            each.set_visible(place < len(panels))
            if place >= len(panels):
                continue
            fixed = panels[place]
            of_panel = [
                [cells[(*fixed, y, x)] or _NOTHING for x in across.values] for y in down.values
            ]
            image = _panel(each, of_panel, scale, picture.theme, writes=writes)
            title = ", ".join(f"{a.name} {v}" for a, v in zip(axes[:-2], fixed, strict=True))
            each.set_title(fitted(title, side[0] * INCH, 9.0), fontsize=9.0)
            drawn += [cell for row in of_panel for cell in row]
            each.tick_params(labelbottom=place + columns >= len(panels))
            if place + columns >= len(panels):
                each.set_xlabel(fitted(across.name, side[0] * INCH, 10.0))
        for row in grid:
            row[0].set_ylabel(fitted(down.name, side[1] * INCH, 10.0))
        _values(grid[0, 0], down, across, side)
        _bar(picture, [*grid.flat], image, scale)
        _legend(picture, drawn, scale.colours(picture.theme)(0.2))
    return picture


def _panel(
    axes: Axes, cells: Sequence[Sequence[Cell]], scale: Scale, theme: Theme, *, writes: bool
) -> AxesImage:
    values = np.array([[cell.value for cell in row] for row in cells])
    colours, norm = scale.colours(theme), Normalize(*scale.ends)
    image = axes.imshow(
        np.ma.masked_invalid(values), cmap=colours, norm=norm, aspect="auto", interpolation="none"
    )
    many = values.size > _VECTORS_MOST
    for word in (*HATCHES, FEWER):
        chosen = np.array([[cell.hatch == word for cell in row] for row in cells])
        if chosen.any():
            axes.add_patch(PathPatch(_boxes(chosen), rasterized=many, **_hatched(word)))
    if scale.border is not None:
        _draw_border(axes, _border(values, scale.border), many=many)
    for y, row in enumerate(cells):
        for x, cell in enumerate(row):
            if writes and cell.text:
                _write(axes, x, y, cell, colours(norm(cell.value)))
    _mark(axes, cells, "x", theme.muted, lambda cell: cell.failed, many=many)
    _mark(axes, cells, ".", theme.muted, lambda cell: cell is _NOTHING, many=many)
    if not writes:
        _mark(axes, cells, "*", theme.ink, lambda cell: cell.claimed, many=many)
    for side in ("top", "right"):
        axes.spines[side].set_visible(True)
    return image


def _write(axes: Axes, x: int, y: int, cell: Cell, colour: object) -> None:
    """The text of a cell, on a ground without hatching."""
    ground = {"boxstyle": "round,pad=0.12", "facecolor": colour, "edgecolor": "none"}
    axes.text(
        x,
        y,
        f"{cell.text}{'*' if cell.claimed else ''}",
        ha="center",
        va="center",
        fontsize=_TEXT,
        color=text_on(colour),
        bbox=ground,
    )


def _mark(
    axes: Axes,
    cells: Sequence[Sequence[Cell]],
    marker: str,
    colour: str,
    holds: Callable[[Cell], bool],
    *,
    many: bool,
) -> None:
    places = [(x, y) for y, row in enumerate(cells) for x, cell in enumerate(row) if holds(cell)]
    if places:
        x, y = zip(*places, strict=True)
        size = 2.5 if many else 6.0
        axes.plot(
            x, y, marker=marker, color=colour, linestyle="none", markersize=size, rasterized=many
        )


def _hatched(word: str) -> dict[str, Any]:
    """The look of hatched cells; the colour of an edge is that of the hatching."""
    hatch, colour = ("\\\\", "#808080") if word == FEWER else (HATCHES[word], "#8fa6d6")
    return {"facecolor": "none", "hatch": hatch, "edgecolor": colour, "linewidth": 0.0}


def _boxes(chosen: BoolArray) -> Path:
    """Around those cells, one box for each that are beside each other in a row."""
    corners = list[tuple[float, float]]()
    for y, row in enumerate(chosen):
        edges = np.flatnonzero(np.diff(np.concatenate([[False], row, [False]]).astype(int)))
        for start, stop in edges.reshape(-1, 2).tolist():
            left, right, top, bottom = start - 0.5, stop - 0.5, y - 0.5, y + 0.5
            corners += [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    codes = [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY] * (len(corners) // 5)
    return Path(np.array(corners), codes)


def _draw_border(axes: Axes, border: Path, *, many: bool) -> None:
    """In white, with a dark rim where there is room, so that it is seen on all colours."""
    widths = {"#ffffff": 0.9} if many else {"#000000": 3.6, "#ffffff": 2.0}
    for colour, width in widths.items():
        line = PathPatch(
            border,
            fill=False,
            edgecolor=colour,
            linewidth=width,
            capstyle="projecting",
            rasterized=many,
            gid="border",
        )
        axes.add_patch(line)


def _border(values: Array, at: float) -> Path:
    """Between neighbours one of which is below; not beside a cell without a value."""
    ends = list[tuple[float, float]]()
    above, known = values >= at, ~np.isnan(values)
    parted = (above[:, 1:] != above[:, :-1]) & known[:, 1:] & known[:, :-1]
    for y, x in np.argwhere(parted).tolist():
        ends += [(x + 0.5, y - 0.5), (x + 0.5, y + 0.5)]
    parted = (above[1:] != above[:-1]) & known[1:] & known[:-1]
    for y, x in np.argwhere(parted).tolist():
        ends += [(x - 0.5, y + 0.5), (x + 0.5, y + 0.5)]
    return Path(np.array(ends).reshape(-1, 2), [Path.MOVETO, Path.LINETO] * (len(ends) // 2))


def _values(axes: Axes, down: Axis, across: Axis, side: Sequence[float]) -> None:
    """The values of both keys, or some of them, evenly chosen."""
    columns = spread_evenly(len(across.values), min(_LABELS_MOST, int(side[0] * INCH / 12.0)))
    texts = [fitted(across.values[place], _LABEL_WIDTH, 9.0) for place in columns]
    wide = max(width_of(text, 9.0) for text in texts) + 6.0 > side[0] * INCH / len(columns)
    axes.set_xticks(columns, texts, rotation=90 if wide else 0)
    rows = spread_evenly(len(down.values), min(_LABELS_MOST, int(side[1] * INCH / 12.0)))
    axes.set_yticks(rows, [fitted(down.values[place], _LABEL_WIDTH, 9.0) for place in rows])


def _bar(picture: Picture, panels: list[Axes], image: AxesImage, scale: Scale) -> None:
    height = 0.9 * picture.get_figheight()
    bar = picture.body.colorbar(image, ax=panels, shrink=0.9, aspect=height / _BAR)
    bar.set_ticks([*scale.ticks], labels=[*scale.ticks.values()])
    bar.set_label(scale.what)


def _legend(picture: Picture, drawn: Sequence[Cell], ground: Any) -> None:
    """What the hatchings mean."""
    there = {cell.hatch for cell in drawn}
    labels = [word for word in (*HATCHES, FEWER) if word in there]
    marks: list[Artist] = [Patch(**{**_hatched(word), "facecolor": ground}) for word in labels]
    if marks:
        legend_beside(picture.body, marks, labels)


# --- sweeps --------------------------------------------------------------------------------------

# Sweeps as pictures: how many seeds each cell solves, and how two sweeps differ.

_WIDTH, _HEIGHT = 8.0, 4.2  # inches, of the curve of one key
_LINE_LABELS_MOST = 40
_LINE_LABEL_WIDTH = 90.0  # points

_RATES = Scale(
    "seeds solved",
    (0.0, 1.0),
    HALF,
    lambda _: RATES,
    {0.0: "0 %", 0.25: "25 %", 0.5: "50 %", 0.75: "75 %", 1.0: "100 %"},
)
_DIFFERENCES = Scale(
    "percentage points",
    (-1.0, 1.0),
    None,
    lambda theme: theme.differences,
    {-1.0: "-100", -0.5: "-50", 0.0: "0", 0.5: "+50", 1.0: "+100"},
)


def sweep_map(outcome: SweepOutcome, *, caption: Caption, theme: str = "light") -> Figure:
    """How many seeds are solved in each cell: a map for each value of the keys before the last two.

    A line parts the cells with at least half of the seeds solved from those with fewer, which are
    hatched by what became of most of the others. Values are categories, in the table's order. Of
    one swept key it is a curve with its 95 % Wilson interval.
    """
    if len(outcome.axes) > 1:
        cells = {values: _cell(found) for values, found in outcome.summaries.items()}
        return maps(outcome.axes, cells, _RATES, caption=caption, theme=theme)
    (axis,) = outcome.axes
    found = [outcome.summaries[(value,)] for value in axis.values]
    known = [None if one is None or one.failure else one.solved for one in found]
    none = (np.nan,) * 3
    low, rate, high = np.array(
        [none if one is None else (one.low, one.rate, one.high) for one in known]
    ).T
    with drawing(caption, theme, width=_WIDTH, height=_HEIGHT) as picture:
        axes = picture.body.subplots()
        x = np.arange(len(axis.values))
        colour = picture.theme.lines[0]
        axes.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
        axes.plot(x, rate, marker="o", color=colour, linewidth=2.0, clip_on=False, zorder=3)
        in_percent(axes, "seeds solved")
        _mark_line(
            axes, "x", [one is not None and bool(one.failure) for one in found], picture.theme
        )
        _mark_line(axes, ".", [one is None for one in found], picture.theme)
        _line_values(axes, axis)
    return picture


def difference(
    two: TwoSweeps, names: tuple[str, str], *, caption: Caption, theme: str = "light"
) -> Figure:
    """By how much the second of two sweeps solves more seeds, cell by cell; stars are claims.

    Of one swept key it is a curve, with the interval of each difference where seeds are paired.

    Args:
        two: The sweeps.
        names: What they are called.
        caption: Its words.
        theme: `light` or `dark`.
    """
    if len(two.axes) > 1:
        hatched = len(two.cells) > TEXTS_MOST  # where no sign is written
        cells = {values: _pair(both, hatched=hatched) for values, both in two.cells.items()}
        return maps(two.axes, cells, _DIFFERENCES, caption=caption, theme=theme)
    (axis,) = two.axes
    found = [two.cells[(value,)] for value in axis.values]
    values = np.array([_difference_of(both) for both in found])
    with drawing(caption, theme, width=_WIDTH, height=_HEIGHT) as picture:
        axes = picture.body.subplots()
        x, colour = np.arange(len(found)), picture.theme.lines[0]
        axes.axhline(0.0, color=picture.theme.muted, linewidth=0.8)
        axes.plot(x, values, marker="o", color=colour, linewidth=1.2, zorder=3)
        for place, both in enumerate(found):
            if both is not None and both.paired is not None:
                paired = both.paired
                axes.plot([place] * 2, [paired.low, paired.high], color=colour, linewidth=2.2)
                if paired.claim:
                    axes.annotate(
                        "*",
                        (place, paired.high),
                        (0, 0),
                        textcoords="offset points",
                        ha="center",
                        fontsize=15.0,
                    )
        axes.set_ylim(-1.08, 1.08)
        axes.set_yticks([*_DIFFERENCES.ticks], [*_DIFFERENCES.ticks.values()])
        first, second = (fitted(name, 110.0, 10.0) for name in names)
        axes.set_ylabel(f"{second} minus {first},\npercentage points")
        axes.grid(axis="y")
        failed = [both is not None and both.difference is None for both in found]
        _mark_line(axes, "x", failed, picture.theme)
        _mark_line(axes, ".", [both is None for both in found], picture.theme)
        _line_values(axes, axis)
    return picture


def _cell(found: CellSummary | None) -> Cell | None:
    if found is None or found.failure:
        return None if found is None else FAILED
    rate = found.solved.rate
    return Cell(rate, whole_percent(rate), dominant_failure(found))


def _pair(both: CellPair | None, *, hatched: bool) -> Cell | None:
    if both is None:
        return None
    if both.difference is None:
        return FAILED
    claimed = both.paired is not None and bool(both.paired.claim)
    hatch = FEWER if hatched and both.difference < 0.0 else ""
    return Cell(both.difference, points(both.difference), hatch, claimed=claimed)


def _difference_of(both: CellPair | None) -> float:
    return np.nan if both is None or both.difference is None else both.difference


def _mark_line(axes: Axes, marker: str, marked: Sequence[bool], theme: Theme) -> None:
    """A mark at the bottom for cells of which there is no number."""
    places = np.flatnonzero(marked)
    axes.plot(
        places,
        np.full(len(places), 0.03),
        marker=marker,
        linestyle="none",
        color=theme.muted,
        transform=axes.get_xaxis_transform(),
    )


def _line_values(axes: Axes, axis: Axis) -> None:
    """The values of the key, or some of them, evenly chosen."""
    places = spread_evenly(len(axis.values), _LINE_LABELS_MOST)
    texts = [fitted(axis.values[place], _LINE_LABEL_WIDTH, 9.0) for place in places]
    wide = max(width_of(text, 9.0) for text in texts) + 6.0 > 0.85 * _WIDTH * INCH / len(places)
    axes.set_xticks(places, texts, rotation=90 if wide else 0)
    axes.set_xlim(-0.5, len(axis.values) - 0.5)
    axes.set_xlabel(fitted(axis.name, 400.0, 10.0))
