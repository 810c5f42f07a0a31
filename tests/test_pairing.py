"""Variants are compared seed by seed, and claims hold at their level."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pages import document
from prepared import RIGHT, WRONG, compared

from hsig.analysis.pairing import pair
from hsig.analysis.statistics import holm, sign_test
from hsig.analysis.summary import summarise
from hsig.experiments.measures import Measure
from hsig.reports.comparison import comparison_page


def flags(text):
    return np.array([letter == "1" for letter in text])


def test_the_table_of_pairs_by_hand():
    found = pair({"a": flags("1100101111"), "b": flags("1010001110")}, "b").against["a"]
    assert (found.both, found.better, found.worse, found.neither) == (4, 3, 1, 2)
    assert found.difference == pytest.approx(0.2)
    assert found.low < found.difference < found.high
    assert found.p == sign_test(3, 1)


def test_p_values_are_adjusted_over_the_comparisons_with_the_baseline():
    solved = {"base": flags("0" * 20), "all": flags("1" * 20), "some": flags("1" * 7 + "0" * 13)}
    found = pair(solved, "base").against
    assert [found["all"].p, found["some"].p] == holm([sign_test(20, 0), sign_test(7, 0)])


def test_a_rank_is_1_and_the_number_of_those_significantly_better():
    solved = {
        "worst": flags("0" * 40),
        "best": flags("1" * 40),
        "also best": flags("1" * 39 + "0"),
        "middle": flags("1" * 20 + "0" * 20),
    }
    ranks = pair(solved, "middle").ranks
    assert ranks == {"worst": 4, "best": 1, "also best": 1, "middle": 3}


def test_a_p_value_is_the_largest_over_what_the_worse_one_might_have_been_given():
    solved = {"good": flags("1" * 18 + "0" * 2), "bad": flags("1" * 2 + "0" * 18)}
    nearly, better = flags("1" * 9 + "0" * 11), flags("1" * 20)
    assert pair(solved, "bad").against["good"].p == sign_test(16, 0)
    assert pair(solved, "bad", {"bad": [nearly]}).against["good"].p == sign_test(9, 0)
    assert pair(solved, "good", {"bad": [nearly]}).against["bad"].p == sign_test(9, 0)
    assert pair(solved, "bad", {"bad": [nearly, better]}).against["good"].p == 1.0
    assert pair(solved, "bad", {"good": [solved["bad"]]}).against["good"].p == sign_test(16, 0)
    assert pair(solved, "bad", {"bad": [better]}).ranks == {"good": 1, "bad": 1}


# --- any measure ------------------------------------------------------------------------------

LOSS_MEASURE = Measure("loss")
score = st.sampled_from([-np.inf, -2.0, -1.5, -1.0, -1.0 - 1e-13, -0.5, 0.0])
several = st.lists(st.tuples(*[score] * 4), min_size=1, max_size=30).map(
    lambda rows: dict(zip("abcd", np.array(rows).T, strict=True))
)


@given(several)
def test_claim_interval_and_rank_agree_whatever_the_scores(scores):
    pairing = pair(scores, "a", {"b": [scores["d"]]}, LOSS_MEASURE)
    for label, found in pairing.against.items():
        assert bool(found.claim) == (not found.share_low < 0.5 < found.share_high)
        assert found.pairs == len(scores["a"])
        turned = pair({"a": scores["a"], label: scores[label]}, label, {}, LOSS_MEASURE)
        alone = pair({"a": scores["a"], label: scores[label]}, "a", {}, LOSS_MEASURE)
        there, back = alone.against[label], turned.against["a"]
        assert (there.better, there.worse, there.p) == (back.worse, back.better, back.p)
        assert (there.low, there.high) == (-back.high, -back.low)
        np.testing.assert_array_equal([there.difference], [-back.difference])
        assert (there.share_low, there.share_high) == pytest.approx(
            (1 - back.share_high, 1 - back.share_low)
        )
        if there.claim:
            worse = {"better": "a", "worse": label}[there.claim]
            assert alone.ranks[worse] == 2


def test_a_diverged_seed_is_worse_than_any_and_two_of_them_tie():
    never = -np.inf
    scores = {"a": np.array([never, never, -9.0, -1.0]), "b": np.array([never, -9.0, never, -1.0])}
    found = pair(scores, "b", measure=LOSS_MEASURE).against["a"]
    assert (found.better, found.worse, found.ties) == (1, 1, 2)
    assert (found.difference, found.both, found.neither) == (0.0, None, None)


def test_the_size_of_a_difference_is_in_the_unit_of_the_measure():
    draws = np.random.RandomState(1).randn(2, 40)
    scores = {"a": -draws[0], "b": -draws[1]}
    found = pair(scores, "b", measure=LOSS_MEASURE).against["a"]
    differences = np.sort(draws[0] - draws[1])
    assert found.difference == np.median(differences)
    assert (found.low, found.high) == (differences[13], differences[26])  # by scipy's binomial
    right = pair(scores, "b", measure=Measure("right")).against["a"]
    assert (right.better, right.p, right.difference) == (found.better, found.p, -found.difference)


@pytest.mark.parametrize(
    ("solved", "measure", "solved_by"),
    [
        (("1100", "0111"), "solved", ""),
        (("0000", "0000"), "loss", "none"),
        (("1111", "1111"), "loss", "all"),
        (("1111", "0000"), "solved", ""),
    ],
)
def test_where_what_is_solved_tells_nothing_apart_the_loss_may(solved, measure, solved_by):
    made = {
        name: ([RIGHT if seed == "1" else WRONG for seed in seeds], [[1, height]] * 4)
        for name, seeds, height in zip(("sigmoid", "hard"), solved, (0.5, 0.7), strict=True)
    }
    pairing = summarise(compared(made)).pairing
    assert (pairing.measure, pairing.solved_by) == (Measure(measure), solved_by)
    found = pairing.against["hard"]
    assert (found.worse == 4) == (measure == "loss" or solved == ("1111", "0000"))
    assert (found.both is None) == (measure == "loss")
    asked = summarise(compared(made, measure="solved", stop_at="solved")).pairing
    assert asked.measure == Measure("solved")  # seeds stop by themselves, at no loss to compare


def test_false_alarms_are_at_most_5_percent():
    """Two activations with labels swapped at random within pairs, 1000 studies of 100 seeds."""
    random = np.random.Generator(np.random.PCG64(5))
    alarms = 0
    for _ in range(1000):
        first, second = random.random((2, 100)) < np.array([[0.7], [0.4]])
        swap = random.random(100) < 0.5
        one, other = np.where(swap, first, second), np.where(swap, second, first)
        alarms += pair({"one": one, "other": other}, "other").against["one"].p <= 0.05
    assert alarms / 1000 <= 0.05


def outcome():
    curve = [[1, 0.5]] * 6
    return compared(
        {
            "sigmoid": ([RIGHT] * 5 + [WRONG], curve),
            "hard": ([WRONG] * 6, curve),
            "ultra_fast": ("it has no gradient",),
            "tanh": ([RIGHT] * 6, curve),
        },
        baseline="hard",
    )


def test_the_baseline_is_the_one_asked_for_and_failures_are_left_out():
    pairing = summarise(outcome()).pairing
    assert pairing.baseline == "hard"
    assert list(pairing.against) == ["sigmoid", "tanh"]
    assert set(pairing.ranks) == {"sigmoid", "hard", "tanh"}
    assert summarise(compared({"hard": ([WRONG], [[1, 1]])})).pairing is None


def test_every_number_can_be_recomputed_from_the_json_with_the_standard_library():
    made = document(comparison_page(outcome(), summarise(outcome())))
    variants = {v["label"]: v for v in made["variants"] if v["seeds"]}
    solved = {
        label: [seed["verdict"] == "solved" for seed in variant["seeds"]]
        for label, variant in variants.items()
    }
    for label, variant in variants.items():
        k, n = sum(solved[label]), len(solved[label])
        assert (variant["solved"]["k"], variant["solved"]["n"]) == (k, n)
        z = 1.959963984540054
        centre = (k / n + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(k / n * (1 - k / n) / n + z * z / (4 * n * n))
        assert variant["solved"]["low"] == pytest.approx(centre - half, abs=1e-12)
        assert variant["solved"]["high"] == pytest.approx(centre + half, abs=1e-12)
    p_values = []
    for found in made["pairing"]["against"]:
        pairs = list(zip(solved[found["label"]], solved["hard"], strict=True))
        only, less = pairs.count((True, False)), pairs.count((False, True))
        alike = pairs.count((True, True)), pairs.count((False, False))
        assert (found["both"], found["neither"]) == alike
        assert (found["only_this"], found["only_baseline"]) == (only, less)
        assert found["difference"] == (only - less) / len(pairs)
        tail = sum(math.comb(only + less, i) for i in range(min(only, less) + 1))
        p_values.append(min(1.0, 2 * tail / 2 ** (only + less)))
    smallest, largest = sorted(p_values)
    adjusted = [min(1.0, 2 * smallest), max(min(1.0, 2 * smallest), largest)]
    assert sorted(found["p"] for found in made["pairing"]["against"]) == adjusted
