import errno
import hashlib
import json
import os
import re
import threading
import zlib
from math import inf, nan

import pytest

from hsig.errors import BusyError, RunError
from hsig.runs import store
from hsig.runs.store import Journal, read_journal


def is_line(data):
    """Whether it is written to a journal; other parts of Python use os.write as well."""
    return re.match(rb"[0-9a-f]{64} \{", data)


def numbers(path):
    """Of each line; None for one that is damaged."""
    return [record and record["number"] for record in read_journal(path)]


def test_a_torn_end_is_dropped_and_a_damaged_line_is_none(tmp_path):
    path = tmp_path / "cells.log"
    written = Journal(path)
    for number in range(4):
        written.append({"number": number, "text": "ä\n"})
    written.close()
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        assert numbers(path) == list(range(whole[:size].count(b"\n")))
    path.write_bytes(whole.replace(b'"number":1', b'"number":7') + b"0000")
    again = Journal(path)
    assert path.read_bytes().endswith(b"\n")
    assert numbers(path) == [0, None, 2, 3]
    again.append({"number": 9})
    again.close()
    assert numbers(path) == [0, None, 2, 3, 9]
    assert read_journal(tmp_path / "none.log") == []


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "cells.log"
    records = [
        {},
        {"": None, "a b": 'c  d\n\r\t\0\x85\u2028\u202e\ufeff\ud800é😀"\\'},
        {"n": [0.1, -0.0, 5e-324, 1.7976931348623157e308, 10**30, -7, True, False]},
        {"x": {"y": {"z": [[], {}, [{"number": 1}]]}}, "long": "x" * 100_000},
    ]
    written = Journal(path)
    for record in records:
        written.append(record)
    assert read_journal(path) == records
    written.close()
    assert read_journal(path) == records


def test_a_line_is_a_sha256_and_short_json_and_was_a_crc32_at_first(tmp_path):
    path = tmp_path / "cells.log"
    written = Journal(path)
    records = [{"number": number, "text": "of two"} for number in range(40)]
    for record in records:
        written.append(record)
    written.close()
    texts = [json.dumps(record, separators=(",", ":")).encode() for record in records]
    new = [b"%s %s\n" % (hashlib.sha256(text).hexdigest().encode(), text) for text in texts]
    assert path.read_bytes() == b"".join(new)
    old = [f"{zlib.crc32(text):08x} ".encode() + text + b"\n" for text in texts]
    assert any(line.startswith(b"0") for line in old)
    path.write_bytes(b"".join(old + new))
    assert read_journal(path) == records * 2


@pytest.mark.parametrize("text", [b"[1]", b"7", b"null", b'{"a": 1, "a": 2}', b"{", b"", b"\xff"])
def test_a_line_that_is_no_record_is_none_be_its_checksum_right(tmp_path, text):
    path = tmp_path / "cells.log"
    path.write_bytes(b"%s %s\n" % (hashlib.sha256(text).hexdigest().encode(), text))
    assert read_journal(path) == [None]


@pytest.mark.parametrize("number", [nan, inf, -inf])
def test_what_json_has_no_number_for_is_not_written(tmp_path, number):
    written = Journal(tmp_path / "cells.log")
    with pytest.raises(ValueError, match="not JSON compliant"):
        written.append({"number": number})
    written.append({"number": 1})
    written.close()
    assert numbers(tmp_path / "cells.log") == [1]


def test_a_new_journal_may_be_read_by_whom_any_new_file_may(tmp_path):
    Journal(tmp_path / "cells.log").close()
    (tmp_path / "plain").touch()
    assert (tmp_path / "cells.log").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.skipif(os.name == "nt", reason="this system has other words for it")
def test_a_journal_that_cannot_be_opened_is_told_with_the_reason(tmp_path):
    path = tmp_path / "none" / "cells.log"
    with pytest.raises(RunError) as caught:
        Journal(path)
    assert caught.value.messages == (f"{path}: cannot be written: No such file or directory",)
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match=r"link: cannot be written: Too many levels of symbolic"):
        Journal(tmp_path / "link")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.skipif(os.name == "nt", reason="no locks on this system")
def test_what_fails_as_it_is_opened_lets_others_open_it(tmp_path, monkeypatch):
    path = tmp_path / "cells.log"

    def broken(*_):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(store.os, "ftruncate", broken)
        with pytest.raises(RunError) as caught:
            Journal(path)
    assert caught.value.messages == (f"{path}: cannot be written: Input/output error",)
    first = Journal(path)
    with pytest.raises(BusyError):
        Journal(path)
    first.close()
    Journal(path).close()


def test_who_settles_neither_holds_up_the_end_nor_comes_after_it(tmp_path, monkeypatch):
    monkeypatch.setattr(store, "_SETTLE_S", 60)
    written, before = Journal(tmp_path / "cells.log"), {*threading.enumerate()}
    for number in range(3):
        written.append({"number": number})
    (settling,) = {*threading.enumerate()} - before
    assert settling.daemon is True
    written.close()
    settling.join(30)
    assert not settling.is_alive()
    asked = []
    monkeypatch.setattr(store.os, "fsync", asked.append)
    settling.function()  # as of one that had begun to
    assert asked == []


def test_the_disk_has_a_record_within_a_second_though_none_follows(tmp_path, monkeypatch):
    asked, fsync = threading.Event(), os.fsync
    monkeypatch.setattr(store, "_SETTLE_S", 0.05)
    monkeypatch.setattr(store.os, "fsync", lambda descriptor: (fsync(descriptor), asked.set()))
    written = Journal(tmp_path / "cells.log")
    for number in range(2):
        asked.clear()
        written.append({"number": number})
        assert asked.wait(30)
    asked.clear()
    written.append({"number": 2})
    written.close()
    assert asked.is_set()


def test_a_disk_that_fails_later_is_told_by_the_next_who_writes(tmp_path, monkeypatch):
    asked = threading.Event()

    def fails(_):
        asked.set()
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(store, "_SETTLE_S", 0.01)
    written = Journal(tmp_path / "cells.log")
    monkeypatch.setattr(store.os, "fsync", fails)
    written.append({"number": 0})
    assert asked.wait(30)
    with written._turns:  # by then it is noted
        pass
    with pytest.raises(RunError, match=r"cells\.log: cannot be written: Input/output error"):
        written.append({"number": 1})
    with pytest.raises(RunError, match="Input/output error"):
        written.close()


def test_a_disk_that_takes_half_a_record_has_none_of_it(tmp_path, monkeypatch):
    written, write = Journal(tmp_path / "cells.log"), os.write
    for number in range(2):
        written.append({"number": number})
    with monkeypatch.context() as patch:
        patch.setattr(
            store.os, "write", lambda d, data: write(d, data[:5] if is_line(data) else data)
        )
        with pytest.raises(RunError, match="No space left on device"):
            written.append({"number": 2})
    written.append({"number": 3})
    written.close()
    assert numbers(tmp_path / "cells.log") == [0, 1, 3]


def test_nothing_follows_a_part_of_a_record_that_could_not_be_taken_away(tmp_path, monkeypatch):
    path, write = tmp_path / "cells.log", os.write
    written = Journal(path)
    written.append({"number": 0})

    def broken(*_):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(store.os, "ftruncate", broken)
        patch.setattr(
            store.os, "write", lambda d, data: write(d, data[:70] if is_line(data) else data)
        )
        with pytest.raises(RunError, match="No space left on device"):
            written.append({"number": 1})
    with pytest.raises(RunError, match="Input/output error"):
        written.append({"number": 2})
    with pytest.raises(RunError, match="Input/output error"):
        written.close()
    assert numbers(path) == [0]
    again = Journal(path)
    again.append({"number": 3})
    again.close()
    assert numbers(path) == [0, 3]


@pytest.mark.skipif(os.name == "nt", reason="no locks on this system")
def test_two_processes_do_not_write_to_one_journal(tmp_path):
    path = tmp_path / "cells.log"
    first = Journal(path)
    with pytest.raises(RunError, match="another process is writing to it"):
        Journal(path)
    first.close()
    Journal(path).close()
