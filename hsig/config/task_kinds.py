"""Tasks, starts and initial weights, in a config; what a CSV file holds is for `tables`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, ClassVar

from hsig.config.kinds import (
    MAX_INPUTS,
    MAX_ROWS,
    NUMBERS,
    ROWS,
    SAME,
    Kind,
    Number,
    Schema,
    SpecKind,
    check_size,
    complete_list,
    mapping_schema,
)
from hsig.config.specs import check_order, check_settings, read_spec, split_specs
from hsig.config.values import Json, Location, as_finite, check_all, nearest

if TYPE_CHECKING:
    from hsig.config.tables import Table
    from hsig.networks.network import Weights
    from hsig.networks.starts import Start
    from hsig.networks.tasks import Task

MAX_KEPT_NUMBERS = 10_000  # of the rows of a file; of more, a run keeps no copy
_TASK_KEYS = {"name", "inputs", "targets", "columns", "kind", "classes", "csv", "sha256", "notes"}
_TASK_FORMS = "csv:FILE, or {inputs: [[...]], targets: [...]}"
_CSV = "csv:"
_SPREAD = Number(0.0, 1e9)  # of a start: `sd` and `gain`
LAYER_NAMES = ("hidden", "output")  # of initial weights, where there is one hidden layer at most


def split_tasks(value: object) -> list[object]:
    """The tasks that a value names, if it is a list of them or a text with several; else none."""
    if isinstance(value, list):
        return value
    texts = split_specs(value) if isinstance(value, str) else []
    return [*texts] if len(texts) > 1 else []


class TaskKind(SpecKind):
    """A name with settings, `csv:FILE`, `{csv: FILE}`, or `{inputs: [[...]], targets: [...]}`."""

    def check(self, value: object, location: Location) -> "Task | Table":
        from hsig.networks.tasks import TASKS

        if split_tasks(value):
            raise location.wrong(
                "several tasks are for hsig compare, with one config. Expected one, such as xor"
            )
        if isinstance(value, str) and value.startswith(_CSV):  # spaces around a name are cut off
            return _read_csv(value.removeprefix(_CSV), location)
        if isinstance(value, dict) and set(value) == {"csv"}:
            return _read_csv(value["csv"], location.below("csv"))
        if isinstance(value, dict) and "sha256" in value and "inputs" not in value:
            return _read_again(value, location)
        if isinstance(value, dict) and {"inputs", "targets"} <= set(value) <= _TASK_KEYS:
            return _read_rows(value, location)
        if location.value.is_argument and not isinstance(value, str):
            from hsig.config.tables import has_columns, table_of_columns

            if has_columns(value):
                return table_of_columns(value, location)
        spec = read_spec(value, location, f"a task's name, {_TASK_FORMS}")
        if spec.name not in TASKS:
            hint = isinstance(value, str) and _suggest_file(value)
            hint = hint or nearest(spec.name, TASKS)
            raise location.wrong(
                f"unknown task '{spec.name}'.{hint} Known: {', '.join(TASKS)}, {_TASK_FORMS}"
            )
        check_settings(spec, self.settings_of(spec.name), location)
        return TASKS[spec.name]

    def schema(self) -> Schema:
        rows = {**ROWS, "maxItems": MAX_ROWS, "items": {**NUMBERS, "maxItems": MAX_INPUTS}}
        table: Schema = {
            "name": {"type": "string"},
            "inputs": rows,
            "targets": {"anyOf": [NUMBERS, ROWS]},
            "columns": {"type": "array", "items": {"type": "string"}},
        }
        task: Schema = {
            "anyOf": [
                {"enum": list(self.names())},
                {"type": "string", "pattern": f"^{_CSV}|,"},
                mapping_schema({"name": {"enum": list(self.names())}}, ["name"]),
                mapping_schema({"csv": {"type": "string"}}, ["csv"]),
                mapping_schema(table, ["inputs", "targets"]),
            ]
        }
        return {"anyOf": [task, {"type": "array", "minItems": 1, "items": task}]}

    def names(self) -> Sequence[str]:
        from hsig.networks.tasks import TASKS

        return tuple(TASKS)

    def complete(self, typed: str) -> list[str]:
        return complete_list(self.names(), typed)

    max_kept: ClassVar[float] = MAX_KEPT_NUMBERS

    def document(self, value: "Task | None") -> Json:
        if value is None:
            return None
        from hsig.networks.tasks import STDIN

        (inputs, targets), source = value.every_row, value.source
        known: dict[str, Json] = {"name": value.name, "columns": list(value.columns)}
        known |= {"kind": value.kind, "classes": list(value.classes)}
        if source is not None:
            known |= {"csv": source.path, "sha256": source.sha256, "notes": list(source.notes)}
        document: dict[str, Json] = {name: part for name, part in known.items() if part}
        is_file = source is not None and source.path not in ("", STDIN)
        if is_file and inputs.size + targets.size > self.max_kept:
            return document
        targets = targets[:, 0] if targets.shape[1] == 1 else targets
        return {**document, "inputs": inputs.tolist(), "targets": targets.tolist()}


class TestKind(TaskKind):
    """A file with the columns of the task's; a run keeps all of its rows."""

    max_kept: ClassVar[float] = inf

    def check(self, value: object, location: Location) -> "Task | Table":
        if value in self.names() or (isinstance(value, dict) and not {"csv"} <= value.keys()):
            raise location.expected("a file with the columns of the task's, csv:FILE", value)
        return super().check(value, location)


class StartKind(SpecKind):
    """How initial weights are drawn: `uniform:LOW,HIGH`, or `{uniform: [LOW, HIGH]}`."""

    def names(self) -> Sequence[str]:
        from hsig.networks.starts import SCHEMES

        return tuple(
            name if "gain" in row.settings else f"{name}:"  # a gain is seldom set
            for name, row in SCHEMES.items()
        )

    def settings_of(self, name: str) -> Mapping[str, Kind]:
        from hsig.networks.starts import SCHEMES

        settings = SCHEMES[name].settings if name in SCHEMES else ()
        return {key: _SPREAD if key in ("gain", "sd") else Number() for key in settings}

    def check(self, value: object, location: Location) -> "Start":
        from hsig.networks.starts import SCHEMES, Start, suggest_start

        spec = read_spec(value, location, "a start, such as uniform:-1,1 or he_normal")
        if spec.name not in SCHEMES:
            hint = suggest_start(spec.name)
            hint = f" Did you mean '{hint}'?" if hint else nearest(spec.name, SCHEMES)
            raise location.wrong(f"unknown start '{spec.name}'.{hint} Known: {', '.join(SCHEMES)}")
        checked = check_settings(spec, self.settings_of(spec.name), location)
        settings = {**SCHEMES[spec.name].settings, **checked}
        check_order(settings, location, may_be_equal=True)
        return Start.with_default_bias(spec.name, tuple(settings.values()))

    def document(self, value: "Start") -> Json:
        return {value.scheme: list(value.settings)}


class BiasKind(SpecKind):
    """Initial biases: `same` as weights, `zero` or `constant:VALUE`; as `Start` has them."""

    def names(self) -> Sequence[str]:
        return (SAME, "zero", "constant:")

    def settings_of(self, name: str) -> Mapping[str, Kind]:
        return {"value": Number()} if name == "constant" else {}

    def check(self, value: object, location: Location) -> "float | str":
        names = [name.rstrip(":") for name in self.names()]
        spec = read_spec(value, location, "same, zero or constant:VALUE")
        if spec.name not in names:
            raise location.unknown("start of biases", spec.name, names, ", such as constant:0.1")
        settings = check_settings(spec, self.settings_of(spec.name), location)
        return SAME if spec.name == SAME else settings.get("value", 0.0) + 0.0  # -0 is 0

    def document(self, value: float | None) -> Json:
        return SAME if value is None else {"constant": [value]} if value else "zero"


class InitialWeights(Kind):
    """A list with the rows of each layer, or `{hidden: [[...]], output: [[...]]}`.

    In each layer the last row is the bias, if it has one. Without hidden layers there is the
    output's alone.
    """

    def check(self, value: object, location: Location) -> "Weights":
        import numpy as np

        if isinstance(value, dict) and {"output"} <= set(value) <= set(LAYER_NAMES):
            steps: list[Any] = [name for name in LAYER_NAMES if name in value]
        elif isinstance(value, list) and value:
            steps = [*range(len(value))]
        else:
            raise location.expected(
                "{hidden: [[...], ...], output: [[...], ...]}, or a list of the rows of each layer",
                value,
            )
        layers = (partial(_read_matrix, value[step], location.below(step)) for step in steps)
        return tuple(map(np.array, check_all(layers)))

    def schema(self) -> Schema:
        named = mapping_schema(dict.fromkeys(LAYER_NAMES, ROWS), ["output"])
        return {"anyOf": [named, {"type": "array", "minItems": 1, "items": ROWS}]}

    def document(self, value: "Weights | None") -> Json:
        layers: list[Json] = [layer.tolist() for layer in value or ()]
        if len(layers) <= len(LAYER_NAMES):
            return dict(zip(LAYER_NAMES[-len(layers) :], layers, strict=False)) or None
        return layers


# --- rows -------------------------------------------------------------------------------------


def _suggest_file(text: str) -> str:
    """` Did you mean 'csv:FILE'?` for what is probably a file."""
    name = re.sub(r"^\w+:\s*(?=\S)", "", text.strip())
    looks = name.casefold().endswith((".csv", ".tsv", ".txt", ".data", ".dat", ".gz", ".xlsx"))
    return f" Did you mean '{_CSV}{name}'?" if looks else ""


def _read_csv(name: object, location: Location) -> "Table":
    from hsig.config.tables import read_table

    return read_table(name, location)


def _read_again(document: Mapping[str, Any], location: Location) -> "Table":
    """The table of a kept run, which has no copy of it."""
    table = _read_csv(document["csv"], location)
    if table.sha256 != document["sha256"]:
        raise location.wrong(
            f"{document['csv']} has changed since (its SHA-256 was {document['sha256'][:12]}...), "
            "and the run has no copy of so many rows"
        )
    return table


def _read_rows(value: dict[str, Any], location: Location) -> "Task":
    """The task of rows in a config, or in a kept run."""
    import numpy as np

    from hsig.networks.tasks import TASKS, Source, Task

    name, columns = value.get("name", "rows"), value.get("columns", [])
    if not isinstance(name, str):
        raise location.below("name").expected("a text", name)
    inputs, targets = check_all(
        (
            partial(_read_matrix, value["inputs"], location.below("inputs")),
            partial(_read_targets, value["targets"], location.below("targets")),
        )
    )
    if len(inputs) != len(targets):
        raise location.wrong(
            f"expected a target for each of the {len(inputs)} samples, got {len(targets)}"
        )
    known = TASKS.get(name)
    if known and (known.inputs.tolist(), known.targets.tolist()) != (inputs, targets):
        raise location.below("name").wrong(
            f"'{name}' is hsig's own task with other samples. Use another name"
        )
    texts = [c for c in columns if isinstance(c, str)] if isinstance(columns, list) else [""]
    if texts != columns or not all(text and text.isprintable() for text in texts):
        raise location.below("columns").expected("a list of names of printable text", columns)
    width = len(inputs[0]) + len(targets[0])
    if columns and len(columns) != width:
        raise location.below("columns").wrong(
            f"expected {width} names, first of the inputs, then of the targets, got {len(columns)}"
        )
    check_size(len(inputs), len(inputs[0]), len(targets[0]), location)
    task = Task(name, np.array(inputs), np.array(targets), tuple(columns))
    source = None
    if "sha256" in value:
        source = Source(value["csv"], value["sha256"], tuple(value.get("notes", ())))
    return replace(
        task, kind=value.get("kind", ""), classes=tuple(value.get("classes", ())), source=source
    )


def _read_matrix(value: object, location: Location) -> list[list[float]]:
    """A list of rows of equal length, at least one number each."""
    if not isinstance(value, list) or not value:
        raise location.expected("a list of rows, [[...], ...]", value)
    rows = check_all(partial(_read_row, row, location.below(n)) for n, row in enumerate(value))
    for place, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise location.below(place).wrong(
                f"expected {len(rows[0])} numbers like the first row, got {len(row)}"
            )
    return rows


def _read_targets(value: object, location: Location) -> list[list[float]]:
    """A number for each sample, or a row for each."""
    if isinstance(value, list) and value and isinstance(value[0], list):
        return _read_matrix(value, location)
    return [[number] for number in _read_row(value, location)]


def _read_row(value: object, location: Location) -> list[float]:
    """A list of finite numbers, at least one."""
    if not isinstance(value, list) or not value:
        raise location.expected("a list of numbers", value)

    def read_finite(place: int) -> float:
        number = as_finite(value[place])
        if number is None:
            raise location.below(place).expected("a finite number", value[place])
        return number

    return check_all(partial(read_finite, place) for place in range(len(value)))
