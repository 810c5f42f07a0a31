"""Bars of how far something is, and of how long it takes yet."""

from collections.abc import Callable
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

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
