"""The surface of the mean loss about some weights, to second order.

It is the mean over the samples as a function of all weights, with the activations' own derivatives,
whatever slope was trained with. Its weights are in the order in which they are drawn: the hidden
layer's row by row, then the output's. Arrays have seeds first.

The Hessian is put together from the network's own numbers. All but two of them are known exactly;
the slope of the hidden activation's slope, and of the loss's slope in the output's pre-activation,
are central differences of fourth order in that one variable.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from hsig.networks.activations import Activation
from hsig.networks.arrays import Array, BoolArray
from hsig.networks.network import Network, Weights, seeds_last, with_bias
from hsig.networks.tasks import Task

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


def surface(network: Network, weights: Weights, task: Task) -> Surface:
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
    inputs, targets = with_bias(task.inputs), task.targets[:, :, None]
    hidden_activation, output_activation = own.activations
    bends, breaks_off = kinks(hidden_activation), kinks(output_activation)
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
            activity.seen[1],
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


def kinks(activation: Activation) -> tuple[float, ...]:
    """Where an activation has no second derivative: its value, slope or slope's slope jumps.

    >>> from hsig.networks.activations import ACTIVATIONS
    >>> kinks(ACTIVATIONS["hard"]), kinks(ACTIVATIONS["elu"]), kinks(ACTIVATIONS["tanh"])
    ((-2.5, 2.5), (0.0,), ())
    """
    found = {point.x for point in activation.function.breaks}
    for x in activation.function.ends:
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
