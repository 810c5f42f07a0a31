"""What no weights can do, against exact arithmetic, a search for weights, and cases by hand."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from setups import activation, experiment, task_of, train, train_from, words

from hsig.networks.affine_fit import is_separable
from hsig.networks.obstacles import (
    CONTRADICTION,
    ONE_DIRECTION,
    OUT_OF_REACH,
    count_right_at_most,
    find_contradictions,
    find_obstacle,
)
from hsig.networks.tasks import TASKS
from hsig.reports.obstacles import warnings_of

XOR = TASKS["xor"]


def with_bias(inputs):
    inputs = np.array(inputs, dtype=float)
    return np.concatenate([inputs, np.ones((len(inputs), 1))], axis=1)


def obstacle(*specs, units=(), task=XOR, within=0.5):
    return find_obstacle(
        [*map(activation, specs)], units, with_bias(task.inputs), task.targets, within
    )


# --- parting samples --------------------------------------------------------------------------


def can_be_parted(features, high):
    """By the simplex method in fractions: parts of the samples, turned round, add up to 0 or not.

    Gordan's alternative with Bland's rule; a tableau of its own, which shares nothing with hsig.
    """
    signed = [
        [Fraction(x) * (1 if up else -1) for x in row]
        for row, up in zip(features, high, strict=True)
    ]
    columns = [[*row, Fraction(1)] for row in signed]
    n, m = len(columns), len(columns[0])
    table = [
        [columns[j][i] for j in range(n)]
        + [Fraction(int(i == k)) for k in range(m)]
        + [Fraction(int(i == m - 1))]
        for i in range(m)
    ]
    basis = [n + i for i in range(m)]
    while True:
        missing = [i for i in range(m) if basis[i] >= n]
        gain = [sum(table[i][j] for i in missing) - (j >= n) for j in range(n + m)]
        enters = next((j for j in range(n + m) if gain[j] > 0), None)
        if enters is None:
            return any(table[i][-1] for i in missing)
        rows = [i for i in range(m) if table[i][enters] > 0]
        row = min(rows, key=lambda i: (table[i][-1] / table[i][enters], basis[i]))
        table[row] = [x / table[row][enters] for x in table[row]]
        for i in range(m):
            if i != row and table[i][enters]:
                factor = table[i][enters]
                table[i] = [x - factor * y for x, y in zip(table[i], table[row], strict=True)]
        basis[row] = enters


GRIDS = {
    "grid": lambda random, size: random.integers(0, 3, size).astype(float),
    "any": lambda random, size: random.normal(size=size),
    "years": lambda random, size: 2000 + random.integers(0, 4, size) / 10,
    "saturated": lambda random, size: 1 / (1 + np.exp(-random.normal(scale=30, size=size))),
    "scales": lambda random, size: random.normal(size=size) * 10.0 ** random.integers(-9, 9, size),
    "bits": lambda random, size: 1 - 1e-13 * random.integers(0, 5, size),
}


@given(st.sampled_from(sorted(GRIDS)), st.integers(0, 2**32 - 1))
def test_samples_that_are_said_not_to_be_parted_cannot_be(kind, seed):
    random = np.random.Generator(np.random.PCG64(seed))
    size = (random.integers(2, 8), random.integers(1, 4))
    features, high = with_bias(GRIDS[kind](random, size)), random.integers(0, 2, size[0])
    expected = len(set(high.tolist())) == 1 or can_be_parted(features, high)
    found = is_separable(features, high[:, None].astype(float), 0.5)
    assert found or not expected
    if kind in ("grid", "any"):
        assert found == expected


# --- obstacles by hand ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("specs", "units", "task", "expected"),
    [
        (("sigmoid",), (), "xor", ONE_DIRECTION),
        (("sigmoid",), (), "and", ""),
        (("identity", "sigmoid"), (5,), "xor", ONE_DIRECTION),
        (("identity", "identity", "tanh"), (3, 2), "xor", ONE_DIRECTION),
        (("identity", "sine"), (5,), "xor", ""),  # a line before a wave does it
        (("identity", "gaussian"), (5,), "xor", ""),
        (("tanh", "sigmoid"), (1,), "xor", ONE_DIRECTION),
        (("relu", "hard"), (1,), "parity3", ONE_DIRECTION),
        (("tanh", "identity", "sigmoid"), (1, 4), "xor", ONE_DIRECTION),
        (("tanh", "tanh", "sigmoid"), (1, 2), "xor", ""),  # the second layer can turn
        (("tanh", "sigmoid"), (2,), "xor", ""),
        (("gaussian", "sigmoid"), (1,), "xor", ""),
        (("tanh", "sigmoid"), (1,), "and", ""),
    ],
)
def test_what_goes_one_way_only_does_no_more_than_an_affine_function(specs, units, task, expected):
    assert obstacle(*specs, units=units, task=TASKS[task]) == expected


@pytest.mark.parametrize(
    ("spec", "output"), [("sigmoid", "sine"), ("sine", "sigmoid"), ("gaussian", "sigmoid")]
)
def test_where_a_single_unit_is_not_said_to_be_unable_some_training_solves_it(spec, output):
    found = train(spec, output=output, hidden=(1,), loss="squared", low=-3.0, high=3.0, seeds=60)
    assert "solved" in words(found)


def test_a_target_out_of_reach_goes_before_all_else():
    assert obstacle("tanh", "sigmoid", units=(1,), task=task_of([[0], [0]], [0, 3])) == OUT_OF_REACH


@pytest.mark.parametrize(
    ("targets", "within", "expected", "right"),
    [
        ([0, 1, 1, 0], 0.5, CONTRADICTION, 3),
        ([0, 1, 1, 0], 0.51, "", 4),
        ([0.1, 0.31, 1, 0], 0.1, CONTRADICTION, 3),
        ([0.1, 0.29, 1, 0], 0.1, "", 4),
        ([[0, 0], [0, 1], [1, 1], [0, 0]], 0.5, CONTRADICTION, 3),
    ],
)
def test_equal_rows_whose_targets_are_too_far_apart(targets, within, expected, right):
    task = task_of([[0, 0], [0, 0], [1, 0], [1, 1]], targets)
    assert obstacle("tanh", "sigmoid", units=(3,), task=task, within=within) == expected
    assert count_right_at_most(with_bias(task.inputs), task.targets, within) == right


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from([0.0, 0.2, 0.4, 0.5, 1.0, 1.1])),
        min_size=1, max_size=9,
    ),
    st.sampled_from([0.1, 0.25, 0.5]),
)  # fmt: skip
def test_the_most_rows_that_can_be_right_are_those_of_the_best_table(rows, within):
    """Of each input every prediction is tried at which the count can change, and beside it."""
    inputs, targets = np.array([[x] for x, _ in rows]), np.array([[y] for _, y in rows])
    best = 0
    for x in {x for x, _ in rows}:
        wanted = [y for other, y in rows if other == x]
        ends = [y + side * within for y in wanted for side in (-1, 0, 1)]
        tried = np.array([end + step for end in ends for step in (-1e-9, 0.0, 1e-9)])
        best += (np.abs(tried[:, None] - np.array(wanted)) < within - 1e-12).sum(axis=1).max()
    features = with_bias(inputs)
    assert count_right_at_most(features, targets, within) == best
    assert bool(find_contradictions(features, targets, within)) == (best < len(rows))


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=12))
def test_of_classes_the_most_frequent_one_of_each_input_can_be_right(rows):
    inputs, classes = np.array(rows).T
    best = sum(np.bincount(classes[inputs == x]).max() for x in set(inputs.tolist()))
    features = with_bias(inputs[:, None] * 1.0)
    assert count_right_at_most(features, np.eye(4)[classes], 0.5) == best


# --- units that are the same ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hidden", "output", "word"),
    [
        ([[0.5, 0.5]] * 3, [[0.5], [0.5], [0.5]], "symmetric"),
        ([[0.0, 0.0]] * 3, [[0.0], [0.0], [0.0]], "symmetric"),
        ([[0.5, 0.5]] * 3, [[0.5], [0.6], [0.5]], "other"),  # they part at the first step
        ([[0.5, 0.5], [0.5, 0.5], [0.5, 0.6]], [[0.5], [0.5], [0.5]], "other"),
    ],
)
@pytest.mark.parametrize("batch_size", [1, None])
def test_units_that_are_the_same_in_and_out_are_one(hidden, output, word, batch_size):
    settings = {"spec": "sigmoid", "learning_rate": 0.5, "batch_size": batch_size}
    result = train_from(hidden, output, epochs=300, **settings)
    assert (words(result) == ("symmetric",)) == (word == "symmetric")
    if word == "symmetric":
        for layer in (result.weights[0][0].T, result.weights[1][0][:-1]):
            np.testing.assert_array_equal(layer[0], layer[1])


def test_equal_units_that_can_do_it_together_are_not_called_symmetric():
    result = train_from(
        [[0.5, 0.5]] * 3, [[0.5]] * 3, spec="sigmoid", task="and", learning_rate=0.5, epochs=5
    )
    assert words(result) == ("slow",)


# --- what is said before training -------------------------------------------------------------


def warned(task, **fields):
    return " ".join(warnings_of([experiment("tanh", task=task, **fields)]))


def test_contradictions_are_told_by_row_with_the_most_that_can_be_right():
    told = warned(task_of([[0, 0], [1, 0], [0, 0], [1, 1]], [0, 1, 1, 0]))
    assert "rows 1 and 3" in told
    assert "3 of the 4 rows" in told
    assert not warned(XOR)


@pytest.mark.parametrize(
    ("targets", "within", "part"),
    [
        ([0.0, 0.1, 0.3, 0.05], 0.5, "below 0.15"),
        ([0.0, 0.1, 0.3, 0.05], 0.15, ""),
        ([1, 1, 1, 1], 0.5, "all targets are 1"),
        ([1, 1, 1, 1], 0.01, "all targets are 1"),
    ],
)
def test_targets_that_one_prediction_is_right_on_are_told(targets, within, part):
    task = task_of([[0], [1], [2], [3]], targets)
    told = warned(task, loss="squared", solved_within=within)
    assert part in told
    assert bool(told) == bool(part)
