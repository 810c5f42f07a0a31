"""Variants side by side: how many seeds each solved, and how soon."""

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hsig.analysis.summary import Summary, VariantSummary
from hsig.figures.picture import Picture, drawing
from hsig.figures.scales import legend_beside, with_plain_numbers
from hsig.figures.texts import fitted
from hsig.figures.themes import Theme
from hsig.reports.comparison import best_first
from hsig.reports.pictures.caption import Caption

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
        _legend(picture, summary, ranked, marks)
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


def _legend(
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
