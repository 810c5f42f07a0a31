"""The report of a kept run, with its pictures."""

from hsig.config.keys import COMPARE, EXPLAIN, SWEEP, TRAIN
from hsig.errors import ConfigError
from hsig.reports.report import Figure, Report, report_of
from hsig.results.kinds import KINDS
from hsig.results.opening import result_of
from hsig.results.pictures import Look, picture
from hsig.results.result import Result
from hsig.results.sweeping import SweepResult
from hsig.runs import Record, config_texts
from hsig.runs.listing import mains

_KINDS = {
    TRAIN: ("activation", "costs", "solved", "verdicts", "surface"),
    COMPARE: ("compare", "solved", "costs", "verdicts"),
    EXPLAIN: ("activation", "verdicts", "costs", "surface"),
    SWEEP: ("map",),
}


def report_of_run(record: Record, *, pictures: bool = True) -> Report:
    """The report of a kept run.

    Args:
        record: The run.
        pictures: Whether it has any.

    Raises:
        RunError: If a file of the record is missing or was changed.
    """
    result = result_of(record)
    return report_of(
        record.about,
        mains(record),
        result.page,
        result.outcome if isinstance(result, SweepResult) else result.summaries,
        config_texts(record),
        name=record.note.name,
        figures=_figures(result) if pictures else (),
    )


def _figures(result: Result) -> list[Figure]:
    """The pictures that there are of a result, of those that say most."""
    from hsig.figures import save

    found = []
    for kind in _KINDS[result.command]:
        try:
            drawn = picture([result.source], kind, Look())
        except ConfigError:  # such as a surface of a task with other than two inputs
            continue
        svg = save(drawn.figure, "svg").decode()
        found.append(Figure(svg, drawn.caption.alt, f"{KINDS[kind][0].upper()}{KINDS[kind][1:]}."))
    return found
