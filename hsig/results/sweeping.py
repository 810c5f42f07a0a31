"""Every combination of some settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from hsig.analysis.sweeps import CellSummary, SweepOutcome
from hsig.config.keys import SWEEP
from hsig.errors import RunError
from hsig.experiments.parallel import local_pool, run_jobs
from hsig.experiments.sweeps import Axis, CellResult, LostCell, Sweep
from hsig.reports.page import Page
from hsig.reports.sweeps import sweep_page
from hsig.results.result import Result
from hsig.runs.provenance import digest_sweep


@dataclass(frozen=True, eq=False, repr=False)
class SweepResult(Result):
    """What became of every combination of some settings."""

    outcome: SweepOutcome
    _digest: str
    command: ClassVar[str] = SWEEP

    @property
    def digest(self) -> str:
        """Of everything that its numbers depend on: equal ones, equal bits."""
        return self._digest

    @property
    def axes(self) -> tuple[Axis, ...]:
        """What was swept."""
        return self.outcome.axes

    @property
    def cells(self) -> Mapping[tuple[str, ...], CellSummary | None]:
        """The numbers of each cell, by its values as texts; None where it was not trained."""
        return self.outcome.summaries

    @cached_property
    def page(self) -> Page:
        """What is told of it."""
        return sweep_page(self.axes, self.outcome.base, self.cells, self.outcome.differing)


def sweep(wanted: Sweep) -> SweepResult:
    """Train every cell, and keep none.

    Raises:
        RunError: If processes kept dying of some cells.
    """
    made: dict[tuple[str, ...], CellResult | None] = dict.fromkeys(wanted.cells)
    lost: list[str] = []
    for number, result in run_jobs(enumerate(wanted.experiments), local_pool(wanted.experiments)):
        if isinstance(result, LostCell):
            lost.append(result.reason)
        else:
            made[wanted.cells[number]] = result
    if lost:
        raise RunError(list(dict.fromkeys(lost)))
    outcome = SweepOutcome(wanted.axes, wanted.experiments[0], made, wanted.differing)
    return SweepResult(outcome, digest_sweep(wanted))
