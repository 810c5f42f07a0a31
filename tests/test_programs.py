"""Programs of vector operations in the kernel: their numbers, their bits, and what is refused."""

import mpmath
import numpy as np
import pytest
from hand_made import NUMPY, PROGRAMS, by_program, evaluate, program_of
from hypothesis import given
from hypothesis import strategies as st
from kernels import (
    PATHS,
    assert_paths_agree,
    built,
    draw_run,
    everything,
    largest_error,
    odd_numbers,
    predict_and_lose,
    with_layers,
)
from setups import ORDERS, activation, problem_of, state_of

from hsig.activations import ACTIVATIONS
from hsig.engines import compiled, reference
from hsig.engines.choice import engine_for
from hsig.formulas.program import Program, Step
from hsig.networks.losses import LOSSES

pytestmark = built

ARITIES = dict(compiled._kernel.operations) if compiled.is_available() else {}

# what IEEE 754 rounds rightly, or what only chooses: NumPy has the same numbers
EXACT = {
    *("add", "subtract", "multiply", "divide", "negative", "absolute", "sign", "sqrt", "floor"),
    *("minimum", "maximum", "where_less", "where_less_equal", "where_equal"),
}
ENDS = [0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 0.1, 2.0**31 + 0.5, 2.0**52 - 0.5, 2.0**52 + 1, 2.0**53]
ENDS += [np.nextafter(1.0, 0.0), np.nextafter(1.0, 2.0), 1e-300, 5e-324, 2.2e-308, 1e300]
ENDS = np.array([*ENDS, np.finfo(np.float64).max, np.inf])
ENDS = np.concatenate([ENDS, -ENDS, [np.nan]]) + 0.0  # a network makes 0 of -0 on the way
X = np.concatenate([[0.3, -2.5, 40.0, -1e3, 1e5, 1e-9, -1.0, 7.0], ENDS])


def run(program, x, path=None):
    """The value of a program at x, by the kernel."""
    return predict_and_lose(by_program(program), x, path=path)[0]


def apply(operation, *operands, path=None):
    """An operation by the kernel; one operand is an array, the others are numbers."""
    x = next(operand for operand in operands if isinstance(operand, np.ndarray))
    constants = tuple(float(o) for o in operands if o is not x)
    numbers = iter(range(2, 2 + len(constants)))
    places = tuple(0 if o is x else next(numbers) for o in operands)
    program = Program((Step(operation, 1, places),), 1, constants, registers=2, value=1, slope=1)
    return run(program, x, path=path)


def assert_numbers(found, expected, **tolerance):
    """The same, but for the signs of zeros; the largest number and infinite are neighbours."""
    bound = 1.79e308
    found, expected = np.clip(found, -bound, bound), np.clip(expected, -bound, bound)
    np.testing.assert_allclose(found, expected, **{"rtol": 0.0, **tolerance})


# --- each operation ---------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
def test_odd_numbers_are_numpys(path):
    assert set(ARITIES) == set(NUMPY)
    for operation, arity in ARITIES.items():
        for other in ENDS if arity > 1 else [0.0]:
            rest = (other, 3.0, 4.0)[: arity - 1]
            calls = [(ENDS, *rest), (1.5, other, ENDS, 4.0)] if arity == 4 else [(ENDS, *rest)]
            calls += [(other, ENDS)] if arity == 2 else []
            rtol = 0.0 if operation in EXACT else 1e-15 if arity == 1 else 3e-16
            # exp underflows by degrees
            atol = 0.0 if operation in (*EXACT, "exp", "power") else 1e-300
            for operands in calls:
                arrays = [np.broadcast_to(operand, ENDS.shape).copy() for operand in operands]
                with np.errstate(all="ignore"):
                    expected = NUMPY[operation](*arrays)
                found = apply(operation, *operands, path=path)
                assert_numbers(found, expected, rtol=rtol, atol=atol, err_msg=operation)


@pytest.mark.parametrize("path", PATHS)
def test_0_times_infinite_is_0_and_nan_times_anything_is_nan(path):
    x = np.array([0.0, 1.0, -np.inf, np.inf, np.nan])
    expected = [0.0, np.inf, -np.inf, np.inf, np.nan]
    for seeds in range(1, 40):  # with and without company in its vector
        found = apply("multiply", np.resize(x, seeds), np.inf, path=path)
        np.testing.assert_array_equal(found, np.resize(expected, seeds))
    assert np.isnan(apply("multiply", x, np.nan, path=path)).all()


@pytest.mark.parametrize("path", PATHS)
def test_a_power_of_minus_0_has_the_sign_of_an_odd_exponent(path):
    for exponent in (-3.0, -2.0, -1.5, -1.0, -np.inf, 0.0, np.nan):
        program = program_of(f"n = negative x\nn = power n {exponent}", value="n", slope="n")
        with np.errstate(all="ignore"):
            expected = np.float64(-0.0) ** np.float64(exponent)
        np.testing.assert_array_equal(run(program, np.zeros(3), path=path), expected)


RANDOM = np.random.Generator(np.random.PCG64(2026))


def between(low, high, count=1200):
    return RANDOM.uniform(low, high, count)


def everywhere(count=400, least=-1074.0, most=1023.99):
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
WIDE = between(-710.4, 710.4), between(-2, 2), everywhere(300, -1074, 9)
WAVES = between(-9, 9), between(-2e6, 2e6), everywhere(), around(*TURNS)

# by the operation: mpmath's function, where, and below how many units of the last place
STATED = {
    "exp": (mpmath.exp, [between(-745, 709.7), between(-1, 1), everywhere(300, -1074, 9.4)], 1.1),
    "expm1": (mpmath.expm1, [between(-50, 709), between(-1, 2), everywhere(300, -1074, 9)], 2.5),
    "log": (mpmath.log, [abs(everywhere()), between(0.5, 2), around(0.70710678, 1.41421356)], 1.0),
    "log1p": (mpmath.log1p, [abs(everywhere()), between(-1, 1), -(2.0 ** between(-1074, -1))], 2.0),
    "tanh": (mpmath.tanh, [between(-25, 25), between(-1, 1), everywhere()], 3.0),
    "sinh": (mpmath.sinh, WIDE, 2.0),
    "cosh": (mpmath.cosh, WIDE, 1.5),
    "asinh": (mpmath.asinh, [between(-3, 3), between(-(2**29), 2**29), everywhere()], 2.0),
    "atan": (mpmath.atan, [between(-4, 4), everywhere(), around(0.4375, 0.6875, 1.1875)], 1.0),
    "sin": (mpmath.sin, WAVES, 1.0),
    "cos": (mpmath.cos, WAVES, 1.0),
    "erf": (mpmath.erf, [between(-6.5, 6.5), between(-1, 1), everywhere(), around(1, 6)], 1.5),
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


def test_powers_are_exact_to_the_last_place():
    assert set(NUMPY) - EXACT - set(STATED) == {"power"}
    exponents = [*between(-5, 5, 15), *between(-300, 300, 15), *everywhere(8, -40, 40), 0.3, -0.5]
    for exponent in exponents:
        reach = 1070 / max(abs(exponent), 1.0)
        sizes = 2.0 ** between(-min(reach, 1073.0), min(reach, 1023.0), 40)
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


@given(program=programs(), data=st.data())
def test_a_program_gives_the_same_bits_on_every_path_and_in_any_company(program, data):
    seeds, hidden = data.draw(st.integers(1, 70)), data.draw(st.sampled_from([1, 3, 7]))
    layer = by_program(program)
    problem = problem_of(layer, output=layer, loss="squared", task="parity3", rate=0.3)
    state = state_of(problem, range(seeds), hidden, low=-3.0, high=3.0)
    whole = compiled.advance(state, problem, 3)
    assert_paths_agree(problem, state, 3, whole)
    one = data.draw(st.integers(0, seeds - 1))
    alone = compiled.advance(state.select(slice(one, one + 1)), problem, 3)
    for few, many in zip(everything(alone), everything(whole), strict=True):
        np.testing.assert_array_equal(few[..., 0], many[..., one])


@given(program=programs(operations=sorted(EXACT)), data=st.data())
def test_a_program_of_exact_operations_trains_as_the_reference_does(program, data):
    both = data.draw(st.sampled_from([(0, 1), (0,), (1,)]))
    layers = [by_program(program) if n in both else activation("leaky_hard") for n in (0, 1)]
    problem, state = draw_run(data, layers, "squared", 5, 20, odd_numbers)
    assert_paths_agree(problem, state, 3, reference.advance(state, problem, 3))


# --- compiled formulas ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_the_program_of_an_activation_gives_its_value_and_slope(name):
    """By a loop over its steps that shares nothing with hsig."""
    row, x = ACTIVATIONS[name], np.concatenate([np.linspace(-9, 9, 721), X])
    value, slope = evaluate(row.program, x)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(value, row.value(x), rtol=1e-14, atol=1e-300)
        known = ~np.isnan(x)
        expected = row.function.evaluate_slope(x)[known]
        np.testing.assert_allclose(slope[known], expected, rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "softplus", "silu", "elu", "hard"])
def test_a_program_by_hand_has_the_bits_of_the_tables_activation(name):
    for order in ORDERS.values():
        for hidden in (3, 5):
            own = problem_of(name, output="sigmoid", loss="squared", order=order)
            by_hand = with_layers(own, by_program(PROGRAMS[name]), ACTIVATIONS["sigmoid"])
            state = state_of(own, range(141), hidden, low=-4.0, high=4.0)
            assert_paths_agree(by_hand, state, 60, compiled.advance(state, own, 60))


@pytest.mark.parametrize("layers", [(0, 1), (0,), (1,)], ids=str)
def test_a_program_in_any_layer_has_the_bits_of_the_kernels_own_logistic(layers):
    logistic = by_program(PROGRAMS["sigmoid"], is_logistic=True)
    both = [logistic if layer in layers else ACTIVATIONS["sigmoid"] for layer in (0, 1)]
    for loss in LOSSES.keys() - {"cross_entropy"}:
        own = problem_of("sigmoid", loss=loss, rate=1.0)
        state = state_of(own, range(77), 3, low=-3.0, high=3.0)
        expected = compiled.advance(state, own, 900)
        assert (expected.solved_at >= 0).any()
        assert_paths_agree(with_layers(own, *both), state, 900, expected)


def test_seeds_that_diverge_are_marked_and_leave_the_others_alone():
    own = problem_of("identity", output="identity", loss="squared", rate=0.16)
    problem = with_layers(own, by_program(PROGRAMS["identity"]), ACTIVATIONS["identity"])
    state = state_of(own, range(99), 3, low=-2.0, high=2.0)
    expected = reference.advance(state, own, 80)
    assert 0 < (expected.diverged_at >= 0).sum() < 99
    assert_paths_agree(problem, state, 80, expected)


@pytest.mark.parametrize("path", PATHS)
def test_a_program_with_hundreds_of_registers_runs_in_parts(path):
    lines = ["r0 = multiply x 0.5"]
    lines += [f"r{k} = add r{k - 1} {k}" for k in range(1, 300)]
    lines += ["---", *(f"s{k} = subtract r{k} r{299 - k}" for k in range(300))]
    program = program_of("\n".join(lines), value="r299", slope="s7")
    assert program.registers == 601
    np.testing.assert_array_equal(run(program, X, path=path), evaluate(program, X)[0])


# --- what is refused --------------------------------------------------------------------------


def train(*steps, value_steps=1, constants=(0.5,), registers=3, value=1, slope=1, layer=0):
    program = Program(steps, value_steps, constants, registers, value, slope)
    layers = [ACTIVATIONS["sigmoid"]] * 2
    layers[layer] = by_program(program)
    problem = with_layers(problem_of("sigmoid", loss="squared"), *layers)
    return compiled.advance(state_of(problem, range(3), 3), problem, 1)


DOUBLE = Step("add", 1, (0, 0))
BAD_STEPS = [Step("add", target, (0, 0)) for target in (0, -1, 3, 2**31 - 1)]
BAD_STEPS += [Step("add", 1, operands) for operands in ((4, 0), (0, -(2**31)), (0, 2), (0, 0, 1))]
BAD = [{"steps": (step,)} for step in BAD_STEPS]
BAD += [{"value": place} for place in (2, 4, -1)] + [{"slope": 2}, {"slope": 2**31 - 1}]
BAD += [{"value_steps": count} for count in (0, 2, -1)] + [{"registers": n} for n in (0, 2**31 - 1)]
BAD += [{"steps": (DOUBLE, DOUBLE)}]  # the value is lost to the slope
BAD += [{"steps": (DOUBLE,) * (1 << 17)}, {"constants": (0.5,) * (1 << 17)}]


@pytest.mark.parametrize("layer", [0, 1])
def test_what_is_no_program_is_refused(layer):
    train(DOUBLE, layer=layer)
    for bad in BAD:
        changed = dict(bad)
        with pytest.raises(ValueError, match="not a program"):
            train(*changed.pop("steps", (DOUBLE,)), layer=layer, **changed)


@given(data=st.data())
def test_any_words_are_a_program_or_refused(data):
    small = st.integers(-1, 5)
    step = st.sampled_from(sorted(ARITIES)).flatmap(
        lambda name: st.builds(
            Step, st.just(name), small, st.tuples(*[small] * ARITIES[name]).map(tuple)
        )
    )
    steps = data.draw(st.lists(step, min_size=1, max_size=4))
    head = {name: data.draw(small) for name in ("value_steps", "registers", "value", "slope")}
    try:
        train(*steps, **head, constants=(0.5, -1.0))
    except ValueError as refused:
        assert "not a program" in str(refused)  # noqa: PT017


def test_an_operation_that_the_kernel_does_not_have_is_the_references():
    strange = PROGRAMS["mish"]._replace(steps=(Step("bessel", 1, (0,)),))
    assert (
        engine_for(problem_of(by_program(PROGRAMS["mish"]), output="sigmoid"), "compiled")
        is compiled
    )
    assert engine_for(problem_of(by_program(strange), output="sigmoid"), "compiled") is reference
