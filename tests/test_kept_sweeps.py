"""The store of sweeps: what is kept survives anything, and no cell is trained twice."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from commands import hsig, invoked
from hypothesis import given
from hypothesis import strategies as st

from hsig.config.sweeps import load_sweep
from hsig.engines.choice import ENGINES
from hsig.errors import BusyError, ConfigError, RunError
from hsig.experiments.measures import Measures
from hsig.experiments.sweeps import ARRAYS, CellResult, train_cell
from hsig.runs.record import same_bits
from hsig.runs.store import (
    CELLS,
    RESULT,
    Journal,
    describe_damage,
    read_journal,
    read_records,
)
from hsig.runs.sweeps import (
    Ledger,
    compare_cells,
    decode_cell,
    encode_cell,
    load_kept_sweep,
    read_sweep,
)

CONFIG = """
activation: hard
loss: squared
seeds: 20
sweep:
  learning_rate: [0.1, 1, 10]
  epochs: {log: [10, 1000, 3]}
"""
FULL = OSError(28, "No space left on device")
POSIX = pytest.mark.skipif(os.name == "nt", reason="no such signals and locks on this system")


@pytest.fixture
def config(runs):
    path = runs.parent / "map.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def newest(runs="runs"):
    return read_records(Path(runs))[0][0]


def bits_of(runs="runs"):
    """What the newest sweep has, by cell, with every bit."""
    results = read_sweep(newest(runs)).results
    return {
        cell: (result.seeds, *(getattr(result, name).tobytes() for name in ARRAYS))
        for cell, result in results.items()
        if result is not None
    }


def sweep(*arguments):
    return hsig("sweep", "map.yaml", "-f", "json", "-q", *arguments)


# --- lines ------------------------------------------------------------------------------------

FLOATS = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(FLOATS, max_size=5), st.integers(0, 10**5))
def test_a_cell_comes_back_from_its_line_with_every_bit(costs, number):
    whole = np.arange(len(costs), dtype=np.int64)
    arrays = {name: whole - 1 for name in ARRAYS} | {"solved": whole > 2, "cost": np.array(costs)}
    arrays["cost"] = arrays["cost"].astype(np.float64)
    measures = Measures(*[arrays["cost"][:, None]] * 6)
    cell = CellResult(
        seeds=tuple(whole.tolist()),
        **arrays,
        measures=measures,
        failure="" if costs else "why",
    )
    line = json.dumps(encode_cell(number, cell), allow_nan=False).encode()
    again_number, again = decode_cell(line)
    assert (again_number, again.seeds, again.failure) == (number, cell.seeds, cell.failure)
    for name in ARRAYS:
        assert getattr(again, name).dtype == getattr(cell, name).dtype
        assert same_bits(getattr(again, name), getattr(cell, name))
    for field in fields(Measures):
        assert same_bits(getattr(again.measures, field.name), getattr(measures, field.name))


ENTRIES = [(f"key{n}", {"n": n, "text": "ä\n" * n}) for n in range(5)]


def written(path):
    journal = Journal(path)
    for key, entry in ENTRIES:
        journal.append(key, entry)
    journal.close()
    return path


def entries(path):
    lines, damaged = read_journal(path)
    return [(key, json.loads(text)) for key, text in lines], damaged


def test_a_torn_end_is_dropped_and_more_follows(tmp_path):
    path = written(tmp_path / "log")
    whole = path.read_bytes()
    last = whole[:-1].rfind(b"\n") + 1
    for end in range(last, len(whole)):
        path.write_bytes(whole[:end])
        assert entries(path) == (ENTRIES[:-1], 0)
        journal = Journal(path)
        journal.append(*ENTRIES[-1])
        journal.close()
        assert path.read_bytes() == whole


@given(st.integers(0, 2**32))
def test_a_damaged_line_is_counted_and_costs_no_other(tmp_path_factory, seed):
    path = written(tmp_path_factory.mktemp("journal") / "log")
    data, chance = bytearray(path.read_bytes()), random.Random(seed)
    place = chance.randrange(len(data))
    line = data[:place].count(b"\n")
    data[place] = (data[place] + chance.randrange(1, 256)) % 256
    path.write_bytes(data)
    found, damaged = entries(path)
    lost = [entry for entry in ENTRIES if entry not in found]
    assert [entry for entry in found if entry not in ENTRIES] == []
    # the end of a line takes the next one with it, or leaves a last one torn
    assert 1 <= len(lost) <= 2
    assert ENTRIES[line] in lost
    assert damaged >= 1 or lost == ENTRIES[-1:]


# --- no cell twice ----------------------------------------------------------------------------


@pytest.mark.usefixtures("config")
def test_the_same_sweep_again_trains_nothing_and_prints_the_same(trained):
    first = sweep()
    assert trained == [20] * 9
    assert sweep() == first
    assert sweep("--no-save") == first
    flags = ("hard", "-l", "squared", "-s", "20", "-r", "0.1,1,10", "-e", "log:10..1000:3")
    assert hsig("sweep", *flags, "-f", "json", "-q") == first
    assert (len(trained), len(read_records(Path("runs"))[0])) == (9, 1)
    assert json.loads(first[1]) == json.loads((newest().folder / "result.json").read_text())


def test_more_values_train_only_what_is_new_and_other_seeds_all(config, trained):
    assert sweep()[0] == 0
    trained.clear()
    config.write_text(CONFIG.replace("[0.1, 1, 10]", "[0.1, 1, 5, 10]"), encoding="utf-8")
    assert sweep()[0] == 0
    assert trained == [20] * 3
    assert len(bits_of()) == 12
    assert sweep()[0] == 0
    trained.clear()
    assert sweep("--seeds", "21")[0] == 0
    assert trained == [21] * 12
    trained.clear()
    assert sweep("--seeds", "21", "--cost", "last")[0] == 0  # of which a cell keeps one
    assert trained == [21] * 12


@pytest.mark.usefixtures("config")
def test_a_damaged_line_is_told_and_its_cell_is_trained_again(trained):
    first, before = sweep(), bits_of()
    trained.clear()
    path = newest().folder / CELLS
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], lines[3].replace(b"seeds", b"seeed"), *lines[4:]]))
    (problem,) = describe_damage(newest())
    assert problem.startswith(f"run {newest().id} is damaged: {CELLS}: 1 of its lines")
    assert problem in hsig("runs", "list")[2]
    assert len(bits_of()) == 8
    assert json.loads(hsig("runs", "show", "latest", "-f", "json")[1])["complete"] is False
    code, out, err = hsig("sweep", "--resume", "latest", "-f", "json", "-q")
    assert (code, out, err) == (0, first[1], f"warning: {problem}\n")
    assert trained == [20]
    assert bits_of() == before
    assert describe_damage(newest()) == []


@pytest.mark.usefixtures("config")
@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text("")])
def test_the_result_of_a_whole_sweep_is_written_again_where_it_is_damaged(damage, trained):
    first = sweep()
    damage(newest().folder / RESULT)
    trained.clear()
    (problem,) = describe_damage(newest())
    assert sweep() == (*first[:2], f"warning: {problem}\n")
    assert (sweep(), trained, describe_damage(newest())) == (first, [], [])


@POSIX
@pytest.mark.usefixtures("config")
def test_two_processes_do_not_append_to_one_sweep():
    wanted = load_sweep(Path("map.yaml"), {})

    def opened(ledger):
        ledger.open(Path("map.yaml"), {}, arguments=(), started=datetime(2026, 1, 2, tzinfo=UTC))
        return ledger

    first = opened(Ledger(Path("runs"), wanted))
    first.add(0, train_cell(wanted.experiments[0]))
    second, third = Ledger(Path("runs"), wanted), Ledger(Path("runs"), wanted)
    with pytest.raises(BusyError, match="another process is writing to it"):
        opened(second)
    with pytest.raises(RunError, match="is a sweep that goes on"):
        hsig("runs", "rm", "latest", "--yes")
    for number, experiment in first.missing():
        first.add(number, train_cell(experiment))
    assert len(third.missing()) == 8
    first.close(lambda: "{}")
    assert opened(third).missing() == []
    third.close(lambda: "{}")
    assert len(read_journal(newest().folder / CELLS)[0]) == 9
    assert newest().complete


# --- resume -----------------------------------------------------------------------------------


def stop_after(monkeypatch, cells, *arguments):
    """Sweep on a disk that is full after so many cells."""
    append, appended = Journal.append, []

    def full(journal, key, entry):
        if len(appended) == cells:
            raise RunError("No space left on device")
        append(journal, key, entry)
        appended.append(key)

    with monkeypatch.context() as patch:
        patch.setattr(Journal, "append", full)
        found = invoked("sweep", *(arguments or ("map.yaml",)), "-q", "--workers", "1")
    assert "No space left on device" in str(found.exception)
    assert "stopped early" in found.stdout


def test_a_sweep_goes_on_by_its_id_from_anywhere(config, monkeypatch, trained, tmp_path):
    whole = sweep("--runs-dir", "whole")
    stop_after(monkeypatch, 4)
    assert (len(bits_of()), newest().complete) == (4, False)
    assert "(not finished)" in hsig("runs", "list")[1]
    with pytest.raises(ConfigError, match="is not finished"):
        hsig("runs", "rerun", "latest")
    trained.clear()
    config.unlink()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    there = ("--runs-dir", str(tmp_path / "runs"))
    again = hsig("sweep", "--resume", "latest", "-f", "json", "-q", "--workers", "auto", *there)
    assert (again, trained) == (whole, [20] * 5)
    assert bits_of(tmp_path / "runs") == bits_of(tmp_path / "whole")
    assert hsig("runs", "rerun", "latest", *there)[0] == 0


def test_files_that_a_sweep_names_are_found_again_and_must_be_the_same(
    runs, config, monkeypatch, tmp_path
):
    rows = "0,1,1\n1,0,1\n1,1,0\n0,0,0\n"
    (runs.parent / "rows.csv").write_text(rows, encoding="utf-8")
    config.write_text(f"task: {{csv: rows.csv}}\n{CONFIG}", encoding="utf-8")
    for arguments in (("map.yaml",), ("hard", "--task", "csv:rows.csv", "-r", "1,2,4", "-s", "3")):
        stop_after(monkeypatch, 1, *arguments)
        assert newest().meta["sweep"]["folder"] == str(tmp_path)
        assert hsig("sweep", "--resume", "latest", "-q")[0] == 0
        assert hsig("runs", "rerun", "latest")[0] == 0
    (runs.parent / "rows.csv").write_text(rows.replace("0,1,1", "0,1,0"), encoding="utf-8")
    with pytest.raises(ConfigError, match="its config means something else by now: task"):
        hsig("sweep", "--resume", "latest")


@pytest.mark.usefixtures("config")
def test_what_goes_with_resume_and_what_does_not(monkeypatch):
    stop_after(monkeypatch, 2)
    for words, message in {
        ("map.yaml", "--resume", "latest"): r"--resume: goes without map\.yaml",
        ("--resume", "latest", "--seeds", "3"): "--resume: goes without --seeds",
        ("--resume", "1999"): "no run in runs begins so",
        ("--resume", "latest", "--no-save"): "--resume: goes without --no-save",
    }.items():
        with pytest.raises(ConfigError, match=message):
            hsig("sweep", *words)
    with monkeypatch.context() as patch:
        patch.setattr("hsig.engines.choice.NUMERICS", 0)
        with pytest.raises(ConfigError, match="what its numbers depend on has changed since"):
            hsig("sweep", "--resume", "latest")
    (newest().folder / "config.yaml").write_text(CONFIG + "\n", encoding="utf-8")
    with pytest.raises(RunError, match=r"is damaged: config\.yaml"):
        load_kept_sweep(newest())
    hsig("train", "-e", "1")
    with pytest.raises(ConfigError, match="is no sweep"):
        hsig("sweep", "--resume", "latest")


# --- killed, interrupted, full ------------------------------------------------------------------

# runs a command that kills itself when it has kept so many cells
KILLS_ITSELF = """
import os, signal, sys
from hsig.__main__ import main
from hsig.runs.store import Journal
left = int(sys.argv.pop(1))
def append(*cell, append=Journal.append):
    global left
    append(*cell)
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
Journal.append = append
main()
"""


def sweep_process(*arguments):
    command = [sys.executable, "-m", "hsig", "sweep", "map.yaml", "-f", "json", "-q", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@POSIX
@pytest.mark.usefixtures("config")
@pytest.mark.parametrize("cells", [1, 5, 9])
def test_a_sweep_that_is_killed_ends_with_the_same_bits(cells):
    whole = sweep("--runs-dir", "whole")
    words = ("sweep", "map.yaml", "-q", "--runs-dir", "killed")
    done = subprocess.run([sys.executable, "-c", KILLS_ITSELF, str(cells), *words], check=False)
    assert done.returncode == -signal.SIGKILL
    before = bits_of("killed")
    assert len(before) == cells
    assert sweep("--runs-dir", "killed") == whole
    assert before.items() <= bits_of("killed").items() == bits_of("whole").items()


@POSIX
@pytest.mark.parametrize("engine", [name for name, e in ENGINES.items() if e.is_available()])
def test_ctrl_c_keeps_what_is_done_and_the_next_sweep_has_it(config, engine):
    """Two cells take for ever, one for each worker, when four others are done."""
    text = CONFIG.replace("{log: [10, 1000, 3]}", "[10, 100, 900000000]")
    config.write_text(text, encoding="utf-8")
    arguments = ("--engine", engine, "--workers", "2")
    with sweep_process(*arguments) as running:
        while not read_records(Path("runs"))[0] or len(bits_of()) < 4:
            assert running.poll() is None
            time.sleep(0.005)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate()
    assert (running.returncode, json.loads(out)["complete"]) == (130, False)
    assert err.splitlines()[-1] == b"interrupted: the same command goes on from here"
    before = bits_of()
    config.write_text(text.replace(", 900000000", ""), encoding="utf-8")
    code, out, err = hsig("sweep", "map.yaml", "-f", "json", *arguments)
    assert (code, json.loads(out)["complete"]) == (0, True)
    assert err.startswith("2 cells to train (4 of 6 are there): 40 seeds in all")
    assert before.items() <= bits_of().items()


@pytest.mark.usefixtures("config")
@pytest.mark.parametrize("nth", range(0, 8, 2))
def test_a_disk_that_is_full_at_any_moment_loses_nothing_that_was_kept(failing, trained, nth):
    """Of the record, of its name, of the last lines, of the result."""
    with failing("os.fsync", nth, FULL):
        found = invoked("sweep", "map.yaml", "-f", "json", "-q", "--workers", "1")
    assert json.loads(found.stdout)["complete"]
    before_it_trains = "the cells are trained and shown, but not kept" in found.stderr
    assert isinstance(found.exception, RunError) is not (before_it_trains or nth > 6)
    done = len(bits_of()) if read_records(Path("runs"))[0] else 0
    trained.clear()
    assert sweep("--workers", "1") == (0, found.stdout, "")
    assert len(trained) == 9 - done
    assert newest().complete


@pytest.mark.usefixtures("config")
def test_where_a_sweep_cannot_be_kept_its_result_is_shown_all_the_same():
    Path("runs").write_text("a plain file", encoding="utf-8")
    found = invoked("sweep", "map.yaml", "-f", "json", "-q")
    assert (found.exit_code, json.loads(found.stdout)["complete"]) == (0, True)
    assert "the cells are trained and shown, but not kept" in found.stderr
    asked_for = invoked("sweep", "map.yaml", "-q", "--runs-dir", "runs")
    assert isinstance(asked_for.exception, RunError)


@pytest.mark.usefixtures("config")
def test_a_sweep_is_kept_whole_though_nothing_takes_its_page(monkeypatch):
    def refuse(*_):
        raise RunError("a.json: cannot be written")

    with monkeypatch.context() as patch:
        patch.setattr("hsig.cli.options.Output.write", refuse)
        with pytest.raises(RunError):
            sweep()
    assert newest().complete


# --- trained again ----------------------------------------------------------------------------


@pytest.mark.usefixtures("config")
def test_numbers_that_differ_are_named_with_their_cell(monkeypatch):
    sweep("--cost", "mean")
    kept = read_sweep(newest())
    assert compare_cells(kept, kept.results) == ([], [])
    cell = ("1", "100")
    result = kept.results[cell]
    other = replace(result, cost=np.nextafter(result.cost, 9.0), verdict=result.verdict + 1)
    again = {**kept.results, cell: other}
    assert compare_cells(kept, again) == (["1, 100: cost"], ["1, 100: verdict"])
    assert compare_cells(kept, again, elsewhere=[cell]) == ([], [])
    # a loss of the weights is computed by NumPy, whose last bits are the processor's
    observed = replace(kept, base=replace(kept.base, cost="weights"))
    assert compare_cells(observed, again) == ([], ["1, 100: verdict"])
    again[cell] = replace(result, cost=result.cost + 1e-3)
    assert compare_cells(observed, again) == ([], ["1, 100: cost"])
    del again[cell]
    assert compare_cells(kept, again) == (["1, 100: one was not trained"], [])

    def wrong(*cells):
        for result in map(train_cell, cells):
            yield replace(result, cost=result.cost + 1.0)

    monkeypatch.setattr("hsig.experiments.parallel.cell_steps", wrong)
    code, out, _ = hsig("runs", "rerun", "latest", "-f", "json")
    found = json.loads(out)
    assert (code, found["same_bits"], found["same_digest"]) == (1, False, True)
    assert len(found["different"]) == 9
