"""What is kept on one machine is repeated on others: each is a process with fewer instructions.

NumPy chooses its loops, the C library its functions, OpenBLAS its kernels and hsig's kernel its
path by what the processor has. Each can be told to do without.
"""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from hsig.engines import compiled

# a wrong name is ignored, or breaks the import of NumPy under warnings as errors
try:
    from numpy._core._multiarray_umath import __cpu_dispatch__ as DISPATCHED
except ImportError:
    DISPATCHED = []
LEVELS = [name for name in ("X86_V3", "X86_V4") if name in DISPATCHED]
PROCESSORS = {
    "this": {},
    "numpy": {"NPY_DISABLE_CPU_FEATURES": " ".join(LEVELS)},
    "libraries": {
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA",
        "OPENBLAS_CORETYPE": "Nehalem",
        "NPY_DISABLE_CPU_FEATURES": " ".join(LEVELS),
    },
}
# runs commands one after the other, and writes the exit code of each behind what it answers
HSIG = """
import json, sys
from hsig.engines import compiled
_, path, lines = sys.argv
if path:
    compiled.instruction_sets = lambda: (path,)
from hsig.cli.app import main
for line in json.loads(lines):
    sys.argv = ["hsig", *line, "-f", "json"]
    try:
        main()
    except SystemExit as ended:
        print("\\0", ended.code, sep="", end="\\0")
"""
# many exponentials, a slope at 0 that is none of a table, and seeds that diverge or are affine
RUNS = {
    "train": ("train", "tanh", "-e", "60", "-s", "6", "--update", "batch", "-l", "squared"),
    "compare": (
        *("compare", "gelu", "hard", "x*sin(x + 1):backward=straight_through", "mish"),
        *("-e", "100", "-s", "9", "-r", "0.7", "--init", "uniform:-2,2"),
    ),
    "sweep": ("sweep", "silu", "--learning-rate", "log:0.05..5:4", "-e", "90", "-s", "5"),
}


def hsig(*lines, processor="this", path=""):
    """What commands answer in a process on that processor: exit code and JSON of each."""
    done = subprocess.run(
        [sys.executable, "-c", HSIG, path, json.dumps(lines)],
        env={**os.environ, **PROCESSORS[processor]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *found, end = done.stdout.split("\0")
    codes = [int(code) for code in found[1::2]]
    assert (end, len(codes)) == ("", len(lines))
    assert set(codes) <= {0, 1}, done.stderr
    return list(zip(codes, map(json.loads, found[::2]), strict=True))


def rerun(number, **where):
    """The newest runs, so many of them, repeated."""
    newest = [f"latest~{place}" if place else "latest" for place in range(number)]
    return hsig(*(["runs", "rerun", run] for run in newest), **where)


@pytest.mark.skipif(not compiled.is_available(), reason="the kernel was not built here")
def test_a_run_of_the_compiled_engine_has_the_same_bits_on_every_other(runs):
    assert runs.name == "runs"
    fastest, *_, slowest = [*compiled.instruction_sets()[:2], "baseline"]
    hsig(*RUNS.values(), processor="libraries", path=fastest)
    for processor, path in (("this", slowest), ("numpy", fastest)):
        for code, found in rerun(len(RUNS), processor=processor, path=path):
            assert (code, found["same_bits"], found["same_digest"]) == (0, True, True)
            assert found["observed"] == []


@pytest.mark.skipif("X86_V3" not in LEVELS, reason="NumPy chooses among no others here")
def test_a_run_of_the_numpy_engine_is_said_to_be_of_another_machine(runs):
    assert runs.name == "runs"
    here = set(np.show_config(mode="dicts")["SIMD Extensions"].get("found", []))
    if not here & set(LEVELS):
        pytest.skip("this processor has none of them")
    numpys = ("--engine", "reference", "--workers", "1")
    hsig(*((*RUNS[name], *numpys) for name in ("compare", "sweep")))
    for code, found in rerun(2):
        assert (code, found["same_bits"], found["elsewhere"]) == (0, True, None)
    for code, found in rerun(2, processor="numpy"):
        assert (code, found["same_bits"], found["different"]) == (0, None, [])
        assert set(found["elsewhere"].split()) >= here
