"""Watching a training on the whole of a terminal: what is drawn, and the keys."""

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import isnan
from time import sleep

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.layout import Layout
from rich.live import Live
from rich.text import Text

from hsig.escaping import escape_control
from hsig.output.screen import curve
from hsig.reports.page import LEVELS, short, shortened
from hsig.reports.watching import Picture, Sample

# --- the picture ---------------------------------------------------------------------------------

_TONES = {"": "", "good": "bold green", "bad": "bold yellow"}
_RIGHT, _WRONG, _UNKNOWN = "o", "x", "?"
# from blue by way of white to brown, which all eyes tell apart; each is one of a terminal's 256
_COLOURS = (
    *("#005faf", "#5f87d7", "#87afd7", "#afd7ff", "#ffffff"),
    *("#ffd7af", "#d7af87", "#d7875f", "#af5f00"),
)
_DARK = ("#005faf", "#5f87d7", "#d7875f", "#af5f00")
_SHADES = " ░▒▓█"
_ASCII = str.maketrans(f"{LEVELS}─┼░▒▓█", "_.:-=+*#-+.:+#")
_ASCII_KEYS = {"←→": "left/right", "↑↓": "up/down"}
_MAX_MARKED = 50  # samples; more would hide the plane
_MAX_ROWS = 8  # of samples above the cost


@dataclass
class _Block:
    """Lines that are drawn for the room that there is."""

    draw: Callable[[int, int], Sequence[Text]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = options.max_width, options.height or console.height
        for line in self.draw(width, height)[:height]:
            text = line.copy()
            text.no_wrap = True
            text.truncate(width, overflow="crop")
            if options.ascii_only:
                text.plain = text.plain.translate(_ASCII).encode("ascii", "replace").decode()
            yield text


def layout(picture: Picture, console: Console) -> Layout:
    """The picture on a whole screen; in a small one the parts are cropped."""
    colours = not console.no_color and console.color_system in ("256", "truecolor")
    ascii_only = console.options.ascii_only
    keys = picture.keys
    for arrows, name in _ASCII_KEYS.items() if ascii_only else ():
        keys = keys.replace(arrows, name)
    tone = _TONES[picture.state.tone]
    head = (
        Text(escape_control(picture.heading), style="bold"),
        Text.assemble(f"{picture.cost}     ", (picture.state.text, tone)),
        Text(picture.meaning),
    )
    plane = _Block(lambda width, height: _plane(picture, width, height, colours))
    costs = _Block(lambda width, height: _costs(picture, width, height, ascii_only))
    numbers = _Block(lambda width, height: _numbers(picture, width, height))
    scene = Layout(ratio=1, minimum_size=1)
    if picture.surface is None:
        scene.split_row(Layout(numbers), Layout(costs))
    else:
        right = Layout(ratio=3)
        rows = min(len(picture.samples) + 2, _MAX_ROWS)
        right.split_column(Layout(numbers, size=rows), Layout(costs))
        scene.split_row(Layout(plane, ratio=2), right)
    whole = Layout()
    whole.split_column(
        Layout(Group(*map(_cropped, head)), size=3),
        scene,
        Layout(_Block(lambda width, _: _hidden_units(picture, width)), size=5),
        Layout(_cropped(Text(keys, style="dim")), size=1),
    )
    return whole


def _cropped(text: Text) -> _Block:
    return _Block(lambda *_: [text])


def _look(sample: Sample) -> tuple[str, str]:
    """What stands for a sample that is right, or wrong, and its style."""
    return (_RIGHT, "green") if sample.right else (_WRONG, "yellow")


def _numbers(picture: Picture, width: int, height: int) -> list[Text]:
    """A line for each sample; of too many the first, and how many more there are."""
    shown = picture.samples[: max(0, height - 2)]
    lines = [Text(escape_control(picture.columns))]
    inputs = [" ".join(map(short, sample.inputs))[: width // 2] for sample in shown]
    wide = max(map(len, inputs), default=0)
    targets = [shortened(escape_control(sample.target), width // 3) for sample in shown]
    of_targets = max([5, *map(len, targets)])
    for sample, text, target in zip(shown, inputs, targets, strict=True):
        mark, style = _look(sample)
        prediction = escape_control(sample.prediction)
        line = f"{text:{wide}}  {target:>{of_targets}}  {prediction:>8} {mark}"
        lines.append(Text(line, style))
    rest = picture.rows - len(shown)
    return [*lines, Text(f"({rest} more)")] if rest else lines


def _plane(picture: Picture, width: int, height: int, colours: bool) -> list[Text]:
    """The predictions over the plane of the inputs, the second one up, with the samples."""
    rows = max(1, height - 1)
    columns = max(1, min(width - 3, 2 * rows))  # a character is twice as high as it is wide
    shares, places = picture.plane(columns, rows)
    marks = {} if len(places) > _MAX_MARKED else {(x, y): _look(s)[0] for x, y, s in places}
    scale = [
        (_shade(share, "", colours), f" {escape_control(name)} " if name else "")
        for share, name in picture.scale
    ]
    means = f" {_RIGHT} right  {_WRONG} wrong"
    lines = [Text.assemble(*(part for pair in scale for part in pair), means)]
    lines[0].truncate(width - 2)
    for y, row in enumerate(shares.tolist()):
        cells = (_shade(share, marks.get((x, y), ""), colours) for x, share in enumerate(row))
        lines.append(Text.assemble(*cells))
    return lines


def _shade(share: float, mark: str, colours: bool) -> Text:
    """A character for a share in [0, 1], or a mark on it; `?` for nan."""
    if isnan(share):
        return Text(mark or _UNKNOWN)
    if not colours:
        return Text(mark or _SHADES[min(len(_SHADES) - 1, int(share * len(_SHADES)))])
    back = _COLOURS[round(share * (len(_COLOURS) - 1))]
    return Text(mark or " ", style=f"bold {'white' if back in _DARK else 'black'} on {back}")


def _costs(picture: Picture, width: int, height: int, ascii_only: bool) -> list[Text]:
    """The cost on the way; its right end is the budget."""
    costs = picture.costs
    lines = curve(
        costs.x, costs.values, width=width, height=max(2, height - 2), ascii_only=ascii_only
    )
    return [Text(costs.title), *(Text(line, style="cyan") for line in lines)]


def _hidden_units(picture: Picture, width: int) -> list[Text]:
    """A histogram of the hidden pre-activations over their axis; `┼` is a kink, else 0."""
    hidden = picture.hidden
    counts, most = hidden.counts(width), max(1, *hidden.counts(width))
    bars = [LEVELS[-(-n * len(LEVELS) // most) - 1] if n else " " for n in counts]
    left, right = hidden.beyond
    bars[0], bars[-1] = "<" if left else bars[0], ">" if right else bars[-1]
    marked = {
        min(width - 1, int((x + hidden.reach) / (2.0 * hidden.reach) * width))
        for x in hidden.kinks or (0.0,)
    }
    axis = "".join("┼" if column in marked else "─" for column in range(width))
    kinks = ", ".join(map(short, hidden.kinks))
    ends = f"-{short(hidden.reach)}", short(hidden.reach)
    middle = (f"kink at {kinks}" if kinks else "0").center(max(0, width - len("".join(ends))))
    return [
        Text(),
        Text(hidden.summary, style="bold"),
        Text("".join(bars)),
        Text(axis, style="dim"),
        Text(f"{ends[0]}{middle}{ends[1]}", style="dim"),
    ]


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
        self._live.update(layout(picture, self._console), refresh=True)

    def __enter__(self) -> "Screen":
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()


# --- the keyboard --------------------------------------------------------------------------------

_KEYS = {
    **dict.fromkeys(("q", "\x1b"), "quit"),
    " ": "pause",
    "r": "again",
    **dict.fromkeys(("n", "\x1b[C", "\x1bOC", "\xe0M"), "next"),
    **dict.fromkeys(("p", "\x1b[D", "\x1bOD", "\xe0K"), "previous"),
    **dict.fromkeys(("+", "\x1b[A", "\x1bOA", "\xe0H"), "faster"),
    **dict.fromkeys(("-", "\x1b[B", "\x1bOB", "\xe0P"), "slower"),
}
STOP = "stop"  # Ctrl-Z, on its way to stop the process
_SENT = re.compile(r"\x1b[\[O][0-9;]*.|\xe0.|.", re.DOTALL)  # a key that was pressed


def parse_keys(text: str) -> list[str]:
    r"""The keys of what a terminal has sent; what is no key here is left out.

    >>> parse_keys("q\x1b[A\x1bODz")
    ['quit', 'faster', 'previous']
    """
    return [_KEYS[sent] for sent in _SENT.findall(text) if sent in _KEYS]


if sys.platform == "win32":
    import msvcrt

    @contextmanager
    def keyboard() -> Iterator[None]:
        """Let keys come one by one, unseen, until the block ends."""
        yield

    def read_keys(seconds: float) -> list[str]:
        """Wait so long, and return the keys that were pressed."""
        sleep(seconds)
        text = ""
        while msvcrt.kbhit():
            text += msvcrt.getwch()
        return parse_keys(text)

else:
    import select
    import termios
    import tty

    # what ends or stops a process by default, and is no fault of it
    _HANDLED = signal.valid_signals() - {
        getattr(signal, name, None)
        for name in (
            *("SIGKILL", "SIGSTOP", "SIGTTIN", "SIGTTOU", "SIGCONT", "SIGCHLD"),
            *("SIGWINCH", "SIGURG", "SIGINFO", "SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT"),
        )
    }
    _received: list[int] = []  # signals that are answered when the terminal is as it was

    @contextmanager
    def keyboard() -> Iterator[None]:
        """Let keys come one by one, unseen, until the block ends, and signals do as they do then.

        One that ends the process raises KeyboardInterrupt in the block; Ctrl-Z is the key `STOP`.
        """
        terminal = sys.stdin.fileno()
        before = termios.tcgetattr(terminal)
        _received.clear()

        def receive(number: int, _frame: object) -> None:
            _received.append(number)
            if number != signal.SIGTSTP and len(_received) == 1:  # nothing breaks the end off
                raise KeyboardInterrupt

        others = {
            number: signal.signal(number, receive)
            for number in _HANDLED
            if signal.getsignal(number) is not signal.SIG_IGN
        }
        try:
            tty.setcbreak(terminal, termios.TCSADRAIN)
            yield
        except BaseException:
            if not _received:  # else this is of the signal, or of a terminal that has gone
                raise
        finally:  # what nobody has read is not for the shell
            with suppress(termios.error):  # the terminal may have gone
                termios.tcsetattr(terminal, termios.TCSAFLUSH, before)
            for number, answer in others.items():
                signal.signal(number, answer)
        for received in _received:
            signal.raise_signal(received)  # where it stops here, it goes on here

    def read_keys(seconds: float) -> list[str]:
        """The keys that are pressed within so many seconds; `quit` if the keyboard has gone."""
        if _received:
            return [STOP]
        terminal = sys.stdin.fileno()
        if not select.select([terminal], [], [], seconds)[0]:
            return []
        try:
            data = os.read(terminal, 1024)
        except OSError:
            data = b""
        return parse_keys(data.decode("ascii", "ignore")) if data else ["quit"]
