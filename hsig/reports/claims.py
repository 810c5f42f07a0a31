"""What can be claimed of a comparison at its number of seeds, and what a claim would take."""

from collections.abc import Mapping, Sequence

from hsig.analysis.pairing import LEVEL, Paired, Pairing
from hsig.analysis.power import SEEDS_MOST, seeds_needed
from hsig.analysis.statistics import CLAIM_SEEDS, EXPLORE_SEEDS
from hsig.analysis.summary import VariantSummary
from hsig.experiments.experiment import Experiment
from hsig.reports.numbers import count, percent

_POWER = 0.8  # that is asked for where nothing can be claimed
_NAMED_MOST, _SIZED_MOST = 6, 3  # variants in a line of the answer, and with their differences


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
    baseline = pairing.baseline
    rates = {variant.label: variant.solved.rate for variant in variants if not variant.failure}
    comparisons = len(pairing.against)
    setting = "each at its own learning rate" if tuned else "at this setting"
    claimed: dict[str, list[str]] = {"more": [], "less": []}
    open_: list[str] = []
    for label, found in pairing.against.items():
        if found.claim:
            claimed[found.claim].append(label)
        else:
            needed = _needed(found, rates[label], rates[baseline], LEVEL / comparisons)
            told = needed.partition(";")[0] if tuned else needed  # the power is of a plain test
            open_.append(f"{label} ({told})")
    notes = []
    if experiment.baseline not in ("", baseline):
        notes.append(f"the baseline {experiment.baseline} has no result: compared with {baseline}")
    notes += [
        f"solved {word} often than {baseline}, {setting} "
        f"({family(comparisons, named=len(labels))}): {', '.join(labels)}"
        for word, labels in claimed.items()
        if labels
    ]
    if open_:
        notes.append(
            f"no difference from {baseline} can be claimed "
            f"({family(comparisons, named=len(open_))}) for {', '.join(open_)}"
        )
    seen = any(not found.claim and found.difference for found in pairing.against.values())
    if seen and not tuned:
        level = f"{LEVEL:g}" if comparisons == 1 else f"{LEVEL:g}/{comparisons}, Holm's first level"
        notes.append(
            f"power: of the exact McNemar test at {level}, were the rates and the share of "
            "discordant pairs those seen"
        )
    return notes


def answer(
    experiment: Experiment,
    variants: Sequence[VariantSummary],
    pairing: Pairing | None,
    *,
    tuned: bool = False,
) -> list[str]:
    """The result in a few lines: which is best, and what can be said against the baseline.

    Args:
        experiment: Whose seeds and baseline they are.
        variants: The best first.
        pairing: Of them, if there is one.
        tuned: Whether each is at its own learning rate.
    """
    trained = [variant for variant in variants if not variant.failure]
    if not trained:
        return []
    most = trained[0].solved
    first = [variant.label for variant in trained if variant.solved.k == most.k]
    low, high = percent(most.low), percent(most.high)
    if not most.k:
        return ["no seed was solved by any variant"]
    told = [f"most seeds solved: {_some(first)}, {most.k} of {most.n} ({low} to {high})"]
    if pairing is None:
        return told
    if len(pairing.ranks) > 2:
        top = [v.label for v in trained if pairing.ranks.get(v.label) == 1]
        told.append(
            "none is solved significantly more often than: "
            f"{_some(top)} (exact McNemar, Holm over all pairs)"
        )
    comparisons = len(pairing.against)
    groups = {
        word: [
            v.label
            for v in trained
            if v.label in pairing.against and pairing.against[v.label].claim == claim
        ]
        for word, claim in (("more", "more"), ("less", "less"), ("cannot be told apart", ""))
    }
    parts = [
        f"{word}: {_some(labels, pairing.against if word in ('more', 'less') else {})}"
        for word, labels in groups.items()
        if labels
    ]
    own = ", each at its own learning rate" if tuned else ""
    test = f"exact McNemar, {family(comparisons, named=comparisons)}"
    told.append(f"solved against {pairing.baseline}{own} ({test}): {'; '.join(parts)}")
    return [*told, *few_seeds(experiment)]


def few_seeds(experiment: Experiment) -> tuple[str, ...]:
    """What its seeds are enough for, if they are not for a claim."""
    seeds = len(experiment.seeds)
    if seeds >= CLAIM_SEEDS:
        return ()
    use = "explore" if seeds >= EXPLORE_SEEDS else "see that it runs"
    return (f"{count(seeds, 'seed')}: enough to {use}; report a claim on {CLAIM_SEEDS} or more",)


def _some(labels: Sequence[str], against: Mapping[str, Paired] | None = None) -> str:
    """The first of them, with the difference that was seen if there are only a few."""
    shown = []
    for label in labels[:_NAMED_MOST]:
        found = (against or {}).get(label)
        size = (
            f" ({found.difference:+.2f}, {found.low:+.2f} to {found.high:+.2f})"
            if found is not None and len(labels) <= _SIZED_MOST
            else ""
        )
        shown.append(f"{label}{size}")
    more = f" and {len(labels) - _NAMED_MOST} more" if len(labels) > _NAMED_MOST else ""
    return f"{', '.join(shown)}{more}"


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
