"""Sweeps: which keys take which values, by a config and by flags, and the experiments they make."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

from hsig.activations import ACTIVATIONS, Activation
from hsig.activations.names import is_in_table, to_text
from hsig.config.activation_kinds import Spec, is_formula, set_parameters, spec_document
from hsig.config.keys import EPOCHS_MOST, KEYS, SWEEP, Key
from hsig.config.kinds import VALUES_MOST, Whole, kind_of_setting, read_values, spells_several
from hsig.config.loading import (
    APART,
    SWEPT,
    Checked,
    Settings,
    defaults,
    known_keys,
    read_flags,
    says,
)
from hsig.config.text import read_file
from hsig.config.values import INVALID, InvalidValue, Location, Value, each, nearest, read_part
from hsig.errors import ConfigError
from hsig.experiments.experiment import Experiment
from hsig.experiments.sweeps import Axis, Sweep, canonical_value, grid_cells

CELLS_MOST = VALUES_MOST
_WRONG_MOST = 200  # values of an axis, or cells, that are told of
_ACTIVATION = "activation"


@dataclass(frozen=True)
class _Swept:
    """An axis, and what its values mean.

    Attributes:
        axis: Its name and the texts of its values.
        values: As an experiment has them.
        given: Where it stands.
    """

    axis: Axis
    values: tuple[Any, ...]
    given: Value

    @property
    def setting(self) -> str:
        """Which setting of the activation it is; nothing if it is a key."""
        return self.axis.name.partition(".")[2]


def load_sweep(path: Path | None, flags: Settings, folder: Path | None = None) -> Sweep:
    """The experiments that a `sweep` and flags with several values make.

    Each has what `explain` has by default. Flags beat the file for their key: several values of one
    take the place of those that the file has, or come behind, and one value is that of every cell.

    Args:
        path: A YAML file, or None.
        flags: By key, in their order: texts as typed behind its flag, or arguments of a call.
        folder: What file names in the file are relative to, if not its own folder; without a file,
            those in flags.

    Raises:
        ConfigError: With every problem of the config, and of the first cells that have one.
    """
    problems: list[str] = []
    parts = {} if path is None else read_file(path, problems, folder)
    block = parts.pop(SWEPT, None)
    written = parts.get(_ACTIVATION)
    typed = read_flags(flags, problems)
    named = typed.get(_ACTIVATION, written)
    own = named is not None and is_formula(named.value)
    in_file = [] if block is None else _read_axes(block, problems, of_a_formula=own)
    given = {} if path is None else known_keys(path, parts, problems)
    problems += [*_useless(given, flags), *_given_twice(in_file, given)]
    if path is None and folder is not None:
        typed = {name: part._replace(folder=folder) for name, part in typed.items()}
    by_flag = _axes_of_flags(typed, problems)
    swept = [
        by_flag.pop(part.axis.name, part)
        for part in in_file
        if part.axis.name not in typed or part.axis.name in by_flag
    ]
    swept += by_flag.values()
    cells = prod(len(part.values) for part in swept)
    if cells > CELLS_MOST:
        where = f"{block.where()}: sweep" if block is not None else "sweep"
        problems.append(f"{where}: expected at most {CELLS_MOST} cells, got {cells}")
    # a cell is looked at when it ends, so no number of checkpoints is too large
    given["report_every"] = Value(EPOCHS_MOST, SWEPT)
    given |= typed
    given |= {part.axis.name: part.given for part in swept if not part.setting}
    base = Checked.of(defaults(SWEEP) | given, problems)
    if problems or not swept:
        raise ConfigError(problems or _nothing_swept(path, in_file))
    axes = tuple(part.axis for part in swept)
    made = tuple(grid_cells(axes))
    return Sweep(axes, made, tuple(_experiments(base, swept, made)))


def _nothing_swept(path: Path | None, in_file: Sequence[_Swept]) -> str:
    """A complaint that no key has several values."""
    flags = "--learning-rate 0.1,0.3,1 --epochs 1000,4000"
    if path is None:
        return (
            f"expected values to sweep, such as: hsig sweep hard {flags}; or a CONFIG with a "
            "sweep: block, or --resume ID"
        )
    if in_file:
        return f"{path}: sweep: flags give one value to each of its keys, and nothing is left of it"
    return (
        f"{path}: sweep: there is none. Expected keys with their values, such as\n"
        "  sweep:\n    learning_rate: {log: [0.01, 10, 13]}\n    epochs: [500, 2000, 8000]\n"
        f"or flags, such as {flags}"
    )


def _useless(given: Mapping[str, Value], flags: Settings) -> list[str]:
    """Complaints of keys that a sweep would silently ignore."""
    useless = [key for key in KEYS.values() if SWEEP not in key.commands]
    places = [(given[key.name].where(), key.name) for key in useless if says(given, key.name)]
    places += [(key.flag, key.name) for key in useless if key.name in flags]
    return [f"{where}: {name}: a sweep has no use for this key" for where, name in places]


def _given_twice(swept: Sequence[_Swept], given: Mapping[str, Value]) -> list[str]:
    """Complaints of keys that have a value in a file and are swept by it."""
    names = [part.axis.name for part in swept if part.axis.name in given]
    return [f"{given[name].where()}: {name}: is swept as well" for name in names]


def _read_axes(block: Value, problems: list[str], *, of_a_formula: bool) -> list[_Swept]:
    """The axes of a `sweep` block, in their order; settings may be those of a formula."""
    place = Location(SWEPT, block, problems)
    swept: list[_Swept] = []
    with suppress(InvalidValue):
        if not isinstance(block.value, Mapping) or not block.value:
            raise place.expected(
                "keys with their values, such as {learning_rate: [0.1, 1]}", block.value
            )
        for name, value in block.value.items():
            with suppress(InvalidValue):
                below = place.below(name)
                swept.append(_read_axis(name, value, below, of_a_formula=of_a_formula))
    return swept


def _axes_of_flags(typed: dict[str, Value], problems: list[str]) -> dict[str, _Swept]:
    """The axes of those flags that have several values, by key; `typed` gets wrong ones refused."""
    swept: dict[str, _Swept] = {}
    for name, given in typed.items():
        place = Location(name, given, problems)
        if not KEYS[name].may_be_swept:
            continue
        try:
            values = _several(KEYS[name], given.value, place)
            if values is not None:
                swept[name] = _read_axis(name, values, place)
        except InvalidValue:
            typed[name] = given._replace(value=INVALID)  # or it would be complained of again
    return swept


def _several(key: Key, value: object, place: Location) -> object:
    """What a flag has as a `sweep` would, if it has several values; else None.

    Raises:
        InvalidValue: If it cannot be told what they are.
    """
    if spells_several(value):
        return value
    if isinstance(value, list):
        lists = all(isinstance(part, list) for part in value)
        return value if lists or not key.kind.listed else None
    texts = key.kind.split_values(value) if isinstance(value, str) else ()
    if len(texts) < 2:
        return None
    parts = [read_part(text, place) for text in texts]
    if isinstance(key.kind, Spec) and not all(isinstance(part, str) for part in parts):
        raise place.wrong(
            f"expected names with commas between them, got the text '{value}'. Several values of a "
            f"setting are written in a file, such as\n  sweep:\n    activation.slope: [0.25, 0.5]"
        )
    return parts


def _read_axis(name: str, value: object, place: Location, *, of_a_formula: bool = False) -> _Swept:
    key, _, setting = name.partition(".")
    if key == _ACTIVATION and setting.isidentifier():
        check, default = kind_of_setting(setting, of_a_formula=of_a_formula).check, None
    elif name in KEYS and KEYS[name].may_be_swept:
        check, default = partial(_check, KEYS[name]), KEYS[name].default_for(SWEEP)
    else:
        known = [key.name for key in KEYS.values() if key.may_be_swept]
        raise place.wrong(
            f"this key cannot be swept.{nearest(name, known)} Expected one of "
            f"{', '.join(known)}, or a setting such as activation.slope"
        )
    parts = read_values(value, place, whole=name in KEYS and isinstance(KEYS[name].kind, Whole))
    values: list[Any] = []
    for first in range(0, len(parts), _WRONG_MOST):
        values += each(partial(check, *part) for part in parts[first : first + _WRONG_MOST])
    texts = tuple(_text(part) for part, _ in parts)
    if len(set(map(canonical_value, texts))) < len(texts):
        raise place.wrong("expected each value once")
    given = place.given._replace(
        value=default, lines=place.given.lines and place.given.lines.below[name]
    )
    return _Swept(Axis(name, texts), tuple(values), given)


def _text(value: object) -> str:
    """A value of an axis, as it is shown."""
    if isinstance(value, Activation):
        return to_text(value)
    return value if isinstance(value, str) else json.dumps(value)


def _check(key: Key, value: object, place: Location) -> Any:
    if value is None and key.optional and key.name != _ACTIVATION:
        return key.kind.empty_value
    return key.kind.check(value, place)


def _experiments(
    base: Checked, swept: Sequence[_Swept], cells: Sequence[tuple[str, ...]]
) -> list[Experiment]:
    """The experiment of each cell.

    Raises:
        ConfigError: With each complaint once, and the cells that it is about.
    """
    made: list[Experiment] = []
    complaints: dict[str, list[str]] = {}
    tried = 0
    places = product(*(range(len(part.values)) for part in swept))
    experiment = _made_once(base, swept)
    for cell, where in zip(cells, places, strict=True):
        tried += 1
        try:
            made.append(experiment(where))
        except ConfigError as refusal:
            named = zip(swept, cell, strict=True)
            here = ", ".join(f"{part.axis.name} {text}" for part, text in named)
            for message in refusal.messages:
                complaints.setdefault(message, []).append(here)
            if sum(map(len, complaints.values())) > _WRONG_MOST:
                break
    if complaints:
        raise ConfigError(
            [
                message if len(where) == tried else f"{message} ({_in_cells(where)})"
                for message, where in complaints.items()
            ]
        )
    return made


def _in_cells(where: Sequence[str]) -> str:
    more = f", and in {len(where) - 1} more" if len(where) > 1 else ""
    return f"in the cell {where[0]}{more}"


def _made_once(base: Checked, swept: Sequence[_Swept]) -> Callable[[Sequence[int]], Experiment]:
    """What makes the experiment of a cell, by the places of its values on their axes.

    What does not depend on some of them is assembled and checked once for the others.

    Raises:
        ConfigError: If it is none, whenever it is made.
    """
    apart = [number for number, part in enumerate(swept) if part.axis.name in APART]
    others = [number for number in range(len(swept)) if number not in apart]

    known: dict[tuple[int, ...], Experiment | ConfigError] = {}

    def experiment(places: Sequence[int]) -> Experiment:
        own = [part.values[place] for part, place in zip(swept, places, strict=True)]
        if not apart:
            return _experiment(base, swept, own)
        key = tuple(places[number] for number in others)
        if key not in known:
            try:
                known[key] = _experiment(base, swept, own)
            except ConfigError as refusal:
                known[key] = refusal
        found = known[key]
        if isinstance(found, ConfigError):
            raise found
        made = object.__new__(Experiment)  # which takes a third of the time that `replace` takes
        vars(made).update(vars(found))
        vars(made).update({swept[number].axis.name: own[number] for number in apart})
        return made

    return experiment


def _experiment(base: Checked, swept: Sequence[_Swept], own: Sequence[Any]) -> Experiment:
    """The experiment of the cell with these values."""
    values, settings = dict(base.values), {}
    for part, value in zip(swept, own, strict=True):
        if part.setting:
            settings[part.setting] = value
        else:
            values[part.axis.name] = value
    cell = replace(base, values=values, problems=[])
    if settings:
        place = cell.place(_ACTIVATION)
        if place.given.is_default:
            first = next(part for part in swept if part.setting)
            place = Location(first.axis.name, first.given, cell.problems)
        with suppress(InvalidValue):
            values[_ACTIVATION] = _set(values.pop(_ACTIVATION), settings, place)
    return cell.experiment()


def _set(activation: Activation, settings: Mapping[str, Any], place: Location) -> Activation:
    """The activation with swept settings; a sweep does not override what somebody set."""
    row = ACTIVATIONS[activation.name] if is_in_table(activation) else activation
    written, default = map(spec_document, (activation, row))
    for name in settings:
        if written.get(name) != default.get(name):
            raise place.wrong(f"'{name}' has a value in {to_text(activation)} and is swept as well")
    return set_parameters(activation, settings, place)
