from dataclasses import replace

import numpy as np
import pytest
from prepared import RIGHT, WRONG, prepared

from hsig.config.loading import load_experiment
from hsig.experiments.training import gather, run
from hsig.experiments.verdicts import verdicts


def trained(hidden, output, **flags):
    """One seed from given weights, for one epoch at next to no learning rate."""
    weights = {"hidden": hidden, "output": output}
    flags = {"initial_weights": str(weights), "hidden": str(len(output) - 1)} | flags
    flags = {"epochs": "1", "learning_rate": "1e-300"} | flags
    experiment = load_experiment(flags=flags)
    (result,) = gather(experiment, run(experiment)).results
    return result


def verdict(hidden, output, **flags):
    (word,) = verdicts(trained(hidden, output, **flags))
    return word


# hard sigmoid .2 x + .5: slope 0 outside [-2.5, 2.5]
MIDDLE = [[0.1, 0.2], [0.3, -0.1], [0.0, 0.1]]  # every pre-activation within [-2.5, 2.5]
SATURATED = [[0.0, 0.0], [0.0, 0.0], [9.0, -9.0]]  # one unit above 2.5, one below -2.5


def test_units_on_one_piece_for_all_rows_are_an_affine_network():
    assert verdict(MIDDLE, [[1], [1], [0]], activation="hard") == "affine"


def test_saturated_units_are_on_a_linear_piece_too():
    assert verdict(SATURATED, [[0.1], [0.1], [0.0]], activation="hard") == "affine"


def test_a_relu_network_with_all_units_dead_is_affine_for_its_output_still_learns():
    dead = [[0.0], [0.0], [-1.0]]
    result = trained(dead, [[1.0], [0.3]], activation="relu")
    assert verdicts(result) == ("affine",)
    assert result.evidence.alive.tolist() == [[0.0, 0.0]]
    assert result.evidence.gradient[0, 0].tolist() == [0.0, pytest.approx(0.0745, abs=1e-4)]
    # by hand: the output's gradient is sigmoid(.3) - .5 = .0744 for the bias, 0 for the dead unit


def test_a_saturated_wrong_hard_output_is_dead():
    for bias in (9.0, -9.0):
        word = verdict([[1.0], [-2.0], [0.0]], [[0.1], [bias]], activation="hard", loss="squared")
        assert word == "dead"


def test_dead_needs_every_wrong_row_to_be_silent():
    # the hidden unit gives .5, .5, 1, 0 and the output sees -1, -1, 3, -5: of the wrong rows the
    # third is saturated, the first two are not
    result = trained([[9.0], [9.0], [-9.0]], [[8.0], [-5.0]], activation="hard", loss="squared")
    assert result.predictions.tolist() == [[pytest.approx(0.3), pytest.approx(0.3), 1.0, 0.0]]
    assert verdicts(result) == ("plateau",)


def test_dead_comes_before_affine_and_solved_before_both():
    both = trained(SATURATED, [[1.0], [1.0], [50.0]], activation="hard", loss="squared")
    assert both.evidence.affine[0, -1]
    assert both.evidence.dead[0, -1]
    assert verdicts(both) == ("dead",)
    solved = replace(both, solved=np.array([True]))
    assert verdicts(solved) == ("solved",)
    assert verdicts(replace(solved, diverged_at=np.array([0]))) == ("diverged",)


def test_a_unit_on_two_pieces_is_not_affine():
    bent = [[5.0, 0.1], [0.0, 0.1], [0.0, 0.0]]  # the first unit saturates where x1 is 1
    assert verdict(bent, [[0.1], [0.1], [0.0]], activation="hard") == "plateau"


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        (1.0, 0.995, "plateau"),
        (1.0, 0.9901, "plateau"),
        (1.0, 0.99, "slow"),
        (1.0, 0.5, "slow"),
        (1.0, 1.5, "plateau"),
        (1.0, np.nan, "plateau"),
        (np.nan, np.nan, "plateau"),
        (np.inf, np.inf, "plateau"),
        (np.inf, 1.0, "slow"),
        (0.0, 0.0, "slow"),
    ],
)
def test_less_than_one_percent_over_the_last_tenth_is_a_plateau(before, after, word):
    (result,) = prepared([WRONG], [[1.0, 1.0]]).results
    result = replace(result, cost_before=np.array([before]), cost_mean=np.array([[9.0, after]]))
    assert verdicts(result) == (word,)


def test_the_last_tenth_is_looked_at_whatever_the_checkpoints_are():
    words = set()
    costs = set()
    for every in ("1", "7", "100"):
        flags = {"epochs": "100", "report_every": every, "activation": "tanh"}
        experiment = load_experiment(flags=flags)
        assert experiment.last_tenth == 90
        (result,) = gather(experiment, run(experiment)).results
        words |= set(verdicts(result))
        costs.add(float(result.cost_before[0]))
        assert result.epochs == experiment.checkpoints
        if every == "1":
            assert result.cost_before[0] == result.cost_mean[0, 90]
    assert len(words) == len(costs) == 1


@pytest.mark.parametrize(("epochs", "last_tenth"), [(1, 0), (9, 8), (10, 9), (4000, 3600)])
def test_the_last_tenth_has_at_least_one_epoch(epochs, last_tenth):
    assert load_experiment(flags={"epochs": str(epochs)}).last_tenth == last_tenth


def test_every_word_counts_once():
    (result,) = prepared([RIGHT, WRONG, WRONG], [[1.0, 1.0]] * 3).results
    assert verdicts(result) == ("solved", "slow", "slow")
