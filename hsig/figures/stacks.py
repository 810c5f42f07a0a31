"""What the seeds of each variant are over the epochs, one above the other."""

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from hsig.analysis.drawn import PANELS_MOST, states
from hsig.analysis.summary import Summary, VariantSummary
from hsig.figures.picture import drawing
from hsig.figures.scales import grid_of, in_percent, legend_beside, over_epochs, width_in_points
from hsig.figures.texts import drawable, fitted, width_of
from hsig.figures.themes import HATCHES, Theme, text_on
from hsig.reports.pictures.caption import Caption
from hsig.reports.pictures.of_variants import trained_of
from hsig.reports.words import rate_of

_COLUMNS_MOST = 3
_TITLE = 9.0
_BAR = 0.1  # of the epochs, as wide is the bar of a single checkpoint
_WIDTH = 9.0  # inches


def verdicts(summary: Summary, *, caption: Caption, theme: str = "light") -> Figure:
    """What share of the seeds is what at each checkpoint, stacked, a panel for each variant.

    Between two checkpoints the areas are straight; of a single checkpoint they are a bar.
    """
    shown = trained_of(summary)[:PANELS_MOST]
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
    found = states(variant)
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
