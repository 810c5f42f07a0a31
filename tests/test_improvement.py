"""The probability that a run is better, over tasks, and how often its interval holds it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsig.analysis import pairing as module
from hsig.analysis.statistics import improvement_probability

epochs = st.integers(1, 4).map(float) | st.just(np.inf)
two = st.integers(1, 9).flatmap(
    lambda n: st.tuples(*[st.lists(epochs, min_size=n, max_size=n).map(np.array)] * 2)
)


def by_definition(ours, theirs):
    """Agarwal et al. 2021, equation 1: all pairs of runs, equal ones half."""
    pairs = [1.0 if x < y else 0.5 if x == y else 0.0 for x in ours for y in theirs]
    return sum(pairs) / len(pairs)


@given(st.lists(two, min_size=1, max_size=4))
def test_it_is_the_mean_over_tasks_of_the_share_of_pairs(tasks):
    ours, theirs = zip(*tasks, strict=True)
    found = improvement_probability(ours, theirs)
    by_task = [by_definition(*task) for task in tasks]
    assert found.by_task == pytest.approx(tuple(by_task))
    assert found.probability == pytest.approx(sum(by_task) / len(by_task))
    assert 0.0 <= found.low <= found.high <= 1.0
    back = improvement_probability(theirs, ours)
    assert back.probability == pytest.approx(1.0 - found.probability)
    assert (back.low, back.high) == pytest.approx((1.0 - found.high, 1.0 - found.low))


def test_a_task_counts_the_same_however_many_seeds_it_has():
    fast, slow = np.full(2, 1.0), np.full(2, 2.0)
    found = improvement_probability([fast, np.full(50, 2.0)], [slow, np.full(50, 1.0)])
    assert (found.by_task, found.probability) == ((1.0, 0.0), 0.5)


def test_a_seed_that_is_never_solved_is_worse_than_any_and_equal_to_its_like():
    never = np.full(3, np.inf)
    assert improvement_probability([np.full(3, 1e9)], [never]).probability == 1.0
    assert improvement_probability([never], [never]).probability == 0.5


def test_the_interval_is_the_bootstrap_of_the_definition(monkeypatch):
    """The same seeds are drawn for both, anew for each task."""
    random = np.random.Generator(np.random.PCG64(1))
    ours, theirs = random.integers(1, 9, (2, 2, 12)).astype(float)
    draws = np.random.RandomState(0)
    total = np.zeros(2000)
    for one, other in zip(ours, theirs, strict=True):
        for replication, drawn in enumerate(draws.randint(0, 12, (2000, 12))):
            total[replication] += by_definition(one[drawn], other[drawn]) / 2
    found = improvement_probability(list(ours), list(theirs))
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(total, [0.025, 0.975])))
    monkeypatch.setattr(module, "_AT_A_TIME", 100)  # in many small turns
    assert improvement_probability(list(ours), list(theirs)) == found


def test_the_interval_holds_the_truth_in_about_95_percent_of_studies(monkeypatch):
    """400 studies of two tasks with 60 seeds; the truth by 4 000 000 pairs drawn."""
    monkeypatch.setattr(module, "REPLICATIONS", 400)
    random = np.random.Generator(np.random.PCG64(2))

    def draw(n):
        luck = random.random(n)
        ours = np.where(luck + 0.5 * random.random(n) < 0.9, random.exponential(1.0, n), np.inf)
        theirs = np.where(luck < 0.6, random.exponential(1.5, n), np.inf)
        return ours, theirs

    x, y = draw(2_000_000)
    y = random.permutation(y)
    truth = np.mean((x < y) + 0.5 * (x == y))
    held = 0
    for _ in range(400):
        ours, theirs = zip(draw(60), draw(60), strict=True)
        found = improvement_probability(ours, theirs)
        held += found.low <= truth <= found.high
    assert 0.92 < held / 400 < 0.98
