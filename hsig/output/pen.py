"""How a terminal shows what is drawn on it: in its colours and its characters."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

from rich.console import Console
from rich.text import Text

from hsig.reports.page import LEVELS

Colour = tuple[int, int, int]

UNKNOWN = "?"  # what stands where there is no number, or a character that would move others
# from blue by way of white to brown, which all eyes tell apart; each is one of a terminal's 256
_COLOURS: tuple[Colour, ...] = (
    *((0, 95, 175), (95, 135, 215), (135, 175, 215), (175, 215, 255), (255, 255, 255)),
    *((255, 215, 175), (215, 175, 135), (215, 135, 95), (175, 95, 0)),
)
_BRIGHT = 128.0  # from here on, black is seen better than white
_SHADES = " ░▒▓█"
_ASCII_SHADES = " .:-=+*#%@"
_ASCII: dict[int, int | str] = {
    **str.maketrans(f"{LEVELS}─┼│", "_.:-=+*#-+|"),
    **{ord("←"): "left/", ord("→"): "right", ord("↑"): "up/", ord("↓"): "down"},
}


@dataclass(frozen=True)
class Pen:
    """What a terminal can show.

    Attributes:
        coloured: Whether it has enough colours for shades.
        smooth: Whether it has all of them, so that no shade is as the next.
        ascii_only: Whether it has no other characters.
    """

    coloured: bool = False
    smooth: bool = False
    ascii_only: bool = False

    @classmethod
    def of(cls, console: Console) -> "Pen":
        """That of a console."""
        colours = None if console.no_color else console.color_system
        return cls(
            coloured=colours in ("256", "truecolor"),
            smooth=colours == "truecolor",
            ascii_only=console.options.ascii_only,
        )

    def text(self, words: str, style: str = "") -> Text:
        """Words in characters that it has, none of which moves others."""
        shown = "".join(one if one.isprintable() else UNKNOWN for one in words)
        if self.ascii_only:
            shown = shown.translate(_ASCII).encode("ascii", "replace").decode()
        return Text(shown, style=style)

    def shade(self, share: float) -> Text:
        """A character for a share in [0, 1]; for nan that it is unknown."""
        if isnan(share):
            return Text(UNKNOWN)
        if self.coloured:
            return Text(" ", style=f"on {_hex(self._colour(share))}")
        shades = _ASCII_SHADES if self.ascii_only else _SHADES
        return Text(shades[min(len(shades) - 1, int(share * len(shades)))])

    @property
    def shades_in_one(self) -> int:
        """How many shades a character has, one above the other."""
        return 2 if self.coloured else 1

    def shades(self, shares: Sequence[float]) -> Text:
        """A character for as many shares as it has shades, from top to bottom."""
        upper, lower = shares[0], shares[-1]
        if not self.coloured or isnan(upper + lower):
            return self.shade((upper + lower) / 2.0)
        return Text("▀", style=f"{_hex(self._colour(upper))} on {_hex(self._colour(lower))}")

    def marked(self, mark: str, shares: Sequence[float]) -> Text:
        """A mark on the shades of a place."""
        share = sum(shares) / len(shares)
        if not self.coloured or isnan(share):
            return Text(mark, style="bold")
        back = self._colour(share)
        front = "black" if sum(back) / len(back) > _BRIGHT else "white"
        return Text(mark, style=f"bold {front} on {_hex(back)}")

    def _colour(self, share: float) -> Colour:
        place = share * (len(_COLOURS) - 1)
        if not self.smooth:
            return _COLOURS[round(place)]
        first = min(len(_COLOURS) - 2, int(place))
        pairs = zip(_COLOURS[first], _COLOURS[first + 1], strict=True)
        red, green, blue = (round(one + (other - one) * (place - first)) for one, other in pairs)
        return red, green, blue


def _hex(colour: Colour) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)
