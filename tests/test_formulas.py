"""The language of formulas: read, written, derived, cut into pieces."""

from contextlib import suppress
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from formula_oracle import BOUNDED, EXACT, FORMULAS, GROWING, PIECEWISE, exact
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from mpmath import mp

from hsig.activations import ACTIVATIONS
from hsig.activations.names import inline_activation
from hsig.formulas.derivative import differentiate_by_rules, to_polynomial
from hsig.formulas.function import KINKS, Function, split_pieces, to_clipped_line
from hsig.formulas.nodes import X, format_formula, number
from hsig.formulas.parsing import MAX_LENGTH, FormulaError, parse, parse_template
from hsig.formulas.primitives import PRIMITIVES, WORDS
from hsig.formulas.program import Evaluator, lower
from hsig.formulas.simplifying import apply

mp.dps = 40
POINTS = [-2.7, -1.3, -0.6, -0.15, 0.35, 0.8, 1.45, 2.9]  # no kink of what is drawn is there


def computed(root, x):
    return Evaluator(lower(root))(np.asarray(x, dtype=float))


# --- reading and writing ----------------------------------------------------------------------


@given(FORMULAS)
@settings(max_examples=300)
def test_a_formula_that_is_written_reads_as_the_same(root):
    written = format_formula(root)
    assume(len(written) <= MAX_LENGTH)
    try:
        again = parse(written)
    except FormulaError as problem:
        assume("at most" not in problem.message)  # too large: nothing drawn is wrong otherwise
        raise
    assert again is root


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("x", "x"),
        ("-x**2", "-x**2"),
        ("(-x)**2", "(-x)**2"),
        ("2**-x", "2**-x"),
        ("x - (1 - x)", "x - (1 - x)"),
        ("x/(2*x)", "x/(2*x)"),
        ("where(x > 0, x, 0.1*x)", "where(x > 0, x, 0.1*x)"),
        ("where(0 < x < 1, 1, 2)", "where(x > 0, where(x < 1, 1, 2), 2)"),
        ("where(x < 0 or x > 1, 1, 2)", "where(x < 0, 1, where(x > 1, 1, 2))"),
        ("where(not x != 1, x, 2)", "where(x == 1, x, 2)"),
        ("where(x >= 1 and x <= 2, 1, 0)", "where(x >= 1, where(x <= 2, 1, 0), 0)"),
        ("hard(2*x)", "clip(0.2*(2*x) + 0.5, 0, 1)"),
        ("leaky_relu(x, leak=0.3)", "where(x < 0, 0.3*x, x)"),
        ("pow(x, 3)", "x**3"),
        ("1e3*x", "1000*x"),
        ("min(x, pi)", "min(x, 3.141592653589793)"),
        ("+x", "x"),
        ("0/0 + x", "0/0 + x"),
        ("x/(-exp(x))", "-(x/exp(x))"),
        ("x + x**0", "x + 1"),
        ("2**3*x + 4**0.5 + 2**0.3", "8*x + 2 + 2**0.3"),
        (" x + 1 ", "x + 1"),
    ],
)
def test_what_is_read_is_what_is_meant(written, read):
    assert format_formula(parse(written, expand=inline_activation)) == read


@pytest.mark.parametrize(
    ("naive", "careful"),
    [
        ("log(1 + exp(x))", "softplus(x)"),
        ("log1p(exp(2*x))", "softplus(2*x)"),
        ("1/(1 + exp(-x))", "sigmoid(x)"),
        ("exp(x)/(exp(x) + 1)", "sigmoid(x)"),
        ("x/(1 + exp(-x))", "x*sigmoid(x)"),
        ("exp(x) - 1", "expm1(x)"),
        ("log(1 + x*x)", "log1p(x*x)"),
        ("log(sigmoid(x))", "-softplus(-x)"),
    ],
)
def test_what_overflows_as_it_is_written_is_computed_otherwise(naive, careful):
    assert format_formula(parse(naive)) == careful
    root = parse(naive)
    points = np.array([-800.0, -30.0, 0.5, 30.0, 300.0])
    for x, found in zip(points, computed(root, points), strict=True):
        with mp.workdps(800):
            wanted = float(mp.mpf(exact(root, x)))
        assert found == pytest.approx(wanted, rel=1e-14, abs=1e-300)


def test_the_slope_of_mish_as_it_is_printed_is_1_far_out():
    """PyTorch, JAX and SymPy give nan for x*tanh(log1p(exp(x))) at 800: 0 times infinity."""
    slope = Function(parse("x*tanh(log1p(exp(x)))"))
    x = np.array([-800.0, 800.0, 1e308])
    np.testing.assert_array_equal(slope.evaluate_slope(x), [0.0, 1.0, 1.0])


def test_parameters_are_numbers_by_name():
    assert parse("clip(slope*x + 0.5, 0, 1)", {"slope": 0.3}) is parse("clip(0.3*x + 0.5, 0, 1)")
    opened = parse_template("slope*x", ("x", "slope"))
    assert format_formula(opened) == "slope*x"


HOSTILE = [
    ("", "expected a formula"),
    ("   ", "expected a formula"),
    ("exp(x", "expected a formula, such as clip(0.2*x + 0.5, 0, 1); 1 ) missing"),
    ("exp(x))", "; 1 ( missing"),
    ("1.7 x", "; is there a * missing?"),
    ("2x", "; is there a * missing?"),
    ("x^2", "; a power is **"),
    ("x +", "expected a formula"),
    ("1if x else 2", "expected"),
    ("0777*x", "expected a formula"),
    ("__import__('os')", 'got "\'"'),
    ("__import__(x)", "unknown function '__import__'"),
    ("x.real", "expected x, numbers"),
    ("x.__class__", "expected x, numbers"),
    ("(x).y(x)", "expected x, numbers"),
    ("lambda x: x", "got ':'"),
    ("x if x else 1", "expected x, numbers"),
    ("[x]", "got '['"),
    ("x;x", "got ';'"),
    ("x, 1", "expected x, numbers"),
    ("x % 2", "got '%'"),
    ("x // 2", "expected x, numbers"),
    ("True*x", "expected a number"),
    ("1j*x", "expected a number"),
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
    ("y + 1", "unknown name 'y'"),
    ("1e999*x", "at most 1.8e308"),
    ("\u0445 + 1", "got '\\u0445'"),  # a Cyrillic letter that looks like x
    ("x\u2212 1", "got '\\u2212'"),
    ("x\n+ 1", "got '\\n'"),
    ("x\0", "got '\\x00'"),
    ("(" * 10_000 + "x" + ")" * 10_000, "at most 2000 characters"),
    ("(" * 500 + "x" + ")" * 500, "at most 100 brackets"),
    ("x" + "*x" * 1000, "at most 2000 characters"),
    ("x" + "*x" * 500, "at most 100 operations"),
    ("-" * 900 + "x", "expected"),
    ("x" * 1_000_000, "at most 2000 characters"),
    ("9" * 1900 + "*x", "expected"),
    ("where(" + "x < " * 300 + "x, 1, 2)", "at most"),
    ("mish(" * 60 + "x" + ")" * 60, "4000 characters"),
]


@pytest.mark.parametrize(("written", "complaint"), HOSTILE, ids=lambda part: part[:20])
def test_what_is_no_formula_is_refused_in_words(written, complaint):
    with pytest.raises(FormulaError) as refused:
        parse(written, expand=inline_activation)
    shown = refused.value.with_caret()
    assert complaint in shown
    assert len(max(shown.splitlines(), key=len)) < 2100


def test_a_mistake_is_shown_with_a_caret_below_the_place():
    with pytest.raises(FormulaError) as refused:
        parse("1 + 2*tnh(x)")
    assert refused.value.with_caret().splitlines()[1:] == ["    1 + 2*tnh(x)", "          ^"]


@given(st.text(max_size=40))
@example("x" * 39)
def test_any_text_is_a_formula_or_is_refused(written):
    with suppress(FormulaError):
        root = parse(written, expand=inline_activation)
        assert parse(format_formula(root)) is root


# --- primitives -------------------------------------------------------------------------------


def test_every_primitive_has_an_oracle_and_those_with_words_are_offered():
    assert set(EXACT) == set(PRIMITIVES)
    assert set(WORDS) >= {
        *("abs", "sign", "sqrt", "exp", "expm1", "log", "log1p", "tanh", "sinh", "cosh", "asinh"),
        *("atan", "sin", "cos", "erf", "sigmoid", "softplus", "min", "max", "clip", "floor"),
    }


# operands that put each primitive where its slope is none of 0 and 1
OPERANDS = {
    "power": ["exp(0.3*x)", "x + 0.7"],
    "divide": ["sin(x)", "2 + cos(x)"],
    "clip": ["2*x", "0.1*x - 0.9", "0.2*x + 1.1"],
    "sqrt": ["x*x + 0.3"],
    "log": ["x*x + 0.3"],
    "log1p": ["x*x + 0.3"],
}


@pytest.mark.parametrize("name", PRIMITIVES)
def test_the_derivative_of_each_primitive_is_its_derivative(name):
    """Of operands that all depend on x, against mpmath's numeric derivative of 40 digits."""
    made = ["sin(x)", "atan(x)", "cosh(x)", "x + 2"][: PRIMITIVES[name].operands]
    operands = [parse(one) for one in OPERANDS.get(name, made)]
    root = apply(name, *operands)
    slope = computed(differentiate_by_rules(root), np.array(POINTS))
    wanted = [float(mp.diff(lambda t: exact(root, t), mp.mpf(x))) for x in POINTS]
    np.testing.assert_allclose(slope, wanted, rtol=1e-12, atol=1e-13)
    if name not in ("sign", "floor", "where_equal"):
        assert np.abs(slope).max() > 0.1


@pytest.mark.parametrize("name", PRIMITIVES)
def test_the_value_of_each_primitive_is_its_own(name):
    made = ["x", "0.4 - x", "x*x", "exp(x)"][: PRIMITIVES[name].operands]
    root = apply(name, *(parse(one) for one in OPERANDS.get(name, made)))
    found = computed(root, np.array(POINTS))
    for x, value in zip(POINTS, found, strict=True):
        if mp.im(exact(root, x)) == 0:
            assert value == pytest.approx(float(mp.re(exact(root, x))), rel=2e-15, abs=1e-15)


def test_0_times_infinity_is_0_and_nan_stays():
    root = parse("x*exp(-x*x)")
    found = computed(root, np.array([np.inf, -np.inf, np.nan]))
    np.testing.assert_array_equal(found, [0.0, 0.0, np.nan])


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
        # where the point at which a comparison turns is not looked for, the rule itself decides
        ("max(sin(x), 0)", 0, 0),
        ("max(0, sin(x))", 0, 1),
        ("min(sin(x), 0)", 0, 0),
        ("clip(sin(x), 0, 1)", 0, 1),
        ("clip(1 + sin(x), 0, 1)", 0, 1),
        ("abs(sin(x))", 0, 0),
        ("where(sin(x) < 0, x, 2*x)", 0, 2),
        ("where(sin(x) <= 0, x, 2*x)", 0, 1),
        ("where(sin(x) == 0, 3*x, x)", 0, 3),
    ],
)
def test_the_slope_at_a_kink_is_that_of_the_rule(written, x, slope):
    function = Function(parse(written))
    at = np.array([float(x)])
    assert function.evaluate_slope(at)[0] == slope


@pytest.mark.parametrize(
    ("kink", "left", "right"),
    [
        ("own", 0.2, 0.2),
        ("open", 0.0, 0.0),
        ("closed", 0.2, 0.2),
        ("left", 0.0, 0.2),
        ("right", 0.2, 0.0),
        ("mean", 0.1, 0.1),
        ("sum", 0.2, 0.2),
    ],
)
def test_the_slope_at_a_kink_can_be_chosen(kink, left, right):
    assert kink in KINKS
    function = Function(parse("clip(0.2*x + 0.5, 0, 1)"), kink)
    x = np.array([-2.5, 2.5, np.nextafter(-2.5, 0), np.nextafter(2.5, 3)])
    np.testing.assert_array_equal(function.evaluate_slope(x), [left, right, 0.2, 0.0])


# --- the derivative of anything ---------------------------------------------------------------


@given(FORMULAS, st.floats(-3.0, 3.0))
@settings(max_examples=300, deadline=None)
def test_the_derivative_is_mpmaths_and_that_of_small_steps(root, x):
    x = round(x, 3) + 1e-4 * np.pi  # beside what is written in quarters
    function = Function(root)
    at = np.array([x])
    found = float(function.evaluate_slope(at)[0])
    with mp.workdps(60):
        value, steps = (
            exact(root, x),
            [exact(root, x + h) for h in (mp.mpf("1e-9"), -mp.mpf("1e-9"))],
        )
        assume(abs(value) < 1e6)
        wanted = (steps[0] - steps[1]) / mp.mpf("2e-9")
        left, right = (abs(s - value) / mp.mpf("1e-9") for s in steps)
        assume(abs(wanted) < 1e6)
        assume(abs(left - right) < 1e-3)  # no kink between
        assume(all(abs(part) < 1e8 for part in _parts(root, x)))
    assert found == pytest.approx(float(wanted), rel=1e-5, abs=1e-5)


def _parts(root, x):
    """The values of all that a formula is made of: where one is huge, its digits are lost."""
    from hsig.formulas.nodes import walk

    return [exact(one, x) for one in walk(root)]


@pytest.mark.parametrize(
    "written",
    ["x**5/(1 + x**4)", "x**2.5", "x**0.5", "x**-3", "clip(x, -inf, 2)", "(x + 1)/(2 - x)", "2**x"],
)
def test_the_derivative_of_some_that_take_a_way_of_their_own(written):
    root = parse(written)
    function = Function(root)
    x = np.array([0.3, 1.2, 3.7])
    wanted = [float(mp.diff(lambda t: exact(root, t), mp.mpf(float(one)))) for one in x]
    np.testing.assert_allclose(function.evaluate_slope(x), wanted, rtol=1e-12)


def test_what_is_divided_by_0_has_a_derivative_that_is_no_number():
    assert np.isnan(Function(parse("x/0")).evaluate_slope(np.ones(1))[0])


# --- pieces -----------------------------------------------------------------------------------


@given(PIECEWISE)
@settings(max_examples=300, deadline=None)
def test_the_pieces_of_lines_are_those_that_are_found_by_force(root):
    """On a grid that is finer than what is drawn in quarters and their quotients."""
    found = split_pieces(root)
    grid = [Fraction(n, 1) / 7919 for n in range(-40_000, 40_000, 397)]
    for x in grid:
        wanted = _exact_fraction(root, x)
        (here,) = [p for p in found if _holds(p, x)] or [None]
        assert here is not None
        line = to_polynomial(here.formula)
        assert line is not None
        assert len(line) <= 2
        assert sum(c * x**k for k, c in enumerate(line)) == wanted
    assert [p.start for p in found[1:]] == [p.stop for p in found[:-1]]
    for one, other in pairwise(found):
        assert to_polynomial(one.formula) != to_polynomial(other.formula)


def _holds(piece, x):
    return piece.start < x < piece.stop or (piece.is_point and piece.start == x)


def _exact_fraction(root, x):
    from hsig.formulas.nodes import walk

    found = {}
    for one in walk(root):
        if one is X:
            found[one] = x
        elif one.operation == "number":
            found[one] = Fraction(one.number)
        else:
            found[one] = EXACT[one.operation](*(found[operand] for operand in one.operands))
    return found[root]


@pytest.mark.parametrize(
    ("written", "lines"),
    [
        ("clip(0.2*x + 0.5, 0, 1)", [(-np.inf, -2.5, 0), (-2.5, 2.5, 0.2), (2.5, np.inf, 0)]),
        ("where(x*x < 4, x, 0)", [(-np.inf, -2, 0), (-2, 2, 1), (2, np.inf, 0)]),
        ("where(x > 0, x, exp(x) - 1)", [(0, np.inf, 1)]),
        ("x*clip(x/6 + 0.5, 0, 1)", [(-np.inf, -3, 0), (3, np.inf, 1)]),
        ("(x + 1)**2 - x*x", [(-np.inf, np.inf, 2)]),
        ("where(x < inf, 2*x, 1)", [(-np.inf, np.inf, 2)]),
        ("clip(2*x, -inf, 1)", [(-np.inf, 0.5, 2), (0.5, np.inf, 0)]),
        ("max(x, -inf)", [(-np.inf, np.inf, 1)]),
        # 0.1 is not 1/10: two points, and one double for both
        ("where(x < 0.1, 0, where(10*x < 1, 5, x))", [(-np.inf, 0.1, 0), (0.1, np.inf, 1)]),
        ("abs(abs(x) - 1)", [(-np.inf, -1, -1), (-1, 0, 1), (0, 1, -1), (1, np.inf, 1)]),
        ("x*sigmoid(x)", []),
        ("max(sin(x), 0)", []),
    ],
)
def test_the_lines_of_a_formula_by_hand(written, lines):
    found = Function(parse(written)).linear_pieces
    assert [(p.start, p.stop, p.slope) for p in found] == lines


@pytest.mark.parametrize("written", ["x*1e308*10", "1e308*x*x", "where(1e300*x > 1e-300, x, 0)"])
def test_numbers_beyond_doubles_are_no_polynomial_and_no_mistake(written):
    function = Function(parse(written))
    x = np.array([-1e-3, 1e-3])
    assert not np.isnan(function.evaluate_slope(x)).any()


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("clip(0.3*x + 0.5, 0, 1)", (0.3, 0.5, 0, 1, 0)),
        ("max(x, 0)", (1, 0, 0, np.inf, 0)),
        ("min(0.5*x, 1)", (0.5, 0, -np.inf, 1, 0)),
        ("where(x < 0, 0.1*x, x)", (1, 0, 0, np.inf, 0.1)),
        ("2 - x", (-1, 2, -np.inf, np.inf, 0)),
        ("where(x < 2*x, x, 1)", None),
        ("where(1 < x, 2, x)", None),
        ("clip((x + 3)/6, 0, 1)", None),  # has other bits
        ("abs(x)", None),
        ("clip(x, 0, x*x)", None),
        ("tanh(x)", None),
    ],
)
def test_what_is_a_clipped_line(written, line):
    found = to_clipped_line(Function(parse(written)))
    assert (found and found[:5]) == line


def test_a_slope_between_those_of_both_sides_is_no_clipped_lines():
    assert to_clipped_line(Function(parse("clip(x, 0, 1)"), "mean")) is None


@pytest.mark.parametrize(
    ("written", "known"), [("clip(x, 0, 1)", True), ("floor(x)", False), ("max(sin(x), 0)", False)]
)
def test_whether_all_kinks_are_known_is_known(written, known):
    assert Function(parse(written)).breakpoints_are_complete is known


def test_a_formula_of_too_many_pieces_is_left_whole():
    root = X
    for n in range(12):
        root = apply("absolute", apply("subtract", root, number(2.0 ** (10 - n))))
    assert len(split_pieces(root)) == 1
    function = Function(root)
    x = np.array([0.3, 700.2])
    np.testing.assert_array_equal(np.abs(function.evaluate_slope(x)), 1.0)


# --- range ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "low", "high"),
    [
        ("log(x*x + 1)", 0, np.inf),
        ("asinh(x)", -np.inf, np.inf),
        ("exp(-x*x)", 0, 1),
        ("atan(x)", -np.pi / 2, np.pi / 2),
        ("x*exp(-x)", -np.inf, np.exp(-1.0)),
        ("sin(x)/(1 + x*x)", -0.437414, 0.437414),  # mpmath's findroot of the slope
        ("where(x > 0.3, 1, 0)", 0, 1),
        ("2*sigmoid(x) - 1", -1, 1),
    ],
)
def test_the_range_is_found(written, low, high):
    assert Function(parse(written)).range == pytest.approx((low, high), rel=2e-4, abs=1e-12)


@pytest.mark.parametrize("name", [*BOUNDED, *GROWING])
def test_functions_that_formulas_call_keep_nan(name):
    function = Function(apply(name, X))
    assert np.isnan(function.evaluate(np.array([np.nan])))[0]


@pytest.mark.parametrize(
    "name", ["where(x > 0, 1, 0)", "where(x < 0, x, 3)", "floor(x)", "sign(x)"]
)
def test_a_choice_keeps_nan(name):
    assert np.isnan(Function(parse(name)).evaluate(np.array([np.nan])))[0]


def test_every_row_of_the_table_reads_back_as_it_is_written():
    for row in ACTIVATIONS.values():
        for root in (row.function.value, row.function.slope):
            assert parse(format_formula(root)) is root
