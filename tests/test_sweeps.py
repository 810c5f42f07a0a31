"""The cells of sweeps: trained one by one, and put together."""

from dataclasses import replace

import numpy as np
import pytest
from setups import WithValue, experiment, train

from hsig.experiments.experiment import COSTS
from hsig.experiments.sweeps import (
    ARRAYS,
    Axis,
    canonical_value,
    cell_steps,
    grid_cells,
    train_cell,
)


def test_numbers_are_the_same_value_however_they_are_written_and_words_are_themselves():
    assert canonical_value("1") == canonical_value("1.0") == canonical_value("1e0") == 1.0
    assert canonical_value("hard") == "hard"


def test_the_last_axis_runs_fastest():
    axes = (Axis("loss", ("bce", "squared")), Axis("epochs", ("1", "2")))
    assert grid_cells(axes) == [("bce", "1"), ("bce", "2"), ("squared", "1"), ("squared", "2")]


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("hidden", [(3,), (3, 2)])
def test_a_cell_has_the_numbers_at_the_budget_and_its_own_of_the_costs(cost, hidden):
    settings = {"seeds": [7, 3], "epochs": 30, "hidden": hidden}
    cell = train_cell(experiment(cost=cost, report_every=7, **settings))
    alone = train(**settings)
    assert (cell.seeds, cell.failure) == ((7, 3), "")
    for name in ARRAYS[:-1]:
        np.testing.assert_array_equal(getattr(cell, name), getattr(alone, name))
    at_end = {name: getattr(alone, field)[:, -1].tolist() for name, field in COSTS.items()}
    assert [name for name, costs in at_end.items() if costs == cell.cost.tolist()] == [cost]


def test_a_cell_shows_life_until_it_has_its_result(monkeypatch):
    for engine in ("reference", "compiled"):
        monkeypatch.setattr(f"hsig.engines.{engine}._CHUNK_WORK", 1)
    *signs, result = cell_steps(experiment(epochs=5, seeds=2))
    assert signs == [None] * 5
    assert result.seeds == (0, 1)


def test_a_cell_that_cannot_be_trained_has_the_reason_and_no_seed():
    cell = train_cell(experiment("ultra_fast", epochs=3))
    assert cell.failure.startswith("ultra_fast has no gradient")
    assert (cell.seeds, *(len(getattr(cell, name)) for name in ARRAYS)) == ((), *[0] * len(ARRAYS))


def test_a_cell_trains_its_own_seeds_alone():
    """Of the twins that other commands train beside them, a cell keeps nothing."""
    widths = set()

    def sigmoid(x):
        widths.add(x.shape[-1])
        return 1 / (1 + np.exp(-x))

    chosen = experiment(epochs=3, seeds=5, engine="reference")
    mine = WithValue("mine", source="a test", computed=sigmoid)
    variant = replace(chosen.variants[0], hidden_activations=(mine,))
    assert train_cell(replace(chosen, variants=(variant,))).seeds == (0, 1, 2, 3, 4)
    assert widths == {5}


def test_selected_seeds_come_in_the_order_that_is_asked_for():
    cell = train_cell(experiment(seeds=[5, 2, 9], epochs=9))
    swapped = cell.select([9, 5])
    assert swapped.seeds == (9, 5)
    assert swapped.cost.tolist() == cell.cost[[2, 0]].tolist()
