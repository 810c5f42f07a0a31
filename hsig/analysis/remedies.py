"""What keeps a network from learning a task, and what may help: a ladder of changes, each tried."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from hsig.activations import ACTIVATIONS, Activation
from hsig.analysis.parts import Part
from hsig.analysis.statistics import CLAIM_SEEDS
from hsig.analysis.summary import VariantSummary
from hsig.experiments.experiment import Experiment, Variant
from hsig.networks.losses import LOSSES, Loss
from hsig.networks.starts import Start
from hsig.networks.tasks import NO_SCALE

# --- obstacles -----------------------------------------------------------------------------------

# Initial weights and learning rates are made for inputs of about 1. At 10 the logistic sigmoid's
# slope is below 1e-4; inputs that differ by less than 0.1 in all take weights above 10 to be told
# apart by one.
MAX_INPUT, MIN_SPREAD = 10.0, 0.1


class UnreachableTargets(NamedTuple):
    """Targets that the output of a variant cannot be near enough to."""

    output: Activation  # its activation
    samples: tuple[int, ...]  # places of the samples
    of: int  # how many samples there are
    targets: tuple[float, float]  # the smallest and the largest target of all samples
    within: float  # how near a prediction must be to be right


def find_unreachable_targets(experiment: Experiment, variant: Variant) -> UnreachableTargets | None:
    """Find what the output of a variant cannot reach; None if it can be right on every sample."""
    output, targets = variant.output_activation, experiment.task.targets
    far = output.out_of_reach(targets, experiment.solved_within).any(axis=1)
    if not far.any():
        return None
    return UnreachableTargets(
        output=output,
        samples=tuple(np.flatnonzero(far).tolist()),
        of=len(targets),
        targets=(float(targets.min()), float(targets.max())),
        within=experiment.solved_within,
    )


def suitable_output(loss: Loss) -> Activation:
    """An output that reaches every target that goes with a loss."""
    return ACTIVATIONS["sigmoid" if loss.needs_probabilities else "identity"]


class InputRange(NamedTuple):
    """The smallest and the largest value of an input."""

    name: str
    low: float
    high: float


def find_unscaled_inputs(experiment: Experiment) -> tuple[InputRange, ...]:
    """The inputs that exceed `MAX_INPUT` or vary less than `MIN_SPREAD`; none if they are scaled.

    One that is the same for every sample says nothing on any scale: it counts only if it is large.

    Source:
        LeCun, Bottou, Orr & Müller 1998, Efficient BackProp, section 4.3, for why scales matter;
        the two bounds are hsig's own.
    """
    if experiment.scale != NO_SCALE:
        return ()
    task = experiment.task
    lows, highs = task.inputs.min(axis=0).tolist(), task.inputs.max(axis=0).tolist()
    names = task.columns or tuple(f"input {n + 1}" for n in range(len(lows)))
    return tuple(
        InputRange(name, low, high)
        for name, low, high in zip(names, lows, highs, strict=False)  # columns have targets too
        if max(-low, high) > MAX_INPUT or 0.0 < high - low < MIN_SPREAD
    )


# --- the ladder ----------------------------------------------------------------------------------

LEAK = 0.05
SLOPES = (0.25, 0.5)
MORE_EPOCHS = 10
WIDE = (Start("uniform", (-2.0, 2.0)), Start("uniform", (-4.0, 4.0)))
GRADIENTS = ("own", "output", "logistic")
HIDDEN = ("tanh", "relu", "silu", "softplus")


@dataclass(frozen=True, eq=False)
class Remedy:
    """The same experiment from the same seeds, with one thing changed."""

    name: str  # what was changed, in words
    layers: str  # where: `hidden`, `output` or `both`; empty where it is no matter of layers
    # the changed experiment, of one variant labelled with the name and the layers
    experiment: Experiment


def propose_remedies(experiment: Experiment) -> tuple[Remedy, ...]:
    """What makes sense for an experiment of one variant, from the smallest change to the largest.

    What has no gradient is given one, and nothing else is tried. Where the output cannot reach some
    target, nothing helps but another output: that, and what changes a number of the training or
    the gradient beside it.
    """
    (variant,) = experiment.variants
    if find_unreachable_targets(experiment, variant) is not None:
        return tuple(_change_output(experiment, variant))
    if variant.untrainable_activation is not None:
        return tuple(_change_gradient(experiment, *GRADIENTS))
    epochs = MORE_EPOCHS * experiment.epochs
    return tuple(
        chain(
            _change_training(experiment),
            _change_gradient(experiment, "logistic"),  # which helps where there is a gradient too
            _change_activations(experiment),
            [_remedy(f"{MORE_EPOCHS} times the epochs", experiment, epochs=epochs)],
        )
    )


def _remedy(name: str, experiment: Experiment, layers: str = "", **settings: Any) -> Remedy:
    """An experiment with other settings; its variant is labelled with what was changed."""
    changed = replace(experiment, expect={}, **settings)
    variant = replace(changed.variants[0], label=f"{name} {layers}".strip())
    return Remedy(name, layers, replace(changed, variants=(variant,)))


def _change_output(experiment: Experiment, variant: Variant) -> Iterator[Remedy]:
    """An output that reaches every target, alone and beside other changes."""
    output = suitable_output(experiment.loss)
    other = replace(variant, output_activation=output)
    changed = replace(experiment, variants=(other,))
    if other.untrainable_activation is None:
        yield _remedy(output.name, changed, "output")
        beside = _change_training(changed)
    else:
        beside = _change_gradient(changed, *GRADIENTS)
    for remedy in beside:
        yield _remedy(f"{output.name} output, {remedy.name}", remedy.experiment, remedy.layers)


def _change_training(experiment: Experiment) -> Iterator[Remedy]:
    """Other numbers of the training."""
    if find_unscaled_inputs(experiment):
        yield _remedy("inputs scaled (standard)", experiment, scale="standard")
    loss = experiment.loss
    if loss.needs_probabilities and not loss.zero_slope_teaches_nothing:
        # the loss that saturated samples do not stop
        yield _remedy("loss bce", experiment, loss=LOSSES["bce"])
    for factor in (10.0, 1.0 / 10.0):
        rate = experiment.learning_rate * factor
        yield _remedy(f"learning rate {rate:.6g}", experiment, learning_rate=rate)
    update = "batch" if experiment.update == "online" else "online"
    yield _remedy(f"{update} updates", experiment, update=update)
    for start in WIDE:
        if experiment.initial_weights is None and experiment.init != start:
            yield _remedy(f"initial weights from {start.summary}", experiment, init=start)


def _change_gradient(experiment: Experiment, *gradients: str) -> Iterator[Remedy]:
    """Other slopes to train with, where an activation's own may be 0 or is missing."""
    for backward in gradients:
        change = partial(_set_backward, backward)
        yield from _change_layers(f"{backward} gradient", experiment, change)[-1:]


def _change_activations(experiment: Experiment) -> Iterator[Remedy]:
    """Other activations, from the most alike to the least."""
    yield from _change_layers(f"leak {LEAK:g}", experiment, _add_leak)
    for slope in SLOPES:
        change = partial(_set_slope, slope)
        yield from _change_layers(f"slope {slope:g}", experiment, change)[-1:]
    for name in HIDDEN:
        changes = _change_layers(name, experiment, partial(_replace_by, name))
        yield from (remedy for remedy in changes if remedy.layers == "hidden")
    changes = _change_layers("sigmoid", experiment, _replace_by_logistic)
    yield from (remedy for remedy in changes if remedy.layers == "output")


def _change_layers(
    name: str, experiment: Experiment, change: Callable[[Activation], Activation | None]
) -> list[Remedy]:
    """Change activations in the hidden layers, in the output, and in both, where it makes sense.

    `change` gives None where it makes none. The last remedy is of all layers in which it does.
    """
    (variant,) = experiment.variants
    fields: dict[str, dict[str, Any]] = {}
    hidden = [change(activation) for activation in variant.hidden_activations]
    if any(hidden):
        both = zip(hidden, variant.hidden_activations, strict=True)
        fields["hidden"] = {"hidden_activations": tuple(new or old for new, old in both)}
    output = change(variant.output_activation)
    if output and _is_suitable(output, experiment):
        fields["output"] = {"output_activation": output}
    if len(fields) == 2:
        fields["both"] = fields["hidden"] | fields["output"]
    return [
        _remedy(name, experiment, layers, variants=(replace(variant, **changed),))
        for layers, changed in fields.items()
    ]


def _is_suitable(output: Activation, experiment: Experiment) -> bool:
    """Whether an output goes with the loss and reaches every target."""
    if experiment.loss.needs_probabilities and not output.maps_into_unit_interval:
        return False
    return not output.out_of_reach(experiment.task.targets, experiment.solved_within).any()


def _set_backward(backward: str, activation: Activation) -> Activation | None:
    bent = activation.linear_pieces and not activation.is_linear
    if not bent or activation.backward == backward:
        return None
    return activation.with_settings({}, backward)


def _add_leak(activation: Activation) -> Activation | None:
    if activation.parameters.get("leak") != 0.0 or activation.is_linear:
        return None
    return activation.with_settings({"leak": LEAK}, None)


def _set_slope(slope: float, activation: Activation) -> Activation | None:
    sigmoidal = activation.maps_into_unit_interval and "slope" in activation.parameters
    if not sigmoidal or activation.parameters["slope"] == slope:
        return None
    return activation.with_settings({"slope": slope}, None)


def _replace_by(name: str, activation: Activation) -> Activation | None:
    return None if activation.name == name else ACTIVATIONS[name]


def _replace_by_logistic(activation: Activation) -> Activation | None:
    return None if activation.is_logistic else ACTIVATIONS["sigmoid"]


# --- what became of them -------------------------------------------------------------------------


@dataclass(frozen=True)
class Trial:
    """A remedy that was tried."""

    part: Part  # the remedy, and what became of it
    numbers: VariantSummary  # the numbers of that
    # whether more than half of the seeds are solved, and the interval lies wholly above the one
    # without the remedy, with enough seeds for a claim
    works: bool


def judge_remedy(part: Part, before: VariantSummary, after: VariantSummary) -> Trial:
    """Decide whether a remedy works, from the numbers without and with it."""
    solved, floor = after.solved, 0.0 if before.failure else before.solved.high
    works = solved.n >= CLAIM_SEEDS and 2 * solved.k > solved.n and solved.low > floor
    return Trial(part, after, works=works)


def smallest_remedy(trials: Sequence[Trial]) -> Trial | None:
    """Of those that work the first, which is the smallest change."""
    return next((trial for trial in trials if trial.works), None)


def best_remedy(trials: Sequence[Trial]) -> Trial | None:
    """Of those that work the one with the most seeds solved, then the first."""
    working = [trial for trial in trials if trial.works]
    return max(working, key=lambda trial: trial.numbers.solved.rate, default=None)
