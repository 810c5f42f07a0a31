"""What a formula's values lie between: proved, and found."""

from math import inf, pi, sqrt

import numpy as np
import pytest
from formula_oracle import FORMULAS, exact
from hypothesis import assume, given
from hypothesis import strategies as st
from mpmath import mp

from hsig.activations.activation import Activation
from hsig.activations.in_python import in_python
from hsig.activations.names import inline_activation
from hsig.formulas.cancelling import cancel
from hsig.formulas.derivative import differentiate
from hsig.formulas.enclosure import MARGIN
from hsig.formulas.function import Function
from hsig.formulas.intervals import enclose
from hsig.formulas.nodes import X, number, walk
from hsig.formulas.parsing import parse
from hsig.formulas.primitives import PRIMITIVES
from hsig.formulas.program import lower
from hsig.formulas.simplifying import apply
from hsig.networks.network import default_output_activation

# --- examples -----------------------------------------------------------------------------------

PROVED = [  # by hand, unless said
    ("1/(1 + x**2)", 0, 1),
    ("1/(2 + log1p(x**2))", 0, 0.5),
    ("log1p(abs(x))/(1 + log1p(abs(x)))", 0, 1),
    ("(abs(x + 1) - abs(x - 1))/2", -1, 1),
    ("softplus(x) - softplus(x - 1)", 0, 1),
    ("(softplus(x - 1000) - softplus(x - 1003))/3", 0, 1),
    ("3*exp(-(x - 70)**2) + sigmoid(x)", 0, 4),
    ("asinh(x)", -inf, inf),
    ("atan(x)", -pi / 2, pi / 2),
    ("x*exp(-x)", -inf, np.exp(-1.0)),
    ("x*sigmoid(x)", -0.278464542761073796, inf),  # -W(1/e), mpmath
    ("sin(x)/(1 + x*x)", -0.437414158289, 0.437414158289),  # mpmath's findroot of the slope
    ("where(x > 0.3, 1, 0)", 0, 1),
    ("where(x == 7.3, 5, sigmoid(x))", 0, 5),
    ("x/(1 + x**2)", -0.5, 0.5),
    ("(1 + x/sqrt(1 + x**2))/2", 0, 1),
    ("(x + sqrt(x**2 + 4))/2", 0, inf),
    ("(exp(x) - exp(-x))/(exp(x) + exp(-x))", -1, 1),
    ("asinh(x)/(1 + abs(asinh(x)))", -1, 1),
    ("x*tanh(softplus(x))", -0.30884341301725043, inf),  # mpmath
    ("x/(1 + log1p(abs(x)))", -inf, inf),
    ("tanh(1e-140*x)", -1, 1),
    ("exp(x)/(2 + exp(x))", 0, 1),
    ("x**4 - 3*x**2", -2.25, inf),
    ("1/(x - 0.3)", -inf, inf),
    ("log(1/x)", -inf, inf),
    ("1e-12*sigmoid(x)", 0, 1e-12),
    ("1e80*tanh(x)", -1e80, 1e80),
    ("x - x + 3", 3, 3),
]


@pytest.mark.parametrize(("written", "low", "high"), PROVED)
def test_the_range_is_found_and_proved(written, low, high):
    found = Function(parse(written)).range
    assert found.is_proved
    assert found[:2] == pytest.approx((low, high), rel=1e-8, abs=1e-300)


@pytest.mark.parametrize(
    ("written", "low", "high"),
    [
        ("sin(x) + sin(1.41421*x)", -2, 2),
        ("x*(1 + erf(x/sqrt(2)))/2", -0.16997120747990366, inf),  # mpmath
        ("sin(x) + sin(3*x)/3", -2 * sqrt(2) / 3, 2 * sqrt(2) / 3),
        ("sin(x)**2 + cos(x)**2", 1, 1),
        ("x - floor(x)", 0, 1),
        ("x/sqrt(1 + 2*x**2)", -1 / sqrt(2), 1 / sqrt(2)),
    ],
)
def test_what_takes_too_much_work_is_bounded_all_the_same(written, low, high):
    found = Function(parse(written)).range
    assert not found.is_proved
    assert found[:2] == pytest.approx((low, high), rel=2e-4)
    assert found.least <= low <= high <= found.greatest


def test_where_no_value_is_certain_none_is_proved():
    choice = Function(parse("where(((1**1.5)**-1)**4 >= 1, sqrt(x) + x, tanh(x))")).range
    assert not choice.is_proved
    assert choice.least <= choice.low == 0.0
    assert Function(parse("sqrt(-1 - x**2)")).range[:2] == (-inf, inf)


# --- properties ---------------------------------------------------------------------------------

SMOOTH_FAR = {"exp", "expm1", "sinh", "cosh", "sigmoid", "softplus", "tanh"}


def scale(found):
    """What the margin is relative to."""
    return max(abs(end) if abs(end) < inf else 1.0 for end in found[:2])


def is_slow_far_out(root):
    """Whether mpmath takes exponentials of exponentials."""
    return sum(part.operation in SMOOTH_FAR for part in walk(root)) > 1


xs = st.floats(-30, 30) | st.floats(-1e3, 1e3) | st.floats(-1e300, 1e300)


@given(FORMULAS, st.lists(xs, min_size=6, max_size=6))
def test_no_value_lies_beyond_what_is_proved(root, points):
    found = Function(root).range
    margin = 2 * MARGIN * scale(found)
    assert found.least <= found.low <= found.high <= found.greatest
    with mp.workdps(700):
        for x in points:
            if abs(x) <= 30 or not is_slow_far_out(root):
                assert found.least - margin <= exact(root, x) <= found.greatest + margin


@given(FORMULAS)
def test_values_on_a_grid_are_within_what_is_shown(root):
    found = Function(root).range
    x = np.linspace(-20.0, 20.0, 4001)
    values = Function(root).evaluate(x)
    values = values[np.isfinite(values)]
    margin = 1e-6 * max(scale(found), np.abs(values).max(initial=0.0))
    assert found.low - margin <= values.min(initial=inf)
    assert values.max(initial=-inf) <= found.high + margin


@given(FORMULAS, st.sampled_from([-1, 1]), st.booleans(), st.floats(-20, 20))
def test_a_rewritten_formula_has_the_same_values(root, side, is_slope, x):
    root = differentiate(root) if is_slope else root
    rewritten = cancel(lower(root), side)
    with mp.workdps(120):
        try:
            wanted, found = exact(root, x), exact(rewritten, x)
        except (ZeroDivisionError, ValueError):
            assume(False)
        assume(mp.isfinite(wanted) and mp.isfinite(found))
        assert abs(found - wanted) <= mp.mpf(2) ** -90 * max(1, abs(wanted))


@pytest.mark.parametrize("name", PRIMITIVES)
@given(st.data())
def test_an_operation_on_intervals_holds_its_values(name, data):
    """Of operands that are lines of x with other slopes, so that all corners of boxes occur."""
    some = st.floats(-8, 8) | st.integers(-3, 3).map(float)
    lines = [(data.draw(some), data.draw(some)) for _ in range(PRIMITIVES[name].operands)]
    if name == "power" and data.draw(st.booleans()):
        lines[1] = (0.0, float(data.draw(st.integers(-4, 4))))
    operands = [
        apply("add", apply("multiply", number(slope), X), number(intercept))
        for slope, intercept in lines
    ]
    root = apply(name, *operands)
    low, high = sorted((data.draw(some) + 0.0, data.draw(some) + 0.0))  # no -0
    bounds = enclose([lower(root)], np.array([low]), np.array([high]))
    for x in (low, high, *(data.draw(st.floats(low, high)) for _ in range(5))):
        with mp.workdps(60):
            try:
                value = exact(root, x)
            except (ZeroDivisionError, ValueError):
                continue
            if isinstance(value, mp.mpf) and mp.isfinite(value):
                assert bounds.low[0] <= value <= bounds.high[0]


@given(FORMULAS, st.sampled_from([-1.0, 0.0, 0.5]))
def test_what_is_monotonic_or_crosses_a_level_once_does_so_on_a_grid(root, level):
    function = Function(root)
    values = function.evaluate(np.linspace(-60.0, 60.0, 4801))
    values = values[np.isfinite(values)]
    rounding = 1e-7 * max(1.0, np.abs(values).max(initial=0.0))
    turns = np.diff(values)
    if (turns > rounding).any() and (turns < -rounding).any():
        assert not function.is_monotonic
    above = np.flatnonzero(values - level > rounding)
    below = np.flatnonzero(values - level < -rounding)
    if len(above) and len(below) and above[0] < below[-1] and below[0] < above[-1]:
        assert not function.crosses_once(level)


RISING = ["sigmoid(x)", "hard(x)", "tanh(x)", "softplus(x)", "elu(x)", "isru(x)", "isrlu(x)"]
RISING += ["where(x < 0, 0, 1)", "max(tanh(x), 0)", "x**3 + x", "-exp(x)", "x/(1 + abs(x))"]
TURNING = ["ultra_fast(x)", "plan(x)", "silu(x)", "exp(-x**2)", "sin(x)", "1/x", "sign(x**2)"]
TURNING += ["sigmoid(x) - exp(-(x - 70)**2)", "where(x < 0, x, x - 1e-3)", "tanh(x) - 1e-13*x"]
CROSSING = ["ultra_fast(x)", "plan(x)", "silu(x)", "where(x < 0, x, x - 1e-3)"]


@pytest.mark.parametrize("written", [*RISING, *TURNING])
def test_one_direction_is_proved_or_not_said(written):
    function = Function(parse(written, inline=inline_activation))
    assert function.is_monotonic == (written in RISING)
    assert function.crosses_once(0.5) == (written in [*RISING, *CROSSING])


# --- what rests on them -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "output"),
    [
        *((written, "mine") for written, low, high in PROVED if low >= 0 and high <= 1),
        ("3*exp(-(x - 70)**2) + sigmoid(x)", "sigmoid"),
        ("max(x, 0)*(1 - erf(x))", "sigmoid"),  # within, but not proved
        ("tanh(x)", "sigmoid"),
    ],
)
def test_the_output_is_the_hidden_activation_where_it_is_proved_to_be_a_probability(
    written, output
):
    assert default_output_activation(Activation("mine", written)).name == output


def test_a_value_outside_is_what_shows_that_an_output_is_no_probability():
    inside, outside = (Activation("mine", f"{factor}*max(x, 0)*(1 - erf(x))") for factor in (1, 5))
    assert outside.leaves_unit_interval
    assert not inside.leaves_unit_interval
    assert not inside.maps_into_unit_interval


def test_a_narrow_bump_is_within_reach():
    bump = Activation("mine", "3*exp(-(x - 70)**2) + sigmoid(x)")
    assert bump.out_of_reach(np.array([-0.6, 4.0, 4.4, 4.6]), 0.5).tolist() == [True, 0, 0, True]


def test_of_a_function_in_python_nothing_is_proved():
    mine = in_python("mine", lambda x: np.clip(x, 0, 1), lambda x: ((x > 0) & (x < 1)) * 1.0)
    assert (mine.range, mine.enclosure) == ((0, 1), (-inf, inf))
    assert not mine.out_of_reach(np.array([1e300]), 0.5).any()
    assert default_output_activation(mine) is mine
    assert not mine.is_monotonic
    grows = in_python("grows", np.arcsinh, lambda x: 1 / np.hypot(1, x))
    assert grows.range == (-inf, inf)
