"""What is said of a task that its own numbers make hard or impossible, before it is trained."""

from collections.abc import Iterable, Sequence

from hsig.analysis.obstacles import (
    OutOfReach,
    off_scale,
    out_of_reach,
    reaching_output,
)
from hsig.config.values import Json, plain
from hsig.experiments.experiment import Experiment, Variant
from hsig.networks.activations import is_row, spell
from hsig.reports.numbers import listed, short


def warnings_of(experiments: Iterable[Experiment]) -> tuple[str, ...]:
    """What is to be said of some experiments before they are trained, each thing once."""
    found: dict[str, None] = {}
    for experiment in experiments:
        for message in (*_of_targets(experiment), *_of_inputs(experiment)):
            found.setdefault(f"{experiment.task.name}: {message}")
        for message in _of_formulas(experiment):
            found.setdefault(message)
    return tuple(found)


def told_out_of_reach(found: OutOfReach, names: Sequence[str] = ()) -> str:
    """Which targets an output cannot be near enough to, and why.

    Args:
        found: Of an output.
        names: Of several outputs of which it is true; by default its own.
    """
    (lowest, highest), (low, high) = found.targets, found.output.range
    several = "their values" if len(names) > 1 else "its values"
    return (
        f"no output of {listed(names or [spell(found.output)])} can be within "
        f"{short(found.within)} of {len(found.samples)} of the {found.of} targets (they range "
        f"from {short(lowest)} to {short(highest)}; {several} from {short(low)} to {short(high)})"
    )


def out_of_reach_document(experiment: Experiment, variant: Variant) -> Json:
    """The same for other programs; null if there is no such target."""
    found = out_of_reach(experiment, variant)
    if found is None:
        return None
    return {
        "samples": list(found.samples),
        "of": found.of,
        "targets": list(found.targets),
        "output": plain(list(found.output.range)),
        "within": found.within,
    }


def _of_targets(experiment: Experiment) -> list[str]:
    """Of each range of outputs that cannot reach some target, with all outputs that have it."""
    named: dict[tuple[float, float], list[OutOfReach]] = {}
    for variant in experiment.variants:
        found = out_of_reach(experiment, variant)
        if found is not None:
            named.setdefault(found.output.range, []).append(found)
    instead = reaching_output(experiment.loss).name
    return [
        f"{told_out_of_reach(alike[0], list(dict.fromkeys(spell(f.output) for f in alike)))}. "
        f"Use output_activation {instead}"
        for alike in named.values()
    ]


def _of_formulas(experiment: Experiment) -> list[str]:
    """Of the activations that are nobody's but the user's own."""
    used = dict.fromkeys(
        activation
        for variant in experiment.variants
        for activation in (variant.activation, variant.output_activation)
        if activation.program is not None and not is_row(activation)
    )
    if not used:
        return []
    from hsig.analysis.examination import examine
    from hsig.reports.oddities import told

    found = ((activation, examine(activation)) for activation in used)
    return [f"{spell(own)}: {'; '.join(map(told, odd))}" for own, odd in found if odd]


def _of_inputs(experiment: Experiment) -> list[str]:
    """Of the inputs that are not on the scale that initial weights are made for."""
    found = off_scale(experiment)
    if not found:
        return []
    named = listed([f"{one.name} ({short(one.low)} to {short(one.high)})" for one in found])
    return [
        "initial weights and learning rates are made for inputs of about 1 in size, which these "
        f"are not: {named}. Use scale standard, or minmax"
    ]
