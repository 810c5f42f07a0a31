"""An outcome as the JSON document that hsig prints and keeps; its format is version 1.

Fields are added, never renamed. Numbers keep full precision; those that JSON cannot say are the
texts "Infinity", "-Infinity" and "NaN", which Python's `float` reads. null means not reached or
not applicable.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields

import numpy as np

from hsig import __version__
from hsig.analysis.pairing import Pairing
from hsig.analysis.parts import Part, group_parts
from hsig.analysis.summary import TWINS_DIFFER, Solved, Summary, VariantSummary
from hsig.arrays import Array, BoolArray, IntArray
from hsig.config.activation_kinds import spec_document
from hsig.config.loading import resolved_keys
from hsig.config.values import Json, plain, plain_fields
from hsig.engines.engine import NOT_REACHED
from hsig.experiments.evidence import Evidence
from hsig.experiments.experiment import Experiment, Outcome, Training
from hsig.experiments.outlook import WINDOW, Outlook
from hsig.experiments.verdicts import RULES, VERDICTS
from hsig.reports.obstacles import out_of_reach_document
from hsig.reports.page import FORMAT
from hsig.reports.phrases import MEANINGS

_EVIDENCE = (*(field.name for field in fields(Evidence)), "dead", "saturated", "affine")
_OF_LAYERS = {"on_piece", "on_one_piece", "alive", "slope"}  # with an axis of hidden layers
_OUTLOOK = tuple(field.name for field in fields(Outlook))


def document(outcome: Outcome, summary: Summary, *, every_seed: bool = True) -> dict[str, Json]:
    """The whole outcome, ready for `json.dumps(..., allow_nan=False)`.

    Args:
        outcome: What became of an experiment.
        summary: Its numbers.
        every_seed: Whether the seeds are listed one by one.
    """
    experiment, affine = outcome.experiment, summary.affine
    return {
        "format": FORMAT,
        "hsig": __version__,
        "experiment": resolved_keys(experiment),
        "complete": outcome.complete,
        "best_affine": {
            "cost": plain(affine.cost),
            "predictions": plain(_outputs(affine.predictions).tolist()),
            "right": affine.right,
        },
        "pairing": pairing_document(summary.pairing),
        "verdict_rules": _verdict_rules(),
        "variants": [
            _variant(experiment, result, numbers, every_seed=every_seed)
            for result, numbers in zip(outcome.results, summary.variants, strict=True)
        ],
    }


def _verdict_rules() -> list[Json]:
    """What each verdict means, in their order: the first that holds is a seed's."""
    return [
        {
            "verdict": word,
            "means": MEANINGS[word],
            "never_solved_later": rule.never,
            "tolerances": dict(rule.tolerances),
            "window": WINDOW,
        }
        for word, rule in RULES.items()
    ]


def document_of_several(
    parts: Sequence[Part], summaries: Mapping[str, Summary], *, every_seed: bool = True
) -> dict[str, Json]:
    """Several configs: the document of each, and which of their variants are paired by seed."""
    return {
        "format": FORMAT,
        "hsig": __version__,
        "complete": all(part.outcome.complete for part in parts),
        "configs": [
            {
                "config": part.name,
                **document(part.outcome, summaries[part.name], every_seed=every_seed),
                "experiment": resolved_keys(part.experiment),
            }
            for part in parts
        ],
        "groups": [
            {
                "configs": list(group.names),
                "pairing": pairing_document(group.pairing),
                "not_paired_because": group.difference or None,
            }
            for group in group_parts(parts)
        ],
    }


def solved_or_null(solved: Solved | None) -> Json:
    """Counts and interval of solved seeds; null where there are no seeds."""
    return plain_fields(solved) if solved is not None and solved.n else None


def pairing_document(found: Pairing | None) -> Json:
    """Variants against each other; null if there is no pairing."""
    if found is None:
        return None
    return {
        "baseline": found.baseline,
        "comparisons": len(found.against),
        "against": [plain_fields(paired) for paired in found.against.values()],
        "ranks": {label: rank for label, rank in found.ranks.items()},
    }


def _variant(
    experiment: Experiment, result: Training, numbers: VariantSummary, *, every_seed: bool
) -> dict[str, Json]:
    head: dict[str, Json] = {
        "label": result.variant.label,
        "activation": spec_document(result.variant.activation),
        "output_activation": spec_document(result.variant.output_activation),
        "learning_rate": experiment.learning_rate_of(result.variant),
        "engine": experiment.engine_of(result.variant).NAME,
        "out_of_reach": out_of_reach_document(experiment, result.variant),
    }
    if result.failure:
        return {**head, "error": result.failure, "checkpoints": [], "seeds": [], "solved": None}
    return {
        **head,
        "checkpoints": list(result.epochs),
        "linear_pieces": [plain_fields(piece) for piece in result.variant.activation.linear_pieces],
        "verdicts": dict(numbers.verdicts),
        "chaos": {"twins": numbers.twins, "parted": numbers.parted, "at_least": TWINS_DIFFER},
        "predicted_with": [
            {
                "label": found.label,
                "activation": spec_document(found.activation),
                "solved": plain_fields(found.solved),
                "still_solved": found.still_solved,
                "largest_change": plain(found.largest_change),
            }
            for found in numbers.transfers
        ],
        "seeds": _seeds(result) if every_seed else [],
        "solved": plain_fields(numbers.solved),
    }


def _seeds(training: Training) -> list[Json]:
    evidence = {name: getattr(training.evidence, name) for name in _EVIDENCE}
    if len(training.weights) == 2:  # one hidden layer is written without its axis
        evidence |= {name: evidence[name][:, :, 0] for name in _OF_LAYERS}
    outlook = {name: _rows(getattr(training.outlook, name)) for name in _OUTLOOK}
    columns: dict[str, list[Json]] = {
        "seed": list(training.seeds),
        "cost_last": _rows(training.cost_last),
        "cost_mean": _rows(training.cost_mean),
        "predictions": _rows(_outputs(training.predictions)),
        "verdict": [VERDICTS[verdict] for verdict in training.verdict],
        "solved_at": _epochs(training.solved_at),
        "lost_at": _epochs(training.lost_at),
        "diverged_at": _epochs(training.diverged_at),
        "diverged_by": [cause or None for cause in training.diverged_by],
        "max_error": _rows(training.max_error),
        "twin_distance": _known(training.twin_distance),
        "evidence": _records({name: _rows(array) for name, array in evidence.items()}),
        "outlook": _records(outlook | {"returns_after": _epochs(training.outlook.returns_after)}),
    }
    return _records(columns)


def _outputs(predictions: Array) -> Array:
    """Predictions without the axis of outputs where there is one output."""
    return predictions[..., 0] if predictions.shape[-1] == 1 else predictions


def _records(columns: Mapping[str, list[Json]]) -> list[Json]:
    """A record for each row of some columns."""
    rows = zip(*columns.values(), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _rows(array: Array | BoolArray) -> list[Json]:
    """The array as lists, ready for JSON."""
    rows: list[Json] = array.tolist()
    return rows if np.isfinite(array).all() else [plain(row) for row in rows]


def _known(array: Array) -> list[Json]:
    """Null where there is none."""
    return [None if np.isnan(number) else plain(float(number)) for number in array]


def _epochs(array: IntArray) -> list[Json]:
    return [None if epoch == NOT_REACHED else epoch for epoch in array.tolist()]


# --- rows, for CSV ----------------------------------------------------------------------------

FAILED_VERDICTS = tuple(word for word in RULES if word != "solved")
SOLVED_COLUMNS = ("solved", "seeds", "solved_rate", "solved_low", "solved_high")
VARIANT_COLUMNS = (
    "label",
    *SOLVED_COLUMNS,
    "lost",
    *FAILED_VERDICTS,
    "epoch",
    "cost",
    "cost_lower_quartile",
    "cost_median",
    "cost_upper_quartile",
    "error",
)
SEED_COLUMNS = (
    "label",
    "seed",
    "epoch",
    "cost_last",
    "cost_mean",
    "verdict",
    "solved_at",
    "lost_at",
    "diverged_at",
    "diverged_by",
    "max_error",
    "error",
)


def solved_columns(solved: Solved) -> dict[str, object]:
    """A rate and its interval."""
    values = (solved.k, solved.n, solved.rate, solved.low, solved.high)
    return dict(zip(SOLVED_COLUMNS, values, strict=True))


def counts(verdicts: Mapping[str, int]) -> dict[str, object]:
    """How many seeds ended with each verdict but `solved`."""
    return {word: verdicts.get(word, 0) for word in FAILED_VERDICTS}


def ended_as(verdicts: Iterable[Mapping[str, int]]) -> tuple[str, ...]:
    """The verdicts of seeds that were not solved, those that there are in any of some counts."""
    there = set().union(*verdicts)
    return tuple(word for word in FAILED_VERDICTS if word in there)


def variant_rows(*summaries: Summary) -> list[dict[str, object]]:
    """One row per variant: what was solved, and the final cost over seeds."""
    return [
        _variant_row(variant, summary.experiment.cost)
        for summary in summaries
        for variant in summary.variants
    ]


def _variant_row(variant: VariantSummary, cost: str) -> dict[str, object]:
    if variant.failure:
        return {"label": variant.label, "error": variant.failure}
    lower, median, upper = variant.cost[:, -1].tolist()
    return {
        "label": variant.label,
        **solved_columns(variant.solved),
        "lost": variant.lost,
        **counts(variant.verdicts),
        "epoch": variant.epochs[-1],
        "cost": cost,
        "cost_lower_quartile": lower,
        "cost_median": median,
        "cost_upper_quartile": upper,
    }


def seed_rows(*outcomes: Outcome) -> list[dict[str, object]]:
    """One row per variant, seed and checkpoint."""
    rows: list[dict[str, object]] = []
    for outcome in outcomes:
        for training in outcome.results:
            label = training.variant.label
            if training.failure:
                rows.append({"label": label, "error": training.failure})
            for row, seed in enumerate(training.seeds):
                of_seed = {
                    "label": label,
                    "seed": seed,
                    "verdict": VERDICTS[training.verdict[row]],
                    "solved_at": _epoch(training.solved_at[row]),
                    "lost_at": _epoch(training.lost_at[row]),
                    "diverged_at": _epoch(training.diverged_at[row]),
                    "diverged_by": training.diverged_by[row],
                    "max_error": float(training.max_error[row]),
                }
                rows += [
                    {
                        **of_seed,
                        "epoch": epoch,
                        "cost_last": float(training.cost_last[row, column]),
                        "cost_mean": float(training.cost_mean[row, column]),
                    }
                    for column, epoch in enumerate(training.epochs)
                ]
    return rows


def _epoch(value: int) -> int | str:
    return "" if value == NOT_REACHED else int(value)
