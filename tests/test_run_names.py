"""Runs that have names and notes, and are found again by them, by their numbers and their age."""

import json
import os
import re
import shutil
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from commands import hsig, out_of
from pages import read_csv
from prepared import made_run
from test_runs import SHORT

from hsig import files
from hsig.errors import ConfigError, RunError
from hsig.runs import Note, every, find, keep, read
from hsig.runs.listing import read_since


def listed(*arguments):
    """The runs that are listed, by what they are: the oldest first."""
    rows = read_csv(out_of("runs", "list", "-f", "csv", *arguments))
    return [row["what"] for row in rows][::-1]


def named(runs, name, text=""):
    return keep(runs, replace(made_run(), note=Note(name, text)))


# --- names and notes --------------------------------------------------------------------------


def test_a_run_that_has_a_name_is_the_same_run(runs):
    """What it is called is in a file of its own: the digest and `run.json` do not have it."""
    hsig("train", "hard", *SHORT)
    out = out_of("train", "hard", *SHORT, "--name", "mine", "--note", "  the first,\nof two ")
    assert out == out_of("runs", "show", "latest~1")
    (called, before), _ = every(runs)
    assert (called.note, before.note) == (Note("mine", "the first,\nof two"), Note())
    assert called.digest == before.digest
    assert set(called.about) == set(before.about)
    assert called.about["files"].keys() == {"result.json", "seeds.npz"}
    assert json.loads((called.folder / "note.json").read_text()) == {
        "name": "mine",
        "note": "the first,\nof two",
    }
    assert not (before.folder / "note.json").exists()
    assert hsig("runs", "rerun", "mine")[0] == 0


@pytest.mark.parametrize("form", ["table", "md"])
@pytest.mark.parametrize(
    "command",
    [("train", "hard"), ("compare", "hard", "tanh"), ("explain", "hard", "-l", "squared")],
    ids=lambda command: command[0],
)
def test_a_run_is_shown_below_what_it_is_called(runs, command, form):
    hsig(*command, *SHORT, "--name", "mine", "--note", "why not")
    assert runs.exists()
    found = out_of("runs", "show", "mine", "-f", form)
    assert found == f"mine: why not\n\n{out_of(*command, *SHORT, '-f', form, '--no-save')}"
    document = json.loads(out_of("runs", "show", "mine", "-f", "json"))
    assert (document.pop("name"), document.pop("note")) == ("mine", "why not")
    alone = out_of(*command, *SHORT, "-f", "json", "--no-save")
    assert document == json.loads(alone)


def test_what_a_run_is_called_can_be_changed_and_nothing_else_is(runs):
    hsig("train", *SHORT)
    (folder,) = runs.iterdir()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for flags, note in (
        (("--name", "a b"), Note("a b")),
        (("--note", "x"), Note("a b", "x")),
        (("--name", "c"), Note("c", "x")),
        (("--name", ""), Note("", "x")),
        (("--note", ""), Note()),
    ):
        assert hsig("runs", "note", "latest", *flags)[:2] == (0, "")
        assert read(folder).note == note
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    told = hsig("runs", "note", "latest", "--name", "z", "--note", "y")[2]
    assert told == f"{folder.name}: name z, note y\n"
    with pytest.raises(ConfigError, match="expected --name TEXT, --note TEXT or both"):
        hsig("runs", "note", "latest")


@pytest.mark.parametrize(
    ("flags", "messages"),
    [
        (("--name", "x" * 41), ["--name: expected one line of at most 40 characters, got 'xxx"]),
        (("--name", "a\nb"), ["--name: expected one line of at most 40 characters, got 'a\\nb'"]),
        (("--name", "\x1b[31m"), ["--name: expected one line of"]),
        (("--name", "latest~3"), ["--name: expected a name that can be no id and not latest: l"]),
        (("--name", "20261123T215513.321510Z-8dd5"), ["--name: expected a name that can be no id"]),
        (("--note", "\a"), ["--note: expected at most 2000 characters that can be printed, got 1"]),
        (("--name", "latest", "--note", "x" * 2001), ["--name: ", "--note: expected at most 2000"]),
    ],
    ids=repr,
)
def test_what_no_run_can_be_called_is_refused_before_it_is_trained(runs, flags, messages):
    for command in (("train", *SHORT), ("sweep", "map.yaml"), ("compare", *SHORT)):
        with pytest.raises(ConfigError) as caught:
            hsig(*command, *flags)
        found = zip(caught.value.messages, messages, strict=True)
        assert all(one.startswith(start) for one, start in found)
    assert not runs.exists()
    named(runs, "mine")
    with pytest.raises(ConfigError):
        hsig("runs", "note", "mine", *flags)


def test_a_name_is_for_a_run_that_is_kept(runs):
    with pytest.raises(ConfigError, match="--name: goes with a run that is kept, not with --no-sa"):
        hsig("train", *SHORT, "--no-save", "--name", "mine")
    with pytest.raises(ConfigError, match="--note: goes with a run that is kept"):
        hsig("train", *SHORT, "--no-save", "--note", "mine")
    assert not runs.exists()


def test_a_sweep_has_the_name_that_it_was_given_last(runs):
    Path("map.yaml").write_text("seeds: 2\nsweep: {epochs: [1, 2]}\n", encoding="utf-8")
    for flags, note in (
        (("--name", "one"), Note("one")),
        ((), Note("one")),
        (("--note", "x"), Note("one", "x")),
        (("--resume", "latest", "--name", "two"), Note("two", "x")),
    ):
        command = ("sweep", *([] if "--resume" in flags else ["map.yaml"]), "-q", *flags)
        assert hsig(*command)[0] == 0
        (record,), _ = every(runs)
        assert record.note == note
        assert record.complete


@pytest.mark.parametrize(
    "text", ["{", "[1]", '{"name": "a"}', '{"name": "\\u001b[31m", "note": ""}'], ids=repr
)
def test_a_damaged_note_is_told_and_costs_nothing_but_itself(runs, text):
    record = named(runs, "mine")
    (record.folder / "note.json").write_text(text, encoding="utf-8")
    code, out, err = hsig("runs", "list", "-f", "json")
    assert (code, len(json.loads(out)["runs"])) == (0, 1)
    assert err.startswith(f"runs/{record.id}/note.json: ")
    assert hsig("runs", "show", "latest")[0] == 0
    assert hsig("runs", "note", "latest", "--name", "again")[0] == 0
    assert find(runs, "again").note == Note("again")


@pytest.mark.skipif(os.name == "nt", reason="no modes on this system")
def test_a_note_that_cannot_be_written_leaves_the_one_that_is_there(runs, monkeypatch):
    record = named(runs, "mine")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "_write", full)
    with pytest.raises(RunError, match=r"note\.json: cannot be written: No space left"):
        hsig("runs", "note", "mine", "--name", "other")
    assert find(runs, "mine").id == record.id


# --- found by a name --------------------------------------------------------------------------


def test_an_id_comes_before_a_name_and_a_name_before_the_beginning_of_an_id(runs):
    first, second = named(runs, "2026"), named(runs, "other")
    assert find(runs, first.id).id == first.id
    assert find(runs, "2026").id == first.id  # and both ids begin so
    assert find(runs, "other").id == second.id
    assert find(runs, second.id[:-1]).id == second.id


def test_a_name_of_several_runs_is_refused_with_their_ids(runs):
    ids = [named(runs, "twice").id for _ in range(2)]
    with pytest.raises(ConfigError) as caught:
        find(runs, "twice")
    assert "twice: 2 runs have this name. Give the id of one: " in str(caught.value)
    assert all(one in str(caught.value) for one in ids)
    with pytest.raises(ConfigError, match=r"no run in .* this name\. Did you mean 'twice'\?"):
        find(runs, "twize")


# --- found by what holds of them --------------------------------------------------------------


@pytest.fixture
def several(runs):
    """Three runs and a sweep; of 3 seeds none is solved in 20 epochs, at 0.5 or less."""
    hsig("train", "hard", *SHORT, "--name", "wide-1", "--note", "for the talk")
    hsig("compare", "sigmoid", "tanh", "-e", "3000", "-s", "10", "--name", "wide-2")
    hsig("train", "tanh", *SHORT, "--learning-rate", "0.5")
    Path("map.yaml").write_text("seeds: 4\nsweep: {epochs: [1, 2]}\n", encoding="utf-8")
    hsig("sweep", "map.yaml", "-q")
    return runs


@pytest.mark.usefixtures("several")
def test_conditions_choose_runs():
    hard, two, tanh, swept = every_one = listed()
    assert [hard, two, tanh] == ["hard", "sigmoid, tanh", "tanh"]
    for condition, found in (
        ("name=wide-1", [hard]),
        ("name=wide-*", [hard, two]),
        ("name=WIDE*", []),
        ("name=*", [hard, two]),
        ("name=", [tanh, swept]),
        ("name!=wide-[1]", [two, tanh, swept]),
        ("note=*talk", [hard]),
        ("activation=tanh", [two, tanh]),
        ("activation!=tanh", [hard, swept]),
        ("command = sweep", [swept]),
        ("command==sweep", [swept]),
        ("epochs<20", [swept]),
        ("epochs<=20", [hard, tanh, swept]),
        ("epochs>=2e1", [hard, two, tanh]),
        ("learning_rate>0.1", [tanh]),
        ("seeds>3", [two, swept]),
        ("solved>=0.9", [two]),
        ("solved<0.5", [hard, tanh]),
        ("solved=0", [hard, tanh]),
        ("seconds>=0", every_one),
        ("seconds>600", []),
        ("report_every>=500", [two, swept]),
    ):
        assert listed("--where", condition) == found, condition
    assert listed("--where", "epochs<=20", "--where", "name=wide*") == [hard]
    assert listed("--since", "1h") == every_one
    assert listed("--since", "2999-01-01") == []
    told = hsig("runs", "list", "--where", "activation=relu")[2]
    assert told == "none of the 4 kept runs is so\n"


def test_what_is_no_condition_is_refused_all_at_once_and_without_any_run():
    conditions = {
        "hard": "expected a key and its value, such as activation=hard or 'solved>=0.9'",
        "colour=red": "unknown key 'colour'. Known: name, note, command, solved, seconds, task, ",
        "nam=x": "unknown key 'nam'. Did you mean 'name'?",
        "loss<3": "loss<3: loss is no number. Write loss=, or one of solved, seconds, ",
        "epochs<many": "epochs<many: expected a number to compare with, got the text 'many'",
        "solved>90": "solved>90: expected a share of the seeds from 0 to 1, such as 0.9, got 90",
    }
    with pytest.raises(ConfigError) as caught:
        hsig("runs", "list", *(word for text in conditions for word in ("--where", text)))
    told = zip(caught.value.messages, conditions.values(), strict=True)
    assert all(message.startswith(f"--where: {start}") for message, start in told)


NOW = datetime(2026, 11, 27, 15, 30, tzinfo=UTC).astimezone()


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("today", NOW.replace(hour=0, minute=0, tzinfo=None)),
        ("yesterday", NOW.replace(day=NOW.day - 1, hour=0, minute=0, tzinfo=None)),
        ("90m", NOW - timedelta(minutes=90)),
        ("3h", NOW - timedelta(hours=3)),
        ("1.5d", NOW - timedelta(hours=36)),
        ("2w", NOW - timedelta(days=14)),
        ("2026-11-01", datetime(2026, 11, 1)),  # local time is meant
        ("2026-11-01T12:00", datetime(2026, 11, 1, 12)),
        ("2026-11-01T12:00Z", datetime(2026, 11, 1, 12, tzinfo=UTC)),
    ],
)
def test_since_is_a_day_an_age_or_a_moment_of_local_time(text, moment):
    assert read_since(text, NOW) == moment.astimezone()


@pytest.mark.parametrize("text", ["", "soon", "2", "3y", "-1d", "2026-13-01", "9" * 30 + "d"])
def test_what_is_no_moment_is_refused(text):
    with pytest.raises(ConfigError, match="--since: expected today, yesterday, so many minutes"):
        read_since(text, NOW)


# --- the list ---------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [60, 80])
def test_the_list_fits_and_breaks_neither_an_id_nor_a_number(several, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    lines = out_of("runs", "list").splitlines()
    assert all(len(line) <= width for line in lines)
    ids = [path.name for path in sorted(several.iterdir())]
    swept, tanh, two, hard = lines[1:] if width == 80 else lines[1:5]
    for line, one in zip((hard, two, tanh, swept), ids, strict=True):
        assert one.startswith(line.split()[0])
    assert all("  0 of 3" in line for line in (tanh, hard))
    assert re.search(r"  [0-9]+, [0-9]+ of 10\b", two)
    assert "  wide-2: sigmoid, tanh  " in two
    assert "  sigmoid over epochs: 2 cells" in swept


@pytest.mark.usefixtures("several")
def test_json_of_the_list_has_numbers():
    runs = json.loads(out_of("runs", "list", "-f", "json"))["runs"]
    assert [run["name"] for run in runs] == ["", "", "wide-2", "wide-1"]
    swept, tanh = runs[:2]
    assert swept["sweep"] == {"epochs": [1, 2]}
    assert [(one["solved"], one["seeds"]) for one in tanh["results"]] == [(0, 3)]
    assert tanh["seconds"] > 0
    assert datetime.fromisoformat(tanh["started"]).tzinfo is not None


def test_a_packed_run_keeps_its_name(runs):
    hsig("train", *SHORT, "--name", "mine")
    hsig("runs", "export", "mine", "-o", "run.zip")
    with zipfile.ZipFile("run.zip") as packed:
        packed.extractall("elsewhere")
    shutil.rmtree(runs)
    assert hsig("runs", "show", "mine", "-q", "--runs-dir", "elsewhere")[0] == 0
    assert hsig("runs", "rm", "mine", "--yes", "--runs-dir", "elsewhere")[0] == 0
    assert [*Path("elsewhere").iterdir()] == []
