"""What a comparison says can be claimed: each sentence held against the numbers it is about."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pages import sentences, tables
from prepared import RIGHT, WRONG, compared

from hsig.analysis.pairing import pair
from hsig.analysis.power import seeds_needed
from hsig.analysis.statistics import holm, paired_difference_interval, sign_test
from hsig.analysis.summary import summarise
from hsig.reports.comparison import comparison_page, interval_alone


def outcome_of(*solved):
    """What became of variants that solved these seeds."""
    names = ("sigmoid", "hard", "tanh", "relu", "elu")
    return compared(
        {
            name: ([RIGHT if seed == "1" else WRONG for seed in seeds], [[1, 0.5]] * len(seeds))
            for name, seeds in zip(names, solved, strict=False)
        }
    )


def notes(*solved):
    """The sentences below a comparison with the first of variants that solved these seeds."""
    outcome = outcome_of(*solved)
    page = comparison_page(outcome, summarise(outcome))
    return [s for block in sentences(page)[1:] for s in block]


def named(found, part):
    return [sentence for sentence in found if part in sentence]


# --- power ------------------------------------------------------------------------------------


def needed_seeds(*solved):
    """The column of seeds that the difference of each variant from the first needs."""
    outcome = outcome_of(*solved)
    page = comparison_page(outcome, summarise(outcome), ("power",))
    return dict(tables(page)[0].rows)


@pytest.mark.parametrize("others", [1, 2, 4])
def test_the_seeds_for_a_difference_are_those_of_the_exact_test(others):
    # 3 of 12 pairs discordant, and all of them in favour of the baseline
    shown = needed_seeds("1" * 12, "1" * 9 + "0" * 3, *["1" * 12] * (others - 1))
    needed = seeds_needed(1.0, 0.75, discordant=0.25, alpha=0.05 / others)
    assert (shown["sigmoid"], shown["hard"]) == ("", str(needed))
    assert all(shown[label] == "" for label in ("tanh", "relu", "elu")[: others - 1])


def test_a_difference_that_takes_more_seeds_than_are_looked_for_takes_too_many():
    first, other = "10" * 500, "01" * 500
    assert needed_seeds(first, other[:-1] + "0")["hard"] == "too many"


# --- the interval and the test ----------------------------------------------------------------


solved = st.lists(st.tuples(*[st.booleans()] * 3), min_size=5, max_size=40)


@given(solved)
def test_the_line_is_there_exactly_where_an_interval_and_the_test_disagree(seeds):
    base, *others = np.array(seeds).T
    tables = [
        (int((o & base).sum()), int((o & ~base).sum()), int((~o & base).sum())) for o in others
    ]
    adjusted = holm([sign_test(only, less) for _, only, less in tables])
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
    assume(sign_test(only, less) <= 0.05)
    low, high = paired_difference_interval(both, only, less, neither)
    assert low > 0.0 or high < 0.0


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
        assert named(found, "no seed was solved by any variant")
        return
    best = max(k.values())
    (line,) = named(found, "most seeds solved: ")
    assert line.startswith("most seeds solved: ")
    assert {name for name in k if name in line} == {name for name in k if k[name] == best}
    solved = {name: np.array(list(s)) == "1" for name, s in (("hard", one), ("tanh", other))}
    first = np.array(list(base)) == "1"
    tables = {n: (int((s & ~first).sum()), int((~s & first).sum())) for n, s in solved.items()}
    adjusted = dict(zip(tables, holm([sign_test(*t) for t in tables.values()]), strict=True))
    (line,) = (line for line in found[-4:] if " sigmoid: " in line and "most" not in line)
    groups = dict(part.split(" sigmoid: ", 1) for part in line.split("; "))
    for name, (more, less) in tables.items():
        group = "no clear difference from"
        if adjusted[name] <= 0.05:
            group = "more than" if more > less else "fewer than"
        assert [word for word, names in groups.items() if name in names] == [group]
