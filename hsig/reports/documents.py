"""An outcome as the JSON document that hsig prints and keeps; its format is version 1.

Fields are added, never renamed. Numbers keep full precision; those that JSON cannot say are the
texts "Infinity", "-Infinity" and "NaN", which Python's `float` reads. null means not reached or
not applicable.
"""

from collections.abc import Mapping
from dataclasses import fields

import numpy as np

from hsig import __version__
from hsig.analysis.affine import best_affine
from hsig.analysis.configs import Together
from hsig.analysis.pairing import Pairing
from hsig.analysis.summary import count_solved, count_verdicts, pairing_of, rate
from hsig.analysis.transfer import predict_with
from hsig.config.resolved import Json, plain, plain_fields, resolved_keys, spec_document
from hsig.engines import NOT_REACHED
from hsig.experiments.evidence import Evidence
from hsig.experiments.experiment import Experiment, Failure, Outcome, Training
from hsig.experiments.verdicts import verdicts
from hsig.networks.arrays import Array, BoolArray, IntArray

FORMAT = 1


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
