"""Results as pictures. The only wing that knows matplotlib, which is installed with `hsig[plot]`.

In: summaries, moments, sweeps, each with its caption. Out: matplotlib figures, and their bytes.
To import: all from here; a module, and with it matplotlib, is imported when its first function is.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hsig.figures.activations import activation
    from hsig.figures.curves import costs, solved
    from hsig.figures.intervals import comparison
    from hsig.figures.picture import save
    from hsig.figures.planes import surface
    from hsig.figures.stacks import verdicts
    from hsig.figures.sweeps import difference, sweep_map

_HOMES = {
    "activation": "activations",
    "comparison": "intervals",
    "costs": "curves",
    "difference": "sweeps",
    "save": "picture",
    "solved": "curves",
    "surface": "planes",
    "sweep_map": "sweeps",
    "verdicts": "stacks",
}

__all__ = [
    "activation",
    "comparison",
    "costs",
    "difference",
    "save",
    "solved",
    "surface",
    "sweep_map",
    "verdicts",
]


def __getattr__(name: str) -> object:
    """What is to be imported from here, when it is first used."""
    if name not in _HOMES:
        raise AttributeError(f"module 'hsig.figures' has no attribute '{name}'")
    return getattr(import_module(f"hsig.figures.{_HOMES[name]}"), name)
