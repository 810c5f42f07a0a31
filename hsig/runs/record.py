"""Kept runs of `train`, `compare` and `explain`: written, and read with all their numbers."""

import io
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from hsig.analysis.pairing import ComparedConfigs, compared_configs
from hsig.config.loading import load_resolved
from hsig.experiments.evidence import Evidence
from hsig.experiments.experiment import ARRAYS, Experiment, Outcome, Training, Variant
from hsig.experiments.outlook import Outlook
from hsig.experiments.training import judge_seeds
from hsig.networks.network import layer_shapes
from hsig.reports.phrases import CAUSES
from hsig.runs.provenance import digest, keys_of
from hsig.runs.store import NO_NOTE, RESULT, RUN, SEEDS, Note, Record, checked, put, sense

# --- outcomes ------------------------------------------------------------------------------------

_TWINS = "twin_distance"
PRECISION = 1e-9  # to which what is observed is compared, absolute and relative
_PIECES = "evidence/on_piece"
_BYTES = 8  # of a number
_KINDS = {
    **dict.fromkeys(("solved", "is_known", "unsolvable", "dead", "saturated", "affine"), "b"),
    **dict.fromkeys(("solved_at", "lost_at", "diverged_at", "returns_after"), "i"),
    "diverged_by": "U",
}


@dataclass(frozen=True, eq=False)
class Part:
    """One experiment of a run: all there is, one of several configs, or a remedy.

    Attributes:
        name: Of the config or the remedy; empty where there is one experiment.
        experiment: As its config has it.
        outcome: What became of it.
        layers: Of a remedy.
        is_config: Whether it is one of several configs or tasks, whose labels have its name in
            front.
        role: `TASK` if it is one of several tasks; of a tuned comparison what it was trained for,
            if it is not what was asked for: `TUNING`, `ALTERNATIVE` or `ONE_RATE`.
    """

    name: str
    experiment: Experiment
    outcome: Outcome
    layers: str = ""
    is_config: bool = False
    role: str = ""


@dataclass(frozen=True, eq=False)
class Made:
    """What a command made, to be kept.

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


def keep(runs: Path, made: Made) -> Record:
    """Keep a run in a new folder of `runs`, whole or not at all.

    Raises:
        RunError: If it cannot be written.
    """
    return put(
        runs,
        command=made.command,
        arguments=made.arguments,
        started=made.started,
        seconds=made.seconds,
        complete=made.complete,
        digest=digest([part.outcome.experiment for part in made.parts]),
        configs=made.configs,
        files={
            RESULT: made.result.encode(),
            SEEDS: _packed(part.outcome for part in made.parts),
        },
        more={"parts": [_part(part) for part in made.parts]},
        note=made.note,
    )


def _part(part: Part) -> dict[str, Any]:
    trained = replace(part.experiment, seeds=part.outcome.experiment.seeds)
    return {
        "name": part.name,
        "layers": part.layers,
        "is_config": part.is_config,
        "role": part.role,
        "labels": [variant.label for variant in part.outcome.experiment.variants],
        "learning_rates": [v.learning_rate for v in part.outcome.experiment.variants],
        "experiment": keys_of(trained),
        "results": [_result(result) for result in part.outcome.results],
    }


def _result(result: Training) -> dict[str, Any]:
    if result.failure:
        return {"label": result.variant.label, "error": result.failure}
    solved = result.solved
    return {
        "label": result.variant.label,
        "epochs": list(result.epochs),
        "solved": int(solved.sum()),
        "seeds": len(solved),
    }


def parts_of(record: Record) -> list[Part]:
    """What was trained, with all its numbers.

    Raises:
        RunError: If a file of the record is missing or was changed.
    """
    with _opened(record) as file:
        arrays = {name: file[name] for name in file.files}
        where = str(record.folder / RUN)
        parts = enumerate(record.about["parts"])
        return [_read_part(part, where, arrays, f"{number}/") for number, part in parts]


@contextmanager
def _opened(record: Record) -> Iterator[Any]:
    """The arrays of a record; whatever is wrong with them is told."""
    data = checked(record, SEEDS)
    with sense(record.folder), np.load(io.BytesIO(data), allow_pickle=False) as file:
        yield file


def _read_part(part: Mapping[str, Any], where: str, arrays: Mapping[str, Any], prefix: str) -> Part:
    experiment = load_resolved(part["experiment"], where)
    named = experiment.prefix_labels(part["name"]) if part["is_config"] else experiment
    own_rates = part.get("learning_rates", [None] * len(part["labels"]))  # since tuning
    variants = tuple(
        replace(variant, label=label, learning_rate=rate)
        for variant, label, rate in zip(named.variants, part["labels"], own_rates, strict=True)
    )
    of_label = {variant.label: variant for variant in variants}  # one that was stopped may lack
    results = [
        _read_result(of_label[result["label"]], experiment, result, arrays, f"{prefix}{place}/")
        for place, result in enumerate(part["results"])
    ]
    return Part(
        part["name"],
        experiment,
        Outcome(replace(named, variants=variants), tuple(results)),
        part["layers"],
        part["is_config"],
        part.get("role", ""),
    )


def _read_result(
    variant: Variant,
    experiment: Experiment,
    result: Mapping[str, Any],
    arrays: Mapping[str, Any],
    prefix: str,
) -> Training:
    if "error" in result:
        return Training.failed(variant, result["error"])
    _check(arrays, prefix, experiment, result)
    own = {name: arrays[f"{prefix}{name}"] for name in ARRAYS}
    layers = range(len(experiment.hidden) + 1)
    weights = tuple(arrays[f"{prefix}weights/{layer}"] for layer in layers)
    seen, ahead = (
        {
            f.name: arrays[name]
            for f in fields(kind)
            if (name := f"{prefix}{kind.__name__.lower()}/{f.name}") in arrays
        }
        for kind in (Evidence, Outlook)
    )
    evidence, outlook = Evidence(**seen), Outlook(**ahead)
    return Training(
        **own,
        seeds=experiment.seeds,
        verdict=judge_seeds(
            experiment, variant, own["solved"], own["diverged_at"], evidence, outlook
        ),
        variant=variant,
        epochs=tuple(result["epochs"]),
        diverged_by=tuple(arrays[f"{prefix}diverged_by"].tolist()),
        weights=weights,
        evidence=evidence,
        outlook=outlook,
    )


def _check(
    arrays: Mapping[str, Any], prefix: str, experiment: Experiment, result: Mapping[str, Any]
) -> None:
    """Refuse arrays that do not go with what `run.json` says of them.

    Raises:
        ValueError: With the first that does not.
    """
    shapes = _shapes(experiment, len(result["epochs"]))
    for name, shape in shapes.items():
        whole = prefix + name
        array = arrays[whole]
        # what an activation's pieces are may have changed since
        found = array.shape[:-1] if name == _PIECES else array.shape
        kind = _KINDS.get(name.rpartition("/")[2], "f")
        wide = kind in ("i", "f") and array.dtype.itemsize != _BYTES
        if found != shape or array.dtype.kind != kind or wide:
            raise ValueError(f"{whole}: expected numbers of their kind, of shape {shape}")
    if unknown := {*arrays[f"{prefix}diverged_by"].tolist()} - {"", *CAUSES}:
        raise ValueError(f"{prefix}diverged_by: expected causes of this hsig, got {min(unknown)}")
    solved = arrays[f"{prefix}solved"]
    if (len(solved), int(solved.sum())) != (result["seeds"], result["solved"]):
        raise ValueError(f"{prefix}solved: expected {result['solved']} of {result['seeds']}")


def _shapes(experiment: Experiment, checkpoints: int) -> dict[str, tuple[int, ...]]:
    """The shape of each array, of the shares of pieces without the pieces."""
    seeds = len(experiment.seeds)
    samples, outputs = experiment.task.targets.shape
    layers = len(experiment.hidden)
    of_layers = dict.fromkeys(("alive", "slope", "on_one_piece", "on_piece"), (layers,))
    seen = dict.fromkeys((f"evidence/{f.name}" for f in fields(Evidence)), (seeds, checkpoints))
    return {
        **dict.fromkeys(_NAMES, (seeds,)),
        **seen,
        **{f"evidence/{name}": (seeds, checkpoints, *axis) for name, axis in of_layers.items()},
        **{
            f"weights/{layer}": (seeds, *shape)
            for layer, shape in enumerate(layer_shapes(experiment.sizes))
        },
        "cost_last": (seeds, checkpoints),
        "cost_mean": (seeds, checkpoints),
        "predictions": (seeds, samples, outputs),
        "evidence/gradient": (seeds, checkpoints, layers + 1),
    }


# --- arrays -----------------------------------------------------------------------------------


def _packed(outcomes: Iterable[Outcome]) -> bytes:
    arrays: dict[str, Any] = {}
    for number, outcome in enumerate(outcomes):
        for place, result in enumerate(outcome.results):
            if not result.failure:
                arrays |= {
                    f"{number}/{place}/{name}": array for name, array in arrays_of(result).items()
                }
    made = io.BytesIO()
    np.savez(made, **arrays)
    return made.getvalue()


_NAMES = (
    *ARRAYS,
    "diverged_by",
    *(f"{kind.__name__.lower()}/{f.name}" for kind in (Evidence, Outlook) for f in fields(kind)),
)


# what the engine trained: the compiled one gives the same bits on every machine
TRAINED = tuple(name for name in ARRAYS if name != _TWINS)


def arrays_of(training: Training) -> dict[str, Any]:
    """Every number of a training, by name; seeds first."""
    return {
        **{name: getattr(training, name) for name in ARRAYS},
        "diverged_by": np.array(training.diverged_by, dtype=np.str_),
        **{f"weights/{layer}": array for layer, array in enumerate(training.weights)},
        **{f"evidence/{f.name}": getattr(training.evidence, f.name) for f in fields(Evidence)},
        **{f"outlook/{f.name}": getattr(training.outlook, f.name) for f in fields(Outlook)},
    }


def different_arrays(
    first: Outcome, second: Outcome, *, elsewhere: Collection[str] = ()
) -> tuple[list[str], list[str]]:
    """Compare two outcomes of one experiment, number by number.

    What the engine trained must have the same bits: weights, costs, predictions and marks. What
    NumPy computes beside it follows the processor's instructions, and is compared to `PRECISION`.

    Args:
        first: One.
        second: The other.
        elsewhere: Engines whose bits depend on the machine, where `first` is of another one: what
            they trained is not compared.

    Returns:
        The trained numbers whose bits differ and the observed ones that are farther apart, as
        `label: name`.
    """
    bits, observations = [], []
    for one, other in zip(first.results, second.results, strict=True):
        label = one.variant.label
        if one.failure or other.failure:
            if not (one.failure and other.failure):
                bits.append(f"{label}: one was not trained")
        elif first.experiment.engine_of(one.variant).NAME not in elsewhere:
            ours, theirs = arrays_of(one), arrays_of(other)
            for name in ours:
                if name in TRAINED or name.startswith("weights/"):
                    if not same_bits(ours[name], theirs[name]):
                        bits.append(f"{label}: {name}")
                elif not within_precision(ours[name], theirs[name]):
                    observations.append(f"{label}: {name}")
    return bits, observations


def within_precision(one: Any, other: Any) -> bool:
    """Whether floats of two arrays are no farther apart than `PRECISION`, and all else is equal."""
    if one.dtype.kind != "f" or other.dtype.kind != "f":
        return np.array_equal(one, other)
    return one.shape == other.shape and np.allclose(
        one, other, rtol=PRECISION, atol=PRECISION, equal_nan=True
    )


def same_bits(one: Any, other: Any) -> bool:
    """Whether two arrays are equal, zeros by their sign too; undefined numbers are all the same."""
    if one.dtype.kind != other.dtype.kind:
        return False
    if one.dtype.kind != "f":
        return np.array_equal(one, other)
    signs = (np.signbit(array[array == 0.0]) for array in (one, other))
    return np.array_equal(one, other, equal_nan=True) and np.array_equal(*signs)


# --- side by side --------------------------------------------------------------------------------

# Several results side by side: configs, tasks, or runs, with their names before the labels.


def configs_of(parts: Sequence[Part]) -> ComparedConfigs:
    """Several configs, or runs, side by side."""
    experiments = {part.name: part.experiment for part in parts}
    return compared_configs(experiments, [part.outcome for part in parts])


def under(name: str, parts: Iterable[Part]) -> list[Part]:
    """What was asked for in a result, with its name in front of the labels."""
    made = []
    for part in parts:
        whole = f"{name}: {part.name}" if part.name else name
        trained = part.outcome.experiment.variants
        variants = tuple(
            replace(variant, learning_rate=own.learning_rate)
            for variant, own in zip(part.experiment.variants, trained, strict=True)
        )
        named = replace(part.experiment, variants=variants).prefix_labels(whole)
        called = dict(zip((variant.label for variant in trained), named.variants, strict=True))
        results = tuple(
            replace(result, variant=called[result.variant.label]) for result in part.outcome.results
        )
        made.append(Part(whole, part.experiment, Outcome(named, results), is_config=True))
    return made
