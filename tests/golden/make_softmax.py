"""Makes softmax_torch.npz: PyTorch's softmax with cross-entropy, from weights that are given.

    python tests/golden/make_softmax.py [FOLDER]

It imports PyTorch and NumPy, and hsig never. Each setting is a network with tanh in its hidden
layers, and 20 rows, in double precision. Its array has, one after the other, the loss of each row,
the gradient of their mean in all weights, and the weights after 50 epochs of plain gradient descent
at 0.1; weights have the layers one after the other, rows of inputs first and the biases last.
"""

import itertools
import json
import sys
from pathlib import Path

import numpy as np
import torch

EPOCHS, ROWS, INPUTS, RATE = 50, 20, 3, 0.1
SETTINGS = itertools.product(
    (1, 7, ROWS),  # rows of a step
    ((), (4,), (4, 3)),  # hidden layers
    (2, 3, 7),  # classes
    (1.0, 300.0),  # by which weights are multiplied: so large that outputs are exactly 0 and 1
)
loss_of = torch.nn.functional.cross_entropy


def given(hidden, classes, factor):
    """Inputs, the class of each row, and the weights of the layers."""
    draw = np.random.RandomState(7).uniform
    inputs = draw(-1.0, 1.0, (ROWS, INPUTS))
    of_rows = (inputs @ draw(-1.0, 1.0, (INPUTS, classes))).argmax(axis=1)
    sizes = (INPUTS, *hidden, classes)
    layers = [factor * draw(-1.0, 1.0, (a + 1, b)) for a, b in itertools.pairwise(sizes)]
    return inputs, of_rows, layers


def train(size, hidden, classes, factor) -> np.ndarray:
    """Losses, gradient and the weights after all epochs."""
    inputs, of_rows, layers = given(hidden, classes, factor)
    values, wanted = torch.tensor(inputs), torch.tensor(of_rows)
    weights = [torch.tensor(layer, requires_grad=True) for layer in layers]
    steps = torch.optim.SGD(weights, lr=RATE)

    def losses(rows):
        seen = values[rows]
        for layer in weights[:-1]:
            seen = torch.tanh(seen @ layer[:-1] + layer[-1])
        return loss_of(seen @ weights[-1][:-1] + weights[-1][-1], wanted[rows], reduction="none")

    first = losses(slice(None))
    first.mean().backward()
    found = [first, *(weight.grad.clone() for weight in weights)]
    for _ in range(EPOCHS):
        for start in range(0, ROWS, size):
            steps.zero_grad()
            losses(slice(start, start + size)).mean().backward()
            steps.step()
    return np.concatenate([part.detach().numpy().ravel() for part in [*found, *weights]])


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
    arrays = {json.dumps(setting): train(*setting) for setting in SETTINGS}
    about = json.dumps({"torch": torch.__version__, "numpy": np.__version__})
    np.savez_compressed(folder / "softmax_torch.npz", about=about, **arrays)
