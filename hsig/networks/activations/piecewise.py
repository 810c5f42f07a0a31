"""The piecewise-linear family: hard sigmoids, hard_tanh, relu and their leaky relatives.

They are one function with six parameters, which every function here takes in the same order.
"""

from functools import cache

import numpy as np

from hsig.networks.activations.record import LinearPiece, Range
from hsig.networks.arrays import Array


def piecewise_linear(
    x: Array, slope: float, shift: float, low: float, high: float, leak: float, kink: str
) -> Array:
    """The line slope * x + shift between `low` and `high`; outside, `leak` times as steep.

    With leak 0 it is clip(slope * x + shift, low, high). Hard sigmoids, hard_tanh, relu and
    their leaky relatives are members of this family.

    Args:
        x: Pre-activations, any shape.
        slope: Slope of the middle line, above 0.
        shift: Value of the middle line at x = 0.
        low: Lower end of the middle line, below `high`; may be -inf.
        high: Upper end of the middle line; may be inf.
        leak: Slope outside as a fraction of `slope`, from 0 to 1.
        kink: Matters to the derivative only.

    Returns:
        Same shape as `x`.
    """
    del kink
    line = slope * x + shift
    if leak == 0.0:
        return np.minimum(np.maximum(line, low), high)
    with np.errstate(invalid="ignore"):  # inf - inf, in a branch that is not taken
        below = low + leak * (line - low)
        above = high + leak * (line - high)
    return np.where(line < low, below, np.where(line > high, above, line))


def piecewise_linear_derivative(
    x: Array, slope: float, shift: float, low: float, high: float, leak: float, kink: str
) -> Array:
    """Slope of `piecewise_linear`: `slope` inside, `leak * slope` outside.

    At a kink it is `slope` when `kink` is "closed" and `leak * slope` when it is "open". The
    kinks are found on x itself, not on the rounded value of the line.
    """
    inside = middle_piece(slope, shift, low, high, leak, kink).contains(x)
    return np.where(np.isnan(x), x, np.where(inside, slope, leak * slope))


@cache
def middle_piece(
    slope: float, shift: float, low: float, high: float, leak: float, kink: str
) -> LinearPiece:
    """The line between `low` and `high`, on the pre-activations where it is in force."""
    del leak
    start, stop, closed = (low - shift) / slope, (high - shift) / slope, kink == "closed"
    return LinearPiece(
        start,
        stop,
        slope,
        shift,
        start_closed=closed or start == -np.inf,
        stop_closed=closed or stop == np.inf,
    )


def piecewise_linear_range(
    slope: float, shift: float, low: float, high: float, leak: float, kink: str
) -> Range:
    """Values lie between `low` and `high`, or anywhere when it leaks."""
    del slope, shift, kink
    return (low, high) if leak == 0.0 else (-np.inf, np.inf)


def piecewise_linear_pieces(
    slope: float, shift: float, low: float, high: float, leak: float, kink: str
) -> tuple[LinearPiece, ...]:
    """The middle line and, where the ends are finite, the two outer ones, from left to right."""
    middle = middle_piece(slope, shift, low, high, leak, kink)
    pieces = [middle]
    if middle.start > -np.inf:
        intercept = low + leak * (shift - low)
        left_of = not middle.start_closed
        pieces.insert(0, LinearPiece(-np.inf, middle.start, leak * slope, intercept, True, left_of))
    if middle.stop < np.inf:
        intercept = high + leak * (shift - high)
        right_of = not middle.stop_closed
        pieces.append(LinearPiece(middle.stop, np.inf, leak * slope, intercept, right_of, True))
    return tuple(pieces)


def piecewise_linear_formula(
    slope: float, shift: float, low: float, high: float, leak: float, kink: str
) -> str:
    """How one would write it: `clip(0.2*x + 0.5, 0, 1)`."""
    del kink
    line = ("x" if slope == 1.0 else f"{slope:.6g}*x") + (f" {shift:+.6g}" if shift else "")
    line = line.replace(" +", " + ").replace(" -", " - ")
    if high == np.inf and low > -np.inf:
        clipped = f"max({line}, {low:.6g})"
    else:
        clipped = f"clip({line}, {low:.6g}, {high:.6g})"
    return f"{clipped}, outside {leak:.6g} times as steep" if leak else clipped
