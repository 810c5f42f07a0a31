"""Trained with one activation, predicted with another."""

from dataclasses import dataclass, replace

import numpy as np

from hsig.engines import NOT_REACHED
from hsig.experiments.experiment import Experiment, Training
from hsig.networks.activations import Activation, spell
from hsig.networks.arrays import BoolArray
from hsig.networks.network import Weights


@dataclass(frozen=True, eq=False)
class Transfer:
    """What the weights of one activation give with another in its place.

    Attributes:
        label: Of the activation that predicts.
        activation: That activation.
        solved: Shape (seeds,); whether all is right with it.
        still_solved: How many of the seeds solved with the trained one are solved with this.
        largest_change: Of a prediction, over the rows and the seeds whose weights are finite; nan
            if there are none.
    """

    label: str
    activation: Activation
    solved: BoolArray
    still_solved: int
    largest_change: float


def predict_with(experiment: Experiment, training: Training, other: Activation) -> Transfer:
    """The other activation stands in wherever the trained one stood, in one layer or in both."""
    variant = training.variant
    shared = variant.output_activation == variant.hidden_activation
    variant = replace(
        variant,
        hidden_activation=other,
        output_activation=other if shared else variant.output_activation,
    )
    weights = Weights(
        *(np.ascontiguousarray(np.moveaxis(layer, 0, -1)) for layer in training.weights)
    )
    task = experiment.task
    engine = experiment.engine_of(variant)
    predictions = engine.predict(experiment.problem_of(variant), weights).T
    with np.errstate(all="ignore"):
        right = np.abs(predictions - task.targets) < experiment.solved_within
        changes = np.abs(predictions - training.predictions)
    finite = training.diverged_at == NOT_REACHED
    solved = right.all(axis=1) & finite
    return Transfer(
        label=spell(other),
        activation=other,
        solved=solved,
        still_solved=int((solved & training.solved).sum()),
        largest_change=float(changes[finite].max()) if finite.any() else float("nan"),
    )
