"""What kept runs become: results, and reports of them."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from hsig.config.keys import COMPARE, EXPLAIN, SWEEP, TRAIN
from hsig.config.values import nearest
from hsig.errors import ConfigError
from hsig.experiments.experiment import Experiment
from hsig.reports.report import Figure, Report, report_of
from hsig.results.comparing import CompareResult
from hsig.results.explaining import ExplainResult
from hsig.results.pictures import KINDS, Look, picture
from hsig.results.result import Result, Trained
from hsig.results.sweeping import SweepResult
from hsig.results.training import TrainResult
from hsig.runs.listing import main_parts, settings
from hsig.runs.record import read_parts
from hsig.runs.store import Record
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
    return _KINDS[record.command](tuple(read_parts(record)))


def experiment_of_run(record: Record, label: str | None = None) -> Experiment:
    """The experiment of a variant of a kept run: with the settings, seeds and task of the run.

    Raises:
        ConfigError: If there is none of this label, or several without it.
        RunError: If a file of the record is missing or was changed.
    """
    result = result_of(record)
    if isinstance(result, SweepResult):
        raise ConfigError(
            f"{record.id}: is a sweep, whose cells are kept without their networks. Expected the "
            "settings of a cell, as flags"
        )
    known = {
        named.label: (variant, part.outcome.experiment.learning_rate_of(named), part.outcome)
        for part in result.main_parts
        for variant, named in zip(
            part.experiment.variants, part.outcome.experiment.variants, strict=True
        )
    }
    label = next(iter(known)) if label is None and len(known) == 1 else label
    if label not in known:
        what = f"{len(known)} variants." if label is None else f"no variant '{label}'."
        raise ConfigError(
            f"{record.id}: has {what}{nearest(label or '', known)} Expected the label of one "
            f"behind it: {', '.join(known)}"
        )
    variant, rate, outcome = known[label]
    return replace(
        outcome.experiment,
        variants=(replace(variant, learning_rate=None),),
        learning_rate=rate,
        until=None,
        baseline="",
        tune=(),
        tune_seeds=None,
        expect={},
    )


_PICTURES = {
    TRAIN: ("activation", "costs", "solved", "verdicts", "surface", "confusion", "fit"),
    COMPARE: ("compare", "solved", "costs", "verdicts", "confusion", "fit"),
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
