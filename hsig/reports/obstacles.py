"""Warnings before a training: what its task and its formulas make hard or impossible."""

from collections.abc import Iterable, Sequence
from math import copysign
from typing import TYPE_CHECKING

import numpy as np

from hsig.activations.names import is_in_table, to_text
from hsig.analysis.remedies import find_unreachable, find_unscaled_inputs, suitable_output
from hsig.analysis.summary import class_places
from hsig.config.features import LEFT_OUT_UNASKED
from hsig.config.values import Json, plain
from hsig.experiments.experiment import MAX_TABLE, Experiment, Variant
from hsig.experiments.measures import SOLVED
from hsig.formulas.nodes import format_formula
from hsig.networks.network import append_bias
from hsig.networks.obstacles import (
    CONTRADICTION,
    ONE_DIRECTION,
    count_right_at_most,
    find_contradictions,
)
from hsig.reports.page import listed, share, short

if TYPE_CHECKING:
    from hsig.analysis.definitions import Oddity

_MIN_MEMORY_GB = 1.0  # that is worth a word


def warnings_of(experiments: Iterable[Experiment]) -> tuple[str, ...]:
    """What is to be said of some experiments before they are trained, each thing once."""
    found: dict[str, None] = {}
    for experiment in experiments:
        of_task = (
            *_describe_left_out(experiment),
            *_describe_contradictions(experiment),
            *_describe_constant(experiment),
            *_describe_targets(experiment),
            *_describe_inputs(experiment),
            *_describe_order(experiment),
        )
        found |= dict.fromkeys(f"{experiment.task.name}: {message}" for message in of_task)
        found |= dict.fromkeys((*_describe_formulas(experiment), *_describe_memory(experiment)))
    return tuple(found)


def _describe_left_out(experiment: Experiment) -> list[str]:
    """Which columns are no inputs though nobody has said so."""
    source = experiment.task.source
    return [note for note in source.notes if note.endswith(LEFT_OUT_UNASKED)] if source else []


def _describe_memory(experiment: Experiment) -> tuple[str, ...]:
    """How much memory training takes, where it is much."""
    size = experiment.memory_bytes / 1e9
    return (f"training takes about {size:.2g} GB of memory",) if size >= _MIN_MEMORY_GB else ()


def describe_obstacle(experiment: Experiment, variant: Variant) -> str:
    """Why no weights of a variant are right on every sample; empty if nothing proves it."""
    obstacle = experiment.find_obstacle(variant)
    if obstacle == CONTRADICTION:
        return _describe_contradictions(experiment)[0]
    if obstacle == ONE_DIRECTION:
        return _describe_one_direction(experiment, variant)
    return _describe_out_of_reach(experiment, [variant]) if obstacle else ""


def _describe_out_of_reach(experiment: Experiment, variants: Sequence[Variant]) -> str:
    """Which targets the outputs of some variants, all of one range, cannot be near enough to."""
    output, targets = variants[0].output_activation, experiment.task.targets
    names = list(dict.fromkeys(to_text(variant.output_activation) for variant in variants))
    low, high = output.enclosure
    return (
        f"no output of {listed(names)} can be within {short(experiment.tolerance)} of "
        f"{len(find_unreachable(experiment, variants[0]))} of the {len(targets)} targets (they "
        f"range from {short(float(targets.min()))} to {short(float(targets.max()))}; "
        f"{'their' if len(names) > 1 else 'its'} values from {short(low)} to {short(high)})"
    )


def out_of_reach_document(experiment: Experiment, variant: Variant) -> Json:
    """The same for other programs; null if there is no such target."""
    samples, targets = find_unreachable(experiment, variant), experiment.task.targets
    if not samples:
        return None
    return {
        "samples": list(samples),
        "of": len(targets),
        "targets": [float(targets.min()), float(targets.max())],
        "output": plain(list(variant.output_activation.enclosure)),
        "within": experiment.tolerance,
    }


def _describe_targets(experiment: Experiment) -> list[str]:
    """A message for each range of outputs that cannot reach some target, naming the outputs."""
    named: dict[tuple[float, float], list[Variant]] = {}
    for variant in experiment.variants:
        if find_unreachable(experiment, variant):
            named.setdefault(variant.output_activation.enclosure, []).append(variant)
    instead = suitable_output(experiment.loss).name
    return [
        f"{_describe_out_of_reach(experiment, variants)}. Use output_activation {instead}"
        for variants in named.values()
    ]


def _describe_contradictions(experiment: Experiment) -> list[str]:
    """A message if samples with the same inputs have targets of which none is near to all."""
    task, within = experiment.task, experiment.tolerance
    inputs = append_bias(experiment.scaled_task.inputs)[:, :, 0]
    groups = find_contradictions(inputs, task.targets, within)
    if not groups:
        return []
    places = groups[0]
    column = task.targets[places, np.ptp(task.targets[places], axis=0).argmax()]
    pair = places[[int(column.argmin()), int(column.argmax())]]
    y, z = (_name_target(experiment, place) for place in pair)
    one, other = (task.places[place] + 1 if task.places else place + 1 for place in pair.tolist())
    more = f" (and so in {len(groups) - 1} more such cases)" if len(groups) > 1 else ""
    most, rows = count_right_at_most(inputs, task.targets, within), len(task.targets)
    return [
        f"rows {one} and {other} have the same inputs, but targets {y} and {z}{more}, so that no "
        f"network solves this. Whatever is trained can be right on at most {most} of the {rows} "
        f"rows ({share(most / rows)})"
    ]


def _name_target(experiment: Experiment, place: int) -> str:
    """The target of a row: its class, or its number."""
    task, target = experiment.task, experiment.task.targets[place]
    if task.classes:
        return task.classes[int(class_places(target[None])[0])]
    return listed([short(float(value)) for value in target])


def _describe_constant(experiment: Experiment) -> list[str]:
    """A message if one prediction is right on every sample."""
    targets, within = experiment.task.targets, experiment.tolerance
    spread = float(np.ptp(targets, axis=0).max())
    if spread == 0.0:
        return [f"all targets are {_name_target(experiment, 0)}: there is nothing to tell apart"]
    if not experiment.constant_solves:
        return []
    measure = experiment.chosen_measure.name
    instead = "" if measure == SOLVED else f"; claims are made of the {measure} instead"
    return [
        f"one prediction is within {short(within)} of all {len(targets)} targets (they range over "
        f"{short(spread)}), so a network that tells no samples apart counts as solved{instead}. "
        f"Use solved_within below {short(spread / 2.0)}"
    ]


def _describe_order(experiment: Experiment) -> list[str]:
    """A message if rows are trained on one after the other in the order of their targets."""
    if not is_in_order(experiment):
        return []
    forgets = "the last of them are learnt and the first forgotten in every epoch"
    return [f"the rows stand in the order of their targets, so that {forgets}. Use order shuffled"]


def is_in_order(experiment: Experiment) -> bool:
    """Whether rows are trained on one after the other in the order of their targets."""
    task, size = experiment.task, experiment.batch_size
    rows = len(task.targets)
    if experiment.order != "fixed" or size is None or size >= rows or rows <= MAX_TABLE:
        return False
    steps = np.diff(class_places(task.targets) if task.classes else task.targets[:, 0])
    rises_or_falls = bool((steps >= 0).all() or (steps <= 0).all())
    return bool(task.kind) and bool(steps.any()) and rises_or_falls


def _describe_one_direction(experiment: Experiment, variant: Variant) -> str:
    """That a network does no more than an affine function, which does not solve the task."""
    *hidden, output = experiment.network_of(variant).activations
    names = listed([*dict.fromkeys(map(to_text, hidden))])
    affine = f"the network is an affine function of the inputs, then {to_text(output)}"
    if not hidden:
        return f"without hidden layers {affine}: none solves this task. Take a hidden layer"
    if all(activation.is_linear for activation in hidden):
        return (
            f"{names} is a straight line, so that {affine}: none solves this task. Take another "
            "activation"
        )
    return (
        f"one unit of {names}, then {to_text(output)}, goes only up or only down along a line "
        "through the inputs: no such function solves this task. Take more hidden units"
    )


def _describe_formulas(experiment: Experiment) -> list[str]:
    """A message for each of the user's own formulas that is odd, or that differs elsewhere."""
    used = dict.fromkeys(
        activation
        for variant in experiment.variants
        for activation in experiment.network_of(variant).activations
        if activation.program is not None
    )
    messages = [f"{to_text(a)}: {a.caveat}" for a in used if a.caveat]
    own = [activation for activation in used if not is_in_table(activation)]
    if own:
        from hsig.analysis.definitions import find_oddities

        found = {activation: find_oddities(activation) for activation in own}
        messages += [
            f"{to_text(a)}: {'; '.join(map(describe_oddity, odd))}"
            for a, odd in found.items()
            if odd
        ]
    return messages


def _describe_inputs(experiment: Experiment) -> list[str]:
    """A message if inputs are not on the scale that initial weights are made for."""
    found = find_unscaled_inputs(experiment)
    if not found:
        return []
    named = listed([f"{i.name} ({short(i.low)} to {short(i.high)})" for i in found])
    return [
        "initial weights and learning rates are made for inputs of about 1 in size, which these "
        f"are not: {named}. Use scale standard, or minmax"
    ]


_MAX_TEXT = 60  # characters of a part that is named


def describe_oddity(found: "Oddity") -> str:
    """One oddity in a sentence without a subject."""
    from hsig.analysis.definitions import FLAT, GROWING, NAN, WRONG

    what = "its slope" if found.slope else "it"
    where = f"x = {short(round(found.x, 6))}"
    if found.kind == FLAT:
        return "its slope is 0 everywhere, so that nothing is learnt through it"
    if found.kind == GROWING:
        return f"its slope grows on and on: it is {short(round(found.found, 4))} at {where}"
    if found.kind == WRONG:
        slope, steps = (short(round(number, 6)) for number in (found.found, found.expected))
        return (
            f"the derivative that is given is not its derivative: it is {slope} at {where}, and "
            f"small steps give {steps}"
        )
    part = "" if found.part is None else format_formula(found.part, digits=6)
    cause = f", where {part} is not finite" if part and len(part) <= _MAX_TEXT else ""
    below = found.x < 0.0 or copysign(1.0, found.x) < 0.0
    side = ("below" if below else "above") if found.beyond else "near"
    there = f"{side} x = {short(round(found.x, 6) + 0.0)}"
    how = "nan" if found.kind == NAN else "infinite"
    return f"{what} is {how} {there}{cause}"
