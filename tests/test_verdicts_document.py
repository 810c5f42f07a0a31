"""The tables of docs/verdicts.md are what training gives."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs/verdicts.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def benchmark():
    spec = importlib.util.spec_from_file_location("verdicts", ROOT / "benchmarks/verdicts.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "setting", ["hard -l squared -r 1 -e 100", "relu --init uniform:-1,0 -e 500"]
)
def test_a_row_is_as_measured(benchmark, setting):
    assert benchmark.tables((setting,))[-1] in DOCUMENT.splitlines()


def test_the_sentences_are_those_of_the_rows():
    for word in ("dead", "frozen", "cycling", "diverged"):
        assert {int(n) for n in re.findall(rf"{word} \d+ \((\d+)\)", DOCUMENT)} <= {0}
    for word, n, of, where in (("affine", 942, 943, "hard"), ("affine", 0, 53, "sigmoid -l sq")):
        (row,) = (
            line for line in DOCUMENT.splitlines() if f"| `{where}" in line and f"{of} (" in line
        )
        assert f"{word} {of} ({n})" in row
        assert f"{n} of {of}" in " ".join(DOCUMENT.split())
