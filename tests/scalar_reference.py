"""The network of docs/design/network.md with plain loops over floats: slow, and obvious.

Any number of layers, outputs and rows in a step. Written from the definitions, and sharing nothing
with `hsig` but the names, so that the engines have somebody to disagree with.
"""

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce

import numpy as np


def total(terms):
    """Added one after the other; `sum` begins with 0, and later Pythons round it once."""
    return reduce(operator.add, terms)


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def clip_line(slope, shift, low, high, leak=0.0):
    def value(x):
        line = slope * x + shift
        clipped = min(max(line, low), high)
        return clipped + leak * (line - clipped) if line != clipped else clipped

    return value


def clip_line_slope(slope, shift, low, high, leak=0.0, *, closed):
    def derivative(x):
        below, above = (low - shift) / slope, (high - shift) / slope
        inside = below <= x <= above if closed else below < x < above
        return slope if inside else leak * slope

    return derivative


def ultra_fast(x):
    h = abs(x) / 2
    if h < 1.7:
        z = 1.5 * h / (1 + h)
    elif h < 3:
        z = 0.935409070603099 + 0.0458812946797165 * (h - 1.7)
    else:
        z = 0.99505475368673
    return (math.copysign(z, x) + 1) / 2


def ultra_fast_slope(x):
    h = abs(x) / 2
    return 0.375 / (1 + h) ** 2 if h < 1.7 else 0.0458812946797165 / 4 if h < 3 else 0.0


def gelu(x):
    return x / 2 * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def gelu_slope(x):
    u = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    du = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x**2)
    # (1 + tanh(u)) / 2 and 1 - tanh(u)**2, exact on the left as well, where tanh(u) is nearly -1
    e = math.exp(-2 * abs(u))
    share, bell = (1 if u > 0 else e) / (1 + e), 4 * e / (1 + e) ** 2
    return share + x / 2 * bell * du


def sigmoid_slope(x):
    return sigmoid(x) * (1 - sigmoid(x))


HARD = (0.2, 0.5, 0.0, 1.0)

FUNCTIONS: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "sigmoid": (sigmoid, sigmoid_slope),
    "ultra_fast": (ultra_fast, ultra_fast_slope),
    "hard": (clip_line(*HARD), clip_line_slope(*HARD, closed=True)),
    "leaky_hard": (clip_line(*HARD, 0.01), clip_line_slope(*HARD, 0.01, closed=True)),
    "tanh": (math.tanh, lambda x: 1 - math.tanh(x) ** 2),
    "hard_tanh": (
        clip_line(1.0, 0.0, -1.0, 1.0),
        clip_line_slope(1.0, 0.0, -1.0, 1.0, closed=False),
    ),
    "relu": (lambda x: max(x, 0.0), lambda x: 1.0 if x > 0 else 0.0),
    "leaky_relu": (lambda x: x if x > 0 else 0.01 * x, lambda x: 1.0 if x > 0 else 0.01),
    "elu": (
        lambda x: x if x > 0 else math.expm1(x),
        lambda x: 1.0 if x > 0 else math.exp(x),
    ),
    "softplus": (lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))), sigmoid),
    "silu": (
        lambda x: x * sigmoid(x),
        lambda x: sigmoid(x) + x * sigmoid(x) * (1 - sigmoid(x)),
    ),
    "hard_silu": (
        lambda x: x * min(max(x / 6 + 0.5, 0.0), 1.0),
        lambda x: 0.0 if x <= -3 else 1.0 if x >= 3 else x / 3 + 0.5,
    ),
    "gelu_tanh": (gelu, gelu_slope),
    "identity": (lambda x: x, lambda _: 1.0),
}


def training_slope(name: str, backward: str) -> Callable[[float], float]:
    value, derivative = FUNCTIONS[name]
    return {
        "own": derivative,
        "logistic": sigmoid_slope,
        "output": lambda x: value(x) * (1 - value(x)),
        "straight_through": lambda _: derivative(0.0),
    }[backward]


def divide(a: float, b: float) -> float:
    """IEEE division."""
    return float(np.float64(a) / np.float64(b))


LOSSES = ("squared", "bce", "bce_naive")


def loss_and_delta(loss: str, z: float, p: float, y: float, slope: float, logistic: bool):
    """The loss of one output, and its slope in the pre-activation."""
    if loss == "squared":
        return (p - y) * (p - y), 2 * (p - y) * slope
    if loss == "bce_naive":
        value = -(y * float(np.log(p)) + (1 - y) * float(np.log(1 - p)))
        return value, (-divide(y, p) + divide(1 - y, 1 - p)) * slope
    if logistic:
        return y * math.log1p(math.exp(-z)) + (1 - y) * math.log1p(math.exp(z)), p - y
    value = (-y * float(np.log(p)) if y > 0 else 0.0) + (
        -(1 - y) * float(np.log(1 - p)) if y < 1 else 0.0
    )
    derivative = (-divide(y, p) if y > 0 else 0.0) + (divide(1 - y, 1 - p) if y < 1 else 0.0)
    return value, derivative * slope if slope != 0 else 0.0


@dataclass
class ScalarNetwork:
    """One network and one seed.

    Attributes:
        weights: Of each layer, for each input and last the bias, for each unit.
        activations: Of each layer, by name.
        backwards: With which slope each layer trains.
        loss: By name.
        printed: The losses of the last epoch that was trained, by row.
    """

    weights: list[list[list[float]]]
    activations: list[str]
    backwards: list[str]
    loss: str
    printed: list[float] = field(default_factory=list)

    def forward(self, x):
        """What goes into each layer, its pre-activations, and the predictions."""
        layer_inputs, pre_activations = [], []
        for layer, activation in zip(self.weights, self.activations, strict=True):
            x = [*x, 1.0]
            z = [total(x[i] * layer[i][j] for i in range(len(x))) for j in range(len(layer[0]))]
            layer_inputs.append(x)
            pre_activations.append(z)
            x = [FUNCTIONS[activation][0](v) for v in z]
        return layer_inputs, pre_activations, x

    def gradient(self, x, targets):
        """Loss of one row, and its gradient in every layer."""
        layer_inputs, pre_activations, predictions = self.forward(x)
        slopes = [
            [training_slope(activation, backward)(v) for v in z]
            for activation, backward, z in zip(
                self.activations, self.backwards, pre_activations, strict=True
            )
        ]
        logistic = self.activations[-1] == "sigmoid" and self.backwards[-1] != "straight_through"
        found = [
            loss_and_delta(self.loss, z, p, y, slope, logistic)
            for z, p, y, slope in zip(
                pre_activations[-1], predictions, targets, slopes[-1], strict=True
            )
        ]
        deltas, gradient = [delta for _, delta in found], []
        for number in reversed(range(len(self.weights))):
            gradient.insert(0, [[v * d for d in deltas] for v in layer_inputs[number]])
            if number:
                deltas = [
                    total(d * w for d, w in zip(deltas, row, strict=True)) * slope
                    for row, slope in zip(
                        self.weights[number][:-1], slopes[number - 1], strict=True
                    )
                ]
        return total(loss for loss, _ in found), gradient

    def train(self, inputs, targets, learning_rate, batch_size, epochs):
        """Gradient descent, a step on the mean gradient of so many rows; None for all."""
        batch_size = batch_size or len(inputs)
        for _ in range(epochs):
            self.printed = []
            for first in range(0, len(inputs), batch_size):
                rows = range(first, min(first + batch_size, len(inputs)))
                found = [self.gradient(inputs[row].tolist(), targets[row].tolist()) for row in rows]
                self.printed += [loss for loss, _ in found]
                for number, layer in enumerate(self.weights):
                    for i, row in enumerate(layer):
                        for j in range(len(row)):
                            slope = total(gradient[number][i][j] for _, gradient in found)
                            row[j] -= learning_rate * (slope / len(found))
