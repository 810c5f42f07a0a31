"""Curves over the epochs, intervals of several variants, stacks of verdicts."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from hsig.analysis.plot_data import (
    MAX_COLOURS,
    MAX_PANELS,
    count_solved_by_epoch,
    count_states,
    needs_log_axis,
    select_seed_lines,
    spread_evenly,
)
from hsig.analysis.summary import MEDIAN, Summary, VariantSummary
from hsig.arrays import Array
from hsig.figures.picture import (
    DASHES,
    HATCHES,
    MARKERS,
    Picture,
    Theme,
    drawable,
    drawing,
    fitted,
    grid_of,
    in_percent,
    legend_beside,
    over_epochs,
    text_on,
    width_in_points,
    width_of,
    with_plain_numbers,
)
from hsig.reports.captions import Caption, trained_of
from hsig.reports.columns import which_cost
from hsig.reports.comparison import best_first
from hsig.reports.page import rate_of

# --- curves --------------------------------------------------------------------------------------

# What becomes of seeds over the epochs: costs, and how many are solved.

_APART = 0.16  # the markers on a line, of the diagonal of the axes
_STEPS_MOST = 400  # of a band
_BEYOND = 0.5  # of the extent of the quartiles: so much farther single seeds are shown
_LARGEST = 1e100  # matplotlib has no room for larger numbers
_FEW = 3  # variants whose bands may be strong


def costs(summary: Summary, *, caption: Caption, theme: str = "light") -> Figure:
    """The median cost over the epochs, the quartiles, and single seeds, of all variants in one.

    The first variants of the table's order are coloured, the others thin and grey. The cost is
    on a logarithmic axis where that tells more apart (`hsig.analysis.plot_data.is_logarithmic`).
    A cost that is not finite is a gap, one above 1e100 is drawn as that. Single seeds and grey
    lines may leave the axes at the top, and at the bottom of a logarithmic one; quartiles do not.
    """
    with drawing(caption, theme) as picture:
        axes = picture.body.subplots()
        trained = trained_of(summary)
        coloured, others = trained[:MAX_COLOURS], trained[MAX_COLOURS:]
        if needs_log_axis(variant.cost[MEDIAN] for variant in coloured):
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
        for variant in trained[MAX_COLOURS:]:
            found = count_solved_by_epoch(variant)
            axes.step(found.epochs, found.share, where="post", **_grey(picture.theme))
        for place, variant in enumerate(trained[:MAX_COLOURS]):
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
    return _drawable(variant.costs[select_seed_lines(len(variant.seeds), variants)])


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
    found = count_solved_by_epoch(variant)
    kept = spread_evenly(len(found.epochs), _STEPS_MOST)
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
        "markevery": (_APART * place / MAX_COLOURS, _APART) if seen > 1 else None,
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
    shown, more = trained[:MAX_COLOURS], len(trained) - MAX_COLOURS
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


# --- intervals -----------------------------------------------------------------------------------

# Variants side by side: how many seeds each solved, and how soon.

_ROW = 0.26  # inches
_LABEL_WIDTH = 150.0  # points
_FAR = 20.0  # the last epoch over the smallest median, from which on epochs are on a log axis
_BASELINE, _OPEN = "baseline", ""
_MARKS = {_BASELINE: "D", "more": "^", "less": "v", _OPEN: "o"}
_SAID = {
    _BASELINE: "baseline",
    "more": "solved more often",
    "less": "solved less often",
    _OPEN: "no difference claimed",
}


def comparison(summary: Summary, *, caption: Caption, theme: str = "light") -> Figure:
    """How many seeds each variant solved and by when half of them were, with 95 % intervals.

    A row for each variant, the best at the top. The shape of a mark says what is claimed against
    the baseline. What is not reached by the last epoch is an arrow at the right edge; the
    epochs are on a logarithmic axis if the last is more than 20 times the smallest median.
    """
    ranked = best_first(summary.variants)
    height = _ROW * max(4, len(ranked)) + 0.6
    with drawing(caption, theme, width=9.0, height=height) as picture:
        left, right = picture.body.subplots(1, 2, sharey=True)
        for axes in (left, right):
            axes.tick_params(axis="y", length=0)
        marks = {variant.label: _mark(summary, variant) for variant in ranked}
        _rates(left, ranked, marks, picture.theme)
        _epochs(right, ranked, marks, summary.experiment.epochs, picture.theme)
        _rows(left, ranked, marks)
        _interval_legend(picture, summary, ranked, marks)
    return picture


def _mark(summary: Summary, variant: VariantSummary) -> str:
    """What is claimed of a variant against the baseline."""
    if summary.pairing is None:
        return _OPEN
    if variant.label == summary.pairing.baseline:
        return _BASELINE
    found = summary.pairing.against.get(variant.label)
    return found.claim if found is not None else _OPEN


def _rows(axes: Axes, ranked: Sequence[VariantSummary], marks: dict[str, str]) -> None:
    """A label for each row; the first is at the top."""
    size = 9.0
    labels = [
        fitted(variant.label, _LABEL_WIDTH, size, bold=marks[variant.label] == _BASELINE)
        for variant in ranked
    ]
    axes.set_yticks(range(len(ranked)), labels, fontsize=size)
    for tick, variant in zip(axes.get_yticklabels(), ranked, strict=True):
        tick.set_fontweight("bold" if marks[variant.label] == _BASELINE else "normal")
    axes.set_ylim(len(ranked) - 0.4, -0.6)


def _rates(
    axes: Axes, ranked: Sequence[VariantSummary], marks: dict[str, str], theme: Theme
) -> None:
    _stripes(axes, len(ranked), theme)
    for row, variant in enumerate(ranked):
        if variant.failure:
            axes.text(0.01, row, "not trained", va="center", fontsize=8.5, color=theme.muted)
            continue
        solved, mark = variant.solved, marks[variant.label]
        if mark == _BASELINE:
            axes.axvline(solved.rate, color=theme.muted, linewidth=0.8, linestyle=":", zorder=1)
        _interval(axes, row, solved.low, solved.high, theme)
        _dot(axes, row, solved.rate, mark, theme)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xticks([0.0, 0.25, 0.5, 0.75, 1.0], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    axes.set_xlabel("seeds solved at the end")
    axes.grid(axis="x")


def _epochs(
    axes: Axes,
    ranked: Sequence[VariantSummary],
    marks: dict[str, str],
    budget: int,
    theme: Theme,
) -> None:
    _stripes(axes, len(ranked), theme)
    trained = [(row, variant) for row, variant in enumerate(ranked) if not variant.failure]
    last = max((variant.epochs[-1] for _, variant in trained), default=budget)
    known = [v.epochs_to_solve[0] for _, v in trained if 0.0 < v.epochs_to_solve[0] < math.inf]
    logarithmic = bool(known) and last > _FAR * min(known)
    edge = max(1.0, last * (1.35 if logarithmic else 1.08))
    if logarithmic:
        lows = [v.epochs_to_solve[1] for _, v in trained if v.epochs_to_solve[1] > 0.0]
        axes.set_xscale("log")
        axes.set_xlim(min([*known, *lows]) / 1.3, edge)
    else:
        axes.set_xlim(-0.02 * edge, edge)
    for row, variant in trained:
        median, low, high = variant.epochs_to_solve
        if math.isfinite(low):
            _interval(axes, row, low, min(high, edge), theme)
        if math.isfinite(median):
            _dot(axes, row, median, marks[variant.label], theme)
        if math.isinf(high):
            axes.plot([edge], [row], clip_on=False, zorder=3, **_arrow(theme))
    axes.axvline(last, color=theme.muted, linewidth=0.8, zorder=1)
    with_plain_numbers(axes, "x")
    axes.set_xlabel("epochs until half were solved at least once")
    axes.grid(axis="x")


def _stripes(axes: Axes, rows: int, theme: Theme) -> None:
    """Every other row has another background, to be followed by the eye."""
    for row in range(1, rows, 2):
        axes.axhspan(row - 0.5, row + 0.5, color=theme.tints[0], linewidth=0, zorder=0)


def _interval(axes: Axes, row: int, low: float, high: float, theme: Theme) -> None:
    axes.plot([low, high], [row, row], color=theme.lines[0], linewidth=2.2, zorder=2, alpha=0.7)


def _dot(axes: Axes, row: int, value: float, mark: str, theme: Theme) -> None:
    axes.plot([value], [row], zorder=3, clip_on=False, **_look(mark, theme))


def _look(mark: str, theme: Theme) -> dict[str, Any]:
    return {
        "marker": _MARKS[mark],
        "markersize": 6.5,
        "linestyle": "none",
        "color": theme.lines[1] if mark == "less" else theme.lines[0],
        "markerfacecolor": theme.paper if mark == _OPEN else None,
        "markeredgewidth": 1.4,
    }


def _arrow(theme: Theme) -> dict[str, Any]:
    return {"marker": ">", "markersize": 7.0, "linestyle": "none", "color": theme.lines[0]}


def _interval_legend(
    picture: Picture, summary: Summary, ranked: Sequence[VariantSummary], marks: dict[str, str]
) -> None:
    trained = [variant for variant in ranked if not variant.failure]
    there = {marks[variant.label] for variant in trained} if summary.pairing is not None else set()
    looks = {_SAID[mark]: _look(mark, picture.theme) for mark in _MARKS if mark in there}
    if any(math.isinf(variant.epochs_to_solve[2]) for variant in trained):
        looks["not by the last epoch"] = _arrow(picture.theme)
    shown: list[Artist] = [Line2D([], [], **look) for look in looks.values()]
    if shown:
        legend_beside(picture.body, shown, [*looks])


# --- stacks --------------------------------------------------------------------------------------

# What the seeds of each variant are over the epochs, one above the other.

_COLUMNS_MOST = 3
_TITLE = 9.0
_BAR = 0.1  # of the epochs, as wide is the bar of a single checkpoint
_WIDTH = 9.0  # inches


def verdicts(summary: Summary, *, caption: Caption, theme: str = "light") -> Figure:
    """What share of the seeds is what at each checkpoint, stacked, a panel for each variant.

    Between two checkpoints the areas are straight; of a single checkpoint they are a bar.
    """
    shown = trained_of(summary)[:MAX_PANELS]
    rows, columns = grid_of(max(1, len(shown)), _COLUMNS_MOST)
    height = 3.6 if rows == 1 else 1.9 * rows
    with drawing(caption, theme, width=_WIDTH, height=height) as picture:
        grid = picture.body.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        there = dict[str, None]()
        for place, axes in enumerate(grid.flat):
            if place >= len(shown):
                axes.set_visible(False)
                continue
            found = _stack(axes, shown[place], picture.theme, summary.experiment.epochs)
            there |= dict.fromkeys(found)
            over_epochs(axes, summary.experiment.epochs)
            in_percent(axes, "")
            if columns > 1:
                axes.set_yticks([0.0, 0.5, 1.0], ["0 %", "50 %", "100 %"])
            below = place + columns >= len(shown)
            axes.tick_params(labelbottom=below)
            axes.set_xlabel("epochs" if below else "")
            axes.locator_params(axis="x", nbins=8 // columns)
            axes.set_title("-", fontsize=_TITLE)
        for row in grid:
            row[0].set_ylabel("seeds")
        words = [word for word in HATCHES if word in there]
        marks: list[Artist] = [_patch(word, picture.theme) for word in reversed(words)]
        if marks:
            legend_beside(picture.body, marks, [*reversed(words)])
        picture.draw_without_rendering()  # from here on it is known how wide panels are
        for axes, variant in zip(grid.flat, shown, strict=False):
            axes.set_title(_title(variant, width_in_points(axes)), fontsize=_TITLE)
    return picture


def _title(variant: VariantSummary, width: float) -> str:
    ended = f": {rate_of(variant.solved)} solved"
    label = drawable(variant.label, alone=False)
    return fitted(label, width - width_of(ended, _TITLE), _TITLE) + ended


def _stack(axes: Axes, variant: VariantSummary, theme: Theme, budget: int) -> list[str]:
    """Draw the areas; those words that any seed has."""
    epochs, seeds = np.array(variant.epochs, dtype=float), len(variant.seeds)
    found = count_states(variant)
    words = [word for word in HATCHES if word in found and found[word].any()]
    if len(epochs) == 1:
        epochs = epochs[0] + np.array([0.0, _BAR * max(1, budget)])
    base = np.zeros(len(epochs))
    for word in words:
        top = base + found[word] / seeds
        axes.fill_between(
            epochs,
            base,
            top,
            facecolor=theme.states[word],
            hatch=HATCHES[word],
            edgecolor=text_on(theme.states[word]),  # of the hatching
            linewidth=0.0,
            label=word,
        )
        axes.plot(epochs, top, color=theme.paper, linewidth=0.8)
        base = top
    return words


def _patch(word: str, theme: Theme) -> Patch:
    return Patch(
        facecolor=theme.states[word],
        hatch=HATCHES[word],
        edgecolor=text_on(theme.states[word]),
        linewidth=0.0,
    )
