"""Several results side by side: configs, tasks, or runs, with their names before the labels."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from hsig.analysis.pairing import ComparedConfigs, compared_configs
from hsig.experiments.experiment import Outcome
from hsig.runs import Part


def configs_of(parts: Sequence[Part]) -> ComparedConfigs:
    """Several configs, or runs, side by side."""
    experiments = {part.name: part.experiment for part in parts}
    return compared_configs(experiments, [part.outcome for part in parts])


def under(name: str, parts: Iterable[Part]) -> list[Part]:
    """What was asked for in a result, with its name in front of the labels."""
    made = []
    for part in parts:
        whole = f"{name}: {part.name}" if part.name else name
        trained = part.outcome.experiment.variants
        variants = tuple(
            replace(variant, learning_rate=own.learning_rate)
            for variant, own in zip(part.experiment.variants, trained, strict=True)
        )
        named = replace(part.experiment, variants=variants).named(whole)
        called = dict(zip((variant.label for variant in trained), named.variants, strict=True))
        results = tuple(
            replace(result, variant=called[result.variant.label]) for result in part.outcome.results
        )
        made.append(Part(whole, part.experiment, Outcome(named, results), is_config=True))
    return made
