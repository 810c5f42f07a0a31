"""The one part of the build that a table cannot say: an extension module that may be missing."""

import hashlib
import sysconfig
from pathlib import Path

from setuptools import Extension, setup

# one file serves every Python from 3.11, but for free-threaded ones, which refuse the stable ABI
STABLE = not sysconfig.get_config_var("Py_GIL_DISABLED")
KERNEL = Path("hsig/engines/_kernel.c")
SOURCE = hashlib.sha256(KERNEL.read_bytes()).hexdigest()[:12]

setup(
    ext_modules=[
        Extension(
            "hsig.engines._kernel",
            [str(KERNEL)],
            define_macros=[
                ("KERNEL_SOURCE", SOURCE),  # which code it is, for the digests of runs
                *([("Py_LIMITED_API", "0x030B0000")] if STABLE else []),
            ],
            py_limited_api=STABLE,
            extra_compile_args=["-O3", "-ffp-contract=off"],
            libraries=["m"],
            optional=True,  # without a compiler the reference engine serves
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if STABLE else {},
)
