"""The optimizers: from a gradient to a step, and what is remembered from step to step.

Each is a row: what it remembers at first, and its step. All arrays have three axes, seeds last, and
every operation is elementwise over them, so that a seed's bits do not depend on others.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hsig.networks.network import Weights

Memory = tuple[Weights, ...]  # running means of each layer's gradient, and the like


@dataclass(frozen=True)
class Rule:
    """How an optimizer works."""

    name: str
    settings: Mapping[str, float]  # in their order, with their defaults
    start: Callable[[Weights], Memory]  # what it remembers before the first step
    # from weights, memory, gradient, learning rate and the settings to the next weights and memory
    step: Callable[..., tuple[Weights, Memory]]
    source: str


def descend_plainly(
    weights: Weights, memory: Memory, gradient: Weights, learning_rate: float
) -> tuple[Weights, Memory]:
    """Plain gradient descent: w - learning_rate * g."""
    pairs = zip(weights, gradient, strict=True)
    return tuple(layer - learning_rate * slope for layer, slope in pairs), memory


def remember_nothing(_weights: Weights) -> Memory:
    """The memory of an optimizer that has none."""
    return ()


_ROWS = (Rule("sgd", {}, remember_nothing, descend_plainly, "Cauchy 1847"),)

OPTIMIZERS: Mapping[str, Rule] = MappingProxyType({row.name: row for row in _ROWS})


@dataclass(frozen=True)
class Optimizer:
    """An optimizer of `OPTIMIZERS` with the values of its settings, in their order."""

    name: str = "sgd"
    settings: tuple[float, ...] = ()

    @property
    def parameters(self) -> dict[str, float]:
        """Its settings by name."""
        return dict(zip(OPTIMIZERS[self.name].settings, self.settings, strict=True))

    def start(self, weights: Weights) -> Memory:
        """What it remembers before the first step."""
        return OPTIMIZERS[self.name].start(weights)

    def step(
        self, weights: Weights, memory: Memory, gradient: Weights, learning_rate: float
    ) -> tuple[Weights, Memory]:
        """The weights and the memory after a step."""
        rule = OPTIMIZERS[self.name]
        return rule.step(weights, memory, gradient, learning_rate, *self.settings)


SGD = Optimizer()
