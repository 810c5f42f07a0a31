"""What `run.json` and `cells.log` have to say, since format 1: names and kinds.

Names that are not listed may be there: a later hsig may say more and keep the format.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise, takewhile
from math import isfinite
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from hsig.config.keys import COMPARE, EXPLAIN, SWEEP, TRAIN
from hsig.config.values import describe
from hsig.engines.choice import ENGINES
from hsig.errors import HsigError, RunError
from hsig.experiments.verdicts import SOLVED, VERDICTS

TASK, TUNING, ALTERNATIVE, ONE_RATE = "task", "tuning", "alternative", "one rate"
ROLES = ("", TASK, TUNING, ALTERNATIVE, ONE_RATE)  # of the parts of a run


class _Names(NamedTuple):
    """The shape of names and values.

    Attributes:
        needed: The shape of each that has to be there.
        later: The same of those that came later.
        others: The shape of whatever else there is.
    """

    needed: Mapping[str, Any]
    later: Mapping[str, Any] = MappingProxyType({})
    others: Any = object


# Any other shape is a type, None, a list of one shape, or several in a tuple of which one fits.
_NAMED = _Names({"name": str})
# without one of these the default would be taken, which for later keys is what was so
_FIRST_KEYS = (
    *("activations", "loss", "learning_rate", "epochs", "update", "hidden", "initial_weights"),
    *("until", "max_seeds", "solved_within", "report_every", "at_epochs", "cost", "workers"),
    *("predict_with", "baseline", "expect"),
)
_EXPERIMENT = _Names(
    dict.fromkeys(_FIRST_KEYS, object)
    | {
        "task": _NAMED,
        "activation": (None, _NAMED, str),
        "activations": ([_NAMED], None),
        "output_activation": (_NAMED, None, str),
        "init": _Names({"uniform": [float]}),
        "seeds": (int, [int]),
        "engine": str,
    }
)
_SOLVED = _Names({"label": str, "epochs": [int], "solved": int, "seeds": int})
_PART = _Names(
    {
        "name": str,
        "layers": str,
        "is_config": bool,
        "labels": [str],
        "experiment": _EXPERIMENT,
        "results": [(_SOLVED, _Names({"label": str, "error": str}))],
    },
    later={"role": str, "learning_rates": [(None, float)]},
)
_MACHINE = {"system": str, "processor": str, "cores": (int, None)}
_SWEEP = _Names(
    {"axes": [_Names({"name": str, "values": [str]})], "flags": _Names({}, others=str)},
    later={"folder": str},
)
_RECORD = _Names(
    {
        "format": int,
        "id": str,
        "command": str,
        "arguments": [str],
        "started": str,
        "seconds": float,
        "complete": bool,
        "versions": _Names({}, others=str),
        "machine": _Names(_MACHINE | {"instructions": [str], "numpy_instructions": [str]}),
        "digest": str,
        "configs": _Names({}, others=str),
        "parts": [_PART],
        "files": _Names({}, others=str),
        "checksum": str,
    },
    later={"bytes": _Names({}, others=int), "sweep": _SWEEP},
)
_WORDS = {bool: "true or false", str: "a text", int: "a whole number", float: "a number"}
_WHOLE_MOST = 1 << 63
_FILE = re.compile(r"\w[\w-]*\.[a-z]+", re.ASCII)  # of a folder, and nowhere else


_ARRAYS = ("solved", "solved_at", "lost_at", "diverged_at", "verdict", "cost")  # of a cell
_CELL = _Names(
    {"key": str, "cell": [str], "seeds": [int], "error": str}
    | {"solved": [bool], "solved_at": [int], "lost_at": [int], "diverged_at": [int]}
    | {"verdict": [int], "cost": [(float, str)]}
)
_NOT_FINITE = ("NaN", "Infinity", "-Infinity")  # as texts


def misfit(about: Any) -> str:
    """What a record lacks or has otherwise, the first of it in words; nothing if it fits."""
    return _misfit(about, _RECORD).removeprefix(".") or next(_contradictions(about), "")


def is_cell(entry: Mapping[str, Any]) -> bool:
    """Whether a line of `cells.log` says of a cell what it has to."""
    if _misfit(entry, _CELL):
        return False
    lengths = {len(entry[name]) for name in ("seeds", *_ARRAYS)}
    if len(lengths) != 1 or (lengths == {0}) is not bool(entry["error"]):
        return False
    if not all(cost in _NOT_FINITE for cost in entry["cost"] if isinstance(cost, str)):
        return False
    return agree(entry["solved"], entry["solved_at"], entry["verdict"])


def agree(solved: Any, solved_at: Any, verdict: Any) -> bool:
    """Whether verdicts are some that there are, and seeds solved where they say so, at an epoch.

    Args:
        solved: Of each seed.
        solved_at: The same.
        verdict: The same, by its place in `VERDICTS`.
    """
    said = np.asarray(verdict, dtype=np.int64)
    if not np.isin(said, np.arange(len(VERDICTS))).all():
        return False
    solved = np.asarray(solved, dtype=bool)
    of_verdict = said == VERDICTS.index(SOLVED)
    return np.array_equal(solved, of_verdict) and bool((np.asarray(solved_at)[solved] >= 0).all())


@contextmanager
def sense(where: Path) -> Iterator[None]:
    """Have what is signed as it should be, and yet cannot be, told instead of a traceback.

    Raises:
        RunError: Then; what it was stays behind it.
    """
    try:
        yield
    except HsigError:
        raise
    except Exception as problem:
        kind = type(problem).__name__
        raise RunError(f"{where}: cannot be what hsig wrote: {kind}: {problem!s:.200}") from problem


def _misfit(value: Any, shape: Any) -> str:
    """What does not fit, behind the place where it stands: `.parts[0]: expected ...`."""
    if isinstance(shape, type):
        return "" if _is(value, shape) else f": expected {_WORDS[shape]}, got {describe(value)}"
    if isinstance(shape, _Names):
        return _misfit_of_names(value, shape)
    if isinstance(shape, tuple):
        found = list(takewhile(bool, (_misfit(value, one) for one in shape)))
        return found[0] if len(found) == len(shape) else ""
    if isinstance(shape, list) and isinstance(value, list):
        found = [
            f"[{n}]{told}" for n, part in enumerate(value) if (told := _misfit(part, shape[0]))
        ]
        return found[0] if found else ""
    if shape is value:  # None
        return ""
    return f": expected {'nothing' if shape is None else 'a list'}, got {describe(value)}"


def _is(value: Any, kind: type) -> bool:
    """Whether it is of this kind; true and false are no numbers, and no number is huge."""
    if isinstance(value, bool):
        return kind in (bool, object)
    if isinstance(value, int):
        return kind is object or (kind in (int, float) and abs(value) < _WHOLE_MOST)
    return isinstance(value, kind)


def _misfit_of_names(value: Any, shape: _Names) -> str:
    if not isinstance(value, dict):
        return f": expected names and values, got {describe(value)}"
    if missing := shape.needed.keys() - value.keys():
        return f".{min(missing)}: is missing"
    for name, one in value.items():
        part = shape.needed.get(name) or shape.later.get(name, shape.others)
        if part is not object and (told := _misfit(one, part)):
            return f".{name:.60}{told}"
    return ""


def _contradictions(about: Mapping[str, Any]) -> Iterator[str]:
    """What of the right kind cannot be all the same."""
    command, parts = about["command"], about["parts"]
    if command not in (TRAIN, COMPARE, EXPLAIN, SWEEP):
        yield f"command: is none that is kept, {describe(command)}"
    if not parts:
        yield "parts: expected one at least"
    axes = about["sweep"]["axes"] if "sweep" in about else []
    if (command == SWEEP) is not bool(axes) or not all(axis["values"] for axis in axes):
        yield "sweep: expected what was swept, of a sweep alone"
    if not _is_moment(about["started"]):
        yield f"started: expected a moment in UTC, got {describe(about['started'])}"
    if not (isfinite(about["seconds"]) and about["seconds"] >= 0):
        yield f"seconds: expected some, got {describe(about['seconds'])}"
    if not re.fullmatch("[0-9]{1,9}", about["versions"].get("numerics", "1")):
        yield f"versions.numerics: expected a number, got {describe(about['versions']['numerics'])}"
    for name in [*about["files"], *about["configs"], *about.get("bytes", {})]:
        if not _FILE.fullmatch(name):
            yield f"files: expected names of files, got {describe(name)}"
    whole = {"result.json", "seeds.npz"}  # none of it in a sweep that goes on, or of the first
    there = whole & about["files"].keys()
    if there != whole and (there or command != SWEEP):
        yield "files: expected result.json and seeds.npz"
    if not about.get("bytes", {}).keys() <= about["files"].keys():
        yield "bytes: expected those of files"
    if there and command == SWEEP and not about["complete"]:
        yield "complete: expected true of a sweep with arrays"
    for place, part in enumerate(parts):
        yield from (f"parts[{place}].{told}" for told in _contradictions_of(part))


def _contradictions_of(part: Mapping[str, Any]) -> Iterator[str]:
    labels, engine = part["labels"], part["experiment"]["engine"]
    if engine not in ENGINES:
        yield f"experiment.engine: is none of this hsig, {describe(engine)}"
    rates = part.get("learning_rates", [None] * len(labels))
    if not labels or len(rates) != len(labels):
        yield "labels: expected one for each learning rate"
    for rate in rates:
        if rate is not None and not (isfinite(rate) and rate > 0):
            yield f"learning_rates: expected numbers above 0, got {describe(rate)}"
    if part.get("role", "") not in ROLES:
        yield f"role: is none of this hsig, {describe(part['role'])}"
    left = iter(labels)  # those that were stopped before their first epoch have none
    for result in part["results"]:
        if result["label"] not in left:
            yield f"results: expected one for each label, in order, got {describe(result['label'])}"
        elif "error" not in result and not 0 <= result["solved"] <= result["seeds"] > 0:
            yield f"results: expected so many of the seeds, got {result['solved']}"
        elif "error" not in result and not _rises(result["epochs"], part["experiment"]["epochs"]):
            yield "results: expected epochs that rise from 0 to the budget at most"


def _rises(epochs: Sequence[int], most: object) -> bool:
    """Whether they rise, from 0 to a budget at most."""
    if not isinstance(most, int) or not epochs:
        return False
    return epochs[0] >= 0 and epochs[-1] <= most and all(a < b for a, b in pairwise(epochs))


def _is_moment(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).utcoffset() is not None
    except ValueError:
        return False
