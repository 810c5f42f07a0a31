import json
from collections import Counter

import numpy as np
import pytest
from hsig.output.export import story_as_json, story_as_markdown, trials_as_csv

from hsig.analysis.remedies import Remedy, Trial, cheapest, has_failed, judge, remedies
from hsig.analysis.statistics import CLAIM_SEEDS
from hsig.analysis.summary import Solved, summarise
from hsig.config.loading import load_experiment
from hsig.experiments.experiment import Failure
from hsig.experiments.training import gather, gather_all, run
from hsig.networks.activations import ACTIVATIONS
from hsig.output.screen import render_conclusion, render_story
from hsig.reports.explanation import piece_name, tell


def experiment(**flags):
    return load_experiment(
        flags={key: str(value) for key, value in flags.items()}, command="explain"
    )


def changes(**flags):
    return [(remedy.name, remedy.layers) for remedy in remedies(experiment(**flags))]


def result_of(chosen):
    (result,) = gather(chosen, run(chosen)).results
    return result


def told(trials=None, **flags):
    chosen = experiment(**flags)
    outcome = gather(chosen, run(chosen))
    if trials is None:
        trials = [
            judge(remedy, outcome.results[0], result_of(remedy.experiment))
            for remedy in remedies(chosen)
        ]
    return outcome, tell(summarise(outcome), outcome.results[0], trials), trials


def trial(k, n, name="x", *, works=False, epochs=10):
    chosen = experiment(activation="hard", epochs=epochs)
    return Trial(Remedy(name, "", chosen), Solved(k, n, 0.0, 1.0), {}, works=works)


# --- which remedies ---------------------------------------------------------------------------


def test_explain_has_enough_seeds_for_a_claim_by_default():
    assert len(experiment().seeds) == CLAIM_SEEDS == 100
    assert experiment().cost == "mean"


def test_the_remedies_of_the_question():
    assert changes(activation="hard", loss="squared") == [
        ("learning rate 1", ""),
        ("learning rate 0.01", ""),
        ("batch updates", ""),
        ("initial weights from [-2, 2)", ""),
        ("initial weights from [-4, 4)", ""),
        ("logistic gradient", "both"),
        ("leak 0.05", "hidden"),
        ("leak 0.05", "output"),
        ("leak 0.05", "both"),
        ("slope 0.25", "both"),
        ("slope 0.5", "both"),
        ("sigmoid", "output"),
        ("5 times the epochs", ""),
    ]


def test_remedies_are_tried_only_where_they_make_sense():
    naive = changes(activation="hard", loss="bce_naive")
    assert naive[0] == ("loss bce", "")
    assert ("leak 0.05", "output") not in naive  # it would leave [0, 1]
    assert ("leak 0.05", "hidden") in naive
    smooth = [name for name, _ in changes(activation="sigmoid")]
    assert not any(name.startswith(("leak", "slope", "logistic", "sigmoid")) for name in smooth)
    assert ("online updates", "") in changes(update="batch")
    assert not any("initial" in name for name, _ in changes(hidden=1, seeds=1, initial_weights=
        "{hidden: [[1], [2], [3]], output: [[1], [2]]}"))  # fmt: skip
    assert ("initial weights from [-2, 2)", "") not in changes(init="uniform:-2,2")
    mixed = changes(activation="tanh", output_activation="ultra_fast")
    assert mixed[0] == ("own gradient", "output")
    assert ("slope 0.25", "both") not in changes(activation="hard:slope=0.25", loss="squared")
    relu = changes(activation="relu", loss="bce")
    assert ("leak 0.05", "hidden") in relu
    assert not any(name.startswith("slope") for name, _ in relu)


def test_what_has_no_gradient_is_given_one_and_nothing_else_is_tried():
    assert changes(activation="ultra_fast") == [
        ("own gradient", "both"),
        ("output gradient", "both"),
        ("logistic gradient", "both"),
    ]


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
@pytest.mark.parametrize("loss", ["squared", "bce", "bce_naive"])
def test_every_remedy_of_every_activation_can_be_trained(name, loss):
    tried = remedies(experiment(activation=name, loss=loss, epochs=2, seeds=2))
    labels = [remedy.experiment.variants[0].label for remedy in tried]
    assert len(set(labels)) == len(labels)
    for remedy in tried:
        assert not isinstance(result_of(remedy.experiment), Failure)
        if loss != "squared":
            assert remedy.experiment.variants[0].output_activation.maps_into_unit_interval


def test_a_remedy_changes_what_it_says_and_starts_from_the_same_seeds():
    chosen = experiment(activation="hard", loss="squared", seeds="5,3")
    by_label = {r.experiment.variants[0].label: r.experiment for r in remedies(chosen)}
    assert by_label["learning rate 1"].learning_rate == 1.0
    assert by_label["5 times the epochs"].epochs == 20_000
    leaky = by_label["leak 0.05 output"].variants[0]
    assert leaky.hidden_activation == chosen.variants[0].hidden_activation
    assert leaky.output_activation.parameters["leak"] == 0.05
    both = by_label["logistic gradient both"].variants[0]
    assert both.hidden_activation.backward == both.output_activation.backward == "logistic"
    for changed in by_label.values():
        assert changed.seeds == (5, 3)
        if changed.init == chosen.init:
            np.testing.assert_array_equal(
                changed.starting_weights().hidden, chosen.starting_weights().hidden
            )


# --- what is claimed --------------------------------------------------------------------------


def test_a_remedy_works_when_most_are_solved_and_the_interval_lies_above():
    better = experiment(activation="tanh", epochs=600, seeds=100)
    worse = experiment(activation="tanh", epochs=50, seeds=100)
    before, after = result_of(worse), result_of(better)
    assert judge(Remedy("x", "", better), before, after).works
    assert not judge(Remedy("x", "", better), after, after).works
    few = experiment(activation="tanh", epochs=600, seeds=99)
    assert not judge(Remedy("x", "", few), before, result_of(few)).works


def test_a_remedy_that_cannot_be_trained_does_not_work():
    chosen = experiment(activation="ultra_fast", epochs=1)
    found = judge(Remedy("x", "", chosen), result_of(experiment(epochs=1)), result_of(chosen))
    assert (found.solved, found.verdicts, found.works) == (None, {}, False)


def test_the_cheapest_is_the_one_with_the_least_training_and_then_the_first():
    one, two = trial(90, 100, "one", works=True), trial(99, 100, "two", works=True)
    long = trial(100, 100, "long", works=True, epochs=50)
    assert cheapest([long, one, two]) is one
    assert cheapest([trial(1, 100)]) is None


def test_failed_is_whatever_is_not_all_solved():
    assert has_failed(result_of(experiment(activation="ultra_fast", epochs=1)))
    assert has_failed(result_of(experiment(epochs=1, seeds=2)))
    assert not has_failed(result_of(experiment(activation="tanh", epochs=1000, seeds=2)))


# --- the story --------------------------------------------------------------------------------


def test_the_questions_network_is_affine_and_not_dead():
    _, story, _ = told([], activation="hard", epochs=400, loss="squared")
    _, disease, others = story.what
    assert disease.startswith("It is affine. In 95 of 99 failed seeds each of the 3 hidden units")
    assert "fit to this task, a least-squares one, has cost 0.250000, predicts 0.5, 0.5" in disease
    assert "right on 0 of 4 rows" in disease
    assert others.startswith("What it is not: dead, with a gradient of exactly 0 on every wrong")
    assert "diverged, with a weight that is not finite: 0 of 99 failed seeds" in others


def test_theanos_log_loss_is_named_and_not_the_activation():
    _, story, _ = told([], activation="hard", loss="bce_naive", epochs=8000, seeds=20)
    disease = story.what[1]
    assert disease.startswith("It is the loss bce_naive, not the activation. It is undefined, 0/0")


@pytest.mark.parametrize(
    ("start", "flags"),
    [
        ("It is dead.", {"activation": "hard_binary", "loss": "squared", "epochs": 100}),
        ("It is slow, or not there yet.", {"activation": "tanh", "epochs": 200}),
        ("It stands still.", {"activation": "sigmoid", "epochs": 300, "loss": "squared"}),
        (
            "It is the size of the steps",
            {"activation": "leaky_relu:leak=1", "learning_rate": 10, "epochs": 300},
        ),
        (
            "It is the loss bce at a saturated output",
            {"activation": "hard:backward=logistic", "init": "uniform:-8,8", "epochs": 20},
        ),
    ],
)
def test_every_disease_has_its_words(start, flags):
    if "leak=1" in flags["activation"]:
        flags = {**flags, "output_activation": "same", "loss": "squared"}
    _, story, _ = told([], **flags, seeds=20)
    assert story.what[1].startswith(start)


def test_an_affine_network_that_could_solve_its_task_is_not_blamed_for_its_shape():
    _, story, _ = told([], activation="hard", task="and", epochs=3, loss="squared", seeds=10)
    assert story.what[1].startswith("It is affine, but that is not what stops it: the best affine")


def test_when_all_is_solved_there_is_nothing_to_explain():
    _, story, _ = told([], activation="tanh", epochs=1000, seeds=2)
    assert story.what == ("Every seed is solved: there is nothing to explain.",)
    assert (story.remedies, story.conclusion) == (None, ())


def test_few_seeds_support_no_claim():
    _, story, trials = told(activation="hard", epochs=3, seeds=5)
    assert story.conclusion[0] == "5 seeds support no claim: use --seeds 100."
    assert not any(trial.works for trial in trials)


def test_nothing_is_concluded_from_remedies_that_were_interrupted():
    chosen = experiment(activation="hard", epochs=3)
    outcome = gather(chosen, run(chosen))
    tried = [trial(93, 100, works=True)]
    story = tell(summarise(outcome), outcome.results[0], tried, missing=2)
    assert story.conclusion == (
        "Interrupted: 1 of 3 remedies were tried, so nothing is concluded.",
    )
    made = json.loads(story_as_json(outcome, story, tried, missing=2))
    assert (made["complete"], made["remedies_missing"]) == (False, 2)


def test_given_initial_weights_are_told_to_go_before_more_seeds_come():
    weights = "{hidden: [[1], [2], [3]], output: [[1], [2]]}"
    _, story, _ = told(
        activation="hard", hidden=1, seeds=1, initial_weights=weights, epochs=2, loss="squared"
    )
    assert story.conclusion[0] == (
        "1 seed supports no claim: use --initial-weights '' --seeds 100."
    )


def test_a_loss_that_fails_on_wrong_answers_as_often_is_not_the_only_one_to_blame():
    _, story, _ = told(
        [], activation="hard", loss="bce_naive", epochs=300, init="uniform:-8,8", seeds=40
    )
    assert "not the activation" not in story.what[1]
    assert story.what[1].startswith("It is the loss bce_naive")


def test_the_conclusion_names_the_cheapest_or_says_that_none_works():
    works = trial(93, 100, "learning rate 1", works=True)
    _, story, _ = told([trial(3, 100), works], activation="hard", epochs=3)
    assert story.conclusion[0] == (
        "The cheapest that works here: learning rate 1, 93 of 100 seeds solved, where it was 0."
    )
    _, story, _ = told([trial(3, 100)], activation="hard", epochs=3)
    assert story.conclusion[0] == "None of the 1 remedies works here."


def test_the_timeline_has_a_column_for_each_piece_and_counts_every_seed():
    _, story, _ = told([], activation="hard", epochs=50, report_every=5, seeds=7)
    assert story.timeline.columns == (
        "epoch", "cost", "seeds", "solved", "affine", "dead", "diverged", "x below -2.5",
        "x from -2.5 to 2.5", "x above 2.5", "alive", "hidden", "output",
    )  # fmt: skip
    assert [row[0] for row in story.timeline.rows] == ["0", "10", "20", "30", "40", "50"]
    _, story, _ = told([], activation="sigmoid", epochs=5, seeds=1)
    assert len(story.timeline.columns) == 10


def test_pieces_are_named_as_one_reads_them():
    line = ACTIVATIONS["leaky_relu"].with_settings({"leak": 1.0}, None)
    assert [piece_name(piece) for piece in ACTIVATIONS["relu"].linear_pieces] == [
        "x below 0", "x above 0"
    ]  # fmt: skip
    assert "all x" in {piece_name(piece) for piece in line.linear_pieces} or line.linear_pieces


def test_a_story_for_machines():
    outcome, story, trials = told(activation="hard", epochs=3, seeds=4, loss="squared")
    made = json.loads(story_as_json(outcome, story, trials))
    assert made["format"] == 1
    assert made["story"] == list(story.what)
    assert len(made["remedies"]) == len(trials) == 13
    assert made["remedies"][0]["name"] == "learning rate 1"
    assert made["remedies"][0]["experiment"]["learning_rate"] == 1.0
    assert made["cheapest"] is None
    lines = trials_as_csv(trials).splitlines()
    assert lines[0].startswith("remedy,layers,works,solved,seeds,solved_rate")
    assert lines[1].startswith("learning rate 1,,no,0,4,0.0")
    text = story_as_markdown(story)
    assert "| leak 0.05 | hidden | 0 of 4 |" in text
    assert "**hard: solved 0 of 4 seeds" in text


def test_the_story_is_told_at_any_width():
    from io import StringIO

    from rich.console import Console

    _, story, _ = told(activation="hard", epochs=3, seeds=4, loss="squared")
    for width in (40, 80, 200):
        console = Console(file=StringIO(), width=width, color_system=None, highlight=False)
        console.print(render_story(story, console))
        lines = console.file.getvalue().splitlines()
        assert all(len(line.rstrip()) <= width for line in lines)
        assert "It is affine." in " ".join(" ".join(lines).split())
    console = Console(file=StringIO(), width=200, color_system=None, highlight=False)
    console.print(render_conclusion(story, console))
    assert len(console.file.getvalue().splitlines()) == 2


def test_outcomes_of_several_experiments_are_kept_apart():
    chosen = experiment(activation="hard", epochs=4, seeds=2, report_every=2)
    tried = [remedy.experiment for remedy in remedies(chosen)]
    events = [event for each in reversed(tried) for event in run(each)]
    outcomes = gather_all(tried, events)
    assert Counter(len(outcome.results) for outcome in outcomes) == {1: len(tried)}
    for each, outcome in zip(tried, outcomes, strict=True):
        assert outcome.experiment is each
        assert outcome.complete
        np.testing.assert_array_equal(outcome.results[0].cost_mean, result_of(each).cost_mean)
