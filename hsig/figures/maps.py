"""Maps of sweeps, and how two differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.colors import Colormap, Normalize
from matplotlib.image import AxesImage
from matplotlib.patches import Patch, Rectangle

from hsig.analysis.plot_data import HALF, MAX_PANELS, dominant_failure, select_maps, spread_evenly
from hsig.analysis.sweeps import CellPair, CellSummary, SweepOutcome, TwoSweeps
from hsig.arrays import Array
from hsig.experiments.sweeps import Axis
from hsig.figures.picture import (
    DIFFERENCES,
    HATCHES,
    RATES,
    SHARES,
    Picture,
    Theme,
    add_colour_bar,
    add_legend,
    add_panels,
    drawing,
    grid_shape,
    text_colour,
)
from hsig.reports.captions import Caption, difference_caption, label_text, sweep_caption
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
    """What is drawn of a cell."""

    value: float  # what it is coloured by; nan for none
    text: str = ""  # in it, if there is room
    hatch: str = ""  # the verdict whose hatching it has
    marker: str = ""  # of a cell without a number, or of one that is claimed to differ
    low: float = _NAN  # the ends of the interval of its value
    high: float = _NAN


_MISSING, _FAILED, _CLAIMED = ".", "x", "*"
Cells = Mapping[tuple[str, ...], Cell]


@dataclass(frozen=True)
class Scale:
    """What the colours of a map, or the heights of a curve, mean."""

    label: str
    ticks: Mapping[float, str]  # values that are written, from the lowest to the highest
    colours: Colormap
    border: float | None = None  # the value at which cells are parted by a line


_RATE_SCALE = Scale("seeds solved", SHARES, RATES, HALF)
_DIFFERENCE_SCALE = Scale(
    "percentage points",
    {-1.0: "-100", -0.5: "-50", 0.0: "0", 0.5: "+50", 1.0: "+100"},
    DIFFERENCES,
)


def sweep_map(outcome: SweepOutcome, setting: Sequence[str] = (), theme: str = "light") -> Picture:
    """How many seeds are solved in each cell: a map for each value of the keys before the last two.

    A line parts the cells with at least half of the seeds solved from those with fewer, which are
    hatched by what became of most of the others. Values are categories, in the table's order. Of
    one swept key it is a curve with its 95 % Wilson interval.
    """
    cells = {values: _rate_cell(cell) for values, cell in outcome.summaries.items()}
    draw = _draw_maps if len(outcome.axes) > 1 else _draw_curve
    return draw(outcome.axes, cells, _RATE_SCALE, sweep_caption(outcome, setting), theme)


def difference(
    two: TwoSweeps, names: tuple[str, str], setting: Sequence[str] = (), theme: str = "light"
) -> Picture:
    """By how much the second of two sweeps solves more seeds, cell by cell; stars are claims.

    Of one swept key it is a curve, with the interval of each difference where seeds are paired.
    """
    cells = {values: _difference_cell(pair) for values, pair in two.cells.items()}
    draw = _draw_maps if len(two.axes) > 1 else _draw_curve
    caption = difference_caption(two, names, setting)
    return draw(two.axes, cells, _DIFFERENCE_SCALE, caption, theme)


def _rate_cell(cell: CellSummary | None) -> Cell:
    if cell is None:
        return Cell(_NAN, marker=_MISSING)
    if cell.failure:
        return Cell(_NAN, marker=_FAILED)
    solved = cell.solved
    text, hatch = whole_percent(solved.rate), dominant_failure(cell)
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


def _draw_curve(
    axes: Sequence[Axis], cells: Cells, scale: Scale, caption: Caption, theme: str
) -> Picture:
    """The values of one swept key, each with its interval."""
    value, low, high = np.array([(cell.value, cell.low, cell.high) for cell in cells.values()]).T
    places, markers = np.arange(len(cells)), np.array([cell.marker for cell in cells.values()])
    with drawing(caption, theme) as picture:
        panel, ink = picture.body.subplots(), picture.theme.ink
        reach = np.maximum([value - low, high - value], 0.0)
        look: dict[str, Any] = {"color": picture.theme.lines[0], "ecolor": picture.theme.lines[0]}
        look |= {"marker": "o", "linewidth": 1.2, "elinewidth": 2.2, "clip_on": False, "zorder": 3}
        panel.errorbar(places, value, reach, **look)
        for marker, height in {_MISSING: 0.03, _FAILED: 0.03, _CLAIMED: 1.03}.items():
            marked = places[markers == marker]
            look = {"color": ink, "clip_on": False, "transform": panel.get_xaxis_transform()}
            if len(marked):  # the layout has no room for a line without points
                panel.plot(marked, np.full(len(marked), height), marker, **look)
        _label_values(panel, axes[0], "x", _MAX_LABELS)
        panel.set(xlim=(-0.5, len(cells) - 0.5), xlabel=label_text(axes[0].name))
        panel.set(ylim=(min(scale.ticks), max(scale.ticks)), ylabel=scale.label)
        panel.set_yticks([*scale.ticks], [*scale.ticks.values()])
        panel.grid(axis="y")
    return picture


def _label_values(axes: Axes, axis: Axis, which: str, most: int) -> None:
    """The values of a key, or some of them, spread evenly."""
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
    fixed = select_maps(axes, present)[:MAX_PANELS]
    down, across = axes[-2:]
    wide, high = (
        min(max(cell * len(axis.values), least), most)
        for cell, axis, least, most in zip(
            _CELL, (across, down), _MIN_PANEL, _MAX_PANEL, strict=True
        )
    )
    rows, columns = grid_shape(len(fixed), max(1, int(_MAX_WIDTH // wide)))
    size = {"width": max(7.0, wide * columns + 2.6), "height": (high + 0.7) * rows + 0.3}
    writes = len(fixed) * len(down.values) * len(across.values) <= MAX_TEXTS
    with drawing(caption, theme, **size) as picture:
        labels = label_text(across.name), label_text(down.name)
        panels = add_panels(picture, len(fixed), (rows, columns), labels)
        for panel, values in zip(panels, fixed, strict=True):
            shown = [[cells[(*values, y, x)] for x in across.values] for y in down.values]
            image = _draw_map(panel, shown, scale, picture.theme, writes=writes)
            named = zip(axes[:-2], values, strict=True)
            title = ", ".join(f"{axis.name} {value}" for axis, value in named)
            panel.set_title(label_text(title, 40), fontsize=9)
        _label_values(panels[0], across, "x", min(_MAX_LABELS, int(wide / 0.2)))
        _label_values(panels[0], down, "y", min(_MAX_LABELS, int(high / 0.2)))
        bar = add_colour_bar(picture, panels, image, scale.label)
        bar.set_ticks([*scale.ticks], labels=[*scale.ticks.values()])
        hatches = {cell.hatch for cell in cells.values()} - {""}
        words = [word for word in HATCHES if word in hatches]
        patches: list[Artist] = [
            Patch(**_hatch_look(word) | {"facecolor": scale.colours(0.2)}) for word in words
        ]
        add_legend(picture, patches, words)
    return picture


def _draw_map(
    axes: Axes, cells: Sequence[Sequence[Cell]], scale: Scale, theme: Theme, *, writes: bool
) -> AxesImage:
    values = np.array([[cell.value for cell in row] for row in cells])
    colours, norm = scale.colours, Normalize(min(scale.ticks), max(scale.ticks))
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
