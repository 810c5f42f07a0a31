"""Curves over the epochs, variants side by side, and stacks of verdicts."""

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection

from hsig.analysis.pairing import BETTER, WORSE, Pairing
from hsig.analysis.plot_data import (
    MAX_COLOURS,
    MAX_PANELS,
    centre,
    constant_measure,
    cost_curves,
    count_solved_by_epoch,
    count_states,
    lowest_point,
    needs_log_axis,
    select_seed_lines,
    shown_measure,
    spread_evenly,
)
from hsig.analysis.summary import MEDIAN, Summary, VariantSummary
from hsig.arrays import Array
from hsig.experiments.measures import LOSS, RIGHT, SOLVED
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
    tick_percent,
)
from hsig.reports.captions import (
    Caption,
    comparison_sentence,
    constant_name,
    cost_words,
    label_text,
    measure_title,
    measured_text,
    trained_variants,
    variants_caption,
)
from hsig.reports.comparison import best_first
from hsig.reports.page import difference_text, short

# --- over the epochs -----------------------------------------------------------------------------

_MAX_STEPS = 400  # of a band
_MARGIN = 0.12  # of the extent of medians and quartiles, on either side
_MAX_NUMBER = 1e100  # matplotlib has no room for larger ones
_FEW = 3  # variants whose bands may be strong


def costs(summary: Summary, setting: Sequence[str] = (), theme: str = "light") -> Picture:
    """The median cost over the epochs, the quartiles, and single seeds.

    Where rows are held out, the loss of the weights on these as well, in another style, with a mark
    where its median is lowest. The first variants of the table are coloured, the others thin and
    grey. The cost is on a logarithmic axis where that tells more apart. The axes hold all
    quartiles; single seeds may leave them.
    """
    trained = trained_variants(summary)
    curves = [cost_curves(variant) for variant in trained]
    both = any(len(each) > 1 for each in curves)
    faint = "a star: the lowest median, no epoch to stop at" if both else "faint lines: seeds"
    sentence = f"{cost_words(summary)}; band: quartiles; {faint}; a gap is a cost not finite"
    caption = variants_caption(summary, sentence, setting)
    with _draw_lines(summary, caption, theme, both=both) as picture:
        (axes,) = picture.body.axes
        # of both rows, what differs is seen after the first steps
        heights = [each[:, int(both) :] for some in curves[:MAX_COLOURS] for each in some]
        if needs_log_axis(each[MEDIAN] for each in heights):
            axes.set_yscale("log", nonpositive="clip")
        alpha = 0.35 if len(trained) <= _FEW else 0.2
        for place, (variant, each) in enumerate(zip(trained, curves, strict=True)):
            epochs = np.array(variant.epochs)
            own = _line(picture.theme, place, len(trained), len(epochs))
            for quartiles, style in zip(each, _ROWS.values(), strict=False):
                lower, median, upper = map(_drawable, quartiles)
                look = own | ({"linestyle": style} if both else {})
                axes.plot(epochs, median, **look)
                if place < MAX_COLOURS and len(variant.seeds) > 1:
                    band = _band(picture.theme, place, len(trained) * len(each))
                    axes.fill_between(epochs, lower, upper, **band)
            if place >= MAX_COLOURS:
                continue
            if lowest := lowest_point(variant, each[-1]) if both else None:
                look = _lowest_look(picture.theme, place)
                axes.plot(*lowest, zorder=4, clip_on=not lowest[0], **look)
            seeds = select_seed_lines(0 if both else len(variant.seeds), len(trained))
            lines = [np.column_stack([epochs, seed]) for seed in _drawable(variant.costs[seeds])]
            look = {"colors": picture.theme.lines[place], "linewidths": 0.5, "alpha": alpha}
            axes.add_collection(LineCollection(lines, zorder=1.0, **look), autolim=False)
        axes.margins(y=_MARGIN)
        if both:
            _set_height(axes, _drawable(np.concatenate([*map(np.ravel, heights)])))
        scale = ", logarithmic" if axes.get_yscale() == "log" else ""
        axes.set_ylabel(f"{cost_words(summary)}{scale}")
        format_numbers(axes, "y")
    return picture


def solved(summary: Summary, setting: Sequence[str] = (), theme: str = "light") -> Picture:
    """The share of the seeds that were solved by each epoch, with its 95 % interval."""
    trained = trained_variants(summary)
    caption = variants_caption(summary, "band: 95 % Wilson interval", setting)
    with _draw_lines(summary, caption, theme) as picture:
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


def _set_height(axes: Axes, values: Array) -> None:
    """Let the axes hold these values, and no more, but for a margin."""
    values = values[np.isfinite(values)]
    if values.size and values.min() < values.max():
        scale = axes.yaxis.get_transform()
        low, high = scale.transform(np.array([values.min(), values.max()]))
        margin = _MARGIN * (high - low)
        axes.set_ylim(*scale.inverted().transform(np.array([low - margin, high + margin])))


_ROWS = {"rows of training": (0, (4, 1.5)), "held-out rows": "-"}  # the style of each


@contextmanager
def _draw_lines(
    summary: Summary, caption: Caption, theme: str, *, both: bool = False
) -> Iterator[Picture]:
    """Axes over the epochs, with a legend of the variants, and of the styles of both rows."""
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
        solid = {"linestyle": "-"} if both else {}
        looks = {
            label: _line(picture.theme, place, len(trained), 2) | solid
            for place, label in enumerate(labels)
        }
        if both:
            ink = {"color": picture.theme.ink}
            looks |= {name: ink | {"linestyle": style} for name, style in _ROWS.items()}
            looks["lowest held-out median"] = _lowest_look(picture.theme, 0) | ink
        add_legend(picture, looks)


def _lowest_look(theme: Theme, place: int) -> dict[str, Any]:
    look = {"marker": "*", "markersize": 13, "linestyle": "none", "markeredgecolor": theme.paper}
    return look | {"color": theme.lines[place]}


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
_MARKS = {  # the shape of each, and what it means, of seeds that are solved and of other measures
    _BASELINE: ("D", "baseline", "baseline"),
    BETTER: ("^", "solved more often", "better"),
    WORSE: ("v", "solved less often", "worse"),
    _OPEN: ("o", "no difference claimed", "no difference claimed"),
    _LATE: (">", "not by the last epoch", ""),
}


def comparison(summary: Summary, setting: Sequence[str] = (), theme: str = "light") -> Picture:
    """The measure of each variant beside epochs to solve, or its difference from the baseline.

    A row for each variant, the best at the top, with 95 % intervals, of other measures than seeds
    solved with quartiles. The shape of a mark says what is claimed against the baseline. What is
    not reached by the last epoch is an arrow at the right edge.
    """
    ranked, measure, pairing = best_first(summary.variants), shown_measure(summary), summary.pairing
    trained = [(row, variant) for row, variant in enumerate(ranked) if not variant.failure]
    marks = [_mark(pairing, variant) for variant in ranked]
    is_solved = measure.name == SOLVED
    caption = variants_caption(summary, comparison_sentence(summary), setting)
    height = _ROW * max(4, len(ranked)) + 0.6
    with drawing(caption, theme, width=9.0, height=height) as picture:
        halves = picture.body.subplots(
            1, 2 if is_solved or pairing else 1, sharey=True, squeeze=False
        )[0]
        left, right = halves[0], halves[-1]
        for axes in halves:
            axes.tick_params(axis="y", length=0)
            axes.grid(axis="x")
            for row in range(1, len(ranked), 2):
                tint = {"color": picture.theme.tints[0], "linewidth": 0, "zorder": 0}
                axes.axhspan(row - 0.5, row + 0.5, **tint)
        values = {row: centre(variant, measure) for row, variant in trained}
        for row, value in values.items():
            _draw_interval(left, row, value, marks[row], picture.theme)
        looks = _set_measure_axis(left, summary, values.values(), picture.theme)
        left.set_xlabel("seeds solved at the end" if is_solved else measure_title(measure))
        left.set_yticks(range(len(ranked)), [label_text(v.label) for v in ranked], fontsize=9)
        left.set_ylim(len(ranked) - 0.4, -0.6)
        for row, variant in enumerate(ranked):
            if marks[row] == _BASELINE:
                left.get_yticklabels()[row].set_fontweight("bold")
                look = {"color": picture.theme.muted, "linewidth": 0.8, "linestyle": ":"}
                left.axvline(values[row][0], **look)
            why = (
                "not trained"
                if variant.failure
                else ""
                if math.isfinite(values[row][0])
                else "diverged"
            )
            look = {"transform": left.get_yaxis_transform(), "color": picture.theme.muted}
            left.text(0.02, row, why, va="center", fontsize=8, **look)
        present = {marks[row] for row, _ in trained} if pairing else set()
        if is_solved:
            _draw_epochs(right, trained, marks, summary.experiment.epochs, picture.theme)
            late = any(math.isinf(variant.epochs_to_solve[2]) for _, variant in trained)
            present |= {_LATE} if late else set()
        elif pairing:
            _draw_differences(right, ranked, marks, pairing, picture.theme)
        shown = [mark for mark in _MARKS if mark in present]
        looks = {_MARKS[m][2 - is_solved]: _mark_look(m, picture.theme) for m in shown} | looks
        add_legend(picture, looks)
    return picture


def _set_measure_axis(
    axes: Axes, summary: Summary, values: Iterable[tuple[float, float, float]], theme: Theme
) -> dict[str, dict[str, Any]]:
    """The axis of a measure, with a line for what no inputs give; returns its look, by its name."""
    measure = shown_measure(summary)
    if measure.name == SOLVED:
        axes.set_xlim(-0.02, 1.02)
        axes.set_xticks([*SHARES], [*SHARES.values()])
        return {}
    constant = constant_measure(summary.experiment, measure)
    if needs_log_axis([np.array([*values, [constant] * 3])]) and measure.name == LOSS:
        axes.set_xscale("log")
    else:
        axes.locator_params(axis="x", nbins=6)
    format_numbers(axes, "x", tick_percent if measure.name == RIGHT else short)
    look: dict[str, Any] = {"color": theme.lines[1], "linewidth": 1.6, "linestyle": (0, (4, 1.5))}
    axes.axvline(constant, zorder=1, **look)
    return {constant_name(measure): look}


def _draw_differences(
    axes: Axes,
    ranked: Sequence[VariantSummary],
    marks: Sequence[str],
    pairing: Pairing,
    theme: Theme,
) -> None:
    """The median difference of each variant from the baseline, with its interval."""
    for row, paired in enumerate(pairing.against.get(variant.label) for variant in ranked):
        if paired:
            ends = paired.difference, paired.low, paired.high
            _draw_interval(axes, row, ends, marks[row], theme)
    axes.axvline(0.0, color=theme.muted, linewidth=0.8, zorder=1)
    axes.locator_params(axis="x", nbins=5)
    format_numbers(axes, "x", partial(difference_text, pairing.measure.field))
    unit = "points" if pairing.measure.name == RIGHT else "loss"
    axes.set_xlabel(f"difference from {label_text(pairing.baseline)}, {unit}")


def _mark(pairing: Pairing | None, variant: VariantSummary) -> str:
    """What is claimed of a variant against the baseline."""
    if pairing is not None and variant.label == pairing.baseline:
        return _BASELINE
    paired = pairing.against.get(variant.label) if pairing else None
    return paired.claim if paired else _OPEN


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
    if math.isfinite(low) and math.isfinite(high):
        axes.plot([low, high], [row, row], color=theme.lines[0], linewidth=2.2, alpha=0.7)
    if math.isfinite(value):
        axes.plot([value], [row], zorder=3, clip_on=False, **_mark_look(mark, theme))


def _mark_look(mark: str, theme: Theme) -> dict[str, Any]:
    return {
        "marker": _MARKS[mark][0],
        "markersize": 6.5,
        "linestyle": "none",
        "color": theme.lines[1] if mark == WORSE else theme.lines[0],
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
    sentence = (
        "what can be said of the seeds at each checkpoint; the verdict at the end also looks ahead"
    )
    caption = variants_caption(summary, sentence, setting, panels=True)
    with drawing(caption, theme, width=9.0, height=height) as picture:
        panels = add_panels(picture, number, (rows, columns), ("epochs", "seeds"))
        set_epochs(panels[0], budget, ticks=8 // columns)
        set_shares(panels[0])
        words: set[str] = set()
        for axes, variant in zip(panels, shown, strict=False):
            words |= _stack(axes, variant, picture.theme, budget)
            title = f"{label_text(variant.label)}: {measured_text(summary, variant)}"
            axes.set_title(title, fontsize=9)
        present = [word for word in reversed(HATCHES) if word in words]
        add_legend(picture, {word: _area_look(word, picture.theme) for word in present})
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
