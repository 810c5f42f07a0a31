"""Which learning rate is chosen, how sharply, and that a claim does not profit from the choice."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prepared import cell, failed_cell

from hsig.analysis.pairing import pair
from hsig.analysis.parts import ALTERNATIVE, ONE_RATE, TUNING, Part
from hsig.analysis.statistics import holm, sign_test
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
    values = {0.1: solving("1100"), 1.0: solving("0111"), 10.0: solving("0001")}
    choice = choose_rate("hard", values)
    assert (choice.label, choice.value, choice.edge) == ("hard", 1.0, "")
    assert [tried.solved.k for tried in choice.tried] == [2, 3, 1]
    assert choice.chosen.epochs_to_solve == 7


@given(st.dictionaries(st.floats(1e-3, 1e3), st.tuples(st.integers(0, 4), st.integers(1, 3))))
def test_no_value_beats_the_chosen_one(found):
    """By the seeds solved, then the lower median, then the smaller value."""
    results = {
        value: solving("1" * k + "0" * (4 - k), at) for value, (k, at) in sorted(found.items())
    }
    choice = choose_rate("hard", results)
    if choice is None:
        assert not found
        return
    orders = [(-tried.solved.k, tried.epochs_to_solve, tried.value) for tried in choice.tried]
    assert min(orders)[-1] == choice.value


def test_a_seed_that_diverged_is_not_one_that_was_solved():
    lost = replace(solving("1111"), solved=np.zeros(4, dtype=bool), diverged_at=np.full(4, 9))
    choice = choose_rate("hard", {0.1: solving("1000"), 1.0: lost})
    assert (choice.value, choice.tried[1].solved.k) == (0.1, 0)
    assert choice.tried[1].epochs_to_solve == np.inf


@pytest.mark.parametrize(
    ("flags", "edge"),
    [
        (("111", "110", "000"), LOWER),
        (("000", "111", "000"), ""),
        (("000", "110", "111"), UPPER),
        (("000", "000", "000"), ""),  # nothing solved: the smallest, and no end
    ],
)
def test_the_best_of_the_values_may_lie_at_their_end(flags, edge):
    choice = choose_rate("hard", dict(zip((0.1, 1.0, 10.0), map(solving, flags), strict=True)))
    assert choice.edge == edge


def test_what_could_not_be_trained_is_not_chosen():
    failed = failed_cell("broken")
    assert choose_rate("hard", {0.1: failed, 1.0: solving("00")}).value == 1.0
    assert choose_rate("hard", {0.1: failed, 1.0: failed}) is None


def test_a_value_is_told_apart_by_mcnemar_after_holm_over_all_pairs_of_values():
    flags = {0.1: "1" * 4 + "0" * 16, 1.0: "0" * 2 + "1" * 18, 10.0: "0" * 8 + "1" * 12}
    choice = choose_rate("hard", {value: solving(text) for value, text in flags.items()})
    pairs = [(2, 16), (4, 12), (6, 0)]  # only the first, only the second: 0.1-1, 0.1-10, 1-10
    low_best, _, best_high = holm([sign_test(*counts) for counts in pairs])
    assert [tried.p for tried in choice.tried] == [low_best, 1.0, best_high]
    assert [(t.better, t.worse) for t in choice.tried] == [(2, 16), (0, 0), (0, 6)]
    assert choice.alternatives == (10.0,)
    assert low_best < 0.05 < best_high


# --- a claim does not profit from the choice --------------------------------------------------

CURVES = {  # of the share of the seeds that is solved, by learning rate
    "flat": (0.6,) * 7,
    "with a peak": (0.0, 0.3, 0.5, 0.8, 0.8, 0.7, 0.1),
    "rising": (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8),
}


def claimed(random, one, other, *, naive=""):
    """Whether two activations, each tuned, are told apart, whose seeds have luck in common.

    `one` and `other` are shares of solved seeds by learning rate. `naive` is `alternatives`, not
    to look at these; or `seeds`, to tune one of the two on the reported seeds.
    """
    tuning, solved, alternatives = 30, {}, {}
    luck = random.random((1, tuning + 100))
    for label, rates in (("one", one), ("other", other)):
        own = random.random((len(rates), tuning + 100))
        drawn = np.where(random.random(own.shape) < 0.3, luck, own) < np.array(rates)[:, None]
        tried, reported = drawn[:, :tuning], drawn[:, tuning:]
        if naive == "seeds":
            tried = reported if label == "one" else reported[:1]
        choice = choose_rate(label, {float(place): cell(row) for place, row in enumerate(tried)})
        solved[label] = reported[int(choice.value)]
        alternatives[label] = [reported[int(place)] for place in choice.alternatives]
    return pair(solved, "other", {} if naive else alternatives).against["one"].claim


def alarms(seed, curve, studies, **how):
    """In which share of studies two equal activations are told apart."""
    random = np.random.Generator(np.random.PCG64(seed))
    return np.mean([bool(claimed(random, curve, curve, **how)) for _ in range(studies)])


@pytest.mark.parametrize("curve", CURVES)
def test_equal_activations_are_told_apart_in_at_most_5_percent_of_studies(curve):
    assert alarms(12, CURVES[curve], 200) <= 0.05


def test_without_the_alternatives_or_other_seeds_equal_ones_would_be_told_apart():
    assert alarms(13, CURVES["rising"], 120, naive="alternatives") > 0.1
    assert alarms(14, CURVES["flat"], 300, naive="seeds") > 0.06


def test_activations_that_differ_by_far_are_told_apart():
    random = np.random.Generator(np.random.PCG64(15))
    worse = tuple(max(0.0, rate - 0.3) for rate in CURVES["with a peak"])
    found = [claimed(random, worse, CURVES["with a peak"]) for _ in range(60)]
    assert found.count("worse") > 45
    assert "better" not in found


# --- experiments ------------------------------------------------------------------------------


def experiment(**flags):
    small = {
        "activations": "tanh,ultra_fast,hard",
        "tune": "learning_rate=0.1,1,8",
        "epochs": "60",
        "seeds": "12",
        "loss": "squared",
        "update": "batch",
        "predict_with": "hard",
        "baseline": "hard",
    }
    return load_experiment(flags=small | flags)


def trained(chosen):
    return gather(chosen, run(chosen))


def test_a_value_is_tried_as_it_would_be_trained_alone():
    tries = tuning_experiments(experiment(expect="{tanh: {solved_at_least: 0}}"))
    assert [tried.learning_rate for tried in tries] == [0.1, 1.0, 8.0]
    assert len({variant.label for tried in tries for variant in tried.variants}) == 9
    seeds = ",".join(map(str, range(12, 24)))
    alone = experiment(tune="null", learning_rate="8", seeds=seeds)
    for ours, theirs in zip(trained(tries[2]).results, trained(alone).results, strict=True):
        np.testing.assert_array_equal(ours.solved_at, theirs.solved_at)


@pytest.fixture(scope="module")
def whole():
    """A tuned comparison, from what was tried to the same at one learning rate."""
    chosen = experiment(activations="tanh,sigmoid,hard,ultra_fast")
    tries = tuning_experiments(chosen)
    tuning = [Part("", tried, trained(tried), TUNING) for tried in tries]
    choices = choose_rates(chosen, [part.outcome for part in tuning])
    assert list(choices) == ["tanh", "sigmoid", "hard"]
    main = Part("", chosen, trained(apply_choices(chosen, choices)))
    others = alternative_experiments(chosen, choices)
    alternatives = [Part("", other, trained(other), ALTERNATIVE) for other in others]
    one = without_tuning(chosen)
    return main, tuning, alternatives, Part("", one, trained(one), ONE_RATE)


def test_each_variant_is_reported_as_it_would_be_alone_at_its_own_learning_rate(whole):
    main, *_, shared = whole
    for result in main.outcome.results[:3]:
        rate = main.outcome.experiment.learning_rate_of(result.variant)
        flags = {"activations": f"{result.variant.label},elu", "baseline": "elu"}
        (theirs, _) = trained(experiment(tune="null", learning_rate=str(rate), **flags)).results
        np.testing.assert_array_equal(result.predictions, theirs.predictions)
    always = trained(experiment(tune="null", activations="tanh,sigmoid,hard,ultra_fast"))
    assert not shared.outcome.experiment.is_tuned
    for ours, theirs in zip(shared.outcome.results, always.results, strict=True):
        np.testing.assert_array_equal(ours.predictions, theirs.predictions)


def test_claims_and_alternatives_are_set_side_by_side(whole):
    main, tuning, alternatives, shared = whole
    found = analyse_tuning(main, [main, *tuning, *alternatives, shared])
    for label, choice in found.choices.items():
        assert set(found.alternatives[label]) == set(choice.alternatives)
        for value, solved in found.alternatives[label].items():
            flags = {"activations": f"{label},elu", "baseline": "elu", "tune": "null"}
            alone = trained(experiment(learning_rate=str(value), **flags))
            np.testing.assert_array_equal(solved.solved, alone.results[0].solved)
    assert any(found.alternatives.values())
    assert found.pairing.baseline == "hard"
    assert list(found.changes) == ["tanh", "sigmoid"]
    change = found.changes["tanh"]
    assert change.own == found.pairing.against["tanh"]
    assert change.shared == summarise(shared.outcome).pairing.against["tanh"]
    assert change.own.p >= summarise(main.outcome).pairing.against["tanh"].p


def test_what_was_not_trained_to_its_end_is_not_compared(whole):
    main, tuning, alternatives, shared = whole
    assert analyse_tuning(main, [main]) is None
    one = shared.experiment
    stopped = replace(shared, outcome=gather(one, list(run(one))[:2]))
    for more in ([stopped], []):
        found = analyse_tuning(main, [main, *tuning, *alternatives, *more])
        assert found.pairing is not None
        assert (found.shared, found.changes) == (None, {})
    first = alternatives[0]
    failures = tuple(Training.failed(r.variant, "x") for r in first.outcome.results)
    failed = replace(first, outcome=replace(first.outcome, results=failures))
    for fewer in (alternatives[1:], [failed, *alternatives[1:]]):
        found = analyse_tuning(main, [main, *tuning, *fewer, shared])
        assert (found.pairing, found.changes) == (None, {})
    outcome = replace(
        shared.outcome, experiment=replace(shared.outcome.experiment, baseline="tanh")
    )
    other = replace(shared, outcome=outcome)  # another baseline is another comparison
    assert analyse_tuning(main, [main, *tuning, *alternatives, other]).changes == {}


@pytest.mark.parametrize(
    ("own", "shared", "kind"),
    [
        ("better", "better", SAME),
        ("", "", NONE),
        ("worse", "", APPEARS),
        ("", "worse", VANISHES),
        ("better", "worse", TURNS),
    ],
)
def test_a_claim_stays_appears_vanishes_or_turns_round(own, shared, kind):
    solved = {"better": [True] * 9, "worse": [False] * 9, "": [True] * 5 + [False] * 4}
    others = {claim: np.array(seeds) for claim, seeds in solved.items()}
    base = {"better": others["worse"], "worse": others["better"], "": others[""]}
    claims = [
        pair({"x": others[claim], "base": base[claim]}, "base").against["x"]
        for claim in (own, shared)
    ]
    change = Change(*claims)
    assert (change.own.claim, change.shared.claim, change.kind) == (own, shared, kind)
