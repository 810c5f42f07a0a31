"""Every call of the system that records make can fail, or be the last of its process."""

import errno
import os
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prepared import made_run

from hsig.config.sweeps import load_sweep
from hsig.errors import HsigError
from hsig.experiments.sweeps import train_cell
from hsig.runs import Note, archive, every, find, keep, parts_of, read, remove, write_note
from hsig.runs.sweeps import Ledger, Origin, read_sweep

pytestmark = pytest.mark.skipif(os.name == "nt", reason="files have no descriptors here")

CALLS = (
    *("open", "write", "fsync", "replace", "rename", "unlink", "mkdir", "rmdir"),
    *("listdir", "scandir", "ftruncate"),
)
SWEEP = "activation: hard\nloss: squared\nseeds: 2\nsweep:\n  epochs: [3, 4]\n"
MOMENT = datetime(2026, 1, 2, tzinfo=UTC)
MADE = replace(made_run(seeds="2"), note=Note("old"))


class Killed(BaseException):
    """The process is no more: nothing that it would do afterwards is done."""


class Disk:
    """The system's calls, which are noted, and of which one fails or is the last.

    Args:
        patch: To put them in place.
        nth: Which, from 0 on.
        how: The number of the error, once; its negative for it and all that follow; None to kill.
    """

    def __init__(self, patch, nth=-1, how=None):
        self.made, self._nth, self._how, self._names = [], nth, how, {}
        self._dead = False
        for name in CALLS:
            patch.setattr(os, name, self._call(name, getattr(os, name)))
        patch.setattr("hsig.runs.store._SETTLE_S", 1000.0)

    def _call(self, name, function):
        def called(first, *more, **options):
            if self._dead:
                raise Killed
            place = len(self.made)
            where = self._names.get(first, first) if isinstance(first, int) else Path(first).name
            self.made.append((name, where, *(Path(p).name for p in more if isinstance(p, Path))))
            error = self._how and abs(self._how)
            if error and (place == self._nth or (self._how < 0 and place > self._nth >= 0)):
                if name == "write":
                    function(first, more[0][: len(more[0]) // 2])
                raise OSError(error, os.strerror(error))
            done = function(first, *more, **options)
            if name == "open":
                self._names[done] = where
            if place == self._nth and self._how is None:
                self._dead = True
                if name == "scandir":
                    done.close()
                raise Killed
            return done

        return called

    def close(self):
        """What the system does for a process that has ended."""
        for descriptor in self._names:
            with suppress(OSError):
                os.close(descriptor)


# --- what is done, and what must hold afterwards ----------------------------------------------


def keeping(runs):
    keep(runs, MADE)


def noting(runs):
    record = find(runs, "latest")
    write_note(record.folder, "new", "text")


def forgetting(runs):
    record = find(runs, "latest")
    write_note(record.folder, "", None)


def removing(runs):
    record = find(runs, "latest")
    remove(record.folder)


def sweeping(runs):
    wanted = load_sweep(runs.with_name("map.yaml"), {})
    ledger = Ledger(runs, wanted)
    ledger.open(Origin.typed(runs.with_name("map.yaml"), {}), arguments=(), started=MOMENT)
    try:
        for number, experiment in ledger.missing():
            ledger.note(number, train_cell(experiment))
    finally:
        ledger.close(lambda: "{}")
    if ledger.problem is not None:
        raise ledger.problem


def reading(runs):
    for record in every(runs)[0]:
        archive(record)


BEFORE = {keeping: None, noting: keeping, forgetting: keeping, removing: keeping, reading: keeping}
WAYS = [
    *((way, before) for way, before in BEFORE.items()),
    (sweeping, None),
    (reading, sweeping),
    (removing, sweeping),
]
HOW = [errno.ENOSPC, errno.EIO, errno.EACCES, -errno.EIO, None]


def numbers(record):
    """All that a record has, if it can be read to its end."""
    assert archive(record)
    if record.command == "sweep":
        cells = read_sweep(record).results
        return {cell: result and result.cost.tolist() for cell, result in cells.items()}
    return [result.cost_mean.tolist() for result in parts_of(record)[0].outcome.results]


def state(runs):
    """The numbers and notes of all records; nothing is wrong with any."""
    found, problems = every(runs)
    assert problems == []
    return [(record.command, record.complete, record.note, numbers(record)) for record in found]


@pytest.mark.parametrize("how", HOW, ids=["full", "broken", "denied", "broken for good", "killed"])
@pytest.mark.parametrize(
    ("way", "before"), WAYS, ids=[f"{w.__name__}-{b and b.__name__}" for w, b in WAYS]
)
def test_a_run_is_complete_or_absent_and_the_next_command_works(runs, way, before, how):
    """Each call in turn, until one is past the last."""
    runs.with_name("map.yaml").write_text(SWEEP, encoding="utf-8")
    nth, made = -1, []
    while nth < len(made):
        here = runs / str(nth) / "runs"
        here.parent.mkdir(parents=True)
        here.with_name("map.yaml").write_text(SWEEP, encoding="utf-8")
        if before is not None:
            before(here)
        at_first = state(here)
        with pytest.MonkeyPatch.context() as patch:
            disk = Disk(patch, nth, how)
            refused = _tried(way, here)
        disk.close()
        if nth < 0:
            assert not refused
            made = disk.made  # without any fault
        found = state(here)
        assert all(one in at_first or _is_whole(one) for one in found), (nth, made[nth])
        assert len(found) <= len(at_first) + 1
        if found or way is not removing:
            way(here)
        state(here)
        if way is sweeping:
            (done,) = state(here)
            assert done[1], (nth, made[nth])
            assert not [*here.glob("*/cells.log")]
        nth += 1
    assert len(made) > 3


def _tried(way, here):
    """Whether it was refused, in words, or ended."""
    try:
        way(here)
    except (HsigError, Killed):
        return True
    return False


def _is_whole(one):
    """Whether that is what a run, or a sweep that is done or may go on, has to be."""
    command, complete, note, found = one
    if command == "sweep":
        return None not in found.values() if complete else note == Note()
    return complete and note in (Note("old"), Note("new", "text"), Note()) and len(found) == 1


# --- what is promised is on the disk -----------------------------------------------------------


@pytest.fixture
def calls(monkeypatch, runs):
    """What is called, without any fault."""
    runs.with_name("map.yaml").write_text(SWEEP, encoding="utf-8")
    disk = Disk(monkeypatch)
    return disk.made


def order(calls, *wanted):
    """The places of these calls, of which each is looked for behind the one before."""
    places = [-1]
    for call in wanted:
        places.append(calls.index(call, places[-1] + 1))
    return places[1:]


def test_a_run_is_promised_when_its_files_and_all_folders_are_on_the_disk(runs, calls):
    record = keep(runs / "new", MADE)
    aside = f".unfinished-{record.id}"
    for name in ("result.json", "seeds.npz", "config.yaml", "note.json", "run.json"):
        order(
            calls,
            ("open", name),
            ("write", name),
            ("fsync", name),
            ("fsync", aside),
            ("rename", aside, record.id),
            ("fsync", "new"),
            ("fsync", runs.name),
            ("fsync", runs.parent.name),
        )
    assert calls[-1] == ("fsync", runs.parent.name)


def test_a_sweep_that_ends_is_on_the_disk_before_its_cells_are_taken_away(runs, calls):
    sweeping(runs)
    (record,) = every(runs)[0]
    made = [call for call in calls if call[1:2] != (record.id,) or call[0] == "fsync"]
    (begun,) = order(calls, ("open", "cells.log"))
    assert ("fsync", record.id) in calls[begun:][:8]  # or the file had no name after a power cut
    steps = []
    for name in ("seeds.npz", "result.json", "run.json"):
        replaced = next(n for n, call in enumerate(made) if call[0::2] == ("replace", name))
        aside = made[replaced][1]
        assert made.index(("fsync", aside)) < replaced
        steps += [replaced, made.index(("fsync", record.id), replaced)]
    steps += [made.index(("unlink", "cells.log"))]
    assert steps == sorted(steps)
    last_cell = max(n for n, call in enumerate(made) if call == ("write", "cells.log"))
    assert ("fsync", "cells.log") in made[last_cell:]


def test_a_note_is_on_the_disk_when_it_is_told(runs, calls):
    record = keep(runs, MADE)
    del calls[:]
    write_note(record.folder, "new", None)
    aside = next(call[1] for call in calls if call[0] == "replace")
    order(calls, ("write", aside), ("fsync", aside), ("replace", aside, "note.json"))
    assert calls[-1] == ("fsync", record.id)
    write_note(record.folder, "", "")
    assert calls[-2:] == [("open", record.id), ("fsync", record.id)]


def test_what_is_removed_is_absent_at_once_and_not_file_by_file(runs, calls):
    record = keep(runs, MADE)
    del calls[:]
    remove(record.folder)
    aside = f".unfinished-{record.id}"
    assert calls[0] == ("rename", record.id, aside)
    assert calls[-1] == ("fsync", runs.name)
    assert [*runs.iterdir()] == []


def test_what_a_process_left_when_it_was_killed_is_cleared_by_the_one_that_goes_on(runs):
    runs.with_name("map.yaml").write_text(SWEEP, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(patch)
        sweeping(runs)
    arrays = next(n for n, call in enumerate(disk.made) if call[0::2] == ("replace", "seeds.npz"))
    (record,) = every(runs)[0]
    remove(record.folder)
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(patch, arrays - 1)
        with pytest.raises(Killed):
            sweeping(runs)
    disk.close()
    (record,) = every(runs)[0]
    assert len([*record.folder.glob(".unfinished-*")]) == 1
    sweeping(runs)
    assert sorted(path.name for path in record.folder.iterdir()) == [
        "config.yaml",
        "result.json",
        "run.json",
        "seeds.npz",
    ]
    assert read(record.folder).about["bytes"].keys() == read(record.folder).about["files"].keys()


def test_a_sweep_whose_arrays_are_there_needs_its_lines_no_more(runs, monkeypatch):
    """So a disk that fails with them then is no reason to say that it was not kept."""
    runs.with_name("map.yaml").write_text(SWEEP, encoding="utf-8")
    fsync = os.fsync
    logs = []

    def fails(descriptor):
        if [*runs.glob("*/seeds.npz")] and os.fstat(descriptor).st_ino in logs:
            raise OSError(errno.EIO, "Input/output error")
        logs.extend(path.stat().st_ino for path in runs.glob("*/cells.log"))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fails)
    sweeping(runs)
    (record,) = every(runs)[0]
    assert record.complete
    assert not (record.folder / "cells.log").exists()
