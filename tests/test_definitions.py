import numpy as np
import pytest
from golden_data import load_golden

from hsig.activations import ACTIVATIONS
from hsig.analysis.definitions import define, evaluate


@pytest.mark.parametrize(
    ("name", "distance"),
    [
        ("sigmoid", 0.0),
        ("ultra_fast", 0.028),  # these five: measured on a finer grid, independently
        ("hard_torch", 0.069),
        ("hard", 0.076),
        ("hard_taylor", 0.119),
        ("hard_binary", 0.269),
        ("tanh", 1.0900),  # mpmath: 1.08998 at x = -1.6
        ("leaky_hard", np.inf),
        ("relu", np.inf),
    ],
)
def test_distance_from_the_logistic_curve(name, distance):
    assert define(ACTIVATIONS[name]).distance == pytest.approx(distance, abs=5e-4)


@pytest.mark.parametrize(
    ("name", "slope"),
    [("sigmoid", 0.25), ("ultra_fast", 0.375), ("hard", 0.2), ("hard_torch", 1 / 6), ("relu", 0)],
)
def test_slope_at_0(name, slope):
    assert define(ACTIVATIONS[name]).slope_at_0 == pytest.approx(slope, rel=1e-15)


def breaks(name, **parameters):
    activation = ACTIVATIONS[name].with_settings(parameters, None)
    return [(b.x, b.slope_before, b.slope_at, b.slope_after) for b in define(activation).breaks]


def test_breaks_are_the_kinks_with_the_convention_at_each():
    assert breaks("hard") == [(-2.5, 0.0, 0.2, 0.2), (2.5, 0.2, 0.2, 0.0)]
    assert breaks("relu") == [(0.0, 0.0, 0.0, 1.0)]
    assert breaks("tanh") == []
    assert breaks("elu") == []  # smooth at 0 when alpha is 1
    assert breaks("elu", alpha=0.5) == [(0.0, 0.5, 0.5, 1.0)]
    assert breaks("hard", leak=1.0) == []  # a straight line


def test_what_jumps_and_by_how_much():
    jumps = {
        name: [(b.x, round(b.jump, 4)) for b in define(activation).breaks if b.jump]
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


def test_values_and_weight_derivatives_are_those_of_the_questions_answer():
    table = load_golden("question")["answer_table"]
    points = evaluate(ACTIVATIONS["hard"], table["x"])
    np.testing.assert_allclose(points.value, table["y"], atol=1e-15)
    np.testing.assert_allclose(points.weight_derivative, table["dy_dw"], atol=1e-15)
    assert np.signbit(points.weight_derivative[0])  # the answer prints -0


def test_points_may_be_infinite():
    points = evaluate(ACTIVATIONS["hard"], [-np.inf, np.inf])
    assert points.value.tolist() == [0.0, 1.0]
    assert np.isnan(points.weight_derivative).all()
