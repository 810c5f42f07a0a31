"""From a YAML file and flags to an experiment: flags beat the file, the file beats the defaults.

Everything is checked before the first epoch, and all problems come in one report.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from functools import partial
from math import prod
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from hsig.activations import Activation
from hsig.activations.names import to_text
from hsig.config.activation_kinds import Spec, with_labels
from hsig.config.formulas import Argument, read_argument
from hsig.config.keys import COMPARE, EVIDENCE_NUMBERS, EXPLAIN, KEYS, TRAIN, known_elsewhere
from hsig.config.kinds import SAME, Choice, Number
from hsig.config.task_kinds import several_tasks
from hsig.config.text import read_file, read_flag
from hsig.config.values import InvalidValue, Json, Location, Value, each, nearest, read_part
from hsig.errors import ConfigError
from hsig.experiments.experiment import Bound, Checks, Experiment, Variant
from hsig.networks.network import default_output_activation, layer_shapes

# --- assembling ----------------------------------------------------------------------------------

# From a value for every key to an experiment; and what must hold between keys.

CHECKPOINTS_MOST = 100_000
KEPT_NUMBERS_MOST = 100_000_000  # over seeds and checkpoints: 0.8 GB
# keys of which each is a field by itself: what is assembled and checked of others is the same
APART = ("learning_rate", "update", "init", "solved_within", "scale", "cost", "engine")
_FIELDS = KEYS.keys() & {field.name for field in fields(Experiment)}


@dataclass(frozen=True)
class Checked:
    """What the value of every key means, and where each came from.

    Attributes:
        given: The values as they were given.
        values: What they mean; a refused one is missing, unless its key is optional.
        problems: Gets all that is wrong.
        comparing: Whether `activations` are meant, and not `activation`.
    """

    given: Mapping[str, Value]
    values: Mapping[str, Any]
    problems: list[str]
    comparing: bool = False

    @classmethod
    def of(
        cls, given: Mapping[str, Value], problems: list[str], *, comparing: bool = False
    ) -> "Checked":
        """The values of all keys, each checked by itself."""
        needed = "activations" if comparing else "activation"
        values = {}
        for name, key in KEYS.items():
            optional = key.optional and name != needed
            if optional:
                values[name] = key.kind.empty_value
            if given[name].value is not None or not optional:
                with suppress(InvalidValue):
                    place = Location(name, given[name], problems)
                    values[name] = key.kind.check(given[name].value, place)
        return cls(given, values, problems, comparing)

    def experiment(self) -> Experiment:
        """The experiment.

        Raises:
            ConfigError: With all problems, should there be one.
        """
        if len(self.values) == len(KEYS):
            experiment = self._assembled()
            for check in _CHECKS:
                check(experiment, self.place)
        if self.problems:
            raise ConfigError(self.problems)
        return experiment

    def place(self, *names: str) -> Location:
        """The first of some keys that somebody gave: where a conflict between them is told."""
        given = [name for name in names if not self.given[name].is_default]
        name = (given or names)[0]
        return Location(name, self.given[name], self.problems)

    def _assembled(self) -> Experiment:
        values = dict(self.values)
        chosen = values["activations"] if self.comparing else (values["activation"],)
        variants = tuple(self._variant(activation) for activation in chosen)
        values["epochs"] = epochs = self._epochs()
        values["at_epochs"] = tuple(epoch for epoch in values["at_epochs"] if epoch <= epochs)
        values["baseline"] = self._baseline(variants)
        values["expect"] = self._expect(variants)
        if values["initial_weights"] is not None and self.given["seeds"].is_default:
            values["seeds"] = (0,)  # they go with one seed
        return Experiment(variants=variants, **{name: values[name] for name in _FIELDS})

    def _variant(self, activation: Activation) -> Variant:
        output = self.values["output_activation"]
        if output is None:
            output = default_output_activation(activation)
        return Variant(to_text(activation), (activation,), activation if output == SAME else output)

    def _epochs(self) -> int:
        """The budget; if nobody gave one, the last of `at_epochs`.

        A budget on the command line cuts off those of a file.
        """
        epochs: int = self.values["epochs"]
        last: int = (self.values["at_epochs"] or (epochs,))[-1]
        if self.given["epochs"].is_default:
            return last
        cut = self.given["epochs"].is_flag and not self.given["at_epochs"].is_flag
        if last > epochs and not cut:
            self.place("at_epochs").wrong(
                f"expected epochs of at most {epochs}, the budget, got {last}"
            )
        return epochs

    def _baseline(self, variants: Sequence[Variant]) -> str:
        """The label of the one to compare with, or nothing for the first."""
        labels = [variant.label for variant in variants]
        label: str = self.values["baseline"] if self.comparing else ""
        if label and label not in labels:
            self.place("baseline").wrong(
                f"expected one of the activations compared, got {label}. They are: "
                f"{', '.join(labels)}"
            )
        return label

    def _expect(self, variants: Sequence[Variant]) -> dict[str, Bound | Checks]:
        """The checks, with every label as tables spell it."""
        labels = [variant.label for variant in variants]
        checks: dict[str, Bound | Checks] = {}
        for name, part in self.values["expect"].items():
            label = name
            if isinstance(part, Mapping) and name not in labels:
                with suppress(InvalidValue):
                    label = to_text(Spec().check(name, Location("", Value(name), [])))
                if label not in labels:
                    self.place("expect").below(name).wrong(
                        f"no variant is called '{name}'.{nearest(name, labels)} "
                        f"Variants: {', '.join(labels)}"
                    )
            checks[label] = part
        return checks


# --- what must hold between keys --------------------------------------------------------------

_Locations = Callable[..., Location]  # of some keys the first that somebody gave


def _check_loss(experiment: Experiment, place: _Locations) -> None:
    loss, targets = experiment.loss, experiment.task.targets
    if not loss.needs_probabilities:
        return
    if targets.min() < 0.0 or targets.max() > 1.0:
        place("task", "loss").wrong(
            f"the loss {loss.name} needs targets from 0 to 1, got targets from "
            f"{targets.min():g} to {targets.max():g}. For these use loss squared, and for any "
            "number output_activation identity"
        )
    outputs = {
        to_text(variant.output_activation): variant.output_activation
        for variant in experiment.variants
    }
    for output in outputs.values():
        if not output.maps_into_unit_interval:
            low, high = output.range
            place("output_activation", "activation", "loss").wrong(
                f"the loss {loss.name} needs an output from 0 to 1, but {to_text(output)} gives "
                f"{low:g} to {high:g}. Use loss squared, or output_activation sigmoid"
            )


def _check_initial_weights(experiment: Experiment, place: _Locations) -> None:
    weights = experiment.initial_weights
    if weights is None:
        return
    sizes = experiment.sizes
    fan_ins = [f"{sizes[0]} inputs", *(f"{units} hidden units" for units in experiment.hidden)]
    layers = ["hidden", "output"]
    for layer, weight, shape, fan_in in zip(
        layers, weights, layer_shapes(sizes), fan_ins, strict=True
    ):
        got = weight.shape
        if got != shape:
            place("initial_weights").below(layer).wrong(
                f"expected {shape[0]} rows of {shape[1]} ({fan_in} and a bias), "
                f"got {got[0]} rows of {got[1]}"
            )
    if len(experiment.seeds) != 1:
        place("seeds").wrong(
            "initial_weights replace the draw, so they go with exactly one seed, "
            f"got {len(experiment.seeds)} seeds"
        )


def _check_until(experiment: Experiment, place: _Locations) -> None:
    if experiment.until is None:
        return
    if experiment.seeds != tuple(range(len(experiment.seeds))):
        place("seeds").wrong(
            "until adds seeds 0, 1, 2, ... in order, so it goes with a number of seeds, "
            "not with a list"
        )
    if experiment.initial_weights is not None:
        place("until").wrong("initial_weights go with one seed, so no seeds can be added")


def _check_tune(experiment: Experiment, place: _Locations) -> None:
    if not experiment.tune:
        return
    if experiment.until is not None:
        place("tune", "until").wrong(
            "tune goes without until: choose the number of seeds that are reported with seeds"
        )
    if experiment.initial_weights is not None:
        place("tune").wrong(
            "initial_weights go with one seed, so there are no other seeds to choose on"
        )
    if len(experiment.variants) < 2:
        place("tune").wrong("expected at least 2 activations to compare, got 1")


def _check_size(experiment: Experiment, place: _Locations) -> None:
    epochs, every, seeds = experiment.epochs, experiment.report_every, len(experiment.seeds)
    if experiment.until is not None:
        seeds = experiment.max_seeds
    checkpoints = epochs // every + 2 + len(experiment.at_epochs)
    variants = len(experiment.variants)
    networks = variants * seeds
    who = f"{seeds} seeds" if variants == 1 else f"{variants} variants with {seeds} seeds each"
    samples = len(experiment.task.inputs)
    kept = checkpoints * networks * (samples + EVIDENCE_NUMBERS)
    if experiment.tune:  # at two or three checkpoints each
        tried = variants * len(experiment.tune) * len(experiment.tuning_seeds)
        kept += 3 * tried * (samples + EVIDENCE_NUMBERS)
    if checkpoints > CHECKPOINTS_MOST or kept > KEPT_NUMBERS_MOST:
        place("report_every", "epochs", "seeds").wrong(
            f"{epochs} epochs reported every {every} for {who} and {samples} samples are "
            "more costs than fit in memory. Report less often"
        )
    elif networks * sum(map(prod, layer_shapes(experiment.sizes))) > KEPT_NUMBERS_MOST:
        place("seeds", "hidden").wrong(
            f"{who} of {'-'.join(map(str, experiment.hidden))} hidden units are more weights than "
            "fit in memory. Train fewer seeds at a time"
        )


_CHECKS = (_check_loss, _check_initial_weights, _check_until, _check_tune, _check_size)


# --- and back ---------------------------------------------------------------------------------


def resolved_keys(experiment: Experiment) -> dict[str, Json]:
    """Every key of the config with its resolved value; as a config it gives the same numbers.

    One variant is the `activation`, several are the `activations`.
    """
    return {name: key.kind.resolved(experiment, name) for name, key in KEYS.items()}


# --- loading -------------------------------------------------------------------------------------

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
    several = given.get("task", Value(None))
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


def _parts(several: Value) -> list[Value]:
    """Each of several tasks, where it stands."""
    lines = several.lines.below if several.lines is not None else {}
    return [
        several._replace(value=value, lines=lines.get(place, several.lines))
        for place, value in enumerate(several_tasks(several.value))
    ]


def load_resolved(keys: Mapping[str, object], where: str) -> Experiment:
    """The experiment that the resolved keys of a document mean, of whatever engine they name.

    Args:
        keys: As `hsig.config.loading.resolved_keys` has them.
        where: What complaints call the document.

    Raises:
        ConfigError: With every problem, should it be of another version.
    """
    problems = [unknown_key(where, name) for name in keys if name not in KEYS]
    given = defaults(COMPARE)
    given |= {name: Value(value, where) for name, value in keys.items() if name in KEYS}
    given = with_labels(given, given)
    engine = str(given["engine"].value)
    given["engine"] = Value("auto", where)  # the one named need not be on this machine
    comparing = given["activations"].value is not None
    return replace(Checked.of(given, problems, comparing=comparing).experiment(), engine=engine)


# --- what other flags say ---------------------------------------------------------------------


def _load(flag: str, text: str, check: Callable[[Location], T]) -> T:
    """What the text of a flag means."""
    problems: list[str] = []
    try:
        found = check(Location("", Value(text, flag), problems))
    except InvalidValue:
        raise ConfigError(problems) from None
    return found


def _numbers(kind: Number, text: str, place: Location) -> tuple[float, ...]:
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

    def rates(place: Location) -> tuple[float, float]:
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

    def names(place: Location) -> tuple[str, ...]:
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
    task: Value | None = None,
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


def defaults(command: str) -> dict[str, Value]:
    """What holds for a command if nobody says otherwise."""
    return {name: Value(key.default_for(command)) for name, key in KEYS.items()}


def says(given: Mapping[str, Value], name: str) -> bool:
    """Whether a key has a value."""
    return name in given and given[name].value is not None


def _command(given: Mapping[str, Value], command: str | None, problems: list[str]) -> str:
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


def _untuned(given: Mapping[str, Value], problems: list[str]) -> dict[str, Value]:
    """What is given for one activation, whose learning rate a flag beats a `tune` with."""
    if says(given, "tune") and not (says(given, _RATE) and given[_RATE].is_flag):
        problems.append(
            f"{given['tune'].where()}: tune: this is for hsig compare. To train at one learning "
            f"rate, name it: {KEYS[_RATE].flag}"
        )
    return {name: part for name, part in given.items() if name != "tune"}


def _read_keys(path: Path, problems: list[str]) -> dict[str, Value]:
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


def known_keys(path: Path, parts: Mapping[str, Value], problems: list[str]) -> dict[str, Value]:
    """The keys of a config that there are; the others are problems."""
    unknown = [name for name in parts if name not in KEYS]
    for name in unknown[:_UNKNOWN_MOST]:
        problems.append(unknown_key(parts[name].where(), name))
    if len(unknown) > _UNKNOWN_MOST:
        problems.append(f"{path}: {len(unknown) - _UNKNOWN_MOST} more unknown keys")
    return {name: part for name, part in parts.items() if name in KEYS}


def read_flags(flags: Settings, problems: list[str]) -> dict[str, Value]:
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
