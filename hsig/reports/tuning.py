"""A tuned comparison: what was chosen, how sharply, and what that changes of the claims."""

from collections.abc import Mapping
from operator import attrgetter
from typing import Any

from hsig.analysis.summary import Solved, count_solved
from hsig.analysis.tuning import (
    APPEARS,
    LOWER,
    NONE,
    SAME,
    TURNS,
    UPPER,
    VANISHES,
    Choice,
    TriedRate,
    Tuning,
)
from hsig.experiments.experiment import Experiment, Result
from hsig.experiments.measures import LOSS, RIGHT, SOLVED
from hsig.reports.documents import pairing_document, solved_or_null
from hsig.reports.page import Column, Rows, short
from hsig.reports.phrases import named_seeds

_RULES = {
    SOLVED: (
        "the most of them solved; of equals the lower median epochs to solve, then the lower "
        "median loss, then the smaller value"
    ),
    RIGHT: (
        "the most rows right in the median; of equals the lower median loss, then the smaller value"
    ),
    LOSS: "the lowest median loss; of equals the smaller value",
}


def describe_rule(experiment: Experiment) -> str:
    """By which rule a learning rate is chosen."""
    held_out = experiment.task.held_out is not None
    unseen = "; held-out rows have no part in it" if held_out else ""
    return f"{_RULES[experiment.chosen_measure.name]}{unseen}"


def describe_choice(experiment: Experiment) -> str:
    """From what the learning rates were chosen, on which seeds, and by which rule."""
    tried = experiment.tune
    return (
        f"chosen from {len(tried)} learning rates, {short(tried[0])} to {short(tried[-1])}, each "
        f"with the same budget on {named_seeds(experiment.tuning_seeds)} alone: "
        f"{describe_rule(experiment)}"
    )


def tuning_title(experiment: Experiment) -> str:
    """The title of the table of a tuning."""
    seeds, name = named_seeds(experiment.tuning_seeds), experiment.chosen_measure.name
    test, shown = "exact sign test", f"{name}, from 0 to the largest"
    if name == SOLVED:
        test, shown = "exact McNemar", "solved, from none to all"
    return (
        f"tuning, on {seeds} (not told apart: from the chosen one, {test}, Holm over all pairs of "
        f"values; by value: {shown})"
    )


def changes_title(experiment: Experiment, tuned: Tuning) -> str:
    """The title of the table with one learning rate for all; nothing if there is no such table."""
    if tuned.shared is None or tuned.shared.pairing is None or not tuned.changes:
        return ""
    is_solved = tuned.shared.pairing.measure.name == SOLVED
    return (
        f"the same seeds {_with_one_rate(experiment)}, against {tuned.shared.pairing.baseline} "
        "(claim: here, and with each at its own learning rate; p: exact "
        f"{'McNemar' if is_solved else 'sign test'}, Holm)"
    )


def _with_one_rate(experiment: Experiment) -> str:
    return f"with all at learning rate {short(experiment.learning_rate)}"


def tuning_notes(experiment: Experiment, tuned: Tuning) -> list[str]:
    """What tuning changes of the claims, and which choices are not to be trusted."""
    notes = _describe_changes(experiment, tuned)
    for edge in (LOWER, UPPER):
        at_edge = [choice for choice in tuned.choices.values() if choice.edge == edge]
        if at_edge:
            labels = ", ".join(choice.label for choice in at_edge)
            notes.append(
                f"at the {edge} end of the learning rates tried, {short(at_edge[0].value)}, where "
                f"a wider range may have a better one: {labels}"
            )
    unsolved = [c.label for c in tuned.choices.values() if not c.chosen.solved.k]
    if unsolved and experiment.chosen_measure.name == SOLVED:
        notes.append(
            "solved no tuning seed at any learning rate tried, so the one with the least loss was "
            f"taken: {', '.join(unsolved)}"
        )
    return notes


def _describe_changes(experiment: Experiment, tuned: Tuning) -> list[str]:
    one = _with_one_rate(experiment)
    if tuned.pairing is None and any(choice.alternatives for choice in tuned.choices.values()):
        return ["nothing is claimed: the learning rates not told apart were not all trained"]
    if tuned.shared is None:
        return [f"the comparison {one} was not trained to its end"]
    sentences = {
        SAME: f"the same claim {one}",
        APPEARS: f"claimed with each at its own learning rate, not {one}",
        VANISHES: f"claimed {one}, not with each at its own",
        TURNS: f"claimed the other way round {one}",
        NONE: f"no claim {one} either",
    }
    labels = {
        kind: [label for label, change in tuned.changes.items() if change.kind == kind]
        for kind in sentences
    }
    return [
        f"{sentence}: {', '.join(labels[kind])}"
        for kind, sentence in sentences.items()
        if labels[kind]
    ]


def own_rates(tuned: Tuning | None) -> dict[str, float]:
    """By label, the learning rates that were chosen."""
    choices = {} if tuned is None else tuned.choices
    return {label: choice.value for label, choice in choices.items()}


def describe_rate(label: str, tuned: Tuning | None) -> str:
    """The learning rate of a variant, for the end of a line about it."""
    own = own_rates(tuned).get(label)
    return "" if own is None else f", at learning rate {short(own)}"


def tuning_document(experiment: Experiment, tuned: Tuning | None) -> dict[str, Any]:
    """What the JSON of a tuned comparison has beside the outcome."""
    if tuned is None:
        return {}
    shared = tuned.shared
    return {
        "tuning": {
            "key": "learning_rate",
            "values": list(experiment.tune),
            "seeds": list(experiment.tuning_seeds),
            "rule": describe_rule(experiment),
            "variants": [
                {
                    "label": label,
                    "learning_rate": choice.value,
                    "edge": choice.edge or None,
                    "tried": _tried_rows(choice, tuned.alternatives[label]).records(),
                }
                for label, choice in tuned.choices.items()
            ],
        },
        "one_learning_rate": shared
        and {
            "learning_rate": experiment.learning_rate,
            "pairing": pairing_document(shared.pairing),
            "variants": [
                {"label": variant.label, "solved": solved_or_null(variant.solved)}
                for variant in shared.variants
            ],
        },
        "changes": [
            {
                "label": label,
                "change": change.kind,
                "own_claim": change.own.claim or None,
                "shared_claim": change.shared.claim or None,
            }
            for label, change in tuned.changes.items()
        ],
    }


def _tried_rows(choice: Choice, alternatives: Mapping[float, Result]) -> Rows[TriedRate]:
    """A row for each learning rate that was tried."""

    def reported_solved(tried: TriedRate) -> Solved | None:
        return (
            count_solved(alternatives[tried.value].solved) if tried.value in alternatives else None
        )

    names = {name: name for name in ("solved", "loss", "score", "p", "told_apart")}
    names |= {"only_this": "better", "only_chosen": "worse"}
    columns: list[Column[TriedRate]] = [
        Column("learning_rate", "", attrgetter("value")),
        Column("median_epochs_to_solve", "", attrgetter("epochs_to_solve")),
        *(Column(name, "", attrgetter(of)) for name, of in names.items()),
        Column("reported_solved", "", reported_solved),
    ]
    return Rows(columns, choice.tried)
