"""The page that says why a variant failed: from its numbers and the remedies that were tried."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, NamedTuple

import numpy as np

from hsig.analysis.end_points import find_end_points
from hsig.analysis.remedies import (
    MORE_EPOCHS,
    Trial,
    best_remedy,
    find_unreachable_targets,
    smallest_remedy,
)
from hsig.analysis.statistics import CLAIM_SEEDS
from hsig.analysis.summary import Summary, Timeline, VariantSummary
from hsig.analysis.sweeps import CellSummary, SweepOutcome
from hsig.arrays import BoolArray
from hsig.config.loading import resolved_keys
from hsig.config.values import Json
from hsig.engines.engine import NOT_REACHED
from hsig.experiments.evidence import NO_BEND, NO_GRADIENT
from hsig.experiments.experiment import Experiment, Outcome, Training
from hsig.experiments.outlook import WINDOW
from hsig.experiments.verdicts import (
    AFFINE,
    DEAD,
    DIVERGED,
    FROZEN,
    PLATEAU,
    PLATEAU_DROP,
    SATURATED,
    SLOW,
    SOLVED,
    STOPPED,
    UNREACHABLE,
    UNSTABLE,
    UNSTABLE_CHANGE,
    UNSTABLE_RISE,
    VERDICTS,
)
from hsig.formulas.function import LinearPiece
from hsig.reports.comparison import answer, best_first, few_seeds
from hsig.reports.documents import (
    FAILED_VERDICTS,
    SOLVED_COLUMNS,
    counts,
    document,
    solved_columns,
    solved_or_null,
)
from hsig.reports.end_points import document_of_end_points, told_end_points
from hsig.reports.obstacles import told_out_of_reach
from hsig.reports.page import (
    Block,
    Line,
    Page,
    Table,
    brief,
    count,
    lines,
    listed,
    number,
    percent,
    short,
)
from hsig.reports.phrases import (
    CAUSES,
    GLYPHS,
    MEANINGS,
    chaos,
    heading,
    interval,
    legend,
    rate_of,
    result_line,
    verdict_bar,
    verdict_counts,
)

# --- findings ------------------------------------------------------------------------------------

# What was asked, and what came of it: a question and three sentences for each kind of result.

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


# --- story ---------------------------------------------------------------------------------------

# Why seeds were not solved, in sentences: each with the count that shows it.

_MOSTLY = 0.9  # of the diverged seeds, to speak of one cause
_PREDICTIONS_MOST = 8


def told(summary: Summary, numbers: VariantSummary, result: Training) -> tuple[str, ...]:
    """The paragraphs about a variant: what most of the seeds that failed are, and what else."""
    if not numbers.solved.n - numbers.solved.k:
        return ("Every seed is solved: there is nothing to explain.", *chaos(numbers))
    diseases = {word: n for word, n in numbers.verdicts.items() if word != SOLVED}
    disease = max(diseases, key=lambda word: diseases[word])
    teller = _Teller(summary, numbers, result)
    return (
        f"Of {count(numbers.solved.n, 'seed')}: {verdict_counts(numbers)}.",
        *(teller.out_of_reach() if disease != UNREACHABLE else ()),
        teller.is_(disease),
        teller.beside(),
        *chaos(numbers),
    )


def solved_later(
    numbers: VariantSummary, result: Training, trials: Sequence[Trial]
) -> dict[str, tuple[int, int]]:
    """Of the seeds of each verdict, how many a longer training solves later, and of how many.

    Those are counted that are solved for the first time behind the end of the budget. Nothing if
    no longer training was tried.
    """
    longer = [trial.numbers for trial in trials if trial.numbers.epochs[-1:] > numbers.epochs[-1:]]
    if not longer or longer[0].seeds != result.seeds:
        return {}
    end = numbers.epochs[-1]
    solved = np.array([epoch is not None and epoch > end for epoch in longer[0].solved_at])
    words = np.array(VERDICTS)[result.verdict]
    return {
        word: (int((solved & (words == word)).sum()), count_of)
        for word, count_of in numbers.verdicts.items()
        if word != SOLVED
    }


def told_later(numbers: VariantSummary, found: Mapping[str, tuple[int, int]]) -> tuple[str, ...]:
    """What `solved_later` found, as a sentence."""
    if not found:
        return ()
    parts = ", ".join(f"{solved} of {of} {word}" for word, (solved, of) in found.items())
    return (
        f"Trained for {MORE_EPOCHS} times the {numbers.epochs[-1]} epochs, of the same seeds are "
        f"solved later: {parts}.",
    )


class _Teller:
    """Sentences about the seeds of a variant that failed."""

    def __init__(self, summary: Summary, numbers: VariantSummary, result: Training) -> None:
        self._experiment, self._fit = summary.experiment, summary.affine
        self._numbers, self._result = numbers, result
        self._words = np.array(VERDICTS)[result.verdict]
        self._failed = self._words != SOLVED
        self._evidence, self._outlook = result.evidence.select_checkpoint(-1), result.outlook

    def is_(self, disease: str) -> str:
        """What it is, with the numbers that show it."""
        seeds = self._words == disease
        of = f"{seeds.sum()} of {self._failed.sum()} failed seeds"
        return {
            STOPPED: self._stopped,
            UNREACHABLE: self._unreachable,
            AFFINE: self._affine,
            DEAD: self._dead,
            FROZEN: self._frozen,
            SATURATED: self._saturated,
            UNSTABLE: self._unstable,
            DIVERGED: self._diverged,
            PLATEAU: self._plateau,
            SLOW: self._slow,
        }[disease](seeds, of)

    def out_of_reach(self) -> tuple[str, ...]:
        """That some targets are beyond what the output can give, if so."""
        found = find_unreachable_targets(self._experiment, self._result.variant)
        if found is None:
            return ()
        told = told_out_of_reach(found)
        return (f"{told[0].upper()}{told[1:]}: with this output no seed can be solved.",)

    def beside(self) -> str:
        """How many of the failed seeds have each property, whatever their verdict."""
        seen, failed = self._evidence, self._failed
        named = {
            "a hidden layer without any slope": seen.dead,
            "an output that is flat on every wrong sample": seen.saturated,
            f"an output within {NO_BEND:g} of affine": seen.affine,
            "a weight that is not finite": self._result.diverged_at != NOT_REACHED,
        }
        found = ", ".join(f"{name}: {(has & failed).sum()}" for name, has in named.items())
        of = f"Of the {failed.sum()} failed seeds, whatever their verdict"
        return f"{of}: {found}.{self._sizes()}"

    def _sizes(self) -> str:
        gradient = self._evidence.gradient[self._failed]
        gradient = gradient[np.isfinite(gradient).all(axis=1)]
        if not len(gradient):
            return ""
        hidden, *_, output = np.median(gradient, axis=0)
        return (
            f" The gradient's median size is {hidden:.2g} in the hidden layer and {output:.2g} in "
            f"the output, over {len(gradient)} where it is finite; in the hidden layer it is "
            f"exactly 0 for {int((gradient[:, 0] == 0.0).sum())}."
        )

    def _cost(self, seeds: BoolArray) -> str:
        return number(float(np.median(self._result.cost_mean[seeds, -1])))

    def _stopped(self, seeds: BoolArray, of: str) -> str:
        del seeds
        return f"Training was stopped before its budget, so why {of} failed is not known."

    def _unreachable(self, seeds: BoolArray, of: str) -> str:
        del seeds
        (told,) = self.out_of_reach()
        return f"{told} That holds whatever the weights, so why {of} failed needs no other reason."

    def _affine(self, seeds: BoolArray, of: str) -> str:
        fit, samples = self._fit, len(self._experiment.task.targets)
        shown = fit.predictions.ravel()[:_PREDICTIONS_MOST]
        predicted = ", ".join(short(round(float(p), 6)) for p in shown)
        more = ", ..." if samples > _PREDICTIONS_MOST else ""
        fitted = "logistic" if self._experiment.loss.needs_probabilities else "least-squares"
        exactly = int((self._evidence.on_one_piece[seeds] == 1.0).all(axis=1).sum())
        pieces = (
            f"In {exactly} of them it is one exactly: every hidden unit stays on one linear piece "
            f"for all samples. "
            if exactly
            else ""
        )
        return (
            f"It is affine. In {of} the output's pre-activation is within "
            f"{self._evidence.nonaffinity[seeds].max():.2g} of an affine function of the inputs "
            f"(below {NO_BEND:g} counts). {pieces}No affine function solves this task: the best "
            f"one, a {fitted} fit, has cost {number(fit.cost)}, predicts {predicted}{more}, and is "
            f"right on {fit.right} of {samples} samples; the median cost of these networks is "
            f"{self._cost(seeds)}. The gradient is not 0 in {self._moving(seeds)} "
            f"of them: their weights still move.{self._pieces(seeds)}"
        )

    def _moving(self, seeds: BoolArray) -> int:
        return int((self._evidence.gradient[seeds] != 0.0).any(axis=1).sum())

    def _pieces(self, seeds: BoolArray) -> str:
        """Which pieces the units of some seeds are on at the end."""
        shares = self._evidence.on_piece[seeds].mean(axis=(0, 1))
        parts = [
            f"{percent(float(share))} on {piece_name(piece)} (slope {short(piece.slope)})"
            for piece, share in zip(
                self._result.variant.activation.linear_pieces, shares[:-1], strict=True
            )
        ]
        return f" Their hidden units are {', '.join(parts)}." if parts else ""

    def _dead(self, seeds: BoolArray, of: str) -> str:
        slope = self._evidence.slope[seeds].max()
        return (
            f"It is dead. In {of} no hidden unit has a slope on any sample (the largest is "
            f"{slope:.2g}), so the hidden layer stays as it is; and with it so, no weights of the "
            "output layer would be right on every sample. More epochs never solve these."
            f"{self._pieces(seeds)}"
        )

    def _frozen(self, seeds: BoolArray, of: str) -> str:
        returns = self._outlook.returns_after[seeds]
        cycles = int((returns > 1).sum())
        longer = f", or after up to {returns.max()} in {cycles} of them" if cycles else ""
        flat = int(self._evidence.saturated[seeds].sum())
        return (
            f"It is frozen. In {of}, after one epoch more{longer}, all weights are what they were, "
            "bit for bit, and so they stay for ever. The output is flat on every wrong sample in "
            f"{flat} of them.{self._pieces(seeds)}"
        )

    def _saturated(self, seeds: BoolArray, of: str) -> str:
        exactly = int((self._evidence.wrong_gradient[seeds] == 0.0).sum())
        return (
            f"Its output is saturated. In {of} the loss has a slope of at most {NO_GRADIENT:g} in "
            f"the output's pre-activation on every sample that is wrong (exactly 0 in {exactly}), "
            "so that none of these teaches. What the other samples teach still moves the weights, "
            f"which all share, in {(self._outlook.returns_after[seeds] != 1).sum()} of them: it "
            f"need not last.{self._pieces(seeds)}"
        )

    def _unstable(self, seeds: BoolArray, of: str) -> str:
        rising, thrown = (
            self._outlook.cost_rise[seeds] >= UNSTABLE_RISE,
            self._outlook.largest_step_change[seeds] >= UNSTABLE_CHANGE,
        )
        return (
            f"It is unstable. In {of} the mean cost rises by {UNSTABLE_RISE:.0%} or more "
            f"within {WINDOW} epochs ({rising.sum()}), or one step throws the prediction "
            f"that it is taken for by {UNSTABLE_CHANGE:g} or more ({thrown.sum()}). "
            f"The median cost is {self._cost(seeds)}."
        )

    def _diverged(self, seeds: BoolArray, of: str) -> str:
        del seeds
        causes = self._numbers.diverged_by
        cause = max(causes, key=lambda name: causes[name])
        epochs = np.sort(self._result.diverged_at[self._result.diverged_at != NOT_REACHED])
        loss = self._experiment.loss.name
        mostly = causes[cause] >= _MOSTLY * sum(causes.values())
        blame = f"It is the loss {loss}{', not the activation. It' if mostly else ', which'} is"
        told = {
            "saturated_right": f"{blame} undefined, 0/0, at an answer that is exactly right: a "
            "saturated output that equals its target",
            "saturated_wrong": f"It is the loss {loss} at a saturated output: its slope is "
            "infinite at an answer that is exactly wrong",
            "overflow": "It is the size of the steps: the weights grew beyond the largest number",
        }[cause]
        parts = [f"{CAUSES[name]}: {n}" for name, n in causes.items()]
        return (
            f"{told}. In {of} a weight stopped being finite, first in epoch {epochs[0]}, half of "
            f"them by epoch {epochs[(len(epochs) - 1) // 2]}, the last in epoch {epochs[-1]} "
            f"({'; '.join(parts)})."
        )

    def _plateau(self, seeds: BoolArray, of: str) -> str:
        nonaffinity = float(np.median(self._evidence.nonaffinity[seeds]))
        return (
            f"It is on a plateau, and not solved within this budget. In {of} the mean cost, "
            f"{self._cost(seeds)} in the median, falls by less than {PLATEAU_DROP:.1%} in "
            f"{WINDOW} epochs. The best affine fit has cost {number(self._fit.cost)}; the "
            f"output's pre-activation is {nonaffinity:.2g} from affine in the median."
        )

    def _slow(self, seeds: BoolArray, of: str) -> str:
        drop = float(np.median(self._outlook.cost_drop[seeds]))
        return (
            f"It is slow: not solved within this budget. In {of} the mean cost, "
            f"{self._cost(seeds)} in the median, is falling, by {drop:.2%} in {WINDOW} epochs in "
            "the median."
        )


def piece_name(piece: LinearPiece) -> str:
    """An interval as one would read it aloud."""
    start, stop = short(piece.start), short(piece.stop)
    if piece.start == -np.inf:
        return "all x" if piece.stop == np.inf else f"x below {stop}"
    return f"x above {start}" if piece.stop == np.inf else f"x from {start} to {stop}"


# --- explanation ---------------------------------------------------------------------------------

_TIMELINE_MOST = 10  # rows
_BAR = 10  # characters
_WELL = 0.9  # of the seeds solved, by the whole interval: nothing needs mending


def explanation_page(
    outcome: Outcome, summary: Summary, trials: Sequence[Trial], *, missing: int = 0
) -> Page:
    """The page that says why the one variant of an experiment failed.

    Args:
        outcome: What became of it.
        summary: Its numbers.
        trials: The remedies that were tried, from the smallest change to the largest.
        missing: How many were not tried in time.
    """
    experiment, (training,), (numbers,) = outcome.experiment, outcome.results, summary.variants
    result = Line(result_line(experiment, numbers), "answer")
    later = {} if numbers.failure else solved_later(numbers, training, trials)
    story = () if numbers.failure else told(summary, numbers, training)
    said_later = told_later(numbers, later)
    conclusion = _conclusion(experiment, numbers, trials, missing)
    remedies = [_remedies(numbers, trials)] if trials else []
    head: list[Block] = [lines(heading(experiment, numbers.label)), (result,)]
    answer: list[Block] = [(Line(conclusion[0], "title"),)] if conclusion else []
    more = "--full tells what was seen on the way, where the seeds ended, and when a remedy works"
    short = [*head, *(lines([paragraph]) for paragraph in (*story[:2], *said_later))]
    short += [*remedies, lines([more]), *answer]
    blocks = [*head, *(lines([paragraph]) for paragraph in (*story, *said_later))]
    ended = find_end_points(experiment, training)
    blocks += told_end_points(training, ended)
    if numbers.timeline is not None:
        blocks.append(_timeline(experiment, numbers, numbers.timeline))
    blocks += [*remedies, *([lines(conclusion[1:])] if conclusion[1:] else []), *answer]
    return Page(
        blocks=tuple(blocks),
        short=tuple(short),
        document=lambda every_seed: {
            **document(outcome, summary, every_seed=every_seed),
            "complete": outcome.complete and not missing,
            "story": [*story, *said_later],
            "solved_later": {
                word: {"solved": solved, "of": of} for word, (solved, of) in later.items()
            },
            "conclusion": list(conclusion),
            "end_points": document_of_end_points(training, ended, every_seed=every_seed),
            **_document_of_remedies(trials, missing),
        },
        rows=lambda: (_TRIAL_COLUMNS, [_trial_row(trial) for trial in trials]),
        brief=(Line(result.text), *lines([*story[1:2], *conclusion[:1]])),
    )


# --- tables -----------------------------------------------------------------------------------


def _timeline(experiment: Experiment, numbers: VariantSummary, line: Timeline) -> Table:
    names = [piece_name(piece) for piece in line.pieces]
    if names and line.on_piece[-1].any():
        names.append("no line")
    step = max(1, -(-(len(numbers.epochs) - 1) // (_TIMELINE_MOST - 1)))
    shown = [*range(0, len(numbers.epochs) - 1, step), len(numbers.epochs) - 1]
    rows = []
    for index in shown:
        shares = [percent(float(share)) for share in line.on_piece[: len(names), index]]
        rows.append(
            (
                str(numbers.epochs[index]),
                brief(numbers.cost[1, index]),
                _state_bar(numbers, line, index),
                *(str(states[index]) for states in line.states.values()),
                *shares,
                percent(float(line.alive[index])),
                *(f"{size:.2g}" for size in line.gradient[:, index]),
            )
        )
    going_on = f"{GLYPHS[SLOW]} none of these"
    bars = f"{legend(line.states)}, {going_on}, at least one mark each"
    over = f"over {len(experiment.seeds)} seeds" if len(experiment.seeds) > 1 else "of the seed"
    return Table(
        f"on the way, {over}: median cost; how many are {bars}; where the hidden units are; how "
        "many of them have a slope; size of the gradient in both layers",
        (
            "epoch",
            "cost",
            "seeds",
            *line.states,
            *names,
            "alive",
            "hidden",
            "output",
        ),
        tuple(rows),
        prose=("seeds",),
        splits=True,
    )


def _state_bar(numbers: VariantSummary, line: Timeline, index: int) -> str:
    """The seeds at one checkpoint as a bar; those in none of the states go on."""
    counts = {word: int(count[index]) for word, count in line.states.items()}
    counts[SLOW] = numbers.solved.n - sum(counts.values())
    return verdict_bar(counts, _BAR)


def _remedies(numbers: VariantSummary, trials: Sequence[Trial]) -> Table:
    rows = [("as it was", "", *_became(numbers, works=""))]
    rows += [
        (
            trial.part.name,
            trial.part.layers,
            *_became(trial.numbers, works="yes" if trial.works else "no"),
        )
        for trial in trials
    ]
    return Table(
        "remedies tried, from the same seeds, each alone",
        ("remedy", "layers", "solved", "95 % interval", "works", "verdicts"),
        tuple(rows),
        prose=("remedy", "layers", "verdicts"),
        firm=("solved", "95 % interval"),
    )


def _became(numbers: VariantSummary, works: str) -> tuple[str, str, str, str]:
    """The cells behind the name of a remedy."""
    if numbers.failure:
        return ("not trained", "", works, "")
    return (rate_of(numbers.solved), interval(numbers.solved), works, verdict_counts(numbers))


_TRIAL_COLUMNS = ("remedy", "layers", "works", *SOLVED_COLUMNS, *FAILED_VERDICTS)


def _trial_row(trial: Trial) -> dict[str, object]:
    row: dict[str, object] = {
        "remedy": trial.part.name,
        "layers": trial.part.layers,
        "works": "yes" if trial.works else "no",
    }
    if not trial.numbers.failure:
        row |= solved_columns(trial.numbers.solved) | counts(trial.numbers.verdicts)
    return row


def _conclusion(
    experiment: Experiment,
    numbers: VariantSummary,
    trials: Sequence[Trial],
    missing: int,
) -> tuple[str, ...]:
    if missing:
        tried = f"{len(trials)} of {len(trials) + missing} remedies were tried"
        return (f"Interrupted: {tried}, so nothing is concluded.",)
    if not trials:
        return ()
    rule = (
        "A remedy works when more than half of the seeds are solved and its interval lies wholly "
        f"above the one as it was, on at least {CLAIM_SEEDS} seeds: a rule on intervals and no "
        f"test, not corrected for the number of remedies, {len(trials)}. They stand in order, from "
        "the smallest change to the largest."
    )
    seeds = max(trial.numbers.solved.n for trial in trials)
    if seeds < CLAIM_SEEDS:
        given = "--initial-weights '' " if experiment.initial_weights is not None else ""
        few = f"{count(seeds, 'seed')} {'supports' if seeds == 1 else 'support'} no claim"
        return (f"{few}: use {given}--seeds {CLAIM_SEEDS}.", rule)
    if not numbers.failure and numbers.solved.low > _WELL:
        return (f"Nothing needs mending: {_counted(numbers)} are solved as it is.", rule)
    first, most = smallest_remedy(trials), best_remedy(trials)
    if first is None or most is None:
        return (f"None of the {len(trials)} remedies works here.", rule)
    was = f", where it was {numbers.solved.k}"
    if first is most:
        return (f"What works: {_named(first)}, solves {_counted(first.numbers)}{was}.", rule)
    return (
        f"The smallest change that works: {_named(first)}, solves {_counted(first.numbers)}{was}. "
        f"The best: {_named(most)}, solves {_counted(most.numbers)}.",
        rule,
    )


def _counted(numbers: VariantSummary) -> str:
    return f"{rate_of(numbers.solved)} seeds ({interval(numbers.solved)})"


def _named(trial: Trial) -> str:
    """A remedy, and where it is applied."""
    layers = trial.part.layers
    where = f" in {'both layers' if layers == 'both' else f'the {layers} layer'}" if layers else ""
    return f"{trial.part.name}{where}"


def _document_of_remedies(trials: Sequence[Trial], missing: int) -> dict[str, Json]:
    """What an explanation has beside the outcome: what became of the remedies."""
    return {
        "remedies_missing": missing,
        "remedies": [_trial(trial) for trial in trials],
        "cheapest": _label(smallest_remedy(trials)),  # as it was called before there was a best
        "smallest": _label(smallest_remedy(trials)),
        "best": _label(best_remedy(trials)),
    }


def _label(trial: Trial | None) -> Json:
    return None if trial is None else trial.numbers.label


def _trial(trial: Trial) -> dict[str, Json]:
    return {
        "name": trial.part.name,
        "layers": trial.part.layers or None,
        "experiment": resolved_keys(trial.part.outcome.experiment),
        "solved": solved_or_null(trial.numbers.solved),
        "verdicts": dict(trial.numbers.verdicts),
        "works": trial.works,
    }
