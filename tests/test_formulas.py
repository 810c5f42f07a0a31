"""The language of formulas: parsed, printed, differentiated, cut into pieces, and their range."""

from contextlib import suppress
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from formula_oracle import (
    BOUNDED,
    EXACT,
    FORMULAS,
    GROWING,
    PIECEWISE,
    exact,
)
from hypothesis import assume, example, given
from hypothesis import strategies as st
from mpmath import mp

from hsig.activations import ACTIVATIONS
from hsig.activations.names import all_aliases, inline_activation
from hsig.formulas.derivative import differentiate_by_rules, to_polynomial
from hsig.formulas.function import KINKS, Function, split_pieces
from hsig.formulas.nodes import X, format_formula, walk
from hsig.formulas.parsing import MAX_LENGTH, FormulaError, parse, parse_template
from hsig.formulas.primitives import PRIMITIVES
from hsig.formulas.program import Evaluator, lower
from hsig.formulas.simplifying import apply

mp.dps = 40
POINTS = [-2.7, -1.3, -0.6, -0.15, 0.35, 0.8, 1.45, 2.9]  # no kink of what is drawn is there


def evaluate(root, x):
    return Evaluator(lower(root))(np.asarray(x, dtype=float))


def read(text):
    return parse(text, inline=inline_activation)


# --- parsing and printing ---------------------------------------------------------------------


@given(FORMULAS)
def test_a_printed_formula_is_parsed_as_the_same(root):
    text = format_formula(root)
    assume(len(text) <= MAX_LENGTH)
    try:
        again = parse(text)
    except FormulaError as problem:
        assume("at most" not in problem.message)  # too large: nothing drawn is wrong otherwise
        raise
    assert again is root


def test_the_table_is_parsed_as_it_is_printed():
    for row in ACTIVATIONS.values():
        for root in (row.function.value, row.function.slope):
            assert parse(format_formula(root)) is root


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("-x**2", "-x**2"),
        ("(-x)**2", "(-x)**2"),
        ("2**-x", "2**-x"),
        ("where(0 < x < 1, 1, 2)", "where(x > 0, where(x < 1, 1, 2), 2)"),
        ("where(x < 0 or x > 1, 1, 2)", "where(x < 0, 1, where(x > 1, 1, 2))"),
        ("where(not x != 1, x, 2)", "where(x == 1, x, 2)"),
        ("where(x >= 1 and x <= 2, 1, 0)", "where(x >= 1, where(x <= 2, 1, 0), 0)"),
        ("hard(2*x)", "clip(0.2*(2*x) + 0.5, 0, 1)"),
        ("leaky_relu(x, leak=0.3)", "where(x > 0, x, 0.3*x)"),
        ("softplus(2*x, beta=3)", "softplus(3*(2*x))/3"),
        ("soft_shrink(x, bound=-1)", "where(x == 0, x, where(x > 0, x + 1, x - 1))"),
        ("pow(x, 3)", "x**3"),
        (" 1e3*+x ", "1000*x"),
        ("where(1 < 2, x, 3)", "x"),
        ("x/(-exp(x))", "-(x/exp(x))"),
        ("x + x**0", "x + 1"),
        ("2**3*x + 4**0.5 + 2**0.3", "8*x + 2 + 2**0.3"),
    ],
)
def test_a_formula_means(written, meant):
    assert format_formula(read(written)) == meant


@pytest.mark.parametrize(
    ("naive", "careful"),
    [
        ("log(1 + exp(x))", "softplus(x)"),
        ("1/(1 + exp(-x))", "sigmoid(x)"),
        ("exp(x)/(exp(x) + 1)", "sigmoid(x)"),
        ("exp(x) - 1", "expm1(x)"),
        ("log(sigmoid(x))", "-softplus(-x)"),
    ],
)
def test_a_formula_that_overflows_or_cancels_is_computed_with_care(naive, careful):
    root = parse(naive)
    assert format_formula(root) == careful
    points = np.array([-800.0, -30.0, 0.5, 30.0, 300.0])
    with mp.workdps(800):
        wanted = [float(exact(root, x)) for x in points]
    np.testing.assert_allclose(evaluate(root, points), wanted, rtol=1e-14, atol=1e-300)


def test_the_slope_of_mish_is_1_far_out():
    """PyTorch, JAX and SymPy give nan for x*tanh(log1p(exp(x))) at 800: 0 times infinity."""
    slope = Function(parse("x*tanh(log1p(exp(x)))")).evaluate_slope(np.array([-800.0, 800, 1e308]))
    np.testing.assert_array_equal(slope, [0.0, 1.0, 1.0])


def test_parameters_are_numbers_or_stay_open():
    assert parse("clip(slope*x + 0.5, 0, 1)", {"slope": 0.3}) is parse("clip(0.3*x + 0.5, 0, 1)")
    assert format_formula(parse_template("slope*x", ("x", "slope"))) == "slope*x"


REFUSED = [
    ("", "expected a formula"),
    ("exp(x", "1 ) missing"),
    ("1.7 x", "is there a * missing?"),
    ("2x", "is there a * missing?"),
    ("x^2", "a power is **"),
    ("1if x else 2", "expected"),
    ("0777*x", "expected a formula"),
    ("__import__('os')", 'got "\'"'),
    ("(x).y(x)", "expected x, numbers"),
    ("x if x else 1", "expected x, numbers"),
    ("[x]", "got '['"),
    ("x // 2", "expected x, numbers"),
    ("True*x", "expected a number"),
    ("x < 1", "a comparison goes within where()"),
    ("where(x, 1, 2)", "expected a comparison"),
    ("where(x is 1, 1, 2)", "expected a comparison"),
    ("where(x > 0, 1)", "expected 3 values in where(), got 2"),
    ("exp(x, 1)", "expected 1 value in exp(), got 2"),
    ("exp(u=x)", "expected exp() without names"),
    ("exp(*x)", "expected x, numbers"),
    ("exp", "expected exp(...)"),
    ("hard", "unknown name 'hard'"),
    ("hard(x, slop=1)", "hard has no parameter slop"),
    ("hard(x, slope=x)", "expected settings such as"),
    ("hard(x, **x)", "expected settings such as"),
    ("hard()", "expected 1 value in hard(), got 0"),
    ("x*tnh(x)", "Did you mean 'tanh'?"),
    ("1e999*x", "at most 1.8e308"),
    ("\u0445 + 1", "got '\\u0445'"),  # a Cyrillic letter that looks like x
    ("x\n+ 1", "got '\\n'"),
    ("x\0", "got '\\x00'"),
    ("x" * 1_000_000, "at most 4000 characters"),
    ("(" * 500 + "x" + ")" * 500, "at most 100 brackets"),
    ("x" + "*x" * 500, "at most 100 operations"),
    ("-" * 900 + "x", "expected"),
    (f"where({' and '.join(f'x < {n}' for n in range(100))}, x, 0)", "at most 100 operations"),
    # coefficients, and what folding makes of them
    ("tanh(x)*inf/inf", "expected finite coefficients, got tanh(x)*inf"),
    ("9**9**9**9*x", "expected finite coefficients, got 9**387420489.0"),
    ("exp(1000)*x", "got exp(1000)"),
    ("sqrt(-1) + x", "got sqrt(-1)"),
    ("x/(1 - 1)", "got x/0"),
    ("snake(x, a=0)", "got 0/0"),
    ("9" * 1900 + "*x", "expected"),
    ("where(" + "x < " * 300 + "x, 1, 2)", "at most"),
    ("mish(" * 60 + "x" + ")" * 60, "4000 characters"),
]


@pytest.mark.parametrize(("written", "complaint"), REFUSED, ids=lambda part: part[:20])
def test_anything_else_is_refused_with_what_would_be_right(written, complaint):
    with pytest.raises(FormulaError) as refused:
        read(written)
    message = refused.value.with_caret()
    assert complaint in message
    assert max(map(len, message.splitlines())) < 2100


def test_a_caret_stands_below_the_mistake():
    with pytest.raises(FormulaError) as refused:
        parse("1 + 2*tnh(x)")
    assert refused.value.with_caret().splitlines()[1:] == ["    1 + 2*tnh(x)", "          ^"]


@given(st.text(max_size=40))
@example("x" * 39)
def test_any_text_is_a_formula_or_refused(written):
    with suppress(FormulaError):
        root = read(written)
        assert parse(format_formula(root)) is root


# --- primitives -------------------------------------------------------------------------------

# operands that put each primitive where its slope is none of 0 and 1
OPERANDS = {
    "power": ["exp(0.3*x)", "x + 0.7"],
    "divide": ["sin(x)", "2 + cos(x)"],
    "clip": ["2*x", "0.1*x - 0.9", "0.2*x + 1.1"],
    "sqrt": ["x*x + 0.3"],
    "log": ["x*x + 0.3"],
    "log1p": ["x*x + 0.3"],
}


@pytest.mark.parametrize("name", EXACT)
def test_a_primitive_has_its_value_and_derivative(name):
    """Of operands that all depend on x, against mpmath's own with 40 digits."""
    operands = ["sin(x)", "atan(x)", "cosh(x)", "x + 2"][: PRIMITIVES[name].operands]
    root = apply(name, *map(parse, OPERANDS.get(name, operands)))
    values = [float(exact(root, x)) for x in POINTS]
    np.testing.assert_allclose(evaluate(root, POINTS), values, rtol=2e-15, atol=1e-15)
    slopes = evaluate(differentiate_by_rules(root), POINTS)
    wanted = [float(mp.diff(lambda t: exact(root, t), mp.mpf(x))) for x in POINTS]
    np.testing.assert_allclose(slopes, wanted, rtol=1e-12, atol=1e-13)
    if name not in ("sign", "floor", "where_equal"):
        assert np.abs(slopes).max() > 0.1


def test_every_primitive_has_an_oracle():
    assert set(EXACT) == set(PRIMITIVES)


def test_0_times_infinity_is_0_and_nan_stays():
    values = evaluate(parse("x*exp(-x*x)"), [np.inf, -np.inf, np.nan])
    np.testing.assert_array_equal(values, [0.0, 0.0, np.nan])


def test_functions_and_choices_keep_nan():
    roots = [apply(name, X) for name in (*BOUNDED, *GROWING)]
    roots += map(parse, ["where(x > 0, 1, 0)", "where(x < 0, x, 3)", "floor(x)"])
    for root in roots:
        assert np.isnan(Function(root).evaluate(np.array([np.nan])))[0], format_formula(root)


# --- slopes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "x", "slope"),
    [
        ("max(x, 0)", 0, 0),  # as every framework's relu
        ("max(0, x)", 0, 1),
        ("min(x, 1)", 1, 0),
        ("clip(x, -1, 1)", -1, 1),
        ("clip(x, -1, 1)", 1, 1),
        ("abs(x)", 0, 0),
        ("where(x > 0, x, 0.1*x)", 0, 0.1),
        ("where(x >= 0, x, 0.1*x)", 0, 1),
        ("sign(x)*x", 0, 0),
        # the point at which these turn is not computed: the rule itself decides
        ("max(sin(x), 0)", 0, 0),
        ("clip(sin(x), 0, 1)", 0, 1),
        ("abs(sin(x))", 0, 0),
        ("where(sin(x) < 0, x, 2*x)", 0, 2),
        ("where(sin(x) == 0, 3*x, x)", 0, 3),
        # the branch that is taken, whatever the other one is there
        ("where(x == 0, 1, sin(x)/x)", 0, 0),
        ("2*where(x == 1, 3*x, x/(x - 1))", 1, 6),
        ("where(x == 1, 3, x**2)", 1, 0),
        ("where(x**3 == 0, x, log(x))", 0, 1),
        # but the derivative where there is one
        ("where(x == 1, 1, x**2)", 1, 2),
        ("sign(x)*where(abs(x) < 9, x**2 + abs(x), 0)", 0, 1),
    ],
)
def test_the_slope_at_a_kink_is_that_of_the_rule(written, x, slope):
    assert Function(parse(written)).evaluate_slope(np.array([float(x)]))[0] == slope


SIDES = {"own": (0.2, 0.2), "open": (0.0, 0.0), "closed": (0.2, 0.2), "left": (0.0, 0.2)}
SIDES |= {"right": (0.2, 0.0), "mean": (0.1, 0.1), "sum": (0.2, 0.2)}


@pytest.mark.parametrize("kink", KINKS)
def test_the_slope_at_a_kink_can_be_chosen(kink):
    function = Function(parse("clip(0.2*x + 0.5, 0, 1)"), kink)
    x = np.array([-2.5, 2.5, np.nextafter(-2.5, 0), np.nextafter(2.5, 3)])
    np.testing.assert_array_equal(function.evaluate_slope(x), [*SIDES[kink], 0.2, 0.0])


@given(FORMULAS, st.floats(-3.0, 3.0))
def test_the_derivative_is_that_of_small_steps(root, x):
    x = round(x, 3) + 1e-4 * np.pi  # not at a kink: drawn numbers are quarters
    found = float(Function(root).evaluate_slope(np.array([x]))[0])
    with mp.workdps(60):
        step = mp.mpf("1e-9")
        before, value, after = (exact(root, x + k * step) for k in (-1, 0, 1))
        wanted, left, right = ((after - before) / 2, abs(value - before), abs(after - value))
        assume(abs(value) < 1e6)
        assume(abs(wanted / step) < 1e6)
        assume(abs(left - right) / step < 1e-3)  # no kink between
        assume(all(abs(exact(part, x)) < 1e8 for part in walk(root)))  # else digits are lost
    assert found == pytest.approx(float(wanted / step), rel=1e-5, abs=1e-5)


# --- pieces -----------------------------------------------------------------------------------


@given(PIECEWISE)
def test_pieces_of_lines_are_those_that_are_found_by_force(root):
    """On a grid of fractions that are no ends of what is drawn in quarters."""
    pieces = split_pieces(root)
    for x in [Fraction(n, 7919) for n in range(-40_000, 40_000, 1993)]:
        (here,) = (p for p in pieces if p.start < x < p.stop)
        line = to_polynomial(here.formula)
        assert len(line) <= 2
        assert sum(c * x**k for k, c in enumerate(line)) == exact(root, x, Fraction)
    for piece, following in pairwise(pieces):
        assert piece.stop == following.start
        assert to_polynomial(piece.formula) != to_polynomial(following.formula)


@pytest.mark.parametrize(
    ("written", "lines"),
    [
        ("clip(0.2*x + 0.5, 0, 1)", [(-np.inf, -2.5, 0), (-2.5, 2.5, 0.2), (2.5, np.inf, 0)]),
        ("where(x*x < 4, x, 0)", [(-np.inf, -2, 0), (-2, 2, 1), (2, np.inf, 0)]),
        ("where(x > 0, x, exp(x) - 1)", [(0, np.inf, 1)]),
        ("x*clip(x/6 + 0.5, 0, 1)", [(-np.inf, -3, 0), (3, np.inf, 1)]),
        ("(x + 1)**2 - x*x", [(-np.inf, np.inf, 2)]),
        ("clip(2*x, -inf, 1)", [(-np.inf, 0.5, 2), (0.5, np.inf, 0)]),
        # as NumPy's: the minimum of the maximum with the lower end, and the upper
        ("clip(x, 0.2*x + 0.5, x)", [(-np.inf, np.inf, 1)]),
        ("clip(x, 1 - x, x - 1)", [(-np.inf, np.inf, 1)]),
        # 0.1 is not 1/10: two points, and one double for both
        ("where(x < 0.1, 0, where(10*x < 1, 5, x))", [(-np.inf, 0.1, 0), (0.1, np.inf, 1)]),
        ("abs(abs(x) - 1)", [(-np.inf, -1, -1), (-1, 0, 1), (0, 1, -1), (1, np.inf, 1)]),
        ("x*sigmoid(x)", []),
        ("max(sin(x), 0)", []),
    ],
)
def test_the_lines_of_a_formula(written, lines):
    pieces = Function(parse(written)).linear_pieces
    assert [(p.start, p.stop, p.slope) for p in pieces] == lines


@pytest.mark.parametrize("written", ["x*1e308*10", "1e308*x*x", "where(1e300*x > 1e-300, x, 0)"])
def test_numbers_beyond_doubles_are_no_mistake(written):
    slopes = Function(parse(written)).evaluate_slope(np.array([-1e-3, 1e-3]))
    assert not np.isnan(slopes).any()


def test_the_slope_at_a_kink_of_a_framework_can_be_written_as_a_formula():
    for name, meant in all_aliases().items():
        function = meant.function
        by_rule = Function(function.with_kinks_by_rule)
        kinks = np.array([point.x for point in function.breaks])
        # keras.tf.celu has a slope of 2 where it is smooth: no formula has
        if meant.kink != "sum":
            slopes = function.evaluate_slope(kinks)
            np.testing.assert_array_equal(by_rule.evaluate_slope(kinks), slopes, err_msg=name)
            np.testing.assert_allclose(
                by_rule.evaluate(kinks), function.evaluate(kinks), rtol=1e-15, err_msg=name
            )


def test_an_activation_by_its_name_in_a_formula_is_that_activation():
    """At its kinks and beside them, bit for bit: so that both train alike."""
    for name, row in ACTIVATIONS.items():
        by_name = Function(read(f"{name}(x)"))
        assert by_name.slope is row.function.slope, name
        kinks = np.array([0.0, *row.function.breakpoints])
        x = np.concatenate([kinks, np.nextafter(kinks, -np.inf), np.nextafter(kinks, np.inf)])
        np.testing.assert_array_equal(by_name.evaluate(x), row.value(x), err_msg=name)
        doubled = Function(read(f"3 - {name}(2*x)")).evaluate_slope(kinks / 2.0)
        np.testing.assert_array_equal(doubled, -2.0 * row.derivative(kinks), err_msg=name)
        if by_name.value is not row.function.value:
            undefined = Function(read(f"{name}(log(x))")).evaluate(np.array([-1.0]))
            assert np.isnan(undefined)[0], name


def test_the_work_on_pieces_is_bounded(monkeypatch):
    calls = []

    def count(*operands):
        calls.append(operands)
        return apply(operands[0].operation, *operands[1]) if operands[1] else operands[0]

    monkeypatch.setattr("hsig.formulas.function.rebuild", count)
    whole = {90: True, 30: False}
    for count_of_kinks, is_whole in whole.items():
        pieces = split_pieces(parse("+".join(f"abs(x-{n}.1)" for n in range(count_of_kinks))))
        assert (len(pieces) == 1) is is_whole
    assert len(calls) < 40_000
    curved = parse(f"tanh({'+'.join(f'abs(x-{n}.1)' for n in range(30))})")
    assert len(split_pieces(curved)) == 1  # else 31 formulas of 90 parts each


def test_a_coefficient_of_a_slope_is_folded_only_within_doubles():
    """1e-200*1e-200 is no double; the slope is, where x is large enough."""
    for written, x, slope in [
        ("1e-200*x*(1e-200*x)", 1e200, 2e-200),
        ("tanh(1e-200*(1e-200*x))*1e300", 1e300, 1e-100),
        ("sin(1e200*(1e200*x))", 0.0, np.inf),
        ("1e200*(1e200*sin(x*1e-250))", 0.0, 1e150),
    ]:
        found = Function(parse(written)).evaluate_slope(np.array([x]))[0]
        assert found == pytest.approx(slope, rel=1e-12)
