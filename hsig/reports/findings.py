"""What a report begins with: a question and three sentences for each kind of result."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, NamedTuple

from hsig.analysis.summary import Summary, VariantSummary
from hsig.analysis.sweeps import CellSummary, SweepOutcome
from hsig.experiments.experiment import Experiment
from hsig.experiments.verdicts import DIVERGED, SOLVED
from hsig.reports.comparison import answer, best_first
from hsig.reports.page import count, interval, listed, rate_of, short
from hsig.reports.phrases import CAUSES, MEANINGS, few_seeds, result_line

_CELLS_MOST, _NAMED_MOST = 3, 4  # named one by one


class Finding(NamedTuple):
    """What a report begins with.

    Attributes:
        title: What was trained, on what.
        asked: A question.
        told: The answer, in three sentences.
    """

    title: str
    asked: str
    told: tuple[str, str, str]


def found_by_training(summary: Summary) -> Finding:
    """Of one activation that was trained."""
    experiment, (numbers, *_) = summary.experiment, summary.variants
    label, task = numbers.label, experiment.task.name
    told = (_line(experiment, numbers), _the_others(numbers), _how_far(experiment))
    return Finding(f"{label} on {task}", f"Does {label} learn {task}?", told)


def found_by_explaining(summary: Summary, document: Mapping[str, Any]) -> Finding:
    """Of one activation, and the remedies that were tried.

    Args:
        summary: Its numbers.
        document: The JSON of its page.
    """
    experiment, (numbers, *_) = summary.experiment, summary.variants
    label, task = numbers.label, experiment.task.name
    if document["conclusion"]:  # the smallest remedy and the best, in two sentences
        concluded = str(document["conclusion"][0]).replace(". The best:", "; the best:")
    elif document["story"]:
        concluded = str(document["story"][0])
    else:
        concluded = "No remedy was tried"
    told = (_line(experiment, numbers), _the_others(numbers), _ended(concluded))
    asked = f"Does {label} learn {task}, and if not, why?"
    return Finding(f"{label} on {task}, explained", asked, told)


def found_by_comparing(summary: Summary) -> Finding:
    """Of several variants on one task."""
    experiment, ranked = summary.experiment, best_first(summary.variants)
    task, tuned = experiment.task.name, experiment.is_tuned
    told = answer(experiment, ranked, summary.pairing, tuned=tuned)
    few = few_seeds(experiment)
    first, *others = told or ["no variant could be trained"]
    others = [line for line in others if line not in few]
    alone = "nothing is compared: fewer than two reached the budget"
    none = alone if summary.pairing is None else "no difference was seen"
    against = others.pop() if others else none
    if not (others or few):
        others = [_how_far(experiment)]
    failed = [variant.label for variant in ranked if variant.failure]
    untrained = f"; not trained: {listed(failed)}" if failed and told else ""
    own = ", each at its own learning rate" if tuned else ""
    names = [variant.label for variant in experiment.variants]
    return Finding(
        f"{_all_of(names, 'variant')} on {task}{own}",
        f"Which of {_all_of(names, 'variant')} learns {task} most often{own}?",
        _sentences(f"{first}{untrained}", against, "; ".join([*others, *few])),
    )


def found_by_comparing_tasks(
    names: Sequence[str], summaries: Sequence[Summary], document: Mapping[str, Any]
) -> Finding:
    """Of the same variants on several tasks.

    Args:
        names: Of the variants.
        summaries: Of each task.
        document: The JSON of their page.
    """
    best = [_most(summary.experiment.task.name, summary) for summary in summaries]
    over = document["over_tasks"]
    if over is None:
        ranks = "nothing is said over the tasks"
    else:
        order = sorted(over["variants"], key=lambda variant: variant["mean_rank"])
        ranks = "mean rank over the tasks, 1 for the most solved: " + listed(
            [f"{one['label']} {one['mean_rank']:.2f}" for one in order]
        )
    corrected = "each task's claims are corrected among its own variants, not over the tasks"
    last = "; ".join([corrected, *few_seeds(summaries[0].experiment)])
    tasks = _all_of([summary.experiment.task.name for summary in summaries], "task")
    return Finding(
        f"{_all_of(names, 'variant')} on {tasks}",
        f"Which of {_all_of(names, 'variant')} learns most often, on each of {tasks}?",
        _sentences(f"most seeds solved: {'; '.join(best)}", ranks, last),
    )


def _most(task: str, summary: Summary) -> str:
    """Which variants solve most seeds of one of several tasks, whose labels have its name."""
    trained = [variant for variant in best_first(summary.variants) if not variant.failure]
    if not trained or not trained[0].solved.k:
        return f"none on {task}"
    first = [v.label.removeprefix(f"{task}: ") for v in trained if v.solved == trained[0].solved]
    return f"{listed(first)} on {task}, {rate_of(trained[0].solved)}"


def found_by_comparing_configs(names: Sequence[str], summaries: Sequence[Summary]) -> Finding:
    """Of several configs.

    Args:
        names: Of the configs.
        summaries: Of each.
    """
    ranked = best_first(variant for summary in summaries for variant in summary.variants)
    trained = [variant for variant in ranked if not variant.failure]
    best = [v for v in trained if v.solved.rate == trained[0].solved.rate and v.solved.k]
    others = [
        f"{v.label} {'not trained' if v.failure else rate_of(v.solved)}"
        for v in ranked
        if v not in best
    ]
    solved = listed([f"{v.label}, {rate_of(v.solved)} ({interval(v.solved)})" for v in best])
    few = dict.fromkeys(note for s in summaries for note in few_seeds(s.experiment))
    paired = "configs that start from the same weights are compared seed by seed, others are not"
    return Finding(
        f"{_all_of(names, 'config')} compared",
        f"Which of the configs {_all_of(names, 'config')} solves the largest share of its seeds?",
        _sentences(
            f"the largest share is solved by {solved}" if best else "no seed was solved",
            f"the others: {listed(others)}" if others else "there are no others",
            "; ".join([paired, *few]),
        ),
    )


def found_by_sweeping(sweep: SweepOutcome) -> Finding:
    """Of a map."""
    keys = " and ".join(axis.name for axis in sweep.axes)
    swept = {axis.name.partition(".")[0] for axis in sweep.axes}
    label = "a network" if "activation" in swept else sweep.base.variants[0].label
    task = "its task" if "task" in swept else sweep.base.task.name
    done = {cell: numbers for cell, numbers in sweep.summaries.items() if numbers is not None}
    trained = {cell: numbers for cell, numbers in done.items() if not numbers.failure}
    return Finding(
        f"{label} on {task}, by {keys}",
        f"How does it depend on {keys} whether {label} learns {task}?",
        _sentences(_best(sweep, trained), _half(sweep, done, trained), _elsewhere(trained)),
    )


Cells = Mapping[tuple[str, ...], CellSummary]


def _best(sweep: SweepOutcome, trained: Cells) -> str:
    """Where most seeds are solved."""
    most = max((numbers.solved.rate for numbers in trained.values()), default=0.0)
    if not most:
        return "no seed is solved in any cell"
    cells = [cell for cell, numbers in trained.items() if numbers.solved.rate == most]
    solved = trained[cells[0]].solved
    where = "; ".join(
        ", ".join(f"{axis.name} {text}" for axis, text in zip(sweep.axes, cell, strict=True))
        for cell in cells[:_CELLS_MOST]
    )
    more = len(cells) - _CELLS_MOST
    rest = f"; and {count(more, 'cell')} more" if more > 0 else ""
    which = f"the best of {count(len(trained), 'cell')} solves" if len(trained) > 1 else "it solves"
    flattered = "; to choose the best flatters it" if len(trained) > 1 and most < 1.0 else ""
    return f"{which} {rate_of(solved)} seeds ({interval(solved)}), at {where}{rest}{flattered}"


def _half(sweep: SweepOutcome, done: Cells, trained: Cells) -> str:
    """In how many cells at least half of the seeds are solved, and of how many that is."""
    half = sum(2 * numbers.solved.k >= numbers.solved.n for numbers in trained.values())
    every = len(sweep.summaries)
    early = f"; stopped early, {len(done)} of {every} are done" if len(done) < every else ""
    failed = len(done) - len(trained)
    untrained = f"; {count(failed, 'cell')} could not be trained" if failed else ""
    return (
        f"at least half of the seeds are solved in {half} of {count(len(trained), 'cell')}"
        f"{untrained}{early}"
    )


def _elsewhere(trained: Cells) -> str:
    """What became of most others where fewer than half are solved."""
    words = Counter(
        numbers.dominant
        for numbers in trained.values()
        if 2 * numbers.solved.k < numbers.solved.n and numbers.dominant
    )
    if not words:
        return "there is no cell in which fewer than half are"
    (first, cells), *others = words.most_common()
    parts = [f"{first} in {count(cells, 'cell')}", *(f"{word} in {n}" for word, n in others)]
    return f"where fewer than half are, this became of most others: {', '.join(parts)}"


# --- sentences --------------------------------------------------------------------------------


def _sentences(first: str, second: str, third: str) -> tuple[str, str, str]:
    return _ended(first), _ended(second), _ended(third)


def _ended(text: str) -> str:
    """With a capital at its beginning and a full stop at its end."""
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}."


def _all_of(names: Sequence[str], noun: str) -> str:
    """The names of a few, or how many there are."""
    if len(names) > _NAMED_MOST:
        return count(len(names), noun)
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _line(experiment: Experiment, numbers: VariantSummary) -> str:
    """The result of a variant, behind its label as it is."""
    return f"{result_line(experiment, numbers).removesuffix('.')}."


def _the_others(numbers: VariantSummary) -> str:
    """What most seeds are that were not solved; if all were, by when."""
    if numbers.failure:
        return "No seed was trained."
    failed = {word: n for word, n in numbers.verdicts.items() if word != SOLVED}
    if not failed:
        return _by_when(numbers)
    most = max(failed, key=lambda word: failed[word])
    causes = [f"{CAUSES[cause]}: {n}" for cause, n in numbers.diverged_by.items()]
    why = f" ({'; '.join(causes)})" if most == DIVERGED else ""
    have = "has" if failed[most] == 1 else "have"
    return (
        f"Of the {sum(failed.values())} that were not, {failed[most]} {have} the verdict {most}: "
        f"{MEANINGS[most]}{why}."
    )


def _by_when(numbers: VariantSummary) -> str:
    epoch, low, high = numbers.epochs_to_solve
    last = max(at for at in numbers.solved_at if at is not None)
    if len(numbers.solved_at) == 1 or not isfinite(epoch):
        return f"The last was solved by epoch {last}."
    to = f"{high:.0f}" if isfinite(high) else "not reached"
    return (
        f"Half of them were solved by epoch {epoch:.0f} (95 % interval {low:.0f} to {to}), the "
        f"last by epoch {last}."
    )


def _how_far(experiment: Experiment) -> str:
    """What a result is worth beyond itself."""
    few = few_seeds(experiment)
    if few:
        return _ended(few[0])
    rate = "chosen for each" if experiment.is_tuned else short(experiment.learning_rate)
    return (
        f"These are {count(len(experiment.seeds), 'seed')} of one setting (learning rate {rate}, "
        f"{count(experiment.epochs, 'epoch')}, initial weights from {experiment.init.summary}"
        "), which supports no claim about any other."
    )
