"""Kept sweeps: each cell is a line of an append-only file, and none is trained twice."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from math import nan
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from hsig.analysis.parts import Part
from hsig.analysis.sweeps import CellSummary, SweepOutcome, find_shared_task, summarise_cell
from hsig.config.keys import SWEEP
from hsig.config.sweeps import load_sweep
from hsig.config.text import config_text
from hsig.config.values import plain
from hsig.engines.engine import NOT_REACHED
from hsig.errors import BusyError, ConfigError, RunError
from hsig.experiments.experiment import COSTS, Experiment, Outcome
from hsig.experiments.measures import Measures
from hsig.experiments.sweeps import ARRAYS, Axis, CellResult, Sweep, grid_cells
from hsig.runs.provenance import digest_cell, digest_cells, digest_sweep, keys_of
from hsig.runs.record import (
    TRAINED,
    encode_part,
    find_differing,
    load_kept_experiment,
    same_bits,
    within_precision,
)
from hsig.runs.store import (
    CELLS,
    RESULT,
    Journal,
    Record,
    as_damaged_record,
    describe_damage,
    read_file,
    read_journal,
    read_records,
    update_record,
    write_note,
    write_record,
)

Cell = tuple[str, ...]  # a value for each axis
CONFIG = "config.yaml"
_IRRELEVANT = ("workers", "report_every")  # to the numbers of a sweep
_TYPES = {"solved": np.bool_, "cost": np.float64}  # of the arrays that are no whole numbers


def encode_cell(number: int, result: CellResult) -> dict[str, Any]:
    """What a line of the journal says of a cell; the last axis runs fastest."""
    return {
        "number": number,
        "seeds": list(result.seeds),
        **{name: plain(getattr(result, name).tolist()) for name in ARRAYS},
        "measures": {
            name: plain(values.tolist())
            for name, values in vars(result.final).items()
            if not np.isnan(values).all()
        },
        "stops_at_loss": result.stops_at_loss,
        "error": result.failure,
    }


def decode_cell(text: bytes) -> tuple[int, CellResult]:
    """What a line of the journal means."""
    entry = json.loads(text)
    entry.setdefault("stopped_at", [NOT_REACHED] * len(entry["solved"]))  # in none before `stop_at`
    arrays: dict[str, Any] = {
        name: np.array([float(n) for n in entry[name]]).astype(_TYPES.get(name, np.int64))
        for name in ARRAYS
    }
    seeds = tuple(entry["seeds"])
    kept = {name: list(map(float, values)) for name, values in entry.get("measures", {}).items()}
    shape, unknown = (len(seeds), 1), [nan] * len(seeds)
    measures = Measures(
        **{
            field.name: np.reshape(kept.get(field.name, unknown), shape)
            for field in fields(Measures)
        }
    )
    return entry["number"], CellResult(
        seeds=seeds,
        measures=measures,
        **arrays,
        failure=entry["error"],
        stops_at_loss=entry.get("stops_at_loss", False),
    )


def read_cells(
    record: Record, keys: Collection[str] | None = None
) -> list[tuple[str, int, CellResult]]:
    """The key, number and result of each cell that a sweep has, or of those with some keys.

    A key is the digest of all that the numbers of a cell depend on; damaged lines are left out.
    """
    lines, _ = read_journal(record.folder / CELLS)
    with as_damaged_record(record.id, CELLS):
        return [(key, *decode_cell(text)) for key, text in lines if keys is None or key in keys]


def read_sweep(record: Record) -> SweepOutcome:
    """Read a kept sweep; one that goes on meanwhile, as it is by now."""
    results = {number: result for _, number, result in read_cells(record)}
    axes = tuple(Axis(name, tuple(values)) for name, values in record.axes.items())
    cells = {cell: results.get(number) for number, cell in enumerate(grid_cells(axes))}
    return SweepOutcome(axes, _load_base(record), cells, find_differing(record))


def _load_base(record: Record) -> Experiment:
    """The experiment of the first cell, as it was kept."""
    return load_kept_experiment(record, record.meta["parts"][0])


# --- again ---------------------------------------------------------------------------------------


def load_kept_sweep(record: Record, workers: str | None = None) -> Sweep:
    """The experiments of a kept sweep, from its config and flags as they were but for `workers`.

    Raises:
        ConfigError: If these mean something else by now.
    """
    kept, config = record.meta["sweep"], None
    if record.meta["configs"]:
        read_file(record, CONFIG)  # or it is damaged
        config = record.folder / CONFIG
    flags = kept["flags"] if workers is None else {**kept["flags"], "workers": workers}
    wanted = load_sweep(config, flags, folder=Path(kept["folder"]))
    before, now = keys_of(_load_base(record)), keys_of(wanted.experiments[0])
    changed = [name for name in now if now[name] != before[name] and name not in _IRRELEVANT]
    if changed or kept["axes"] != _encode_axes(wanted):
        raise ConfigError(
            f"{record.id}: its config means something else by now: "
            f"{', '.join(changed) or 'sweep'}. Give the config or the flags themselves: hsig sweep"
        )
    return wanted


def load_sweep_to_resume(record: Record, workers: str | None = None) -> Sweep:
    """The same for one that is to go on: with all that its numbers depend on as it was.

    Raises:
        ConfigError: If something has changed.
    """
    wanted = load_kept_sweep(record, workers)
    if digest_sweep(wanted) != record.digest:
        raise ConfigError(
            f"{record.id}: what its numbers depend on has changed since (versions, numerics, "
            "engine or processor), so its cells cannot stand beside new ones. To train all of them "
            "anew, give its config or its flags: hsig sweep"
        )
    return wanted


def compare_cells(
    kept: SweepOutcome, again: Mapping[Cell, CellResult], *, elsewhere: Collection[Cell] = ()
) -> tuple[list[str], list[str]]:
    """Compare a kept sweep with what was trained again, as `compare_outcomes` does, by cell."""
    bits: list[str] = []
    observations: list[str] = []
    observed = {"verdict", *([] if COSTS[kept.base.cost] in TRAINED else ["cost"])}
    for cell, before in kept.results.items():
        label, after = ", ".join(cell), again.get(cell)
        if before is None or after is None or bool(before.failure) != bool(after.failure):
            bits.append(f"{label}: one was not trained")
        elif cell not in elsewhere:
            for name in ARRAYS:
                is_observed = name in observed
                is_equal = within_precision if is_observed else same_bits
                if not is_equal(getattr(before, name), getattr(after, name)):
                    (observations if is_observed else bits).append(f"{label}: {name}")
    return bits, observations


def _encode_axes(wanted: Sweep) -> list[dict[str, Any]]:
    return [{"name": axis.name, "values": list(axis.values)} for axis in wanted.axes]


# --- ledger --------------------------------------------------------------------------------------


class Ledger:
    """The cells of a sweep that are there, those that are missing, and the place to keep more."""

    def __init__(self, runs: Path, wanted: Sweep) -> None:
        """Look up what all kept sweeps have of the cells of one."""
        self.summaries: dict[Cell, CellSummary | None] = dict.fromkeys(wanted.cells)
        self.problem: RunError | None = None  # why cells cannot be kept; they can be trained
        self.warnings: list[str] = []  # what is wrong with the record of this sweep
        self._started_at = monotonic()
        self._runs, self._wanted = runs, wanted
        self._keys = [digest_cell(experiment) for experiment in wanted.experiments]
        self._digest = digest_cells(self._keys)
        self._results: dict[str, CellResult] = {}
        self._record: Record | None = None  # of this sweep
        self._kept: set[int] = set()  # the numbers of the cells that it has
        self._journal: Journal | None = None
        with self._noting_problems():
            for record in read_records(runs)[0]:
                if record.digest == self._digest and self._record is None:
                    self._record = record
                    self.warnings += describe_damage(record)
                if record.is_sweep:
                    self._read(record)
        self._summarise()

    @contextmanager
    def _noting_problems(self) -> Iterator[None]:
        try:
            yield
        except BusyError:
            raise
        except RunError as problem:
            self.problem = problem

    def _read(self, record: Record) -> None:
        """Take what a sweep has; what failed in another one may be trained in this."""
        for key, number, result in read_cells(record, set(self._keys)):
            if record is self._record:
                self._kept.add(number)
            if record is self._record or not result.failure:
                self._results.setdefault(key, result)

    def _summarise(self) -> None:
        for cell, key in zip(self._wanted.cells, self._keys, strict=True):
            if self.summaries[cell] is None and key in self._results:
                self.summaries[cell] = self._summarise_cell(self._results[key])

    def _summarise_cell(self, result: CellResult) -> CellSummary:
        task = find_shared_task(self._wanted.experiments[0], self._wanted.axes)
        return summarise_cell(result, task)

    @property
    def _is_whole(self) -> bool:
        return len(self._kept) == len(self._keys)

    def open(
        self,
        config: Path | None,
        flags: Mapping[str, str],
        *,
        arguments: Sequence[str],
        started: datetime,
    ) -> None:
        """Be ready to keep more: go on with the record of this sweep, or begin one.

        A new record is from `config` and `flags`, by key as typed, or from flags alone.

        Raises:
            BusyError: If another process is at the same sweep.
        """
        record = self._record
        if self.problem or (record and record.complete and self._is_whole and not self.warnings):
            return
        with self._noting_problems():
            if record is None:
                record = self._begin_record(config, flags, arguments, started)
            self._journal = Journal(record.folder / CELLS)
            if record.complete:  # not any more: something is damaged
                record = update_record(record, {"complete": False}, {})
            self._record = record
            self._read(record)  # what another process may have added before it let go
            self._summarise()
            for number in range(len(self._keys)):
                self._append(number)

    def _begin_record(
        self,
        config: Path | None,
        flags: Mapping[str, str],
        arguments: Sequence[str],
        started: datetime,
    ) -> Record:
        """Write a new record, whose cells are to come."""
        first = self._wanted.experiments[0]
        part = encode_part(Part("", first, Outcome(first, ())))
        part["experiment"] |= dict.fromkeys(self._wanted.differing)
        return write_record(
            self._runs,
            started=started,
            about={
                "command": SWEEP,
                "arguments": list(arguments),
                "seconds": 0.0,
                "complete": False,
                "digest": self._digest,
                "parts": [part],
                "sweep": {
                    "axes": _encode_axes(self._wanted),
                    "flags": dict(flags),
                    "folder": str((config.parent if config else Path()).resolve()),
                },
            },
            configs={str(config): config_text(config)} if config else {},
            files={},
        )

    def set_note(self, name: str | None, text: str | None) -> None:
        """Change what the record is called, if it is there and something is given."""
        if self._record is not None and (name is not None or text is not None):
            with self._noting_problems():
                write_note(self._record.folder, name, text)

    def missing(self) -> list[tuple[int, Experiment]]:
        """The cells that are still to be trained, with their numbers."""
        return [
            (number, experiment)
            for number, experiment in enumerate(self._wanted.experiments)
            if self._keys[number] not in self._results
        ]

    def add(self, number: int, result: CellResult) -> None:
        """Keep what became of a cell; it is known even if the disk does not take it."""
        self._results[self._keys[number]] = result
        self.summaries[self._wanted.cells[number]] = self._summarise_cell(result)
        self._append(number)

    def _append(self, number: int) -> None:
        key = self._keys[number]
        if self._journal is not None and key in self._results and number not in self._kept:
            self._journal.append(key, encode_cell(number, self._results[key]))
            self._kept.add(number)

    def close(self, result: Callable[[], str]) -> None:
        """Have it all on the disk; a whole sweep gets its result, what `--format json` prints."""
        if self._journal is None or self._record is None:
            return
        try:
            if self.problem is None:
                seconds = self._record.meta["seconds"] + monotonic() - self._started_at
                about = {"seconds": round(seconds, 3), "complete": self._is_whole}
                files = {RESULT: result().encode()} if self._is_whole else {}
                self._record = update_record(self._record, about, files)
        finally:
            self._journal.close()
            self._journal = None
