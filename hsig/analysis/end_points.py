"""Where trainings end, and how the loss curves there."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np

from hsig.activations import Activation
from hsig.arrays import Array, BoolArray
from hsig.experiments.experiment import Experiment, Training
from hsig.networks.network import Network, Weights, append_bias, seeds_last
from hsig.networks.tasks import Task

# --- curvature -----------------------------------------------------------------------------------

# The surface of the mean loss about some weights, to second order.
#
# It is the mean over the samples as a function of all weights, with the activations' own
# derivatives, whatever slope was trained with. Its weights are in the order in which they are
# drawn: the hidden layer's row by row, then the output's. Arrays have seeds first.
#
# The Hessian is put together from the network's own numbers. All but two of them are known
# exactly; the slope of the hidden activation's slope, and of the loss's slope in the output's pre-
# activation, are central differences of fourth order in that one variable.

_STEP = 1e-3  # of a difference
_OF_DISTANCE = 1.0 / 32.0  # to a kink, that such a step is at most
_BESIDE = 1e-6  # a kink, from where its sides are looked at
_BEND = 0.01  # a smaller jump of the slope of the slope is that of a smooth curve


@dataclass(frozen=True, eq=False)
class Surface:
    """The mean loss about some weights, to second order.

    Attributes:
        cost: Shape (seeds,); the mean loss.
        gradient: Shape (seeds, weights).
        hessian: Shape (seeds, weights, weights); that of the pieces of the activations which the
            pre-activations are on. At a kink it is that of the side to the right.
        kink: Shape (seeds,); distance of the pre-activation that is nearest to a kink of its
            activation, infinite where there are none.
    """

    cost: Array
    gradient: Array
    hessian: Array
    kink: Array

    @property
    def is_finite(self) -> BoolArray:
        """Shape (seeds,); whether every number is, but for the distance to a kink."""
        whole: BoolArray = np.isfinite(self.cost) & np.isfinite(self.gradient).all(axis=1)
        whole &= np.isfinite(self.hessian).all(axis=(1, 2))
        return whole


def loss_surface(network: Network, weights: Weights, task: Task) -> Surface:
    """The mean loss about some weights.

    Args:
        network: Whose; of its activations, the own derivatives count.
        weights: Seeds first.
        task: The samples.
    """
    own = Network(
        tuple(replace(activation, backward="own") for activation in network.activations),
        network.loss,
    )
    lanes = tuple(map(seeds_last, weights))
    inputs, targets = append_bias(task.inputs), task.targets[:, :, None]
    hidden_activation, output_activation = own.activations
    bends, breaks_off = find_kinks(hidden_activation), find_kinks(output_activation)
    with np.errstate(all="ignore"):  # an infinite or undefined number is a result
        activity = own.forward(lanes, inputs)
        hidden, output = activity.pre_activations

        def deltas(output: Array) -> Array:
            predictions = output_activation.value(output)
            moved = activity._replace(pre_activations=(hidden, output), predictions=predictions)
            return own.output_deltas(moved, targets)

        gradient = own.gradient(lanes, activity, targets)
        hessian = _hessian(
            inputs[:, :, 0],
            activity.layer_inputs[1],
            onward=lanes[1][:-1, 0],
            slope=hidden_activation.derivative(hidden),
            bend=_slope(hidden_activation.derivative, hidden, bends),
            delta=deltas(output)[:, 0],
            delta_slope=_slope(deltas, output, breaks_off)[:, 0],
        )
        return Surface(
            cost=own.losses(activity, targets).mean(axis=0),
            gradient=np.concatenate([np.concatenate([*layer]) for layer in gradient]).T,
            hessian=hessian,
            kink=np.minimum(
                _distance(hidden, bends).min(axis=(0, 1)),
                _distance(output, breaks_off).min(axis=(0, 1)),
            ),
        )


def find_kinks(activation: Activation) -> tuple[float, ...]:
    """Where an activation has no second derivative: its value, slope or slope's slope jumps.

    >>> from hsig.activations import ACTIVATIONS
    >>> [find_kinks(ACTIVATIONS[name]) for name in ("hard", "elu", "tanh")]
    [(-2.5, 2.5), (0.0,), ()]
    """
    found = {point.x for point in activation.function.breaks}
    for x in activation.function.breakpoints:
        near = activation.derivative(x + np.array([-_BESIDE, _BESIDE]))
        far = activation.derivative(x + np.array([-_BESIDE - _STEP, _BESIDE + _STEP]))
        left, right = (far - near) / np.array([-_STEP, _STEP])
        if abs(right - left) > _BEND:
            found.add(x)
    return tuple(sorted(found))


def _distance(x: Array, kinks: tuple[float, ...]) -> Array:
    """From each point to the nearest kink."""
    nearest = np.full(x.shape, np.inf)
    for kink in kinks:
        nearest = np.fmin(nearest, np.abs(x - kink))
    return nearest


def _slope(function: Callable[[Array], Array], x: Array, kinks: tuple[float, ...]) -> Array:
    """Derivative of a function of each point by itself, on the side of a kink that it is on.

    The error is of the order of `_STEP`**4 times the function's fifth derivative, and 1e-13 times
    its size.
    """
    for kink in kinks:
        beside = kink + np.where(x < kink, -_BESIDE, _BESIDE)
        x = np.where(np.abs(x - kink) < _BESIDE, beside, x)
    step = np.minimum(_STEP, _OF_DISTANCE * _distance(x, kinks))
    near = function(x + step) - function(x - step)
    far = function(x + 2.0 * step) - function(x - 2.0 * step)
    slope: Array = (8.0 * near - far) / (12.0 * step)
    return slope


def _hessian(
    inputs: Array,
    hidden: Array,
    *,
    onward: Array,
    slope: Array,
    bend: Array,
    delta: Array,
    delta_slope: Array,
) -> Array:
    """Second derivatives of the mean loss in all weights; seeds last in, first out.

    Args:
        inputs: What the hidden layer sees, (samples, inputs + 1).
        hidden: What the output sees, (samples, hidden + 1, seeds).
        onward: Weights from the hidden units to the output, (hidden, seeds).
        slope: First derivative of each hidden unit, (samples, hidden, seeds).
        bend: Second derivative, the same shape.
        delta: Slope of the loss in the output's pre-activation, (samples, seeds).
        delta_slope: Slope of that, the same shape.
    """
    samples, units, seeds = slope.shape
    to_hidden = inputs[:, :, None, None] * (onward * slope)[:, None]
    to_hidden = to_hidden.reshape(samples, inputs.shape[1] * units, seeds)
    of_output = np.concatenate([to_hidden, hidden], axis=1)
    by_seed = np.ascontiguousarray(np.moveaxis(of_output, -1, 0))
    hessian: Array = (by_seed * delta_slope.T[:, :, None]).swapaxes(1, 2) @ by_seed
    mixed = np.einsum("ns,nus,ni->sui", delta, slope, inputs)
    within = np.einsum("ns,nus,ni,nj->suij", delta, onward * bend, inputs, inputs)
    for unit in range(units):
        to_it = np.arange(inputs.shape[1]) * units + unit
        from_it = inputs.shape[1] * units + unit
        hessian[:, to_it[:, None], to_it] += within[:, unit]
        hessian[:, to_it, from_it] += mixed[:, unit]
        hessian[:, from_it, to_it] += mixed[:, unit]
    hessian /= samples
    return hessian


# --- end points ----------------------------------------------------------------------------------

# What seeds ended near, on the surface of the mean loss: a saddle, a minimum, or no such point.
#
# Training with a fixed step holds a seed at some distance from the stationary point that it goes
# to or hovers over, so the point is looked for: a Levenberg-Marquardt iteration makes the gradient
# vanish, be it at a saddle or a minimum, and gives up at a distance of `NEAR`.
#
# Source:
#     Nocedal & Wright 2006, Numerical Optimization, sections 10.3 and 11.2.

KINDS = (SADDLE, MINIMUM, FLAT, KINK, SLOPE, UNDEFINED) = (
    "saddle",
    "minimum",
    "flat",
    "kink",
    "slope",
    "undefined",
)
MAX_WEIGHTS = 64  # of a network whose end points are told
NEAR = 1.0  # how far away, in the space of all weights, a stationary point is looked for
STATIONARY = 1e-10  # a gradient that is not larger is none
ZERO = 1e-6  # an eigenvalue that is not larger than this share of the largest is none
MIN_ZERO = 1e-7  # nor is one that a gradient of `STATIONARY` outweighs over `ASIDE`
ASIDE = 0.01  # length of the step that tries whether a saddle is one
AT_KINK = 0.02  # a pre-activation not farther from a kink is at it: `ASIDE` may lead beyond

_STEPS_MOST = 100  # of the search
_ENOUGH = 1e-13  # a gradient with which it ends, so that what it finds is exact
_DAMPING = 1e-4  # with which it begins, relative to the square of the Hessian
_DAMPING_LEAST, _DAMPING_MOST = 1e-12, 1e8  # the latter ends it
_TINY = 1e-300  # so that what is all 0 can be divided by
_HESSIANS_AT_A_TIME = 4_000_000  # in numbers


@dataclass(frozen=True, eq=False)
class EndPoints:
    """Where seeds ended, and the stationary point near by, if there is any.

    An eigenvalue counts as 0 where its size is at most `ZERO` times that of the largest, or
    `MIN_ZERO`. The kinds, of which the first that holds is told:

    - `undefined`: the cost, its gradient or its Hessian is not finite.
    - `slope`: no stationary point, with a gradient of at most `STATIONARY`, was found within
      `NEAR`. Such is also the way to a minimum at infinite weights.
    - `kink`: a pre-activation there is within `AT_KINK` of a kink of its activation, beyond which
      the surface is another than the Hessian's.
    - `saddle`: an eigenvalue there is below 0, so that a way leads down.
    - `minimum`: all are above 0.
    - `flat`: none is below 0, and some are 0. Whether it is a minimum is for higher orders to say.

    Attributes:
        kind: Of each seed.
        cost: Shape (seeds,); where it ended.
        gradient: Shape (seeds,); the Euclidean norm of the gradient there.
        eigenvalues: Shape (seeds, weights); of the Hessian there, rising; nan if undefined.
        kink: Shape (seeds,); see `Surface`; there.
        least_gradient: Shape (seeds,); the smallest norm of it that the search found.
        distance: Shape (seeds,); to the stationary point; nan here and below if there is none.
        stationary_cost: Shape (seeds,); at the stationary point.
        stationary_eigenvalues: Shape (seeds, weights); the same.
        falls: Shape (seeds,); whether the mean loss is lower on both sides of the stationary point,
            `ASIDE` away along the eigenvector of the smallest eigenvalue.
    """

    kind: tuple[str, ...]
    cost: Array
    gradient: Array
    eigenvalues: Array
    kink: Array
    least_gradient: Array
    distance: Array
    stationary_cost: Array
    stationary_eigenvalues: Array
    falls: BoolArray

    def count_kinds(self, seeds: BoolArray) -> dict[str, int]:
        """How many of some seeds are of each kind that there is, in the order of `KINDS`."""
        found = Counter(kind for kind, chosen in zip(self.kind, seeds, strict=True) if chosen)
        return {kind: found[kind] for kind in KINDS if found[kind]}


def find_end_points(experiment: Experiment, training: Training) -> EndPoints | None:
    """Where the seeds of a variant ended; None if it has none, or more than `MAX_WEIGHTS` weights.

    Args:
        experiment: What was run.
        training: What became of the variant.
    """
    if training.failure or count_weights(training) > MAX_WEIGHTS:
        return None
    if len(training.weights) != 2 or experiment.sizes[-1] != 1:
        return None
    return locate_end_points(
        experiment.problem_of(training.variant).network, training.weights, experiment.scaled_task
    )


def count_weights(training: Training) -> int:
    """How many weights each network has."""
    return sum(layer[0].size for layer in training.weights)


def locate_end_points(network: Network, weights: Weights, task: Task) -> EndPoints:
    """Where seeds ended.

    Args:
        network: What was trained.
        weights: Where, seeds first.
        task: The samples over which the mean is taken.
    """
    points = np.concatenate([layer.reshape(len(layer), -1) for layer in weights], axis=1)
    shapes = [layer.shape[1:] for layer in weights]
    splits = np.cumsum([layer[0].size for layer in weights])[:-1]

    def at(points: Array) -> Surface:
        layers = np.split(points, splits, axis=1)
        shaped = (layer.reshape(len(layer), *of) for layer, of in zip(layers, shapes, strict=True))
        return loss_surface(network, tuple(shaped), task)

    size = max(1, _HESSIANS_AT_A_TIME // points.shape[1] ** 2)
    with np.errstate(all="ignore"):  # an infinite or undefined number is a result
        parts = [_end_points(at, points[i : i + size]) for i in range(0, len(points), size)]
    joined = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(EndPoints)
        if field.name != "kind"
    }
    return EndPoints(kind=tuple(kind for part in parts for kind in part.kind), **joined)


def _end_points(at: Callable[[Array], Surface], points: Array) -> EndPoints:
    end, found = at(points), points.copy()
    defined, gradient = end.is_finite, _norm(end.gradient)
    away = defined & (gradient > STATIONARY)
    found[away] = _stationary(at, points[away])
    there = at(found)
    stationary = defined & (_norm(there.gradient) <= STATIONARY)
    eigenvalues = np.full(points.shape, np.nan)
    eigenvalues[defined] = np.linalg.eigvalsh(end.hessian[defined])
    bends, directions = np.full(points.shape, np.nan), np.zeros((*points.shape, 1))
    bends[stationary], vectors = np.linalg.eigh(there.hessian[stationary])
    directions[stationary] = vectors[:, :, :1]
    aside = ASIDE * directions[:, :, 0]
    sides = np.maximum(at(found + aside).cost, at(found - aside).cost)
    return EndPoints(
        kind=_kinds(defined, stationary, there.kink, bends),
        cost=end.cost,
        gradient=gradient,
        eigenvalues=eigenvalues,
        kink=end.kink,
        least_gradient=_norm(there.gradient),
        distance=np.where(stationary, _norm(found - points), np.nan),
        stationary_cost=np.where(stationary, there.cost, np.nan),
        stationary_eigenvalues=bends,
        falls=stationary & (sides < there.cost),
    )


def _stationary(at: Callable[[Array], Surface], start: Array) -> Array:
    """The points near by at which the gradient is smallest, as far as the search finds them."""
    points, size = start.copy(), _norm(at(start).gradient)
    damping = np.full(len(start), _DAMPING)
    for _ in range(_STEPS_MOST):
        active = np.flatnonzero((size > _ENOUGH) & (damping < _DAMPING_MOST))
        if not len(active):
            break
        here = at(points[active])
        # the step that makes |gradient + hessian step|**2 + damped |step|**2 least
        damped = damping[active] * (here.hessian**2).sum(axis=(1, 2)) + _TINY
        normal = here.hessian @ here.hessian + damped[:, None, None] * np.eye(points.shape[1])
        towards = here.hessian @ here.gradient[:, :, None]
        trial = points[active] - np.linalg.solve(normal, towards)[:, :, 0]
        there = at(trial)
        better = there.is_finite & (_norm(trial - start[active]) <= NEAR)
        better &= _norm(there.gradient) < size[active]
        points[active[better]] = trial[better]
        size[active[better]] = _norm(there.gradient[better])
        damping[active] = np.maximum(damping[active] * np.where(better, 0.3, 4.0), _DAMPING_LEAST)
    return points


def _kinds(
    defined: BoolArray, stationary: BoolArray, kink: Array, eigenvalues: Array
) -> tuple[str, ...]:
    smallest, zero = eigenvalues[:, 0], zero_threshold(eigenvalues)
    found = np.select(
        [~defined, ~stationary, kink <= AT_KINK, smallest < -zero, smallest > zero],
        [UNDEFINED, SLOPE, KINK, SADDLE, MINIMUM],
        FLAT,
    )
    return tuple(found.tolist())


def zero_threshold(eigenvalues: Array) -> Array:
    """Up to which size each seed's eigenvalues, (seeds, weights), count as 0."""
    zero: Array = np.maximum(ZERO * np.abs(eigenvalues).max(axis=1), MIN_ZERO)
    return zero


def _norm(vectors: Array) -> Array:
    norm: Array = np.sqrt((vectors * vectors).sum(axis=1))
    return norm
