import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binomtest, norm

from hsig.statistics import NORMAL_975, quantiles, wilson_interval


@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_interval_is_scipys(count):
    k, n = count
    expected = binomtest(k, n).proportion_ci(0.95, method="wilson")
    assert wilson_interval(k, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_normal_quantile_is_scipys():
    assert pytest.approx(norm.ppf(0.975), rel=1e-15) == NORMAL_975


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        (0, 5, 0.0, 0.4345),  # none of five is compatible with 43 %
        (0, 30, 0.0, 0.1135),
        (81, 263, 0.2553, 0.3662),  # Newcombe 1998, Statistics in Medicine 17:857, table I
        (15, 148, 0.0624, 0.1605),  # the same table
        (1, 29, 0.0061, 0.1718),  # the same table
    ],
)
def test_wilson_interval_of_worked_examples(k, n, low, high):
    assert wilson_interval(k, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize("n", [1, 7, 100])
def test_wilson_interval_reaches_0_and_1_exactly(n):
    assert wilson_interval(0, n)[0] == 0.0
    assert wilson_interval(n, n)[1] == 1.0


@pytest.mark.parametrize(("k", "n"), [(-1, 5), (6, 5), (0, 0)])
def test_impossible_counts_are_refused(k, n):
    with pytest.raises(ValueError, match=f"{k} of {n} is not a possible count"):
        wilson_interval(k, n)


finite = arrays(
    np.float64, st.tuples(st.integers(1, 12), st.integers(1, 3)), elements=st.floats(-1e6, 1e6)
)


@given(finite, st.floats(0, 1))
def test_quantiles_of_finite_values_are_numpys(values, fraction):
    expected = np.quantile(values, fraction, axis=0)
    np.testing.assert_allclose(quantiles(values, [fraction])[0], expected, atol=1e-6)


@given(finite, st.integers(0, 12), st.floats(0, 1))
def test_infinite_values_are_never_dropped(values, infinite, fraction):
    spoilt = np.concatenate([values, np.full((infinite, values.shape[1]), np.inf)])
    quantile = quantiles(spoilt, [fraction])[0]
    beyond = (len(spoilt) - 1) * fraction > len(values) - 1
    assert np.isinf(quantile).all() == beyond


def test_nan_counts_as_larger_than_infinity():
    values = np.array([np.nan, 3.0, np.inf, 1.0])
    assert quantiles(values, [0, 1 / 3, 2 / 3])[:2].tolist() == [1.0, 3.0]
    assert np.isinf(quantiles(values, [2 / 3])[0])
    assert np.isnan(quantiles(values, [1.0])[0])
