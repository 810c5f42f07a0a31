"""Exact power against sums over all tables by scipy, and seeds that are added in blocks."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, fisher_exact, multinomial

from hsig.analysis.power import (
    MAX_SEEDS,
    first_block,
    fisher_power,
    independent_discordance,
    join_seeds,
    mcnemar_power,
    next_block,
    next_seed_count,
    seeds_needed,
    smallest_difference,
)
from hsig.analysis.statistics import sign_test, wilson_interval
from hsig.config.loading import load_experiment
from hsig.experiments.experiment import Training
from hsig.experiments.training import gather, run
from hsig.runs.record import compare_outcomes

rates = st.one_of(st.floats(0.001, 0.999), st.sampled_from([0.0, 1.0]))
levels = st.sampled_from([0.05, 0.05 / 3, 0.05 / 11, 0.01])


@given(st.integers(1, 12), rates, rates, levels)
def test_fishers_power_is_the_sum_over_all_tables_that_scipy_rejects(n, first, second, alpha):
    k = range(n + 1)
    chances = np.outer(binom.pmf(k, n, first), binom.pmf(k, n, second))
    expected = sum(
        chances[one, other]
        for one in k
        for other in k
        if fisher_exact([[one, n - one], [other, n - other]]).pvalue <= alpha
    )
    assert fisher_power(n, first, second, alpha) == pytest.approx(expected, abs=1e-12)


def test_fishers_power_for_sixty_seeds_is_scipys():
    # the ends of the windows, and totals above half, matter where there are more seeds
    rejected = {
        (one, other): fisher_exact([[one, 30 - one], [other, 30 - other]]).pvalue <= 0.05
        for one in range(31)
        for other in range(one)
    }
    k = np.arange(31)
    for first, second in ((0.9, 0.7), (0.02, 0.2), (0.55, 0.45), (1.0, 0.9)):
        chances = np.outer(binom.pmf(k, 30, first), binom.pmf(k, 30, second))
        expected = sum((chances + chances.T)[pair] for pair, is_in in rejected.items() if is_in)
        assert fisher_power(30, first, second) == pytest.approx(expected, abs=1e-12)


@given(st.integers(1, 14), st.floats(0.001, 1), st.floats(0, 1), levels)
def test_mcnemars_power_is_the_sum_over_all_tables_that_it_rejects(pairs, share, part, alpha):
    """A multinomial of pairs: only the first, only the second, alike."""
    discordant, difference = share, part * share
    only_first = (discordant + difference) / 2.0
    tables = multinomial(pairs, [only_first, discordant - only_first, 1.0 - discordant])
    expected = sum(
        tables.pmf([one, other, pairs - one - other])
        for one in range(pairs + 1)
        for other in range(pairs + 1 - one)
        if sign_test(one, other) <= alpha
    )
    found = mcnemar_power(pairs, difference, discordant, alpha)
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("first", "second", "discordant", "power", "alpha"),
    [
        (0.49, 0.40, 0.2, 0.8, 0.05),
        (0.2, 0.11, 1.0, 0.5, 0.05),  # every pair differs: the deepest teeth
        (0.5, 0.1, None, 0.95, 0.05 / 7),
        (0.97, 0.8, None, 0.9, 0.05),
        (0.03, 0.13, 0.1, 0.8, 0.05 / 11),
        (0.6, 0.3, independent_discordance, 0.8, 0.05),
    ],
)
def test_from_the_seeds_needed_on_every_number_has_the_power_and_one_less_has_not(
    first, second, discordant, power, alpha
):
    needed = seeds_needed(first, second, discordant=discordant, power=power, alpha=alpha)
    share = discordant(first, second) if callable(discordant) else discordant
    powers = [
        fisher_power(n, first, second, alpha)
        if share is None
        else mcnemar_power(n, first - second, share, alpha)
        for n in range(1, 3 * needed)
    ]
    assert powers[needed - 2] < power
    assert min(powers[needed - 1 :]) >= power


@pytest.mark.parametrize("discordant", [None, 0.3, independent_discordance])
@pytest.mark.parametrize("rate", [0.2, 0.8])
def test_the_smallest_difference_has_the_power_and_a_smaller_one_has_not(rate, discordant):
    difference = smallest_difference(300, rate, discordant=discordant)

    def power(difference):
        other = rate + difference if rate <= 0.5 else rate - difference
        if discordant is None:
            return fisher_power(300, rate, other)
        share = discordant if discordant == 0.3 else independent_discordance(rate, other)
        return mcnemar_power(300, difference, share)

    assert power(difference) >= 0.8 > power(0.99 * difference)
    assert smallest_difference(2, rate, discordant=discordant) is None


def test_a_smallest_difference_leaves_no_fewer_than_no_pairs_alike():
    # at least 0.3 of the pairs discordant, 0.03 of them solved by the one: 0.27 by the other alone
    assert smallest_difference(10_000, 0.03, discordant=0.3) == pytest.approx(0.24)
    # of two rates with 0.9 of the pairs discordant, none is above 0.9 or below 0.1
    assert smallest_difference(30, 0.5, discordant=0.9) is None
    assert smallest_difference(10_000, 0.5, discordant=0.9) <= 0.1


def test_more_seeds_than_are_looked_for_are_none():
    assert fisher_power(MAX_SEEDS, 0.5, 0.499) < 0.1
    assert seeds_needed(0.5, 0.499) is None
    assert seeds_needed(0.5, 0.499, discordant=0.5) is None


def test_impossible_rates_are_refused():
    for first, second in ((0.5, 0.5), (-0.1, 0.5), (0.5, 1.1)):
        with pytest.raises(ValueError, match="are not two different rates"):
            seeds_needed(first, second)
    with pytest.raises(ValueError, match="is not one of discordant pairs"):
        seeds_needed(0.5, 0.4, discordant=0.05)


# --- adding seeds -----------------------------------------------------------------------------


def experiment(**flags):
    small = {"activations": "tanh,ultra_fast,hard", "epochs": "60", "report_every": "20"}
    return load_experiment(flags=small | flags)


def trained(**flags):
    chosen = experiment(**flags)
    return gather(chosen, run(chosen))


def test_blocks_joined_are_the_fixed_run_of_that_size():
    joined = join_seeds(trained(seeds="4"), trained(seeds="4,5,6,7"))
    whole = trained(seeds="8")
    assert joined.experiment.seeds == whole.experiment.seeds
    assert compare_outcomes(joined, whole) == ([], [])


def test_seeds_are_added_until_every_interval_is_narrow_enough():
    looks, n = [], 100
    while (more := next_seed_count(n, [0, n // 2], 0.02, 5000)) > n:
        looks.append(n)
        n = more
    assert looks == [100, 200, 300, 500, 800, 1200, 1800]
    low, high = wilson_interval(n // 2, n)
    assert (n, (high - low) / 2 <= 0.02) == (2700, True)
    for solved, after in ((0, 100), (50, 200), (100, 100)):  # the widest interval decides
        assert next_seed_count(100, [0, solved], 0.03, 5000) == after


def test_there_are_at_least_100_and_at_most_as_many_as_allowed():
    assert len(first_block(experiment(seeds="30", until="0.1")).seeds) == 100
    assert len(first_block(experiment(seeds="130", until="0.1")).seeds) == 130
    assert len(first_block(experiment(until="0.1", max_seeds="40")).seeds) == 40
    assert next_seed_count(100, [50], 0.001, 120) == next_seed_count(120, [60], 0.001, 120) == 120


def test_a_variant_that_fails_in_a_later_block_has_failed():
    later = trained(seeds="3,4")
    failed = Training.failed(later.results[0].variant, "broken")
    later = replace(later, results=(failed, *later.results[1:]))
    assert join_seeds(trained(seeds="3"), later).results[0] is failed


def test_the_next_block_follows_on():
    outcome = trained(seeds="100", until="0.05", max_seeds="150", epochs="200")
    more = next_block(outcome)
    assert more.seeds == tuple(range(100, 150))
    assert next_block(join_seeds(outcome, gather(more, run(more)))) is None
