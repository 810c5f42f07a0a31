"""What is told of the end points of seeds: near which kind of stationary point they are."""

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
from hsig.arrays import Array
from hsig.config.values import Json, plain
from hsig.experiments.experiment import Training
from hsig.reports.page import Block, count, lines, number, short

_NEAR_BY = f"a stationary point within {short(NEAR)}"
MEANINGS = {
    SADDLE: f"{_NEAR_BY}, with a direction in which the cost bends down",
    MINIMUM: f"{_NEAR_BY}, where the cost bends up in all directions",
    FLAT: f"{_NEAR_BY}, where the cost bends down in no direction, and in some not at all",
    KINK: f"{_NEAR_BY}, but at a kink, where the surface has an edge",
    SLOPE: f"no stationary point found within {short(NEAR)}",
    UNDEFINED: "the cost or its slope is not finite",
}


def describe_end_points(training: Training, found: EndPoints | None) -> tuple[Block, ...]:
    """What an explanation says of where the failed seeds ended; nothing if there are none.

    Args:
        training: What became of the variant.
        found: Where its seeds ended; None if that was not looked for.
    """
    failed = ~training.solved
    if not failed.any():
        return ()
    weights = count(count_weights(training), "weight")
    if found is None:
        return (
            lines(
                [
                    f"Where they ended is not told: it takes the Hessian in all {weights}, and "
                    f"that is done for {MAX_WEIGHTS} at most."
                ]
            ),
        )
    kinds = found.count_kinds(failed)
    meanings = "; ".join(f"{kind}: {MEANINGS[kind]}" for kind in kinds)
    sentences = [
        f"Where they ended, on the surface of the mean loss in all {weights}: of "
        f"{count(int(failed.sum()), 'failed seed')}, "
        f"{', '.join(f'{kind} {n}' for kind, n in kinds.items())} ({meanings}).",
        *_describe_median(training, found),
    ]
    if SADDLE in kinds:
        saddles = failed & (found.kind == SADDLE)
        falls = int(found.falls[saddles].sum())
        sentences.append(
            f"A step of {short(ASIDE)} from the saddle along the eigenvector of its smallest "
            f"eigenvalue lowers the cost on both sides for {falls} of {kinds[SADDLE]}."
        )
    at_kink = int((found.kink[failed] <= AT_KINK).sum())
    if at_kink:
        sentences.append(
            f"At the end of {at_kink} of them a pre-activation is within {short(AT_KINK)} of a "
            "kink: gradient and Hessian there are those of one side."
        )
    variant = training.variant
    if any(a.backward != "own" for a in (variant.activation, variant.output_activation)):
        sentences.append(
            "Gradient and Hessian are those of the activation itself; it was trained with another "
            "slope, which need not vanish where its own does."
        )
    return (lines([" ".join(sentences)]),)


def _describe_median(training: Training, found: EndPoints) -> tuple[str, ...]:
    """One seed in numbers: the median failed one by cost, of those with a finite one."""
    usable = ~training.solved & (found.kind != UNDEFINED)
    places = sorted(np.flatnonzero(usable), key=lambda place: float(found.cost[place]))
    if not places:
        return ()
    place = places[(len(places) - 1) // 2]
    size = found.gradient[place] if found.gradient[place] > STATIONARY else 0.0
    ended = (
        f"Seed {training.seeds[place]}, the median of them by cost, ended with a gradient of size "
        f"{size:.2g} and eigenvalues of the Hessian from "
        f"{_describe_range(found.eigenvalues[place])}"
    )
    if found.kind[place] == SLOPE:
        least = f"{found.least_gradient[place]:.2g}"
        return (f"{ended}; the smallest gradient found within {short(NEAR)} has size {least}.",)
    there = found.stationary_eigenvalues[place]
    away = f"{found.distance[place]:.2g} away" if found.distance[place] else "that"
    zeros = int((np.abs(there) <= zero_threshold(there[None])[0]).sum())
    return (
        f"{ended}; {away} is a stationary point ({found.kind[place]}) of "
        f"cost {number(float(found.stationary_cost[place]))} with eigenvalues from "
        f"{_describe_range(there)}, {zeros} of the {len(there)} being 0.",
    )


def _describe_range(eigenvalues: Array) -> str:
    """The smallest and the largest, those that count as 0 as such."""
    ends = np.where(np.abs(eigenvalues) <= zero_threshold(eigenvalues[None])[0], 0.0, eigenvalues)
    return f"{ends[0]:.2g} to {ends[-1]:.2g}"


def end_points_document(training: Training, found: EndPoints | None, *, every_seed: bool) -> Json:
    """What JSON has of where the seeds ended; null if there are none.

    Args:
        training: What became of the variant.
        found: Where its seeds ended; None if that was not looked for.
        every_seed: Whether the seeds are listed one by one.
    """
    if training.failure:
        return None
    return {
        "weights": count_weights(training),
        "weights_most": MAX_WEIGHTS,
        "near": NEAR,
        "stationary": STATIONARY,
        "zero": ZERO,
        "zero_at_least": MIN_ZERO,
        "aside": ASIDE,
        "at_kink": AT_KINK,
        "failed": None if found is None else {**found.count_kinds(~training.solved)},
        "solved": None if found is None else {**found.count_kinds(training.solved)},
        "seeds": []
        if found is None or not every_seed
        else [_seed(training, found, place) for place in range(len(training.seeds))],
    }


def _seed(training: Training, found: EndPoints, place: int) -> Json:
    stationary: Json = None
    if np.isfinite(found.distance[place]):
        stationary = {
            "distance": float(found.distance[place]),
            "cost": float(found.stationary_cost[place]),
            **_eigenvalues(found.stationary_eigenvalues[place]),
            "falls": bool(found.falls[place]),
        }
    return {
        "seed": training.seeds[place],
        "kind": str(found.kind[place]),
        "cost": plain(float(found.cost[place])),
        "gradient": plain(float(found.gradient[place])),
        **_eigenvalues(found.eigenvalues[place]),
        "kink": plain(float(found.kink[place])),
        "least_gradient": plain(float(found.least_gradient[place])),
        "stationary": stationary,
    }


def _eigenvalues(values: Array) -> dict[str, Json]:
    listed: list[Json] = [plain(value) for value in values.tolist()]
    return {
        "smallest_eigenvalue": listed[0],
        "largest_eigenvalue": listed[-1],
        "eigenvalues": listed,
    }
