"""What hsig says to a terminal or a pipe: progress on stderr, the result on stdout or in a file."""

import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from io import StringIO
from math import isnan
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Self, TypeVar

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from hsig.errors import RunError
from hsig.escaping import escape_control
from hsig.experiments.experiment import Checkpoint, Experiment, Failure, Outcome
from hsig.output.streams import note, put, writing_out
from hsig.reports.page import LEVELS

# --- pen -----------------------------------------------------------------------------------------

# How a terminal shows what is drawn on it: in its colours and its characters.

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


# --- bars ----------------------------------------------------------------------------------------

# Bars of how far something is, and of how long it takes yet.

_MAPS_PER_SECOND = 2  # that are drawn while a sweep goes on


class EpochsBar:
    """How far a training is, from its first `show` on."""

    def __init__(self, console: Console, epochs: int) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:3.0f} %"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=console,
            transient=True,
        )
        self._task = self._bar.add_task("", total=epochs)
        self._bar.start()

    def show(self, done: int, doing: str) -> None:
        """Draw it: so many epochs are done."""
        self._bar.update(self._task, completed=done, description=doing)

    def stop(self) -> None:
        """Take it away."""
        self._bar.stop()


class CellsBar:
    """How far a sweep is, below what there is of its map, while it is entered."""

    def __init__(
        self, console: Console, draw: Callable[[Console], RenderableType], *, cells: int, steps: int
    ) -> None:
        bar = Progress(
            TextColumn("{task.fields[done]} of {task.fields[cells]} cells"),
            BarColumn(),
            TimeRemainingColumn(),
            TextColumn("left"),
        )
        self._bar, self._task = bar, bar.add_task("", total=steps, done=0, cells=cells)
        self._drawn = Live(
            get_renderable=lambda: Group(draw(console), bar.get_renderable()),
            console=console,
            refresh_per_second=_MAPS_PER_SECOND,
            transient=True,
        )

    def show(self, done: int, steps: int) -> None:
        """Draw it: so many cells are done, the last of so many steps."""
        self._bar.update(self._task, advance=steps, done=done)

    def __enter__(self) -> "CellsBar":
        self._drawn.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        raised: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._drawn.stop()


# --- terminal ------------------------------------------------------------------------------------

_PATIENCE_S = 1.0  # shorter work shows no progress bar
_FILE_WIDTH = 120  # of files and pipes

T = TypeVar("T")


class Interrupts:
    """Turns Ctrl-C into an early end of what is waited for.

    From Ctrl-C on, interrupts are ignored: what was done by then is to be written. While it is
    entered, Ctrl-C behind what was waited for is as one that comes at once with the next.

    Attributes:
        interrupted: Whether it was ended early.
    """

    def __init__(self) -> None:
        self.interrupted = False
        self._before: Any = None
        self._afterwards: Any = None  # what answers Ctrl-C then, if it is not what did before

    def __enter__(self) -> Self:
        self._before, self._afterwards = signal.getsignal(signal.SIGINT), self._note
        return self

    def __exit__(self, *_: object) -> None:
        _listen(signal.SIG_IGN if self.interrupted else self._before)

    def _note(self, *_: object) -> None:
        self.interrupted = True

    def heeding(self, events: Iterable[T]) -> Iterator[T]:
        """The events up to Ctrl-C, which breaks off the wait for one, and nothing else."""
        waiting = False

        def answer(*_: object) -> None:
            first, self.interrupted = not self.interrupted, True
            if waiting and first:
                raise KeyboardInterrupt

        iterator = iter(events)
        before = _listen(answer)
        try:
            while not self.interrupted:
                waiting = True
                event = next(iterator, None)
                waiting = False
                if event is None:
                    break
                yield event
        except KeyboardInterrupt:
            self.interrupted = True
        finally:
            waiting = False
            _listen(signal.SIG_IGN if self.interrupted else self._afterwards or before)
            if isinstance(iterator, Generator):
                iterator.close()  # which ends its processes


class Watch(Interrupts):
    """Trains experiments with a progress bar, and turns Ctrl-C into an early end.

    Attributes:
        problem: What else ended a part of it early, or None.
    """

    def __init__(self, *, quiet: bool) -> None:
        super().__init__()
        self.problem: RunError | None = None
        self._epochs: dict[str, int] = {}
        self._done: dict[str, int] = {}
        self._console = Console(stderr=True)
        self._shows = self._console.is_terminal and not quiet

    def warn(self, *experiments: Experiment) -> None:
        """Say what the numbers of their tasks make hard or impossible, before they are trained."""
        from hsig.reports.obstacles import warnings_of

        note(*(f"warning: {message}" for message in warnings_of(experiments)))

    def train(self, *experiments: Experiment) -> list[Outcome]:
        """Train experiments; nothing is drawn in a pipe, or before a second has passed."""
        from hsig.experiments.parallel import run_with_workers
        from hsig.experiments.training import gather_all

        self._epochs = {
            variant.label: experiment.epochs
            for experiment in experiments
            for variant in experiment.variants
        }
        self._done = dict.fromkeys(self._epochs, 0)
        return gather_all(experiments, self._watched(run_with_workers(*experiments)))

    def _watched(self, events: Iterable[Checkpoint | Failure]) -> Iterator[Checkpoint | Failure]:
        """The same events."""
        started = monotonic()
        bar: EpochsBar | None = None
        try:
            for event in self.heeding(events):
                label = event.variant.label
                self._done[label] = (
                    event.epoch if isinstance(event, Checkpoint) else self._epochs[label]
                )
                if self._shows and monotonic() - started > _PATIENCE_S:
                    bar = bar or self._bar()
                    bar.show(sum(self._done.values()), escape(escape_control(self._doing())))
                yield event
        except RunError as problem:
            self.problem = problem
        finally:
            if bar is not None:
                bar.stop()

    def _bar(self) -> "EpochsBar":
        return EpochsBar(self._console, sum(self._epochs.values()))

    def _doing(self) -> str:
        if len(self._done) == 1:
            return next(iter(self._done))
        ended = sum(self._done[label] == epochs for label, epochs in self._epochs.items())
        return f"{ended} of {len(self._done)} variants"


def _listen(answer: Any) -> Any:
    """Have Ctrl-C answered so; what answered it before. Only the main thread hears of it."""
    if answer is None or threading.current_thread() is not threading.main_thread():
        return None
    return signal.signal(signal.SIGINT, answer)


@contextmanager
def interrupts_ignored() -> Iterator[None]:
    """A stretch of work that Ctrl-C does not break off: it is answered when the work is done."""
    heard = False

    def hear(*_: object) -> None:
        nonlocal heard
        heard = True

    before = _listen(hear)
    try:
        yield
    finally:
        _listen(before)
    if heard:
        signal.raise_signal(signal.SIGINT)


def watch_cells(
    results: Iterable[T],
    take: Callable[[T], int],
    *,
    cells: int,
    steps: int,
    draw: Callable[[Console], RenderableType],
    quiet: bool,
) -> bool:
    """Take the results of cells, and draw on a terminal what there is by then.

    Args:
        results: One for each cell.
        take: Takes one, and says how many steps it was.
        cells: How many there are.
        steps: How many they have in all, for the time that is left.
        draw: What there is by then.
        quiet: Whether nothing is drawn.

    Returns:
        Whether Ctrl-C ended it.
    """
    console = Console(stderr=True)
    shows = console.is_terminal and not quiet
    interrupts = Interrupts()
    with _cells_bar(console, draw, cells, steps) if shows else nullcontext() as bar:
        for done, result in enumerate(interrupts.heeding(results), start=1):
            taken = take(result)
            if bar is not None:
                bar.show(done, taken)
    return interrupts.interrupted


def _cells_bar(
    console: Console, draw: Callable[[Console], RenderableType], cells: int, steps: int
) -> "CellsBar":
    return CellsBar(console, draw, cells=cells, steps=steps)


class _Screen(Console):
    """A console on stdout; where its reader has left, hsig does not end as others would."""

    def on_broken_pipe(self) -> None:
        """Called while the error is handled: it goes on, and Python does not exit."""
        raise


def put_drawn(
    render: Callable[[Console], RenderableType], path: Path | None, *, end: str = ""
) -> None:
    """Put the result on the terminal in its width and colours, or as plain text into a file.

    Args:
        render: Draws it on a console.
        path: The file, or None for the terminal.
        end: As of `put`.

    Raises:
        RunError: As `put`.
    """
    if path is None:
        screen = _Screen(highlight=False, emoji=False)
        if (not screen.is_terminal and "COLUMNS" not in os.environ) or screen.width < 1:
            screen = _Screen(highlight=False, emoji=False, width=_FILE_WIDTH)
        with writing_out():
            screen.print(render(screen))
            screen.file.flush()
        return
    text = StringIO()
    console = Console(file=text, width=_FILE_WIDTH, color_system=None, highlight=False, emoji=False)
    console.print(render(console))
    put(text.getvalue(), path, end=end)
