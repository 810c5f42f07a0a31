"""What keeps a network from learning a task, and what may help: ladders of changes to be tried."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import zip_longest
from math import ceil
from typing import Any, NamedTuple

import numpy as np

from hsig.activations import ACTIVATIONS, Activation
from hsig.activations.names import aliases_of
from hsig.analysis.definitions import FLAT, WRONG, find_oddities
from hsig.analysis.statistics import CLAIM_SEEDS
from hsig.arrays import BoolArray
from hsig.experiments.experiment import Experiment, Variant
from hsig.networks.losses import LOSSES, Loss
from hsig.networks.starts import QUESTION_START, Start
from hsig.networks.tasks import NO_SCALE

# --- obstacles -----------------------------------------------------------------------------------

# Initial weights and learning rates are made for inputs of about 1. At 10 the logistic sigmoid's
# slope is below 1e-4; inputs that differ by less than 0.1 in all take weights above 10 to be told
# apart by one.
MAX_INPUT, MIN_SPREAD = 10.0, 0.1
CROSS_ENTROPY = "cross_entropy"


def find_unreachable(experiment: Experiment, variant: Variant) -> tuple[int, ...]:
    """The places of the samples with a target that is proved to be beyond a variant's output."""
    far = _out_of_reach(variant.output_activation, experiment)
    return tuple(np.flatnonzero(far.any(axis=1)).tolist())


def _out_of_reach(output: Activation, experiment: Experiment) -> BoolArray:
    """Which targets are proved to be beyond an output, (samples, outputs)."""
    task = experiment.scaled_task
    return output.out_of_reach(task.targets, experiment.tolerance / task.unit)


def suitable_output(loss: Loss) -> Activation:
    """An output that reaches every target that goes with a loss."""
    if loss.name == CROSS_ENTROPY:
        return ACTIVATIONS["softmax"]
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


# --- ladders -------------------------------------------------------------------------------------

LEAK = 0.05
SLOPES = (0.25, 0.5)
EPOCHS = (10, 100)  # times as many
LONGER = f"{EPOCHS[0]} times the epochs"
RATES = ((1e1, 1e2, 1e3, 1e4), (0.1, 0.01))  # factors of a ladder up and of one down
MAX_RATE = 1.0  # beyond a hundred times as much
WIDTHS, MAX_UNITS = (1.5, 2.5), 100  # times as many: of 2 units 3, 5
FIRST_UNITS = ((3,), (8,))  # where there are no hidden ones
STARTS = (QUESTION_START, *(Start("uniform", (-size, size)) for size in (1.0, 2.0, 4.0)))
GRADIENTS = ("own", "output", "logistic")
HIDDEN = ("tanh", "relu", "silu", "softplus")


@dataclass(frozen=True, eq=False)
class Remedy:
    """The same experiment from the same seeds, with something changed."""

    changes: tuple[str, ...]  # in words
    # where the last is made: `hidden`, `output` or `both`; empty where it is no matter of layers
    layers: str
    before: Experiment  # of one variant
    settings: Mapping[str, Any]  # fields of the experiment with their new values

    @property
    def name(self) -> str:
        """All changes but for the layers."""
        return ", ".join(self.changes)

    @property
    def label(self) -> str:
        """The name and the layers."""
        return f"{self.name} {self.layers}".strip()

    @cached_property
    def experiment(self) -> Experiment:
        """The changed experiment, of one variant with this label."""
        changed = replace(self.before, expect={}, **self.settings)
        return replace(changed, variants=(replace(changed.variants[0], label=self.label),))

    @cached_property
    def can_work(self) -> bool:
        """Whether it has a gradient, and nothing proves that no weights are right."""
        (variant,) = self.experiment.variants
        obstacle = variant.untrainable_activation or self.experiment.find_obstacle(variant)
        return not obstacle

    @property
    def time(self) -> float:
        """What a seed takes, as a multiple of what it takes without."""
        return work_of_seed(self.experiment) / work_of_seed(self.before)

    def add(self, other: "Remedy") -> "Remedy":
        """Both at once."""
        *changes, last = self.changes
        both = dict.fromkeys((*changes, f"{last} {self.layers}".strip(), *other.changes))
        return Remedy(tuple(both), other.layers, self.before, {**self.settings, **other.settings})


Ladder = Sequence[Remedy]  # a rung is tried where none below it suffices
Change = Callable[[Activation], Activation | None]  # None where it makes none


def list_ladders(experiment: Experiment) -> list[Ladder]:
    """What makes sense for an experiment, in the order in which somebody would try it.

    Where the output cannot reach some target, nothing helps but another: all else is beside that.
    What has no gradient is given one, and nothing else is tried.
    """
    (variant,) = experiment.variants
    if find_unreachable(experiment, variant):
        other = suitable_output(experiment.loss)
        reaching = (replace(variant, output_activation=other),)
        first = Remedy((other.name,), "output", experiment, {"variants": reaching})
        beside = list_ladders(replace(experiment, variants=reaching))
        return [[first], *([first.add(rung) for rung in ladder] for ladder in beside)]
    change = partial(_change_layers, experiment)
    if variant.untrainable_activation is not None:
        return [change(f"{name} gradient", partial(_set_backward, name))[-1:] for name in GRADIENTS]
    return [
        change("its own derivative", _derive)[-1:],
        *(
            [Remedy((name,), "", experiment, settings) for name, settings in row.items()]
            for row in _list_settings(experiment)
        ),
        *([remedy] for remedy in change(f"leak {LEAK:g}", _add_leak)),
        *(change(name, partial(_replace_by, name), "hidden") for name in HIDDEN),
        change("sigmoid", partial(_replace_by, "sigmoid"), "output"),
        [
            r
            for slope in SLOPES
            for r in change(f"slope {slope:g}", partial(_set_slope, slope))[-1:]
        ],
        change("logistic gradient", partial(_set_backward, "logistic"))[-1:],
    ]


def _list_settings(experiment: Experiment) -> list[dict[str, dict[str, Any]]]:
    """Changes of numbers: for each ladder a row of names and settings."""
    loss, given = experiment.loss, experiment.initial_weights is not None
    # given weights are one start: for a rate, enough others are drawn
    drawn = {"initial_weights": None, "seeds": tuple(range(CLAIM_SEEDS))} if given else {}
    starts = STARTS[:2] if given else [start for start in STARTS if start != experiment.init]
    widths = [tuple(ceil(times * units) for units in experiment.hidden) for times in WIDTHS]
    if not experiment.hidden:
        widths = [*FIRST_UNITS]
    rows = len(experiment.task.targets)
    size = min(experiment.batch_size or rows, rows)
    updates = [(name, to) for name, to in (("online", 1), ("batch", None)) if (to or rows) != size]
    faster, slower = (_list_rates(experiment.learning_rate, factors) for factors in RATES)
    scaled = "inputs scaled (standard)"
    targets = experiment.scaled_task.targets
    is_large = np.abs(targets).max() > MAX_INPUT and experiment.scale == NO_SCALE
    scales: dict[str, dict[str, Any]] = {scaled: {}} | {
        f"{scaled}, {name}": rate for name, rate in slower.items()
    }
    # the loss that saturated samples do not stop
    is_capped = loss.name == "bce_naive"
    return [
        {"loss bce": {"loss": LOSSES["bce"]}} if is_capped else {},
        {name: {"scale": "standard", **rate} for name, rate in scales.items()}
        if is_large or find_unscaled_inputs(experiment)
        else {},
        faster,
        slower,
        {f"initial weights from {start.summary}": {"init": start, **drawn} for start in starts},
        {f"{name} updates": {"batch_size": to} for name, to in updates},
        {"biases in all layers": {"bias": "both"}}
        if experiment.bias != "both" and not given
        else {},
        {
            f"{'-'.join(map(str, hidden))} hidden units": {"hidden": hidden}
            for hidden in widths
            if max(hidden) <= MAX_UNITS and not given
        },
        {f"{n} times the epochs": {"epochs": n * experiment.epochs} for n in EPOCHS},
    ]


def _list_rates(rate: float, factors: Iterable[float]) -> dict[str, dict[str, Any]]:
    """Other learning rates, rounded as they are written."""
    rates = [f"{rate * factor:.6g}" for factor in factors]
    most = max(100.0 * rate, MAX_RATE)
    return {
        f"learning rate {text}": {"learning_rate": float(text)}
        for text in rates
        if 0.0 < float(text) <= most
    }


def _change_layers(
    experiment: Experiment, name: str, change: Change, wanted: str = ""
) -> list[Remedy]:
    """Change activations in the hidden layers, in the output, and in both, where it makes sense.

    The last remedy is of all layers in which it does. If `wanted`, only what is so applied.
    """
    (variant,) = experiment.variants
    fields: dict[str, dict[str, Any]] = {}
    hidden = [change(activation) for activation in variant.hidden_activations]
    if any(hidden) and experiment.hidden:
        both = zip(hidden, variant.hidden_activations, strict=True)
        fields["hidden"] = {"hidden_activations": tuple(new or old for new, old in both)}
    is_fixed = experiment.loss.name == CROSS_ENTROPY  # which goes with softmax alone
    output = None if is_fixed else change(variant.output_activation)
    if output and _is_suitable(output, experiment):
        fields["output"] = {"output_activation": output}
    if len(fields) == 2:
        fields["both"] = fields["hidden"] | fields["output"]
    return [
        Remedy((name,), layers, experiment, {"variants": (replace(variant, **changed),)})
        for layers, changed in fields.items()
        if wanted in ("", layers)
    ]


def _is_suitable(output: Activation, experiment: Experiment) -> bool:
    """Whether an output goes with the loss and reaches every target."""
    if experiment.loss.needs_probabilities and not output.maps_into_unit_interval:
        return False
    return not _out_of_reach(output, experiment).any()


def _derive(activation: Activation) -> Activation | None:
    """The derivative of its own in place of a slope that was given, if it is another and not 0."""
    given = activation.slope_is_given and any(o.kind == WRONG for o in find_oddities(activation))
    if activation.trains_as_logistic or not (given or activation.backward not in ("own", None)):
        return None
    derived = activation.with_own_derivative()
    return None if any(o.kind == FLAT for o in find_oddities(derived)) else derived


def _set_backward(backward: str, activation: Activation) -> Activation | None:
    bent = activation.linear_pieces and not activation.is_linear
    changes = bent and activation.backward != backward
    return activation.with_settings({}, backward) if changes else None


def _add_leak(activation: Activation) -> Activation | None:
    has_none = activation.parameters.get("leak") == 0.0 and not activation.is_linear
    return activation.with_settings({"leak": LEAK}) if has_none else None


def _set_slope(slope: float, activation: Activation) -> Activation | None:
    sigmoidal = activation.maps_into_unit_interval
    changes = sigmoidal and activation.parameters.get("slope", slope) != slope
    return activation.with_settings({"slope": slope}) if changes else None


def _replace_by(name: str, activation: Activation) -> Activation | None:
    other = ACTIVATIONS[name]
    return None if activation.function.value is other.function.value else other


# --- cost ----------------------------------------------------------------------------------------


def work_of_seed(experiment: Experiment) -> float:
    """Estimate what a seed costs, in weight updates."""
    weights = sum(float(rows * columns) for rows, columns in experiment.shapes)
    return experiment.epochs * len(experiment.task.targets) * weights


def is_in_libraries(old: Variant, new: Variant) -> bool:
    """Whether the activations that were changed are some that a library has, with their slope."""
    pairs = zip_longest(
        (*old.hidden_activations, old.output_activation),
        (*new.hidden_activations, new.output_activation),
    )
    return all(after == before or _has_library(before, after) for before, after in pairs)


def _has_library(before: Activation, after: Activation) -> bool:
    """Whether a framework has an activation, or derives the same formula by itself."""
    if after.backward != "own" or after.slope_is_given:
        return False
    if (after.definition, after.settings) == (before.definition, before.settings):
        return True
    leak = {"leak": ACTIVATIONS["leaky_relu"].parameters["leak"]}  # of which it may be any
    return bool(aliases_of(after.with_settings(leak) if after.parameters.get("leak") else after))
