"""What can be claimed of a comparison at its number of seeds, in words, and what cannot."""

from collections.abc import Sequence

from hsig.analysis.pairing import LEVEL, Paired, Pairing
from hsig.analysis.statistics import CLAIM_SEEDS, EXPLORE_SEEDS, seeds_to_tell_apart
from hsig.analysis.summary import VariantSummary
from hsig.experiments.experiment import Experiment, Failure
from hsig.reports.page import count


def claims(
    experiment: Experiment, variants: Sequence[VariantSummary | Failure], pairing: Pairing | None
) -> list[str]:
    """What can be claimed at this number of seeds, what cannot, and what that would take.

    Args:
        experiment: Whose seeds and baseline they are.
        variants: At least those that are paired.
        pairing: Of them, if there is one.
    """
    if pairing is None:
        return []
    seeds, baseline = len(experiment.seeds), pairing.baseline
    rates = {
        variant.label: variant.solved.rate
        for variant in variants
        if isinstance(variant, VariantSummary)
    }
    claimed: dict[str, list[str]] = {"more": [], "less": []}
    open_: list[str] = []
    for label, found in pairing.against.items():
        if found.p <= LEVEL:
            claimed["more" if found.difference > 0.0 else "less"].append(label)
        else:
            alpha = LEVEL / len(pairing.against)
            needed = _needed(found, rates[label], rates[baseline], seeds, alpha)
            open_.append(f"{label} ({needed})")
    notes = []
    if experiment.baseline not in ("", baseline):
        notes.append(f"the baseline {experiment.baseline} has no result: compared with {baseline}")
    notes += [
        f"solved {word} often than {baseline}, at this setting: {', '.join(labels)}"
        for word, labels in claimed.items()
        if labels
    ]
    if open_:
        notes.append(f"no difference from {baseline} can be claimed for {', '.join(open_)}")
    if seeds < CLAIM_SEEDS:
        use = "explore" if seeds >= EXPLORE_SEEDS else "see that it runs"
        notes.append(
            f"{count(seeds, 'seed')}: enough to {use}; report a claim on {CLAIM_SEEDS} or more"
        )
    return notes


def _needed(found: Paired, rate: float, base: float, seeds: int, alpha: float) -> str:
    """What it would take to claim the difference that was seen, at Holm's first level."""
    if found.difference == 0.0:
        return "none was seen"
    discordant = (found.only_this + found.only_baseline) / seeds
    needed = seeds_to_tell_apart(rate, base, discordant=discordant, alpha=alpha)
    needed = max(needed, CLAIM_SEEDS, seeds + 1)
    return f"{found.difference:+.3f} was seen; 80 % power for that takes about {needed} seeds"
