import pytest

from hsig.networks.tasks import TASKS


def rows(name):
    task = TASKS[name]
    pairs = zip(task.inputs, task.targets, strict=True)
    return [(*map(int, inputs), int(target)) for inputs, target in pairs]


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
