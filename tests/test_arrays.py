import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hsig.arrays import sum_in_order


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=40))
def test_sum_is_taken_from_first_to_last(terms):
    total = terms[0]
    for term in terms[1:]:
        total += term
    assert sum_in_order(np.array(terms)) == total


def test_sum_is_over_the_first_axis():
    terms = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(sum_in_order(terms), terms[0] + terms[1])
