"""The piecewise-linear family: hard sigmoids, hard_tanh, relu and their leaky relatives."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hsig.networks.activations.record import Activation, LinearPiece, Range
from hsig.networks.arrays import Array


@dataclass(frozen=True, kw_only=True)
class PiecewiseLinear(Activation):
    """The line slope * x + shift between `low` and `high`; outside, `leak` times as steep.

    With leak 0 it is clip(slope * x + shift, low, high).

    Attributes:
        slope: Slope of the middle line, above 0.
        shift: Value of the middle line at x = 0.
        low: Lower end of the middle line, below `high`; may be -inf.
        high: Upper end of the middle line; may be inf.
        leak: Slope outside as a fraction of `slope`, from 0 to 1.
        kink: The derivative at a kink: `slope` if "closed", `leak * slope` if "open".
    """

    slope: float
    shift: float = 0.0
    low: float = 0.0
    high: float = 1.0
    leak: float = 0.0
    kink: str

    def value(self, x: Array) -> Array:
        """The line, clipped or bent at its ends."""
        line = self.slope * x + self.shift
        if self.leak == 0.0:
            return np.minimum(np.maximum(line, self.low), self.high)
        with np.errstate(invalid="ignore"):  # inf - inf, in a branch that is not taken
            below = self.low + self.leak * (line - self.low)
            above = self.high + self.leak * (line - self.high)
        return np.where(line < self.low, below, np.where(line > self.high, above, line))

    def derivative(self, x: Array) -> Array:
        """`slope` inside, `leak * slope` outside.

        The kinks are found on x itself, not on the rounded value of the line.
        """
        inside = self.middle.contains(x)
        return np.where(np.isnan(x), x, np.where(inside, self.slope, self.leak * self.slope))

    @property
    def range(self) -> Range:
        """Values lie between `low` and `high`, or anywhere when it leaks."""
        return (self.low, self.high) if self.leak == 0.0 else (-np.inf, np.inf)

    @property
    def formula(self) -> str:
        """How one would write it: `clip(0.2*x + 0.5, 0, 1)`."""
        line = "x" if self.slope == 1.0 else f"{self.slope:.6g}*x"
        if self.shift:
            line += f" {'-' if self.shift < 0.0 else '+'} {abs(self.shift):.6g}"
        if self.low == -np.inf and self.high == np.inf:
            return line
        if self.high == np.inf and self.low > -np.inf:
            clipped = f"max({line}, {self.low:.6g})"
        else:
            clipped = f"clip({line}, {self.low:.6g}, {self.high:.6g})"
        return f"{clipped}, outside {self.leak:.6g} times as steep" if self.leak else clipped

    @cached_property
    def middle(self) -> LinearPiece:
        """The line between `low` and `high`, on the pre-activations where it is in force."""
        start, stop = (self.low - self.shift) / self.slope, (self.high - self.shift) / self.slope
        closed = self.kink == "closed"
        return LinearPiece(
            start,
            stop,
            self.slope,
            self.shift,
            start_closed=closed or start == -np.inf,
            stop_closed=closed or stop == np.inf,
        )

    @property
    def linear_pieces(self) -> tuple[LinearPiece, ...]:
        """The middle line and, where the ends are finite, the two outer ones."""
        middle, outside = self.middle, self.leak * self.slope
        pieces = [middle]
        if middle.start > -np.inf:
            left = self.low + self.leak * (self.shift - self.low)
            ends = (True, not middle.start_closed)
            pieces.insert(0, LinearPiece(-np.inf, middle.start, outside, left, *ends))
        if middle.stop < np.inf:
            right = self.high + self.leak * (self.shift - self.high)
            ends = (not middle.stop_closed, True)
            pieces.append(LinearPiece(middle.stop, np.inf, outside, right, *ends))
        return tuple(pieces)
