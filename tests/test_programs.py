"""Programs of vector operations in the kernel: their numbers, their bits, and what is refused."""

from dataclasses import replace

import mpmath
import numpy as np
import pytest
from hand_made import NUMPY, PROGRAMS, by_program, evaluate, program_of
from hypothesis import given, settings
from hypothesis import strategies as st
from test_engines import make_problem, make_state, trainable
from test_kernel import (
    LAYERS,
    PATHS,
    assert_close,
    assert_same,
    built,
    everything,
    largest_error,
    odd_numbers,
    outputs,
    whole_call,
)

from hsig.activations import ACTIVATIONS
from hsig.engines import compiled, reference
from hsig.engines.choice import engine_for
from hsig.engines.engine import Problem, State
from hsig.formulas.program import Program, Step
from hsig.networks.losses import LOSSES
from hsig.networks.network import Network, Weights

pytestmark = built

ARITIES = dict(compiled._kernel.operations) if compiled.is_available() else {}
LOGISTIC = PROGRAMS["sigmoid"]

# what IEEE 754 rounds rightly, or what only chooses: NumPy has the same numbers
EXACT = {
    *("add", "subtract", "multiply", "divide", "negative", "absolute", "sign", "sqrt", "floor"),
    *("minimum", "maximum", "where_less", "where_less_equal", "where_equal"),
}
LARGEST, LEAST = np.finfo(np.float64).max, 5e-324
ENDS = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 0.1, 2.0**31 + 0.5, 2.0**52 - 0.5, 2.0**52 + 1, 2.0**53]
ENDS += [np.nextafter(1.0, 0.0), np.nextafter(1.0, 2.0), 1e-300, LEAST, 2.2e-308, 1e300]
ENDS = np.array([*ENDS, LARGEST, np.inf])
ENDS = np.concatenate([ENDS, -ENDS, [np.nan]]) + 0.0  # a network makes 0 of -0 on the way


def apply(operation, *operands, path=None):
    """An operation on numbers, by the kernel; all but the first operand that is an array are fixed.

    Operands are arrays, or numbers that stay.
    """
    x = next(operand for operand in operands if isinstance(operand, np.ndarray))
    constants = tuple(float(o) for o in operands if o is not x)
    numbers = iter(range(2, 2 + len(constants)))
    places = tuple(0 if o is x else next(numbers) for o in operands)
    program = Program((Step(operation, 1, places),), 1, constants, registers=2, value=1, slope=1)
    return run(program, x, path=path)


def run(program, x, path=None):
    """The value of a program at x, by the kernel."""
    return outputs(by_program(program), x, path=path)[0]


def assert_numbers(found, expected, **tolerance):
    """The same, but for the signs of zeros; the largest number and infinite are neighbours."""
    bound = 1.79e308
    np.testing.assert_allclose(
        np.clip(found, -bound, bound), np.clip(expected, -bound, bound), **tolerance
    )


# --- each operation ---------------------------------------------------------------------------


def test_the_kernel_has_the_operations_that_have_an_oracle():
    assert set(ARITIES) == set(NUMPY)
    assert {name: ARITIES[name] for name in ("add", "tanh", "power", "where_less")} == {
        "add": 2,
        "tanh": 1,
        "power": 2,
        "where_less": 4,
    }


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("operation", [name for name in NUMPY if ARITIES.get(name) == 1])
def test_the_ends_of_the_number_line_are_numpys(operation, path):
    with np.errstate(all="ignore"):
        expected = NUMPY[operation](ENDS)
    tolerance = {} if operation in EXACT else {"rtol": 1e-15, "atol": 1e-300}
    if operation == "exp":
        tolerance["atol"] = 0.0  # it underflows by degrees
    assert_numbers(apply(operation, ENDS, path=path), expected, **{"rtol": 0.0, **tolerance})


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("operation", [name for name in NUMPY if ARITIES.get(name) == 2])
def test_pairs_of_odd_numbers_are_numpys(operation, path):
    rtol = 0.0 if operation in EXACT else 3e-16
    for other in ENDS:
        with np.errstate(all="ignore"):
            first = NUMPY[operation](ENDS, np.full_like(ENDS, other))
            second = NUMPY[operation](np.full_like(ENDS, other), ENDS)
        assert_numbers(apply(operation, ENDS, other, path=path), first, rtol=rtol)
        assert_numbers(apply(operation, other, ENDS, path=path), second, rtol=rtol)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("operation", [name for name in NUMPY if ARITIES.get(name) == 4])
def test_a_choice_is_numpys_and_of_nan_it_is_the_second(operation, path):
    for other in ENDS:
        expected = NUMPY[operation](ENDS, other, 3.0, 4.0)
        np.testing.assert_array_equal(apply(operation, ENDS, other, 3.0, 4.0, path=path), expected)
        # each operand in its place
        expected = NUMPY[operation](1.5, other, ENDS, 4.0)
        np.testing.assert_array_equal(apply(operation, 1.5, other, ENDS, 4.0, path=path), expected)
    assert apply(operation, np.array([np.nan]), np.nan, 3.0, 4.0, path=path) == 4.0


@pytest.mark.parametrize("path", PATHS)
def test_0_times_infinite_is_0_and_nan_times_anything_is_nan(path):
    x = np.array([0.0, 1.0, -np.inf, np.inf, np.nan])
    expected = [0.0, np.inf, -np.inf, np.inf, np.nan]
    for seeds in range(1, 40):  # with and without company in its vector, and in the four
        many = np.resize(x, seeds)
        found = apply("multiply", many, np.inf, path=path)
        np.testing.assert_array_equal(found, np.resize(expected, seeds))
    assert np.isnan(apply("multiply", x, np.nan, path=path)).all()
    square = apply("multiply", np.array([np.nan, np.inf, 0.0]), 0.0, path=path)
    np.testing.assert_array_equal(square, [np.nan, 0.0, 0.0])


@pytest.mark.parametrize("path", PATHS)
def test_a_power_of_minus_0_has_the_sign_of_an_odd_exponent(path):
    for exponent in (-3.0, -2.0, -1.5, -1.0, -np.inf, 0.0, np.nan):
        program = program_of(f"n = negative x\nn = power n {exponent}", value="n", slope="n")
        with np.errstate(all="ignore"):
            expected = np.float64(-0.0) ** np.float64(exponent)
            np.testing.assert_array_equal(run(program, np.zeros(3), path=path), expected)


RANDOM = np.random.Generator(np.random.PCG64(2026))


def between(low, high, count=2500):
    return RANDOM.uniform(low, high, count)


def everywhere(count=700, least=-1074.0, most=1023.99):
    """Numbers of every size, and of both signs."""
    return np.concatenate([sign * 2.0 ** RANDOM.uniform(least, most, count) for sign in (1, -1)])


def around(*points):
    """The numbers nearest to some, on both sides."""
    near = [0, 1, 2, 3, 7, 100, 12345]
    return np.array(
        [p + side * k * np.spacing(p) for p in points for k in near for side in (1, -1)]
    )


TURNS = np.array([float(k * mpmath.mpf(np.pi) / 2) for k in (*range(1, 40), 10**5, 10**9, 2**40)])
# with the convergents of pi; the last is the double whose sine needs the most bits of 2/pi
TURNS = np.array([*TURNS, 11, 22, 355, 710, 103993, 5419351, 6381956970095103 * 2.0**797])

# by the operation: mpmath's function, where, and below how many units of the last place
STATED = {
    "exp": (mpmath.exp, [between(-745, 709.7), between(-1, 1), everywhere(300, -1074, 9.4)], 1.1),
    "expm1": (
        mpmath.expm1,
        [between(-50, 709.7), between(-1.5, 2), everywhere(300, -1074, 9)],
        2.5,
    ),
    "log": (mpmath.log, [abs(everywhere()), between(0.5, 2), around(0.70710678, 1.41421356)], 1.0),
    "log1p": (mpmath.log1p, [abs(everywhere()), between(-1, 1), -(2.0 ** between(-1074, -1))], 2.0),
    "tanh": (mpmath.tanh, [between(-25, 25), between(-1, 1), everywhere()], 3.0),
    "sinh": (mpmath.sinh, [between(-710.4, 710.4), between(-2, 2), everywhere(300, -1074, 9)], 2.0),
    "cosh": (mpmath.cosh, [between(-710.4, 710.4), between(-2, 2), everywhere(300, -1074, 9)], 1.5),
    "asinh": (mpmath.asinh, [between(-3, 3), between(-(2**29), 2**29), everywhere()], 2.0),
    "atan": (
        mpmath.atan,
        [between(-4, 4), everywhere(), around(0.4375, 0.6875, 1.1875, 2.4375)],
        1,
    ),
    "sin": (mpmath.sin, [between(-9, 9), between(-2e6, 2e6), everywhere(), around(*TURNS)], 1.0),
    "cos": (mpmath.cos, [between(-9, 9), between(-2e6, 2e6), everywhere(), around(*TURNS)], 1.0),
    "erf": (mpmath.erf, [between(-6.5, 6.5), between(-1.2, 1.2), everywhere(), around(1, 6)], 1.5),
    "sigmoid": (lambda x: 1 / (1 + mpmath.exp(-x)), [between(-708, 40), between(-9, 40)], 2.5),
    "softplus": (lambda x: mpmath.log1p(mpmath.exp(x)), [between(-708, 99), between(-9, 9)], 2.0),
}


@pytest.mark.parametrize("operation", STATED)
def test_an_operation_is_as_exact_as_the_kernel_says(operation):
    function, parts, most = STATED[operation]
    x = np.concatenate(parts)
    with mpmath.workprec(1400 if operation in ("sin", "cos") else 200):
        exact = [function(mpmath.mpf(float(value))) for value in x]
    found = [apply(operation, x, path=path) for path in PATHS]
    assert largest_error(found[0], exact) < most
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


def test_what_no_step_lost_is_where_every_operation_that_is_not_exact_is_stated():
    assert set(NUMPY) - EXACT - set(STATED) == {"power"}


def test_powers_are_exact_to_the_last_place():
    exponents = [*between(-5, 5, 20), *between(-300, 300, 20), *everywhere(10, -40, 40), 0.3, -0.5]
    for exponent in exponents:
        reach = 1070 / max(abs(exponent), 1.0)
        sizes = 2.0 ** between(-min(reach, 1073.0), min(reach, 1023.0), 60)
        x = np.concatenate([sizes, 1.0 + between(-1, 1, 30) * 2.0 ** between(-50, -1, 30)])
        with mpmath.workprec(200):
            exact = [mpmath.mpf(float(base)) ** mpmath.mpf(float(exponent)) for base in x]
        inside = np.array([mpmath.mpf(2) ** -1074 < e < mpmath.mpf(2) ** 1023 for e in exact])
        found = [apply("power", x[inside], exponent, path=path) for path in PATHS]
        kept = [e for e, is_inside in zip(exact, inside, strict=True) if is_inside]
        assert largest_error(found[0], kept) < 1.0
        for other in found[1:]:
            np.testing.assert_array_equal(other, found[0])


# --- random programs --------------------------------------------------------------------------


@st.composite
def programs(draw, operations=tuple(NUMPY), most=12):
    """A valid program: each step reads what is there, and may write anywhere but to x."""
    constants = tuple(draw(st.lists(odd_numbers, max_size=4)))
    count = draw(st.integers(1, most))
    registers = draw(st.integers(2, count + 2))
    written, steps = {0}, []
    for _ in range(count):
        operation = draw(st.sampled_from(operations))
        readable = [*sorted(written), *range(registers, registers + len(constants))]
        operands = tuple(draw(st.sampled_from(readable)) for _ in range(ARITIES[operation]))
        target = draw(st.integers(1, registers - 1))
        steps.append(Step(operation, target, operands))
        written.add(target)
    value_steps = draw(st.integers(1, count))
    # no later step may write the value
    later = {step.target for step in steps[value_steps:]}
    first = {step.target for step in steps[:value_steps]}
    value = draw(st.sampled_from([0, *sorted(first - later)]))
    slope = draw(st.sampled_from([0, *sorted(first | later)]))
    return Program(tuple(steps), value_steps, constants, registers, value, slope)


X = np.concatenate([[0.3, -2.5, 40.0, -1e3, 1e5, 1e-9, -1.0, 7.0], ENDS])


@settings(max_examples=100, deadline=None)
@given(program=programs())
def test_every_step_of_a_program_is_numpys_of_what_the_kernel_had_before(program):
    registers = {0: X}

    def operand(number):
        if number < program.registers:
            return registers[number]
        return np.full_like(X, program.constants[number - program.registers])

    for done, (operation, target, operands) in enumerate(program.steps, 1):
        part = program._replace(
            steps=program.steps[:done], value_steps=done, value=target, slope=target
        )
        found = run(part, X)
        with np.errstate(all="ignore"):
            expected = NUMPY[operation](*map(operand, operands))
        tolerance = {"rtol": 0.0} if operation in EXACT else {"rtol": 2e-15, "atol": 1e-300}
        assert_numbers(found, expected, **tolerance)
        registers[target] = found


def trained(program, state, path=None, *, hidden_only=False):
    problem = make_problem(by_program(program), "squared", "parity3", rate=0.3)
    if not hidden_only:
        network = replace(problem.network, output_activation=by_program(program))
        problem = replace(problem, network=network)
    return compiled.advance(state, problem, 3, path=path)


@settings(max_examples=100, deadline=None)
@given(program=programs(), data=st.data())
def test_a_program_gives_the_same_bits_on_every_path_and_in_any_company(program, data):
    seeds, hidden = data.draw(st.integers(1, 70)), data.draw(st.sampled_from([1, 3, 7]))
    state = make_state(range(seeds), hidden, "parity3", bounds=(-3.0, 3.0))
    first, *others = (trained(program, state, path) for path in PATHS)
    for other in others:
        assert_same(first, other)
    one = data.draw(st.integers(0, seeds - 1))
    alone = trained(program, state.of(slice(one, one + 1)))
    for few, many in zip(everything(alone), everything(first), strict=True):
        np.testing.assert_array_equal(few[..., 0], many[..., one])


@settings(max_examples=100, deadline=None)
@given(program=programs(operations=sorted(EXACT)), data=st.data())
def test_a_program_of_exact_operations_trains_as_the_reference_does(program, data):
    def drawn(*shape):
        few = np.array(data.draw(st.lists(odd_numbers, min_size=1, max_size=30)))
        return np.resize(few, shape)

    inputs, hidden = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 20))
    samples, seeds = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 40))
    both = data.draw(st.sampled_from([(0, 1), (0,), (1,)]))
    layers = [by_program(program) if layer in both else trainable("leaky_hard") for layer in (0, 1)]
    loss = data.draw(st.sampled_from(["squared", "bce_naive"]))
    problem = Problem(
        Network(*layers, LOSSES[loss]),
        inputs=drawn(samples, inputs),
        targets=np.resize([0.0, 1.0, 0.25], samples),
        learning_rate=data.draw(st.sampled_from([0.0, 0.1, 3.0])),
        update=data.draw(st.sampled_from(["online", "batch"])),
        solved_within=data.draw(st.sampled_from([0.5, 0.01, 1e9])),
    )
    state = State.start(Weights(drawn(inputs + 1, hidden, seeds), drawn(hidden + 1, 1, seeds)))
    expected = reference.advance(state, problem, 3)
    without_losses = slice(None) if loss == "squared" else slice(-1)  # of which NumPy has the logs
    for path in PATHS:
        found = compiled.advance(state, problem, 3, path=path)
        pairs = zip(everything(found), everything(expected), strict=True)
        for ours, theirs in list(pairs)[without_losses]:
            np.testing.assert_array_equal(ours, theirs)


# --- training ---------------------------------------------------------------------------------


@pytest.mark.parametrize("update", ["online", "batch"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", PROGRAMS)
def test_an_epoch_by_a_program_is_the_references_to_a_trillionth(name, loss, update):
    problem = make_problem(by_program(PROGRAMS[name]), loss, update=update)
    state = make_state(range(40), 3, bounds=(-2.0, 2.0))
    ours, theirs = (engine.advance(state, problem, 1) for engine in (compiled, reference))
    assert_close(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize("update", ["online", "batch"])
@pytest.mark.parametrize("hidden", [3, 5])
@pytest.mark.parametrize("name", ["tanh", "sigmoid", "softplus", "silu", "elu", "hard"])
def test_a_program_has_the_bits_of_what_the_kernel_has_itself(name, hidden, update):
    own = make_problem(name, "squared", update=update)
    program = by_program(PROGRAMS[name])
    hand_made = replace(own, network=replace(own.network, hidden_activation=program))
    state = make_state(range(141), hidden, bounds=(-4.0, 4.0))
    expected = compiled.advance(state, own, 200)
    for path in PATHS:
        assert_same(compiled.advance(state, hand_made, 200, path=path), expected)


@pytest.mark.parametrize("update", ["online", "batch"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("layers", [(0, 1), (0,), (1,)], ids=str)
def test_a_program_in_any_layer_has_the_bits_of_two_without(layers, loss, update):
    own = make_problem("sigmoid", loss, update=update, rate=1.0)
    as_logistic = by_program(LOGISTIC, is_logistic=True)
    both = [as_logistic if layer in layers else ACTIVATIONS["sigmoid"] for layer in (0, 1)]
    hand_made = replace(own, network=Network(*both, LOSSES[loss]))
    state = make_state(range(77), bounds=(-3.0, 3.0))
    expected = compiled.advance(state, own, 1500)
    assert (expected.solved_at >= 0).any()
    for path in PATHS:
        assert_same(compiled.advance(state, hand_made, 1500, path=path), expected)


@pytest.mark.parametrize(("update", "rate"), [("online", 1.0), ("batch", 8.0)])
def test_what_is_solved_and_lost_again_and_again_is_told_to_the_epoch(update, rate):
    own = make_problem("hard", "squared", rate=rate, update=update)
    both = by_program(PROGRAMS["hard"])
    hand_made = replace(own, network=Network(both, both, LOSSES["squared"]))
    state = make_state(range(200), bounds=(-2.0, 2.0))
    expected = compiled.advance(state, own, 150)
    assert (expected.lost_at >= 0).sum() > 3
    found = compiled.advance(state, hand_made, 150)
    assert_same(found, expected)
    # and when it is looked at in pieces
    for epochs in (1, 60, 89):
        state = compiled.advance(state, hand_made, epochs)
    assert_same(replace(state, predictions=found.predictions, losses=found.losses), expected)


@pytest.mark.parametrize(("update", "rate"), [("online", 0.16), ("batch", 0.3)])
def test_seeds_that_diverge_are_marked_and_leave_the_others_alone(update, rate):
    line = ACTIVATIONS["identity"]
    own = make_problem(line, "squared", update=update, rate=rate)
    own = replace(own, network=replace(own.network, output_activation=line))
    program = by_program(PROGRAMS["identity"])
    hand_made = replace(own, network=replace(own.network, hidden_activation=program))
    state = make_state(range(99), bounds=(-2.0, 2.0))
    expected = reference.advance(state, own, 80)
    assert 0 < (expected.diverged_at >= 0).sum() < 99
    assert len(set(expected.diverged_at)) > 3
    for path in PATHS:
        assert_same(compiled.advance(state, hand_made, 80, path=path), expected)


@pytest.mark.parametrize("threads", [2, 7])
@pytest.mark.parametrize("hidden", [3, 64, 300])
def test_layers_of_any_width_have_the_same_bits_in_any_block(monkeypatch, hidden, threads):
    monkeypatch.setattr(compiled, "_WORK_WORTH_A_THREAD", 1)
    problem = make_problem(by_program(PROGRAMS["mish"]), "squared")
    state = make_state(range(150), hidden)
    whole = compiled.advance(state, problem, 4)
    assert_same(compiled.advance(state, problem, 4, threads=threads), whole)
    alone = compiled.advance(state.of(slice(149, 150)), problem, 4)
    for one, many in zip(everything(alone), everything(whole), strict=True):
        np.testing.assert_array_equal(one[..., 0], many[..., 149])
    assert_close(compiled.advance(state, problem, 1), reference.advance(state, problem, 1), 1e-12)


@pytest.mark.parametrize("path", PATHS)
def test_a_program_with_hundreds_of_registers_runs_in_parts(path):
    lines = ["r0 = multiply x 0.5"]
    lines += [f"r{k} = add r{k - 1} {k}" for k in range(1, 300)]
    lines += ["---", *(f"s{k} = subtract r{k} r{299 - k}" for k in range(300))]
    program = program_of("\n".join(lines), value="r299", slope="s7")
    assert program.registers == 601
    np.testing.assert_array_equal(run(program, X, path=path), evaluate(program, X)[0])
    problem = make_problem(by_program(program), "squared", rate=1e-9)
    state = make_state(range(50), 40)
    found = compiled.advance(state, problem, 2, path=path)
    assert_close(found, reference.advance(state, problem, 2), rtol=1e-12)


# --- what is refused --------------------------------------------------------------------------


def code_of(*steps, value_steps=1, registers=3, value=1, slope=1, rest=(0, 0)):
    return np.array([(value_steps, registers, value, slope, *rest), *steps], dtype=np.int32)


GOOD = code_of((0, 1, 0, 0, 0, 0), (2, 2, 1, 3, 0, 0), slope=2)


def call_with_program(code, constants=(0.5,), layer="hidden", **changed):
    kind = np.zeros(12)
    kind[0] = compiled._kernel.activations.index("program")
    program = {
        f"{layer}_activation": kind,
        f"{layer}_code": code,
        f"{layer}_constants": np.array(constants, dtype=np.float64),
    }
    whole_call(**program | changed)


def step(*words):
    return code_of(words)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize(
    "code",
    [
        step(-1, 1, 0, 0, 0, 0),
        step(999, 1, 0, 0, 0, 0),
        step(0, 0, 0, 0, 0, 0),
        step(0, -1, 0, 0, 0, 0),
        step(0, 3, 0, 0, 0, 0),
        step(0, 2**31 - 1, 0, 0, 0, 0),
        step(0, 1, 4, 0, 0, 0),
        step(0, 1, 0, 4, 0, 0),
        step(0, 1, 0, -1, 0, 0),
        step(0, 1, 0, -(2**31), 0, 0),
        step(0, 1, 0, 2, 0, 0),  # read before it is written
        step(0, 1, 1, 0, 0, 0),
        step(0, 1, 0, 0, 1, 0),  # of which it takes no third
        code_of((0, 1, 0, 0, 0, 0), value=2),
        code_of((0, 1, 0, 0, 0, 0), value=4),
        code_of((0, 1, 0, 0, 0, 0), value=-1),
        code_of((0, 1, 0, 0, 0, 0), slope=2),
        code_of((0, 1, 0, 0, 0, 0), slope=2**31 - 1),
        code_of((0, 1, 0, 0, 0, 0), value_steps=0),
        code_of((0, 1, 0, 0, 0, 0), value_steps=2),
        code_of((0, 1, 0, 0, 0, 0), value_steps=-1),
        code_of((0, 1, 0, 0, 0, 0), (0, 1, 0, 0, 0, 0)),  # the value is lost to the slope
        code_of((0, 1, 0, 0, 0, 0), registers=0),
        code_of((0, 1, 0, 0, 0, 0), registers=-5),
        code_of((0, 1, 0, 0, 0, 0), registers=2**31 - 1),
        code_of((0, 1, 0, 0, 0, 0), rest=(0, 1)),
        np.zeros((0, 6), np.int32),
        np.zeros(5, np.int32),
        GOOD.ravel()[:-1].copy(),
        GOOD.tobytes()[:-1],
        np.zeros((1 << 17, 6), np.int32),
    ],
    ids=lambda code: f"{len(code)} {bytes(code)[:48].hex()}",
)
def test_what_is_no_program_is_refused(code, layer):
    call_with_program(GOOD, layer=layer)
    with pytest.raises(ValueError, match=r"not a program|unknown activation"):
        call_with_program(code, layer=layer)


def test_constants_that_are_no_numbers_or_too_many_are_refused():
    for constants in (b"1234567", bytes(8 << 17)):
        with pytest.raises(ValueError, match="not a program"):
            call_with_program(GOOD, hidden_constants=constants)


def test_a_program_and_an_activation_of_the_kernels_own_are_not_mixed_up():
    sigmoid = compiled._numbers(compiled._kernel, ACTIVATIONS["sigmoid"])
    with pytest.raises(ValueError, match="unknown activation"):
        call_with_program(GOOD, hidden_activation=sigmoid)
    kind = np.full(12, 0.0)
    kind[0] = compiled._kernel.activations.index("program")
    with pytest.raises(ValueError, match="unknown activation"):
        whole_call(output_activation=kind)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_words_are_a_program_or_refused(data):
    words = st.integers(-2, 7) | st.integers(-(2**31), 2**31 - 1)
    small = st.integers(0, 4)
    row = st.tuples(st.integers(0, 30), *[small] * 3, st.just(0) | words, st.just(0) | words)
    head = st.tuples(small, st.integers(1, 6), small, small, st.just(0), st.just(0))
    rows = [data.draw(head), *data.draw(st.lists(row, max_size=4))]
    try:
        call_with_program(np.array(rows, dtype=np.int32), (0.5, -1.0))
    except ValueError as refused:
        assert "not a program" in str(refused)  # noqa: PT017


def test_an_activation_with_operations_that_the_kernel_has_is_its_own():
    known = make_problem(by_program(PROGRAMS["mish"]))
    assert engine_for(known, "compiled") is compiled
    strange = PROGRAMS["mish"]._replace(steps=(Step("bessel", 1, (0,)),))
    assert engine_for(make_problem(by_program(strange)), "compiled") is reference
