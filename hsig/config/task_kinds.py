"""Tasks and initial weights: rows of numbers in the config, or in a CSV file."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from math import isfinite
from typing import TYPE_CHECKING, Any

from hsig.config.kinds import NUMBERS, ROWS, Kind, Schema, complete_list, mapping_schema
from hsig.config.text import read_bytes, reason
from hsig.config.values import (
    INVALID,
    InvalidValue,
    Json,
    Location,
    as_finite,
    describe,
    each,
    nearest,
    read_part,
    read_scalar,
)

if TYPE_CHECKING:
    from hsig.networks.network import Weights
    from hsig.networks.starts import Start
    from hsig.networks.tasks import Task

CHARACTERS_MOST = 1_000_000  # of a CSV file
_CHARACTER_BYTES_MOST = 4
INPUTS_MOST = 64
SAMPLES_MOST = 10_000
_TASK_KEYS = {"name", "inputs", "targets", "columns"}


# between two tasks of a text; a file name may have commas
_COMMA = re.compile(r"\s*,\s*(?=csv:|\w+\s*(?:,|$))")
_BEFORE_A_WORD = re.compile(r",\s*(?=[a-z])")  # between two starts, whose bounds have a comma


def several_tasks(value: object) -> list[object]:
    """The tasks that a value names, if it is a list of them or a text with several; else none."""
    if isinstance(value, list):
        return value
    if isinstance(value, str) and len(parts := _COMMA.split(value.strip())) > 1:
        return [*parts]
    return []


class TaskRows(Kind):
    """A name, `csv:FILE`, `{csv: FILE}`, or `{inputs: [[...]], targets: [...]}`."""

    def split_values(self, text: str) -> Sequence[str]:
        return [str(part) for part in several_tasks(text)] or [text]

    def check(self, value: object, place: Location) -> "Task":
        from hsig.networks.tasks import TASKS

        if several_tasks(value):
            raise place.wrong(
                "several tasks are for hsig compare, with one config. Expected one, such as xor"
            )
        if isinstance(value, str) and value.startswith("csv:"):
            return _csv_task(value.removeprefix("csv:"), place)
        if isinstance(value, str):
            if value not in TASKS:
                raise place.wrong(
                    f"unknown task '{value}'.{_nearest_task(value)} Known: "
                    f"{', '.join(TASKS)}, csv:FILE, or {{inputs: [[...]], targets: [...]}}"
                )
            return TASKS[value]
        if isinstance(value, dict) and set(value) == {"csv"}:
            if not isinstance(value["csv"], str):
                raise place.below("csv").expected("a file name", value["csv"])
            return _csv_task(value["csv"], place.below("csv"))
        if isinstance(value, dict) and {"inputs", "targets"} <= set(value) <= _TASK_KEYS:
            return _rows_task(value, place)
        raise place.expected(
            "a task's name, {csv: FILE} or {inputs: [[...]], targets: [...]}", value
        )

    def schema(self) -> Schema:
        rows = {**ROWS, "maxItems": SAMPLES_MOST, "items": {**NUMBERS, "maxItems": INPUTS_MOST}}
        names = {"type": "array", "items": {"type": "string"}}
        table: Schema = {
            "name": {"type": "string"},
            "inputs": rows,
            "targets": NUMBERS,
            "columns": names,
        }
        one: Schema = {
            "anyOf": [
                {"enum": list(self.names())},
                {"type": "string", "pattern": "^csv:|,"},
                mapping_schema({"csv": {"type": "string"}}, ["csv"]),
                mapping_schema(table, ["inputs", "targets"]),
            ]
        }
        return {"anyOf": [one, {"type": "array", "minItems": 1, "items": one}]}

    def names(self) -> Sequence[str]:
        from hsig.networks.tasks import TASKS

        return tuple(TASKS)

    def complete(self, typed: str) -> list[str]:
        return complete_list(self.names(), typed)

    def document(self, value: "Task") -> Json:
        named: dict[str, Json] = {"columns": list(value.columns)} if value.columns else {}
        return {
            "name": value.name,
            **named,
            "inputs": value.inputs.tolist(),
            "targets": value.targets[:, 0].tolist(),
        }


class InitialWeights(Kind):
    """`{hidden: [[...]], output: [[...]]}`, one list per row; the last row is the bias."""

    def check(self, value: object, place: Location) -> "Weights":
        import numpy as np

        if not isinstance(value, dict) or set(value) != {"hidden", "output"}:
            raise place.expected("{hidden: [[...], ...], output: [[...], ...]}", value)
        layers = (partial(_matrix, value[name], place.below(name)) for name in ("hidden", "output"))
        return tuple(map(np.array, each(layers)))

    def schema(self) -> Schema:
        return mapping_schema({"hidden": ROWS, "output": ROWS}, ["hidden", "output"])

    def document(self, value: "Weights | None") -> Json:
        if value is None:
            return None
        hidden, output = value
        return {"hidden": hidden.tolist(), "output": output.tolist()}


class Init(Kind):
    """Bounds [low, high) of the initial weights: `uniform:LOW,HIGH` or `{uniform: [LOW, HIGH]}`."""

    def split_values(self, text: str) -> Sequence[str]:
        return _BEFORE_A_WORD.split(text)

    def check(self, value: object, place: Location) -> "Start":
        from hsig.networks.starts import Start

        bounds: object = None
        if isinstance(value, str) and value.startswith("uniform:"):
            bounds = [read_part(part, place) for part in value.removeprefix("uniform:").split(",")]
        elif isinstance(value, dict) and set(value) == {"uniform"}:
            bounds = value["uniform"]
        if not isinstance(bounds, list) or len(bounds) != 2:
            raise place.expected(
                "uniform:LOW,HIGH or {uniform: [LOW, HIGH]}, such as uniform:-1,1", value
            )
        if INVALID in bounds:
            raise InvalidValue
        low, high = map(as_finite, bounds)
        if low is None or high is None or not low < high or not isfinite(high - low):
            got = " and ".join(map(describe, bounds))
            apart = "" if low is None or high is None or not low < high else ", not so far apart"
            raise place.wrong(f"expected a finite LOW below a finite HIGH{apart}, got {got}")
        return Start("uniform", (low, high))

    def schema(self) -> Schema:
        bounds = {**NUMBERS, "minItems": 2, "maxItems": 2}
        as_text = {"type": "string", "pattern": "^uniform:"}
        return {"anyOf": [as_text, mapping_schema({"uniform": bounds}, ["uniform"])]}

    def document(self, value: "Start") -> Json:
        return {value.scheme: list(value.settings)}


def _nearest_task(value: str) -> str:
    """What may have been meant by a name that is no task's: a file, or a task."""
    from hsig.networks.tasks import TASKS

    if value.casefold().endswith(".csv") and "," not in value:
        return f" Did you mean 'csv:{value}'?"
    return nearest(value, TASKS)


def _rows_task(value: Mapping[str, object], place: Location) -> "Task":
    from hsig.networks.tasks import TASKS

    read: tuple[partial[Any], ...] = (
        partial(_matrix, value["inputs"], place.below("inputs")),
        partial(_vector, value["targets"], place.below("targets")),
    )
    inputs, targets = each(read)
    name = value.get("name", "rows")
    if not isinstance(name, str):  # a file may have any, and its run is read again
        raise place.below("name").expected("a text", name)
    if len(inputs) != len(targets):
        raise place.wrong(
            f"expected a target for each of the {len(inputs)} samples, got {len(targets)}"
        )
    known = TASKS.get(name)
    if known and (known.inputs.tolist(), known.targets[:, 0].tolist()) != (inputs, targets):
        raise place.below("name").wrong(
            f"'{name}' is hsig's own task with other samples. Use another name"
        )
    columns = value.get("columns", [])
    if not isinstance(columns, list) or not all(map(_is_name, columns)):
        raise place.below("columns").expected("a list of names of printable text", columns)
    if columns and len(columns) != len(inputs[0]) + 1:
        raise place.below("columns").wrong(
            f"expected {len(inputs[0]) + 1} names, of the inputs and last of the target, "
            f"got {len(columns)}"
        )
    return _task(name, inputs, targets, columns, place)


def _is_name(text: object) -> bool:
    return isinstance(text, str) and bool(text) and text.isprintable()


def _csv_task(name: str, place: Location) -> "Task":
    """Rows of a CSV file: inputs, then the target. A first row without numbers has their names."""
    import csv

    path = place.given.folder / name
    try:
        data = read_bytes(path, _CHARACTER_BYTES_MOST * (CHARACTERS_MOST + 1))
        text = data.decode("utf-8-sig")
    except (OSError, ValueError) as problem:
        raise place.wrong(f"cannot read {path}: {reason(problem)}") from None
    if len(text) > CHARACTERS_MOST:
        raise place.wrong(f"{path} has more than {CHARACTERS_MOST} characters")
    reader = csv.reader(text.splitlines(), strict=True)
    rows: list[list[float]] = []
    header: list[str] = []
    try:
        for fields in reader:
            numbers = [_csv_number(field) for field in fields]
            row = [number for number in numbers if number is not None]
            if not row and reader.line_num == 1:
                header = [field.strip() for field in fields]
            if not fields or (header and reader.line_num == 1):
                continue
            if len(row) < len(fields):
                column = numbers.index(None)
                raise place.wrong(
                    f"{path}, line {reader.line_num}, column {column + 1}: "
                    f"expected a finite number, got {describe(fields[column])}"
                )
            rows.append(row)
    except csv.Error as problem:
        raise place.wrong(f"{path}, line {reader.line_num}: not CSV: {problem}") from None
    widths = {len(row) for row in rows}
    if len(widths) != 1 or min(widths) < 2:
        found = ", ".join(map(str, sorted(widths))) or "no rows"
        raise place.wrong(f"{path}: expected rows of equal length, at least 2 columns; got {found}")
    named = len(header) == len(rows[0])
    columns = [
        name if _is_name(name) else f"column {n}" for n, name in enumerate(header, start=1) if named
    ]
    return _task(path.name, [row[:-1] for row in rows], [row[-1] for row in rows], columns, place)


def _csv_number(text: str) -> float | None:
    try:
        return as_finite(read_scalar(text.strip()))
    except ValueError:
        return None


def _task(
    name: str,
    inputs: list[list[float]],
    targets: list[float],
    columns: list[str],
    place: Location,
) -> "Task":
    import numpy as np

    from hsig.networks.tasks import Task

    if len(inputs) > SAMPLES_MOST or len(inputs[0]) > INPUTS_MOST:
        raise place.wrong(
            f"expected at most {SAMPLES_MOST} samples of at most {INPUTS_MOST} inputs, "
            f"got {len(inputs)} of {len(inputs[0])}"
        )
    return Task(name, np.array(inputs), np.array([targets]).T, tuple(columns))


def _matrix(value: object, place: Location) -> list[list[float]]:
    """A list of rows of equal length, at least one number each."""
    if not isinstance(value, list) or not value:
        raise place.expected("a list of rows, [[...], ...]", value)
    rows = each(partial(_vector, row, place.below(index)) for index, row in enumerate(value))
    for index, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise place.below(index).wrong(
                f"expected {len(rows[0])} numbers like the first row, got {len(row)}"
            )
    return rows


def _vector(value: object, place: Location) -> list[float]:
    """A list of finite numbers, at least one."""
    if not isinstance(value, list) or not value:
        raise place.expected("a list of numbers", value)

    def finite(index: int) -> float:
        number = as_finite(value[index])
        if number is None:
            raise place.below(index).expected("a finite number", value[index])
        return number

    return each(partial(finite, index) for index in range(len(value)))
