"""What can be claimed of a comparison at its number of seeds, and how many seeds a claim needs."""

from collections.abc import Sequence

from hsig.analysis.pairing import LEVEL, Paired, Pairing
from hsig.analysis.statistics import (
    CLAIM_SEEDS,
    EXPLORE_SEEDS,
    seeds_to_tell_apart,
    smallest_difference,
)
from hsig.analysis.summary import VariantSummary
from hsig.experiments.experiment import Experiment
from hsig.reports.numbers import count, percent, short
from hsig.reports.page import Page, Table, page_of_tables


def claims(
    experiment: Experiment,
    variants: Sequence[VariantSummary],
    pairing: Pairing | None,
    *,
    tuned: bool = False,
) -> list[str]:
    """What can be claimed at this number of seeds, what cannot, and what that would take.

    Args:
        experiment: Whose seeds and baseline they are.
        variants: At least those that are paired.
        pairing: Of them, if there is one.
        tuned: Whether it is one of variants at their own learning rates, with all alternatives.
    """
    if pairing is None:
        return []
    seeds, baseline = len(experiment.seeds), pairing.baseline
    rates = {variant.label: variant.solved.rate for variant in variants if not variant.failure}
    setting = "each at its own learning rate" if tuned else "at this setting"
    claimed: dict[str, list[str]] = {"more": [], "less": []}
    open_: list[str] = []
    for label, found in pairing.against.items():
        if found.claim:
            claimed[found.claim].append(label)
        else:
            alpha = LEVEL / len(pairing.against)
            needed = _needed(found, rates[label], rates[baseline], seeds, alpha)
            seen = needed.partition(";")[0] if tuned else needed  # the power is of a plain test
            open_.append(f"{label} ({seen})")
    notes = []
    if experiment.baseline not in ("", baseline):
        notes.append(f"the baseline {experiment.baseline} has no result: compared with {baseline}")
    notes += [
        f"solved {word} often than {baseline}, {setting}: {', '.join(labels)}"
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


# --- how many seeds a claim needs, for two solved rates ----------------------------------------

_POWERS = (0.5, 0.8, 0.9, 0.95)
_SEEDS = (30, 100, 300, 1000, 3000, 10_000)


def power_page(first: float, second: float, discordant: float | None = None) -> Page:
    """The seeds that tell two solved rates apart, and the differences that fewer can tell.

    Args:
        first: One rate.
        second: The other.
        discordant: Share of the pairs in which exactly one is solved; by default as if the two were
            solved independently, which is paired at its worst: seeds that are hard for one
            activation are often hard for the other.
    """
    if discordant is None:
        discordant = first * (1.0 - second) + second * (1.0 - first)
    needed = tuple(
        (
            percent(power),
            str(seeds_to_tell_apart(first, second, power=power)),
            str(seeds_to_tell_apart(first, second, discordant=discordant, power=power)),
        )
        for power in _POWERS
    )
    detectable = tuple(
        (
            str(n),
            _difference(smallest_difference(n, first)),
            _difference(smallest_difference(n, first, discordant=discordant)),
        )
        for n in _SEEDS
    )
    columns = ("unpaired, each", "paired")
    return page_of_tables(
        Table(
            f"seeds to tell solved rates {short(first)} and {short(second)} apart, two-sided at "
            f"5 % (paired: {percent(discordant)} of the pairs discordant)",
            ("power", *columns),
            needed,
        ),
        Table(
            f"smallest difference from a solved rate of {short(first)}, at a power of 80 %",
            ("seeds", *columns),
            detectable,
        ),
    )


def _difference(found: float | None) -> str:
    return "none" if found is None else f"{found:.3f}"
