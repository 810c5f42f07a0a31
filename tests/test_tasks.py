import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hsig.config.keys import KEYS
from hsig.networks.losses import LOSSES
from hsig.networks.tasks import SCALES, TASKS, Task, scale_task


def rows(name):
    task = TASKS[name]
    pairs = zip(task.inputs, task.targets[:, 0], strict=True)
    return [(*map(int, inputs), int(target)) for inputs, target in pairs]


@pytest.mark.parametrize("name", TASKS)
def test_a_task_has_a_target_between_0_and_1_for_each_row(name):
    task = TASKS[name]
    assert task.name == name
    assert task.inputs.shape == (len(task.targets), task.inputs.shape[1])
    assert ((task.targets >= 0.0) & (task.targets <= 1.0)).all()


@pytest.mark.parametrize(("key", "table"), [("task", TASKS), ("loss", LOSSES), ("scale", SCALES)])
def test_help_names_every_row_of_a_table(key, table):
    assert set(table) <= set(re.findall(r"\w+", KEYS[key].help))


def test_xor_has_the_questions_rows_in_the_questions_order():
    assert rows("xor") == [(0, 1, 1), (1, 0, 1), (1, 1, 0), (0, 0, 0)]


@pytest.mark.parametrize(
    ("name", "function"),
    [("and", lambda a, b: a & b), ("or", lambda a, b: a | b), ("xor", lambda a, b: a ^ b)],
)
def test_truth_tables(name, function):
    assert sorted(rows(name)) == [(a, b, function(a, b)) for a in (0, 1) for b in (0, 1)]


def test_parity3_is_the_sum_of_three_bits_modulo_2():
    assert rows("parity3") == [
        (a, b, c, (a + b + c) % 2) for a in (0, 1) for b in (0, 1) for c in (0, 1)
    ]


# --- scales -----------------------------------------------------------------------------------

columns = arrays(
    np.float64,
    st.tuples(st.integers(2, 30), st.integers(1, 4)),
    elements=st.floats(-1e6, 1e6, width=32).map(lambda x: round(x, 3)),
)


def task_of(inputs):
    return Task("mine", np.asarray(inputs, dtype=float), np.zeros((len(inputs), 1)), ("a", "b"))


@given(inputs=columns)
def test_standard_is_the_textbooks_and_minmax_runs_from_0_to_1(inputs):
    """(x - mean) / standard deviation over n, from NumPy's own two functions."""
    standard, minmax = (
        scale_task(task_of(inputs), scale).inputs for scale in ("standard", "minmax")
    )
    for column, z, share in zip(inputs.T, standard.T, minmax.T, strict=True):
        if np.ptp(column) == 0.0:
            assert not z.any()
            assert not share.any()
        elif np.ptp(column) > 1e-6 * np.abs(column).max():  # else the mean's rounding is seen
            np.testing.assert_allclose(z, (column - column.mean()) / column.std(), atol=1e-8)
            np.testing.assert_allclose(share, (column - column.min()) / np.ptp(column), atol=1e-8)
            assert (share.min(), share.max()) == (0.0, 1.0)


@pytest.mark.parametrize("scale", ["standard", "minmax"])
@given(inputs=columns, unit=st.sampled_from([1e-3, 2.54, 1e9]), zero=st.sampled_from([0.0, 273.15]))
def test_a_scale_does_not_hang_on_the_unit(scale, inputs, unit, zero):
    here, there = (scale_task(task_of(x), scale).inputs for x in (inputs, unit * inputs + zero))
    far = np.ptp(inputs, axis=0) > 1e-3 * (np.abs(inputs).max(axis=0) + zero / unit)
    np.testing.assert_allclose(here[:, far], there[:, far], atol=1e-6)


def test_inputs_near_the_largest_number_do_not_overflow():
    task = task_of([[1.7e308], [-1.7e308], [0.0]])
    np.testing.assert_allclose(scale_task(task, "minmax").inputs[:, 0], [1.0, 0.0, 0.5])
    np.testing.assert_allclose(
        scale_task(task, "standard").inputs[:, 0], [1.5**0.5, -(1.5**0.5), 0]
    )


def test_a_scale_changes_the_inputs_alone_and_none_changes_nothing():
    task = task_of([[1.0, 30.0], [2.0, 50.0]])
    for scale in SCALES[1:]:
        made = scale_task(task, scale)
        assert (made.name, made.targets.tolist(), made.columns) == ("mine", [[0], [0]], ("a", "b"))
        assert task.inputs.tolist() == [[1.0, 30.0], [2.0, 50.0]]
    assert scale_task(task, "none") is task
