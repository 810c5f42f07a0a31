"""Results replace files, but not what the same command has read; stdout has the result alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from commands import hsig, process

from hsig.errors import ConfigError
from hsig.output.streams import check_output

SHORT = ("-e", "20", "-s", "3", "--no-save")


@pytest.fixture(autouse=True)
def _here(runs):
    Path("my.yaml").write_text("activation: tanh\ntask: {csv: data.csv}\nloss: squared\n")
    Path("data.csv").write_text("0,1,1\n1,0,1\n0,0,0\n")
    assert not runs.exists()


@pytest.mark.parametrize("ending", ["json", "csv", "md", "txt"])
def test_a_result_replaces_any_file(ending):
    Path(f"x.{ending}").write_text("somebody's notes")
    assert hsig("train", "hard", *SHORT, "-o", f"x.{ending}")[0] == 0
    assert "hard" in Path(f"x.{ending}").read_text()


@pytest.mark.parametrize("name", ["my.yaml", "data.csv"])
@pytest.mark.parametrize("command", ["train", "compare tanh relu", "explain"])
def test_an_input_is_replaced_by_force_alone_and_refused_before_training(
    command, name, monkeypatch
):
    before = Path(name).read_text()
    words = (*command.split(), "my.yaml", *SHORT, "-f", "json", "-o", name)
    with monkeypatch.context() as patch:
        patch.setattr("hsig.experiments.parallel.run", None)
        with pytest.raises(ConfigError, match="read by the same"):
            hsig(*words)
    assert Path(name).read_text() == before
    assert hsig(*words, "--force")[0] == 0
    assert Path(name).read_text().startswith("{")


def test_a_new_config_replaces_nothing():
    with pytest.raises(ConfigError, match=r"my\.yaml is there already"):
        hsig("config", "new", "-o", "my.yaml")
    assert hsig("config", "new", "-o", "new.yaml")[0] == 0
    assert hsig("config", "new", "-o", "my.yaml", "--force")[0] == 0


@pytest.mark.parametrize("path", ["nowhere/x.txt", ".", "my.yaml/x.txt", "x" * 300])
def test_a_file_that_cannot_be_is_refused(path):
    with pytest.raises(ConfigError, match="--output: "):
        check_output(Path(path))


def test_force_alone_says_what_it_goes_with():
    with pytest.raises(ConfigError, match="--force: goes with --output"):
        hsig("power", "--rates", "0.3,0.5", "--force")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device on this system")
def test_a_full_disk_is_said_and_no_traceback():
    command = [sys.executable, "-m", "hsig", "train", "hard", *SHORT]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr.startswith("error: stdout: cannot be written: ")
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="no such shell on this system")
def test_a_reader_that_leaves_early_is_no_failure():
    command = f"{sys.executable} -m hsig train hard {' '.join(SHORT)} -f csv --long"
    done = subprocess.run(
        ["sh", "-c", f"{command} | head -n 1"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("label,")
    assert done.stderr == ""


def test_stdout_has_the_result_alone_in_any_encoding():
    done = process("compare", "hard", "tanh", *SHORT, PYTHONIOENCODING="ascii", COLUMNS="60")
    assert done.stdout.isascii()
    assert max(map(len, done.stdout.splitlines())) <= 60
    assert done.stderr == ""
