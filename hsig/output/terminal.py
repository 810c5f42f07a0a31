"""Working at a terminal: progress bars, Ctrl-C, and drawing the result in its width and colours."""

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack
from io import StringIO
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Self, TypeVar

from rich.console import Console, Group, RenderableType
from rich.markup import escape

from hsig.errors import RunError
from hsig.escaping import escape_control
from hsig.experiments.experiment import Checkpoint, Experiment, Failure, Outcome
from hsig.output.signals import add_answer, remove_answer, write_notice
from hsig.output.streams import print_message, put, writing_out

if TYPE_CHECKING:
    from rich.progress import Progress

# --- signals -------------------------------------------------------------------------------------

T = TypeVar("T")


class Interrupts:
    """Turns a signal into an early end of what is waited for, and says so at once.

    Within a `with` block, a signal between two waits ends the next one at once, and one behind them
    breaks nothing off: what was done by then is to be written.
    """

    def __init__(self, notice: str, nothing: str = "") -> None:
        """`notice` says what follows, and `nothing` the same where nothing was done yet."""
        self.interrupted, self.signal = False, ""  # the name of a signal, if it was one
        self._nothing, self._notice = nothing or notice, notice
        self._has_events = self._is_watching = self._is_waiting = False
        self._said = ""

    def __enter__(self) -> Self:
        add_answer(self._interrupt)
        return self

    def __exit__(self, *_: object) -> None:
        remove_answer(self._interrupt)

    def _interrupt(self, signal: str) -> bool:
        if not (self._is_watching or self._has_events):
            return False  # nothing would be lost
        self.interrupted, self.signal = True, signal
        if self._is_waiting:
            raise KeyboardInterrupt
        if not self._is_watching:  # else it is said below what is drawn meanwhile
            self._said = self._notice
            write_notice(self._said)
        return True

    def say(self, *, done: bool = True) -> None:
        """Say that it was interrupted, and whether anything was done, unless that was said."""
        notice = self._notice if done else self._nothing
        if self.interrupted and notice != self._said:
            print_message(f"interrupted: {notice}")

    def until_interrupt(self, events: Iterable[T]) -> Iterator[T]:
        """The events up to a signal, which breaks off the wait for one, and nothing else."""
        iterator = iter(events)
        try:
            with self:
                self._is_watching = True
                while not self.interrupted:
                    self._is_waiting = True
                    event = next(iterator, None)
                    self._is_waiting = False
                    if event is None:
                        break
                    self._has_events = True
                    yield event
        except KeyboardInterrupt:
            self.interrupted = True
        finally:
            self._is_watching = self._is_waiting = False
            if isinstance(iterator, Generator):
                iterator.close()  # which ends its processes


# --- progress ------------------------------------------------------------------------------------

_BAR_AFTER_S = 1.0  # shorter work shows no progress bar
_MAPS_PER_SECOND = 2  # that are drawn while a sweep goes on


class ConsoleTrainer(Interrupts):
    """Trains experiments with a progress bar, and turns a signal into an early end."""

    def __init__(
        self,
        *,
        quiet: bool,
        check: Callable[[], None] = lambda: None,
        notice: str = "this is what was done by then",
    ) -> None:
        """`check` is called before anything is trained, when all inputs are read; may refuse it."""
        super().__init__(notice, "there is no result yet")
        self.problem: RunError | None = None  # what else ended a part of it early
        self._check = check
        self._console = Console(stderr=True)
        self._shows = self._console.is_terminal and not quiet

    def warn(self, *experiments: Experiment, notes: Sequence[str] = ()) -> None:
        """Say what the numbers of their tasks make hard or impossible, before they are trained."""
        from hsig.reports.obstacles import warnings_of

        self._check()
        messages = (*notes, *warnings_of(experiments))
        print_message(*(f"warning: {message}" for message in messages))

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
            if self.signal and not self._said:
                print_message(f"interrupted: by {self.signal}")
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
    interrupts: Interrupts,
    *,
    cells: int,
    steps: int,
    draw: Callable[[Console], RenderableType],
    quiet: bool,
) -> None:
    """Take the results of cells; on a terminal, draw the map so far with a bar below it.

    Args:
        results: Of the cells, as they end.
        take: Takes a result, and returns how many steps it was.
        interrupts: End it early.
        cells: How many there are.
        steps: How many they have in all, for the time that is left.
        draw: Draws the map so far.
        quiet: Whether nothing is drawn.
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
    with ExitStack() as shown:
        if console.is_terminal and not quiet:
            shown.enter_context(live)
        for done, result in enumerate(interrupts.until_interrupt(results), start=1):
            bar.update(task, advance=take(result), done=done)
    interrupts.say()


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
