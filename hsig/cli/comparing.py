"""What `hsig compare` does: on one task or several, of one config or several."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from hsig.analysis.pairing import compared_configs
from hsig.analysis.summary import Summary, summarise
from hsig.analysis.tasks import over_tasks
from hsig.analysis.tuning import Tuned
from hsig.cli.common import Began, end, finish, outcome_of, warn
from hsig.cli.options import Output
from hsig.cli.tuning import tune_and_train, tuned_of
from hsig.cli.words import configs_and_activations, name_activations, only
from hsig.config.keys import COMPARE
from hsig.config.loading import load_comparison, load_experiment, load_tasks
from hsig.experiments.experiment import Experiment, Outcome
from hsig.experiments.training import gather, gather_all
from hsig.experiments.workers import run_with_workers
from hsig.output.terminal import Watch
from hsig.reports.comparison import comparison_page
from hsig.reports.configs import configs_page
from hsig.reports.page import Page
from hsig.reports.tasks import TaskResult, tasks_page
from hsig.runs import TASK, Part


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
        _compare_one(config, flags, output)


def _compare_one(config: Path | None, flags: dict[str, str], output: Output) -> None:
    """Train what a config and flags say, show what became of it, and keep it."""
    began = Began.now()
    experiment = load_experiment(config, flags, COMPARE)
    warn(experiment)
    if experiment.tune:
        watch, parts = tune_and_train(experiment, quiet=output.quiet)
        if not parts:
            end(watch, [])
    else:
        watch, outcome = outcome_of(experiment, output)
        parts = [Part("", experiment, outcome)]
    finish(COMPARE, [config] if config else [], parts, watch, output, began, page_of)


def _compare_configs(configs: list[Path], flags: dict[str, str], output: Output) -> None:
    """Train what several configs say, show it side by side, and keep it."""
    began = Began.now()
    experiments = load_comparison(configs, flags)
    warn(*experiments.values())
    named = [experiment.named(name) for name, experiment in experiments.items()]
    watch = Watch(*named, quiet=output.quiet)
    outcomes = gather_all(named, watch.watch(run_with_workers(*named)))
    parts = [
        Part(name, experiment, outcome, is_config=True)
        for (name, experiment), outcome in zip(experiments.items(), outcomes, strict=True)
    ]
    finish(COMPARE, configs, parts, watch, output, began, page_of)


def _compare_tasks(
    config: Path | None, experiments: Mapping[str, Experiment], output: Output
) -> None:
    """Train the same variants on several tasks, show what becomes of them, and keep it."""
    began = Began.now()
    warn(*experiments.values())
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
        end(watch, [])
    finish(COMPARE, [config] if config else [], parts, watch, output, began, page_of)


def _train_task(name: str, experiment: Experiment, output: Output) -> tuple[Watch, list[Part]]:
    """One of several tasks; the first part is what was asked for, and there may be none."""
    if experiment.tune:
        return tune_and_train(experiment, quiet=output.quiet, task=name)
    named = experiment.named(name)
    watch = Watch(named, quiet=output.quiet)
    outcome = gather(named, watch.watch(run_with_workers(named)))
    return watch, [Part(name, experiment, outcome, is_config=True, role=TASK)]


def page_of(parts: Sequence[Part], columns: Sequence[str]) -> tuple[Page, list[Summary]]:
    """The page of a comparison, and its numbers."""
    if parts[0].role == TASK:
        return _page_of_tasks(parts, columns)
    if parts[0].is_config:
        experiments = {part.name: part.experiment for part in parts}
        configs = compared_configs(experiments, [part.outcome for part in parts])
        summaries = {name: summarise(outcome) for name, outcome in configs.outcomes.items()}
        return configs_page(configs, summaries, columns), list(summaries.values())
    summary, choice = _with_choice(parts[0], parts)
    return comparison_page(parts[0].outcome, summary, columns, choice), [summary]


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
    return (summary if choice is None else summary._replace(pairing=choice.pairing)), choice
