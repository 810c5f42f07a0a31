"""Records of earlier versions, which every version lists, shows, repeats, resumes and exports."""

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from commands import hsig

from hsig.engines import NUMERICS
from hsig.engines.choice import ENGINES
from hsig.errors import ConfigError
from hsig.runs import every, find

HERE = Path(__file__).parent / "records"
KEPT = sorted(path.parent.relative_to(HERE).as_posix() for path in HERE.glob("*/*/*Z-*"))
FINISHED = [name for name in KEPT if not name.endswith("unfinished")]
UNFINISHED = [name for name in KEPT if name.endswith("unfinished")]
# of each numerics, what has other bits by now, as the changelog says
CHANGED = {1: set(), 2: {"evidence/departure"}, 3: set()}

compiled = pytest.mark.skipif(not ENGINES["compiled"].is_here(), reason="they were trained by it")


@pytest.fixture
def kept(request, runs):
    """A copy of one of them, which is the only run there is."""
    shutil.copytree(HERE / request.param, runs)
    (folder,) = runs.iterdir()
    return folder


def each(names):
    return pytest.mark.parametrize("kept", names, indirect=True)


def solved(document):
    """How many seeds each variant, or each cell, solved, and of how many; None if not trained."""
    if "cells" in document:
        rows = document["cells"]
    else:
        several = document.get("tasks") or document.get("configs") or [document]
        rows = [row for one in several for row in one.get("variants", [])]
    return [row["solved"] and (row["solved"]["k"], row["solved"]["n"]) for row in rows]


def test_there_are_records_of_every_kind_and_of_seven_versions():
    assert len({name.partition("/")[0] for name in KEPT}) == 7
    assert {name.partition("/")[2] for name in KEPT} == {
        *("train", "compare", "configs", "tasks", "tuned", "explain", "sweep", "flags"),
        "unfinished",
    }


def test_their_page_names_each_and_nothing_says_where_they_were_made():
    page = (HERE / "README.md").read_text(encoding="utf-8")
    assert all(f"`{part}`" in page for name in KEPT for part in name.split("/"))
    for path in HERE.glob("*/*/*/run.json"):
        about = json.loads(path.read_text(encoding="utf-8"))
        assert about["machine"]["system"] == "Linux 6.1"
        assert about.get("sweep", {}).get("folder") in (None, "/home/user")


@each(KEPT)
def test_it_is_listed_without_a_complaint(kept):
    code, out, err = hsig("runs", "list", "-f", "json")
    (row,) = json.loads(out)["runs"]
    assert (code, err, row["id"]) == (0, "", kept.name)
    assert row["complete"] is (kept / "result.json").exists()
    assert hsig("runs", "list", "--only-changed", "--where", "epochs>=1")[2] == ""


@each(FINISHED)
def test_it_is_shown_with_the_numbers_that_it_was_kept_with(kept):
    """They stand in `result.json`, as it was printed then."""
    before = json.loads((kept / "result.json").read_text(encoding="utf-8"))
    code, out, _ = hsig("runs", "show", "latest", "-f", "json")
    now = json.loads(out)
    assert code == 0
    assert solved(now) == solved(before) != []
    for form in ("table", "md", "csv"):
        code, out, err = hsig("runs", "show", "latest", "-f", form)
        assert (code, out != "") == (0, True)
        told = f"was kept under numerics {find(kept.parent, 'latest').numerics}"
        assert (told in err) is (find(kept.parent, "latest").numerics < NUMERICS)


@each(FINISHED)
def test_it_is_exported_byte_by_byte(kept):
    hsig("runs", "export", "latest", "-o", "x.zip")
    with zipfile.ZipFile("x.zip") as packed:
        found = {Path(name).name: packed.read(name) for name in packed.namelist()}
    assert {"run.json"} < found.keys()
    assert all((kept / name).read_bytes() == data for name, data in found.items())


@compiled
@each(FINISHED)
def test_it_is_repeated_with_the_same_bits_but_for_those_that_were_changed_since(kept):
    record = find(kept.parent, "latest")
    code, out, _ = hsig("runs", "rerun", "latest", "-f", "json")
    found = json.loads(out)
    assert found["same_bits"] is (found["different"] == []) is (code == 0)
    assert {text.rpartition(": ")[2] for text in found["different"]} <= CHANGED[record.numerics]
    if record.packed and record.command != "sweep":
        with np.load(kept / "seeds.npz") as arrays:
            there = {name.split("/", 2)[2] for name in arrays.files}
        assert not there & set(found["not_kept"])
    assert bool(found["not_kept"]) is (record.numerics == 1 and record.command != "sweep")


@each(UNFINISHED)
def test_an_unfinished_sweep_has_its_cells_and_goes_on_or_says_why_not(kept):
    """Two of four cells are there; `f8e2316` and the others before the last had other digests."""
    out = hsig("runs", "show", "latest", "-f", "json")[1]
    assert [cell["solved"]["k"] for cell in json.loads(out)["cells"] if cell["solved"]] == [0, 0]
    with pytest.raises(ConfigError, match="is not finished; there is nothing whole to repeat"):
        hsig("runs", "rerun", "latest")
    assert hsig("runs", "export", "latest", "-o", "x.zip") == (0, "", "")
    with zipfile.ZipFile("x.zip") as packed:
        assert packed.read(f"{kept.name}/cells.log") == (kept / "cells.log").read_bytes()
    record = find(kept.parent, "latest")
    if record.numerics < NUMERICS or not ENGINES["compiled"].is_here():
        with pytest.raises(ConfigError, match="what its numbers depend on has changed since"):
            hsig("sweep", "--resume", "latest", "-q")
    else:
        code, out, _ = hsig("sweep", "--resume", "latest", "-q", "-f", "json")
        assert (code, json.loads(out)["complete"]) == (0, True)
        ((whole,), problems) = every(kept.parent)
        assert (whole.id, whole.complete, problems) == (kept.name, True, [])


@each([name for name in FINISHED if name.endswith(("train", "sweep", "compare"))])
def test_it_is_compared_with_one_of_today(kept):
    record = find(kept.parent, "latest")
    if record.command == "sweep":
        shutil.copy(kept / "config.yaml", "map.yaml")
        hsig("sweep", "map.yaml", "-q", "-s", "3")
    else:
        hsig("train", "hard", "-e", "20", "--report-every", "10", "-s", "2")
    document = json.loads(hsig("runs", "diff", kept.name, "latest", "-f", "json")[1])
    differing = {row["key"] for row in document["differences"]}
    assert ("numerics" in differing) is (record.about["versions"].get("numerics") != str(NUMERICS))
    assert ("command" in differing) is (record.command == "compare")
    assert ("seeds" in differing) is (record.command == "sweep")
