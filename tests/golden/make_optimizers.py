"""Makes optimizers_torch.npz: where PyTorch's optimizers come to, from weights that are given.

    python tests/golden/make_optimizers.py [FOLDER]

It imports PyTorch and NumPy, and hsig never. This is the record of how the numbers were made and no
part of the tests. Each setting trains one network for 200 epochs on 20 rows, in their order, in
double precision: hidden layers with an activation, a logistic output, the mean of the binary
cross-entropy over the rows of a step. `SETTINGS` says which; a setting's array has the weights of
all layers, one after the other, rows of inputs first and the biases last.
"""

import itertools
import json
import sys
from pathlib import Path

import numpy as np
import torch

EPOCHS, ROWS, INPUTS = 200, 20, 3
RATES = {"sgd": 0.1, "momentum": 0.01, "nesterov": 0.01, "rmsprop": 0.01, "adam": 0.001}
RATES["adamw"] = RATES["adam"]
SETTINGS = list(
    itertools.product(
        RATES,
        (1, 7, ROWS),  # rows of a step
        ((), (4,), (4, 3), (4, 3, 3, 2)),  # hidden layers
        ("tanh", "relu", "hard"),
        (0.0, 0.05),  # weight decay
        (None,),  # norm to which gradients are clipped
    )
)
SETTINGS += [(name, 7, (4, 3), "tanh", decay, 0.1) for name in RATES for decay in (0.0, 0.05)]
ACTIVATIONS = {
    "tanh": torch.tanh,
    "relu": torch.relu,
    "hard": lambda x: torch.clamp(0.2 * x + 0.5, 0.0, 1.0),
}


def given(hidden: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Inputs, targets and weights of a network."""
    draw = np.random.RandomState(7).uniform
    inputs = draw(-1.0, 1.0, (ROWS, INPUTS))
    targets = (inputs.sum(axis=1, keepdims=True) > 0.0).astype(np.float64)
    sizes = (INPUTS, *hidden, 1)
    return inputs, targets, [draw(-1.0, 1.0, (a + 1, b)) for a, b in itertools.pairwise(sizes)]


def optimizer(name: str, weights: list[torch.Tensor], decay: float) -> torch.optim.Optimizer:
    """PyTorch's, with its defaults but for the momentum."""
    rate = RATES[name]
    if name in ("sgd", "momentum", "nesterov"):
        return torch.optim.SGD(
            weights,
            lr=rate,
            weight_decay=decay,
            momentum=0.0 if name == "sgd" else 0.9,
            nesterov=name == "nesterov",
        )
    kind = {"rmsprop": torch.optim.RMSprop, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
    return kind[name](weights, lr=rate, weight_decay=decay)


def train(name, size, hidden, activation, decay, clip) -> np.ndarray:
    """The weights after all epochs."""
    inputs, targets, layers = given(hidden)
    weights = [torch.tensor(layer, requires_grad=True) for layer in layers]
    steps = optimizer(name, weights, decay)
    loss_of = torch.nn.functional.binary_cross_entropy_with_logits
    for _ in range(EPOCHS):
        for first in range(0, ROWS, size):
            values = torch.tensor(inputs[first : first + size])
            for layer in weights[:-1]:
                values = ACTIVATIONS[activation](values @ layer[:-1] + layer[-1])
            logits = values @ weights[-1][:-1] + weights[-1][-1]
            steps.zero_grad()
            loss_of(logits, torch.tensor(targets[first : first + size])).backward()
            if clip is not None:
                torch.nn.utils.clip_grad_norm_(weights, clip)
            steps.step()
    return np.concatenate([layer.detach().numpy().ravel() for layer in weights])


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
    arrays = {json.dumps(setting): train(*setting) for setting in SETTINGS}
    about = json.dumps({"torch": torch.__version__, "numpy": np.__version__})
    np.savez_compressed(folder / "optimizers_torch.npz", about=about, **arrays)
