from dataclasses import replace

import numpy as np
import pytest
from prepared import cell, failed_cell, measures, swept

from hsig.analysis.statistics import holm, sign_test
from hsig.analysis.sweeps import pair_sweeps, summarise_cell
from hsig.experiments.sweeps import Axis, CellResult
from hsig.experiments.verdicts import VERDICTS


def test_the_summary_of_a_cell_by_hand():
    result = CellResult(
        seeds=(0, 1, 2, 3),
        solved=np.array([True, False, False, False]),
        solved_at=np.array([7, 5, -1, 3]),
        lost_at=np.array([-1, 6, -1, 4]),
        diverged_at=np.array([-1, -1, -1, 9]),
        stopped_at=np.array([-1, -1, 8, -1]),
        verdict=np.array([VERDICTS.index(w) for w in ("solved", "affine", "affine", "diverged")]),
        cost=np.array([0.0, 2.0, 4.0, np.inf]),
        measures=measures(loss=[0.0, 2.0, 4.0, np.inf]),
    )
    found = summarise_cell(result)
    assert (found.solved.k, found.solved.n, found.lost) == (1, 4, 2)
    assert found.verdicts == {"diverged": 1, "solved": 1, "affine": 2}
    assert found.cost[1] == 3.0
    assert found.epochs_to_solve[0] == np.inf  # of those that are solved at the end: 7, and no more
    to_stop = replace(result, stops_at_loss=True).select([2, 0, 1])
    assert to_stop.epochs_to_solve.tolist() == [8, np.inf, np.inf]
    assert summarise_cell(to_stop).stopped == 1
    assert summarise_cell(result.select([3, 0])).verdicts == {"diverged": 1, "solved": 1}


def test_cells_are_paired_seed_by_seed_and_the_p_values_adjusted_over_all_cells():
    draws = np.random.RandomState(3).rand(2, 4, 60)
    first = {(rate, "9"): cell(draws[0, n] < 0.5) for n, rate in enumerate("1234")}
    second = {(rate, "9"): cell(draws[1, n] < 0.2 * n) for n, rate in enumerate("1234")}
    found = pair_sweeps(swept(first), swept(second))
    raw = []
    for values, both in found.cells.items():
        ours, theirs = first[values].solved, second[values].solved
        assert both.paired.both == sum(ours & theirs)
        assert both.paired.better == sum(~ours & theirs)
        assert both.paired.worse == sum(ours & ~theirs)
        assert both.difference == pytest.approx(theirs.mean() - ours.mean())
        raw.append(sign_test(both.paired.better, both.paired.worse))
    assert [both.paired.p for both in found.cells.values()] == holm(raw)
    assert len({round(p, 6) for p in raw}) == 4


def test_values_that_are_equal_numbers_are_the_same_and_the_order_of_the_keys_does_not_matter():
    first = {(rate, "9"): cell([True]) for rate in ("0.1", "1.0", "7")}
    second = {("9.0", rate): cell([False]) for rate in ("1", "1e-1", "3")}
    found = pair_sweeps(swept(first), swept(second, axes=("epochs", "learning_rate")))
    assert set(found.cells) == {("0.1", "9"), ("1.0", "9")}
    assert found.axes[0] == Axis("learning_rate", ("0.1", "1.0"))


def test_only_seeds_that_both_have_are_paired():
    first = {("1", "9"): cell([True, False, True], seeds=(4, 5, 6))}
    second = {("1", "9"): cell([True, True, True], seeds=(6, 5, 7))}
    (both,) = pair_sweeps(swept(first), swept(second)).cells.values()
    assert (both.paired.both, both.paired.better) == (1, 1)
    assert (both.paired.worse, both.paired.neither) == (0, 0)
    third = {("1", "9"): cell([True, True], seeds=(8, 9))}
    (both,) = pair_sweeps(swept(first), swept(third)).cells.values()
    assert both.paired is None
    assert both.difference == pytest.approx(1 / 3)


def test_seeds_that_start_from_other_weights_are_not_paired():
    cells = {("1", "9"): cell([True, False])}
    found = pair_sweeps(swept(cells), swept(cells, hidden="4"))
    assert found.unpaired == "other initial weights"
    assert found.cells["1", "9"].paired is None
    # where the width itself is swept, cells of one width start alike
    widths = ("init", "epochs")
    one = swept({("uniform:0,1", "9"): cell([True])}, widths, init="uniform:0,1")
    other = swept(
        {("uniform:0,2", "9"): cell([True]), ("uniform:0,1", "9"): cell([True])},
        widths,
        init="uniform:0,2",
    )
    assert pair_sweeps(one, other).unpaired == ""


def test_what_is_missing_or_could_not_be_trained_is_left_out_of_the_tests():
    first = {("1", "9"): None, ("2", "9"): failed_cell("no"), ("3", "9"): cell([True])}
    second = {(rate, "9"): cell([False]) for rate in "123"}
    found = pair_sweeps(swept(first), swept(second)).cells
    assert found["1", "9"] is None
    assert (found["2", "9"].first, found["2", "9"].difference) == (None, None)
    assert found["3", "9"].paired.p == 1.0


@pytest.mark.parametrize(
    ("axes", "values", "message"),
    [
        (
            ("hidden", "epochs"),
            ("1", "9"),
            "they sweep other keys: learning_rate, epochs; and",
        ),
        (("learning_rate", "epochs"), ("1", "8"), "they have no value of epochs in common"),
    ],
)
def test_sweeps_without_a_cell_in_common_cannot_be_compared(axes, values, message):
    first = swept({("1", "9"): cell([True])})
    with pytest.raises(ValueError, match=message):
        pair_sweeps(first, swept({values: cell([True])}, axes))
