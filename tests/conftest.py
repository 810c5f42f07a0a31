"""Settings of the test run."""

import pytest
from hypothesis import settings

# machines are noisy: how long an example takes is no reason to fail, unless a test says so
settings.register_profile("hsig", deadline=None)
settings.load_profile("hsig")


@pytest.fixture(autouse=True, scope="session")
def _runs_are_kept_elsewhere(tmp_path_factory):
    """No test leaves a run in the folder it was started in."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HSIG_RUNS_DIR", str(tmp_path_factory.mktemp("runs")))
        yield
