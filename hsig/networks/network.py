"""A network of any number of layers: forward pass, losses and gradient.

Weights are a tuple with an array for each layer, the output's last: (fan_in + 1, fan_out) for each
seed, the bias row last (a constant 1 is appended to what the layer sees); a layer without a bias
has no such row. In public, seeds are the first axis; here and in the engines they are the last, as
contiguous lanes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from hsig.activations import ACTIVATIONS, Activation
from hsig.arrays import Array, BoolArray, IntArray, sum_in_order
from hsig.networks.losses import Loss, softmax

Weights = tuple[Array, ...]


class Activity(NamedTuple):
    """What flows through the networks on the way forward; seeds last."""

    # of each layer, (samples, fan_in + 1, seeds), the bias's 1 last if it has one; of the first the
    # same for all seeds, (samples, inputs + 1, 1)
    layer_inputs: tuple[Array, ...]
    pre_activations: tuple[Array, ...]  # of each layer, (samples, fan_out, seeds)
    predictions: Array  # (samples, outputs, seeds)


@dataclass(frozen=True)
class Network:
    """What each layer does, the output last, and the loss; all but the weights."""

    activations: tuple[Activation, ...]
    loss: Loss

    @property
    def output_activation(self) -> Activation:
        """The activation of the last layer."""
        return self.activations[-1]

    @property
    def hidden_activations(self) -> tuple[Activation, ...]:
        """The activations of the layers before the output."""
        return self.activations[:-1]

    @property
    def loses_by_logit(self) -> bool:
        """Whether losses are those of the output's pre-activations, which is more exact."""
        is_exact = self.loss.of_classes or self.output_activation.is_logistic
        return is_exact and self.loss.value_of_logit is not None

    @property
    def descends_by_logit(self) -> bool:
        """Whether their slopes are too, as of every softmax."""
        has_own_slope = self.loss.of_classes or self.output_activation.trains_as_logistic
        return has_own_slope and self.loss.derivative_of_logit is not None

    def forward(self, weights: Weights, inputs: Array) -> Activity:
        """Run the networks on inputs from `append_bias`, (samples, inputs + 1, 1)."""
        layer_inputs = [inputs[:, : len(weights[0])]]
        pre_activations = [weighted_sums(layer_inputs[0], weights[0])]
        for activation, layer in zip(self.hidden_activations, weights[1:], strict=True):
            outputs = activation.value(pre_activations[-1])
            has_bias = len(layer) > outputs.shape[1]
            layer_inputs.append(append_ones(outputs) if has_bias else outputs)
            pre_activations.append(weighted_sums(layer_inputs[-1], layer))
        activate = softmax if self.loss.of_classes else self.output_activation.value
        predictions = activate(pre_activations[-1])
        return Activity(tuple(layer_inputs), tuple(pre_activations), predictions)

    def losses(self, activity: Activity, targets: Array) -> Array:
        """Loss of every sample, (samples, seeds): the sum over its outputs.

        Here and below, targets have shape (samples, outputs, 1).
        """
        if self.loses_by_logit and self.loss.value_of_logit is not None:
            each = self.loss.value_of_logit(activity.pre_activations[-1], targets)
        else:
            each = self.loss.value(activity.predictions, targets)
        return sum_in_order(each.swapaxes(0, 1))

    def output_deltas(self, activity: Activity, targets: Array) -> Array:
        """Slope of the loss in the output's pre-activations, (samples, outputs, seeds).

        nan where the prediction is nan, also where a saturated one would teach nothing.
        """
        loss, predictions = self.loss, activity.predictions
        if self.descends_by_logit and loss.derivative_of_logit is not None:
            return loss.derivative_of_logit(predictions, targets)
        slope = self.output_activation.training_slope(activity.pre_activations[-1], predictions)
        deltas = loss.derivative(predictions, targets) * slope
        if loss.zero_slope_teaches_nothing:
            deltas = np.where(slope == 0.0, 0.0 * predictions, deltas)
        return deltas

    def hidden_slopes(self, activity: Activity) -> tuple[Array, ...]:
        """Training slopes of each hidden layer, (samples, units, seeds)."""
        return tuple(
            activation.training_slope(pre_activations, outputs[:, : pre_activations.shape[1]])
            for activation, pre_activations, outputs in zip(
                self.hidden_activations,
                activity.pre_activations[:-1],
                activity.layer_inputs[1:],
                strict=True,
            )
        )

    def gradient(self, weights: Weights, activity: Activity, targets: Array) -> Weights:
        """Gradient of the mean loss over the samples of `activity`, with the training slopes.

        The gradients of all layers are taken at the same `weights`, whose shapes they have.
        """
        slopes = self.hidden_slopes(activity)
        deltas = self.output_deltas(activity, targets)
        gradient = [mean_products(activity.layer_inputs[-1], deltas)]
        for layer, slope in reversed([*enumerate(slopes)]):
            deltas = backpropagate(weights[layer + 1][: slope.shape[1]], deltas) * slope
            gradient.insert(0, mean_products(activity.layer_inputs[layer], deltas))
        return tuple(gradient)


def weighted_sums(inputs: Array, weights: Array) -> Array:
    """Pre-activations of a layer: for each unit, the inputs times its weights, in input order.

    Args:
        inputs: Shape (samples, fan_in, seeds) or (samples, fan_in, 1).
        weights: Shape (fan_in, fan_out, seeds).

    Returns:
        Shape (samples, fan_out, seeds).
    """
    columns = inputs.swapaxes(0, 1)[:, :, None]
    return sum_in_order(column * row for column, row in zip(columns, weights, strict=True))


def backpropagate(weights: Array, deltas: Array) -> Array:
    """Slope of the loss in what a layer sees but its bias: a sum over units, in their order.

    Args:
        weights: Of the layer without its bias, (fan_in, fan_out, seeds).
        deltas: Slope in its pre-activations, (samples, fan_out, seeds).

    Returns:
        Shape (samples, fan_in, seeds).
    """
    units = zip(deltas.swapaxes(0, 1)[:, :, None], weights.swapaxes(0, 1), strict=True)
    return sum_in_order(delta * column for delta, column in units)


def mean_products(inputs: Array, deltas: Array) -> Array:
    """Gradient of a layer's weights: inputs times deltas, averaged over samples, in their order.

    Args:
        inputs: Shape (samples, fan_in, seeds) or (samples, fan_in, 1).
        deltas: Shape (samples, fan_out, seeds).

    Returns:
        Shape (fan_in, fan_out, seeds).
    """
    rows = zip(inputs[:, :, None, :], deltas[:, None, :, :], strict=True)
    return sum_in_order(seen * delta for seen, delta in rows) / len(inputs)


def append_ones(outputs: Array) -> Array:
    """Append the bias's constant 1 to the outputs of a layer, (samples, units, seeds)."""
    samples, units, seeds = outputs.shape
    extended = np.ones((samples, units + 1, seeds))
    extended[:, :-1] = outputs
    return extended


def append_bias(inputs: Array) -> Array:
    """Append the bias's constant 1 to the inputs of a task: (samples, inputs + 1, 1)."""
    return append_ones(inputs[:, :, None])


def all_finite(weights: Weights) -> BoolArray:
    """Whether every weight of a seed is a finite number, shape (seeds,); seeds last in."""
    finite: BoolArray = np.logical_and.reduce(
        [np.isfinite(layer).all(axis=(0, 1)) for layer in weights]
    )
    return finite


def seeds_first(array: Array) -> Array:
    """Turn an engine's array, seeds last, into a public one, seeds first."""
    return np.ascontiguousarray(np.moveaxis(array, -1, 0))


def seeds_last(array: Array) -> Array:
    """Turn a public array, seeds first, into an engine's, seeds last."""
    return np.ascontiguousarray(np.moveaxis(array, 0, -1))


def select_seeds(weights: Weights, seeds: IntArray | slice) -> Weights:
    """The weights of some seeds, by their places; seeds first."""
    return tuple(layer[seeds] for layer in weights)


BIASES = ("both", "hidden", "output", "none")  # which layers have one


def layer_shapes(sizes: Sequence[int], bias: str = "both") -> list[tuple[int, int]]:
    """The shape of each layer's weights, bias rows and all, from inputs over units to outputs.

    >>> layer_shapes([2, 3, 1]), layer_shapes([2, 3, 1], bias="output")
    ([(3, 3), (4, 1)], [(2, 3), (4, 1)])
    """
    hidden, output = bias in ("both", "hidden"), bias in ("both", "output")
    has_bias = [hidden] * (len(sizes) - 2) + [output]
    return [
        (fan_in + there, fan_out)
        for there, (fan_in, fan_out) in zip(has_bias, pairwise(sizes), strict=True)
    ]


def default_output_activation(hidden: Activation) -> Activation:
    """The hidden layer's own activation if it maps into [0, 1], else the logistic sigmoid."""
    return hidden if hidden.maps_into_unit_interval else ACTIVATIONS["sigmoid"]
