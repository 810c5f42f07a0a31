"""What networks with two inputs predict over the plane of their inputs, epoch by epoch."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patheffects import AbstractPathEffect, withStroke

from hsig.analysis.drawn import (
    BENDS_MOST,
    evenly,
    middle_target,
    of_seed,
    scale_of_predictions,
)
from hsig.analysis.surfaces import Surface
from hsig.analysis.surfaces import surface as surface_of
from hsig.experiments.experiment import Experiment, Variant
from hsig.experiments.moments import Moment
from hsig.figures.picture import Picture, drawing
from hsig.figures.scales import grid_of, legend_beside, with_plain_numbers
from hsig.figures.texts import fitted
from hsig.figures.themes import RATES
from hsig.networks.network import select_seeds
from hsig.networks.tasks import NO_SCALE
from hsig.reports.numbers import short
from hsig.reports.pictures.caption import Caption

_PANELS_MOST, _COLUMNS_MOST = 12, 4
_SIDE, _BAR = 2.5, 0.12  # inches of a panel, and of the bar with the colours
_NAME_WIDTH = 130.0  # points
_POINTS, _POINTS_OF_MANY, _MANY = 101, 61, 100  # of the grid; of the mean of many seeds
_SHAPES = ("o", "s", "^", "D", "v")  # by target, the smallest first
_BORDER, _BEND, _FEW = 2.2, 1.0, 20  # widths of lines, and how many are a few
_SAMPLES_MOST = 500  # that are drawn as vectors


def surface(
    experiment: Experiment,
    variant: Variant,
    moments: Sequence[Moment],
    *,
    seed: int | None,
    caption: Caption,
    theme: str = "light",
) -> Figure:
    """The prediction over the plane of the inputs, as the networks see them, at each epoch.

    Args:
        experiment: Of a task with two inputs.
        variant: Whose moments they are.
        moments: In rising order.
        seed: One of the seeds, or None for the mean over all.
        caption: Its words.
        theme: `light` or `dark`.

    Raises:
        ValueError: If the task has another number of inputs, or there is no such seed.
    """
    places = of_seed(experiment, seed)
    points = _POINTS if len(places) <= _MANY else _POINTS_OF_MANY
    shown = [moments[place] for place in evenly(len(moments), _PANELS_MOST)]
    found = [
        surface_of(experiment, variant, select_seeds(moment.weights, places), points=points)
        for moment in shown
    ]
    rows, columns = grid_of(max(1, len(shown)), _COLUMNS_MOST)
    size = {"width": max(7.0, _SIDE * columns + 2.2), "height": _SIDE * rows + 0.5}
    with drawing(caption, theme, **size) as picture:
        grid = picture.body.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        panels = [*grid.flat]
        for axes in panels:
            axes.set_visible(False)
        scale = scale_of_predictions(experiment, variant)
        images = [
            _panel(axes, experiment, seen, moment.epoch, scale)
            for axes, seen, moment in zip(panels, found, shown, strict=False)
        ]
        if images:
            _bar(picture, panels, images[0], scale, single=len(places) == 1)
        else:
            _frame(panels[0], experiment)
        _names(grid, experiment, max(1, len(shown)))
        _legend(picture, experiment, found)
    return picture


def _panel(
    axes: Axes, experiment: Experiment, seen: Surface, epoch: int, scale: tuple[float, float]
) -> AxesImage:
    box = (seen.first[0], seen.first[-1], seen.second[0], seen.second[-1])
    image = axes.imshow(
        np.ma.masked_invalid(seen.predictions),
        extent=box,
        origin="lower",
        aspect="auto",
        cmap=RATES,
        vmin=scale[0],
        vmax=scale[1],
        interpolation="bilinear",
    )
    _bends(axes, seen)
    middle = middle_target(experiment)
    finite = seen.predictions[np.isfinite(seen.predictions)]
    if len(finite) and finite.min() < middle < finite.max():
        border = axes.contour(
            seen.first, seen.second, seen.predictions, [middle], colors="#ffffff", zorder=3
        )
        border.set(linewidth=_BORDER, path_effects=_outlined(_BORDER))
    _frame(axes, experiment)
    axes.set_title(f"epoch {epoch}")
    axes.set_xlim(*box[:2])
    axes.set_ylim(*box[2:])
    return image


def _frame(axes: Axes, experiment: Experiment) -> None:
    """Samples and axes, which are there even where nothing was trained."""
    axes.set_visible(True)
    _samples(axes, experiment)
    axes.set_box_aspect(1.0)
    axes.margins(0.25)
    for which in "xy":
        with_plain_numbers(axes, which)
    axes.locator_params(nbins=5)


def _outlined(width: float) -> list[AbstractPathEffect]:
    """A line that is seen on dark and on light: white, with a dark rim."""
    return [withStroke(linewidth=width + 1.6, foreground="#000000")]


def _bends(axes: Axes, seen: Surface) -> None:
    """Where hidden units bend: of a few each line by itself, of many faintly."""
    lines = [*seen.lines[evenly(len(seen.lines), BENDS_MOST)]]
    few = len(lines) <= _FEW
    if few:
        axes.add_collection(LineCollection(lines, colors="#000000", linewidths=1.8), autolim=False)
    drawn = LineCollection(
        lines,
        colors="#ffffff",
        linewidths=_BEND if few else 0.6,
        linestyles=_bend_style(seen.bends),
        alpha=1.0 if few else 0.4,
        gid="bends",
    )
    axes.add_collection(drawn, autolim=False)


def _bend_style(bends: bool) -> Any:
    return (0, (4, 3)) if bends else (0, (1, 2))


def _classes(experiment: Experiment) -> list[float]:
    """The targets that have a shape of their own."""
    found = sorted(set(experiment.task.targets[:, 0].tolist()))
    if len(found) <= len(_SHAPES):
        return found
    return [found[0], found[-1]]


def _samples(axes: Axes, experiment: Experiment) -> None:
    inputs, targets = experiment.scaled_task.inputs, experiment.task.targets[:, 0]
    classes = np.array(_classes(experiment))
    nearest = np.abs(targets[:, None] - classes).argmin(axis=1)
    for place in range(len(classes)):
        those = inputs[nearest == place]
        axes.plot(
            *those.T,
            linestyle="none",
            clip_on=False,
            zorder=4,
            rasterized=len(inputs) > _SAMPLES_MOST,
            **_look(place, len(classes), len(inputs)),
        )


def _look(place: int, classes: int, samples: int) -> dict[str, Any]:
    """Small targets are dark, large ones light."""
    share = place / max(1, classes - 1)
    grey = f"{share:.2f}"
    return {
        "marker": _SHAPES[place],
        "markersize": 9.0 if samples <= 30 else 5.0,
        "markerfacecolor": grey,
        "markeredgecolor": "#ffffff" if share < 0.5 else "#000000",
        "markeredgewidth": 1.4 if samples <= 30 else 0.8,
    }


def _names(grid: Any, experiment: Experiment, panels: int) -> None:
    """What the axes are, below the lowest panel of each column and beside the first of each row."""
    names = experiment.task.columns[:2] or ("input 1", "input 2")
    scaled = "" if experiment.scale == NO_SCALE else ", scaled"
    first, second = (f"{fitted(name, _NAME_WIDTH, 10.0)}{scaled}" for name in names)
    columns = grid.shape[1]
    for place, axes in enumerate(grid.flat):
        lowest = place + columns >= panels
        axes.tick_params(labelbottom=lowest)
        axes.set_xlabel(first if lowest else "")
        axes.set_ylabel("" if place % columns else second)


def _bar(
    picture: Picture,
    panels: Sequence[Axes],
    image: AxesImage,
    scale: tuple[float, float],
    *,
    single: bool,
) -> None:
    what = "prediction" if single else "mean prediction"
    usual = scale == (0.0, 1.0)
    bar = picture.body.colorbar(
        image,
        ax=panels,
        extend="neither" if usual else "both",
        shrink=0.8,
        aspect=0.8 * picture.get_figheight() / _BAR,
    )
    bar.set_label(what)
    with_plain_numbers(bar.ax, "y")


def _legend(picture: Picture, experiment: Experiment, found: Sequence[Surface]) -> None:
    classes = _classes(experiment)
    samples = len(experiment.task.targets)
    exact = len(classes) == len(set(experiment.task.targets[:, 0].tolist()))
    marks: list[Artist] = [
        Line2D([], [], linestyle="none", **_look(place, len(classes), samples))
        for place in range(len(classes))
    ]
    labels = [f"target {short(value)}{'' if exact else ' or nearer'}" for value in classes]
    if found:
        look: dict[str, Any] = {"linewidth": _BORDER, "path_effects": _outlined(_BORDER)}
        marks.append(Line2D([], [], color="#ffffff", **look))
        labels.append(f"prediction {short(middle_target(experiment))}")
        bends = found[0].bends
        look = {"linewidth": _BEND, "path_effects": _outlined(_BEND)}
        marks.append(Line2D([], [], color="#ffffff", linestyle=_bend_style(bends), **look))
        labels.append("kink of a unit" if bends else "unit at 0")
    legend_beside(picture.body, marks, labels)
