"""Networks on the way: at some moments, and epoch by epoch."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

from hsig.arrays import Array, IntArray
from hsig.errors import ConfigError, RunError
from hsig.experiments.experiment import Checkpoint, Experiment, Failure, Training, Variant, as_cell
from hsig.experiments.outlook import Outlook
from hsig.experiments.parallel import available_cores, run_with_workers
from hsig.experiments.training import gather, mean_over_samples, run
from hsig.networks.network import Weights, seeds_first, select_seeds

# --- snapshots -----------------------------------------------------------------------------------

# The networks of a variant at chosen epochs: their weights, and what flows through them.


@dataclass(frozen=True, eq=False)
class Snapshot:
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
    def of(cls, checkpoint: Checkpoint) -> "Snapshot":
        """What a checkpoint has, and what the hidden layer sees."""
        return cls(
            epoch=checkpoint.epoch,
            weights=checkpoint.weights,
            pre_activations=tuple(map(seeds_first, checkpoint.activity.pre_activations[:-1])),
            predictions=checkpoint.predictions,
            losses=checkpoint.losses,
        )

    def select(self, places: IntArray) -> "Snapshot":
        """The same of some seeds, by their places."""
        return Snapshot(
            epoch=self.epoch,
            weights=select_seeds(self.weights, places),
            pre_activations=select_seeds(self.pre_activations, places),
            predictions=self.predictions[places],
            losses=self.losses[places],
        )


def take_snapshots(
    experiment: Experiment, variant: Variant, epochs: Iterable[int]
) -> tuple[Snapshot, ...]:
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
        event.epoch: Snapshot.of(event)
        for event in run_with_workers(looking)
        if isinstance(event, Checkpoint) and event.epoch in wanted
    }
    return tuple(seen[epoch] for epoch in sorted(seen))


# --- stepper -------------------------------------------------------------------------------------

# The training of a variant that somebody looks at: as far as it is asked to go, no farther.

_MAX_STEPS = 20_000  # of a budget; a step of the default one is an epoch
_MAX_KEPT = 400  # epochs whose costs are kept; a curve has fewer dots
_MIN_KEPT = 16
_MAX_COSTS = 10_000_000  # costs that are kept, of all seeds


class SeedView(NamedTuple):
    """One seed at the epoch that its training has come to.

    Attributes:
        training: Of this seed alone, stopped there; the verdict is known at the budget.
        snapshot: Its weights, and what flows through them.
        epochs: Those at which its cost was looked at, in rising order.
        costs: The cost that tables show, at these.
    """

    training: Training
    snapshot: Snapshot
    epochs: Sequence[int]
    costs: Sequence[float]


class Stepper:
    """The only variant of an experiment, of which all seeds are trained together.

    The numbers are bit for bit those of any other training. What is kept of the past is the cost,
    at a few hundred epochs.
    """

    def __init__(self, experiment: Experiment) -> None:
        """Train the first step.

        Raises:
            ConfigError: If the variant has no gradient to train with.
        """
        seeds, epochs = len(experiment.seeds), experiment.epochs
        step = max(1, epochs // _MAX_STEPS)
        kept = max(_MIN_KEPT, min(_MAX_KEPT, _MAX_COSTS // seeds))
        self._experiment = replace(as_cell(experiment), report_every=step)
        self._kept_every = max(step, -(-epochs // kept))
        self._begin()

    @property
    def epoch(self) -> int:
        """What it has come to."""
        return self._here.epoch

    def advance_to(self, epoch: float) -> Iterator[int]:
        """Train up to an epoch, but not beyond it, and give that of each step.

        What is before now begins anew.

        Raises:
            RunError: If the training fails.
        """
        if epoch < self.epoch:
            self._begin()
        while self.has_step_to(epoch):
            self._move()
            yield self.epoch

    def has_step_to(self, epoch: float) -> bool:
        """Whether there is a step to take on the way to an epoch."""
        return self._next is not None and self._next.epoch <= epoch

    def view_seed(self, place: int) -> SeedView:
        """What there is of a seed, by its place among the seeds."""
        alone = _alone(self._here, place)
        seed = replace(as_cell(self._experiment), seeds=(self._experiment.seeds[place],))
        (training,) = gather(seed, [alone]).results
        past = [kept for kept in self._kept if kept[0] < self.epoch]
        costs = [costs[place].item() for _, costs in [*past, (self.epoch, self._costs())]]
        epochs = [*(epoch for epoch, _ in past), self.epoch]
        return SeedView(training, Snapshot.of(alone), epochs, costs)

    def _begin(self) -> None:
        threads = self._experiment.workers or available_cores()
        self._events = run(self._experiment, threads=threads, twins=0)
        self._kept: list[tuple[int, Array]] = []
        first = self._pull()
        assert first is not None, "there is a checkpoint before the first epoch"
        self._next: Checkpoint | None = first
        self._move()

    def _move(self) -> None:
        """Take the step that was trained already, and train the one after it."""
        assert self._next is not None, "there is a step to take"
        self._here = self._next
        if not self._kept or self.epoch >= self._kept[-1][0] + self._kept_every:
            self._kept.append((self.epoch, self._costs()))
        self._next = self._pull()

    def _pull(self) -> Checkpoint | None:
        event = next(self._events, None)
        if isinstance(event, Failure):
            kind = ConfigError if event.variant.untrainable_activation else RunError
            raise kind(f"{event.variant.label}: not trained: {event.reason}")
        return event

    def _costs(self) -> Array:
        """The cost that tables show, shape (seeds,)."""
        losses = self._here.losses
        return losses[:, -1] if self._experiment.cost == "last" else mean_over_samples(losses)


def _alone(checkpoint: Checkpoint, place: int) -> Checkpoint:
    """What a checkpoint has of one of its seeds."""
    seed = slice(place, place + 1)
    outlook = checkpoint.outlook
    if outlook is not None:
        outlook = Outlook(**{one.name: getattr(outlook, one.name)[seed] for one in fields(Outlook)})
    return replace(
        checkpoint,
        state=checkpoint.state.select(seed),
        losses=checkpoint.losses[seed],
        predictions=checkpoint.predictions[seed],
        solved_at=checkpoint.solved_at[seed],
        lost_at=checkpoint.lost_at[seed],
        diverged_by=checkpoint.diverged_by[seed],
        outlook=outlook,
        twin_distance=None,
    )
