"""How many seeds a claim needs, in cells: for two solved rates, paired and unpaired."""

from collections.abc import Sequence

from hsig.analysis.statistics import seeds_to_tell_apart, smallest_difference
from hsig.reports.page import Table, percent, short

POWERS = (0.5, 0.8, 0.9, 0.95)
SEEDS = (30, 100, 300, 1000, 3000, 10_000)
COLUMNS = ("power", "unpaired, each", "paired")


def default_discordant(first: float, second: float) -> float:
    """The share of discordant pairs if the two were solved independently: paired at its worst.

    Seeds that are hard for one activation are often hard for the other, which makes it less.
    """
    return first * (1.0 - second) + second * (1.0 - first)


def needed(first: float, second: float, discordant: float) -> Table:
    """The seeds that tell two rates apart, at several powers."""
    rows = tuple(
        (
            percent(power),
            str(seeds_to_tell_apart(first, second, power=power)),
            str(seeds_to_tell_apart(first, second, discordant=discordant, power=power)),
        )
        for power in POWERS
    )
    title = (
        f"seeds to tell solved rates {short(first)} and {short(second)} apart, two-sided at 5 % "
        f"(paired: {percent(discordant)} of the pairs discordant)"
    )
    return Table(title, COLUMNS, rows)


def detectable(rate: float, discordant: float, seeds: Sequence[int] = SEEDS) -> Table:
    """The smallest difference that numbers of seeds tell from a rate, at a power of 80 %."""
    rows = tuple(
        (
            str(n),
            _difference(smallest_difference(n, rate)),
            _difference(smallest_difference(n, rate, discordant=discordant)),
        )
        for n in seeds
    )
    title = f"smallest difference from a solved rate of {short(rate)}, at a power of 80 %"
    return Table(title, ("seeds", "unpaired, each", "paired"), rows)


def _difference(found: float | None) -> str:
    return "none" if found is None else f"{found:.3f}"
