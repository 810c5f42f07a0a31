"""What becomes of seeds over the epochs: costs, and how many are solved."""

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hsig.analysis.drawn import COLOURED_MOST, evenly, is_logarithmic, reached, seed_lines
from hsig.analysis.summary import MEDIAN, Summary, VariantSummary
from hsig.figures.picture import Picture, drawing
from hsig.figures.scales import in_percent, legend_beside, over_epochs, with_plain_numbers
from hsig.figures.themes import DASHES, MARKERS, Theme
from hsig.networks.arrays import Array
from hsig.reports.pictures.caption import Caption
from hsig.reports.pictures.of_variants import trained_of
from hsig.reports.words import which_cost

_APART = 0.16  # the markers on a line, of the diagonal of the axes
_STEPS_MOST = 400  # of a band
_BEYOND = 0.5  # of the extent of the quartiles: so much farther single seeds are shown
_LARGEST = 1e100  # matplotlib has no room for larger numbers
_FEW = 3  # variants whose bands may be strong


def costs(summary: Summary, *, caption: Caption, theme: str = "light") -> Figure:
    """The median cost over the epochs, the quartiles, and single seeds, of all variants in one.

    The first variants of the table's order are coloured, the others thin and grey. The cost is
    on a logarithmic axis where that tells more apart (`hsig.analysis.drawn.is_logarithmic`). A cost
    that is not finite is a gap, one above 1e100 is drawn as that. Single seeds and grey lines may
    leave the axes at the top, and at the bottom of a logarithmic one; quartiles do not.
    """
    with drawing(caption, theme) as picture:
        axes = picture.body.subplots()
        trained = trained_of(summary)
        coloured, others = trained[:COLOURED_MOST], trained[COLOURED_MOST:]
        if is_logarithmic(variant.cost[MEDIAN] for variant in coloured):
            axes.set_yscale("log", nonpositive="clip")
        for variant in others:
            axes.plot(variant.epochs, _drawable(variant.cost[MEDIAN]), **_grey(picture.theme))
        for place, variant in enumerate(coloured):
            _cost(axes, variant, place, picture.theme, of=len(trained))
        over_epochs(axes, summary.experiment.epochs)
        scale = ", logarithmic" if axes.get_yscale() == "log" else ""
        axes.set_ylabel(f"{which_cost(summary.experiment)}{scale}")
        _reach(axes, coloured, [_single(v, len(trained)) for v in coloured])
        with_plain_numbers(axes, "y")
        axes.grid(axis="y")
        _legend(picture, trained)
    return picture


def solved(summary: Summary, *, caption: Caption, theme: str = "light") -> Figure:
    """The share of the seeds that were solved by each epoch, with its 95 % interval at each.

    Each step is at its epoch. Of a band at most 400 steps are drawn.
    """
    with drawing(caption, theme) as picture:
        axes = picture.body.subplots()
        trained = trained_of(summary)
        for variant in trained[COLOURED_MOST:]:
            found = reached(variant)
            axes.step(found.epochs, found.share, where="post", **_grey(picture.theme))
        for place, variant in enumerate(trained[:COLOURED_MOST]):
            _share(axes, variant, place, picture.theme, of=len(trained))
        over_epochs(axes, summary.experiment.epochs)
        in_percent(axes, "seeds solved at least once by then")
        axes.grid(axis="y")
        _legend(picture, trained)
    return picture


def _drawable(values: Array) -> Array:
    """The same, nan where a value is not finite."""
    return np.where(np.isfinite(values), np.clip(values, -_LARGEST, _LARGEST), np.nan)


def _single(variant: VariantSummary, variants: int) -> Array:
    """The costs of the seeds that are drawn, shape (seeds, checkpoints)."""
    return _drawable(variant.costs[seed_lines(len(variant.seeds), variants)])


def _grey(theme: Theme) -> dict[str, Any]:
    return {"color": theme.muted, "linewidth": 0.6, "alpha": 0.6, "zorder": 1.5}


def _cost(axes: Axes, variant: VariantSummary, place: int, theme: Theme, *, of: int) -> None:
    colour, epochs = theme.lines[place], np.array(variant.epochs)
    lower, median, upper = map(_drawable, variant.cost)
    lines = [np.column_stack([epochs, costs]) for costs in _single(variant, of)]
    faint = {"colors": colour, "linewidths": 0.5, "alpha": 0.35 if of <= _FEW else 0.2}
    axes.add_collection(LineCollection(lines, zorder=1.0, **faint), autolim=False)
    if len(variant.seeds) > 1:
        axes.fill_between(epochs, lower, upper, **_band(place, theme, of))
    axes.plot(epochs, median, **_line(place, theme, median, of))


def _share(axes: Axes, variant: VariantSummary, place: int, theme: Theme, *, of: int) -> None:
    found = reached(variant)
    kept = evenly(len(found.epochs), _STEPS_MOST)
    axes.fill_between(
        found.epochs[kept],
        found.low[kept],
        found.high[kept],
        step="post",
        **_band(place, theme, of),
    )
    look = _line(place, theme, found.share, of)
    axes.step(found.epochs, found.share, where="post", clip_on=False, **look)


def _band(place: int, theme: Theme, of: int) -> dict[str, Any]:
    alpha = 0.22 if of <= _FEW else 0.09
    return {"color": theme.lines[place], "alpha": alpha, "linewidth": 0, "zorder": 1.2}


def _line(place: int, theme: Theme, values: Array, of: int) -> dict[str, Any]:
    """How the line of a variant looks: a marker here and there, or on its only point."""
    seen = int(np.isfinite(values).sum())
    return {
        "color": theme.lines[place],
        "linestyle": DASHES[place],
        "linewidth": 2.0,
        "marker": MARKERS[place] if of > 1 or seen == 1 else None,
        "markersize": 5.5,
        "markeredgecolor": theme.paper,
        "markeredgewidth": 0.7,
        "markevery": (_APART * place / COLOURED_MOST, _APART) if seen > 1 else None,
        "zorder": 3.0 - place / 100.0,
    }


def _reach(axes: Axes, coloured: list[VariantSummary], single: list[Array]) -> None:
    """The y axis holds all quartiles, and single seeds that are not too far above them."""
    logarithmic = axes.get_yscale() == "log"

    def ends(parts: list[Array]) -> tuple[float, float] | None:
        values = np.concatenate([part.ravel() for part in parts] or [np.zeros(0)])
        values = values[np.isfinite(values) & ((values > 0.0) | (not logarithmic))]
        if not len(values):
            return None
        values = np.log10(values) if logarithmic else values
        return float(values.min()), float(values.max())

    quartiles = [_drawable(variant.cost) for variant in coloured]
    known, every = ends(quartiles), ends([*quartiles, *single])
    if known is None or every is None:
        axes.set_yticks([])
        return
    beyond = _BEYOND * (known[1] - known[0])
    lowest = known[0] - beyond if logarithmic else every[0]  # who falls to 0 has learnt
    low, high = max(lowest, every[0]), min(known[1] + beyond, every[1])
    margin = 0.05 * (high - low) or 0.05 * abs(high) or 1.0
    low, high = low - margin, high + margin
    axes.set_ylim(*(10.0**low, 10.0**high) if logarithmic else (low, high))


def _legend(picture: Picture, trained: list[VariantSummary]) -> None:
    shown, more = trained[:COLOURED_MOST], len(trained) - COLOURED_MOST
    points = np.zeros(2)  # as of a line with more than one
    marks: list[Artist] = [
        Line2D([], [], **_line(place, picture.theme, points, len(trained)))
        for place in range(len(shown))
    ]
    labels = [variant.label for variant in shown]
    if more > 0:
        marks.append(Line2D([], [], **_grey(picture.theme)))
        labels.append(f"{more} more")
    if marks:
        legend_beside(picture.body, marks, labels)
