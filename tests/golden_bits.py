"""What a spread of small trainings gives, each in a file of its own.

`golden_bits.json` has digests of what the engines train: weights, costs, predictions and marks,
equal on every machine. `golden_verdicts.json` has the words that are said of it, and
`golden_twins.json` digests of how far twins part. `python tests/golden_bits.py` writes them, with
the version of the numerics that they are of; it refuses to change bits while that version stays.
"""

import hashlib
import json
import sys
from dataclasses import replace
from itertools import groupby, islice
from pathlib import Path

import numpy as np

from hsig.activations import ACTIVATIONS, SOFTMAX
from hsig.activations.names import to_text
from hsig.engines import compiled
from hsig.engines.engine import NUMERICS
from hsig.experiments.experiment import Experiment, Variant
from hsig.experiments.training import gather, run
from hsig.experiments.verdicts import VERDICTS
from hsig.networks.losses import LOSSES
from hsig.networks.network import default_output_activation
from hsig.networks.starts import Start
from hsig.networks.tasks import TASKS

HERE = Path(__file__).parent
FILES = {name: HERE / f"golden_{name}.json" for name in ("bits", "verdicts", "twins")}
MARKS = ("solved_at", "lost_at", "diverged_at")
TWINS = 8  # of the seeds, the first
BACKWARDS = ("own", "logistic", "output", "straight_through")
# of which NumPy takes no exponential, whose last bits are its processor's
STRAIGHT = (
    *("ultra_fast", "hard", "hard_torch", "hard_taylor", "hard_binary", "leaky_hard"),
    *("hard_tanh", "relu", "leaky_relu", "hard_silu", "identity"),
)
# those of which every slope and loss is kept; of the others, their own slope and squared loss
CROSSED = (*STRAIGHT, "sigmoid", "tanh", "elu", "softplus", "silu", "gelu_tanh", "mish")
SPREAD = (  # the question's network in small steps; a wider one in steps that make some diverge
    {
        "task": TASKS["xor"],
        "batch_size": 1,
        "learning_rate": 0.5,
        "init": Start("uniform", (-2.0, 2.0)),
    },
    {"task": TASKS["parity3"], "batch_size": None, "learning_rate": 60.0, "hidden": (5,)},
)


def golden(engine, first=0, every=1):
    """What each file has of an engine, by the name of what was trained; of every so many of it."""
    found = {name: {} for name in FILES}
    for name, loss, variant in islice(cases(engine), first, None, every):
        trained = [train(engine, loss, variant, settings) for settings in SPREAD]
        found["bits"][name] = digest(array for one in trained for array in bits_of(one))
        found["verdicts"][name] = "; ".join(map(words_of, trained))
        found["twins"][name] = digest(one.twin_distance[:TWINS] for one in trained)
    return found


def cases(engine):
    """All that is trained with an engine: its name, the loss, the variant."""
    for loss in LOSSES.values():
        for variant in variants(engine, loss):
            yield f"{engine} {loss.name} {to_text(variant.activation)}", loss, variant


def variants(engine, loss):
    """Those whose bits with an engine are the same on every machine."""
    for name, activation in ACTIVATIONS.items():
        for backward in BACKWARDS if name != SOFTMAX else ():
            if name not in CROSSED and (backward != "own" or loss.name != "squared"):
                continue
            hidden = activation.with_settings({}, backward)
            if engine == "compiled":
                last = (
                    ACTIVATIONS[SOFTMAX] if loss.of_classes else default_output_activation(hidden)
                )
                variant = Variant("", (hidden,), last)
                if compiled.supports(
                    Experiment(TASKS["xor"], (variant,), loss).problem_of(variant)
                ):
                    yield variant
            elif name in STRAIGHT and loss.name == "squared" and backward != "logistic":
                whole = hidden.maps_into_unit_interval
                yield Variant("", (hidden,), hidden if whole else ACTIVATIONS["hard"])


def train(engine, loss, variant, settings):
    if loss.of_classes:
        task = settings["task"]
        targets = np.concatenate([1.0 - task.targets, task.targets], axis=1)
        settings = settings | {"task": replace(task, targets=targets), "solved_within": None}
    experiment = Experiment(
        variants=(variant,),
        loss=loss,
        epochs=90,
        report_every=40,
        seeds=tuple(range(9)),
        engine=engine,
        **{"init": Start("uniform", (-4.0, 4.0))} | settings,
    )
    (training,) = gather(experiment, run(experiment)).results
    return training


def bits_of(training):
    """Weights, costs, predictions and marks."""
    yield from training.weights
    yield from (training.cost_last, training.cost_mean, training.predictions, training.max_error)
    yield from (training.solved, *(getattr(training, mark) for mark in MARKS))


def words_of(training):
    """The verdict of each seed, and the cause where it diverged: `solved 3, dead, slow 5`."""
    words = [
        f"{VERDICTS[verdict]} {cause}".strip()
        for verdict, cause in zip(training.verdict, training.diverged_by, strict=True)
    ]
    runs = [(word, len(list(same))) for word, same in groupby(words)]
    return ", ".join(word if times == 1 else f"{word} {times}" for word, times in runs)


def digest(arrays):
    found = hashlib.sha256()
    for array in arrays:
        array = np.where(np.isnan(array), np.nan, array + 0.0)  # their signs are no numbers
        found.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
    return found.hexdigest()[:16]


def main():
    if not compiled.is_available():
        sys.exit("the kernel is missing, or older than the numerics: pip install -e . builds it")
    by_engine = [golden(engine) for engine in ("compiled", "reference")]
    made = {name: by_engine[0][name] | by_engine[1][name] for name in FILES}
    if FILES["bits"].exists():
        kept = json.loads(FILES["bits"].read_text("utf-8"))
        changed = [name for name, old in kept["bits"].items() if made["bits"].get(name) != old]
        if changed and kept["numerics"] == NUMERICS:
            sys.exit(
                f"bits changed: {', '.join(changed)}: raise hsig.engines.engine.NUMERICS first"
            )
    for name, file in FILES.items():
        text = json.dumps({"numerics": NUMERICS, name: made[name]}, indent=1)
        file.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
