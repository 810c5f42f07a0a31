"""A seed's bits are its own: alone or in a batch, however it is trained, split and laid out.

Networks of any depth, width, biases and outputs, by every optimizer and in every order, with rows
at random. Where numbers come from: the engines' own, by another way.
"""

from dataclasses import replace

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st
from kernels import PATHS, built

from hsig.activations import ACTIVATIONS
from hsig.engines import compiled, reference
from hsig.engines.engine import MARKS, Problem, State
from hsig.engines.optimizers import OPTIMIZERS, SGD, Optimizer
from hsig.engines.order import Order
from hsig.networks.losses import LOSSES
from hsig.networks.network import BIASES, Network, layer_shapes

HIDDEN = ("hard", "relu", "sigmoid", "tanh", "leaky_relu", "softplus")


def random_run(number):
    """A problem, the state that some seeds start from, and how many epochs to train."""
    draw = np.random.default_rng(number)

    def choose(*values):
        return values[draw.integers(len(values))]

    rule = OPTIMIZERS[choose(*OPTIMIZERS)]
    optimizer = Optimizer(
        rule.name, (*rule.settings.values(),), choose(0.0, 0.0, 0.05), choose(np.inf, np.inf, 0.3)
    )
    rows, sizes = draw.integers(1, 12), [draw.integers(1, 6)]
    sizes += [choose(1, 2, 3, 4, 5, 8, 9, 17, 33) for _ in range(draw.integers(0, 5))]
    sizes += [choose(1, 1, 1, 2, 5, 9)]
    if draw.random() < 0.25:
        sizes = [2, 3, 1]  # for which the kernel has code of its own
    loss = LOSSES[choose(*LOSSES)]
    targets = choose(draw.random((rows, sizes[-1])), draw.integers(0, 2, (rows, sizes[-1])) * 1.0)
    if loss.of_classes:
        sizes[-1] = max(sizes[-1], 2)
        targets = np.eye(sizes[-1])[draw.integers(0, sizes[-1], rows)]
    output = "softmax" if loss.of_classes else choose("sigmoid", "hard")
    hidden = [choose(*HIDDEN) for _ in sizes[1:-1]]
    if draw.random() < 0.5:
        hidden = hidden[:1] * len(hidden)
    stop = draw.random()
    problem = Problem(
        Network(tuple(ACTIVATIONS[name] for name in (*hidden, output)), loss),
        inputs=draw.normal(size=(rows, sizes[0])),
        targets=targets,
        learning_rate=choose(rule.learning_rate, 0.5),
        solved_within=choose(None, 0.5) if loss.of_classes else choose(0.5, 0.9),
        order=Order(choose(1, 1, 3, None), shuffled=choose(True, False)),
        optimizer=optimizer,
        stop_loss=0.6 if stop < 0.2 else None,
        stop_solved=0.2 < stop < 0.4,
    )
    seeds = draw.integers(1, 40)
    shapes = layer_shapes(sizes, choose(*BIASES))
    weights = tuple(draw.normal(size=(*shape, seeds)) for shape in shapes)
    state = State.start(weights, optimizer, draw.integers(0, 2**32, seeds))
    return problem, state, int(draw.integers(1, 7))


def everything(progress):
    """All numbers, seeds last."""
    memory = [layer for part in progress.memory for layer in part]
    marks = [getattr(progress, name) for name in MARKS]
    return (
        *(*progress.weights, *memory, *marks),
        *(progress.predictions, progress.first_epoch_losses),
    )


def assert_same(one, other, seeds=slice(None)):
    for ours, theirs in zip(everything(one), everything(other), strict=True):
        np.testing.assert_array_equal(ours, theirs[..., seeds])


def train(engine, state, problem, *strides, **options):
    for epochs in strides:
        state = engine.advance(state, problem, epochs, **options)
    return state


@built
@given(st.integers(0, 2**32 - 1), st.data())
def test_the_bits_are_the_same_in_every_layout_on_every_path_and_any_threads(number, data):
    problem, state, epochs = random_run(number)
    expected = train(compiled, state, problem, epochs, 3)
    few = data.draw(st.lists(st.integers(0, state.seeds - 1), min_size=1, unique=True))
    for layout in compiled.LAYOUTS:
        for path in PATHS:
            options = {"layout": layout, "path": path}
            assert_same(train(compiled, state, problem, epochs, 3, threads=2, **options), expected)
            chosen = state.select(np.array(few))
            assert_same(train(compiled, chosen, problem, epochs, 3, **options), expected, few)
    whole = train(compiled, state, problem, epochs + 3)
    for ours, theirs in zip(whole.weights, expected.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@given(st.integers(0, 2**32 - 1), st.data())
def test_a_seed_of_the_reference_has_its_own_bits(number, data):
    problem, state, epochs = random_run(number)
    whole, parts = (train(reference, state, problem, *n) for n in ((epochs + 2,), (epochs, 2)))
    for ours, theirs in zip(whole.weights, parts.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    few = data.draw(st.lists(st.integers(0, state.seeds - 1), min_size=1, unique=True))
    assert_same(train(reference, state.select(np.array(few)), problem, epochs, 2), parts, few)


@built
@given(st.integers(0, 2**32 - 1))
def test_weights_are_evaluated_as_a_batch_of_all_rows_prints_them(number):
    problem, state, _ = random_run(number)
    for engine in (compiled, reference):
        whole = replace(problem, order=Order(None), stop_loss=None)
        printed = engine.advance(State.start(state.weights), replace(whole, optimizer=SGD), 1)
        predictions, losses = engine.evaluate(problem, state.weights, threads=2)
        np.testing.assert_array_equal(predictions, printed.predictions)
        np.testing.assert_array_equal(losses, printed.first_epoch_losses)


@built
@given(st.integers(0, 2**32 - 1))
def test_engines_agree_on_any_network(number):
    problem, state, _ = random_run(number)
    # the others divide by what may be next to nothing; they are held against PyTorch's
    assume(problem.optimizer.name in {"sgd", "momentum", "nesterov"})
    fast, plain = (engine.advance(state, problem, 1) for engine in (compiled, reference))
    for ours, theirs in zip(everything(fast), everything(plain), strict=True):
        size = np.where(np.isfinite(theirs), np.abs(theirs), 0.0).max(initial=1e-9)
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9 * size)
