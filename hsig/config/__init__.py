"""From a YAML file and flags to an experiment: flags beat the file, the file beats the defaults.

Everything is checked before the first epoch, and all problems come in one report.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from hsig.activations import Activation, spell
from hsig.config.checks import check_activation
from hsig.config.grid import SWEPT, Axis, cells_of, flags_of, read_axes, refuse_without_axes
from hsig.config.reading import Reading
from hsig.config.source import Given, read_file, read_flag
from hsig.config.values import Place, check_choice, check_number, nearest, read_part
from hsig.errors import ConfigError
from hsig.experiment import Experiment
from hsig.keys import COMPARE, COMPARISON_COLUMNS, EXPLAIN, KEYS, NOT_IN_SWEEPS, TRAIN, Key

__all__ = [
    "Axis",
    "Resolved",
    "Sweep",
    "cells_of",
    "load_activation",
    "load_columns",
    "load_comparison",
    "load_discordant",
    "load_experiment",
    "load_points",
    "load_rates",
    "load_resolved",
    "load_sweep",
    "resolve",
]

_UNKNOWN_MOST = 20  # unknown keys that are told one by one
_CELLS_TRIED_MOST = 200  # of a sweep, with something wrong in each


def load_experiment(
    path: Path | str | None = None,
    flags: Mapping[str, str] | None = None,
    command: str | None = None,
) -> Experiment:
    """The experiment that a config and flags describe; without either, the default one.

    Args:
        path: A YAML file, or None.
        flags: Texts by key, as typed behind the flag of that key.
        command: `train` or `explain`, for the key `activation`, or `compare`, for `activations`;
            by default `train` or `compare`, as the keys say. They differ in a few defaults.

    Raises:
        ConfigError: With every problem found.

    >>> load_experiment(flags={"activation": "hard", "epochs": "1e3"}).epochs
    1000
    """
    return resolve(path, flags, command).experiment


def load_comparison(paths: Sequence[Path], flags: Mapping[str, str]) -> dict[str, Experiment]:
    """The experiments of several configs that are to be compared, by the name of each.

    The name is that of the file, without its ending where that tells them apart. A config may
    have one `activation` here; the flag of the baseline is for the first config.

    Raises:
        ConfigError: With every problem of every config.
    """
    stems = Counter(path.stem for path in paths)
    experiments: dict[str, Experiment] = {}
    problems: list[str] = []
    for path in paths:
        name = path.stem if stems[path.stem] == 1 else str(path)
        given = {key: text for key, text in flags.items() if key != "baseline" or path == paths[0]}
        if name in experiments:
            problems.append(f"{path}: given twice")
        try:
            found = _resolve(path, given, COMPARE, among_others=True)
        except ConfigError as refusal:
            problems.extend(refusal.messages)
            continue
        experiments[name] = found.experiment
        if found.experiment.until is not None:
            problems.append(
                f"{found.origins['until']}: until: goes with one config: each would end with seeds "
                f"of its own. Choose their number with seeds"
            )
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    return experiments


@dataclass(frozen=True)
class Sweep:
    """The experiments of a sweep.

    Attributes:
        axes: What is swept.
        cells: A value of each axis, as texts, for each experiment; the last axis runs fastest.
        experiments: One for each cell, each of one variant.
    """

    axes: tuple[Axis, ...]
    cells: tuple[tuple[str, ...], ...]
    experiments: tuple[Experiment, ...]


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
    block = parts.pop(SWEPT, Given({}, str(path)))
    axes = read_axes(block, problems) if block.lines else ()
    given = _known(path, parts, problems)
    problems += [
        f"{where}: {name}: a sweep has no use for this key"
        for name in NOT_IN_SWEEPS
        for where in [
            *([given[name].where(())] if _says(given, name) else []),
            *([KEYS[name].flag] if name in flags else []),
        ]
    ]
    if not problems:
        refuse_without_axes(path, axes)
    if problems:
        raise ConfigError(problems)
    for axis in axes:
        if axis.name in flags:
            problems.append(f"{KEYS[axis.name].flag}: is swept by {path}")
        elif axis.name in given:
            problems.append(f"{given[axis.name].where(())}: {axis.name}: is swept as well")
    sources = {axis.name: block.where((axis.name,)) for axis in axes}
    # a cell is looked at when it ends, so no number of checkpoints is too large
    given["report_every"] = Given(int(KEYS["report_every"].high), SWEPT)
    base = {axis.name for axis in axes}
    settings = any("." in name for name in base)
    activation = "sigmoid"
    if settings and "activation" not in base:
        activation = spell(
            _resolve_given(given, flags, EXPLAIN, []).experiment.variants[0].hidden_activation
        )
    made: list[Experiment] = []
    chosen = cells_of(axes)
    complaints: dict[str, list[str]] = {}  # and the cells that they are about
    tried = 0
    for cell in chosen:
        tried += 1
        given_here = flags_of(axes, cell, flags, activation)
        try:
            found = _resolve_given(given, given_here, EXPLAIN, [], sources=sources)
        except ConfigError as refusal:
            here = ", ".join(f"{axis.name} {v}" for axis, v in zip(axes, cell, strict=True))
            for message in refusal.messages:
                complaints.setdefault(message, []).append(here)
            if sum(map(len, complaints.values())) > _CELLS_TRIED_MOST:
                break
            continue
        made.append(found.experiment)
    for message, cells in complaints.items():
        more = f", and in {len(cells) - 1} more" if len(cells) > 1 else ""
        where = f" (in the cell {cells[0]}{more})" if len(cells) < tried else ""
        problems.append(f"{message}{where}")
    if problems:
        raise ConfigError(problems)
    return Sweep(axes, tuple(chosen), tuple(made))


def load_resolved(keys: Mapping[str, object], where: str) -> Experiment:
    """The experiment that the resolved keys of a document mean, of whatever engine they name.

    Args:
        keys: As `hsig.document.resolved_keys` has them.
        where: What complaints call the document.

    Raises:
        ConfigError: With every problem, should it be of another version.
    """
    problems = [_unknown(where, name) for name in keys if name not in KEYS]
    given = {name: Given(key.default_for(COMPARE), "default") for name, key in KEYS.items()}
    given |= {name: Given(value, where) for name, value in keys.items() if name in KEYS}
    engine = str(given["engine"].value)
    given["engine"] = Given("auto", where)  # the one named need not be on this machine
    reading = Reading(given, problems, comparing=given["activations"].value is not None)
    experiment = reading.experiment()
    if problems or experiment is None:
        raise ConfigError(problems)
    return replace(experiment, engine=engine)


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
) -> Resolved:
    """The same as `load_experiment`, with the origin of every value."""
    return _resolve(path, flags or {}, command)


def _resolve(
    path: Path | str | None,
    flags: Mapping[str, str],
    command: str | None,
    *,
    among_others: bool = False,
) -> Resolved:
    problems: list[str] = []
    given = {} if path is None else _read_keys(Path(path), problems)
    return _resolve_given(given, flags, command, problems, among_others=among_others)


def _resolve_given(
    given: dict[str, Given],
    flags: Mapping[str, str],
    command: str | None,
    problems: list[str],
    *,
    among_others: bool = False,
    sources: Mapping[str, str] = MappingProxyType({}),
) -> Resolved:
    """The experiment of keys and flags; `sources` are what messages call some of the flags."""
    given = dict(given)
    for name, text in flags.items():
        if name in KEYS:
            source = sources.get(name, KEYS[name].flag)
            given[name] = read_flag(source, str(text), problems)
        else:
            problems.append(_unknown("flags", name))
    one = among_others and _says(given, "activation") and not _says(given, "activations")
    command = COMPARE if one else _command(given, command, problems)
    defaults = {name: Given(key.default_for(command), "default") for name, key in KEYS.items()}
    if _says(given, "initial_weights"):
        defaults["seeds"] = Given(1, "default")  # they go with one seed
    given = defaults | given

    reading = Reading(given, problems, comparing=command == COMPARE and not one)
    experiment = reading.experiment()
    if problems or experiment is None:
        raise ConfigError(problems)
    return Resolved(experiment, {name: part.where(()) for name, part in given.items()})


def _says(given: Mapping[str, Given], name: str) -> bool:
    return name in given and given[name].value is not None


def _command(given: Mapping[str, Given], command: str | None, problems: list[str]) -> str:
    """The command whose defaults hold, and whether its key for activations is the one given."""
    one, several = _says(given, "activation"), _says(given, "activations")
    if command in (TRAIN, EXPLAIN) and several and not one:
        problems.append(
            f"{given['activations'].where(())}: activations: these are for hsig compare. To "
            f"{command} one of them, name it: hsig {command} NAME CONFIG"
        )
    if command == COMPARE and one and not several:
        problems.append(
            f"{given['activation'].where(())}: activation: this is for hsig train. Name what to "
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
        problems.append(f"{parts.pop(SWEPT).where(())}: sweep: this is for hsig sweep")
    return _known(path, parts, problems)


def _known(path: Path, parts: Mapping[str, Given], problems: list[str]) -> dict[str, Given]:
    unknown = [name for name in parts if name not in KEYS]
    for name in unknown[:_UNKNOWN_MOST]:
        problems.append(_unknown(parts[name].where(()), name))
    if len(unknown) > _UNKNOWN_MOST:
        problems.append(f"{path}: {len(unknown) - _UNKNOWN_MOST} more unknown keys")
    return {name: part for name, part in parts.items() if name in KEYS}


def _unknown(where: str, name: str) -> str:
    return f"{where}: unknown key '{name}'.{nearest(name, KEYS)} Known: {', '.join(KEYS)}"


def load_activation(text: str) -> Activation:
    """The activation that a text such as `hard:slope=0.25` means.

    Raises:
        ConfigError: If it means none, or several.
    """
    problems: list[str] = []
    place = Place("", Given(text, "activation"), problems)
    activation = check_activation(KEYS["activation"], text, place)
    if activation is None:
        raise ConfigError(problems)
    return activation


def load_points(flag: str, text: str) -> tuple[float, ...]:
    """The numbers of a flag such as `-3,-1,0,1,3`; they may be infinite.

    Raises:
        ConfigError: If one of them is not a number.
    """
    problems: list[str] = []
    place = Place("", Given(text, flag), problems)
    key = Key("point", "number", "", infinite=True)
    points = [check_number(key, read_part(part, place), place) for part in text.split(",")]
    if problems:
        raise ConfigError(problems)
    return tuple(float(point) for point in points if point is not None)


def load_rates(flag: str, text: str) -> tuple[float, float]:
    """The two different solved rates of a flag such as `0.49,0.40`.

    Raises:
        ConfigError: If they are not two rates.
    """
    problems: list[str] = []
    place = Place("", Given(text, flag), problems)
    key = Key("rate", "number", "", low=0.0, high=1.0)
    rates = [check_number(key, read_part(part, place), place) for part in text.split(",")]
    if not problems and (len(rates) != 2 or rates[0] == rates[1]):
        place.expected("two different solved rates, such as 0.49,0.40", text)
    if problems:
        raise ConfigError(problems)
    first, second = (float(rate) for rate in rates if rate is not None)
    return first, second


def load_discordant(flag: str, text: str, rates: tuple[float, float]) -> float:
    """The share of discordant pairs of a flag.

    Raises:
        ConfigError: If it is not one that goes with the rates.
    """
    problems: list[str] = []
    place = Place("", Given(text, flag), problems)
    first, second = rates
    key = Key(
        "share",
        "number",
        "",
        low=abs(first - second),
        high=min(first + second, 2.0 - first - second),
    )
    share = check_number(key, read_part(text, place), place)
    if share is None:
        raise ConfigError(problems)
    return float(share)


def load_columns(flag: str, text: str) -> tuple[str, ...]:
    """The columns of a comparison that a flag such as `solved,cost` names.

    Raises:
        ConfigError: If one of them is none, or comes twice.
    """
    problems: list[str] = []
    place = Place("", Given(text, flag), problems)
    key = Key("columns", "choice", "", choices=COMPARISON_COLUMNS)
    columns = [check_choice(key, part.strip(), place) for part in text.split(",")]
    if len(set(columns)) < len(columns) and not problems:
        place.wrong(f"expected each column once, got the text '{text}'")
    if problems:
        raise ConfigError(problems)
    return tuple(column for column in columns if column is not None)
