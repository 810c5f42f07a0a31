"""Which rows each step of an epoch takes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Order:
    """The rows in their own order, so many at a time."""

    batch_size: int | None = 1  # rows of a step; None for all

    def batches(self, rows: int) -> list[slice]:
        """The rows of each step of an epoch; the last may be fewer.

        >>> Order(2).batches(5)
        [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
        """
        size = self.batch_size or rows
        return [slice(first, min(first + size, rows)) for first in range(0, rows, size)]


ONLINE = Order()
ORDERS = {"online": ONLINE, "batch": Order(None)}  # by the names that `update` has for them
