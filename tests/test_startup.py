"""What is imported: to start is most of what a short command takes."""

import subprocess
import sys

import pytest

# runs a command and then lists, on a line of its own, what was imported
LISTS_MODULES = """
import sys
from hsig.__main__ import main
try:
    main()
finally:
    print('\\nmodules:', *sys.modules)
"""
HEAVY = {"distributed", "jinja2", "matplotlib", "multiprocessing", "scipy"}
NO_TRAINING = {"hsig.experiments.parallel", "hsig.results.training", "hsig.runs.store"}
SHORT = "-s 2 -e 2"


def imported(code, *arguments, cwd):
    """What a process has imported by its end."""
    command = [sys.executable, "-c", code, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=cwd)
    return set(done.stdout.rpartition("modules:")[2].split())


@pytest.mark.parametrize(
    ("line", "without"),
    [
        ("--version", {"numpy", "yaml", "rich.console"}),
        ("train --help", {"numpy", "yaml"}),
        ("activations hard", NO_TRAINING | {"yaml"}),
        (f"train hard --no-save {SHORT}", {"hsig.runs.store", "hsig.results.comparing", "yaml"}),
        (f"compare tanh hard {SHORT}", {"hsig.results.explaining", "hsig.cli.sweeping"}),
        (f"explain hard {SHORT}", {"hsig.results.comparing", "hsig.cli.sweeping"}),
        (f"sweep hard -r 0.1,1 {SHORT}", {"hsig.results.comparing", "hsig.cli.training"}),
    ],
)
def test_a_command_imports_what_it_needs_and_no_more(tmp_path, line, without):
    found = imported(LISTS_MODULES, *line.split(), cwd=tmp_path)
    assert found & {"hsig.errors"}
    assert found & (HEAVY | without) == set()


def test_python_imports_less_and_a_picture_no_windows(tmp_path):
    code = "import sys, hsig\n{}print('modules:', *sys.modules)"
    found = imported(code.format(""), cwd=tmp_path)
    assert {name for name in found if name.startswith("hsig")} == {"hsig"}
    assert "numpy" not in found
    found = imported(code.format("hsig.train('hard', seeds=2, epochs=2)\n"), cwd=tmp_path)
    assert not found & (HEAVY | {"rich", "typer"})
    found = imported(LISTS_MODULES, *f"plot hard {SHORT} -o x.png -q".split(), cwd=tmp_path)
    assert "matplotlib.figure" in found
    assert not found & {"matplotlib.pyplot", "tkinter"}
