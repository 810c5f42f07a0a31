"""Maps of cells: two swept keys against each other, a panel for each value of the others."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize
from matplotlib.image import AxesImage
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path

from hsig.analysis.drawn import PANELS_MOST, evenly, maps_of
from hsig.experiments.sweeps import Axis
from hsig.figures.picture import Picture, drawing
from hsig.figures.scales import grid_of, legend_beside
from hsig.figures.texts import INCH, fitted, width_of
from hsig.figures.themes import HATCHES, Theme, text_on
from hsig.networks.arrays import Array, BoolArray
from hsig.reports.pictures.caption import Caption

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
    panels = maps_of(axes, cells)[:PANELS_MOST]
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
    columns = evenly(len(across.values), min(_LABELS_MOST, int(side[0] * INCH / 12.0)))
    texts = [fitted(across.values[place], _LABEL_WIDTH, 9.0) for place in columns]
    wide = max(width_of(text, 9.0) for text in texts) + 6.0 > side[0] * INCH / len(columns)
    axes.set_xticks(columns, texts, rotation=90 if wide else 0)
    rows = evenly(len(down.values), min(_LABELS_MOST, int(side[1] * INCH / 12.0)))
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
