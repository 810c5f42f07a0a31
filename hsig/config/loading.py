"""From a YAML file and flags to an experiment: flags beat the file, the file beats the defaults.

Everything is checked before the first epoch, and all problems come in one report.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from hsig.config.activation_kinds import Spec, with_labels
from hsig.config.arguments import Argument, read_argument
from hsig.config.assembling import Checked
from hsig.config.keys import COMPARE, EXPLAIN, KEYS, TRAIN, known_elsewhere
from hsig.config.kinds import Choice, Number
from hsig.config.task_kinds import several_tasks
from hsig.config.values import Given, Place, Wrong, each, nearest, read_part
from hsig.config.yaml_text import read_file, read_flag
from hsig.errors import ConfigError
from hsig.experiments.experiment import Experiment
from hsig.networks.activations import Activation

__all__ = [
    "SWEPT",
    "Resolved",
    "Settings",
    "keys_written",
    "load_activation",
    "load_comparison",
    "load_discordant",
    "load_experiment",
    "load_names",
    "load_points",
    "load_rates",
    "load_resolved",
    "load_tasks",
    "resolve",
]
T = TypeVar("T")

Settings = Mapping[str, str | Argument]  # by key: texts as behind its flag, or values of a call


def load_experiment(
    path: Path | str | None = None,
    flags: Settings | None = None,
    command: str | None = None,
) -> Experiment:
    """The experiment that a config and flags describe; without either, the default one.

    Args and Raises: as `resolve`.

    >>> load_experiment(flags={"activation": "hard", "epochs": "1e3"}).epochs
    1000
    """
    return resolve(path, flags, command).experiment


def load_comparison(paths: Sequence[Path], flags: Settings) -> dict[str, Experiment]:
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
            found = resolve(path, given, COMPARE, among_others=True)
        except ConfigError as refusal:
            problems.extend(refusal.messages)
            continue
        experiments[name] = found.experiment
        if found.experiment.until is not None:
            problems.append(
                f"{found.origins['until']}: until: goes with one config: each would end with seeds "
                f"of its own. Choose their number with seeds"
            )
        if found.experiment.tune:
            problems.append(
                f"{found.origins['tune']}: tune: goes with one config: of each its own choice "
                "would be two comparisons in one. Compare them one by one"
            )
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    return experiments


def load_tasks(path: Path | None, flags: Settings) -> dict[str, Experiment]:
    """The experiments of a comparison on a list of tasks, by the name of each; none if it has none.

    Raises:
        ConfigError: With every problem on every task.
    """
    problems: list[str] = []
    given = {} if path is None else _read_keys(path, problems)
    given |= read_flags(flags, problems)
    several = given.get("task", Given(None))
    experiments: dict[str, Experiment] = {}
    for part in _parts(several):
        try:
            found = resolve(path, flags, COMPARE, task=part)
        except ConfigError as refusal:
            problems.extend(refusal.messages)
            continue
        name = found.experiment.task.name
        if name in experiments:
            problems.append(f"{part.where()}: task: expected each task once, got {name} again")
        experiments[name] = found.experiment
        if found.experiment.until is not None:
            problems.append(
                f"{found.origins['until']}: until: goes with one task: each would end with seeds "
                "of its own. Choose their number with seeds"
            )
    if problems and _parts(several):
        raise ConfigError(list(dict.fromkeys(problems)))
    return experiments


def _parts(several: Given) -> list[Given]:
    """Each of several tasks, where it stands."""
    lines = several.lines.below if several.lines is not None else {}
    return [
        several._replace(value=value, lines=lines.get(place, several.lines))
        for place, value in enumerate(several_tasks(several.value))
    ]


def load_resolved(keys: Mapping[str, object], where: str) -> Experiment:
    """The experiment that the resolved keys of a document mean, of whatever engine they name.

    Args:
        keys: As `hsig.config.assembling.resolved_keys` has them.
        where: What complaints call the document.

    Raises:
        ConfigError: With every problem, should it be of another version.
    """
    problems = [unknown_key(where, name) for name in keys if name not in KEYS]
    given = defaults(COMPARE)
    given |= {name: Given(value, where) for name, value in keys.items() if name in KEYS}
    given = with_labels(given, given)
    engine = str(given["engine"].value)
    given["engine"] = Given("auto", where)  # the one named need not be on this machine
    comparing = given["activations"].value is not None
    return replace(Checked.of(given, problems, comparing=comparing).experiment(), engine=engine)


# --- what other flags say ---------------------------------------------------------------------


def _load(flag: str, text: str, check: Callable[[Place], T]) -> T:
    """What the text of a flag means."""
    problems: list[str] = []
    try:
        found = check(Place("", Given(text, flag), problems))
    except Wrong:
        raise ConfigError(problems) from None
    return found


def _numbers(kind: Number, text: str, place: Place) -> tuple[float, ...]:
    parts = text.split(",")
    return tuple(each(partial(kind.check, read_part(part, place), place) for part in parts))


def load_activation(text: str) -> Activation:
    """The activation that a text such as `hard:slope=0.25` means.

    Raises:
        ConfigError: If it means none, or several.
    """
    found: Activation = _load("activation", text, partial(Spec().check, text))
    return found


def load_points(flag: str, text: str) -> tuple[float, ...]:
    """The numbers of a flag such as `-3,-1,0,1,3`; they may be infinite.

    Raises:
        ConfigError: If one of them is not a number.
    """
    return _load(flag, text, partial(_numbers, Number(infinite=True), text))


def load_rates(flag: str, text: str) -> tuple[float, float]:
    """The two different solved rates of a flag such as `0.49,0.40`.

    Raises:
        ConfigError: If they are not two rates.
    """

    def rates(place: Place) -> tuple[float, float]:
        found = _numbers(Number(0.0, 1.0), text, place)
        if len(found) != 2 or found[0] == found[1]:
            raise place.expected("two different solved rates, such as 0.49,0.40", text)
        return found

    return _load(flag, text, rates)


def load_discordant(flag: str, text: str, rates: tuple[float, float]) -> float:
    """The share of discordant pairs of a flag.

    Raises:
        ConfigError: If it is not one that goes with the rates.
    """
    share = Number(abs(rates[0] - rates[1]), min(sum(rates), 2.0 - rates[0] - rates[1]))
    return _load(flag, text, lambda place: share.check(read_part(text, place), place))


def load_names(flag: str, text: str, known: Iterable[str]) -> tuple[str, ...]:
    """Those of the known names that a flag such as `solved,cost` has.

    Raises:
        ConfigError: If one of them is none, or comes twice.
    """

    def names(place: Place) -> tuple[str, ...]:
        one = Choice(tuple(known))
        found = each(partial(one.check, part.strip(), place) for part in text.split(","))
        if len(set(found)) < len(found):
            raise place.wrong(f"expected each column once, got the text '{text}'")
        return tuple(found)

    return _load(flag, text, names)


SWEPT = "sweep"  # the key of what a sweep varies
_RATE = "learning_rate"
_UNKNOWN_MOST = 20  # unknown keys that are told one by one


class Resolved(NamedTuple):
    """An experiment, and for each key where its value came from.

    Attributes:
        experiment: What the values make.
        origins: By key: `FILE:LINE`, `--flag` or `default`.
    """

    experiment: Experiment
    origins: Mapping[str, str]


def resolve(
    path: Path | str | None = None,
    flags: Settings | None = None,
    command: str | None = None,
    *,
    among_others: bool = False,
    task: Given | None = None,
) -> Resolved:
    """The experiment of a config and flags, and the origin of every value.

    Args:
        path: A YAML file, or None.
        flags: By key: texts as typed behind its flag, or arguments of a call.
        command: `train` or `explain`, for the key `activation`, or `compare`, for `activations`;
            by default `train` or `compare`, as the keys say. They differ in a few defaults.
        among_others: Whether it is one of several configs that are compared; it may have one
            `activation` then.
        task: What stands for the key of this name.

    Raises:
        ConfigError: With every problem found.
    """
    problems: list[str] = []
    given = {} if path is None else _read_keys(Path(path), problems)
    given = with_labels(given | read_flags(flags or {}, problems), given)
    one = among_others and says(given, "activation") and not says(given, "activations")
    command = COMPARE if one else _command(given, command, problems)
    given = defaults(command) | (given if command == COMPARE else _untuned(given, problems))
    if task is not None:
        given["task"] = task
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


def _untuned(given: Mapping[str, Given], problems: list[str]) -> dict[str, Given]:
    """What is given for one activation, whose learning rate a flag beats a `tune` with."""
    if says(given, "tune") and not (says(given, _RATE) and given[_RATE].is_flag):
        problems.append(
            f"{given['tune'].where()}: tune: this is for hsig compare. To train at one learning "
            f"rate, name it: {KEYS[_RATE].flag}"
        )
    return {name: part for name, part in given.items() if name != "tune"}


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


def keys_written(path: Path) -> frozenset[str]:
    """Those that a config has; none if it cannot be read, which is told where it is used."""
    try:
        return frozenset(read_file(path, []))
    except ConfigError:
        return frozenset()


def known_keys(path: Path, parts: Mapping[str, Given], problems: list[str]) -> dict[str, Given]:
    """The keys of a config that there are; the others are problems."""
    unknown = [name for name in parts if name not in KEYS]
    for name in unknown[:_UNKNOWN_MOST]:
        problems.append(unknown_key(parts[name].where(), name))
    if len(unknown) > _UNKNOWN_MOST:
        problems.append(f"{path}: {len(unknown) - _UNKNOWN_MOST} more unknown keys")
    return {name: part for name, part in parts.items() if name in KEYS}


def read_flags(flags: Settings, problems: list[str]) -> dict[str, Given]:
    """The values of flags by key; those of no key are problems."""
    problems += [
        unknown_key("arguments" if isinstance(text, Argument) else "flags", name)
        for name, text in flags.items()
        if name not in KEYS
    ]
    return {
        name: read_argument(name, text, problems)
        if isinstance(text, Argument)
        else read_flag(KEYS[name].flag, str(text), problems)
        for name, text in flags.items()
        if name in KEYS
    }


def unknown_key(where: str, name: str) -> str:
    """A complaint of a key that there is not."""
    hint = known_elsewhere(name, lambda key: f"'{key}'") or nearest(name, KEYS)
    return f"{where}: unknown key '{name}'.{hint} Known: {', '.join(KEYS)}"
