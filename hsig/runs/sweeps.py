"""The record of a sweep: which cells are there, which are missing, and the place to keep more.

While it grows, its cells are lines of `cells.log`; when it is whole, they are packed into arrays.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from hsig.analysis.sweeps import SweepOutcome
from hsig.config.loading import load_resolved
from hsig.config.sweeps import load_sweep
from hsig.errors import ConfigError
from hsig.experiments.sweeps import ARRAYS, Axis, CellResult, Sweep, cells_of
from hsig.experiments.verdicts import DEAD, SATURATED, VERDICTS
from hsig.runs.folder import (
    RUN,
    SEEDS,
    Record,
    cell_lines,
    checked,
    steady,
)
from hsig.runs.outcomes import same_bits
from hsig.runs.provenance import cell_key, keys_of, sweep_digest
from hsig.runs.shape import sense
from hsig.runs.sweep_cells import result_of, unpacked

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
    return SweepOutcome(axes, base, {cell: found.get(cell) for cell in cells_of(axes)})


def _cells_of(record: Record) -> dict[tuple[str, ...], CellResult]:
    """What a kept sweep has of each cell."""
    if record.packed:
        results = [result for _, result in unpacked(record)]
        with sense(record.folder / SEEDS):
            return dict(zip(cells_of(_kept_axes(record)), results, strict=True))
    found: dict[tuple[str, ...], CellResult] = {}
    for line in filter(None, cell_lines(record)):
        cell, result = tuple(line["cell"]), result_of(line)
        found[cell] = found[cell].with_more(result) if cell in found else result
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
