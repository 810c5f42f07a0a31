"""What is measured of an activation without training: distances, kinks, jumps, oddities."""

import numpy as np
import pytest
from golden_data import load_golden

from hsig.activations import ACTIVATIONS, Activation
from hsig.analysis.definitions import (
    FLAT,
    GROWING,
    INFINITE,
    NAN,
    WRONG,
    distance_from_logistic,
    evaluate,
    find_oddities,
)


@pytest.mark.parametrize(
    ("name", "distance", "slope"),
    [
        ("sigmoid", 0.0, 0.25),
        ("ultra_fast", 0.028, 0.375),  # these: measured on a finer grid, independently
        ("hard_torch", 0.069, 1 / 6),
        ("hard", 0.076, 0.2),
        ("hard_taylor", 0.119, 0.25),
        ("hard_binary", 0.269, 0.5),
        ("tanh", 1.0900, 1.0),  # mpmath: 1.08998 at x = -1.6
        ("leaky_hard", np.inf, 0.2),
        ("relu", np.inf, 0.0),
    ],
)
def test_distance_from_the_logistic_curve_and_slope_at_0(name, distance, slope):
    assert distance_from_logistic(ACTIVATIONS[name]) == pytest.approx(distance, abs=5e-4)
    assert ACTIVATIONS[name].derivative(np.zeros(1))[0] == pytest.approx(slope, rel=1e-15)


def test_a_distance_is_not_that_of_doubles_that_cancel_far_out():
    rise = Activation("mine", "softplus(x) - softplus(x - 1)")
    x = np.linspace(-60.0, 60.0, 120_001)
    wanted = np.abs(np.logaddexp(0, x) - np.logaddexp(0, x - 1) - 1 / (1 + np.exp(-x))).max()
    assert distance_from_logistic(rise) == pytest.approx(wanted, abs=1e-6)


def test_breaks_are_the_kinks_with_the_convention_at_each():
    def breaks(name, **parameters):
        found = ACTIVATIONS[name].with_settings(parameters, None).function.breaks
        return [(b.x, b.slope_before, b.slope_at, b.slope_after) for b in found]

    assert breaks("hard") == [(-2.5, 0.0, 0.2, 0.2), (2.5, 0.2, 0.2, 0.0)]
    assert breaks("relu") == [(0.0, 0.0, 0.0, 1.0)]
    assert breaks("elu") == breaks("tanh") == []  # elu is smooth at 0 when alpha is 1
    assert breaks("elu", alpha=0.5) == [(0.0, 0.5, 0.5, 1.0)]
    assert breaks("hard", leak=1.0) == []  # a straight line


def test_what_jumps_and_by_how_much():
    jumps = {
        name: [(b.x, round(b.jump, 4)) for b in activation.function.breaks if b.jump]
        for name, activation in ACTIVATIONS.items()
    }
    assert {name: found for name, found in jumps.items() if found} == {
        "ultra_fast": [(-3.4, -0.0045), (3.4, -0.0045)],
        "plan": [(-2.375, -0.0039), (2.375, -0.0039)],  # 1/256
        "fann_stepwise": [(-5.293304920196533, 0.005), (5.29330587387085, 0.005)],
        "step": [(0.0, 1.0)],
        "sign": [(0.0, 2.0)],
        "hard_shrink": [(-0.5, 0.5), (0.5, 0.5)],
        "threshold": [(1.0, 1.0)],
    }


@pytest.mark.parametrize(
    ("formula", "slope", "kind", "x", "of_slope"),
    [
        ("log(x + 2)", "", NAN, -2.0, False),
        ("1/(x - 3)", "", INFINITE, 3.0, False),
        ("x**3", "", GROWING, -1000.0, True),
        ("sign(x)", "", FLAT, 0.0, True),
        ("tanh(x)", "1 - tanh(x)", WRONG, -20.0, True),
    ],
)
def test_what_is_odd_about_a_formula(formula, slope, kind, x, of_slope):
    first = find_oddities(Activation("mine", formula, slope_definition=slope))[0]
    assert (first.kind, first.slope) == (kind, of_slope)
    assert first.x == pytest.approx(x, abs=1e-9)


def test_most_of_the_table_is_not_odd():
    odd = {name for name, activation in ACTIVATIONS.items() if find_oddities(activation)}
    assert {"square"} <= odd
    assert not odd & {"sigmoid", "hard", "tanh", "relu", "elu", "silu", "gelu_tanh", "softplus"}


def test_values_and_weight_derivatives_are_those_of_the_questions_answer():
    table = load_golden("question")["answer_table"]
    points = evaluate(ACTIVATIONS["hard"], table["x"])
    np.testing.assert_allclose(points.value, table["y"], atol=1e-15)
    np.testing.assert_allclose(points.weight_derivative, table["dy_dw"], atol=1e-15)
    assert np.signbit(points.weight_derivative[0])  # the answer prints -0
    points = evaluate(ACTIVATIONS["hard"], [-np.inf, np.inf])
    assert points.value.tolist() == [0.0, 1.0]
    assert np.isnan(points.weight_derivative).all()
