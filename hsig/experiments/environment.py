"""Where a run takes place: versions and machine, and of these what its numbers depend on."""

import hashlib
import os
import platform
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from hsig import __version__
from hsig.engines import compiled, reference

# whose code makes the numbers of a training: that which `training` and `verdict` import, and they
NUMERIC = ("networks", "engines", "experiments")
_PACKAGE = Path(__file__).parents[1]


def versions() -> dict[str, str]:
    """Of hsig and what it computes with."""
    return {
        "hsig": __version__,
        "code": code(),
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
        "numpy_instructions": numpy_instructions(),
    }


def numerics(engines: Iterable[str]) -> dict[str, str]:
    """What numbers depend on beside their experiment, where these engines make them.

    The compiled engine gives the same bits everywhere; NumPy's exponentials depend on the
    instructions that it chooses.
    """
    names = set(engines)
    depends = {"hsig": __version__, "code": code()}
    if compiled.NAME in names:
        depends["kernel"] = compiled.source() or "not built"
    if reference.NAME in names:
        depends["numpy"] = np.__version__
        depends["instructions of numpy"] = " ".join(numpy_instructions())
    return depends


@cache
def code() -> str:
    """A digest of the code that makes the numbers, but for the kernel's."""
    paths = [path for name in NUMERIC for path in sorted((_PACKAGE / name).rglob("*.py"))]
    digest = hashlib.sha256()
    for path in paths:
        text = path.read_bytes()
        digest.update(f"{path.relative_to(_PACKAGE).as_posix()} {len(text)}\n".encode() + text)
    return digest.hexdigest()[:12]


@cache
def _numpy_features() -> tuple[str, ...]:
    found: Any = np.show_config(mode="dicts")
    return tuple(sorted(found.get("SIMD Extensions", {}).get("found", [])))


def numpy_instructions() -> list[str]:
    """Those that NumPy chooses among here."""
    return list(_numpy_features())
