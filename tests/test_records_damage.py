"""Damage to the cells of a sweep is told, and what it cost is trained again."""

import json
import os
import re
from pathlib import Path

import pytest
from commands import hsig, invoked
from test_sweep import CONFIG, lines_of, on_a_full_disk

from hsig.errors import RunError
from hsig.runs import every, find
from hsig.runs.store import _crc, read_journal
from hsig.runs.sweeps import read_sweep

LINE = re.compile(rb"[0-9a-f]{64} \{.*\}\n")


@pytest.fixture
def config(runs):
    path = runs.with_name("map.yaml")
    path.write_text(CONFIG, encoding="utf-8")
    return path


@pytest.fixture
def log(config, monkeypatch):
    """The cells of a sweep of nine cells that has five, in lines."""
    assert config.exists()
    on_a_full_disk(monkeypatch, 5)
    (path,) = Path("runs").glob("*/cells.log")
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) == 5
    assert all(LINE.fullmatch(line) for line in lines)
    return path


def damage_line(path, number):
    lines = path.read_bytes().splitlines(keepends=True)
    middle = len(lines[number - 1]) // 2
    line = bytearray(lines[number - 1])
    line[middle] ^= 1
    lines[number - 1] = bytes(line)
    path.write_bytes(b"".join(lines))


@pytest.mark.usefixtures("config")
def test_a_damaged_line_is_told_by_every_command_and_its_cell_is_trained_again(log, trained):
    before = lines_of()
    for number in (2, 5):
        damage_line(log, number)
    told = [
        f"{log}: line {number} is damaged. A cell that no other line has is trained again when the "
        f"sweep goes on: hsig sweep --resume {log.parent.name}"
        for number in (2, 5)
    ]
    for command in (
        ("runs", "list"),
        ("runs", "show", "latest"),
        ("runs", "export", "latest", "-o", "x.zip", "--force"),
    ):
        code, _, err = hsig(*command)
        assert (code, err.splitlines()) == (0, told), command
    assert lines_of() == {cell: line for cell, line in before.items() if cell in lines_of()}
    assert len(lines_of()) == 3 * 20
    trained.clear()
    code, _, err = hsig("sweep", "--resume", "latest", "-q")
    assert (code, err.splitlines()) == (0, [f"warning: {line}" for line in told])
    assert trained == [20] * 6
    assert before.items() <= lines_of().items()
    assert hsig("runs", "list")[2] == ""
    assert hsig("sweep", "map.yaml", "-f", "json", "-q", "--runs-dir", "anew")[0] == 0
    assert lines_of() == lines_of("anew")


def test_every_bit_of_a_line_is_guarded(log):
    whole = log.read_bytes()
    (record,) = every(Path("runs"))[0]
    line = whole.index(b"\n") + 1
    for place in [*range(80), *range(80, line, 29), line - 1]:
        data = bytearray(whole)
        data[place] ^= 1 << place % 8
        log.write_bytes(bytes(data))
        assert None in read_journal(log), place
        left = [cell for cell in read_sweep(record).results.values() if cell is not None]
        assert len(left) < 5


def test_a_torn_last_line_is_no_damage(log):
    whole = log.read_bytes()
    last = whole.rstrip(b"\n").rindex(b"\n") + 1
    for size in range(last, len(whole)):
        log.write_bytes(whole[:size])
        assert None not in read_journal(log)
    assert hsig("runs", "list")[2] == ""
    assert len(lines_of()) == 4 * 20


def test_lines_of_before_have_a_shorter_checksum_and_are_read(log):
    before = lines_of()
    texts = [line.partition(b" ")[2] for line in log.read_bytes().splitlines()]
    log.write_bytes(b"".join(b"%s %s\n" % (_crc(text), text) for text in texts))
    assert lines_of() == before
    damage_line(log, 1)
    assert hsig("runs", "list")[2].count("line 1 is damaged") == 1
    assert hsig("sweep", "--resume", "latest", "-q")[0] == 0
    assert before.items() <= lines_of().items()


def test_a_line_that_is_signed_and_says_nothing_of_a_cell_is_damaged(log):
    for text in (b"[]", b"{}", b"5", b'{"key": 1}', b"[" * 100_000, b"\xff", b'{"a":1,"a":1}'):
        with log.open("ab") as file:
            file.write(b"%s %s\n" % (_crc(text), text))
    assert hsig("runs", "list")[2].count(" is damaged.") == 7
    assert len(lines_of()) == 5 * 20


@pytest.mark.usefixtures("config")
@pytest.mark.parametrize("place", range(0, 2000, 300))
def test_a_finished_sweep_of_damaged_arrays_is_trained_anew_where_it_goes_on(place, trained):
    _, out, _ = hsig("sweep", "map.yaml", "-q", "-f", "json")
    (record,) = every(Path("runs"))[0]
    data = bytearray((record.folder / "seeds.npz").read_bytes())
    data[place % len(data)] ^= 1
    (record.folder / "seeds.npz").write_bytes(bytes(data))
    for command in ("show", "rerun"):
        with pytest.raises(RunError, match=r"seeds\.npz: was changed after it was written"):
            hsig("runs", command, record.id)
    trained.clear()
    code, again, err = hsig("sweep", "--resume", record.id, "-q", "-f", "json")
    assert (code, again, trained) == (0, out, [20] * 9)
    told = f"warning: runs/{record.id}/seeds.npz: was changed after it was written: its checksum"
    assert err == f"{told} is another. To remove it: hsig runs rm {record.id}\n"
    anew = find(Path("runs"), "latest")
    assert anew.id != record.id
    for key in ("configs", "sweep", "digest"):
        assert anew.about[key] == record.about[key]
    assert json.loads(out)["complete"]


def test_a_sweep_that_is_begun_anew_still_finds_its_csv_file(config, tmp_path, monkeypatch):
    (tmp_path / "rows.csv").write_text("0,1,1\n1,0,1\n1,1,0\n0,0,0\n", encoding="utf-8")
    config.write_text(f"task: {{csv: rows.csv}}\n{CONFIG}", encoding="utf-8")
    hsig("sweep", "map.yaml", "-q", "--workers", "1")
    (record,) = every(tmp_path / "runs")[0]
    (record.folder / "seeds.npz").unlink()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    runs = ("--runs-dir", str(tmp_path / "runs"))
    assert hsig("sweep", "--resume", record.id, "-q", *runs)[0] == 0
    assert hsig("runs", "rerun", "latest", *runs)[0] == 0


@pytest.mark.skipif(os.name == "nt", reason="no such links on this system")
@pytest.mark.parametrize(
    "command", [("runs", "rm", "latest", "--yes"), ("sweep", "map.yaml", "-q")]
)
def test_a_link_in_the_place_of_the_lines_leads_nobody_to_another_file(log, tmp_path, command):
    """Its end would be taken for a torn line, and cut off."""
    mine = tmp_path / "mine.txt"
    mine.write_text("without an end")
    log.unlink()
    log.symlink_to(mine)
    found = invoked(*command)
    assert found.exception is None or isinstance(found.exception, RunError | SystemExit)
    assert mine.read_text() == "without an end"
