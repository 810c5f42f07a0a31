"""The networks of a variant at chosen epochs: their weights, and what flows through them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from hsig.experiments.experiment import Checkpoint, Experiment, Variant
from hsig.experiments.workers import run_with_workers
from hsig.networks.arrays import Array, IntArray
from hsig.networks.network import Weights, seeds_first, select_seeds


@dataclass(frozen=True, eq=False)
class Moment:
    """Where the seeds of a variant stand at one epoch; arrays have seeds first.

    Attributes:
        epoch: Epochs trained so far.
        weights: At this epoch.
        pre_activations: Of each hidden layer, (seeds, samples, units).
        predictions: Shape (seeds, samples, outputs).
        losses: Shape (seeds, samples); each sample's loss before its own update.
    """

    epoch: int
    weights: Weights
    pre_activations: tuple[Array, ...]
    predictions: Array
    losses: Array

    @classmethod
    def of(cls, checkpoint: Checkpoint) -> "Moment":
        """What a checkpoint has, and what the hidden layer sees."""
        return cls(
            epoch=checkpoint.epoch,
            weights=checkpoint.weights,
            pre_activations=tuple(map(seeds_first, checkpoint.activity.pre_activations[:-1])),
            predictions=checkpoint.predictions,
            losses=checkpoint.losses,
        )

    def of_seeds(self, places: IntArray) -> "Moment":
        """The same of some seeds, by their places."""
        return Moment(
            epoch=self.epoch,
            weights=select_seeds(self.weights, places),
            pre_activations=select_seeds(self.pre_activations, places),
            predictions=self.predictions[places],
            losses=self.losses[places],
        )


def moments(experiment: Experiment, variant: Variant, epochs: Iterable[int]) -> tuple[Moment, ...]:
    """Train a variant, and look at some epochs up to its budget, in rising order.

    The weights are bit for bit those of any other training of the same seeds. Nothing of a variant
    that cannot be trained.
    """
    wanted = {min(epoch, experiment.epochs) for epoch in epochs}
    looking = replace(
        experiment,
        variants=(variant,),
        report_every=experiment.epochs,
        at_epochs=tuple(sorted(wanted - {0})),
    )
    seen = {
        event.epoch: Moment.of(event)
        for event in run_with_workers(looking)
        if isinstance(event, Checkpoint) and event.epoch in wanted
    }
    return tuple(seen[epoch] for epoch in sorted(seen))
