"""What else could be done about a variant that fails: remedies, and what became of each.

A remedy is the same experiment with one thing changed, from the same seeds.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from hsig.analysis.obstacles import off_scale, out_of_reach, reaching_output
from hsig.analysis.statistics import CLAIM_SEEDS
from hsig.analysis.summary import VariantSummary
from hsig.experiments.experiment import Experiment, Result, Variant
from hsig.networks.activations import ACTIVATIONS, Activation
from hsig.networks.losses import LOSSES
from hsig.networks.starts import Start

LEAK = 0.05
SLOPES = (0.25, 0.5)
FASTER, LONGER = 10.0, 10
WIDE = ((-2.0, 2.0), (-4.0, 4.0))
HIDDEN = ("tanh", "relu", "silu", "softplus")


@dataclass(frozen=True, eq=False)
class Remedy:
    """One thing changed.

    Attributes:
        name: What was changed, in words.
        layers: Where: `hidden`, `output` or `both`; empty where it is no matter of layers.
        experiment: The changed experiment, of one variant labelled with the name and the layers.
    """

    name: str
    layers: str
    experiment: Experiment


@dataclass(frozen=True)
class Trial:
    """A remedy that was tried.

    Attributes:
        remedy: Which.
        numbers: What became of it.
        works: Whether more than half of the seeds are solved, and the interval lies wholly above
            the one without the remedy, with enough seeds for a claim.
    """

    remedy: Remedy
    numbers: VariantSummary
    works: bool


def judge(remedy: Remedy, before: VariantSummary, after: VariantSummary) -> Trial:
    """What became of a remedy."""
    solved, floor = after.solved, 0.0 if before.failure else before.solved.high
    works = solved.n >= CLAIM_SEEDS and 2 * solved.k > solved.n and solved.low > floor
    return Trial(remedy, after, works=works)


def smallest(trials: Sequence[Trial]) -> Trial | None:
    """Of those that work the first, which is the smallest change."""
    return next((trial for trial in trials if trial.works), None)


def best(trials: Sequence[Trial]) -> Trial | None:
    """Of those that work the one with the most seeds solved, then the first."""
    working = [trial for trial in trials if trial.works]
    return max(working, key=lambda trial: trial.numbers.solved.rate, default=None)


def has_failed(result: Result) -> bool:
    """Whether there is anything to explain."""
    return bool(result.failure) or not result.solved.all()


def remedies(experiment: Experiment) -> tuple[Remedy, ...]:
    """What makes sense for an experiment of one variant, from the smallest change to the largest.

    First what changes a number of the training, then the gradient, then the activation, and last
    the budget. Where the output cannot reach some target, nothing helps but another output: that,
    and what changes a number of the training or the gradient beside it.
    """
    (variant,) = experiment.variants
    changes = [*_of_the_gradient(experiment, variant)]
    if out_of_reach(experiment, variant) is not None:
        changes = [*_of_the_output(experiment, variant)]
    elif variant.without_gradient is None:
        longer = _change(
            experiment, f"{LONGER} times the epochs", epochs=LONGER * experiment.epochs
        )
        changes = [*_of_the_training(experiment), *changes]
        changes += [*_of_the_activation(experiment, variant), longer]
    return tuple(
        Remedy(
            name,
            layers,
            replace(
                changed,
                variants=(replace(changed.variants[0], label=f"{name} {layers}".strip()),),
                expect={},
            ),
        )
        for name, layers, changed in changes
    )


_Change = tuple[str, str, Experiment]


def _change(experiment: Experiment, name: str, **fields: Any) -> _Change:
    return name, "", replace(experiment, **fields)


def _of_the_output(experiment: Experiment, variant: Variant) -> Iterator[_Change]:
    """With an output that reaches every target, alone and beside other changes."""
    other = replace(variant, output_activation=reaching_output(experiment.loss))
    name, changed = other.output_activation.name, replace(experiment, variants=(other,))
    beside = _of_the_training(changed)
    if other.without_gradient is None:
        yield name, "output", changed
    else:
        beside = _of_the_gradient(changed, other)
    for what, layers, both in beside:
        yield f"{name} output, {what}", layers, both


def _of_the_training(experiment: Experiment) -> Iterator[_Change]:
    if off_scale(experiment):
        yield _change(experiment, "inputs scaled (standard)", scale="standard")
    if not experiment.loss.zero_slope_teaches_nothing and experiment.loss.needs_probabilities:
        yield _change(experiment, "loss bce", loss=LOSSES["bce"])
    for factor in (FASTER, 1.0 / FASTER):
        rate = experiment.learning_rate * factor
        yield _change(experiment, f"learning rate {rate:.6g}", learning_rate=rate)
    other = {"online": "batch", "batch": "online"}[experiment.update]
    yield _change(experiment, f"{other} updates", update=other)
    wide = () if experiment.initial_weights is not None else WIDE
    for bounds in wide:
        start = Start("uniform", bounds)
        if start != experiment.init:
            yield _change(experiment, f"initial weights from {start.summary}", init=start)


def _of_the_gradient(experiment: Experiment, variant: Variant) -> Iterator[_Change]:
    for backward in ("own", "output", "logistic"):
        if backward == "logistic" or variant.without_gradient is not None:
            change = partial(_with_backward, backward)
            yield from _in_layers(experiment, f"{backward} gradient", change, together=True)


def _of_the_activation(experiment: Experiment, variant: Variant) -> Iterator[_Change]:
    yield from _in_layers(experiment, f"leak {LEAK:g}", _leaking)
    for slope in SLOPES:
        change = partial(_with_slope, slope)
        yield from _in_layers(experiment, f"slope {slope:g}", change, together=True)
    for name in HIDDEN:
        if name != variant.activation.name:
            other = replace(variant, hidden_activations=(ACTIVATIONS[name],))
            yield name, "hidden", replace(experiment, variants=(other,))
    if not variant.output_activation.is_logistic and _suits_sigmoid(experiment):
        logistic = replace(variant, output_activation=ACTIVATIONS["sigmoid"])
        yield "sigmoid", "output", replace(experiment, variants=(logistic,))


def _suits_sigmoid(experiment: Experiment) -> bool:
    """Whether a logistic output reaches every target."""
    sigmoid, task = ACTIVATIONS["sigmoid"], experiment.task
    return not sigmoid.out_of_reach(task.targets, experiment.solved_within).any()


def _in_layers(
    experiment: Experiment,
    name: str,
    change: Callable[[Activation], Activation | None],
    *,
    together: bool = False,
) -> Iterator[_Change]:
    """A change of the activation wherever it makes sense: in one layer, the other, and both.

    Args:
        experiment: What is changed.
        name: What the change is called.
        change: The changed activation, or None where it makes no sense.
        together: Whether layers that can be changed are changed only together.
    """
    (variant,) = experiment.variants
    hidden, output = change(variant.activation), change(variant.output_activation)
    if experiment.loss.needs_probabilities and output and not output.maps_into_unit_interval:
        output = None
    choices = [("hidden", hidden, None), ("output", None, output), ("both", hidden, output)]
    if together:
        choices = choices[2:] if hidden and output else choices[:2]
    for layers, new_hidden, new_output in choices:
        if (new_hidden is None and new_output is None) or (
            layers == "both" and not (new_hidden and new_output)
        ):
            continue
        changed = Variant(
            variant.label,
            (new_hidden,) if new_hidden else variant.hidden_activations,
            new_output or variant.output_activation,
        )
        yield name, layers, replace(experiment, variants=(changed,))


def _with_backward(backward: str, activation: Activation) -> Activation | None:
    """With another slope to train with, where its own may be 0 or is missing."""
    bent = activation.linear_pieces and not activation.is_linear
    sensible = bent and activation.backward != backward
    return activation.with_settings({}, backward) if sensible else None


def _leaking(activation: Activation) -> Activation | None:
    """With a small slope where there was none."""
    if activation.parameters.get("leak") != 0.0 or activation.is_linear:
        return None
    return activation.with_settings({"leak": LEAK}, None)


def _with_slope(slope: float, activation: Activation) -> Activation | None:
    """A sigmoid with a line of another slope."""
    sigmoidal = activation.maps_into_unit_interval and "slope" in activation.parameters
    if not sigmoidal or activation.parameters["slope"] == slope:
        return None
    return activation.with_settings({"slope": slope}, None)
