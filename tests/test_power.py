import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, fisher_exact, multinomial

from hsig.analysis.power import (
    MAX_SEEDS,
    fisher_power,
    independent_discordance,
    mcnemar_power,
    seeds_needed,
    smallest_difference,
)
from hsig.analysis.statistics import mcnemar_exact

rates = st.one_of(st.floats(0.001, 0.999), st.sampled_from([0.0, 1.0]))
levels = st.sampled_from([0.05, 0.05 / 3, 0.05 / 11, 0.01])


def fishers_power_by_scipy(seeds, first, second, alpha):
    """Over all tables of two groups, those that scipy's Fisher test rejects."""
    k = range(seeds + 1)
    chances = np.outer(binom.pmf(k, seeds, first), binom.pmf(k, seeds, second))
    return sum(
        chances[one, other]
        for one in k
        for other in k
        if fisher_exact([[one, seeds - one], [other, seeds - other]]).pvalue <= alpha
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 14), rates, rates, levels)
def test_fishers_power_is_the_sum_over_all_tables_that_scipy_rejects(n, first, second, alpha):
    expected = fishers_power_by_scipy(n, first, second, alpha)
    assert fisher_power(n, first, second, alpha) == pytest.approx(expected, abs=1e-12)


def test_fishers_power_for_a_hundred_seeds_is_scipys():
    # the ends of the windows, and totals above half, matter where there are more seeds
    rejected = {
        (one, other): fisher_exact([[one, 60 - one], [other, 60 - other]]).pvalue <= 0.05
        for one in range(61)
        for other in range(one)
    }
    k = np.arange(61)
    for first, second in ((0.9, 0.7), (0.02, 0.2), (0.55, 0.45), (1.0, 0.9)):
        chances = np.outer(binom.pmf(k, 60, first), binom.pmf(k, 60, second))
        expected = sum((chances + chances.T)[pair] for pair, is_in in rejected.items() if is_in)
        assert fisher_power(60, first, second) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 16), st.floats(0.001, 1), st.floats(0, 1), levels)
def test_mcnemars_power_is_the_sum_over_all_tables_that_it_rejects(pairs, share, part, alpha):
    """A multinomial of pairs: only the first, only the second, alike."""
    discordant, difference = share, part * share
    only_first = (discordant + difference) / 2.0
    tables = multinomial(pairs, [only_first, discordant - only_first, 1.0 - discordant])
    expected = sum(
        tables.pmf([one, other, pairs - one - other])
        for one in range(pairs + 1)
        for other in range(pairs + 1 - one)
        if mcnemar_exact(one, other) <= alpha
    )
    found = mcnemar_power(pairs, difference, discordant, alpha)
    assert found == pytest.approx(expected, abs=1e-9)


def mcnemars_power_by_scipy(pairs, difference, discordant, alpha=0.05):
    """The power given each number of discordant pairs, averaged over it."""
    first, power = (discordant + difference) / 2.0 / discordant, 0.0
    for m in range(pairs + 1):
        k = np.arange(m + 1)
        rejected = 2.0 * binom.cdf(np.minimum(k, m - k), m, 0.5) <= alpha
        power += binom.pmf(m, pairs, discordant) * binom.pmf(k, m, first)[rejected].sum()
    return power


@pytest.mark.parametrize(
    ("pairs", "difference", "discordant"),
    [(205, 0.09, 0.2), (204, 0.09, 0.2), (700, 0.1, 1.0), (1200, 0.02, 0.1)],
)
def test_mcnemars_power_for_hundreds_of_pairs_is_scipys(pairs, difference, discordant):
    expected = mcnemars_power_by_scipy(pairs, difference, discordant)
    assert mcnemar_power(pairs, difference, discordant) == pytest.approx(expected, abs=1e-10)


def test_a_test_that_cannot_reject_has_no_power():
    # 2 / C(6, 3) = 0.1 and 2 / C(8, 4) = 0.029 are the least p-values of Fisher's exact test
    assert [fisher_power(n, 1.0, 0.0) for n in (2, 3, 4)] == [0.0, 0.0, 1.0]
    # 2 / 2**5 = 0.063 and 2 / 2**6 = 0.031 those of the exact McNemar test
    assert [mcnemar_power(n, 1.0, 1.0) for n in (5, 6)] == [0.0, 1.0]
    assert seeds_needed(1.0, 0.0) == 4
    assert seeds_needed(1.0, 0.0, discordant=1.0) == 6


def test_where_one_rate_only_adds_to_the_other_it_takes_six_discordant_pairs():
    # all pairs that differ do so in one way: the power is P(Bin(n, 0.1) >= 6)
    n = seeds_needed(0.9, 0.8, discordant=0.1)
    assert n == 78
    assert mcnemar_power(78, 0.1, 0.1) == pytest.approx(binom.sf(5, 78, 0.1))
    assert binom.sf(5, 77, 0.1) < 0.8 <= binom.sf(5, 78, 0.1)


@pytest.mark.parametrize(
    ("first", "second", "discordant", "power", "alpha"),
    [
        (0.49, 0.40, 0.2, 0.8, 0.05),
        (0.2, 0.11, 1.0, 0.5, 0.05),  # every pair differs: the deepest teeth
        (0.5, 0.1, None, 0.8, 0.05),
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
    if discordant is None:
        powers = [fisher_power(n, first, second, alpha) for n in range(1, 3 * needed)]
    else:
        share = (
            independent_discordance(first, second)
            if discordant is independent_discordance
            else discordant
        )
        powers = [mcnemar_power(n, first - second, share, alpha) for n in range(1, 3 * needed)]
    assert powers[needed - 2] < power
    assert min(powers[needed - 1 :]) >= power


def test_one_seed_more_may_have_less_power():
    powers = [mcnemar_power(n, 0.09, 1.0) for n in range(478, 511)]
    assert np.diff(powers).min() < 0.0
    assert max(powers[:-1]) >= 0.5  # already before the number from which on it stays above
    assert seeds_needed(0.2, 0.11, discordant=1.0, power=0.5) == 510


@pytest.mark.parametrize("shared", [0.0, 0.5, 0.8])
def test_simulated_comparisons_have_the_power_that_is_computed(shared):
    """sigmoid against ultra_fast:backward=output after 2000 epochs, as `configs/diseases.yaml`

    measures them: 985 and 803 of 2000 seeds solved; a share of the pairs has its luck in common.
    """
    first, second, studies = 985 / 2000, 803 / 2000, 4000
    discordant = shared * (first - second) + (1 - shared) * independent_discordance(first, second)
    n = seeds_needed(first, second, discordant=discordant)
    random = np.random.Generator(np.random.PCG64(11))
    luck, other = random.random((2, studies, n))
    other = np.where(random.random((studies, n)) < shared, luck, other)
    one, two = luck < first, other < second
    tables = zip((one & ~two).sum(axis=1).tolist(), (two & ~one).sum(axis=1).tolist(), strict=True)
    rejected = np.mean([mcnemar_exact(*table) <= 0.05 for table in tables])
    expected = mcnemar_power(n, first - second, discordant)
    assert rejected == pytest.approx(expected, abs=4 * math.sqrt(0.16 / studies))


@pytest.mark.parametrize("discordant", [None, 0.3, independent_discordance])
@pytest.mark.parametrize("rate", [0.2, 0.5, 0.8])
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


@pytest.mark.parametrize(("first", "second"), [(0.5, 0.5), (-0.1, 0.5), (0.5, 1.1)])
def test_impossible_rates_are_refused(first, second):
    with pytest.raises(ValueError, match="are not two different rates"):
        seeds_needed(first, second)


def test_more_difference_than_discordant_pairs_is_refused():
    with pytest.raises(ValueError, match="is not one of discordant pairs"):
        seeds_needed(0.5, 0.4, discordant=0.05)
