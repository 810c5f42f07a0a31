"""The bits of a spread of small trainings, which are equal on every machine.

`python tests/golden_bits.py` writes them to `golden_bits.json`, with the version of the numerics
that they are of. It refuses to change any while that version stays.
"""

import hashlib
import json
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np

from hsig.engines import NUMERICS, compiled
from hsig.experiments.evidence import Evidence
from hsig.experiments.experiment import ARRAYS, Experiment, Variant
from hsig.experiments.training import gather, run
from hsig.experiments.verdicts import VERDICTS
from hsig.networks.activations import ACTIVATIONS, spell
from hsig.networks.losses import LOSSES
from hsig.networks.network import default_output_activation
from hsig.networks.tasks import TASKS

FILE = Path(__file__).parent / "golden_bits.json"
BACKWARDS = ("own", "logistic", "output", "straight_through")
# of which NumPy takes no exponential, whose last bits are its processor's
STRAIGHT = (
    *("ultra_fast", "hard", "hard_torch", "hard_taylor", "hard_binary", "leaky_hard"),
    *("hard_tanh", "relu", "leaky_relu", "hard_silu", "identity"),
)
# those of which every slope and loss is kept; of the others, their own slope and squared loss
CROSSED = (*STRAIGHT, "sigmoid", "tanh", "elu", "softplus", "silu", "gelu_tanh", "mish")
SPREAD = (  # the question's network in small steps; a wider one in steps that make some diverge
    {"task": TASKS["xor"], "update": "online", "learning_rate": 0.5, "init": (-2.0, 2.0)},
    {"task": TASKS["parity3"], "update": "batch", "learning_rate": 60.0, "hidden": 5},
)


def golden_bits(engine):
    """A digest of all numbers, by the name of what was trained by an engine."""
    return {
        f"{engine} {loss.name} {spell(variant.hidden_activation)}": digest(engine, loss, variant)
        for loss in LOSSES.values()
        for variant in variants(engine, loss)
    }


def variants(engine, loss):
    """Those whose bits with an engine are the same on every machine."""
    for name, activation in ACTIVATIONS.items():
        for backward in BACKWARDS:
            if name not in CROSSED and (backward != "own" or loss.name != "squared"):
                continue
            hidden = activation.with_settings({}, backward)
            if engine == "compiled":
                variant = Variant("", hidden, default_output_activation(hidden))
                if compiled.knows(Experiment(TASKS["xor"], (variant,), loss).problem_of(variant)):
                    yield variant
            elif name in STRAIGHT and loss.name == "squared" and backward != "logistic":
                whole = hidden.maps_into_unit_interval
                yield Variant("", hidden, hidden if whole else ACTIVATIONS["hard"])


def digest(engine, loss, variant):
    found = hashlib.sha256()
    for settings in SPREAD:
        experiment = Experiment(
            variants=(variant,),
            loss=loss,
            epochs=90,
            report_every=40,
            seeds=tuple(range(9)),
            engine=engine,
            **{"init": (-4.0, 4.0)} | settings,
        )
        (training,) = gather(experiment, run(experiment)).results
        arrays = [*training.weights, *(getattr(training, name) for name in ARRAYS)]
        if engine == "reference":  # the compiled engine's evidence is NumPy's
            arrays += [getattr(training.evidence, field.name) for field in fields(Evidence)]
        for array in arrays:
            array = np.where(np.isnan(array), np.nan, array + 0.0)  # their signs are no numbers
            found.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
        words = [VERDICTS[verdict] for verdict in training.verdict]
        found.update(" ".join((*words, *training.diverged_by)).encode())
    return found.hexdigest()[:16]


def main():
    if not compiled.is_here():
        sys.exit("the kernel is missing, or older than the numerics: pip install -e . builds it")
    kept = json.loads(FILE.read_text("utf-8")) if FILE.exists() else {"numerics": 0, "bits": {}}
    bits = golden_bits("compiled") | golden_bits("reference")
    changed = [name for name, old in kept["bits"].items() if bits.get(name) != old]
    if changed and kept["numerics"] == NUMERICS:
        sys.exit(f"the bits of {', '.join(changed)} changed: raise hsig.engines.NUMERICS first")
    text = json.dumps({"numerics": NUMERICS, "bits": bits}, indent=1)
    FILE.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
