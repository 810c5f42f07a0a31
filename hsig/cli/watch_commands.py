"""The command that trains before one's eyes: what it takes."""

from typing import Annotated

import typer

from hsig.cli.commands import OneOrConfig
from hsig.cli.options import command
from hsig.config.keys import TRAIN


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
    from hsig.cli.watching import watch_one

    watch_one(what or [], flags, speed)
