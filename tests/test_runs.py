import errno
import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from commands import hsig, process
from prepared import made_run

from hsig import files
from hsig import runs as records
from hsig.config.keys import KEYS
from hsig.config.loading import load_experiment, resolved_keys
from hsig.engines.choice import numerics
from hsig.errors import ConfigError, RunError
from hsig.experiments.training import run
from hsig.runs import arrays_of, every, find, keep, parts_of, read, store

SHORT = ("-e", "20", "--report-every", "10", "-s", "3")


def test_a_record_can_be_read_without_hsig(runs):
    (runs.parent / "my.yaml").write_text("# mine\nactivation: tanh\nseeds: [4, 2]\nepochs: 20\n")
    hsig("train", "my.yaml")
    (folder,) = runs.iterdir()
    assert (folder / "config.yaml").read_text() == (runs.parent / "my.yaml").read_text()
    about = json.loads((folder / "run.json").read_text())
    assert about["command"] == "train"
    assert about["configs"] == {"config.yaml": "my.yaml"}
    assert about["parts"][0]["experiment"]["seeds"] == [4, 2]
    assert set(about["versions"]) == {"hsig", "numerics", "python", "numpy"}
    assert datetime.fromisoformat(about["started"]).utcoffset().total_seconds() == 0
    assert 0 < about["seconds"] < 600
    result = json.loads((folder / "result.json").read_text())
    with np.load(folder / "seeds.npz") as arrays:
        seeds = result["variants"][0]["seeds"]
        assert arrays["0/0/predictions"].tolist() == [seed["predictions"] for seed in seeds]
        assert arrays["0/0/hidden_weights"].shape == (2, 3, 3)


def test_every_number_comes_back(tmp_path):
    chosen = made_run(activation="hard", loss="bce_naive", seeds="[3, 27]")
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
    chosen = made_run()
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
    write, calls = files._write, []

    def full(path, data, **how):
        calls.append(path)
        if len(calls) > nth:
            path.write_bytes(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, data, **how)

    monkeypatch.setattr(files, "_write", full)
    with pytest.raises(RunError, match="cannot be kept: No space left"):
        keep(tmp_path / "runs", made_run())
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


def test_what_is_damaged_is_named_and_the_others_are_listed(runs, monkeypatch):
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
    monkeypatch.setattr(store, "_AT_WORK_S", 0.0)  # nobody is at it
    (runs / "zz").mkdir()
    (runs / "notes.txt").write_text("mine")
    code, out, err = hsig("runs", "list")
    assert code == 0
    head, row = (line.split()[0] for line in out.splitlines())
    assert (head, whole.name.startswith(row)) == ("id", True)
    assert sorted(err.splitlines()) == sorted(
        [
            f"runs/{truncated.name}/run.json: is damaged: it is not JSON",
            f"runs/{changed.name}/run.json: was changed after it was written: its checksum is "
            "another",
            f"runs/{later.name}/run.json: has format 2, of a later hsig; this one reads 1",
            f"runs/{empty.name}: is no kept run: it has no run.json",
            f"runs/{listed.name}/run.json: is damaged: it is not a record",
            f"runs/.unfinished-{whole.name}: was not finished; it can be removed",
            "runs/zz: is no kept run: its name is none that hsig gives",
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

    monkeypatch.setattr("hsig.experiments.parallel.run", interrupted)
    code, out, _ = hsig("train", "hard", *SHORT)
    assert code == 130
    assert "(stopped early)" in hsig("runs", "list")[1]
    assert hsig("runs", "show", "latest")[1] == out


# --- found again ------------------------------------------------------------------------------


def test_runs_are_found_by_prefix_and_by_age(tmp_path):
    chosen = made_run()
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
        ("1999", "1999: no run in .* begins so or has this name. Expected the beginning of one id"),
        ("latest~2", "latest~2: there are only 2 kept runs"),
        ("latest~x", "latest~x: no run in"),
        ("../secret", r"\.\./secret: no run in"),
        ("/etc", "/etc: no run in"),
    ],
)
def test_what_means_no_run_or_several_is_refused(tmp_path, text, message):
    for _ in range(2):
        keep(tmp_path, made_run())
    with pytest.raises(ConfigError, match=message):
        find(tmp_path, text)


def test_without_runs_it_says_where_it_looked(runs):
    assert hsig("runs", "list")[0] == 0
    with pytest.raises(ConfigError, match="runs: there are no kept runs here"):
        hsig("runs", "show", "latest")
    assert not runs.exists()


# --- what the numbers depend on ---------------------------------------------------------------


def test_the_digest_is_of_what_the_numbers_depend_on():
    def digest(**flags):
        return records.digest([load_experiment(flags={"engine": "reference"} | flags)])

    assert digest() == digest(workers="1", cost="mean", expect="solved_at_least=0")
    others = {"epochs": "5", "seeds": "2", "activation": "hard", "init": "uniform:0,2"}
    digests = {digest(), *(digest(**{name: text}) for name, text in others.items())}
    assert len(digests) == 5


def test_the_digest_is_what_it_was_before_there_were_scales_and_names_of_columns(tmp_path):
    """Put together here without them, so that kept sweeps go on."""
    rows = tmp_path / "t.csv"
    digests = []
    for head in ("", "age,ill\n"):
        rows.write_text(f"{head}1,0\n2,1\n", encoding="utf-8")
        experiment = load_experiment(flags={"task": f"csv:{rows}", "engine": "reference"})
        digests.append(records.digest([experiment]))
    keys = {n: v for n, v in resolved_keys(experiment).items() if KEYS[n].numbers and n != "scale"}
    keys["task"] = {"name": "t.csv", "inputs": [[1.0], [2.0]], "targets": [0.0, 1.0]}
    depends = [[keys | {"seeds": 100}, ["reference"], numerics(["reference"])]]
    text = json.dumps(depends, sort_keys=True)
    assert digests == [hashlib.sha256(text.encode()).hexdigest()] * 2
    assert records.digest([replace(experiment, scale="minmax")]) not in digests


def test_the_digest_is_of_the_numerics_and_not_of_the_version_of_hsig(monkeypatch):
    experiment = load_experiment(flags={"activation": "hard"})
    before = records.digest([experiment])
    monkeypatch.setattr("hsig.__version__", "0.2")
    monkeypatch.setattr("hsig.runs.provenance.__version__", "0.2")
    assert records.digest([experiment]) == before
    monkeypatch.setattr("hsig.engines.choice.NUMERICS", 0)
    assert records.digest([experiment]) != before


def test_the_digest_of_the_reference_has_numpys_version_and_instructions(monkeypatch):
    experiment = load_experiment(flags={"engine": "reference"})
    before = records.digest([experiment])
    monkeypatch.setattr("hsig.engines.reference.instruction_sets", lambda: ("other",))
    assert records.digest([experiment]) != before


def test_a_run_of_an_engine_that_is_not_here_is_shown_but_not_repeated(tmp_path):
    chosen = made_run(engine="reference")
    record = keep(tmp_path, chosen)
    about = json.loads((record.folder / "run.json").read_text())
    about["parts"][0]["experiment"]["engine"] = "compiled"
    del about["checksum"]
    (record.folder / "run.json").write_bytes(store.signed(about))
    (part,) = parts_of(read(record.folder))
    assert part.experiment.engine == "compiled"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hsig.engines.compiled._kernel", None)
        assert hsig("runs", "show", "latest", "--runs-dir", str(tmp_path))[0] == 0
        with pytest.raises(ConfigError, match="was trained by the engine compiled"):
            hsig("runs", "rerun", "latest", "--runs-dir", str(tmp_path))
