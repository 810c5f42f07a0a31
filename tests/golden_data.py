"""The reference data in `golden/`, which nobody of this project wrote."""

import json
from functools import cache
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "golden"


@cache
def load_golden(name):
    """Arrays of an .npz, or the contents of a .json, by the name without its ending."""
    if (FOLDER / f"{name}.json").exists():
        return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    with np.load(FOLDER / f"{name}.npz") as arrays:
        return dict(arrays)
