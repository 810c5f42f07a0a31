"""Texts that fit: measured, wrapped, shortened, in characters that the font has."""

from functools import lru_cache
from pathlib import Path
from unicodedata import bidirectional

import matplotlib
from matplotlib.font_manager import FontProperties
from matplotlib.ft2font import FT2Font
from matplotlib.textpath import text_to_path

from hsig.reports.visible import visible

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
        for c in visible(text)
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
