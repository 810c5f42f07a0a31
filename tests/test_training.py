"""From an experiment to its outcome: checkpoints, costs, failures, whatever the depth."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scalar_reference import LOSSES, ScalarNetwork
from setups import (
    TWO_OUTPUTS,
    WithValue,
    experiment,
    same_bits,
    task_of,
    train,
    trained,
    words,
)

from hsig.activations import ACTIVATIONS
from hsig.engines.choice import ENGINES
from hsig.engines.engine import NOT_REACHED
from hsig.experiments.experiment import ARRAYS, Checkpoint
from hsig.experiments.training import gather, gather_all, run

DEEP = {"hidden": (3, 2), "task": TWO_OUTPUTS}


@pytest.mark.parametrize(
    ("epochs", "every", "at", "checkpoints"),
    [
        (10, 4, (), (0, 4, 8, 10)),
        (8, 4, (), (0, 4, 8)),
        (3, 500, (), (0, 3)),
        (9, 5, (2, 5), (0, 2, 5, 9)),
    ],
)
def test_checkpoints_are_0_every_k_those_asked_for_and_the_budget(epochs, every, at, checkpoints):
    chosen = experiment(epochs=epochs, report_every=every, at_epochs=at)
    assert chosen.checkpoints == checkpoints
    assert trained(chosen).epochs == checkpoints


@pytest.mark.parametrize("spec", ["sigmoid", "hard"])
@pytest.mark.parametrize("fields", [{}, DEEP])
def test_results_do_not_depend_on_checkpoint_spacing_or_company(spec, fields):
    settings = {"epochs": 60, "learning_rate": 1.0, "low": -1.0} | fields
    fine = train(spec, seeds=4, report_every=1, **settings)
    for other, rows in (
        (train(spec, seeds=4, report_every=20, **settings), [0, 1, 2, 3]),
        (train(spec, seeds=[2], report_every=20, **settings), [2]),
    ):
        columns = [fine.epochs.index(epoch) for epoch in other.epochs]
        for name in ("cost_last", "cost_mean"):
            found = getattr(fine, name)[np.ix_(rows, columns)]
            np.testing.assert_array_equal(found, getattr(other, name))
        for layer, same in zip(fine.weights, other.weights, strict=True):
            np.testing.assert_array_equal(layer[rows], same)
        np.testing.assert_array_equal(fine.predictions[rows], other.predictions)


def test_results_do_not_depend_on_how_often_run_yields(monkeypatch):
    chosen = experiment("sigmoid", epochs=40, seeds=3)
    usual = trained(chosen)
    for engine in ENGINES:
        monkeypatch.setattr(f"hsig.engines.{engine}._CHUNK_WORK", 1)
    events = list(run(chosen))
    assert [event.epoch for event in events] == list(range(41))
    (often,) = gather(chosen, events).results
    assert same_bits(often, usual)
    assert often.epochs == usual.epochs


def test_costs_are_what_the_epoch_prints_and_the_budgets_epoch_is_thrown_away():
    short = train("sigmoid", epochs=20, seeds=3)
    longer = train("sigmoid", epochs=21, seeds=3, report_every=20)
    # epoch 20 of the longer run is the one that the shorter run only looks at
    np.testing.assert_array_equal(short.cost_last[:, -1], longer.cost_last[:, 1])
    assert not same_bits(short, longer)


def test_cost_last_and_mean_are_taken_over_the_samples_of_an_epoch():
    chosen = experiment(epochs=5, seeds=2, report_every=1)
    events = [event for event in run(chosen) if isinstance(event, Checkpoint)]
    (result,) = gather(chosen, events).results
    losses = np.stack([event.losses for event in events])
    np.testing.assert_array_equal(result.cost_last, losses[:, :, 3].T)
    np.testing.assert_allclose(result.cost_mean, losses.mean(axis=2).T, rtol=1e-15)


@given(
    st.sampled_from(["sigmoid", "hard", "tanh", "relu"]),
    st.sampled_from(LOSSES),
    st.sampled_from([1, None]),
    st.sampled_from([{}, DEEP]),
    st.integers(0, 2**32 - 1),
)
def test_the_loss_is_of_the_weights_of_a_checkpoint(spec, loss, batch_size, fields, seed):
    """By loops over floats; an epoch of batch updates prints it, for its weights are the same."""
    fields = {"loss": loss, "batch_size": batch_size, "learning_rate": 1.0, "low": -2.0, **fields}
    result = train(spec, epochs=6, seeds=[seed], **fields)
    task, weights = fields.get("task", experiment().task), [w[0].tolist() for w in result.weights]
    output = result.variant.output_activation.name
    names = [*[spec] * (len(weights) - 1), output]
    plain = ScalarNetwork(weights, names, ["own"] * len(weights), loss)
    rows = zip(task.inputs.tolist(), task.targets.tolist(), strict=True)
    with np.errstate(all="ignore"):
        losses = [plain.gradient(*row)[0] for row in rows]
    np.testing.assert_allclose(result.loss[0, -1], sum(losses) / len(losses), rtol=1e-9)
    if batch_size is None:
        np.testing.assert_allclose(result.cost_mean, result.loss, rtol=1e-12)


def test_the_loss_of_sorted_samples_is_not_what_an_online_epoch_prints():
    """A class after the other: each is learnt, and the other forgotten, within an epoch."""
    task = task_of([[n % 20 / 20] for n in range(400)], [[n // 200] for n in range(400)])
    online, batch = (
        train("sigmoid", task=task, epochs=2, seeds=5, report_every=1, batch_size=batch_size)
        for batch_size in (1, None)
    )
    np.testing.assert_array_equal(online.loss[:, 0], batch.loss[:, 0])
    assert (online.cost_mean[:, 0] < online.loss[:, 0] / 3).all()


@pytest.mark.parametrize("fields", [{}, DEEP])
def test_predictions_errors_and_solved_are_those_of_the_budget(fields):
    result = train("tanh", epochs=1000, seeds=5, **fields)
    task = fields.get("task", experiment().task)
    assert result.predictions.shape == (5, *task.targets.shape)
    errors = np.abs(result.predictions - task.targets).max(axis=(1, 2))
    np.testing.assert_array_equal(result.max_error, errors)
    np.testing.assert_array_equal(result.solved, errors < 0.5)
    assert result.solved.any()
    assert (result.solved_at[result.solved] <= 1000).all()
    assert {word for word, solved in zip(words(result), result.solved, strict=True) if solved} == {
        "solved"
    }


def test_a_seed_first_solved_at_the_budget_counts():
    at = int(train("tanh", epochs=1000).solved_at[0])
    just, short = (train("tanh", epochs=epochs) for epochs in (at, at - 1))
    assert (just.solved_at.tolist(), just.solved.tolist()) == ([at], [True])
    assert (short.solved_at.tolist(), short.solved.tolist()) == ([NOT_REACHED], [False])
    assert (just.epochs_to_solve[0], short.epochs_to_solve[0]) == (at, np.inf)


def test_a_divergence_in_the_epoch_after_the_budget_does_not_count():
    line = {"output": "identity", "loss": "squared", "learning_rate": 0.5, "high": 0.1}
    first = int(train("identity", **line, epochs=200).diverged_at[0])
    assert first > 0
    assert train("identity", **line, epochs=first).diverged_at.tolist() == [NOT_REACHED]
    assert train("identity", **line, epochs=first + 1).diverged_at.tolist() == [first]


def test_diverged_seeds_count_as_unsolved_and_the_others_go_on():
    result = train(loss="bce_naive", seeds=[3, 27], epochs=200)
    assert words(result) == ("affine", "diverged")
    assert np.isnan(result.cost_last[1]).all()
    assert np.isfinite(result.cost_last[0]).all()


def test_layers_may_have_activations_of_their_own():
    chosen = experiment(("tanh", "hard"), output="sigmoid", hidden=(3, 2), epochs=5)
    network = chosen.network_of(chosen.variants[0])
    assert [a.name for a in network.activations] == ["tanh", "hard", "sigmoid"]
    same = trained(replace(chosen, variants=experiment("tanh").variants))
    assert not same_bits(trained(chosen), same)


@pytest.mark.parametrize(
    "fields", [{"spec": "ultra_fast"}, {"spec": "tanh", "output": "ultra_fast"}]
)
def test_a_variant_without_gradient_fails_with_the_way_out_and_has_numbers_of_no_seed(fields):
    result = train(**fields)
    assert "ultra_fast has no gradient" in result.failure
    assert "ultra_fast:backward=own" in result.failure
    assert (result.seeds, result.epochs, result.diverged_by) == ((), (), ())
    assert all(len(getattr(result, name)) == 0 for name in (*ARRAYS, "verdict"))


def test_a_run_that_is_stopped_half_way_is_an_outcome_with_what_was_reached():
    chosen = experiment(epochs=30, report_every=10)
    events = list(run(chosen))
    outcome = gather(chosen, events[:2])
    assert outcome.results[0].epochs == (0, 10)
    assert not outcome.complete
    between = [replace(event, state=replace(event.state, epoch=17)) for event in events[:2]]
    assert gather(chosen, between).results[0].epochs == (17,)
    assert gather(chosen, []).results == ()
    assert gather(chosen, events).complete


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {"step", "sign"}))  # of slope 0
def test_every_activation_trains_at_any_depth(name):
    settings = {"loss": "squared", "epochs": 20, "seeds": 10, "low": -1.0, "batch_size": None}
    for hidden in ((3,), (3, 3)):
        result = train(f"{name}:own", hidden=hidden, **settings)
        assert np.isfinite(result.cost_mean).all()
        assert (result.cost_mean[:, -1] < result.cost_mean[:, 0]).any()


def test_a_variant_that_raises_fails_with_what_and_where_and_the_others_go_on():
    def halve_nothing(*_, **__):
        raise ZeroDivisionError("nothing to halve")

    broken = WithValue("broken", source="a test", computed=halve_nothing)
    variants = [experiment(spec).variants[0] for spec in ("sigmoid", "tanh", "hard")]
    variants[1] = replace(variants[1], hidden_activations=(broken,))
    outcome = gather(chosen := replace(experiment(epochs=2), variants=tuple(variants)), run(chosen))
    assert [bool(result.failure) for result in outcome.results] == [False, True, False]
    reason = outcome.results[1].failure
    assert reason.startswith("its training raised ZeroDivisionError: nothing to halve (line ")
    assert reason.endswith(", in halve_nothing)")


def test_outcomes_of_several_experiments_are_kept_apart():
    tried = [experiment(epochs=4, seeds=2, learning_rate=float(rate)) for rate in (1, 2, 3)]
    tried = [chosen.prefix_labels(f"rate {number}") for number, chosen in enumerate(tried)]
    events = [event for each in reversed(tried) for event in run(each)]
    for each, outcome in zip(tried, gather_all(tried, events), strict=True):
        assert outcome.experiment is each
        assert outcome.complete
        (result,) = outcome.results
        assert same_bits(result, trained(each))
