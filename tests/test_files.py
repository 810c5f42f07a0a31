import errno
import os
from pathlib import Path

import pytest

from hsig import files
from hsig.files import keep_file, write_file, write_folder


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("write", [write_file, keep_file])
def test_a_file_is_replaced_and_nothing_stays_beside_it(folder, write):
    for data in (b"old", b"new"):
        write(Path("x"), data)
        assert Path("x").read_bytes() == data
    assert names(folder) == ["x"]


@pytest.mark.skipif(os.name == "nt", reason="no modes on this system")
def test_an_old_file_keeps_its_mode_and_a_new_one_has_that_of_any_other(folder):
    (folder / "plain").touch()
    write_file(folder / "new", b"")
    assert (folder / "new").stat().st_mode == (folder / "plain").stat().st_mode
    (folder / "new").chmod(0o400)
    write_file(folder / "new", b"more")
    assert (folder / "new").stat().st_mode & 0o777 == 0o400


def test_a_name_may_be_as_long_as_the_system_lets_it(folder):
    write_file(folder / ("x" * 255), b"")
    assert names(folder) == ["x" * 255]


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="no devices on this system")
def test_a_device_is_written_and_not_replaced():
    write_file(Path("/dev/null"), b"data")
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("problem", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
@pytest.mark.parametrize("step", ["fsync", "replace", "rename"])
def test_what_fails_leaves_all_as_it_was(folder, monkeypatch, problem, step):
    write_file(folder / "x", b"old")

    def fails(*_):
        raise problem

    monkeypatch.setattr(*((files.os, "fsync") if step == "fsync" else (Path, step)), fails)
    if step != "rename":
        with pytest.raises(type(problem)):
            keep_file(folder / "x", b"new")
    if step != "replace":
        with pytest.raises(type(problem)):
            write_folder(folder / "y", {"a": b"1", "b": b"2"})
    assert names(folder) == ["x"]
    assert (folder / "x").read_bytes() == b"old"


def test_a_folder_has_all_its_files_and_is_made_with_those_above_it(folder):
    write_folder(folder / "above" / "y", {"a": b"1", "b": b"2"})
    assert names(folder / "above") == ["y"]
    assert names(folder / "above" / "y") == ["a", "b"]
    assert (folder / "above" / "y" / "b").read_bytes() == b"2"
