"""The setting of a run: the keys of its config, each as short as it can be written."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from hsig.config.activation_kinds import spec_document
from hsig.config.assembling import resolved_keys
from hsig.config.keys import COMPARE, KEYS, SWEEP
from hsig.config.loading import load_activation, load_experiment, load_resolved
from hsig.config.values import Json
from hsig.engines import compiled
from hsig.errors import ConfigError
from hsig.experiments.experiment import Experiment
from hsig.networks.activations import Activation, spell
from hsig.networks.tasks import TASKS
from hsig.reports.numbers import count, short
from hsig.reports.page import Table
from hsig.reports.words import SEVERAL

# keys without which the numbers are the same, as the seeds that were trained are named
_NO_MATTER = ("workers", "until", "max_seeds")

Part = Mapping[str, Any]  # of a run, as its `run.json` has it


def setting_table(about: Mapping[str, Any], parts: Sequence[Part]) -> Table:
    """The keys of a run and their values: first those that are not what holds by default.

    Args:
        about: What `run.json` says.
        parts: Those of its parts that were asked for.
    """
    command = str(about["command"])
    every = [spelled_keys(load_resolved(part["experiment"], "")) for part in parts]
    usual, changed = _written(spelled_keys(_usual(command))), set[str]()
    usual["activations"] = str(KEYS["activations"].default_for(command) or "")
    for part in parts:
        changed |= changed_keys(part["experiment"], command).keys()
    values = {name: SEVERAL.join(dict.fromkeys(_written(k)[name] for k in every)) for name in KEYS}
    for axis in about["sweep"]["axes"] if command == SWEEP else ():
        changed.add(axis["name"])
        values[axis["name"]] = SEVERAL.join(axis["values"])
    left_out = {"workers", *(("report_every",) if command == SWEEP else ())}
    if not values["until"]:
        left_out.add("max_seeds")
    rows = [(n, v, usual.get(n, "")) for n, v in values.items() if n in changed - left_out]
    rows += [(n, v, "the same") for n, v in values.items() if v and n not in changed | left_out]
    columns = ("key", "value", "by default")
    return Table("the keys of its config", columns, tuple(rows), prose=columns, whole=True)


def _written(keys: Mapping[str, Json]) -> dict[str, str]:
    """Their values as texts; empty where there is none."""
    texts = {
        name: ", ".join(map(as_flag, value)) if isinstance(value, list) else as_flag(value)
        for name, value in keys.items()
        if value not in (None, {})
    }
    task = keys["task"]
    if isinstance(task, dict) and isinstance(task["targets"], list):
        texts["task"] = f"{task['name']}, {count(len(task['targets']), 'sample')} of its own"
    return dict.fromkeys(keys, "") | texts


def spelled_keys(experiment: Experiment) -> dict[str, Json]:
    """Every key of an experiment, each as short as it can be written."""
    return resolved_keys(experiment) | _spelled(experiment)


def changed_keys(keys: Mapping[str, Any], command: str) -> dict[str, Json]:
    """The keys that differ from what holds for a command, each as short as it can be written.

    Args:
        keys: All that an experiment has, resolved.
        command: Whose defaults hold for the others.
    """
    experiment = load_resolved(keys, "")
    whole, usual = resolved_keys(experiment), resolved_keys(_usual(command))
    changed: dict[str, Json] = {
        name: value
        for name, value in whole.items()
        if name not in (*_NO_MATTER, "output_activation") and value not in (None, usual[name])
    }
    if whole["at_epochs"] is not None:  # the last of which would be the budget
        changed["epochs"] = whole["epochs"]
    spelled = _spelled(experiment)
    brief = {name: spelled.get(name, part) for name, part in changed.items()}
    output = "output_activation"  # whose default hangs on the activation
    for tried in (brief, brief | {output: spelled[output]}):
        if name_the_same(tried, command, whole):
            return _given(tried)
    return _given(whole | spelled)


def _given(keys: Mapping[str, Json]) -> dict[str, Json]:
    """Those that have a value, in the order of the reference."""
    return {name: keys[name] for name in KEYS if keys.get(name) is not None}


def name_the_same(keys: Mapping[str, Json], command: str, whole: Mapping[str, Json]) -> bool:
    """Whether some keys, as flags of a command, mean an experiment of which all keys are given."""
    flags = {name: as_flag(value) for name, value in keys.items() if name != "engine"}
    try:
        made = resolved_keys(load_experiment(flags=flags, command=command))
    except ConfigError:
        return False
    return all(made[name] == whole[name] for name in KEYS.keys() - {*_NO_MATTER, "engine"})


def as_flag(value: Json) -> str:
    """The text that stands behind a flag.

    >>> as_flag("uniform:0,1"), as_flag([3, 5]), as_flag(0.1), as_flag({"a": [1]})
    ('uniform:0,1', '3,5', '0.1', '{"a": [1]}')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, list) and not any(isinstance(part, list | dict) for part in value):
        return ",".join(map(as_flag, value))
    return json.dumps(value, ensure_ascii=False)


def _usual(command: str) -> Experiment:
    """What holds if nobody says otherwise."""
    flags = {"activations": "sigmoid,tanh"} if command == COMPARE else {}
    # what trains if nobody chooses, wherever it was built
    return replace(load_experiment(flags=flags, command=command), engine=compiled.NAME)


def _spelled(experiment: Experiment) -> dict[str, Json]:
    """Those keys that have a shorter form than the resolved one."""
    hidden = [_spec(variant.activation) for variant in experiment.variants]
    seeds: list[Json] = [*experiment.seeds]
    output = KEYS["output_activation"].kind.resolved(experiment, "output_activation")
    if isinstance(output, dict):
        output = _spec(experiment.variants[0].output_activation)
    return {
        "activation": hidden[0] if len(hidden) == 1 else None,
        "activations": hidden if len(hidden) > 1 else None,
        "output_activation": output,
        "init": f"{experiment.init.scheme}:{','.join(map(_exact, experiment.init.settings))}",
        "predict_with": [*map(_spec, experiment.predict_with)] or None,
        "seeds": len(seeds) if seeds == [*range(len(seeds))] else _listed(seeds),
        "task": task_of(experiment),
        "tune": f"learning_rate={as_flag([*experiment.tune])}" if experiment.tune else None,
    }


def _exact(value: float) -> str:
    """As short as it can be without another meaning."""
    return short(value) if float(short(value)) == value else repr(value)


def _listed(seeds: list[Json]) -> Json:
    """Of one seed, that it is no number of seeds."""
    return json.dumps(seeds) if len(seeds) == 1 else seeds


def _spec(activation: Activation) -> Json:
    """A text that means an activation, or all of it."""
    text = spell(activation)
    try:
        meant = load_activation(text) == activation
    except ConfigError:
        meant = False
    return text if meant else spec_document(activation)


def task_of(experiment: Experiment) -> Json:
    """The name of its task, or its samples where they are the user's own."""
    rows = KEYS["task"].kind.document(experiment.task)
    known = TASKS.get(experiment.task.name)
    own = known is None or KEYS["task"].kind.document(known) != rows
    return rows if own else experiment.task.name
