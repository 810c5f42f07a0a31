"""What is said of a task before it is trained: each count is counted again here."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsig.activations import ACTIVATIONS
from hsig.analysis.remedies import (
    MAX_INPUT,
    MIN_SPREAD,
    find_unreachable_targets,
    find_unscaled_inputs,
    input_names,
    suitable_output,
)
from hsig.config.loading import load_experiment
from hsig.networks.losses import LOSSES
from hsig.reports.obstacles import out_of_reach_document, warnings_of


def experiment(targets=(0, 1), inputs=None, columns=(), command=None, **flags):
    inputs = [[n / len(targets)] for n in range(len(targets))] if inputs is None else inputs
    task = {"name": "mine", "inputs": inputs, "targets": list(targets), "columns": list(columns)}
    flags = {"task": str(task).replace("'", '"'), "loss": "squared"} | flags
    return load_experiment(flags=flags, command=command)


# --- targets ----------------------------------------------------------------------------------


def test_a_target_that_is_not_a_value_but_near_enough_to_one_is_within_reach():
    assert find_unreachable_targets(*of(experiment([0, 1.2, -0.4]))) is None
    assert warnings_of([experiment([0, 1.2, -0.4])]) == ()
    assert warnings_of([experiment([0, 1.2], solved_within="0.1")])


def of(chosen):
    return chosen, chosen.variants[0]


@given(
    targets=st.lists(st.floats(-5, 5).map(lambda y: round(y, 2)), min_size=1, max_size=12),
    output=st.sampled_from(["sigmoid", "tanh", "relu", "hard", "identity"]),
    within=st.sampled_from(["0.25", "0.5", "1"]),
)
def test_every_sample_that_is_out_of_reach_is_counted(targets, output, within):
    chosen = experiment(targets, output_activation=output, solved_within=within)
    low, high = ACTIVATIONS[output].range
    beyond = [max(y - high, low - y) for y in targets]
    far = [n for n, distance in enumerate(beyond) if distance >= float(within)]
    made = out_of_reach_document(*of(chosen))
    assert (made["samples"] if made else []) == far
    said = warnings_of([chosen])
    assert len(said) == bool(far)
    if far:
        assert made["of"] == len(targets)
        assert made["targets"] == [min(targets), max(targets)]
        assert f"{len(far)} of the {len(targets)} targets" in said[0]


def test_the_warning_has_the_house_pattern():
    (said,) = warnings_of([experiment([-2.8, 0, 3.65])])
    assert said == (
        "mine: no output of sigmoid can be within 0.5 of 2 of the 3 targets (they range from -2.8 "
        "to 3.65; its values from 0 to 1). Use output_activation identity"
    )


def test_outputs_of_the_same_range_are_named_together_and_once():
    chosen = experiment([-2, 3], activations="sigmoid,tanh,hard,leaky_hard", command="compare")
    (said,) = warnings_of([chosen, chosen])
    assert "no output of sigmoid, hard can be" in said  # tanh's output is sigmoid
    assert "their values from 0 to 1" in said
    both = warnings_of([experiment([-2, 3], activations="hard,tanh", output_activation="same",
                                   command="compare")])  # fmt: skip
    assert [re.search("output of (.+?) can", one).group(1) for one in both] == ["hard", "tanh"]


def test_each_range_of_outputs_is_told_with_its_outputs():
    chosen = experiment([-2, 3], activations="all", command="compare")
    said = next(one for one in warnings_of([chosen]) if "from 0 to 1)" in one)
    assert "output of sigmoid, hard, hard_torch, hard_taylor, hard_binary and 10 more can" in said
    chosen = experiment([-9, 9], activations="hidden,sigmoids", command="compare",
                        output_activation="same")  # fmt: skip
    assert any("relu, softplus, squareplus" in one for one in warnings_of([chosen]))


@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_the_output_that_is_proposed_reaches_all_targets_that_go_with_the_loss(loss):
    output = suitable_output(LOSSES[loss])
    targets = np.array([0.0, 0.3, 1.0] if LOSSES[loss].needs_probabilities else [-1e9, 1e9])
    assert not output.out_of_reach(targets, 1e-9).any()
    assert output.maps_into_unit_interval or not LOSSES[loss].needs_probabilities


# --- inputs -----------------------------------------------------------------------------------

PEOPLE = [[18, 0.5, 3], [90, 0.7, 3], [40, 0.52, 3]]


def test_inputs_far_from_1_are_named_with_their_range_and_what_to_do():
    (said,) = warnings_of([experiment([0, 1, 1], PEOPLE, ["age", "share", "same", "ill"])])
    assert said == (
        "mine: initial weights and learning rates are made for inputs of about 1 in size, which "
        "these are not: age (18 to 90). Use scale standard, or minmax"
    )
    (said,) = warnings_of([experiment([0, 1, 1], PEOPLE)])
    assert "input 1 (18 to 90)" in said


@pytest.mark.parametrize("scale", ["standard", "minmax"])
def test_scaled_inputs_are_not_complained_of(scale):
    assert warnings_of([experiment([0, 1, 1], PEOPLE, scale=scale)]) == ()


@pytest.mark.parametrize(
    ("column", "is_off"),
    [
        ([0, 1], False),
        ([-MAX_INPUT, MAX_INPUT], False),
        ([0, 1.01 * MAX_INPUT], True),
        ([-1.01 * MAX_INPUT, 0], True),
        ([0.5, 0.5 + 1.01 * MIN_SPREAD], False),
        ([0.5, 0.5 + 0.99 * MIN_SPREAD], True),
        ([0.5, 0.5], False),  # says nothing on any scale
        ([2020, 2020], True),
    ],
)
def test_off_scale_is_too_large_or_too_close_together(column, is_off):
    chosen = experiment([0, 1], [[x] for x in column])
    assert bool(find_unscaled_inputs(chosen)) == is_off == bool(warnings_of([chosen]))


def test_what_is_said_of_the_largest_is_so():
    """The slope of the logistic sigmoid at 10, which the reason for the bound names."""
    assert 0.0 < ACTIVATIONS["sigmoid"].derivative(np.array([MAX_INPUT]))[0] < 1e-4


def test_of_many_inputs_the_first_are_named():
    (said,) = warnings_of([experiment([0, 1], [[100] * 7, [200] * 7])])
    assert said.count("(100 to 200)") == 5
    assert "and 2 more. Use" in said


def test_inputs_without_names_are_numbered():
    assert input_names(experiment([0, 1], [[1, 2], [3, 4]]).task) == ("input 1", "input 2")


@pytest.mark.parametrize("task", ["xor", "and", "or", "parity3"])
@pytest.mark.parametrize("loss", ["squared", "bce"])
def test_nothing_is_said_of_hsigs_own_tasks(task, loss):
    flags = {"task": task, "loss": loss, "activations": "all"}
    assert warnings_of([load_experiment(flags=flags, command="compare")]) == ()
