"""What a network predicts and where its hidden units are, in lines of characters."""

from collections.abc import Sequence
from itertools import accumulate
from math import isnan

from rich.text import Text

from hsig.output.pen import Pen
from hsig.output.screen import Canvas
from hsig.reports.numbers import brief, short
from hsig.reports.page import LEVELS
from hsig.reports.scenes import Axis, Mark, Piece, Sample
from hsig.reports.watching import Picture

RIGHT, WRONG = "o", "x"
_RAMP = 5  # shades of a legend
_BAR_LEAST = 8  # columns
_MARKED_MOST = 0.25  # of a plane, which is half as high in lines as it is wide
_KINK = "│"


def legend(picture: Picture, width: int, pen: Pen) -> Text:
    """What shades and marks mean; the shades alone where there is no room for both."""
    marks = f"{RIGHT} right  {WRONG} wrong"
    if picture.plane is None:
        return Text(f"predictions  {marks}")
    ramp = [pen.shade(step / (_RAMP - 1)) for step in range(_RAMP)]
    shades = Text.assemble(f"{short(picture.lowest)} ", *ramp, f" {short(picture.highest)}")
    both = Text.assemble(shades, f"  {marks}")
    return both if both.cell_len <= width and _are_marked(picture, width) else shades


def predicted(picture: Picture, width: int, height: int, pen: Pen) -> list[Text]:
    """What the network predicts, in at most so many lines."""
    if picture.plane is not None:
        shares = picture.plane(width, pen.shades_in_one * height)
        marks = shares.marks if _are_marked(picture, width) else ()
        return _plane(shares.shades, _places(marks, width, height), pen)
    if picture.profile is not None:
        return _profile(picture, width, height, pen)
    return _rows(picture, width, height, pen)


def tone(sample: Sample) -> str:
    """The style of a prediction that is right, or wrong."""
    return "green" if sample.right else "yellow"


def mark(sample: Sample | Mark) -> str:
    """What stands for a sample that is right, or wrong."""
    return RIGHT if sample.right else WRONG


def more(samples: int) -> str:
    """That so many are not shown."""
    return f"({samples} more)"


def _are_marked(picture: Picture, width: int) -> bool:
    """Whether the marks of the samples leave something to be seen of a plane so wide."""
    return len(picture.samples) <= _MARKED_MOST * width * width / 2.0


def _plane(
    shades: Sequence[Sequence[float]], marks: dict[tuple[int, int], str], pen: Pen
) -> list[Text]:
    lines = []
    for top in range(0, len(shades), pen.shades_in_one):
        rows = shades[top : top + pen.shades_in_one]
        line = Text()
        for column, shares in enumerate(zip(*rows, strict=True)):
            found = marks.get((column, top // pen.shades_in_one))
            line.append_text(pen.marked(found, shares) if found else pen.shades(shares))
        lines.append(line)
    return lines


def _places(marks: Sequence[Mark], width: int, height: int) -> dict[tuple[int, int], str]:
    """What stands at which column and row; where there are several, that one is wrong."""
    found: dict[tuple[int, int], str] = {}
    for one in sorted(marks, key=lambda one: one.right):
        if not isnan(one.across + one.up):
            place = round(one.across * (width - 1)), round((1.0 - one.up) * (height - 1))
            found.setdefault(place, mark(one))
    return found


def _profile(picture: Picture, width: int, height: int, pen: Pen) -> list[Text]:
    """A curve over the input, and the samples at their targets."""
    assert picture.profile is not None, "there is one"
    canvas = Canvas(width, height, pen.ascii_only)
    columns, rows = canvas.dots
    drawn = picture.profile(columns)
    before: int | None = None
    for column, up in enumerate(drawn.heights):
        row = None if isnan(up) else round((1.0 - up) * (rows - 1))
        if row is not None:
            last = row if before is None else before
            for dot in range(min(row, last), max(row, last) + 1):
                canvas.light(column, dot)
        before = row
    lines = [list(line.ljust(width)) for line in canvas.lines()]
    for (column, line), character in _places(drawn.marks, width, height).items():
        lines[line][column] = character
    return [Text("".join(line)) for line in lines]


def _rows(picture: Picture, width: int, height: int, pen: Pen) -> list[Text]:
    """A line for each sample; of too many the first, and how many more there are."""
    samples = picture.samples
    shown = samples if len(samples) <= height else samples[: height - 1]
    cells = [
        (" ".join(map(short, one.inputs)), short(one.target), brief(one.prediction), one)
        for one in shown
    ]
    inputs, target, number = (max(len(cell[place]) for cell in cells) for place in range(3))
    inputs = min(inputs, width // 3)
    lines = []
    for first, second, third, sample in cells:
        line = f"{first[:inputs]:<{inputs}}  {second:>{target}}  {third:>{number}} {mark(sample)}"
        bar = _bar(picture, sample, width - len(line) - 2, pen)
        lines.append(Text.assemble((line, tone(sample)), "  ", bar))
    left_out = len(samples) - len(shown)
    return [*lines, Text(more(left_out))] if left_out else lines


def _bar(picture: Picture, sample: Sample, width: int, pen: Pen) -> Text:
    """From the lowest target to the highest: the target, and on it or beside it the prediction."""
    if width < _BAR_LEAST:
        return Text()
    bar = ["─"] * width
    for value, character in ((sample.target, _KINK), (sample.prediction, mark(sample))):
        share = picture.share(value)
        if not isnan(share):
            bar[round(share * (width - 1))] = character
    return pen.text("".join(bar))


# --- the hidden units -------------------------------------------------------------------------


def hidden_units(axis: Axis, width: int, pen: Pen) -> list[Text]:
    """Where their pre-activations lie: how many on each piece, how many in each column."""
    kinks = {axis.column(kink, width): short(kink) for kink in axis.kinks}
    labels = kinks or {axis.column(0.0, width): "0"}
    line = "".join("┼" if column in labels else "─" for column in range(width))
    return [
        pen.text(_as_many_as_fit(axis.told, width), "bold"),
        *([_on_pieces(axis, kinks, width, pen)] if axis.pieces else []),
        pen.text(_histogram(axis, kinks, width)),
        pen.text(line, "dim"),
        Text(_labels({**labels, 0: short(-axis.reach)}, short(axis.reach), width), style="dim"),
    ]


def _as_many_as_fit(phrases: Sequence[str], width: int) -> str:
    """The first of some phrases, at least one."""
    lengths = accumulate(len(phrase) + len(", ") for phrase in phrases)
    fitting = sum(length - len(", ") <= width for length in lengths)
    return ", ".join(phrases[: max(1, fitting)])


def _on_pieces(axis: Axis, kinks: dict[int, str], width: int, pen: Pen) -> Text:
    """How many lie on each piece, in its place; one after the other if a place is too narrow."""
    row = [_KINK if column in kinks else " " for column in range(width)]
    for piece in axis.pieces:
        start = axis.column(piece.start, width) + 1 if piece.start > -axis.reach else 0
        stop = axis.column(piece.stop, width) if piece.stop < axis.reach else width
        words = next((said for said in _said(piece) if len(said) <= stop - start), None)
        if words is None:
            return pen.text(", ".join(_said(piece)[0] for piece in axis.pieces if piece.pairs))
        first = start + (stop - start - len(words)) // 2
        row[first : first + len(words)] = words
    return pen.text("".join(row))


def _said(piece: Piece) -> tuple[str, str]:
    """How many lie on it, from the longest text to the shortest."""
    return f"{piece.pairs} on slope {short(piece.slope)}", f"{piece.pairs}"


def _histogram(axis: Axis, kinks: dict[int, str], width: int) -> str:
    """A bar for each column; `<` and `>` where some are beyond."""
    counts = axis.counts(width)
    most = max(counts)
    row = [
        LEVELS[-(-count * len(LEVELS) // most) - 1] if count else _KINK if column in kinks else " "
        for column, count in enumerate(counts)
    ]
    left, right = axis.beyond
    row[0] = "<" if left else row[0]
    row[-1] = ">" if right else row[-1]
    return "".join(row)


def _labels(at: dict[int, str], last: str, width: int) -> str:
    """Texts below their columns, and one at the end; of those that would touch, the first."""
    row = " " * (width - len(last)) + last
    taken = -1
    for column, words in sorted(at.items()):
        first = max(0, column - len(words) // 2)
        if taken < first and first + len(words) < width - len(last):
            row = row[:first] + words + row[first + len(words) :]
            taken = first + len(words)
    return row
