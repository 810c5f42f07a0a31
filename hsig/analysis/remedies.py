"""What keeps a network from learning a task, and what may help: ladders of changes to be tried."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, zip_longest
from math import ceil, inf, isnan
from typing import Any, NamedTuple

import numpy as np

from hsig.activations import ACTIVATIONS, Activation
from hsig.activations.names import aliases_of
from hsig.analysis.definitions import FLAT, WRONG, find_oddities
from hsig.analysis.parts import Part
from hsig.analysis.statistics import CLAIM_SEEDS, wilson_interval
from hsig.analysis.summary import Solved, VariantSummary
from hsig.experiments.experiment import Experiment, Outcome, Variant
from hsig.experiments.verdicts import RULES, SOLVED
from hsig.networks.losses import LOSSES, Loss
from hsig.networks.network import layer_shapes
from hsig.networks.starts import QUESTION_START, Start
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


# --- what became of them -------------------------------------------------------------------------


@dataclass(frozen=True)
class Trial:
    """A remedy that was tried."""

    part: Part  # the remedy, and what became of it
    numbers: VariantSummary  # the numbers of that
    # whether more than half of the seeds are solved, and the interval lies wholly above the one
    # without the remedy; None where no outcome could show it: there are too few seeds for a claim,
    # or too many are solved without
    works: bool | None
    time: float = 1.0  # what a seed takes, as a multiple of what it takes without
    in_libraries: bool = True  # whether a library has it, and not only hsig
    loss: float = inf  # of the weights at the end, in the median; infinite if it is undefined

    @property
    def rank(self) -> tuple[float, float]:
        """Smaller for more seeds solved, then for a lower loss."""
        return -self.numbers.solved.k, self.loss

    @property
    def suffices(self) -> bool:
        """Whether nothing larger need be tried: it works, or solves most where none can work."""
        solved = self.numbers.solved
        return bool(self.works) or (self.works is None and 2 * solved.k > solved.n)


def judge_remedy(before: Trial, part: Part, numbers: VariantSummary) -> Trial:
    """Decide whether a remedy works, from the numbers without it and with it.

    Given weights that fail do so for certain: weights that are drawn in their place have no rate to
    be better than.
    """
    old, new, solved = before.part.outcome.experiment, part.outcome.experiment, numbers.solved
    is_drawn = old.initial_weights is not None and new.initial_weights is None
    certain = bool(before.numbers.failure) or is_drawn
    works = None
    if numbers.failure or (
        solved.n >= CLAIM_SEEDS and (certain or has_room(before.numbers.solved))
    ):
        floor = 0.0 if certain else before.numbers.solved.high
        works = 2 * solved.k > solved.n and solved.low > floor
    return Trial(
        part,
        numbers,
        works,
        time=_work_of_seed(new) / _work_of_seed(old),
        in_libraries=_is_in_libraries(*old.variants, *new.variants),
        loss=median_loss(part.outcome),
    )


def median_loss(outcome: Outcome) -> float:
    """The loss of the weights at the end, in the median, to six digits; infinite if undefined."""
    losses = [result.loss[:, -1] for result in outcome.results if not result.failure]
    loss = float(np.median(losses[0])) if losses else inf
    return inf if isnan(loss) else float(f"{loss:.6g}")  # the last digits differ by machine


def has_room(solved: Solved) -> bool:
    """Whether as many seeds could show that something is better, if it solved all of them.

    >>> [has_room(Solved.from_counts(k, 100)) for k in (92, 93)]
    [True, False]
    """
    return not solved.n or wilson_interval(solved.n, solved.n)[0] > solved.high


def seeds_with_room(solved: Solved) -> int:
    """How many seeds would show that something leaves half as many unsolved: a round number.

    >>> seeds_with_room(Solved.from_counts(95, 100))
    1000
    """

    def tell(n: int) -> bool:
        unsolved = -((solved.k - solved.n) * n // solved.n)  # rounded up
        low, _ = wilson_interval(n - unsolved // 2, n)
        return n >= CLAIM_SEEDS and low > wilson_interval(n - unsolved, n)[1]

    sizes = (int(size) for power in count(2) for size in (10**power, 2 * 10**power, 5 * 10**power))
    return next(filter(tell, sizes))


def smallest_remedy(trials: Iterable[Trial]) -> Trial | None:
    """Of those that work the first, which is the smallest change."""
    return next((trial for trial in trials if trial.works), None)


def best_remedy(trials: Iterable[Trial]) -> Trial | None:
    """Of those that work the one with the most seeds solved, then the first."""
    working = [trial for trial in trials if trial.works]
    return max(working, key=lambda trial: trial.numbers.solved.rate, default=None)


def _work_of_seed(experiment: Experiment) -> float:
    """Estimate what a seed costs, in weight updates."""
    weights = sum(float(rows * columns) for rows, columns in layer_shapes(experiment.sizes))
    return experiment.epochs * len(experiment.task.targets) * weights


def _work(experiment: Experiment) -> float:
    return len(experiment.seeds) * _work_of_seed(experiment)


def _is_in_libraries(old: Variant, new: Variant) -> bool:
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


# --- ladders -------------------------------------------------------------------------------------

LEAK = 0.05
SLOPES = (0.25, 0.5)
MORE_EPOCHS, MANY_EPOCHS = 10, 100
LONGER = f"{MORE_EPOCHS} times the epochs"
RATES = ((1e1, 1e2, 1e3, 1e4), (0.1, 0.01))  # factors of a ladder up and of one down
MAX_RATE = 1.0  # beyond a hundred times as much
WIDER, WIDTHS, MAX_UNITS = 1.5, 3, 100  # from 2 units: 3, 5, 8
STARTS = (QUESTION_START, *(Start("uniform", (-size, size)) for size in (1.0, 2.0, 4.0)))
GRADIENTS = ("own", "output", "logistic")
HIDDEN = ("tanh", "relu", "silu", "softplus")

# What takes more times as long is tried only where nothing else works, and within so many weight
# updates in all: some twenty seconds of the compiled engine on a core.
LONG, MAX_WORK = 30.0, 5e9


@dataclass(frozen=True, eq=False)
class Remedy:
    """The same experiment from the same seeds, with one thing changed, or two."""

    name: str  # what was changed, in words
    layers: str  # where: `hidden`, `output` or `both`; empty where it is no matter of layers
    # the changed experiment, of one variant labelled with the name and the layers
    experiment: Experiment

    @property
    def label(self) -> str:
        """The name and the layers."""
        return self.experiment.variants[0].label


Ladder = Sequence[Remedy]  # a rung is tried where none below it suffices


@dataclass(frozen=True, eq=False)
class Stage:
    """An experiment of one variant, what became of it, and the remedies that were tried so far."""

    experiment: Experiment
    before: Trial  # of no remedy
    trials: Mapping[str, Trial]  # by label


def propose_remedies(stage: Stage) -> tuple[Remedy, ...]:
    """The remedies to try next, from the smallest change to the largest; none at the end."""
    rungs = [rung for ladder in make_ladders(stage) if (rung := _next_rung(ladder, stage))]
    short = tuple(rung for rung in rungs if not _is_long(rung, stage))
    if short or any(trial.suffices for trial in stage.trials.values()):
        return short
    chosen, work = [], sum(_work(t.part.experiment) for t in stage.trials.values() if t.time > LONG)
    for rung in rungs:
        if work + _work(rung.experiment) <= MAX_WORK:
            chosen.append(rung)
            work += _work(rung.experiment)
    return tuple(chosen)


def _is_long(rung: Remedy, stage: Stage) -> bool:
    return _work_of_seed(rung.experiment) > LONG * _work_of_seed(stage.experiment)


def _fails(rung: Remedy, stage: Stage) -> bool:
    """Whether it was tried and does not suffice."""
    return rung.label in stage.trials and not stage.trials[rung.label].suffices


def order_trials(stage: Stage) -> dict[str, Trial]:
    """The trials from the smallest change to the largest; last, those that are tried no longer."""
    labels = [remedy.label for ladder in make_ladders(stage) for remedy in ladder]
    return {
        label: stage.trials[label] for label in (*labels, *stage.trials) if label in stage.trials
    }


def _next_rung(ladder: Ladder, stage: Stage) -> Remedy | None:
    """The lowest that was not tried, unless one below it suffices; none that is proved to fail."""
    for remedy in ladder:
        if remedy.experiment.find_obstacle(*remedy.experiment.variants):
            continue
        trial = stage.trials.get(remedy.label)
        if trial is None:
            return remedy
        if trial.suffices:
            break
    return None


def make_ladders(stage: Stage) -> list[Ladder]:
    """What makes sense for an experiment, in the order in which somebody would try it.

    What has no gradient is given one, and nothing else is tried. Where the output cannot reach some
    target, nothing helps but another output: that, and what changes a number of the training or
    the gradient beside it. What no library has comes last.
    """
    experiment = stage.experiment
    (variant,) = experiment.variants
    if find_unreachable_targets(experiment, variant) is not None:
        return _change_output(stage, variant)
    if variant.untrainable_activation is not None:
        return _change_gradient(experiment, *GRADIENTS)
    activations = sorted(
        (*_change_activations(experiment), *_change_gradient(experiment, "logistic")),
        key=lambda ladder: any(
            not _is_in_libraries(variant, *r.experiment.variants) for r in ladder
        ),
    )
    own = _change_layers("its own derivative", experiment, _derive)[-1:]
    training = _change_training(stage)
    short = [
        rung
        for ladder in (own, *training, *activations)
        for rung in ladder
        if not _is_long(rung, stage)
    ]
    if experiment.initial_weights is None and all(_fails(rung, stage) for rung in short):
        training += _change_beside_start(stage)
    return [own, *training, *activations]


def _remedy(name: str, experiment: Experiment, layers: str = "", **settings: Any) -> Remedy:
    """An experiment with other settings; its variant is labelled with what was changed."""
    changed = replace(experiment, expect={}, **settings)
    variant = replace(changed.variants[0], label=f"{name} {layers}".strip())
    return Remedy(name, layers, replace(changed, variants=(variant,)))


def _change_beside(
    stage: Stage, name: str, first: Remedy, change: Callable[[Stage], list[Ladder]]
) -> list[Ladder]:
    """Ladders of a changed experiment, whose rungs are named after that change, too."""
    prefix = f"{name}, "
    trials = {
        label.removeprefix(prefix): trial
        for label, trial in stage.trials.items()
        if label.startswith(prefix)
    }
    tried = stage.trials.get(first.label)
    inner = Stage(first.experiment, tried or stage.before, trials)
    return [
        [_remedy(prefix + rung.name, rung.experiment, rung.layers) for rung in ladder]
        for ladder in change(inner)
    ]


def _change_output(stage: Stage, variant: Variant) -> list[Ladder]:
    """An output that reaches every target, alone and beside other changes."""
    output = suitable_output(stage.experiment.loss)
    other = replace(variant, output_activation=output)
    first = _remedy(output.name, replace(stage.experiment, variants=(other,)), "output")
    beside = partial(_change_beside, stage, f"{output.name} output", first)
    if other.untrainable_activation is None:
        return [[first], *beside(_change_training)]
    return beside(lambda inner: _change_gradient(inner.experiment, *GRADIENTS))


def _change_training(stage: Stage) -> list[Ladder]:
    """Other numbers of the training, weights from elsewhere, and more units."""
    experiment, loss = stage.experiment, stage.experiment.loss
    better = []
    if loss.needs_probabilities and not loss.zero_slope_teaches_nothing:
        # the loss that saturated samples do not stop
        better = [_remedy("loss bce", experiment, loss=LOSSES["bce"])]
    update = "batch" if experiment.update == "online" else "online"
    rates = _change_rate(experiment)
    return [
        better,
        *rates,
        _change_start(experiment),
        *(_change_beside_start(stage) if experiment.initial_weights is not None else []),
        [_remedy(f"{update} updates", experiment, update=update)],
        _add_units(experiment),
        *_add_epochs(stage, rates),
    ]


def _change_rate(experiment: Experiment) -> list[Ladder]:
    """Inputs on a scale, other learning rates, and smaller ones with scaled inputs."""

    def ladder(changed: Experiment, factors: Iterable[float], prefix: str = "") -> Ladder:
        rates = [f"{changed.learning_rate * factor:.6g}" for factor in factors]
        return [
            _remedy(f"{prefix}learning rate {rate}", changed, learning_rate=float(rate))
            for rate in rates
            if 0.0 < float(rate) <= max(100.0 * changed.learning_rate, MAX_RATE)
        ]

    ladders = [ladder(experiment, factors) for factors in RATES]
    targets_are_large = np.abs(experiment.task.targets).max() > MAX_INPUT
    if find_unscaled_inputs(experiment) or (targets_are_large and experiment.scale == NO_SCALE):
        scaled = _remedy("inputs scaled (standard)", experiment, scale="standard")
        smaller = ladder(scaled.experiment, RATES[1], f"{scaled.name}, ")
        ladders.insert(0, [scaled, *smaller])
    return ladders


def _add_epochs(stage: Stage, rates: Sequence[Ladder]) -> list[Ladder]:
    """More epochs, alone and with the rates that got farthest, where that leaves room."""

    def longer(times: int, experiment: Experiment, prefix: str = "") -> Remedy:
        name = f"{prefix}{times} times the epochs"
        return _remedy(name, experiment, epochs=times * experiment.epochs)

    more = longer(MORE_EPOCHS, stage.experiment)
    failed = stage.before.numbers.verdicts.keys() - {SOLVED}
    can_still = any(not RULES[verdict].never for verdict in failed)
    alone = [more, longer(MANY_EPOCHS, stage.experiment)] if can_still else [more]
    tried = {
        rung: stage.trials[rung.label]
        for ladder in [*rates, [more]]
        for rung in ladder
        if rung.label in stage.trials
    }
    enough = any(trial.suffices and not has_room(trial.numbers.solved) for trial in tried.values())
    if (
        enough
        or any(_next_rung(ladder, stage) for ladder in rates)
        or tried.pop(more, None) is None
    ):
        return [alone]
    ranked = sorted(tried, key=lambda rung: tried[rung].rank)[:2]
    better = [rung for rung in ranked if tried[rung].rank < stage.before.rank]
    steps = [(MORE_EPOCHS, rung) for rung in better] + [(MANY_EPOCHS, rung) for rung in ranked]
    return [alone, [longer(times, rung.experiment, f"{rung.name}, ") for times, rung in steps]]


def _change_start(experiment: Experiment) -> Ladder:
    """Weights drawn from elsewhere; in place of given ones, for enough seeds."""
    changes: dict[str, Any] = {}
    starts = [start for start in STARTS if start != experiment.init]
    if experiment.initial_weights is not None:
        changes = {"initial_weights": None, "seeds": tuple(range(CLAIM_SEEDS))}
        starts = list(STARTS[:2])
    return [
        _remedy(f"initial weights from {start.summary}", experiment, init=start, **changes)
        for start in starts
    ]


def _change_beside_start(stage: Stage) -> list[Ladder]:
    """Learning rates and epochs beside the start that got farthest, where none suffices."""
    starts = _change_start(stage.experiment)
    if not all(_fails(start, stage) for start in starts):
        return []

    def change(inner: Stage) -> list[Ladder]:
        rates = _change_rate(inner.experiment)
        return [*rates, *_add_epochs(inner, rates)]

    best = min(starts, key=lambda start: stage.trials[start.label].rank)
    return _change_beside(stage, best.name, best, change)


def _add_units(experiment: Experiment) -> Ladder:
    """More units in every hidden layer."""
    widths = [experiment.hidden]
    for _ in range(WIDTHS):
        widths.append(tuple(ceil(WIDER * units) for units in widths[-1]))
    return [
        _remedy(f"{'-'.join(map(str, hidden))} hidden units", experiment, hidden=hidden)
        for hidden in widths[1:]
        if max(hidden) <= MAX_UNITS and experiment.initial_weights is None
    ]


def _change_gradient(experiment: Experiment, *gradients: str) -> list[Ladder]:
    """Other slopes to train with, where an activation's own may be 0 or is missing."""
    return [
        _change_layers(f"{backward} gradient", experiment, partial(_set_backward, backward))[-1:]
        for backward in gradients
    ]


def _change_activations(experiment: Experiment) -> Iterator[Ladder]:
    """Other activations, from the most alike to the least."""
    yield from ([r] for r in _change_layers(f"leak {LEAK:g}", experiment, _add_leak))
    for name in HIDDEN:
        changes = _change_layers(name, experiment, partial(_replace_by, name))
        yield from ([remedy] for remedy in changes if remedy.layers == "hidden")
    changes = _change_layers("sigmoid", experiment, _replace_by_logistic)
    yield from ([remedy] for remedy in changes if remedy.layers == "output")
    for slope in SLOPES:
        yield _change_layers(f"slope {slope:g}", experiment, partial(_set_slope, slope))[-1:]


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


def _derive(activation: Activation) -> Activation | None:
    """The derivative of its own in place of a slope that was given, if it is another and not 0."""
    given = activation.slope_is_given and any(o.kind == WRONG for o in find_oddities(activation))
    if activation.trains_as_logistic or not (given or activation.backward not in ("own", None)):
        return None
    derived = activation.with_own_derivative()
    return None if any(o.kind == FLAT for o in find_oddities(derived)) else derived


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
