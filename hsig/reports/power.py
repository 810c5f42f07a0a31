"""The page of how many seeds it takes to tell two solved rates apart."""

from dataclasses import replace

from hsig.analysis.power import (
    ALPHA,
    SEEDS_MOST,
    Share,
    independent,
    least_difference,
    seeds_needed,
    smallest_difference,
)
from hsig.analysis.statistics import CLAIM_SEEDS
from hsig.reports.numbers import percent, short
from hsig.reports.page import OF_HSIG, Page, Table, lines, page_of_tables, records

_POWERS = (0.5, 0.8, 0.9, 0.95)
_SEEDS = (30, 100, 300, 1000, 3000, 10_000)
_COLUMNS = ("unpaired, each", "paired")
_TESTS = {"unpaired": "Fisher's exact test, two-sided", "paired": "exact McNemar test, two-sided"}


def power_page(first: float, second: float, discordant: float | None = None) -> Page:
    """The seeds that tell two solved rates apart, and the differences that fewer can tell.

    Args:
        first: One rate.
        second: The other.
        discordant: Share of the pairs in which exactly one is solved; by default as if the two were
            solved independently.
    """
    share: Share = independent if discordant is None else discordant
    needed = {
        power: (
            seeds_needed(first, second, power=power),
            seeds_needed(first, second, discordant=share, power=power),
        )
        for power in _POWERS
    }
    smallest = {
        seeds: (
            smallest_difference(seeds, first),
            smallest_difference(seeds, first, discordant=share),
        )
        for seeds in _SEEDS
    }
    apart = independent(first, second) if discordant is None else discordant
    alone = "as if independent" if discordant is None else ""
    shown = f"{percent(apart)} discordant"
    tables = (
        Table(
            f"seeds to tell solved rates {short(first)} and {short(second)} apart, two-sided at "
            f"{percent(ALPHA)} (unpaired: Fisher's exact test; paired: exact McNemar test, pairs "
            f"{', '.join(filter(None, (alone, shown)))})",
            ("power", *_COLUMNS),
            tuple((percent(power), *map(_seeds, found)) for power, found in needed.items()),
        ),
        Table(
            f"smallest difference from a solved rate of {short(first)}, at a power of 80 % by the "
            f"same tests (pairs {alone or shown})",
            ("seeds", *_COLUMNS),
            tuple((str(seeds), *map(_difference, found)) for seeds, found in smallest.items()),
        ),
    )
    page = page_of_tables(
        *tables,
        document={
            **OF_HSIG,
            "tables": [{"title": table.title, "rows": [*records(table)]} for table in tables],
            "rates": [first, second],
            "discordant": apart,
            "level": ALPHA,
            "tests": dict(_TESTS),
            "needed": [
                {"power": power, "unpaired": unpaired, "paired": paired}
                for power, (unpaired, paired) in needed.items()
            ],
            "smallest": [
                {"seeds": seeds, "unpaired": unpaired, "paired": paired}
                for seeds, (unpaired, paired) in smallest.items()
            ],
            "claim_seeds": CLAIM_SEEDS,
        },
    )
    least = 0.0 if discordant is None else least_difference(first, discordant)
    notes = (
        *((f"{shown}, rates differ by at least {least:.3f} from {short(first)}",) if least else ()),
        "exact power of a single comparison: from that many seeds on, no larger number has less",
        "hsig compares in pairs; of more than two variants, Holm's correction asks for more seeds",
        f"whatever the power, claims are reported on {CLAIM_SEEDS} seeds or more",
    )
    return replace(page, blocks=(*page.blocks, lines(notes)))


def _seeds(needed: int | None) -> str:
    return f"more than {SEEDS_MOST}" if needed is None else str(needed)


def _difference(found: float | None) -> str:
    return "none" if found is None else f"{found:.3f}"
