"""The page that says why a variant failed: from its numbers and the remedies that were tried."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from hsig.activations.names import to_text
from hsig.analysis.end_points import find_end_points
from hsig.analysis.parts import Part
from hsig.analysis.remedies import (
    LONG,
    LONGER,
    Trial,
    best_remedy,
    has_room,
    seeds_with_room,
    smallest_remedy,
)
from hsig.analysis.statistics import CLAIM_SEEDS
from hsig.analysis.summary import Summary, Timeline, VariantSummary
from hsig.arrays import Array, BoolArray
from hsig.config.loading import resolved_keys
from hsig.engines.engine import NOT_REACHED
from hsig.experiments.evidence import FLAT_SLOPE, NO_BEND, NO_GRADIENT
from hsig.experiments.experiment import Experiment, Outcome, Training
from hsig.experiments.outlook import WINDOW
from hsig.experiments.verdicts import (
    AFFINE,
    CYCLING,
    DEAD,
    DIVERGED,
    FROZEN,
    PLATEAU,
    PLATEAU_DROP,
    SATURATED,
    SLOW,
    SOLVED,
    STOPPED,
    SYMMETRIC,
    UNREACHABLE,
    UNSTABLE,
    UNSTABLE_CHANGE,
    UNSTABLE_RISE,
    VERDICTS,
)
from hsig.formulas.function import LinearPiece
from hsig.reports.columns import result_columns, which_cost
from hsig.reports.documents import document
from hsig.reports.end_points import describe_end_points, end_points_document
from hsig.reports.obstacles import describe_obstacle
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
_ROUNDING = 1e-9  # of a weight, relative to 1 and its size: a move that no step is too large for


@dataclass(frozen=True, eq=False)
class Case:
    """The failed seeds of one verdict, with all that is known of them."""

    summary: Summary
    numbers: VariantSummary  # of the variant
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

    @property
    def subject(self) -> str:
        """`3 of 4 failed seeds`."""
        return f"{self.mask.sum()} of {self.failed.sum()} failed seeds"

    @property
    def loss(self) -> str:
        """The median loss of the weights of these seeds at the end."""
        return number(float(np.median(self.training.loss[self.mask, -1])))

    def evidence(self, name: str) -> Array:
        """What was observed of these seeds at the end."""
        at_end: Array = getattr(self.training.evidence.select_checkpoint(-1), name)[self.mask]
        return at_end

    def outlook(self, name: str) -> Array:
        """What the epochs after the end of the budget showed of these seeds."""
        ahead: Array = getattr(self.training.outlook, name)[self.mask]
        return ahead


def _describe_stopped(case: Case) -> str:
    return f"{case.subject} were stopped before the end of their budget: why is not known."


def _describe_unreachable(case: Case) -> str:
    sentence = describe_obstacle(case.summary.experiment, case.training.variant)
    return sentence and f"Unreachable, whatever the weights: {sentence}."


def _describe_symmetric(case: Case) -> str:
    return (
        f"{case.subject} are symmetric: all units of a hidden layer have the same weights, in and "
        "out, bit for bit, so they get the same steps and stay the same. It is a network of one "
        "hidden unit, and no weights of such a one are right on every sample: more epochs never "
        "solve these. Start from weights that differ."
    )


def _describe_affine(case: Case) -> str:
    experiment, fit = case.summary.experiment, case.summary.affine
    predictions = [short(round(float(p), 6)) for p in fit.predictions.ravel()]
    more = ", ..." if len(predictions) > _MAX_PREDICTIONS else ""
    exact = int((case.evidence("on_one_piece") == 1.0).all(axis=1).sum())
    exactly = f"; in {exact} of them exactly, as each hidden unit stays on one linear piece"
    flat = int((case.evidence("flat")[:, :-1] == 1.0).any(axis=1).sum())
    constant = f"; in {flat} of them as all units of a hidden layer are on flat ends, as constants"
    output = to_text(case.training.variant.output_activation)
    return (
        f"{case.subject} are affine: their output's pre-activation is within "
        f"{case.evidence('nonaffinity').max():.2g} of an affine function of the inputs (below "
        f"{NO_BEND:g} counts){exactly if exact else ''}{constant if flat else ''}. No affine "
        f"function solves this task with an output of {output}: the "
        f"best {'logistic' if experiment.loss.needs_probabilities else 'least-squares'} fit has "
        f"loss {number(fit.cost)}, predicts {', '.join(predictions[:_MAX_PREDICTIONS])}{more}, and "
        f"is right on {fit.right} of {len(experiment.task.targets)} samples; the median loss of "
        f"the weights of these networks is {case.loss}. Those of "
        f"{(case.evidence('gradient') != 0.0).any(axis=1).sum()} of them still move."
        f"{_describe_pieces(case)}"
    )


def _describe_dead(case: Case) -> str:
    return (
        f"{case.subject} are dead: no unit of a hidden layer has a slope on any sample (the "
        f"largest is {case.evidence('slope').min(axis=1).max():.2g}), so the layer stays as it is, "
        "and then no weights of the output layer are right on every sample. More epochs never "
        f"solve these.{_describe_pieces(case)}"
    )


def _describe_frozen(case: Case) -> str:
    return (
        f"{case.subject} are frozen: no step on any sample changes a bit of a weight, and so for "
        f"ever. The output is flat on every wrong sample in {case.evidence('saturated').sum()} of "
        f"them.{_describe_pieces(case)}"
    )


def _describe_cycling(case: Case) -> str:
    returns, move = case.outlook("returns_after"), case.outlook("largest_move")
    by_bits = (returns > 1) & (move <= _ROUNDING)
    causes = {
        "by steps that are too large, to and fro: take a smaller learning rate": (
            (returns > 1) & ~by_bits
        ),
        "by steps of the samples that undo one another within an epoch": returns == 1,
        "by the last bits of the weights alone": by_bits,
    }
    counts = "; ".join(
        f"{how} ({which.sum()} of them)" for how, which in causes.items() if any(which)
    )
    return (
        f"{case.subject} are cycling: after {returns.min()} to {returns.max()} epochs all weights "
        "are what they were, bit for bit, no state between is solved, and so round and round for "
        f"ever. They move {counts}; the largest move of a weight is {move.max():.2g}."
        f"{_describe_pieces(case)}"
    )


def _describe_saturated(case: Case) -> str:
    return (
        f"{case.subject} are saturated: on every wrong sample the loss has a slope of at most "
        f"{NO_GRADIENT:g} in the output's pre-activation (exactly 0 in "
        f"{(case.evidence('wrong_gradient') == 0.0).sum()} of them), so these samples teach "
        "nothing. The other samples still move the weights in "
        f"{(case.outlook('returns_after') != 1).sum()} of them, so it need not last."
        f"{_describe_pieces(case)}"
    )


def _describe_unstable(case: Case) -> str:
    rising = (case.outlook("cost_rise") >= UNSTABLE_RISE).sum()
    thrown = (case.outlook("largest_step_change") >= UNSTABLE_CHANGE).sum()
    return (
        f"{case.subject} are unstable: the loss of the weights, {case.loss} in the median, rises "
        f"by {UNSTABLE_RISE:.0%} or more within {WINDOW} epochs ({rising} of them), or one step "
        f"changes the prediction of its sample by {UNSTABLE_CHANGE:g} or more ({thrown})."
    )


def _describe_diverged(case: Case) -> str:
    at = case.training.diverged_at
    epochs = sorted(at[at != NOT_REACHED].tolist())
    causes = "; ".join(f"{CAUSES[name]}: {n}" for name, n in case.numbers.diverged_by.items())
    return (
        f"{case.subject} diverged: a weight stopped being finite, first in epoch {epochs[0]}, in "
        f"half of them by epoch {epochs[(len(epochs) - 1) // 2]}, in the last in epoch "
        f"{epochs[-1]}. Why, with loss {case.summary.experiment.loss.name}: {causes}."
    )


def _describe_plateau(case: Case) -> str:
    return (
        f"{case.subject} are on a plateau: the loss of the weights, {case.loss} in the median, "
        f"falls by less than {PLATEAU_DROP:.1%} in {WINDOW} epochs. The best affine fit has loss "
        f"{number(case.summary.affine.cost)}; the output's pre-activation is "
        f"{np.median(case.evidence('nonaffinity')):.2g} from affine in the median."
        f"{_describe_pieces(case)}"
    )


def _describe_slow(case: Case) -> str:
    return (
        f"{case.subject} are slow: the loss of the weights, {case.loss} in the median, is still "
        f"falling, by {np.median(case.outlook('cost_drop')):.2%} in {WINDOW} epochs in the median."
    )


_DESCRIPTIONS: Mapping[str, Callable[[Case], str]] = {
    STOPPED: _describe_stopped,
    UNREACHABLE: _describe_unreachable,
    AFFINE: _describe_affine,
    DEAD: _describe_dead,
    FROZEN: _describe_frozen,
    CYCLING: _describe_cycling,
    SYMMETRIC: _describe_symmetric,
    SATURATED: _describe_saturated,
    UNSTABLE: _describe_unstable,
    DIVERGED: _describe_diverged,
    PLATEAU: _describe_plateau,
    SLOW: _describe_slow,
}


def _describe_pieces(case: Case) -> str:
    """Where the units are at the end: those of the first hidden layer by the piece."""
    pieces = case.training.variant.activation.linear_pieces
    if not pieces:
        *hidden, output = case.evidence("flat").mean(axis=0).tolist()
        return (
            f" Of their hidden units' pre-activations {' and '.join(map(percent, hidden))} are on "
            f"flat ends (where the slope is below {FLAT_SLOPE:g} of the steepest), of their "
            f"outputs' {percent(output)}."
        )
    shares = case.evidence("on_piece")[:, 0].mean(axis=0).tolist()
    parts = [
        f"{percent(share)} on {piece_name(piece)} (slope {short(piece.slope)})"
        for piece, share in zip(pieces, shares, strict=False)  # padded; what is on none comes last
    ]
    single = case.training.evidence.alive.shape[-1] == 1
    units = "Their hidden units are" if single else "The units of their first hidden layer are"
    return f" {units} {', '.join(parts)}."


def piece_name(piece: LinearPiece) -> str:
    """An interval as one would read it aloud."""
    start, stop = short(piece.start), short(piece.stop)
    if piece.start == -np.inf:
        return "all x" if piece.stop == np.inf else f"x below {stop}"
    return f"x above {start}" if piece.stop == np.inf else f"x from {start} to {stop}"


def _count_properties(case: Case) -> str:
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
        f"{sentence} The median size of the gradient, where it is finite ({len(gradient)}): "
        f"{', '.join(f'{name} {size:.2g}' for name, size in sizes)}; in the first hidden layer it "
        f"is exactly 0 for {(gradient[:, 0] == 0.0).sum()}."
    )


def _layer_names(hidden: int) -> list[str]:
    """The layers by name, the output's last."""
    if hidden == 1:
        return ["hidden", "output"]
    return [*(f"hidden {layer}" for layer in range(1, hidden + 1)), "output"]


def describe_failure(
    summary: Summary, numbers: VariantSummary, training: Training
) -> tuple[str, ...]:
    """The paragraphs about a variant: what most of the seeds that failed are, and what else."""
    if numbers.solved.k == numbers.solved.n:
        return ("Every seed is solved: there is nothing to explain.", *chaos(numbers))
    failed = {word: n for word, n in numbers.verdicts.items() if word != SOLVED}
    case = Case(summary, numbers, training, max(failed, key=failed.__getitem__))
    unreachable = _describe_unreachable(case) if case.verdict != UNREACHABLE else ""
    return (
        f"Of {count(numbers.solved.n, 'seed')}: {verdict_counts(numbers.verdicts)}.",
        *([unreachable] if unreachable else []),
        _DESCRIPTIONS[case.verdict](case),
        _count_properties(case),
        *chaos(numbers),
    )


class SolvedLater(NamedTuple):
    """What a longer training makes of the seeds of a verdict that were not solved."""

    solved: int  # at its end
    between: int  # not at its end, but for the first time on the way there
    of: int


def count_solved_later(training: Training, trials: Sequence[Trial]) -> dict[str, SolvedLater]:
    """What became of the seeds of each verdict in a longer training; empty if none was tried."""
    longer = next((t.part.outcome.results[0] for t in trials if t.part.name == LONGER), None)
    if longer is None or longer.seeds != training.seeds:
        return {}
    between = ~longer.solved & (longer.solved_at > training.epochs[-1])
    words = np.array(VERDICTS)[training.verdict]
    return {
        word: SolvedLater(
            int(longer.solved[words == word].sum()),
            int(between[words == word].sum()),
            int((words == word).sum()),
        )
        for word in FAILED_VERDICTS
        if word in words
    }


def _describe_later(later: Mapping[str, SolvedLater]) -> tuple[str, ...]:
    if not later:
        return ()
    parts = ", ".join(f"{seeds.solved} of {seeds.of} {word}" for word, seeds in later.items())
    between = sum(seeds.between for seeds in later.values())
    lost = f"; {between} more were solved on the way there, and lost it" if between else ""
    return (f"{LONGER} solve {parts} seeds{lost}.",)


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
        f"on the way, {over}: median {which_cost(experiment)}; how many are {bars}; where the "
        "hidden units are; how many of them have a slope; size of the gradient in each layer",
        splits=True,
    )


_AS_IT_WAS = "as it was"


def _remedy_rows(trials: Sequence[Trial]) -> Rows[Trial]:
    """A row for each remedy that was tried."""
    results = result_columns(FAILED_VERDICTS, verdict_counts)
    columns: list[Column[Trial]] = [
        Column("remedy", "remedy", lambda trial: trial.part.name, prose=True),
        Column("layers", "layers", lambda trial: trial.part.layers or None, prose=True),
        Column("time", "time", lambda trial: trial.time, "{:.3g}".format),
        Column("works", "works", attrgetter("works")),
        Column("in_libraries", "in libraries", attrgetter("in_libraries")),
        *(column.on(attrgetter("numbers")) for column in results),
    ]
    return Rows(columns, trials)


def _remedy_table(outcome: Outcome, numbers: VariantSummary, trials: Sequence[Trial]) -> Table:
    before = Trial(Part(_AS_IT_WAS, outcome.experiment, outcome), numbers, works=None)
    return _remedy_rows([before, *trials]).table(
        "remedies tried, from the same seeds; time: how many times as long",
        ("remedy", "layers", "time", "solved", "interval", "works", "verdicts"),
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
    later = count_solved_later(training, trials)
    story = () if numbers.failure else describe_failure(summary, numbers, training)
    said_later = _describe_later(later)
    conclusion = _conclude(experiment, numbers, trials, missing)
    ended, line = find_end_points(experiment, training), numbers.timeline
    head = (lines(heading(experiment, numbers.label)), (result,))
    remedies = (_remedy_table(outcome, numbers, trials),) if trials else ()
    more = "--full shows the way there, where the seeds ended, and when a remedy counts as working"
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
            "solved_later": {word: count._asdict() for word, count in later.items()},
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
    first, most = smallest_remedy(trials), best_remedy(trials)
    if first is None or most is None:
        return _conclude_none(numbers, trials)
    in_libraries = best_remedy(trial for trial in trials if trial.in_libraries)
    roles: dict[str, str] = {}  # by what is said of a remedy, why it is named
    for role, trial in (
        ("the smallest change that works", first),
        ("the best", most),
        ("the best that libraries have", None if most.in_libraries else in_libraries),
    ):
        if trial is not None:
            said = _describe_success(trial)
            roles[said] = f"{roles[said]} and {role}" if said in roles else role
    if len(roles) == 1:
        roles = {said: "what works" for said in roles}
    parts = [f"{role}: {said}" for said, role in roles.items()]
    parts[0] += f", where it was {numbers.solved.k}"
    return " ".join(f"{part[0].upper()}{part[1:]}." for part in parts)


def _conclude_none(numbers: VariantSummary, trials: Sequence[Trial]) -> str:
    """Say that no remedy works, or why none could be seen to."""
    solved, judged = numbers.solved, sum(trial.works is not None for trial in trials)
    if not numbers.failure and solved.low > _WELL_SOLVED:
        return f"Nothing needs mending: {_count_solved(numbers)} are solved as it is."
    if judged or has_room(solved):
        return f"None of the {judged} remedies works here."
    return (
        f"{rate_of(solved)} seeds are solved already, too many for {solved.n} seeds to show that "
        f"anything is better: use --seeds {seeds_with_room(solved)}."
    )


def _describe_success(trial: Trial) -> str:
    time = f", in {trial.time:.3g} times the time" if trial.time > 1.05 else ""
    rare = "" if trial.in_libraries else " (in no library)"
    return f"{_name_remedy(trial)}{rare}, solves {_count_solved(trial.numbers)}{time}"


def _rule(trials: Sequence[Trial]) -> str:
    return (
        "A remedy works when more than half of the seeds are solved and its interval lies wholly "
        f"above the one as it was, on at least {CLAIM_SEEDS} seeds: a rule on intervals and no "
        f"test, not corrected for the number of remedies, {len(trials)}. They stand in order, from "
        "the smallest change to the largest, and behind them what no library has. A step farther "
        "in the same direction is tried where none before it works, and what takes more than "
        f"{LONG:g} times the time where nothing else does. Weights that were given have no rate: "
        f"those drawn in their place work when they solve more than half of {CLAIM_SEEDS} seeds."
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
