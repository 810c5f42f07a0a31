"""Files and folders are there whole or not at all, whatever fails."""

import errno
import os
from pathlib import Path

import pytest

from hsig.files import (
    is_stream,
    remove_folder,
    replace_file,
    write_file,
    write_folder,
)

PIPES = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in folders on this system")
FILES = {"a.txt": b"one", "b.txt": b"two" * 1000, "empty": b""}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def content(folder):
    """Everything below a folder: a name, and the bytes of a file."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.mark.parametrize("write", [write_file, replace_file])
def test_a_file_is_replaced_with_its_mode_and_nothing_stays_beside_it(folder, write):
    path = folder / "file"
    path.write_bytes(b"old")
    path.chmod(0o640)
    write(path, b"new")
    assert content(folder) == {"file": b"new"}
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_link_is_followed_by_what_is_written_and_replaced_by_what_is_kept(folder):
    (folder / "real").write_bytes(b"old")
    (folder / "link").symlink_to("real")
    write_file(folder / "link", b"new")
    assert ((folder / "link").is_symlink(), (folder / "real").read_bytes()) == (True, b"new")
    replace_file(folder / "link", b"kept")
    assert ((folder / "link").is_symlink(), (folder / "real").read_bytes()) == (False, b"new")


@PIPES
def test_a_pipe_is_written_to_and_one_that_nobody_reads_is_refused(folder):
    os.mkfifo(folder / "pipe")
    with pytest.raises(OSError, match=r".") as refused:
        write_file(folder / "pipe", b"data")
    assert refused.value.errno == errno.ENXIO
    reader = os.open(folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_file(folder / "pipe", b"data")
    assert os.read(reader, 10) == b"data"
    os.close(reader)
    assert is_stream(folder / "pipe")


@pytest.mark.parametrize("text", ["file", "folder", "nothing", "n" * 300])
def test_what_is_a_file_a_folder_or_nothing_is_no_stream(folder, text):
    (folder / "file").touch()
    (folder / "folder").mkdir()
    assert not is_stream(Path(text))
    assert is_stream(Path("/dev/stdout"))


def test_a_folder_has_all_its_files_and_is_made_with_those_above_it(folder):
    write_folder(folder / "runs" / "one", FILES)
    assert content(folder / "runs" / "one") == FILES
    with pytest.raises(OSError, match=r"not empty|exists"):
        write_folder(folder / "runs" / "one", {"a.txt": b"other"})
    assert content(folder / "runs" / "one") == FILES
    assert [path.name for path in (folder / "runs").iterdir()] == ["one"]


def test_a_folder_is_removed_and_of_a_link_only_the_link(folder):
    write_folder(folder / "one", FILES)
    (folder / "link").symlink_to("one")
    remove_folder(folder / "link")
    assert content(folder / "one") == FILES
    remove_folder(folder / "one")
    assert content(folder) == {}


CALLS = [("pathlib.Path.mkdir", 1), ("os.fsync", 4), ("pathlib.Path.rename", 1)]
STEPS = [(call, nth) for call, times in CALLS for nth in range(times)]
STEPS += [("hsig.files._write_new", nth) for nth in range(3)]


@pytest.mark.parametrize(("call", "nth"), STEPS)
@pytest.mark.parametrize("problem", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_a_folder_that_cannot_be_written_is_absent(folder, failing, call, nth, problem):
    with failing(call, nth, problem), pytest.raises(type(problem)):
        write_folder(folder / "one", FILES)
    assert content(folder) == {}


@pytest.mark.parametrize("call", ["os.fsync", "pathlib.Path.replace", "hsig.files._write_new"])
@pytest.mark.parametrize("problem", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_a_file_that_cannot_be_replaced_is_as_it_was(folder, failing, call, problem):
    (folder / "file").write_bytes(b"old")
    with failing(call, 0, problem), pytest.raises(type(problem)):
        replace_file(folder / "file", b"new")
    assert content(folder) == {"file": b"old"}
