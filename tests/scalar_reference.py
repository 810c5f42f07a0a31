"""The network of docs/training.md with plain loops over floats: slow, and obvious.

Written from the definitions, and sharing nothing with `hsig` but the names, so that the engines
have somebody to disagree with.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np


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
    "hard_torch": (
        clip_line(1 / 6, 0.5, 0.0, 1.0),
        clip_line_slope(1 / 6, 0.5, 0.0, 1.0, closed=False),
    ),
    "hard_taylor": (
        clip_line(0.25, 0.5, 0.0, 1.0),
        clip_line_slope(0.25, 0.5, 0.0, 1.0, closed=True),
    ),
    "hard_binary": (
        clip_line(0.5, 0.5, 0.0, 1.0),
        clip_line_slope(0.5, 0.5, 0.0, 1.0, closed=True),
    ),
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
    """A sample's loss, and its slope in the output's pre-activation."""
    if loss == "squared":
        return (p - y) ** 2, 2 * (p - y) * slope
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
    """One network and one seed."""

    hidden: list[list[float]]  # (inputs + 1, hidden)
    output: list[float]  # (hidden + 1,)
    activation: str
    output_activation: str
    loss: str
    backward: str = "own"
    output_backward: str = "own"
    printed: list[float] = field(default_factory=list)

    def predict(self, x: list[float]) -> float:
        return self._forward(x)[3]

    def _forward(self, x):
        x = [*x, 1.0]
        z = [
            sum((x[i] * self.hidden[i][j] for i in range(1, len(x))), x[0] * self.hidden[0][j])
            for j in range(len(self.hidden[0]))
        ]
        h = [*(FUNCTIONS[self.activation][0](v) for v in z), 1.0]
        out = sum((h[j] * self.output[j] for j in range(1, len(h))), h[0] * self.output[0])
        return z, h, out, FUNCTIONS[self.output_activation][0](out)

    def gradient(self, x: list[float], y: float):
        """Loss of one sample and its gradient in both layers."""
        z, h, out, p = self._forward(x)
        slope = training_slope(self.output_activation, self.output_backward)(out)
        logistic = self.output_activation == "sigmoid" and self.output_backward != (
            "straight_through"
        )
        loss, delta = loss_and_delta(self.loss, out, p, y, slope, logistic)
        hidden_slope = training_slope(self.activation, self.backward)
        deltas = [delta * self.output[j] * hidden_slope(z[j]) for j in range(len(z))]
        x = [*x, 1.0]
        return loss, [[x_i * d for d in deltas] for x_i in x], [h_j * delta for h_j in h]

    def train(self, inputs, targets, learning_rate, update, epochs):
        """Gradient descent; `printed` gets the last epoch's losses."""
        rows = [list(map(float, row)) for row in inputs]
        for _ in range(epochs):
            self.printed = []
            steps = [[i] for i in range(len(rows))] if update == "online" else [range(len(rows))]
            for step in steps:
                found = [self.gradient(rows[i], float(targets[i])) for i in step]
                self.printed += [loss for loss, _, _ in found]
                for i, row in enumerate(self.hidden):
                    for j in range(len(row)):
                        total = sum(g[i][j] for _, g, _ in found)
                        row[j] -= learning_rate * total / len(found)
                for j in range(len(self.output)):
                    self.output[j] -= learning_rate * sum(g[j] for _, _, g in found) / len(found)
