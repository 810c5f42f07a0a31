"""Intervals, exact tests and ranks against scipy, published examples and simulated studies."""

from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from scipy.stats import binom, binomtest, norm

from hsig.analysis import statistics as module
from hsig.analysis.statistics import (
    NORMAL_975,
    clopper_pearson,
    holm,
    holm_levels,
    improvement_probability,
    order_quantile,
    paired_difference_interval,
    quantiles,
    rank_scores,
    sign_test,
    wilson_interval,
)


@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_is_scipys(count):
    k, n = count
    expected = binomtest(k, n).proportion_ci(0.95, method="wilson")
    assert wilson_interval(k, n) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert wilson_interval(0, n)[0] == 0.0
    assert wilson_interval(n, n)[1] == 1.0
    assert pytest.approx(norm.ppf(0.975), rel=1e-15) == NORMAL_975


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, Statistics in Medicine 17:857, table I
        (15, 148, 0.0624, 0.1605),  # the same table
        (1, 29, 0.0061, 0.1718),  # the same table
    ],
)
def test_wilson_interval_of_published_examples(k, n, low, high):
    assert wilson_interval(k, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("k", "n"), [(-1, 5), (6, 5), (0, 0)])
def test_impossible_counts_are_refused(k, n):
    with pytest.raises(ValueError, match=f"{k} of {n} is not a possible count"):
        wilson_interval(k, n)


finite = arrays(
    np.float64, st.tuples(st.integers(1, 12), st.integers(1, 3)), elements=st.floats(-1e6, 1e6)
)


@given(finite, st.integers(0, 12), st.floats(0, 1))
def test_quantiles_are_numpys_and_infinite_values_are_never_dropped(values, infinite, fraction):
    expected = np.quantile(values, fraction, axis=0)
    np.testing.assert_allclose(quantiles(values, [fraction])[0], expected, atol=1e-6)
    spoilt = np.concatenate([values, np.full((infinite, values.shape[1]), np.inf)])
    beyond = (len(spoilt) - 1) * fraction > len(values) - 1
    assert np.isinf(quantiles(spoilt, [fraction])[0]).all() == beyond


def test_nan_counts_as_larger_than_infinity():
    values = np.array([np.nan, 3.0, np.inf, 1.0])
    first, second, third, last = quantiles(values, [0, 1 / 3, 2 / 3, 1.0]).tolist()
    assert (first, second, third) == (1.0, 3.0, inf)
    assert np.isnan(last)


@pytest.mark.parametrize("n", [1, 2, 5, 6, 9, 30, 31, 100, 1000])
@pytest.mark.parametrize("fraction", [0.5, 0.25])
def test_the_interval_of_a_quantile_has_scipys_binomial_ranks(n, fraction):
    values = np.random.Generator(np.random.PCG64(n)).permutation(n) + 1.0
    quantile, low, high = order_quantile(values.tolist(), fraction)
    assert quantile == np.quantile(values, fraction, method="inverted_cdf")
    # the largest rank l with P(X < l) <= 2.5 %, the smallest u with P(X < u) >= 97.5 %
    ranks = np.arange(1, n + 1)
    below = binom.cdf(ranks - 1, n, fraction)
    assert low == max([0, *ranks[below <= 0.025]])
    assert high == min([inf, *ranks[below >= 0.975]])


def test_not_reached_is_infinite_and_kept():
    assert order_quantile([5.0, inf, inf]) == (inf, 0.0, inf)
    values = [float(i) for i in range(70)] + [inf] * 30
    assert order_quantile(values) == (49.0, 39.0, 60.0)  # ranks 50, 40 and 61 of 100, by scipy


# --- pairs ------------------------------------------------------------------------------------

counts = st.integers(0, 300)


@given(counts, counts)
def test_mcnemar_is_scipys_binomial_test_of_the_discordant_pairs(one, other):
    expected = binomtest(one, one + other).pvalue if one + other else 1.0
    assert sign_test(one, other) == pytest.approx(expected, rel=1e-12)


@given(counts, counts, st.floats(1e-6, 0.2))
def test_clopper_pearson_is_scipys_and_agrees_with_the_sign_test(better, worse, level):
    low, high = clopper_pearson(better, better + worse, level)
    if better + worse:
        expected = binomtest(better, better + worse).proportion_ci(1.0 - level, method="exact")
        assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert (not low < 0.5 < high) == (sign_test(better, worse) <= level)
    assert clopper_pearson(worse, better + worse, level) == pytest.approx((1 - high, 1 - low))


def test_the_exact_interval_of_a_published_example_and_of_thousands():
    """NIST/SEMATECH e-Handbook of Statistical Methods, section 7.2.4.1: 4 of 20 at 90 %."""
    assert clopper_pearson(4, 20, 0.1) == pytest.approx((0.0714, 0.4010), abs=1e-4)
    assert clopper_pearson(3000, 20_000) == pytest.approx(
        tuple(binomtest(3000, 20_000).proportion_ci(method="exact")), abs=1e-9
    )


def test_mcnemar_takes_thousands_of_pairs():
    assert sign_test(4000, 6000) == pytest.approx(binomtest(4000, 10_000).pvalue, rel=1e-9)
    assert sign_test(0, 5000) == 2.0**-4999


def test_a_paired_interval_is_that_of_a_published_worked_example():
    """Complete response before and after consolidation therapy (Cavo et al. 2012): 59, 6, 16, 80.

    Fagerland, Lydersen & Laake 2017, Statistical Analysis of Contingency Tables, chapter 8, as the
    tests of the R package contingencytables, made for the book, have it: -0.1186 to -0.0046.
    """
    found = paired_difference_interval(59, 6, 16, 80)
    assert found == pytest.approx((-0.1186, -0.0046), abs=5e-5)


@given(st.tuples(counts, counts, counts, counts).filter(any))
def test_a_paired_interval_holds_the_difference_and_turns_round_with_it(table):
    both, first, second, neither = table
    low, high = paired_difference_interval(*table)
    difference = (first - second) / sum(table)
    assert -1.0 <= low <= difference + 1e-12
    assert difference - 1e-12 <= high <= 1.0
    turned = paired_difference_interval(both, second, first, neither)
    assert turned == pytest.approx((-high, -low), abs=1e-12)
    mirrored = paired_difference_interval(neither, second, first, both)
    assert mirrored == pytest.approx((-high, -low), abs=1e-9)  # failures for successes


@given(st.lists(st.sampled_from([1e-9, 0.004, 0.01, 0.02, 0.05, 0.3, 1.0]), max_size=8))
def test_the_level_at_which_holm_tests_is_what_decides(p_values):
    levels = holm_levels(p_values, 0.05)
    assert all(0.05 / len(p_values) <= level <= 0.05 for level in levels)
    for p, adjusted, level in zip(p_values, holm(p_values), levels, strict=True):
        assert (p <= level) == (adjusted <= 0.05)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_never_lowers_a_p_value_and_keeps_their_order(p_values):
    adjusted = holm(p_values)
    assert all(before <= after <= 1.0 for before, after in zip(p_values, adjusted, strict=True))
    order = np.argsort(p_values, kind="stable")
    assert (np.diff(np.array(adjusted)[order]) >= 0).all()


# --- over tasks -------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 5), min_size=2, max_size=8))
def test_ranks_are_scipys(scores):
    assert rank_scores(scores) == stats.rankdata([-score for score in scores]).tolist()


epochs = st.integers(1, 4).map(float) | st.just(np.inf)
two_variants = st.integers(1, 9).flatmap(
    lambda n: st.tuples(*[st.lists(epochs, min_size=n, max_size=n).map(np.array)] * 2)
)


def share_better(ours, theirs):
    """Agarwal et al. 2021, equation 1: all pairs of runs, equal ones half."""
    pairs = [1.0 if x < y else 0.5 if x == y else 0.0 for x in ours for y in theirs]
    return sum(pairs) / len(pairs)


@given(st.lists(two_variants, min_size=1, max_size=4))
def test_improvement_is_the_mean_over_tasks_of_the_share_of_pairs(tasks):
    ours, theirs = zip(*tasks, strict=True)
    found = improvement_probability(ours, theirs)
    by_task = [share_better(*task) for task in tasks]
    assert found.by_task == pytest.approx(tuple(by_task))
    assert found.probability == pytest.approx(sum(by_task) / len(by_task))
    assert 0.0 <= found.low <= found.high <= 1.0
    back = improvement_probability(theirs, ours)
    assert (back.probability, back.low, back.high) == pytest.approx(
        (1.0 - found.probability, 1.0 - found.high, 1.0 - found.low)
    )


def test_the_interval_of_an_improvement_is_the_bootstrap_of_the_definition(monkeypatch):
    """The same seeds are drawn for both, anew for each task."""
    random = np.random.Generator(np.random.PCG64(1))
    ours, theirs = random.integers(1, 9, (2, 2, 12)).astype(float)
    draws = np.random.RandomState(0)
    total = np.zeros(2000)
    for one, other in zip(ours, theirs, strict=True):
        for replication, drawn in enumerate(draws.randint(0, 12, (2000, 12))):
            total[replication] += share_better(one[drawn], other[drawn]) / 2
    found = improvement_probability(list(ours), list(theirs))
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(total, [0.025, 0.975])))
    monkeypatch.setattr(module, "_BLOCK", 100)  # in many small turns
    assert improvement_probability(list(ours), list(theirs)) == found


def test_the_interval_of_an_improvement_holds_the_truth_in_about_95_percent(monkeypatch):
    """300 studies of two tasks with 60 seeds; the truth by 1 000 000 pairs drawn."""
    monkeypatch.setattr(module, "REPLICATIONS", 400)
    random = np.random.Generator(np.random.PCG64(2))

    def draw(n):
        luck = random.random(n)
        ours = np.where(luck + 0.5 * random.random(n) < 0.9, random.exponential(1.0, n), np.inf)
        return ours, np.where(luck < 0.6, random.exponential(1.5, n), np.inf)

    x, y = draw(1_000_000)
    y = random.permutation(y)
    truth = np.mean((x < y) + 0.5 * (x == y))
    studies = [improvement_probability(*zip(draw(60), draw(60), strict=True)) for _ in range(300)]
    assert 0.92 < np.mean([study.low <= truth <= study.high for study in studies]) < 0.98
