"""What a comparison says can be claimed: each sentence held against the numbers it is about."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pages import sentences
from prepared import RIGHT, WRONG, cell, compared, swept

from hsig.analysis.pairing import pair
from hsig.analysis.power import seeds_needed
from hsig.analysis.statistics import holm, mcnemar_exact, paired_difference_interval
from hsig.analysis.summary import summarise
from hsig.analysis.sweeps import pair_sweeps
from hsig.reports.comparison import comparison_page, interval_alone
from hsig.reports.page import Table
from hsig.reports.sweeps import difference_page

# of twelve seeds, both solved 6, only the one 5, only the other 0, neither 1: Newcombe's interval
# is 0.111 to 0.68, the exact McNemar test 2 / 2**5 = 0.0625
TWELVE = ("1" * 11 + "0", "1" * 6 + "0" * 6)


def notes(*solved, columns=()):
    """The sentences below a comparison with the first of variants that solved these seeds."""
    names = ("sigmoid", "hard", "tanh", "relu", "elu")
    outcome = compared(
        {
            name: ([RIGHT if seed == "1" else WRONG for seed in seeds], [[1, 0.5]] * len(seeds))
            for name, seeds in zip(names, solved, strict=False)
        }
    )
    return [
        s
        for block in sentences(comparison_page(outcome, summarise(outcome), columns))[1:]
        for s in block
    ]


def named(found, part):
    return [sentence for sentence in found if part in sentence]


# --- the family -------------------------------------------------------------------------------


def test_a_claim_of_two_variants_is_a_single_comparison():
    (claim,) = named(notes("1" * 12, "0" * 12), "solved less often")
    assert claim == (
        "solved less often than sigmoid, at this setting (a single comparison, not corrected): hard"
    )
    (claim,) = named(notes("1" * 12, "1" * 12), "no difference")
    assert claim == (
        "no difference from sigmoid can be claimed (a single comparison, not corrected) for hard "
        "(none was seen)"
    )


def test_a_claim_of_more_variants_says_of_how_many_comparisons_it_is_one():
    found = notes("1" * 12, "0" * 12, "1" * 12, "0" * 12)
    assert named(found, "solved less often") == [
        "solved less often than sigmoid, at this setting (each one of 3 comparisons, Holm): "
        "hard, relu"
    ]
    assert named(found, "no difference") == [
        "no difference from sigmoid can be claimed (one of 3 comparisons, Holm) for tanh "
        "(none was seen)"
    ]


def test_what_one_comparison_may_claim_more_of_them_may_not():
    base, other = "1" * 6 + "0" * 6, "0" * 12  # p = 2 / 2**6 = 0.031; of two comparisons, 0.0625
    assert named(notes(base, other), "solved less often than sigmoid, at this setting (a single")
    assert named(notes(base, other, base), "can be claimed (each one of 2 comparisons, Holm) for")


# --- power ------------------------------------------------------------------------------------


@pytest.mark.parametrize("others", [1, 2, 4])
def test_the_seeds_for_a_difference_that_was_seen_are_those_of_the_exact_test(others):
    # 3 of 12 pairs discordant, and all of them in favour of the baseline
    found = notes("1" * 12, "1" * 9 + "0" * 3, *["1" * 12] * (others - 1))
    needed = seeds_needed(1.0, 0.75, discordant=0.25, alpha=0.05 / others)
    (claim,) = named(found, "no difference")
    assert f"hard (-0.250 was seen; {needed} seeds have 80 % power for it)" in claim
    level = {1: "0.05", 2: "0.05/2, Holm's first level", 4: "0.05/4, Holm's first level"}[others]
    assert named(found, "power:") == [
        f"power: of the exact McNemar test at {level}, were the rates and the share of discordant "
        "pairs those seen"
    ]


def test_the_floor_for_a_report_is_told_apart_from_power():
    found = notes("1" * 12, "1" * 8 + "0" * 4)
    # P(Bin(22, 1/3) >= 6) is 0.794, P(Bin(23, 1/3) >= 6) is 0.831; by scipy
    assert named(found, "hard (-0.333 was seen; 23 seeds have 80 % power for it)")
    assert found[-2] == "12 seeds: enough to see that it runs; report a claim on 100 or more"


def test_without_a_difference_nothing_is_said_of_power():
    assert not named(notes("1" * 12, "1" * 12), "power")
    assert not named(notes("1" * 12, "0" * 12), "power")


def test_a_difference_that_takes_more_seeds_than_are_looked_for_is_told_so():
    one, other = "10" * 500, "01" * 500
    (claim,) = named(notes(one, other[:-1] + "0"), "no difference")
    assert "it takes more than 20000 seeds to have 80 % power for it" in claim


def test_a_difference_that_cannot_be_claimed_takes_more_seeds_than_there_were():
    for n in (6, 13):
        for only in range(1, n + 1):
            for less in range(min(only, n - only + 1)):
                if mcnemar_exact(only, less) > 0.05:
                    rates = only / n, less / n
                    assert seeds_needed(*rates, discordant=(only + less) / n) > n


# --- the interval and the test ----------------------------------------------------------------

LINE = "the interval of hard excludes 0, but the exact test does not: nothing is claimed"


def test_an_interval_that_excludes_0_where_the_test_claims_nothing_is_told():
    assert LINE in notes(*TWELVE)
    assert LINE in notes(*TWELVE, columns=("difference",))


def test_where_no_interval_is_shown_nothing_is_told_of_it():
    assert LINE not in notes(*TWELVE, columns=("solved", "rank"))


def test_several_are_told_in_one_line_with_the_correction():
    base, other = TWELVE
    assert named(notes(base, other, other, base), "exclude") == [
        "the intervals of hard, tanh exclude 0, but the exact test after Holm over 3 does not: "
        "nothing is claimed"
    ]


solved = st.lists(st.tuples(*[st.booleans()] * 3), min_size=5, max_size=40)


@given(solved)
def test_the_line_is_there_exactly_where_an_interval_and_the_test_disagree(seeds):
    base, *others = np.array(seeds).T
    tables = [
        (int((o & base).sum()), int((o & ~base).sum()), int((~o & base).sum())) for o in others
    ]
    adjusted = holm([mcnemar_exact(only, less) for _, only, less in tables])
    expected = []
    for name, (both, only, less), p in zip("ab", tables, adjusted, strict=True):
        low, high = paired_difference_interval(both, only, less, len(seeds) - both - only - less)
        if p > 0.05 and (low > 0.0 or high < 0.0):
            expected.append(name)
    found = interval_alone(pair(dict(zip("xab", [base, *others], strict=True)), "x").against, 2)
    assert bool(found) is bool(expected)
    assert all(f" {', '.join(expected)} exclude" in line for line in found)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40), st.integers(0, 40))
def test_the_test_never_claims_a_difference_that_its_interval_does_not(both, only, less, neither):
    """So there is no line for that: the exact test is the more careful of the two."""
    assume(mcnemar_exact(only, less) <= 0.05)
    low, high = paired_difference_interval(both, only, less, neither)
    assert low > 0.0 or high < 0.0


# --- two sweeps -------------------------------------------------------------------------------


def difference(first, second, axes=("epochs",)):
    """The sentences below how two sweeps differ, of cells that solved these seeds."""
    pages = [
        swept(
            {values: cell([seed == "1" for seed in seeds]) for values, seeds in cells.items()}, axes
        )
        for cells in (first, second)
    ]
    settings = Table("the same settings and versions", ("key", "a", "b"), ())
    return sentences(difference_page(pair_sweeps(*pages), ("a", "b"), settings))[-1]


def test_two_sweeps_of_one_cell_are_a_single_comparison():
    found = difference({("9",): "0" * 12}, {("9",): "1" * 12})
    assert found[0].endswith(
        "exact McNemar over 12 pairs of seeds in a cell, a single comparison, not corrected"
    )
    assert found[-1] == (
        "b solves more seeds in 1 cell and fewer in 0 cells at p of at most 0.05 (a single "
        "comparison, not corrected)"
    )


def test_two_sweeps_say_of_how_many_comparisons_a_cell_is_one():
    none, all_ = "0" * 12, "1" * 12
    found = difference(
        {("1",): none, ("2",): all_, ("3",): none}, {("1",): all_, ("2",): none, ("3",): none}
    )
    assert found[-1] == (
        "b solves more seeds in 1 cell and fewer in 1 cell at p of at most 0.05 (each one of 3 "
        "comparisons, Holm)"
    )


def test_the_cells_of_a_table_in_which_interval_and_test_disagree_are_named():
    one, other = TWELVE
    found = difference({("8",): other, ("9",): one}, {("8",): one, ("9",): one})
    assert named(found, "excludes") == [
        "the interval of epochs 8 excludes 0, but the exact test after Holm over 2 does not: "
        "nothing is claimed"
    ]
    assert not named(difference({("8",): one}, {("8",): one}), "exclude")


def test_a_map_shows_no_intervals_and_says_nothing_of_them():
    one, other = TWELVE
    axes = ("learning_rate", "epochs")
    assert not named(difference({("1", "8"): other}, {("1", "8"): one}, axes), "exclude")


# --- the answer -------------------------------------------------------------------------------

SOLVED = st.lists(st.sampled_from("01"), min_size=12, max_size=12).map("".join)


@given(SOLVED, SOLVED, SOLVED)
def test_the_answer_puts_each_variant_where_its_p_value_does(base, one, other):
    found = notes(base, one, other)
    k = {
        name: s.count("1")
        for name, s in zip(("sigmoid", "hard", "tanh"), (base, one, other), strict=True)
    }
    if not any(k.values()):
        assert "no seed was solved by any variant" in found
        return
    best = max(k.values())
    (line,) = named(found, "most seeds solved: ")
    assert line.startswith("most seeds solved: ")
    assert {name for name in k if name in line} == {name for name in k if k[name] == best}
    solved = {name: np.array(list(s)) == "1" for name, s in (("hard", one), ("tanh", other))}
    first = np.array(list(base)) == "1"
    tables = {n: (int((s & ~first).sum()), int((~s & first).sum())) for n, s in solved.items()}
    adjusted = dict(zip(tables, holm([mcnemar_exact(*t) for t in tables.values()]), strict=True))
    (line,) = named(found, "solved against sigmoid ")
    groups = dict(part.split(": ", 1) for part in line.partition("): ")[2].split("; "))
    for name, (more, less) in tables.items():
        group = "cannot be told apart"
        if adjusted[name] <= 0.05:
            group = "more" if more > less else "less"
        assert [word for word, names in groups.items() if name in names] == [group]
