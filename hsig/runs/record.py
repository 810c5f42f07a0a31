"""Kept runs of `train`, `compare` and `explain`: written, and read with all their numbers."""

import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from hsig.analysis.parts import Part
from hsig.config.loading import load_resolved
from hsig.engines.engine import NOT_REACHED
from hsig.errors import RunError
from hsig.experiments.evidence import Evidence
from hsig.experiments.experiment import (
    ARRAYS,
    OF_OPTIMIZER,
    Experiment,
    Outcome,
    Training,
    Variant,
)
from hsig.experiments.measures import Measures
from hsig.experiments.outlook import Outlook
from hsig.experiments.training import judge_seeds
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
T = TypeVar("T")
RECORDS: Mapping[str, type] = {"measures": Measures, "evidence": Evidence, "outlook": Outlook}
# what the engine trained, beside the weights: the compiled one gives the same bits everywhere
TRAINED = tuple(name for name in ARRAYS if name != "twin_distance")


# --- writing -------------------------------------------------------------------------------------


def keep_run(
    runs: Path,
    *,
    command: str,
    arguments: Sequence[str],
    configs: Mapping[str, str],
    parts: Sequence[Part],
    result: str,
    complete: bool,
    started: datetime,
    seconds: float,
    note: Note = NO_NOTE,
) -> Record:
    """Keep what a command has trained in a new folder of `runs`, whole or not at all.

    `arguments` are the words of the command line, `configs` are texts by the name that they were
    given by, `result` is what `--format json` prints, and `started` is in UTC.
    """
    arrays = {
        f"{part}/{variant}/{name}": array
        for part, trained in enumerate(parts)
        for variant, training in enumerate(trained.outcome.results)
        if not training.failure
        for name, array in arrays_of(training).items()
    }
    packed = io.BytesIO()
    np.savez(packed, **arrays)
    return write_record(
        runs,
        started=started,
        about={
            "command": command,
            "arguments": list(arguments),
            "seconds": round(seconds, 3),
            "complete": complete,
            "digest": digest_experiments([part.outcome.experiment for part in parts]),
            "parts": [encode_part(part) for part in parts],
        },
        configs=configs,
        files={RESULT: result.encode(), SEEDS: packed.getvalue()},
        note=note,
    )


def encode_part(part: Part) -> dict[str, Any]:
    """What `run.json` says of a part."""
    trained = part.outcome.experiment
    return {
        "name": part.name,
        "layers": part.layers,
        "role": part.role,
        "labels": [variant.label for variant in trained.variants],
        "learning_rates": [variant.learning_rate for variant in trained.variants],
        "experiment": keys_of(replace(part.experiment, seeds=trained.seeds)),
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
        **{
            f"{name}/{field.name}": getattr(getattr(training, name), field.name)
            for name, kind in RECORDS.items()
            for field in fields(kind)
        },
    }


# --- reading -------------------------------------------------------------------------------------


def read_parts(record: Record) -> list[Part]:
    """What was trained, with all its numbers; verdicts are judged anew from the evidence."""
    data = read_file(record, SEEDS)
    with as_damaged_record(record.id, SEEDS):
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        try:
            return [
                _decode_part(record, part, _below(f"{number}/", arrays))
                for number, part in enumerate(record.meta["parts"])
            ]
        except KeyError as missing:
            raise RunError(
                f"run {record.id} was kept by an earlier hsig, without {missing}: read it with "
                "that one, or train it again"
            ) from None


def load_kept_experiment(record: Record, part: Mapping[str, Any]) -> Experiment:
    """The experiment of a part of `run.json`, as its config had it."""
    with as_damaged_record(record.id, RUN):
        return load_resolved(part["experiment"], str(record.folder / RUN))


def find_differing(record: Record) -> tuple[str, ...]:
    """The keys that each cell of a sweep has as its optimizer has them."""
    keys = record.meta["parts"][0]["experiment"] if record.axes else {}
    return tuple(name for name in OF_OPTIMIZER if name in keys and keys[name] is None)


def _below(prefix: str, arrays: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}


def _decode_part(record: Record, kept: Mapping[str, Any], arrays: Mapping[str, Any]) -> Part:
    experiment = load_kept_experiment(record, kept)
    untrained = Outcome(experiment, ())
    part = Part(kept["name"], experiment, untrained, role=kept["role"], layers=kept["layers"])
    named = experiment.prefix_labels(part.name) if part.has_prefix else experiment
    variants = tuple(
        replace(variant, label=label, learning_rate=rate)
        for variant, label, rate in zip(
            named.variants, kept["labels"], kept["learning_rates"], strict=True
        )
    )
    by_label = {variant.label: variant for variant in variants}
    trainings = tuple(
        _decode_training(by_label[entry["label"]], experiment, entry, _below(f"{number}/", arrays))
        for number, entry in enumerate(kept["results"])
    )
    return replace(part, outcome=Outcome(replace(named, variants=variants), trainings))


def _decode_training(
    variant: Variant, experiment: Experiment, entry: Mapping[str, Any], arrays: Mapping[str, Any]
) -> Training:
    if "error" in entry:
        return Training.failed(variant, entry["error"])
    evidence = _decode_fields(Evidence, _below("evidence/", arrays))
    outlook = _decode_fields(Outlook, _below("outlook/", arrays))
    measures = _decode_fields(Measures, _below("measures/", arrays))
    weights = tuple(arrays[f"weights/{n}"] for n in range(len(experiment.hidden) + 1))
    # which runs of before there was `stop_at` do not have
    arrays = {"stopped_at": np.full(len(experiment.seeds), NOT_REACHED), **arrays}
    return Training(
        **{name: arrays[name] for name in ARRAYS},
        seeds=experiment.seeds,
        stops_at_loss=experiment.stop_loss is not None,
        verdict=judge_seeds(
            experiment,
            variant,
            arrays["solved"],
            arrays["diverged_at"],
            arrays["stopped_at"],
            evidence,
            outlook,
        ),
        variant=variant,
        epochs=tuple(entry["epochs"]),
        diverged_by=tuple(arrays["diverged_by"].tolist()),
        weights=weights,
        measures=measures,
        evidence=evidence,
        outlook=outlook,
    )


def _decode_fields(kind: type[T], arrays: Mapping[str, Any]) -> T:
    """Make a dataclass of arrays, of which later versions may have others."""
    # a type variable cannot be bound to dataclasses: typeshed's protocol of them is private
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    return kind(**{name: arrays[name] for name in names})


# --- comparing -----------------------------------------------------------------------------------


def compare_outcomes(
    first: Outcome, second: Outcome, *, elsewhere: Collection[str] = ()
) -> tuple[list[str], list[str]]:
    """Compare two outcomes of one experiment, number by number.

    What the engine trained must have the same bits: weights, costs, predictions and marks. What
    NumPy computes beside it follows the processor's instructions, and is compared to `PRECISION`.
    Engines that ran `elsewhere` are left out: their bits depend on the machine.

    Returns:
        The trained numbers that differ and the observed ones that do, as `label: name`.
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
