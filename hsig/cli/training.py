"""`hsig train`, `hsig compare` and `hsig explain`.

Each command imports what it needs when it runs, so that help and completion are instant.
"""

import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer

from hsig.cli.options import KEEPING, TRAINING, WRITING, Output, command, new_app
from hsig.config.keys import (
    COMPARE,
    EVIDENCE_NUMBERS,
    EXPLAIN,
    TRAIN,
    complete_comparison,
    complete_words,
    set_activations,
    split_words,
    take_single_activation,
)
from hsig.errors import INTERRUPTED, UNMET, ConfigError, RunError

if TYPE_CHECKING:
    from hsig.experiments.experiment import Experiment
    from hsig.output.terminal import ConsoleTrainer
    from hsig.reports.page import Page
    from hsig.results.result import Trained
    from hsig.results.training import Trainer

train_app = new_app()
compare_app = new_app()
explain_app = new_app()

_MAX_LISTED_NUMBERS = 500_000  # of a kept result that lists every seed; the arrays have all

OneOrConfig = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="CONFIG|ACTIVATION",
        autocompletion=complete_words,
        help="A YAML file (ends in .yaml or .yml, or has a slash), an activation, or both.",
    ),
]


@command(
    train_app,
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
    from hsig.results import training

    _run_single(what or [], flags, output, TRAIN, training.train)


@command(
    compare_app,
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
        ),
    ] = None,
    *,
    flags: dict[str, str],
    output: Output,
) -> None:
    """Train several activations from the same initial weights, and show them side by side."""
    from hsig.results import comparing

    output.check()
    configs, activations = split_words(what or [])
    set_activations("activations", activations, flags)
    _run(output, configs, partial(comparing.compare, configs, flags))


@command(
    explain_app,
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
    """Say why an activation fails, with evidence, and try remedies from the same seeds.

    In place of a config, a kept run: its activation in its setting. Of several, name the one
    behind it.
    """
    from hsig.results import explaining
    from hsig.runs.listing import find_record, split_runs

    runs, labels = split_runs(output.runs, what or [], flags)
    if not runs:
        _run_single(what or [], flags, output, EXPLAIN, explaining.explain)
        return
    if len(runs) > 1 or len(labels) > 1:
        raise ConfigError(
            f"expected one kept run, and the label of one of its variants, got "
            f"{', '.join(what or [])}"
        )
    from hsig.results.opening import experiment_of_run

    output.check()
    experiment = experiment_of_run(find_record(output.runs, runs[0]), *labels)
    _run(output, [], partial(explaining.explain, experiment))


def _run_single(
    words: list[str],
    flags: dict[str, str],
    output: Output,
    command_name: str,
    train_experiment: "Callable[[Experiment, Trainer], Trained]",
) -> None:
    """Train the experiment of one activation, show its result and keep it."""
    from hsig.config.loading import load_experiment

    output.check()
    config = take_single_activation(words, flags)
    _run(
        output,
        [config] if config else [],
        lambda trainer: train_experiment(load_experiment(config, flags, command_name), trainer),
    )


def _run(
    output: Output, configs: Sequence[Path], train: "Callable[[ConsoleTrainer], Trained]"
) -> None:
    """Train, show and keep the result, and exit with its code."""
    from hsig.output.streams import print_message
    from hsig.output.terminal import ConsoleTrainer
    from hsig.reports.phrases import unmet_expectations

    started, clock = datetime.now(UTC), monotonic()
    with ConsoleTrainer(quiet=output.quiet, check=output.check_file) as trainer:
        result = train(trainer)
        complete = not trainer.interrupted and trainer.problem is None
        has_results = any(part.outcome.results for part in result.parts)
        if has_results:
            page = result.make_page(output.column_names)
            seconds = monotonic() - clock
            try:
                output.write(page)
            finally:  # what nobody reads, or no disk takes, is kept all the same
                if not output.no_save:
                    _keep(result, configs, page, output, complete, started, seconds)
        if trainer.interrupted:
            trainer.say(done=has_results)
            raise typer.Exit(INTERRUPTED)
        if trainer.problem is not None:
            raise trainer.problem
        unmet = [line for summary in result.summaries for line in unmet_expectations(summary)]
        print_message(*unmet)
        raise typer.Exit(UNMET if unmet else 0)


def _keep(
    result: "Trained",
    configs: Sequence[Path],
    page: "Page",
    output: Output,
    complete: bool,
    started: datetime,
    seconds: float,
) -> None:
    """Keep a run. Without `--runs-dir` a failure is only a warning."""
    from hsig.config.text import config_text
    from hsig.output.formats import as_json
    from hsig.output.streams import print_message
    from hsig.runs.record import keep_run
    from hsig.runs.store import NO_NOTE

    numbers = sum(
        len(e.variants) * len(e.seeds) * len(e.checkpoints) * (EVIDENCE_NUMBERS + 2)
        for e in (part.outcome.experiment for part in result.parts)
    )
    try:
        keep_run(
            output.runs,
            command=result.command,
            arguments=sys.argv[1:],
            configs={str(path): config_text(path) for path in configs},
            parts=result.parts,
            result=as_json(page, every_seed=numbers <= _MAX_LISTED_NUMBERS),
            complete=complete and all(part.outcome.complete for part in result.parts),
            started=started,
            seconds=seconds,
            note=NO_NOTE.updated(output.name, output.note),
        )
    except RunError as problem:
        if output.runs_dir is not None:
            raise
        print_message(*(f"warning: {message}" for message in problem.messages))
