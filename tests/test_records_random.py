"""Random damage to a record is named, or changes nothing: no traceback, and no wrong number."""

import json
import os
import shutil
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from commands import hsig
from hypothesis import event, given, settings
from hypothesis import strategies as st
from prepared import made_run
from test_records_odd import ODD, answer, places, with_part

from hsig import files
from hsig.config.sweeps import load_sweep
from hsig.experiments.sweeps import train_cell
from hsig.runs import Note, every, keep
from hsig.runs.store import signed
from hsig.runs.sweeps import Ledger, Origin

SWEEP = "activation: hard\nloss: squared\nseeds: 2\nsweep:\n  epochs: [3, 4, 5]\n"
MOMENT = datetime(2026, 1, 2, tzinfo=UTC)
KINDS = ("train", "sweep", "unfinished")
JSON = ("-f", "json", "--runs-dir")


def make(kind, runs):
    """A run of this kind, and another that it is compared with."""
    if kind == "train":
        record = keep(runs, replace(made_run(seeds="2"), note=Note("mine", "old")))
        keep(runs, replace(made_run(activation="hard", seeds="2"), started=MOMENT.replace(day=1)))
        return record.folder
    config = runs.with_name("map.yaml")
    for seeds in ("3", "2"):
        config.write_text(SWEEP, encoding="utf-8")
        wanted = load_sweep(config, {"seeds": seeds})
        ledger = Ledger(runs, wanted)
        origin = Origin.typed(config, {"seeds": seeds})
        ledger.open(origin, arguments=(), started=MOMENT.replace(day=4 - int(seeds)))
        for number, experiment in ledger.missing():
            if not (kind == "unfinished" and (number, seeds) == (2, "2")):
                ledger.note(number, train_cell(experiment))
        ledger.close(lambda: "{}")
    return max(runs.iterdir())


def answers(runs, name):
    """What each command says of the newest run; the numbers alone, where there are some."""
    other = min(path.name for path in runs.iterdir())
    listed = answer("runs", "list", *JSON, str(runs))
    shown = answer("runs", "show", name, *JSON, str(runs))
    said = {
        "list": listed,
        "show": shown,
        "diff": answer("runs", "diff", name, other, *JSON, str(runs)),
        "rerun": answer("runs", "rerun", name, *JSON, str(runs)),
        "export": answer(
            "runs", "export", name, "-o", str(runs / "x.zip"), "--runs-dir", str(runs)
        ),
    }
    if said["export"][0] == 0:
        said["export"] = (*said["export"], (runs / "x.zip").read_bytes())
        (runs / "x.zip").unlink()
    said["resume"] = answer("sweep", "--resume", name, "-q", *JSON, str(runs))
    return said


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    """By kind: the id of such a run, the files that there are, and what each command says of it."""
    made = {}
    for kind in KINDS:
        runs = tmp_path_factory.mktemp(kind) / "runs"
        name = make(kind, runs).name
        there = {str(p.relative_to(runs)): p.read_bytes() for p in sorted(runs.glob("*/*"))}
        made[kind] = name, there, answers(runs, name)
    return made


# --- damage ----------------------------------------------------------------------------------


def flipped(draw, path):
    data = bytearray(path.read_bytes())
    for _ in range(draw(st.integers(1, 3))):
        data[draw(st.integers(0, len(data) - 1))] ^= 1 << draw(st.integers(0, 7))
    path.write_bytes(bytes(data))


def cut(draw, path):
    data = path.read_bytes()
    path.write_bytes(data[: draw(st.integers(0, len(data) - 1))])


def longer(draw, path):
    more = st.sampled_from([b"\n", b" ", b"{}", b"\0", b', "seconds": 0}', b"[" * 100_000])
    path.write_bytes(path.read_bytes() + draw(more | st.binary(min_size=1, max_size=40)))


def spliced(draw, path):
    """A part of it is there twice, or moved."""
    data = path.read_bytes()
    a, b, c = sorted(draw(st.tuples(*[st.integers(0, len(data))] * 3)))
    path.write_bytes(data[:b] + data[a:c] + data[c:])


def gone(_, path):
    path.unlink()


def odd(draw, path):
    path.unlink()
    ODD[draw(st.sampled_from(sorted(ODD)))][0](path)


def twice(draw, path):
    """A name of `run.json` comes again, and its last value would win."""
    about = path.with_name("run.json")
    text = about.read_bytes()
    name = draw(st.sampled_from(sorted(json.loads(text))))
    value = draw(st.sampled_from(["0", "[]", '"x"', "{}", "null"]))
    about.write_bytes(text.replace(b"{\n", b'{\n "%s": %s,\n' % (name.encode(), value.encode()), 1))


def less(draw, path):
    """Something is missing in a `run.json` that is signed all the same."""
    about = path.with_name("run.json")
    document = json.loads(about.read_text())
    del document["checksum"]
    found = [p for p in places(document) if p and not isinstance(p[-1], int)]
    about.write_bytes(signed(with_part(document, draw(st.sampled_from(found)), None)))


def more(draw, path):
    """There is more in a `run.json` that is signed all the same."""
    about = path.with_name("run.json")
    document = json.loads(about.read_text())
    del document["checksum"]
    name = draw(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=9))
    deep = {name: [[[[None]]]]}
    about.write_bytes(signed({**document, f"more {name}": deep}))


DAMAGES = (flipped, cut, longer, spliced, gone, odd, twice, less, more)


def rows(said):
    """Each run of a list without its time."""
    return {row["id"]: row | {"seconds": 0} for row in json.loads(said[1])["runs"]}


def cells(said):
    """Each variant or cell that is shown."""
    document = json.loads(said[1])
    return document.get("cells") or document["variants"]


@pytest.mark.skipif(os.name == "nt", reason="no pipes and devices on this system")
@settings(max_examples=1000 if "HSIG_SLOW" in os.environ else 120)
@given(data=st.data())
def test_any_damage_is_named_or_changes_no_number(pristine, data):
    kind = data.draw(st.sampled_from(KINDS))
    damage = data.draw(st.sampled_from(DAMAGES))
    name, there, whole = pristine[kind]
    with tempfile.TemporaryDirectory() as place:
        runs = Path(place) / "runs"
        for file, content in there.items():
            (runs / file).parent.mkdir(parents=True, exist_ok=True)
            (runs / file).write_bytes(content)
        here = runs / name
        path = runs / data.draw(st.sampled_from([file for file in there if file.startswith(name)]))
        damage(data.draw, path)
        said = answers(runs, here.name)
        event(f"{damage.__name__}: {'named' if said['show'] != whole['show'] else 'no matter'}")
        # the list has the other run, and this one as it was unless something is said of it
        assert said["list"][0] == 0
        named = here.name in said["list"][2]
        before, now = rows(whole["list"]), rows(said["list"])
        if path.name == "note.json" and here.name in now:  # which anybody may write
            before[here.name] |= {part: now[here.name][part] for part in ("name", "note")}
        assert now.items() <= before.items()
        assert named or (now == before and (damage is not twice))
        for name in ("show", "diff", "rerun", "export", "resume"):
            if said[name] == whole[name] or said[name][0] == 3:
                continue  # as it was, or refused
            assert said[name][0] == 0
            if name == "resume" or path.name == "note.json" or damage in (less, more):
                continue
            assert named, (name, said[name])
        for name in ("show", "resume"):
            if said[name][0] == 0 and whole[name][0] == 0:
                for one, other in zip(cells(said[name]), cells(whole[name]), strict=True):
                    assert one == other or (name == "show" and one["solved"] is None)


def test_the_folder_of_a_process_that_was_killed_costs_no_record(runs):
    folder = make("train", runs)
    shutil.copytree(folder, runs / f"{files.ASIDE}{folder.name}")
    found, problems = every(runs)
    assert (len(found), problems) == (2, [])
    assert hsig("runs", "list")[2] == ""
