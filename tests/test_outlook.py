"""What a network is about to do, against trainings that go on."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from setups import (
    TWO_OUTPUTS,
    experiment,
    layers_of,
    problem_of,
    task_of,
    train,
    train_from,
    trained,
)

from hsig.engines import reference
from hsig.engines.engine import NOT_REACHED, State
from hsig.engines.optimizers import OPTIMIZERS, Optimizer
from hsig.engines.order import Order
from hsig.experiments.outlook import WINDOW, look_ahead

ONE = np.array([True])


def outlook_of(problem, weights, *, advance=reference.advance_in_strides):
    """The outlook of one seed before its first epoch."""
    return look_ahead(
        State.start(weights, problem.optimizer), problem, ONE, advance, reference.evaluate
    )


@pytest.mark.parametrize("batch_size", [1, None])
@pytest.mark.parametrize("hidden", [(3,), (3, 2)])
def test_rise_and_drop_are_those_of_a_training_that_goes_on(batch_size, hidden):
    settings = {"seeds": 60, "report_every": 1, "batch_size": batch_size, "loss": "squared"}
    settings |= {"learning_rate": 1.0, "hidden": hidden, "low": -1.0}
    short, longer = train(epochs=200, **settings), train(epochs=200 + WINDOW, **settings)
    costs, outlook, known = longer.loss[:, 200:], short.outlook, ~short.solved
    np.testing.assert_array_equal(outlook.is_known, known)
    assert known.any()
    drop = 1 - costs[:, -1] / costs[:, 0]
    rise = np.maximum(np.diff(costs), 0).sum(axis=1) / costs[:, 0]
    np.testing.assert_allclose(outlook.cost_drop[known], drop[known], rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(outlook.cost_rise[known], rise[known], rtol=1e-9, atol=1e-15)
    assert np.isnan(outlook.cost_drop[~known]).all()
    assert (outlook.cost_rise >= -outlook.cost_drop - 1e-12)[known].all()


def test_weights_that_return_are_returned_to_in_later_epochs_too():
    settings = {"low": -8.0, "high": 8.0, "loss": "squared", "seeds": 50}
    early, late = train(epochs=50, **settings), train(epochs=900, **settings)
    resting = early.outlook.returns_after == 1
    assert resting.sum() > 20
    for one, other in zip(early.weights, late.weights, strict=True):
        np.testing.assert_array_equal(one[resting], other[resting])


def test_a_cycle_returns_after_its_length():
    problem = problem_of("identity", output="identity", task=task_of([[0]], [4]), loss="squared")

    def turning(state, problem, epochs, strides):
        """An engine that goes round three states."""
        found = reference.advance_in_strides(state, problem, epochs, strides)
        steps = np.array([(state.epoch + (i + 1) * epochs) % 3 for i in range(strides)], float)
        weights = layers_of([[0], [0]], [[1], [1]])
        hidden = np.broadcast_to(steps[:, None, None, None], (strides, 2, 1, 1))
        output = np.stack([weights[1]] * strides)
        ahead = [replace(state, weights=(first, weights[1])) for first in [weights[0], *hidden]]
        predictions = [reference.evaluate(problem, each.weights)[0] for each in ahead[:-1]]
        return replace(found, weights=(hidden, output), predictions=np.stack(predictions))

    weights = layers_of([[0], [0]], [[1], [1]])
    outlook = outlook_of(problem, weights, advance=turning)
    assert (outlook.returns_after.tolist(), outlook.at_rest.tolist()) == ([3], [False])
    assert outlook.largest_move.tolist() == [2.0]
    # of a target of 4 the states predict 1, 2 and 3: where the last is right, nothing is promised
    near = outlook_of(replace(problem, solved_within=1.5), weights, advance=turning)
    assert near.returns_after.tolist() == [NOT_REACHED]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_weights_alone_that_return_are_no_return_where_an_optimizer_remembers(optimizer):
    """Steps of 1e-300 of a weight round away, and what is remembered goes on."""
    settings = tuple(OPTIMIZERS[optimizer].settings.values())
    problem = problem_of("tanh", rate=1e-300, optimizer=Optimizer(optimizer, settings))
    found = outlook_of(problem, layers_of([[1], [1], [0.5]], [[1], [0.5]])).returns_after.tolist()
    assert found == [1 if optimizer == "sgd" else NOT_REACHED]


@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_the_largest_step_change_is_that_of_the_samples_that_the_step_is_taken_for(momentum):
    """One unit that does nothing, an output of bias 0: by hand."""
    weights = layers_of([[0], [0], [0]], [[0], [0]])
    optimizer = Optimizer("momentum", (momentum,))
    online = problem_of("tanh", output="sigmoid", rate=3.0, optimizer=optimizer)
    # the mean gradient at p = 1/2 is 0 for two targets of each kind: nothing moves
    for idle in (replace(online, order=Order(None)), replace(online, learning_rate=1e-300)):
        assert outlook_of(idle, weights).largest_step_change.tolist() == [0.0]
    bias, largest, velocity = 0.0, 0.0, 0.0
    for target in online.targets[:, 0]:
        p = 1 / (1 + np.exp(-bias))
        velocity = momentum * velocity + p - target
        bias -= 3.0 * velocity
        largest = max(largest, abs(1 / (1 + np.exp(-bias)) - p))
    found = outlook_of(online, weights).largest_step_change[0]
    assert found == pytest.approx(largest, rel=1e-12)


def test_where_training_stops_changes_no_outlook():
    problem = problem_of("tanh")
    weights = layers_of([[1], [1], [0.5]], [[1], [0.5]])
    stopping = replace(problem, stop_loss=1e9, stop_solved=True)
    expected, found = (vars(outlook_of(each, weights)) for each in (problem, stopping))
    assert {name: array.item() for name, array in found.items()} == {
        name: array.item() for name, array in expected.items()
    }


# --- rest and return --------------------------------------------------------------------------


def constant(*targets, **fields):
    """A problem of one bias, which is all that predicts."""
    rows = task_of([[0]] * len(targets), targets)
    return problem_of(output="identity", loss="squared", task=rows, **fields)


@pytest.mark.parametrize(
    ("order", "at_rest"),
    [
        (Order(None), True),
        (Order(2), True),
        (Order(1), False),
        (Order(3), False),
        (Order(1, shuffled=True), False),
        (Order(2, shuffled=True), False),
    ],
)
def test_a_mean_that_is_0_is_a_rest_while_the_batches_stay(order, at_rest):
    """Of a prediction of 1 for 0 and 2 the slopes add up to 0."""

    def advance(state, problem, epochs, strides):
        """An engine in which, by chance, rows that are shuffled come in their order."""
        problem = replace(problem, order=replace(problem.order, shuffled=False))
        return reference.advance_in_strides(state, problem, epochs, strides)

    problem = constant(0, 2, 0, 2, order=order)
    found = outlook_of(problem, layers_of([[0], [1]]), advance=advance)
    assert found.at_rest.tolist() == [at_rest]


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("size", [1, 2, None])
@pytest.mark.parametrize(("far", "at_rest"), [(0, True), (100, False)])
def test_what_rounds_away_of_each_row_does_in_any_order(shuffled, size, far, at_rest):
    """Of a weight of 3 the last bit is 2**-51; the rows are so many of these away."""
    targets = [3 + bits * 2**-51 for bits in (far, 1, -1)]
    problem = constant(*targets, order=Order(size, shuffled), within=1e-18)
    assert outlook_of(problem, layers_of([[0], [3]])).at_rest.tolist() == [at_rest]


@pytest.mark.parametrize(
    ("optimizer", "at_rest"),
    [
        (Optimizer(), True),
        (Optimizer("momentum", (0.9,)), True),
        (Optimizer("momentum", (0.9999,)), False),
        (Optimizer("nesterov", (0.9,)), True),
        (Optimizer("nesterov", (0.9999,)), False),
        (Optimizer("rmsprop", (0.9, 1.0)), True),
        (Optimizer("rmsprop", (0.9, 1e-8)), False),
        (Optimizer("adam", (0.9, 0.9, 10.0)), True),
        (Optimizer("adam", (0.9, 0.9, 1e-8)), False),
        (Optimizer(weight_decay=1e-17), True),
        (Optimizer(weight_decay=1e-12), False),
        (Optimizer("adamw", (0.9, 0.9, 10.0), 1e-17), True),
        (Optimizer("adamw", (0.9, 0.9, 10.0), 1e-12), False),
        (Optimizer("rmsprop", (0.9, 1e-4), clip_norm=1e-18), True),
        (Optimizer("momentum", (0.9999,), clip_norm=1e-30), True),
        (Optimizer("momentum", (0.9999,), weight_decay=1e-15, clip_norm=1e-30), False),
    ],
)
@pytest.mark.parametrize("order", [Order(), Order(None, shuffled=True)])
def test_a_step_that_rounds_away_is_a_rest_if_no_later_one_does_more(optimizer, at_rest, order):
    """A slope of 2**-52 at a rate of 1e-3: momentum adds up to 1/(1 - m) of it.

    Of 0.9999 it takes 300 steps or so until a weight of 1 moves, which is more than the window has.
    """
    problem = constant(1 - 2**-53, rate=1e-3, within=1e-18, order=order, optimizer=optimizer)
    weights = layers_of([[0], [1]])
    assert outlook_of(problem, weights).at_rest.tolist() == [at_rest]
    later = reference.advance_in_strides(State.start(weights, optimizer), problem, 1, 400)
    assert all(state.weights[0][1, 0, 0] == 1.0 for state in later) == at_rest


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_cycle_is_one_while_the_order_stays(shuffled):
    problem = constant(0, 2, order=Order(1, shuffled), rate=0.5)
    found = outlook_of(problem, layers_of([[0], [2]]))  # to 0, and back to 2
    assert found.returns_after.tolist() == [NOT_REACHED if shuffled else 1]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("last", [1.0, 2.0])
def test_units_are_the_same_if_all_their_weights_are(bias, last):
    outgoing = [[1.0], [1.0], [last], *([[0.5]] if bias else [])]
    weights = layers_of([[1, 1, 1], [2, 2, 2], [0, 0, 0]], outgoing)
    assert outlook_of(problem_of("tanh"), weights).symmetric.tolist() == [last == 1.0]


@pytest.mark.parametrize("name", ["momentum", "adam"])
def test_units_that_remember_what_differs_are_not_the_same(name):
    optimizer = Optimizer(name, tuple(OPTIMIZERS[name].settings.values()), 0.01, 1.0)
    problem = problem_of("tanh", optimizer=optimizer, order=Order(3, shuffled=True))
    state = State.start(layers_of([[1, 1], [2, 2], [0, 0]], [[1], [1], [0.5]]), optimizer)
    assert look_ahead(
        state, problem, ONE, reference.advance_in_strides, reference.evaluate
    ).symmetric[0]
    assert reference.advance(state, problem, 50).weights[0].std(axis=1).max() == 0.0
    first = np.array([[0.0, 1e-3]] * 3)[:, :, None]
    memory = ((first, state.memory[0][1]), *state.memory[1:])
    state = replace(state, memory=memory)
    assert not look_ahead(
        state, problem, ONE, reference.advance_in_strides, reference.evaluate
    ).symmetric[0]


# --- what a resting layer cannot solve --------------------------------------------------------


@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.sampled_from(["abs", "relu"]))
def test_what_is_unsolvable_is_not_solved_by_any_output_of_a_random_search(seed, hidden, name):
    """The other way round from the certificate: look for weights of the output that solve it."""
    problem = problem_of(f"{name}:straight_through", output="sigmoid")  # of slope 0: it stays
    random = np.random.Generator(np.random.PCG64(seed))
    first = random.normal(scale=20, size=(3, hidden, 1))
    unsolvable = outlook_of(problem, (first, np.ones((hidden + 1, 1, 1)))).unsolvable[0]
    # of each direction the bias that parts the samples best
    directions = random.normal(scale=9, size=(4000, hidden))
    weights = (first, np.ones((hidden + 1, 1, 1)))
    activity = problem.network.forward(weights, problem.inputs_with_bias)
    z = activity.layer_inputs[1][:, :-1, 0] @ directions.T
    ones, zeros = problem.targets[:, 0] == 1, problem.targets[:, 0] == 0
    parted = (z[ones].min(axis=0) > z[zeros].max(axis=0) + 1e-9).any()
    assert not (parted and unsolvable)
    if hidden == 1:  # every direction was tried
        assert parted != unsolvable


# two saturated units of the hard sigmoid: or, and and; and one that sees no difference
OR_AND = [[40, 40], [40, 40], [-20, -60]]
BLIND = [[0, 0], [0, 0], [9, -9]]
COPY = [[1, 0], [0, 1], [0, 0]]  # within the line
AND = [[40, 0], [40, 0], [-52, 9]]
IDLE = [[0, 0], [0, 0], [0, 1]]


@pytest.mark.parametrize(
    ("layers", "unsolvable"),
    [
        ((OR_AND,), False),  # the output takes their difference
        ((BLIND,), True),
        ((BLIND, OR_AND), True),  # no layer above can tell equal samples apart
        ((OR_AND, OR_AND), False),
        ((OR_AND, BLIND), True),
        ((COPY, BLIND), True),
        ((COPY, AND), True),  # is not told by the first, but by the dead second
        ((COPY, IDLE), False),  # no layer is dead
    ],
)
def test_what_a_dead_layer_of_a_deep_network_cannot_solve(layers, unsolvable):
    weights = layers_of(*layers, [[0.1], [0.1], [0]])
    problem = problem_of(*["hard"] * len(layers), loss="squared")
    assert outlook_of(problem, weights).unsolvable.tolist() == [unsolvable]


def test_a_layer_is_unsolvable_if_one_of_several_outputs_is():
    features = [[40], [40], [-60]]  # and
    weights = layers_of(features, [[0.1, 0.1], [0, 0]])
    problem = problem_of("hard", task=TWO_OUTPUTS, loss="squared")
    assert outlook_of(problem, weights).unsolvable.tolist() == [True]
    second = replace(problem, targets=problem.targets[:, [1, 1]])
    assert outlook_of(second, weights).unsolvable.tolist() == [False]


@pytest.mark.parametrize("rate", [1e-6, 1e6])
def test_a_slope_that_is_all_but_0_is_one(rate):
    """A layer with a slope of 2.5e-13 may move, be it once the layers above have grown."""
    weights = layers_of([[0], [0], [29]], [[1], [0.3]])
    assert not outlook_of(problem_of("sigmoid", rate=rate), weights).unsolvable[0]
    dead = layers_of([[0], [0], [60]], [[1], [0.3]])
    assert outlook_of(problem_of("sigmoid", rate=rate), dead).unsolvable[0]


@pytest.mark.parametrize(
    ("optimizer", "velocity", "unsolvable"),
    [
        (Optimizer("momentum", (0.9,)), 0.0, True),
        (Optimizer("momentum", (0.9,)), 1e-20, True),
        (Optimizer("momentum", (0.9,)), 1e-2, False),  # it moves, and may come alive
        (Optimizer("momentum", (0.9,), weight_decay=1e-20), 0.0, True),
        (Optimizer("momentum", (0.9,), weight_decay=1e-3), 0.0, False),
        (Optimizer("adamw", (0.9, 0.999, 1e-8), weight_decay=0.01), 0.0, False),
        (Optimizer("adamw", (0.9, 0.999, 1e-8)), 0.0, True),
        (Optimizer("adam", (0.9, 0.999, 1e-8)), 1e-8, False),
        (Optimizer("rmsprop", (0.9, 1e-8)), 1.0, True),  # what it remembers moves nothing
    ],
)
def test_a_dead_layer_is_so_for_ever_if_memory_and_decay_leave_it(optimizer, velocity, unsolvable):
    problem = problem_of("relu", optimizer=optimizer, order=Order(2, shuffled=True))
    weights = layers_of([[-1, -2], [-1, -3], [-1, -0.5]], [[1], [1], [0.5]])
    state = State.start(weights, optimizer)
    remembered = (np.full_like(weights[0], velocity), state.memory[0][1])
    state = replace(state, memory=(remembered, *state.memory[1:]))
    found = look_ahead(state, problem, ONE, reference.advance_in_strides, reference.evaluate)
    assert found.unsolvable.tolist() == [unsolvable]


@pytest.mark.parametrize(
    ("output", "unsolvable"), [("sigmoid", True), ("silu", True), ("sine", False)]
)
def test_only_an_output_that_crosses_the_middle_once_needs_samples_that_are_parted(
    output, unsolvable
):
    copied = [[40, 0], [0, 40], [-20, -20]]  # two saturated units that give the inputs
    problem = problem_of("hard", output=output, loss="squared", rate=1e-300)
    weights = layers_of(copied, [[0.1], [0.2], [0]])
    assert outlook_of(problem, weights).unsolvable.tolist() == [unsolvable]


# --- twins ------------------------------------------------------------------------------------


def test_the_outlook_and_twins_are_the_same_alone_and_in_company():
    settings = {"epochs": 100, "low": -3.0, "high": 3.0, "loss": "squared", "hidden": (3, 2)}
    together = train(seeds=8, **settings)
    for seed in (0, 7):
        alone = train(seeds=[seed], **settings)
        for name, array in vars(together.outlook).items():
            np.testing.assert_array_equal(array[[seed]], getattr(alone.outlook, name))
        np.testing.assert_array_equal(together.twin_distance[[seed]], alone.twin_distance)


def test_a_chaotic_setting_is_known_by_its_twins():
    """Relu at rate 10: a start that differs in the last bit ends elsewhere."""
    settings = {"loss": "squared", "seeds": 20}
    chaotic, steady = train("relu", learning_rate=10.0, **settings), train("relu", **settings)
    assert np.isfinite(chaotic.twin_distance).sum() == np.isfinite(steady.twin_distance).sum() == 8
    assert (chaotic.twin_distance >= 0.01).sum() > 0
    assert not (steady.twin_distance >= 1e-4).any()


@pytest.mark.parametrize("hidden", [(3,), (3, 2)])
def test_a_twin_starts_one_bit_away_and_ends_as_trained_alone(hidden):
    settings = {"learning_rate": 10.0, "loss": "squared", "epochs": 300}
    chosen = experiment("relu", seeds=[3], hidden=hidden, **settings)
    result = trained(chosen)
    beside = (np.nextafter(layer[0], np.inf) for layer in chosen.starting_weights())
    twin = train_from(*beside, spec="relu", **settings)
    apart = np.abs(twin.predictions - result.predictions).max()
    assert result.twin_distance.tolist() == [apart]


def test_a_seed_of_a_large_table_is_the_same_alone_and_is_solved_by_all_rows(monkeypatch):
    """What bounds the work on a table is of its rows, and never of the number of seeds."""
    monkeypatch.setattr("hsig.experiments.evidence.MAX_EXAMINED", 3)
    monkeypatch.setattr("hsig.experiments.outlook._MAX_WORK", 200)
    monkeypatch.setattr("hsig.experiments.outlook._MAX_STEPS", 2)
    many = train("tanh", seeds=9, epochs=300, learning_rate=0.5)
    for module in ("outlook", "training"):
        monkeypatch.setattr(f"hsig.experiments.{module}._MAX_NUMBERS", 1)
    np.testing.assert_array_equal(many.solved, many.evidence.solved[:, -1])
    for seed in (0, 5, 8):
        alone = train("tanh", seeds=[seed], epochs=300, learning_rate=0.5)
        assert alone.verdict.tolist() == many.verdict[[seed]].tolist()
        for name in ("evidence", "outlook", "measures"):
            for field, array in vars(getattr(many, name)).items():
                np.testing.assert_array_equal(vars(getattr(alone, name))[field][0], array[seed])
