"""Maps of sweeps, and how two differ."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.colors import Colormap, LogNorm, Normalize
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from matplotlib.ticker import Locator, LogLocator, MaxNLocator

from hsig.analysis.plot_data import (
    MAX_PANELS,
    centre,
    dominant_failure,
    find_border,
    needs_log_axis,
    select_maps,
    spread_evenly,
)
from hsig.analysis.sweeps import CellPair, CellSummary, SweepOutcome, TwoSweeps
from hsig.arrays import Array
from hsig.experiments.measures import LOSS, RIGHT, SOLVED, Measure
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
    tick_percent,
)
from hsig.reports.captions import (
    Caption,
    difference_caption,
    label_text,
    measure_title,
    sweep_caption,
)
from hsig.reports.page import (
    difference_text,
    measure_words,
    points,
    short,
    whole_percent,
)

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
    logarithmic: bool = False


def _value_scale(outcome: SweepOutcome, cells: Iterable[Cell]) -> Scale:
    """Of the measure of a sweep: lighter is better, from the worst to the best."""
    measure, border = outcome.base.chosen_measure, find_border(outcome)
    if measure.name == SOLVED:
        return Scale("seeds solved", SHARES, RATES, border)
    with_bars = len(outcome.axes) == 1
    values = np.array([[c.value, *([c.low, c.high] if with_bars else [])] for c in cells])
    is_wide = measure.name == LOSS and needs_log_axis([values])
    ticks = _spread_ticks(LogLocator() if is_wide else MaxNLocator(5), values)
    if measure.name == RIGHT:
        ticks = [min(max(tick, 0.0), 1.0) for tick in ticks]
    text, colours = (short, RATES.reversed()) if measure.name == LOSS else (tick_percent, RATES)
    label = f"{measure_title(measure)}, median"
    return Scale(label, {tick: text(tick) for tick in ticks}, colours, border, is_wide)


def _difference_scale(measure: Measure, cells: Iterable[Cell]) -> Scale:
    """Of how two sweeps differ, as far on both sides of 0; bluer is better."""
    if measure.name == SOLVED:
        ticks = [-1.0, -0.5, 0.0, 0.5, 1.0]
    else:
        sizes = np.abs([cell.value for cell in cells])
        ticks = _spread_ticks(MaxNLocator(6, symmetric=True), np.concatenate([-sizes, sizes]))
    if measure.name == LOSS:
        texts, colours = {tick: f"{tick:+.3g}" for tick in ticks}, DIFFERENCES.reversed()
        return Scale(f"difference of the {measure_words(measure.field)}", texts, colours)
    return Scale("percentage points", {tick: points(tick) for tick in ticks}, DIFFERENCES)


def _spread_ticks(locator: Locator, values: Array) -> list[float]:
    """Round values from below the finite ones to above them."""
    finite = values[np.isfinite(values)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 1.0)
    ticks: list[float] = np.round(locator.tick_values(low, high), 12).tolist()
    return ticks


def sweep_map(outcome: SweepOutcome, setting: Sequence[str] = (), theme: str = "light") -> Picture:
    """The measure of each cell: a map for each value of the keys before the last two.

    A line parts the cells with at least half of the seeds solved from those with fewer, which are
    hatched by what became of most of the others; or those in which the median is better than what
    no inputs give. Values are categories, in the table's order. Of one swept key it is a curve with
    its 95 % Wilson intervals or quartiles.
    """
    measure = outcome.base.chosen_measure
    cells = {values: _value_cell(cell, measure) for values, cell in outcome.summaries.items()}
    draw = _draw_maps if len(outcome.axes) > 1 else _draw_curve
    scale = _value_scale(outcome, cells.values())
    return draw(outcome.axes, cells, scale, sweep_caption(outcome, setting), theme)


def difference(
    two: TwoSweeps, names: tuple[str, str], setting: Sequence[str] = (), theme: str = "light"
) -> Picture:
    """By how much two sweeps differ, the second minus the first, cell by cell; stars are claims.

    Of one swept key it is a curve, with the interval of each difference where seeds are paired.
    """
    measure = two.measure
    cells = {values: _difference_cell(pair, measure) for values, pair in two.cells.items()}
    draw = _draw_maps if len(two.axes) > 1 else _draw_curve
    caption = difference_caption(two, names, setting)
    return draw(two.axes, cells, _difference_scale(measure, cells.values()), caption, theme)


def _value_cell(cell: CellSummary | None, measure: Measure) -> Cell:
    if cell is None:
        return Cell(_NAN, marker=_MISSING)
    if cell.failure:
        return Cell(_NAN, marker=_FAILED)
    value, low, high = centre(cell, measure)
    text = f"{value:.3g}" if measure.name == LOSS else whole_percent(value)
    hatch = dominant_failure(cell) if measure.name == SOLVED else ""
    return Cell(value, text, hatch, low=low, high=high)


def _difference_cell(pair: CellPair | None, measure: Measure) -> Cell:
    if pair is None:
        return Cell(_NAN, marker=_MISSING)
    if pair.difference is None:
        return Cell(_NAN, marker=_FAILED)
    text, paired = difference_text(measure.field, pair.difference), pair.paired
    if measure.name != LOSS:
        text = points(pair.difference)
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
        if scale.logarithmic:
            panel.set_yscale("log")
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
        colour = {"facecolor": scale.colours(0.2)}
        add_legend(picture, {word: _hatch_look(word) | colour for word in words})
    return picture


def _draw_map(
    axes: Axes, cells: Sequence[Sequence[Cell]], scale: Scale, theme: Theme, *, writes: bool
) -> AxesImage:
    values = np.array([[cell.value for cell in row] for row in cells])
    ends, colours = (min(scale.ticks), max(scale.ticks)), scale.colours
    norm = LogNorm(*ends) if scale.logarithmic else Normalize(*ends)
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
