"""Why seeds of a variant were not solved, in paragraphs: each with the counts that show it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hsig.activations.names import to_text
from hsig.analysis.summary import Summary, VariantSummary
from hsig.arrays import Array, BoolArray
from hsig.engines.engine import NOT_REACHED
from hsig.experiments.evidence import FLAT_SLOPE, NO_BEND, NO_GRADIENT, STARVED
from hsig.experiments.experiment import Experiment, Training
from hsig.experiments.measures import HELD_OUT, LOSS
from hsig.experiments.measures import SOLVED as IS_SOLVED
from hsig.experiments.outlook import count_epochs
from hsig.experiments.verdicts import (
    AFFINE,
    CYCLING,
    DEAD,
    DIVERGED,
    FROZEN,
    PLATEAU,
    PLATEAU_DROP,
    REACHED,
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
from hsig.networks.network import seeds_last
from hsig.reports.obstacles import describe_obstacle
from hsig.reports.page import count, measure_text, measure_words, number, percent, short
from hsig.reports.phrases import CAUSES, chaos, least_held_out, verdict_counts

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
        """Which seeds neither were solved nor got to where they were to stop."""
        well = [VERDICTS.index(word) for word in (SOLVED, REACHED)]
        failed: BoolArray = ~np.isin(self.training.verdict, well)
        return failed

    @cached_property
    def mask(self) -> BoolArray:
        """Which seeds have the verdict."""
        mask: BoolArray = self.training.verdict == VERDICTS.index(self.verdict)
        return mask

    @property
    def window(self) -> str:
        """How far was looked ahead, such as `40 epochs`."""
        weights = tuple(map(seeds_last, self.training.weights))
        problem = self.summary.experiment.problem_of(self.training.variant)
        return count(count_epochs(problem, weights), "epoch")

    @property
    def loss(self) -> str:
        """The median loss of the weights of these seeds at the end."""
        return number(float(np.median(self.training.loss[self.mask, -1])))

    def get(self, name: str) -> Array:
        """What was observed of these seeds at the end, or in the epochs after it."""
        end, ahead = self.training.evidence.select_checkpoint(-1), self.training.outlook
        found: Array = getattr(end if hasattr(end, name) else ahead, name)[self.mask]
        return found


def _describe_fit(summary: Summary) -> str:
    if (fit := summary.affine) is None:
        return ""
    predictions = [
        " ".join(short(round(p, 6)) for p in sample) for sample in fit.predictions.tolist()
    ]
    more = ", ..." if len(predictions) > _MAX_PREDICTIONS else ""
    kind = "logistic" if summary.experiment.loss.needs_probabilities else "least-squares"
    return (
        f": the best {kind} fit has loss {number(fit.cost)}, predicts "
        f"{', '.join(predictions[:_MAX_PREDICTIONS])}{more}, and is right on {fit.right} of "
        f"{len(fit.predictions)} samples"
    )


def _describe_affine(case: Case) -> str:
    experiment = case.summary.experiment
    exact = int((case.get("on_one_piece") == 1.0).all(axis=1).sum())
    why = (
        "each hidden unit stays on one linear piece"
        if experiment.hidden
        else "there is no hidden one"
    )
    exactly = f"; in {exact} of them exactly, as {why}"
    on_ends = case.get("flat")[:, :-1] == 1.0
    flat = int(on_ends.any(axis=1).sum())
    constant = (
        f"; in {flat} of them as all units of a hidden layer{_by_layer(on_ends)} are on flat ends, "
        "as constants"
    )
    output = to_text(case.training.variant.output_activation)
    return (
        "are affine: their output's pre-activation is within "
        f"{case.get('nonaffinity').max():.2g} of an affine function of the inputs (below "
        f"{NO_BEND:g} counts){exactly if exact else ''}{constant if flat else ''}. No affine "
        f"function solves this task with an output of {output}"
        f"{_describe_fit(case.summary)}; the median loss of the weights of these networks is "
        f"{case.loss}. The weights of "
        f"{(case.get('gradient') != 0.0).any(axis=1).sum()} of them still move."
    )


def _describe_cycling(case: Case) -> str:
    returns, move = case.get("returns_after"), case.get("largest_move")
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
        f"are cycling: after {returns.min()} to {returns.max()} epochs all weights are what they "
        "were, bit for bit, no state between is solved, and so round and round for ever. They move "
        f"{counts}; the largest move of a weight is {move.max():.2g}."
    )


def _describe_diverged(case: Case) -> str:
    at = case.training.diverged_at
    epochs = sorted(at[at != NOT_REACHED].tolist())
    causes = "; ".join(f"{CAUSES[name]}: {n}" for name, n in case.numbers.diverged_by.items())
    return (
        f"diverged: a weight stopped being finite, first in epoch {epochs[0]}, in half of them by "
        f"epoch {epochs[(len(epochs) - 1) // 2]}, in the last in epoch {epochs[-1]}. Why, with "
        f"loss {case.summary.experiment.loss.name}: {causes}."
    )


# what the failed seeds of a verdict do, and what shows it; an unreachable seed has its obstacle
_DESCRIPTIONS: Mapping[str, Callable[[Case], str]] = {
    STOPPED: lambda _: "were stopped before the end of their budget: why is not known.",
    SYMMETRIC: lambda _: (
        "are symmetric: all units of a hidden layer have the same weights, in and out, bit for "
        "bit, so they get the same steps and stay the same. It is a network of one hidden unit, "
        "and no weights of such a one are right on every sample: more epochs never solve these. "
        "Start from weights that differ."
    ),
    AFFINE: _describe_affine,
    DEAD: lambda case: (
        f"are dead: no unit of a hidden layer{_by_layer(case.get('slope') == 0.0)} has a slope on "
        "any sample, so the layer stays as it is, and then no weights of the "
        f"{'output layer' if case.get('slope').shape[1] == 1 else 'layers above'} are right on "
        "every sample. More epochs never solve these."
    ),
    FROZEN: lambda case: (
        f"are frozen: no step on any sample{_of_memory(case)} changes a bit of a weight, and so "
        f"for ever. The output is flat on every wrong sample in {case.get('saturated').sum()} of "
        "them."
    ),
    CYCLING: _describe_cycling,
    SATURATED: lambda case: (
        "are saturated: on every wrong sample the loss has a slope of at most "
        f"{NO_GRADIENT:g} in the output's pre-activation (exactly 0 in "
        f"{(case.get('wrong_gradient') == 0.0).sum()} of them), so these samples teach "
        "nothing. The other samples still move the weights in "
        f"{(case.get('largest_move') > 0.0).sum()} of them, so it need not last."
    ),
    UNSTABLE: lambda case: (
        f"are unstable: the loss of the weights, {case.loss} in the median, rises by "
        f"{UNSTABLE_RISE:.0%} or more within {case.window} "
        f"({(case.get('cost_rise') >= UNSTABLE_RISE).sum()} of them), or one step changes the "
        f"prediction of its sample by {UNSTABLE_CHANGE:g} or more of the targets' spread "
        f"({(case.get('largest_step_change') >= UNSTABLE_CHANGE).sum()})."
    ),
    DIVERGED: _describe_diverged,
    PLATEAU: lambda case: (
        f"are on a plateau: the loss of the weights, {case.loss} in the median, falls by less than "
        f"{PLATEAU_DROP:.1%} in {case.window}. "
        + (
            f"The best affine fit has loss {number(fit.cost)}; the"
            if (fit := case.summary.affine)
            else "The"
        )
        + " output's pre-activation is "
        f"{np.median(case.get('nonaffinity')):.2g} from affine in the median."
    ),
    SLOW: lambda case: (
        f"are slow: the loss of the weights, {case.loss} in the median, is still falling, by "
        f"{np.median(case.get('cost_drop')):.2%} in {case.window} in the median."
    ),
}
# those of which it says something where the hidden units are
_WITH_PIECES = (AFFINE, DEAD, FROZEN, CYCLING, SATURATED, PLATEAU)


def _describe_pieces(case: Case) -> str:
    """Where the units are at the end: those of the first hidden layer by the piece."""
    pieces = case.training.variant.activation.linear_pieces
    *hidden, output = case.get("flat").mean(axis=0).tolist()
    ends = f"are on flat ends (where the slope is below {FLAT_SLOPE:g} of the steepest)"
    if not hidden:
        return f" Of their outputs' pre-activations {percent(output)} {ends}."
    if not pieces:
        return (
            f" Of their hidden units' pre-activations {' and '.join(map(percent, hidden))} {ends}, "
            f"of their outputs' {percent(output)}."
        )
    shares = case.get("on_piece")[:, 0].mean(axis=0).tolist()
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
    hidden = end.slope.shape[1]
    properties = {
        "a hidden layer without any slope": end.slope == 0.0,
        "a hidden layer on flat ends alone": end.flat[:, :-1] == 1.0,
        f"a hidden layer with less than {STARVED:g} of another's gradient": end.starved[:, :-1],
        "an output that is flat on every wrong sample": end.saturated,
        f"an output within {NO_BEND:g} of affine": end.affine,
        "a weight that is not finite": case.training.diverged_at != NOT_REACHED,
    }
    parts = []
    for place, (name, has) in enumerate(properties.items()):
        if has.ndim == 1:
            parts.append(f"{name}: {(has & failed).sum()}")
        elif hidden > 1 or (hidden and place == 0):  # of a single one, the gradient says the rest
            which = has[failed]
            parts.append(f"{name}: {which.any(axis=1).sum()}{_by_layer(which)}")
    counts = ", ".join(parts)
    sentence = f"Of the {failed.sum()} {_name_failed(case)}, whatever their verdict: {counts}."
    gradient = end.gradient[failed]
    gradient = gradient[np.isfinite(gradient).all(axis=1)]
    if not len(gradient):
        return sentence
    sizes = zip(layer_names(hidden), np.median(gradient, axis=0), strict=True)
    return (
        f"{sentence} The median size of the gradient, where it is finite ({len(gradient)}): "
        f"{', '.join(f'{name} {size:.2g}' for name, size in sizes)}; in the "
        f"{'first hidden' if hidden else 'output'} layer it is exactly 0 for "
        f"{(gradient[:, 0] == 0.0).sum()}."
    )


def _name_failed(case: Case) -> str:
    """What seeds are called of which some row is wrong: they failed where none may be."""
    is_asked = case.summary.experiment.chosen_measure.name == IS_SOLVED
    return "failed seeds" if is_asked else "seeds that are not solved"


def _by_layer(has: BoolArray) -> str:
    """How many seeds have a property in which hidden layer, (seeds, layers), if there are more."""
    if has.shape[1] == 1 or not has.any():
        return ""
    counts = zip(layer_names(has.shape[1]), has.sum(axis=0).tolist(), strict=False)  # no output
    return f" ({', '.join(f'{name} in {n}' for name, n in counts if n)})"


def _of_memory(case: Case) -> str:
    """That it is not only the next steps, if an optimizer remembers those before."""
    optimizer = case.summary.experiment.optimizer
    return f", nor what {optimizer.name} remembers," if optimizer.rule.means else ""


def layer_names(hidden: int) -> list[str]:
    """The layers by name, the output's last."""
    if hidden == 1:
        return ["hidden", "output"]
    return [*(f"hidden {layer}" for layer in range(1, hidden + 1)), "output"]


def describe_failure(
    summary: Summary, numbers: VariantSummary, training: Training
) -> tuple[str, ...]:
    """The paragraphs about a variant: what most of the seeds that failed are, and what else."""
    on_held_out = _describe_held_out(summary.experiment, numbers)
    if numbers.solved.k == numbers.solved.n:
        rows = "nothing to explain" if not on_held_out else "nothing to explain of training"
        return (f"Every seed is solved: there is {rows}.", *on_held_out, *chaos(numbers))
    found = f"Of {count(numbers.solved.n, 'seed')}: {verdict_counts(numbers.verdicts)}."
    if not numbers.failed:
        stop = f"stop_at {short(summary.experiment.stop_loss or 0.0)}"
        return (
            found,
            f"None failed: those that are not solved stopped where {stop} has them stop, before "
            "every sample was right. A lower loss, or stop_at solved, trains them on.",
            *chaos(numbers),
        )
    failed = {word: n for word, n in numbers.verdicts.items() if word not in (SOLVED, REACHED)}
    case = Case(summary, numbers, training, max(failed, key=failed.__getitem__))
    obstacle = describe_obstacle(summary.experiment, training.variant)
    told = [f"Unreachable, whatever the weights: {obstacle}."] if obstacle else []
    if case.verdict != UNREACHABLE:
        subject = f"{case.mask.sum()} of {case.failed.sum()} {_name_failed(case)}"
        pieces = _describe_pieces(case) if case.verdict in _WITH_PIECES else ""
        told.append(f"{subject} {_DESCRIPTIONS[case.verdict](case)}{pieces}")
    return (
        found,
        *told,
        *on_held_out,
        _count_properties(case),
        *chaos(numbers),
    )


def _describe_held_out(experiment: Experiment, numbers: VariantSummary) -> tuple[str, ...]:
    """How the rows that are held out differ from those that were learnt, in the median."""
    if HELD_OUT + LOSS not in numbers.measures:
        return ()
    names = (LOSS, "right" if experiment.has_classes else "rmse")
    parts = [
        f"{measure_words(name)} {measure_text(name, numbers.median(HELD_OUT + name))}, not "
        f"{measure_text(name, numbers.median(name))}"
        for name in names
    ]
    least = (f"{text[0].upper()}{text[1:]}." for text in least_held_out([numbers]))
    return (" ".join([f"On the held-out rows they have {' and '.join(parts)}.", *least]),)
