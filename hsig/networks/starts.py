"""The weights from which seeds start: a table of schemes, each drawn from the seed alone.

`numpy.random.RandomState(seed).rand` gives the numbers, whose stream is frozen for ever: layer by
layer, row by row, the bias row last, as the question drew them. A scheme maps a layer's numbers to
its weights.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from hsig.arrays import Array
from hsig.networks.network import Weights, layer_shapes


@dataclass(frozen=True)
class Scheme:
    """How weights are drawn."""

    name: str
    settings: Mapping[str, float]  # in their order, with their defaults
    # from numbers of [0, 1), (seeds, rows, fan_out), the layer's fan-in and the settings to weights
    # of that shape
    draw: Callable[..., Array]
    summary: str  # in a few words, with the settings in braces
    draws_biases: bool = True  # else the bias row is 0 and takes no numbers


def draw_uniform(numbers: Array, _fan_in: int, low: float, high: float) -> Array:
    """Evenly from [low, high)."""
    return low + (high - low) * numbers


_ROWS = (Scheme("uniform", {"low": 0.0, "high": 1.0}, draw_uniform, "[{low}, {high})"),)

SCHEMES: Mapping[str, Scheme] = MappingProxyType({row.name: row for row in _ROWS})


@dataclass(frozen=True)
class Start:
    """A scheme of `SCHEMES` with the values of its settings, in their order."""

    scheme: str = "uniform"
    settings: tuple[float, ...] = (0.0, 1.0)

    @property
    def parameters(self) -> dict[str, float]:
        """Its settings by name."""
        return dict(zip(SCHEMES[self.scheme].settings, self.settings, strict=True))

    @property
    def summary(self) -> str:
        """What it draws, in a few words.

        >>> Start("uniform", (-1.0, 1.0)).summary
        '[-1, 1)'
        >>> Start("uniform", (0.5, 0.5)).summary
        '0.5 alone'
        """
        texts = {name: f"{value:.6g}" for name, value in self.parameters.items()}
        if texts.keys() == {"low", "high"} and len({*self.settings}) == 1:
            return f"{texts['low']} alone"
        return SCHEMES[self.scheme].summary.format(**texts)

    def draw(self, seeds: Sequence[int], sizes: Sequence[int]) -> Weights:
        """The weights of some seeds, seeds first.

        Args:
            seeds: Each from 0 to 2**32 - 1.
            sizes: Inputs, units of each hidden layer, outputs.

        >>> Start().draw([0], [2, 3, 1])[0][0, 0].round(4)
        array([0.5488, 0.7152, 0.6028])
        """
        scheme = SCHEMES[self.scheme]
        shapes = layer_shapes(sizes)
        if not scheme.draws_biases:
            shapes = [(rows - 1, columns) for rows, columns in shapes]
        counts = [rows * columns for rows, columns in shapes]
        numbers = np.empty((len(seeds), sum(counts)))
        stream = np.random.RandomState(0)  # seeded anew each time: to make one takes longer
        for row, seed in zip(numbers, seeds, strict=True):
            stream.seed(seed)
            row[:] = stream.rand(len(row))
        parts = np.split(numbers, np.cumsum(counts)[:-1], axis=1)
        layers = (
            scheme.draw(part.reshape(-1, *shape), fan_in, *self.settings)
            for part, shape, fan_in in zip(parts, shapes, sizes[:-1], strict=True)
        )
        if scheme.draws_biases:
            return tuple(layers)
        return tuple(np.pad(layer, [(0, 0), (0, 1), (0, 0)]) for layer in layers)


QUESTION_START = Start()  # that of the question: [0, 1)
