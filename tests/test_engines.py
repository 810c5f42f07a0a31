"""What every engine must do; each test runs on each engine."""

from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
from golden_data import load_golden
from hypothesis import given
from hypothesis import strategies as st
from scalar_reference import FUNCTIONS, ScalarNetwork
from scalar_reference import LOSSES as SCALAR_LOSSES
from setups import TWO_OUTPUTS, layers_of, problem_of, same_bits, state_of, task_of

from hsig.activations import ACTIVATIONS
from hsig.arrays import Array
from hsig.engines import compiled, reference
from hsig.engines.choice import ENGINES, engine_for
from hsig.engines.engine import MARKS, NOT_REACHED, State
from hsig.engines.optimizers import OPTIMIZERS, Optimizer
from hsig.engines.order import Order
from hsig.networks.network import all_finite
from hsig.networks.tasks import TASKS

here = [engine for engine in ENGINES.values() if engine.is_available()]
each_engine = pytest.mark.parametrize("engine", here, ids=lambda engine: engine.NAME)

BATCH = Order(None)
DEPTHS = ((3,), (7,), (3, 4, 2))


def advance_in(engine, state, problem, *strides):
    for epochs in strides:
        state = engine.advance(state, problem, epochs)
    return state


def task_for(hidden):
    """One output for one hidden layer, which every engine has, and two for more."""
    return "xor" if len(hidden) == 1 else TWO_OUTPUTS


def of_depth(hidden, activation="hard", **settings):
    """A problem with so many hidden layers."""
    return problem_of(
        *[activation] * len(hidden), output="sigmoid", task=task_for(hidden), **settings
    )


each_depth = pytest.mark.parametrize(
    ("engine", "hidden"),
    [
        pytest.param(engine, hidden, id=f"{engine.NAME}-{hidden}")
        for engine in here
        for hidden in DEPTHS
        if engine.supports(of_depth(hidden))
    ],
)


def test_every_engine_trains_any_network_in_any_way():
    for problem in (
        problem_of("hard"),
        problem_of("hard", "hard"),
        problem_of("sigmoid", task=TWO_OUTPUTS),
        replace(problem_of("hard"), order=Order(2, shuffled=True)),
        replace(problem_of("hard"), optimizer=Optimizer("momentum", (0.9,))),
    ):
        assert all(engine.supports(problem) for engine in here)


# --- golden trajectories of the real Theano ---------------------------------------------------


@each_engine
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
    problem = problem_of(activation, loss=loss)
    state = state_of(problem, golden["seeds"].tolist(), 3)

    def close(found: Array, expected: Array) -> None:
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=0, equal_nan=True)

    epochs = golden[f"{name}__epochs"]
    if engine is not here[0]:  # the slower one goes a part of the way
        epochs = epochs[:1]
    for column, epoch in enumerate(epochs):
        assert state.epoch == epoch
        state = engine.advance(state, problem, 500)
        close(state.first_epoch_losses.T, golden[f"{name}__cost_by_sample"][:, column])
    if engine is not here[0]:
        return
    for layer, final in zip(state.weights, ("hidden_final", "output_final"), strict=True):
        close(np.moveaxis(layer, -1, 0), golden[f"{name}__{final}"])
    close(engine.evaluate(problem, state.weights)[0][:, 0].T, golden[f"{name}__predictions"])
    np.testing.assert_array_equal(state.diverged_at, golden[f"{name}__first_nonfinite_epoch"])


# --- against plain loops ----------------------------------------------------------------------


def plain_training(problem, state, epochs):
    """The scalar network after some epochs from a state of one seed."""
    network = problem.network
    plain = ScalarNetwork(
        [layer[:, :, 0].tolist() for layer in state.weights],
        [activation.name for activation in network.activations],
        [activation.backward for activation in network.activations],
        network.loss.name,
    )
    order = problem.order.batch_size
    with np.errstate(all="ignore"):
        plain.train(problem.inputs, problem.targets, problem.learning_rate, order, epochs)
    return plain


@each_engine
@given(
    spec=st.tuples(
        st.sampled_from(sorted(FUNCTIONS)),
        st.sampled_from(["own", "logistic", "output", "straight_through"]),
    ),
    loss=st.sampled_from(SCALAR_LOSSES),
    task=st.sampled_from(sorted(TASKS)) | st.just(TWO_OUTPUTS),
    batch_size=st.sampled_from([1, 2, 3, None]),
    seed=st.integers(0, 2**32 - 1),
    hidden=st.lists(st.integers(1, 4), max_size=3),
)
def test_a_few_epochs_match_plain_loops(engine, spec, loss, task, batch_size, seed, hidden):
    spec = ":".join(spec)
    output = spec if ACTIVATIONS[spec.split(":")[0]].maps_into_unit_interval else "sigmoid"
    layers = [spec] * len(hidden)
    problem = problem_of(*layers, output=output, loss=loss, task=task, order=Order(batch_size))
    if not engine.supports(problem):
        return
    state = state_of(problem, [seed], *hidden, low=-1.0)
    first, later = engine.advance(state, problem, 1), engine.advance(state, problem, 3)
    losses = plain_training(problem, state, 1).printed
    np.testing.assert_allclose(first.first_epoch_losses[:, 0], losses, rtol=1e-12, atol=1e-14)
    for layer, expected in zip(
        later.weights, plain_training(problem, state, 3).weights, strict=True
    ):
        np.testing.assert_allclose(layer[:, :, 0], expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("hidden", DEPTHS)
@pytest.mark.parametrize("batch_size", [1, 3, None])
@pytest.mark.parametrize("activation", ["hard", "relu", "leaky_relu"])
def test_without_exponentials_numpy_has_the_bits_of_plain_loops(hidden, batch_size, activation):
    """Every sum has a stated order, so that only what is rounded elsewhere may differ: nothing."""
    specs = [activation] * len(hidden)
    problem = problem_of(
        *specs, output="hard", loss="squared", task=TWO_OUTPUTS, order=Order(batch_size), rate=0.5
    )
    state = state_of(problem, [11], *hidden, low=-1.0)
    found = reference.advance(state, problem, 20).weights
    for layer, expected in zip(found, plain_training(problem, state, 20).weights, strict=True):
        np.testing.assert_array_equal(layer[:, :, 0], expected)


# --- promise: a seed's bits do not depend on its company --------------------------------------


@each_depth
@pytest.mark.parametrize("activation", ["hard", "gelu_tanh"])
@pytest.mark.parametrize("order", [Order(), Order(3), BATCH], ids=str)
def test_a_seed_has_the_same_bits_alone_and_in_a_batch_of_64(engine, hidden, activation, order):
    problem = of_depth(hidden, activation, order=order)
    engine = engine_for(problem, engine.NAME)
    batch = engine.advance(state_of(problem, range(64), *hidden), problem, 25)
    for seed in (0, 31, 63):
        alone = engine.advance(state_of(problem, [seed], *hidden), problem, 25)
        assert same_bits(alone, batch.select(np.array([seed])))
        np.testing.assert_array_equal(
            alone.first_epoch_losses[:, 0], batch.first_epoch_losses[:, seed]
        )


@each_engine
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_gives_the_same_bits_alone_and_in_a_batch(engine, activation):
    problem = problem_of(f"{activation}:own", loss="squared")
    assert engine.supports(problem)
    batch, alone = (
        engine.advance(state_of(problem, seeds, 5, low=-4.0, high=4.0), problem, 6)
        for seeds in (range(13), [11])
    )
    assert same_bits(alone, batch.select(np.array([11])))


@each_depth
def test_checkpoint_spacing_changes_no_bits(engine, hidden):
    problem = of_depth(hidden, rate=1.0)
    state = state_of(problem, range(8), *hidden)
    whole = advance_in(engine, state, problem, 60)
    assert same_bits(advance_in(engine, state, problem, 1, 19, 40), whole)
    assert same_bits(advance_in(engine, state, problem, *[1] * 60), whole)


@each_depth
def test_predictions_and_losses_are_those_an_epoch_begins_with(engine, hidden):
    problem = of_depth(hidden, "tanh")
    later = engine.advance(state_of(problem, range(11), *hidden), problem, 30)
    one, more = (engine.advance(later, problem, epochs) for epochs in (1, 2))
    np.testing.assert_array_equal(engine.evaluate(problem, later.weights)[0], more.predictions)
    np.testing.assert_array_equal(one.first_epoch_losses, more.first_epoch_losses)
    forward = problem.network.forward(later.weights, problem.inputs_with_bias)
    np.testing.assert_allclose(more.predictions, forward.predictions, rtol=1e-13)


@each_engine
def test_the_state_it_starts_from_is_left_as_it_was(engine):
    problem = problem_of("hard", loss="bce_naive")
    state = state_of(problem, range(3), 3)
    before = replace(state, weights=tuple(layer.copy() for layer in state.weights))
    engine.advance(state, problem, 3)
    assert same_bits(before, state)
    assert (state.diverged_at == NOT_REACHED).all()


# --- solved, lost, diverged -------------------------------------------------------------------


@each_engine
@pytest.mark.parametrize(("order", "rate"), [(Order(), 1.0), (BATCH, 8.0)], ids=str)
@pytest.mark.parametrize("hidden", [(3,), (4, 4)])
def test_solved_at_and_lost_at_are_exact_to_the_epoch(engine, hidden, order, rate):
    # at these rates seeds solve xor and lose it again and again
    problem = problem_of(*["hard"] * len(hidden), loss="squared", rate=rate, order=order)
    engine = engine_for(problem, engine.NAME)
    state = state_of(problem, range(40), *hidden, low=-2.0, high=2.0)
    history = []
    for _ in range(100):
        errors = engine.evaluate(problem, state.weights)[0] - problem.target_columns
        history.append((np.abs(errors) < 0.5).all(axis=(0, 1)))
        state = engine.advance(state, problem, 1)
    history, lost = np.array(history), 0
    for seed in range(40):
        solved = np.flatnonzero(history[:, seed])
        first = int(solved[0]) if solved.size else NOT_REACHED
        assert state.solved_at[seed] == first
        later = np.flatnonzero(~history[first:, seed]) if solved.size else solved
        assert state.lost_at[seed] == (first + later[0] if later.size else NOT_REACHED)
        lost += bool(later.size)
    assert lost > 0  # or the test shows nothing


@each_engine
def test_solved_within_is_strict(engine):
    # with all weights 0 every prediction of the logistic sigmoid is exactly 0.5
    problem = problem_of("sigmoid", loss="squared")
    zeros = State.start((np.zeros((3, 3, 1)), np.zeros((4, 1, 1))))
    assert engine.advance(zeros, problem, 1).solved_at.tolist() == [NOT_REACHED]


def test_a_row_is_right_if_every_output_is():
    problem = problem_of(output="hard", task=task_of([[0, 0]], [[1, 1]]))
    both = State.start(layers_of([[0, 0], [0, 0], [9, 9]]))
    one = State.start(layers_of([[0, 0], [0, 0], [9, -9]]))
    assert reference.advance(both, problem, 1).solved_at.tolist() == [0]
    assert reference.advance(one, problem, 1).solved_at.tolist() == [NOT_REACHED]


@each_engine
def test_a_divergence_leaves_the_others_alone(engine):
    problem = problem_of("hard", loss="bce_naive")
    together = engine.advance(state_of(problem, [3, 27, 5], 3), problem, 40)
    assert together.diverged_at.tolist() == [NOT_REACHED, 0, NOT_REACHED]  # golden: seed 27
    alone = engine.advance(state_of(problem, [3, 5], 3), problem, 40)
    assert same_bits(alone, together.select(np.array([0, 2])))


@each_depth
def test_divergence_is_the_epoch_during_which_a_weight_stopped_being_finite(engine, hidden):
    specs = ["identity"] * len(hidden)
    problem = problem_of(*specs, output="identity", loss="squared", task=task_for(hidden), rate=5.0)
    state = state_of(problem, range(10), *hidden)
    first = np.full(10, NOT_REACHED)
    for epoch in range(40):
        state = engine.advance(state, problem, 1)
        first[~all_finite(state.weights) & (first == NOT_REACHED)] = epoch
    np.testing.assert_array_equal(state.diverged_at, first)
    assert (first != NOT_REACHED).any()


# weights with which a hard network is right on xor: or, and not-and, then and
RIGHT = layers_of([[5, -5], [5, -5], [-2.5, 7.5]], [[5], [5], [-7.5]])


@each_engine
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"solved_at": 0, "lost_at": NOT_REACHED}),
        ({"epoch": 5, "diverged_at": 2}, {"solved_at": NOT_REACHED, "diverged_at": 2}),
        ({"epoch": 5, "diverged_at": 4, "solved_at": 1}, {"solved_at": 1, "lost_at": 5}),
    ],
)
def test_a_diverged_seed_is_not_solved_however_it_predicts(engine, before, after):
    marks = {name: n if name == "epoch" else np.array([n]) for name, n in before.items()}
    state = engine.advance(
        replace(State.start(RIGHT), **marks), problem_of("hard", loss="squared"), 1
    )
    assert {name: getattr(state, name).item() for name in after} == after


# --- steps ------------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", DEPTHS)
def test_a_step_is_taken_on_the_mean_gradient_of_its_rows(hidden):
    problem = of_depth(hidden, "sigmoid", loss="squared", order=Order(3), rate=0.7)
    expected = state_of(problem, range(2), *hidden)
    after = reference.advance(expected, problem, 1)
    for rows in (slice(0, 3), slice(3, 4)):
        network = problem.network
        activity = network.forward(expected.weights, problem.inputs_with_bias[rows])
        gradient = network.gradient(expected.weights, activity, problem.target_columns[rows])
        pairs = zip(expected.weights, gradient, strict=True)
        expected = replace(expected, weights=tuple(w - 0.7 * g for w, g in pairs))
    assert same_bits(expected, after)


def all_numbers(progress):
    marks = (getattr(progress, name) for name in MARKS)
    arrays = chain(progress.weights, *progress.memory, marks)
    return [*arrays, progress.predictions, progress.first_epoch_losses]


@pytest.mark.parametrize(
    ("engine", "options"),
    [
        pytest.param(engine, options, id=" ".join([engine.NAME, *map(str, options.values())]))
        for engine in here
        for options in (
            [{}]
            if engine is reference
            else [{"layout": name, "threads": n} for name in compiled.LAYOUTS for n in (1, 3)]
        )
    ],
)
@given(
    spec=st.sampled_from(["hard", "tanh", "mish"]),
    hidden=st.sampled_from(DEPTHS),
    optimizer=st.sampled_from(list(OPTIMIZERS)),
    order=st.builds(Order, st.sampled_from([1, 3, None]), st.booleans()),
    stops=st.sampled_from([{}, {"stop_loss": 0.2}, {"stop_solved": True}]),
    rate=st.sampled_from([0.01, 1.0, 1e300]),
    epochs=st.integers(1, 4),
    strides=st.integers(1, 5),
    seeds=st.integers(1, 70),
)
def test_strides_in_one_call_are_those_of_a_call_each(
    engine, options, spec, hidden, optimizer, order, stops, rate, epochs, strides, seeds
):
    settings = {"optimizer": Optimizer(optimizer, tuple(OPTIMIZERS[optimizer].settings.values()))}
    problem = of_depth(hidden, spec, order=order, rate=rate, **settings, **stops)
    state = engine.advance(state_of(problem, range(seeds), *hidden, low=-2.0), problem, 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "_MIN_WORK_PER_THREAD", 1)  # for threads to have their share
        together = engine.advance_in_strides(state, problem, epochs, strides, **options)
    assert len(together) == strides
    for found in together:
        state = engine.advance(state, problem, epochs)
        assert found.epoch == state.epoch
        for ours, theirs in zip(all_numbers(found), all_numbers(state), strict=True):
            np.testing.assert_array_equal(ours, theirs)


@each_engine
@pytest.mark.parametrize("name", [name for name in OPTIMIZERS if name != "sgd"])
def test_an_optimizer_gets_its_memory_back_wherever_training_stops(engine, name):
    optimizer = Optimizer(name, tuple(OPTIMIZERS[name].settings.values()))
    problem = problem_of("tanh", "tanh", rate=0.01, optimizer=optimizer)
    state, fourth = state_of(problem, range(5), 3, 2), np.array([3])
    whole = engine.advance(state, problem, 30)
    assert same_bits(whole, advance_in(engine, state, problem, 1, 10, 19))
    forgotten = replace(engine.advance(state, problem, 10), memory=optimizer.start(state.weights))
    assert not same_bits(whole, engine.advance(forgotten, problem, 20))
    alone = engine.advance(state.select(fourth), problem, 30)
    assert same_bits(alone, whole.select(fourth))
    for ours, theirs in zip(alone.memory, whole.select(fourth).memory, strict=True):
        for one, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(one, other)
