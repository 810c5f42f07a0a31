"""From a YAML file and flags to an experiment: flags beat the file, the file beats the defaults.

Everything is checked before the first epoch, and all problems come in one report.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from hsig.config.keys import COMPARE, KEYS
from hsig.config.lookups import (
    load_activation,
    load_columns,
    load_discordant,
    load_points,
    load_rates,
)
from hsig.config.reading import Reading
from hsig.config.resolving import Resolved, resolve, resolve_config, unknown_key
from hsig.config.source import Given
from hsig.config.sweeps import load_sweep
from hsig.errors import ConfigError
from hsig.experiments.experiment import Experiment

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
            found = resolve_config(path, given, COMPARE, among_others=True)
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
        keys: As `hsig.reports.documents.resolved_keys` has them.
        where: What complaints call the document.

    Raises:
        ConfigError: With every problem, should it be of another version.
    """
    problems = [unknown_key(where, name) for name in keys if name not in KEYS]
    given = {name: Given(key.default_for(COMPARE), "default") for name, key in KEYS.items()}
    given |= {name: Given(value, where) for name, value in keys.items() if name in KEYS}
    engine = str(given["engine"].value)
    given["engine"] = Given("auto", where)  # the one named need not be on this machine
    reading = Reading(given, problems, comparing=given["activations"].value is not None)
    experiment = reading.experiment()
    if problems or experiment is None:
        raise ConfigError(problems)
    return replace(experiment, engine=engine)
