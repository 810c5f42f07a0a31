"""What each command does not import: to start is most of what a short one takes."""

import subprocess
import sys

import pytest

import hsig

# runs a command and then says, on a line of its own, what there is of modules
TOLD = (
    "import sys\n"
    "from hsig.__main__ import main\n"
    "try:\n"
    "    main()\n"
    "finally:\n"
    "    print('\\nmodules:', *sys.modules)\n"
)
# of others, what no command that is tried here has a use for
USELESS = {
    *("asyncio", "distributed", "email", "http", "jsonschema", "markdown_it", "multiprocessing"),
    *(
        "numpy.testing",
        "pydantic",
        "pygments",
        "pytest",
        "rich.markdown",
        "rich.traceback",
    ),
    *("sqlite3", "ssl", "unittest", "xml"),
}
TYPER_HELP = {"markdown_it", "pygments", "rich.markdown", "rich.traceback"}
SHORT = ("-s", "2", "-e", "2")


def imported(code, *arguments, cwd):
    """What a process has imported by its end."""
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
    )
    assert not done.stderr, done.stderr
    return set(done.stdout.rpartition("modules:")[2].split())


@pytest.fixture
def modules(tmp_path):
    """What a command has imported by its end, in a folder with a config."""
    (tmp_path / "mine.yaml").write_text("activation: hard\nepochs: 2\n", encoding="utf-8")
    return lambda *words: imported(TOLD, *words, cwd=tmp_path)


def of_hsig(found, wing):
    """The modules of a wing that are among some, without its own name."""
    start = f"hsig.{wing}."
    return {name.removeprefix(start) for name in found if name.startswith(start)}


def test_hsig_alone_is_one_module(tmp_path):
    found = imported("import sys, hsig\nprint('modules:', *sys.modules)", cwd=tmp_path)
    assert {name for name in found if name.startswith("hsig")} == {"hsig"}
    assert not found & {"numpy", "rich", "typer", "yaml"}
    assert "train" in hsig.__all__


def test_a_version_needs_nothing_but_typer(modules):
    found = modules("--version")
    assert {name for name in found if name.startswith("hsig")} == {
        *("hsig", "hsig.__main__", "hsig.cli", "hsig.cli.making", "hsig.errors")
    }
    assert not found & (USELESS | {"numpy", "rich.console", "yaml"})


@pytest.mark.parametrize(
    ("line", "own"),
    [
        ("train --activation hard", "training"),
        ("train hard --no-save -q", "training"),
        ("train hard -f json -o new.json", "training"),
        ("compare sigmoid hard", "comparing"),
        ("explain hard", "explaining"),
    ],
)
def test_a_command_that_trains_imports_no_other(modules, line, own):
    found = modules(*line.split(), *SHORT)
    assert of_hsig(found, "cli") == {"commands", "making", "options", "training"}
    assert of_hsig(found, "results") == {"result", "training", own}
    assert not found & (USELESS | {"rich.live", "rich.progress", "yaml"})
    assert "numpy.ma" not in found or own == "explaining"  # whose medians need it
    assert not of_hsig(found, "experiments") & {"dask_cluster", "sweeps"}
    assert not of_hsig(found, "runs") & {"listing", "sweeps"}


def test_one_activation_alone_is_compared_explained_and_tuned_by_nothing(modules):
    found = modules("train", "hard", *SHORT)
    assert of_hsig(found, "analysis") == {
        *("adding_seeds", "obstacles", "pairing", "statistics", "summary")
    }
    assert of_hsig(found, "reports") == {
        *("documents", "numbers", "obstacles", "page", "training", "visible", "words")
    }
    assert not of_hsig(found, "output") & {"bars", "overwriting"}


@pytest.mark.parametrize(
    ("line", "own"),
    [
        ("activations", "lookups"),
        ("power --rates 0.49,0.40", "lookups"),
        ("config show", "lookups"),
        ("help rank", "lookups"),
        ("train --help", ""),
        ("runs --help", ""),
        ("plot --help", ""),
        ("watch --help", ""),
    ],
)
def test_what_trains_nothing_imports_nothing_that_trains(modules, line, own):
    found = modules(*line.split())
    assert of_hsig(found, "cli") == {"commands", "making", "options", *own.split()}
    told = (
        {"markdown_it", "pygments", "rich.markdown", "rich.traceback"}
        if "--help" in line
        else set()
    )
    assert not found & (USELESS - told | {"rich.live", "rich.progress", "yaml"})
    assert not of_hsig(found, "runs")


def test_yaml_is_imported_where_there_is_some(modules):
    assert "yaml" in modules("train", "mine.yaml", "-s", "2")
    assert "yaml" in modules("train", "-s", "[3, 5]", "-e", "2")
    assert "yaml" not in modules("train", "-s", "3,5", "-e", "2")


def test_a_training_starts_no_process(tmp_path):
    code = TOLD.replace("try:", "sys.addaudithook(lambda event, _: started.append(event))\ntry:")
    code = code.replace("*sys.modules", "*{'subprocess.Popen', 'os.fork'}.intersection(started)")
    assert not imported(f"started = []\n{code}", "train", "hard", *SHORT, cwd=tmp_path)


def test_help_and_results_need_no_matplotlib(modules):
    found = (
        modules("--help") | modules("plot", "--help") | modules("compare", "tanh", "hard", *SHORT)
    )
    assert "matplotlib" not in found
    assert not of_hsig(found, "figures")


def test_a_result_in_python_needs_neither_matplotlib_nor_rich_nor_typer(tmp_path):
    code = (
        "import sys, hsig\nhsig.train('hard', seeds=2, epochs=2)\nprint('modules:', *sys.modules)"
    )
    found = imported(code, cwd=tmp_path)
    assert not found & {"matplotlib", "rich", "typer"}


def test_a_picture_imports_matplotlib_but_nothing_that_shows_windows(modules):
    found = modules("plot", "hard", *SHORT, "-q")
    assert "matplotlib.figure" in found
    assert not found & {"matplotlib.pyplot", "tkinter"}
