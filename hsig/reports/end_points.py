"""The end points of seeds on a page: near which kind of stationary point they are."""

from typing import Any

import numpy as np

from hsig.analysis.end_points import (
    ASIDE,
    AT_KINK,
    FLAT,
    KINK,
    MAX_WEIGHTS,
    MIN_ZERO,
    MINIMUM,
    NEAR,
    SADDLE,
    SLOPE,
    STATIONARY,
    UNDEFINED,
    ZERO,
    EndPoints,
    count_weights,
    zero_threshold,
)
from hsig.arrays import Array, BoolArray
from hsig.config.values import Json
from hsig.experiments.experiment import Training
from hsig.reports.page import Block, Column, Rows, Text, brief, count, for_json, lines, short

MEANINGS = {
    SADDLE: "a stationary point near by, with a direction in which the loss bends down",
    MINIMUM: "a stationary point near by, where the loss bends up in all directions",
    FLAT: "a stationary point near by, where it bends down in no direction, and in some not at all",
    KINK: "a stationary point near by, but at a kink, where the surface has an edge",
    SLOPE: "no stationary point near by",
    UNDEFINED: "the loss or its slope is not finite",
}


def describe_end_points(training: Training, found: EndPoints | None) -> tuple[Block, ...]:
    """A row for each kind of end point of the failed seeds; nothing if no seed failed.

    Args:
        training: What became of the variant.
        found: Where its seeds ended; None if the network is too large.
    """
    failed = ~training.solved
    if not failed.any():
        return ()
    weights = count(count_weights(training), "weight")
    if found is None:
        sentence = f"Where seeds ended is shown for at most {MAX_WEIGHTS} weights, not {weights}."
        return (lines([sentence]),)
    kinds = found.count_kinds(failed)
    title = (
        f"where the failed seeds ended, on the surface of the mean loss in all {weights} (medians; "
        f"near by: within {short(NEAR)}; eigenvalues: of the Hessian there; downhill: seeds with a "
        "lower loss on both sides)"
    )
    notes = [f"{kind}: {MEANINGS[kind]}" for kind in kinds]
    at_kink = int((found.kink[failed] <= AT_KINK).sum())
    if at_kink:
        notes.append(
            f"{at_kink} ended within {short(AT_KINK)} of a kink: the slopes are one side's"
        )
    variant = training.variant
    activations = (*variant.hidden_activations, variant.output_activation)
    if any(activation.backward != "own" for activation in activations):
        notes.append("the surface is that of the activation itself, not of the slope trained with")
    return (_kind_rows(found, failed, kinds).table(title, splits=True), lines(notes))


def _kind_rows(found: EndPoints, failed: BoolArray, kinds: dict[str, int]) -> Rows[str]:
    """A row for each kind, with medians over its failed seeds."""
    zero = zero_threshold(found.stationary_eigenvalues)[:, None]
    values = np.where(
        np.abs(found.stationary_eigenvalues) <= zero, 0.0, found.stationary_eigenvalues
    )
    members = {kind: failed & (found.kind == kind) for kind in kinds}

    def median(name: str, numbers: Array, text: Text = "{:.2g}".format) -> Column[str]:
        def value(kind: str) -> list[float] | float | None:
            middle = np.median(numbers[members[kind]], axis=0)
            return middle.tolist() if np.isfinite(middle).all() else None

        return Column(name, name, value, text)

    def downhill(kind: str) -> str | None:
        return f"{found.falls[members[kind]].sum()} of {kinds[kind]}" if kind == SADDLE else None

    return Rows(
        [
            Column("kind", "kind", lambda kind: kind, prose=True),
            Column("seeds", "seeds", kinds.get),
            median("gradient", found.gradient),
            median("distance", found.distance),
            median("loss", found.stationary_cost, brief),
            median(
                "eigenvalues",
                values,
                lambda v: f"{v[0]:.2g} to {v[-1]:.2g}, {v.count(0.0)} are 0",
            ),
            Column("downhill", "downhill", downhill),
        ],
        [*kinds],
    )


def end_points_document(training: Training, found: EndPoints | None, *, every_seed: bool) -> Json:
    """Where the seeds ended as JSON has it; null if the variant was not trained."""
    if training.failure:
        return None
    seeds = range(len(training.seeds)) if found is not None and every_seed else ()
    return for_json(
        {
            "weights": count_weights(training),
            "weights_most": MAX_WEIGHTS,
            "near": NEAR,
            "stationary": STATIONARY,
            "zero": ZERO,
            "zero_at_least": MIN_ZERO,
            "aside": ASIDE,
            "at_kink": AT_KINK,
            "failed": found and found.count_kinds(~training.solved),
            "solved": found and found.count_kinds(training.solved),
            "seeds": [_seed_record(training, found, place) for place in seeds if found],
        }
    )


def _seed_record(training: Training, found: EndPoints, place: int) -> dict[str, Any]:
    stationary = {
        "distance": found.distance[place],
        "cost": found.stationary_cost[place],
        **_eigenvalues(found.stationary_eigenvalues[place]),
        "falls": found.falls[place],
    }
    return {
        "seed": training.seeds[place],
        "kind": found.kind[place],
        "cost": found.cost[place],
        "gradient": found.gradient[place],
        **_eigenvalues(found.eigenvalues[place]),
        "kink": found.kink[place],
        "least_gradient": found.least_gradient[place],
        "stationary": stationary if np.isfinite(found.distance[place]) else None,
    }


def _eigenvalues(values: Array) -> dict[str, Any]:
    """Rising eigenvalues by name."""
    return {
        "smallest_eigenvalue": values[0],
        "largest_eigenvalue": values[-1],
        "eigenvalues": values,
    }
