"""The name and the note of a run: what they may be, how they are kept, and what is read of them."""

import errno
import json
import os
from pathlib import Path

import pytest

from hsig.errors import ConfigError, RunError
from hsig.runs.store import NO_NOTE, Note, read_note, write_note

ID = "20261123T215513.321510Z-8dd5"
ONE_LINE = "expected one line of at most 40 characters, got"
PRINTED = "expected at most 2000 characters that can be printed, got"
OTHER_NAME = "expected a name that can be no id and not latest:"


@pytest.mark.parametrize(
    ("note", "there_is"),
    [
        (NO_NOTE, False),
        (Note(problem="unreadable"), False),
        (Note("a"), True),
        (Note(text="a"), True),
        (Note("a", "b"), True),
    ],
)
def test_a_note_is_true_if_it_says_anything(note, there_is):
    assert bool(note) is there_is


@pytest.mark.parametrize(
    "note",
    [
        NO_NOTE,
        Note("x" * 40, "x" * 2000),
        Note("two words, ä é 😀", "a line\n\nand others"),
        Note("later~1", "latest"),
        Note("my latest", "latest~1"),
        Note("latests"),
        Note(ID[:-6], ID),
        Note(f"{ID}~1"),
    ],
)
def test_what_may_be_said_has_no_complaint_and_is_read_as_it_was_written(tmp_path, note):
    assert note.complaints("name", "note") == []
    assert NO_NOTE.changed(note.name, note.text) == note
    assert write_note(tmp_path, note.name, note.text) == note
    assert read_note(tmp_path) == note


@pytest.mark.parametrize(
    ("note", "told"),
    [
        (Note("x" * 41), [f"the name: {ONE_LINE} '{'x' * 41}'"]),
        # of a text without end its first 80 characters, with the quote before them
        (Note("x" * 500), [f"the name: {ONE_LINE} '{'x' * 79}"]),
        (Note("a\nb"), [f"the name: {ONE_LINE} 'a\\nb'"]),
        (Note("a\u202eb"), [f"the name: {ONE_LINE} 'a\\u202eb'"]),
        (Note("latest"), [f"the name: {OTHER_NAME} latest"]),
        (Note("latest~1"), [f"the name: {OTHER_NAME} latest~1"]),
        (Note("latest~1~a"), [f"the name: {OTHER_NAME} latest~1~a"]),
        (Note(ID), [f"the name: {OTHER_NAME} {ID}"]),
        (Note(text="x" * 2001), [f"the note: {PRINTED} 2001: '{'x' * 59}"]),
        (Note(text="a\n\tb"), [f"the note: {PRINTED} 4: 'a\\n\\tb'"]),
        (Note("\a", "\a"), [f"the name: {ONE_LINE} '\\x07'", f"the note: {PRINTED} 1: '\\x07'"]),
    ],
)
def test_what_may_not_be_said_is_told_with_all_that_is_wrong(tmp_path, note, told):
    assert note.complaints("the name", "the note") == told
    with pytest.raises(ConfigError) as caught:
        write_note(tmp_path, note.name, note.text)
    of_flags = [one.replace("the name:", "--name:").replace("the note:", "--note:") for one in told]
    assert [*caught.value.messages] == of_flags
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("name", "text", "made"),
    [
        (None, None, Note("a", "b")),
        ("c", None, Note("c", "b")),
        (None, "c", Note("a", "c")),
        ("", None, Note("", "b")),
        (None, "", Note("a", "")),
        ("  c ", "\n c\n", Note("c", "c")),
        (" ", "\n", NO_NOTE),
    ],
)
def test_what_is_given_is_changed_and_an_empty_text_takes_away(name, text, made):
    assert Note("a", "b", problem="it was unreadable").changed(name, text) == made


def test_the_file_of_a_note_is_json_and_there_while_there_is_a_note(tmp_path):
    write_note(tmp_path, "mine", None)
    path = tmp_path / "note.json"
    assert path.read_bytes() == b'{\n "name": "mine",\n "note": ""\n}\n'
    write_note(tmp_path, None, "ä")
    assert path.read_bytes() == b'{\n "name": "mine",\n "note": "\\u00e4"\n}\n'
    for _ in range(2):
        assert write_note(tmp_path, "", "") == NO_NOTE
        assert [*tmp_path.iterdir()] == []
    assert read_note(tmp_path) == NO_NOTE


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is damaged: it is not JSON"),
        ('{"name": "", "name": "", "note": ""}', "is damaged: it says 'name' twice"),
        ("[1]", "is damaged: expected a name and a note, as JSON"),
        ('{"name": "a"}', "is damaged: expected a name and a note, as JSON"),
        ('{"name": "a", "note": 1}', "is damaged: expected a name and a note, as JSON"),
        ('{"name": null, "note": "a"}', "is damaged: expected a name and a note, as JSON"),
        ('{"name": "\\n", "note": "a"}', f"name: {ONE_LINE} '\\n'"),
        ('{"name": "", "note": "\\r"}', f"note: {PRINTED} 1: '\\r'"),
        ('{"name": "latest", "note": "\\r"}', f"name: {OTHER_NAME} latest"),
    ],
)
def test_a_file_that_is_no_note_is_told_with_its_place_and_says_nothing(tmp_path, text, told):
    path = tmp_path / "note.json"
    path.write_text(text, encoding="utf-8")
    assert read_note(tmp_path) == Note(problem=f"{path}: {told}")


def test_a_note_may_say_more_than_is_known(tmp_path):
    more = {"name": "a", "note": "b", "colour": "red"}
    (tmp_path / "note.json").write_text(json.dumps(more), encoding="utf-8")
    assert read_note(tmp_path) == Note("a", "b")


def test_a_file_of_more_than_65536_bytes_is_not_read(tmp_path):
    path = tmp_path / "note.json"
    text = b'{"name": "a", "note": ""}'
    path.write_bytes(text.ljust(65536))
    assert read_note(tmp_path) == Note("a")
    path.write_bytes(text.ljust(65537))
    told = f"{path}: was changed: it has 65537 bytes. Expected 65536 at most"
    assert read_note(tmp_path) == Note(problem=told)


def test_a_file_of_no_note_is_written_anew(tmp_path):
    (tmp_path / "note.json").write_bytes(b"{")
    assert write_note(tmp_path, None, "b") == Note("", "b")
    assert read_note(tmp_path) == Note("", "b")


@pytest.mark.skipif(os.name == "nt", reason="this system has other words for it")
def test_a_note_that_cannot_be_written_or_taken_away_is_told_with_the_reason(tmp_path, monkeypatch):
    gone, path = tmp_path / "gone", tmp_path / "note.json"
    with pytest.raises(RunError) as caught:
        write_note(gone, "mine", None)
    told = f"{gone / 'note.json'}: cannot be written: No such file or directory"
    assert caught.value.messages == (told,)
    write_note(tmp_path, "mine", None)

    def denied(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "unlink", denied)
    with pytest.raises(RunError) as caught:
        write_note(tmp_path, "", None)
    assert caught.value.messages == (f"{path}: cannot be written: Permission denied",)
    assert read_note(tmp_path) == Note("mine")


def test_the_disk_knows_that_a_note_is_gone(tmp_path, monkeypatch):
    write_note(tmp_path, "mine", None)
    asked = []
    monkeypatch.setattr("hsig.runs.store.settle", asked.append)
    write_note(tmp_path, "", None)
    assert asked == [tmp_path]
    assert [*tmp_path.iterdir()] == []
