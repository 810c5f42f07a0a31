from itertools import product

import numpy as np
import pytest
from prepared import trial

from hsig.activations import ACTIVATIONS
from hsig.analysis.remedies import (
    HIDDEN,
    Remedy,
    best_remedy,
    has_failed,
    judge_remedy,
    propose_remedies,
    smallest_remedy,
)
from hsig.analysis.statistics import CLAIM_SEEDS
from hsig.analysis.summary import summarise
from hsig.config.loading import load_experiment
from hsig.experiments.training import gather, run


def experiment(**flags):
    return load_experiment(
        flags={key: str(value) for key, value in flags.items()}, command="explain"
    )


def changes(**flags):
    return [(remedy.name, remedy.layers) for remedy in propose_remedies(experiment(**flags))]


def result_of(chosen):
    (result,) = gather(chosen, run(chosen)).results
    return result


def judged(before, after):
    """A remedy of the name x: what became of one experiment, then of the other."""
    numbers = [summarise(gather(chosen, run(chosen))).variants[0] for chosen in (before, after)]
    return judge_remedy(Remedy("x", "", after), *numbers)


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
        *((name, "hidden") for name in HIDDEN),
        ("sigmoid", "output"),
        ("10 times the epochs", ""),
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


BEYOND = "{inputs: [[0], [1]], targets: [-1, 2]}"


def test_where_no_output_reaches_a_target_each_remedy_has_one_that_does():
    tried = propose_remedies(experiment(activation="hard", loss="squared", task=BEYOND))
    assert [(remedy.name, remedy.layers) for remedy in tried] == [
        ("identity", "output"),
        ("identity output, learning rate 1", ""),
        ("identity output, learning rate 0.01", ""),
        ("identity output, batch updates", ""),
        ("identity output, initial weights from [-2, 2)", ""),
        ("identity output, initial weights from [-4, 4)", ""),
    ]
    for remedy in tried:
        (variant,) = remedy.experiment.variants
        assert (variant.hidden_activation.name, variant.output_activation.name) == (
            "hard", "identity",
        )  # fmt: skip
    gradients = changes(activation="ultra_fast", loss="squared", task=BEYOND)
    assert gradients == [
        ("identity output, own gradient", "hidden"),
        ("identity output, output gradient", "hidden"),
        ("identity output, logistic gradient", "hidden"),
    ]
    low = changes(activation="hard:high=0.4", task="{inputs: [[0], [1]], targets: [0, 1]}")
    assert low[0] == ("sigmoid", "output")


def test_a_line_is_not_offered_what_is_for_bends_nor_an_output_that_does_not_reach():
    tried = changes(activation="tanh", output_activation="identity", loss="squared", task=BEYOND)
    assert not any(layers == "output" for _, layers in tried)
    assert ("relu", "hidden") in tried


def test_inputs_off_scale_are_scaled_first():
    people = "{inputs: [[18], [90], [40]], targets: [0, 1, 1]}"
    assert changes(activation="tanh", task=people)[0] == ("inputs scaled (standard)", "")
    chosen = experiment(activation="tanh", task=people)
    assert propose_remedies(chosen)[0].experiment.scale == "standard"
    assert propose_remedies(chosen)[0].experiment.task is chosen.task
    others = [*changes(activation="tanh", task=people, scale="minmax"), *changes(activation="tanh")]
    assert not any("scaled" in name for name, _ in others)


def test_what_has_no_gradient_is_given_one_and_nothing_else_is_tried():
    assert changes(activation="ultra_fast") == [
        ("own gradient", "both"),
        ("output gradient", "both"),
        ("logistic gradient", "both"),
    ]


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        *((name, "bce") for name in sorted(ACTIVATIONS)),
        *product(("hard", "sigmoid", "tanh", "relu", "ultra_fast"), ("squared", "bce_naive")),
    ],
)
def test_every_remedy_of_every_activation_can_be_trained(name, loss):
    tried = propose_remedies(experiment(activation=name, loss=loss, epochs=2, seeds=2))
    labels = [remedy.experiment.variants[0].label for remedy in tried]
    assert len(set(labels)) == len(labels)
    for remedy in tried:
        assert not result_of(remedy.experiment).failure
        if loss != "squared":
            assert remedy.experiment.variants[0].output_activation.maps_into_unit_interval


def test_a_remedy_changes_what_it_says_and_starts_from_the_same_seeds():
    chosen = experiment(activation="hard", loss="squared", seeds="5,3")
    by_label = {r.experiment.variants[0].label: r.experiment for r in propose_remedies(chosen)}
    assert by_label["learning rate 1"].learning_rate == 1.0
    assert by_label["10 times the epochs"].epochs == 40_000
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
    assert judged(worse, better).works
    assert not judged(better, better).works
    few = experiment(activation="tanh", epochs=600, seeds=99)
    assert not judged(worse, few).works
    untrained = experiment(activation="ultra_fast", seeds=100)
    assert judged(untrained, better).works


def test_a_remedy_that_cannot_be_trained_does_not_work():
    found = judged(experiment(epochs=1), experiment(activation="ultra_fast", epochs=1))
    assert (found.numbers.solved.n, found.numbers.verdicts, found.works) == (0, {}, False)
    assert "no gradient" in found.numbers.failure


def test_the_smallest_change_that_works_is_the_first_and_the_best_solves_most():
    fails, few, most = trial(99, 100), trial(60, 100, works=True), trial(90, 100, works=True)
    as_many = trial(90, 100, works=True)
    assert smallest_remedy([fails, few, most]) is few
    assert best_remedy([fails, few, most, as_many]) is most
    assert smallest_remedy([fails]) is None
    assert best_remedy([fails]) is None


def test_failed_is_whatever_is_not_all_solved():
    assert has_failed(result_of(experiment(activation="ultra_fast", epochs=1)))
    assert has_failed(result_of(experiment(epochs=1, seeds=2)))
    assert not has_failed(result_of(experiment(activation="tanh", epochs=1000, seeds=2)))
