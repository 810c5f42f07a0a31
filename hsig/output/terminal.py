"""Working at a terminal: progress bars, Ctrl-C, and drawing the result in its width and colours."""

import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from io import StringIO
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Self, TypeVar

from rich.console import Console, Group, RenderableType
from rich.markup import escape

from hsig.errors import RunError
from hsig.escaping import escape_control
from hsig.experiments.experiment import Checkpoint, Experiment, Failure, Outcome
from hsig.output.streams import print_message, put, writing_out

if TYPE_CHECKING:
    from rich.progress import Progress

# --- Ctrl-C --------------------------------------------------------------------------------------

T = TypeVar("T")


class Interrupts:
    """Turns Ctrl-C into an early end of what is waited for.

    From Ctrl-C on, interrupts are ignored: what was done by then is to be written. Within a `with`
    block, Ctrl-C between two waits ends the next one at once.
    """

    def __init__(self) -> None:
        self.interrupted = False
        self._is_waiting = False
        self._handler_outside: Any = None  # of the `with` block, if there is one

    def __enter__(self) -> Self:
        self._handler_outside = signal.getsignal(signal.SIGINT)
        return self

    def __exit__(self, *_: object) -> None:
        _set_handler(signal.SIG_IGN if self.interrupted else self._handler_outside)

    def _interrupt(self, *_: object) -> None:
        is_first, self.interrupted = not self.interrupted, True
        if is_first and self._is_waiting:
            raise KeyboardInterrupt

    def until_interrupt(self, events: Iterable[T]) -> Iterator[T]:
        """The events up to Ctrl-C, which breaks off the wait for one, and nothing else."""
        iterator = iter(events)
        before = _set_handler(self._interrupt)
        try:
            while not self.interrupted:
                self._is_waiting = True
                event = next(iterator, None)
                self._is_waiting = False
                if event is None:
                    break
                yield event
        except KeyboardInterrupt:
            self.interrupted = True
        finally:
            self._is_waiting = False
            after = self._interrupt if self._handler_outside else before
            _set_handler(signal.SIG_IGN if self.interrupted else after)
            if isinstance(iterator, Generator):
                iterator.close()  # which ends its processes


def _set_handler(handler: Any) -> Any:
    """Set what answers Ctrl-C; return what did before. Only the main thread can."""
    if handler is None or threading.current_thread() is not threading.main_thread():
        return None
    return signal.signal(signal.SIGINT, handler)


@contextmanager
def defer_interrupts() -> Iterator[None]:
    """Defer Ctrl-C until the block ends."""
    interrupts: list[object] = []
    before = _set_handler(lambda *_: interrupts.append(None))
    try:
        yield
    finally:
        _set_handler(before)
    if interrupts:
        signal.raise_signal(signal.SIGINT)


# --- progress ------------------------------------------------------------------------------------

_BAR_AFTER_S = 1.0  # shorter work shows no progress bar
_MAPS_PER_SECOND = 2  # that are drawn while a sweep goes on


class ConsoleTrainer(Interrupts):
    """Trains experiments with a progress bar, and turns Ctrl-C into an early end."""

    def __init__(self, *, quiet: bool, check: Callable[[], None] = lambda: None) -> None:
        """`check` is called before anything is trained, when all inputs are read; may refuse it."""
        super().__init__()
        self.problem: RunError | None = None  # what else ended a part of it early
        self._check = check
        self._console = Console(stderr=True)
        self._shows = self._console.is_terminal and not quiet

    def warn(self, *experiments: Experiment) -> None:
        """Say what the numbers of their tasks make hard or impossible, before they are trained."""
        from hsig.reports.obstacles import warnings_of

        self._check()
        print_message(*(f"warning: {message}" for message in warnings_of(experiments)))

    def train(self, *experiments: Experiment) -> list[Outcome]:
        """Train experiments; nothing is drawn in a pipe, or before a second has passed."""
        from hsig.experiments.parallel import run_with_workers
        from hsig.experiments.training import gather_all

        epochs = {
            v.label: experiment.epochs for experiment in experiments for v in experiment.variants
        }
        return gather_all(experiments, self._watch(run_with_workers(*experiments), epochs))

    def _watch(
        self, events: Iterable[Checkpoint | Failure], epochs: dict[str, int]
    ) -> Iterator[Checkpoint | Failure]:
        """The same events, up to an interrupt or a problem."""
        events = self.until_interrupt(events)
        try:
            yield from _show_progress(events, epochs, self._console) if self._shows else events
        except RunError as problem:
            self.problem = problem


def _show_progress(
    events: Iterable[Checkpoint | Failure], epochs: dict[str, int], console: Console
) -> Iterator[Checkpoint | Failure]:
    """The same events, with a bar of the epochs of all variants."""
    begin, done = monotonic() + _BAR_AFTER_S, dict.fromkeys(epochs, 0)
    bar = _progress_bar("{task.description}", "{task.percentage:3.0f} %", console)
    task = bar.add_task("", total=sum(epochs.values()))
    with ExitStack() as shown:
        for event in events:
            label = event.variant.label
            done[label] = event.epoch if isinstance(event, Checkpoint) else epochs[label]
            if not bar.live.is_started and monotonic() > begin:
                shown.enter_context(bar)
            ended = sum(done[each] == epochs[each] for each in epochs)
            doing = label if len(epochs) == 1 else f"{ended} of {len(epochs)} variants"
            doing = escape(escape_control(doing))
            bar.update(task, completed=sum(done.values()), description=doing)
            yield event


def watch_cells(
    results: Iterable[T],
    take: Callable[[T], int],
    *,
    cells: int,
    steps: int,
    draw: Callable[[Console], RenderableType],
    quiet: bool,
) -> bool:
    """Take the results of cells; on a terminal, draw the map so far with a bar below it.

    Args:
        results: Of the cells, as they end.
        take: Takes a result, and returns how many steps it was.
        cells: How many there are.
        steps: How many they have in all, for the time that is left.
        draw: Draws the map so far.
        quiet: Whether nothing is drawn.

    Returns:
        Whether Ctrl-C ended it.
    """
    from rich.live import Live

    console = Console(stderr=True)
    bar = _progress_bar("{task.fields[done]} of {task.fields[cells]} cells", "", console)
    task = bar.add_task("", total=steps, done=0, cells=cells)
    live = Live(
        get_renderable=lambda: Group(draw(console), bar.get_renderable()),
        console=console,
        refresh_per_second=_MAPS_PER_SECOND,
        transient=True,
    )
    interrupts = Interrupts()
    with ExitStack() as shown:
        if console.is_terminal and not quiet:
            shown.enter_context(live)
        for done, result in enumerate(interrupts.until_interrupt(results), start=1):
            bar.update(task, advance=take(result), done=done)
    return interrupts.interrupted


def _progress_bar(before: str, after: str, console: Console) -> "Progress":
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(before), BarColumn(), TextColumn(after), TimeRemainingColumn())
    return Progress(*columns, TextColumn("left"), console=console, transient=True)


# --- the result ----------------------------------------------------------------------------------

_FILE_WIDTH = 120  # of files and pipes


class _Screen(Console):
    """A console on stdout, of which a reader that leaves early is answered by `writing_out`."""

    def on_broken_pipe(self) -> None:
        """Let the error through; Rich calls this while it is handled."""
        raise


def put_drawn(render: Callable[[Console], RenderableType], path: Path | None) -> None:
    """Put the result on the terminal in its width and colours, or as plain text into a file.

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
    put(text.getvalue(), path)
