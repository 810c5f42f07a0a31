"""From the values of a file and of flags to an experiment, and where each value came from."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hsig.config.assembling import Checked
from hsig.config.keys import COMPARE, EXPLAIN, KEYS, TRAIN
from hsig.config.reading import read_file, read_flag
from hsig.config.values import Given, nearest
from hsig.errors import ConfigError
from hsig.experiments.experiment import Experiment

SWEPT = "sweep"  # the key of what a sweep varies
_UNKNOWN_MOST = 20  # unknown keys that are told one by one


@dataclass(frozen=True)
class Resolved:
    """An experiment, and for each key where its value came from.

    Attributes:
        experiment: What the values make.
        origins: By key: `FILE:LINE`, `--flag` or `default`.
    """

    experiment: Experiment
    origins: Mapping[str, str]


def resolve(
    path: Path | str | None = None,
    flags: Mapping[str, str] | None = None,
    command: str | None = None,
    *,
    among_others: bool = False,
) -> Resolved:
    """The experiment of a config and flags, and the origin of every value.

    Args:
        path: A YAML file, or None.
        flags: Texts by key, as typed behind the flag of that key.
        command: `train` or `explain`, for the key `activation`, or `compare`, for `activations`;
            by default `train` or `compare`, as the keys say. They differ in a few defaults.
        among_others: Whether it is one of several configs that are compared; it may have one
            `activation` then.

    Raises:
        ConfigError: With every problem found.
    """
    problems: list[str] = []
    given = {} if path is None else _read_keys(Path(path), problems)
    given |= read_flags(flags or {}, problems)
    one = among_others and says(given, "activation") and not says(given, "activations")
    command = COMPARE if one else _command(given, command, problems)
    given = defaults(command) | given
    checked = Checked.of(given, problems, comparing=command == COMPARE and not one)
    return Resolved(checked.experiment(), {name: part.where() for name, part in given.items()})


def defaults(command: str) -> dict[str, Given]:
    """What holds for a command if nobody says otherwise."""
    return {name: Given(key.default_for(command)) for name, key in KEYS.items()}


def says(given: Mapping[str, Given], name: str) -> bool:
    """Whether a key has a value."""
    return name in given and given[name].value is not None


def _command(given: Mapping[str, Given], command: str | None, problems: list[str]) -> str:
    """The command whose defaults hold, and whether its key for activations is the one given."""
    one, several = says(given, "activation"), says(given, "activations")
    if command in (TRAIN, EXPLAIN) and several and not one:
        problems.append(
            f"{given['activations'].where()}: activations: these are for hsig compare. To "
            f"{command} one of them, name it: hsig {command} NAME CONFIG"
        )
    if command == COMPARE and one and not several:
        problems.append(
            f"{given['activation'].where()}: activation: this is for hsig train. Name what to "
            "compare, such as: hsig compare all CONFIG"
        )
    return command or (COMPARE if several and not one else TRAIN)


def _read_keys(path: Path, problems: list[str]) -> dict[str, Given]:
    """The known keys of a config; a file that cannot be used is one problem among others."""
    try:
        parts = read_file(path, problems)
    except ConfigError as refusal:
        problems.extend(refusal.messages)
        return {}
    if SWEPT in parts:
        problems.append(f"{parts.pop(SWEPT).where()}: sweep: this is for hsig sweep")
    return known_keys(path, parts, problems)


def known_keys(path: Path, parts: Mapping[str, Given], problems: list[str]) -> dict[str, Given]:
    """The keys of a config that there are; the others are problems."""
    unknown = [name for name in parts if name not in KEYS]
    for name in unknown[:_UNKNOWN_MOST]:
        problems.append(unknown_key(parts[name].where(), name))
    if len(unknown) > _UNKNOWN_MOST:
        problems.append(f"{path}: {len(unknown) - _UNKNOWN_MOST} more unknown keys")
    return {name: part for name, part in parts.items() if name in KEYS}


def read_flags(flags: Mapping[str, str], problems: list[str]) -> dict[str, Given]:
    """The values of flags by key; those of no key are problems."""
    problems += [unknown_key("flags", name) for name in flags if name not in KEYS]
    return {
        name: read_flag(KEYS[name].flag, str(text), problems)
        for name, text in flags.items()
        if name in KEYS
    }


def unknown_key(where: str, name: str) -> str:
    """A complaint of a key that there is not."""
    return f"{where}: unknown key '{name}'.{nearest(name, KEYS)} Known: {', '.join(KEYS)}"
