"""The commands: what each takes. What it does is imported when it runs."""

from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer

from hsig.cli.making import make_group
from hsig.cli.options import (
    EVERY_KEY,
    KEEPING,
    TRAINING,
    WRITING,
    File,
    Force,
    Format,
    Output,
    command,
    complete_run,
)
from hsig.config.keys import (
    COMPARE,
    EXPLAIN,
    SWEEP,
    TRAIN,
    complete_activation,
    complete_comparison,
    complete_config,
    complete_words,
)
from hsig.results.kinds import KINDS, THEMES

# --- commands ------------------------------------------------------------------------------------

# The commands that train: what each takes. What it does is imported when it runs.

OneOrConfig = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="CONFIG|ACTIVATION",
        autocompletion=complete_words,
        help="A YAML file (ends in .yaml or .yml, or has a slash), an activation, or both.",
        show_default=False,
    ),
]


@command(
    "hsig train",
    "hsig train hard --seeds 30",
    "hsig train configs/question-hard.yaml",
    "hsig train -a hard:slope=0.25,backward=logistic -l squared --init uniform:-2,2",
    "hsig train configs/smoke.yaml --expect solved_at_least=0.9 -q",
    "hsig train hard --seeds 100 --format csv --long -o costs.csv",
    options=TRAINING,
    keys=TRAIN,
)
def train(
    what: OneOrConfig = None,
    *,
    flags: dict[str, str],
    output: Output,
) -> None:
    """Train one activation; show its costs, its predictions and how many seeds it solved."""
    from hsig.cli.training import train_one

    train_one(what or [], flags, output)


@command(
    "hsig compare all",
    "hsig compare sigmoids --seeds 100 --learning-rate 0.5",
    "hsig compare tanh hard hard:slope=0.25 ultra_fast:backward=output -l squared",
    "hsig compare configs/compare-sigmoids.yaml --columns solved,interval,curve",
    "hsig compare configs/compare-sigmoids.yaml configs/xor-wide-init.yaml sigmoid hard",
    "hsig compare hidden --task parity3 --hidden 5 --format md -o table.md",
    "hsig compare sigmoid hard --tune learning_rate=log:0.01..10:13",
    "hsig compare sigmoids --task xor,parity3,and",
    "hsig compare sigmoid hard -s 3 --expect '{sigmoid: {solved_at_most: 1}}' -q",
    options=(*WRITING, "long", "columns", "full", "quiet", *KEEPING),
    keys=COMPARE,
)
def compare(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CONFIG|all|GROUP|ACTIVATION",
            autocompletion=complete_comparison,
            help="Activations or groups of them (all, sigmoids, hidden), and YAML files.",
            show_default=False,
        ),
    ] = None,
    *,
    flags: dict[str, str],
    output: Output,
) -> None:
    """Train several activations from the same initial weights, and show them side by side."""
    from hsig.cli.training import compare_several

    compare_several(what or [], flags, output)


@command(
    "hsig explain hard",
    "hsig explain hard -l squared --init uniform:-8,8 --epochs 2000",
    "hsig explain configs/question-hard.yaml --initial-weights '' --format md -o why.md",
    options=(*WRITING, "full", "quiet", *KEEPING),
    keys=EXPLAIN,
)
def explain(
    what: OneOrConfig = None,
    *,
    flags: dict[str, str],
    output: Output,
) -> None:
    """Say why an activation fails, with evidence, and try remedies from the same seeds."""
    from hsig.cli.training import explain_one

    explain_one(what or [], flags, output)


@command(
    "hsig sweep hard --learning-rate 0.1,0.3,1 --epochs 1000,4000",
    "hsig sweep sigmoid hard --learning-rate log:0.01..10:13 --init uniform:0,1,uniform:-1,1",
    "hsig sweep configs/map-rate-epochs.yaml",
    "hsig sweep configs/map-rate-epochs.yaml --seeds 50 --dry-run",
    "hsig sweep configs/map-rate-epochs.yaml --format csv -o map.csv",
    "hsig sweep --resume latest",
    options=(*WRITING, "quiet", *KEEPING),
    keys=SWEEP,
)
def sweep(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CONFIG|ACTIVATION",
            autocompletion=complete_words,
            help="A YAML file, which may have a sweep: block, activations, or both.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            "--resume",
            metavar="ID",
            help="Go on with a kept sweep, in place of a CONFIG.",
            autocompletion=complete_run,
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler",
            metavar="ADDRESS",
            help="Train on the workers of this Dask scheduler, such as tcp://10.0.0.1:8786.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the cells, and keep nothing.")
    ] = False,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Stop at the first cell that cannot be trained.")
    ] = False,
    *,
    flags: dict[str, str],
    output: Output,
) -> None:
    """Train every combination of some settings, and draw the map of what is solved where.

    A flag sweeps its key where it has several values, as in 0.1,0.3,1 or log:0.01..10:13; so does
    a sweep: block in a config, which flags beat.

    Each cell is kept as it ends: the same command goes on where it stopped, and trains only what no
    earlier sweep has.
    """
    from hsig.cli.sweeping import sweep_over

    sweep_over(
        what or [],
        flags,
        output,
        resume=resume,
        scheduler=scheduler,
        dry_run=dry_run,
        fail_fast=fail_fast,
    )


# --- lookup commands -----------------------------------------------------------------------------

# The commands that look something up: what each takes.


@command(
    "hsig activations",
    "hsig activations hard --at -3,-1,0,1,3",
    "hsig activations hard:slope=0.25,kink=open",
    "hsig activations 'x*tanh(log(1 + exp(x)))'",
    "hsig activations --format json -o activations.json",
    options=WRITING,
)
def activations(
    spec: Annotated[
        str | None,
        typer.Argument(
            metavar="ACTIVATION",
            autocompletion=complete_activation,
            help="One activation, such as hard:slope=0.25, or a formula in x; or a group, or a "
            "pattern such as 'hard*'. Without it: all.",
            show_default=False,
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="X,...", help="Also the value and slopes at these points."),
    ] = None,
    *,
    output: Output,
) -> None:
    """Show definitions: formulas, slopes, kinks, and who means what by which name."""
    from hsig.cli.lookups import show_activations

    show_activations(spec, at, output)


@command(
    "hsig power --rates 0.49,0.40",
    "hsig power --rates 0.49,0.40 --paired 0.2",
    "hsig power --rates 0.03,0.13 --format md",
    options=WRITING,
)
def power(
    rates: Annotated[
        str,
        typer.Option("--rates", metavar="A,B", help="Two solved rates, each from 0 to 1."),
    ],
    paired: Annotated[
        str | None,
        typer.Option(
            "--paired",
            metavar="SHARE",
            help="Share of the pairs in which exactly one is solved. "
            "Default: as if they were independent.",
        ),
    ] = None,
    *,
    output: Output,
) -> None:
    """Say how many seeds it takes to tell two solved rates apart, and what fewer can tell."""
    from hsig.cli.lookups import show_power

    show_power(rates, paired, output)


@command("hsig help", "hsig help rank Holm", name="help", options=WRITING)
def explain_words(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="WORD...", help="What to explain. Without it: all words."),
    ] = None,
    *,
    output: Output,
) -> None:
    """Say what the words mean that hsig uses: verdicts, columns, statistics."""
    from hsig.cli.lookups import show_words

    show_words(words or [], output)


@command(
    "hsig config show",
    "hsig config show configs/question-hard.yaml --epochs 100",
    "hsig config show --activations sigmoids --format json",
    options=WRITING,
    keys=EVERY_KEY,
)
def show(
    config: Annotated[
        Path | None,
        typer.Argument(
            metavar="CONFIG",
            autocompletion=complete_config,
            help="A YAML file.",
            show_default=False,
        ),
    ] = None,
    *,
    flags: dict[str, str],
    output: Output,
) -> None:
    """Print every resolved value, and where it came from.

    As `hsig compare` would have it where `activations` are given, else as `hsig train` would.
    """
    from hsig.cli.lookups import show_config

    show_config(config, flags, output)


@command("hsig config schema -o hsig.schema.json")
def schema(output: File = None, force: Force = False) -> None:
    """Print a JSON Schema of configs, for editors."""
    from hsig.cli.lookups import write_schema

    write_schema(Output(Format.json, output, force))


@command("hsig config new -o my.yaml")
def new(output: File = None, force: Force = False) -> None:
    """Print a commented config to start from."""
    from hsig.cli.lookups import write_starting_point

    write_starting_point(Output(Format.table, output, force))


@cache
def config() -> Any:
    """The group of the last three."""
    makers = {"show": show, "schema": schema, "new": new}
    return make_group("config", "Show, describe or start a config.", makers)


# --- picture commands ----------------------------------------------------------------------------

# The commands that make something to look at: what each takes.

# the words are in a table, which a type checker does not read
Kind = StrEnum("Kind", {name: name for name in KINDS})  # type: ignore[misc]
Theme = StrEnum("Theme", {name: name for name in THEMES})  # type: ignore[misc]

_FILED = ("output", "force", "runs_dir", "quiet")


def _complete(ctx: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Runs, then activations and configs."""
    return complete_run(ctx, incomplete) + [(word, "") for word in complete_comparison(incomplete)]


@command(
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
            show_default=False,
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
        str | None,
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
    from hsig.cli.pictures import plot_results

    plot_results(
        what or [],
        flags,
        output,
        kind=kind,
        at=at,
        seed=seed,
        variant=variant,
        theme=theme or THEMES[0],
    )


@command(
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
            show_default=False,
        ),
    ] = None,
    *,
    output: Output,
) -> None:
    """Write a page to send or to print: one HTML file with result, pictures, tables, and how to.

    It needs no network. Without matplotlib it has no pictures.
    """
    from hsig.cli.pictures import write_report

    write_report(runs or ["latest"], output)


@command("hsig tour")
def tour() -> None:
    """Walk through the question in five short steps, each run for real. Nothing is kept."""
    from hsig.cli import app, touring

    touring.tour(lambda words: app(words, prog_name="hsig", standalone_mode=False) or 0)


# --- watch commands ------------------------------------------------------------------------------

# The command that trains before one's eyes: what it takes.


@command(
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
    from hsig.cli.pictures import watch_one

    watch_one(what or [], flags, speed)
