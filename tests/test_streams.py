"""Results replace files, but not what the same command has read; stdout has the result alone."""

from pathlib import Path

import pytest
from commands import hsig

from hsig.errors import ConfigError
from hsig.output.streams import check_output

SHORT = ("-e", "20", "-s", "3", "--no-save")


@pytest.fixture(autouse=True)
def _here(runs):
    Path("my.yaml").write_text("activation: tanh\ntask: {csv: data.csv}\nloss: squared\n")
    Path("data.csv").write_text("0,1,1\n1,0,1\n0,0,0\n")
    assert not runs.exists()


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
