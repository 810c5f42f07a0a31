"""Which classes are taken for which, and how predictions follow targets."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.colors import LinearSegmentedColormap

from hsig.analysis.plot_data import MAX_PANELS, MAX_POINTS, spread_evenly
from hsig.analysis.summary import Summary
from hsig.arrays import Array
from hsig.experiments.experiment import Experiment, Training
from hsig.figures.picture import (
    Picture,
    add_legend,
    add_panels,
    drawing,
    format_numbers,
    grid_shape,
    text_colour,
)
from hsig.reports.captions import (
    label_text,
    measured_text,
    trained_variants,
    variants_caption,
)
from hsig.reports.page import whole_percent

_MAX_TABLES, _MAX_COLUMNS = 4, 3  # side by side
_CELL, _MIN_SIDE, _MAX_SIDE = 0.5, 1.5, 4.2  # inches of a class, and of a panel
_BEYOND = 0.2  # of the extent of the targets, on either side
_MAX_NAME = 14  # characters of a class
_MAX_TEXTS = 400  # cells of a picture in which something is written


def confusion(summary: Summary, setting: Sequence[str] = (), theme: str = "light") -> Picture:
    """Of the rows of each class, and all seeds, the share that is predicted as each.

    A panel for each variant; of the rows that are held out, if there are any.

    Raises:
        ValueError: If the target of the task is not one of named classes.
    """
    names = [label_text(name, _MAX_NAME) for name in summary.experiment.task.classes]
    if not names:
        raise ValueError(
            f"expected a task whose target is a named class, as files have it, but that of "
            f"{summary.experiment.task.name} is none"
        )
    shown = [variant for variant in trained_variants(summary) if variant.predicted][:MAX_PANELS]
    counts = [variant.predicted.confusion for variant in shown if variant.predicted]
    columns = len(names) + any(table[:, -1].any() for table in counts)
    number, side = max(1, len(shown)), min(max(_CELL * columns, _MIN_SIDE), _MAX_SIDE)
    shape = grid_shape(number, max(1, min(_MAX_TABLES, int(9.0 // side))))
    words = [*names, "none"][:columns]
    longest = 0.09 * max(map(len, words))  # inches
    width, height = (side + 0.4) * shape[1] + longest + 0.8, (side + 0.4) * shape[0] + longest + 0.6
    size = {"width": max(7.0, width), "height": height}
    rows = "held-out rows" if summary.experiment.task.held_out else "rows"
    sentence = f"percent of the {rows} of each class, over all seeds, that are predicted as each"
    caption = variants_caption(summary, sentence, setting, panels=True)
    with drawing(caption, theme, **size) as picture:
        panels = add_panels(picture, number, shape, ("predicted class", "class"))
        colours = [picture.theme.paper, picture.theme.lines[0]]
        look: dict[str, Any] = {"cmap": LinearSegmentedColormap.from_list("shares", colours)}
        for axes, variant, table in zip(panels, shown, counts, strict=False):
            shares = table[:, :columns] / np.maximum(table.sum(axis=1, keepdims=True), 1)
            axes.imshow(shares, vmin=0.0, vmax=1.0, aspect="equal", **look)
            for (row, column), share in np.ndenumerate(shares):
                if share and number * shares.size <= _MAX_TEXTS:
                    colour = text_colour(look["cmap"](share))
                    own: dict[str, Any] = {
                        "ha": "center",
                        "va": "center",
                        "fontsize": 8.5,
                        "color": colour,
                    }
                    axes.text(column, row, whole_percent(share), **own)
            axes.set_title(
                f"{label_text(variant.label)}: {measured_text(summary, variant)}", fontsize=9
            )
        turned = 90 if max(map(len, words)) > 4 else 0
        panels[0].set_xticks(range(columns), words)
        panels[0].set_yticks(range(len(names)), names)
        for axes in panels:
            axes.tick_params(axis="x", rotation=turned)
    return picture


def fit(
    trained: Mapping[str, tuple[Experiment, Training]],
    summary: Summary,
    setting: Sequence[str] = (),
    theme: str = "light",
) -> Picture:
    """Predictions against targets in the target's own unit: points, each a row of a seed.

    A panel for each variant, of which `trained` has what became of it by its label. It shows what
    is predicted as far as the targets reach, and a part of that beyond.

    Raises:
        ValueError: If the target is a class.
    """
    experiment = summary.experiment
    if experiment.has_classes:
        raise ValueError(
            f"expected a target that is a number, but that of {experiment.task.name} is a class"
        )
    shown = [trained[variant.label] for variant in trained_variants(summary)][:MAX_PANELS]
    number = max(1, len(shown))
    shape = grid_shape(number, _MAX_COLUMNS)
    size = {"width": max(7.0, 2.9 * shape[1] + 1.9), "height": 2.9 * shape[0] + 0.4}
    sentence = "each point is a row of a seed, some evenly spread, those beyond the axes left out"
    caption = variants_caption(summary, sentence, setting, panels=True)
    with drawing(caption, theme, **size) as picture:
        unit = label_text((*experiment.task.columns, "target")[experiment.sizes[0]])
        panels = add_panels(picture, number, shape, (unit, f"predicted {unit}"))
        lines, ink = picture.theme.lines, picture.theme.ink
        of_rows: dict[str, dict[str, Any]] = {
            "row of training": {"marker": "o", "color": lines[0], "markerfacecolor": "none"},
            "held-out row": {"marker": "^", "color": lines[1]},
        }
        if experiment.task.held_out is None:
            del of_rows["held-out row"]
        point: dict[str, Any] = {"linestyle": "none", "markersize": 3.2}
        looks = {name: point | look for name, look in of_rows.items()}
        for axes, (own, training) in zip(panels, shown, strict=False):
            targets = own.task.every_row.targets[:, 0]
            margin = _BEYOND * (np.ptp(targets) or 1.0)
            low, high = targets.min() - margin, targets.max() + margin
            axes.plot([low, high], [low, high], color=ink, linewidth=1.0, zorder=3)
            rows = [(own.task.rows, training.predictions)]
            if own.task.held_out is not None:
                rows.append((own.task.held_out, training.held_out_predictions))
            most = MAX_POINTS // (len(rows) * number)
            for (part, predictions), look in zip(rows, looks.values(), strict=False):
                points = _spread_points(part.targets[:, 0], predictions[..., 0], most)
                axes.plot(*points, **look)
            axes.set(xlim=(low, high), ylim=(low, high))
            axes.set_title(label_text(training.variant.label), fontsize=9)
            axes.locator_params(nbins=5)
            for which in "xy":
                format_numbers(axes, which)
        add_legend(picture, looks | {"exactly right": {"color": ink, "linewidth": 1.0}})
    return picture


def _spread_points(targets: Array, predictions: Array, most: int) -> Array:
    """At most so many pairs of a target and a prediction, of (seeds, rows); (2, points)."""
    places = spread_evenly(predictions.size, most)
    return np.stack([targets[places % len(targets)], predictions.ravel()[places]])
