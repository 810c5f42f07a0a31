"""What every engine must do; each test runs on each engine."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from golden_data import load_golden
from hypothesis import given, settings
from hypothesis import strategies as st
from scalar_reference import FUNCTIONS, ScalarNetwork
from scalar_reference import LOSSES as SCALAR_LOSSES

from hsig.activations import ACTIVATIONS
from hsig.engines.choice import ENGINES
from hsig.engines.engine import NOT_REACHED, Problem, State
from hsig.networks.losses import LOSSES
from hsig.networks.network import Network, Weights, append_bias, initial_weights
from hsig.networks.tasks import TASKS

here = [engine for engine in ENGINES.values() if engine.is_available()]
pytestmark = pytest.mark.parametrize("engine", here, ids=lambda engine: engine.NAME)

EVERY = list(ACTIVATIONS)


def trainable(name, backward="own"):
    return ACTIVATIONS[name].with_settings({}, backward)


def make_problem(activation="hard", loss="bce", task="xor", *, update="online", rate=0.1):
    hidden = trainable(activation) if isinstance(activation, str) else activation
    output = hidden if hidden.maps_into_unit_interval else ACTIVATIONS["sigmoid"]
    rows = TASKS[task]
    network = Network(hidden, output, LOSSES[loss])
    return Problem(network, rows.inputs, rows.targets, rate, update, solved_within=0.5)


def make_state(seeds, hidden=3, task="xor", bounds=(0.0, 1.0)):
    weights = initial_weights(seeds, TASKS[task].inputs.shape[1], hidden, *bounds)
    return State.start(Weights(*(np.ascontiguousarray(np.moveaxis(w, 0, -1)) for w in weights)))


def advance_in(engine, state, problem, *strides):
    for epochs in strides:
        state = engine.advance(state, problem, epochs)
    return state


def assert_same_bits(one, other):
    for name in ("solved_at", "lost_at", "diverged_at"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    for a, b in zip(one.weights, other.weights, strict=True):
        np.testing.assert_array_equal(a, b)


# --- golden trajectories of the real Theano ---------------------------------------------------


@pytest.mark.parametrize(
    ("name", "activation", "loss"),
    [
        ("sigmoid__squared", "sigmoid", "squared"),
        ("sigmoid__bce", "sigmoid", "bce"),
        ("hard_sigmoid__squared", "hard", "squared"),
        ("hard_sigmoid__bce", "hard", "bce_naive"),
    ],
)
def test_trajectories_are_theanos(engine, name, activation, loss):
    golden = load_golden("trajectories_theano")
    problem = make_problem(activation, loss)
    state = make_state(golden["seeds"].tolist())
    epochs = golden[f"{name}__epochs"]
    close = partial(np.testing.assert_allclose, rtol=1e-11, atol=0, equal_nan=True)
    for column, epoch in enumerate(epochs):
        assert state.epoch == epoch
        state = engine.advance(state, problem, 500)
        close(state.losses.T, golden[f"{name}__cost_by_sample"][:, column])
    close(np.moveaxis(state.weights.hidden, -1, 0), golden[f"{name}__hidden_final"])
    close(np.moveaxis(state.weights.output, -1, 0), golden[f"{name}__output_final"])
    with np.errstate(invalid="ignore"):
        activity = problem.network.forward(state.weights, append_bias(problem.inputs))
    close(activity.predictions[:, 0].T, golden[f"{name}__predictions"])
    np.testing.assert_array_equal(state.diverged_at, golden[f"{name}__first_nonfinite_epoch"])


# --- against plain loops ----------------------------------------------------------------------


@settings(max_examples=60)
@given(
    activation=st.sampled_from(sorted(FUNCTIONS)),
    backward=st.sampled_from(["own", "logistic", "output", "straight_through"]),
    loss=st.sampled_from(SCALAR_LOSSES),
    task=st.sampled_from(sorted(TASKS)),
    update=st.sampled_from(["online", "batch"]),
    seed=st.integers(0, 2**32 - 1),
    hidden=st.integers(1, 5),
)
def test_a_few_epochs_match_plain_loops(
    engine, activation, backward, loss, task, update, seed, hidden
):
    problem = make_problem(trainable(activation, backward), loss, task, update=update)
    state = make_state([seed], hidden, task, (-1.0, 1.0))
    network = problem.network
    plain = ScalarNetwork(
        state.weights.hidden[:, :, 0].tolist(),
        state.weights.output[:, 0, 0].tolist(),
        network.hidden_activation.name,
        network.output_activation.name,
        loss,
        network.hidden_activation.backward,
        network.output_activation.backward,
    )
    state = engine.advance(state, problem, 1)
    with np.errstate(all="ignore"):
        plain.train(problem.inputs, problem.targets, 0.1, update, 1)
        np.testing.assert_allclose(state.losses[:, 0], plain.printed, rtol=1e-12, atol=1e-14)
        plain.train(problem.inputs, problem.targets, 0.1, update, 2)
    state = engine.advance(state, problem, 2)
    tolerance = {"rtol": 1e-10, "atol": 1e-12}
    np.testing.assert_allclose(state.weights.hidden[:, :, 0], plain.hidden, **tolerance)
    np.testing.assert_allclose(state.weights.output[:, 0, 0], plain.output, **tolerance)


# --- promise: a seed's bits do not depend on its company --------------------------------------


@pytest.mark.parametrize("hidden", [3, 7, 8, 17])
@pytest.mark.parametrize("task", ["xor", "parity3"])
@pytest.mark.parametrize("activation", ["sigmoid", "hard", "tanh", "gelu_tanh"])
@pytest.mark.parametrize("update", ["online", "batch"])
def test_a_seed_has_the_same_bits_alone_and_in_a_batch_of_64(
    engine, hidden, task, activation, update
):
    problem = make_problem(activation, "bce", task, update=update)
    batch = advance_in(engine, make_state(range(64), hidden, task), problem, 25)
    for seed in (0, 1, 31, 63):
        alone = advance_in(engine, make_state([seed], hidden, task), problem, 25)
        np.testing.assert_array_equal(alone.losses[:, 0], batch.losses[:, seed])
        for one, many in zip(alone.weights, batch.weights, strict=True):
            np.testing.assert_array_equal(one[..., 0], many[..., seed])


@pytest.mark.parametrize("activation", EVERY)
def test_every_activation_gives_the_same_bits_alone_and_in_a_batch(engine, activation):
    problem = make_problem(activation, "squared")
    assert engine.knows(problem)
    start = make_state(range(13), 5, bounds=(-4.0, 4.0))
    batch = advance_in(engine, start, problem, 20)
    alone = advance_in(engine, make_state([11], 5, bounds=(-4.0, 4.0)), problem, 20)
    for one, many in zip(alone.weights, batch.weights, strict=True):
        np.testing.assert_array_equal(one[..., 0], many[..., 11])


@pytest.mark.parametrize("hidden", [3, 7, 8, 17])
@pytest.mark.parametrize("task", ["xor", "parity3"])
def test_checkpoint_spacing_changes_no_bits(engine, hidden, task):
    problem = make_problem("hard", "bce", task, rate=1.0)
    state = make_state(range(8), hidden, task)
    whole = advance_in(engine, state, problem, 60)
    assert_same_bits(advance_in(engine, state, problem, 1, 19, 40), whole)
    assert_same_bits(advance_in(engine, state, problem, *[1] * 60), whole)


def test_a_prediction_is_that_of_the_weights_an_epoch_begins_with(engine):
    problem, state = make_problem("tanh", "bce"), make_state(range(11))
    later = engine.advance(state, problem, 30)
    shown = engine.advance(later, problem, 2).predictions
    np.testing.assert_array_equal(engine.predict(problem, later.weights), shown)
    forward = problem.network.forward(later.weights, append_bias(problem.inputs))
    np.testing.assert_allclose(shown, forward.predictions[:, 0], rtol=1e-13)


def test_the_state_it_starts_from_is_left_as_it_was(engine):
    state = make_state(range(3))
    before = [part.copy() for part in (*state.weights, state.solved_at, state.diverged_at)]
    engine.advance(state, make_problem("hard", "bce_naive"), 3)
    after = (*state.weights, state.solved_at, state.diverged_at)
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(old, new)


# --- solved, lost, diverged -------------------------------------------------------------------


def solved_with(state, problem):
    activity = problem.network.forward(state.weights, append_bias(problem.inputs))
    errors = np.abs(activity.predictions[:, 0] - problem.targets[:, None])
    return (errors < problem.solved_within).all(axis=0)


@pytest.mark.parametrize(("update", "rate"), [("online", 1.0), ("batch", 8.0)])
def test_solved_at_and_lost_at_are_exact_to_the_epoch(engine, update, rate):
    # at these rates the hard sigmoid solves xor and loses it again and again
    problem = make_problem("hard", "squared", rate=rate, update=update)
    state = make_state(range(40), bounds=(-2.0, 2.0))
    history = []
    for _ in range(150):
        history.append(solved_with(state, problem))
        state = engine.advance(state, problem, 1)
    history = np.array(history)
    lost = 0
    for seed in range(40):
        solved = np.flatnonzero(history[:, seed])
        expected = int(solved[0]) if solved.size else NOT_REACHED
        assert state.solved_at[seed] == expected
        later = np.flatnonzero(~history[expected:, seed]) if solved.size else np.array([])
        assert state.lost_at[seed] == (expected + later[0] if later.size else NOT_REACHED)
        lost += bool(later.size)
    assert lost > 3  # or the test shows nothing
    assert (state.solved_at != NOT_REACHED).any()


def test_solved_within_is_strict(engine):
    # with all weights 0 every prediction of the logistic sigmoid is exactly 0.5
    problem = make_problem("sigmoid", "squared")
    zeros = State.start(Weights(np.zeros((3, 3, 1)), np.zeros((4, 1, 1))))
    assert engine.advance(zeros, problem, 1).solved_at.tolist() == [NOT_REACHED]


def test_divergence_is_told_to_the_epoch_and_leaves_the_others_alone(engine):
    problem = make_problem("hard", "bce_naive")
    together = engine.advance(make_state([3, 27, 5]), problem, 40)
    assert together.diverged_at.tolist() == [NOT_REACHED, 0, NOT_REACHED]  # golden: seed 27
    alone = engine.advance(make_state([3, 5]), problem, 40)
    for one, many in zip(alone.weights, together.weights, strict=True):
        np.testing.assert_array_equal(one, many[..., [0, 2]])


def test_divergence_is_the_epoch_during_which_a_weight_stopped_being_finite(engine):
    problem = make_problem("relu", "squared", rate=50.0)
    state = make_state(range(10))
    first = np.full(10, NOT_REACHED)
    for epoch in range(80):
        state = engine.advance(state, problem, 1)
        finite = np.isfinite(state.weights.hidden).all(axis=(0, 1))
        finite &= np.isfinite(state.weights.output).all(axis=(0, 1))
        first[~finite & (first == NOT_REACHED)] = epoch
    np.testing.assert_array_equal(state.diverged_at, first)


def right_from_the_start():
    """Weights with which a hard network is right on xor: or, and not-and, then and."""
    hidden = np.array([[5.0, -5.0], [5.0, -5.0], [-2.5, 7.5]])
    output = np.array([[5.0], [5.0], [-7.5]])
    return State.start(Weights(hidden[:, :, None], output[:, :, None]))


def test_a_network_that_is_right_from_the_start_is_solved_at_0(engine):
    state = engine.advance(right_from_the_start(), make_problem("hard", "squared"), 1)
    assert state.solved_at.tolist() == [0]
    assert state.lost_at.tolist() == [NOT_REACHED]


def test_a_diverged_seed_is_not_solved_however_it_predicts(engine):
    before = replace(right_from_the_start(), epoch=5, diverged_at=np.array([2]))
    state = engine.advance(before, make_problem("hard", "squared"), 1)
    assert state.solved_at.tolist() == [NOT_REACHED]
    assert state.diverged_at.tolist() == [2]


def test_a_seed_that_diverges_after_it_was_solved_has_lost_it(engine):
    before = replace(right_from_the_start(), epoch=5, diverged_at=np.array([4]))
    before = replace(before, solved_at=np.array([1]))
    state = engine.advance(before, make_problem("hard", "squared"), 1)
    assert state.solved_at.tolist() == [1]
    assert state.lost_at.tolist() == [5]


def test_losses_are_those_of_the_first_epoch_before_each_update(engine):
    problem = make_problem("sigmoid", "squared")
    state = make_state(range(4))
    one, many = (engine.advance(state, problem, epochs) for epochs in (1, 9))
    np.testing.assert_array_equal(one.losses, many.losses)
    assert one.losses.shape == (4, 4)


def test_batch_update_is_one_step_on_the_mean_gradient(engine):
    problem = make_problem("sigmoid", "squared", update="batch", rate=0.7)
    state = make_state(range(2))
    activity = problem.network.forward(state.weights, append_bias(problem.inputs))
    gradient = problem.network.gradient(state.weights, activity, problem.targets[:, None, None])
    after = engine.advance(state, problem, 1)
    for new, old, slope in zip(after.weights, state.weights, gradient, strict=True):
        np.testing.assert_allclose(new, old - 0.7 * slope, rtol=1e-14)


def test_online_and_batch_are_the_same_on_a_single_row(engine):
    rows = {"inputs": np.array([[0.3, 0.9]]), "targets": np.array([1.0])}
    network = make_problem("sigmoid").network
    results = [
        engine.advance(
            make_state(range(3)),
            Problem(network, **rows, learning_rate=0.5, update=update, solved_within=0.1),
            7,
        )
        for update in ("online", "batch")
    ]
    assert_same_bits(*results)
