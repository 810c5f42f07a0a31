"""An experiment as the keys of a config, every value resolved; ready for JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from math import isfinite, isnan
from typing import TYPE_CHECKING

from hsig.config.keys import SAME
from hsig.experiments.experiment import Experiment, Variant
from hsig.networks.activations import Activation
from hsig.networks.network import default_output_activation

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


def resolved_keys(experiment: Experiment) -> dict[str, Json]:
    """Every key of the config with its resolved value; as a config it gives the same numbers.

    One variant is the `activation`, several are the `activations`.
    """
    weights, task = experiment.initial_weights, experiment.task
    return {
        "task": {
            "name": task.name,
            "inputs": plain(task.inputs.tolist()),
            "targets": plain(task.targets.tolist()),
        },
        **_activations(experiment.variants),
        "loss": experiment.loss.name,
        "learning_rate": experiment.learning_rate,
        "epochs": experiment.epochs,
        "update": experiment.update,
        "hidden": experiment.hidden,
        "init": {"uniform": list(experiment.init)},
        "initial_weights": weights
        and {"hidden": plain(weights.hidden.tolist()), "output": plain(weights.output.tolist())},
        "seeds": list(experiment.seeds),
        "until": experiment.until,
        "max_seeds": experiment.max_seeds,
        "solved_within": experiment.solved_within,
        "report_every": experiment.report_every,
        "at_epochs": list(experiment.at_epochs) or None,
        "cost": experiment.cost,
        "engine": experiment.engine,
        "workers": experiment.workers or "auto",
        "predict_with": [spec_document(other) for other in experiment.predict_with] or None,
        "baseline": experiment.baseline or None,
        "expect": {
            name: dict(part) if isinstance(part, Mapping) else part
            for name, part in experiment.expect.items()
        },
    }


def _activations(variants: Sequence[Variant]) -> dict[str, Json]:
    """The keys that say which activations there are, and where."""
    if len(variants) == 1:
        (variant,) = variants
        return {
            "activation": spec_document(variant.hidden_activation),
            "activations": None,
            "output_activation": spec_document(variant.output_activation),
        }
    return {
        "activation": None,
        "activations": [spec_document(variant.hidden_activation) for variant in variants],
        "output_activation": _common_output(variants),
    }


def _common_output(variants: Sequence[Variant]) -> Json:
    """The `output_activation` that gives all of them theirs; null is the default rule."""
    outputs = [variant.output_activation for variant in variants]
    hidden = [variant.hidden_activation for variant in variants]
    if outputs == [default_output_activation(activation) for activation in hidden]:
        return None
    return SAME if outputs == hidden else spec_document(outputs[0])


def spec_document(activation: Activation) -> dict[str, Json]:
    """An activation as a config would spell it in full."""
    parameters: Mapping[str, Json] = {
        name: plain(value) for name, value in activation.parameters.items()
    }
    return {"name": activation.name, **parameters, "backward": activation.backward}


def plain_fields(record: "DataclassInstance") -> dict[str, Json]:
    """A flat record's fields, ready for JSON."""
    return {name: plain(value) for name, value in asdict(record).items()}


def plain(value: Json) -> Json:
    """The value with every number that JSON cannot say as a text."""
    if isinstance(value, list):
        return [plain(part) for part in value]
    if isinstance(value, float) and not isfinite(value):
        return "NaN" if isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
