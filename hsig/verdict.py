"""Why each seed ended as it did."""

from hsig.engines import NOT_REACHED
from hsig.experiment import Training

DIVERGED, SOLVED, UNSOLVED = "diverged", "solved", "unsolved"


def verdicts(training: Training) -> tuple[str, ...]:
    """One word per seed, the first of these that holds.

    - `diverged`: a weight stopped being finite.
    - `solved`: at the budget, every prediction is right.
    - `unsolved`: everything else.
    """
    return tuple(
        DIVERGED if diverged_at != NOT_REACHED else SOLVED if solved else UNSOLVED
        for solved, diverged_at in zip(training.solved, training.diverged_at, strict=True)
    )
