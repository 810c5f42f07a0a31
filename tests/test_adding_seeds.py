from dataclasses import replace

import numpy as np
import pytest

from hsig.analysis.power import first_block, join_seeds, next_block, next_seed_count
from hsig.analysis.statistics import wilson_interval
from hsig.analysis.summary import summarise
from hsig.config.loading import load_experiment
from hsig.experiments.experiment import Training
from hsig.experiments.training import gather, run
from hsig.reports.documents import document


def experiment(**flags):
    small = {"activations": "tanh,ultra_fast,hard", "epochs": "60", "report_every": "20"}
    return load_experiment(flags=small | flags)


def trained(chosen):
    return gather(chosen, run(chosen))


def test_blocks_joined_are_the_fixed_run_of_that_size():
    first, rest = experiment(seeds="5"), experiment(seeds="5,6,7,8")
    whole = trained(experiment(seeds="9"))
    joined = join_seeds(trained(first), trained(rest))
    assert joined.experiment.seeds == whole.experiment.seeds
    assert document(joined, summarise(joined)) == document(whole, summarise(whole))
    np.testing.assert_array_equal(joined.results[0].weights.hidden, whole.results[0].weights.hidden)


def test_seeds_are_added_until_every_interval_is_narrow_enough():
    looks, n, rate = [], 100, 0.5
    while (more := next_seed_count(n, [0, round(rate * n)], 0.02, 5000)) > n:
        looks.append(n)
        n = more
    assert looks == [100, 200, 300, 500, 800, 1200, 1800]
    low, high = wilson_interval(n // 2, n)
    assert (n, (high - low) / 2 <= 0.02) == (2700, True)


@pytest.mark.parametrize(("solved", "after"), [(0, 100), (50, 200), (100, 100), (1, 100)])
def test_the_widest_interval_decides(solved, after):
    assert next_seed_count(100, [0, solved], 0.03, 5000) == after


def test_there_are_at_least_100_and_at_most_as_many_as_allowed():
    assert len(first_block(experiment(seeds="30", until="0.1")).seeds) == 100
    assert len(first_block(experiment(seeds="130", until="0.1")).seeds) == 130
    assert len(first_block(experiment(until="0.1", max_seeds="40")).seeds) == 40
    assert next_seed_count(100, [50], 0.001, 120) == 120
    assert next_seed_count(120, [60], 0.001, 120) == 120


def test_a_variant_that_fails_in_a_later_block_has_failed():
    outcome = trained(experiment(seeds="3"))
    later = trained(experiment(seeds="3,4"))
    failed = Training.failed(later.results[0].variant, "broken")
    later = replace(later, results=(failed, *later.results[1:]))
    assert join_seeds(outcome, later).results[0] is failed


def test_the_next_block_follows_on():
    chosen = experiment(seeds="100", until="0.05", max_seeds="150", epochs="200")
    outcome = trained(chosen)
    more = next_block(outcome)
    assert more.seeds == tuple(range(100, 150))
    assert next_block(join_seeds(outcome, trained(more))) is None
