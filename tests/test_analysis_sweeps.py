import csv
import errno
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from hsig.reports.map_difference import draw_difference
from hsig.reports.maps import so_far
from typer.testing import CliRunner

from hsig.analysis.statistics import holm, mcnemar_exact
from hsig.analysis.sweeps import KeptSweep, pair_sweeps
from hsig.cli import app
from hsig.config.loading import load_experiment
from hsig.errors import ConfigError, RunError
from hsig.experiments.sweeps import Axis, CellResult


def result(solved, seeds=None):
    """A cell of which only what is solved matters."""
    solved = np.array(solved, dtype=bool)
    same = np.full(len(solved), -1)
    seeds = tuple(range(len(solved))) if seeds is None else seeds
    return CellResult(seeds, solved, same, same, same, same, same.astype(float))


def swept(cells, axes=("learning_rate", "epochs"), **flags):
    """A sweep with these cells, by their values."""
    values = [dict.fromkeys(cell[place] for cell in cells) for place in range(len(axes))]
    return KeptSweep(
        tuple(Axis(name, tuple(texts)) for name, texts in zip(axes, values, strict=True)),
        load_experiment(flags=flags),
        cells,
    )


def test_cells_are_paired_seed_by_seed_and_the_p_values_adjusted_over_all_cells():
    draws = np.random.RandomState(3).rand(2, 4, 60)
    first = {(rate, "9"): result(draws[0, n] < 0.5) for n, rate in enumerate("1234")}
    second = {(rate, "9"): result(draws[1, n] < 0.2 * n) for n, rate in enumerate("1234")}
    found = pair_sweeps(swept(first), swept(second))
    raw = []
    for cell, both in found.cells.items():
        ours, theirs = first[cell].solved, second[cell].solved
        assert both.paired.both == sum(ours & theirs)
        assert both.paired.only_this == sum(~ours & theirs)
        assert both.paired.only_baseline == sum(ours & ~theirs)
        assert both.difference == pytest.approx(theirs.mean() - ours.mean())
        raw.append(mcnemar_exact(both.paired.only_this, both.paired.only_baseline))
    assert [both.paired.p for both in found.cells.values()] == holm(raw)
    assert len({round(p, 6) for p in raw}) == 4


def test_values_that_are_equal_numbers_are_the_same_and_the_order_of_the_keys_does_not_matter():
    first = {(rate, "9"): result([True]) for rate in ("0.1", "1.0", "7")}
    second = {("9.0", rate): result([False]) for rate in ("1", "1e-1", "3")}
    found = pair_sweeps(swept(first), swept(second, axes=("epochs", "learning_rate")))
    assert set(found.cells) == {("0.1", "9"), ("1.0", "9")}
    assert found.axes[0] == Axis("learning_rate", ("0.1", "1.0"))


def test_only_seeds_that_both_have_are_paired():
    first = {("1", "9"): result([True, False, True], seeds=(4, 5, 6))}
    second = {("1", "9"): result([True, True, True], seeds=(6, 5, 7))}
    (both,) = pair_sweeps(swept(first), swept(second)).cells.values()
    assert (both.paired.both, both.paired.only_this) == (1, 1)
    assert (both.paired.only_baseline, both.paired.neither) == (0, 0)
    third = {("1", "9"): result([True, True], seeds=(8, 9))}
    (both,) = pair_sweeps(swept(first), swept(third)).cells.values()
    assert both.paired is None
    assert both.difference == pytest.approx(1 / 3)


def test_seeds_that_start_from_other_weights_are_not_paired():
    cells = {("1", "9"): result([True, False])}
    found = pair_sweeps(swept(cells), swept(cells, hidden="4"))
    assert found.unpaired == "other initial weights"
    assert found.cells["1", "9"].paired is None
    drawn = draw_difference(found, ("a", "b"))
    assert drawn.notes[1] == "not paired by seed: other initial weights; no difference is tested"
    # where the width itself is swept, cells of one width start alike
    widths = ("init", "epochs")
    one = swept({("uniform:0,1", "9"): result([True])}, widths, init="uniform:0,1")
    other = swept(
        {("uniform:0,2", "9"): result([True]), ("uniform:0,1", "9"): result([True])},
        widths,
        init="uniform:0,2",
    )
    assert pair_sweeps(one, other).unpaired == ""


def test_what_is_missing_or_could_not_be_trained_is_left_out_of_the_tests():
    first = {("1", "9"): None, ("2", "9"): CellResult.failed("no"), ("3", "9"): result([True])}
    second = {(rate, "9"): result([False]) for rate in "123"}
    found = pair_sweeps(swept(first), swept(second)).cells
    assert found["1", "9"] is None
    assert (found["2", "9"].first, found["2", "9"].difference) == (None, None)
    assert found["3", "9"].paired.p == 1.0
    (drawn,) = draw_difference(pair_sweeps(swept(first), swept(second)), ("a", "b")).heat_maps
    assert [shade.text for (shade,) in drawn.shades] == ["", "x", "-100 "]


@pytest.mark.parametrize(
    ("axes", "values", "message"),
    [
        (
            ("hidden", "epochs"),
            ("1", "9"),
            "they sweep other keys: learning_rate, epochs; and",
        ),
        (("learning_rate", "epochs"), ("1", "8"), "they have no value of epochs in common"),
    ],
)
def test_sweeps_without_a_cell_in_common_cannot_be_compared(axes, values, message):
    first = swept({("1", "9"): result([True])})
    with pytest.raises(ValueError, match=message):
        pair_sweeps(first, swept({values: result([True])}, axes))


@pytest.mark.parametrize(("of_1000", "shown"), [(3, "+0.3"), (5, "+0.5"), (8, "+1"), (0, "0")])
def test_small_differences_do_not_look_like_none(of_1000, shown):
    none = {("1", "9"): result([False] * 1000)}
    some = {("1", "9"): result([True] * of_1000 + [False] * (1000 - of_1000))}
    for cells, text in (((none, some), shown), ((some, none), shown.replace("+", "-"))):
        (drawn,) = draw_difference(pair_sweeps(*map(swept, cells)), ("a", "b")).heat_maps
        assert drawn.shades[0][0].text.rstrip(" *") == text


# --- by the command ---------------------------------------------------------------------------

CONFIG = "activation: {}\nloss: squared\nseeds: 100\nsweep:\n  learning_rate: [0.1, 1]\n"
TWO_KEYS = "  epochs: [100, 2000]\n"


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HSIG_RUNS_DIR")
    for name in ("hard", "sigmoid"):
        Path(f"{name}.yaml").write_text(CONFIG.format(name) + TWO_KEYS, encoding="utf-8")
        hsig("sweep", f"{name}.yaml", "-q")
    return tmp_path / "runs"


def hsig(*arguments):
    found = CliRunner().invoke(app, arguments)
    if found.exception and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.stdout


def test_two_sweeps_side_by_side(runs):
    out = hsig("runs", "diff", "latest~1", "latest")
    assert "latest minus latest~1: 4 cells of learning_rate and epochs" in out
    assert ["activations", "hard", "sigmoid"] in [line.split() for line in out.splitlines()]
    assert "(exact McNemar over 100 pairs of seeds in a cell, Holm over 4 cells)" in " ".join(
        out.split()
    )
    cells = json.loads(hsig("runs", "diff", "latest~1", "latest", "-f", "json"))["cells"]
    shown = [line.split()[1:] for line in out.splitlines() if line.split()[:1] in (["0.1"], ["1"])]
    points = [int(text.rstrip("*")) for row in shown for text in row]
    assert points == [round(100 * cell["difference"]) for cell in cells]
    starred = [text.endswith("*") for row in shown for text in row]
    assert starred == [cell["paired"]["p"] <= 0.05 for cell in cells]
    assert set(starred) == {True, False}
    text = hsig("runs", "diff", "latest~1", "latest", "-f", "csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [float(row["difference"]) for row in rows] == [cell["difference"] for cell in cells]
    assert [int(row["second_solved"]) for row in rows] == [c["second"]["k"] for c in cells]
    assert "| learning_rate \\ epochs | 100 | 2000 |" in hsig(
        "runs", "diff", "latest~1", "latest", "-f", "md"
    )
    assert len(list(runs.iterdir())) == 2


@pytest.mark.usefixtures("runs")
def test_a_sweep_of_one_key_is_a_table_and_other_keys_are_refused():
    for name in ("hard", "sigmoid"):
        Path("one.yaml").write_text(CONFIG.format(name), encoding="utf-8")
        hsig("sweep", "one.yaml", "-q", "--epochs", "2000")
    lines = hsig("runs", "diff", "latest~1", "latest").splitlines()
    words = [line.split() for line in lines]
    assert ["learning_rate", "latest~1", "latest", "difference", "its", "interval", "p"] in words
    (row,) = [line for line in words if line[:1] == ["0.1"]]
    alone = ("--loss", "squared", "--seeds", "100", "--epochs", "2000", "--format", "json")
    counts = [
        json.loads(hsig("train", name, *alone))["variants"][0]["solved"]["k"]
        for name in ("hard", "sigmoid")
    ]
    assert [row[1], row[4]] == list(map(str, counts))
    with pytest.raises(ConfigError, match="latest~2 and latest~4: they sweep other keys"):
        hsig("runs", "diff", "latest~2", "latest~4")


@pytest.mark.usefixtures("runs")
def test_the_settings_in_which_sweeps_differ_are_told():
    Path("more.yaml").write_text(
        CONFIG.format("hard").replace("[0.1, 1]", "[0.1, 0.5, 1]") + TWO_KEYS, encoding="utf-8"
    )
    hsig("sweep", "more.yaml", "-q", "--loss", "bce")
    rows = json.loads(hsig("runs", "diff", "latest~2", "latest", "-f", "json"))["differences"]
    assert {"key": "loss", "latest~2": "squared", "latest": "bce"} in rows
    keys = {"key": "learning_rate", "latest~2": "0.1 | 1", "latest": "0.1 | 0.5 | 1"}
    assert keys in rows


@pytest.mark.usefixtures("runs")
def test_a_sweep_is_found_by_each_value_that_it_has():
    for condition, found in (
        ("learning_rate=1", 2),
        ("learning_rate=0.1", 2),
        ("learning_rate=0.5", 0),
        ("activation=hard", 1),
        ("epochs=2000", 2),
    ):
        rows = json.loads(hsig("runs", "list", "--where", condition, "-f", "json"))["tables"][0]
        assert len(rows["rows"]) == found, condition
    Path("both.yaml").write_text(
        "epochs: 3\nseeds: 2\nsweep:\n  activation: [tanh, relu]\n", encoding="utf-8"
    )
    hsig("sweep", "both.yaml", "-q")
    for name in ("tanh", "relu"):
        out = hsig("runs", "list", "--where", f"activation={name}", "-f", "csv")
        assert len(out.splitlines()) == 2
    assert "tanh | relu" in hsig("runs", "list", "--only-changed")


@pytest.mark.usefixtures("runs")
def test_tasks_of_other_rows_are_not_the_same_setting():
    for target in "01":
        rows = f"0,1,1\n1,0,1\n1,1,0\n0,0,{target}\n"
        Path("rows.csv").write_text(rows, encoding="utf-8")
        hsig("train", "-t", "csv:rows.csv", "-e", "5")
    differences = json.loads(hsig("runs", "diff", "latest~1", "latest", "-f", "json"))
    (task,) = [row for row in differences["differences"] if row["key"] == "task"]
    assert task["latest~1"] != task["latest"]


@pytest.mark.usefixtures("runs")
def test_what_a_kept_run_does_not_have_is_refused(tmp_path):
    (latest, _) = sorted((path.name for path in Path("runs").iterdir()), reverse=True)
    for arguments, message in (
        (("show", "latest", "--columns", "solved"), "--columns: is for comparisons"),
        (("show", "latest", "--long", "-f", "csv"), "--long: .* is a sweep"),
        (("diff", "latest", latest), f"{latest}: given twice"),
    ):
        with pytest.raises(ConfigError, match=message):
            hsig("runs", *arguments)
    (tmp_path / "old.zip").write_bytes(b"old")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hsig.output.terminal.os.fdopen", full_disk)
        with pytest.raises(RunError, match=r"old\.zip: cannot be written: No space"):
            hsig("runs", "export", "latest", "-o", str(tmp_path / "old.zip"))
    assert (tmp_path / "old.zip").read_bytes() == b"old"
    assert not [*tmp_path.glob(".old.zip*")]


def full_disk(descriptor, _):
    os.close(descriptor)
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.usefixtures("runs")
def test_ids_are_whole_on_a_narrow_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    ids = [path.name for path in Path("runs").iterdir()]
    words = hsig("runs", "list").split()
    assert all(words.count(one) == words.count("id") > 0 for one in ids)


# --- a map that fills in ----------------------------------------------------------------------


def test_the_map_of_a_sweep_that_goes_on_is_the_one_that_its_latest_cell_is_on():
    axes = (Axis("hidden", ("2", "3")), Axis("learning_rate", ("1",)), Axis("epochs", ("8", "9")))
    cells = {(h, "1", e): None for h in "23" for e in "89"}
    drawn = so_far(axes, cells, ("3", "1", "8"))
    assert (drawn.title, drawn.rows, drawn.columns) == ("hidden 3", ("1",), ("8", "9"))
    assert [shade.text for shade in drawn.shades[0]] == ["", ""]
    assert so_far(axes[:1], {("2",): None}, ("2",)) is None


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals on this system")
@pytest.mark.parametrize(
    ("rows", "columns", "fits"), [(30, 100, True), (5, 100, False), (30, 20, False)]
)
def test_the_map_fills_in_on_a_terminal_that_has_room(tmp_path, rows, columns, fits):
    import fcntl
    import pty
    import struct
    import subprocess
    import sys
    import termios

    config = tmp_path / "map.yaml"
    config.write_text(CONFIG.format("hard") + "  epochs: [500, 50000]\n", encoding="utf-8")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    command = [
        "sweep",
        "map.yaml",
        "--hidden",
        "20",
        "--workers",
        "1",
        "-f",
        "json",
        "--runs-dir",
        "runs",
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "hsig", *command, "-f", "json"],
        stdout=subprocess.PIPE,
        stderr=theirs,
        cwd=tmp_path,
        env={**os.environ, "TERM": "xterm", "COLUMNS": str(columns), "LINES": str(rows)},
    ) as running:
        os.close(theirs)
        seen = b""
        while chunk := _read(ours):
            seen += chunk
        out = running.stdout.read()
    os.close(ours)
    assert json.loads(out)["complete"]
    assert b"4 cells to train" in seen
    assert (b"learning_rate \\ epochs" in seen) is fits


def _read(descriptor):
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the other end is closed
        return b""
