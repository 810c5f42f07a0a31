"""From a YAML file and flags to an experiment: flags beat the file, the file beats the defaults.

Everything is checked before the first epoch, and all problems come in one report.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from hsig.activations import ACTIVATIONS, Activation
from hsig.config.activation_kinds import ActivationKind, Layers, insert_formulas, layers_text
from hsig.config.conflicts import find_conflicts
from hsig.config.formulas import Argument, read_argument
from hsig.config.keys import COMPARE, EXPLAIN, KEYS, TRAIN, Key, known_elsewhere
from hsig.config.kinds import SAME, Kind, ListOf, Number
from hsig.config.targets import choose_target_scale, default_output, resolve_task
from hsig.config.task_kinds import LAYER_NAMES, split_tasks
from hsig.config.text import read_config
from hsig.config.values import (
    INVALID,
    InvalidValue,
    Json,
    Location,
    Value,
    check_all,
    nearest,
)
from hsig.errors import ConfigError
from hsig.experiments.experiment import OF_OPTIMIZER, Bound, Checks, Experiment, Variant

Settings = Mapping[str, str | Argument]  # by key: texts as behind its flag, or values of a call

SWEPT = "sweep"  # the key of what a sweep varies
_RATE = "learning_rate"
_FIELDS = KEYS.keys() & {field.name for field in fields(Experiment)}


# --- values by key ----------------------------------------------------------------------------


def defaults(command: str) -> dict[str, Value]:
    """What holds for a command if nobody says otherwise."""
    return {name: Value(key.default_for(command)) for name, key in KEYS.items()}


def has_value(written: Mapping[str, Value], name: str) -> bool:
    """Whether a key has a value."""
    return name in written and written[name].value is not None


def read_flags(flags: Settings, problems: list[str]) -> dict[str, Value]:
    """The values of flags by key; those of no key are problems."""
    written = {}
    for name, text in flags.items():
        if name not in KEYS:
            where = "arguments" if isinstance(text, Argument) else "flags"
            problems.append(describe_unknown_key(where, name))
        elif isinstance(text, Argument):
            written[name] = read_argument(name, text, problems)
        else:
            key, value = KEYS[name], Value(INVALID, KEYS[name].flag)
            with suppress(InvalidValue):
                read = key.kind.read(str(text), Location(name, value, problems))
                value = value._replace(value=read)
            written[name] = value
    return written


def known_keys(parts: Mapping[str, Value], problems: list[str]) -> dict[str, Value]:
    """The keys of a config that there are; the others are problems."""
    problems += [
        describe_unknown_key(part.where(), name) for name, part in parts.items() if name not in KEYS
    ]
    return {name: part for name, part in parts.items() if name in KEYS}


def translate_spellings(
    written: Mapping[str, Value], problems: list[str], *, several: bool = False
) -> dict[str, Value]:
    """The values of one source, those of another spelling under the key that it spells.

    Args:
        written: By key.
        problems: Get those that are given under both.
        several: Whether a list, or a text with commas, is several values.
    """
    translated: dict[str, Value] = {}
    for name, value in written.items():
        meant = KEYS[name].spells if name in KEYS else ""
        if not meant:
            translated.setdefault(name, value)
        elif value.value is not None:
            location = Location(name, value, problems)
            if has_value(written, meant):
                location.wrong(f"is another spelling of {meant}, which is given too. Give one")
            new: object = INVALID
            with suppress(InvalidValue):
                new = _translate(KEYS[name], value.value, location, several)
            translated[meant] = value._replace(value=new)
    return translated


def _translate(key: Key, value: object, location: Location, several: bool) -> object:
    if several and isinstance(value, list):
        below = [location.below(place) for place in range(len(value))]
        pairs = zip(value, below, strict=True)
        return check_all(partial(_translate, key, *pair, False) for pair in pairs)
    if several and isinstance(value, str) and "," in value:
        return ",".join(str(_translate(key, part, location, False)) for part in value.split(","))
    return KEYS[key.spells].kind.document(key.kind.check(value, location))


def describe_unknown_key(where: str, name: str) -> str:
    """The complaint about a key that there is not."""
    hint = known_elsewhere(name, lambda key: f"'{key}'") or nearest(name, KEYS)
    return f"{where}: unknown key '{name}'.{hint} Known: {', '.join(KEYS)}"


def written_keys(path: Path) -> frozenset[str]:
    """The keys that a config has; none if it cannot be read, which is said where it is used."""
    try:
        return frozenset(read_config(path, []))
    except ConfigError:
        return frozenset()


def _read_keys(path: Path, problems: list[str]) -> dict[str, Value]:
    """The known keys of a config; a file that cannot be used is one problem among others."""
    try:
        parts = read_config(path, problems)
    except ConfigError as refusal:
        problems.extend(refusal.messages)
        return {}
    if SWEPT in parts:
        problems.append(f"{parts.pop(SWEPT).where()}: sweep: this is for hsig sweep")
    return known_keys(parts, problems)


# --- from values to an experiment -------------------------------------------------------------


@dataclass(frozen=True)
class CheckedKeys:
    """What the value of every key means, and where each came from.

    Attributes:
        written: The values as they were written.
        values: What they mean; an invalid one is missing, unless its key is optional.
        problems: Gets all that is wrong.
        comparing: Whether `activations` are meant, and not `activation`.
    """

    written: Mapping[str, Value]
    values: Mapping[str, Any]
    problems: list[str]
    comparing: bool = False

    def experiment(self) -> Experiment:
        """The experiment.

        Raises:
            ConfigError: With all problems, should there be one.
        """
        if len(self.values) == len(KEYS):
            with suppress(InvalidValue):  # of a table, which is noted
                experiment = self._assemble()
                for keys, message, path in find_conflicts(experiment):
                    location = self.location(*keys)
                    if path and isinstance(location.value.value, dict):  # layers by their names
                        names = [name for name in LAYER_NAMES if name in location.value.value]
                        path = tuple(names[int(step)] for step in path)
                    replace(location, path=path).wrong(message)
        if self.problems:
            raise ConfigError(self.problems)
        return experiment

    def location(self, *names: str) -> Location:
        """The first of some keys that somebody set: where a conflict between them is said."""
        written = [name for name in names if not self.written[name].is_default]
        name = (written or names)[0]
        return Location(name, self.written[name], self.problems)

    def _assemble(self) -> Experiment:
        values = dict(self.values)
        for name in OF_OPTIMIZER:
            if values[name] is None:
                values[name] = getattr(values["optimizer"].rule, name)
        values |= resolve_task(values, self.location)
        own, chosen = values["activation"], values["activations"] if self.comparing else ()
        is_known = own is not None and all(layer.name in ACTIVATIONS for layer in own)
        if not (self.comparing and (own is None or is_known or own in chosen)):
            chosen = (own, *chosen)  # to compare, only what nobody could name
        variants = tuple(self._variant(layers, values) for layers in chosen)
        if values["scale_target"] == "auto":
            values["scale_target"] = choose_target_scale(values["task"], variants)
        values["epochs"] = epochs = self._epochs()
        values["at_epochs"] = tuple(epoch for epoch in values["at_epochs"] if epoch <= epochs)
        bias = values["init_bias"]
        if bias is not None and values["bias"] != "none":  # where there are biases
            values["init"] = replace(values["init"], bias=None if bias == SAME else bias)
        labels = [variant.label for variant in variants]
        values["baseline"] = self._baseline(labels)
        values["expect"] = self._expect(labels)
        if values["initial_weights"] is not None and self.written["seeds"].is_default:
            values["seeds"] = (0,)  # they go with one seed
        return Experiment(variants=variants, **{name: values[name] for name in _FIELDS})

    def _variant(self, layers: Layers, values: Mapping[str, Any]) -> Variant:
        output = values["output_activation"] or default_output(
            layers, values["hidden"], values["task"], values["loss"]
        )
        return Variant(layers_text(layers), layers, layers[-1] if output == SAME else output)

    def _epochs(self) -> int:
        """The budget; if nobody set one, the last of `at_epochs`.

        A budget on the command line cuts off those of a file.
        """
        epochs: int = self.values["epochs"]
        last: int = (self.values["at_epochs"] or (epochs,))[-1]
        if self.written["epochs"].is_default:
            return last
        cut = self.written["epochs"].is_flag and not self.written["at_epochs"].is_flag
        if last > epochs and not cut:
            self.location("at_epochs").wrong(
                f"expected epochs of at most {epochs}, the budget, got {last}"
            )
        return epochs

    def _baseline(self, labels: Sequence[str]) -> str:
        """The label of the one to compare with, or nothing for the first."""
        layers = self.values["baseline"]
        if not self.comparing or layers is None:
            return ""
        label = layers_text(layers)
        if label not in labels:
            self.location("baseline").wrong(
                f"expected one of the activations compared, got {label}. They are: "
                f"{', '.join(labels)}"
            )
        return label

    def _expect(self, labels: Sequence[str]) -> dict[str, Bound | Checks]:
        """The checks, with every label as tables spell it."""
        checks: dict[str, Bound | Checks] = {}
        for name, part in self.values["expect"].items():
            label = name
            if isinstance(part, Mapping) and name not in labels:
                with suppress(InvalidValue):
                    layers = KEYS["activation"].kind.check(name, Location("", Value(name), []))
                    label = layers_text(layers)
                if label not in labels:
                    self.location("expect").below(name).wrong(
                        f"no variant is called '{name}'.{nearest(name, labels)} "
                        f"Variants: {', '.join(labels)}"
                    )
            checks[label] = part
        return checks


def check_keys(
    written: Mapping[str, Value], problems: list[str], *, comparing: bool = False
) -> CheckedKeys:
    """The values of all keys, each checked by itself."""
    needed = "activations" if comparing else "activation"
    values = {}
    for name, key in KEYS.items():
        optional = key.optional and name != needed
        if optional:
            values[name] = key.kind.empty_value
        if written[name].value is not None or not optional:
            with suppress(InvalidValue):
                location = Location(name, written[name], problems)
                values[name] = key.kind.check(written[name].value, location)
    return CheckedKeys(written, values, problems, comparing)


def resolved_keys(experiment: Experiment) -> dict[str, Json]:
    """Every key of the config with its resolved value; as a config it gives the same numbers.

    One variant is the `activation`, several are the `activations`.
    """
    hidden = [variant.hidden_activations for variant in experiment.variants]
    outputs = [variant.output_activation for variant in experiment.variants]
    output: Activation | str | None = outputs[0]
    default = partial(
        default_output, hidden=experiment.hidden, task=experiment.task, loss=experiment.loss
    )
    if len(hidden) > 1 and outputs == list(map(default, hidden)):
        output = None
    elif len(hidden) > 1 and outputs == [layers[-1] for layers in hidden]:
        output = SAME
    derived = {
        "init_bias": experiment.init.bias,
        "activation": hidden[0] if len(hidden) == 1 else None,
        "activations": hidden if len(hidden) > 1 else [],
        "output_activation": output,
    }
    return {
        name: None
        if key.spells
        else key.kind.document(derived[name] if name in derived else getattr(experiment, name))
        for name, key in KEYS.items()
    }


# --- loading ----------------------------------------------------------------------------------


class Resolved(NamedTuple):
    """An experiment, and for each key where its value came from.

    Attributes:
        experiment: What the values make.
        origins: By key: `FILE:LINE`, `--flag`, `default` or `default of OPTIMIZER`.
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
        among_others: Whether it is one of several configs that are compared, which may have one
            `activation`.
        task: What stands for the key of this name.

    Raises:
        ConfigError: With every problem found.
    """
    problems: list[str] = []
    in_file = {} if path is None else _read_keys(Path(path), problems)
    in_file = translate_spellings(in_file, problems)
    typed = translate_spellings(read_flags(flags or {}, problems), problems)
    written = insert_formulas(in_file | typed, in_file)
    single = has_value(written, "activation") and not has_value(written, "activations")
    command = COMPARE if among_others else _find_command(written, command, problems)
    if command != COMPARE:
        written = _without_tune(written, problems)
    written = defaults(command) | written | ({} if task is None else {"task": task})
    comparing = command == COMPARE and not (among_others and single)
    if comparing and (has_value(in_file, "activations") or written["activation"].is_flag):
        written["activation"] = defaults(command)["activation"]  # that of the file is its own
    checked = check_keys(written, problems, comparing=comparing)
    experiment = checked.experiment()
    origins = {name: part.where() for name, part in written.items()}
    origins |= {
        name: f"default of {experiment.optimizer.name}"
        for name in OF_OPTIMIZER
        if written[name].value is None
    }
    return Resolved(experiment, origins)


def _find_command(written: Mapping[str, Value], command: str | None, problems: list[str]) -> str:
    """The command whose defaults hold; its key for activations must not be the other one."""
    single, several = has_value(written, "activation"), has_value(written, "activations")
    if command in (TRAIN, EXPLAIN) and several and not single:
        problems.append(
            f"{written['activations'].where()}: activations: these are for hsig compare. To "
            f"{command} one of them, name it: hsig {command} NAME CONFIG"
        )
    if command == COMPARE and single and not several:
        problems.append(
            f"{written['activation'].where()}: activation: this is for hsig train. Name what to "
            "compare, such as: hsig compare all CONFIG"
        )
    return command or (COMPARE if several and not single else TRAIN)


def _without_tune(written: Mapping[str, Value], problems: list[str]) -> dict[str, Value]:
    """What is written for one activation, whose learning rate a flag beats a `tune` with."""
    if has_value(written, "tune") and not (has_value(written, _RATE) and written[_RATE].is_flag):
        problems.append(
            f"{written['tune'].where()}: tune: this is for hsig compare. To train at one learning "
            f"rate, name it: {KEYS[_RATE].flag}"
        )
    return {name: part for name, part in written.items() if name != "tune"}


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


def describe_left_out(
    paths: Sequence[Path], flags: Settings, experiments: Iterable[Experiment]
) -> list[str]:
    """Say which configs have an activation that is compared nowhere, as others were named."""
    labels = {variant.label for experiment in experiments for variant in experiment.variants}
    messages = []
    for path in paths if "activations" in flags else ():
        keys = _read_keys(path, [])
        own = keys.get("activation", Value(None))
        if own.value is not None and "activations" not in keys:
            label = layers_text(KEYS["activation"].kind.check(own.value, Location("", own, [])))
            if label not in labels:
                messages.append(
                    f"{own.where()}: activation: {label} is left out, as others are named. To "
                    "compare it with them, name it too"
                )
    return messages


def load_side_by_side(paths: Sequence[Path], flags: Settings) -> dict[str, Experiment]:
    """The experiments of several configs, or of one config on several tasks, by their names.

    A config is called as its file, without the ending where that tells them apart, and may have one
    `activation` here; the flag of the baseline is for the first. A task is called by its own name.

    Returns:
        Nothing where there is one config or none, and one task.

    Raises:
        ConfigError: With every problem of each.
    """
    what, loads = "task", _split_task(paths, flags)
    if len(paths) > 1:
        what, loads = "config", _split_configs(paths, flags)
    experiments: dict[str, Experiment] = {}
    problems: list[str] = []
    for name, load in loads:
        try:
            experiment, origins = load()
        except ConfigError as refusal:
            problems.extend(refusal.messages)
            continue
        name = name or experiment.task.name
        if name in experiments:
            problems.append(f"{origins['task']}: {what}: expected each once, got {name} again")
        experiments[name] = experiment
        if experiment.until is not None:
            problems.append(
                f"{origins['until']}: until: goes with one {what}: each would end with seeds of "
                "its own. Choose their number with seeds"
            )
        if experiment.tune and what == "config":
            problems.append(
                f"{origins['tune']}: tune: goes with one config: of each its own choice would be "
                "two comparisons in one. Compare them one by one"
            )
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    return experiments


_Loads = list[tuple[str, Callable[[], Resolved]]]  # of each its name, if that is known


def _split_configs(paths: Sequence[Path], flags: Settings) -> _Loads:
    stems = Counter(path.stem for path in paths)
    others = {key: text for key, text in flags.items() if key != "baseline"}
    return [
        (
            path.stem if stems[path.stem] == 1 else str(path),
            partial(resolve, path, flags if path == paths[0] else others, among_others=True),
        )
        for path in paths
    ]


def _split_task(paths: Sequence[Path], flags: Settings) -> _Loads:
    written = _read_keys(paths[0], []) if paths else {}
    task = (written | read_flags(flags, [])).get("task", Value(None))
    path = paths[0] if paths else None
    return [
        ("", partial(resolve, path, flags, COMPARE, task=task.part(place, value)))
        for place, value in enumerate(split_tasks(task.value))
    ]


def load_resolved(keys: Mapping[str, object], where: str) -> Experiment:
    """The experiment that the resolved keys of a document mean, of whatever engine they name.

    Args:
        keys: As `hsig.config.loading.resolved_keys` has them.
        where: What complaints call the document.

    Raises:
        ConfigError: With every problem, should it be of another version.
    """
    problems = [describe_unknown_key(where, name) for name in keys if name not in KEYS]
    known = {name: Value(value, where) for name, value in keys.items() if name in KEYS}
    written = defaults(COMPARE) | translate_spellings(known, problems)
    written = insert_formulas(written, written)
    engine = str(written["engine"].value)
    written["engine"] = Value("auto", where)  # the one named need not be on this machine
    comparing = written["activations"].value is not None
    return replace(check_keys(written, problems, comparing=comparing).experiment(), engine=engine)


# --- what other flags say ---------------------------------------------------------------------

POINTS = ListOf(Number(infinite=True), "numbers")
RATES = ListOf(
    Number(0.0, 1.0), "solved rates, such as 0.49,0.40", min_length=2, max_length=2, distinct=True
)


def load_flag(flag: str, text: str, kind: Kind) -> Any:
    """What the text of a flag means that is no key.

    Raises:
        ConfigError: If it means nothing.
    """
    problems: list[str] = []
    location = Location("", Value(text, flag), problems)
    with suppress(InvalidValue):
        return kind.check(kind.read(text, location), location)
    raise ConfigError(problems)


def load_activation(text: str) -> Activation:
    """The activation that a text such as `hard:slope=0.25` means."""
    activation: Activation = load_flag("activation", text, ActivationKind())
    return activation
