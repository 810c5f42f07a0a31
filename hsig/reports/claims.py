"""What can be claimed of a comparison at its number of seeds, and what a claim would take."""

from collections.abc import Mapping, Sequence

from hsig.analysis.pairing import LEVEL, Paired, Pairing
from hsig.analysis.power import SEEDS_MOST, seeds_needed
from hsig.analysis.statistics import CLAIM_SEEDS, EXPLORE_SEEDS
from hsig.analysis.summary import VariantSummary
from hsig.experiments.experiment import Experiment
from hsig.reports.numbers import count, percent

_POWER = 0.8  # that is asked for where nothing can be claimed


def claims(
    experiment: Experiment, variants: Sequence[VariantSummary], pairing: Pairing | None
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
    rates = {variant.label: variant.solved.rate for variant in variants if not variant.failure}
    comparisons = len(pairing.against)
    claimed: dict[str, list[str]] = {"more": [], "less": []}
    open_: list[str] = []
    for label, found in pairing.against.items():
        if found.claimed:
            claimed["more" if found.difference > 0.0 else "less"].append(label)
        else:
            needed = _needed(found, rates[label], rates[baseline], LEVEL / comparisons)
            open_.append(f"{label} ({needed})")
    notes = []
    if experiment.baseline not in ("", baseline):
        notes.append(f"the baseline {experiment.baseline} has no result: compared with {baseline}")
    notes += [
        f"solved {word} often than {baseline}, at this setting "
        f"({family(comparisons, named=len(labels))}): {', '.join(labels)}"
        for word, labels in claimed.items()
        if labels
    ]
    if open_:
        notes.append(
            f"no difference from {baseline} can be claimed "
            f"({family(comparisons, named=len(open_))}) for {', '.join(open_)}"
        )
    if any(not found.claimed and found.difference for found in pairing.against.values()):
        level = f"{LEVEL:g}" if comparisons == 1 else f"{LEVEL:g}/{comparisons}, Holm's first level"
        notes.append(
            f"power: of the exact McNemar test at {level}, were the rates and the share of "
            "discordant pairs those seen"
        )
    if seeds < CLAIM_SEEDS:
        use = "explore" if seeds >= EXPLORE_SEEDS else "see that it runs"
        notes.append(
            f"{count(seeds, 'seed')}: enough to {use}; report a claim on {CLAIM_SEEDS} or more"
        )
    return notes


def family(comparisons: int, *, named: int = 1) -> str:
    """Of how many comparisons a claim is one, and what was done about that.

    Args:
        comparisons: That were made and are corrected together.
        named: How many of them are claimed in the same breath.
    """
    if comparisons == 1:
        return "a single comparison, not corrected"
    return f"{'each ' if named > 1 else ''}one of {comparisons} comparisons, Holm"


def interval_alone(whose: Mapping[str, Paired], comparisons: int) -> list[str]:
    """Whose interval excludes 0 in a table where the test claims nothing.

    The interval is approximate, and of one comparison by itself; the test is exact, and corrected
    where there are several.

    Args:
        whose: Those in the table, by what they are called there.
        comparisons: That are corrected together.
    """
    found = [name for name, paired in whose.items() if paired.interval_alone]
    if not found:
        return []
    several = len(found) > 1
    test = "the exact test" + (f" after Holm over {comparisons}" if comparisons > 1 else "")
    return [
        f"the interval{'s' * several} of {', '.join(found)} exclude{'s' * (not several)} 0, but "
        f"{test} does not: nothing is claimed"
    ]


def _needed(found: Paired, rate: float, base: float, alpha: float) -> str:
    """How many seeds it would take to claim the difference that was seen, at Holm's first level."""
    if found.difference == 0.0:
        return "none was seen"
    discordant = (found.only_this + found.only_baseline) / found.pairs
    needed = seeds_needed(rate, base, discordant=discordant, power=_POWER, alpha=alpha)
    if needed is None:
        takes = f"it takes more than {SEEDS_MOST} seeds to have {percent(_POWER)} power for it"
    else:
        takes = f"{count(needed, 'seed')} have {percent(_POWER)} power for it"
    return f"{found.difference:+.3f} was seen; {takes}"
