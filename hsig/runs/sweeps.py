"""Sweeps that are kept, and those that go on."""

import io
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import numpy as np

from hsig.analysis.sweeps import CellSummary, SweepOutcome, summarise_cell
from hsig.config.loading import load_resolved
from hsig.config.sweeps import load_sweep
from hsig.config.text import text_read
from hsig.config.values import plain
from hsig.errors import BusyError, ConfigError, RunError
from hsig.experiments.experiment import Experiment
from hsig.experiments.sweeps import ARRAYS, Axis, CellResult, Sweep, grid_cells
from hsig.experiments.verdicts import DEAD, SATURATED, VERDICTS
from hsig.runs.provenance import cell_key, keys_of, sweep_digest
from hsig.runs.record import same_bits
from hsig.runs.store import (
    CELLS,
    RESULT,
    RUN,
    SEEDS,
    Journal,
    Record,
    agree,
    amend,
    cell_lines,
    checked,
    damage,
    every,
    put,
    read,
    sense,
    steady,
    write_note,
)

# --- sweep cells ---------------------------------------------------------------------------------

# The cells of a sweep in its record: a line each while it grows, arrays when it is whole.


def packed(keys: Sequence[str], results: Sequence[CellResult | None]) -> bytes:
    """The arrays of a whole sweep: an entry for each cell and seed, and two for each cell."""
    there = [result for result in results if result is not None]
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(result, name) for result in there]) for name in ARRAYS
    }
    made = io.BytesIO()
    np.savez_compressed(
        made,
        cell=np.repeat(np.arange(len(there)), [len(result.seeds) for result in there]),
        seed=np.array([seed for result in there for seed in result.seeds], dtype=np.int64),
        **arrays,
        key=np.array(keys),
        error=np.array([result.failure for result in there]),
    )
    return made.getvalue()


def results_of(record: Record, keys: set[str]) -> Iterator[tuple[str, CellResult]]:
    """What a sweep has of the cells with these keys.

    Raises:
        RunError: If what has them is missing or was changed; what is damaged of lines is left out.
    """
    if record.packed:
        yield from (cell for cell in unpacked(record, keys) if cell[0] in keys)
    else:
        lines = filter(None, cell_lines(record))
        yield from ((line["key"], result_of(line)) for line in lines if line["key"] in keys)


def unpacked(record: Record, keys: set[str] | None = None) -> list[tuple[str, CellResult]]:
    """The results of a whole sweep in the order of its cells; none if it has none of the keys.

    Raises:
        RunError: If the arrays are missing, were changed, or do not go together.
    """
    data = checked(record, SEEDS)
    with sense(record.folder / SEEDS), np.load(io.BytesIO(data), allow_pickle=False) as file:
        found, errors = file["key"].tolist(), file["error"].tolist()
        if keys is not None and keys.isdisjoint(found):
            return []
        cell, seeds, arrays = file["cell"], file["seed"], {name: file[name] for name in ARRAYS}
        counts = np.bincount(cell, minlength=len(found))
        if not np.array_equal(cell, np.repeat(np.arange(len(found)), counts)):
            raise ValueError("cells out of order")
        ends = np.cumsum(counts)[:-1]
        own = {name: np.split(_as(array, name, len(cell)), ends) for name, array in arrays.items()}
        of = np.split(_as(seeds, "seed", len(cell)), ends)
        if not agree(arrays["solved"], arrays["solved_at"], arrays["verdict"]):
            raise ValueError("verdicts of other seeds than were solved")
        return [
            (
                key,
                CellResult(
                    seeds=tuple(of[n].tolist()),
                    **{name: parts[n] for name, parts in own.items()},
                    failure=error,
                ),
            )
            for n, (key, error) in enumerate(zip(found, errors, strict=True))
        ]


def _as(array: Any, name: str, rows: int) -> Any:
    """The array, if it is one of as many numbers, of the kind that it is to have."""
    if array.shape != (rows,) or array.dtype != _TYPES.get(name, np.int64):
        raise ValueError(f"{name}: expected {rows} numbers of their kind")
    return array


def line_of(key: str, cell: Sequence[str], result: CellResult) -> dict[str, Any]:
    """A line of `cells.log`."""
    return {
        "key": key,
        "cell": list(cell),
        "seeds": list(result.seeds),
        **{name: plain(getattr(result, name).tolist()) for name in ARRAYS},
        "error": result.failure,
    }


_TYPES = {"solved": np.bool_, "cost": np.float64}


def result_of(entry: Mapping[str, Any]) -> CellResult:
    """What a line of `cells.log` says."""
    arrays: dict[str, Any] = {
        name: np.array([float(n) for n in entry[name]]).astype(_TYPES.get(name, np.int64))
        for name in ARRAYS
    }
    return CellResult(seeds=tuple(entry["seeds"]), **arrays, failure=entry["error"])


# --- sweeps --------------------------------------------------------------------------------------

# The record of a sweep: which cells are there, which are missing, and the place to keep more.
#
# While it grows, its cells are lines of `cells.log`; when it is whole, they are packed into
# arrays.

CONFIG = "config.yaml"
_NO_MATTER = ("workers", "report_every")  # to the numbers of a sweep
_OUTLOOKS = 2  # the numerics from which on verdicts are by what could still happen


def read_sweep(record: Record) -> SweepOutcome:
    """A kept sweep; one that goes on meanwhile, as it is by now.

    Raises:
        RunError: If a file of the record is missing or was changed.
    """
    record, found = steady(record, _cells_of)
    if record.numerics < _OUTLOOKS:
        found = {cell: _in_todays_words(result) for cell, result in found.items()}
    base = load_resolved(record.about["parts"][0]["experiment"], str(record.folder / RUN))
    axes = _kept_axes(record)
    return SweepOutcome(axes, base, {cell: found.get(cell) for cell in grid_cells(axes)})


def _cells_of(record: Record) -> dict[tuple[str, ...], CellResult]:
    """What a kept sweep has of each cell."""
    if record.packed:
        results = [result for _, result in unpacked(record)]
        with sense(record.folder / SEEDS):
            return dict(zip(grid_cells(_kept_axes(record)), results, strict=True))
    found: dict[tuple[str, ...], CellResult] = {}
    for line in filter(None, cell_lines(record)):
        cell, result = tuple(line["cell"]), result_of(line)
        found[cell] = found[cell].merge_missing_seeds(result) if cell in found else result
    return found


def _kept_axes(record: Record) -> tuple[Axis, ...]:
    axes = record.about["sweep"]["axes"]
    return tuple(Axis(axis["name"], tuple(axis["values"])) for axis in axes)


def _in_todays_words(result: CellResult) -> CellResult:
    """Of a cell of before there were outlooks: what was `dead` then is saturated at least."""
    dead, saturated = VERDICTS.index(DEAD), VERDICTS.index(SATURATED)
    return replace(result, verdict=np.where(result.verdict == dead, saturated, result.verdict))


class Origin(NamedTuple):
    """Where a sweep is from.

    Attributes:
        config: Its file, if it has one and not flags alone.
        flags: By key, as typed.
        folder: What file names in them are relative to.
        given: What its config was called.
    """

    config: Path | None
    flags: Mapping[str, str]
    folder: Path
    given: str = ""

    @classmethod
    def typed(cls, config: Path | None, flags: Mapping[str, str]) -> "Origin":
        """Of what somebody typed."""
        folder = (Path() if config is None else config.parent).resolve()
        return cls(config, flags, folder, str(config or ""))


def origin_of(record: Record) -> Origin:
    """Where a kept sweep was from: its config as it was, and the folder of that.

    In the first records there is no folder: it is then the one that the config's name has.
    """
    about = record.about
    given = next(iter(about["configs"].values()), "")
    folder = about["sweep"].get("folder") or Path(given).parent
    config = record.folder / CONFIG if given else None
    return Origin(config, about["sweep"]["flags"], Path(folder), given)


def sweep_again(record: Record, workers: str | None = None) -> Sweep:
    """The experiments of a kept sweep, from its config as it was.

    Args:
        record: The sweep.
        workers: How many, if not as many as then; the numbers do not depend on it.

    Raises:
        ConfigError: If that means something else by now.
        RunError: If the config is missing or was changed.
    """
    about, origin = record.about, origin_of(record)
    if origin.config is not None:
        checked(record, CONFIG)
    flags = {**origin.flags, **({} if workers is None else {"workers": workers})}
    try:
        wanted = load_sweep(origin.config, flags, folder=origin.folder)
    except ConfigError as problem:
        if "folder" in about["sweep"]:
            raise
        told = (
            f"{record.id}: was kept without the folder that file names are relative to. Try in it"
        )
        raise ConfigError([*problem.messages, told]) from None
    kept = load_resolved(about["parts"][0]["experiment"], str(record.folder / RUN))
    before, now = keys_of(kept), keys_of(wanted.experiments[0])
    changed = [name for name in now if now[name] != before.get(name) and name not in _NO_MATTER]
    if changed or about["sweep"]["axes"] != axes_of(wanted):
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
            "engine, processor or record), so its cells cannot stand beside new ones. To train all "
            "of them anew, give its config or its flags: hsig sweep"
        )
    return wanted


def same_digest(record: Record, wanted: Sweep) -> bool:
    """Whether all that the numbers of a kept sweep depend on is as it was."""
    return digest_of(wanted) == record.digest


def digest_of(wanted: Sweep) -> str:
    """Of everything that the numbers of a sweep depend on."""
    keys = [cell_key(experiment) for experiment in wanted.experiments]
    return sweep_digest(keys, wanted.experiments)


def different_cells(
    kept: SweepOutcome,
    again: Mapping[tuple[str, ...], CellResult],
    *,
    elsewhere: Collection[tuple[str, ...]] = (),
) -> tuple[list[str], list[str]]:
    """Compare a kept sweep with what was trained again, as `different_arrays` does.

    Args:
        kept: The sweep.
        again: What was trained again, by cell.
        elsewhere: Cells that are not compared: they were trained on another machine, by an engine
            whose bits depend on that.

    Returns:
        The trained numbers whose bits differ and the verdicts that do, as `values: name`.
    """
    bits: list[str] = []
    observations: list[str] = []
    for cell, before in kept.results.items():
        where, after = ", ".join(cell), again.get(cell)
        if before is None or after is None or bool(before.failure) != bool(after.failure):
            bits.append(f"{where}: one was not trained")
        elif cell not in elsewhere:
            for name in ARRAYS:
                if not same_bits(getattr(before, name), getattr(after, name)):
                    found = observations if name == "verdict" else bits
                    found.append(f"{where}: {name}")
    return bits, observations


def axes_of(wanted: Sweep) -> list[dict[str, Any]]:
    """What is swept, as `run.json` has it."""
    return [{"name": axis.name, "values": list(axis.values)} for axis in wanted.axes]


# --- ledger --------------------------------------------------------------------------------------

# The record of a sweep that is going on: which cells are there, which are missing, and more.


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
                            known[key] = (
                                known[key].merge_missing_seeds(result) if key in known else result
                            )
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
        self._results[key] = result if before is None else before.merge_missing_seeds(result)

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
