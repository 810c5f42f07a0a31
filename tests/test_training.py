from dataclasses import replace

import numpy as np
import pytest
from prepared import WithValue

from hsig.activations import ACTIVATIONS
from hsig.config.loading import load_experiment
from hsig.engines.choice import ENGINES
from hsig.engines.engine import NOT_REACHED
from hsig.experiments.experiment import ARRAYS, Checkpoint, Training
from hsig.experiments.training import gather, gather_all, look_again, run
from hsig.experiments.verdicts import VERDICTS


def experiment(**flags):
    return load_experiment(flags={key: str(value) for key, value in flags.items()})


def train(**flags):
    chosen = experiment(**{"seeds": 1} | flags)
    (result,) = gather(chosen, run(chosen)).results
    return result


@pytest.mark.parametrize(
    ("epochs", "every", "checkpoints"),
    [(10, 4, (0, 4, 8, 10)), (8, 4, (0, 4, 8)), (3, 500, (0, 3)), (1, 1, (0, 1))],
)
def test_checkpoints_are_0_every_k_and_the_budget(epochs, every, checkpoints):
    chosen = experiment(epochs=epochs, report_every=every)
    assert chosen.checkpoints == checkpoints
    assert gather(chosen, run(chosen)).results[0].epochs == checkpoints


@pytest.mark.parametrize("activation", ["sigmoid", "hard"])
def test_results_do_not_depend_on_checkpoint_spacing(activation):
    settings = {"activation": activation, "epochs": 60, "learning_rate": 1, "seeds": 4}
    fine, coarse = (train(**settings, report_every=every) for every in (1, 20))
    columns = [fine.epochs.index(epoch) for epoch in coarse.epochs]
    np.testing.assert_array_equal(fine.cost_last[:, columns], coarse.cost_last)
    np.testing.assert_array_equal(fine.cost_mean[:, columns], coarse.cost_mean)
    np.testing.assert_array_equal(fine.weights.hidden, coarse.weights.hidden)
    np.testing.assert_array_equal(fine.solved_at, coarse.solved_at)


def test_a_seed_has_the_same_results_alone_and_in_company():
    together, alone = train(epochs=50, seeds="0,7,3"), train(epochs=50, seeds="[7]")
    np.testing.assert_array_equal(together.cost_last[1], alone.cost_last[0])
    np.testing.assert_array_equal(together.predictions[1], alone.predictions[0])


def test_results_do_not_depend_on_how_often_run_yields(monkeypatch):
    usual = train(epochs=40, seeds=3)
    for engine in ENGINES:
        monkeypatch.setattr(f"hsig.engines.{engine}._WORK_AT_A_TIME", 1)
    chosen = experiment(epochs=40, seeds=3)
    events = list(run(chosen))
    assert [event.epoch for event in events] == list(range(41))
    (often,) = gather(chosen, events).results
    np.testing.assert_array_equal(often.weights.output, usual.weights.output)
    np.testing.assert_array_equal(often.cost_last, usual.cost_last)
    assert often.epochs == usual.epochs


def test_costs_are_what_the_epoch_prints_and_the_budgets_epoch_is_thrown_away():
    short, long = train(epochs=20, seeds=3), train(epochs=21, seeds=3, report_every=20)
    # epoch 20 of the longer run is the one that the shorter run only looks at
    np.testing.assert_array_equal(short.cost_last[:, -1], long.cost_last[:, 1])
    assert not np.array_equal(short.weights.output, long.weights.output)


def test_cost_last_and_mean_are_taken_over_the_samples_of_an_epoch():
    chosen = experiment(epochs=5, seeds=2, report_every=1)
    events = list(run(chosen))
    (result,) = gather(chosen, events).results
    losses = np.stack([event.losses for event in events if isinstance(event, Checkpoint)])
    np.testing.assert_array_equal(result.cost_last, losses[:, :, 3].T)
    np.testing.assert_allclose(result.cost_mean, losses.mean(axis=2).T, rtol=1e-15)


def test_predictions_errors_and_solved_are_those_of_the_budget():
    result = train(activation="tanh", epochs=1000, seeds=5)
    assert isinstance(result, Training)
    targets = np.array([1, 1, 0, 0])
    errors = np.abs(result.predictions - targets).max(axis=1)
    np.testing.assert_array_equal(result.max_error, errors)
    np.testing.assert_array_equal(result.solved, errors < 0.5)
    assert result.solved.any()
    assert (result.solved_at[result.solved] <= 1000).all()


def test_a_seed_first_solved_at_the_budget_counts():
    at = int(train(activation="tanh", epochs=1000).solved_at[0])
    just, short = (train(activation="tanh", epochs=epochs) for epochs in (at, at - 1))
    assert (just.solved_at.tolist(), just.solved.tolist()) == ([at], [True])
    assert (short.solved_at.tolist(), short.solved.tolist()) == ([NOT_REACHED], [False])


def test_a_divergence_in_the_epoch_after_the_budget_does_not_count():
    line = "leaky_relu:leak=1"
    diverging = {"activation": line, "output_activation": line, "loss": "squared"}
    diverging |= {"learning_rate": 0.5, "init": "uniform:0,0.1"}
    first = int(train(**diverging, epochs=200).diverged_at[0])
    assert first > 0
    assert train(**diverging, epochs=first).diverged_at.tolist() == [NOT_REACHED]
    assert train(**diverging, epochs=first + 1).diverged_at.tolist() == [first]


def test_diverged_seeds_count_as_unsolved_and_the_others_go_on():
    result = train(activation="hard", loss="bce_naive", seeds="3,27", epochs=200)
    assert [VERDICTS[verdict] for verdict in result.verdict] == ["affine", "diverged"]
    assert np.isnan(result.cost_last[1]).all()
    assert np.isfinite(result.cost_last[0]).all()


def test_a_network_that_learns_is_solved():
    result = train(activation="tanh", epochs=1000)
    assert [VERDICTS[verdict] for verdict in result.verdict] == ["solved"]


def test_given_initial_weights_replace_the_draw():
    weights = {"hidden": [[0.5], [0.25], [-1.0]], "output": [[2.0], [0.5]]}
    chosen = experiment(initial_weights=weights, hidden=1, activation="relu", loss="squared")
    start = next(iter(run(chosen)))
    np.testing.assert_array_equal(start.weights.hidden, [weights["hidden"]])
    np.testing.assert_array_equal(start.weights.output, [weights["output"]])


def test_a_variant_without_gradient_fails_with_the_way_out():
    result = train(activation="ultra_fast")
    assert "ultra_fast has no gradient" in result.failure
    assert "MethodNotDefined: ('grad', ..., 'UltraFastScalarSigmoid')" in result.failure
    assert "ultra_fast:backward=own" in result.failure


def test_a_failure_has_every_number_of_no_seed():
    result = train(activation="ultra_fast")
    assert (result.seeds, result.epochs, result.diverged_by) == ((), (), ())
    assert all(len(getattr(result, name)) == 0 for name in (*ARRAYS, "verdict"))
    assert result.epochs_to_solve.tolist() == []


def test_an_output_without_gradient_fails_too():
    assert "no gradient" in train(activation="tanh", output_activation="ultra_fast").failure


def outcome_events(chosen, number):
    events = run(chosen)
    return [next(events) for _ in range(number)]


def test_a_run_that_is_stopped_half_way_is_an_outcome_with_what_was_reached():
    chosen = experiment(epochs=30, report_every=10)
    events = run(chosen)
    outcome = gather(chosen, [next(events), next(events)])
    assert outcome.results[0].epochs == (0, 10)
    assert not outcome.complete
    between = gather(
        chosen,
        [
            replace(event, state=replace(event.state, epoch=17))
            for event in outcome_events(chosen, 2)
        ],
    )
    assert between.results[0].epochs == (17,)
    assert gather(chosen, []).results == ()
    assert gather(chosen, run(chosen)).complete


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - {"step", "sign"}))  # of slope 0
def test_every_activation_trains(name):
    spec = f"{name}:backward=own"
    result = train(activation=spec, loss="squared", epochs=20, seeds=10, init="uniform:-1,1")
    assert np.isfinite(result.cost_mean).all()
    assert (result.cost_mean[:, -1] < result.cost_mean[:, 0]).any()


def test_a_variant_that_raises_fails_with_what_and_where_and_the_others_go_on():
    def halve_nothing(*_, **__):
        raise ZeroDivisionError("nothing to halve")

    chosen = load_experiment(flags={"activations": "sigmoid,hard,tanh", "epochs": "2"})
    first, second, third = chosen.variants
    broken = WithValue("hard", source="a test", computed=halve_nothing)
    chosen = replace(chosen, variants=(first, replace(second, hidden_activation=broken), third))
    outcome = gather(chosen, run(chosen))
    assert [bool(result.failure) for result in outcome.results] == [False, True, False]
    reason = outcome.results[1].failure
    assert reason.startswith("its training raised ZeroDivisionError: nothing to halve (line ")
    assert reason.endswith(", in halve_nothing)")


def test_outcomes_of_several_experiments_are_kept_apart():
    tried = [
        experiment(activation="hard", epochs=4, seeds=2, report_every=2, learning_rate=rate)
        for rate in (1, 2, 3)
    ]
    tried = [chosen.prefix_labels(f"rate {number}") for number, chosen in enumerate(tried)]
    events = [event for each in reversed(tried) for event in run(each)]
    outcomes = gather_all(tried, events)
    assert [len(outcome.results) for outcome in outcomes] == [1, 1, 1]
    for each, outcome in zip(tried, outcomes, strict=True):
        assert outcome.experiment is each
        assert outcome.complete
        (alone,) = gather(each, run(each)).results
        np.testing.assert_array_equal(outcome.results[0].cost_mean, alone.cost_mean)


def test_of_weights_alone_the_evidence_at_the_end_is_known_and_of_a_stopped_training_no_outlook():
    chosen = experiment(activation="hard", epochs=100, report_every=50, seeds=5)
    whole = gather(chosen, run(chosen)).results[0]
    (variant,) = chosen.variants
    evidence, outlook = look_again(chosen, variant, whole.weights, whole.diverged_at, (0, 50, 100))
    np.testing.assert_array_equal(evidence.departure[:, -1], whole.evidence.departure[:, -1])
    assert np.isnan(evidence.departure[:, :-1]).all()
    np.testing.assert_array_equal(outlook.fall, whole.outlook.fall)
    _, stopped = look_again(chosen, variant, whole.weights, whole.diverged_at, (0, 50))
    assert not stopped.looked.any()
