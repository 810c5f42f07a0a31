"""Where a run takes place: versions and machine."""

import os
import platform
from typing import Any

import numpy as np

from hsig import __version__
from hsig.engines import NUMERICS, compiled, reference


def versions() -> dict[str, str]:
    """Of hsig and what it computes with."""
    return {
        "hsig": __version__,
        "numerics": str(NUMERICS),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def machine() -> dict[str, Any]:
    """What it runs on."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "instructions": list(compiled.instruction_sets()),
        "numpy_instructions": list(reference.instruction_sets()),
    }
