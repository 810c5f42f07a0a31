"""The page that says why a variant failed: from its numbers and the remedies that were tried."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from string import Formatter
from typing import Any

import numpy as np

from hsig.analysis.end_points import find_end_points
from hsig.analysis.parts import Part
from hsig.analysis.remedies import (
    MORE_EPOCHS,
    Trial,
    best_remedy,
    find_unreachable_targets,
    smallest_remedy,
)
from hsig.analysis.statistics import CLAIM_SEEDS
from hsig.analysis.summary import Summary, Timeline, VariantSummary
from hsig.arrays import Array, BoolArray
from hsig.config.loading import resolved_keys
from hsig.engines.engine import NOT_REACHED
from hsig.experiments.evidence import NO_BEND, NO_GRADIENT
from hsig.experiments.experiment import Experiment, Outcome, Training
from hsig.experiments.outlook import WINDOW
from hsig.experiments.verdicts import (
    AFFINE,
    DEAD,
    DIVERGED,
    FROZEN,
    OVERFLOW,
    PLATEAU,
    PLATEAU_DROP,
    SATURATED,
    SATURATED_RIGHT,
    SATURATED_WRONG,
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
from hsig.reports.columns import result_columns
from hsig.reports.documents import document
from hsig.reports.end_points import describe_end_points, end_points_document
from hsig.reports.obstacles import describe_out_of_reach
from hsig.reports.page import (
    Column,
    Line,
    Page,
    Rows,
    Table,
    Text,
    brief,
    count,
    interval,
    lines,
    number,
    percent,
    plain_text,
    rate_of,
    short,
)
from hsig.reports.phrases import (
    CAUSES,
    FAILED_VERDICTS,
    GLYPHS,
    chaos,
    heading,
    legend,
    result_line,
    verdict_bar,
    verdict_counts,
)

# --- story ---------------------------------------------------------------------------------------

_MAX_PREDICTIONS = 8
_MOSTLY = 0.9  # of the diverged seeds, to blame one cause alone


@dataclass(frozen=True, eq=False)
class Case:
    """The failed seeds of one verdict, with all that is known of them.

    Attributes:
        summary: The numbers of the experiment.
        numbers: Those of the variant.
        training: What became of the variant.
        verdict: The verdict that they have.
    """

    summary: Summary
    numbers: VariantSummary
    training: Training
    verdict: str

    @cached_property
    def failed(self) -> BoolArray:
        """Which seeds were not solved."""
        failed: BoolArray = self.training.verdict != VERDICTS.index(SOLVED)
        return failed

    @cached_property
    def mask(self) -> BoolArray:
        """Which seeds have the verdict."""
        mask: BoolArray = self.training.verdict == VERDICTS.index(self.verdict)
        return mask

    def evidence(self, name: str) -> Array:
        """What was observed of these seeds at the end."""
        at_end: Array = getattr(self.training.evidence.select_checkpoint(-1), name)[self.mask]
        return at_end

    def outlook(self, name: str) -> Array:
        """What the epochs after the end of the budget showed of these seeds."""
        ahead: Array = getattr(self.training.outlook, name)[self.mask]
        return ahead


# what most of the failed seeds are: a sentence is left out where a number that it takes is None
_SENTENCES: Mapping[str, tuple[str, ...]] = {
    STOPPED: ("Training was stopped before its budget, so why {of} failed is not known.",),
    UNREACHABLE: (
        "{out_of_reach}: with this output no seed can be solved.",
        "That holds whatever the weights, so why {of} failed needs no other reason.",
    ),
    AFFINE: (
        "It is affine. In {of} the output's pre-activation is within {max_nonaffinity} of an "
        f"affine function of the inputs (below {NO_BEND:g} counts).",
        "In {on_one_piece} of them it is one exactly: every hidden unit stays on one linear piece "
        "for all samples.",
        "No affine function solves this task: the best one, a {fit} fit, has cost {fit_cost}, "
        "predicts {fit_predictions}, and is right on {fit_right} of {samples} samples; the median "
        "cost of these networks is {cost}.",
        "The gradient is not 0 in {moving} of them: their weights still move.",
        "{units} {pieces}.",
    ),
    DEAD: (
        "It is dead. In {of} no unit of a hidden layer has a slope on any sample (the largest is "
        "{max_slope}), so the layer stays as it is; and with it so, no weights of the output layer "
        "would be right on every sample. More epochs never solve these.",
        "{units} {pieces}.",
    ),
    FROZEN: (
        "It is frozen. In {of}, after {returns}, all weights are what they were, bit for bit, and "
        "so they stay for ever. The output is flat on every wrong sample in {saturated} of them.",
        "{units} {pieces}.",
    ),
    SATURATED: (
        f"Its output is saturated. In {{of}} the loss has a slope of at most {NO_GRADIENT:g} in "
        "the output's pre-activation on every sample that is wrong (exactly 0 in {exactly_flat}), "
        "so that none of these teaches. What the other samples teach still moves the weights, "
        "which all share, in {not_at_rest} of them: it need not last.",
        "{units} {pieces}.",
    ),
    UNSTABLE: (
        f"It is unstable. In {{of}} the mean cost rises by {UNSTABLE_RISE:.0%} or more within "
        f"{WINDOW} epochs ({{rising}}), or one step throws the prediction that it is taken for by "
        f"{UNSTABLE_CHANGE:g} or more ({{thrown}}). The median cost is {{cost}}.",
    ),
    DIVERGED: (
        "{blame}. In {of} a weight stopped being finite, first in epoch {first_diverged}, half of "
        "them by epoch {median_diverged}, the last in epoch {last_diverged} ({causes}).",
    ),
    PLATEAU: (
        "It is on a plateau, and not solved within this budget. In {of} the mean cost, {cost} in "
        f"the median, falls by less than {PLATEAU_DROP:.1%} in {WINDOW} epochs. The best affine "
        "fit has cost {fit_cost}; the output's pre-activation is {median_nonaffinity} from affine "
        "in the median.",
    ),
    SLOW: (
        "It is slow: not solved within this budget. In {of} the mean cost, {cost} in the median, "
        f"is falling, by {{drop}} in {WINDOW} epochs in the median.",
    ),
}
_BLAME = {
    SATURATED_RIGHT: "It is the loss {loss}{not_the_activation}: it is undefined, 0/0, at an "
    "answer that is exactly right, a saturated output that equals its target",
    SATURATED_WRONG: "It is the loss {loss} at a saturated output: its slope is infinite at an "
    "answer that is exactly wrong",
    OVERFLOW: "It is the size of the steps: the weights grew beyond the largest number",
}
_NUMBERS: Mapping[str, Callable[[Case], object]] = {
    "of": lambda case: f"{case.mask.sum()} of {case.failed.sum()} failed seeds",
    "cost": lambda case: number(float(np.median(case.training.cost_mean[case.mask, -1]))),
    "samples": lambda case: len(case.summary.experiment.task.targets),
    "loss": lambda case: case.summary.experiment.loss.name,
    "out_of_reach": lambda case: _sentence_out_of_reach(case),
    "max_nonaffinity": lambda case: f"{case.evidence('nonaffinity').max():.2g}",
    "median_nonaffinity": lambda case: f"{float(np.median(case.evidence('nonaffinity'))):.2g}",
    "on_one_piece": lambda case: (
        int((case.evidence("on_one_piece") == 1.0).all(axis=1).sum()) or None
    ),
    "fit": lambda case: (
        "logistic" if case.summary.experiment.loss.needs_probabilities else "least-squares"
    ),
    "fit_cost": lambda case: number(case.summary.affine.cost),
    "fit_right": lambda case: case.summary.affine.right,
    "fit_predictions": lambda case: _list_predictions(case.summary.affine.predictions.ravel()),
    "moving": lambda case: int((case.evidence("gradient") != 0.0).any(axis=1).sum()),
    "max_slope": lambda case: f"{case.evidence('slope').min(axis=1).max():.2g}",
    "returns": lambda case: _describe_returns(case.outlook("returns_after")),
    "saturated": lambda case: int(case.evidence("saturated").sum()),
    "exactly_flat": lambda case: int((case.evidence("wrong_gradient") == 0.0).sum()),
    "not_at_rest": lambda case: int((case.outlook("returns_after") != 1).sum()),
    "rising": lambda case: int((case.outlook("cost_rise") >= UNSTABLE_RISE).sum()),
    "thrown": lambda case: int((case.outlook("largest_step_change") >= UNSTABLE_CHANGE).sum()),
    "drop": lambda case: f"{float(np.median(case.outlook('cost_drop'))):.2%}",
    "first_diverged": lambda case: _diverged_epochs(case)[0],
    "median_diverged": lambda case: _diverged_epochs(case)[(len(_diverged_epochs(case)) - 1) // 2],
    "last_diverged": lambda case: _diverged_epochs(case)[-1],
    "blame": lambda case: _fill(
        case, _BLAME[max(case.numbers.diverged_by, key=case.numbers.diverged_by.__getitem__)]
    ),
    "not_the_activation": lambda case: (
        ", not the activation"
        if max(case.numbers.diverged_by.values())
        >= _MOSTLY * sum(case.numbers.diverged_by.values())
        else ""
    ),
    "causes": lambda case: "; ".join(
        f"{CAUSES[name]}: {n}" for name, n in case.numbers.diverged_by.items()
    ),
    "units": lambda case: (
        "Their hidden units are"
        if case.training.evidence.alive.shape[-1] == 1
        else "The units of their first hidden layer are"
    ),
    "pieces": lambda case: _describe_pieces(case),
}


def _fill(case: Case, template: str) -> str | None:
    """The sentence with its numbers; None where one of them is."""
    names = {name for _, name, _, _ in Formatter().parse(template) if name}
    numbers = {name: _NUMBERS[name](case) for name in names}
    return None if None in numbers.values() else template.format(**numbers)


def describe_verdict(case: Case) -> str:
    """What the seeds of a verdict are, with the numbers that show it."""
    return " ".join(filter(None, (_fill(case, text) for text in _SENTENCES[case.verdict])))


def _sentence_out_of_reach(case: Case) -> str | None:
    found = find_unreachable_targets(case.summary.experiment, case.training.variant)
    if found is None:
        return None
    sentence = describe_out_of_reach(found)
    return f"{sentence[0].upper()}{sentence[1:]}"


def _list_predictions(predictions: Array) -> str:
    shown = ", ".join(short(round(float(p), 6)) for p in predictions[:_MAX_PREDICTIONS])
    return f"{shown}{', ...' if len(predictions) > _MAX_PREDICTIONS else ''}"


def _describe_returns(returns: Array) -> str:
    cycles = int((returns > 1).sum())
    longer = f", or after up to {returns.max()} in {cycles} of them" if cycles else ""
    return f"one epoch more{longer}"


def _diverged_epochs(case: Case) -> list[int]:
    epochs = case.training.diverged_at
    return sorted(epochs[epochs != NOT_REACHED].tolist())


def _describe_pieces(case: Case) -> str | None:
    """Which pieces the units of the first hidden layer are on at the end."""
    pieces = case.training.variant.activation.linear_pieces
    shares = case.evidence("on_piece")[:, 0].mean(axis=0).tolist()
    parts = [
        f"{percent(share)} on {piece_name(piece)} (slope {short(piece.slope)})"
        for piece, share in zip(pieces, shares, strict=False)  # padded; what is on none comes last
    ]
    return ", ".join(parts) or None


def piece_name(piece: LinearPiece) -> str:
    """An interval as one would read it aloud."""
    start, stop = short(piece.start), short(piece.stop)
    if piece.start == -np.inf:
        return "all x" if piece.stop == np.inf else f"x below {stop}"
    return f"x above {start}" if piece.stop == np.inf else f"x from {start} to {stop}"


def count_properties(case: Case) -> str:
    """How many of the failed seeds have each property, whatever their verdict."""
    end, failed = case.training.evidence.select_checkpoint(-1), case.failed
    properties = {
        "a hidden layer without any slope": end.dead,
        "an output that is flat on every wrong sample": end.saturated,
        f"an output within {NO_BEND:g} of affine": end.affine,
        "a weight that is not finite": case.training.diverged_at != NOT_REACHED,
    }
    counts = ", ".join(f"{name}: {(has & failed).sum()}" for name, has in properties.items())
    sentence = f"Of the {failed.sum()} failed seeds, whatever their verdict: {counts}."
    gradient = end.gradient[failed]
    gradient = gradient[np.isfinite(gradient).all(axis=1)]
    if not len(gradient):
        return sentence
    sizes = zip(_layer_names(gradient.shape[1] - 1), np.median(gradient, axis=0), strict=True)
    return (
        f"{sentence} The gradient's median size over the {len(gradient)} where it is finite: "
        f"{', '.join(f'{name} {size:.2g}' for name, size in sizes)}; in the first hidden layer it "
        f"is exactly 0 for {int((gradient[:, 0] == 0.0).sum())}."
    )


def _layer_names(hidden: int) -> list[str]:
    """The layers by name, the output's last."""
    if hidden == 1:
        return ["hidden", "output"]
    return [*(f"hidden {layer}" for layer in range(1, hidden + 1)), "output"]


def tell(summary: Summary, numbers: VariantSummary, training: Training) -> tuple[str, ...]:
    """The paragraphs about a variant: what most of the seeds that failed are, and what else."""
    if numbers.solved.k == numbers.solved.n:
        return ("Every seed is solved: there is nothing to explain.", *chaos(numbers))
    failed = {word: n for word, n in numbers.verdicts.items() if word != SOLVED}
    case = Case(summary, numbers, training, max(failed, key=failed.__getitem__))
    beyond = _fill(case, _SENTENCES[UNREACHABLE][0]) if case.verdict != UNREACHABLE else None
    return (
        f"Of {count(numbers.solved.n, 'seed')}: {verdict_counts(numbers.verdicts)}.",
        *([beyond] if beyond else []),
        describe_verdict(case),
        count_properties(case),
        *chaos(numbers),
    )


def solved_later(
    numbers: VariantSummary, training: Training, trials: Sequence[Trial]
) -> dict[str, tuple[int, int]]:
    """Of the seeds of each verdict, how many a longer training solves later, and of how many.

    Those are counted that are solved for the first time behind the end of the budget. Nothing if
    no longer training was tried.
    """
    longer = [trial.numbers for trial in trials if trial.numbers.epochs[-1:] > numbers.epochs[-1:]]
    if not longer or longer[0].seeds != training.seeds:
        return {}
    end = numbers.epochs[-1]
    solved = np.array([epoch is not None and epoch > end for epoch in longer[0].solved_at])
    words = np.array(VERDICTS)[training.verdict]
    return {
        word: (int((solved & (words == word)).sum()), number_of)
        for word, number_of in numbers.verdicts.items()
        if word != SOLVED
    }


def _describe_later(
    numbers: VariantSummary, later: Mapping[str, tuple[int, int]]
) -> tuple[str, ...]:
    if not later:
        return ()
    parts = ", ".join(f"{solved} of {of} {word}" for word, (solved, of) in later.items())
    return (
        f"Trained for {MORE_EPOCHS} times the {numbers.epochs[-1]} epochs, of the same seeds are "
        f"solved later: {parts}.",
    )


# --- tables --------------------------------------------------------------------------------------

_MAX_CHECKPOINTS = 10  # rows of the timeline
_BAR = 10  # characters


def _timeline(experiment: Experiment, numbers: VariantSummary, line: Timeline) -> Table:
    """What was observed at some checkpoints."""
    last = len(numbers.epochs) - 1
    step = max(1, -(-last // (_MAX_CHECKPOINTS - 1)))

    def bar(place: int) -> str:
        counts = {word: int(states[place]) for word, states in line.states.items()}
        counts[SLOW] = numbers.solved.n - sum(counts.values())  # those in none of the states
        return verdict_bar(counts, _BAR)

    def column(name: str, values: Any, text: Text) -> Column[int]:
        return Column(name, name, lambda place: values[place].item(), text)

    names = [piece_name(piece) for piece in line.pieces]
    shares = [*line.on_piece[: len(names)]]
    if names and line.on_piece[-1].any():
        names, shares = [*names, "no line"], [*shares, line.on_piece[-1]]
    layers = _layer_names(len(line.gradient) - 1)
    columns: list[Column[int]] = [
        Column("epoch", "epoch", lambda place: numbers.epochs[place]),
        Column("cost", "cost", lambda place: float(numbers.cost[1, place]), brief),
        Column("seeds", "seeds", bar, prose=True),
        *(column(word, states, plain_text) for word, states in line.states.items()),
        *(column(name, each, percent) for name, each in zip(names, shares, strict=True)),
        column("alive", line.alive, percent),
        *(
            column(*of_layer, "{:.2g}".format)
            for of_layer in zip(layers, line.gradient, strict=True)
        ),
    ]
    bars = f"{legend(line.states)}, {GLYPHS[SLOW]} none of these, at least one mark each"
    over = f"over {len(experiment.seeds)} seeds" if len(experiment.seeds) > 1 else "of the seed"
    return Rows(columns, [*range(0, last, step), last]).table(
        f"on the way, {over}: median cost; how many are {bars}; where the hidden units are; how "
        "many of them have a slope; size of the gradient in each layer",
        splits=True,
    )


_AS_IT_WAS = "as it was"


def _remedy_rows(trials: Sequence[Trial]) -> Rows[Trial]:
    """A row for each remedy that was tried."""
    results = result_columns(FAILED_VERDICTS, verdict_counts)
    columns: list[Column[Trial]] = [
        Column("remedy", "remedy", lambda trial: trial.part.name, prose=True),
        Column("layers", "layers", lambda trial: trial.part.layers or None, prose=True),
        Column("works", "works", lambda t: None if t.part.name == _AS_IT_WAS else t.works),
        *(column.on(attrgetter("numbers")) for column in results),
    ]
    return Rows(columns, trials)


def _remedy_table(outcome: Outcome, numbers: VariantSummary, trials: Sequence[Trial]) -> Table:
    before = Trial(Part(_AS_IT_WAS, outcome.experiment, outcome), numbers, works=False)
    return _remedy_rows([before, *trials]).table(
        "remedies tried, from the same seeds, each alone",
        ("remedy", "layers", "solved", "interval", "works", "verdicts"),
        firm=("solved", "95 % interval"),
    )


# --- page ----------------------------------------------------------------------------------------

_WELL_SOLVED = 0.9  # the rate from which on, by its whole interval, nothing needs mending


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
    story = () if numbers.failure else tell(summary, numbers, training)
    said_later = _describe_later(numbers, later)
    conclusion = _conclude(experiment, numbers, trials, missing)
    ended, line = find_end_points(experiment, training), numbers.timeline
    head = (lines(heading(experiment, numbers.label)), (result,))
    remedies = (_remedy_table(outcome, numbers, trials),) if trials else ()
    more = "--full tells what was seen on the way, where the seeds ended, and when a remedy works"
    return Page(
        blocks=(
            *head,
            *(lines([paragraph]) for paragraph in (*story, *said_later)),
            *describe_end_points(training, ended),
            *([_timeline(experiment, numbers, line)] if line is not None else []),
            *remedies,
            lines([_rule(trials)] if trials else []),
        ),
        short=(
            *head,
            *(lines([paragraph]) for paragraph in (*story[:2], *said_later)),
            *remedies,
            lines([more]),
        ),
        answer=(Line(conclusion, "title"),) if conclusion else (),
        document=lambda every_seed: {
            **document(outcome, summary, every_seed=every_seed),
            "complete": outcome.complete and not missing,
            "story": [*story, *said_later],
            "solved_later": {
                word: {"solved": solved, "of": of} for word, (solved, of) in later.items()
            },
            "conclusion": [conclusion, _rule(trials)] if trials else [],
            "end_points": end_points_document(training, ended, every_seed=every_seed),
            "remedies_missing": missing,
            "remedies": [
                {
                    "name": trial.part.name,
                    **record,
                    "experiment": resolved_keys(trial.part.outcome.experiment),
                }
                for trial, record in zip(trials, _remedy_rows(trials).records(), strict=True)
            ],
            "cheapest": _label(smallest_remedy(trials)),  # as it was called before there was a best
            "smallest": _label(smallest_remedy(trials)),
            "best": _label(best_remedy(trials)),
        },
        rows=_remedy_rows(trials).csv,
        brief=(Line(result.text), *lines([*story[1:2], *([conclusion] if conclusion else [])])),
    )


def _conclude(
    experiment: Experiment, numbers: VariantSummary, trials: Sequence[Trial], missing: int
) -> str:
    """What solves more seeds, in a sentence or two; nothing if no remedy was tried."""
    if missing:
        tried = f"{len(trials)} of {len(trials) + missing} remedies were tried"
        return f"Interrupted: {tried}, so nothing is concluded."
    if not trials:
        return ""
    seeds = max(trial.numbers.solved.n for trial in trials)
    if seeds < CLAIM_SEEDS:
        given = "--initial-weights '' " if experiment.initial_weights is not None else ""
        few = f"{count(seeds, 'seed')} {'supports' if seeds == 1 else 'support'} no claim"
        return f"{few}: use {given}--seeds {CLAIM_SEEDS}."
    if not numbers.failure and numbers.solved.low > _WELL_SOLVED:
        return f"Nothing needs mending: {_count_solved(numbers)} are solved as it is."
    first, most = smallest_remedy(trials), best_remedy(trials)
    if first is None or most is None:
        return f"None of the {len(trials)} remedies works here."
    was = f", where it was {numbers.solved.k}"
    solves = f"{_name_remedy(first)}, solves {_count_solved(first.numbers)}{was}."
    if first is most:
        return f"What works: {solves}"
    return (
        f"The smallest change that works: {solves} The best: {_name_remedy(most)}, solves "
        f"{_count_solved(most.numbers)}."
    )


def _rule(trials: Sequence[Trial]) -> str:
    return (
        "A remedy works when more than half of the seeds are solved and its interval lies wholly "
        f"above the one as it was, on at least {CLAIM_SEEDS} seeds: a rule on intervals and no "
        f"test, not corrected for the number of remedies, {len(trials)}. They stand in order, from "
        "the smallest change to the largest."
    )


def _count_solved(numbers: VariantSummary) -> str:
    return f"{rate_of(numbers.solved)} seeds ({interval(numbers.solved)})"


def _name_remedy(trial: Trial) -> str:
    """A remedy, and where it is applied."""
    layers = trial.part.layers
    where = f" in {'both layers' if layers == 'both' else f'the {layers} layer'}" if layers else ""
    return f"{trial.part.name}{where}"


def _label(trial: Trial | None) -> str | None:
    return None if trial is None else trial.numbers.label
