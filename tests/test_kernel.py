"""The compiled engine against the reference, and against itself: paths, lanes, threads."""

import ctypes
import os
import platform
import sys
from dataclasses import dataclass, replace
from itertools import product

import golden_bits
import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prepared import WithValue
from scalar_reference import FUNCTIONS
from scalar_reference import LOSSES as SCALAR_LOSSES
from test_engines import EVERY, assert_same_bits, make_problem, make_state, trainable

from hsig.activations import ACTIVATIONS
from hsig.config.loading import load_experiment
from hsig.engines import compiled, reference
from hsig.engines.choice import engine_for, fastest_engine
from hsig.engines.engine import Problem, State
from hsig.errors import ConfigError
from hsig.experiments.training import gather, run
from hsig.experiments.verdicts import count_verdicts
from hsig.networks.losses import LOSSES
from hsig.networks.network import Network, Weights
from hsig.reports.phrases import NOT_BUILT, heading

built = pytest.mark.skipif(not compiled.is_available(), reason="the kernel was not built here")
slow = pytest.mark.skipif("HSIG_SLOW" not in os.environ, reason="takes minutes: set HSIG_SLOW=1")
PATHS = compiled.instruction_sets()
BACKWARDS = ("own", "logistic", "output", "straight_through")
KNOWN = [name for name in EVERY if compiled.knows(make_problem(name))]
KNOWN_LOSSES = [name for name in LOSSES if compiled.knows(make_problem(loss=name))]
# those that take no exponential
STRAIGHT = [name for name in KNOWN if ACTIVATIONS[name].clipped_line]
STRAIGHT += ["ultra_fast", "hard_silu"]


def everything(progress):
    """All numbers of a progress."""
    marks = (progress.solved_at, progress.lost_at, progress.diverged_at)
    return (*progress.weights, *marks, progress.predictions, progress.losses)


def assert_same(one, other):
    for ours, theirs in zip(everything(one), everything(other), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def assert_close(one, other, rtol, atol=1e-300):
    for ours, theirs in zip(everything(one), everything(other), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol)


# --- against the reference --------------------------------------------------------------------


@built
@pytest.mark.parametrize("update", ["online", "batch"])
@pytest.mark.parametrize("backward", ["own", "output", "straight_through"])
@pytest.mark.parametrize("name", STRAIGHT)
def test_bits_are_the_references_where_no_exponential_is_taken(name, backward, update):
    hidden = trainable(name, backward)
    output = hidden if hidden.maps_into_unit_interval else trainable("leaky_hard")
    problem = make_problem(hidden, "squared", "parity3", update=update, rate=0.3)
    problem = replace(problem, network=replace(problem.network, output_activation=output))
    state = make_state(range(21), 5, "parity3", (-3.0, 3.0))
    assert_same(compiled.advance(state, problem, 300), reference.advance(state, problem, 300))


# a step of 0.006 all but cancels one of its weights: what is left, 9e-6, has the step's rounding
CANCELLED = {("mish", "output"): 2e-17}
CROSSED = [name for name in KNOWN if name in golden_bits.CROSSED]
CASES = list(product(CROSSED, BACKWARDS, KNOWN_LOSSES, ["online", "batch"]))
CASES += [(name, "own", "bce", "online") for name in KNOWN if name not in CROSSED]


@built
@pytest.mark.parametrize(("name", "backward", "loss", "update"), CASES)
def test_an_epoch_is_the_references_to_a_trillionth(name, backward, loss, update):
    problem = make_problem(trainable(name, backward), loss, "xor", update=update, rate=0.1)
    state = make_state(range(40), 3, bounds=(-2.0, 2.0))
    made = [engine.advance(state, problem, 1) for engine in (compiled, reference)]
    assert_close(*made, rtol=1e-12, atol=CANCELLED.get((name, backward), 1e-300))


numbers = st.floats(-20.0, 20.0)
odd_numbers = numbers | st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e300, 5e-324])


@built
@settings(max_examples=150)
@given(data=st.data())
def test_any_shape_and_any_weights_give_the_references_numbers(data):
    inputs, hidden = data.draw(st.integers(1, 17)), data.draw(st.integers(1, 64))
    samples, seeds = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 40))
    values = data.draw(st.sampled_from([numbers, odd_numbers]))

    def drawn(*shape):
        """A few drawn numbers, spread over an array."""
        few = np.array(data.draw(st.lists(values, min_size=1, max_size=30)))
        return np.resize(few, shape)

    rows = np.resize(np.array(data.draw(st.lists(numbers, min_size=1))), (samples, inputs))
    problem = Problem(
        make_problem(data.draw(st.sampled_from(STRAIGHT)), "squared").network,
        inputs=rows,
        targets=np.resize([0.0, 1.0, 0.25], samples),
        learning_rate=data.draw(st.sampled_from([0.0, 0.1, 3.0])),
        update=data.draw(st.sampled_from(["online", "batch"])),
        solved_within=data.draw(st.sampled_from([0.5, 0.01, 1e9])),
    )
    output = trainable(data.draw(st.sampled_from(["hard", "leaky_relu", "hard_silu"])))
    problem = replace(problem, network=replace(problem.network, output_activation=output))
    weights = Weights(drawn(inputs + 1, hidden, seeds), drawn(hidden + 1, 1, seeds))
    state = State.start(weights)
    expected = reference.advance(state, problem, 3)
    for path in PATHS:
        found = compiled.advance(state, problem, 3, path=path)
        with np.errstate(all="ignore"):
            for ours, theirs in zip(everything(found), everything(expected), strict=True):
                np.testing.assert_array_equal(ours, theirs)


@built
@slow
@pytest.mark.parametrize(
    "config",
    [
        "compare-sigmoids",
        "diseases",
        "log-loss",
        "parity3",
        "question-hard",
        "question-sigmoid",
        "smoke",
        "xor-wide-init",
    ],
)
def test_verdicts_and_solved_seeds_of_every_config_are_the_references(config):
    flags = {} if config.startswith("question") else {"seeds": "1000"}
    experiment = load_experiment(f"configs/{config}.yaml", flags=flags | {"at_epochs": ""})
    ours, theirs = (
        gather(chosen, run(chosen)).results
        for name in ("compiled", "reference")
        for chosen in [replace(experiment, engine=name)]
    )
    assert len(ours) == len(theirs) == len(experiment.variants)
    for one, other in zip(ours, theirs, strict=True):
        assert type(one) is type(other)
        if hasattr(one, "solved"):
            np.testing.assert_array_equal(one.solved, other.solved)
            assert count_verdicts(one.verdict) == count_verdicts(other.verdict)


# --- the same bits, however it is done --------------------------------------------------------


@built
@pytest.mark.parametrize(
    ("name", "loss", "update"),
    [*product(CROSSED, KNOWN_LOSSES, ["online", "batch"]), *product(KNOWN, ["bce"], ["online"])],
)
def test_every_instruction_set_gives_the_same_bits(name, loss, update):
    problem = make_problem(trainable(name), loss, update=update)
    for hidden in (3, 4):  # the question's width has code of its own
        state = make_state(range(13), hidden, bounds=(-4.0, 4.0))
        first, *others = (compiled.advance(state, problem, 120, path=path) for path in PATHS)
        for other in others:
            assert_same(first, other)


@built
@pytest.mark.parametrize("threads", [2, 3, 7, 64])
@pytest.mark.parametrize("seeds", [1, 33, 200])
def test_any_number_of_threads_gives_the_same_bits(monkeypatch, threads, seeds):
    monkeypatch.setattr(compiled, "_WORK_WORTH_A_THREAD", 1)
    problem, state = make_problem("sigmoid", "squared"), make_state(range(seeds))
    alone = compiled.advance(state, problem, 50)
    assert_same(compiled.advance(state, problem, 50, threads=threads), alone)


@built
@pytest.mark.parametrize("seeds", [1, 2, 3, 5, 7, 8, 9, 15, 17, 31, 33])
def test_lanes_that_are_not_filled_change_nothing(seeds):
    problem, state = make_problem("tanh", "bce"), make_state(range(40))
    whole = compiled.advance(state, problem, 20)
    part = compiled.advance(make_state(range(seeds)), problem, 20)
    for one, many in zip(everything(part), everything(whole), strict=True):
        np.testing.assert_array_equal(one, many[..., :seeds])


@built
@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="needs this system's libm"
)
def test_what_another_library_does_to_rounding_changes_nothing():
    mathematics = ctypes.CDLL("libm.so.6")
    problem, state = make_problem("sigmoid", "squared"), make_state(range(9))
    expected = compiled.advance(state, problem, 20)
    assert mathematics.fesetround(0x800) == 0  # upwards
    try:
        assert sum([1.0, 2.0**-60]) > 1.0  # it is done
        found = compiled.advance(state, problem, 20)
    finally:
        mathematics.fesetround(0)
    assert_same(found, expected)


@built
def test_a_network_too_large_for_the_nearest_cache_has_the_same_bits_in_any_batch():
    problem = make_problem("hard", "squared")
    whole = compiled.advance(make_state(range(19), hidden=200), problem, 5)
    alone = compiled.advance(make_state([18], hidden=200), problem, 5)
    assert_same(whole, reference.advance(make_state(range(19), hidden=200), problem, 5))
    for one, many in zip(alone.weights, whole.weights, strict=True):
        np.testing.assert_array_equal(one[..., 0], many[..., 18])


# --- its own exponential and logarithm --------------------------------------------------------


def outputs(activation, x, loss="squared", target=1.0, path=None):
    """Predictions and losses of networks whose output has the pre-activations x."""
    network = Network(ACTIVATIONS["relu"], activation, LOSSES[loss])
    problem = Problem(network, np.zeros((1, 1)), np.array([target]), 0.0, "online", 0.5)
    weights = Weights(np.zeros((2, 1, len(x))), np.stack([np.zeros_like(x), x])[:, None])
    found = compiled.advance(State.start(weights), problem, 1, path=path)
    return found.predictions[0], found.losses[0]


def largest_error(found, exact):
    """In units of the last place."""
    with mpmath.workprec(160):
        return max(
            float(abs(mpmath.mpf(float(y)) - e) / float(np.spacing(abs(float(e)))))
            for y, e in zip(found, exact, strict=True)
            if e != 0
        )


IDENTITY = ACTIVATIONS["hard_tanh"].with_settings({"low": 0.0}, None)  # on [0, 1]
SPREAD = np.random.Generator(np.random.PCG64(2026)).random(4000)


@built
@pytest.mark.parametrize(
    ("function", "x", "most"),
    [
        # where 1 + exp(x) rounds to 1 the logistic function is the exponential itself
        (mpmath.exp, -40.0 - 668.0 * SPREAD, 1.0),
        (lambda x: 1 / (1 + mpmath.exp(-x)), 80.0 * SPREAD - 40.0, 2.0),
    ],
    ids=["exp", "logistic"],
)
def test_the_exponential_is_exact_to_the_last_place(function, x, most):
    with mpmath.workprec(160):
        exact = [function(mpmath.mpf(float(value))) for value in x]
    assert largest_error(outputs(ACTIVATIONS["sigmoid"], x)[0], exact) < most


@built
@pytest.mark.parametrize(
    ("name", "function", "most"),
    [
        ("tanh", mpmath.tanh, 3.0),
        ("softplus", lambda x: mpmath.log1p(mpmath.exp(x)), 2.0),
        ("elu", lambda x: mpmath.expm1(x) if x < 0 else x, 1.5),
    ],
)
def test_other_curves_are_exact_to_a_few_of_the_last_place(name, function, most):
    near_0 = 10.0 ** (-20.0 * SPREAD)
    x = np.concatenate([60.0 * SPREAD - 40.0, near_0, -near_0])
    with mpmath.workprec(160):
        exact = [function(mpmath.mpf(float(value))) for value in x]
    assert largest_error(outputs(ACTIVATIONS[name], x)[0], exact) < most


@built
def test_the_logarithm_is_exact_to_the_last_place():
    p = np.concatenate([SPREAD, 10.0 ** (-323.0 * SPREAD)])
    with mpmath.workprec(160):
        exact = [mpmath.log(mpmath.mpf(float(value))) for value in p]
        beside = [mpmath.log1p(-mpmath.mpf(float(value))) for value in p]
    assert largest_error(-outputs(IDENTITY, p, "bce_naive")[1], exact) < 1.0
    assert largest_error(-outputs(IDENTITY, p, "bce", target=0.0)[1], beside) < 2.0


@built
@pytest.mark.parametrize("path", PATHS)
def test_the_ends_of_the_number_line(path):
    x = np.array([-np.inf, -1e300, -800.0, 0.0, 800.0, np.inf, np.nan])
    by_name = {name: outputs(ACTIVATIONS[name], x, path=path)[0].tolist() for name in KNOWN}
    assert by_name["sigmoid"][:6] == [0.0, 0.0, 0.0, 0.5, 1.0, 1.0]
    assert by_name["tanh"][:6] == [-1.0, -1.0, -1.0, 0.0, 1.0, 1.0]
    assert by_name["relu"][:6] == [0.0, 0.0, 0.0, 0.0, 800.0, np.inf]
    for name, values in by_name.items():
        assert np.isnan(values[6]), name
        with np.errstate(all="ignore"):
            np.testing.assert_allclose(
                values, ACTIVATIONS[name].value(x), rtol=1e-14, atol=1e-300, err_msg=name
            )
    p = np.array([0.0, 1.0, 5e-324])
    losses = outputs(IDENTITY, p, "bce", path=path)[1]
    assert losses.tolist() == [np.inf, 0.0, pytest.approx(1074 * np.log(2), rel=1e-15)]
    assert np.isnan(outputs(IDENTITY, p, "bce_naive", path=path)[1]).tolist() == [
        False,
        True,
        False,
    ]


# --- what it refuses, and where it is missing -------------------------------------------------


LAYERS = ("hidden", "output")


def whole_call(**changed):
    """Call the kernel for a small problem, with some of its arguments changed."""
    seeds, samples, inputs, hidden = 3, 4, 2, 3
    activation = compiled._numbers(compiled._kernel, ACTIVATIONS["sigmoid"])
    named = {
        "path": "baseline",
        "hidden_weights": np.zeros((inputs + 1, hidden, seeds)),
        "output_weights": np.zeros((hidden + 1, 1, seeds)),
        **{name: np.full(seeds, -1) for name in ("solved_at", "lost_at", "diverged_at")},
        "predictions": np.zeros((samples, seeds)),
        "losses": np.zeros((samples, seeds)),
        "rows": np.zeros((samples, inputs)),
        "targets": np.zeros(samples),
        "hidden_activation": activation,
        "output_activation": activation,
        **{f"{layer}_{part}": b"" for layer in LAYERS for part in ("code", "constants")},
        "inputs": inputs,
        "hidden": hidden,
        "samples": samples,
        "update": 0,
        "loss": 0,
        "printed": 0,
        "learning_rate": 0.1,
        "solved_within": 0.5,
        "seeds": seeds,
        "epoch": 0,
        "epochs": 1,
        "first": 0,
        "last": seeds,
    }
    compiled._kernel.advance(*(named | changed).values())


@built
@pytest.mark.parametrize(
    "changed",
    [
        {"samples": 0},
        {"inputs": 0},
        {"hidden": 0},
        {"seeds": 0},
        {"epochs": 0},
        {"hidden": 4},
        {"inputs": 2**31 - 1},
        {"hidden": 2**31 - 1},
        {"samples": 5},
        {"seeds": 4},
        {"first": -1},
        {"first": 3, "last": 2},
        {"last": 4},
        {"targets": np.zeros(3)},
        {"predictions": np.zeros((4, 2))},
        {"hidden_activation": np.zeros(11)},
        {"hidden_activation": np.full(12, 99.0)},
        {"output_activation": np.full(12, -1.0)},
        {"loss": 99},
        {"printed": -1},
        {"update": 2},
        {"path": "sse9"},
    ],
    ids=str,
)
def test_sizes_and_codes_that_do_not_go_together_are_refused(changed):
    whole_call()
    with pytest.raises(ValueError, match=r"sizes of the arrays|unknown|no path"):
        whole_call(**changed)


@built
def test_what_is_read_only_is_refused():
    frozen = np.zeros((4, 1, 3))
    frozen.flags.writeable = False
    with pytest.raises((BufferError, ValueError, TypeError)):
        whole_call(output_weights=frozen)


@built
def test_the_kernel_knows_every_activation_and_loss_that_has_an_oracle():
    assert set(KNOWN) >= set(FUNCTIONS)
    assert set(KNOWN_LOSSES) >= set(SCALAR_LOSSES)
    assert set(compiled._kernel.backwards) == set(BACKWARDS)


@dataclass(frozen=True)
class WithMomentum(Problem):
    momentum: float = 0.0


@built
def test_a_problem_with_something_that_the_kernel_does_not_know_is_the_references():
    problem = make_problem()
    assert engine_for(problem, "compiled") is compiled
    assert engine_for(WithMomentum(**vars(problem)), "compiled") is compiled
    own_loss = replace(LOSSES["squared"], derivative=lambda p, y: p - y)
    for strange in (
        WithMomentum(**vars(problem), momentum=0.9),
        replace(problem, update="shuffled"),
        replace(problem, network=replace(problem.network, loss=own_loss)),
        make_problem(WithValue("sigmoid", source="a test", computed=lambda x: x)),
    ):
        assert engine_for(strange, "compiled") is reference


@built
def test_a_kernel_of_other_numerics_is_as_good_as_none(monkeypatch):
    assert compiled._load() is not None
    monkeypatch.setattr(compiled, "NUMERICS", compiled.NUMERICS + 1)
    assert compiled._load() is None


def test_an_activation_that_it_does_not_know_is_trained_by_the_reference_and_told():
    experiment = load_experiment(flags={"activations": "sigmoid,hard"}, command="compare")
    first, second = experiment.variants
    own = WithValue("sigmoid", source="a test", computed=lambda x: 0.5 + 0.0 * x)
    first = replace(first, hidden_activation=own)
    experiment = replace(experiment, variants=(first, second))
    assert experiment.engine_of(first) is reference
    line = heading(experiment, "")[1]
    if compiled.is_available():
        assert line.endswith("engine reference for sigmoid and compiled for hard")
    assert len(gather(experiment, run(experiment)).results) == 2


@pytest.fixture
def unbuilt(monkeypatch):
    monkeypatch.setattr(compiled, "_kernel", None)


@pytest.mark.usefixtures("unbuilt")
def test_without_the_kernel_the_reference_serves_and_it_is_said():
    assert fastest_engine() == "reference"
    assert compiled.instruction_sets() == ()
    experiment = load_experiment(flags={"epochs": "3"})
    assert experiment.engine == "reference"
    assert heading(experiment, "")[1].endswith(f"engine reference ({NOT_BUILT})")
    with pytest.raises(ConfigError, match="--engine: the engine compiled cannot be used"):
        load_experiment(flags={"engine": "compiled"})
    with pytest.raises(ValueError, match="was not built"):
        compiled.advance(make_state([0]), make_problem(), 1)
    with pytest.raises(ValueError, match="was not built"):
        compiled.epochs_at_a_time(make_problem(), make_state([0]))


def test_a_kernel_that_cannot_be_imported_is_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "hsig.engines._kernel", None)
    assert compiled._load() is None


@built
def test_engines_go_on_where_the_other_stopped():
    problem, state = make_problem("hard", "squared", rate=1.0), make_state(range(9))
    there = reference.advance(compiled.advance(state, problem, 30), problem, 30)
    back = compiled.advance(reference.advance(state, problem, 30), problem, 30)
    assert_same_bits(there, back)


@built
def test_tasks_of_one_row_are_trained():
    problem = replace(make_problem(), inputs=np.ones((1, 2)), targets=np.ones(1))
    assert_same(
        compiled.advance(make_state(range(5)), problem, 9),
        reference.advance(make_state(range(5)), problem, 9),
    )
