"""What hsig says to a terminal or a pipe: progress on stderr, the result on stdout or in a file."""

import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from io import StringIO
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Self, TypeVar

from rich.console import Console, RenderableType
from rich.markup import escape

from hsig.errors import RunError
from hsig.experiments.experiment import Checkpoint, Experiment, Failure, Outcome
from hsig.output.streams import note as note
from hsig.output.streams import put as put
from hsig.output.streams import put_bytes as put_bytes
from hsig.output.streams import writing_out
from hsig.reports.visible import visible

if TYPE_CHECKING:
    from hsig.output.bars import CellsBar, EpochsBar

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
        from hsig.experiments.training import gather_all
        from hsig.experiments.workers import run_with_workers

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
                    bar.show(sum(self._done.values()), escape(visible(self._doing())))
                yield event
        except RunError as problem:
            self.problem = problem
        finally:
            if bar is not None:
                bar.stop()

    def _bar(self) -> "EpochsBar":
        from hsig.output.bars import EpochsBar

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
    from hsig.output.bars import CellsBar

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
