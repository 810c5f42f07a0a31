"""Tables of texts, and how a number becomes one: digits and units live here."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

ROWS_MOST = 40  # longer tables are shown without their middle


@dataclass(frozen=True)
class Table:
    """A table of texts.

    Attributes:
        title: Above it; may be empty.
        columns: Their names.
        rows: Cells, one for each column.
        spare: Groups of columns that may go where there is no room for all, the first to go first.
        prose: Columns of words, which begin on the left; numbers end on the right.
        splits: Whether it may be cut into tables that each begin with the first column.
        whole: Whether all rows are shown, however many there are.
        firm: Whether the first column is never folded, as that of ids.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    spare: tuple[tuple[str, ...], ...] = ()
    prose: tuple[str, ...] = ()
    splits: bool = False
    whole: bool = False
    firm: bool = False

    def smaller(self) -> "Table":
        """The same without the first of its groups of spare columns."""
        first, *others = self.spare
        kept = [index for index, name in enumerate(self.columns) if name not in first]
        return replace(self.only(kept), spare=tuple(others))

    def only(self, kept: Sequence[int]) -> "Table":
        """The same with some columns, by their numbers."""
        rows = tuple(tuple(row[index] for index in kept) for row in self.rows)
        return replace(self, columns=tuple(self.columns[index] for index in kept), rows=rows)

    def shortened(self, most: int = ROWS_MOST) -> "Table":
        """The same without its middle rows if it has more than `most`."""
        left_out = len(self.rows) - most
        if left_out <= 0 or self.whole:
            return self
        gap = (f"({left_out} more)", *("" for _ in self.columns[1:]))
        half = most // 2
        return replace(self, rows=(*self.rows[:half], gap, *self.rows[-half:]))


def number(value: float) -> str:
    """A cost or a prediction, to six significant digits.

    >>> number(0.7), number(float("inf"))
    ('0.700000', 'inf')
    """
    return f"{value:#.6g}"


def brief(value: float) -> str:
    """The same to four digits, for tables with many of them side by side.

    >>> brief(0.7), brief(0.000123456)
    ('0.7000', '0.0001235')
    """
    return f"{value:#.4g}"


def short(value: float) -> str:
    """A setting, as short as it can be read."""
    return f"{value:.6g}"


def percent(rate: float) -> str:
    """A share in [0, 1] as whole percents; only all and none are 100 % and 0 %.

    >>> percent(0.0), percent(0.004), percent(0.996)
    ('0 %', '0.4 %', '99.6 %')
    """
    shown = 100.0 * rate
    distance = min(shown, 100.0 - shown)  # from none or all
    if distance == 0.0 or distance >= 1.0:
        return f"{shown:.0f} %"
    return f"{shown:.{-math.floor(math.log10(distance))}f} %"


def p_value(p: float) -> str:
    """A p-value, to two digits."""
    return "<0.0001" if p < 0.0001 else f"{p:.2g}"


def count(n: int, noun: str) -> str:
    """`1 seed`, `30 seeds`."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"
