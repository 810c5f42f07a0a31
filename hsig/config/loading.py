"""From a YAML file and flags to an experiment: flags beat the file, the file beats the defaults.

Everything is checked before the first epoch, and all problems come in one report.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from hsig.config.assembling import Checked
from hsig.config.keys import COMPARE, COMPARISON_COLUMNS, KEYS
from hsig.config.kinds import Choice, Number
from hsig.config.resolving import Resolved, defaults, resolve, unknown_key
from hsig.config.specs import Spec
from hsig.config.sweeps import load_sweep
from hsig.config.values import Given, Place, Wrong, each, read_part
from hsig.errors import ConfigError
from hsig.experiments.experiment import Experiment
from hsig.networks.activations import Activation

__all__ = [
    "Resolved",
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
T = TypeVar("T")


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
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    return experiments


def load_resolved(keys: Mapping[str, object], where: str) -> Experiment:
    """The experiment that the resolved keys of a document mean, of whatever engine they name.

    Args:
        keys: As `hsig.config.resolved.resolved_keys` has them.
        where: What complaints call the document.

    Raises:
        ConfigError: With every problem, should it be of another version.
    """
    problems = [unknown_key(where, name) for name in keys if name not in KEYS]
    given = defaults(COMPARE)
    given |= {name: Given(value, where) for name, value in keys.items() if name in KEYS}
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


def load_columns(flag: str, text: str) -> tuple[str, ...]:
    """The columns of a comparison that a flag such as `solved,cost` names.

    Raises:
        ConfigError: If one of them is none, or comes twice.
    """

    def columns(place: Place) -> tuple[str, ...]:
        one = Choice(COMPARISON_COLUMNS)
        found = each(partial(one.check, part.strip(), place) for part in text.split(","))
        if len(set(found)) < len(found):
            raise place.wrong(f"expected each column once, got the text '{text}'")
        return tuple(found)

    return _load(flag, text, columns)
