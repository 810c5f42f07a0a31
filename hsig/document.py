"""An outcome as the JSON document that hsig prints and keeps; its format is version 1.

Fields are added, never renamed. Numbers keep full precision; those that JSON cannot say are the
texts "Infinity", "-Infinity" and "NaN", which Python's `float` reads. null means not reached or
not applicable.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from math import isfinite, isnan
from typing import TYPE_CHECKING

import numpy as np

from hsig import __version__
from hsig.activations import Activation
from hsig.affine import best_affine
from hsig.arrays import Array, BoolArray, IntArray
from hsig.engines import NOT_REACHED
from hsig.evidence import Evidence
from hsig.experiment import Experiment, Failure, Outcome, Training, Variant
from hsig.keys import SAME
from hsig.network import default_output_activation
from hsig.pairing import Pairing
from hsig.summary import count_solved, count_verdicts, pairing_of, rate
from hsig.together import Together
from hsig.transfer import predict_with
from hsig.verdict import verdicts

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

FORMAT = 1

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def document(outcome: Outcome, *, every_seed: bool = True) -> dict[str, Json]:
    """The whole outcome, ready for `json.dumps(..., allow_nan=False)`.

    Args:
        outcome: What became of an experiment.
        every_seed: Whether the seeds are listed one by one.
    """
    experiment = outcome.experiment
    affine = best_affine(experiment.task, experiment.loss, experiment.solved_within)
    return {
        "format": FORMAT,
        "hsig": __version__,
        "experiment": resolved_keys(outcome.experiment),
        "complete": outcome.complete,
        "best_affine": {
            "cost": plain(affine.cost),
            "predictions": plain(affine.predictions.tolist()),
            "right": affine.right,
        },
        "pairing": _pairing(pairing_of(outcome)),
        "variants": [
            _variant(outcome.experiment, result, every_seed=every_seed)
            for result in outcome.results
        ],
    }


def resolved_keys(experiment: Experiment) -> dict[str, Json]:
    """Every key of the config with its resolved value; as a config it gives the same numbers.

    One variant is the `activation`, several are the `activations`.
    """
    weights, task = experiment.initial_weights, experiment.task
    return {
        "task": {
            "name": task.name,
            "inputs": plain(task.inputs.tolist()),
            "targets": plain(task.targets.tolist()),
        },
        **_activations(experiment.variants),
        "loss": experiment.loss.name,
        "learning_rate": experiment.learning_rate,
        "epochs": experiment.epochs,
        "update": experiment.update,
        "hidden": experiment.hidden,
        "init": {"uniform": list(experiment.init)},
        "initial_weights": weights
        and {"hidden": plain(weights.hidden.tolist()), "output": plain(weights.output.tolist())},
        "seeds": list(experiment.seeds),
        "until": experiment.until,
        "max_seeds": experiment.max_seeds,
        "solved_within": experiment.solved_within,
        "report_every": experiment.report_every,
        "at_epochs": list(experiment.at_epochs) or None,
        "cost": experiment.cost,
        "engine": experiment.engine,
        "workers": experiment.workers or "auto",
        "predict_with": [spec_document(other) for other in experiment.predict_with] or None,
        "baseline": experiment.baseline or None,
        "expect": {
            name: dict(part) if isinstance(part, Mapping) else part
            for name, part in experiment.expect.items()
        },
    }


def _activations(variants: Sequence[Variant]) -> dict[str, Json]:
    """The keys that say which activations there are, and where."""
    if len(variants) == 1:
        (variant,) = variants
        return {
            "activation": spec_document(variant.hidden_activation),
            "activations": None,
            "output_activation": spec_document(variant.output_activation),
        }
    return {
        "activation": None,
        "activations": [spec_document(variant.hidden_activation) for variant in variants],
        "output_activation": _common_output(variants),
    }


def _common_output(variants: Sequence[Variant]) -> Json:
    """The `output_activation` that gives all of them theirs; null is the default rule."""
    outputs = [variant.output_activation for variant in variants]
    hidden = [variant.hidden_activation for variant in variants]
    if outputs == [default_output_activation(activation) for activation in hidden]:
        return None
    return SAME if outputs == hidden else spec_document(outputs[0])


def document_of_several(together: Together, *, every_seed: bool = True) -> dict[str, Json]:
    """Several configs: the document of each, and which of their variants are paired by seed."""
    return {
        "format": FORMAT,
        "hsig": __version__,
        "complete": together.complete,
        "configs": [
            {
                "config": name,
                **document(outcome, every_seed=every_seed),
                "experiment": resolved_keys(together.experiments[name]),
            }
            for name, outcome in together.outcomes.items()
        ],
        "groups": [
            {
                "configs": list(group.names),
                "pairing": _pairing(group.pairing),
                "not_paired_because": group.difference or None,
            }
            for group in together.groups
        ],
    }


def _pairing(found: Pairing | None) -> Json:
    if found is None:
        return None
    return {
        "baseline": found.baseline,
        "against": [plain_fields(paired) for paired in found.against.values()],
        "ranks": {label: rank for label, rank in found.ranks.items()},
    }


def _variant(
    experiment: Experiment, result: Training | Failure, *, every_seed: bool
) -> dict[str, Json]:
    head: dict[str, Json] = {
        "label": result.variant.label,
        "activation": spec_document(result.variant.hidden_activation),
        "output_activation": spec_document(result.variant.output_activation),
        "engine": experiment.engine_of(result.variant).NAME,
    }
    if isinstance(result, Failure):
        return {**head, "error": result.reason, "checkpoints": [], "seeds": [], "solved": None}
    solved = count_solved(result)
    return {
        **head,
        "checkpoints": list(result.epochs),
        "linear_pieces": [
            plain_fields(piece) for piece in result.variant.hidden_activation.linear_pieces
        ],
        "verdicts": {word: n for word, n in count_verdicts(result).items()},
        "predicted_with": [
            {
                "label": found.label,
                "activation": spec_document(found.activation),
                "solved": plain_fields(rate(found.solved)),
                "still_solved": found.still_solved,
                "largest_change": plain(found.largest_change),
            }
            for found in (
                predict_with(experiment, result, other) for other in experiment.predict_with
            )
        ],
        "seeds": _seeds(experiment, result) if every_seed else [],
        "solved": plain_fields(solved),
    }


def _seeds(experiment: Experiment, training: Training) -> list[Json]:
    evidence = {field.name: getattr(training.evidence, field.name) for field in fields(Evidence)}
    columns: dict[str, list[Json]] = {
        "seed": list(experiment.seeds),
        "cost_last": _rows(training.cost_last),
        "cost_mean": _rows(training.cost_mean),
        "predictions": _rows(training.predictions),
        "verdict": list(verdicts(training)),
        "solved_at": _epochs(training.solved_at),
        "lost_at": _epochs(training.lost_at),
        "diverged_at": _epochs(training.diverged_at),
        "diverged_by": [cause or None for cause in training.diverged_by],
        "max_error": _rows(training.max_error),
        "evidence": _records({name: _rows(array) for name, array in evidence.items()}),
    }
    return _records(columns)


def _records(columns: Mapping[str, list[Json]]) -> list[Json]:
    """A record for each row of some columns."""
    rows = zip(*columns.values(), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _rows(array: Array | BoolArray) -> list[Json]:
    """The array as lists, ready for JSON."""
    rows: list[Json] = array.tolist()
    return rows if np.isfinite(array).all() else [plain(row) for row in rows]


def _epochs(array: IntArray) -> list[Json]:
    return [None if epoch == NOT_REACHED else epoch for epoch in array.tolist()]


def spec_document(activation: Activation) -> dict[str, Json]:
    """An activation as a config would spell it in full."""
    parameters: Mapping[str, Json] = {
        name: plain(value) for name, value in activation.parameters.items()
    }
    return {"name": activation.name, **parameters, "backward": activation.backward}


def plain_fields(record: "DataclassInstance") -> dict[str, Json]:
    """A flat record's fields, ready for JSON."""
    return {name: plain(value) for name, value in asdict(record).items()}


def plain(value: Json) -> Json:
    """The value with every number that JSON cannot say as a text."""
    if isinstance(value, list):
        return [plain(part) for part in value]
    if isinstance(value, float) and not isfinite(value):
        return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
