"""What keeps networks from learning a task, whatever the seed: its targets, its inputs' scales."""

from typing import NamedTuple

from hsig.experiments.experiment import Experiment, Variant
from hsig.networks.activations import ACTIVATIONS, Activation
from hsig.networks.losses import Loss
from hsig.networks.tasks import NO_SCALE, Task

# Initial weights and learning rates are made for inputs of about 1. At 10 the logistic sigmoid's
# slope is below 1e-4; inputs that differ by less than 0.1 in all take weights above 10 to be told
# apart by one.
LARGEST, SPREAD = 10.0, 0.1


class OutOfReach(NamedTuple):
    """Targets that the output of a variant cannot be near enough to.

    Attributes:
        output: Its activation.
        samples: Places of the samples.
        of: How many samples there are.
        targets: The smallest and the largest target of all samples.
        within: How near a prediction must be to be right.
    """

    output: Activation
    samples: tuple[int, ...]
    of: int
    targets: tuple[float, float]
    within: float


def out_of_reach(experiment: Experiment, variant: Variant) -> OutOfReach | None:
    """What the output of a variant cannot reach; None if it can be right on every sample."""
    output, targets = variant.output_activation, experiment.task.targets
    far = output.out_of_reach(targets, experiment.solved_within)
    if not far.any():
        return None
    return OutOfReach(
        output=output,
        samples=tuple(far.nonzero()[0].tolist()),
        of=len(targets),
        targets=(float(targets.min()), float(targets.max())),
        within=experiment.solved_within,
    )


def reaching_output(loss: Loss) -> Activation:
    """An output that reaches every target that goes with a loss."""
    return ACTIVATIONS["sigmoid" if loss.needs_probabilities else "identity"]


class OffScale(NamedTuple):
    """An input whose values are far from the scale that initial weights are made for.

    Attributes:
        name: Its own, or which it is.
        low: Its smallest value.
        high: Its largest value.
    """

    name: str
    low: float
    high: float


def off_scale(experiment: Experiment) -> tuple[OffScale, ...]:
    """The inputs that are larger than `LARGEST` or within `SPREAD`; none if they are scaled.

    One that is the same for every sample says nothing on any scale, and is not meant if it is
    not large.

    Source:
        LeCun, Bottou, Orr & Müller 1998, Efficient BackProp, section 4.3, for why scales matter;
        the two bounds are hsig's own.
    """
    if experiment.scale != NO_SCALE:
        return ()
    task = experiment.task
    found = []
    lows, highs = task.inputs.min(axis=0).tolist(), task.inputs.max(axis=0).tolist()
    for name, low, high in zip(input_names(task), lows, highs, strict=True):
        if max(-low, high) > LARGEST or 0.0 < high - low < SPREAD:
            found.append(OffScale(name, low, high))
    return tuple(found)


def input_names(task: Task) -> tuple[str, ...]:
    """What each input is called: as its file has it, or `input 1` and so on."""
    return task.columns[:-1] or tuple(f"input {n + 1}" for n in range(task.inputs.shape[1]))
