"""Kept runs, as the results that they were."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from hsig.config.keys import COMPARE, EXPLAIN, SWEEP, TRAIN
from hsig.experiments.experiment import Outcome
from hsig.results.comparing import CompareResult
from hsig.results.explaining import ExplainResult
from hsig.results.result import Trained
from hsig.results.sweeping import SweepResult
from hsig.results.training import TrainResult
from hsig.runs import Part, Record, parts_of
from hsig.runs.sweeps import read_sweep

_KINDS: Mapping[str, type[Trained]] = MappingProxyType(
    {TRAIN: TrainResult, COMPARE: CompareResult, EXPLAIN: ExplainResult}
)


def result_of(record: Record) -> Trained | SweepResult:
    """What a kept run came to, with all its numbers.

    Raises:
        RunError: If a file of the record is missing or was changed.
    """
    if record.command == SWEEP:
        return SweepResult(read_sweep(record), record.digest)
    return _KINDS[record.command](tuple(parts_of(record)))


def named_parts(named: Sequence[tuple[str, Trained]]) -> list[Part]:
    """The experiments of several results, with the name of each in front of their labels."""
    return [part for name, result in named for part in _under(name, result)]


def _under(name: str, result: Trained) -> list[Part]:
    made = []
    for part in result.asked:
        whole = f"{name}: {part.name}" if part.name else name
        trained = part.outcome.experiment.variants
        variants = tuple(
            replace(variant, learning_rate=own.learning_rate)
            for variant, own in zip(part.experiment.variants, trained, strict=True)
        )
        named = replace(part.experiment, variants=variants).named(whole)
        results = tuple(
            replace(result, variant=variant)
            for result, variant in zip(part.outcome.results, named.variants, strict=False)
        )
        made.append(Part(whole, part.experiment, Outcome(named, results), is_config=True))
    return made
