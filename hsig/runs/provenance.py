"""Where a run takes place, and digests of all that numbers depend on: equal ones, equal bits.

A digest has the keys that differ from their defaults, so a key that is added later changes none.
For the same reason the default of a key that numbers depend on never changes under one `NUMERICS`.
"""

import hashlib
import json
import os
import platform
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from hsig import __version__
from hsig.config.keys import KEYS
from hsig.config.loading import load_experiment, resolved_keys
from hsig.config.text import reason
from hsig.engines import compiled, reference
from hsig.engines.choice import numerics
from hsig.engines.engine import NUMERICS
from hsig.experiments.experiment import Experiment, as_cell
from hsig.experiments.sweeps import Sweep
from hsig.networks.tasks import STDIN


def digest_experiments(experiments: Iterable[Experiment]) -> str:
    """Digest of everything that the numbers of some experiments depend on."""
    return _hash(
        [
            [decisive_keys(experiment), experiment.engines, numerics(experiment.engines)]
            for experiment in experiments
        ]
    )


_NAMES = ("columns", "csv", "notes", "classes")  # of a task


def decisive_keys(experiment: Experiment) -> dict[str, Any]:
    """The resolved keys that numbers depend on and that differ from their defaults."""
    keys = keys_of(experiment)
    if experiment.is_tuned:
        keys["learning_rate"] = list(map(experiment.learning_rate_of, experiment.variants))
    if isinstance(keys["task"], dict):  # what things are called changes no number
        keys["task"] = {name: part for name, part in keys["task"].items() if name not in _NAMES}
    if experiment.batch_size is None:  # as digests had it before there was another size
        keys |= {"update": "batch", "batch_size": 1}
    defaults = default_keys()
    return {
        name: value
        for name, value in keys.items()
        # the engines are told apart by what they are here, not by what was asked for
        if KEYS[name].numbers and name != "engine" and value != defaults[name]
    }


@cache
def default_keys() -> dict[str, Any]:
    """The resolved keys of the default experiment."""
    return keys_of(load_experiment())


def digest_cell(experiment: Experiment) -> str:
    """Digest of everything that the numbers of a sweep's cell depend on; it keeps one cost."""
    return _hash([digest_experiments([as_cell(experiment)]), experiment.cost])


def digest_sweep(sweep: Sweep) -> str:
    """Digest of everything that the numbers of a sweep depend on."""
    return digest_cells([digest_cell(experiment) for experiment in sweep.experiments])


def digest_cells(keys: Sequence[str]) -> str:
    """Digest of a sweep, from those of its cells."""
    return _hash(list(keys))


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def keys_of(experiment: Experiment) -> dict[str, Any]:
    """The resolved keys; seeds from 0 on as their number."""
    keys: dict[str, Any] = resolved_keys(experiment)
    seeds = experiment.seeds
    if seeds == tuple(range(len(seeds))):
        keys["seeds"] = len(seeds)
    return keys


def find_changed_files(experiments: Iterable[Experiment]) -> list[str]:
    """Say which of the files that tasks were read from are missing, or have changed since."""
    sources = dict.fromkeys(
        task.source
        for experiment in experiments
        for task in (experiment.task, experiment.test)
        if task is not None and task.source is not None
        if task.source.path not in ("", STDIN)
    )
    messages = []
    for path, sha256, _ in sources:
        try:
            with Path(path).open("rb") as file:
                now = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as problem:
            messages.append(f"{path}: cannot be read: {reason(problem)}")
            continue
        if now != sha256:
            messages.append(
                f"{path}: has changed: its SHA-256 was {sha256[:12]}..., and is {now[:12]}..."
            )
    return messages


def engines_elsewhere(meta: Mapping[str, Any]) -> frozenset[str]:
    """The engines whose bits depend on the machine, if a run was kept on another one."""
    there = meta["versions"]["numpy"], meta["machine"]["numpy_instructions"]
    here = np.__version__, list(reference.instruction_sets())
    return frozenset() if there == here else frozenset([reference.NAME])


def describe_machine(meta: Mapping[str, Any], engines: Collection[str]) -> str:
    """What the bits of these engines depend on, where a run was kept; empty without engines."""
    if not engines:
        return ""
    instructions = " ".join(meta["machine"]["numpy_instructions"])
    return f"NumPy {meta['versions']['numpy']} with {instructions or 'no extensions'}"


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
