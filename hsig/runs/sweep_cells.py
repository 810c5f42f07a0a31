"""The cells of a sweep in its record: a line each while it grows, arrays when it is whole."""

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from hsig.config.values import plain
from hsig.experiments.sweeps import ARRAYS, CellResult
from hsig.runs.folder import SEEDS, Record, cell_lines, checked
from hsig.runs.shape import agree, sense


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
