"""The activations of the table as functions that formulas can call, `hard(2*x, slope=0.3)`."""

from collections.abc import Mapping

from hsig.networks.activations import ACTIVATIONS
from hsig.networks.formulas.derivative import substitute
from hsig.networks.formulas.nodes import Node


def expand(name: str, inner: Node, settings: Mapping[str, float]) -> Node | None:
    """The formula of an activation of the table, with a node in place of x; None if it has none.

    Raises:
        KeyError: If it has no such setting.
    """
    row = ACTIVATIONS.get(name)
    if row is None:
        return None
    chosen = row.with_settings(settings, None)
    return substitute(chosen.function.value, {"x": inner})
