"""Why each seed ended as it did."""

import numpy as np

from hsig.engines import NOT_REACHED
from hsig.experiments.experiment import Training
from hsig.networks.arrays import Array, BoolArray

VERDICTS = (DIVERGED, SOLVED, DEAD, AFFINE, PLATEAU, SLOW) = (
    "diverged",
    "solved",
    "dead",
    "affine",
    "plateau",
    "slow",
)
FALL = 0.01  # of the mean cost over the last tenth of the budget; less is a plateau


def verdicts(training: Training) -> tuple[str, ...]:
    """One word per seed, the first of these that holds at the last checkpoint.

    - `diverged`: a weight stopped being finite.
    - `solved`: every prediction is right.
    - `dead`: at least one row is wrong, and the gradient of the loss in all weights is exactly 0
      on each wrong row.
    - `affine`: each hidden unit stays on one linear piece of its activation for all rows, be it a
      saturated one, and so the network is an affine function of its inputs, then the output's
      activation. It is checked: the affine map read off the weights gives the same numbers.
    - `plateau`: the mean cost fell by less than 1 % over the last tenth of the budget. A cost that
      is not finite did not fall.
    - `slow`: everything else; also where the last tenth of the budget was not reached.
    """
    evidence = training.evidence
    facts = (
        training.diverged_at != NOT_REACHED,
        training.solved,
        evidence.dead[:, -1],
        evidence.affine[:, -1],
        _flat(training.cost_before, training.cost_mean[:, -1]),
        np.ones(len(training.solved), dtype=bool),
    )
    return tuple(VERDICTS[first] for first in np.argmax(facts, axis=0))


def _flat(before: Array, after: Array) -> BoolArray:
    """Whether a cost did not fall by `FALL`."""
    with np.errstate(invalid="ignore"):
        fell: BoolArray = (after <= (1.0 - FALL) * before) & np.isfinite(after)
    return ~fell
