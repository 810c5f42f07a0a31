"""Sweeps as pictures: how many seeds each cell solves, and how two sweeps differ."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from hsig.analysis.drawn import HALF, evenly, mark_of
from hsig.analysis.sweeps import CellPair, CellSummary, SweepOutcome, TwoSweeps
from hsig.experiments.sweeps import Axis
from hsig.figures.heat import FAILED, FEWER, TEXTS_MOST, Cell, Scale, maps
from hsig.figures.picture import drawing
from hsig.figures.scales import in_percent
from hsig.figures.texts import INCH, fitted, width_of
from hsig.figures.themes import RATES, Theme
from hsig.reports.numbers import points, whole_percent
from hsig.reports.pictures.caption import Caption

_WIDTH, _HEIGHT = 8.0, 4.2  # inches, of the curve of one key
_LABELS_MOST = 40
_LABEL_WIDTH = 90.0  # points

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
        _mark(axes, "x", [one is not None and bool(one.failure) for one in found], picture.theme)
        _mark(axes, ".", [one is None for one in found], picture.theme)
        _values(axes, axis)
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
        _mark(axes, "x", failed, picture.theme)
        _mark(axes, ".", [both is None for both in found], picture.theme)
        _values(axes, axis)
    return picture


def _cell(found: CellSummary | None) -> Cell | None:
    if found is None or found.failure:
        return None if found is None else FAILED
    rate = found.solved.rate
    return Cell(rate, whole_percent(rate), mark_of(found))


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


def _mark(axes: Axes, marker: str, marked: Sequence[bool], theme: Theme) -> None:
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


def _values(axes: Axes, axis: Axis) -> None:
    """The values of the key, or some of them, evenly chosen."""
    places = evenly(len(axis.values), _LABELS_MOST)
    texts = [fitted(axis.values[place], _LABEL_WIDTH, 9.0) for place in places]
    wide = max(width_of(text, 9.0) for text in texts) + 6.0 > 0.85 * _WIDTH * INCH / len(places)
    axes.set_xticks(places, texts, rotation=90 if wide else 0)
    axes.set_xlim(-0.5, len(axis.values) - 0.5)
    axes.set_xlabel(fitted(axis.name, 400.0, 10.0))
