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
    """How weights are drawn.

    Attributes:
        name: What configs call it.
        settings: Its settings in their order, with their defaults.
        draw: From numbers of [0, 1), (seeds, fan_in + 1, fan_out), and the settings to weights.
        summary: What it draws, in a few words, with the settings in braces.
    """

    name: str
    settings: Mapping[str, float]
    draw: Callable[..., Array]
    summary: str


def draw_uniform(numbers: Array, low: float, high: float) -> Array:
    """Evenly from [low, high)."""
    return low + (high - low) * numbers


SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        row.name: row
        for row in (Scheme("uniform", {"low": 0.0, "high": 1.0}, draw_uniform, "[{low}, {high})"),)
    }
)


@dataclass(frozen=True)
class Start:
    """A scheme in one setting.

    Attributes:
        scheme: Its name in `SCHEMES`.
        settings: The values of its settings, in the scheme's order.
    """

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
        """
        texts = {name: f"{value:.6g}" for name, value in self.parameters.items()}
        return SCHEMES[self.scheme].summary.format(**texts)

    def draw(self, seeds: Sequence[int], sizes: Sequence[int]) -> Weights:
        """The weights of some seeds, seeds first.

        Args:
            seeds: Each from 0 to 2**32 - 1.
            sizes: Inputs, units of each hidden layer, outputs.

        >>> Start().draw([0], [2, 3, 1])[0][0, 0].round(4)
        array([0.5488, 0.7152, 0.6028])
        """
        shapes = layer_shapes(sizes)
        counts = [rows * columns for rows, columns in shapes]
        numbers = np.empty((len(seeds), sum(counts)))
        stream = np.random.RandomState(0)  # seeded anew each time: to make one takes longer
        for row, seed in zip(numbers, seeds, strict=True):
            stream.seed(seed)
            row[:] = stream.rand(len(row))
        draw = SCHEMES[self.scheme].draw
        parts = np.split(numbers, np.cumsum(counts)[:-1], axis=1)
        return tuple(
            draw(part.reshape(-1, *shape), *self.settings)
            for part, shape in zip(parts, shapes, strict=True)
        )


QUESTION_START = Start()  # that of the question: [0, 1)
