"""The one part of the build that a table cannot say: an extension module that may be missing."""

import re
import sysconfig
from pathlib import Path

from setuptools import Extension, setup

# one file serves every Python from 3.11, but for free-threaded ones, which refuse the stable ABI
STABLE = not sysconfig.get_config_var("Py_GIL_DISABLED")
ENGINES = Path("hsig/engines")
(NUMERICS,) = re.findall(r"^NUMERICS = (\d+)$", (ENGINES / "engine.py").read_text("utf-8"), re.M)

setup(
    ext_modules=[
        Extension(
            "hsig.engines._kernel",
            [str(ENGINES / "_kernel.c")],
            define_macros=[
                ("NUMERICS", NUMERICS),  # so that one that was not built anew is noticed
                *([("Py_LIMITED_API", "0x030B0000")] if STABLE else []),
            ],
            depends=[str(path) for path in (ENGINES / "engine.py", *ENGINES.glob("_kernel_*.h"))],
            py_limited_api=STABLE,
            extra_compile_args=["-O3", "-ffp-contract=off"],
            libraries=["m"],
            optional=True,  # without a compiler the reference engine serves
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if STABLE else {},
)
