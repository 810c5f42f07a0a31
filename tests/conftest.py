"""Settings of the test run."""

import pytest
from hypothesis import settings

from hsig.experiments.sweeps import train_cell

# machines are noisy: how long an example takes is no reason to fail, unless a test says so
settings.register_profile("hsig", deadline=None)
settings.load_profile("hsig")

# what is said of the terminal that the tests are started in
TERMINAL = (
    "COLUMNS",
    "FORCE_COLOR",
    "GITHUB_ACTIONS",
    "LINES",
    "NO_COLOR",
    "PY_COLORS",
    "TERM",
    "TERMINAL_WIDTH",
    "TTY_COMPATIBLE",
    "TTY_INTERACTIVE",
)


@pytest.fixture(autouse=True, scope="session")
def _surroundings(tmp_path_factory):
    """No test leaves a run in the folder it was started in, or depends on its terminal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HSIG_RUNS_DIR", str(tmp_path_factory.mktemp("runs")))
        for name in TERMINAL:
            patch.delenv(name, raising=False)
        yield


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """An empty folder to be in, and the folder in it where runs are kept."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HSIG_RUNS_DIR")
    return tmp_path / "runs"


@pytest.fixture
def trained(monkeypatch):
    """How many seeds of how many cells of sweeps have been trained."""
    done = []

    def noted(experiment, going_on=None):
        done.append(len(experiment.seeds))
        return train_cell(experiment, going_on)

    monkeypatch.setattr("hsig.experiments.parallel.train_cell", noted)
    return done
