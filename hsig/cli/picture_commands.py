"""The commands that make something to look at: what each takes."""

from enum import StrEnum
from typing import Annotated

import typer

from hsig.cli.options import EVERY_KEY, Output, command, complete_run
from hsig.config.keys import complete_comparison
from hsig.results.kinds import KINDS, THEMES

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
    from hsig.cli.plotting import plot_results

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
    from hsig.cli.reporting import write_report

    write_report(runs or ["latest"], output)


@command("hsig tour")
def tour() -> None:
    """Walk through the question in five short steps, each run for real. Nothing is kept."""
    from hsig.cli import app, touring

    touring.tour(lambda words: app(words, prog_name="hsig", standalone_mode=False) or 0)
