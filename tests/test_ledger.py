"""What is kept of a sweep that goes on, and found again, with cells that are made by hand."""

import errno
import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prepared import made_run
from test_cells import all_of, numbered

from hsig import files
from hsig.analysis.sweeps import summarise_cell
from hsig.config.sweeps import load_sweep
from hsig.errors import BusyError, RunError
from hsig.experiments.sweeps import CellResult
from hsig.runs import keep, read
from hsig.runs.provenance import cell_key, keys_of
from hsig.runs.store import Journal, read_journal
from hsig.runs.sweeps import Ledger, Origin, digest_of, line_of, unpacked

MAP = Path("map.yaml")
CONFIG = "activation: hard\nseeds: {}\nsweep:\n  epochs: {}\n"
FAILED = CellResult.failed("no gradient")
locked = pytest.mark.skipif(os.name == "nt", reason="no locks on this system")


def ledger_of(runs, seeds=(0, 1), epochs=(3, 4)):
    """Of a sweep of these epochs with these seeds, opened by nobody yet."""
    MAP.write_text(CONFIG.format([*seeds], [*epochs]), encoding="utf-8")
    return Ledger(runs, load_sweep(MAP, {}))


def opened(ledger, day=2):
    """The same ledger, whose record is of that day if it is a new one."""
    ledger.open(
        Origin.typed(MAP, {}),
        arguments=("sweep", "map.yaml"),
        started=datetime(2026, 1, day, tzinfo=UTC),
    )
    return ledger


def kept(runs, cells, day=2, **of):
    """The record of such a sweep, with these cells by their number; whole if none is missing."""
    ledger = opened(ledger_of(runs, **of), day)
    for number, cell in cells.items():
        ledger.note(number, cell)
    ledger.close(lambda: '{"the": "result"}')
    return folder_of(runs, day)


def folder_of(runs, day=2):
    """Of the only record of that day."""
    (folder,) = runs.glob(f"202601{day:02}T*")
    return folder


def copied(folder, day):
    """The same record as one of a later day."""
    return shutil.copytree(folder, folder.with_name(f"202601{day:02}{folder.name[8:]}"))


def lines_of(folder):
    return [(tuple(line["cell"]), line["seeds"]) for line in read_journal(folder / "cells.log")]


def missing_of(ledger):
    return {number: experiment.seeds for number, experiment in ledger.missing()}


def shown_of(ledger):
    return {cell: summary and repr(summary) for cell, summary in ledger.summaries.items()}


def shown(cell):
    """The summary of a cell in the same words."""
    return repr(summarise_cell(cell))


WHOLE = {0: numbered([0, 1]), 1: numbered([0, 1], more=50)}

# --- what is written --------------------------------------------------------------------------


def test_a_new_record_says_what_is_swept_and_what_it_depends_on(runs):
    ledger = opened(ledger_of(runs))
    folder = folder_of(runs)
    assert sorted(path.name for path in folder.iterdir()) == [
        "cells.log",
        "config.yaml",
        "run.json",
    ]
    about = dict(read(folder).about)
    wanted = load_sweep(MAP, {})
    assert {name: about[name] for name in ("command", "arguments", "started", "digest")} == {
        "command": "sweep",
        "arguments": ["sweep", "map.yaml"],
        "started": "2026-01-02T00:00:00+00:00",
        "digest": digest_of(wanted),
    }
    assert (about["seconds"], about["complete"]) == (0.0, False)
    assert about["configs"] == {"config.yaml": "map.yaml"}
    assert [*about["files"]] == [*about["bytes"]] == ["config.yaml"]
    assert (folder / "config.yaml").read_text() == CONFIG.format([0, 1], [3, 4])
    assert about["sweep"] == {
        "axes": [{"name": "epochs", "values": ["3", "4"]}],
        "flags": {},
        "folder": str(runs.parent.resolve()),
    }
    assert about["parts"] == [
        {
            "name": "",
            "layers": "",
            "is_config": False,
            "labels": ["hard"],
            "experiment": json.loads(json.dumps(keys_of(wanted.experiments[0]))),
            "results": [],
        }
    ]
    ledger.close(lambda: "never")


def test_a_sweep_by_flags_keeps_them_and_no_config(runs):
    flags = {"activation": "hard", "epochs": "3,4", "seeds": "2"}
    ledger = Ledger(runs, load_sweep(None, flags))
    ledger.open(Origin.typed(None, flags), arguments=(), started=datetime(2026, 1, 2, tzinfo=UTC))
    ledger.close(lambda: "never")
    about = read(folder_of(runs)).about
    assert (about["configs"], about["files"], about["sweep"]["flags"]) == ({}, {}, flags)


def test_each_cell_is_a_line_as_soon_as_it_is_there(runs):
    ledger = opened(ledger_of(runs))
    wanted = load_sweep(MAP, {})
    expected = []
    for number, cell in ((1, numbered([0, 1])), (0, FAILED)):
        ledger.note(number, cell)
        key = cell_key(wanted.experiments[number])
        expected.append(line_of(key, wanted.cells[number], cell))
        assert read_journal(folder_of(runs) / "cells.log") == expected
    ledger.close(lambda: "{}")


def test_the_last_cell_makes_a_whole_of_it_with_arrays_and_a_result(runs):
    folder = kept(runs, WHOLE)
    record = read(folder)
    assert (record.complete, record.packed) == (True, True)
    assert (folder / "result.json").read_text() == '{"the": "result"}'
    assert sorted(record.about["files"]) == ["config.yaml", "result.json", "seeds.npz"]
    wanted = load_sweep(MAP, {})
    assert [(key, all_of(cell)) for key, cell in unpacked(record)] == [
        (cell_key(experiment), all_of(WHOLE[number]))
        for number, experiment in enumerate(wanted.experiments)
    ]
    assert not (folder / "cells.log").exists()


def test_a_sweep_that_stops_early_stays_one_that_grows(runs):
    folder = kept(runs, {1: numbered([0, 1])})
    record = read(folder)
    assert (record.complete, record.packed) == (False, False)
    assert lines_of(folder) == [(("4",), [0, 1])]
    assert not (folder / "result.json").exists()
    kept(runs, {0: numbered([0, 1])})
    assert read(folder).complete


def test_the_seconds_of_all_who_were_at_it_are_added(runs, monkeypatch):
    moments = iter([100.0, 105.5, 50.0, 57.0])
    monkeypatch.setattr("hsig.runs.sweeps.monotonic", lambda: next(moments))
    folder = kept(runs, {0: numbered([0, 1])})
    assert read(folder).about["seconds"] == 5.5
    kept(runs, {1: numbered([0, 1])})
    assert read(folder).about["seconds"] == 12.5


def test_a_finished_sweep_is_neither_opened_nor_written_again(runs):
    folder = kept(runs, WHOLE)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    ledger = opened(ledger_of(runs), day=3)
    assert ledger.missing() == []
    ledger.close(lambda: "another")
    assert [*runs.iterdir()] == [folder]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_cells_that_are_not_kept_are_known_all_the_same(runs):
    ledger = ledger_of(runs)
    for number, cell in WHOLE.items():
        ledger.note(number, cell)
    assert (ledger.missing(), None in ledger.summaries.values()) == ([], False)
    ledger.close(lambda: "never")
    ledger.call("a name", "a note")
    assert not runs.exists()


# --- what is there and what is missing --------------------------------------------------------


def test_a_cell_is_summarised_when_its_last_seed_is_there_in_the_order_that_was_asked_for(runs):
    ledger = ledger_of(runs, seeds=(7, 2, 5))
    assert shown_of(ledger) == {("3",): None, ("4",): None}
    ledger.note(1, numbered([5, 2]))
    assert missing_of(ledger) == {0: (7, 2, 5), 1: (7,)}
    assert shown_of(ledger)[("4",)] is None
    ledger.note(1, numbered([7]))
    assert shown_of(ledger)[("4",)] == shown(numbered([7, 2, 5]))
    assert missing_of(ledger) == {0: (7, 2, 5)}
    assert shown_of(ledger)[("3",)] is None


def test_what_is_missing_is_the_experiment_itself_with_the_seeds_that_lack(runs):
    ledger = ledger_of(runs, seeds=(7, 2, 5))
    ledger.note(0, numbered([2]))
    (_, first), (_, second) = ledger.missing()
    assert (first.epochs, first.seeds) == (3, (7, 5))
    assert (second.epochs, second.seeds) == (4, (7, 2, 5))


def test_a_cell_that_failed_lacks_nothing_and_has_its_reason(runs):
    ledger = opened(ledger_of(runs))
    ledger.note(0, FAILED)
    assert missing_of(ledger) == {1: (0, 1)}
    assert ledger.summaries[("3",)].failure == "no gradient"
    ledger.note(1, numbered([0, 1]))
    ledger.close(lambda: "{}")
    again = ledger_of(runs)
    assert again.missing() == []
    assert shown_of(again) == shown_of(ledger)
    found = [all_of(cell) for _, cell in unpacked(read(folder_of(runs)))]
    assert found == [all_of(FAILED), all_of(numbered([0, 1]))]


def test_a_finished_sweep_is_known_without_opening_it(runs):
    kept(runs, WHOLE)
    ledger = ledger_of(runs)
    assert (ledger.problem, ledger.warnings, ledger.missing()) == (None, [], [])
    assert shown_of(ledger) == {
        ("3",): shown(WHOLE[0]),
        ("4",): shown(WHOLE[1]),
    }


def test_a_sweep_that_is_kept_twice_goes_on_in_the_newest_with_the_cells_of_both(runs):
    older = kept(runs, {0: numbered([0, 1])})
    newest = copied(older, day=5)
    log = (older / "cells.log").read_bytes()
    (newest / "cells.log").write_bytes(b"")
    ledger = opened(ledger_of(runs))
    assert missing_of(ledger) == {1: (0, 1)}
    ledger.note(1, numbered([0, 1]))
    ledger.close(lambda: "{}")
    assert (read(newest).complete, read(older).complete) == (True, False)
    assert (older / "cells.log").read_bytes() == log


# --- what other sweeps have -------------------------------------------------------------------


def test_cells_of_others_are_taken_seed_by_seed_and_kept_with_the_new_ones(runs):
    kept(runs, {0: numbered([5, 1])}, day=2, seeds=(5, 1, 9), epochs=(3, 7))
    kept(runs, {0: numbered([0, 1]), 1: numbered([2, 8])}, day=3, seeds=(0, 1, 2, 8))
    ledger = ledger_of(runs, seeds=(0, 1, 2, 5))
    assert missing_of(ledger) == {0: (2,), 1: (0, 1, 5)}
    opened(ledger, day=4)
    assert lines_of(folder_of(runs, day=4)) == [(("3",), [0, 1, 5]), (("4",), [2])]
    ledger.note(0, numbered([2]))
    ledger.note(1, numbered([0, 1, 5]))
    ledger.close(lambda: "{}")
    found = [all_of(cell) for _, cell in unpacked(read(folder_of(runs, day=4)))]
    assert found == [all_of(numbered([0, 1, 2, 5]))] * 2
    assert shown_of(ledger)[("3",)] == shown(numbered([0, 1, 2, 5]))


def test_a_cell_that_others_have_whole_is_there_at_once(runs):
    kept(runs, WHOLE, epochs=(4, 3))
    ledger = ledger_of(runs)
    assert ledger.missing() == []
    assert shown_of(ledger)[("3",)] == shown(WHOLE[1])


def test_what_failed_for_others_is_tried_again_and_keeps_nobody_from_what_they_have(runs):
    kept(runs, {0: FAILED, 1: numbered([0, 1])}, day=2, epochs=(3, 4, 5))
    kept(runs, {0: numbered([0, 1]), 1: FAILED}, day=3, epochs=(3, 4, 6))
    kept(runs, {0: FAILED, 1: FAILED}, day=4, epochs=(3, 4, 7))
    assert missing_of(ledger_of(runs)) == {}
    assert missing_of(ledger_of(runs, epochs=(5, 6, 7))) == dict.fromkeys(range(3), (0, 1))
    kept(runs, {0: FAILED}, day=5, epochs=(8, 9))
    assert missing_of(ledger_of(runs, epochs=(8,))) == {0: (0, 1)}


def test_what_is_damaged_elsewhere_or_is_no_sweep_is_passed_over_without_a_word(runs):
    keep(runs, made_run(activation="hard", epochs="3", seeds="2"))
    damaged = kept(runs, WHOLE, day=3, epochs=(3, 4))
    (damaged / "seeds.npz").write_bytes(b"nothing")
    kept(runs, {1: numbered([0, 1])}, day=4, epochs=(7, 4))
    ledger = ledger_of(runs, epochs=(3, 4, 5))
    assert missing_of(ledger) == {0: (0, 1), 2: (0, 1)}
    assert (ledger.warnings, ledger.problem) == ([], None)


def test_what_is_wrong_with_records_of_the_sweep_is_told_with_what_to_do(runs):
    oldest = kept(runs, {0: numbered([0, 1])}, day=2)
    with (oldest / "cells.log").open("ab") as log:
        log.write(b"damaged\n")
    newest = copied(oldest, day=4)
    whole = kept(runs.with_name("others"), WHOLE, day=3)
    (whole / "seeds.npz").write_bytes(b"nothing")
    whole = whole.rename(runs / whole.name)
    ledger = ledger_of(runs)
    assert ledger.warnings == [
        f"{oldest}/cells.log: line 2 is damaged. A cell that no other line has is trained again "
        f"when the sweep goes on: hsig sweep --resume {oldest.name}",
        f"{whole}/seeds.npz: was changed after it was written: its checksum is another. To remove "
        f"it: hsig runs rm {whole.name}",
        f"{newest}/cells.log: line 2 is damaged. A cell that no other line has is trained again "
        f"when the sweep goes on: hsig sweep --resume {newest.name}",
    ]
    assert (ledger.problem, missing_of(ledger)) == (None, {1: (0, 1)})


def test_a_sweep_whose_newest_record_is_damaged_goes_on_in_the_one_before(runs):
    growing = kept(runs, {0: numbered([0, 1])}, day=2)
    whole = kept(runs.with_name("others"), WHOLE, day=3)
    (whole / "seeds.npz").unlink()
    whole.rename(runs / whole.name)
    kept(runs, {1: numbered([0, 1])})
    assert read(growing).complete


# --- several processes ------------------------------------------------------------------------


@locked
def test_who_opens_a_sweep_that_goes_on_is_told_and_may_have_it_when_the_other_ends(runs):
    first = opened(ledger_of(runs))
    second = ledger_of(runs)
    first.note(0, numbered([0, 1]))
    with pytest.raises(BusyError) as told:
        opened(second)
    path = folder_of(runs) / "cells.log"
    assert str(told.value) == f"{path}: another process is writing to it"
    assert (second.problem, missing_of(second)) == (None, {0: (0, 1), 1: (0, 1)})
    first.close(lambda: "never")
    opened(second)
    assert missing_of(second) == {1: (0, 1)}
    assert shown_of(second) == {("3",): shown(numbered([0, 1])), ("4",): None}
    second.note(1, numbered([0, 1]))
    second.close(lambda: "{}")
    assert read(folder_of(runs)).complete


def test_who_opens_a_sweep_that_just_ended_has_all_of_it_and_keeps_it_as_it_is(runs):
    kept(runs, {0: numbered([0, 1])})
    late = ledger_of(runs)
    folder = kept(runs, {1: numbered([0, 1])})
    before = (folder / "run.json").read_bytes()
    opened(late)
    assert late.missing() == []
    assert shown_of(late)[("4",)] == shown(numbered([0, 1]))
    late.close(lambda: "never")
    assert (folder / "run.json").read_bytes() == before
    assert not (folder / "cells.log").exists()


@pytest.mark.parametrize("how", ["file", "folder"])
def test_lines_that_a_killed_process_left_beside_arrays_are_taken_away_if_they_can_be(runs, how):
    folder = kept(runs, WHOLE)
    left = folder / "cells.log"
    if how == "file":
        left.write_bytes(b"")
    else:
        left.mkdir()
    ledger = opened(ledger_of(runs))
    assert (ledger.problem, ledger.missing()) == (None, [])
    assert left.exists() is (how == "folder")


# --- what goes wrong --------------------------------------------------------------------------


def full(monkeypatch, when):
    """Have the disk full for files of which this is true."""
    write = files._write

    def tried(path, data, **how):
        if when(data):
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, data, **how)

    monkeypatch.setattr(files, "_write", tried)


def test_where_nothing_can_be_read_all_is_known_and_nothing_kept(runs):
    runs.write_text("a plain file", encoding="utf-8")
    ledger = opened(ledger_of(runs))
    assert str(ledger.problem) == f"{runs}: cannot be read: Not a directory"
    for number, cell in WHOLE.items():
        ledger.note(number, cell)
    assert ledger.missing() == []
    assert shown_of(ledger)[("4",)] == shown(WHOLE[1])
    ledger.call("a name", None)
    ledger.close(lambda: "never")
    assert runs.read_text(encoding="utf-8") == "a plain file"


def test_where_no_record_can_be_begun_the_problem_is_told_when_it_is_opened(runs, monkeypatch):
    ledger = ledger_of(runs)
    assert ledger.problem is None
    full(monkeypatch, lambda _: True)
    opened(ledger)
    assert str(ledger.problem) == f"{runs}: this run cannot be kept: No space left on device"
    ledger.note(0, numbered([0, 1]))
    assert missing_of(ledger) == {1: (0, 1)}
    ledger.close(lambda: "never")
    assert [*runs.iterdir()] == []


def test_a_sweep_whose_arrays_do_not_fit_is_as_it_was_and_another_may_end_it(runs, monkeypatch):
    ledger = opened(ledger_of(runs))
    for number, cell in WHOLE.items():
        ledger.note(number, cell)
    folder = folder_of(runs)
    with monkeypatch.context() as patch:
        full(patch, lambda data: data.startswith(b"PK"))
        with pytest.raises(RunError) as told:
            ledger.close(lambda: "{}")
    assert str(told.value) == f"{folder}: cannot be written: No space left on device"
    assert lines_of(folder) == [(("3",), [0, 1]), (("4",), [0, 1])]
    kept(runs, {})
    assert read(folder).complete


def test_lines_that_nobody_needs_any_more_may_fail_to_settle(runs, monkeypatch):
    close = Journal.close

    def failing(journal):
        close(journal)
        raise RunError("the disk is broken")

    monkeypatch.setattr(Journal, "close", failing)
    folder = kept(runs, WHOLE)
    assert read(folder).complete
    assert not (folder / "cells.log").exists()


# --- what it is called ------------------------------------------------------------------------


def called(folder):
    note = read(folder).note
    return note.name, note.text


def test_it_is_called_what_is_given_and_the_rest_stays(runs):
    ledger = opened(ledger_of(runs))
    folder = folder_of(runs)
    ledger.call(None, None)
    assert not (folder / "note.json").exists()
    ledger.call("first", None)
    assert called(folder) == ("first", "")
    ledger.call(None, "of it")
    assert called(folder) == ("first", "of it")
    ledger.call("", "more")
    assert called(folder) == ("", "more")
    ledger.close(lambda: "never")


def test_where_nothing_is_given_not_even_a_damaged_note_is_touched(runs):
    ledger = opened(ledger_of(runs))
    note = folder_of(runs) / "note.json"
    note.write_bytes(b"{}")
    ledger.call(None, None)
    assert note.read_bytes() == b"{}"
    ledger.close(lambda: "never")


def test_a_name_that_cannot_be_written_leaves_the_record_as_one_that_goes_on(runs):
    ledger = opened(ledger_of(runs))
    folder = folder_of(runs)
    (folder / "note.json").mkdir()
    ledger.call("first", None)
    assert str(ledger.problem) == f"{folder / 'note.json'}: cannot be written: Is a directory"
    for number, cell in WHOLE.items():
        ledger.note(number, cell)
    ledger.close(lambda: "never")
    assert (read(folder).complete, len(lines_of(folder))) == (False, 2)
    shutil.rmtree(folder / "note.json", ignore_errors=True)
    kept(runs, {})
    assert read(folder).complete
