"""Which learning rate is chosen, how sharply, and that a claim does not profit from the choice."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prepared import cell, failed_cell

from hsig.analysis.pairing import Paired, pair
from hsig.analysis.statistics import holm, mcnemar_exact
from hsig.analysis.summary import summarise
from hsig.analysis.tuning import (
    APPEARS,
    LOWER,
    NONE,
    SAME,
    TURNS,
    UPPER,
    VANISHES,
    Change,
    alternative_experiments,
    analyse_tuning,
    apply_choices,
    best_value,
    choose_rate,
    choose_rates,
    tuning_experiments,
    without_tuning,
)
from hsig.config.loading import load_experiment
from hsig.experiments.experiment import Training
from hsig.experiments.training import gather, run


def solving(flags, at=7):
    """What became of some seeds, such as "1101", those that were solved after `at` epochs."""
    made = cell([letter == "1" for letter in flags])
    return replace(made, solved_at=np.where(made.solved, at, -1))


# --- the choice -------------------------------------------------------------------------------


def test_the_value_with_the_most_seeds_solved_is_chosen():
    choice = choose_rate(
        "hard", {0.1: solving("1100"), 1.0: solving("0111"), 10.0: solving("0001")}
    )
    assert (choice.label, choice.value) == ("hard", 1.0)
    assert [tried.solved.k for tried in choice.tried] == [2, 3, 1]
    assert choice.chosen.epochs_to_solve == 7
    assert choice.edge == ""


def test_of_equals_the_one_with_the_lower_median_is_chosen_then_the_smaller():
    quick, slow = solving("1110", at=3), solving("1110", at=9)
    assert choose_rate("hard", {0.1: slow, 1.0: quick, 10.0: quick}).value == 1.0
    assert choose_rate("hard", {0.1: slow, 1.0: slow, 10.0: quick}).value == 10.0


@given(
    st.dictionaries(
        st.floats(1e-3, 1e3), st.tuples(st.integers(0, 5), st.sampled_from([1.0, 2.0, np.inf])),
        min_size=1,
    )
)  # fmt: skip
def test_no_value_beats_the_chosen_one(found):
    value = best_value(
        {v: solved for v, (solved, _) in found.items()},
        {v: median for v, (_, median) in found.items()},
    )
    solved, median = found[value]
    for other, (k, epochs) in found.items():
        assert k <= solved
        assert k < solved or epochs >= median
        assert (k, epochs) != (solved, median) or other >= value


def test_a_seed_that_diverged_is_not_one_that_was_solved():
    lost = replace(solving("1111"), solved=np.zeros(4, dtype=bool), diverged_at=np.full(4, 9))
    choice = choose_rate("hard", {0.1: solving("1000"), 1.0: lost})
    assert (choice.value, choice.tried[1].solved.k) == (0.1, 0)
    assert choice.tried[1].epochs_to_solve == np.inf


@pytest.mark.parametrize(
    ("flags", "edge"),
    [(("111", "110", "000"), LOWER), (("000", "111", "000"), ""), (("000", "110", "111"), UPPER)],
)
def test_the_best_of_the_values_may_lie_at_their_end(flags, edge):
    made = choose_rate("hard", dict(zip((0.1, 1.0, 10.0), map(solving, flags), strict=True)))
    assert made.edge == edge


def test_where_nothing_was_solved_the_smallest_is_taken_and_there_is_no_end():
    choice = choose_rate("hard", {0.1: solving("000"), 1.0: solving("000")})
    assert (choice.value, choice.edge, choice.alternatives) == (0.1, "", (1.0,))


def test_what_could_not_be_trained_is_not_chosen():
    failed = failed_cell("broken")
    assert choose_rate("hard", {0.1: failed, 1.0: solving("00")}).value == 1.0
    assert choose_rate("hard", {0.1: failed, 1.0: failed}) is None


# --- how flat it is ---------------------------------------------------------------------------


def test_a_value_is_told_apart_by_mcnemar_after_holm_over_all_pairs_of_values():
    flags = {0.1: "1" * 4 + "0" * 16, 1.0: "0" * 2 + "1" * 18, 10.0: "0" * 8 + "1" * 12}
    choice = choose_rate("hard", {value: solving(text) for value, text in flags.items()})
    pairs = [(2, 16), (4, 12), (6, 0)]  # only the first, only the second: 0.1-1, 0.1-10, 1-10
    low_best, _, best_high = holm([mcnemar_exact(*counts) for counts in pairs])
    assert choice.value == 1.0
    assert [tried.p for tried in choice.tried] == [low_best, 1.0, best_high]
    assert [(t.only_this, t.only_chosen) for t in choice.tried] == [(2, 16), (0, 0), (0, 6)]
    assert choice.alternatives == (10.0,)
    assert low_best < 0.05 < best_high


def test_equal_values_are_told_apart_from_the_luckiest_in_at_most_5_percent():
    """2000 tunings of 7 values at which each of 30 seeds is solved with the same chance."""
    random = np.random.Generator(np.random.PCG64(11))
    alarms = 0
    for _ in range(2000):
        solved = random.random((7, 30)) < 0.6
        choice = choose_rate(
            "x", {float(v): cell(seeds) for v, seeds in enumerate(solved, start=1)}
        )
        alarms += len(choice.alternatives) < 6
    assert alarms / 2000 <= 0.05


# --- a claim does not profit from the choice ---------------------------------------------------

CURVES = {  # of the share of the seeds that is solved, by learning rate
    "flat": (0.6,) * 7,
    "with a peak": (0.0, 0.3, 0.5, 0.8, 0.8, 0.7, 0.1),
    "rising": (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8),
}


def claimed(random, one, other, *, tuning=30, seeds=100, naive=""):
    """Whether two activations, each tuned, are told apart, whose seeds have luck in common.

    Args:
        random: Where chance comes from.
        one: The share of the seeds that it solves, by learning rate.
        other: The same of the baseline.
        tuning: On how many seeds they are tuned.
        seeds: How many are reported.
        naive: `alternatives`, not to look at these; `seeds`, to tune on those reported as well,
            and that one of the two alone.
    """
    solved, alternatives = {}, {}
    luck = random.random((1, tuning + seeds))
    for label, rates in (("one", one), ("other", other)):
        own = random.random((len(rates), tuning + seeds))
        drawn = np.where(random.random(own.shape) < 0.3, luck, own) < np.array(rates)[:, None]
        tried, reported = drawn[:, :tuning], drawn[:, tuning:]
        if naive == "seeds":
            tried = reported if label == "one" else reported[:1]
        choice = choose_rate(label, {float(place): cell(row) for place, row in enumerate(tried)})
        solved[label] = reported[int(choice.value)]
        alternatives[label] = [reported[int(place)] for place in choice.alternatives]
    found = pair(solved, "other", {} if naive else alternatives)
    return found.against["one"].claim


def alarms(seed, curve, studies, **how):
    """In which share of studies two equal activations are told apart."""
    random = np.random.Generator(np.random.PCG64(seed))
    return np.mean([bool(claimed(random, curve, curve, **how)) for _ in range(studies)])


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize(("tuning", "seeds"), [(30, 30), (30, 100)])
def test_equal_activations_are_told_apart_in_at_most_5_percent_of_studies(curve, tuning, seeds):
    assert alarms(12, CURVES[curve], 700, tuning=tuning, seeds=seeds) <= 0.05


def test_without_the_alternatives_a_choice_on_few_seeds_would_tell_equal_ones_apart():
    assert alarms(13, CURVES["rising"], 300, naive="alternatives") > 0.1


def test_a_choice_on_the_reported_seeds_would_tell_equal_ones_apart():
    assert alarms(14, CURVES["flat"], 600, naive="seeds") > 0.06


def test_activations_that_differ_by_far_are_told_apart():
    random = np.random.Generator(np.random.PCG64(15))
    worse = tuple(max(0.0, rate - 0.3) for rate in CURVES["with a peak"])
    found = [claimed(random, worse, CURVES["with a peak"]) for _ in range(100)]
    assert found.count("less") > 80
    assert "more" not in found


def test_a_p_value_is_the_largest_over_what_the_worse_one_might_have_been_given():
    seeds = {"good": "1" * 18 + "0" * 2, "bad": "1" * 2 + "0" * 18}
    solved = {label: cell([c == "1" for c in text]).solved for label, text in seeds.items()}
    nearly = cell([c == "1" for c in "1" * 9 + "0" * 11]).solved
    better = cell([True] * 20).solved
    assert pair(solved, "bad").against["good"].p == mcnemar_exact(16, 0)
    assert pair(solved, "bad", {"bad": [nearly]}).against["good"].p == mcnemar_exact(9, 0)
    assert pair(solved, "good", {"bad": [nearly]}).against["bad"].p == mcnemar_exact(9, 0)
    assert pair(solved, "bad", {"bad": [nearly, better]}).against["good"].p == 1.0
    assert pair(solved, "bad", {"good": [solved["bad"]]}).against["good"].p == mcnemar_exact(16, 0)
    assert pair(solved, "bad").ranks == {"good": 1, "bad": 2}
    assert pair(solved, "bad", {"bad": [better]}).ranks == {"good": 1, "bad": 1}


# --- experiments ------------------------------------------------------------------------------


def experiment(**flags):
    small = {
        "activations": "tanh,ultra_fast,hard",
        "tune": "learning_rate=0.1,1,8",
        "epochs": "60",
        "seeds": "12",
        "loss": "squared",
        "update": "batch",
        "expect": "{tanh: {solved_at_least: 0}}",
        "predict_with": "hard",
        "baseline": "hard",
    }
    return load_experiment(flags=small | flags)


def trained(chosen):
    return gather(chosen, run(chosen))


def test_a_value_is_tried_as_it_would_be_trained_alone():
    chosen = experiment()
    tries = tuning_experiments(chosen)
    assert [tried.learning_rate for tried in tries] == [0.1, 1.0, 8.0]
    for tried in tries:
        alone = experiment(
            tune="null",
            learning_rate=str(tried.learning_rate),
            seeds=",".join(map(str, range(12, 24))),
        )
        for ours, theirs in zip(trained(tried).results, trained(alone).results, strict=True):
            np.testing.assert_array_equal(ours.solved, theirs.solved)
            np.testing.assert_array_equal(ours.solved_at, theirs.solved_at)
    labels = [variant.label for tried in tries for variant in tried.variants]
    assert len({*labels}) == 9


def test_each_variant_is_reported_as_it_would_be_alone_at_its_own_learning_rate():
    chosen = experiment()
    choices = choose_rates(chosen, [trained(tried) for tried in tuning_experiments(chosen)])
    assert list(choices) == ["tanh", "hard"]
    own = apply_choices(chosen, choices)
    assert own.is_tuned
    for result in trained(own).results:
        label = result.variant.label
        if label == "ultra_fast":
            assert result.failure
            continue
        rate = choices[label].value
        assert own.learning_rate_of(result.variant) == rate
        alone = load_experiment(
            flags={
                "activation": label, "learning_rate": str(rate), "seeds": "12", "epochs": "60",
                "loss": "squared", "update": "batch",
            }
        )  # fmt: skip
        (theirs,) = trained(alone).results
        np.testing.assert_array_equal(result.predictions, theirs.predictions)


def test_without_tuning_it_is_the_comparison_of_always():
    chosen = experiment()
    one, always = trained(without_tuning(chosen)), trained(experiment(tune="null"))
    assert not one.experiment.is_tuned
    for ours, theirs in zip(one.results, always.results, strict=True):
        np.testing.assert_array_equal(ours.predictions, theirs.predictions)


# --- what it changes --------------------------------------------------------------------------


def paired(claim):
    difference = {"more": 0.5, "less": -0.5, "": 0.1}[claim]
    return Paired("x", 1, 1, 1, 1, difference, -1.0, 1.0, p=0.01 if claim else 0.5)


@pytest.mark.parametrize(
    ("own", "shared", "kind"),
    [
        ("more", "more", SAME),
        ("less", "less", SAME),
        ("", "", NONE),
        ("more", "", APPEARS),
        ("less", "", APPEARS),
        ("", "less", VANISHES),
        ("more", "less", TURNS),
        ("less", "more", TURNS),
    ],
)
def test_a_claim_stays_appears_vanishes_or_turns_round(own, shared, kind):
    change = Change(paired(own), paired(shared))
    assert (change.own.claim, change.shared.claim, change.kind) == (own, shared, kind)


@pytest.fixture(scope="module")
def whole():
    """A tuned comparison, from what was tried to the same at one learning rate."""
    chosen = experiment(activations="tanh,sigmoid,hard,ultra_fast", expect="null")
    tries = [trained(tried) for tried in tuning_experiments(chosen)]
    choices = choose_rates(chosen, tries)
    own = trained(apply_choices(chosen, choices))
    others = [trained(other) for other in alternative_experiments(chosen, choices)]
    return own, tries, others, trained(without_tuning(chosen))


def test_the_alternatives_are_what_the_values_not_told_apart_do_on_the_reported_seeds(whole):
    made = analyse_tuning(*whole)
    count = 0
    for label, choice in made.choices.items():
        assert set(made.alternatives[label]) == set(choice.alternatives)
        for value, solved in made.alternatives[label].items():
            alone = experiment(
                tune="null", learning_rate=str(value), activations=f"{label},elu", expect="null",
                baseline="elu",
            )  # fmt: skip
            np.testing.assert_array_equal(solved, trained(alone).results[0].solved)
            count += 1
    assert count > 0


def test_claims_are_set_side_by_side(whole):
    made = analyse_tuning(*whole)
    own, _, _, one = whole
    assert made.pairing.baseline == "hard"
    assert list(made.changes) == ["tanh", "sigmoid"]
    assert made.changes["tanh"].own == made.pairing.against["tanh"]
    assert made.changes["tanh"].shared == summarise(one).pairing.against["tanh"]
    p_alone = summarise(own).pairing.against["tanh"].p
    assert made.pairing.against["tanh"].p >= p_alone


def test_what_was_not_trained_to_its_end_is_not_compared(whole):
    own, tries, others, one = whole
    stopped = gather(one.experiment, list(run(one.experiment))[:2])
    for shared in (stopped, None):
        made = analyse_tuning(own, tries, others, shared)
        assert made.pairing is not None
        assert (made.shared, made.changes) == (None, {})
    for fewer in (others[1:], [gather(others[0].experiment, []), *others[1:]]):
        made = analyse_tuning(own, tries, fewer, one)
        assert (made.pairing, made.changes) == (None, {})
    first = others[0]
    failed = replace(first, results=tuple(Training.failed(r.variant, "x") for r in first.results))
    assert analyse_tuning(own, tries, [failed, *others[1:]], one).pairing is None


def test_another_baseline_is_another_comparison(whole):
    own, tries, others, one = whole
    other = replace(one, experiment=replace(one.experiment, baseline="tanh"))
    assert analyse_tuning(own, tries, others, other).changes == {}
