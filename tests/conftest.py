"""Settings of the test run."""

import signal
from contextlib import contextmanager
from importlib import import_module

import pytest
from hypothesis import settings

from hsig.experiments.sweeps import cell_steps

EXAMPLES = 25  # of a property

# machines are noisy: how long an example takes is no reason to fail; nor is chance, so that the
# examples are the same each time. `--hypothesis-profile nightly` looks for others
settings.register_profile(
    "hsig", deadline=None, derandomize=True, database=None, max_examples=EXAMPLES
)
settings.register_profile("nightly", deadline=None, max_examples=20 * EXAMPLES, print_blob=True)
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

# coverage doubles the time of these; the floor is of the core, and the tests of the core hold it
NOT_MEASURED = (
    *("cli", "golden_bits", "golden_pages", "kept_sweeps", "list_of_runs", "readme"),
    *("hostile_texts", "hostile_values", "records", "signals", "startup", "streams", "watch"),
    *("charts", "comparison_page", "configs_page", "end_points_page", "escaping", "explanation"),
    *("figures", "plot", "report", "reports_documents", "several_tasks", "tour", "tuning_page"),
    *("claims", "digests", "front", "public_numbers", "verdicts_document"),
)


def pytest_collection_modifyitems(items):
    """Leave out of the coverage what goes through commands and pages."""
    for item in items:
        if item.path.stem.removeprefix("test_") in NOT_MEASURED:
            item.add_marker("no_cover")


@pytest.fixture(autouse=True, scope="session")
def _surroundings(tmp_path_factory):
    """No test leaves a run in the folder it was started in, or depends on its terminal."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HSIG_RUNS_DIR", str(tmp_path_factory.mktemp("runs")))
        for name in TERMINAL:
            patch.delenv(name, raising=False)
        # or each process that is started would compile hsig anew
        patch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        # a shell has those in the background ignore Ctrl-C, which processes of theirs would inherit
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)
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

    def noted(*cells):
        done.extend(len(cell.seeds) for cell in cells)
        yield from cell_steps(*cells)

    monkeypatch.setattr("hsig.experiments.parallel.cell_steps", noted)
    return done


@pytest.fixture
def failing():
    """Have the nth call of a function of a module or a class raise a problem, once, within it."""

    @contextmanager
    def failing_call(name, nth, problem):
        where, _, attribute = name.rpartition(".")
        try:
            owner = import_module(where)
        except ModuleNotFoundError:
            module, _, kind = where.rpartition(".")
            owner = getattr(import_module(module), kind)
        original, calls = getattr(owner, attribute), []

        def call(*arguments, **options):
            calls.append(arguments)
            if len(calls) == nth + 1:
                raise problem
            return original(*arguments, **options)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(owner, attribute, call)
            yield calls

    return failing_call
