from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prepared import RIGHT, UNKNOWN, WRONG, measures, prepared

from hsig.activations import ACTIVATIONS
from hsig.analysis.statistics import wilson_interval
from hsig.analysis.summary import (
    class_places,
    find_classes,
    predict_with,
    summarise,
)
from hsig.config.loading import load_experiment
from hsig.experiments.experiment import Outcome
from hsig.experiments.training import gather, run
from hsig.networks.losses import rows_right

CONFIGS = Path(__file__).parents[1] / "configs"


def summary_of(*arguments, **settings):
    (variant,) = summarise(prepared(*arguments, **settings)).variants
    return variant


def test_solved_is_counted_with_its_interval():
    variant = summary_of([RIGHT, WRONG, RIGHT, WRONG, WRONG], [[1, 0.5]] * 5)
    solved = variant.solved
    assert (solved.k, solved.n, solved.rate) == (2, 5, 0.4)
    assert (solved.low, solved.high) == wilson_interval(2, 5)
    assert variant.verdicts == {"slow": 3, "solved": 2}
    assert variant.right == (2, 5, 5, 5)
    assert variant.solved_at == (7, None, 7, None, None)


@pytest.mark.parametrize(("cost", "factor"), [("last", 1.0), ("mean", 0.5), ("weights", 0.25)])
def test_quartiles_are_of_the_chosen_cost_over_seeds(cost, factor):
    costs = [[8.0, 1.0], [4.0, 2.0], [2.0, 3.0], [1.0, np.inf], [16.0, np.inf]]
    variant = summary_of([RIGHT] * 5, costs, cost=cost)
    np.testing.assert_array_equal(variant.cost[:, 0], factor * np.array([2.0, 4.0, 8.0]))
    np.testing.assert_array_equal(variant.cost[:, 1], [2 * factor, 3 * factor, np.inf])


def test_diverged_seeds_and_costs_that_are_not_finite_are_named():
    costs = [[1.0, 0.5], [np.nan, np.nan], [1.0, np.inf]]
    variant = summary_of([RIGHT, UNKNOWN, WRONG], costs, diverged_at=[-1, 3, -1], seeds="5,27,8")
    assert variant.diverged_seeds == (27,)
    assert variant.diverged_at == (3,)
    assert [(f.seed, f.epoch) for f in variant.not_finite] == [(27, 0), (8, 10)]
    assert np.isnan(variant.not_finite[0].cost)
    assert np.isinf(variant.not_finite[1].cost)
    assert np.isnan(variant.largest_error)
    assert variant.solved.k == 1
    assert variant.verdicts == {"solved": 1, "diverged": 1, "plateau": 1}


@pytest.mark.parametrize(
    ("expect", "met"),
    [
        ("solved_at_least=0.6", True),
        ("solved_at_least=0.61", False),
        ("solved_at_most=0.6", True),
        ("solved_at_most=0.59", False),
        ("verdict=solved", True),
        ("verdict=slow", False),
        ("solved_at_least=0.5,verdict=solved", True),
        ("solved_at_least=0.5,verdict=slow", False),
        ("loss_at_most=0.3", True),
        ("loss_at_most=0.29", False),
    ],
)
def test_expectations(expect, met):
    costs = [[1.0, loss] for loss in (0.2, 0.8, 1.2, 2.0, np.inf)]  # four times that of the weights
    outcome = prepared([RIGHT] * 3 + [WRONG] * 2, costs, expect=expect)
    assert (not summarise(outcome).unmet) == met


@pytest.mark.parametrize(
    ("held_out", "expect", "got"),
    [
        ({}, "right_at_least=0.7,rmse_at_most=2", ""),
        ({}, "right_at_least=0.8", "right 0.75 in the median"),
        ({}, "rmse_at_most=1.9", "rmse 2 in the median"),
        (
            {"held_out_right": 0.5},
            "right_at_least=0.6",
            "right 0.5 in the median, on held-out rows",
        ),
    ],
)
def test_what_is_expected_of_rows_is_of_those_held_out_where_there_are_any(held_out, expect, got):
    outcome = prepared([RIGHT, WRONG], [[1.0, 0.5]] * 2, expect=expect)
    known = {"loss": 0.0, "right": 0.75, "rmse": 2.0, **held_out}
    measured = measures(**{name: np.full((2, 2), value) for name, value in known.items()})
    results = tuple(replace(result, measures=measured) for result in outcome.results)
    summary = summarise(replace(outcome, results=results))
    assert [unmet.got for unmet in summary.unmet] == ([got] if got else [])
    (variant,) = summary.variants
    assert ("held_out_loss" in variant.measures) == bool(held_out)


def test_a_variant_that_could_not_be_trained_meets_no_expectation():
    experiment = load_experiment(flags={"activation": "ultra_fast", "expect": "solved_at_most=1"})
    summary = summarise(gather(experiment, run(experiment)))
    assert "no gradient" in summary.variants[0].failure
    assert (summary.variants[0].solved.n, summary.variants[0].verdicts) == (0, {})
    assert [unmet.got for unmet in summary.unmet] == ["nothing, for it could not be trained"]


# --- what other activations predict -----------------------------------------------------------


def trained(**flags):
    experiment = load_experiment(flags=flags)
    (result,) = gather(experiment, run(experiment)).results
    return experiment, result


def test_numbers_by_hand():
    """One unit with pre-activations 1, 0, 1, 0; the output sees 2 f(z) - 1."""
    weights = "{hidden: [[0], [1], [0]], output: [[2], [-1]]}"
    experiment, result = trained(
        activation="sigmoid",
        hidden="1",
        initial_weights=weights,
        epochs="1",
        learning_rate="1e-300",
    )
    found = predict_with(experiment, result, ACTIVATIONS["hard"])
    # hard(1) = .7 and hard(0) = .5, so the output sees .4 and 0: .58 and .5
    sigmoid = ACTIVATIONS["sigmoid"].value
    changes = 0.58 - sigmoid(2 * sigmoid(1.0) - 1), 0.5 - sigmoid(2 * sigmoid(0.0) - 1)
    assert found.largest_change == pytest.approx(max(map(abs, changes)), rel=1e-12)
    assert found.label == "hard"


def test_a_converged_sigmoid_network_still_answers_with_the_hard_sigmoid():
    """The answer to the question: it can be used to approximate predictions."""
    experiment, result = trained(activation="sigmoid", epochs="4000", seeds="30")
    found = predict_with(experiment, result, ACTIVATIONS["hard"])
    assert found.still_solved == result.solved.sum() >= 29
    assert 0.0 < found.largest_change < 0.5


# --- layers and outputs -----------------------------------------------------------------------


def test_of_two_layers_and_two_outputs_there_is_a_summary():
    inputs, targets = "[[0, 1], [1, 0], [1, 1], [0, 0]]", "[[1, 0], [1, 0], [0, 1], [0, 0]]"
    experiment, result = trained(
        activation="hard",
        hidden="[3, 2]",
        task=f"{{inputs: {inputs}, targets: {targets}}}",
        epochs="20",
        seeds="6",
    )
    (variant,) = summarise(Outcome(experiment, (result,))).variants
    right = np.abs(result.predictions - experiment.task.targets) < 0.5
    assert variant.right == tuple(right.all(axis=2).sum(axis=0))
    assert variant.predictions.shape == (3, 4, 2)
    np.testing.assert_array_equal(variant.predictions[1], np.median(result.predictions, axis=0))
    timeline = variant.timeline
    assert timeline.gradient.shape == (3, 2)
    np.testing.assert_allclose(timeline.on_piece.sum(axis=0), 1.0)
    np.testing.assert_allclose(timeline.alive, result.evidence.alive.mean(axis=0).T)


# --- measures -----------------------------------------------------------------------------------


@given(st.integers(1, 5), st.integers(1, 9), st.integers(2, 4), st.integers(0, 2**32 - 1))
def test_a_row_is_right_where_its_own_class_is_predicted(seeds, rows, classes, draw):
    """With an output for each class, or one output for two, in what is counted of them too."""
    random = np.random.RandomState(draw)
    places = random.randint(classes, size=rows)
    targets, within = np.eye(classes)[places], None
    if classes == 2:
        targets, within = places[:, None].astype(float), 0.5
    predictions = random.randint(4, size=(seeds, *targets.shape)) / 3.0  # some are equal
    found = find_classes(predictions, within)
    right = rows_right(np.moveaxis(predictions, 0, -1), targets[:, :, None], within)
    assert ((found == places) == right.T).all()
    assert (class_places(targets) == places).all()


@pytest.mark.parametrize("task", ["curve.csv", "wave.csv"])
def test_what_is_told_of_held_out_rows_is_what_their_predictions_give(task):
    flags = {"task": f"csv:{CONFIGS / task}", "held_out": "0.25", "activation": "tanh"}
    experiment = load_experiment(flags=flags | {"epochs": "20", "seeds": "5", "scale": "standard"})
    outcome = gather(experiment, run(experiment))
    (training,), (variant,) = outcome.results, summarise(outcome).variants
    rows, shown = experiment.task.held_out, variant.predicted
    errors = training.held_out_predictions - rows.targets
    right = (np.abs(errors) < 0.5).all(axis=2)
    assert variant.median("held_out_right") == np.median(right.mean(axis=1))
    assert shown.right == tuple(right.sum(axis=0)[list(shown.places)])
    if task == "curve.csv":
        assert shown.confusion.sum() == right.size
        assert np.trace(shown.confusion) == right.sum()
        most = rows.targets == np.rint(experiment.task.targets.mean())
        assert variant.constants["held_out_right"] == most.mean()
        return
    rmse, spread = np.sqrt((errors**2).mean(axis=(1, 2))), rows.targets.var()
    assert variant.median("held_out_rmse") == pytest.approx(np.median(rmse))
    assert variant.median("held_out_r2") == pytest.approx(np.median(1 - rmse**2 / spread))
    alone = np.sqrt(((rows.targets - experiment.task.targets.mean()) ** 2).mean())
    assert variant.constants["held_out_rmse"] == pytest.approx(alone)
    assert not variant.find_shortfall(held_out=True)


@pytest.mark.parametrize(("rate", "why"), [("0.01", "nothing"), ("1e9", "diverged")])
def test_a_variant_that_diverged_is_not_said_to_have_learnt_nothing(rate, why):
    settings = {"activation": "linear", "output_activation": "identity", "loss": "squared"}
    settings |= {"learning_rate": rate, "epochs": "30", "seeds": "4", "measure": "loss"}
    experiment = load_experiment(None, settings)
    (variant,) = summarise(gather(experiment, run(experiment))).variants
    assert why in variant.find_shortfall(held_out=False)
    assert np.isnan(variant.median("rmse")) == (why == "diverged")
