"""What every engine takes and gives: a problem, a state, and the progress from it.

Arrays have seeds last.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from hsig.arrays import Array, IntArray
from hsig.engines.optimizers import SGD, Memory, Optimizer
from hsig.engines.order import ONLINE, Order, shuffle
from hsig.networks.network import Activity, Network, Weights, append_bias
from hsig.networks.obstacles import find_obstacle

# The version of the numbers. To be raised by a change that gives other bits or other verdicts to an
# experiment that could be trained before; `tests/test_golden_bits.py` notices most of these. What
# was kept under another version is not mixed with what is trained anew.
NUMERICS = 6

NOT_REACHED = -1
MARKS = ("solved_at", "lost_at", "diverged_at", "stopped_at")  # of a state

_MAX_NUMBERS = 100_000  # of a layer in the networks that are looked at together


@dataclass(frozen=True)
class Problem:
    """What is trained, and how."""

    network: Network
    inputs: Array  # (samples, inputs), in the order of training
    targets: Array  # (samples, outputs)
    learning_rate: float | Array  # of all seeds, or (seeds,)
    # a seed is solved when every row is right, as `hsig.networks.losses.rows_right` has it
    solved_within: float | None
    order: Order = ONLINE
    optimizer: Optimizer = SGD
    # a seed stops when the mean loss of its weights is at most this, or once it is solved
    stop_loss: float | None = None
    stop_solved: bool = False

    @cached_property
    def inputs_with_bias(self) -> Array:
        """What the first layer sees, (samples, inputs + 1, 1)."""
        return append_bias(self.inputs)

    @cached_property
    def target_columns(self) -> Array:
        """The targets, (samples, outputs, 1), as predictions with seeds last have them."""
        return self.targets[:, :, None]

    def activity(self, weights: Weights, predictions: Array) -> Activity:
        """What NumPy finds on the way forward, with the predictions of the engine that trains.

        Theirs need not be the last bits of NumPy's. Seeds last.
        """
        with np.errstate(all="ignore"):
            activity = self.network.forward(weights, self.inputs_with_bias)
        return activity._replace(predictions=predictions)

    def select(self, seeds: IntArray | slice) -> "Problem":
        """That of some seeds, by their places, as `State.select` has them."""
        rate = self.learning_rate
        return replace(self, learning_rate=rate[seeds]) if isinstance(rate, np.ndarray) else self

    def activities(
        self, weights: Weights, predictions: Array
    ) -> Iterator[tuple[Weights, Activity]]:
        """The same for some seeds after the other, with the weights of these: a few at a time."""
        widest, seeds = max(layer.shape[1] for layer in weights), weights[0].shape[-1]
        most = max(1, _MAX_NUMBERS // (len(self.inputs) * widest))
        for first in range(0, seeds, most):
            some = tuple(layer[..., first : first + most] for layer in weights)
            yield some, self.activity(some, predictions[..., first : first + most])

    def find_obstacle(self, units: Sequence[int], features: Array | None = None) -> str:
        """Why no weights are right on every sample; empty if nothing proves it.

        Of a network that ends as this one does, with so many units in its hidden layers, and sees
        these features, as `hsig.networks.obstacles` has them; by default the inputs.
        """
        seen = self.inputs_with_bias[:, :, 0] if features is None else features
        activations = self.network.activations[-1 - len(units) :]
        return find_obstacle(activations, units, seen, self.targets, self.solved_within or 0.5)

    def batches(self, state: "State") -> list[slice] | list[IntArray]:
        """The rows of each step of the epoch that a state comes to; an index array is by seed."""
        batches = self.order.batches(len(self.inputs))
        if not self.order.shuffled:
            return batches
        order = shuffle(len(self.inputs), state.seed_numbers, state.epoch)
        return [order[batch] for batch in batches]

    def select_rows(self, rows: slice | IntArray) -> tuple[Array, Array]:
        """Inputs with a bias and targets of some rows, seeds last."""
        if isinstance(rows, slice):
            return self.inputs_with_bias[rows], self.target_columns[rows]
        return (
            self.inputs_with_bias[rows, :, 0].swapaxes(1, 2),
            self.target_columns[rows, :, 0].swapaxes(1, 2),
        )


@dataclass(frozen=True)
class State:
    """Where every seed stands; of each mark, (seeds,), an epoch or NOT_REACHED."""

    epoch: int  # epochs trained so far, but for seeds that stopped
    seed_numbers: IntArray  # (seeds,), from which the order of the rows is drawn
    weights: Weights
    memory: Memory  # of the optimizer
    solved_at: IntArray  # first epoch count, of those trained, with which all was right
    lost_at: IntArray  # first later one with which it no longer was
    diverged_at: IntArray  # 0-based epoch during which a weight stopped being finite
    stopped_at: IntArray  # epoch count with which it got where it was to stop, and stays

    @classmethod
    def start(
        cls, weights: Weights, optimizer: Optimizer = SGD, seed_numbers: IntArray | None = None
    ) -> "State":
        """Every seed before its first epoch, from weights with seeds last.

        Args:
            weights: Of each layer.
            optimizer: What trains them.
            seed_numbers: By default 0, 1, 2, ...
        """
        seeds = weights[0].shape[-1]
        if seed_numbers is None:
            seed_numbers = np.arange(seeds)
        marks = {name: np.full(seeds, NOT_REACHED, dtype=np.int64) for name in MARKS}
        return cls(0, seed_numbers, weights, optimizer.start(weights), **marks)

    @property
    def seeds(self) -> int:
        """How many there are."""
        return len(self.solved_at)

    def select(self, seeds: IntArray | slice) -> "State":
        """The state of some seeds, by their places."""
        return State(
            epoch=self.epoch,
            seed_numbers=self.seed_numbers[seeds],
            weights=tuple(layer[..., seeds] for layer in self.weights),
            memory=tuple(tuple(layer[..., seeds] for layer in part) for part in self.memory),
            **{name: getattr(self, name)[seeds] for name in MARKS},
        )


@dataclass(frozen=True)
class Progress(State):
    """The state after some epochs, and what the first of them printed.

    `solved_at` and `lost_at` judge each epoch by the weights it began with; those that `advance`
    returns are judged by the next call.
    """

    predictions: Array  # (samples, outputs, seeds), with the weights before the first epoch
    first_epoch_losses: Array  # (samples, seeds); each sample's loss before its own update


@dataclass(frozen=True)
class Strides:
    """The progress of each of some strides, one after the other; arrays have strides first."""

    start: State
    epochs: int  # of each stride
    weights: Weights
    memory: Memory
    marks: IntArray  # (strides, marks, seeds), as `MARKS`
    predictions: Array  # (strides, samples, outputs, seeds)
    first_epoch_losses: Array  # (strides, samples, seeds)

    def __len__(self) -> int:
        """How many there are."""
        return len(self.marks)

    def __getitem__(self, stride: int) -> Progress:
        """That of one, in views."""
        if not 0 <= stride < len(self):
            raise IndexError(stride)
        return Progress(
            epoch=self.start.epoch + (stride + 1) * self.epochs,
            seed_numbers=self.start.seed_numbers,
            weights=tuple(layer[stride] for layer in self.weights),
            memory=tuple(tuple(layer[stride] for layer in part) for part in self.memory),
            **dict(zip(MARKS, self.marks[stride], strict=True)),
            predictions=self.predictions[stride],
            first_epoch_losses=self.first_epoch_losses[stride],
        )

    def __iter__(self) -> Iterator[Progress]:
        """Each, in their order."""
        return map(self.__getitem__, range(len(self)))
