"""What every result has: a page, and with it tables, numbers and pictures."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hsig.analysis.parts import ASKED, CONFIG, TASK, Part
from hsig.analysis.summary import Solved, Summary, VariantSummary, summarise
from hsig.config.values import Json
from hsig.escaping import escape_control
from hsig.reports.page import Page
from hsig.runs.provenance import digest_experiments

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH = 88  # columns of a table as text


class Result(ABC):
    """What became of what was asked.

    Attributes:
        command: The command that gives the like.
    """

    command: ClassVar[str]

    @property
    @abstractmethod
    def page(self) -> Page:
        """The result as a page."""

    @property
    @abstractmethod
    def digest(self) -> str:
        """Digest of everything that the numbers depend on: the same digest, the same bits."""

    def table(self, *, full: bool = False, width: int = _WIDTH) -> str:
        """What the command shows, as text.

        Args:
            full: Whether with every table and sentence, not only the most important.
            width: The most characters of a line.
        """
        from hsig.output.screen import as_text

        return as_text(self.page, width, full=full)

    def to_dict(self, *, every_seed: bool = True) -> dict[str, Json]:
        """What `--format json` has: plain values, every digit; see docs/config.md.

        Args:
            every_seed: Whether the seeds are listed one by one.
        """
        return dict(self.page.document(every_seed))

    def columns(self, *, long: bool = False) -> dict[str, NDArray[Any]]:
        """What `--format csv` has: arrays by their name, of which data frames are made.

        What is missing is nan, or empty among texts.

        Args:
            long: Whether with a row for each seed and checkpoint, as `--long`, if it has such.
        """
        page = self.page
        names, rows = page.every_row() if long and page.every_row else page.rows()
        return {name: _column(row.get(name) for row in rows) for name in names}

    def plot(
        self,
        kind: str | None = None,
        *,
        variant: str | None = None,
        at: int | Iterable[int] | None = None,
        seed: int | None = None,
        theme: str = "light",
    ) -> "Figure":
        """A picture of it, which may be changed, saved or shown.

        Args:
            kind: What it shows: one of those that `hsig plot --help` lists; by default the one
                that says most of this result.
            variant: The label of the one of several that `activation` and `surface` show.
            at: The epoch or epochs that they show.
            seed: The seed that `surface` shows; by default the mean of all.
            theme: `light` or `dark`.

        Raises:
            ConfigError: If it has no such picture, or matplotlib is not installed.
        """
        from hsig.results.pictures import Look, picture

        epochs = (at,) if isinstance(at, int) else None if at is None else tuple(at)
        look = Look(variant=variant, at=epochs, seed=seed, theme=theme)
        return picture([self], kind, look)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from hsig.output.html import as_html

        return as_html(self.page)

    def __repr__(self) -> str:
        """The result in a line or two."""
        first = self.page.brief or self.page.blocks[0]
        if not isinstance(first, tuple):
            return self.command
        return "\n".join(escape_control(line.text) for line in first)


@dataclass(frozen=True, eq=False, repr=False)
class Trained(Result):
    """What became of experiments.

    Attributes:
        parts: The experiments, each with its outcome; the first is what was asked for.
    """

    parts: tuple[Part, ...]

    @abstractmethod
    def make_page(self, columns: Sequence[str] = ()) -> Page:
        """The page, with these columns alone if some are named and it has a choice."""

    @cached_property
    def page(self) -> Page:
        """The result as a page."""
        return self.make_page()

    @property
    def main_parts(self) -> tuple[Part, ...]:
        """The parts that were asked for: no remedies, and nothing that a tuning tried."""
        return tuple(part for part in self.parts if part.role in (ASKED, CONFIG, TASK))

    @cached_property
    def summaries(self) -> list[Summary]:
        """The numbers of each main part: of each config or task, if there are several."""
        return [summarise(part.outcome) for part in self.main_parts]

    @property
    def digest(self) -> str:
        """Digest of everything that the numbers depend on: the same digest, the same bits."""
        return digest_experiments([part.outcome.experiment for part in self.parts])


class SingleResult(Trained):
    """What became of one activation."""

    @property
    def summary(self) -> Summary:
        """The numbers of the experiment."""
        return self.summaries[0]

    @property
    def variant(self) -> VariantSummary:
        """The numbers of the activation."""
        return self.summary.variants[0]

    @property
    def solved(self) -> Solved:
        """How many seeds were solved, with the interval of the rate."""
        return self.variant.solved

    @property
    def verdicts(self) -> Mapping[str, int]:
        """How many seeds ended with each verdict."""
        return self.variant.verdicts


def _column(values: Iterable[object]) -> NDArray[Any]:
    """Numbers as such, nan where one is missing; else texts."""
    found = list(values)
    there = [value for value in found if value not in (None, "")]
    if any(isinstance(value, str) for value in there):
        return np.array(["" if value is None else str(value) for value in found], dtype=np.str_)
    if len(there) < len(found) or not found:
        return np.array([np.nan if v in (None, "") else v for v in found], dtype=np.float64)
    return np.array(found)
