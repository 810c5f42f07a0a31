"""A tuned comparison: what was chosen, how sharply, and what that changes of the claims."""

from collections.abc import Mapping, Sequence

from hsig.analysis.summary import Summary, count_solved
from hsig.analysis.tuning import (
    APPEARS,
    LOWER,
    NONE,
    SAME,
    TURNS,
    UPPER,
    VANISHES,
    Change,
    Choice,
    TriedRate,
    Tuning,
)
from hsig.arrays import BoolArray
from hsig.config.values import Json, plain, plain_fields
from hsig.experiments.experiment import Experiment
from hsig.reports.documents import pairing_document, solved_or_null
from hsig.reports.page import Row, Table, p_value, short
from hsig.reports.phrases import named_seeds, rate_of

ABOUT_CLAIMS = (
    "each p is the largest over the learning rates that the one solved less often was not told "
    "apart at"
)
RULE = "the most of them solved; of equals the lower median epochs to solve, then the smaller value"


def how_chosen(experiment: Experiment) -> str:
    """From what the learning rates were chosen, on which seeds, and by which rule."""
    tried = experiment.tune
    return (
        f"chosen from {len(tried)} learning rates, {short(tried[0])} to {short(tried[-1])}, each "
        f"with the same budget on {named_seeds(experiment.tuning_seeds)} alone: {RULE}"
    )


def tuning_title(experiment: Experiment) -> str:
    """What the columns of a tuning are."""
    seeds = named_seeds(experiment.tuning_seeds)
    return (
        f"tuning, on {seeds} (not told apart: from the chosen one, exact McNemar, Holm over all "
        "pairs of values; by value: solved, from none to all)"
    )


def changes_table(
    experiment: Experiment, tuned: Tuning, labels: Sequence[str]
) -> tuple[Table, ...]:
    """The comparison at one learning rate for all, with its claims beside the tuned ones."""
    if tuned.shared is None or tuned.shared.pairing is None or not tuned.changes:
        return ()
    baseline = tuned.shared.pairing.baseline
    solved = {v.label: rate_of(v.solved) for v in tuned.shared.variants if not v.failure}
    rows = [
        (label, solved[label], *_change_row(tuned.changes.get(label)))
        for label in labels
        if label in solved
    ]
    return (
        Table(
            f"the same seeds {_one_rate(experiment)}, against {baseline} (claim: here, and with "
            "each at its own learning rate; p: exact McNemar, Holm)",
            ("variant", "solved", "difference", "its interval", "p", "claim", "tuned"),
            tuple(rows),
            prose=("variant",),
            splits=True,
        ),
    )


def _one_rate(experiment: Experiment) -> str:
    return f"with all at learning rate {short(experiment.learning_rate)}"


def _change_row(change: Change | None) -> tuple[str, ...]:
    if change is None:  # the baseline
        return ("",) * 5
    shared = change.shared
    return (
        f"{shared.difference:+.3f}",
        f"{shared.low:+.3f} to {shared.high:+.3f}",
        p_value(shared.p),
        shared.claim or "none",
        change.own.claim or "none",
    )


def tuning_notes(experiment: Experiment, tuned: Tuning) -> list[str]:
    """What tuning changes of the claims, and which choices are not to be trusted."""
    return [*_changes(experiment, tuned), *_edges(tuned), *_nothing_solved(tuned)]


def _changes(experiment: Experiment, tuned: Tuning) -> list[str]:
    one = _one_rate(experiment)
    if tuned.pairing is None and any(choice.alternatives for choice in tuned.choices.values()):
        return ["nothing is claimed: the learning rates not told apart were not all trained"]
    if tuned.shared is None:
        return [f"the comparison {one} was not trained to its end"]
    told = {
        SAME: f"the same claim {one}",
        APPEARS: f"claimed with each at its own learning rate, not {one}",
        VANISHES: f"claimed {one}, not with each at its own",
        TURNS: f"claimed the other way round {one}",
        NONE: f"no claim {one} either",
    }
    by_kind: dict[str, list[str]] = {}
    for label, change in tuned.changes.items():
        by_kind.setdefault(change.kind, []).append(label)
    return [
        f"{words}: {', '.join(by_kind[kind])}" for kind, words in told.items() if kind in by_kind
    ]


def _edges(tuned: Tuning) -> list[str]:
    """Which choices lie at an end of what was tried."""
    notes = []
    for edge in (LOWER, UPPER):
        there = [choice for choice in tuned.choices.values() if choice.edge == edge]
        if there:
            labels = ", ".join(choice.label for choice in there)
            notes.append(
                f"at the {edge} end of the learning rates tried, {short(there[0].value)}, where a "
                f"wider range may have a better one: {labels}"
            )
    return notes


def _nothing_solved(tuned: Tuning) -> list[str]:
    nothing = [c.label for c in tuned.choices.values() if not c.chosen.solved.k]
    if not nothing:
        return []
    return [
        f"solved no tuning seed at any learning rate tried, so the smallest was taken: "
        f"{', '.join(nothing)}"
    ]


def own_rates(tuned: Tuning | None) -> dict[str, float]:
    """By label, the learning rates that were chosen."""
    choices = {} if tuned is None else tuned.choices
    return {label: choice.value for label, choice in choices.items()}


def rate_chosen(label: str, tuned: Tuning | None) -> str:
    """What a line about a variant has behind it."""
    rate = own_rates(tuned).get(label)
    return "" if rate is None else f", at learning rate {short(rate)}"


# --- JSON and CSV -----------------------------------------------------------------------------


def tuning_document(experiment: Experiment, tuned: Tuning) -> dict[str, Json]:
    """What the JSON of a comparison has beside the outcome."""
    return {
        "tuning": {
            "key": "learning_rate",
            "values": list(experiment.tune),
            "seeds": list(experiment.tuning_seeds),
            "rule": RULE,
            "variants": [
                _choice(choice, tuned.alternatives[label])
                for label, choice in tuned.choices.items()
            ],
        },
        "one_learning_rate": _shared(experiment, tuned.shared),
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


def _choice(choice: Choice, alternatives: Mapping[float, BoolArray]) -> Json:
    return {
        "label": choice.label,
        "learning_rate": choice.value,
        "edge": choice.edge or None,
        "tried": [_tried(tried, alternatives.get(tried.value)) for tried in choice.tried],
    }


def _tried(tried: TriedRate, reported: BoolArray | None) -> Json:
    return {
        "learning_rate": tried.value,
        "solved": plain_fields(tried.solved),
        "median_epochs_to_solve": plain(tried.epochs_to_solve),
        "only_this": tried.only_this,
        "only_chosen": tried.only_chosen,
        "p": tried.p,
        "told_apart": tried.told_apart,
        "reported_solved": None if reported is None else plain_fields(count_solved(reported)),
    }


def _shared(experiment: Experiment, summary: Summary | None) -> Json:
    if summary is None:
        return None
    return {
        "learning_rate": experiment.learning_rate,
        "pairing": pairing_document(summary.pairing),
        "variants": [
            {"label": variant.label, "solved": solved_or_null(variant.solved)}
            for variant in summary.variants
        ],
    }


TUNING_COLUMNS = (
    "learning_rate",
    "tuning_solved",
    "tuning_seeds",
    "tuning_edge",
    "not_told_apart",
    "shared_solved",
)


def with_tuning(
    made: tuple[Sequence[str], Sequence[Row]], tuned: Tuning | None
) -> tuple[Sequence[str], Sequence[Row]]:
    """Columns and rows of CSV, with those of a tuning if there was one."""
    if tuned is None:
        return made
    columns, rows = made
    shared = {} if tuned.shared is None else {v.label: v.solved.k for v in tuned.shared.variants}
    more = {
        label: {
            "learning_rate": choice.value,
            "tuning_solved": choice.chosen.solved.k,
            "tuning_seeds": choice.chosen.solved.n,
            "tuning_edge": choice.edge,
            "not_told_apart": " ".join(repr(t.value) for t in choice.tried if not t.told_apart),
            "shared_solved": shared.get(label, ""),
        }
        for label, choice in tuned.choices.items()
    }
    return (*columns, *TUNING_COLUMNS), [{**row, **more.get(str(row["label"]), {})} for row in rows]
