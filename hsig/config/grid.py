"""The `sweep` of a config: which keys take which values, and the experiments that this makes."""

import json
from collections.abc import Mapping, Sequence
from math import exp, log, prod
from pathlib import Path
from typing import TypeGuard

from hsig.config.keys import KEYS, NOT_IN_SWEEPS, PARAMETERS
from hsig.config.source import Given, describe
from hsig.config.values import Place, nearest
from hsig.errors import ConfigError
from hsig.experiments.sweeps import Axis, canonical

SWEPT = "sweep"
CELLS_MOST = 1_000_000
_SCALES = ("linear", "log")
# of the values between the ends: as few as can be read well, or as tell them apart
_LOG_DIGITS, _LINEAR_DIGITS, _ALL_DIGITS = 4, 12, 17
_ACTIVATION = "activation"
_NOT_SWEPT = (*NOT_IN_SWEEPS, "report_every", "workers")


def read_axes(given: Given, problems: list[str]) -> tuple[Axis, ...]:
    """The axes of a `sweep` block, in their order."""
    place = Place(SWEPT, given, problems)
    if not isinstance(given.value, Mapping) or not given.value:
        place.expected("keys with their values, such as {learning_rate: [0.1, 1]}", given.value)
        return ()
    axes = []
    for name, value in given.value.items():
        below = place.below(str(name))
        if not _may_be_swept(str(name)):
            known = [key for key in KEYS if key not in _NOT_SWEPT]
            below.wrong(
                f"this key cannot be swept.{nearest(name, known)} Expected one of "
                f"{', '.join(known)}, or a setting such as activation.slope"
            )
            continue
        values = _values(str(name), value, below)
        if values is not None:
            axes.append(Axis(str(name), tuple(map(spelled, values))))
    cells = prod(len(axis.values) for axis in axes)
    if cells > CELLS_MOST:
        place.wrong(f"expected at most {CELLS_MOST} cells, got {cells}")
    for axis in axes:
        if len(set(map(canonical, axis.values))) < len(axis.values):
            place.below(axis.name).wrong("expected each value once")
    return tuple(axes)


def _may_be_swept(name: str) -> bool:
    key, _, setting = name.partition(".")
    if setting:
        return key == _ACTIVATION and setting in PARAMETERS
    return key in KEYS and key not in _NOT_SWEPT


def _values(name: str, value: object, place: Place) -> Sequence[object] | None:
    if isinstance(value, list) and value:
        return value
    if isinstance(value, Mapping) and len(value) == 1:
        (scale,) = value
        ends = value[scale]
        if scale in _SCALES and isinstance(ends, list) and len(ends) == 3:
            return _spaced(name, str(scale), ends, place.below(str(scale)))
    place.expected("a list, {linear: [from, to, n]} or {log: [from, to, n]}", value)
    return None


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _spaced(name: str, scale: str, ends: Sequence[object], place: Place) -> Sequence[object] | None:
    low, high, n = ends
    if not (_is_number(low) and _is_number(high) and isinstance(n, int) and 2 <= n <= CELLS_MOST):
        place.wrong(
            f"expected two numbers and how many values, from 2 to {CELLS_MOST}, got "
            f"{', '.join(map(describe, ends))}"
        )
        return None
    first, last = float(low), float(high)
    if scale == "log" and not (first > 0.0 and last > 0.0):
        place.wrong(f"expected ends above 0, got {describe(low)} and {describe(high)}")
        return None
    shares = [step / (n - 1) for step in range(n)]
    if scale == "log":
        between = [exp(log(first) + share * (log(last) - log(first))) for share in shares]
    else:
        between = [first + share * (last - first) for share in shares]
    between[0], between[-1] = first, last
    if name in KEYS and KEYS[name].kind == "whole":
        return [round(value) for value in between]
    least = _LOG_DIGITS if scale == "log" else _LINEAR_DIGITS
    for digits in range(least, _ALL_DIGITS):
        rounded = [float(f"{value:.{digits}g}") for value in between]
        if len(set(rounded)) == n:
            return rounded
    return between


def spelled(value: object) -> str:
    """A value as a flag would have it."""
    return value if isinstance(value, str) else json.dumps(value)


def flags_of(
    axes: Sequence[Axis], cell: Sequence[str], flags: Mapping[str, str], activation: str
) -> dict[str, str]:
    """The flags that make a cell's experiment of the config.

    Args:
        axes: The axes.
        cell: A value of each.
        flags: Those of the command line.
        activation: The one that the settings of a cell belong to, unless it is swept as well.
    """
    made = dict(flags)
    settings = []
    for axis, value in zip(axes, cell, strict=True):
        key, _, setting = axis.name.partition(".")
        if setting:
            settings.append(f"{setting}={value}")
        else:
            made[key] = value
    if settings:
        base = made.get(_ACTIVATION, activation)
        made[_ACTIVATION] = f"{base}{',' if ':' in base else ':'}{','.join(settings)}"
    return made


def refuse_without_axes(path: Path, axes: Sequence[Axis]) -> None:
    """Complain of a config that sweeps nothing.

    Raises:
        ConfigError: If there are no axes.
    """
    if not axes:
        raise ConfigError(
            f"{path}: sweep: there is none. Expected keys with their values, such as\n"
            "  sweep:\n    learning_rate: {log: [0.01, 10, 13]}\n    epochs: [500, 2000, 8000]"
        )
