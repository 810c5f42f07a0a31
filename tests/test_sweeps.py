"""The cells of sweeps: trained one by one, and put together."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from setups import WithValue, experiment, train

from hsig.engines.optimizers import OPTIMIZERS, Optimizer
from hsig.experiments.experiment import COSTS
from hsig.experiments.outlook import WINDOW
from hsig.experiments.sweeps import (
    ARRAYS,
    Axis,
    canonical_value,
    cell_steps,
    go_together,
    grid_cells,
    train_cell,
)
from hsig.networks.starts import Start


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
    assert widths == {5, 5 * (WINDOW + 1)}  # a look-ahead has those of all its epochs at once


def test_selected_seeds_come_in_the_order_that_is_asked_for():
    cell = train_cell(experiment(seeds=[5, 2, 9], epochs=9))
    swapped = cell.select([9, 5])
    assert swapped.seeds == (9, 5)
    assert swapped.cost.tolist() == cell.cost[[2, 0]].tolist()


@given(
    spec=st.sampled_from(["hard", "relu", "tanh"]),
    optimizer=st.sampled_from(list(OPTIMIZERS)),
    order=st.sampled_from(["fixed", "shuffled"]),
    loss=st.sampled_from(["squared", "bce_naive"]),
    cost=st.sampled_from(list(COSTS)),
    stop_at=st.sampled_from([None, 0.2, "solved"]),
    own=st.lists(
        st.tuples(
            st.sampled_from([1e-9, 0.1, 3.0, 1e300]),  # at rest, learning, wild, diverging
            st.sampled_from([0.0, -1.0, -30.0]),
            st.lists(st.integers(0, 99), min_size=1, max_size=6, unique=True),
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_cells_that_are_trained_together_have_the_bits_of_cells_alone(
    spec, optimizer, order, loss, cost, stop_at, own
):
    rule = OPTIMIZERS[optimizer]
    every = experiment(spec, epochs=12, loss=loss, order=order, cost=cost, stop_at=stop_at)
    every = replace(every, optimizer=Optimizer(optimizer, tuple(rule.settings.values())))
    cells = [
        replace(
            every,
            learning_rate=rate,
            init=Start("uniform", (low, -low or 1.0)),
            seeds=tuple(seeds),
        )
        for rate, low, seeds in own
    ]
    assert all(go_together(cells[0], cell) for cell in cells) == (every.engine == "compiled")
    together = [cell for cell in cell_steps(*cells) if cell is not None]
    for found, cell in zip(together, cells, strict=True):
        alone = train_cell(cell)
        assert found.seeds == alone.seeds == cell.seeds
        for name in ARRAYS:
            np.testing.assert_array_equal(getattr(found, name), getattr(alone, name), name)


def test_cells_that_differ_in_what_a_network_is_are_not_trained_together():
    first = experiment("hard")
    for other in (experiment("tanh"), replace(first, epochs=7), replace(first, hidden=(4,))):
        assert not go_together(first, other)
