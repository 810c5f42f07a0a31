"""What `hsig runs` does: list, show, compare, repeat, export and remove kept runs."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import typer
from rich.console import Group

from hsig.analysis.summary import summarise
from hsig.analysis.sweeps import pair_sweeps
from hsig.cli.options import LISTED, Format, Output
from hsig.config.keys import COMPARE
from hsig.engines.choice import ENGINES
from hsig.engines.engine import NUMERICS
from hsig.errors import ConfigError
from hsig.experiments.parallel import local_pool, run_jobs
from hsig.experiments.sweeps import CellResult, LostCell
from hsig.output.streams import note, put_bytes
from hsig.output.terminal import Watch, watch_cells
from hsig.reports.lookups import difference_page
from hsig.reports.page import Table
from hsig.reports.sweeps import difference_page as sweep_difference_page
from hsig.results.comparing import CompareResult
from hsig.results.opening import result_of
from hsig.results.result import Trained
from hsig.runs import (
    Record,
    archive,
    damage,
    different_arrays,
    digest,
    every,
    find,
    locate,
    parts_of,
    remove,
    write_note,
)
from hsig.runs.listing import (
    Repetition,
    begun_since,
    differences,
    ids_in,
    listing,
    read_conditions,
    read_since,
    with_note,
)
from hsig.runs.provenance import engines_elsewhere, machine_of
from hsig.runs.record import configs_of, under
from hsig.runs.sweeps import different_cells, read_sweep, same_digest, sweep_again

_DIFFERENT, _INTERRUPTED = 1, 130


def list_runs(
    where: Sequence[str],
    since: str | None,
    limit: int | None,
    output: Output,
    *,
    only_changed: bool,
) -> None:
    """`hsig runs list`."""
    output.check()
    conditions = read_conditions(where)
    moment = None if since is None else read_since(since, datetime.now(UTC))
    records, problems = every(output.runs)
    if not records:
        problems.append(f"{output.runs}: there are no kept runs here")
    kept = len(records)
    if moment is not None:
        records = [record for record in records if begun_since(record, moment)]
    records = [r for r in records if all(condition.holds(r) for condition in conditions)]
    if kept and not records:
        problems.append(f"none of the {kept} kept runs is so")
    if limit is None:
        limit = LISTED if output.chosen is Format.table else len(records)
    if len(records) > limit:
        problems.append(f"{len(records) - limit} older runs are not listed (--limit)")
    output.write(listing(records[:limit], ids_in(output.runs), only_changed=only_changed))
    note(*problems)


def show_run(id: str, output: Output) -> None:
    """`hsig runs show`."""
    output.check()
    record = find(output.runs, id)
    if output.columns is not None and record.command != COMPARE:
        raise ConfigError(f"--columns: is for comparisons; {record.id} is a {record.command}")
    if output.long and record.command == "sweep":
        raise ConfigError(f"--long: {record.id} is a sweep, which has a row for each cell")
    result = result_of(record)
    page = result.page
    if isinstance(result, CompareResult):
        page = result.told(output.chosen_columns)[0]
    output.write(with_note(page, record.note))
    note(*damage(record))
    if record.numerics < NUMERICS:
        note(
            f"{record.id}: was kept under numerics {record.numerics}, and verdicts have changed "
            "since: they are judged anew as far as what was kept allows. To train it again: "
            f"hsig runs rerun {record.id}"
        )


def diff_runs(names: tuple[str, str], output: Output) -> None:
    """`hsig runs diff`."""
    output.check()
    first, second = records = [find(output.runs, name) for name in names]
    if first.id == second.id:
        raise ConfigError(f"{first.id}: given twice. Expected two runs")
    settings = differences(first, second, names)
    sweeps = [record.command == "sweep" for record in records]
    if all(sweeps):
        _diff_sweeps(settings, names, records, output)
    elif any(sweeps):
        raise ConfigError(
            f"{names[sweeps.index(True)]}: is a sweep, and the other is not. Expected two sweeps, "
            "or none"
        )
    else:
        results = [(name, result_of(r)) for name, r in zip(names, records, strict=True)]
        parts = [under(name, r.asked) for name, r in results if isinstance(r, Trained)]
        configs = configs_of([part for some in parts for part in some])
        summaries = {name: summarise(outcome) for name, outcome in configs.outcomes.items()}
        output.write(difference_page(settings, configs, summaries))


def _diff_sweeps(
    settings: Table, names: tuple[str, str], records: Sequence[Record], output: Output
) -> None:
    """Write how two sweeps differ, cell by cell.

    Raises:
        ConfigError: If they have no cell in common.
    """
    try:
        two = pair_sweeps(*map(read_sweep, records))
    except ValueError as problem:
        raise ConfigError(f"{' and '.join(names)}: {problem}") from None
    output.write(sweep_difference_page(two, names, settings))


def rerun_run(id: str, output: Output) -> None:
    """`hsig runs rerun`."""
    output.check()
    record = find(output.runs, id)
    if not record.complete:
        what = "is not finished" if record.command == "sweep" else "was stopped early"
        raise ConfigError(f"{record.id}: {what}; there is nothing whole to repeat")
    repetition = (_again_sweep if record.command == "sweep" else _again)(record)
    output.write(repetition.page())
    raise typer.Exit(_DIFFERENT if repetition.different else 0)


def _again(record: Record) -> Repetition:
    """What came of training its parts again."""
    parts, elsewhere = parts_of(record), engines_elsewhere(record.about)
    for part in parts:
        if not ENGINES[part.experiment.engine].is_available():
            raise ConfigError(
                f"{record.id}: was trained by the engine {part.experiment.engine}, which was not "
                "built on this machine"
            )
    different: list[str] = []
    observed: list[str] = []
    for part in parts:
        experiment = part.outcome.experiment
        watch = Watch(quiet=False)
        (outcome,) = watch.train(experiment)
        _go_on(interrupted=watch.interrupted)
        bits, observations = different_arrays(part.outcome, outcome, elsewhere=elsewhere)
        different += bits
        observed += observations
    engines = {engine for part in parts for engine in part.outcome.experiment.engines}
    same = digest([part.outcome.experiment for part in parts]) == record.digest
    return Repetition(
        record.id,
        same,
        tuple(different),
        tuple(observed),
        machine_of(record.about, engines & elsewhere),
    )


def _again_sweep(record: Record) -> Repetition:
    """The same of a sweep."""
    wanted = sweep_again(record)
    kept = read_sweep(record)
    made: dict[tuple[str, ...], CellResult] = {}

    def take(ended: tuple[int, CellResult | LostCell]) -> int:
        number, result = ended
        if isinstance(result, CellResult):
            made[wanted.cells[number]] = result
        return wanted.experiments[number].steps

    again = run_jobs(enumerate(wanted.experiments), local_pool(wanted.experiments))
    interrupted = watch_cells(
        again,
        take,
        cells=len(wanted.cells),
        steps=sum(experiment.steps for experiment in wanted.experiments),
        draw=lambda _: Group(),
        quiet=False,
    )
    _go_on(interrupted=interrupted)
    engines = {engine for experiment in wanted.experiments for engine in experiment.engines}
    elsewhere = engines & engines_elsewhere(record.about)
    cells = [
        cell
        for cell, experiment in zip(wanted.cells, wanted.experiments, strict=True)
        if elsewhere.intersection(experiment.engines)
    ]
    different, observed = different_cells(kept, made, elsewhere=cells)
    return Repetition(
        record.id,
        same_digest(record, wanted),
        tuple(different),
        tuple(observed),
        machine_of(record.about, elsewhere),
    )


def _go_on(*, interrupted: bool) -> None:
    if interrupted:
        note("interrupted: the run was not trained to its end")
        raise typer.Exit(_INTERRUPTED)


def note_run(id: str, name: str | None, text: str | None, runs: Path) -> None:
    """`hsig runs note`."""
    folder = find(runs, id).folder
    if name is None and text is None:
        raise ConfigError("runs note: expected --name TEXT, --note TEXT or both; '' takes one away")
    made = write_note(folder, name, text)
    said = ", ".join(
        f"{part} {value}" for part, value in (("name", made.name), ("note", made.text)) if value
    )
    note(f"{folder.name}: {said or 'no name and no note'}")


def export_run(id: str, path: Path, runs: Path, *, force: bool) -> None:
    """`hsig runs export`."""
    Output(Format.json, path, force).check()
    record = find(runs, id)
    put_bytes(archive(record), path)
    note(*damage(record))


def remove_runs(ids: Sequence[str], runs: Path, *, yes: bool) -> None:
    """`hsig runs rm`."""
    for folder in dict.fromkeys(locate(runs, text) for text in ids):
        if yes or typer.confirm(f"remove {folder.name}?", err=True):
            remove(folder)
