"""Results as pictures. The only wing that knows matplotlib, which is installed with `hsig[plot]`.

In: summaries, moments, sweeps, each with its caption. Out: matplotlib figures, and their bytes.
To import: all from here; a module, and with it matplotlib, is imported when its first function is.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hsig.figures.curves import comparison, costs, solved, verdicts
    from hsig.figures.maps import difference, sweep_map
    from hsig.figures.networks import activation, surface
    from hsig.figures.picture import save

_HOMES = {
    "activation": "networks",
    "comparison": "curves",
    "costs": "curves",
    "difference": "maps",
    "save": "picture",
    "solved": "curves",
    "surface": "networks",
    "sweep_map": "maps",
    "verdicts": "curves",
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
