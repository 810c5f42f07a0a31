"""Tasks and weights: rows of numbers in the config, or in a CSV file."""

import csv
from collections.abc import Mapping

import numpy as np

from hsig.config.keys import INPUTS_MOST, SAMPLES_MOST, Key
from hsig.config.source import describe, read_scalar
from hsig.config.values import Place, as_finite, nearest
from hsig.networks.arrays import Array
from hsig.networks.network import Weights
from hsig.networks.tasks import TASKS, Task

CHARACTERS_MOST = 1_000_000  # of a CSV file


def check_task(_: Key, value: object, place: Place) -> Task | None:
    """A name, `csv:FILE`, `{csv: FILE}`, or `{inputs: [[...]], targets: [...]}`."""
    if isinstance(value, str) and value.startswith("csv:"):
        return _csv_task(value.removeprefix("csv:"), place)
    if isinstance(value, str):
        if value in TASKS:
            return TASKS[value]
        place.wrong(
            f"unknown task '{value}'.{nearest(value, TASKS)} Known: {', '.join(TASKS)}, "
            "csv:FILE, or {inputs: [[...]], targets: [...]}"
        )
        return None
    if isinstance(value, dict) and set(value) == {"csv"}:
        if isinstance(value["csv"], str):
            return _csv_task(value["csv"], place.below("csv"))
        place.below("csv").expected("a file name", value["csv"])
        return None
    if isinstance(value, dict) and {"inputs", "targets"} <= set(value) <= _TASK_KEYS:
        return _rows_task(value, place)
    place.expected("a task's name, {csv: FILE} or {inputs: [[...]], targets: [...]}", value)
    return None


_TASK_KEYS = {"name", "inputs", "targets"}


def _rows_task(value: Mapping[str, object], place: Place) -> Task | None:
    inputs = _matrix(value["inputs"], place.below("inputs"))
    targets = _vector(value["targets"], place.below("targets"))
    if inputs is None or targets is None:
        return None
    name = value.get("name", "rows")
    if not isinstance(name, str) or not name.isprintable():
        place.below("name").expected("a name of printable text", name)
        return None
    if len(inputs) != len(targets):
        place.wrong(f"expected a target for each of the {len(inputs)} rows, got {len(targets)}")
        return None
    known = TASKS.get(name)
    if known and not (
        np.array_equal(known.inputs, inputs) and np.array_equal(known.targets, targets)
    ):
        place.below("name").wrong(f"'{name}' is hsig's own task with other rows. Use another name")
        return None
    return _sized_task(Task(name, inputs, targets), place)


def _csv_task(name: str, place: Place) -> Task | None:
    """Rows of a CSV file: inputs, then the target. A first row without numbers is a header."""
    path = place.given.folder / name
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            text = file.read(CHARACTERS_MOST + 1)
    except (OSError, UnicodeDecodeError, ValueError) as problem:
        place.wrong(f"cannot read {path}: {getattr(problem, 'strerror', None) or problem}")
        return None
    if len(text) > CHARACTERS_MOST:
        place.wrong(f"{path} has more than {CHARACTERS_MOST} characters")
        return None
    reader = csv.reader(text.splitlines(), strict=True)
    rows: list[list[float]] = []
    try:
        for fields in reader:
            numbers = [_csv_number(field) for field in fields]
            if not fields or (not rows and reader.line_num == 1 and not any(map(_known, numbers))):
                continue
            for column, (field, number) in enumerate(zip(fields, numbers, strict=True), start=1):
                if number is None:
                    where = f"{path}, line {reader.line_num}, column {column}"
                    place.wrong(f"{where}: expected a finite number, got {describe(field)}")
                    return None
            rows.append([number for number in numbers if number is not None])
    except csv.Error as problem:
        place.wrong(f"{path}, line {reader.line_num}: not CSV: {problem}")
        return None
    widths = {len(row) for row in rows}
    if len(widths) != 1 or min(widths) < 2:
        found = ", ".join(map(str, sorted(widths))) or "no rows"
        place.wrong(f"{path}: expected rows of equal length, at least 2 columns; got {found}")
        return None
    table = np.array(rows)
    return _sized_task(Task(path.name, table[:, :-1], table[:, -1]), place)


def _csv_number(text: str) -> float | None:
    try:
        return as_finite(read_scalar(text.strip()))
    except ValueError:
        return None


def _known(number: float | None) -> bool:
    return number is not None


def _sized_task(task: Task, place: Place) -> Task | None:
    samples, inputs = task.inputs.shape
    if samples > SAMPLES_MOST or inputs > INPUTS_MOST:
        place.wrong(
            f"expected at most {SAMPLES_MOST} rows of at most {INPUTS_MOST} inputs, "
            f"got {samples} of {inputs}"
        )
        return None
    return task


def check_weights(_: Key, value: object, place: Place) -> Weights | None:
    """`{hidden: [[...]], output: [[...]]}`, one list per row; the last row is the bias."""
    if not isinstance(value, dict) or set(value) != {"hidden", "output"}:
        place.expected("{hidden: [[...], ...], output: [[...], ...]}", value)
        return None
    hidden = _matrix(value["hidden"], place.below("hidden"))
    output = _matrix(value["output"], place.below("output"))
    return None if hidden is None or output is None else Weights(hidden, output)


def _matrix(value: object, place: Place) -> Array | None:
    """A list of rows of equal length, at least one number each."""
    if not isinstance(value, list) or not value:
        place.expected("a list of rows, [[...], ...]", value)
        return None
    rows = [_vector(row, place.below(index)) for index, row in enumerate(value)]
    if any(row is None for row in rows):
        return None
    lengths = [len(row) for row in rows if row is not None]
    for index, length in enumerate(lengths):
        if length != lengths[0]:
            place.below(index).wrong(
                f"expected {lengths[0]} numbers like the first row, got {length}"
            )
            return None
    return np.array(rows, dtype=np.float64)


def _vector(value: object, place: Place) -> Array | None:
    """A list of finite numbers, at least one."""
    if not isinstance(value, list) or not value:
        place.expected("a list of numbers", value)
        return None
    numbers = [as_finite(number) for number in value]
    for index, number in enumerate(numbers):
        if number is None:
            place.below(index).expected("a finite number", value[index])
    if None in numbers:
        return None
    return np.array(numbers, dtype=np.float64)
