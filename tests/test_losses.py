import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hsig.networks.losses import LOSSES

within = st.floats(0.001, 0.999)
target = st.sampled_from([0.0, 1.0]) | st.floats(0, 1)


def at(loss, p, y, of="value"):
    with np.errstate(all="ignore"):
        return float(getattr(LOSSES[loss], of)(np.array(p), np.array(y)))


def test_squared_error_has_no_factor_of_a_half():
    assert at("squared", 0.25, 1.0) == 0.5625
    assert at("squared", 0.25, 1.0, "derivative") == -1.5


@pytest.mark.parametrize("loss", ["bce", "bce_naive"])
def test_cross_entropy_by_hand(loss):
    assert at(loss, 0.25, 1.0) == pytest.approx(math.log(4), rel=1e-15)
    assert at(loss, 0.25, 0.0) == pytest.approx(math.log(4 / 3), rel=1e-15)
    assert at(loss, 0.25, 0.5) == pytest.approx(0.5 * math.log(16 / 3), rel=1e-15)
    assert at(loss, 0.25, 1.0, "derivative") == -4.0
    assert at(loss, 0.25, 0.0, "derivative") == pytest.approx(4 / 3)


@pytest.mark.parametrize(("p", "y"), [(0.0, 0.0), (1.0, 1.0)])
def test_a_saturated_right_answer_costs_nothing_with_bce_and_is_undefined_with_bce_naive(p, y):
    assert at("bce", p, y) == 0.0
    assert at("bce", p, y, "derivative") == (1.0 if y == 0.0 else -1.0)
    assert math.isnan(at("bce_naive", p, y))
    assert math.isnan(at("bce_naive", p, y, "derivative"))


@pytest.mark.parametrize(("p", "y", "sign"), [(0.0, 1.0, -1), (1.0, 0.0, 1)])
def test_a_saturated_wrong_answer_costs_infinitely_much(p, y, sign):
    for loss in ("bce", "bce_naive"):
        assert at(loss, p, y) == math.inf or math.isnan(at(loss, p, y))
        assert at(loss, p, y, "derivative") == sign * math.inf
    assert at("bce", p, y) == math.inf


@pytest.mark.parametrize("loss", LOSSES)
@given(p=within, y=target)
def test_derivative_lies_between_the_differences_to_either_side(loss, p, y):
    step = 1e-6 * p * (1 - p)
    before, here, after = (at(loss, x, y) for x in (p - step, p, p + step))
    low, high = sorted([(here - before) / step, (after - here) / step])
    derivative = at(loss, p, y, "derivative")
    tolerance = 1e-4 + 1e-5 * abs(derivative)
    assert low - tolerance <= derivative <= high + tolerance


@given(p=within, y=target)
def test_bce_and_bce_naive_agree_where_nothing_is_saturated(p, y):
    assert at("bce", p, y) == pytest.approx(at("bce_naive", p, y), rel=1e-12, abs=1e-15)
    assert at("bce", p, y, "derivative") == pytest.approx(
        at("bce_naive", p, y, "derivative"), rel=1e-12
    )


@given(z=st.floats(-30, 30), y=target)
def test_bce_of_the_logit_is_bce_of_the_logistic_output(z, y):
    p = 1 / (1 + math.exp(-z))
    # the rounding of 1 - p, as large as 1e-16 / (1 - p), is the other side's
    tolerance = 1e-15 * math.exp(abs(z))
    assert at("bce", z, y, "value_of_logit") == pytest.approx(at("bce", p, y), abs=tolerance)
    by_chain = at("bce", p, y, "derivative") * p * (1 - p)
    assert at("bce", p, y, "derivative_of_logit") == pytest.approx(by_chain, abs=tolerance)


@pytest.mark.parametrize(("z", "y"), [(-800.0, 1.0), (800.0, 0.0)])
def test_bce_of_the_logit_stays_finite_where_the_output_rounds_to_0_or_1(z, y):
    assert at("bce", z, y, "value_of_logit") == 800.0
