"""What must hold between the keys of an experiment, each of which is right by itself."""

import os
from collections.abc import Iterator, Mapping, Sequence
from math import inf
from typing import NamedTuple

import numpy as np

from hsig.activations import SOFTMAX, Activation
from hsig.activations.names import to_text
from hsig.config.values import KeyPath
from hsig.experiments.experiment import Experiment
from hsig.networks.network import Weights
from hsig.networks.tasks import CLASS, NO_SCALE, Rows

MAX_CHECKPOINTS = 100_000
# the keys of tables, and their defaults
_OF_TABLES: Mapping[str, object] = {
    "target": None, "inputs": (), "drop": (), "missing": "refuse", "target_kind": "auto",
}  # fmt: skip


class Conflict(NamedTuple):
    """What is wrong between some keys; it is said where the first was set, or a part of it."""

    keys: tuple[str, ...]
    message: str
    path: KeyPath = ()


def find_conflicts(experiment: Experiment) -> Iterator[Conflict]:
    """All that does not go together."""
    yield from _find_loss_conflicts(experiment)
    yield from _find_layer_conflicts(experiment)
    if experiment.initial_weights is not None:
        yield from _find_weight_conflicts(experiment, experiment.initial_weights)
    for keys, holds, message in _rules(experiment):
        if not holds:
            yield Conflict(keys, message)
    yield from _find_size_conflicts(experiment)


def _rules(experiment: Experiment) -> Sequence[tuple[tuple[str, ...], bool, str]]:
    """Of some keys, what must hold, and what is said if it does not."""
    seeds, drawn = experiment.seeds, experiment.initial_weights is None
    fixed, tuned = experiment.until is None, bool(experiment.tune)
    task = experiment.task
    is_number = task.kind != CLASS and task.targets.shape[1] == 1
    is_number = is_number and not experiment.loss.needs_probabilities
    return (
        (("seeds",), drawn or len(seeds) == 1,
         "initial_weights replace the draw, so they go with exactly one seed, "
         f"got {len(seeds)} seeds"),
        (("seeds",), fixed or seeds == tuple(range(len(seeds))),
         "until adds seeds 0, 1, 2, ... in order, so it goes with a number of seeds, "
         "not with a list"),
        (("until",), fixed or drawn,
         "initial_weights go with one seed, so no seeds can be added"),
        (("tune", "until"), fixed or not tuned,
         "tune goes without until: choose the number of seeds that are reported with seeds"),
        (("tune",), drawn or not tuned,
         "initial_weights go with one seed, so there are no other seeds to choose on"),
        (("tune",), len(experiment.variants) > 1 or not tuned,
         "expected at least 2 activations to compare, got 1"),
        *(((key,), task.source is not None or getattr(experiment, key) == default,
           f"goes with a table, such as task csv:FILE, and {task.name} is none")
          for key, default in _OF_TABLES.items()),
        (("scale_target",), experiment.scale_target == NO_SCALE or is_number,
         f"goes with one target that is a number, and the loss squared; the loss is "
         f"{experiment.loss.name}, and {task.name} has "
         f"{task.targets.shape[1]} {'classes' if task.classes else 'target(s)'}"),
        (("test",), task.held_out is None or _widths(task.held_out) == _widths(task.rows),
         "expected the inputs and targets of the task, got others"),
    )  # fmt: skip


def _widths(rows: Rows) -> list[int]:
    return [part.shape[1] for part in rows]


def _find_loss_conflicts(experiment: Experiment) -> Iterator[Conflict]:
    loss, targets = experiment.loss, experiment.task.targets
    is_of_classes = loss.of_classes
    for output in dict.fromkeys(variant.output_activation for variant in experiment.variants):
        if is_of_classes != (output.name == SOFTMAX):
            yield Conflict(
                ("output_activation", "loss"),
                "the loss cross_entropy and the output softmax go with each other alone, got "
                f"{loss.name} with {to_text(output)}. Use both, or "
                f"{'loss bce' if is_of_classes else 'loss cross_entropy'}",
            )
        elif is_of_classes and not output.trains_as_logistic:
            yield Conflict(
                ("output_activation",),
                f"softmax trains with its own slope alone, got {to_text(output)}. Use softmax",
            )
    is_one_hot = np.array_equal(np.sort(targets, axis=1)[:, -2:], [[0.0, 1.0]] * len(targets))
    if is_of_classes and not (is_one_hot and np.isin(targets, (0.0, 1.0)).all()):
        yield Conflict(
            ("task", "loss"),
            "the loss cross_entropy needs a target for each class, 1 for that of the row and 0 for "
            f"the others, got such as {targets[0].tolist()}. Use bce or squared",
        )
    if not loss.needs_probabilities:
        return
    if targets.min() < 0.0 or targets.max() > 1.0:
        yield Conflict(
            ("task", "loss"),
            f"the loss {loss.name} needs targets from 0 to 1, got targets from "
            f"{targets.min():g} to {targets.max():g}. For these use loss squared, and for any "
            "number output_activation identity",
        )
    alone = not experiment.hidden and len(experiment.variants) > 1  # they differ in the output
    other = "" if alone else ", or output_activation sigmoid"
    for output in dict.fromkeys(variant.output_activation for variant in experiment.variants):
        if output.leaves_unit_interval:
            low, high = output.range
            yield Conflict(
                ("output_activation", "activation", "activations", "loss"),
                f"the loss {loss.name} needs an output from 0 to 1, but {to_text(output)} gives "
                f"{low:g} to {high:g}. Use loss squared{other}",
            )


def _find_layer_conflicts(experiment: Experiment) -> Iterator[Conflict]:
    hidden = experiment.hidden
    for variant in experiment.variants:
        count = len(variant.hidden_activations)
        if hidden and any(activation.name == SOFTMAX for activation in variant.hidden_activations):
            yield Conflict(
                ("activation", "activations"),
                f"{variant.label}: softmax is for the output, with the loss cross_entropy. Use "
                "another in hidden layers",
            )
        if count not in (1, len(hidden)):
            units = ((hidden or (3,)) * count)[:count]
            yield Conflict(
                ("activation", "activations", "hidden"),
                f"{variant.label} is for {count} hidden layers, but hidden {layer_text(hidden)} "
                f"has {len(hidden)}. Use hidden {layer_text(units)}, or an activation for each "
                "of its layers",
            )
    networks: dict[tuple[Activation, ...], list[str]] = {}
    for variant in experiment.variants:
        networks.setdefault(experiment.network_of(variant).activations, []).append(variant.label)
    for (*_, output), labels in networks.items():
        why = "" if hidden else f": of the output alone (hidden 0), which has {to_text(output)}"
        if len(labels) > 1:
            yield Conflict(
                ("activations", "activation"),
                f"{' and '.join(labels)} come to the same network{why}. Name one of them",
            )


def _find_weight_conflicts(experiment: Experiment, weights: Weights) -> Iterator[Conflict]:
    key, sizes, hidden = ("initial_weights",), experiment.sizes, experiment.hidden
    if len(weights) != len(hidden) + 1:
        yield Conflict(
            key,
            f"expected the weights of {len(hidden) + 1} layers, for hidden {layer_text(hidden)} "
            f"and the output, got {len(weights)}",
        )
        return
    fan_ins = (f"{sizes[0]} inputs", *(f"{units} hidden units" for units in hidden))
    layers = zip(weights, experiment.shapes, sizes[:-1], fan_ins, strict=True)
    for place, (layer, shape, fan_in, what) in enumerate(layers):
        rows, columns = layer.shape
        if layer.shape != shape:
            bias = " and a bias" if shape[0] > fan_in else "; this layer has no bias"
            yield Conflict(
                key,
                f"expected {shape[0]} rows of {shape[1]} ({what}{bias}), "
                f"got {rows} rows of {columns}",
                (place,),
            )


def _find_size_conflicts(experiment: Experiment) -> Iterator[Conflict]:
    epochs, every = experiment.epochs, experiment.report_every
    seeds = len(experiment.seeds) if experiment.until is None else experiment.max_seeds
    variants, needed, there = len(experiment.variants), experiment.memory_bytes, _memory_here()
    who = f"{seeds} seeds" if variants == 1 else f"{variants} variants with {seeds} seeds each"
    keys = ("report_every", "epochs", "seeds", "hidden")
    if epochs // every > MAX_CHECKPOINTS:
        yield Conflict(
            keys,
            f"{epochs} epochs reported every {every} are more than {MAX_CHECKPOINTS} checkpoints. "
            "Report less often",
        )
    elif needed > there:
        yield Conflict(
            keys,
            f"{epochs} epochs reported every {every} for {who} take about {needed / 1e9:.2g} GB, "
            f"more than fit in memory, {there / 1e9:.2g} GB. Report less often, or train fewer "
            "seeds at a time",
        )


def _memory_here() -> float:
    """The bytes of memory that this machine has; infinite if it does not say."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):  # not on every system
        return inf


def layer_text(hidden: Sequence[int]) -> str:
    """Units of the hidden layers as a flag has them: `3`, `8-8`."""
    return "-".join(map(str, hidden)) or "0"
