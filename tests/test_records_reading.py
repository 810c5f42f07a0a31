"""Reading what may be anything: the bytes of a plain file, and JSON that says each name once."""

import os
from pathlib import Path

import pytest

from hsig.errors import RunError
from hsig.runs import store
from hsig.runs.store import as_json, read_bytes

ANY_SYSTEM = pytest.mark.skipif(os.name == "nt", reason="no such files on this system")


def told(function, *arguments):
    """The words that a function refuses with."""
    with pytest.raises(RunError) as caught:
        function(*arguments)
    return str(caught.value)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "file"


@pytest.mark.parametrize("data", [b"", b"a", bytes(range(256)), b"a\r\nb\n\x1a" * 9000])
def test_a_file_is_read_byte_for_byte_up_to_as_many_as_it_may_have(path, data):
    path.write_bytes(data)
    assert read_bytes(path) == data
    assert read_bytes(path, len(data)) == data
    words = f"was changed: it has {len(data)} bytes. Expected {len(data) - 1} at most"
    assert told(read_bytes, path, len(data) - 1) == f"{path}: {words}"


def test_a_file_that_grows_meanwhile_is_read_as_large_as_it_was(path, monkeypatch):
    def looked_at(descriptor):
        about = fstat(descriptor)
        path.write_bytes(b"abc")
        return about

    fstat = os.fstat
    path.write_bytes(b"a")
    monkeypatch.setattr(store.os, "fstat", looked_at)
    assert read_bytes(path) == b"a"


def test_a_file_that_is_not_there_is_for_the_caller_to_tell(path):
    with pytest.raises(FileNotFoundError):
        read_bytes(path)


@ANY_SYSTEM
def test_what_is_no_plain_file_is_told(path):
    path.mkdir()
    assert told(read_bytes, path) == f"{path}: is no plain file"


@ANY_SYSTEM
def test_what_cannot_be_opened_is_told(path):
    path.touch()
    assert told(read_bytes, path / "x") == f"{path / 'x'}: cannot be read: Not a directory"


def test_json_means_what_it_says():
    text = b'{"a": [1, 2.5, null, true, "\xc3\xa9"], "b": {"a": {}, "b": {"a": ""}}}'
    meant = {"a": [1, 2.5, None, True, "é"], "b": {"a": {}, "b": {"a": ""}}}
    assert as_json(text, Path("x")) == meant


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "it is not JSON"),
        (b"{", "it is not JSON"),
        (b"\xff", "it is not JSON"),
        (b"[" * 200_000, "it is nested too deeply"),
        (b'{"a": 1, "b": 2, "b": 3}', "it says 'b' twice"),
        (b'[{"b": {"c": 1, "a": 2, "c": 3, "a": 4}}]', "it says 'c' twice"),
        (b'{"%s": 1, "%s": 2}' % (b"x" * 99, b"x" * 99), f"it says '{'x' * 59} twice"),
    ],
    ids=lambda value: ascii(value)[:60],
)
def test_what_is_wrong_with_json_is_told(text, words):
    assert told(as_json, text, Path("x")) == f"x: is damaged: {words}"
