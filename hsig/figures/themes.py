"""What pictures look like: the colours of the light and the dark theme, and how matplotlib is set.

Colours are those of Okabe and Ito, which people with any colour vision tell apart; on white paper
the lightest of them have given way to darker ones. None of them stands alone: a line has its dashes
and marker, an area its hatching.

Source:
    Okabe & Ito 2008, Color Universal Design; WCAG 2.2, contrast of text and relative luminance.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import matplotlib
from matplotlib.colors import Colormap, LinearSegmentedColormap, to_rgb

from hsig.analysis.drawn import NOT_YET
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
    NOT_YET: "",
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
                NOT_YET: "#e6e6e6",
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
                NOT_YET: "#30363d",
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
