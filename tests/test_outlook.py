from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hsig.activations import ACTIVATIONS
from hsig.config.loading import load_experiment
from hsig.engines.engine import NOT_REACHED, State
from hsig.experiments.outlook import WINDOW, look_ahead
from hsig.experiments.training import gather, run
from hsig.networks.network import Weights, append_bias


def trained(**flags):
    experiment = load_experiment(flags={key: str(value) for key, value in flags.items()})
    (result,) = gather(experiment, run(experiment)).results
    return experiment, result


@pytest.mark.parametrize("update", ["online", "batch"])
def test_rise_and_fall_are_those_of_a_training_that_goes_on(update):
    """A training with a longer budget prints the costs that the outlook is made of."""
    flags = {"activation": "hard", "seeds": 100, "report_every": 1, "update": update}
    flags |= {"loss": "squared", "learning_rate": 1}
    _, short = trained(**flags, epochs=400)
    _, longer = trained(**flags, epochs=400 + WINDOW)
    costs = longer.cost_mean[:, 400:]
    assert costs.shape == (100, WINDOW + 1)
    looked = ~short.solved
    assert looked.any()
    np.testing.assert_array_equal(short.outlook.looked, looked)
    fall = 1 - costs[:, -1] / costs[:, 0]
    rise = np.maximum(np.diff(costs), 0).sum(axis=1) / costs[:, 0]
    np.testing.assert_allclose(short.outlook.fall[looked], fall[looked], rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(short.outlook.rise[looked], rise[looked], rtol=1e-9, atol=1e-15)
    assert np.isnan(short.outlook.fall[~looked]).all()


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(["hard", "sigmoid", "relu", "elu", "silu"]),
    st.sampled_from([0.1, 3, 10]),
    st.sampled_from([1, 8]),
    st.sampled_from(["online", "batch"]),
    st.integers(0, 2**32 - 30),
)
def test_a_cost_that_ends_higher_has_risen(activation, rate, width, update, seed):
    _, result = trained(
        activation=activation, learning_rate=rate, init=f"uniform:-{width},{width}", epochs=50,
        update=update, seeds=list(range(seed, seed + 30)), loss="squared",
    )  # fmt: skip
    ahead = result.outlook
    assert (ahead.rise >= -ahead.fall - 1e-12)[ahead.looked].all()
    assert (ahead.swing >= 0)[ahead.looked].all()


def test_weights_that_return_are_seen_in_later_epochs_too():
    _, result = trained(activation="hard", init="uniform:-8,8", loss="squared", seeds=50, epochs=50)
    returns = result.outlook.returns_after
    assert (returns == 1).sum() > 20
    flags = {"activation": "hard", "init": "uniform:-8,8", "loss": "squared", "seeds": 50}
    _, later = trained(**flags, epochs=900)
    for one, other in zip(result.weights, later.weights, strict=True):
        np.testing.assert_array_equal(one[returns == 1], other[returns == 1])


def test_a_cycle_returns_after_its_length():
    """A line through a zero error surface turned over: w -> -w at rate 1 for (w - 0)**2."""
    flags = {
        "initial_weights": "{hidden: [[0.0], [1.0]], output: [[1.0], [0.0]]}",
        "activation": "leaky_relu:leak=1",
        "output_activation": "leaky_relu:leak=1",
        "task": "{inputs: [[0.0]], targets: [4.0]}",
        "learning_rate": 0.5,
        "loss": "squared",
        "hidden": 1,
    }
    experiment, result = trained(**flags, epochs=1)
    assert result.outlook.returns_after.tolist() in ([NOT_REACHED], [1], [2])
    (variant,) = experiment.variants
    problem, engine = experiment.problem_of(variant), experiment.engine_of(variant)

    def turning(state, problem, epochs):
        """An engine that goes round three states."""
        progress = engine.advance(state, problem, epochs)
        step = (state.epoch + epochs) % 3
        weights = Weights(np.full((2, 1, 1), float(step)), np.full((2, 1, 1), 1.0))
        return type(progress)(**vars(progress) | {"weights": weights})

    start = State.start(Weights(np.zeros((2, 1, 1)), np.ones((2, 1, 1))))
    one = np.array([True])
    assert look_ahead(start, problem, one, ~one, turning).returns_after.tolist() == [3]


def test_the_swing_is_that_of_the_sample_that_is_trained():
    """One unit that does nothing, an output of bias 0: by hand."""
    weights = "{hidden: [[0], [0], [0]], output: [[0], [0]]}"
    rate = 3.0
    _, result = trained(
        initial_weights=weights, hidden=1, activation="tanh", output_activation="sigmoid",
        loss="bce", learning_rate=1e-300, epochs=1,
    )  # fmt: skip
    assert result.outlook.swing.tolist() == [0.0]
    experiment, result = trained(
        initial_weights=weights, hidden=1, activation="tanh", output_activation="sigmoid",
        loss="bce", learning_rate=rate, epochs=1, update="batch",
    )  # fmt: skip
    # the mean gradient at p = 1/2 is 0 for two targets of each kind: nothing moves, nothing swings
    assert result.outlook.swing.tolist() == [0.0]
    (variant,) = experiment.variants
    problem, engine = experiment.problem_of(variant), experiment.engine_of(variant)
    online = type(problem)(**vars(problem) | {"update": "online"})
    one = np.array([True])
    start = State.start(Weights(np.zeros((3, 1, 1)), np.zeros((2, 1, 1))))
    bias, largest = 0.0, 0.0
    for target in problem.targets:
        p = 1 / (1 + np.exp(-bias))
        bias -= rate * (p - target)
        largest = max(largest, abs(1 / (1 + np.exp(-bias)) - p))
    seen = look_ahead(start, online, one, ~one, engine.advance)
    assert seen.swing[0] == pytest.approx(largest, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.sampled_from(["hard", "relu"]))
def test_what_is_unsolvable_is_not_solved_by_any_output_of_a_random_search(seed, hidden, name):
    """The other way round from the certificate: look for weights of the output that solve it."""
    flags = {"activation": name, "hidden": hidden, "epochs": 1, "seeds": [seed], "loss": "squared"}
    experiment, _ = trained(**flags)
    (variant,) = experiment.variants
    problem = replace(experiment.problem_of(variant), learning_rate=1e-300)  # the layer stays
    engine = experiment.engine_of(variant)
    random = np.random.Generator(np.random.PCG64(seed))
    weights = Weights(random.normal(scale=20, size=(3, hidden, 1)), np.ones((hidden + 1, 1, 1)))
    one = np.array([True])
    unsolvable = look_ahead(State.start(weights), problem, one, one, engine.advance).unsolvable[0]
    many = 4000
    tried = Weights(
        np.repeat(weights.hidden, many, axis=2), random.normal(scale=9, size=(hidden + 1, 1, many))
    )
    # of each direction the bias that parts the samples best
    features = problem.network.forward(tried, append_bias(problem.inputs)).hidden[:, :-1]
    z = (features * tried.output[:-1, 0]).sum(axis=1)
    parted = z[problem.targets == 1].min(axis=0) > z[problem.targets == 0].max(axis=0) + 1e-9
    assert not (parted.any() and unsolvable)
    if hidden == 1:  # every direction was tried
        assert parted.any() != unsolvable


def test_an_output_that_is_not_monotonic_is_never_said_to_be_unable():
    assert not ACTIVATIONS["silu"].is_monotonic
    assert ACTIVATIONS["sigmoid"].is_monotonic
    flags = {"activation": "relu", "init": "uniform:-1,0", "loss": "squared", "epochs": 2}
    _, result = trained(**flags, output_activation="silu")
    assert result.evidence.dead[0, -1]
    assert not result.outlook.unsolvable[0]


def test_the_outlook_is_the_same_alone_and_in_company():
    flags = {"activation": "hard", "epochs": 200, "init": "uniform:-3,3", "loss": "squared"}
    _, together = trained(**flags, seeds=30)
    for seed in (0, 7, 29):
        _, alone = trained(**flags, seeds=[seed])
        for name, array in vars(together.outlook).items():
            np.testing.assert_array_equal(array[[seed]], getattr(alone.outlook, name))
        np.testing.assert_array_equal(together.parted[[seed]], alone.parted)


def test_a_chaotic_setting_is_known_by_its_twins():
    """Relu at rate 10: a start that differs in the last bit ends elsewhere."""
    _, chaotic = trained(activation="relu", learning_rate=10, loss="squared", seeds=60)
    _, steady = trained(activation="relu", loss="squared", seeds=60)
    assert np.isfinite(chaotic.parted).sum() == np.isfinite(steady.parted).sum() == 40
    assert (chaotic.parted >= 0.01).sum() > 8
    assert not (steady.parted >= 1e-4).any()


def test_a_twin_starts_one_bit_away_and_ends_as_trained_alone():
    flags = {"activation": "relu", "learning_rate": 10, "loss": "squared", "epochs": 300}
    experiment, result = trained(**flags, seeds=[3])
    beside = {
        name: np.nextafter(layer[0], np.inf).tolist()
        for name, layer in experiment.starting_weights()._asdict().items()
    }
    _, twin = trained(**flags, initial_weights=beside)
    apart = np.abs(twin.predictions - result.predictions).max()
    assert result.parted.tolist() == [apart]
