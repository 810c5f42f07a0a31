"""Levels and thresholds in print: at each, and on either side of it."""

import math
from dataclasses import replace
from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pages import tables
from prepared import RIGHT, WRONG, cell, prepared, trial

from hsig.analysis.pairing import pair
from hsig.analysis.power import fisher_power, independent_discordance, mcnemar_power
from hsig.analysis.summary import Solved, summarise
from hsig.analysis.trials import judge_remedy
from hsig.analysis.tuning import choose_rate
from hsig.experiments.experiment import Outcome
from hsig.reports.lookups import power_page
from hsig.reports.page import p_value, percent, points, whole_percent
from hsig.reports.phrases import missed_precision

RATES = st.floats(0.0, 1.0)
ACTIVATIONS = (
    *("sigmoid", "hard", "tanh", "relu", "elu", "silu", "mish", "softplus", "identity", "sine"),
)


def just_below(x):
    return math.nextafter(x, -math.inf)


def just_above(x):
    return math.nextafter(x, math.inf)


# --- numbers --------------------------------------------------------------------------------------


@given(RATES)
@example(0.0001)
@example(just_below(0.0001))
@example(0.0005)
@example(0.05)
@example(just_above(0.05))
@example(0.0504)
def test_a_p_value_is_told_on_its_side_of_each_level(p):
    text = p_value(p)
    assert text.startswith("<") is (p < 0.0001)
    if p >= 0.0001:
        assert float(text) == pytest.approx(p, rel=0.05)
        assert (float(text) <= 0.05) is (p <= 0.05)


@given(RATES)
@example(0.005)
@example(0.01)
@example(just_below(0.01))
@example(0.99)
@example(just_above(0.99))
@example(0.995)
def test_a_percentage_is_none_or_all_only_if_it_is(rate):
    """And off by no more than half of what is left to the nearer of these."""
    shown = float(percent(rate).removesuffix(" %"))
    left = min(100 * rate, 100 - 100 * rate)
    assert abs(shown - 100 * rate) <= min(0.5, left / 2) * (1 + 1e-9)
    assert ("." in percent(rate)) is (0.0 < left < 1.0)
    whole = whole_percent(rate)
    assert (whole in ("0", "100")) is (rate in (0.0, 1.0))
    if whole.isdigit():
        assert abs(float(whole) - 100 * rate) <= 0.5
    else:
        assert left < 1.0
    for difference in (rate, -rate):
        assert (points(difference) == "0") is (rate == 0.0)
        assert abs(float(points(difference)) - 100 * difference) <= 0.5


@pytest.mark.parametrize(("first", "second"), [(0.49, 0.4), (0.03, 0.13), (0.9, 0.8), (0.5, 0.6)])
def test_a_smallest_difference_as_it_is_written_has_the_power(first, second):
    sign = 1.0 if first <= 0.5 else -1.0
    for seeds, unpaired, paired in tables(power_page(first, second))[1].rows:
        n = int(seeds)
        if n > 1000:
            continue
        for text, power_of in (
            (unpaired, lambda n, other: fisher_power(n, first, other)),
            (
                paired,
                lambda n, other: mcnemar_power(
                    n, abs(other - first), independent_discordance(first, other)
                ),
            ),
        ):
            if text != "none":
                assert power_of(n, first + sign * float(text)) >= 0.8
                assert power_of(n, first + sign * (float(text) - 0.0011)) < 0.8


# --- claims ---------------------------------------------------------------------------------------


def adjusted_p_values(solved, pairs):
    """Of the exact McNemar test, after Holm, by loops over the definitions."""
    raw = {}
    for both in pairs:
        only, less = (
            sum(a > b for a, b in zip(*some, strict=True))
            for some in ([solved[name] for name in both], [solved[name] for name in both[::-1]])
        )
        tail = sum(comb(only + less, k) for k in range(min(only, less) + 1))
        raw[both] = min(1.0, 2 * tail / 2 ** (only + less))
    adjusted, worst = {}, 0.0
    for place, both in enumerate(sorted(pairs, key=raw.__getitem__)):
        worst = max(worst, min(1.0, (len(pairs) - place) * raw[both]))
        adjusted[both] = worst
    return adjusted


@given(st.lists(st.tuples(*[st.booleans()] * 3), min_size=1, max_size=14))
@example([(True, False, False)] * 7)  # 1/64 of two of three pairs, and 3/64 after Holm
@example([(True, False, False)] * 6)  # 1/32 and 3/32; of two pairs 1/16
def test_ranks_claims_and_choices_go_by_the_level(seeds):
    solved = dict(zip("abc", zip(*seeds, strict=True), strict=True))
    arrays = {name: np.array(of) for name, of in solved.items()}
    found = pair(arrays, "a")
    ranks = dict.fromkeys(solved, 1)
    for (first, second), p in adjusted_p_values(solved, [*combinations("abc", 2)]).items():
        if p <= 0.05:
            ranks[min(first, second, key=lambda name: sum(solved[name]))] += 1
    assert found.ranks == ranks
    for (_, other), p in adjusted_p_values(solved, [("a", "b"), ("a", "c")]).items():
        more = sum(solved[other]) > sum(solved["a"])
        assert found.against[other].claim == ("" if p > 0.05 else "better" if more else "worse")
    choice = choose_rate("x", {float(n): cell(of) for n, of in enumerate(arrays.values())})
    best = "abc"[int(choice.value)]
    every = adjusted_p_values(solved, [*combinations("abc", 2)])
    for name, tried in zip("abc", choice.tried, strict=True):
        assert tried.told_apart is (every.get((name, best), every.get((best, name), 1.0)) <= 0.05)


def summary_with(k, n=100):
    """The numbers of a variant of which so many seeds are solved, and nothing else."""
    return replace(trial(k, n).numbers, solved=Solved.from_counts(k, n))


@pytest.mark.parametrize(
    ("after", "before", "works"),
    [
        ((60, 100), (10, 100), True),
        ((60, 99), (10, 99), None),  # too few seeds for a claim
        ((50, 100), (10, 100), False),  # half, and not more
        ((51, 100), (10, 100), True),
        # by Wilson's intervals 37 of 100 is at most 0.468, 38 at most 0.478, 57 at least 0.472
        ((57, 100), (37, 100), True),
        ((57, 100), (38, 100), False),
    ],
)
def test_a_remedy_works_from_each_of_its_bounds_on(after, before, works):
    was = replace(trial(1, 2), numbers=summary_with(*before))
    assert judge_remedy(was, trial(1, 2).part, summary_with(*after)).works is works


def test_a_precision_that_is_reached_exactly_is_reached():
    outcome = prepared([RIGHT, WRONG] * 50, [[1.0, 0.5]] * 100)
    summary = summarise(outcome)
    low, high = summary.variants[0].solved[2:]
    half = (high - low) / 2
    for until, missed in ((half, False), (just_below(half), True)):
        wanted = replace(outcome.experiment, until=until)
        assert bool(missed_precision(wanted, summary.variants)) is missed


@pytest.mark.parametrize(("distance", "parted"), [(0.01, 1), (just_below(0.01), 0), (math.inf, 1)])
def test_twins_part_from_a_distance_on(distance, parted):
    outcome = prepared([RIGHT, RIGHT], [[1.0, 0.5]] * 2)
    (training,) = outcome.results
    twins = replace(training, twin_distance=np.array([distance, math.nan]))
    (variant,) = summarise(Outcome(outcome.experiment, (twins,))).variants
    assert (variant.twins, variant.parted) == (1, parted)


def test_an_interval_that_ends_at_0_does_not_exclude_it():
    made = pair({"a": np.array([True] * 6), "b": np.array([False] * 5 + [True])}, "b").against["a"]
    for low, alone in ((0.0, False), (just_above(0.0), True)):
        assert made._replace(low=low, high=1.0, p=0.06).interval_alone is alone
        assert made._replace(low=-1.0, high=-low, p=0.06).interval_alone is alone
