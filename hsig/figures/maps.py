"""Maps of sweeps, and how two differ."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.colors import Colormap, Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Patch, Rectangle

from hsig.analysis.plot_data import HALF, MAX_PANELS, dominant_failure, select_maps, spread_evenly
from hsig.analysis.sweeps import CellPair, CellSummary, SweepOutcome, TwoSweeps
from hsig.arrays import Array
from hsig.experiments.sweeps import Axis
from hsig.figures.picture import (
    HATCHES,
    RATES,
    SHARES,
    Picture,
    Theme,
    add_legend,
    drawing,
    grid_shape,
    set_shares,
    text_colour,
)
from hsig.reports.captions import Caption, label_text
from hsig.reports.page import points, whole_percent

MAX_TEXTS = 200  # cells of a picture in which something is written
_MAX_LABELS = 26  # values of a key that are written
_LONG_LABEL = 6  # characters from which on values along the bottom are turned
_CELL = (0.56, 0.34)  # inches
_MIN_PANEL, _MAX_PANEL = (2.2, 1.6), (7.4, 6.0)  # inches
_MAX_WIDTH = 9.0  # inches of all panels beside each other
_NAN = float("nan")


@dataclass(frozen=True)
class Cell:
    """What is drawn of a cell.

    Attributes:
        value: What it is coloured by; nan for none.
        text: What is written in it, if there is room.
        hatch: The verdict whose hatching it has; may be empty.
        marker: Of a cell without a number, or of one that is claimed to differ.
        low: The lower end of the interval of its value.
        high: The upper end.
    """

    value: float
    text: str = ""
    hatch: str = ""
    marker: str = ""
    low: float = _NAN
    high: float = _NAN


_MISSING, _FAILED, _CLAIMED = ".", "x", "*"
Cells = Mapping[tuple[str, ...], Cell]


@dataclass(frozen=True)
class Scale:
    """What the colours of a map mean.

    Attributes:
        label: In words.
        ticks: Values that are written beside the colours, from the lowest to the highest.
        colours: Of a theme.
        border: The value at which cells are parted by a line; None for no line.
    """

    label: str
    ticks: Mapping[float, str]
    colours: Callable[[Theme], Colormap]
    border: float | None = None


_RATE_SCALE = Scale("seeds solved", SHARES, lambda _: RATES, HALF)
_DIFFERENCE_TICKS = {-1.0: "-100", -0.5: "-50", 0.0: "0", 0.5: "+50", 1.0: "+100"}
_DIFFERENCE_SCALE = Scale("percentage points", _DIFFERENCE_TICKS, lambda theme: theme.differences)


def sweep_map(outcome: SweepOutcome, *, caption: Caption, theme: str = "light") -> Figure:
    """How many seeds are solved in each cell: a map for each value of the keys before the last two.

    A line parts the cells with at least half of the seeds solved from those with fewer, which are
    hatched by what became of most of the others. Values are categories, in the table's order. Of
    one swept key it is a curve with its 95 % Wilson interval.
    """
    cells = {values: _rate_cell(found) for values, found in outcome.summaries.items()}
    if len(outcome.axes) > 1:
        return _draw_maps(outcome.axes, cells, _RATE_SCALE, caption, theme)
    with drawing(caption, theme) as picture:
        axes, colour = picture.body.subplots(), picture.theme.lines[0]
        rates, low, high = _draw_along(axes, outcome.axes[0], cells, picture.theme)
        places = np.arange(len(rates))
        axes.fill_between(places, low, high, color=colour, alpha=0.2, linewidth=0)
        axes.plot(places, rates, marker="o", color=colour, linewidth=2.0, clip_on=False, zorder=3)
        set_shares(axes, "seeds solved")
    return picture


def difference(
    two: TwoSweeps, names: tuple[str, str], *, caption: Caption, theme: str = "light"
) -> Figure:
    """By how much the second of two sweeps solves more seeds, cell by cell; stars are claims.

    Of one swept key it is a curve, with the interval of each difference where seeds are paired.
    """
    cells = {values: _difference_cell(pair) for values, pair in two.cells.items()}
    if len(two.axes) > 1:
        return _draw_maps(two.axes, cells, _DIFFERENCE_SCALE, caption, theme)
    with drawing(caption, theme) as picture:
        axes, colour = picture.body.subplots(), picture.theme.lines[0]
        values, low, high = _draw_along(axes, two.axes[0], cells, picture.theme)
        places = np.arange(len(values))
        axes.axhline(0.0, color=picture.theme.muted, linewidth=0.8)
        axes.plot(places, values, marker="o", color=colour, linewidth=1.2, zorder=3)
        axes.vlines(places, low, high, color=colour, linewidth=2.2)
        claimed = [place for place, c in enumerate(cells.values()) if c.marker == _CLAIMED]
        tops = np.minimum(high[claimed] + 0.06, 1.04)
        axes.plot(claimed, tops, "*", color=picture.theme.ink, markersize=9)
        axes.set_ylim(-1.08, 1.08)
        axes.set_yticks([*_DIFFERENCE_TICKS], [*_DIFFERENCE_TICKS.values()])
        first, second = (label_text(name) for name in names)
        axes.set_ylabel(f"{second} minus {first},\npercentage points")
        axes.grid(axis="y")
    return picture


def _rate_cell(found: CellSummary | None) -> Cell:
    if found is None:
        return Cell(_NAN, marker=_MISSING)
    if found.failure:
        return Cell(_NAN, marker=_FAILED)
    solved = found.solved
    text, hatch = whole_percent(solved.rate), dominant_failure(found)
    return Cell(solved.rate, text, hatch, low=solved.low, high=solved.high)


def _difference_cell(pair: CellPair | None) -> Cell:
    if pair is None:
        return Cell(_NAN, marker=_MISSING)
    if pair.difference is None:
        return Cell(_NAN, marker=_FAILED)
    text, paired = points(pair.difference), pair.paired
    if paired is None:
        return Cell(pair.difference, text)
    marker = _CLAIMED if paired.claim else ""
    return Cell(pair.difference, f"{text}{marker}", "", marker, paired.low, paired.high)


def _draw_along(axes: Axes, axis: Axis, cells: Cells, theme: Theme) -> tuple[Array, Array, Array]:
    """Prepare the axes of one swept key; returns the value, low and high of each cell."""
    found = [cells[(value,)] for value in axis.values]
    for marker in (_MISSING, _FAILED):
        places = [place for place, cell in enumerate(found) if cell.marker == marker]
        look: dict[str, Any] = {"marker": marker, "linestyle": "none", "color": theme.muted}
        axes.plot(places, [0.03] * len(places), transform=axes.get_xaxis_transform(), **look)
    _label_values(axes, axis, "x", _MAX_LABELS)
    axes.set_xlim(-0.5, len(found) - 0.5)
    axes.set_xlabel(label_text(axis.name))
    value, low, high = np.array([(cell.value, cell.low, cell.high) for cell in found]).T
    return value, low, high


def _label_values(axes: Axes, axis: Axis, which: str, most: int) -> None:
    """The values of a key, or some of them, spread_evenly chosen."""
    places = spread_evenly(len(axis.values), most)
    texts = [label_text(axis.values[place], 16) for place in places]
    turned = which == "x" and max(map(len, texts)) > _LONG_LABEL
    axes.set(**{f"{which}ticks": places})
    getattr(axes, f"set_{which}ticklabels")(texts, rotation=90 if turned else 0)


# --- maps ----------------------------------------------------------------------------------------


def _draw_maps(
    axes: Sequence[Axis], cells: Cells, scale: Scale, caption: Caption, theme: str
) -> Picture:
    """A map for each value of the keys before the last two, of those that have anything."""
    present = {values: None if c.marker == _MISSING else c for values, c in cells.items()}
    panels = select_maps(axes, present)[:MAX_PANELS]
    down, across = axes[-2:]
    wide, high = (
        min(max(cell * len(axis.values), least), most)
        for cell, axis, least, most in zip(
            _CELL, (across, down), _MIN_PANEL, _MAX_PANEL, strict=True
        )
    )
    rows, columns = grid_shape(len(panels), max(1, int(_MAX_WIDTH // wide)))
    size = {"width": max(7.0, wide * columns + 2.6), "height": (high + 0.7) * rows + 0.3}
    writes = len(panels) * len(down.values) * len(across.values) <= MAX_TEXTS
    with drawing(caption, theme, **size) as picture:
        grid = picture.body.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for place, panel in enumerate(grid.flat):
            panel.set_visible(place < len(panels))
            if place < len(panels):
                fixed = panels[place]
                shown = [[cells[(*fixed, y, x)] for x in across.values] for y in down.values]
                image = _draw_map(panel, shown, scale, picture.theme, writes=writes)
                named = zip(axes[:-2], fixed, strict=True)
                title = ", ".join(f"{axis.name} {value}" for axis, value in named)
                panel.set_title(label_text(title, 40), fontsize=9)
            lowest = place + columns >= len(panels)
            panel.tick_params(labelbottom=lowest)
            panel.set_xlabel(label_text(across.name) if lowest else "")
            panel.set_ylabel("" if place % columns else label_text(down.name))
        _label_values(grid[0, 0], across, "x", min(_MAX_LABELS, int(wide / 0.2)))
        _label_values(grid[0, 0], down, "y", min(_MAX_LABELS, int(high / 0.2)))
        _draw_colour_bar(picture, [*grid.flat], image, scale)
        there = {cell.hatch for cell in cells.values()}
        words = [word for word in HATCHES if word in there and HATCHES[word]]
        ground = scale.colours(picture.theme)(0.2)
        patches: list[Artist] = [
            Patch(**_hatch_look(word) | {"facecolor": ground}) for word in words
        ]
        add_legend(picture, patches, words)
    return picture


def _draw_map(
    axes: Axes, cells: Sequence[Sequence[Cell]], scale: Scale, theme: Theme, *, writes: bool
) -> AxesImage:
    values = np.array([[cell.value for cell in row] for row in cells])
    ends = min(scale.ticks), max(scale.ticks)
    colours, norm = scale.colours(theme), Normalize(*ends)
    image = axes.imshow(
        np.ma.masked_invalid(values), cmap=colours, norm=norm, aspect="auto", interpolation="none"
    )
    places = {(x, y): cell for y, row in enumerate(cells) for x, cell in enumerate(row)}
    for word in {cell.hatch for cell in places.values() if cell.hatch}:
        boxes = [
            Rectangle((x - 0.5, y - 0.5), 1.0, 1.0)
            for (x, y), cell in places.items()
            if cell.hatch == word
        ]
        axes.add_collection(PatchCollection(boxes, **_hatch_look(word)), autolim=False)
    for (x, y), cell in places.items():
        if writes and cell.text:
            colour = colours(norm(cell.value))
            ground = {"boxstyle": "round,pad=0.12", "facecolor": colour, "edgecolor": "none"}
            look: dict[str, Any] = {"fontsize": 8.5, "color": text_colour(colour), "bbox": ground}
            axes.text(x, y, cell.text, ha="center", va="center", **look)
    for marker in (_MISSING, _FAILED, *(() if writes else (_CLAIMED,))):
        marked = [place for place, cell in places.items() if cell.marker == marker]
        if marked:
            axes.plot(*zip(*marked, strict=True), marker, color=theme.muted, markersize=5)
    if scale.border is not None:
        lines = _border(values, scale.border)
        for rim, width in {"#000000": 3.6, "#ffffff": 2.0}.items():  # white is seen on a dark rim
            axes.add_collection(
                LineCollection(lines, colors=rim, linewidths=width, capstyle="projecting"),
                autolim=False,
            )
    axes.spines[["top", "right"]].set_visible(True)
    return image


def _hatch_look(word: str) -> dict[str, Any]:
    return {
        "facecolor": "none",
        "hatch": HATCHES[word],
        "edgecolor": "#8fa6d6",  # of the hatching
        "linewidth": 0.0,
    }


def _border(values: Array, level: float) -> list[list[tuple[float, float]]]:
    """Lines between neighbours of which one is below; none beside a cell without a value."""
    above, known = values >= level, ~np.isnan(values)
    lines = []
    for y, x in np.ndindex(values.shape):
        for other, start in (((y, x + 1), (x + 0.5, y - 0.5)), ((y + 1, x), (x - 0.5, y + 0.5))):
            inside = other[0] < values.shape[0] and other[1] < values.shape[1]
            if inside and known[y, x] and known[other] and above[y, x] != above[other]:
                lines.append([start, (x + 0.5, y + 0.5)])
    return lines


def _draw_colour_bar(picture: Picture, panels: list[Axes], image: AxesImage, scale: Scale) -> None:
    bar = picture.body.colorbar(
        image, ax=panels, shrink=0.9, aspect=0.9 * picture.get_figheight() / 0.16
    )
    bar.set_ticks([*scale.ticks], labels=[*scale.ticks.values()])
    bar.set_label(scale.label)
