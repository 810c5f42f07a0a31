"""A picture: a matplotlib figure with its words and colours, and the file that holds it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from math import ceil
from textwrap import wrap
from types import MappingProxyType
from typing import Any
from warnings import catch_warnings, filterwarnings

from matplotlib import style
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Colormap, LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure, SubFigure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from hsig import __version__
from hsig.analysis.plot_data import UNDECIDED
from hsig.escaping import escape_control
from hsig.experiments.verdicts import (
    AFFINE,
    CYCLING,
    DEAD,
    DIVERGED,
    FROZEN,
    PLATEAU,
    REACHED,
    SATURATED,
    SLOW,
    SOLVED,
    STOPPED,
    SYMMETRIC,
    UNREACHABLE,
    UNSTABLE,
)
from hsig.reports.captions import Caption, label_text
from hsig.reports.page import short

# --- themes --------------------------------------------------------------------------------------

# Colours are those of Okabe and Ito, which people with any colour vision tell apart; on white
# paper the lightest of them have given way to darker ones. None stands alone: a line has its
# dashes and marker, an area its hatching.
#
# Source:
#     Okabe & Ito 2008, Color Universal Design; WCAG 2.2, relative luminance.

_LINES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (6, 1.5, 1, 1.5)), (0, (1.5, 1)))
DASHES = _LINES * 2
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")
HATCHES = {
    SOLVED: "",
    UNDECIDED: "",
    SLOW: "..",
    PLATEAU: "--",
    AFFINE: "//",
    UNSTABLE: "xx",
    SATURATED: "oo",
    FROZEN: "++",
    CYCLING: "oO",
    SYMMETRIC: "|-",
    DEAD: "||",
    DIVERGED: "\\\\",
    UNREACHABLE: "**",
    STOPPED: "OO",
    REACHED: "...",
}


@dataclass(frozen=True)
class Theme:
    """The colours of a picture."""

    paper: str  # the background
    ink: str  # text, and what matters most
    muted: str  # text that matters less
    faint: str  # grids and frames
    tints: tuple[str, str]  # backgrounds of stripes, in turn
    lines: Sequence[str]  # variants, in their order
    states: Mapping[str, str]  # areas of a timeline, by their word


def _colormap(name: str, colours: str) -> Colormap:
    return LinearSegmentedColormap.from_list(name, colours.split(), N=256)


RATES = _colormap("rates", "#0b1f4b #2f5597 #7d8aa5 #c2b280 #fde725")  # ever lighter
DIFFERENCES = _colormap("differences", "#8a3a00 #e69f50 #f7f7f7 #56a0d0 #00406a")
_LIGHT_LINES = "#0072b2 #d55e00 #009e73 #000000 #882255 #332288 #b2182b #cc79a7"
_DARK_LINES = "#56b4e9 #e69f00 #009e73 #ffffff #f0e442 #0072b2 #d55e00 #cc79a7"
_STATES = {AFFINE: "#e69f00", SATURATED: "#7a3065", DEAD: "#bdbdbd"}
THEMES: Mapping[str, Theme] = MappingProxyType(
    {
        "light": Theme(
            paper="#ffffff",
            ink="#1a1a1a",
            muted="#595959",
            faint="#dddddd",
            tints=("#edf3f9", "#f6ebd7"),
            lines=_LIGHT_LINES.split(),
            states={SOLVED: "#0072b2", UNDECIDED: "#e6e6e6", DIVERGED: "#3a3a3a", **_STATES},
        ),
        "dark": Theme(
            paper="#14171b",
            ink="#f2f2f2",
            muted="#b8bcc2",
            faint="#3a4047",
            tints=("#1c2530", "#332b1e"),
            lines=_DARK_LINES.split(),
            states={SOLVED: "#56b4e9", UNDECIDED: "#30363d", DIVERGED: "#5a5a5a", **_STATES},
        ),
    }
)
_SETTINGS: Mapping[str, Any] = {
    "axes.axisbelow": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.unicode_minus": False,  # numbers are those that hsig prints
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.w_pad": 0.08,
    "figure.dpi": 160.0,
    "hatch.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "pdf.fonttype": 42,
    "savefig.dpi": 160.0,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "hsig",
    "text.parse_math": False,  # a label may have a dollar sign
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
}


@contextmanager
def settings(theme: Theme) -> Iterator[None]:
    """Set matplotlib as pictures need it, whatever the user's own settings are."""
    ink = ("axes.labelcolor", "axes.titlecolor", "legend.labelcolor", "text.color")
    ticks = {f"{axis}tick.color": theme.muted for axis in "xy"}
    colours: dict[str, Any] = {
        **dict.fromkeys((*ink, "xtick.labelcolor", "ytick.labelcolor"), theme.ink),
        **dict.fromkeys(("axes.facecolor", "figure.facecolor", "savefig.facecolor"), theme.paper),
        **ticks,
        "axes.edgecolor": theme.muted,
        "grid.color": theme.faint,
    }
    with style.context(["default", {**_SETTINGS, **colours}]), catch_warnings():
        filterwarnings("ignore", "Glyph .* missing from")  # it is drawn as a box
        yield


def text_colour(background: Any) -> str:
    """Black or white, whichever has more contrast with a background."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(background)
    ]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if (luminance + 0.05) ** 2 > 0.05 * 1.05 else "#ffffff"


# --- picture -------------------------------------------------------------------------------------

FORMATS = ("png", "svg", "pdf")

_TITLE_SIZE, _NOTE_SIZE = 13.0, 8.0  # points
_TITLE_CHARACTERS, _NOTE_CHARACTERS = 8.4, 16.5  # an inch holds so many of them
_LINE_HEIGHT = 1.35  # of the size of the letters
_EDGE = 0.12  # inches at the left


class Picture(Figure):
    """A figure with its words and colours; an ordinary matplotlib figure in all else."""

    caption: Caption
    theme: Theme
    body: SubFigure  # all of it but title and footnote

    def _repr_png_(self) -> bytes:
        """The picture for a notebook."""
        return save(self, "png")


@contextmanager
def drawing(
    caption: Caption, theme: str, *, width: float = 8.0, height: float = 4.5
) -> Iterator[Picture]:
    """Start a picture with its title and footnote; it is laid out when the block ends.

    Width and height are in inches, the height of all but the words.

    Raises:
        ValueError: If there is no such theme.
    """
    if theme not in THEMES:
        raise ValueError(f"expected a theme, {' or '.join(THEMES)}, got {theme!r}")
    colours = THEMES[theme]
    title = _lines(escape_control(caption.title), _TITLE_CHARACTERS * width)
    note = [line for text in caption.footnote for line in _lines(text, _NOTE_CHARACTERS * width)]
    words = _LINE_HEIGHT * (_TITLE_SIZE * len(title) + _NOTE_SIZE * (len(note) + 1)) / 72.0
    with settings(colours):
        picture = Picture(figsize=(width, height + words), layout="constrained")
        picture.caption, picture.theme = caption, colours
        left: dict[str, Any] = {"x": _EDGE / width, "ha": "left", "linespacing": _LINE_HEIGHT}
        picture.suptitle("\n".join(title), fontsize=_TITLE_SIZE, fontweight="bold", **left)
        picture.supxlabel("\n".join(note), fontsize=_NOTE_SIZE, color=colours.muted, **left)
        picture.body = picture.add_subfigure(picture.add_gridspec()[0])
        yield picture
        picture.draw_without_rendering()


def _lines(text: str, characters: float) -> list[str]:
    return wrap(text, int(characters), max_lines=3, break_on_hyphens=False, placeholder=" …")


def save(figure: Figure, format: str) -> bytes:
    """The bytes of a file of any figure, which says which hsig made it and what it shows.

    Raises:
        ValueError: If there is no such format.
    """
    if format not in FORMATS:
        raise ValueError(f"expected a format, {', '.join(FORMATS)}, got {format!r}")
    caption = getattr(figure, "caption", Caption(""))
    title, alt, creator = escape_control(caption.title), caption.alt, f"hsig {__version__}"
    metadata: dict[str, dict[str, Any]] = {
        "png": {"Software": creator, "Title": title, "Description": alt},
        "svg": {"Creator": creator, "Date": None, "Title": title, "Description": alt},
        "pdf": {"Creator": creator, "CreationDate": None, "Title": title, "Subject": alt},
    }
    file = BytesIO()
    with settings(getattr(figure, "theme", THEMES["light"])):
        figure.savefig(file, format=format, metadata=metadata[format])
    return file.getvalue()


# --- axes and legends ----------------------------------------------------------------------------

SHARES = {0.0: "0 %", 0.25: "25 %", 0.5: "50 %", 0.75: "75 %", 1.0: "100 %"}


def grid_shape(panels: int, max_columns: int) -> tuple[int, int]:
    """Rows and columns for so many panels.

    >>> grid_shape(5, 4), grid_shape(3, 4)
    ((2, 3), (1, 3))
    """
    rows = ceil(panels / max_columns)
    return rows, ceil(panels / rows)


def add_panels(
    picture: Picture, number: int, shape: tuple[int, int], labels: tuple[str, str]
) -> list[Axes]:
    """Put panels in a grid; they share both axes, whose labels are at the left and below."""
    columns = shape[1]
    grid = picture.body.subplots(*shape, sharex=True, sharey=True, squeeze=False).ravel()
    for place, axes in enumerate(grid):
        axes.set_visible(place < number)
        lowest = place + columns >= number
        axes.tick_params(labelbottom=lowest)
        axes.set_xlabel(labels[0] if lowest else "")
        axes.set_ylabel("" if place % columns else labels[1])
    return [*grid[:number]]


def tick_percent(share: float) -> str:
    """A share at a tick, which may lie beyond 0 and 1.

    >>> tick_percent(0.125), tick_percent(1.05)
    ('12.5 %', '105 %')
    """
    return f"{100.0 * share:.3g} %"


def set_epochs(axes: Axes, last: float, *, ticks: int = 8) -> None:
    """Make the x axis one of epochs, from 0 to the last."""
    axes.set_xlim(0.0, max(1.0, last))
    axes.xaxis.set_major_locator(MaxNLocator(nbins=ticks, integer=True))
    format_numbers(axes, "x")


def set_shares(axes: Axes) -> None:
    """Make the y axis one of shares, from 0 to 1."""
    axes.set_ylim(0.0, 1.0)
    axes.set_yticks([*SHARES], [*SHARES.values()])


def format_numbers(axes: Axes, which: str, text: Callable[[float], str] = short) -> None:
    """Write the numbers of the `x` or `y` axis as hsig prints them, on a logarithmic one too."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    if axis.get_scale() == "log":
        low, high = axis.get_view_interval()
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 300.0 * low else (1.0,)))
        axis.set_minor_formatter(NullFormatter())
    axis.set_major_formatter(FuncFormatter(lambda value, _: text(round(value, 12))))


def add_colour_bar(
    picture: Picture, panels: Sequence[Axes], image: AxesImage, label: str, extend: str = "neither"
) -> Colorbar:
    """Put what the colours mean beside the panels."""
    aspect = 0.85 * picture.get_figheight() / 0.14
    bar = picture.body.colorbar(image, ax=panels, extend=extend, shrink=0.85, aspect=aspect)
    bar.set_label(label)
    return bar


def add_legend(picture: Picture, looks: Mapping[str, Mapping[str, Any]]) -> None:
    """Put a legend on the right of everything, if there is anything to explain.

    By their names, the looks of areas, which have a hatching, and of lines and markers.
    """
    marks: list[Artist] = [
        Patch(**look) if "hatch" in look else Line2D([], [], **look) for look in looks.values()
    ]
    if marks:
        legend = picture.body.legend(marks, ["."] * len(marks), loc="outside right upper")
        for text, label in zip(legend.get_texts(), looks, strict=True):
            text.set_text(label_text(label))  # matplotlib leaves out what begins with _
