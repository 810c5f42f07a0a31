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
HSIG = """
import sys
from hsig.engines import compiled
path = sys.argv.pop(1)
if path:
    compiled.instruction_sets = lambda: (path,)
from hsig.__main__ import main
main()
"""
# many exponentials, a slope at 0 that is none of a table, and seeds that diverge or are affine
RUNS = {
    "explain": ("explain", "tanh", "-e", "60", "-s", "6"),
    "compare": (
        *("compare", "gelu", "hard", "x*sin(x + 1):backward=straight_through", "mish"),
        *("-e", "100", "-s", "9", "-r", "0.7", "--init", "uniform:-2,2"),
    ),
    "sweep": ("sweep", "silu", "--learning-rate", "log:0.05..5:4", "-e", "90", "-s", "5"),
}


def hsig(*words, processor="this", path=""):
    """What a command answers in a process on that processor: its exit code and JSON."""
    done = subprocess.run(
        [sys.executable, "-c", HSIG, path, *words, "-f", "json"],
        env={**os.environ, **PROCESSORS[processor]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.skipif(not compiled.is_available(), reason="the kernel was not built here")
@pytest.mark.parametrize("run", RUNS)
def test_a_run_of_the_compiled_engine_has_the_same_bits_on_every_other(runs, run):
    assert runs.name == "runs"
    fastest, *_, slowest = [*compiled.instruction_sets()[:2], "baseline"]
    hsig(*RUNS[run], processor="libraries", path=fastest)
    for processor, path in (("this", slowest), ("numpy", fastest)):
        code, found = hsig("runs", "rerun", "latest", processor=processor, path=path)
        assert (code, found["same_bits"], found["same_digest"]) == (0, True, True)
        assert found["observed"] == []


@pytest.mark.skipif("X86_V3" not in LEVELS, reason="NumPy chooses among no others here")
@pytest.mark.parametrize("run", ["compare", "sweep"])
def test_a_run_of_the_numpy_engine_is_said_to_be_of_another_machine(runs, run):
    assert runs.name == "runs"
    here = set(np.show_config(mode="dicts")["SIMD Extensions"].get("found", []))
    if not here & set(LEVELS):
        pytest.skip("this processor has none of them")
    hsig(*RUNS[run], "--engine", "reference", "--workers", "1")
    code, found = hsig("runs", "rerun", "latest")
    assert (code, found["same_bits"], found["elsewhere"]) == (0, True, None)
    code, found = hsig("runs", "rerun", "latest", processor="numpy")
    assert (code, found["same_bits"], found["different"]) == (0, None, [])
    assert set(found["elsewhere"].split()) >= here
