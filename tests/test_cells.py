"""The cells of sweeps: trained one by one, put together seed by seed, packed and read again."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
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
from hsig.runs.provenance import cell_key, digest
from hsig.runs.store import Journal, put
from hsig.runs.sweeps import digest_of, line_of, packed, result_of, results_of, unpacked

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


def kept_with(runs, **files):
    """The record of a whole sweep that has these arrays."""
    made = io.BytesIO()
    np.savez(made, **files)
    return kept(runs, made.getvalue())


def kept(runs, arrays=None):
    """The record of a sweep with these arrays, or of one that grows."""
    return put(
        runs,
        command="sweep",
        arguments=(),
        started=datetime(2026, 1, 2, tzinfo=UTC),
        seconds=0.0,
        complete=arrays is not None,
        digest="",
        configs={},
        files={} if arrays is None else {"seeds.npz": arrays},
        more={},
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


@given(*[st.lists(st.integers(0, 9), unique=True, min_size=1)] * 2)
def test_more_seeds_come_behind_and_those_that_are_there_stay_as_they_are(first, second):
    both = numbered(first).merge_missing_seeds(numbered(second, more=1000))
    fresh = [seed for seed in second if seed not in first]
    expected = [all_of(numbered(first)), all_of(numbered(fresh, more=1000))]
    assert both.seeds == tuple(first + fresh)
    for name in ARRAYS:
        assert getattr(both, name).tolist() == expected[0][2][name] + expected[1][2][name]
        assert getattr(both, name).dtype == KINDS[name]


def test_whatever_comes_later_takes_the_place_of_a_failure_and_a_failure_that_of_numbers():
    failed, other, cell = CellResult.failed("one"), CellResult.failed("other"), numbered([1, 2])
    assert failed.merge_missing_seeds(cell) is cell
    assert cell.merge_missing_seeds(failed) is failed
    assert failed.merge_missing_seeds(other) is other


@pytest.mark.parametrize("seeds", ["100", "2,0", "[7]"])
def test_a_cell_has_the_same_key_whichever_seeds_there_are_and_come_first(seeds):
    flags = {"activation": "hard", "epochs": "3"}
    expected = cell_key(load_experiment(flags={**flags, "seeds": "1"}))
    assert cell_key(load_experiment(flags={**flags, "seeds": seeds})) == expected


def test_keys_that_were_kept_are_found_again():
    """They are of a cell with seed 0 alone, without reports on the way, and of its cost."""
    flags = {"activation": "hard", "epochs": "3", "cost": "last", "seeds": "1"}
    depends = [digest([load_experiment(flags={**flags, "report_every": "3"})]), "last"]
    expected = sha256(json.dumps(depends).encode()).hexdigest()
    for more in ({}, {"seeds": "5"}, {"report_every": "1"}, {"at_epochs": "2"}):
        assert cell_key(load_experiment(flags={**flags, **more})) == expected


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
    assert made.digest == digest_of(wanted)
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


# --- arrays -----------------------------------------------------------------------------------

FAILED = CellResult.failed("no gradient")


@pytest.mark.parametrize(
    "cells",
    [
        [numbered([3, 1]), numbered([2**40]), numbered([0, 1, 2])],
        [FAILED, numbered([3, 1]), FAILED, numbered([4]), FAILED],
        [FAILED, CellResult.failed("too large")],
        [numbered([6])],
    ],
)
def test_cells_that_are_packed_come_out_as_they_were(runs, cells):
    keys = list("abcdefg"[: len(cells)])
    record = kept(runs, packed(keys, cells))
    for asked in (None, {"a"}, {"a", "unknown"}):
        found = unpacked(record, asked)
        assert [key for key, _ in found] == keys
        assert [all_of(cell) for _, cell in found] == list(map(all_of, cells))
    assert unpacked(record, {"unknown"}) == []
    assert unpacked(record, set()) == []
    one = [(key, all_of(cell)) for key, cell in results_of(record, {keys[-1], "unknown"})]
    assert one == [(keys[-1], all_of(cells[-1]))]


def test_packed_arrays_have_a_row_for_each_seed_and_two_texts_for_each_cell():
    cells = [numbered([3, 1]), FAILED, numbered([4])]
    with np.load(io.BytesIO(packed(["a", "b", "c"], cells))) as file:
        arrays = {name: (array.dtype.kind, array.tolist()) for name, array in file.items()}
    assert arrays == {
        "cell": ("i", [0, 0, 2]),
        "seed": ("i", [3, 1, 4]),
        "solved": ("b", [True, True, False]),
        "solved_at": ("i", [103, 101, 104]),
        "lost_at": ("i", [203, 201, 204]),
        "diverged_at": ("i", [303, 301, 304]),
        "verdict": ("i", [1, 1, 4]),
        "cost": ("f", [3.1, 1.1, 4.1]),
        "key": ("U", ["a", "b", "c"]),
        "error": ("U", ["", "no gradient", ""]),
    }


def of_three_seeds(**changed):
    """Arrays of two cells that go together, but for what is changed."""
    with np.load(io.BytesIO(packed(["a", "b"], [numbered([3, 1]), numbered([4])]))) as file:
        return {**file, **changed}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"cell": np.array([1, 0, 0])}, "ValueError: cells out of order"),
        ({"cell": np.array([0, 1, 0])}, "ValueError: cells out of order"),
        ({"cost": np.array([0.1, 0.2])}, "ValueError: cost: expected 3 numbers of their kind"),
        ({"cost": np.zeros((3, 1))}, "ValueError: cost: expected 3 numbers of their kind"),
        ({"cost": np.array([1, 2, 3])}, "ValueError: cost: expected 3 numbers of their kind"),
        ({"solved": np.zeros(3)}, "ValueError: solved: expected 3 numbers of their kind"),
        ({"verdict": np.zeros(3)}, "ValueError: verdict: expected 3 numbers of their kind"),
        ({"seed": np.zeros(3)}, "ValueError: seed: expected 3 numbers of their kind"),
        ({"seed": np.array([1, 2, 3, 4])}, "ValueError: seed: expected 3 numbers of their kind"),
        (
            {"verdict": np.array([1, 3, 11])},
            "ValueError: verdicts of other seeds than were solved",
        ),
        ({"error": np.array([""])}, "ValueError: zip() argument 2 is shorter than argument 1"),
        (
            {"cost": np.array([{}, {}, {}])},
            "ValueError: Object arrays cannot be loaded when allow_pickle=False",
        ),
    ],
)
def test_arrays_that_do_not_go_together_are_named(runs, changed, told):
    assert len(unpacked(kept_with(runs, **of_three_seeds()))) == 2
    record = kept_with(runs, **of_three_seeds(**changed))
    with pytest.raises(RunError) as problem:
        unpacked(record)
    path = record.folder / "seeds.npz"
    assert str(problem.value) == f"{path}: cannot be what hsig wrote: {told}"


# --- lines ------------------------------------------------------------------------------------

LINE = {
    "key": "k",
    "cell": ["0.1", "hard"],
    "seeds": [3, 4],
    "solved": [True, False],
    "solved_at": [103, 104],
    "lost_at": [203, 204],
    "diverged_at": [303, 304],
    "verdict": [1, 4],
    "cost": [3.1, 4.1],
    "error": "",
}


def test_a_line_says_everything_of_a_cell_and_is_read_as_it_was():
    line = line_of("k", ("0.1", "hard"), numbered([3, 4]))
    assert line == LINE
    assert all_of(result_of(json.loads(json.dumps(line)))) == all_of(numbered([3, 4]))
    failed = line_of("k", ("1",), FAILED)
    nothing = {name: [] for name in ("seeds", *ARRAYS)}
    assert failed == {"key": "k", "cell": ["1"], **nothing, "error": "no gradient"}
    assert all_of(result_of(json.loads(json.dumps(failed)))) == all_of(FAILED)


def test_the_lines_of_a_sweep_that_grows_are_found_by_key_and_damaged_ones_are_left_out(runs):
    record = kept(runs)
    journal = Journal(record.folder / "cells.log")
    odd = replace(numbered([2]), cost=np.array([np.inf]))
    for key, cell in (("a", numbered([0])), ("b", FAILED), ("c", numbered([1])), ("a", odd)):
        journal.append(line_of(key, ("1",), cell))
    journal.close()
    lines = (record.folder / "cells.log").read_bytes().splitlines(keepends=True)
    (record.folder / "cells.log").write_bytes(lines[0] + b"damaged\n" + b"".join(lines[1:]))
    found = [(key, all_of(cell)) for key, cell in results_of(record, {"a", "b", "unknown"})]
    assert found == [("a", all_of(numbered([0]))), ("b", all_of(FAILED)), ("a", all_of(odd))]
    assert [*results_of(record, set())] == []
