"""The `sweep` of a config: which keys take which values, and the experiments that this makes."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

from hsig.config.activation_kinds import PARAMETERS, set_parameters, spec_document
from hsig.config.assembling import Checked
from hsig.config.keys import EPOCHS_MOST, KEYS, SWEEP, Key
from hsig.config.kinds import Whole
from hsig.config.loading import SWEPT, defaults, known_keys, read_flags, says
from hsig.config.ranges import VALUES_MOST, read_values
from hsig.config.values import Given, Place, Wrong, each, nearest
from hsig.config.yaml_text import read_file
from hsig.errors import ConfigError
from hsig.experiments.experiment import Experiment
from hsig.experiments.sweeps import Axis, Sweep, canonical, cells_of
from hsig.networks.activations import ACTIVATIONS, Activation, spell

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
    given: Given

    @property
    def setting(self) -> str:
        """Which setting of the activation it is; nothing if it is a key."""
        return self.axis.name.partition(".")[2]


def load_sweep(path: Path, flags: Mapping[str, str], folder: Path | None = None) -> Sweep:
    """The experiments that a config with a `sweep` makes, each with what `explain` has by default.

    Args:
        path: A YAML file.
        flags: Texts by key, as typed behind the flag of that key.
        folder: What file names in it are relative to, if not its own folder.

    Raises:
        ConfigError: With every problem of the config, and of the first cells that have one.
    """
    problems: list[str] = []
    parts = read_file(path, problems, folder)
    block = parts.pop(SWEPT, None)
    swept = [] if block is None else _read_axes(block, problems)
    given = known_keys(path, parts, problems)
    problems += _useless(given, flags)
    if not problems and not swept:
        raise ConfigError(
            f"{path}: sweep: there is none. Expected keys with their values, such as\n"
            "  sweep:\n    learning_rate: {log: [0.01, 10, 13]}\n    epochs: [500, 2000, 8000]"
        )
    problems += _given_twice(path, swept, given, flags)
    # a cell is looked at when it ends, so no number of checkpoints is too large
    given["report_every"] = Given(EPOCHS_MOST, SWEPT)
    given |= read_flags(flags, problems)
    given |= {part.axis.name: part.given for part in swept if not part.setting}
    base = Checked.of(defaults(SWEEP) | given, problems)
    if problems:
        raise ConfigError(problems)
    axes = tuple(part.axis for part in swept)
    cells = tuple(cells_of(axes))
    return Sweep(axes, cells, tuple(_experiments(base, swept, cells)))


def _useless(given: Mapping[str, Given], flags: Mapping[str, str]) -> list[str]:
    """Complaints of keys that a sweep would silently ignore."""
    useless = [key for key in KEYS.values() if SWEEP not in key.commands]
    places = [(given[key.name].where(), key.name) for key in useless if says(given, key.name)]
    places += [(key.flag, key.name) for key in useless if key.name in flags]
    return [f"{where}: {name}: a sweep has no use for this key" for where, name in places]


def _given_twice(
    path: Path, swept: Sequence[_Swept], given: Mapping[str, Given], flags: Mapping[str, str]
) -> list[str]:
    """Complaints of keys that have a value and are swept."""
    problems = []
    for name in (part.axis.name for part in swept):
        if name in flags:
            problems.append(f"{KEYS[name].flag}: is swept by {path}")
        elif name in given:
            problems.append(f"{given[name].where()}: {name}: is swept as well")
    return problems


def _read_axes(block: Given, problems: list[str]) -> list[_Swept]:
    """The axes of a `sweep` block, in their order."""
    place = Place(SWEPT, block, problems)
    swept: list[_Swept] = []
    with suppress(Wrong):
        if not isinstance(block.value, Mapping) or not block.value:
            raise place.expected(
                "keys with their values, such as {learning_rate: [0.1, 1]}", block.value
            )
        for name, value in block.value.items():
            with suppress(Wrong):
                swept.append(_read_axis(name, value, place.below(name)))
    cells = prod(len(part.values) for part in swept)
    if cells > CELLS_MOST:
        place.wrong(f"expected at most {CELLS_MOST} cells, got {cells}")
    for axis in (part.axis for part in swept):
        if len(set(map(canonical, axis.values))) < len(axis.values):
            place.below(axis.name).wrong("expected each value once")
    return swept


def _read_axis(name: str, value: object, place: Place) -> _Swept:
    key, _, setting = name.partition(".")
    if setting and key == _ACTIVATION and setting in PARAMETERS:
        check, default = PARAMETERS[setting].check, None
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
    texts = tuple(part if isinstance(part, str) else json.dumps(part) for part, _ in parts)
    given = place.given._replace(
        value=default, lines=place.given.lines and place.given.lines.below[name]
    )
    return _Swept(Axis(name, texts), tuple(values), given)


def _check(key: Key, value: object, place: Place) -> Any:
    if value is None and key.optional and key.name != _ACTIVATION:
        return key.kind.absent
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
    values = product(*(part.values for part in swept))
    for cell, own in zip(cells, values, strict=True):
        tried += 1
        try:
            made.append(_experiment(base, swept, own))
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
        with suppress(Wrong):
            values[_ACTIVATION] = _set(values.pop(_ACTIVATION), settings, cell.place(_ACTIVATION))
    return cell.experiment()


def _set(activation: Activation, settings: Mapping[str, Any], place: Place) -> Activation:
    """The activation with swept settings; a sweep does not override what somebody set."""
    written, default = map(spec_document, (activation, ACTIVATIONS[activation.name]))
    for name in settings:
        if written.get(name) != default.get(name):
            raise place.wrong(f"'{name}' has a value in {spell(activation)} and is swept as well")
    return set_parameters(activation, settings, place)
