import errno
import os
import re
from threading import Event

import pytest

from hsig.errors import RunError
from hsig.runs import journal
from hsig.runs.journal import Journal, read_journal


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


def test_the_disk_has_a_record_within_a_second_though_none_follows(tmp_path, monkeypatch):
    asked, fsync = Event(), os.fsync
    monkeypatch.setattr(journal, "_SETTLE_S", 0.05)
    monkeypatch.setattr(journal.os, "fsync", lambda descriptor: (fsync(descriptor), asked.set()))
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
    asked = Event()

    def fails(_):
        asked.set()
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(journal, "_SETTLE_S", 0.01)
    written = Journal(tmp_path / "cells.log")
    monkeypatch.setattr(journal.os, "fsync", fails)
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
    written.append({"number": 0})
    with monkeypatch.context() as patch:
        patch.setattr(
            journal.os, "write", lambda d, data: write(d, data[:5] if is_line(data) else data)
        )
        with pytest.raises(RunError, match="No space left on device"):
            written.append({"number": 1})
    written.append({"number": 2})
    written.close()
    assert numbers(tmp_path / "cells.log") == [0, 2]


def test_nothing_follows_a_part_of_a_record_that_could_not_be_taken_away(tmp_path, monkeypatch):
    path, write = tmp_path / "cells.log", os.write
    written = Journal(path)
    written.append({"number": 0})

    def broken(*_):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(journal.os, "ftruncate", broken)
        patch.setattr(
            journal.os, "write", lambda d, data: write(d, data[:70] if is_line(data) else data)
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
