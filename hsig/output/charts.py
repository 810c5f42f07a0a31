"""Curves made of characters."""

from collections.abc import Sequence
from dataclasses import dataclass, field

_LARGEST = 1e300  # what is larger, infinite or undefined leaves a gap
_BRAILLE_BLANK = 0x2800
_BRAILLE_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # rows of two columns


@dataclass
class Canvas:
    """A grid of dots, several to a character: 2 by 4 in Braille, 1 by 1 in ASCII.

    Attributes:
        width: In characters.
        height: In characters.
        ascii_only: Whether to do without Braille.
    """

    width: int
    height: int
    ascii_only: bool = False
    _lit: set[tuple[int, int]] = field(default_factory=set)

    @property
    def dots(self) -> tuple[int, int]:
        """Columns and rows of dots."""
        return (self.width, self.height) if self.ascii_only else (2 * self.width, 4 * self.height)

    def light(self, column: int, row: int) -> None:
        """Light one dot; column 0 is the left, row 0 the top."""
        self._lit.add((column, row))

    def lines(self) -> list[str]:
        """The picture, a text per line of characters."""
        return [
            "".join(self._character(column, row) for column in range(self.width)).rstrip()
            for row in range(self.height)
        ]

    def _character(self, column: int, row: int) -> str:
        if self.ascii_only:
            return "*" if (column, row) in self._lit else " "
        pattern = sum(
            bit
            for y, bits in enumerate(_BRAILLE_DOTS)
            for x, bit in enumerate(bits)
            if (2 * column + x, 4 * row + y) in self._lit
        )
        return chr(_BRAILLE_BLANK + pattern) if pattern else " "


def curve(
    x: Sequence[float],
    lines: Sequence[Sequence[float]],
    *,
    width: int,
    height: int,
    ascii_only: bool,
) -> list[str]:
    """Curves over a common x, from 0 to the farthest value, with both axes labelled.

    Points that are not finite leave a gap. The first line is drawn in full, the others with
    every fourth dot.

    Args:
        x: Increasing, at least two.
        lines: Values at `x`, the most important first.
        width: Of the whole picture, in characters.
        height: Of the curve, in characters; a line for the x axis comes below.
        ascii_only: Whether to do without Braille.

    Returns:
        `height + 1` lines of text, or none when there is nothing to draw or no room.
    """
    drawable = [value for line in lines for value in line if abs(value) <= _LARGEST]
    if not drawable or len(x) < 2:
        return []
    low, high = min(0.0, *drawable), max(0.0, *drawable)
    if high == low:
        high = 1.0
    labels = [f"{high:.3g}", f"{low:.3g}"]
    margin = max(map(len, labels)) + 1
    canvas = Canvas(width - margin, height, ascii_only)
    if canvas.width < len(f"{x[0]:g}{x[-1]:g}") + 1:
        return []
    for order, line in enumerate(lines):
        _draw(canvas, x, line, (low, high), every=4 if order else 1)
    rows = canvas.lines()
    left = [labels[0], *[""] * (height - 2), labels[1]]
    start, stop = f"{x[0]:g}", f"{x[-1]:g}"
    axis = start + stop.rjust(canvas.width - len(start))
    return [
        *(f"{label:>{margin - 1}} {row}".rstrip() for label, row in zip(left, rows, strict=True)),
        " " * margin + axis,
    ]


def _draw(
    canvas: Canvas, x: Sequence[float], y: Sequence[float], bounds: tuple[float, float], every: int
) -> None:
    """One line, straight between neighbouring points that are both finite."""
    columns, rows = canvas.dots
    low, high = bounds
    segment = 0
    previous: int | None = None
    for column in range(columns):
        at = x[0] + (x[-1] - x[0]) * column / (columns - 1)
        while segment < len(x) - 2 and at > x[segment + 1]:
            segment += 1
        share = (at - x[segment]) / (x[segment + 1] - x[segment])
        # a share of 0 or 1 must not meet the neighbour, which may be infinite
        ends = ((1.0 - share, y[segment]), (share, y[segment + 1]))
        value = sum(weight * end for weight, end in ends if weight > 0.0)
        if not abs(value) <= _LARGEST:
            previous = None
            continue
        row = round((high - value) / (high - low) * (rows - 1))
        if column % every == 0:
            reach = (
                range(row, row + 1) if previous is None or every > 1 else _between(previous, row)
            )
            for dot in reach:
                canvas.light(column, dot)
        previous = row


def _between(previous: int, row: int) -> range:
    """The dots that join `row` to the column before, without its own."""
    if row > previous:
        return range(previous + 1, row + 1)
    return range(row, max(previous, row + 1))
