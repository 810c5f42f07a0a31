"""Where a run takes place is told as it is, and digests are of exactly what they say."""

import hashlib
import json
import os
import platform
from dataclasses import replace

import numpy as np
import pytest

import hsig
from hsig.config.keys import COMPARE, KEYS
from hsig.config.loading import load_experiment, resolved_keys
from hsig.engines import compiled, reference
from hsig.engines.choice import numerics
from hsig.engines.engine import NUMERICS
from hsig.runs.provenance import cell_key, digest, keys_of, machine, sweep_digest, versions

SMALL = {"seeds": "4", "epochs": "30", "engine": "reference"}


def of(depends):
    """The digest of what can be said in JSON."""
    return hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()


def test_where_learning_rates_are_tuned_the_digest_has_those_of_all_variants_in_their_place():
    """Put together here, so that kept comparisons can be repeated."""
    flags = SMALL | {"activations": "hard,tanh"}
    plain = load_experiment(flags=flags, command=COMPARE)
    first, second = plain.variants
    tuned = replace(plain, variants=(first, replace(second, learning_rate=2.0)))
    keys = {n: v for n, v in resolved_keys(plain).items() if KEYS[n].numbers and n != "scale"}
    keys["task"] = {n: v for n, v in keys["task"].items() if n != "columns"}
    engines = ["reference", "reference"]
    for experiment, rates in ((plain, 0.1), (tuned, [0.1, 2.0])):
        own = keys | {"seeds": 4, "learning_rate": rates}
        assert digest([experiment]) == of([[own, engines, numerics(engines)]])


def test_a_sweep_has_the_digest_of_its_cells_keys_and_seeds():
    """Put together here, so that kept sweeps go on."""
    cells = [load_experiment(flags=SMALL | {"seeds": text}) for text in ("4", "[7, 3]")]
    keys = [cell_key(cell) for cell in cells]
    assert sweep_digest(keys, cells) == of([[keys[0], [0, 1, 2, 3]], [keys[1], [7, 3]]])
    assert keys[0] == keys[1]  # so that one has what the other lacks


def test_a_sweep_has_a_key_for_each_of_its_cells():
    cell = load_experiment(flags=SMALL)
    for keys, cells in (([cell_key(cell)], []), ([], [cell])):
        with pytest.raises(ValueError, match="zip"):
            sweep_digest(keys, cells)


@pytest.mark.parametrize(
    ("seeds", "said"), [((0,), 1), ((0, 1, 2), 3), ((1, 2), (1, 2)), ((1, 0), (1, 0))]
)
def test_seeds_from_0_on_are_said_by_their_number(seeds, said):
    experiment = replace(load_experiment(flags=SMALL), seeds=seeds)
    found = keys_of(experiment)
    assert found.keys() == KEYS.keys()
    assert found["seeds"] == said or found["seeds"] == list(said)


def test_the_versions_are_those_of_hsig_and_what_it_computes_with():
    assert versions() == {
        "hsig": hsig.__version__,
        "numerics": str(NUMERICS),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


@pytest.mark.parametrize("told", ["Intel64 Family 6 Model 158", "", None])
def test_a_machine_is_told_by_what_its_system_says_of_it(monkeypatch, told):
    """Windows names its processor in the environment, and others their architecture."""
    if told is None:
        monkeypatch.delenv("PROCESSOR_IDENTIFIER", raising=False)
    else:
        monkeypatch.setenv("PROCESSOR_IDENTIFIER", told)
    assert machine() == {
        "system": f"{platform.system()} {platform.release()}",
        "processor": told or platform.machine(),
        "cores": os.cpu_count(),
        "instructions": list(compiled.instruction_sets()),
        "numpy_instructions": list(reference.instruction_sets()),
    }
