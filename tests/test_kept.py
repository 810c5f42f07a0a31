import errno
import io
import json
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from hsig import runs as records
from hsig.cli import app, main
from hsig.config.loading import load_experiment
from hsig.errors import ConfigError, RunError
from hsig.experiments.training import gather, run
from hsig.reports.documents import document
from hsig.runs import Made, Part, arrays_of, every, find, folder, keep, parts_of, read

SHORT = ("-e", "20", "--report-every", "10", "-s", "3")


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HSIG_RUNS_DIR")
    return tmp_path / "runs"


def hsig(*arguments):
    """Exit code, stdout, stderr; as the program does it, with its messages."""
    found = CliRunner().invoke(app, arguments)
    if found.exception and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.exit_code, found.stdout, found.stderr


def process(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "hsig", *arguments], capture_output=True, text=True, check=False
    )


def made(**flags):
    experiment = load_experiment(flags={"epochs": "20", "report_every": "10"} | flags)
    outcome = gather(experiment, run(experiment))
    return Made(
        command="train",
        arguments=("train",),
        configs={"my.yaml": "epochs: 20\n"},
        parts=[Part("", experiment, outcome)],
        result=json.dumps(document(outcome)),
        complete=outcome.complete,
        started=datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
        seconds=0.5,
    )


# --- kept and read again ----------------------------------------------------------------------

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


def test_a_record_can_be_read_without_hsig(runs):
    (runs.parent / "my.yaml").write_text("# mine\nactivation: tanh\nseeds: [4, 2]\nepochs: 20\n")
    hsig("train", "my.yaml")
    (folder,) = runs.iterdir()
    assert (folder / "config.yaml").read_text() == (runs.parent / "my.yaml").read_text()
    about = json.loads((folder / "run.json").read_text())
    assert about["command"] == "train"
    assert about["configs"] == {"config.yaml": "my.yaml"}
    assert about["parts"][0]["experiment"]["seeds"] == [4, 2]
    assert set(about["versions"]) == {"hsig", "code", "python", "numpy"}
    assert datetime.fromisoformat(about["started"]).utcoffset().total_seconds() == 0
    assert 0 < about["seconds"] < 600
    result = json.loads((folder / "result.json").read_text())
    with np.load(folder / "seeds.npz") as arrays:
        seeds = result["variants"][0]["seeds"]
        assert arrays["0/0/predictions"].tolist() == [seed["predictions"] for seed in seeds]
        assert arrays["0/0/hidden_weights"].shape == (2, 3, 3)


def test_every_number_comes_back(tmp_path):
    chosen = made(activation="hard", loss="bce_naive", seeds="[3, 27]")
    (part,) = parts_of(keep(tmp_path, chosen))
    (before,), (after,) = chosen.parts[0].outcome.results, part.outcome.results
    assert after.diverged_by == before.diverged_by == ("", "saturated_right")
    for name, array in arrays_of(before).items():
        np.testing.assert_array_equal(array, arrays_of(after)[name])
    assert part.experiment.seeds == (3, 27)


def test_many_numbers_are_in_the_arrays_and_not_listed_one_by_one(runs, monkeypatch):
    monkeypatch.setattr("hsig.cli.training._LISTED_MOST", 100)
    hsig("train", "hard", "-e", "1", "-s", "50", "-q")
    (record,) = every(runs)[0]
    result = json.loads((record.folder / "result.json").read_text())
    assert result["variants"][0]["solved"]["n"] == 50
    assert result["variants"][0]["seeds"] == []
    assert len(parts_of(record)[0].outcome.results[0].solved) == 50
    assert hsig("runs", "show", "latest", "-f", "json")[1].count('"seed": ') == 50


def test_an_early_stop_is_told_and_not_repeated(runs, monkeypatch):
    def stopped(experiment, **_):
        events = run(experiment)
        yield next(events)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("hsig.experiments.workers.run", stopped)
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


def test_nothing_is_kept_where_nobody_wants_it(runs):
    hsig("train", *SHORT, "--no-save")
    assert not runs.exists()


def test_the_folder_is_chosen_by_a_flag_or_by_the_environment(runs, monkeypatch):
    hsig("train", *SHORT, "--runs-dir", "mine")
    assert len(list(Path("mine").iterdir())) == 1
    monkeypatch.setenv("HSIG_RUNS_DIR", "theirs")
    hsig("train", *SHORT)
    assert hsig("runs", "list")[1].count("train") == 1
    assert len(list(Path("theirs").iterdir())) == 1
    assert not runs.exists()


# --- complete or absent -----------------------------------------------------------------------


def test_ids_sort_by_time_and_never_meet(tmp_path):
    chosen = made()
    later = replace(chosen, started=datetime(2026, 1, 2, 3, 4, 6, tzinfo=UTC))
    ids = [keep(tmp_path, one).id for one in (chosen, chosen, chosen, later)]
    assert len(set(ids)) == 4
    assert max(ids) == ids[-1]
    assert all(name.startswith("20260102T030405.000678Z-") for name in ids[:3])


def test_eight_processes_at_once_keep_eight_runs(runs):
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "hsig", "compare", "hard", "tanh", "-s", str(n), "-e", "50"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for n in range(1, 9)
    ]
    for running in processes:
        assert running.communicate()[1] == b""
    kept, problems = every(runs)
    assert problems == []
    seeds = [len(parts_of(record)[0].outcome.experiment.seeds) for record in kept]
    assert sorted(seeds) == list(range(1, 9))


@pytest.mark.parametrize("nth", [0, 1, 2, 3])
def test_a_full_disk_leaves_nothing_half_done(tmp_path, monkeypatch, nth):
    write, calls = folder._write, []

    def full(path, data):
        calls.append(path)
        if len(calls) > nth:
            path.write_bytes(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, data)

    monkeypatch.setattr(folder, "_write", full)
    with pytest.raises(RunError, match="cannot be kept: No space left"):
        keep(tmp_path / "runs", made())
    assert list((tmp_path / "runs").iterdir()) == []


def test_where_runs_cannot_be_kept_it_is_a_warning_unless_it_was_asked_for(runs):
    runs.write_text("a plain file")
    done = process("train", "hard", *SHORT)
    assert done.returncode == 0
    assert "hard: solved 0 of 3 seeds" in done.stdout
    assert done.stderr == "warning: runs: this run cannot be kept: Not a directory\n"
    done = process("train", "hard", *SHORT, "--runs-dir", "runs")
    assert done.returncode == 3
    assert "hard: solved 0 of 3 seeds" in done.stdout
    assert done.stderr == "error: runs: this run cannot be kept: Not a directory\n"


def test_what_is_damaged_is_named_and_the_others_are_listed(runs):
    for _ in range(6):
        hsig("train", *SHORT)
    whole, truncated, changed, later, empty, listed = sorted(runs.iterdir())
    text = (truncated / "run.json").read_text()
    (truncated / "run.json").write_text(text[: len(text) // 2])
    (changed / "run.json").write_text(text.replace('"seconds"', '"minutes"'))
    (later / "run.json").write_text(text.replace('"format": 1', '"format": 2'))
    (empty / "run.json").unlink()
    (listed / "run.json").write_text("[1, 2]")
    (runs / f".unfinished-{whole.name}").mkdir()
    (runs / "zz").mkdir()
    (runs / "notes.txt").write_text("mine")
    code, out, err = hsig("runs", "list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["id", whole.name]
    assert sorted(err.splitlines()) == sorted(
        [
            f"runs/{truncated.name}/run.json: is damaged: it is not JSON",
            f"runs/{changed.name}/run.json: was changed after it was written: its checksum is "
            "another",
            f"runs/{later.name}/run.json: has format 2, of a later hsig; this one reads 1",
            f"runs/{empty.name}: is no kept run: it has no run.json",
            f"runs/{listed.name}/run.json: is damaged: it is not a record",
            f"runs/.unfinished-{whole.name}: was not finished; it can be removed",
        ]
    )


@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_numbers_that_were_changed_are_not_shown(runs, damage):
    hsig("train", *SHORT)
    (folder,) = runs.iterdir()
    if damage == "missing":
        (folder / "seeds.npz").unlink()
    else:
        data = bytearray((folder / "seeds.npz").read_bytes())
        data[len(data) // 2] ^= 1
        (folder / "seeds.npz").write_bytes(bytes(data))
    with pytest.raises(RunError, match=r"seeds\.npz: (was changed|cannot be read)"):
        hsig("runs", "show", "latest")


@pytest.mark.usefixtures("runs")
def test_an_interrupted_run_is_kept_as_far_as_it_came(monkeypatch):
    def interrupted(experiment, **_):
        events = run(experiment)
        yield next(events)
        yield next(events)
        raise KeyboardInterrupt

    monkeypatch.setattr("hsig.experiments.workers.run", interrupted)
    code, out, _ = hsig("train", "hard", *SHORT)
    assert code == 130
    assert "(stopped early)" in hsig("runs", "list")[1]
    assert hsig("runs", "show", "latest")[1] == out


# --- found again ------------------------------------------------------------------------------


def test_runs_are_found_by_prefix_and_by_age(tmp_path):
    chosen = made()
    ids = [
        keep(tmp_path, replace(chosen, started=datetime(2026, month, 1, tzinfo=UTC))).id
        for month in (1, 2, 3)
    ]
    assert find(tmp_path, "latest").id == ids[2]
    assert find(tmp_path, "latest~2").id == ids[0]
    assert find(tmp_path, "202602").id == ids[1]
    assert find(tmp_path, ids[0]).id == ids[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2026", "2026: 2 runs begin so: 2026"),
        ("1999", "1999: no run in .* begins so. Expected the beginning of one id"),
        ("latest~2", "latest~2: there are only 2 kept runs"),
        ("latest~x", "latest~x: no run in"),
        ("../secret", r"\.\./secret: no run in"),
        ("/etc", "/etc: no run in"),
    ],
)
def test_what_means_no_run_or_several_is_refused(tmp_path, text, message):
    for _ in range(2):
        keep(tmp_path, made())
    with pytest.raises(ConfigError, match=message):
        find(tmp_path, text)


def test_without_runs_it_says_where_it_looked(runs):
    assert hsig("runs", "list")[0] == 0
    with pytest.raises(ConfigError, match="runs: there are no kept runs here"):
        hsig("runs", "show", "latest")
    assert not runs.exists()


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
    assert changed[0].split() == ["id", "command", "activations", "learning_rate"]
    assert changed[1].split()[2:] == ["hard:slope=0.25", "0.5"]
    assert len(list(runs.iterdir())) == 3
    csv = hsig("runs", "list", "-f", "csv")[1]
    assert csv.startswith("id,command,what,solved,seconds\n")
    assert len(json.loads(hsig("runs", "list", "-f", "json")[1])["tables"][0]["rows"]) == 3
    assert "| id | command |" in hsig("runs", "list", "-f", "md")[1]


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("hard", "--where: expected a key and its value, such as activation=hard, got hard"),
        ("colour=red", "--where: unknown key 'colour'. Known: command, task, "),
    ],
)
def test_a_condition_that_is_none_is_refused(runs, condition, message):
    hsig("train", *SHORT)
    assert runs.exists()
    with pytest.raises(ConfigError, match=message):
        hsig("runs", "list", "--where", condition)


def test_conditions_are_spelled_as_flags_are(runs):
    hsig("train", *SHORT, "--init", "uniform:-2,2")
    assert len(hsig("runs", "list", "--where", "init=uniform:-2,2")[1].splitlines()) == 2
    assert len(hsig("runs", "list", "--where", "init=uniform:0,1")[1].splitlines()) == 1
    for _ in range(45):
        keep(runs, made())
    assert len(hsig("runs", "list", "-f", "csv")[1].splitlines()) == 47
    _, out, err = hsig("runs", "list")
    assert (len(out.splitlines()), err) == (41, "6 older runs are not listed (--limit)\n")
    _, out, err = hsig("runs", "list", "--limit", "50")
    assert (len(out.splitlines()), err) == (47, "")
    _, out, err = hsig("runs", "list", "-n", "2", "-f", "json")
    assert len(json.loads(out)["tables"][0]["rows"]) == 2


# --- compared, repeated, packed, removed ------------------------------------------------------


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
    monkeypatch.setattr("hsig.experiments.experiment.Experiment.last_tenth", 10)
    code, out, _ = hsig("runs", "rerun", "latest")
    assert code == 1
    assert out.split()[-2:] == ["hard:", "cost_before"]
    words = " ".join(out.split())
    assert "not the same bits, though all that the numbers depend on is the same" in words
    document = json.loads(hsig("runs", "rerun", "latest", "-f", "json")[1])
    assert document["different"] == ["hard: cost_before"]
    assert (document["same_bits"], document["same_digest"]) == (False, True)
    assert "no,yes,hard: cost_before" in hsig("runs", "rerun", "latest", "-f", "csv")[1]
    assert "| no | yes | hard: cost_before |" in hsig("runs", "rerun", "latest", "-f", "md")[1]
    monkeypatch.setattr("hsig.experiments.environment.__version__", "0.2")
    assert "what the numbers depend on has changed" in hsig("runs", "rerun", "latest")[1]
    assert runs.exists()


def test_the_digest_is_of_what_the_numbers_depend_on():
    def digest(**flags):
        return records.digest([load_experiment(flags={"engine": "reference"} | flags)])

    assert digest() == digest(workers="1", cost="mean", expect="solved_at_least=0")
    others = {"epochs": "5", "seeds": "2", "activation": "hard", "init": "uniform:0,2"}
    digests = {digest(), *(digest(**{name: text}) for name, text in others.items())}
    assert len(digests) == 5


def test_the_digest_of_the_reference_has_numpys_version_and_instructions(monkeypatch):
    experiment = load_experiment(flags={"engine": "reference"})
    before = records.digest([experiment])
    monkeypatch.setattr("hsig.experiments.environment.numpy_instructions", lambda: ["other"])
    assert records.digest([experiment]) != before


def test_a_run_of_an_engine_that_is_not_here_is_shown_but_not_repeated(tmp_path):
    chosen = made(engine="reference")
    record = keep(tmp_path, chosen)
    about = json.loads((record.folder / "run.json").read_text())
    about["parts"][0]["experiment"]["engine"] = "compiled"
    del about["checksum"]
    (record.folder / "run.json").write_bytes(folder._signed(about))
    (part,) = parts_of(read(record.folder))
    assert part.experiment.engine == "compiled"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hsig.engines.compiled._kernel", None)
        assert hsig("runs", "show", "latest", "--runs-dir", str(tmp_path))[0] == 0
        with pytest.raises(ConfigError, match="was trained by the engine compiled"):
            hsig("runs", "rerun", "latest", "--runs-dir", str(tmp_path))


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
    asked = CliRunner().invoke(app, ["runs", "rm", "latest"], input="n\n")
    assert asked.exit_code == 0
    assert len(list(runs.iterdir())) == 3
    CliRunner().invoke(app, ["runs", "rm", "latest", "latest"], input="y\n")
    assert len(list(runs.iterdir())) == 2
    assert hsig("runs", "rm", "latest", "latest~1", "--yes") == (0, "", "")
    assert list(runs.iterdir()) == []
    monkeypatch.setattr(sys, "argv", ["hsig", "runs", "rm", "latest", "--yes"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
