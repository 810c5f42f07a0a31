"""Watching a training: the screen, what is on it, and the keys."""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate, zip_longest
from math import isnan
from textwrap import wrap
from time import monotonic, sleep
from types import FrameType, TracebackType
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from hsig.output.screen import Canvas, curve
from hsig.output.terminal import Pen
from hsig.reports.page import LEVELS, brief, short
from hsig.reports.watching import Axis, Mark, Picture, Piece, Sample

# --- scenes --------------------------------------------------------------------------------------

# What a network predicts and where its hidden units are, in lines of characters.

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


# --- live ----------------------------------------------------------------------------------------

# Pictures of a training on the whole of a terminal, one after the other, whatever its size.

_TONES = {"": "", "good": "bold green", "bad": "bold yellow"}
_GAP = 2  # between words that belong to nothing else
_BESIDE = 3  # columns between what stands side by side
_SUBJECT_LEAST = 12  # columns
_COST_WIDTH = 11  # of the widest number
_NUMBER_LEAST = 8  # columns of a prediction, so that it seldom moves others
_SCENE_LEAST = 4  # lines
_ROOMY = 8  # lines, from which a scene leaves some to others
_PLANE_LEAST = 12  # columns
_CURVE_LEAST = 18  # columns
_MEANING_MOST = 2  # lines
_BLANKS_MOST = 3  # empty lines


class Screen:
    """The whole of a terminal, as long as it is entered; then what was there before is again."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, screen=True, auto_refresh=False)

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines, now."""
        return self._console.size

    def show(self, picture: Picture) -> None:
        """Draw a picture in place of the one before."""
        lines = screenful(picture, *self.size, Pen.of(self._console))
        self._live.update(Group(*lines), refresh=True)

    def __enter__(self) -> "Screen":
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()


def screenful(picture: Picture, width: int, height: int, pen: Pen) -> list[Text]:
    """A picture as so many lines of at most so many columns.

    What there is no room for is left out; the last line has the keys.
    """
    head = _head(picture, width, max(1, height // 3), pen)
    foot = _flowed([pen.text(key, "dim") for key in picture.keys], width)[:1]
    room = height - len(head) - len(foot)
    axis = _if_it_fits(hidden_units(picture.axis, width, pen), room - _SCENE_LEAST)
    room -= len(axis)
    numbers = _if_it_fits(_numbers(picture, width, pen), room - _ROOMY)
    room -= len(numbers)
    meaning = _if_it_fits(_meaning(picture, width, pen), room - _ROOMY)
    room -= len(meaning)
    blanks = min(_BLANKS_MOST, max(0, room - _ROOMY))
    scene = _scene(picture, width, room - blanks, pen)
    lines = _stacked([head, numbers, scene, axis, meaning], blanks)
    lines += [Text()] * (height - len(lines) - len(foot))
    return [_cropped(line, width) for line in [*lines, *foot][:height]]


def _if_it_fits(block: list[Text], room: int) -> list[Text]:
    return block if len(block) <= room else []


def _stacked(blocks: Sequence[list[Text]], blanks: int) -> list[Text]:
    """Blocks one below the other, with so many empty lines between the first of them."""
    lines: list[Text] = []
    for block in filter(None, blocks):
        if lines and blanks:
            lines.append(Text())
            blanks -= 1
        lines += block
    return lines


def _flowed(parts: Sequence[Text], width: int) -> list[Text]:
    """Parts one behind the other, in lines; none is broken."""
    lines: list[Text] = []
    for part in parts:
        if lines and lines[-1].cell_len + _GAP + part.cell_len <= width:
            lines[-1] = Text.assemble(lines[-1], " " * _GAP, part)
        else:
            lines.append(part)
    return lines


def _cropped(text: Text, width: int, *, pad: bool = False) -> Text:
    """A text of at most so many columns, or of exactly so many."""
    text = text.copy()
    text.no_wrap = True
    text.truncate(width, overflow="crop", pad=pad)
    return text


def _head(picture: Picture, width: int, most: int, pen: Pen) -> list[Text]:
    """What is watched, and what became of it; each at its place, however long the numbers are."""
    words = [pen.text(part) for part in (picture.seed, picture.epoch, picture.pace)]
    left = width - sum(_GAP + part.cell_len for part in words)
    subject = _cropped(pen.text(picture.subject, "bold"), max(left, width // 2, _SUBJECT_LEAST))
    cost = pen.text(picture.cost_told)
    cost.pad_right(len(picture.costs.title) + 1 + _COST_WIDTH - cost.cell_len)
    became = pen.text(picture.became.text, _TONES[picture.became.tone])
    lines = [*_flowed([subject, *words], width), *_flowed([cost, became], width)]
    if len(lines) > most:
        lines = _flowed([*words[:2], became], width)
    return lines[:most]


def _numbers(picture: Picture, width: int, pen: Pen) -> list[Text]:
    """The targets, and below them the predictions; as many as there is room for."""
    if picture.plane is None and picture.profile is None:
        return []  # they are in the scene
    above, below = pen.text("target    "), pen.text("prediction")
    samples, told = picture.samples, [brief(sample.prediction) for sample in picture.samples]
    cell = max(_NUMBER_LEAST, *map(len, told))
    taken = _GAP + cell + 2  # by each, with its mark
    fitting = min(len(samples), (width - below.cell_len) // taken)
    if fitting < len(samples):  # that there are more is to be said as well
        fitting = max(0, width - below.cell_len - _GAP - len(more(len(samples)))) // taken
    for sample, number in zip(samples[:fitting], told, strict=False):
        above.append(f"{'':{_GAP}}{short(sample.target):>{cell}}  ")
        below.append(f"{'':{_GAP}}{number:>{cell}} {mark(sample)}", tone(sample))
    left_out = len(samples) - fitting
    return [above.append(f"{'':{_GAP}}{more(left_out)}") if left_out else above, below]


def _meaning(picture: Picture, width: int, pen: Pen) -> list[Text]:
    return [pen.text(line) for line in wrap(picture.meaning, width)][:_MEANING_MOST]


def _scene(picture: Picture, width: int, height: int, pen: Pen) -> list[Text]:
    """What the network predicts, and beside it the cost on the way there."""
    if height < _SCENE_LEAST:
        return []
    rows = height - 1
    # a character is about twice as high as it is wide
    left = min(max(2 * rows, _PLANE_LEAST) if picture.plane else width, width)
    if width - left < _BESIDE + _CURVE_LEAST and width >= 2 * _CURVE_LEAST + _BESIDE:
        left = (width - _BESIDE) // 2
    beside = width - left - _BESIDE
    scene = [legend(picture, left, pen), *predicted(picture, left, rows, pen)]
    if beside < _CURVE_LEAST:
        return scene
    return [
        Text.assemble(_cropped(one or Text(), left, pad=True), " " * _BESIDE, other or Text())
        for one, other in zip_longest(scene, _costs(picture, beside, rows, pen))
    ]


def _costs(picture: Picture, width: int, height: int, pen: Pen) -> list[Text]:
    costs = picture.costs
    lines = curve(costs.x, costs.values, width=width, height=height - 1, ascii_only=pen.ascii_only)
    return [pen.text(costs.title), *(Text(line, style="cyan") for line in lines)]


# --- keyboard ------------------------------------------------------------------------------------

# Keys as they are pressed, and signals that ask for an end: noted, and nothing is broken off.

_ESCAPE = b"\x1b"
_ESCAPE_S = 0.1  # what follows on an Escape sooner belongs to it
_ARROWS = {"A": "up", "B": "down", "C": "right", "D": "left"}  # by how their sequences end
_READ = 1024  # bytes at a time


def keys(data: bytes) -> tuple[list[str], bytes]:
    r"""The keys that a terminal has sent, and the bytes at the end that more are needed for.

    An arrow is `up`, `down`, `left` or `right`, whatever is held beside it, and a blank `space`.
    Escape is `escape` where it begins no sequence. Other sequences, control characters and what is
    not ASCII are no keys here.

    >>> keys(b"q\x1b[A\x1bOD\x1b[")
    (['q', 'up', 'left'], b'\x1b[')
    """
    found: list[str] = []
    while data:
        size = _size(data)
        if size is None:
            break
        sent, data = data[:size], data[size:]
        key = _key(sent)
        found += [key] if key else []
    return found, data


def _size(data: bytes) -> int | None:
    """How many bytes the first key takes; None where that is not known yet.

    Source:
        ECMA-48, section 5.4: parameters, intermediate bytes, and a last one.
    """
    if data[:1] != _ESCAPE or (len(data) > 1 and data[1] not in b"[O"):
        return 1
    for place, byte in enumerate(data[2:], start=2):
        if not 0x20 <= byte < 0x40:
            return place + 1 if 0x40 <= byte < 0x7F else place
    return None


def _key(sent: bytes) -> str:
    """The name of what was sent, if it has one."""
    text = sent.decode("ascii", "ignore")
    if sent == _ESCAPE:
        return "escape"
    if sent[:1] == _ESCAPE:
        return _ARROWS.get(text[-1:], "")
    return "space" if text == " " else text if text.isprintable() else ""


def pressed(seconds: float) -> list[str]:
    """The keys that are pressed within so many seconds, as soon as there are any.

    Where the keyboard is gone, that is `q`.
    """
    data = _read(seconds)
    if data is None:
        return ["q"]
    found, rest = keys(data)
    while rest and (data := _read(_ESCAPE_S)):
        more, rest = keys(rest + data)
        found += more
    return found + (["escape"] if rest == _ESCAPE else [])


if sys.platform == "win32":
    import msvcrt

    _POLL_S = 0.01
    _SENT = {"H": b"\x1b[A", "P": b"\x1b[B", "M": b"\x1b[C", "K": b"\x1b[D"}

    @contextmanager
    def unseen() -> Iterator[None]:
        """A stretch in which what is typed is not shown, and comes key by key."""
        yield

    def _read(seconds: float) -> bytes | None:
        """What is typed within so many seconds, as other terminals send it."""
        until = monotonic() + seconds
        while not msvcrt.kbhit():
            if monotonic() > until:
                return b""
            sleep(_POLL_S)
        typed = msvcrt.getwch()
        if typed in "\x00\xe0":  # what comes next is the place of a key
            return _SENT.get(msvcrt.getwch(), b"")
        return typed.encode("ascii", "ignore")

else:
    import select
    import termios
    import tty

    @contextmanager
    def unseen() -> Iterator[None]:
        """A stretch in which what is typed is not shown, and comes key by key."""
        terminal = sys.stdin.fileno()
        before = termios.tcgetattr(terminal)
        try:
            tty.setcbreak(terminal, termios.TCSADRAIN)
            yield
        finally:  # what nobody has read is not for the shell
            termios.tcsetattr(terminal, termios.TCSAFLUSH, before)

    def _read(seconds: float) -> bytes | None:
        """What is sent within so many seconds, if anything; None at the end of all."""
        terminal = sys.stdin.fileno()
        if not select.select([terminal], [], [], seconds)[0]:
            return b""
        try:
            return os.read(terminal, _READ) or None
        except OSError:  # it has hung up
            return None


class Ends:
    """Notes Ctrl-C, SIGTERM and SIGHUP while it is entered; a second Ctrl-C interrupts as ever.

    Ctrl-Z does nothing then: the shell would get a terminal that shows no typing. After SIGHUP,
    which says that the terminal has gone, it is no matter what cannot be drawn or given back.

    Attributes:
        exit_code: That of a process which the first of these has ended; 0 while there was none.
    """

    exit_code = 0

    def __enter__(self) -> "Ends":
        answers: dict[str, Any] = {
            "SIGINT": self._note,
            "SIGTERM": self._note,
            "SIGHUP": self._note,
            "SIGTSTP": signal.SIG_IGN,
        }
        self._gone = False
        self._before = {
            number: signal.signal(number, answer)
            for name, answer in answers.items()
            if (number := getattr(signal, name, None)) is not None
        }
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        for number, answer in self._before.items():
            signal.signal(number, answer)
        return self._gone and isinstance(raised, Exception)

    def _note(self, number: int, _: FrameType | None) -> None:
        if self.exit_code and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.exit_code = self.exit_code or 128 + number
        self._gone = self._gone or number == getattr(signal, "SIGHUP", None)
