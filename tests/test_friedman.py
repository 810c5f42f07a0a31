"""Average ranks, Friedman's test and Nemenyi's critical difference."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from hsig.analysis.statistics import (
    f_survival,
    friedman_test,
    indistinguishable_groups,
    nemenyi_quantile,
    rank_scores,
)

scores = st.lists(st.integers(0, 5), min_size=2, max_size=8)


def test_demsars_example():
    """Demšar 2006, section 3.2.2: four classifiers, fourteen data sets."""
    found = friedman_test([3.143, 2.0, 2.893, 1.964], 14)
    assert found.chi_squared == pytest.approx(9.28, abs=0.005)
    assert found.f == pytest.approx(3.69, abs=0.005)
    assert found.critical_difference == pytest.approx(1.25, abs=0.005)
    assert found.p < 0.05  # "the critical value of F(3, 39) for 0.05 is 2.85, so we reject"
    assert f_survival(2.85, 3, 39) == pytest.approx(0.05, abs=0.001)


def test_demsars_example_tells_apart_what_he_does():
    """There: C4.5 is worse than C4.5+m and C4.5+m+cf by 1.143 and 1.179, which is not enough."""
    by_label = {"C4.5": 3.143, "+m": 2.0, "+cf": 2.893, "+m+cf": 1.964}
    assert indistinguishable_groups(by_label, 1.25) == (("+m+cf", "+m", "+cf", "C4.5"),)
    # Bonferroni-Dunn against C4.5 as a control has a critical difference of 1.16, he says
    assert indistinguishable_groups(by_label, 1.16)[0] == ("+m+cf", "+m", "+cf")


@pytest.mark.parametrize(
    ("k", "published"),
    [
        (2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (6, 2.850), (7, 2.949), (8, 3.031),
        (9, 3.102), (10, 3.164),
    ],
)  # fmt: skip
def test_nemenyis_critical_values_are_those_of_demsars_table_5(k, published):
    assert nemenyi_quantile(k) == pytest.approx(published, abs=0.0015)


@pytest.mark.parametrize("k", [2, 3, 16, 40])
@pytest.mark.parametrize("level", [0.01, 0.05, 0.1])
def test_nemenyis_critical_values_are_those_of_the_studentized_range(k, level):
    range_ = stats.studentized_range.ppf(1.0 - level, k, np.inf)
    assert nemenyi_quantile(k, level) == pytest.approx(range_ / math.sqrt(2.0), rel=1e-6)


@given(st.floats(0.0, 1e4), st.integers(1, 40), st.integers(1, 400))
def test_the_tail_of_the_f_distribution_is_scipys(f, above, below):
    assert f_survival(f, above, below) == pytest.approx(
        stats.f.sf(f, above, below), rel=1e-9, abs=1e-14
    )


def test_an_infinite_f_is_improbable():
    assert f_survival(math.inf, 3, 12) == 0.0


@given(scores)
def test_ranks_are_scipys(found):
    assert rank_scores(found) == stats.rankdata([-score for score in found]).tolist()


@given(st.integers(0, 1000), st.integers(3, 6), st.integers(5, 20))
def test_the_statistic_without_ties_is_scipys(seed, variants, tasks):
    table = np.random.Generator(np.random.PCG64(seed)).random((tasks, variants))
    average = np.mean([rank_scores(row) for row in table.tolist()], axis=0)
    found = friedman_test(average.tolist(), tasks)
    chi_squared = stats.friedmanchisquare(*table.T).statistic
    assume(chi_squared < tasks * (variants - 1) - 1e-6)  # else the tasks rank alike, and F is inf
    assert found.chi_squared == pytest.approx(chi_squared, abs=1e-9)
    assert found.f == pytest.approx(
        (tasks - 1) * chi_squared / (tasks * (variants - 1) - chi_squared)
    )


def test_tasks_that_all_rank_alike_leave_no_doubt_and_equal_ranks_all_of_it():
    sure = friedman_test([1.0, 2.0, 3.0], 6)
    assert (sure.f, sure.p) == (math.inf, 0.0)
    none = friedman_test([2.0, 2.0, 2.0], 6)
    assert (none.chi_squared, none.f, none.p) == (0.0, 0.0, 1.0)


@given(st.dictionaries(st.text(max_size=3), st.floats(1.0, 9.0), min_size=1, max_size=9),
       st.floats(0.01, 5.0))  # fmt: skip
def test_two_variants_share_a_group_exactly_if_they_differ_by_less(average, difference):
    found = indistinguishable_groups(average, difference)
    for one in average:
        for other in average:
            near = abs(average[one] - average[other]) < difference
            assert any(one in group and other in group for group in found) is near
    assert not [a for a in found for b in found if a != b and set(a) <= set(b)]


def test_equal_variants_are_told_apart_in_about_5_percent_of_studies():
    """1000 studies of five equal variants on seven tasks; chance is 5 %, give or take 2 %."""
    random = np.random.Generator(np.random.PCG64(3))
    alarms = 0
    for table in random.random((1000, 7, 5)).tolist():
        alarms += (
            friedman_test(np.mean([rank_scores(row) for row in table], axis=0).tolist(), 7).p
            <= 0.05
        )
    assert 0.03 < alarms / 1000 < 0.07
