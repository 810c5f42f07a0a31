"""A kept sweep is read with its numbers, and made again from its config as it was."""

import json
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from prepared import swept
from test_cells import all_of, numbered
from test_ledger import MAP, WHOLE, kept

from hsig.config.sweeps import load_sweep
from hsig.errors import ConfigError, RunError
from hsig.experiments.sweeps import ARRAYS, CellResult
from hsig.experiments.verdicts import DEAD, SATURATED, SLOW, VERDICTS
from hsig.runs import read
from hsig.runs.provenance import keys_of
from hsig.runs.store import signed
from hsig.runs.sweeps import (
    Ledger,
    Origin,
    different_cells,
    digest_of,
    origin_of,
    read_sweep,
    same_digest,
    sweep_again,
    sweep_to_resume,
)

FAILED = CellResult.failed("no gradient")


def changed(folder, change):
    """A record whose `run.json` says something else, signed as hsig does."""
    about = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    del about["checksum"]
    change(about)
    (folder / "run.json").write_bytes(signed(about))
    return read(folder)


def with_keys(folder, **keys):
    """A record whose first cell had these keys."""
    return changed(folder, lambda about: about["parts"][0]["experiment"].update(keys))


def begun(runs, config, flags):
    """The record of a sweep that is begun and left."""
    ledger = Ledger(runs, load_sweep(config, flags))
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    ledger.open(Origin.typed(config, flags), arguments=(), started=moment)
    ledger.close(lambda: "never")
    (folder,) = runs.iterdir()
    return folder


def spelled(wanted):
    """All of a sweep, in keys and values that can be compared."""
    return wanted.axes, wanted.cells, [keys_of(experiment) for experiment in wanted.experiments]


def results_of(folder):
    results = read_sweep(read(folder)).results
    return {cell: result and all_of(result) for cell, result in results.items()}


# --- read -------------------------------------------------------------------------------------


def test_a_whole_sweep_is_read_with_every_number_and_what_all_cells_have(runs):
    found = read_sweep(read(kept(runs, {0: numbered([0, 1]), 1: FAILED})))
    wanted = load_sweep(MAP, {})
    assert found.axes == wanted.axes
    assert keys_of(found.base) == keys_of(wanted.experiments[0])
    assert [*found.results] == [("3",), ("4",)]
    assert [*map(all_of, found.results.values())] == [all_of(numbered([0, 1])), all_of(FAILED)]


def test_a_sweep_that_grows_is_read_as_far_as_it_is_from_all_lines_of_a_cell(runs):
    epochs = (3, 4, 5)
    folder = kept(runs, {1: numbered([1])}, epochs=epochs)
    with (folder / "cells.log").open("ab") as log:
        log.write(b"damaged\n")
    kept(runs, {1: numbered([0]), 2: FAILED}, epochs=epochs)
    assert results_of(folder) == {
        ("3",): None,
        ("4",): all_of(numbered([1, 0])),
        ("5",): all_of(FAILED),
    }


@pytest.mark.parametrize(("numerics", "word"), [("1", SATURATED), ("2", DEAD)])
@pytest.mark.parametrize("cells", [1, 2], ids=["growing", "whole"])
def test_what_the_first_numerics_called_dead_is_saturated_at_least(runs, numerics, word, cells):
    verdicts = np.array([VERDICTS.index(DEAD), VERDICTS.index(SLOW)])
    cell = numbered([0, 2])  # neither is solved
    then = CellResult(
        seeds=cell.seeds,
        **{name: getattr(cell, name) for name in ARRAYS if name != "verdict"},
        verdict=verdicts,
    )
    folder = kept(runs, dict.fromkeys(range(cells), then))
    record = changed(folder, lambda about: about["versions"].update(numerics=numerics))
    found = read_sweep(record).results[("3",)]
    assert [VERDICTS[place] for place in found.verdict] == [word, SLOW]
    for name in ARRAYS:
        if name != "verdict":
            assert getattr(found, name).tolist() == getattr(cell, name).tolist()


def test_arrays_of_other_cells_than_were_swept_are_named(runs):
    folder = kept(runs, WHOLE)
    record = changed(folder, lambda about: about["sweep"]["axes"][0]["values"].append("5"))
    with pytest.raises(RunError) as told:
        read_sweep(record)
    assert str(told.value) == (
        f"{folder}/seeds.npz: cannot be what hsig wrote: ValueError: zip() argument 2 is shorter "
        "than argument 1"
    )


@pytest.mark.parametrize("reader", [read_sweep, sweep_again])
def test_keys_that_nobody_knows_any_more_are_named_with_their_file(runs, reader):
    record = with_keys(kept(runs, WHOLE), momentum=0.9)
    with pytest.raises(ConfigError) as told:
        reader(record)
    assert str(told.value).startswith(f"{record.folder}/run.json: unknown key ")


# --- where it is from -------------------------------------------------------------------------


def test_what_is_typed_is_relative_to_the_folder_of_the_config_or_else_to_ones_own(runs):
    here, flags = runs.parent.resolve(), {"epochs": "3,4"}
    assert Origin.typed(Path("maps/map.yaml"), flags) == (
        Path("maps/map.yaml"),
        flags,
        here / "maps",
        "maps/map.yaml",
    )
    assert Origin.typed(None, flags) == (None, flags, here, "")


def test_a_kept_sweep_has_its_config_in_its_record_and_the_folder_of_the_one_that_was_given(runs):
    folder = kept(runs, {})
    config, here = folder / "config.yaml", runs.parent.resolve()
    assert origin_of(read(folder)) == (config, {}, here, "map.yaml")


def test_a_kept_sweep_by_flags_has_them_and_the_folder_in_which_they_were_typed(runs):
    flags = {"activation": "hard", "epochs": "3,4"}
    assert origin_of(read(begun(runs, None, flags))) == (None, flags, runs.parent.resolve(), "")


def test_the_first_records_have_the_folder_that_the_name_of_their_config_has(runs):
    def as_at_first(about):
        del about["sweep"]["folder"]
        about["configs"] = {name: "maps/map.yaml" for name in about["configs"]}

    record = changed(kept(runs, {}), as_at_first)
    config = record.folder / "config.yaml"
    assert origin_of(record) == (config, {}, Path("maps"), "maps/map.yaml")
    flags = {"activation": "hard", "epochs": "3,4"}
    record = changed(begun(runs.with_name("others"), None, flags), as_at_first)
    assert origin_of(record) == (None, flags, Path(), "")


# --- made again -------------------------------------------------------------------------------


@pytest.mark.parametrize("again", [sweep_again, sweep_to_resume])
def test_it_is_made_again_from_its_own_config_with_as_many_workers_as_are_wanted(runs, again):
    record = read(kept(runs, WHOLE))
    assert spelled(again(record)) == spelled(load_sweep(MAP, {}))
    assert spelled(again(record, "3")) == spelled(load_sweep(MAP, {"workers": "3"}))
    MAP.unlink()
    assert [experiment.workers for experiment in again(record, "2").experiments] == [2, 2]


@pytest.mark.parametrize("again", [sweep_again, sweep_to_resume])
def test_it_is_made_again_from_its_own_flags_with_other_workers_in_place_of_theirs(runs, again):
    flags = {"activation": "hard", "epochs": "3,4", "workers": "2"}
    record = read(begun(runs, None, flags))
    assert spelled(again(record)) == spelled(load_sweep(None, flags))
    assert spelled(again(record, "3")) == spelled(load_sweep(None, {**flags, "workers": "3"}))


def test_a_config_that_was_changed_in_its_record_is_not_taken(runs):
    record = read(kept(runs, WHOLE))
    (record.folder / "config.yaml").write_text("activation: tanh\n", encoding="utf-8")
    with pytest.raises(RunError) as told:
        sweep_again(record)
    path = record.folder / "config.yaml"
    assert str(told.value) == (f"{path}: was changed after it was written: its checksum is another")


def test_a_sweep_that_means_something_else_by_now_is_not_made_again(runs):
    folder = kept(runs, WHOLE)
    told = (
        f"{folder.name}: its config means something else by now: %s. Give the config or the flags "
        "themselves: hsig sweep"
    )
    before = read(folder)
    record = with_keys(folder, learning_rate=0.7, hidden=5)
    with pytest.raises(ConfigError) as problem:
        sweep_again(record)
    assert str(problem.value) == told % "learning_rate, hidden"
    (folder / "run.json").write_bytes(signed({**before.about, "checksum": ""}))
    record = changed(folder, lambda about: about["sweep"]["axes"][0]["values"].reverse())
    with pytest.raises(ConfigError) as problem:
        sweep_again(record)
    assert str(problem.value) == told % "sweep"


def test_how_many_workers_there_were_and_how_often_it_was_reported_does_not_matter(runs):
    record = with_keys(kept(runs, WHOLE), workers=7, report_every=2)
    assert spelled(sweep_again(record)) == spelled(load_sweep(MAP, {}))


ROWS = "0,1,1\n1,0,1\n1,1,0\n0,0,0\n"


@pytest.mark.parametrize("by", ["config", "flags"])
def test_the_files_that_a_sweep_names_are_found_from_anywhere(runs, monkeypatch, by):
    runs.with_name("rows.csv").write_text(ROWS, encoding="utf-8")
    flags = {"task": "csv:rows.csv", "activation": "hard", "epochs": "3,4"}
    config = None
    if by == "config":
        config, flags = MAP, {}
        config.write_text("task: {csv: rows.csv}\nsweep: {epochs: [3, 4]}\n", encoding="utf-8")
    record = read(begun(runs, config, flags))
    wanted = load_sweep(config, flags)
    elsewhere = runs.with_name("elsewhere")
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert spelled(sweep_again(record)) == spelled(wanted)


@pytest.mark.parametrize("folder_is_kept", [True, False])
def test_a_file_that_is_gone_is_told_and_where_it_may_be_if_that_was_not_kept(runs, folder_is_kept):
    rows = runs.with_name("rows.csv")
    rows.write_text(ROWS, encoding="utf-8")
    flags = {"task": "csv:rows.csv", "activation": "hard", "epochs": "3,4"}
    folder = begun(runs, None, flags)
    rows.unlink()
    if not folder_is_kept:
        changed(folder, lambda about: about["sweep"].pop("folder"))
    record = read(folder)
    with pytest.raises(ConfigError) as told:
        sweep_again(record)
    assert "rows.csv" in told.value.messages[0]
    assert told.value.messages[1:] == (
        ()
        if folder_is_kept
        else (
            f"{record.id}: was kept without the folder that file names are relative to. Try in it",
        )
    )


def test_what_numbers_depend_on_decides_whether_a_sweep_may_go_on(runs, monkeypatch):
    record = read(kept(runs, {}))
    wanted = sweep_to_resume(record)
    assert digest_of(wanted) == record.digest
    assert same_digest(record, wanted)
    monkeypatch.setattr("hsig.engines.choice.NUMERICS", 0)
    assert not same_digest(record, wanted)
    assert spelled(sweep_again(record)) == spelled(wanted)
    with pytest.raises(ConfigError) as told:
        sweep_to_resume(record)
    assert str(told.value) == (
        f"{record.id}: what its numbers depend on has changed since (versions, numerics, engine, "
        "processor or record), so its cells cannot stand beside new ones. To train all of them "
        "anew, give its config or its flags: hsig sweep"
    )


# --- the same bits ----------------------------------------------------------------------------


def other_bits(name):
    """A cell of two seeds with another number in one of its arrays."""
    cell = numbered([3, 4])
    arrays = {each: getattr(cell, each).copy() for each in ARRAYS}
    changes = {"solved": np.logical_not, "cost": partial(np.nextafter, 9.0)}
    arrays[name][1] = changes.get(name, partial(np.add, 1))(arrays[name][1])
    return CellResult(seeds=cell.seeds, **arrays)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (numbered([3, 4]), numbered([3, 4]), []),
        (FAILED, CellResult.failed("another reason"), []),
        *((numbered([3, 4]), other_bits(name), [name]) for name in ARRAYS),
        (other_bits("cost"), other_bits("verdict"), ["verdict", "cost"]),
        (None, numbered([3, 4]), ["one was not trained"]),
        (numbered([3, 4]), None, ["one was not trained"]),
        (numbered([3, 4]), FAILED, ["one was not trained"]),
        (FAILED, numbered([3, 4]), ["one was not trained"]),
        (None, FAILED, ["one was not trained"]),
        (FAILED, None, ["one was not trained"]),
        (None, None, ["one was not trained"]),
    ],
)
def test_numbers_that_differ_are_named_with_their_cell(before, after, told):
    was = {("0.1", "5"): FAILED, ("0.1", "9"): numbered([0]), ("1", "5"): before, ("1", "9"): None}
    again = {("0.1", "5"): numbered([2]), ("0.1", "9"): numbered([0])}
    if after is not None:
        again[("1", "5")] = after
    assert different_cells(swept(was), again) == [
        "0.1, 5: one was not trained",
        *(f"1, 5: {name}" for name in told),
        "1, 9: one was not trained",
    ]
