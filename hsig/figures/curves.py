"""Curves over the epochs, variants side by side, and stacks of verdicts."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
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
    SHARES,
    Picture,
    Theme,
    add_legend,
    add_panels,
    drawing,
    format_numbers,
    grid_shape,
    set_epochs,
    set_shares,
    text_colour,
)
from hsig.reports.captions import (
    Caption,
    comparison_caption,
    costs_caption,
    label_text,
    solved_caption,
    trained_variants,
    verdicts_caption,
)
from hsig.reports.columns import which_cost
from hsig.reports.comparison import best_first
from hsig.reports.page import rate_of

# --- over the epochs -----------------------------------------------------------------------------

_MAX_STEPS = 400  # of a band
_MARGIN = 0.12  # of the extent of medians and quartiles, on either side
_MAX_NUMBER = 1e100  # matplotlib has no room for larger ones
_FEW = 3  # variants whose bands may be strong


def costs(summary: Summary, setting: Sequence[str] = (), theme: str = "light") -> Picture:
    """The median cost over the epochs, the quartiles, and single seeds.

    The first variants of the table are coloured, the others thin and grey. The cost is on a
    logarithmic axis where that tells more apart. The axes hold all quartiles; single seeds may
    leave them.
    """
    trained = trained_variants(summary)
    coloured = trained[:MAX_COLOURS]
    with _draw_lines(summary, costs_caption(summary, setting), theme) as picture:
        (axes,) = picture.body.axes
        if needs_log_axis(variant.cost[MEDIAN] for variant in coloured):
            axes.set_yscale("log", nonpositive="clip")
        alpha = 0.35 if len(trained) <= _FEW else 0.2
        for place, variant in enumerate(trained):
            epochs = np.array(variant.epochs)
            lower, median, upper = map(_drawable, variant.cost)
            axes.plot(epochs, median, **_line(picture.theme, place, len(trained), len(epochs)))
            if place >= MAX_COLOURS or len(variant.seeds) == 1:
                continue
            axes.fill_between(epochs, lower, upper, **_band(picture.theme, place, len(trained)))
            seeds = select_seed_lines(len(variant.seeds), len(trained))
            lines = [np.column_stack([epochs, seed]) for seed in _drawable(variant.costs[seeds])]
            look = {"colors": picture.theme.lines[place], "linewidths": 0.5, "alpha": alpha}
            axes.add_collection(LineCollection(lines, zorder=1.0, **look), autolim=False)
        axes.margins(y=_MARGIN)
        scale = ", logarithmic" if axes.get_yscale() == "log" else ""
        axes.set_ylabel(f"{which_cost(summary.experiment)}{scale}")
        format_numbers(axes, "y")
    return picture


def solved(summary: Summary, setting: Sequence[str] = (), theme: str = "light") -> Picture:
    """The share of the seeds that were solved by each epoch, with its 95 % interval."""
    trained = trained_variants(summary)
    with _draw_lines(summary, solved_caption(summary, setting), theme) as picture:
        (axes,) = picture.body.axes
        for place, variant in enumerate(trained):
            curve = count_solved_by_epoch(variant)
            look = _line(picture.theme, place, len(trained), len(curve.epochs))
            axes.step(curve.epochs, curve.share, where="post", clip_on=False, **look)
            if place < MAX_COLOURS:
                some = spread_evenly(len(curve.epochs), _MAX_STEPS)
                band = _band(picture.theme, place, len(trained))
                low, high = curve.low[some], curve.high[some]
                axes.fill_between(curve.epochs[some], low, high, step="post", **band)
        set_shares(axes)
        axes.set_ylabel("seeds solved at least once by then")
    return picture


@contextmanager
def _draw_lines(summary: Summary, caption: Caption, theme: str) -> Iterator[Picture]:
    """Axes over the epochs, with a legend of the variants."""
    trained = trained_variants(summary)
    labels = [variant.label for variant in trained[:MAX_COLOURS]]
    more = len(trained) - MAX_COLOURS
    labels += [f"{more} more"] if more > 0 else []
    with drawing(caption, theme) as picture:
        axes = picture.body.subplots()
        yield picture
        set_epochs(axes, summary.experiment.epochs)
        axes.set_xlabel("epochs")
        axes.grid(axis="y")
        looks = [_line(picture.theme, place, len(trained), 2) for place in range(len(labels))]
        add_legend(picture, [Line2D([], [], **look) for look in looks], labels)


def _drawable(values: Array) -> Array:
    """The same, nan where a value is not finite."""
    return np.where(np.isfinite(values), np.clip(values, -_MAX_NUMBER, _MAX_NUMBER), np.nan)


def _line(theme: Theme, place: int, variants: int, points: int) -> dict[str, Any]:
    """The look of a variant's line: markers here and there, or on its only point."""
    if place >= MAX_COLOURS:
        return {"color": theme.muted, "linewidth": 0.6, "alpha": 0.6, "zorder": 1.5}
    return {
        "color": theme.lines[place],
        "linestyle": DASHES[place],
        "linewidth": 2.0,
        "marker": MARKERS[place] if variants > 1 or points == 1 else None,
        "markersize": 5.5,
        "markeredgecolor": theme.paper,
        "markeredgewidth": 0.7,
        "markevery": (0.02 * place, 0.16) if points > 1 else None,  # of the axes' diagonal
        "zorder": 3.0 - place / 100.0,
    }


def _band(theme: Theme, place: int, variants: int) -> dict[str, Any]:
    alpha = 0.22 if variants <= _FEW else 0.09
    return {"color": theme.lines[place], "alpha": alpha, "linewidth": 0, "zorder": 1.2}


# --- variants side by side -----------------------------------------------------------------------

_ROW = 0.26  # inches
# of the last epoch to the smallest median, from which on epochs are on a logarithmic axis
_LOG_RATIO = 20.0
_BASELINE, _OPEN, _LATE = "baseline", "", "late"
_MARKS = {  # the shape of each, and what it means
    _BASELINE: ("D", "baseline"),
    "better": ("^", "solved more often"),
    "worse": ("v", "solved less often"),
    _OPEN: ("o", "no difference claimed"),
    _LATE: (">", "not by the last epoch"),
}


def comparison(summary: Summary, setting: Sequence[str] = (), theme: str = "light") -> Picture:
    """How many seeds each variant solved and by when half of them were, with 95 % intervals.

    A row for each variant, the best at the top. The shape of a mark says what is claimed against
    the baseline. What is not reached by the last epoch is an arrow at the right edge.
    """
    ranked = best_first(summary.variants)
    trained = [(row, variant) for row, variant in enumerate(ranked) if not variant.failure]
    marks = [_mark(summary, variant) for variant in ranked]
    caption, height = comparison_caption(summary, setting), _ROW * max(4, len(ranked)) + 0.6
    with drawing(caption, theme, width=9.0, height=height) as picture:
        left, right = picture.body.subplots(1, 2, sharey=True)
        for axes in (left, right):
            axes.tick_params(axis="y", length=0)
            axes.grid(axis="x")
            for row in range(1, len(ranked), 2):
                axes.axhspan(
                    row - 0.5, row + 0.5, color=picture.theme.tints[0], linewidth=0, zorder=0
                )
        left.set_xlim(-0.02, 1.02)
        left.set_xticks([*SHARES], [*SHARES.values()])
        left.set_xlabel("seeds solved at the end")
        left.set_yticks(range(len(ranked)), [label_text(v.label) for v in ranked], fontsize=9)
        left.set_ylim(len(ranked) - 0.4, -0.6)
        for row, variant in enumerate(ranked):
            if variant.failure:
                left.text(
                    0.01, row, "not trained", va="center", fontsize=8, color=picture.theme.muted
                )
        for row, variant in trained:
            if marks[row] == _BASELINE:
                left.get_yticklabels()[row].set_fontweight("bold")
                left.axvline(variant.solved.rate, color=picture.theme.muted, linewidth=0.8, ls=":")
            rate = variant.solved.rate, variant.solved.low, variant.solved.high
            _draw_interval(left, row, rate, marks[row], picture.theme)
        _draw_epochs(right, trained, marks, summary.experiment.epochs, picture.theme)
        late = {_LATE} if any(math.isinf(v.epochs_to_solve[2]) for _, v in trained) else set()
        present = late | ({marks[row] for row, _ in trained} if summary.pairing else set())
        shown = [mark for mark in _MARKS if mark in present]
        looks = [Line2D([], [], **_mark_look(mark, picture.theme)) for mark in shown]
        add_legend(picture, looks, [_MARKS[mark][1] for mark in shown])
    return picture


def _mark(summary: Summary, variant: VariantSummary) -> str:
    """What is claimed of a variant against the baseline."""
    if summary.pairing is None:
        return _OPEN
    if variant.label == summary.pairing.baseline:
        return _BASELINE
    paired = summary.pairing.against.get(variant.label)
    return paired.claim if paired is not None else _OPEN


def _draw_epochs(
    axes: Axes,
    trained: Sequence[tuple[int, VariantSummary]],
    marks: Sequence[str],
    budget: int,
    theme: Theme,
) -> None:
    """By when half of the seeds were solved; on a logarithmic axis if the medians are far apart."""
    last = max((variant.epochs[-1] for _, variant in trained), default=budget)
    intervals = {row: variant.epochs_to_solve for row, variant in trained}
    medians = [median for median, _, _ in intervals.values() if 0.0 < median < math.inf]
    logarithmic = bool(medians) and last > _LOG_RATIO * min(medians)
    edge = max(1.0, last * (1.35 if logarithmic else 1.08))
    if logarithmic:
        axes.set_xscale("log")
        lows = [low for _, low, _ in intervals.values() if low > 0.0]
        axes.set_xlim(min([*medians, *lows]) / 1.3, edge)
    else:
        axes.set_xlim(-0.02 * edge, edge)
    for row, (median, low, high) in intervals.items():
        shown = median if math.isfinite(median) else math.nan
        _draw_interval(axes, row, (shown, low, min(high, edge)), marks[row], theme)
        if math.isinf(high):
            axes.plot([edge], [row], clip_on=False, zorder=3, **_mark_look(_LATE, theme))
    axes.axvline(last, color=theme.muted, linewidth=0.8, zorder=1)
    format_numbers(axes, "x")
    axes.set_xlabel("median epochs to solve")


def _draw_interval(
    axes: Axes, row: int, interval: tuple[float, float, float], mark: str, theme: Theme
) -> None:
    """A bar from the low to the high end and a mark at the value; nothing where not finite."""
    value, low, high = interval
    if math.isfinite(low):
        axes.plot([low, high], [row, row], color=theme.lines[0], linewidth=2.2, alpha=0.7)
    if math.isfinite(value):
        axes.plot([value], [row], zorder=3, clip_on=False, **_mark_look(mark, theme))


def _mark_look(mark: str, theme: Theme) -> dict[str, Any]:
    return {
        "marker": _MARKS[mark][0],
        "markersize": 6.5,
        "linestyle": "none",
        "color": theme.lines[1] if mark == "worse" else theme.lines[0],
        "markerfacecolor": theme.paper if mark == _OPEN else None,
        "markeredgewidth": 1.4,
    }


# --- stacks of verdicts --------------------------------------------------------------------------

_MAX_COLUMNS = 3
_BAR = 0.1  # of the epochs: the width of a single checkpoint


def verdicts(summary: Summary, setting: Sequence[str] = (), theme: str = "light") -> Picture:
    """What share of the seeds is what at each checkpoint, stacked, a panel for each variant."""
    shown, budget = trained_variants(summary)[:MAX_PANELS], summary.experiment.epochs
    number = max(1, len(shown))
    rows, columns = grid_shape(number, _MAX_COLUMNS)
    height = 3.6 if rows == 1 else 1.9 * rows
    caption = verdicts_caption(summary, setting)
    with drawing(caption, theme, width=9.0, height=height) as picture:
        panels = add_panels(picture, number, (rows, columns), ("epochs", "seeds"))
        set_epochs(panels[0], budget, ticks=8 // columns)
        set_shares(panels[0])
        words: set[str] = set()
        for axes, variant in zip(panels, shown, strict=False):
            words |= _stack(axes, variant, picture.theme, budget)
            title = f"{label_text(variant.label)}: {rate_of(variant.solved)} solved"
            axes.set_title(title, fontsize=9)
        present = [word for word in reversed(HATCHES) if word in words]
        patches: list[Artist] = [Patch(**_area_look(word, picture.theme)) for word in present]
        add_legend(picture, patches, present)
    return picture


def _stack(axes: Axes, variant: VariantSummary, theme: Theme, budget: int) -> set[str]:
    """Draw the areas; returns the words that any seed has."""
    epochs, number = np.array(variant.epochs, dtype=float), count_states(variant)
    if len(epochs) == 1:
        epochs = epochs[0] + np.array([0.0, _BAR * max(1, budget)])
    words = [word for word in HATCHES if word in number and number[word].any()]
    base = np.zeros(len(epochs))
    for word in words:
        top = base + number[word] / len(variant.seeds)
        axes.fill_between(epochs, base, top, label=word, **_area_look(word, theme))
        axes.plot(epochs, top, color=theme.paper, linewidth=0.8)
        base = top
    return set(words)


def _area_look(word: str, theme: Theme) -> dict[str, Any]:
    colour = theme.states[word]
    return {
        "facecolor": colour,
        "hatch": HATCHES[word],
        "edgecolor": text_colour(colour),  # of the hatching
        "linewidth": 0.0,
    }
