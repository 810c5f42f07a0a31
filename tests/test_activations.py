import pickle

import numpy as np
import pytest
from golden_data import load_golden
from hypothesis import example, given
from hypothesis import strategies as st
from mpmath import mp, mpf
from pages import document, drawn
from scalar_reference import FUNCTIONS

from hsig.activations import ACTIVATIONS
from hsig.activations.names import (
    aliases_of,
    all_aliases,
    find_activations,
    select_activations,
    to_text,
)
from hsig.analysis.definitions import define
from hsig.config.loading import load_activation, load_experiment
from hsig.reports.lookups import activation_page

NAMES = list(ACTIVATIONS)
ULP = 2.3e-16  # relative, one unit in the last place
DENORMAL = 5e-324

x_values = st.floats(-50, 50)


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


def test_sigmoid_is_theanos_to_two_ulp_where_theano_does_not_cut_it_off():
    golden = load_golden("activations_theano")
    x = golden["x"]
    kept = ~(x > 19) & ~(x < -709)  # Theano gives exactly 1 and exactly 0 beyond
    actual = ACTIVATIONS["sigmoid"].value(x)
    np.testing.assert_allclose(actual[kept], golden["sigmoid"][kept], rtol=2 * ULP, atol=0)
    np.testing.assert_allclose(actual, golden["sigmoid"], rtol=0, atol=6e-9)  # exp(-19)


def test_sigmoid_derivative_is_theanos():
    golden = load_golden("activations_theano")
    x = golden["x"]
    kept = ~(x > 19) & ~(x < -709)
    actual = ACTIVATIONS["sigmoid"].derivative(x)
    # y * (1 - y): the rounding of 1 - y is an absolute error of half an ulp of 1
    np.testing.assert_allclose(
        actual[kept], golden["sigmoid_derivative"][kept], rtol=3 * ULP, atol=ULP / 2
    )


def test_hard_derivative_is_theanos_but_for_its_rounding_at_the_left_kink():
    golden = load_golden("activations_theano")
    x = golden["x"]
    kept = ~np.isnan(x) & (x != -2.5)  # Theano's fused code has 0 there, its graph 0.2
    actual = ACTIVATIONS["hard"].derivative(x)
    np.testing.assert_array_equal(actual[kept], golden["hard_sigmoid_derivative"][kept])
    assert np.isnan(actual[np.isnan(x)]).all()


@pytest.mark.parametrize("framework", ["torch", "jax", "keras3_on_jax"])
def test_hard_torch_is_what_the_successors_compute(framework):
    golden = load_golden("activations_frameworks")
    x = golden["x"]
    # (x + 3)/6 and x/6 + 1/2 differ by rounding just above -3
    np.testing.assert_allclose(
        ACTIVATIONS["hard_torch"].value(x), golden[framework], rtol=0, atol=ULP
    )


@pytest.mark.parametrize("framework", ["torch", "jax", "keras3_on_jax"])
def test_hard_torch_derivative_is_the_successors_kinks_included(framework):
    golden = load_golden("activations_frameworks")
    x = golden["x"]
    kept = ~np.isnan(x)
    if framework != "torch":
        kept &= x != np.nextafter(3.0, 0.0)  # JAX rounds this one to 3
    # PyTorch's slope in double precision is 1/6 in single precision
    np.testing.assert_allclose(
        ACTIVATIONS["hard_torch"].derivative(x)[kept],
        golden[f"{framework}_derivative"][kept],
        rtol=3e-8 if framework == "torch" else ULP,
        atol=0,
    )


def test_hard_is_pytorchs_clamp_kinks_included():
    golden = load_golden("activations_frameworks")
    x = golden["x"]
    # PyTorch tests the rounded line, which just above 2.5 is 1
    kept = ~np.isnan(x) & (x != np.nextafter(2.5, 3))
    np.testing.assert_allclose(
        ACTIVATIONS["hard"].value(x), golden["torch_clamp_0.2"], rtol=ULP, atol=ULP / 4
    )
    np.testing.assert_array_equal(
        ACTIVATIONS["hard"].derivative(x)[kept], golden["torch_clamp_0.2_derivative"][kept]
    )


# --- every activation -------------------------------------------------------------------------


@pytest.mark.parametrize("name", FUNCTIONS)
@given(x=x_values)
@example(x=0.0005)
@example(x=-0.0005)
def test_value_matches_the_scalar_definition(name, x):
    assert at(x, name=name) == pytest.approx(FUNCTIONS[name][0](x), rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("name", FUNCTIONS)
@given(x=x_values)
@example(x=0.0005)
@example(x=-0.0005)
def test_derivative_matches_the_scalar_definition(name, x):
    actual = at(x, name=name, of="derivative")
    assert actual == pytest.approx(FUNCTIONS[name][1](x), rel=1e-12, abs=2e-15)


@pytest.mark.parametrize("name", NAMES)
def test_derivative_matches_central_difference(name):
    x = np.arange(-8.03, 8.05, 0.0777)
    step = 1e-6
    for end in ACTIVATIONS[name].function.breakpoints:  # where there may be a kink
        x = x[np.abs(x - end) > step]
    value = ACTIVATIONS[name].value
    difference = (value(x + step) - value(x - step)) / (2 * step)
    np.testing.assert_allclose(ACTIVATIONS[name].derivative(x), difference, rtol=2e-9, atol=2e-9)


@pytest.mark.parametrize("name", NAMES)
def test_second_derivative_matches_central_difference_of_the_derivative(name):
    activation = ACTIVATIONS[name]
    x = np.arange(-8.03, 8.05, 0.0777)
    step = 1e-5
    for end in activation.function.breakpoints:
        x = x[np.abs(x - end) > step]
    slope = activation.derivative
    difference = (slope(x + step) - slope(x - step)) / (2 * step)
    np.testing.assert_allclose(activation.second_derivative(x), difference, rtol=2e-9, atol=2e-9)


MP_DEFINITIONS = {
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "tanh": mp.tanh,
    "elu": lambda x: x if x > 0 else mp.expm1(x),
    "softplus": lambda x: mp.log(1 + mp.exp(x)),
    "silu": lambda x: x / (1 + mp.exp(-x)),
    "gelu_tanh": lambda x: x / 2 * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (x + mpf("0.044715") * x**3))),
}


@pytest.mark.parametrize("name", MP_DEFINITIONS)
@pytest.mark.parametrize("x", [-30.0, -8.25, -3.0, -0.7, -1e-9, 0.0, 1e-9, 0.4, 2.0, 9.5, 40.0])
def test_smooth_value_is_exact_to_a_few_ulp(name, x):
    with mp.workdps(400):
        exact = float(MP_DEFINITIONS[name](mpf(x)))  # mpmath, 400 digits
    # gelu_tanh's exponent, up to 2800 in size, is itself rounded
    tolerance = 1e-12 if name == "gelu_tanh" else 8 * ULP
    assert at(x, name=name) == pytest.approx(exact, rel=tolerance, abs=DENORMAL)


LIMITS = {  # value and derivative at -inf and at inf
    "sigmoid": (0, 0, 1, 0),
    "ultra_fast": ((1 - 0.99505475368673) / 2, 0, (1 + 0.99505475368673) / 2, 0),
    "hard": (0, 0, 1, 0),
    "hard_torch": (0, 0, 1, 0),
    "hard_taylor": (0, 0, 1, 0),
    "hard_binary": (0, 0, 1, 0),
    "leaky_hard": (-np.inf, 0.002, np.inf, 0.002),
    "tanh": (-1, 0, 1, 0),
    "hard_tanh": (-1, 0, 1, 0),
    "relu": (0, 0, np.inf, 1),
    "leaky_relu": (-np.inf, 0.01, np.inf, 1),
    "elu": (-1, 0, np.inf, 1),
    "softplus": (0, 0, np.inf, 1),
    "silu": (0, 0, np.inf, 1),
    "hard_silu": (0, 0, np.inf, 1),
    "gelu_tanh": (0, 0, np.inf, 1),
    "identity": (-np.inf, 1, np.inf, 1),
}


def test_every_activation_whose_limits_are_known_has_an_oracle():
    assert set(FUNCTIONS) == set(LIMITS) <= set(ACTIVATIONS)


@pytest.mark.parametrize("name", LIMITS)
def test_infinite_arguments_give_the_limits(name):
    actual = [at(x, name=name, of=of) for x in (-np.inf, np.inf) for of in ("value", "derivative")]
    assert actual == pytest.approx(LIMITS[name], rel=1e-15)


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("x", [-1.7e308, 1.7e308])
def test_huge_arguments_are_as_good_as_infinite(name, x):
    limit = at(np.copysign(np.inf, x), name=name)
    assert at(x, name=name) == pytest.approx(limit) or abs(at(x, name=name)) > 1e300
    assert np.isfinite(at(x, name=name, of="derivative"))


@pytest.mark.parametrize("name", NAMES)
def test_nan_stays_nan(name):
    assert np.isnan(at(np.nan, name=name))
    assert np.isnan(at(np.nan, name=name, of="derivative"))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("x", [-1e150, -1e9, 1e9, 1e150])
def test_value_and_slope_are_numbers_far_out(name, x):
    """exp(x) alone has no finite limit there."""
    assert not np.isnan(at(x, name=name))
    assert not np.isnan(at(x, name=name, of="derivative"))


@pytest.mark.parametrize("name", NAMES)
@given(x=st.floats(-1e150, 1e150))
def test_values_stay_within_the_range(name, x):
    low, high = ACTIVATIONS[name].range
    assert low - 4 * ULP <= at(x, name=name) <= high + 4 * ULP


@pytest.mark.parametrize("name", NAMES)
def test_range_is_approached_at_both_ends(name):
    x = np.concatenate([np.linspace(-8, 8, 200_001), [-1e150, 1e150]])
    values = ACTIVATIONS[name].value(x)
    low, high = ACTIVATIONS[name].range
    assert values.min() == pytest.approx(low, abs=1e-9) or values.min() < -300
    assert values.max() == pytest.approx(high, abs=1e-9) or values.max() > 300


@pytest.mark.parametrize("name", NAMES)
def test_shape_is_kept(name):
    x = np.linspace(-4, 4, 24).reshape(2, 3, 4)
    activation = ACTIVATIONS[name]
    assert activation.value(x).shape == activation.derivative(x).shape == (2, 3, 4)
    assert activation.value(x)[1, 2, 3] == at(x[1, 2, 3], name=name)


# --- conventions at kinks and jumps -----------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kink", "before", "there", "after"),
    [
        ("hard", -2.5, 0, 0.2, 0.2),  # Theano's clip passes the gradient on the closed interval
        ("hard", 2.5, 0.2, 0.2, 0),
        ("hard_torch", -3, 0, 0, 1 / 6),  # PyTorch, JAX and Keras 3: on the open one
        ("hard_torch", 3, 1 / 6, 0, 0),
        ("hard_taylor", -2, 0, 0.25, 0.25),
        ("hard_taylor", 2, 0.25, 0.25, 0),
        ("hard_binary", -1, 0, 0.5, 0.5),
        ("hard_binary", 1, 0.5, 0.5, 0),
        ("leaky_hard", -2.5, 0.002, 0.2, 0.2),
        ("leaky_hard", 2.5, 0.2, 0.2, 0.002),
        ("hard_tanh", -1, 0, 0, 1),
        ("hard_tanh", 1, 1, 0, 0),
        ("relu", 0, 0, 0, 1),
        ("leaky_relu", 0, 0.01, 0.01, 1),
        ("elu", 0, 1, 1, 1),
        ("hard_silu", -3, 0, 0, -0.5),
        ("hard_silu", 3, 1.5, 1, 1),
        ("ultra_fast", -6, 0, 0, 0.0458812946797165 / 4),
        ("ultra_fast", -3.4, 0.0458812946797165 / 4, 0.0458812946797165 / 4, 0.375 / 2.7**2),
        ("ultra_fast", 3.4, 0.375 / 2.7**2, 0.0458812946797165 / 4, 0.0458812946797165 / 4),
        ("ultra_fast", 6, 0.0458812946797165 / 4, 0, 0),
    ],
)
def test_slope_before_at_and_after_a_kink(name, kink, before, there, after):
    points = (np.nextafter(kink, -np.inf), kink, np.nextafter(kink, np.inf))
    slopes = [at(x, name=name, of="derivative") for x in points]
    assert slopes == pytest.approx([before, there, after], rel=1e-14, abs=1e-15)


def test_alpha_is_the_depth_of_elu_on_the_left_and_its_slope_at_0():
    elu = ACTIVATIONS["elu"].with_settings({"alpha": 0.5}, None)
    x = np.array([-np.inf, -1.0, 0.0, np.nextafter(0, 1), 0.0005, 2.0])
    np.testing.assert_allclose(
        elu.value(x), [-0.5, 0.5 * (np.exp(-1) - 1), 0, x[3], 0.0005, 2], rtol=1e-15
    )
    np.testing.assert_allclose(elu.derivative(x), [0, 0.5 * np.exp(-1), 0.5, 1, 1, 1], rtol=1e-15)
    assert elu.range == (-0.5, np.inf)


def test_hard_sigmoid_of_the_questions_answer():
    x = np.array([-3.0, -1.0, 0.0, 1.0, 3.0])
    golden = load_golden("question")["answer_table"]
    np.testing.assert_allclose(ACTIVATIONS["hard"].value(x), golden["y"], atol=1e-15)
    np.testing.assert_allclose(ACTIVATIONS["hard"].derivative(x) * x, golden["dy_dw"], atol=1e-15)


def test_ultra_fast_drops_where_it_passes_3_4():
    before, after = at(np.nextafter(3.4, 0), name="ultra_fast"), at(3.4, name="ultra_fast")
    assert before - after == pytest.approx(0.0045, abs=5e-5)  # Theano's own discontinuity
    left, right = at(-3.4, name="ultra_fast"), at(np.nextafter(-3.4, 0), name="ultra_fast")
    assert left - right == pytest.approx(0.0045, abs=5e-5)


@pytest.mark.parametrize(
    ("name", "distance"),
    [
        ("ultra_fast", 0.028),  # measured on a grid of 1e-5 from the definitions
        ("hard_torch", 0.069),
        ("hard", 0.076),
        ("hard_taylor", 0.119),
        ("hard_binary", 0.269),
    ],
)
def test_largest_distance_from_the_logistic_curve(name, distance):
    x = np.linspace(-10, 10, 200_001)
    difference = ACTIVATIONS[name].value(x) - ACTIVATIONS["sigmoid"].value(x)
    assert np.abs(difference).max() == pytest.approx(distance, abs=5e-4)


# --- linear pieces ----------------------------------------------------------------------------

family = st.builds(
    lambda slope, shift, low, high, leak, kink: ACTIVATIONS["hard"].with_settings(
        {"slope": slope, "shift": shift, "low": low, "high": high, "leak": leak, "kink": kink},
        None,
    ),
    st.floats(0.05, 4),
    st.floats(-2, 2) | st.just(-0.0),
    st.floats(-2, 0) | st.just(-np.inf),
    st.floats(0.1, 4) | st.just(np.inf),
    st.sampled_from([0.0, 0.05, 1.0]),
    st.sampled_from(["open", "closed"]),
)


def check_pieces(activation, x):
    pieces = [piece for piece in activation.linear_pieces if piece.contains(np.array([x]))[0]]
    assert len(pieces) <= 1
    for piece in pieces:
        value = float(activation.value(np.array([x]))[0])
        assert value == pytest.approx(piece.slope * x + piece.intercept, rel=1e-12, abs=1e-12)
        assert float(activation.derivative(np.array([x]))[0]) == piece.slope
    return len(pieces)


@given(activation=family, x=st.floats(-100, 100))
def test_every_point_of_the_family_is_on_one_piece_that_predicts_value_and_slope(activation, x):
    assert check_pieces(activation, x) == 1


@given(activation=family, end=st.sampled_from([0, -1]), side=st.sampled_from([-1, 0, 1]))
def test_kinks_of_the_family_belong_to_exactly_one_piece(activation, end, side):
    piece = activation.linear_pieces[end]
    for kink in (piece.start, piece.stop):
        if np.isfinite(kink):
            x = float(np.nextafter(kink, kink + side)) if side else kink
            assert check_pieces(activation, x) == 1


@pytest.mark.parametrize("name", NAMES)
@given(x=x_values | st.sampled_from([-6.0, -3.4, -3.0, 0.0, 3.0, 3.4, 6.0]))
def test_linear_pieces_predict_value_and_slope(name, x):
    check_pieces(ACTIVATIONS[name], x)


@pytest.mark.parametrize(
    ("name", "pieces"),
    [("sigmoid", 0), ("tanh", 0), ("hard", 3), ("relu", 2), ("elu", 1), ("ultra_fast", 4)],
)
def test_number_of_linear_pieces(name, pieces):
    assert len(ACTIVATIONS[name].linear_pieces) == pieces


def test_infinity_lies_on_the_outer_pieces_of_relu():
    x = np.array([-np.inf, np.inf])
    left, right = ACTIVATIONS["relu"].linear_pieces
    assert left.contains(x).tolist() == [True, False]
    assert right.contains(x).tolist() == [False, True]


# --- the slope that training uses -------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@given(x=st.floats(-800, 800))
def test_the_slope_to_train_with_at_a_known_value_is_the_derivative(name, x):
    activation = ACTIVATIONS[name].with_settings({}, "own")
    points = np.array([x])
    found = activation.training_slope(points, activation.value(points))
    assert found[0] == activation.derivative(points)[0]


@pytest.mark.parametrize("name", NAMES)
def test_backward_slopes_are_what_they_say(name):
    x = np.array([-4.0, -0.5, 0.0, 1.0, 2.9])
    activation = ACTIVATIONS[name]
    y = activation.value(x)
    logistic = 1 / (1 + np.exp(-x))
    expected = {
        "own": activation.derivative(x),
        "logistic": logistic * (1 - logistic),
        "output": y * (1 - y),
        "straight_through": np.full(5, activation.derivative(np.zeros(1))[0]),
    }
    for backward, slope in expected.items():
        trained = activation.with_settings({}, backward)
        np.testing.assert_allclose(trained.training_slope(x, y), slope, rtol=1e-15)


def test_ultra_fast_has_no_slope_to_train_with_unless_chosen():
    activation = ACTIVATIONS["ultra_fast"]
    assert activation.backward is None
    with pytest.raises(ValueError, match="ultra_fast has no gradient of its own"):
        activation.training_slope(np.zeros(1), np.full(1, 0.5))


def test_every_activation_has_its_own_slope_or_none():
    assert {a.backward for a in ACTIVATIONS.values()} == {"own", None}


# --- the record -------------------------------------------------------------------------------


@given(activation=family, backward=st.sampled_from(["own", "logistic", "output"]))
def test_two_activations_are_equal_when_all_that_is_known_of_them_is(activation, backward):
    same = activation.with_settings(activation.parameters, activation.backward)
    assert same == activation == pickle.loads(pickle.dumps(activation))
    assert activation.with_settings({}, backward) == activation or backward != "own"
    assert activation.with_settings({"slope": 5.0}, None) != activation


@pytest.mark.parametrize("name", NAMES)
def test_an_activation_that_was_sent_to_another_process_is_the_same(name):
    sent = pickle.loads(pickle.dumps(ACTIVATIONS[name]))
    assert sent == ACTIVATIONS[name]
    assert sent != ACTIVATIONS["relu" if name != "relu" else "tanh"]
    np.testing.assert_array_equal(sent.value(np.ones(1)), ACTIVATIONS[name].value(np.ones(1)))


def test_every_activation_says_where_it_comes_from():
    assert all(a.source and a.formula for a in ACTIVATIONS.values())


def test_the_groups_are_the_table_without_the_line():
    assert select_activations("all") == select_activations("sigmoids") + select_activations(
        "hidden"
    )
    assert (*select_activations("all"), ACTIVATIONS["identity"]) == tuple(ACTIVATIONS.values())


def test_a_group_has_what_its_name_says():
    assert {to_text(a) for a in select_activations("piecewise")} >= {"hard", "relu", "plan", "sign"}
    assert {to_text(a) for a in select_activations("smooth")} >= {
        "sigmoid",
        "elu",
        "softsign",
        "mish",
    }
    assert not set(select_activations("smooth")) & set(select_activations("piecewise"))
    for row in select_activations("sigmoids"):
        assert row.maps_into_unit_interval or row.name == "leaky_hard"
    for name in ("torch", "jax", "keras", "onnx"):
        found = select_activations(name)
        assert len(found) == len({to_text(a) for a in found}) >= 20
        assert all(any(x.startswith(name) for x in aliases_of(a)) for a in found)
    assert select_activations("nothing") == ()


def test_a_pattern_means_the_names_that_it_matches():
    names = ["hard", "hard_torch", "hard_taylor", "hard_binary", "hard_tanh", "hard_silu"]
    assert [a.name for a in select_activations("hard*")] == [*names, "hard_shrink", "hard_elish"]
    assert [a.name for a in select_activations("?anh")] == ["tanh"]


def test_the_line_is_a_leaky_relu_of_leak_1_and_what_frameworks_call_linear():
    """As torch.nn.Identity, jax.nn.identity, keras.activations.linear and Lasagne document it."""
    x = np.array([-np.inf, -1e308, -2.5, -0.0, 3e-320, 7.0, np.inf, np.nan])
    line = ACTIVATIONS["identity"]
    np.testing.assert_array_equal(line.value(x), x)
    np.testing.assert_array_equal(line.derivative(x[:-1]), 1.0)
    leaky = ACTIVATIONS["leaky_relu"].with_settings({"leak": 1.0}, None)
    np.testing.assert_array_equal(line.value(x), leaky.value(x))
    assert (line.formula, line.range, len(line.linear_pieces)) == ("x", (-np.inf, np.inf), 1)
    for name in ("linear", "Identity", "torch.Identity", "keras3.linear", "lasagne.linear"):
        assert find_activations(name) == (line,)
    assert [name for name, a in ACTIVATIONS.items() if a.is_linear] == ["identity"]


@pytest.mark.parametrize("name", NAMES)
@given(target=st.floats(-20, 20), within=st.floats(1e-3, 5), x=st.floats(-1e3, 1e3))
@example(target=1.5, within=0.5, x=1e3)
@example(target=-0.5, within=0.5, x=-1e3)
def test_no_value_is_near_a_target_that_is_out_of_reach(name, target, within, x):
    (far,) = ACTIVATIONS[name].out_of_reach(np.array([target]), within)
    assert not (far and abs(at(x, name=name) - target) < within * (1 - 4 * ULP))


@pytest.mark.parametrize(
    ("name", "targets", "far"),
    [
        ("sigmoid", [-0.5, -0.499, 0.0, 1.2, 1.499, 1.5], [True, False, False, False, False, True]),
        ("tanh", [-1.6, -1.4, 1.5], [True, False, True]),
        ("relu", [-0.6, -0.4, 1e300], [True, False, False]),
        ("leaky_hard", [-1e300, 1e300], [False, False]),
        ("identity", [-1e300, 1e300], [False, False]),
    ],
)
def test_out_of_reach_is_what_the_nearest_value_is_not_near_enough_to(name, targets, far):
    assert ACTIVATIONS[name].out_of_reach(np.array(targets), 0.5).tolist() == far


# --- names ------------------------------------------------------------------------------------


def test_frameworks_hard_sigmoids_are_told_apart():
    meanings = {
        "theano.hard_sigmoid": "hard",
        "keras2.hard_sigmoid": "hard",
        "onnx.HardSigmoid": "hard",
        "keras3.hard_sigmoid": "hard_torch",
        "torch.hardsigmoid": "hard_torch",
        "jax.hard_sigmoid": "hard_torch",
    }
    for alias, name in meanings.items():
        assert [a.name for a in find_activations(alias)] == [name]


@pytest.mark.parametrize("name", ["hard_sigmoid", "hardsigmoid", "HardSigmoid"])
def test_a_bare_hard_sigmoid_is_ambiguous_however_it_is_spelt(name):
    assert [a.name for a in find_activations(name)] == ["hard", "hard_torch"]


def test_a_bare_framework_name_with_one_meaning_is_found():
    assert [a.name for a in find_activations("ultra_fast_sigmoid")] == ["ultra_fast"]
    assert [a.name for a in find_activations("swish")] == ["silu"]
    assert find_activations("geluu") == ()


def test_no_spelling_means_two_things():
    named = [
        name for row in ACTIVATIONS.values() for names, _ in row.spellings for name in names.split()
    ]
    assert len(named) == len(set(named)) == len(all_aliases())
    assert not set(named) & set(ACTIVATIONS)
    for name, meant in all_aliases().items():
        assert find_activations(name) == (meant,)


def test_a_spelling_may_leave_out_the_modules_in_between():
    for written in (
        "torch.nn.Mish",
        "torch.Mish",
        "torch.mish",
        "keras.activations.mish",
        "onnx.Mish",
    ):
        assert [a.name for a in find_activations(written)] == ["mish"]
    for written in ("keras.jax.activations.mish", "keras.torch.mish", "keras3.mish"):
        assert [a.name for a in find_activations(written)] == ["mish"]


def test_what_differs_between_back_ends_is_ambiguous_without_one():
    found = [to_text(a) for a in find_activations("keras.activations.hard_tanh")]
    assert found == ["hard_tanh", "hard_tanh:kink=closed"]
    assert [to_text(a) for a in find_activations("keras.tf.hard_tanh")] == found[1:]


HARD_ELSEWHERE = (
    *("theano.hard_sigmoid", "keras1.hard_sigmoid", "keras2.hard_sigmoid", "onnx.HardSigmoid"),
)
TWO_VALUES = {"slope": (0.2, 0.3), "shift": (0.5, 0.4), "low": (0.0, -1.0), "leak": (0.0, 0.1)}


@given(
    st.fixed_dictionaries({name: st.sampled_from(values) for name, values in TWO_VALUES.items()}),
    st.sampled_from(["open", "closed"]),
    st.sampled_from(["own", "logistic", "output"]),
)
@example({name: values[0] for name, values in TWO_VALUES.items()}, "open", "logistic")
def test_names_elsewhere_are_of_the_function_and_of_no_other(settings, kink, backward):
    x = np.linspace(-20.0, 20.0, 401)
    hard = ACTIVATIONS["hard"]
    activation = hard.with_settings({**settings, "kink": kink}, backward)
    same = np.array_equal(activation.value(x), hard.value(x)) and kink == "closed"
    assert aliases_of(activation) == (HARD_ELSEWHERE if same else ())


def test_another_function_is_shown_without_names_elsewhere():
    for spec, known in (("hard:slope=0.3", False), ("hard:backward=logistic", True)):
        page = activation_page(define(load_activation(spec)), None)
        assert bool(document(page)["activations"][0]["aliases"]) is known
        (told,) = [line for line in drawn(page) if "theano.hard_sigmoid" in line]
        assert told.split()[0] == "hard"  # what the names mean stands beside them


@given(activation=family, backward=st.sampled_from(["own", "logistic", "output"]))
def test_spelling_and_reading_give_the_same_activation(activation, backward):
    activation = activation.with_settings({}, backward)
    text = to_text(activation)
    read = load_experiment(flags={"activation": text, "loss": "squared"}).variants[0]
    assert read.hidden_activation == activation
    assert read.label == text


def test_spelling_is_the_shortest():
    hard = ACTIVATIONS["hard"]
    assert to_text(hard) == "hard"
    assert to_text(hard.with_settings({"slope": 0.2}, "own")) == "hard"
    assert to_text(hard.with_settings({"slope": 0.25, "kink": "open"}, "output")) == (
        "hard:slope=0.25,kink=open,backward=output"
    )


def test_unknown_parameter_is_refused():
    with pytest.raises(KeyError, match="sigmoid has no parameter slope"):
        ACTIVATIONS["sigmoid"].with_settings({"slope": 1.0}, None)


def test_formula_is_written_with_the_parameters_in_force():
    assert ACTIVATIONS["hard"].formula == "clip(0.2*x + 0.5, 0, 1)"
    assert ACTIVATIONS["hard_tanh"].formula == "clip(x, -1, 1)"
    assert ACTIVATIONS["leaky_relu"].formula == "where(x < 0, 0.01*x, x)"
    assert ACTIVATIONS["relu"].formula == "max(x, 0)"
    assert ACTIVATIONS["sigmoid"].formula == "1 / (1 + exp(-x))"
    shifted = ACTIVATIONS["relu"].with_settings({"slope": 2.0, "shift": -1.0}, None)
    assert shifted.formula == "max(2*x - 1, 0)"
