"""From plain values to what an experiment is made of. Every problem is noted; none is fatal.

A check takes a value and the place it came from, and returns what it means, or None after a
complaint in the house's pattern: where, what with the value, what would be right.
"""

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from math import isfinite, isnan

import numpy as np

from hsig.activations import ACTIVATIONS, Activation, Parameter, find_activations
from hsig.arrays import Array
from hsig.config.source import FILE_BYTES_MOST, REFUSED, Given, KeyPath, describe, read_scalar
from hsig.keys import EXPECTATIONS, INPUTS_MOST, PARAMETERS, SAMPLES_MOST, SEED_LARGEST, Key
from hsig.network import Weights
from hsig.tasks import TASKS, Task

_PARAMETER_ALIASES = {"negative_slope": "leak"}  # PyTorch's and JAX's word


@dataclass(frozen=True)
class Place:
    """A part of a given value: where to say that it is wrong."""

    key: str
    given: Given
    problems: list[str]
    path: KeyPath = ()

    def below(self, step: str | int) -> "Place":
        """The part one step further down."""
        return replace(self, path=(*self.path, step))

    def wrong(self, message: str) -> None:
        """Note that this part is wrong."""
        # a flag names its key itself
        name = "" if self.given.source.startswith("--") else self.key
        for step in self.path:
            name += f"[{step}]" if isinstance(step, int) else f".{step}" if name else str(step)
        named = f"{name}: " if name else ""
        self.problems.append(f"{self.given.where(self.path)}: {named}{message}")

    def expected(self, what: str, value: object) -> None:
        """Note that something else was expected here."""
        if value is not REFUSED:
            self.wrong(f"expected {what}, got {describe(value)}")


def nearest(word: object, known: Iterable[str]) -> str:
    """` Did you mean 'x'?` for a word that is nearly one of `known`, else nothing."""
    names = {name.casefold(): name for name in known}
    matches = get_close_matches(str(word).casefold(), names, n=1)
    return f" Did you mean '{names[matches[0]]}'?" if matches else ""


# --- numbers and choices ----------------------------------------------------------------------


def check_scalar(key: Key, value: object, place: Place) -> float | str | None:
    """A whole number, a number or a choice, as `key` says."""
    if key.kind == "choice":
        return check_choice(key, value, place)
    return check_number(key, value, place)


def check_number(key: Key, value: object, place: Place) -> float | None:
    """A number within the key's range; an int for a whole one."""
    noun = "a whole number" if key.kind == "whole" else "a number"
    if key.infinite and value in ("Infinity", "-Infinity"):  # as in the JSON
        value = float(str(value))
    bound = _lower_bound(key)
    number = _as_number(value, whole=key.kind == "whole")
    if number is None or isnan(number):
        place.expected(f"{noun}{bound}", value)
    elif not key.infinite and not isfinite(number):
        place.expected(f"a finite number{bound}", value)
    elif number < key.low or (key.above and number == key.low):
        place.expected(f"{noun}{bound}", value)
    elif number > key.high:
        place.expected(f"{noun} of at most {key.high:.15g}", value)
    else:
        return number
    return None


def _lower_bound(key: Key) -> str:
    if not isfinite(key.low):
        return ""
    return f" above {key.low:g}" if key.above else f" of at least {key.low:g}"


def _as_number(value: object, *, whole: bool) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if whole:
        return int(value) if isfinite(value) and value == int(value) else None
    return float(value)


def check_choice(key: Key, value: object, place: Place) -> str | None:
    """One of the key's choices."""
    if isinstance(value, str) and value in key.choices:
        return value
    if value is not REFUSED:
        known = ", ".join(key.choices)
        place.wrong(f"expected one of {known}, got {describe(value)}.{nearest(value, key.choices)}")
    return None


# --- compact text -----------------------------------------------------------------------------


def _settings(text: str, place: Place) -> dict[str, object] | None:
    """`slope=0.25,backward=logistic` as a mapping."""
    settings: dict[str, object] = {}
    for part in text.split(","):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not name or not value:
            place.expected("KEY=VALUE pairs with commas between them", text)
            return None
        if name in settings:
            place.wrong(f"'{name}' is given twice in {text!r}")
            return None
        settings[name] = _scalar(value, place)
    return settings


def _scalar(text: str, place: Place) -> object:
    try:
        return read_scalar(text.strip())
    except ValueError as problem:
        place.wrong(str(problem))
        return REFUSED


# --- activations ------------------------------------------------------------------------------


def check_activation(_: Key, value: object, place: Place) -> Activation | None:
    """A name, `NAME:KEY=VALUE,...`, or a mapping with a name and settings."""
    settings: dict[str, object] | None = {}
    name = value
    if isinstance(value, str) and ":" in value:
        name, _colon, text = value.partition(":")
        settings = _settings(text, place)
    elif isinstance(value, dict):
        settings = {key: part for key, part in value.items() if key != "name"}
        name = value.get("name")
        place = place.below("name")
    if not isinstance(name, str):
        place.expected("the name of an activation", name)
        return None
    activation = _activation(name, place)
    if activation is None or settings is None:
        return None
    whole = replace(place, path=place.path[:-1]) if isinstance(value, dict) else place
    return _with_settings(activation, settings, whole, nested=isinstance(value, dict))


def _activation(name: str, place: Place) -> Activation | None:
    found = find_activations(name)
    if len(found) == 1:
        return found[0]
    if found:
        meanings = "; ".join(
            f"'{activation.name}', {activation.definition}, for {', '.join(activation.aliases)}"
            for activation in found
        )
        place.wrong(f"'{name}' means different curves. Write {meanings}")
    else:
        aliases = [alias for activation in ACTIVATIONS.values() for alias in activation.aliases]
        place.wrong(
            f"unknown activation '{name}'.{nearest(name, [*ACTIVATIONS, *aliases])} "
            f"Known: {', '.join(ACTIVATIONS)}"
        )
    return None


def _with_settings(
    activation: Activation, settings: Mapping[str, object], place: Place, *, nested: bool
) -> Activation | None:
    known = [*activation.parameters, "backward"]
    parameters: dict[str, Parameter] = {}
    sound = True
    for written, value in settings.items():
        name = _PARAMETER_ALIASES.get(written, written)
        part = place.below(written) if nested else place
        if name not in known:
            part.wrong(
                f"{activation.name} has no setting '{written}'.{nearest(written, known)} "
                f"It has: {', '.join(known)}"
            )
            sound = False
        elif value is not None or name != "backward":  # `backward: null` is the default
            checked = check_scalar(replace(PARAMETERS[name], name=written), value, part)
            sound = sound and checked is not None
            if checked is not None:
                parameters[name] = checked
    if not sound:
        return None
    backward = parameters.pop("backward", None)
    changed = activation.with_settings(parameters, None if backward is None else str(backward))
    low, high = changed.parameters.get("low", 0.0), changed.parameters.get("high", 1.0)
    if not float(low) < float(high):
        place.wrong(f"expected low below high, got low {low:g} and high {high:g}")
        return None
    return changed


# --- tasks ------------------------------------------------------------------------------------


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
            text = file.read(FILE_BYTES_MOST + 1)
    except (OSError, UnicodeDecodeError, ValueError) as problem:
        place.wrong(f"cannot read {path}: {getattr(problem, 'strerror', None) or problem}")
        return None
    if len(text) > FILE_BYTES_MOST:
        place.wrong(f"{path} has more than {FILE_BYTES_MOST} characters")
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
    return _sized_task(Task(path.stem, table[:, :-1], table[:, -1]), place)


def _csv_number(text: str) -> float | None:
    try:
        return _as_finite(read_scalar(text.strip()))
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


# --- numbers in rows --------------------------------------------------------------------------


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
    numbers = [_as_finite(number) for number in value]
    for index, number in enumerate(numbers):
        if number is None:
            place.below(index).expected("a finite number", value[index])
    if None in numbers:
        return None
    return np.array(numbers, dtype=np.float64)


def _as_finite(value: object) -> float | None:
    number = _as_number(value, whole=False)
    return number if number is not None and isfinite(number) else None


def check_weights(_: Key, value: object, place: Place) -> Weights | None:
    """`{hidden: [[...]], output: [[...]]}`, one list per row; the last row is the bias."""
    if not isinstance(value, dict) or set(value) != {"hidden", "output"}:
        place.expected("{hidden: [[...], ...], output: [[...], ...]}", value)
        return None
    hidden = _matrix(value["hidden"], place.below("hidden"))
    output = _matrix(value["output"], place.below("output"))
    return None if hidden is None or output is None else Weights(hidden, output)


def check_init(_: Key, value: object, place: Place) -> tuple[float, float] | None:
    """`uniform:LOW,HIGH` or `{uniform: [LOW, HIGH]}`."""
    wanted = "uniform:LOW,HIGH or {uniform: [LOW, HIGH]}, such as uniform:-1,1"
    bounds: object = None
    if isinstance(value, str) and value.startswith("uniform:"):
        bounds = [_scalar(part, place) for part in value.removeprefix("uniform:").split(",")]
    elif isinstance(value, dict) and set(value) == {"uniform"}:
        bounds = value["uniform"]
    if not isinstance(bounds, list) or len(bounds) != 2:
        place.expected(wanted, value)
        return None
    if REFUSED in bounds:
        return None
    low, high = (_as_finite(bound) for bound in bounds)
    if low is None or high is None or not low < high or not isfinite(high - low):
        place.expected("a finite LOW below a finite HIGH", value)
        return None
    return low, high


def check_seeds(key: Key, value: object, place: Place) -> tuple[int, ...] | None:
    """A count n for the seeds 0 to n - 1, or a list without repeats."""
    if isinstance(value, str) and "," in value:
        value = [_scalar(part, place) for part in value.split(",")]
    if not isinstance(value, list):
        count = check_number(replace(key, kind="whole"), value, place)
        return None if count is None else tuple(range(int(count)))
    if not value or len(value) > key.high:
        place.expected(f"1 to {key.high:.15g} seeds", value)
        return None
    one = Key("seed", "whole", "", low=0, high=SEED_LARGEST)
    seeds = [check_number(one, seed, place.below(index)) for index, seed in enumerate(value)]
    if None in seeds:
        return None
    whole = tuple(int(seed) for seed in seeds if seed is not None)
    if len(set(whole)) < len(whole):
        repeated = next(seed for index, seed in enumerate(whole) if seed in whole[:index])
        place.wrong(f"expected seeds without repeats, got {repeated} more than once")
        return None
    return whole


def check_expect(_: Key, value: object, place: Place) -> dict[str, float | str] | None:
    """`solved_at_least=0.9,verdict=solved`, or the same as a mapping."""
    nested = isinstance(value, dict)
    checks = _settings(value, place) if isinstance(value, str) else value
    if not isinstance(checks, dict):
        if checks is not None or value is None:
            place.expected(f"checks such as solved_at_least=0.9 ({', '.join(EXPECTATIONS)})", value)
        return None
    checked: dict[str, float | str] = {}
    for name, bound in checks.items():
        part = place.below(name) if nested else place
        if name not in EXPECTATIONS:
            part.wrong(
                f"unknown check '{name}'.{nearest(name, EXPECTATIONS)} "
                f"Known: {', '.join(EXPECTATIONS)}"
            )
            continue
        result = check_scalar(EXPECTATIONS[name], bound, part)
        if result is not None:
            checked[name] = result
    return checked if len(checked) == len(checks) else None


CHECKS: Mapping[str, Callable[[Key, object, Place], object]] = {
    "whole": check_number,
    "number": check_number,
    "choice": check_choice,
    "activation": check_activation,
    "task": check_task,
    "init": check_init,
    "weights": check_weights,
    "seeds": check_seeds,
    "expect": check_expect,
}
