"""Sweeps: which keys take which values, by a config and by flags, and the experiments they make."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

from hsig.activations import ACTIVATIONS, Activation
from hsig.activations.names import is_in_table
from hsig.config.activation_kinds import (
    Layers,
    is_formula,
    layers_text,
    set_parameters,
    spec_document,
)
from hsig.config.keys import KEYS, MAX_EPOCHS, SWEEP, Key
from hsig.config.kinds import setting_kind
from hsig.config.loading import (
    SWEPT,
    CheckedKeys,
    Settings,
    check_keys,
    defaults,
    known_keys,
    read_flags,
    translate_spellings,
)
from hsig.config.ranges import is_range, read_values
from hsig.config.specs import Setting, Spec
from hsig.config.text import read_config
from hsig.config.values import INVALID, InvalidValue, Location, Value, check_all, nearest
from hsig.errors import ConfigError
from hsig.experiments.experiment import OF_OPTIMIZER, Experiment
from hsig.experiments.sweeps import Axis, Sweep, canonical_value, grid_cells

MAX_CELLS = 100_000
_ACTIVATION = "activation"
# an experiment has these as they are, and no other key is right or wrong by them
_INDEPENDENT = {"epochs", "solved_within", "batch_size", "order", "cost", "clip_norm"}
_INDEPENDENT |= {*OF_OPTIMIZER}


@dataclass(frozen=True)
class _Swept:
    """An axis, and what its values mean."""

    axis: Axis  # its name and the texts of its values
    values: tuple[Any, ...]  # as an experiment has them
    written: Value  # where it stands

    @property
    def setting(self) -> str:
        """Which setting of the activation it is; nothing if it is a key."""
        return self.axis.name.partition(".")[2]


def load_sweep(path: Path | None, flags: Settings, folder: Path | None = None) -> Sweep:
    """The experiments that a `sweep` and flags with several values make.

    Each has what `explain` has by default. Flags beat the file for their key: several values of one
    take the place of those that the file has, or come behind, and one value is that of every cell.
    File names are relative to `folder`, if not to that of the file.

    Raises:
        ConfigError: With every problem of the config, and of the first cells that have one.
    """
    problems: list[str] = []
    parts = {} if path is None else read_config(path, problems, folder)
    block = parts.pop(SWEPT, None)
    typed = translate_spellings(read_flags(flags, problems), problems, several=True)
    named = typed.get(_ACTIVATION, parts.get(_ACTIVATION))
    of_a_formula = named is not None and is_formula(named.value)
    in_file = [] if block is None else _read_axes(block, problems, of_a_formula=of_a_formula)
    written = translate_spellings(known_keys(parts, problems), problems)
    problems += [
        f"{value.where()}: {name}: a sweep has no use for this key"
        for name, value in (written | typed).items()
        if SWEEP not in KEYS[name].commands and value.value is not None
    ]
    names = [part.axis.name for part in in_file if part.axis.name in written]
    problems += [f"{written[name].where()}: {name}: is swept as well" for name in names]
    if path is None and folder is not None:
        typed = {name: value._replace(folder=folder) for name, value in typed.items()}
    by_flag = _read_flag_axes(typed, problems)
    swept = [
        by_flag.pop(part.axis.name, part)
        for part in in_file
        if part.axis.name not in typed or part.axis.name in by_flag
    ]
    swept += by_flag.values()
    cells = prod(len(part.values) for part in swept)
    if cells > MAX_CELLS:
        where = f"{block.where()}: sweep" if block is not None else "sweep"
        problems.append(f"{where}: expected at most {MAX_CELLS} cells, got {cells}")
    # a cell is looked at when it ends, so no number of checkpoints is too large
    written["report_every"] = Value(MAX_EPOCHS, SWEPT)
    written |= typed
    written |= {part.axis.name: part.written for part in swept if not part.setting}
    base = check_keys(defaults(SWEEP) | written, problems)
    if not swept and not problems:
        where = "" if path is None else f"{path}: sweep: "
        problems.append(
            f"{where}expected values to sweep, such as: hsig sweep hard --learning-rate 0.1,0.3,1 "
            "--epochs 1000,4000; or in a CONFIG sweep: {learning_rate: {log: [0.01, 10, 13]}}; or "
            "--resume ID"
        )
    if problems:
        raise ConfigError(problems)
    axes = tuple(part.axis for part in swept)
    grid = tuple(grid_cells(axes))
    return Sweep(axes, grid, tuple(_make_cells(base, swept, grid)))


# --- axes -------------------------------------------------------------------------------------


def _read_axes(block: Value, problems: list[str], *, of_a_formula: bool) -> list[_Swept]:
    """The axes of a `sweep` block, in their order; settings may be those of a formula."""
    location = Location(SWEPT, block, problems)
    swept: list[_Swept] = []
    with suppress(InvalidValue):
        if not isinstance(block.value, Mapping) or not block.value:
            raise location.expected(
                "keys with their values, such as {learning_rate: [0.1, 1]}", block.value
            )
        values = {name: block.part(name, value) for name, value in block.value.items()}
        for name, part in translate_spellings(values, problems, several=True).items():
            with suppress(InvalidValue):
                below = Location(f"{SWEPT}.{name}", part, problems)
                swept.append(_read_axis(name, part.value, below, of_a_formula=of_a_formula))
    return swept


def _read_flag_axes(typed: dict[str, Value], problems: list[str]) -> dict[str, _Swept]:
    """The axes of those flags that have several values, by key; wrong ones become `INVALID`."""
    swept: dict[str, _Swept] = {}
    for name, value in typed.items():
        if not KEYS[name].may_be_swept:
            continue
        location = Location(name, value, problems)
        try:
            values = _split_values(KEYS[name], value, location)
            if values is not None:
                swept[name] = _read_axis(name, values, location)
        except InvalidValue:
            typed[name] = value._replace(value=INVALID)  # or it would be complained of again
    return swept


def _split_values(key: Key, value: Value, location: Location) -> object:
    """What a flag has as a `sweep` would, if it has several values; else None.

    A list is several values, unless it is one value of the key: for seeds, and on the command line
    for layers.
    """
    if is_range(value.value):
        return value.value
    if isinstance(value.value, list):
        of_lists = all(isinstance(part, list) for part in value.value)
        is_single = key.kind.listed or (key.kind.layered and not value.is_argument)
        return value.value if of_lists or not is_single else None
    texts = key.kind.split_values(value.value) if isinstance(value.value, str) else ()
    return [key.kind.read(text, location) for text in texts] if len(texts) > 1 else None


def _read_axis(
    name: str, value: object, location: Location, *, of_a_formula: bool = False
) -> _Swept:
    key, _, setting = name.partition(".")
    if key == _ACTIVATION and setting.isidentifier():
        check, default = setting_kind(setting, of_a_formula=of_a_formula).check, None
    elif name in KEYS and KEYS[name].may_be_swept:
        check, default = partial(_check_value, KEYS[name]), KEYS[name].default_for(SWEEP)
    else:
        known = [key.name for key in KEYS.values() if key.may_be_swept]
        raise location.wrong(
            f"this key cannot be swept.{nearest(name, known)} Expected one of "
            f"{', '.join(known)}, or a setting such as activation.slope"
        )
    parts = read_values(value, location, whole=name in KEYS and KEYS[name].kind.whole)
    values: list[Any] = check_all(partial(check, *part) for part in parts)
    texts = tuple(_to_text(part) for part, _ in parts)
    if len(set(map(canonical_value, texts))) < len(texts):
        raise location.wrong("expected each value once")
    return _Swept(Axis(name, texts), tuple(values), location.value._replace(value=default))


def _to_text(value: object) -> str:
    """A value of an axis, as it is shown and can be written."""
    if isinstance(value, Activation):
        return layers_text(value)
    if isinstance(value, list) and all(isinstance(part, str | Activation) for part in value):
        return f"[{', '.join(map(_to_text, value))}]"
    return value if isinstance(value, str) else json.dumps(value)


def _check_value(key: Key, value: object, location: Location) -> Any:
    if value is None and key.optional and key.name != _ACTIVATION:
        return key.kind.empty_value
    return key.kind.check(value, location)


# --- cells ------------------------------------------------------------------------------------


def _make_cells(
    base: CheckedKeys, swept: Sequence[_Swept], names: Sequence[tuple[str, ...]]
) -> Iterator[Experiment]:
    """The experiment of each cell; a `ConfigError` has what is wrong in the first that is wrong."""
    plain = [
        place
        for place, part in enumerate(swept)
        if part.axis.name in _INDEPENDENT
        and not (part.axis.name in OF_OPTIMIZER and None in part.values)
    ]
    others = [place for place in range(len(swept)) if place not in plain]
    alike: dict[tuple[str, ...], Experiment] = {}  # the first of those with the same other values
    for name, values in zip(names, product(*(part.values for part in swept)), strict=True):
        other = tuple([name[place] for place in others])
        if other in alike:
            changed = {swept[place].axis.name: values[place] for place in plain}
            yield replace(alike[other], **changed)
            continue
        try:
            alike[other] = _make_cell(base, swept, values)
            yield alike[other]
        except ConfigError as refusal:
            here = ", ".join(f"{p.axis.name} {text}" for p, text in zip(swept, name, strict=True))
            raise ConfigError([f"{m} (in the cell {here})" for m in refusal.messages]) from None


def _make_cell(base: CheckedKeys, swept: Sequence[_Swept], cell: Sequence[Any]) -> Experiment:
    """The experiment of the cell with these values."""
    values, settings = dict(base.values), {}
    for part, value in zip(swept, cell, strict=True):
        if part.setting:
            settings[part.setting] = value
        else:
            values[part.axis.name] = value
    checked = replace(base, values=values, problems=[])
    if settings:
        location = checked.location(_ACTIVATION)
        if location.value.is_default:
            first = next(part for part in swept if part.setting)
            location = Location(first.axis.name, first.written, checked.problems)
        with suppress(InvalidValue):
            values[_ACTIVATION] = _set(values.pop(_ACTIVATION), settings, location)
    return checked.experiment()


def _set(layers: Layers, settings: Mapping[str, Any], location: Location) -> Layers:
    """The activation with swept settings; a sweep does not override what somebody set."""
    if len(layers) > 1:
        raise location.wrong(
            f"expected one activation, of which {', '.join(settings)} is swept, got "
            f"{layers_text(layers)}"
        )
    (activation,) = layers
    row = ACTIVATIONS[activation.name] if is_in_table(activation) else activation
    written, default = map(spec_document, (activation, row))
    if given := [name for name in settings if written.get(name) != default.get(name)]:
        raise location.wrong(
            f"'{given[0]}' has a value in {layers_text(layers)} and is swept as well"
        )
    spec = Spec(activation.name, tuple(Setting(*pair, location) for pair in settings.items()))
    return (set_parameters(activation, spec, location),)
