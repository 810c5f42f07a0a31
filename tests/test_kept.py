import errno
import io
import json
import shutil
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from commands import hsig, invoked, out_of
from pages import read_csv
from prepared import made_run

from hsig.cli import main
from hsig.errors import ConfigError, RunError
from hsig.experiments.sweeps import train_cell
from hsig.experiments.training import run
from hsig.experiments.verdicts import VERDICTS
from hsig.runs import every, keep, record

SHORT = ("-e", "20", "--report-every", "10", "-s", "3")
COMMANDS = {
    "train": ["train", "hard", *SHORT],
    "compare": ["compare", "sigmoid", "hard", "ultra_fast", *SHORT],
    "explain": ["explain", "hard", "-l", "squared", *SHORT],
    "configs": ["compare", "a.yaml", "b.yaml"],
    "until": ["compare", "hard", "tanh", "--until", "0.2", "--max-seeds", "150", "-e", "5"],
    "relu": ["train", "relu", "--expect", "solved_at_most=1", *SHORT, "--predict-with", "tanh"],
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_a_run_is_shown_again_as_it_was_shown(runs, command):
    (runs.parent / "a.yaml").write_text("activation: hard\nepochs: 20\nseeds: 4\n")
    (runs.parent / "b.yaml").write_text("activations: [tanh, hard]\nepochs: 10\nseeds: 4\n")
    code, out, err = hsig(*command)
    assert (code, err) == (0, "")
    assert hsig("runs", "show", "latest") == (0, out, "")
    for form in ("json", "csv", "md"):
        again = hsig(*command, "-f", form, "--no-save")[1]
        assert hsig("runs", "show", "latest", "-f", form)[1] == again
    kept = (next(runs.iterdir()) / "result.json").read_text()
    assert kept == hsig(*command, "-f", "json", "--no-save")[1]
    code, out, _ = hsig("runs", "rerun", "latest")
    assert code == 0
    assert "the same bits in every number of every seed" in out
    assert "all that the numbers depend on is the same" in " ".join(out.split())


def test_an_early_stop_is_told_and_not_repeated(runs, monkeypatch):
    def stopped(experiment, **_):
        events = run(experiment)
        yield next(events)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("hsig.experiments.parallel.run", stopped)
        assert hsig("compare", "hard", "tanh", *SHORT)[0] == 130
    assert "hard, tanh (stopped early)" in hsig("runs", "list")[1]
    with pytest.raises(ConfigError, match="was stopped early; there is nothing whole to repeat"):
        hsig("runs", "rerun", "latest")
    assert len(every(runs)[0]) == 1


def test_a_damaged_run_is_not_packed_but_can_be_removed(runs):
    hsig("train", *SHORT)
    (folder,) = runs.iterdir()
    (folder / "result.json").write_text("{}")
    with pytest.raises(RunError, match=r"result\.json: was changed"):
        hsig("runs", "export", "latest", "-o", "run.zip")
    assert not Path("run.zip").exists()
    (folder / "run.json").unlink()
    with pytest.raises(RunError, match=r"it has no run\.json"):
        hsig("runs", "show", "latest")
    assert hsig("runs", "rm", "latest", "--yes")[0] == 0
    assert list(runs.iterdir()) == []


def test_the_list_is_filtered_and_shows_what_changed(runs):
    hsig("train", "hard", *SHORT)
    hsig("train", "hard:slope=0.25", *SHORT, "--learning-rate", "0.5")
    hsig("compare", "sigmoid", "tanh", *SHORT)
    lines = hsig("runs", "list", "--where", "activation=hard")[1].splitlines()
    assert [line.split()[2] for line in lines[1:]] == ["hard:slope=0.25", "hard"]
    assert len(hsig("runs", "list", "--where", "learning_rate=0.10")[1].splitlines()) == 3
    both = ("--where", "activation=hard", "--where", "learning_rate=5e-1")
    assert len(hsig("runs", "list", *both)[1].splitlines()) == 2
    changed = hsig("runs", "list", "--only-changed", "--where", "command=train")[1].splitlines()
    layers = ["activations", "output_activation"]
    assert changed[0].split() == ["id", "command", *layers, "learning_rate"]
    assert changed[1].split()[2:] == ["hard:slope=0.25", "hard:slope=0.25", "0.5"]
    assert len(list(runs.iterdir())) == 3
    csv = hsig("runs", "list", "-f", "csv")[1]
    assert csv.startswith("id,command,what,solved,seconds,name,note\n")
    assert len(json.loads(hsig("runs", "list", "-f", "json")[1])["tables"][0]["rows"]) == 3
    assert "| id | command |" in hsig("runs", "list", "-f", "md")[1]


def test_conditions_are_spelled_as_flags_are(runs):
    hsig("train", *SHORT, "--init", "uniform:-2,2")
    assert len(hsig("runs", "list", "--where", "init=uniform:-2,2")[1].splitlines()) == 2
    assert len(hsig("runs", "list", "--where", "init=uniform:0,1")[1].splitlines()) == 1
    for _ in range(45):
        keep(runs, made_run())
    assert len(hsig("runs", "list", "-f", "csv")[1].splitlines()) == 47
    _, out, err = hsig("runs", "list")
    assert (len(out.splitlines()), err) == (41, "6 older runs are not listed (--limit)\n")
    _, out, err = hsig("runs", "list", "--limit", "50")
    assert (len(out.splitlines()), err) == (47, "")
    _, out, err = hsig("runs", "list", "-n", "2", "-f", "json")
    assert len(json.loads(out)["tables"][0]["rows"]) == 2


def test_two_runs_differ_in_settings_and_are_paired_where_they_start_alike(runs):
    hsig("compare", "hard", "tanh", *SHORT)
    hsig("train", "tanh", *SHORT, "--learning-rate", "3")
    _, out, _ = hsig("runs", "diff", "latest~1", "latest")
    lines = [line.split() for line in out.splitlines()]
    assert ["learning_rate", "0.1", "3.0"] in lines
    assert ["command", "compare", "train"] in lines
    assert "against latest~1: hard, paired by seed" in out
    hsig("train", "tanh", *SHORT, "--init", "uniform:-1,1")
    assert "not paired with latest~1: latest" in hsig("runs", "diff", "latest~1", "latest")[1]
    document = json.loads(hsig("runs", "diff", "latest~1", "latest", "-f", "json")[1])
    assert [row["key"] for row in document["differences"]] == ["learning_rate", "init"]
    assert hsig("runs", "diff", "latest~1", "latest", "-f", "csv")[1].count("\n") == 3
    assert (
        "| key | latest~1 | latest |" in hsig("runs", "diff", "latest~1", "latest", "-f", "md")[1]
    )
    hsig("train", "tanh", *SHORT, "--init", "uniform:-1,1")
    assert "the same settings and versions" in hsig("runs", "diff", "latest~1", "latest")[1]
    with pytest.raises(ConfigError, match="given twice"):
        hsig("runs", "diff", "latest", "latest")
    assert len(list(runs.iterdir())) == 4


def test_a_rerun_with_other_bits_says_which_and_exits_with_1(runs, monkeypatch):
    hsig("train", "hard", *SHORT)
    monkeypatch.setattr("hsig.experiments.training._max_error", lambda *_: np.full(1, 0.75))
    code, out, _ = hsig("runs", "rerun", "latest")
    assert code == 1
    assert out.split()[-2:] == ["hard:", "max_error"]
    words = " ".join(out.split())
    assert "not the same bits, though all that the numbers depend on is the same" in words
    document = json.loads(hsig("runs", "rerun", "latest", "-f", "json")[1])
    assert document["different"] == ["hard: max_error"]
    assert (document["same_bits"], document["same_digest"]) == (False, True)
    assert "no,yes,hard: max_error" in hsig("runs", "rerun", "latest", "-f", "csv")[1]
    assert "| no | yes | hard: max_error |" in hsig("runs", "rerun", "latest", "-f", "md")[1]
    monkeypatch.setattr("hsig.engines.choice.NUMERICS", 0)
    assert "what the numbers depend on has changed" in hsig("runs", "rerun", "latest")[1]
    assert runs.exists()


def test_a_run_is_packed_into_a_zip_file(runs):
    hsig("train", *SHORT)
    (folder,) = runs.iterdir()
    hsig("runs", "export", "latest", "-o", "run.zip")
    with zipfile.ZipFile(io.BytesIO(Path("run.zip").read_bytes())) as packed:
        assert packed.namelist() == [
            f"{folder.name}/{name}" for name in ("result.json", "run.json", "seeds.npz")
        ]
        packed.extractall(runs.parent / "elsewhere")
    shutil.rmtree(runs)
    assert hsig("runs", "show", "latest", "--runs-dir", "elsewhere")[0] == 0


def test_removing_asks_first(runs, monkeypatch):
    for _ in range(3):
        hsig("train", *SHORT)
    asked = invoked("runs", "rm", "latest", input="n\n")
    assert asked.exit_code == 0
    assert len(list(runs.iterdir())) == 3
    invoked("runs", "rm", "latest", "latest", input="y\n")
    assert len(list(runs.iterdir())) == 2
    assert hsig("runs", "rm", "latest", "latest~1", "--yes") == (0, "", "")
    assert list(runs.iterdir()) == []
    monkeypatch.setattr(sys, "argv", ["hsig", "runs", "rm", "latest", "--yes"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2


# --- two sweeps -------------------------------------------------------------------------------

CONFIG = "activation: {}\nloss: squared\nseeds: 100\nsweep:\n  learning_rate: [0.1, 1]\n"
TWO_KEYS = "  epochs: [100, 2000]\n"


@pytest.fixture
def swept(runs):
    for name in ("hard", "sigmoid"):
        Path(f"{name}.yaml").write_text(CONFIG.format(name) + TWO_KEYS, encoding="utf-8")
        out_of("sweep", f"{name}.yaml", "-q")
    return runs


def test_two_sweeps_side_by_side(swept):
    out = out_of("runs", "diff", "latest~1", "latest")
    assert "latest minus latest~1: 4 cells of learning_rate and epochs" in out
    assert ["activations", "hard", "sigmoid"] in [line.split() for line in out.splitlines()]
    assert (
        "(exact McNemar over 100 pairs of seeds in a cell, each one of 4 comparisons, Holm)"
    ) in " ".join(out.split())
    cells = json.loads(out_of("runs", "diff", "latest~1", "latest", "-f", "json"))["cells"]
    shown = [line.split()[1:] for line in out.splitlines() if line.split()[:1] in (["0.1"], ["1"])]
    points = [int(text.rstrip("*")) for row in shown for text in row]
    assert points == [round(100 * cell["difference"]) for cell in cells]
    starred = [text.endswith("*") for row in shown for text in row]
    assert starred == [cell["paired"]["p"] <= 0.05 for cell in cells]
    assert set(starred) == {True, False}
    text = out_of("runs", "diff", "latest~1", "latest", "-f", "csv")
    rows = read_csv(text)
    assert [float(row["difference"]) for row in rows] == [cell["difference"] for cell in cells]
    assert [int(row["second_solved"]) for row in rows] == [c["second"]["k"] for c in cells]
    assert "| learning_rate \\ epochs | 100 | 2000 |" in out_of(
        "runs", "diff", "latest~1", "latest", "-f", "md"
    )
    assert len(list(swept.iterdir())) == 2


@pytest.mark.usefixtures("swept")
def test_a_sweep_of_one_key_is_a_table_and_other_keys_are_refused():
    for name in ("hard", "sigmoid"):
        Path("one.yaml").write_text(CONFIG.format(name), encoding="utf-8")
        out_of("sweep", "one.yaml", "-q", "--epochs", "2000")
    lines = out_of("runs", "diff", "latest~1", "latest").splitlines()
    words = [line.split() for line in lines]
    assert ["learning_rate", "latest~1", "latest", "difference", "its", "interval", "p"] in words
    (row,) = [line for line in words if line[:1] == ["0.1"]]
    alone = ("--loss", "squared", "--seeds", "100", "--epochs", "2000", "--format", "json")
    counts = [
        json.loads(out_of("train", name, *alone))["variants"][0]["solved"]["k"]
        for name in ("hard", "sigmoid")
    ]
    assert [row[1], row[4]] == list(map(str, counts))
    with pytest.raises(ConfigError, match="latest~2 and latest~4: they sweep other keys"):
        out_of("runs", "diff", "latest~2", "latest~4")


@pytest.mark.usefixtures("swept")
def test_the_settings_in_which_sweeps_differ_are_told():
    Path("more.yaml").write_text(
        CONFIG.format("hard").replace("[0.1, 1]", "[0.1, 0.5, 1]") + TWO_KEYS, encoding="utf-8"
    )
    out_of("sweep", "more.yaml", "-q", "--loss", "bce")
    rows = json.loads(out_of("runs", "diff", "latest~2", "latest", "-f", "json"))["differences"]
    assert {"key": "loss", "latest~2": "squared", "latest": "bce"} in rows
    keys = {"key": "learning_rate", "latest~2": [0.1, 1], "latest": [0.1, 0.5, 1]}
    assert keys in rows


@pytest.mark.usefixtures("swept")
def test_a_sweep_is_found_by_each_value_that_it_has():
    for condition, found in (
        ("learning_rate=1", 2),
        ("learning_rate=0.1", 2),
        ("learning_rate=0.5", 0),
        ("activation=hard", 1),
        ("epochs=2000", 2),
    ):
        rows = json.loads(out_of("runs", "list", "--where", condition, "-f", "json"))["tables"][0]
        assert len(rows["rows"]) == found, condition
    Path("both.yaml").write_text(
        "epochs: 3\nseeds: 2\nsweep:\n  activation: [tanh, relu]\n", encoding="utf-8"
    )
    out_of("sweep", "both.yaml", "-q")
    for name in ("tanh", "relu"):
        out = out_of("runs", "list", "--where", f"activation={name}", "-f", "csv")
        assert len(out.splitlines()) == 2
    assert "tanh | relu" in out_of("runs", "list", "--only-changed")


@pytest.mark.usefixtures("swept")
def test_tasks_of_other_rows_are_not_the_same_setting():
    for target in "01":
        rows = f"0,1,1\n1,0,1\n1,1,0\n0,0,{target}\n"
        Path("rows.csv").write_text(rows, encoding="utf-8")
        out_of("train", "-t", "csv:rows.csv", "-e", "5")
    differences = json.loads(out_of("runs", "diff", "latest~1", "latest", "-f", "json"))
    (task,) = [row for row in differences["differences"] if row["key"] == "task"]
    assert task["latest~1"] != task["latest"]


@pytest.mark.usefixtures("swept")
def test_what_a_kept_run_does_not_have_is_refused(tmp_path):
    (latest, _) = sorted((path.name for path in Path("runs").iterdir()), reverse=True)
    for arguments, message in (
        (("show", "latest", "--columns", "solved"), "--columns: is for comparisons"),
        (("show", "latest", "--long", "-f", "csv"), "--long: .* is a sweep"),
        (("diff", "latest", latest), f"{latest}: given twice"),
    ):
        with pytest.raises(ConfigError, match=message):
            out_of("runs", *arguments)
    (tmp_path / "old.zip").write_bytes(b"old")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pathlib.Path.replace", full_disk)
        with pytest.raises(RunError, match=r"old\.zip: cannot be written: No space"):
            out_of("runs", "export", "latest", "-o", str(tmp_path / "old.zip"), "--force")
    assert (tmp_path / "old.zip").read_bytes() == b"old"
    assert not [*tmp_path.glob(".old.zip*")]


def full_disk(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.usefixtures("swept")
def test_ids_are_whole_on_a_narrow_terminal(monkeypatch):
    """Beginnings, of which each is of one run."""
    ids = [path.name for path in Path("runs").iterdir()]
    for width in ("40", "50", "60", "80"):
        monkeypatch.setenv("COLUMNS", width)
        for more in ((), ("--only-changed",)):
            words = out_of("runs", "list", *more).split()
            shown = [word for word in words if word.startswith(ids[0][:8])]
            assert len(shown) == words.count("id") * len(ids) > 0
            assert all(sum(one.startswith(word) for one in ids) == 1 for word in shown)


@pytest.fixture
def first_numerics(monkeypatch):
    """Runs are kept as they were before verdicts were by what could still happen."""
    arrays = record.arrays_of

    def as_then(training):
        lacking = ("outlook/", "parted", *(f"evidence/{n}" for n in ("slope", "wrong", "depart")))
        there = arrays(training)
        return {name: there[name] for name in there if not name.startswith(lacking)}

    monkeypatch.setattr(record, "arrays_of", as_then)
    monkeypatch.setattr("hsig.runs.provenance.NUMERICS", 1)


@pytest.mark.usefixtures("runs", "first_numerics")
@pytest.mark.parametrize(
    "flags",
    [
        ("hard", "--epochs", "400", "--init", "uniform:-3,3"),
        ("hard", "--loss", "bce_naive", "--epochs", "8000"),
        ("relu", "--epochs", "300"),
        ("relu", "--init", "uniform:-1,0", "--epochs", "100"),
    ],
)
def test_a_run_of_before_there_were_outlooks_is_judged_anew_from_its_weights(flags):
    _, out, _ = hsig("train", *flags, "--seeds", "60", "--format", "json")
    code, shown, err = hsig("runs", "show", "latest", "--format", "json")
    assert code == 0
    assert "was kept under numerics 1, and verdicts have changed since" in err
    (before,), (after,) = (json.loads(text)["variants"] for text in (out, shown))
    assert after["verdicts"] == before["verdicts"]
    for then, now in zip(before["seeds"], after["seeds"], strict=True):
        assert now["verdict"] == then["verdict"]
        assert now["outlook"] == then["outlook"]
        assert now["evidence"]["departure"][-1] == then["evidence"]["departure"][-1]
        assert now["evidence"]["on_piece"] == then["evidence"]["on_piece"]
        assert set(now["evidence"]["departure"][:-1]) == {"NaN"}
        assert now["parted"] is None


@pytest.mark.usefixtures("runs", "first_numerics")
def test_a_sweep_of_before_there_were_outlooks_has_no_dead_seeds(monkeypatch):
    """What was dead then, with wrong samples that teach nothing, is called saturated."""

    def trained(experiment, going_on=None):
        result = train_cell(experiment, going_on)
        return replace(result, verdict=np.full(len(result.seeds), VERDICTS.index("dead")))

    monkeypatch.setattr("hsig.experiments.parallel.train_cell", trained)
    Path("map.yaml").write_text("sweep: {epochs: [1, 2]}\nseeds: 3\n", encoding="utf-8")
    _, out, _ = hsig("sweep", "map.yaml", "--format", "json")
    assert {tuple(cell["verdicts"]) for cell in json.loads(out)["cells"]} == {("dead",)}
    _, out, err = hsig("runs", "show", "latest", "--format", "json")
    assert {tuple(cell["verdicts"]) for cell in json.loads(out)["cells"]} == {("saturated",)}
    assert "kept under numerics 1" in err


def test_a_variant_without_a_result_does_not_give_its_place_to_another(runs):
    made = made_run(activations="sigmoid,hard,tanh", seeds="3", engine="reference")
    (part,) = made.parts
    whole = part.outcome
    stopped = replace(part, outcome=replace(whole, results=whole.results[1:]))  # no sigmoid
    keep(runs, replace(made, command="compare", parts=[stopped], complete=False))
    (kept,) = record.parts_of(every(runs)[0][0])
    assert [result.variant.label for result in kept.outcome.results] == ["hard", "tanh"]
    assert record.different_arrays(kept.outcome, stopped.outcome) == ([], [])
    out = out_of("runs", "show", "latest")
    assert "no result yet: sigmoid" in out
    keep(runs, replace(made, command="compare", started=made.started.replace(second=6)))
    shown = out_of("runs", "diff", "latest~1", "latest", "--format", "csv")
    labels = [row["label"] for row in read_csv(shown)]
    assert sorted(labels) == [
        *(f"latest: {label}" for label in ("hard", "sigmoid", "tanh")),
        *(f"latest~1: {label}" for label in ("hard", "tanh")),
    ]
