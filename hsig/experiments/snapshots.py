"""Networks on the way: at chosen epochs, and one step after the other."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from hsig.arrays import Array
from hsig.engines.choice import available_cores
from hsig.errors import ConfigError, RunError
from hsig.experiments.experiment import (
    Checkpoint,
    Experiment,
    Failure,
    Training,
    Variant,
    as_cell,
    select_cost,
)
from hsig.experiments.parallel import run_with_workers
from hsig.experiments.training import gather, run

_MAX_STEPS = 20_000  # of a budget; a step of the default one is an epoch
_MAX_COSTS = 400  # epochs whose costs are kept; a curve has fewer dots


def take_snapshots(
    experiment: Experiment, variant: Variant, epochs: Iterable[int]
) -> tuple[Checkpoint, ...]:
    """Train a variant again, and look at some epochs up to its budget, in rising order.

    The weights are bit for bit those of any other training of the same seeds. A variant that cannot
    be trained has no snapshots.
    """
    wanted = {min(epoch, experiment.epochs) for epoch in epochs}
    with_checkpoints = replace(
        experiment,
        variants=(variant,),
        report_every=experiment.epochs,
        at_epochs=tuple(sorted(wanted - {0})),
    )
    snapshots = {
        event.epoch: event
        for event in run_with_workers(with_checkpoints)
        if isinstance(event, Checkpoint) and event.epoch in wanted
    }
    return tuple(snapshots[epoch] for epoch in sorted(snapshots))


class SeedView(NamedTuple):
    """One seed at the epoch that a stepper has come to."""

    training: Training  # of this seed alone, stopped there; the verdict is known at the budget
    checkpoint: Checkpoint  # likewise
    epochs: Sequence[int]  # those of its costs, rising
    costs: Sequence[float]  # that tables show


class Stepper:
    """Trains the only variant of an experiment as far as it is asked to, all seeds together.

    The numbers are bit for bit those of any other training. Of the past it keeps the costs, at a
    few hundred epochs.
    """

    def __init__(self, experiment: Experiment) -> None:
        """Come to the start.

        Raises:
            ConfigError: If the variant has no gradient to train with.
        """
        self._step = max(1, experiment.epochs // _MAX_STEPS)
        self._experiment = replace(as_cell(experiment), report_every=self._step)
        self._cost_every = max(self._step, -(-experiment.epochs // _MAX_COSTS))
        self._restart()

    @property
    def epoch(self) -> int:
        """What it has come to."""
        return self._checkpoint.epoch

    def advance_to(self, epoch: float) -> Iterator[int]:
        """Train up to an epoch, but not beyond it, and yield that of each step.

        For an epoch before this one, start again.

        Raises:
            RunError: If the training fails.
        """
        if epoch < self.epoch:
            self._restart()
        while self.has_step_to(epoch):
            self._advance()
            yield self.epoch

    def has_step_to(self, epoch: float) -> bool:
        """Whether there is a step to take on the way to an epoch."""
        budget = self._experiment.epochs
        return self.epoch < budget and min(self.epoch + self._step, budget) <= epoch

    def view_seed(self, place: int) -> SeedView:
        """What is known of a seed, by its place among the seeds."""
        checkpoint = self._checkpoint.select(np.array([place]))
        alone = replace(as_cell(self._experiment), seeds=(self._experiment.seeds[place],))
        (training,) = gather(alone, [checkpoint]).results
        past = [(epoch, costs) for epoch, costs in self._costs if epoch < self.epoch]
        now = select_cost(self._experiment, self._checkpoint)
        epochs, costs = zip(*past, (self.epoch, now), strict=True)
        return SeedView(
            training,
            checkpoint,
            epochs,
            [of_seeds[place].item() for of_seeds in costs],
        )

    def _restart(self) -> None:
        threads = self._experiment.workers or available_cores()
        self._events = run(self._experiment, threads=threads, twins=0)
        self._costs: list[tuple[int, Array]] = []
        self._advance()

    def _advance(self) -> None:
        event = next(self._events)
        if isinstance(event, Failure):
            kind = ConfigError if event.variant.untrainable_activation else RunError
            raise kind(f"{event.variant.label}: not trained: {event.reason}")
        self._checkpoint = event
        if not self._costs or self.epoch >= self._costs[-1][0] + self._cost_every:
            self._costs.append((self.epoch, select_cost(self._experiment, self._checkpoint)))
