"""How often a tuned comparison tells equal activations apart, with trained networks.

`python benchmarks/tuning.py` trains one activation at several learning rates from many seeds, and
draws studies from these: two variants that are the same activation, each with tuning seeds and
reported seeds of its own. It prints the share of studies that claim a difference: with the rule of
`hsig compare --tune`; without the alternatives that a claim must hold against; and with a choice on
the reported seeds. Everything is drawn from a fixed seed.
"""

import argparse
from dataclasses import replace

import numpy as np

from hsig.analysis.pairing import pair
from hsig.analysis.tuning import choose_rate, tuning_experiments
from hsig.config.loading import load_experiment
from hsig.experiments.experiment import Experiment
from hsig.experiments.measures import LOSS, SOLVED, Measure
from hsig.experiments.parallel import local_pool, run_jobs
from hsig.experiments.sweeps import CellResult

ACTIVATIONS = ("sigmoid", "hard", "tanh")
SIZES = ((30, 30), (30, 100), (100, 100))  # tuning seeds, reported seeds


def trained(activation: str, rates: str, seeds: int) -> dict[float, CellResult]:
    """What became of many seeds of an activation, by learning rate."""
    flags = {"activations": f"{activation},elu", "loss": "squared", "tune": rates, "seeds": "1"}
    experiment = load_experiment(flags={**flags, "tune_seeds": str(seeds)})
    experiments = [_first_variant(tried) for tried in tuning_experiments(experiment)]
    made: dict[float, CellResult] = {}
    for number, result in run_jobs(enumerate(experiments), local_pool(experiments)):
        assert isinstance(result, CellResult)
        made[experiments[number].learning_rate] = result
    return {rate: made[rate] for rate in sorted(made)}


def _first_variant(experiment: Experiment) -> Experiment:
    return replace(experiment, variants=experiment.variants[:1])


def claims(
    random: np.random.Generator,
    pool: dict[float, CellResult],
    tuning: int,
    reported: int,
    measure: Measure,
) -> tuple[bool, bool, bool]:
    """Whether one study claims a difference: by the rule, without alternatives, without seeds."""
    rows = random.permutation(len(next(iter(pool.values())).seeds))[: 2 * (tuning + reported)]
    drawn = np.array(next(iter(pool.values())).seeds)[rows].reshape(2, -1)
    scores, luckiest, others = {}, {}, {}
    for label, seeds in zip(("one", "other"), drawn.tolist(), strict=True):
        on = {rate: result.select(seeds[:tuning]) for rate, result in pool.items()}
        found = {rate: result.select(seeds[tuning:]) for rate, result in pool.items()}
        choice = choose_rate(label, on, measure)
        lucky = choose_rate(label, found, measure) if label == "one" else choice
        assert choice is not None
        assert lucky is not None
        scores[label] = measure.scores(found[choice.value])
        luckiest[label] = measure.scores(found[lucky.value])
        others[label] = [measure.scores(found[rate]) for rate in choice.alternatives]
    made = (pair(scores, "other", others), pair(scores, "other"), pair(luckiest, "other"))
    one, naive, lucky_too = (bool(pairing.against["one"].claim) for pairing in made)
    return one, naive, lucky_too


def main() -> None:
    """Print the shares."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--pool", type=int, default=4000, help="seeds that are trained")
    parser.add_argument("--rates", default="learning_rate=log:0.01..10:13")
    parser.add_argument("--measure", default=SOLVED, choices=(SOLVED, LOSS))
    parser.add_argument("--activations", default=",".join(ACTIVATIONS))
    chosen = parser.parse_args()
    measure = Measure(chosen.measure)
    random = np.random.Generator(np.random.PCG64(2026))
    print("equal activations told apart: tuning and reported seeds; by the rule, without")
    print("alternatives, one tuned on the reported seeds")
    for activation in chosen.activations.split(","):
        pool = trained(activation, chosen.rates, chosen.pool)
        for tuning, reported in SIZES:
            found = [claims(random, pool, tuning, reported, measure) for _ in range(chosen.studies)]
            shares = "  ".join(f"{share:.3f}" for share in np.mean(found, axis=0))
            print(f"  {activation:8s} {tuning:4d} {reported:4d}  {shares}")


if __name__ == "__main__":
    main()
