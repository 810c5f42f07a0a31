"""From a YAML file and flags to an experiment: flags beat the file, the file beats the defaults.

Everything is checked before the first epoch, and all problems come in one report.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hsig.activations import ACTIVATIONS, Activation, spell
from hsig.config.checks import CHECKS, check_activation
from hsig.config.source import REFUSED, Given, read_file, read_flag
from hsig.config.values import Place, check_number, nearest, read_part
from hsig.errors import ConfigError
from hsig.experiment import Experiment, Variant
from hsig.keys import CHECKPOINTS_MOST, KEPT_NUMBERS_MOST, KEYS, Key
from hsig.losses import LOSSES
from hsig.network import default_output_activation

__all__ = ["Resolved", "load_activation", "load_experiment", "load_points", "resolve"]

_OPTIONAL = frozenset(("output_activation", "initial_weights", "expect"))


def load_experiment(
    path: Path | str | None = None, flags: Mapping[str, str] | None = None
) -> Experiment:
    """The experiment that a config and flags describe; without either, the default one.

    Args:
        path: A YAML file, or None.
        flags: Texts by key, as typed behind the flag of that key.

    Raises:
        ConfigError: With every problem found.

    >>> load_experiment(flags={"activation": "hard", "epochs": "1e3"}).epochs
    1000
    """
    return resolve(path, flags).experiment


@dataclass(frozen=True)
class Resolved:
    """An experiment, and for each key where its value came from.

    Attributes:
        experiment: What the values make.
        origins: By key: `FILE:LINE`, `--flag` or `default`.
    """

    experiment: Experiment
    origins: Mapping[str, str]


def resolve(path: Path | str | None = None, flags: Mapping[str, str] | None = None) -> Resolved:
    """The same as `load_experiment`, with the origin of every value."""
    problems: list[str] = []
    given = {key.name: Given(key.default, "default") for key in KEYS.values()}
    if path is not None:
        given |= _read_keys(Path(path), problems)
    for name, text in (flags or {}).items():
        if name in KEYS:
            given[name] = read_flag(KEYS[name].flag, str(text), problems)
        else:
            problems.append(_unknown("flags", name))

    reading = _Reading(given, problems)
    experiment = reading.experiment()
    if problems or experiment is None:
        raise ConfigError(problems)
    return Resolved(experiment, {name: part.where(()) for name, part in given.items()})


def _read_keys(path: Path, problems: list[str]) -> dict[str, Given]:
    """The known keys of a config; a file that cannot be used is one problem among others."""
    try:
        parts = read_file(path, problems)
    except ConfigError as refusal:
        problems.extend(refusal.messages)
        return {}
    for name in [name for name in parts if name not in KEYS]:
        problems.append(_unknown(parts[name].where(()), name))
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


class _Reading:
    """The checked values of all keys, and what must hold between them."""

    def __init__(self, given: Mapping[str, Given], problems: list[str]) -> None:
        self._given = given
        self._problems = problems
        self._values: dict[str, Any] = {name: self._check(name) for name in KEYS}

    def _check(self, name: str) -> object:
        value = self._given[name].value
        if value is REFUSED or (value is None and name in _OPTIONAL):
            return None
        return CHECKS[KEYS[name].kind](KEYS[name], value, self._place(name))

    def _place(self, *names: str) -> Place:
        """The first of some keys that somebody gave: where a conflict between them is told."""
        given = [name for name in names if self._given[name].source != "default"]
        name = (given or list(names))[0]
        return Place(name, self._given[name], self._problems)

    def experiment(self) -> Experiment | None:
        """The experiment, or None when something is wrong with it."""
        values = self._values
        if any(values[name] is None for name in KEYS.keys() - _OPTIONAL):
            return None
        activation: Activation = values["activation"]
        output = values["output_activation"]
        if output is None:
            output = default_output_activation(activation, ACTIVATIONS["sigmoid"])
        experiment = Experiment(
            task=values["task"],
            variants=(Variant(spell(activation), activation, output),),
            loss=LOSSES[values["loss"]],
            learning_rate=values["learning_rate"],
            epochs=values["epochs"],
            update=values["update"],
            hidden=values["hidden"],
            init=values["init"],
            initial_weights=values["initial_weights"],
            seeds=values["seeds"],
            solved_within=values["solved_within"],
            report_every=values["report_every"],
            cost=values["cost"],
            engine="reference",
            expect=values["expect"] or {},
        )
        self._check_loss(experiment)
        self._check_initial_weights(experiment)
        self._check_size(experiment)
        return experiment

    def _check_loss(self, experiment: Experiment) -> None:
        loss, targets = experiment.loss, experiment.task.targets
        if not loss.needs_probabilities:
            return
        if targets.min() < 0.0 or targets.max() > 1.0:
            self._place("task", "loss").wrong(
                f"the loss {loss.name} needs targets from 0 to 1, got targets from "
                f"{targets.min():g} to {targets.max():g}. For these use loss squared"
            )
        for variant in experiment.variants:
            output = variant.output_activation
            if not output.maps_into_unit_interval:
                low, high = output.range
                self._place("output_activation", "activation", "loss").wrong(
                    f"the loss {loss.name} needs an output from 0 to 1, but {spell(output)} gives "
                    f"{low:g} to {high:g}. Use loss squared, or output_activation sigmoid"
                )

    def _check_initial_weights(self, experiment: Experiment) -> None:
        weights = experiment.initial_weights
        if weights is None:
            return
        place = self._place("initial_weights")
        hidden, inputs = experiment.hidden, experiment.task.inputs.shape[1]
        for layer, shape, fan_in in (
            ("hidden", (inputs + 1, hidden), f"{inputs} inputs"),
            ("output", (hidden + 1, 1), f"{hidden} hidden units"),
        ):
            got = getattr(weights, layer).shape
            if got != shape:
                place.below(layer).wrong(
                    f"expected {shape[0]} rows of {shape[1]} ({fan_in} and a bias), "
                    f"got {got[0]} rows of {got[1]}"
                )
        if len(experiment.seeds) != 1:
            self._place("seeds").wrong(
                "initial_weights replace the draw, so they go with exactly one seed, "
                f"got {len(experiment.seeds)} seeds"
            )

    def _check_size(self, experiment: Experiment) -> None:
        epochs, every, seeds = experiment.epochs, experiment.report_every, len(experiment.seeds)
        checkpoints = epochs // every + 2
        samples, inputs = experiment.task.inputs.shape
        if checkpoints > CHECKPOINTS_MOST or checkpoints * seeds * samples > KEPT_NUMBERS_MOST:
            self._place("report_every", "epochs", "seeds").wrong(
                f"{epochs} epochs reported every {every} for {seeds} seeds and {samples} rows are "
                "more costs than fit in memory. Report less often"
            )
        elif seeds * (inputs + 2) * experiment.hidden > KEPT_NUMBERS_MOST:
            self._place("seeds", "hidden").wrong(
                f"{seeds} seeds of {experiment.hidden} hidden units are more weights than fit in "
                "memory. Train fewer seeds at a time"
            )
