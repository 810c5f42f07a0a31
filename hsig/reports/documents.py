"""Outcomes as the JSON document that hsig prints and keeps, and a row for each seed as CSV.

Its format is version 1: fields are added, never renamed. Numbers keep full precision; those that
JSON cannot say are the texts "Infinity", "-Infinity" and "NaN", which Python's `float` reads. null
means not reached or not applicable.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from math import isnan
from typing import TYPE_CHECKING, Any

from hsig.analysis.pairing import Pairing
from hsig.analysis.parts import Part, group_parts
from hsig.analysis.summary import MAX_ROWS, TWINS_DIFFER, Solved, Summary, VariantSummary
from hsig.arrays import Array, IntArray
from hsig.config.activation_kinds import spec_document
from hsig.config.loading import resolved_keys
from hsig.config.values import Json
from hsig.engines.engine import NOT_REACHED
from hsig.experiments.evidence import Evidence
from hsig.experiments.experiment import Experiment, Outcome, Training
from hsig.experiments.measures import HELD_OUT, LOSS, Measures
from hsig.experiments.outlook import WINDOW, Outlook
from hsig.experiments.verdicts import RULES, VERDICTS
from hsig.reports.columns import Comparison, variant_columns
from hsig.reports.obstacles import out_of_reach_document
from hsig.reports.page import HEADER, CsvRows, Rows, for_json
from hsig.reports.phrases import MEANINGS

if TYPE_CHECKING:
    from hsig.analysis.tuning import Tuning

_EVIDENCE = (*(field.name for field in fields(Evidence)), "dead", "saturated", "affine")
_WITH_LAYERS = {"on_piece", "on_one_piece", "alive", "slope"}  # an axis of hidden layers
_OUTLOOK = tuple(field.name for field in fields(Outlook))


def variant_rows(summary: Summary, tuned: "Tuning | None" = None) -> Rows[VariantSummary]:
    """A row for each variant, in the order of the experiment."""
    comparison = Comparison(summary.experiment, summary.variants, summary.pairing, tuned)
    return Rows(variant_columns(comparison), summary.variants)


def document(
    outcome: Outcome, summary: Summary, tuned: "Tuning | None" = None, *, every_seed: bool = True
) -> dict[str, Json]:
    """The whole outcome, ready for `json.dumps`; with every seed or without."""
    experiment, affine = outcome.experiment, summary.affine
    records = variant_rows(summary, tuned).records()
    for record in records:
        if not record["error"]:
            del record["error"]  # only what could not be trained has one
    return {
        **HEADER,
        "experiment": resolved_keys(experiment),
        "complete": outcome.complete,
        "best_affine": affine
        and {
            "cost": for_json(affine.cost),
            "predictions": for_json(_drop_single_output(affine.predictions[:MAX_ROWS])),
            "right": affine.right,
        },
        **_describe_task(experiment),
        "pairing": pairing_document(summary.pairing),
        "verdict_rules": [
            {
                "verdict": word,
                "means": MEANINGS[word],
                "never_solved_later": rule.never,
                "tolerances": dict(rule.tolerances),
                "window": WINDOW,
            }
            for word, rule in RULES.items()
        ],
        "variants": [
            record | _variant(experiment, result, numbers, every_seed=every_seed)
            for record, result, numbers in zip(
                records, outcome.results, summary.variants, strict=True
            )
        ],
    }


def _describe_task(experiment: Experiment) -> dict[str, Json]:
    """What is measured on which rows, and what the target was taken for."""
    task = experiment.task
    return {
        "measure": for_json(experiment.chosen_measure),
        "rows": {
            "training": len(task.targets),
            "held_out": 0 if task.held_out is None else len(task.held_out.targets),
        },
        "target_kind": task.kind or None,
        "classes": list(task.classes),
        "notes": list(task.source.notes) if task.source else [],
    }


def document_of_several(
    parts: Sequence[Part], summaries: Mapping[str, Summary], *, every_seed: bool = True
) -> dict[str, Json]:
    """Several configs: the document of each, and which of their variants are paired by seed."""
    return {
        **HEADER,
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
    return for_json(solved) if solved is not None and solved.n else None


def pairing_document(pairing: Pairing | None) -> Json:
    """Variants against each other; null if there is no pairing."""
    if pairing is None:
        return None
    return {
        "baseline": pairing.baseline,
        "comparisons": len(pairing.against),
        "measure": for_json(pairing.measure),
        "solved_by": pairing.solved_by or None,
        "against": for_json(
            [
                {**paired._asdict(), "only_this": paired.better, "only_baseline": paired.worse}
                for paired in pairing.against.values()
            ]
        ),
        "ranks": for_json(pairing.ranks),
    }


def _variant(
    experiment: Experiment, training: Training, numbers: VariantSummary, *, every_seed: bool
) -> dict[str, Json]:
    """What JSON has of a variant beside the values of its row."""
    variant = training.variant
    head: dict[str, Json] = {
        "activation": spec_document(variant.activation),
        "output_activation": spec_document(variant.output_activation),
        "learning_rate": experiment.learning_rate_of(variant),
        "engine": experiment.engine_of(variant).NAME,
        "obstacle": experiment.find_obstacle(variant) or None,
        "out_of_reach": out_of_reach_document(experiment, variant),
        "checkpoints": list(training.epochs),
        "seeds": [],
    }
    if training.failure:
        return head
    seeds = _records(_seed_values(training) | _seed_details(training)) if every_seed else []
    return head | {
        "linear_pieces": for_json(variant.activation.linear_pieces),
        "chaos": {"twins": numbers.twins, "parted": numbers.parted, "at_least": TWINS_DIFFER},
        "predicted_as": _describe_confusion(experiment, numbers),
        "predicted_with": [
            {
                "label": transfer.label,
                "activation": spec_document(transfer.activation),
                "solved": for_json(transfer.solved),
                "still_solved": transfer.still_solved,
                "largest_change": for_json(transfer.largest_change),
            }
            for transfer in numbers.transfers
        ],
        "seeds": for_json(seeds),
    }


def _describe_confusion(experiment: Experiment, numbers: VariantSummary) -> Json:
    """Rows of each class by the class predicted, and last by none; null without classes."""
    classes = experiment.task.classes
    if numbers.predicted is None or not classes:
        return None
    return dict(zip(classes, numbers.predicted.confusion.tolist(), strict=True))


# --- seeds ---------------------------------------------------------------------------------------

_BY_CHECKPOINT = ("cost_last", "cost_mean", "loss")
_MEASURES = tuple(each.name for each in fields(Measures) if each.name != LOSS)
_SEED_COLUMNS: Mapping[str, Callable[[Training], list[Any]]] = {
    "seed": lambda training: list(training.seeds),
    "cost_last": lambda training: training.cost_last.tolist(),
    "cost_mean": lambda training: training.cost_mean.tolist(),
    "loss": lambda training: training.loss.tolist(),
    "verdict": lambda training: [VERDICTS[verdict] for verdict in training.verdict],
    "solved_at": lambda training: _epochs(training.solved_at),
    "lost_at": lambda training: _epochs(training.lost_at),
    "diverged_at": lambda training: _epochs(training.diverged_at),
    "stopped_at": lambda training: _epochs(training.stopped_at),
    "diverged_by": lambda training: [cause or None for cause in training.diverged_by],
    "max_error": lambda training: training.max_error.tolist(),
}


def seed_rows(*outcomes: Outcome) -> CsvRows:
    """A row for each variant, seed and checkpoint, as `--long` has it."""
    held_out = any(outcome.experiment.task.held_out is not None for outcome in outcomes)
    measured = [name for name in _MEASURES if held_out or not name.startswith(HELD_OUT)]
    rows: list[Mapping[str, object]] = []
    by_checkpoint = (*_BY_CHECKPOINT, *measured)
    for training in (training for outcome in outcomes for training in outcome.results):
        label: dict[str, object] = {"label": training.variant.label}
        if training.failure:
            rows.append(label | {"error": training.failure})
            continue
        measures = {name: getattr(training.measures, name).tolist() for name in measured}
        for seed in _records(_seed_values(training) | measures):
            at_checkpoints = [seed.pop(name) for name in by_checkpoint]
            rows += [
                label | seed | dict(zip(("epoch", *by_checkpoint), costs, strict=True))
                for costs in zip(training.epochs, *at_checkpoints, strict=True)
            ]
    names = [name for name in _SEED_COLUMNS if name not in ("seed", *_BY_CHECKPOINT)]
    return ("label", "seed", "epoch", *by_checkpoint, *names, "error"), rows


def _seed_values(training: Training) -> dict[str, list[Any]]:
    return {name: values(training) for name, values in _SEED_COLUMNS.items()}


def _seed_details(training: Training) -> dict[str, list[Any]]:
    """What JSON has of seeds beside the columns of CSV."""
    evidence = {name: getattr(training.evidence, name) for name in _EVIDENCE}
    if len(training.weights) == 2:  # one hidden layer is written without its axis
        evidence |= {name: evidence[name][:, :, 0] for name in _WITH_LAYERS}
    outlook = {name: getattr(training.outlook, name).tolist() for name in _OUTLOOK}
    outlook["returns_after"] = _epochs(training.outlook.returns_after)
    measures: dict[str, list[Any]] = {
        name: _records(
            {
                each.removeprefix(HELD_OUT): getattr(training.measures, each).tolist()
                for each in (LOSS, *_MEASURES)
                if each.startswith(HELD_OUT) == (name == "held_out")
            }
        )
        for name in ("training", "held_out")
    }
    if not training.held_out_predictions.shape[1]:
        measures["held_out"] = [None] * len(training.seeds)
    return {
        "measures": _records(measures),
        "predictions": _list_predictions(training.predictions),
        "held_out_predictions": _list_predictions(training.held_out_predictions),
        "twin_distance": [None if isnan(d) else d for d in training.twin_distance.tolist()],
        "evidence": _records({name: array.tolist() for name, array in evidence.items()}),
        "outlook": _records(outlook),
    }


def _list_predictions(predictions: Array) -> list[Any]:
    """Of each seed, those of every row; null where there are more than `MAX_ROWS`."""
    if predictions.shape[1] > MAX_ROWS:
        return [None] * len(predictions)
    return list(_drop_single_output(predictions).tolist())


def _drop_single_output(predictions: Array) -> Array:
    """Predictions without the axis of outputs where there is one output."""
    return predictions[..., 0] if predictions.shape[-1] == 1 else predictions


def _records(columns: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """A record for each row of some columns."""
    rows = zip(*columns.values(), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _epochs(array: IntArray) -> list[int | None]:
    return [None if epoch == NOT_REACHED else epoch for epoch in array.tolist()]
