"""Activation functions: the table of them, what each is, and the names by which they are found.

In: names and settings. Out: activations.
To import: the table and its nouns from here; what is found by a name or a group from `names`; one
that is a function in Python from `in_python`.
"""

from hsig.activations.activation import Activation
from hsig.activations.table import ACTIVATIONS

__all__ = ["ACTIVATIONS", "Activation"]
