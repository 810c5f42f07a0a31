"""The optimizers: from a gradient to a step, and what is remembered from step to step.

Each is a row: what it remembers at first, and its step. All arrays have three axes, seeds last, and
every operation is elementwise over them, so that a seed's bits do not depend on others. The
definitions are PyTorch's (torch.optim), in its order of operations.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from hsig.arrays import Array, BoolArray, find_same_bits
from hsig.networks.network import Weights

Rate = float | Array  # of a step; of all seeds, or (seeds,)
Memory = tuple[Weights, ...]  # running means of each layer's gradient, and the like

_NORM_FLOOR = 1e-6  # added to the norm of a gradient that is clipped, as PyTorch does
_ROUNDING = 1e-9  # relative; what a bound is made larger by, for all that may be rounded before it


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
    # what the learning rate is multiplied by in all steps to come, at least and at most: from the
    # first of its means, the least and the largest gradient that can come, and the settings
    bound: Callable[..., tuple[Array, Array]]
    source: str
    weight_decay: float = 0.0  # by default
    decays_apart: bool = False  # whether decay shrinks the weights, and is no part of the gradient


def step_sgd(weights: Array, gradient: Array, learning_rate: Rate) -> tuple[Array, ...]:
    """Plain gradient descent: w - r g."""
    return (weights - learning_rate * gradient,)


def step_momentum(
    weights: Array, velocity: Array, gradient: Array, learning_rate: Rate, momentum: float
) -> tuple[Array, ...]:
    """Gradient descent with momentum m: v <- m v + g, then w - r v."""
    velocity = momentum * velocity + gradient
    return weights - learning_rate * velocity, velocity


def step_nesterov(
    weights: Array, velocity: Array, gradient: Array, learning_rate: Rate, momentum: float
) -> tuple[Array, ...]:
    """Nesterov's momentum m: v <- m v + g, then w - r (g + m v)."""
    velocity = momentum * velocity + gradient
    return weights - learning_rate * (gradient + momentum * velocity), velocity


def step_rmsprop(
    weights: Array,
    square: Array,
    gradient: Array,
    learning_rate: Rate,
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
    learning_rate: Rate,
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
    size = np.sqrt(square) * (1.0 / np.sqrt(1.0 - power2)) + epsilon
    return weights - (learning_rate / (1.0 - power1)) * (mean / size), mean, square


# Rounding never turns two numbers round, so a bound that holds before an operation is, rounded as
# the number itself is, one behind it.


def bound_sgd(low: Array, high: Array) -> tuple[Array, Array]:
    """A step takes the gradient as it is."""
    return low, high


def bound_momentum(
    velocity: Array, low: Array, high: Array, momentum: float
) -> tuple[Array, Array]:
    """A velocity of at most b = max(v, g/(1 - m)) stays so: m b + g <= b, which is tried."""
    return -_bound_velocity(-velocity, -low, momentum), _bound_velocity(velocity, high, momentum)


def _bound_velocity(velocity: Array, gradient: Array, momentum: float) -> Array:
    """At most; infinite where rounding, or a momentum of 1, lets it grow."""
    limit = gradient / (1.0 - momentum)
    largest = np.maximum(velocity, limit + _ROUNDING * np.abs(limit))
    return np.where(momentum * largest + gradient <= largest, largest, np.inf)


def bound_nesterov(
    velocity: Array, low: Array, high: Array, momentum: float
) -> tuple[Array, Array]:
    """As g + m v, of the velocity that `bound_momentum` has."""
    least, largest = bound_momentum(velocity, low, high, momentum)
    return low + momentum * least, high + momentum * largest


def bound_rmsprop(
    square: Array, low: Array, high: Array, alpha: float, epsilon: float
) -> tuple[Array, Array]:
    """At most |g|/e: the mean square may fall to 0, and is never less."""
    del square, alpha
    largest = np.maximum(np.abs(low), np.abs(high)) / epsilon
    return -largest, largest


def bound_adam(
    mean: Array, low: Array, high: Array, beta1: float, beta2: float, epsilon: float
) -> tuple[Array, Array]:
    """At most max(|m|, |g|)/e: the mean goes some way to each gradient, and not beyond it.

    As computed it may by rounding, by less than 3 * 2**-53 of the larger of the two. The bias's
    correction, which is part of the rate, only falls.
    """
    del beta1, beta2
    gradient = np.maximum(np.abs(low), np.abs(high)) * (1.0 + _ROUNDING)
    largest = np.maximum(np.abs(mean), gradient) / epsilon
    return -largest, largest


_MOMENTUM = {"momentum": 0.9}
_RMSPROP = {"alpha": 0.99, "epsilon": 1e-8}
_ADAM = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
_MOMENTUM_SOURCE = "Polyak 1964, as in Sutskever 2013"
_NESTEROV_SOURCE = "Nesterov 1983, as in PyTorch's SGD"
_RMSPROP_SOURCE = "Tieleman & Hinton 2012, lecture 6.5"
_ADAM_SOURCE = "Kingma & Ba 2014, arXiv:1412.6980"

_ROWS = (
    Rule("sgd", {}, 0.1, 0, 0, step_sgd, bound_sgd, "Cauchy 1847"),
    Rule("momentum", _MOMENTUM, 0.01, 1, 0, step_momentum, bound_momentum, _MOMENTUM_SOURCE),
    Rule("nesterov", _MOMENTUM, 0.01, 1, 0, step_nesterov, bound_nesterov, _NESTEROV_SOURCE),
    Rule("rmsprop", _RMSPROP, 0.01, 1, 0, step_rmsprop, bound_rmsprop, _RMSPROP_SOURCE),
    Rule("adam", _ADAM, 0.001, 2, 2, step_adam, bound_adam, _ADAM_SOURCE),
    Rule(
        "adamw",
        _ADAM,
        0.001,
        2,
        2,
        step_adam,
        bound_adam,
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
    def label(self) -> str:
        """Its name, and one setting, or of several those that are no defaults, as configs do.

        >>> Optimizer("adam", (0.9, 0.99, 1e-8)).label, Optimizer("momentum", (0.9,)).label
        ('adam:beta2=0.99', 'momentum:0.9')
        """
        if len(self.settings) == 1:
            return f"{self.name}:{self.settings[0]!r}"
        defaults, pairs = self.rule.settings, self.parameters.items()
        changed = [f"{name}={value!r}" for name, value in pairs if value != defaults[name]]
        return f"{self.name}:{','.join(changed)}" if changed else self.name

    @property
    def is_plain(self) -> bool:
        """Whether a step is the learning rate times the gradient."""
        return self.name == "sgd" and self.weight_decay == 0.0 and self.clip_norm == np.inf

    @property
    def added_decay(self) -> float:
        """How much of the weights is added to a gradient."""
        return 0.0 if self.rule.decays_apart else self.weight_decay

    def start(self, weights: Weights) -> Memory:
        """What it remembers before the first step, seeds last: its means, then its products."""
        zeros = tuple(map(np.zeros_like, weights))
        products = np.ones((self.rule.products, 1, weights[0].shape[-1]))
        return (zeros,) * self.rule.means + (((products,),) if self.rule.products else ())

    def step(
        self, weights: Weights, memory: Memory, gradient: Weights, learning_rate: Rate
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

    def bound_gradient(
        self, low: Weights, high: Weights, weights: Weights, rows: int
    ) -> tuple[Weights, Weights]:
        """Bounds of what a step takes for the gradient, clipped and with its decay.

        From those of each of so many rows: the gradient of a batch is no larger than the largest of
        its rows, if their sum is finite, and clipped no larger than `clip_norm`. Rounding adds to
        it, and may double a scale that is nearly 0.
        """
        largest = []
        for least, most, layer in zip(low, high, weights, strict=True):
            gradient = np.maximum(np.abs(least), np.abs(most))
            clipped = np.minimum(gradient, 2.0 * self.clip_norm) * (1.0 + _ROUNDING)
            bound = clipped + self.added_decay * np.abs(layer)
            largest.append(np.where(gradient * rows < np.inf, bound, np.inf))
        return tuple(-bound for bound in largest), tuple(largest)

    def keeps(
        self, weights: Weights, memory: Memory, low: Weights, high: Weights, learning_rate: Rate
    ) -> BoolArray:
        """Whether no step to come changes a bit of a layer's weights, (layers, seeds).

        If all that steps take for gradients, clipped and with their decay, lies within bounds. Each
        step that is possible then rounds away by itself, so it does not matter how many come.
        """
        rule, rate = self.rule, np.array(learning_rate)
        if rule.products:
            rate = learning_rate / (1.0 - memory[-1][0][0] * self.settings[0])
        shrink = 1.0 - learning_rate * self.weight_decay if rule.decays_apart else 1.0
        kept = []
        for now, least, most, *parts in zip(weights, low, high, *memory[: rule.means], strict=True):
            bounds = rule.bound(*parts[:1], least, most, *self.settings)
            ends = (now * shrink, *(now - rate * bound for bound in bounds))
            kept.append(np.logical_and.reduce([find_same_bits(end, now) for end in ends]))
        return np.array(kept)


def sum_squares(layers: Weights) -> Array:
    """The sum of the squares of all numbers of each seed, by layer and index; (seeds,)."""
    total = np.zeros(layers[0].shape[-1])
    for layer in layers:
        for number in layer.reshape(-1, layer.shape[-1]):
            total = total + number * number
    return total


SGD = Optimizer()
