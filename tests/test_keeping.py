"""What is put into a folder of runs, amended, packed and taken away, as it is on the disk."""

import errno
import hashlib
import io
import json
import os
import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hsig.errors import RunError
from hsig.runs import Note
from hsig.runs.provenance import machine, versions
from hsig.runs.store import Journal, amend, archive, put, read_journal, remove, signed

MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
FILES = {"result.json": b"{}\n", "seeds.npz": b"PK numbers"}


def record_in(runs, **other):
    """A record of a few bytes, whose files no number was computed for."""
    given = {
        "command": "train",
        "arguments": ("train", "-e", "20"),
        "started": MOMENT,
        "seconds": 0.123456,
        "complete": True,
        "digest": "0123",
        "configs": {},
        "files": FILES,
        "more": {},
    }
    return put(runs, **given | other)


def sums(files):
    return {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}


def contents(folder):
    """Every file of a folder, by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def unpacked(record):
    """What there is in the zip file of a record, in order."""
    with zipfile.ZipFile(io.BytesIO(archive(record))) as packed:
        assert packed.testzip() is None
        return {name: packed.read(name) for name in packed.namelist()}


def test_a_record_says_what_was_run_and_what_its_files_are(runs):
    record = record_in(runs, more={"parts": [], "tuned": None})
    about = {
        "format": 1,
        "id": record.id,
        "command": "train",
        "arguments": ["train", "-e", "20"],
        "started": "2026-01-02T03:04:05.000678+00:00",
        "seconds": 0.123,
        "complete": True,
        "versions": versions(),
        "machine": machine(),
        "digest": "0123",
        "configs": {},
        "parts": [],
        "tuned": None,
        "files": sums(FILES),
        "bytes": {"result.json": 3, "seeds.npz": 10},
    }
    assert record.about == about
    assert contents(record.folder) == {**FILES, "run.json": signed(about)}
    assert record.note == Note()
    assert [*runs.iterdir()] == [record.folder]


def test_an_id_is_the_moment_and_a_number_by_chance(runs):
    folders = [record_in(runs).folder for _ in range(3)]
    assert len({*folders}) == 3
    assert all(re.fullmatch(r"20260102T030405\.000678Z-[0-9a-f]{12}", one.name) for one in folders)
    assert all(one.parent == runs for one in folders)


@pytest.mark.parametrize(
    ("configs", "names"),
    [
        ({"my.yaml": "seeds: 2 # ä\n"}, ["config.yaml"]),
        ({"b.yaml": "x", "a.yaml": "x"}, ["config-1.yaml", "config-2.yaml"]),
        ({"b.yaml": "x", "a.yaml": "", "../c.yaml": "y"}, [f"config-{n}.yaml" for n in (1, 2, 3)]),
    ],
)
def test_configs_are_kept_with_the_names_that_they_were_given_by(runs, configs, names):
    record = record_in(runs, configs=configs)
    texts = {name: text.encode() for name, text in zip(names, configs.values(), strict=True)}
    assert [*record.about["configs"].items()] == [*zip(names, configs, strict=True)]
    assert record.about["files"] == sums({**FILES, **texts})
    assert record.about["bytes"] == {n: len(data) for n, data in {**FILES, **texts}.items()}
    assert {name: (record.folder / name).read_bytes() for name in texts} == texts


def test_a_record_has_its_note_from_the_beginning_and_signs_nothing_of_it(runs):
    record = record_in(runs, note=Note("mine", "x"))
    assert record.note == Note("mine", "x")
    assert {*contents(record.folder)} == {*FILES, "run.json", "note.json"}
    assert json.loads((record.folder / "note.json").read_bytes()) == {"name": "mine", "note": "x"}
    assert record.about["files"] == sums(FILES)


@pytest.mark.skipif(os.name == "nt", reason="this system has other words for it")
def test_a_record_that_cannot_be_put_is_told_with_its_place_and_the_reason(runs):
    runs.write_bytes(b"")
    with pytest.raises(RunError) as caught:
        record_in(runs)
    assert caught.value.messages == (f"{runs}: this run cannot be kept: Not a directory",)
    assert runs.read_bytes() == b""


# --- amended ----------------------------------------------------------------------------------


def test_an_amended_record_has_what_it_had_and_more(runs):
    before = record_in(runs, complete=False, note=Note("mine"), more={"sweep": {}})
    (before.folder / ".unfinished-0123").write_bytes(b"of a process that was killed")
    more = {"seeds.npz": b"other numbers", "table.csv": b"1,2\n"}
    after = amend(before, seconds=9.87654, complete=True, files=more)
    files = {**FILES, **more}
    about = {
        **before.about,
        "seconds": 9.877,
        "complete": True,
        "files": sums(files),
        "bytes": {"result.json": 3, "seeds.npz": 13, "table.csv": 4},
    }
    assert after.about == about
    assert (after.folder, after.note) == (before.folder, Note("mine"))
    note = (after.folder / "note.json").read_bytes()
    assert contents(after.folder) == {**files, "note.json": note, "run.json": signed(about)}
    again = amend(after, seconds=10, complete=True, files={})
    assert again.about == {**about, "seconds": 10}


def test_a_record_of_before_there_were_sizes_has_those_of_what_is_added(runs):
    record = record_in(runs)
    about = {name: part for name, part in record.about.items() if name != "bytes"}
    old = type(record)(record.folder, {**about, "checksum": "of what it was"})
    more = amend(old, seconds=1, complete=True, files={"x": b"1234"})
    assert more.about["bytes"] == {"x": 4}
    assert more.about["files"] == sums({**FILES, "x": b"1234"})
    assert (more.folder / "run.json").read_bytes().count(b"checksum") == 1


def test_a_record_that_cannot_be_amended_is_what_it_was_until_its_last_file(runs, monkeypatch):
    record = record_in(runs)
    signature, replace = (record.folder / "run.json").read_bytes(), Path.replace
    for allowed in range(3):
        left = iter(range(allowed))

        def full(path, target, left=left):
            if next(left, None) is None:
                raise OSError(errno.ENOSPC, "No space left on device")
            return replace(path, target)

        monkeypatch.setattr(Path, "replace", full)
        with pytest.raises(RunError) as caught:
            amend(record, seconds=1, complete=True, files={"x": b"1", "y": b"2"})
        told = f"{record.folder}: cannot be written: No space left on device"
        assert caught.value.messages == (told,)
        assert {*contents(record.folder)} == {*FILES, "run.json", *("x", "y")[:allowed]}
        assert (record.folder / "run.json").read_bytes() == signature


# --- removed ----------------------------------------------------------------------------------


def test_a_record_is_removed_with_whatever_is_in_its_folder(runs):
    one, other = record_in(runs), record_in(runs)
    (one.folder / "mine").mkdir()
    (one.folder / "mine" / "x").write_bytes(b"")
    remove(one.folder)
    assert [*runs.iterdir()] == [other.folder]


@pytest.mark.skipif(os.name == "nt", reason="no locks on this system")
def test_a_sweep_that_goes_on_is_removed_when_it_is_stopped(runs):
    record = record_in(runs, command="sweep", files={})
    journal = Journal(record.folder / "cells.log")
    with pytest.raises(RunError) as caught:
        remove(record.folder)
    told = f"{record.folder}: is a sweep that goes on. Stop it first"
    assert caught.value.messages == (told,)
    assert {*contents(record.folder)} == {"run.json", "cells.log"}
    journal.append({"number": 0})
    journal.close()
    assert read_journal(record.folder / "cells.log") == [{"number": 0}]
    remove(record.folder)
    assert [*runs.iterdir()] == []


def test_a_sweep_whose_cells_cannot_be_opened_is_removed_all_the_same(runs):
    record = record_in(runs, command="sweep", files={})
    (record.folder / "cells.log").mkdir()
    remove(record.folder)
    assert [*runs.iterdir()] == []


def test_a_record_that_cannot_be_removed_is_told_with_the_reason(runs, monkeypatch):
    record = record_in(runs)

    def denied(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "rename", denied)
    with pytest.raises(RunError) as caught:
        remove(record.folder)
    told = f"{record.folder}: cannot be removed: Permission denied"
    assert caught.value.messages == (told,)
    assert {*contents(record.folder)} == {*FILES, "run.json"}


# --- packed -----------------------------------------------------------------------------------


def test_a_zip_file_has_what_is_of_a_record_in_order_and_nothing_else(runs):
    record = record_in(runs, configs={"my.yaml": "x"}, note=Note("mine"))
    (record.folder / "mine.txt").write_bytes(b"")
    (record.folder / "cells.log").write_bytes(b"of a process that was killed")
    names = ("config.yaml", "note.json", "result.json", "run.json", "seeds.npz")
    found = unpacked(record)
    assert [*found] == [f"{record.id}/{name}" for name in names]
    there = contents(record.folder)
    assert [*found.values()] == [there[name] for name in names]
    assert archive(record) == archive(record)


def test_a_note_that_cannot_be_read_is_not_packed(runs):
    record = record_in(runs)
    (record.folder / "note.json").write_bytes(b"{")
    names = ("result.json", "run.json", "seeds.npz")
    assert [*unpacked(record)] == [f"{record.id}/{name}" for name in names]


@pytest.mark.parametrize("lines", [None, b"", b"torn"])
def test_the_zip_file_of_a_sweep_that_grows_has_its_lines_if_there_are_any(
    runs, monkeypatch, lines
):
    record = record_in(runs, command="sweep", files={"config.yaml": b"x"}, note=Note("mine"))
    monkeypatch.setattr("hsig.runs.store.read", lambda _: record)  # as if nobody wrote meanwhile
    (record.folder / "note.json").unlink()
    names = ["config.yaml", "run.json"]
    if lines is not None:
        (record.folder / "cells.log").write_bytes(lines)
        names.insert(0, "cells.log")
    found = unpacked(record)
    assert [*found] == [f"{record.id}/{name}" for name in names]
    assert found.get(f"{record.id}/cells.log") == lines


@pytest.mark.parametrize(
    ("started", "said"),
    [
        (datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC), (2026, 1, 2, 3, 4, 6)),
        (datetime(1980, 1, 1, 0, 0, 2, tzinfo=UTC), (1980, 1, 1, 0, 0, 2)),
        (datetime(1979, 12, 31, 23, 59, 58, tzinfo=UTC), (1980, 1, 1, 0, 0, 0)),
        (datetime(2107, 12, 30, 23, 59, 58, tzinfo=UTC), (2107, 12, 30, 23, 59, 58)),
        (datetime(2200, 1, 1, tzinfo=UTC), (2107, 12, 31, 0, 0, 0)),
    ],
)
def test_what_is_packed_is_as_old_as_the_run_and_may_be_read_by_all(runs, started, said):
    """A zip file can say the days from 1980 to 2107, and two seconds at a time."""
    record = record_in(runs, started=started)
    with zipfile.ZipFile(io.BytesIO(archive(record))) as packed:
        about = packed.infolist()
    assert {one.date_time for one in about} == {said}
    assert {one.external_attr >> 16 for one in about} == {0o644}
    assert {one.compress_type for one in about} == {zipfile.ZIP_DEFLATED}


def test_what_was_changed_or_is_missing_is_not_packed(runs):
    record = record_in(runs)
    (record.folder / "result.json").write_bytes(b"[]\n")
    with pytest.raises(RunError, match=r"result\.json: was changed after it was written"):
        archive(record)
    (record.folder / "result.json").unlink()
    with pytest.raises(RunError, match=r"result\.json: cannot be read: No such file"):
        archive(record)
