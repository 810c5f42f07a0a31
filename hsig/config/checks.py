"""From plain values to what an experiment is made of: a check for every kind of key."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import isfinite

from hsig.config.keys import ACTIVATION_GROUPS, EXPECTATIONS, PARAMETERS, SEED_LARGEST, Key
from hsig.config.rows import check_task, check_weights
from hsig.config.source import REFUSED, describe
from hsig.config.values import (
    Place,
    as_finite,
    check_choice,
    check_number,
    check_scalar,
    nearest,
    read_part,
    read_settings,
)
from hsig.experiments.experiment import Bound, Checks
from hsig.networks.activations import ACTIVATIONS, Activation, Parameter, find_activations, spell

_PARAMETER_ALIASES = {"negative_slope": "leak"}  # PyTorch's and JAX's word


def check_activation(_: Key, value: object, place: Place) -> Activation | None:
    """A name, `NAME:KEY=VALUE,...`, or a mapping with a name and settings."""
    settings: dict[str, object] | None = {}
    name = value
    if isinstance(value, str) and ":" in value:
        name, _colon, text = value.partition(":")
        settings = read_settings(text, place)
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


def check_output(key: Key, value: object, place: Place) -> Activation | str | None:
    """An activation, or a word for which one."""
    if isinstance(value, str) and value in key.choices:
        return value
    return check_activation(key, value, place)


def check_activations(_: Key, value: object, place: Place) -> tuple[Activation, ...] | None:
    """A list, or `NAME,NAME:KEY=VALUE,...`; a group stands for its members. No label twice."""
    listed = isinstance(value, list)
    parts = value if isinstance(value, list) else _split_specs(value)
    if not parts:
        place.expected(f"activations, or a group: {', '.join(ACTIVATION_GROUPS)}", value)
        return None
    chosen: dict[str, Activation] = {}
    sound = True
    for index, part in enumerate(parts):
        where = place.below(index) if listed else place
        if isinstance(part, str) and part in ACTIVATION_GROUPS:
            found = [ACTIVATIONS[name] for name in ACTIVATION_GROUPS[part]]
        else:
            activation = check_activation(_, part, where)
            sound = sound and activation is not None
            found = [] if activation is None else [activation]
        for activation in found:
            label = spell(activation)
            if label in chosen:
                where.wrong(f"expected each activation once, got {label} again")
                sound = False
            chosen[label] = activation
    return tuple(chosen.values()) if sound else None


def _split_specs(value: object) -> list[object]:
    """The specs of a text, where a comma stands between two of them or two of their settings."""
    if not isinstance(value, str):
        return [] if value is None or value is REFUSED else [value]
    specs: list[str] = []
    for part in value.split(","):
        setting = "=" in part and ":" not in part.partition("=")[0]
        if setting and specs and ":" in specs[-1]:
            specs[-1] += f",{part}"
        else:
            specs.append(part.strip())
    return list(specs)


def _activation(name: str, place: Place) -> Activation | None:
    found = find_activations(name)
    if len(found) == 1:
        return found[0]
    if found:
        meanings = "; ".join(
            f"'{activation.name}', {activation.formula}, for {', '.join(activation.aliases)}"
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
        text = replace(place, about=f"{activation.name}:{written}")
        part = place.below(written) if nested else text
        if name not in known:
            (part if nested else place).wrong(
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


def check_init(_: Key, value: object, place: Place) -> tuple[float, float] | None:
    """`uniform:LOW,HIGH` or `{uniform: [LOW, HIGH]}`."""
    wanted = "uniform:LOW,HIGH or {uniform: [LOW, HIGH]}, such as uniform:-1,1"
    bounds: object = None
    if isinstance(value, str) and value.startswith("uniform:"):
        bounds = [read_part(part, place) for part in value.removeprefix("uniform:").split(",")]
    elif isinstance(value, dict) and set(value) == {"uniform"}:
        bounds = value["uniform"]
    if not isinstance(bounds, list) or len(bounds) != 2:
        place.expected(wanted, value)
        return None
    if REFUSED in bounds:
        return None
    low, high = (as_finite(bound) for bound in bounds)
    if low is None or high is None or not low < high or not isfinite(high - low):
        got = " and ".join(map(describe, bounds))
        place.wrong(f"expected a finite LOW below a finite HIGH, got {got}")
        return None
    return low, high


def check_seeds(key: Key, value: object, place: Place) -> tuple[int, ...] | None:
    """A count n for the seeds 0 to n - 1, or a list without repeats."""
    if isinstance(value, str) and "," in value:
        value = [read_part(part, place) for part in value.split(",")]
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


def check_epochs(key: Key, value: object, place: Place) -> tuple[int, ...] | None:
    """Whole numbers, in rising order: a list, or a text with commas."""
    if isinstance(value, str):
        value = [read_part(part, place) for part in value.split(",")]
    listed = value if isinstance(value, list) else [value]
    whole = replace(key, kind="whole")
    epochs = [check_number(whole, part, place.below(i)) for i, part in enumerate(listed)]
    if not listed:
        place.expected("epochs, such as 500,2000", value)
    if not listed or None in epochs:
        return None
    found = tuple(int(epoch) for epoch in epochs if epoch is not None)
    if list(found) != sorted(set(found)):
        place.wrong(f"expected epochs in rising order, got {', '.join(map(str, found))}")
        return None
    return found


def check_expect(_: Key, value: object, place: Place) -> dict[str, Bound | Checks] | None:
    """`solved_at_least=0.9,verdict=solved`, or a mapping of the same, or of labels to such."""
    nested = isinstance(value, dict)
    checks = read_settings(value, place) if isinstance(value, str) else value
    if not isinstance(checks, dict):
        if checks is not None or value is None:
            place.expected(f"checks such as solved_at_least=0.9 ({', '.join(EXPECTATIONS)})", value)
        return None
    checked: dict[str, Bound | Checks] = {}
    for name, bound in checks.items():
        part = place.below(name) if nested else place
        if isinstance(bound, dict):  # the checks of one variant, under its label
            own = {key: _check_bound(key, each, part.below(key)) for key, each in bound.items()}
            sound = {key: each for key, each in own.items() if each is not None}
            if len(sound) == len(bound):
                checked[name] = sound
        else:
            result = _check_bound(name, bound, part)
            if result is not None:
                checked[name] = result
    return checked if len(checked) == len(checks) else None


def _check_bound(name: str, bound: object, place: Place) -> Bound | None:
    if name in EXPECTATIONS:
        return check_scalar(EXPECTATIONS[name], bound, place)
    if ":" in name or name in ACTIVATIONS:
        place.expected(
            f"checks of {name}, such as {{solved_at_least: 0.9}} (quote a label with commas)", bound
        )
        return None
    place.wrong(
        f"unknown check '{name}'.{nearest(name, EXPECTATIONS)} Known: {', '.join(EXPECTATIONS)}"
    )
    return None


def check_workers(key: Key, value: object, place: Place) -> int | str | None:
    """A number of processes, or a word for it."""
    if isinstance(value, str) and value in key.choices:
        return value
    workers = check_number(replace(key, kind="whole"), value, place)
    return None if workers is None else int(workers)


CHECKS: Mapping[str, Callable[[Key, object, Place], object]] = {
    "whole": check_number,
    "number": check_number,
    "choice": check_choice,
    "activation": check_activation,
    "activations": check_activations,
    "output": check_output,
    "task": check_task,
    "init": check_init,
    "weights": check_weights,
    "seeds": check_seeds,
    "epochs": check_epochs,
    "workers": check_workers,
    "expect": check_expect,
}
