"""The folder of a record: what is read from it, and the words for all that can be wrong with it.

Each is written by hand, file by file.
"""

import hashlib
import json
import os
import shutil

import pytest
from test_records_shape import CELL, GOES_ON, RUN, SWEPT

from hsig.errors import RunError
from hsig.files import ASIDE
from hsig.runs import store as records
from hsig.runs.store import (
    GoneError,
    Note,
    bytes_of,
    cell_lines,
    checked,
    config_texts,
    damage,
    entries,
    every,
    read,
    signed,
    steady,
)

ANY_SYSTEM = pytest.mark.skipif(os.name == "nt", reason="no such files on this system")
FILES = {"config.yaml": b"epochs: 20\n", "result.json": b"{}\n", "seeds.npz": b"PK\n"}
IDS = [f"2026010{day}T000000.000000Z-0a" for day in range(1, 7)]


def put(folder, about=RUN, files=FILES, **more):
    """A record with these files, signed as it should be."""
    folder.mkdir(parents=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    sizes = {name: len(data) for name, data in files.items()}
    sign(folder, {**about, "id": folder.name, "files": sums, "bytes": sizes, **more})
    return folder


def sign(folder, about):
    """Write its `run.json`."""
    unsigned = {name: value for name, value in about.items() if name != "checksum"}
    (folder / "run.json").write_bytes(signed(unsigned))


def line_of(entry):
    """A line of `cells.log`."""
    text = json.dumps(entry).encode()
    return b"%s %s\n" % (hashlib.sha256(text).hexdigest().encode(), text)


@pytest.fixture
def folder(tmp_path):
    """That of a run."""
    return put(tmp_path / "runs" / IDS[0])


@pytest.fixture
def sweep(tmp_path):
    """That of a sweep that goes on."""
    return put(tmp_path / "runs" / IDS[0], GOES_ON, {"config.yaml": b"epochs: [5]\n"})


def told(error, function, *arguments):
    """The words that a function refuses with."""
    with pytest.raises(error) as caught:
        function(*arguments)
    assert type(caught.value) is error
    return str(caught.value)


# --- the signature ---------------------------------------------------------------------------


def test_what_is_signed_is_json_whose_last_line_is_the_checksum_of_what_is_before_it():
    """Of that without the line, as `printf '{\\n "a": 1\\n}' | sha256sum` has it."""
    checksum = "4c7b92d70b8f46817ada0eac124a21649225537837d9925d84548dfea748c20e"
    assert signed({"a": 1}) == b'{\n "a": 1,\n "checksum": "%s"\n}\n' % checksum.encode()


def test_a_signature_is_of_bytes_however_they_are_laid_out(folder):
    """Of a text that has the beginning of the last line in its midst as well."""
    about = {**read(folder).about, "versions": {"x": "1", "checksum": "2"}}
    del about["checksum"]
    before = json.dumps(about).replace('"1", "checksum"', '"1",\n "checksum"').encode()[:-1]
    checksum = hashlib.sha256(before + b"\n}").hexdigest().encode()
    (folder / "run.json").write_bytes(b'%s,\n "checksum": "%s"\n}\n' % (before, checksum))
    assert read(folder).about == {**about, "checksum": checksum.decode()}


# --- the folder of runs ----------------------------------------------------------------------


def test_what_there_is_comes_by_name(tmp_path):
    for name in ("b", "c", "a"):
        (tmp_path / name).mkdir()
    assert entries(tmp_path) == ["a", "b", "c"]
    assert entries(tmp_path / "d") == []


@ANY_SYSTEM
def test_a_file_in_the_place_of_the_runs_is_told(tmp_path):
    (tmp_path / "runs").touch()
    words = f"{tmp_path / 'runs'}: cannot be read: Not a directory"
    assert told(RunError, entries, tmp_path / "runs") == words
    assert told(RunError, every, tmp_path / "runs") == words


def old(path):
    """A folder that was left there; its time is ahead, for that of its making cannot be set."""
    path.mkdir(parents=True)
    os.utime(path, (4e9, 4e9))
    return path


def test_all_that_is_wrong_is_told_of_the_newest_first_and_hides_no_record(tmp_path):
    runs = tmp_path / "runs"
    asides = [old(runs / f"{ASIDE}{IDS[n]}") for n in (0, 1)]
    for name in IDS[:3]:
        put(runs / name)
    (runs / IDS[2] / "note.json").write_bytes(b"7")
    put(runs / IDS[3])
    (runs / IDS[3] / "result.json").unlink()
    (runs / IDS[3] / "seeds.npz").write_bytes(b"PKPK\n")
    (runs / IDS[4]).mkdir()
    put(runs / IDS[5], GOES_ON, {}, configs={})
    (runs / IDS[5] / "cells.log").write_bytes(b"x\n")
    (runs / "README.md").touch()
    (runs / ".git").mkdir()
    for name in ("x", "y"):
        (runs / name).mkdir()
    found, problems = every(runs)
    assert [(record.id, record.folder) for record in found] == [
        (name, runs / name) for name in (IDS[5], IDS[3], IDS[2], IDS[1], IDS[0])
    ]
    assert problems == [
        f"{runs / 'y'}: is no kept run: its name is none that hsig gives",
        f"{runs / 'x'}: is no kept run: its name is none that hsig gives",
        f"{runs / IDS[5] / 'cells.log'}: line 1 is damaged. A cell that no other line has is "
        f"trained again when the sweep goes on: hsig sweep --resume {IDS[5]}",
        f"{runs / IDS[4]}: is no kept run: it has no run.json",
        f"{runs / IDS[3] / 'result.json'}: is missing. Expected 3 bytes",
        f"{runs / IDS[3] / 'seeds.npz'}: was changed: it has 5 bytes. Expected 3 bytes",
        f"{runs / IDS[2] / 'note.json'}: is damaged: expected a name and a note, as JSON",
        f"{asides[1]}: was not finished; it can be removed",
        f"{asides[0]}: was not finished; it can be removed",
    ]


@pytest.mark.parametrize("sizes", [{}, None])
def test_a_record_of_before_there_were_sizes_is_told_to_miss_files_alone(folder, sizes):
    about = {name: value for name, value in read(folder).about.items() if name != "bytes"}
    sign(folder, about if sizes is None else {**about, "bytes": sizes})
    (folder / "seeds.npz").write_bytes(b"of another size")
    assert every(folder.parent)[1] == []
    (folder / "seeds.npz").unlink()
    assert every(folder.parent)[1] == [f"{folder / 'seeds.npz'}: is missing"]


def test_what_was_removed_since_the_folder_was_looked_at_is_left_out(folder, monkeypatch):
    names = [f"{ASIDE}{IDS[1]}", folder.name, IDS[1], "gone"]
    monkeypatch.setattr(records, "entries", lambda _: names)
    found, problems = every(folder.parent)
    assert ([record.id for record in found], problems) == ([folder.name], [])


def test_what_is_removed_right_after_it_was_read_is_no_damage(folder, monkeypatch):
    def read_and_removed(folder):
        record = read(folder)
        shutil.rmtree(folder)
        return record

    monkeypatch.setattr(records, "read", read_and_removed)
    found, problems = every(folder.parent)
    assert ([record.id for record in found], problems) == ([folder.name], [])


@pytest.mark.parametrize(
    ("seconds", "left"), [(-3600, True), (-3599, False), (3599, False), (3600, True)]
)
def test_what_stands_aside_for_an_hour_was_left(tmp_path, monkeypatch, seconds, left):
    aside = old(tmp_path / f"{ASIDE}{IDS[0]}")
    monkeypatch.setattr(records, "time", lambda: 4e9 + seconds)
    words = f"{aside}: was not finished; it can be removed"
    assert every(tmp_path) == ([], [words] if left else [])


@ANY_SYSTEM
def test_what_was_just_put_aside_with_the_time_of_before_may_be_at_work(tmp_path):
    aside = tmp_path / f"{ASIDE}{IDS[0]}"
    aside.mkdir()
    os.utime(aside, (0, 0))
    assert every(tmp_path) == ([], [])


def test_a_folder_of_another_name_is_told_by_the_name_that_its_record_had(folder):
    moved = folder.rename(folder.with_name("best"))
    words = f"{moved}: is found by its own name alone. Call it {IDS[0]} again"
    assert every(folder.parent) == ([], [words])


# --- one record ------------------------------------------------------------------------------


def test_a_record_is_its_folder_and_what_is_said_of_it(folder):
    (folder / "note.json").write_text('{"name": "mine", "note": "seen"}')
    record = read(folder)
    assert record.folder == folder
    assert record.note == Note("mine", "seen")
    about = json.loads((folder / "run.json").read_text())
    assert record.about == about
    assert (record.id, record.command, record.numerics) == (IDS[0], "compare", 3)
    assert (record.digest, record.complete, record.packed) == ("abc", True, True)


def test_what_is_not_there_is_gone_and_a_folder_without_a_record_is_not(tmp_path):
    gone = tmp_path / IDS[0]
    assert told(GoneError, read, gone) == f"{gone}: is not there any more"
    gone.mkdir()
    assert told(RunError, read, gone) == f"{gone}: is no kept run: it has no run.json"


CHANGED = "was changed after it was written: its checksum is another"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "is damaged: it is not JSON"),
        (b"[]", "is damaged: it is not a record"),
        (b'{"a": 1, "a": 2}', "is damaged: it says 'a' twice"),
        (b"{}", CHANGED),
        (b'{"format": 1}', CHANGED),
        (b'{"format": "2"}', CHANGED),
        (b'{"format": 2}', "has format 2, of a later hsig; this one reads 1"),
        (
            b'{"format": 1%s}' % (b"0" * 30),
            "has format a number of 31 digits, of a later hsig; this one reads 1",
        ),
        (signed({"format": 2}), "has format 2, of a later hsig; this one reads 1"),
        (signed({"a": 1}).replace(b"1", b"2", 1), CHANGED),
        (
            signed({"a": 1}),
            "is no record that hsig could have written: arguments: is missing",
        ),
    ],
    ids=lambda value: ascii(value)[:60],
)
def test_what_is_wrong_with_run_json_is_told(folder, text, words):
    (folder / "run.json").write_bytes(text)
    assert told(RunError, read, folder) == f"{folder / 'run.json'}: {words}"


@ANY_SYSTEM
def test_a_run_json_of_more_than_a_gigabyte_is_not_read(folder):
    with (folder / "run.json").open("wb") as file:
        file.truncate((1 << 30) + 1)
    size = "it has 1073741825 bytes. Expected 1073741824 at most"
    assert told(RunError, read, folder) == f"{folder / 'run.json'}: was changed: {size}"


# --- its files -------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [bytes_of, checked])
@pytest.mark.parametrize("sized", [True, False, None])
def test_a_file_is_read_as_it_was_written(folder, function, sized):
    """Whatever is said of sizes: all, none, or not a word."""
    about = {name: value for name, value in read(folder).about.items() if name != "bytes"}
    if not sized:
        sign(folder, about if sized is None else {**about, "bytes": {}})
    for name, data in FILES.items():
        assert function(read(folder), name) == data


@pytest.mark.parametrize("function", [bytes_of, checked])
def test_a_file_that_has_grown_is_not_read(folder, function):
    record = read(folder)
    (folder / "seeds.npz").write_bytes(b"PK\n\n")
    words = "was changed: it has 4 bytes. Expected 3 at most"
    assert told(RunError, function, record, "seeds.npz") == f"{folder / 'seeds.npz'}: {words}"


@pytest.mark.parametrize("function", [bytes_of, checked])
def test_a_file_of_a_record_that_is_gone_is_gone(folder, function):
    record = read(folder)
    shutil.rmtree(folder)
    words = f"{folder}: was removed meanwhile"
    assert told(GoneError, function, record, "seeds.npz") == words


def test_a_file_that_is_missing_or_was_changed_is_told(folder):
    record = read(folder)
    path = folder / "result.json"
    path.write_bytes(b"[]\n")
    assert told(RunError, checked, record, "result.json") == f"{path}: {CHANGED}"
    assert bytes_of(record, "result.json") == b"[]\n"
    path.unlink()
    words = f"{path}: cannot be read: No such file or directory"
    assert told(RunError, checked, record, "result.json") == words
    with pytest.raises(FileNotFoundError):
        bytes_of(record, "result.json")


def test_a_file_that_run_json_has_no_checksum_of_is_none_of_it(folder):
    (folder / "note.json").write_bytes(b"{}")
    words = f"{folder / 'note.json'}: {CHANGED}"
    assert told(RunError, checked, read(folder), "note.json") == words


def test_the_texts_of_configs_come_by_the_names_that_they_were_given_by(tmp_path):
    files = {**FILES, "config-1.yaml": "loss: squared  # ε\n".encode()}
    given = {"config.yaml": "a.yaml", "config-1.yaml": "b/c.yaml"}
    record = read(put(tmp_path / IDS[0], files=files, configs=given))
    texts = {"a.yaml": "epochs: 20\n", "b/c.yaml": "loss: squared  # ε\n"}
    assert config_texts(record) == texts


def test_a_config_that_is_no_text_or_is_missing_is_told(tmp_path):
    folder = put(tmp_path / IDS[0], files={**FILES, "config.yaml": b"\xff"})
    problem = "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte"
    words = f"{folder}: cannot be what hsig wrote: UnicodeDecodeError: {problem}"
    record = read(folder)
    assert told(RunError, config_texts, record) == words
    (folder / "config.yaml").unlink()
    words = f"{folder / 'config.yaml'}: cannot be read: No such file or directory"
    assert told(RunError, config_texts, record) == words


# --- a sweep that goes on --------------------------------------------------------------------

SAYS_ELSE = {**CELL, "seeds": []}
LINES = [line_of(CELL), line_of(CELL)[1:], line_of(SAYS_ELSE), line_of(CELL), b"x"]


def damaged(path):
    """Have two lines of `cells.log` that are damaged, and a torn end."""
    (path / "cells.log").write_bytes(b"".join(LINES))
    return f"{path / 'cells.log'}: line 2 is damaged.", f"{path / 'cells.log'}: line 3 is damaged."


def test_damage_is_told_by_line_with_what_becomes_of_it(sweep):
    first, second = damaged(sweep)
    record = read(sweep)
    assert cell_lines(record) == [CELL, None, None, CELL]
    what_now = (
        " A cell that no other line has is trained again when the sweep goes on: "
        f"hsig sweep --resume {IDS[0]}"
    )
    assert damage(record) == [first + what_now, second + what_now]


def test_damage_to_a_sweep_that_does_not_go_on_is_told_alone(sweep):
    """The first that ended had their cells in lines, and a result beside them."""
    told = damaged(sweep)
    sign(sweep, {**read(sweep).about, "complete": True})
    (sweep / "result.json").write_bytes(b"{}")
    assert damage(read(sweep)) == [*told]


def test_lines_that_are_left_beside_arrays_are_no_damage(tmp_path):
    folder = put(tmp_path / IDS[0], SWEPT)
    damaged(folder)
    assert damage(read(folder)) == []


def test_a_sweep_without_a_line_has_no_cells_and_no_damage(sweep):
    assert cell_lines(read(sweep)) == []
    assert damage(read(sweep)) == []


@ANY_SYSTEM
def test_lines_that_cannot_be_read_are_damage(sweep):
    (sweep / "cells.log").mkdir()
    words = f"{sweep / 'cells.log'}: is no plain file"
    assert damage(read(sweep)) == [words]
    assert told(RunError, cell_lines, read(sweep)) == words


# --- what is taken while others write --------------------------------------------------------


def taking(*steps):
    """What does one step more each time that it takes from a record, and whom it took from."""
    left, taken_from = list(steps), []

    def take(record):
        taken_from.append(record)
        return left.pop(0)()

    return take, taken_from


def refusing(error, before=lambda: None):
    def refuse():
        before()
        raise error

    return refuse


def test_what_is_taken_from_a_sweep_that_nobody_changed_is_taken_once(sweep):
    record = read(sweep)
    take, taken_from = taking(lambda: 7)
    assert steady(record, take) == (record, 7)
    assert taken_from == [record]


@pytest.mark.parametrize("refused", [True, False])
def test_what_was_taken_while_a_sweep_changed_is_taken_again_from_what_it_is_now(sweep, refused):
    record = read(sweep)

    def change():
        sign(sweep, {**record.about, "seconds": 1.5})

    first = refusing(RunError("a file is missing"), change) if refused else change
    take, taken_from = taking(first, lambda: 7)
    found, taken = steady(record, take)
    assert (found.folder, found.about["seconds"], taken) == (sweep, 1.5, 7)
    assert taken_from == [record, found]


def test_what_refuses_of_a_sweep_that_nobody_changed_refuses(sweep):
    take, _ = taking(refusing(RunError("a file is missing")))
    assert told(RunError, steady, read(sweep), take) == "a file is missing"


def test_what_is_taken_from_a_sweep_that_is_removed_meanwhile_is_gone(sweep):
    take, _ = taking(lambda: shutil.rmtree(sweep))
    assert told(GoneError, steady, read(sweep), take) == f"{sweep}: is not there any more"


def test_what_is_packed_stays_and_is_not_looked_at_again(folder):
    record = read(folder)
    take, _ = taking(lambda: shutil.rmtree(folder))
    assert steady(record, take) == (record, None)
