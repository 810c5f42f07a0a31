"""Kept runs of `train`, `compare` and `explain`: written, and read with all their numbers."""

import io
import json
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from hsig.activations import ACTIVATIONS, Activation
from hsig.activations.names import format_number, to_text
from hsig.analysis.parts import Part
from hsig.config.loading import load_resolved
from hsig.experiments.evidence import Evidence
from hsig.experiments.experiment import ARRAYS, Experiment, Outcome, Training, Variant
from hsig.experiments.outlook import Outlook
from hsig.experiments.training import judge_seeds
from hsig.networks.tasks import TASKS, Task
from hsig.reports.phrases import as_yaml
from hsig.runs.provenance import digest_experiments, keys_of
from hsig.runs.store import (
    NO_NOTE,
    RESULT,
    RUN,
    SEEDS,
    Note,
    Record,
    as_damaged_record,
    read_file,
    write_record,
)

PRECISION = 1e-9  # to which what is observed is compared, absolute and relative
# what the engine trained, beside the weights: the compiled one gives the same bits everywhere
TRAINED = tuple(name for name in ARRAYS if name != "twin_distance")


@dataclass(frozen=True, eq=False)
class FinishedRun:
    """What a command has trained and is to be kept.

    Attributes:
        command: `train`, `compare` or `explain`.
        arguments: The words of the command line.
        configs: Text of each config, by the name it was given by.
        parts: What was trained.
        result: As `--format json` prints it.
        complete: Whether nothing stopped it early.
        started: When, in UTC.
        seconds: How long it took.
        note: What somebody calls it.
    """

    command: str
    arguments: tuple[str, ...]
    configs: Mapping[str, str]
    parts: Sequence[Part]
    result: str
    complete: bool
    started: datetime
    seconds: float
    note: Note = NO_NOTE


# --- writing -------------------------------------------------------------------------------------


def keep_run(runs: Path, run: FinishedRun) -> Record:
    """Keep a run in a new folder of `runs`, whole or not at all.

    Raises:
        RunError: If it cannot be written.
    """
    arrays = {
        f"{part}/{variant}/{name}": array
        for part, made in enumerate(run.parts)
        for variant, training in enumerate(made.outcome.results)
        if not training.failure
        for name, array in arrays_of(training).items()
    }
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    return write_record(
        runs,
        started=run.started,
        about={
            "command": run.command,
            "arguments": list(run.arguments),
            "seconds": round(run.seconds, 3),
            "complete": run.complete,
            "digest": digest_experiments([part.outcome.experiment for part in run.parts]),
            "parts": [encode_part(part) for part in run.parts],
        },
        configs=run.configs,
        files={RESULT: run.result.encode(), SEEDS: packed.getvalue()},
        note=run.note,
    )


def encode_part(part: Part) -> dict[str, Any]:
    """What `run.json` says of a part."""
    trained = part.outcome.experiment
    experiment = replace(part.experiment, seeds=trained.seeds)
    return {
        "name": part.name,
        "layers": part.layers,
        "is_config": part.has_prefix,
        "role": part.role,
        "labels": [variant.label for variant in trained.variants],
        "learning_rates": [variant.learning_rate for variant in trained.variants],
        "experiment": keys_of(experiment),
        "settings": settings_of(experiment),
        "results": [_encode_training(training) for training in part.outcome.results],
    }


def _encode_training(training: Training) -> dict[str, Any]:
    if training.failure:
        return {"label": training.variant.label, "error": training.failure}
    return {
        "label": training.variant.label,
        "epochs": list(training.epochs),
        "solved": int(training.solved.sum()),
        "seeds": len(training.solved),
    }


def arrays_of(training: Training) -> dict[str, Any]:
    """Every number of a training, by name; seeds first."""
    return {
        **{name: getattr(training, name) for name in ARRAYS},
        "diverged_by": np.array(training.diverged_by, dtype=np.str_),
        **{f"weights/{layer}": array for layer, array in enumerate(training.weights)},
        **{f"evidence/{f.name}": getattr(training.evidence, f.name) for f in fields(Evidence)},
        **{f"outlook/{f.name}": getattr(training.outlook, f.name) for f in fields(Outlook)},
    }


def settings_of(experiment: Experiment) -> dict[str, str]:
    """Every key as a config would spell it, empty without a value: what runs are listed by."""
    keys = keys_of(experiment)
    keys["activation"] = None
    keys["activations"] = ",".join(
        variant.label + _checksum_formulas(variant.hidden_activations)
        for variant in experiment.variants
    )
    if isinstance(keys["output_activation"], dict):
        output = experiment.variants[0].output_activation
        keys["output_activation"] = to_text(output) + _checksum_formulas([output])
    keys["hidden"] = "-".join(map(str, experiment.hidden))
    start = experiment.init
    keys["init"] = f"{start.scheme}:{','.join(map(format_number, start.settings))}"
    keys["task"] = _spell_task(experiment.task)
    return {name: "" if value is None else as_yaml(value) for name, value in keys.items()}


def _checksum_formulas(activations: Iterable[Activation]) -> str:
    """A checksum of the formulas that have another name, behind which they cannot be seen."""
    formulas = [
        activation.definition
        for activation in activations
        if activation.name not in (*ACTIVATIONS, activation.definition)
    ]
    return f" {_checksum(formulas)}" if formulas else ""


def _spell_task(task: Task) -> str:
    """A task's name; with a checksum of its rows if they are the user's own."""
    if task.name in TASKS:
        return task.name
    return f"{task.name} {_checksum([task.inputs.tolist(), task.targets.tolist()])}".lstrip()


def _checksum(value: object) -> str:
    return f"({zlib.crc32(json.dumps(value).encode()):08x})"


# --- reading -------------------------------------------------------------------------------------


def read_parts(record: Record) -> list[Part]:
    """What was trained, with all its numbers; verdicts are judged anew from the evidence.

    Raises:
        RunError: If the record is damaged.
    """
    data = read_file(record, SEEDS)
    with as_damaged_record(record.id, SEEDS):
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return [
            _decode_part(record, part, arrays, f"{number}/")
            for number, part in enumerate(record.meta["parts"])
        ]


def _decode_part(
    record: Record, part: Mapping[str, Any], arrays: Mapping[str, Any], prefix: str
) -> Part:
    with as_damaged_record(record.id, RUN):
        experiment = load_resolved(part["experiment"], str(record.folder / RUN))
        named = experiment.prefix_labels(part["name"]) if part["is_config"] else experiment
        variants = tuple(
            replace(variant, label=label, learning_rate=rate)
            for variant, label, rate in zip(
                named.variants, part["labels"], part["learning_rates"], strict=True
            )
        )
    by_label = {variant.label: variant for variant in variants}
    trainings = tuple(
        _decode_training(by_label[entry["label"]], experiment, entry, arrays, f"{prefix}{number}/")
        for number, entry in enumerate(part["results"])
    )
    return Part(
        name=part["name"],
        experiment=experiment,
        outcome=Outcome(replace(named, variants=variants), trainings),
        role=part["role"],
        layers=part["layers"],
    )


def _decode_training(
    variant: Variant,
    experiment: Experiment,
    entry: Mapping[str, Any],
    arrays: Mapping[str, Any],
    prefix: str,
) -> Training:
    if "error" in entry:
        return Training.failed(variant, entry["error"])
    own = {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}
    if any(len(array) != len(experiment.seeds) for array in own.values()):
        raise ValueError("arrays of another number of seeds")
    evidence = Evidence(**_fields_of(Evidence, "evidence", own))
    outlook = Outlook(**_fields_of(Outlook, "outlook", own))
    return Training(
        **{name: own[name] for name in ARRAYS},
        seeds=experiment.seeds,
        verdict=judge_seeds(
            experiment, variant, own["solved"], own["diverged_at"], evidence, outlook
        ),
        variant=variant,
        epochs=tuple(entry["epochs"]),
        diverged_by=tuple(own["diverged_by"].tolist()),
        weights=tuple(own[f"weights/{n}"] for n in range(len(experiment.hidden) + 1)),
        evidence=evidence,
        outlook=outlook,
    )


def _fields_of(kind: type, group: str, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """The arrays of a group by the fields of a dataclass; one that came later may be missing."""
    named = {f.name: f"{group}/{f.name}" for f in fields(kind)}
    return {field: arrays[name] for field, name in named.items() if name in arrays}


# --- comparing -----------------------------------------------------------------------------------


def compare_outcomes(
    first: Outcome, second: Outcome, *, elsewhere: Collection[str] = ()
) -> tuple[list[str], list[str]]:
    """Compare two outcomes of one experiment, number by number.

    What the engine trained must have the same bits: weights, costs, predictions and marks. What
    NumPy computes beside it follows the processor's instructions, and is compared to `PRECISION`.

    Args:
        first: One of them.
        second: The other.
        elsewhere: Engines whose bits depend on the machine, where `first` is of another one: what
            they trained is not compared.

    Returns:
        The trained numbers whose bits differ and the observed ones that are farther apart, as
        `label: name`.
    """
    bits, observations = [], []
    for before, after in zip(first.results, second.results, strict=True):
        label = before.variant.label
        if before.failure or after.failure:
            if not (before.failure and after.failure):
                bits.append(f"{label}: one was not trained")
        elif first.experiment.engine_of(before.variant).NAME not in elsewhere:
            again = arrays_of(after)
            for name, array in arrays_of(before).items():
                if name in TRAINED or name.startswith("weights/"):
                    if not same_bits(array, again[name]):
                        bits.append(f"{label}: {name}")
                elif not within_precision(array, again[name]):
                    observations.append(f"{label}: {name}")
    return bits, observations


def within_precision(first: Any, second: Any) -> bool:
    """Whether floats of two arrays are no farther apart than `PRECISION`, and all else is equal."""
    if first.dtype.kind != "f" or second.dtype.kind != "f":
        return np.array_equal(first, second)
    return first.shape == second.shape and np.allclose(
        first, second, rtol=PRECISION, atol=PRECISION, equal_nan=True
    )


def same_bits(first: Any, second: Any) -> bool:
    """Whether two arrays are equal, zeros by their sign too; undefined numbers are all the same."""
    if first.dtype.kind != second.dtype.kind:
        return False
    if first.dtype.kind != "f":
        return np.array_equal(first, second)
    signs = (np.signbit(array[array == 0.0]) for array in (first, second))
    return np.array_equal(first, second, equal_nan=True) and np.array_equal(*signs)
