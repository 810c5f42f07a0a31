"""Working at a terminal: progress bars, Ctrl-C, and drawing the result in its width and colours."""

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from io import StringIO
from pathlib import Path
from threading import Timer
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from rich.console import Console, Group, RenderableType
from rich.markup import escape

from hsig.engines.choice import available_cores
from hsig.errors import RunError
from hsig.escaping import escape_control
from hsig.experiments.experiment import Checkpoint, Experiment, Failure, Outcome
from hsig.output.signals import Interrupts
from hsig.output.streams import print_message, put, writing_out

if TYPE_CHECKING:
    from rich.progress import Progress

# --- progress ------------------------------------------------------------------------------------

T = TypeVar("T")

_LONG_S = 30.0  # that are worth a word
_LONG_WORK = 20_000_000_000  # weights that all steps pass through; less is never that long
_FEW_SEEDS = 8  # whose epoch is measured
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
        seconds = sum(map(_estimate_seconds, experiments))
        if seconds > _LONG_S:
            print_message(f"training takes about {describe_duration(seconds)}")

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


def _estimate_seconds(experiment: Experiment) -> float:
    """What a large experiment takes, from an epoch of a few seeds; 0 of a small one."""
    (variant, *_), seeds = experiment.variants, experiment.seeds[:_FEW_SEEDS]
    weights = sum(rows * columns for rows, columns in experiment.shapes)
    if variant.untrainable_activation or experiment.steps * weights < _LONG_WORK:
        return 0.0
    from hsig.experiments.training import train_epoch

    began = monotonic()
    train_epoch(replace(experiment, seeds=seeds))
    times = len(experiment.variants) * experiment.epochs * len(experiment.seeds) / len(seeds)
    return times * (monotonic() - began) / (experiment.workers or available_cores())


def describe_duration(seconds: float) -> str:
    """So many seconds, minutes or hours."""
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _show_progress(
    events: Iterable[Checkpoint | Failure], epochs: dict[str, int], console: Console
) -> Iterator[Checkpoint | Failure]:
    """The same events, with a bar of the epochs of all variants."""
    done = dict.fromkeys(epochs, 0)
    bar = _progress_bar("{task.description}", "{task.percentage:3.0f} %", console)
    task = bar.add_task("", total=sum(epochs.values()))
    begin = Timer(_BAR_AFTER_S, bar.start)  # the first event may be long in coming
    begin.start()
    try:
        for event in events:
            label = event.variant.label
            done[label] = event.epoch if isinstance(event, Checkpoint) else epochs[label]
            ended = sum(done[each] == epochs[each] for each in epochs)
            doing = label if len(epochs) == 1 else f"{ended} of {len(epochs)} variants"
            doing = escape(escape_control(doing))
            bar.update(task, completed=sum(done.values()), description=doing)
            yield event
    finally:
        begin.cancel()
        begin.join()
        bar.stop()


def watch_cells(
    results: Iterable[tuple[int, T]],
    interrupts: Interrupts,
    *,
    steps: Mapping[int, int],
    draw: Callable[[Console], RenderableType],
    quiet: bool,
) -> Generator[tuple[int, T], None, None]:
    """The same results, up to an interrupt; on a terminal, the map so far with a bar below it.

    Results are of the cells by their numbers, as are `steps`, from which the time left follows.
    """
    from rich.live import Live

    console = Console(stderr=True)
    bar = _progress_bar(f"{{task.fields[done]}} of {len(steps)} cells", "", console)
    task = bar.add_task("", total=sum(steps.values()), done=0)
    live = Live(
        get_renderable=lambda: Group(draw(console), bar.get_renderable()),
        console=console,
        refresh_per_second=_MAPS_PER_SECOND,
        transient=True,
    )
    with ExitStack() as shown:
        if console.is_terminal and not quiet:
            shown.enter_context(live)
        for done, (number, result) in enumerate(interrupts.until_interrupt(results), start=1):
            yield number, result
            bar.update(task, advance=steps[number], done=done)
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
