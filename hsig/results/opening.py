"""Kept runs, as the results that they were."""

from collections.abc import Mapping
from types import MappingProxyType

from hsig.config.keys import COMPARE, EXPLAIN, SWEEP, TRAIN
from hsig.results.comparing import CompareResult
from hsig.results.explaining import ExplainResult
from hsig.results.result import Trained
from hsig.results.sweeping import SweepResult
from hsig.results.training import TrainResult
from hsig.runs import Record, parts_of
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
