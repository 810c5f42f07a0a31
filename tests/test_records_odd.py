"""Anything at all below runs/ is a record, or a line that says what is wrong with it."""

import hashlib
import json
import os
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from commands import hsig
from prepared import made_run

import hsig as front
from hsig.errors import ConfigError, HsigError, RunError
from hsig.runs import archive, every, find, keep, read
from hsig.runs.store import as_json, is_cell, misfit, signed

SWEEP = "activation: hard\nloss: squared\nseeds: 3\nsweep:\n  epochs: [5, 10]\n"
ANY_SYSTEM = pytest.mark.skipif(os.name == "nt", reason="no such files on this system")


def answer(*command):
    """What a command says: its exit code and words, or hsig's refusal. All else is a bug."""
    try:
        code, out, err = hsig(*command)
    except HsigError as refusal:
        return 3, "", "\n".join(refusal.messages)
    return code, out, err


def answers(runs, one, other):
    """What each command that reads records says of one of them; what they write is beside them."""
    beside = runs.parent
    commands = {
        "list": ("runs", "list"),
        "changed": ("runs", "list", "--only-changed", "--where", "solved>=0", "--since", "1d"),
        "show": ("runs", "show", one),
        "diff": ("runs", "diff", one, other),
        "rerun": ("runs", "rerun", one),
        "export": ("runs", "export", one, "-o", str(beside / "x.zip"), "--force"),
        "note": ("runs", "note", one, "--note", "seen"),
        "resume": ("sweep", "--resume", one, "-q"),
        "plot": ("plot", one, "-o", str(beside / "x.svg"), "--force"),
        "report": ("report", one, "-o", str(beside / "x.html"), "--force"),
    }
    return {name: answer(*words) for name, words in commands.items()}


@pytest.fixture(params=["run"])
def two(request, runs):
    """The folders of two runs, or of two sweeps."""
    if request.param == "run":
        moments = (datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2))
        made = [keep(runs, replace(made_run(seeds="3"), started=moment)) for moment in moments]
        return [record.folder for record in made]
    Path("map.yaml").write_text(SWEEP, encoding="utf-8")
    hsig("sweep", "map.yaml", "-q")
    hsig("sweep", "map.yaml", "-q", "-s", "4")
    return sorted(runs.iterdir())


OF_EACH_KIND = pytest.mark.parametrize("two", ["run", "sweep"], indirect=True)


def link_to(target):
    return lambda path: path.symlink_to(target)


# --- what stands beside records ----------------------------------------------------------------


@ANY_SYSTEM
@pytest.mark.parametrize(
    "make",
    [Path.mkdir, os.mkfifo, link_to("nowhere"), link_to("/dev/null"), link_to("..")],
    ids=["folder", "pipe", "link to nothing", "device", "link to a folder"],
)
def test_what_has_no_name_of_a_record_is_named_and_lists_the_others(two, make):
    runs = two[0].parent
    make(runs / "odd")
    records, problems = every(runs)
    assert [record.folder for record in records] == two[::-1]
    assert problems == [f"{runs / 'odd'}: is no kept run: its name is none that hsig gives"]


def test_a_record_that_was_renamed_is_told_by_its_own_name(two):
    moved = two[0].rename(two[0].with_name("best"))
    records, problems = every(moved.parent)
    assert [record.folder for record in records] == two[1:]
    assert problems == [f"{moved}: is found by its own name alone. Call it {two[0].name} again"]
    moved.rename(two[0])
    assert every(moved.parent)[1] == []


def test_somebodys_own_files_beside_records_are_left_alone(two):
    runs = two[0].parent
    (runs / "README.md").write_text("what these were for", encoding="utf-8")
    (runs / ".cache").mkdir()
    assert len(every(runs)[0]) == 2
    assert every(runs)[1] == []


# --- what stands in the place of a file --------------------------------------------------------


def deep(path):
    path.write_bytes(b"[" * 200_000)


def locked(path):
    path.write_bytes(b"{}")
    path.chmod(0)


def large(path):
    with path.open("wb") as file:
        file.truncate(1 << 40)


ODD = {
    "a pipe": (os.mkfifo if hasattr(os, "mkfifo") else None, "is no plain file"),
    "a device": (link_to("/dev/zero"), "is no plain file"),
    "a folder": (Path.mkdir, "is no plain file|Is a directory"),
    "a link to nothing": (link_to("nowhere"), "it has no run.json|No such file|is missing"),
    "a link to itself": (lambda path: path.symlink_to(path.name), "symbolic links"),
    "a terabyte": (large, "bytes. Expected"),
    "brackets": (deep, "is nested too deeply|was changed"),
    "a null": (lambda path: path.write_bytes(b"null"), "is not a record|was changed"),
    "nothing": (lambda path: path.write_bytes(b""), "is not JSON|was changed"),
    "bytes": (lambda path: path.write_bytes(bytes(range(256))), "is not JSON|was changed"),
}


@ANY_SYSTEM
@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("file", ["run.json", "seeds.npz"])
@OF_EACH_KIND
def test_an_odd_file_is_named_by_every_command_and_hangs_none(two, odd, file):
    make, told = ODD[odd]
    path, other = two[0] / file, two[1]
    path.unlink()
    make(path)
    said = answers(two[0].parent, two[0].name, other.name)
    for name in ("show", "diff", "rerun", "export"):
        assert said[name][0] == 3, name
        assert any(words in said[name][2] for words in told.split("|")), (name, said[name])
    assert said["list"][0] == 0
    assert other.name[:15] in said["list"][1]
    assert two[0].name in said["list"][2]
    assert hsig("runs", "rm", two[0].name, "--yes")[0] == 0
    assert not os.path.lexists(two[0])
    assert other.exists()


@ANY_SYSTEM
@pytest.mark.parametrize(
    "make",
    [Path.touch, link_to("nowhere"), link_to("/dev/zero"), os.mkfifo, Path.mkdir, link_to("..")],
    ids=["file", "link to nothing", "device", "pipe", "empty folder", "link to a folder"],
)
def test_what_has_the_name_of_a_record_and_is_none_is_named_and_can_be_removed(two, make):
    odd = two[0].with_name("20260101T000000.000000Z-00")
    make(odd)
    said = answers(odd.parent, odd.name, two[0].name)
    assert str(odd.name) in said["list"][2]
    assert all(said[name][0] == 3 for name in ("show", "diff", "rerun", "export", "note", "plot"))
    assert hsig("runs", "rm", odd.name, "--yes")[0] == 0
    assert not os.path.lexists(odd)
    assert len(every(odd.parent)[0]) == 2


@ANY_SYSTEM
@pytest.mark.parametrize("odd", ["a pipe", "a device", "a folder", "brackets", "a terabyte"])
def test_an_odd_note_is_named_and_costs_nothing_but_itself(two, odd):
    path = two[0] / "note.json"
    ODD[odd][0](path)
    code, out, err = hsig("runs", "list")
    assert code == 0
    assert len(out.splitlines()) == 3
    assert f"{two[0].name}/note.json: " in err
    assert hsig("runs", "show", two[0].name)[0] == 0
    if odd != "a folder":
        hsig("runs", "note", two[0].name, "--name", "mine")
        assert find(two[0].parent, "mine").folder.name == two[0].name


@ANY_SYSTEM
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_what_may_not_be_read_is_named(two):
    locked(two[0] / "run.json")
    assert "run.json: cannot be read: Permission denied" in hsig("runs", "list")[2]


def test_a_record_that_is_a_link_to_a_folder_is_one_and_only_the_link_is_removed(two, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    two[0].rename(elsewhere)
    two[0].symlink_to(elsewhere, target_is_directory=True)
    assert hsig("runs", "show", two[0].name)[0] == 0
    hsig("runs", "rm", two[0].name, "--yes")
    assert (elsewhere / "run.json").exists()


# --- run.json --------------------------------------------------------------------------------


def test_the_signature_is_of_every_byte(two):
    """The last of two names would win, so what follows the checksum is no record."""
    path = two[0] / "run.json"
    whole = path.read_bytes()
    forged = b', "parts": [], "seconds": 0.0}'
    for text in (
        whole.rstrip()[:-1] + forged,
        whole + b" ",
        whole + b"\n",
        whole.rstrip(),
        whole.replace(b'"\n}\n', b'",\n "seconds": 7.0\n}\n'),
        whole.replace(b'"\n}\n', b'0"\n}\n'),
    ):
        path.write_bytes(text)
        with pytest.raises(RunError, match=r"run\.json: (was changed|is damaged)"):
            read(two[0])
    digest = whole.rsplit(b'"', 2)[1]
    for place in range(len(digest)):  # not a part of the checksum alone
        other = digest[:place] + (b"1" if digest[place : place + 1] == b"0" else b"0")
        path.write_bytes(whole.replace(digest, other + digest[place + 1 :]))
        with pytest.raises(RunError, match="its checksum is another"):
            read(two[0])
    path.write_bytes(whole)
    assert read(two[0]).command == "train"


def test_a_name_that_comes_twice_is_no_json_of_hsig():
    with pytest.raises(RunError, match=r"x: is damaged: it says 'a' twice"):
        as_json(b'{"b": {"a": 1, "a": 1}}', Path("x"))
    assert as_json(b'[{"a": 1}, {"a": 1}]', Path("x")) == [{"a": 1}, {"a": 1}]


def places(value, path=()):
    """Every place of a document, from the root on."""
    yield path
    for key, part in value.items() if isinstance(value, dict) else ():
        yield from places(part, (*path, key))
    if isinstance(value, list) and value:
        yield from places(value[0], (*path, 0))


def with_part(value, path, change):
    """A copy with one place changed, or without it."""
    value = json.loads(json.dumps(value))
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    if change is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = change[0]
    return value


WRONG = [None, (None,), (7,), (-1,), (10**18,), ("x",), ([],), ({},), ([[]],), ({"x": 1},), (True,)]


@OF_EACH_KIND
def test_signed_json_that_says_too_little_or_else_is_named_or_harmless(two):
    """Each place of it missing, or with a value of each other kind, signed as hsig does."""
    folder, other = two
    about = json.loads((folder / "run.json").read_text())
    del about["checksum"]
    commands = [("runs", "list"), ("runs", "list", "--only-changed"), ("runs", "show", folder.name)]
    named = 0
    tried = [*product((p for p in places(about) if p and p[0] != "machine"), WRONG)]
    for path, change in tried if "HSIG_SLOW" in os.environ else tried[::5]:
        (folder / "run.json").write_bytes(signed(with_part(about, path, change)))
        said = [answer(*command) for command in commands]
        assert said[0][0] == 0, (path, change)
        assert other.name[:15] in said[0][1]
        named += folder.name in said[0][2]
    assert named > 50


def test_what_the_shape_holds_is_what_commands_read_unasked(two):
    about = json.loads((two[0] / "run.json").read_text())
    assert misfit(about) == ""
    for path, told in (
        (("command",), "command: is missing"),
        (("parts", 0, "labels"), "parts[0].labels: is missing"),
        (("machine", "cores"), "machine.cores: is missing"),
    ):
        assert misfit(with_part(about, path, None)) == told
    for path, value, told in (
        (("parts",), [], "parts: expected one at least"),
        (("command",), "x", "command: is none that is kept, the text 'x'"),
        (("complete",), 1, "complete: expected true or false, got 1"),
        (("seconds",), float("nan"), "seconds: expected some, got nan"),
        (
            ("started",),
            "2026-01-01",
            "started: expected a moment in UTC, got the text '2026-01-01'",
        ),
        (("files",), {"../x.json": ""}, "files: expected names of files, got the text '../x.json'"),
        (("parts", 0, "results", 0, "solved"), 4, "results: expected so many of the seeds, got 4"),
        (
            ("parts", 0, "results", 0, "epochs", 0),
            10**18,
            "results: expected epochs that rise from",
        ),
        (("parts", 0, "results", 0, "epochs", 0), 10, "results: expected epochs that rise from"),
        (("parts", 0, "results", 0, "label"), "x", "for each label, in order, got the text 'x'"),
    ):
        assert told in misfit(with_part(about, path, (value,)))
    for file in ("result.json", "seeds.npz"):
        assert misfit(with_part(about, ("files", file), None)).startswith("files: expected result")
    later = {**about, "more": {"of": "a later hsig"}}
    assert misfit(later) == ""


def test_more_names_in_a_signed_record_change_nothing(two):
    before = hsig("runs", "show", two[0].name)
    about = json.loads((two[0] / "run.json").read_text())
    del about["checksum"]
    (two[0] / "run.json").write_bytes(signed({**about, "later": [1, 2]}))
    assert hsig("runs", "show", two[0].name) == before


def test_arrays_that_do_not_go_with_run_json_are_named(two):
    """They are signed as they should be, and of other seeds."""
    about = json.loads((two[0] / "run.json").read_text())
    with np.load(two[0] / "seeds.npz") as file:
        arrays = dict(file)
    for name, array in (
        ("0/0/predictions", arrays["0/0/predictions"][:, :2]),
        ("0/0/solved", ~arrays["0/0/solved"]),
        ("0/0/cost_mean", arrays["0/0/cost_mean"].astype(int)),
        ("0/0/hidden_weights", arrays["0/0/hidden_weights"][:1]),
        ("0/0/max_error", None),
    ):
        others = {n: a for n, a in ({**arrays, name: array}).items() if a is not None}
        np.savez(two[0] / "seeds.npz", **others)
        data = (two[0] / "seeds.npz").read_bytes()
        about["files"]["seeds.npz"] = hashlib.sha256(data).hexdigest()
        about["bytes"]["seeds.npz"] = len(data)
        about.pop("checksum", None)
        (two[0] / "run.json").write_bytes(signed(about))
        with pytest.raises(RunError, match=f"cannot be what hsig wrote: .*{name}"):
            front.open_run(two[0].name)


def test_a_line_of_a_cell_says_all_of_it():
    never = {name: [-1] for name in ("solved_at", "lost_at", "diverged_at")}
    line = {"key": "k", "cell": ["1"], "seeds": [0], "solved": [False], **never, "verdict": [3]}
    line |= {"cost": ["NaN"], "error": ""}
    assert is_cell(line)
    for name in line:
        assert not is_cell({n: v for n, v in line.items() if n != name})
        assert not is_cell(line | {name: None})
    assert not is_cell(line | {"seeds": [0, 1]})
    assert not is_cell(line | {"error": "of a cell with seeds"})


# --- words -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("latest~", "latest~: no run in"),
        ("latest~-1", "latest~-1: no run in"),
        ("latest~٣", "latest~٣: no run in"),
        ("latest~" + "9" * 5000, "there are only 2 kept runs in "),
        ("x" * 300, "x: no run in "),
        ("x" * 10_000, "x: no run in "),
        ("20260101T" + "0" * 300, "0: no run in "),
        ("\0", "no run in"),
    ],
    ids=lambda text: text[:20],
)
def test_what_can_mean_no_run_is_a_short_error(two, text, told):
    with pytest.raises(ConfigError) as caught:
        find(two[0].parent, text)
    assert told in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_run_begun_before_there_were_zip_files_is_packed(runs):
    """A zip file knows no year before 1980."""
    for year in (1970, 1, 9999):
        moment = datetime(year, 1, 2, 3, 4, 5, tzinfo=UTC)
        record = keep(runs, replace(made_run(), started=moment))
        assert archive(record).startswith(b"PK")
        shutil.rmtree(record.folder)


def test_what_else_lies_in_the_folder_of_a_record_is_not_packed(two):
    record = read(two[0])
    before = archive(record)
    (two[0] / "secret").symlink_to("/etc/passwd")
    (two[0] / ".unfinished-0").write_bytes(b"left")
    assert archive(record) == before


@pytest.mark.skipif(os.name == "nt", reason="no such names on this system")
@pytest.mark.parametrize(
    "name", ["a\x1b[31m.csv", "a\u202eb.csv", "a\nb.csv", "\udcff.csv"], ids=ascii
)
def test_a_task_of_a_file_with_an_odd_name_can_be_read_again(runs, name):
    Path(name).write_text("0,1,1\n1,0,1\n1,1,0\n0,0,0\n", encoding="utf-8")
    shown = hsig("train", "hard", "-t", f"csv:{name}", "-e", "5", "-s", "2", "-f", "json")[1]
    assert hsig("runs", "show", "latest", "-f", "json")[1] == shown
    assert hsig("runs", "rerun", "latest")[0] == 0
    assert runs.exists()
