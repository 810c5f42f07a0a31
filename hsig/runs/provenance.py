"""Where a run takes place, and digests of all that numbers depend on: equal ones, equal bits."""

import hashlib
import json
import os
import platform
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hsig import __version__
from hsig.config.keys import KEYS
from hsig.config.loading import resolved_keys
from hsig.engines import compiled, reference
from hsig.engines.choice import numerics
from hsig.engines.engine import NUMERICS
from hsig.experiments.experiment import Experiment, as_cell
from hsig.networks.tasks import NO_SCALE


def digest(experiments: Iterable[Experiment]) -> str:
    """Of everything that the numbers of some experiments depend on."""
    depends: list[Any] = []
    for experiment in experiments:
        keys = _deciding(keys_of(experiment))
        if experiment.is_tuned:
            keys["learning_rate"] = list(map(experiment.learning_rate_of, experiment.variants))
        depends.append([keys, experiment.engines, numerics(experiment.engines)])
    return _digest(depends)


def _deciding(keys: dict[str, Any]) -> dict[str, Any]:
    """The resolved keys that numbers depend on; as before there were scales, if there is none."""
    keys = {name: value for name, value in keys.items() if KEYS[name].numbers}
    keys["task"] = {name: part for name, part in keys["task"].items() if name != "columns"}
    return {name: part for name, part in keys.items() if (name, part) != ("scale", NO_SCALE)}


def cell_key(experiment: Experiment) -> str:
    """Of everything that a seed's numbers in a cell depend on: all but which seeds there are."""
    cell = replace(as_cell(experiment), seeds=(0,))
    return _digest([digest([cell]), cell.cost])  # a cell keeps one of the costs


def sweep_digest(keys: Sequence[str], experiments: Iterable[Experiment]) -> str:
    """Of everything that the numbers of a sweep depend on: each cell's key, and its seeds."""
    return _digest(
        [[key, experiment.seeds] for key, experiment in zip(keys, experiments, strict=True)]
    )


def keys_of(experiment: Experiment) -> dict[str, Any]:
    """The resolved keys; seeds from 0 on as their number."""
    keys: dict[str, Any] = resolved_keys(experiment)
    seeds = experiment.seeds
    if seeds == tuple(range(len(seeds))):
        keys["seeds"] = len(seeds)
    return keys


def _digest(depends: object) -> str:
    return hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()


def engines_elsewhere(about: Mapping[str, Any]) -> frozenset[str]:
    """The engines whose bits depend on the machine, if a run was kept on another one."""
    there = about["versions"]["numpy"], about["machine"]["numpy_instructions"]
    here = np.__version__, list(reference.instruction_sets())
    return frozenset() if there == here else frozenset([reference.NAME])


def machine_of(about: Mapping[str, Any], engines: Collection[str]) -> str:
    """What the bits of these engines depend on, where a run was kept; empty without engines."""
    if not engines:
        return ""
    instructions = " ".join(about["machine"]["numpy_instructions"])
    return f"NumPy {about['versions']['numpy']} with {instructions or 'no extensions'}"


def versions() -> dict[str, str]:
    """Of hsig and what it computes with."""
    return {
        "hsig": __version__,
        "numerics": str(NUMERICS),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def machine() -> dict[str, Any]:
    """What it runs on."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        # platform.processor() would start a process to ask
        "processor": os.environ.get("PROCESSOR_IDENTIFIER") or platform.machine(),
        "cores": os.cpu_count(),
        "instructions": list(compiled.instruction_sets()),
        "numpy_instructions": list(reference.instruction_sets()),
    }
