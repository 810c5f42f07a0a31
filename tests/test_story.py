"""Each sentence has a count, and the counts are counted again here from the seeds' own numbers."""

import re

import numpy as np
import pytest
from pages import sentences

from hsig.activations import ACTIVATIONS
from hsig.analysis.remedies import judge_remedy, propose_remedies
from hsig.analysis.summary import summarise
from hsig.config.loading import load_experiment
from hsig.experiments.training import gather, run
from hsig.experiments.verdicts import RULES, VERDICTS
from hsig.reports.comparison import comparison_page
from hsig.reports.documents import document
from hsig.reports.explanation import piece_name, solved_later, told, told_later
from hsig.reports.phrases import MEANINGS
from hsig.reports.training import training_page


def told_of(**flags):
    """The paragraphs about an experiment, and its seeds as its JSON has them."""
    flags = {key: str(value) for key, value in flags.items()}
    chosen = load_experiment(flags={"seeds": "100"} | flags, command="explain")
    outcome = gather(chosen, run(chosen))
    summary = summarise(outcome)
    paragraphs = told(summary, summary.variants[0], outcome.results[0])
    return paragraphs, document(outcome, summary)["variants"][0]["seeds"]


def number_before(text, words):
    """The count that stands before some words."""
    return int(re.search(rf"(\d+)\D*{re.escape(words)}", text).group(1))


def number_after(text, words):
    return int(re.search(rf"{re.escape(words)}\D*(\d+)", text).group(1))


def test_every_seed_is_counted_once_and_the_most_frequent_failure_is_told():
    paragraphs, seeds = told_of(activation="hard", init="uniform:-4,4", loss="squared")
    counts = dict(re.findall(r"(\w+) (\d+)[,.]", paragraphs[0].partition(": ")[2]))
    words = [seed["verdict"] for seed in seeds]
    assert counts == {word: str(words.count(word)) for word in set(words)}
    assert paragraphs[1].startswith("It is frozen.")


def test_what_else_the_failed_seeds_are_is_counted_whatever_their_verdict():
    """Dying units: the hidden layer is dead, and the network affine as well."""
    paragraphs, _ = told_of(activation="relu", init="uniform:-1,0", epochs=500)
    beside = paragraphs[2]
    assert beside.startswith("Of the 100 failed seeds, whatever their verdict: ")
    assert number_after(beside, "hidden layer without any slope") == 100
    assert number_after(beside, "flat on every wrong sample") == 0
    assert number_after(beside, "within 0.01 of affine") == 100
    assert number_after(beside, "not finite") == 0
    assert beside.endswith("in the hidden layer it is exactly 0 for 100.")


def test_affine_is_told_with_the_departure_the_pieces_and_the_best_fit():
    paragraphs, seeds = told_of(activation="hard", epochs=400, loss="squared")
    affine = [seed for seed in seeds if seed["verdict"] == "affine"]
    text = paragraphs[1]
    assert text.startswith(f"It is affine. In {len(affine)} of 99 failed seeds the output's")
    departure = max(seed["evidence"]["departure"][-1] for seed in affine)
    assert f"is within {departure:.2g} of an affine function" in text
    exactly = sum(seed["evidence"]["on_one_piece"][-1] == 1.0 for seed in affine)
    assert number_before(text, "of them it is one exactly") == exactly > 80
    assert "a least-squares fit, has cost 0.250000, predicts 0.5, 0.5" in text
    assert "right on 0 of 4 samples" in text
    moving = sum(any(seed["evidence"]["gradient"][-1]) for seed in affine)
    assert number_before(text, "of them: their weights still move") == moving


def test_a_logistic_network_close_to_affine_is_told_so_and_not_by_its_pieces():
    paragraphs, seeds = told_of(loss="squared", epochs=500)
    assert paragraphs[1].startswith("It is affine. In ")
    assert "one linear piece" not in paragraphs[1]
    departures = [s["evidence"]["departure"][-1] for s in seeds if s["verdict"] == "affine"]
    assert 0.0 < min(departures) < max(departures) < 0.01


def test_dead_is_told_with_the_largest_slope():
    paragraphs, seeds = told_of(activation="relu", init="uniform:-1,0", epochs=500)
    assert {seed["verdict"] for seed in seeds} == {"dead"}
    assert paragraphs[1].startswith(
        "It is dead. In 100 of 100 failed seeds no hidden unit has a slope on any sample (the "
        "largest is 0), so the hidden layer stays as it is"
    )
    assert {seed["evidence"]["slope"][-1] for seed in seeds} == {0.0}
    assert {seed["outlook"]["unsolvable"] for seed in seeds} == {True}


def test_frozen_is_told_with_those_that_are_flat():
    paragraphs, seeds = told_of(activation="hard", init="uniform:-8,8", loss="squared")
    frozen = [seed for seed in seeds if seed["verdict"] == "frozen"]
    text = paragraphs[1]
    assert text.startswith(f"It is frozen. In {len(frozen)} of ")
    assert {seed["outlook"]["returns_after"] for seed in frozen} == {1}
    assert "after one epoch more, all weights are what they were, bit for bit" in text
    flat = sum(seed["evidence"]["saturated"][-1] for seed in frozen)
    assert number_after(text, "flat on every wrong sample in") == flat


def test_saturated_is_told_with_those_that_still_move():
    paragraphs, seeds = told_of(loss="squared", init="uniform:-30,30")
    flat = [seed for seed in seeds if seed["verdict"] == "saturated"]
    text = paragraphs[1]
    assert text.startswith(f"Its output is saturated. In {len(flat)} of ")
    exactly = sum(seed["evidence"]["wrong_gradient"][-1] == 0.0 for seed in flat)
    assert number_after(text, "exactly 0 in") == exactly
    moving = sum(seed["outlook"]["returns_after"] != 1 for seed in flat)
    assert number_before(text, "of them: it need not last") == moving


def test_unstable_is_told_with_what_rises_and_what_is_thrown():
    paragraphs, seeds = told_of(activation="tanh", learning_rate=3, epochs=300)
    unstable = [seed for seed in seeds if seed["verdict"] == "unstable"]
    text = paragraphs[1]
    assert text.startswith(f"It is unstable. In {len(unstable)} of ")
    rising = sum(float(seed["outlook"]["rise"]) >= 0.01 for seed in unstable)
    thrown = sum(float(seed["outlook"]["swing"]) >= 0.5 for seed in unstable)
    assert re.findall(r"\((\d+)\)", text) == [str(rising), str(thrown)]
    assert rising + thrown >= len(unstable)


@pytest.mark.parametrize(
    ("word", "start", "flags"),
    [
        ("plateau", "It is on a plateau, and not solved", {"init": "uniform:-0.01,0.01"}),
        (
            "slow",
            "It is slow: not solved within this budget.",
            {"activation": "tanh", "epochs": 200},
        ),
    ],
)
def test_what_is_not_solved_within_its_budget_is_told_with_its_cost(word, start, flags):
    paragraphs, seeds = told_of(**flags)
    these = [seed for seed in seeds if seed["verdict"] == word]
    text = paragraphs[1]
    assert text.startswith(start)
    assert number_after(text, "In") == len(these)
    cost = np.median([seed["cost_mean"][-1] for seed in these])
    assert f"{cost:.6f} in the median" in text
    falls = np.array([float(seed["outlook"]["fall"]) for seed in these])
    assert (falls < 0.001).all() if word == "plateau" else (falls >= 0.001).all()


def test_theanos_log_loss_is_named_and_not_the_activation():
    paragraphs, _ = told_of(activation="hard", loss="bce_naive", epochs=8000, seeds=20)
    start = "It is the loss bce_naive, not the activation. It is undefined, 0/0"
    assert paragraphs[1].startswith(start)


@pytest.mark.parametrize(
    ("start", "flags"),
    [
        (
            "It is the size of the steps",
            {"activation": "leaky_relu:leak=1", "learning_rate": 10, "epochs": 300,
             "output_activation": "same", "loss": "squared"},
        ),
        (
            "It is the loss bce at a saturated output",
            {"activation": "hard:backward=logistic", "init": "uniform:-8,8", "epochs": 20},
        ),
    ],
)  # fmt: skip
def test_each_cause_of_divergence_has_its_words(start, flags):
    paragraphs, seeds = told_of(**flags, seeds=20)
    assert paragraphs[1].startswith(start)
    diverged = sorted(s["diverged_at"] for s in seeds if s["diverged_at"] is not None)
    assert number_after(paragraphs[1], "first in epoch") == diverged[0]


def test_a_loss_that_fails_on_wrong_answers_as_often_is_not_the_only_one_to_blame():
    paragraphs, _ = told_of(
        activation="hard", loss="bce_naive", epochs=300, init="uniform:-8,8", seeds=40
    )
    assert "not the activation" not in paragraphs[1]
    assert paragraphs[1].startswith("It is the loss bce_naive")


def test_a_training_that_was_stopped_is_not_explained():
    chosen = load_experiment(flags={"activation": "hard", "epochs": "100", "seeds": "5"})
    outcome = gather(chosen, [event for event in run(chosen) if event.epoch < 100])
    summary = summarise(outcome)
    text = told(summary, summary.variants[0], outcome.results[0])[1]
    assert text == (
        "Training was stopped before its budget, so why 5 of 5 failed seeds failed is not known."
    )


def test_a_chaotic_setting_is_marked_and_a_steady_one_is_not():
    paragraphs, seeds = told_of(activation="relu", learning_rate=10, loss="squared")
    parted = [float(seed["parted"]) for seed in seeds if seed["parted"] is not None]
    assert len(parted) == 40
    elsewhere = sum(distance >= 0.01 for distance in parted)
    assert paragraphs[-1].startswith(f"chaotic: {elsewhere} of 40 seeds end elsewhere when each")
    assert not any("chaotic" in text for text in told_of(activation="relu", loss="squared")[0])


@pytest.mark.parametrize(
    "flags",
    [
        {"activation": "hard", "epochs": 400},
        {"activation": "sigmoid", "epochs": 500, "loss": "squared"},
        {"activation": "hard", "init": "uniform:-4,4", "loss": "squared", "epochs": 300},
    ],
)
def test_what_ten_times_the_epochs_solve_is_counted_by_verdict(flags):
    """From another training of the same seeds, which goes on where this one ends."""
    flags = {key: str(value) for key, value in flags.items()} | {"seeds": "100"}
    chosen = load_experiment(flags=flags, command="explain")
    outcome = gather(chosen, run(chosen))
    summary = summarise(outcome)
    numbers, result = summary.variants[0], outcome.results[0]
    tried = propose_remedies(chosen)[-1]
    assert tried.experiment.epochs == 10 * chosen.epochs
    longer = gather(tried.experiment, run(tried.experiment))
    trial = judge_remedy(tried, numbers, summarise(longer).variants[0])
    found = solved_later(numbers, result, [trial])
    failed = ~result.solved
    solved_at = longer.results[0].solved_at
    assert sum(of for _, of in found.values()) == failed.sum()
    assert sum(k for k, _ in found.values()) == (solved_at > chosen.epochs).sum() > 0
    for word, (k, of) in found.items():
        these = result.verdict == VERDICTS.index(word)
        assert (k, of) == ((solved_at[these] > chosen.epochs).sum(), these.sum())
        assert k == 0 or not RULES[word].never
        assert f"{k} of {of} {word}" in told_later(numbers, found)[0]
    assert solved_later(numbers, result, []) == {}
    assert told_later(numbers, {}) == ()


def test_a_comparison_and_a_training_mark_what_is_chaotic():
    flags = {"learning_rate": "10", "loss": "squared", "seeds": "40"}
    chosen = load_experiment(flags=flags | {"activations": "relu,hard"}, command="compare")
    outcome = gather(chosen, run(chosen))
    said = [" ".join(block) for block in sentences(comparison_page(outcome, summarise(outcome)))]
    (marked,) = (text for text in " ".join(said).split("relu: ")[1:] if text.startswith("chaotic"))
    assert " of 40 seeds end elsewhere" in marked
    assert "hard: chaotic" not in " ".join(said)
    chosen = load_experiment(flags=flags | {"activation": "relu"})
    outcome = gather(chosen, run(chosen))
    said = [" ".join(block) for block in sentences(training_page(outcome, summarise(outcome)))]
    assert sum("chaotic: " in text for text in said) == 1


BEYOND = "{inputs: [[0], [0.3], [0.7], [1]], targets: [-2.8, 0.2, 1.2, 3.65]}"


def test_targets_that_the_output_cannot_reach_are_named_as_the_cause():
    paragraphs, seeds = told_of(task=BEYOND, loss="squared", epochs=50, seeds=9)
    assert {seed["verdict"] for seed in seeds} == {"unreachable"}
    within = [min(abs(y), abs(y - 1)) < 0.5 or 0 <= y <= 1 for y in (-2.8, 0.2, 1.2, 3.65)]
    assert paragraphs[1].startswith(
        f"No output of sigmoid can be within 0.5 of {within.count(False)} of the 4 targets (they "
        "range from -2.8 to 3.65; its values from 0 to 1): with this output no seed can be solved."
    )
    assert "why 9 of 9 failed seeds failed" in paragraphs[1]
    assert paragraphs[2].startswith("Of the 9 failed seeds, whatever their verdict: ")


def test_targets_that_cannot_be_reached_are_named_before_another_verdict():
    """Theano's log loss at an answer that is exactly right goes before: most seeds diverge."""
    paragraphs, seeds = told_of(
        activation="hard", loss="bce_naive", output_activation="hard:low=0.1", solved_within=0.05,
        init="uniform:-8,8", epochs=300, seeds=20,
    )  # fmt: skip
    words = [seed["verdict"] for seed in seeds]
    assert words.count("diverged") > words.count("unreachable") > 0
    assert paragraphs[1] == (
        "No output of hard:low=0.1 can be within 0.05 of 2 of the 4 targets (they range from 0 to "
        "1; its values from 0.1 to 1): with this output no seed can be solved."
    )
    assert paragraphs[2].startswith("It is the loss bce_naive")


def test_json_has_the_samples_that_cannot_be_reached():
    flags = {"task": BEYOND, "loss": "squared", "epochs": "1"}
    for output, found in (
        ("sigmoid", {"samples": [0, 3], "of": 4, "targets": [-2.8, 3.65], "output": [0, 1],
                     "within": 0.5}),
        ("relu", {"samples": [0], "of": 4, "targets": [-2.8, 3.65], "output": [0, "Infinity"],
                  "within": 0.5}),
        ("identity", None),
    ):  # fmt: skip
        chosen = load_experiment(flags=flags | {"output_activation": output})
        outcome = gather(chosen, run(chosen))
        (variant,) = document(outcome, summarise(outcome))["variants"]
        assert variant["out_of_reach"] == found


def test_every_verdict_has_a_meaning():
    assert list(MEANINGS) == list(RULES)


def test_pieces_are_named_as_one_reads_them():
    line = ACTIVATIONS["leaky_relu"].with_settings({"leak": 1.0}, None)
    assert [piece_name(piece) for piece in ACTIVATIONS["relu"].linear_pieces] == [
        "x below 0", "x above 0"
    ]  # fmt: skip
    assert "all x" in {piece_name(piece) for piece in line.linear_pieces} or line.linear_pieces
