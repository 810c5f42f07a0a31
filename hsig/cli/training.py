"""What `train`, `compare` and `explain` do: train, show what became of it, and keep it."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import typer

from hsig.analysis.adding_seeds import first_block, join, next_block
from hsig.analysis.pairing import compared_configs
from hsig.analysis.remedies import Remedy, has_failed, judge, remedies
from hsig.analysis.summary import Summary, summarise
from hsig.analysis.tasks import over_tasks
from hsig.analysis.tuning import Tuned
from hsig.cli.options import Output
from hsig.cli.tuning import tune_and_train, tuned_of
from hsig.cli.words import (
    config_and_one_activation,
    configs_and_activations,
    name_activations,
    only,
)
from hsig.config.keys import COMPARE, EVIDENCE_NUMBERS, EXPLAIN, TRAIN
from hsig.config.loading import load_comparison, load_experiment, load_tasks
from hsig.errors import RunError
from hsig.experiments.experiment import Experiment, Outcome
from hsig.experiments.training import gather, gather_all
from hsig.experiments.workers import run_with_workers
from hsig.output.formats import as_json
from hsig.output.terminal import Watch, interrupts_ignored, note
from hsig.reports.comparison import comparison_page
from hsig.reports.configs import configs_page
from hsig.reports.explanation import explanation_page
from hsig.reports.obstacles import warnings_of
from hsig.reports.page import Page
from hsig.reports.tasks import TaskResult, tasks_page
from hsig.reports.training import training_page
from hsig.reports.words import unmet_expectations
from hsig.runs import NO_NOTE, TASK, Made, Part, keep

MET, UNMET, INTERRUPTED = 0, 1, 130
_LISTED_MOST = 500_000  # numbers, up to which a kept result lists every seed; the arrays have all


def train_one(words: list[str], flags: dict[str, str], output: Output) -> None:
    """`hsig train`."""
    output.check()
    config = config_and_one_activation(words, flags)
    _train(config, flags, TRAIN, output)


def compare_several(words: list[str], flags: dict[str, str], output: Output) -> None:
    """`hsig compare`."""
    output.check()
    configs, activations = configs_and_activations(words)
    name_activations("activations", activations, flags)
    if len(configs) > 1:
        _compare_configs(configs, flags, output)
        return
    config = only(configs)
    tasks = load_tasks(config, flags)
    if tasks:
        _compare_tasks(config, tasks, output)
    else:
        _train(config, flags, COMPARE, output)


def explain_one(words: list[str], flags: dict[str, str], output: Output) -> None:
    """`hsig explain`."""
    began = _Began.now()
    output.check()
    config = config_and_one_activation(words, flags)
    experiment = load_experiment(config, flags, EXPLAIN)
    _warn(experiment)
    watch, outcome = _outcome(experiment, output)
    parts = [Part("", experiment, outcome)]
    if _needs_remedies(outcome):
        tried = remedies(outcome.experiment)
        experiments = [remedy.experiment for remedy in tried]
        watch = Watch(*experiments, quiet=output.quiet)
        made = gather_all(experiments, watch.watch(run_with_workers(*experiments)))
        parts += [
            Part(remedy.name, remedy.experiment, result, remedy.layers)
            for remedy, result in zip(tried, made, strict=True)
            if result.complete
        ]
    _finish(EXPLAIN, [config] if config else [], parts, watch, output, began)


def _warn(*experiments: Experiment) -> None:
    """Say what the numbers of a task make hard or impossible, before it is trained."""
    note(*(f"warning: {message}" for message in warnings_of(experiments)))


@dataclass(frozen=True)
class _Began:
    """When a command began."""

    at: datetime
    clock: float

    @classmethod
    def now(cls) -> "_Began":
        return cls(datetime.now(UTC), monotonic())


def _train(config: Path | None, flags: dict[str, str], command: str, output: Output) -> None:
    """Train what a config and flags say, show what became of it, and keep it."""
    began = _Began.now()
    experiment = load_experiment(config, flags, command)
    _warn(experiment)
    if experiment.tune:
        watch, parts = tune_and_train(experiment, quiet=output.quiet)
        if not parts:
            _end(watch, [])
    else:
        watch, outcome = _outcome(experiment, output)
        parts = [Part("", experiment, outcome)]
    _finish(command, [config] if config else [], parts, watch, output, began)


def _compare_configs(configs: list[Path], flags: dict[str, str], output: Output) -> None:
    """Train what several configs say, show it side by side, and keep it."""
    began = _Began.now()
    experiments = load_comparison(configs, flags)
    _warn(*experiments.values())
    named = [experiment.named(name) for name, experiment in experiments.items()]
    watch = Watch(*named, quiet=output.quiet)
    outcomes = gather_all(named, watch.watch(run_with_workers(*named)))
    parts = [
        Part(name, experiment, outcome, is_config=True)
        for (name, experiment), outcome in zip(experiments.items(), outcomes, strict=True)
    ]
    _finish(COMPARE, configs, parts, watch, output, began)


def _compare_tasks(
    config: Path | None, experiments: Mapping[str, Experiment], output: Output
) -> None:
    """Train the same variants on several tasks, show what becomes of them, and keep it."""
    began = _Began.now()
    _warn(*experiments.values())
    parts: list[Part] = []
    left = dict(experiments)
    going_on = True
    while left and going_on:
        name = next(iter(left))
        watch, made = _train_task(name, left[name], output)
        going_on = bool(made) and not watch.interrupted and watch.problem is None
        if made:
            parts += made
            del left[name]
    if parts:  # what there was no time for has no results
        parts += [
            Part(name, experiment, Outcome(experiment.named(name), ()), is_config=True, role=TASK)
            for name, experiment in left.items()
        ]
    if not parts:
        _end(watch, [])
    _finish(COMPARE, [config] if config else [], parts, watch, output, began)


def _train_task(name: str, experiment: Experiment, output: Output) -> tuple[Watch, list[Part]]:
    """One of several tasks; the first part is what was asked for, and there may be none."""
    if experiment.tune:
        return tune_and_train(experiment, quiet=output.quiet, task=name)
    named = experiment.named(name)
    watch = Watch(named, quiet=output.quiet)
    outcome = gather(named, watch.watch(run_with_workers(named)))
    return watch, [Part(name, experiment, outcome, is_config=True, role=TASK)]


def _finish(
    command: str,
    configs: Sequence[Path],
    parts: Sequence[Part],
    watch: Watch,
    output: Output,
    began: _Began,
) -> None:
    """Show what a command made, keep it, and exit with what there is to say."""
    outcomes = [part.outcome for part in parts]
    if command == EXPLAIN and not outcomes[0].results:
        _end(watch, outcomes)
    with interrupts_ignored():  # what was done is to be written
        page, summaries = page_of(command, parts, output.chosen_columns)
        output.write(page)
        if not output.no_save and any(outcome.results for outcome in outcomes):
            whole = not watch.interrupted and watch.problem is None
            _keep(command, configs, parts, page, output, began, whole=whole)
    _end(watch, outcomes, *summaries)


def page_of(
    command: str, parts: Sequence[Part], columns: Sequence[str] = ()
) -> tuple[Page, list[Summary]]:
    """The page of what a command made, just now or when it was kept, and its numbers."""
    if parts[0].role == TASK:
        return _page_of_tasks(parts, columns)
    if parts[0].is_config:
        experiments = {part.name: part.experiment for part in parts}
        configs = compared_configs(experiments, [part.outcome for part in parts])
        summaries = {name: summarise(outcome) for name, outcome in configs.outcomes.items()}
        return configs_page(configs, summaries, columns), list(summaries.values())
    main, *tried = parts
    outcome, summary = main.outcome, summarise(main.outcome)
    if command == TRAIN:
        return training_page(outcome, summary), [summary]
    if command == COMPARE:
        summary, choice = _with_choice(main, parts)
        return comparison_page(outcome, summary, columns, choice), [summary]
    trials = [
        judge(
            Remedy(part.name, part.layers, part.outcome.experiment),
            summary.variants[0],
            summarise(part.outcome).variants[0],
        )
        for part in tried
    ]
    wanted = remedies(outcome.experiment) if _needs_remedies(outcome) else ()
    missing = max(0, len(wanted) - len(trials))
    return explanation_page(outcome, summary, trials, missing=missing), [summary]


def _page_of_tasks(parts: Sequence[Part], columns: Sequence[str]) -> tuple[Page, list[Summary]]:
    """The page of a comparison on several tasks, and the numbers of each."""
    shown = []
    for part in parts:
        if part.role == TASK:
            summary, choice = _with_choice(part, parts)
            shown.append(TaskResult(part.name, part.experiment, part.outcome, summary, choice))
    over = None
    if all(one.outcome.complete for one in shown):
        over = over_tasks(
            {one.name: one.experiment for one in shown}, {one.name: one.outcome for one in shown}
        )
    return tasks_page(shown, over, columns), [one.summary for one in shown]


def _with_choice(part: Part, parts: Sequence[Part]) -> tuple[Summary, Tuned | None]:
    """The numbers of a part, and how its learning rates were chosen, if they were."""
    summary, choice = summarise(part.outcome), tuned_of(part, parts)
    return (summary if choice is None else replace(summary, pairing=choice.pairing)), choice


def _needs_remedies(outcome: Outcome) -> bool:
    """Whether there is something to mend."""
    return outcome.complete and has_failed(outcome.results[0])


def _keep(
    command: str,
    configs: Sequence[Path],
    parts: Sequence[Part],
    page: Page,
    output: Output,
    began: _Began,
    *,
    whole: bool,
) -> None:
    """Keep a run. Where nobody asked for it in so many words, a failure is only a warning.

    Raises:
        RunError: If it cannot be kept in the folder that was asked for.
    """
    seconds = monotonic() - began.clock
    numbers = sum(
        len(e.variants) * len(e.seeds) * len(e.checkpoints) * (EVIDENCE_NUMBERS + 2)
        for e in (part.outcome.experiment for part in parts)
    )
    made = Made(
        command=command,
        arguments=tuple(sys.argv[1:]),
        configs={str(path): path.read_text(encoding="utf-8-sig") for path in configs},
        parts=parts,
        result=as_json(page, every_seed=numbers <= _LISTED_MOST),
        complete=whole and all(part.outcome.complete for part in parts),
        started=began.at,
        seconds=seconds,
        note=NO_NOTE.changed(output.name, output.note),
    )
    try:
        keep(output.runs, made)
    except RunError as problem:
        if output.runs_dir is not None:
            raise
        note(*(f"warning: {message}" for message in problem.messages))


def _outcome(experiment: Experiment, output: Output) -> tuple[Watch, Outcome]:
    """Train, and add seeds until the intervals are as narrow as was asked for."""
    if experiment.until is not None:
        experiment = first_block(experiment)
    watch = Watch(experiment, quiet=output.quiet)
    outcome = gather(experiment, watch.watch(run_with_workers(experiment)))
    while experiment.until is not None and outcome.complete and (more := next_block(outcome)):
        watch = Watch(more, quiet=output.quiet)
        block = gather(more, watch.watch(run_with_workers(more)))
        if not block.complete:  # interrupted: what is whole remains
            break
        outcome = join(outcome, block)
    return watch, outcome


def _end(watch: Watch, outcomes: Sequence[Outcome], *summaries: Summary) -> None:
    """Exit with what there is to say."""
    if watch.interrupted:
        any_result = any(outcome.results for outcome in outcomes)
        done = "this is what was done by then" if any_result else "there is no result yet"
        note(f"interrupted: {done}")
        raise typer.Exit(INTERRUPTED)
    if watch.problem is not None:
        raise watch.problem
    unmet = [line for summary in summaries for line in unmet_expectations(summary)]
    note(*unmet)
    raise typer.Exit(UNMET if unmet else MET)
