"""The table of activations: values, slopes, pieces and names, against what others say of them."""

import pickle

import numpy as np
import pytest
from golden_data import load_golden
from hypothesis import given
from hypothesis import strategies as st
from scalar_reference import FUNCTIONS

from hsig.activations import ACTIVATIONS
from hsig.activations.in_python import in_python
from hsig.activations.names import (
    FORMULAS,
    aliases_of,
    all_aliases,
    find_activations,
    select_activations,
    to_text,
)
from hsig.config.loading import load_activation
from hsig.errors import RunError

ULP = 2.3e-16  # relative, one unit in the last place
RANDOM = np.random.Generator(np.random.PCG64(2026))
X = np.concatenate([RANDOM.uniform(-50, 50, 500), RANDOM.normal(size=500), [0.0, 5e-4, -5e-4]])
each_activation = pytest.mark.parametrize("name", ACTIVATIONS)


def at(x, *, name="hard", of="value"):
    return float(getattr(ACTIVATIONS[name], of)(np.array([x]))[0])


# --- golden data: Theano and its successors ---------------------------------------------------


@pytest.mark.parametrize(
    ("theano", "name"), [("hard_sigmoid", "hard"), ("ultra_fast_sigmoid", "ultra_fast")]
)
def test_value_is_theanos_to_one_ulp_of_what_is_added(theano, name):
    golden = load_golden("activations_theano")
    x, expected = golden["x"], golden[theano]
    known = ~np.isnan(x)  # Theano's ultra_fast_sigmoid(nan) is a number
    actual = ACTIVATIONS[name].value(x)
    # Theano's C code fuses multiply and add: half an ulp of the 1/2 that is added, near 0
    np.testing.assert_allclose(actual[known], expected[known], rtol=ULP, atol=ULP / 4)
    assert np.isnan(actual[~known]).all()


def test_sigmoid_is_theanos_where_theano_does_not_cut_it_off():
    golden = load_golden("activations_theano")
    x, sigmoid = golden["x"], ACTIVATIONS["sigmoid"]
    kept = ~(x > 19) & ~(x < -709)  # Theano gives exactly 1 and exactly 0 beyond
    values, slopes = sigmoid.value(x), sigmoid.derivative(x)
    np.testing.assert_allclose(values[kept], golden["sigmoid"][kept], rtol=2 * ULP, atol=0)
    np.testing.assert_allclose(values, golden["sigmoid"], rtol=0, atol=6e-9)  # exp(-19)
    # y * (1 - y): the rounding of 1 - y is an absolute error of half an ulp of 1
    expected = golden["sigmoid_derivative"][kept]
    np.testing.assert_allclose(slopes[kept], expected, rtol=3 * ULP, atol=ULP / 2)


def test_hard_derivative_is_theanos_but_for_its_rounding_at_the_left_kink():
    golden = load_golden("activations_theano")
    x = golden["x"]
    kept = ~np.isnan(x) & (x != -2.5)  # Theano's fused code has 0 there, its graph 0.2
    actual = ACTIVATIONS["hard"].derivative(x)
    np.testing.assert_array_equal(actual[kept], golden["hard_sigmoid_derivative"][kept])


@pytest.mark.parametrize("framework", ["torch", "jax", "keras3_on_jax"])
def test_hard_torch_is_what_the_successors_compute_kinks_included(framework):
    golden = load_golden("activations_frameworks")
    x, hard = golden["x"], ACTIVATIONS["hard_torch"]
    # (x + 3)/6 and x/6 + 1/2 differ by rounding just above -3
    np.testing.assert_allclose(hard.value(x), golden[framework], rtol=0, atol=ULP)
    kept = ~np.isnan(x)
    if framework != "torch":
        kept &= x != np.nextafter(3.0, 0.0)  # JAX rounds this one to 3
    # PyTorch's slope in double precision is 1/6 in single precision
    rtol = 3e-8 if framework == "torch" else ULP
    expected = golden[f"{framework}_derivative"][kept]
    np.testing.assert_allclose(hard.derivative(x)[kept], expected, rtol=rtol, atol=0)


def test_hard_is_pytorchs_clamp_kinks_included():
    golden = load_golden("activations_frameworks")
    x, hard = golden["x"], ACTIVATIONS["hard"]
    # PyTorch tests the rounded line, which just above 2.5 is 1
    kept = ~np.isnan(x) & (x != np.nextafter(2.5, 3))
    np.testing.assert_allclose(hard.value(x), golden["torch_clamp_0.2"], rtol=ULP, atol=ULP / 4)
    expected = golden["torch_clamp_0.2_derivative"][kept]
    np.testing.assert_array_equal(hard.derivative(x)[kept], expected)


# --- every activation -------------------------------------------------------------------------


@pytest.mark.parametrize("name", FUNCTIONS)
def test_value_and_derivative_match_the_scalar_definition(name):
    value, derivative = FUNCTIONS[name]
    expected = [(value(x), derivative(x)) for x in X.tolist()]
    values, slopes = np.array(expected).T
    activation = ACTIVATIONS[name]
    np.testing.assert_allclose(activation.value(X), values, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(activation.derivative(X), slopes, rtol=1e-12, atol=2e-15)


@each_activation
def test_first_and_second_derivative_match_central_differences(name):
    activation = ACTIVATIONS[name]
    pairs = [(activation.value, activation.derivative, 1e-6)]
    pairs += [(activation.derivative, activation.second_derivative, 1e-5)]
    for function, derivative, step in pairs:
        x = np.arange(-8.03, 8.05, 0.0777)
        for kink in activation.function.breakpoints:
            x = x[np.abs(x - kink) > step]
        difference = (function(x + step) - function(x - step)) / (2 * step)
        np.testing.assert_allclose(derivative(x), difference, rtol=2e-9, atol=2e-9)


LIMITS = {  # value and derivative at -inf and at inf
    **dict.fromkeys(["sigmoid", "hard", "hard_torch", "hard_taylor", "hard_binary"], (0, 0, 1, 0)),
    **dict.fromkeys(["tanh", "hard_tanh"], (-1, 0, 1, 0)),
    **dict.fromkeys(["relu", "softplus", "silu", "hard_silu", "gelu_tanh"], (0, 0, np.inf, 1)),
    "ultra_fast": ((1 - 0.99505475368673) / 2, 0, (1 + 0.99505475368673) / 2, 0),
    "leaky_hard": (-np.inf, 0.002, np.inf, 0.002),
    "leaky_relu": (-np.inf, 0.01, np.inf, 1),
    "elu": (-1, 0, np.inf, 1),
    "identity": (-np.inf, 1, np.inf, 1),
}


@pytest.mark.parametrize("name", LIMITS)
def test_infinite_and_huge_arguments_give_the_limits(name):
    found = [at(x, name=name, of=of) for x in (-np.inf, np.inf) for of in ("value", "derivative")]
    assert found == pytest.approx(LIMITS[name], rel=1e-15)
    for x, limit in ((-1.7e308, found[0]), (1.7e308, found[2])):
        value = at(x, name=name)
        assert value == pytest.approx(limit) or abs(value) > 1e300
        assert np.isfinite(at(x, name=name, of="derivative"))


@each_activation
def test_nan_stays_nan_and_far_out_are_numbers(name):
    far = np.array([-1e150, -1e9, 1e9, 1e150])
    for of in ("value", "derivative"):
        assert np.isnan(at(np.nan, name=name, of=of))
        assert not np.isnan(getattr(ACTIVATIONS[name], of)(far)).any()


@each_activation
def test_range_holds_all_values_and_is_approached(name):
    x = np.concatenate([X, np.linspace(-8, 8, 200_001), 10.0 ** RANDOM.uniform(0, 150, 99)])
    values = ACTIVATIONS[name].value(np.concatenate([x, -x, [-1e150, 1e150]]))
    low, high = ACTIVATIONS[name].range
    assert low - 4 * ULP <= values.min() <= values.max() <= high + 4 * ULP
    assert values.min() == pytest.approx(low, abs=1e-9) or values.min() < -300
    assert values.max() == pytest.approx(high, abs=1e-9) or values.max() > 300


@each_activation
def test_shape_is_kept_and_elements_do_not_depend_on_each_other(name):
    x = np.linspace(-4, 4, 24).reshape(2, 3, 4)
    for of in ("value", "derivative", "second_derivative"):
        found = getattr(ACTIVATIONS[name], of)(x)
        assert found.shape == x.shape
        assert found[1, 2, 3] == at(x[1, 2, 3], name=name, of=of)


def test_every_activation_says_where_it_comes_from():
    assert all(a.source and a.formula and a.backward in ("own", None) for a in ACTIVATIONS.values())
    assert set(FUNCTIONS) | set(LIMITS) <= set(ACTIVATIONS)


def test_a_function_in_python_has_its_derivatives():
    sine = in_python("mine", np.sin, np.cos)
    x = np.linspace(-5, 5, 11)
    np.testing.assert_array_equal(sine.value(x), np.sin(x))
    np.testing.assert_array_equal(sine.training_slope(x, np.sin(x)), np.cos(x))
    np.testing.assert_allclose(sine.second_derivative(x), -np.sin(x), atol=1e-10)
    assert sine == in_python("mine", np.sin, np.cos) != in_python("mine", np.sin, np.sin)
    with pytest.raises(RunError, match="of shape"):
        in_python("mine", np.sum, np.cos)


# --- conventions at kinks and jumps -----------------------------------------------------------

ULTRA = 0.0458812946797165 / 4
KINKS = [  # the slope before, at and after
    ("hard", -2.5, 0, 0.2, 0.2),  # Theano's clip passes the gradient on the closed interval
    ("hard", 2.5, 0.2, 0.2, 0),
    ("hard_torch", -3, 0, 0, 1 / 6),  # PyTorch, JAX and Keras 3: on the open one
    ("hard_torch", 3, 1 / 6, 0, 0),
    ("leaky_hard", -2.5, 0.002, 0.2, 0.2),
    ("hard_tanh", 1, 1, 0, 0),
    ("relu", 0, 0, 0, 1),
    ("leaky_relu", 0, 0.01, 0.01, 1),
    ("elu", 0, 1, 1, 1),
    ("hard_silu", -3, 0, 0, -0.5),
    ("ultra_fast", -6, 0, 0, ULTRA),
    ("ultra_fast", -3.4, ULTRA, ULTRA, 0.375 / 2.7**2),
]


@pytest.mark.parametrize(("name", "kink", "before", "there", "after"), KINKS)
def test_slope_before_at_and_after_a_kink(name, kink, before, there, after):
    points = (np.nextafter(kink, -np.inf), kink, np.nextafter(kink, np.inf))
    slopes = [at(x, name=name, of="derivative") for x in points]
    assert slopes == pytest.approx([before, there, after], rel=1e-14, abs=1e-15)


# --- linear pieces ----------------------------------------------------------------------------

bent_lines = st.builds(
    lambda **settings: ACTIVATIONS["hard"].with_settings(settings),
    slope=st.floats(0.05, 4),
    shift=st.floats(-2, 2) | st.just(-0.0),
    low=st.floats(-2, 0) | st.just(-np.inf),
    high=st.floats(0.1, 4) | st.just(np.inf),
    leak=st.sampled_from([0.0, 0.05, 1.0]),
    kink=st.sampled_from(["open", "closed"]),
)


def count_pieces(activation, x):
    """How many pieces each point is on, at most one, which predicts value and slope."""
    counts = np.zeros(len(x), dtype=int)
    for piece in activation.linear_pieces:
        on = piece.contains(x)
        counts += on
        line = piece.slope * x[on] + piece.intercept
        np.testing.assert_allclose(activation.value(x[on]), line, rtol=1e-12, atol=1e-12)
        assert (activation.derivative(x[on]) == piece.slope).all()
    assert counts.max(initial=0) <= 1
    return counts


@given(bent_lines)
def test_every_point_of_a_bent_line_is_on_exactly_one_piece(activation):
    kinks = np.array(activation.function.breakpoints)
    x = np.concatenate([2 * X, kinks, np.nextafter(kinks, -np.inf), np.nextafter(kinks, np.inf)])
    assert (count_pieces(activation, x) == 1).all()


@each_activation
def test_linear_pieces_predict_value_and_slope(name):
    kinks = ACTIVATIONS[name].function.breakpoints
    count_pieces(ACTIVATIONS[name], np.concatenate([X, kinks]))


def test_number_of_linear_pieces():
    expected = {"sigmoid": 0, "tanh": 0, "hard": 3, "relu": 2, "elu": 1, "ultra_fast": 4}
    assert {name: len(ACTIVATIONS[name].linear_pieces) for name in expected} == expected
    ends = np.array([-np.inf, np.inf])
    left, right = (piece.contains(ends).tolist() for piece in ACTIVATIONS["relu"].linear_pieces)
    assert (left, right) == ([True, False], [False, True])


def test_a_bent_line_has_its_first_and_last_point():
    assert ACTIVATIONS["hard"].bent_line == (0.2, 0.5, 0, 1, 0, -2.5, 2.5)
    inside = (np.nextafter(-1.0, 0), np.nextafter(1.0, 0))
    assert ACTIVATIONS["hard_tanh"].bent_line == (1, 0, -1, 1, 0, *inside)
    mean = ACTIVATIONS["hard"].with_settings({"kink": "mean"})
    assert mean.bent_line is ACTIVATIONS["tanh"].bent_line is None


# --- the slope that training uses -------------------------------------------------------------


@each_activation
def test_backward_chooses_the_slope(name):
    x = np.concatenate([X, [-800.0, 800.0]])
    activation = ACTIVATIONS[name]
    y = activation.value(x)
    logistic = ACTIVATIONS["sigmoid"].value(x)
    expected = {
        "own": activation.derivative(x),
        "logistic": logistic * (1 - logistic),
        "output": y * (1 - y),
        "straight_through": np.full(len(x), at(0.0, name=name, of="derivative")),
    }
    for backward, slope in expected.items():
        trained = activation.with_settings({}, backward)
        np.testing.assert_array_equal(trained.training_slope(x, y), slope)


def test_ultra_fast_has_no_slope_to_train_with_unless_chosen():
    with pytest.raises(ValueError, match="ultra_fast has no gradient of its own"):
        ACTIVATIONS["ultra_fast"].training_slope(np.zeros(1), np.full(1, 0.5))


# --- the record -------------------------------------------------------------------------------


@given(activation=bent_lines, backward=st.sampled_from(["own", "logistic", "output"]))
def test_activations_are_equal_if_their_settings_are(activation, backward):
    same = activation.with_settings(activation.parameters, activation.backward)
    assert same == activation == pickle.loads(pickle.dumps(activation))
    assert activation.with_settings({}, backward) == activation or backward != "own"
    assert activation.with_settings({"slope": 5.0}) != activation


def test_unknown_parameter_is_refused():
    with pytest.raises(KeyError, match="sigmoid has no parameter slope"):
        ACTIVATIONS["sigmoid"].with_settings({"slope": 1.0})


def test_the_line_is_what_frameworks_call_linear():
    """As torch.nn.Identity, jax.nn.identity, keras.activations.linear and Lasagne document it."""
    x = np.array([-np.inf, -1e308, -2.5, -0.0, 3e-320, 7.0, np.inf, np.nan])
    line = ACTIVATIONS["identity"]
    np.testing.assert_array_equal(line.value(x), x)
    np.testing.assert_array_equal(line.derivative(x[:-1]), 1.0)
    assert (line.formula, line.range, len(line.linear_pieces)) == ("x", (-np.inf, np.inf), 1)
    for name in ("linear", "Identity", "torch.Identity", "keras3.linear", "lasagne.linear"):
        assert find_activations(name) == (line,)
    assert [name for name, a in ACTIVATIONS.items() if a.is_linear] == ["identity"]


@pytest.mark.parametrize(
    ("name", "targets", "far"),
    [
        ("sigmoid", [-0.5, -0.499, 0.0, 1.2, 1.499, 1.5], [True, False, False, False, False, True]),
        ("tanh", [-1.6, -1.4, 1.5], [True, False, True]),
        ("relu", [-0.6, -0.4, 1e300], [True, False, False]),
        ("leaky_hard", [-1e300, 1e300], [False, False]),
    ],
)
def test_out_of_reach_is_what_no_value_is_near_enough_to(name, targets, far):
    assert ACTIVATIONS[name].out_of_reach(np.array(targets), 0.5).tolist() == far


# --- names ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "meanings"),
    [
        ("theano.hard_sigmoid", ["hard"]),
        ("keras3.hard_sigmoid", ["hard_torch"]),
        ("jax.hard_sigmoid", ["hard_torch"]),
        # without the framework, however it is written
        ("hard_sigmoid", ["hard", "hard_torch"]),
        ("ultra_fast_sigmoid", ["ultra_fast"]),
        ("swish", ["silu"]),
        ("geluu", []),
        # without the modules in between
        ("torch.nn.Mish", ["mish"]),
        ("keras.torch.mish", ["mish"]),
        # by the back ends that differ
        ("keras.activations.hard_tanh", ["hard_tanh", "hard_tanh:kink=closed"]),
        ("keras.tf.hard_tanh", ["hard_tanh:kink=closed"]),
    ],
)
def test_a_name_means(name, meanings):
    assert [to_text(a) for a in find_activations(name)] == meanings


def test_no_alias_means_two_things():
    names = [n for row in ACTIVATIONS.values() for names, *_ in row.aliases for n in names.split()]
    names += [name for names in FORMULAS for name in names.split()]
    assert len(names) == len(set(names)) == len(all_aliases())
    assert not set(names) & set(ACTIVATIONS)
    for name, meant in all_aliases().items():
        assert find_activations(name) == (meant,)
        assert name in aliases_of(meant.with_settings({}, "logistic"))


def test_aliases_are_of_this_function_and_no_other():
    hard = ACTIVATIONS["hard"]
    assert "theano.hard_sigmoid" in aliases_of(hard)
    for settings in ({"slope": 0.3}, {"low": -1.0}, {"leak": 0.1}, {"kink": "open"}):
        assert aliases_of(hard.with_settings(settings)) == ()


@given(activation=bent_lines, backward=st.sampled_from(["own", "logistic", "output"]))
def test_text_is_read_as_the_same_activation(activation, backward):
    activation = activation.with_settings({}, backward)
    assert load_activation(to_text(activation)) == activation


def test_text_is_the_shortest():
    hard = ACTIVATIONS["hard"]
    assert to_text(hard) == to_text(hard.with_settings({"slope": 0.2}, "own")) == "hard"
    changed = hard.with_settings({"slope": 0.25, "kink": "open"}, "output")
    assert to_text(changed) == "hard:slope=0.25,kink=open,backward=output"


@pytest.mark.parametrize(
    ("name", "settings", "formula"),
    [
        ("hard", {}, "clip(0.2*x + 0.5, 0, 1)"),
        ("hard_tanh", {}, "clip(x, -1, 1)"),
        ("leaky_relu", {}, "where(x < 0, 0.01*x, x)"),
        ("relu", {}, "max(x, 0)"),
        ("sigmoid", {}, "1 / (1 + exp(-x))"),
        ("relu", {"slope": 2.0, "shift": -1.0}, "max(2*x - 1, 0)"),
    ],
)
def test_formula_is_written_with_the_parameters_in_force(name, settings, formula):
    assert ACTIVATIONS[name].with_settings(settings).formula == formula


def test_a_group_has_what_its_name_says():
    groups = {name: select_activations(name) for name in ("smooth", "piecewise", "sigmoids")}
    assert {a.name for a in groups["piecewise"]} >= {"hard", "relu", "plan", "sign"}
    assert {a.name for a in groups["smooth"]} >= {"sigmoid", "elu", "softsign", "mish"}
    assert not set(groups["smooth"]) & set(groups["piecewise"])
    assert all(a.maps_into_unit_interval or a.name == "leaky_hard" for a in groups["sigmoids"])
    for name in ("torch", "jax", "keras", "onnx"):
        found = select_activations(name)
        assert len(found) == len(set(found)) >= 20
        assert all(any(x.startswith(name) for x in aliases_of(a)) for a in found)
    of_outputs = {ACTIVATIONS["identity"], ACTIVATIONS["softmax"]}
    assert not of_outputs & set(select_activations("all"))
    assert of_outputs | set(select_activations("all")) == set(ACTIVATIONS.values())
    assert [a.name for a in select_activations("?anh")] == ["tanh"]
    assert select_activations("nothing") == ()
