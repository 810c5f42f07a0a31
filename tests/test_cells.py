"""The cells of sweeps: trained one by one, and put together."""

from dataclasses import replace

import numpy as np
import pytest
from prepared import WithValue

from hsig.config.loading import load_experiment
from hsig.config.sweeps import load_sweep
from hsig.errors import RunError
from hsig.experiments.parallel import Threads
from hsig.experiments.sweeps import (
    ARRAYS,
    Axis,
    CellResult,
    LostCell,
    canonical_value,
    grid_cells,
    train_cell,
)
from hsig.experiments.training import gather, run
from hsig.experiments.verdicts import VERDICTS
from hsig.results.sweeping import sweep
from hsig.runs.provenance import digest_sweep

KINDS = {**dict.fromkeys(ARRAYS, np.int64), "solved": np.bool_, "cost": np.float64}


def numbered(seeds, more=0):
    """A cell whose numbers are other ones in each array, and for each seed."""
    own = np.array(seeds, dtype=np.int64) + more
    return CellResult(
        seeds=tuple(seeds),
        solved=own % 2 == 1,
        solved_at=own + 100,
        lost_at=own + 200,
        diverged_at=own + 300,
        verdict=np.where(own % 2 == 1, VERDICTS.index("solved"), own % 10),
        cost=own + 0.1,
    )


def all_of(result):
    """Everything that a cell has, with the kinds of its numbers."""
    arrays = {name: getattr(result, name) for name in ARRAYS}
    kinds = {name: array.dtype for name, array in arrays.items()}
    return (
        result.seeds,
        result.failure,
        {name: array.tolist() for name, array in arrays.items()},
        kinds,
    )


# --- values and seeds -------------------------------------------------------------------------


def test_numbers_are_the_same_value_however_they_are_written_and_words_are_themselves():
    assert canonical_value("1") == canonical_value("1.0") == canonical_value("1e0") == 1.0
    assert canonical_value("hard") == "hard"


def test_the_last_axis_runs_fastest():
    axes = (Axis("loss", ("bce", "squared")), Axis("epochs", ("1", "2", "3")))
    assert grid_cells(axes) == [
        *(("bce", "1"), ("bce", "2"), ("bce", "3")),
        *(("squared", "1"), ("squared", "2"), ("squared", "3")),
    ]


def test_a_failed_cell_has_its_reason_and_no_numbers_of_the_kinds_of_others():
    empty = {name: [] for name in ARRAYS}
    assert all_of(CellResult.failed("no gradient")) == ((), "no gradient", empty, KINDS)


def test_some_seeds_of_a_cell_come_in_the_order_that_is_asked_for():
    assert all_of(numbered([5, 2, 9]).of(iter([9, 5]))) == all_of(numbered([9, 5]))


# --- training ---------------------------------------------------------------------------------


@pytest.mark.parametrize("cost", ["last", "mean"])
def test_a_cell_has_the_numbers_at_the_budget_and_its_own_of_the_costs(cost):
    flags = {"activation": "hard", "seeds": "[7, 3]", "epochs": "30", "cost": cost}
    experiment = load_experiment(flags=flags)
    cell = train_cell(experiment)
    (alone,) = gather(experiment, run(experiment)).results
    assert (cell.seeds, cell.failure) == ((7, 3), "")
    for name in ARRAYS[:-1]:
        assert getattr(cell, name).tolist() == getattr(alone, name).tolist()
    costs = {"last": alone.cost_last, "mean": alone.cost_mean}
    assert cell.cost.tolist() == costs[cost][:, -1].tolist()
    assert costs["last"][:, -1].tolist() != costs["mean"][:, -1].tolist()


def test_a_cell_without_a_gradient_fails_with_the_reason():
    cell = train_cell(load_experiment(flags={"activation": "ultra_fast", "epochs": "3"}))
    assert cell.seeds == ()
    assert cell.failure.startswith("ultra_fast has no gradient")


def test_a_cell_trains_its_own_seeds_alone():
    """Of the twins that other commands train beside them, a cell keeps nothing."""
    widths = set()

    def sigmoid(x):
        widths.add(x.shape[-1])
        return 1 / (1 + np.exp(-x))

    experiment = load_experiment(flags={"epochs": "3", "seeds": "5", "engine": "reference"})
    (variant,) = experiment.variants
    mine = WithValue("mine", source="a test", computed=sigmoid)
    variant = replace(variant, hidden_activation=mine)
    assert train_cell(replace(experiment, variants=(variant,))).seeds == (0, 1, 2, 3, 4)
    assert widths == {5}


def test_a_cell_is_asked_whether_to_go_on_and_trained_if_it_may():
    experiment = load_experiment(flags={"epochs": "3", "seeds": "2"})
    assert all_of(train_cell(experiment, lambda: True)) == all_of(train_cell(experiment))
    assert train_cell(experiment, lambda: False) is None


def crew_of(monkeypatch, work):
    """Have cells made by this instead of being trained; gives what a crew is asked for."""
    asked = []

    def crew(experiments):
        asked.append(experiments)
        return Threads(lambda experiment, _: work(experiment), 1)

    monkeypatch.setattr("hsig.results.sweeping.local_pool", crew)
    return asked


def test_a_sweep_that_is_not_kept_has_every_cell_and_the_digest_of_one_that_is(monkeypatch):
    wanted = load_sweep(None, {"activation": "hard", "epochs": "3,4"})
    asked = crew_of(monkeypatch, lambda experiment: numbered([experiment.epochs]))
    made = sweep(wanted)
    assert asked == [wanted.experiments]
    assert made.axes == wanted.axes
    assert made.outcome.base is wanted.experiments[0]
    assert {cell: result.seeds for cell, result in made.outcome.results.items()} == {
        ("3",): (3,),
        ("4",): (4,),
    }
    assert made.digest == digest_sweep(wanted)
    assert [*made.cells] == [*wanted.cells]


def test_a_sweep_that_loses_cells_tells_each_reason_once(monkeypatch):
    wanted = load_sweep(None, {"activation": "hard", "epochs": "3,4,5,6"})
    reasons = {3: "it died", 4: "it died", 5: "it was ended"}

    def work(experiment):
        reason = reasons.get(experiment.epochs)
        return numbered([0]) if reason is None else LostCell(reason)

    crew_of(monkeypatch, work)
    with pytest.raises(RunError) as told:
        sweep(wanted)
    assert told.value.messages == ("it died", "it was ended")
