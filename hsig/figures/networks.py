"""An activation and what happens on it, and what networks predict over a plane."""

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

from hsig.activations import Activation
from hsig.analysis.plot_data import (
    MAX_BENDS,
    PredictionSurface,
    count_outside,
    finite_pre_activations,
    middle_target,
    prediction_range,
    select_seed,
    spread_evenly,
    visible_range,
)
from hsig.analysis.plot_data import predict_surface as surface_of
from hsig.arrays import Array
from hsig.experiments.experiment import Experiment, Variant
from hsig.experiments.snapshots import Snapshot
from hsig.figures.picture import (
    INCH,
    RATES,
    Picture,
    Theme,
    drawing,
    fitted,
    grid_of,
    legend_above,
    legend_beside,
    width_of,
    with_plain_numbers,
    wrapped,
)
from hsig.formulas.function import LinearPiece
from hsig.networks.network import select_seeds
from hsig.networks.tasks import NO_SCALE
from hsig.reports.captions import Caption, told_where
from hsig.reports.page import percent, short

# --- activations ---------------------------------------------------------------------------------

# An activation, and below it what it was given: where the hidden pre-activations lie.

_WIDTH, _TOP, _ROW = 8.0, 2.9, 0.95  # inches
_PLOT = 7.0  # inches, of the axes
_ROWS_MOST = 12
_BINS = 90
_RUGS_MOST = 60  # pre-activations that are marked one by one
_POINTS = 1201
_TAIL = 0.01  # of the values, at either end, beyond which not all need be seen
_TEXT = 8.5
_HEADROOM = 0.12  # of the height, for the names of the pieces


def activation(
    activation: Activation,
    moments: Sequence[Snapshot],
    *,
    caption: Caption,
    theme: str = "light",
) -> Figure:
    """The curve and the slope that training uses, over histograms of what it was given.

    Linear pieces are shaded and have their slope written on them, kinks and jumps are marked. Below
    there is a row for each epoch, with the pre-activations of every hidden unit for every sample
    of all seeds, each row as high as its highest bar; no bar reaches over a kink.

    Args:
        activation: Of the hidden layer.
        moments: Of the variant, in rising order; none if nothing was trained.
        caption: Its words.
        theme: `light` or `dark`.
    """
    shown = [moments[place] for place in spread_evenly(len(moments), _ROWS_MOST)]
    low, high = visible_range(activation, shown)
    height = _TOP + _ROW * len(shown)
    with drawing(caption, theme, width=_WIDTH, height=height) as picture:
        ratios = [_TOP, *(_ROW for _ in shown)]
        top, *rows = picture.body.subplots(
            len(ratios), sharex=True, squeeze=False, gridspec_kw={"height_ratios": ratios}
        )[:, 0]
        for axes in (top, *rows):
            _shade(axes, activation, low, high, picture.theme)
        _curves(top, activation, low, high, picture.theme)
        for axes, moment in zip(rows, shown, strict=True):
            _histogram(axes, activation, moment, (low, high), picture.theme)
        last = rows[-1] if rows else top
        for axes in (top, *rows[:-1]) if rows else ():
            axes.tick_params(bottom=False)
        top.set_xlim(low, high)
        last.set_xlabel("x, the pre-activation of a hidden unit")
        with_plain_numbers(last, "x")
    return picture


def _pieces(activation: Activation, low: float, high: float) -> list[LinearPiece]:
    return [p for p in activation.linear_pieces if p.start < high and p.stop > low]


def _shade(axes: Axes, activation: Activation, low: float, high: float, theme: Theme) -> None:
    """Linear pieces, in turn in two tints, and lines at kinks and jumps."""
    for place, piece in enumerate(_pieces(activation, low, high)):
        ends = max(low, piece.start), min(high, piece.stop)
        axes.axvspan(*ends, color=theme.tints[place % 2], linewidth=0, zorder=0)
    for found in activation.function.breaks:
        axes.axvline(found.x, color=theme.muted, linewidth=0.8, linestyle=":", zorder=1)


def _curves(axes: Axes, activation: Activation, low: float, high: float, theme: Theme) -> None:
    x = _points(activation, low, high)
    with np.errstate(all="ignore"):
        y = activation.value(x)
        slope = _slope(activation, x, y)
    breaks = activation.function.breaks
    at_breaks = np.isin(x, [found.x for found in breaks])
    y[np.isin(x, [found.x for found in breaks if found.jump])] = np.nan
    axes.plot(x, y, color=theme.lines[0], linewidth=2.6, zorder=3)
    axes.plot(
        x,
        np.where(at_breaks, np.nan, slope),
        color=theme.lines[1],
        linewidth=1.8,
        linestyle=(0, (4, 1.5)),
        zorder=3.5,
    )
    _marks(axes, activation, theme)
    bottom, top = _reach(np.concatenate([y, slope]))
    axes.set_ylim(bottom, top + _HEADROOM * (top - bottom))
    _name_pieces(axes, activation, low, high, theme)
    axes.axhline(0.0, color=theme.faint, linewidth=0.8, zorder=0.5)
    with_plain_numbers(axes, "y")
    axes.set_ylabel("value, slope")
    marks = [
        Line2D([], [], color=theme.lines[0], linewidth=2.6),
        Line2D([], [], color=theme.lines[1], linewidth=1.8, linestyle=(0, (4, 1.5))),
    ]
    labels = ["value", _slope_name(activation)]
    words = dict.fromkeys("jump" if found.jump else "kink" for found in activation.function.breaks)
    if words:
        marks.append(Line2D([], [], marker="o", linestyle="none", **_dot(theme)))
        labels.append(" or ".join(words))
    legend_above(axes, marks, labels)


def _reach(values: Array) -> tuple[float, float]:
    """The y that is shown: all but a pole."""
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = np.quantile(values, [_TAIL, 1.0 - _TAIL]).tolist()
    beyond = high - low or 1.0
    low, high = max(low - beyond, float(values.min())), min(high + beyond, float(values.max()))
    margin = 0.05 * (high - low) or 0.5
    return low - margin, high + margin


def _slope_name(activation: Activation) -> str:
    return {
        None: "slope (none is trained with)",
        "own": "slope",
        "logistic": "slope that it trains with: logistic",
        "output": "slope that it trains with: y(1 - y)",
        "straight_through": "slope that it trains with: at 0",
    }.get(activation.backward, "slope that it trains with")


def _slope(activation: Activation, x: Array, y: Array) -> Array:
    if activation.backward is None:
        return activation.derivative(x)
    return activation.training_slope(x, y)


def _points(activation: Activation, low: float, high: float) -> Array:
    """Where the curves are evaluated: evenly, and at both sides of every kink and jump."""
    kinks = [found.x for found in activation.function.breaks if low < found.x < high]
    sides = [np.nextafter(x, side) for x in kinks for side in (-np.inf, np.inf)]
    return np.sort(np.concatenate([np.linspace(low, high, _POINTS), kinks, sides]))


def _dot(theme: Theme) -> dict[str, Any]:
    return {
        "color": theme.ink,
        "markerfacecolor": theme.paper,
        "markeredgewidth": 1.6,
        "markersize": 6.5,
    }


def _marks(axes: Axes, activation: Activation, theme: Theme) -> None:
    """A dot at each kink; at a jump one where the curve ends, and one where it goes on."""
    for found in activation.function.breaks:
        sides = np.nextafter(found.x, [-np.inf, np.inf]) if found.jump else np.array([found.x])
        y = activation.value(sides)
        axes.plot(sides, y, marker="o", linestyle="none", zorder=4, **_dot(theme))


def _name_pieces(axes: Axes, activation: Activation, low: float, high: float, theme: Theme) -> None:
    """The slope of each linear piece, where there is room for it."""
    for piece in _pieces(activation, low, high):
        ends = max(low, piece.start), min(high, piece.stop)
        room = _PLOT * INCH * (ends[1] - ends[0]) / (high - low)
        text = f"slope {short(piece.slope)}"
        if width_of(text, _TEXT) < room:
            axes.text(
                sum(ends) / 2,
                0.98,
                text,
                transform=axes.get_xaxis_transform(),
                ha="center",
                va="top",
                fontsize=_TEXT,
                color=theme.ink,
            )


def _histogram(
    axes: Axes,
    activation: Activation,
    moment: Snapshot,
    ends: tuple[float, float],
    theme: Theme,
) -> None:
    seen = finite_pre_activations(moment)
    inside = seen[(seen >= ends[0]) & (seen <= ends[1])]
    edges = _edges(activation, *ends)
    counts, _ = np.histogram(inside, edges)
    density = counts / np.diff(edges) / max(1, len(seen))
    axes.stairs(density, edges, fill=True, color=theme.lines[0], alpha=0.85, linewidth=0, zorder=2)
    if len(inside) <= _RUGS_MOST:
        axes.plot(
            inside,
            np.zeros(len(inside)),
            marker="|",
            linestyle="none",
            markersize=9,
            color=theme.ink,
            markeredgewidth=0.9,
            zorder=3,
            clip_on=False,
        )
    axes.set_ylim(0.0, 1.05 * density.max() if len(inside) else 1.0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    far = count_outside(moment, *ends)
    beyond = f"; {percent(far / len(seen))} outside the picture" if far else ""
    told = f"epoch {moment.epoch}: {told_where(activation, moment)}{beyond}"
    axes.set_title(wrapped(told, _PLOT * INCH, _TEXT, lines=2), fontsize=_TEXT, color=theme.ink)


def _edges(activation: Activation, low: float, high: float) -> Array:
    """Of the bars: about as wide everywhere, and none reaches over a kink."""
    kinks = [found.x for found in activation.function.breaks if low < found.x < high]
    parts = []
    for start, stop in zip([low, *kinks], [*kinks, high], strict=True):
        bars = max(1, round(_BINS * (stop - start) / (high - low)))
        parts.append(np.linspace(start, stop, bars + 1)[:-1])
    return np.concatenate([*parts, [high]])


# --- planes --------------------------------------------------------------------------------------

# What networks with two inputs predict over the plane of their inputs, epoch by epoch.

_PANELS_MOST, _COLUMNS_MOST = 12, 4
_SIDE, _BAR = 2.5, 0.12  # inches of a panel, and of the bar with the colours
_NAME_WIDTH = 130.0  # points
_GRID_POINTS, _POINTS_OF_MANY, _MANY = 101, 61, 100  # of the grid; of the mean of many seeds
_SHAPES = ("o", "s", "^", "D", "v")  # by target, the smallest first
_BORDER, _BEND, _FEW = 2.2, 1.0, 20  # widths of lines, and how many are a few
_SAMPLES_MOST = 500  # that are drawn as vectors


def surface(
    experiment: Experiment,
    variant: Variant,
    moments: Sequence[Snapshot],
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
    places = select_seed(experiment, seed)
    points = _GRID_POINTS if len(places) <= _MANY else _POINTS_OF_MANY
    shown = [moments[place] for place in spread_evenly(len(moments), _PANELS_MOST)]
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
        scale = prediction_range(experiment, variant)
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
    axes: Axes,
    experiment: Experiment,
    seen: PredictionSurface,
    epoch: int,
    scale: tuple[float, float],
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


def _bends(axes: Axes, seen: PredictionSurface) -> None:
    """Where hidden units bend: of a few each line by itself, of many faintly."""
    lines = [*seen.lines[spread_evenly(len(seen.lines), MAX_BENDS)]]
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


def _legend(picture: Picture, experiment: Experiment, found: Sequence[PredictionSurface]) -> None:
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
