"""What keeps a network from learning a task, and what may help: a ladder of changes, each tried."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from hsig.activations import ACTIVATIONS, Activation
from hsig.analysis.parts import Part
from hsig.analysis.statistics import CLAIM_SEEDS
from hsig.analysis.summary import VariantSummary
from hsig.experiments.experiment import Experiment, Result, Variant
from hsig.networks.losses import LOSSES, Loss
from hsig.networks.starts import Start
from hsig.networks.tasks import NO_SCALE, Task

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
    inputs = experiment.task.inputs
    columns = zip(
        input_names(experiment.task),
        inputs.min(axis=0).tolist(),
        inputs.max(axis=0).tolist(),
        strict=True,
    )
    return tuple(
        InputRange(name, low, high)
        for name, low, high in columns
        if max(-low, high) > MAX_INPUT or 0.0 < high - low < MIN_SPREAD
    )


def input_names(task: Task) -> tuple[str, ...]:
    """What each input is called: as its file has it, or `input 1` and so on."""
    number = task.inputs.shape[1]
    return task.columns[:number] or tuple(f"input {n + 1}" for n in range(number))


# --- the ladder ----------------------------------------------------------------------------------

LEAK = 0.05
SLOPES = (0.25, 0.5)
MORE_EPOCHS = 10
WIDE = (Start("uniform", (-2.0, 2.0)), Start("uniform", (-4.0, 4.0)))
HIDDEN = ("tanh", "relu", "silu", "softplus")


@dataclass(frozen=True, eq=False)
class Remedy:
    """The same experiment from the same seeds, with one thing changed."""

    name: str  # what was changed, in words
    layers: str  # where: `hidden`, `output` or `both`; empty where it is no matter of layers
    # the changed experiment, of one variant labelled with the name and the layers
    experiment: Experiment


@dataclass(frozen=True)
class SettingChange:
    """A row of the ladder that changes settings of the experiment."""

    name: str  # what is changed, with the new settings in braces
    # the new ones, by the field of `Experiment`; none where it makes no sense
    settings: Callable[[Experiment], Mapping[str, Any]]

    def propose(self, experiment: Experiment) -> Iterator[Remedy]:
        """The remedy, if it makes sense."""
        settings = self.settings(experiment)
        if settings:
            changed = replace(experiment, **settings)
            yield _remedy(self.name.format_map(settings), "", changed)


SEPARATELY = ("hidden", "output", "both")
TOGETHER = ("both",)  # wherever it makes sense at once; named after one kind if that is all


@dataclass(frozen=True)
class ActivationChange:
    """A row of the ladder that changes activations."""

    name: str  # what is changed
    # the changed activation, or None where it makes no sense
    change: Callable[[Activation], Activation | None]
    # where it is tried: `SEPARATELY`, `TOGETHER`, or in one kind of layer alone
    layers: Sequence[str] = SEPARATELY

    def propose(self, experiment: Experiment) -> Iterator[Remedy]:
        """The remedies that make sense: in the hidden layers, in the output, or in both."""
        (variant,) = experiment.variants
        found = self._changes(experiment, variant)
        layers = self.layers
        if layers == TOGETHER and len(found) == 1:
            layers = tuple(found)
        found["both"] = found.get("hidden", {}) | found.get("output", {})
        for place in layers:
            if place in found and (place != "both" or len(found[place]) == 2):
                changed = replace(variant, **found[place])
                yield _remedy(self.name, place, replace(experiment, variants=(changed,)))

    def _changes(self, experiment: Experiment, variant: Variant) -> dict[str, dict[str, Any]]:
        """The new fields of a variant, by the kind of layer in which a change makes sense."""
        found: dict[str, dict[str, Any]] = {}
        hidden = [self.change(activation) for activation in variant.hidden_activations]
        if any(hidden):
            both = zip(hidden, variant.hidden_activations, strict=True)
            found["hidden"] = {"hidden_activations": tuple(new or old for new, old in both)}
        output = self.change(variant.output_activation)
        if output and _is_suitable(output, experiment):
            found["output"] = {"output_activation": output}
        return found


def _is_suitable(output: Activation, experiment: Experiment) -> bool:
    """Whether an output goes with the loss and reaches every target."""
    if experiment.loss.needs_probabilities and not output.maps_into_unit_interval:
        return False
    return not output.out_of_reach(experiment.task.targets, experiment.solved_within).any()


def _remedy(name: str, layers: str, experiment: Experiment) -> Remedy:
    variant = replace(experiment.variants[0], label=f"{name} {layers}".strip())
    return Remedy(name, layers, replace(experiment, variants=(variant,), expect={}))


def _change_backward(backward: str, activation: Activation) -> Activation | None:
    """Another slope to train with, where its own may be 0 or is missing."""
    bent = activation.linear_pieces and not activation.is_linear
    if not bent or activation.backward == backward:
        return None
    return activation.with_settings({}, backward)


def _change_leak(activation: Activation) -> Activation | None:
    """A small slope where there was none."""
    if activation.parameters.get("leak") != 0.0 or activation.is_linear:
        return None
    return activation.with_settings({"leak": LEAK}, None)


def _change_slope(slope: float, activation: Activation) -> Activation | None:
    """A sigmoid with a line of another slope."""
    sigmoidal = activation.maps_into_unit_interval and "slope" in activation.parameters
    if not sigmoidal or activation.parameters["slope"] == slope:
        return None
    return activation.with_settings({"slope": slope}, None)


def _replace_by(name: str, activation: Activation) -> Activation | None:
    return None if activation.name == name else ACTIVATIONS[name]


def _replace_by_logistic(activation: Activation) -> Activation | None:
    return None if activation.is_logistic else ACTIVATIONS["sigmoid"]


def _change_start(start: Start, experiment: Experiment) -> Mapping[str, Any]:
    fixed = experiment.initial_weights is not None
    return {} if fixed or experiment.init == start else {"init": start}


def _change_loss(experiment: Experiment) -> Mapping[str, Any]:
    """The loss that saturated samples do not stop, where that of a probability is another."""
    loss = experiment.loss
    fitting = loss.needs_probabilities and not loss.zero_slope_teaches_nothing
    return {"loss": LOSSES["bce"]} if fitting else {}


Change = SettingChange | ActivationChange

# from the smallest change to the largest
TRAINING: tuple[Change, ...] = (
    SettingChange(
        "inputs scaled ({scale})",
        lambda e: {"scale": "standard"} if find_unscaled_inputs(e) else {},
    ),
    SettingChange("loss {loss.name}", _change_loss),
    SettingChange(
        "learning rate {learning_rate:.6g}", lambda e: {"learning_rate": e.learning_rate * 10.0}
    ),
    SettingChange(
        "learning rate {learning_rate:.6g}",
        lambda e: {"learning_rate": e.learning_rate * (1.0 / 10.0)},
    ),
    SettingChange(
        "{update} updates", lambda e: {"update": "batch" if e.update == "online" else "online"}
    ),
    *(
        SettingChange("initial weights from {init.summary}", partial(_change_start, start))
        for start in WIDE
    ),
)
GRADIENT: tuple[Change, ...] = tuple(
    ActivationChange(f"{backward} gradient", partial(_change_backward, backward), TOGETHER)
    for backward in ("own", "output", "logistic")
)
LOGISTIC_GRADIENT = GRADIENT[-1]  # the one that helps where there is a gradient
ACTIVATION: tuple[Change, ...] = (
    ActivationChange(f"leak {LEAK:g}", _change_leak),
    *(
        ActivationChange(f"slope {slope:g}", partial(_change_slope, slope), TOGETHER)
        for slope in SLOPES
    ),
    *(ActivationChange(name, partial(_replace_by, name), ("hidden",)) for name in HIDDEN),
    ActivationChange("sigmoid", _replace_by_logistic, ("output",)),
)
BUDGET: tuple[Change, ...] = (
    SettingChange(f"{MORE_EPOCHS} times the epochs", lambda e: {"epochs": MORE_EPOCHS * e.epochs}),
)


def propose_remedies(experiment: Experiment) -> tuple[Remedy, ...]:
    """What makes sense for an experiment of one variant, from the smallest change to the largest.

    What has no gradient is given one, and nothing else is tried. Where the output cannot reach some
    target, nothing helps but another output: that, and what changes a number of the training or
    the gradient beside it.
    """
    (variant,) = experiment.variants
    if find_unreachable_targets(experiment, variant) is not None:
        return tuple(_propose_outputs(experiment, variant))
    if variant.untrainable_activation is not None:
        return _climb(GRADIENT, experiment)
    return _climb((*TRAINING, LOGISTIC_GRADIENT, *ACTIVATION, *BUDGET), experiment)


def _climb(ladder: Iterable[Change], experiment: Experiment) -> tuple[Remedy, ...]:
    return tuple(remedy for change in ladder for remedy in change.propose(experiment))


def _propose_outputs(experiment: Experiment, variant: Variant) -> Iterator[Remedy]:
    """An output that reaches every target, alone and beside other changes."""
    output = suitable_output(experiment.loss)
    other = replace(variant, output_activation=output)
    changed = replace(experiment, variants=(other,))
    if other.untrainable_activation is None:
        yield _remedy(output.name, "output", changed)
    for remedy in _climb(GRADIENT if other.untrainable_activation else TRAINING, changed):
        yield _remedy(f"{output.name} output, {remedy.name}", remedy.layers, remedy.experiment)


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


def has_failed(result: Result) -> bool:
    """Whether there is anything to explain."""
    return bool(result.failure) or not result.solved.all()
