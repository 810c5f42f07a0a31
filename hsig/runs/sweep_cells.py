"""The cells of a sweep in its record: a line each while it grows, arrays when it is whole."""

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from hsig.config.values import plain
from hsig.experiments.sweeps import ARRAYS, CellResult
from hsig.runs.folder import CELLS, SEEDS, Record, checked
from hsig.runs.journal import read_journal


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
    """What a sweep has of the cells with these keys."""
    if record.complete:
        yield from (cell for cell in unpacked(record, keys) if cell[0] in keys)
    else:
        for entry in read_journal(record.folder / CELLS):
            if entry["key"] in keys:
                yield entry["key"], result_of(entry)


def unpacked(record: Record, keys: set[str] | None = None) -> Iterator[tuple[str, CellResult]]:
    """The results of a whole sweep in the order of its cells; none if it has none of the keys."""
    with np.load(io.BytesIO(checked(record, SEEDS)), allow_pickle=False) as file:
        found = file["key"].tolist()
        if keys is not None and keys.isdisjoint(found):
            return
        arrays = {name: file[name] for name in ("cell", "seed", *ARRAYS)}
        errors = file["error"].tolist()
    ends = np.searchsorted(arrays["cell"], np.arange(len(found)), side="right").tolist()
    start = 0
    for key, error, end in zip(found, errors, ends, strict=True):
        rows = slice(start, end)
        own = {name: arrays[name][rows] for name in ARRAYS}
        seeds = tuple(arrays["seed"][rows].tolist())
        yield key, CellResult(seeds=seeds, **own, failure=error)
        start = end


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
