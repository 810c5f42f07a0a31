"""One hidden layer and one output: weights, initial weights of a seed, forward pass, losses.

Weights: hidden (inputs + 1, hidden), output (hidden + 1, 1). The last row is the bias: a constant
1 is appended to each layer's input. In public, arrays have seeds first. Here and in the engines
they have seeds last, as contiguous lanes; `experiment` turns them round.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hsig.networks.activations import ACTIVATIONS, Activation
from hsig.networks.arrays import Array, BoolArray, sum_in_order
from hsig.networks.losses import Loss


class Weights(NamedTuple):
    """The weights of many networks.

    Attributes:
        hidden: Shape (seeds, inputs + 1, hidden); in the engines (inputs + 1, hidden, seeds).
        output: Shape (seeds, hidden + 1, 1); in the engines (hidden + 1, 1, seeds).
    """

    hidden: Array
    output: Array


class Activity(NamedTuple):
    """What flows through the networks on the way forward; seeds last.

    Attributes:
        inputs: What the hidden layer sees, (samples, inputs + 1, 1), the bias's 1 last.
        hidden_pre_activations: Shape (samples, hidden, seeds).
        hidden: What the output layer sees, (samples, hidden + 1, seeds), the bias's 1 last.
        output_pre_activations: Shape (samples, 1, seeds).
        predictions: Shape (samples, 1, seeds).
    """

    inputs: Array
    hidden_pre_activations: Array
    hidden: Array
    output_pre_activations: Array
    predictions: Array


@dataclass(frozen=True)
class Network:
    """A network but for its weights: what each layer does, and what its loss is."""

    hidden_activation: Activation
    output_activation: Activation
    loss: Loss

    def forward(self, weights: Weights, inputs: Array) -> Activity:
        """Everything from the inputs to the predictions.

        Args:
            weights: Seeds last.
            inputs: From `with_bias`, shape (samples, inputs + 1, 1).
        """
        hidden_pre_activations = weighted_sums(inputs, weights.hidden)
        samples, hidden, seeds = hidden_pre_activations.shape
        outputs = np.ones((samples, hidden + 1, seeds))
        outputs[:, :-1] = self.hidden_activation.value(hidden_pre_activations)
        output_pre_activations = weighted_sums(outputs, weights.output)
        predictions = self.output_activation.value(output_pre_activations)
        return Activity(
            inputs, hidden_pre_activations, outputs, output_pre_activations, predictions
        )

    def losses(self, activity: Activity, targets: Array) -> Array:
        """Loss of every sample, (samples, 1, seeds), for targets (samples, 1, 1)."""
        if self.output_activation.is_logistic and self.loss.value_of_logit is not None:
            return self.loss.value_of_logit(activity.output_pre_activations, targets)
        return self.loss.value(activity.predictions, targets)

    def output_deltas(self, activity: Activity, targets: Array) -> Array:
        """Slope of every sample's loss in the output's pre-activation, (samples, 1, seeds).

        nan where the prediction is: that is no answer, and no saturated one.
        """
        loss, predictions = self.loss, activity.predictions
        if self.output_activation.trains_as_logistic and loss.derivative_of_logit is not None:
            return loss.derivative_of_logit(predictions, targets)
        slope = self.output_activation.training_slope(activity.output_pre_activations, predictions)
        deltas = loss.derivative(predictions, targets) * slope
        if loss.zero_slope_teaches_nothing:
            deltas = np.where(slope == 0.0, 0.0 * predictions, deltas)
        return deltas

    def gradient(self, weights: Weights, activity: Activity, targets: Array) -> Weights:
        """Gradient of the mean loss over the samples of `activity`, with the training slopes.

        Both layers' gradients are taken at the same `weights`. Shapes are those of `weights`.
        """
        output_deltas = self.output_deltas(activity, targets)
        hidden_slope = self.hidden_activation.training_slope(
            activity.hidden_pre_activations, activity.hidden[:, :-1]
        )
        hidden_deltas = output_deltas * weights.output[:-1, 0] * hidden_slope
        return Weights(
            mean_products(activity.inputs, hidden_deltas),
            mean_products(activity.hidden, output_deltas),
        )


def weighted_sums(inputs: Array, weights: Array) -> Array:
    """Pre-activations of a layer: for each unit, the inputs times its weights, in input order.

    Args:
        inputs: Shape (samples, fan_in, seeds) or (samples, fan_in, 1).
        weights: Shape (fan_in, fan_out, seeds).

    Returns:
        Shape (samples, fan_out, seeds).
    """
    products = inputs[:, :, None, :] * weights
    return sum_in_order(products.swapaxes(0, 1))


def mean_products(inputs: Array, deltas: Array) -> Array:
    """Gradient of a layer's weights: inputs times deltas, averaged over samples, in their order.

    Args:
        inputs: Shape (samples, fan_in, seeds) or (samples, fan_in, 1).
        deltas: Shape (samples, fan_out, seeds).

    Returns:
        Shape (fan_in, fan_out, seeds).
    """
    return sum_in_order(inputs[:, :, None, :] * deltas[:, None, :, :]) / len(inputs)


def with_bias(inputs: Array) -> Array:
    """The inputs of a task, (samples, inputs), as the hidden layer sees them.

    Returns:
        Shape (samples, inputs + 1, 1), the bias's 1 last.
    """
    return np.concatenate([inputs, np.ones((len(inputs), 1))], axis=1)[:, :, None]


def all_finite(weights: Weights) -> BoolArray:
    """For each seed, whether every weight is a finite number; seeds last in."""
    hidden: BoolArray = np.all(np.isfinite(weights.hidden), axis=(0, 1))
    output: BoolArray = np.all(np.isfinite(weights.output), axis=(0, 1))
    return hidden & output


def initial_weights(
    seeds: Sequence[int], inputs: int, hidden: int, low: float, high: float
) -> Weights:
    """The weights from which each seed starts, drawn as the question drew them.

    `numpy.random.RandomState(seed)`, whose stream is frozen for ever, gives `rand` for the hidden
    layer and then for the output, row by row, mapped to [low, high).

    Args:
        seeds: Each from 0 to 2**32 - 1.
        inputs: Number of inputs, without the bias.
        hidden: Number of hidden units.
        low: Smallest weight.
        high: Bound of the weights, above `low`.

    Returns:
        Weights, seeds first.

    >>> initial_weights([0], 2, 3, 0.0, 1.0).hidden[0, 0].round(4)
    array([0.5488, 0.7152, 0.6028])
    """
    hidden_count, output_count = (inputs + 1) * hidden, hidden + 1
    draws = np.empty((len(seeds), hidden_count + output_count))
    numbers = np.random.RandomState(0)  # one that starts anew: each of its own would take longer
    for row, seed in zip(draws, seeds, strict=True):
        numbers.seed(seed)
        row[:] = numbers.rand(len(row))
    values = low + (high - low) * draws
    return Weights(
        values[:, :hidden_count].reshape(-1, inputs + 1, hidden),
        values[:, hidden_count:].reshape(-1, output_count, 1),
    )


def default_output_activation(hidden: Activation) -> Activation:
    """The hidden layer's own activation if it maps into [0, 1], else the logistic sigmoid."""
    return hidden if hidden.maps_into_unit_interval else ACTIVATIONS["sigmoid"]
