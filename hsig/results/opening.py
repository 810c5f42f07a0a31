"""What kept runs become: results, and reports of them."""

from collections.abc import Mapping
from types import MappingProxyType

from hsig.config.keys import COMPARE, EXPLAIN, SWEEP, TRAIN
from hsig.errors import ConfigError
from hsig.reports.report import Figure, Report, report_of
from hsig.results.comparing import CompareResult
from hsig.results.explaining import ExplainResult
from hsig.results.kinds import KINDS
from hsig.results.pictures import Look, picture
from hsig.results.result import Result, Trained
from hsig.results.sweeping import SweepResult
from hsig.results.training import TrainResult
from hsig.runs.listing import main_parts, settings
from hsig.runs.record import read_parts
from hsig.runs.store import Record
from hsig.runs.sweeps import read_sweep

# --- opening -------------------------------------------------------------------------------------

# Kept runs, as the results that they were.

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
    return _KINDS[record.command](tuple(read_parts(record)))


_PICTURES = {
    TRAIN: ("activation", "costs", "solved", "verdicts", "surface"),
    COMPARE: ("compare", "solved", "costs", "verdicts"),
    EXPLAIN: ("activation", "verdicts", "costs", "surface"),
    SWEEP: ("map",),
}


def report_of_run(record: Record) -> Report:
    """The report of a kept run, with its pictures.

    Raises:
        RunError: If a file of the record is missing or was changed.
    """
    result = result_of(record)
    return report_of(
        record.meta,
        main_parts(record),
        settings(record),
        result.page,
        name=record.note.name,
        figures=_figures(result),
    )


def _figures(result: Result) -> list[Figure]:
    """The pictures of a result that say most, of those that it has."""
    from hsig.figures.picture import save

    found = []
    for kind in _PICTURES[result.command]:
        try:
            drawn = picture([result], kind, Look())
        except ConfigError:  # such as a surface of a task with other than two inputs
            continue
        svg = save(drawn, "svg").decode()
        found.append(Figure(svg, drawn.caption.alt, f"{KINDS[kind][0].upper()}{KINDS[kind][1:]}."))
    return found
