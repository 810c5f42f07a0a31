"""Axes and legends that all pictures have: epochs, shares, plain numbers."""

from collections.abc import Sequence
from math import ceil

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.legend import Legend
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from hsig.figures.texts import INCH, fitted
from hsig.reports.numbers import short

_LEGEND_TEXT = 9.0  # points
_BESIDE, _ABOVE = 130.0, 230.0  # points, of a label in a legend


def over_epochs(axes: Axes, last: float) -> None:
    """The x axis is of epochs, from 0 to the last."""
    axes.set_xlim(0.0, max(1.0, last))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    axes.xaxis.set_major_formatter(_plain())
    axes.set_xlabel("epochs")


def in_percent(axes: Axes, what: str) -> None:
    """The y axis is of a share, from 0 to 1."""
    axes.set_ylim(0.0, 1.0)
    axes.set_yticks([0.0, 0.25, 0.5, 0.75, 1.0], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    axes.set_ylabel(what)


def with_plain_numbers(axes: Axes, which: str) -> None:
    """An axis, `x` or `y`, has numbers as hsig prints them, on a logarithmic scale as well."""
    axis = getattr(axes, f"{which}axis")
    if getattr(axes, f"get_{which}scale")() == "log":
        low, high = getattr(axes, f"get_{which}lim")()
        decades = high / low
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if decades < 300.0 else (1.0,)))
        axis.set_minor_formatter(NullFormatter())
    axis.set_major_formatter(_plain())


def _plain() -> FuncFormatter:
    return FuncFormatter(lambda value, _: short(round(value, 12)))


def legend_beside(body: SubFigure, marks: Sequence[Artist], labels: Sequence[str]) -> Legend:
    """A legend on the right of everything."""
    made = body.legend(marks, ["."] * len(marks), loc="outside right upper")
    _name(made, labels, _BESIDE)
    return made


def legend_above(axes: Axes, marks: Sequence[Artist], labels: Sequence[str]) -> Legend:
    """A legend in a line above some axes."""
    made = axes.legend(
        marks,
        ["."] * len(marks),
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=len(marks),
        borderaxespad=0.2,
        columnspacing=1.5,
    )
    _name(made, labels, _ABOVE)
    return made


def _name(legend: Legend, labels: Sequence[str], width: float) -> None:
    """Matplotlib leaves out what has a label that begins with an underscore: they come later."""
    for text, label in zip(legend.get_texts(), labels, strict=True):
        text.set_text(fitted(label, width, _LEGEND_TEXT))


def width_in_points(axes: Axes) -> float:
    """How wide axes are in a figure that was laid out."""
    figure = axes.figure.get_figure(root=True)
    return float(axes.get_window_extent().width * INCH / figure.dpi)


def grid_of(number: int, most_columns: int) -> tuple[int, int]:
    """Rows and columns for so many panels.

    >>> grid_of(5, 4), grid_of(3, 4)
    ((2, 3), (1, 3))
    """
    rows = ceil(number / most_columns)
    return rows, ceil(number / rows)
