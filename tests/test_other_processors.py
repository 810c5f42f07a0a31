"""The compiled engine's bits on other processors: in a process with fewer instructions.

NumPy chooses its loops, the C library its functions and OpenBLAS its kernels by what the processor
has; each can be told to do without. Instruction sets of the kernel are in `test_golden_bits`.
"""

import os
import subprocess
import sys

import pytest
from setups import experiment, trained

from hsig.engines import compiled

# a wrong name is ignored, or breaks the import of NumPy under warnings as errors
try:
    from numpy._core._multiarray_umath import __cpu_dispatch__ as DISPATCHED
except ImportError:
    DISPATCHED = []

OTHER = {
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA",
    "OPENBLAS_CORETYPE": "Nehalem",
    "NPY_DISABLE_CPU_FEATURES": " ".join({"X86_V3", "X86_V4"} & set(DISPATCHED)),
}
# many exponentials, a cost of logarithms, and seeds that diverge
PRINT_NUMBERS = """
from test_other_processors import numbers
print(*numbers())
"""


def numbers():
    """What is trained, and the verdicts, as text without a rounding."""
    for spec, rate in (("gelu_tanh", 0.7), ("mish", 5.0), ("sigmoid", 0.1)):
        chosen = experiment(spec, seeds=9, epochs=100, low=-2.0, learning_rate=rate)
        result = trained(chosen)
        for array in (*result.weights, result.cost_mean, result.predictions, result.verdict):
            yield array.tobytes().hex()


@pytest.mark.skipif(not compiled.is_available(), reason="the kernel was not built here")
def test_the_compiled_engine_has_the_same_bits_on_another_processor():
    done = subprocess.run(
        [sys.executable, "-c", PRINT_NUMBERS],
        env={**os.environ, **OTHER, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == list(numbers())
