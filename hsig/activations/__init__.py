"""Activation functions: what an activation is, the table of them, and how they are found.

In: names and settings. Out: activations.
To import: `ACTIVATIONS` and `Activation` from here; lookup by name, alias or group from `names`;
an activation that is a function in Python from `in_python`.
"""

from hsig.activations.activation import SOFTMAX, Activation
from hsig.activations.table import ACTIVATIONS

__all__ = ["ACTIVATIONS", "SOFTMAX", "Activation"]
