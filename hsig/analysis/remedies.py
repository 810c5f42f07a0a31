"""What stands in the way of an activation, and what may help."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from hsig.activations import ACTIVATIONS, Activation
from hsig.analysis.statistics import CLAIM_SEEDS
from hsig.analysis.summary import VariantSummary
from hsig.arrays import Array
from hsig.experiments.experiment import Experiment, Result, Variant
from hsig.formulas.derivative import substitute_x
from hsig.formulas.nodes import Node, walk
from hsig.formulas.program import evaluate_constant
from hsig.networks.losses import LOSSES, Loss
from hsig.networks.starts import Start
from hsig.networks.tasks import NO_SCALE, Task

# --- examination ---------------------------------------------------------------------------------

# What is odd about a formula as an activation: where it is no number, flat, or ever steeper.

REACH = 1000.0  # how far to both sides it is looked at
_GRID = np.linspace(-REACH, REACH, 16_001)
_SPACING = 0.125  # of the grid
_HALVINGS = 60  # of a space of it, until its ends are neighbours
_NEAR = np.linspace(-20.0, 20.0, 401)  # where a given derivative is held against differences
_STEP = 1e-6
_OFF = 1e-4  # a given derivative may be off by this, relatively or absolutely
_STEEP, _GROWTH = 100.0, 20.0  # a slope beyond the first that grew this many times since x = 10

NAN, INFINITE, FLAT, GROWING, WRONG = "nan", "infinite", "flat", "growing", "wrong"


class Oddity(NamedTuple):
    """Something to know of an activation before it is trained.

    Attributes:
        kind: `nan` or `infinite` of its value or slope, `flat` or `growing` of its slope, `wrong`
            of a derivative that was given.
        x: Where it begins, seen from 0.
        beyond: Whether it is so from there on, and not only near by.
        part: For `nan` and `infinite`, the smallest part of the formula that is not finite there.
        slope: Whether it is seen of the slope, and not of the value.
        found: For `wrong`, what was given; for `growing`, the slope at the end.
        expected: For `wrong`, what the differences say.
    """

    kind: str
    x: float
    beyond: bool = True
    part: Node | None = None
    slope: bool = False
    found: float = 0.0
    expected: float = 0.0


@lru_cache(maxsize=1024)
def examine(activation: Activation) -> tuple[Oddity, ...]:
    """Look at an activation from -1000 to 1000, with the derivative that it trains with.

    >>> from hsig.activations import ACTIVATIONS
    >>> examine(ACTIVATIONS["sigmoid"]), examine(ACTIVATIONS["square"])[0].kind
    ((), 'growing')
    """
    value, slope = activation.value(_GRID), activation.derivative(_GRID)
    found = list(_not_finite(activation, value, slope=False))
    seen = {(odd.kind, odd.x) for odd in found}
    of_slope = _not_finite(activation, slope, slope=True)
    found += [odd for odd in of_slope if (odd.kind, odd.x) not in seen]
    if not slope.any():
        found.append(Oddity(FLAT, 0.0, slope=True))
    elif not found:
        found += _growing(slope)
    return (*found, *_wrong(activation))


def _not_finite(activation: Activation, numbers: Array, *, slope: bool) -> Iterator[Oddity]:
    """The first points to both sides where it is nan, else where it is infinite."""
    function = activation.function
    root = function.slope if slope else function.value
    for kind, odd in ((NAN, np.isnan(numbers)), (INFINITE, np.isinf(numbers))):
        for side in (_GRID < 0.0, _GRID >= 0.0):
            places = _GRID[odd & side]
            if len(places):
                x = float(places[np.abs(places).argmin()])
                beyond = bool(odd[side & (np.abs(_GRID) >= abs(x))].all())
                edge = _edge(activation, kind, x, slope=slope)
                yield Oddity(kind, edge, beyond, _part(root, x), slope)
        if odd.any():
            return


def _edge(activation: Activation, kind: str, x: float, *, slope: bool) -> float:
    """The last point on the way to x, from 0, at which it is still a number."""
    odd = np.isnan if kind == NAN else np.isinf
    of = activation.derivative if slope else activation.value
    good, bad = max(abs(x) - _SPACING, 0.0) * np.sign(x), x
    for _ in range(_HALVINGS):
        middle = (good + bad) / 2.0
        good, bad = (good, middle) if odd(of(np.array([middle])))[0] else (middle, bad)
    return float(good)


def _part(root: Node, x: float) -> Node:
    """The smallest part of a formula that is not a finite number at x."""
    return next((one for one in walk(root) if not isfinite(_at(one, x))), root)


def _at(one: Node, x: float) -> float:
    """What a part is at x; x itself and numbers are no cause."""
    return evaluate_constant(substitute_x(one, x)) if one.operands else 0.0


def _growing(slope: Array) -> Iterator[Oddity]:
    """A slope that grows and grows to one of the sides."""
    for end, near in ((-REACH, -10.0), (REACH, 10.0)):
        last, first = (abs(float(slope[np.abs(_GRID - x).argmin()])) for x in (end, near))
        if last > _STEEP and last > _GROWTH * first:
            yield Oddity(GROWING, end, slope=True, found=float(last))


def _wrong(activation: Activation) -> Iterator[Oddity]:
    """The worst point at which a given derivative is not that of small steps to either side."""
    if not activation.slope_is_given:
        return
    ends = np.array(activation.function.breakpoints or (np.inf,))
    beside = np.concatenate([ends - 4.0 * _STEP, ends + 4.0 * _STEP])
    x = np.concatenate([_NEAR, beside[np.isfinite(beside)]])
    x = x[np.abs(x[:, None] - ends).min(axis=1) > 2.0 * _STEP]
    here, given = activation.value(x), activation.derivative(x)
    with np.errstate(all="ignore"):
        before = (here - activation.value(x - _STEP)) / _STEP
        after = (activation.value(x + _STEP) - here) / _STEP
        steps = (before + after) / 2.0
        # at a kink that nobody told of, it may be anything between the two
        between = np.clip(given, np.minimum(before, after), np.maximum(before, after))
        off = np.abs(given - between) / (1.0 + np.abs(steps))
    worst = int(np.nanargmax(off)) if np.isfinite(off).any() else 0
    if off[worst] > _OFF:
        yield Oddity(
            WRONG,
            float(x[worst]),
            slope=True,
            found=float(given[worst]),
            expected=float(steps[worst]),
        )


# --- obstacles -----------------------------------------------------------------------------------

# What keeps networks from learning a task, whatever the seed: its targets, its inputs' scales.

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


# --- remedies ------------------------------------------------------------------------------------

# What else could be done about a variant that fails: remedies, and what became of each.
#
# A remedy is the same experiment with one thing changed, from the same seeds.

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
    elif variant.untrainable_activation is None:
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
    if other.untrainable_activation is None:
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
        if backward == "logistic" or variant.untrainable_activation is not None:
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
