"""Who reads while another writes sees a record as it was before, or as it is after; never between.

Run as a program, this file is one of several that read and write the same runs.
"""

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations_with_replacement
from pathlib import Path

import pytest
from commands import hsig
from prepared import made_run

from hsig import files
from hsig.config.sweeps import load_sweep
from hsig.errors import ConfigError, RunError
from hsig.experiments.sweeps import train_cell
from hsig.runs import Note, archive, every, find, keep, read, remove, write_note
from hsig.runs import store as records
from hsig.runs.store import GoneError
from hsig.runs.sweeps import Ledger, Origin, read_sweep

SWEEP = "activation: hard\nloss: squared\nseeds: 2\nsweep:\n  epochs: [3, 4]\n"
MOMENT = datetime(2026, 1, 2, tzinfo=UTC)


def begun(runs, config):
    """A sweep whose two cells are there and that is not packed, as of a killed process."""
    wanted = load_sweep(config, {})
    ledger = Ledger(runs, wanted)
    ledger.open(Origin.typed(config, {}), arguments=(), started=MOMENT)
    for number, experiment in ledger.missing():
        ledger.note(number, train_cell(experiment))
    return ledger


@pytest.fixture
def sweep(runs):
    """The folder of a sweep with its cells in lines, and the same one when it is packed."""
    config = runs.with_name("map.yaml")
    config.write_text(SWEEP, encoding="utf-8")
    ledger = begun(runs, config)
    (folder,) = runs.iterdir()
    growing, packed = (runs.with_name(name) for name in ("growing", "packed"))
    shutil.copytree(folder, growing)
    ledger.close(lambda: "{}")
    shutil.copytree(folder, packed)
    return folder, growing, packed


def finishing(folder, packed):
    """The steps in which a sweep ends, in the order in which they are made."""
    for name in ("seeds.npz", "result.json", "run.json"):
        yield lambda name=name: (packed / name).replace(folder / name)
    yield lambda: (folder / "cells.log").unlink()


def removing(folder):
    """The steps in which a record is removed."""
    aside = folder.with_name(f"{files.ASIDE}{folder.name}")
    yield lambda: folder.rename(aside)
    for path in sorted(folder.iterdir()):
        yield lambda name=path.name: (aside / name).unlink()
    yield aside.rmdir


def listed(runs):
    """What a list says: which records, how far they are, and what is wrong."""
    found, problems = every(runs)
    return [(record.id, record.complete, record.note.name) for record in found], problems


def shown(runs):
    """The cells of the newest sweep, and the name that it has."""
    try:
        cells = read_sweep(find(runs, "latest")).results
    except ConfigError as nothing:
        return str(nothing)
    except GoneError:
        return f"{runs}: there are no kept runs here. Choose the folder with --runs-dir"
    return [(cell, result and result.cost.tolist()) for cell, result in cells.items()]


def packed_up(runs):
    """What is exported of the newest run."""
    try:
        return archive(find(runs, "latest"))
    except ConfigError as nothing:
        return str(nothing)
    except GoneError:
        return f"{runs}: there are no kept runs here. Choose the folder with --runs-dir"


def interleaved(patch, reader, runs, steps, when):
    """What a reader says if each step is made before its so-manieth look at the disk.

    Returns:
        That, and how often it looked.
    """
    looks, left = [], list(zip(when, steps, strict=True))

    def seam(function):
        def looked(*arguments):
            while left and left[0][0] <= len(looks):
                left.pop(0)[1]()
            looks.append(function)
            return function(*arguments)

        return looked

    with patch.context() as patched:
        for name in ("entries", "read_bytes", "_size"):
            patched.setattr(records, name, seam(getattr(records, name)))
        patched.setattr("hsig.runs.listing.entries", records.entries)
        patched.setattr("hsig.runs.store.read_bytes", records.read_bytes)
        said = reader(runs)
    for _, step in left:
        step()
    return said, len(looks)


READERS = pytest.mark.parametrize("reader", [listed, shown, packed_up])


@READERS
def test_a_sweep_that_ends_is_read_as_it_was_or_as_it_is(sweep, monkeypatch, reader):
    """Every way in which the four steps of its end can fall between the looks of a reader."""
    folder, growing, packed = sweep
    runs, seen = folder.parent, set()

    def again():
        shutil.rmtree(folder)
        shutil.copytree(growing, folder)
        copy = packed.with_name("copy")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(packed, copy)
        return list(finishing(folder, copy))

    steps = again()
    before = reader(runs)
    looks = interleaved(monkeypatch, reader, runs, steps, [99] * 4)[1]
    after = reader(runs)
    assert looks >= 3
    for when in combinations_with_replacement(range(looks + 1), 4):
        said, _ = interleaved(monkeypatch, reader, runs, again(), when)
        assert said in (before, after), when
        seen.add(said == after)
    assert seen == {False, True} or before == after
    assert (before == after) is (reader is shown)


@READERS
def test_a_run_that_is_removed_is_read_whole_or_not_at_all(sweep, monkeypatch, reader):
    folder, _, packed = sweep
    runs, seen = folder.parent, set()

    def again():
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(packed, folder)
        return list(removing(folder))

    steps = again()
    before = reader(runs)
    looks = interleaved(monkeypatch, reader, runs, steps, [99] * len(steps))[1]
    after = reader(runs)
    for first in range(looks + 1):
        for second in range(first, looks + 1):
            steps = again()
            when = [first, *[second] * (len(steps) - 1)]
            said, _ = interleaved(monkeypatch, reader, runs, steps, when)
            assert said in (before, after), when
            seen.add(said == after)
    assert seen == {False, True}


def test_a_list_has_all_that_is_there_when_one_of_them_is_removed(runs, monkeypatch):
    kept = [keep(runs, replace(made_run(), started=MOMENT.replace(day=n))) for n in (3, 4, 5)]
    others = {kept[0].id, kept[2].id}
    for look in range(12):
        shutil.copytree(kept[1].folder, runs.with_name("copy"))
        steps = list(removing(kept[1].folder))
        when = [look] * len(steps)
        (found, problems), _ = interleaved(monkeypatch, listed, runs, steps, when)
        assert problems == []
        assert others <= {one for one, *_ in found} <= others | {kept[1].id}
        runs.with_name("copy").rename(kept[1].folder)


def test_a_note_that_is_written_meanwhile_is_there_or_not(runs, monkeypatch):
    record = keep(runs, replace(made_run(), note=Note("old")))
    for look in range(4):
        write_note(record.folder, "old", None)
        steps = [lambda: write_note(record.folder, "new", None)]
        (found, problems), _ = interleaved(monkeypatch, listed, runs, steps, [look])
        assert problems == []
        assert found[0][2] in ("old", "new")


def test_what_is_gone_is_said_to_be_gone(runs):
    record = keep(runs, made_run())
    remove(record.folder)
    with pytest.raises(GoneError, match="is not there any more"):
        read(record.folder)
    with pytest.raises(GoneError, match="was removed meanwhile"):
        archive(record)
    with pytest.raises(RunError, match="cannot be removed: No such file"):
        remove(record.folder)


def test_what_is_being_made_is_no_litter_and_what_was_left_is(runs, monkeypatch):
    aside = runs / f"{files.ASIDE}20260101T000000.000000Z-00"
    aside.mkdir(parents=True)
    assert every(runs) == ([], [])
    monkeypatch.setattr(records, "time", lambda: aside.stat().st_mtime + 3601)
    assert every(runs) == ([], [f"{aside}: was not finished; it can be removed"])


# --- with real processes ----------------------------------------------------------------------

ROUNDS = 300 if "HSIG_SLOW" in os.environ else 25
READING = (("list",), ("show", "latest"), ("export", "latest", "-o", "{}.zip", "--force"))


def write_runs(runs):
    """Make, end, note and remove runs and sweeps, and leave one of each."""
    config = runs.with_name("map.yaml")
    made = made_run()
    for number in range(ROUNDS):
        record = keep(runs, replace(made, started=datetime.now(UTC)))
        ledger = begun(runs, config)
        write_note(record.folder, f"round {number}", None)
        ledger.close(lambda: "{}")
        if number < ROUNDS - 1:
            for other in every(runs)[0]:
                remove(other.folder)


def read_runs(runs, name):
    """Read them until the writer has ended, and print what no reader should ever see."""
    looked = 0
    while not runs.with_name("ended").exists():
        for command in READING:
            words = [word.format(runs.with_name(name)) for word in command]
            try:
                code, out, err = hsig("runs", *words, "--runs-dir", str(runs))
            except (ConfigError, GoneError) as nothing:
                if "no kept runs" not in str(nothing) and "removed" not in str(nothing):
                    print(command, nothing)
                continue
            if code or (err and "no kept runs" not in err) or "cells are done" in out:
                print(command, code, out, err)
            looked += 1
    if not looked:
        print("nothing was read")


def test_processes_that_read_and_write_see_whole_records_alone(tmp_path):
    """Each sweep has its two cells before it can be seen to end; readers never see fewer."""
    runs = tmp_path / "runs"
    (tmp_path / "map.yaml").write_text(SWEEP, encoding="utf-8")
    program = [sys.executable, __file__, str(runs)]
    readers = [
        subprocess.Popen([*program, name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for name in ("one", "other")
    ]
    with suppress(KeyboardInterrupt):
        writer = subprocess.run(program, capture_output=True, text=True, check=False)
    (tmp_path / "ended").touch()
    said = [reader.communicate(timeout=60)[0].decode() for reader in readers]
    assert (writer.returncode, writer.stderr) == (0, "")
    assert said == ["", ""]
    found, problems = every(runs)
    assert ([record.command for record in found], problems) == (["train", "sweep"], [])


if __name__ == "__main__":
    if sys.argv[2:]:
        read_runs(Path(sys.argv[1]), sys.argv[2])
    else:
        write_runs(Path(sys.argv[1]))
