"""The record of a sweep that is going on: which cells are there, which are missing, and more."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from time import monotonic

from hsig.analysis.sweeps import CellSummary, summarise_cell
from hsig.config.yaml_text import text_read
from hsig.errors import BusyError, RunError
from hsig.experiments.experiment import Experiment
from hsig.experiments.sweeps import CellResult, Sweep
from hsig.runs.folder import CELLS, RESULT, SEEDS, Record, damage, every, read, steady
from hsig.runs.journal import Journal
from hsig.runs.keeping import amend, put
from hsig.runs.names import write_note
from hsig.runs.provenance import cell_key, keys_of, sweep_digest
from hsig.runs.sweep_cells import line_of, packed, results_of
from hsig.runs.sweeps import Origin, axes_of


class Ledger:
    """A sweep that is going on: its cells by their number, and the record that keeps them.

    Attributes:
        summaries: The numbers of each cell by its values; None where seeds are missing.
        problem: Why cells cannot be kept, if so; they can be trained and shown all the same.
        warnings: What is wrong with records that had to be passed over.
    """

    def __init__(self, runs: Path, wanted: Sweep) -> None:
        """Look up what there is of a sweep's cells, in its own record and in those of others."""
        self._began = monotonic()
        self._runs, self._wanted = runs, wanted
        self._keys = [cell_key(experiment) for experiment in wanted.experiments]
        self._digest = sweep_digest(self._keys, wanted.experiments)
        self._results: dict[str, CellResult] = {}
        self._taken: list[tuple[int, CellResult]] = []  # from other sweeps
        self._same: Record | None = None
        self._journal: Journal | None = None
        self.summaries: dict[tuple[str, ...], CellSummary | None] = dict.fromkeys(wanted.cells)
        self.problem: RunError | None = None
        self.warnings: list[str] = []
        try:
            self._look_up()
        except RunError as problem:
            self.problem = problem
        for number in range(len(self._keys)):
            self._summarise(number)

    def _look_up(self) -> None:
        """Take what this sweep's record has of its cells, and of the rest what others have."""
        keys = set(self._keys)
        known: dict[str, CellResult] = {}
        for record in reversed(every(self._runs)[0]):
            if record.digest == self._digest:
                try:
                    self._same = self._read(record)
                    self.warnings += damage(self._same)
                except RunError as problem:  # a new one will do
                    remedy = f"hsig runs rm {record.id}"
                    self.warnings += [f"{m}. To remove it: {remedy}" for m in problem.messages]
            elif record.command == "sweep":
                with suppress(RunError):  # what is damaged elsewhere is trained again
                    for key, result in steady(record, partial(_found, keys))[1]:
                        if not result.failure:
                            known[key] = known[key].with_more(result) if key in known else result
        for number, key in enumerate(self._keys):
            there = set(known[key].seeds) if key in known else set()
            taken = [seed for seed in self._lacking(number) if seed in there]
            if taken:
                self._taken.append((number, known[key].of(taken)))
                self._add(key, known[key].of(taken))

    def _read(self, record: Record) -> Record:
        """Take what a record has, and give it as it was then."""
        record, found = steady(record, partial(_found, set(self._keys)))
        for key, result in found:
            self._add(key, result)
        return record

    def _add(self, key: str, result: CellResult) -> None:
        before = self._results.get(key)
        self._results[key] = result if before is None else before.with_more(result)

    def open(
        self,
        origin: Origin,
        *,
        arguments: Sequence[str],
        started: datetime,
    ) -> None:
        """Be ready to keep more: go on with the record of this sweep, or begin one.

        Args:
            origin: What a new record is to have of where the sweep is from.
            arguments: The words of the command line.
            started: When, in UTC.

        Raises:
            BusyError: If another process is at the same sweep.
        """
        if self.problem is not None:
            return
        try:
            if self._same is None:
                self._same = _begin(
                    self._runs, self._wanted, self._digest, origin, arguments, started
                )
            if not self._same.complete:
                self._journal = Journal(self._same.folder / CELLS)
                self._read_on(self._same.folder)
            elif self._same.packed:
                self._end_journal()  # of a process that was killed
            for number, result in self._taken:
                self._append(number, result)
        except BusyError:
            raise
        except RunError as problem:
            self.problem = problem

    def call(self, name: str | None, text: str | None) -> None:
        """Change what the record is called, if it is there and something is given."""
        if self._same is None or (name is None and text is None):
            return
        try:
            write_note(self._same.folder, name, text)
        except RunError as problem:
            self.problem = problem

    def _read_on(self, folder: Path) -> None:
        """Take what another process may just have added to the record, or finished."""
        self._same = self._read(read(folder))
        for number in range(len(self._keys)):
            self._summarise(number)
        if self._same.packed:
            self._end_journal()

    def _end_journal(self) -> None:
        """Take it away; who opens it meanwhile sees first that the record is complete."""
        journal, self._journal = self._journal, None
        if journal is not None:
            with suppress(RunError):  # nobody needs it any more
                journal.close()
        if self._same is not None:
            with suppress(OSError):  # beside arrays it is no part of the record
                (self._same.folder / CELLS).unlink()

    def _lacking(self, number: int) -> tuple[int, ...]:
        """The seeds of a cell that are not there."""
        seeds = self._wanted.experiments[number].seeds
        result = self._results.get(self._keys[number])
        if result is None:
            return seeds
        there = set(result.seeds)
        return () if result.failure else tuple(seed for seed in seeds if seed not in there)

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
        self._summarise(number)
        self._append(number, result)

    def _append(self, number: int, result: CellResult) -> None:
        if self._journal is not None:
            entry = line_of(self._keys[number], self._wanted.cells[number], result)
            self._journal.append(entry)

    def _result(self, number: int) -> CellResult | None:
        """Of a cell with all its seeds, in their order."""
        result = self._results.get(self._keys[number])
        if result is None or self._lacking(number):
            return None
        return result if result.failure else result.of(self._wanted.experiments[number].seeds)

    def _summarise(self, number: int) -> None:
        cell = self._wanted.cells[number]
        result = self._result(number) if self.summaries[cell] is None else None
        if result is not None:
            self.summaries[cell] = summarise_cell(result)

    def close(self, result: Callable[[], str]) -> None:
        """Have it all on the disk; a whole sweep gets its arrays, and its result.

        Args:
            result: What `--format json` prints.

        Raises:
            RunError: If the disk does not take it.
        """
        if self._journal is None or self._same is None:
            return
        try:
            if self.problem is not None:
                return
            whole = not self.missing()
            files = {}
            if whole:
                results = [self._result(number) for number in range(len(self._keys))]
                files = {SEEDS: packed(self._keys, results), RESULT: result().encode()}
            amend(
                self._same,
                seconds=self._same.about["seconds"] + monotonic() - self._began,
                complete=whole,
                files=files,
            )
            if whole:
                self._end_journal()
        finally:
            if self._journal is not None:
                self._journal.close()


def _found(keys: set[str], record: Record) -> list[tuple[str, CellResult]]:
    return [*results_of(record, keys)]


def _begin(
    runs: Path,
    wanted: Sweep,
    digest: str,
    origin: Origin,
    arguments: Sequence[str],
    started: datetime,
) -> Record:
    """A new record, whose cells are to come."""
    first, config = wanted.experiments[0], origin.config
    part = {
        "name": "",
        "layers": "",
        "is_config": False,
        "labels": [first.variants[0].label],
        "experiment": keys_of(first),
        "results": [],
    }
    return put(
        runs,
        command="sweep",
        arguments=arguments,
        started=started,
        seconds=0.0,
        complete=False,
        digest=digest,
        configs={} if config is None else {origin.given: text_read(config)},
        files={},
        more={
            "sweep": {
                "axes": axes_of(wanted),
                "flags": dict(origin.flags),
                "folder": str(origin.folder),
            },
            "parts": [part],
        },
    )
