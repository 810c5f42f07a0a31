"""Pictures of a training on the whole of a terminal, one after the other, whatever its size."""

from collections.abc import Sequence
from itertools import zip_longest
from textwrap import wrap
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from hsig.output.pen import Pen
from hsig.output.scenes import hidden_units, legend, mark, more, predicted, tone
from hsig.output.screen import curve
from hsig.reports.numbers import brief, short
from hsig.reports.watching import Picture

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
