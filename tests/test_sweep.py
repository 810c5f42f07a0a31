import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from commands import hsig, invoked
from test_journal import is_line

from hsig import files
from hsig.analysis.summary import summarise
from hsig.config.loading import load_experiment
from hsig.config.sweeps import load_sweep
from hsig.engines.choice import ENGINES
from hsig.errors import BusyError, ConfigError, RunError
from hsig.experiments.parallel import run_jobs
from hsig.experiments.sweeps import ARRAYS, CellResult, train_cell
from hsig.experiments.training import gather, run
from hsig.runs import every, store
from hsig.runs.sweeps import Ledger, Origin, line_of, read_sweep, result_of

CONFIG = """
activation: hard
loss: squared
seeds: 20
sweep:
  learning_rate: [0.1, 1, 10]
  epochs: {log: [10, 1000, 3]}
"""


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HSIG_RUNS_DIR")
    path = tmp_path / "map.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    return path


def lines_of(runs="runs"):
    """What the newest sweep has of each cell and seed."""
    (record, *_), _ = every(Path(runs))
    found = {}
    for cell, result in read_sweep(record).results.items():
        if result is None:
            continue
        for row, seed in enumerate(result.seeds):
            found[*cell, seed] = (
                result.solved[row],
                result.solved_at[row],
                result.lost_at[row],
                result.diverged_at[row],
                result.verdict[row],
                float(result.cost[row]).hex(),
            )
    return found


# --- cells ------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", [name for name, e in ENGINES.items() if e.is_available()])
def test_a_cell_has_the_numbers_of_the_experiment_alone(config, engine):
    code, out, err = hsig("sweep", "map.yaml", "--engine", engine, "-f", "json", "--workers", "2")
    assert code == 0
    assert err.startswith("9 cells to train: ")
    document = json.loads(out)
    assert document["complete"] is True
    for cell in document["cells"]:
        flags = {**cell["cell"], "activation": "hard", "loss": "squared", "seeds": "20"}
        alone = load_experiment(flags={**flags, "cost": "mean", "engine": engine})
        (variant,) = summarise(gather(alone, run(alone))).variants
        assert (cell["solved"]["k"], cell["solved"]["n"]) == (variant.solved.k, 20)
        assert cell["verdicts"] == variant.verdicts
        assert [float(cost) for cost in cell["cost"]] == variant.cost[:, -1].tolist()
        assert tuple(map(float, cell["epochs_to_solve"])) == variant.epochs_to_solve
        assert cell["lost"] == variant.lost
    assert config.exists()


@pytest.mark.usefixtures("config")
def test_the_map_as_a_whole():
    code, out, _ = hsig("sweep", "map.yaml")
    assert code == 0
    lines = [line.rstrip() for line in out.splitlines()]
    assert lines[0].startswith("9 cells, learning_rate and epochs; all else as in the first: hard")
    # seeds solved and verdicts are those of the test above; 3 of 20 are 15 percent
    begin = next(n for n, line in enumerate(lines) if line.startswith("learning_rate \\ epochs"))
    rows = [line.split() for line in lines[begin : begin + 4]]
    assert rows[0] == ["learning_rate", "\\", "epochs", "10", "100", "1000"]
    document = json.loads(hsig("sweep", "map.yaml", "-f", "json", "-q")[1])
    rates = [cell["solved"]["k"] * 5 for cell in document["cells"]]
    shown = [cell.rstrip("█▓▒░~o*·!") for row in rows[1:] for cell in row[1:]]
    assert shown == [str(rate) for rate in rates]
    assert len(set(rates)) > 1
    assert "percent of the seeds solved; where fewer than half are, what became" in out
    markdown = hsig("sweep", "map.yaml", "-f", "md", "-q")[1]
    assert "| learning_rate \\ epochs | 10 | 100 | 1000 |" in markdown


@pytest.mark.usefixtures("config")
def test_csv_has_a_row_for_each_cell():
    rows = hsig("sweep", "map.yaml", "-f", "csv", "-q")[1].splitlines()
    assert rows[0].startswith("learning_rate,epochs,solved,seeds,solved_rate,solved_low,")
    assert len(rows) == 10
    assert rows[1].startswith("0.1,10,0,20,0.0,0.0,")


def test_one_key_makes_a_table_and_three_make_facets(config):
    config.write_text("seeds: 3\nsweep:\n  epochs: [1, 2]\n", encoding="utf-8")
    out = hsig("sweep", "map.yaml", "-q")[1]
    assert ["1", "0", "of", "3"] in [line.split()[:4] for line in out.splitlines()]
    config.write_text(
        "seeds: 3\nsweep:\n  hidden: [2, 4]\n  epochs: [1, 2]\n  loss: [bce, squared]\n",
        encoding="utf-8",
    )
    lines = hsig("sweep", "map.yaml", "-q")[1].splitlines()
    assert [line for line in lines if line.startswith("hidden")] == ["hidden 2", "hidden 4"]


def test_a_cell_that_cannot_be_trained_is_told_at_once_and_loses_no_other(config):
    text = "seeds: 3\nepochs: 5\nsweep:\n  activation: [ultra_fast, hard]\n  loss: [squared, bce]\n"
    config.write_text(text, encoding="utf-8")
    code, out, err = hsig("sweep", "map.yaml")
    assert code == 0
    assert "not trained: activation ultra_fast, loss squared: ultra_fast has no gradient" in err
    assert "x not trained, 2 cells: ultra_fast has no gradient" in out
    assert len(hsig("sweep", "map.yaml", "-f", "csv", "-q")[1].splitlines()) == 5
    config.write_text(text.replace("seeds: 3", "seeds: 4"), encoding="utf-8")
    code, out, err = hsig("sweep", "map.yaml", "--fail-fast", "--workers", "1")
    assert code == 1
    assert err.endswith("stopped at the first cell that could not be trained (--fail-fast)\n")
    assert "stopped early" in out


@pytest.mark.usefixtures("config")
def test_a_dry_run_prints_the_cells_and_keeps_nothing():
    code, out, err = hsig("sweep", "map.yaml", "--dry-run")
    assert code == 0
    # (10 + 100 + 1000) epochs x 3 rates x 20 seeds x 4 rows = 266400 steps
    assert err.startswith("9 cells to train: 180 seeds in all, 2.7e+05 steps, about ")
    assert out.splitlines()[0] == "learning_rate 0.1, epochs 10"
    assert len(out.splitlines()) == 9
    assert not Path("runs").exists()


@pytest.mark.usefixtures("config")
def test_what_is_not_to_be_kept_is_trained_and_shown_and_takes_what_is_there(trained):
    shown = hsig("sweep", "map.yaml", "-f", "json", "-q", "--no-save")
    assert (shown[0], json.loads(shown[1])["complete"]) == (0, True)
    assert trained == [20] * 9
    assert not Path("runs").exists()
    assert hsig("sweep", "map.yaml", "-f", "json", "-q") == shown
    (folder,) = Path("runs").iterdir()
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    trained.clear()
    hsig("sweep", "map.yaml", "-q", "--no-save", "--seeds", "25")
    assert trained == [5] * 9
    assert [*Path("runs").iterdir()] == [folder]
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    with pytest.raises(ConfigError, match="--resume: goes without --no-save: what is done of"):
        hsig("sweep", "--resume", "latest", "--no-save")


@pytest.mark.usefixtures("config")
def test_what_is_not_to_be_kept_needs_no_folder_of_runs():
    Path("runs").write_text("a plain file", encoding="utf-8")
    code, out, err = hsig("sweep", "map.yaml", "-f", "json", "-q", "--no-save")
    assert (code, json.loads(out)["complete"], err) == (0, True, "")


# --- again, and further -----------------------------------------------------------------------


@pytest.mark.usefixtures("config")
def test_the_same_command_again_trains_nothing(trained):
    first = hsig("sweep", "map.yaml")
    assert trained == [20] * 9
    assert hsig("sweep", "map.yaml") == (0, first[1], "")
    assert trained == [20] * 9
    assert len(list(Path("runs").iterdir())) == 1
    assert hsig("runs", "show", "latest")[1] == first[1]
    (folder,) = Path("runs").iterdir()
    assert (folder / "result.json").read_text() == hsig("sweep", "map.yaml", "-f", "json")[1]
    assert "learning_rate, epochs: 9 cells" in hsig("runs", "list")[1]


def test_more_values_and_more_seeds_train_only_what_is_new(config, trained):
    hsig("sweep", "map.yaml")
    trained.clear()
    config.write_text(CONFIG.replace("[0.1, 1, 10]", "[0.1, 0.5, 1, 10]"), encoding="utf-8")
    hsig("sweep", "map.yaml")
    assert trained == [20] * 3
    trained.clear()
    out = hsig("sweep", "map.yaml", "--seeds", "50", "-f", "json", "-q")[1]
    assert trained == [30] * 12
    assert len(list(Path("runs").iterdir())) == 3
    several = lines_of()
    alone = hsig("sweep", "map.yaml", "-s", "50", "-f", "json", "-q", "--runs-dir", "other")[1]
    assert out == alone
    assert several == lines_of("other")


@pytest.mark.usefixtures("config")
def test_fewer_seeds_train_nothing(trained):
    hsig("sweep", "map.yaml")
    trained.clear()
    out = hsig("sweep", "map.yaml", "-s", "7", "-f", "json", "-q")[1]
    assert trained == []
    assert out == hsig("sweep", "map.yaml", "-s", "7", "-f", "json", "-q", "--runs-dir", "x")[1]
    assert out == hsig("runs", "show", "latest", "-f", "json")[1]


@pytest.mark.usefixtures("config")
def test_the_cost_that_is_kept_is_the_one_that_was_asked_for(trained):
    mean = hsig("sweep", "map.yaml", "-f", "json", "-q")[1]
    last = hsig("sweep", "map.yaml", "-f", "json", "-q", "--cost", "last")[1]
    assert trained == [20] * 18
    costs = [[cell["cost"] for cell in json.loads(document)["cells"]] for document in (mean, last)]
    assert all(one != other for one, other in zip(*costs, strict=True))


def test_a_finished_sweep_is_arrays_that_numpy_reads(config):
    hsig("sweep", "map.yaml", "-q")
    (folder,) = Path("runs").iterdir()
    assert {path.name for path in folder.iterdir()} == {
        "config.yaml",
        "result.json",
        "run.json",
        "seeds.npz",
    }
    about = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert (about["complete"], set(about["files"])) == (
        True,
        {"config.yaml", "result.json", "seeds.npz"},
    )
    with np.load(folder / "seeds.npz") as arrays:
        assert arrays["cell"].tolist() == np.repeat(range(9), 20).tolist()
        assert arrays["seed"].tolist() == list(range(20)) * 9
        solved = np.bincount(arrays["cell"], arrays["solved"])
        assert arrays["key"].shape == arrays["error"].shape == (9,)
    cells = json.loads((folder / "result.json").read_text(encoding="utf-8"))["cells"]
    assert [cell["solved"]["k"] for cell in cells] == solved.tolist()
    assert config.exists()


@pytest.mark.usefixtures("config")
def test_a_damaged_sweep_is_named_and_trained_anew_by_others(trained):
    hsig("sweep", "map.yaml", "-q")
    (folder,) = Path("runs").iterdir()
    (folder / "seeds.npz").write_bytes(b"nothing")
    with pytest.raises(RunError, match="was changed after it was written"):
        hsig("runs", "show", "latest")
    assert f"{folder.name}/seeds.npz: was changed: it has 7 bytes. Exp" in hsig("runs", "list")[2]
    trained.clear()
    code, out, err = hsig("sweep", "map.yaml", "-f", "json", "-q")
    assert (code, json.loads(out)["complete"]) == (0, True)
    assert trained == [20] * 9
    assert err.startswith(
        f"warning: runs/{folder.name}/seeds.npz: was changed after it was written"
    )
    assert err.endswith(f". To remove it: hsig runs rm {folder.name}\n")
    trained.clear()
    assert hsig("sweep", "map.yaml", "-f", "json", "-q")[1] == out
    assert hsig("sweep", "map.yaml", "-q", "--seeds", "5")[0] == 0
    assert trained == []


@pytest.mark.usefixtures("config")
@pytest.mark.skipif(os.name == "nt", reason="no locks on this system")
def test_a_sweep_that_goes_on_is_not_removed():
    (ledger, _), _ = ledgers()
    opened(ledger)
    (folder,) = Path("runs").iterdir()
    with pytest.raises(RunError, match="is a sweep that goes on"):
        hsig("runs", "rm", "latest", "--yes")
    ledger.close(lambda: "")
    assert folder.exists()
    assert hsig("runs", "rm", "latest", "--yes")[0] == 0
    assert not folder.exists()


def test_what_is_swept_beside_a_number_of_the_same_name_has_columns_of_its_own(config):
    config.write_text("epochs: 3\nsweep:\n  seeds: [[1, 2], [3, 4]]\n", encoding="utf-8")
    rows = hsig("sweep", "map.yaml", "-q", "-f", "csv")[1].splitlines()
    assert rows[0].startswith("swept seeds,solved,seeds,")
    assert [row.split('"')[1] for row in rows[1:]] == ["[1, 2]", "[3, 4]"]
    config.write_text("seeds: 3\nepochs: 3\nsweep:\n  cost: [mean, last]\n", encoding="utf-8")
    out = hsig("sweep", "map.yaml", "-q")[1]
    assert ["swept", "cost", "solved"] in [line.split()[:3] for line in out.splitlines()]
    assert "percent of the seeds" not in out


def test_many_cells_that_fail_for_one_reason_are_not_told_one_by_one(config):
    config.write_text(
        "activation: ultra_fast\nseeds: 2\nsweep:\n  epochs: {linear: [1, 30, 30]}\n",
        encoding="utf-8",
    )
    _, out, err = hsig("sweep", "map.yaml", "--workers", "1")
    assert err.count("not trained: epochs ") == 5
    assert err.endswith("not trained, for the same reason: more cells; the map has them all\n")
    assert "x not trained, 30 cells: ultra_fast has no gradient" in out


def test_fail_fast_stops_at_a_cell_that_is_known_not_to_train(config, trained):
    text = "seeds: 3\nepochs: 5\nsweep:\n  activation: [ultra_fast, hard, tanh]\n"
    config.write_text(text, encoding="utf-8")
    hsig("sweep", "map.yaml", "-q")
    trained.clear()
    code, _, err = hsig("sweep", "map.yaml", "-q", "--fail-fast", "--seeds", "3")
    assert (code, trained) == (1, [])
    assert err == "stopped at the first cell that could not be trained (--fail-fast)\n"


@pytest.mark.usefixtures("config")
def test_a_sweep_is_trained_again_and_has_the_same_bits(monkeypatch):
    hsig("sweep", "map.yaml", "-q")
    code, out, err = hsig("runs", "rerun", "latest")
    assert (code, err) == (0, "")
    assert "the same bits in every number of every seed; all that" in " ".join(out.split())

    def train(experiment, going_on=None):
        result = train_cell(experiment, going_on)
        if (experiment.learning_rate, experiment.epochs) == (1.0, 100):
            result.cost[3] = np.nextafter(result.cost[3], 9.0)
        return result

    monkeypatch.setattr("hsig.experiments.parallel.train_cell", train)
    monkeypatch.setattr("hsig.engines.choice.NUMERICS", 0)
    code, out, _ = hsig("runs", "rerun", "latest", "-f", "json")
    assert code == 1
    document = json.loads(out)
    assert (document["same_digest"], document["different"]) == (False, ["1, 100: cost"])


@pytest.mark.usefixtures("config")
def test_a_sweep_is_no_run_to_be_compared_with_others():
    hsig("sweep", "map.yaml", "-q")
    hsig("train", "-e", "1")
    with pytest.raises(ConfigError, match="latest~1: is a sweep, and the other is not"):
        hsig("runs", "diff", "latest", "latest~1")


def on_a_full_disk(monkeypatch, cells=4, arguments=("map.yaml",)):
    """A sweep for which the disk has room for so many cells, and a third of the next."""
    calls, write = [], os.write

    def full(descriptor, data):
        if not is_line(data):
            return write(descriptor, data)
        calls.append(data)
        if len(calls) > cells:
            write(descriptor, data[: len(data) // 3])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data)

    with monkeypatch.context() as patch:
        patch.setattr(store.os, "write", full)
        found = invoked("sweep", *arguments, "-q", "--workers", "1")
    assert isinstance(found.exception, RunError)
    return found


def test_a_sweep_goes_on_by_its_id_wherever_its_config_is(config, monkeypatch, trained):
    on_a_full_disk(monkeypatch)
    trained.clear()
    config.unlink()
    assert "(not finished)" in hsig("runs", "list")[1]
    with pytest.raises(ConfigError, match="is not finished"):
        hsig("runs", "rerun", "latest")
    code, out, err = hsig("sweep", "--resume", "latest", "-f", "json", "-q", "--workers", "auto")
    assert (code, err) == (0, "")
    assert trained == [20] * 5
    assert json.loads(out)["complete"]
    assert len(list(Path("runs").iterdir())) == 1
    config.write_text(CONFIG, encoding="utf-8")
    assert out == hsig("sweep", "map.yaml", "-f", "json", "-q", "--runs-dir", "x")[1]


def test_a_csv_task_is_found_again_beside_the_config(tmp_path, config, monkeypatch):
    (tmp_path / "rows.csv").write_text("0,1,1\n1,0,1\n1,1,0\n0,0,0\n", encoding="utf-8")
    config.write_text(f"task: {{csv: rows.csv}}\n{CONFIG}", encoding="utf-8")
    on_a_full_disk(monkeypatch)
    assert hsig("sweep", "--resume", "latest", "-q")[0] == 0
    assert hsig("runs", "rerun", "latest")[0] == 0
    (tmp_path / "rows.csv").write_text("0,1,0\n1,0,1\n1,1,0\n0,0,0\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="its config means something else by now: task"):
        hsig("sweep", "--resume", "latest")


@pytest.mark.usefixtures("config")
def test_what_goes_with_resume_and_what_does_not(monkeypatch):
    on_a_full_disk(monkeypatch)
    with pytest.raises(ConfigError, match=r"--resume: goes without map\.yaml: the kept sweep has"):
        hsig("sweep", "map.yaml", "--resume", "latest")
    with pytest.raises(ConfigError, match="--resume: goes without --seeds, --loss"):
        hsig("sweep", "--resume", "latest", "--seeds", "3", "--loss", "bce")
    with pytest.raises(ConfigError, match="expected values to sweep, such as: hsig sweep hard "):
        hsig("sweep")
    with pytest.raises(ConfigError, match="no run in runs begins so"):
        hsig("sweep", "--resume", "1999")
    with monkeypatch.context() as patch:
        patch.setattr("hsig.engines.choice.NUMERICS", 0)
        with pytest.raises(ConfigError, match="what its numbers depend on has changed since"):
            hsig("sweep", "--resume", "latest")
    assert hsig("sweep", "--resume", "latest", "--workers", "1", "-q")[0] == 0
    hsig("train", "-e", "1")
    with pytest.raises(ConfigError, match="is no sweep"):
        hsig("sweep", "--resume", "latest")


# --- without a config -------------------------------------------------------------------------

FLAGS = ("hard", "-l", "squared", "-s", "20", "-r", "0.1,1,10", "-e", "log:10..1000:3")


@pytest.mark.usefixtures("config")
def test_a_sweep_by_flags_has_the_cells_of_the_same_config(trained):
    by_file = hsig("sweep", "map.yaml", "-f", "json", "-q")
    trained.clear()
    assert hsig("sweep", *FLAGS, "-f", "json", "-q") == by_file
    assert trained == []  # it is the same sweep
    rows_first = hsig("sweep", *FLAGS[:5], "-e", "10,100", "-r", "0.1,1", "-f", "json", "-q")[1]
    assert [*json.loads(rows_first)["sweep"]] == ["epochs", "learning_rate"]
    both = hsig("sweep", "tanh", "sigmoid", "-e", "1,2", "-f", "json", "-q")[1]
    assert [*json.loads(both)["sweep"]] == ["activation", "epochs"]
    with pytest.raises(ConfigError, match="--activation: given twice, also as 'tanh'"):
        hsig("sweep", "tanh", "--activation", "hard", "-e", "1,2")
    with pytest.raises(ConfigError, match=r"expected one config, got map\.yaml, other\.yaml"):
        hsig("sweep", "map.yaml", "other.yaml")


def test_a_sweep_by_flags_goes_on_and_is_trained_again_from_anywhere(
    tmp_path, config, monkeypatch, trained
):
    config.unlink()
    (tmp_path / "rows.csv").write_text("0,1,1\n1,0,1\n1,1,0\n0,0,0\n", encoding="utf-8")
    flags = (*FLAGS, "--task", "csv:rows.csv")
    on_a_full_disk(monkeypatch, arguments=flags)
    trained.clear()
    (folder,) = Path("runs").iterdir()
    assert not (folder / "config.yaml").exists()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    runs = ("--runs-dir", str(tmp_path / "runs"))
    code, out, err = hsig("sweep", "--resume", "latest", "-f", "json", "-q", *runs)
    assert (code, err, trained) == (0, "", [20] * 5)
    assert json.loads(out)["complete"]
    assert hsig("runs", "rerun", "latest", *runs)[0] == 0


# --- on a terminal ----------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="no pseudo-terminals on this system")
@pytest.mark.parametrize(
    ("rows", "columns", "fits"), [(30, 100, True), (5, 100, False), (30, 20, False)]
)
def test_the_map_fills_in_on_a_terminal_that_has_room(tmp_path, rows, columns, fits):
    import fcntl
    import pty
    import struct
    import termios

    config = tmp_path / "map.yaml"
    text = CONFIG.replace("[0.1, 1, 10]", "[0.1, 1]").replace(
        "{log: [10, 1000, 3]}", "[500, 50000]"
    )
    config.write_text(text, encoding="utf-8")
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    more = ("--hidden", "20", "--seeds", "100", "--workers", "1", "--runs-dir", "runs")
    with subprocess.Popen(
        [sys.executable, "-m", "hsig", "sweep", "map.yaml", *more, "-f", "json"],
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


# --- killed, interrupted, full ----------------------------------------------------------------

KILLED = CONFIG.replace("seeds: 20", "seeds: 400").replace("[10, 1000, 3]", "[100, 3000, 6]")
TIMES = 50 if "HSIG_SLOW" in os.environ else 5


def log_bytes(runs):
    """How much is written of the cells of the only sweep, which is not whole."""
    try:
        return sum(path.stat().st_size for path in Path(runs).glob("*/cells.log"))
    except FileNotFoundError:
        return 0


def all_log_bytes(runs):
    """How much that was, of a sweep that is whole."""
    (record,), _ = every(Path(runs))
    results = read_sweep(record).results.items()
    return sum(len(store._line(line_of("0" * 64, *result))) for result in results)


def sweep_process(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "hsig", "sweep", "map.yaml", "-f", "json", "-q", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL on this system")
def test_a_sweep_that_is_killed_at_any_moment_ends_with_the_same_bits(config):
    config.write_text(KILLED, encoding="utf-8")
    here = partial(hsig, "sweep", "map.yaml", "-f", "json", "-q", "--runs-dir")
    whole = here("whole")
    expected, moments, part_way, at_the_end = lines_of("whole"), random.Random(7), 0, 0
    in_all = all_log_bytes("whole")
    for number in range(TIMES):
        folder = f"killed-{number}"
        size = moments.randrange(in_all * 6 // 5)  # a sixth of them while all is being packed
        with sweep_process("--runs-dir", folder) as running:
            while running.poll() is None and log_bytes(folder) < min(size, in_all):
                time.sleep(0.001)
            if size > in_all:
                time.sleep(0.02 * (size - in_all) / in_all)
            running.kill()
        part_way += 0 < log_bytes(folder) < in_all
        at_the_end += log_bytes(folder) == in_all
        assert here(folder) == whole == (0, whole[1], "")
        assert lines_of(folder) == expected
        assert not [*Path(folder).glob("*/cells.log")]
    assert part_way > TIMES // 3
    assert at_the_end or TIMES < 50


@pytest.mark.skipif(os.name == "nt", reason="no process groups on this system")
@pytest.mark.parametrize("engine", [name for name, e in ENGINES.items() if e.is_available()])
def test_ctrl_c_keeps_what_is_done_and_the_next_sweep_has_it(config, engine):
    """Two cells take for ever, one for each worker, when four others are done."""
    text = CONFIG.replace("{log: [10, 1000, 3]}", "[10, 100, 900000000]")
    config.write_text(text, encoding="utf-8")
    arguments = ("--engine", engine, "--workers", "2")
    with sweep_process(*arguments) as running:
        while not [*Path("runs").glob("*/cells.log")] or len(lines_of()) < 4 * 20:
            assert running.poll() is None
            time.sleep(0.005)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate()
    assert running.returncode == 130
    assert err == b"interrupted: the same command goes on from here\n"
    assert not json.loads(out)["complete"]
    before = lines_of()
    assert len(before) == 4 * 20
    config.write_text(text.replace(", 900000000", ""), encoding="utf-8")
    code, out, err = hsig("sweep", "map.yaml", "-f", "json", *arguments)
    assert (code, json.loads(out)["complete"]) == (0, True)
    assert err.startswith("2 cells to train (4 of 6 are there): 40 seeds in all")
    assert before.items() <= lines_of().items()


@pytest.mark.usefixtures("config")
@pytest.mark.parametrize("nth", [0, 1, 4])
def test_a_full_disk_ends_it_with_what_is_done_and_loses_nothing(monkeypatch, nth):
    found = on_a_full_disk(monkeypatch, nth)
    assert "No space left on device" in str(found.exception)
    assert "stopped early" in found.stdout
    assert len(lines_of()) == nth * 20
    assert hsig("sweep", "map.yaml", "-q")[0] == 0
    assert len(lines_of()) == 9 * 20


def ledgers():
    """Two of the same sweep, opened by nobody yet."""
    wanted = load_sweep(Path("map.yaml"), {})
    return [(Ledger(Path("runs"), wanted), wanted) for _ in range(2)]


def opened(ledger):
    origin = Origin.typed(Path("map.yaml"), {})
    ledger.open(origin, arguments=(), started=datetime(2026, 1, 2, tzinfo=UTC))
    return ledger


@pytest.mark.usefixtures("config")
@pytest.mark.skipif(os.name == "nt", reason="no locks on this system")
def test_two_processes_at_the_same_sweep_do_not_train_it_twice():
    (first, wanted), _ = ledgers()
    opened(first)
    first.note(0, train_cell(wanted.experiments[0]))
    (second, _), (third, _) = ledgers()
    with pytest.raises(BusyError, match="another process is writing to it"):
        opened(second)
    for number, experiment in first.missing():
        first.note(number, train_cell(experiment))
    assert len(third.missing()) == 8
    first.close(lambda: "{}")
    assert opened(third).missing() == []
    third.close(lambda: "never")
    (folder,) = Path("runs").iterdir()
    assert (folder / "result.json").read_text() == "{}"
    assert not (folder / "cells.log").exists()


@pytest.mark.usefixtures("config")
def test_a_disk_that_is_full_at_the_end_keeps_all_cells(monkeypatch, trained):
    write = files._write

    def full(path, data, **how):
        write(path, data, **how)
        if data.startswith(b"PK"):  # the arrays
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files, "_write", full)
        found = invoked("sweep", "map.yaml", "-f", "json", "-q")
    assert isinstance(found.exception, RunError)
    assert json.loads(found.stdout)["complete"]
    (record,) = Path("runs").iterdir()
    assert sorted(path.name for path in record.iterdir()) == [
        "cells.log",
        "config.yaml",
        "run.json",
    ]
    (record / f"{files.ASIDE}0").touch()  # as of a process that is killed
    trained.clear()
    assert hsig("sweep", "map.yaml", "-f", "json", "-q") == (0, found.stdout, "")
    assert trained == []
    names = ["config.yaml", "result.json", "run.json", "seeds.npz"]
    assert sorted(path.name for path in record.iterdir()) == names


@pytest.mark.usefixtures("config")
def test_where_a_sweep_cannot_be_kept_its_result_is_shown_all_the_same():
    Path("runs").write_text("a plain file", encoding="utf-8")
    done = sweep_process()
    out, err = done.communicate()
    assert done.returncode == 3
    assert json.loads(out)["complete"]
    problem = b"runs: cannot be read: Not a directory"
    told = b"warning: %s: the cells are trained and shown, but not kept\nerror: %s\n"
    assert err == told % (problem, problem)


def test_numbers_come_back_from_a_line_with_every_bit():
    odd = [0.1, np.inf, -np.inf, np.nan, 5e-324, 1e308]
    minus = np.full(6, -1)
    result = CellResult(
        seeds=tuple(range(6)),
        solved=minus > 0,
        solved_at=minus,
        lost_at=minus,
        diverged_at=minus,
        verdict=minus + 3,
        cost=np.array(odd),
    )
    line = json.loads(json.dumps(line_of("key", ("1", "2"), result), allow_nan=False))
    back = result_of(line)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(back, name), getattr(result, name), strict=True)


# --- cells that are lost, or told to stop -----------------------------------------------------


def dies_at_rate_2(experiment):
    if experiment.learning_rate == 2.0:
        os.kill(os.getpid(), signal.SIGKILL)
    yield train_cell(experiment)


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL on this system")
def test_a_lost_cell_is_told_and_tried_again_by_the_same_command(config, monkeypatch):
    config.write_text("sweep:\n  learning_rate: [1, 2, 3]\nepochs: 5\n", encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setattr("hsig.experiments.parallel._cell", dies_at_rate_2)
        found = invoked("sweep", "map.yaml", "--engine", "reference")
    assert isinstance(found.exception, RunError)
    lost = "learning_rate 2: the processes that trained it died"
    assert str(found.exception) == f"{lost}; the same command tries it again"
    assert f"not trained: {lost}\n" in found.stderr
    assert "stopped early: 2 of 3 cells are done" in found.stdout
    code, out, err = hsig("sweep", "map.yaml", "-f", "json", "--engine", "reference")
    assert (code, json.loads(out)["complete"]) == (0, True)
    assert err.startswith("1 cell to train (2 of 3 are there): 100 seeds in all, ")


def test_a_cell_that_is_told_to_stop_is_none():
    answers = iter([True, False])
    experiment = load_experiment(flags={"epochs": "40", "seeds": "3"})
    assert train_cell(experiment, lambda: next(answers)) is None


@pytest.mark.usefixtures("config")
@pytest.mark.parametrize(
    ("flags", "told"),
    [
        ((), "interrupted: the same command goes on from here\n"),
        (("--no-save",), "interrupted: nothing was kept\n"),
    ],
)
def test_after_ctrl_c_it_is_told_whether_it_goes_on(monkeypatch, flags, told):
    def interrupted(*arguments):
        jobs = run_jobs(*arguments)
        yield next(jobs)
        raise KeyboardInterrupt

    monkeypatch.setattr("hsig.cli.sweeping.run_jobs", interrupted)
    code, out, err = hsig("sweep", "map.yaml", "-q", "--workers", "1", *flags)
    assert (code, err) == (130, told)
    assert "stopped early: 1 of 9 cells are done; rows that have none of them are left out" in out
    begin = next(n for n, line in enumerate(out.splitlines()) if "rate \\ epochs" in line)
    assert [line.split()[:1] for line in out.splitlines()[begin + 1 : begin + 3]] == [["0.1"], []]
    assert Path("runs").exists() is not bool(flags)
