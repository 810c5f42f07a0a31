"""Several configs in one comparison: whose seeds may be paired, and whose may not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hsig.analysis.pairing import Pairing
from hsig.analysis.summary import pairing_of
from hsig.experiments.experiment import Experiment, Outcome


@dataclass(frozen=True, eq=False)
class Group:
    """Configs of which each seed starts from the same weights, and so may be paired.

    Attributes:
        names: Of the configs.
        pairing: Of all their variants; None unless at least two of them reached their budget.
        difference: Why they may not be paired with the first group; empty for that itself.
    """

    names: tuple[str, ...]
    pairing: Pairing | None
    difference: str


@dataclass(frozen=True, eq=False)
class Together:
    """What became of several configs.

    Attributes:
        experiments: As the configs have them, by name.
        outcomes: By name; the labels of their variants have the name in front.
        groups: Which of them may be paired; the first has the first config.
    """

    experiments: Mapping[str, Experiment]
    outcomes: Mapping[str, Outcome]
    groups: tuple[Group, ...]

    @property
    def complete(self) -> bool:
        """Whether every variant reached its budget or cannot be trained."""
        return all(outcome.complete for outcome in self.outcomes.values())


def put_together(experiments: Mapping[str, Experiment], outcomes: Sequence[Outcome]) -> Together:
    """Put the outcomes of experiments that were `named` into groups that start alike."""
    by_name = dict(zip(experiments, outcomes, strict=True))
    alike: list[list[str]] = []
    for name, experiment in experiments.items():
        for names in alike:
            if not difference(experiments[names[0]], experiment):
                names.append(name)
                break
        else:
            alike.append([name])
    first = experiments[alike[0][0]]
    groups = tuple(
        Group(
            names=tuple(names),
            pairing=pairing_of(*(by_name[name] for name in names)),
            difference=difference(first, experiments[names[0]]),
        )
        for names in alike
    )
    return Together(experiments, by_name, groups)


def difference(first: Experiment, second: Experiment) -> str:
    """What keeps two experiments from being paired by seed; empty if nothing does."""
    if first.seeds != second.seeds:
        return "other seeds"
    return "" if _start_alike(first, second) else "other initial weights"


def _start_alike(first: Experiment, second: Experiment) -> bool:
    """Whether each seed starts from the same weights: given, or drawn in the same way."""
    ours, theirs = first.initial_weights, second.initial_weights
    if ours is not None or theirs is not None:
        pairs = zip(first.starting_weights(), second.starting_weights(), strict=True)
        return all(np.array_equal(one, other) for one, other in pairs)
    return all(
        (e.task.inputs.shape[1], e.hidden, e.init)
        == (first.task.inputs.shape[1], first.hidden, first.init)
        for e in (first, second)
    )
