"""Where trainings end, and how the mean loss curves there.

The surface is the mean loss over the samples as a function of all weights, in the order in which
they are drawn, with the activations' own derivatives, whatever slope was trained with.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsig.activations import Activation
from hsig.arrays import Array, BoolArray
from hsig.experiments.experiment import Experiment, Training
from hsig.networks.network import (
    Activity,
    Network,
    Weights,
    append_bias,
    backpropagate,
    mean_products,
    seeds_first,
    seeds_last,
)
from hsig.networks.tasks import Task

# --- the surface ---------------------------------------------------------------------------------

_BESIDE = 1e-6  # a kink, from where its sides are looked at
_BEND = 0.01  # a smaller jump of the second derivative is that of a smooth curve


@dataclass(frozen=True, eq=False)
class Surface:
    """The mean loss about some weights, to second order."""

    cost: Array  # shape (seeds,); the mean loss
    gradient: Array  # shape (seeds, weights)
    # shape (seeds, weights, weights); that of the pieces of the activations which the pre-
    # activations are on
    hessian: Array
    # shape (seeds,); distance of the pre-activation that is nearest to a kink of its activation,
    # infinite where there are none
    kink: Array

    @property
    def is_finite(self) -> BoolArray:
        """Shape (seeds,); whether every number is, but for the distance to a kink."""
        whole: BoolArray = np.isfinite(self.cost) & np.isfinite(self.gradient).all(axis=1)
        whole &= np.isfinite(self.hessian).all(axis=(1, 2))
        return whole


def loss_surface(network: Network, weights: Weights, task: Task) -> Surface:
    """Compute the mean loss about some weights, seeds first, with its exact derivatives."""
    own = Network(
        tuple(replace(activation, backward="own") for activation in network.activations),
        network.loss,
    )
    lanes, targets = tuple(map(seeds_last, weights)), task.targets[:, :, None]
    with np.errstate(all="ignore"):  # an infinite or undefined number is a result
        activity = own.forward(lanes, append_bias(task.inputs))
        deltas, bends = _backpropagate(own, lanes, activity, targets)
        gradient = map(mean_products, activity.layer_inputs, deltas)
        return Surface(
            cost=own.losses(activity, targets).mean(axis=0),
            gradient=np.concatenate([row for layer in gradient for row in layer]).T,
            hessian=_hessian(own, weights, activity, deltas, bends),
            kink=np.min(
                list(map(_nearest_kink, own.activations, activity.pre_activations)), axis=0
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
        left, right = activation.second_derivative(x + np.array([-_BESIDE, _BESIDE]))
        if abs(right - left) > _BEND:
            found.add(x)
    return tuple(sorted(found))


def _nearest_kink(activation: Activation, pre_activations: Array) -> Array:
    """For each seed, the distance of the pre-activation that is nearest to a kink."""
    kinks = (np.abs(pre_activations - kink) for kink in find_kinks(activation))
    distances = reduce(np.fmin, kinks, np.full(pre_activations.shape, np.inf))
    nearest: Array = distances.min(axis=(0, 1))
    return nearest


def _backpropagate(
    network: Network, weights: Weights, activity: Activity, targets: Array
) -> tuple[list[Array], list[Array]]:
    """First and second derivatives of the loss in the pre-activations of each layer; seeds last.

    The second are in each pre-activation by itself, as if all that leads on from it were linear.
    Shapes (samples, fan_out, seeds).
    """
    deltas = [network.output_deltas(activity, targets)]
    bends = [_output_bend(network, activity, targets)]
    slopes = network.hidden_slopes(activity)
    for place in reversed(range(len(slopes))):
        z = activity.pre_activations[place]
        delta = backpropagate(weights[place + 1][: z.shape[1]], deltas[0])
        deltas.insert(0, delta * slopes[place])
        bends.insert(0, delta * network.activations[place].second_derivative(z))
    return deltas, bends


def _output_bend(network: Network, activity: Activity, targets: Array) -> Array:
    """Second derivative of the loss in each of the output's pre-activations.

    Of a softmax the p of diag(p) - p p'; the rest is of all outputs together.
    """
    loss, activation = network.loss, network.output_activation
    z, p = activity.pre_activations[-1], activity.predictions
    if loss.of_classes:
        return p
    if activation.trains_as_logistic and loss.second_derivative_of_logit is not None:
        return loss.second_derivative_of_logit(p, targets)
    slope, bend = activation.derivative(z), activation.second_derivative(z)
    whole: Array = loss.second_derivative(p, targets) * slope**2
    whole = whole + loss.derivative(p, targets) * bend
    if loss.zero_slope_teaches_nothing:
        whole = np.where((slope == 0.0) & (bend == 0.0), 0.0 * p, whole)
    return whole


def _hessian(
    network: Network,
    weights: Weights,
    activity: Activity,
    deltas: list[Array],
    bends: list[Array],
) -> Array:
    """Second derivatives of the mean loss in all weights, (seeds, weights, weights).

    Pre-activations z = inputs @ layer bend the loss by themselves, and each of a layer's weights
    has a part with what leads to the input that it multiplies. So, with a dash for the derivative
    in all weights, the Hessian is the sum over layers of z' bend z' + layer' delta inputs' and the
    transpose of the latter. The weights have seeds first, all else has them last.
    """
    slopes = network.hidden_slopes(activity)
    seeds, samples = len(weights[0]), len(activity.predictions)
    number = sum(layer.shape[1] * layer.shape[2] for layer in weights)
    hessian = np.zeros((seeds, number, number))
    inputs_slope = np.zeros((seeds, number, samples, 0))
    first = 0  # of the layer's weights
    for place, layer in enumerate(weights):
        fan_in, fan_out = inputs_slope.shape[-1], layer.shape[2]  # but its bias
        seen, delta, bend = (seeds_first(a[place]) for a in (activity.layer_inputs, deltas, bends))
        z_slope = np.zeros((seeds, number, samples, fan_out))
        if place:
            z_slope += inputs_slope @ layer[:, None, :fan_in]
            mixed = np.einsum("knsi,kso->kion", inputs_slope, delta)
            mixed = mixed.reshape(seeds, fan_in * fan_out, number)
            own = slice(first, first + fan_in * fan_out)
            hessian[:, own] += mixed
            hessian[:, :, own] += mixed.swapaxes(1, 2)
        stop = first + layer.shape[1] * fan_out
        for unit in range(fan_out):
            z_slope[:, first + unit : stop : fan_out, :, unit] += seen.swapaxes(1, 2)
        flat = z_slope.reshape(seeds, number, samples * fan_out)
        hessian += (flat * bend.reshape(seeds, 1, samples * fan_out)) @ flat.swapaxes(1, 2)
        if place < len(slopes):
            inputs_slope = z_slope * seeds_first(slopes[place])[:, None]
        first = stop
    if network.loss.of_classes:
        mean = np.einsum("knso,kso->kns", z_slope, seeds_first(activity.predictions))
        hessian -= mean @ mean.swapaxes(1, 2)
    hessian /= samples
    return hessian


# --- end points ----------------------------------------------------------------------------------

# What seeds ended near, on the surface of the mean loss: a saddle, a minimum, or no such point.
# Training with a fixed step holds a seed at some distance from the stationary point that it goes
# to or hovers over, so the point is looked for: a Levenberg-Marquardt iteration makes the gradient
# vanish, be it at a saddle or a minimum, and gives up at a distance of `NEAR`: Nocedal & Wright
# 2006, Numerical Optimization, sections 10.3 and 11.2.

SADDLE, MINIMUM, FLAT, KINK = "saddle", "minimum", "flat", "kink"
SLOPE, UNDEFINED = "slope", "undefined"
KINDS = (SADDLE, MINIMUM, FLAT, KINK, SLOPE, UNDEFINED)
MAX_WEIGHTS = 64  # of a network whose end points are looked for
NEAR = 1.0  # how far away, in the space of all weights, a stationary point is looked for
STATIONARY = 1e-10  # a gradient that is not larger is none
ZERO = 1e-6  # an eigenvalue that is not larger than this share of the largest is none
MIN_ZERO = 1e-7  # nor is one that a gradient of `STATIONARY` outweighs over `ASIDE`
ASIDE = 0.01  # length of the step that tries whether a saddle is one
AT_KINK = 0.02  # a pre-activation not farther from a kink is at it: `ASIDE` may lead beyond

_MAX_STEPS = 100  # of the search
_ENOUGH = 1e-13  # a gradient with which it ends, so that what it finds is exact
_FIRST_DAMPING = 1e-4  # relative to the square of the Hessian
_MIN_DAMPING, _MAX_DAMPING = 1e-12, 1e8  # the latter ends the search
_TINY = 1e-300  # so that what is all 0 can be divided by
_BLOCK = 4_000_000  # numbers of the Hessians or the slopes of a layer at a time


class EndPoints(NamedTuple):
    """Where seeds ended, and the stationary point near by, if there is any.

    An eigenvalue counts as 0 where its size is at most `ZERO` times that of the largest, or
    `MIN_ZERO`. A seed is of the first kind that holds:

    - `undefined`: the cost, its gradient or its Hessian is not finite.
    - `slope`: no stationary point, with a gradient of at most `STATIONARY`, was found within
      `NEAR`. Such is also the way to a minimum at infinite weights.
    - `kink`: a pre-activation there is within `AT_KINK` of a kink of its activation, beyond which
      the surface is another than the Hessian's.
    - `saddle`: an eigenvalue there is below 0, so that a way leads down.
    - `minimum`: all are above 0.
    - `flat`: none is below 0, and some are 0. Whether it is a minimum is for higher orders to say.
    """

    kind: NDArray[np.str_]  # of each seed
    cost: Array  # shape (seeds,); where it ended
    gradient: Array  # shape (seeds,); the Euclidean norm of the gradient there
    eigenvalues: Array  # shape (seeds, weights); of the Hessian there, rising; nan if undefined
    kink: Array  # shape (seeds,); see `Surface`; there
    least_gradient: Array  # shape (seeds,); the smallest norm of it that the search found
    distance: Array  # shape (seeds,); to the stationary point; nan here and below if there is none
    stationary_cost: Array  # shape (seeds,); at the stationary point
    stationary_eigenvalues: Array  # shape (seeds, weights); the same
    # shape (seeds,); whether the mean loss is lower on both sides of the stationary point, `ASIDE`
    # away along the eigenvector of the smallest eigenvalue
    falls: BoolArray

    def count_kinds(self, seeds: BoolArray) -> dict[str, int]:
        """How many of some seeds are of each kind that there is, in the order of `KINDS`."""
        found = Counter(self.kind[seeds].tolist())
        return {kind: found[kind] for kind in KINDS if found[kind]}


def find_end_points(experiment: Experiment, training: Training) -> EndPoints | None:
    """Where the seeds of a variant ended; None if it has none, or over `MAX_WEIGHTS` weights."""
    if training.failure or count_weights(training) > MAX_WEIGHTS:
        return None
    network = experiment.network_of(training.variant)
    return locate_end_points(network, training.weights, experiment.scaled_task)


def count_weights(training: Training) -> int:
    """How many weights each network has."""
    return sum(layer[0].size for layer in training.weights)


def locate_end_points(network: Network, weights: Weights, task: Task) -> EndPoints:
    """Find the stationary points near some weights, seeds first, and say of which kind they are."""
    points = np.concatenate([layer.reshape(len(layer), -1) for layer in weights], axis=1)
    shapes = [layer.shape[1:] for layer in weights]
    splits = np.cumsum([layer[0].size for layer in weights])[:-1]

    def surface_at(points: Array) -> Surface:
        layers = zip(np.split(points, splits, axis=1), shapes, strict=True)
        shaped = tuple(layer.reshape(len(layer), *shape) for layer, shape in layers)
        return loss_surface(network, shaped, task)

    number = points.shape[1]
    widest = max(columns for _, columns in shapes)
    size = max(1, _BLOCK // (number * max(number, len(task.inputs) * widest)))
    blocks = (points[start : start + size] for start in range(0, len(points), size))
    with np.errstate(all="ignore"):  # an infinite or undefined number is a result
        parts = [_locate(surface_at, block) for block in blocks]
    return EndPoints(*map(np.concatenate, zip(*parts, strict=True)))


def _locate(surface_at: Callable[[Array], Surface], points: Array) -> EndPoints:
    end, found = surface_at(points), points.copy()
    defined, gradient = end.is_finite, _norm(end.gradient)
    away = defined & (gradient > STATIONARY)
    found[away] = _search(surface_at, points[away])
    there = surface_at(found)
    stationary = defined & (_norm(there.gradient) <= STATIONARY)
    eigenvalues = np.full(points.shape, np.nan)
    eigenvalues[defined] = np.linalg.eigvalsh(end.hessian[defined])
    stationary_eigenvalues, direction = np.full(points.shape, np.nan), np.zeros(points.shape)
    stationary_eigenvalues[stationary], vectors = np.linalg.eigh(there.hessian[stationary])
    direction[stationary] = vectors[:, :, 0]
    sides = [surface_at(found + step * direction).cost for step in (ASIDE, -ASIDE)]
    smallest, zero = stationary_eigenvalues[:, 0], zero_threshold(stationary_eigenvalues)
    return EndPoints(
        kind=np.select(
            [~defined, ~stationary, there.kink <= AT_KINK, smallest < -zero, smallest > zero],
            [UNDEFINED, SLOPE, KINK, SADDLE, MINIMUM],
            FLAT,
        ),
        cost=end.cost,
        gradient=gradient,
        eigenvalues=eigenvalues,
        kink=end.kink,
        least_gradient=_norm(there.gradient),
        distance=np.where(stationary, _norm(found - points), np.nan),
        stationary_cost=np.where(stationary, there.cost, np.nan),
        stationary_eigenvalues=stationary_eigenvalues,
        falls=stationary & (np.maximum(*sides) < there.cost),
    )


def _search(surface_at: Callable[[Array], Surface], start: Array) -> Array:
    """The points near by at which the gradient is smallest, as far as the search finds them."""
    points, size = start.copy(), _norm(surface_at(start).gradient)
    damping = np.full(len(start), _FIRST_DAMPING)
    for _ in range(_MAX_STEPS):
        active = np.flatnonzero((size > _ENOUGH) & (damping < _MAX_DAMPING))
        if not len(active):
            break
        here = surface_at(points[active])
        # the step that makes |gradient + hessian step|**2 + damped |step|**2 least
        damped = damping[active] * (here.hessian**2).sum(axis=(1, 2)) + _TINY
        normal = here.hessian @ here.hessian + damped[:, None, None] * np.eye(points.shape[1])
        towards = here.hessian @ here.gradient[:, :, None]
        trial = points[active] - np.linalg.solve(normal, towards)[:, :, 0]
        there = surface_at(trial)
        better = there.is_finite & (_norm(trial - start[active]) <= NEAR)
        better &= _norm(there.gradient) < size[active]
        points[active[better]] = trial[better]
        size[active[better]] = _norm(there.gradient[better])
        damping[active] = np.maximum(damping[active] * np.where(better, 0.3, 4.0), _MIN_DAMPING)
    return points


def zero_threshold(eigenvalues: Array) -> Array:
    """Up to which size each seed's eigenvalues, (seeds, weights), count as 0."""
    zero: Array = np.maximum(ZERO * np.abs(eigenvalues).max(axis=1), MIN_ZERO)
    return zero


def _norm(vectors: Array) -> Array:
    norm: Array = np.sqrt((vectors * vectors).sum(axis=1))
    return norm
