import errno
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from select import select
from types import SimpleNamespace

import pytest

from hsig import files
from hsig.files import is_stream, keep_file, remove_folder, settle, write_file, write_folder


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


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_pipe_is_written_and_not_replaced_until_it_is_kept(folder):
    os.mkfifo("pipe")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_file(Path("pipe"), b"data")
    assert os.read(reader, 100) == b"data"
    os.close(reader)
    assert Path("pipe").is_fifo()
    keep_file(Path("pipe"), b"kept")
    assert Path("pipe").read_bytes() == b"kept"
    assert names(folder) == ["pipe"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_pipe_that_nobody_reads_is_refused_and_a_slow_reader_is_waited_for(folder):
    os.mkfifo("pipe")
    with pytest.raises(OSError, match="pipe") as refused:
        write_file(Path("pipe"), b"data")
    assert refused.value.errno == errno.ENXIO
    data = bytes(1_000_000)  # more than a pipe holds
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(reader, True)
    with ThreadPoolExecutor(1) as other, os.fdopen(reader, "rb") as file:
        writing = other.submit(write_file, Path("pipe"), data)
        select([file], [], [], 60)  # before it is opened to write, a reader sees its end
        assert file.read() == data
        writing.result(60)
    assert names(folder) == ["pipe"]


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="no names of open files on this system")
def test_a_file_that_is_open_is_written_where_it_ends_by_its_number(folder):
    with Path("x").open("wb") as file:
        file.write(b"before ")
        file.flush()
        write_file(Path(f"/dev/fd/{file.fileno()}"), b"after ")
        assert os.fstat(file.fileno()).st_nlink == 1
    assert Path("x").read_bytes() == b"before after "
    assert names(folder) == ["x"]


@pytest.mark.parametrize(
    "text", ["", "file", "nothing", "link to nothing", "x" * 5000, "a/" * 5000]
)
def test_what_is_a_file_a_folder_or_nothing_is_no_stream(folder, text):
    write_file(folder / "file", b"")
    (folder / "link to nothing").symlink_to("nowhere")
    assert is_stream(folder / text) is False


@pytest.mark.skipif(os.name == "nt", reason="links need a permission on this system")
def test_a_link_is_followed_by_what_is_written_and_replaced_by_what_is_kept(folder):
    Path("elsewhere").mkdir()
    Path("elsewhere/x").write_bytes(b"old")
    Path("link").symlink_to("elsewhere/x")
    write_file(Path("link"), b"new")
    assert Path("link").readlink() == Path("elsewhere/x")
    keep_file(Path("link"), b"kept")
    assert not Path("link").is_symlink()
    assert [Path(name).read_bytes() for name in ("elsewhere/x", "link")] == [b"new", b"kept"]
    assert names(folder / "elsewhere") == ["x"]


@pytest.mark.parametrize("data", [b"", b"\r\n\n\r\x1a\0", bytes(range(256)) * 40])
def test_every_byte_is_written_though_the_disk_takes_few_at_a_time(folder, monkeypatch, data):
    write = os.write
    monkeypatch.setattr(files.os, "write", lambda where, left: write(where, left[:7]))
    write_file(folder / "x", data)
    assert (folder / "x").read_bytes() == data


@pytest.fixture
def asked(monkeypatch):
    """What the disk was asked to have, as the number of its place there, and "moved" between."""
    done = []

    def noting(move):
        return lambda *paths: (done.append("moved"), move(*paths))[1]

    noted = {**vars(os), "fsync": lambda descriptor: done.append(os.fstat(descriptor).st_ino)}
    monkeypatch.setattr(files, "os", SimpleNamespace(**noted))  # others may be at work meanwhile
    monkeypatch.setattr(Path, "replace", noting(Path.replace))
    monkeypatch.setattr(Path, "rename", noting(Path.rename))
    return done


def places(*paths):
    return [path.stat().st_ino for path in paths]


@pytest.mark.skipif(os.name == "nt", reason="names are not settled on this system")
def test_the_disk_has_a_file_before_it_takes_its_place_and_then_its_name(folder, asked):
    keep_file(folder / "x", b"new")
    assert asked == [*places(folder / "x"), "moved", *places(folder)]


def test_what_is_only_written_does_not_wait_for_the_disk(folder, asked):
    write_file(folder / "x", b"new")
    assert asked == ["moved"]


@pytest.mark.skipif(os.name == "nt", reason="names are not settled on this system")
def test_the_disk_has_all_of_a_folder_before_it_takes_its_place_and_then_all_above(folder, asked):
    above = folder / "two" / "above"
    write_folder(above / "y", {"a": b"1", "b": b"2"})
    whole = places(above / "y" / "a", above / "y" / "b", above / "y")
    assert asked == [*whole, "moved", *places(above, above.parent, folder)]


def test_where_no_folder_can_be_opened_the_disk_is_not_asked_for_names(folder, monkeypatch):
    monkeypatch.setattr(files, "os", SimpleNamespace(name="nt"))
    settle(folder)


@pytest.mark.skipif(os.name == "nt", reason="names are not settled on this system")
def test_a_folder_is_absent_at_once_and_the_disk_knows(folder, asked):
    write_folder(folder / "y", {"a": b"1"})
    asked.clear()
    remove_folder(folder / "y")
    assert names(folder) == []
    assert asked == ["moved", *places(folder)]


def test_a_folder_that_cannot_be_emptied_is_absent_and_stands_aside(folder, monkeypatch):
    write_folder(folder / "y", {"a": b"1"})

    def broken(path):
        raise OSError(errno.EIO, "Input/output error", path)

    monkeypatch.setattr(files.shutil, "rmtree", broken)
    with pytest.raises(OSError, match="Input/output error"):
        remove_folder(folder / "y")
    assert names(folder) == [".unfinished-y"]
    assert names(folder / ".unfinished-y") == ["a"]


@pytest.mark.skipif(os.name == "nt", reason="links need a permission on this system")
def test_of_a_link_to_a_folder_only_the_link_is_removed(folder):
    write_folder(folder / "y", {"a": b"1"})
    for there in ("y", "nowhere"):
        (folder / "link").symlink_to(there)
        remove_folder(folder / "link")
        assert names(folder) == ["y"]
    assert names(folder / "y") == ["a"]


def test_what_cannot_be_moved_aside_is_removed_by_nobody(folder, monkeypatch):
    write_folder(folder / "y", {"a": b"1"})

    def denied(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "rename", denied)
    with pytest.raises(PermissionError):
        remove_folder(folder / "y")
    assert names(folder / "y") == ["a"]


def test_what_cannot_be_begun_is_told_and_not_what_is_missing_then(folder, monkeypatch):
    opened = os.open

    def full(path, flags, *mode, **more):
        if flags & os.O_CREAT:
            raise OSError(errno.EDQUOT, "Disk quota exceeded")
        return opened(path, flags, *mode, **more)

    monkeypatch.setattr(files.os, "open", full)
    for write in (write_file, keep_file):
        with pytest.raises(OSError, match="Disk quota exceeded"):
            write(folder / "x", b"new")
    with pytest.raises(OSError, match="Disk quota exceeded"):
        write_folder(folder / "y", {"a": b"1"})
    monkeypatch.setattr(Path, "mkdir", lambda path, **_: full(path, os.O_CREAT))
    with pytest.raises(OSError, match="Disk quota exceeded"):
        write_folder(folder / "y", {"a": b"1"})
    assert names(folder) == []


@pytest.mark.skipif(os.name == "nt", reason="no numbers of open files on this system")
@pytest.mark.parametrize("works", [True, False])
def test_nothing_stays_open(folder, monkeypatch, works):
    def lowest():
        descriptor = os.open(folder, os.O_RDONLY)
        os.close(descriptor)
        return descriptor

    def asked(_):
        if not works:
            raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(files.os, "fsync", asked)
    free = lowest()
    with nullcontext() if works else pytest.raises(OSError, match="Input/output error"):
        keep_file(folder / "x", b"")
    with nullcontext() if works else pytest.raises(OSError, match="Input/output error"):
        write_folder(folder / "y", {"a": b""})
    assert lowest() == free


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
