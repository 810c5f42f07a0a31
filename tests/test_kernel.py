"""The compiled engine against the reference, and against itself: paths, lanes, threads."""

import ctypes
import os
import platform
import subprocess
import sys
from dataclasses import replace
from itertools import product
from types import SimpleNamespace

import golden_bits
import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kernels import (
    KNOWN,
    PATHS,
    assert_paths_agree,
    assert_same,
    built,
    draw_run,
    everything,
    largest_error,
    numbers,
    odd_numbers,
    predict_and_lose,
    with_layers,
)
from setups import ORDERS, WithValue, activation, problem_of, state_of

from hsig.activations import ACTIVATIONS
from hsig.config.loading import load_experiment
from hsig.engines import compiled, reference
from hsig.engines.choice import engine_for, fastest_engine
from hsig.errors import ConfigError
from hsig.networks.losses import LOSSES

# those that take no exponential
STRAIGHT = [name for name in KNOWN if name in golden_bits.STRAIGHT]

# --- against the reference --------------------------------------------------------------------


@built
@pytest.mark.parametrize("name", STRAIGHT)
def test_bits_are_the_references_where_no_exponential_is_taken(name):
    for backward, order in product(("own", "output", "straight_through"), ORDERS.values()):
        hidden = activation(f"{name}:{backward}")
        output = hidden if hidden.maps_into_unit_interval else "leaky_hard:own"
        problem = problem_of(
            hidden, output=output, loss="squared", task="parity3", order=order, rate=0.3
        )
        state = state_of(problem, range(21), 5, low=-3.0, high=3.0)
        ours, theirs = (e.advance(state, problem, 20) for e in (compiled, reference))
        assert_same(ours, theirs)


@built
@given(data=st.data())
def test_any_shape_and_any_weights_give_the_references_numbers(data):
    hidden = data.draw(st.sampled_from(STRAIGHT))
    output = data.draw(st.sampled_from(["hard", "leaky_relu", "hard_silu"]))
    values = data.draw(st.sampled_from([numbers, odd_numbers]))
    layers = [activation(f"{name}:own") for name in (hidden, output)]
    problem, state = draw_run(data, layers, "squared", 17, 64, values)
    assert_paths_agree(problem, state, 3, reference.advance(state, problem, 3))


# --- the same bits, however it is done --------------------------------------------------------


@built
@pytest.mark.parametrize("name", KNOWN)
def test_every_instruction_set_gives_the_same_bits(name):
    cases = [("bce", ORDERS["online"])]
    if name in golden_bits.CROSSED:
        cases = list(product(LOSSES, ORDERS.values()))
    for loss, order in cases:
        problem = problem_of(f"{name}:own", loss=loss, order=order)
        for hidden in (3, 4):  # the question's width has code of its own
            state = state_of(problem, range(13), hidden, low=-4.0, high=4.0)
            assert_paths_agree(problem, state, 40)


@built
@pytest.mark.parametrize("seeds", [1, 33, 200])
def test_any_number_of_threads_gives_the_same_bits(monkeypatch, seeds):
    monkeypatch.setattr(compiled, "_MIN_WORK_PER_THREAD", 1)
    problem = problem_of("sigmoid", loss="squared")
    state = state_of(problem, range(seeds), 3)
    alone = compiled.advance(state, problem, 50)
    for threads in (2, 3, 7, 64):
        assert_same(compiled.advance(state, problem, 50, threads=threads), alone)


@built
@pytest.mark.parametrize(("name", "hidden"), [("tanh", 3), ("hard", 200), ("mish", 300)])
def test_lanes_that_are_not_filled_change_nothing(name, hidden):
    """200 hidden units are too many for the nearest cache."""
    problem = problem_of(name)
    whole = compiled.advance(state_of(problem, range(40), hidden), problem, 4)
    for seeds in (1, 2, 3, 5, 7, 8, 9, 15, 17, 31, 33):
        part = compiled.advance(state_of(problem, range(seeds), hidden), problem, 4)
        for few, many in zip(everything(part), everything(whole), strict=True):
            np.testing.assert_array_equal(few, many[..., :seeds])


@built
@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="needs this system's libm"
)
def test_another_rounding_mode_changes_nothing():
    mathematics = ctypes.CDLL("libm.so.6")
    problem = problem_of("sigmoid", loss="squared")
    state = state_of(problem, range(9), 3)
    expected = compiled.advance(state, problem, 20)
    assert mathematics.fesetround(0x800) == 0  # upwards
    try:
        assert sum([1.0, 2.0**-60]) > 1.0  # it is done
        found = compiled.advance(state, problem, 20)
    finally:
        mathematics.fesetround(0)
    assert_same(found, expected)


# --- its own exponential and logarithm --------------------------------------------------------

UNIT = ACTIVATIONS["hard_tanh"].with_settings({"low": 0.0})  # the identity on [0, 1]
SPREAD = np.random.Generator(np.random.PCG64(2026)).random(4000)


@built
@pytest.mark.parametrize(
    ("name", "function", "x", "most"),
    [
        # where 1 + exp(x) rounds to 1 the logistic function is the exponential itself
        ("sigmoid", mpmath.exp, -40.0 - 668.0 * SPREAD, 1.0),
        ("sigmoid", lambda x: 1 / (1 + mpmath.exp(-x)), 80.0 * SPREAD - 40.0, 2.0),
        ("tanh", mpmath.tanh, 60.0 * SPREAD - 40.0, 3.0),
        ("softplus", lambda x: mpmath.log1p(mpmath.exp(x)), 60.0 * SPREAD - 40.0, 2.0),
        ("elu", lambda x: mpmath.expm1(x) if x < 0 else x, 60.0 * SPREAD - 40.0, 1.5),
    ],
    ids=["exp", "sigmoid", "tanh", "softplus", "elu"],
)
def test_curves_are_exact_to_a_few_units_of_the_last_place(name, function, x, most):
    near_0 = 10.0 ** (-20.0 * SPREAD[:1000])
    x = x if function is mpmath.exp else np.concatenate([x, near_0, -near_0])
    with mpmath.workprec(160):
        exact = [function(mpmath.mpf(float(value))) for value in x]
    assert largest_error(predict_and_lose(ACTIVATIONS[name], x)[0], exact) < most


@built
def test_the_logarithm_is_exact_to_the_last_place():
    p = np.concatenate([SPREAD, 10.0 ** (-323.0 * SPREAD)])
    with mpmath.workprec(160):
        exact = [mpmath.log(mpmath.mpf(float(value))) for value in p]
        beside = [mpmath.log1p(-mpmath.mpf(float(value))) for value in p]
    assert largest_error(-predict_and_lose(UNIT, p, "bce_naive")[1], exact) < 1.0
    assert largest_error(-predict_and_lose(UNIT, p, "bce", target=0.0)[1], beside) < 2.0


@built
@pytest.mark.parametrize("path", PATHS)
def test_the_ends_of_the_number_line(path):
    x = np.array([-np.inf, -1e300, -800.0, 0.0, 800.0, np.inf, np.nan])
    for name in KNOWN:
        values = predict_and_lose(ACTIVATIONS[name], x, path=path)[0]
        with np.errstate(all="ignore"):
            expected = ACTIVATIONS[name].value(x)
        np.testing.assert_allclose(values, expected, rtol=1e-14, atol=1e-300, err_msg=name)
    p = np.array([0.0, 1.0, 5e-324])
    losses = predict_and_lose(UNIT, p, "bce", path=path)[1]
    assert losses.tolist() == [np.inf, 0.0, pytest.approx(1074 * np.log(2), rel=1e-15)]
    losses = predict_and_lose(UNIT, p, "bce_naive", path=path)[1]
    assert np.isnan(losses).tolist() == [False, True, False]


# --- what it refuses, and where it is missing -------------------------------------------------


def record_call(problem, state):
    """The kernel itself, and the arguments with which the engine calls it."""
    kernel, calls = compiled._kernel, []
    names = {name: getattr(kernel, name) for name in dir(kernel)}
    spy = SimpleNamespace(**names | {"advance": lambda *arguments: calls.append(arguments)})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "_kernel", spy)
        compiled.advance(state, problem, 1)
    return kernel.advance, list(calls[0])


EPOCH = 1_234_567  # which no other argument is


@built
@pytest.mark.parametrize("name", ["sigmoid", "hard", "mish"])
def test_sizes_and_codes_that_do_not_go_together_are_refused(name):
    problem = problem_of(name, loss="squared")
    state = replace(state_of(problem, range(3), 4), epoch=EPOCH)
    call, arguments = record_call(problem, state)
    call(*arguments)
    tried = 0
    for place, argument in enumerate(arguments):
        wrong = []
        if isinstance(argument, np.ndarray) and argument.size:
            wrong = [argument.ravel()[:-1].copy(), np.zeros(0, argument.dtype)]
            wrong += [np.full_like(argument, -99)] if argument.dtype == np.int32 else []
            between = np.zeros(argument.nbytes + 1, np.uint8)[1:].view(argument.dtype)
            between[:] = argument.ravel()
            wrong += [between]  # at an address that no double may have
        elif isinstance(argument, int) and 1 < argument != EPOCH:  # a size
            wrong = [argument + 1, -1, 2**31 - 1]
        elif isinstance(argument, str):
            wrong = ["sse9"]
        for value in wrong:
            with pytest.raises(ValueError, match=r"."):
                call(*arguments[:place], value, *arguments[place + 1 :])
            tried += 1
    assert tried > 30
    (epoch,) = (
        place
        for place, argument in enumerate(arguments)
        if isinstance(argument, int) and argument == EPOCH
    )
    for first, epochs in ((-1, 1), (2**63 - 1, 1), (2**63 - 9, 2**62)):
        with pytest.raises(ValueError, match=r"."):
            call(*arguments[:epoch], first, epochs, *arguments[epoch + 2 :])
    arguments[1].flags.writeable = False  # the weights'
    with pytest.raises((BufferError, ValueError, TypeError)):
        call(*arguments)


@built
def test_every_activation_and_loss_of_the_tables_is_the_kernels():
    assert all(compiled.supports(problem_of(f"{name}:own")) for name in ACTIVATIONS)
    assert all(compiled.supports(problem_of("hard", loss=name)) for name in LOSSES)


@built
def test_anything_else_is_the_references():
    problem = problem_of("sigmoid")
    assert engine_for(problem, "compiled") is compiled
    own_loss = replace(LOSSES["squared"], derivative=lambda p, y: p - y)
    own = WithValue("sigmoid", source="a test", computed=lambda x: x)
    for strange in (
        replace(problem, network=replace(problem.network, loss=own_loss)),
        with_layers(problem, own, ACTIVATIONS["sigmoid"]),
    ):
        assert engine_for(strange, "compiled") is reference


def test_a_kernel_of_other_numerics_or_none_is_not_loaded(monkeypatch):
    assert (compiled._load() is None) is not compiled.is_available()
    monkeypatch.setattr(compiled, "NUMERICS", compiled.NUMERICS + 1)
    assert compiled._load() is None
    monkeypatch.setitem(sys.modules, "hsig.engines._kernel", None)
    assert compiled._load() is None


def test_without_the_kernel_the_reference_serves(monkeypatch):
    monkeypatch.setattr(compiled, "_kernel", None)
    assert fastest_engine() == "reference"
    assert compiled.instruction_sets() == ()
    assert load_experiment(flags={}).engine == "reference"
    with pytest.raises(ConfigError, match="--engine: the engine compiled cannot be used"):
        load_experiment(flags={"engine": "compiled"})
    problem = problem_of("sigmoid")
    state = state_of(problem, [0], 3)
    for call in (
        lambda: compiled.advance(state, problem, 1),
        lambda: compiled.chunk_size(problem, state),
    ):
        with pytest.raises(ValueError, match="was not built"):
            call()


AFTER_A_FORK = """
import multiprocessing
import sys

import hsig


def solve(epochs):
    return hsig.train("hard", seeds=2000, epochs=epochs, workers=2).solved.k


if __name__ == "__main__":
    here = solve(2000)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(solve, [2000, 2000]) == [here, here]
"""


@built
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_fork_after_a_training_in_threads_trains_as_well():
    """The pool would wait for ever: a process of its own, which ends with it."""
    done = subprocess.run([sys.executable, "-c", AFTER_A_FORK], timeout=300, check=False)
    assert done.returncode == 0
