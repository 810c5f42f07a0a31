"""The kinds of pictures by name, and what each shows. Nothing heavy is imported."""

from collections.abc import Mapping
from types import MappingProxyType

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "activation": "the curve, its slope, and where the hidden pre-activations lie on it",
        "costs": "the cost over the epochs: medians, quartiles, single seeds",
        "solved": "the share of the seeds that are solved by each epoch",
        "verdicts": "what the seeds are at each checkpoint",
        "compare": "solved rates and epochs to solve, with their intervals",
        "surface": "what the networks predict over the plane of two inputs",
        "map": "how many seeds are solved in each cell of a sweep",
        "difference": "how two sweeps differ, cell by cell",
    }
)
THEMES = ("light", "dark")
