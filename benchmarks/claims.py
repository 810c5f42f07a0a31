"""How often claims by pairs of seeds are false, and how often their intervals hold the truth.

`python benchmarks/claims.py` draws studies of a baseline and three variants whose seeds have luck
in common, in three kinds: scores of which no two are the same, shares of twenty rows right, of
which many are, and scores of seeds that often diverge. It prints, for each number of seeds:

- equal variants: the share of studies with any claim, which is to be 5 % at most;
- variants that differ: the share of comparisons whose interval of the median difference misses it,
  5 % at most; whose interval of the share that is better misses that, at its level after Holm, 5 %
  at most; and of studies in which any of these does, which Holm's levels do not promise to hold;
- the share of comparisons in which the sign test and its interval agree, which is to be 1.

Everything is drawn from a fixed seed.
"""

import argparse
from collections.abc import Callable

import numpy as np

from hsig.analysis.pairing import Pairing, pair
from hsig.arrays import Array
from hsig.experiments.measures import Measure

SEEDS = (10, 30, 100)
SHIFTS = (0.0, 0.3, 0.6, 1.0)  # of the baseline and the variants, where they differ
RIGHT = Measure("right")
ROWS = 20
TRUTH = 1_000_000  # seeds by which the true median and share are known


def continuous(random: np.random.Generator, shift: float, luck: Array) -> Array:
    """Scores of which no two are the same."""
    return luck + shift + random.normal(size=len(luck))


def tied(random: np.random.Generator, shift: float, luck: Array) -> Array:
    """Shares of a few rows."""
    chance = 1.0 / (1.0 + np.exp(-2.0 - 0.5 * luck - 0.3 * shift))
    shares: Array = random.binomial(ROWS, chance) / ROWS
    return shares


def diverging(random: np.random.Generator, shift: float, luck: Array) -> Array:
    """Scores of seeds of which four in ten diverge, many of them with any variant."""
    scores = continuous(random, shift, luck)
    return np.where(0.7 * luck + 0.7 * random.normal(size=len(luck)) < -0.25, -np.inf, scores)


Kind = Callable[[np.random.Generator, float, Array], Array]
KINDS: tuple[Kind, ...] = (continuous, tied, diverging)


def draw(random: np.random.Generator, kind: Kind, n: int, shifts: tuple[float, ...]) -> list[Array]:
    """The scores of a baseline and of variants, with luck in common."""
    luck = random.normal(size=n)
    return [kind(random, shift, luck) for shift in shifts]


def study(random: np.random.Generator, kind: Kind, n: int, shifts: tuple[float, ...]) -> Pairing:
    """What is found in one study."""
    scores = draw(random, kind, n, shifts)
    return pair({f"{place}": each for place, each in enumerate(scores)}, "0", measure=RIGHT)


def truth(random: np.random.Generator, kind: Kind) -> dict[str, tuple[float, float]]:
    """By variant, the median difference from the baseline, and the share better of those unlike."""
    base, *others = draw(random, kind, TRUTH, SHIFTS)
    known = {}
    for place, scores in enumerate(others, 1):
        with np.errstate(invalid="ignore"):
            differences = np.where(scores == base, 0.0, scores - base)
        better = float((differences > 0.0).sum() / (differences != 0.0).sum())
        known[f"{place}"] = float(np.median(differences)), better
    return known


def main() -> None:
    """Print the shares."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=4000)
    studies = parser.parse_args().studies
    random = np.random.Generator(np.random.PCG64(2026))
    print("kind, seeds: studies of equal variants with a claim; median missed, share missed,")
    print("any share of a study missed, test and interval agree")
    for kind in KINDS:
        known = truth(random, kind)
        for n in SEEDS:
            equal = [study(random, kind, n, (0.0,) * 4) for _ in range(studies)]
            differ = [study(random, kind, n, SHIFTS) for _ in range(studies)]
            alarms = np.mean([any(p.claim for p in s.against.values()) for s in equal])
            missed = np.array(
                [
                    [
                        (
                            not paired.low <= known[label][0] <= paired.high,
                            not paired.share_low <= known[label][1] <= paired.share_high,
                        )
                        for label, paired in pairing.against.items()
                    ]
                    for pairing in differ
                ]
            )
            medians, shares = missed.mean(axis=(0, 1))
            any_share = missed[:, :, 1].any(axis=1).mean()
            agree = np.mean(
                [
                    bool(paired.claim) == (not paired.share_low < 0.5 < paired.share_high)
                    for pairing in (*equal, *differ)
                    for paired in pairing.against.values()
                ]
            )
            print(
                f"  {kind.__name__:10s} {n:3d}  {alarms:.4f}  {medians:.4f}  {shares:.4f}  "
                f"{any_share:.4f}  {agree:.4f}"
            )


if __name__ == "__main__":
    main()
