"""What stands in the way of a training, which remedies are tried, and when one works."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prepared import trial

from hsig.activations import ACTIVATIONS
from hsig.analysis.parts import Part
from hsig.analysis.remedies import (
    HIDDEN,
    MAX_INPUT,
    MIN_SPREAD,
    best_remedy,
    find_unreachable_targets,
    find_unscaled_inputs,
    judge_remedy,
    propose_remedies,
    smallest_remedy,
    suitable_output,
)
from hsig.analysis.statistics import CLAIM_SEEDS
from hsig.analysis.summary import summarise
from hsig.config.loading import load_experiment
from hsig.experiments.training import gather, run
from hsig.networks.losses import LOSSES
from hsig.reports.obstacles import warnings_of


def experiment(**flags):
    return load_experiment(
        flags={key: str(value) for key, value in flags.items()}, command="explain"
    )


def changes(**flags):
    return [(remedy.name, remedy.layers) for remedy in propose_remedies(experiment(**flags))]


def train(chosen):
    return gather(chosen, run(chosen))


def custom(targets, inputs=None, **flags):
    """An experiment on a task of its own."""
    inputs = inputs or [[n / len(targets)] for n in range(len(targets))]
    return experiment(
        task={"inputs": inputs, "targets": list(targets)}, **{"loss": "squared"} | flags
    )


# --- obstacles --------------------------------------------------------------------------------


@settings(max_examples=40)
@given(
    targets=st.lists(st.floats(-5, 5).map(lambda y: round(y, 2)), min_size=1, max_size=12),
    output=st.sampled_from(["sigmoid", "tanh", "relu", "hard", "identity"]),
    within=st.sampled_from([0.25, 0.5, 1.0]),
)
def test_every_sample_that_is_out_of_reach_is_counted(targets, output, within):
    chosen = custom(targets, output_activation=output, solved_within=within)
    low, high = ACTIVATIONS[output].range
    far = tuple(n for n, y in enumerate(targets) if max(y - high, low - y) >= within)
    found = find_unreachable_targets(chosen, chosen.variants[0])
    assert (found.samples if found else ()) == far
    if found:
        assert (found.of, found.targets) == (len(targets), (min(targets), max(targets)))
    assert len(warnings_of([chosen, chosen])) == bool(far)


def test_a_sample_with_one_output_out_of_reach_is_out_of_reach_once():
    chosen = custom([[0, 0], [5, 0], [5, 5]], output_activation="sigmoid")
    assert find_unreachable_targets(chosen, chosen.variants[0]).samples == (1, 2)


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_the_output_that_is_proposed_reaches_all_targets_that_go_with_the_loss(loss):
    output = suitable_output(LOSSES[loss])
    targets = np.array([0.0, 0.3, 1.0] if LOSSES[loss].needs_probabilities else [-1e9, 1e9])
    assert not output.out_of_reach(targets, 1e-9).any()
    assert output.maps_into_unit_interval or not LOSSES[loss].needs_probabilities


@pytest.mark.parametrize(
    ("column", "is_off"),
    [
        ([-MAX_INPUT, MAX_INPUT], False),
        ([0, 1.01 * MAX_INPUT], True),
        ([-1.01 * MAX_INPUT, 0], True),
        ([0.5, 0.5 + 1.01 * MIN_SPREAD], False),
        ([0.5, 0.5 + 0.99 * MIN_SPREAD], True),
        ([0.5, 0.5], False),  # says nothing on any scale
        ([2020, 2020], True),
    ],
)
def test_an_input_is_unscaled_if_too_large_or_too_close_together(column, is_off):
    chosen = custom([0, 1], [[x] for x in column])
    assert bool(find_unscaled_inputs(chosen)) == is_off == bool(warnings_of([chosen]))
    assert not find_unscaled_inputs(custom([0, 1], [[x] for x in column], scale="standard"))


def test_what_is_said_of_the_largest_input_is_so():
    """The slope of the logistic sigmoid at 10, which the reason for the bound names."""
    assert 0.0 < ACTIVATIONS["sigmoid"].derivative(np.array([MAX_INPUT]))[0] < 1e-4
    (found,) = find_unscaled_inputs(custom([0, 1], [[1, 20], [3, 40]]))
    assert found == ("input 2", 20.0, 40.0)


@pytest.mark.parametrize("task", ["xor", "and", "or", "parity3"])
@pytest.mark.parametrize("loss", ["squared", "bce"])
def test_nothing_is_said_of_hsigs_own_tasks(task, loss):
    flags = {"task": task, "loss": loss, "activations": "all"}
    assert warnings_of([load_experiment(flags=flags, command="compare")]) == ()


# --- which remedies ---------------------------------------------------------------------------


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
    weights = "{hidden: [[1], [2], [3]], output: [[1], [2]]}"
    given_weights = changes(hidden=1, seeds=1, initial_weights=weights)
    assert not any("initial" in name for name, _ in given_weights)
    assert ("initial weights from [-2, 2)", "") not in changes(init="uniform:-2,2")
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
        names = variant.activation.name, variant.output_activation.name
        assert names == ("hard", "identity")
    low = changes(activation="hard:high=0.4", task="{inputs: [[0], [1]], targets: [0, 1]}")
    assert low[0] == ("sigmoid", "output")
    linear = changes(activation="tanh", output_activation="identity", loss="squared", task=BEYOND)
    assert not any(layers == "output" for _, layers in linear)  # none reaches farther
    assert ("relu", "hidden") in linear


def test_what_has_no_gradient_is_given_one_and_nothing_else_is_tried():
    gradients = ["own gradient", "output gradient", "logistic gradient"]
    assert changes(activation="ultra_fast") == [(name, "both") for name in gradients]
    assert changes(activation="tanh", output_activation="ultra_fast")[0] == (gradients[0], "output")
    beyond = changes(activation="ultra_fast", loss="squared", task=BEYOND)
    assert beyond == [(f"identity output, {name}", "hidden") for name in gradients]


def test_inputs_off_scale_are_scaled_first():
    people = "{inputs: [[18], [90], [40]], targets: [0, 1, 1]}"
    chosen = experiment(activation="tanh", task=people)
    first = propose_remedies(chosen)[0]
    assert (first.name, first.experiment.scale) == ("inputs scaled (standard)", "standard")
    others = [*changes(activation="tanh", task=people, scale="minmax"), *changes(activation="tanh")]
    assert not any("scaled" in name for name, _ in others)


@pytest.mark.parametrize("loss", ["bce", "squared", "bce_naive"])
@pytest.mark.parametrize("name", ["hard", "sigmoid", "tanh", "relu", "ultra_fast", "step", "abs"])
def test_every_remedy_can_be_trained(name, loss):
    tried = propose_remedies(experiment(activation=name, loss=loss, epochs=2, seeds=2))
    labels = [remedy.experiment.variants[0].label for remedy in tried]
    assert len(set(labels)) == len(labels)
    for remedy in tried:
        assert not train(remedy.experiment).results[0].failure
        if loss != "squared":
            assert remedy.experiment.variants[0].output_activation.maps_into_unit_interval


def test_a_remedy_changes_what_it_says_and_starts_from_the_same_seeds():
    chosen = experiment(activation="hard", loss="squared", seeds="5,3", hidden="[2, 2]")
    by_label = {r.experiment.variants[0].label: r.experiment for r in propose_remedies(chosen)}
    assert by_label["learning rate 1"].learning_rate == 1.0
    assert by_label["10 times the epochs"].epochs == 40_000
    leaky = by_label["leak 0.05 output"].variants[0]
    assert leaky.hidden_activations == chosen.variants[0].hidden_activations
    assert leaky.output_activation.parameters["leak"] == 0.05
    both = by_label["logistic gradient both"].variants[0]
    backward = {a.backward for a in (*both.hidden_activations, both.output_activation)}
    assert backward == {"logistic"}
    for changed in by_label.values():
        assert changed.seeds == (5, 3)
        if changed.init == chosen.init:
            for ours, theirs in zip(
                changed.starting_weights(), chosen.starting_weights(), strict=True
            ):
                np.testing.assert_array_equal(ours, theirs)


# --- what is claimed --------------------------------------------------------------------------


def judged(before, after):
    """A remedy: what became of one experiment, then of the other."""
    outcomes = [train(chosen) for chosen in (before, after)]
    numbers = [summarise(outcome).variants[0] for outcome in outcomes]
    return judge_remedy(Part("x", after, outcomes[1]), *numbers)


def test_a_remedy_works_when_most_are_solved_and_the_interval_lies_above():
    assert len(experiment().seeds) == CLAIM_SEEDS == 100
    better = experiment(activation="tanh", epochs=600, seeds=100)
    worse = experiment(activation="tanh", epochs=50, seeds=100)
    untrained = experiment(activation="ultra_fast", seeds=100)
    few = experiment(activation="tanh", epochs=600, seeds=99)
    assert judged(worse, better).works
    assert judged(untrained, better).works
    assert not judged(better, better).works
    assert not judged(worse, few).works
    failed = judged(worse, untrained)
    assert (failed.numbers.solved.n, failed.numbers.verdicts, failed.works) == (0, {}, False)


def test_the_smallest_change_that_works_is_the_first_and_the_best_solves_most():
    fails, few, most = trial(99, 100), trial(60, 100, works=True), trial(90, 100, works=True)
    as_many = trial(90, 100, works=True)
    assert smallest_remedy([fails, few, most]) is few
    assert best_remedy([fails, few, most, as_many]) is most
    assert smallest_remedy([fails]) is best_remedy([fails]) is None
