"""How often the intervals hold the truth: 10 000 simulated studies for each rate.

`python benchmarks/intervals.py` prints, for fixed numbers of seeds, the coverage of the Wilson
interval, of Newcombe's paired difference and of the median's order statistics; and for `until`, the
coverage after stopping at a half-width. Everything is drawn from a fixed seed.
"""

import argparse

import numpy as np

from hsig.analysis.power import FIRST_SEEDS, next_seed_count
from hsig.analysis.statistics import order_quantile, paired_difference_interval, wilson_interval

RATES = (0.01, 0.03, 0.1, 0.3, 0.5, 0.7, 0.9, 0.97, 0.99)
FIXED_RATES = (0.03, 0.5, 0.97)
SEEDS = (30, 100)
HALF_WIDTH, SEEDS_MOST = 0.02, 5000


def wilson(random: np.random.Generator, n: int, rate: float, studies: int) -> float:
    """Share of studies whose interval holds the rate."""
    intervals = [wilson_interval(k, n) for k in range(n + 1)]
    counts = random.binomial(n, rate, studies)
    return float(np.mean([intervals[k][0] <= rate <= intervals[k][1] for k in counts]))


def paired(random: np.random.Generator, n: int, rate: float, studies: int) -> float:
    """The same for the difference from 0.5 when half of the pairs share their luck."""
    other, held = 0.5, 0
    for _ in range(studies):
        luck, own = random.random(n), random.random(n)
        first = luck < rate
        second = np.where(random.random(n) < 0.5, luck, own) < other
        table = (
            int((first & second).sum()),
            int((first & ~second).sum()),
            int((~first & second).sum()),
            int((~first & ~second).sum()),
        )
        low, high = paired_difference_interval(*table)
        held += low <= rate - other <= high
    return held / studies


def median(random: np.random.Generator, n: int, rate: float, studies: int) -> float:
    """The same for the median of epochs to solve, of which a share `rate` is reached."""
    truth = float(np.log1p(-0.5 / rate) * -1.0) if rate > 0.5 else np.inf
    held = 0
    for _ in range(studies):
        epochs = np.where(random.random(n) < rate, random.exponential(size=n), np.inf)
        _, low, high = order_quantile(epochs.tolist())
        held += low <= truth <= high
    return held / studies


def until(random: np.random.Generator, rate: float, studies: int) -> tuple[float, float]:
    """Coverage after stopping, and the mean number of seeds."""
    held, total = 0, 0
    for _ in range(studies):
        n, k = FIRST_SEEDS, int(random.binomial(FIRST_SEEDS, rate))
        while (more := next_seed_count(n, [k], HALF_WIDTH, SEEDS_MOST)) > n:
            k += int(random.binomial(more - n, rate))
            n = more
        low, high = wilson_interval(k, n)
        held += low <= rate <= high
        total += n
    return held / studies, total / studies


def main() -> None:
    """Print the coverages."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=10_000)
    studies = parser.parse_args().studies
    random = np.random.Generator(np.random.PCG64(2026))
    print("fixed seeds: rate, wilson, paired difference from 0.5, median epochs")
    for n in SEEDS:
        for rate in FIXED_RATES:
            found = [of(random, n, rate, studies) for of in (wilson, paired, median)]
            print(f"  n = {n:3d}  {rate:.2f}  " + "  ".join(f"{share:.4f}" for share in found))
    print(f"until +-{HALF_WIDTH}: rate, coverage, mean seeds")
    for rate in RATES:
        coverage, seeds = until(random, rate, studies)
        print(f"  {rate:.2f}  {coverage:.4f}  {seeds:.0f}")


if __name__ == "__main__":
    main()
