"""Several experiments side by side: configs, tasks, remedies, and the trials of a tuning.

A result is a list of parts; what each was trained for is its role.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hsig.analysis.pairing import Pairing, loss_kind, pair_outcomes
from hsig.experiments.experiment import Experiment, Outcome
from hsig.experiments.measures import LOSS

# what a part was trained for
ASKED, CONFIG, TASK, REMEDY = "", "config", "task", "remedy"
TUNING, ALTERNATIVE, ONE_RATE = "tuning", "alternative", "one rate"
_NAMED = (CONFIG, TASK, ONE_RATE)  # roles whose labels have the name of the part in front


@dataclass(frozen=True, eq=False)
class Part:
    """An experiment of a result, and what became of it."""

    name: str  # of the config, the task or the remedy; empty where there is one experiment
    experiment: Experiment  # as its config has it
    outcome: Outcome  # the labels may have the name in front
    role: str = ASKED
    layers: str = ""  # where a remedy changes something: `hidden`, `output`, `both`, or nothing

    @property
    def has_prefix(self) -> bool:
        """Whether the labels of the outcome have the name in front."""
        return bool(self.name) and self.role in _NAMED


def prefix_labels(name: str, parts: Iterable[Part]) -> list[Part]:
    """Put the name of a result in front of the labels of its parts, as if each were a config."""
    prefixed = []
    for part in parts:
        whole = f"{name}: {part.name}" if part.name else name
        trained = part.outcome.experiment.variants
        variants = tuple(
            replace(variant, learning_rate=own.learning_rate)
            for variant, own in zip(part.experiment.variants, trained, strict=True)
        )
        named = replace(part.experiment, variants=variants).prefix_labels(whole)
        new = dict(zip((variant.label for variant in trained), named.variants, strict=True))
        results = tuple(
            replace(result, variant=new[result.variant.label]) for result in part.outcome.results
        )
        prefixed.append(Part(whole, part.experiment, Outcome(named, results), CONFIG))
    return prefixed


@dataclass(frozen=True, eq=False)
class Group:
    """Parts in which each seed starts from the same weights, so that they may be paired."""

    names: tuple[str, ...]  # of the parts
    # of all their variants; None unless at least two of them reached their budget
    pairing: Pairing | None
    difference: str  # why they may not be paired with the first group; empty for that itself


def group_parts(parts: Sequence[Part]) -> tuple[Group, ...]:
    """Put parts that may be paired by seed into one group; the first part is in the first."""
    groups: list[list[Part]] = []
    for part in parts:
        alike = (g for g in groups if not find_difference(g[0].experiment, part.experiment))
        if group := next(alike, None):
            group.append(part)
        else:
            groups.append([part])
    return tuple(
        Group(
            names=tuple(part.name for part in group),
            pairing=pair_outcomes(*(part.outcome for part in group)),
            difference=find_difference(parts[0].experiment, group[0].experiment),
        )
        for group in groups
    )


def find_difference(first: Experiment, second: Experiment) -> str:
    """Say what keeps two experiments from being paired by seed; empty if nothing does."""
    if first.seeds != second.seeds:
        return "other seeds"
    weights = first.starting_weights(), second.starting_weights()
    if len(weights[0]) != len(weights[1]) or not all(map(np.array_equal, *weights)):
        return "other initial weights"
    rows = [(*task.rows, *(task.held_out or ())) for task in (first.task, second.task)]
    if len(rows[0]) != len(rows[1]) or not all(map(np.array_equal, *rows)):
        return "another task"
    measure = first.chosen_measure
    if measure != second.chosen_measure:
        return "another measure"
    return "another loss" if measure.name == LOSS and loss_kind(first) != loss_kind(second) else ""
