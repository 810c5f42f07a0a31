"""An activation with the pre-activations it was given, and what networks predict over a plane."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap, to_rgb
from matplotlib.image import AxesImage
from matplotlib.patheffects import AbstractPathEffect, withStroke

from hsig.activations import Activation
from hsig.analysis.plot_data import (
    MAX_BENDS,
    MAX_PANELS,
    MAX_POINTS,
    PredictionSurface,
    border_heights,
    finite_pre_activations,
    plane_values,
    predict_surface,
    prediction_range,
    select_rows,
    spread_evenly,
    target_range,
    visible_range,
)
from hsig.analysis.summary import VariantSummary
from hsig.arrays import Array
from hsig.experiments.experiment import Checkpoint, Experiment
from hsig.figures.picture import (
    MARKERS,
    RATES,
    Picture,
    Theme,
    add_colour_bar,
    add_legend,
    add_panels,
    drawing,
    format_numbers,
    grid_shape,
    text_colour,
)
from hsig.networks.tasks import NO_SCALE
from hsig.reports.captions import (
    activation_caption,
    describe_pieces,
    label_text,
    surface_caption,
)
from hsig.reports.page import percent, short, shortened

# --- activations ---------------------------------------------------------------------------------

_CURVE_HEIGHT, _ROW_HEIGHT = 2.9, 0.95  # inches
_BINS = 90
_MAX_TICKS = 60  # pre-activations that are marked one by one
_POINTS = 1201
_BOTH_SIDES = (-np.inf, np.inf)
_TAIL = 0.01  # of the values of a curve, at either end, beyond which not all need be seen
_MAX_TITLE = 110  # characters over a histogram
_PIECE_SHARE = 0.09  # of the width, that the name of a piece needs
_SLOPES = {  # by `Activation.backward`
    None: "slope (none is trained with)",
    "own": "slope",
    "logistic": "slope that it trains with: logistic",
    "output": "slope that it trains with: y(1 - y)",
    "straight_through": "slope that it trains with: at 0",
}


def activation(
    experiment: Experiment,
    variant: VariantSummary,
    snapshots: Sequence[Checkpoint],
    setting: Sequence[str] = (),
    theme: str = "light",
) -> Picture:
    """The curve and the slope that training uses, over histograms of the pre-activations.

    Linear pieces are shaded, kinks and jumps are marked. Below there is a row for each epoch, with
    the pre-activations of every hidden unit of all layers, or of every output alone, for every
    sample of all seeds, each row as high as its highest bar; no bar reaches over a kink.

    The experiment is of this variant alone, with the seeds of the snapshots; `variant` has all.
    """
    activation = experiment.network_of(experiment.variants[0]).activations[0]
    caption = activation_caption(experiment, variant, snapshots, setting)
    shown = [snapshots[place] for place in spread_evenly(len(snapshots), MAX_PANELS)]
    ends = visible_range(activation, shown)
    ratios = [_CURVE_HEIGHT, *[_ROW_HEIGHT] * len(shown)]
    with drawing(caption, theme, height=sum(ratios)) as picture:
        panels = picture.body.subplots(
            len(ratios), sharex=True, squeeze=False, gridspec_kw={"height_ratios": ratios}
        )[:, 0]
        for axes in panels:
            _shade_pieces(axes, activation, ends, picture.theme)
            axes.tick_params(bottom=axes is panels[-1])
        _draw_curves(panels[0], activation, ends, picture.theme)
        for axes, snapshot in zip(panels[1:], shown, strict=True):
            _draw_histogram(axes, activation, snapshot, ends, picture.theme)
        panels[0].set_xlim(ends)
        unit = "a hidden unit" if experiment.hidden else "an output unit"
        panels[-1].set_xlabel(f"x, the pre-activation of {unit}")
        format_numbers(panels[-1], "x")
    return picture


def _shade_pieces(
    axes: Axes, activation: Activation, ends: tuple[float, float], theme: Theme
) -> None:
    """Linear pieces in two tints, in turn, and lines at kinks and jumps."""
    pieces = [p for p in activation.linear_pieces if p.start < ends[1] and p.stop > ends[0]]
    for place, piece in enumerate(pieces):
        left, right = max(ends[0], piece.start), min(ends[1], piece.stop)
        axes.axvspan(left, right, color=theme.tints[place % 2], linewidth=0, zorder=0)
    for point in activation.function.breaks:
        axes.axvline(point.x, color=theme.muted, linewidth=0.8, linestyle=":", zorder=1)


def _draw_curves(
    axes: Axes, activation: Activation, ends: tuple[float, float], theme: Theme
) -> None:
    breaks = activation.function.breaks
    sides = [x for point in breaks for x in np.nextafter(point.x, _BOTH_SIDES)]
    x = np.sort(np.concatenate([np.linspace(*ends, _POINTS), [b.x for b in breaks], sides]))
    x = x[(x >= ends[0]) & (x <= ends[1])]
    with np.errstate(all="ignore"):
        y = activation.value(x)
        trains = activation.backward is not None
        slope = activation.training_slope(x, y) if trains else activation.derivative(x)
    slope = np.where(np.isin(x, [point.x for point in breaks]), np.nan, slope)
    y = np.where(np.isin(x, [point.x for point in breaks if point.jump]), np.nan, y)
    dashed: dict[str, Any] = {"linewidth": 1.8, "linestyle": (0, (4, 1.5)), "zorder": 3.5}
    axes.plot(x, y, color=theme.lines[0], linewidth=2.6, zorder=3, label="value")
    axes.plot(
        x,
        slope,
        color=theme.lines[1],
        label=_SLOPES.get(activation.backward, "slope that it trains with"),
        **dashed,
    )
    dot: dict[str, Any] = {"color": theme.ink, "marker": "o", "markerfacecolor": theme.paper}
    dot |= {"linestyle": "none", "markeredgewidth": 1.6, "markersize": 6.5, "zorder": 4}
    for word, points in (
        ("kink", [point.x for point in breaks if not point.jump]),
        # where the curve ends, and where it goes on
        ("jump", [x for point in breaks if point.jump for x in np.nextafter(point.x, _BOTH_SIDES)]),
    ):
        if points:
            axes.plot(points, activation.value(np.array(points)), label=word, **dot)
    axes.set_ylim(_limits(np.concatenate([y, slope])))
    axes.axhline(0.0, color=theme.faint, linewidth=0.8, zorder=0.5)
    format_numbers(axes, "y")
    axes.set_ylabel("value, slope")
    axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=4, borderaxespad=0.2)
    for piece in activation.linear_pieces:
        left, right = max(ends[0], piece.start), min(ends[1], piece.stop)
        if right - left > _PIECE_SHARE * (ends[1] - ends[0]):
            axes.text(
                (left + right) / 2,
                0.98,
                f"slope {short(piece.slope)}",
                transform=axes.get_xaxis_transform(),
                ha="center",
                va="top",
                fontsize=8.5,
            )


def _limits(values: Array) -> tuple[float, float]:
    """The y that is shown: all but a pole, with room for the names of the pieces."""
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = np.quantile(values, [_TAIL, 1.0 - _TAIL]).tolist()
    beyond = high - low or 1.0
    low, high = max(low - beyond, float(values.min())), min(high + beyond, float(values.max()))
    margin = 0.05 * (high - low) or 0.5
    return low - margin, high + 3.0 * margin


def _draw_histogram(
    axes: Axes,
    activation: Activation,
    snapshot: Checkpoint,
    ends: tuple[float, float],
    theme: Theme,
) -> None:
    values = finite_pre_activations(snapshot)
    inside = values[(values >= ends[0]) & (values <= ends[1])]
    edges = _bin_edges(activation, *ends)
    density = np.histogram(inside, edges)[0] / np.diff(edges) / max(1, len(values))
    axes.stairs(density, edges, fill=True, color=theme.lines[0], alpha=0.85, linewidth=0, zorder=2)
    if 0 < len(inside) <= _MAX_TICKS:
        look: dict[str, Any] = {"color": theme.ink, "markersize": 9, "markeredgewidth": 0.9}
        axes.plot(inside, np.zeros(len(inside)), "|", zorder=3, clip_on=False, **look)
    axes.set_ylim(0.0, 1.05 * density.max() if len(inside) else 1.0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    far = len(values) - len(inside)
    beyond = f"; {percent(far / len(values))} outside the picture" if far else ""
    title = f"epoch {snapshot.epoch}: {describe_pieces(activation, snapshot)}{beyond}"
    axes.set_title(shortened(title, _MAX_TITLE), fontsize=8.5)


def _bin_edges(activation: Activation, low: float, high: float) -> Array:
    """Of bars about as wide everywhere, none of which reaches over a kink."""
    kinks = [point.x for point in activation.function.breaks if low < point.x < high]
    parts = []
    for start, stop in zip([low, *kinks], [*kinks, high], strict=True):
        bars = max(1, round(_BINS * (stop - start) / (high - low)))
        parts.append(np.linspace(start, stop, bars + 1)[:-1])
    return np.concatenate([*parts, [high]])


# --- planes --------------------------------------------------------------------------------------

_MAX_COLUMNS = 4
_SIDE = 2.5  # inches of a panel
_GRID_POINTS, _GRID_POINTS_MANY, _MANY_SEEDS = 101, 61, 100
_MAX_SHAPES = 5  # of targets that are numbers
_MANY_SAMPLES = 30
_MAX_SINGLE_LINES = 20  # more are drawn faintly
_BORDER_WIDTH, _LINE_WIDTH = 2.2, 1.0
_AREA = 0.55  # of the colour of a class, in its area; the rest is white


def surface(
    experiment: Experiment,
    snapshots: Sequence[Checkpoint],
    setting: Sequence[str] = (),
    theme: str = "light",
) -> Picture:
    """What is predicted over the plane of the inputs, as the networks see them, at each epoch.

    It is the first output in the target's own unit, or of more than two classes the largest one.
    The experiment is of one variant, with the seeds of the snapshots.

    Raises:
        ValueError: If the task has another number of inputs.
    """
    (variant,), seeds = experiment.variants, len(experiment.seeds)
    points = _GRID_POINTS if seeds <= _MANY_SEEDS else _GRID_POINTS_MANY
    shown = [snapshots[place] for place in spread_evenly(len(snapshots), MAX_PANELS)]
    surfaces = [predict_surface(experiment, variant, s.weights, points=points) for s in shown]
    ends, number = prediction_range(experiment, variant), max(1, len(shown))
    classes = experiment.task.classes
    rows, columns = grid_shape(number, _MAX_COLUMNS)
    size = {"width": max(7.0, _SIDE * columns + 2.2), "height": _SIDE * rows + 0.5}
    with drawing(surface_caption(experiment, snapshots, setting), theme, **size) as picture:
        look: dict[str, Any] = {"cmap": RATES, "interpolation": "bilinear"}
        border = f"prediction {short(sum(target_range(experiment)) / 2.0)}"
        if len(classes) > 2:
            colours = np.array(_class_colours(picture.theme, len(classes)))
            areas = ListedColormap(1.0 - _AREA * (1.0 - colours))
            look, border = {"cmap": areas, "interpolation": "nearest"}, "largest output changes"
        names = experiment.task.columns[:2] or ("input 1", "input 2")
        scaled = "" if experiment.scale == NO_SCALE else ", scaled"
        first, second = (f"{label_text(name, 20)}{scaled}" for name in names)
        panels = add_panels(picture, number, (rows, columns), (first, second))
        for axes, snapshot, predicted in zip(panels, shown, surfaces, strict=False):
            image = _draw_surface(axes, experiment, predicted, ends, look)
            axes.set_title(f"epoch {snapshot.epoch}")
        for axes in panels:
            marks = _draw_samples(axes, experiment, picture.theme, MAX_POINTS // number)
        if shown and len(classes) <= 2:
            label = "prediction" if seeds == 1 else "mean prediction"
            extend = "neither" if ends == (0.0, 1.0) else "both"
            bar = add_colour_bar(picture, panels, image, label, extend)
            format_numbers(bar.ax, "y")
        if surfaces:
            bends = surfaces[0].bends
            marks[border] = {"linewidth": _BORDER_WIDTH, "path_effects": _outline(_BORDER_WIDTH)}
            marks["kink of a unit" if bends else "unit at 0"] = {
                "linewidth": _LINE_WIDTH,
                "linestyle": _line_style(bends),
                "path_effects": _outline(_LINE_WIDTH),
            }
        white: dict[str, Any] = {"color": "#ffffff"}
        add_legend(picture, {name: white | look for name, look in marks.items()})
    return picture


def _class_colours(theme: Theme, number: int) -> list[tuple[float, float, float]]:
    """A colour for each of so many classes, the first of them those of variants."""
    more = colormaps["turbo"](np.linspace(0.0, 1.0, max(0, number - len(theme.lines))))
    return [*map(to_rgb, [*theme.lines, *more][:number])]


def _draw_surface(
    axes: Axes,
    experiment: Experiment,
    surface: PredictionSurface,
    ends: tuple[float, float],
    look: dict[str, Any],
) -> AxesImage:
    box = (surface.first[0], surface.first[-1], surface.second[0], surface.second[-1])
    look = look | {"vmin": ends[0], "vmax": ends[1], "origin": "lower", "aspect": "auto"}
    image = axes.imshow(np.ma.masked_invalid(surface.values), extent=box, **look)
    lines = surface.lines[spread_evenly(len(surface.lines), MAX_BENDS)]
    if len(lines) <= _MAX_SINGLE_LINES:
        look = {"linewidths": _LINE_WIDTH, "path_effects": _outline(_LINE_WIDTH)}
    else:
        look = {"linewidths": 0.6, "alpha": 0.4}
    collection = LineCollection(
        list(lines), colors="#ffffff", linestyles=_line_style(surface.bends), **look
    )
    axes.add_collection(collection, autolim=False)
    for height in border_heights(experiment, surface.predictions):
        finite = height[np.isfinite(height)]
        if len(finite) and finite.min() < 0.0 < finite.max():
            grid = surface.first, surface.second, height
            border = axes.contour(*grid, [0.0], colors="#ffffff", zorder=3)
            border.set(linewidth=_BORDER_WIDTH, path_effects=_outline(_BORDER_WIDTH))
    axes.set_xlim(box[:2])
    axes.set_ylim(box[2:])
    return image


def _outline(width: float, colour: str = "#000000") -> list[AbstractPathEffect]:
    """A rim, so that a white line is seen on dark and on light."""
    return [withStroke(linewidth=width + 1.6, foreground=colour)]


def _line_style(bends: bool) -> Any:
    return (0, (4, 3)) if bends else (0, (1, 2))


def _draw_samples(
    axes: Axes, experiment: Experiment, theme: Theme, most: int
) -> dict[str, dict[str, Any]]:
    """Draw at most so many rows, those held out as rings; returns the looks by name.

    Each has the shape of its target; of many numbers that of the smallest or the largest.
    """
    task, classes = experiment.scaled_task, experiment.task.classes
    shaped = np.unique(plane_values(experiment, experiment.task.targets))
    names = [f"target {short(value)}" for value in shaped]
    if classes:
        shaped, names = np.arange(float(len(classes))), [*classes]
    elif len(shaped) > _MAX_SHAPES:
        shaped, names = shaped[[0, -1]], [f"{names[end]} or nearer" for end in (0, -1)]
    samples = len(task.every_row.targets)
    size = 9.0 if samples <= _MANY_SAMPLES else max(2.5, min(5.0, 5.0 * (100.0 / samples) ** 0.3))
    faces: list[Any] = [(grey,) * 3 for grey in np.linspace(0.0, 1.0, len(names))]
    if len(classes) > 2:  # else small targets are dark, large ones light
        faces = _class_colours(theme, len(classes))
    looks = [_sample_look(place, face, size) for place, face in enumerate(faces)]
    ring: dict[str, Any] = {"markerfacecolor": "none", "markeredgewidth": 0.3 * size}
    every = [(task.rows, {})] if task.held_out is None else [(task.rows, {}), (task.held_out, ring)]
    for rows, changes in every:
        some = select_rows(rows, most // len(every))
        values = plane_values(experiment, task.restore(some.targets))
        nearest = np.abs(values[:, None] - shaped).argmin(axis=1)
        for place, look in enumerate(looks):
            if changes:
                face, edge = look["markerfacecolor"], look["markeredgecolor"]
                rim = _outline(ring["markeredgewidth"], edge)
                look = look | ring | {"markeredgecolor": face, "path_effects": rim}
            axes.plot(*some.inputs[nearest == place].T, clip_on=False, zorder=4, **look)
    axes.set_box_aspect(1.0)
    axes.margins(0.25)
    axes.locator_params(nbins=5)
    for which in "xy":
        format_numbers(axes, which)
    held_out = {"marker": "o", "linestyle": "none", "markeredgecolor": theme.ink} | ring
    return dict(zip(names, looks, strict=True)) | (
        {"held-out row": held_out} if len(every) > 1 else {}
    )


def _sample_look(place: int, face: Any, size: float) -> dict[str, Any]:
    return {
        "marker": MARKERS[place % len(MARKERS)],
        "linestyle": "none",
        "markersize": size,
        "markerfacecolor": face,
        "markeredgecolor": text_colour(face),
        "markeredgewidth": 0.15 * size,
    }
