"""A picture: a matplotlib figure with its words, and the bytes of a file that holds it."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from math import ceil
from pathlib import Path
from types import MappingProxyType
from typing import Any
from unicodedata import bidirectional
from xml.etree import ElementTree

import matplotlib
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, LinearSegmentedColormap, to_rgb
from matplotlib.figure import Figure, SubFigure
from matplotlib.font_manager import FontProperties
from matplotlib.ft2font import FT2Font
from matplotlib.legend import Legend
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from matplotlib.transforms import Bbox

from hsig import __version__
from hsig.analysis.plot_data import UNDECIDED
from hsig.escaping import escape_control
from hsig.experiments.verdicts import (
    AFFINE,
    DEAD,
    DIVERGED,
    FROZEN,
    PLATEAU,
    SATURATED,
    SLOW,
    SOLVED,
    STOPPED,
    UNREACHABLE,
    UNSTABLE,
)
from hsig.reports.captions import Caption
from hsig.reports.page import short

# --- texts ---------------------------------------------------------------------------------------

# Texts that fit: measured, wrapped, shortened, in characters that the font has.

INCH = 72.0  # points
_HINTED = 1.03  # by so much letters may be wider where they are drawn with few pixels
_NARROWER = (0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55)  # of a width, one after the other
_CHARACTERS_MOST = 500  # of a text that is measured
_TO_LEFT = ("R", "AL", "AN")  # letters and digits that are written from right to left


@lru_cache(maxsize=1)
def _characters() -> frozenset[int]:
    """Those that the font has, in both its weights."""
    fonts = Path(matplotlib.get_data_path()) / "fonts/ttf"
    plain, bold = (
        frozenset(FT2Font(str(fonts / f"{name}.ttf")).get_charmap())
        for name in ("DejaVuSans", "DejaVuSans-Bold")
    )
    return plain & bold


def drawable(text: str, *, alone: bool = True) -> str:
    """A text all of whose characters can be drawn: the others as Python writes them.

    Args:
        text: Any.
        alone: Whether nothing stands beside it. If something does, letters that are written from
            right to left are not drawn as such, for the numbers beside them would change places.
    """
    return "".join(
        c if _is_drawn(c, alone) else c.encode("unicode_escape").decode("ascii")
        for c in escape_control(text)
    )


def _is_drawn(character: str, alone: bool) -> bool:
    if character.isascii():
        return True
    return ord(character) in _characters() and (alone or bidirectional(character) not in _TO_LEFT)


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """How wide a text may be in one line, in points, at a size in points."""
    font = FontProperties(family=["DejaVu Sans"], size=size, weight="bold" if bold else "normal")
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return _HINTED * float(width)


def fitted(text: str, width: float, size: float, *, bold: bool = False) -> str:
    """A text in one line of at most some points: without its middle if it is longer."""
    seen = text
    if len(text) > 2 * _CHARACTERS_MOST:
        seen = f"{text[:_CHARACTERS_MOST]}…{text[-_CHARACTERS_MOST:]}"
    shown = drawable(seen)
    if width_of(shown, size, bold=bold) <= width:
        return shown
    least, most = 1, len(shown)
    while most - least > 1:  # the most characters that fit
        middle = (least + most) // 2
        if width_of(_without_middle(shown, middle), size, bold=bold) <= width:
            least = middle
        else:
            most = middle
    return _without_middle(shown, least)


def _without_middle(text: str, kept: int) -> str:
    front = (kept + 1) // 2
    return f"{text[:front]}…{text[len(text) - (kept - front) :]}"


def balanced(text: str, width: float, size: float, *, lines: int, bold: bool = False) -> str:
    """The same as `wrapped`, with lines about as long as each other."""
    best = wrapped(text, width, size, lines=lines, bold=bold)
    for share in _NARROWER:
        narrower = wrapped(text, share * width, size, lines=lines, bold=bold)
        if narrower.count("\n") != best.count("\n") or len(narrower) != len(best):
            break
        best = narrower
    return best


def wrapped(text: str, width: float, size: float, *, lines: int, bold: bool = False) -> str:
    """A text in lines of at most some points, the last shortened if there are not enough."""
    done, line = list[str](), ""
    words = drawable(text, alone=False).split(" ")
    for number, word in enumerate(words):
        longer = f"{line} {word}" if line else word
        if not line or width_of(longer, size, bold=bold) <= width:
            line = longer
        elif len(done) == lines - 1:
            line = " ".join([line, *words[number:]])
            break
        else:
            done, line = [*done, line], word
    return "\n".join(fitted(each, width, size, bold=bold) for each in (*done, line))


# --- scales --------------------------------------------------------------------------------------

# Axes and legends that all pictures have: epochs, shares, plain numbers.

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


# --- themes --------------------------------------------------------------------------------------

# What pictures look like: the colours of the light and the dark theme, and how matplotlib is set.
#
# Colours are those of Okabe and Ito, which people with any colour vision tell apart; on white
# paper the lightest of them have given way to darker ones. None of them stands alone: a line has
# its dashes and marker, an area its hatching.
#
# Source:
#     Okabe & Ito 2008, Color Universal Design; WCAG 2.2, contrast of text and relative luminance.

DASHES: tuple[Any, ...] = (
    "-",
    (0, (5, 1.5)),
    (0, (6, 1.5, 1, 1.5)),
    (0, (1.5, 1)),
    "-",
    (0, (5, 1.5)),
    (0, (6, 1.5, 1, 1.5)),
    (0, (1.5, 1)),
)
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
    DEAD: "||",
    DIVERGED: "\\\\",
    UNREACHABLE: "**",
    STOPPED: "OO",
}


@dataclass(frozen=True)
class Theme:
    """The colours of a picture.

    Attributes:
        paper: What it is drawn on.
        ink: Of text and of what matters most.
        muted: Of text that matters less.
        faint: Of grids and frames.
        tints: Of areas behind something, in turn.
        lines: Of variants, in their order.
        states: Of what seeds are, by the word; neighbours differ in how light they are.
        differences: Around no difference, from fewer to more.
    """

    paper: str
    ink: str
    muted: str
    faint: str
    tints: tuple[str, str]
    lines: tuple[str, ...]
    states: Mapping[str, str]
    differences: Colormap


def _between(name: str, *colours: str) -> Colormap:
    return LinearSegmentedColormap.from_list(name, colours, N=256)


# from none to all, ever lighter
RATES = _between("rates", "#0b1f4b", "#2f5597", "#7d8aa5", "#c2b280", "#fde725")

THEMES: Mapping[str, Theme] = MappingProxyType(
    {
        "light": Theme(
            paper="#ffffff",
            ink="#1a1a1a",
            muted="#595959",
            faint="#dddddd",
            tints=("#edf3f9", "#f6ebd7"),
            lines=(
                "#0072b2",
                "#d55e00",
                "#009e73",
                "#000000",
                "#882255",
                "#332288",
                "#b2182b",
                "#cc79a7",
            ),
            states={
                SOLVED: "#0072b2",
                UNDECIDED: "#e6e6e6",
                AFFINE: "#e69f00",
                SATURATED: "#7a3065",
                DEAD: "#bdbdbd",
                DIVERGED: "#3a3a3a",
            },
            differences=_between(
                "differences", "#8a3a00", "#e69f50", "#f7f7f7", "#56a0d0", "#00406a"
            ),
        ),
        "dark": Theme(
            paper="#14171b",
            ink="#f2f2f2",
            muted="#b8bcc2",
            faint="#3a4047",
            tints=("#1c2530", "#332b1e"),
            lines=(
                "#56b4e9",
                "#e69f00",
                "#009e73",
                "#ffffff",
                "#f0e442",
                "#0072b2",
                "#d55e00",
                "#cc79a7",
            ),
            states={
                SOLVED: "#56b4e9",
                UNDECIDED: "#30363d",
                AFFINE: "#e69f00",
                SATURATED: "#7a3065",
                DEAD: "#bdbdbd",
                DIVERGED: "#5a5a5a",
            },
            differences=_between(
                "differences", "#ffb366", "#a85a10", "#22272e", "#2f7fb5", "#9ad4ff"
            ),
        ),
    }
)

# what else a user's settings may have changed
_RESET = (
    *("agg", "axes", "contour", "errorbar", "figure", "font", "grid", "hatch", "hist", "image"),
    *("legend", "lines", "markers", "mathtext", "patch", "path", "pcolor", "pcolormesh", "pdf"),
    *("savefig", "scatter", "svg", "text", "xaxis", "xtick", "yaxis", "ytick"),
)
_SETTINGS: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "axes.unicode_minus": False,  # numbers are those that hsig prints
    "figure.constrained_layout.h_pad": 0.08,
    "figure.constrained_layout.w_pad": 0.08,
    "figure.dpi": 160.0,
    "font.family": ["DejaVu Sans"],  # comes with matplotlib, and is here on every machine
    "font.size": 10.0,
    "hatch.linewidth": 0.8,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "mathtext.default": "regular",
    "path.simplify": True,
    "pdf.fonttype": 42,
    "pdf.use14corefonts": False,
    "savefig.dpi": 160.0,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "hsig",
    "text.hinting": "none",  # letters are as wide in every format
    "text.parse_math": False,
    "text.usetex": False,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
}


@contextmanager
def settings(theme: Theme) -> Iterator[None]:
    """Matplotlib as pictures need it, whatever a user has set; afterwards it is as it was."""
    own: dict[Any, Any] = {
        key: matplotlib.rcParamsDefault[key]
        for key in matplotlib.rcParamsDefault
        if key.partition(".")[0] in _RESET
    }
    coloured: dict[Any, Any] = {
        "axes.edgecolor": theme.muted,
        "axes.facecolor": theme.paper,
        "axes.labelcolor": theme.ink,
        "axes.titlecolor": theme.ink,
        "figure.facecolor": theme.paper,
        "grid.color": theme.faint,
        "legend.labelcolor": theme.ink,
        "savefig.facecolor": theme.paper,
        "text.color": theme.ink,
        "xtick.color": theme.muted,
        "xtick.labelcolor": theme.ink,
        "ytick.color": theme.muted,
        "ytick.labelcolor": theme.ink,
    }
    with matplotlib.rc_context({**own, **_SETTINGS, **coloured}):
        yield


def luminance(colour: Any) -> float:
    """How light a colour is, from 0 to 1, as WCAG has it.

    >>> luminance("white"), luminance("black")
    (1.0, 0.0)
    """
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Any, other: Any) -> float:
    """Between two colours, from 1 to 21, as WCAG has it.

    >>> contrast("white", "black")
    21.0
    """
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def text_on(colour: Any) -> str:
    """Black or white, whichever is read better on a colour."""
    return max(("#000000", "#ffffff"), key=lambda text: contrast(text, colour))


# --- picture -------------------------------------------------------------------------------------

FORMATS = ("png", "svg", "pdf")

_EDGE = 0.12  # inches on either side
_TITLE_SIZE, _NOTE_SIZE = 13.0, 8.0
_TITLE_LINES, _NOTE_LINES = 2, 3
_LAYOUTS = 2  # until it hardly moves
_DIGITS = 9  # of a place, as a share of the figure


class Picture(Figure):
    """A figure with its words; an ordinary matplotlib figure in all else.

    Attributes:
        caption: Its words.
        theme: Its colours.
        body: All of it but title and footnote.
    """

    caption: Caption
    theme: Theme
    body: SubFigure

    def _repr_png_(self) -> bytes:
        """What a notebook shows."""
        return save(self, "png")


@contextmanager
def drawing(
    caption: Caption, theme: str, *, width: float = 8.0, height: float = 4.5
) -> Iterator[Picture]:
    """A picture with its title and footnote, while matplotlib is set as it needs it.

    Args:
        caption: Its words.
        theme: `light` or `dark`.
        width: Inches.
        height: Inches, for all but the words.

    Raises:
        ValueError: If there is no such theme.
    """
    if theme not in THEMES:
        raise ValueError(f"expected a theme, {' or '.join(THEMES)}, got {theme!r}")
    colours = THEMES[theme]
    across = (width - 2.0 * _EDGE) * INCH
    title = balanced(caption.title, across, _TITLE_SIZE, lines=_TITLE_LINES, bold=True)
    note = "\n".join(
        wrapped(line, across, _NOTE_SIZE, lines=_NOTE_LINES) for line in caption.footnote
    )
    words = 1.3 * (
        _TITLE_SIZE * len(title.splitlines()) + _NOTE_SIZE * (len(note.splitlines()) + 1)
    )
    with settings(colours):
        picture = Picture(figsize=(width, height + words / INCH), layout="constrained")
        picture.caption, picture.theme = caption, colours
        left = _EDGE / width
        picture.suptitle(title, x=left, ha="left", fontsize=_TITLE_SIZE, fontweight="bold")
        picture.supxlabel(
            note, x=left, ha="left", fontsize=_NOTE_SIZE, color=colours.muted, linespacing=1.3
        )
        picture.body = picture.add_subfigure(picture.add_gridspec()[0])
        yield picture
        for _ in range(_LAYOUTS):  # what is made when it is drawn is made as it is set here
            picture.draw_without_rendering()


# --- files ------------------------------------------------------------------------------------


def save(figure: Figure, format: str) -> bytes:
    """The file of a figure: the same bytes for the same figure and matplotlib.

    It says which hsig made it and what the figure shows: a PNG in its chunk `Description`, a PDF as
    its subject, an SVG as what a screen reader reads. An SVG has no XML declaration, and none of
    its ids is that of another figure, so that several can be put into one page.

    Args:
        figure: Of this wing, or any other.
        format: One of `FORMATS`.

    Raises:
        ValueError: If there is no such format.
    """
    if format not in FORMATS:
        raise ValueError(f"expected a format, {', '.join(FORMATS)}, got {format!r}")
    caption = getattr(figure, "caption", Caption("", "", ()))
    theme = getattr(figure, "theme", THEMES["light"])
    file = BytesIO()
    with settings(theme), _laid_out(figure):
        figure.savefig(file, format=format, metadata=_metadata(caption, format))
    data = file.getvalue()
    return _for_a_page(data, caption) if format == "svg" else data


@contextmanager
def _laid_out(figure: Figure) -> Iterator[None]:
    """The figure as it is now: each time that it is drawn anew its layout would move a little."""
    engine = figure.get_layout_engine()
    if figure.stale:  # somebody has changed it
        figure.draw_without_rendering()
    figure.set_layout_engine("none")
    _settle(figure)
    try:
        yield
    finally:
        figure.set_layout_engine(engine)
        figure.stale = False


def _settle(figure: Figure) -> None:
    """Round where things are: the last digits that the layout gives hang on addresses in memory."""
    for part in figure.subfigs:
        ends = part.bbox_relative
        ends.p0, ends.p1 = ends.p0.round(_DIGITS), ends.p1.round(_DIGITS)
    for axes in figure.axes:
        place = Bbox(axes.get_position(original=True).get_points().round(_DIGITS))
        kept = axes.get_in_layout()
        axes.set_position(place, which="original")
        axes.set_in_layout(kept)
    for text in figure.texts:
        x, y = text.get_position()
        text.set_position((round(x, _DIGITS), round(y, _DIGITS)))


def _metadata(caption: Caption, format: str) -> dict[str, Any]:
    made = f"hsig {__version__}"
    match format:
        case "png":
            found = {"Software": made, "Title": caption.title, "Description": caption.alt}
            return {key: text for key, text in found.items() if text}
        case "pdf":
            about = {"Title": caption.title, "Subject": caption.alt}
            return {"Creator": made, "CreationDate": None, **about}
    return {"Creator": made, "Date": None, "Description": caption.alt}


_SVG = "http://www.w3.org/2000/svg"
_XLINK = "http://www.w3.org/1999/xlink"
_SPACES = {
    "": _SVG,
    "xlink": _XLINK,
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "cc": "http://creativecommons.org/ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
}
_FONTS = "'DejaVu Sans', 'Bitstream Vera Sans', Verdana, Geneva, sans-serif"
_HREF = f"{{{_XLINK}}}href"
_REFERENCE = re.compile(r"url\(#([^)]*)\)")


def _for_a_page(data: bytes, caption: Caption) -> bytes:
    """An SVG that goes along with others in one page, and that can be read aloud."""
    for prefix, space in _SPACES.items():
        ElementTree.register_namespace(prefix, space)
    own = f"hsig-{hashlib.sha256(data).hexdigest()[:10]}"
    root = ElementTree.fromstring(data)
    _rename(root, own)
    for style in root.iter(f"{{{_SVG}}}style"):
        style.text = f"#{own} {(style.text or '').strip()}"  # not of the whole page
    root.set("id", own)
    root.set("role", "img")
    root.set("aria-labelledby", f"{own}-title {own}-desc")
    _say(root, "desc", caption.alt, own)
    _say(root, "title", caption.title, own)
    made: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=False)
    return made


def _rename(root: ElementTree.Element, own: str) -> None:
    """Give ids that no other figure has to what is referred to, and none to what is not."""
    used = {
        name
        for element in root.iter()
        for key, value in element.attrib.items()
        for name in (_REFERENCE.findall(value) + ([value[1:]] if key == _HREF else []))
    }
    for element in root.iter():
        if element.get("id") not in used:
            element.attrib.pop("id", None)
        for key, value in element.attrib.items():
            if key == "id":
                element.set(key, f"{own}-{value}")
            elif key == _HREF and value.startswith("#"):
                element.set(key, f"#{own}-{value[1:]}")
            elif key == "style":
                fonts = re.sub(r"font-family: [^;]*", f"font-family: {_FONTS}", value)
                element.set(key, _REFERENCE.sub(rf"url(#{own}-\1)", fonts))
            else:
                element.set(key, _REFERENCE.sub(rf"url(#{own}-\1)", value))


def _say(root: ElementTree.Element, tag: str, text: str, own: str) -> None:
    element = ElementTree.Element(f"{{{_SVG}}}{tag}", {"id": f"{own}-{tag}"})
    element.text = text
    root.insert(0, element)
