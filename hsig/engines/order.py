"""Which rows each step of an epoch takes."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hsig.arrays import IntArray

Words = npt.NDArray[np.uint64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2**64 divided by the golden ratio


@dataclass(frozen=True)
class Order:
    """The rows in their own order or shuffled anew for each epoch, so many at a time."""

    batch_size: int | None = 1  # rows of a step; None for all
    shuffled: bool = False

    def batches(self, rows: int) -> list[slice]:
        """The places, in the order of an epoch, of the rows of each step; the last may be fewer.

        >>> Order(2).batches(5)
        [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
        """
        size = self.batch_size or rows
        return [slice(first, min(first + size, rows)) for first in range(0, rows, size)]


def shuffle(rows: int, seeds: IntArray, epoch: int) -> IntArray:
    """A permutation of the rows for each seed in an epoch, (rows, seeds).

    Numbers are drawn by SplitMix64 from seed and epoch alone, and swap each row from the last on
    with one before it or itself (Durstenfeld's method); the upper 32 bits of a number choose, so
    that of few rows each is chosen equally often to within rows/2**32.

    Source:
        Steele, Lea & Flood 2014, Fast splittable pseudorandom number generators, OOPSLA;
        Durstenfeld 1964, Algorithm 235, Communications of the ACM 7:420.
    """
    key = _mix(_mix(seeds.astype(np.uint64) + _GOLDEN) + np.uint64(epoch))
    order = np.repeat(np.arange(rows)[:, None], len(seeds), axis=1)
    places = np.arange(len(seeds))
    for last in range(rows - 1, 0, -1):
        key = key + _GOLDEN
        chosen = ((_mix(key) >> np.uint64(32)) * np.uint64(last + 1)) >> np.uint64(32)
        other = chosen.astype(np.int64)
        order[last], order[other, places] = order[other, places], order[last].copy()
    return order


def _mix(number: Words) -> Words:
    """The finalizer of SplitMix64, modulo 2**64."""
    number = (number ^ (number >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    number = (number ^ (number >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Words = number ^ (number >> np.uint64(31))
    return mixed


ONLINE = Order()
