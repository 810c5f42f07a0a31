"""Trains tiny networks to compare activation functions, and says how sure it is.

>>> import hsig
>>> hsig.train("sigmoid", seeds=10, epochs=500).solved.k
0
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_HOMES = {
    "ACTIVATIONS": "hsig.activations",
    "ConfigError": "hsig.errors",
    "HsigError": "hsig.errors",
    "RunError": "hsig.errors",
    "activation": "hsig.results.front",
    "compare": "hsig.results.front",
    "data": "hsig.results.front",
    "explain": "hsig.results.front",
    "open_run": "hsig.results.front",
    "sweep": "hsig.results.front",
    "train": "hsig.results.front",
}

__all__ = [
    "ACTIVATIONS",
    "ConfigError",
    "HsigError",
    "RunError",
    "__version__",
    "activation",
    "compare",
    "data",
    "explain",
    "open_run",
    "sweep",
    "train",
]

if TYPE_CHECKING:  # for editors; in truth they are imported when first used: see below
    from hsig.activations import ACTIVATIONS
    from hsig.errors import ConfigError, HsigError, RunError
    from hsig.results.front import activation, compare, data, explain, open_run, sweep, train


def __getattr__(name: str) -> object:
    """The public names, imported when first used: `import hsig` alone is light."""
    if name not in _HOMES:
        raise AttributeError(f"module 'hsig' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The public names, for those who look what there is."""
    return __all__
