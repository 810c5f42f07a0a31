"""The record of a sweep: which cells are there, which are missing, and the place to keep more.

While it grows, its cells are lines of `cells.log`; when it is whole, they are packed into arrays.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from hsig.analysis.sweeps import CellSummary, SweepOutcome, summarise_cell
from hsig.config.loading import load_resolved
from hsig.config.sweeps import load_sweep
from hsig.errors import BusyError, ConfigError, RunError
from hsig.experiments.experiment import Experiment
from hsig.experiments.sweeps import ARRAYS, Axis, CellResult, Sweep, cells_of
from hsig.experiments.verdicts import DEAD, SATURATED, VERDICTS
from hsig.runs.folder import CELLS, RESULT, RUN, SEEDS, Record, amend, checked, every, put, read
from hsig.runs.journal import Journal, read_journal
from hsig.runs.names import write_note
from hsig.runs.outcomes import same_bits
from hsig.runs.provenance import cell_key, keys_of, sweep_digest
from hsig.runs.sweep_cells import line_of, packed, result_of, results_of, unpacked

CONFIG = "config.yaml"
_OUTLOOKS = 2  # the numerics from which on verdicts are by what could still happen


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
                    self._read(record)
                    self._same = record
                except RunError as problem:  # a new one will do
                    remedy = f"hsig runs rm {record.id}"
                    self.warnings += [f"{m}. To remove it: {remedy}" for m in problem.messages]
            elif record.command == "sweep":
                with suppress(RunError):  # what is damaged elsewhere is trained again
                    for key, result in results_of(record, keys):
                        if not result.failure:
                            known[key] = known[key].with_more(result) if key in known else result
        for number, key in enumerate(self._keys):
            there = set(known[key].seeds) if key in known else set()
            taken = [seed for seed in self._lacking(number) if seed in there]
            if taken:
                self._taken.append((number, known[key].of(taken)))
                self._add(key, known[key].of(taken))

    def _read(self, record: Record) -> None:
        for key, result in results_of(record, set(self._keys)):
            self._add(key, result)

    def _add(self, key: str, result: CellResult) -> None:
        before = self._results.get(key)
        self._results[key] = result if before is None else before.with_more(result)

    def open(
        self,
        *,
        config: Path | None,
        flags: Mapping[str, str],
        arguments: Sequence[str],
        started: datetime,
    ) -> None:
        """Be ready to keep more: go on with the record of this sweep, or begin one.

        Raises:
            BusyError: If another process is at the same sweep.
        """
        if self.problem is not None:
            return
        try:
            if self._same is None:
                self._same = _begin(
                    self._runs, self._wanted, self._digest, config, flags, arguments, started
                )
            if not self._same.complete:
                self._journal = Journal(self._same.folder / CELLS)
                self._read_on(self._same.folder)
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
        self._same = read(folder)
        self._read(self._same)
        for number in range(len(self._keys)):
            self._summarise(number)
        if self._same.complete:
            self._end_journal()

    def _end_journal(self) -> None:
        """Take it away; who opens it meanwhile sees first that the record is complete."""
        if self._journal is not None and self._same is not None:
            self._journal.close()
            self._journal = None
            (self._same.folder / CELLS).unlink(missing_ok=True)

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


def read_sweep(record: Record) -> SweepOutcome:
    """A kept sweep.

    Raises:
        RunError: If a file of the record is missing or was changed.
    """
    axes = tuple(
        Axis(axis["name"], tuple(axis["values"])) for axis in record.about["sweep"]["axes"]
    )
    base = load_resolved(record.about["parts"][0]["experiment"], str(record.folder / RUN))
    cells = cells_of(axes)
    found: dict[tuple[str, ...], CellResult] = {}
    if record.complete:
        found = dict(zip(cells, (result for _, result in unpacked(record)), strict=True))
    else:
        for entry in read_journal(record.folder / CELLS):
            cell, result = tuple(entry["cell"]), result_of(entry)
            found[cell] = found[cell].with_more(result) if cell in found else result
    if record.numerics < _OUTLOOKS:
        found = {cell: _in_todays_words(result) for cell, result in found.items()}
    return SweepOutcome(axes, base, {cell: found.get(cell) for cell in cells})


def _in_todays_words(result: CellResult) -> CellResult:
    """Of a cell of before there were outlooks: what was `dead` then is saturated at least."""
    dead, saturated = VERDICTS.index(DEAD), VERDICTS.index(SATURATED)
    return replace(result, verdict=np.where(result.verdict == dead, saturated, result.verdict))


def config_of(record: Record) -> Path | None:
    """The config of a kept sweep, if it had one and not flags alone."""
    return record.folder / CONFIG if record.about["configs"] else None


def sweep_again(record: Record, workers: str | None = None) -> Sweep:
    """The experiments of a kept sweep, from its config as it was.

    Args:
        record: The sweep.
        workers: How many, if not as many as then; the numbers do not depend on it.

    Raises:
        ConfigError: If that means something else by now.
        RunError: If the config is missing or was changed.
    """
    about, config = record.about, config_of(record)
    if config is not None:
        checked(record, CONFIG)
    flags = about["sweep"]["flags"] | ({} if workers is None else {"workers": workers})
    wanted = load_sweep(config, flags, folder=Path(about["sweep"]["folder"]))
    kept = load_resolved(about["parts"][0]["experiment"], str(record.folder / RUN))
    before, now = keys_of(kept), keys_of(wanted.experiments[0])
    changed = [name for name in now if now[name] != before[name] and name != "workers"]
    if changed or about["sweep"]["axes"] != _axes(wanted):
        raise ConfigError(
            f"{record.id}: its config means something else by now: "
            f"{', '.join(changed) or 'sweep'}. Give the config or the flags themselves: hsig sweep"
        )
    return wanted


def sweep_to_resume(record: Record, workers: str | None = None) -> Sweep:
    """The experiments of a sweep that is to go on.

    Args:
        record: The sweep.
        workers: How many, if not as many as before.

    Raises:
        ConfigError: If what its numbers depend on has changed, or its config.
        RunError: If the config is missing or was changed.
    """
    wanted = sweep_again(record, workers)
    if not same_digest(record, wanted):
        raise ConfigError(
            f"{record.id}: what its numbers depend on has changed since (versions, numerics, "
            "engine or processor), so its cells cannot stand beside new ones. To train all of them "
            "anew, give its config or its flags: hsig sweep"
        )
    return wanted


def same_digest(record: Record, wanted: Sweep) -> bool:
    """Whether all that the numbers of a kept sweep depend on is as it was."""
    return digest_of(wanted) == record.digest


def digest_of(wanted: Sweep) -> str:
    """Of everything that the numbers of a sweep depend on."""
    keys = [cell_key(experiment) for experiment in wanted.experiments]
    return sweep_digest(keys, wanted.experiments)


def different_cells(kept: SweepOutcome, again: Mapping[tuple[str, ...], CellResult]) -> list[str]:
    """Which numbers of a kept sweep do not have the same bits as again, as `values: name`."""
    different = []
    for cell, before in kept.results.items():
        where, after = ", ".join(cell), again.get(cell)
        if before is None or after is None or bool(before.failure) != bool(after.failure):
            different.append(f"{where}: one was not trained")
        else:
            different += [
                f"{where}: {name}"
                for name in ARRAYS
                if not same_bits(getattr(before, name), getattr(after, name))
            ]
    return different


def _begin(
    runs: Path,
    wanted: Sweep,
    digest: str,
    config: Path | None,
    flags: Mapping[str, str],
    arguments: Sequence[str],
    started: datetime,
) -> Record:
    """A new record, whose cells are to come."""
    first = wanted.experiments[0]
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
        configs={} if config is None else {str(config): config.read_text(encoding="utf-8-sig")},
        files={},
        more={
            "sweep": {
                "axes": _axes(wanted),
                "flags": dict(flags),
                "folder": str((Path() if config is None else config.parent).resolve()),
            },
            "parts": [part],
        },
    )


def _axes(wanted: Sweep) -> list[dict[str, Any]]:
    return [{"name": axis.name, "values": list(axis.values)} for axis in wanted.axes]
