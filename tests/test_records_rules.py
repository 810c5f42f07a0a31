"""Rules of keeping that hold unseen, until a record is needed: each has cost somebody something."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from commands import hsig
from prepared import made_run

from hsig.config.sweeps import load_sweep
from hsig.experiments.sweeps import train_cell
from hsig.runs import every, find, keep, remove
from hsig.runs.store import read_journal
from hsig.runs.sweeps import Ledger, Origin

SWEEP = "activation: hard\nloss: squared\nseeds: {}\nsweep:\n  epochs: {}\n"


def swept(runs, seeds, epochs):
    """What is to be trained of such a sweep, whose record is opened and left."""
    config = runs.with_name("map.yaml")
    config.write_text(SWEEP.format(seeds, epochs), encoding="utf-8")
    ledger = Ledger(runs, load_sweep(config, {}))
    moment = datetime.now(UTC)
    ledger.open(Origin.typed(config, {}), arguments=(), started=moment)
    return ledger


def done(ledger):
    for number, experiment in ledger.missing():
        ledger.note(number, train_cell(experiment))
    ledger.close(lambda: "{}")


def arrays_of(runs):
    with np.load(find(runs, "latest").folder / "seeds.npz") as file:
        return dict(file)


def test_seeds_that_came_out_of_order_are_kept_in_the_order_that_was_asked_for(runs, tmp_path):
    """Those that another sweep had come first, and are put back between the others."""
    done(swept(runs, [4, 1], [3, 4]))
    ledger = swept(runs, [4, 3, 2, 1, 0], [3, 4])
    assert [experiment.seeds for _, experiment in ledger.missing()] == [(3, 2, 0)] * 2
    done(ledger)
    found = arrays_of(runs)
    assert found["seed"].tolist() == [4, 3, 2, 1, 0] * 2
    done(swept(tmp_path / "alone", [4, 3, 2, 1, 0], [3, 4]))
    for name, array in arrays_of(tmp_path / "alone").items():
        np.testing.assert_array_equal(found[name], array)


def test_cells_that_were_taken_from_another_sweep_are_there_when_that_is_gone(runs):
    done(swept(runs, 3, [3, 4]))
    (first,), _ = every(runs)
    ledger = swept(runs, 5, [3, 4, 5])
    ledger._journal.close()  # as of a process that is killed before it trains anything
    second = find(runs, "latest")
    lines = read_journal(second.folder / "cells.log")
    assert [(line["cell"], line["seeds"]) for line in lines] == [
        (["3"], [0, 1, 2]),
        (["4"], [0, 1, 2]),
    ]
    remove(first.folder)
    again = swept(runs, 5, [3, 4, 5])
    assert [e.seeds for _, e in again.missing()] == [(3, 4), (3, 4), (0, 1, 2, 3, 4)]
    done(again)
    assert find(runs, "latest").complete


def test_cells_that_are_taken_are_written_once(runs):
    done(swept(runs, 3, [3, 4]))
    for _ in range(3):
        swept(runs, 5, [3, 4, 5])._journal.close()
    assert len(read_journal(find(runs, "latest").folder / "cells.log")) == 2


def test_what_is_amended_keeps_the_sizes_of_what_was_there(runs):
    """Or a config that was lost later would be missed by nobody."""
    done(swept(runs, 2, [3, 4]))
    record = find(runs, "latest")
    names = ["config.yaml", "result.json", "seeds.npz"]
    assert sorted(record.about["bytes"]) == sorted(record.about["files"]) == names
    (record.folder / "config.yaml").unlink()
    assert "config.yaml: is missing. Expected" in hsig("runs", "list")[2]


def test_an_exact_id_means_itself_whatever_else_begins_so_or_has_the_name(runs):
    record = keep(runs, made_run())
    longer = [runs / f"{record.id}{digit}" for digit in "0a"]
    for folder in longer:
        shutil.copytree(record.folder, folder)
        (folder / "note.json").write_text(json.dumps({"name": "x", "note": ""}))
    assert find(runs, record.id).folder == record.folder
    assert [find(runs, folder.name).folder for folder in longer] == longer
    named = keep(runs, made_run())
    note = json.dumps({"name": longer[0].name[:20], "note": ""})
    (named.folder / "note.json").write_text(note)
    assert find(runs, longer[0].name[:20]).id == named.id
    assert find(runs, record.id).folder == record.folder


@pytest.mark.parametrize("word", ["rm", "note", "show", "export", "rerun"])
def test_every_command_means_the_same_by_an_exact_id(runs, word):
    record = keep(runs, made_run())
    other = Path(shutil.copytree(record.folder, runs / f"{record.id}0"))
    more = {"rm": ("--yes",), "note": ("--name", "x"), "export": ("-o", "x.zip")}.get(word, ())
    assert hsig("runs", word, record.id, *more)[0] == 0
    assert record.folder.exists() is (word != "rm")
    assert other.exists()
    assert not (other / "note.json").exists()
