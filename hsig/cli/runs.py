"""`hsig runs`: list, show, compare, repeat, name, export and remove kept runs.

Each command imports what trains or draws when it runs, so that a list is quick.
"""

from collections.abc import Collection
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import typer

from hsig.cli.options import MAX_LISTED, WRITING, Format, Output, command, complete_run, new_app
from hsig.config.keys import COMPARE
from hsig.engines.choice import ENGINES
from hsig.engines.engine import NUMERICS
from hsig.errors import INTERRUPTED, ConfigError
from hsig.output.streams import print_message, put_bytes
from hsig.runs import listing, provenance, store
from hsig.runs.listing import find_record
from hsig.runs.store import Record, describe_damage

runs_app = new_app("List, show, compare and repeat kept runs.")

_DIFFERENT = 1
_WHICH_RUN = "An id or the beginning of one, a name, latest, or latest~1 for the one before."
_OPTIONS = ("runs_dir", *WRITING)

Id = Annotated[str, typer.Argument(metavar="ID", help=_WHICH_RUN, autocompletion=complete_run)]


@command(
    runs_app,
    "hsig runs list",
    "hsig runs list --where activation=hard --only-changed",
    "hsig runs list --where 'name=wide*' --where 'solved>=0.9' --since yesterday",
    "hsig runs list --format csv -o runs.csv",
    name="list",
    options=_OPTIONS,
)
def list_runs(
    only_changed: Annotated[
        bool, typer.Option("--only-changed", help="Show the keys in which the runs differ.")
    ] = False,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            metavar="CONDITION",
            help="Only runs of which this holds, such as activation=hard, 'name=wide*' (a pattern) "
            "or 'solved>=0.9'; a quote keeps > from the shell.",
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="WHEN",
            help="Only those begun since: yesterday, 3h, 2d, 2026-11-01, 2026-11-01T12:00.",
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            "-n",
            min=1,
            metavar="N",
            help=f"Only the newest N. [default: {MAX_LISTED} in a table, else all]",
        ),
    ] = None,
    *,
    output: Output,
) -> None:
    """List kept runs, the newest first."""
    output.check()
    conditions = listing.read_conditions(where or [])
    if since is not None:
        moment = listing.read_since(since, datetime.now(UTC))
        conditions.append(lambda record: record.started >= moment)
    records, problems = store.read_records(output.runs)
    for record in records:
        problems += describe_damage(record)
    if not records:
        problems.append(f"{output.runs}: there are no kept runs here")
    chosen = [record for record in records if all(holds(record) for holds in conditions)]
    if records and not chosen:
        problems.append(f"none of the {len(records)} kept runs is so")
    if limit is None:
        limit = MAX_LISTED if output.formats == {Format.table} else len(chosen)
    if len(chosen) > limit:
        problems.append(f"{len(chosen) - limit} older runs are not listed (--limit)")
    output.write(
        listing.listing(chosen[:limit], store.list_ids(output.runs), only_changed=only_changed)
    )
    print_message(*problems)


@command(
    runs_app,
    "hsig runs show latest",
    "hsig runs show latest --format json",
    name="show",
    options=(*_OPTIONS, "long", "columns", "full", "quiet"),
)
def show_run(id: Id, *, output: Output) -> None:
    """Show a run again, as it was shown when it ran."""
    from hsig.results.comparing import CompareResult
    from hsig.results.opening import result_of

    output.check()
    record = find_record(output.runs, id)
    if output.columns is not None and record.command != COMPARE:
        raise ConfigError(f"--columns: is for comparisons; {record.id} is a {record.command}")
    if output.long and record.is_sweep:
        raise ConfigError(f"--long: {record.id} is a sweep, which has a row for each cell")
    result = result_of(record)
    page = result.page
    if isinstance(result, CompareResult):
        page = result.make_page(output.column_names)
    output.write(listing.add_note(page, record.note))
    print_message(*describe_damage(record))
    numerics = int(record.meta["versions"]["numerics"])
    if numerics < NUMERICS:
        print_message(
            f"{record.id}: was kept under numerics {numerics}, and verdicts have changed "
            "since: they are judged anew as far as what was kept allows. To train it again: "
            f"hsig runs rerun {record.id}"
        )


@command(runs_app, "hsig runs diff latest~1 latest", name="diff", options=_OPTIONS)
def diff_runs(first: Id, second: Id, *, output: Output) -> None:
    """Show how two runs differ: their settings, and their results paired by seed if they may be."""
    from hsig.analysis.parts import prefix_labels
    from hsig.analysis.summary import summarise
    from hsig.analysis.sweeps import pair_sweeps
    from hsig.reports.lookups import difference_page
    from hsig.reports.sweeps import difference_page as sweep_difference_page
    from hsig.results.opening import result_of
    from hsig.results.result import Trained
    from hsig.runs.sweeps import read_sweep

    output.check()
    names = first, second
    records = [find_record(output.runs, name) for name in names]
    if records[0].id == records[1].id:
        raise ConfigError(f"{records[0].id}: given twice. Expected two runs")
    sweeps = [name for name, record in zip(names, records, strict=True) if record.is_sweep]
    if len(sweeps) == 1:
        raise ConfigError(
            f"{sweeps[0]}: is a sweep, and the other is not. Expected two sweeps, or none"
        )
    settings = listing.differences(records, names)
    if sweeps:
        try:
            pairs = pair_sweeps(*map(read_sweep, records))
        except ValueError as problem:
            raise ConfigError(f"{' and '.join(names)}: {problem}") from None
        output.write(sweep_difference_page(pairs, names, settings))
        return
    parts = []
    for name, record in zip(names, records, strict=True):
        result = result_of(record)
        assert isinstance(result, Trained)
        parts += prefix_labels(name, result.main_parts)
    summaries = {part.name: summarise(part.outcome) for part in parts}
    output.write(difference_page(settings, parts, summaries))


@command(
    runs_app, "hsig runs rerun latest", "hsig runs rerun latest --format json", options=_OPTIONS
)
def rerun(id: Id, *, output: Output) -> None:
    """Train a run again, and say whether every number has the same bits. Exits with 1 if not."""
    output.check()
    record = find_record(output.runs, id)
    if not record.complete:
        what = "is not finished" if record.is_sweep else "was stopped early"
        raise ConfigError(f"{record.id}: {what}; there is nothing whole to repeat")
    elsewhere = provenance.engines_elsewhere(record.meta)
    repeat = _repeat_sweep if record.is_sweep else _repeat_run
    different, observed, digest, engines = repeat(record, elsewhere)
    page = listing.repetition_page(
        record.id,
        same_digest=digest == record.digest,
        different=different,
        observed=observed,
        elsewhere=provenance.describe_machine(record.meta, engines & elsewhere),
    )
    output.write(page)
    raise typer.Exit(_DIFFERENT if different else 0)


# what differs in what was trained and in what was observed, and the digest and engines of now
_Repetition = tuple[list[str], list[str], str, set[str]]


_STOPPED = "the run was not trained to its end"


def _repeat_run(record: Record, elsewhere: Collection[str]) -> _Repetition:
    """Train the parts of a run again, and compare them with what was kept."""
    from hsig.output.terminal import ConsoleTrainer
    from hsig.runs.record import compare_outcomes, read_parts

    kept = [part.outcome for part in read_parts(record)]
    experiments = [outcome.experiment for outcome in kept]
    for engine in {experiment.engine for experiment in experiments}:
        if not ENGINES[engine].is_available():
            raise ConfigError(
                f"{record.id}: was trained by the engine {engine}, which was not built on this "
                "machine"
            )
    if changed := provenance.find_changed_files(experiments):
        raise ConfigError([f"{record.id}: {message}" for message in changed])
    different: list[str] = []
    observed: list[str] = []
    for outcome in kept:
        trainer = ConsoleTrainer(quiet=False, notice=_STOPPED)
        (again,) = trainer.train(outcome.experiment)
        if trainer.interrupted:
            trainer.say()
            raise typer.Exit(INTERRUPTED)
        bits, observations = compare_outcomes(outcome, again, elsewhere=elsewhere)
        different += bits
        observed += observations
    engines = {engine for experiment in experiments for engine in experiment.engines}
    return different, observed, provenance.digest_experiments(experiments), engines


def _repeat_sweep(record: Record, elsewhere: Collection[str]) -> _Repetition:
    """Train the cells of a sweep again, and compare them with what was kept."""
    from rich.console import Group

    from hsig.experiments.parallel import local_pool, run_jobs
    from hsig.experiments.sweeps import CellResult
    from hsig.output.signals import Interrupts
    from hsig.output.terminal import watch_cells
    from hsig.runs.sweeps import compare_cells, load_kept_sweep, read_sweep

    wanted, kept = load_kept_sweep(record), read_sweep(record)
    interrupts = Interrupts(_STOPPED)
    results = run_jobs(enumerate(wanted.experiments), local_pool(wanted.experiments))
    ended = watch_cells(
        results,
        interrupts,
        steps={number: each.steps for number, each in enumerate(wanted.experiments)},
        draw=lambda _: Group(),
        quiet=False,
    )
    again = {wanted.cells[n]: result for n, result in ended if isinstance(result, CellResult)}
    if interrupts.interrupted:
        raise typer.Exit(INTERRUPTED)
    engines = {
        cell: set(experiment.engines)
        for cell, experiment in zip(wanted.cells, wanted.experiments, strict=True)
    }
    skipped = [cell for cell, used in engines.items() if used.intersection(elsewhere)]
    different, observed = compare_cells(kept, again, elsewhere=skipped)
    return different, observed, provenance.digest_sweep(wanted), set().union(*engines.values())


@command(
    runs_app,
    "hsig runs note latest --name baseline",
    "hsig runs note baseline --note 'for the talk'",
    name="note",
    options=("name", "note", "runs_dir"),
)
def note_run(id: Id, *, output: Output) -> None:
    """Give a run a name and a note, or others than it has. Its numbers stay as they were."""
    record = find_record(output.runs, id)
    if output.name is None and output.note is None:
        raise ConfigError("runs note: expected --name TEXT, --note TEXT or both; '' takes one away")
    new = store.write_note(record.folder, output.name, output.note)
    said = [f"{part} {value}" for part, value in (("name", new.name), ("note", new.text)) if value]
    print_message(f"{record.id}: {', '.join(said) or 'no name and no note'}")


@command(
    runs_app,
    "hsig runs export latest -o run.zip",
    name="export",
    options=("runs_dir", "output", "force"),
)
def export_run(id: Id, *, output: Output) -> None:
    """Pack a run into a zip file; for its tables and numbers, see `hsig runs show --format`."""
    if not output.files:
        raise ConfigError("--output: expected the zip file to write, such as -o run.zip")
    output.check_file()
    record = find_record(output.runs, id)
    output.put_each(partial(put_bytes, store.pack_record(record)))
    print_message(*describe_damage(record))


@command(
    runs_app,
    "hsig runs rm latest",
    "hsig runs rm latest~1 latest --yes",
    name="rm",
    options=("runs_dir",),
)
def remove_runs(
    ids: Annotated[
        list[str],
        typer.Argument(metavar="ID...", help=_WHICH_RUN, autocompletion=complete_run),
    ],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    *,
    output: Output,
) -> None:
    """Remove runs."""
    for folder in dict.fromkeys(listing.find_folder(output.runs, text) for text in ids):
        if yes or typer.confirm(f"remove {folder.name}?", err=True):
            store.remove_record(folder)
