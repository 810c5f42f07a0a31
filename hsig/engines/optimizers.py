"""The optimizers: from a gradient to a step, and what is remembered from step to step.

Each is a row: what it remembers at first, and its step. All arrays have three axes, seeds last, and
every operation is elementwise over them, so that a seed's bits do not depend on others. The
definitions are PyTorch's (torch.optim), in its order of operations.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from hsig.arrays import Array
from hsig.networks.network import Weights

Memory = tuple[Weights, ...]  # running means of each layer's gradient, and the like

_NORM_FLOOR = 1e-6  # added to the norm of a gradient that is clipped, as PyTorch does


@dataclass(frozen=True)
class Rule:
    """How an optimizer works."""

    name: str
    settings: Mapping[str, float]  # in their order, with their defaults
    learning_rate: float  # by default
    # how many arrays like the weights it remembers, at first 0, and how many running products of a
    # setting (its powers so far), at first 1
    means: int
    products: int
    # from one layer's weights, its parts of the memory, its gradient, the learning rate, the
    # products behind this step and the settings to its next weights and memory
    step: Callable[..., tuple[Array, ...]]
    source: str
    weight_decay: float = 0.0  # by default
    decays_apart: bool = False  # whether decay shrinks the weights, and is no part of the gradient


def step_sgd(weights: Array, gradient: Array, learning_rate: float) -> tuple[Array, ...]:
    """Plain gradient descent: w - r g."""
    return (weights - learning_rate * gradient,)


def step_momentum(
    weights: Array, velocity: Array, gradient: Array, learning_rate: float, momentum: float
) -> tuple[Array, ...]:
    """Gradient descent with momentum m: v <- m v + g, then w - r v."""
    velocity = momentum * velocity + gradient
    return weights - learning_rate * velocity, velocity


def step_nesterov(
    weights: Array, velocity: Array, gradient: Array, learning_rate: float, momentum: float
) -> tuple[Array, ...]:
    """Nesterov's momentum m: v <- m v + g, then w - r (g + m v)."""
    velocity = momentum * velocity + gradient
    return weights - learning_rate * (gradient + momentum * velocity), velocity


def step_rmsprop(
    weights: Array,
    square: Array,
    gradient: Array,
    learning_rate: float,
    alpha: float,
    epsilon: float,
) -> tuple[Array, ...]:
    """RMSprop: s <- a s + (1 - a) g**2, then w - r g/(sqrt(s) + e)."""
    square = alpha * square + (1.0 - alpha) * (gradient * gradient)
    return weights - learning_rate * (gradient / (np.sqrt(square) + epsilon)), square


def step_adam(
    weights: Array,
    mean: Array,
    square: Array,
    gradient: Array,
    learning_rate: float,
    power1: Array,
    power2: Array,
    beta1: float,
    beta2: float,
    epsilon: float,
) -> tuple[Array, ...]:
    """Adam: running means of g and g**2, each divided by 1 - beta**steps.

    m <- m + (1 - b1) (g - m), s <- b2 s + (1 - b2) g**2, then w - r/(1 - b1**t) m/(sqrt(s)/sqrt(1 -
    b2**t) + e).
    """
    mean = mean + (1.0 - beta1) * (gradient - mean)
    square = beta2 * square + (1.0 - beta2) * (gradient * gradient)
    size = np.sqrt(square) / np.sqrt(1.0 - power2) + epsilon
    return weights - (learning_rate / (1.0 - power1)) * (mean / size), mean, square


_MOMENTUM = {"momentum": 0.9}
_RMSPROP = {"alpha": 0.99, "epsilon": 1e-8}
_ADAM = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
_ADAM_SOURCE = "Kingma & Ba 2014, arXiv:1412.6980"

_ROWS = (
    Rule("sgd", {}, 0.1, 0, 0, step_sgd, "Cauchy 1847"),
    Rule("momentum", _MOMENTUM, 0.01, 1, 0, step_momentum, "Polyak 1964, as in Sutskever 2013"),
    Rule("nesterov", _MOMENTUM, 0.01, 1, 0, step_nesterov, "Nesterov 1983, as in PyTorch's SGD"),
    Rule("rmsprop", _RMSPROP, 0.01, 1, 0, step_rmsprop, "Tieleman & Hinton 2012, lecture 6.5"),
    Rule("adam", _ADAM, 0.001, 2, 2, step_adam, _ADAM_SOURCE),
    Rule(
        "adamw",
        _ADAM,
        0.001,
        2,
        2,
        step_adam,
        "Loshchilov & Hutter 2019, arXiv:1711.05101",
        weight_decay=0.01,
        decays_apart=True,
    ),
)

OPTIMIZERS: Mapping[str, Rule] = MappingProxyType({row.name: row for row in _ROWS})


@dataclass(frozen=True)
class Optimizer:
    """An optimizer of `OPTIMIZERS` with the values of its settings, in their order."""

    name: str = "sgd"
    settings: tuple[float, ...] = ()
    weight_decay: float = 0.0
    clip_norm: float = np.inf  # the largest norm of a gradient over all layers

    @property
    def rule(self) -> Rule:
        """How it works."""
        return OPTIMIZERS[self.name]

    @property
    def parameters(self) -> dict[str, float]:
        """Its settings by name."""
        return dict(zip(self.rule.settings, self.settings, strict=True))

    @property
    def is_plain(self) -> bool:
        """Whether a step is the learning rate times the gradient."""
        return self.name == "sgd" and self.weight_decay == 0.0 and self.clip_norm == np.inf

    def start(self, weights: Weights) -> Memory:
        """What it remembers before the first step, seeds last: its means, then its products."""
        zeros = tuple(map(np.zeros_like, weights))
        products = np.ones((self.rule.products, 1, weights[0].shape[-1]))
        return (zeros,) * self.rule.means + (((products,),) if self.rule.products else ())

    def step(
        self, weights: Weights, memory: Memory, gradient: Weights, learning_rate: float
    ) -> tuple[Weights, Memory]:
        """The weights and the memory after a step.

        A gradient that is too large is scaled to `clip_norm`; then decay is added to it, biases and
        all, or taken from the weights.
        """
        rule, decay = self.rule, self.weight_decay
        if self.clip_norm != np.inf:
            squares = sum_squares(gradient)
            scale = np.minimum(self.clip_norm / (np.sqrt(squares) + _NORM_FLOOR), 1.0)
            gradient = tuple(layer * scale for layer in gradient)
        if decay and rule.decays_apart:
            weights = tuple(layer * (1.0 - learning_rate * decay) for layer in weights)
        elif decay:
            pairs = zip(gradient, weights, strict=True)
            gradient = tuple(slope + decay * layer for slope, layer in pairs)
        powers: tuple[Array, ...] = ()
        products: Memory = ()
        if rule.products:
            factors = np.reshape(self.settings[: rule.products], (-1, 1, 1))
            products = ((memory[-1][0] * factors,),)
            powers = tuple(products[0][0])
        layers = zip(weights, *memory[: rule.means], gradient, strict=True)
        parts = [rule.step(*layer, learning_rate, *powers, *self.settings) for layer in layers]
        stepped, *means = zip(*parts, strict=True)
        return stepped, (*means, *products)


def sum_squares(layers: Weights) -> Array:
    """The sum of the squares of all numbers of each seed, by layer and index; (seeds,)."""
    total = np.zeros(layers[0].shape[-1])
    for layer in layers:
        for number in layer.reshape(-1, layer.shape[-1]):
            total = total + number * number
    return total


SGD = Optimizer()
