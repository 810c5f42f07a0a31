"""The cells of a sweep: which are there, which are missing, and the place to keep more."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from hsig.config import Axis, Sweep, cells_of, load_resolved
from hsig.errors import BusyError, RunError
from hsig.experiment import Experiment
from hsig.journal import Journal, read_journal
from hsig.records import (
    CELLS,
    RUN,
    Record,
    begin_sweep,
    cell_entry,
    cell_key,
    cell_result,
    finish_sweep,
    sweep_digest,
    sweeps_in,
)
from hsig.sweep import CellResult, CellSummary, summarise_cell

Summaries = dict[tuple[str, ...], CellSummary | None]


class Ledger:
    """A sweep that is going on: its cells by their number, and the record that keeps them.

    Attributes:
        problem: Why cells cannot be kept, if so; they can be trained and shown all the same.
    """

    def __init__(
        self,
        runs: Path,
        wanted: Sweep,
        *,
        config: Path,
        flags: Mapping[str, str],
        arguments: Sequence[str],
        started: datetime,
    ) -> None:
        """Go on with the record of this sweep or begin one, with what others have of its cells.

        Raises:
            BusyError: If another process is at the same sweep.
        """
        self._wanted = wanted
        self._keys = [cell_key(experiment) for experiment in wanted.experiments]
        self._results: dict[str, CellResult] = {}
        self._record: Record | None = None
        self._journal: Journal | None = None
        self.problem: RunError | None = None
        try:
            record, known = self._earlier(runs)
            self._record = record or begin_sweep(
                runs,
                arguments=arguments,
                config=config,
                text=config.read_text(encoding="utf-8-sig"),
                axes=wanted.axes,
                flags=flags,
                experiments=wanted.experiments,
                started=started,
            )
            self._journal = Journal(self._record.folder / CELLS)
            for entry in self._journal.records:
                self._add(entry["key"], cell_result(entry))
            for number, key in enumerate(self._keys):
                if key in known:
                    self._take(number, known[key])
        except BusyError:
            raise
        except RunError as problem:
            self.problem = problem

    def _earlier(self, runs: Path) -> tuple[Record | None, dict[str, CellResult]]:
        """The record of the same sweep, if there is one, and what others have of its cells."""
        digest, keys = sweep_digest(self._wanted.experiments), set(self._keys)
        same: Record | None = None
        known: dict[str, CellResult] = {}
        for record, entries in sweeps_in(runs):
            if record.digest == digest:
                same = record
                continue
            for entry in entries:
                key = entry["key"]
                if key in keys and not entry["error"]:
                    result = cell_result(entry)
                    known[key] = known[key].with_more(result) if key in known else result
        return same, known

    def _take(self, number: int, known: CellResult) -> None:
        """Keep what another sweep has of the seeds that a cell lacks."""
        there = set(known.seeds)
        taken = [seed for seed in self._lacking(number) if seed in there]
        if taken:
            self.note(number, known.of(taken))

    def _add(self, key: str, result: CellResult) -> None:
        before = self._results.get(key)
        self._results[key] = result if before is None else before.with_more(result)

    def _lacking(self, number: int) -> tuple[int, ...]:
        """The seeds of a cell that are not there."""
        seeds, result = (
            self._wanted.experiments[number].seeds,
            self._results.get(self._keys[number]),
        )
        if result is None:
            return seeds
        there = set(result.seeds)
        return () if result.error else tuple(seed for seed in seeds if seed not in there)

    def missing(self) -> list[tuple[int, Experiment]]:
        """What is still to be trained: the number of each cell, with the seeds that it lacks."""
        return [
            (number, replace(experiment, seeds=seeds))
            for number, experiment in enumerate(self._wanted.experiments)
            if (seeds := self._lacking(number))
        ]

    def note(self, number: int, result: CellResult) -> None:
        """Keep what became of a cell.

        Raises:
            RunError: If the disk does not take it; it is known all the same.
        """
        self._add(self._keys[number], result)
        if self._journal is not None:
            entry = cell_entry(self._keys[number], self._wanted.cells[number], result)
            self._journal.append(entry)

    def summaries(self) -> Summaries:
        """The numbers of each cell; None where seeds are missing."""
        made: Summaries = {}
        for number, cell in enumerate(self._wanted.cells):
            result, seeds = self._results.get(self._keys[number]), self._wanted.experiments[number]
            if result is None or self._lacking(number):
                made[cell] = None
            else:
                made[cell] = summarise_cell(result if result.error else result.of(seeds.seeds))
        return made

    def close(self, result: Callable[[], str]) -> None:
        """Have it all on the disk; a whole sweep gets its result, as `--format json` has it."""
        if self._journal is not None:
            self._journal.close()
        if self._record is not None and self.problem is None and not self.missing():
            finish_sweep(self._record, result())


def read_sweep(record: Record) -> tuple[Sweep, Summaries]:
    """A kept sweep, with the experiment of its first cell alone, and its cells."""
    axes = tuple(
        Axis(axis["name"], tuple(axis["values"])) for axis in record.about["sweep"]["axes"]
    )
    base = load_resolved(record.about["parts"][0]["experiment"], str(record.folder / RUN))
    results: dict[tuple[str, ...], CellResult] = {}
    for entry in read_journal(record.folder / CELLS):
        cell, result = tuple(entry["cell"]), cell_result(entry)
        results[cell] = results[cell].with_more(result) if cell in results else result
    chosen = tuple(cells_of(axes))
    return Sweep(axes, chosen, (base,)), {
        cell: summarise_cell(results[cell]) if cell in results else None for cell in chosen
    }
