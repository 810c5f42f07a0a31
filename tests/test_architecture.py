"""The map of the house: who may import whom. When the house changes, so does this table."""

import ast
import re
from pathlib import Path

import pytest

from hsig.environment import NUMERIC

PACKAGE = Path(__file__).parents[1] / "hsig"

# each module may look only at those above it; these are the ones it does look at
ROOMS = {
    "errors": set(),
    "keys": set(),
    "arrays": {"numpy"},
    "activations": {"numpy", "arrays"},
    "losses": {"numpy", "arrays"},
    "tasks": {"numpy", "arrays"},
    "network": {"numpy", "arrays", "activations", "losses"},
    "engines": {"numpy", "arrays", "activations", "network"},
    "divergence": {"numpy", "arrays", "engines", "network"},
    "evidence": {"numpy", "arrays", "network"},
    "affine": {"numpy", "arrays", "losses", "tasks"},
    "experiment": {
        "numpy", "arrays", "activations", "losses", "tasks", "network", "engines", "evidence"
    },
    "training": {
        "numpy", "arrays", "network", "engines", "divergence", "evidence", "experiment"
    },
    "verdict": {"numpy", "arrays", "engines", "experiment"},
    "transfer": {"numpy", "arrays", "activations", "network", "engines", "experiment"},
    "statistics": {"numpy", "arrays"},
    "adaptive": {"numpy", "network", "evidence", "experiment", "statistics"},
    "pairing": {"numpy", "arrays", "statistics"},
    "summary": {
        "numpy", "arrays", "activations", "affine", "engines", "experiment", "verdict", "transfer",
        "statistics", "pairing",
    },
    "together": {"numpy", "experiment", "pairing", "summary"},
    "explain": {"activations", "losses", "experiment", "verdict", "statistics", "summary"},
    "config": {
        "yaml", "numpy", "errors", "keys", "arrays", "activations", "losses", "tasks", "network",
        "engines", "experiment",
    },
    "sweep": {
        "numpy", "errors", "arrays", "config", "engines", "experiment", "training", "verdict",
        "statistics", "summary",
    },
    "workers": {"errors", "engines", "experiment", "training", "sweep"},
    "environment": {"numpy", "engines"},
    "cluster": {"errors", "environment", "experiment", "sweep"},
    "definitions": {"numpy", "arrays", "activations"},
    "document": {
        "numpy", "arrays", "keys", "activations", "affine", "network", "engines", "evidence",
        "experiment", "verdict", "transfer", "summary", "pairing", "together",
    },
    "records": {
        "numpy", "errors", "config", "document", "environment", "evidence", "experiment",
        "network", "sweep",
    },
    "forms": {"keys"},
    "cells": set(),
    "plots": set(),
    "report": {
        "activations", "cells", "divergence", "engines", "experiment", "network", "plots",
        "summary", "verdict",
    },
    "two_sweeps": {
        "numpy", "config", "experiment", "pairing", "statistics", "summary", "sweep", "together"
    },
    "maps": {"cells", "config", "experiment", "report", "sweep", "verdict"},
    "map_difference": {"cells", "maps", "pairing", "summary", "two_sweeps"},
    "kept": {"config", "errors", "keys", "cells", "records", "report"},
    "story": {
        "numpy", "activations", "cells", "engines", "experiment", "explain", "report", "statistics",
        "summary", "verdict",
    },
    "glossary": {"numpy", "activations", "cells", "definitions"},
    "power": {"cells", "statistics"},
    "claims": {"cells", "experiment", "pairing", "statistics", "summary"},
    "side_by_side": {
        "cells", "experiment", "pairing", "plots", "report", "statistics", "summary", "verdict"
    },
    "comparison": {
        "activations", "cells", "claims", "experiment", "report", "side_by_side", "summary",
        "together",
    },
    "tables": {
        "rich", "cells", "report", "comparison", "glossary", "story", "summary", "plots", "maps"
    },
    "export": {
        "maps", "kept", "two_sweeps", "config", "activations", "cells", "comparison",
        "definitions", "document",
        "engines", "experiment", "explain", "report", "story", "summary", "together", "verdict",
    },
    "terminal": {"rich", "errors", "experiment"},
    "completion": {"keys", "activations"},
    "cli": {
        "typer", "rich", "errors", "keys", "activations", "adaptive", "config", "definitions",
        "engines", "document", "experiment", "training", "explain", "forms", "story", "workers",
        "power", "summary", "together", "report", "comparison", "glossary", "tables", "export",
        "terminal", "completion", "records",
        "cells", "kept", "maps", "map_difference", "sweep", "two_sweeps", "cluster",
    },
    "__main__": {"cli"},
}  # fmt: skip


def files(room):
    folder = PACKAGE / room
    return sorted(folder.glob("*.py")) if folder.is_dir() else [PACKAGE / f"{room}.py"]


def rooms_imported(path):
    """The rooms of hsig and the packages of others that a file imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            first, _, rest = name.partition(".")
            if first == "hsig":
                found.add(rest.partition(".")[0])
            elif first in ("numpy", "yaml", "rich", "typer", "scipy"):
                found.add(first)
    return found - {"__version__"}


def test_the_map_of_the_readme_has_every_room_and_goes_one_way():
    text = (PACKAGE.parent / "README.md").read_text(encoding="utf-8")
    _, table = text.split("| module of `hsig/` | what it is |\n|---|---|\n")
    rows = [
        re.findall(r"`(\w+)`", line.split("|")[1])
        for line in table.partition("\n\n")[0].splitlines()
    ]
    place = {room: number for number, row in enumerate(rows) for room in row}
    assert set(ROOMS) - set(place) == {"errors", "arrays", "__main__"}  # too small to be told
    for room, number in place.items():
        assert all(place.get(other, 0) <= number for other in ROOMS[room]), room


def test_every_module_is_on_the_map():
    modules = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py"}
    packages = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert (modules | packages) - {"__init__"} == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_module_imports_what_the_map_says(room):
    found = set().union(*map(rooms_imported, files(room))) - {room}
    assert found == ROOMS[room]


@pytest.mark.parametrize("room", ROOMS)
def test_imports_go_one_way(room):
    above = list(ROOMS)[: list(ROOMS).index(room)]
    assert ROOMS[room] - {"numpy", "yaml", "rich", "typer"} <= set(above)


@pytest.mark.parametrize("room", list(ROOMS)[: list(ROOMS).index("explain") + 1])
def test_the_numeric_core_has_no_path_no_print_and_no_clock(room):
    for path in files(room):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        assert not names & {"print", "open", "Path"}
        modules = {
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for alias in node.names
        }
        assert not modules & {"time", "os", "random", "pathlib", "datetime"}


def test_the_digest_of_the_code_is_of_all_that_training_imports():
    found, waiting = set(), {"training", "verdict"}
    while waiting:
        room = waiting.pop()
        found.add(room)
        waiting |= ROOMS[room] - found - {"numpy"}
    assert set(NUMERIC) == found


def test_nothing_draws_from_numpys_global_state():
    for path in PACKAGE.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "np.random." not in text.replace("np.random.RandomState(seed)", "")


def test_the_package_is_typed():
    assert (PACKAGE / "py.typed").exists()
