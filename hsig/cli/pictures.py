"""What makes something to look at: `hsig plot`, `hsig report` and `hsig watch`."""

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Annotated

import typer
from rich.console import Console

from hsig.activations.names import select_activations
from hsig.cli.options import (
    EVERY_KEY,
    Output,
    check_endings,
    command,
    complete_run,
    ending_of,
    new_app,
)
from hsig.cli.training import OneOrConfig
from hsig.config.keys import (
    TRAIN,
    complete_comparison,
    set_activations,
    single_config,
    split_words,
    take_single_activation,
)
from hsig.config.kinds import ListOf, Number, Whole
from hsig.config.loading import SWEPT, load_experiment, load_flag, resolve, written_keys
from hsig.config.sweeps import load_sweep
from hsig.errors import INTERRUPTED, ConfigError
from hsig.experiments.experiment import Experiment
from hsig.experiments.snapshots import Stepper
from hsig.files import is_stream
from hsig.output.html import report_html
from hsig.output.streams import print_message, put, put_bytes
from hsig.output.terminal import ConsoleTrainer
from hsig.output.watch import STOP, Screen, keyboard, read_keys
from hsig.reports.obstacles import warnings_of
from hsig.reports.watching import MAX_SPEED, MIN_SPEED, View
from hsig.reports.watching import picture as watched_picture
from hsig.results.comparing import compare
from hsig.results.opening import report_of_run, result_of
from hsig.results.pictures import (
    KINDS,
    THEMES,
    Look,
    check_installed,
    describe_choice,
    kinds_of,
    picture,
)
from hsig.results.result import Result
from hsig.results.sweeping import sweep
from hsig.results.training import train
from hsig.runs.listing import find_record, split_runs
from hsig.runs.store import LATEST, Record, describe_damage

plot_app = new_app()
report_app = new_app()
watch_app = new_app()

_FORMATS = ("png", "svg", "pdf")
_CHECKPOINTS = 100  # of what is trained for a picture, unless somebody says otherwise
_MAX_FINE_SEEDS = 10_000  # of more, so many checkpoints would take much memory
_FILE = Path("hsig-report.html")
_ENDINGS = ("html", "htm")
_EPOCHS = ListOf(Whole(0), "epochs")  # that a picture shows
_SPEED = Number(MIN_SPEED, MAX_SPEED)
_DUMB = ("dumb", "unknown")
_PICTURE_S = 1 / 12  # from one to the next
_TRAINING_S = 0.7 * _PICTURE_S  # of it, so that keys are heard

# the words are in a table, which a type checker does not read
Kind = StrEnum("Kind", {name: name for name in KINDS})  # type: ignore[misc]
Theme = StrEnum("Theme", {name: name for name in THEMES})  # type: ignore[misc]


# what is drawn: names, the results that they have, and the kind that says most of these
_Subject = tuple[Sequence[str], Sequence[Result], str | None]
_FILED = ("output", "force", "runs_dir", "quiet")


def _complete(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Runs, then activations and configs."""
    return complete_run(ctx, incomplete) + [(word, "") for word in complete_comparison(incomplete)]


@command(
    plot_app,
    "hsig plot hard",
    "hsig plot latest",
    "hsig plot hard --kind surface --seed 0 --at 0,400,4000 -o surface.svg",
    "hsig plot tanh relu hard --kind solved --theme dark",
    "hsig plot configs/map-question.yaml -o map.pdf",
    options=_FILED,
    keys=EVERY_KEY,
)
def plot(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN|CONFIG|ACTIVATION",
            autocompletion=_complete,
            help="Kept runs (an id, a name, latest, latest~1), or what to train for it: YAML "
            "files, activations. Without any: the latest run.",
        ),
    ] = None,
    kind: Annotated[
        Kind | None,
        typer.Option(
            "--kind",
            "-k",
            help=f"{'; '.join(f'{name}: {shows}' for name, shows in KINDS.items())}. "
            "[default: by what it is given]",
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at",
            metavar="EPOCHS,...",
            help="When activation and surface look. [default: start, a tenth of the budget, end]",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", metavar="N", help="The one seed that activation and surface show."),
    ] = None,
    variant: Annotated[
        str | None,
        typer.Option(
            "--variant", metavar="LABEL", help="Which of several activation and surface show."
        ),
    ] = None,
    theme: Annotated[
        Theme | None, typer.Option("--theme", help="Its colours. [default: light]")
    ] = None,
    *,
    flags: dict[str, str],
    output: Output,
) -> None:
    """Draw a picture: of an activation and what happens on it, or of a result. Needs matplotlib.

    What a run lacks, such as the networks on the way, is trained again, to the same bits. The
    file's ending tells its format: .png, .svg or .pdf. Its path is printed, and on stderr what it
    shows.
    """
    check_installed("matplotlib")
    check_endings(output.files, _FORMATS, ".png, .svg or .pdf")
    if output.files:
        output.check_file()
    epochs = None if at is None else load_flag("--at", at, _EPOCHS)
    look = Look(variant=variant, at=epochs, seed=seed, theme=theme or THEMES[0])
    names, results, usual = _find_results(what or [], flags, output)
    chosen = kind or usual or next(iter(kinds_of(results)), None)
    try:
        drawn = picture(results, chosen, look, names)
        choice = describe_choice(chosen, results, names, look)
    except ConfigError as problem:
        raise ConfigError([_as_flag(message) for message in problem.messages]) from None
    if not output.files:
        output = output._replace(output=[Path(f"hsig-{chosen}.{_FORMATS[0]}")])
        output.check_file()
    from hsig.figures.picture import save

    def save_to(path: Path) -> None:
        put_bytes(save(drawn, _FORMATS[0] if is_stream(path) else ending_of(path)), path)

    output.put_each(save_to)
    if choice:
        print_message(f"{choice}. Choose another with --variant")
    if not output.quiet:
        print_message(drawn.caption.title)
    _put_names(output.files)


def _put_names(files: Sequence[Path]) -> None:
    """Say on stdout where the result is."""
    put("".join(f"{path}\n" for path in files if not is_stream(path)), None)


def _as_flag(message: str) -> str:
    """A complaint of an option, as it is typed."""
    where = message.partition(":")[0]
    return f"--{message}" if where in ("at", "kind", "seed", "variant") else message


def _find_results(words: list[str], flags: dict[str, str], output: Output) -> _Subject:
    """What is drawn: what was kept, or what is trained for it."""
    if not words and not flags:
        words = [LATEST]
    runs, others = split_runs(output.runs, words, flags)
    if not runs:
        return _train_for_picture(words, flags, output)
    if others:
        raise ConfigError(
            f"{', '.join(others)}: goes without kept runs, such as {runs[0]}. Expected runs, or "
            "what is to be trained"
        )
    records = _find_records(output, runs)
    names = [record.note.name or record.id.partition(".")[0] for record in records]
    return names, [result_of(record) for record in records], None


def _find_records(output: Output, runs: Sequence[str]) -> list[Record]:
    """The records that are meant, each once; what is wrong with them is told."""
    records = {record.id: record for record in (find_record(output.runs, run) for run in runs)}
    print_message(*(told for record in records.values() for told in describe_damage(record)))
    return [*records.values()]


def _train_for_picture(words: list[str], flags: dict[str, str], output: Output) -> _Subject:
    """What is trained for a picture, and not kept."""
    configs, activations = split_words(words)
    config = configs[0] if configs else None
    written = written_keys(configs[0]) if len(configs) == 1 else frozenset[str]()
    if SWEPT in written:
        set_activations("activation", activations, flags)
        return [""], [sweep(load_sweep(config, flags))], None
    notice = "there is no picture"
    trainer = ConsoleTrainer(quiet=output.quiet, check=output.check_file, notice=notice)
    result: Result
    named = len(activations) > 1 or any(map(select_activations, activations))
    several = len(configs) > 1 or named or "activations" in flags
    if several or ("activations" in written and not activations):
        set_activations("activations", activations, flags)
        result, kind = compare(configs, flags, trainer), None
    else:
        set_activations("activation", activations, flags)
        found = resolve(single_config(configs), flags, TRAIN)
        experiment = found.experiment
        if found.origins["report_every"] == "default" and len(experiment.seeds) <= _MAX_FINE_SEEDS:
            fine = max(1, experiment.epochs // _CHECKPOINTS)
            experiment = replace(experiment, report_every=fine)
        result, kind = train(experiment, trainer), None if config else "activation"
    if trainer.interrupted:
        trainer.say()
        raise typer.Exit(INTERRUPTED)
    if trainer.problem is not None:
        raise trainer.problem
    return [""], [result], kind


@command(
    report_app,
    "hsig report latest",
    "hsig report baseline latest -o report.html",
    options=_FILED,
)
def report(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN...",
            autocompletion=complete_run,
            help="Kept runs: an id or the beginning of one, a name, latest, or latest~1. Without "
            "any: the latest.",
        ),
    ] = None,
    *,
    output: Output,
) -> None:
    """Write a page to send or to print: one HTML file with result, pictures, tables, and how to.

    The file needs no network. Needs matplotlib and Jinja2.
    """
    check_endings(output.files, _ENDINGS, ".html")
    output = output._replace(output=output.files or [_FILE])
    output.check_file()
    records = _find_records(output, runs or [LATEST])
    check_installed("matplotlib", "jinja2")
    reports = [*map(report_of_run, records)]
    output.put_each(partial(put, report_html(reports)))
    _put_names(output.files)


@command(
    watch_app,
    "hsig watch hard",
    "hsig watch sigmoid --speed 50",
    "hsig watch configs/question-hard.yaml --seeds 3,5,8",
    "hsig watch tanh --task csv:configs/circle.csv --hidden 4 --init uniform:-1,1",
    keys=TRAIN,
)
def watch(
    what: OneOrConfig = None,
    speed: Annotated[
        str | None,
        typer.Option(
            "--speed",
            metavar="EPOCHS",
            help="Epochs per second. Default: the whole budget in 20 seconds.",
        ),
    ] = None,
    *,
    flags: dict[str, str],
) -> None:
    """Watch one seed after the other train: what it predicts, its cost, its hidden units.

    Arrow keys choose the seed and the speed, space pauses, r begins again, q ends. It needs a
    terminal, and keeps nothing.
    """
    _check_terminal()
    config = take_single_activation(what or [], flags)
    experiment = load_experiment(config, flags, TRAIN)
    chosen = None if speed is None else load_flag("--speed", speed, _SPEED)
    stepper = Stepper(experiment)
    print_message(*(f"warning: {message}" for message in warnings_of([experiment])))
    view = View.begin(len(experiment.seeds), experiment.epochs, chosen)
    console = Console(force_terminal=True, force_interactive=True, highlight=False, emoji=False)
    while not view.ended:  # a process that was stopped goes on here
        with keyboard(), Screen(console) as screen:
            view = _show(experiment, stepper, view, screen)


def _check_terminal() -> None:
    """Refuse to draw where nobody sees it, or the cursor cannot be moved."""
    kind = os.environ.get("TERM", "").casefold()
    streams = {"stdin": sys.stdin, "stdout": sys.stdout}  # None where it was closed
    missing = [name for name, stream in streams.items() if not (stream and stream.isatty())]
    if missing or kind in _DUMB:
        what = f"{missing[0]} is none" if missing else f"TERM is {kind}, which moves no cursor"
        raise ConfigError(
            f"watch: needs a terminal, but {what}. For the numbers: hsig train; for pictures in "
            "files: hsig plot --kind surface"
        )


def _show(experiment: Experiment, stepper: Stepper, view: View, screen: Screen) -> View:
    """Train and draw by turns, until a key ends or stops it."""
    shown: object = None
    began = monotonic()
    while not view.ended:
        for _ in stepper.advance_to(view.epoch):
            if monotonic() - began > _TRAINING_S:
                break
        view = view.limit_to(stepper.epoch, behind=stepper.has_step_to(view.epoch))
        state = replace(view, epoch=0.0), stepper.epoch, screen.size
        if state != shown:
            screen.show(watched_picture(experiment, view, stepper.view_seed(view.place)))
            shown = state
        until = began + _PICTURE_S
        while not view.ended:
            left = until - monotonic()
            for key in read_keys(max(0.0, left)):
                if key == STOP:
                    return view
                view = view.press(key)
            if left <= 0.0:
                break
        before, began = began, monotonic()
        view = view.advance(began - before)
    return view
