"""An activation, and below it what it was given: where the hidden pre-activations lie."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from hsig.analysis.drawn import evenly, extent, finite_of, outside
from hsig.experiments.moments import Moment
from hsig.figures.picture import drawing
from hsig.figures.scales import legend_above, with_plain_numbers
from hsig.figures.texts import INCH, width_of, wrapped
from hsig.figures.themes import Theme
from hsig.networks.activations import Activation, LinearPiece
from hsig.networks.arrays import Array
from hsig.reports.numbers import percent, short
from hsig.reports.pictures.caption import Caption
from hsig.reports.pictures.of_networks import told_where

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
    moments: Sequence[Moment],
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
    shown = [moments[place] for place in evenly(len(moments), _ROWS_MOST)]
    low, high = extent(activation, shown)
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
    moment: Moment,
    ends: tuple[float, float],
    theme: Theme,
) -> None:
    seen = finite_of(moment)
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
    far = outside(moment, *ends)
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
