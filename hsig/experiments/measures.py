"""How good a seed is: whether it is solved, its loss, the rows that it is right on, its errors.

On the rows that it is trained on, and on those that are held out.
"""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from hsig.arrays import Array, BoolArray, IntArray, mean_in_order
from hsig.networks.losses import rows_right
from hsig.networks.tasks import Rows, Task

AUTO, SOLVED, LOSS, RIGHT = "auto", "solved", "loss", "right"
HELD_OUT = "held_out_"  # in front of the name of a measure on rows that are held out
MEASURES = (AUTO, SOLVED, LOSS, RIGHT)


@dataclass(frozen=True, eq=False)
class Measures:
    """Of each seed, shape (seeds,), or at each checkpoint, (seeds, checkpoints).

    Those of rows that are held out are nan where there are none.
    """

    loss: Array  # mean loss of the weights, as the networks see targets
    # the others are nan of weights that are not finite
    right: Array  # share of the rows
    rmse: Array  # root of the mean squared error, in the target's own unit, over rows and outputs
    held_out_loss: Array
    held_out_right: Array
    held_out_rmse: Array


class Measured(Protocol):
    """Seeds that were trained, as a `Result` has them; arrays have shape (seeds,)."""

    @property
    def solved(self) -> BoolArray:
        """Which are right on every row at the budget."""

    @property
    def diverged_at(self) -> IntArray:
        """Epoch during which a weight stopped being finite, or -1."""

    @property
    def final(self) -> Measures:
        """The measures at the budget."""


class Measure(NamedTuple):
    """What claims are made of, at the budget."""

    name: str  # `SOLVED`, `LOSS` or `RIGHT`
    held_out: bool = False  # on which rows: those held out, or those of training

    @property
    def field(self) -> str:
        """Which of `Measures` it is; that seeds are solved is none."""
        return HELD_OUT + self.name if self.held_out else self.name

    def scores(self, result: Measured) -> Array:
        """Of each seed, higher is better; -inf of one that diverged or has none."""
        if self.name == SOLVED:
            return result.solved.astype(np.float64)
        values: Array = getattr(result.final, self.field)
        scores = -values if self.name == LOSS else values
        return np.where(np.isnan(scores) | (result.diverged_at >= 0), -np.inf, scores)


def measure_rows(
    predictions: Array, losses: Array, rows: Rows, within: float | None, unit: float
) -> tuple[Array, Array, Array]:
    """Loss, share right and RMSE on some rows, (seeds,) each.

    Args:
        predictions: As the networks make them, (rows, outputs, seeds).
        losses: Of each row, (rows, seeds).
        rows: With targets as the networks see them.
        within: How near a prediction must be to be right, as `rows_right` has it.
        unit: Of the target, in its own.
    """
    targets = rows.targets[:, :, None]
    with np.errstate(all="ignore"):
        return (
            mean_in_order(losses),
            rows_right(predictions, targets, within).mean(axis=0),
            unit * np.sqrt(_mean_square(predictions - targets)),
        )


def _mean_square(errors: Array) -> Array:
    """Over rows and outputs, (rows, outputs, ...)."""
    with np.errstate(over="ignore"):  # an infinite mean is a result
        return mean_in_order(mean_in_order((errors**2).swapaxes(0, 1)))


def baseline_right(task: Task, held_out: bool) -> float:
    """The share of rows with the class that most rows of training have: what no inputs give."""
    classes, counts = np.unique(task.targets, axis=0, return_counts=True)
    rows = task.held_out.targets if held_out and task.held_out else task.targets
    return float((rows == classes[counts.argmax()]).all(axis=1).mean())


def baseline_rmse(task: Task, held_out: bool) -> float:
    """The RMSE of the mean of the targets of training, in their own unit: what no inputs give."""
    rows = task.held_out.targets if held_out and task.held_out else task.targets
    errors = rows - mean_in_order(task.targets)
    return task.unit * float(np.sqrt(_mean_square(errors)))


def r_squared(rmse: Array, task: Task, held_out: bool) -> Array:
    """R2 of an RMSE: the share of the targets' spread about their own mean that is explained."""
    rows = task.held_out.targets if held_out and task.held_out else task.targets
    spread = task.unit**2 * _mean_square(rows - mean_in_order(rows))
    with np.errstate(all="ignore"):
        return 1.0 - rmse**2 / spread
