"""Trains tiny networks to compare activation functions, and says how sure it is.

>>> import hsig
>>> experiment = hsig.load_experiment(flags={"activation": "sigmoid", "epochs": "500"})
>>> hsig.gather(experiment, hsig.run(experiment)).complete
True
"""

from importlib import import_module

__version__ = "0.1.0"

_HOMES = {
    "ACTIVATIONS": "hsig.networks.activations",
    "LOSSES": "hsig.networks.losses",
    "TASKS": "hsig.networks.tasks",
    "Experiment": "hsig.experiments.experiment",
    "HsigError": "hsig.errors",
    "Outcome": "hsig.experiments.experiment",
    "Variant": "hsig.experiments.experiment",
    "gather": "hsig.experiments.training",
    "load_experiment": "hsig.config.loading",
    "run": "hsig.experiments.training",
    "summarise": "hsig.analysis.summary",
}

__all__ = ["__version__", *_HOMES]


def __getattr__(name: str) -> object:
    """The public names, imported when first used: `import hsig` alone is light."""
    if name not in _HOMES:
        raise AttributeError(f"module 'hsig' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
